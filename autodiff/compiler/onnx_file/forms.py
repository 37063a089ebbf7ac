"""What each operation of a program is in ONNX's standard operations.

A form is a function of the graph, the value it makes and the operands of the operation; it returns the name of the
result. Reshapes take the shape of the value that is made, so none of them repeats NumPy's rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from autodiff.arrays.tensors import lift
from autodiff.compiler.onnx_file import arranging, elementwise, folding, networks, products
from autodiff.compiler.onnx_file.elementwise import ufunc
from autodiff.compiler.onnx_file.folding import FOLDS
from autodiff.compiler.onnx_file.graph import Graph, listed
from autodiff.compiler.onnx_file.networks import convolved
from autodiff.compiler.onnx_file.two_sizes import Size, Step, for_any_size
from autodiff.compiler.values import Value, mapped
from autodiff.errors import AutodiffError
from autodiff.ops import error_function


def _inlined(g: Graph, function: Callable[..., Any], operands: Sequence[Any], names: Sequence[str]) -> list[str]:
    """A function of arrays, recorded by itself; the names of its results from those of its operands."""
    outer = g.step
    assert outer is not None
    try:
        inner = for_any_size(function, outer.name, g.recorded.rows, *g.both(operands))
    except Exception as error:  # numbers that are all 1, which some functions do not take
        raise g.refused() from error
    g.recorded.shapes.update(inner.shapes)
    g.recorded.arrays.update(inner.arrays)
    g.names.update(zip(inner.program.arguments, names))
    for step in inner.steps:
        if step.op.function is outer.op.function:
            raise g.refused()
        step.place = outer.place
        g.names.update(zip(step.op.outputs, write(g, step), strict=True))
    g.step = outer
    return [g.of(v) for v in inner.program.outputs]


def _by_rule(g: Graph, step: Step) -> list[str]:
    """A function of NumPy in the steps in which this engine's own rule computes it."""
    if step.op.form != "function" or any(isinstance(x, Size) for x in _leaves((step.args, step.keywords))):
        raise g.refused()
    operands = list(dict.fromkeys(step.op.inputs()))

    def by_rule(*arrays: Any) -> Any:
        known = {v: lift(x, None) for v, x in zip(operands, arrays)}  # a Tensor asks the rules
        return step.op.function(*mapped(step.args, known.__getitem__), **mapped(step.keywords, known.__getitem__))

    return _inlined(g, by_rule, operands, [g.of(v) for v in operands])


def _leaves(tree: Any) -> Iterator[Any]:
    for x in tree.values() if isinstance(tree, dict) else tree if type(tree) in (tuple, list) else ():
        yield from _leaves(x)
    yield tree


def _of_doubles(function: Callable[[Any], Any]) -> Callable[..., str]:
    """An elementwise function of doubles: its own formula keeps its digits."""

    def form(g: Graph, out: Value, x: Any) -> str:
        wide = Value("result", x.shape, np.dtype(np.float64))
        g.recorded.shapes[wide] = g.shape(x)
        (y,) = _inlined(g, function, [wide], [g.operand(x, np.float64)])
        return g.cast(y, np.float64, out.dtype)

    return form


def _erf(g: Graph, out: Value, x: Any) -> str:
    if np.dtype(out.dtype).itemsize > 4:  # onnxruntime has no Erf of doubles
        return _of_doubles(error_function.wide_erf)(g, out, x)
    return str(g.node("Erf", g.of(x)))


FORMS: dict[str, Callable[..., Any]] = {
    **elementwise.FORMS,
    **arranging.FORMS,
    **folding.FORMS,
    **products.FORMS,
    **networks.FORMS,
    "erf": _erf,
    "erfc": _of_doubles(error_function.wide_erfc),
}
"""The form of every operation that is no ufunc, by its name."""


def _is_ours(step: Step) -> bool:
    """Whether a function is NumPy's or this engine's: others, such as ``np.add.outer``, may have the name of one."""
    function = step.op.function
    module = getattr(getattr(function, "fn", function), "__module__", None) or ""
    return isinstance(function, str) or module.partition(".")[0] in ("numpy", "autodiff")


def write(g: Graph, step: Step) -> list[str]:
    """Add the nodes of an operation to a graph; the names of its results.

    Raises
    ------
    UnsupportedError
        If ONNX's standard operations cannot do it.
    """
    g.step, out = step, step.op.outputs
    if step.op.form in ("ufunc", "operator"):
        weights_first = step.name == "matmul" and len(step.args) == 2
        return [(weights_first and convolved(g, step.args[0], step.args[1], out[0])) or ufunc(g, step)]
    form = FOLDS.get(step.name) if step.op.form == "reduce" else FORMS.get(step.name) if _is_ours(step) else None
    if any(np.dtype(v.dtype).kind == "c" for v in out):
        raise g.refused("it is complex")
    if form is None:
        return _by_rule(g, step)
    try:
        return listed(form(g, out if step.op.listed else out[0], *step.args, **step.keywords))
    except AutodiffError:
        raise
    except TypeError as error:  # an operand or keyword that the form does not know
        if step.op.form == "function":
            return _by_rule(g, step)
        raise g.refused(str(error)) from error
