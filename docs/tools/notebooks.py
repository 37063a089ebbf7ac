"""The course's pages as Jupyter notebooks: the same text and programs, cell by cell."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import executing


def notebook(text: str) -> dict[str, Any]:
    """The notebook of a page, in Jupyter's format 4.5. Links to other pages become text: a notebook stands alone."""
    cells: list[dict[str, Any]] = []
    end = 0
    for block in executing.FENCE.finditer(text):
        _add_text(cells, text[end : block.start()])
        tags = {"tags": ["raises-exception"]} if block[1].endswith("raises") else {}
        cells.append({**_cell(cells, "code", block[2], tags), "execution_count": None, "outputs": []})
        end = block.end()
    _add_text(cells, text[end:])
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _add_text(cells: list[dict[str, Any]], text: str) -> None:
    text = re.sub(r"\[([^\]]*)\]\((?!https?:)[^)]*\)", r"\1", re.sub(r"<!--.*?-->\n?", "", text, flags=re.S))
    if text.strip():
        cells.append(_cell(cells, "markdown", text, {}))


def _cell(cells: list[dict[str, Any]], kind: str, text: str, metadata: dict[str, Any]) -> dict[str, Any]:
    lines = text.strip("\n").splitlines(keepends=True)
    return {"cell_type": kind, "id": f"cell-{len(cells)}", "metadata": metadata, "source": lines}


def write(text: str, path: Path) -> None:
    """Write the notebook of a page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook(text), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
