"""Rows for autodiff/ops/sequences.py."""

import math

import numpy as np

import autodiff as ad
from autodiff.ops import indexing, joining, sequences
from tests.op_cases.case import (
    ANY,
    COMPLEX,
    DISTINCT,
    NONZERO,
    POSITIVE,
    REAL,
    SOLID,
    Case,
    Interval,
    Point,
    an_axis,
)

FULL = slice(None)

# --- slopes and areas -----------------------------------------------------------------------------

SAMPLED = [((4,),), ((3, 4),), ((3, 2, 3),)]


def sloped(pick, shape):
    """Keywords of gradient; second order at the ends needs three samples."""
    n = len(shape)
    long = [i for i in range(-n, n) if shape[i] > 2]
    return pick(
        [{}, {"axis": an_axis(pick, shape)}, {"axis": pick(long), "edge_order": 2}]
        + ([{"axis": (0, 1)}, {"axis": [-1, 0]}] if n > 1 else [])
    )


def one_axis(pick, shape):
    return {"axis": an_axis(pick, shape)}


def rising(x):
    """Coordinates that grow, from numbers of any kind."""
    return np.cumsum(np.abs(x) + 0.2)


def together(fn):
    """The results of a function as one array: those along several axes share the steps."""

    def stacked(*operands, **keywords):
        y = fn(*operands, **keywords)
        return np.stack(y) if isinstance(y, tuple) else y

    return stacked


SLOPES = [
    Case(
        "gradient",
        np.gradient,
        (DISTINCT,),
        (joining.concatenate_all,),
        shapes=SAMPLED,
        keywords=sloped,
        analytic=True,
        distinct=True,
    ),
    Case(
        "gradient_by_step",
        together(np.gradient),
        (REAL, NONZERO),
        (joining.concatenate_all,),
        (np.gradient,),
        shapes=[((4,), ()), ((3, 4), ())],
        keywords=lambda pick, f, h: pick([{}, {"axis": -1, "edge_order": 2}, {"axis": 0}]),
    ),
    Case(
        "gradient_by_steps",
        together(np.gradient),
        (DISTINCT, NONZERO, NONZERO),
        (joining.concatenate_all,),
        (np.gradient,),
        distinct=True,
        shapes=[((3, 4), (), ())],
        keywords=lambda pick, *s: pick([{}, {"edge_order": 2}, {"axis": (1, 0)}]),
    ),
    Case(
        "gradient_by_coordinates",
        lambda f, x, **how: np.gradient(f, rising(x), **how),
        (DISTINCT, POSITIVE),
        (joining.concatenate_all,),
        (np.gradient,),
        shapes=[((4,), (4,)), ((3, 4), (4,))],
        keywords=lambda pick, f, x: {"axis": -1, "edge_order": pick([1, 2])},
        distinct=True,
    ),
    Case(
        "gradient_by_coordinates_and_step",
        lambda f, x, h: np.stack(np.gradient(f, rising(x), h)),
        (DISTINCT, POSITIVE, POSITIVE),
        (joining.concatenate_all,),
        (np.gradient,),
        shapes=[((3, 4), (3,), ())],
        distinct=True,
    ),
    Case("gradient_of_complex", np.gradient, (COMPLEX,), (joining.concatenate_all,), shapes=SAMPLED),
    Case("ediff1d", np.ediff1d, (REAL,), (), shapes=[((4,),), ((2, 3),), ((1,),)], analytic=True),
    Case(
        "ediff1d_with_ends",
        lambda x, first, last: np.ediff1d(x, to_begin=first, to_end=last),
        (REAL, REAL, REAL),
        (joining.concatenate_all,),
        (np.ediff1d,),
        shapes=[((4,), (), ()), ((2, 2), (2,), (3,)), ((1,), (1,), ())],
    ),
]

AREAS = [
    Case(
        "trapezoid",
        np.trapezoid,
        (REAL,),
        (),
        shapes=[((4,),), ((2, 3),), ((2, 1, 3),)],
        keywords=one_axis,
        analytic=True,
    ),
    Case(
        "trapezoid_by_step",
        lambda y, dx, axis: np.trapezoid(y, dx=dx, axis=axis),
        (REAL, POSITIVE),
        (),
        (np.trapezoid,),
        shapes=[((4,), ()), ((2, 3), ())],
        keywords=lambda pick, y, dx: one_axis(pick, y),
        analytic=True,
    ),
    Case(
        "trapezoid_by_place",
        np.trapezoid,
        (REAL, REAL),
        (),
        shapes=[
            ((4,), (4,)),
            ((2, 3), (3,)),
            ((2, 3), (2, 3)),
            ((3,), (2, 3)),
            ((1, 3), (2, 2, 3)),
            ((1, 1, 3), (2, 3)),
        ],
        analytic=True,
    ),
    Case(
        "trapezoid_by_place_along_the_first",
        lambda y, x: np.trapezoid(y, x, axis=0),
        (REAL, REAL),
        (),
        shapes=[((4, 2), (4,)), ((3, 2), (3, 2))],
    ),
]

# --- between samples ------------------------------------------------------------------------------
# NumPy hands over to a Tensor that it finds among the first three operands.

GRID = np.array([-1.0, 0.0, 0.5, 2.0])
BETWEEN = Interval(-1.6, 2.6, avoid=(-1.0, 0.0, 0.5, 2.0))
"""Where to interpolate on that grid: inside and on both sides of it."""


def interpolated(pick, *shapes):
    return pick([{}, {"left": -5.0}, {"right": 5.0}, {"left": -5.0, "right": 0.0}])


INTERPOLATION = [
    Case(
        "interp",
        lambda x, fp, **ends: np.interp(x, GRID, fp, **ends),
        (BETWEEN, REAL),
        (indexing.gather,),
        (np.interp,),
        shapes=[((3,), (4,)), ((), (4,)), ((2, 3), (4,)), ((0,), (4,))],
        keywords=interpolated,
        points=(
            # at a sample the slope of the piece on its right, at the last one that of the last piece
            Point(
                (np.array([-1.0, 0.0, 0.5]), np.array([0.0, 3.0, 2.0, 5.0])),
                (np.array([3.0, -2.0, 2.0]), np.array([1.0, 1.0, 1.0, 0.0])),
            ),
            Point((np.array([2.0]), np.array([0.0, 3.0, 2.0, 5.0])), (np.array([2.0]), np.array([0.0, 0.0, 0.0, 1.0]))),
            # outside it is constant
            Point(
                (np.array([-2.0, 3.0]), np.array([0.0, 3.0, 2.0, 5.0])), (np.zeros(2), np.array([1.0, 0.0, 0.0, 1.0]))
            ),
        ),
    ),
    Case(
        "interp_by_places",
        lambda xp, fp, **ends: np.interp(np.array([-0.5, 0.1, 0.7, 9.0]), rising(xp) - 0.4, fp, **ends),
        (Interval(0.1, 0.3), REAL),
        (indexing.gather,),
        (np.interp,),
        shapes=[((4,), (4,)), ((2,), (2,))],
        keywords=interpolated,
    ),
    Case(
        "interp_of_one_sample",
        lambda x, fp: np.interp(x, np.zeros(1), fp),
        (Interval(-2.0, 2.0, avoid=(0.0,)), REAL),
        (indexing.gather,),
        (np.interp,),
        shapes=[((3,), (1,))],
    ),
    Case(
        "interp_of_complex",
        lambda x, fp: np.interp(x, GRID, fp),
        (BETWEEN, COMPLEX),
        (indexing.gather,),
        (np.interp,),
        shapes=[((3,), (4,)), ((), (4,))],
    ),
    Case(
        "interp_to_tracked_ends",
        lambda left, right: np.interp(ad.Tensor([-3.0, 0.3, 4.0]), GRID, GRID**2, left=left, right=right),
        (REAL, REAL),
        (),
        (np.interp,),
        shapes=[((), ())],
        reference=lambda left, right: np.interp([-3.0, 0.3, 4.0], GRID, GRID**2, left=left, right=right),
    ),
    Case(
        "interp_round_a_circle",
        lambda x, fp: np.interp(x, GRID, fp, period=3.3),
        (Interval(-3.0, 3.0, avoid=(-2.8, -1.3, -1.0, 0.0, 0.5, 2.0, 2.3), gap=0.06), REAL),
        (indexing.gather,),
        (np.interp,),
        shapes=[((3,), (4,)), ((2, 2), (4,))],
    ),
    Case(
        "interp_round_a_circle_by_period",
        lambda period: np.interp(ad.Tensor([-2.5, 0.3, 2.9]), GRID, GRID**2, period=period),
        (Interval(3.3, 3.5),),
        (indexing.gather,),
        (np.interp,),
        shapes=[((),)],
        reference=lambda period: np.interp([-2.5, 0.3, 2.9], GRID, GRID**2, period=period),
    ),
]

UNWRAPPED = [
    Case(
        "unwrap",
        lambda p, **how: np.unwrap(p * 3.0, **how),
        (DISTINCT,),
        (),
        (np.unwrap,),
        shapes=[((4,),), ((2, 3),), ((1,),)],
        keywords=lambda pick, s: {
            "axis": an_axis(pick, s),
            "period": pick([2 * math.pi, 1.1]),
            "discont": pick([None, 0.9]),
        },
        distinct=True,
    )
]

# --- convolution ----------------------------------------------------------------------------------

LENGTHS = [((4,), (3,)), ((3,), (4,)), ((3,), (3,)), ((4,), (2,)), ((1,), (4,)), ((2,), (5,)), ((1,), (1,))]


def moded(pick, *shapes):
    return {"mode": pick(["full", "same", "valid"])}


CONVOLUTION = [
    *(
        Case(
            f"{fn.__name__}{more}",
            fn,
            operands,
            (sequences.convolve_full,),
            shapes=LENGTHS,
            keywords=moded,
            analytic=operands == (REAL, REAL) and fn is np.convolve,
        )
        for fn in (np.convolve, np.correlate)
        for more, operands in [
            ("", (REAL, REAL)),
            ("_of_complex", (COMPLEX, COMPLEX)),
            ("_of_real_and_complex", (REAL, COMPLEX)),
            ("_of_complex_and_real", (COMPLEX, REAL)),
        ]
    ),
    Case(
        "convolve_of_number",
        np.convolve,
        (REAL, REAL),
        (sequences.convolve_full,),
        shapes=[((), (3,)), ((3,), ())],
        analytic=True,
    ),
]


def windows(pick, shape):
    n = len(shape)
    every = {"window_shape": tuple(pick([1, m]) for m in shape)}
    return pick(
        [{"window_shape": pick([1, 2]), "axis": pick([i for i in range(-n, n) if shape[i] > 1])}, every]
        + ([{"window_shape": (2, 2), "axis": (-1, -1)}] if shape[-1] > 2 else [])
    )


def folded(pick, shape):
    """Windows with one or two axes of their own: along axis 0, or along both axes, or twice along the first."""
    if len(shape) < 4:
        n = len(shape) - 1
        return {"shape": (shape[0] + shape[n] - 1, *shape[1:n]), "axes": (0,)}
    both = {"shape": (shape[0] + shape[2] - 1, shape[1] + shape[3] - 1), "axes": (0, 1)}
    return pick([both, {"shape": (shape[0] + shape[2] + shape[3] - 2, shape[1]), "axes": (0, 0)}])


def plain_fold(windows, shape, axes):
    """Every entry of every window, added where it comes from."""
    x = np.zeros(shape, windows.dtype)
    for index in np.ndindex(windows.shape):
        place = list(index[: len(shape)])
        for a, i in zip(axes, index[len(shape) :], strict=True):
            place[a] += i
        x[tuple(place)] += windows[index]
    return x


WINDOWS = [
    Case(
        "sliding_window_view",
        np.lib.stride_tricks.sliding_window_view,
        (REAL,),
        (sequences.slide,),
        shapes=[((4,),), ((2, 3),), ((3, 2, 3),)],
        keywords=windows,
        analytic=True,
    ),
    Case(
        "fold_windows",
        sequences.fold_windows,
        (REAL,),
        (sequences.fold_windows,),
        shapes=[((3, 2),), ((2, 3, 2, 2),), ((2, 1, 3),), ((2, 1, 2, 2),)],
        keywords=folded,
        reference=plain_fold,
        analytic=True,
    ),
]


def series(x, n):
    """The modified Bessel function by its power series."""
    half = np.asarray(x, np.float64) / 2
    y = sum(half ** (2 * k + n) / (float(math.factorial(k) * math.factorial(k + n))) for k in range(40))
    return y.astype(x.dtype)[()]


BESSEL = [
    Case("i0_of_numpy", np.i0, (Interval(-6.0, 6.0),), (sequences.i0,), shapes=[(s,) for s in ANY]),
    Case(
        "i0_far_out",
        np.i0,
        (Interval(10.0, 30.0),),
        (sequences.i0,),
        points=(Point((0.0,), (0.0,), (0.5,)),),
    ),
    Case(
        "bessel",
        sequences.bessel,
        (Interval(-6.0, 6.0),),
        (sequences.bessel,),
        shapes=[(s,) for s in SOLID],
        keywords=lambda pick, s: {"n": pick([0, 1, 2, 5])},
        reference=series,
        points=(Point((0.0,), (0.5,), (0.0,), {"n": 1}),),
    ),
]

CASES = [*SLOPES, *AREAS, *INTERPOLATION, *UNWRAPPED, *CONVOLUTION, *WINDOWS, *BESSEL]
