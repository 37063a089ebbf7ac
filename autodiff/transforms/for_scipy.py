"""A scalar function as SciPy's optimisers call it: floats and arrays, with one evaluation for all derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.errors import GradientError
from autodiff.transforms.first_order import gradients
from autodiff.transforms.hessians import HessianOperator, hessian_operator
from autodiff.transforms.recording import Function, expect_function, recording_on, title


class ForScipy(NamedTuple):
    """What `for_scipy` returns. ``**found._asdict()`` passes all of it to ``scipy.optimize.minimize``.

    Attributes
    ----------
    fun : callable
        ``fun(x, *args) -> float``.
    jac : callable
        ``jac(x, *args) -> ndarray, (n,)``, the gradient.
    hessp : callable
        ``hessp(x, p, *args) -> ndarray, (n,)``, the product of the Hessian and `p`.
    """

    fun: Callable[..., float]
    jac: Callable[..., Any]
    hessp: Callable[..., Any]


class _Point:
    """A point at which a function was recorded, and what has been asked for there."""

    def __init__(self, f: Function, x: Any, args: tuple[Any, ...]) -> None:
        self.x, self.args = Tensor(x.copy(), requires_grad=True), args
        self.asked: set[str] = set()
        with recording_on():
            y = f(self.x, *args)
        if isinstance(y, (tuple, list)) or np.shape(y) not in ((), (1,)):
            was = f"a {type(y).__name__}" if isinstance(y, (tuple, list)) else f"shape {np.shape(y)}"
            raise GradientError(
                f"for_scipy: {title(f)} returned {was}; `minimize` needs one number. Reduce it with .sum() or .mean(); "
                "for `least_squares` and `root` give them the function itself and jac=ad.jacobian(f)."
            )
        dtype = np.asarray(getattr(y, "data", y)).dtype
        if dtype.kind not in "fiub":
            raise GradientError(
                f"for_scipy: {title(f)} returned a {type(y).__name__} of dtype {dtype}; expected one real number."
            )
        self._value = y[0] if np.ndim(y) else y
        self._is_constant = not isinstance(self._value, Tensor) or not self._value.requires_grad
        self._gradient: Any = None
        self._hessian: HessianOperator | None = None

    def is_at(self, x: Any, args: tuple[Any, ...]) -> bool:
        same = len(args) == len(self.args) and all(map(_is, args, self.args))
        return same and x.shape == self.x.shape and np.array_equal(self.x.data, x)

    def value(self) -> float:
        return float(self._value.item() if isinstance(self._value, Tensor) else self._value)

    def gradient(self) -> Any:
        if self._gradient is None:
            self._gradient = self._zeros() if self._is_constant else np.array(gradients(self._value, [self.x])[0])
        return self._gradient.copy()

    def product(self, p: Any) -> Any:
        if self._is_constant:
            return self._zeros()
        if self._hessian is None:
            self._hessian = hessian_operator(self._value, [self.x])
        return np.asarray(self._hessian.matvec(np.asarray(p).reshape(-1)))

    def _zeros(self) -> Any:
        return np.zeros(self.x.shape, self.x.dtype)


class _Evaluation:
    """A function that is recorded once for each point.

    What is known of a point is an object of its own, and each call works with the one that it found, so that threads
    may share a function. A pickle takes the function only.
    """

    def __init__(self, f: Function) -> None:
        self._f = f
        self._last: _Point | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._f,)

    def _at(self, x: Any, args: tuple[Any, ...], asked: str) -> _Point:
        """The last point if it is this one. SciPy asks for value and gradient once; a second time is a new descent."""
        x = np.asarray(x, None if np.asarray(x).dtype.kind in "fc" else float)
        point = self._last
        if point is None or asked in point.asked or not point.is_at(x, args):
            point = self._last = _Point(self._f, x, args)
        if asked != "product":  # of which a step needs many
            point.asked.add(asked)
        return point

    def fun(self, x: Any, *args: Any) -> float:
        """The value, as a float."""
        return self._at(x, args, "value").value()

    def jac(self, x: Any, *args: Any) -> Any:
        """The gradient, as an array of its own."""
        return self._at(x, args, "gradient").gradient()

    def hessp(self, x: Any, p: Any, *args: Any) -> Any:
        """The product of the Hessian and a vector; the gradient is recorded once at each point."""
        return self._at(x, args, "product").product(p)


def _is(a: Any, b: Any) -> bool:
    return a is b


def for_scipy(f: Function) -> ForScipy:
    """A scalar function as SciPy's optimisers want it: value, gradient and Hessian product that share one evaluation.

    Parameters
    ----------
    f : callable
        ``f(x, *args)``, of a vector (n,), which returns one real number. It is called with a Tensor.

    Returns
    -------
    ForScipy
        A named tuple ``(fun, jac, hessp)``: a float, an ndarray (n,), an ndarray (n,), all in double precision if the
        point is. At one point `f` is called once for all three, in whichever order they are asked for. It is called
        anew if value or gradient are asked for again, as when another descent starts: what `f` reads may have changed.

    Raises
    ------
    GradientError
        If the function returns something other than one real number.

    See Also
    --------
    HessianOperator : a Hessian for solvers of equations.

    Notes
    -----
    ``H p = d/dt grad f(x + t p)`` at t = 0: the Hessian is not formed. What else `f` depends on, such as a tracked
    Tensor outside, is held fixed, since floats carry no gradient. `optim.minimize` has the same methods, and
    `optim.root` can be differentiated itself.

    References
    ----------
    B. A. Pearlmutter, "Fast exact multiplication by the Hessian", Neural Computation 6 (1994).

    Examples
    --------
    >>> import numpy as np, scipy.optimize, autodiff as ad
    >>> f = ad.for_scipy(lambda x: np.sum((x - 1.0) ** 4 + x**2))
    >>> f.fun(np.zeros(2)), f.jac(np.zeros(2)), f.hessp(np.zeros(2), np.ones(2))
    (2.0, array([-4., -4.]), array([14., 14.]))
    >>> scipy.optimize.minimize(x0=np.zeros(2), method="trust-krylov", **f._asdict()).success
    True
    """
    expect_function(f, "to minimise")
    at = _Evaluation(f)
    return ForScipy(at.fun, at.jac, at.hessp)
