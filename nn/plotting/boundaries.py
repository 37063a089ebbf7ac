"""Decision boundaries of classifiers in the plane."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np

import autodiff as ad
from autodiff.plotting.style import MARKERS, PALETTE, axes_of, diverging, titled
from autodiff.typing import Array
from nn.module import Module

Box = tuple[float, float, float, float]


def decision_boundary(
    model: Module,
    x: Any = None,
    y: Any = None,
    *,
    box: Box | None = None,
    resolution: int = 200,
    ax: Any = None,
) -> Any:
    """The predictions of a classifier over the plane as colours, with the decision boundaries and the data.

    Parameters
    ----------
    model : callable, usually a Module
        Takes points (n, 2) and returns logits: (n,) or (n, 1), positive for class 1; or (n, k), where the largest wins.
        A module is called in evaluation mode; its mode is restored afterwards.
    x : array_like, (n, 2), optional
        Points to show.
    y : array_like of int, (n,), optional
        Their classes, from 0.
    box : (left, right, bottom, top), optional
        The region to show; the points and a margin if not given.
    resolution : int, default 200
        Number of grid points along each side.
    ax : matplotlib Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib Figure
        For two classes the probability of class 1 from blue to orange; for more a colour for each, paler where the
        network is less certain.

    Raises
    ------
    autodiff.ShapeError
        If the points do not have shape (n, 2), or the model returns another shape than above.
    TypeError, ValueError
        If neither points nor a box are given, or the box is not in order.

    Examples
    --------
    >>> import numpy as np, nn
    >>> figure = nn.plotting.decision_boundary(lambda p: p[:, 0] - 0.5, box=(0.0, 1.0, 0.0, 1.0))
    >>> line = figure.axes[0].collections[0].get_paths()[0].vertices
    >>> np.allclose(line[:, 0], 0.5)
    True
    """
    points = None if x is None else np.asarray(x.data if isinstance(x, ad.Tensor) else x, float)
    if points is not None and (points.ndim != 2 or points.shape[1] != 2 or not len(points)):
        raise ad.ShapeError(
            f"decision_boundary draws the plane: x must have shape (n, 2); {points.shape} was given. If the model has "
            "more features, give a function of two: lambda p: model(np.column_stack([p, others]))."
        )
    labels = None if y is None else np.asarray(y.data if isinstance(y, ad.Tensor) else y).reshape(-1)
    if labels is not None and (points is None or len(labels) != len(points)):
        given = "no points were given" if points is None else f"there are {len(points)} points"
        raise ad.ShapeError(f"decision_boundary: y has {len(labels)} labels, but {given}.")
    if box is None:
        if points is None:
            raise TypeError("decision_boundary: give points x, or box=(left, right, bottom, top).")
        low, high = points.min(axis=0), points.max(axis=0)
        margin = 0.12 * np.where(high > low, high - low, 1.0)
        (left, bottom), (right, top) = (low - margin).tolist(), (high + margin).tolist()
    else:
        left, right, bottom, top = box
        if not (left < right and bottom < top):
            raise ValueError(f"decision_boundary: box must be (left, right, bottom, top), in order; {box!r} was given.")
    across, up = np.linspace(left, right, resolution), np.linspace(bottom, top, resolution)
    grid = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    shares = _shares(model, grid).reshape(resolution, resolution, -1)
    ax = axes_of(ax, figsize=(5.0, 4.2))
    draw_regions(ax, shares, (left, right, bottom, top), points, labels)
    return ax.figure


def draw_regions(ax: Any, shares: Array, box: Box, x: Any = None, y: Any = None) -> None:
    """Draw class probabilities over a rectangle, the boundaries between classes, and points.

    Parameters
    ----------
    ax : matplotlib Axes
    shares : array_like, (rows, columns, k), or (rows, columns) of class 1 of two
        The probabilities, row by row from the bottom.
    box : (left, right, bottom, top)
    x, y : array_like, (n, 2) and (n,), optional
        Points and their classes.

    Examples
    --------
    >>> import numpy as np, nn
    >>> from autodiff.plotting.style import axes_of
    >>> ax = axes_of()
    >>> nn.plotting.draw_regions(ax, np.full((4, 4), 0.2), (0.0, 1.0, 0.0, 1.0), [[0.5, 0.5]], [0])
    >>> ax.collections[0].get_offsets().tolist()
    [[0.5, 0.5]]
    """
    shares = np.asarray(shares, float)
    if shares.ndim == 3 and shares.shape[-1] == 1:
        shares = shares[..., 0]
    elif shares.ndim == 3 and shares.shape[-1] == 2:
        shares = shares[..., 1]
    left, right, bottom, top = box
    across = np.linspace(left, right, shares.shape[1])
    up = np.linspace(bottom, top, shares.shape[0])
    if shares.ndim == 2:
        ax.imshow(shares, extent=box, origin="lower", cmap=diverging(), vmin=0, vmax=1, alpha=0.75, aspect="auto")
        if shares.min() < 0.5 < shares.max():
            ax.contour(across, up, shares, levels=[0.5], colors="black", linewidths=1.2)
    else:
        ax.imshow(_mixed(shares), extent=box, origin="lower", aspect="auto")
        for k in range(shares.shape[-1]):  # the lead of a class over the best of the others
            lead = shares[..., k] - np.delete(shares, k, axis=-1).max(axis=-1)
            if lead.min() < 0 < lead.max():
                ax.contour(across, up, lead, levels=[0.0], colors="black", linewidths=0.9)
    if x is not None:
        x = np.asarray(x, float)
        classes = np.zeros(len(x), int) if y is None else np.asarray(y).astype(int)
        for k in np.unique(classes).tolist():
            colour, marker = PALETTE[k % len(PALETTE)], MARKERS[k % len(MARKERS)]
            ax.scatter(*x[classes == k].T, s=14, c=colour, marker=marker, edgecolors="black", linewidths=0.4)
    ax.set(xticks=[], yticks=[], xlim=(left, right), ylim=(bottom, top))
    titled(ax, "the likeliest class, and its boundaries", "first feature", "second feature")


def _mixed(shares: Array) -> Array:
    """The colour of the winner, white where all classes are equally likely: (rows, columns, 3)."""
    from matplotlib.colors import to_rgb

    k = shares.shape[-1]
    colours = np.array([to_rgb(PALETTE[i % len(PALETTE)]) for i in range(k)])
    sure = np.clip((shares.max(axis=-1, keepdims=True) - 1 / k) / (1 - 1 / k), 0, 1) * 0.7
    return 1 - sure * (1 - colours[shares.argmax(axis=-1)])


def _shares(model: Any, points: Array) -> Array:
    """The probability of each class at each point: (n,) for class 1 of two, or (n, k)."""
    is_module = isinstance(model, Module)
    with model.modes_kept() if is_module else nullcontext(), ad.no_grad():
        if is_module:
            model.eval()
        logits = model(points)
    logits = np.asarray(logits.data if isinstance(logits, ad.Tensor) else logits, float)
    n = len(points)
    if logits.shape in ((n,), (n, 1)):
        return np.asarray(ad.special.sigmoid(logits.reshape(n)))
    if logits.ndim == 2 and len(logits) == n and logits.shape[1] > 1:
        return np.asarray(ad.special.softmax(logits, axis=1))
    raise ad.ShapeError(
        f"decision_boundary: for {n} points the model returned shape {logits.shape}; expected one logit for each, "
        f"({n},) or ({n}, 1), or one for each class, ({n}, k)."
    )
