"""Line searches, Lanczos' iteration, the Krylov step, the limited memory, vectors of containers."""

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import autodiff as ad
from autodiff.solvers import (
    LimitedMemory,
    backtracking,
    krylov_step,
    ravel,
    smallest_eigenvalue,
    steihaug,
    strong_wolfe,
)

seeds = st.integers(0, 2**32 - 1)


@st.composite
def symmetric(draw, definite=False):
    n = draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(seeds))
    values = 10.0 ** rng.uniform(-2, 2, n)
    if not definite:
        values *= np.where(rng.uniform(size=n) < 0.5, -1.0, 1.0)
    Q, _ = np.linalg.qr(rng.normal(size=(n, n)))
    A = (Q * values) @ Q.T
    return (A + A.T) / 2, rng.normal(size=n) * 10.0 ** rng.uniform(-6, 6)


# --- the line search ------------------------------------------------------------------------------

# Moré and Thuente's functions (section 5), with derivatives; the first has its minimum at sqrt(2), the second near 1.6,
# the third at 1.
LINES = {
    "rational": (lambda a: (-a / (a * a + 2), (a * a - 2) / (a * a + 2) ** 2), 1e-3, 1e-1),
    "steep": (
        lambda a: ((a + 0.004) ** 5 - 2 * (a + 0.004) ** 4, 5 * (a + 0.004) ** 4 - 8 * (a + 0.004) ** 3),
        1e-1,
        1e-1,
    ),
    "cosine": (lambda a: (np.cos(3 * a) - 0.1 * a, -3 * np.sin(3 * a) - 0.1), 1e-4, 1e-1),
    "log": (lambda a: (a - np.log1p(10 * a), 1 - 10 / (1 + 10 * a)), 1e-4, 0.9),
    "exponential": (lambda a: (np.exp(a) - 50 * a, np.exp(a) - 50), 1e-4, 1e-1),
}


@pytest.mark.parametrize("first", [1e-3, 1e-1, 1.0, 1e1, 1e3])
@pytest.mark.parametrize("name", LINES)
def test_both_conditions_hold_from_any_first_step(name, first):
    phi, c1, c2 = LINES[name]
    value, slope = phi(0.0)
    calls = []

    def counted(a):
        calls.append(a)
        with np.errstate(over="ignore", invalid="ignore"):
            return phi(np.float64(a))

    found = strong_wolfe(counted, value, slope, first, c1=c1, c2=c2)
    assert found.converged and len(calls) == found.evaluations <= 25
    assert found.value <= value + c1 * found.step * slope and abs(found.slope) <= c2 * abs(slope)
    assert (found.value, found.slope) == phi(found.step)


@given(symmetric(definite=True), seeds, st.floats(1e-3, 1e3))
def test_the_minimum_of_a_parabola_is_met(problem, seed, first):
    A, b = problem
    d = np.random.default_rng(seed).normal(size=b.size)
    slope = -abs(b @ d) - 1e-3 * np.linalg.norm(b)
    curve = d @ (A @ d)
    assume(curve > 0)
    best = -slope / curve
    found = strong_wolfe(
        lambda a: (a * slope + 0.5 * a * a * curve, slope + a * curve), 0.0, slope, first * best, c2=0.01
    )
    assert found.converged and found.step == pytest.approx(best, rel=0.011) and found.evaluations <= 12


def test_values_that_are_not_finite_are_too_far():
    def barrier(a):
        return (-np.log(1 - a) - 3 * a, 1 / (1 - a) - 3) if a < 1 else (np.nan, np.nan)

    for first in (0.1, 0.9, 2.0, 1e6):
        found = strong_wolfe(barrier, 0.0, -2.0, first, c2=0.1, max_evaluations=60)
        assert found.converged and found.step == pytest.approx(2 / 3, abs=0.05)


def test_searches_that_find_nothing_say_so():
    rising = lambda a: (a, 1.0)
    assert strong_wolfe(rising, 0.0, 1.0).step == 0.0 and strong_wolfe(rising, 0.0, 1.0).evaluations == 0
    assert strong_wolfe(rising, 0.0, float("nan")).step == 0.0
    lying = strong_wolfe(rising, 0.0, -1.0)
    assert lying.step == 0.0 and not lying.converged and lying.evaluations <= 25
    falling = strong_wolfe(lambda a: (-a, -1.0), 0.0, -1.0, max_step=50.0)
    assert falling.step == 50.0 and falling.value == -50.0 and not falling.converged
    assert strong_wolfe(lambda a: (-a, -1.0), 0.0, -1.0, max_evaluations=3).evaluations == 3


def test_slack_lets_the_slope_decide_within_rounding():
    noisy = lambda a: (1.0 + 1e-14, -1e-12)
    assert not strong_wolfe(noisy, 1.0, -1e-9, c1=1e-1).converged
    assert strong_wolfe(noisy, 1.0, -1e-9, slack=1e-13).converged


def test_backtracking_halves_until_it_is_enough():
    calls = []
    found = backtracking(lambda a: (calls.append(a), (a - 1) ** 2)[1], 1.0, lambda a: 2 * a, first=8.0)
    assert found == (1.0, 0.0, 4) and calls == [8.0, 4.0, 2.0, 1.0]
    assert backtracking(lambda a: np.nan, 1.0, lambda a: a, max_evaluations=5) == (0.0, 1.0, 5)


# --- Lanczos --------------------------------------------------------------------------------------


@given(symmetric())
@example((np.eye(5), np.ones(5)))
@example((np.diag([1.0, 1.0, -1.0, -1.0]), np.ones(4)))
@example((np.zeros((3, 3)), np.ones(3)))
def test_the_smallest_eigenvalue_is_found(problem):
    A, _ = problem
    found = smallest_eigenvalue(lambda v: A @ v, len(A))
    scale = np.abs(np.linalg.eigvalsh(A)).max()
    assert found.value == pytest.approx(np.linalg.eigvalsh(A)[0], abs=1e-8 * scale)
    assert found.iterations <= len(A) and found.largest <= scale * (1 + 1e-9)
    assert np.linalg.norm(found.vector) == pytest.approx(1.0)
    np.testing.assert_allclose(A @ found.vector, found.value * found.vector, atol=max(found.error, 1e-9 * scale) * 1.01)


def test_a_large_matrix_takes_few_products():
    values = np.concatenate([[-1.0], np.linspace(1, 100, 499)])
    found = smallest_eigenvalue(lambda v: values * v, 500)
    assert found.value == pytest.approx(-1.0, abs=1e-3) and found.iterations <= 60
    assert found.value >= -1.0 - 1e-12  # a Rayleigh quotient
    assert abs(found.vector[0]) > 0.99


def test_products_that_are_not_finite_and_float32():
    assert np.isnan(smallest_eigenvalue(lambda v: v * np.nan, 3).value)
    found = smallest_eigenvalue(lambda v: np.float32([1, 2, -3]) * v, 3, dtype=np.float32)
    assert found.vector.dtype == np.float32 and found.value == pytest.approx(-3.0, rel=1e-5)


# --- the Krylov step ------------------------------------------------------------------------------


@given(symmetric(), st.floats(1e-6, 1e6))
@example((np.diag([1.0, -1.0]), np.array([1.0, 0.0])), 1.0)
@example((np.diag([1e-2, 1e2]), np.array([1.0, 1e6])), 1e8)
def test_the_step_is_the_best_in_the_region(problem, radius):
    """Moré and Sorensen's conditions, in the Krylov space, which is the whole space here."""
    A, g = problem
    found = krylov_step(lambda v: A @ v, g, radius, tol=1e-12)
    p, length = found.step, np.linalg.norm(found.step)
    assert length <= radius * (1 + 1e-9) and found.predicted > 0
    scale = np.linalg.norm(g) * length + 0.5 * np.linalg.norm(A, 2) * length**2
    assert found.predicted == pytest.approx(-(g @ p + 0.5 * p @ (A @ p)), rel=1e-6, abs=1e-9 * scale)
    cut = steihaug(lambda v: A @ v, g, radius, tol=1e-12)
    assert found.predicted >= cut.predicted * (1 - 1e-9) - 1e-9 * scale
    rng = np.random.default_rng(0)
    for q in rng.normal(size=(50, g.size)):
        q = p + 0.1 * radius * q / np.linalg.norm(q) * rng.uniform()
        q *= min(1.0, radius / np.linalg.norm(q))
        if np.isclose(found.curvature, np.linalg.eigvalsh(A)[0]):  # else the best lies outside of the Krylov space
            assert -(g @ q + 0.5 * q @ (A @ q)) <= found.predicted + 1e-7 * scale


def test_negative_curvature_is_followed_to_the_boundary():
    found = krylov_step(lambda v: np.array([1.0, -2.0]) * v, np.array([0.0, 1.0]), 3.0)
    assert found.ending == "negative curvature" and found.curvature == -2.0
    np.testing.assert_allclose(found.step, [0.0, -3.0])


def test_edge_cases_of_the_krylov_step():
    nothing = krylov_step(lambda v: 2 * v, np.zeros(3), 1.0)
    assert not nothing.step.any() and nothing.predicted == 0.0 and nothing.iterations == 0
    assert krylov_step(lambda v: 2 * v, np.ones(3, np.float32), 0.1).step.dtype == np.float32
    short = krylov_step(lambda v: np.arange(1.0, 21.0) * v, np.ones(20), 1e6, tol=1e-12, max_iter=3)
    assert short.iterations == 3 and short.ending == "iterations" and short.predicted > 0
    assert not krylov_step(lambda v: v * np.nan, np.ones(2), 1.0).step.any()


# --- the limited memory ---------------------------------------------------------------------------


@given(symmetric(definite=True), seeds, st.integers(1, 6))
def test_the_memory_is_the_dense_formula(problem, seed, size):
    """Against the update of BFGS on the whole matrix (Nocedal and Wright 2006, 6.17), from a scaled identity."""
    A, b = problem
    rng = np.random.default_rng(seed)
    memory = LimitedMemory(size)
    for s in rng.normal(size=(8, b.size)):
        memory.remember(s, A @ s)
    pairs = list(zip(memory.steps, memory.changes, strict=True))
    assert len(pairs) <= size
    s, y = pairs[-1]
    one = np.eye(b.size)
    H = (s @ y) / (y @ y) * one
    for s, y in pairs:
        rho = 1 / (s @ y)
        H = (one - rho * np.outer(s, y)) @ H @ (one - rho * np.outer(y, s)) + rho * np.outer(s, s)
    expected = H @ b
    np.testing.assert_allclose(memory.apply(b), expected, atol=1e-6 * np.abs(H).max() * np.linalg.norm(b))


def test_pairs_without_positive_curvature_are_left_out():
    memory = LimitedMemory(3)
    assert not memory.remember(np.ones(2), -np.ones(2)) and not memory.remember(np.zeros(2), np.zeros(2))
    assert not memory.remember(np.ones(2), np.full(2, np.nan))
    g = np.array([1.0, 2.0])
    assert memory.apply(g).tolist() == g.tolist() and memory.apply(g) is not g
    assert memory.remember(np.ones(2), 2 * np.ones(2))
    memory.forget()
    assert memory.steps == [] and memory.changes == []


# --- containers as vectors ------------------------------------------------------------------------


def test_there_and_back_again():
    tree = {"w": np.arange(4.0).reshape(2, 2), "b": [np.float32(5), (np.zeros(0), 7)]}
    vector, unravel = ravel(tree)
    assert vector.tolist() == [0, 1, 2, 3, 5, 7] and vector.dtype == np.float64
    back = unravel(vector)
    assert back["w"].tolist() == [[0, 1], [2, 3]] and isinstance(back["b"][0], np.float32)
    assert back["b"][1][0].shape == (0,) and back["b"][1][1] == 7.0 and isinstance(back["b"][1], tuple)
    vector[0] = 9.0
    assert tree["w"][0, 0] == 0.0


@pytest.mark.parametrize(
    ("tree", "error", "text"),
    [
        ([], ad.StructureError, "x0 holds no numbers"),
        (np.zeros(0), ad.StructureError, "x0 holds no numbers"),
        ({"a": 1j}, ad.DtypeError, r"x0\['a'\] has dtype complex128.*two arrays"),
        (["text"], ad.DtypeError, r"x0\[0\] has dtype <U4.*give numbers"),
    ],
)
def test_what_is_no_vector(tree, error, text):
    with pytest.raises(error, match=text):
        ravel(tree)
