"""Power series through a tape, from the first-order rules alone.

Let y = f(x), where x is a series in s. Then y' = rule(x'; y, x), so y is y_0 plus the integral of that series, and its
coefficient k + 1 needs only the coefficients of the right side up to k. A `Series` takes the place of an array in a
rule. What the rule computes is again a series, to which the same applies. The recursion ends at products, which are
convolutions, and at linear functions, which act on each coefficient. No function needs a series rule of its own.

Coefficients are computed on demand, and equal calls share one series: sin asks for cos, and cos asks for sin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.arrays.batching import Batch
from autodiff.core.primitives import ELEMENTWISE, LINEAR, MULTILINEAR, NUMPY_CONSTANTS, NUMPY_FUNCTIONS, Primitive
from autodiff.core.tape import ITEM, Node, item_node
from autodiff.errors import UnsupportedError
from autodiff.ops import elementwise as ew
from autodiff.typing import Array, Axis, DTypeLike, Shape

Coefficients = Callable[[int], Any]
"""Gives coefficient k > 0, None for a zero. It may read lower coefficients of its own series, and others up to k."""


class Series(Batch):
    """A truncated power series, used like an array of the shape of its coefficients.

    Parameters
    ----------
    table : dict
        The series made so far, by primitive and operands; shared by all series of one expansion.
    first : array
        Coefficient 0.
    rest : callable
        Gives the other coefficients.
    """

    __slots__ = ("known", "rest", "table")

    def __init__(self, table: dict[Any, Any], first: Any, rest: Coefficients) -> None:
        self.table, self.rest = table, rest
        self.known: list[Any] = [first]

    def coefficient(self, k: int) -> Any:
        """Coefficient k; None if it is known to be 0."""
        known = self.known
        while len(known) <= k:
            c = self.rest(len(known))
            if c is not None and np.shape(c) != np.shape(known[0]):
                c = np.broadcast_to(c, np.shape(known[0]))
            known.append(c)
        return known[k]

    def derivative(self) -> Series:
        """The series of the derivative with respect to s."""
        key = ("derivative", id(self))
        found = self.table.get(key)
        if found is None:
            first = self.coefficient(1)
            first = np.zeros_like(self.known[0]) if first is None else first
            found = self.table[key] = Series(self.table, first, lambda k: _times(k + 1, self.coefficient(k + 1)))
        return found

    @property
    def shape(self) -> Shape:
        """Shape of a coefficient."""
        return np.shape(self.known[0])

    @property
    def ndim(self) -> int:
        """Axes of a coefficient."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Entries of a coefficient."""
        return int(np.prod(self.shape))

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the entries."""
        return self.known[0].dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"Series({self.known!r})"

    @staticmethod
    def __autodiff_apply__(primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return apply(primitive, args, kwargs)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and ufunc in NUMPY_CONSTANTS:
            return ufunc(*map(_first, inputs), **kwargs)
        return super().__array_ufunc__(ufunc, method, *inputs, **kwargs)

    def __array_function__(self, func: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if func in (np.zeros_like, np.ones_like) or func in NUMPY_CONSTANTS:
            return func(*map(_first, args), **kwargs)
        if func not in NUMPY_FUNCTIONS:
            raise UnsupportedError(
                f"A rule uses np.{func.__name__}, which does not support power series. ad.derivative(f, n) does not "
                "need them."
            )
        return NUMPY_FUNCTIONS[func](*args, **kwargs)

    def any(self, axis: Axis = None, keepdims: bool = False) -> Array:
        """Whether any entry of coefficient 0 is true."""
        return self.known[0].any(axis=axis, keepdims=keepdims)

    def astype(self, dtype: DTypeLike) -> Series:
        """Cast to another type."""
        return Series(
            self.table,
            self.known[0].astype(dtype),
            lambda k: None if (c := self.coefficient(k)) is None else c.astype(dtype),
        )


def _first(value: Any) -> Any:
    return value.known[0] if isinstance(value, Series) else value


def _times(number: float, c: Any) -> Any:
    return None if c is None else number * c


def _key(value: Any) -> Any:
    """The key of an operand: type and value for numbers, identity for arrays and series."""
    return (type(value), repr(value)) if isinstance(value, (int, float, np.generic)) else id(value)


def apply(primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Apply a primitive to operands, some of which are series: the series of its output, or a tuple of them."""
    table = next(a.table for a in args if isinstance(a, Series))
    key = (id(primitive), tuple(map(_key, args)), tuple(kwargs.items()))
    found = table.get(key)
    if found is None:
        y = primitive(*map(_first, args), **kwargs)
        # The operands are kept with the result, so that their ids are not reused.
        found = table[key] = (expand(table, primitive, args, kwargs, y), args)
    return found[0]


def expand(table: dict[Any, Any], primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any], y: Any) -> Any:
    """The series of an operation's output, whose coefficient 0 is `y`."""
    moving = [i for i, a in enumerate(args) if isinstance(a, Series) and primitive.has_rule(i)]
    if not moving:
        return y
    if isinstance(y, (tuple, list)):
        return _several(table, primitive, args, kwargs, y, moving)
    if primitive is ew.multiply and len(moving) == 2:
        return Series(table, y, _product(args, lambda a, b: a * b))
    if primitive.kind == MULTILINEAR and len(moving) == 2:
        return Series(table, y, _product([args[i] for i in moving], _filled(primitive, args, moving, kwargs)))
    if primitive.kind == LINEAR:
        return Series(table, y, _linear(primitive, args, kwargs))
    if primitive.kind == MULTILINEAR and len(moving) == 1:
        return Series(table, y, _filled_one(primitive, args, moving[0], kwargs))
    out = Series(table, y, lambda k: None)
    out.rest = (_diagonal if primitive.kind == ELEMENTWISE else _general)(primitive, args, kwargs, out, moving)
    return out


def _product(factors: Sequence[Series], multiply: Callable[[Any, Any], Any]) -> Coefficients:
    """The convolution of two series."""
    a, b = factors

    def coefficient(k: int) -> Any:
        total = None
        for j in range(k + 1):
            x = a.coefficient(j)
            if x is None or (z := b.coefficient(k - j)) is None:
                continue
            term = multiply(x, z)
            total = term if total is None else total + term
        return total

    return coefficient


def _filled(primitive: Primitive, args: tuple[Any, ...], moving: list[int], kwargs: dict[str, Any]) -> Any:
    def product(x: Any, z: Any) -> Any:
        operands = list(map(_first, args))
        operands[moving[0]], operands[moving[1]] = x, z
        return primitive(*operands, **kwargs)

    return product


def _filled_one(primitive: Primitive, args: tuple[Any, ...], i: int, kwargs: dict[str, Any]) -> Coefficients:
    def coefficient(k: int) -> Any:
        c = args[i].coefficient(k)
        return None if c is None else primitive(*args[:i], c, *args[i + 1 :], **kwargs)

    return coefficient


def _linear(primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Coefficients:
    def coefficient(k: int) -> Any:
        parts = [a.coefficient(k) if isinstance(a, Series) else None for a in args]
        if all(p is None for p in parts):
            return None
        parts = [np.zeros_like(_first(a)) if p is None else p for a, p in zip(args, parts, strict=True)]
        return primitive(*parts, **kwargs)

    return coefficient


def _diagonal(
    primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any], out: Series, moving: list[int]
) -> Coefficients:
    """For an elementwise function: y' is the sum of x' times the slopes, which the rules give for the tangent 1."""
    slopes: list[Any] = []
    firsts = tuple(map(_first, args))
    lives = {i: live(out.known[0], *firsts, **kwargs) for i in moving if (live := _block(primitive, i)) is not None}

    def coefficient(k: int) -> Any:
        if not slopes:
            one = out.dtype.type(1)
            assert primitive.pulls is not None
            # `expand` has made sure that every moving operand has a rule
            # The checker is wrong below: an operand that moves has a rule, as in the sweeps.
            slopes.extend(primitive.pulls[i](one, out, *args, **kwargs) for i in moving)  # type: ignore[misc]
        total = None
        for i, slope in zip(moving, slopes, strict=True):
            x = args[i]
            part = None
            for j in range(1, k + 1):
                c = x.coefficient(j)
                if c is None:
                    continue
                g = slope.coefficient(k - j) if isinstance(slope, Series) else slope if j == k else None
                if g is None:
                    continue
                term = c * g if j == k else c * g * (j / k)
                part = term if part is None else part + term
            if part is not None and i in lives:  # a blocked entry stays 0 even if the slope is not finite
                part = np.where(lives[i], part, 0)[()]
            if part is not None:
                total = part if total is None else total + part
        return total

    return coefficient


def _block(primitive: Primitive, index: int) -> Any:
    """For a masking primitive, the function that tells through which entries an operand acts; None for all entries."""
    return primitive.live[index] if index < len(primitive.live) else None


def _general(
    primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any, moving: list[int]
) -> Coefficients:
    """For any function: y' is the result of the forward rules for the tangents x', which are series themselves."""
    slope: list[Any] = []

    def coefficient(k: int) -> Any:
        if not slope:
            slope.append(_pushed(primitive, args, kwargs, out, moving))
        s = slope[0]
        if not isinstance(s, Series):
            return s if k == 1 else None
        return _times(1 / k, s.coefficient(k - 1))

    return coefficient


def _pushed(primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any, moving: list[int]) -> Any:
    if primitive.pushes is None:
        assert primitive.joint_push is not None
        none = None if primitive.symbolic_zeros else 0
        ts = tuple(
            args[i].derivative() if i in moving else none if none is None else np.zeros_like(_first(a))
            for i, a in enumerate(args)
        )
        return primitive.joint_push(ts, out, *args, **kwargs)
    total: Any = None
    for i in moving:
        head = (out, *args) if primitive.takes_output else args
        # as above: every moving operand has a rule
        # The checker is wrong below: an operand that moves has a rule, as in the sweeps.
        t = primitive.pushes[i](args[i].derivative(), *head, **kwargs)  # type: ignore[misc]
        total = t if total is None else total + t
    return total


def _several(
    table: dict[Any, Any],
    primitive: Primitive,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    ys: Sequence[Any],
    moving: list[int],
) -> tuple[Any, ...]:
    """The series of several outputs."""
    if primitive.kind == LINEAR:
        return tuple(Series(table, y, _item(_linear(primitive, args, kwargs), i)) for i, y in enumerate(ys))
    outs = tuple(Series(table, y, lambda k: None) for y in ys)
    together: list[Any] = []

    def item(i: int) -> Coefficients:
        def coefficient(k: int) -> Any:
            if not together:
                together.append(_pushed(primitive, args, kwargs, outs, moving))
            s = together[0][i]
            if not isinstance(s, Series):
                return s if k == 1 else None
            return _times(1 / k, s.coefficient(k - 1))

        return coefficient

    for i, out in enumerate(outs):
        out.rest = item(i)
    return outs


def _item(all_of_them: Coefficients, i: int) -> Coefficients:
    def coefficient(k: int) -> Any:
        values = all_of_them(k)
        return None if values is None else values[i]

    return coefficient


def release(table: dict[Any, Any]) -> None:
    """Drop the functions that make the coefficients of an expansion: they refer to their series, which is a cycle."""
    for made in table.values():
        values = made[0] if isinstance(made, tuple) else made
        for series in values if isinstance(values, tuple) else (values,):
            if isinstance(series, Series):
                series.rest = _finished
    table.clear()


def _finished(k: int) -> Any:
    raise IndexError(f"coefficient {k} was not computed before the expansion was released")


def propagate(
    table: dict[Any, Any],
    nodes: Sequence[Node],
    source: Node,
    start: Any,
    direction: Any,
    order: int,
    lift: Callable[[Any, Node], Any] | None,
) -> dict[Node, Any]:
    """The series of every node on a tape, newest first, when the source is start + s direction.

    Coefficients are computed order by order, so that a node never needs more than one step of recursion. `table`
    collects every series that is made; `release` it at the end.
    """
    series: dict[Node, Any] = {source: Series(table, start, lambda k: direction if k == 1 else None)}
    for node in reversed(nodes):
        if node is source:
            continue
        primitive = node.primitive
        if primitive is ITEM:
            (parent,) = node.parents
            several = series.get(parent) if parent is not None else None
            if several is not None:
                series[node] = several[node.keywords["index"]]
            continue
        if not any(p in series for p in node.parents if p is not None):
            continue
        operands = tuple(
            series[p] if p is not None and p in series else x if p is None or lift is None else lift(x, p)
            for x, p in zip(node.operands, node.parents, strict=True)
        )
        output = node.output
        if lift is not None and type(output) is not tuple:
            output = lift(output, node)
        if type(output) is tuple and lift is not None:
            output = tuple(lift(y, item_node(node, i)) for i, y in enumerate(output))
        key = (id(primitive), tuple(map(_key, operands)), tuple(node.keywords.items()))
        if key not in table:
            table[key] = (expand(table, primitive, operands, node.keywords, output), operands)
        series[node] = table[key][0]
    made = list(series.values())
    for k in range(1, order + 1):
        for s in made:
            for part in s if type(s) is tuple else (s,):
                if isinstance(part, Series):
                    part.coefficient(k)
    return series
