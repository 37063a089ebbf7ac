"""Equations: roots and fixed points, with derivatives of the solution with respect to all that the equation depends on.

The solution is found on plain arrays. Then two steps of Newton's method are recorded from there. They do not move the
solution, but raise the order to which its dependence on the parameters is exact (0, 1, 3). This is equivalent to the
implicit function theorem.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autodiff as ad
from autodiff import Tensor
from autodiff.solvers import called

Function = Callable[..., Any]

_HALVINGS = 30


def root(f: Function, x0: Any, *args: Any, tol: float = 1e-12, max_iter: int = 100) -> Any:
    """Solve ``f(x, *args) = 0`` by Newton's method; differentiable in `args` and in all that `f` closes over.

    Parameters
    ----------
    f : callable
        ``f(x, *args)``, an array with the shape of `x`.
    x0 : array_like
        The starting point. The solution does not depend on it: the derivative is 0.
    *args : array_like
        Parameters.
    tol : float, default 1e-12
        Bound on the last step divided by max(1, max|x|).
    max_iter : int, default 100

    Returns
    -------
    scalar, ndarray, or Tensor
        The solution; tracked if `f` depends on something tracked. Derivatives are exact to the third order.

    Raises
    ------
    DomainError
        If no solution is found.
    MatrixError
        If the solution is differentiated and the Jacobian of `f` there has no inverse.

    Notes
    -----
    Steps that do not reduce ``|f|`` are halved. The derivative is ``-(df/dx)**-1 df/dp``, whatever the iterations were.

    References
    ----------
    J. Nocedal, S. J. Wright, "Numerical Optimization", Springer 2006, algorithm 11.4.

    Examples
    --------
    >>> import autodiff as ad, optim
    >>> solution = lambda a: optim.root(lambda x: x**2 - a, 1.0)  # the square root
    >>> float(solution(2.0)), float(ad.grad(solution)(2.0))
    (1.414213562, 0.353553391)
    """
    start = _plain(x0)
    start = start.astype(float) if start.dtype.kind in "iub" else start
    x = _newton(f, start, args, tol, max_iter)
    return _implicit(lambda v: f(v, *args), x)


def fixed_point(g: Function, x0: Any, *args: Any, tol: float = 1e-12, max_iter: int = 1000) -> Any:
    """Solve ``x = g(x, *args)`` by iterating g; differentiable in `args` and in all that `g` closes over.

    Parameters
    ----------
    g : callable
        ``g(x, *args)``, an array with the shape of `x`. It must be a contraction near the solution.
    x0 : array_like
        The starting point.
    *args : array_like
        Parameters.
    tol : float, default 1e-12
        Bound on the last change divided by max(1, max|x|).
    max_iter : int, default 1000

    Returns
    -------
    scalar, ndarray, or Tensor

    Raises
    ------
    DomainError
        If the iterations do not converge.

    Notes
    -----
    The iterations are not differentiated; the derivative is ``(1 - dg/dx)**-1 dg/dp``.

    References
    ----------
    S. Bai, J. Z. Kolter, V. Koltun, "Deep equilibrium models", NeurIPS 2019, theorem 1.

    Examples
    --------
    >>> import numpy as np, autodiff as ad, optim
    >>> x = optim.fixed_point(np.cos, 1.0)
    >>> float(x)
    0.739085133
    >>> float(ad.grad(lambda a: optim.fixed_point(lambda x: np.cos(a * x), 1.0))(1.0))
    -0.2974743
    """
    x = _plain(x0)
    x = x.astype(float) if x.dtype.kind in "iub" else x
    with ad.no_grad(), np.errstate(all="ignore"):
        for _ in range(max_iter):
            new = _like(_plain(called(g, x, *args)), x, "fixed_point", "g")
            change = _largest(new - x)
            x = new
            if not np.isfinite(change):
                raise ad.DomainError(
                    "fixed_point: the iterations diverged: x is not finite. Start nearer to the solution, or use root."
                )
            if change <= tol * max(1.0, _largest(x)):
                break
        else:
            raise ad.DomainError(
                f"fixed_point: after {max_iter} steps x still changes by {change:.1e}. g must be a contraction near "
                "the solution; damp it, (x + g(x)) / 2, or solve x - g(x) = 0 with root."
            )
    return _implicit(lambda v: v - g(v, *args), x)


def _plain(value: Any) -> Any:
    return np.asarray(value.data if isinstance(value, Tensor) else value)[()]


def _largest(x: Any) -> float:
    return float(np.max(np.abs(x))) if np.size(x) else 0.0


def _like(value: Any, x: Any, who: str, name: str) -> Any:
    if np.shape(value) != np.shape(x):
        raise ad.ShapeError(
            f"{who}: for x of shape {np.shape(x)}, {name} returned shape {np.shape(value)}; expected one "
            "equation for each unknown, with the shape of x."
        )
    return value


def _newton(f: Function, x: Any, args: tuple[Any, ...], tol: float, max_iter: int) -> Any:
    """The solution, on plain arrays."""
    apart, joined = _parts(x)
    with ad.no_grad(), np.errstate(all="ignore"):
        value = _like(_plain(called(f, x, *args)), x, "root", "f")
        for _ in range(max_iter):
            size = _largest(value)
            if size == 0:
                return x
            rest = np.ravel(apart(value))
            matrix = _plain(ad.jacobian(lambda v: apart(f(joined(v), *args)))(apart(x))).reshape(rest.size, -1)
            step = -np.linalg.lstsq(matrix, rest, rcond=None)[0] if np.isfinite(matrix).all() else rest
            solved = _largest(matrix @ step + rest) <= 1e-6 * size  # False if the Jacobian is singular
            step = joined(np.reshape(step, np.shape(apart(x)))[()])
            arrived = solved and _largest(step) <= tol * max(1.0, _largest(x))
            for _ in range(_HALVINGS):
                new = x + step
                new_value = _plain(f(new, *args))
                if _largest(new_value) < size or arrived:
                    break
                step = step / 2
            else:
                break
            x, value = new, new_value
            if arrived and np.isfinite(_largest(value)):
                return x
    raise ad.DomainError(
        f"root: no solution was found: max|f| is {_largest(value):.1e} at x = "
        f"{np.array2string(np.asarray(x), threshold=4)}. Start elsewhere; |f| may have a local minimum there that is "
        "not a root, or f may have no root at all."
    )


def _implicit(f: Function, x: Any) -> Any:
    """The solution as a function of all that `f` depends on: two recorded Newton steps, which do not move it."""
    value = called(f, x)
    if not isinstance(value, Tensor) or not value.requires_grad:
        return Tensor(x) if isinstance(value, Tensor) else x
    apart, joined = _parts(x)
    u = apart(x)

    def g(u: Any) -> Any:
        return apart(f(joined(u)))

    for _ in range(2):
        matrix = ad.jacobian(g)(u)
        u = u - (g(u) / matrix if np.ndim(u) == 0 else _solved(matrix, g(u)))
    return joined(u)


def _parts(x: Any) -> tuple[Function, Function]:
    """Functions that split numbers like `x` into real parts and join them again.

    Complex equations are solved for real and imaginary parts: conjugates and magnitudes have no complex derivative.
    """
    if np.asarray(x).dtype.kind != "c":
        return (lambda v: v), (lambda u: u)
    return (lambda v: np.stack([np.real(v), np.imag(v)])), (lambda u: u[0] + 1j * u[1])


def _solved(matrix: Any, value: Any) -> Any:
    n = int(np.prod(np.shape(value)))
    return np.linalg.solve(matrix.reshape(n, n), value.reshape(n)).reshape(np.shape(value))
