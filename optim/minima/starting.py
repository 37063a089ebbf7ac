"""Local minima from many starts: which there are, and how many starts lead to each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad
from autodiff.solvers import ravel
from optim.minima.critical import middle_of, spread
from optim.minima.minimizing import MinimizeResult, minimize
from optim.minima.objective import Vector
from optim.options import checked, whole


class Basin(NamedTuple):
    """A local minimum and the starts that led to it.

    Attributes
    ----------
    x : array
    fun : float
    share : float
        The share of all starts that ended here: the size of the basin in the box.
    starts : ndarray, (k, d)
    result : MinimizeResult
        The best of the runs.
    """

    x: Any
    fun: float
    share: float
    starts: Vector
    result: MinimizeResult


class MultistartResult(NamedTuple):
    """What `multistart` found.

    Attributes
    ----------
    basins : list of Basin
        By rising value; the first is the best candidate for the global minimum.
    failures : int
        Runs that did not succeed.
    nfev : int
        Calls of f in all runs.
    """

    basins: list[Basin]
    failures: int
    nfev: int

    @property
    def x(self) -> Any:
        """The lowest point found."""
        return self.basins[0].x

    @property
    def fun(self) -> float:
        """The value there."""
        return self.basins[0].fun

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str]:
        """For notebooks: the text, and a table of the basins."""
        rows = [[b.x, b.fun, b.share, len(b.starts)] for b in self.basins]
        caption = f"{self.failures} runs failed, {self.nfev:,} calls of f"
        return ad.display.bundle(
            repr(self), ad.display.table(["minimum at", "value", "share", "starts"], rows, caption)
        )


def multistart(
    f: Callable[[Any], Any],
    box: Any,
    n: int = 20,
    seed: int = 0,
    *,
    method: str = "lbfgs",
    distance: float = 1e-4,
    **options: Any,
) -> MultistartResult:
    """Minimise from many points of a box, and sort the ends into basins.

    Parameters
    ----------
    f : callable
        Of a point array ``(d,)``; of one number, if `box` is a single pair.
    box : pair, or sequence of d pairs ``(low, high)``
        Starts are spread over it, and steps are projected onto it.
    n : int, default 20
    seed : int, default 0
        Of the starts.
    method : str, default "lbfgs"
        As in `minimize`.
    distance : float, default 1e-4
        Ends belong together where no coordinate differs by more than this share of the box's side.
    **options
        Of `minimize`; ``bounds=None`` lets the runs leave the box.

    Returns
    -------
    MultistartResult

    Raises
    ------
    RuntimeError
        If no run succeeded; the message is that of the last one.

    Examples
    --------
    >>> import optim
    >>> found = optim.multistart(lambda x: x**4 - 2 * x**2 + 0.3 * x, (-2.0, 2.0), n=20, seed=0)
    >>> [(round(float(b.x), 3), round(b.fun, 3)) for b in found.basins]
    [(-1.036, -1.305), (0.96, -0.706)]
    """
    x, limits = middle_of(box, "multistart")
    n = whole("n", n, 1)
    distance = checked("distance", distance, 0.0, open_low=True)
    options.setdefault("bounds", np.asarray(box, float))
    width = limits.high - limits.low
    found: list[tuple[Vector, MinimizeResult, Vector]] = []
    failures, nfev, message = 0, 0, ""
    for start in spread(limits, n, seed):
        result = minimize(f, start.reshape(x.shape)[()], method, **options)
        nfev += result.nfev
        if result.success:
            found.append((ravel(result.x)[0], result, start))
        else:
            failures, message = failures + 1, result.message
    if not found:
        raise RuntimeError(
            f"multistart: none of {n} runs of {method} succeeded; the last: {message} Try another "
            "method, or max_iter=, tol=."
        )
    found.sort(key=lambda end: end[1].fun)
    members: list[list[tuple[Vector, MinimizeResult, Vector]]] = []
    for end in found:
        for basin in members:
            if (np.abs(basin[0][0] - end[0]) <= distance * np.where(width > 0, width, 1.0)).all():
                basin.append(end)
                break
        else:
            members.append([end])
    basins = [
        Basin(basin[0][1].x, basin[0][1].fun, len(basin) / n, np.stack([start for _, _, start in basin]), basin[0][1])
        for basin in members
    ]
    return MultistartResult(basins, failures, nfev)
