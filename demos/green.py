"""Both sides of Green's theorem, along the boundary and over the region; and the effect of a pole.

The circulation of a field around the boundary equals the integral of its curl over the region. Both are computed, on a
disc, on a region between two curves and on a ring, with an error for each side. The vortex has no curl but circulates
around its pole: the theorem does not hold on a region that contains the pole, and the pole is reported instead of a
result. The circulation along any loop around the pole is 2 pi, however large the loop. With the field (-y, x) / 2 the
circulation is the area; a planimeter measures areas in this way. The last example measures a leaf.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import autodiff as ad
from autodiff import plotting
from autodiff.calculus import Comparison, Region, theorems
from demos import output

Field = Callable[[Any], Any]


def twist(p: Any) -> Any:
    """A field whose curl is 3 (x**2 + y**2)."""
    return np.stack([-(p[1] ** 3), p[0] ** 3])


def waves(p: Any) -> Any:
    """A field whose curl has both signs."""
    return np.stack([np.sin(p[1]) * p[0], np.cos(p[0]) + p[1]])


def vortex(p: Any) -> Any:
    """A field without curl, with a pole in the middle."""
    return np.stack([-p[1], p[0]]) / (p[0] ** 2 + p[1] ** 2)


def area_form(p: Any) -> Any:
    """A field whose curl is 1."""
    return np.stack([-p[1], p[0]]) / 2


def ring(inner: float, outer: float) -> Region:
    """The region between two circles around the origin."""
    return Region(lambda r, t: [r * np.cos(t), r * np.sin(t)], [(inner, outer), (0.0, 2 * np.pi)])


def leaf(points: float = 5.0) -> Region:
    """A region with a wavy boundary of radius 1 + 0.3 cos(points t); its area is pi (1 + 0.3**2 / 2)."""

    def place(s: Any, t: Any) -> list[Any]:
        r = s * (1 + 0.3 * np.cos(points * t))
        return [r * np.cos(t), r * np.sin(t)]

    return Region(place, [(0.0, 1.0), (0.0, 2 * np.pi)])


CASES: dict[str, tuple[Field, Region]] = {
    "twist on a disc": (twist, Region.disc()),
    "waves between curves": (waves, Region.between(0.0, 3.0, lambda x: x * (x - 3) / 4, lambda x: np.sin(x) + 0.5)),
    "vortex on a ring": (vortex, ring(0.5, 1.2)),
    "area of a leaf": (area_form, leaf()),
}


def both_sides() -> dict[str, Comparison]:
    """Both sides of Green's theorem in every case."""
    return {name: theorems.green(field, region) for name, (field, region) in CASES.items()}


def refusal() -> str:
    """The error message for a region that contains the pole."""
    try:
        theorems.green(vortex, Region.disc())
    except ad.DomainError as error:
        return str(error)
    raise AssertionError("a pole was integrated over")


def circulations(radii: np.ndarray) -> np.ndarray:
    """The circulation of the vortex along circles around its pole."""
    return np.array(
        [
            ad.line_integral(vortex, lambda t, r=r: np.stack([r * np.cos(t), r * np.sin(t)]), 0.0, 2 * np.pi)
            for r in radii
        ]
    )


def draw(path: Path, arrows: int) -> None:
    """Draw every case: the region, its boundary as a loop, the field, and the curl as colour."""
    with output.figure(path, figsize=(12, 9)) as fig:
        for ax, (name, (field, region)) in zip(fig.subplots(2, 2).flat, CASES.items(), strict=True):
            plotting.green_theorem(field, region, arrows=arrows, ax=ax)
            ax.set_title(f"{name}\n{ax.get_title()}")


def main(arguments: list[str]) -> float:
    """Run the demo; returns the largest difference between two sides."""
    parser = output.options("green", __doc__, length="arrows", default=16, seed="nothing: the demo is deterministic")
    given = parser.parse_args(arguments)
    target = output.folder("green", given.folder)
    found = both_sides()
    rows = [
        [name, f"{c.left:.10f}", f"{c.left_error:.0e}", f"{c.right:.10f}", f"{c.right_error:.0e}"]
        for name, c in found.items()
    ]
    output.table(["field and region", "circulation", "error", "integral of the curl", "error"], rows)
    print("The vortex on a disc that contains its pole:", refusal())
    radii = np.array([0.1, 1.0, 10.0])
    turned = ", ".join(f"{c:.6f} for radius {r:g}" for r, c in zip(radii, circulations(radii), strict=True))
    print("Its circulation around the pole:", turned)
    print(
        f"Area of the leaf from its boundary {found['area of a leaf'].left:.12f}; pi (1 + 0.045) = {np.pi * 1.045:.12f}"
    )
    written = [target / "green.png"]
    draw(written[0], given.arrows)
    output.wrote(written)
    off = max(abs(float(c.left - c.right)) for c in found.values())
    print(f"the sides differ by at most {off:.1e}")
    return off
