"""A function of two numbers: gradient, direction, tangent plane, curvature, and all critical points in the window."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
import optim
from demos.explorer.rooms.common import Array, defined, finite, outcome, program
from demos.explorer.rooms.plane import box_entries, box_of, definition, heights, of_point
from demos.explorer.state import Flag, Number, Typed

TITLE = "Surface"
ABOUT = "Drag the round point over the plane, and the square one around it to turn the direction."

STATE = {
    "f": Typed("f(x, y)", "x^3/3 - x + y^2 - x*y/2", ("x", "y")),
    "x": Number("x", 0.5, -1e6, 1e6, 0.01, control="number"),
    "y": Number("y", 1.0, -1e6, 1e6, 0.01, control="number"),
    "angle": Number("direction in degrees", 30.0, 0.0, 360.0, 1.0),
    "plane": Flag("tangent plane", True),
    "ellipse": Flag("curvature ellipse", True),
    "critical": Flag("critical points", False),
    **box_entries(-2.5, 2.5, -2.0, 2.0),
}


def grid(state: Any, _: dict[str, Any]) -> dict[str, Any]:
    """The surface over the window."""
    return heights(state)


def view(state: Any, _: dict[str, Any]) -> dict[str, Any]:
    """Everything at the point."""
    f = of_point(state.f)
    p = np.array([state.x, state.y])
    turn = np.deg2rad(state.angle)
    direction = np.array([np.cos(turn), np.sin(turn)])
    value = float(f(p))
    g, H = defined(value, ad.grad(f)(p)), defined(value, ad.hessian(f)(p))
    eigenvalues, axes = np.linalg.eigh(H) if np.isfinite(H).all() else (np.full(2, np.nan), np.eye(2))
    numbers = {
        "value": value,
        "along": float(defined(value, ad.directional_derivative(f, p, direction))),
        "fx": float(g[0]),
        "fy": float(g[1]),
        "steepness": float(np.linalg.norm(g)),
        "fxx": float(H[0, 0]),
        "fxy": float(H[0, 1]),
        "fyy": float(H[1, 1]),
        "low": float(eigenvalues[0]),
        "high": float(eigenvalues[1]),
        "kind": _kind(eigenvalues, g, value),
    }
    corners = np.array([[x, y] for y in (state.bottom, state.top) for x in (state.left, state.right)])
    return {
        "numbers": numbers,
        "direction": direction,
        "plane": finite(value + (corners - p) @ g).reshape(2, 2),
        "ellipse": _ellipse(p, eigenvalues, axes, 0.2 * min(state.right - state.left, state.top - state.bottom)),
        "dial": defined(value, ad.jvp(lambda t: _around(f, p, t), (np.zeros(73),), (np.ones(73),))[1]),
        "python": python(state),
    }


def _around(f: Any, p: Array, t: Any) -> Any:
    """The function at steps `t` from the point, one in each of the 73 directions of the dial."""
    turns = np.deg2rad(np.linspace(0.0, 360.0, 73))
    return f(np.stack([p[0] + t * np.cos(turns), p[1] + t * np.sin(turns)]))


def _kind(eigenvalues: Array, g: Array, value: float) -> str:
    """The shape of the surface at the point, by the signs of the curvatures."""
    if not np.isfinite(eigenvalues).all():
        return "not defined"
    small = 1e-9 * float(np.abs(eigenvalues).max())
    flat = np.abs(eigenvalues) <= small
    here = "critical point, " if float(np.abs(g).max()) <= 1e-6 * max(1.0, abs(value)) else ""
    if flat.all():
        return here + "flat"
    if flat.any():
        return here + "curved in one direction only"
    if (eigenvalues > 0).all():
        return here + ("minimum" if here else "curved upwards")
    if (eigenvalues < 0).all():
        return here + ("maximum" if here else "curved downwards")
    return here + ("saddle" if here else "curved both ways")


def _ellipse(p: Array, eigenvalues: Array, axes: Array, size: float) -> Array:
    """Where the second-order part of the function changes by the same amount in each direction; (2, 73)."""
    t = np.linspace(0.0, 2 * np.pi, 73)
    lengths = np.abs(eigenvalues) ** -0.5
    if not np.isfinite(lengths).all():
        return np.full((2, 73), np.nan)
    lengths = size * lengths / lengths.max()
    circle: Array = np.stack([np.cos(t), np.sin(t)])
    return np.asarray(p[:, None] + axes @ (lengths[:, None] * circle))


def critical(state: Any, _: dict[str, Any]) -> dict[str, Any]:
    """All critical points in the window."""
    left, right, bottom, top = box_of(state)
    found = outcome(lambda: optim.critical_points(of_point(state.f), [(left, right), (bottom, top)]))
    points = [
        {
            "kind": c.kind,
            "x": float(c.x[0]),
            "y": float(c.x[1]),
            "value": c.fun,
            "eigenvalues": c.eigenvalues.tolist(),
        }
        for c in found.value or []
    ]
    return {"points": points, "note": found.message}


def python(state: Any) -> str:
    """The program that draws this view."""
    left, right, bottom, top = box_of(state)
    turn = np.deg2rad(state.angle)
    lines = [
        f"p = np.array([{state.x!r}, {state.y!r}])",
        f"v = np.array([{float(np.cos(turn))!r}, {float(np.sin(turn))!r}])",
        f"box = ({left!r}, {right!r}, {bottom!r}, {top!r})",
        'print("value:", f(p))',
        'print("gradient:", ad.grad(f)(p))',
        'print("derivative along v:", ad.directional_derivative(f, p, v))',
        'print("Hessian:", ad.hessian(f)(p))',
        "try:",
        "    ad.plotting.gradient_field(f, box)",
        "    ad.plotting.directional_derivative(f, p, v, box=box)",
    ]
    if state.critical:
        lines += ["    for point in optim.critical_points(f, [box[:2], box[2:]]):", "        print(point)"]
    lines += ["except ad.DomainError as error:  # f is not defined there", "    print(error)"]
    return program(definition(state.f), lines, "import optim")


ASKS = {"view": view, "grid": grid, "critical": critical}
