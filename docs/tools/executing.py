"""Programs on the manual's pages: they run when the page is built, and what they print and draw stands below them.

A fenced block ``python`` runs; all blocks of a page share their names. As in a notebook, what is printed is shown, then
the value of a last line that is an expression, then every Matplotlib figure. A block ``python raises`` must raise; the
error is shown. The pages are plain Markdown, which also reads well where nothing runs.
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

FOLDERS = ("course", "start", "howto", "index")
"""Whose pages run; others are executed by tests of their own."""
MADE = "_made"
CROP: str | None = "tight"
"""How pictures are cropped: "tight" draws each of them twice; None leaves them as they are."""
FENCE = re.compile(r"^```(python(?: raises)?)\n(.*?)^```\n", re.S | re.M)


class Output(NamedTuple):
    """What a block showed: a text, and pictures as the bytes of SVG files."""

    text: str
    pictures: list[bytes]


class PageError(Exception):
    """A block that did not do what its fence says."""


def outputs(text: str, name: str) -> Iterator[tuple[re.Match[str], Output]]:
    """Run the blocks of a page, in a folder of their own; yields each with what it showed."""
    import matplotlib

    matplotlib.use("Agg")
    names: dict[str, Any] = {"__name__": name}
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            _seed()
            for block in FENCE.finditer(text):
                line = text.count("\n", 0, block.start(2))
                yield block, _run(block[2], names, f"{name}.md", line, raises=block[1].endswith("raises"))
        finally:
            os.chdir(before)


def _seed() -> None:
    import nn

    nn.manual_seed(0)


def _run(code: str, names: dict[str, Any], file: str, line: int, *, raises: bool) -> Output:
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    value = None
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        try:
            exec(_compiled(ast.increment_lineno(tree, line), file, "exec"), names)
            if last is not None:
                value = eval(_compiled(ast.increment_lineno(ast.Expression(last.value), line), file, "eval"), names)
        except Exception as error:
            if not raises:
                raise PageError(f"{file}, block at line {line}: {type(error).__name__}: {error}") from error
            return Output(f"{printed.getvalue()}{type(error).__name__}: {error}", _figures())
    if raises:
        raise PageError(f"{file}, block at line {line}: it is marked `raises`, and raised nothing")
    pictures = _figures()
    bundle = value._repr_mimebundle_() if hasattr(value, "_repr_mimebundle_") else {}
    if "image/svg+xml" in bundle:
        pictures.insert(0, bundle["image/svg+xml"].encode())
    elif value is not None and not _drawn(value):
        printed.write(repr(value))
    return Output(printed.getvalue(), pictures)


def _compiled(tree: Any, file: str, mode: str) -> Any:
    return compile(ast.fix_missing_locations(tree), file, mode)


def _drawn(value: Any) -> bool:
    """Whether a value is what a plotting call returns: a figure, axes or lines, which are shown as a picture."""
    parts = value if isinstance(value, (list, tuple)) else [value]
    return any(type(part).__module__.startswith("matplotlib") for part in parts)


def _has_many_pieces(part: Any) -> bool:
    """Whether to put it into a picture as pixels: as thousands of shapes a mesh or a surface would take megabytes."""
    from matplotlib.collections import QuadMesh
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    return isinstance(part, (QuadMesh, Poly3DCollection))


def _figures() -> list[bytes]:
    """All open figures, which are closed."""
    import matplotlib.pyplot as plt

    found = []
    for number in plt.get_fignums():
        buffer, figure = io.BytesIO(), plt.figure(number)
        for part in figure.findobj(_has_many_pieces):
            part.set_rasterized(True)
        figure.savefig(buffer, format="svg", bbox_inches=CROP, dpi=150, metadata={"Date": None})
        found.append(buffer.getvalue())
    plt.close("all")
    return found


def read(app: Any, name: str, source: list[str]) -> None:
    """For Sphinx: put what the blocks showed below them."""
    folder = name.partition("/")[0]
    if folder not in FOLDERS:
        return
    root, text = Path(app.srcdir), source[0]
    source[0] = with_outputs(text, name, root)
    if folder == "course" and FENCE.search(text):
        import notebooks

        file = f"{MADE}/{name.replace('/', '-')}.ipynb"
        notebooks.write(text, root / file)
        source[0] += f"\n{{download}}`This page as a notebook </{file}>`\n"


def with_outputs(text: str, name: str, root: Path) -> str:
    """The page with what its blocks showed; pictures are written into the folder `_made`."""
    parts, end = [], 0
    (root / MADE).mkdir(exist_ok=True)
    for i, (block, shown) in enumerate(outputs(text, name)):
        parts.append(text[end : block.end()].replace("```python raises\n", "```python\n"))
        end = block.end()
        if shown.text.strip():
            kind = "output error" if block[1].endswith("raises") else "output"
            parts.append(f"\n```{{code-block}} text\n:class: {kind}\n\n{shown.text.rstrip()}\n```\n")
        for k, picture in enumerate(shown.pictures):
            file = f"{name.replace('/', '-')}-{i}-{k}.svg"
            (root / MADE / file).write_bytes(picture)
            above = next(iter(re.findall(r"^#+ (.*)$", text[: block.start()], re.M)[::-1]), name)
            parts.append(f"\n![{above}](/{MADE}/{file})\n")
    return "".join([*parts, text[end:]])
