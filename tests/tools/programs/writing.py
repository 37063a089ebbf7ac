"""A `Program` as Python source, which can be run as it stands."""

import inspect
import re

from tests.tools.programs import values
from tests.tools.programs.templates import PREAMBLE

IMPORTS = """\
import types

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import autodiff as ad
"""


def source(program):
    """The function `f` with its state, `change(call)`, `state()` and `arguments(call)`."""
    p = program
    lines = []
    nested = p.holder != "global "
    states = used_states(p)
    if p.holder == "box.":
        lines.append("box = types.SimpleNamespace()")
    prefix = "box." if p.holder == "box." else ""
    lines += [f"{prefix}{s.name} = {s.made}" for s in states]
    names = [a.name for a in p.arguments]
    lines += ["", *_function(p, names), ""]
    rebound = [s.name for s in states if re.match(rf"{s.name} = ", s.change) and not prefix]
    lines.append("def change(call):")
    changed = {name for _, name in p.changes}
    rebound = [name for name in rebound if name in changed]
    if rebound:
        lines.append(f"    {'nonlocal' if nested else 'global'} {', '.join(rebound)}")
    for call, name in p.changes:
        lines += [f"    if call == {call}:\n        {s.change}" for s in states if s.name == name]
    if lines[-1] == "def change(call):":
        lines.append("    pass")
    lines += ["", "def state():", f"    return [{', '.join(s.seen for s in states)}]"]
    if nested:
        lines = ["def make():", *(f"    {line}".rstrip() for text in lines for line in text.split("\n"))]
        lines += ["    return f, change, state", "", "f, change, state = make()"]
    lines += ["", *_arguments(p)]
    return "\n".join(lines) + "\n"


def script(program):
    """The same with imports and a loop that compares, for reading and running by hand."""
    head = f"# python tests/tools/random_programs.py --show {program.seed}   ({program.kind})\n" + IMPORTS
    lay = inspect.getsource(values).split('"""', 2)[2].replace("import numpy as np\n", "").strip()
    body = source(program)
    return f"{head}\n\n{lay}\n\n\n{PREAMBLE}\n\n{body}\n\n" + _loop(program)


def used_states(p):
    """The state that the function reads."""
    text = "\n".join([*(step.text for step in p.steps), p.loss, *p.outputs, *p.directions])
    words = set(re.findall(r"\w+", text))
    return [s for s in p.states if s.name in words]


def _function(p, names):
    signature = ", ".join([*(["p"] if p.packed else names), *(["n=2"] if p.n else [])])
    body = [f"    {step.text}" for step in p.steps]
    if p.packed:
        body = [f"    {name} = p[{name!r}]" for name in names] + body
    if p.turn in ("no_grad", "scope"):
        where = "ad.no_grad()" if p.turn == "no_grad" else "ad.scope('part')"
        body = [f"    with {where}:", *(f"    {line}" for line in body)]
    returned = _structured(p)
    inner = f"def g({signature}):"
    if p.kind in ("arrays", "tensors"):
        return [f"def f({signature}):", *body, f"    return {returned}"]
    if p.kind in ("grad", "value_and_grad"):
        if p.turn == "of grad":
            squared = f"np.sum(abs(ad.grad(g)({signature.replace('=2', '=n')})) ** 2)"
            turned = ["", f"def h({signature}):", f"    return {squared}", "", "f = ad.grad(h)"]
            return [inner, *body, f"    return {p.loss}", *turned]
        argnums = p.argnums if len(p.argnums) > 1 and not p.packed else p.argnums[0]
        return [inner, *body, f"    return {p.loss}", "", f"f = ad.{p.kind}(g, argnums={argnums})"]
    if p.kind == "inner grad":
        passed = ", ".join([*names, *(["n=n"] if p.n else [])])
        end = f"    return ad.grad(g)({passed}), {names[0]} * 2"
        return [inner, *body, f"    return {p.loss}", "", f"def f({signature}):", end]
    number = ", n=n" if p.n else ""
    listed = ", ".join(names)
    if p.kind == "vjp":
        ct = _structured(p, p.directions)
        again = f", pullback({ct})" if p.turn == "twice" else ""
        end = [f"    out, pullback = ad.vjp(g, {listed}{number})", f"    return out, pullback({ct}){again}"]
    elif p.turn == "linearize":
        push = f"push({', '.join(p.directions)})"
        end = [f"    out, push = ad.linearize(g, {listed}{number})", f"    return out, {push}, {push}"]
    elif p.kind == "jvp":
        end = [f"    return ad.jvp(g, ({listed},), ({', '.join(p.directions)},){number})"]
    elif p.kind == "hvp":
        rest = "".join(f", {name}" for name in names[1:])
        end = [f"    return ad.hvp(lambda a: g(a{rest}{number}), {names[0]}, {p.directions[0]})"]
        return [inner, *body, f"    return {p.loss}", "", f"def f({signature}):", *end]
    elif p.kind == "jacobian":
        end = [f"    return ad.jacobian(g)({listed}{number})"]
    else:
        leaves = [name for name in (s.name for s in used_states(p)) if name[0] == "l"]
        prefix = "box." if p.holder == "box." else ""
        zero = [f"    {prefix}{name}.zero_grad()" for name in leaves] if p.zero_grad else []
        more = f", {prefix}{leaves[0]}.grad" if p.seed % 3 == 0 and leaves else ""
        end = ["    total.backward()", f"    return total{more}"]
        by = ", ".join(f"{prefix}{name}" for name in leaves)
        if p.turn == "gradients":
            end = [f"    return total, ad.gradients(total, [{by}])"]
        elif p.turn == "second":
            end = [
                f"    first = ad.gradients(total, [{by}], create_graph=True)",
                f"    return ad.gradients(sum(np.sum(abs(a) ** 2) for a in first), [{by}])",
            ]
        return [f"def f({signature}):", *zero, *body, f"    total = {p.loss}", *end]
    return [inner, *body, f"    return {returned}", "", f"def f({signature}):", *end]


def _structured(p, names=()):
    names = list(names or p.outputs)
    if p.structure == "dict":
        return "{" + ", ".join(f"'{chr(97 + i)}': {name}" for i, name in enumerate(names)) + "}"
    if p.structure == "nested":
        return f"[{names[0]}, {{'a': ({', '.join(names[1:])},)}}]"
    return p.structure.format(", ".join(names))


def _arguments(p):
    lines = ["def arguments(call):"]
    for relaid in (0, 1):
        made = [_argument(p, a, relaid) for a in p.arguments]
        if p.aliased:
            made[:2] = [f"(x := {made[0]})", "x"]
        text = f"return ({', '.join(made)},)"
        if p.packed:
            text = f"return ({{{', '.join(f'{a.name!r}: {m}' for a, m in zip(p.arguments, made))}}},)"
        if relaid == 0 and p.relaid:
            lines.append(f"    if call not in {p.relaid}:\n        {text}")
        elif bool(p.relaid) == bool(relaid):
            lines.append(f"    {text}")
    if p.n:
        lines += ["", "def keywords(call):", f"    return {{'n': {p.n[0]} if call < 3 else {p.n[1]}}}"]
    else:
        lines += ["", "def keywords(call):", "    return {}"]
    return lines


def _argument(p, a, relaid):
    hard = f", call == {p.hard}" if p.hard else ""
    text = f"values({a.seed} + call, {a.shape}, {a.dtype!r}, {a.layouts[relaid]!r}{hard})"
    return f"ad.Tensor({text})" if p.kind == "tensors" else text


def _loop(p):
    return f"""\
if __name__ == "__main__":
    g = ad.compile(f)
    for call in range(1, {p.calls + 1}):
        change(call)
        print(call, g(*arguments(call), **keywords(call)))
"""
