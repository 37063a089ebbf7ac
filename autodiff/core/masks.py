"""Masks: which entries of a cotangent or tangent are zero because something blocked them.

A blocked entry stays 0 whatever slope follows, infinite or NaN. A zero that was computed does not. A mask is
a Boolean array, True where an entry is alive; None means that all are alive. How a mask passes through an
operation follows from the kind of its primitive.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autodiff.core.primitives import ELEMENTWISE, LINEAR, MASKING
from autodiff.core.tape import Node


def array_behind(x: Any) -> Any:
    """The array in a Tensor, or that of all copies in a Batch; anything else as it is."""
    array = getattr(x, "_data", None)  # of a Tensor; it is asked for no name that it lacks
    if array is None:
        array = getattr(x, "values", x)  # a Batch holds an array or a Tensor
        array = getattr(array, "_data", array)
    return array


def blocked(g: Any, alive: Any, *, recorded: bool = False) -> Any:
    """A cotangent or tangent with its dead entries set to 0, whatever value a slope gave them.

    On arrays a dead entry that is 0 already keeps its sign, so a sweep with masks gives the same bits as one without.
    In a recorded sweep every dead entry is a new 0, through which no derivative flows. A number stays a number, where
    `np.where` would give a 0-d array. The result has the memory layout of `g`, gaps aside, whether entries are dead or
    not: the last bit of a later sum depends on the layout, and a compiled program cannot ask whether any entry is dead.
    """
    array = array_behind(g)
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
    return kept[()] if isinstance(g, np.generic) or getattr(array, "is_traced_number", False) else kept


def any_over_broadcast(live: Any, shape: tuple[int, ...]) -> Any:
    """The mask of an operand of this shape, from the mask after broadcasting: alive if any copy is."""
    extra = len(live.shape) - len(shape)
    stretched = tuple(range(extra)) + tuple(
        extra + i for i, (a, b) in enumerate(zip(live.shape[extra:], shape, strict=True)) if a != b
    )
    return live.any(axis=stretched).reshape(shape) if stretched else live


def own_mask(node: Node, index: int) -> Any:
    """The mask of the primitive itself for operand `index`; None if it blocks nothing.

    For an elementwise primitive it has the shape of the output, otherwise that of the operand.
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
    """The masks of several outputs; None if all are alive. An output without a cotangent is dead."""
    masks = masks or [None] * len(cts)
    lives = tuple(np.zeros(np.shape(y), bool) if c is None else m for c, m, y in zip(cts, masks, node.output))
    return None if all(live is None for live in lives) else lives


def _indicator(live: Any, like: Any) -> Any:
    """An array, or a tuple of arrays, with 1 where alive and 0 elsewhere."""
    if type(like) is tuple:
        return tuple(_indicator(m, y) for m, y in zip(live or (None,) * len(like), like))
    return np.ones(np.shape(like)) if live is None else live * 1.0


def mask_pulled(node: Node, index: int, live: Any) -> Any:
    """The mask of the cotangent of operand `index`, given that of the output (None: all alive).

    For an elementwise primitive it has the shape of the output, otherwise that of the operand.
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
    """Ones in place of the other factors of a product: a factor that happens to be 0 does not mask."""
    return tuple(np.ones(np.shape(x)) for x in operands)
