"""SciPy's sparse matrices: products, solutions, and what is said where a plain array would be made."""

import numpy as np
import pytest

import autodiff as ad
from autodiff.testing import gradcheck
from tests.neighbours import loaded, shows

DENSE = np.array([[4.0, 1.0, 0.0], [0.0, 5.0, -1.0], [2.0, 0.0, 6.0]])
X = np.array([0.5, -1.0, 2.0])
COLUMNS = np.array([[0.5, 1.0], [-1.0, 0.25], [2.0, -2.0]])
FORMATS = ("csr", "csc", "coo", "dia", "bsr", "lil", "dok")


def same_with_dense(f, g, x):
    """Values, gradients and Hessian products of two functions."""
    np.testing.assert_allclose(f(x), g(x), rtol=1e-12, atol=1e-14)
    for derivative in (ad.jacobian, lambda f: ad.hessian(lambda x: np.sum(f(x) ** 3))):
        np.testing.assert_allclose(derivative(f)(x), derivative(g)(x), rtol=1e-9, atol=1e-9)


@shows(
    "scipy.sparse",
    "`ad.sparse_matmul(A, x)`, `tensor @ A`, in every format, arrays and matrices",
    "gradients right, second order too",
)
def test_products(library):
    for kind in FORMATS:
        for A in (library.csr_array(DENSE).asformat(kind), library.csr_matrix(DENSE).asformat(kind)):
            for x in (X, COLUMNS):
                same_with_dense(lambda x, A=A: ad.sparse_matmul(A, x), lambda x: DENSE @ x, x)
            same_with_dense(lambda x, A=A: x @ A, lambda x: x @ DENSE, COLUMNS.T)
    wide = library.csr_array(DENSE[:2])
    same_with_dense(lambda x: ad.sparse_matmul(wide, x), lambda x: DENSE[:2] @ x, X)
    stack = np.arange(12.0).reshape(2, 2, 3)
    gradcheck(lambda x: (x if isinstance(x, ad.Tensor) else ad.tensor(x)) @ wide.T, stack)


@shows(
    "scipy.sparse",
    "`ad.sparse_matmul(A, x, data=values)` with tracked values, in csr, csc, coo",
    "gradients right, second order too",
)
def test_products_by_values(library):
    for kind in ("csr", "csc", "coo"):
        A = library.csr_array(DENSE).asformat(kind)
        for x in (X, COLUMNS):
            gradcheck(lambda v, x, A=A: ad.sparse_matmul(A, x, data=v), A.data, x)
            gradcheck(ad.grad(lambda v, x, A=A: np.sum(ad.sparse_matmul(A, x, data=v) ** 3)), A.data, x)
    twice = library.coo_array(([1.0, 2.0, 3.0], ([0, 0, 1], [1, 1, 0])), shape=(2, 2))
    gradcheck(lambda v: ad.sparse_matmul(twice, np.array([1.0, 10.0]), data=v), twice.data)


@shows(
    "scipy.sparse",
    "`ad.sparse_solve(A, b)`, with `data=`, by LU, by `splu`'s factors, by a function",
    "gradients right, second order too",
)
def test_solutions(library):
    inverse = np.linalg.inv(DENSE)
    linalg = loaded("scipy.sparse.linalg")
    factors = linalg.splu(library.csc_array(DENSE))
    for kind in FORMATS:
        A = library.csr_array(DENSE).asformat(kind)
        same_with_dense(lambda b, A=A: ad.sparse_solve(A, b), lambda b: inverse @ b, COLUMNS)
    same_with_dense(lambda b: ad.sparse_solve(factors, b), lambda b: inverse @ b, COLUMNS)
    by_gmres = lambda A, b: linalg.gmres(A, b, rtol=1e-14, atol=0.0)[0]
    for kind in ("csr", "csc", "coo"):
        A = library.csr_array(DENSE).asformat(kind)
        for solver in ("lu", by_gmres):
            f = lambda v, b, A=A, solver=solver: ad.sparse_solve(A, b, data=v, solver=solver)
            gradcheck(f, A.data, X)
            gradcheck(ad.grad(lambda v, b, f=f: np.sum(f(v, b) ** 3), argnums=(0, 1)), A.data, X)


def test_factors_in_another_dtype_than_the_right_side():
    inverse = np.linalg.inv(DENSE)
    factors = loaded("scipy.sparse.linalg").splu(loaded("scipy.sparse").csc_array(DENSE))
    turned = np.exp(1j * np.arange(3))
    f = lambda b: np.sum(np.abs(ad.sparse_solve(factors, b * turned)) ** 2)
    expected = 2 * (turned.conj() * (inverse.T @ inverse @ (X * turned))).real
    np.testing.assert_allclose(ad.grad(f)(X), expected, rtol=1e-12)
    single = loaded("scipy.sparse.linalg").splu(loaded("scipy.sparse").csc_array(DENSE.astype(np.float32)))
    np.testing.assert_allclose(ad.grad(lambda b: np.sum(ad.sparse_solve(single, b)))(X), inverse.sum(axis=0), rtol=1e-5)


@shows(
    "scipy.sparse", '`ad.sparse_solve(A, b, solver="cg")` of a symmetric matrix', "gradients right, second order too"
)
def test_conjugate_gradients(library):
    A = library.csr_array(DENSE @ DENSE.T)
    inverse = np.linalg.inv(DENSE @ DENSE.T)
    same_with_dense(lambda b: ad.sparse_solve(A, b, solver="cg"), lambda b: inverse @ b, COLUMNS)
    with pytest.raises(ad.DomainError, match="did not converge"):
        ad.sparse_solve(library.csr_array([[0.0, 1.0], [-1.0, 0.0]]), np.ones(2), solver="cg")


@shows(
    "scipy.sparse",
    "`A @ tensor`, `spsolve(A, tensor)`, `tensor * A`, `np.dot(tensor, A)`",
    "an error that names the call that works",
)
def test_what_does_not_reach_us(library):
    A = library.csr_array(DENSE)
    t = ad.tensor(X, requires_grad=True)
    with pytest.raises(ad.UntrackedError, match=r"ad\.sparse_matmul\(A, x\) for A @ x"):
        A @ t
    with pytest.raises(ad.UntrackedError, match=r"ad\.sparse_solve\(A, b\)"):
        loaded("scipy.sparse.linalg").spsolve(A, t)
    for call in (
        *(lambda: np.dot(t, A), lambda: np.dot(A, t), lambda: ad.tensor(A), lambda: np.add(t, A), lambda: t * A),
        *(lambda: t + A, lambda: A + t, lambda: A - t, lambda: t / A, lambda: np.einsum("ij,j", A, t)),
        *(lambda: np.linalg.solve(A, t), lambda: ad.sparse_matmul(A, A), lambda: ad.sparse_solve(A, A)),
    ):
        with pytest.raises(ad.UnsupportedError, match=r"scipy\.csr_array \(3, 3\) is no array.*x @ A.*A\.toarray"):
            call()
    with pytest.raises(ad.UntrackedError, match=r"ad\.sparse_matmul\(A, x\) for A @ x"):
        A * t
    np.testing.assert_array_equal(A @ t.detach(), DENSE @ X)


@shows("scipy.sparse", "integers, a singular matrix, shapes and formats that do not fit", "our errors, which name them")
def test_bad_matrices(library):
    whole = library.csr_array(DENSE.astype(int))
    np.testing.assert_array_equal(ad.sparse_matmul(whole, ad.tensor(X)).data, DENSE @ X)
    with pytest.raises(ad.DtypeError, match=r"A has dtype int64.*A\.astype\(float\)"):
        ad.sparse_solve(whole, X)
    with pytest.raises(ad.MatrixError, match=r"shape \(2, 2\) is singular"):
        ad.sparse_solve(library.csr_array([[1.0, 1.0], [1.0, 1.0]]), np.ones(2))
    A = library.csr_array(DENSE)
    with pytest.raises(ad.ShapeError, match=r"A has shape \(3, 3\) and x \(2,\)"):
        ad.sparse_matmul(A, np.ones(2))
    with pytest.raises(ad.ShapeError, match=r"A must be square; it has shape \(2, 3\)"):
        ad.sparse_solve(A[:2], np.ones(2))
    with pytest.raises(ad.ShapeError, match=r"A must be a matrix; it has shape \(2,\).*A\.reshape\(1, -1\)"):
        ad.sparse_matmul(library.coo_array([1.0, 2.0]), np.ones(2))
    with pytest.raises(ad.ShapeError, match=r"solver returned a tuple.*lambda A, b: gmres\(A, b\)\[0\]"):
        ad.sparse_solve(A, X, solver=loaded("scipy.sparse.linalg").gmres)
    with pytest.raises(ad.ShapeError, match=r"data has shape \(2,\); A has 6 stored values"):
        ad.sparse_matmul(A, X, data=np.ones(2))
    with pytest.raises(ad.UnsupportedError, match=r"format lil.*A\.tocsr\(\)"):
        ad.sparse_matmul(A.tolil(), X, data=A.data)
    with pytest.raises(ad.UnsupportedError, match=r"a ndarray was given.*csr_array"):
        ad.sparse_matmul(DENSE, X)
    with pytest.raises(ad.UnsupportedError, match=r"solver must be 'lu', 'cg'"):
        ad.sparse_solve(A, X, solver="qr")


@shows("scipy.sparse", "`ad.compile`, `ad.jvp`, float32", "as NumPy's products")
def test_sparse_matrices_elsewhere(library):
    A = library.csr_array(DENSE)
    f = lambda x: np.sum(ad.sparse_solve(A, np.sin(ad.sparse_matmul(A, x))) ** 2)
    compiled = ad.compile(ad.grad(f))
    for x in (X, X + 1, X + 2):
        np.testing.assert_allclose(compiled(x), ad.grad(f)(x))
    np.testing.assert_allclose(ad.jvp(f, (X,), (X,))[1], ad.grad(f)(X) @ X)
    single = library.csr_array(DENSE.astype(np.float32))
    x = ad.tensor(X.astype(np.float32), requires_grad=True)
    y = ad.sparse_solve(single, ad.sparse_matmul(single, x))
    y.sum().backward()
    assert y.dtype == x.grad.dtype == np.float32
    np.testing.assert_allclose(x.grad, 1.0, rtol=1e-5)


def test_scipy_sees_no_traced_values():
    assert "def f(x0):" not in ad.derive(ad.grad(lambda z: np.sin(z) * z))(2.0)
    assert "def f(z):" in ad.derive(ad.grad(lambda z: np.sin(z) * z))(2.0)  # not `x`, as issparse calls its argument
