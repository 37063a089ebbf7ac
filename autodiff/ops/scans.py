"""Running sums and products, and differences: functions that run along one axis.

No factor is divided out of a product. The derivative of a running product is a linear recurrence, and the
derivative of a linear recurrence is another one, so derivatives of every order are exact with zeros.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.core.primitives import Primitive, implements, linear, primitive
from autodiff.ops.joining import concatenate, concatenate_all
from autodiff.ops.shapes import canonical_axis, cast, flip_axes, in_a_row, operand

# --- sums -----------------------------------------------------------------------------------------


@linear(lambda x, *, axis: x.cumsum(axis), name="cumsum", passes_mask=True)
def cumsum_along(ct: Any, x: Any, *, axis: int) -> Any:
    """Cotangent of `x`: the running sum of the cotangents from the other end."""
    return flip_axes(cumsum_along(flip_axes(ct, axes=(axis,)), axis=axis), axes=(axis,))


def _prepared(a: Any, axis: Any, dtype: Any, name: str) -> tuple[Any, int]:
    """The array and the axis to run along; without an axis the flat array."""
    a = operand(a) if dtype is None else cast(operand(a), dtype=np.dtype(dtype))
    a, axis = in_a_row(a, axis)
    return a, canonical_axis(axis, a.ndim, name)


@implements(np.cumsum)
def cumsum(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """``np.cumsum``."""
    a, axis = _prepared(a, axis, dtype, "cumsum")
    return cumsum_along(a, axis=axis)


def cumulative_sum(x: Any, /, *, axis: Any = None, dtype: Any = None, include_initial: bool = False) -> Any:
    """``np.cumulative_sum``, with `include_initial` starting from 0."""
    axis = _only_axis(x, axis)
    y = cumsum(x, axis, dtype)
    return _after(0, y, axis) if include_initial else y


def _after(first: int, y: Any, axis: int) -> Any:
    """`y` after a slice that is filled with one number."""
    axis = canonical_axis(axis, y.ndim, "cumulative sums and products")
    shape = tuple(1 if i == axis else n for i, n in enumerate(y.shape))
    return concatenate([np.full(shape, first, y.dtype), y], axis)


def _only_axis(x: Any, axis: Any) -> Any:
    """These two functions require `axis`, unless the array has only one."""
    if axis is None and x.ndim != 1:
        raise ValueError(f"cumulative sums and products: give axis=; the array has shape {x.shape}.")
    return 0 if axis is None else axis


# --- recurrences and products ---------------------------------------------------------------------


def cut(x: Any, axis: int, start: int | None, stop: int | None) -> Any:
    """A slice along one axis."""
    return x[(slice(None),) * axis + (slice(start, stop),)]


def _edge(x: Any, axis: int, fill: float) -> Any:
    """One slice filled with a constant; none if the axis has length 0."""
    shape = x.shape
    return np.full((*shape[:axis], min(1, shape[axis]), *shape[axis + 1 :]), fill, x.dtype)


def delayed(x: Any, axis: int, fill: float = 0) -> Any:
    """`x` shifted one step later along an axis, starting with a constant."""
    return concatenate_all(_edge(x, axis, fill), cut(x, axis, None, -1), axis=axis)


def advanced(x: Any, axis: int, fill: int = 0) -> Any:
    """`x` shifted one step earlier along an axis, ending with a constant."""
    return concatenate_all(cut(x, axis, 1, None), _edge(x, axis, fill), axis=axis)


def _recurrence(a: Any, b: Any, *, axis: int, back: bool) -> Any:
    """r_i = a_i r_(i-1) + b_i; backwards r_i = a_(i+1) r_(i+1) + b_i, which is the transpose in `b`."""
    with np.errstate(over="ignore", invalid="ignore"):
        r = _by_doubling(a, b, axis=axis, back=back)
    return r if np.isfinite(r).all() else _step_by_step(a, b, axis=axis, back=back)


def _by_doubling(a: Any, b: Any, *, axis: int, back: bool) -> Any:
    """Few vectorised rounds. Products of factors are formed, which may overflow where no term does."""
    a, r = a.copy(), np.array(b, dtype=np.result_type(a, b))
    n, step = r.shape[axis], 1
    if back:
        a = advanced(a, axis)
    while step < n:  # doubling: after each round every entry contains twice as many of those before it
        early, late = (step, None), (None, -step)
        here, there = (late, early) if back else (early, late)
        r_more = cut(a, axis, *here) * cut(r, axis, *there)
        a_more = cut(a, axis, *here) * cut(a, axis, *there)
        cut(r, axis, *here)[...] += r_more
        cut(a, axis, *here)[...] = a_more
        step *= 2
    return r


def _step_by_step(a: Any, b: Any, *, axis: int, back: bool) -> Any:
    """Step by step, with unlimited exponents: a value too large for a float may be multiplied by 0 later."""
    dtype = np.result_type(a, b)
    a, b = (np.moveaxis(np.asarray(x, dtype), axis, 0) for x in np.broadcast_arrays(a, b))
    if back:
        a, b = np.concatenate([a[:1], a[:0:-1]]), b[::-1]
    factor, term = _wide(a), _wide(b)
    r = np.empty(b.shape, dtype)
    last = _at(term, 0)
    for i in range(len(b)):
        last = _sum(_product(_at(factor, i), last), _at(term, i)) if i else last
        r[i] = _narrow(last)
    return np.ascontiguousarray(np.moveaxis(r[::-1] if back else r, 0, axis))


_NOTHING = -(2**40)
"""The exponent of 0, smaller than all others."""


def _wide(x: Any) -> Any:
    """Numbers with unlimited exponents: pairs (x, n) for x 2^n; the larger part of x is between 1/2 and 1."""
    size = np.maximum(np.abs(x.real), np.abs(x.imag)) if x.dtype.kind == "c" else np.abs(x)
    n = np.frexp(size)[1].astype(np.int64)
    return _scaled(x, -n), np.where(size == 0, _NOTHING, n)


def _scaled(x: Any, n: Any) -> Any:
    """``x * 2**n``, with underflow to 0 and overflow to infinity."""
    with np.errstate(over="ignore", under="ignore"):
        n = np.clip(n, -5000, 5000).astype(np.intc)
        return np.ldexp(x.real, n) + 1j * np.ldexp(x.imag, n) if x.dtype.kind == "c" else np.ldexp(x, n)


def _narrow(pair: Any) -> Any:
    return _scaled(*pair)


def _at(pair: Any, i: int) -> Any:
    return pair[0][i], pair[1][i]


def _product(p: Any, q: Any) -> Any:
    with np.errstate(invalid="ignore"):
        x, n = _wide(p[0] * q[0])
    return x, np.where(n == _NOTHING, _NOTHING, n + p[1] + q[1])


def _sum(p: Any, q: Any) -> Any:
    top = np.maximum(p[1], q[1])
    with np.errstate(invalid="ignore"):
        x, n = _wide(_scaled(p[0], p[1] - top) + _scaled(q[0], q[1] - top))
    return x, np.where(n == _NOTHING, _NOTHING, n + top)


def _by_factor(ct: Any, r: Any, a: Any, b: Any, *, axis: int, back: bool) -> Any:
    ct = recurrence(a, ct, axis=axis, back=not back)
    return delayed(ct, axis) * r if back else ct * delayed(r, axis)


def _by_factor_forward(t: Any, r: Any, a: Any, b: Any, *, axis: int, back: bool) -> Any:
    step = advanced(t * r, axis) if back else t * delayed(r, axis)
    return recurrence(a, step, axis=axis, back=back)


def _mask(index: int, live: Any, r: Any, a: Any, b: Any, *, axis: int, back: bool, forward: bool) -> Any:
    if live is None:
        return None
    if index == 1:
        return _running_any(live, axis, back if forward else not back)
    # The first factor multiplies nothing. Backwards, a factor acts one step before its place.
    live = live * 1.0
    if forward:
        step = advanced(live, axis)
        return _running_any(step if back else delayed(step, axis), axis, back)
    alive = delayed(_running_any(live, axis, not back) * 1.0, axis)
    return (alive if back else delayed(advanced(_running_any(live, axis, True) * 1.0, axis), axis)) != 0


def _running_any(live: Any, axis: int, back: bool) -> Any:
    """Whether any entry so far is alive; with `back`, any entry from here on."""
    live = live * 1.0
    if back:
        return flip_axes(cumsum_along(flip_axes(live, axes=(axis,)), axis=axis), axes=(axis,)) != 0
    return cumsum_along(live, axis=axis) != 0


recurrence: Primitive = primitive(
    _recurrence,
    name="recurrence",
    vjp=[
        _by_factor,
        lambda ct, r, a, b, *, axis, back: recurrence(a, ct, axis=axis, back=not back),
    ],
    jvp=[
        _by_factor_forward,
        lambda t, r, a, b, *, axis, back: recurrence(a, t, axis=axis, back=back),
    ],
    mask_pull=lambda *args, **keywords: _mask(*args, **keywords, forward=False),
    mask_push=lambda *args, **keywords: _mask(*args, **keywords, forward=True),
)
"""A linear recurrence of the first order along an axis."""

cumprod_along: Primitive = primitive(
    lambda x, *, axis: x.cumprod(axis),
    name="cumprod",
    vjp=[lambda ct, y, x, *, axis: delayed(y, axis, 1) * recurrence(x, ct, axis=axis, back=True)],
    jvp=[lambda t, y, x, *, axis: recurrence(x, t * delayed(y, axis, 1), axis=axis, back=False)],
    mask_pull=lambda index, live, y, x, *, axis: None if live is None else _running_any(live, axis, True),
    mask_push=lambda index, live, y, x, *, axis: None if live is None else _running_any(live, axis, False),
    singular=True,  # its slope overflows
)


@implements(np.cumprod)
def cumprod(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """``np.cumprod``; derivatives of every order are exact with zeros."""
    a, axis = _prepared(a, axis, dtype, "cumprod")
    return cumprod_along(a, axis=axis)


def cumulative_prod(x: Any, /, *, axis: Any = None, dtype: Any = None, include_initial: bool = False) -> Any:
    """``np.cumulative_prod``, with `include_initial` starting from 1."""
    axis = _only_axis(x, axis)
    y = cumprod(x, axis, dtype)
    return _after(1, y, axis) if include_initial else y


if hasattr(np, "cumulative_sum"):  # NumPy 2.1
    implements(np.cumulative_sum)(cumulative_sum)
    implements(np.cumulative_prod)(cumulative_prod)


def _before_and_behind(x: Any, axis: int) -> tuple[Any, Any]:
    """For each entry the product of the entries before it and of those after it along an axis."""
    before = delayed(cumprod_along(x, axis=axis), axis, 1)
    behind = flip_axes(cumprod_along(flip_axes(x, axes=(axis,)), axis=axis), axes=(axis,))
    return before, advanced(behind, axis, 1)


def _others(x: Any, *, axis: int) -> Any:
    with np.errstate(over="ignore", invalid="ignore"):
        before, behind = _before_and_behind(x, axis)
        y = before * behind
    if np.isfinite(y).all():
        return y
    parts = np.moveaxis(np.asarray(x), axis, 0)
    factors = _wide(parts)
    one = _wide(np.ones_like(parts[0]))
    befores = [one]
    for i in range(len(parts) - 1):
        befores.append(_product(befores[-1], _at(factors, i)))
    out, behinds = np.empty_like(parts), one
    for i in reversed(range(len(parts))):
        out[i] = _narrow(_product(befores[i], behinds))
        behinds = _product(behinds, _at(factors, i))
    return np.ascontiguousarray(np.moveaxis(out, 0, axis))


def _others_pull(ct: Any, y: Any, x: Any, *, axis: int) -> Any:
    """The cotangent through the products before and after each entry, whose product the output is."""
    before, behind = _before_and_behind(x, axis)
    first = _cumprod_pull(advanced(ct * behind, axis), x, axis)
    second = _cumprod_pull(advanced(flip_axes(ct * before, axes=(axis,)), axis), flip_axes(x, axes=(axis,)), axis)
    return first + flip_axes(second, axes=(axis,))


def _cumprod_pull(ct: Any, x: Any, axis: int) -> Any:
    return delayed(cumprod_along(x, axis=axis), axis, 1) * recurrence(x, ct, axis=axis, back=True)


def _others_mask(index: int, live: Any, y: Any, x: Any, *, axis: int) -> Any:
    """Whether any other entry is alive."""
    if live is None:
        return None
    live = live * 1.0
    return live.sum(axis=axis, keepdims=True) - live > 0


others_along: Primitive = primitive(
    _others,
    name="products_of_others",
    vjp=[_others_pull],
    jvp=[lambda t, y, x, *, axis: _others_pull(t, y, x, axis=axis)],  # the second derivative of a product is symmetric
    mask_pull=_others_mask,
    mask_push=_others_mask,
    singular=True,
)


def products_of_others(x: Any, axis: int) -> Any:
    """For each entry the product of all others along an axis."""
    return others_along(x, axis=axis)


# --- differences ----------------------------------------------------------------------------------


@implements(np.diff)
def diff(a: Any, n: int = 1, axis: Any = -1, prepend: Any = None, append: Any = None) -> Any:
    """``np.diff``."""
    a = operand(a)
    axis = canonical_axis(axis, a.ndim, "diff")
    if prepend is not None or append is not None:
        parts = [_layer(e, a, axis) if e is not None else None for e in (prepend, append)]
        a = concatenate([p for p in (parts[0], a, parts[1]) if p is not None], axis)
    for _ in range(n):
        after, before = cut(a, axis, 1, None), cut(a, axis, None, -1)
        a = after != before if a.dtype == np.bool_ else after - before
    return a


def _layer(edge: Any, a: Any, axis: int) -> Any:
    """An array to put before or after: a number stands for a whole slice."""
    edge = operand(edge)
    if edge.ndim:
        return edge
    return np.broadcast_to(edge, (*a.shape[:axis], 1, *a.shape[axis + 1 :]))
