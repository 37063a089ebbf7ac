"""SciPy's optimisers and iterative solvers with our derivatives; what is said of Tensors returned to SciPy."""

import concurrent.futures
import itertools
import pickle
import time

import numpy as np
import pytest

import autodiff as ad
from tests.neighbours import shows

START = np.array([-1.2, 1.0, 0.5])


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@shows(
    "scipy.optimize", "`minimize(**ad.for_scipy(f)._asdict())` by seven methods", "the minimum; one evaluation a point"
)
def test_one_evaluation_serves_all(library):
    calls = []

    def counted(x, scale):
        calls.append(np.array(x.data))
        return scale * rosenbrock(x)

    for method in ("BFGS", "L-BFGS-B", "CG", "Newton-CG", "trust-ncg", "trust-krylov", "SLSQP"):
        f = ad.for_scipy(counted)
        products = f._asdict() if method in ("Newton-CG", "trust-ncg", "trust-krylov") else {"fun": f.fun, "jac": f.jac}
        calls.clear()
        found = library.minimize(x0=START, args=(2.0,), method=method, **products)
        np.testing.assert_allclose(found.x, 1.0, rtol=1e-3)
        assert all((a != b).any() for a, b in itertools.pairwise(calls)), method


def test_a_second_descent_sees_what_changed():
    weight, offset = 1.0, np.zeros(2)
    f = ad.for_scipy(lambda x, a: weight * np.sum((x - offset) ** 2) + np.sum(a))
    x, a = np.ones(2), np.zeros(1)
    for weight, offset[:], a[:] in ((1.0, 0.0, 0.0), (3.0, 0.0, 0.0), (3.0, 2.0, 0.0), (3.0, 2.0, 5.0)):
        assert f.fun(x, a) == weight * np.sum((x - offset) ** 2) + a.sum()
        np.testing.assert_array_equal(f.jac(x, a), 2 * weight * (x - offset))
        for _ in range(2):
            np.testing.assert_array_equal(f.hessp(x, np.ones(2), a), 2 * weight)


def test_threads_share_a_function():
    def slow(x):
        time.sleep(0.002)  # another thread comes to another point meanwhile
        return np.sum(np.sin(x))

    f = ad.for_scipy(slow)
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda x: (f.fun(x), f.jac(x), f.hessp(x, x)), np.arange(60.0).reshape(30, 2)))
    for x, (value, slope, product) in zip(np.arange(60.0).reshape(30, 2), found, strict=True):
        np.testing.assert_allclose(value, np.sum(np.sin(x)))
        np.testing.assert_allclose(slope, np.cos(x))
        np.testing.assert_allclose(product, -np.sin(x) * x)


def test_functions_for_scipy_travel():
    f = ad.for_scipy(rosenbrock)
    f.hessp(START, START)
    there = pickle.loads(pickle.dumps(f))
    np.testing.assert_array_equal(there.jac(START), f.jac(START))
    assert len(pickle.dumps(f)) < 400  # without what was recorded


@shows(
    "scipy.optimize", "`check_grad`, `approx_fprime` of `ad.for_scipy(f)`; types", "gradients right; floats and arrays"
)
def test_floats_and_arrays(library):
    f = ad.for_scipy(rosenbrock)
    value, gradient, product = f.fun(START), f.jac(START), f.hessp(START, np.ones(3))
    assert type(value) is float and type(gradient) is type(product) is np.ndarray
    assert library.check_grad(f.fun, f.jac, START) < 1e-4
    np.testing.assert_allclose(gradient, library.rosen_der(START))
    np.testing.assert_allclose(product, library.rosen_hess(START) @ np.ones(3))
    gradient[:] = 0.0
    np.testing.assert_allclose(f.jac(START), library.rosen_der(START))
    with ad.no_grad():
        np.testing.assert_allclose(ad.for_scipy(rosenbrock).jac(START), library.rosen_der(START))


@shows(
    "scipy.optimize",
    "`ad.for_scipy` of a constant, of vectors, of what depends on a tracked Tensor",
    "zeros; GradientError; held fixed",
)
def test_odd_functions(library):
    constant = ad.for_scipy(lambda x: 3)
    assert constant.fun(START) == 3.0 and not constant.jac(START).any() and not constant.hessp(START, START).any()
    with pytest.raises(ad.GradientError, match=r"returned shape \(3,\).*jac=ad\.jacobian\(f\)"):
        ad.for_scipy(lambda x: x**2).fun(START)
    with pytest.raises(ad.GradientError, match="returned a tuple; `minimize` needs one number"):
        ad.for_scipy(lambda x: (np.sum(x), 1)).fun(START)
    with pytest.raises(ad.GradientError, match="of dtype complex128; expected one real number"):
        ad.for_scipy(lambda x: np.sum(x * 1j)).fun(START)
    with pytest.raises(ad.GradientError, match="the function to minimise"):
        ad.for_scipy(3.0)
    w = ad.tensor(2.0, requires_grad=True)
    outside = ad.for_scipy(lambda x: np.sum((x - w) ** 2))
    np.testing.assert_allclose(library.minimize(x0=START, **outside._asdict(), method="Newton-CG").x, 2.0)
    assert ad.for_scipy(lambda x: x[:1] ** 2).fun(START) == pytest.approx(1.44)


@shows(
    "scipy.optimize",
    "a tracked Tensor returned to `minimize`, `root`, `brentq`, `least_squares`, `curve_fit`",
    "an error: ours, or SciPy's in its place (the how-to explains them)",
)
def test_tensors_returned_to_scipy(library):
    w = ad.tensor(2.0, requires_grad=True)
    for call, said in (
        (lambda: library.minimize(lambda x: np.sum((x - w) ** 2), START), "must return a scalar value"),
        (lambda: library.root(lambda x: x - w, START), "not a proper array of floats"),
        (lambda: library.least_squares(lambda x: x - w, START), "drop its gradient silently"),
        (lambda: library.minimize_scalar(lambda x: (x - w) ** 2), "drop its gradient silently"),
    ):
        with pytest.raises(Exception, match=said):
            call()
    root = library.newton(lambda x: x**2 - w, 1.0)
    np.testing.assert_allclose(ad.gradients(root, [w])[0], 0.5 / np.sqrt(2.0), rtol=1e-6)


@shows(
    "scipy.sparse.linalg",
    "`aslinearoperator(H)`, `cg`, `minres`, `lsmr`, `eigsh` of a HessianOperator",
    "as with the matrix",
)
def test_hessians_are_operators(library):
    H = ad.hessian_operator(lambda x: np.sum(np.cosh(x)) + np.sum(x) ** 2, START)
    full = ad.hessian(lambda x: np.sum(np.cosh(x)) + np.sum(x) ** 2)(START)
    operator = library.aslinearoperator(H)
    np.testing.assert_allclose(operator.T @ START, full @ START)
    np.testing.assert_allclose(operator @ full, full @ full)
    for solve in (library.cg, library.minres, library.lsmr):
        np.testing.assert_allclose(solve(operator, START)[0], np.linalg.solve(full, START), rtol=1e-4)
    np.testing.assert_allclose(library.eigsh(operator, k=1)[0], np.linalg.eigvalsh(full)[-1:])
    columns = np.arange(6.0).reshape(3, 2)
    np.testing.assert_allclose(H @ columns, full @ columns)
    np.testing.assert_allclose(columns.T @ H, columns.T @ full)
    np.testing.assert_allclose(START @ H, full @ START)
    np.testing.assert_allclose((ad.tensor(START) @ H).data, full @ START)
    np.testing.assert_allclose(H.T.rmatvec(START), full @ START)
    np.testing.assert_allclose(H.rmatmat(columns), full @ columns)
    with pytest.raises(ad.GradientError, match=r"It must have 3 rows"):
        H @ np.ones((2, 2))
