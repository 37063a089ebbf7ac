"""``python -m autodiff`` prints what a bug report needs: versions, what is installed, which programs are found."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

import autodiff
from autodiff.names import packages

EXTRAS = {
    "graphviz-pure": "dot",
    **dict.fromkeys(("starlette", "uvicorn", "websockets", "plotly"), "explorer"),
    "hypothesis": "testing",
    "pytest": "testing",
    "matplotlib": "plot",
    "pillow": "plot",
    "rich": "demos",
    "names": "demos",
    "threadpoolctl": "bench",
    "scipy": "special",
    "safetensors": "safetensors",
    "sympy": "sympy",
    "scikit-learn": "sklearn",
    **dict.fromkeys(("onnx", "onnxruntime"), "onnx"),
    "jax": "jax",
    "ziglang": "native",
}
"""The packages that some feature needs, and the extra that installs each."""


def report() -> list[tuple[str, str]]:
    """The lines of the report: what, and what was found.

    Examples
    --------
    >>> from autodiff.__main__ import report
    >>> [what for what, _ in report()][:4]
    ['wengert', 'packages', 'Python', 'NumPy']
    """
    return list(_lines())


def _lines() -> Iterator[tuple[str, str]]:
    yield "wengert", autodiff.__version__
    found = packages.strangers(load=True)
    folders = dict.fromkeys(_folder(name) for name in packages.PACKAGES)
    together = f"autodiff, nn and optim belong together, in {' and '.join(folders)}"
    yield "packages", packages.complaint(found) if found else together
    yield "Python", f"{platform.python_version()}, {platform.python_implementation()}, {sys.executable}"
    yield "NumPy", f"{np.__version__}, {_blas()}"
    yield "platform", f"{platform.platform()}, {os.cpu_count()} CPUs"
    yield "graphviz", _version("graphviz") or 'missing, though it is required: pip install "graphviz>=0.20"'
    installed = {name: _version(name) for name in EXTRAS}
    yield (
        "installed",
        ", ".join(f"{name} {version}" for name, version in installed.items() if version) or "nothing more",
    )
    missing = [f'{name} (pip install "wengert[{EXTRAS[name]}]")' for name, version in installed.items() if not version]
    yield "not installed", ", ".join(missing) or "nothing"
    yield "renderer", _renderer()
    yield "C compiler", _compiler()


def _folder(name: str) -> str:
    file = getattr(sys.modules.get(name), "__file__", None)
    return os.path.dirname(os.path.dirname(file)) if file else "nowhere"


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _blas() -> str:
    try:
        configuration: Any = np.show_config(mode="dicts")
        found = configuration["Build Dependencies"]["blas"]
        return f"BLAS {found['name']} {found['version']}"
    except (KeyError, TypeError):
        return "BLAS unknown"


def _renderer() -> str:
    """The program that draws graphs, which is the one that pictures will use."""
    try:
        from autodiff.drawing.rendering import find_renderer
    except ImportError as error:
        return f"none can be used: {error}"
    found = find_renderer()
    if found is None:
        return 'none: pip install "wengert[dot]", or install Graphviz'
    return f"{found}, {_said(found, '-V')}"


def _compiler() -> str:
    """The C compiler; nothing needs one today."""
    wished = os.environ.get("CC", "").split()[:1]
    for name in (*wished, "cc", "gcc", "clang", "cl"):
        if found := shutil.which(name):
            return f"{found}, {_said(found, '--version')}"
    return "none (nothing needs one)"


def _said(*command: str) -> str:
    """The first line that a program says of its version."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"which does not run: {error}"
    first = (done.stdout or done.stderr).strip().partition("\n")[0]
    return re.sub(r"\s+", " ", first) or f"which says nothing (exit status {done.returncode})"


def main() -> int:
    """Print the report; the exit status is 1 if the three packages do not belong together."""
    lines = report()
    width = max(len(what) for what, _ in lines)
    for what, found in lines:
        sys.stdout.write(f"{what:{width}}  {found}".replace("\n", "\n" + " " * (width + 2)) + "\n")
    return int(bool(packages.strangers(load=True)))


if __name__ == "__main__":
    sys.exit(main())
