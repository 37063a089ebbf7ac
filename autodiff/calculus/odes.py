"""Ordinary differential equations by the method of Dormand and Prince, differentiable through its steps or by adjoint.

As with integrals, the steps are chosen on plain arrays, and then taken once more while recording. The derivatives are
those of the computed numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, overload

import numpy as np

from autodiff.arrays.batching import Batch, copy_by_copy
from autodiff.arrays.plain import concrete, is_more_than_numbers, untracked
from autodiff.arrays.series import Series
from autodiff.arrays.tensors import Tensor
from autodiff.calculus.integrands import stacked
from autodiff.core.effects import check, is_compiling
from autodiff.core.kinds import primitive
from autodiff.core.modes import no_grad
from autodiff.errors import DomainError, GradientError, ShapeError, UnsupportedError
from autodiff.ops.matrices import conj, real_part
from autodiff.transforms.calling import called
from autodiff.transforms.first_order import grad, jvp, vjp
from autodiff.transforms.recording import Function, title
from autodiff.typing import Array, ArrayLike

# The tableau of table 5.2 in Hairer, Nørsett, Wanner; the last stage is the first of the next step.
_C = (0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0)
_A: tuple[tuple[float, ...], ...] = (
    (),
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
)
_B = (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84)
_E = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)
_MOST_STEPS = 100_000
_SLACK = 100.0
"""Factor by which the error of a step of a compiled solution may exceed the tolerance."""


@overload
def odeint(
    f: Function, y0: Tensor, t: ArrayLike, *args: Any, rtol: float = ..., atol: float = ..., adjoint: bool = ...
) -> Tensor: ...
@overload
def odeint(
    f: Function, y0: ArrayLike, t: Tensor, *args: Any, rtol: float = ..., atol: float = ..., adjoint: bool = ...
) -> Tensor: ...
@overload
def odeint(
    f: Function, y0: ArrayLike, t: ArrayLike, *args: Any, rtol: float = ..., atol: float = ..., adjoint: bool = ...
) -> Tensor | Array: ...
def odeint(
    f: Function, y0: Any, t: Any, *args: Any, rtol: float = 1e-9, atol: float = 1e-11, adjoint: bool = False
) -> Tensor | Array:
    """Solve ``y' = f(y, t, *args)``: the solution at given times, from its value at the first of them.

    Parameters
    ----------
    f : callable
        ``f(y, t, *args)``: the rate of change, with the shape of `y`.
    y0 : array_like
        The state at ``t[0]``, of any shape.
    t : array_like, (n,)
        Times, increasing or decreasing.
    *args : array_like
        Parameters; `f` may also close over them.
    rtol, atol : float, default 1e-9 and 1e-11
        The error allowed in one step is atol + rtol abs(y), as a root mean square over the entries.
    adjoint : bool, default False
        If False, derivatives go through the recorded steps: they are those of the computed numbers, to any order, and
        memory grows with the number of steps. If True, reverse mode solves the adjoint equation backwards: memory does
        not grow, the error is that of the second solution, and parameters must be passed as `args`.

    Returns
    -------
    ndarray or Tensor, (n, *shape of y0)
        The first row is `y0`. It is differentiable in `y0`, `t` and the parameters.

    Raises
    ------
    DomainError
        If the solution blows up, or needs too many steps.
    ShapeError
        If `f` returns another shape than the state's, or `t` is not one-dimensional.
    GradientError
        With `adjoint`, if `f` closes over something tracked.

    References
    ----------
    J. R. Dormand, P. J. Prince, "A family of embedded Runge-Kutta formulae", J. Comp. Appl. Math. 6 (1980). E. Hairer,
    S. P. Nørsett, G. Wanner, "Solving Ordinary Differential Equations I", Springer 1993, sections II.4 and II.5. The
    adjoint: L. S. Pontryagin et al., "The Mathematical Theory of Optimal Processes" (1962).

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> t = np.array([0.0, 1.0, 2.0])
    >>> ad.odeint(lambda y, t: -y, 1.0, t)
    array([1.        , 0.36787944, 0.13533528])
    >>> float(ad.grad(lambda k: ad.odeint(lambda y, t: -k * y, 1.0, t)[-1])(1.0))  # -2 exp(-2)
    -0.27067057
    """
    y0, t = _array(stacked(y0)), _array(t)
    if np.ndim(t) != 1 or np.shape(t)[0] < 1:
        raise ShapeError(f"odeint: t has shape {np.shape(t)}; expected (n,), the times of the solution.")
    if adjoint:
        return _by_adjoint(f, y0, t, args, rtol, atol)
    return _solution(f, y0, t, args, rtol, atol)


def gradient_flow(f: Function) -> Function:
    """The right-hand side of y' = -grad f(y), for `odeint`: gradient descent with infinitesimal steps.

    Parameters
    ----------
    f : callable
        ``f(y)``, a scalar function of the state.

    Returns
    -------
    callable
        ``(y, t) -> -grad f(y)``, with the shape of y.

    Raises
    ------
    GradientError
        When called: if f does not return one real number.

    References
    ----------
    U. Helmke, J. B. Moore, "Optimization and Dynamical Systems", Springer 1994.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> flow = ad.calculus.gradient_flow(lambda y: (y**2).sum() / 2)
    >>> ad.odeint(flow, np.array([1.0, 2.0]), np.array([0.0, 1.0]))[-1]  # exp(-1) times where it began
    array([0.36787944, 0.73575888])
    """
    slope = grad(f)
    return lambda y, t: -slope(y)


def _array(value: Any) -> Any:
    if not is_more_than_numbers(value):
        value = np.asarray(value)
    value = value.astype(float) if value.dtype.kind in "iub" else value
    return value[()] if isinstance(value, np.ndarray) and not value.ndim else value


def _solution(f: Function, y0: Any, t: Any, args: tuple[Any, ...], rtol: float, atol: float) -> Any:
    first = called(f, untracked(y0), untracked(t)[0], *args)
    if np.shape(stacked(first)) != np.shape(y0):
        raise ShapeError(
            f"odeint: for a state of shape {np.shape(y0)} {title(f)} returned shape {np.shape(stacked(first))}; the "
            "rate of change must have the state's shape. f is called as f(y, t): first the state, then the time."
        )
    plain_args = tuple(untracked(a) for a in args)
    if not np.isfinite(concrete(stacked(first))).all():
        raise DomainError(
            f"odeint: at the first time, t = {untracked(t)[0]:.6g}, {title(f)} is not finite: {stacked(first)!r}."
        )
    with no_grad(), np.errstate(all="ignore"):
        rows, cuts = _steps(lambda y, s: concrete(stacked(f(y, s, *plain_args))), concrete(y0), concrete(t), rtol, atol)
    if not any(
        map(is_more_than_numbers, (first if not isinstance(first, (list, tuple)) else stacked(first), y0, t, *args))
    ):
        return np.stack(rows)

    def rate(y: Any, s: Any) -> Any:
        return stacked(f(y, s, *args))

    out = [y0]
    y = y0
    slope: Any = None
    errors = []
    for i, cut in enumerate(cuts):
        span = t[i + 1] - t[i]
        for start, width in cut:
            s, h = t[i] + start * span, width * span
            slope = rate(y, s) if slope is None else slope
            y_next, slope, off = _step(rate, y, s, h, slope)
            if is_compiling():
                errors.append(np.sqrt(np.mean(np.square(untracked(off / (atol + rtol * np.abs(y)))))))
            y = y_next
        out.append(y)
    if errors:
        check(_Errors(float(np.max(rtol))), np.stack(errors))
    return np.stack(out)


class _Errors:
    """Checks, at every call of a compiled solution, whether the steps of its first call are still short enough."""

    def __init__(self, rtol: float) -> None:
        self.agrees_to = 1e3 * max(rtol, 1e-12)  # for the steps that another call would take

    def __call__(self, errors: Any) -> None:
        if not (errors <= _SLACK).all():
            error = DomainError(
                "odeint: a compiled solution keeps the steps of its first call, and for the values of this call they "
                f"are too long: the error of a step is {np.max(errors):.0f} times the tolerance. Compile another copy "
                "of the function at such values, or call it without ad.compile."
            )
            error.of_another_call = True
            raise error


def _step(rate: Function, y: Any, t: Any, h: Any, slope: Any) -> tuple[Any, Any, Any]:
    """One step: the new state, the slope there, and the estimated error."""
    k = [slope]
    for c, row in zip(_C[1:], _A[1:], strict=True):
        k.append(rate(y + h * _weighted(row, k), t + c * h))
    new = y + h * _weighted(_B, k)
    k.append(rate(new, t + h))
    return new, k[-1], h * _weighted(_E, k)


def _weighted(weights: Sequence[float], k: Sequence[Any]) -> Any:
    total: Any = None
    for w, v in zip(weights, k, strict=True):
        if w:
            total = w * v if total is None else total + w * v
    return total


def _steps(
    rate: Function, y: Any, t: Any, rtol: float, atol: float
) -> tuple[list[Any], list[list[tuple[float, float]]]]:
    """States at all times, and the steps of each interval as fractions (start, width) of it; on plain arrays."""
    rows, cuts = [y], []
    slope = rate(y, t[0])
    h = _first_step(rate, y, t, slope, rtol, atol)
    count = 0
    for a, b in pairwise(t):
        span, now, cut = b - a, 0.0, []
        while span and now < 1:
            width = min(abs(h) / abs(span), 1 - now)
            width = 1 - now if width > 0.999 * (1 - now) else width
            count += 1
            if count > _MOST_STEPS or width * abs(span) <= 16 * np.spacing(max(abs(a), abs(b))):
                raise DomainError(
                    f"odeint: the solution cannot be followed beyond t = {a + now * span:.6g}, where the step is "
                    f"{width * span:.1e} after {count} steps and the largest entry {np.max(np.abs(y)):.3g}: it blows "
                    "up there, or the equation is stiff. Ask for earlier times, or for less accuracy with rtol= and "
                    "atol=."
                )
            new, new_slope, off = _step(rate, y, a + now * span, width * span, slope)
            size = _size(off, atol + rtol * np.maximum(np.abs(y), np.abs(new)))
            if size <= 1:
                cut.append((now, width))
                now = 1.0 if now + width > 1 - 1e-12 else now + width
                y, slope = new, new_slope
            # A step cut short by the end of an interval says little about the next step: it must not reduce h.
            factor = 0.2 if not np.isfinite(size) else min(5.0, max(0.2, 0.9 * size**-0.2 if size else 5.0))
            h = max(abs(h), factor * width * abs(span)) if size <= 1 and factor >= 1 else factor * width * abs(span)
        rows.append(y)
        cuts.append(cut)
    return rows, cuts


def _size(off: Any, allowed: Any) -> float:
    return float(np.sqrt(np.mean(np.square(np.abs(off) / allowed)))) if np.size(off) else 0.0


def _first_step(rate: Function, y: Any, t: Any, slope: Any, rtol: float, atol: float) -> float:
    """The first step: Hairer, Nørsett and Wanner, section II.4."""
    allowed = atol + rtol * np.abs(y)
    d0, d1 = _size(y, allowed), _size(slope, allowed)
    h = 1e-6 if d0 < 1e-5 or d1 < 1e-5 else 0.01 * d0 / d1
    sign = 1.0 if len(t) < 2 or t[-1] >= t[0] else -1.0
    d2 = _size(rate(y + sign * h * slope, t[0] + sign * h) - slope, allowed) / h
    rest = max(1e-6, h * 1e-3) if max(d1, d2) <= 1e-15 else (0.01 / max(d1, d2)) ** 0.2
    return min(100 * h, rest)


# --- the adjoint ----------------------------------------------------------------------------------


def _by_adjoint(f: Function, y0: Any, t: Any, args: tuple[Any, ...], rtol: float, atol: float) -> Any:
    parameters = tuple(map(_array, args))
    plain = tuple(map(untracked, (y0, t, *parameters)))
    probe = f(plain[0], plain[1][0], *plain[2:])
    if isinstance(stacked(probe), Tensor) and stacked(probe).requires_grad:
        raise GradientError(
            f"odeint: with adjoint=True {title(f)} closes over a tracked value, which the adjoint equation cannot "
            "see. Pass it as an argument: odeint(f, y0, t, parameter, adjoint=True) with f(y, t, parameter)."
        )

    def pullback(cts: Any, ys: Any, y0: Any, t: Any, *parameters: Any) -> tuple[Any, ...]:
        return _one_by_one(lambda ct: _adjoint(f, ct, ys, t, parameters, rtol, atol), cts)

    def pushforward(ts: Any, ys: Any, *operands: Any) -> Any:
        def solved(*xs: Any) -> Any:
            return _solution(f, xs[0], xs[1], xs[2:], rtol, atol)

        return _one_by_one(lambda *tangents: jvp(solved, operands, tangents)[1], *ts)

    solve = primitive(
        lambda y0, t, *parameters: _solution(f, y0, t, parameters, rtol, atol),
        name="odeint",
        vjp=pullback,
        jvp=pushforward,
    )
    return solve(y0, t, *parameters)


def _one_by_one(rule: Callable[..., Any], *directions: Any) -> Any:
    """A rule along several directions: one after another, since each chooses its own steps."""
    if any(isinstance(v, Series) for v in directions):
        raise UnsupportedError("odeint with adjoint=True has no power series: each direction chooses its own steps.")
    if any(isinstance(v, Batch) for v in directions):
        return copy_by_copy(rule, directions, {})
    return rule(*directions)


def _adjoint(
    f: Function, cts: Any, ys: Any, t: Any, parameters: tuple[Any, ...], rtol: float, atol: float
) -> tuple[Any, ...]:
    """Cotangents of the first state, the times and the parameters: a' = -a df/dy, from the last time to the first."""
    shape, n = np.shape(ys)[1:], int(np.prod(np.shape(ys)[1:]))
    sizes = [int(np.prod(np.shape(p))) for p in parameters]
    wide = ys.dtype.kind == "c"

    def backwards(state: Any, s: Any) -> Any:
        y, a = state[:n].reshape(shape), state[n : 2 * n].reshape(shape)
        y = y if wide else real_part(y)  # the joint state is complex if any parameter is
        rate, pull = vjp(lambda y, *ps: stacked(f(y, s, *ps)), y, *parameters)
        # A rule's cotangent is a linear functional; the public pullback conjugates its argument and its results.
        found = pull(conj(a) if rate.dtype.kind == "c" else real_part(a))
        return np.concatenate([rate.reshape(-1), *(-conj(g).reshape(-1) for g in found)])

    a = cts[-1]
    sums = np.zeros(sum(sizes), np.result_type(ys.dtype, *(p.dtype for p in parameters)))
    by_time = []
    for i in range(np.shape(t)[0] - 1, 0, -1):
        by_time.append((cts[i] * stacked(f(ys[i], t[i], *parameters))).sum())
        state = np.concatenate([ys[i].reshape(-1), a.reshape(-1), sums])
        state = _solution(backwards, state, np.stack([t[i], t[i - 1]]), (), rtol, atol)[-1]
        # The state is reset from the solution at every time, so that backward instability has no room to grow.
        a, sums = state[n : 2 * n].reshape(shape) + cts[i - 1], state[2 * n :]
    start = -((a - cts[0]) * stacked(f(ys[0], t[0], *parameters))).sum()
    edges = np.cumsum([0, *sizes])
    by_parameter = [sums[i:j].reshape(np.shape(p)) for i, j, p in zip(edges, edges[1:], parameters, strict=False)]
    return (a, np.stack([start, *by_time[::-1]]), *by_parameter)
