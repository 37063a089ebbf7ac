"""A failing program made small: steps dropped, values replaced by earlier ones, calls and layouts simplified."""

import re
from dataclasses import replace

from tests.tools.programs.command import smallest
from tests.tools.programs.running import Twin, compare, eager


def reduce(outcome, checked=0):
    """What becomes of the smallest program found that still fails in the same way."""

    def again(candidate):
        twin = eager(candidate)
        return compare(candidate, twin, checked) if isinstance(twin, Twin) else None

    return smallest(outcome, _smaller, again, _kind)


def _kind(what):
    """The words of a message without its numbers."""
    return re.sub(r"\S*\d\S*", "#", what.partition(": ")[2])[:40]


def _smaller(p):
    """Programs that are one change simpler, the greatest first."""
    if p.kind in ("vjp", "jvp", "hvp", "value_and_grad", "jacobian", "inner grad") and p.kind != "grad":
        yield replace(p, kind="grad", directions=())
    if p.kind not in ("arrays", "tensors"):
        yield replace(p, kind="arrays", structure="({},)" if len(p.outputs) == 1 else "({})", directions=())
    if p.turn:
        yield replace(p, turn="")
    if p.packed:
        yield replace(p, packed=False)
    if p.aliased:
        yield replace(p, aliased=False)
    if p.hard:
        yield replace(p, hard=0)
    if p.holder:
        yield _held(p)
    for i in range(p.calls - 1, 1, -1):
        yield replace(p, calls=i)
    if p.relaid:
        yield replace(p, relaid=())
    if p.changes:
        yield replace(p, changes=())
        for k in range(len(p.changes)):
            yield replace(p, changes=p.changes[:k] + p.changes[k + 1 :])
    for k in range(len(p.outputs)):
        if len(p.outputs) > 1 and p.kind in ("arrays", "tensors"):
            yield replace(
                p, outputs=p.outputs[:k] + p.outputs[k + 1 :], structure="({},)" if len(p.outputs) == 2 else "({})"
            )
    terms = p.loss.split(" + ")
    for k in range(len(terms)):
        if len(terms) > 1 and p.kind not in ("arrays", "tensors"):
            yield replace(p, loss=" + ".join(terms[:k] + terms[k + 1 :]))
    for k in range(len(p.steps) - 1, -1, -1):
        yield from _without_step(p, k)
    for k, a in enumerate(p.arguments):
        if a.layouts != ("C", "C"):
            yield _with_argument(p, k, replace(a, layouts=("C", "C")))
            if a.layouts[0] != "C":
                yield _with_argument(p, k, replace(a, layouts=("C", a.layouts[1])))
            if a.layouts[1] != a.layouts[0]:
                yield _with_argument(p, k, replace(a, layouts=(a.layouts[0], a.layouts[0])))
        if a.dtype != "float64":
            yield _with_argument(p, k, replace(a, dtype="float64"))
    for k in range(len(p.arguments) - 1, 0, -1):
        if not any(p.arguments[k].name in step.reads for step in p.steps) and len(p.directions) < 2:
            kept = p.arguments[:k] + p.arguments[k + 1 :]
            yield replace(p, arguments=kept, argnums=tuple(i for i in p.argnums if i < len(kept)) or (0,))
    if p.n:
        yield replace(p, n=None, steps=tuple(replace(s, text=re.sub(r"\bn\b", "2", s.text)) for s in p.steps))


def _with_argument(p, k, argument):
    return replace(p, arguments=(*p.arguments[:k], argument, *p.arguments[k + 1 :]))


def _held(p):
    """The same with plain closures for its state."""
    bare = lambda text: text.replace("box.", "")
    return replace(
        p,
        holder="",
        steps=tuple(replace(s, text=bare(s.text), reads=frozenset(map(bare, s.reads))) for s in p.steps),
        states=tuple(replace(s, change=bare(s.change), seen=bare(s.seen)) for s in p.states),
        outputs=tuple(map(bare, p.outputs)),
        loss=bare(p.loss),
        directions=tuple(map(bare, p.directions)),
    )


def _without_step(p, k):
    """Without step `k`: what it makes is replaced by something that is there before, or nobody reads it."""
    step = p.steps[k]
    rest = p.steps[:k] + p.steps[k + 1 :]
    used = [name for name in step.makes if _reads(p, rest, name)]
    if not used:
        yield replace(p, steps=rest)
        return
    if len(used) > 1:
        return
    before = [name for s in p.steps[:k] for name in s.makes]
    candidates = [*sorted(step.reads), *reversed(before), *(a.name for a in p.arguments)]
    for other in dict.fromkeys(candidates):
        if other not in step.makes:
            yield _renamed(replace(p, steps=rest), used[0], other)


def _reads(p, steps, name):
    text = "\n".join([*(s.text for s in steps), *p.outputs, p.loss])
    return re.search(rf"\b{name}\b", text)


def _renamed(p, old, new):
    put = lambda text: re.sub(rf"\b{old}\b", new, text)
    return replace(
        p,
        steps=tuple(
            replace(s, text=put(s.text), reads=frozenset(new if r == old else r for r in s.reads)) for s in p.steps
        ),
        outputs=tuple(map(put, p.outputs)),
        loss=put(p.loss),
    )
