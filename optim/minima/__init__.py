"""Minima of functions: minimizing, critical points, the paths of descent."""
