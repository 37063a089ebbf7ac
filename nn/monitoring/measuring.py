"""A few numbers that describe a layer at one batch: functions of plain arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autodiff.typing import Array
from nn.module import Module

BINS = 32
SATURATED = 0.97
"""An output is saturated from this fraction of the way to its bound: there the slope of tanh is below 6 % of its
largest."""
_SOME = 1 << 17  # the number of entries that suffices for a histogram; of a larger output every k-th row is taken


class Histogram(NamedTuple):
    """Counts of values in bins of equal width.

    Attributes
    ----------
    low, high : float
        The smallest and the largest value, where the first bin begins and the last one ends.
    counts : ndarray of int, (bins,)
    """

    low: float
    high: float
    counts: Array

    @property
    def edges(self) -> Array:
        """The edges of the bins, (bins + 1,)."""
        return np.linspace(self.low, self.high, len(self.counts) + 1)


class Sample(NamedTuple):
    """Measurements of one layer at one batch. A number that does not apply, or was not seen, is NaN.

    Attributes
    ----------
    weight, gradient, update : float
        Euclidean norms over the layer's own parameters: of the values before the step, the gradients, and the changes.
    ratio : float
        ``update / weight``; about a thousandth is usual.
    mean, std, largest : float
        Of all entries of the output; `largest` by magnitude.
    spread : float
        How much a unit varies from row to row: the root of the mean variance. At 0 the layer passes on no signal.
    silent, dead : float
        The fraction of ReLU units that were 0 at every row of this batch, and of the most recent batches.
    saturated : float
        The fraction of bounded outputs (tanh, sigmoid, the states of recurrent layers) that lie close to a bound.
    histogram : Histogram or None
        Histogram of the output.
    """

    weight: float = math.nan
    gradient: float = math.nan
    update: float = math.nan
    ratio: float = math.nan
    mean: float = math.nan
    std: float = math.nan
    largest: float = math.nan
    spread: float = math.nan
    silent: float = math.nan
    dead: float = math.nan
    saturated: float = math.nan
    histogram: Histogram | None = None


def norm(arrays: Iterable[Array]) -> float:
    """The Euclidean norm of all entries together, without underflow or overflow in float32."""
    total = 0.0
    for a in arrays:
        v = a.reshape(-1)
        v = v.view(v.real.dtype) if v.dtype.kind == "c" else v
        with np.errstate(over="ignore", invalid="ignore"):
            square = float(v.dot(v))
        if v.dtype.itemsize < 8 and not 1e-20 < square < 1e20:
            v = v.astype(np.float64)
            square = float(v.dot(v))
        total += square
    return math.sqrt(total)


def units_of(outputs: Sequence[Array], channels_first: bool) -> Array:
    """Outputs as one array with a column for each unit: a channel, or an entry of the last axis."""
    columns = []
    for y in outputs:
        y = np.abs(y) if y.dtype.kind == "c" else y
        if y.ndim < 2:
            y = y.reshape(-1, 1)
        elif channels_first and y.ndim > 2:
            y = np.moveaxis(y, 1, -1)
        columns.append(y.reshape(-1, y.shape[-1]))
    return (
        columns[0] if len(columns) == 1 else np.concatenate([c for c in columns if c.shape[1] == columns[0].shape[1]])
    )


def histogram(values: Array, low: float, high: float, bins: int = BINS) -> Histogram:
    """Counts over bins from the smallest value `low` to the largest, `high`.

    Examples
    --------
    >>> import numpy as np
    >>> from nn.monitoring.measuring import histogram
    >>> histogram(np.array([0.0, 0.1, 0.9, 1.0]), 0.0, 1.0, bins=2).counts
    array([2, 2])
    """
    if values.size > _SOME:
        values = values[:: -(-values.size // _SOME)]
    width = (high - low) / bins
    if not width > 0 or not math.isfinite(1 / width):
        return Histogram(low, high, np.bincount([bins // 2], [values.size], bins).astype(int))
    at = ((values.reshape(-1) - low) * (1 / width)).astype(np.intp)
    return Histogram(low, high, np.bincount(np.minimum(at, bins - 1), minlength=bins))


def measured(units: Array, module: Module) -> tuple[dict[str, Any], Array | None]:
    """The numbers of a `Sample` for an output (rows, units), and for a rectifier which units were positive."""
    found: dict[str, Any] = {}
    low, high = float(units.min()), float(units.max())
    found["largest"] = max(-low, high)
    if not math.isfinite(high - low):
        return {"largest": math.inf, "mean": math.nan, "std": math.inf, "spread": math.inf}, None
    n, width = units.shape
    means = np.add.reduce(units, 0) / n  # takes half the time of .mean() at this size
    off = units - means
    found["mean"] = mean = float(np.add.reduce(means)) / width
    inner = norm([off]) ** 2 / units.size
    across = means - mean
    found["std"] = math.sqrt(inner + float(across.dot(across)) / width)
    found["spread"] = math.sqrt(inner) if n > 1 else math.nan
    found["histogram"] = histogram(units, low, high)
    bounds = module._output_bounds
    if bounds is not None:
        middle, half = (bounds[0] + bounds[1]) / 2, (bounds[1] - bounds[0]) / 2
        found["saturated"] = np.count_nonzero(np.abs(units - middle) > SATURATED * half) / units.size
    if not module._is_rectifier:
        return found, None
    alive = np.maximum.reduce(units, 0) > 0
    found["silent"] = 1 - np.count_nonzero(alive) / alive.size
    return found, alive
