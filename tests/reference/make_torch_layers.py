"""Trains torch's layers and writes where every parameter, buffer, input and output ends after twenty steps, as JSON.

python tests/reference/make_torch_layers.py > tests/reference/layers.json
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def run(name):
    """Name of what is compared -> its values, in our layout."""
    import torch

    from tests.reference import layers

    case = layers.RUNS[name]
    layer = case.theirs(torch)
    turned = (lambda _, value: value) if layers.is_no_matrix(name) else layers.turned
    ours = {theirs: ours for ours, theirs in case.names.items()}
    parameters = {ours.get(n, n): p for n, p in layer.named_parameters()}
    for n, p in parameters.items():
        shape = turned(n, p.detach().numpy()).shape
        with torch.no_grad():
            p.copy_(torch.tensor(np.array(turned(n, layers.first_value(name, n, shape)))))
    trained = list(parameters.values())
    if case.numbers is None:
        x = torch.tensor(layers.first_input(name), requires_grad=True)
        trained.append(x)
    else:
        x = torch.tensor(case.numbers)
    call = case.call_theirs or (lambda layer, x: layer(x))
    optimizer = torch.optim.SGD(trained, lr=layers.RATE)
    loss = None
    for _ in range(layers.STEPS):
        outputs = layers.flat_outputs(call(layer, x))
        loss = sum(((y - torch.tensor(layers.target(name, i, y.shape))) ** 2).mean() for i, y in enumerate(outputs))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    ends = {n: turned(n, p.detach().numpy()) for n, p in parameters.items()}
    ends |= {ours.get(n, n): b.numpy() for n, b in layer.named_buffers()}
    ends |= {"loss": loss.detach().numpy()}
    if case.numbers is None:
        ends["input"] = x.detach().numpy()
    layer.eval()
    with torch.no_grad():
        ends |= {f"output {i}": y.numpy() for i, y in enumerate(layers.flat_outputs(call(layer, x)))}
    return {n: np.asarray(v) for n, v in ends.items()}


def run_all():
    """Name of the run -> what `run` gives."""
    from tests.reference import layers

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch remarks that it pads by a copy
        return {name: run(name) for name in layers.RUNS}


def written(values):
    """Twelve digits of each: what is compared are nine."""
    return json.dumps([float(f"{v:.12g}") for v in values.reshape(-1).tolist()])


if __name__ == "__main__":
    import torch

    print(f'{{"torch": {json.dumps(torch.__version__)}, "runs": {{')
    runs = []
    for name, ends in run_all().items():
        values = ",\n".join(f"  {json.dumps(n)}: {written(v)}" for n, v in ends.items())
        runs.append(f"{json.dumps(name)}: {{\n{values}\n}}")
    print(",\n".join(runs) + "\n}}")
