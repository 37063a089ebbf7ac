"""What looks on while a graph is built or swept: anomalies, kinks, and where in the source it was. Loaded when used."""
