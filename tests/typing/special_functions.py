"""The special functions: a Tensor gives a Tensor, what NumPy takes for an array an array."""

from typing import TYPE_CHECKING, assert_type

import numpy as np

import autodiff as ad
from autodiff import Tensor, special
from autodiff.typing import Array, Numbers

x = ad.tensor([[0.5, 0.25], [0.25, 0.5]])
a, b = np.eye(2), np.ones(2)

assert_type(special.relu(x), Tensor)
assert_type(special.relu(a), Array)
assert_type(special.relu(2.0), Array)
assert_type(special.relu([[1, 2.0], [3.0, 4.0]]), Array)
assert_type(special.gelu(x, "tanh"), Tensor)
assert_type(special.softmax(x, axis=(0, 1)), Tensor)
assert_type(special.logsumexp(a, axis=None, keepdims=True), Array)
assert_type(special.sum_of_squares(x), Tensor)

# Of several operands one Tensor is enough.
assert_type(special.xlogy(x, a), Tensor)
assert_type(special.xlogy(a, x), Tensor)
assert_type(special.xlogy(a, 2.0), Array)
assert_type(special.affine(a, x, b), Tensor)
assert_type(special.mse(a, a), Array)
assert_type(special.softmax_cross_entropy(x, np.array([0, 1])), Tensor)
assert_type(special.layer_norm(x), Tensor)
assert_type(special.layer_norm(a, x[0], b), Tensor)
assert_type(special.layer_norm(a, b), Array)
assert_type(special.standardize(x), tuple[Tensor, Tensor, Tensor])
assert_type(special.convolution(np.ones((1, 1, 4)), ad.tensor(np.ones((1, 1, 2)))), Tensor)
assert_type(special.max_pool(np.ones((1, 1, 4)), 2), Array)
state = np.zeros((1, 1))
assert_type(special.lstm(np.ones((1, 3, 4)), state, state, ad.tensor(np.ones((1, 4)))), tuple[Tensor, Tensor])

assert_type(special.matrix_sqrt(x), Tensor)
assert_type(special.matrix_function(np.exp, a), Array)
assert_type(special.polar(x).u, Tensor)
assert_type(special.polar(a).p, Array)


def entropy(p: Tensor | Numbers) -> Tensor | Array:
    """Whoever takes both gives both."""
    terms = special.entr(p)
    assert_type(terms, Tensor | Array)
    return terms


entropy(x)
entropy([0.5, 0.5])

if TYPE_CHECKING:  # mistakes that a checker must see: it complains of an ignore that hides nothing
    special.relu(None)  # type: ignore[call-overload]
    special.gelu(x, "sinh")  # type: ignore[call-overload]
