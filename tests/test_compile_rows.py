"""Every row of the table of operations gives the same value, gradient and Hessian-vector product compiled and eager."""

import numpy as np
import pytest
from hypothesis import given, settings

import autodiff as ad
from autodiff import pytree
from autodiff.compiler.state import same_bits
from autodiff.testing import strategies as st
from tests.op_cases import ALL
from tests.op_cases.checks import quiet
from tests.profiles import EVERY_DAY

SEEDS = range(2)
# How many entries the result has, and which, is decided by values.
BY_VALUES = ("piecewise", "unique", "union1d", "intersect1d", "setdiff1d", "setxor1d")


def depends_on_values(case):
    """Whether the row is one of those, or a variant of one: ``unique_rows``."""
    return str(case).startswith(BY_VALUES)


def same(found, expected, exact):
    a, b = pytree.flatten(found)[0], pytree.flatten(expected)[0]
    assert len(a) == len(b)
    for x, y in zip(a, b):
        x, y = (getattr(v, "data", v) for v in (x, y))
        assert np.shape(x) == np.shape(y) and np.asarray(x).dtype == np.asarray(y).dtype
        np.testing.assert_allclose(x, y, rtol=exact, atol=exact, equal_nan=True)


def same_to_the_bit(found, expected):
    (a, structure), (b, wanted) = pytree.flatten(found), pytree.flatten(expected)
    assert structure == wanted
    for x, y in zip(a, b, strict=True):
        assert type(x) is type(y)
        x, y = (getattr(v, "data", v) for v in (x, y))
        assert same_bits(x, y), f"{x!r}, not {y!r}"


def functions(case, call):
    """The row's value, and the gradient of a weighted sum of it, as functions of plain arrays."""
    moving = [i for i, x in enumerate(call.operands) if np.asarray(x).dtype.kind in "fc"]

    def value(*xs):
        with quiet():
            return case.fn(*(ad.Tensor(x) if i in moving else x for i, x in enumerate(xs)), **call.keywords)

    def total_of(xs):
        def total(*moved):
            full = list(xs)
            for i, x in zip(moving, moved):
                full[i] = x
            parts = [y for y in pytree.flatten(case.fn(*full, **call.keywords))[0] if y.dtype.kind in "fc"]
            weights = [np.cos(np.arange(1.0, y.size + 1)).reshape(y.shape).astype(np.real(y).dtype) for y in parts]
            return sum(np.sum(np.real(y) * w) for y, w in zip(parts, weights))

        return total

    def gradient(*xs):
        with quiet():
            return ad.grad(total_of(xs), tuple(range(len(moving))))(*(xs[i] for i in moving))

    def product(*xs):
        point = tuple(xs[i] for i in moving)
        direction = tuple(np.sin(np.arange(1.0, x.size + 1)).reshape(x.shape).astype(x.dtype)[()] for x in point)
        with quiet():
            return ad.hvp(lambda moved: total_of(xs)(*moved), point, direction)

    real = all(np.asarray(call.operands[i]).dtype.kind == "f" for i in moving)
    return (value, gradient, product) if real and moving else (value, gradient)


def other(x):
    """Beside `x`: a program must not hold what belonged to its first call."""
    x = np.asarray(x)
    return (x * x.dtype.type(1.0078125))[()] if x.dtype.kind in "fc" else x


@pytest.mark.parametrize("case", ALL, ids=str)
def test_a_row_is_the_same_compiled(case):
    for seed in SEEDS:
        call = case.example(seed)
        xs = [np.array(x) for x in call.operands]
        every = functions(case, call)
        # The program of the product computes the value and the gradient on its way.
        for f in every[-1:] if seed and EVERY_DAY else every:
            compiled = ad.compile(f, check=0)  # compared below, once
            with quiet():
                if depends_on_values(case):
                    with pytest.raises(ad.CompileError):
                        compiled(*xs)
                    continue
                same(compiled(*xs), f(*xs), 1e-13)
                moved = [other(x) for x in xs]
                same_to_the_bit(compiled(*moved), f(*moved))


@settings(max_examples=20, deadline=None)
@given(f=st.scalar_functions(3))
def test_random_functions_their_gradients_and_products_are_the_same_compiled(f):
    x, v = np.array([0.3, -0.4, 1.2]), np.array([1.0, -2.0, 0.5])
    for g in (f, ad.grad(f), lambda x, v: ad.hvp(f, x, v), ad.hessian(f)):
        arguments = (x, v) if g.__name__ == "<lambda>" else (x,)
        compiled = ad.compile(g)
        for scale in (1.0, 1.5):
            arguments = tuple(a * scale for a in arguments)
            same(compiled(*arguments), g(*arguments), 1e-12)
