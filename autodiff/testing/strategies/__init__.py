"""Hypothesis strategies for derivatives: arrays in unusual layouts, matrices by kind, random functions and networks.

This is the only package that imports Hypothesis (the extra ``testing``), so it is loaded on first use.
Its files do without ``from __future__ import annotations``: Hypothesis puts its functions into a module of its own,
where `typing.get_type_hints` would not find the names of types.
"""

from autodiff.testing.registration import register_tensors
from autodiff.testing.strategies.arrays import arrays, broadcastable_arrays, domain, shapes, special_points, tensors
from autodiff.testing.strategies.functions import Expression, scalar_functions, vector_functions
from autodiff.testing.strategies.matrices import KINDS, matrices
from autodiff.testing.strategies.minima import Minimum, minima
from autodiff.testing.strategies.networks import Network, networks

register_tensors()

__all__ = [
    "Expression",
    "KINDS",
    "Minimum",
    "Network",
    "arrays",
    "broadcastable_arrays",
    "domain",
    "matrices",
    "minima",
    "networks",
    "scalar_functions",
    "shapes",
    "special_points",
    "tensors",
    "vector_functions",
]
