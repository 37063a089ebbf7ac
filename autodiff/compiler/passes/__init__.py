"""Rewriting a program: each pass is a function from program to program that keeps what it computes."""

from autodiff.compiler.passes.blocks import blocks
from autodiff.compiler.passes.broadcasts import broadcasts
from autodiff.compiler.passes.common import common_subexpressions
from autodiff.compiler.passes.constants import constants
from autodiff.compiler.passes.dead import dead_code
from autodiff.compiler.passes.identities import identities
from autodiff.compiler.passes.rectified import rectified
from autodiff.compiler.passes.recurrences import recurrences
from autodiff.compiler.passes.scales import scales
from autodiff.compiler.passes.signs import signs

PASSES = (constants, identities, broadcasts, common_subexpressions, identities, signs, scales, dead_code)
"""In the order in which programs go through them."""

FOR_SPEED = (recurrences, dead_code, rectified, blocks)
"""Those that are only for machines."""

__all__ = [
    "FOR_SPEED", "PASSES", "blocks", "broadcasts", "common_subexpressions", "constants", "dead_code", "identities",
    "rectified",
    "recurrences",
    "scales",
    "signs",
]  # fmt: skip
