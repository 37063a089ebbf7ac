"""Tracked results of a compiled function: their backward pass is a program too.

While a function is traced, the backward pass from its results to the leaves that it read is traced as well. The values
that this pass needs are returned by the forward program, after its answer, as the tape keeps them in nodes. So random
draws are those of the same call, and nothing is computed twice.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from autodiff import pytree
from autodiff.arrays.tensors import Tensor, lift
from autodiff.compiler.program import Program
from autodiff.compiler.record import Trace
from autodiff.compiler.tracer import Tracer, plain
from autodiff.compiler.values import EFFECTS, Value, mapped
from autodiff.core import switches, walks
from autodiff.core.kinds import primitive
from autodiff.core.tape import Leaf, Node
from autodiff.errors import GradientError
from autodiff.transforms.recording import pull_recorded, push_recorded, recording_on


@dataclass
class Backwards:
    """The backward pass from the answer of a function to leaves.

    Attributes
    ----------
    outputs : list of int
        Which leaves of the answer are tracked.
    leaves : list of Leaf
        Where the gradients go.
    arrays : list of array
        The values of `leaves` when the function was traced.
    program : Program or None
        From cotangents and saved values to gradients. None if it cannot be written: then the function runs again.
    kept : list of Value
        The values saved for the backward pass.
    values : list of array
        Their numbers in the first call.
    again : str
        Why the function must not run again; empty if it may.
    """

    outputs: list[int]
    leaves: list[Leaf]
    arrays: list[Any]
    program: Program | None = None
    kept: list[Value] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    again: str = ""


def swept_back(trace: Trace, output: Any, start: int) -> Backwards | None:
    """Trace the backward pass from a function's results to the leaves from before `start`; None if nothing is tracked.

    Nothing is tracked after a step that has changed its leaves, since the values to go back to are gone. Derivatives
    that a function returns are not tracked either: for second derivatives, compile the function that takes both.
    """
    if not switches.is_recording():
        return None
    derivatives: set[Value] = set()
    for op in trace.ops:
        if op.rule or (op.form == "method" and op.function == "conj" and derivatives.issuperset(op.inputs())):
            derivatives.update(op.outputs)
    roots: dict[int, Node] = {}
    found: dict[Node, Any] = {}
    flat = pytree.flatten(output)[0]
    for i, y in enumerate(flat):
        if (
            isinstance(y, Tensor)
            and y._node is not None
            and isinstance(y._data, Tracer)
            and y._data._var not in derivatives
        ):
            outside = {n: x for n, x in walks.outside_nodes([y._node], set(), start).items() if n.number < start}
            if outside:
                roots[i] = y._node
                found |= outside
    leaves = [n for n in found if isinstance(n, Leaf)]
    if not leaves or len(leaves) < len(found) or any(leaf.stamp > start for leaf in leaves):
        return None
    back = Backwards(list(roots), leaves, [plain(found[leaf]) for leaf in leaves])
    kinds = {op.form for op in trace.ops} & EFFECTS - {"check"}
    back.again = "draws or changes something" if kinds else ""
    if trace.has_swept:  # a training step: saving values for a second backward pass would cost time in every call
        back.again = "has swept back itself"
        return back
    mark, refusal = len(trace.ops), trace.refusal
    cts = [Value("argument", flat[i].shape, flat[i].dtype, k, f"ct_{k}") for k, i in enumerate(back.outputs)]
    trace.operands = {}
    try:
        with warnings.catch_warnings():  # the cotangents here are 1, in later calls they are not: ignore warnings
            warnings.simplefilter("ignore")
            seeds = [trace.tracer(np.ones(v.shape, v.dtype)[()], v) for v in cts]
            gradients = pull_recorded(list(roots.values()), seeds, list(leaves), lifted=False)
        _write(back, trace, mark, cts, gradients)
    except Exception:  # differentiating runs the function again, which then raises as the plain function does
        back.program = None
    finally:
        del trace.ops[mark:]
        trace.operands, trace.refusal = None, refusal
    return back


def _write(back: Backwards, trace: Trace, mark: int, cts: list[Value], gradients: Sequence[Any]) -> None:
    """Make a program of the operations recorded after `mark`."""
    ops = trace.ops[mark:]
    if EFFECTS & {op.form for op in ops}:
        return
    outputs = [trace.value_of(g) for g in gradients]
    made = {v for op in ops for v in op.outputs}.union(cts)
    reads = dict.fromkeys([*(v for op in ops for v in op.inputs()), *(v for v in outputs if isinstance(v, Value))])
    back.kept = [v for v in reads if v not in made and not _is_there_later(v, back.leaves)]
    operands = trace.operands or {}
    back.values = [np.array(operands[v])[()] if v.kind != "result" else operands[v] for v in back.kept]
    n = len(cts)
    fresh = {v: Value("argument", v.shape, v.dtype, n + k, v.name) for k, v in enumerate(back.kept)}
    ops = [op.with_inputs(fresh) for op in ops]
    outputs = mapped(outputs, lambda v: fresh.get(v, v))
    back.program = Program("backwards", [*cts, *fresh.values()], ops, outputs)


def _is_there_later(v: Value, leaves: list[Leaf]) -> bool:
    """Whether a value is still the same at the backward pass. If a leaf has changed by then, the tape raises."""
    return v.kind in ("constant", "made") or (v.kind == "state" and v.payload._node in leaves)


class _Kept(NamedTuple):
    """One call: its tracked results, the values saved by the program, and the arguments."""

    results: tuple[Any, ...]
    values: tuple[Any, ...]
    args: tuple[Any, ...]
    keywords: dict[str, Any]

    def __repr__(self) -> str:
        return "what the sweep needs"


class Tracking:
    """Puts the results of a compiled function on the tape; each call is one node."""

    def __init__(self, f: Callable[..., Any], back: Backwards, run: Callable[..., Any] | None) -> None:
        self._f, self._back, self._run = f, back, run
        self._operands = [lift(array, leaf) for array, leaf in zip(back.arrays, back.leaves)]
        self._primitive = primitive(self._results, vjp=self._vjp, jvp=self._jvp, name="compiled")

    def __call__(self, answer: Any, values: tuple[Any, ...], args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """The answer, tracked."""
        leaves, structure = pytree.flatten(answer)
        results = tuple([leaves[i]._data for i in self._back.outputs])
        y = self._primitive(*self._operands, call=_Kept(results, values, args, keywords))
        for i, t in zip(self._back.outputs, y if isinstance(y, tuple) else (y,)):
            leaves[i] = t
        return pytree.unflatten(structure, leaves)

    @staticmethod
    def _results(*_: Any, call: _Kept) -> Any:
        return call.results if len(call.results) > 1 else call.results[0]

    def _vjp(self, ct: Any, y: Any, *operands: Any, call: _Kept) -> tuple[Any, ...]:
        cts = ct if isinstance(ct, tuple) else (ct,)
        if self._run is not None and all(isinstance(x, (np.ndarray, np.generic)) for x in (*cts, *operands)):
            found = self._run(*cts, *call.values)
        else:
            lifted = any(isinstance(x, Tensor) for x in (*cts, *operands))
            found = pull_recorded(self._again(call), cts, list(self._back.leaves), lifted=lifted)
        return tuple(np.zeros_like(x) if g is None else g for g, x in zip(found, self._back.arrays))

    def _jvp(self, ts: tuple[Any, ...], y: Any, *operands: Any, call: _Kept) -> Any:
        lifted = any(isinstance(t, Tensor) for t in (*ts, *operands))
        out = push_recorded(self._again(call), ts, list(self._back.leaves), call.results, lifted=lifted)
        return tuple(out) if len(call.results) > 1 else out[0]

    def _again(self, call: _Kept) -> list[Node | None]:
        """Run the function again, and return the nodes of its results."""
        if self._back.again:
            raise GradientError(
                f"the result of a compiled function was differentiated in a way that runs the function again (a second "
                f"derivative, a forward sweep), but it {self._back.again}. Compile the outermost function, with the "
                f"derivative in it, or differentiate the plain function."
            )
        with recording_on():
            flat = pytree.flatten(self._f(*call.args, **call.keywords))[0]
        return [flat[i]._node for i in self._back.outputs]
