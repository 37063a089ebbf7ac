"""What is summed or squared on the way is worked out in float32 where the numbers are float16."""

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff import special
from tests.op_cases.checks import plain

HALF = np.float16
LARGE = np.array([[300.0, -300.0, 0.0, 8.0], [9.0, 250.0, 4.0, -7.0]])
LABELS = np.array([1, 2])
FUNCTIONS = {
    "layer_norm": special.layer_norm,
    "standardize": lambda x: special.standardize(x)[0],
    "rms_normalize": special.rms_normalize,
    "softmax": lambda x: special.softmax(x / 64),
    "log_softmax": lambda x: special.log_softmax(x / 64),
    "logsumexp": lambda x: special.logsumexp(x / 64, axis=-1),
    "logaddexp.reduce": lambda x: np.logaddexp.reduce(x / 64, axis=-1),
    "softmax_cross_entropy": lambda x: special.softmax_cross_entropy(x / 64, LABELS),
    "mse": lambda x: special.mse(x, x * 0.5),
    "mse_loss": lambda x: nn.mse_loss(x, (x * 0.5)),
    "cross_entropy": lambda x: nn.cross_entropy(x / 64, LABELS),
    "var": lambda x: np.var(x / 2, axis=-1),
    "std": lambda x: np.std(x, axis=-1),
    "var of some": lambda x: np.var(x / 2, axis=-1, where=LARGE > -200),
    "nanstd": lambda x: np.nanstd(x, axis=-1),
    "LayerNorm": lambda x: nn.LayerNorm(4, dtype=HALF if x.dtype == HALF else float)(x),
    "BatchNorm1d": lambda x: nn.BatchNorm1d(4, dtype=HALF if x.dtype == HALF else float)(x / 4),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_large_float16_have_the_values_and_slopes_of_float64(name):
    f = FUNCTIONS[name]
    weights = np.cos(np.arange(8.0)).reshape(2, 4)

    def total(x):
        y = f(x)
        w = weights if y.shape == (2, 4) else weights[: y.shape[0], 0] if y.shape else np.ones(())
        return np.sum(y * w.astype(y.dtype))

    x = LARGE.astype(HALF)
    value = np.asarray(f(ad.Tensor(x)).data)
    assert value.dtype == HALF
    wide = np.asarray(f(ad.Tensor(LARGE)).data)
    np.testing.assert_allclose(value, wide, rtol=4e-3, atol=2e-3 * np.abs(wide).max())
    gradient, expected = (plain(ad.grad(total)(z))[0] for z in (x, LARGE))
    assert gradient.dtype == HALF
    np.testing.assert_allclose(gradient, expected, rtol=1e-2, atol=1e-2 * np.abs(expected).max())
    tangent = plain(ad.jvp(f, (x,), (np.ones_like(x),))[1])[0]
    assert tangent.dtype == HALF and np.isfinite(tangent).all()


def test_more_entries_than_float16_can_count():
    ones = np.ones(70_000, HALF)
    assert float(special.logsumexp(ones)) == pytest.approx(1 + np.log(70_000), rel=1e-3)
    assert np.asarray(special.softmax(ones)).sum(dtype=float) == pytest.approx(1, rel=0.1)  # 1/70000 is subnormal
    assert float(special.mse(ones, 0 * ones)) == 1
    assert float(np.var(ad.Tensor(ones)).data) == 0
    np.testing.assert_allclose(special.layer_norm(np.arange(70_000) % 2 * ones)[:2].astype(float), [-1, 1], rtol=1e-3)
    np.testing.assert_array_equal(ad.grad(special.mse)(ones, 0 * ones), np.full(70_000, 2 / 70_000, HALF))
