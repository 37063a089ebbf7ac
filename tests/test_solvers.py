"""Conjugate gradients and the trust-region step on matrices that Hypothesis draws."""

import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autodiff.solvers import conjugate_gradient, steihaug, updated_radius


@st.composite
def problems(draw, indefinite=False):
    """A symmetric matrix with chosen eigenvalues, and a vector."""
    n = draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = 10.0 ** rng.uniform(-2, 2, n)
    if indefinite:
        values *= np.where(rng.uniform(size=n) < 0.5, -1.0, 1.0)
    Q, _ = np.linalg.qr(rng.normal(size=(n, n)))
    A = (Q * values) @ Q.T
    return (A + A.T) / 2, rng.normal(size=n) * 10.0 ** rng.uniform(-6, 6)


def counted(A):
    calls = []
    return lambda v: (calls.append(1), A @ v)[1], calls


# --- conjugate gradients --------------------------------------------------------------------------


@given(problems())
def test_conjugate_gradients_solve_positive_definite_systems(problem):
    A, b = problem
    product, calls = counted(A)
    result = conjugate_gradient(product, b, tol=1e-10)
    assert result.converged and not result.negative_curvature
    assert len(calls) == result.iterations <= 10 * b.size
    assert result.residual_norm <= 1e-10 * np.linalg.norm(b)
    np.testing.assert_allclose(A @ result.x, b, atol=1e-8 * np.linalg.norm(b))


@given(problems())
def test_iterates_descend_and_stop_where_they_are_told(problem):
    A, b = problem
    values = []
    for k in range(b.size + 1):
        product, calls = counted(A)
        result = conjugate_gradient(product, b, max_iter=k)
        assert len(calls) == result.iterations <= k
        values.append(0.5 * result.x @ (A @ result.x) - b @ result.x)
    assert values[0] == 0.0
    assert all(later <= before + 1e-9 * abs(before) for before, later in itertools.pairwise(values))


@given(problems(indefinite=True))
def test_indefinite_systems_are_noticed_or_solved(problem):
    A, b = problem
    result = conjugate_gradient(lambda v: A @ v, b)
    if result.converged:
        np.testing.assert_allclose(A @ result.x, b, atol=1e-6 * np.linalg.norm(b))
    elif np.linalg.eigvalsh(A).min() > 0:
        pytest.fail("a positive definite system was not solved")
    if result.negative_curvature:
        assert np.linalg.eigvalsh(A).min() <= 0 and np.isfinite(result.x).all()


def test_a_matrix_of_k_eigenvalues_takes_k_iterations():
    rng = np.random.default_rng(0)
    Q, _ = np.linalg.qr(rng.normal(size=(30, 30)))
    A = (Q * np.repeat([1.0, 5.0, 20.0], 10)) @ Q.T
    result = conjugate_gradient(lambda v: A @ v, rng.normal(size=30))
    assert result.converged and result.iterations == 3


def test_a_right_hand_side_of_zeros_needs_no_product():
    product, calls = counted(np.eye(3))
    result = conjugate_gradient(product, np.zeros(3))
    assert result.converged and not calls and not result.x.any()
    assert conjugate_gradient(product, np.zeros(0)).converged


def test_the_answer_has_the_dtype_of_the_right_hand_side():
    A = np.diag([1.0, 2.0, 3.0]).astype(np.float32)
    result = conjugate_gradient(lambda v: A @ v, np.ones(3, np.float32), tol=1e-5)
    assert result.x.dtype == np.float32 and result.converged
    np.testing.assert_allclose(conjugate_gradient(lambda v: 2 * v, np.array([2, 4])).x, [1.0, 2.0])


def test_inputs_are_not_written():
    A, b = np.diag([1.0, 2.0]), np.ones(2)
    b.setflags(write=False)
    conjugate_gradient(lambda v: A @ v, b)
    steihaug(lambda v: A @ v, b, 0.5)


# --- the trust-region step ------------------------------------------------------------------------


def model_decrease(A, g, p):
    return -(g @ p + 0.5 * p @ (A @ p))


radii = st.floats(1e-8, 1e8)


@given(st.one_of(problems(), problems(indefinite=True)), radii)
@example((np.diag([1.0, -1.0]), np.array([0.0, 1.0])), 1.0)
@example((np.diag([1e-2, 1e2]), np.array([1.0, 1e6])), 1e8)
def test_a_step_keeps_its_promises(problem, radius):
    """Inside the region, the boundary met exactly, the predicted decrease that of the model and at least Cauchy's."""
    A, g = problem
    product, calls = counted(A)
    result = steihaug(product, g, radius)
    p, length = result.step, np.linalg.norm(result.step)
    assert result.iterations == len(calls)
    assert length <= radius * (1 + 1e-12)
    if result.ending in ("boundary", "negative curvature"):
        assert length == pytest.approx(radius, rel=1e-12)
    scale = np.linalg.norm(g) * length + 0.5 * np.linalg.norm(A, 2) * length**2
    assert result.predicted == pytest.approx(model_decrease(A, g, p), rel=1e-9, abs=1e-12 * scale)
    assert result.predicted > 0
    norm = np.linalg.norm(g)
    curve = g @ (A @ g) / norm**2
    best = radius if curve <= 0 else min(radius, norm / curve)
    cauchy = model_decrease(A, g, -best * g / norm)
    assert result.predicted >= cauchy * (1 - 1e-9)


@given(problems(), radii)
def test_a_positive_definite_model_has_positive_curvature(problem, radius):
    A, g = problem
    result = steihaug(lambda v: A @ v, g, radius)
    low, high = np.linalg.eigvalsh(A)[[0, -1]]
    assert low * (1 - 1e-9) <= result.curvature <= high * (1 + 1e-9)
    assert result.ending != "negative curvature"


@given(problems())
def test_a_large_region_gives_newtons_step(problem):
    A, g = problem
    result = steihaug(lambda v: A @ v, g, 1e12, tol=1e-10, max_iter=1000)
    assert result.ending == "converged"
    np.testing.assert_allclose(A @ result.step, -g, atol=1e-8 * np.linalg.norm(g))


def test_the_step_that_meets_negative_curvature_says_so():
    A = np.diag([1.0, -2.0])
    result = steihaug(lambda v: A @ v, np.array([0.0, 1.0]), 3.0)
    assert result.ending == "negative curvature" and result.curvature == -2.0 and result.iterations == 1
    np.testing.assert_allclose(result.step, [0.0, -3.0])


def test_iterations_are_limited():
    A = np.diag(np.arange(1.0, 21.0))
    for k in (1, 2, 5):
        result = steihaug(lambda v: A @ v, np.ones(20), 1e6, tol=1e-12, max_iter=k)
        assert result.ending == "iterations" and result.iterations == k
        assert result.predicted == pytest.approx(model_decrease(A, np.ones(20), result.step))
    nothing = steihaug(lambda v: A @ v, np.ones(20), 1e6, max_iter=0)
    assert nothing.iterations == 0 and not nothing.step.any() and nothing.predicted == 0.0


def test_a_gradient_of_zeros_gives_no_step():
    result = steihaug(lambda v: 2 * v, np.zeros(3), 1.0)
    assert not result.step.any() and result.predicted == 0.0 and result.ending == "converged"


def test_float32_stays_float32():
    A = np.diag([1.0, 2.0]).astype(np.float32)
    for radius in (0.1, 10.0):
        assert steihaug(lambda v: A @ v, np.ones(2, np.float32), radius).step.dtype == np.float32


@given(st.floats(1e-60, 1e60), st.floats(-1, 1), st.floats(1e-60, 1e60))
def test_the_boundary_is_met_over_many_scales(d, where, radius):
    """From a point inside, along a direction of any length, without cancellation."""
    from autodiff.solvers.trust_region import _to_boundary

    p, direction = np.array([where * radius * 0.999999, 0.0]), np.array([d, d / 3])
    tau = _to_boundary(p, direction, radius)
    assert tau > 0
    assert np.hypot(*(p + tau * direction)) == pytest.approx(radius, rel=1e-12)


# --- the radius -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("radius", "length", "ratio", "expected"),
    [
        (1.0, 1.0, 0.9, 2.0),  # good, and at the boundary
        (1.0, 0.5, 0.9, 1.0),  # good, but the region did not matter
        (1.0, 1.0, 0.5, 1.0),  # fair
        (1.0, 1.0, 0.1, 0.25),  # poor
        (1.0, 0.5, -3.0, 0.125),  # wrong: from the length that was tried
        (1.0, 1.0, float("nan"), 0.25),
        (8.0, 8.0, 1.0, 10.0),  # at most the limit
        (10.0, 10.0, 1.0, 10.0),
    ],
)
def test_the_radius_follows_the_quality_of_the_model(radius, length, ratio, expected):
    assert updated_radius(radius, length, ratio, 10.0) == expected
