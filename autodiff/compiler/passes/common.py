"""Common subexpressions: results that are computed twice from the same operands."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.compiler.passes.apart import Apart
from autodiff.compiler.program import Program
from autodiff.compiler.values import EFFECTS, Op, Value, mapped

_EITHER_WAY = {np.add, np.multiply, np.logical_and, np.logical_or, np.bitwise_and, np.bitwise_or}
"""Ufuncs whose result has the same bits in either order of operands; a maximum of 0.0 and -0.0 has not."""


def common_subexpressions(program: Program) -> Program:
    """The program with equal operations computed once; but not across an effect, which may change the operands."""
    known: dict[Any, list[Value]] = {}
    same: dict[Value, Value] = {}
    apart = Apart(program)
    ops = []
    for op in program.ops:
        op = op.with_inputs(same)
        if op.form in EFFECTS:
            known = {}
            ops.append(op)
            continue
        operands = sorted(map(_key, op.args), key=repr) if _is_symmetric(op) else _key(op.args)
        layouts = tuple(v.strides for v in op.outputs)
        key = (op.form, _key(op.function), tuple(operands), _key(op.keywords), layouts)
        first = known.setdefault(key, op.outputs)
        if first is not op.outputs and all(map(apart.may_merge, op.outputs, first)):
            same.update(zip(op.outputs, first))
        else:
            ops.append(op)
    return program.with_ops(ops, mapped(program.outputs, lambda v: same.get(v, v)))


def _is_symmetric(op: Op) -> bool:
    """Whether the order of the operands does not matter. In a complex product it does: its sums round differently."""
    complex_product = op.function is np.multiply and any(np.dtype(v.dtype).kind == "c" for v in op.outputs)
    return op.form == "ufunc" and op.function in _EITHER_WAY and not complex_product


def _key(tree: Any) -> Any:
    """A hashable key that is equal for equal operands: arrays by identity, numbers by type and value."""
    if isinstance(tree, (tuple, list)):
        return (type(tree), *map(_key, tree))
    if isinstance(tree, dict):
        return tuple(sorted((k, _key(v)) for k, v in tree.items()))
    if isinstance(tree, slice):
        return ("slice", tree.start, tree.stop, tree.step)
    if isinstance(tree, (bool, int, float, complex, str, type(None))):
        return (type(tree), repr(tree))
    return id(tree)
