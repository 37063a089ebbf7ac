"""The compiler of the extra `native`: clang, in the package ziglang, which is large and installed by hand for this."""

import numpy as np
import pytest

import autodiff as ad
import nn
import optim
from autodiff.compiler.native import building
from autodiff.compiler.native.target import compilers

pytest.importorskip("ziglang", reason="ziglang cannot be imported; pip install ziglang")


def test_a_training_step_is_compiled_by_it(monkeypatch):
    (zig,) = [found for found in compilers() if "ziglang" in found.command[0]]
    monkeypatch.setattr(building, "compiler", lambda: zig)
    monkeypatch.setenv("WENGERT_CACHE", "0")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(32, 4)), rng.integers(0, 3, 32)

    def losses(compiled):
        nn.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 3))
        optimizer = optim.Adam(model.parameters(), learning_rate=0.01)

        def step(x, y):
            loss = nn.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        step = compiled(step)
        return [step(x.astype(np.float32), y).item() for _ in range(20)]

    np.testing.assert_allclose(losses(lambda f: ad.compile(f, backend="native")), losses(lambda f: f), rtol=1e-5)
