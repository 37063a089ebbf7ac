"""Initial values of parameters: ``nn.init``.

Each function takes a shape and returns an array, or takes a parameter, sets it and returns it. Shapes are those of the
layers: ``(in, out)`` for a matrix, ``(out, in / groups, *kernel)`` for a convolution.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

import autodiff as ad
from autodiff import names as _names
from nn.randomness import generator

__all__ = [
    "constant",
    "fans",
    "gain",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "ones",
    "orthogonal",
    "truncated_normal",
    "uniform",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]

Shape = tuple[int, ...]
Target = int | Shape | ad.Tensor

_GAINS = {
    "linear": 1.0,
    "identity": 1.0,
    "conv1d": 1.0,
    "conv2d": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "leaky_relu": math.sqrt(2 / (1 + 0.01**2)),
    "selu": 3 / 4,
}


def gain(nonlinearity: str, slope: float | None = None) -> float:
    """The factor for initial weights that keeps the size of signals through an activation function.

    Parameters
    ----------
    nonlinearity : str
        "linear", "identity", "conv1d", "conv2d", "sigmoid" (1), "tanh" (5/3), "relu" (sqrt 2), "leaky_relu", "selu"
        (3/4): torch's table.
    slope : float, optional
        Slope of the leaky ReLU below 0; 0.01 if not given.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If `nonlinearity` is none of these.

    Examples
    --------
    >>> import nn
    >>> round(nn.init.gain("relu"), 6)
    1.414214
    """
    if nonlinearity not in _GAINS:
        raise ValueError(
            f"gain: nonlinearity must be one of {', '.join(map(repr, _GAINS))}; {nonlinearity!r} was given."
        )
    if nonlinearity == "leaky_relu" and slope is not None:
        return math.sqrt(2 / (1 + slope**2))
    return _GAINS[nonlinearity]


def fans(shape: Shape) -> tuple[int, int]:
    """The number of inputs of a unit, and the number of units that an input reaches.

    Parameters
    ----------
    shape : tuple of int
        ``(in, out)``, or ``(out, in / groups, *kernel)``.

    Returns
    -------
    fan_in, fan_out : int

    Raises
    ------
    autodiff.ShapeError
        If the shape has fewer than two axes.

    Examples
    --------
    >>> import nn
    >>> nn.init.fans((3, 5)), nn.init.fans((8, 3, 5, 5))
    ((3, 5), (75, 200))
    """
    if len(shape) < 2:
        raise ad.ShapeError(
            f"a shape with fewer than two axes, {shape}, has no numbers of inputs and outputs; use zeros, normal or "
            f"uniform for a bias."
        )
    if len(shape) == 2:
        return shape[0], shape[1]
    window = math.prod(shape[2:])
    return shape[1] * window, shape[0] * window


def _shape(target: Target) -> Shape:
    if isinstance(target, ad.Tensor):
        return target.shape
    return (int(target),) if isinstance(target, (int, np.integer)) else tuple(int(n) for n in target)


def _given(target: Target, values: NDArray[Any], dtype: DTypeLike) -> Any:
    """The values as a new array, or the parameter set to them."""
    if isinstance(target, ad.Tensor):
        return target.assign_(values.astype(target.dtype))
    return values.astype(dtype)


def constant(target: Target, value: float, *, dtype: DTypeLike = np.float32) -> Any:
    """Fill with one number.

    Parameters
    ----------
    target : tuple of int, or Parameter
        The shape, or the parameter to set.
    value : float
        The number.
    dtype : dtype, default float32
        Dtype of the array; a parameter keeps its own.

    Returns
    -------
    ndarray, or the parameter

    Examples
    --------
    >>> import nn
    >>> nn.init.constant((2,), 0.5)
    array([0.5, 0.5], dtype=float32)
    """
    return _given(target, np.full(_shape(target), value), dtype)


def zeros(target: Target, *, dtype: DTypeLike = np.float32) -> Any:
    """Fill with 0.

    Parameters
    ----------
    target : tuple of int, or Parameter
        The shape, or the parameter to set.
    dtype : dtype, default float32
        Dtype of the array; a parameter keeps its own.

    Returns
    -------
    ndarray, or the parameter

    Examples
    --------
    >>> import nn
    >>> layer = nn.Linear(3, 2)
    >>> nn.init.zeros(layer.bias).data
    array([0., 0.], dtype=float32)
    """
    return constant(target, 0.0, dtype=dtype)


def ones(target: Target, *, dtype: DTypeLike = np.float32) -> Any:
    """Fill with 1.

    Parameters
    ----------
    target : tuple of int, or Parameter
        The shape, or the parameter to set.
    dtype : dtype, default float32
        Dtype of the array; a parameter keeps its own.

    Returns
    -------
    ndarray, or the parameter

    Examples
    --------
    >>> import nn
    >>> nn.init.ones((2,))
    array([1., 1.], dtype=float32)
    """
    return constant(target, 1.0, dtype=dtype)


def uniform(
    target: Target,
    low: float = 0.0,
    high: float = 1.0,
    *,
    dtype: DTypeLike = np.float32,
    rng: np.random.Generator | None = None,
) -> Any:
    """Draw from a uniform distribution between two bounds.

    Parameters
    ----------
    target : tuple of int, or Parameter
        The shape, or the parameter to set.
    low, high : float
        The bounds.
    dtype : dtype, default float32
        Dtype of the array; a parameter keeps its own.
    rng : numpy.random.Generator, optional
        Source of the random numbers; this thread's generator (`nn.manual_seed`) if not given.

    Returns
    -------
    ndarray, or the parameter

    Examples
    --------
    >>> import nn
    >>> nn.init.uniform((2, 3), -1.0, 1.0).shape
    (2, 3)
    """
    return _given(target, generator(rng).uniform(low, high, _shape(target)), dtype)


def normal(
    target: Target,
    mean: float = 0.0,
    std: float = 1.0,
    *,
    dtype: DTypeLike = np.float32,
    rng: np.random.Generator | None = None,
) -> Any:
    """Draw from a normal distribution.

    Parameters
    ----------
    target : tuple of int, or Parameter
        The shape, or the parameter to set.
    mean, std : float, default 0 and 1
        Mean and standard deviation.
    dtype : dtype, default float32
        Dtype of the array; a parameter keeps its own.
    rng : numpy.random.Generator, optional
        Source of the random numbers; this thread's generator (`nn.manual_seed`) if not given.

    Returns
    -------
    ndarray, or the parameter

    Examples
    --------
    >>> import nn
    >>> nn.init.normal((2, 3), std=0.02).shape
    (2, 3)
    """
    return _given(target, generator(rng).normal(mean, std, _shape(target)), dtype)


def truncated_normal(
    target: Target,
    mean: float = 0.0,
    std: float = 1.0,
    low: float = -2.0,
    high: float = 2.0,
    *,
    dtype: DTypeLike = np.float32,
    rng: np.random.Generator | None = None,
) -> Any:
    """Draw from a normal distribution with this mean and standard deviation, again for values outside the bounds.

    Parameters
    ----------
    target : tuple of int, or Parameter
        The shape, or the parameter to set.
    mean, std : float
        Of the untruncated distribution; truncation makes the standard deviation smaller.
    low, high : float
        Bounds of the values themselves, not in standard deviations, as in torch.
    dtype : dtype, default float32
        Dtype of the array; a parameter keeps its own.
    rng : numpy.random.Generator, optional
        Source of the random numbers; this thread's generator (`nn.manual_seed`) if not given.

    Returns
    -------
    ndarray, or the parameter

    Raises
    ------
    ValueError
        If the bounds contain less than a thousandth of the distribution.

    Examples
    --------
    >>> import nn
    >>> bool((abs(nn.init.truncated_normal((100, 100))) <= 2).all())
    True
    """
    inside = (math.erf((high - mean) / (std * math.sqrt(2))) - math.erf((low - mean) / (std * math.sqrt(2)))) / 2
    if not low < high or inside < 1e-3:
        raise ValueError(
            f"truncated_normal: the bounds {low} and {high} contain a fraction {max(inside, 0):.2g} of the "
            f"distribution; at least a thousandth is needed."
        )
    shape, draw = _shape(target), generator(rng)
    values = draw.normal(mean, std, shape)
    wrong = np.flatnonzero((values < low) | (values > high))
    flat = values.reshape(-1)
    while wrong.size:
        flat[wrong] = draw.normal(mean, std, wrong.size)
        wrong = wrong[(flat[wrong] < low) | (flat[wrong] > high)]
    return _given(target, values, dtype)


def xavier_uniform(
    target: Target, gain: float = 1.0, *, dtype: DTypeLike = np.float32, rng: np.random.Generator | None = None
) -> Any:
    """Draw from a uniform distribution with variance ``2 gain**2 / (fan_in + fan_out)``, after Glorot.

    Parameters
    ----------
    target : tuple of int, or Parameter
        The shape, or the parameter to set.
    gain : float, default 1
        A factor; see `gain`.
    dtype : dtype, default float32
        Dtype of the array; a parameter keeps its own.
    rng : numpy.random.Generator, optional
        Source of the random numbers; this thread's generator (`nn.manual_seed`) if not given.

    Returns
    -------
    ndarray, or the parameter

    Raises
    ------
    autodiff.ShapeError
        If the shape has fewer than two axes.

    References
    ----------
    X. Glorot and Y. Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010, equation
    (16).

    Examples
    --------
    >>> import nn
    >>> bool((abs(nn.init.xavier_uniform((2, 4))) <= 1).all())
    True
    """
    return _uniform(target, gain * math.sqrt(2 / sum(fans(_shape(target)))), dtype, rng)


def xavier_normal(
    target: Target, gain: float = 1.0, *, dtype: DTypeLike = np.float32, rng: np.random.Generator | None = None
) -> Any:
    """Draw from a normal distribution with variance ``2 gain**2 / (fan_in + fan_out)``, after Glorot.

    Parameters
    ----------
    target : tuple of int, or Parameter
        The shape, or the parameter to set.
    gain : float, default 1
        A factor; see `gain`.
    dtype : dtype, default float32
        Dtype of the array; a parameter keeps its own.
    rng : numpy.random.Generator, optional
        Source of the random numbers; this thread's generator (`nn.manual_seed`) if not given.

    Returns
    -------
    ndarray, or the parameter

    Raises
    ------
    autodiff.ShapeError
        If the shape has fewer than two axes.

    References
    ----------
    X. Glorot and Y. Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010, equation
    (12).

    Examples
    --------
    >>> import nn
    >>> nn.init.xavier_normal((2, 4), nn.init.gain("tanh")).shape
    (2, 4)
    """
    return normal(target, 0.0, gain * math.sqrt(2 / sum(fans(_shape(target)))), dtype=dtype, rng=rng)


def he_uniform(
    target: Target,
    gain: float = math.sqrt(2),
    mode: str = "fan_in",
    *,
    dtype: DTypeLike = np.float32,
    rng: np.random.Generator | None = None,
) -> Any:
    """Draw from a uniform distribution with variance ``gain**2 / fan_in``, after He, for networks with ReLU.

    Parameters
    ----------
    target : tuple of int, or Parameter
        The shape, or the parameter to set.
    gain : float, default sqrt(2)
        A factor; see `gain`.
    mode : {"fan_in", "fan_out"}
        Whether to keep the size of signals in the forward pass or of gradients in the backward pass.
    dtype : dtype, default float32
        Dtype of the array; a parameter keeps its own.
    rng : numpy.random.Generator, optional
        Source of the random numbers; this thread's generator (`nn.manual_seed`) if not given.

    Returns
    -------
    ndarray, or the parameter

    Raises
    ------
    autodiff.ShapeError
        If the shape has fewer than two axes.
    ValueError
        If `mode` is unknown.

    References
    ----------
    K. He et al., Delving deep into rectifiers, 2015, equations (10) and (14).

    Examples
    --------
    >>> import nn
    >>> nn.init.he_uniform((8, 3, 5, 5)).shape
    (8, 3, 5, 5)
    """
    return _uniform(target, gain / math.sqrt(_fan(target, mode)), dtype, rng)


def he_normal(
    target: Target,
    gain: float = math.sqrt(2),
    mode: str = "fan_in",
    *,
    dtype: DTypeLike = np.float32,
    rng: np.random.Generator | None = None,
) -> Any:
    """Draw from a normal distribution with variance ``gain**2 / fan_in``, after He, for networks with ReLU.

    Parameters
    ----------
    target : tuple of int, or Parameter
        The shape, or the parameter to set.
    gain : float, default sqrt(2)
        A factor; see `gain`.
    mode : {"fan_in", "fan_out"}
        Whether to keep the size of signals in the forward pass or of gradients in the backward pass.
    dtype : dtype, default float32
        Dtype of the array; a parameter keeps its own.
    rng : numpy.random.Generator, optional
        Source of the random numbers; this thread's generator (`nn.manual_seed`) if not given.

    Returns
    -------
    ndarray, or the parameter

    Raises
    ------
    autodiff.ShapeError
        If the shape has fewer than two axes.
    ValueError
        If `mode` is unknown.

    References
    ----------
    K. He et al., Delving deep into rectifiers, 2015, equations (10) and (14).

    Examples
    --------
    >>> import nn
    >>> layer = nn.Linear(64, 32)
    >>> nn.init.he_normal(layer.weight) is layer.weight
    True
    """
    return normal(target, 0.0, gain / math.sqrt(_fan(target, mode)), dtype=dtype, rng=rng)


def lecun_uniform(target: Target, *, dtype: DTypeLike = np.float32, rng: np.random.Generator | None = None) -> Any:
    """Draw from a uniform distribution with variance ``1 / fan_in``, after LeCun.

    Parameters
    ----------
    target : tuple of int, or Parameter
        The shape, or the parameter to set.
    dtype : dtype, default float32
        Dtype of the array; a parameter keeps its own.
    rng : numpy.random.Generator, optional
        Source of the random numbers; this thread's generator (`nn.manual_seed`) if not given.

    Returns
    -------
    ndarray, or the parameter

    Raises
    ------
    autodiff.ShapeError
        If the shape has fewer than two axes.

    References
    ----------
    Y. LeCun et al., Efficient backprop, 1998, equation (16).

    Examples
    --------
    >>> import nn
    >>> bool((abs(nn.init.lecun_uniform((3, 4))) <= 1).all())
    True
    """
    return _uniform(target, 1 / math.sqrt(_fan(target, "fan_in")), dtype, rng)


def lecun_normal(target: Target, *, dtype: DTypeLike = np.float32, rng: np.random.Generator | None = None) -> Any:
    """Draw from a normal distribution with variance ``1 / fan_in``, after LeCun.

    Parameters
    ----------
    target : tuple of int, or Parameter
        The shape, or the parameter to set.
    dtype : dtype, default float32
        Dtype of the array; a parameter keeps its own.
    rng : numpy.random.Generator, optional
        Source of the random numbers; this thread's generator (`nn.manual_seed`) if not given.

    Returns
    -------
    ndarray, or the parameter

    Raises
    ------
    autodiff.ShapeError
        If the shape has fewer than two axes.

    References
    ----------
    Y. LeCun et al., Efficient backprop, 1998, equation (16).

    Examples
    --------
    >>> import nn
    >>> nn.init.lecun_normal((3, 4)).shape
    (3, 4)
    """
    return normal(target, 0.0, 1 / math.sqrt(_fan(target, "fan_in")), dtype=dtype, rng=rng)


def orthogonal(
    target: Target, gain: float = 1.0, *, dtype: DTypeLike = np.float32, rng: np.random.Generator | None = None
) -> Any:
    """A random matrix with orthonormal rows or columns (whichever are fewer), times `gain`.

    Parameters
    ----------
    target : tuple of int, or Parameter
        The shape, or the parameter to set. If there are more than two axes, all but the first are joined.
    gain : float, default 1
        A factor; see `gain`.
    dtype : dtype, default float32
        Dtype of the array; a parameter keeps its own.
    rng : numpy.random.Generator, optional
        Source of the random numbers; this thread's generator (`nn.manual_seed`) if not given.

    Returns
    -------
    ndarray, or the parameter

    Raises
    ------
    autodiff.ShapeError
        If the shape has fewer than two axes.

    References
    ----------
    A. M. Saxe, J. L. McClelland and S. Ganguli, Exact solutions to the nonlinear dynamics of learning in deep linear
    neural networks, 2013. The distribution is uniform over all such matrices: F. Mezzadri, How to generate random
    matrices from the classical compact groups, 2007.

    Examples
    --------
    >>> import numpy as np, nn
    >>> q = nn.init.orthogonal((4, 3), dtype=np.float64)
    >>> bool(np.allclose(q.T @ q, np.eye(3)))
    True
    """
    shape = _shape(target)
    if len(shape) < 2:
        raise ad.ShapeError(f"orthogonal: the shape must have at least two axes; it is {shape}.")
    rows, columns = shape[0], math.prod(shape[1:])
    q, r = np.linalg.qr(generator(rng).standard_normal((max(rows, columns), min(rows, columns))))
    q = q * np.where(np.diag(r) < 0, -1.0, 1.0)  # makes the distribution uniform
    return _given(target, gain * (q if rows >= columns else q.T).reshape(shape), dtype)


def _uniform(target: Target, std: float, dtype: DTypeLike, rng: np.random.Generator | None) -> Any:
    bound = std * math.sqrt(3)
    return uniform(target, -bound, bound, dtype=dtype, rng=rng)


def _fan(target: Target, mode: str) -> int:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode must be 'fan_in' or 'fan_out'; {mode!r} was given.")
    return fans(_shape(target))[mode == "fan_out"]


def __getattr__(name: str) -> Any:
    """Say what a name of another library is called here."""
    raise _names.not_in_module("nn.init", name, _row_of, (n for n in globals() if not n.startswith("_")))


def _row_of(name: str) -> _names.Row | None:
    from nn.names import of_init

    return of_init(name)
