"""Embeddings: a vector for each word of a vocabulary."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

import autodiff as ad
from autodiff import special
from nn.checks import positive
from nn.inputs import as_input, plain
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

    Raises
    ------
    ValueError
        If `padding_idx` is not one of the rows.
    autodiff.DtypeError, autodiff.DomainError
        When called: if the row numbers are not integers, or one of them is no row.

    Notes
    -----
    ``y[...] = weight[index[...]]``. The rows are initialised from a normal distribution with mean 0 and variance 1, as
    in torch.

    References
    ----------
    Y. Bengio et al., "A neural probabilistic language model", J. Mach. Learn. Res. 3 (2003), section 2.

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

    def as_head(self, bias: bool = False) -> EmbeddingHead:
        """A layer that shares the table and maps vectors to a score for each row: ``x @ weight.T``.

        The table is one parameter with two uses: it is counted once, saved once under its first path, and trained with
        the gradients of both uses.

        Parameters
        ----------
        bias : bool, default False
            Whether to add a bias for each row, initialised to 0: a parameter of the head.

        Returns
        -------
        Module
            It maps (..., embedding_dim) to (..., num_embeddings). The padding row receives no gradient here either.

        References
        ----------
        O. Press and L. Wolf, Using the output embedding to improve language models, 2017.

        Examples
        --------
        >>> import numpy as np, nn
        >>> class Words(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.table = nn.Embedding(10, 4)
        ...         self.head = self.table.as_head()
        ...
        ...     def forward(self, numbers):
        ...         return self.head(self.table(numbers))
        >>> model = Words()
        >>> model([1, 2, 3]).shape, list(model.state_dict())
        ((3, 10), ['table.weight'])
        """
        return EmbeddingHead(self, bias)

    def describe(self) -> str:
        """The sizes, and the padding row if there is one."""
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        return text if self.padding_idx is None else f"{text}, padding_idx={self.padding_idx}"


class EmbeddingHead(Module):
    """Scores for the rows of an embedding, by its own table; `Embedding.as_head` makes it."""

    def __init__(self, embedding: Embedding, bias: bool) -> None:
        super().__init__()
        name = embedding.weight.name
        self.weight = embedding.weight
        if name:  # the assignment has named it anew
            self.weight.name = name
        self.padding_idx = embedding.padding_idx
        self.bias = Parameter(np.zeros(embedding.num_embeddings, self.weight.dtype)) if bias else None

    def _adopt(self, name: str) -> None:
        """Take a name, but leave the table the name that the embedding gave it."""
        before = self.weight.name
        super()._adopt(name)
        if before:
            self.weight.name = before

    def forward(self, x: Any) -> ad.Tensor:
        """Map (..., embedding_dim) to a score for each row: (..., num_embeddings)."""
        weight: Any = self.weight
        x = as_input(x, weight.dtype)
        rows, features = weight.shape
        if not x.ndim or x.shape[-1] != features:
            raise ad.ShapeError(
                f"{self!r} takes input whose last axis has length {features}, as the rows of its embedding; it was "
                f"given shape {x.shape}."
            )
        if self.padding_idx is not None and weight.requires_grad:
            kept = (np.arange(rows) != self.padding_idx)[:, None]
            weight = np.where(kept, weight, weight.detach())
        y: ad.Tensor = x @ weight.T if self.bias is None else special.affine(x, weight.T, self.bias)
        return y

    def describe(self) -> str:
        """The sizes."""
        rows, features = self.weight.shape
        return f"{features}, {rows}" + ("" if self.bias is None else ", bias=True")
