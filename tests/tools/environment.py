"""A virtual environment with this project installed in it, made anew when it no longer fits.

usage: python tests/tools/environment.py FOLDER [--extras dev,demos] [--also PACKAGE ...]

`uv` is used where it is on PATH, venv and pip where not. What the environment was made from (the interpreter, the
text of pyproject.toml, where the checkout lies) is noted inside it; nothing is done when that still holds.
Standard library only, so that any Python from 3.11 on can run it.
"""

import argparse
import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

if sys.version_info < (3, 11):
    sys.exit(f"Python 3.11 or newer is needed; {sys.executable} is {sys.version.split()[0]}.")

ROOT = Path(__file__).resolve().parents[2]
NOTE = "wengert.json"


def interpreter(folder: Path) -> Path:
    """Path of the interpreter of the environment in `folder`."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


@functools.cache
def uv() -> str | None:
    """Path of a `uv` that runs (a shim of pyenv may be there and not run), else None."""
    path = shutil.which("uv")
    if path and subprocess.run([path, "--version"], capture_output=True).returncode == 0:
        return path
    return None


def run(command: list[str | Path]) -> None:
    """Run `command` silently; if it fails, show all it said and leave."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"{done.stdout}\nfailed ({done.returncode}): {' '.join(map(str, command))}")


def create(folder: Path, python: str) -> None:
    """Make an empty environment in `folder` on the interpreter `python`; one that was there is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    if tool := uv():
        run([tool, "venv", "--quiet", "--python", python, folder])
        return
    probe = subprocess.run([python, "-c", "import ensurepip, venv"], capture_output=True)
    if probe.returncode:
        sys.exit(f"{python} cannot make environments: it lacks venv or ensurepip (Debian: apt install python3-venv).")
    run([python, "-m", "venv", folder])


def install(folder: Path, *what: str, editable: bool = False, constraints: Path | None = None) -> None:
    """Install the requirements `what` into the environment in `folder`."""
    python = interpreter(folder)
    tool = uv()
    command: list[str | Path] = (
        [tool, "pip", "install", "--python", python] if tool else [python, "-m", "pip", "install", "--no-input"]
    )
    if constraints:
        command += ["--constraint", constraints]
    run([*command, *(["--editable"] if editable else []), *what])


def ensure(folder: Path, extras: set[str], *, python: str | None = None, numpy: str | None = None) -> Path:
    """Bring the environment in `folder` up to date and return its interpreter.

    `python` is the interpreter to build on (default: the running one), `numpy` an exact version to hold NumPy to.
    """
    python = python or getattr(sys, "_base_executable", sys.executable)
    ask = [python, "-c", "import sys; print(sys.base_prefix, sys.version)"]
    wanted = {
        "python": subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip(),
        "pyproject": hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest(),
        "root": str(ROOT),
        "numpy": numpy,
    }
    note = folder / NOTE
    try:
        found = json.loads(note.read_text())
        have = set(found.pop("extras"))
    except (OSError, ValueError, KeyError):
        found, have = None, set()
    fresh = found != wanted or not interpreter(folder).exists()
    if not fresh and extras <= have:
        return interpreter(folder)

    name = os.path.relpath(folder, ROOT)
    print(f"{name}: installing wengert[{','.join(sorted(extras))}] with {'uv' if uv() else 'pip'} ...", flush=True)
    note.unlink(missing_ok=True)
    if fresh:
        create(folder, python)
        have = set()
    constraints = None
    if numpy:
        constraints = folder / "constraints.txt"
        constraints.write_text(f"numpy=={numpy}\n")
    install(folder, f"{ROOT}[{','.join(sorted(extras))}]", editable=True, constraints=constraints)
    note.write_text(json.dumps({**wanted, "extras": sorted(have | extras)}, indent=1) + "\n")
    return interpreter(folder)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Make or refresh a virtual environment with this project in it.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--extras", default="dev", help="comma-separated (default: dev)")
    parser.add_argument("--also", nargs="*", default=[], help="further packages, not the project's")
    options = parser.parse_args()
    folder = options.folder.resolve()
    ensure(folder, set(options.extras.split(",")))
    if options.also:
        install(folder, *options.also)


if __name__ == "__main__":
    main()
