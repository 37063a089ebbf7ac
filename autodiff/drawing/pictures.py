"""`draw`: which graph to read, how much to fold it, what to write into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

from autodiff import pytree
from autodiff.arrays.plain import untracked
from autodiff.arrays.tensors import Tensor
from autodiff.core.tape import INPUT, Node
from autodiff.drawing.derivatives import Partial, cotangents, local_partials, record_backward
from autodiff.drawing.dot import to_dot
from autodiff.drawing.fold import MOST, fit, fold_modules, fold_repeats
from autodiff.drawing.graph import LEAVES, Edge, Graph, Vertex, read_graph
from autodiff.drawing.labels import FEW, entries, number, size_of, summary
from autodiff.drawing.rendering import Picture
from autodiff.errors import GradientError
from autodiff.transforms.calling import called
from autodiff.transforms.recording import parameter_names, recording_on

View = Literal["forward", "backward", "both"]
DIRECTIONS = ("TB", "LR", "BT", "RL")
MAX_NODES = 120


@runtime_checkable
class Drawable(Protocol):
    """An object that has its own graph, such as a compiled program."""

    def __autodiff_graph__(self) -> Graph:
        """The graph to draw."""
        ...


def draw(
    y: Tensor | Sequence[Tensor] | Drawable | Callable[..., Any],
    *xs: Any,
    view: View = "forward",
    depth: int | None = None,
    repeats: bool | None = None,
    values: bool | None = None,
    gradients: bool = False,
    partials: bool = False,
    rankdir: str = "TB",
    max_nodes: int | None = MAX_NODES,
) -> Picture:
    """Draw the graph of a Tensor's computation, of a function, of a derivative, or of a compiled program.

    Parameters
    ----------
    y : Tensor, sequence of Tensor, callable, or compiled program
        A tracked Tensor has a graph. A function is called with `xs`, and what it records is drawn. For example,
        ``ad.draw(ad.derivative(np.tanh, 2), 0.5)`` is the graph of the second derivative of tanh. For a compiled
        function the latest program is drawn.
    *xs : array_like, or nested containers of them
        The arguments for a function. Floating-point arrays and numbers become inputs of the graph.
    view : {"forward", "backward", "both"}
        "forward" is what was recorded; "backward" is the backward pass from ones at `y` to all leaves, with the values
        that it reads from the forward pass; "both" shows both in one picture.
    depth : int, optional
        One box for each module call below this level: 0 for whole models, 1 for their children, and so on.
    repeats : bool, optional
        Draw repeated structure (layers, time steps) once, marked with its count. By default only if the graph has more
        than `max_nodes` vertices.
    values : bool, optional
        Write values into the boxes: the entries of small arrays, the range of large ones. By default only for graphs of
        a few scalars.
    gradients : bool, default False
        Write into every box the derivative of the sum of all entries of `y` by the value of the box: that of a leaf is
        called its gradient, that of any other value its cotangent. For arrays of more than four entries it is the norm.
        No ``.grad`` is read or written.
    partials : bool, default False
        Write on every arrow the local partial derivative of the operation by the operand: a number; for elementwise
        operations on arrays the diagonal of the Jacobian; for a number computed from an array the row; otherwise the
        Jacobian's shape.
    rankdir : {"TB", "LR", "BT", "RL"}
        The direction of the arrows.
    max_nodes : int or None, default 120
        A graph with more vertices is folded until it fits, and its label says how. None: it is never folded.

    Returns
    -------
    Picture
        A `graphviz.Digraph`: ``.source`` is the DOT text, ``.pipe(format="svg")`` the picture as bytes,
        ``.save("file.svg")`` or ``.save("file.png")`` writes it; a notebook displays it.

    Raises
    ------
    GradientError
        If a tensor is not tracked, since it has no graph.
    ValueError
        If an option has another value than those above, or if the backward pass of more than 200,000 nodes or a picture
        of more than 5,000 boxes is requested.

    Notes
    -----
    The legend of each picture explains the colours and dashed arrows. Frames are modules (or `autodiff.scope`).
    A number alone, or before a colon, on an arrow is the operand's position, if the operands do not commute. Pictures
    of more than 40 boxes leave it out.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> a = ad.tensor(2.0, requires_grad=True, name="a")
    >>> picture = ad.draw(np.tanh(a * 3.0), values=True, gradients=True, partials=True)
    >>> "tanh" in picture.source, "value 6" in picture.source
    (True, True)
    >>> "gradient of x" in ad.draw(np.square, 3.0, view="backward").source
    True
    """
    _check(view, depth, rankdir, max_nodes)
    if isinstance(y, Drawable):
        if xs and callable(y):
            y(*xs)
        if view != "forward" or gradients or partials or values:
            raise ValueError(
                "draw: a compiled program has no values and no derivative rules; view, values, gradients and partials "
                "are for Tensors and functions. Compile ad.grad(f) to see a backward pass."
            )
        return _finish(y.__autodiff_graph__(), {}, None, depth, repeats, False, False, rankdir, max_nodes)
    tensors, given = drawn(y, xs)
    graph, names = _read(tensors, view, given)
    found = cotangents(tensors) if gradients else None
    return _finish(graph, names, found, depth, repeats, values, partials, rankdir, max_nodes)


def _check(view: str, depth: int | None, rankdir: str, max_nodes: int | None) -> None:
    if rankdir not in DIRECTIONS:
        raise ValueError(f'draw: rankdir must be "TB", "LR", "BT" or "RL"; {rankdir!r} was given.')
    if view not in ("forward", "backward", "both"):
        raise ValueError(f'draw: view must be "forward", "backward" or "both"; {view!r} was given.')
    if depth is not None and (not isinstance(depth, int) or isinstance(depth, bool) or depth < 0):
        raise ValueError(f"draw: depth must be a level of modules, 0, 1, ..., or None; {depth!r} was given.")
    if max_nodes is not None and (not isinstance(max_nodes, int) or isinstance(max_nodes, bool) or max_nodes < 10):
        raise ValueError(f"draw: max_nodes must be an integer, 10 or more, or None; {max_nodes!r} was given.")


def drawn(y: Any, xs: tuple[Any, ...]) -> tuple[list[Tensor], dict[int, str]]:
    """The tensors to draw, given such or a function and its arguments, and names of other arguments by their ``id``."""
    if callable(y) and not isinstance(y, Tensor):
        return evaluate(y, xs)
    if xs:
        mend = f"To save the picture write ad.draw(y).save({xs[0]!r})" if isinstance(xs[0], str) else "Write ad.draw(y)"
        raise TypeError(
            f"draw: arguments after the first are those of a function, and a {type(y).__name__} was given with "
            f"{len(xs)}. {mend}; several tensors are drawn as a list, ad.draw([y, z])."
        )
    return checked(y), {}


def checked(y: Any) -> list[Tensor]:
    """The tensors as a list; an error if one has no graph."""
    tensors = [y] if isinstance(y, Tensor) else list(y) if isinstance(y, (list, tuple)) else [y]
    for i, t in enumerate(tensors):
        if not isinstance(t, Tensor) or t._node is None:
            given = "is not tracked" if isinstance(t, Tensor) else f"is a {type(t).__name__}"
            raise GradientError(
                f"draw: tensor {i} {given}, so there is no graph. Compute it from a tensor made with "
                "requires_grad=True, or draw a function, ad.draw(f, x)."
            )
    if not tensors:
        raise GradientError("draw: the list of tensors is empty; give at least one.")
    return tensors


def evaluate(f: Callable[..., Any], xs: tuple[Any, ...]) -> tuple[list[Tensor], dict[int, str]]:
    """Call a function on tracked arguments, named as its parameters.

    Returns the tracked Tensors in its result, and the names of the other arguments by their ``id``.
    """
    arguments = []
    names: dict[int, str] = {}
    for x, name in zip(xs, argument_names(f, len(xs)), strict=True):
        leaves, structure = pytree.flatten(pytree.point(x))
        paths = pytree.paths(structure, name)
        names |= {id(untracked(v)): p for v, p in zip(leaves, paths, strict=True)}
        arguments.append(pytree.unflatten(structure, [_input(v, p) for v, p in zip(leaves, paths, strict=True)]))
    with recording_on():
        y = called(f, *arguments)
    tensors = [t for t in pytree.flatten(y)[0] if isinstance(t, Tensor) and t._node is not None]
    if not tensors:
        who = getattr(f, "__name__", type(f).__name__)
        hint = "" if xs else " Give it example arguments: ad.draw(f, x)."
        raise GradientError(f"draw: {who} returned nothing that is tracked, so there is no graph.{hint}")
    return tensors, names


def argument_names(f: Callable[..., Any], n: int) -> list[str]:
    """Short names for the arguments of a function: those of its parameters, or x, or x0, x1, ..."""
    plain = ["x"] if n == 1 else [f"x{i}" for i in range(n)]
    return [own if own.isidentifier() else x for own, x in zip(parameter_names(f, n), plain, strict=True)]


def _input(value: Any, path: str) -> Any:
    if isinstance(value, Tensor) and value._node is not None:
        return value
    data = value._data if isinstance(value, Tensor) else np.asarray(value)
    return Tensor(data, requires_grad=True, name=path) if data.dtype.kind in "fc" else value


_BACKWARD_LIMIT = 200_000


def _read(tensors: list[Tensor], view: View, given: Mapping[int, str]) -> tuple[Graph, Mapping[Node, str]]:
    """The graph of a view, and names for its results."""
    if view == "forward":
        return read_graph(tensors, names=given), {}
    count = len(read_graph(tensors).vertices)
    if count > _BACKWARD_LIMIT:
        raise ValueError(
            f"draw: the graph has {count:,} vertices, and view={view!r} would record a backward pass of several times "
            f"that. It is drawn up to {_BACKWARD_LIMIT:,}; draw fewer layers or steps, or view='forward', which folds."
        )
    backward = record_backward(tensors)
    if not backward.results:
        raise GradientError("draw: nothing flows back from here (every path is blocked); view='backward' is empty.")
    if view == "backward":
        return read_graph(backward.results, since=backward.since, rules=backward.rules, names=given), backward.names
    return read_graph([*tensors, *backward.results], rules=backward.rules, names=given), backward.names


def _finish(
    graph: Graph,
    names: Mapping[Node, str],
    found: Mapping[Node, Any] | None,
    depth: int | None,
    repeats: bool | None,
    values: bool | None,
    partials: bool,
    rankdir: str,
    max_nodes: int | None,
) -> Picture:
    """Fold the graph, write numbers into the boxes that remain, and make the picture."""
    if depth is not None:
        graph = fold_modules(graph, depth)
    if repeats:
        graph = fold_repeats(graph)
    if max_nodes is not None:
        graph = fit(graph, max_nodes, repeats=repeats is not False)
    if len(graph.vertices) > MOST:
        raise ValueError(
            f"draw: {len(graph.vertices):,} boxes are too many for a picture; up to {MOST:,} can be drawn. "
            "Leave max_nodes at its default, or fold modules with depth=1."
        )
    if values is None:
        values = len(graph.vertices) <= 30 and all(v.count == 1 and np.size(v.value) == 1 for v in graph.vertices)
    lines = {v.key: [*_numbers(v, found, values), *_name(v, names)] for v in graph.vertices}
    return to_dot(graph, rankdir=rankdir, lines=lines, on_edges=_partials(graph) if partials else {})


def _name(v: Vertex, names: Mapping[Node, str]) -> list[str]:
    return [names[v.node]] if v.node is not None and v.node in names else []


def _numbers(v: Vertex, found: Mapping[Node, Any] | None, values: bool) -> list[str]:
    """The value and gradient of a box that represents one vertex."""
    if v.count > 1 or v.kind == "module":
        return []
    lines = []
    if values and not isinstance(v.value, tuple) and np.size(v.value):
        lines.append(f"value {summary(v.value)}")
    if found is not None and v.node is not None and v.node in found:
        lines.append(f"{named_derivative(v)} {size_of(found[v.node])}")
    return lines


def named_derivative(v: Vertex) -> str:
    """What the derivative of the result by a value is called: the gradient of a leaf, the cotangent of any other."""
    return "gradient" if v.kind in LEAVES else "cotangent"


def _partials(graph: Graph) -> dict[Edge, str]:
    """The local partial derivative for every arrow that leads to a single operation."""
    heads = {v.key: v for v in graph.vertices if v.node is not None and v.count == 1 and v.node.primitive is not INPUT}
    known: dict[str, list[Partial | None]] = {}
    texts: dict[Edge, str] = {}
    for e in graph.edges:
        head = heads.get(e.head)
        if head is None or e.operand < 0 or head.node is None:
            continue
        if e.head not in known:
            known[e.head] = local_partials(head.node)
        partial = known[e.head][e.operand]
        if partial is not None:
            texts[e] = partial_text(partial)
    return texts


def partial_text(partial: Partial) -> str:
    """A local partial derivative as a short text."""
    if partial.form == "matrix":
        return f"J {'×'.join(map(str, partial.shape))}"
    if partial.form == "number":
        return number(np.asarray(partial.values)[()])
    small = np.size(partial.values) <= FEW
    if partial.form == "diagonal":
        return f"diag {entries(partial.values)}" if small else f"diag {summary(partial.values)}"
    return entries(partial.values) if small else f"row, {size_of(partial.values)}"
