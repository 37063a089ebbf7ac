"""Slices through the loss, along directions with the scale of the weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import autodiff as ad
from autodiff.plotting.style import BLUE, RED, axes_of
from autodiff.typing import Array
from nn.layers.convolution import Conv1d, Conv2d
from nn.layers.embedding import Embedding
from nn.module import Module

Direction = dict[str, Array]


def filter_directions(model: Module, n: int = 2, *, seed: int = 0) -> list[Direction]:
    """Random directions in parameter space, normalised filter by filter to the norm of the weights.

    Parameters
    ----------
    model : Module
    n : int, default 2
        Number of directions.
    seed : int, default 0

    Returns
    -------
    list of dict of str to ndarray
        For each direction, arrays by the names of the parameters.

    Raises
    ------
    TypeError, autodiff.StructureError
        If `model` is not a module, or has no parameters.

    Notes
    -----
    The numbers are normal, and each filter d is scaled to ``d / |d| * |w|`` with the filter w of the weights: an output
    channel of a convolution, the weights into one unit of a linear or recurrent layer, a row of an embedding.
    Parameters with fewer than two axes (biases, the scales of normalisations) do not move. A network whose weights are
    scaled up in one layer and down in another then has the same plot.

    References
    ----------
    H. Li et al., Visualizing the loss landscape of neural nets, 2018, section 4.

    Examples
    --------
    >>> import numpy as np, nn
    >>> model = nn.Linear(5, 3)
    >>> (direction,) = nn.plotting.filter_directions(model, 1)
    >>> np.allclose(np.linalg.norm(direction["weight"], axis=0), np.linalg.norm(model.weight.data, axis=0))
    True
    """
    _expect_model("filter_directions", model)
    draw = np.random.default_rng(seed)
    rows_are_filters = {
        id(p) for _, m in model.named_modules() if isinstance(m, (Conv1d, Conv2d, Embedding)) for p in m.parameters()
    }
    directions = []
    for _ in range(n):
        steps: Direction = {}
        for path, p in model.named_parameters():
            w = p.data
            if w.ndim < 2:
                steps[path] = np.zeros_like(w)
                continue
            d = draw.standard_normal(w.shape).astype(w.dtype)
            axes = tuple(range(1, w.ndim)) if id(p) in rows_are_filters else tuple(range(w.ndim - 1))
            steps[path] = d * (_lengths(w, axes) / _lengths(d, axes))
        directions.append(steps)
    return directions


def _lengths(w: Array, axes: tuple[int, ...]) -> Array:
    return np.sqrt((np.abs(w) ** 2).sum(axis=axes, keepdims=True))


def losses_along(
    model: Module, loss: Callable[[], Any], directions: Sequence[Direction], offsets: Sequence[float] | Array
) -> Array:
    """The loss of the model with its parameters moved along directions.

    Parameters
    ----------
    model : Module
        Parameters, buffers and modes are restored afterwards, also if the loss raises.
    loss : callable
        ``() -> scalar``, evaluates the model, as for ``optimizer.step``. It is called in evaluation mode, without
        recording.
    directions : sequence of dict
        One or more (k) directions from `filter_directions`.
    offsets : array_like, (m,)
        How far to go along each.

    Returns
    -------
    ndarray, (m,) * k
        ``[i, j]`` belongs to ``offsets[i]`` along the first and ``offsets[j]`` along the second direction.

    Raises
    ------
    TypeError
        If `loss` is not a function.
    autodiff.ShapeError
        If it does not return one number.

    Examples
    --------
    >>> import numpy as np, nn
    >>> model = nn.Linear(2, 1)
    >>> losses = nn.plotting.losses_along(
    ...     model,
    ...     lambda: nn.mse_loss(model(np.ones((4, 2))), np.ones((4, 1))),
    ...     nn.plotting.filter_directions(model),
    ...     [-1, 0, 1],
    ... )
    >>> losses.shape
    (3, 3)
    """
    _expect_model("losses_along", model)
    offsets = np.asarray(offsets, float)
    if not callable(loss):
        raise TypeError(
            f"losses_along: loss must be a function without arguments, lambda: nn.mse_loss(model(x), y); a "
            f"{type(loss).__name__} was given."
        )
    parameters = dict(model.named_parameters())
    state: list[tuple[ad.Tensor, Array]] = [(p, p.data.copy()) for p in (*parameters.values(), *model.buffers())]
    start = {name: p.data.copy() for name, p in parameters.items()}
    found = np.empty((len(offsets),) * len(directions))
    try:
        with model.modes_kept(), ad.no_grad(), np.errstate(over="ignore", invalid="ignore"):
            model.eval()
            for at in np.ndindex(found.shape):
                for name, p in parameters.items():
                    moved = start[name]
                    for i, direction in zip(at, directions, strict=True):
                        moved = moved + offsets[i].astype(moved.dtype) * direction[name]
                    p.assign_(moved)
                value = loss()
                if np.size(value) != 1:
                    raise ad.ShapeError(
                        f"losses_along: loss returned shape {np.shape(value)}; a loss must be one number. Take its "
                        ".mean(), or use a loss of nn such as nn.mse_loss(model(x), y)."
                    )
                found[at] = value.item() if isinstance(value, ad.Tensor) else float(value)
    finally:
        for tensor, before in state:
            tensor.assign_(before)
    return found


def loss_slice(
    model: Module,
    loss: Callable[[], Any],
    *,
    dimensions: int = 1,
    radius: float = 1.0,
    points: int = 0,
    seed: int = 0,
    ax: Any = None,
) -> Any:
    """The loss along one random direction as a curve, or along two as contours, centred on the model.

    Parameters
    ----------
    model : Module
        Restored afterwards, also if the loss raises.
    loss : callable
        ``() -> scalar``, evaluates the model: ``lambda: nn.cross_entropy(model(x), y)``.
    dimensions : {1, 2}, default 1
    radius : float, default 1.0
        How far to go; 1 is the distance of the weights from 0.
    points : int, optional
        Number of points along each direction; odd, so that the model itself is one of them. By default 51 along one
        direction, 25 along each of two.
    seed : int, default 0
        Seed of the directions. Do not trust a single slice: compare several seeds.
    ax : matplotlib Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If an option is not one of the above.

    References
    ----------
    H. Li et al., Visualizing the loss landscape of neural nets, 2018, equations (1) and (2).

    Examples
    --------
    >>> import numpy as np, nn
    >>> model, x = nn.Linear(1, 1, bias=False), np.ones((4, 1))
    >>> model.weight.data = np.array([[2.0]])
    >>> figure = nn.plotting.loss_slice(model, lambda: nn.mse_loss(model(x), x), points=3)
    >>> figure.axes[0].lines[0].get_xydata().tolist()  # weights 0, 2 and 4, or 4, 2 and 0
    [[-1.0, 1.0], [0.0, 1.0], [1.0, 9.0]]
    """
    points = points or (51 if dimensions == 1 else 25)
    if dimensions not in (1, 2):
        raise ValueError(f"loss_slice: dimensions must be 1 or 2; {dimensions!r} was given.")
    if not (isinstance(points, (int, np.integer)) and points >= 3 and points % 2):
        raise ValueError(f"loss_slice: points must be an odd integer, 3 or more; {points!r} was given.")
    if not (np.isfinite(radius) and radius > 0):
        raise ValueError(f"loss_slice: radius must be a positive number; {radius!r} was given.")
    offsets = np.linspace(-radius, radius, points)
    losses = losses_along(model, loss, filter_directions(model, dimensions, seed=seed), offsets)
    ax = axes_of(ax, figsize=(5.2, 4.0))
    middle = losses[(points // 2,) * dimensions]
    if dimensions == 1:
        ax.plot(offsets, losses, color=BLUE)
        ax.plot([0], [middle], color=RED, marker="o", linestyle="none")
        ax.set(xlabel="along a random direction, in lengths of the weights", ylabel="loss")
        ax.grid(alpha=0.3)
    else:
        finite = np.where(np.isfinite(losses), losses, np.nan)
        low, high = float(np.nanmin(finite)), float(np.nanmax(finite))
        levels = low + (high - low or 1.0) * np.linspace(0, 1, 16) ** 2  # closer where the loss is low
        filled = ax.contourf(offsets, offsets, finite.T, levels=levels, cmap="cividis")
        ax.contour(offsets, offsets, finite.T, levels=levels[1:-1], colors="white", linewidths=0.5)
        ax.plot([0], [0], color=RED, marker="o", markeredgecolor="white", linestyle="none")
        ax.set(xlabel="first direction", ylabel="second direction", aspect="equal")
        bar = ax.figure.colorbar(filled, ax=ax, label="loss", ticks=levels[::3])
        bar.ax.set_yticklabels([f"{level:.3g}" for level in levels[::3]])
    ax.set_title(f"loss {middle:.4g} at the dot", fontsize=11)
    return ax.figure


def _expect_model(who: str, model: Any) -> None:
    if not isinstance(model, Module):
        raise TypeError(f"{who}: a model is expected; a {type(model).__name__} was given.")
    if not model.parameters():
        raise ad.StructureError(f"{who}: the model has no parameters to move.")
