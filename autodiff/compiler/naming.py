"""Names for the values of a trace: those of the user's variables and layers, and of what they are the cotangents of.

They are any text here; `identifiers` makes names of a program of them.
"""

from __future__ import annotations

from typing import Any

from autodiff.compiler.values import Op, Value


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
