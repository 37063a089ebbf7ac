"""The program that a room offers runs as it is, and prints what the room shows."""

import base64
import contextlib
import io
import json
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest

from demos.explorer.answering import answer

STATES = {
    "curve": ("curve", {"sums": True, "taylor": True, "secant": True, "parabola": True, "rule": "trapezoid"}),
    "curve at a pole": ("curve", {"f": "1/x", "x": 0.0, "tangent": False}),
    "curve outside its domain": (
        "curve",
        {"f": "log(x)", "x": -1.0, "taylor": True, "sums": True, "a": -1.0, "second": True},
    ),
    "curve with conditions": ("curve", {"f": "x^2 if 0 < x < 1 or not x > -1 else 2^-x", "x": 0.5}),
    "surface": ("surface", {"critical": True}),
    "surface with constants": ("surface", {"f": "pi*x^2 + e^y + tau"}),
    "surface nowhere": ("surface", {"f": "sqrt(-1-x^2)", "critical": True}),
    "surface of whole numbers": ("surface", {"f": "1 if x > y else 2"}),
    "descent": ("descent", {"methods": "gd,momentum,nesterov,rmsprop,adam,lbfgs,newton", "steps": 20}),
    "descent that diverges": ("descent", {"f": "x^2 + 10*y^2", "methods": "gd", "rate": 0.2, "steps": 300}),
    "descent from outside the domain": ("descent", {"f": "log(x)", "x": -1.0, "methods": "gd,newton,lbfgs"}),
    "descent on a constant": ("descent", {"f": "5", "methods": "gd,newton"}),
    "no descent": ("descent", {"methods": ""}),
    "graph": ("graph", {}),
    "graph of y": ("graph", {"f": "max(y, 0.1)*exp(-y)"}),
    "fields": ("fields", {"radii": "1,1.3,0.8,1,1.2,0.7"}),
    "a pole inside": ("fields", {"P": "-y/(x^2+y^2)", "Q": "x/(x^2+y^2)", "x": 0.1, "colour": "length"}),
    "a pole on the loop": ("fields", {"P": "1/(x-0.3)", "Q": "0", "colour": "divergence"}),
    "a field nowhere": ("fields", {"P": "1/0", "Q": "0"}),
    "a constant field": ("fields", {"P": "1", "Q": "2"}),
}

UNDEFINED = {
    *("curve at a pole", "curve outside its domain", "surface nowhere", "no descent"),
    *("a pole on the loop", "a field nowhere"),
}
"""The states that show no finite number, of which there is nothing to compare."""


@pytest.mark.parametrize("name", STATES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of a pole
def test_the_program_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plt, "show", lambda: None)
    room, state = STATES[name]
    found = json.loads(answer(json.dumps({"room": room, "ask": "view", "state": state}), {}))
    assert "error" not in found, found
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(found["python"], f"{name}.py", "exec"), {"__name__": "__main__"})
    pictures = plt.get_fignums()
    plt.close("all")
    assert pictures or room == "graph" or "nowhere" in name
    numbers = [float(text) for text in re.findall(r"-?\d+\.?\d*(?:e[+-]?\d+)?", printed.getvalue())]
    expected = finite(shown(room, found))
    assert bool(expected) == (name not in UNDEFINED)
    digits = 1e-3 if room == "graph" else 1e-6  # its tables are short
    for label, value in expected.items():
        assert np.isclose(numbers, value, rtol=digits, atol=1e-8).any(), (label, value, printed.getvalue())


def shown(room, found):
    """The numbers of an answer that its program prints, by their names."""
    if room == "graph":
        return found["gradient"] | {"value": found["value"]}
    if room == "descent":  # where each path ends
        return {name: ends(path["value"]) for name, path in found["paths"].items()}
    return {label: found["numbers"].get(label) for label in ("value", "slope", "second", "fx", "fxy", "circulation")}


def ends(sent):
    """The last number of an array that was sent."""
    return float(np.frombuffer(base64.b64decode(sent["bdata"]))[-1])


def finite(numbers):
    return {name: x for name, x in numbers.items() if isinstance(x, float) and np.isfinite(x)}
