"""Activation functions, as modules and as plain functions.

The plain functions are those of ``autodiff.special``: arrays give arrays, Tensors give Tensors. The modules give
Tensors.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

import autodiff as ad
from autodiff import special
from nn.inputs import as_tensor
from nn.module import Module

elu = special.elu
gelu = special.gelu
hardsigmoid = special.hardsigmoid
hardswish = special.hardswish
hardtanh = special.hardtanh
leaky_relu = special.leaky_relu
log_softmax = special.log_softmax
relu = special.relu
sigmoid = special.sigmoid
silu = special.silu
softmax = special.softmax
softplus = special.softplus


def tanh(x: Any) -> Any:
    """The hyperbolic tangent ``np.tanh(x) = (exp(x) - exp(-x)) / (exp(x) + exp(-x))``.

    Parameters
    ----------
    x : array_like or Tensor
        Real or complex.

    Returns
    -------
    array or Tensor
        With the shape of `x`.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 6.3.2.

    Examples
    --------
    >>> import nn
    >>> float(nn.tanh(0.0))
    0.0
    """
    return np.tanh(x)


class ReLU(Module):
    """``max(x, 0)``, slope 0 at 0.

    References
    ----------
    V. Nair, G. E. Hinton, "Rectified linear units improve restricted Boltzmann machines", ICML 2010.

    Examples
    --------
    >>> import nn
    >>> nn.ReLU()([-1.0, 2.0]).data
    array([0., 2.])
    """

    _is_rectifier = True

    def forward(self, x: Any) -> ad.Tensor:
        """Apply the function elementwise."""
        return special.relu(as_tensor(x))


class Sigmoid(Module):
    """``1 / (1 + exp(-x))``, without overflow.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, equation (3.30).

    Examples
    --------
    >>> import nn
    >>> nn.Sigmoid()([0.0]).data
    array([0.5])
    """

    _output_bounds = (0.0, 1.0)

    def forward(self, x: Any) -> ad.Tensor:
        """Apply the function elementwise."""
        return special.sigmoid(as_tensor(x))


class Tanh(Module):
    """The hyperbolic tangent ``(exp(x) - exp(-x)) / (exp(x) + exp(-x))``.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 6.3.2.

    Examples
    --------
    >>> import nn
    >>> nn.Tanh()([0.0]).data
    array([0.])
    """

    _output_bounds = (-1.0, 1.0)

    def forward(self, x: Any) -> ad.Tensor:
        """Apply the function elementwise."""
        y: ad.Tensor = np.tanh(as_tensor(x))  # type: ignore[assignment]  # NumPy delegates to the Tensor
        return y


class LeakyReLU(Module):
    """`x` where positive, else ``slope * x``.

    Parameters
    ----------
    slope : float, default 0.01
        The slope below 0, and at 0.

    References
    ----------
    A. L. Maas, A. Y. Hannun, A. Y. Ng, "Rectifier nonlinearities improve neural network acoustic models", ICML 2013.

    Examples
    --------
    >>> import nn
    >>> nn.LeakyReLU(0.1)([-1.0, 2.0]).data
    array([-0.1,  2. ])
    """

    def __init__(self, slope: float = 0.01) -> None:
        super().__init__()
        self.slope = float(slope)

    def forward(self, x: Any) -> ad.Tensor:
        """Apply the function elementwise."""
        return special.leaky_relu(as_tensor(x), self.slope)

    def describe(self) -> str:
        """The slope, if it is not the default."""
        return "" if self.slope == 0.01 else f"{self.slope:g}"


class ELU(Module):
    """`x` where positive, else ``alpha * (exp(x) - 1)``.

    Parameters
    ----------
    alpha : float, default 1
        The function tends to ``-alpha`` as `x` goes to minus infinity.

    References
    ----------
    D.-A. Clevert, T. Unterthiner, S. Hochreiter, "Fast and accurate deep network learning by exponential linear units
    (ELUs)", ICLR 2016.

    Examples
    --------
    >>> import nn
    >>> nn.ELU()([-1.0, 2.0]).data
    array([-0.63212056,  2.        ])
    """

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.alpha = float(alpha)

    def forward(self, x: Any) -> ad.Tensor:
        """Apply the function elementwise."""
        return special.elu(as_tensor(x), self.alpha)

    def describe(self) -> str:
        """The factor, if it is not the default."""
        return "" if self.alpha == 1 else f"{self.alpha:g}"


class GELU(Module):
    """``x * P(x)``, where P is the cumulative distribution function of the standard normal distribution.

    Parameters
    ----------
    approximate : {"none", "tanh"}
        The exact function, or ``P(x) = (1 + tanh(sqrt(2 / pi) (x + 0.044715 x**3))) / 2``, which is faster.

    Raises
    ------
    ValueError
        If `approximate` is neither "none" nor "tanh".

    References
    ----------
    D. Hendrycks and K. Gimpel, Gaussian error linear units (GELUs), 2016, section 2.

    Examples
    --------
    >>> import nn
    >>> nn.GELU()([-1.0, 0.0, 1.0]).data
    array([-0.15865525,  0.        ,  0.84134475])
    """

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        super().__init__()
        if approximate not in ("none", "tanh"):
            raise ValueError(f"GELU: approximate must be 'none' or 'tanh'; {approximate!r} was given.")
        self.approximate = approximate

    def forward(self, x: Any) -> ad.Tensor:
        """Apply the function elementwise."""
        return special.gelu(as_tensor(x), self.approximate)

    def describe(self) -> str:
        """The option, if it is not the default."""
        return "" if self.approximate == "none" else "approximate='tanh'"


class SiLU(Module):
    """``x * sigmoid(x)``, also called swish.

    References
    ----------
    S. Elfwing, E. Uchibe, K. Doya, "Sigmoid-weighted linear units for neural network function approximation in
    reinforcement learning", Neural Networks 107 (2018).

    Examples
    --------
    >>> import nn
    >>> nn.SiLU()([-1.0, 0.0, 1.0]).data
    array([-0.26894142,  0.        ,  0.73105858])
    """

    def forward(self, x: Any) -> ad.Tensor:
        """Apply the function elementwise."""
        return special.silu(as_tensor(x))


class Softplus(Module):
    """``log(1 + exp(beta * x)) / beta``, without overflow: a smooth `ReLU`.

    Parameters
    ----------
    beta : float, default 1
        The larger it is, the closer the function is to `ReLU`.

    Raises
    ------
    ValueError
        If `beta` is not positive.

    References
    ----------
    C. Dugas et al., "Incorporating second-order functional knowledge for better option pricing", NIPS 2000.

    Examples
    --------
    >>> import nn
    >>> nn.Softplus()([0.0, 10.0]).data
    array([ 0.69314718, 10.0000454 ])
    """

    def __init__(self, beta: float = 1.0) -> None:
        super().__init__()
        if not beta > 0:
            raise ValueError(f"Softplus: beta must be positive; {beta!r} was given.")
        self.beta = float(beta)

    def forward(self, x: Any) -> ad.Tensor:
        """Apply the function elementwise."""
        x = as_tensor(x)
        return special.softplus(x * self.beta) / self.beta if self.beta != 1 else special.softplus(x)

    def describe(self) -> str:
        """The factor, if it is not the default."""
        return "" if self.beta == 1 else f"beta={self.beta:g}"


class _AlongAxis(Module):
    """The code that functions along an axis share."""

    def __init__(self, axis: int = -1) -> None:
        super().__init__()
        self.axis = int(axis)

    def describe(self) -> str:
        """The axis, if it is not the last."""
        return "" if self.axis == -1 else f"axis={self.axis}"


class Softmax(_AlongAxis):
    """``exp(x) / sum(exp(x))``, without overflow.

    Parameters
    ----------
    axis : int, default -1
        The axis along which the outputs sum to 1.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 4.1.

    Examples
    --------
    >>> import nn
    >>> nn.Softmax()([0.0, 0.0]).data
    array([0.5, 0.5])
    """

    def forward(self, x: Any) -> ad.Tensor:
        """Apply the function along the axis."""
        return special.softmax(as_tensor(x), self.axis)


class LogSoftmax(_AlongAxis):
    """``log(exp(x) / sum(exp(x)))``, accurate even where the softmax is too small for a float.

    Parameters
    ----------
    axis : int, default -1
        The axis along which the outputs sum to 1.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 4.1.

    Examples
    --------
    >>> import nn
    >>> nn.LogSoftmax()([0.0, 1000.0]).data
    array([-1000.,     0.])
    """

    def forward(self, x: Any) -> ad.Tensor:
        """Apply the function along the axis."""
        return special.log_softmax(as_tensor(x), self.axis)


class Hardtanh(Module):
    """``max(low, min(high, x))``; the slope at the bounds is 0.

    Parameters
    ----------
    low, high : float, default -1 and 1
        The bounds.

    Raises
    ------
    ValueError
        If `low` is not less than `high`.

    References
    ----------
    R. Collobert et al., "Natural language processing (almost) from scratch", J. Mach. Learn. Res. 12 (2011).

    Examples
    --------
    >>> import nn
    >>> nn.Hardtanh()([-3.0, 0.5, 3.0]).data
    array([-1. ,  0.5,  1. ])
    """

    def __init__(self, low: float = -1.0, high: float = 1.0) -> None:
        super().__init__()
        if not low < high:
            raise ValueError(f"Hardtanh: low must be less than high; {low!r} and {high!r} were given.")
        self.low, self.high = float(low), float(high)

    @property
    def _output_bounds(self) -> tuple[float, float]:
        """Both bounds: at them the slope is 0."""
        return self.low, self.high

    def forward(self, x: Any) -> ad.Tensor:
        """Apply the function elementwise."""
        return special.hardtanh(as_tensor(x), self.low, self.high)

    def describe(self) -> str:
        """The bounds, if they are not the defaults."""
        return "" if (self.low, self.high) == (-1, 1) else f"{self.low:g}, {self.high:g}"


class Hardsigmoid(Module):
    """``max(0, min(1, x / 6 + 1 / 2))``: a line, clipped to the interval from 0 to 1.

    References
    ----------
    A. Howard et al., "Searching for MobileNetV3", ICCV 2019, section 5.2.

    Examples
    --------
    >>> import nn
    >>> nn.Hardsigmoid()([-4.0, 0.0, 1.5]).data
    array([0.  , 0.5 , 0.75])
    """

    _output_bounds = (0.0, 1.0)

    def forward(self, x: Any) -> ad.Tensor:
        """Apply the function elementwise."""
        return special.hardsigmoid(as_tensor(x))


class Hardswish(Module):
    """``x * hardsigmoid(x)``.

    References
    ----------
    A. Howard et al., "Searching for MobileNetV3", ICCV 2019, section 5.2.

    Examples
    --------
    >>> import nn
    >>> nn.Hardswish()([-1.0, 4.0]).data
    array([-0.33333333,  4.        ])
    """

    def forward(self, x: Any) -> ad.Tensor:
        """Apply the function elementwise."""
        return special.hardswish(as_tensor(x))
