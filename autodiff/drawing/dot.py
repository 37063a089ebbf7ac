"""Vertices and edges as DOT text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import graphviz

from autodiff.drawing.graph import Graph, Kind, Vertex, read_graph
from autodiff.drawing.rendering import Picture
from autodiff.errors import GradientError
from autodiff.tensors import Tensor

# Fill and line: a colour-blind safe set (P. Tol's "light" scheme), dark text on light boxes on any page.
STYLES: dict[Kind, dict[str, str]] = {
    "parameter": {"fillcolor": "#EEDD88", "color": "#8C7A1E", "shape": "box"},
    "input": {"fillcolor": "#BBCC33", "color": "#5E6A12", "shape": "box"},
    "constant": {"fillcolor": "#DDDDDD", "color": "#777777", "shape": "box"},
    "operation": {"fillcolor": "#99DDFF", "color": "#2E7A9E", "shape": "box", "style": "rounded,filled"},
    "result": {"fillcolor": "#FFAABB", "color": "#A8455B", "shape": "box", "style": "rounded,filled"},
}
# The widths of a fallback font must fit the boxes: Verdana is wider than what stands in for it.
FONT = "Verdana"


def draw(y: Tensor | Sequence[Tensor], *, rankdir: str = "TB") -> Picture:
    """Draw the graph of everything a Tensor was computed from.

    Parameters
    ----------
    y : Tensor, or sequence of Tensor
        Tracked. Gradients made with ``create_graph=True`` show the backward pass too.
    rankdir : {"TB", "LR", "BT", "RL"}
        Direction of the arrows.

    Returns
    -------
    Picture
        A `graphviz.Digraph`: ``.source`` is the DOT text, ``.pipe(format="svg")`` the picture as bytes,
        ``.render("file", format="png")`` writes it; a notebook shows it by itself.

    Raises
    ------
    GradientError
        If a tensor is not tracked: it has no graph.

    Notes
    -----
    Boxes: leaves by their names, arguments of transforms, untracked arrays, operations with shape and dtype.
    Frames are the scopes (modules) in which operations were recorded. A number on an arrow is the operand's
    position.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> a = ad.tensor(2.0, requires_grad=True, name="a")
    >>> picture = ad.draw(np.tanh(a * 3.0))
    >>> "tanh" in picture.source, "label" in picture.source
    (True, True)
    """
    tensors = [y] if isinstance(y, Tensor) else list(y)
    for i, t in enumerate(tensors):
        if not isinstance(t, Tensor) or t._node is None:
            given = "is not tracked" if isinstance(t, Tensor) else f"is a {type(t).__name__}"
            raise GradientError(
                f"draw: tensor {i} {given}, so there is no graph. Compute it from a tensor made with "
                "requires_grad=True."
            )
    if rankdir not in ("TB", "LR", "BT", "RL"):
        raise ValueError(f'draw: rankdir is "TB", "LR", "BT" or "RL"; {rankdir!r} was given.')
    return to_dot(read_graph(tensors), rankdir=rankdir)


def to_dot(graph: Graph, *, rankdir: str = "TB") -> Picture:
    """The picture of a graph: a box a vertex, a frame a scope."""
    picture = Picture(
        graph_attr={"rankdir": rankdir, "fontname": FONT, "fontsize": "11", "ranksep": "0.35", "nodesep": "0.25"},
        node_attr={"fontname": FONT, "fontsize": "11", "style": "filled", "margin": "0.12,0.06", "height": "0.3"},
        edge_attr={"fontname": FONT, "fontsize": "9", "color": "#666666", "arrowsize": "0.7"},
    )
    _add(picture, graph.vertices, 0, "cluster")
    for edge in graph.edges:
        picture.edge(edge.tail, edge.head, **({"label": edge.label} if edge.label else {}))
    return picture


def _add(picture: Any, vertices: list[Vertex], level: int, prefix: str) -> None:
    """Boxes of this level, then a frame for each run of vertices in one scope (scopes nest a few levels deep)."""
    runs: list[tuple[str, list[Vertex]]] = []
    for v in vertices:
        if len(v.scope) <= level:
            picture.node(v.key, escape("\n".join((v.title, v.shape, *v.details))), **STYLES[v.kind])
        elif runs and runs[-1][0] == v.scope[level]:
            runs[-1][1].append(v)
        else:
            runs.append((v.scope[level], [v]))
    for i, (name, inside) in enumerate(runs):
        key = f"{prefix}_{i}"
        with picture.subgraph(name=key) as frame:
            frame.attr(label=escape(name), labeljust="l", style="rounded", color="#AAAAAA", fontcolor="#555555")
            _add(frame, inside, level + 1, key)


def escape(text: str, limit: int = 200) -> str:
    """A user's text as a DOT label: nothing in it is interpreted, lines stay lines, a very long text is cut."""
    text = text if len(text) <= limit else text[: limit - 3] + "..."
    text = "".join(c if c == "\n" or c.isprintable() else " " if c.isspace() else "�" for c in text)
    text = text.replace("&", "&amp;").replace("\\", "\\\\").replace("\n", "\\n")
    label: str = graphviz.nohtml(text)  # or the package takes "<...>" for HTML
    return label
