"""The packages of an earlier commit, in a temporary folder, so that one run can measure ratios to that commit."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import tempfile

COMMIT = "7e485c2"
"""The commit before the native backend: its NumPy backend is what the native one is compared with."""

PACKAGES = ("autodiff", "nn", "optim")


def lacking(root: str) -> str:
    """Why the packages of `COMMIT` cannot be had in the repository `root`, in a few words; empty if they can."""
    if shutil.which("git") is None:
        return "git"
    found = subprocess.run(["git", "-C", root, "cat-file", "-e", f"{COMMIT}^{{commit}}"], capture_output=True)
    return "" if found.returncode == 0 else f"commit {COMMIT}: the git repository with its whole history"


def packages(root: str) -> tempfile.TemporaryDirectory[str]:
    """A temporary folder with the packages as they were at `COMMIT`; its owner removes it.

    Raises
    ------
    OSError
        If git cannot give them.
    """
    archive = subprocess.run(["git", "-C", root, "archive", COMMIT, *PACKAGES], capture_output=True)
    if archive.returncode:
        raise OSError(f"git archive {COMMIT}: {archive.stderr.decode(errors='replace').strip()}")
    folder = tempfile.TemporaryDirectory(prefix="wengert-before-")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(folder.name, filter="data")
    return folder
