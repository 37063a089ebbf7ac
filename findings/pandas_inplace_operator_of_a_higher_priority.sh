#!/usr/bin/env bash
# pandas lets a class with a higher __pandas_priority__ answer for binary operators: Series + other returns
# NotImplemented, and Python asks other.__radd__. The operators in place do not: Series += other takes the
# NotImplemented for the result and fails with an AttributeError, although s = s + other works and Python would fall
# back to just that if __iadd__ itself returned NotImplemented. Met when a column met a tensor of an autodiff engine.
# Versions: pandas 3.1.1. Exit status 0 as long as the behaviour is as described.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet pandas==3.1.1
"$folder/env/bin/python" - <<'PY'
import pandas as pd


class Other:
    __pandas_priority__ = 5000  # above those of Series (3000) and DataFrame (4000)

    def __radd__(self, left):
        return f"Other answered for a {type(left).__name__}"


for frame in (pd.Series([1.0, 2.0]), pd.DataFrame({"a": [1.0, 2.0]})):
    kind = type(frame).__name__
    print(f"{kind} + other:", answer := frame + Other())
    assert answer == f"Other answered for a {kind}"
    try:
        frame += Other()
    except AttributeError as error:
        print(f"{kind} += other: AttributeError: {error}")
        assert "NotImplementedType" in str(error)
    else:
        raise AssertionError(f"{kind} += other has an answer now: {frame!r}")
PY
