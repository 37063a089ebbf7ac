"""Watch methods of optimisation go down classic valleys: in the plane, in space, and as a film.

Gradient descent, momentum, Adam, L-BFGS and Newton's method with conjugate gradients start from one point on each of
seven functions (Rosenbrock, Himmelblau, Rastrigin, Beale, a saddle, a monkey saddle, a narrow valley) and are drawn
side by side on the level lines. Then the story of the learning rate on the narrow valley: below 2 / L descent arrives,
at 2 / L it goes to and fro for ever, above it leaves, where L is the largest curvature. The ellipses of the Hessian
show why. At the end all critical points of Himmelblau's function, with their kinds.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

import autodiff as ad
import optim
from demos import output
from demos.gallery import GALLERY, Scene
from optim import plotting

STEPS = 400
METHODS: dict[str, dict[str, Any]] = {
    "descent": {"method": "gd"},
    "momentum": {"method": "momentum", "momentum": 0.9},
    "Adam": {"method": "adam", "learning_rate": 0.05},
    "L-BFGS": {"method": "lbfgs"},
    "Newton-CG": {"method": "newton-cg"},
}
MOMENTUM_RATES = {"Rosenbrock": 3e-4, "Himmelblau": 3e-3, "Beale": 2e-3, "Rastrigin": 1e-3}
FILM = "Rosenbrock"


def run(name: str, scene: Scene, steps: int) -> dict[str, optim.MinimizeResult]:
    """Every method on one function."""
    found = {}
    for method, options in METHODS.items():
        options = dict(options)
        if method == "momentum":
            options["learning_rate"] = MOMENTUM_RATES.get(name, 1e-2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            found[method] = optim.minimize(scene.f, np.array(scene.start), max_iter=steps, **options)
    return found


def arrived(scene: Scene, x: np.ndarray) -> str:
    """Whether a point is one of the known minima, or another critical point."""
    if any(np.abs(x - m).max() < 1e-3 for m in scene.minima):
        return "minimum"
    try:
        return f"a {optim.classify_critical_point(scene.f, x).kind}"
    except ad.DomainError:  # the gradient is not 0 there
        return "on the way"


def draw_paths(path: Path, runs: dict[str, dict[str, optim.MinimizeResult]]) -> None:
    """Every function with every method."""
    with output.figure(path, figsize=(17, 8.4)) as fig:
        axes = list(fig.subplots(2, 4).flat)
        for ax, (name, found) in zip(axes, runs.items(), strict=False):
            plotting.contours(GALLERY[name].f, GALLERY[name].box, found, grid=121, levels=14, ax=ax)
            for x, y in GALLERY[name].minima:
                ax.plot(x, y, marker="*", color="black", markersize=9, linestyle="none", zorder=5)
            ax.get_legend().remove()
            ax.set_title(f"{name}: {GALLERY[name].about}", fontsize=8)
        handles = [line for line in axes[0].lines if not line.get_label().startswith("_")]
        axes[-1].axis("off")
        names = [line.get_label().split(":")[0] for line in handles]
        axes[-1].legend(handles, names, loc="center", title="squares: start; stars: minima", fontsize=11)


def draw_space(path: Path, runs: dict[str, dict[str, optim.MinimizeResult]]) -> None:
    """Two of the functions as surfaces."""
    with output.figure(path, figsize=(13, 5.8)) as fig:
        for i, (name, logarithmic) in enumerate((("Rosenbrock", True), ("monkey saddle", False))):
            ax = fig.add_subplot(1, 2, i + 1, projection="3d")
            shown = {method: runs[name][method] for method in ("descent", "Adam", "Newton-CG")}
            plotting.surface(GALLERY[name].f, GALLERY[name].box, shown, logarithmic=logarithmic, ax=ax)
            ax.set_title(name)


def save(figure: Any, path: Path) -> None:
    """Write a figure and close it."""
    import matplotlib.pyplot as plt

    figure.savefig(path, dpi=130)
    plt.close(figure)


def main(arguments: list[str]) -> float:
    """Run the demo; returns the largest value above its minimum at which Newton's method ended."""
    parser = output.options("descent", __doc__, length="steps", default=STEPS, seed="nothing: there is no chance in it")
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
    output.table(["function", "method", "steps", "value", "it is at"], rows)
    files = ("paths.png", "space.png", "courses.png", "rates.png", "ellipses.png", "kinds.png", "film.gif")
    written = [target / name for name in files]
    draw_paths(written[0], runs)
    draw_space(written[1], runs)
    save(plotting.courses(runs[FILM]), written[2])
    valley = GALLERY["narrow valley"]
    save(plotting.learning_rates(valley.f, np.array([-1.0, 0.5])), written[3])
    figure = plotting.contours(GALLERY[FILM].f, GALLERY[FILM].box)
    points = np.array([[1.0, 1.0], [0.0, 0.0], [-1.0, 1.0], [0.0, 1.5]])
    save(plotting.hessian_ellipses(GALLERY[FILM].f, points, rise=3.0, ax=figure.axes[0]), written[4])
    himmelblau = GALLERY["Himmelblau"]
    save(plotting.critical_points(himmelblau.f, himmelblau.box), written[5])
    plotting.film(GALLERY[FILM].f, GALLERY[FILM].box, runs[FILM], frames=40).save(written[6])
    output.wrote(written)
    least = {name: scene.f(np.array(scene.minima[0])) for name, scene in GALLERY.items() if name != "Rastrigin"}
    off = max(runs[name]["Newton-CG"].fun - value for name, value in least.items())
    print(f"Newton-CG ends at most {off:.1e} above the least value, in the bowl of hollows apart")
    return float(off)
