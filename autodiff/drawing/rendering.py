"""A Digraph that finds a renderer itself, and says how to get one if there is none."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
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
_TEXTS = ("", ".dot", ".gv", ".txt")

_lock = threading.Lock()


class RendererNotFound(graphviz.ExecutableNotFound):  # type: ignore[misc]  # the package ships no types
    """No program that can draw was found; the message says how to get one."""

    _msg = ADVICE


def find_renderer(explicit: str | os.PathLike[str] | None = None) -> str | None:
    """The program that turns DOT into pictures, or None.

    Parameters
    ----------
    explicit : path, optional
        Returned unchanged.

    Returns
    -------
    str or None
        The first of these: `explicit`, ``graphviz-pure`` next to the interpreter, ``dot`` on PATH.

    Examples
    --------
    >>> import autodiff as ad
    >>> ad.drawing.find_renderer("graphviz/bin/dot")
    'graphviz/bin/dot'
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
    """A `graphviz.Digraph` that renders with the program that is installed.

    Attributes
    ----------
    renderer_program : path or None
        Set it to choose the program; by default `find_renderer` does.

    Examples
    --------
    >>> import autodiff as ad
    >>> picture = ad.draw(lambda x: x * x, 2.0)
    >>> "multiply" in picture.source
    True
    """

    renderer_program: str | os.PathLike[str] | None = None
    _rendering = False  # true inside the package's `render`, which first saves the text under any name

    @contextmanager
    def _program(self) -> Iterator[None]:
        """Make the package call the program that was found. Its name is a global of the package, so it is restored."""
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
        """The picture as bytes, as ``graphviz.Digraph.pipe``. Without a renderer, the error says how to get one."""
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
        """Write the picture if the name ends in ``.svg``, ``.png`` or ``.pdf``; the DOT text for ``.dot`` and ``.gv``.

        ``graphviz.Digraph.save`` writes the text under any name, and no program can show a ``graph.svg`` of DOT text.

        Raises
        ------
        ValueError
            If the name ends in something else, or if the renderer cannot write this kind of picture.
        """
        name = pathlib.Path("" if filename is None else filename)
        ending = name.suffix.lower()
        if self._rendering or ending in _TEXTS:
            return str(super().save(filename, directory=directory, **options))
        if ending not in _PICTURES:
            raise ValueError(
                f"save writes pictures, {', '.join(_PICTURES)}, and the DOT text, {', '.join(_TEXTS[1:])}; a name that "
                f"ends in {ending} was given. Write .save({name.stem + '.png'!r})."
            )
        path = pathlib.Path(directory or self.directory or "", name)
        try:
            picture = self.pipe(format=ending[1:])
        except subprocess.CalledProcessError as error:
            program = pathlib.Path(find_renderer(self.renderer_program) or "dot").name
            said = error.stderr.decode(errors="replace") if isinstance(error.stderr, bytes) else error.stderr or ""
            raise ValueError(
                f"save: {program} could not write {path.name!r}{': ' if said.strip() else ''}{said.strip()}. Write "
                f".save({path.stem + '.svg'!r}); or set .renderer_program to the dot of your system's graphviz, "
                "which knows more formats."
            ) from error
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture)
        return str(path)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str]:
        """For notebooks: the text, with the SVG if it can be made, otherwise with the advice."""
        if find_renderer(self.renderer_program) is None:
            return {"text/plain": f"{ADVICE}\n\n{self.source}"}
        return {"text/plain": self.source, "image/svg+xml": self.pipe(format="svg").decode("utf-8")}
