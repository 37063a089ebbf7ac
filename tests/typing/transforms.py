"""Derivatives: of Tensors they are typed; what a transformed function takes and gives is not yet."""

from collections.abc import Callable
from typing import Any, assert_type

import autodiff as ad
from autodiff import Tensor


def energy(x: Tensor) -> Tensor:
    """A number."""
    return (x * x).sum()


x = ad.tensor([1.0, 2.0], requires_grad=True)
y = energy(x)
assert_type(y, Tensor)
assert_type(ad.gradients(y, [x]), tuple[Tensor, ...])
assert_type(ad.hessian_operator(energy, x), ad.HessianOperator)
assert_type(ad.grad(energy), Callable[..., Any])
assert_type(ad.value_and_grad(energy), Callable[..., Any])
assert_type(ad.jacobian(energy), Callable[..., Any])
assert_type(ad.derivative(energy, 2), Callable[..., Any])
