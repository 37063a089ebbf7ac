"""Runs torch's optimisers on the problem and prints every parameter after every step, as JSON.

python tests/reference/make_optimizers.py > tests/reference/optimizers.json
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def run_all():
    """Name of the run -> parameter -> its values after each step, flat (complex ones as pairs)."""
    import torch

    from tests.reference import problem

    def run(kind, options, start, loss, *, scheduled=False, skipping=False):
        params = {}
        for name, value in start.items():
            value = torch.tensor(value, dtype=torch.float64)
            params[name] = (torch.view_as_complex(value) if name == "z" else value).clone().requires_grad_()
        given, rest = problem.grouped(params, options)
        optimizer = getattr(torch.optim, kind)(given, **rest)
        initial = optimizer.param_groups[0]["lr"]
        history = {name: [] for name in params}
        for step in range(problem.STEPS):
            if scheduled:
                for group in optimizer.param_groups:
                    group["lr"] = problem.rate(initial, step)
            optimizer.zero_grad(set_to_none=True)
            loss(**params).backward()
            for name, p in params.items():
                if skipping and not problem.has_gradient(name, step):
                    p.grad = None
            optimizer.step()
            for name, p in params.items():
                value = p.detach()
                value = torch.view_as_real(value) if name == "z" else value
                history[name].append(value.reshape(-1).tolist())
        return history

    results = {}
    for name, (_, _, kind, options) in problem.RUNS.items():
        results[name] = run(kind, options, problem.START, problem.real_loss)
        results[f"{name}, scheduled"] = run(kind, options, problem.START, problem.real_loss, scheduled=True)
        results[f"{name}, skipping"] = run(kind, options, problem.START, problem.real_loss, skipping=True)
        results[f"{name}, complex"] = run(kind, options, problem.START_COMPLEX, problem.complex_loss)
    return {"torch": torch.__version__, "runs": results}


if __name__ == "__main__":
    made = run_all()
    lines = [
        f"{json.dumps(name)}: {{\n"
        + ",\n".join(
            f"  {json.dumps(p)}: {json.dumps([steps[i] for i in (0, 1, 4, 9, 19)])}" for p, steps in run.items()
        )
        + "\n}"
        for name, run in made["runs"].items()
    ]
    print(
        f'{{"torch": {json.dumps(made["torch"])}, "steps": [0, 1, 4, 9, 19], "runs": {{\n' + ",\n".join(lines) + "\n}}"
    )
