"""The tape: nodes that remember how arrays were made, the recording switch, and the walk that collects nodes.

A `Node` points at the nodes of its operands, never forwards, so a graph is freed by reference
counting as soon as its result is dropped. Numbers grow in the order of recording; sorting by them is
all the topology there is. Nothing here recurses: depth costs no stack.
"""

from __future__ import annotations

import itertools
import threading
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Set
from contextvars import ContextVar
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from autodiff.core.primitives import LINEAR, MASKING, MULTILINEAR, OVERFLOWING, SINGULAR, Primitive
from autodiff.errors import CompileError, GradientError, StaleError

next_number: Callable[[], int] = itertools.count(1).__next__
"""The counter that numbers nodes and stamps assignments; atomic under the interpreter lock."""

NO_KEYWORDS: dict[str, Any] = {}


class Node:
    """One recorded operation.

    Attributes
    ----------
    number : int
        Larger than that of every operand's node.
    primitive : Primitive or None
        None for an input: a leaf, or a target of a transform.
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
        primitive: Primitive | None,
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
        return f"<Node {self.number} {self.primitive.name if self.primitive else 'input'}>"


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
        self.primitive = None
        self.operands = self.parents = ()
        self.keywords = NO_KEYWORDS
        self.output = None
        self.grad: np.ndarray[Any, Any] | None = None
        self.home: np.ndarray[Any, Any] | None = None
        self.place: Any = None
        self.stamp = self.number
        if name is not None:
            self.name = name

    def receive(self, ct: Any) -> None:
        """Add one more gradient. What arrives is copied: it may be shared with other nodes."""
        if special and _modes.tracer is not None:
            self.grad = _modes.tracer.received(self, ct)
            return
        if ct.dtype.kind == "c":
            ct = ct.conj()  # a cotangent is a linear functional; the gradient points uphill
        grad, home = self.grad, self.home
        if grad is None and home is None:
            self.grad = np.array(ct)
        elif grad is None:
            if ct is not home:
                home[...] = ct  # type: ignore[index]  # one of the two is there, and it is not `grad`
            self.grad = home
        elif grad is home:
            grad += ct
        else:
            self.grad = np.asarray(grad + ct)


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


ALIAS = Primitive("alias", lambda x: x, LINEAR)
"""The same value under a fresh number: how a transform takes hold of something already tracked."""
ALIAS.pulls, ALIAS.pushes, ALIAS.takes_output, ALIAS.reads, ALIAS.passes_mask = (
    (lambda ct, x: ct,),
    (ALIAS,),
    False,
    False,
    True,
)

# --- whether to record: a switch per thread -------------------------------------------------------


class _Modes(threading.local):
    watchers: tuple[Watcher, ...] = ()
    scopes: tuple[str, ...] = ()
    tracer: Any = None


_modes = _Modes()
structure = [0]
"""Counts changes of modules of networks, over all threads: a compiled program looks at it before it is run."""
_lock = threading.Lock()
special = 0
"""How many switches are away from their default, over all threads. While it is 0, which is nearly
always, an operation need not look at the (slow) thread-local."""


_switches: ContextVar[tuple[set_recording, ...]] = ContextVar("autodiff_switches", default=())
"""The switches that are open in this context (a thread, a task of asyncio), in the order in which they were opened.

Generators open and close theirs in any order, and perhaps in different contexts. So nobody puts back what was there
before: each switch takes itself away, and one that was closed elsewhere counts for nothing."""


def is_recording() -> bool:
    """Whether operations of this context are recorded now."""
    if not special:
        return True
    for switch in reversed(_switches.get()):
        if switch.is_open:
            return switch.on
    return True


class set_recording:  # noqa: N801 - a context manager, used like a function
    """Context manager: record, or do not, in this context; an object for each time."""

    __slots__ = ("is_open", "on")

    def __init__(self, on: bool) -> None:
        self.on, self.is_open = on, False

    def __enter__(self) -> None:
        global special
        with _lock:
            special += 1
        self.is_open = True
        _switches.set((*[s for s in _switches.get() if s.is_open], self))

    def __exit__(self, *_: object) -> None:
        global special
        self.is_open = False
        _switches.set(tuple([s for s in _switches.get() if s.is_open]))
        with _lock:
            special -= 1


# --- looking on -----------------------------------------------------------------------------------


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


class watching:  # noqa: N801 - a context manager, used like a function
    """Context manager: somebody looks on in this thread."""

    __slots__ = ("watcher",)

    def __init__(self, watcher: Watcher) -> None:
        self.watcher = watcher

    def __enter__(self) -> None:
        global special
        _modes.watchers = (*_modes.watchers, self.watcher)
        with _lock:
            special += 1

    def __exit__(self, *_: object) -> None:
        global special
        _modes.watchers = tuple([w for w in _modes.watchers if w is not self.watcher])
        if not _modes.watchers:
            _modes.scopes = ()
        with _lock:
            special -= 1


def tracer() -> Any:
    """Who writes down the NumPy calls of this thread for `compile`, or None."""
    return _modes.tracer if special else None


def set_tracer(new: Any) -> Any:
    """Let somebody write them down, who looks on as well, or nobody; returns who did before."""
    before, _modes.tracer = _modes.tracer, new
    return before


def refusal(text: str) -> CompileError:
    """The error about what cannot be compiled. Who writes down the calls notes it: caught, it is raised at the end."""
    error = CompileError(text)
    if _modes.tracer is not None:
        _modes.tracer.refusal = _modes.tracer.refusal or error
    return error


def is_watched() -> bool:
    """Whether somebody looks on in this thread."""
    return bool(special and _modes.watchers)


def tell_recorded(node: Node) -> None:
    """Show a node to those who look on. To be called while `special` is not 0."""
    for watcher in _modes.watchers:
        watcher.recorded(node)


def tell_met(
    function: Callable[..., Any], args: tuple[Any, ...], parents: tuple[Node | None, ...], keywords: dict[str, Any]
) -> None:
    """Show them a function that leaves no node of its own. To be called while `special` is not 0."""
    for watcher in _modes.watchers:
        watcher.met(function, args, parents, keywords)


def tell_swept(
    nodes: Iterable[Node], values: dict[Node, Any], targets: Set[Node] | None, *, reverse: bool
) -> Iterable[Node]:
    """The nodes of a sweep, shown to those who look on. To be called while `special` is not 0."""
    for watcher in _modes.watchers:
        nodes = watcher.swept(nodes, values, targets, reverse=reverse)
    return nodes


def enter_scope(name: str) -> None:
    """Note that a named stretch begins, if somebody looks on."""
    if _modes.watchers:
        _modes.scopes = (*_modes.scopes, name)


def leave_scope(name: str) -> None:
    """Note that it ends; one that began before the watch is not known."""
    if _modes.scopes and _modes.scopes[-1] == name:
        _modes.scopes = _modes.scopes[:-1]


def open_scopes() -> tuple[str, ...]:
    """The named stretches of this thread that began since somebody looks on, the outermost first."""
    return _modes.scopes


# --- walking the graph ----------------------------------------------------------------------------

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
        """Whether a sweep whose values come later (it records itself, it is traced) must keep masks from the start."""
        return self.flags & (MASKING | SINGULAR) == MASKING | SINGULAR


def walk_to_leaves(*roots: Node) -> Walk:
    """Collect everything that leads to `roots`: what a backward pass sweeps."""
    stack = list(roots)
    seen = set(roots)
    nodes: list[Node] = []
    leaves: list[Node] = []
    flags = 0
    for node in stack:  # it grows while it is gone through
        primitive = node.primitive
        if primitive is None:
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
        if node.primitive is None or (not through and node in targets):
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
    if outside or strangers or any(t.primitive is not None for t in targets):
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
            "losses or "
            "other results in a list, collect loss.item() (or x.data, x.detach()): a Tensor keeps all it was "
            "computed from.",
            UserWarning,
            stacklevel=4,
        )


def depends_outside(root: Node, targets: Set[Node]) -> bool:
    """Whether something tracked leads to `root` that is neither a target nor made since the first of them."""
    floor = min([t.number for t in targets], default=root.number + 1)
    return bool(_outside(root, targets, floor, first=True))


def outside_nodes(roots: Iterable[Node], targets: Set[Node], floor: int) -> dict[Node, Any]:
    """The tracked nodes from before `floor` (and leaves made since) that lead to `roots`, each with its value."""
    found: dict[Node, Any] = {}
    for root in roots:
        found.update(_outside(root, targets, floor, first=False))
    return found


def _outside(root: Node, targets: Set[Node], floor: int, *, first: bool) -> dict[Node, Any]:
    found: dict[Node, Any] = {}
    stack: list[tuple[Node, Any]] = [(root, root.output)]
    seen = {root}
    while stack:
        node, value = stack.pop()
        if node.number < floor or (isinstance(node, Leaf) and node not in targets):
            found[node] = value
            if first:
                break
            continue
        for parent, x in zip(node.parents, node.operands, strict=True):
            if parent is not None and parent not in seen:
                seen.add(parent)
                stack.append((parent, x))
    return found


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
        assert primitive is not None
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
    assert primitive is not None
    if not primitive.reads:
        return False
    if primitive.kind != MULTILINEAR:
        return True
    return any(i != index and p is not None and (needed is None or p in needed) for i, p in enumerate(node.parents))
