"""Methods that look for a minimum, from one start: their paths, and the rate at which descent begins to diverge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autodiff as ad
import optim
from demos.explorer.expressions import Expression
from demos.explorer.rooms.common import Array, defined, outcome, program
from demos.explorer.rooms.plane import box_entries, box_of, definition, heights, of_point
from demos.explorer.state import Integer, Number, Several, Typed

TITLE = "Descent"
ABOUT = "Drag the start; every method runs from there. Above the marked rate descent cannot settle in the minimum."
BETA = 0.9
"""The momentum of both methods that have one, and the weight of the past in RMSProp's mean square."""
THRESHOLDS = {"gd": 2.0, "momentum": 2.0 * (1.0 + BETA), "nesterov": 2.0 * (1.0 + BETA) / (1.0 + 2.0 * BETA)}
"""The rates above which a method diverges on a parabola of curvature 1."""
SPREAD = 200.0
"""How much finer the bands of the contours are at the lowest value than they would be if they were even."""
FAR = 1e8
"""A path that is further from the origin than this has diverged, and ends."""

NAMES = {
    "gd": "gradient descent",
    "momentum": "momentum",
    "nesterov": "Nesterov",
    "rmsprop": "RMSProp",
    "adam": "Adam",
    "lbfgs": "L-BFGS",
    "newton": "Newton",
}
MINIMIZE = {"lbfgs": "lbfgs", "newton": "newton-cg"}
PROGRAM = {
    "gd": "optim.GradientDescent([p], {rate!r})",
    "momentum": "optim.Momentum([p], {rate_momentum!r}, momentum=0.9)",
    "nesterov": "optim.Momentum([p], {rate_momentum!r}, momentum=0.9, nesterov=True)",
    "rmsprop": "optim.RMSProp([p], {rate_rmsprop!r}, alpha=0.9)",
    "adam": "optim.Adam([p], {rate_adam!r})",
}

STATE = {
    "f": Typed("f(x, y)", "(1 - x)^2 + 10*(y - x^2)^2", ("x", "y")),
    "x": Number("start, x", -1.0, -1e6, 1e6, 0.01, control="number"),
    "y": Number("start, y", 1.5, -1e6, 1e6, 0.01, control="number"),
    "methods": Several("methods", "gd,momentum,adam", tuple(NAMES.items())),
    "rate": Number("rate of gradient descent", 0.01, 1e-5, 10.0, 0.01, scale="log"),
    "rate_momentum": Number("rate of momentum and Nesterov", 0.005, 1e-5, 10.0, 0.01, scale="log"),
    "rate_rmsprop": Number("rate of RMSProp", 0.05, 1e-5, 10.0, 0.01, scale="log"),
    "rate_adam": Number("rate of Adam", 0.1, 1e-5, 10.0, 0.01, scale="log"),
    "steps": Integer("steps", 100, 1, 500, 1),
    **box_entries(-2.0, 2.0, -1.0, 3.0),
}


def grid(state: Any, _: dict[str, Any]) -> dict[str, Any]:
    """The function over the window, and its bands: from 0 to 1, finer where it is low, as valleys are looked at."""
    found = heights(state)
    low, high = found["range"]
    share = np.clip((found["z"] - low) / (high - low), 0.0, 1.0)
    return {**found, "bands": np.log1p(SPREAD * share) / np.log1p(SPREAD)}


def view(state: Any, session: dict[str, Any]) -> dict[str, Any]:
    """The path of every method, with the value, the gradient and the curvature at its points."""
    f, start = of_point(state.f), np.array([state.x, state.y])
    value = f(start)
    slope = _compiled(state.f, session)
    paths = {name: _path(name, f, slope, start, state) for name in state.methods}
    return {
        "paths": {name: {"points": path, **_along(f, path)} for name, path in paths.items()},
        "numbers": {
            "value": float(value),
            "steepness": float(defined(value, np.linalg.norm(ad.grad(f)(start)))),
        },
        "python": python(state),
    }


def threshold(state: Any, _: dict[str, Any]) -> dict[str, Any]:
    """The largest curvature at the minimum below the start, and the rates above which methods diverge from it."""
    f = of_point(state.f)
    largest = _largest_curvature(f, _minimized("newton", f, np.array([state.x, state.y]), 200))
    return {
        "numbers": {"largest": largest, "threshold": 2.0 / largest},
        "thresholds": {name: factor / largest for name, factor in THRESHOLDS.items() if name in state.methods},
    }


def _compiled(f: Expression, session: dict[str, Any]) -> Callable[[Array], Any]:
    """The gradient as a compiled function, kept as long as the function stays the same."""
    if session.get("text") != f.text:
        session.update(text=f.text, slope=ad.compile(ad.grad(of_point(f)), fallback=True))
    slope: Callable[[Array], Any] = session["slope"]
    return slope


def _path(name: str, f: Any, slope: Any, start: Array, state: Any) -> Array:
    """The points that a method visits, (steps + 1, 2); fewer if it arrives or is lost."""
    if name in MINIMIZE:
        return _history(_minimized(name, f, start, state.steps), start)
    p = ad.tensor(start, requires_grad=True)
    optimizer = _optimizer(name, p, state)
    points = [start]
    for _ in range(state.steps):
        p.grad = slope(points[-1])
        optimizer.step()
        points.append(np.array(p.data))
        if not np.abs(points[-1]).max() < FAR:
            break
    path: Array = np.array(points)
    return np.asarray(path[np.isfinite(path).all(axis=1)])


def _minimized(name: str, f: Any, start: Array, steps: int) -> Any:
    """The result of `optim.minimize`; None where the function has no gradient."""
    return outcome(lambda: optim.minimize(f, start, MINIMIZE[name], max_iter=steps, certify=False)).value


def _history(found: Any, start: Array) -> Array:
    return np.array([record.x for record in found.history]) if found is not None else start[None]


def _optimizer(name: str, p: ad.Tensor, state: Any) -> Any:
    if name == "gd":
        return optim.GradientDescent([p], state.rate)
    if name == "rmsprop":
        return optim.RMSProp([p], state.rate_rmsprop, alpha=BETA)
    if name == "adam":
        return optim.Adam([p], state.rate_adam)
    return optim.Momentum([p], state.rate_momentum, momentum=BETA, nesterov=name == "nesterov")


def _along(f: Any, path: Array) -> dict[str, Any]:
    """Value, length of the gradient and curvature along the next step, at all points of a path at once."""
    x, steps = path.T, np.diff(path, axis=0).T
    steps = np.concatenate([steps, steps[:, -1:]], axis=1) if steps.size else np.zeros_like(x)  # the last one again
    slopes = ad.grad(lambda q: f(q).sum())
    _, turned = ad.jvp(slopes, (x,), (steps,))
    value, lengths = f(x), (steps**2).sum(axis=0)
    return {
        "value": value,
        "steepness": defined(value, np.linalg.norm(slopes(x), axis=0)),
        "curvature": defined(value, (steps * turned).sum(axis=0) / np.where(lengths > 0, lengths, np.nan)),
    }


def _largest_curvature(f: Any, found: Any) -> float:
    """The largest eigenvalue of the Hessian at the minimum that Newton's method finds; NaN if it finds none."""
    if found is None or not found.success:
        return np.nan
    largest = float(np.linalg.eigvalsh(ad.hessian(f)(found.x))[-1])
    return largest if largest > 0 else np.nan


def python(state: Any) -> str:
    """The program that draws this view."""
    left, right, bottom, top = box_of(state)
    rates = {name: getattr(state, name) for name in ("rate", "rate_momentum", "rate_rmsprop", "rate_adam")}
    first_order = [name for name in state.methods if name in PROGRAM]
    lines = [
        f"start, steps, paths = np.array([{state.x!r}, {state.y!r}]), {state.steps}, {{}}",
    ]
    if first_order:
        lines.append("methods = {")
        lines += [f"    {NAMES[name]!r}: lambda p: {PROGRAM[name].format(**rates)}," for name in first_order]
        lines += [
            "}",
            "for name, method in methods.items():",
            "    p = ad.tensor(start, requires_grad=True)",
            "    optimizer, path = method(p), [start]",
            "    for _ in range(steps):",
            "        p.grad = ad.grad(f)(p.data)",
            "        optimizer.step()",
            "        path.append(np.array(p.data))",
            f"        if not np.abs(path[-1]).max() < {FAR!r}:",
            "            break",
            "    paths[name] = np.array(path)",
        ]
    for name, method in MINIMIZE.items():
        if name in state.methods:
            lines += [
                "try:",
                f'    paths[{NAMES[name]!r}] = optim.minimize(f, start, "{method}", max_iter=steps).history',
                "except ad.DomainError as error:  # f is not defined at the start",
                "    print(error)",
            ]
    lines += [
        "for name, path in paths.items():",
        "    end = path[-1].x if hasattr(path[-1], 'x') else path[-1]",
        "    print(name, len(path) - 1, end, f(end))",
        f"optim.plotting.contours(f, ({left!r}, {right!r}, {bottom!r}, {top!r}), paths or None)",
    ]
    return program(definition(state.f), lines, "import optim")


ASKS = {"view": view, "grid": grid, "threshold": threshold}
