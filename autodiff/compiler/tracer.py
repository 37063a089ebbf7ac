"""A stand-in for arrays that makes every NumPy call on it and records the call.

It works below the tape: in a trace the data of Tensors are Tracers, and the tape, the sweeps and the rules run as
usual. Anything in Python that depends on numbers, such as a branch or ``float()``, is refused, because the record
would be correct for these numbers only.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, Protocol

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from autodiff.compiler.values import OPERATORS, Form, Value, is_dot
from autodiff.core.primitives import Primitive
from autodiff.errors import CompileError

_METADATA = {np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj, np.common_type}
_MADE_LIKE = {np.ones_like, np.zeros_like, np.empty_like}
_OF_VALUES = {np.nonzero, np.flatnonzero, np.argwhere, np.unique, np.array_equal, np.allclose, np.trim_zeros}
_OF_VALUES |= {np.unique_all, np.unique_counts, np.unique_inverse, np.unique_values, np.union1d, np.intersect1d}
_OF_VALUES |= {np.setdiff1d, np.setxor1d, np.bincount, np.array_equiv, np.roots, np.polymul, np.polydiv, np.poly}
OF_VALUES = frozenset(_OF_VALUES)
"""Functions of plain arrays whose result is a Python bool, or has a shape or type that depends on values."""
_TRUTHS = {np.allclose, np.array_equal, np.array_equiv}
OF_COUNTS = {np.repeat: 1, np.delete: 1, np.compress: 0, np.extract: 0}
"""Functions for which only one operand's values decide the shape, with the position of that operand."""
WRITING = {np.copyto, np.put, np.place, np.putmask, np.put_along_axis, np.fill_diagonal}
ANEW = "Use a function that makes a new array: x.at[i].set(v) on a Tensor, np.where, np.sort."


class Recorder(Protocol):
    """The trace as its Tracers see it. It makes and notes their calls; `record.Trace` is the one there is."""

    shared: set[Value]
    views: set[Value]

    def tracer(self, value: Any, var: Value) -> Tracer:
        """A Tracer for a value of the record."""
        ...

    def record(
        self, form: Form, function: Any, call: Callable[..., Any], args: Sequence[Any], keywords: dict[str, Any]
    ) -> Any:
        """Make a call and note it."""

    def operator(self, ufunc: np.ufunc, args: tuple[Any, ...]) -> Any:
        """Apply a Python operator and note it."""

    def run(self, primitive: Primitive, args: Sequence[Any], keywords: dict[str, Any]) -> Any:
        """Run the function of a primitive and note what it calls."""

    def decide(self, function: Callable[..., Any], args: Sequence[Any]) -> Any:
        """The answer of `function` for the values of this call; a call with another answer needs another trace."""

    def refused(self, what: str, instead: str) -> CompileError:
        """The error about something that a record cannot hold."""
        ...


def dtype_of(a: Any) -> Any:
    """The dtype, for `Recorder.decide` about functions that choose it by values."""
    return a.dtype


def read_only(x: Any) -> Any:
    """A read-only view of an array; the array itself stays writable."""
    if type(x) is not np.ndarray:
        return x
    view = x.view()
    view.flags.writeable = False
    return view


def plain(tree: Any) -> Any:
    """The same nested containers with read-only arrays in place of Tracers and arrays."""
    if isinstance(tree, Tracer):
        return tree._value
    if type(tree) is np.ndarray:
        return read_only(tree)
    if type(tree) in (tuple, list):
        return type(tree)(map(plain, tree))
    if type(tree) is dict:
        return {k: plain(v) for k, v in tree.items()}
    return tree


def _wrote_operator(ufunc: np.ufunc, first: Any) -> bool:
    """Whether a ufunc call comes from an operator with a NumPy scalar or array on the left of a Tracer."""
    return isinstance(first, np.generic) or (ufunc is np.power and type(first) is np.ndarray)


def _has_precedence(kind: type) -> bool:
    """Whether a type wraps arrays, perhaps traced ones, and unwraps them first: a Tensor, a Batch."""
    return kind is not Tracer and (hasattr(kind, "__autodiff_priority__") or hasattr(kind, "__autodiff_apply__"))


def _method(name: str) -> Any:
    def method(self: Tracer, *args: Any, **keywords: Any) -> Any:
        keywords = {k: v for k, v in keywords.items() if v is not None or k == "axis"}
        return self._trace.record("method", name, lambda x, *a, **k: getattr(x, name)(*a, **k), (self, *args), keywords)

    method.__name__ = name
    return method


def _folding(ufunc: np.ufunc, name: str) -> Any:
    def method(
        self: Tracer, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False, **more: Any
    ) -> Any:
        if more or out is not None or dtype is not None:
            keywords = {"axis": axis, "keepdims": keepdims, **more} | ({} if dtype is None else {"dtype": dtype})
            return self._trace.record("method", name, lambda x, **k: getattr(x, name)(**k), (self,), keywords)
        if ufunc in (np.add, np.multiply) and self._value.dtype.kind in "biu":  # NumPy chooses the integer type
            keywords = {"axis": axis, "keepdims": keepdims}
            return self._trace.record("method", name, lambda x, **k: getattr(x, name)(**k), (self,), keywords)
        return self._trace.record("reduce", ufunc, ufunc.reduce, (self,), {"axis": axis, "keepdims": bool(keepdims)})

    method.__name__ = name
    return method


def _operator(ufunc: np.ufunc, name: str) -> Any:
    """The methods ``__add__``, ``__radd__`` and ``__iadd__`` of an operator; ``__neg__`` is the first of them."""

    def forward(self: Tracer, *others: Any) -> Any:
        if any(getattr(type(x), "__array_ufunc__", ()) is None for x in others):
            return NotImplemented
        if any(_has_precedence(type(x)) for x in others):
            return ufunc(self, *others)
        return self._trace.operator(ufunc, (self, *others))

    def backward(self: Tracer, other: Any) -> Any:
        if getattr(type(other), "__array_ufunc__", ()) is None:
            return NotImplemented
        return self._trace.operator(ufunc, (other, self))

    def in_place(self: Tracer, other: Any) -> Any:
        y = forward(self, other)
        return self._into(self, y) if type(y) is Tracer and isinstance(self._value, np.ndarray) else y

    for method, own in ((forward, f"__{name}__"), (backward, f"__r{name}__"), (in_place, f"__i{name}__")):
        method.__name__ = own
    return forward, backward, in_place


class _Flags:
    """The contiguity flags of a traced array; reading any other flag is refused, since the Tracer's own differ."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def __getitem__(self, name: str) -> Any:
        if name.upper() not in ("C_CONTIGUOUS", "C", "F_CONTIGUOUS", "F", "CONTIGUOUS", "FORTRAN", "FNC", "FORC"):
            raise self._tracer._trace.refused(f"reading .flags.{name.lower()}", "Decide outside the function.")
        flags: Any = self._tracer._value.flags
        return flags[name.upper()]

    def __getattr__(self, name: str) -> Any:
        return self[name]


def _metadata(name: str) -> Any:
    """A property of the array that depends on no values."""
    return property(operator.attrgetter(f"_value.{name}"))


def _refused(what: str, instead: str) -> Any:
    """A method that raises: a record cannot hold what it would do."""

    def method(self: Tracer, *_: Any, **__: Any) -> NoReturn:
        raise self._trace.refused(what, instead)

    return method


class Tracer(NDArrayOperatorsMixin):
    """An array in a trace.

    Attributes
    ----------
    _trace : Recorder
    _value : ndarray or NumPy scalar
        Its value in this first call; an array is read-only.
    _var : Value
        Its value in the program.
    """

    __slots__ = ("_trace", "_value", "_var")
    __hash__ = object.__hash__
    __autodiff_traced__ = True
    __array_priority__ = 100.0

    def __init__(self, trace: Recorder, value: Any, var: Value) -> None:
        self._trace, self._value, self._var = trace, read_only(value), var

    def __deepcopy__(self, memo: Any = None) -> Tracer:
        return self._trace.tracer(self._value, self._var)

    __copy__ = __deepcopy__

    # --- metadata, known without looking at values ---

    shape, ndim, size = _metadata("shape"), _metadata("ndim"), _metadata("size")
    dtype, strides = _metadata("dtype"), _metadata("strides")  # an argument with other strides needs another trace
    nbytes, itemsize = _metadata("nbytes"), _metadata("itemsize")

    @property
    def flags(self) -> _Flags:
        """The contiguity flags."""
        return _Flags(self)

    @property
    def is_traced_array(self) -> bool:
        """Whether it stands for an array, even a 0-d one, and not for a NumPy scalar."""
        return isinstance(self._value, np.ndarray)

    @property
    def is_view(self) -> bool:
        """Whether the array is a view of another one."""
        return self._var in self._trace.views

    @property
    def is_traced_number(self) -> bool:
        """Whether it stands for a NumPy scalar."""
        return isinstance(self._value, np.generic)

    def __len__(self) -> int:
        return len(self._value)

    def __repr__(self) -> str:
        return f"<traced {self.dtype}{list(self.shape)}>"

    # --- NumPy's protocols ---

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **keywords: Any) -> Any:
        if any(_has_precedence(type(x)) for x in inputs):
            return NotImplemented
        out = keywords.pop("out", None)
        if method == "at":
            raise self._trace.refused(f"np.{ufunc.__name__}.at, which writes into an array,", ANEW)
        if method == "__call__" and not keywords:
            first = inputs[0]
            if ufunc in OPERATORS and len(inputs) == 2 and out is None and _wrote_operator(ufunc, first):
                return self._trace.operator(ufunc, inputs)
            y = self._trace.record("ufunc", ufunc, ufunc, inputs, {})
        elif method == "reduce":
            keywords.setdefault("axis", 0)
            y = self._trace.record("reduce", ufunc, ufunc.reduce, inputs, keywords)
        else:
            call = ufunc if method == "__call__" else getattr(ufunc, method)
            y = self._trace.record("function", call, call, inputs, keywords)
        return y if out is None else self._into(out, y)

    def _into(self, out: Any, y: Any) -> Any:
        """Replace the target of a write by its result, if the target was made in this trace and is not shared."""
        (target,) = out if isinstance(out, tuple) else (out,)
        own = isinstance(target, Tracer) and target._var.kind == "result" and target._var not in self._trace.shared
        if not own or target.shape != y.shape or not isinstance(target._value, np.ndarray):
            raise self._trace.refused("a write into an array", "Write a = a + b, which makes a new one.")
        if target.dtype != y.dtype or y._var.strides != target._var.strides or y._var in self._trace.shared:
            y = self._trace.record("method", "astype", lambda x, *a: x.astype(*a), (y, target.dtype, "C"), {})
        if y._var.strides != target._var.strides:
            raise self._trace.refused("a write into an array with other strides than its result", "Write a = a + b.")
        target._value, target._var = y._value, y._var
        return target

    def __array_function__(self, func: Any, types: Any, args: Any, keywords: dict[str, Any]) -> Any:
        if any(map(_has_precedence, types)):
            return NotImplemented
        if func in _METADATA or func in _MADE_LIKE:
            return func(*plain(tuple(args)), **plain(keywords))
        if func in _TRUTHS:
            raise self._trace.refused(
                f"np.{func.__name__}", "Its result is a Python bool; np.all(np.isclose(a, b)) gives an array."
            )
        if func in OF_VALUES or (func is np.where and len(args) == 1):
            raise self._trace.refused(
                f"np.{func.__name__}",
                "The shape of its result would depend on values; use np.where with both branches.",
            )
        if func in OF_COUNTS and isinstance((*args, *keywords.values())[OF_COUNTS[func]], Tracer):
            raise self._trace.refused(
                f"np.{func.__name__}", "The shape of its result would depend on values; use np.where or np.take."
            )
        out = keywords.pop("out", None) if "out" in keywords else None
        if func in WRITING:
            raise self._trace.refused(
                f"np.{func.__name__}", "It writes in place; write x.at[i].set(v) on a Tensor, which makes a new one."
            )
        if func in (np.linalg.eig, np.linalg.eigvals, np.real_if_close):
            y = self._trace.record("function", func, func, args, keywords)
            self._trace.decide(dtype_of, (y[0] if isinstance(y, tuple) else y,))
            return y
        if func is np.nan_to_num and args and keywords.get("copy", True) is False:
            out, keywords = args[0], {**keywords, "copy": True}
        y = self._trace.record("function", func, func, args, keywords)
        return y if out is None else self._into(out, y)

    @staticmethod
    def __autodiff_apply__(primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a primitive with Tracers, and perhaps Tensors, among its operands."""
        for a in args:
            apply = getattr(type(a), "__autodiff_apply__", None)
            if apply is not None and type(a) is not Tracer:
                return apply(primitive, args, kwargs)
        trace = next(a._trace for a in args if isinstance(a, Tracer))
        return trace.run(primitive, args, kwargs)

    # --- Python's operators, which may differ from the ufuncs ---

    __add__, __radd__, __iadd__ = _operator(np.add, "add")
    __sub__, __rsub__, __isub__ = _operator(np.subtract, "sub")
    __mul__, __rmul__, __imul__ = _operator(np.multiply, "mul")
    __truediv__, __rtruediv__, __itruediv__ = _operator(np.divide, "truediv")
    __floordiv__, __rfloordiv__, __ifloordiv__ = _operator(np.floor_divide, "floordiv")
    __mod__, __rmod__, __imod__ = _operator(np.remainder, "mod")
    __pow__, __rpow__, __ipow__ = _operator(np.power, "pow")
    __neg__, __pos__ = _operator(np.negative, "neg")[0], _operator(np.positive, "pos")[0]
    __abs__, __invert__ = _operator(np.absolute, "abs")[0], _operator(np.invert, "invert")[0]

    # --- ndarray's methods ---

    sum, prod = _folding(np.add, "sum"), _folding(np.multiply, "prod")
    max, min = _folding(np.maximum, "max"), _folding(np.minimum, "min")
    any, all = _method("any"), _method("all")
    mean, var, std = _method("mean"), _method("var"), _method("std")
    argmax, argmin, argsort = _method("argmax"), _method("argmin"), _method("argsort")
    cumsum, cumprod, take, repeat = _method("cumsum"), _method("cumprod"), _method("take"), _method("repeat")
    clip, round, conj, copy = _method("clip"), _method("round"), _method("conj"), _method("copy")
    astype, trace, diagonal = _method("astype"), _method("trace"), _method("diagonal")
    reshape, ravel = _method("reshape"), _method("ravel")
    transpose, swapaxes = _method("transpose"), _method("swapaxes")
    squeeze = _method("squeeze")
    flatten, conjugate = _method("flatten"), _method("conjugate")

    def dot(self, other: Any) -> Tracer:
        """``ndarray.dot``."""
        if self.ndim == 2 and isinstance(other, Tracer) and is_dot(self._var, other._var):
            return self @ other
        return self._trace.record("method", "dot", lambda a, b: a.dot(b), (self, other), {})

    def _attribute(self, name: str) -> Tracer:
        return self._trace.record("attribute", name, operator.attrgetter(name), (self,), {})

    @property
    def T(self) -> Tracer:  # noqa: N802 - NumPy's name
        """The axes reversed."""
        return self._attribute("T")

    @property
    def mT(self) -> Tracer:  # noqa: N802 - NumPy's name
        """The last two axes exchanged."""
        return self.swapaxes(-1, -2)

    @property
    def real(self) -> Tracer:
        """The real part."""
        return self._attribute("real") if self.dtype.kind == "c" else self

    @property
    def imag(self) -> Tracer:
        """The imaginary part."""
        return self._attribute("imag")

    def __getitem__(self, index: Any) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        if any(isinstance(p, Tracer) and p.dtype.kind == "b" for p in parts):
            raise self._trace.refused(
                "an index by a mask", "The shape of its result would depend on values; use np.where(mask, x, 0)."
            )
        return self._trace.record("index", "getitem", operator.getitem, (self, index), {})

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    # --- refused: what a record cannot hold ---

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(f"an array has no attribute {name!r}", name=name, obj=self)
        raise self._trace.refused(f"reading .{name}", "Use np functions on the value itself; they are traced.")

    __setitem__ = _refused("a write into an array", "Write x.at[i].set(v) on a Tensor, which makes a new one.")
    __bool__ = _refused(
        "a branch, or the truth of an array,",
        "Write np.where(condition, a, b), or pass a flag as an argument that is a Python bool.",
    )
    __float__ = _refused(
        "float(), or a write into a plain array",
        "Use np functions instead of math's, np.stack instead of writes, and return what you want to print.",
    )
    __int__ = _refused("int()", "Pass the number as a Python argument: it is static, and a new one is a new trace.")
    __index__ = _refused("a count or an index in Python", "Pass the number as a Python argument, or use np.take.")
    __complex__ = _refused("complex()", "Use np functions.")
    __array__ = _refused("np.asarray", "Use np functions on the value itself; they are traced.")
    __format__ = _refused("printing", "Return the value, and print it outside the compiled function.")
    item = _refused(".item()", "Return the value, and call .item() outside the compiled function.")
    tolist = _refused(".tolist()", "Return the value instead.")
    data = property(
        _refused("reading .data", "Compute with the tensor itself; x.detach() leaves the graph and is traced.")
    )
    flat = property(_refused("reading .flat", "Use .ravel()."))
