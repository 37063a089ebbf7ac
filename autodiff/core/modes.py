"""Context managers of the user: hold back recording, name a stretch of it."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np

from autodiff.core import switches
from autodiff.core.switches import set_recording
from autodiff.core.tape import next_number

F = TypeVar("F", bound=Callable[..., Any])


class no_grad:  # noqa: N801 - used like a function
    """Context manager or decorator: operations of this thread are not recorded inside.

    Examples
    --------
    >>> import autodiff as ad
    >>> x = ad.tensor(2.0, requires_grad=True)
    >>> with ad.no_grad():
    ...     (x * 2).requires_grad
    False
    """

    def __init__(self) -> None:
        self._stack: list[set_recording] = []

    def __enter__(self) -> None:
        switch = set_recording(False)
        switch.__enter__()
        self._stack.append(switch)

    def __exit__(self, *exc: object) -> None:
        self._stack.pop().__exit__(*exc)

    def __call__(self, f: F) -> F:
        @functools.wraps(f)
        def unrecorded(*args: Any, **kwargs: Any) -> Any:
            with no_grad():  # one of its own for every call: two threads may be inside
                return f(*args, **kwargs)

        return cast(F, unrecorded)


SCOPES: deque[tuple[str, int, int]] = deque(maxlen=16384)
"""The latest scopes that were closed, over all threads: name, and the numbers between which its nodes lie. Older
graphs are drawn without theirs."""


class scope:  # noqa: N801 - used like a function
    """Context manager: what is recorded inside belongs to this name, in pictures and in compiled source.

    Parameters
    ----------
    name : str
        Nested scopes overlap; a picture joins their names with dots.

    Notes
    -----
    Only a range of node numbers is noted: an operation costs nothing more.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> x = ad.tensor(np.ones(3), requires_grad=True)
    >>> with ad.scope("squares"):
    ...     y = (x * x).sum()
    """

    __slots__ = ("_start", "name")

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        self._start = next_number()
        if switches.active:
            switches.enter_scope(self.name)

    def __exit__(self, *_: object) -> None:
        if switches.active:
            switches.leave_scope(self.name)
        if not switches.active or switches.is_recording():
            SCOPES.append((self.name, self._start, next_number()))


def keep_memory(megabytes: int = 30) -> None:
    """Ask the C library to keep the memory of dropped arrays for the next ones; a switch for the whole process.

    Parameters
    ----------
    megabytes : int, default 30
        Arrays up to this size are kept; the GNU C library takes at most 32.

    Notes
    -----
    Arrays of 128 KB and more are handed back to the system when they are dropped, and each page of the next one costs a
    fault: half the time of a sweep over a few of them. The GNU C library learns to keep such blocks from the largest
    one it has seen dropped. This makes and drops one, which costs microseconds. Any program that has handled data of
    that size has done the same without knowing; elsewhere the call does nothing.

    Examples
    --------
    >>> import autodiff as ad
    >>> ad.keep_memory()
    """
    np.empty(megabytes << 20, np.uint8)
