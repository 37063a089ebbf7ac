"""Derivatives: of Tensors they are Tensors; what an array or a container gives, no type can tell."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, assert_type

import numpy as np

import autodiff as ad
from autodiff import Tensor
from autodiff.typing import Array


def energy(x: Tensor) -> Tensor:
    """A number."""
    return (x * x).sum()


def force(x: Tensor, scale: float = 1.0) -> Tensor:
    """An array."""
    return x * x * scale


def work(x: Tensor, y: Tensor) -> Tensor:
    """A number, of two arguments."""
    return (x * y).sum()


x = ad.tensor([1.0, 2.0], requires_grad=True)
a = np.array([1.0, 2.0])

# --- gradients

y = energy(x)
assert_type(y, Tensor)
assert_type(ad.gradients(y, [x]), tuple[Tensor, ...])
assert_type(ad.grad(energy)(x), Tensor)
assert_type(ad.grad(lambda v: (v * v).sum())(x), Tensor)
assert_type(ad.grad(ad.grad(lambda v: v**3))(x[0]), Tensor)
assert_type(ad.grad(energy)(a), Any)
assert_type(ad.grad(work, (0, 1)), Callable[..., tuple[Any, ...]])
assert_type(ad.grad(work, argnums=1)(x, x), Any)
assert_type(ad.grad(lambda v: (energy(v), "aux"), has_aux=True), Callable[..., tuple[Any, Any]])
assert_type(ad.value_and_grad(energy)(x), tuple[Tensor, Tensor])
assert_type(ad.value_and_grad(energy)(a), tuple[Any, Any])
assert_type(ad.value_and_grad(work, (0, 1)), Callable[..., tuple[Any, tuple[Any, ...]]])
assert_type(ad.stop_gradient(x), Tensor)
assert_type(ad.stop_gradient([x, x]), list[Tensor])
assert_type(ad.stop_gradient(2.0), float)

# --- of first and second order

assert_type(ad.jacobian(force)(x), Tensor)
assert_type(ad.jacobian(force)(x, scale=2.0), Tensor)
assert_type(ad.jacobian(work, (0, 1)), Callable[..., tuple[Any, ...]])
assert_type(ad.derivative(force)(x), Tensor)
assert_type(ad.derivative(force, 2)(x), Tensor)
assert_type(ad.derivative(np.sin)(1.0), Any)
assert_type(ad.directional_derivative(force, x, a), Tensor)
assert_type(ad.hessian(energy)(x), Tensor)
assert_type(ad.hvp(energy, x, a), Tensor)
operator = ad.hessian_operator(energy, x)
assert_type(operator, ad.HessianOperator)
assert_type(operator.shape, tuple[int, int])

# --- pullbacks and pushforwards

value, pullback = ad.vjp(force, x)
assert_type(pullback, Callable[[Any], tuple[Any, ...]])
assert_type(ad.jvp(force, (x,), (a,)), tuple[Any, Any])

# --- what keeps its signature

assert_type(ad.checkpoint(force)(x, scale=2.0), Tensor)
rng = np.random.default_rng(0)
assert_type(ad.live(rng.standard_normal), float)

# --- operations of one's own

cube = ad.elementwise(lambda x: x**3, lambda t, y, x: t * 3 * x**2, name="cube")
assert_type(cube, ad.Primitive)
assert_type(ad.grad(cube)(x[0]), Tensor)


@ad.linear(lambda x: x[::-1], name="reverse")
def reverse(ct: Array, x: Array) -> Array:
    """The rule; the name is then that of the operation."""
    return ct[::-1]


assert_type(reverse, ad.Primitive)

if TYPE_CHECKING:  # mistakes that a checker must see: it complains of an ignore that hides nothing
    ad.grad(energy, has_aux="yes")  # type: ignore[call-overload]
    ad.grad(energy)(x).sums()  # type: ignore[attr-defined]
    value, gradient, more = ad.value_and_grad(energy)(x)  # type: ignore[misc]
    ad.checkpoint(force)(x, scales=2.0)  # type: ignore[call-arg]
    ad.multilinear(np.multiply, 3)  # type: ignore[arg-type]
