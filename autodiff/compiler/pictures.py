"""The graph of a program, for `autodiff.draw`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from autodiff.compiler.values import Op, Value, values_in
from autodiff.drawing.graph import Edge, Graph, Kind, Scope, Vertex, short

_KINDS: dict[str, Kind] = {
    "argument": "input",
    "state": "parameter",
    "gradient": "saved",
    "constant": "constant",
    "made": "constant",
}


def graph_of(arguments: Sequence[Value], ops: Sequence[Op], answers: Sequence[Any]) -> Graph:
    """The graph of a program: arguments, states and operations as vertices, in the order in which they run.

    Parameters
    ----------
    arguments, ops, answers
        Those of a `Program`.

    Returns
    -------
    Graph
        Operations that belong to the rule of another operation form the backward pass.
    """
    made: dict[Value, str] = {}
    vertices: list[Vertex] = []
    edges: list[Edge] = []
    results = set(values_in(list(answers)))
    for v in arguments:
        _source(v, made, vertices)
    scopes = _calls(ops)
    for i, op in enumerate(ops):
        inputs = list(op.inputs())
        for v in inputs:
            if v not in made:
                _source(v, made, vertices)
        for j, v in enumerate(inputs):
            edges.append(Edge(made[v], f"o{i}", str(j) if len(inputs) > 1 else "", j))
        notes = [f"through {op.rule}"] if op.rule else []
        notes += [short(a) for a in op.args if isinstance(a, (bool, int, float, complex))]
        notes += [f"{k}={short(a)}" for k, a in op.keywords.items() if a is not None and not any(values_in(a))]
        kind: Kind = "result" if results.intersection(op.outputs) else "derivative" if op.rule else "operation"
        shapes: Any = tuple(op.outputs) if len(op.outputs) > 1 else op.outputs[0] if op.outputs else None
        vertices.append(Vertex(f"o{i}", kind, op.title, shapes, next(scopes), None, tuple(notes)))
        made |= dict.fromkeys(op.outputs, f"o{i}")
    return Graph(vertices, edges)


def _source(v: Value, made: dict[Value, str], vertices: list[Vertex]) -> None:
    made[v] = f"v{len(vertices)}"
    name = v.name or str(getattr(v.payload, "name", None) or v.kind)
    vertices.append(Vertex(made[v], _KINDS.get(v.kind, "constant"), name, v))


def _calls(ops: Sequence[Op]) -> Iterator[tuple[Scope, ...]]:
    """The scopes of each operation. Consecutive operations in scopes of the same names belong to the same call."""
    before: tuple[Scope, ...] = ()
    for number, op in enumerate(ops):
        shared = 0
        while shared < min(len(before), len(op.scope)) and before[shared].name == op.scope[shared]:
            shared += 1
        before = (*before[:shared], *(Scope(name, number) for name in op.scope[shared:]))
        yield before
