"""Runs torch's losses on the cases of loss_cases.py and prints values and gradients as JSON.

python tests/reference/make_losses.py > tests/reference/losses.json
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def run_all():
    """For every case the value and the gradient of its sum by the first argument, in double precision."""
    import torch

    from tests.reference.loss_cases import CASES, name_of

    found = {}
    for case in CASES:
        _, theirs, arguments, options = case
        tensors = [torch.tensor(a) for a in arguments]
        tensors[0].requires_grad_(True)
        translated = {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "mean" of kl_div, which torch advises against and we follow
            y = getattr(torch.nn.functional, theirs)(*tensors, **translated)
        y.sum().backward()
        found[name_of(case)] = [y.detach().numpy().tolist(), tensors[0].grad.numpy().tolist()]
    return {"torch": torch.__version__, "cases": found}


if __name__ == "__main__":
    made = run_all()
    lines = [f"{json.dumps(name)}: {json.dumps(pair)}" for name, pair in made["cases"].items()]
    print(f'{{"torch": {json.dumps(made["torch"])}, "cases": {{\n' + ",\n".join(lines) + "\n}}")
