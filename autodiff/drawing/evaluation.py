"""The evaluation trace: what a function computes, line by line, with the derivatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autodiff import display, pytree
from autodiff.arrays.plain import untracked
from autodiff.arrays.tensors import Tensor
from autodiff.core import walks
from autodiff.core.tape import ALIAS, INPUT, ITEM, Node
from autodiff.core.walks import ancestors
from autodiff.drawing.derivatives import cotangents, local_partials
from autodiff.drawing.graph import describe, is_array, short
from autodiff.drawing.labels import number, printable, size_of, summary
from autodiff.drawing.pictures import argument_names, partial_text
from autodiff.errors import GradientError
from autodiff.transforms.recording import matching, push, record


class Row(NamedTuple):
    """One line of the trace.

    Attributes
    ----------
    name : str
        The name of the value: the parameter's for an argument, then ``v1``, ``v2``, ... in the order of evaluation.
    expression : str
        How it was computed, from names and constants.
    value : array
    partials : dict of str to str
        The local partial derivative by each operand, as text, under the operand's name.
    cotangent : array or None
        The derivative of the result by this value; None if the result does not depend on it.
    tangent : array or None
        The derivative of this value along the direction; None without a direction.

    Examples
    --------
    >>> import autodiff as ad
    >>> row = ad.trace_table(lambda x: x * 3, 2.0).rows[-1]
    >>> row.name, row.expression, row.partials
    ('v1', 'x * 3', {'x': '3'})
    """

    name: str
    expression: str
    value: Any
    partials: dict[str, str]
    cotangent: Any
    tangent: Any


class TraceTable:
    """The result of `trace_table`. It prints as a table, and is displayed as one in a notebook.

    Attributes
    ----------
    rows : list of Row
        Arguments first, then operations in the order of evaluation.
    has_tangents : bool
        Whether a direction was given.

    Examples
    --------
    >>> import autodiff as ad
    >>> table = ad.trace_table(lambda x: x * x, 3.0)
    >>> [row.name for row in table.rows]
    ['x', 'v1']
    """

    def __init__(self, rows: list[Row], has_tangents: bool) -> None:
        self.rows, self.has_tangents = rows, has_tangents

    @property
    def header(self) -> list[str]:
        """The titles of the columns."""
        return ["node", "expression", "value", "local partials", "cotangent", *["tangent"] * self.has_tangents]

    def cells(self, row: Row) -> list[str]:
        """The texts of a row."""
        partials = ", ".join(f"∂{row.name}/∂{name} = {text}" for name, text in row.partials.items())
        cotangent = "" if row.cotangent is None else size_of(row.cotangent)
        cells = [row.name, row.expression, _value(row.value), partials, cotangent]
        return [*cells, "" if row.tangent is None else size_of(row.tangent)] if self.has_tangents else cells

    def __str__(self) -> str:
        lines = [self.header, *map(self.cells, self.rows)]
        if len(self.rows) > _LONG:
            gap = [f"... {len(self.rows) - _LONG:,} more", *[""] * (len(self.header) - 1)]
            lines = [*lines[: 1 + _LONG // 2], gap, *lines[-(_LONG // 2) :]]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.header))]
        return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)

    __repr__ = __str__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> display.Bundle:
        """For notebooks: the text and the table."""
        return display.bundle(str(self), display.table(self.header, [self.cells(r) for r in self.rows]))


_LONG = 200
_LONGEST_NAME = 40


def trace_table(f: Callable[..., Any], *xs: Any, direction: Sequence[Any] | None = None) -> TraceTable:
    """The evaluation trace of a function, as in textbooks: values, local partial derivatives, both sweeps.

    Parameters
    ----------
    f : callable
        Takes and returns arrays, or nested dicts, lists and tuples of them.
    *xs : array_like, or nested containers of them
        The point; each leaf is a row.
    direction : sequence, optional
        A tangent for each argument, with its structure. The table then shows the derivative of every value along it.

    Returns
    -------
    TraceTable
        It prints as a table.

    Raises
    ------
    GradientError
        If an argument cannot be differentiated, or `direction` does not have one tangent for each argument.

    Notes
    -----
    The cotangent of a value v is the derivative of the result by v; if there are several results or entries, that of
    their sum. The tangent is the derivative of v along the direction. For a result y, the tangent of y is the sum over
    the arguments of cotangent times tangent. Arrays of more than four entries are summarised: values by their range,
    cotangents and tangents by their norm, a Jacobian that is not diagonal by its shape.

    References
    ----------
    A. Griewank, A. Walther, Evaluating Derivatives, 2nd edition, 2008, section 1.2 (evaluation trace), 3.1 and 3.2.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> print(ad.trace_table(lambda a, b: a * b + np.sin(a), 2.0, 3.0, direction=(1.0, 0.0)))
    node  expression  value   local partials                  cotangent  tangent
    a     input       2                                       2.584      1
    b     input       3                                       2          0
    v1    a * b       6       ∂v1/∂a = 3, ∂v1/∂b = 2          1          3
    v2    sin(a)      0.9093  ∂v2/∂a = -0.4161                1          -0.4161
    v3    v1 + v2     6.909   ∂v3/∂v1 = 1, ∂v3/∂v2 = 1        1          2.584
    """
    if direction is not None and (not isinstance(direction, (tuple, list)) or len(direction) != len(xs)):
        raise GradientError(
            f"trace_table: direction must be a tuple with a tangent for each of the {len(xs)} argument(s), "
            f"direction=(t,); {direction!r} was given."
        )
    recording = record(f, xs, {}, range(len(xs)))
    outputs = [y for y in pytree.flatten(recording.output)[0] if isinstance(y, Tensor) and y._node is not None]
    targets = set(recording.nodes)
    names: dict[Node, str] = {}
    values: dict[Node, Any] = {}
    for argument, name in zip(recording.arguments, argument_names(f, len(xs)), strict=True):
        paths = pytree.paths(argument.structure, name)
        for held, path, leaf in zip(argument.nodes, paths, argument.leaves, strict=True):
            names[held] = path
            values[held] = leaf._data if isinstance(leaf, Tensor) else np.asarray(leaf)
    nodes = _operations(outputs)
    cts = cotangents(outputs)
    tangents = _tangents(recording, direction, nodes, targets) if direction is not None else {}
    rows = [Row(names[n], "input", values[n], {}, cts.get(n, np.zeros_like(values[n])), tangents.get(n)) for n in names]
    count = 0
    for node in nodes:
        if node in names:
            continue
        if node.primitive is INPUT:
            given = printable(getattr(node, "name", None) or f"c{node.number}", _LONGEST_NAME)
            names[node] = given.replace("\n", " ")
            continue
        if node.primitive is ALIAS:  # the argument of a transform inside `f`
            # an alias always has a parent
            names[node] = names[node.parents[0]]  # type: ignore[index]  # an alias has a parent
            continue
        count += 1
        names[node] = f"v{count}"
        shown: dict[str, str] = {}
        for p, d in zip(node.parents, local_partials(node), strict=True):
            if p is not None and d is not None:  # x * x has the partial x twice: both count
                before = f"{shown[names[p]]} + " if names[p] in shown else ""
                shown[names[p]] = before + partial_text(d)
        rows.append(Row(names[node], expression(node, names), node.output, shown, cts.get(node), tangents.get(node)))
    return TraceTable(rows, direction is not None)


def _operations(outputs: list[Tensor]) -> list[Node]:
    """All nodes that lead to the outputs, oldest first."""
    roots = (y._node for y in outputs if y._node is not None)
    return sorted((node for node, _ in ancestors(roots)), key=lambda n: n.number)


def _tangents(recording: Any, direction: Sequence[Any], nodes: list[Node], targets: set[Node]) -> dict[Node, Any]:
    """The tangent of every node along the direction."""
    given: dict[Node, Any] = {}
    for i, (argument, t) in enumerate(zip(recording.arguments, direction, strict=True)):
        parts = pytree.flatten_like(argument.structure, t, f"the tangent of argument {i}")
        for value, node, part in zip(argument.leaves, argument.nodes, parts, strict=True):
            start = matching(part, value, f"the tangent of argument {i}")
            given[node] = untracked(start)
    wanted = set(nodes) | targets
    found = walks.walk([n for n in nodes if n not in targets], targets)
    swept = push(found, dict(given), wanted, False, {})
    zeros = {n: np.zeros_like(n.output) for n in nodes if n.primitive is not INPUT and not isinstance(n.output, tuple)}
    return {**zeros, **given, **{n: t for n, t in swept.items() if not isinstance(t, (tuple, list))}}


_INFIX = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "true_divide": "/",
    "power": "**",
    "matmul": "@",
}


def expression(node: Node, names: dict[Node, str]) -> str:
    """How a node was computed, in Python notation."""
    operands = [
        names[p] if p is not None else f"<{describe(x)}>" if is_array(x) else _constant(x)
        for p, x in zip(node.parents, node.operands, strict=True)
    ]
    if node.primitive is ITEM:
        return f"{operands[0]}[{node.keywords['index']}]"
    sign = _INFIX.get(node.primitive.name)
    if sign and len(operands) == 2 and not node.keywords:
        return f"{operands[0]} {sign} {operands[1]}"
    if node.primitive.name == "negative":
        return f"-{operands[0]}"
    options = [f"{k}={short(v)}" for k, v in node.keywords.items() if v is not None and v is not False]
    return f"{node.primitive.name}({', '.join([*operands, *options])})"


def _constant(x: Any) -> str:
    return number(x) if isinstance(x, (float, complex, np.floating, np.complexfloating)) else short(x)


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return describe(value)
    return summary(value) if np.size(value) else describe(value)
