"""A program that trains on several devices, for tests/test_compile_mesh.py: how many there are is set before JAX loads.

``python -m tests.mesh_worker WHAT FOLDER [PROCESSES NUMBER PORT]`` writes what it finds into the folder.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

import autodiff as ad
import nn
import optim
from benchmarks.workloads import task

STEPS = 50


def network(name, dtype):
    """W3 or W5 with dropout and batch normalisation."""
    options = {"dtype": dtype}
    if name == "W3":
        first = [nn.Linear(64, 64, **options), nn.BatchNorm1d(64, **options), nn.ReLU()]
        return nn.Sequential(*first, nn.Dropout(0.2), nn.Linear(64, 10, **options))
    images = [nn.Conv2d(1, 6, 5, **options), nn.BatchNorm2d(6, **options), nn.ReLU(), nn.MaxPool2d(2)]
    images += [nn.Conv2d(6, 16, 5, **options), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
    classes = [nn.Linear(256, 120, **options), nn.BatchNorm1d(120, **options), nn.ReLU(), nn.Dropout(0.2)]
    classes += [nn.Linear(120, 84, **options), nn.ReLU(), nn.Linear(84, 10, **options)]
    return nn.Sequential(*images, *classes)


def split(name, groups):
    """Options that split two layers over the axis "model": the first by columns, the second by rows."""
    import jax
    from jax.sharding import PartitionSpec as P

    first, second = {"W3": ("0.weight", "4.weight"), "W5": ("8.weight", "12.weight")}[name]
    mesh = jax.make_mesh((groups, 2), ("data", "model"), axis_types=(jax.sharding.AxisType.Auto,) * 2)
    return {"mesh": mesh, "shardings": {first: P(None, "model"), second: P("model")}}


def compiled(model, optimizer, **options):
    """The training step, for JAX."""

    def step(x, y):
        loss = nn.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return ad.compile(step, backend="jax", **options)


def trained(name, dtype, part=slice(None), **options):
    """The losses and the state after 50 steps, and the bytes on one device."""
    nn.manual_seed(0)
    given = task(name)
    model = network(name, dtype)
    optimizer = optim.Adam(model.parameters(), 1e-3)

    fast = compiled(model, optimizer, **options)
    x, y = given.inputs.astype(dtype)[part], given.targets[part]
    losses = [float(fast(x, y).data) for _ in range(STEPS)]
    size = fast.report(x, y).device_bytes if part == slice(None) else None
    return losses, {**model.state_dict(), **optimizer.state_dict()}, size


def distance(state, other):
    """The largest difference between two states."""
    assert state.keys() == other.keys()
    return max(float(np.abs(np.asarray(state[key]) - other[key]).max()) for key in state)


def devices(folder, name):
    """One process with four devices."""
    found = {}
    losses, state, size = trained(name, np.float64)
    np.savez(folder / f"{name}.npz", **state)
    for way, options in {"whole": {"mesh": 4}, "split": split(name, 2)}.items():
        others, other, share = trained(name, np.float64, **options)
        found[way] = [float(np.abs(np.subtract(losses, others)).max()), distance(state, other)]
        found[f"{way} bytes"] = [size, share]
    narrow = [trained(name, np.float32, **options)[0] for options in ({}, {"mesh": 4})]
    found["float32"] = np.abs(np.subtract(*narrow)).tolist()
    found |= refused()
    (folder / f"{name}.json").write_text(json.dumps(found))


def refused():
    """The errors about a batch and about a parameter that do not divide, and whether they changed nothing."""
    from jax.sharding import PartitionSpec as P

    w = ad.tensor(np.ones(3), requires_grad=True, name="w")
    optimizer = optim.Adam([w], 0.1)
    found = {}
    for what, rows, options in [("batch", 30, {}), ("parameter", 32, {"shardings": {"w": P("data")}})]:
        fast = ad.compile(lambda x: optimizer.step(lambda: (x * w).mean()), backend="jax", mesh=4, **options)
        try:
            fast(np.ones((rows, 3)))
        except (ad.ShapeError, ad.CompileError) as error:
            found[what] = str(error)
        found[f"{what} changed"] = not ((w.data == 1.0).all() and w.grad is None)
    return found


def processes(folder, count, number):
    """Two processes of two devices, each of which feeds half of the batch."""
    rows = slice(16 * number, 16 * number + 16)
    for name, options in {"W3": {"mesh": 4}, "W5": split("W5", count)}.items():
        _, state, _ = trained(name, np.float64, rows, **options)
        np.savez(folder / f"{name}-{number}.npz", **state)
    try:
        fast = ad.compile(lambda x: x * 2, backend="jax", mesh=4)
        fast(np.ones((2 + 2 * number, 3)))
    except ad.ShapeError as error:
        (folder / f"uneven-{number}.txt").write_text(str(error))


def fitted(x, y, **options):
    """`nn.fit` on W3: the history and the weights."""
    nn.manual_seed(0)
    model = network("W3", np.float64)
    method = optim.Adam(model.parameters(), 1e-3)
    options |= {"epochs": 4, "shuffle": False, "metrics": {"accuracy": nn.accuracy}, "progress": False}
    history = nn.fit(model, method, nn.cross_entropy, (x, y), **options)
    return {**history, **model.state_dict()}


def fitting(folder, number):
    """`nn.fit` with half of the data."""
    given, rows = task("W3"), slice(16 * number, 16 * number + 16)
    x, y = given.inputs.astype(np.float64)[rows], given.targets[rows]
    np.savez(folder / f"fit-{number}.npz", **fitted(x, y, batch_size=8, compile="jax", mesh=4))


def dying(folder, number):
    """Process 1 ends in the middle of a step; process 0 has saved a checkpoint after every step."""
    nn.manual_seed(0)
    model = network("W3", np.float64)
    optimizer = optim.Adam(model.parameters(), 1e-3)

    fast = compiled(model, optimizer, mesh=4)
    given = task("W3")
    rows = slice(16 * number, 16 * number + 16)
    for k in range(1000):
        if k == 6 and number == 1:
            os._exit(3)
        fast(given.inputs.astype(np.float64)[rows], given.targets[rows])
        if number == 0:
            nn.save_checkpoint(folder / "last.npz", model, optimizer)


def main(what, folder, count=1, number=0, port=0):
    """Run one of the above."""
    folder, count, number = Path(folder), int(count), int(number)
    if count > 1:
        import jax

        jax.distributed.initialize(f"127.0.0.1:{port}", count, number, heartbeat_timeout_seconds=15)
    if what in ("W3", "W5"):
        devices(folder, what)
    elif what == "processes":
        processes(folder, count, number)
        fitting(folder, number)
    else:
        dying(folder, number)


if __name__ == "__main__":
    main(*sys.argv[1:])
