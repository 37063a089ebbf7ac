"""Laws that every derivative obeys: each is a function that raises, with a readable message, if the law is broken.

The laws need no finite differences. Both sides are computed, so the checks are exact to round-off, and fast.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff import pytree
from autodiff.testing.differences import direction
from autodiff.testing.problems import as_vector, title
from autodiff.transforms.first_order import grad, jvp, linearize, vjp
from autodiff.transforms.hessians import hessian, hvp
from autodiff.transforms.jacobians import jacobian

__all__ = [
    "LawError",
    "adjointness",
    "agreement",
    "chain_rule",
    "homogeneity",
    "invariance",
    "linearity",
    "precision",
    "product_rule",
    "symmetry",
]

Function = Callable[..., Any]

ROUND_OFF = 1e-10
"""Allowed difference of two double-precision computations of the same number, relative to the size of their terms."""


class LawError(AssertionError):
    """A law of derivatives does not hold; the message says which, for what, and by how much.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> ad.testing.laws.homogeneity(lambda x: np.sum(x**2), np.array([1.0, 2.0]), degree=3)
    Traceback (most recent call last):
    ...
    autodiff.testing.laws.LawError: ...
    """


# --- shared by all laws ---------------------------------------------------------------------------


def _close(law: str, name: str, one: Any, other: Any, rtol: float, what: str = "the two sides") -> None:
    """Compare two trees of numbers; `rtol` is relative to the largest magnitude in either."""
    __tracebackhide__ = True  # pytest shows the law
    a, b = as_vector(_arrays(one)), as_vector(_arrays(other))
    if a.shape != b.shape:
        raise LawError(f"{law} of {name}: {what} have {a.size} and {b.size} numbers.")
    if not a.size:
        return
    if np.isnan(a).all() and np.isnan(b).all():
        raise LawError(f"{law} of {name}: {what} are NaN everywhere, so nothing is compared. Check another point.")
    with np.errstate(all="ignore"):
        size = float(np.fmax.reduce(np.abs([*a, *b])))
        off = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
    worst = int(np.argmax(np.where(np.isnan(off), np.inf, off)))
    if not off[worst] <= rtol * size:
        raise LawError(
            f"{law} of {name}: {what} differ by {off[worst]:.3g} at entry {worst} ({a[worst]:.12g} and "
            f"{b[worst]:.12g}, allowed {rtol * size:.1g})."
        )


def _arrays(tree: Any) -> list[Any]:
    return [np.asarray(v.data if hasattr(v, "data") and hasattr(v, "requires_grad") else v) for v in _leaves(tree)]


def _leaves(tree: Any) -> list[Any]:
    return pytree.flatten(tree)[0]


def _like(tree: Any, rng: np.random.Generator) -> Any:
    """Random numbers in the shapes and dtypes of a tree."""
    leaves, structure = pytree.flatten(tree)
    drawn = []
    for v in leaves:
        v = np.asarray(getattr(v, "data", v) if hasattr(v, "requires_grad") else v)
        wide = np.ones(v.shape, np.result_type(v.dtype, np.float64))
        drawn.append(direction(wide, rng).astype(v.dtype)[()])
    return pytree.unflatten(structure, drawn)


def _combined(a: float, one: Any, b: float, other: Any) -> Any:
    """``a * one + b * other`` for trees."""
    ones, structure = pytree.flatten(one)
    return pytree.unflatten(
        structure, [(a * x + b * y).astype(x.dtype)[()] for x, y in zip(ones, _leaves(other), strict=True)]
    )


def _inner(one: Any, other: Any) -> float:
    """The real inner product of two trees."""
    return float(as_vector(_arrays(one)) @ as_vector(_arrays(other)))


# --- laws of the two sweeps -----------------------------------------------------------------------


def linearity(f: Function, *xs: Any, seed: int = 0, rtol: float = ROUND_OFF) -> None:
    """Both sweeps are linear: ``J(2 u - 3 v) = 2 J u - 3 J v``, and so is the pullback.

    Parameters
    ----------
    f : callable
        A function of arrays or containers of them.
    *xs : array_like
        The point, real or complex.
    seed : int, default 0
        Seed of the random directions.
    rtol : float
        Allowed difference, relative to the largest entry.

    Raises
    ------
    LawError
        If it does not hold.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff.testing import laws
    >>> laws.linearity(np.sin, np.array([0.5, 1.0]))
    """
    rng, name = np.random.default_rng(seed), title(f)
    y, pushforward = linearize(f, *xs)
    u, v = _like(tuple(xs), rng), _like(tuple(xs), rng)
    both = pushforward(*_combined(2.0, u, -3.0, v))
    _close(
        "linearity", f"the pushforward of {name}", both, _combined(2.0, pushforward(*u), -3.0, pushforward(*v)), rtol
    )
    _, pullback = vjp(f, *xs)
    c, d = _like(y, rng), _like(y, rng)
    sums = _combined(2.0, pullback(c), -3.0, pullback(d))
    _close("linearity", f"the pullback of {name}", pullback(_combined(2.0, c, -3.0, d)), sums, rtol)


def adjointness(f: Function, *xs: Any, seed: int = 0, rtol: float = ROUND_OFF) -> None:
    """The sweeps are each other's adjoints: ``<J v, w> = <v, J^T w>``.

    Parameters
    ----------
    f : callable
        A function of arrays or containers of them.
    *xs : array_like
        The point, real or complex.
    seed : int, default 0
        Seed of the random directions.
    rtol : float
        Allowed difference, relative to the largest entry.

    Raises
    ------
    LawError
        If it does not hold.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff.testing import laws
    >>> laws.adjointness(lambda a, b: a @ b, np.ones((2, 3)), np.ones(3))
    """
    rng = np.random.default_rng(seed)
    v = _like(tuple(xs), rng)
    y, dy = jvp(f, xs, v)
    w = _like(y, rng)
    g = vjp(f, *xs)[1](w)
    one, other = _inner(dy, w), _inner(v, g)
    size = float(np.abs(as_vector(_arrays(dy))) @ np.abs(as_vector(_arrays(w))))
    size += float(np.abs(as_vector(_arrays(v))) @ np.abs(as_vector(_arrays(g))))
    if not abs(one - other) <= rtol * size:
        raise LawError(
            f"adjointness of {title(f)}: <J v, w> = {one:.12g} by the forward sweep, <v, J^T w> = {other:.12g} by the "
            f"reverse sweep (allowed {rtol * size:.1g})."
        )


def symmetry(f: Function, x: Any, *, rtol: float = 1e-8) -> None:
    """The Hessian of a function that is twice continuously differentiable is symmetric.

    Parameters
    ----------
    f : callable
        A scalar function of one array.
    x : ndarray
        The point. The law does not hold where second derivatives jump.
    rtol : float
        Allowed difference, relative to the largest entry.

    Raises
    ------
    LawError
        If it does not hold.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff.testing import laws
    >>> laws.symmetry(lambda x: np.sum(x[0] * x[1] ** 3), np.array([0.5, 2.0]))
    """
    x = np.asarray(x)
    h = np.asarray(hessian(f)(x)).reshape(x.size, x.size)
    _close("symmetry", f"the Hessian of {title(f)}", h, h.T, rtol, "it and its transpose")


def agreement(f: Function, x: Any, *, seed: int = 0, rtol: float = 1e-9) -> None:
    """All ways to a derivative agree: Jacobians in both modes, the Hessian and Hessian-vector products.

    Parameters
    ----------
    f : callable
        A function of one array. Second derivatives are compared if its value is a single number.
    x : array_like
        The point.
    seed : int, default 0
        Seed of the random directions.
    rtol : float
        Allowed difference, relative to the largest entry.

    Raises
    ------
    LawError
        If two of them differ.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff.testing import laws
    >>> laws.agreement(lambda x: np.sum(np.sin(x) * x), np.array([0.5, 2.0]))
    """
    name = title(f)
    forward, reverse = jacobian(f, mode="forward")(x), jacobian(f, mode="reverse")(x)
    _close("agreement", f"the Jacobian of {name}", forward, reverse, rtol, "forward and reverse mode")
    if np.size(_arrays(f(x))[0]) != 1:
        return
    x = np.asarray(x)
    v = _like(x, np.random.default_rng(seed))
    h = np.asarray(hessian(f)(x)).reshape(x.size, x.size)
    product = np.asarray(hvp(f, x, v)).reshape(-1)
    _close("agreement", f"the second derivative of {name}", h @ v.reshape(-1), product, rtol, "H v and hvp")
    over = grad(lambda z: np.sum(grad(f)(z) * v))(x)
    _close("agreement", f"the second derivative of {name}", over, product, rtol, "reverse over reverse and hvp")


# --- laws of calculus -----------------------------------------------------------------------------


def chain_rule(f: Function, g: Function, x: Any, *, seed: int = 0, rtol: float = ROUND_OFF) -> None:
    """The derivative of ``f(g(x))`` is the derivative of f at g(x) times the derivative of g at x.

    Parameters
    ----------
    f, g : callable
        Functions of one argument each.
    x : array_like
        The point.
    seed : int, default 0
        Seed of the random directions.
    rtol : float
        Allowed difference, relative to the largest entry.

    Raises
    ------
    LawError
        If it does not hold.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff.testing import laws
    >>> laws.chain_rule(np.sin, np.exp, np.array([0.5, 1.0]))
    """
    t = _like(x, np.random.default_rng(seed))
    inner, slope = jvp(g, (x,), (t,))
    _, apart = jvp(f, (inner,), (slope,))
    y, whole = jvp(lambda z: f(g(z)), (x,), (t,))
    name = f"{title(f)} of {title(g)}"
    _close("chain rule", name, whole, apart, rtol)
    ct = _like(y, np.random.default_rng(seed + 1))
    (back,) = vjp(lambda z: f(g(z)), x)[1](ct)
    (outer,) = vjp(f, inner)[1](ct)
    _close("chain rule", f"{name}, in reverse", back, vjp(g, x)[1](outer)[0], rtol)


def product_rule(f: Function, g: Function, x: Any, *, seed: int = 0, rtol: float = ROUND_OFF) -> None:
    """The derivative of ``f(x) * g(x)`` is ``f' g + f g'``.

    Parameters
    ----------
    f, g : callable
        Functions of one argument each, whose values can be multiplied.
    x : array_like
        The point.
    seed : int, default 0
        Seed of the random directions.
    rtol : float
        Allowed difference, relative to the largest entry.

    Raises
    ------
    LawError
        If it does not hold.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff.testing import laws
    >>> laws.product_rule(np.sin, np.exp, np.array([0.5, 1.0]))
    """
    t = _like(x, np.random.default_rng(seed))
    (a, da), (b, db) = jvp(f, (x,), (t,)), jvp(g, (x,), (t,))
    _, whole = jvp(lambda z: f(z) * g(z), (x,), (t,))
    _close("product rule", f"{title(f)} times {title(g)}", whole, da * b + a * db, rtol)


def homogeneity(f: Function, x: Any, degree: float, *, rtol: float = ROUND_OFF) -> None:
    """Euler's identity: ``<grad f(x), x> = degree * f(x)`` if ``f(c x) = c**degree f(x)`` for c > 0.

    Parameters
    ----------
    f : callable
        A scalar function of one array.
    x : ndarray
        The point.
    degree : float
        1 for a norm, 2 for its square, 0 for a function of the direction only.
    rtol : float
        Allowed difference, relative to the two sides.

    Raises
    ------
    LawError
        If it does not hold.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff.testing import laws
    >>> laws.homogeneity(np.linalg.norm, np.array([3.0, 4.0]), 1)
    """
    x = np.asarray(x)
    g, value = np.asarray(grad(f)(x)), float(_arrays(f(x))[0])
    euler = float(np.sum(g * x))
    size = float(np.sum(np.abs(g * x))) + abs(degree * value)
    if not abs(euler - degree * value) <= rtol * size:
        raise LawError(
            f"homogeneity of {title(f)}: <grad f(x), x> = {euler:.12g}, and {degree:g} * f(x) = {degree * value:.12g}."
        )


def invariance(f: Function, change: Function, x: Any, *, rtol: float = 1e-9) -> None:
    """If a function is invariant under a change of its argument, its gradient transforms with the change.

    If ``f(c(x)) = f(x)``, the gradient of f at x is the pullback through c of the gradient at c(x). For example,
    softmax is invariant under a shift of all logits, and a norm under rotations.

    Parameters
    ----------
    f : callable
        A scalar function of one array.
    change : callable
        The change c under which `f` is invariant.
    x : array_like
        The point.
    rtol : float
        Allowed difference, relative to the largest entry.

    Raises
    ------
    LawError
        If it does not hold.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff.testing import laws
    >>> turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    >>> laws.invariance(np.linalg.norm, lambda x: turn @ x, np.array([3.0, 4.0]))
    """
    name = title(f)
    changed, pullback = vjp(change, x)
    _close("invariance", name, f(x), f(changed), rtol, "its values before and after the change")
    (carried,) = pullback(grad(f)(changed))
    _close("invariance", f"the gradient of {name}", grad(f)(x), carried, rtol, "the gradient and the one pulled back")


# --- a law of precision ---------------------------------------------------------------------------


def precision(f: Function, *xs: Any, rtol: float = 1e-4) -> None:
    """The gradients of float32 arguments are float32 and close to those in float64.

    Parameters
    ----------
    f : callable
        A scalar function.
    *xs : ndarray
        The point; cast to both precisions.
    rtol : float, default 1e-4
        Allowed difference, relative to the largest entry.

    Raises
    ------
    LawError
        If a gradient has another dtype or other values.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff.testing import laws
    >>> laws.precision(lambda x: np.sum(np.sin(x)), np.array([0.5, 1.0]))
    """
    name = title(f)
    single, double = ([np.asarray(x).astype(kind) for x in xs] for kind in (np.float32, np.float64))
    places: Sequence[int] = tuple(range(len(xs)))
    near, exact = grad(f, places)(*single), grad(f, places)(*double)
    for i, g in enumerate(near):
        kind: Any = np.asarray(g).dtype
        if kind != np.float32:
            raise LawError(f"precision of {name}: its gradient by argument {i} in float32 has dtype {kind}.")
    _close("precision", f"the gradient of {name}", _as_double(near), exact, rtol, "float32 and float64")


def _as_double(gs: Sequence[Any]) -> list[NDArray[Any]]:
    return [np.asarray(g, np.float64) for g in gs]
