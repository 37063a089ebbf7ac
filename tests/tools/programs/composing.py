"""A whole program from a seed: arguments, steps, outputs, and what happens between its calls."""

import re
from dataclasses import replace

import numpy as np

from tests.tools.programs.drawing import TRANSFORMED, Drawing
from tests.tools.programs.filling import NothingFitsError
from tests.tools.programs.program import Program

CALLS = 5
TURNS = {  # by kind: what else may be made of it
    "arrays": ["no_grad", "scope"],
    "tensors": ["no_grad", "scope"],
    "jvp": ["linearize"],
    "vjp": ["twice"],
    "grad": ["of grad"],
    "backward": ["gradients", "second"],
}


def compose(seed, attempt=0):
    """The program of a seed. It runs on the sample; whether it does as a whole, `running.eager` finds out."""
    d = Drawing(seed, attempt)
    names = "xyz"[: d.of([1, 1, 2, 2, 3])]
    argnums = tuple(i for i in range(len(names)) if d.chance(0.75)) or (0,)
    if d.kind in ("vjp", "jvp"):
        argnums = tuple(range(len(names)))
    elif d.kind in ("hvp", "jacobian", "inner grad"):
        argnums = (0,)
    packed = d.kind in ("arrays", "tensors", "grad", "value_and_grad") and d.chance(0.12)
    if packed:
        argnums = tuple(range(len(names)))
    if d.kind in TRANSFORMED:
        d.tracked = [names[i] for i in argnums]
    arguments = [d.argument(name, "float64" if d.kind == "hvp" else None) for name in names]
    aliased = len(arguments) > 1 and d.chance(0.08)
    if aliased:
        arguments[1] = replace(arguments[0], name="y")
        d.samples["y"] = d.scope["y"] = d.samples["x"]
    if d.kind not in TRANSFORMED and not packed and d.chance(0.06):
        arguments.append(d.argument("i", d.of(["int64", "bool"])))
    if d.kind == "backward":
        leaf = d.state(np.shape(d.samples["x"]), kind="leaf")
        d.expression(f"x * {leaf}", 0)
    depth = 3 + int(np.random.default_rng([seed, attempt, 1]).integers(10, size=2).min())
    for _ in range(8 * depth):
        if len(d.steps) < depth:
            d.step()
    if d.kind in TRANSFORMED and not _depends(d) and d.chance(0.9):
        raise NothingFitsError
    n = None
    if any("n" in _words(step.text) for step in d.steps):
        n = (2, 2 if d.chance(0.7) else d.of([3, -1]))
    outputs, structure = _outputs(d)
    # Together, since each change of what is read may be one trace more.
    moments = [d.of([2, 3, 3, 4]), *([5] if d.chance(0.2) else [])]
    changes = tuple((call, s.name) for s in d.states for call in moments if d.chance(0.6))
    relaid = d.of([(), (), (), (5,), (3,), (3, 4), (4, 5)])  # each layout is one trace more
    program = Program(
        seed,
        d.kind,
        d.holder,
        tuple(arguments),
        tuple(d.states),
        tuple(d.steps),
        outputs,
        structure,
        n,
        d.chance(0.6),
        changes,
        relaid,
        CALLS,
        argnums,
        packed=packed,
        turn=_turn(np.random.default_rng([seed, attempt, 2]), d.kind),
        aliased=aliased,
        hard=4 if d.chance(0.06) else 0,
    )
    return _transformed(d, program)


def _turn(rng, kind):
    ways = TURNS.get(kind, [])
    return ways[int(rng.integers(len(ways)))] if ways and rng.random() < 0.25 else ""


def _depends(d):
    """Whether the last value depends on an argument by which the function is differentiated."""
    made = set(d.tracked)
    for step in d.steps:
        if made & step.reads:
            made.update(step.makes)
    return bool(d.steps) and not made.isdisjoint(d.steps[-1].makes)


def _words(text):
    return set(re.findall(r"[A-Za-z_]\w*", text))


def _outputs(d):
    """Names (or expressions of names) that are returned, and in which containers."""
    count = d.of([1, 1, 1, 2, 2, 3, 4])
    chosen = []
    made = [name for step in d.steps for name in step.makes] or ["x"]
    for k in range(count):
        name = made[-1] if k == 0 else d.of(made[-5:])
        if d.kind == "arrays" or d.kind == "tensors":
            if d.chance(0.1):
                name = d.of(d.names)  # an argument itself, perhaps, or state
            if d.chance(0.12) and d.samples[name].ndim:
                name = f"{name}{d.of(['.T', '[::-1]', '[0]', '[None]', '.reshape(-1)'])}"
            if chosen and d.chance(0.15):
                name = d.of(chosen)
        chosen.append(name)
    shapes = ["({})"] if count == 1 else ["({})", "[{}]", "dict", "({})", "nested"]
    return tuple(chosen), d.of(shapes if count > 1 else ["{}", "{}", "{}", "({},)", "[{}]", "dict"])


def _transformed(d, program):
    """What the transform is given besides."""
    kind = program.kind
    names = [a.name for a in program.arguments]
    terms = []
    for name in program.outputs:
        sample = eval(name, d.scope)
        if sample.dtype.kind == "c":
            name = f"np.real({name})" if d.chance(0.5) else f"abs({name}) ** 2"
        terms.append(
            d.of(["np.sum({})", "({}).sum()", "np.mean({})", "np.sum({} * 0.7)", "np.sum(np.tanh({}))"]).format(name)
        )
    loss = " + ".join(terms)
    if kind == "backward":
        loss = f"{loss} + np.sum(np.real(v0)) * 0.1"
    directions = []
    if kind == "jvp":
        for name in names:
            directions.append(d.state(np.shape(d.samples[name]), str(d.samples[name].dtype), "array"))
    elif kind == "hvp":
        directions.append(d.state(np.shape(d.samples["x"]), "float64", "array"))
    elif kind == "vjp":
        for name in program.outputs:
            sample = eval(name, d.scope)
            directions.append(d.state(np.shape(sample), str(sample.dtype), "array"))
    return replace(program, loss=loss, directions=tuple(directions), states=tuple(d.states))
