"""Names for the values of a trace: from the user's variables and layers, and for a cotangent from its primal.

Here a name is any text; `identifiers` turns it into a name of a program.
"""

from __future__ import annotations

from typing import Any

from autodiff.compiler.values import Op, Value


def name_results(ops: list[Op], names: dict[Value, str], cotangents: dict[Value, Value]) -> None:
    """Name the values of a trace that have no name yet.

    Parameters
    ----------
    ops : list of Op
    names : dict of Value to str
        The user's names.
    cotangents : dict of Value to Value
        For each cotangent its primal.
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
    """The name of a layer: ``"2 Linear"`` becomes linear_2, ``"encoder.fc1 Linear"`` becomes fc1."""
    path, _, kind = str(scope).rpartition(" ")
    own = path.rpartition(".")[2]
    return f"{kind.lower()}_{own}" if own.isdigit() else own or kind.lower()


def own_name(path: Any) -> str:
    """The name of a parameter: ``"2.weight"`` becomes weight_2, ``"encoder.fc1.weight"`` becomes fc1_weight."""
    layer, _, own = str(path).rpartition(".")
    last = layer.rpartition(".")[2]
    return own if not layer else f"{own}_{last}" if last.isdigit() else f"{last}_{own}"
