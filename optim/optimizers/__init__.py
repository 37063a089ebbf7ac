"""Optimisers: they update parameters from gradients, or from the loss as a function."""
