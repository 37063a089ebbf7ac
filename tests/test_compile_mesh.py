"""A compiled step on many devices, and on many processes, gives what it gives on one; what does not fit is refused.

JAX makes devices of one CPU if it is told before it loads, so the steps run in processes of their own.
"""

import functools
import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
import nn
import optim
from benchmarks.workloads import task
from tests import mesh_worker
from tests.test_compile_jax import needs_jax

pytestmark = needs_jax
ROOT = Path(__file__).parent.parent


def start(devices, *arguments):
    """Start the worker with so many devices."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
        "JAX_PLATFORMS": "cpu",
    }
    command = [sys.executable, "-m", "tests.mesh_worker", *map(str, arguments)]
    return subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def ended(worker, seconds):
    """Wait for a worker; its text."""
    try:
        return worker.communicate(timeout=seconds)[0]
    finally:
        worker.kill()


def both(what, folder, seconds):
    """Run two processes with two devices each; their texts and exit codes, and how long the second waited."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    workers = [start(2, what, folder, 2, number, port) for number in (0, 1)]
    texts = [ended(worker, seconds) for worker in reversed(workers)][::-1]
    return workers, texts


FOUR = ["W3", pytest.param("W5", marks=pytest.mark.ci)]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A function: what one process with four devices finds about a workload, and the file with the weights."""
    folder = tmp_path_factory.mktemp("devices")

    @functools.cache
    def found(name):
        worker = start(4, name, folder)
        text = ended(worker, 300)
        assert worker.returncode == 0, text
        return json.loads((folder / f"{name}.json").read_text()), folder / f"{name}.npz"

    return found


@pytest.mark.parametrize("way", ["whole", "split"])
@pytest.mark.parametrize("name", FOUR)
def test_four_devices_train_as_one_does(alone, name, way):
    losses, state = alone(name)[0][way]
    assert losses < 1e-10 and state < 1e-8


@pytest.mark.parametrize(("name", "steps"), [("W3", 50), pytest.param("W5", 20, marks=pytest.mark.ci)])
def test_in_float32_the_losses_agree(alone, name, steps):
    """Not the weights: a bias before a BatchNorm has a gradient of rounding only, which Adam blows up.

    Of W5 only 20 steps: between the steps 20 and 30 a rounding makes the one device, and eager NumPy in float32,
    choose the other of two nearly equal entries, and they leave the losses of float64 by 4e-4; four devices do not.
    """
    assert max(alone(name)[0]["float32"][:steps]) < 1e-5


@pytest.mark.parametrize(
    ("name", "split"),
    [("W3", 64 * 64 + 64 * 10), pytest.param("W5", 256 * 120 + 120 * 84, marks=pytest.mark.ci)],
)
def test_the_share_of_one_device_falls_for_split_parameters(alone, name, split):
    found = alone(name)[0]
    one, whole = found["whole bytes"]
    _, share = found["split bytes"]
    assert whole == one
    assert share == one - 3 * 8 * split // 2  # weight and two moments of Adam, halved by the two devices of "model"


def test_the_program_of_the_page_prints_what_stands_there(tmp_path):
    text = (ROOT / "docs" / "howto" / "many-devices.md").read_text(encoding="utf-8")
    program, shown = (re.search(rf"^```{kind}\n(.*?)^```", text, re.S | re.M)[1] for kind in ("py", "text"))
    (tmp_path / "program.py").write_text(program)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, str(tmp_path / "program.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert done.stdout == shown, done.stderr


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """What two processes with two devices each leave in a folder."""
    folder = tmp_path_factory.mktemp("processes")
    workers, texts = both("processes", folder, 300)
    assert [worker.returncode for worker in workers] == [0, 0], "\n".join(texts)
    return folder


@pytest.mark.ci
@pytest.mark.parametrize("name", ["W3", "W5"])
def test_two_processes_train_as_one_device_does(alone, two, name):
    """W3 with whole parameters, W5 with split ones; each process feeds half of every batch."""
    with np.load(alone(name)[1]) as expected:
        for number in (0, 1):
            with np.load(two / f"{name}-{number}.npz") as found:
                assert mesh_worker.distance(expected, found) < 1e-8


@pytest.mark.ci
def test_fit_on_two_processes_gives_the_history_of_the_whole_batches(two):
    given = task("W3")
    order = np.r_[0:8, 16:24, 8:16, 24:32]  # the rows that the two processes feed together
    expected = mesh_worker.fitted(given.inputs.astype(np.float64)[order], given.targets[order], batch_size=16)
    for number in (0, 1):
        with np.load(two / f"fit-{number}.npz") as found:
            assert mesh_worker.distance(expected, found) < 1e-8


@pytest.mark.ci
def test_processes_that_feed_different_numbers_of_rows_are_told(two):
    for number in (0, 1):
        text = (two / f"uneven-{number}.txt").read_text()
        assert "different shapes, [[2, 3], [4, 3]]" in text and "same number of rows" in text


@pytest.mark.ci
def test_when_a_process_dies_the_other_ends_with_an_error_and_its_checkpoint_is_whole(tmp_path):
    began = time.monotonic()
    workers, texts = both("dying", tmp_path, 90)
    assert workers[1].returncode == 3, texts[1]
    assert workers[0].returncode not in (0, None), texts[0]
    assert "died" in texts[0] or "another process has ended" in texts[0]
    assert time.monotonic() - began < 90  # the start, 15 seconds without a heartbeat, and the end
    model = mesh_worker.network("W3", np.float64)
    optimizer = optim.Adam(model.parameters(), 1e-3)
    nn.load_checkpoint(tmp_path / "last.npz", model, optimizer)
    assert optimizer.state_dict()["0.step"] == 6
    assert all(np.isfinite(value).all() for value in model.state_dict().values())


# --- what does not fit ------------------------------------------------------------------------------


def one_device(*names):
    """A mesh of one device, with these axes."""
    import jax

    return jax.sharding.Mesh(np.array(jax.devices()[:1]).reshape((1,) * len(names)), names)


def test_options_that_do_not_fit_are_refused_at_once():
    from jax.sharding import PartitionSpec as P

    f = lambda x: x * 2
    for options, told in [
        ({"mesh": 10**6}, r"asks for 1000000 devices; JAX finds \d+.*XLA_FLAGS"),
        ({"mesh": 0}, "or a number of devices; 0 was given"),
        ({"mesh": True}, "or a number of devices; True was given"),
        ({"mesh": one_device("data"), "shardings": {"*": P("model")}}, "'model', which the mesh does not have.*'data'"),
        ({"mesh": one_device("data"), "shardings": {"*": ("data",)}}, "must be a jax.sharding.PartitionSpec"),
        ({"shardings": {"*": P()}}, "give mesh= as well"),
    ]:
        with pytest.raises(ad.CompileError, match=told):
            ad.compile(f, backend="jax", **options)
    with pytest.raises(ad.CompileError, match=r'need backend="jax"; it is .numpy'):
        ad.compile(f, mesh=1)
    model, data = nn.Linear(2, 1), (np.ones((4, 2)), np.ones((4, 1)))
    with pytest.raises(ValueError, match='fit: mesh= and shardings= need compile="jax"; compile=True'):
        nn.fit(model, optim.Adam(model.parameters()), nn.mse_loss, data, compile=True, mesh=1)


def test_a_rule_that_fits_no_parameter_is_told_at_the_first_call():
    from jax.sharding import PartitionSpec as P

    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh())
    options = {"backend": "jax", "mesh": one_device("data", "model")}
    with pytest.raises(ad.CompileError, match=r"shardings\['\*.wieght'\] fits no parameter.*'0.weight', '0.bias'"):
        ad.compile(lambda x: model(x), shardings={"*.wieght": P("model")}, **options)(np.ones((2, 3), "f"))
    with pytest.raises(ad.CompileError, match=r"does not fit '0.bias': its shape is \(4,\)"):
        ad.compile(lambda x: model(x), shardings={"*.bias": P("data", "model")}, **options)(np.ones((2, 3), "f"))


def test_a_rule_fits_a_frozen_parameter_too():
    """As the large part of a network that is fine-tuned; a frozen Tensor has no name of its own."""
    from jax.sharding import PartitionSpec as P

    model = nn.Sequential(nn.Linear(3, 4, rng=np.random.default_rng(0)), nn.Tanh())
    x = np.ones((2, 3), "f")
    expected = model(x).data
    model[0].weight.requires_grad_(False)
    options = {"backend": "jax", "mesh": one_device("data", "model")}
    compiled = ad.compile(lambda x: model(x), shardings={"0.weight": P(None, "model")}, **options)
    for _ in range(2):
        np.testing.assert_allclose(compiled(x).data, expected, rtol=1e-6)
    with pytest.raises(ad.CompileError, match=r"does not fit '0.weight': its shape is \(3, 4\)"):
        ad.compile(lambda x: model(x), shardings={"0.w*": P("data", "model", None)}, **options)(x)


def test_what_does_not_divide_is_told_and_changes_nothing(alone):
    found, _ = alone("W3")
    assert "the argument 'x' has 30 rows, its shape is (30, 3)" in found["batch"]
    assert "the 4 parts along the axis 'data'" in found["batch"] and "28 or 32 rows" in found["batch"]
    assert "does not fit 'w': its shape is (3,), and the rule splits its axes into (4,) parts" in found["parameter"]
    assert not found["batch changed"] and not found["parameter changed"]


def test_a_mesh_of_one_device_and_a_function_without_one_share_parameters():
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4, dtype=np.float64), nn.Tanh())
    twin = nn.Sequential(nn.Linear(3, 4, dtype=np.float64), nn.Tanh())
    twin.load_state_dict(model.state_dict())
    sides = []
    for net in (model, twin):
        optimizer = optim.Adam(net.parameters(), 0.1)
        sides.append(lambda x, net=net, optimizer=optimizer: optimizer.step(lambda: (net(x) ** 2).mean()))
    x = np.random.default_rng(0).normal(size=(4, 3))
    spread = ad.compile(sides[0], backend="jax", mesh=one_device("data"))
    plain = ad.compile(sides[0], backend="jax")
    for k in range(12):
        np.testing.assert_allclose((spread, plain)[k % 3 == 0](x).data, sides[1](x).data, rtol=1e-10)
    for key, value in twin.state_dict().items():
        np.testing.assert_allclose(model.state_dict()[key], value, rtol=1e-10)
