"""The order of the steps of a C function: which operations share a loop, and what comes before and after it."""

from __future__ import annotations

import numpy as np

from autodiff.compiler.native import patterns, products
from autodiff.compiler.native.expressions import has_type
from autodiff.compiler.native.loops import MOST, Loop, is_elementwise, is_fold
from autodiff.compiler.native.moves import Move
from autodiff.compiler.native.part import Part, Step
from autodiff.compiler.native.places import Place, moved, moves, moving
from autodiff.compiler.native.repeating import Repeat
from autodiff.compiler.values import Op, Value

_WINDOW = 200  # operations that a loop looks ahead


def has_c(op: Op) -> bool:
    """Whether an operation can be written in C, but for its layout, which only the program knows."""
    if op.errors is not None and set(op.errors.values()) - {"ignore", "warn"}:
        return False
    if op.form == "check":
        return patterns.known(op)
    if op.form == "repeat":
        return all(map(has_c, (*op.function.body, *op.function.views.values())))
    if not all(has_type(v.dtype) and _steps_are_whole(v) for v in (*op.inputs(), *op.outputs)):
        return False
    return is_elementwise(op) or is_fold(op) or products.is_product(op) or patterns.known(op) or moves(op)


def _steps_are_whole(v: Value) -> bool:
    size = np.dtype(v.dtype).itemsize
    return all(s % size == 0 for s in v.strides or ())


class Function(Part):
    """A stretch of operations as one C function, with its steps in order."""

    def scheduled(self, ops: list[Op]) -> list[Step]:
        """The steps that carry out some operations."""
        steps: list[Step] = []
        rest = ops
        while rest:
            op = rest[0]
            if not (is_elementwise(op) or is_fold(op)):
                steps += self._others(op)
                rest = rest[1:]
                continue
            loop, before, after = self._gathered(rest)
            steps += self.scheduled(before)
            made = Loop(self, loop[0].args[0].shape if is_fold(loop[0]) else loop[0].outputs[0].shape)
            for o in loop:
                made.take(o)
            steps.append(made)
            rest = after
        return steps

    def _gathered(self, rest: list[Op]) -> tuple[list[Op], list[Op], list[Op]]:
        """The operations that share a loop with the first one, those that must come before it, and those after."""
        shape = rest[0].args[0].shape if is_fold(rest[0]) else rest[0].outputs[0].shape
        probe = Loop(self, shape)
        inside: list[Op] = []
        before: list[Op] = []
        after: list[Op] = []
        made: set[Value] = set()
        later: set[Value] = set()
        for i, op in enumerate(rest):
            if len(inside) >= MOST or i >= _WINDOW:
                after += rest[i:]
                break
            inputs = op.inputs()
            depends = any(v in later for v in inputs)
            if not depends and probe.fits(op):
                inside.append(op)
                (made if is_elementwise(op) else later).update(op.outputs)
            elif depends or any(v in made for v in inputs):
                if not (is_elementwise(op) or is_fold(op) or moves(op)):
                    after += rest[i:]
                    break
                after.append(op)
                later.update(op.outputs)
            else:
                before.append(op)
        return inside, before, after

    def _others(self, op: Op) -> list[Step]:
        if op.form == "repeat":
            return [Repeat(self, op)]
        if products.is_product(op):
            return [products.Product(self, op)]
        pattern = patterns.step(self, op)
        if pattern is not None:
            return [pattern]
        found = moved(op, [self.place_of(v) for v in moving(op)]) if moves(op) else None
        if found is None:
            raise self.no_c(op)
        if found.view is not None:
            out = op.outputs[0]
            source = self.place_of(moving(op)[0])
            if self.is_exported(out) or out in self.places:  # it has a place of its own
                return [Move(self, op, found)]
            self.places[out] = Place(source.memory, out.shape, found.view[1], found.view[0])
            return []
        return [Move(self, op, found)]
