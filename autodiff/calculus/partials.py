"""Partial derivatives of fields, at one point or at many, by one forward sweep."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.arrays.batching import Batch
from autodiff.arrays.plain import data_of, is_more_than_numbers
from autodiff.arrays.tensors import Tensor
from autodiff.calculus.integrands import stacked
from autodiff.core import switches, walks
from autodiff.errors import DtypeError, ShapeError
from autodiff.transforms.calling import called
from autodiff.transforms.recording import Function, leave, push, record, title, tracked_node
from autodiff.typing import Array


def points_of(p: Any, who: str) -> Tensor | Array:
    """A point or points, (d, ...), as an array or Tensor of real numbers."""
    if isinstance(p, (list, tuple)):
        p = stacked(p)
    if not is_more_than_numbers(p):
        p = np.asarray(p)
    if p.dtype.kind in "iub":
        p = p.astype(float)
    if p.dtype.kind != "f":
        raise DtypeError(f"{who}: a point must have real coordinates; dtype {p.dtype} was given.")
    if p.ndim == 0:
        raise ShapeError(
            f"{who}: a point must be an array of d coordinates, (d,), and many points (d, ...); a single number was "
            "given. For a function of one number use ad.derivative."
        )
    return p


def components(F: Function, p: Any, who: str, count: int | None = None) -> Tensor | Array:
    """The values of a vector field at points (d, ...): an array (count, ...), where count is d by default."""
    y = stacked(called(F, p))
    count = np.shape(p)[0] if count is None else count
    points = tuple(np.shape(p)[1:])
    given = np.shape(y)
    if given == (count,) and points:  # a constant field
        y = np.broadcast_to(y.reshape((count,) + (1,) * len(points)), (count, *points))
    elif given != (count, *points):
        raise ShapeError(
            f"{who}: at points of shape {np.shape(p)} {title(F)} returned shape {given}; expected "
            f"{(count, *points)}: {count} components along the first axis (np.stack([...], axis=0)). Sum over "
            f"components with axis=0, not over points."
        )
    return _floating(y)


def scalar_values(f: Function, p: Any, who: str) -> Tensor | Array:
    """The values of a scalar field at points (d, ...): an array (...)."""
    y = called(f, p)
    points = tuple(np.shape(p)[1:])
    if np.shape(y) == () and points and not (isinstance(y, Tensor) and y._node is not None):
        y = np.broadcast_to(y, points)
    if np.shape(y) != points:
        raise ShapeError(
            f"{who}: at points of shape {np.shape(p)} {title(f)} returned shape {np.shape(y)}; "
            f"expected {points}, one number for each point. Sum over components with axis=0, as in "
            f"np.sum(p**2, axis=0)."
        )
    return _floating(y)


def times_element(F: Function, p: Any, element: Any, who: str) -> Any:
    """A field at points of a curve or surface times the element there; for a scalar field, times its length."""
    y = called(F, p)
    if isinstance(y, (list, tuple)) or np.ndim(y) == np.ndim(p):
        return (components(lambda _: y, p, who) * element).sum(axis=0)
    points = np.shape(p)[1:]
    if np.shape(y) not in ((), points):
        raise ShapeError(
            f"{who}: at points of shape {np.shape(p)} {title(F)} returned shape {np.shape(y)}; expected {np.shape(p)}, "
            f"a vector field, or {points}, a scalar one."
        )
    return y * np.linalg.norm(element, axis=0)


def _floating(y: Any) -> Any:
    y = y if is_more_than_numbers(y) else np.asarray(y)
    return y.astype(float) if y.dtype.kind in "iub" else y


_ENTRIES_AT_ONCE = 16384
"""The largest number of entries of the tangents in one sweep: larger arrays no longer fit the cache, and each operation
allocates them from the system again."""


def partials(f: Function, p: Any) -> tuple[Any, Any]:
    """A function's values at points (d, ...), and its derivatives with respect to each coordinate, (d, *values).

    Parameters
    ----------
    f : callable
        Acts pointwise: the value at one point does not depend on other points.
    p : array or Tensor, (d, ...)

    Notes
    -----
    One forward sweep carries d tangents; the i-th is 1 in coordinate i of all points. With very many points each
    tangent has its own sweep.
    """
    recording = record(f, (p,), {}, (0,))
    y = recording.output
    (node,) = recording.nodes
    targets = {node}
    shape, d = np.shape(p), np.shape(p)[0]
    out = tracked_node(y, node.number)
    tensors = recording.gives_tensors
    blocks = []
    if out is not None:
        along = np.broadcast_to(np.eye(d, dtype=bool).reshape((d, d) + (1,) * (len(shape) - 1)), (d, *shape))
        found = walks.walk((out,), targets)
        lifted = found.outside and switches.is_recording()
        at_once = d if d * int(np.prod(shape)) <= _ENTRIES_AT_ONCE else 1
        for i in range(0, d, at_once):
            live = along[i : i + at_once]
            tangent = Batch(live.astype(data_of(p).dtype))
            swept = push(found, {node: tangent}, {out}, lifted, {node: Batch(live)}).get(out)
            if swept is None:
                break
            several = isinstance(swept, Batch)
            blocks.append(swept.values if several else np.broadcast_to(swept, (len(live), *np.shape(swept))))
    value = leave(y, targets, tensors)
    if not blocks:
        zeros = np.zeros((d, *np.shape(y)), data_of(y).dtype)
        return value, Tensor(zeros) if tensors else zeros
    slopes = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
    slopes = leave(slopes, targets, tensors)
    return value, Tensor(slopes) if tensors and not isinstance(slopes, Tensor) else slopes
