"""The shared style of all plots: the import of Matplotlib, colour-blind-safe colours, figures, and films."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from autodiff.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure as Figure
else:  # for `typing.get_type_hints`, without loading Matplotlib
    Axes = Figure = LinearSegmentedColormap = Any

BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#555555"
"""Colours that people with red-green colour blindness can distinguish (M. Okabe, K. Ito, "Color universal design",
2008)."""

PALETTE = (BLUE, ORANGE, GREEN, "#CC79A7", "#000000", "#56B4E9", RED, "#F0E442")
"""Colours of successive classes and paths (same source). Orange and red are the most alike, so red comes late."""

MARKERS = "o^sDvPX*"
"""Markers of successive classes."""

STYLES = ((BLUE, "-"), (RED, "--"), (GREEN, "-."), (ORANGE, ":"))
"""Styles of successive lines, which also differ without colour."""


def pyplot() -> ModuleType:
    """Import and return ``matplotlib.pyplot``.

    Raises
    ------
    MissingExtraError
        If Matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise MissingExtraError('Plots need Matplotlib: pip install "wengert[plot]".') from None
    return plt


def new_figure(**options: Any) -> Figure:
    """An empty figure with constrained layout; `options` are those of ``plt.figure``, and ``plt.show()`` shows it."""
    plt = pyplot()
    figure = plt.figure(layout="constrained", **options)
    if "inline" in plt.get_backend():
        plt.close(figure)  # a notebook shows the result of a cell, and would show an open figure again
    return figure


def axes_of(ax: Axes | None = None, *, projection: str | None = None, **options: Any) -> Axes:
    """The given Axes `ax`, or the Axes of a new figure."""
    return new_figure(**options).add_subplot(projection=projection) if ax is None else ax


def titled(ax: Any, title: str = "", xlabel: str = "x", ylabel: str = "y") -> None:
    """Set the title and the names of the axes, as far as the user has not set them."""
    if title and not ax.get_title():
        ax.set_title(title, fontsize=10)
    ax.set_xlabel(ax.get_xlabel() or xlabel)
    ax.set_ylabel(ax.get_ylabel() or ylabel)


class Film:
    """An animation whose frames are drawn when it is saved.

    Parameters
    ----------
    draw : callable
        ``draw(figure, i)`` draws the i-th frame on an empty figure.
    n_frames : int
        Number of frames.
    figsize : pair of float
        Inches.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> ad.plotting.secant_film(np.sin, 1.0, frames=3)
    <Film of 3 frames; .save('film.gif') writes it>
    """

    def __init__(self, draw: Any, n_frames: int, figsize: tuple[float, float] = (5.0, 4.0)) -> None:
        self.draw, self.n_frames, self.figsize = draw, n_frames, figsize

    def __repr__(self) -> str:
        """Show the number of frames."""
        return f"<Film of {self.n_frames} frames; .save('film.gif') writes it>"

    def save(self, path: str | Path, *, seconds: float = 0.12, last: float = 2.5, dpi: int = 90) -> Path:
        """Write an animated GIF whose last frame stays for `last` seconds; returns its path."""
        pyplot()
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from PIL import Image

        pictures: list[Any] = []
        places: list[Any] = []
        for i in range(self.n_frames):
            figure = Figure(figsize=self.figsize, dpi=dpi, layout="constrained")
            canvas = FigureCanvasAgg(figure)
            self.draw(figure, i)
            if i and len(figure.axes) == len(places):  # as in the first frame: nothing jumps, in half the time
                figure.set_layout_engine("none")
                for ax, place in zip(figure.axes, places, strict=True):
                    ax.set_position(place)
            canvas.draw()
            places = places or [ax.get_position(original=True) for ax in figure.axes]
            picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
            # With an octree: median cut, the default, turns a thin line in a rare colour into another colour.
            pictures.append(picture.quantize(255, method=Image.Quantize.FASTOCTREE))
        durations = [round(1000 * seconds)] * (len(pictures) - 1) + [round(1000 * last)]
        pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=durations, loop=0)
        return Path(path)


def diverging(low: str = BLUE, high: str = ORANGE) -> LinearSegmentedColormap:
    """A colour map from `low`, through white in the middle, to `high`."""
    pyplot()
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("diverging", [low, "white", high])


def lines(ax: Any, x: Any, series: dict[str, Any], styles: Sequence[tuple[str, str]] = STYLES, **labels: Any) -> None:
    """Draw several named lines over one axis; `labels` (title, xlabel and so on) are passed to ``ax.set``."""
    for (name, values), (colour, dash) in zip(series.items(), styles, strict=False):
        ax.plot(x, values, color=colour, linestyle=dash, label=name)
    ax.set(**labels)
    ax.grid(alpha=0.3)
    if len(series) > 1:
        ax.legend()
