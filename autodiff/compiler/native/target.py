"""The machine and its C compiler: how wide its vectors are, and what compiles for it."""

from __future__ import annotations

import functools
import importlib
import os
import shutil
import sys
from typing import Any, NamedTuple

import numpy as np

from autodiff.errors import CompileError

HINT = 'ad.compile(backend="native") needs a C compiler: install gcc or clang, or pip install "wengert[native]".'


class Target(NamedTuple):
    """What code is written for.

    Attributes
    ----------
    vector : int
        Bytes of a vector register.
    registers : int
        How many of them there are.
    letter : str
        How libmvec calls this kind of vector; empty where there is no libmvec.
    name : str
        The features that the code may use, for the key of the cache.
    """

    vector: int
    registers: int
    letter: str
    name: str

    def lanes(self, dtype: Any) -> int:
        """How many numbers of a dtype a vector holds."""
        return self.vector // int(np.dtype(dtype).itemsize)


PORTABLE = Target(16, 16, "", "portable")
"""Any machine: vectors of 16 bytes, which every compiler writes without a warning, and no vectorised library."""


@functools.cache
def this_machine() -> Target:
    """The target of this process."""
    features = {name for name, there in _features().items() if there}
    name = ",".join(sorted(features))
    glibc = _has_libmvec()
    if "AVX512F" in features and "AVX512_SKX" in features:
        return Target(64, 32, "e" if glibc else "", name)
    if "AVX2" in features and "FMA3" in features:
        return Target(32, 16, "d" if glibc else "", name)
    return Target(16, 32 if "NEON" in features else 16, "b" if glibc and "SSE42" in features else "", name)


def _features() -> dict[str, bool]:
    """The processor's features, as NumPy found them when it was imported; NumPy's switches do not change them."""
    found: dict[str, bool] = importlib.import_module("numpy._core._multiarray_umath").__cpu_features__
    return found


def _has_libmvec() -> bool:
    """Whether the C library has the vectorised functions of 2.35 and later."""
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        return False
    try:
        version = os.confstr("CS_GNU_LIBC_VERSION") or ""
        return tuple(map(int, version.rpartition(" ")[2].split("."))) >= (2, 35)
    except (ValueError, OSError):
        return False


class Compiler(NamedTuple):
    """A C compiler.

    Attributes
    ----------
    command : tuple of str
        How it is called.
    identity : str
        What changes when it is replaced by another version, without starting it.
    """

    command: tuple[str, ...]
    identity: str


def compilers() -> list[Compiler]:
    """The compilers found, the preferred one first: ``CC``, ``cc``, ``gcc``, ``clang``, then ``ziglang``'s."""
    found = []
    given = os.environ.get("CC", "").split()
    for command in ([given] if given else []) + [["cc"], ["gcc"], ["clang"]]:
        path = shutil.which(command[0])
        if path:
            found.append(Compiler((path, *command[1:]), _identity(path)))
    try:
        import ziglang  # type: ignore[import-not-found,unused-ignore]

        path = os.path.join(os.path.dirname(ziglang.__file__), "zig")
        if os.path.exists(path):
            found.append(Compiler((path, "cc"), _identity(path)))
    except ImportError:
        pass
    return found


def compiler() -> Compiler:
    """The preferred compiler.

    Raises
    ------
    CompileError
        If there is none.
    """
    found = compilers()
    if not found:
        raise CompileError(HINT)
    return found[0]


def _identity(path: str) -> str:
    real = os.path.realpath(path)
    about = os.stat(real)
    return f"{real} {about.st_size} {about.st_mtime_ns}"
