"""What a program does line by line, and what each line costs."""

from __future__ import annotations

import linecache
import sys
import time
import types
from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

_RUNS = 20
_OF_GUARDS = ("not (", "and ", "or ", "if not", "return another_call")


class Line(NamedTuple):
    """One line of a program.

    Attributes
    ----------
    text : str
    seconds : float
        The least time of several runs, with some tenths of a microsecond for looking.
    in_c : bool
        Whether it calls a function in C.
    """

    text: str
    seconds: float
    in_c: bool


class Report:
    """The lines of a program and their costs; its text is a table.

    Attributes
    ----------
    title : str
    lines : list of Line
        In the order in which they run, without the guard.
    device_bytes : int or None
        With JAX, how many bytes of Tensors and of the state of optimisers lie on one device.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> f = ad.compile(lambda x: np.exp(np.sin(x)))
    >>> x = np.ones(3)
    >>> _ = f(x)
    >>> [line.text for line in f.report(x).lines]
    ['sin_1 = sin(x, b0)', 'exp_1 = exp(sin_1)', 'return exp_1']
    """

    def __init__(self, title: str, lines: list[Line]) -> None:
        self.title, self.lines = title, lines
        self.device_bytes: int | None = None

    def __str__(self) -> str:
        rows = [self.title]
        for line in self.lines:
            where = "C" if line.in_c else ""
            rows.append(f"{line.seconds * 1e6:10.1f} us  {where:2s} {line.text}")
        return "\n".join(rows)

    __repr__ = __str__


def report(run: Callable[[], Any], title: str, restore: Callable[[], object], in_c: frozenset[str]) -> Report:
    """Run a program several times, and note what each line takes.

    Parameters
    ----------
    run : callable
        Runs it.
    title : str
    restore : callable
        Called after every run: what the program has changed is put back.
    in_c : frozenset of str
        The names of the functions in C.
    """
    least: dict[tuple[str, int], float] = {}
    order: dict[tuple[str, int], None] = {}
    for _ in range(_RUNS):
        for key, seconds in _once(run).items():
            order.setdefault(key)
            least[key] = min(seconds, least.get(key, seconds))
        restore()
    lines = []
    for file, number in order:
        text = linecache.getline(file, number).strip()
        if text and not text.startswith(_OF_GUARDS):
            lines.append(Line(text, least[file, number], any(f"{name}(" in text for name in in_c)))
    return Report(title, lines)


def _once(run: Callable[[], Any]) -> dict[tuple[str, int], float]:
    spent: dict[tuple[str, int], float] = defaultdict(float)
    last: list[Any] = [None, 0.0]
    clock = time.perf_counter
    before = sys.gettrace()

    def inside(frame: types.FrameType, event: str, _: Any) -> Any:
        now = clock()
        if last[0] is not None:
            spent[last[0]] += now - last[1]
        last[0] = (frame.f_code.co_filename, frame.f_lineno) if event == "line" else None
        last[1] = clock()
        return inside

    def enters(frame: types.FrameType, event: str, _: Any) -> Any:
        return inside if frame.f_code.co_filename.startswith("<compiled") else None

    sys.settrace(enters)
    try:
        run()
    finally:
        sys.settrace(before)
    return spent
