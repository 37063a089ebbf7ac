"""Copies and pickles of recorded graphs.

A copy must not lose a gradient in silence. A leaf that a user made becomes a new leaf, as models and optimisers need
it. What a transform differentiates by is the transform's own: a copy stays at the same place, and a pickle is refused.
A deep copy of a result hangs on the copies of those leaves that are copied with it, and on the originals of all others.
A pickle cannot do so: a leaf that did not come along is an `Orphan`, by which nothing is differentiated.

A pickle holds a graph as a flat list of its nodes, the oldest first: when a node's turn comes its operands' nodes have
been seen, so nothing recurses however long the chain is. Nodes are known by identity, as to `pickle` and `copy` all
objects are; two results that share a part of their graph go on sharing it where they travel together. On arrival nodes
are numbered anew, in the order they had. Nodes of a deep copy keep the numbers of the originals, which they stand
beside.
"""

from __future__ import annotations

import copy
import copyreg
import importlib
import sys
import weakref
from operator import attrgetter
from typing import Any, TypeVar

from autodiff.core.primitives import NUMPY_PRIMITIVES, Primitive
from autodiff.core.switches import is_traced
from autodiff.core.tape import NO_KEYWORDS, Held, Leaf, Node, Orphan, next_number
from autodiff.core.walks import ancestors
from autodiff.errors import GradientError, RuleError

T = TypeVar("T")

# --- numbers --------------------------------------------------------------------------------------


class Order:
    """Numbers the nodes of one pickle anew, in the order they had.

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
    primitive: Primitive,
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


def adopted(node: T) -> T:
    """The node of a Tensor that was unpickled: a leaf that has one is an ordinary leaf."""
    if isinstance(node, Orphan):
        node.__class__ = Leaf  # type: ignore[assignment]  # an Orphan is a Leaf and no more
    return node


def _made_leaf(order: Order, number: int, stamp: int, name: str | None, grad: Any) -> Leaf:
    leaf = Orphan(name)
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


def _refuse_argument(node: Held) -> tuple[Any, ...]:
    raise GradientError(
        "a Tensor that a transform (grad, jvp, jacobian, checkpoint, ...) is differentiating by, or a result of "
        "it, cannot be pickled: what is made of the pickle, perhaps in another process, would not be part of the "
        "derivative. Copy by copy.deepcopy or x.copy(), pickle x.detach(), or differentiate in the other process."
    )


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


def _unlisted(root: Node, *, anew: bool = False) -> list[Node]:
    """The nodes that lead to `root` and are not in a stretch, the oldest first."""

    def is_listed(node: Node, _: Any = None) -> bool:
        return not anew and node is not root and _known(node) is not None

    return sorted((node for node, _ in ancestors((root,), stop=is_listed) if not is_listed(node)), key=_by_number)


# --- deep copies ----------------------------------------------------------------------------------


class Growth:
    """What a deep copy has seen of the graphs of its results; there is one in the memo of each `copy.deepcopy`.

    Results and leaves come in any order. So a copy of a result begins at the place of the original. When a leaf is
    copied, all that was made of it is copied as well, and the copies of results move there.

    Attributes
    ----------
    users : dict
        Of every node, the nodes that have it as an operand, among those that lead to a result.
    results : dict
        Of a node, the copies of the Tensors that stand there.
    """

    __slots__ = ("results", "users")

    def __init__(self) -> None:
        self.users: dict[Node, list[Node]] = {}
        self.results: dict[Node, list[Any]] = {}

    def enter(self, root: Node, memo: dict[int, Any]) -> None:
        """Go through what leads to `root` and was not seen; copy what hangs on a leaf that has a copy."""
        if root in self.users:
            return
        found = [root]
        self.users[root] = []
        for node in found:  # it grows while it is gone through
            for parent in node.parents:
                if parent is None:
                    continue
                if parent not in self.users:
                    self.users[parent] = []
                    found.append(parent)
                self.users[parent].append(node)
        found.sort(key=_by_number)
        for node in found:
            if id(node) not in memo and any(id(p) in memo for p in node.parents if p is not None):
                _copy_node(node, memo)

    def move(self, leaf: Leaf, memo: dict[int, Any]) -> None:
        """A leaf was copied: let all that was made of it be made of the copy."""
        above: list[Node] = []
        stack: list[Node] = [leaf]
        seen: set[Node] = {leaf}
        for node in stack:  # it grows while it is gone through
            for user in self.users.get(node, ()):
                if user in seen:
                    continue
                seen.add(user)
                known = memo.get(id(user))
                if known is None:
                    above.append(user)
                    stack.append(user)
                else:  # an earlier leaf led to it, and to all above it
                    known.parents = _parents_in(user, memo)
        above.sort(key=_by_number)
        for node in above:
            _copy_node(node, memo)
            for tensor in self.results.get(node, ()):
                tensor._node = memo[id(node)]


_by_number = attrgetter("number")
_GROWTH = object()  # its identity is the key in memos


def deep_copy_at(tensor: Any, node: Node, memo: dict[int, Any]) -> None:
    """Give the copy of a Tensor that stands at `node` its place."""
    growth = memo.get(id(_GROWTH))
    if growth is None:
        growth = memo[id(_GROWTH)] = Growth()
    if isinstance(node, Leaf):
        if id(node) not in memo:
            deep_copy_of_leaf(node, memo)
            growth.move(node, memo)
    else:
        growth.enter(node, memo)
        growth.results.setdefault(node, []).append(tensor)
    tensor._node = memo.get(id(node), node)


def deep_copy_of_leaf(leaf: Leaf, memo: dict[int, Any]) -> Leaf:
    """A leaf of its own, as old as the original."""
    new = memo.get(id(leaf))
    if new is None:
        new = memo[id(leaf)] = Leaf(getattr(leaf, "name", None))
        new.number, new.stamp, new.grad = leaf.number, leaf.stamp, copied(leaf.grad, memo)
    return new


def copied(value: Any, memo: dict[int, Any]) -> Any:
    """A deep copy of what a node holds; in a function that is being compiled values are not written to, and stay."""
    if isinstance(value, tuple):
        return tuple([copied(v, memo) for v in value])
    return value if is_traced(value) else copy.deepcopy(value, memo)


def _copy_node(node: Node, memo: dict[int, Any]) -> None:
    operands, keywords = copied(node.operands, memo), copied(node.keywords, memo)
    parents, output = _parents_in(node, memo), copied(node.output, memo)
    new = memo[id(node)] = Node(node.number, node.primitive, operands, parents, keywords or NO_KEYWORDS, output)
    if hasattr(node, "name"):
        new.name = node.name


def _parents_in(node: Node, memo: dict[int, Any]) -> tuple[Node | None, ...]:
    return tuple([None if p is None else memo.get(id(p), p) for p in node.parents])


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
                _addresses[p] = module, name  # type: ignore[assignment]  # `p` is a primitive, no function
                return module, name  # type: ignore[return-value]  # as above
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
copyreg.pickle(Held, _refuse_argument)
copyreg.pickle(Leaf, lambda leaf: (_made_leaf, _leaf_parts(leaf)))
copyreg.pickle(Primitive, _primitive_parts)
