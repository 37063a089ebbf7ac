"""Where a function takes values out of the graph: `.data`, `.detach()` and their like, which the gradient ignores."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from autodiff.arrays.tensors import Tensor
from autodiff.testing.blame import recorded
from autodiff.testing.problems import Problem
from autodiff.testing.tracebacks import is_engine
from autodiff.transforms.first_order import stop_gradient


def _exits() -> dict[CodeType, str]:
    """The functions by which values leave the graph on purpose, and how they are written."""
    ways: dict[str, Callable[..., Any]] = {
        ".data": vars(Tensor)["data"].fget,
        ".detach()": Tensor.detach,
        ".item()": Tensor.item,
        ".tolist()": Tensor.tolist,
        "ad.stop_gradient()": stop_gradient,
    }
    return {f.__code__: name for name, f in ways.items()}


def exits(problem: Problem) -> list[str]:
    """Where the function of a problem, called on tracked Tensors, takes values out of the graph, each place once.

    Only the lines of the user are named: what a layer of `nn` does with its running statistics is its own affair.
    """
    ways = _exits()
    found: dict[str, None] = {}

    def watch(frame: FrameType, event: str, _: Any) -> None:
        way = ways.get(frame.f_code) if event == "call" else None
        caller = frame.f_back
        if way is None or caller is None or is_engine(caller):
            return
        x = next(iter(frame.f_locals.values()), None)
        if not isinstance(x, Tensor) or x.requires_grad:
            found[f"{way} in {_place(caller)}"] = None

    with _profiled(watch):
        recorded(problem)
    return list(found)


def _place(frame: FrameType) -> str:
    """The line of a frame, with its text."""
    file = frame.f_code.co_filename
    text = linecache.getline(file, frame.f_lineno).strip()
    return f"{Path(file).name}, line {frame.f_lineno}" + (f" ({text})" if text else "")


@contextmanager
def _profiled(watch: Callable[[FrameType, str, Any], None]) -> Iterator[None]:
    """Context manager in which a function sees every call; a profiler that was there pauses."""
    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        yield
    finally:
        sys.setprofile(before)
