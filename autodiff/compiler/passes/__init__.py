"""Passes: each is a function from program to program that preserves the results, bit for bit."""

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
"""The passes for every program, in order."""

FOR_SPEED = (recurrences, dead_code, rectified, blocks)
"""The passes after them for programs that run, but not for programs that people read."""

__all__ = [
    "FOR_SPEED", "PASSES", "blocks", "broadcasts", "common_subexpressions", "constants", "dead_code", "identities",
    "rectified",
    "recurrences",
    "scales",
    "signs",
]  # fmt: skip
