"""Copies and pickles of recorded graphs.

A copy must not silently lose a gradient. A leaf that a user made becomes a new leaf, as models and optimisers need it.
The node by which a transform differentiates belongs to the transform: a copy keeps it, and a pickle is refused. A deep
copy of a result depends on the copies of those leaves that are copied with it, and on the originals of all others. A
pickle cannot refer to originals: a leaf that was not pickled becomes an `Orphan`, which cannot be differentiated by.

A pickle stores a graph as a flat list of nodes, oldest first, so a node always comes after its operands' nodes, and
nothing recurses, however long the chain is. `pickle` and `copy` recognise nodes by identity, so two results that share
a part of their graph still share it if they are pickled or copied together. Loaded nodes get fresh numbers, in their
old order. Nodes of a deep copy keep the numbers of the originals, since both stay in one process.
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
    """Gives the nodes of one pickle fresh numbers, in their old order.

    Every node in a pickle refers to `ORDER`, so each pickle holds it once, and it is loaded as one fresh `Order`.
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
        """Replace an old number of a node (or a stamp of a leaf) by a fresh one."""
        self.events.append((old, node, numbers))
        self.in_order = self.in_order and old >= self.last
        self.last = max(self.last, old)
        _number(node, numbers)

    def settle(self) -> None:
        """Restore the old order, once all nodes that lead to a result are loaded.

        Operands come before their results in any case. Only the stamps of assigned leaves need more: a node older than
        a stamp is stale, and must stay stale.
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
    """The node of an unpickled Tensor: a leaf whose Tensor was loaded too is an ordinary leaf."""
    if isinstance(node, Orphan):
        node.__class__ = Leaf  # type: ignore[assignment]  # an Orphan has the same slots as a Leaf
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
        "it, cannot be pickled: a Tensor loaded from the pickle, perhaps in another process, would not be part of the "
        "derivative. Copy it with copy.deepcopy or x.copy(), pickle x.detach(), or differentiate in the other process."
    )


def _leaf_parts(leaf: Leaf) -> tuple[Any, ...]:
    """All but the leaf's place in a flat buffer: the optimiser that owns the buffer gives it a new one."""
    return ORDER, leaf.number, leaf.stamp, getattr(leaf, "name", None), leaf.grad


# --- pickles --------------------------------------------------------------------------------------


class Stretch:
    """A part of a graph in a pickle: the nodes that lead to one result and are not in earlier stretches.

    Attributes
    ----------
    nodes : list of Node
        Oldest first.
    before : list of Stretch
        The stretches that hold operands of these nodes. Each is written once, since pickle recognises it by identity.
    depth : int
        The length of the longest chain of stretches that ends here.
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
"""The stretch in which a node is listed, as long as a pickler holds it. So the next result lists only its new nodes."""


def stretch_to(root: Node) -> Stretch:
    """The stretch that a pickle of a result must hold in addition to the result's node."""
    known = _known(root)
    if known is not None:
        return known
    found = _unlisted(root)
    before = list({id(s): s for node in found for p in node.parents if p and (s := _known(p)) is not None}.values())
    if any(s.depth >= _DEPTH for s in before):  # list the whole graph once more, in one stretch
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
    """The nodes that lead to `root` and are not in a stretch, oldest first."""

    def is_listed(node: Node, _: Any = None) -> bool:
        return not anew and node is not root and _known(node) is not None

    return sorted((node for node, _ in ancestors((root,), stop=is_listed) if not is_listed(node)), key=_by_number)


# --- deep copies ----------------------------------------------------------------------------------


class Growth:
    """The graphs that one `copy.deepcopy` has seen so far; it is kept in the memo of that call.

    Results and leaves come in any order. So the copy of a result first keeps the node of the original. When a leaf is
    copied, all nodes computed from it are copied too, and the copies of results get these new nodes.

    Attributes
    ----------
    users : dict
        For every node that leads to a result: which other such nodes have it as an operand.
    results : dict
        For a node, the copies of the Tensors that have it.
    """

    __slots__ = ("results", "users")

    def __init__(self) -> None:
        self.users: dict[Node, list[Node]] = {}
        self.results: dict[Node, list[Any]] = {}

    def enter(self, root: Node, memo: dict[int, Any]) -> None:
        """Visit the unseen nodes that lead to `root`; copy those that depend on a copied leaf."""
        if root in self.users:
            return
        found = [root]
        self.users[root] = []
        for node in found:  # the list grows during the loop
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
        """After a leaf was copied, copy all nodes computed from it, so that they depend on the copy."""
        above: list[Node] = []
        stack: list[Node] = [leaf]
        seen: set[Node] = {leaf}
        for node in stack:  # the list grows during the loop
            for user in self.users.get(node, ()):
                if user in seen:
                    continue
                seen.add(user)
                known = memo.get(id(user))
                if known is None:
                    above.append(user)
                    stack.append(user)
                else:  # an earlier leaf led to this node: it and all nodes above it are copied already
                    known.parents = _parents_in(user, memo)
        above.sort(key=_by_number)
        for node in above:
            _copy_node(node, memo)
            for tensor in self.results.get(node, ()):
                tensor._node = memo[id(node)]


_by_number = attrgetter("number")
_GROWTH = object()  # its identity is the key in memos


def deep_copy_at(tensor: Any, node: Node, memo: dict[int, Any]) -> None:
    """Set the node of `tensor`, which is the copy of a Tensor at `node`."""
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
    """A new leaf with the number, stamp and gradient of the original."""
    new = memo.get(id(leaf))
    if new is None:
        new = memo[id(leaf)] = Leaf(getattr(leaf, "name", None))
        new.number, new.stamp, new.grad = leaf.number, leaf.stamp, copied(leaf.grad, memo)
    return new


def copied(value: Any, memo: dict[int, Any]) -> Any:
    """A deep copy of a value that a node holds. A traced value is returned itself, since nothing writes into it."""
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
    """The module and name under which a primitive can be imported; None if there are none."""
    known = _addresses.get(p)
    if known is not None:
        return known
    written = (p.fn, p.joint_pull, p.joint_push, *(p.pulls or ()), *(p.pushes or ()))
    likely = dict.fromkeys(getattr(f, "__module__", None) for f in written)
    others = [name for name in sys.modules if name.partition(".")[0] == "autodiff"]
    for module in [*likely, *others]:
        for name, value in list(vars(sys.modules[module]).items()) if module in sys.modules else ():
            if value is p:
                _addresses[p] = module, name  # type: ignore[assignment]  # it is in sys.modules, so not None
                return module, name  # type: ignore[return-value]  # as above
    return None


def _imported_primitive(module: str, name: str) -> Primitive:
    found = getattr(importlib.import_module(module), name, None)
    if not isinstance(found, Primitive):
        raise RuleError(f"the pickle needs the primitive `{name}` of the module {module}, which does not exist there.")
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
            "compute it with the plain function."
        )
    if p.name == "checkpoint":
        raise RuleError(
            "a result of ad.checkpoint cannot be pickled: its graph holds a call of your function. Pickle x.detach(), "
            "or compute it without checkpoint."
        )
    raise RuleError(
        f"the graph cannot be pickled: the primitive `{p.name}` has no name in a module, so it could not be "
        f"loaded again. Give it a module-level name, {p.name} = ad.{_maker(p)}(...), or pickle x.detach()."
    )


def _maker(p: Primitive) -> str:
    return "primitive" if p.kind == "general" else p.kind


copyreg.pickle(Node, lambda node: (_made_node, _node_parts(node)))
copyreg.pickle(Held, _refuse_argument)
copyreg.pickle(Leaf, lambda leaf: (_made_leaf, _leaf_parts(leaf)))
copyreg.pickle(Primitive, _primitive_parts)
