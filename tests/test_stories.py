"""The stories in tests/stories hold: each is a program as a user would write it, and its last line is `ok`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STORIES = sorted((ROOT / "tests" / "stories").glob("*.py"))
SECONDS = 300


def run_story(file, folder):
    """Run the program `file` in `folder`, with the project on its path; an AssertionError tells what fell short."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, str(file)]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path, "MPLBACKEND": "Agg"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        pytest.fail(f"story `{file.stem}` ran past {SECONDS} s")
    lines = done.stdout.splitlines()
    if done.returncode or not lines or lines[-1] != "ok":
        how = f"ended with exit code {done.returncode}" if done.returncode else "did not end with the line `ok`"
        pytest.fail(
            f"story `{file.stem}` {how}\n"
            f"by hand, from another folder: PYTHONPATH={ROOT} {' '.join(command)}\n"
            f"--- the last it printed\n{chr(10).join(lines[-10:])}\n"
            f"--- its errors\n{done.stderr[-4000:]}",
            pytrace=False,
        )


@pytest.mark.parametrize("file", STORIES, ids=lambda file: file.stem)
def test_story_holds(file, tmp_path):
    run_story(file, tmp_path)


def test_there_are_stories():
    assert STORIES


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("print('ok'); raise ValueError('why')", "(?s)exit code 1.*ValueError: why"),
        ("print('ok'); print('and more')", "did not end with the line `ok`(?s:.*)and more"),
        ("pass", "did not end with the line `ok`"),
    ],
)
def test_a_story_that_falls_short_is_caught(program, told, tmp_path):
    file = tmp_path / "short.py"
    file.write_text(program)
    with pytest.raises(pytest.fail.Exception, match=told):
        run_story(file, tmp_path)
