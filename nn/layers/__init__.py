"""The layers, each a Module."""
