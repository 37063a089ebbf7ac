"""A Digraph that finds a renderer by itself, and says how to get one where there is none."""

from __future__ import annotations

import os
import pathlib
import shutil
import sys
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, overload

import graphviz
from graphviz.backend import dot_command

ADVICE = (
    "No Graphviz renderer was found. Install one with `pip install graphviz-pure` (or your system's `graphviz` "
    "package); until then .source is the text of the picture."
)

_PICTURES = (".svg", ".png", ".pdf")

_lock = threading.Lock()


class RendererNotFound(graphviz.ExecutableNotFound):  # type: ignore[misc]  # the package ships no types
    """There is no program that could draw; the message says how to get one."""

    _msg = ADVICE


def find_renderer(explicit: str | os.PathLike[str] | None = None) -> str | None:
    """The program that turns DOT into pictures, or None.

    Parameters
    ----------
    explicit : path, optional
        Taken as it is.

    Returns
    -------
    str or None
        In this order: the explicit choice, ``graphviz-pure`` beside the interpreter, ``dot`` on PATH.
    """
    if explicit is not None:
        return os.fspath(explicit)
    folders = [os.path.dirname(sys.executable), sysconfig.get_path("scripts")]
    for folder in dict.fromkeys(folders):
        beside = shutil.which("graphviz-pure", path=folder)
        if beside:
            return beside
    return shutil.which("dot")


class Picture(graphviz.Digraph):  # type: ignore[misc]  # the package ships no types
    """A `graphviz.Digraph` that renders with what is installed.

    Attributes
    ----------
    renderer_program : path or None
        Set it to choose the program; otherwise see `find_renderer`.
    """

    renderer_program: str | os.PathLike[str] | None = None
    _rendering = False  # the package's `render` saves the text first, by whatever name

    @contextmanager
    def _program(self) -> Iterator[None]:
        """Let the package call the program that was found; its name is a global of the package, so it is lent."""
        found = find_renderer(self.renderer_program)
        if found is None:
            raise RendererNotFound(["dot"])
        with _lock:
            before = dot_command.DOT_BINARY
            dot_command.DOT_BINARY = pathlib.Path(found)
            try:
                yield
            finally:
                dot_command.DOT_BINARY = before

    @overload
    def pipe(self, *args: Any, encoding: None = ..., **kwargs: Any) -> bytes: ...
    @overload
    def pipe(self, *args: Any, encoding: str, **kwargs: Any) -> str: ...
    def pipe(self, *args: Any, **kwargs: Any) -> Any:
        """The picture as bytes, as ``graphviz.Digraph.pipe``; without a renderer an error that says how to get one."""
        kwargs.setdefault("quiet", True)
        with self._program():
            return super().pipe(*args, **kwargs)

    def render(self, *args: Any, **kwargs: Any) -> str:
        """Write the picture to a file, as ``graphviz.Digraph.render``."""
        kwargs.setdefault("quiet", True)
        with self._program():
            self._rendering = True
            try:
                return str(super().render(*args, **kwargs))
            finally:
                self._rendering = False

    def save(
        self,
        filename: str | os.PathLike[str] | None = None,
        directory: str | os.PathLike[str] | None = None,
        **options: Any,
    ) -> str:
        """Write the picture where the name ends as one's does (``.svg``, ``.png``, ``.pdf``), else the DOT text.

        ``graphviz.Digraph.save`` writes the text by every name: a file called ``graph.svg`` that no program can show.
        """
        ending = pathlib.Path(filename).suffix.lower() if filename is not None else ""
        if self._rendering or ending not in _PICTURES:
            return str(super().save(filename, directory=directory, **options))
        # `ending` is one of a picture's only if there is a filename
        path = pathlib.Path(directory or self.directory or "", os.fspath(filename))  # type: ignore[arg-type]
        picture = self.pipe(format=ending[1:])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture)
        return str(path)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str]:
        """For notebooks: the text always, the SVG where it can be made, else the advice."""
        if find_renderer(self.renderer_program) is None:
            return {"text/plain": f"{ADVICE}\n\n{self.source}"}
        return {"text/plain": self.source, "image/svg+xml": self.pipe(format="svg").decode("utf-8")}
