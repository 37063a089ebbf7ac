"""Functions of Hermitian matrices, f(V diag(w) V^H) = V diag(f(w)) V^H, and all their derivatives.

The n-th derivative of f at the matrix is made of its divided differences f[w_0, ..., w_n] in the basis of the
eigenvectors (Daleckii and Krein for n = 1). For equal eigenvalues the divided difference is a derivative of f, so there
is no division by 0. The eigenvectors themselves are never differentiated, and ties do no harm.

References
----------
N. J. Higham, "Functions of Matrices", SIAM 2008, theorem 3.11 and section 3.2.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.core.kinds import primitive
from autodiff.core.primitives import Primitive
from autodiff.ops.contractions import LETTERS
from autodiff.ops.matrices import adjoint, rounding, transposed

Slopes = Callable[[int, Any], Any]
"""``slopes(n, x)``: the n-th derivative of f at each entry of a plain array."""

_CLOSE = 0.05
"""The integral is used if two terms differ by at most this part of the larger; beyond, subtracting loses little."""

_NODES = (6, 9)
"""Points of two Gauss rules. Where they disagree, f changes too fast for them, and subtracting loses nothing."""


@functools.cache  # there are two of each order, and the Gauss rule costs more than the integral
def _simplex_rule(n: int, count: int) -> tuple[Any, Any]:
    """Nodes (barycentric, n + 1 coordinates) and weights of a product rule on the simplex of dimension n."""
    x, weight = np.polynomial.legendre.leggauss(count)
    x, weight = (x + 1) / 2, weight / 2
    nodes, weights = [], []
    for pick in itertools.product(range(count), repeat=n):
        left, coordinates, total = 1.0, [], 1.0
        for depth, i in enumerate(pick):  # each coordinate takes a share of what is left by those before it
            total *= weight[i] * (1 - x[i]) ** (n - 1 - depth)
            coordinates.append(left * x[i])
            left *= 1 - x[i]
        nodes.append([*coordinates, left])
        weights.append(total)
    return np.array(nodes), np.array(weights)


def divided_differences(slopes: Slopes, x: Any) -> Any:
    """f[x_0, ..., x_n] for plain real numbers along the last axis, in increasing order; exact for equal numbers.

    For numbers close together it is the integral of the n-th derivative over all their means (Hermite and Genocchi),
    which does not cancel. Otherwise it is the difference quotient of two divided differences of lower order.
    """
    n = x.shape[-1] - 1
    if n == 0:
        return slopes(0, x[..., 0])
    low, spread = x[..., 0], x[..., -1] - x[..., 0]
    before, behind = divided_differences(slopes, x[..., :-1]), divided_differences(slopes, x[..., 1:])
    rise = behind - before
    y = np.where(spread == 0, slopes(n, low) / math.factorial(n), rise / np.where(spread == 0, 1, spread))
    close = (spread > 0) & (np.abs(rise) <= _CLOSE * np.maximum(np.abs(before), np.abs(behind)))
    if close.any():
        coarse, fine = (_integral(slopes, x[close], n, count) for count in _NODES)
        y[close] = np.where(np.abs(fine - coarse) <= 1e-13 * np.abs(fine), fine, y[close])
    return y


def _integral(slopes: Slopes, x: Any, n: int, count: int) -> Any:
    nodes, weights = _simplex_rule(n, count)
    return slopes(n, x @ nodes.T) @ weights


def _table(slopes: Slopes, w: Any, n: int) -> Any:
    """f[w_i, ..., w_k] for all choices of n + 1 indices, after the axes of a stack."""
    wide = w.astype(np.result_type(w.dtype, np.float64))
    m = w.shape[-1]
    parts = [wide.reshape((*w.shape[:-1], *(m if i == k else 1 for i in range(n + 1)))) for k in range(n + 1)]
    x = np.sort(np.stack(np.broadcast_arrays(*parts), axis=-1), axis=-1)
    return divided_differences(slopes, x).astype(w.dtype)


def _not_negative(w: Any, a: Any) -> Any:
    """Eigenvalues, with 0 in place of those that are negative by rounding only."""
    largest = np.abs(w).max(axis=-1, keepdims=True, initial=0)
    return np.where((w < 0) & (w >= -rounding(a) * largest), 0, w)


def _derivative(a: Any, *directions: Any, slopes: Slopes, positive: bool) -> Any:
    w, v = np.linalg.eigh(a)
    w = _not_negative(w, a) if positive else w
    n = len(directions)
    with np.errstate(all="ignore"):
        table = _table(slopes, w, n)
        if n == 0:
            return (v * table[..., None, :]) @ adjoint(v)
        inside = [adjoint(v) @ e @ v for e in directions]
        letters = LETTERS[: n + 1]
        factors = ",".join(f"...{i}{j}" for i, j in itertools.pairwise(letters))
        total: Any = sum(
            np.einsum(f"...{letters},{factors}->...{letters[0]}{letters[-1]}", table, *order)
            for order in itertools.permutations(inside)
        )
    return v @ total @ adjoint(v)


def _pull(ct: Any, y: Any, a: Any, *directions: Any, **how: Any) -> tuple[Any, ...]:
    """tr(c D^n f(a)[e, ...]) is symmetric in c and the directions, so c can take the place of any direction."""
    c = transposed(ct)
    found = [matrix_derivative(a, *directions, c, **how)]
    for i in range(len(directions)):
        found.append(matrix_derivative(a, *directions[:i], c, *directions[i + 1 :], **how))
    return tuple(map(transposed, found))


def _push(ts: tuple[Any, ...], y: Any, a: Any, *directions: Any, **how: Any) -> Any:
    total = None
    for i, t in enumerate(ts):
        if t is None:
            continue
        rest = (*directions, t) if i == 0 else (*directions[: i - 1], t, *directions[i:])
        part = matrix_derivative(a, *rest, **how)
        total = part if total is None else total + part
    return total


matrix_derivative: Primitive = primitive(
    _derivative, name="matrix_derivative", vjp=_pull, jvp=_push, singular=True, symbolic_zeros=True
)
"""The derivative of a function of a Hermitian matrix along the given directions; without directions, the value.

`slopes` gives f and its derivatives. With `positive`, eigenvalues that are negative by rounding count as 0.
"""
