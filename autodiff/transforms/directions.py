"""Derivatives along a direction: of functions of a point, and of functions of one number, to any order."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, overload

import numpy as np

from autodiff import pytree
from autodiff.arrays.tensors import Tensor
from autodiff.errors import GradientError, UnsupportedError
from autodiff.transforms.first_order import jvp
from autodiff.transforms.recording import Derivative, Function


@overload
def directional_derivative(f: Callable[..., Tensor], x: Tensor, v: Any) -> Tensor: ...
@overload
def directional_derivative(f: Function, x: Any, v: Any) -> Any: ...
def directional_derivative(f: Function, x: Any, v: Any) -> Any:
    """The derivative of `f` at `x` along `v`, ``J v = sum_i df/dx_i v_i``; `v` is not normalised.

    Parameters
    ----------
    f : callable
        A function of one argument, an array or a nested container.
    x, v : array_like
        The point and the direction, with the same structure and shapes.

    Returns
    -------
    array or container
        With the structure of ``f(x)``. In the dtype of the argument.

    Raises
    ------
    GradientError
        If the direction has another shape than the point.

    References
    ----------
    J. Stewart, "Calculus", 8th edition (2016), section 14.6. A. Griewank, A. Walther, "Evaluating Derivatives", 2nd
    edition, SIAM 2008, section 3.1.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> float(ad.directional_derivative(lambda x: (x**2).sum(), np.array([1.0, 2.0]), np.array([1.0, 0.0])))
    2.0
    """
    return jvp(f, (x,), (v,))[1]


@overload
def derivative(f: Callable[..., Tensor], n: int = ...) -> Derivative: ...
@overload
def derivative(f: Function, n: int = ...) -> Function: ...
def derivative(f: Function, n: int = 1) -> Function:
    """The n-th derivative of a function of one number, or of an elementwise function, entry by entry.

    Parameters
    ----------
    f : callable
        A function of one number, which may return an array. For an array argument it must be elementwise.
    n : int, default 1
        The order, 0 or more.

    Returns
    -------
    callable
        The derivative. It can be nested, and its results depend on tracked Tensors that `f` closes over. In the
        dtype of the argument.

    Raises
    ------
    GradientError
        If the order is not an integer, 0 or more.

    Notes
    -----
    ``d^n f/dx^n``, in forward mode. From n = 2 on a power series is used (see `autodiff.taylor`): its cost grows as
    n**2, that of nested derivatives as 2**n. Nested derivatives are used only if an operation has a rule that cannot
    take a series.

    References
    ----------
    A. Griewank, A. Walther, "Evaluating Derivatives", 2nd edition, SIAM 2008, section 3.1 and chapter 13.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> round(float(ad.derivative(np.sin, n=2)(1.0) + np.sin(1.0)), 12)
    0.0
    """
    if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 0:
        raise GradientError(f"derivative: the order n must be an integer, 0 or more; {n!r} was given.")
    if n == 0:
        return f

    @functools.wraps(f, assigned=("__module__", "__name__", "__qualname__", "__doc__"), updated=())
    def slope(x: Any, **kwargs: Any) -> Any:
        one = np.ones(np.shape(x), x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype)
        if n == 1:
            return jvp(f, (x,), (one,), **kwargs)[1]
        from autodiff.transforms.expansions import coefficients  # imported here, since most programs never need it

        try:
            structure, found = coefficients(f, x, one[()], (n,), **kwargs)
        except UnsupportedError:  # some rule cannot take a series
            return derivative(derivative(f, n - 1))(x, **kwargs)
        return pytree.unflatten(structure, [math.factorial(int(n)) * c for (c,) in found])

    return slope
