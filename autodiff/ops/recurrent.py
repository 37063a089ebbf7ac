"""Recurrences over a sequence, each as one operation: the simple cell, LSTM and GRU.

The product of inputs and weights, which does not depend on the state, is computed before, in one matrix product for all
steps. The rest is a loop over time. As one primitive it costs no more than plain NumPy. The rules first compute all
gates of all steps at once, from the states that are known, and then run the loop backwards. They are plain NumPy and
hold to second order. Sequences are (n, time, features), weights (h, gates * h).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.core import switches
from autodiff.core.kinds import primitive
from autodiff.core.primitives import Primitive
from autodiff.ops.elementwise import one_minus_square, sigmoid, sigmoid_slope, tanh_slope
from autodiff.ops.workspace import workspace

# --- pieces ---------------------------------------------------------------------------------------


def _before(h: Any, start: Any) -> Any:
    """The state before each step."""
    return np.concatenate([start[:, None], h[:, :-1]], axis=1) if h.shape[1] else h


def _rows(x: Any) -> Any:
    return x.reshape((x.shape[0] * x.shape[1], x.shape[2]))


def _time_first(x: Any) -> Any:
    """Time as the first axis, C-contiguous: one copy costs less than reading scattered rows in every step."""
    steps = x.swapaxes(0, 1)
    if steps.flags.c_contiguous:
        return steps
    copy = workspace("steps", steps.shape, steps.dtype)
    np.copyto(copy, steps)
    return copy


def _by_weights(before: Any, ct: Any) -> Any:
    """The cotangent of a matrix that is used in every step."""
    return _rows(before).T @ _rows(ct)


def _stacked(steps: list[Any], like: Any) -> Any:
    return np.stack(steps, axis=1) if steps else np.zeros_like(like)


def _parts(x: Any, k: int) -> list[Any]:
    """The k gates, which are side by side along the last axis."""
    h = x.shape[-1] // k
    return [x[..., i * h : (i + 1) * h] for i in range(k)]


def _gate(z: Any) -> Any:
    """The sigmoid.

    In float64 it keeps its digits for large ``|z|``. In float32, in which networks train, it is computed from tanh,
    which NumPy has in one pass.
    """
    return sigmoid(z) if z.dtype.char in "dg" else np.tanh(z * 0.5) * 0.5 + 0.5


def _sigmoid(z: Any) -> tuple[Any, Any]:
    """The value and the slope."""
    y = _gate(z)
    return y, sigmoid_slope(z) if z.dtype.char in "dg" else y * (1 - y)


def _tanh(z: Any) -> tuple[Any, Any]:
    y = np.tanh(z)
    return y, tanh_slope(z) if z.dtype.char in "dg" else one_minus_square(y)


def _states(n: int, time: int, *operands: Any) -> tuple[Any, ...]:
    """An array for all states, time first so that each one is contiguous, and the operands in the same dtype."""
    dtype = np.result_type(*operands)
    return np.empty((time + 1, n, operands[-1].shape[0]), dtype), *(x.astype(dtype, copy=False) for x in operands)


# --- the simple cell ------------------------------------------------------------------------------


def _rnn(x: Any, h: Any, w: Any, *, bend: str) -> Any:
    states, x, h, w = _states(x.shape[0], x.shape[1], x, h, w)
    states[0] = h
    for before, z, given in zip(states, states[1:], _time_first(x)):
        np.dot(before, w, z)
        np.add(z, given, z)
        if bend == "tanh":
            np.tanh(z, z)
        else:
            np.maximum(z, 0, out=z)
    return states[1:].swapaxes(0, 1)


def _rnn_slope(y: Any, x: Any, before: Any, w: Any, bend: str) -> Any:
    if bend == "relu":
        return np.sign(y)
    return _tanh(x + before @ w)[1] if y.dtype.char in "dg" else one_minus_square(y)


def _rnn_pull(ct: Any, y: Any, x: Any, h: Any, w: Any, *, bend: str) -> Any:
    if all(type(v) is np.ndarray for v in (ct, y, x, h, w)):
        return _rnn_pull_in_place(ct, y, x, h, w, bend)
    tracer = switches.tracer()
    if tracer is not None and not any(hasattr(v, "requires_grad") for v in (ct, y, x, h, w)):
        # In a trace of arrays: one line for the whole loop. Three lines for every step would be slower and unreadable.
        return tracer.record("opaque", _rnn_pull_in_place, _rnn_pull_in_place, (ct, y, x, h, w, bend), {})
    before = _before(y, h)
    slope, transposed = _rnn_slope(y, x, before, w, bend), w.T
    zs: list[Any] = []
    d = np.zeros_like(h)
    for t in range(x.shape[1] - 1, -1, -1):
        z = (d + ct[:, t]) * slope[:, t]
        d = z @ transposed
        zs.append(z)
    by_x = _stacked(zs[::-1], x)
    return by_x, d, _by_weights(before, by_x)


def _rnn_pull_in_place(ct: Any, y: Any, x: Any, h: Any, w: Any, bend: str) -> Any:
    """The same for arrays, but faster: time comes first, so each step is contiguous, and the loop makes no array."""
    states, cts = y.swapaxes(0, 1), _time_first(ct)
    if bend == "tanh" and y.dtype.char in "dg":
        slope = _rnn_slope(y, x, _before(y, h), w, bend).swapaxes(0, 1)
    elif bend == "tanh":
        slope = np.multiply(states, states, workspace("slope", states.shape, y.dtype))
        np.subtract(1, slope, slope)
    else:
        slope = _rnn_slope(states, None, None, w, bend)
    zs, d = np.empty(states.shape, y.dtype), np.zeros(h.shape, y.dtype)
    transposed = np.ascontiguousarray(w.T, y.dtype)
    for part, s, z in zip(cts[::-1], slope[::-1], zs[::-1]):
        np.add(d, part, d)
        np.dot(np.multiply(d, s, z), transposed, d)
    by_w = h.T @ zs[0] + _rows(states[:-1]).T @ _rows(zs[1:]) if len(zs) else np.zeros_like(w)
    return zs.swapaxes(0, 1), d, by_w


def _rnn_push(ts: Any, y: Any, x: Any, h: Any, w: Any, *, bend: str) -> Any:
    tx, s, tw = ts
    before = _before(y, h)
    slope, fixed = _rnn_slope(y, x, before, w, bend), tx + before @ tw
    steps = []
    for t in range(x.shape[1]):
        s = (fixed[:, t] + s @ w) * slope[:, t]
        steps.append(s)
    return _stacked(steps, x)


rnn: Primitive = primitive(_rnn, name="rnn", vjp=_rnn_pull, jvp=_rnn_push)
"""``h = bend(x[:, t] + h @ w)`` for all t, from `x` (n, time, h), `h` (n, h), `w` (h, h) to all states (n, time, h)."""

# --- LSTM -----------------------------------------------------------------------------------------


def _lstm(x: Any, h: Any, c: Any, w: Any) -> Any:
    states, x, h, c, w = _states(x.shape[0], x.shape[1], x, h, c, w)
    cells = np.empty_like(states)
    states[0], cells[0] = h, c
    k = w.shape[0]
    for t in range(x.shape[1]):
        z = np.dot(states[t], w)
        z += x[:, t]
        new = np.tanh(z[:, 2 * k : 3 * k])
        z = _gate(z)
        new *= z[:, :k]
        c = np.multiply(cells[t], z[:, k : 2 * k], cells[t + 1])
        c += new
        np.multiply(np.tanh(c), z[:, 3 * k :], states[t + 1])
    return states[1:].swapaxes(0, 1), cells[1:].swapaxes(0, 1)


def _lstm_slopes(y: Any, x: Any, h: Any, c: Any, w: Any) -> tuple[Any, ...]:
    """For all steps at once: the slopes of the cell by gates and old cell, and of the state by gate and cell."""
    states, cells = y
    before, cells_before = _before(states, h), _before(cells, c)
    gates = _parts(x + before @ w, 4)
    (i, si), (f, sf), (g, sg), (o, so) = _sigmoid(gates[0]), _sigmoid(gates[1]), _tanh(gates[2]), _sigmoid(gates[3])
    seen, slope = _tanh(cells)
    return before, (g * si, cells_before * sf, i * sg), f, seen * so, o * slope


def _lstm_pull(cts: Any, y: Any, x: Any, h: Any, c: Any, w: Any) -> Any:
    state_ct, cell_ct = cts
    before, by_gates, by_cell, by_output, by_new = _lstm_slopes(y, x, h, c, w)
    transposed = w.T
    dh, dc = np.zeros_like(h), np.zeros_like(c)
    zs: list[Any] = []
    for t in range(x.shape[1] - 1, -1, -1):
        if state_ct is not None:
            dh = dh + state_ct[:, t]
        dc = dc + dh * by_new[:, t]
        if cell_ct is not None:
            dc = dc + cell_ct[:, t]
        z = np.concatenate([*(dc * s[:, t] for s in by_gates), dh * by_output[:, t]], axis=1)
        dh, dc = z @ transposed, dc * by_cell[:, t]
        zs.append(z)
    by_x = _stacked(zs[::-1], x)
    return by_x, dh, dc, _by_weights(before, by_x)


def _lstm_push(ts: Any, y: Any, x: Any, h: Any, c: Any, w: Any) -> Any:
    tx, th, tc, tw = (np.zeros_like(v) if s is None else s for s, v in zip(ts, (x, h, c, w), strict=True))
    before, by_gates, by_cell, by_output, by_new = _lstm_slopes(y, x, h, c, w)
    fixed = tx + before @ tw
    states, cells = [], []
    for t in range(x.shape[1]):
        parts = _parts(fixed[:, t] + th @ w, 4)
        tc = tc * by_cell[:, t]
        for z, s in zip(parts[:3], by_gates, strict=True):
            tc = tc + z * s[:, t]
        th = parts[3] * by_output[:, t] + tc * by_new[:, t]
        states.append(th)
        cells.append(tc)
    return _stacked(states, y[0]), _stacked(cells, y[1])


lstm: Primitive = primitive(_lstm, name="lstm", vjp=_lstm_pull, jvp=_lstm_push, symbolic_zeros=True)
"""From `x` (n, time, 4 h), first state and cell (n, h), `w` (h, 4 h) to all states and all cells (n, time, h). With the
gates in the order i, f, g, o: ``c = sigmoid(f) c + sigmoid(i) tanh(g)``, ``h = sigmoid(o) tanh(c)``."""

# --- GRU ------------------------------------------------------------------------------------------


def _gru(x: Any, h: Any, b: Any, w: Any) -> Any:
    states, x, h, b, w = _states(x.shape[0], x.shape[1], x, h, b, w)
    states[0] = h
    k = w.shape[0]
    for t in range(x.shape[1]):
        a = np.dot(states[t], w)
        a += b
        given = x[:, t]
        gates = _gate(a[:, : 2 * k] + given[:, : 2 * k])
        new = a[:, 2 * k :]
        new *= gates[:, :k]
        new += given[:, 2 * k :]
        np.tanh(new, new)
        h = np.subtract(states[t], new, states[t + 1])
        h *= gates[:, k:]
        h += new
    return states[1:].swapaxes(0, 1)


def _gru_slopes(y: Any, x: Any, h: Any, b: Any, w: Any) -> tuple[Any, ...]:
    before = _before(y, h)
    own = before @ w + b
    (xr, xz, xn), (hr, hz, hn) = _parts(x, 3), _parts(own, 3)
    (r, sr), (z, sz) = _sigmoid(xr + hr), _sigmoid(xz + hz)
    new, sn = _tanh(xn + r * hn)
    return before, r, z, hn * sr, (before - new) * sz, (1 - z) * sn


def _gru_pull(ct: Any, y: Any, x: Any, h: Any, b: Any, w: Any) -> Any:
    before, r, z, by_r, by_z, by_new = _gru_slopes(y, x, h, b, w)
    transposed = w.T
    d = np.zeros_like(h)
    xs, own = [], []
    for t in range(x.shape[1] - 1, -1, -1):
        d = d + ct[:, t]
        dn = d * by_new[:, t]
        dr, dz = dn * by_r[:, t], d * by_z[:, t]
        xs.append(np.concatenate([dr, dz, dn], axis=1))
        own.append(np.concatenate([dr, dz, dn * r[:, t]], axis=1))
        d = d * z[:, t] + own[-1] @ transposed
    by_own = _stacked(own[::-1], x)
    return _stacked(xs[::-1], x), d, by_own.sum(axis=(0, 1)), _by_weights(before, by_own)


def _gru_push(ts: Any, y: Any, x: Any, h: Any, b: Any, w: Any) -> Any:
    tx, s, tb, tw = ts
    before, r, z, by_r, by_z, by_new = _gru_slopes(y, x, h, b, w)
    fixed = before @ tw + tb
    steps = []
    for t in range(x.shape[1]):
        (xr, xz, xn), (hr, hz, hn) = _parts(tx[:, t], 3), _parts(fixed[:, t] + s @ w, 3)
        dn = (xn + hn * r[:, t] + (xr + hr) * by_r[:, t]) * by_new[:, t]
        s = dn + (xz + hz) * by_z[:, t] + s * z[:, t]
        steps.append(s)
    return _stacked(steps, y)


gru: Primitive = primitive(_gru, name="gru", vjp=_gru_pull, jvp=_gru_push)
"""From `x` (n, time, 3 h), first state (n, h), `b` (3 h,), `w` (h, 3 h) to all states (n, time, h). With
``a = h @ w + b`` and the gates in the order r, z, n: ``new = tanh(x_n + sigmoid(x_r + a_r) a_n)``, and h moves towards
it by the fraction ``1 - sigmoid(x_z + a_z)``."""
