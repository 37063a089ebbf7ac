"""The reverse sweep: cotangents from outputs to inputs; and what it has in common with the forward sweep.

On arrays a sweep runs at NumPy's speed. If the caller gives it `lift`, it wraps the operands and
outputs. The rules then record themselves, and the result can be differentiated again. What all rules
have in common is done here, once: un-broadcasting, dtypes, accumulation, masks, and skipping the
operands that need no cotangent.

The reverse sweep exists twice: in full (`pull_back`), and for plain arrays only (`pull_back_arrays`), because a
training step spends much of its time there.

Masks cost more than the sweep itself, and they seldom matter: a blocked entry is 0, and 0 times a slope is 0 unless
the slope is infinite or NaN. Then the product is NaN. Since every rule is linear, a NaN reaches a result unless a later
mask blocks it. So a sweep on arrays first runs without masks, and again with them only if a result is not finite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from math import inf
from sys import getrefcount
from typing import Any

import numpy as np

from autodiff.core import switches
from autodiff.core.masks import any_over_broadcast, array_behind, blocked, mask_pulled, outputs_mask, own_mask
from autodiff.core.primitives import ELEMENTWISE, GUARDING, MASKING, OVERFLOWING, SINGULAR, pass_on
from autodiff.core.tape import ITEM, Leaf, Node, item_node
from autodiff.core.walks import Walk
from autodiff.errors import RuleError
from autodiff.typing import Array

# A `type: ignore` below without a reason has this one: an operand with a parent node has a rule. Recording sees to it,
# and asserting it again for every node would cost as much as the sweep itself.
Lift = Callable[[Any, Node], Any]

_LONG = 8192  # entries
_FEW = 4  # operations


def pull_back_arrays(nodes: Iterable[Node], cts: dict[Node, Any], lives: dict[Node, Any] | None = None) -> None:
    """The reverse sweep on plain arrays towards every tracked operand: the fast and usual way.

    Parameters
    ----------
    nodes : iterable of Node
        Newest first.
    cts : dict
        Before: the cotangent of each output's node. After: the cotangent of each input.
    lives : dict, optional
        If given, masks are kept, in this dict.

    Notes
    -----
    In a small network most of the time outside NumPy is spent in this loop. So it passes arguments one by one where
    it can, which is faster than unpacking, and leaves rare cases to `step`.
    """
    if switches.active:
        nodes = switches.tell_swept(nodes, cts, None, reverse=True)
    owned: set[Node] = set()  # nodes whose cotangent is a sum made here: no one else has it, so += is safe
    ndarray, number, plain = np.ndarray, np.float64, lives is None
    for node in nodes:
        ct = cts.pop(node, None)
        if ct is None:  # a rule returned None: no cotangent flows to this node
            continue
        primitive = node.primitive
        rules = primitive.pulls
        elementwise = primitive.kind is ELEMENTWISE
        if type(ct) is number and elementwise and plain and not node.keywords:  # a number needs none of the care below
            operands = node.operands
            if len(operands) == 2:
                a, b = operands
                first, second = node.parents
                if first is not None:
                    rule = rules[0]  # type: ignore[index]
                    g = ct if rule is pass_on else rule(ct, node.output, a, b)  # type: ignore[misc]
                    if type(a) is not number or type(g) is not number:
                        g = conform(g, a, node)
                    cts[first] = cts[first] + g if first in cts else g
                if second is not None:
                    rule = rules[1]  # type: ignore[index]
                    g = ct if rule is pass_on else rule(ct, node.output, a, b)  # type: ignore[misc]
                    if type(b) is not number or type(g) is not number:
                        g = conform(g, b, node)
                    cts[second] = cts[second] + g if second in cts else g
                continue
            if len(operands) == 1:
                g = rules[0](ct, node.output, operands[0])  # type: ignore[index, misc]
                if type(g) is not type(operands[0]):
                    g = conform(g, operands[0], node)
                (only,) = node.parents
                cts[only] = cts[only] + g if only in cts else g  # type: ignore[index]
                continue
        if (not elementwise and (rules is None or primitive is ITEM or type(ct) is list)) or (
            lives is not None and (primitive.flags & MASKING or node in lives)
        ):
            step(node, ct, cts, {} if lives is None else lives, masked=lives is not None)
            continue
        operands = node.operands
        keywords = node.keywords
        y = node.output
        count = len(operands)
        if not elementwise:
            direct = primitive.direct if type(ct) is ndarray else None
            head = (ct, y, *operands) if primitive.takes_output else (ct, *operands)
        i = -1
        for parent in node.parents:
            i += 1
            if parent is None:
                continue
            x = operands[i]
            if elementwise:
                rule = rules[i]  # type: ignore[index]
                if rule is pass_on:
                    g = ct
                elif keywords:
                    g = rule(ct, y, *operands, **keywords)  # type: ignore[misc]
                elif count == 2:
                    g = rule(ct, y, operands[0], operands[1])  # type: ignore[misc]
                elif count == 1:
                    g = rule(ct, y, x)  # type: ignore[misc]
                else:
                    g = rule(ct, y, *operands)  # type: ignore[misc]
            elif direct is None:
                g = rules[i](*head, **keywords)  # type: ignore[index, misc]
            else:
                out = _free_home(parent, cts)
                g = direct[i](out, ct, *operands)
                if g is out:
                    cts[parent] = g
                    continue
            if type(g) is not type(x) or (type(g) is ndarray and (g.shape != x.shape or g.dtype != x.dtype)):
                g = conform(g, x, node)
            if parent not in cts:
                cts[parent] = g
            else:
                before = cts[parent]
                if parent in owned and before.strides == g.strides:  # += keeps the layout of `before`
                    before += g
                else:
                    cts[parent] = total = before + g
                    if type(total) is ndarray:
                        owned.add(parent)
                if lives:
                    lives.pop(parent, None)


def pull_back_to_leaves(found: Walk, cts: dict[Node, Any]) -> dict[Node, Any]:
    """The reverse sweep on plain arrays to all leaves, with masks if needed; returns the cotangents."""
    nodes = found.nodes
    masked = found.masked
    if switches.active and switches.tracer() is not None:
        wanted = set(found.leaves)
        return with_masks_if_needed(lambda given, **masks: pull_back(found, given, wanted, **masks), found, cts)
    if not masked or (switches.active and switches.is_watched()):  # a watcher sees the final sweep, not an attempt
        pull_back_arrays(nodes, cts, {} if masked else None)
        return cts
    # No NaN can arise after the last slope that may be infinite, so the check comes there: usually in the loss, where
    # cotangents are small. A guard (`where`) may meet values of any operation: with one, the gradients are checked.
    k = len(nodes)
    if not found.flags & GUARDING:
        for node in reversed(nodes):
            if node.primitive.flags & (SINGULAR | OVERFLOWING):
                break
            k -= 1
    seeds = dict(cts)
    if len(nodes) - k < _FEW:  # not worth a second sweep: nothing that can arise there is lost
        k = len(nodes)
    pull_back_arrays(nodes[:k] if k < len(nodes) else nodes, cts)
    if all_finite(cts.values()):
        if k < len(nodes):
            pull_back_arrays(nodes[k:], cts)
        return cts
    pull_back_arrays(nodes, seeds, {})
    return seeds


def receive(leaf: Leaf, ct: Any) -> None:
    """Add a gradient to a leaf. The cotangent is copied, since other nodes may share it."""
    if switches.active and (tracer := switches.tracer()) is not None:
        leaf.grad = tracer.received(leaf, ct)
        return
    if type(ct) is not np.float64 and ct.dtype.kind == "c":
        ct = ct.conj()  # a cotangent is a linear functional; its conjugate is the gradient, which points uphill
    grad, home = leaf.grad, leaf.home
    if grad is None and home is None:
        leaf.grad = np.array(ct)
    elif grad is None:
        if ct is not home:
            home[...] = ct  # type: ignore[index]  # `grad` is None here, so `home` is not
        leaf.grad = home
    elif grad is home:
        grad += ct
    else:
        leaf.grad = np.asarray(grad + ct)


def with_masks_if_needed(
    sweep: Callable[..., dict[Node, Any]],
    found: Walk,
    given: dict[Node, Any],
    lives: dict[Node, Any] | None = None,
    *,
    recorded: bool = False,
) -> dict[Node, Any]:
    """Run a sweep that is recorded or traced, with masks if they may matter.

    In a recorded sweep a singular slope may become infinite in a later derivative, so masks are kept from the start.
    Otherwise they are kept only if a result is not finite, as in a plain sweep. A compiled program checks at every
    call that this has not changed.
    """
    if not found.masked or (recorded and found.masked_from_the_start):
        return sweep(dict(given), masked=found.masked, lives=lives if found.masked else None)
    results = sweep(dict(given))
    if _are_finite_here(results.values()):
        return results
    return sweep(dict(given), masked=True, lives=lives)


def _are_finite_here(results: Iterable[Any]) -> bool:
    """Whether all results, arrays or Tensors, are finite; a compiled program checks this again at every call."""
    arrays = list(_arrays_in(results))
    tracer = switches.tracer()
    if tracer is None:
        return all_finite(arrays)
    # After a random draw or an update a program cannot start again, so it keeps masks in any case.
    return tracer.can_decide and tracer.decide(are_finite, arrays)


def _arrays_in(values: Iterable[Any]) -> Iterator[Any]:
    """The plain arrays in Tensors, in Batches, and in tuples or lists of them."""
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _arrays_in(value)
        elif value is not None:
            yield array_behind(value)


def are_finite(*arrays: Any) -> bool:
    """`all_finite` of its arguments."""
    return all_finite(arrays)


def all_finite(values: Iterable[Any]) -> bool:
    """Whether all entries are finite; None counts as finite. False is possible for huge entries, which overflow."""
    array: Any
    for value in values:
        if type(value) is np.ndarray:
            array = value
        elif type(value) is np.float64:
            if not -inf < value < inf:
                return False
            continue
        elif type(value) in (list, tuple):
            if not all_finite(value):
                return False
            continue
        elif value is None:
            continue
        else:
            array = getattr(value, "values", value)  # all copies of a Batch
        # One fast call covers all entries. For long arrays a plain sum is faster: BLAS would wake its threads.
        if array.ndim:
            array = np.vdot(array, array) if array.size < _LONG else np.add.reduce(array, axis=None)
        number = array.item()  # to compare one of Python's takes a quarter of the time
        if not (-inf < number < inf if type(number) is float else abs(array) < inf):
            return False
    return True


def _free_home(node: Node, cts: dict[Node, Any]) -> Any:
    """The memory in a flat buffer where a parameter's gradient may be written directly; None if there is none."""
    if type(node) is Leaf and node.grad is None and node.home is not None and node not in cts:
        # Writing there saves a copy, but must not change a gradient that a user kept from the last step. The reference
        # count shows it: two references are the leaf's and this call's, a third is the user's. An interpreter that
        # counts differently may give None too often, which costs a copy, or overlook that user.
        return node.home if getrefcount(node.home) <= 2 else None
    return None


def step(
    node: Node,
    ct: Any,
    cts: dict[Node, Any],
    lives: dict[Node, Any],
    *,
    masked: bool,
    lift: Lift | None = None,
    needed: Set[Node] | None = None,
    sent: Callable[[int, Node, Any], object] | None = None,
) -> None:
    """One step of the reverse sweep: call the rules of one operation and add up the cotangents of its operands.

    Parameters
    ----------
    node : Node
    ct : array, or list of (array or None) for several outputs
        The cotangent of its output.
    cts, lives : dict
        The cotangents so far and their masks; those of the operands are added.
    masked, lift, needed
        As in `pull_back`.
    sent : callable, optional
        ``sent(index, parent, ct)`` is called after each term was added.
    """
    primitive = node.primitive
    live = lives.pop(node, None)
    if primitive is ITEM:
        _send_item(node, ct, live, cts, lives, masked=masked)
        if sent is not None and (whole := node.parents[0]) is not None:
            sent(0, whole, list(cts[whole]))
        return
    if type(ct) is list:
        live = outputs_mask(node, ct, live) if masked else None
        ct = _outputs_cotangent(node, ct)
    operands, output = lifted(node, lift)
    head = (ct, output, *operands) if primitive.takes_output else (ct, *operands)
    together = joint_cotangents(node, head) if primitive.pulls is None else None
    keywords = node.keywords if live is None or not primitive.sees_masks else {**node.keywords, "live": live}
    for i, (parent, x) in enumerate(zip(node.parents, node.operands)):
        if parent is None or (needed is not None and parent not in needed):
            continue
        g = together[i] if together is not None else primitive.pulls[i](*head, **keywords)  # type: ignore[index, misc]
        if g is None:
            continue
        if masked:
            alive = mask_pulled(node, i, live)
        else:
            # A rule may block by a product, t * (x > 0). In a recorded sweep this is not enough: an outer function's
            # slope may be infinite, and 0 times infinity is NaN. So `blocked` sets the entries to a new 0.
            alive = own_mask(node, i) if lift is not None and primitive.live else None
        if alive is not None:
            g = blocked(g, alive, recorded=lift is not None)
            alive = any_over_broadcast(alive, np.shape(x)) if masked else None
        g = conform(g, x, node)
        before = cts.get(parent)
        cts[parent] = g if before is None else before + g
        if alive is not None or lives:  # an entry is alive if it is alive in any term
            other = alive if before is None else lives.pop(parent, None)
            if alive is not None and other is not None:
                lives[parent] = alive if before is None else alive | other
        if sent is not None:
            sent(i, parent, g)


def joint_cotangents(node: Node, head: tuple[Any, ...]) -> tuple[Any, ...]:
    """The cotangents of all operands, from a rule that returns them together."""
    primitive = node.primitive
    assert primitive.joint_pull is not None
    gs = primitive.joint_pull(*head, **node.keywords)
    if not isinstance(gs, (tuple, list)) or len(gs) != len(node.operands):
        given = f"{len(gs)} cotangents" if isinstance(gs, (tuple, list)) else f"a {type(gs).__name__}"
        raise RuleError(
            f"{primitive.name}: the reverse rule returned {given} for {len(node.operands)} operand(s); return a tuple "
            f"with one cotangent for each (None for an operand without one)."
        )
    return tuple(gs)


def _send_item(node: Node, ct: Any, live: Any, cts: dict[Node, Any], lives: dict[Node, Any], *, masked: bool) -> None:
    """Add the cotangent of one output, and its mask, to the lists that hold those of all outputs."""
    parent = node.parents[0]
    assert parent is not None
    places = cts.get(parent)
    if places is None:
        places = cts[parent] = [None] * len(parent.output)
    i = node.keywords["index"]
    if masked:
        masks = lives.setdefault(parent, [None] * len(places))
        masks[i] = live if places[i] is None else None if live is None or masks[i] is None else masks[i] | live
    places[i] = ct if places[i] is None else places[i] + ct


def _outputs_cotangent(node: Node, ct: list[Any]) -> tuple[Any, ...]:
    """The cotangents of several outputs, as the rules expect them: a missing one is None or zeros."""
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
    """The full reverse sweep to `targets`: it can keep masks, and with `lift` it is recorded.

    Parameters
    ----------
    found : Walk
        What `walk` found between the outputs and the targets.
    cts : dict
        The cotangent of each output's node.
    targets : collection of Node
        The nodes whose cotangents are wanted.
    lift : callable, optional
        ``lift(array, node)`` turns an array and its node into something that records, a Tensor.
    masked : bool, default False
        Keep the masks of blocked entries.
    lives : dict, optional
        The masks of the given cotangents, True where an entry is alive.

    Returns
    -------
    dict
        The cotangent of every target that any output depends on.
    """
    if found.needed is None and lift is None and not lives and switches.tracer() is None:
        pull_back_arrays(found.nodes, cts, {} if masked else None)
        return cts
    lives = {} if lives is None else lives
    results: dict[Node, Any] = {}
    nodes: Iterable[Node] = found.nodes
    if switches.active:
        nodes = switches.tell_swept(nodes, cts, targets, reverse=True)
    for node in nodes:
        ct = cts.pop(node, None)
        if ct is None:
            continue
        if node in targets:
            results[node] = ct
        step(node, ct, cts, lives, masked=masked, lift=lift, needed=found.needed)
    for target in targets:
        if target in cts:
            results[target] = cts[target]
    return results


def lifted(node: Node, lift: Lift | None) -> tuple[tuple[Any, ...], Any]:
    """The operands and output of a node for the rules: plain, or wrapped by `lift` if the sweep is recorded."""
    if lift is None:
        return node.operands, node.output
    operands = tuple(x if p is None else lift(x, p) for x, p in zip(node.operands, node.parents, strict=True))
    if type(node.output) is tuple:
        return operands, tuple(lift(y, item_node(node, i)) for i, y in enumerate(node.output))
    return operands, lift(node.output, node)


def zeros_for(leaf: Node, nodes: Sequence[Node]) -> Array:
    """The zero gradient of a leaf that is in the graph but receives no cotangent."""
    for node in nodes:
        for parent, x in zip(node.parents, node.operands):
            if parent is leaf:
                return np.zeros_like(x)
    raise AssertionError("the leaf is not in this graph")


def conform(g: Any, x: Any, node: Node) -> Any:
    """A rule's result, brought to the operand's shape and dtype: summed over broadcast axes, then cast."""
    shape = getattr(g, "shape", None)
    if shape is None:
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
    """The transpose of broadcasting `x` to the shape of `g`."""
    extra = len(g.shape) - x.ndim
    if extra < 0 or any(a != b and b != 1 for a, b in zip(g.shape[extra:], x.shape, strict=True)):
        i = next((i for i, o in enumerate(node.operands) if o is x), 0)
        raise RuleError(
            f"{node.primitive.name}: the rule of operand {i} returned a cotangent of shape {g.shape}; the operand "
            f"has shape {x.shape}."
        )
    stretched = tuple(range(extra)) + tuple(
        extra + i for i, (a, b) in enumerate(zip(g.shape[extra:], x.shape, strict=True)) if a != b
    )
    return g.sum(axis=stretched).reshape(x.shape)
