"""The laws hold for what is right, and each is broken by a rule that is wrong."""

import numpy as np
import pytest
from hypothesis import given, settings

import autodiff as ad
from autodiff import special
from autodiff.core.tape import INPUT
from autodiff.testing import laws
from autodiff.testing import strategies as st

X = np.array([0.7, -1.3, 0.4])

crooked = ad.primitive(
    lambda x: x * x,
    name="crooked",
    vjp=[lambda ct, y, x: ct * (2 * x)],
    jvp=[lambda t, y, x: t * (2.001 * x)],
)
"""Right in reverse, wrong forwards."""
steep = ad.elementwise(lambda x: x**3, lambda t, y, x: t * (3.003 * x * x), name="steep")
"""Wrong alike in both sweeps."""
bent = ad.primitive(
    lambda x: np.sin(x),
    name="bent",
    vjp=[lambda ct, y, x: ct * np.cos(x) + 0.001 * np.abs(ct)],
    jvp=[lambda t, y, x: t * np.cos(x) + 0.001 * np.abs(t)],
)
"""Not linear."""
lopsided = ad.primitive(
    lambda x: x[..., 0] * x[..., 1],
    name="lopsided",
    vjp=[lambda ct, y, x: np.stack([ct * x[..., 1], ct * x[..., 0] * 1.001], -1)],
    jvp=[lambda t, y, x: t[..., 0] * x[..., 1] + 1.001 * (x[..., 0] * t[..., 1])],
)
"""Second derivatives that depend on their order."""


def peeking(x):
    """Forgets what its argument was computed from."""
    return np.exp(x if x._node.primitive is INPUT else x.detach())


BROKEN = {
    "linearity": lambda: laws.linearity(bent, X),
    "adjointness": lambda: laws.adjointness(crooked, X),
    "symmetry": lambda: laws.symmetry(lopsided, X[:2]),
    "agreement of modes": lambda: laws.agreement(crooked, X),
    "chain rule": lambda: laws.chain_rule(peeking, np.sin, X),
    "homogeneity": lambda: laws.homogeneity(lambda x: np.sum(steep(x)), X, 3),
    "invariance of values": lambda: laws.invariance(np.linalg.norm, lambda x: x + 1.0, X),
    "invariance of gradients": lambda: laws.invariance(
        lambda x: np.sum(steep(x)) - np.sum(x**3), lambda x: x[::-1] * 2.0, X
    ),
}  # fmt: skip


HOLD = {
    "linearity": lambda: laws.linearity(lambda a, b: {"y": [a * np.sin(b), np.sum(a)]}, X, 2 * X),
    "adjointness": lambda: laws.adjointness(lambda p: p["w"] @ np.tanh(p["x"]), {"w": np.outer(X, X), "x": X}),
    "symmetry": lambda: laws.symmetry(lambda x: np.sum(np.outer(x, np.exp(x)) ** 2), X),
    "agreement": lambda: laws.agreement(lambda x: np.prod(np.sin(x)), X),
    "agreement of a vector": lambda: laws.agreement(lambda x: np.cumsum(x * x), X),
    "chain rule": lambda: laws.chain_rule(np.cumsum, lambda x: np.sin(x) * x, X),
    "product rule": lambda: laws.product_rule(np.cumsum, np.sin, X),
    "homogeneity of a norm": lambda: laws.homogeneity(np.linalg.norm, X, 1),
    "homogeneity of a quotient": lambda: laws.homogeneity(lambda x: x[0] / np.sum(x), X, 0),
    "softmax under shifts": lambda: laws.invariance(lambda z: special.softmax(z)[0], lambda z: z + 100.0, X),
    "cross-entropy under shifts": lambda: laws.invariance(
        lambda z: special.softmax_cross_entropy(z[None], np.array([1])), lambda z: z - 5.0, X
    ),
    "norm under rotations": lambda: laws.invariance(np.linalg.norm, lambda x: np.roll(x, 1) * -1.0, X),
    "determinant, transposed": lambda: laws.invariance(np.linalg.det, lambda a: a.T, np.outer(X, X) + np.eye(3)),
    "precision": lambda: laws.precision(lambda x, w: np.sum(np.tanh(x * w)), X, 2 * X),
}  # fmt: skip


@pytest.mark.parametrize("name", HOLD)
def test_a_law_holds(name):
    HOLD[name]()


@pytest.mark.parametrize("name", BROKEN)
def test_a_law_that_is_broken_is_told(name):
    with pytest.raises(laws.LawError, match=name.split(" of ")[0]):
        BROKEN[name]()


def test_a_broken_product_is_told():
    product = ad.testing.all_primitives()["elementwise.multiply"]
    with ad.testing.scaled(product, operand=0), pytest.raises(laws.LawError, match="product rule of sin times exp"):
        laws.product_rule(np.sin, np.exp, X)


def test_a_loss_of_digits_in_float32_is_told():
    with pytest.raises(laws.LawError, match="float32 and float64 differ"):
        laws.precision(lambda x: np.sum(((1e4 + x) - 1e4) ** 2), X)


def test_nan_on_both_sides_is_nothing_compared():
    with pytest.raises(laws.LawError, match=r"linearity of the pushforward of .* are NaN everywhere"):
        laws.linearity(lambda x: x * np.nan, X)


def test_a_difference_names_the_entry_and_both_numbers():
    with pytest.raises(
        laws.LawError, match=r"forward and reverse mode differ by 0\.0\d+ at entry \d+ \(-?\d.* and -?\d"
    ):
        laws.agreement(crooked, X)


@settings(max_examples=25, deadline=None)
@given(f=st.vector_functions(2, 3))
def test_the_sweeps_are_adjoint_and_linear_for_random_functions(f):
    laws.adjointness(f, np.array([0.3, -0.4]))
    laws.linearity(f, np.array([0.3, -0.4]))


@settings(max_examples=15, deadline=None)
@given(f=st.scalar_functions(3))
def test_hessians_of_random_functions_are_symmetric_by_all_ways(f):
    laws.symmetry(f, np.array([0.3, -0.4, 1.2]))
    laws.agreement(f, np.array([0.3, -0.4, 1.2]))
