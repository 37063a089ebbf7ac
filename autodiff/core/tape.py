"""The tape: nodes that remember how arrays were made.

A `Node` points back at the nodes of its operands, never forwards. So reference counting frees a graph
as soon as its result is dropped. Nodes are numbered in the order of recording, so sorting by number is
a topological sort. Nothing here recurses, so a deep graph needs no deep stack.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from typing import Any

import numpy as np

from autodiff.core.kinds import linear
from autodiff.core.primitives import LINEAR, Primitive

next_number: Callable[[], int] = itertools.count(1).__next__
"""Returns the next number for a node or an assignment. It is atomic under the interpreter lock."""

NO_KEYWORDS: dict[str, Any] = {}

INPUT = Primitive("input", lambda: None, LINEAR)
"""The primitive of a node whose value no operation made. It has no operands and is never called."""


class Node:
    """One recorded operation.

    Attributes
    ----------
    number : int
        Larger than that of every operand's node.
    primitive : Primitive
        `INPUT` if no operation made the value: a leaf, or a target of a transform.
    operands : tuple
        The operands: plain arrays, never Tensors, and Python numbers.
    parents : tuple of (Node or None)
        The operands' nodes; None for an operand that is not tracked.
    keywords : dict
        Metadata of the call.
    output : array, or tuple of arrays
        What the primitive returned.
    name : str
        Set only if the user gave a name.
    """

    __slots__ = ("__weakref__", "keywords", "name", "number", "operands", "output", "parents", "primitive")

    name: str

    def __init__(
        self,
        number: int,
        primitive: Primitive,
        operands: tuple[Any, ...],
        parents: tuple[Node | None, ...],
        keywords: dict[str, Any],
        output: Any,
    ) -> None:
        self.number = number
        self.primitive = primitive
        self.operands = operands
        self.parents = parents
        self.keywords = keywords
        self.output = output

    def __repr__(self) -> str:
        return f"<Node {self.number} {self.primitive.name}>"


class Leaf(Node):
    """The node of a Tensor made with ``requires_grad=True``, where gradients accumulate.

    Attributes
    ----------
    grad : ndarray or None
        The sum of the gradients so far; None before the first one, and after clearing.
    stamp : int
        The number drawn when the value was last assigned.
    home : ndarray or None
        The memory for the gradient, if an optimiser gave it a place in a flat buffer.
    place : tuple, or None
        The flat buffers and the offset in them.
    """

    __slots__ = ("grad", "home", "place", "stamp")

    def __init__(self, name: str | None = None) -> None:
        self.number = next_number()
        self.primitive = INPUT
        self.operands = self.parents = ()
        self.keywords = NO_KEYWORDS
        self.output = None
        self.grad: np.ndarray[Any, Any] | None = None
        self.home: np.ndarray[Any, Any] | None = None
        self.place: Any = None
        self.stamp = self.number
        if name is not None:
            self.name = name


class Orphan(Leaf):
    """A leaf of a graph that was unpickled without the leaf's Tensor: nobody could read its gradient."""

    __slots__ = ()


def _item(outputs: tuple[Any, ...], *, index: int) -> Any:
    return outputs[index]


ITEM = Primitive("item", _item, LINEAR)
"""Picks one output of an operation with several. The sweeps treat it as a special case."""


def item_node(node: Node, index: int) -> Node:
    """The node of one output of an operation with several."""
    return Node(next_number(), ITEM, (node.output,), (node,), {"index": index}, node.output[index])


ALIAS: Primitive = linear(lambda x: x, lambda ct, x: ct, name="alias", passes_mask=True)
"""The same value at a fresh number: the node that a transform gives to an argument that is tracked already."""


class Held(Node):
    """The node that a transform gives to an argument: an input, or an alias if the argument is tracked outside.

    Attributes
    ----------
    is_open : bool
        Whether the function of the transform is running. Until it ends, results of other transforms that depend on the
        argument must stay recorded.
    """

    __slots__ = ("is_open",)

    def __init__(self, data: Any, outer: Node | None = None) -> None:
        self.number = next_number()
        self.keywords = NO_KEYWORDS
        self.output = data
        self.is_open = False
        if outer is None:
            self.primitive, self.operands, self.parents = INPUT, (), ()
        else:
            self.primitive, self.operands, self.parents = ALIAS, (data,), (outer,)


class opened:  # noqa: N801 - a context manager, used like a function
    """Context manager: the function that was given these arguments is running."""

    __slots__ = ("nodes",)

    def __init__(self, nodes: Sequence[Held]) -> None:
        self.nodes = nodes

    def __enter__(self) -> None:
        for node in self.nodes:
            node.is_open = True

    def __exit__(self, *_: object) -> None:
        for node in self.nodes:
            node.is_open = False


class Watcher:
    """Observes this thread while it records and sweeps; the base class of what finds anomalies and kinks."""

    def met(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        parents: tuple[Node | None, ...],
        keywords: dict[str, Any],
    ) -> None:
        """A function that leaves no node of its own runs on these plain arrays; some operands have nodes."""

    def recorded(self, node: Node) -> None:
        """An operation was recorded."""

    def swept(
        self, nodes: Iterable[Node], values: dict[Node, Any], targets: Set[Node] | None, *, reverse: bool
    ) -> Iterator[Node]:
        """Yield the nodes of a sweep one after another. Between two of them, `values` may be read."""
        yield from nodes
