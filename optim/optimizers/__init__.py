"""Optimizers: what a training step does with the gradients."""
