"""Write the table of docs/course/exercises.md: ``python docs/tools/exercises.py``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "course" / "exercises.md"
sys.path.insert(0, str(ROOT))

from demos.course.exercises import CHAPTERS  # noqa: E402  # after the path is set
from demos.course.records import exercises  # noqa: E402  # after the path is set


def table() -> str:
    """The chapters with their exercises."""
    lines = []
    for chapter, title in CHAPTERS.items():
        lines += [f"### {title}", "", "| exercise | what it is about | in the curriculum |", "| --- | --- | --- |"]
        for e in exercises().values():
            if e.chapter == chapter:
                bullet = e.serves.partition(": ")[2]
                lines.append(f"| `{e.name}` | {e.title} | {bullet} |")
        lines.append("")
    return "\n".join(lines)


def with_table(text: str) -> str:
    """The page with the table of today."""
    return re.sub(
        r"(<!-- table -->\n).*?(<!-- end -->)", lambda m: f"{m[1]}\n{table()}\n{m[2]}", text, count=1, flags=re.S
    )


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
