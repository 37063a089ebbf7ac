"""A vector field of the plane, its divergence and curl, and both sides of Green's theorem on a loop."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import autodiff as ad
from autodiff import calculus
from autodiff.calculus import Region, theorems
from autodiff.plotting.sampling import without_rounding
from demos.explorer.rooms.common import finite, outcome, program, window
from demos.explorer.rooms.plane import box_entries, box_of, shown_range
from demos.explorer.state import Choice, Number, StateError, Text, Typed

TITLE = "Fields"
ABOUT = "Drag the round point to move the loop, and the square ones to reshape it."
ARROWS, COLOURS, CORNERS = 17, 61, 6

STATE = {
    "P": Typed("P(x, y), across", "-y^3", ("x", "y")),
    "Q": Typed("Q(x, y), up", "x^3", ("x", "y")),
    "colour": Choice("colour", "curl", (("curl", "curl"), ("divergence", "divergence"), ("length", "length"))),
    "x": Number("centre of the loop, x", 0.0, -1e6, 1e6, 0.01, control="number"),
    "y": Number("centre of the loop, y", 0.0, -1e6, 1e6, 0.01, control="number"),
    "radii": Text("radii of the loop", ",".join(["1"] * CORNERS), 200),
    **box_entries(-2.5, 2.5, -2.0, 2.0),
}


def grid(state: Any, _: dict[str, Any]) -> dict[str, Any]:
    """Arrows and colours over the window."""
    F = _field(state)
    x, y = window(state, "left", "right", ARROWS), window(state, "bottom", "top", ARROWS)
    at = np.stack(np.meshgrid(x, y)).reshape(2, -1)
    arrows = finite(F(at))
    x, y = window(state, "left", "right", COLOURS), window(state, "bottom", "top", COLOURS)
    at_all = np.stack(np.meshgrid(x, y))
    values = finite(_colours(state.colour, F)(at_all))
    if state.colour != "length":
        values = without_rounding(values, F, at_all)
    return {"at": at, "arrows": arrows, "x": x, "y": y, "z": values, "range": shown_range(values)}


def view(state: Any, _: dict[str, Any]) -> dict[str, Any]:
    """The loop, the field at its centre, and what goes around and out, along the loop."""
    F, loop = _field(state), _Loop(state)
    centre = np.array([state.x, state.y])
    around = outcome(lambda: ad.line_integral(F, loop.at, 0.0, 2 * np.pi))
    outward = outcome(lambda: ad.line_integral(_turned(F), loop.at, 0.0, 2 * np.pi))
    t = np.linspace(0.0, 2 * np.pi, 181)
    field = F(centre)
    numbers = {
        "P": float(field[0]),
        "Q": float(field[1]),
        "divergence": float(calculus.divergence(F)(centre)),
        "curl": float(calculus.curl(F)(centre)),
        "circulation": float(around.value) if around.value is not None else np.nan,
        "flux": float(outward.value) if outward.value is not None else np.nan,
    }
    corners = loop.at(np.arange(CORNERS) * (2 * np.pi / CORNERS))
    note = around.message or outward.message
    return {"numbers": numbers, "loop": loop.at(t), "corners": corners, "note": note, "python": python(state)}


def green(state: Any, _: dict[str, Any]) -> dict[str, Any]:
    """Both sides of Green's theorem, for the circulation and for the flux; a pole in the region is named."""
    F, loop = _field(state), _Loop(state)
    found: dict[str, Any] = {}
    for name, field in (("circulation", F), ("flux", _turned(F))):
        sides, note = outcome(partial(theorems.green, field, loop.region()))
        found[name] = {"note": note}
        if sides is not None:
            left, right = float(sides.left), float(sides.right)
            found[name] |= {"left": left, "right": right, "difference": abs(left - right), "holds": bool(sides.holds)}
    return found


def _field(state: Any) -> Any:
    P, Q = state.P, state.Q

    def field(p: Any) -> Any:
        return np.stack([P(p[0], p[1]), Q(p[0], p[1])])

    field.__name__ = "F"  # of which the engine's messages speak
    return field


def _turned(F: Any) -> Any:
    """The field turned by a quarter to the left: its circulation is the flux of F out of the loop."""

    def turned(p: Any) -> Any:
        y = F(p)
        return np.stack([-y[1], y[0]])

    turned.__name__ = "F, turned by a quarter,"
    return turned


def _colours(which: str, F: Any) -> Any:
    if which == "length":
        return lambda p: np.hypot(*F(p))
    return calculus.curl(F) if which == "curl" else calculus.divergence(F)


class _Loop:
    """A closed curve around a centre: its radius is the trigonometric polynomial through the given radii."""

    def __init__(self, state: Any) -> None:
        self.centre = state.x, state.y
        try:
            radii = np.array([float(part) for part in state.radii.split(",")])
        except ValueError:
            radii = np.zeros(0)
        if radii.shape != (CORNERS,) or not ((radii >= 1e-6) & (radii <= 1e6)).all():
            raise StateError("radii", f"the radii of the loop are {CORNERS} positive numbers with commas between them")
        waves = np.fft.rfft(radii) / CORNERS
        waves[1:-1] *= 2.0
        self.waves = waves

    def radius(self, t: Any) -> Any:
        """The distance from the centre in the direction t."""
        r = self.waves[0].real
        for k, wave in enumerate(self.waves[1:], 1):
            r = r + float(wave.real) * np.cos(k * t) - float(wave.imag) * np.sin(k * t)
        return r

    def at(self, t: Any) -> Any:
        """Points of the loop, (2, ...)."""
        r = self.radius(t)
        return np.stack([self.centre[0] + r * np.cos(t), self.centre[1] + r * np.sin(t)])

    def region(self) -> Region:
        """What the loop encloses."""

        def place(s: Any, t: Any) -> list[Any]:
            r = s * self.radius(t)
            return [self.centre[0] + r * np.cos(t), self.centre[1] + r * np.sin(t)]

        return Region(place, [(0.0, 1.0), (0.0, 2 * np.pi)])


def python(state: Any) -> str:
    """The program that draws this view."""
    loop, (left, right, bottom, top) = _Loop(state), box_of(state)
    terms = [f"{loop.waves[0].real:.17g}"]
    for k, wave in enumerate(loop.waves[1:], 1):
        if abs(wave) > 1e-15:
            terms.append(f"{wave.real:.17g} * np.cos({k} * t) - {wave.imag:.17g} * np.sin({k} * t)")
    colour = "None" if state.colour == "length" else repr(state.colour)
    functions = [
        "def F(p):",
        "    x, y = p",
        f"    return np.stack([{state.P.python} + 0 * x, {state.Q.python} + 0 * x])",
        "",
        "",
        "def place(s, t):",
        f"    r = s * ({' + '.join(terms)})",
        f"    return [{state.x!r} + r * np.cos(t), {state.y!r} + r * np.sin(t)]",
    ]
    lines = [
        "try:",
        f"    ad.plotting.vector_field(F, ({left!r}, {right!r}, {bottom!r}, {top!r}), colour={colour})",
        "    circulation = ad.line_integral(F, lambda t: np.stack(place(1.0, t)), 0.0, 2 * np.pi)",
        '    print("circulation:", circulation)',
        "    region = Region(place, [(0.0, 1.0), (0.0, 2 * np.pi)])",
        '    print("both sides of Green\'s theorem:", theorems.green(F, region))',
        "    ad.plotting.green_theorem(F, region)",
        "except ad.DomainError as error:  # a pole inside, or the field is not defined",
        "    print(error)",
    ]
    return program(functions, lines, "from autodiff.calculus import Region, theorems")


ASKS = {"view": view, "grid": grid, "green": green}
