"""Walks over the graph: which nodes lie between results and the targets of a derivative."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Set
from operator import attrgetter
from typing import Any, NamedTuple

from autodiff.core.primitives import MASKING, MULTILINEAR, OVERFLOWING, SINGULAR
from autodiff.core.tape import INPUT, Held, Leaf, Node, Orphan
from autodiff.errors import GradientError, StaleError

_by_number = attrgetter("number")


class Walk(NamedTuple):
    """What lies between some outputs and the oldest target, the floor.

    Attributes
    ----------
    nodes : list of Node
        The recorded operations that depend on a target, newest first.
    leaves : list of Node
        The inputs that the walk met.
    flags : int
        The union of the primitives' flags.
    outside : bool
        Whether the outputs depend on something tracked that is older than the floor, or on a leaf
        that is not a target.
    needed : set of Node, or None
        The nodes that depend on a target, and the targets; None if all nodes do.
    """

    nodes: list[Node]
    leaves: list[Node]
    flags: int
    outside: bool
    needed: set[Node] | None

    @property
    def masked(self) -> bool:
        """Whether a blocked entry could meet an infinite slope, so that a sweep may have to keep masks."""
        return self.flags & MASKING != 0 and self.flags & (SINGULAR | OVERFLOWING) != 0

    @property
    def is_quiet(self) -> bool:
        """Whether to silence NumPy's warnings: infinite slopes are valid here, and a first attempt may be repeated."""
        return self.flags & SINGULAR != 0 or self.masked

    @property
    def masked_from_the_start(self) -> bool:
        """Whether a sweep that is recorded must keep masks from the start: a later derivative may need them."""
        return self.flags & (MASKING | SINGULAR) == MASKING | SINGULAR


def ancestors(roots: Iterable[Node], stop: Callable[[Node, Any], bool] | None = None) -> Iterator[tuple[Node, Any]]:
    """Every node that leads to `roots`, each once, the roots first.

    Parameters
    ----------
    roots : iterable of Node
    stop : callable, optional
        Called with each node and its value; the walk ends there if it returns True.

    Yields
    ------
    node, value
        The value is the operand that an operation got from the node; for a root, its output.

    Notes
    -----
    `walk`, `walk_to_leaves` and `depends_outside` have loops of their own for speed: every gradient calls them.
    """
    found = [(root, root.output) for root in dict.fromkeys(roots)]
    seen = {root for root, _ in found}
    for node, value in found:  # the list grows during the loop
        yield node, value
        if stop is not None and stop(node, value):
            continue
        for parent, x in zip(node.parents, node.operands):
            if parent is not None and parent not in seen:
                seen.add(parent)
                found.append((parent, x))


def walk_to_leaves(*roots: Node) -> Walk:
    """Collect everything that leads to `roots`, for a backward pass."""
    stack = list(roots)
    seen = set(roots)
    nodes: list[Node] = []
    leaves: list[Node] = []
    flags = 0
    for node in stack:  # the list grows during the loop
        primitive = node.primitive
        if primitive is INPUT:
            leaves.append(node)
            continue
        nodes.append(node)
        flags |= primitive.flags
        for parent in node.parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    nodes.sort(key=_by_number, reverse=True)
    if nodes:
        _check_not_stale(nodes, leaves, None)
        _watch_memory(nodes)
    return Walk(nodes, leaves, flags, False, None)


def walk(roots: Iterable[Node], targets: Set[Node], *, through: bool = True) -> Walk:
    """Collect the nodes between `roots` and `targets`.

    With ``through=False`` the walk stops at every target, even at one that depends on another target.
    """
    floor = min([t.number for t in targets], default=0)
    stack = list(roots)
    seen = set(stack)
    nodes: list[Node] = []
    leaves: list[Node] = []
    flags = 0
    outside = False
    for node in stack:  # the list grows during the loop
        if node.number < floor:
            outside = True
            continue
        if node.primitive is INPUT or (not through and node in targets):
            leaves.append(node)
            continue
        nodes.append(node)
        flags |= node.primitive.flags
        for parent in node.parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    nodes.sort(key=_by_number, reverse=True)
    strangers = [leaf for leaf in leaves if leaf not in targets]
    outside = outside or any(isinstance(leaf, Leaf) for leaf in strangers)
    if strangers and not targets <= seen:
        _check_not_left_behind(strangers)
    needed: set[Node] | None = None
    if outside or strangers or any(t.primitive is not INPUT for t in targets):
        needed = set(targets)
        for node in reversed(nodes):
            if not needed.isdisjoint(node.parents):
                needed.add(node)
        nodes = [n for n in nodes if not needed.isdisjoint(n.parents)]
    if nodes:
        _check_not_stale(nodes, leaves, needed)
        _watch_memory(nodes)
    return Walk(nodes, leaves, flags, outside, needed)


_SAMPLED = 8  # one walk in so many is measured, since the sum over its nodes takes time
_LIMIT = 1 << 30


class _Memory:
    """How much memory recorded graphs hold, estimated from samples."""

    walks = 0
    total = 0
    warned = False
    graphs: dict[int, weakref.ref[Node]] = {}  # noqa: RUF012 - one for the process


def _watch_memory(nodes: list[Node]) -> None:
    """Warn once, with the usual cause, if differentiated graphs that are still alive hold more than a gigabyte."""
    _Memory.walks += 1
    root = nodes[0]
    if _Memory.walks % _SAMPLED or id(root) in _Memory.graphs or _Memory.warned:
        return
    key, size = id(root), sum(getattr(n.output, "nbytes", 0) for n in nodes)

    def gone(_: weakref.ref[Node]) -> None:
        del _Memory.graphs[key]
        _Memory.total -= size

    _Memory.graphs[key] = weakref.ref(root, gone)
    _Memory.total += size
    if _SAMPLED * _Memory.total > _LIMIT and len(_Memory.graphs) > 1:
        _Memory.warned = True
        warnings.warn(
            f"about {_SAMPLED * _Memory.total / _LIMIT:.1f} GB of recorded operations are alive. If you collect "
            "losses or other results in a list, collect loss.item() (or x.data, x.detach()): a Tensor keeps all "
            "values that it was computed from.",
            UserWarning,
            stacklevel=4,
        )


def depends_outside(root: Node, targets: Set[Node], inside: set[Node]) -> bool:
    """Whether `root` depends on something tracked that outlives the transform with these targets.

    That is a node older than the targets, a leaf, or an argument of another transform whose function is still running:
    a pullback may be called inside a transform that began later.

    `inside` holds nodes of which it is known that they do not, from other results of the same transform; it grows.
    """
    if root in inside:
        return False
    floor = min([t.number for t in targets], default=root.number + 1)

    stack = [root]
    seen = {root}
    while stack:  # not `ancestors`, for speed, as every nested gradient runs this
        node = stack.pop()  # depth first: if there is something outside, it is often at the end of every path
        if node.number < floor:
            return True
        if node not in targets and (isinstance(node, Leaf) or (type(node) is Held and node.is_open)):
            return True
        for parent in node.parents:
            if parent is not None and parent not in seen and parent not in inside:
                seen.add(parent)
                stack.append(parent)
    inside |= seen
    return False


def outside_nodes(roots: Iterable[Node], targets: Set[Node], floor: int) -> dict[Node, Any]:
    """The nodes that lead to `roots` and are older than `floor`, or leaves and no targets, each with its value."""

    def is_outside(node: Node, _: Any) -> bool:
        return node.number < floor or (isinstance(node, Leaf) and node not in targets)

    return {node: x for node, x in ancestors(roots, stop=is_outside) if is_outside(node, x)}


def _check_not_left_behind(leaves: list[Node]) -> None:
    """Refuse a gradient for an `Orphan`, from which nobody could read it."""
    for leaf in leaves:
        if isinstance(leaf, Orphan):
            name = getattr(leaf, "name", None)
            raise GradientError(
                f"this result was unpickled, but the leaf{f' {name!r}' if name else ''} that it was computed from was "
                "not pickled with it, so the gradient would be lost. Pickle them together, pickle.dumps((w, y)), "
                "or differentiate where the leaf is, and pickle the gradient."
            )


def _check_not_stale(nodes: list[Node], leaves: list[Node], needed: Set[Node] | None) -> None:
    """Refuse a sweep that needs a leaf's old value after the leaf was changed, or that reaches an `Orphan`."""
    oldest = nodes[-1].number
    for leaf in leaves:
        if isinstance(leaf, Leaf) and (leaf.stamp > oldest or leaf.__class__ is Orphan):
            break
    else:
        return
    if needed is None:
        _check_not_left_behind(leaves)
    for node in nodes:
        primitive = node.primitive
        for i, parent in enumerate(node.parents):
            if isinstance(parent, Leaf) and parent.stamp > node.number and is_read(node, i, needed):
                name = getattr(parent, "name", None)
                who = f"{name!r}" if name else f"the tensor in operand {i}"
                raise StaleError(
                    f"{primitive.name}: {who} was changed by assign_, optimizer.step() or an update under no_grad "
                    f"after it was used here, and the derivative needs the value it had. Call backward before you "
                    f"assign, or compute the result anew."
                )


def is_read(node: Node, index: int, needed: Set[Node] | None) -> bool:
    """Whether a rule that will run reads the value of operand `index`."""
    primitive = node.primitive
    if not primitive.reads:
        return False
    if primitive.kind != MULTILINEAR:
        return True
    return any(i != index and p is not None and (needed is None or p in needed) for i, p in enumerate(node.parents))
