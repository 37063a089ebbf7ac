"""Runs torch's schedules and prints the rates and momenta of both groups after every step, as JSON.

python tests/reference/make_schedules.py > tests/reference/schedules.json
"""

import json
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def run_all():
    """Name -> for each step, from 0, the rates of both groups and the momentum."""
    import torch
    from torch.optim import lr_scheduler

    from tests.reference import schedules

    results = {}
    for name, (_, build) in schedules.SCHEDULES.items():
        groups = [{"params": [torch.zeros(1, requires_grad=True)], "lr": rate} for rate in schedules.RATES]
        optimizer = torch.optim.Adam(groups)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            schedule = build(lr_scheduler, optimizer)
            rows = []
            for step in range(schedules.STEPS + 1):
                if step:
                    optimizer.step()
                    values = (schedules.VALUES[step - 1],) if name.startswith("plateau") else ()
                    schedule.step(*values)
                rows.append([*(float(g["lr"]) for g in optimizer.param_groups), optimizer.param_groups[1]["betas"][0]])
        results[name] = rows
    return {"torch": torch.__version__, "runs": results}


if __name__ == "__main__":
    made = run_all()
    lines = [f"{json.dumps(name)}: {json.dumps(rows)}" for name, rows in made["runs"].items()]
    print(f'{{"torch": {json.dumps(made["torch"])}, "runs": {{\n' + ",\n".join(lines) + "\n}}")
