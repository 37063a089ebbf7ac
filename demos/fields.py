"""Fields of the plane: their divergence and curl as colour, and the potential where there is one.

A hill's gradient, a whirl, a source and a vortex are drawn as arrows over their divergence and curl, which
`ad.divergence` and `ad.curl` compute at 40,000 points in one call. `is_conservative` and `is_solenoidal` look for
counterexamples: the vortex has no curl anywhere, but no potential either, since it circulates around a pole. Where a
field is a gradient, `potential` finds the potential by line integrals, and its level lines are drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad
from autodiff import plotting
from demos import output

SIDE = 2.0
BOX = (-SIDE, SIDE, -SIDE, SIDE)  # left, right, bottom, top
Field = Callable[[Any], Any]


def hill(p: Any) -> Any:
    """A smooth hill with a hollow beside it."""
    return np.exp(-((p[0] + 0.7) ** 2) - p[1] ** 2) - 0.8 * np.exp(-((p[0] - 0.8) ** 2) - (p[1] - 0.3) ** 2)


FIELDS: dict[str, Field] = {
    "gradient of a hill": ad.gradient_field(hill),
    "whirl": lambda p: np.stack([-p[1], p[0]]) * np.exp(-(p[0] ** 2 + p[1] ** 2) / 2),
    "source": lambda p: np.stack([p[0], p[1]]) / (0.3 + p[0] ** 2 + p[1] ** 2),
    "vortex": lambda p: np.stack([-p[1], p[0]]) / (p[0] ** 2 + p[1] ** 2),
}


class Look(NamedTuple):
    """Findings about a field.

    Attributes
    ----------
    conservative, solenoidal : autodiff.calculus.Finding
    largest : dict
        The largest magnitudes of divergence and curl on the grid.
    """

    conservative: Any
    solenoidal: Any
    largest: dict[str, float]


def grid(n: int) -> np.ndarray:
    """Points of the box, (2, n, n)."""
    return np.stack(np.meshgrid(np.linspace(-SIDE, SIDE, n), np.linspace(-SIDE, SIDE, n)))


def look(field: Field, points: int) -> Look:
    """Analyse a field in the box."""
    box = [(-SIDE, SIDE), (-SIDE, SIDE)]
    at = grid(points)
    largest = {of.__name__: float(np.abs(of(field)(at)).max()) for of in (ad.divergence, ad.curl)}
    return Look(ad.calculus.is_conservative(field, box), ad.calculus.is_solenoidal(field, box), largest)


def potential_on(field: Field, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of the box, and the potential there; it is 0 in the middle."""
    at = grid(n)
    of = ad.calculus.potential(field, np.zeros(2))
    return at, np.array([[of(at[:, i, j]) for j in range(n)] for i in range(n)])


def draw_fields(path: Path, arrows: int) -> None:
    """Draw every field over its divergence and over its curl."""
    with output.figure(path, figsize=(15, 6.6)) as fig:
        axes = fig.subplots(2, len(FIELDS))
        for (name, field), column in zip(FIELDS.items(), axes.T, strict=True):
            for ax, colour in zip(column, ("divergence", "curl"), strict=True):
                plotting.vector_field(field, BOX, colour=colour, arrows=arrows, ax=ax)
                ax.set_title(name)


def draw_potential(path: Path, n: int) -> np.ndarray:
    """Draw the hill with its gradient, and the potential found from it; returns potential minus hill."""
    field = FIELDS["gradient of a hill"]
    at, found = potential_on(field, n)
    with output.figure(path, figsize=(11, 4.6)) as fig:
        left, right = fig.subplots(1, 2)
        plotting.gradient_field(hill, BOX, arrows=15, ax=left)
        left.set_title("a hill and its gradient")
        lines = right.contour(*at, found, levels=14, cmap="viridis")
        right.clabel(lines, fontsize=7)
        right.set_title("the potential, found from the gradient")
        right.set_aspect("equal")
    return found - np.asarray(hill(at))


def sentence(name: str, what: str, finding: Any) -> str:
    """The counterexample of a field, in words."""
    x, y = finding.witness
    return f"{name} is not {what}: {finding.reason} is {finding.size:.3g} at ({x:.2f}, {y:.2f})"


def main(arguments: list[str]) -> float:
    """Run the demo; returns the difference of potential and hill, up to a constant."""
    parser = output.options("fields", __doc__, length="points", default=200, seed="nothing: the demo is deterministic")
    given = parser.parse_args(arguments)
    target = output.folder("fields", given.folder)
    rows, witnesses = [], []
    for name, field in FIELDS.items():
        found = look(field, given.points)
        sizes = [f"{found.largest[what]:.3g}" for what in ("divergence", "curl")]
        findings = {"conservative": found.conservative, "solenoidal": found.solenoidal}
        rows.append([name, *sizes, *("yes" if finding.holds else "no" for finding in findings.values())])
        witnesses += [sentence(name, what, finding) for what, finding in findings.items() if not finding.holds]
    output.table(["field", "divergence up to", "curl up to", *findings], rows)
    print(*witnesses, sep="\n")
    written = [target / name for name in ("fields.png", "potential.png")]
    draw_fields(written[0], 16)
    difference = draw_potential(written[1], min(given.points, 25))
    output.wrote(written)
    off = float(np.ptp(difference))
    print(f"potential and hill differ by a constant, up to {off:.1e}")
    return off
