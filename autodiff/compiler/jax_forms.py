"""Operations that NumPy runs as a whole, in the functions of JAX: windows, recurrences, indexed sums, softmax.

Each has the operands and keywords of the operation, and gives the same numbers to rounding.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.compiler.values import Op
from autodiff.core.primitives import Primitive
from autodiff.ops import windows

try:
    import jax
    import jax.numpy as jnp
    from jax import lax
except ImportError:  # the backend says so before it comes here; what lists all modules of a package can import this one
    pass


def form(op: Op, *, looked_at: bool = False) -> Callable[..., Any] | None:
    """The function of JAX that does what an operation does; None if there is none.

    That of a cross-entropy takes labels as they are, so they must be `looked_at` before.
    """
    name = op.function.name if isinstance(op.function, Primitive) else getattr(op.function, "__name__", "")
    if name == "index_add" and any(np.dtype(v.dtype).kind == "b" for v in op.inputs()[1:]):
        return None  # how many entries a mask selects depends on values
    if name == "softmax_cross_entropy" and not looked_at:
        return None
    if name == "at_set" and len(op.args) > 2:
        return None  # of several writes to one place the last one counts; in JAX any of them may
    return _FORMS.get(name) if op.form == "opaque" else None


# --- softmax --------------------------------------------------------------------------------------


def _exponentials(x: Any, axis: Any) -> tuple[Any, Any, Any]:
    top = jnp.max(x, axis=axis, keepdims=True)
    e = jnp.exp(x - jnp.where(jnp.isinf(top), 0, top))
    e = jnp.where(top == jnp.inf, (x == jnp.inf).astype(x.dtype), e)
    return top, e, jnp.sum(e, axis=axis, keepdims=True)


def _softmax(x: Any, *, axis: Any) -> Any:
    _, e, total = _exponentials(x, axis)
    return e / jnp.where(total == 0, 1, total)


def _log_softmax(x: Any, *, axis: Any) -> Any:
    top, _, total = _exponentials(x, axis)
    return jnp.where(jnp.isinf(top), jnp.log(_softmax(x, axis=axis)), x - top - jnp.log(total))


def _logsumexp(x: Any, *, axis: Any, keepdims: bool) -> Any:
    top, _, total = _exponentials(x, axis)
    y = jnp.log(total) + jnp.where(top == -jnp.inf, 0, top)
    return y if keepdims else jnp.squeeze(y, axis=tuple(range(x.ndim)) if axis is None else axis)


def _cross_entropy(logits: Any, labels: Any, *, ignore_index: int | None = None) -> Any:
    k = logits.shape[-1]
    rows, labels = logits.reshape((-1, k)), labels.reshape(-1)
    counts = jnp.ones(labels.shape, bool) if ignore_index is None else labels != ignore_index
    n = jnp.maximum(jnp.sum(counts), 1).astype(logits.dtype)
    log_p = rows - jnp.max(rows, axis=1, keepdims=True)
    log_p = log_p - jnp.log(jnp.sum(jnp.exp(log_p), axis=1, keepdims=True))
    chosen = jnp.where(counts, labels, 0)
    picked = jnp.take_along_axis(log_p, chosen[:, None], axis=1)[:, 0]
    total = -jnp.sum(jnp.where(counts, picked, 0)) / n
    slope = jnp.where(counts[:, None], (jnp.exp(log_p) - jax.nn.one_hot(chosen, k, dtype=logits.dtype)) / n, 0)
    return jnp.where(jnp.any(counts), total, jnp.nan).astype(logits.dtype), slope.reshape(logits.shape)


# --- sums of squares ------------------------------------------------------------------------------


def _at_scale(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function that is homogeneous, computed of entries up to 1, whose squares neither overflow nor vanish."""

    def scaled(x: Any, *, axis: Any, keepdims: bool, **keywords: Any) -> Any:
        top = jnp.max(jnp.abs(x), axis=axis, keepdims=True, initial=0)
        top = jnp.where((top > 0) & (top < jnp.inf), top, 1)
        y = f(x / top, axis=axis, keepdims=True, **keywords) * top
        return y if keepdims else jnp.squeeze(y, axis=tuple(range(x.ndim)) if axis is None else axis)

    return scaled


def _root(x: Any, **keywords: Any) -> Any:
    return jnp.sqrt(jnp.sum(jnp.abs(x) ** 2, **keywords))


# --- windows --------------------------------------------------------------------------------------


def _entries(kernel: Any, stride: Any, dilation: Any, out: Any) -> list[tuple[Any, ...]]:
    """For every position in the kernel the index of this entry of all windows."""
    every = itertools.product(*(range(k) for k in kernel))
    return [
        (..., *(slice(p * d, p * d + (n - 1) * s + 1, s) for p, d, n, s in zip(place, dilation, out, stride)))
        for place in every
    ]


def _all_windows(x: Any, kernel: Any, stride: Any, dilation: Any) -> Any:
    out = windows.count(x.shape[2:], kernel, stride, dilation)
    columns = jnp.stack([x[place] for place in _entries(kernel, stride, dilation, out)], axis=2)
    return columns.reshape((x.shape[0], x.shape[1] * columns.shape[2], -1))


def _sum_of_columns(columns: Any, shape: Any, kernel: Any, stride: Any, dilation: Any) -> Any:
    n, channels, *spatial = shape
    out = windows.count(tuple(spatial), kernel, stride, dilation)
    columns = columns.reshape((channels, -1, *out, n))
    places = [(slice(None), *place[1:]) for place in _entries(kernel, stride, dilation, out)]
    return jnp.moveaxis(_sum_at(places, [*jnp.moveaxis(columns, 1, 0)], (channels, *spatial, n)), -1, 0)


def _first_largest(x: Any, *, kernel: Any, stride: Any, dilation: Any) -> Any:
    inside, first = windows._geometry(x.shape, kernel, stride, dilation)
    out = first.shape[2:]
    entries = jnp.stack([x[place] for place in _entries(kernel, stride, dilation, out)], axis=-1)
    return jnp.asarray(inside)[jnp.argmax(entries, axis=-1)] + first  # of several NaN the first, as of largest entries


def _sum_windows(x: Any, *, kernel: Any, stride: Any, dilation: Any) -> Any:
    out = windows.count(x.shape[2:], kernel, stride, dilation)
    return sum(x[place] for place in _entries(kernel, stride, dilation, out))


def _spread_windows(ct: Any, *, shape: Any, kernel: Any, stride: Any, dilation: Any) -> Any:
    places = _entries(kernel, stride, dilation, ct.shape[2:])
    return _sum_at(places, [ct] * len(places), (*ct.shape[:2], *shape))


# --- selections -----------------------------------------------------------------------------------


def _index_add(values: Any, *arrays: Any, index: Any, shape: Any) -> Any:
    if not arrays:
        return _at(index.template, values, shape)
    return jnp.zeros(shape, values.dtype).at[index.fill(arrays)].add(values)


def _at(index: Any, values: Any, shape: Any) -> Any:
    """Zeros, with values at an index without arrays: what is the transpose of reading there.

    Not ``zeros.at[index].set(values)``: if the index covers everything, XLA makes a map of it, and the reverse of such
    a map of zeros ends the process (``jnp.flip(jnp.zeros(3).at[:].set(x))`` under `jax.jit`, jaxlib 0.10).
    """
    if values.dtype == bool:
        return _at(index, values.astype(np.uint8), shape).astype(bool)
    (x,) = jax.linear_transpose(lambda x: x[index], jax.ShapeDtypeStruct(shape, values.dtype))(values)
    return x


def _at_set(x: Any, v: Any, *, index: Any) -> Any:
    part = jax.eval_shape(lambda x: x[index.template], x).shape
    written = _at(index.template, jnp.ones(part, bool), x.shape)
    return jnp.where(written, _at(index.template, jnp.broadcast_to(v, part), x.shape), x)


def _sum_at(places: list[Any], parts: list[Any], shape: Any) -> Any:
    """The sum of arrays, each at its place in zeros."""
    x = _at(places[0], parts[0], shape)
    for place, part in zip(places[1:], parts[1:]):
        x = x.at[place].add(part)
    return x


# --- recurrences ----------------------------------------------------------------------------------


def _over_time(step: Callable[..., Any], start: Any, x: Any, reverse: bool = False) -> tuple[Any, Any]:
    """The last state, and what each step gives, time in the second axis."""
    last, out = lax.scan(step, start, jax.tree.map(lambda part: jnp.swapaxes(part, 0, 1), x), reverse=reverse)
    return last, jax.tree.map(lambda part: jnp.swapaxes(part, 0, 1), out)


def _rnn(x: Any, h: Any, w: Any, *, bend: str) -> Any:
    def step(h: Any, given: Any) -> tuple[Any, Any]:
        z = given + h @ w
        h = jnp.tanh(z) if bend == "tanh" else jnp.maximum(z, 0)
        return h, h

    return _over_time(step, h, x)[1]


def _rnn_pull(ct: Any, y: Any, x: Any, h: Any, w: Any, bend: str) -> Any:
    before = jnp.concatenate([h[:, None], y[:, :-1]], axis=1)
    slope = 1 / jnp.cosh(x + before @ w) ** 2 if bend == "tanh" else jnp.sign(y)

    def step(d: Any, given: Any) -> tuple[Any, Any]:
        part, s = given
        z = (d + part) * s
        return z @ w.T, z

    d, zs = _over_time(step, jnp.zeros_like(h), (ct, slope), reverse=True)
    return zs, d, jnp.einsum("ntk,ntl->kl", before, zs)


def _lstm(x: Any, h: Any, c: Any, w: Any) -> Any:
    def step(state: Any, given: Any) -> tuple[Any, Any]:
        h, c = state
        i, f, g, o = jnp.split(given + h @ w, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), (h, c)

    return _over_time(step, (h, c), x)[1]


def _gru(x: Any, h: Any, b: Any, w: Any) -> Any:
    k = w.shape[0]

    def step(h: Any, given: Any) -> tuple[Any, Any]:
        own = h @ w + b
        r, z = jnp.split(jax.nn.sigmoid(own[:, : 2 * k] + given[:, : 2 * k]), 2, axis=1)
        new = jnp.tanh(given[:, 2 * k :] + r * own[:, 2 * k :])
        h = (h - new) * z + new
        return h, h

    return _over_time(step, h, x)[1]


def _are_finite(*arrays: Any) -> Any:
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(x)) for x in arrays if x is not None]))


_FORMS: dict[str, Callable[..., Any]] = {
    "are_finite": _are_finite,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "logsumexp": _logsumexp,
    "softmax_cross_entropy": _cross_entropy,
    "erf": lambda x: jax.scipy.special.erf(x),
    "erfc": lambda x: jax.scipy.special.erfc(x),
    "clip": lambda *operands, **keywords: jnp.clip(*operands, **keywords),
    "contiguous": lambda x: jnp.asarray(x),
    "all_windows": _all_windows,
    "sum_of_columns": _sum_of_columns,
    "first_largest": _first_largest,
    "sum_windows": _sum_windows,
    "spread_windows": _spread_windows,
    "index_add": _index_add,
    "at_set": _at_set,
    "spread": lambda x, *, shape: jnp.broadcast_to(x, shape),
    "norm": _at_scale(_root),
    "std": _at_scale(lambda x, **keywords: jnp.std(x, **keywords)),
    "rnn": _rnn,
    "_rnn_pull_in_place": _rnn_pull,
    "lstm": _lstm,
    "gru": _gru,
}
