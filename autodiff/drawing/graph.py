"""From the tape to vertices and edges: the content of a picture, not its look.

Texts are made on demand, since a picture shows perhaps a hundred of a million nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Literal, NamedTuple

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.core.modes import SCOPES
from autodiff.core.primitives import Primitive
from autodiff.core.tape import ALIAS, INPUT, ITEM, Leaf, Node
from autodiff.core.walks import ancestors
from autodiff.watchers.places import names_of, users_frame

Kind = Literal["parameter", "input", "constant", "saved", "operation", "result", "derivative", "module"]
LEAVES: frozenset[Kind] = frozenset(("parameter", "input", "constant", "saved"))
"""Kinds of vertices at which arrows only begin."""


class Scope(NamedTuple):
    """One call of a module, or one block under `autodiff.scope`.

    Attributes
    ----------
    name : str
    call : int
        Distinguishes calls with the same name.

    Examples
    --------
    >>> import autodiff as ad
    >>> a = ad.tensor(2.0, requires_grad=True)
    >>> with ad.scope("encoder"):
    ...     y = a * a
    >>> [[scope.name for scope in vertex.calls] for vertex in ad.drawing.read_graph([y]).vertices]
    [[], ['encoder']]
    """

    name: str
    call: int


@dataclass(slots=True, eq=False)
class Vertex:
    """One box.

    Attributes
    ----------
    key : str
        Unique in the graph.
    kind : str
        A tracked leaf (`parameter`), an argument of a transform or a seed (`input`), an untracked array (`constant`), a
        value of the forward pass that the backward pass reads (`saved`), an `operation`, one of the results
        (`result`), one of the backward pass (`derivative`), many operations folded into one box (`module`).
    title : str
        The name of the leaf or operation.
    value : object
        An array, a tuple of arrays, or anything with a shape and a dtype.
    calls : tuple of Scope
        The scopes that it was recorded in, outermost first.
    node : Node or None
        The node that it was made from.
    notes : tuple of str
        Further lines.
    count : int
        How many vertices of the full graph it represents, one in each copy of a repeated structure.

    Examples
    --------
    >>> import autodiff as ad
    >>> a = ad.tensor(2.0, requires_grad=True, name="a")
    >>> [(vertex.title, vertex.kind) for vertex in ad.drawing.read_graph([a * a]).vertices]
    [('a', 'parameter'), ('multiply', 'result')]
    """

    key: str
    kind: Kind
    title: str
    value: Any
    calls: tuple[Scope, ...] = ()
    node: Node | None = None
    notes: tuple[str, ...] = ()
    count: int = 1

    @property
    def shape(self) -> str:
        """The shape and dtype of its value; empty for a box without a value."""
        return "" if self.value is None else describe(self.value)

    @property
    def scope(self) -> tuple[str, ...]:
        """The names of the scopes that it was recorded in, outermost first."""
        return tuple(s.name for s in self.calls)

    @property
    def details(self) -> tuple[str, ...]:
        """Further lines: the name that the user gave, and the numbers and metadata of the call."""
        node = self.node
        if node is None or node.primitive is INPUT or self.kind == "saved":
            return self.notes
        name = getattr(node, "name", None)
        lines = [name] if name else []
        several = len(node.operands) > 1
        for i, (parent, x) in enumerate(zip(node.parents, node.operands, strict=True)):
            if parent is None and not is_array(x):
                lines.append(f"operand {i}: {short(x)}" if several else short(x))
        if node.primitive is not ITEM:
            keywords = {k: v for k, v in node.keywords.items() if v is not None and v is not False}
            if not isinstance(self.value, tuple) and keywords.get("shape") == np.shape(self.value):
                del keywords["shape"]  # the box shows it already
            lines += [f"{k}={short(v)}" for k, v in keywords.items()]
        return (*lines, *self.notes)


class Edge(NamedTuple):
    """An arrow.

    Attributes
    ----------
    tail, head : str
        The keys of the operand and of the operation.
    label : str
        The operand's position, if there are several operands and they do not commute.
    operand : int
        The position in any case; -1 if the arrow represents several.
    to_next : bool
        Whether it leads from one copy of a repeated structure to a later copy.

    Examples
    --------
    >>> import autodiff as ad
    >>> a = ad.tensor(2.0, requires_grad=True, name="a")
    >>> graph = ad.drawing.read_graph([a * a])
    >>> [edge.operand for edge in graph.edges]
    [0, 1]
    """

    tail: str
    head: str
    label: str = ""
    operand: int = -1
    to_next: bool = False


@dataclass(slots=True, eq=False)
class Graph:
    """The graph to draw.

    Attributes
    ----------
    vertices : list of Vertex
        In the order of recording.
    edges : list of Edge
    remarks : list of str
        Lines under the picture that say what was folded.

    Examples
    --------
    >>> import autodiff as ad
    >>> a = ad.tensor(2.0, requires_grad=True, name="a")
    >>> graph = ad.drawing.read_graph([a * a + a])
    >>> len(graph.vertices), len(graph.edges)
    (3, 4)
    """

    vertices: list[Vertex]
    edges: list[Edge]
    remarks: list[str] = field(default_factory=list)


def read_graph(
    tensors: Iterable[Tensor],
    *,
    since: int = 0,
    rules: Mapping[Node, Node] | None = None,
    names: Mapping[int, str] | None = None,
) -> Graph:
    """The graph of everything that the tensors were computed from, in the order of recording.

    Parameters
    ----------
    tensors : iterable of Tensor
        The results, which are tracked.
    since : int, default 0
        The walk stops at operations with a smaller number, which appear as saved values.
    rules : mapping of Node to Node, optional
        For the nodes of a backward pass, the operation whose rule recorded them.
    names : mapping of int to str, optional
        Names for untracked arrays, by their ``id``.

    Returns
    -------
    Graph
        An untracked array has a box of its own at each operation that it enters; a Python number is a line in its box.
        The box has the array's name in `names`, else that of the variable which holds the array where the user draws,
        else the name that the operation has for the argument.
        Left out are multiplications by the number 1, of which derivatives of derivatives have whole columns, and the
        aliases that transforms give to values that were tracked already.

    Examples
    --------
    >>> import autodiff as ad
    >>> x = ad.tensor(1.0, requires_grad=True, name="x")
    >>> [vertex.title for vertex in ad.drawing.read_graph([x * 2]).vertices]
    ['x', 'multiply']
    """
    roots = {t._node: t for t in tensors if t._node is not None}
    rules = {} if rules is None else rules
    if not (rules or since):  # what is multiplied by 1 is the result itself
        roots = {factor(node): t for node, t in roots.items()}
    left_out = sum(t._node not in roots for t in roots.values())
    led = ancestors(roots, stop=lambda n, _: n.number < since and n.primitive is not ALIAS)
    values = {**dict(led), **{node: t._data for node, t in roots.items()}}
    nodes = sorted(values, key=_number)
    scopes = _scopes_of(sorted({*nodes, *rules.values()}, key=_number) if rules else nodes)
    vertices: list[Vertex] = []
    edges: list[Edge] = []
    keys: dict[Node, str] = {}
    last = ""
    for node in nodes:
        primitive = node.primitive
        read_only = node.number < since and primitive is not ALIAS  # the walk has stopped here
        if node not in roots and not read_only and (same := passed_on(node)) is not None:
            keys[node] = keys[same]
            left_out += primitive is not ALIAS
            continue
        key = f"n{node.number}"
        if key == last:  # a deep copy has the number of the original
            key = f"n{node.number}i{len(vertices)}"
        last, keys[node] = f"n{node.number}", key
        if primitive is INPUT:
            kind: Kind = "parameter" if isinstance(node, Leaf) else "input"
            vertices.append(Vertex(key, kind, getattr(node, "name", None) or kind, values[node], scopes[node], node))
            continue
        title = f"output {node.keywords['index']}" if primitive is ITEM else primitive.name
        if node.number < since:
            vertices.append(Vertex(key, "saved", title, values[node], (), node))
            continue
        calls = scopes[node]
        notes: tuple[str, ...] = ()
        if node in rules:
            of = rules[node]
            calls = tuple(Scope(f"{s.name}, backwards", -s.call) for s in scopes.get(of, ()))
            notes = (f"through {of.primitive.name}",) if of.primitive is not INPUT else ()
        numbered = len(node.operands) > 1 and primitive.name not in _COMMUTING
        for i, (parent, x) in enumerate(zip(node.parents, node.operands)):
            label = str(i) if numbered else ""
            if parent is not None:
                edges.append(Edge(keys[parent], key, label, i))
            elif is_array(x):
                vertices.append(Vertex(f"{key}c{i}", "constant", _argument(primitive, i), x, calls))
                edges.append(Edge(f"{key}c{i}", key, label, i))
        kind = "result" if node in roots else "derivative" if node in rules else "operation"
        vertices.append(Vertex(key, kind, title, values[node], calls, node, notes))
    _call_as_the_user(vertices, names or {})
    return Graph(vertices, edges, [f"multiplications by 1 that are left out: {left_out}"] if left_out else [])


def _call_as_the_user(vertices: list[Vertex], names: Mapping[int, str]) -> None:
    constants = [v for v in vertices if v.kind == "constant"]
    for v, variable in zip(constants, names_of([v.value for v in constants], users_frame())):
        v.title = names.get(id(v.value)) or variable or v.title


def _argument(primitive: Primitive, i: int) -> str:
    """What an untracked array is called: as the operation calls this argument, if that says something."""
    code = getattr(primitive.fn, "__code__", None)  # functions in C, such as those of NumPy, have none
    names = code.co_varnames[: code.co_argcount] if code is not None else ()
    name = names[i] if i < len(names) else ""
    return name if name in ("x", "y") or len(name) > 2 else "constant"


def passed_on(node: Node) -> Node | None:
    """What an alias or a multiplication by the number 1 passes on unchanged; None for other operations.

    Sweeps make the latter: the cotangent of the result is 1, and each order of derivative multiplies by it once more.
    """
    if node.primitive is ALIAS:
        return node.parents[0]
    if node.primitive.name != "multiply" or len(node.operands) != 2:
        return None
    for parent, x, other in zip(node.parents, node.operands, reversed(node.operands)):
        if parent is not None and np.ndim(other) == 0 and node.parents.count(None) == 1 and other == 1:
            same = np.shape(x) == np.shape(node.output) and getattr(x, "dtype", None) == node.output.dtype
            return parent if same else None
    return None


def factor(node: Node) -> Node:
    """The node behind multiplications by 1, unless that is a leaf."""
    while node.primitive is not ALIAS and (same := passed_on(node)) is not None:
        if same.primitive is INPUT or same.primitive is ALIAS:
            break
        node = same
    return node


_number = attrgetter("number")
_COMMUTING = frozenset(("add", "multiply", "maximum", "minimum"))


def is_array(x: Any) -> bool:
    """Whether an untracked operand gets its own box; a number is a line in the box of the operation."""
    return isinstance(x, np.ndarray) and x.ndim > 0


def describe(value: Any) -> str:
    """The shape and dtype of a value in one line: ``(32, 10) float32``."""
    if isinstance(value, tuple):
        return ", ".join(describe(v) for v in value)
    shape = tuple(np.shape(value))
    return f"{shape if shape else 'scalar'} {getattr(value, 'dtype', type(value).__name__)}"


def short(value: Any) -> str:
    """A number or a piece of metadata in at most 40 characters."""
    text = repr(value.item()) if isinstance(value, (np.generic, np.ndarray)) and np.ndim(value) == 0 else repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _scopes_of(nodes: list[Node]) -> dict[Node, tuple[Scope, ...]]:
    """The scopes around every node. The nodes must be in the order of their numbers."""
    if not nodes:
        return {}
    low, high = nodes[0].number, nodes[-1].number
    ranges = sorted((s for s in list(SCOPES) if s[1] <= high and s[2] >= low), key=lambda s: (s[1], -s[2]))
    found: dict[Node, tuple[Scope, ...]] = {}
    around: list[tuple[str, int, int]] = []
    calls: tuple[Scope, ...] = ()
    upcoming = iter(ranges)
    following = next(upcoming, None)
    for node in nodes:
        changed = False
        while following is not None and following[1] < node.number:
            around.append(following)
            following = next(upcoming, None)
            changed = True
        if changed or (around and any(s[2] <= node.number for s in around)):
            around = [s for s in around if s[2] > node.number]
            calls = tuple(Scope(s[0], s[1]) for s in around)
        found[node] = calls if node.primitive is not INPUT else ()
    return found
