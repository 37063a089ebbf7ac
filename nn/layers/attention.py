"""Attention: each position takes a weighted mean of values from all positions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

import autodiff as ad
from autodiff import special
from nn.checks import positive, share
from nn.inputs import as_input, plain
from nn.layers.dropout import dropped
from nn.layers.linear import Linear
from nn.module import Module
from nn.parameters import Parameter
from nn.randomness import generator


class MultiHeadAttention(Module):
    """Scaled dot-product attention with several heads.

    Parameters
    ----------
    embed_dim : int
        Number of features of queries, keys, values and outputs.
    num_heads : int
        Number of heads; it divides `embed_dim`.
    dropout : float, default 0
        In training, the probability that an attention weight is set to 0.
    bias : bool, default True
        Whether to add biases.
    dtype : dtype, default float32
        Dtype of the parameters; untracked input is cast to it.
    rng : numpy.random.Generator, optional
        Generator of the initial values and of dropout; this thread's generator (`nn.manual_seed`) if not given.

    Attributes
    ----------
    in_weight : Parameter, (embed_dim, 3 * embed_dim)
        The projections to queries, keys and values, side by side. Initialised Xavier-uniform, as in torch.
    in_bias : Parameter, (3 * embed_dim,), or None
        Initialised to 0.
    out : Linear
        The output projection; its bias is initialised to 0.

    Notes
    -----
    Called with ``x`` (n, time, embed_dim), it is self-attention. Called with queries (n, t, embed_dim) and keys and
    values (n, s, embed_dim), it is cross-attention. ``causal=True`` lets no position see later ones. ``key_mask``
    (n, s) is True at keys that may be seen; torch's ``key_padding_mask`` is the opposite. A query that may see no key
    receives zeros. ``need_weights=True`` also returns the weights (n, heads, t, s), after dropout.

    References
    ----------
    A. Vaswani et al., Attention is all you need, 2017, section 3.2.

    Examples
    --------
    >>> import numpy as np, nn
    >>> attention = nn.MultiHeadAttention(8, 2)
    >>> y, weights = attention(np.ones((1, 3, 8)), causal=True, need_weights=True)
    >>> y.shape
    (1, 3, 8)
    >>> weights.data[0, 0].round(3)
    array([[1.   , 0.   , 0.   ],
           [0.5  , 0.5  , 0.   ],
           [0.333, 0.333, 0.333]], dtype=float32)
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        dtype: DTypeLike = np.float32,
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        positive("MultiHeadAttention", embed_dim=embed_dim, num_heads=num_heads)
        share("MultiHeadAttention", dropout=dropout)
        if embed_dim % num_heads:
            raise ValueError(
                f"MultiHeadAttention: {embed_dim} features cannot be divided into {num_heads} equal heads."
            )
        self.embed_dim, self.num_heads, self.dropout = int(embed_dim), int(num_heads), float(dropout)
        self.rng = rng
        bound = math.sqrt(6 / (4 * embed_dim))
        draw = generator(rng)
        self.in_weight = Parameter(draw.uniform(-bound, bound, (embed_dim, 3 * embed_dim)).astype(dtype))
        self.in_bias = Parameter(np.zeros(3 * embed_dim, dtype)) if bias else None
        self.out = Linear(embed_dim, embed_dim, bias=bias, dtype=dtype, rng=rng)
        if self.out.bias is not None:
            self.out.bias.assign_(np.zeros(embed_dim, dtype))

    def forward(
        self,
        query: Any,
        key: Any = None,
        value: Any = None,
        *,
        causal: bool = False,
        key_mask: Any = None,
        need_weights: bool = False,
    ) -> Any:
        """Map queries (n, t, embed_dim) to weighted means of the values, in the same shape."""
        query = as_input(query, self.in_weight.dtype)
        if (key is None) != (value is None):
            raise TypeError("MultiHeadAttention: give queries alone, or queries, keys and values together.")
        key = query if key is None else as_input(key, self.in_weight.dtype)
        value = query if value is None else as_input(value, self.in_weight.dtype)
        self._check(query, key, value)
        shown = self._shown(query.shape, key.shape, causal, key_mask)
        q, k, v = self._projected(query, key, value)
        scores = (q * (1 / math.sqrt(self.embed_dim // self.num_heads))) @ k.swapaxes(-1, -2)
        if shown is not None:
            scores = scores + np.where(shown, 0.0, -math.inf).astype(scores.dtype)
        weights = special.softmax(scores, axis=-1)
        if self.dropout and self.training:
            weights = dropped(weights, self.dropout, self.rng)
        heads = (weights @ v).transpose(0, 2, 1, 3)
        y = self.out(heads.reshape(query.shape))
        return (y, weights) if need_weights else y

    def _check(self, query: Any, key: Any, value: Any) -> None:
        right = (
            query.ndim == key.ndim == value.ndim == 3
            and query.shape[2] == key.shape[2] == value.shape[2] == self.embed_dim
            and query.shape[0] == key.shape[0]
            and key.shape == value.shape
        )
        if not right:
            raise ad.ShapeError(
                f"{self!r} takes queries of shape (n, t, {self.embed_dim}) and keys and values of shape (n, s, "
                f"{self.embed_dim}); {query.shape}, {key.shape} and {value.shape} were given."
            )

    def _shown(self, query: tuple[int, ...], key: tuple[int, ...], causal: bool, key_mask: Any) -> Any:
        """Which keys each query may see: (n or 1, 1, t or 1, s), or None for all."""
        shown: Any = None
        if causal:
            if query[1] != key[1]:
                raise ad.ShapeError(
                    f"{self!r}: causal=True needs as many queries as keys; there are {query[1]} and {key[1]}."
                )
            shown = np.tri(query[1], dtype=bool)[None, None]
        if key_mask is not None:
            mask = plain(key_mask)
            if mask.shape != key[:2] or mask.dtype != np.bool_:
                raise ad.ShapeError(
                    f"{self!r}: key_mask must be a Boolean array (n, s), here {key[:2]}, True where a key may be "
                    f"seen; {mask.dtype} of shape {mask.shape} was given."
                )
            shown = mask[:, None, None] if shown is None else shown & mask[:, None, None]
        return shown

    def _projected(self, query: Any, key: Any, value: Any) -> list[Any]:
        """Queries, keys and values of every head: (n, heads, t, d)."""
        d = self.embed_dim
        if query is key is value:  # one product instead of three
            parts = np.split(self._project(query, self.in_weight, self.in_bias), 3, axis=-1)
        else:
            weights = [self.in_weight[:, i * d : (i + 1) * d] for i in range(3)]
            biases = [None if self.in_bias is None else self.in_bias[i * d : (i + 1) * d] for i in range(3)]
            parts = [self._project(x, w, b) for x, w, b in zip((query, key, value), weights, biases, strict=True)]
        shape = (self.num_heads, d // self.num_heads)
        return [p.reshape((*p.shape[:2], *shape)).transpose(0, 2, 1, 3) for p in parts]

    @staticmethod
    def _project(x: Any, w: Any, b: Any) -> Any:
        return x @ w if b is None else special.affine(x, w, b)

    def describe(self) -> str:
        """Sizes and options."""
        text = f"{self.embed_dim}, {self.num_heads}" + (f", dropout={self.dropout:g}" if self.dropout else "")
        return text + ("" if self.in_bias is not None else ", bias=False")

    def __repr__(self) -> str:
        return f"MultiHeadAttention({self.describe()})"
