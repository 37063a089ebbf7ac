"""The forward sweep: tangents from inputs to outputs, along the nodes that the reverse sweep follows backwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from sys import getrefcount
from typing import Any

import numpy as np

from autodiff.core import switches
from autodiff.core.masks import blocked, mask_pushed
from autodiff.core.primitives import LINEAR
from autodiff.core.sweeps import Lift, lifted
from autodiff.core.tape import ITEM, Node
from autodiff.core.walks import Walk
from autodiff.errors import RuleError

# A `type: ignore` below without a reason has that of `sweeps`: an operand with a parent node has a rule.


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

    The other parameters are as in `pull_back`; `tangents` maps the targets' nodes to their tangents.

    Returns
    -------
    dict
        The tangent of every output that depends on a target.
    """
    lives = {} if lives is None else lives
    last = _last_use(found.nodes)
    total: Any
    nodes: Iterable[Node] = reversed(found.nodes)
    if switches.active:
        nodes = switches.tell_swept(nodes, tangents, outputs, reverse=False)
    for node in nodes:
        primitive = node.primitive
        if node in tangents:  # a target that is itself a result; its tangent was given
            continue
        if not masked and primitive.pushes is not None and primitive is not ITEM and type(node.output) is not tuple:
            total = _pushed(node, tangents, lift)  # the usual case
            if total is None:
                continue
            tangents[node] = conform_tangent(total, node)
            for used in last.get(node, ()):
                if used not in outputs:
                    tangents.pop(used, None)
            continue
        moving = [i for i, p in enumerate(node.parents) if p is not None and p in tangents]
        if not moving:
            continue
        if primitive is ITEM:
            (parent,) = node.parents
            t = tangents[parent][node.keywords["index"]]  # type: ignore[index]
            if t is not None:
                tangents[node] = t
                live = lives.get(parent, {node.keywords["index"]: None})[node.keywords["index"]]  # type: ignore[arg-type]
                if live is not None:
                    lives[node] = live
            continue
        operands, output = lifted(node, lift)
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
                    t = blocked(t, own, recorded=lift is not None)
                total = t if total is None else _add(total, t)
            if type(node.output) is tuple:
                alive = own if len(moving) == 1 else None
            else:
                alive = None if own is None or alive is None else own if alive is False else alive | own
        if type(node.output) is tuple:
            tangents[node] = total
            if alive is not None:
                lives[node] = alive
        else:
            if alive is not None and primitive.pushes is None:
                total = blocked(total, alive, recorded=lift is not None)
            tangents[node] = conform_tangent(total, node)
            if alive is not None:
                lives[node] = alive if alive.shape == node.output.shape else np.broadcast_to(alive, node.output.shape)
        for parent in last.get(node, ()):
            if parent not in outputs:
                tangents.pop(parent, None)
                lives.pop(parent, None)
    return tangents


def _pushed(node: Node, tangents: dict[Node, Any], lift: Lift | None) -> Any:
    """The tangent of an operation with one output and a rule for each operand; None if no operand has a tangent."""
    primitive = node.primitive
    total: Any = None
    head: tuple[Any, ...] = ()
    i = -1
    for parent in node.parents:
        i += 1
        if parent is None or parent not in tangents:
            continue
        if total is None:
            operands, output = (node.operands, node.output) if lift is None else lifted(node, lift)
            head = (output, *operands) if primitive.takes_output else operands
            if primitive.kind == LINEAR:
                head = operands[1:]
        t = primitive.pushes[i](tangents[parent], *head, **node.keywords)  # type: ignore[index, misc]
        total = t if total is None else _add(total, t)
    return total


def _last_use(nodes: Sequence[Node]) -> dict[Node, list[Node]]:
    """For each node, the parents whose tangents no later node reads, so that they can be freed after it."""
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
    # To allocate a large array takes longer than to add it. So `a` is overwritten if only the caller has it.
    if type(a) is np.ndarray and getrefcount(a) <= _ONE_OWNER and _may_hold(a, b):
        a += b
        return a
    return a + b


def _may_hold(a: Any, b: Any) -> bool:
    """Whether the sum has the shape, dtype and layout of `a`, whose memory is its own."""
    alike = type(b) is np.ndarray and a.shape == b.shape and a.dtype == b.dtype and a.strides == b.strides
    return alike and a.flags.owndata and a.flags.writeable


def _references() -> int:
    """What `getrefcount` says, in a function, of an argument that is a variable of the caller and nothing else's.

    Interpreters count differently, so it is asked of this one.
    """
    only = np.empty(0)
    return _counted(only)


def _counted(a: Any) -> int:
    return getrefcount(a)


_ONE_OWNER = _references()


def _push_jointly(
    node: Node, moving: list[int], tangents: dict[Node, Any], operands: tuple[Any, ...], output: Any
) -> Any:
    """The tangent of the output of an operation with one forward rule for all operands."""
    primitive = node.primitive
    ts = [None if i not in moving else tangents[p] for i, p in enumerate(node.parents)]  # type: ignore[index]
    if primitive.kind == LINEAR or not primitive.symbolic_zeros:
        ts = [np.zeros_like(x) if t is None else t for t, x in zip(ts, node.operands, strict=True)]
    if primitive.kind == LINEAR:
        return primitive(*ts, **node.keywords)
    assert primitive.joint_push is not None
    return primitive.joint_push(tuple(ts), output, *operands, **node.keywords)


def conform_tangent(t: Any, node: Node) -> Any:
    """A tangent, brought to the shape and dtype of the node's output: broadcast, then cast."""
    y = node.output
    shape = getattr(t, "shape", None)
    if shape == y.shape and t.dtype == y.dtype:
        return t
    if shape is None:
        raise RuleError(
            f"{node.primitive.name}: a forward rule returned {t!r}; expected an array of shape {np.shape(y)}."
        )
    if shape != y.shape:
        try:
            t = np.broadcast_to(t, y.shape)
        except ValueError:
            raise RuleError(
                f"{node.primitive.name}: a forward rule returned shape {shape}; the output has shape {y.shape}."
            ) from None
    if t.dtype != y.dtype:
        if t.dtype.kind == "c" and y.dtype.kind != "c":
            t = t.real
        if t.dtype != y.dtype:
            t = t.astype(y.dtype)
    return t
