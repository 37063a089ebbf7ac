"""Integrals that are differentiable in their limits and in all that the integrand closes over.

The nodes are chosen on plain arrays. Then the integrand is evaluated once more while recording, and the weighted sum of
its values is the integral. Its derivatives are the same sums of the derivatives. A moving limit adds the terms of
Leibniz' rule, f(b) db - f(a) da, through a primitive whose value is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, TypeVar, overload

import numpy as np

from autodiff.arrays.plain import is_more_than_numbers, is_tracked, untracked
from autodiff.arrays.series import Series
from autodiff.arrays.tensors import Tensor
from autodiff.calculus import monte_carlo, rules
from autodiff.calculus.adaptive import Chosen, choose, estimate
from autodiff.calculus.integrands import one_by_one, values_at
from autodiff.calculus.meshes import Mesh, double_exponential, whole
from autodiff.calculus.ranges import Range, ranges_of
from autodiff.core.effects import check, is_compiling
from autodiff.core.kinds import elementwise, primitive
from autodiff.errors import DomainError, StructureError
from autodiff.transforms.recording import Function, title
from autodiff.typing import Array, ArrayLike

_FIXED = {
    "gauss-legendre": rules.gauss_legendre,
    "clenshaw-curtis": rules.clenshaw_curtis,
}
Y = TypeVar("Y")
METHODS = ("auto", *_FIXED, "tanh-sinh", "monte-carlo")


@overload
def integrate(
    f: Callable[..., Y],
    *ranges: Any,
    tol: float = ...,
    atol: float = ...,
    method: str = ...,
    nodes: int = ...,
    points: Sequence[float] = ...,
    samples: int = ...,
    seed: int = ...,
    vectorized: bool = ...,
    return_error: Literal[False] = ...,
) -> Y: ...
@overload
def integrate(
    f: Callable[..., Y],
    *ranges: Any,
    tol: float = ...,
    atol: float = ...,
    method: str = ...,
    nodes: int = ...,
    points: Sequence[float] = ...,
    samples: int = ...,
    seed: int = ...,
    vectorized: bool = ...,
    return_error: Literal[True],
) -> tuple[Y, Array]: ...
def integrate(
    f: Callable[..., Y],
    *ranges: Any,
    tol: float = 1e-13,
    atol: float = 0.0,
    method: str = "auto",
    nodes: int = 32,
    points: Sequence[float] = (),
    samples: int = 65536,
    seed: int = 0,
    vectorized: bool = True,
    return_error: bool = False,
) -> Y | tuple[Y, Array]:
    """The definite integral of a function of one to four variables, or of more by sampling; it is differentiable.

    Parameters
    ----------
    f : callable
        Takes one argument per range. It is called on flat arrays of nodes, (n,) each, and returns an array (n,), an
        array (components, n) for several integrals at once, or a constant.
    *ranges
        ``a, b``, or a pair of limits for each argument of `f`, the first outermost. A later limit may be a function of
        the variables before it. Limits may be infinite, and may be reversed (which changes the sign). The limits of the
        first range may be arrays, for an array of integrals.
    tol : float, default 1e-13
        The target error relative to the integral of abs(f). The result may be less accurate; `return_error` tells. An
        estimated error above 1e-6 (or `tol`, if that is larger) raises DomainError.
    atol : float, default 0.0
        An absolute error that is sufficient, for integrands that are 0 up to rounding.
    method : str, default "auto"
        ``"auto"``: Gauss-Kronrod rules on an adaptive mesh, and double-exponential rules at ends with singularities.
        ``"gauss-legendre"`` and ``"clenshaw-curtis"``: one such rule with `nodes` nodes in each variable.
        ``"tanh-sinh"``: the double-exponential rule. ``"monte-carlo"``: sampling, which is also used for more than four
        variables.
    nodes : int, default 32
        Number of nodes in each variable, for the methods with a fixed number.
    points : sequence of float
        With one variable: points inside the range where `f` has a kink, a jump or a singularity.
    samples, seed : int, default 65536 and 0
        For sampling.
    vectorized : bool, default True
        If False, `f` takes single numbers and is called in a Python loop.
    return_error : bool, default False
        Whether to return the estimated error too.

    Returns
    -------
    value : scalar or ndarray, or Tensor
        A tracked Tensor if a limit is tracked, or anything that `f` or a limit closes over.
    error : float or ndarray
        Only with `return_error`: an estimate that should exceed the true error.

    Raises
    ------
    DomainError
        If the integral diverges or does not converge, or `f` is not finite at a node.
    ShapeError, StructureError, UnsupportedError
        If `f` returns a wrong shape; if the ranges are not pairs; if `f` takes only single numbers.

    Notes
    -----
    The derivative with respect to a limit is Leibniz' rule, to any order. The derivative with respect to a parameter is
    the same quadrature rule applied to the derivative of `f`, with the nodes that were chosen for `f`. Several
    integrals at once share their nodes, and their errors are relative to the largest of them. A compiled function keeps
    the nodes of its first call, placed between the limits of each call. The error is estimated again at every call; if
    it has become too large, the function is traced again, or raises an error if it has already drawn or changed
    something. A peak much narrower than the range may lie between all nodes, and no estimate sees it: pass it in
    `points`.

    The derivative of ``F(a, b) = integral of f(x) from a to b`` is ``dF/db = f(b)``, ``dF/da = -f(a)``.

    References
    ----------
    R. Piessens et al., "QUADPACK", Springer 1983: the error estimate. H. Takahasi, M. Mori, "Double exponential
    formulas for numerical integration", Publ. RIMS 9 (1974). The theorem: J. Stewart, "Calculus", 8th edition (2016),
    section 5.3.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> float(ad.integrate(np.exp, 0.0, 1.0))
    1.718281828459
    >>> float(ad.integrate(lambda x, y: x * y, (0.0, 1.0), (0.0, lambda x: x)))  # y from 0 to x
    0.125
    >>> float(ad.grad(lambda k: ad.integrate(lambda x: np.exp(-k * x), 0.0, np.inf))(2.0))
    -0.25
    """
    if method not in METHODS:
        raise StructureError(f"integrate: method must be one of {', '.join(METHODS)}; {method!r} was given.")
    if not tol >= 0 or not atol >= 0:
        raise StructureError(f"integrate: tol and atol must be 0 or more; tol={tol!r}, atol={atol!r} were given.")
    parts = ranges_of(ranges, points)
    if not vectorized:
        f = one_by_one(f)
    value, error = _integral(f, parts, (tol, atol), method, nodes, samples, seed)
    value = _answer(value, parts)
    return (value, error[()]) if return_error else value


def _integral(
    f: Function, parts: list[Range], tols: tuple[float, float], method: str, nodes: int, samples: int, seed: int
) -> tuple[Any, Any]:
    parts[0].look(*parts[0].limits((), ()))
    if parts[0].is_empty():
        return np.float64(0.0), np.zeros(())
    shape = np.broadcast_shapes(*(np.shape(limit) for limit in parts[0].limits((), ())))
    if 0 in shape:  # an empty array of integrals
        return np.zeros(shape), np.zeros(shape)
    if method == "monte-carlo" or len(parts) > 4:
        return monte_carlo.integral(f, parts, samples, seed)
    if method in _FIXED and (nodes < 4 or nodes % 4):
        raise StructureError(
            f"integrate: nodes={nodes}; give a multiple of 4, so that a coarser rule can estimate the error."
        )
    first: Callable[[int, list[tuple[float, float]]], Mesh] | None = None
    if method == "tanh-sinh":
        first = double_exponential
    elif method in _FIXED:
        first = partial(whole, rule=_FIXED[method](nodes))
    chosen = choose(f, parts, *tols, first)
    limits = parts[0].limits((), ())
    if chosen.plain and not any(is_more_than_numbers(v) for v in limits):
        return chosen.value, np.asarray(chosen.error)
    return _recorded(f, parts, chosen, tols[0]), np.asarray(chosen.error)


def _recorded(f: Function, parts: list[Range], chosen: Chosen, tol: float) -> Any:
    """The integral on the chosen nodes, recorded."""
    low, high = parts[0].limits((), ())
    shape = np.broadcast_shapes(np.shape(low), np.shape(high))
    seen: list[Any] = []
    with np.errstate(divide="ignore"):  # at a moving limit the integrand, and so the derivative, may be infinite
        value = _inner(f, parts, chosen.meshes, [], shape, seen)
    if is_compiling():
        for sample in seen[:1]:
            check(_Verification(f, chosen.meshes, tol), sample)
    return value


class _Verification:
    """Checks, at every call of a compiled function, whether the nodes of its first call are still sufficient."""

    def __init__(self, f: Function, meshes: list[Mesh], tol: float) -> None:
        self.name, self.meshes, self.bar = title(f), meshes, max(tol, 1e-6)
        self.agrees_to = 100 * self.bar  # for a derivative, and for the nodes that another call would choose

    def __call__(self, values: Any) -> None:
        if not np.isfinite(values).all():
            raise DomainError(f"integrate: {self.name} is not finite at a node of this compiled integral.")
        found = estimate(values, self.meshes)
        if (np.asarray(found.error) > np.maximum(self.bar * np.max(found.magnitude), 1e-13)).any():
            error = DomainError(
                f"integrate: a compiled integral keeps the nodes of its first call, and for the values of this call "
                f"they are too few: the integral of {self.name} has an error of about {np.max(found.error):.1e}. "
                "Compile another copy of the function at such values, or call it without ad.compile."
            )
            error.of_another_call = True
            raise error


def _inner(
    f: Function, parts: Sequence[Range], meshes: Sequence[Mesh], xs: list[Any], shape: tuple[int, ...], seen: list[Any]
) -> Any:
    """The integral over the remaining ranges, at given values of the variables before; shape ``components + shape``.

    While compiling, the integrand times dx/du on the whole grid is added to `seen`.
    """
    part, mesh = parts[0], meshes[0]
    low, high = part.limits(xs, shape)
    x, slope = mesh.place(part.ends(untracked(low), untracked(high)))
    if x.shape[:-1] != shape:
        x, slope = np.broadcast_to(x, (*shape, len(mesh))), np.broadcast_to(slope, (*shape, len(mesh)))
    inside = [np.broadcast_to(v[..., None], x.shape) for v in xs] + [x]
    if len(parts) == 1:
        values = values_at(f, inside, x.shape)
    else:
        values = _inner(f, parts[1:], meshes[1:], inside, x.shape, seen)
    if is_compiling():
        seen.insert(0, untracked(values * slope)) if len(parts) == 1 and not seen else None
    value = (values * (slope * mesh.fine)).sum(axis=-1)
    for end, sign, infinite in ((high, 1.0, part.infinite[1]), (low, -1.0, part.infinite[0])):
        if is_tracked(end) and not infinite:
            value = value + sign * _moved_limit(end, f, parts, meshes, xs, shape)
    return value


# --- moving limits --------------------------------------------------------------------------------

_STRIP = np.polynomial.legendre.leggauss(10)
"""The rule for the strip between a limit and where it moves: twice as many derivatives by a limit are exact, and 20 is
enough for Taylor series."""


def _moved_limit(
    end: Any, f: Function, parts: Sequence[Range], meshes: Sequence[Mesh], xs: list[Any], shape: tuple[int, ...]
) -> Any:
    """The integral over the strip between a limit and where it moves: 0, with the derivatives of Leibniz' rule."""
    end = end if np.shape(end) == shape else np.broadcast_to(end, shape)
    across = (1 + _STRIP[0]) / 2
    wide = (*shape, len(across))
    there = [np.broadcast_to(v[..., None], wide) for v in xs] + [
        untracked(end)[..., None] + vanishing(end)[..., None] * across
    ]
    rest = values_at(f, there, wide) if len(parts) == 1 else _inner(f, parts[1:], meshes[1:], there, wide, [0])
    return strip(end, (rest * (_STRIP[1] / 2)).sum(axis=-1))


vanishing = elementwise(lambda b: b * 0.0, lambda t, y, b: t, name="vanishing")
"""How far a variable has moved: 0, with slope 1."""


def _is_on_record(value: Any) -> bool:
    """Whether further derivatives follow: those of a Tensor are recorded, and a power series has all of them."""
    return isinstance(value, (Tensor, Series))


def _strip_pullback(ct: Any, y: Any, end: Any, height: Any) -> tuple[Any, Any]:
    # The slope with respect to the height is the width, an exact 0. On plain arrays nothing is sent, since 0 times an
    # infinite slope would be NaN. When recording it is sent, since the width has slope 1 with respect to the limit.
    return ct * height, ct * vanishing(end) if _is_on_record(end) else None


def _strip_pushforward(ts: Any, y: Any, end: Any, height: Any) -> Any:
    moved = np.zeros_like(y) if ts[0] is None else ts[0] * height
    if ts[1] is not None and _is_on_record(end):
        moved = moved + vanishing(end) * ts[1]
    return moved


strip = primitive(
    lambda end, height: np.zeros(np.broadcast_shapes(np.shape(end), np.shape(height)), height.dtype),
    name="strip",
    vjp=_strip_pullback,
    jvp=_strip_pushforward,
    symbolic_zeros=True,
)
"""The area between a limit and where it moves: the width, which is 0, times a height."""


def _answer(value: Any, parts: Sequence[Range]) -> Any:
    """A Tensor if a limit was one, or if the value is tracked; otherwise an array, or a number for numbers."""
    given = any(isinstance(v, Tensor) for part in parts for v in (part.low, part.high))
    if isinstance(value, Tensor):
        return value if value._node is not None or given else value._data
    if given:
        return Tensor(value)
    return value[()] if isinstance(value, np.ndarray) else value


def antiderivative(f: Callable[..., Y], a: ArrayLike, **options: Any) -> Callable[[Any], Y]:
    """The antiderivative of `f` that is 0 at `a`: ``F(x)``, the integral from `a` to x, with ``F' = f``.

    Parameters
    ----------
    f : callable
        A function of one variable; takes an array of points (n,).
    a : float
        The point where the antiderivative is 0.
    **options
        Options of `integrate`.

    Returns
    -------
    callable
        Takes a number or an array; its derivative is `f`.

    Raises
    ------
    DomainError
        When the antiderivative is called: if the integral diverges or does not converge.

    References
    ----------
    J. Stewart, "Calculus", 8th edition (2016), section 5.3.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> A = ad.antiderivative(np.cos, 0.0)
    >>> A(np.array([0.0, np.pi / 2]))
    array([0., 1.])
    >>> float(ad.grad(A)(1.0)), float(np.cos(1.0))
    (0.540302305868, 0.540302305868)
    """

    def from_a(x: Any) -> Y:
        value: Any = integrate(f, a, x, **options)
        return value

    return from_a
