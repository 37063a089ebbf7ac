"""The Taylor coefficients of a function's results: it is recorded once, and series pass along its tape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autodiff import pytree
from autodiff.arrays.plain import data_of
from autodiff.arrays.series import Series, propagate, release
from autodiff.arrays.tensors import Tensor, lift
from autodiff.core import switches, walks
from autodiff.errors import GradientError
from autodiff.pytree import Structure
from autodiff.transforms.recording import Function, leave, record, recording_on, tracked_node


def coefficients(
    f: Function, x0: Any, along: Any, orders: Sequence[int], **kwargs: Any
) -> tuple[Structure, list[list[Any]]]:
    """The structure of ``f(x0, **kwargs)``, and for each of its leaves the coefficients of these orders.

    The series are those of f(x0 + s along) in s. `x0`, `along`, and what `f` closes over may be tracked.
    """
    recording = record(f, (x0,), kwargs, (0,))
    if len(recording.nodes) != 1:
        raise GradientError("A power series needs a function of one array; stack several with np.stack.")
    (source,) = recording.nodes
    leaves, structure = pytree.flatten(recording.output)
    targets = {source}
    roots = [tracked_node(y, source.number) for y in leaves]
    starts = {node for node in roots if node is not None}
    series: dict[Any, Any] = {}
    table: dict[Any, Any] = {}

    def coefficient(y: Any, node: Any, k: int) -> Any:
        if k == 0:
            return leave(y, targets, recording.gives_tensors) if isinstance(y, Tensor) else np.asarray(y)
        moved = series.get(node)
        c = moved.coefficient(k) if isinstance(moved, Series) else None
        c = np.zeros_like(data_of(y)) if c is None else leave(c, targets, recording.gives_tensors)
        return Tensor(c) if recording.gives_tensors and not isinstance(c, Tensor) else c

    try:
        if starts:
            found = walks.walk(tuple(starts), targets)
            lifted = found.outside or (isinstance(along, Tensor) and along._node is not None)
            lifted = lifted and switches.is_recording()
            first = lift(data_of(x0), source) if lifted else data_of(x0)
            with recording_on(), np.errstate(all="ignore"):
                series = propagate(table, found.nodes, source, first, along, max(orders), lift if lifted else None)
        return structure, [[coefficient(y, node, k) for k in orders] for y, node in zip(leaves, roots, strict=True)]
    finally:
        release(table)
