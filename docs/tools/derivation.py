"""Writes the training step of a small network, as `autodiff.compile` sees it, into the README.

python docs/tools/derivation.py
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
sys.path.insert(0, str(ROOT))


def texts() -> dict[str, str]:
    """The equations of a step and the program that runs: two dense layers of 16, ReLU, mean square error, descent."""
    import autodiff as ad
    import nn
    import optim

    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = optim.GradientDescent(model.parameters(), learning_rate=0.1)

    def step(x, y):  # type: ignore[no-untyped-def]  # printed as a user writes it
        loss = nn.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    x, y = np.ones((100, 2), np.float32), np.ones((100, 1), np.float32)
    equations = ad.derive(step)(x, y)
    fast = ad.compile(step)
    fast(x, y)
    return {"equations": equations.strip(), "program": fast.source.strip()}


def with_texts(readme: str) -> str:
    """The README with what stands between its markers written anew."""
    for name, text in texts().items():
        block = f"<!-- {name} -->\n```python\n{text}\n```\n<!-- end -->"
        readme, count = re.subn(rf"<!-- {name} -->.*?<!-- end -->", lambda _, block=block: block, readme, flags=re.S)
        if count != 1:
            raise SystemExit(f"README.md has {count} places for the {name}, expected one.")
    return readme


if __name__ == "__main__":
    README.write_text(with_texts(README.read_text(encoding="utf-8")), encoding="utf-8")
