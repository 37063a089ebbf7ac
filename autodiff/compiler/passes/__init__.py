"""Rewriting a program: each pass is a function from program to program that keeps what it computes."""

from autodiff.compiler.passes.common import common_subexpressions
from autodiff.compiler.passes.dead import dead_code
from autodiff.compiler.passes.identities import identities

PASSES = (identities, common_subexpressions, identities, dead_code)
"""In the order in which `compile` runs them."""

__all__ = ["PASSES", "common_subexpressions", "dead_code", "identities"]
