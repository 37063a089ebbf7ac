"""The fully connected layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

import autodiff as ad
from autodiff import special
from nn.inputs import as_input
from nn.module import Module
from nn.parameters import Parameter
from nn.randomness import generator


class Linear(Module):
    """The affine map ``x @ weight + bias``.

    Parameters
    ----------
    in_features, out_features : int
        Lengths of the last axis of the input and of the output.
    bias : bool, default True
        Whether to add a bias.
    dtype : dtype, default float32
        Dtype of the parameters; untracked input is cast to it.
    rng : numpy.random.Generator, optional
        Generator of the initial values; this thread's generator (`nn.manual_seed`) if not given.

    Attributes
    ----------
    weight : Parameter, (in_features, out_features)
    bias : Parameter, (out_features,), or None

    Raises
    ------
    ValueError
        If a length is not a positive integer.
    autodiff.ShapeError
        When called: if the last axis of the input has another length than `in_features`.

    Notes
    -----
    Weight and bias are initialised uniformly in +-1/sqrt(in_features), as in torch.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 6.1.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.Linear(3, 2)
    >>> layer(np.ones((5, 3))).shape
    (5, 2)
    """

    torch_transposes = ("weight",)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        dtype: DTypeLike = np.float32,
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        for what, n in (("in_features", in_features), ("out_features", out_features)):
            if not isinstance(n, (int, np.integer)) or n < 1:
                raise ValueError(f"Linear: {what} must be a positive integer; {n!r} was given.")
        draw = generator(rng)
        bound = 1 / np.sqrt(in_features)
        self.in_features, self.out_features = int(in_features), int(out_features)
        self.weight = Parameter(draw.uniform(-bound, bound, (in_features, out_features)).astype(dtype))
        self.bias = Parameter(draw.uniform(-bound, bound, out_features).astype(dtype)) if bias else None

    def forward(self, x: Any) -> ad.Tensor:
        """Map the last axis: (..., in_features) to (..., out_features)."""
        weight = self.weight
        x = as_input(x, weight.dtype)
        if not x.ndim or x.shape[-1] != self.in_features:
            raise ad.ShapeError(
                f"Linear({self.in_features}, {self.out_features}) takes input whose last axis has length "
                f"{self.in_features}; it was given shape {x.shape}."
            )
        y: ad.Tensor = x @ weight if self.bias is None else special.affine(x, weight, self.bias)
        return y

    def describe(self) -> str:
        """Sizes and options."""
        return f"{self.in_features}, {self.out_features}" + ("" if self.bias is not None else ", bias=False")
