"""The page of conventions: what this engine gives at hard points, computed when it is built, and what others give.

The others' values were measured on 2026-11-29 with PyTorch 2.13.0 (CPU), JAX 0.10.2 (64 bit), autograd 1.9.1 and MyGrad
2.5.0. An empty cell was not measured, or the library has no such function. What this engine is expected to give stands
here too, so that a test can see where a value has changed.
"""

from __future__ import annotations

import csv
import re
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad

VERSIONS = "PyTorch 2.13.0 (CPU), JAX 0.10.2 (64 bit), autograd 1.9.1, MyGrad 2.5.0"


class Row(NamedTuple):
    """A hard point: in words, as a program, what is expected here, and what the others give."""

    point: str
    program: str
    here: str
    torch: str = ""
    jax: str = ""
    autograd: str = ""
    mygrad: str = ""


def d(f: Any, x: Any, n: int = 1) -> Any:
    """The n-th derivative at a number."""
    return ad.derivative(f, n)(float(x))


def g(f: Any, *xs: Any) -> Any:
    """The gradient of the sum of all entries, by all arguments."""
    points = [np.array(x, float) for x in xs]
    found = ad.grad(lambda *a: np.sum(f(*a)), tuple(range(len(xs))))(*points)
    return found[0] if len(xs) == 1 else found


ABOUT = {
    "Kinks and ties": "Where a function is locally convex, the subgradient of smallest norm; shares of ties sum to 1. "
    "`clip` is the one exception: a parameter must not stick to its bound.",
    "Infinite slopes and removable points": "The limit, infinities allowed, where there is one; 0 at the apex of a "
    "length. What a mask leaves out stays 0, also where a slope is infinite or NaN.",
    "Powers and products": "Products of the others, never a division by what may be 0; slopes at 0 are limits.",
    "Exponentials and information": "Shifted by the maximum, finite as far as floats go; entries of -inf take no part.",
    "Indices and matrices": "Gathers add, the last write wins; equal eigenvalues share what their sum receives.",
}
"""What is said of each table."""


def tables() -> dict[str, list[Row]]:
    """The rows of ``conventions.csv``, by table."""
    found: dict[str, list[Row]] = {title: [] for title in ABOUT}
    with (Path(__file__).parent / "conventions.csv").open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            found[line.pop("table")].append(Row(**line))
    return found


def shown(value: Any) -> str:
    """A result as the tables write it: four significant digits, no minus before a zero."""
    if isinstance(value, tuple):
        return "; ".join(map(shown, value))
    array = np.asarray(value.data if isinstance(value, ad.Tensor) else value)
    if array.dtype.kind == "c":
        return f"{complex(array):.4g}".strip("()")
    if array.ndim:
        return "[" + ", ".join(shown(part) for part in array) + "]"
    return f"{float(array) + 0.0:.4g}"


def computed(row: Row) -> str:
    """What this engine gives at a point."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy warns of what is asked for here
        return shown(eval(row.program, {"np": np, "ad": ad, "d": d, "g": g}))


def page() -> str:
    """The page as Markdown."""
    policy = (
        "Where a function has a kink, a tie, a pole or a 0/0, the derivative has to be decided. One policy holds "
        "for every way to write the same function: the derivative where it exists; else the subgradient of smallest "
        "norm where the function is locally convex; else the limit, infinities allowed; else the value in these "
        "tables. A NaN is never hidden, and never invented: a zero of a mask (`np.where`, an index, `max`, `relu`, "
        "...) stays 0 whatever the slope behind it is, while a zero that was computed hides nothing."
    )
    measured = "The column *here* is computed when this page is built. The others were measured on 2026-11-29"
    parts = ["# Conventions", policy, f"{measured}: {VERSIONS}."]
    for title, rows in tables().items():
        lines = [
            "| point | program | here | PyTorch | JAX | autograd | MyGrad |",
            "| --- | --- | --- | --- | --- | --- | --- |",
        ]
        for row in rows:
            program = row.program.replace("|", r"\|")
            others = [row.torch, row.jax, row.autograd, row.mygrad]
            lines.append(f"| {row.point} | `{program}` | {computed(row)} | " + " | ".join(others) + " |")
        parts += [f"## {title}", ABOUT[title], "\n".join(lines)]
    parts.append(
        "Here `d(f, x)` is `ad.derivative(f)(x)`, and `g(f, ...)` the gradient of the sum of all entries by "
        "every argument. More conventions, such as those of layers and optimisers, stand in the docstrings of "
        "[the reference](reference/index.md)."
    )
    return re.sub(r" +\n", "\n", "\n\n".join(parts)) + "\n"
