"""Estimate a pendulum's length, friction and initial state from noisy measurements of its angle.

Newton's law of a damped pendulum, angle'' = -(g / length) sin(angle) - friction angle', is solved by `ad.odeint`,
which also gives the derivatives of the solution with respect to the unknowns. The Gauss-Newton method
(`optim.minimize`, "gauss-newton") fits them to the measurements, and the curvature at the end gives their standard
errors. As a function of the length the sum of squares has a narrow valley in a plain, since a wrong period puts the
swings out of phase. So a fit must start near enough, and a picture shows how near.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad
import optim
from demos import output

GRAVITY = 9.81  # m / s**2
TRUTH = {"length": 1.0, "friction": 0.25, "angle": 1.2, "speed": 0.0}
START = {"length": 1.25, "friction": 0.0, "angle": 0.8, "speed": 0.0}
UNITS = {"length": "m", "friction": "1/s", "angle": "rad", "speed": "rad/s"}
NOISE = 0.05  # rad
DURATION = 10.0  # s
TOLERANCES = {"rtol": 1e-6, "atol": 1e-8}  # far below the noise
ITERATIONS = 30
LENGTHS = (0.4, 1.9)


class Fit(NamedTuple):
    """The result of a fit.

    Attributes
    ----------
    unknowns, errors : dict
        The parameters and their standard errors.
    path : list of dict
        The parameters before the first step and after each.
    loss : (steps + 1,)
        Mean square of the residuals, rad**2.
    """

    unknowns: dict[str, float]
    errors: dict[str, float]
    path: list[dict[str, float]]
    loss: np.ndarray


def motion(unknowns: dict[str, Any], times: np.ndarray) -> Any:
    """Angle and angular speed at given times, (n, 2); differentiable in the unknowns."""

    def rate(state: Any, t: Any) -> Any:
        angle, speed = state[0], state[1]
        return np.stack([speed, -GRAVITY / unknowns["length"] * np.sin(angle) - unknowns["friction"] * speed])

    begin = np.stack([unknowns["angle"], unknowns["speed"]])
    return ad.odeint(rate, begin, times, **TOLERANCES)


def measure(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Times and noisy angles."""
    times = np.linspace(0.0, DURATION, n)
    return times, motion(TRUTH, times)[:, 0] + NOISE * np.random.default_rng(seed).normal(size=n)


def fit(times: np.ndarray, angles: np.ndarray, start: dict[str, float] = START, iterations: int = ITERATIONS) -> Fit:
    """The least-squares fit of the unknowns to the angles, with standard errors from the curvature."""

    def residuals(unknowns: dict[str, Any]) -> Any:
        return motion(unknowns, times)[:, 0] - angles

    found = optim.minimize(residuals, dict(start), "gauss-newton", tol=1e-6, max_iter=iterations, certify=False)
    names = list(start)
    path = [{name: float(record.x[name]) for name in names} for record in found.history]
    _, pushforward = ad.linearize(residuals, found.x)
    J = np.stack([pushforward({name: float(name == moved) for name in names}) for moved in names], axis=1)
    variance = 2 * found.fun / (len(angles) - len(names))
    errors = np.sqrt(variance * np.diag(np.linalg.inv(J.T @ J)))
    loss = np.array([2 * record.fun / len(angles) for record in found.history])
    return Fit(path[-1], dict(zip(names, map(float, errors), strict=True)), path, loss)


def valley(times: np.ndarray, angles: np.ndarray, unknowns: dict[str, float], n: int) -> tuple[np.ndarray, np.ndarray]:
    """Lengths, and the mean square of the residuals for each with the other unknowns fixed, solved as one system."""
    lengths = np.linspace(*LENGTHS, n)

    def rate(state: Any, t: Any) -> Any:
        return np.stack([state[1], -GRAVITY / lengths * np.sin(state[0]) - unknowns["friction"] * state[1]])

    begin = np.stack([np.full(n, unknowns["angle"]), np.full(n, unknowns["speed"])])
    return lengths, np.mean((ad.odeint(rate, begin, times, **TOLERANCES)[:, 0].T - angles) ** 2, axis=1)


def draw_swings(path: Path, times: np.ndarray, angles: np.ndarray, found: Fit) -> None:
    """Plot the angles over time before and after the fit, and the motion in the phase plane."""
    fine = np.linspace(0.0, DURATION, 400)
    curves = {"initial guess": motion(found.path[0], fine), "fitted": motion(found.unknowns, fine)}
    with output.figure(path, figsize=(11, 4)) as fig:
        left, right = fig.subplots(1, 2, width_ratios=(2, 1))
        left.scatter(times, angles, s=14, color="#999999", label="measured")
        right.plot(*motion(TRUTH, fine).T, color="black", linewidth=0.8, label="the truth")
        looks = ((output.RED, "--"), (output.BLUE, "-"))
        for ax, horizontal in ((left, lambda curve: fine), (right, lambda curve: curve[:, 0])):
            for (name, curve), (colour, dash) in zip(curves.items(), looks, strict=True):
                vertical = curve[:, 0] if ax is left else curve[:, 1]
                ax.plot(horizontal(curve), vertical, color=colour, linestyle=dash, label=name)
            ax.grid(alpha=0.3)
        left.set(xlabel="time (s)", ylabel="angle (rad)", title="the angles")
        right.set(xlabel="angle (rad)", ylabel="speed (rad/s)", title="the phase plane")
        left.legend(loc="upper right")
        right.set_ylim(top=5.2)  # room for the legend
        right.legend(loc="upper right", fontsize=8)


def draw_fit(path: Path, times: np.ndarray, angles: np.ndarray, found: Fit, n: int) -> None:
    """Plot the loss step by step, and the loss as a function of the length."""
    with output.figure(path, figsize=(11, 3.8)) as fig:
        left, right = fig.subplots(1, 2)
        left.semilogy(found.loss, color=output.BLUE, marker="o", markersize=4)
        left.axhline(NOISE**2, color=output.GREY, linestyle=":", label="variance of the noise")
        left.set(xlabel="Gauss-Newton step", ylabel="mean square residual (rad²)", title="the fit")
        left.legend()
        lengths, losses = valley(times, angles, found.unknowns, n)
        right.semilogy(lengths, losses, color=output.BLUE)
        for x, name, marker in ((found.path[0]["length"], "start", "s"), (found.unknowns["length"], "end", "o")):
            y = np.interp(x, lengths, losses)
            right.plot(x, y, marker, color=output.RED, label=f"{name} at {x:.3f} m")
        right.set(xlabel="length (m)", title="the same, as a function of the length alone")
        right.legend()
        for ax in (left, right):
            ax.grid(alpha=0.3, which="both")


def main(arguments: list[str]) -> float:
    """Run the demo; returns the fitted length."""
    parser = output.options("pendulum", __doc__, length="measurements", default=120, seed="the noise")
    given = parser.parse_args(arguments)
    target = output.folder("pendulum", given.folder)
    if given.measurements <= len(START):
        parser.error(f"--measurements {given.measurements}: give more than the number of unknowns, {len(START)}")
    times, angles = measure(given.measurements, given.seed)
    print(f"{len(times)} angles over {DURATION:g} s, with noise of {NOISE} rad")
    found = fit(times, angles)
    rows = [
        [
            f"{name} ({UNITS[name]})",
            f"{START[name]:.4f}",
            f"{found.unknowns[name]:.4f}",
            f"{found.errors[name]:.4f}",
            truth,
        ]
        for name, truth in TRUTH.items()
    ]
    output.table(["unknown", "start", "fitted", "standard error", "truth"], rows)
    print(f"residuals of {np.sqrt(found.loss[-1]):.4f} rad after {len(found.loss) - 1} steps")
    written = [target / name for name in ("swings.png", "fit.png")]
    draw_swings(written[0], times, angles, found)
    draw_fit(written[1], times, angles, found, 300)
    output.wrote(written)
    print(f"length {found.unknowns['length']:.4f} m")
    return found.unknowns["length"]
