"""Context managers for users: switch recording off, give a name to a part of it."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable
from typing import Any, Never, NoReturn, TypeVar, cast

import numpy as np

from autodiff.core import switches
from autodiff.core.switches import set_recording
from autodiff.core.tape import next_number

F = TypeVar("F", bound=Callable[..., Any])


class _Bracketed(type):
    """The class of context managers that say so if they are used without brackets."""

    def __enter__(cls) -> NoReturn:
        raise TypeError(f"ad.{cls.__name__} is without its brackets. Write `with ad.{cls.__name__}():`.")

    def __exit__(cls, *exc: object) -> None: ...


class no_grad(metaclass=_Bracketed):  # noqa: N801 - used like a function
    """Context manager or decorator: operations inside are not recorded, in this thread.

    Raises
    ------
    TypeError
        If it is given an argument: as a decorator it is written ``@ad.no_grad()``.

    Examples
    --------
    >>> import autodiff as ad
    >>> x = ad.tensor(2.0, requires_grad=True)
    >>> with ad.no_grad():
    ...     (x * 2).requires_grad
    False
    """

    def __init__(self, *misplaced: Never) -> None:
        if misplaced:
            raise TypeError("ad.no_grad takes no arguments. Write `@ad.no_grad()` above a function.")
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
            with no_grad():  # a new object for every call, since two threads may be inside at the same time
                return f(*args, **kwargs)

        return cast(F, unrecorded)


SCOPES: deque[tuple[str, int, int]] = deque(maxlen=16384)
"""The most recently closed scopes of all threads: the name, and the numbers before and after its nodes. Scopes that
have dropped out are missing in pictures of old graphs."""


class scope:  # noqa: N801 - used like a function
    """Context manager: operations inside belong to this name, in pictures and in compiled source.

    Parameters
    ----------
    name : str
        A picture joins the names of nested scopes with dots.

    Notes
    -----
    A scope notes only a range of node numbers, so operations inside cost nothing extra.

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
    """Make the C library reuse the memory of freed arrays, in the whole process.

    Parameters
    ----------
    megabytes : int, default 30
        Memory of arrays up to this size is reused; the GNU C library allows at most 32.

    Notes
    -----
    By default the memory of an array of 128 KB or more goes back to the system when the array is freed. Every page of
    the next array then costs a page fault, which is half the time of a sweep over a few such arrays. The GNU C library
    reuses blocks up to the size of the largest one freed so far, so this function allocates one and frees it, which
    takes microseconds. A program that has already freed data of that size gains nothing; other C libraries ignore it.

    Examples
    --------
    >>> import autodiff as ad
    >>> ad.keep_memory()
    """
    np.empty(megabytes << 20, np.uint8)
