"""Repeated stretches of a program, found and written once: the steps of a recurrence, the links of a long chain.

A stretch repeats if its operations are alike from one time to the next, and if each operand is the same value every
time, or comes from the same time or the one before, or is one of a family of values of one shape. Then the stretch is
one operation, whose operands are all that it reads and whose results are all that is read later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autodiff.compiler.program import Program
from autodiff.compiler.values import EFFECTS, Op, Value, mapped

_FEW = 4  # times: what repeats less often is not worth a loop
_SMALL = 24  # operations: a loop over fewer saves nothing
_LONGEST = 400  # operations of one time


@dataclass(eq=False)
class Region:
    """A stretch of operations that is repeated.

    Attributes
    ----------
    body : list of Op
        The operations of one time, on values of their own.
    times : int
    families : dict of Value to list of Value
        For each operand of the body that comes from outside and is not the same every time, the values in turn.
    before : dict of Value to (Value, Value)
        For each operand that comes from the time before: the result of the body, and the value for the first time.
    results : dict of Value to list of Value
        For each result of the body what it is in each of the times.
    originals : list of Op
        All the operations as they were.
    views : dict of Value to Op
        Members of families that are views, each time another one, and the operations that make them.
    """

    body: list[Op]
    times: int
    families: dict[Value, list[Value]]
    before: dict[Value, tuple[Value, Value]]
    results: dict[Value, list[Value]]
    originals: list[Op]
    views: dict[Value, Op]


def repeats(program: Program, unrolled: set[Op], has_c: Callable[[Op], bool]) -> Program:
    """The program with its repeated stretches as single operations of the form ``repeat``.

    Parameters
    ----------
    program : Program
    unrolled : set of Op
        The first operations of stretches that are left as they are.
    has_c : function of Op
        Whether an operation can be written in C; others never repeat.
    """
    ops = program.ops
    if len(ops) < _SMALL:
        return program
    numbers: dict[Any, int] = {}
    known: dict[Any, bool] = {}
    kinds = []
    for op in ops:
        key = _key(op)
        form = key, *(v.strides for v in (*op.inputs(), *op.outputs)), *(op.errors or {}).values()
        if form not in known:
            known[form] = has_c(op)
        kinds.append(numbers.setdefault(key if known[form] else op, len(numbers)))
    following = _following(kinds)
    last: dict[Value, int] = dict.fromkeys(program.results, len(ops))
    for i, op in enumerate(ops):
        for v in op.inputs():
            last[v] = max(last.get(v, 0), i)
    done: list[Op] = []
    i = 0
    while i < len(ops):
        found = None
        if kinds[i] is not None and ops[i] not in unrolled:
            found = _region(ops, kinds, following, i, last)
        if found is None:
            done.append(ops[i])
            i += 1
        else:
            done.append(found)
            i += len(found.function.originals)
    return program.with_ops(done)


def _key(op: Op) -> Any:
    """What operations that are alike have in common; an index into an array may differ."""
    if op.form in EFFECTS or op.form == "blocks":
        return op
    static: Any = "index" if op.form == "index" and not _has_values(op.args[1]) else _static(op.args)
    values = tuple((v.shape, np.dtype(v.dtype).char) for v in (*op.inputs(), *op.outputs))
    function = op.function if isinstance(op.function, str) else id(op.function)
    return op.form, function, static, _static(op.keywords), values, op.listed


def _has_values(tree: Any) -> bool:
    if isinstance(tree, (tuple, list)):
        return any(map(_has_values, tree))
    return isinstance(tree, Value)


def _static(tree: Any) -> Any:
    """Everything but the values in it, so that it can be compared."""
    if isinstance(tree, Value):
        return Value
    if isinstance(tree, (tuple, list)):
        return (type(tree), *map(_static, tree))
    if isinstance(tree, dict):
        return tuple((k, _static(v)) for k, v in tree.items())
    if isinstance(tree, slice):
        return "slice", tree.start, tree.stop, tree.step
    if isinstance(tree, (int, float, complex, np.generic)):
        return type(tree), repr(tree)
    try:
        hash(tree)
    except TypeError:
        return id(tree)
    return tree


def _following(kinds: Sequence[int]) -> list[int]:
    """For each operation where the next one of its kind is; 0 if nowhere."""
    seen: dict[int, int] = {}
    found = [0] * len(kinds)
    for i in range(len(kinds) - 1, -1, -1):
        found[i] = seen.get(kinds[i], 0)
        seen[kinds[i]] = i
    return found


def _region(ops: list[Op], kinds: Sequence[int], following: list[int], start: int, last: dict[Value, int]) -> Op | None:
    """The repeated stretch that begins at an operation, as one operation."""
    at = following[start]
    for _ in range(4):  # one kind of operation may stand several times in a stretch
        if not at or at - start > _LONGEST:
            return None
        period = at - start
        length = 0
        while at + length < len(ops) and kinds[start + length] == kinds[at + length]:
            length += 1
        times = length // period + 1
        if times >= _FEW and times * period >= _SMALL:
            for fewer in (times, times - 1):
                made = _made(ops[start : start + fewer * period], period, fewer, last, start) if fewer >= _FEW else None
                if made is not None:
                    return made
        at = following[at]
    return None


def _made(stretch: list[Op], period: int, times: int, last: dict[Value, int], start: int) -> Op | None:
    """The stretch as one operation, if its operands allow it."""
    where: dict[Value, tuple[int, int, int]] = {}  # for each result the time, the operation, and which of its results
    for n, op in enumerate(stretch):
        for k, v in enumerate(op.outputs):
            where[v] = n // period, n % period, k
    outs = [[replace_value(v) for v in op.outputs] for op in stretch[period : 2 * period]]
    families: dict[tuple[int, ...], Value] = {}
    members: dict[Value, list[Value]] = {}
    before: dict[tuple[int, ...], Value] = {}
    earlier: dict[Value, tuple[Value, Value]] = {}
    body: list[Op] = []
    views: set[Value] = set()  # results of the body that are views of what lies outside
    for j in range(period):
        each = [stretch[t * period + j] for t in range(times)]
        op = each[1]
        news: list[Value] = []
        for slot in range(len(op.inputs())):
            values = [o.inputs()[slot] for o in each]
            first, second = values[0], values[1]
            key = tuple(map(id, values))
            inside = where.get(second)
            if all(v is first for v in values):
                if inside is not None:
                    return None
                news.append(first)
            elif inside is not None and all(where.get(v) == (t, *inside[1:]) for t, v in enumerate(values)):
                if inside[0] != 1 or inside[1] >= j:
                    return None
                news.append(outs[inside[1]][inside[2]])
            elif (
                inside is not None
                and all(where.get(v) == (t, *inside[1:]) for t, v in enumerate(values[1:]))
                and first not in where
            ):
                if key not in before:
                    before[key] = replace_value(second)
                    earlier[before[key]] = outs[inside[1]][inside[2]], first
                news.append(before[key])
            elif not any(v in where for v in values):
                if key not in families:
                    families[key] = replace_value(second)
                    members[families[key]] = values
                if len({v.strides for v in values}) > 1:
                    return None
                news.append(families[key])
            else:
                return None
        if op.form == "index" and any(o.args[1:] != op.args[1:] for o in each):
            # the index differs: each time it is another view of something from outside
            source = news[0]
            if source in earlier or any(source is v for of_op in outs for v in of_op):
                return None
            views.update(outs[j])
        body.append(_with(op, news, outs[j]))
    if any(result in views for result, _ in earlier.values()):
        return None
    results = {
        v: [stretch[t * period + j].outputs[k] for t in range(times)]
        for j, of_op in enumerate(outs)
        for k, v in enumerate(of_op)
    }
    if any(v.strides != of[0].strides for of in results.values() for v in of):
        return None
    for v in views:
        members[v] = results.pop(v)
    moving = [op for op in body if op.outputs and op.outputs[0] in views]
    body = [op for op in body if op not in moving]
    stop = start + len(stretch)
    seen = {m for v in views for m in members[v]}
    view_ops = [o for o in stretch if o.form == "index" and o.outputs[0] in seen]
    escaping = [v for of in results.values() for v in of if last.get(v, -1) >= stop]
    escaping += [o.outputs[0] for o in view_ops if last.get(o.outputs[0], -1) >= stop]
    region = Region(body, times, members, earlier, results, stretch, {o.outputs[0]: o for o in view_ops})
    outside = dict.fromkeys(v for o in stretch for v in o.inputs() if v not in where)
    return Op("repeat", region, tuple(outside), {}, escaping, stretch[0].scope, stretch[0].rule)


def replace_value(v: Value) -> Value:
    """A new value like another one."""
    return replace(v, kind="result", payload=None)


def _with(op: Op, inputs: list[Value], outputs: list[Value]) -> Op:
    """The operation with other operands, one by one, and other results."""
    rest = iter(inputs)
    old = op.inputs()
    args, keywords = mapped((op.args, op.keywords), lambda _: next(rest))
    known = dict(zip(old, inputs))
    shares = mapped(op.shares, lambda v: known.get(v, v))
    return replace(op, args=args, keywords=keywords, outputs=outputs, shares=shares)
