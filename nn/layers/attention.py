"""Attention: each position takes a weighted mean of values from all positions."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Mapping
from typing import Any, ClassVar, Never

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
        Number of features of queries and outputs, and of keys and values unless they have others.
    num_heads : int
        Number of heads; it divides `embed_dim`.
    dropout : float, default 0
        In training, the probability that an attention weight is set to 0.
    bias : bool, default True
        Whether to add biases.
    dtype : dtype, default float32
        Dtype of the parameters; untracked input is cast to it.
    key_features, value_features : int, optional
        Number of features of keys, and of values; `embed_dim` if not given.
    rng : numpy.random.Generator, optional
        Generator of the initial values and of dropout; this thread's generator (`nn.manual_seed`) if not given.

    Attributes
    ----------
    in_weight : Parameter, (embed_dim, 3 * embed_dim), or None
        The projections to queries, keys and values, side by side. Initialised Xavier-uniform, as in torch.
    query_weight, key_weight, value_weight : Parameter, (features, embed_dim)
        The three projections, in the place of `in_weight`, if keys or values have other numbers of features.
    in_bias : Parameter, (3 * embed_dim,), or None
        Initialised to 0.
    out : Linear
        The output projection; its bias is initialised to 0.

    Raises
    ------
    ValueError
        If `embed_dim` cannot be divided into `num_heads` equal heads.
    TypeError
        When called: if keys are given without values, or values without keys.
    autodiff.ShapeError, autodiff.DtypeError
        When called: if the shapes do not fit, or a mask is not Boolean.

    Notes
    -----
    Each head returns ``softmax(q @ k.T / sqrt(d)) @ v``, where d is its number of features.

    Called with ``x`` (n, time, embed_dim), it is self-attention. Called with queries (n, t, embed_dim), keys (n, s,
    key_features) and values (n, s, value_features), it is cross-attention. ``need_weights=True`` also returns the
    weights (n, heads, t, s), after dropout.

    Masks are Boolean, True where a key may be seen; in torch's ``attn_mask`` and ``key_padding_mask`` True hides.
    ``key_mask`` (n, s) is for all queries, and ``mask`` has any shape that broadcasts to (n, heads, t, s): (t, s), or
    (n, 1, t, s). ``causal=True`` lets no position see later ones: query i sees the keys 0 to i. If there are fewer
    queries than keys because the queries are the last positions, use ``mask=np.tri(t, s, s - t, dtype=bool)``. A key is
    seen if all masks allow it; a query that may see no key receives zeros.

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
    >>> window = abs(np.arange(3)[:, None] - np.arange(3)) <= 1  # each position sees its neighbours
    >>> attention(np.ones((1, 3, 8)), mask=window).shape
    (1, 3, 8)
    >>> across = nn.MultiHeadAttention(8, 2, key_features=5, value_features=3)
    >>> across(np.ones((1, 2, 8)), np.ones((1, 4, 5)), np.ones((1, 4, 3))).shape
    (1, 2, 8)
    """

    torch_names: ClassVar[Mapping[str, str]] = {
        "in_weight": "in_proj_weight",
        "query_weight": "q_proj_weight",
        "key_weight": "k_proj_weight",
        "value_weight": "v_proj_weight",
        "in_bias": "in_proj_bias",
        "out": "out_proj",
    }
    torch_transposes = ("in_weight", "query_weight", "key_weight", "value_weight")

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        dtype: DTypeLike = np.float32,
        *,
        key_features: int | None = None,
        value_features: int | None = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        sizes = [embed_dim if d is None else d for d in (embed_dim, key_features, value_features)]
        positive("MultiHeadAttention", embed_dim=embed_dim, num_heads=num_heads)
        positive("MultiHeadAttention", key_features=sizes[1], value_features=sizes[2])
        share("MultiHeadAttention", dropout=dropout)
        if embed_dim % num_heads:
            raise ValueError(
                f"MultiHeadAttention: {embed_dim} features cannot be divided into {num_heads} equal heads."
            )
        self.embed_dim, self.num_heads, self.dropout = int(embed_dim), int(num_heads), float(dropout)
        self.rng = rng
        self.key_features, self.value_features = int(sizes[1]), int(sizes[2])
        draw = generator(rng)

        def xavier(rows: int, columns: int) -> Parameter:
            bound = math.sqrt(6 / (rows + columns))
            return Parameter(draw.uniform(-bound, bound, (rows, columns)).astype(dtype))

        alike = sizes == [embed_dim] * 3
        self.in_weight = xavier(embed_dim, 3 * embed_dim) if alike else None
        if not alike:
            self.query_weight, self.key_weight, self.value_weight = (xavier(d, embed_dim) for d in sizes)
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
        mask: Any = None,
        need_weights: bool = False,
        **unknown: Never,
    ) -> Any:
        """Map queries (n, t, embed_dim) to weighted means of the values, in the same shape."""
        if unknown:
            self._refuse("forward", unknown)
        dtype = self.out.weight.dtype
        query = as_input(query, dtype)
        if (key is None) != (value is None):
            raise TypeError("MultiHeadAttention: give queries alone, or queries, keys and values together.")
        key = query if key is None else as_input(key, dtype)
        value = query if value is None else as_input(value, dtype)
        self._check(query, key, value)
        shown = self._shown(query.shape, key.shape, causal, key_mask, mask)
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
            and (query.shape[2], key.shape[2], value.shape[2])
            == (self.embed_dim, self.key_features, self.value_features)
            and query.shape[0] == key.shape[0]
            and key.shape[:2] == value.shape[:2]
        )
        if not right:
            kinds = f"keys and values of shape (n, s, {self.embed_dim})"
            if self.in_weight is None:
                kinds = f"keys of shape (n, s, {self.key_features}) and values of shape (n, s, {self.value_features})"
            raise ad.ShapeError(
                f"{self!r} takes queries of shape (n, t, {self.embed_dim}) and {kinds}; {query.shape}, {key.shape} and "
                f"{value.shape} were given."
            )

    def _shown(self, query: tuple[int, ...], key: tuple[int, ...], causal: bool, key_mask: Any, general: Any) -> Any:
        """Which keys each query may see, in a shape that broadcasts to (n, heads, t, s); or None for all."""
        parts: list[Any] = []
        if causal:
            parts.append(np.tri(query[1], key[1], dtype=bool))
        if key_mask is not None:
            mask = plain(key_mask)
            if mask.shape != key[:2] or mask.dtype != np.bool_:
                raise ad.ShapeError(
                    f"{self!r}: key_mask must be a Boolean array (n, s), here {key[:2]}, True where a key may be "
                    f"seen; {mask.dtype} of shape {mask.shape} was given."
                )
            parts.append(mask[:, None, None])
        if general is not None:
            parts.append(self._general(plain(general), (key[0], self.num_heads, query[1], key[1])))
        return None if not parts else functools.reduce(operator.and_, parts)

    def _general(self, mask: Any, full: tuple[int, ...]) -> Any:
        """The mask for queries and keys, checked."""
        expected = f"{self!r}: mask must be a Boolean array that broadcasts to (n, heads, t, s), here {full}"
        if mask.dtype != np.bool_:
            of_flags = isinstance(mask, np.ndarray) and mask.any() and np.isin(mask, (0, 1)).all()
            raise ad.DtypeError(
                f"{expected}, True where a key may be seen; dtype {mask.dtype} was given. "
                + (
                    "Of ones where a key may be seen, and zeros, give mask.astype(bool)."
                    if of_flags
                    else "Of numbers that are added to the scores, as in torch, give mask == 0."
                )
            )
        if mask.ndim == 3:
            raise ad.ShapeError(
                f"{expected}; shape {mask.shape} was given, which leaves open what its first axis is. Write "
                f"mask[:, None] if it is the batch, mask[None] if it is the heads."
            )
        if mask.ndim > 4 or any(m not in (1, size) for m, size in zip(mask.shape[::-1], full[::-1], strict=False)):
            raise ad.ShapeError(f"{expected}; shape {mask.shape} was given.")
        return mask

    def _projected(self, query: Any, key: Any, value: Any) -> list[Any]:
        """Queries, keys and values of every head: (n, heads, t, d)."""
        d = self.embed_dim
        whole = self.in_weight
        if whole is not None and query is key is value:  # one product instead of three
            parts = np.split(self._project(query, whole, self.in_bias), 3, axis=-1)
        else:
            weights = (
                [self.query_weight, self.key_weight, self.value_weight]
                if whole is None
                else ([whole[:, i * d : (i + 1) * d] for i in range(3)])
            )
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
        text += "" if self.in_bias is not None else ", bias=False"
        if self.in_weight is None:
            text += f", key_features={self.key_features}, value_features={self.value_features}"
        return text

    def __repr__(self) -> str:
        return f"MultiHeadAttention({self.describe()})"
