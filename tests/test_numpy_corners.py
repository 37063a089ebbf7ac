"""Corners of NumPy's functions: numbers with an axis, what is below full rank, types of Jacobians, many quantiles."""

import numpy as np
import pytest

import autodiff as ad

FOLDING = [np.sum, np.prod, np.max, np.min, np.ptp, np.nansum, np.nanprod, np.nanmean, np.nanmax, np.nanmin, np.nanvar]
GOING_ALONG = [np.cumsum, np.cumprod, np.nancumsum, np.nancumprod]


@pytest.mark.parametrize("f", [*FOLDING, np.nanstd, *GOING_ALONG, np.squeeze])
@pytest.mark.parametrize("axis", [0, -1])
def test_a_number_has_axis_0_where_numpy_says_so(f, axis):
    x, expected = ad.tensor(2.0, requires_grad=True), f(np.float64(2.0), axis=axis)
    y = f(x, axis=axis)
    assert y.shape == np.shape(expected) and y.data == expected
    y.sum().backward()
    assert x.grad == (0 if f in (np.ptp, np.nanvar, np.nanstd) else 1)


@pytest.mark.parametrize("f", [np.mean, np.var, np.std, np.median, np.flip])
def test_elsewhere_it_has_none(f):
    for x in (np.float64(2.0), ad.tensor(2.0)):
        with pytest.raises(np.exceptions.AxisError):
            f(x, axis=0)


@pytest.mark.filterwarnings("ignore:Polyfit may be poorly conditioned")
@pytest.mark.parametrize(
    ("x", "y", "degree"), [([2.0], [1.0], 1), ([1.0, 2.0], [1.0, 3.0], 3), ([0.0, 1.0], [2, 1], 2)]
)
def test_polyfit_below_full_rank_moves_with_the_places(x, y, degree):
    x, y, h = np.array(x), np.array(y), 1e-6

    def f(x):
        return np.polyfit(x, y, degree)

    expected = np.stack([(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(len(x))], axis=1)
    for mode in ("forward", "reverse"):
        np.testing.assert_allclose(ad.jacobian(f, mode=mode)(x), expected, atol=1e-8)


def test_pinv_and_lstsq_below_full_rank_along_matrices_of_that_rank():
    u, v, t, h = np.array([1.0, 2.0, 3.0]), np.array([1.0, -2.0]), np.array([0.3, 0.5, -0.2]), 1e-6
    b = np.array([1.0, 0.0, 2.0])
    for f in (lambda u: np.linalg.pinv(np.outer(u, v)), lambda u: np.linalg.lstsq(np.outer(u, v), b)[0]):
        difference = (f(u + h * t) - f(u - h * t)) / (2 * h)
        np.testing.assert_allclose(ad.jvp(f, (u,), (t,))[1], difference, rtol=1e-7)
        np.testing.assert_allclose(ad.jacobian(f, mode="reverse")(u) @ t, difference, rtol=1e-7)


@pytest.mark.parametrize("mode", ["auto", "forward", "reverse"])
@pytest.mark.parametrize(
    ("f", "dtype", "expected"),
    [
        (lambda x: x * np.ones(3), np.float32, np.float32),
        (lambda x: x * np.ones(3), np.float16, np.float16),
        (lambda x: x.astype(np.float32) * 2, np.float64, np.float64),
        (lambda x: x * (1j * np.ones(3)), np.float32, np.complex64),
        (lambda x: x.astype(np.complex64) * 2, np.float64, np.complex128),
        (lambda x: x * np.ones(3), np.complex64, np.complex64),
        (np.abs, np.complex64, np.complex64),
        (lambda x: np.ones(3), np.float32, np.float32),
    ],
)
def test_a_jacobian_has_the_precision_of_the_argument(f, dtype, expected, mode):
    assert ad.jacobian(f, mode=mode)(np.ones(3, dtype)).dtype == expected


def test_many_quantiles_share_their_slopes_among_equal_entries():
    x = np.random.default_rng(0).integers(0, 50, 2000).astype(float)
    q = np.arange(1, 100) / 100
    g = ad.grad(lambda x: np.quantile(x, q, method="lower") @ np.arange(99.0))(x)
    expected = np.zeros(2000)
    for w, y in zip(np.arange(99.0), np.quantile(x, q, method="lower"), strict=True):
        expected += w * (x == y) / (x == y).sum()
    np.testing.assert_allclose(g, expected, rtol=1e-12)
    t = np.sin(np.arange(2000.0))
    forward = ad.jvp(lambda x: np.quantile(x, q, method="lower") @ np.arange(99.0), (x,), (t,))[1]
    np.testing.assert_allclose(forward, expected @ t, rtol=1e-10)


def test_bins_that_are_tracked_are_their_own_edges():
    bins = ad.tensor([0.0, 1.0, 3.0], requires_grad=True)
    counts, edges = np.histogram(ad.tensor([0.5, 2.0, 2.5]), bins, density=True)
    assert edges is bins
    np.testing.assert_allclose(counts.data, [1 / 3, 1 / 3])
    np.testing.assert_allclose(ad.gradients(counts[1], [bins])[0], [0, 1 / 6, -1 / 6])


NEW = np.lib.NumpyVersion(np.__version__) >= "2.5.0"


def test_cross_takes_vectors_in_the_plane_where_numpy_does():
    a, b = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    if NEW:
        for f in (np.cross, ad.grad(np.cross)):
            with pytest.raises(ValueError, match="3"):
                f(a, b)
    else:
        with pytest.warns(DeprecationWarning, match="2-dimensional"):
            expected = np.cross(a, b)
        assert np.cross(ad.tensor(a), b).data == expected
        np.testing.assert_array_equal(ad.grad(np.cross)(a, b), [5, -3])


@pytest.mark.skipif(not NEW, reason="NumPy 2.5 sorts descending")
def test_sort_descending_follows_the_permutation():
    x = ad.tensor([1.0, 3.0, np.nan, 2.0, 3.0], requires_grad=True)
    y = np.sort(x, descending=True)
    np.testing.assert_array_equal(y.data, np.sort(x.data, descending=True))
    (y * np.arange(5.0)).sum().backward()
    np.testing.assert_array_equal(x.grad, [3, 0, 4, 2, 1])
    np.testing.assert_array_equal(np.argsort(x, descending=True).data, [1, 4, 3, 0, 2])


def test_einsum_computes_in_the_dtype_that_is_asked_for():
    x = ad.tensor(np.arange(4.0, dtype=np.float32).reshape(2, 2), requires_grad=True)
    y = np.einsum("ij,kj->ik", x, x, dtype=np.float64, order="C", casting="safe")
    assert y.dtype == np.float64
    (gradient,) = ad.gradients(y.sum(), [x])
    np.testing.assert_array_equal(gradient, np.broadcast_to(2 * x.data.sum(axis=0), (2, 2)))
    assert gradient.dtype == np.float32
    with pytest.raises(ad.DtypeError, match="float64 cannot be cast to dtype float32 by the rule 'safe'"):
        np.einsum("ij->i", y, dtype=np.float32)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("zero", [0, 0.0, np.float32(0)])
def test_maximum_with_zero_has_numpys_dtype(dtype, zero):
    x = np.array([1, 0, 1]).astype(dtype)
    wanted = np.maximum(x, zero)
    for found in (np.maximum(ad.tensor(x), zero), ad.compile(lambda x: np.maximum(x, zero))(ad.tensor(x))):
        assert found.dtype == wanted.dtype and np.array_equal(found.data, wanted)
