"""The computation graph of an expression: values forward, cotangents backward, and the program that says the same."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import numpy as np

import autodiff as ad
from demos.explorer.expressions import Expression
from demos.explorer.rooms.common import defined, outcome
from demos.explorer.state import Integer, Number, StateError, Typed

TITLE = "Graph"
ABOUT = "Step forward through the values, then backward through the sweep: each product of the chain rule is one step."

STATE = {
    "f": Typed("f(x, y)", "sin(x*y) + x^2", ("x", "y")),
    "x": Number("x", 1.5, -5.0, 5.0, 0.01),
    "y": Number("y", 0.5, -5.0, 5.0, 0.01),
    "step": Integer("step", 0, 0, 1000, 1, control="none"),
}
UNDEFINED = "f is not defined here; the rules of its operations give numbers all the same."


def view(state: Any, session: dict[str, Any]) -> dict[str, Any]:
    """Boxes and arrows with their places, and all steps of both sweeps."""
    f: Expression = state.f
    names = [name for name in f.variables if f.uses(name)]
    function, point = _of(f, names), [getattr(state, name) for name in names]
    leaves = [ad.tensor(value, requires_grad=True, name=name) for name, value in zip(names, point, strict=True)]
    result = function(*leaves)
    if not isinstance(result, ad.Tensor) or not result.requires_grad or any(result is leaf for leaf in leaves):
        raise StateError("f", "there is no operation on x or y to differentiate; type one, as in 2*x", 0)
    try:
        steps = ad.draw_steps(result)
    except ValueError as error:
        raise StateError("f", str(error).removeprefix("draw_steps: "), 0) from None
    order = {vertex.key: i for i, vertex in enumerate(steps.graph.vertices)}
    rows = ad.trace_table(function, *point).rows
    value = float(rows[-1].value)
    program = outcome(lambda: ad.derive(ad.grad(function, tuple(range(len(names)))))(*point))
    return {
        "layout": _layout(steps, order, f.text, session),
        "vertices": [
            {"name": row.name, "expression": row.expression, "value": float(row.value), "leaf": row.name in names}
            for row in rows
        ],
        "steps": [*_forward(rows, names), *_backward(steps, rows, order)],
        "gradient": {row.name: float(defined(value, row.cotangent)) for row in rows[: len(names)]},
        "value": value,
        "note": "" if np.isfinite(value) else UNDEFINED,
        "program": (program.value or program.message).splitlines(),
        "blocks": _blocks(program.value or "", steps, order),
        "python": python(state, names),
    }


def _of(f: Expression, names: list[str]) -> Callable[..., Any]:
    """The expression as a function of those of its variables that occur, under their names."""

    def of_x(x: Any) -> Any:
        return f(x, 0.0)

    def of_y(y: Any) -> Any:
        return f(0.0, y)

    def of_both(x: Any, y: Any) -> Any:
        return f(x, y)

    functions: dict[tuple[str, ...], Any] = {("x",): of_x, ("y",): of_y, ("x", "y"): of_both}
    function: Callable[..., Any] = functions.get(tuple(names), lambda: f(0.0, 0.0))
    function.__name__ = "gradient"  # of which the program is shown
    return function


def _forward(rows: Any, names: list[str]) -> list[dict[str, Any]]:
    """One step for each operation: its value, and its local partial derivatives."""
    steps = []
    for i, row in enumerate(rows):
        if row.name not in names:
            partials = ", ".join(f"∂{row.name}/∂{name} = {text}" for name, text in row.partials.items())
            caption = f"{row.name} = {row.expression} = {_short(row.value)}, with {partials}"
            steps.append({"event": "value", "caption": caption, "at": i, "known": i + 1, "sums": {}, "done": []})
    return steps


def _backward(steps: Any, rows: Any, order: dict[str, int]) -> list[dict[str, Any]]:
    """The steps of the reverse sweep; a product with the parts of the chain rule."""
    arrows = {(edge.head, edge.operand): edge for edge in steps.graph.edges}
    result = rows[-1].name
    found = []
    for frame in steps.frames[1:]:
        sums = {order[key]: float(ct) for key, ct in frame.cotangents.items()}
        at = len(rows) - 1 if frame.event == "seed" else order.get(frame.node, -1)
        done = [order[key] for key in frame.done]
        step = {"event": frame.event, "at": at, "known": len(rows), "sums": sums, "done": done}
        if frame.event == "product":
            arrow = arrows[frame.node, frame.operand]
            to = order[arrow.tail]
            step |= {"to": to, "operand": frame.operand, "partial": steps.partials[arrow]}
            step["product"] = float(frame.product)
            sent = f"{rows[at].name} sends {_short(frame.product)} to {rows[to].name}"
            caption = f"{sent}; its sum so far is {_short(sums[to])}"
        elif frame.event == "ready":
            caption = (
                f"∂{result}/∂{rows[at].name} = {_short(sums[at])} is complete; the rule of {rows[at].name} is next"
            )
        elif frame.event == "seed":
            caption = f"the sweep begins at the result: ∂{result}/∂{result} = 1"
        else:
            caption = frame.caption
        found.append({**step, "caption": caption})
    return found


def _blocks(program: str, steps: Any, order: dict[str, int]) -> dict[str, list[int]]:
    """The lines of the program that belong to each rule, by the box, and to the forward pass; from comment to comment.

    The program has the rules in the order of the sweep, without those that need no operation.
    """
    comments = [i for i, line in enumerate(program.splitlines()) if line.lstrip().startswith("# ") and line[0] == " "]
    ends = [*comments[1:], len(program.splitlines()) - 1]
    texts = [program.splitlines()[i].strip() for i in comments]
    titles = {vertex.key: vertex.title for vertex in steps.graph.vertices}
    found = {"forward": [comments[0], ends[0]]} if texts and texts[0] == "# forward" else {}
    block = len(found)
    for frame in steps.frames:
        if (
            frame.event == "ready"
            and block < len(texts)
            and texts[block] == f"# backwards through {titles[frame.node]}"
        ):
            found[str(order[frame.node])] = [comments[block], ends[block]]
            block += 1
    return found


def _short(value: Any) -> str:
    return f"{float(value):.4g}"


def _layout(steps: Any, order: dict[str, int], text: str, session: dict[str, Any]) -> dict[str, Any]:
    """Where Graphviz puts boxes and arrows; kept while the expression stays the same, so that nothing jumps."""
    if session.get("text") != text:
        plain = steps.picture(0, caption=False).pipe(format="plain").decode()
        session.update(text=text, layout=_read_plain(plain, order))
    layout: dict[str, Any] = session["layout"]
    return layout


def _read_plain(plain: str, order: dict[str, int]) -> dict[str, Any]:
    """Graphviz's plain format: lengths in inches, y upwards; an arrow is a chain of Bezier curves."""
    nodes: list[list[float]] = [[] for _ in order]
    edges, size = [], [1.0, 1.0]
    for line in plain.splitlines():
        word, *rest = shlex.split(line)
        if word == "graph":
            size = [float(part) for part in rest[1:3]]
        elif word == "node":
            nodes[order[rest[0]]] = [float(part) for part in rest[1:5]]
        elif word == "edge":
            n = int(rest[2])
            path = [float(part) for part in rest[3 : 3 + 2 * n]]
            edges.append({"tail": order[rest[0]], "head": order[rest[1]], "path": path})
    return {"nodes": nodes, "edges": edges, "size": size}


def python(state: Any, names: list[str]) -> str:
    """The program that shows the same graph and sweep."""
    arguments, point = ", ".join(names), ", ".join(repr(getattr(state, name)) for name in names)
    lines = ["import numpy as np", "", "import autodiff as ad", "", "", f"def f({arguments}):"]
    lines += [f"    return {state.f.python}", "", ""]
    lines += [f"{name} = ad.tensor({getattr(state, name)!r}, requires_grad=True, name={name!r})" for name in names]
    lines += [
        f"result = f({arguments})",
        f"print(ad.trace_table(f, {point}))",
        "print(ad.draw_steps(result))",
        f"print(ad.derive(ad.grad(f, {tuple(range(len(names)))!r}))({point}))",
        "ad.draw(result, gradients=True, partials=True).render('graph', format='svg')",
    ]
    return "\n".join(lines) + "\n"


ASKS = {"view": view}
