"""Arrays of all shapes and layouts, in the domain of a function, and at points where rules tend to be wrong."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import DTypeLike, NDArray

from autodiff.arrays.tensors import Tensor, tensor
from autodiff.testing.layouts import LAYOUTS, laid_out
from autodiff.typing import Shape


class Domain(NamedTuple):
    """Where a function is smooth: an interval, and points to avoid."""

    low: float
    high: float
    avoid: tuple[float, ...] = ()


_DOMAINS: dict[str, Domain] = {
    "arccos": Domain(-0.95, 0.95),
    "arccosh": Domain(1.05, 10.0),
    "arcsin": Domain(-0.95, 0.95),
    "arctanh": Domain(-0.95, 0.95),
    "absolute": Domain(-10.0, 10.0, (0.0,)),
    "cbrt": Domain(-10.0, 10.0, (0.0,)),
    "fabs": Domain(-10.0, 10.0, (0.0,)),
    "log": Domain(0.05, 10.0),
    "log10": Domain(0.05, 10.0),
    "log1p": Domain(-0.95, 10.0),
    "log2": Domain(0.05, 10.0),
    "logit": Domain(0.05, 0.95),
    "reciprocal": Domain(-10.0, 10.0, (0.0,)),
    "sqrt": Domain(0.05, 10.0),
    "tan": Domain(-1.4, 1.4),
}
_EVERYWHERE = Domain(-3.0, 3.0)


def domain(function: Callable[..., Any]) -> Domain:
    """Where a function of one operand is smooth, looked up by name; ``[-3, 3]`` if it is not known.

    Parameters
    ----------
    function : callable
        Such as ``np.log``; its ``__name__`` is what is looked up.

    Returns
    -------
    Domain
        The interval, and the points in it to keep away from.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff.testing.strategies import domain
    >>> domain(np.arcsin).high
    0.95
    """
    return _DOMAINS.get(getattr(function, "__name__", ""), _EVERYWHERE)


def shapes(*, min_dims: int = 0, max_dims: int = 3, min_side: int = 1, max_side: int = 4) -> st.SearchStrategy[Shape]:
    """Shapes, including ``()``; with ``min_side=0`` also those of empty arrays.

    Parameters
    ----------
    min_dims, max_dims : int, default 0 and 3
        How many axes.
    min_side, max_side : int, default 1 and 4
        How long an axis.

    Returns
    -------
    strategy of tuple of int

    Examples
    --------
    >>> from hypothesis import find
    >>> from autodiff.testing import strategies
    >>> find(strategies.shapes(), lambda shape: len(shape) == 2)
    (1, 1)
    """
    return hnp.array_shapes(min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=max_side)


def _numbers(low: float, high: float, avoid: Sequence[float], gap: float) -> st.SearchStrategy[float]:
    """Numbers at least `gap` away from some points, with three decimals, so that shrunk examples are readable."""
    if not low <= high:
        raise ValueError(f"min_value={low} is above max_value={high}")
    numbers = st.floats(low, high, allow_nan=False, allow_subnormal=False).map(
        lambda v: min(max(round(v, 3), low), high)
    )
    return numbers.filter(lambda v: all(abs(v - a) >= gap for a in avoid)) if avoid else numbers


def arrays(
    shape: Shape | st.SearchStrategy[Shape] | None = None,
    *,
    min_value: float = -3.0,
    max_value: float = 3.0,
    avoid: Sequence[float] = (),
    gap: float = 0.05,
    dtype: DTypeLike = np.float64,
    layouts: Sequence[str] = LAYOUTS,
    unique: bool = False,
) -> st.SearchStrategy[NDArray[Any]]:
    """Read-only arrays of numbers in an interval.

    Parameters
    ----------
    shape : tuple of int, or strategy, optional
        By default any shape with up to three axes, none of length 0; pass ``shapes(min_side=0)`` for those.
    min_value, max_value : float
        The interval.
    avoid, gap : sequence of float, float
        Points to avoid, such as kinks and poles, and the least distance from them.
    dtype : dtype, default float64
        float16, float32, float64, or a complex dtype, for which both parts are drawn.
    layouts : sequence of str
        From `autodiff.testing.layouts.LAYOUTS`: C and Fortran order, negative strides, strided and broadcast views.
    unique : bool, default False
        No two entries are equal, so `max` and `sort` have no ties; there are no broadcast views then.

    Returns
    -------
    strategy
        Shrinks to few axes of length 1, C order and simple numbers.

    Raises
    ------
    ValueError
        If `min_value` is above `max_value`.

    Examples
    --------
    >>> from hypothesis import find
    >>> from autodiff.testing import strategies as st
    >>> find(st.arrays(min_value=0.5), lambda x: x.ndim == 1)
    array([1.])
    """
    wanted = shapes() if shape is None else shape
    kind: Any = np.dtype(dtype)
    numbers = _numbers(min_value, max_value, avoid, gap)
    elements: st.SearchStrategy[Any] = numbers
    if kind.kind == "c":
        elements = st.builds(complex, numbers, numbers)
    elif kind.itemsize < 8:
        elements = numbers.map(lambda v: float(kind.type(v)))
    ways = [name for name in layouts if not (unique and name == "stretched")]
    drawn = hnp.arrays(kind, wanted, elements=elements, unique=unique, fill=st.nothing())
    return st.builds(laid_out, drawn, st.sampled_from(ways))


def tensors(
    shape: Shape | st.SearchStrategy[Shape] | None = None, *, requires_grad: bool = True, **limits: Any
) -> st.SearchStrategy[Tensor]:
    """Tensors with the values that `arrays` draws. ``from_type(ad.Tensor)`` draws them, too.

    Parameters
    ----------
    shape : tuple of int, or strategy, optional
        By default any shape with up to three axes, none of length 0.
    requires_grad : bool, default True
        Whether they are tracked.
    **limits
        Options of `arrays`: ``min_value``, ``max_value``, ``avoid``, ``gap``, ``dtype``, ``layouts``, ``unique``.

    Returns
    -------
    strategy of Tensor

    Examples
    --------
    >>> from hypothesis import find
    >>> from autodiff.testing import strategies as st
    >>> find(st.tensors(min_value=0.5), lambda x: x.ndim == 1)
    Tensor([1.], dtype=float64, requires_grad=True)
    """
    return arrays(shape, **limits).map(lambda x: tensor(x, requires_grad=requires_grad))


@st.composite
def broadcastable_arrays(
    draw: st.DrawFn,
    number: int,
    *,
    min_value: float = -3.0,
    max_value: float = 3.0,
    avoid: Sequence[float] = (),
    gap: float = 0.05,
    dtype: DTypeLike = np.float64,
    max_dims: int = 3,
    max_side: int = 3,
    layouts: Sequence[str] = LAYOUTS,
) -> tuple[NDArray[Any], ...]:
    """Tuples of `number` arrays whose shapes broadcast together.

    Parameters
    ----------
    number : int
        How many arrays.
    min_value, max_value : float
        The interval of their entries.
    avoid, gap : sequence of float, float
        Points to avoid, such as kinks and poles, and the least distance from them.
    dtype : dtype, default float64
        float16, float32, float64, or a complex dtype, for which both parts are drawn.
    max_dims, max_side : int, default 3
        The largest number of axes, and their largest length.
    layouts : sequence of str
        From `autodiff.testing.layouts.LAYOUTS`: C and Fortran order, negative strides, strided and broadcast views.

    Returns
    -------
    strategy of tuple of ndarray
        Read-only arrays.

    Examples
    --------
    >>> from hypothesis import find
    >>> from autodiff.testing import strategies as st
    >>> a, b = find(st.broadcastable_arrays(2, min_value=1.0), lambda xs: xs[0].shape != xs[1].shape)
    >>> sorted(x.shape for x in (a, b))
    [(), (1,)]
    """
    together = draw(hnp.mutually_broadcastable_shapes(num_shapes=number, max_dims=max_dims, max_side=max_side))
    limits = {"min_value": min_value, "max_value": max_value, "avoid": avoid, "gap": gap}
    # The checker is wrong below: a checker does not see which limits the dict holds.
    return tuple(draw(arrays(shape, **limits, dtype=dtype, layouts=layouts)) for shape in together.input_shapes)  # type: ignore[arg-type]


_SPECIAL = (0.0, 1.0, -1.0, 0.5, 2.0, -0.0, 1e-8, -1e-8, 1e8, 1e-300, 1e300, math.inf, -math.inf, math.nan)


def special_points(*, finite: bool = True, min_value: float = -math.inf) -> st.SearchStrategy[float]:
    """Numbers at which rules tend to be wrong: 0 of both signs, 1, numbers near 0 and infinity, NaN.

    Parameters
    ----------
    finite : bool, default True
        Leave out the infinities and NaN.
    min_value : float, optional
        Leave out smaller numbers.

    Returns
    -------
    strategy of float

    Examples
    --------
    >>> from hypothesis import find
    >>> from autodiff.testing import strategies as st
    >>> find(st.special_points(), lambda v: v > 1)
    2.0
    """
    chosen = [v for v in _SPECIAL if (math.isfinite(v) or not finite) and not v < min_value]
    return st.sampled_from(chosen)
