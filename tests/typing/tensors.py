"""A Tensor, its operators and its methods."""

from typing import TYPE_CHECKING, Any, assert_type

import numpy as np

import autodiff as ad
from autodiff import Tensor
from autodiff.typing import Array, Shape

x = ad.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True, name="x")
a = np.eye(2)
whole = np.arange(2)

# --- what it is

assert_type(x, Tensor)
assert_type(x.data, Array)
assert_type(x.grad, Array | None)
assert_type(x.shape, Shape)
assert_type(x.ndim, int)
assert_type(x.dtype, np.dtype[Any])
assert_type(x.name, str | None)
assert_type(x.requires_grad, bool)
assert_type(ad.tensor(a, dtype=np.float32), Tensor)
assert_type(ad.tensor([x, x]), Tensor)
assert_type(float(ad.tensor(1.0)), float)

# --- operators, with an array on either side

assert_type(x + 1, Tensor)
assert_type(1 - x, Tensor)
assert_type(x * x, Tensor)
assert_type(a * x, Tensor)
assert_type(a @ x, Tensor)
assert_type(a - x, Tensor)
assert_type(whole / x, Tensor)
assert_type(np.float64(2.0) * x, Tensor)
assert_type(x @ a, Tensor)
assert_type(x**2, Tensor)
assert_type(2.0**x, Tensor)
assert_type(-x, Tensor)
assert_type(abs(x), Tensor)
assert_type(x % 2, Tensor)
assert_type(divmod(x.detach(), 2), tuple[Tensor, Tensor])
assert_type(x > 0, Tensor)
assert_type(x == 1, Tensor)
assert_type(x[0], Tensor)
assert_type(x[x.data > 1], Tensor)
assert_type(round(x, 1), Tensor)

# --- methods

assert_type(x.sum(), Tensor)
assert_type(x.mean(axis=0, keepdims=True), Tensor)
assert_type(x.max(axis=(0, 1)), Tensor)
assert_type(x.var(ddof=1), Tensor)
assert_type(x.T, Tensor)
assert_type(x.reshape(4), Tensor)
assert_type(x.reshape((1, 4)), Tensor)
assert_type(x.transpose(1, 0), Tensor)
assert_type(x.astype(np.float32), Tensor)
assert_type(x.real, Tensor)
assert_type(x.argmax(axis=0), Tensor)
assert_type(x.nonzero(), tuple[Tensor, ...])
assert_type(x.any(), Tensor)
assert_type(x.clip(0.0, 1.0), Tensor)
assert_type(x.cumsum(axis=0), Tensor)
assert_type(x.dot(a), Tensor)
assert_type(x.at[0].set(5.0), Tensor)
assert_type(x.at[0, 1].add(x[0, 0]), Tensor)
assert_type(x.copy(), Tensor)
assert_type(x.detach(), Tensor)
for row in x:
    assert_type(row, Tensor)

# --- leaves

((a @ x - 1.0) ** 2).mean().backward()
x.backward(np.ones((2, 2)))
if x.grad is not None:
    assert_type(x.grad, Array)
assert_type(x.assign_(a), Tensor)
assert_type(x.requires_grad_(), Tensor)
x.data = [[1, 2], [3, 4]]
x.grad = None

if TYPE_CHECKING:  # mistakes that a checker must see: it complains of an ignore that hides nothing
    x.sum(axis="rows")  # type: ignore[arg-type]
    x.assign_(None)  # type: ignore[arg-type]
    x.grad = {"no": "array"}  # type: ignore[assignment]
    x.sums()  # type: ignore[attr-defined]
