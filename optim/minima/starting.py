"""Local minima from many starting points, and how many starts lead to each."""

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
    """A local minimum, with the starting points that led to it.

    Attributes
    ----------
    x : array
    fun : float
    share : float
        The fraction of all starts that ended here, an estimate of the basin's size within the box.
    starts : ndarray, (k, d)
    result : MinimizeResult
        The best of the runs.

    Examples
    --------
    >>> import numpy as np, optim
    >>> found = optim.multistart(lambda x: (x**2 - 1) ** 2, (-2.0, 2.0), 4)
    >>> sorted(round(float(basin.x), 4) for basin in found.basins)
    [-1.0, 1.0]
    """

    x: Any
    fun: float
    share: float
    starts: Vector
    result: MinimizeResult


class MultistartResult(NamedTuple):
    """The result of `multistart`.

    Attributes
    ----------
    basins : list of Basin
        In ascending order of the value; the first is the best candidate for the global minimum.
    failures : int
        Number of runs that did not succeed.
    nfev : int
        Number of calls of f in all runs.

    Examples
    --------
    >>> import numpy as np, optim
    >>> found = optim.multistart(lambda x: (x**2 - 1) ** 2, (-2.0, 2.0), 4)
    >>> len(found.basins), found.failures
    (2, 0)
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
        """The value at the lowest point."""
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
    """Minimise from many starting points in a box, and group the minima into basins.

    Parameters
    ----------
    f : callable
        A function of an array ``(d,)``; of one number, if `box` is a single pair.
    box : pair, or sequence of d pairs ``(low, high)``
        The starts are spread over it, and steps are projected onto it.
    n : int, default 20
        Number of starts.
    seed : int, default 0
        Seed of the starts.
    method : str, default "lbfgs"
        The method of `minimize`.
    distance : float, default 1e-4
        Minima are the same if no coordinate differs by more than this fraction of the box's side.
    **options
        Options of `minimize`; ``bounds=None`` lets the runs leave the box.

    Returns
    -------
    MultistartResult

    Raises
    ------
    RuntimeError
        If no run succeeded; the message is that of the last one.

    Notes
    -----
    The share of a basin is ``starts that ended in it / n``.

    References
    ----------
    A. H. G. Rinnooy Kan, G. T. Timmer, "Stochastic global optimization methods, part I: clustering methods", Math.
    Program. 39 (1987).

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
            f"multistart: none of {n} runs of {method} succeeded; the last one: {message} Try another method, or "
            "other values of max_iter= and tol=."
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
