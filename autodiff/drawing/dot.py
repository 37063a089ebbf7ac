"""Vertices and edges as DOT text, with the colours and their legend."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from autodiff.drawing.graph import Edge, Graph, Kind, Scope, Vertex
from autodiff.drawing.labels import escape
from autodiff.drawing.rendering import Picture


class Style(NamedTuple):
    """The look of a kind of box, and its text in the legend."""

    fill: str
    line: str
    attributes: dict[str, str]
    meaning: str


# Tints (three fifths white) of the palette of M. Okabe and K. Ito, Color Universal Design, 2008, which colour-blind
# readers can tell apart; the shape or the line differs as well. The picture has its own white background, so dark text
# stays on a light ground in a dark page.
STYLES: dict[Kind, Style] = {
    "parameter": Style("#F5D999", "#E69F00", {"style": "filled"}, "parameter"),
    "input": Style("#99D8C7", "#009E73", {"style": "filled"}, "input"),
    "constant": Style("#E6E6E6", "#808080", {"style": "filled"}, "constant"),
    "saved": Style("#F9F4B3", "#8A8300", {"style": "filled,dashed"}, "saved by the forward pass"),
    "operation": Style("#BBE1F6", "#0072B2", {"style": "rounded,filled"}, "operation"),
    "derivative": Style("#EBC9DC", "#CC79A7", {"style": "rounded,filled"}, "backward pass"),
    "module": Style("#D6DCE4", "#333333", {"style": "filled,bold"}, "several in one box"),
    "result": Style("#EEBF99", "#D55E00", {"style": "rounded,filled", "peripheries": "2"}, "result"),
}
GROUND, TEXT = "white", "#111111"

# Text must fit the boxes even in a fallback font. Verdana is wider than the fonts that replace it.
FONT = "Verdana"

CROWD = 20
"""With more boxes than this, the type is smaller, and title and shape share a line."""

THRONG = 40
"""With more boxes than this, arrows do not show the operand's position: there is no room for labels."""

# In points. A pixel is three quarters of a point, and no text is smaller than 9 pixels.
LARGE, SMALL, SMALLEST = 11.0, 8.0, 7.0


def to_dot(
    graph: Graph,
    *,
    rankdir: str = "TB",
    lines: Mapping[str, Sequence[str]] | None = None,
    on_edges: Mapping[Edge, str] | None = None,
) -> Picture:
    """The picture of a graph: a box for each vertex, a frame for each scope, the legend below.

    Parameters
    ----------
    graph : Graph
    rankdir : {"TB", "LR", "BT", "RL"}
    lines : mapping of str to sequence of str, optional
        Extra lines for the boxes of vertices, by key.
    on_edges : mapping of Edge to str, optional
        Texts for arrows, after the operand's position.

    Returns
    -------
    Picture
    """
    lines, on_edges = lines or {}, on_edges or {}
    crowded, numbered = len(graph.vertices) > CROWD, len(graph.vertices) <= THRONG
    size, small = (LARGE, 9.0) if not crowded else (SMALL if numbered else SMALLEST, SMALLEST)
    picture = Picture(
        graph_attr={
            "rankdir": rankdir,
            "bgcolor": GROUND,
            "fontname": FONT,
            "fontcolor": TEXT,
            "fontsize": f"{size:g}",
            "ranksep": "0.08" if crowded else "0.35",
            "nodesep": "0.08" if crowded else "0.25",
            "label": legend(graph, small, numbered=numbered, partials=bool(on_edges)),
            "labelloc": "b",
            "labeljust": "l",
        },
        node_attr={
            "fontname": FONT,
            "fontcolor": TEXT,
            "fontsize": f"{size:g}",
            "shape": "box",
            "margin": "0.06,0.025" if crowded else "0.12,0.06",
            "height": "0.15" if crowded else "0.3",
            "width": "0.3",
        },
        edge_attr={
            "fontname": FONT,
            "fontcolor": "#444444",
            "fontsize": f"{small:g}",
            "color": "#666666",
            "arrowsize": "0.5" if crowded else "0.7",
        },
    )
    _add(picture, graph.vertices, 0, "cluster", lines, crowded)
    for e in graph.edges:
        text = ": ".join(filter(None, (e.label if numbered else "", on_edges.get(e, ""))))
        attributes = {"label": escape(f" {text}")} if text else {}
        if e.to_next:
            attributes |= {"style": "dashed", "constraint": "false"}
        picture.edge(e.tail, e.head, **attributes)
    return picture


def _add(
    picture: Any, vertices: list[Vertex], level: int, prefix: str, lines: Mapping[str, Sequence[str]], crowded: bool
) -> None:
    """Add the boxes of this level, and a frame for each scope in it. It recurses, as scopes nest only a few levels."""
    inside: dict[Scope, list[Vertex]] = {}
    for v in vertices:
        if len(v.calls) <= level:
            picture.node(v.key, escape(text_of(v, lines.get(v.key, ()), crowded)), **style_of(v.kind))
        else:
            inside.setdefault(v.calls[level], []).append(v)
    for i, (scope, below) in enumerate(inside.items()):
        key = f"{prefix}_{i}"
        with picture.subgraph(name=key) as frame:
            frame.attr(label=escape(scope.name), labelloc="t", style="rounded", color="#AAAAAA", fontcolor="#555555")
            if crowded:
                frame.attr(margin="3")
            _add(frame, below, level + 1, key, lines, crowded)


def text_of(v: Vertex, further: Sequence[str], crowded: bool) -> str:
    """The text of a box."""
    title = v.title if v.count == 1 else f"{v.title} ×{v.count:,}"
    if crowded and v.kind != "module":  # put as many texts in a line as fit
        lines = [f"{title} {v.shape}".rstrip()]
        for text in (*v.details, *further):
            if len(lines[-1]) + len(text) < _LINE:
                lines[-1] += f", {text}"
            else:
                lines.append(text)
        return "\n".join(lines)
    return "\n".join(filter(None, (title, v.shape, *v.details, *further)))


_LINE = 54  # letters


def style_of(kind: Kind) -> dict[str, str]:
    """The attributes of a box of a kind."""
    style = STYLES[kind]
    return {"fillcolor": style.fill, "color": style.line, **style.attributes}


def legend(graph: Graph, size: float, *, numbered: bool, partials: bool) -> str:
    """The legend as a label of the graph: the meaning of the colours that occur, and the remarks."""
    kinds = {v.kind for v in graph.vertices}
    shown = [style for kind, style in STYLES.items() if kind in kinds]
    cells = [f'<TD BGCOLOR="{s.fill}" COLOR="{s.line}">{html.escape(s.meaning)}</TD>' for s in shown]
    rows = [cells[i : i + 4] for i in range(0, len(cells), 4)]
    remarks = list(graph.remarks)
    on_arrows = ["position of the operand"] if numbered and any(e.label for e in graph.edges) else []
    on_arrows += ["local partial derivative"] if partials else []
    if on_arrows:
        remarks.append(f"on arrows: {': '.join(on_arrows)}")
    if any(e.to_next for e in graph.edges):
        remarks.append("dashed arrow: from one copy to the next")
    table = "".join(f"<TR>{''.join(row)}</TR>" for row in rows)
    inner = f'<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="2" CELLPADDING="2">{table}</TABLE>'
    lines = "".join(f'<TR><TD ALIGN="LEFT">{html.escape(remark)}</TD></TR>' for remark in remarks)
    outer = f'<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="1"><TR><TD ALIGN="LEFT">{inner}</TD></TR>{lines}</TABLE>'
    return f'<<FONT POINT-SIZE="{size:g}">{outer}</FONT>>'
