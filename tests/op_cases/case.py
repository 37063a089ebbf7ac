"""What a row of the table is: a function, where its operands come from, and what is known about it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from autodiff.testing.layouts import LAYOUTS, laid_out

Shape = tuple[int, ...]
Pick = Callable[[Sequence[Any]], Any]
"""Chooses from a sequence: Hypothesis does, or a generator with a seed. All that varies in a row goes through it."""

# --- where operands come from ---------------------------------------------------------------------


@dataclass(frozen=True)
class Interval:
    """Real numbers between two limits, at least `gap` away from some points; three decimals, to be readable."""

    low: float = -2.0
    high: float = 2.0
    avoid: tuple[float, ...] = ()
    gap: float = 0.05

    def draw(self, rng, shape):
        x = np.round(rng.uniform(self.low, self.high, shape), 3)
        for point in self.avoid:
            side = 1.0 if point <= self.low else -1.0 if point >= self.high else np.where(x < point, -1.0, 1.0)
            x = np.where(np.abs(x - point) < self.gap, point + side * self.gap, x)
        return np.asarray(x)


@dataclass(frozen=True)
class Distinct:
    """Real numbers that all differ by at least the given step: no ties, so no kinks."""

    step: float = 0.25

    def draw(self, rng, shape):
        n = int(np.prod(shape, dtype=int))
        return np.round((rng.permutation(n) - n / 2 + 0.3) * self.step, 3).reshape(shape)


@dataclass(frozen=True)
class Growing:
    """Real numbers of which no two sums of magnitudes are equal: no ties in norms of matrices."""

    def draw(self, rng, shape):
        n = int(np.prod(shape, dtype=int))
        powers = 0.4 * 1.37 ** rng.permutation(n)
        return np.round(powers * rng.choice([-1.0, 1.0], n), 3).reshape(shape)


@dataclass(frozen=True)
class Complex:
    """Complex numbers in a ring round 0."""

    inner: float = 0.4
    outer: float = 1.5

    def draw(self, rng, shape):
        radius, angle = rng.uniform(self.inner, self.outer, shape), rng.uniform(-2.8, 2.8, shape)
        return np.asarray(np.round(radius * np.exp(1j * angle), 3))


@dataclass(frozen=True)
class Whole:
    """Integers; never differentiated by."""

    low: int = -3
    high: int = 3

    def draw(self, rng, shape):
        return np.asarray(rng.integers(self.low, self.high + 1, shape))


@dataclass(frozen=True)
class Truth:
    """Truth values; never differentiated by."""

    def draw(self, rng, shape):
        return np.asarray(rng.random(shape) < 0.5)


REAL = Interval()
POSITIVE = Interval(0.3, 3.0)
NONZERO = Interval(-2.0, 2.0, avoid=(0.0,), gap=0.3)
INSIDE = Interval(-0.9, 0.9)
DISTINCT = Distinct()
COMPLEX = Complex()

# --- shapes ---------------------------------------------------------------------------------------

# Simple ones first: Hypothesis shrinks towards the front.
SOLID: list[Shape] = [(3,), (), (1,), (2, 3), (3, 1), (2, 1, 2), (1, 3, 2)]
ANY: list[Shape] = [*SOLID, (0,), (0, 2), (2, 0, 1)]
WITH_AXES: list[Shape] = [s for s in ANY if s]
SOLID_WITH_AXES: list[Shape] = [s for s in SOLID if s]
MATRICES: list[Shape] = [(2, 3), (3, 3), (3, 1), (1, 2), (0, 2), (2, 2, 3), (1, 3, 2)]

PAIRS: list[tuple[Shape, ...]] = [
    ((3,), (3,)),
    ((), ()),
    ((), (3,)),
    ((3,), ()),
    ((2, 3), (3,)),
    ((3,), (2, 3)),
    ((2, 1), (1, 3)),
    ((1,), (4,)),
    ((2, 3), (2, 1)),
    ((2, 1, 2), (3, 1)),
    ((1, 1), (1,)),
    ((0,), (1,)),
    ((3,), (0, 3)),
    ((2, 0), ()),
]
TRIPLES: list[tuple[Shape, ...]] = [
    ((3,), (3,), (3,)),
    ((), (), ()),
    ((3,), (), ()),
    ((2, 3), (3,), (2, 1)),
    ((1,), (2, 3), ()),
    ((), (2, 1), (1, 3)),
    ((0,), (1,), ()),
]


def broadcast_shapes(n: int) -> list[tuple[Shape, ...]]:
    """Shapes for `n` operands that broadcast together."""
    return {1: [(s,) for s in ANY], 2: PAIRS, 3: TRIPLES}[n]


# --- rows -----------------------------------------------------------------------------------------


class Point(NamedTuple):
    """A point at which the conventions, not a limit of differences, say what a derivative is.

    Attributes
    ----------
    operands : tuple
        Where.
    slopes : tuple
        By each operand the gradient of the sum of the results; None where it has none.
    second : tuple, optional
        By each operand the second derivative along a vector of ones, the other operands held still.
    keywords : dict
        Of the call.
    """

    operands: tuple[Any, ...]
    slopes: tuple[Any, ...]
    second: tuple[Any, ...] | None = None
    keywords: Mapping[str, Any] = MappingProxyType({})


class Call(NamedTuple):
    """One drawn call of a row's function."""

    operands: list[Any]
    keywords: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Case:
    """A row of the table.

    Attributes
    ----------
    name : str
        What the tests call it.
    fn : callable
        ``fn(*operands, **keywords)``, of arrays and Tensors alike.
    operands : tuple of domains
        One for each.
    covers : tuple of Primitive
        The primitives for which this row answers; they must be met when it runs.
    numpy : tuple of callables
        The NumPy functions for which it answers, `fn` itself apart.
    shapes : list of tuples of shapes
        What the operands may look like; by default all that broadcasts.
    keywords : callable
        ``(pick, *shapes) -> dict``.
    reference : callable
        The same in plain NumPy, where `fn` is not NumPy's own function.
    analytic : bool
        `fn` takes complex numbers and is analytic: complex step instead of differences.
    points : tuple of Point
        Special points.
    distinct : bool
        The values must stay distinct, so no stretched layout.
    order : int
        Up to which derivative to check.
    rtol : float or None
        In place of the common tolerance of differences; the reason stands beside the row.
    """

    name: str
    fn: Callable[..., Any]
    operands: tuple[Any, ...]
    covers: tuple[Any, ...] = ()
    numpy: tuple[Any, ...] = ()
    shapes: Sequence[tuple[Shape, ...]] | None = None
    keywords: Callable[..., dict[str, Any]] | None = None
    reference: Callable[..., Any] | None = None
    analytic: bool = False
    points: tuple[Point, ...] = ()
    order: int = 2
    rtol: float | None = None
    distinct: bool = field(default=False)

    def __str__(self) -> str:
        return self.name

    @property
    def real(self) -> bool:
        """Whether all operands that move are real."""
        return not any(isinstance(d, Complex) for d in self.operands)

    @property
    def all_shapes(self) -> Sequence[tuple[Shape, ...]]:
        """What the operands may look like."""
        return self.shapes or broadcast_shapes(len(self.operands))

    def drawn(self, pick: Pick, *, plain: bool = False) -> Call:
        """A call; `plain` without odd layouts and sizes 0."""
        shapes = list(self.all_shapes)
        if plain:
            shapes = [s for s in shapes if all(0 not in t for t in s)]
        chosen = pick(shapes)
        keywords = self.keywords(pick, *chosen) if self.keywords else {}
        rng = np.random.default_rng(pick(range(1000)))
        layouts = LAYOUTS[:1] if plain else LAYOUTS[:-1] if self.distinct else LAYOUTS
        arrays = [laid_out(d.draw(rng, s), pick(layouts)) for d, s in zip(self.operands, chosen, strict=True)]
        return Call([x if x.ndim else x[()] for x in arrays], keywords)

    def calls(self) -> st.SearchStrategy[Call]:
        """Calls as Hypothesis draws them."""
        return _calls(self)

    def numbered(self, k: int) -> tuple[Call, Pick]:
        """The call number `k` of the row, with odd layouts and sizes 0 as Hypothesis draws them, and the generator.

        One call after another has the next of the shapes; each row starts somewhere else among them.
        """
        first = zlib.crc32(self.name.encode())
        rng = np.random.default_rng([first, k])

        def pick(options: Sequence[Any]) -> Any:
            return options[int(rng.integers(len(options)))]

        turns = iter([lambda shapes: shapes[(first + k) % len(shapes)]])
        return self.drawn(lambda options: next(turns, pick)(options)), pick

    def example(self, seed: int) -> Call:
        """A call drawn from a seed."""
        rng = np.random.default_rng(seed)
        return self.drawn(lambda options: options[int(rng.integers(len(options)))], plain=True)


@st.composite
def _calls(draw, case):
    return case.drawn(lambda options: draw(st.sampled_from(options)))


def cast(x: Any, dtype: Any) -> Any:
    """A real or complex operand in another precision; integers and truth values stay."""
    kind = np.asarray(x).dtype.kind
    if kind not in "fc":
        return x
    wanted = np.dtype(dtype)
    if kind == "c":
        wanted = np.result_type(wanted, np.complex64) if wanted.itemsize <= 4 else np.dtype(np.complex128)
    y = np.asarray(x).astype(wanted)
    y.flags.writeable = False
    return y if y.ndim else y[()]


# --- keywords that many rows share ----------------------------------------------------------------


def an_axis(pick: Pick, shape: Shape) -> int:
    """One axis, counted from either end."""
    return pick([*range(len(shape)), *range(-len(shape), 0)])


def some_axes(pick: Pick, shape: Shape) -> Any:
    """None, one axis or several."""
    n = len(shape)
    several = [(0,), tuple(range(n)), (-1, 0)] if n > 1 else [(0,)] if n else []
    return pick([None, *range(n), *range(-n, 0), *several])


def reduction(pick: Pick, shape: Shape) -> dict[str, Any]:
    """The keywords of a reduction."""
    return {"axis": some_axes(pick, shape), "keepdims": pick([False, True])}


def along_axis(pick: Pick, shape: Shape) -> dict[str, Any]:
    """One axis."""
    return {"axis": an_axis(pick, shape)}


def along_axis_or_none(pick: Pick, shape: Shape) -> dict[str, Any]:
    """One axis, or None for the flat array."""
    return {"axis": pick([None, *range(len(shape)), *range(-len(shape), 0)])}
