"""Minima of functions: minimisation, critical points, gradient descent with its history."""
