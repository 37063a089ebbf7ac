"""What a Tensor does under NumPy's method names: each line hands over to the function of the same name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike

from autodiff.ops import choices, complex_parts, diagonals, indexing, joining, products, reductions, scans, shapes
from autodiff.ops import elementwise as ew


class NumpyMethods:
    """Methods with NumPy's names and signatures, for a class that has `ndim` and NumPy's protocols."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def ndim(self) -> int:
            """Number of axes; defined by the Tensor."""

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name
        """The axes reversed."""
        return shapes.permute(self, axes=tuple(range(self.ndim))[::-1])

    @property
    def mT(self) -> Any:  # noqa: N802 - NumPy's name
        """The last two axes exchanged."""
        return self.swapaxes(-1, -2)

    @property
    def real(self) -> Any:
        """The real part."""
        return complex_parts.real_part(self)

    @property
    def imag(self) -> Any:
        """The imaginary part."""
        return complex_parts.imag_part(self)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Sum over axes, as ``np.sum``."""
        return reductions.sum_(self, axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Mean over axes, as ``np.mean``."""
        return reductions.mean(self, axis, keepdims=keepdims)

    def prod(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Product over axes, as ``np.prod``."""
        return reductions.prod(self, axis, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Largest entries, as ``np.max``."""
        return reductions.max_(self, axis, keepdims=keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Smallest entries, as ``np.min``."""
        return reductions.min_(self, axis, keepdims=keepdims)

    def var(self, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
        """Variance over axes, as ``np.var``."""
        return reductions.var(self, axis, ddof=ddof, keepdims=keepdims)

    def std(self, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
        """Standard deviation over axes, as ``np.std``."""
        return reductions.std(self, axis, ddof=ddof, keepdims=keepdims)

    def cumsum(self, axis: Any = None) -> Any:
        """Running sum, as ``np.cumsum``."""
        return scans.cumsum(self, axis)

    def cumprod(self, axis: Any = None) -> Any:
        """Running product, as ``np.cumprod``."""
        return scans.cumprod(self, axis)

    def dot(self, b: Any) -> Any:
        """Product with a vector or matrix, as ``np.dot``."""
        return products.dot(self, b)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """Sum of a diagonal, as ``np.trace``."""
        return diagonals.trace(self, offset, axis1, axis2)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """A diagonal, as ``np.diagonal``."""
        return diagonals.diagonal(self, offset, axis1, axis2)

    def take(self, indices: Any, axis: Any = None) -> Any:
        """Entries by their numbers along an axis, as ``np.take``."""
        return indexing.take(self, indices, axis)

    def repeat(self, repeats: Any, axis: Any = None) -> Any:
        """Each entry several times, as ``np.repeat``."""
        return joining.repeat(self, repeats, axis)

    def ravel(self) -> Any:
        """All entries along one axis, as ``np.ravel``."""
        return shapes.ravel(self)

    flatten = ravel

    def squeeze(self, axis: Any = None) -> Any:
        """Without axes of length 1, as ``np.squeeze``."""
        return shapes.squeeze(self, axis)

    def reshape(self, *shape: Any) -> Any:
        """The same entries in another shape, as ``np.reshape``."""
        return shapes.reshape(self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Any:
        """The axes permuted, as ``ndarray.transpose``."""
        together = len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (tuple, list)))
        return shapes.transpose(self, axes[0] if together else axes or None)

    def swapaxes(self, axis1: int, axis2: int) -> Any:
        """Two axes exchanged, as ``np.swapaxes``."""
        axes = list(range(self.ndim))
        axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
        return shapes.permute(self, axes=tuple(axes))

    def astype(self, dtype: DTypeLike) -> Any:
        """The values cast to another type, as ``ndarray.astype``."""
        return shapes.cast(self, dtype=np.dtype(dtype))

    def copy(self) -> Any:
        """A copy, tracked if this is."""
        return ew.positive(self)

    def conj(self) -> Any:
        """The complex conjugate."""
        return complex_parts.conj(self)

    def clip(self, min: Any = None, max: Any = None) -> Any:
        """Limited to an interval, as ``np.clip``."""
        return choices.clip(self, min, max)

    def argmax(self, axis: int | None = None) -> Any:
        """Where the largest entries are; not tracked."""
        return np.argmax(self, axis)

    def argmin(self, axis: int | None = None) -> Any:
        """Where the smallest entries are; not tracked."""
        return np.argmin(self, axis)

    def argsort(self, axis: int | None = -1) -> Any:
        """The order of the entries, equal ones as they stand; not tracked."""
        return np.argsort(self, axis, kind="stable")  # type: ignore[arg-type]  # NumPy hands over to the Tensor

    def any(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Whether any entry is true; not tracked."""
        return np.any(self, axis=axis, keepdims=keepdims)

    def all(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Whether all entries are true; not tracked."""
        return np.all(self, axis=axis, keepdims=keepdims)


class At:
    """What ``x.at`` gives: index it, then call `set` or `add`.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> x = ad.tensor(np.zeros(3), requires_grad=True)
    >>> x.at[1].set(5.0).data
    array([0., 5., 0.])
    >>> x.at[[0, 0]].add(1.0).data
    array([2., 0., 0.])
    """

    __slots__ = ("_index", "_x")

    def __init__(self, x: Any, index: Any = None) -> None:
        self._x = x
        self._index = index

    def __getitem__(self, index: Any) -> At:
        return At(self._x, (index,) if index is None else index)

    def set(self, value: Any) -> Any:
        """A copy in which the entries are `value`; of repeated indices the last counts."""
        index, arrays = indexing.split_index(self._index)
        return indexing.at_set(self._x, value, *arrays, index=index)

    def add(self, value: Any) -> Any:
        """A copy with `value` added to the entries; repeated indices add up."""
        index, arrays = indexing.split_index(self._index)
        where = self._x.data[index.fill(arrays)]
        value = np.broadcast_to(value, where.shape) if np.shape(value) != where.shape else value
        return self._x + indexing.index_add(value, *arrays, index=index, shape=self._x.shape)
