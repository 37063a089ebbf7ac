"""``python -m demos course``: the list, the tasks, the grades, the hints and the solutions."""

from __future__ import annotations

import argparse
import io
import os
import sys
from pathlib import Path

from demos.course.exercises import CHAPTERS
from demos.course.keeping import Progress
from demos.course.records import Exercise, exercises, nearest
from demos.course.running import graded

PROGRAM = "python -m demos course"


def main(arguments: list[str]) -> None:
    """Do what the command line says; it ends with 1 if an answer is wrong, and with 2 if it was misunderstood."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description="Exercises that grade themselves.")
    parser.add_argument(
        "words",
        nargs="*",
        metavar="NAME | check [NAME ...] | solution NAME",
        help="the exercise to begin; or what to do with which. Without any: the list",
    )
    parser.add_argument("--folder", type=Path, default=Path("course"), help="where your files are (course)")
    parser.add_argument("--hint", action="store_true", help="one more hint")
    parser.add_argument("--force", action="store_true", help="the solution also before an attempt")
    given = parser.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that knows no σ shows a question mark
    do, *names = given.words or ["list"]
    if do not in ("list", "check", "solution"):
        do, names = "begin", given.words
    chosen = [_named(name) for name in names]
    fine = True
    try:
        progress = Progress(given.folder)
        if progress.complaint:
            print(progress.complaint, file=sys.stderr)
        if do == "list":
            show_list(progress)
        elif do == "check":
            fine = check(chosen, given.folder, progress, hint=given.hint)
        elif len(chosen) != 1:
            parser.error(
                f"{'solution' if do == 'solution' else 'an exercise'} takes one name; for the names: {PROGRAM}"
            )
        elif do == "solution":
            fine = show_solution(chosen[0], progress, force=given.force)
        else:
            begin(chosen[0], given.folder, progress, hint=given.hint)
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # of `| head`, which has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        sys.exit(f"the folder {given.folder} cannot be used: {error.strerror or error}")
    if do in ("check", "solution"):
        sys.exit(0 if fine else 1)


def _named(name: str) -> Exercise:
    """The exercise of this name, which may also be that of its function or its file."""
    wanted = Path(name).name.removesuffix(".py").replace("_", "-").lower()
    if wanted in exercises():
        return exercises()[wanted]
    near = nearest(wanted)
    more = f"did you mean {' or '.join(near)}?" if near else f"the names: {PROGRAM}"
    print(f"no exercise is named {name!r}; {more}", file=sys.stderr)
    sys.exit(2)


def show_list(progress: Progress) -> None:
    """All chapters and exercises, with what is solved."""
    every = list(exercises().values())
    solved = sum(bool(progress.solved(e)) for e in every)
    print(f"{solved} of {len(every)} exercises are solved.")
    print(f"{PROGRAM} NAME begins one, {PROGRAM} check grades what you wrote.")
    for chapter, title in CHAPTERS.items():
        print(f"\n{title}")
        for e in every:
            if e.chapter == chapter:
                mark, note = _state(e, progress)
                print(f"  {mark} {e.name:32s} {e.title}{note}")


def _state(exercise: Exercise, progress: Progress) -> tuple[str, str]:
    """How far the learner is with an exercise, as a mark and in words."""
    tried = progress.attempts(exercise)
    attempts = f"{tried} attempt{'s' * (tried != 1)}"
    if when := progress.solved(exercise):
        return "✓", f" (solved on {when[:10]}, {attempts})"
    return ("·", f" ({attempts})") if tried else (" ", "")


def begin(exercise: Exercise, folder: Path, progress: Progress, *, hint: bool) -> None:
    """Show a task, and write the file to begin with."""
    print(f"{exercise.title} ({CHAPTERS[exercise.chapter]})\n\n{exercise.task}\n\n{exercise.signature}\n")
    print("Example:\n" + "\n".join(f"  {line}" for line in exercise.shown_example().splitlines()))
    file = folder / f"{exercise.name}.py"
    if file.exists():
        print(f"\nYour file is {file}.")
    else:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(exercise.template, encoding="utf-8")
        print(f"\nWrite your answer in {file}.")
    if hint:
        show_hint(exercise, progress)
    when = progress.solved(exercise)
    print(f"Solved on {when}." if when else f"Then: {PROGRAM} check {exercise.name}")


def show_hint(exercise: Exercise, progress: Progress) -> None:
    """The next hint; after the last one, where the solution is."""
    i = progress.hinted(exercise)
    if i < len(exercise.hints):
        print(f"  Hint {i + 1} of {len(exercise.hints)}: {exercise.hints[i]}")
    else:
        print(f"  There is no other hint; {PROGRAM} solution {exercise.name} shows the solution.")


def check(chosen: list[Exercise], folder: Path, progress: Progress, *, hint: bool) -> bool:
    """Grade the files; without names, all that are there. Whether all answers are right."""
    if not chosen:
        chosen = [e for e in exercises().values() if (folder / f"{e.name}.py").exists()]
        if not chosen:
            print(f"there are no answers in {folder} yet; {PROGRAM} shows the exercises")
            return False
    right = True
    for exercise in chosen:
        file = folder / f"{exercise.name}.py"
        if not file.exists():
            print(f"{exercise.name}: there is no {file} yet; {PROGRAM} {exercise.name} writes it.")
            right = False
            continue
        if _is_template(exercise, file):
            print(f"{exercise.name}: not begun yet; your answer belongs in {file}.")
            verdict = None
        else:
            verdict = graded(exercise, file.resolve())
            progress.attempted(exercise, verdict.kind)
            print(verdict)
        if not verdict:
            right = False
            if hint:
                show_hint(exercise, progress)
    return right


def _is_template(exercise: Exercise, file: Path) -> bool:
    return file.read_text(encoding="utf-8", errors="replace").strip() == exercise.template.strip()


def show_solution(exercise: Exercise, progress: Progress, *, force: bool) -> bool:
    """The worked solution, after an attempt."""
    if not progress.attempts(exercise) and not force:
        print(f"Try it first: {PROGRAM} {exercise.name}. (--force shows the solution at once.)")
        return False
    print(exercise.program, end="")
    return True
