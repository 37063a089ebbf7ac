"""Dead code elimination."""

from __future__ import annotations

from autodiff.compiler.program import Program
from autodiff.compiler.values import EFFECTS


def dead_code(program: Program) -> Program:
    """The program without operations that have no effect and whose results are not used."""
    alive = set(program.results)
    kept = []
    for op in reversed(program.ops):
        if op.form in EFFECTS or any(v in alive for v in op.outputs):
            kept.append(op)
            alive.update(op.inputs())
    return program.with_ops(kept[::-1])
