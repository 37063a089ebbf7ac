"""From the tape to vertices and edges: what is in a picture, before how it looks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

import numpy as np

from autodiff.modes import SCOPES
from autodiff.tape import ITEM, Leaf, Node
from autodiff.tensors import Tensor

Kind = Literal["parameter", "input", "constant", "operation", "result"]


class Vertex(NamedTuple):
    """One box.

    Attributes
    ----------
    key : str
        Unique in the graph.
    kind : {"parameter", "input", "constant", "operation", "result"}
        A tracked leaf, an argument of a transform, an untracked array, an operation, or one that is asked for.
    title : str
        Name of the leaf or operation.
    shape : str
        Shape and dtype of its value.
    details : tuple of str
        Further lines: constants of the operation.
    scope : tuple of str
        The scopes it was recorded in, outermost first.
    node : Node or None
        Where it comes from.
    """

    key: str
    kind: Kind
    title: str
    shape: str
    details: tuple[str, ...]
    scope: tuple[str, ...]
    node: Node | None


class Edge(NamedTuple):
    """An arrow from operand to operation, with the operand's position where there are several."""

    tail: str
    head: str
    label: str


class Graph(NamedTuple):
    """What is drawn."""

    vertices: list[Vertex]
    edges: list[Edge]


def read_graph(tensors: Iterable[Tensor]) -> Graph:
    """The graph of everything the tensors were computed from, in the order of recording.

    Parameters
    ----------
    tensors : iterable of Tensor
        Tracked; the results of interest.

    Returns
    -------
    Graph
        Untracked arrays appear where they enter an operation; Python numbers as a line in its box.
    """
    roots = {t._node: t for t in tensors if t._node is not None}
    values: dict[Node, Any] = {node: t._data for node, t in roots.items()}
    stack = list(roots)
    nodes: list[Node] = []
    seen = set(stack)
    while stack:
        node = stack.pop()
        nodes.append(node)
        for parent, x in zip(node.parents, node.operands, strict=True):
            if parent is not None and parent not in seen:
                seen.add(parent)
                values[parent] = x
                stack.append(parent)
    nodes.sort(key=lambda n: n.number)
    scopes = _scopes_of(nodes)
    vertices: list[Vertex] = []
    edges: list[Edge] = []
    for node in nodes:
        key = f"n{node.number}"
        shape = describe(values[node])
        name = getattr(node, "name", None)
        if node.primitive is None:
            kind: Kind = "parameter" if isinstance(node, Leaf) else "input"
            vertices.append(Vertex(key, kind, name or kind, shape, (), scopes[node], node))
            continue
        details = [name] if name else []
        several = len(node.operands) > 1
        for i, (parent, x) in enumerate(zip(node.parents, node.operands, strict=True)):
            label = str(i) if several and not _commutes(node) else ""
            if parent is not None:
                edges.append(Edge(f"n{parent.number}", key, label))
            elif isinstance(x, np.ndarray) and x.ndim:
                constant = f"{key}c{i}"
                vertices.append(Vertex(constant, "constant", "constant", describe(x), (), scopes[node], None))
                edges.append(Edge(constant, key, label))
            else:
                details.append(f"operand {i}: {_short(x)}" if several else _short(x))
        if node.primitive is ITEM:
            title = f"output {node.keywords['index']}"
        else:
            title = node.primitive.name
            details += [f"{k}={_short(v)}" for k, v in node.keywords.items() if v is not None and v is not False]
        vertices.append(
            Vertex(key, "result" if node in roots else "operation", title, shape, tuple(details), scopes[node], node)
        )
    return Graph(vertices, edges)


def describe(value: Any) -> str:
    """Shape and dtype of a value in one line: ``(32, 10) float32``."""
    if isinstance(value, tuple):
        return ", ".join(describe(v) for v in value)
    shape = np.shape(value)
    return f"{shape if shape else 'scalar'} {getattr(value, 'dtype', type(value).__name__)}"


def _short(value: Any) -> str:
    text = repr(value.item()) if isinstance(value, (np.generic, np.ndarray)) and np.ndim(value) == 0 else repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _commutes(node: Node) -> bool:
    return node.primitive is not None and node.primitive.name in ("add", "multiply", "maximum", "minimum")


def _scopes_of(nodes: list[Node]) -> dict[Node, tuple[str, ...]]:
    """For every node the names of the scopes around it; both lists are in the order of numbers."""
    if not nodes:
        return {}
    low, high = nodes[0].number, nodes[-1].number
    ranges = sorted((s for s in list(SCOPES) if s[1] <= high and s[2] >= low), key=lambda s: (s[1], -s[2]))
    found: dict[Node, tuple[str, ...]] = {}
    around: list[tuple[str, int, int]] = []
    upcoming = iter(ranges)
    following = next(upcoming, None)
    for node in nodes:
        while following is not None and following[1] < node.number:
            around.append(following)
            following = next(upcoming, None)
        around = [s for s in around if s[2] > node.number]
        found[node] = tuple(name for name, _, _ in around)
    return found
