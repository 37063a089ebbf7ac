"""The reference: a page for each group of public names, written from the lists below and the docstrings."""

from __future__ import annotations

from pathlib import Path

GROUPS: dict[str, tuple[str, str, list[str]]] = {
    "derivatives": (
        "Derivatives",
        "Gradients, Jacobians and Hessians of functions of arrays, to any order.",
        ["autodiff.grad", "autodiff.value_and_grad", "autodiff.derivative", "autodiff.hessian", "autodiff.jacobian"],
    ),
}
"""For each page its title, a line about it, and the names."""


def write(folder: Path) -> None:
    """Write the pages and their index, where they have changed."""
    folder.mkdir(exist_ok=True)
    for page, (title, about, names) in GROUPS.items():
        entries = "\n\n".join(f"```{{eval-rst}}\n.. {_directive(name)}:: {name}\n```" for name in names)
        _keep(folder / f"{page}.md", f"# {title}\n\n{about}\n\n{entries}\n")
    listed = "\n".join(GROUPS)
    _keep(folder / "index.md", f"# Reference\n\n```{{toctree}}\n:maxdepth: 1\n\n{listed}\n```\n")


def _keep(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _directive(name: str) -> str:
    import pydoc

    return "autoclass" if isinstance(pydoc.locate(name), type) else "autofunction"
