"""The words with which the families write their rows, and what all rows have in common.

A row gives for each operand the map ``(t, y, *xs) -> t * dy/dx`` in NumPy's and SciPy's functions. SciPy's ufuncs have
rules themselves, so the maps differentiate again. In place of a map stand two words: `NUMERIC` where the books have no
closed form (see `numeric`), and `whole(...)` or `fixed(...)` where there is no derivative at all: a tracked operand is
then refused, since its gradient would be a silent 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from autodiff.core.kinds import elementwise
from autodiff.core.primitives import OTHER_FUNCTIONS, OTHER_UFUNCS, Primitive, Rule
from autodiff.errors import UnsupportedError
from autodiff.ops.shapes import operand
from autodiff.scipy_special.numeric import partial_derivatives
from autodiff.scipy_special.primitives import keep
from autodiff.scipy_special.ufuncs import find


class Numeric:
    """In place of a map: the derivative is computed from values.

    Attributes
    ----------
    low, high : float
        Between which limits the function may be evaluated; derivatives at a limit are one-sided.
    """

    def __init__(self, low: float = -np.inf, high: float = np.inf) -> None:
        self.low, self.high = low, high


class Without:
    """In place of a map: there is no derivative by this operand, for the given reason."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


NUMERIC = Numeric()
POSITIVE = Numeric(low=0.0)
WHOLE = Without("it counts in whole numbers")

Map = Rule | Numeric | Without


@dataclass(frozen=True)
class Row:
    """What is known about a ufunc.

    Attributes
    ----------
    name : str
        Its name in ``scipy.special``.
    kind : str
        ``"differentiable"`` or ``"constant"``.
    primitives : tuple of Primitive
        One for each of its outputs; empty if it is constant, or has its rule elsewhere.
    derivatives : tuple of Primitive
        Those by the numeric operands, for each output; empty if there are none.
    numeric : tuple of int
        The operands by which the derivative is computed from values.
    without : mapping of int to str
        The operands by which it cannot be differentiated, with the reason.
    remark : str
        For the page.
    """

    name: str
    kind: str
    primitives: tuple[Primitive, ...] = ()
    derivatives: tuple[Primitive, ...] = ()
    numeric: tuple[int, ...] = ()
    without: Mapping[int, str] = field(default_factory=dict)
    remark: str = ""


ROWS: dict[str, Row] = {}
"""All rows, by name."""


# --- rows -----------------------------------------------------------------------------------------


def rules(
    name: str,
    *maps: Map,
    analytic: bool = False,
    remark: str = "",
    rise: Callable[..., Any] | None = None,
) -> None:
    """The row of a ufunc with one output.

    analytic: the maps hold for complex operands, too. rise: the function minus a constant, for derivatives from values
    that are small beside the value.
    """
    function = find(name)
    if function is not None:
        primitive = _primitive(_called(function), name, maps, rise=rise)
        _enter(name, function, [primitive], maps, analytic, remark)


def like(name: str, primitive: Primitive, *, analytic: bool = False) -> None:
    """The row of a ufunc that has the rules of a primitive of `autodiff.ops`, and SciPy's values."""
    rules(name, *[m for m in primitive.pulls or () if m is not None], analytic=analytic)


def outputs(name: str, *rows: tuple[Map, ...], analytic: bool = False) -> None:
    """The row of a ufunc with several outputs, each with its own maps: ``y`` is that output."""
    function = find(name)
    if function is not None:
        parts = [_primitive(_output(function, k), f"{name}[{k}]", maps) for k, maps in enumerate(rows)]
        _enter(name, function, parts, rows[0], analytic)


def part(name: str, k: int) -> Primitive:
    """The primitive for one output of a ufunc with several."""
    return ROWS[name].primitives[k]


def slope(name: str, i: int, *xs: Any) -> Any:
    """The derivative by operand `i` of a function of one output, from values."""
    orders = tuple(int(j == i) for j in range(len(xs)))
    return ROWS[name].derivatives[0](*xs, orders=orders)


def shared(name: str, call: Callable[..., Any]) -> None:
    """The row of a ufunc that `autodiff.special` has as well: one primitive serves both."""
    function = find(name)
    if function is not None:
        _enter(name, function, [], (), call=call)


def alias(name: str, other: str) -> None:
    """A second name of a ufunc that has a row."""
    ROWS[name] = replace(ROWS[other], name=name, remark=f"the same ufunc as `{other}`")


def constant(*names: str) -> None:
    """Rows of ufuncs that are constant between their jumps."""
    for name in names:
        function = find(name)
        if function is not None:
            OTHER_UFUNCS[function] = f"scipy.special.{name}"
            ROWS[name] = Row(name, "constant")


def _called(function: Any) -> Callable[..., Any]:
    return lambda *xs: function(*xs)  # a ufunc itself would be registered as one of NumPy's


def _output(function: Any, k: int) -> Callable[..., Any]:
    return lambda *xs: function(*xs)[k]


def _primitive(
    value: Callable[..., Any],
    name: str,
    maps: tuple[Map, ...],
    *,
    rise: Callable[..., Any] | None = None,
) -> tuple[Primitive, Primitive | None]:
    closed = {i: m for i, m in enumerate(maps) if not isinstance(m, (Numeric, Without))}
    limits = {i: (m.low, m.high) for i, m in enumerate(maps) if isinstance(m, Numeric)}
    derivatives = None
    if limits:
        derivatives = partial_derivatives(rise or value, name, len(maps), closed, limits)
        closed = closed | {i: _first(derivatives, i, len(maps)) for i in limits}
    everything = [_inside(closed[i]) if i in closed else None for i in range(len(maps))]
    primitive = elementwise(value, *everything, name=name, singular=True)
    for made in (primitive, derivatives):
        if made is not None:
            keep(made)
    return primitive, derivatives


def _domain(y: Any) -> Any:
    return np.where(np.isnan(y), np.nan, 1).astype(y.real.dtype)[()]


domain = elementwise(_domain, None, name="domain", reads=False)
"""1, and NaN where a value is NaN: outside of its domain a function has no slope."""


def _inside(rule: Rule) -> Rule:
    return lambda t, y, *xs: rule(t * domain(y), y, *xs)


def _first(derivatives: Primitive, i: int, n: int) -> Rule:
    orders = tuple(int(j == i) for j in range(n))
    return lambda t, y, *xs: t * derivatives(*xs, orders=orders)


def _enter(
    name: str,
    function: Any,
    parts: Sequence[tuple[Primitive, Primitive | None]],
    maps: tuple[Map, ...],
    analytic: bool = False,
    remark: str = "",
    call: Callable[..., Any] | None = None,
) -> None:
    without = {i: m.reason for i, m in enumerate(maps) if isinstance(m, Without)}
    numeric = tuple(i for i, m in enumerate(maps) if isinstance(m, Numeric))
    full = OTHER_UFUNCS[function] = f"scipy.special.{name}"
    primitives = tuple(p for p, _ in parts)
    derivatives = tuple(d for _, d in parts if d is not None)
    ROWS[name] = Row(name, "differentiable", primitives, derivatives, numeric, without, remark)

    counting = [any(types[i] in "lqip" for types in function.types) for i in range(function.nin)]

    def border(*xs: Any) -> Any:
        for i, x in enumerate(xs):
            if getattr(x, "requires_grad", False):
                if i in without:
                    raise UnsupportedError(
                        f"{full} has no derivative by its operand {i}: {without[i]}. Pass x.data of this operand."
                    )
                if not analytic and x.dtype.kind == "c":
                    raise UnsupportedError(
                        f"{full} has rules for real operands; operand {i} has dtype {x.dtype}. Pass x.data if no "
                        "gradient is wanted."
                    )
        if len(xs) > 1:
            xs = _floating(function, xs, counting)
        if call is not None:
            return call(*xs)
        return primitives[0](*xs) if len(primitives) == 1 else tuple([p(*xs) for p in primitives])

    OTHER_FUNCTIONS[function] = border


def _floating(function: np.ufunc, xs: tuple[Any, ...], counting: Sequence[bool]) -> tuple[Any, ...]:
    """Operands as rules take them: with a dtype, and whole numbers only where the ufunc counts with them."""
    xs = tuple([x if type(x) in (float, int) else operand(x) for x in xs])
    kinds: list[Any] = [x.dtype if hasattr(x, "dtype") else type(x) for x in xs]
    if len({*kinds}) > 1:  # only the ufunc knows which of its loops takes them
        kinds = list(function.resolve_dtypes((*kinds, *[None] * function.nout)))[: len(xs)]
    dtype = np.result_type(*kinds, 0.0)
    dtype = np.dtype(dtype.char.lower()) if dtype.kind == "c" else dtype
    out = []
    for x, counts in zip(xs, counting, strict=True):
        if not hasattr(x, "dtype"):
            x = dtype.type(x) if type(x) is float or not counts else np.int64(x)
        elif x.dtype.kind in "iub" and not counts:
            x = x.astype(dtype)
        out.append(x)
    return tuple(out)
