"""Linear algebra: the conventions line by line, the keywords NumPy has, and what is refused.

That the rules are right for matrices of full rank with values far apart, the table of operations shows; here are the
matrices for which a formula fails, a value is not determined, or a slope does not exist.
"""

import itertools
import math

import numpy as np
import pytest

import autodiff as ad
from autodiff.errors import MatrixError
from autodiff.testing import gradcheck

L = np.linalg
RNG = np.random.default_rng(7)
EYE = np.eye(3)
U, V = (L.qr(RNG.normal(size=(3, 3)))[0] for _ in range(2))
W = RNG.normal(size=(3, 3))
"""What weighs results, and a direction."""


def tracked(x):
    return ad.tensor(x, requires_grad=True)


def symmetric(x):
    return (x + x.swapaxes(-1, -2)) / 2


def of_values(s, u=U, v=V):
    """The matrix with these singular values."""
    return u * np.asarray(s) @ v.T


def every_gradient(f, x):
    """The gradient by each way there is."""
    leaf = tracked(x)
    f(leaf).backward()
    return {
        "reverse": ad.grad(f)(x),
        "backward": leaf.grad,
        "forward": ad.jacobian(f, mode="forward")(x),
        "batched reverse": ad.jacobian(f, mode="reverse")(x),
    }


def every_second(f, x, v):
    """The second derivative along `v` by each way there is."""
    return {
        "forward over reverse": ad.hvp(f, x, v),
        "reverse over reverse": ad.grad(lambda z: np.sum(ad.grad(f)(z) * v))(x),
        "hessian": np.tensordot(ad.hessian(f)(x), v, x.ndim),
    }


def assert_all(found, expected, tol=1e-12):
    for how, actual in found.items():
        np.testing.assert_allclose(actual, expected, rtol=tol, atol=tol * max(1, np.max(np.abs(expected))), err_msg=how)


def differences(f, x, v, h=1e-5):
    """The slope of `f` along `v`, by central differences of fourth order."""
    return (8 * (f(x + h * v) - f(x - h * v)) - (f(x + 2 * h * v) - f(x - 2 * h * v))) / (12 * h)


# --- det ------------------------------------------------------------------------------------------


def cofactors(a):
    """From the definition: the determinants of what is left without a row and a column."""
    n = len(a)
    minors = [[L.det(np.delete(np.delete(a, i, 0), j, 1)) for j in range(n)] for i in range(n)]
    return np.array(minors).reshape(n, n) * (-1.0) ** np.add.outer(range(n), range(n))


def slope_of_cofactors(a, v):
    """Every cofactor is a sum of products, so its slope is exact by differences in integers."""
    return (cofactors(a + v) - cofactors(a - v)) / 2  # of a quadratic, as those of 3 by 3 matrices are


SINGULAR = {
    "rank 2": np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]),
    "rank 2, zeros": np.diag([2.0, 3.0, 0.0]),
    "rank 1": np.ones((3, 3)),
    "rank 0": np.zeros((3, 3)),
    "full rank": np.array([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [1.0, 0.0, 1.0]]),
}


@pytest.mark.parametrize("rank", SINGULAR)
def test_the_slope_of_det_is_the_matrix_of_cofactors_for_singular_matrices_too(rank):
    a = SINGULAR[rank]
    assert_all(every_gradient(L.det, a), cofactors(a), 1e-13)
    assert np.any(np.abs(cofactors(a)) > 1) == (rank not in ("rank 1", "rank 0"))
    if rank == "rank 0":
        np.testing.assert_array_equal(ad.grad(L.det)(a), np.zeros((3, 3)))


@pytest.mark.parametrize("rank", SINGULAR)
def test_the_second_order_of_det_is_exact_for_singular_matrices_too(rank):
    a, v = SINGULAR[rank], np.array([[1.0, 0.0, 2.0], [0.0, 1.0, -1.0], [3.0, 1.0, 0.0]])
    assert_all(every_second(L.det, a, v), slope_of_cofactors(a, v), 1e-13)


def test_the_third_order_of_det_is_right_where_it_is_regular_and_nan_where_not():
    third = ad.grad(lambda a: np.sum(ad.hvp(L.det, a, W) * U))
    a = SINGULAR["full rank"]
    exact = (slope_of_cofactors(a + U, W) - slope_of_cofactors(a - U, W)) / 2
    np.testing.assert_allclose(third(a), exact, atol=1e-12)
    assert np.isnan(third(SINGULAR["rank 1"])).all()
    small = ad.grad(lambda a: np.sum(ad.hvp(L.det, a, W[:2, :2]) * U[:2, :2]))
    np.testing.assert_array_equal(small(np.ones((2, 2))), np.zeros((2, 2)))


def test_det_in_a_stack_of_regular_and_singular_matrices():
    stack = np.stack(list(SINGULAR.values()))
    np.testing.assert_allclose(ad.grad(lambda a: np.sum(L.det(a)))(stack), [cofactors(a) for a in stack], atol=1e-12)


def test_complex_det_of_a_singular_matrix():
    a = np.array([[1.0, 1j], [1j, -1.0]])  # steepest ascent of the real part: the conjugate cofactors
    np.testing.assert_allclose(ad.grad(lambda z: np.real(L.det(z)))(a), np.conj(cofactors(a)), atol=1e-14)


# --- slogdet, inv, solve --------------------------------------------------------------------------


def test_slogdet_of_a_singular_matrix_has_a_value_and_no_gradient():
    a = np.ones((2, 2))
    sign, log = L.slogdet(tracked(a))
    assert (sign.item(), log.item()) == (0.0, -math.inf) and not sign.requires_grad
    with pytest.raises(MatrixError, match=r"slogdet: a is singular, shape \(2, 2\).*np\.linalg\.det"):
        log.backward()
    with pytest.raises(MatrixError, match="slogdet"):
        ad.jvp(lambda x: L.slogdet(x)[1], (a,), (a,))


def test_slogdet_has_numpys_names_and_the_inverse_as_its_slope():
    a = SINGULAR["full rank"]
    result = L.slogdet(tracked(-a))
    assert result.sign.item() == -1.0
    assert_all(every_gradient(lambda x: L.slogdet(x).logabsdet, a), L.inv(a).T)
    second = -(L.inv(a) @ W @ L.inv(a)).T
    assert_all(every_second(lambda x: L.slogdet(x).logabsdet, a, W), second)


@pytest.mark.parametrize("name", ["inv", "solve", "tensorinv", "matrix_power", "tensorsolve", "cond"])
def test_what_needs_an_inverse_names_itself_and_the_singular_operand(name):
    calls = {
        "inv": lambda a: L.inv(a),
        "solve": lambda a: L.solve(a, np.ones(2)),
        "tensorinv": lambda a: L.tensorinv(a, 1),
        "matrix_power": lambda a: L.matrix_power(a, -2),
        "tensorsolve": lambda a: L.tensorsolve(a, np.ones(2)),
        "cond": lambda a: L.cond(a, 1),
    }
    for f in (calls[name], ad.grad(lambda a: np.sum(calls[name](a)))):
        with pytest.raises(L.LinAlgError, match=rf"^{name}: [ax][a-z ,]* is singular, shape \(2, 2\)"):
            f(tracked(np.ones((2, 2))))
    with pytest.raises(ad.DomainError):
        calls[name](tracked(np.ones((2, 2))))


def test_in_a_stack_the_singular_matrix_is_named():
    stack = np.stack([[EYE, EYE], [EYE, np.ones((3, 3))]])
    with pytest.raises(MatrixError, match=r"inv: a, the matrix \[1, 1\] of the stack, is singular"):
        L.inv(tracked(stack))
    with pytest.raises(MatrixError, match=r"solve: a, the matrix \[1, 1\]"):
        L.solve(stack, tracked(np.ones((3, 1))))


def test_inv_and_solve_in_closed_form_to_second_order():
    a, b = SINGULAR["full rank"], RNG.normal(size=(3, 2))
    z, c = L.inv(a), RNG.normal(size=(3, 2))
    assert_all(every_gradient(lambda x: np.sum(W * L.inv(x)), a), -z.T @ W @ z.T)
    v = RNG.normal(size=(3, 3))
    second = z.T @ v.T @ z.T @ W @ z.T + z.T @ W @ z.T @ v.T @ z.T
    assert_all(every_second(lambda x: np.sum(W * L.inv(x)), a, v), second, 1e-11)
    assert_all(every_gradient(lambda x: np.sum(c * L.solve(x, b)), a), -(z.T @ c) @ (z @ b).T)
    assert_all(every_gradient(lambda y: np.sum(c * L.solve(a, y)), b), z.T @ c)
    assert gradcheck(lambda x, y: L.solve(x, y), a, b, order=3).ok


def test_a_side_with_one_axis_is_a_vector_and_with_more_a_stack_of_matrices():
    a = np.stack([EYE * 2, EYE * 4])
    assert L.solve(tracked(a), np.ones(3)).shape == (2, 3)
    assert L.solve(tracked(a), np.ones((3, 1))).shape == (2, 3, 1)
    with pytest.raises(ad.ShapeError, match=r"b\[\.\.\., None\]"):
        L.solve(tracked(a), np.ones((2, 3)))


def test_the_axes_of_tensorsolve_are_numbered_as_they_were():
    a, b = RNG.normal(size=(2, 2, 2, 2)) + 3 * np.eye(4).reshape(2, 2, 2, 2), RNG.normal(size=(2, 2))
    for axes in [None, (0,), (0, 2), (2, 0), (1, 3), (3, 1, 0)]:
        np.testing.assert_allclose(L.tensorsolve(tracked(a), b, axes).data, L.tensorsolve(a, b, axes), rtol=1e-12)


@pytest.mark.parametrize("n", [3, 5])
def test_below_rank_n_minus_1_the_gradient_of_det_is_exactly_0(n):
    """All cofactors are 0, and not what rounding leaves of them."""
    for a in (np.ones((n, n)), RNG.normal(size=(4, n, n - 2)) @ RNG.normal(size=(4, n - 2, n)) + 0j):
        g = ad.vjp(L.det, a)[1](np.ones(a.shape[:-2], a.dtype)[()])[0]
        np.testing.assert_array_equal(g, np.zeros(a.shape))


@pytest.mark.parametrize("units", [[1.0, 1e-20, 1e-20], [1e200, 1e-200, 3.0]])
def test_rows_in_other_units_are_no_lower_rank(units):
    right = np.diag(cofactors(np.diag(units)).diagonal())
    np.testing.assert_allclose(ad.grad(L.det)(np.diag(units)), right, rtol=1e-12)  # NumPy's det goes through logarithms


# --- Cholesky -------------------------------------------------------------------------------------


def test_cholesky_reads_one_triangle_as_numpy_does():
    """Value and slopes are those of NumPy's function, so that differences agree; half the sum is symmetric."""
    a = symmetric(W) + 8 * EYE
    skewed = a + np.triu(W, 1)
    for upper, part in ((False, np.tril), (True, np.triu)):
        f = lambda x, upper=upper: np.sum(U * L.cholesky(x, upper=upper))
        np.testing.assert_allclose(
            L.cholesky(tracked(skewed), upper=upper).data, L.cholesky(skewed, upper=upper), 1e-14
        )
        g = ad.grad(f)(skewed)
        np.testing.assert_array_equal(g, part(g))
        np.testing.assert_allclose(np.sum(g * V), differences(f, skewed, V), rtol=1e-9)
        assert gradcheck(f, skewed, order=2).ok
        of_both = ad.grad(lambda x, f=f: f((x + x.T) / 2))(a)
        np.testing.assert_allclose(of_both, of_both.T, rtol=1e-13)


def test_cholesky_upper_of_a_hermitian_matrix_is_the_adjoint():
    a = np.array([[2.0, 1j], [-1j, 3.0]])
    np.testing.assert_array_equal(L.cholesky(tracked(a), upper=True).data, L.cholesky(a).conj().T)


@pytest.mark.parametrize(
    ("a", "minor"),
    [
        (-EYE, r"a is not.* order 1 \(the determinant of a\[:1, :1\]\) is -1"),
        (np.array([[1.0, 2.0], [2.0, 1.0]]), r"a is not.* order 2 .*is -3,"),
        (np.zeros((2, 2)), r"a is not.* order 1 .*is 0,"),
        (np.stack([EYE, np.diag([1.0, 2.0, -0.5])]), r"a, the matrix \[1\] of the stack, is not.* order 3 .* is -1,"),
    ],
)
def test_a_matrix_that_is_not_positive_definite_is_told_its_minor(a, minor):
    with pytest.raises(MatrixError, match=f"^cholesky: {minor}"):
        L.cholesky(tracked(a))


def test_the_determinant_by_cholesky_has_the_derivatives_of_slogdet():
    a = symmetric(W) + 4 * EYE
    by_factor = lambda x: 2 * np.sum(np.log(np.diagonal(L.cholesky(symmetric(x)))))
    assert_all(every_gradient(by_factor, a), L.inv(a))
    assert_all(every_second(by_factor, a, symmetric(V)), -L.inv(a) @ symmetric(V) @ L.inv(a), 1e-11)


# --- QR -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 4, 3)])
def test_qr_of_every_shape(shape):
    a = RNG.normal(size=shape)
    q, r = L.qr(tracked(a))
    np.testing.assert_allclose((q @ r).data, a, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(ad.jvp(lambda x: np.matmul(*L.qr(x)), (a,), (a + 1,))[1], a + 1, atol=1e-12)
    np.testing.assert_array_equal(L.qr(tracked(a), mode="r").data, r.data)
    assert L.qr(tracked(a)).Q.shape == L.qr(a).Q.shape


def test_what_qr_does_not_determine_is_refused():
    with pytest.raises(ad.UnsupportedError, match=r"shape \(3, 2\): mode='complete'.*Use mode='reduced'"):
        L.qr(tracked(np.ones((3, 2))), mode="complete")
    with pytest.raises(ad.UnsupportedError, match="'raw' was given"):
        L.qr(tracked(np.ones((3, 2))), mode="raw")
    with pytest.raises(MatrixError, match="qr: the factor R is singular"):
        ad.grad(lambda x: np.sum(L.qr(x).Q))(np.zeros((3, 2)))
    assert L.qr(tracked(np.ones((2, 3))), mode="complete").Q.shape == (2, 2)


# --- eigenvalues ----------------------------------------------------------------------------------

REPEATED = symmetric(of_values([2.0, 2.0, 5.0], U, U))


def test_eigh_of_repeated_values_with_a_loss_on_values():
    """A function that treats all values alike is smooth: V f'(w) V^T is its gradient."""
    for a in (REPEATED, 3 * EYE, np.zeros((3, 3))):
        assert_all(every_gradient(lambda x: np.sum(L.eigvalsh(symmetric(x)) ** 3), a), 3 * a @ a)
        assert_all(every_gradient(lambda x: np.sum(np.exp(L.eigh(symmetric(x)).eigenvalues)), a), _exponential(a))


def _exponential(a):
    w, v = L.eigh(a)
    return v * np.exp(w) @ v.T


def test_eigh_of_repeated_values_with_a_loss_that_does_not_see_the_choice_of_vectors():
    """Projectors on whole eigenspaces do not, and differences along a direction that keeps the pair confirm it."""
    projector = lambda x: np.sum(W * (L.eigh(x)[1][:, 2:] @ L.eigh(x)[1][:, 2:].T))
    g = ad.grad(projector)(REPEATED)
    assert np.isfinite(g).all()
    v = symmetric(V)
    np.testing.assert_allclose(np.sum(g * v), differences(projector, REPEATED, v), rtol=1e-8)


@pytest.mark.parametrize("gap", [0.0, 1e-16, 3e-15])
def test_vectors_of_values_that_are_equal_up_to_rounding_have_no_slope(gap):
    """A number there would depend on the choice of vectors. Only what meets the tie is NaN, and the third does not."""
    a = np.diag([1.0, 1.0 + gap, 3.0])
    of = lambda k: lambda x: np.sum(W[0] * L.eigh(symmetric(x))[1][:, k])
    for k in (0, 1):
        assert all(np.isnan(g).any() for g in every_gradient(of(k), a).values())
    right = np.zeros((3, 3))
    right[:2, 2] = right[2, :2] = W[0, :2] * L.eigh(a)[1][2, 2] / 4
    assert_all(every_gradient(of(2), a), right)
    turned = ad.jvp(lambda x: L.eigh(x)[1], (a,), (np.ones((3, 3)),))[1]
    np.testing.assert_array_equal(np.isnan(turned), [[True, True, False]] * 3)
    np.testing.assert_allclose(np.abs(turned[:, 2]), [0.5, 0.5, 0], atol=1e-12)


@pytest.mark.parametrize("a", [np.eye(2), np.zeros((2, 2)), np.diag([3.0, 3.0, 1.0])], ids=str)
def test_a_matrix_put_together_from_vectors_is_never_wrong_in_silence(a):
    """The identity, but made of vectors: at ties NaN or right. At 0 the cotangents are 0, which is no mask."""
    n = len(a)
    g = np.arange(1.0, n * n + 1).reshape(n, n)
    by_eigh = lambda x: (lambda w, v: (v * w) @ v.T)(*L.eigh(symmetric(x)))
    by_svd = lambda x: (lambda u, s, vh: (u * s) @ vh)(*L.svd(x))
    for f, right in ((by_eigh, symmetric(g)), (by_svd, g)):
        for found in (ad.vjp(f, a)[1](g)[0], ad.jvp(f, (a,), (g,))[1]):
            assert np.all(np.isnan(found) | np.isclose(found, right))


def test_the_lowest_and_the_highest_value_have_their_second_order_beside_a_tie():
    a, v = symmetric(of_values([1.0, 2.0, 2.0], U, U)), symmetric(V)
    w, q = L.eigh(a)
    m = q.T @ v @ q
    second = 2 * sum(m[0, j] ** 2 / (w[0] - w[j]) for j in (1, 2))
    for h in every_second(lambda x: L.eigvalsh(symmetric(x))[0], a, v).values():
        assert np.sum(h * v) == pytest.approx(second, rel=1e-11)
    assert np.isnan(ad.hvp(lambda x: L.eigvalsh(symmetric(x))[2], a, v)).all()


def test_equal_eigenvalues_share_evenly():
    """The subgradient of smallest norm of the largest one, and the supergradient of the smallest."""
    a = symmetric(of_values([1.0, 1.0, 4.0], U, U))
    lowest, highest = (lambda x: L.eigvalsh(symmetric(x))[0]), (lambda x: -L.eigvalsh(symmetric(-x))[2])
    for f in (lowest, highest):
        assert_all(every_gradient(f, a), U[:, :2] @ U[:, :2].T / 2)
    assert_all(every_gradient(lambda x: L.eigvalsh(x)[-1], 2 * EYE), EYE / 3)


def test_vectors_of_values_that_differ_do_turn():
    a = np.diag([1.0, 1.0 + 1e-6, 3.0])
    turned = ad.jvp(lambda x: L.eigh(x)[1], (a,), (np.ones((3, 3)),))[1]
    assert abs(turned[0, 1]) == pytest.approx(1e6, rel=1e-8)


def test_second_order_of_eigenvalues():
    a, v = symmetric(W) + np.diag([0.0, 3.0, 6.0]), symmetric(V)
    w, q = L.eigh(a)
    m = q.T @ v @ q
    second = 2 * sum(m[0, j] ** 2 / (w[0] - w[j]) for j in (1, 2))  # of the lowest value, by perturbation
    for h in every_second(lambda x: L.eigvalsh(x)[0], a, v).values():
        assert np.sum(h * v) == pytest.approx(second, rel=1e-11)
    assert gradcheck(lambda x: L.eigvalsh(symmetric(x)), a, order=2).ok


def test_eigh_is_a_function_of_one_triangle():
    a = W + np.diag([0.0, 3.0, 6.0])
    np.testing.assert_allclose(L.eigvalsh(tracked(a)).data, L.eigvalsh(a), rtol=1e-14)
    np.testing.assert_array_equal(L.eigh(tracked(a)).eigenvectors.data, L.eigh(a).eigenvectors)
    np.testing.assert_allclose(  # of [[2, .5], [.5, 3]]; the symmetric part has -2.28 and 7.28
        L.eigvalsh(tracked([[2.0, 9.0], [0.5, 3.0]])).data, [2.5 - math.sqrt(0.5), 2.5 + math.sqrt(0.5)], rtol=1e-14
    )
    for triangle, part in (("L", np.tril), ("U", np.triu), ("l", np.tril), ("u", np.triu)):
        result = L.eigh(tracked(a), triangle)
        np.testing.assert_allclose(result.eigenvalues.data, L.eigh(a, triangle).eigenvalues, rtol=1e-14)
        np.testing.assert_allclose(result.eigenvectors.data, L.eigh(a, triangle).eigenvectors, rtol=1e-13)
        lowest = lambda x, triangle=triangle: L.eigvalsh(x, triangle)[0]
        g = ad.grad(lowest)(a)
        np.testing.assert_array_equal(g, part(g))
        np.testing.assert_allclose(np.sum(g * V), differences(lowest, a, V), rtol=1e-8)
    assert gradcheck(lambda x: L.eigvalsh(x)[0], a, order=2).ok
    with pytest.raises(ValueError, match="UPLO must be 'L' or 'U'; 'X'"):
        L.eigh(tracked(a), "X")


ROTATION = np.array([[0.5, -2.0], [3.0, 1.0]])


def test_eig_of_a_real_matrix_with_complex_eigenvalues():
    w, v = L.eig(tracked(ROTATION))
    assert w.dtype == v.dtype == np.complex128
    square = lambda x: np.sum(np.abs(L.eigvals(x)) ** 2)  # of a pair twice the determinant
    g = ad.grad(square)(ROTATION)
    assert g.dtype == np.float64
    np.testing.assert_allclose(g, 2 * cofactors(ROTATION), rtol=1e-12)
    largest = lambda x: np.max(np.abs(L.eigvals(x)))
    assert ad.grad(largest)(ROTATION).dtype == np.float64
    rest = ad.grad(lambda x: np.sum(np.real(L.eig(x).eigenvalues)))(ROTATION)
    np.testing.assert_allclose(rest, np.eye(2), atol=1e-14)


def test_a_matrix_without_a_basis_of_eigenvectors_has_a_value_and_no_slope():
    a = np.array([[1.0, 1.0], [0.0, 1.0]])
    np.testing.assert_array_equal(L.eigvals(tracked(a)).data, [1.0, 1.0])
    with pytest.raises(MatrixError, match=r"eig: a has no basis of eigenvectors.*np\.linalg\.eigh"):
        ad.grad(lambda x: np.sum(L.eigvals(x).real))(a)
    with pytest.raises(MatrixError, match=r"eig: a, the matrix \[1\] of the stack,"):
        ad.grad(lambda x: np.sum(L.eigvals(x).real))(np.stack([np.diag([1.0, 2.0]), a]))
    assert_all(every_gradient(lambda x: np.sum(L.eigvals(x).real), np.eye(2)), np.eye(2))  # equal values, but a basis


# --- singular values ------------------------------------------------------------------------------


@pytest.mark.parametrize("s", [[2.0, 2.0, 2.0], [3.0, 1.0, 1.0], [2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
def test_svd_of_repeated_values_with_a_loss_on_values(s):
    a = of_values(s)
    assert_all(every_gradient(lambda x: np.sum(L.svdvals(x) ** 2), a), 2 * a)
    assert_all(every_gradient(lambda x: np.sum(L.svd(x, full_matrices=False).S ** 4), a), 4 * a @ a.T @ a)
    assert_all(every_gradient(lambda x: np.sum(L.svd(x, compute_uv=False) ** 2), a), 2 * a)


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4)])
def test_svd_put_together_again_is_the_identity(shape):
    """To second order."""
    a = RNG.normal(size=shape)
    again = lambda x: (lambda u, s, vh: (u * s) @ vh)(*L.svd(x, full_matrices=False))
    np.testing.assert_allclose(ad.jvp(again, (a,), (a * a,))[1], a * a, atol=1e-12)
    assert_all(every_second(lambda x: np.sum(a * again(x)), a, a * a), np.zeros(shape), 1e-10)


@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (3, 4)])
def test_vectors_of_equal_singular_values_have_no_slope_and_the_others_do(shape):
    rows, columns = shape
    left, right = L.qr(RNG.normal(size=(rows, rows)))[0][:, :3], L.qr(RNG.normal(size=(columns, columns)))[0][:, :3]
    a, t = left @ np.diag([3.0, 1.0, 1.0]) @ right.T, RNG.normal(size=shape)
    du, _, dvh = ad.jvp(lambda x: tuple(L.svd(x, full_matrices=False)), (a,), (t,))[1]
    np.testing.assert_array_equal(np.isnan(du), [[False, True, True]] * rows)
    np.testing.assert_array_equal(np.isnan(dvh).T, [[False, True, True]] * columns)
    first = lambda x: (lambda u, s, vh: np.arange(rows) @ u[:, 0] ** 2 + np.arange(columns) @ vh[0] ** 2)(
        *L.svd(x, full_matrices=False)
    )
    slope = differences(first, a, t)
    assert_all({k: np.sum(g * t) for k, g in every_gradient(first, a).items()}, slope, 1e-8)


def test_the_vectors_of_a_simple_singular_value_0_turn_if_there_is_nowhere_else_to_go():
    a, t = of_values([3.0, 1.0, 0.0]), W
    last = lambda x: np.arange(3) @ L.svd(x).U[:, 2] ** 2
    assert_all({k: np.sum(g * t) for k, g in every_gradient(last, a).items()}, differences(last, a, t), 1e-8)


@pytest.mark.parametrize("s", [[3.0, 3.0, 1.0], [3.0, 1.0, 1.0], [3.0, 2.0, 0.0], [2.0, 2.0, 2.0], [2.0, 0.0, 0.0]])
@pytest.mark.parametrize("order", [2, -2, "nuc"])
def test_every_spelling_of_a_norm_of_singular_values_agrees(s, order):
    a = of_values(s)
    norm = lambda x: L.norm(x, order)
    of_svd, of_values_only = (lambda x: L.svd(x).S), L.svdvals
    pick = {
        2: (lambda s: s[0], np.max, lambda s: L.norm(s, np.inf)),
        -2: (lambda s: s[-1], np.min),
        "nuc": (np.sum, lambda s: L.norm(s, 1)),
    }
    right = ad.grad(norm)(a)
    for values in (of_svd, of_values_only):
        for f in pick[order]:
            assert_all(every_gradient(lambda x, f=f, values=values: f(values(x)), a), right, 1e-13)


def test_svd_takes_numpys_keywords():
    a = RNG.normal(size=(3, 3))
    result = L.svd(tracked(a))
    assert type(result) is type(L.svd(a)) and result.U.requires_grad and result.Vh.requires_grad
    with pytest.raises(ad.UnsupportedError, match=r"shape \(3, 2\): full_matrices=True.*Use full_matrices=False"):
        L.svd(tracked(np.ones((3, 2))))
    assert L.svd(tracked(np.ones((3, 2))), compute_uv=False).shape == (2,)
    hermitian = symmetric(a)
    values = L.svd(tracked(hermitian), compute_uv=False, hermitian=True)
    np.testing.assert_allclose(values.data, L.svdvals(hermitian), rtol=1e-13)
    with pytest.raises(ad.ShapeError, match=r"svd: a has shape \(3, 2\); a square"):
        L.svd(tracked(np.ones((3, 2))), hermitian=True)
    for f in (lambda x: L.svd(x, hermitian=True).S, lambda x: L.pinv(x, hermitian=True)):  # NumPy reads one triangle
        np.testing.assert_allclose(getattr(f(tracked(a)), "data", None), f(a), rtol=1e-10)
        assert gradcheck(f, a).ok
    rebuilt = (lambda u, s, vh: (u * s) @ vh)(*L.svd(tracked(hermitian), hermitian=True))
    np.testing.assert_allclose(rebuilt.data, hermitian, atol=1e-13)


# --- norms ----------------------------------------------------------------------------------------


def test_the_spectral_norm_shares_among_ties():
    """The subgradient of smallest norm: k equal largest values have 1/k each."""
    norm = lambda x: L.norm(x, 2)
    assert_all(every_gradient(norm, 2 * EYE), EYE / 3)
    assert_all(every_gradient(norm, of_values([3.0, 3.0, 1.0])), (U[:, :2] @ V[:, :2].T) / 2)
    assert_all(every_gradient(norm, of_values([3.0, 1.0, 1.0])), np.outer(U[:, 0], V[:, 0]))
    assert_all(every_gradient(norm, np.zeros((3, 2))), np.zeros((3, 2)))
    smallest = lambda x: L.norm(x, -2)
    assert_all(every_gradient(smallest, of_values([3.0, 1.0, 1.0])), (U[:, 1:] @ V[:, 1:].T) / 2)
    assert_all(every_gradient(smallest, np.diag([3.0, 1.0, 0.0])), np.zeros((3, 3)))
    assert L.norm(tracked(np.diag([1.0, 1e-16])), -2).item() == 1e-16


def test_the_nuclear_norm_leaves_out_what_is_0():
    norm = lambda x: L.norm(x, "nuc")
    assert_all(every_gradient(norm, of_values([3.0, 2.0, 2.0])), U @ V.T)
    assert_all(every_gradient(norm, of_values([3.0, 2.0, 0.0])), U[:, :2] @ V[:, :2].T)
    assert_all(every_gradient(norm, np.ones((3, 2))), np.ones((3, 2)) / math.sqrt(6))
    assert_all(every_gradient(norm, np.zeros((2, 3))), np.zeros((2, 3)))


def test_the_nuclear_norm_has_its_second_order_at_equal_values():
    """Of the unit matrix: moved by t, its direction turns by the skew part of t."""
    skew = (W - W.T) / 2
    assert_all(every_second(lambda x: L.norm(x, "nuc"), EYE, W), skew)
    assert_all(every_second(lambda x: L.norm(x, "nuc"), 4 * EYE, W), skew / 4)


@pytest.mark.parametrize("order", [2, "nuc", "fro"])
def test_the_second_order_of_a_matrix_norm_at_0_is_nan(order):
    second = ad.hvp(lambda x: L.norm(x, order), np.zeros((3, 2)), np.ones((3, 2)))
    assert np.isnan(second).any()


def test_the_spectral_and_nuclear_norm_of_a_column_are_those_of_a_vector():
    x = np.array([3.0, 0.0, 4.0])
    for order in (2, -2, "nuc", "fro"):
        norm = lambda v, order=order: L.norm(v[:, None], order)
        assert_all(every_gradient(norm, x), x / 5)
        assert_all(every_second(norm, x, W[0]), W[0] / 5 - x * (x @ W[0]) / 125)


@pytest.mark.parametrize("order", [None, "fro", "f", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
@pytest.mark.parametrize("axes", [(0, 1), (1, 0), (-1, 0), (0, 2)])
def test_every_norm_of_matrices_against_differences(order, axes):
    a = RNG.normal(size=(2, 3, 4))
    norm = lambda x: np.sum(np.arange(1.0, 4.0 if 2 in axes or -1 in axes else 5.0) * L.norm(x, order, axes))
    assert norm(tracked(a)).item() == pytest.approx(norm(a), rel=1e-13)
    assert L.norm(tracked(a), order, axes, keepdims=True).shape == L.norm(a, order, axes, keepdims=True).shape
    v = RNG.normal(size=a.shape)
    assert np.sum(ad.grad(norm)(a) * v) == pytest.approx(differences(norm, a, v), rel=1e-7)


@pytest.mark.parametrize("order", [None, 0, 0.5, 1, 2, 3.5, np.inf, -np.inf, -1, -2])
def test_every_norm_of_vectors_against_differences(order):
    a, v = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4))
    norm = lambda x: np.sum(L.norm(x, order, -1))
    assert norm(tracked(a)).item() == pytest.approx(norm(a), rel=1e-13)
    assert np.sum(ad.grad(norm)(a) * v) == pytest.approx(differences(norm, a, v), rel=1e-7, abs=1e-9)


def test_an_unknown_norm_is_refused():
    with pytest.raises(ValueError, match=r"ord of a matrix must be None.*; 3 was given"):
        L.norm(tracked(EYE), 3)


@pytest.mark.parametrize("p", [None, 2, -2, 1, -1, "fro", "nuc", np.inf, -np.inf])
def test_the_condition_number_in_every_norm(p):
    a, v = RNG.normal(size=(3, 3)) + 2 * EYE, RNG.normal(size=(3, 3))
    cond = lambda x: L.cond(x, p)
    assert cond(tracked(a)).item() == pytest.approx(cond(a), rel=1e-12)
    assert np.sum(ad.grad(cond)(a) * v) == pytest.approx(differences(cond, a, v), rel=1e-7)


def test_the_condition_number_of_a_singular_matrix_is_infinite():
    assert L.cond(tracked(np.diag([1.0, 0.0]))).item() == math.inf


def test_the_rank_is_no_function_to_differentiate():
    rank = L.matrix_rank(tracked(np.ones((3, 3))))
    assert rank.item() == 1 and not rank.requires_grad


# --- pseudo-inverse and least squares -------------------------------------------------------------


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (3, 3)])
def test_the_pseudo_inverse_at_constant_rank(shape):
    """Differences along a curve of matrices of rank 2, which the formula knows nothing of."""
    rows, columns = shape
    left, right = RNG.normal(size=(rows, 2)), RNG.normal(size=(2, columns))
    left_v, right_v = RNG.normal(size=(rows, 2)), RNG.normal(size=(2, columns))
    weights, a, b = RNG.normal(size=(columns, rows)), left @ right, RNG.normal(size=(rows, 2))
    along = left_v @ right + left @ right_v
    curve = lambda h: (left + h * left_v) @ (right + h * right_v)
    cases = [
        lambda x: np.sum(weights * L.pinv(x, 1e-10)),
        lambda x: np.sum(weights[:, :2] * L.lstsq(x, b, 1e-10)[0]),
        lambda x: np.sum(weights[:, 0] * L.lstsq(x, b[:, 0], 1e-10)[0]),
    ]
    for f in cases:
        slope = differences(lambda h, f=f: f(curve(h)), 0.0, 1.0, 1e-4)
        assert_all({k: np.sum(g * along) for k, g in every_gradient(f, a).items()}, slope, 1e-8)
        assert ad.jvp(f, (a,), (along,))[1] == pytest.approx(slope, rel=1e-8)


def test_the_gradient_of_least_squares_in_the_right_side_is_that_of_smallest_norm():
    a, b, c = np.outer([1.0, 2.0, 2.0], [3.0, 4.0]), RNG.normal(size=3), np.array([1.0, -2.0])
    assert_all(every_gradient(lambda y: c @ L.lstsq(a, y)[0], b), L.pinv(a).T @ c)


def test_lstsq_gives_what_numpy_gives():
    for shape in [(4, 2), (2, 2), (2, 4)]:
        a = RNG.normal(size=shape)
        for b in (RNG.normal(size=shape[0]), RNG.normal(size=(shape[0], 3))):
            for rcond in (None, -1, 1e-3):
                ours, numpys = L.lstsq(tracked(a), b, rcond), L.lstsq(a, b, rcond)
                for y, expected in zip(ours, numpys, strict=True):
                    data = y.data if isinstance(y, ad.Tensor) else y
                    np.testing.assert_allclose(data, expected, rtol=1e-12, atol=1e-13)
                    assert np.shape(data) == np.shape(expected) and data.dtype == expected.dtype
    poor = np.outer([1.0, 2.0], [1.0, 1.0])
    assert L.lstsq(tracked(poor), np.ones(2))[1:3] == (pytest.approx([]), 1)


def test_the_residual_of_least_squares_has_its_gradient():
    a, b = RNG.normal(size=(4, 2)), RNG.normal(size=4)
    residual = lambda x, y: L.lstsq(x, y)[1].sum()
    left = b - a @ L.lstsq(a, b)[0]
    assert_all(every_gradient(lambda y: residual(a, y), b), 2 * left)
    assert_all(every_gradient(lambda x: residual(x, b), a), -2 * np.outer(left, L.lstsq(a, b)[0]))
    assert gradcheck(residual, a, b, order=2).ok


def test_pinv_takes_both_names_of_the_limit_and_hermitian():
    a = np.diag([1.0, 1e-4])
    for keywords in ({"rcond": 1e-3}, {"rtol": 1e-3}, {"rtol": None}, {}, {"hermitian": True}):
        np.testing.assert_allclose(L.pinv(tracked(a), **keywords).data, L.pinv(a, **keywords), rtol=1e-12)
    with pytest.raises(ad.UnsupportedError, match=r"rcond must be a number; an array of shape \(2,\)"):
        L.pinv(tracked(np.stack([a, a])), np.array([1e-3, 1e-4]))
    with pytest.raises(ValueError, match="give only one"):
        L.pinv(tracked(a), 1e-3, rtol=1e-3)


# --- many matrices --------------------------------------------------------------------------------


def test_matrix_power_of_every_sign():
    a = SINGULAR["full rank"]
    for n in range(-3, 8):
        np.testing.assert_allclose(L.matrix_power(tracked(a), n).data, L.matrix_power(a, n), rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(ad.grad(lambda x: np.sum(L.matrix_power(x, 0)))(a), np.zeros((3, 3)))
    np.testing.assert_array_equal(L.matrix_power(tracked(np.full((2, 2), np.inf)), 0).data, np.eye(2))
    assert_all(every_gradient(lambda x: np.trace(L.matrix_power(x, 5)), a), 5 * L.matrix_power(a, 4).T)
    with pytest.raises(TypeError):
        L.matrix_power(tracked(a), 0.5)


def test_multi_dot_multiplies_in_the_cheapest_order_both_ways():
    """A column, a row, a column, a hundred thousand long: in the other order they would not fit into memory."""
    n = 100_000
    xs = np.full((n, 1), 2.0), np.full((1, n), 3.0), np.full((n, 1), 0.5)
    total, gradients = ad.value_and_grad(lambda *ys: np.sum(L.multi_dot(ys)), (0, 1, 2))(*xs)
    assert total == 2.0 * 3.0 * 0.5 * n * n
    for x, g in zip(xs, gradients, strict=True):
        assert g.shape == x.shape and np.all(g * x * n == total)


def test_multi_dot_explains_what_does_not_fit():
    with pytest.raises(ValueError, match="at least two matrices"):
        L.multi_dot([tracked(EYE)])
    with pytest.raises(ad.ShapeError, match=r"operand 1 has shape \(3,\)"):
        L.multi_dot([tracked(EYE), np.ones(3), EYE])


# --- types, shapes, errors ------------------------------------------------------------------------

ONE_MATRIX = {
    "det": L.det,
    "slogdet": lambda a: L.slogdet(a)[1],
    "inv": L.inv,
    "solve": lambda a: L.solve(a, a),
    "cholesky": L.cholesky,
    "qr": lambda a: L.qr(a)[1],
    "eigh": lambda a: L.eigh(a)[0],
    "eigvalsh": L.eigvalsh,
    "eig": lambda a: L.eig(a)[0],
    "eigvals": L.eigvals,
    "svd": lambda a: L.svd(a)[1],
    "svdvals": L.svdvals,
    "pinv": L.pinv,
    "matrix_power": lambda a: L.matrix_power(a, 3),
    "norm_2": lambda a: L.norm(a, 2, (-2, -1)),
    "norm_nuc": lambda a: L.norm(a, "nuc", (-2, -1)),
}
SQUARE_ONLY = {"det", "slogdet", "inv", "solve", "cholesky", "eigh", "eigvalsh", "eig", "eigvals", "matrix_power"}


@pytest.mark.parametrize("name", ONE_MATRIX)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_the_gradient_has_the_type_of_the_operand(name, dtype):
    a = (symmetric(W) + np.diag([3.0, 5.0, 8.0])).astype(dtype)
    f = lambda x: np.real(np.sum(ONE_MATRIX[name](x)))
    assert ONE_MATRIX[name](tracked(a)).dtype == ONE_MATRIX[name](a).dtype
    g = ad.grad(f)(a)
    assert g.dtype == dtype and g.shape == a.shape
    assert ad.hvp(f, a, a).dtype == dtype
    assert ad.jvp(f, (a,), (a,))[1].dtype == f(a).dtype


@pytest.mark.parametrize("name", ONE_MATRIX)
def test_a_stack_has_the_gradients_of_its_matrices(name):
    stack = np.stack([symmetric(RNG.normal(size=(3, 3))) + np.diag([5.0, 7.0, 10.0]) for _ in range(4)])
    stack = stack.reshape(2, 2, 3, 3)
    f = ad.grad(lambda x: np.real(np.sum(ONE_MATRIX[name](x))))
    together = f(stack)
    for i in itertools.product(range(2), range(2)):
        np.testing.assert_allclose(together[i], f(stack[i]), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", sorted(ONE_MATRIX.keys() - {"norm_2"}))
@pytest.mark.parametrize("shape", [(0, 0), (2, 0, 0), (0, 2, 2)])
def test_nothing_has_the_gradient_nothing(name, shape):
    a = np.zeros(shape)
    assert ONE_MATRIX[name](tracked(a)).shape == ONE_MATRIX[name](a).shape
    assert ad.grad(lambda x: np.real(np.sum(ONE_MATRIX[name](x))))(a).shape == shape
    assert ad.jvp(ONE_MATRIX[name], (a,), (a,))[1].shape == ONE_MATRIX[name](a).shape


def test_the_spectral_norm_of_nothing_is_0():
    """As in newer versions of NumPy; the older ones raise."""
    a = tracked(np.zeros((2, 0, 3)))
    np.testing.assert_array_equal(L.norm(a, 2, (-2, -1)).data, np.zeros(2))
    assert ad.grad(lambda x: np.sum(L.norm(x, 2, (-2, -1))))(a.data).shape == a.shape


@pytest.mark.parametrize("name", sorted(SQUARE_ONLY))
def test_a_matrix_that_is_not_square_is_named(name):
    with pytest.raises(ad.ShapeError, match=r"a has shape \(2, 3\); a square matrix is expected"):
        ONE_MATRIX[name](tracked(np.ones((2, 3))))


@pytest.mark.parametrize("name", sorted(ONE_MATRIX.keys() - {"norm_2", "norm_nuc", "solve"}))
def test_a_vector_is_no_matrix(name):
    with pytest.raises(ad.ShapeError, match=r"has shape \(3,\); a matrix is expected"):
        ONE_MATRIX[name](tracked(np.ones(3)))


def test_whole_numbers_beside_a_tracked_operand():
    a = np.array([[2, 1], [1, 3]])
    b = np.ones(2)
    np.testing.assert_allclose(ad.grad(lambda y: np.sum(L.solve(a, y)))(b), L.inv(a).T @ b, rtol=1e-14)
    np.testing.assert_allclose(ad.grad(lambda y: np.sum(L.lstsq(a, y)[0]))(b), L.inv(a).T @ b, rtol=1e-14)
    for f in ONE_MATRIX.values():
        np.testing.assert_allclose(f(ad.tensor(a)).data, f(a), rtol=1e-13)


def test_nan_is_no_wrong_shape():
    with pytest.raises(MatrixError, match=r"eig of operands with shapes .*: Array must not contain infs or NaNs"):
        L.eigvals(tracked(np.full((2, 2), np.nan)))


@pytest.mark.parametrize(
    "f",
    [
        lambda a: L.eigh(a),
        lambda a: L.eig(a),
        lambda a: L.svd(a),
        lambda a: L.qr(a),
        lambda a: L.slogdet(a),
    ],
)
def test_results_with_several_parts_are_numpys_and_hold_tensors(f):
    a = symmetric(W) + 4 * EYE
    result, numpys = f(tracked(a)), f(a)
    assert type(result) is type(numpys)
    for field in numpys._fields:
        part = getattr(result, field)
        assert isinstance(part, ad.Tensor)
        np.testing.assert_allclose(part.data, getattr(numpys, field), rtol=1e-12, atol=1e-14)
