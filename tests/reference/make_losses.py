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
    """For every case, in double precision: the value, the gradient of its sum by the first argument, and that argument
    after twenty steps of descent."""
    import torch

    from tests.reference.loss_cases import CASES, RATE, STEPS, name_of

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
            pair = [y.detach().numpy().tolist(), tensors[0].grad.numpy().tolist()]
            optimizer = torch.optim.SGD(tensors[:1], lr=RATE)
            for _ in range(STEPS):
                optimizer.zero_grad()
                getattr(torch.nn.functional, theirs)(*tensors, **translated).sum().backward()
                optimizer.step()
        found[name_of(case)] = [*pair, tensors[0].detach().numpy().tolist()]
    return {"torch": torch.__version__, "cases": found}


if __name__ == "__main__":
    made = run_all()
    lines = [f"{json.dumps(name)}: {json.dumps(pair)}" for name, pair in made["cases"].items()]
    print(f'{{"torch": {json.dumps(made["torch"])}, "cases": {{\n' + ",\n".join(lines) + "\n}}")
