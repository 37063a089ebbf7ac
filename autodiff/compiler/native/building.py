"""Compiling C text into a shared library, once: libraries are kept in a folder of the user's, under a hash.

The hash is that of the text, the flags, the compiler and the processor. A library ends with a digest of itself and of
its hash: what was damaged, or put there by somebody else, is built anew and never loaded.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
from pathlib import Path

from autodiff.compiler.native.target import Compiler, Target, compiler
from autodiff.errors import CompileError

FLAGS = (
    "-std=gnu99", "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast", "-fwrapv",
    "-fno-tree-sink", "-fopenmp-simd", "-DUSE_SIMD", "-fPIC", "-shared", "-w",
)  # fmt: skip
"""No flag that assumes away NaN or infinity, which masks and checks rely on. Without ``-fno-tree-sink`` gcc 12 moves
reads into the choice that needs them, makes reads with masks of these, and takes a wrong mask in short loops."""
TIME_LIMIT = 120.0
"""Seconds after which a compiler is stopped."""


def cache_folder() -> Path | None:
    """The folder for built libraries: ``WENGERT_CACHE``, or the usual place of this system; None if it is ``0``."""
    wish = os.environ.get("WENGERT_CACHE", "")
    if wish == "0":
        return None
    if wish:
        return Path(wish)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "wengert"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wengert"


def library(text: str, target: Target) -> ctypes.CDLL:
    """The library built from C text, from the cache if it is there.

    Raises
    ------
    CompileError
        If there is no compiler, or it fails, or takes longer than `TIME_LIMIT`.
    """
    by = compiler()
    links = ["-lmvec", "-lm"] if target.letter else ["-lm"]
    key = hashlib.sha256("\0".join((text, *FLAGS, *links, *by.command, by.identity, target.name)).encode()).hexdigest()
    folder = cache_folder()
    if folder is not None:
        kept = _kept(folder, key)
        if kept is not None:
            return kept
    import tempfile  # this and `subprocess` would take a fifth of a first call that finds its library in the cache

    with tempfile.TemporaryDirectory(prefix="wengert-") as private:  # readable by its owner alone
        built = _compiled(text, Path(private), by, links)
        data = built.read_bytes()
        if folder is None:
            return _loaded(built)
        try:
            place = _store(folder, key, data + _digest(data, key))
        except OSError:  # a home that cannot be written to
            return _loaded(built)
    return _loaded(place)


def _compiled(text: str, private: Path, by: Compiler, links: list[str]) -> Path:
    import subprocess

    source, built = private / "program.c", private / "program.so"
    source.write_text(text, encoding="ascii")
    command = [*by.command, *FLAGS, str(source), "-o", str(built), *links]
    if sys.platform == "darwin":
        command += ["-undefined", "dynamic_lookup"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIME_LIMIT, cwd=private, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise CompileError(
            f"compile: the C compiler {by.command[0]} did not finish within {TIME_LIMIT:.0f} s and was stopped."
        ) from None
    except OSError as error:
        raise CompileError(f"compile: the C compiler {by.command[0]} cannot be started: {error}.") from None
    if done.returncode or not built.exists():
        said = done.stderr.decode("utf-8", "replace").strip()[:1000]
        raise CompileError(f"compile: the C compiler {by.command[0]} failed with status {done.returncode}: {said}")
    return built


def _digest(data: bytes, key: str) -> bytes:
    return hashlib.sha256(data + key.encode()).digest()


def _kept(folder: Path, key: str) -> ctypes.CDLL | None:
    """The library of this key, if it is whole and nobody else could have written it."""
    path = folder / f"{key}.so"
    try:
        about, around = path.stat(), folder.stat()
        if hasattr(os, "getuid") and {about.st_uid, around.st_uid} != {os.getuid()}:
            return None
        if (about.st_mode | around.st_mode) & 0o022:
            return None
        data = path.read_bytes()
    except OSError:
        return None
    if _digest(data[:-32], key) != data[-32:]:
        return None
    try:
        return _loaded(path)
    except OSError:
        return None


def _store(folder: Path, key: str, data: bytes) -> Path:
    """Write a library at once: another process sees all of it or nothing."""
    import tempfile

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{key}.so"
    handle, name = tempfile.mkstemp(dir=folder, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(name, 0o700)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path


def _loaded(path: Path) -> ctypes.CDLL:
    return ctypes.CDLL(str(path))
