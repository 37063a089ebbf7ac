"""Calculus: what a function gives says what its integral, its series and its differences are."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, assert_type

import numpy as np

import autodiff as ad
from autodiff import Tensor, calculus
from autodiff.typing import Array

k = ad.tensor(2.0, requires_grad=True)


def bell(x: Array) -> Array:
    """Of arrays."""
    return 1.0 / (1.0 + x * x)


def line(x: Array) -> Tensor:
    """It closes over something tracked."""
    return k * x


assert_type(ad.integrate(bell, 0.0, 1.0), Array)
assert_type(ad.integrate(line, 0.0, 1.0), Tensor)
assert_type(ad.integrate(line, (0.0, 1.0), points=[0.5]), Tensor)
assert_type(ad.integrate(bell, 0.0, 1.0, return_error=True), tuple[Array, Array])
assert_type(ad.antiderivative(line, 0.0), Callable[[Any], Tensor])
assert_type(ad.taylor(bell, 0.0, 3), Array)
assert_type(calculus.remainder(bell, 0.0, 3, 1.0), Array)
assert_type(calculus.finite_difference(bell, 0.5), Array)
assert_type(calculus.riemann_sum(line, 0.0, 1.0, 4), Tensor)

assert_type(calculus.trapezoid([1.0, 2.0]), Array)
assert_type(calculus.simpson(np.ones(3), ad.tensor([0.0, 1.0, 2.0])), Tensor)
assert_type(calculus.cumulative_integral(ad.tensor([1.0, 2.0]), dx=0.5), Tensor)

# Here it hangs on what is tracked.
times = np.array([0.0, 1.0])
assert_type(ad.odeint(lambda y, t: -y, 1.0, times), Tensor | Array)
assert_type(ad.odeint(lambda y, t: -k * y, ad.tensor(1.0), times), Tensor)
work = ad.line_integral(lambda p: [-p[1], p[0]], lambda t: [np.cos(t), np.sin(t)], 0.0, 1.0)
assert_type(work, Tensor | Array)
assert_type(float(work), float)
assert_type(
    calculus.arc_length(lambda t: [t, t * t], 0.0, 1.0, return_error=True),
    tuple[Tensor | Array, Array],
)
assert_type(
    ad.surface_integral(lambda p: p, lambda u, v: [u, v, u * v], (0.0, 1.0), (0.0, lambda u: u)),
    Tensor | Array,
)
assert_type(calculus.to_cartesian(np.array([2.0, 0.5]), "polar"), Array)

if TYPE_CHECKING:  # mistakes that a checker must see: it complains of an ignore that hides nothing
    ad.integrate(bell, 0.0, 1.0, tolerance=1e-9)  # type: ignore[call-overload]
