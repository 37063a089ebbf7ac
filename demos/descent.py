"""Watch optimisation methods descend classic valleys: in the plane, in space, and as a film.

Gradient descent (with a line search), momentum, Adam, L-BFGS and Newton's method with conjugate gradients start from
one point on each of seven functions (Rosenbrock, Himmelblau, Rastrigin, Beale, a saddle, a monkey saddle, a narrow
valley). Their paths are drawn on the level lines. Then comes the role of the learning rate, on a parabola and in the
narrow valley: below 2 / L descent converges, at 2 / L it oscillates for ever, and above it diverges, where L is the
largest curvature. Ellipses of the Hessian show the reason. The last picture shows all critical points of Himmelblau's
function, with their kinds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import autodiff as ad
import optim
from demos import output
from demos.gallery import GALLERY, Scene
from optim import plotting

STEPS = 400
FRAMES = 40
NEWTON = "Newton-CG, trust region"
METHODS: dict[str, dict[str, Any]] = {
    "descent, line search": {"method": "gd"},
    "momentum, fixed rate": {"method": "momentum", "momentum": 0.9},
    "Adam, fixed rate": {"method": "adam", "learning_rate": 0.05},
    "L-BFGS, line search": {"method": "lbfgs"},
    NEWTON: {"method": "newton-cg"},
}
"""The methods by their names in the pictures, which say how a step's length is found if it is not given."""
MOMENTUM_RATES = {"Rosenbrock": 3e-4, "Himmelblau": 3e-3, "Beale": 2e-3, "Rastrigin": 1e-3}
FILM = "Rosenbrock"
SURFACES = (("Rosenbrock", True, (65.0, -70.0)), ("monkey saddle", False, (55.0, -60.0)))
BESIDE = [(1.0, 1.0), (0.0, 0.0), (-1.0, 1.0), (0.0, 0.5), (0.0, 1.5)]
"""Points on the floor of the valley, and two above it."""


def run(name: str, scene: Scene, steps: int) -> dict[str, optim.MinimizeResult]:
    """Run every method on one function, from one starting point."""
    rate = {"momentum, fixed rate": {"learning_rate": MOMENTUM_RATES.get(name, 1e-2)}}
    return {
        method: optim.minimize(scene.f, np.array(scene.start), max_iter=steps, **options, **rate.get(method, {}))
        for method, options in METHODS.items()
    }


def arrived(scene: Scene, x: np.ndarray) -> str:
    """The kind of a point: a minimum (the lowest or not), another critical point, or none."""
    if any(np.abs(x - m).max() < 1e-3 for m in scene.minima):
        return "the lowest point"
    try:
        kind = optim.classify_critical_point(scene.f, x).kind
    except ad.DomainError:  # the gradient is not 0 there
        return "on the way"
    return f"a local {kind}" if kind in ("minimum", "maximum") else f"a {kind}"


def draw_paths(path: Path, runs: dict[str, dict[str, optim.MinimizeResult]]) -> None:
    """Draw every function with the paths of all methods."""
    with output.figure(path, figsize=(17, 9)) as fig:
        axes = list(fig.subplots(2, 4).flat)
        for ax, (name, found) in zip(axes, runs.items(), strict=False):
            scene = GALLERY[name]
            plotting.contours(scene.f, scene.box, found, levels=14, ax=ax)
            stars = {"marker": "*", "color": "black", "markersize": 9, "linestyle": "none"}
            ax.plot(*np.array(scene.minima).T, label="_minima", zorder=5, **stars)
            ax.get_legend().remove()
            ax.set_title(f"{name}\n{scene.about}", fontsize=9)
        handles = [line for line in axes[0].lines if not line.get_label().startswith("_")]
        axes[-1].axis("off")
        what = "squares: start, crosses: end,\nstars: minima, darker: lower"
        axes[-1].legend(handles, list(METHODS), loc="center", title=what, fontsize=12, title_fontsize=11)


def draw_space(path: Path, runs: dict[str, dict[str, optim.MinimizeResult]]) -> None:
    """Draw two of the functions as surfaces."""
    with output.figure(path, figsize=(13, 5.8)) as fig:
        for i, (name, logarithmic, view) in enumerate(SURFACES):
            ax = fig.add_subplot(1, 2, i + 1, projection="3d")
            scene, look = GALLERY[name], {"logarithmic": logarithmic, "view": view}
            plotting.surface(scene.f, scene.box, runs[name], grid=161, ax=ax, **look)
            ax.set_title(name)


def draw_ellipses(path: Path) -> None:
    """Draw the curvature along Rosenbrock's valley, and above it."""
    with output.figure(path, figsize=(6.8, 5.4)) as fig:
        ax = fig.add_subplot()
        scene = GALLERY["Rosenbrock"]
        plotting.contours(scene.f, scene.box, ax=ax)
        plotting.hessian_ellipses(scene.f, BESIDE, rise=0.3, ax=ax)
        ax.set_title("where the quadratic part rises (dashed: falls) by 0.3", fontsize=10)


def save(figure: Any, path: Path) -> None:
    """Write a figure and close it."""
    import matplotlib.pyplot as plt

    output.write(figure, path)
    plt.close(figure)


def excess(runs: dict[str, dict[str, optim.MinimizeResult]]) -> float:
    """The largest excess of Newton's method over the least value, except for Rastrigin's many local minima."""
    ends = [
        found[NEWTON].fun - GALLERY[name].f(np.array(GALLERY[name].minima[0]))
        for name, found in runs.items()
        if name != "Rastrigin"
    ]
    return float(max(ends))


def main(arguments: list[str]) -> float:
    """Run the demo; returns the largest excess of Newton's method over the least value."""
    parser = output.options(
        "descent", __doc__, length="steps", default=STEPS, seed="nothing: the demo is deterministic"
    )
    given = parser.parse_args(arguments)
    import matplotlib

    matplotlib.use("Agg")
    target = output.folder("descent", given.folder)
    runs = {name: run(name, scene, given.steps) for name, scene in GALLERY.items()}
    rows = [
        [name if i == 0 else "", method, found.nit, f"{found.fun:.3e}", arrived(GALLERY[name], found.x)]
        for name, results in runs.items()
        for i, (method, found) in enumerate(results.items())
    ]
    output.table(["function", "method", "steps", "value", "where"], rows)
    names = ["paths", "space", "courses", "parabola", "rates", "ellipses", "kinds"]
    paths, space, courses, parabola, rates, ellipses, kinds = (target / f"{name}.png" for name in names)
    film = target / "film.gif"
    shown, valley, hills = (GALLERY[name] for name in (FILM, "narrow valley", "Himmelblau"))
    draw_paths(paths, runs)
    draw_space(space, runs)
    save(plotting.courses(runs[FILM], shown.f, shown.box), courses)
    save(plotting.learning_rates(lambda x: x**2, 2.0), parabola)
    save(plotting.learning_rates(valley.f, (-1.0, 0.5)), rates)
    draw_ellipses(ellipses)
    save(plotting.critical_points(hills.f, hills.box), kinds)
    plotting.film(shown.f, shown.box, runs[FILM], frames=min(FRAMES, max(2, given.steps // 2))).save(film)
    output.wrote([paths, space, courses, parabola, rates, ellipses, kinds, film])
    found = excess(runs)
    print(f"Newton-CG ends at most {found:.1e} above the least value, except for Rastrigin's function")
    return found
