"""Folding a graph: each module below a level becomes one box, and repeated structure is drawn once.

A fold maps vertices to boxes, and edges follow the map. So a folded picture still shows correctly what depends on
what.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from autodiff.drawing.graph import LEAVES, Edge, Graph, Scope, Vertex, describe

Boxes = dict[str, Vertex]
"""Maps the key of each folded vertex to its new box."""

Copies = dict[str, tuple[int, int]]
"""Maps the key of each vertex in a repeated structure to the number of the repetition, and of the copy in it."""

_NO_COPY = (-1, -1)
_FRAMES = 1 << 60  # frames of repetitions are numbered from here on, far above calls, whose numbers are those of nodes


def fit(graph: Graph, max_nodes: int, *, repeats: bool = True) -> Graph:
    """The graph in at most `max_nodes` boxes, folded no more than needed; its remarks say how.

    Parameters
    ----------
    graph : Graph
    max_nodes : int
        At least 10.
    repeats : bool, default True
        Whether repeated structure may be drawn once.

    Returns
    -------
    Graph
        The same graph if it fits. Otherwise these folds are tried in turn: repeated structure is drawn once; modules
        become boxes, from the innermost level outwards; stretches of consecutive operations become boxes.
    """
    if len(graph.vertices) <= max_nodes:
        return graph
    full = len(graph.vertices)
    unrepeated = fold_repeats if repeats else _as_it_is
    folded = unrepeated(graph)
    once = ["repeated structure is drawn once (×n)"] if repeats else []
    how = once
    deepest = max((len(v.calls) for v in graph.vertices), default=0)
    for depth in range(deepest - 1, -1, -1):
        if len(folded.vertices) <= max_nodes:
            break
        folded = unrepeated(fold_modules(graph, depth))
        how = [f"modules below level {depth} are one box each", *once]
    if len(folded.vertices) > max_nodes:
        folded = _fold_stretches(folded, max_nodes)
        how = ["each box holds a stretch of the record"]
    remark = f"{full:,} operations and arrays in {len(folded.vertices):,} boxes: {', '.join(how)}."
    if full <= MOST:
        remark += f" max_nodes={full} draws all."
    return Graph(folded.vertices, folded.edges, [*graph.remarks, remark])


def _as_it_is(graph: Graph) -> Graph:
    return graph


MOST = 5_000
"""More boxes are never drawn: no one could read them, and Graphviz would need minutes."""

# --- modules --------------------------------------------------------------------------------------


def fold_modules(graph: Graph, depth: int) -> Graph:
    """One box for every call of a module below a level, including its parameters.

    Parameters
    ----------
    graph : Graph
    depth : int
        0 makes one box of each outermost module, 1 one box of each of its children, and so on.

    Returns
    -------
    Graph
    """
    inside: dict[Scope, list[Vertex]] = {}
    for v in graph.vertices:
        if len(v.calls) > depth and v.kind not in LEAVES:
            inside.setdefault(v.calls[depth], []).append(v)
    home = {v.key: call for call, vertices in inside.items() for v in vertices}
    if not home:
        return graph
    owned: dict[Scope, list[Vertex]] = {call: [] for call in inside}
    heads: dict[str, set[Scope | None]] = {}
    for e in graph.edges:
        heads.setdefault(e.tail, set()).add(home.get(e.head))
    for v in graph.vertices:
        if v.kind == "parameter" and len(users := heads.get(v.key, set())) == 1 and (call := next(iter(users))):
            owned[call].append(v)
    boxes: Boxes = {}
    for call, vertices in inside.items():
        box = _module_box(call.name, vertices, owned[call], depth)
        boxes |= {v.key: box for v in (*vertices, *owned[call])}
    # Arrays that enter from outside do not belong to the module, so they are drawn outside its frame.
    outside = [v for v in graph.vertices if v.key not in boxes and len(v.calls) > depth]
    boxes |= {v.key: replace(v, calls=v.calls[:depth]) for v in outside}
    return _quotient(graph, boxes)


def _module_box(name: str, vertices: list[Vertex], parameters: list[Vertex], depth: int) -> Vertex:
    last = vertices[-1]
    notes = [f"{sum(v.count for v in vertices):,} operations" if len(vertices) > 1 else last.title]
    if parameters:
        size = sum(int(np.prod(np.shape(v.value))) * v.count for v in parameters)
        listed = [f"{v.title} {describe(v.value).rsplit(' ', 1)[0]}" for v in parameters[:_LISTED]]
        listed += [f"... {len(parameters) - _LISTED} more"] if len(parameters) > _LISTED else []
        notes += [*listed, f"{size:,} parameters"]
    return Vertex(f"m{last.key}", "module", name, last.value, last.calls[:depth], None, tuple(notes))


_LISTED = 4


# --- repeated structure ---------------------------------------------------------------------------


class _Run(NamedTuple):
    """Consecutive copies of one structure: the start, the length of a copy, and their number."""

    start: int
    period: int
    copies: int


LONGEST = 512
"""The longest repeated structure that is searched for, in operations."""


def fold_repeats(graph: Graph) -> Graph:
    """Draw repeated layers and time steps once, marked with their count; repetitions may be nested.

    Parameters
    ----------
    graph : Graph

    Returns
    -------
    Graph
        Stretches of the record are copies of each other if they have the same operations, in the same order, on the
        same shapes, in modules of the same classes, with operands from the same places. Arrows from one copy to the
        next are marked.
    """
    for round_ in range(_ROUNDS):
        operations = [v for v in graph.vertices if v.kind not in LEAVES]
        runs = _find_runs(_tokens(operations), _operands(graph, operations))
        if not runs:
            break
        boxes: Boxes = {}
        copy_of: Copies = {}
        for number, run in enumerate(runs):
            stretch = operations[run.start : run.start + run.period * run.copies]
            common = _common_calls(stretch)
            frame = (*common, Scope(f"repeated ×{run.copies:,}", _FRAMES + (round_ << 40) + number))
            for j in range(run.period):
                copies = stretch[j :: run.period]
                box = replace(
                    copies[0],
                    calls=(*frame, *copies[0].calls[len(common) :]),
                    count=sum(v.count for v in copies),
                    kind="result" if any(v.kind == "result" for v in copies) else copies[0].kind,
                )
                for i, v in enumerate(copies):
                    boxes[v.key] = box
                    copy_of[v.key] = number, i
        graph = _merge_leaves(_quotient(graph, boxes, copy_of))
    return graph


_ROUNDS = 6  # repetitions nest a few levels deep


def _tokens(operations: list[Vertex]) -> np.ndarray:
    """A number for each operation; operations that look alike have the same number."""
    known: dict[Hashable, int] = {}
    tokens = np.empty(len(operations), np.int32)
    for i, v in enumerate(operations):
        value = v.value
        shape = tuple(np.shape(y) for y in value) if isinstance(value, tuple) else np.shape(value)
        # "3 Linear" and "4 Linear" are copies of each other: the class counts, not the position in the parent.
        title = v.title.rsplit(" ", 1)[-1] if v.kind == "module" else v.title
        kind = "operation" if v.kind == "result" else v.kind
        token = (title, kind, shape, v.count, tuple(s.name.rsplit(" ", 1)[-1] for s in v.calls), v.notes[:1])
        tokens[i] = known.setdefault(token, len(known))
    return tokens


def _operands(graph: Graph, operations: list[Vertex]) -> np.ndarray:
    """For each operation the positions in the record of its first operands; -1 if there is none, or for a leaf."""
    places = {v.key: i for i, v in enumerate(operations)}
    table = np.full((len(operations), _OPERANDS), -1)
    filled = [0] * len(operations)
    for e in graph.edges:
        if e.tail in places and not e.to_next and filled[head := places[e.head]] < _OPERANDS:
            table[head, filled[head]] = places[e.tail]
            filled[head] += 1
    return table


_OPERANDS = 4


def _find_runs(tokens: np.ndarray, operands: np.ndarray) -> list[_Run]:
    """Repeated stretches that do not overlap, those that save most boxes first."""
    n = len(tokens)
    found: list[_Run] = []
    for period in range(1, min(LONGEST, n // 2) + 1):
        same = tokens[period:] == tokens[:-period]
        if np.count_nonzero(same) < period:
            continue
        borders = np.flatnonzero(np.diff(same, prepend=False, append=False))
        starts, lengths = borders[::2], borders[1::2] - borders[::2]
        for start, length in zip(starts[lengths >= period], lengths[lengths >= period]):
            copies = int(length) // period + 1
            if copies >= _FEWEST or (copies == 2 and period >= _LONG):
                found.append(_Run(int(start), period, copies))
    found.sort(key=lambda r: (-r.period * (r.copies - 1), r.period, r.start))
    taken = np.zeros(n, bool)
    chosen = []
    for run in found:
        stretch = slice(run.start, run.start + run.period * run.copies)
        if not taken[stretch].any() and _are_alike(run, operands):
            taken[stretch] = True
            chosen.append(run)
    return chosen


_FEWEST, _LONG = 3, 8  # two copies count only if each has at least _LONG operations


def _are_alike(run: _Run, operands: np.ndarray) -> bool:
    """Whether all copies take their operands from the same places; not the first, which reads what was before it."""
    first, end = run.start + run.period, run.start + run.period * run.copies
    read = operands[first:end]
    apart = np.where(read >= run.start, np.arange(first, end)[:, None] - read, -1).reshape(run.copies - 1, -1)
    return bool((apart == apart[0]).all())


def _common_calls(stretch: list[Vertex]) -> tuple[Scope, ...]:
    """The scopes that enclose all of these vertices."""
    common = stretch[0].calls
    for v in stretch:
        if v.calls[: len(common)] != common:
            common = tuple(a for a, b in zip(common, v.calls) if a == b)
    return common


def _merge_leaves(graph: Graph) -> Graph:
    """Merge leaves of one kind and shape that enter repeated boxes at the same places; the count is shown."""
    users: dict[str, set[tuple[str, int]]] = {}
    for e in graph.edges:
        users.setdefault(e.tail, set()).add((e.head, e.operand))
    counts = {v.key: v.count for v in graph.vertices}
    leaves: list[Vertex] = []
    keys: list[Hashable] = []
    for v in graph.vertices:
        heads = users.get(v.key)
        if v.kind in LEAVES and heads and all(counts[head] > 1 for head, _ in heads):
            leaves.append(v)
            keys.append((v.kind, v.title if v.kind == "saved" else "", np.shape(v.value), frozenset(heads)))
    return _quotient(graph, _joined([g for g in _grouped(leaves, keys) if len(g) > 1]))


# --- the last resort ------------------------------------------------------------------------------


def _fold_stretches(graph: Graph, max_nodes: int) -> Graph:
    """Put consecutive operations into one box, however little they have in common."""
    operations = [v for v in graph.vertices if v.kind not in LEAVES]
    count = max(2, max_nodes // 3)
    size = -(-len(operations) // count)
    boxes: Boxes = {}
    for i in range(0, len(operations), size):
        stretch = operations[i : i + size]
        number = sum(v.count for v in stretch)
        ends = f"{stretch[0].title} ... {stretch[-1].title}"
        box = Vertex(f"s{stretch[-1].key}", "module", f"{number:,} operations", stretch[-1].value, (), None, (ends,))
        boxes |= {v.key: box for v in stretch}
    graph = _quotient(graph, boxes)
    first_user: dict[str, str] = {}
    for e in graph.edges:
        first_user.setdefault(e.tail, e.head)
    leaves = [v for v in graph.vertices if v.kind in LEAVES]
    if len(leaves) + count <= max_nodes:
        return graph
    groups = _grouped(leaves, [(v.kind, first_user.get(v.key)) for v in leaves])
    if len(groups) + count > max_nodes:
        groups = _grouped(leaves, [v.kind for v in leaves])
    return _quotient(graph, _joined([g for g in groups if len(g) > 1], values=False))


def _grouped(leaves: list[Vertex], keys: Sequence[Hashable]) -> list[list[Vertex]]:
    groups: dict[Hashable, list[Vertex]] = {}
    for v, key in zip(leaves, keys, strict=True):
        groups.setdefault(key, []).append(v)
    return list(groups.values())


def _joined(groups: list[list[Vertex]], *, values: bool = True) -> Boxes:
    """A box for each group of leaves."""
    boxes: Boxes = {}
    for leaves in groups:
        first, last = leaves[0], leaves[-1]
        title = first.title if first.title == last.title else f"{first.title} ... {last.title}"
        value = first.value if values else None
        box = replace(first, title=title, value=value, node=None, count=sum(v.count for v in leaves))
        boxes |= {v.key: box for v in leaves}
    return boxes


# --- what all folds have in common ----------------------------------------------------------------


def _quotient(graph: Graph, boxes: Boxes, copy_of: Copies | None = None) -> Graph:
    """The graph with vertices put into boxes. Arrows inside a box vanish; equal arrows between two boxes are merged."""
    if not boxes:
        return graph
    copy_of = copy_of or {}
    vertices = list(dict.fromkeys(boxes.get(v.key, v) for v in graph.vertices))
    kept: dict[Edge, None] = {}
    plain: list[Edge] = []
    for e in graph.edges:
        tail, head = boxes.get(e.tail), boxes.get(e.head)
        if tail is None and head is None:
            plain.append(e)
            continue
        a, b = e.tail if tail is None else tail.key, e.head if head is None else head.key
        from_run, from_copy = copy_of.get(e.tail, _NO_COPY)
        to_run, to_copy = copy_of.get(e.head, _NO_COPY)
        to_next = e.to_next or (from_run == to_run and from_copy != to_copy)
        if a == b and not (to_next and copy_of):
            continue
        whole = head is not None and head.kind == "module"
        kept[Edge(a, b, "" if whole else e.label, -1 if whole else e.operand, to_next)] = None
    return Graph(vertices, [*plain, *kept], graph.remarks)
