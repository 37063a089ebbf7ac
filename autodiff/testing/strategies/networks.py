"""Random small networks with their data."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import DTypeLike, NDArray

from autodiff import special
from autodiff.arrays.tensors import Tensor
from autodiff.typing import Array

_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "tanh": np.tanh,
    "sigmoid": special.sigmoid,
    "softplus": special.softplus,
    "relu": special.relu,
}


@dataclass(frozen=True)
class Network:
    """A feed-forward network as a function of its parameters.

    Attributes
    ----------
    widths : tuple of int
        The widths from the inputs to the outputs.
    activation : str
        The activation function between layers.
    task : str
        ``"regression"`` (mean squared error) or ``"classification"`` (cross-entropy of logits).
    parameters : list of dict
        For each layer ``{"weight": (in, out), "bias": (out,)}``.
    inputs, targets : ndarray
        The data: ``(samples, in)``; ``(samples, out)``, or class indices ``(samples,)``.

    Examples
    --------
    >>> from hypothesis import find
    >>> import autodiff as ad
    >>> from autodiff.testing import strategies
    >>> network = find(strategies.networks(), lambda network: len(network.widths) == 3)
    >>> gradients = ad.grad(network.loss)(network.parameters)
    >>> [layer["bias"].shape == (width,) for layer, width in zip(gradients, network.widths[1:])]
    [True, True]
    """

    widths: tuple[int, ...]
    activation: str
    task: str
    parameters: list[dict[str, NDArray[Any]]]
    inputs: NDArray[Any]
    targets: NDArray[Any]

    def outputs(self, parameters: Any) -> Tensor | Array:
        """The outputs of the last layer."""
        h: Any = self.inputs
        for k, layer in enumerate(parameters):
            h = (_ACTIVATIONS[self.activation](h) if k else h) @ layer["weight"] + layer["bias"]
        return h

    def loss(self, parameters: Any) -> Tensor | Array:
        """The loss as a function of the parameters."""
        y = self.outputs(parameters)
        if self.task == "classification":
            return special.softmax_cross_entropy(y, self.targets)
        return ((y - self.targets) ** 2).mean()

    def __repr__(self) -> str:
        wide = "-".join(map(str, self.widths))
        return f"<network {wide}, {self.activation}, {self.task} on {len(self.inputs)} samples>"


@st.composite
def networks(
    draw: st.DrawFn,
    *,
    max_layers: int = 3,
    max_width: int = 4,
    max_samples: int = 4,
    smooth: bool = True,
    dtype: DTypeLike = np.float64,
) -> Network:
    """Random small networks with parameters and data.

    Parameters
    ----------
    max_layers, max_width, max_samples : int
        Upper limits of the size.
    smooth : bool, default True
        Do not use ReLU, so that there are no kinks.
    dtype : dtype, default float64
        The dtype of parameters and data.

    Returns
    -------
    strategy of Network
        Shrinks to one layer with one unit and to one sample.

    Examples
    --------
    >>> from hypothesis import find
    >>> from autodiff.testing import strategies as st
    >>> find(st.networks(), lambda n: len(n.widths) == 3)
    <network 1-1-1, tanh, regression on 1 samples>
    """
    widths = tuple(draw(st.lists(st.integers(1, max_width), min_size=2, max_size=max_layers + 1)))
    activation = draw(st.sampled_from([name for name in _ACTIVATIONS if name != "relu" or not smooth]))
    task = draw(st.sampled_from(["regression", "classification"]))
    samples = draw(st.integers(1, max_samples))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))

    def drawn(*shape: int) -> NDArray[Any]:
        return np.round(rng.normal(size=shape), 3).astype(dtype)

    parameters = [{"weight": drawn(a, b), "bias": drawn(b)} for a, b in pairwise(widths)]
    targets = drawn(samples, widths[-1]) if task == "regression" else rng.integers(0, widths[-1], samples)
    return Network(widths, activation, task, parameters, drawn(samples, widths[0]), targets)
