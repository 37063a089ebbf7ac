"""Context managers of the user: hold back recording, name a stretch of it."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

import numpy as np

from autodiff.core import tape
from autodiff.core.tape import next_number, set_recording

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
        if tape.special:
            tape.enter_scope(self.name)

    def __exit__(self, *_: object) -> None:
        if tape.special:
            tape.leave_scope(self.name)
        if not tape.special or tape.is_recording():
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


# --- what a compiled function does beside computing -----------------------------------------------


def is_compiling() -> bool:
    """Whether the calls of this thread are being written down by `compile`."""
    return tape.tracer() is not None


def effect(function: Callable[[], object], tensors: Iterable[Any] = ()) -> None:
    """Do something that changes the world, now, and at every call of the function that is being compiled.

    Parameters
    ----------
    function : callable
        Without arguments: an optimiser's update.
    tensors : iterable of Tensor
        Those whose gradients it reads and whose values it changes in place.

    Examples
    --------
    >>> import autodiff as ad
    >>> done = []
    >>> ad.effect(lambda: done.append(1))
    >>> done
    [1]
    """
    tracer = tape.tracer()
    if tracer is None:
        function()
    else:
        tracer.do(function, tensors)


def live(function: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
    """What a function gives now; in a function that is being compiled it is called anew at every call.

    Parameters
    ----------
    function : callable
        Gives an array, and not the same one every time: random numbers, the next rows of a data set. Generators among
        its arguments, and the one it is a method of, are known as its state; if it draws from another, its attribute
        ``draws_from``, called with the same arguments, gives that.
    *args, **keywords
        For it.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> rng = np.random.default_rng(0)
    >>> noisy = ad.compile(lambda x: x + ad.live(rng.normal, size=2))
    >>> x = np.zeros(2)
    >>> bool((noisy(x) == noisy(x)).any())
    False
    """
    tracer = tape.tracer()
    return function(*args, **keywords) if tracer is None else tracer.record("live", function, function, args, keywords)


def check(function: Callable[..., object], *args: Any) -> None:
    """Let a function look at plain values and complain; in a function that is being compiled it looks at every call.

    Parameters
    ----------
    function : callable
        Raises an exception if something is wrong; what it returns is dropped.
    *args
        For it; of Tensors their values.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> def positive(x):
    ...     if (x <= 0).any():
    ...         raise ValueError("not positive")
    >>> ad.check(positive, ad.tensor([1.0, 2.0]))
    """
    tracer = tape.tracer()
    arrays = [getattr(a, "_data", a) for a in args]
    if tracer is None:
        function(*arrays)
    else:
        tracer.look(function, arrays)


def structure_changed() -> None:
    """Note that a module of a network was changed: compiled programs look whether it concerns them."""
    tape.structure[0] += 1
