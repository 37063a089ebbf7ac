"""Watchers observe a graph while it is recorded or swept: anomalies, kinks, their source lines. Loaded when used."""
