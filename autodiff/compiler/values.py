"""What a program is made of: values, and operations that read them and make others."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

Kind = Literal["argument", "state", "gradient", "constant", "made", "result"]


@dataclass(eq=False, slots=True)
class Value:
    """An array of the program.

    Attributes
    ----------
    kind : str
        An argument; the values of a Tensor (`state`), or its gradient, as they are when the program starts; an array
        from outside, which somebody may write to (`constant`); one that was made while tracing (`made`); what an
        operation computes (`result`).
    shape, dtype
        Known: another shape is another trace.
    payload : object
        Of an argument its number; of a state or gradient its Tensor's array or leaf; of a constant the array.
    name : str
        In the source; chosen there if it is empty.
    strides : tuple of int
        How the eager array lies in memory; rows one behind the other if they are not given. Sums add in the order of
        memory, and a reshape copies or does not, so a program that is to give the same bits keeps them.
    number : bool
        Whether it is one of NumPy's numbers, not an array of no axis.
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
        """How many entries there are."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the entries."""
        return self.size * int(np.dtype(self.dtype).itemsize)

    @property
    def steps(self) -> tuple[int, ...]:
        """The strides, counted in entries: the same for equal layouts of different types."""
        assert self.strides is not None
        return tuple(s // np.dtype(self.dtype).itemsize for s in self.strides)

    @property
    def order(self) -> tuple[int, ...] | None:
        """The axes from the slowest to the fastest, if the entries lie in memory without a gap, each once."""
        steps, expected = self.steps, 1
        order = sorted((a for a, n in enumerate(self.shape) if n != 1), key=lambda a: -steps[a])
        for a in reversed(order):
            if steps[a] != expected:
                return None
            expected *= self.shape[a]
        return (*(a for a, n in enumerate(self.shape) if n == 1), *order)


def row_strides(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """The strides of an array whose rows lie one behind the other, as NumPy gives them."""
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
]
"""How an operation is written: ``add(a, b)``; ``a ** b``, where Python's sign is not the ufunc to the last bit;
``add.reduce(a, ...)``, ``where(c, a, b)``, ``a.reshape(...)``, ``a.T``, ``a[i]``; a function that is called as a whole
(`opaque`), and anew at every call whatever its arguments (`live`); a look at values that may complain (`check`);
three that change the world: a gradient stored, a Tensor assigned to, anything else; and a loop over blocks of large
arrays."""

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
"""What Python writes for a ufunc, and calls for that."""

ROUNDED = frozenset((
    np.add, np.subtract, np.multiply, np.divide, np.negative, np.positive, np.absolute, np.less, np.less_equal,
    np.greater, np.greater_equal, np.equal, np.not_equal,
))  # fmt: skip
"""Ufuncs with one right answer for real numbers, which every loop of NumPy gives, scalar or vectorised."""


@dataclass(eq=False, slots=True)
class Op:
    """One line.

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
        The layers it was recorded in.
    rule : str
        In a sweep the operation whose rule it belongs to.
    errors : dict, optional
        What NumPy is to do about infinities and NaN, where that is not what it does outside.
    shares : tuple of tuple of Value
        For each output the operands whose memory it looked into when it was recorded; empty if none did.
    listed : bool
        Whether the outputs come in a list or tuple, even if there is one.
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

    def inputs(self) -> Iterator[Value]:
        """The values it reads."""
        yield from values_in(self.args)
        yield from values_in(tuple(self.keywords.values()))

    @property
    def title(self) -> str:
        """What it is called in listings."""
        name = self.function if isinstance(self.function, str) else getattr(self.function, "__name__", "")
        return {"index": "getitem", "store": "store gradient", "assign": "assign", "blocks": "blocks"}.get(
            self.form, ""
        ) or str(name)

    def with_inputs(self, f: Callable[[Value], Value]) -> Op:
        """The same on other values."""
        if all(f(v) is v for v in self.inputs()):
            return self
        return replace(
            self,
            args=mapped(self.args, f),
            keywords={k: mapped(v, f) for k, v in self.keywords.items()},
            shares=mapped(self.shares, f),
        )


def elementwise(op: Op) -> bool:
    """Whether entry i of the one result depends on entry i of the operands alone."""
    if len(op.outputs) != 1 or op.keywords:
        return False
    if op.form == "ufunc":
        return bool(op.function.signature is None)
    return op.form == "function" and op.function is np.where


def lays_out(operands: Iterable[Any], out: Value) -> bool:
    """Whether these operands alone make NumPy lay out an elementwise result as `out` is laid out.

    One of them has its shape and layout, and no other speaks against it.
    """
    arrays = [v for v in operands if isinstance(v, Value)]
    alike = [v.shape == out.shape and v.steps == out.steps for v in arrays]
    return any(alike) and all(same or sum(n > 1 for n in v.shape) < 2 for v, same in zip(arrays, alike))


def is_dot(a: Any, b: Any) -> bool:
    """Whether ``a @ b`` and ``a.dot(b)`` are the same call of the linear algebra library, so that all bits agree.

    For vectors and matrices of real numbers without gaps; a single number is another call, with other signs of zeros.
    """
    pair = [x for x in (a, b) if isinstance(x, Value) and 1 <= len(x.shape) <= 2 and x.size != 1 and _is_blocked(x)]
    return len(pair) == 2 and a.dtype == b.dtype and np.dtype(a.dtype).char in "fd"


def _is_blocked(x: Value) -> bool:
    """Whether a vector or matrix has no gaps, in rows or in columns."""
    size = np.dtype(x.dtype).itemsize
    columns = row_strides(x.shape[::-1], size)[::-1]
    return x.strides in (row_strides(x.shape, size), columns)


def values_in(tree: Any) -> Iterator[Value]:
    """The values in nested tuples, lists, dicts and slices."""
    if isinstance(tree, Value):
        yield tree
    elif isinstance(tree, (tuple, list)):
        for v in tree:
            yield from values_in(v)
    elif isinstance(tree, dict):
        yield from values_in(tuple(tree.values()))


def mapped(tree: Any, f: Callable[[Value], Any]) -> Any:
    """The same nest with every value replaced."""
    if isinstance(tree, Value):
        return f(tree)
    if type(tree) in (tuple, list):
        return type(tree)(mapped(v, f) for v in tree)
    if type(tree) is dict:
        return {k: mapped(v, f) for k, v in tree.items()}
    return tree
