"""What is switched on: recording, who looks on, who writes down the calls; for a context or a thread.

Nearly always nothing is, and then an operation looks at one number, `active`, and no further.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

from autodiff.errors import CompileError


class _Modes(threading.local):
    watchers: tuple[Any, ...] = ()
    scopes: tuple[str, ...] = ()
    tracer: Any = None


_modes = _Modes()
structure = [0]
"""Counts changes of modules of networks, over all threads: a compiled program looks at it before it is run."""
_lock = threading.Lock()
active = 0
"""How many switches are away from their default, over all threads. While it is 0, which is nearly
always, an operation need not look at the (slow) thread-local."""


_switches: ContextVar[tuple[set_recording, ...]] = ContextVar("autodiff_switches", default=())
"""The switches that are open in this context (a thread, a task of asyncio), in the order in which they were opened.

Generators open and close theirs in any order, and perhaps in different contexts. So nobody puts back what was there
before: each switch takes itself away, and one that was closed elsewhere counts for nothing."""


def is_recording() -> bool:
    """Whether operations of this context are recorded now."""
    if not active:
        return True
    for switch in reversed(_switches.get()):
        if switch.is_open:
            return switch.on
    return True


class set_recording:  # noqa: N801 - a context manager, used like a function
    """Context manager: record, or do not, in this context; an object for each time."""

    __slots__ = ("is_open", "on")

    def __init__(self, on: bool) -> None:
        self.on, self.is_open = on, False

    def __enter__(self) -> None:
        global active
        with _lock:
            active += 1
        self.is_open = True
        _switches.set((*[s for s in _switches.get() if s.is_open], self))

    def __exit__(self, *_: object) -> None:
        global active
        self.is_open = False
        _switches.set(tuple([s for s in _switches.get() if s.is_open]))
        with _lock:
            active -= 1


# --- who looks on


class watching:  # noqa: N801 - a context manager, used like a function
    """Context manager: somebody looks on in this thread."""

    __slots__ = ("watcher",)

    def __init__(self, watcher: Any) -> None:
        self.watcher = watcher

    def __enter__(self) -> None:
        global active
        _modes.watchers = (*_modes.watchers, self.watcher)
        with _lock:
            active += 1

    def __exit__(self, *_: object) -> None:
        global active
        _modes.watchers = tuple([w for w in _modes.watchers if w is not self.watcher])
        if not _modes.watchers:
            _modes.scopes = ()
        with _lock:
            active -= 1


def tracer() -> Any:
    """Who writes down the NumPy calls of this thread for `compile`, or None."""
    return _modes.tracer if active else None


def is_traced(x: Any) -> bool:
    """Whether this stands for an array in a function that is being compiled."""
    return hasattr(type(x), "__autodiff_traced__")


def set_tracer(new: Any) -> Any:
    """Let somebody write them down, who looks on as well, or nobody; returns who did before."""
    before, _modes.tracer = _modes.tracer, new
    return before


def refusal(text: str) -> CompileError:
    """The error about what cannot be compiled. Who writes down the calls notes it: caught, it is raised at the end."""
    error = CompileError(text)
    if _modes.tracer is not None:
        _modes.tracer.refusal = _modes.tracer.refusal or error
    return error


def is_watched() -> bool:
    """Whether somebody looks on in this thread."""
    return bool(active and _modes.watchers)


def tell_recorded(node: Any) -> None:
    """Show a node to those who look on. To be called while `active` is not 0."""
    for watcher in _modes.watchers:
        watcher.recorded(node)


def tell_met(
    function: Callable[..., Any], args: tuple[Any, ...], parents: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    """Show them a function that leaves no node of its own. To be called while `active` is not 0."""
    for watcher in _modes.watchers:
        watcher.met(function, args, parents, keywords)


def tell_swept(nodes: Iterable[Any], values: dict[Any, Any], targets: Any, *, reverse: bool) -> Iterable[Any]:
    """The nodes of a sweep, shown to those who look on. To be called while `active` is not 0."""
    for watcher in _modes.watchers:
        nodes = watcher.swept(nodes, values, targets, reverse=reverse)
    return nodes


def enter_scope(name: str) -> None:
    """Note that a named stretch begins, if somebody looks on."""
    if _modes.watchers:
        _modes.scopes = (*_modes.scopes, name)


def leave_scope(name: str) -> None:
    """Note that it ends; one that began before the watch is not known."""
    if _modes.scopes and _modes.scopes[-1] == name:
        _modes.scopes = _modes.scopes[:-1]


def open_scopes() -> tuple[str, ...]:
    """The named stretches of this thread that began since somebody looks on, the outermost first."""
    return _modes.scopes
