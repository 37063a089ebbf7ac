"""The objective function as the methods see it: a function of flat vectors, with derivatives and counts of calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import autodiff as ad
from autodiff.solvers import called, is_being_differentiated, ravel
from optim.minima.regions import Box

Vector = np.ndarray[Any, np.dtype[Any]]


@dataclass(slots=True, eq=False)
class Point:
    """A point, with values and derivatives of the function there.

    Attributes
    ----------
    x : ndarray, (n,)
    fun : float
    grad : ndarray, (n,)
    matvec : callable or None
        Products with the Hessian.
    residuals, jacobian : ndarray, (m,) and (m, n), or None
        For a sum of squares.
    """

    x: Vector
    fun: float
    grad: Vector
    matvec: Callable[[Vector], Vector] | None = None
    residuals: Vector | None = None
    jacobian: Vector | None = None


class Objective:
    """A scalar function of arrays or nested containers, or the residuals of a sum of squares.

    Parameters
    ----------
    f : callable
    x0 : array_like or container
    box : Box or None
    squares : bool, default False
        Whether `f` returns residuals; the function is then half the sum of their squares.

    Attributes
    ----------
    start : ndarray, (n,)
        `x0` as a vector, moved into the box.
    unravel : callable
        Maps a vector to the structure of `x0`.
    nfev, nhvp : int
        Numbers of calls of `f` and of Hessian-vector products.
    """

    def __init__(self, f: Callable[[Any], Any], x0: Any, box: Box | None, *, squares: bool = False) -> None:
        if not callable(f):
            raise TypeError(f"f must be a function of one argument; a {type(f).__name__} was given.")
        self.start, self.unravel = ravel(x0)
        self.f = f
        self.box = box
        if box is not None:
            self.start = box.project(self.start).astype(self.start.dtype)
        self.squares = squares
        self.nfev = 0
        self.nhvp = 0
        self._value_and_grad = ad.value_and_grad(self._scalar)
        self._is_checked = False  # whether `f` was checked for closing over differentiated values

    def _scalar(self, tree: Any) -> Any:
        """The scalar function of a point in the structure of `x0`."""
        self.nfev += 1
        y = called(self.f, tree)
        if self.squares:
            return (y * y).sum() / 2
        if y is None or getattr(y, "size", 1) != 1:
            given, mend = ("None", "Is there a `return`?") if y is None else (f"shape {y.shape}", "Add .sum().")
            raise ad.GradientError(f"f must return one number, the value to minimise; it returned {given}. {mend}")
        return y

    def refuse_outer_transform(self, y: Any) -> None:
        """Raise if f depends on an outer transform: the search is not recorded, so the derivative would be 0."""
        if self._is_checked or not isinstance(y, ad.Tensor):
            return
        self._is_checked = True
        if is_being_differentiated(self.f(self.unravel(self.start))):
            raise ad.GradientError(
                "f closes over a value that a transform is differentiating, but a search is not recorded. To "
                "differentiate the minimum with respect to a parameter, solve for the zero of the gradient, which is "
                "recorded: x = optim.root(ad.grad(f), x0). To hold the parameter constant use ad.stop_gradient."
            )

    def value(self, x: Vector) -> float:
        """The function at `x`, without derivatives."""
        y = self._scalar(self.unravel(x))
        return float(y.item() if hasattr(y, "item") else y)

    def point(self, x: Vector) -> Point:
        """Value and gradient."""
        y, g = self._value_and_grad(self.unravel(x))
        self.refuse_outer_transform(y)
        return Point(x, _number(y), self._flat(g))

    def model(self, x: Vector) -> Point:
        """Value, gradient, and Hessian-vector products, all from one recording."""
        operator = ad.hessian_operator(self._scalar, self.unravel(x))
        self.refuse_outer_transform(operator.value)

        def matvec(v: Vector) -> Vector:
            self.nhvp += 1
            return np.asarray(self._flat(operator.matvec(v)))

        return Point(x, _number(operator.value), self._flat(operator.gradient), matvec)

    def linear(self, x: Vector) -> Point:
        """Residuals and their Jacobian."""
        self.nfev += 1
        r, pushforward = ad.linearize(self.f, self.unravel(x))
        self.refuse_outer_transform(r)
        r = r.data if isinstance(r, ad.Tensor) else r
        if not isinstance(r, np.ndarray) or r.dtype.kind != "f" or r.ndim == 0:
            given = f"an array of dtype {r.dtype}" if isinstance(r, np.ndarray) else f"a {type(r).__name__}"
            raise ad.GradientError(
                f"gauss-newton minimises half the sum of squares of an array of real residuals, but f "
                f"returned {given}. Return the residuals before they are squared and summed, or use another method."
            )
        columns = [self._flat(pushforward(self.unravel(e))) for e in np.eye(x.size, dtype=x.dtype)]
        J = np.stack(columns, axis=1)
        r = r.reshape(-1)
        return Point(x, 0.5 * float(r @ r), J.T @ r, residuals=r, jacobian=J)

    def _flat(self, tree: Any) -> Vector:
        tree = tree.data if isinstance(tree, ad.Tensor) else tree
        return tree.reshape(-1) if isinstance(tree, np.ndarray) else ravel(tree)[0]

    # --- bounds -----------------------------------------------------------------------------------

    def project(self, x: Vector) -> Vector:
        """The nearest point within the bounds."""
        return x if self.box is None else self.box.project(x).astype(x.dtype, copy=False)

    def slope(self, point: Point) -> Vector:
        """The gradient, without the entries that push against a bound."""
        return point.grad if self.box is None else self.box.projected_gradient(point.x, point.grad)

    def free(self, point: Point) -> Vector:
        """A mask of the numbers that may move along the negative gradient."""
        if self.box is None:
            return np.ones(point.x.size, bool)
        return self.box.free(point.x, point.grad)


def _number(y: Any) -> float:
    return float(y.item() if hasattr(y, "item") else y)
