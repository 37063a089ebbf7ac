"""The methods of a Tensor under NumPy's names: each calls the function of the same name."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any, Generic, Literal, Never, NoReturn, Self, SupportsIndex, TypeVar

import numpy as np

from autodiff import names
from autodiff.arrays import messages
from autodiff.arrays.others import is_numeric, operand
from autodiff.errors import DtypeError, MutationError, UntrackedError
from autodiff.ops import (
    choices,
    complex_parts,
    diagonals,
    indexing,
    joining,
    products,
    reductions,
    scans,
    shapes,
    variances,
)
from autodiff.ops import elementwise as ew
from autodiff.typing import ArrayLike, Axis, DTypeLike

Mode = Literal["raise", "wrap", "clip"]
Made = TypeVar("Made")
"""The type of results: Tensor, which is defined above this module. Subclasses, such as parameters, give Tensors too."""


class NumpyMethods(Generic[Made]):
    """Methods with NumPy's names and signatures, for a class that has `ndim` and NumPy's protocols."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def ndim(self) -> int:
            """Number of axes; defined by the Tensor."""

        @property
        def dtype(self) -> np.dtype[Any]:
            """Type of the entries; likewise."""

    @property
    def T(self) -> Made:  # noqa: N802 - NumPy's name
        """The axes reversed."""
        return shapes.permute(self, axes=tuple(range(self.ndim))[::-1])

    @property
    def mT(self) -> Made:  # noqa: N802 - NumPy's name
        """The last two axes exchanged."""
        return self.swapaxes(-1, -2)

    @property
    def device(self) -> str:
        """``"cpu"``, as NumPy says."""
        return "cpu"

    def to_device(self, device: str, /, *, stream: None = None) -> Self:
        """The Tensor itself: there is one device."""
        if device != "cpu" or stream is not None:
            raise ValueError(f"to_device: the only device is 'cpu', without streams; {device!r} was given.")
        return self

    @property
    def real(self) -> Made:
        """The real part."""
        return complex_parts.real_part(self)

    @property
    def imag(self) -> Made:
        """The imaginary part."""
        return complex_parts.imag_part(self)

    # --- operators that only call NumPy's functions ------------------------------------------------

    def __mod__(self, other: Any) -> Made:
        return np.remainder(self, other)

    def __rmod__(self, other: Any) -> Made:
        return np.remainder(operand(other), self)

    def __floordiv__(self, other: Any) -> Made:
        return np.floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Made:
        return np.floor_divide(operand(other), self)

    def __divmod__(self, other: Any) -> tuple[Made, Made]:
        return np.divmod(self, other)

    def __rdivmod__(self, other: Any) -> tuple[Made, Made]:
        return np.divmod(operand(other), self)

    def __and__(self, other: Any) -> Made:
        return np.bitwise_and(self, other)

    def __rand__(self, other: Any) -> Made:
        return np.bitwise_and(operand(other), self)

    def __or__(self, other: Any) -> Made:
        return np.bitwise_or(self, other)

    def __ror__(self, other: Any) -> Made:
        return np.bitwise_or(operand(other), self)

    def __xor__(self, other: Any) -> Made:
        return np.bitwise_xor(self, other)

    def __rxor__(self, other: Any) -> Made:
        return np.bitwise_xor(operand(other), self)

    def __lshift__(self, other: Any) -> Made:
        return np.left_shift(self, other)

    def __rlshift__(self, other: Any) -> Made:
        return np.left_shift(operand(other), self)

    def __rshift__(self, other: Any) -> Made:
        return np.right_shift(self, other)

    def __rrshift__(self, other: Any) -> Made:
        return np.right_shift(operand(other), self)

    def __invert__(self) -> Made:
        return np.invert(self)

    # --- reductions -------------------------------------------------------------------------------

    def sum(
        self,
        axis: Axis = None,
        dtype: DTypeLike | None = None,
        out: None = None,
        keepdims: bool = False,
        initial: ArrayLike | None = None,
        where: ArrayLike | None = None,
        **unknown: Never,
    ) -> Made:
        """Sum over axes, as ``np.sum``."""
        if unknown:
            no_keyword("sum", unknown)
        _no_out(out, "sum")
        return reductions.sum_(self, axis, dtype, keepdims=keepdims, initial=initial, where=where)

    def prod(
        self,
        axis: Axis = None,
        dtype: DTypeLike | None = None,
        out: None = None,
        keepdims: bool = False,
        initial: ArrayLike | None = None,
        where: ArrayLike | None = None,
        **unknown: Never,
    ) -> Made:
        """Product over axes, as ``np.prod``."""
        if unknown:
            no_keyword("prod", unknown)
        _no_out(out, "prod")
        return reductions.prod(self, axis, dtype, keepdims=keepdims, initial=initial, where=where)

    def mean(
        self,
        axis: Axis = None,
        dtype: DTypeLike | None = None,
        out: None = None,
        keepdims: bool = False,
        *,
        where: ArrayLike | None = None,
        **unknown: Never,
    ) -> Made:
        """Mean over axes, as ``np.mean``."""
        if unknown:
            no_keyword("mean", unknown)
        _no_out(out, "mean")
        return reductions.mean(self, axis, dtype, keepdims=keepdims, where=where)

    def max(
        self,
        axis: Axis = None,
        out: None = None,
        keepdims: bool = False,
        initial: ArrayLike | None = None,
        where: ArrayLike | None = None,
        **unknown: Never,
    ) -> Made:
        """Largest entries, as ``np.max``."""
        if unknown:
            no_keyword("max", unknown)
        _no_out(out, "max")
        return reductions.max_(self, axis, keepdims=keepdims, initial=initial, where=where)

    def min(
        self,
        axis: Axis = None,
        out: None = None,
        keepdims: bool = False,
        initial: ArrayLike | None = None,
        where: ArrayLike | None = None,
        **unknown: Never,
    ) -> Made:
        """Smallest entries, as ``np.min``."""
        if unknown:
            no_keyword("min", unknown)
        _no_out(out, "min")
        return reductions.min_(self, axis, keepdims=keepdims, initial=initial, where=where)

    def var(
        self,
        axis: Axis = None,
        dtype: DTypeLike | None = None,
        out: None = None,
        ddof: float = 0,
        keepdims: bool = False,
        *,
        where: ArrayLike | None = None,
        correction: float | None = None,
        **unknown: Never,
    ) -> Made:
        """Variance over axes, as ``np.var``."""
        if unknown:
            no_keyword("var", unknown)
        _no_out(out, "var")
        return variances.var(self, axis, dtype, ddof=ddof, keepdims=keepdims, where=where, correction=correction)

    def std(
        self,
        axis: Axis = None,
        dtype: DTypeLike | None = None,
        out: None = None,
        ddof: float = 0,
        keepdims: bool = False,
        *,
        where: ArrayLike | None = None,
        correction: float | None = None,
        **unknown: Never,
    ) -> Made:
        """Standard deviation over axes, as ``np.std``."""
        if unknown:
            no_keyword("std", unknown)
        _no_out(out, "std")
        return variances.std(self, axis, dtype, ddof=ddof, keepdims=keepdims, where=where, correction=correction)

    def cumsum(
        self, axis: SupportsIndex | None = None, dtype: DTypeLike | None = None, out: None = None, **unknown: Never
    ) -> Made:
        """Running sum, as ``np.cumsum``."""
        if unknown:
            no_keyword("cumsum", unknown)
        _no_out(out, "cumsum")
        return scans.cumsum(self, axis, dtype)

    def cumprod(
        self, axis: SupportsIndex | None = None, dtype: DTypeLike | None = None, out: None = None, **unknown: Never
    ) -> Made:
        """Running product, as ``np.cumprod``."""
        if unknown:
            no_keyword("cumprod", unknown)
        _no_out(out, "cumprod")
        return scans.cumprod(self, axis, dtype)

    def trace(
        self, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: DTypeLike | None = None, out: None = None
    ) -> Made:
        """Sum of a diagonal, as ``np.trace``."""
        _no_out(out, "trace")
        return diagonals.trace(self if dtype is None else self.astype(dtype), offset, axis1, axis2)

    def any(
        self, axis: Axis = None, out: None = None, keepdims: bool = False, *, where: ArrayLike = True, **unknown: Never
    ) -> Made:
        """Whether any entry is true; not tracked."""
        if unknown:
            no_keyword("any", unknown)
        _no_out(out, "any")
        return np.any(self, axis=axis, keepdims=keepdims, where=where)

    def all(
        self, axis: Axis = None, out: None = None, keepdims: bool = False, *, where: ArrayLike = True, **unknown: Never
    ) -> Made:
        """Whether all entries are true; not tracked."""
        if unknown:
            no_keyword("all", unknown)
        _no_out(out, "all")
        return np.all(self, axis=axis, keepdims=keepdims, where=where)

    # --- entries ----------------------------------------------------------------------------------

    def dot(self, b: ArrayLike, out: None = None) -> Made:
        """Product with a vector or matrix, as ``np.dot``."""
        _no_out(out, "dot")
        return products.dot(self, b)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Made:
        """A diagonal, as ``np.diagonal``."""
        return diagonals.diagonal(self, offset, axis1, axis2)

    def take(
        self,
        indices: ArrayLike,
        axis: SupportsIndex | None = None,
        out: None = None,
        mode: Mode = "raise",
        **unknown: Never,
    ) -> Made:
        """Entries at `indices` along an axis, as ``np.take``."""
        if unknown:
            no_keyword("take", unknown)
        _no_out(out, "take")
        return np.take(self, indices, axis, mode=mode)

    def compress(self, condition: ArrayLike, axis: SupportsIndex | None = None, out: None = None) -> Made:
        """The slices for which a condition holds, as ``np.compress``."""
        _no_out(out, "compress")
        return np.compress(condition, self, axis)

    def choose(self, choices: ArrayLike, out: None = None, mode: Mode = "raise") -> Made:
        """Entries of several arrays, selected by the integers in this tensor, as ``np.choose``."""
        _no_out(out, "choose")
        return np.choose(self, choices, mode=mode)

    def repeat(self, repeats: ArrayLike, axis: SupportsIndex | None = None, **unknown: Never) -> Made:
        """Each entry repeated, as ``np.repeat``."""
        if unknown:
            no_keyword("repeat", unknown)
        return joining.repeat(self, repeats, axis)

    def clip(self, min: ArrayLike | None = None, max: ArrayLike | None = None, out: None = None) -> Made:
        """Limited to an interval, as ``np.clip``."""
        _no_out(out, "clip")
        return choices.clip(self, min, max)

    def round(self, decimals: int = 0, out: None = None) -> Made:
        """Rounded; not tracked."""
        _no_out(out, "round")
        return np.round(self, decimals)

    def conj(self) -> Made:
        """The complex conjugate."""
        return complex_parts.conj(self)

    conjugate = conj

    def argmax(self, axis: int | None = None, out: None = None, *, keepdims: bool = False, **unknown: Never) -> Made:
        """Indices of the largest entries; not tracked."""
        if unknown:
            no_keyword("argmax", unknown)
        _no_out(out, "argmax")
        return np.argmax(self, axis, keepdims=keepdims)

    def argmin(self, axis: int | None = None, out: None = None, *, keepdims: bool = False, **unknown: Never) -> Made:
        """Indices of the smallest entries; not tracked."""
        if unknown:
            no_keyword("argmin", unknown)
        _no_out(out, "argmin")
        return np.argmin(self, axis, keepdims=keepdims)

    def argsort(
        self, axis: int | None = -1, kind: Any = "stable", order: None = None, *, stable: Any = None, **more: Any
    ) -> Made:
        """Indices that sort the entries, always stable; not tracked. From NumPy 2.5 on it takes descending=."""
        if more and (more.keys() != {"descending"} or np.lib.NumpyVersion(np.__version__) < "2.5.0"):
            no_keyword("argsort", more)
        return np.argsort(self, axis, stable=True, **more)  # type: ignore[arg-type, return-value]  # NumPy delegates to the Tensor

    def argpartition(self, kth: ArrayLike, axis: int | None = -1) -> Made:
        """Indices that put the entry of rank `kth` in its sorted position; not tracked."""
        return np.argpartition(self, kth, axis)  # type: ignore[arg-type, return-value]  # NumPy delegates to the Tensor

    def searchsorted(
        self, v: ArrayLike, side: Literal["left", "right"] = "left", sorter: ArrayLike | None = None
    ) -> Made:
        """Indices at which `v` would be inserted in this sorted tensor; not tracked."""
        return np.searchsorted(self, v, side, sorter)

    def nonzero(self) -> tuple[Made, ...]:
        """Indices of the non-zero entries, one array for each axis; not tracked."""
        return np.nonzero(self)  # type: ignore[arg-type, return-value]  # likewise

    # --- shapes -----------------------------------------------------------------------------------

    def ravel(self, order: Any = "C", **unknown: Never) -> Made:
        """All entries along one axis, as ``np.ravel``."""
        if unknown:
            no_keyword("ravel", unknown)
        if isinstance(order, int):
            raise messages.joins_all_axes(order)
        return shapes.ravel(self, order)

    flatten = ravel

    def squeeze(self, axis: Axis = None, **unknown: Never) -> Made:
        """Without axes of length 1, as ``np.squeeze``."""
        if unknown:
            no_keyword("squeeze", unknown)
        return shapes.squeeze(self, axis)

    def reshape(self, *shape: Any, order: Any = "C", copy: bool | None = None) -> Made:
        """The same entries in another shape, as ``np.reshape``. `copy` has no effect, since no result is written to."""
        return shapes.reshape(self, shape[0] if len(shape) == 1 else shape, order)

    def transpose(self, *axes: Any) -> Made:
        """The axes permuted, as ``ndarray.transpose``."""
        together = len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (tuple, list)))
        if len(axes) == 2 != self.ndim:
            raise messages.takes_all_axes(axes, self.ndim)
        return shapes.transpose(self, axes[0] if together else axes or None)

    def swapaxes(self, axis1: int, axis2: int) -> Made:
        """Two axes exchanged, as ``np.swapaxes``."""
        axes = list(range(self.ndim))
        axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
        return shapes.permute(self, axes=tuple(axes))

    def astype(
        self, dtype: DTypeLike, order: Any = "K", casting: Any = "unsafe", subok: bool = True, copy: bool = True
    ) -> Made:
        """The values cast to another type, as ``ndarray.astype``."""
        kind = np.dtype(dtype)
        if not is_numeric(kind):
            raise DtypeError(
                f"astype: a Tensor holds numbers of NumPy's own dtypes; {kind} was given. Write x.data.astype(...) for "
                "an array of this dtype."
            )
        if not np.can_cast(self.dtype, kind, casting):
            raise TypeError(f"astype: {self.dtype} cannot be cast to {kind} with casting={casting!r}.")
        return shapes.cast(self, dtype=kind)

    def copy(self, order: Any = "C") -> Made:
        """A copy, tracked if this tensor is."""
        return ew.positive(self)

    if not TYPE_CHECKING:  # a checker that saw __getattr__ would accept every attribute

        def __getattr__(self, name: str) -> Any:
            if name == "_mask" and self.requires_grad:  # numpy.ma asks for it, after it has taken the values out
                raise UntrackedError(
                    "a masked array of a tracked tensor would drop its gradient silently. Select with "
                    "np.where(~mask, x, 0) or the where= of a reduction, or give x.data."
                )
            if name == "__array_interface__":  # Pillow needs it; NumPy asks as well, and then takes __array__
                raise AttributeError("a Tensor has no __array_interface__; give its array, np.asarray(x).", name=name)
            if not name.startswith("_"):
                from autodiff.names import tables

                row = tables.of_tensor(name)
                if row is not None:
                    raise AttributeError(names.told("a Tensor", f".{name}", row), name=name)
                if hasattr(np.ndarray, name):
                    raise AttributeError(f"a Tensor has no .{name}, but its array does: x.data.{name}.", name=name)
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)


for _method in vars(NumpyMethods).values():
    if isinstance(_method, FunctionType):  # in messages, and to pickle, they are the methods of the Tensor
        _method.__qualname__, _method.__module__ = f"Tensor.{_method.__name__}", "autodiff.arrays.tensors"


def no_keyword(method: str, given: dict[str, Any]) -> NoReturn:
    """Raise the error for keywords that a method of the Tensor does not take."""
    names.refuse_for_tensors(f"Tensor.{method}", f"x.{method}({{}})", getattr(NumpyMethods, method), given)


def _no_out(out: Any, name: str) -> None:
    if isinstance(out, bool):
        raise TypeError(f"Tensor.{name}: {out} stands in the place of out=. Write `x.{name}(axis, keepdims={out})`.")
    if out is not None:
        raise MutationError(f"{name}: out= would write in place; leave it out and use the returned array.")


class At(Generic[Made]):
    """The value of ``x.at``: index it, then call `set` or `add`.

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

    def __getitem__(self, index: Any) -> At[Made]:
        return At(self._x, (index,) if index is None else index)

    def set(self, value: ArrayLike) -> Made:
        """A copy with the entries set to `value`; if an index is repeated, its last value counts."""
        index, arrays = indexing.split_index(self._index)
        return indexing.at_set(self._x, value, *arrays, index=index)

    def add(self, value: ArrayLike) -> Made:
        """A copy with `value` added to the entries; repeated indices add up."""
        index, arrays = indexing.split_index(self._index)
        where = shapes.values(self._x)[index.fill(arrays)]
        given = shapes.operand(value)
        given = np.broadcast_to(given, where.shape) if given.shape != where.shape else given
        return self._x + indexing.index_add(given, *arrays, index=index, shape=self._x.shape)
