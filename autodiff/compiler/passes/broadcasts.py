"""Broadcasts absorbed: NumPy's elementwise functions broadcast their operands themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from autodiff.compiler.program import Program
from autodiff.compiler.values import LIVE, ROUNDED, Op, Value, elementwise, lays_out, row_strides
from autodiff.ops.shapes import spread

_LARGE = 1 << 24
_WITH_NUMBERS = {*ROUNDED, np.maximum, np.minimum, np.where}
"""Functions that give the same bits for a number as for an array full of it. Power is not one: x**2 is a product."""


def _shape(x: Any) -> tuple[int, ...]:
    return x.shape if isinstance(x, Value) else ()


def _uniform(v: Value) -> Any:
    """The number of which a constant array is full; None if its entries differ."""
    if v.kind != "made" or not v.shape or not v.payload.size or v.nbytes > _LARGE or np.dtype(v.dtype).kind not in "fb":
        return None
    first = v.payload.flat[0]
    same = bool((v.payload == first).all())
    if same and first == 0 and np.dtype(v.dtype).kind == "f":
        same = bool((np.signbit(v.payload) == np.signbit(first)).all())
    return first.item() if same else None


def _spreads(op: Op) -> bool:
    """Whether it is an explicit broadcast of an array: NumPy's view, or a copy."""
    known = op.function is spread if op.form == "opaque" else op.form == "function" and op.function is np.broadcast_to
    return known and isinstance(op.args[0], Value)


def _same_layout(operands: tuple[Any, ...], wide: Value, out: Value) -> bool:
    """Whether the result keeps its layout if `wide` is left out: it does if everything is in C order."""
    if wide.strides is not None and 0 in wide.strides:  # a view, which has no say in the layout
        return True
    arrays = [v for v in (*operands, out) if isinstance(v, Value)]
    return any(v.shape == out.shape for v in arrays[:-1]) and all(
        v.strides == row_strides(v.shape, np.dtype(v.dtype).itemsize) for v in arrays
    )


def broadcasts(program: Program) -> Program:
    """The program without explicit broadcasts, where an elementwise function broadcasts the smaller operand itself."""
    narrow: dict[Value, Any] = {}
    numbers: dict[Value, Any] = {}
    ops: list[Op] = []

    def without(op: Op, args: list[Any], i: int) -> Any:
        """The operand before its broadcast, or the number that fills it, if the layout of the result stays the same."""
        x = args[i]
        if not isinstance(x, Value):
            return x
        if x in narrow:
            return narrow[x] if _same_layout((*args[:i], narrow[x], *args[i + 1 :]), x, op.outputs[0]) else x
        if op.function not in _WITH_NUMBERS or not lays_out((*args[:i], *args[i + 1 :]), op.outputs[0]):
            return x
        if x not in numbers:
            numbers[x] = _uniform(x)
        return x if numbers[x] is None else numbers[x]

    for op in program.ops:
        if _spreads(op):
            if op.args[0].shape or op.args[0].kind not in LIVE:  # a live number must be read here, before an effect
                narrow[op.outputs[0]] = op.args[0]
        elif elementwise(op):
            shape, args = op.outputs[0].shape, list(op.args)
            for i, x in enumerate(args):
                tried = [*args[:i], without(op, args, i), *args[i + 1 :]]
                if tried[i] is x or np.broadcast_shapes(*map(_shape, tried)) != shape:
                    continue
                kinds = {np.dtype(a.dtype) for a in tried if isinstance(a, Value)}
                if kinds & {np.dtype(x.dtype), np.dtype(op.outputs[0].dtype)}:  # another array must keep the dtype
                    args = tried
            if not all(a is b for a, b in zip(args, op.args)):
                op = replace(op, args=tuple(args))
        ops.append(op)
    return program.with_ops(ops)
