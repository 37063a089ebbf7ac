"""Embeddings: a vector for each word of a vocabulary."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

import autodiff as ad
from nn.checks import positive
from nn.inputs import plain
from nn.module import Module
from nn.parameters import Parameter
from nn.randomness import generator


class Embedding(Module):
    """A table of vectors, read by row number.

    Parameters
    ----------
    num_embeddings : int
        Number of rows.
    embedding_dim : int
        Length of each row.
    padding_idx : int, optional
        The row for padding: it is initialised to 0 and receives no gradient.
    dtype : dtype, default float32
        Dtype of the table.
    rng : numpy.random.Generator, optional
        Generator of the initial values; this thread's generator (`nn.manual_seed`) if not given.

    Attributes
    ----------
    weight : Parameter, (num_embeddings, embedding_dim)

    Notes
    -----
    The rows are initialised from a normal distribution with mean 0 and variance 1, as in torch.

    Examples
    --------
    >>> import numpy as np, nn
    >>> table = nn.Embedding(10, 4, padding_idx=0)
    >>> table([[1, 2, 0]]).shape
    (1, 3, 4)
    >>> table([0]).data
    array([[0., 0., 0., 0.]], dtype=float32)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        dtype: DTypeLike = np.float32,
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        positive("Embedding", num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ValueError(
                f"Embedding: padding_idx must be one of the {num_embeddings} rows; {padding_idx!r} was given."
            )
        self.num_embeddings, self.embedding_dim = int(num_embeddings), int(embedding_dim)
        self.padding_idx = None if padding_idx is None else int(padding_idx) % self.num_embeddings
        table = generator(rng).standard_normal((num_embeddings, embedding_dim)).astype(dtype)
        if self.padding_idx is not None:
            table[self.padding_idx] = 0
        self.weight = Parameter(table)

    def forward(self, numbers: Any) -> ad.Tensor:
        """Map integers (...) to rows (..., embedding_dim)."""
        at = plain(numbers)
        if at.dtype.kind not in "iu":
            if at.size or at.dtype.kind != "f":
                raise ad.DtypeError(
                    f"{self!r} takes row numbers of an integer dtype; these have dtype {at.dtype}. If their values are "
                    f"integers, use .astype(int)."
                )
            at = at.astype(int)  # NumPy makes a float array of an empty list
        ad.check(self._check, at)
        y: ad.Tensor = self.weight[at]
        if self.padding_idx is not None and y.requires_grad:
            y = np.where((at != self.padding_idx)[..., None], y, y.detach())  # type: ignore[assignment]  # a Tensor
        return y

    def _check(self, at: Any) -> None:
        if at.size and (at.min() < 0 or at.max() >= self.num_embeddings):
            wrong = at[(at < 0) | (at >= self.num_embeddings)].flat[0]
            raise ad.DomainError(f"{self!r} has rows 0..{self.num_embeddings - 1}; row {wrong} was asked for.")

    def describe(self) -> str:
        """The sizes, and the padding row if there is one."""
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        return text if self.padding_idx is None else f"{text}, padding_idx={self.padding_idx}"
