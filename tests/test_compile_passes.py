"""Each pass takes out what it should, leaves what it must, and does not change a bit of the result."""

import itertools

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler import passes
from autodiff.compiler.passes.blocks import BLOCK, halves, joined

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4))
LARGE = RNG.normal(size=300_001)  # no whole number of blocks


def compiled(f, *xs):
    """The function compiled, after a call that traced it and one that was checked bit by bit."""
    g = ad.compile(f)
    g(*xs)
    others = [x + 1.0 for x in xs]
    got, expected = g(*others), f(*others)
    pairs = zip(got, expected, strict=True) if isinstance(got, tuple) else [(got, expected)]
    for a, b in pairs:
        np.testing.assert_array_equal(a, b)
    return g


def titles(g):
    return [op.title for op in g.program.ops]


def test_dead_code():
    def f(x):
        np.exp(x), x @ x.T
        return np.sin(x)

    assert titles(compiled(f, X)) == ["sin"]


def test_common_subexpressions_are_computed_once_but_not_across_an_effect():
    assert titles(compiled(lambda x: np.sin(x) * np.sin(x) + np.sin(x), X)) == ["sin", "multiply", "add"]
    w = ad.tensor(X.copy(), requires_grad=True)

    @ad.compile
    def step():
        before = np.sum(np.exp(w))
        w.assign_(w * 0.5)
        return before + np.sum(np.exp(w))

    expected = np.exp(X).sum() + np.exp(X / 2).sum()
    assert step().item() == pytest.approx(expected, rel=1e-14)
    assert titles(step).count("exp") == 2


def test_constants_are_folded():
    def f(x):
        one = np.broadcast_to(x[0, 0], (3, 4)) * 0 if False else np.ones((3, 4))
        return x + np.exp(one) * 2

    assert titles(compiled(f, X)) == ["add"]


def test_identities():
    assert titles(compiled(lambda x: (x * 1).T.T.reshape(3, 4) / 1, X)) == []
    assert titles(compiled(lambda x: np.power(x, 1) + 0 * x, X)) == ["multiply", "add"]  # 0 * x may be NaN


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x, y: x + -y, ["subtract"]),
        (lambda x, y: -x + y, ["subtract"]),
        (lambda x, y: x - -y, ["add"]),
        (lambda x, y: np.negative(-x) * y, ["multiply"]),
        (lambda x, y: y + (-x) * y, ["multiply", "subtract"]),
        (lambda x, y: (-x) / (-y), ["divide"]),
        (lambda x, y: (-x) * y, ["multiply", "negative"]),
        (lambda x, y: -x - y, ["negative", "subtract"]),
    ],
)
def test_signs(f, expected):
    assert titles(compiled(f, X, Y)) == expected


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x, y: 3.1 * (x * 4.0) + y, ["multiply", "add"]),
        (lambda x, y: -1.7 * (2 * (x * -4.0)) + y, ["multiply", "add"]),
        (lambda x, y: 3.1 * (x * 3.0) + y, ["multiply", "multiply", "add"]),  # rounded twice
        (lambda x, y: 4.0 * (x * 3.1) + y, ["multiply", "multiply", "add"]),  # rounded first, perhaps to a subnormal
        (lambda x, y: 0.1 * (x * 4.0) + y, ["multiply", "multiply", "add"]),  # may be infinite in between
        (lambda x, y: (x * 0.5) * 0.25 + y, ["multiply", "multiply", "add"]),  # bits are lost in between
    ],
)
def test_scales(f, expected):
    assert titles(compiled(f, X, Y)) == expected
    extreme = np.array([5e-324, -1.5e-323, 3e-308, 1.7e308, -6e307, 0.0, -0.0, np.inf, np.nan])
    g = ad.compile(f)
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(2):
            got, y = g(extreme, -extreme), f(extreme, -extreme)
    np.testing.assert_array_equal(got, y)
    np.testing.assert_array_equal(np.signbit(got[y == 0]), np.signbit(y[y == 0]))


def test_the_order_of_operands_that_does_not_matter_is_not_minded():
    assert titles(compiled(lambda x, y: (x + 1) * (1 + x) + (y - x) * (x - y), X, Y)).count("add") == 2


def test_a_sign_that_others_need_stays():
    g = compiled(lambda x, y: np.stack([-x, (-x) * y]), X, Y)
    assert titles(g).count("negative") == 1


def test_broadcasts_are_absorbed_where_another_operand_keeps_shape_and_type():
    f = ad.grad(lambda x: np.sum(x**2) / 7)
    g = compiled(f, X)
    assert "broadcast_to" not in g.source
    assert all(v.kind != "made" or not v.shape for v in g.program.values())
    narrow = compiled(lambda x: np.broadcast_to(x[:, None], (3, 5)) * np.arange(5.0), RNG.normal(size=3))
    assert titles(narrow) == ["getitem", "multiply"]
    wide = compiled(lambda x: x * np.full((3, 4), 2.0), RNG.normal(size=(1, 4)))  # the constant gives the shape
    assert wide(np.ones((1, 4))).shape == (3, 4)
    mixed = ad.compile(lambda x: x * np.full((3, 4), 2.0))  # and here the type
    mixed(np.ones((3, 4), np.float32))
    assert mixed(np.ones((3, 4), np.float32)).dtype == np.float64


def test_the_slope_of_relu_is_found_in_two_fast_calls_and_nan_shows():
    x = RNG.normal(size=(40, 50))
    x[0, :4] = 0.0, -0.0, np.nan, np.inf
    f = ad.grad(lambda x: np.sum(np.maximum(x, 0) * np.arange(50.0)))
    g = compiled(f, x)
    assert {"ceil", "minimum"} <= set(titles(g)) and "sign" not in titles(g)
    np.testing.assert_array_equal(g(x), f(x))
    assert np.isnan(g(x)[0, 2])
    assert "sign" in titles(compiled(f, x[:2])) and "sign" in titles(compiled(ad.grad(lambda x: np.sum(np.abs(x))), x))


def test_constants_of_maximum_are_arrays_that_share_memory():
    x = RNG.normal(size=(20, 9))
    g = compiled(lambda x: np.maximum(x, 0)[:10] + np.maximum(x[:10], 0) + np.minimum(x[:10], -2.5), x)
    names = g._entries[-1]._run.__globals__
    assert np.shares_memory(names["zeros"], names["zeros_2"]) and names["full_minus_2_5"].shape == (10, 9)


@pytest.mark.parametrize("axis", [0, 1])
def test_products_of_all_steps_are_drawn_out_of_a_recurrence(axis):
    def f(x, w, u):
        h = np.zeros((3, 4))
        for t in range(6):
            h = np.tanh((x[t] if axis == 0 else x[:, t]) @ w + h @ u)
        return h

    xs = [RNG.normal(size=s) for s in ((6, 3, 5) if axis == 0 else (3, 6, 5), (5, 4), (4, 4))]
    g = compiled(f, *xs)
    assert titles(g).count("matmul") == 1 + 6  # all inputs at once, and each state
    gradient = ad.grad(lambda *xs: np.sum(f(*xs) ** 2), (0, 1, 2))
    fast = ad.compile(gradient)
    fast(*xs)
    for got, expected in zip(fast(*xs), gradient(*xs), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_products_of_some_steps_stay_where_they_are():
    x, w = RNG.normal(size=(6, 3, 5)), RNG.normal(size=(5, 4))
    g = compiled(lambda x, w: x[0] @ w + x[1] @ w + x[2] @ w + x[4] @ w, x, w)
    assert titles(g).count("matmul") == 4


# --- blocks


def chain(x):
    return np.sin(x) * np.exp(-x * x) + np.sqrt(x * x + 1)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
@pytest.mark.parametrize("shape", [(300_001,), (3, 100_007), (599, 7, 89)])
def test_long_chains_run_block_by_block(dtype, shape):
    x = RNG.normal(size=shape).astype(dtype)
    g = compiled(chain, x)
    assert titles(g) == ["blocks"]
    assert f"for i, j in blocks:  # of {BLOCK // 8} entries at most" in g.source
    np.testing.assert_array_equal(g(np.asfortranarray(x)), chain(x))
    if x.ndim == 1:
        np.testing.assert_array_equal(g(x[::-1]), chain(x[::-1]))


def test_short_chains_and_small_arrays_do_not():
    assert "blocks" not in titles(compiled(lambda x: np.exp(x) * 2, LARGE))
    assert "blocks" not in titles(compiled(chain, X))


def test_sums_over_all_entries_are_gathered_and_extremes_left_outside():
    """Of two zeros an extreme is one or the other by the order in which they are met."""
    f = lambda x: np.stack([chain(x).sum(), chain(x).max(), (chain(x) * 2).min()])
    g = compiled(f, LARGE)
    assert titles(g).count("blocks") == 1
    assert [op.title for op in g.program.ops[0].function.ops].count("add") == 3  # two of chain, and the sum
    assert titles(g).count("maximum") == titles(g).count("minimum") == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_a_sum_block_by_block_is_numpys_to_the_last_bit(dtype):
    rng = np.random.default_rng(3)
    for size in (*rng.integers(2**18 + 6, 2**19, 4), 2**18 + 8, 2**19):
        x = (rng.normal(size=size) * np.exp(3 * rng.normal(size=size))).astype(dtype)
        x = x + x[::-1] * 1j if x.dtype.kind == "c" else x
        f = lambda x: np.sum(((x * 3 + 1) * x - 1) * x)
        g = ad.compile(f)
        for part in (x, x.reshape(2, -1) if size % 2 == 0 else x, np.asfortranarray(x[: size // 6 * 6].reshape(6, -1))):
            g(part)
            assert "blocks" in titles(g)
            assert g(part).tobytes() == f(part).tobytes()


@pytest.mark.parametrize("numbers", [1, 2])
def test_the_pieces_of_a_sum_are_those_of_numpys_recursion(numbers):
    for size in (1, BLOCK // 8, BLOCK // 8 + 1, 300_001):
        pieces = list(halves(0, size, numbers))
        assert pieces[0][0] == 0 and pieces[-1][1] == size
        assert all(a[1] == b[0] for a, b in itertools.pairwise(pieces))
        assert all(0 < j - i <= BLOCK // 8 for i, j in pieces)
        assert joined(iter([j - i for i, j in pieces]), size, numbers) == size


def test_what_needs_a_sum_of_all_blocks_comes_after_them():
    f = lambda x: np.tanh((chain(x) - chain(x).mean()) * 2 + x) / 3
    assert titles(compiled(f, LARGE)).count("blocks") == 2


def test_results_in_between_that_others_need_come_out():
    f = lambda x: np.stack([np.cumsum(np.sin(x) + 1), np.exp(np.sin(x) + 1) * x])
    assert titles(compiled(f, LARGE))[0] == "blocks"


def test_a_gradient_with_branches_is_the_eager_one_bit_for_bit():
    f = ad.grad(lambda x: np.sum(np.where(x > 0, np.sqrt(np.maximum(x, 0)), np.expm1(x)) * np.tanh(x)))
    g = compiled(f, LARGE)
    assert "blocks" in titles(g)
    assert "where" in str(g.program)


def test_a_training_step_over_a_large_array():
    def make():
        w = ad.tensor(LARGE.copy(), requires_grad=True)

        def step(x):
            w.grad = None
            loss = np.mean(np.tanh(w * x + 1) ** 2)
            loss.backward()
            w.assign_(w - 10.0 * w.grad)
            return loss

        return step, w

    (eager, expected), (f, w) = make(), make()
    step = ad.compile(f)
    for k in range(3):
        assert step(LARGE + k).item() == eager(LARGE + k).item()
    np.testing.assert_array_equal(w.data, expected.data)
    assert "blocks" in titles(step)


def test_passes_leave_what_they_have_done():
    program = ad.compile(ad.value_and_grad(lambda x: np.sum(chain(x))))
    program(X)
    for rewrite in passes.PASSES:
        again = rewrite(program.program)
        assert len(again.ops) == len(program.program.ops)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
@pytest.mark.parametrize(
    "f",
    [
        lambda y: y @ y.T,
        lambda y: y @ y.copy().T,
        lambda y: (y * 1.0) @ np.positive(y).T,
        lambda y: np.exp(y) @ np.exp(y).T,
        lambda y: np.dot(y.T, np.negative(np.negative(y))),
        lambda y: np.inner(y, y.copy()),
        lambda y: np.tensordot(y, +y, ((1,), (1,))),
        lambda y: np.einsum("ij,kj->ik", y, y * 1.0, optimize=True),
        lambda y: np.sin(y.copy()) @ np.sin(+y).T + np.sin(y),
    ],
)
def test_two_arrays_that_meet_in_a_product_stay_two(f, dtype):
    """NumPy multiplies an array by its own transpose with another routine, which rounds differently."""
    rng = np.random.default_rng(0)
    fast = ad.compile(f, check=0)
    for _ in range(8):
        y = rng.normal(size=(5, 10)).view(complex)
        y = y if dtype == np.complex128 else y.real.astype(dtype)
        np.testing.assert_array_equal(fast(y), f(y))
