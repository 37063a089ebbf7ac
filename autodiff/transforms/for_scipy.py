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


class _Evaluation:
    """The last point at which a function was recorded, and what has been asked for there."""

    def __init__(self, f: Function) -> None:
        self._f = f
        self._x: Any = None
        self._args: tuple[Any, ...] = ()

    def _at(self, x: Any, args: tuple[Any, ...]) -> None:
        x = np.asarray(x, None if np.asarray(x).dtype.kind in "fc" else float)
        known = self._x is not None and len(args) == len(self._args) and all(map(_is, args, self._args))
        if known and self._x.shape == x.shape and np.array_equal(self._x.data, x):
            return
        point = Tensor(x.copy(), requires_grad=True)
        with recording_on():
            y = self._f(point, *args)
        if np.shape(y) not in ((), (1,)):
            raise GradientError(
                f"for_scipy: {title(self._f)} returned shape {np.shape(y)}; `minimize` needs one number. Reduce it "
                "with .sum() or .mean(); for `least_squares` and `root` give them the function itself and "
                "jac=ad.jacobian(f)."
            )
        if np.asarray(getattr(y, "data", y)).dtype.kind not in "fiub":
            raise GradientError(f"for_scipy: {title(self._f)} returned {type(y).__name__}; expected one real number.")
        self._x, self._args = point, args
        self._value = y[0] if np.ndim(y) else y
        self._gradient: Any = None
        self._hessian: HessianOperator | None = None

    def fun(self, x: Any, *args: Any) -> float:
        """The value, as a float."""
        self._at(x, args)
        return float(self._value.item() if isinstance(self._value, Tensor) else self._value)

    def jac(self, x: Any, *args: Any) -> Any:
        """The gradient, as an array of its own."""
        self._at(x, args)
        if self._gradient is None:
            self._gradient = self._slopes()
        return self._gradient.copy()

    def _slopes(self) -> Any:
        if not isinstance(self._value, Tensor) or not self._value.requires_grad:
            return np.zeros(self._x.shape, self._x.dtype)  # a constant
        return np.array(gradients(self._value, [self._x])[0])

    def hessp(self, x: Any, p: Any, *args: Any) -> Any:
        """The product of the Hessian and a vector; the gradient is recorded once at each point."""
        self._at(x, args)
        if not isinstance(self._value, Tensor) or not self._value.requires_grad:
            return np.zeros(self._x.shape, self._x.dtype)
        if self._hessian is None:
            self._hessian = hessian_operator(self._value, [self._x])
        return np.asarray(self._hessian.matvec(np.asarray(p).reshape(-1)))


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
        point is. At one point `f` is called once, whichever of them are asked for, and in whichever order.

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
