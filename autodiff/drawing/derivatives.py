"""The derivatives in a picture: cotangents, local partial derivatives, and the recorded backward pass.

All of them are computed by the primitives' own rules in the engine's own sweeps. No ``.grad`` is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from typing import Any, NamedTuple

import numpy as np

from autodiff.arrays.tensors import Tensor, lift
from autodiff.core import switches, tape, walks
from autodiff.core.primitives import ELEMENTWISE
from autodiff.core.sweeps import step
from autodiff.core.tape import INPUT, ITEM, Held, Node, next_number
from autodiff.core.walks import ancestors
from autodiff.errors import DtypeError
from autodiff.transforms.recording import conjugated, pull, recording_on


def inputs_of(tensors: Iterable[Tensor]) -> dict[Node, Any]:
    """The leaves and arguments that the tensors were computed from, in the order of recording, with their values."""
    roots = {t._node: t._data for t in tensors if t._node is not None}
    values = {**dict(ancestors(roots)), **roots}
    return {n: values[n] for n in sorted(values, key=lambda n: n.number) if n.primitive is INPUT}


def _ones(t: Tensor) -> Any:
    if t.dtype.kind == "c":
        raise DtypeError(
            "the derivatives of a complex result need a direction; draw its real part, its imaginary part, or its "
            "magnitude."
        )
    return np.ones_like(t._data)


def cotangents(tensors: Sequence[Tensor]) -> dict[Node, Any]:
    """The gradient of the sum of all entries of the tensors by every node that they were computed from."""
    given: dict[Node, Any] = {}
    for t in tensors:
        if t._node is not None:
            given[t._node] = given[t._node] + _ones(t) if t._node in given else _ones(t)
    reached = {node for node, _ in ancestors(given)}
    found = pull(walks.walk(given, reached), given, reached, False, {})
    return {n: conjugated(ct) for n, ct in found.items() if not isinstance(ct, (list, tuple))}


class Partial(NamedTuple):
    """A local partial derivative: of an operation's output by one of its operands.

    Attributes
    ----------
    form : {"number", "diagonal", "row", "matrix"}
        Of a number by a number; of an array, entry by entry; of a number by an array; of an array by an array.
    values : array or None
        The entries; None for a matrix, of which only the shape is known.
    shape : tuple of int
        The shape of the Jacobian: that of the output, then that of the operand.
    """

    form: str
    values: Any
    shape: tuple[int, ...]


def local_partials(node: Node) -> list[Partial | None]:
    """The local partial derivatives of an operation, from its rules; None for operands that are not tracked."""
    y = node.output
    if node.primitive is ITEM or isinstance(y, tuple) or y.dtype.kind != "f":
        return [None] * len(node.operands)
    diagonal = node.primitive is not INPUT and node.primitive.kind == ELEMENTWISE
    rules: dict[int, Any] = {}
    if diagonal or not np.ndim(y):
        with np.errstate(all="ignore"):  # infinite slopes are valid results (see the conventions)
            step(node, np.ones_like(y), {}, {}, masked=True, sent=lambda i, _, g: rules.__setitem__(i, g))
    partials: list[Partial | None] = []
    for i, (parent, x) in enumerate(zip(node.parents, node.operands, strict=True)):
        g = rules.get(i)
        shape = (*np.shape(y), *np.shape(x))
        if parent is None:
            partials.append(None)
        elif not np.ndim(y):
            zero = np.zeros_like(x) if g is None else g
            partials.append(Partial("row" if np.ndim(x) else "number", zero, shape))
        elif diagonal and np.shape(x) == np.shape(y):
            partials.append(Partial("diagonal", np.zeros_like(x) if g is None else g, shape))
        else:
            partials.append(Partial("matrix", None, shape))
    return partials


class _Attribution(tape.Watcher):
    """Notes, for each operation that a sweep records, the forward operation whose rule recorded it."""

    def __init__(self) -> None:
        self.rules: dict[Node, Node] = {}
        self._current: Node | None = None

    def swept(
        self, nodes: Iterable[Node], values: dict[Node, Any], targets: Set[Node] | None, *, reverse: bool
    ) -> Iterator[Node]:
        for node in nodes:
            self._current = node
            yield node
        self._current = None

    def recorded(self, node: Node) -> None:
        if self._current is not None:
            self.rules[node] = self._current


class Backward(NamedTuple):
    """A recorded backward pass.

    Attributes
    ----------
    results : list of Tensor
        The gradients that it computed.
    names : dict of Node to str
        For the node of each gradient, a text that says what it is the gradient of.
    rules : dict of Node to Node
        For each operation of the pass, the forward operation whose rule recorded it.
    since : int
        The smallest number that its nodes may have.
    """

    results: list[Tensor]
    names: dict[Node, str]
    rules: dict[Node, Node]
    since: int


def record_backward(tensors: Sequence[Tensor]) -> Backward:
    """Run and record the backward pass from ones at the tensors to all leaves and arguments."""
    targets = inputs_of(tensors)
    since = next_number()
    given: dict[Node, Any] = {}
    with recording_on():
        for i, t in enumerate(tensors):
            assert t._node is not None
            ones = _ones(t)
            source = Held(ones)
            source.name = "seed" if len(tensors) == 1 else f"seed {i}"
            seed = lift(ones, source)
            given[t._node] = given[t._node] + seed if t._node in given else seed
        watcher = _Attribution()
        with switches.watching(watcher):
            swept = pull(walks.walk(given, set(targets)), given, set(targets), True, {})
    results, names = [], {}
    for node in targets:
        g = swept.get(node)
        if isinstance(g, Tensor) and g._node is not None:
            names[g._node] = f"gradient of {getattr(node, 'name', None) or 'a leaf'}"
            results.append(g)
    return Backward(results, names, watcher.rules, since)
