"""Copies and pickles of recorded graphs.

A graph is handed over as a flat list of its nodes, the oldest first: when a node's turn comes its operands' nodes have
been seen, so nothing recurses however long the chain is. Nodes are known by identity, as to `pickle` and `copy` all
objects are; two results that share a part of their graph go on sharing it where they travel together. On arrival nodes
are numbered anew, in the order they had.
"""

from __future__ import annotations

import copy
import copyreg
import importlib
import sys
import weakref
from typing import Any

from autodiff.errors import RuleError
from autodiff.primitives import NUMPY_PRIMITIVES, Primitive
from autodiff.tape import NO_KEYWORDS, Leaf, Node, next_number

# --- numbers --------------------------------------------------------------------------------------


class Order:
    """Numbers the nodes of one pickle, or of one deep copy, anew, in the order they had.

    There is one in every pickle: all nodes name `ORDER`, which arrives as a fresh one, once.
    """

    __slots__ = ("events", "in_order", "last", "stamped")

    def __init__(self) -> None:
        self.events: list[tuple[int, Node, tuple[str, ...]]] = []
        self.last = 0
        self.in_order = True
        self.stamped = False

    def __reduce__(self) -> tuple[Any, ...]:
        return Order, ()

    def draw(self, old: int, node: Node, *numbers: str) -> None:
        """Give a node a fresh number (or a leaf a stamp) in place of an old one."""
        self.events.append((old, node, numbers))
        self.in_order = self.in_order and old >= self.last
        self.last = max(self.last, old)
        _number(node, numbers)

    def settle(self) -> None:
        """Bring it all into the old order, once everything up to a result has arrived.

        Operands come before what is made of them in any case. Only the stamps of assigned leaves ask for more: a node
        older than a stamp is stale, and must stay so.
        """
        if self.stamped and not self.in_order:
            self.events.sort(key=lambda event: event[0])
            for _, node, numbers in self.events:
                _number(node, numbers)
            self.in_order = True


def _number(node: Node, names: tuple[str, ...]) -> None:
    number = next_number()
    for name in names:
        setattr(node, name, number)


ORDER = Order()


# --- nodes ----------------------------------------------------------------------------------------


def _made_node(
    order: Order,
    number: int,
    primitive: Primitive | None,
    operands: tuple[Any, ...],
    parents: tuple[Node | None, ...],
    keywords: dict[str, Any],
    output: Any,
    name: str | None,
) -> Node:
    node = Node(0, primitive, operands, parents, keywords or NO_KEYWORDS, output)
    if name is not None:
        node.name = name
    order.draw(number, node, "number")
    return node


def _made_leaf(order: Order, number: int, stamp: int, name: str | None, grad: Any) -> Leaf:
    leaf = Leaf(name)
    leaf.grad = grad
    if stamp == number:
        order.draw(number, leaf, "number", "stamp")
    else:
        order.stamped = True
        order.draw(number, leaf, "number")
        order.draw(stamp, leaf, "stamp")
    return leaf


def _node_parts(node: Node) -> tuple[Any, ...]:
    parts = (node.primitive, node.operands, node.parents, node.keywords, node.output, getattr(node, "name", None))
    return (ORDER, node.number, *parts)


def _leaf_parts(leaf: Leaf) -> tuple[Any, ...]:
    """All but its place in a flat buffer: whoever keeps the buffer, an optimiser, gives it a new one."""
    return ORDER, leaf.number, leaf.stamp, getattr(leaf, "name", None), leaf.grad


# --- pickles --------------------------------------------------------------------------------------


class Stretch:
    """A stretch of a graph in a pickle: what leads to one result and is not in the stretches before it.

    Attributes
    ----------
    nodes : list of Node
        The oldest first.
    before : list of Stretch
        What the nodes build on. They are written once, as the nodes are, since both are known by identity.
    depth : int
        How many stretches lie behind each other at most.
    """

    __slots__ = ("__weakref__", "before", "depth", "nodes")

    def __init__(self, before: list[Stretch], nodes: list[Node]) -> None:
        self.before = before
        self.nodes = nodes
        self.depth: int = 1 + max((s.depth for s in before), default=0)

    def __reduce__(self) -> tuple[Any, ...]:
        return Stretch, (self.before, self.nodes)


_DEPTH = 32  # pickling recurses through stretches, but not deeper than this

_stretches: weakref.WeakKeyDictionary[Node, weakref.ref[Stretch]] = weakref.WeakKeyDictionary()
"""The stretch in which a node was listed, while a pickler holds it: the next result lists the rest only."""


def stretch_to(root: Node) -> Stretch:
    """What a pickle of a result has to hold beside its node."""
    known = _known(root)
    if known is not None:
        return known
    found = _unlisted(root)
    before = list({id(s): s for node in found for p in node.parents if p and (s := _known(p)) is not None}.values())
    if any(s.depth >= _DEPTH for s in before):  # list all of it once more
        before, found = [], _unlisted(root, anew=True)
    stretch = Stretch(before, found)
    reference = weakref.ref(stretch)
    for node in found:
        _stretches[node] = reference
    return stretch


def _known(node: Node) -> Stretch | None:
    reference = _stretches.get(node)
    return None if reference is None else reference()


def _unlisted(root: Node, *, anew: bool = False, memo: dict[int, Any] | None = None) -> list[Node]:
    """The nodes that lead to `root` and are not in a stretch (or in the memo of a deep copy), the oldest first."""
    found = [root]
    seen = {root}
    for node in found:  # it grows while it is gone through
        for parent in node.parents:
            if parent is None or parent in seen:
                continue
            seen.add(parent)
            if id(parent) not in memo if memo is not None else anew or _known(parent) is None:
                found.append(parent)
    found.sort(key=lambda node: node.number)
    return found


# --- deep copies ----------------------------------------------------------------------------------


def deep_copy_of(root: Node, memo: dict[int, Any]) -> Node:
    """A graph of its own up to this node; what the memo of the copy holds is used again."""
    known = memo.get(id(root))
    if known is not None:
        return known
    order = copy.deepcopy(ORDER, memo)
    for node in _unlisted(root, memo=memo):
        if isinstance(node, Leaf):
            _, number, stamp, name, grad = _leaf_parts(node)
            memo[id(node)] = _made_leaf(order, number, stamp, name, copy.deepcopy(grad, memo))
            continue
        operands, keywords = copy.deepcopy(node.operands, memo), copy.deepcopy(node.keywords, memo)
        output = copy.deepcopy(node.output, memo)
        parents = tuple([None if p is None else memo[id(p)] for p in node.parents])
        name = getattr(node, "name", None)
        memo[id(node)] = _made_node(order, node.number, node.primitive, operands, parents, keywords, output, name)
    order.settle()
    return memo[id(root)]


# --- primitives -----------------------------------------------------------------------------------

_addresses: weakref.WeakKeyDictionary[Primitive, tuple[str, str]] = weakref.WeakKeyDictionary()


def _address(p: Primitive) -> tuple[str, str] | None:
    """Module and name under which a primitive can be imported."""
    known = _addresses.get(p)
    if known is not None:
        return known
    written = (p.fn, p.joint_pull, p.joint_push, *(p.pulls or ()), *(p.pushes or ()))
    likely = dict.fromkeys(getattr(f, "__module__", None) for f in written)
    others = [name for name in sys.modules if name.partition(".")[0] == "autodiff"]
    for module in [*likely, *others]:
        for name, value in list(vars(sys.modules[module]).items()) if module in sys.modules else ():
            if value is p:
                _addresses[p] = module, name  # type: ignore[assignment]
                return module, name  # type: ignore[return-value]
    return None


def _imported_primitive(module: str, name: str) -> Primitive:
    found = getattr(importlib.import_module(module), name, None)
    if not isinstance(found, Primitive):
        raise RuleError(f"the pickle needs the primitive `{name}` of the module {module}, and it is not there.")
    return found


def _numpy_primitive(fn: Any) -> Primitive:
    found = NUMPY_PRIMITIVES.get(fn)
    if found is None:
        raise RuleError(f"the pickle needs the rules of np.{fn.__name__}; import the module that defines them first.")
    return found


def _primitive_parts(p: Primitive) -> tuple[Any, ...]:
    """A primitive is pickled by reference, as functions are."""
    address = _address(p)
    if address is not None:
        return _imported_primitive, address
    if NUMPY_PRIMITIVES.get(p.fn) is p:
        return _numpy_primitive, (p.fn,)
    if p.name == "compiled":
        raise RuleError(
            "a result of a compiled function cannot be pickled: its graph holds a program. Pickle x.detach(), or "
            "compute it by the function that is not compiled."
        )
    if p.name == "checkpoint":
        raise RuleError(
            "a result of ad.checkpoint cannot be pickled: its graph holds a call of your function. Pickle x.detach(), "
            "or compute it without checkpoint."
        )
    raise RuleError(
        f"the graph cannot be pickled: the primitive `{p.name}` is found by no name in a module, so that it could not "
        f"be loaded again. Give it a module-level name, {p.name} = ad.{_maker(p)}(...), or pickle x.detach()."
    )


def _maker(p: Primitive) -> str:
    return "primitive" if p.kind == "general" else p.kind


copyreg.pickle(Node, lambda node: (_made_node, _node_parts(node)))
copyreg.pickle(Leaf, lambda leaf: (_made_leaf, _leaf_parts(leaf)))
copyreg.pickle(Primitive, _primitive_parts)
