"""The parts of a program: values, and operations that read values and make others."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

Kind = Literal["argument", "state", "gradient", "constant", "made", "result"]


@dataclass(eq=False, slots=True)
class Value:
    """An array of the program.

    Attributes
    ----------
    kind : str
        An `argument`; the values of a Tensor (`state`) or its `gradient`, as they are when the program starts; an array
        from outside, which others may write to (`constant`); an array that was made while tracing (`made`); the output
        of an operation (`result`).
    shape, dtype
        Fixed: another shape or dtype needs another trace.
    payload : object
        For an argument its number, for a state its Tensor, for a gradient its leaf, for a constant the array.
    name : str
        Its name in the source; if empty, the writer chooses one.
    strides : tuple of int
        The strides of the eager array; C-contiguous if not given. They decide in which order a sum adds and whether a
        reshape copies, so a program must keep them to give the same bits.
    number : bool
        Whether it is a NumPy scalar, not a 0-d array.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> f = ad.compile(lambda x: np.exp(-x))
    >>> _ = f(np.zeros(2))
    >>> (value,) = f.program.arguments
    >>> value.kind, value.shape
    ('argument', (2,))
    """

    kind: Kind
    shape: tuple[int, ...]
    dtype: Any
    payload: Any = None
    name: str = ""
    strides: tuple[int, ...] | None = None
    number: bool = False

    def __post_init__(self) -> None:
        if self.strides is None:
            self.strides = row_strides(self.shape, np.dtype(self.dtype).itemsize)

    @property
    def size(self) -> int:
        """Number of entries."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the entries."""
        return self.size * int(np.dtype(self.dtype).itemsize)

    @property
    def steps(self) -> tuple[int, ...]:
        """The strides, counted in entries: equal for equal layouts of different dtypes."""
        assert self.strides is not None
        return tuple(s // np.dtype(self.dtype).itemsize for s in self.strides)

    @property
    def order(self) -> tuple[int, ...] | None:
        """The axes from the largest stride to the smallest, if the entries fill their memory without gap or overlap."""
        steps, expected = self.steps, 1
        order = sorted((a for a, n in enumerate(self.shape) if n != 1), key=lambda a: -steps[a])
        for a in reversed(order):
            if steps[a] != expected:
                return None
            expected *= self.shape[a]
        return (*(a for a, n in enumerate(self.shape) if n == 1), *order)


def row_strides(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """The strides of a C-contiguous array, as NumPy gives them."""
    strides = [itemsize]
    for n in shape[:0:-1]:
        strides.append(strides[-1] * max(n, 1))
    return tuple(strides[::-1]) if shape else ()


Form = Literal[
    "ufunc",
    "operator",
    "reduce",
    "function",
    "method",
    "attribute",
    "index",
    "opaque",
    "live",
    "check",
    "store",
    "assign",
    "effect",
    "blocks",
    "repeat",
]
"""How an operation is written: ``add(a, b)``; ``a ** b``, where Python's operator and the ufunc differ in the last bit;
``add.reduce(a, ...)``, ``where(c, a, b)``, ``a.reshape(...)``, ``a.T``, ``a[i]``; a function that is called as a whole
(`opaque`); one that must run at every call, even with equal arguments (`live`); a check of values that may raise;
three side effects: a gradient is stored, a Tensor is assigned to, any other `effect`; a loop over blocks of large
arrays; a stretch of operations that is repeated (`repeat`)."""

EFFECTS = frozenset(("store", "assign", "effect", "live", "check"))
LIVE = frozenset(("state", "gradient", "constant"))
"""Kinds of values whose memory an effect may change."""
OPERATORS: dict[Any, tuple[str, Callable[..., Any]]] = {
    np.add: ("{} + {}", operator.add), np.subtract: ("{} - {}", operator.sub), np.multiply: ("{} * {}", operator.mul),
    np.divide: ("{} / {}", operator.truediv), np.floor_divide: ("{} // {}", operator.floordiv),
    np.remainder: ("{} % {}", operator.mod), np.power: ("{} ** {}", operator.pow),
    np.left_shift: ("{} << {}", operator.lshift), np.right_shift: ("{} >> {}", operator.rshift),
    np.bitwise_and: ("{} & {}", operator.and_), np.bitwise_or: ("{} | {}", operator.or_),
    np.bitwise_xor: ("{} ^ {}", operator.xor), np.less: ("{} < {}", operator.lt),
    np.less_equal: ("{} <= {}", operator.le), np.greater: ("{} > {}", operator.gt),
    np.greater_equal: ("{} >= {}", operator.ge), np.equal: ("{} == {}", operator.eq),
    np.not_equal: ("{} != {}", operator.ne), np.negative: ("-{}", operator.neg), np.positive: ("+{}", operator.pos),
    np.absolute: ("abs({})", operator.abs), np.invert: ("~{}", operator.invert),
}  # fmt: skip
"""For each ufunc the Python expression with an operator, and the function that the operator calls."""

ROUNDED = frozenset((
    np.add, np.subtract, np.multiply, np.divide, np.negative, np.positive, np.absolute, np.less, np.less_equal,
    np.greater, np.greater_equal, np.equal, np.not_equal,
))  # fmt: skip
"""Ufuncs that are correctly rounded for real numbers, so that every loop of NumPy, scalar or vectorised, agrees."""


@dataclass(eq=False, slots=True)
class Op:
    """One operation, a line of the program.

    Attributes
    ----------
    form : str
        See `Form`.
    function : callable, str or object
        The ufunc or function; the name of the method or attribute; the target of an effect.
    args, keywords
        With `Value` in place of arrays, also inside lists and tuples.
    outputs : list of Value
    scope : tuple of str
        The layers in which it was recorded.
    rule : str
        In a sweep, the operation to whose rule it belongs.
    errors : dict, optional
        NumPy's error handling (`np.geterr`) during the operation, if it differs from that outside.
    shares : tuple of tuple of Value
        For each output the operands with which it shared memory when it was recorded; empty if none did.
    listed : bool
        Whether the outputs come in a list or tuple, even if there is one.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> f = ad.compile(lambda x: np.exp(-x))
    >>> _ = f(np.zeros(2))
    >>> [op.form for op in f.program.ops]
    ['ufunc', 'ufunc']
    """

    form: Form
    function: Any
    args: tuple[Any, ...]
    keywords: dict[str, Any]
    outputs: list[Value]
    scope: tuple[str, ...] = ()
    rule: str = ""
    errors: Any = None
    shares: tuple[tuple[Value, ...], ...] = ()
    listed: bool = False
    _reads: tuple[Value, ...] | None = field(default=None, init=False, repr=False)

    def inputs(self) -> tuple[Value, ...]:
        """The values it reads; every pass asks, and its operands are never changed, so they are looked up once."""
        if self._reads is None:
            self._reads = tuple(values_in((self.args, self.keywords)))
        return self._reads

    @property
    def title(self) -> str:
        """Its name in listings."""
        name = self.function if isinstance(self.function, str) else getattr(self.function, "__name__", "")
        return {"index": "getitem", "store": "store gradient", "assign": "assign", "blocks": "blocks"}.get(
            self.form, ""
        ) or str(name)

    def with_inputs(self, others: Mapping[Value, Any]) -> Op:
        """The same operation with other values in place of some."""
        if others.keys().isdisjoint(self.inputs()):
            return self
        f: Callable[[Value], Any] = lambda v: others.get(v, v)
        return replace(
            self,
            args=mapped(self.args, f),
            keywords={k: mapped(v, f) for k, v in self.keywords.items()},
            shares=mapped(self.shares, f),
        )

    def result(self, f: Callable[[Value], Any]) -> Any:
        """What it returns for the arrays that `f` gives for its values."""
        args, keywords = mapped(self.args, f), {k: mapped(v, f) for k, v in self.keywords.items()}
        if self.form == "operator":
            return OPERATORS[self.function][1](*args)
        if self.form == "reduce":
            return self.function.reduce(*args, **keywords)
        if self.form == "method":
            return getattr(args[0], self.function)(*args[1:], **keywords)
        if self.form == "attribute":
            return getattr(args[0], self.function)
        if self.form == "index":
            return args[0][args[1]]
        return getattr(self.function, "fn", self.function)(*args, **keywords)


def elementwise(op: Op) -> bool:
    """Whether it has one result, whose entry i depends only on entry i of each operand."""
    if len(op.outputs) != 1 or op.keywords:
        return False
    if op.form == "ufunc":
        return bool(op.function.signature is None)
    return op.form == "function" and op.function is np.where


_COPIES = frozenset(("copy", "astype", "array", "asarray", "ascontiguousarray", "positive", "copysign"))


def copied(op: Op) -> Value | None:
    """The operand of an operation that only copies it, perhaps to another dtype."""
    name = op.function if isinstance(op.function, str) else getattr(op.function, "__name__", "")
    inputs = op.inputs()
    plain = op.form in ("method", "function") and name in _COPIES and len(inputs) == 1 and len(op.outputs) == 1
    return inputs[0] if plain and inputs[0].shape == op.outputs[0].shape else None


def lays_out(operands: Iterable[Any], out: Value) -> bool:
    """Whether NumPy gives the elementwise result of these operands the layout of `out`.

    It does if one operand has the shape and layout of `out`, and no other has a different layout.
    """
    arrays = [v for v in operands if isinstance(v, Value)]
    alike = [v.shape == out.shape and v.steps == out.steps for v in arrays]
    return any(alike) and all(same or sum(n > 1 for n in v.shape) < 2 for v, same in zip(arrays, alike))


def is_dot(a: Any, b: Any) -> bool:
    """Whether ``a @ b`` and ``a.dot(b)`` make the same BLAS call, so that all bits agree.

    They do for contiguous real vectors and matrices. With a single number the call is another one, and signs of zeros
    may differ.
    """
    pair = [x for x in (a, b) if isinstance(x, Value) and 1 <= len(x.shape) <= 2 and x.size != 1 and _is_blocked(x)]
    return len(pair) == 2 and a.dtype == b.dtype and np.dtype(a.dtype).char in "fd"


def _is_blocked(x: Value) -> bool:
    """Whether a vector or matrix is C-contiguous or Fortran-contiguous."""
    size = np.dtype(x.dtype).itemsize
    columns = row_strides(x.shape[::-1], size)[::-1]
    return x.strides in (row_strides(x.shape, size), columns)


def values_in(tree: Any) -> list[Value]:
    """The values in nested tuples, lists and dicts."""
    found: list[Value] = []
    _gather(tree, found)
    return found


def _gather(tree: Any, found: list[Value]) -> None:
    """Append the values of a tree. A list that is passed down is several times as fast as nested generators."""
    if isinstance(tree, Value):
        found.append(tree)
    elif isinstance(tree, (tuple, list)):
        for v in tree:
            _gather(v, found)
    elif isinstance(tree, dict):
        for v in tree.values():
            _gather(v, found)


def mapped(tree: Any, f: Callable[[Value], Any]) -> Any:
    """The same nested containers with every value replaced."""
    if isinstance(tree, Value):
        return f(tree)
    if type(tree) in (tuple, list):
        return type(tree)(mapped(v, f) for v in tree)
    if type(tree) is dict:
        return {k: mapped(v, f) for k, v in tree.items()}
    return tree
