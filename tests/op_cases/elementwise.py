"""Rows for autodiff/ops/elementwise.py."""

import math

import numpy as np

from autodiff import special
from autodiff.ops import elementwise as ew
from tests.op_cases.case import (
    COMPLEX,
    INSIDE,
    NONZERO,
    POSITIVE,
    REAL,
    Case,
    Interval,
    Point,
    Whole,
)

INF, NAN = math.inf, math.nan


def unary(fn, domain, primitive, *points, analytic=True, **more):
    """A row for a function of one operand, named for it."""
    return Case(fn.__name__, fn, (domain,), (primitive,), analytic=analytic, points=points, **more)


def at(x, slope, second=None):
    """A special point of a function of one operand."""
    return Point((x,), (slope,), None if second is None else (second,))


def sinc_series(x, n):
    """The n-th derivative of sin(u)/u, u = pi x, by the first terms of its power series in long double."""
    u = np.asarray(x, np.longdouble) * np.longdouble("3.14159265358979323846264338327950288")
    total, term = np.zeros_like(u), np.ones_like(u)
    for m in range(60):  # the coefficient of u^m is that of sin(u)/u: 0 for odd m
        k = m + n
        if k % 2 == 0:
            total = total + (-1) ** (k // 2) * term / (k + 1)
        term = term * u / (m + 1)
    return np.asarray(total * np.longdouble(math.pi) ** n).astype(np.asarray(x).dtype)[()]


ARITHMETIC = [
    Case("add", np.add, (REAL, REAL), (ew.add,), analytic=True),
    Case("subtract", np.subtract, (REAL, REAL), (ew.subtract,), analytic=True),
    Case("multiply", np.multiply, (REAL, REAL), (ew.multiply,), analytic=True),
    Case(
        "divide",
        np.divide,
        (REAL, NONZERO),
        (ew.divide,),
        analytic=True,
        points=(Point((1.0, 0.0), (INF, -INF)), Point((0.0, 2.0), (0.5, 0.0))),
    ),
    Case("divide_by_a_number", lambda a: a / 3.0, (REAL,), (ew.divide_by_number,), analytic=True),
    Case("number_over", lambda b: 3.0 / b, (NONZERO,), (ew.divide,), analytic=True),
    unary(np.negative, REAL, ew.negative),
    unary(np.positive, REAL, ew.positive),
    unary(np.copy, REAL, ew.positive),
    unary(np.reciprocal, NONZERO, ew.reciprocal, at(0.0, -INF)),
    Case(
        "remainder",
        np.remainder,
        (Interval(-5, 5), NONZERO),
        (ew.remainder,),
        points=(Point((5.5, 2.0), (1.0, -2.0)), Point((-5.5, 2.0), (1.0, 3.0))),
    ),
    Case("fmod", np.fmod, (Interval(-5, 5), NONZERO), (ew.fmod,), points=(Point((-5.5, 2.0), (1.0, 2.0)),)),
    Case("divmod", lambda a, b: np.divmod(a, b)[1], (Interval(-5, 5), NONZERO), (ew.remainder,), (np.divmod,)),
    Case("operators", lambda a, b: +a * -b + a / b - a, (REAL, NONZERO), (ew.multiply,), analytic=True),
]

POWERS = [
    unary(np.square, REAL, ew.square),
    unary(np.sqrt, POSITIVE, ew.sqrt, at(0.0, INF), at(np.array([0.0, 4.0]), np.array([INF, 0.25]))),
    unary(np.cbrt, NONZERO, ew.cbrt, at(0.0, INF), analytic=False),
    Case(
        "power_2",
        lambda x: x**2,
        (REAL,),
        (ew.square,),
        analytic=True,
        points=(at(0.0, 0.0, 2.0), at(np.array([-1e150, 1e-150]), np.array([-2e150, 2e-150]))),
    ),
    Case("power_5", lambda x: x**5, (REAL,), (ew.integer_power,), analytic=True, points=(at(0.0, 0.0, 0.0),)),
    Case("power_0", lambda x: x**0, (REAL,), points=(at(0.0, 0.0),)),
    Case("power_1", lambda x: x**1, (REAL,), points=(at(0.0, 1.0, 0.0),)),
    Case("power_3_of_numpy", lambda x: np.power(x, 3), (REAL,), (ew.integer_power,), (np.power,), analytic=True),
    Case("power_half", lambda x: x**0.5, (POSITIVE,), (ew.sqrt,), analytic=True, points=(at(0.0, INF),)),
    Case(
        "real_power",
        lambda x: x**1.5,
        (POSITIVE,),
        (ew.real_power,),
        analytic=True,
        points=(at(0.0, 0.0, INF), at(np.array([1e200]), np.array([1.5e100]))),
    ),
    Case(
        "negative_power",
        lambda x: x**-2.0,
        (NONZERO,),
        (ew.real_power,),
        points=(at(0.0, -INF), at(np.array([-2.0]), np.array([0.25]))),
    ),
    Case(
        "power",
        np.power,
        (POSITIVE, REAL),
        (ew.power,),
        analytic=True,
        points=(
            Point((np.zeros(3), np.arange(3.0)), (np.array([0.0, 1.0, 0.0]), np.zeros(3))),
            Point((0.0, 0.5), (INF, 0.0)),
            Point((0.0, -1.0), (-INF, -INF)),
            Point((0.0, 3.0), (0.0, 0.0)),
        ),
    ),
    Case(
        "power_untracked",
        lambda x: x ** np.array([2.0, 3.0, -1.0]),
        (NONZERO,),
        (ew.power,),
        shapes=[((3,),), ((2, 3),)],
        points=(at(np.array([-2.0, -1.0, -0.5]), np.array([-4.0, 3.0, -4.0])),),
    ),
    Case(
        "power_and_logs",
        ew.power_and_logs,
        (POSITIVE, REAL),
        (ew.power_and_logs,),
        keywords=lambda pick, x, n: {"k": pick([1, 0, 2])},
        reference=lambda x, n, k: x**n * np.log(x) ** k,
    ),
    Case("number_to_power", lambda x: 2.5**x, (REAL,), (ew.number_to_power,), analytic=True),
    Case("float_power", np.float_power, (POSITIVE, REAL), (ew.float_power,)),
]

EXPONENTIALS = [
    unary(np.exp, REAL, ew.exp, at(-INF, 0.0, 0.0)),
    unary(np.exp2, REAL, ew.exp2, analytic=False),
    unary(np.expm1, REAL, ew.expm1, at(-40.0, math.exp(-40))),
    unary(np.log, POSITIVE, ew.log, at(0.0, INF), at(np.array([0.0, 2.0]), np.array([INF, 0.5]))),
    unary(np.log2, POSITIVE, ew.log2, at(0.0, INF)),
    unary(np.log10, POSITIVE, ew.log10, at(0.0, INF)),
    unary(np.log1p, Interval(-0.7, 3), ew.log1p, at(-1.0, INF)),
    Case(
        "logaddexp",
        np.logaddexp,
        (REAL, REAL),
        (ew.logaddexp,),
        points=(
            Point((-INF, -INF), (0.0, 0.0)),
            Point((INF, INF), (0.5, 0.5)),
            Point((-INF, 1.0), (0.0, 1.0)),
            Point((1000.0, 1000.0), (0.5, 0.5)),
            Point((0.0, 800.0), (0.0, 1.0)),
        ),
    ),
    Case(
        "logaddexp2",
        np.logaddexp2,
        (REAL, REAL),
        (ew.logaddexp2,),
        points=(Point((-INF, -INF), (0.0, 0.0)), Point((INF, INF), (0.5, 0.5)), Point((3000.0, 3000.0), (0.5, 0.5))),
    ),
    Case(
        "sigmoid",
        special.sigmoid,
        (Interval(-4, 4),),
        (ew.sigmoid,),
        reference=lambda x: 1 / (1 + np.exp(-x)),
        points=(
            at(0.0, 0.25, 0.0),
            at(np.array([-1000.0, 1000.0, -INF, INF]), np.zeros(4)),
            at(40.0, math.exp(-40), -math.exp(-40)),
            at(-40.0, math.exp(-40), math.exp(-40)),
        ),
    ),
    Case(
        "sigmoid_slope",
        ew.sigmoid_slope,
        (Interval(-4, 4),),
        (ew.sigmoid_slope,),
        reference=lambda x: 1 / (1 + np.exp(-x)) / (1 + np.exp(x)),
        points=(at(0.0, 0.0, -0.125),),
    ),
    Case(
        "tanh_slope",
        ew.tanh_slope,
        (Interval(-4, 4),),
        (ew.tanh_slope,),
        reference=lambda x: 1 / np.cosh(x) ** 2,
        points=(at(0.0, 0.0, -2.0),),
    ),
    Case(
        "softplus",
        special.softplus,
        (Interval(-4, 4),),
        (ew.softplus,),
        reference=lambda x: np.log1p(np.exp(x)),
        points=(at(0.0, 0.5, 0.25), at(np.array([-INF, INF, 1000.0, -1000.0]), np.array([0.0, 1.0, 1.0, 0.0]))),
    ),
]

TRIGONOMETRY = [
    unary(np.sin, REAL, ew.sin),
    unary(np.cos, REAL, ew.cos),
    unary(np.tan, Interval(-1, 1), ew.tan),
    unary(np.arcsin, INSIDE, ew.arcsin, at(np.array([-1.0, 1.0]), np.array([INF, INF]))),
    unary(np.arccos, INSIDE, ew.arccos, at(np.array([-1.0, 1.0]), np.array([-INF, -INF]))),
    unary(np.arctan, REAL, ew.arctan, at(np.array([1e200, -INF]), np.zeros(2))),
    unary(np.sinh, REAL, ew.sinh),
    unary(np.cosh, REAL, ew.cosh),
    unary(
        np.tanh,
        REAL,
        ew.tanh,
        at(np.array([1000.0, -INF]), np.zeros(2)),
        at(40.0, 4 * math.exp(-80), -8 * math.exp(-80)),
        at(0.0, 1.0, 0.0),
    ),
    Case(
        "one_minus_square",
        ew.one_minus_square,
        (REAL,),
        (ew.one_minus_square,),
        reference=lambda y: 1 - y**2,
        analytic=True,
    ),
    unary(np.arcsinh, REAL, ew.arcsinh, at(1e200, 1e-200)),
    unary(np.arccosh, Interval(1.3, 4), ew.arccosh, at(1.0, INF)),
    unary(np.arctanh, INSIDE, ew.arctanh, at(np.array([1.0, -1.0]), np.array([INF, INF]))),
    unary(np.degrees, REAL, ew.degrees, analytic=False),
    unary(np.radians, REAL, ew.radians, analytic=False),
    unary(np.rad2deg, REAL, ew.rad2deg, analytic=False),
    unary(np.deg2rad, REAL, ew.deg2rad, analytic=False),
    unary(
        np.sinc,
        Interval(-3, 3),
        ew.sinc,
        at(0.0, 0.0, -(math.pi**2) / 3),
        at(1e-9, -(math.pi**2) / 3 * 1e-9, -(math.pi**2) / 3),
        analytic=False,
    ),
    Case(
        "sinc_derivative",
        ew.sinc_derivative,
        (Interval(-1.5, 1.5),),
        (ew.sinc_derivative,),
        keywords=lambda pick, shape: {"n": pick([1, 2, 3, 4])},
        reference=lambda x, n: sinc_series(x, n),
        points=(Point((0.0,), (math.pi**4 / 5,), keywords={"n": 3}), Point((0.0,), (0.0,), keywords={"n": 4})),
    ),
]

DISTANCES = [
    Case(
        "ratio",
        ew.ratio,
        (REAL, POSITIVE),
        (ew.ratio,),
        reference=lambda x, r: x / r,
        points=(Point((0.0, 0.0), (NAN, NAN)),),
    ),
    Case(
        "hypot",
        np.hypot,
        (NONZERO, NONZERO),
        (ew.hypot,),
        points=(
            Point((0.0, 0.0), (0.0, 0.0), (NAN, NAN)),
            Point((0.0, 2.0), (0.0, 1.0)),
            Point((3e200, 4e200), (0.6, 0.8)),
        ),
    ),
    Case(
        "arctan2",
        np.arctan2,
        (NONZERO, NONZERO),
        (ew.arctan2,),
        points=(
            Point((0.0, 0.0), (0.0, 0.0)),
            Point((0.0, -1.0), (-1.0, 0.0)),
            Point((1e200, 1e200), (5e-201, -5e-201)),
        ),
    ),
    unary(np.fabs, NONZERO, ew.fabs, at(np.zeros(2), np.zeros(2)), at(NAN, NAN), analytic=False),
    Case(
        "copysign",
        np.copysign,
        (NONZERO, NONZERO),
        (ew.copysign,),
        points=(Point((2.0, -3.0), (-1.0, 0.0)), Point((0.0, 1.0), (0.0, 0.0))),
    ),
]

PARTS_OF_A_NUMBER = [
    Case("modf", lambda x: np.modf(x)[0], (Interval(-3, 3),), (ew.fraction,), (np.modf,)),
    Case("frexp", lambda x: np.frexp(x)[0], (NONZERO,), (ew.ldexp, ew.exponent), (np.frexp,)),
    Case("nextafter", np.nextafter, (REAL, REAL), (ew.nextafter,)),
    Case("ldexp", np.ldexp, (REAL, Whole()), (ew.ldexp,)),
    Case(
        "floor_is_constant", lambda x: x * np.floor(x) + np.round(x) + np.trunc(x), (Interval(-3, 3),), (ew.multiply,)
    ),
]

# Analytic functions hold for complex operands without a word of their own; a few show it.
OF_COMPLEX = [
    Case("complex_multiply", np.multiply, (COMPLEX, COMPLEX), (ew.multiply,)),
    Case("complex_times_real", np.multiply, (COMPLEX, REAL), (ew.multiply,)),
    Case("complex_divide", np.divide, (COMPLEX, COMPLEX), (ew.divide,)),
    Case("complex_power", lambda z: z**3, (COMPLEX,), (ew.integer_power,)),
    *(
        Case(f"complex_{f.__name__}", f, (COMPLEX,), (p,))
        for f, p in [
            (np.exp, ew.exp),
            (np.log, ew.log),
            (np.sqrt, ew.sqrt),
            (np.sin, ew.sin),
            (np.cos, ew.cos),
            (np.square, ew.square),
            (np.reciprocal, ew.reciprocal),
        ]
    ),
]

CASES = [
    *ARITHMETIC,
    *POWERS,
    *EXPONENTIALS,
    *TRIGONOMETRY,
    *DISTANCES,
    *PARTS_OF_A_NUMBER,
    *OF_COMPLEX,
]
