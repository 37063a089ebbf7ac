"""A transformer block: attention, then a small network applied at each position."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Never

import numpy as np
from numpy.typing import DTypeLike

import autodiff as ad
from nn.inputs import as_input
from nn.layers.activations import GELU
from nn.layers.attention import MultiHeadAttention
from nn.layers.dropout import Dropout
from nn.layers.linear import Linear
from nn.layers.norms import LayerNorm
from nn.module import Module


class TransformerBlock(Module):
    """Self-attention and a two-layer network, each with a residual connection.

    Parameters
    ----------
    embed_dim : int
        Number of features at each position.
    num_heads : int
        Number of attention heads.
    hidden_dim : int, optional
        Width of the network; four times `embed_dim` if not given.
    dropout : float, default 0
        In training, the probability that an entry is set to 0: in the attention, in the network, and before each sum.
    activation : Module, optional
        Applied between the two layers; `GELU` if not given.
    norm : {"pre", "post"}
        Whether to normalise before attention and network, or after each sum, as in the paper. "pre" trains without
        warm-up.
    bias : bool, default True
        Whether to add biases.
    eps : float, default 1e-5
        Added to the variance in the normalisations.
    dtype : dtype, default float32
        Dtype of the parameters; untracked input is cast to it.
    rng : numpy.random.Generator, optional
        Generator of the initial values and of dropout; this thread's generator (`nn.manual_seed`) if not given.

    Raises
    ------
    ValueError
        If `norm` is neither "pre" nor "post".

    Notes
    -----
    ``y = x + attention(norm(x))``, then ``y + network(norm(y))``; with "post" ``norm(x + attention(x))``, and so on.
    Called with ``x`` (n, time, embed_dim), and optionally ``causal=``, ``key_mask=`` and ``mask=``, as
    `MultiHeadAttention` is.

    References
    ----------
    A. Vaswani et al., Attention is all you need, 2017, section 3.1; R. Xiong et al., On layer normalization in the
    transformer architecture, 2020, for "pre".

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.TransformerBlock(8, 2)(np.ones((4, 5, 8)), causal=True).shape
    (4, 5, 8)
    """

    torch_names: ClassVar[Mapping[str, str]] = {"attention": "self_attn"}

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        hidden_dim: int | None = None,
        dropout: float = 0.0,
        activation: Module | None = None,
        norm: str = "pre",
        bias: bool = True,
        eps: float = 1e-5,
        dtype: DTypeLike = np.float32,
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        if norm not in ("pre", "post"):
            raise ValueError(f"TransformerBlock: norm must be 'pre' or 'post'; {norm!r} was given.")
        hidden = 4 * embed_dim if hidden_dim is None else hidden_dim
        self.norm = norm
        self.attention = MultiHeadAttention(embed_dim, num_heads, dropout, bias, dtype, rng=rng)
        self.norm1 = LayerNorm(embed_dim, eps, bias=bias, dtype=dtype)
        self.linear1 = Linear(embed_dim, hidden, bias, dtype, rng=rng)
        self.activation = GELU() if activation is None else activation
        self.linear2 = Linear(hidden, embed_dim, bias, dtype, rng=rng)
        self.norm2 = LayerNorm(embed_dim, eps, bias=bias, dtype=dtype)
        self.dropout = Dropout(dropout, rng=rng)

    def forward(
        self, x: Any, *, causal: bool = False, key_mask: Any = None, mask: Any = None, **unknown: Never
    ) -> ad.Tensor:
        """Map (n, time, embed_dim) to the same shape."""
        if unknown:
            self._refuse("forward", unknown)
        x = as_input(x, self.linear1.weight.dtype)
        pre = self.norm == "pre"
        y = self.attention(self.norm1(x) if pre else x, causal=causal, key_mask=key_mask, mask=mask)
        x = x + self.dropout(y)
        x = x if pre else self.norm1(x)
        y = self.dropout(self.activation(self.linear1(self.norm2(x) if pre else x)))
        x = x + self.dropout(self.linear2(y))
        y_: ad.Tensor = x if pre else self.norm2(x)
        return y_

    def describe(self) -> str:
        """The option, if it is not the default."""
        return "" if self.norm == "pre" else "norm='post'"
