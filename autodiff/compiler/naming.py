"""Names for the values of a trace: those of the user's variables and layers, and of what they are the cotangents of.

They are any text here; `identifiers` makes names of a program of them.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from autodiff.compiler.program import Op, Value
from autodiff.compiler.tracer import Tracer
from autodiff.tensors import Tensor

_OURS = ("autodiff", "nn", "optim", "numpy")


class variables:  # noqa: N801 - a context manager, used like a function
    """Context manager: learn what the variables of the user's functions hold when these return.

    Attributes
    ----------
    names : dict of Value to str
        The first name that is met of each.
    """

    def __init__(self) -> None:
        self.names: dict[Value, str] = {}

    def __enter__(self) -> variables:
        self._before = sys.getprofile()
        if self._before is None:  # a profiler of the user's is not disturbed: then names are plainer
            sys.setprofile(self._look)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is None:
            sys.setprofile(None)

    def _look(self, frame: FrameType, event: str, _: Any) -> None:
        if event != "return" or frame.f_globals.get("__name__", "").partition(".")[0] in _OURS:
            return
        for name, held in frame.f_locals.items():
            data = held._data if isinstance(held, Tensor) else held
            if isinstance(data, Tracer):
                self.names.setdefault(data._var, name)


def name_results(ops: list[Op], names: dict[Value, str], cotangents: dict[Value, Value]) -> None:
    """Give the values of a trace their names, those that have none so far.

    Parameters
    ----------
    ops : list of Op
    names : dict of Value to str
        What the user calls them.
    cotangents : dict of Value to Value
        Of which value each is the cotangent.
    """
    for v, name in names.items():
        v.name = v.name or name
    forward = [op for op in ops if op.outputs and not op.rule]
    for op, following in zip(forward, [*forward[1:], None]):
        if op.scope and (following is None or following.scope != op.scope):
            op.outputs[0].name = op.outputs[0].name or layer_name(op.scope[-1])
    for op in ops:
        if op.form == "store" and isinstance(op.args[0], Value):
            op.args[0].name = op.args[0].name or f"grad_{own_name(getattr(op.function, 'name', '') or 'w')}"
    for v, primal in cotangents.items():
        if primal.name:
            v.name = v.name or f"ct_{primal.name}"


def layer_name(scope: Any) -> str:
    """``"2 Linear"`` is linear_2, ``"encoder.fc1 Linear"`` is fc1."""
    path, _, kind = str(scope).rpartition(" ")
    own = path.rpartition(".")[2]
    return f"{kind.lower()}_{own}" if own.isdigit() else own or kind.lower()


def own_name(path: Any) -> str:
    """Of a parameter: ``"2.weight"`` is weight_2, ``"encoder.fc1.weight"`` is fc1_weight."""
    layer, _, own = str(path).rpartition(".")
    last = layer.rpartition(".")[2]
    return own if not layer else f"{own}_{last}" if last.isdigit() else f"{last}_{own}"
