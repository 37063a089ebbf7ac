"""A program, cut into what runs in Python before JAX, what JAX computes, and what runs in Python after it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from autodiff.compiler.native.updates import Update, updates_of
from autodiff.compiler.passes import PASSES
from autodiff.compiler.program import Program, roots_of
from autodiff.compiler.record import Decision
from autodiff.compiler.tracing import trace
from autodiff.compiler.values import EFFECTS, Op, Value, elementwise
from autodiff.core.primitives import Primitive
from autodiff.core.sweeps import are_finite
from autodiff.errors import CompileError

_OUTSIDE = ("argument", "constant", "made")


@dataclass
class Flow:
    """A program, cut into what runs here before JAX, what JAX computes, and what runs here after it.

    Attributes
    ----------
    first : list of Op
        Random draws, checks of what is known before, and what makes labels and indices from arguments: they are looked
        at before JAX runs.
    inside : list of Op
        What JAX computes: gradients and Tensors get new values in it too, and optimisers take their steps.
    looks : list of Op
        Checks of results, which may raise, before anything is changed.
    last : list of Op
        Other effects, and checks after them.
    updates : dict of Op to list of Update
        What an optimiser does in a step that is inside.
    """

    first: list[Op] = field(default_factory=list)
    inside: list[Op] = field(default_factory=list)
    looks: list[Op] = field(default_factory=list)
    last: list[Op] = field(default_factory=list)
    updates: dict[Op, list[Update]] = field(default_factory=dict)

    def labels(self, op: Op) -> Value | None:
        """The labels of a cross-entropy, if they are known before JAX runs."""
        if not _is_cross_entropy(op):
            return None
        return op.args[1] if self._knows(op.args[1]) else None

    def indices(self, op: Op) -> list[tuple[Value, int]]:
        """The indices by which an operation reads or writes, if they are known before JAX runs, and their bounds."""
        return [(v, n) for v, n in _indices(op) if v.kind != "made" and self._knows(v)]

    def _knows(self, v: Value) -> bool:
        return v.kind in _OUTSIDE or any(v in made.outputs for made in self.first)

    @classmethod
    def of(cls, program: Program, *, whole: bool = True) -> Flow:
        """Cut a program; not `whole` if this process has only a part of the arguments."""
        flow, computed = cls(), set[Value]()
        before = _before(program) if whole else set()
        given: set[Any] = set()  # the leaves that have a gradient
        changed: set[Any] = set()  # the Tensors that an optimiser has changed
        roots = roots_of(program)
        for op in program.ops:
            stale = changed and any(
                r.kind == "state" and r.payload in changed for v in op.inputs() if v.kind == "result" for r in roots[v]
            )
            known = op.form in ("live", "check") and not computed.intersection(op.inputs())
            if known or op in before:
                flow.first.append(op)
            elif op.form == "check":
                (flow.last if flow.last or changed else flow.looks).append(op)
            elif op.form == "live":
                raise CompileError(
                    f'compile(backend="jax"): {op.title} runs in Python at every call and uses a result of JAX. Call '
                    "it outside the function, or use the NumPy backend."
                )
            elif op.form == "effect":
                taken = [u.run for updates in flow.updates.values() for u in updates]
                updates = None if flow.last else _inside(op, given, taken)
                if updates is None:
                    flow.last.append(op)
                else:
                    flow.updates[op] = updates
                    flow.inside.append(op)
                    changed |= {p for u in updates for p in u.run.parameters}
            elif stale or (op.form not in ("assign", "store") and any(o.form == "effect" for o in flow.last)):
                raise CompileError(
                    'compile(backend="jax"): something is computed after a Tensor was changed. Change Tensors last, or '
                    "use the NumPy backend."
                )
            else:
                flow.inside.append(op)
                computed.update(op.outputs)
                if op.form == "assign":
                    changed.add(op.function)
                if op.form == "store":
                    (given.discard if op.args[0] is None else given.add)(op.function)
        return flow


def _before(program: Program) -> set[Op]:
    """The operations that make labels and indices of what is known before JAX runs: ``y.reshape(-1)``, for example."""
    known, found = set[Value](), set[Op]()
    for op in program.ops:
        if op.form not in EFFECTS and all(v.kind in _OUTSIDE or v in known for v in op.inputs()):
            known.update(op.outputs)
    needed = {op.args[1] for op in program.ops if _is_cross_entropy(op)}
    needed |= {v for op in program.ops for v, _ in _indices(op)}
    for op in reversed(program.ops):
        if not needed.isdisjoint(op.outputs) and known.issuperset(op.outputs):
            found.add(op)
            needed.update(op.inputs())
    return found


def _is_cross_entropy(op: Op) -> bool:
    name = op.function.name if isinstance(op.function, Primitive) else ""
    return op.form == "opaque" and name == "softmax_cross_entropy" and isinstance(op.args[1], Value)


def _indices(op: Op) -> list[tuple[Value, int]]:
    """The integer arrays by which an operation reads or writes, and the lengths of their axes."""
    name = op.function.name if isinstance(op.function, Primitive) else ""
    if op.form == "index":
        index, shape = op.args[1], op.args[0].shape
    elif name == "index_add":
        index, shape = op.keywords["index"].fill(op.args[1:]), op.keywords["shape"]
    elif name == "at_set":
        index, shape = op.keywords["index"].fill(op.args[2:]), op.args[0].shape
    elif op.form == "function" and op.title in ("take", "take_along_axis") and "mode" not in op.keywords:
        axis = [*op.args[2:3], op.keywords.get("axis")][0]
        index, shape = op.args[1], (op.args[0].size if axis is None else op.args[0].shape[axis],)
    else:
        return []
    parts = index if isinstance(index, tuple) else (index,)
    widths = [_width(part) for part in parts]
    found, axis = [], 0
    for part, width in zip(parts, widths):
        if isinstance(part, Value) and np.dtype(part.dtype).kind in "iu":
            found.append((part, shape[axis]))
        axis += len(shape) - sum(widths) if part is Ellipsis else width
    return found


def _width(part: Any) -> int:
    """How many axes a part of an index takes."""
    if isinstance(part, Value) and np.dtype(part.dtype) == np.bool_:
        return len(part.shape)
    return 0 if part is None or part is Ellipsis else 1


def split(op: Op) -> list[Op]:
    """A check that arrays are finite as an operation of JAX, and a check of its answer: they need not come here."""
    if not isinstance(op.function, Decision) or op.function.function is not are_finite or not op.function.answer:
        return [op]
    fine = Value("result", (), np.dtype(bool), name="finite", number=True)
    return [
        replace(op, form="opaque", function=are_finite, outputs=[fine]),
        replace(op, function=Decision(bool, True), args=(fine,)),
    ]


def _inside(op: Op, given: set[Any], taken: list[Any]) -> list[Update] | None:
    """The updates of an effect, if JAX can compute them: elementwise, of real parameters that all have a gradient.

    The numbers of a step are asked for before the program runs, so a second step of the same parameters is not taken.
    """
    updates = updates_of(op.function, given)
    for u in updates or ():
        whole = all(leaf in given for leaf in u.run.leaves) and u.run.values.dtype == u.vectors[0].dtype
        if not whole or u.run in taken or u.begin(here=False) is None or formula(u) is None:
            return None
    return updates


def formula(update: Update) -> tuple[Program, dict[int, float]] | None:
    """The formula of an update as a program for one parameter of any shape; None if it is more than elementwise.

    With it come the numbers by which the formula decides, by their place: they are built into the program.
    """
    numbers = list(enumerate(update.begin(here=False) or ()))
    program = _traced(update, fixed := {})
    if program is None:
        program = _traced(update, fixed := dict(numbers))
        for k, _ in numbers:  # free again those that decide nothing
            fewer = {i: x for i, x in fixed.items() if i != k}
            found = None if program is None else _traced(update, fewer)
            program, fixed = (program, fixed) if found is None else (found, fewer)
    return None if program is None else (program, fixed)


def _traced(update: Update, fixed: dict[int, float]) -> Program | None:
    dtype = update.vectors[0].dtype
    leaves: list[Any] = [np.zeros(2, dtype) for _ in update.vectors]
    for k, x in enumerate(update.begin(here=False) or ()):
        leaves.append(float(x) if k in fixed else np.asarray(x, dtype)[()])
    try:
        program = trace(update.formula, "update", leaves, lambda new: (tuple(new), {})).program
    except CompileError:
        return None
    for rewrite in PASSES:
        program = rewrite(program)
    fits = all(elementwise(op) or op.form == "operator" for op in program.ops)
    arrays = any(v.shape and v.kind not in ("argument", "result") for v in program.values())
    return program if fits and not arrays else None
