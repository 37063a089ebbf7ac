"""The derivative tables, a file a family. Importing this room fills the registry."""

from autodiff.ops import elementwise, indexing, products, reductions, shapes

__all__ = ["elementwise", "indexing", "products", "reductions", "shapes"]
