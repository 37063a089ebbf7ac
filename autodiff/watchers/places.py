"""Where in the user's program something happens: the innermost line outside this project and NumPy."""

from __future__ import annotations

import functools
import linecache
import os
import sys
from collections.abc import Iterable
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from autodiff.arrays.plain import untracked
from autodiff.core import switches


class Place(NamedTuple):
    """A line of the user's program.

    Attributes
    ----------
    file : str
    line : int
        0 if it is not known.
    scopes : tuple of str
        The layers or other scopes that were open, outermost first.
    """

    file: str = ""
    line: int = 0
    scopes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The source of that line."""
        return linecache.getline(self.file, self.line).strip() if self.line else ""

    @property
    def layer(self) -> str:
        """The path of scopes as text."""
        return " > ".join(self.scopes)

    def __str__(self) -> str:
        if not self.line:
            return "a line that is not known (it was recorded before the watch began)"
        text = f": {self.text}" if self.text else ""
        return f"{self.file}:{self.line}{text}"


_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(sys.modules["autodiff"].__file__ or "")))
_INSIDE = tuple(os.path.join(_ROOT, package) + os.sep for package in ("autodiff", "nn", "optim"))
_NUMPY = os.path.dirname(os.path.abspath(np.__file__)) + os.sep


@functools.lru_cache(maxsize=4096)
def _is_inside(file: str) -> bool:
    return os.path.abspath(file).startswith((*_INSIDE, _NUMPY)) and not file.startswith("<")


def users_frame() -> FrameType:
    """The innermost frame outside this project and NumPy."""
    frame = innermost = sys._getframe(1)
    while _is_inside(frame.f_code.co_filename):
        if frame.f_back is None:
            return innermost
        frame = frame.f_back
    return frame


def place_of(frame: FrameType) -> Place:
    """The current line of a frame, and the open scopes."""
    return Place(frame.f_code.co_filename, frame.f_lineno, switches.open_scopes())


def names_of(arrays: Iterable[Any], frame: FrameType) -> list[str]:
    """The names of the variables that hold these arrays in a frame; empty for arrays that no variable holds.

    Names that begin with an underscore come last: a notebook holds its results as ``_`` and ``_1``, too.
    """
    wanted: dict[int, str] = {id(x): "" for x in arrays if isinstance(x, (np.ndarray, np.generic))}
    missing = len(wanted)
    for variables in (frame.f_locals, frame.f_globals):
        if not missing:
            break
        for name, value in sorted(variables.items(), key=lambda item: item[0].startswith("_")):
            key = id(untracked(value))
            if wanted.get(key) == "":
                wanted[key] = name
                missing -= 1
    return [wanted.get(id(x), "") for x in arrays]
