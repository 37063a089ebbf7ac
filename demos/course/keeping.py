"""The learner's folder: his files, and his progress in a JSON file that he can read."""

from __future__ import annotations

import datetime
import json
import os
from pathlib import Path
from typing import Any

from demos.course.records import Exercise

NAME = "progress.json"


class Progress:
    """What was tried and solved when: a dict for each exercise, with `attempts`, `solved`, `last` and `hints`.

    A file that cannot be read is renamed and told of in `complaint`; nothing of it is lost.
    """

    def __init__(self, folder: Path) -> None:
        self.file, self.complaint = folder / NAME, ""
        self.entries: dict[str, dict[str, Any]] = {}
        if not self.file.exists():
            return
        try:
            self.entries = _checked(json.loads(self.file.read_text(encoding="utf-8")))
        except (ValueError, RecursionError) as error:
            kept = _free(self.file)
            os.replace(self.file, kept)
            self.complaint = (
                f"{self.file} is damaged ({str(error)[:120]}). It is kept as {kept.name}, and progress begins anew: "
                f"mend it and name it {NAME} again to have it back."
            )

    def solved(self, exercise: Exercise) -> str:
        """When an exercise was solved, or an empty text."""
        return str(self._entry(exercise).get("solved") or "")

    def attempts(self, exercise: Exercise) -> int:
        """How often it was graded."""
        return int(self._entry(exercise).get("attempts", 0))

    def hints(self, exercise: Exercise) -> int:
        """How many hints were asked for."""
        return int(self._entry(exercise).get("hints", 0))

    def attempted(self, exercise: Exercise, kind: str) -> None:
        """Write down an attempt and how it ended, in a word."""
        entry = self._entry(exercise)
        entry["attempts"] = self.attempts(exercise) + 1
        entry["last"] = kind
        if kind == "right" and not entry.get("solved"):
            entry["solved"] = datetime.datetime.now().isoformat(sep=" ", timespec="seconds")
        self._write(exercise, entry)

    def hinted(self, exercise: Exercise) -> int:
        """Count one more hint; the number of this one, from 0."""
        entry = self._entry(exercise)
        entry["hints"] = self.hints(exercise) + 1
        self._write(exercise, entry)
        return int(entry["hints"]) - 1

    def _entry(self, exercise: Exercise) -> dict[str, Any]:
        return dict(self.entries.get(exercise.name, {}))

    def _write(self, exercise: Exercise, entry: dict[str, Any]) -> None:
        self.entries[exercise.name] = entry
        self.file.parent.mkdir(parents=True, exist_ok=True)
        new = self.file.with_name(f"{NAME}.{os.getpid()}.new")
        new.write_text(json.dumps(self.entries, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(new, self.file)  # whole or not at all, also when the machine stops now


def _checked(found: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(found, dict):
        raise ValueError("it holds no table of exercises")
    for name, entry in found.items():
        if not isinstance(entry, dict):
            raise ValueError(f"the entry of {name} is no table")
        for key in ("attempts", "hints"):
            if type(entry.get(key, 0)) is not int or entry.get(key, 0) < 0:
                raise ValueError(f"{key} of {name} is no count")
        if not isinstance(entry.get("solved", ""), str):
            raise ValueError(f"solved of {name} is no date")
    return found


def _free(file: Path) -> Path:
    """A name beside the file that nothing has yet."""
    i = 1
    while (kept := file.with_name(f"{file.stem}.damaged-{i}{file.suffix}")).exists():
        i += 1
    return kept
