"""Run the suite on every interpreter found, with the oldest NumPy that is promised and with the newest.

usage: python tests/tools/matrix.py [pytest arguments]

Interpreters are searched on PATH and among pyenv's versions. The environments stay in `.matrix/` for the next time.
"""

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

from environment import ROOT, ensure, install, uv

WANTED = ("3.11", "3.12", "3.13")
# pyproject.toml asks for numpy>=2.0; on a younger Python the oldest one can have is the first with wheels for it.
OLDEST = {"3.11": "2.0.2", "3.12": "2.0.2", "3.13": "2.1.0", "3.14": "2.3.2"}


def candidates() -> list[Path]:
    """Files that look like a Python 3 interpreter: pyenv's own first, since its shims on PATH may lead nowhere."""
    folders = [Path(p) for p in os.environ.get("PATH", "").split(os.pathsep) if p]
    pyenv = {Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))}
    pyenv |= {folder.parent for folder in folders if folder.name == "shims"}
    versions = [folder / "bin" for root in pyenv for folder in sorted(root.glob("versions/3.*"))]
    pattern = re.compile(r"python(3(\.\d+)?)?(\.exe)?")
    files = (file for folder in versions + folders if folder.is_dir() for file in sorted(folder.iterdir()))
    return [Path(sys._base_executable), *(file for file in files if pattern.fullmatch(file.name))]


def interpreters() -> dict[str, str]:
    """One interpreter for each minor version from 3.11 on that runs and can make environments."""
    ask = "import sys, venv; print('%d.%d' % sys.version_info[:2], getattr(sys, '_base_executable', sys.executable))"
    if not uv():
        ask = "import ensurepip; " + ask
    found: dict[str, str] = {}
    for file in candidates():
        try:
            answer = subprocess.run([file, "-c", ask], capture_output=True, text=True, timeout=30)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if answer.returncode == 0:
            version, path = answer.stdout.strip().split(" ", 1)
            if int(version.partition(".")[2]) >= 11:
                found.setdefault(version, path)
    return dict(sorted(found.items(), key=lambda item: int(item[0].partition(".")[2])))


def suite(version: str, python: str, numpy: str | None, arguments: list[str]) -> tuple[str, str, bool]:
    """Run the suite once; returns NumPy's version, pytest's closing line and whether all passed."""
    folder = ROOT / ".matrix" / f"python{version}-numpy{numpy or '-newest'}"
    own = ensure(folder, {"dev"}, python=python, numpy=numpy)
    if not numpy:
        install(folder, "--upgrade", "numpy")
    shown = subprocess.run([own, "-c", "import numpy; print(numpy.__version__)"], capture_output=True, text=True)
    command = [own, "-m", "pytest", "-q", "-n", "2", "--dist", "worksteal", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        print(done.stdout)
    return shown.stdout.strip(), (done.stdout.strip().splitlines() or ["no output"])[-1], done.returncode == 0


def main() -> int:
    """Run from the command line."""
    found = interpreters()
    for version in sorted({*WANTED, *found}, key=lambda v: int(v.partition(".")[2])):
        print(f"Python {version}: {found.get(version, 'not found')}")
    rows = []
    for (version, python), newest in itertools.product(found.items(), (False, True)):
        oldest = OLDEST.get(version)
        if newest or oldest:
            rows.append((version, *suite(version, python, None if newest else oldest, sys.argv[1:])))
            print("Python {}, NumPy {}: {}".format(*rows[-1]), flush=True)
    bad = sum(not passed for *_, passed in rows)
    print(f"matrix: {len(rows) - bad} of {len(rows)} passed")
    return 1 if bad or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
