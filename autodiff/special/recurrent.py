"""Recurrent networks: a state carried through a sequence, step by step. Each is one operation."""

from __future__ import annotations

from typing import Any, Literal, overload

from autodiff.arrays.tensors import Tensor
from autodiff.errors import ShapeError
from autodiff.ops import recurrent
from autodiff.ops.shapes import operand
from autodiff.typing import Array


def _fit(name: str, gates: int, x: Any, w: Any, **states: Any) -> None:
    """Check the shapes: the sequence is (n, time, gates * h), the states are (n, h), the weights (h, gates * h)."""
    h = w.shape[0] if w.ndim == 2 else -1
    fits = x.ndim == 3 and h >= 0 and x.shape[2] == w.shape[1] == gates * h
    if not fits or any(s.shape != (x.shape[0], h) for s in states.values()):
        many = "h" if gates == 1 else f"{gates} h"
        given = ", ".join(f"{k} {s.shape}" for k, s in {"x": x, **states, "w": w}.items())
        raise ShapeError(f"{name}: x must be (n, time, {many}), states (n, h), w (h, {many}); {given} were given.")


@overload
def rnn(x: Tensor, h: Array | Tensor, w: Array | Tensor, *, nonlinearity: Literal["tanh", "relu"] = ...) -> Tensor: ...
@overload
def rnn(x: Array | Tensor, h: Tensor, w: Array | Tensor, *, nonlinearity: Literal["tanh", "relu"] = ...) -> Tensor: ...
@overload
def rnn(x: Array | Tensor, h: Array | Tensor, w: Tensor, *, nonlinearity: Literal["tanh", "relu"] = ...) -> Tensor: ...
@overload
def rnn(x: Array, h: Array, w: Array, *, nonlinearity: Literal["tanh", "relu"] = ...) -> Array: ...
def rnn(x: Any, h: Any, w: Any, *, nonlinearity: Literal["tanh", "relu"] = "tanh") -> Tensor | Array:
    """``h = tanh(x[:, t] + h @ w)`` for every step of a sequence.

    Parameters
    ----------
    x : array or Tensor, (n, time, h)
        The contribution of the input at each step: inputs times their weights, plus the bias.
    h : array or Tensor, (n, h)
        The state before the first step.
    w : array or Tensor, (h, h)
        The weights of the state.
    nonlinearity : {"tanh", "relu"}
        The activation function.

    Returns
    -------
    array or Tensor, (n, time, h)
        The state after each step. In the dtype of the operands.

    Raises
    ------
    ValueError
        If `nonlinearity` is neither "tanh" nor "relu".
    ShapeError
        If the shapes do not fit.

    References
    ----------
    J. L. Elman, "Finding structure in time", Cognitive Science 14 (1990).

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff import special
    >>> special.rnn(np.ones((1, 3, 1)), np.zeros((1, 1)), np.ones((1, 1)), nonlinearity="relu")[0, :, 0]
    array([1., 2., 3.])
    """
    x, h, w = operand(x), operand(h), operand(w)
    _fit("rnn", 1, x, w, h=h)
    if nonlinearity not in ("tanh", "relu"):
        raise ValueError(f"rnn: nonlinearity must be 'tanh' or 'relu'; {nonlinearity!r} was given.")
    return recurrent.rnn(x, h, w, bend=nonlinearity)


@overload
def lstm(x: Tensor, h: Array | Tensor, c: Array | Tensor, w: Array | Tensor) -> tuple[Tensor, Tensor]: ...
@overload
def lstm(x: Array | Tensor, h: Tensor, c: Array | Tensor, w: Array | Tensor) -> tuple[Tensor, Tensor]: ...
@overload
def lstm(x: Array | Tensor, h: Array | Tensor, c: Tensor, w: Array | Tensor) -> tuple[Tensor, Tensor]: ...
@overload
def lstm(x: Array | Tensor, h: Array | Tensor, c: Array | Tensor, w: Tensor) -> tuple[Tensor, Tensor]: ...
@overload
def lstm(x: Array, h: Array, c: Array, w: Array) -> tuple[Array, Array]: ...
def lstm(x: Any, h: Any, c: Any, w: Any) -> tuple[Tensor | Array, Tensor | Array]:
    """Long short-term memory, for every step of a sequence.

    Parameters
    ----------
    x : array or Tensor, (n, time, 4 h)
        The contribution of the input at each step, inputs times their weights plus the bias, for the gates i, f, g, o
        side by side.
    h, c : array or Tensor, (n, h)
        State and cell before the first step.
    w : array or Tensor, (h, 4 h)
        The weights of the state.

    Returns
    -------
    states, cells : array or Tensor, (n, time, h)
        After each step.

    Raises
    ------
    ShapeError
        If the shapes do not fit.

    Notes
    -----
    With ``i, f, g, o = x[:, t] + h @ w``, the cell is ``sigmoid(f) * c + sigmoid(i) * tanh(g)`` and the state
    ``sigmoid(o) * tanh(c)``.

    References
    ----------
    S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9 (1997); the gate f: F. A. Gers, J.
    Schmidhuber, F. Cummins, "Learning to forget", Neural Computation 12 (2000).

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff import special
    >>> states, cells = special.lstm(np.ones((1, 2, 4)), np.zeros((1, 1)), np.zeros((1, 1)), np.zeros((1, 4)))
    >>> cells[0, :, 0]
    array([0.55676994, 0.96380138])
    """
    x, h, c, w = operand(x), operand(h), operand(c), operand(w)
    _fit("lstm", 4, x, w, h=h, c=c)
    return recurrent.lstm(x, h, c, w)


@overload
def gru(x: Tensor, h: Array | Tensor, b: Array | Tensor, w: Array | Tensor) -> Tensor: ...
@overload
def gru(x: Array | Tensor, h: Tensor, b: Array | Tensor, w: Array | Tensor) -> Tensor: ...
@overload
def gru(x: Array | Tensor, h: Array | Tensor, b: Tensor, w: Array | Tensor) -> Tensor: ...
@overload
def gru(x: Array | Tensor, h: Array | Tensor, b: Array | Tensor, w: Tensor) -> Tensor: ...
@overload
def gru(x: Array, h: Array, b: Array, w: Array) -> Array: ...
def gru(x: Any, h: Any, b: Any, w: Any) -> Tensor | Array:
    """Gated recurrent unit, for every step of a sequence.

    Parameters
    ----------
    x : array or Tensor, (n, time, 3 h)
        The contribution of the input at each step, inputs times their weights plus their bias, for the gates r, z, n
        side by side.
    h : array or Tensor, (n, h)
        The state before the first step.
    b : array or Tensor, (3 h,)
        The bias that belongs to `w`.
    w : array or Tensor, (h, 3 h)
        The weights of the state.

    Returns
    -------
    array or Tensor, (n, time, h)
        The state after each step. In the dtype of the operands.

    Raises
    ------
    ShapeError
        If the shapes do not fit.

    Notes
    -----
    With ``a = h @ w + b`` the new state is ``(1 - z) * n + z * h``, where ``r = sigmoid(x_r + a_r)``,
    ``z = sigmoid(x_z + a_z)`` and ``n = tanh(x_n + r * a_n)``.

    References
    ----------
    K. Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014), equations (5) to (8); here r
    multiplies the product.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff import special
    >>> special.gru(np.ones((1, 2, 3)), np.zeros((1, 1)), np.zeros(3), np.zeros((1, 3)))[0, :, 0]
    array([0.20482421, 0.35456271])
    """
    x, h, b, w = operand(x), operand(h), operand(b), operand(w)
    _fit("gru", 3, x, w, h=h)
    if b.shape != w.shape[1:]:
        raise ShapeError(f"gru: b must have shape (3 h,), here {w.shape[1:]}; {b.shape} was given.")
    return recurrent.gru(x, h, b, w)
