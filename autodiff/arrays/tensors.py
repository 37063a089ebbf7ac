"""The Tensor: an array that remembers how it was made.

Operators, methods and NumPy's two protocols all end in the same way: the function runs on the plain
arrays, and if an operand is tracked, one `Node` is recorded. Operators are written out, the shortest
path first, because they take most of the time on small arrays.
"""

from __future__ import annotations

import copy
import inspect
import operator
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Never, Self

import numpy as np

from autodiff.arrays.counts import Count, counts
from autodiff.arrays.messages import explain, instead_of_array, no_array, no_rows, unsupported, written_in_place
from autodiff.arrays.methods import At, NumpyMethods
from autodiff.arrays.others import as_array, decides, is_numeric, operand, taken, times_sparse
from autodiff.core import copying, sweeps, switches, walks
from autodiff.core.primitives import (
    NUMPY_CONSTANTS,
    NUMPY_FUNCTIONS,
    NUMPY_PRIMITIVES,
    OTHER_FUNCTIONS,
    Primitive,
    full_name,
)
from autodiff.core.switches import is_traced
from autodiff.core.tape import INPUT, NO_KEYWORDS, Leaf, Node, item_node, next_number
from autodiff.errors import DtypeError, GradientError, MutationError, ShapeError, UnsupportedError, UntrackedError
from autodiff.names import refuse_for_tensors
from autodiff.ops import (
    complex_parts,
    indexing,
    products,
)
from autodiff.ops import elementwise as ew
from autodiff.ops.choices import relu
from autodiff.ops.shapes import is_sparse
from autodiff.ops.ufunc_methods import through_method
from autodiff.scipy_special.loading import entered
from autodiff.typing import Array, ArrayLike, DTypeLike, Shape

_new = object.__new__
_maximum = np.maximum
_NUMBERS = (float, int)
_ndarray = np.ndarray


def _apply(primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run a primitive with Tensors among its operands, and record it if one is tracked."""
    run = primitive.fn if not switches.active else _runner(primitive)
    if len(args) == 1 and not kwargs:
        x = args[0]._data
        try:
            y = run(x)
        except (ValueError, TypeError) as error:
            raise explain(primitive, (x,), error) from error
        if type(y) is not tuple:
            try:
                kind = y.dtype.kind
            except AttributeError:
                raise no_array(primitive, y) from None
            if (type(y) is _ndarray and not y.ndim) or switches.active:
                y = number(y)
            follows = kind in "fc" and (primitive.pulls is None or primitive.pulls[0] is not None)
            if switches.active and not follows:
                _tell(primitive, args)
            return _unary(primitive, x, args[0]._node if follows else None, y)
    arrays: list[Any] = []
    nodes: list[Node | None] = []
    tracked = False
    rules = primitive.pulls
    for a in args:
        if isinstance(a, Tensor):
            node = a._node
            arrays.append(a._data)
            if node is not None and (rules is None or (len(nodes) < len(rules) and rules[len(nodes)] is not None)):
                tracked = True
                nodes.append(node)
            else:
                nodes.append(None)
            continue
        if not isinstance(a, (_ndarray, float, int, complex, np.generic)) and not is_traced(a):
            foreign = getattr(type(a), "__autodiff_apply__", None)
            if foreign is not None:  # a wrapper around Tensors, which unwraps itself
                return foreign(primitive, args, kwargs)
            a = as_array(a)
        if isinstance(a, _ndarray) and a.dtype.kind not in "fciub":
            raise explain(primitive, (a,), TypeError())
        a = a if type(a) is _ndarray or not isinstance(a, _ndarray) else plain(a)
        arrays.append(a if not switches.active else met(a))
        nodes.append(None)
    try:
        y = run(*arrays, **kwargs)
    except (ValueError, TypeError) as error:
        raise explain(primitive, arrays, error) from error
    if not tracked or (switches.active and not switches.is_recording()):
        several = y if type(y) is tuple else (y,)
        if not all(hasattr(v, "dtype") for v in several):
            raise no_array(primitive, y)
        return tuple(_untracked(number(v)) for v in y) if type(y) is tuple else _untracked(number(y))
    if type(y) is tuple:
        y = tuple(map(number, y))
    elif (type(y) is _ndarray and not y.ndim) or switches.active:
        y = number(y)
    node = Node(next_number(), primitive, tuple(arrays), tuple(nodes), kwargs or NO_KEYWORDS, y)
    if switches.active:
        switches.tell_recorded(node)
    try:
        if type(y) is tuple:
            return tuple(_tracked(v, item_node(node, i)) for i, v in enumerate(y))
        return _tracked(y, node)
    except AttributeError:
        raise no_array(primitive, y) from None


def number(y: Any) -> Any:
    """The NumPy scalar in a 0-d array, as NumPy's own functions return it; other values as they are."""
    if type(y) is _ndarray or getattr(y, "is_traced_array", False):
        return y if y.ndim else y[()]
    return y


def _runner(primitive: Primitive) -> Callable[..., Any]:
    """The function of a primitive; while a function is traced, the tracer's way of running it."""
    tracer = switches.tracer()
    return primitive.fn if tracer is None else lambda *xs, **keywords: tracer.run(primitive, xs, keywords)


def _special(primitive: Primitive, operands: tuple[Any, ...], parents: tuple[Node | None, ...], y: Any) -> Tensor:
    """The result of an operator while a switch is not at its default: recording is off, or a watcher is told."""
    if parents.count(None) == len(parents) or not switches.is_recording():
        return _untracked(y)
    node = Node(next_number(), primitive, operands, parents, NO_KEYWORDS, y)
    switches.tell_recorded(node)
    return lift(y, node)


def _untracked(data: Any) -> Tensor:
    t: Tensor = _new(Tensor)
    t._data = data
    t._node = None
    return t


def _tracked(data: Any, node: Node) -> Tensor:
    """A Tensor at a node; an integer or Boolean result has no derivative and gets no node."""
    t: Tensor = _new(Tensor)
    t._data = data
    t._node = node if data.dtype.kind in "fc" else None
    return t


def _binary(primitive: Primitive, a: Any, b: Any, na: Node | None, nb: Node | None, y: Any) -> Tensor:
    """The result of a two-operand operator, recorded if an operand is tracked."""
    if switches.active:
        return _special(primitive, (a, b), (na, nb), y)
    t: Tensor = _new(Tensor)
    t._data = y
    if na is None and nb is None:
        t._node = None
    else:
        node = t._node = _new(Node)
        node.number = next_number()
        node.primitive = primitive
        node.operands = (a, b)
        node.parents = (na, nb)
        node.keywords = NO_KEYWORDS
        node.output = y
    return t


def _unary(primitive: Primitive, x: Any, parent: Node | None, y: Any) -> Tensor:
    """The result of a one-operand operation, recorded if the operand is tracked."""
    if switches.active:
        return _special(primitive, (x,), (parent,), y)
    t: Tensor = _new(Tensor)
    t._data = y
    if parent is None:
        t._node = None
    else:
        node = t._node = _new(Node)
        node.number = next_number()
        node.primitive = primitive
        node.operands = (x,)
        node.parents = (parent,)
        node.keywords = NO_KEYWORDS
        node.output = y
    return t


def _compared(other: Any) -> Any:
    """The values of the other side of a comparison, through which no derivative goes."""
    if isinstance(other, Tensor):
        return other._data
    return other if type(other) in _KNOWN else operand(other)


def _operand(other: Any) -> Any:
    """The other operand of an operator, as an array or number; NotImplemented if its own class decides."""
    if isinstance(other, (list, tuple)):
        other = as_array(other)
    if isinstance(other, (np.generic, _ndarray)):
        if other.dtype.kind not in "fciub":
            raise explain("this operator", (other,), TypeError())
        other = other if type(other) is _ndarray or isinstance(other, np.generic) else plain(other)
        return other if not switches.active else met(other)
    if type(other) is Count:
        return int(other)
    if isinstance(other, (float, int, complex)) or is_traced(other):
        return other
    other = taken(other)
    return other if other is NotImplemented or not switches.active else met(other)


def plain(array: Any) -> Any:
    """A subclass of ndarray as a plain one, for which the rules are made. A masked array is refused."""
    masked = sys.modules.get("numpy.ma")  # not imported here: NumPy loads it, a megabyte of code, on first use
    if masked is not None and isinstance(array, masked.MaskedArray):
        raise DtypeError(
            "a masked array meets Tensors here, and its mask would be lost. Give its values, a.filled(0.0) or a.data, "
            "and select with np.where(~a.mask, ..., 0) or the where= of a reduction."
        )
    return np.asarray(array) if isinstance(array, _ndarray) else array


def met(array: Any) -> Any:
    """An array that is combined with Tensors; while a function is traced, the traced array that stands for it."""
    tracer = switches.tracer()
    return array if tracer is None or not isinstance(array, _ndarray) else tracer.adopt(array)


def _left_operand(other: Any, b: Any) -> Any:
    """The left operand of an operator on `b`; NotImplemented if its own class decides."""
    a = _operand(other)
    # Python's complex takes np.float64 for a float, and the result would not be a NumPy scalar.
    return np.complex128(a) if type(a) is complex and type(b) is np.float64 else a


def _augmented(operation: Callable[[Any, Any], Any], symbol: str) -> Callable[[Any, Any], Any]:
    """The operator of an augmented assignment such as ``w -= v``.

    It updates a leaf that the user made, as the step of an optimiser does, where nothing is recorded. Any other tensor
    stays as it is, and the name on the left gets the new one: what was recorded needs the old values.
    """

    def assign(self: Tensor, other: Any) -> Any:
        if not isinstance(self._node, Leaf) and not hasattr(self, "_resting"):
            return operation(self, other)
        if switches.is_recording():
            name = self.name or "w"
            raise MutationError(
                f"{name} {symbol} ... would write into a leaf while operations are recorded. To update it, write "
                f"`with ad.no_grad(): {name} {symbol} ...`; for a new tensor, {name} = {name} {symbol[:-1]} ..."
            )
        return self.assign_(operation(self, other))

    return assign


class Tensor(NumpyMethods["Tensor"]):
    """An array that remembers how it was made.

    Parameters
    ----------
    data : array_like
        The values; an ndarray is shared, not copied, and never written.
    requires_grad : bool, default False
        Track it: operations on it are recorded, and gradients accumulate in `grad`.
    name : str, optional
        Shown in graphs and messages.

    Attributes
    ----------
    data : ndarray, or NumPy scalar if there are no axes
        The plain values.
    grad : ndarray or None
        The sum of the gradients of all backward passes since it was last cleared. For a parameter that
        belongs to an optimiser it lies in the optimiser's buffer, which the next pass overwrites.
    requires_grad : bool
        Whether it is tracked: a leaf made with requires_grad=True, or a result that depends on one.

    Raises
    ------
    DtypeError
        If the values are not numbers, or are integers that should be tracked.
    GradientError
        If an untracked Tensor is given a name.

    See Also
    --------
    tensor : the same, from a copy of the values.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> x = ad.tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> (x * np.sin(x)).sum().backward()
    >>> x.grad
    array([1.38177329, 0.07700375])
    """

    __slots__ = ("__weakref__", "_data", "_node", "_resting")

    _data: Any
    _node: Node | None
    _resting: Leaf
    """The leaf of a tensor whose tracking is switched off for now; unset otherwise."""

    def __init__(self, data: Any, requires_grad: bool = False, name: str | None = None) -> None:
        if isinstance(data, Tensor):
            if data._node is not None and not requires_grad:
                raise data._leaves_graph("a new Tensor", "Write x.detach() on purpose; ad.tensor(x) is a tracked copy.")
            data = data._data
        traced = is_traced(data)
        if not traced and not isinstance(data, np.generic):
            data = as_array(plain(data))
            if switches.active:
                data = met(data)
                traced = is_traced(data)
        if not is_numeric(data.dtype):
            raise DtypeError(
                f"a Tensor holds numbers of NumPy's own dtypes; this array has dtype {data.dtype}. Convert it first, "
                "for example with .astype(float)."
            )
        if not data.ndim and (data.is_traced_array if traced else not isinstance(data, np.generic)):
            data = data[()]
        self._data = data
        self._node = None
        if requires_grad:
            if data.dtype.kind not in "fc":
                who = f" {name!r}" if name else ""
                raise DtypeError(
                    f"requires_grad=True needs real or complex numbers; the tensor{who} has dtype {data.dtype}, an "
                    "integer type. Write 1.0 for 1, or convert it with .astype(float)."
                )
            self._node = Leaf(name)
        elif name is not None:
            raise GradientError(f"only a tracked tensor has a name; give requires_grad=True with name={name!r}.")

    # --- attributes -------------------------------------------------------------------------------

    @property
    def data(self) -> Array:
        """The plain values: an ndarray, or a NumPy scalar if there are no axes."""
        return self._data if not switches.active or not is_traced(self._data) else self._data.data

    @data.setter
    def data(self, value: ArrayLike) -> None:
        self.assign_(value)

    @property
    def requires_grad(self) -> bool:
        """Whether it is tracked. Setting it is `requires_grad_`."""
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, on: bool) -> None:
        self.requires_grad_(on)

    @property
    def is_leaf(self) -> bool:
        """Whether it was created, not computed, or is not tracked at all."""
        return self._node is None or self._node.primitive is INPUT

    @property
    def name(self) -> str | None:
        """The name given by the user, or None."""
        return getattr(self._node, "name", None)

    @name.setter
    def name(self, value: str) -> None:
        if self._node is None:
            raise GradientError(f"only a tracked tensor has a name; this one is not tracked and cannot be {value!r}.")
        self._node.name = value

    @property
    def grad(self) -> Array | None:
        """The sum of the gradients so far, an ndarray; None before the first backward pass."""
        node = self._node
        if isinstance(node, Leaf):
            if switches.active and (tracer := switches.tracer()) is not None:
                return tracer.gradient_of(node)
            return node.grad
        if node is not None and node.primitive is not INPUT:
            warnings.warn(
                "only leaves keep .grad; this tensor is a result. Use ad.gradients(y, [this]) for its gradient.",
                UserWarning,
                stacklevel=2,
            )
        return None

    @grad.setter
    def grad(self, value: ArrayLike | None) -> None:
        node = self._node
        if not isinstance(node, Leaf):
            raise GradientError("only a leaf (a tensor made with requires_grad=True) has a .grad to set.")
        new: Any = value._data if isinstance(value, Tensor) else value
        if new is not None and not is_traced(new):
            new = np.asarray(new, self.dtype)
        if new is not None and new.shape != self.shape:
            raise GradientError(f".grad must have the shape of its tensor, {self.shape}; {new.shape} was given.")
        tracer = switches.tracer()
        if tracer is not None:
            tracer.given(node, new, self.dtype)
            return
        node.grad = None
        if new is not None:
            node.grad = new
            if node.home is not None:
                node.home[...] = new
                node.grad = node.home

    def zero_grad(self) -> None:
        """Clear the gradients: `grad` becomes None."""
        if isinstance(self._node, Leaf):
            self._node.grad = None

    @property
    def shape(self) -> Shape:
        """Lengths of the axes."""
        return self._data.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self._data.ndim

    @property
    def size(self) -> int:
        """Number of entries."""
        return counts[self._data.size]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the entries."""
        return self._data.dtype

    @property
    def nbytes(self) -> int:
        """Bytes of the values."""
        return self._data.nbytes

    @property
    def itemsize(self) -> int:
        """Bytes of one entry."""
        return self._data.itemsize

    def __repr__(self) -> str:
        body = np.array2string(np.asarray(self._data), separator=", ", prefix="Tensor(", threshold=100)
        extra = f", name={self.name!r}" if self.name else ""
        extra += ", requires_grad=True" if self._node is not None else ""
        return f"Tensor({body}, dtype={self.dtype}{extra})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str]:
        """For notebooks: the ``repr``, and a table of the entries of a small vector or matrix."""
        from autodiff import display  # only notebooks need it

        return display.bundle(
            repr(self), display.array(self.data, f"{self.name or 'Tensor'} {self.shape} {self.dtype}")
        )

    __hash__ = object.__hash__

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickle contains everything the tensor was computed from. A leaf loses its place in an optimiser."""
        node = self._node
        resting = None if node is not None else getattr(self, "_resting", None)
        stretch = None if node is None or node.primitive is INPUT else copying.stretch_to(node)
        return _rebuilt, (self.__class__, copying.ORDER, self._data, stretch, node, resting)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        """Copy a leaf as a new leaf. The copy of a result depends on copies of its leaves, if they are copied too."""
        t = _made(self.__class__, copying.copied(self._data, memo), None)
        if self._node is not None:
            copying.deep_copy_at(t, self._node, memo)
        elif hasattr(self, "_resting"):
            t._resting = copying.deep_copy_of_leaf(self._resting, memo)
        return t

    def __copy__(self) -> Tensor:
        """Copy a leaf as a new leaf, but a result or a transform's argument as another Tensor at the same node."""
        own = self._node is None or isinstance(self._node, Leaf)
        return copy.deepcopy(self) if own else _made(self.__class__, self._data, self._node)

    # --- derivatives ------------------------------------------------------------------------------

    def backward(self, ct: ArrayLike | None = None, **unknown: Never) -> None:
        """Add the gradient of this tensor to the `grad` of every leaf it depends on.

        Parameters
        ----------
        ct : array_like, optional
            The cotangent, in the shape of this tensor. By default it is 1, and the tensor must have
            one element.

        Raises
        ------
        GradientError
            If it is not tracked, or has several elements and no cotangent is given.
        StaleError
            If a value that is needed has since been changed by `assign_`.

        Examples
        --------
        >>> import autodiff as ad
        >>> w = ad.tensor(3.0, requires_grad=True)
        >>> (w * w).backward()
        >>> w.grad
        array(6.)
        """
        if unknown:
            refuse_for_tensors("Tensor.backward", "y.backward({})", Tensor.backward, unknown)
        node = self._node
        if node is None:
            raise GradientError(
                "backward: this tensor is not tracked: nothing it was computed from has requires_grad=True "
                "(or it was made under no_grad, or by a function without a gradient, such as floor or argmax)."
            )
        cts = {node: seed(self, ct, "backward")}
        found = walks.walk_to_leaves(node)
        if found.is_quiet:
            with np.errstate(all="ignore"):  # an infinite slope is an answer here, not an error; see the conventions
                cts = sweeps.pull_back_to_leaves(found, cts)
        elif switches.active:
            cts = sweeps.pull_back_to_leaves(found, cts)
        else:
            sweeps.pull_back_arrays(found.nodes, cts)
        for leaf in found.leaves:
            if isinstance(leaf, Leaf):
                ct = cts.get(leaf)
                sweeps.receive(leaf, sweeps.zeros_for(leaf, found.nodes) if ct is None else ct)

    def detach(self) -> Tensor:
        """The same values, not tracked. Shares the array."""
        return _untracked(self._data)

    def requires_grad_(self, on: bool = True) -> Self:
        """Start or stop tracking a leaf, in place; returns it."""
        if not self.is_leaf:
            raise GradientError(
                "requires_grad_ is for leaves; this tensor is a result. Use .detach() for an untracked one."
            )
        if on and self._node is None:
            if self.dtype.kind not in "fc":
                raise DtypeError(f"only real or complex numbers can be tracked; this tensor has dtype {self.dtype}.")
            self._node = getattr(self, "_resting", None) or Leaf()
        elif not on:
            if isinstance(self._node, Leaf):  # the leaf keeps its name and its place in an optimiser's buffer
                self._resting = self._node
                self._node.grad = None
            self._node = None
        switches.structure[0] += 1  # compiled programs then check whether the change concerns them
        return self

    def assign_(self, value: ArrayLike) -> Self:
        """Change the values of a leaf; returns it.

        Parameters
        ----------
        value : array_like
            The new values, in the shape of this tensor; cast to its dtype.

        Raises
        ------
        ShapeError, DtypeError
            If the value does not fit.
        MutationError
            If this tensor is the result of an operation.

        Notes
        -----
        A graph that was recorded before is out of date: a backward pass that needs the old value
        raises `StaleError`.
        """
        node = self._node
        if node is not None and node.primitive is not INPUT:
            raise MutationError(
                "assign_ changes a leaf; this tensor is a result. Use x.at[...].set(v) for a changed copy."
            )
        given: Any = value._data if isinstance(value, Tensor) else value
        new = given if is_traced(given) else met(np.asarray(given))
        if new.shape != self.shape:
            who = f" to {self.name!r}" if self.name else ""
            raise ShapeError(f"assign_{who}: the value has shape {new.shape}; the tensor has shape {self.shape}.")
        if not np.can_cast(new.dtype, self.dtype, "same_kind"):
            raise DtypeError(f"assign_: a value of dtype {new.dtype} does not fit a tensor of dtype {self.dtype}.")
        leaf = node if node is not None else getattr(self, "_resting", None)
        if switches.active and (is_traced(new) or is_traced(self._data)):
            switches.tracer().assigned(self, new)
        elif isinstance(leaf, Leaf) and leaf.home is not None:
            self._data[...] = new
        else:
            fresh = np.empty_like(self._data)  # same memory layout as before, because sums add in memory order
            fresh[...] = new
            self._data = fresh[()]
        if isinstance(leaf, Leaf):
            leaf.stamp = next_number()
        return self

    # --- leaving the graph ------------------------------------------------------------------------

    def item(self, *index: Any) -> Any:
        """The only element (or the one at `index`) as a Python number."""
        return self._data.item(*index)

    def numpy(self) -> Array:
        """The values as an ndarray, as ``np.asarray``: of an untracked tensor."""
        return np.asarray(self)

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers."""
        return self._data.tolist()

    def _leaves_graph(self, what: str, instead: str) -> UntrackedError:
        who = f"the tracked tensor {self.name!r}" if self.name else "a tracked tensor"
        return UntrackedError(f"{what} of {who} would drop its gradient silently. {instead}")

    # The dtype is declared unknown on purpose. If it were declared numeric, a type checker would infer from NumPy's
    # stubs that `array @ tensor` is an array; now it takes the answer of the Tensor. The price: for the checker,
    # np.mean, np.einsum and np.linalg, which ask for numbers, do not accept a Tensor.
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, np.dtype[np.generic]]:
        if self._node is not None:
            raise self._leaves_graph("a plain NumPy array", instead_of_array(sys._getframe(1)))
        return np.array(self._data, dtype=dtype, copy=copy) if copy is not None else np.asarray(self._data, dtype=dtype)

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        """The namespace of the array API standard, for code that works with any array library.

        Parameters
        ----------
        api_version : str, optional
            The version of the standard for which the caller was written.

        Returns
        -------
        namespace
            Functions of Tensors, under the standard's names.

        Examples
        --------
        >>> import autodiff as ad
        >>> def mean_square(x):
        ...     xp = x.__array_namespace__()
        ...     return xp.mean(xp.square(x))
        >>> ad.grad(mean_square)(ad.tensor([1.0, 2.0]))
        Tensor([1., 2.], dtype=float64)
        """
        from autodiff.arrays import array_api

        array_api.check_version(api_version)
        return array_api.namespace(Tensor, tensor)

    def __dlpack__(self, **keywords: Any) -> Any:
        if self._node is not None:
            raise self._leaves_graph("from_dlpack()", "Hand over x.detach() on purpose.")
        data = np.asarray(self._data)
        # Backwards in memory: JAX refuses it, torch ends the process. Older versions of DLPack cannot say read-only.
        if min(data.strides, default=0) < 0 or not (data.flags.writeable or keywords.get("max_version")):
            if keywords.get("copy") is False:
                raise BufferError("this tensor's memory is read-only or runs backwards; hand over x.copy().")
            data = data.copy()
        return data.__dlpack__(**keywords)

    def __dlpack_device__(self) -> Any:
        return np.asarray(self._data).__dlpack_device__()

    def __float__(self) -> float:
        if self._node is not None:
            raise self._leaves_graph(
                "float()",
                "Write x.item() for the number; for a function that keeps the gradient use np.sin, not math.sin; in "
                "place of out[i] = x collect the values in a list and write np.stack(values).",
            )
        return float(self._data)

    def __int__(self) -> int:
        if self._node is not None:
            raise self._leaves_graph("int()", "Write int(x.item()) for the number.")
        return int(self._data)

    def __complex__(self) -> complex:
        if self._node is not None:
            raise self._leaves_graph("complex()", "Write x.item() for the number; np functions keep the gradient.")
        return complex(self._data)

    def __index__(self) -> int:
        if self._node is not None:
            raise self._leaves_graph("an index", "Write int(x.item()) for the number.")
        return self._data.__index__()

    def __bool__(self) -> bool:
        return bool(self._data)

    def __format__(self, spec: str) -> str:
        if not spec:
            return str(self)
        if self.ndim:
            raise TypeError(
                f"the format {spec!r} is for one number; this tensor has shape {self.shape}. Pick one with .item(i), "
                "or print np.round(x.data, 3)."
            )
        return format(self._data, spec)

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise TypeError("iteration over a Tensor without axes; write x.reshape(1) to give it one.")
        return (self[i] for i in range(len(self)))

    def __contains__(self, value: Any) -> bool:
        return bool((self._data == (value._data if isinstance(value, Tensor) else value)).any())

    def __setitem__(self, index: Any, value: Any) -> None:
        raise MutationError(written_in_place(sys._getframe(1)))

    @property
    def at(self) -> At[Tensor]:
        """Functional updates: ``x.at[i].set(v)`` and ``x.at[i].add(v)`` return a changed copy."""
        return At(self)

    # --- operators --------------------------------------------------------------------------------
    # Each is written out, in `+`, `-` and `*` with the creation of the node, because one function call takes a
    # tenth of the time of an operation on small arrays.

    def __add__(self, other: Any) -> Tensor:
        a = self._data
        if isinstance(other, Tensor):
            b, nb = other._data, other._node
        else:
            b, nb = other if type(other) is float or type(other) is int else _operand(other), None
            if b is NotImplemented:
                return NotImplemented
        try:
            y = a + b
        except ValueError as error:
            raise explain("add", (a, b), error) from error
        na = self._node
        if switches.active:
            return _special(ew.add, (a, b), (na, nb), y)
        t: Tensor = _new(Tensor)
        t._data = y
        if na is None and nb is None:
            t._node = None
        else:
            node = t._node = _new(Node)
            node.number = next_number()
            node.primitive = ew.add
            node.operands = (a, b)
            node.parents = (na, nb)
            node.keywords = NO_KEYWORDS
            node.output = y
        return t

    def __radd__(self, other: Any) -> Tensor:
        a, b = other, self._data
        if type(a) is not float and type(a) is not int:
            a = _left_operand(a, b)
            if a is NotImplemented:
                return NotImplemented
        try:
            return _binary(ew.add, a, b, None, self._node, a + b)
        except ValueError as error:
            raise explain("add", (a, b), error) from error

    def __sub__(self, other: Any) -> Tensor:
        a = self._data
        if isinstance(other, Tensor):
            b, nb = other._data, other._node
        else:
            b, nb = other if type(other) is float or type(other) is int else _operand(other), None
            if b is NotImplemented:
                return NotImplemented
        try:
            y = a - b
        except ValueError as error:
            raise explain("subtract", (a, b), error) from error
        na = self._node
        if switches.active:
            return _special(ew.subtract, (a, b), (na, nb), y)
        t: Tensor = _new(Tensor)
        t._data = y
        if na is None and nb is None:
            t._node = None
        else:
            node = t._node = _new(Node)
            node.number = next_number()
            node.primitive = ew.subtract
            node.operands = (a, b)
            node.parents = (na, nb)
            node.keywords = NO_KEYWORDS
            node.output = y
        return t

    def __rsub__(self, other: Any) -> Tensor:
        a, b = other, self._data
        if type(a) is not float and type(a) is not int:
            a = _left_operand(a, b)
            if a is NotImplemented:
                return NotImplemented
        try:
            return _binary(ew.subtract, a, b, None, self._node, a - b)
        except ValueError as error:
            raise explain("subtract", (a, b), error) from error

    def __mul__(self, other: Any) -> Tensor:
        a = self._data
        if isinstance(other, Tensor):
            b, nb = other._data, other._node
        else:
            b, nb = other if type(other) is float or type(other) is int else _operand(other), None
            if b is NotImplemented:
                return NotImplemented
        try:
            y = a * b
        except ValueError as error:
            raise explain("multiply", (a, b), error) from error
        na = self._node
        if switches.active:
            return _special(ew.multiply, (a, b), (na, nb), y)
        t: Tensor = _new(Tensor)
        t._data = y
        if na is None and nb is None:
            t._node = None
        else:
            node = t._node = _new(Node)
            node.number = next_number()
            node.primitive = ew.multiply
            node.operands = (a, b)
            node.parents = (na, nb)
            node.keywords = NO_KEYWORDS
            node.output = y
        return t

    def __rmul__(self, other: Any) -> Tensor:
        a, b = other, self._data
        if type(a) is not float and type(a) is not int:
            a = _left_operand(a, b)
            if a is NotImplemented:
                return NotImplemented
        try:
            return _binary(ew.multiply, a, b, None, self._node, a * b)
        except ValueError as error:
            raise explain("multiply", (a, b), error) from error

    def __matmul__(self, other: Any) -> Tensor:
        a = self._data
        if isinstance(other, Tensor):
            b, nb = other._data, other._node
        else:
            if type(other) not in _KNOWN and is_sparse(other):
                return times_sparse(self, other)
            b, nb = other if type(other) is float or type(other) is int else _operand(other), None
            if b is NotImplemented:
                return NotImplemented
        try:
            return _binary(products.matmul, a, b, self._node, nb, a @ b)
        except ValueError as error:
            raise explain("matmul", (a, b), error) from error

    def __rmatmul__(self, other: Any) -> Tensor:
        a, b = _operand(other), self._data
        if a is NotImplemented:
            return NotImplemented
        try:
            return _binary(products.matmul, a, b, None, self._node, a @ b)
        except ValueError as error:
            raise explain("matmul", (a, b), error) from error

    def __truediv__(self, other: Any) -> Tensor:
        a = self._data
        primitive = ew.divide
        if isinstance(other, Tensor):
            b, nb = other._data, other._node
        else:
            b, nb = other if type(other) is float or type(other) is int else _operand(other), None
            if b is NotImplemented:
                return NotImplemented
            if type(b) is float or type(b) is int:
                primitive = ew.divide_by_number
        try:
            return _binary(primitive, a, b, self._node, nb, a / b)
        except ValueError as error:
            raise explain("divide", (a, b), error) from error

    def __rtruediv__(self, other: Any) -> Tensor:
        a, b = other, self._data
        if type(a) is not float and type(a) is not int:
            a = _left_operand(a, b)
            if a is NotImplemented:
                return NotImplemented
        try:
            return _binary(ew.divide, a, b, None, self._node, a / b)
        except ValueError as error:
            raise explain("divide", (a, b), error) from error

    __iadd__ = _augmented(operator.add, "+=")
    __isub__ = _augmented(operator.sub, "-=")
    __imul__ = _augmented(operator.mul, "*=")
    __itruediv__ = _augmented(operator.truediv, "/=")
    __ipow__ = _augmented(operator.pow, "**=")
    __imatmul__ = _augmented(operator.matmul, "@=")
    __ifloordiv__ = _augmented(operator.floordiv, "//=")
    __imod__ = _augmented(operator.mod, "%=")

    def __neg__(self) -> Tensor:
        x = self._data
        return _unary(ew.negative, x, self._node, -x)

    def __pos__(self) -> Tensor:
        return _unary(ew.positive, self._data, self._node, +self._data)

    def __abs__(self) -> Tensor:
        return complex_parts.absolute(self)

    def __pow__(self, other: Any) -> Tensor:
        if type(other) is int:
            x = self._data
            if other == 2:
                return _unary(ew.square, x, self._node, x * x)
            if other > 2:
                return _binary(ew.integer_power, x, other, self._node, None, ew.whole_power(x, other))
        other = other if isinstance(other, Tensor) else _operand(other)
        return NotImplemented if other is NotImplemented else ew.power_of(self, other)

    def __rpow__(self, other: Any) -> Tensor:
        other = _operand(other)
        return NotImplemented if other is NotImplemented else ew.power_of(other, self)

    def __lt__(self, other: Any) -> Tensor:
        return _untracked(self._data < _compared(other))

    def __le__(self, other: Any) -> Tensor:
        return _untracked(self._data <= _compared(other))

    def __gt__(self, other: Any) -> Tensor:
        return _untracked(self._data > _compared(other))

    def __ge__(self, other: Any) -> Tensor:
        return _untracked(self._data >= _compared(other))

    def __eq__(self, other: Any) -> Tensor:  # type: ignore[override]  # entry by entry
        return _wrap_tree(self._data == _compared(other))

    def __ne__(self, other: Any) -> Tensor:  # type: ignore[override]  # likewise
        return _wrap_tree(self._data != _compared(other))

    def __round__(self, ndigits: int = 0) -> Tensor:
        return self.round(ndigits)

    def __getitem__(self, index: Any) -> Tensor:
        return indexing.getitem(self, index)

    # --- NumPy's protocols ------------------------------------------------------------------------

    __autodiff_apply__ = staticmethod(_apply)

    __pandas_priority__ = 5000  # above those of pandas' classes, which then leave operators to the Tensor

    __array_priority__ = 100.0  # dask asks which of two blocks has the higher one, and looks its functions up for that

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs:
            if ufunc is _maximum and inputs[0] is self and inputs[1].__class__ in _NUMBERS and not inputs[1]:
                x = self._data  # the ReLU of plain NumPy code, like the operators by the shortest path
                if x.dtype.kind in "fc" and not switches.active:  # of integers and 0.0 NumPy makes floats
                    return _unary(relu, x, self._node, relu.fn(x))
            if len(inputs) == 1:
                primitive = NUMPY_PRIMITIVES.get(ufunc)
                if primitive is not None and ufunc not in NUMPY_FUNCTIONS:
                    x = self._data
                    return _unary(primitive, x, self._node if x.dtype.kind in "fc" else None, ufunc(x))
            for x in inputs:
                if type(x) not in _KNOWN and decides(type(x)):
                    return NotImplemented
            function = NUMPY_FUNCTIONS.get(ufunc) or NUMPY_PRIMITIVES.get(ufunc)
            if function is not None:
                return function(*inputs)
        return _ufunc_call(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if any(hasattr(t, "__autodiff_priority__") for t in types):
            return NotImplemented
        function = NUMPY_FUNCTIONS.get(func)
        if function is None:
            function = NUMPY_PRIMITIVES.get(func)
        if function is not None:
            return _call_border(function, func, args, kwargs)
        if func in NUMPY_CONSTANTS:
            if switches.active:
                _tell(func, args, kwargs)
            return _wrap_tree(func(*_plain_tree(args), **_plain_tree(kwargs)))
        raise unsupported(func)


_KNOWN = {Tensor, _ndarray, float, int, np.float64, np.float32}
"""Types that are known not to wrap a Tensor: a quick test that settles almost all operands."""


def _plain_tree(value: Any) -> Any:
    """Arguments with every Tensor replaced by its array, inside lists and tuples too."""
    if isinstance(value, Tensor):
        return value._data
    if type(value) in (list, tuple):
        return type(value)(_plain_tree(v) for v in value)
    if type(value) is dict:
        return {k: _plain_tree(v) for k, v in value.items()}
    return value


def _wrap_tree(value: Any) -> Any:
    """Arrays as untracked Tensors, inside tuples and lists too; other values are returned as they are."""
    if isinstance(value, (_ndarray, np.generic)) or is_traced(value):
        return _untracked(value)
    if isinstance(value, (list, tuple)):
        # Arrays of objects stay: np.broadcast_arrays takes any, and Matplotlib gives it such.
        wrapped = [v if isinstance(v, _ndarray) and v.dtype.kind not in "fciub" else _wrap_tree(v) for v in value]
        return value._make(wrapped) if hasattr(value, "_make") else type(value)(wrapped)
    return value


def _call_border(function: Callable[..., Any], original: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call the replacement of a NumPy function; an argument it does not take is refused by name."""
    if switches.active:
        _tell(original, args, kwargs)
    out = kwargs.pop("out", None) if "out" in kwargs else None
    if out is not None:
        raise MutationError(
            f"np.{original.__name__}: out= would write in place; leave it out and use the returned array."
        )
    try:
        y = function(*args, **kwargs)
    except TypeError:
        signature = inspect.signature(function)  # slow, so only after a failure
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            raise UnsupportedError(
                f"np.{original.__name__} on a Tensor: {error}. Supported: {', '.join(signature.parameters)}."
            ) from None
        raise
    return y if type(y) is Tensor else _wrap_tree(y)  # untracked results, such as indices and counts, become Tensors


def _tell(function: Any, args: tuple[Any, ...], kwargs: Any = NO_KEYWORDS) -> None:
    """Tell the watchers about a call of a NumPy function that records no node of its own."""
    parents = tuple([a._node if isinstance(a, Tensor) else None for a in args])
    if parents.count(None) < len(parents) and switches.is_recording():
        switches.tell_met(function, _plain_tree(args), parents, _plain_tree(kwargs))


_PLAIN = (str, bool, type(None))
_NO_CHANGE = {
    "casting": ("same_kind", "unsafe"),
    "order": ("K",),
    "subok": (True, False),
    "where": (True,),
    "dtype": (None,),
}
"""For keywords of ufuncs the values with which they change nothing. A dtype may be that of the result, too."""


def _is_own(dtype: Any, ufunc: np.ufunc, inputs: tuple[Any, ...]) -> bool:
    """Whether a ufunc gives this dtype of these operands anyway: numbers with a fraction stay what they are."""
    found = np.result_type(*_plain_tree(inputs))
    return ufunc.nout == 1 and found.kind in "fc" and np.dtype(dtype) == found


def _ufunc_call(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A ufunc with keywords, through one of its methods, or without a derivative."""
    is_other = entered(ufunc)
    if is_other and method == "__call__" and not kwargs and ufunc in OTHER_FUNCTIONS:
        return OTHER_FUNCTIONS[ufunc](*inputs)
    if kwargs.get("out") is not None:
        raise MutationError(
            f"{full_name(ufunc)}: out= (or an in-place operator on an array, a += tensor) would write a result into "
            "an array and lose its gradient. Write a = a + tensor, or omit out=."
        )
    kwargs = {k: v for k, v in kwargs.items() if k != "out"}
    if (ufunc in NUMPY_CONSTANTS or (is_other and ufunc not in OTHER_FUNCTIONS)) and method != "at":
        if switches.active and method == "__call__":
            _tell(ufunc, inputs)
        return _wrap_tree(getattr(ufunc, method)(*_plain_tree(inputs), **_plain_tree(kwargs)))
    if method != "__call__":
        return through_method(ufunc, method, inputs, kwargs)
    if "axis" in kwargs and ufunc in NUMPY_FUNCTIONS:
        return _call_border(NUMPY_FUNCTIONS[ufunc], ufunc, inputs, kwargs)
    if is_other or ufunc in NUMPY_PRIMITIVES or ufunc in NUMPY_FUNCTIONS:
        kwargs = {k: v for k, v in kwargs.items() if not (isinstance(v, _PLAIN) and v in _NO_CHANGE.get(k, ()))}
        if not kwargs or (kwargs.keys() == {"dtype"} and _is_own(kwargs["dtype"], ufunc, inputs)):
            return ufunc(*inputs)
        raise UnsupportedError(
            f"{full_name(ufunc)} on a Tensor does not take {', '.join(kwargs)}=; use .astype for a dtype and "
            "np.where for a selection."
        )
    raise unsupported(ufunc)


def seed(y: Tensor, ct: Any, who: str) -> Any:
    """The cotangent with which a backward pass starts at `y`, as a linear functional (conjugated if complex)."""
    data = y._data
    if ct is None:
        if data.size != 1:
            raise GradientError(
                f"{who} starts from one number; this tensor has shape {data.shape}. Reduce it with .mean() or .sum(), "
                f"or give the cotangent: {who}(ct)."
            )
        if data.dtype.kind == "c":
            raise GradientError(
                f"{who} starts from a real number; this tensor is complex. Take its .real, or give a cotangent."
            )
        return type(data)(1) if isinstance(data, np.generic) else np.ones_like(data)
    array = ct._data if isinstance(ct, Tensor) else ct
    if not switches.active:
        array = np.asarray(array)
    elif not is_traced(array):
        array = met(np.asarray(array))
    if array.shape != data.shape:
        raise GradientError(f"{who}: the cotangent has shape {array.shape}; the tensor has shape {data.shape}.")
    array = array.astype(data.dtype)[()] if array.dtype != data.dtype else array[()]
    return array.conj() if array.dtype.kind == "c" else array


def tensor(
    data: ArrayLike,
    requires_grad: bool = False,
    name: str | None = None,
    dtype: DTypeLike | None = None,
    **unknown: Never,
) -> Tensor:
    """Make a Tensor from a copy of the values.

    Parameters
    ----------
    data : array_like
        Numbers, nested lists of numbers, an array, a Tensor, or nested lists of Tensors. Tracked Tensors
        stay tracked.
    requires_grad : bool, default False
        Track the result. From a leaf, whose values are copied, this makes a new leaf.
    name : str, optional
        Shown in graphs and messages.
    dtype : dtype, optional
        Type of the entries; by default NumPy chooses.

    Returns
    -------
    Tensor

    Raises
    ------
    DtypeError
        If the values are not numbers, or are integers that should be tracked.
    UntrackedError
        If a new leaf is to be made from a result, whose gradient would be lost.

    Examples
    --------
    >>> import autodiff as ad
    >>> ad.tensor([1.0, 2.0], requires_grad=True, name="x")
    Tensor([1., 2.], dtype=float64, name='x', requires_grad=True)
    """
    if unknown:
        refuse_for_tensors("tensor", "ad.tensor(data, {})", tensor, unknown)
    if type(data) is float and dtype is None and requires_grad:  # the numbers of a hand-worked example
        return lift(np.float64(data), Leaf(name))
    if isinstance(data, Tensor) and data._node is not None and not (requires_grad and isinstance(data._node, Leaf)):
        if requires_grad:
            raise data._leaves_graph(
                "a new leaf",
                "Write ad.tensor(x.detach(), requires_grad=True) on purpose; ad.tensor(x) is a copy and stays tracked.",
            )
        twin = data.copy() if dtype is None else data.astype(dtype)
        if name is not None:
            twin.name = name
        return twin
    if isinstance(data, (list, tuple)) and _has_tensor(data):
        joined = _stack(data)
        if dtype is not None:
            joined = joined.astype(dtype)
        return Tensor(joined, requires_grad, name) if requires_grad and not joined.requires_grad else joined
    if is_traced(data) or (isinstance(data, Tensor) and is_traced(data._data)):
        twin = Tensor(data._data if isinstance(data, Tensor) else data).copy()
        return Tensor(twin if dtype is None else twin.astype(dtype), requires_grad, name)
    try:
        values = np.array(data._data if isinstance(data, Tensor) else plain(operand(data)), dtype=dtype)
    except ValueError as error:
        raise no_rows(data, error) from None
    return Tensor(values, requires_grad, name)


def _has_tensor(data: Any) -> bool:
    return isinstance(data, Tensor) or (isinstance(data, (list, tuple)) and any(_has_tensor(v) for v in data))


def _stack(data: Any) -> Tensor:
    if isinstance(data, (list, tuple)):
        joined: Any = np.stack([_stack(v) for v in data])
        return joined
    return data if isinstance(data, Tensor) else _untracked(np.asarray(data))


def _made(kind: type[Tensor], data: Any, node: Node | None) -> Tensor:
    t: Tensor = _new(kind)
    t._data = data
    t._node = node
    return t


def _rebuilt(
    kind: type[Tensor], order: copying.Order, data: Any, stretch: Any, node: Node | None, resting: Leaf | None
) -> Tensor:
    """The inverse of ``Tensor.__reduce__``. The stretch is unused: pickle has rebuilt it before the node needs it."""
    order.settle()
    t = _made(kind, data, copying.adopted(node))
    if resting is not None:
        t._resting = copying.adopted(resting)
    return t


def lift(array: Any, node: Node | None) -> Tensor:
    """A Tensor at a node, the operand of a sweep that records itself. Without a node it is untracked."""
    t: Tensor = _new(Tensor)
    t._data = array
    t._node = node
    return t
