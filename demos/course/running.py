"""The learner's code in a process of its own, with a limit of time and of memory.

The time is watched twice: a timer in the process says in which line it was, and the parent ends a process that does not
heed it, together with those that it started. Of what the code prints the beginning is kept; what it would read from the
keyboard is refused. The verdict comes back as JSON, so that nothing the code could send is run here.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import json
import multiprocessing
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from demos.course.guarding import Guard, limit_files
from demos.course.judging import InputError, TimeUpError, Verdict, judge, said
from demos.course.records import Exercise, Function, exercises
from demos.limiting import limit_memory

SECONDS = 5.0
"""How long an answer may take for all cases."""
MEMORY = 1 << 29
"""How many bytes it may take beyond what the process has."""
FILE = 1 << 26
"""How many bytes a file may have that it writes."""
START = 10.0
"""How many seconds a process may need before the time of its answer begins."""
SHOWN = 400
"""How many characters of what it prints are shown."""


class Printed(io.TextIOBase):
    """Takes what is printed, and keeps the beginning."""

    def __init__(self) -> None:
        self.kept, self.count = "", 0

    def write(self, text: str) -> int:
        """Keep the text while there is room."""
        self.kept += text[: max(0, SHOWN - len(self.kept))]
        self.count += len(text)
        return len(text)

    def __str__(self) -> str:
        cut = f" ... ({self.count} characters)" if self.count > SHOWN else ""
        return " ".join(self.kept.split()) + cut


def graded(exercise: Exercise, answer: Path | Function, seconds: float = SECONDS) -> Verdict:
    """The verdict on a file or a function; whatever it does, this returns soon, and raises nothing."""
    if callable(answer) and "fork" not in multiprocessing.get_all_start_methods():
        return _here(exercise, answer, seconds)
    context: Any = multiprocessing.get_context(_method(answer))
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(theirs, exercise.name, answer, seconds), daemon=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a fork beside threads: the child uses none
        process.start()
    theirs.close()
    watch = threading.Timer(START + seconds + 2, _ended, [process])  # also where half a message holds us up
    watch.start()
    try:
        verdict = _received(ours, seconds)
        if verdict is not None:
            return verdict
        process.join(0.2)
        slow = process.is_alive() or not watch.is_alive()
    finally:
        watch.cancel()
        _ended(process)
        process.join()
        ours.close()
    if slow:
        return Verdict(exercise.name, "time", f"It was stopped after {seconds:g} seconds: what should stop the loop?")
    return Verdict(
        exercise.name,
        "ended",
        "It ended the whole program without an answer: is there an exit in it, or does it need too much memory?",
    )


def _here(exercise: Exercise, answer: Function, seconds: float) -> Verdict:
    """Grade a function in this process, where the system can make no process that knows it."""
    printed = Printed()
    with alone(printed), alarm(seconds):
        verdict = judged(exercise, answer)
    verdict.printed = str(printed)
    return verdict


def _method(answer: Path | Function) -> str:
    """How the process is made: a function of a notebook exists in a fork only."""
    methods = multiprocessing.get_all_start_methods()
    return "fork" if "fork" in methods and (callable(answer) or sys.platform == "linux") else "spawn"


def _received(connection: Connection, seconds: float) -> Verdict | None:
    """The verdict, after the sign that the answer's time has begun; None if it does not come or is none."""
    try:
        if not connection.poll(START):
            return None
        connection.recv_bytes()
        return Verdict(**json.loads(connection.recv_bytes())) if connection.poll(seconds + 1) else None
    except (EOFError, OSError, ValueError, TypeError):
        return None


def _ended(process: Any) -> None:
    """Kill a process and, where the system has groups of processes, all that it started."""
    with contextlib.suppress(AttributeError, OSError):  # Windows; it has no group yet, or none any more
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _child(connection: Connection, name: str, answer: Path | Function, seconds: float) -> None:
    if hasattr(os, "setsid"):
        os.setsid()  # a group of its own, which can be ended as a whole
    exercise = exercises()[name]
    _ = exercise.cases  # the reference's time is not the learner's
    limit_memory(MEMORY)
    limit_files(FILE)
    _silent()
    connection.send_bytes(b"begun")
    printed = Printed()
    try:
        with alone(printed), alarm(seconds):
            verdict = judged(exercise, answer)
    except Exception as error:  # ours, not the learner's: he is told, and not shown
        told = f"The grading itself failed ({type(error).__name__}: {error}). Please report it with your answer."
        verdict = Verdict(exercise.name, "fault", told)
    verdict.printed = str(printed)
    connection.send_bytes(json.dumps(verdict.as_dict()).encode())
    connection.close()
    os._exit(0)  # threads that the answer started are not waited for


def _silent() -> None:
    """Close what would reach the terminal past `sys.stdout`, in this process."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)


def judged(exercise: Exercise, answer: Path | Function) -> Verdict:
    """The verdict, in this process; whatever the answer has replaced in other modules is put back."""
    guard = Guard()
    try:
        found = read(exercise, answer) if isinstance(answer, Path) else answer
        if not (replaced := guard.restored()):
            if isinstance(found, Verdict):
                return found
            verdict = judge(exercise, found, str(answer) if isinstance(answer, Path) else None)
    except Exception:  # perhaps because of what it has replaced
        if not (replaced := guard.restored()):
            raise
    replaced = replaced or guard.restored()
    if not replaced:
        return verdict
    told = f"It replaces `{replaced}`, which other programs use too, for all of them: give yours a name of its own."
    return Verdict(exercise.name, "replaced", told)


def read(exercise: Exercise, file: Path) -> Function | Verdict:
    """The learner's function from his file, or why there is none."""

    def told(kind: str, hint: str) -> Verdict:
        return Verdict(exercise.name, kind, hint)

    try:
        text = file.read_text(encoding="utf-8-sig")
        code = compile(text, str(file), "exec")
    except SyntaxError as error:
        line = f"line {error.lineno}: `{(error.text or '').strip()[:100]}`" if error.lineno else "the file"
        return told("syntax", f"Python cannot read {line} ({error.msg}).")
    except (ValueError, OSError, MemoryError, RecursionError) as error:
        return told("syntax", f"The file cannot be read as a program: {str(error) or 'it is nested too deeply'}.")
    if str(file.parent) not in sys.path:
        sys.path.insert(0, str(file.parent))  # he may have written helpers beside it
    names: dict[str, Any] = {"__name__": exercise.name, "__file__": str(file)}
    try:
        exec(code, names)
    except TimeUpError:
        return told("time", "The file itself does not come to an end: what should stop the loop?")
    except SystemExit:
        return told("exit", "The file ends the whole program (exit or quit) before anything is graded.")
    except InputError:
        return told("input", "The file waits for somebody to type (input): use the arguments instead.")
    except BaseException as error:
        line = next((f" (line {f.lineno}: `{f.line}`)" for f in _frames(error) if f.filename == str(file)), "")
        return told("error", f"The file stops with {said(error)}{line}.")
    finally:
        sys.settrace(None)
        sys.setprofile(None)
    if exercise.function in names:
        found: Function = names[exercise.function]
        return found
    own = [k for k, v in names.items() if callable(v) and getattr(v, "__module__", None) == exercise.name]
    near = get_close_matches(exercise.function, own, 1, 0.5) or own[:1]
    more = f" There is `{near[0]}`: rename it." if near else ""
    word = "class" if exercise.is_class else "function"
    return told("name", f"The file defines no {word} `{exercise.function}`.{more}")


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    return list(reversed(traceback.extract_tb(error.__traceback__)))


@contextlib.contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """After so many seconds, `TimeUpError` is raised wherever the program is; in the main thread of a Unix system."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_: Any) -> None:
        raise TimeUpError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def alone(printed: Printed) -> Iterator[None]:
    """No keyboard and no screen: what is printed is caught, and `input` raises `InputError`."""

    def refused(prompt: object = "") -> str:
        raise InputError

    typed: Callable[..., str] = builtins.input
    builtins.input = refused
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(Printed()):
            yield
    finally:
        builtins.input = typed
