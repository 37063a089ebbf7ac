"""Switches of a context or a thread: whether operations are recorded, who watches, who traces calls.

Nearly always all are at their defaults. Then an operation reads one number, `active`, and nothing else.
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
"""Counts changes to modules of networks, over all threads. A compiled program reads it before each run."""
_lock = threading.Lock()
active = 0
"""How many switches are not at their default, over all threads. While it is 0, an operation need not
read the thread-local, which is slow."""


_switches: ContextVar[tuple[set_recording, ...]] = ContextVar("autodiff_switches", default=())
"""The open switches of this context (a thread, an asyncio task), in the order in which they were opened.

Generators open and close switches in any order, and perhaps in different contexts. So closing does not restore an
earlier state: each switch removes itself, and a switch that was closed in another context is ignored."""


def is_recording() -> bool:
    """Whether operations of this context are being recorded."""
    if not active:
        return True
    for switch in reversed(_switches.get()):
        if switch.is_open:
            return switch.on
    return True


class set_recording:  # noqa: N801 - a context manager, used like a function
    """Context manager: switch recording on or off in this context. Each use needs its own object."""

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


# --- watchers and the tracer


class watching:  # noqa: N801 - a context manager, used like a function
    """Context manager: a `tape.Watcher` observes this thread."""

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
    """The tracer that records the NumPy calls of this thread for `compile`, or None."""
    return _modes.tracer if active else None


def is_traced(x: Any) -> bool:
    """Whether `x` stands in for an array in a function that is being compiled."""
    return hasattr(type(x), "__autodiff_traced__")


def set_tracer(new: Any) -> Any:
    """Set the tracer of this thread, or None; returns the previous one. A tracer must be `watching` as well."""
    before, _modes.tracer = _modes.tracer, new
    return before


def refusal(text: str) -> CompileError:
    """The error about something that cannot be compiled. The tracer keeps it, and raises it even if it is caught."""
    error = CompileError(text)
    if _modes.tracer is not None:
        _modes.tracer.refusal = _modes.tracer.refusal or error
    return error


def is_watched() -> bool:
    """Whether a watcher observes this thread."""
    return bool(active and _modes.watchers)


def tell_recorded(node: Any) -> None:
    """Show a new node to the watchers. Call it only while `active` is not 0."""
    for watcher in _modes.watchers:
        watcher.recorded(node)


def tell_met(
    function: Callable[..., Any], args: tuple[Any, ...], parents: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    """Show the watchers a function that leaves no node of its own. Call it only while `active` is not 0."""
    for watcher in _modes.watchers:
        watcher.met(function, args, parents, keywords)


def tell_swept(nodes: Iterable[Any], values: dict[Any, Any], targets: Any, *, reverse: bool) -> Iterable[Any]:
    """The nodes of a sweep, shown to the watchers as they pass. Call it only while `active` is not 0."""
    for watcher in _modes.watchers:
        nodes = watcher.swept(nodes, values, targets, reverse=reverse)
    return nodes


def enter_scope(name: str) -> None:
    """Note that a named scope begins, if a watcher observes this thread."""
    if _modes.watchers:
        _modes.scopes = (*_modes.scopes, name)


def leave_scope(name: str) -> None:
    """Note that a named scope ends. One that began before the watching did is not known."""
    if _modes.scopes and _modes.scopes[-1] == name:
        _modes.scopes = _modes.scopes[:-1]


def open_scopes() -> tuple[str, ...]:
    """The open named scopes of this thread, outermost first, from those that began while it was watched."""
    return _modes.scopes
