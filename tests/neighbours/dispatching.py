"""What SciPy and scikit-learn do with tracked Tensors if they ask for the namespace; prints a JSON object.

A program of its own, since SCIPY_ARRAY_API must be set before SciPy is loaded. `test_array_api_clients` runs it.
"""

import json
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import cluster, fft, integrate, linalg, ndimage, optimize, signal, spatial, special, stats

import autodiff as ad
from autodiff.testing import GradientCheckError, gradcheck

M = ad.tensor([[1.0, 2.5], [3.5, 4.0], [5.0, 7.5]])
CALLS: dict[str, Callable[[Any], Any]] = {
    "special.softmax": special.softmax,
    "special.log_softmax": special.log_softmax,
    "special.erf": special.erf,
    "special.gammaln": special.gammaln,
    "special.xlogy": lambda x: special.xlogy(x, x),
    "special.jv": lambda x: special.jv(x, 1.5),
    "special.nctdtr": lambda x: special.nctdtr(3.0, 0.5, x),
    "special.zeta": lambda x: special.zeta(x + 1.0),
    "stats.skew": stats.skew,
    "stats.kurtosis": stats.kurtosis,
    "stats.gmean": stats.gmean,
    "stats.hmean": stats.hmean,
    "stats.pmean": lambda x: stats.pmean(x, 2),
    "stats.moment": lambda x: stats.moment(x, 2),
    "stats.sem": stats.sem,
    "stats.circmean": stats.circmean,
    "stats.zscore": stats.zscore,
    "stats.pearsonr": lambda x: stats.pearsonr(x, x**2).statistic,
    "stats.quantile": lambda x: stats.quantile(x, 0.3),
    "integrate.trapezoid": integrate.trapezoid,
    "integrate.cumulative_trapezoid": integrate.cumulative_trapezoid,
    "integrate.simpson": integrate.simpson,
    "integrate.cubature": lambda x: integrate.cubature(lambda t: x[0] * t[:, 0] ** 2, [0.0], [1.0]).estimate,
    "signal.fftconvolve": lambda x: signal.fftconvolve(x, x),
    "signal.hilbert": lambda x: abs(signal.hilbert(x)),
    "fft.fft": lambda x: abs(fft.fft(x)),
    "fft.irfft": lambda x: fft.irfft(fft.rfft(x, n=4)),
    "fft.dct": fft.dct,
    "linalg.expm": lambda x: linalg.expm(np.outer(x, x)),
    "linalg.solve": lambda x: linalg.solve(np.outer(x, x) + ad.tensor(np.eye(3)), x),
    "optimize.rosen": optimize.rosen,
    "ndimage.gaussian_filter": lambda x: ndimage.gaussian_filter(x, 1.0),
    "spatial.Rotation": lambda x: spatial.transform.Rotation.from_rotvec(x).apply(x[::-1]),
    "spatial.cdist": lambda x: spatial.distance.cdist(x * M.T, M.T),
    "cluster.whiten": lambda x: cluster.vq.whiten(x[:, None] * M),
}


def with_sklearn() -> dict[str, Callable[[Any], Any]]:
    """The calls of scikit-learn; none if it is not installed."""
    try:
        import sklearn
        from sklearn import decomposition, linear_model, metrics, model_selection, preprocessing
    except ImportError:
        return {}
    sklearn.set_config(array_api_dispatch=True)
    target = ad.tensor([1.0, 2.0, 3.0])
    return {
        "metrics.linear_kernel": lambda x: metrics.pairwise.linear_kernel(x[:, None] * M),
        "metrics.r2_score": lambda x: metrics.r2_score(target, x),
        "metrics.mean_squared_error": lambda x: metrics.mean_squared_error(target, x),
        "decomposition.PCA": lambda x: decomposition.PCA(1, svd_solver="full").fit_transform(x[:, None] * M),
        "model_selection.train_test_split": lambda x: model_selection.train_test_split(x, random_state=0)[0],
        "preprocessing.StandardScaler": lambda x: preprocessing.StandardScaler().fit_transform(x[:, None] * M),
        "linear_model.Ridge": lambda x: linear_model.Ridge(solver="svd").fit(M, x).coef_,
    }


def outcome(f: Callable[[Any], Any]) -> str:
    """``"right"`` if the gradient is, else the name of the error."""
    x = np.array([1.0, 2.5, 4.0])
    try:
        f(ad.tensor(x, requires_grad=True))
        gradcheck(lambda x: f(x if isinstance(x, ad.Tensor) else ad.tensor(x)), x)
    except GradientCheckError:
        return "wrong"
    except Exception as error:
        return type(error).__name__ if isinstance(error, ad.AutodiffError) else f"{type(error).__name__}: {error}"
    return "right"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps({name: outcome(f) for name, f in {**CALLS, **with_sklearn()}.items()}))  # noqa: T201
