"""A network as C that needs nothing else: a step and answers, built and run beside Python.

A small network for the 1,797 UCI digits of 8x8 pixels. ``write_c`` writes the step of Adam and the answers as one C
file, with the parameters as arrays in it. This demo adds the digits and a ``main.c``, builds all of it with the C
compiler of this machine, trains one epoch in C and the same epoch in Python, and compares losses and answers.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np

import autodiff as ad
import nn
import optim
from autodiff.compiler.native import target
from demos import output

BATCH = 32


def make_step() -> tuple[Any, Any]:
    """The training step and the answers, compiled; they share their parameters."""
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = optim.Adam(model.parameters(), 5e-3)

    @ad.compile(backend="native")
    def step(x, y):
        loss = nn.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    @ad.compile(backend="native")
    def answers(x):
        return model(x).detach()

    return step, answers


def main_c(x: np.ndarray, y: np.ndarray, tests: np.ndarray) -> str:
    """A program that trains one epoch and answers the test."""
    pixels = ", ".join(str(int(v)) for v in np.rint(x.ravel() * 16))
    questions = ", ".join(str(int(v)) for v in np.rint(tests.ravel() * 16))
    labels = ", ".join(map(str, y))
    steps, n = len(x) // BATCH, len(tests)
    return f"""#include <stdio.h>
#include "step.h"

static const unsigned char pixels[] = {{{pixels}}};
static const unsigned char questions[] = {{{questions}}};
static const int64_t labels[] = {{{labels}}};
static float x[{BATCH * 64}], z[{n * 64}], logits[{n * 10}];

int main(void)
{{
    float loss = 0;
    for (int i = 0; i < {steps}; i++) {{
        for (int k = 0; k < {BATCH * 64}; k++) x[k] = pixels[{BATCH * 64} * i + k] / 16.0f;
        int code = step(x, labels + {BATCH} * i, &loss);
        if (code) return code;
        printf("%.9g\\n", loss);
    }}
    for (int k = 0; k < {n * 64}; k++) z[k] = questions[k] / 16.0f;
    int code = answers(z, logits);
    if (code) return code;
    for (int i = 0; i < {n}; i++) {{
        int best = 0;
        for (int k = 1; k < 10; k++) if (logits[10 * i + k] > logits[10 * i + best]) best = k;
        printf("%d\\n", best);
    }}
    return 0;
}}
"""


def run(out: Path) -> dict[str, Any]:
    """Write, build and run; returns the losses and answers of both sides, and the sizes in kilobytes."""
    images, digits = nn.data.digits()
    x, tests, y, truth = nn.data.train_test_split(
        images.reshape(len(images), -1), digits, test_size=0.2, stratify=digits, seed=0
    )
    step, answers = make_step()
    steps = len(x) // BATCH
    batches = [(x[i : i + BATCH], y[i : i + BATCH].astype(np.int64)) for i in range(0, steps * BATCH, BATCH)]
    step(*batches[0]), step(*batches[0])  # recorded, and compared: two steps before the epoch
    answers(tests)
    step.write_c(out, *batches[0], answers=answers)
    (out / "main.c").write_text(main_c(x[: steps * BATCH], y[: steps * BATCH], tests), encoding="ascii")
    losses = [step(*batch).item() for batch in batches]
    found = answers(tests).data.argmax(1)
    flags = ["-std=c99", "-Wall", "-Wextra", "-O2"]
    command = [*target.compiler().command, *flags, "step.c", "main.c", "-o", "digits", "-lm"]
    subprocess.run(command, cwd=out, check=True)
    start = time.perf_counter()
    said = subprocess.run([(out / "digits").resolve()], capture_output=True, text=True, check=True).stdout.split()
    seconds = time.perf_counter() - start
    return {
        "losses": (losses, [float(v) for v in said[:steps]]),
        "answers": (found, np.array(said[steps:], int)),
        "truth": truth,
        "seconds": seconds,
        "kilobytes": {name: (out / name).stat().st_size / 1024 for name in ("step.c", "digits")},
        "command": command,
    }


def main(arguments: list[str]) -> float:
    """Run the demo; returns the largest difference of a loss."""
    parser = argparse.ArgumentParser(prog="python -m demos carry", description=__doc__)
    parser.add_argument("--folder", help="folder for the C files (out/carry)")
    out = output.folder("carry", parser.parse_args(arguments).folder)
    found = run(out)
    (losses, in_c), (answers, answers_in_c) = found["losses"], found["answers"]
    largest = float(np.abs(np.array(losses) - in_c).max())
    print(f"built with: {' '.join(map(str, found['command']))}")
    print(f"step.c has {found['kilobytes']['step.c']:.0f} kB, the program {found['kilobytes']['digits']:.0f} kB")
    print(f"in C one epoch of {len(losses)} steps and {len(answers)} answers: {found['seconds'] * 1000:.0f} ms")
    right = (answers_in_c == found["truth"]).mean()
    print(f"answers that differ: {(answers != answers_in_c).sum()}; right after this epoch: {right:.1%}")
    output.wrote(out / name for name in ("step.c", "step.h", "main.c", "digits"))
    print(f"largest difference of a loss from Python's: {largest:.1e}")
    return largest
