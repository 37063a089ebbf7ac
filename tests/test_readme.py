"""What the README quotes is what the code prints."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_derivation_is_the_one_that_is_generated():
    spec = importlib.util.spec_from_file_location("derivation", ROOT / "docs" / "tools" / "derivation.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert tool.with_texts(readme) == readme, "run python docs/tools/derivation.py"
    assert "ct_relu_3 = ct_linear_4 @ weight_4.T" in readme
