"""The tape: nodes that remember how arrays were made.

A `Node` points at the nodes of its operands, never forwards, so a graph is freed by reference
counting as soon as its result is dropped. Numbers grow in the order of recording; sorting by them is
all the topology there is. Nothing here recurses: depth costs no stack.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from typing import Any

import numpy as np

from autodiff.core.primitives import LINEAR, Primitive, linear

next_number: Callable[[], int] = itertools.count(1).__next__
"""The counter that numbers nodes and stamps assignments; atomic under the interpreter lock."""

NO_KEYWORDS: dict[str, Any] = {}

INPUT = Primitive("input", lambda: None, LINEAR)
"""Stands where no operation made the value; it is never called, and has no operands."""


class Node:
    """One recorded operation.

    Attributes
    ----------
    number : int
        Larger than that of every operand's node.
    primitive : Primitive
        `INPUT` if nothing was recorded: a leaf, or a target of a transform.
    operands : tuple
        The operand arrays (plain, never Tensors) and Python numbers.
    parents : tuple of (Node or None)
        The operands' nodes; None where an operand is not tracked.
    keywords : dict
        Metadata of the call.
    output : array, or tuple of arrays
        What the primitive returned.
    name : str
        Only set where the user gave a name.
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
    """The node of a Tensor made with ``requires_grad=True``: where gradients gather.

    Attributes
    ----------
    grad : ndarray or None
        The gradients so far; None before the first and after they were cleared.
    stamp : int
        The number at which the value was last assigned.
    home : ndarray or None
        Where the gradient is to live, if an optimiser gave it a place in a flat buffer.
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
"""Picks one output of an operation with several; the sweeps know it by name."""


def item_node(node: Node, index: int) -> Node:
    """The node of one output of an operation with several."""
    return Node(next_number(), ITEM, (node.output,), (node,), {"index": index}, node.output[index])


ALIAS: Primitive = linear(lambda x: x, lambda ct, x: ct, name="alias", passes_mask=True)
"""The same value under a fresh number: how a transform takes hold of something already tracked."""


class Held(Node):
    """The node by which a transform takes hold of an argument: an input, or an alias where that is tracked outside.

    Attributes
    ----------
    is_open : bool
        Whether the function of the transform is running: until it ends, a result of another transform that depends on
        the argument must keep its record.
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
    """Context manager: the function runs to which these arguments were handed."""

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
    """Somebody who looks on while this thread records and sweeps; the base of what finds anomalies and kinks."""

    def met(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        parents: tuple[Node | None, ...],
        keywords: dict[str, Any],
    ) -> None:
        """A function that leaves no node of its own runs on these plain arrays, some of which have nodes."""

    def recorded(self, node: Node) -> None:
        """An operation was recorded."""

    def swept(
        self, nodes: Iterable[Node], values: dict[Node, Any], targets: Set[Node] | None, *, reverse: bool
    ) -> Iterator[Node]:
        """Hand the nodes of a sweep on, one by one; between two of them `values` may be looked at."""
        yield from nodes
