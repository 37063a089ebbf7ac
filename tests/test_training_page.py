"""The page docs/training.md is a program: it runs, it learns, and killed at any moment it goes on bit for bit."""

import contextlib
import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nn
from tests import pages

PAGE = Path(__file__).resolve().parents[1] / "docs" / "training.md"
TEXT = PAGE.read_text(encoding="utf-8")
CODE = [block.code for block in pages.blocks(TEXT, "python")]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The names that the page leaves, the lines it prints, and its folder."""
    folder, told = tmp_path_factory.mktemp("training"), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(told):
        names = pages.run_page(TEXT, {}, PAGE)
    return names, told.getvalue().splitlines(), folder


def test_the_program_learns_and_leaves_its_files(run):
    names, told, folder = run
    history, counts = names["history"], names["counts"]
    assert np.trace(counts) / counts.sum() > 0.8
    assert history["loss"][-1] < 0.5 * history["loss"][0] and 1 < history.best_epoch <= history.epochs
    assert names["table"].names[:2] == ["size", "size is missing"] and "heating=missing" in names["table"].names
    assert names["table"].classes == ["high", "low", "middle"]
    sizes = names["x"][names["x"][:, 1] == 0, 0]
    assert len(names["x"]) == 384 and abs(sizes.mean()) < 1e-6  # the means are those of the training rows alone
    files = {file.name for file in folder.iterdir()}
    assert {"flats.csv", "flats.npz", "history.png", "confusion.png", "model.npz"} <= files
    assert sum(line.endswith("  best") for line in told) == 1 and told[-1].startswith("epoch 2: 12 batches")
    assert told[-4] in ("['high']", "['middle']")


def test_the_loaded_model_is_the_saved_one(run):
    names, _, folder = run
    loaded = names["loaded"]
    twin = names["Net"](names["table"].encoder).eval()
    twin.load_state_dict(nn.load(folder / "model.npz"))
    rows = {"size": [30.0, None], "district": ["Lend", "Geidorf"], "heating": ["NA", "oil"], "balcony": [True, False]}
    assert loaded.answers(rows) == twin.answers(rows)
    assert loaded.answers({**rows, "size": [25.0, 130.0]}) == ["low", "high"]


def test_the_program_is_of_some_sixty_lines():
    assert len([line for line in CODE[1].splitlines() if line.strip()]) <= 60


def test_a_killed_run_goes_on(tmp_path):
    program = CODE[1].replace(
        "    clip_norm=1.0,\n",
        '    clip_norm=1.0,\n    progress=False,\n    callbacks=[lambda *_: print("epoch", flush=True)],\n',
    )
    program += 'print(history["validation_loss"].tolist())\n'
    env = {**os.environ, "PYTHONPATH": str(PAGE.parents[1]), "MPLBACKEND": "Agg"}

    def start(folder):
        folder.mkdir(exist_ok=True)
        (folder / "program.py").write_text(f"{CODE[0]}\n{program}", encoding="utf-8")
        return subprocess.Popen(
            [sys.executable, "program.py"], cwd=folder, env=env, text=True, stdout=subprocess.PIPE
        )  # fmt: skip

    whole = start(tmp_path / "whole").communicate(timeout=120)[0].splitlines()[-1]
    assert whole.startswith("[0.")
    for lines in (3, 6):
        process = start(tmp_path / "killed")
        for _ in range(lines):
            assert process.stdout.readline() == "epoch\n"
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert start(tmp_path / "killed").communicate(timeout=120)[0].splitlines()[-1] == whole
