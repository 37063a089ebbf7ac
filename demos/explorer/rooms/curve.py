"""A function of one number: tangent, parabola, Taylor polynomial, secant, derivatives, sums and the integral."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from autodiff import calculus
from demos.explorer.expressions import Expression
from demos.explorer.rooms.common import POINTS, Array, defined, finite, outcome, program, window
from demos.explorer.state import Choice, Flag, Integer, Number, Typed

TITLE = "Curve"
ABOUT = "Drag the point along the curve, and the limits of the integral along the axis."
RULES = ("left", "right", "midpoint", "trapezoid", "simpson")

STATE = {
    "f": Typed("f(x)", "x*sin(x)", ("x",)),
    "x": Number("x", 1.0, -1e6, 1e6, 0.01, control="number"),
    "tangent": Flag("tangent", True),
    "parabola": Flag("second-order parabola", False),
    "taylor": Flag("Taylor polynomial", False),
    "order": Integer("order", 4, 0, 20, 1),
    "secant": Flag("secant", False),
    "h": Number("h", 1.0, 1e-16, 4.0, 0.01, scale="log"),
    "slope": Flag("f′", True),
    "second": Flag("f″", False),
    "sums": Flag("integral", False),
    "a": Number("from", 0.0, -1e6, 1e6, 0.01, control="number"),
    "b": Number("to", 3.0, -1e6, 1e6, 0.01, control="number"),
    "n": Integer("subintervals", 8, 1, 200, 1),
    "rule": Choice("rule", "midpoint", tuple((rule, rule) for rule in RULES)),
    "left": Number("left", -6.0, -1e6, 1e6, 0.01, control="none"),
    "right": Number("right", 6.0, -1e6, 1e6, 0.01, control="none"),
}


def view(state: Any, _: dict[str, Any]) -> dict[str, Any]:
    """Everything that is shown for a state: curves over the window, and the numbers at the point."""
    f: Expression = state.f
    x = window(state)
    curves = {"x": x, "f": finite(f(x))}
    value, order = float(f(state.x)), max(state.order if state.taylor else 0, 2)
    coefficients = outcome(lambda: ad.taylor(f, state.x, order))
    at = defined(value, np.full(order + 1, np.nan) if coefficients.value is None else coefficients.value)
    numbers = {"value": value, "slope": float(at[1]), "second": float(2 * at[2])}
    for name, wanted, n in (("slope", state.slope, 1), ("second", state.second, 2)):
        if wanted:
            curves[name] = defined(curves["f"], finite(ad.derivative(f, n)(x)))
    shown = {"tangent": (state.tangent, 1), "parabola": (state.parabola, 2), "taylor": (state.taylor, state.order)}
    for name, (wanted, n) in shown.items():
        if wanted:
            curves[name] = _polynomial(at[: n + 1], x - state.x)
    if state.secant:
        numbers |= _secant(f, state)
        curves["secant"] = numbers["value"] + numbers["secant"] * (x - state.x)
    found: dict[str, Any] = {"curves": curves, "numbers": numbers, "coefficients": at, "note": coefficients.message}
    if state.sums:
        found["sums"] = _sums(f, state)
    return {**found, "python": python(state)}


def _polynomial(coefficients: Array, dx: Array) -> Array:
    y = np.zeros_like(dx)
    for c in coefficients[::-1]:
        y = y * dx + c
    return finite(y)


def _secant(f: Expression, state: Any) -> dict[str, Any]:
    """The slope of the secant and its error; the two parts of the error that theory expects, as sizes."""
    value = f(state.x)
    slope = (f(state.x + state.h) - value) / state.h
    error = calculus.difference_error(f, state.x, state.h, side="forward", accuracy=1)
    return {
        "secant": float(slope),
        "secant_error": float(slope - ad.derivative(f)(state.x)),
        "truncation": float(defined(value, abs(error))),
        "rounding": float(np.finfo(float).eps * abs(value) / state.h),
    }


def _sums(f: Expression, state: Any) -> dict[str, Any]:
    """The integral, the sum by each rule with its error, and the shapes of the chosen rule."""
    exact = outcome(lambda: ad.integrate(f, state.a, state.b, return_error=True))
    integral, error = exact.value if exact.value is not None else (np.nan, np.nan)
    rows = []
    for rule in RULES:
        found = float(calculus.riemann_sum(f, state.a, state.b, state.n, rule))
        rows.append({"rule": rule, "sum": found, "error": float(found - integral)})
    edges = np.linspace(state.a, state.b, state.n + 1)
    place = {"left": 0.0, "right": 1.0}.get(state.rule, 0.5)
    return {
        "integral": float(integral),
        "integral_error": float(error),
        "rows": rows,
        "edges": edges,
        "heights": finite(f(edges[:-1] + place * np.diff(edges))),
        "ends": finite(f(edges)),
        "note": exact.message,
    }


def python(state: Any) -> str:
    """The program that draws this view."""
    plots: list[str] = []
    drawn = {"f": "f(grid)"}
    if state.slope:
        drawn["f′"] = "ad.derivative(f)(grid)"
    if state.second:
        drawn["f″"] = "ad.derivative(f, 2)(grid)"
    if state.tangent or state.parabola:
        plots.append(f"ad.plotting.tangent(f, x, parabola={state.parabola}, interval=window)")
    if state.taylor:
        plots.append(f"ad.plotting.taylor_polynomials(f, x, [{state.order}], interval=window)")
    if state.secant:
        plots.append(f"ad.plotting.secant_to_tangent(f, x, [{state.h!r}], interval=window)")
    if state.sums and state.rule != "simpson" and state.a < state.b:
        plots.insert(0, f"ad.plotting.riemann(f, {state.a!r}, {state.b!r}, {state.n}, rule={state.rule!r})")
    if plots:
        plots = ["try:", *(f"    {line}" for line in plots)]
        plots += ["except ad.DomainError as error:  # f is not defined there", "    print(error)"]
    lines = [
        f"x, window = np.float64({state.x!r}), ({state.left!r}, {state.right!r})",
        'print("value, slope, second derivative:", f(x), ad.derivative(f)(x), ad.derivative(f, 2)(x))',
        f'print("Taylor coefficients:", ad.taylor(f, x, {state.order}))',
    ]
    if state.sums:
        lines += [
            "try:",
            f'    print("integral:", ad.integrate(f, {state.a!r}, {state.b!r}))',
            "except ad.DomainError as error:  # it diverges, or f is not defined there",
            "    print(error)",
            f'print("sum:", ad.calculus.riemann_sum(f, {state.a!r}, {state.b!r}, {state.n}, {state.rule!r}))',
        ]
    if not plots or len(drawn) > 1:
        plots += [f"grid = np.linspace(*window, {POINTS})", "plt.figure()"]
        plots += [f"plt.plot(grid, {y} + 0 * grid, label={name!r})" for name, y in drawn.items()]
        plots.append("plt.legend()")
    return program(["def f(x):", f"    return {state.f.python}"], [*lines, *plots])


ASKS = {"view": view}
