"""The tape: nodes that remember how arrays were made, and the two sweeps along them.

A `Node` points at the nodes of its operands, never forwards, so a graph is freed by reference
counting as soon as its result is dropped. Numbers grow in the order of recording; sorting by them is
all the topology there is. The reverse sweep carries cotangents from outputs to inputs (descending
numbers), the forward sweep carries tangents the other way. Both are loops: depth costs no stack.

A sweep works on whatever its values are. On arrays it runs at NumPy's speed; when the caller hands
it `lift` it wraps operands and outputs, the rules then record themselves, and the result can be
differentiated again.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Sequence, Set
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from autodiff.errors import RuleError, StaleError
from autodiff.primitives import LINEAR, MASKING, MULTILINEAR, SINGULAR, Primitive

next_number: Callable[[], int] = itertools.count(1).__next__
"""The counter that numbers nodes and stamps assignments; atomic under the interpreter lock."""

NO_KEYWORDS: dict[str, Any] = {}
Lift = Callable[[Any, "Node"], Any]


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
        super().__init__(next_number(), None, (), (), NO_KEYWORDS, None)
        self.grad: np.ndarray[Any, Any] | None = None
        self.home: np.ndarray[Any, Any] | None = None
        self.place: Any = None
        self.stamp = self.number
        if name is not None:
            self.name = name

    def receive(self, ct: Any) -> None:
        """Add one more gradient. What arrives is copied: it may be shared with other nodes."""
        if ct.dtype.kind == "c":
            ct = ct.conj()  # a cotangent is a linear functional; the gradient points uphill
        if self.grad is not None:
            if self.grad is self.home:
                self.grad += ct
            else:
                self.grad = np.asarray(self.grad + ct)
        elif self.home is not None:
            self.home[...] = ct
            self.grad = self.home
        else:
            self.grad = np.array(ct)


def _item(outputs: tuple[Any, ...], *, index: int) -> Any:
    return outputs[index]


ITEM = Primitive("item", _item, LINEAR)
"""Picks one output of an operation with several; the sweeps know it by name."""

ALIAS = Primitive("alias", lambda x: x, LINEAR)
"""The same value under a fresh number: how a transform takes hold of something already tracked."""
ALIAS.pulls, ALIAS.pushes, ALIAS.takes_output, ALIAS.reads, ALIAS.passes_mask = (lambda ct, x: ct,), (ALIAS,), False, False, True

# --- whether to record: a switch per thread -------------------------------------------------------


class _Modes(threading.local):
    recording = True


_modes = _Modes()
_lock = threading.Lock()
special = 0
"""How many switches are away from their default, over all threads. While it is 0, which is nearly
always, an operation need not look at the (slow) thread-local."""


def is_recording() -> bool:
    """Whether operations of this thread are recorded now."""
    return not special or _modes.recording


class set_recording:  # noqa: N801 - a context manager, used like a function
    """Context manager: record, or do not, in this thread."""

    __slots__ = ("before", "on")

    def __init__(self, on: bool) -> None:
        self.on = on

    def __enter__(self) -> None:
        global special
        self.before = _modes.recording
        _modes.recording = self.on
        with _lock:
            special += 1

    def __exit__(self, *_: object) -> None:
        global special
        _modes.recording = self.before
        with _lock:
            special -= 1


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
        """Whether a mask could meet an infinite slope, so that the sweep must keep masks."""
        return self.flags & (MASKING | SINGULAR) == MASKING | SINGULAR


def walk(roots: Iterable[Node], targets: Set[Node] | None = None, *, through: bool = True) -> Walk:
    """Collect the nodes between `roots` and `targets` (None: all leaves).

    With ``through=False`` the walk stops at every target, also at one that is a result and lies above another.
    """
    floor = -1 if targets is None else min([t.number for t in targets], default=0)
    stack = list(roots)
    seen = set(stack)
    nodes: list[Node] = []
    leaves: list[Node] = []
    flags = 0
    outside = False
    while stack:
        node = stack.pop()
        if node.number < floor:
            outside = True
            continue
        if node.primitive is None or (not through and targets is not None and node in targets):
            leaves.append(node)
            continue
        nodes.append(node)
        flags |= node.primitive.flags
        for parent in node.parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    nodes.sort(key=_by_number, reverse=True)
    needed = None
    if targets is not None:
        strangers = [leaf for leaf in leaves if leaf not in targets]
        outside = outside or any(isinstance(leaf, Leaf) for leaf in strangers)
        if outside or strangers or any(t.primitive is not None for t in targets):
            needed = set(targets)
            for node in reversed(nodes):
                if not needed.isdisjoint(node.parents):
                    needed.add(node)
            nodes = [n for n in nodes if not needed.isdisjoint(n.parents)]
    if nodes:
        _check_not_stale(nodes, leaves, needed)
    return Walk(nodes, leaves, flags, outside, needed)


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


def _check_not_stale(nodes: list[Node], leaves: list[Node], needed: Set[Node] | None) -> None:
    """Refuse a sweep that would read a leaf's value after it was changed."""
    oldest = nodes[-1].number
    if not any(isinstance(leaf, Leaf) and leaf.stamp > oldest for leaf in leaves):
        return
    for node in nodes:
        primitive = node.primitive
        assert primitive is not None
        for i, parent in enumerate(node.parents):
            if isinstance(parent, Leaf) and parent.stamp > node.number and _is_read(node, i, needed):
                name = getattr(parent, "name", None)
                who = f"{name!r}" if name else f"the tensor in operand {i}"
                raise StaleError(
                    f"{primitive.name}: {who} was changed by assign_ after it was used here, and the derivative "
                    f"needs the value it had. Differentiate before you assign, or compute the result anew."
                )


def _is_read(node: Node, index: int, needed: Set[Node] | None) -> bool:
    """Whether a rule that will run reads the value of operand `index`."""
    primitive = node.primitive
    assert primitive is not None
    if not primitive.reads:
        return False
    if primitive.kind != MULTILINEAR:
        return True
    return any(
        i != index and p is not None and (needed is None or p in needed) for i, p in enumerate(node.parents)
    )


# --- the reverse sweep ----------------------------------------------------------------------------


def pull_back_plain(nodes: Sequence[Node], cts: dict[Node, Any]) -> None:
    """The reverse sweep on arrays, without masks, towards every tracked operand.

    `cts` maps the outputs' nodes to their cotangents. Afterwards it maps the inputs to theirs.
    """
    owned: set[Node] = set()  # whose cotangent is a sum made here, so that a further term may go in place
    pop, get = cts.pop, cts.get
    ndarray = np.ndarray
    for node in nodes:
        ct = pop(node, None)
        if ct is None:  # a rule said None: nothing flows this way
            continue
        primitive = node.primitive
        operands = node.operands
        keywords = node.keywords
        if type(ct) is list:
            ct = _outputs_cotangent(node, ct)
        head = (ct, node.output, *operands) if primitive.takes_output else (ct, *operands)  # type: ignore[union-attr]
        rules = primitive.pulls  # type: ignore[union-attr]
        if rules is None or primitive is ITEM:
            _pull_jointly(node, head, cts)
            continue
        for parent, rule, x in zip(node.parents, rules, operands):  # noqa: B905 - constants behind may lack a rule
            if parent is None:
                continue
            g = rule(*head, **keywords) if keywords else rule(*head)  # type: ignore[misc]
            if type(g) is not type(x) or (type(g) is ndarray and (g.shape != x.shape or g.dtype != x.dtype)):
                g = conform(g, x, node)
            before = get(parent)
            if before is None:
                cts[parent] = g
            elif parent in owned:
                before += g
            else:
                cts[parent] = before + g
                if type(before) is ndarray:
                    owned.add(parent)


def pull_back_masked(nodes: Sequence[Node], cts: dict[Node, Any]) -> None:
    """`pull_back_plain` with masks: what a masking primitive blocks stays 0, whatever slope comes later."""
    lives: dict[Node, Any] = {}
    for node in nodes:
        ct = cts.pop(node, None)
        if ct is None:
            continue
        live = lives.pop(node, None)
        primitive = node.primitive
        operands = node.operands
        keywords = node.keywords
        if type(ct) is list:
            ct = _outputs_cotangent(node, ct)
            live = None
        head = (ct, node.output, *operands) if primitive.takes_output else (ct, *operands)  # type: ignore[union-attr]
        if primitive is ITEM:
            _accumulate_item(node, ct, cts)
            continue
        rules = primitive.pulls if primitive.pulls is not None else joint_cotangents(node, head)  # type: ignore[union-attr]
        masks = live is not None or primitive.flags & MASKING  # type: ignore[union-attr]
        i = -1
        for parent, rule, x in zip(node.parents, rules, operands):  # noqa: B905 - constants behind may lack a rule
            i += 1
            if parent is None or rule is None:
                continue
            g = (rule(*head, **keywords) if keywords else rule(*head)) if callable(rule) else rule
            alive = mask_pulled(node, i, live) if masks else None
            if alive is not None:
                if alive.ndim:
                    g = np.where(alive, g, 0)
                    alive = _any_over_broadcast(alive, x.shape)
                elif alive:
                    alive = None  # one number, and it is alive
                else:
                    g = x.dtype.type(0)
            if type(g) is not type(x) or (g.ndim and (g.shape != x.shape or g.dtype != x.dtype)):
                g = conform(g, x, node)
            before = cts.get(parent)
            if before is None:
                cts[parent] = g
                if alive is not None:
                    lives[parent] = alive
            else:
                cts[parent] = before + g
                if lives:
                    other = lives.pop(parent, None)
                    if alive is not None and other is not None:
                        lives[parent] = alive | other


def _pull_jointly(node: Node, head: tuple[Any, ...], cts: dict[Node, Any]) -> None:
    """One step of the plain sweep for an operation whose operands share one rule."""
    if node.primitive is ITEM:
        _accumulate_item(node, head[0], cts)
        return
    for parent, g, x in zip(node.parents, joint_cotangents(node, head), node.operands, strict=True):
        if parent is not None and g is not None:
            g = conform(g, x, node)
            before = cts.get(parent)
            cts[parent] = g if before is None else before + g


def joint_cotangents(node: Node, head: tuple[Any, ...]) -> tuple[Any, ...]:
    """The cotangents of all operands, from a rule that returns them together."""
    primitive = node.primitive
    assert primitive is not None
    assert primitive.joint_pull is not None
    gs = primitive.joint_pull(*head, **node.keywords)
    if not isinstance(gs, (tuple, list)) or len(gs) != len(node.operands):
        given = f"{len(gs)} cotangents" if isinstance(gs, (tuple, list)) else f"a {type(gs).__name__}"
        raise RuleError(
            f"{primitive.name}: the reverse rule returned {given} for {len(node.operands)} operand(s); return a tuple "
            f"with one cotangent for each (None for an operand without one)."
        )
    return tuple(gs)


def _accumulate_item(node: Node, ct: Any, cts: dict[Node, Any]) -> None:
    """Put the cotangent of one output into its place among those of the whole operation."""
    parent = node.parents[0]
    assert parent is not None
    places = cts.get(parent)
    if places is None:
        places = cts[parent] = [None] * len(parent.output)
    i = node.keywords["index"]
    places[i] = ct if places[i] is None else places[i] + ct


def _outputs_cotangent(node: Node, ct: list[Any]) -> tuple[Any, ...]:
    """The cotangent of several outputs as rules expect it."""
    assert node.primitive is not None
    if node.primitive.symbolic_zeros:
        return tuple(ct)
    return tuple(np.zeros_like(y) if c is None else c for c, y in zip(ct, node.output, strict=True))


def pull_back(
    found: Walk,
    cts: dict[Node, Any],
    targets: Set[Node],
    *,
    lift: Lift | None = None,
    masked: bool = False,
    lives: dict[Node, Any] | None = None,
) -> dict[Node, Any]:
    """The reverse sweep in full: towards `targets`, with masks if asked, recorded if given `lift`.

    Parameters
    ----------
    found : Walk
        What `walk` found between the outputs and the targets.
    cts : dict
        The cotangent of each output's node.
    targets : collection of Node
        Whose cotangents are wanted.
    lift : callable, optional
        ``lift(array, node)`` makes of an array and its node something that records.
    masked : bool, default False
        Keep the masks of blocked entries.
    lives : dict, optional
        Masks of the given cotangents, True where they are alive.

    Returns
    -------
    dict
        The cotangent of every target that any output depends on.
    """
    if found.needed is None and lift is None and not lives:
        (pull_back_masked if masked else pull_back_plain)(found.nodes, cts)
        return cts
    lives = {} if lives is None else lives
    results: dict[Node, Any] = {}
    for node in found.nodes:
        ct = cts.pop(node, None)
        if ct is None:
            continue
        live = lives.pop(node, None)
        if node in targets:
            results[node] = ct
        primitive = node.primitive
        assert primitive is not None
        if primitive is ITEM:
            _accumulate_item(node, ct, cts)
            continue
        if type(ct) is list:
            ct, live = _outputs_cotangent(node, ct), None
        operands, output = _lifted(node, lift)
        head = (ct, output, *operands) if primitive.takes_output else (ct, *operands)
        together = joint_cotangents(node, head) if primitive.pulls is None else None
        for i, parent in enumerate(node.parents):
            if parent is None or (found.needed is not None and parent not in found.needed):
                continue
            if together is not None:
                g = together[i]
            else:
                assert primitive.pulls is not None
                g = primitive.pulls[i](*head, **node.keywords)  # type: ignore[misc]
            if g is None:
                continue
            x = node.operands[i]
            alive = mask_pulled(node, i, live) if masked else None
            if alive is not None:
                g = np.where(alive, g, 0)
                alive = _any_over_broadcast(alive, np.shape(x))
            g = conform(g, x, node)
            before = cts.get(parent)
            if before is None:
                cts[parent] = g
                if alive is not None:
                    lives[parent] = alive
            else:
                cts[parent] = before + g
                other = lives.pop(parent, None)
                if alive is not None and other is not None:
                    lives[parent] = alive | other
    for target in targets:
        if target in cts:
            results[target] = cts[target]
    return results


def _lifted(node: Node, lift: Lift | None) -> tuple[tuple[Any, ...], Any]:
    """Operands and output of a node as the rules of this sweep should see them."""
    if lift is None:
        return node.operands, node.output
    operands = tuple(x if p is None else lift(x, p) for x, p in zip(node.operands, node.parents, strict=True))
    if type(node.output) is tuple:
        return operands, tuple(lift(y, item_node(node, i)) for i, y in enumerate(node.output))
    return operands, lift(node.output, node)


def item_node(node: Node, index: int) -> Node:
    """The node of one output of an operation with several."""
    return Node(next_number(), ITEM, (node.output,), (node,), {"index": index}, node.output[index])


def conform(g: Any, x: Any, node: Node) -> Any:
    """A rule's result with the shape and dtype of the operand: summed over broadcast axes, cast back."""
    shape = getattr(g, "shape", None)
    if shape is None:
        assert node.primitive is not None
        raise RuleError(
            f"{node.primitive.name}: a rule returned {g!r}; expected an array of shape {np.shape(x)}. "
            f"Multiply by the cotangent: t * ..."
        )
    if shape != x.shape:
        g = _sum_to(g, x, node)
    if g.dtype != x.dtype:
        if g.dtype.kind == "c" and x.dtype.kind != "c":
            g = g.real
        if g.dtype != x.dtype:
            g = g.astype(x.dtype)
    return g


def _sum_to(g: Any, x: Any, node: Node) -> Any:
    """Transpose of broadcasting `x` to the shape of `g`."""
    extra = len(g.shape) - x.ndim
    if extra < 0 or any(a != b and b != 1 for a, b in zip(g.shape[extra:], x.shape, strict=True)):
        assert node.primitive is not None
        i = next((i for i, o in enumerate(node.operands) if o is x), 0)
        raise RuleError(
            f"{node.primitive.name}: the rule of operand {i} returned a cotangent of shape {g.shape}; the operand "
            f"has shape {x.shape}."
        )
    stretched = tuple(range(extra)) + tuple(
        extra + i for i, (a, b) in enumerate(zip(g.shape[extra:], x.shape, strict=True)) if a != b
    )
    return g.sum(axis=stretched).reshape(x.shape)


# --- masks ----------------------------------------------------------------------------------------


def _any_over_broadcast(live: Any, shape: tuple[int, ...]) -> Any:
    extra = len(live.shape) - len(shape)
    stretched = tuple(range(extra)) + tuple(
        extra + i for i, (a, b) in enumerate(zip(live.shape[extra:], shape, strict=True)) if a != b
    )
    return live.any(axis=stretched).reshape(shape) if stretched else live


def mask_pulled(node: Node, index: int, live: Any) -> Any:
    """The mask of the cotangent of operand `index`, given that of the output (None: all alive).

    For an elementwise primitive it has the shape of the output, else that of the operand.
    """
    primitive = node.primitive
    assert primitive is not None
    block = primitive.live[index] if index < len(primitive.live) else None
    if primitive.mask_pull is not None:
        return primitive.mask_pull(index, live, node.output, *node.operands, **node.keywords)
    if primitive.kind == "elementwise":
        if block is None:
            return live
        own = block(node.output, *node.operands, **node.keywords)
        if own.shape != node.output.shape:
            own = np.broadcast_to(own, node.output.shape)
        return own if live is None else live & own
    if block is not None:
        return block(node.output, *node.operands, **node.keywords)
    if not primitive.passes_mask or (live is None and not primitive.flags & MASKING):
        return None
    ones = np.ones(np.shape(node.output)) if live is None else live * 1.0
    if primitive.pulls is None:
        assert primitive.joint_pull is not None
        return primitive.joint_pull(ones, *node.operands, **node.keywords)[index] != 0
    others = node.operands if primitive.kind == LINEAR else _ones_like(node.operands)
    rule = primitive.pulls[index]
    assert rule is not None
    return rule(ones, *others, **node.keywords) != 0


def mask_pushed(node: Node, index: int, live: Any) -> Any:
    """The mask of the output's tangent through operand `index`, given that operand's mask (None: all alive)."""
    primitive = node.primitive
    assert primitive is not None
    block = primitive.live[index] if index < len(primitive.live) else None
    if primitive.mask_push is not None:
        return primitive.mask_push(index, live, node.output, *node.operands, **node.keywords)
    if primitive.kind == "elementwise":
        if block is None:
            return live
        own = block(node.output, *node.operands, **node.keywords)
        if own.shape != node.output.shape:
            own = np.broadcast_to(own, node.output.shape)
        return own if live is None else live & own
    if not primitive.passes_mask or (live is None and not primitive.flags & MASKING):
        return None
    ones = np.ones(np.shape(node.operands[index])) if live is None else live * 1.0
    if primitive.kind == LINEAR:
        if primitive.pushes is None:
            parts = [np.zeros(np.shape(x)) for x in node.operands]
            parts[index] = ones
            return primitive.fn(*parts, **node.keywords) != 0
        return primitive.fn(ones, *node.operands[1:], **node.keywords) != 0
    others = list(_ones_like(node.operands))
    others[index] = ones
    return primitive(*others, **node.keywords) != 0


def _ones_like(operands: Sequence[Any]) -> tuple[Any, ...]:
    """Stand-ins for the other factors of a product: a factor that happens to be 0 does not mask."""
    return tuple(np.ones(np.shape(x)) for x in operands)


# --- the forward sweep ----------------------------------------------------------------------------


def push_forward(
    found: Walk,
    tangents: dict[Node, Any],
    outputs: Set[Node],
    *,
    lift: Lift | None = None,
    masked: bool = False,
    lives: dict[Node, Any] | None = None,
) -> dict[Node, Any]:
    """The forward sweep: tangents along the recorded nodes, from the targets to the outputs.

    Parameters and masks as in `pull_back`; `tangents` maps the targets' nodes to their tangents.

    Returns
    -------
    dict
        The tangent of every output that depends on a target.
    """
    lives = {} if lives is None else lives
    last = _last_use(found.nodes)
    for node in reversed(found.nodes):
        primitive = node.primitive
        assert primitive is not None
        if node in tangents:  # a target that is itself a result: its tangent is given
            continue
        moving = [i for i, p in enumerate(node.parents) if p is not None and p in tangents]
        if not moving:
            continue
        if primitive is ITEM:
            (parent,) = node.parents
            t = tangents[parent][node.keywords["index"]]  # type: ignore[index]
            if t is not None:
                tangents[node] = t
            continue
        operands, output = _lifted(node, lift)
        total = None
        alive: Any = False
        if primitive.pushes is None:
            total = _push_jointly(node, moving, tangents, operands, output)
        for i in moving:
            parent = node.parents[i]
            assert parent is not None
            own = mask_pushed(node, i, lives.get(parent)) if masked else None
            if primitive.pushes is not None:
                head = (output, *operands) if primitive.takes_output else operands
                if primitive.kind == LINEAR:
                    head = operands[1:]
                t = primitive.pushes[i](tangents[parent], *head, **node.keywords)  # type: ignore[misc]
                if own is not None and type(node.output) is not tuple:
                    t = np.where(own, t, 0)
                total = t if total is None else _add(total, t)
            alive = None if own is None or alive is None else own if alive is False else alive | own
        if type(node.output) is tuple:
            tangents[node] = total
        else:
            if alive is not None and primitive.pushes is None:
                total = np.where(alive, total, 0)
            tangents[node] = conform_tangent(total, node)
            if alive is not None:
                lives[node] = alive if alive.shape == node.output.shape else np.broadcast_to(alive, node.output.shape)
        for parent in last.get(node, ()):
            if parent not in outputs:
                tangents.pop(parent, None)
                lives.pop(parent, None)
    return tangents


def _last_use(nodes: Sequence[Node]) -> dict[Node, list[Node]]:
    """For each node, the parents whose tangents no later node reads: they are let go behind it."""
    seen: set[Node] = set()
    last: dict[Node, list[Node]] = {}
    for node in nodes:
        for parent in node.parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                last.setdefault(node, []).append(parent)
    return last


def _add(a: Any, b: Any) -> Any:
    if isinstance(a, (tuple, list)):
        return tuple(q if p is None else p if q is None else p + q for p, q in zip(a, b, strict=True))
    return a + b


def _push_jointly(
    node: Node, moving: list[int], tangents: dict[Node, Any], operands: tuple[Any, ...], output: Any
) -> Any:
    """The tangent of the output of an operation with one forward rule for all operands."""
    primitive = node.primitive
    assert primitive is not None
    ts = [None if i not in moving else tangents[p] for i, p in enumerate(node.parents)]  # type: ignore[index]
    if primitive.kind == LINEAR or not primitive.symbolic_zeros:
        ts = [np.zeros_like(x) if t is None else t for t, x in zip(ts, node.operands, strict=True)]
    if primitive.kind == LINEAR:
        return primitive(*ts, **node.keywords)
    assert primitive.joint_push is not None
    return primitive.joint_push(tuple(ts), output, *operands, **node.keywords)


def conform_tangent(t: Any, node: Node) -> Any:
    """A tangent with the shape and dtype of the node's output: broadcast, cast."""
    y = node.output
    shape = getattr(t, "shape", None)
    if shape is None:
        assert node.primitive is not None
        raise RuleError(f"{node.primitive.name}: a forward rule returned {t!r}; expected an array of shape {np.shape(y)}.")
    if shape != y.shape:
        try:
            t = np.broadcast_to(t, y.shape)
        except ValueError:
            assert node.primitive is not None
            raise RuleError(
                f"{node.primitive.name}: a forward rule returned shape {shape}; the output has shape {y.shape}."
            ) from None
    if t.dtype != y.dtype:
        if t.dtype.kind == "c" and y.dtype.kind != "c":
            t = t.real
        if t.dtype != y.dtype:
            t = t.astype(y.dtype)
    return t
