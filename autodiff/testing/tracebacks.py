"""Tracebacks of failed checks without the engine's own frames, for pytest's output."""

from __future__ import annotations

from types import FrameType, TracebackType

from autodiff.errors import AutodiffError
from autodiff.names.packages import PACKAGES


def end_at_the_users_line(error: BaseException, start: TracebackType | None) -> None:
    """Take the engine's frames out of the traceback of a failed check, and out of those of its causes.

    Frames before a line of the user go in any case. Those after the last one stay if the error is not one of ours: then
    they show where it comes from.

    Parameters
    ----------
    error : BaseException
        The error, which is changed in place. Errors that do not pass through `autodiff.testing` are left alone.
    start : traceback, or None
        Where its traceback begins; causes begin at their ``__traceback__``.
    """
    ours = any(_name(tb.tb_frame).startswith("autodiff.testing.") for tb in _entries(start))
    seen: set[int] = set()
    head, current = start, error
    while ours and id(current) not in seen:
        seen.add(id(current))
        kept = _without_engine(head, to_the_end=isinstance(current, AutodiffError))
        if kept is not None and current is not error:
            current.__traceback__ = kept
        following = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
        if following is None:
            return
        head, current = following.__traceback__, following


def _without_engine(start: TracebackType | None, *, to_the_end: bool) -> TracebackType | None:
    """The first of the entries that stay, linked to the others; None, and nothing changed, if none would stay."""
    entries = _entries(start)
    users = [k for k, tb in enumerate(entries) if not is_engine(tb.tb_frame)]
    if not users:
        return None
    kept = [entries[k] for k in users] + ([] if to_the_end else entries[users[-1] + 1 :])
    for tb, following in zip(kept, [*kept[1:], None], strict=True):
        tb.tb_next = following
    return kept[0]


def _entries(start: TracebackType | None) -> list[TracebackType]:
    found = []
    while start is not None:
        found.append(start)
        start = start.tb_next
    return found


def is_engine(frame: FrameType) -> bool:
    """Whether a frame runs code of one of the three packages."""
    return _name(frame).partition(".")[0] in PACKAGES


def _name(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))
