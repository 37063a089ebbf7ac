"""The derivative tables, a file a family. Importing this room fills the registry."""

from autodiff.ops import (
    choices,
    complex_parts,
    contractions,
    diagonals,
    elementwise,
    exponentials,
    indexing,
    joining,
    network,
    products,
    reductions,
    scans,
    shapes,
)

__all__ = [
    "choices",
    "complex_parts",
    "contractions",
    "diagonals",
    "elementwise",
    "exponentials",
    "indexing",
    "joining",
    "network",
    "products",
    "reductions",
    "scans",
    "shapes",
]
