"""Gradient descent as in a textbook: a function, a starting point, a learning rate, and all points of the descent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autodiff as ad
from autodiff.solvers import is_being_differentiated, ravel
from optim.options import checked, whole


def gradient_descent(
    f: Callable[[Any], Any],
    df: Callable[[Any], Any] | None = None,
    x0: Any = None,
    learning_rate: float = 0.1,
    n_iterations: int = 100,
) -> tuple[Any, Any]:
    """Apply ``x <- x - learning_rate * df(x)``, `n_iterations` times.

    Parameters
    ----------
    f : callable
        The function; only its derivative is used.
    df : callable, optional
        The derivative, or gradient; computed by automatic differentiation if not given.
    x0 : number, array_like or container
        The starting point.
    learning_rate : float, default 0.1
        The factor of the gradient in a step.
    n_iterations : int, default 100
        The number of steps; there is no other end.

    Returns
    -------
    x : number, array or container
        The last point.
    history : ndarray, (n_iterations + 1, ...), or list
        All points, `x0` first; a list if `x0` is a container (a list of numbers is an array).

    Raises
    ------
    TypeError
        If there is no starting point, or `f` or `df` is not a function.
    autodiff.ShapeError
        If `df` does not return one number for each in `x0`.
    autodiff.GradientError
        If the function closes over a value that a transform is differentiating: the descent is not recorded.

    See Also
    --------
    minimize : stops on its own, and has better methods.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 4.3.

    Examples
    --------
    >>> import optim
    >>> x, history = optim.gradient_descent(lambda x: x**2, lambda x: 2 * x, 2.0, n_iterations=3)
    >>> history
    array([2.   , 1.6  , 1.28 , 1.024])
    >>> x, history = optim.gradient_descent(lambda x: (x - 3.0) ** 2, x0=0.0)
    >>> round(float(x), 6)
    3.0
    """
    rate = checked("learning_rate", learning_rate, 0.0, open_high=True)
    n = whole("n_iterations", n_iterations, 0)
    for name, function in (("f", f), ("df", df)):
        if not callable(function) and (name == "f" or function is not None):
            raise TypeError(
                f"{name} must be a function; a {type(function).__name__} was given. The starting point is x0=...."
            )
    if x0 is None:
        raise TypeError("gradient_descent needs a starting point: gradient_descent(f, df, x0), or (f, x0=...).")
    slope = ad.grad(f) if df is None else df
    x, unravel = ravel(x0)
    points = [unravel(x.copy())]
    function = f if df is None else df
    for i in range(n):
        g = slope(points[-1])
        if not i and isinstance(g, ad.Tensor) and is_being_differentiated(function(points[-1])):
            raise ad.GradientError(
                "gradient_descent: the function closes over a value that a transform is differentiating, but the "
                "descent is not recorded, so the derivative would be 0. Solve for the zero of the gradient, which is "
                "recorded: x = optim.root(ad.grad(f), x0). To hold the parameter constant use ad.stop_gradient."
            )
        g, _ = ravel(g, "the derivative")
        if g.size != x.size:
            raise ad.ShapeError(f"df returned {g.size} numbers for the {x.size} in x0; it must return one for each.")
        x = x - rate * g.astype(x.dtype, copy=False)
        points.append(unravel(x))
    is_array = isinstance(points[-1], (np.ndarray, np.generic))
    return points[-1], np.array(points) if is_array else points
