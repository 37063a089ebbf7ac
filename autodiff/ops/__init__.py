"""The derivative tables, a file a family. Importing this room fills the registry."""

from autodiff.ops import (
    choices,
    complex_parts,
    contractions,
    diagonals,
    elementwise,
    error_function,
    exponentials,
    indexing,
    information,
    joining,
    network,
    products,
    reductions,
    scans,
    shapes,
    through_scipy,
)

__all__ = [
    "choices",
    "complex_parts",
    "contractions",
    "diagonals",
    "elementwise",
    "error_function",
    "exponentials",
    "indexing",
    "information",
    "joining",
    "network",
    "products",
    "reductions",
    "scans",
    "shapes",
    "through_scipy",
]
