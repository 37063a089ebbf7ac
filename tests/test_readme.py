"""What the README quotes is what the code prints."""

import contextlib
import importlib.util
import io
from pathlib import Path

from tests import pages

ROOT = Path(__file__).resolve().parents[1]


def test_the_derivation_is_the_one_that_is_generated():
    spec = importlib.util.spec_from_file_location("derivation", ROOT / "docs" / "tools" / "derivation.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert tool.with_texts(readme) == readme, "run python docs/tools/derivation.py"
    assert "ct_relu_3 = ct_linear_4 @ weight_4.T" in readme


def test_every_example_runs_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # one of them writes a page
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    written = pages.blocks(pages.without(readme, "equations", "program"), "python")
    assert len(written) > 8
    names = {"__name__": "readme"}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        for block in written:
            pages.run(block, names, "README.md")
            if "x_grad" not in names:  # of the first example; `x` is another later
                names["x_grad"] = names["x"].grad
    assert "healthy" in printed.getvalue()  # of the monitor
    assert (tmp_path / "steps.html").stat().st_size > 1000
    # what the comments say
    np, ad = names["np"], names["ad"]
    np.testing.assert_allclose(names["x_grad"], [1.38177329, 0.07700375, -2.82885748], atol=1e-8)
    np.testing.assert_allclose(ad.grad(names["rosenbrock"])(names["p"]), [-215.6, -88.0], atol=1e-12)
    np.testing.assert_allclose(names["pr"].entropy([0.5, 0.25, 0.25], base=2), 1.5)
    np.testing.assert_allclose(names["found"].x, np.ones(2), atol=1e-6)
