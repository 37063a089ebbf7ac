"""Activation functions of networks, and the inverses of some."""

from __future__ import annotations

from typing import Literal, overload

from autodiff.arrays.tensors import Tensor
from autodiff.ops import activations, choices, elementwise, information
from autodiff.special._operands import real
from autodiff.typing import Array, Numbers


@overload
def relu(x: Tensor) -> Tensor: ...
@overload
def relu(x: Numbers) -> Array: ...
def relu(x: Tensor | Numbers) -> Tensor | Array:
    """``max(x, 0)``; the slope at 0 is 0.

    Parameters
    ----------
    x : array_like or Tensor
        Real.

    Returns
    -------
    array or Tensor
        In the shape and dtype of `x`; integers become float64.

    Raises
    ------
    DtypeError
        If the numbers are complex, or no numbers.

    References
    ----------
    V. Nair, G. E. Hinton, "Rectified linear units improve restricted Boltzmann machines", ICML 2010.

    Examples
    --------
    >>> from autodiff import special
    >>> special.relu([-1.0, 2.0])
    array([0., 2.])
    """
    return choices.relu(real(x, "relu"))


@overload
def sigmoid(x: Tensor) -> Tensor: ...
@overload
def sigmoid(x: Numbers) -> Array: ...
def sigmoid(x: Tensor | Numbers) -> Tensor | Array:
    """``1 / (1 + exp(-x))``, without overflow; the inverse of the log-odds.

    Parameters
    ----------
    x : array_like or Tensor
        Real.

    Returns
    -------
    array or Tensor
        In the shape and dtype of `x` (integers become float64), between 0 and 1.

    Raises
    ------
    DtypeError
        If the numbers are complex, or no numbers.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, equation (3.30).

    Examples
    --------
    >>> from autodiff import special
    >>> special.sigmoid([0.0, 1000.0])
    array([0.5, 1. ])
    """
    return elementwise.sigmoid(real(x, "sigmoid"))


@overload
def expit(x: Tensor) -> Tensor: ...
@overload
def expit(x: Numbers) -> Array: ...
def expit(x: Tensor | Numbers) -> Tensor | Array:
    """``1 / (1 + exp(-x))``: `sigmoid`, under its name in SciPy.

    Parameters
    ----------
    x : array_like or Tensor
        Real, of any shape.

    Returns
    -------
    array or Tensor
        In the shape and dtype of `x` (integers become float64), between 0 and 1.

    Raises
    ------
    DtypeError
        If the numbers are complex, or no numbers.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, equation (3.30).

    Examples
    --------
    >>> from autodiff import special
    >>> float(special.expit(0.0))
    0.5
    """
    return sigmoid(x)


@overload
def softplus(x: Tensor) -> Tensor: ...
@overload
def softplus(x: Numbers) -> Array: ...
def softplus(x: Tensor | Numbers) -> Tensor | Array:
    """``log(1 + exp(x))``, without overflow: a smooth `relu`.

    Parameters
    ----------
    x : array_like or Tensor
        Real.

    Returns
    -------
    array or Tensor
        In the shape and dtype of `x`; integers become float64.

    Raises
    ------
    DtypeError
        If the numbers are complex, or no numbers.

    References
    ----------
    C. Dugas et al., "Incorporating second-order functional knowledge for better option pricing", NIPS 2000.

    Examples
    --------
    >>> from autodiff import special
    >>> float(special.softplus(1000.0))
    1000.0
    """
    return elementwise.softplus(real(x, "softplus"))


@overload
def logit(p: Tensor) -> Tensor: ...
@overload
def logit(p: Numbers) -> Array: ...
def logit(p: Tensor | Numbers) -> Tensor | Array:
    """``log(p / (1 - p))``, the log-odds of a probability: the inverse of `sigmoid`.

    Parameters
    ----------
    p : array_like or Tensor
        Real, between 0 and 1; NaN outside.

    Returns
    -------
    array or Tensor
        In the shape and dtype of `p`; integers become float64; -inf at 0, inf at 1.

    Raises
    ------
    DtypeError
        If the numbers are complex, or no numbers.

    References
    ----------
    J. Berkson, "Application of the logistic function to bio-assay", J. Amer. Stat. Assoc. 39 (1944).

    Examples
    --------
    >>> from autodiff import special
    >>> special.logit([0.0, 0.5, 0.75])
    array([      -inf, 0.        , 1.09861229])
    """
    return information.logit(real(p, "logit"))


@overload
def log1mexp(x: Tensor) -> Tensor: ...
@overload
def log1mexp(x: Numbers) -> Array: ...
def log1mexp(x: Tensor | Numbers) -> Tensor | Array:
    """``log(1 - exp(-x))`` for x > 0, without cancellation on either side.

    Parameters
    ----------
    x : array_like or Tensor
        Real; -inf at 0, NaN below.

    Returns
    -------
    array or Tensor
        In the shape and dtype of `x`; integers become float64.

    Raises
    ------
    DtypeError
        If the numbers are complex, or no numbers.

    References
    ----------
    M. Mächler, Accurately computing log(1 - exp(-abs(a))), 2012, equation (7).

    Examples
    --------
    >>> from autodiff import special
    >>> float(special.log1mexp(1e-20))
    -46.05170185988091
    """
    return information.log1mexp(real(x, "log1mexp"))


@overload
def leaky_relu(x: Tensor, slope: float = ...) -> Tensor: ...
@overload
def leaky_relu(x: Numbers, slope: float = ...) -> Array: ...
def leaky_relu(x: Tensor | Numbers, slope: float = 0.01) -> Tensor | Array:
    """`x` above 0, ``slope * x`` from 0 down.

    Parameters
    ----------
    x : array_like or Tensor
        Real.
    slope : float, default 0.01
        The slope below 0 and at 0.

    Returns
    -------
    array or Tensor
        In the shape and dtype of `x`; integers become float64.

    Raises
    ------
    DtypeError
        If the numbers are complex, or no numbers.

    References
    ----------
    A. L. Maas, A. Y. Hannun, A. Y. Ng, "Rectifier nonlinearities improve neural network acoustic models", ICML 2013.

    Examples
    --------
    >>> from autodiff import special
    >>> special.leaky_relu([-1.0, 2.0])
    array([-0.01,  2.  ])
    """
    return activations.leaky_relu(real(x, "leaky_relu"), slope=float(slope))


@overload
def elu(x: Tensor, alpha: float = ...) -> Tensor: ...
@overload
def elu(x: Numbers, alpha: float = ...) -> Array: ...
def elu(x: Tensor | Numbers, alpha: float = 1.0) -> Tensor | Array:
    """`x` above 0, ``alpha * (exp(x) - 1)`` from 0 down.

    Parameters
    ----------
    x : array_like or Tensor
        Real.
    alpha : float, default 1
        The values tend to ``-alpha`` far below 0.

    Returns
    -------
    array or Tensor
        In the shape and dtype of `x`; integers become float64.

    Raises
    ------
    DtypeError
        If the numbers are complex, or no numbers.

    References
    ----------
    D.-A. Clevert, T. Unterthiner, S. Hochreiter, "Fast and accurate deep network learning by exponential linear units
    (ELUs)", ICLR 2016.

    Examples
    --------
    >>> from autodiff import special
    >>> special.elu([-1.0, 2.0])
    array([-0.63212056,  2.        ])
    """
    return activations.elu(real(x, "elu"), alpha=float(alpha))


@overload
def gelu(x: Tensor, approximate: Literal["none", "tanh"] = ...) -> Tensor: ...
@overload
def gelu(x: Numbers, approximate: Literal["none", "tanh"] = ...) -> Array: ...
def gelu(x: Tensor | Numbers, approximate: Literal["none", "tanh"] = "none") -> Tensor | Array:
    """``x * P(x)``, where P(x) is the probability that a standard normal variable is less than `x`.

    Parameters
    ----------
    x : array_like or Tensor
        Real.
    approximate : {"none", "tanh"}
        "tanh" approximates the probability by ``(1 + tanh(sqrt(2 / pi) (x + 0.044715 x**3))) / 2``, which takes a
        quarter of the time.

    Returns
    -------
    array or Tensor
        In the shape and dtype of `x`; integers become float64.

    Raises
    ------
    ValueError
        If `approximate` is neither "none" nor "tanh".
    DtypeError
        If the numbers are complex, or no numbers.

    References
    ----------
    D. Hendrycks and K. Gimpel, Gaussian error linear units (GELUs), 2016, section 2.

    Examples
    --------
    >>> from autodiff import special
    >>> special.gelu([-1.0, 0.0, 1.0])
    array([-0.15865525,  0.        ,  0.84134475])
    """
    if approximate == "none":
        return activations.gelu(real(x, "gelu"))
    if approximate == "tanh":
        return activations.gelu_tanh(real(x, "gelu"))
    raise ValueError(f"gelu: approximate must be 'none' or 'tanh'; {approximate!r} was given.")


@overload
def silu(x: Tensor) -> Tensor: ...
@overload
def silu(x: Numbers) -> Array: ...
def silu(x: Tensor | Numbers) -> Tensor | Array:
    """``x * sigmoid(x)``, also called swish.

    Parameters
    ----------
    x : array_like or Tensor
        Real.

    Returns
    -------
    array or Tensor
        In the shape and dtype of `x`; integers become float64.

    Raises
    ------
    DtypeError
        If the numbers are complex, or no numbers.

    References
    ----------
    S. Elfwing, E. Uchibe, K. Doya, "Sigmoid-weighted linear units for neural network function approximation in
    reinforcement learning", Neural Networks 107 (2018).

    Examples
    --------
    >>> from autodiff import special
    >>> special.silu([-1.0, 0.0, 1.0])
    array([-0.26894142,  0.        ,  0.73105858])
    """
    return activations.silu(real(x, "silu"))


@overload
def hardtanh(x: Tensor, low: float = ..., high: float = ...) -> Tensor: ...
@overload
def hardtanh(x: Numbers, low: float = ..., high: float = ...) -> Array: ...
def hardtanh(x: Tensor | Numbers, low: float = -1.0, high: float = 1.0) -> Tensor | Array:
    """``max(low, min(high, x))``; the slope at the bounds is 0.

    Parameters
    ----------
    x : array_like or Tensor
        Real.
    low, high : float, default -1 and 1
        The bounds.

    Returns
    -------
    array or Tensor
        In the shape and dtype of `x`; integers become float64.

    Raises
    ------
    ValueError
        If `low` is not less than `high`.
    DtypeError
        If the numbers are complex, or no numbers.

    Notes
    -----
    The values are those of ``np.clip``. Its slope at the bounds is 1, so that a parameter does not get stuck there.

    References
    ----------
    R. Collobert et al., "Natural language processing (almost) from scratch", J. Mach. Learn. Res. 12 (2011).

    Examples
    --------
    >>> from autodiff import special
    >>> special.hardtanh([-3.0, 0.5, 3.0])
    array([-1. ,  0.5,  1. ])
    """
    if not low < high:
        raise ValueError(f"hardtanh: low must be less than high; {low!r} and {high!r} were given.")
    return activations.hardtanh(real(x, "hardtanh"), low=float(low), high=float(high))


@overload
def hardsigmoid(x: Tensor) -> Tensor: ...
@overload
def hardsigmoid(x: Numbers) -> Array: ...
def hardsigmoid(x: Tensor | Numbers) -> Tensor | Array:
    """``max(0, min(1, x / 6 + 1 / 2))``: a line, limited to the interval from 0 to 1.

    Parameters
    ----------
    x : array_like or Tensor
        Real.

    Returns
    -------
    array or Tensor
        In the shape and dtype of `x`; integers become float64.

    Raises
    ------
    DtypeError
        If the numbers are complex, or no numbers.

    References
    ----------
    A. Howard et al., "Searching for MobileNetV3", ICCV 2019, section 5.2.

    Examples
    --------
    >>> from autodiff import special
    >>> special.hardsigmoid([-4.0, 0.0, 1.5])
    array([0.  , 0.5 , 0.75])
    """
    return activations.hardsigmoid(real(x, "hardsigmoid"))


@overload
def hardswish(x: Tensor) -> Tensor: ...
@overload
def hardswish(x: Numbers) -> Array: ...
def hardswish(x: Tensor | Numbers) -> Tensor | Array:
    """``x * hardsigmoid(x)``.

    Parameters
    ----------
    x : array_like or Tensor
        Real.

    Returns
    -------
    array or Tensor
        In the shape and dtype of `x`; integers become float64.

    Raises
    ------
    DtypeError
        If the numbers are complex, or no numbers.

    References
    ----------
    A. Howard et al., "Searching for MobileNetV3", ICCV 2019, section 5.2.

    Examples
    --------
    >>> from autodiff import special
    >>> special.hardswish([-4.0, -1.0, 4.0])
    array([-0.        , -0.33333333,  4.        ])
    """
    return activations.hardswish(real(x, "hardswish"))
