"""A newcomer's path: a clone in an empty folder, then every command and every program of the README, in its order.

Its times are printed and recorded (`-rP`, `--junitxml`), not judged. Nothing is downloaded: the clone gets an
environment that borrows the packages of this one.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
import tomllib
import urllib.request
import venv
from pathlib import Path

import pytest

from tests import pages

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
QUICKSTARTS = ("numpy", "pytorch", "jax", "micrograd")
pytestmark = pytest.mark.ci

SHELL = ("make", "python", "pip", "pytest")

ELSEWHERE = {
    "make test": "what `.ci/run` executes: this run is a part of it",
    "python -m pytest": "the same tests",
    "python -m venv .venv": "the clone's environment is made so, by `venv.create`",
    'python -m pip install -e ".[dev]"': "it downloads; `.ci/run` begins with it",
    "pip install optim": "what the README warns of",
    "make docs": "tests/test_manual.py builds the manual with the same command",
    "make bench": "it measures for minutes; `python -m benchmarks --list`, which measures nothing, runs here",
    "pytest --gradcheck-profile=deep": "tests/test_plugin.py runs it",
}
"""Commands of the README that are not executed here, each with its reason."""


def commands(text):
    """The commands of a page in its order: lines of shell blocks, and those in a sentence."""
    found = []
    for match in re.finditer(
        r"^```sh\n(.*?)^```|`([^`\n]+)`", pages.without(text, "equations", "program"), re.S | re.M
    ):
        for line in (match[1] or match[2]).splitlines():
            command = line.split("  #")[0].strip().replace(r".venv\Scripts\python", "python")
            if re.fullmatch(rf"({'|'.join(SHELL)}) [\w.-].*", command) and command not in found:
                found.append(command)
    return found


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone of what is in this working tree, with an environment whose packages are those of this one."""
    if not (ROOT / ".git").exists() or not all(map(shutil.which, ("git", "make"))):
        pytest.skip("the path begins with a clone and make")
    folder = tmp_path_factory.mktemp("newcomer") / "wengert"
    begun = time.perf_counter()
    git("clone", "--quiet", str(ROOT), str(folder), cwd=folder.parent)
    TIMES["git clone"] = time.perf_counter() - begun
    listed = git("ls-files", "-z", "--modified", "--others", "--exclude-standard", cwd=ROOT)
    for name in filter(None, listed.split("\0")):  # what is not committed yet
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
        elif not (ROOT / name).exists():
            (folder / name).unlink(missing_ok=True)
    environment(folder)
    return folder


def git(*arguments, cwd):
    """What git says."""
    return subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True, check=True).stdout


def environment(clone):
    """Make `.venv` as `make` would, but borrow what it would download."""
    venv.create(clone / ".venv", symlinks=os.name != "nt")
    places = sysconfig.get_paths("venv", vars={"base": str(clone / ".venv"), "platbase": str(clone / ".venv")})
    borrowed = [str(clone), *(path for path in sys.path if Path(path).name in ("site-packages", "dist-packages"))]
    (Path(places["purelib"]) / "borrowed.pth").write_text("\n".join(borrowed), encoding="utf-8")
    if renderer := shutil.which("graphviz-pure", path=os.path.dirname(sys.executable)):
        shutil.copy(renderer, places["scripts"])
    python = getattr(sys, "_base_executable", sys.executable)
    ask = [python, "-c", "import sys; print(sys.base_prefix, sys.version)"]
    note = {
        "python": subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip(),
        "pyproject": hashlib.sha256((clone / "pyproject.toml").read_bytes()).hexdigest(),
        "root": str(clone),
        "numpy": None,
        "extras": ["demos", "dev", "docs", "explorer"],
    }
    (clone / ".venv" / "wengert.json").write_text(json.dumps(note), encoding="utf-8")


TIMES: dict[str, float] = {}
"""How long each step took, in seconds."""


def run(command, clone, **options):
    """Run a command of a page in the clone, and note how long it takes; what it prints."""
    words = [word.strip('"') for word in command.split()]
    python = getattr(sys, "_base_executable", sys.executable)
    if words[0] == "python":
        words[0] = str(clone / ".venv" / ("Scripts/python" if os.name == "nt" else "bin/python"))
    if words[0] == "make":
        words.append(f"PYTHON={python}")
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHONPATH", "COV"))}
    begun = time.perf_counter()
    done = subprocess.run(
        words,
        cwd=clone,
        env={**own, "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        timeout=300,
        **options,
    )
    TIMES[command] = time.perf_counter() - begun
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout


def test_every_command_of_the_readme_runs_or_has_its_place(clone, record_property):
    found = commands(README)
    assert {"make demo", "make explorer", "python -m demos course"} <= set(found)
    assert set(ELSEWHERE) <= set(found), "a reason for a command that the README no longer has"
    for command in found:
        if command.startswith("pip install"):
            check_extra(command)
        elif "explorer" in command:
            start_the_explorer(command, clone)
        elif command not in ELSEWHERE:
            said = run(command, clone)
            assert said.strip(), command
            if command == "make demo":
                check_what_the_readme_shows(said, clone)
    assert run("python -m benchmarks --list", clone).strip()
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8").replace("--no-print-directory ", "")
    report(record_property)


def check_extra(command):
    """An extra that the README names exists; `make test-install` installs the package itself."""
    known = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert set(re.findall(r"\[(\w+)\]", command)) <= known.keys(), command


def check_what_the_readme_shows(said, clone):
    """Lines without times and measurements, word for word; the files that they name."""
    assert "installing" not in said, "the environment that this test makes is not the one that make wants"
    block = re.search(r"^## What `make demo` shows\n\n```\n(.*?)^```", README, re.S | re.M)[1]
    for line in block.splitlines():
        if line.startswith(("1438", "wrote", "test accuracy", "gradient check")):
            assert line in said
    assert all((clone / name).stat().st_size for name in re.findall(r"wrote (\S+)", said))


def start_the_explorer(command, clone):
    """Start it, load its page, and stop it; its address is the last word of what it says."""
    pytest.importorskip("starlette", reason="starlette is not installed: pip install -e .[explorer]")
    python = clone / ".venv" / ("Scripts/python" if os.name == "nt" else "bin/python")
    words = [str(python), "-m", "demos", "explorer"]
    if command.startswith("make"):
        shown = subprocess.run(["make", "-n", "explorer"], cwd=clone, capture_output=True, text=True, check=True).stdout
        assert "-m demos explorer" in shown
    begun = time.perf_counter()
    server = subprocess.Popen(
        [*words, "--no-browser", "--port", "0"], cwd=clone, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        address = re.search(r"http\S+", server.stdout.readline()).group()
        assert b"<html" in urllib.request.urlopen(address, timeout=20).read()
        TIMES[command] = time.perf_counter() - begun
    finally:
        server.terminate()
        server.communicate(timeout=20)


DRIVER = """
import contextlib, io, json, sys, time
sys.path[:0] = {paths!r}
import executing
times, begun = [], time.perf_counter()
with contextlib.redirect_stdout(io.StringIO()):
    for block, shown in executing.outputs(open({page!r}, encoding="utf-8").read(), {page!r}):
        times.append((block[2].strip().splitlines()[0], time.perf_counter() - begun))
        begun = time.perf_counter()
print(json.dumps(times))
"""
"""Runs the blocks of a page as the manual does: in order, with one set of names."""


def test_every_program_of_the_readme_and_the_quickstarts_runs(clone, record_property):
    written = clone.parent / "readme.md"
    written.write_text(pages.without(README, "equations", "program"), encoding="utf-8")
    steps = programs(written, clone)
    first_gradient = next(
        i for i, (line, _) in enumerate(steps) if line.startswith("import numpy as np, autodiff as ad")
    )
    first_network = next(i for i, (line, _) in enumerate(steps) if line.startswith("import nn, optim"))
    TIMES["first own gradient"] = steps[first_gradient][1]
    TIMES["from there to the first own network"] = sum(
        seconds for _, seconds in steps[first_gradient + 1 : first_network + 1]
    )
    TIMES["the other programs of the README"] = sum(seconds for _, seconds in steps[first_network + 1 :])
    for page in QUICKSTARTS:
        TIMES[f"docs/start/{page}.md"] = sum(s for _, s in programs(clone / "docs" / "start" / f"{page}.md", clone))
    report(record_property)


def programs(page, clone):
    """The first line of each block of a page, and how long the block took."""
    code = DRIVER.format(paths=[str(clone), str(clone / "docs" / "tools")], page=str(page))
    python = clone / ".venv" / ("Scripts/python" if os.name == "nt" else "bin/python")
    done = subprocess.run([str(python), "-c", code], cwd=clone.parent, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def report(record_property):
    """Print and record the times so far."""
    for step, seconds in TIMES.items():
        record_property(step, round(seconds, 2))
        sys.stdout.write(f"{seconds:8.2f} s  {step}\n")
