"""Masks: which entries of a cotangent or tangent are zero because something blocked them.

A blocked entry stays 0 whatever slope comes later, infinite or NaN; a zero that was computed does
not. A mask is a boolean array, True where alive; None stands for "all alive". How a mask goes through
an operation follows from the kind of its primitive.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autodiff.core.primitives import ELEMENTWISE, LINEAR, MASKING
from autodiff.core.tape import Node


def blocked(g: Any, alive: Any, *, recorded: bool = False) -> Any:
    """A cotangent or tangent with its dead entries 0, whatever a slope made of them.

    On arrays a dead entry that is 0 keeps its sign: a sweep that keeps masks gives the bits of one that does not. In a
    sweep that is recorded it is a new 0, through which no derivative flows. A number stays a number, where `np.where`
    gives an array of no axis. The result lies in memory as `g` does, gaps aside, whatever is dead: the last bit of a
    later sum depends on it, and a compiled program cannot ask whether anything is dead.
    """
    array = getattr(g, "values", g)  # of a Batch all copies
    array = getattr(array, "_data", array)
    if type(alive) is np.ndarray and alive.all() and (type(array) is not np.ndarray or array.flags.forc):
        return g
    strides = array.strides if hasattr(alive, "strides") and getattr(array, "shape", ()) == alive.shape else ()
    if any(step < 0 for step in strides):
        forwards = tuple(slice(None, None, -1 if step < 0 else 1) for step in strides)
        return blocked(g[forwards], alive[forwards], recorded=recorded)[forwards]
    mask = alive if recorded else alive | (g == 0)
    if strides and mask.strides != tuple(step // array.itemsize for step in strides):
        order = sorted(range(len(strides)), key=lambda i: -strides[i])
        mask = mask.transpose(order).copy().transpose(sorted(range(len(strides)), key=order.__getitem__))
    kept = np.where(mask, g, 0)
    return kept[()] if isinstance(g, np.generic) or getattr(g, "is_traced_number", False) else kept


def any_over_broadcast(live: Any, shape: tuple[int, ...]) -> Any:
    """The mask of an operand of this shape, from that of what it was broadcast to."""
    extra = len(live.shape) - len(shape)
    stretched = tuple(range(extra)) + tuple(
        extra + i for i, (a, b) in enumerate(zip(live.shape[extra:], shape, strict=True)) if a != b
    )
    return live.any(axis=stretched).reshape(shape) if stretched else live


def own_mask(node: Node, index: int) -> Any:
    """What a masking primitive itself lets through to operand `index`; None where it blocks nothing.

    For an elementwise primitive it has the shape of the output, else that of the operand.
    """
    primitive = node.primitive
    block = primitive.live[index] if index < len(primitive.live) else None
    if block is None:
        return None
    own = block(node.output, *node.operands, **node.keywords)
    if primitive.kind == ELEMENTWISE and own.shape != node.output.shape:
        return np.broadcast_to(own, node.output.shape)
    return own


def outputs_mask(node: Node, cts: list[Any], masks: list[Any] | None) -> tuple[Any, ...] | None:
    """The masks of several outputs; one on which nothing depends is dead. None if all are alive."""
    masks = masks or [None] * len(cts)
    lives = tuple(np.zeros(np.shape(y), bool) if c is None else m for c, m, y in zip(cts, masks, node.output))
    return None if all(live is None for live in lives) else lives


def _indicator(live: Any, like: Any) -> Any:
    """1 where alive, 0 elsewhere."""
    if type(like) is tuple:
        return tuple(_indicator(m, y) for m, y in zip(live or (None,) * len(like), like))
    return np.ones(np.shape(like)) if live is None else live * 1.0


def mask_pulled(node: Node, index: int, live: Any) -> Any:
    """The mask of the cotangent of operand `index`, given that of the output (None: all alive).

    For an elementwise primitive it has the shape of the output, else that of the operand.
    """
    primitive = node.primitive
    if primitive.mask_pull is not None:
        return primitive.mask_pull(index, live, node.output, *node.operands, **node.keywords)
    own = own_mask(node, index)
    if primitive.kind == ELEMENTWISE:
        return live if own is None else own if live is None else live & own
    if own is not None:
        return own
    if not primitive.passes_mask or (live is None and not primitive.flags & MASKING):
        return None
    ones = _indicator(live, node.output)
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
    if primitive.mask_push is not None:
        return primitive.mask_push(index, live, node.output, *node.operands, **node.keywords)
    if primitive.kind == ELEMENTWISE:
        own = own_mask(node, index)
        return live if own is None else own if live is None else live & own
    if not primitive.passes_mask or (live is None and not primitive.flags & MASKING):
        return None
    ones = _indicator(live, node.operands[index])
    if primitive.kind == LINEAR:
        if primitive.pushes is None:
            parts = [np.zeros(np.shape(x)) for x in node.operands]
            parts[index] = ones
            return primitive(*parts, **node.keywords) != 0
        alive = primitive(ones, *node.operands[1:], **node.keywords)
        return tuple(a != 0 for a in alive) if type(alive) is tuple else alive != 0
    others = list(_ones_like(node.operands))
    others[index] = ones
    return primitive(*others, **node.keywords) != 0


def _ones_like(operands: Sequence[Any]) -> tuple[Any, ...]:
    """Stand-ins for the other factors of a product: a factor that happens to be 0 does not mask."""
    return tuple(np.ones(np.shape(x)) for x in operands)
