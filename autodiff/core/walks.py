"""Walks over the graph: which nodes lie between results and what they are differentiated by."""

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
    """What lies between some outputs and a floor.

    Attributes
    ----------
    nodes : list of Node
        The recorded operations that lead to a target, newest first.
    leaves : list of Node
        The inputs met on the way.
    flags : int
        The union of the primitives' flags.
    outside : bool
        Whether something tracked was met that is neither a target nor made since the floor: then
        the result depends on it.
    needed : set of Node, or None
        The nodes that lead to a target; None when all do.
    """

    nodes: list[Node]
    leaves: list[Node]
    flags: int
    outside: bool
    needed: set[Node] | None

    @property
    def masked(self) -> bool:
        """Whether a mask could meet an infinite slope, so that a sweep may have to keep masks."""
        return self.flags & MASKING != 0 and self.flags & (SINGULAR | OVERFLOWING) != 0

    @property
    def is_quiet(self) -> bool:
        """Whether NumPy's warnings say nothing: infinite slopes are answers here, and a sweep may be an attempt."""
        return self.flags & SINGULAR != 0 or self.masked

    @property
    def masked_from_the_start(self) -> bool:
        """Whether a sweep that records itself, so that its values come later, must keep masks from the start."""
        return self.flags & (MASKING | SINGULAR) == MASKING | SINGULAR


def ancestors(roots: Iterable[Node], stop: Callable[[Node, Any], bool] | None = None) -> Iterator[tuple[Node, Any]]:
    """Every node that leads to `roots`, each once, the roots first.

    Parameters
    ----------
    roots : iterable of Node
    stop : callable, optional
        Asked for each node and its value whether the walk ends there.

    Yields
    ------
    node, value
        As an operation had it among its operands; of a root its output.

    Notes
    -----
    `walk`, `walk_to_leaves` and `depends_outside` do the same in loops of their own, since gradients wait for them.
    """
    found = [(root, root.output) for root in dict.fromkeys(roots)]
    seen = {root for root, _ in found}
    for node, value in found:  # it grows while it is gone through
        yield node, value
        if stop is not None and stop(node, value):
            continue
        for parent, x in zip(node.parents, node.operands):
            if parent is not None and parent not in seen:
                seen.add(parent)
                found.append((parent, x))


def walk_to_leaves(*roots: Node) -> Walk:
    """Collect everything that leads to `roots`: what a backward pass sweeps."""
    stack = list(roots)
    seen = set(roots)
    nodes: list[Node] = []
    leaves: list[Node] = []
    flags = 0
    for node in stack:  # it grows while it is gone through
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

    With ``through=False`` the walk stops at every target, also at one that is a result and lies above another.
    """
    floor = min([t.number for t in targets], default=0)
    stack = list(roots)
    seen = set(stack)
    nodes: list[Node] = []
    leaves: list[Node] = []
    flags = 0
    outside = False
    for node in stack:  # it grows while it is gone through
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


_SAMPLED = 8  # one walk in so many is looked at: the sum over its nodes is not free
_LIMIT = 1 << 30


class _Memory:
    """How much recorded memory is alive, by samples."""

    walks = 0
    total = 0
    warned = False
    graphs: dict[int, weakref.ref[Node]] = {}  # noqa: RUF012 - one for the process


def _watch_memory(nodes: list[Node]) -> None:
    """Say once, when graphs that were differentiated stay alive by the gigabyte, what the usual cause is."""
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
            "losses or other results in a list, collect loss.item() (or x.data, x.detach()): a Tensor keeps all it "
            "was computed from.",
            UserWarning,
            stacklevel=4,
        )


def depends_outside(root: Node, targets: Set[Node]) -> bool:
    """Whether something tracked leads to `root` that outlives the transform of these targets.

    It was there before them, or it is a leaf, or the argument of a transform that began later and whose function is
    running: a pullback may be called inside of that.
    """
    floor = min([t.number for t in targets], default=root.number + 1)

    stack = [root]
    seen = {root}
    for node in stack:  # it grows while it is gone through; a loop of its own, since each nested gradient waits for it
        if node.number < floor:
            return True
        if node not in targets and (isinstance(node, Leaf) or (type(node) is Held and node.is_open)):
            return True
        for parent in node.parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return False


def outside_nodes(roots: Iterable[Node], targets: Set[Node], floor: int) -> dict[Node, Any]:
    """The tracked nodes from before `floor` (and leaves made since) that lead to `roots`, each with its value."""

    def is_outside(node: Node, _: Any) -> bool:
        return node.number < floor or (isinstance(node, Leaf) and node not in targets)

    return {node: x for node, x in ancestors(roots, stop=is_outside) if is_outside(node, x)}


def _check_not_left_behind(leaves: list[Node]) -> None:
    """Refuse a gradient that would arrive where nobody can read it."""
    for leaf in leaves:
        if isinstance(leaf, Orphan):
            name = getattr(leaf, "name", None)
            raise GradientError(
                f"this result was unpickled, and the leaf{f' {name!r}' if name else ''} that it was computed from was "
                "not pickled with it, so that its gradient would be lost. Pickle them together, pickle.dumps((w, y)), "
                "or differentiate where the leaf is and pickle the gradient."
            )


def _check_not_stale(nodes: list[Node], leaves: list[Node], needed: Set[Node] | None) -> None:
    """Refuse a sweep that would read a leaf's value after it was changed, or reach a leaf that was left behind."""
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
                    f"{primitive.name}: {who} was changed by assign_ after it was used here, and the derivative "
                    f"needs the value it had. Differentiate before you assign, or compute the result anew."
                )


def is_read(node: Node, index: int, needed: Set[Node] | None) -> bool:
    """Whether a rule that will run reads the value of operand `index`."""
    primitive = node.primitive
    if not primitive.reads:
        return False
    if primitive.kind != MULTILINEAR:
        return True
    return any(i != index and p is not None and (needed is None or p in needed) for i, p in enumerate(node.parents))
