"""Exercises that grade themselves: write a function, and a hint says what is wrong with it.

``python -m demos course`` lists them. In a notebook or a script::

    from demos.course import check

    check("gradient-descent", my_function)
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from demos.course.judging import Verdict

__all__ = ["Verdict", "check", "main"]


def check(name: str, answer: Callable[..., Any], folder: str | Path | None = None, seconds: float = 5.0) -> Verdict:
    """Grade a function; the verdict is printed and returned.

    Parameters
    ----------
    name : str
        Name of the exercise; ``python -m demos course`` lists them.
    answer : callable
        Your function, or your class where one is asked for. It runs in a process of its own.
    folder : path, optional
        Where to write down the attempt, as the command does; by default nowhere.
    seconds : float, default 5.0
        How long it may take.

    Returns
    -------
    Verdict
        True if it is right, with ``kind``, ``hint`` and ``example``.

    Raises
    ------
    ValueError
        If no exercise has that name.
    """
    from demos.course.keeping import Progress
    from demos.course.records import exercises, nearest
    from demos.course.running import graded

    exercise = exercises().get(str(name).replace("_", "-").lower())
    if exercise is None:
        near = nearest(str(name))
        more = f"did you mean {' or '.join(map(repr, near))}?" if near else "`python -m demos course` lists them"
        raise ValueError(f"no exercise is named {name!r}; {more}")
    if not callable(answer):
        verdict = Verdict(exercise.name, "type", f"What is checked must be a function, not {answer!r:.100}.")
    else:
        verdict = graded(exercise, answer, seconds)
    if folder is not None:
        progress = Progress(Path(folder))
        if progress.complaint:
            print(progress.complaint)
        progress.attempted(exercise, verdict.kind)
    print(verdict)
    return verdict


def main(arguments: list[str]) -> None:
    """Show, begin and grade the exercises; ``--help`` lists the options."""
    from demos.course import command

    command.main(arguments)
