"""Many directions at once: an array whose leading axis counts independent copies.

A `Batch` takes the place of one tangent or cotangent. Rules are plain NumPy, so they run on it
unchanged. Elementwise functions broadcast along the extra axis. For the other frequent primitives,
the rules here add the axis to their metadata. A primitive without such a rule runs copy by copy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.core.primitives import (
    ELEMENTWISE,
    NUMPY_CONSTANTS,
    NUMPY_FUNCTIONS,
    NUMPY_PRIMITIVES,
    OTHER_FUNCTIONS,
    Primitive,
    full_name,
)
from autodiff.core.tape import ALIAS
from autodiff.errors import UnsupportedError
from autodiff.ops import contractions, diagonals, indexing, joining, products, reductions, scans, sequences, shapes
from autodiff.ops import elementwise as ew
from autodiff.ops.contractions import LETTERS
from autodiff.scipy_special.loading import entered
from autodiff.typing import Array, Axis, DTypeLike, Shape

BATCH_RULES: dict[Primitive, Callable[..., Any]] = {}
"""For each primitive ``(args, kwargs) -> values``, which may return NotImplemented: then it runs copy by copy."""


def _operator(function: Callable[[Any, Any], Any]) -> Any:
    """The two methods of an operator: with a Batch on the left, and on the right."""
    return lambda self, other: function(self, other), lambda self, other: function(other, self)


class Batch:
    """`values` of shape ``(b, *shape)``, used like an array of shape ``shape``."""

    __slots__ = ("values",)
    __autodiff_priority__ = True
    __hash__ = object.__hash__

    def __init__(self, values: Any) -> None:
        self.values = values

    @property
    def shape(self) -> Shape:
        """Shape of one copy."""
        return self.values.shape[1:]

    @property
    def ndim(self) -> int:
        """Axes of one copy."""
        return self.values.ndim - 1

    @property
    def size(self) -> int:
        """Entries of one copy."""
        return self.values.size // max(len(self), 1)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the entries."""
        return self.values.dtype

    def __len__(self) -> int:
        return int(self.values.shape[0])

    def __repr__(self) -> str:
        return f"Batch({self.values!r})"

    # --- protocols --------------------------------------------------------------------------------

    @staticmethod
    def __autodiff_apply__(primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if primitive.kind == ELEMENTWISE:
            return Batch(primitive(*_aligned(args), **kwargs))
        rule = BATCH_RULES.get(primitive)
        values = NotImplemented if rule is None else rule(args, kwargs)
        if values is NotImplemented:
            return copy_by_copy(primitive, args, kwargs)
        return tuple(Batch(v) for v in values) if type(values) is tuple else Batch(values)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        function = NUMPY_FUNCTIONS.get(ufunc) or NUMPY_PRIMITIVES.get(ufunc)
        if method == "__call__" and function is not None and not kwargs:
            return function(*inputs)
        if method == "__call__" and ufunc in NUMPY_CONSTANTS:
            return Batch(ufunc(*_aligned(inputs), **kwargs))
        if method == "__call__" and not kwargs and entered(ufunc) and ufunc in OTHER_FUNCTIONS:
            return OTHER_FUNCTIONS[ufunc](*inputs)
        raise UnsupportedError(f"{full_name(ufunc)}.{method} is not available inside a rule.")

    def __array_function__(self, func: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        function = NUMPY_FUNCTIONS.get(func) or NUMPY_PRIMITIVES.get(func)
        return function(*args, **kwargs) if function is not None else copy_by_copy(func, args, kwargs)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise UnsupportedError(
            "A rule asks for a plain array (np.asarray, float ...), but it was given many directions, or a power "
            "series, at once. Use NumPy's functions and operators on the arguments as they come."
        )

    __float__ = __int__ = __complex__ = __array__

    # --- operators and methods that rules use -----------------------------------------------------

    __add__, __radd__ = _operator(np.add)
    __sub__, __rsub__ = _operator(np.subtract)
    __mul__, __rmul__ = _operator(np.multiply)
    __matmul__, __rmatmul__ = _operator(products.matmul)
    __pow__ = _operator(np.power)[0]
    __and__, __rand__ = _operator(np.logical_and)
    __or__, __ror__ = _operator(np.logical_or)
    __eq__, __ne__ = _operator(np.equal)[0], _operator(np.not_equal)[0]
    __lt__, __le__ = _operator(np.less)[0], _operator(np.less_equal)[0]
    __gt__, __ge__ = _operator(np.greater)[0], _operator(np.greater_equal)[0]

    def __truediv__(self, other: Any) -> Any:
        return ew.divide_by_number(self, other) if type(other) in (int, float) else np.divide(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return np.divide(other, self)

    def __neg__(self) -> Any:
        return np.negative(self)

    def __abs__(self) -> Any:
        return np.absolute(self)

    def __invert__(self) -> Any:
        return np.logical_not(self)

    def __getitem__(self, index: Any) -> Any:
        return indexing.getitem(self, index)

    @property
    def T(self) -> Batch:  # noqa: N802 - NumPy's name
        """The axes of each copy reversed."""
        return self.transpose(tuple(range(self.ndim))[::-1])

    @property
    def real(self) -> Batch:
        """Real parts."""
        return np.real(self)

    @property
    def imag(self) -> Batch:
        """Imaginary parts."""
        return np.imag(self)

    def conj(self) -> Batch:
        """Complex conjugates."""
        return np.conj(self)  # type: ignore[return-value]  # NumPy delegates to the Batch

    def sum(self, axis: Axis = None, keepdims: bool = False) -> Batch:
        """Sums over axes of each copy."""
        return np.sum(self, axis=axis, keepdims=keepdims)  # type: ignore[return-value]  # likewise

    def mean(self, axis: Axis = None, keepdims: bool = False) -> Batch:
        """Means over axes of each copy."""
        return np.mean(self, axis=axis, keepdims=keepdims)

    def any(self, axis: Axis = None, keepdims: bool = False) -> Batch | Array:
        """Whether any entry of each copy is true."""
        axes = shapes.canonical_axes(axis, self.ndim) if axis is not None else tuple(range(self.ndim))
        assert axes is not None
        return Batch(self.values.any(axis=tuple(a + 1 for a in axes), keepdims=keepdims))

    def reshape(self, *shape: Any) -> Batch:
        """Each copy reshaped."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)  # type: ignore[return-value]  # likewise

    def transpose(self, *axes: Any) -> Batch:
        """The axes of each copy permuted."""
        return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)  # type: ignore[return-value]  # likewise

    def swapaxes(self, axis1: int, axis2: int) -> Batch:
        """Two axes of each copy exchanged."""
        axes = list(range(self.ndim))
        axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
        return self.transpose(tuple(axes))

    def astype(self, dtype: DTypeLike) -> Batch:
        """Cast to another type."""
        return Batch(self.values.astype(dtype))


def _aligned(args: tuple[Any, ...]) -> list[Any]:
    """The operands with equal ranks after the leading axis, so that their copies broadcast like single arrays."""
    n = max(np.ndim(a) if not hasattr(a, "ndim") else a.ndim for a in args)
    out = []
    for a in args:
        if isinstance(a, Batch):
            v = a.values
            a = v if v.ndim == n + 1 else v.reshape((v.shape[0],) + (1,) * (n + 1 - v.ndim) + v.shape[1:])
        out.append(a)
    return out


def copy_by_copy(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The definition of a batch: run the function on each copy and stack what it returns."""
    n = next(len(a) for a in _flat(args) if isinstance(a, Batch))
    runs = [function(*_pick(args, i), **kwargs) for i in range(n)]
    if isinstance(runs[0], (tuple, list)):
        return tuple(Batch(np.stack(parts)) for parts in zip(*runs, strict=True))
    return Batch(np.stack(runs))


def _flat(args: Any) -> list[Any]:
    if isinstance(args, (tuple, list)):
        return [leaf for a in args for leaf in _flat(a)]
    return [args]


def _pick(args: Any, i: int) -> Any:
    if isinstance(args, (tuple, list)):
        return type(args)(_pick(a, i) for a in args)
    return args.values[i] if isinstance(args, Batch) else args


# --- rules for the leading axis in the frequent primitives ----------------------------------------


def _rule(primitive: Primitive) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(rule: Callable[..., Any]) -> Callable[..., Any]:
        BATCH_RULES[primitive] = rule
        return rule

    return register


def _reduction(primitive: Primitive) -> None:
    def rule(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        (x,) = args
        axis = range(x.ndim) if kwargs["axis"] is None else kwargs["axis"]
        return primitive(x.values, **{**kwargs, "axis": tuple(a + 1 for a in axis)})

    BATCH_RULES[primitive] = rule


_reduction(reductions.sum_over)
_reduction(reductions.mean_over)


@_rule(ALIAS)
def _alias(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return args[0].values


@_rule(shapes.spread)
def _spread(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    (x,) = args
    shape = kwargs["shape"]
    v = x.values
    v = v.reshape((v.shape[0],) + (1,) * (len(shape) - x.ndim) + x.shape)
    return shapes.spread(v, shape=(v.shape[0], *shape))


@_rule(shapes.reshape_to)
def _reshape(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    v = args[0].values
    return shapes.reshape_to(v, shape=(v.shape[0], *kwargs["shape"]))


@_rule(shapes.permute)
def _permute(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return shapes.permute(args[0].values, axes=(0, *(a + 1 for a in kwargs["axes"])))


@_rule(shapes.cast)
def _cast(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return shapes.cast(args[0].values, **kwargs)


def _led(index: indexing.Index) -> indexing.Index | None:
    """The index after a leading full slice. None if a slice separates index arrays: NumPy would then move the axis."""
    parts = index.template if isinstance(index.template, tuple) else (index.template,)
    special = [i for i, p in enumerate(parts) if p is indexing.ARRAY or isinstance(p, int)]
    arrays = any(p is indexing.ARRAY for p in parts)
    if arrays and special and special[-1] - special[0] + 1 != len(special):
        return None
    return indexing.Index((slice(None), *parts))


@_rule(indexing.gather)
def _gather(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    x, *arrays = args
    index = _led(kwargs["index"])
    if index is not None:
        return indexing.gather(x.values, *arrays, index=index)
    entries = indexing.entries(kwargs["index"], tuple(arrays), x.shape)
    return indexing.gather(x.values.reshape(len(x), x.size), entries, index=_BEHIND_COPIES)


_FLAT = indexing.Index(indexing.ARRAY)
_BEHIND_COPIES = indexing.Index((slice(None), indexing.ARRAY))


@_rule(indexing.index_add)
def _index_add(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    v, *arrays = args
    shape = kwargs["shape"]
    if not arrays:
        index = _led(kwargs["index"])
        assert index is not None
        return indexing.index_add(v.values, index=index, shape=(len(v), *shape))
    size = math.prod(shape)
    entries = indexing.entries(kwargs["index"], tuple(arrays), shape)
    entries = (np.arange(len(v))[:, None] * size + np.mod(entries, max(size, 1)).reshape(-1)).reshape(-1)
    flat = indexing.index_add(v.values.reshape(-1), entries, index=_FLAT, shape=(len(v) * size,))
    return flat.reshape((len(v), *shape))


@_rule(indexing.at_set)
def _at_set(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    x, v, *arrays = args
    index = _led(kwargs["index"])
    if index is None or not isinstance(x, Batch):
        return NotImplemented
    if isinstance(v, Batch):
        missing = np.empty(x.shape, bool)[kwargs["index"].fill(tuple(arrays))].ndim - v.ndim
        v = v.values.reshape((len(v),) + (1,) * missing + v.shape)
    return indexing.at_set(x.values, v, *arrays, index=index)


@_rule(products.matmul)
def _matmul(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    a, b = args
    if isinstance(a, Batch) and not isinstance(b, Batch):
        if b.ndim == 2 and a.ndim == 2:  # one product for all copies instead of one for each
            n, rows, inner = a.values.shape
            return (a.values.reshape(n * rows, inner) @ b).reshape(n, rows, b.shape[1])
        if b.ndim > a.ndim > 1:
            return a.values.reshape((len(a),) + (1,) * (b.ndim - a.ndim) + a.shape) @ b
        return a.values @ b if a.ndim > 1 or b.ndim < 3 else NotImplemented
    if isinstance(b, Batch) and not isinstance(a, Batch):
        if b.ndim == 1:
            return b.values @ a if a.ndim == 1 else b.values @ a.swapaxes(-1, -2) if a.ndim == 2 else NotImplemented
        return np.matmul(a, b.values) if a.ndim <= b.ndim else NotImplemented
    return NotImplemented


@_rule(contractions.einsum_of)
def _einsum(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    inputs, output = kwargs["subscripts"].split("->")
    copies = next((c for c in LETTERS if c not in inputs), None)
    if copies is None:
        return NotImplemented
    terms = [copies + s if isinstance(a, Batch) else s for s, a in zip(inputs.split(","), args)]
    values = [a.values if isinstance(a, Batch) else a for a in args]
    return contractions.einsum_of(*values, subscripts=f"{','.join(terms)}->{copies}{output}")


@_rule(contractions.embed_letters)
def _embed_letters(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    (x,) = args
    term, letters = kwargs["subscripts"].split("->")
    copies = next((c for c in LETTERS if c not in term), None)
    if copies is None:
        return NotImplemented
    return contractions.embed_letters(
        x.values, subscripts=f"{copies}{term}->{copies}{letters}", shape=(len(x), *kwargs["shape"])
    )


@_rule(sequences.slide)
def _slide(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return sequences.slide(args[0].values, lengths=kwargs["lengths"], axes=tuple(a + 1 for a in kwargs["axes"]))


@_rule(sequences.fold_windows)
def _fold_windows(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    (x,) = args
    shape, axes = (len(x), *kwargs["shape"]), tuple(a + 1 for a in kwargs["axes"])
    return sequences.fold_windows(x.values, shape=shape, axes=axes)


# Primitives whose axes only move one place to the right.


def _behind(primitive: Primitive, *names: str) -> None:
    """Add 1 to the axis, or axes, in the keywords of these names. A keyword `shape` needs a rule of its own."""

    def rule(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        n = next(len(a) for a in args if isinstance(a, Batch))
        values = [a.values if isinstance(a, Batch) else np.broadcast_to(a, (n, *a.shape)) for a in args]
        return primitive(*values, **{k: _next_axis(v) if k in names else v for k, v in kwargs.items()})

    BATCH_RULES[primitive] = rule


def _next_axis(axis: Any) -> Any:
    return tuple(a + 1 for a in axis) if isinstance(axis, tuple) else axis + 1


_behind(shapes.flip_axes, "axes")
_behind(shapes.rotate, "axes")
_behind(scans.cumsum_along, "axis")
_behind(scans.recurrence, "axis")
_behind(joining.concatenate_all, "axis")
_behind(joining.split_at, "axis")
_behind(joining.stack_all, "axis")
_behind(joining.unstack_all, "axis")
_behind(diagonals.diagonal_of, "axis1", "axis2")


@_rule(diagonals.embed_diagonal)
def _embed_diagonal(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    (x,) = args
    axis1, axis2 = kwargs["axis1"] + 1, kwargs["axis2"] + 1
    shape = (len(x), *kwargs["shape"])
    return diagonals.embed_diagonal(x.values, shape=shape, offset=kwargs["offset"], axis1=axis1, axis2=axis2)
