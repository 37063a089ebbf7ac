"""Optimisation problems whose minima are known."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from autodiff.arrays.tensors import Tensor
from autodiff.testing.strategies.matrices import matrices
from autodiff.typing import Array

Vector = NDArray[np.float64]
Kind = TypeVar("Kind", Tensor, Array)


@dataclass(frozen=True)
class Minimum:
    """A function with a known minimum.

    Attributes
    ----------
    name : str
        Its name in the literature.
    f : callable
        A function of a point ``(n,)``.
    start : ndarray, (n,)
        The start point.
    at : tuple of ndarray
        All points at which the minimum is attained.
    value : float
        The minimum.

    Examples
    --------
    >>> from hypothesis import find
    >>> from autodiff.testing import strategies
    >>> problem = find(strategies.minima(), lambda problem: len(problem.at) == 1)
    >>> bool(abs(problem.f(problem.at[0]) - problem.value) < 1e-12), problem.distance(problem.at[0])
    (True, 0.0)
    """

    name: str
    f: Callable[[Any], Any]
    start: Vector
    at: tuple[Vector, ...]
    value: float

    def distance(self, x: Any) -> float:
        """The distance of a point from the nearest minimum, in the 2-norm."""
        return float(min(np.linalg.norm(np.asarray(x) - m) for m in self.at))

    def __repr__(self) -> str:
        return f"<{self.name} from {np.array2string(self.start, separator=', ')}>"


def rosenbrock(x: Kind) -> Kind:
    """Rosenbrock's valley (1960): ``sum 100 (x[i+1] - x[i]^2)^2 + (1 - x[i])^2``, minimum 0 at ones."""
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def beale(p: Kind) -> Kind:
    """Beale's function (1958), minimum 0 at (3, 1/2)."""
    x, y = p[0], p[1]
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def booth(p: Kind) -> Kind:
    """Booth's function, minimum 0 at (1, 3)."""
    x, y = p[0], p[1]
    return (x + 2 * y - 7) ** 2 + (2 * x + y - 5) ** 2


def himmelblau(p: Kind) -> Kind:
    """Himmelblau's function (1972): four minima of value 0."""
    x, y = p[0], p[1]
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


# The last three are known only as common roots of the two squares; Newton's method gives them to the last digit.
_HIMMELBLAU = (
    (3.0, 2.0),
    (-2.805118086952745, 3.131312518250573),
    (-3.779310253377747, -3.283185991286170),
    (3.584428340330492, -1.848126526964404),
)


@st.composite
def minima(draw: st.DrawFn, *, convex: bool = False) -> Minimum:
    """Problems with known minima: quadratics of any conditioning, and the classics.

    Parameters
    ----------
    convex : bool, default False
        Quadratics and Booth's function only, for which every descent method must converge.

    Returns
    -------
    strategy of Minimum

    Examples
    --------
    >>> from hypothesis import find
    >>> from autodiff.testing import strategies as st
    >>> problem = find(st.minima(), lambda m: m.name == "Rosenbrock")
    >>> problem, float(problem.f(problem.at[0]))
    (<Rosenbrock from [0., 0.]>, 0.0)
    """
    names = ["quadratic", "Booth"] if convex else ["quadratic", "Booth", "Rosenbrock", "Beale", "Himmelblau"]
    name = draw(st.sampled_from(names))
    n = draw(st.integers(1, 4)) if name == "quadratic" else draw(st.integers(2, 4)) if name == "Rosenbrock" else 2
    grid = st.integers(-4, 4).map(lambda k: k / 4)
    start = np.array(draw(st.lists(grid, min_size=n, max_size=n)))
    if name == "quadratic":
        a = draw(matrices("spd", size=n))
        centre = np.array(draw(st.lists(grid, min_size=n, max_size=n)))

        def quadratic(x: Any) -> Any:
            return 0.5 * ((x - centre) @ (a @ (x - centre)))

        return Minimum(name, quadratic, start, (centre,), 0.0)
    if name == "Rosenbrock":
        return Minimum(name, rosenbrock, start, (np.ones(n),), 0.0)
    f, at = {
        "Booth": (booth, ((1.0, 3.0),)),
        "Beale": (beale, ((3.0, 0.5),)),
        "Himmelblau": (himmelblau, _HIMMELBLAU),
    }[name]
    return Minimum(name, f, start, tuple(np.array(p) for p in at), 0.0)
