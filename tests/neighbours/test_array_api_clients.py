"""Clients of the array API, and xarray, whose arrays hold Tensors: gradients through them, or an error of ours."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
from autodiff.testing import gradcheck
from tests.neighbours import loaded, shows

X = np.array([1.0, 2.5, 4.0])
M = np.array([[1.0, 2.5], [3.5, 4.0], [5.0, 7.5]])
WEIGHTS = np.array([1.0, -0.5, 2.0])


def numbers(y):
    """A result as one Tensor without what is NaN at any input, such as the first of a moving mean."""
    y = getattr(y, "data", y)
    assert isinstance(y, ad.Tensor), type(y)
    return y[~np.isnan(y.data)]


# --- array-api-compat, array-api-extra, Hypothesis


@shows("array_api_compat", "`array_namespace(tensor)`, `device`, `size`, `to_device`", "ours; the Tensor stays tracked")
def test_the_namespace_is_found(library):
    t = ad.tensor(X, requires_grad=True)
    xp = library.array_namespace(t, ad.tensor(M))
    assert xp is t.__array_namespace__() and xp.__name__ == "autodiff.array_api"
    assert library.is_array_api_obj(t) and library.device(t) == "cpu" and library.size(t) == 3
    assert library.to_device(t, "cpu") is t and not library.is_lazy_array(t) and not library.is_numpy_namespace(xp)
    for name in ("einsum", "pad", "gradient", "nanmean", "float16", "lib"):
        assert getattr(xp, name) is getattr(np, name)
    assert xp.linalg.lstsq is np.linalg.lstsq and xp.linalg.__name__ == "autodiff.array_api.linalg"
    gradcheck(lambda x: xp.einsum("i,i->", x, xp.gradient(xp.pad(x, 1))[1:-1]), X)


EXTRA = {
    "angle": lambda xpx, x: xpx.angle(x),
    "atleast_nd": lambda xpx, x: xpx.atleast_nd(x, ndim=2),
    "cov": lambda xpx, x: xpx.cov(x * M.T),
    "deg2rad": lambda xpx, x: xpx.deg2rad(x),
    "kron": lambda xpx, x: xpx.kron(x, x),
    "nan_to_num": lambda xpx, x: xpx.nan_to_num(x),
    "partition": lambda xpx, x: xpx.partition(x, 1),
    "sinc": lambda xpx, x: xpx.sinc(x),
}
WRITES = {
    "apply_where": lambda xpx, x: xpx.apply_where(x > 2, x, np.square, np.negative),
    "at": lambda xpx, x: xpx.at(x)[0].set(2.0),
    "create_diagonal": lambda xpx, x: xpx.create_diagonal(x),
    "pad": lambda xpx, x: xpx.pad(x, 1),
}


@shows("array_api_extra", f"`{'`, `'.join(EXTRA)}`", "gradients right")
def test_functions_for_any_library(library):
    for f in EXTRA.values():
        gradcheck(lambda x, f=f: f(library, x), X)


@shows(
    "array_api_extra",
    f"`{'`, `'.join(WRITES)}`",
    "MutationError: they write in place; it names `x.at[...]` and `x.data`",
)
def test_functions_that_write(library):
    for f in WRITES.values():
        with pytest.raises(ad.MutationError, match=r"x\.at\[index\].*Here array_api_extra.* writes .*x\.data"):
            f(library, ad.tensor(X, requires_grad=True))


@shows("hypothesis", "`make_strategies_namespace(xp).arrays(...)`", "draws Tensors")
def test_strategies(library):
    strategies = loaded("hypothesis.extra.array_api").make_strategies_namespace(ad.tensor(0.0).__array_namespace__())
    drawn = []

    @library.settings(max_examples=5, deadline=None, database=None)
    @library.given(strategies.arrays("float64", strategies.array_shapes(max_dims=2)))
    def draw(x):
        drawn.append(x)

    draw()
    assert len(drawn) == 5 and all(type(x) is ad.Tensor and x.dtype == np.float64 for x in drawn)


# --- SciPy and scikit-learn, which ask for the namespace if they are told so before they are loaded


@pytest.fixture(scope="module")
def dispatched():
    """What SciPy and scikit-learn do in a process in which they dispatch: for each call "right", or the error."""
    root = Path(__file__).parents[2]
    script = root / "tests" / "neighbours" / "dispatching.py"
    environment = os.environ | {"SCIPY_ARRAY_API": "1", "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, env=environment, cwd=root)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


SCIPY = [
    "special.softmax",
    "special.erf",
    "special.gammaln",
    "special.xlogy",
    "special.jv",
    "special.nctdtr",
    "stats.skew",
    "stats.kurtosis",
    "stats.gmean",
    "stats.hmean",
    "stats.pmean",
    "stats.moment",
    "stats.sem",
    "stats.circmean",
    "integrate.trapezoid",
    "integrate.cumulative_trapezoid",
    "integrate.cubature",
    "signal.fftconvolve",
    "fft.fft",
    "fft.irfft",
    "optimize.rosen",
    "spatial.Rotation",
]
SCIPY_WRITES = [
    "stats.zscore",
    "stats.pearsonr",
    "stats.quantile",
    "special.log_softmax",
    "signal.hilbert",
    "cluster.whiten",
]
SCIPY_PLAIN = [
    "linalg.expm",
    "linalg.solve",
    "integrate.simpson",
    "ndimage.gaussian_filter",
    "spatial.cdist",
    "special.zeta",
    "fft.dct",
]
SKLEARN = ["metrics.linear_kernel", "decomposition.PCA", "model_selection.train_test_split"]
SKLEARN_STOPS = ["preprocessing.StandardScaler", "metrics.r2_score", "metrics.mean_squared_error", "linear_model.Ridge"]


@pytest.mark.ci
@shows("scipy", f"with SCIPY_ARRAY_API=1: `{'`, `'.join(SCIPY)}`", "gradients right")
def test_scipy_dispatches(library, dispatched):
    assert {name: dispatched[name] for name in SCIPY} == dict.fromkeys(SCIPY, "right")


@pytest.mark.ci
@shows("scipy", f"with SCIPY_ARRAY_API=1: `{'`, `'.join(SCIPY_WRITES)}`", "MutationError that names SciPy's line")
def test_scipy_that_writes(library, dispatched):
    assert {name: dispatched[name] for name in SCIPY_WRITES} == dict.fromkeys(SCIPY_WRITES, "MutationError")


@pytest.mark.ci
@shows("scipy", f"with SCIPY_ARRAY_API=1: `{'`, `'.join(SCIPY_PLAIN)}`", "UntrackedError: they need plain arrays")
def test_scipy_for_arrays_only(library, dispatched):
    assert {name: dispatched[name] for name in SCIPY_PLAIN} == dict.fromkeys(SCIPY_PLAIN, "UntrackedError")


@pytest.mark.ci
@shows("sklearn", f"with array_api_dispatch=True: `{'`, `'.join(SKLEARN)}`", "gradients right")
def test_sklearn_dispatches(library, dispatched):
    assert {name: dispatched[name] for name in SKLEARN} == dict.fromkeys(SKLEARN, "right")


@pytest.mark.ci
@shows("sklearn", f"with array_api_dispatch=True: `{'`, `'.join(SKLEARN_STOPS)}`", "MutationError or UntrackedError")
def test_sklearn_that_stops(library, dispatched):
    assert all(dispatched[name] in ("MutationError", "UntrackedError") for name in SKLEARN_STOPS), dispatched


# --- xarray

ALONG = {
    "mean": lambda x, m, xr: x.mean("i"),
    "std": lambda x, m, xr: x.std("i"),
    "prod": lambda x, m, xr: x.prod("i"),
    "median": lambda x, m, xr: x.median("i"),
    "quantile": lambda x, m, xr: x.quantile(0.3),
    "cumsum": lambda x, m, xr: x.cumsum("i"),
    "dot": lambda x, m, xr: xr.dot(x, m, dim="i"),
    "weighted": lambda x, m, xr: m.weighted(abs(x)).mean("i"),
    "cov": lambda x, m, xr: xr.cov(x, x**2),
    "corr": lambda x, m, xr: xr.corr(x, x**2),
    "integrate": lambda x, m, xr: x.integrate("i"),
    "differentiate": lambda x, m, xr: x.differentiate("i"),
    "diff": lambda x, m, xr: x.diff("i"),
    "rolling": lambda x, m, xr: x.rolling(i=2).mean(),
    "coarsen": lambda x, m, xr: x.coarsen(i=3).mean(),
    "groupby": lambda x, m, xr: x.groupby("i").mean(),
    "shift": lambda x, m, xr: x.shift(i=1),
    "roll": lambda x, m, xr: x.roll(i=1),
    "pad": lambda x, m, xr: x.pad(i=1),
    "where": lambda x, m, xr: x.where(x > 2.0, 0.0),
    "fillna": lambda x, m, xr: x.fillna(0.0),
    "clip": lambda x, m, xr: x.clip(2.0, 3.0),
    "sel": lambda x, m, xr: (x * m).sel(i=1.0),
    "reindex": lambda x, m, xr: x.reindex(i=[0.0, 2.0]),
    "sortby": lambda x, m, xr: x.sortby("i", ascending=False),
    "stack": lambda x, m, xr: (x * m).stack(k=("i", "j")),
    "concat": lambda x, m, xr: xr.concat([x, x * x], "i"),
    "broadcast": lambda x, m, xr: xr.broadcast(x, m)[0],
    "apply_ufunc": lambda x, m, xr: xr.apply_ufunc(np.sin, x),
    "Dataset": lambda x, m, xr: xr.Dataset({"a": x}).mean().a,
}


@shows(
    "xarray",
    "`tensor * dataarray`, `np.add(tensor, dataarray)`: names of axes are kept on both sides",
    "gradients right",
)
def test_named_axes_are_kept(library):
    m = library.DataArray(M, dims=("i", "j"))
    for f in (lambda x: x * m[:, 0], lambda x: m[:, 0] * x, lambda x: np.add(x, m[:, 0]), lambda x: np.add(m[:, 0], x)):
        y = f(ad.tensor(X, requires_grad=True))
        assert isinstance(y, library.DataArray) and y.dims == ("i",)
        gradcheck(lambda x, f=f: f(x).data, X)


@pytest.mark.ci
@shows("xarray", f"of a DataArray of Tensors: `{'`, `'.join(ALONG)}`", "gradients right")
def test_methods_of_a_dataarray(library):
    m = library.DataArray(M, dims=("i", "j"), coords={"i": [0.0, 1.0, 2.0]})
    for f in ALONG.values():
        named = lambda x: library.DataArray(x, dims="i", coords={"i": [0.0, 1.0, 2.0]})
        gradcheck(lambda x, f=f, named=named: numbers(f(named(x), m, library)), X)


@shows("xarray", "`interp`, `values`, `to_series` of a DataArray of tracked Tensors", "UntrackedError")
def test_ways_out_of_a_dataarray(library):
    x = library.DataArray(ad.tensor(X, requires_grad=True), dims="i", coords={"i": [0.0, 1.0, 2.0]})
    for leave in (lambda: x.interp(i=0.5), lambda: x.values, x.to_series):
        with pytest.raises(ad.UntrackedError):
            leave()
