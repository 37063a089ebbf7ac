"""Programs whose values are all single numbers, written with Python floats: a tenth of the time of NumPy scalars."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

import numpy as np

from autodiff.compiler.program import Program
from autodiff.compiler.record import Decision
from autodiff.compiler.source import Writer
from autodiff.compiler.values import Op, Value
from autodiff.core.sweeps import are_finite

_INFIX = {
    np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/",
    np.less: "<", np.less_equal: "<=", np.greater: ">", np.greater_equal: ">=", np.equal: "==", np.not_equal: "!=",
}  # fmt: skip
_ON_TRUTH = {
    np.logical_and: "{} and {}", np.bitwise_and: "{} and {}", np.logical_or: "{} or {}", np.bitwise_or: "{} or {}",
}  # fmt: skip
_WRITTEN: dict[Any, str] = {
    np.negative: "-{}",
    np.positive: "{}",
    np.absolute: "abs({})",
    np.fabs: "abs({})",
    np.square: "{0} * {0}",
    np.reciprocal: "1.0 / {}",
    np.isnan: "{0} != {0}",
    np.maximum: "{0} if {0} > {1} or {0} != {0} else {1}",  # NaN in either is NaN
    np.minimum: "{0} if {0} < {1} or {0} != {0} else {1}",
    np.sign: "1.0 if {0} > 0.0 else -1.0 if {0} < 0.0 else {0} + 0.0",
    np.invert: "not {}",
    np.logical_not: "not {}",
}
_CALLED: dict[Any, Callable[..., Any]] = {
    np.sqrt: math.sqrt, np.copysign: math.copysign, np.isfinite: math.isfinite, np.isinf: math.isinf,
}  # fmt: skip
# All of these are exact or correctly rounded (IEEE 754), so Python and NumPy give the same bits. Where NumPy gives inf
# or NaN, Python raises, which is caught. ``math.pow`` raises for a negative base, where ``**`` would turn complex.
_IN_NUMPY = {
    np.power, np.float_power, np.cbrt, np.exp, np.exp2, np.expm1, np.log, np.log1p, np.log2, np.log10, np.sin, np.cos,
    np.tan, np.arcsin, np.arccos, np.arctan, np.arctan2, np.sinh, np.cosh, np.tanh, np.arcsinh, np.arccosh, np.arctanh,
    np.hypot, np.logaddexp, np.logaddexp2, np.degrees, np.radians, np.rad2deg, np.deg2rad,
}  # fmt: skip
"""Functions that NumPy implements itself, differing from `math` in the last digit: NumPy's are called."""
_TRUTHS = (np.invert, np.logical_not, *_ON_TRUTH)


@cache
def _picks_second() -> bool:
    """Whether ``maximum`` and ``minimum`` of two zeros return the second one on this machine."""
    a, b = np.float64(0.0), np.float64(-0.0)
    return all(np.signbit(f(x, y)) == np.signbit(y) for f in (np.maximum, np.minimum) for x, y in ((a, b), (b, a)))


_ANSWERS = {
    np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal, np.isnan, np.isfinite, np.isinf,
}  # fmt: skip


def suits(program: Program) -> bool:
    """Whether every value is a single float64 or Boolean, every operation is known here, and every effect is last."""
    computing = [bool(op.outputs) for op in program.ops]
    return (
        any(computing)
        and all(_is_single(v) for v in program.values())
        and all(map(_is_known, program.ops))
        and not any(v.kind in ("state", "gradient") for v in program.results)
        and "effect" not in [op.form for op in program.ops[: len(computing) - computing[::-1].index(True)]]
    )


def _is_single(v: Value) -> bool:
    return v.shape == () and np.dtype(v.dtype).char in "d?" and v.kind != "constant"


def _is_truth(x: Any) -> bool:
    return np.dtype(x.dtype).kind == "b" if isinstance(x, Value) else isinstance(x, (bool, np.bool_))


def _asks_for_finite(op: Op) -> bool:
    """Whether it is a sweep's check that no mask is needed, because everything is finite."""
    look = op.function
    return op.form == "check" and isinstance(look, Decision) and look.function is are_finite and bool(look.answer)


def _is_known(op: Op) -> bool:
    if op.form == "effect" or _asks_for_finite(op):
        return True
    if op.form == "index" and op.args[1:] == ((),):
        return True
    if op.form in ("store", "assign"):
        return isinstance(op.args[0], Value) or op.args[0] is None
    if len(op.outputs) != 1 or op.keywords or not all(isinstance(a, (Value, int, float)) for a in op.args):
        return False
    if op.form == "function" and op.function is np.where:
        return _is_truth(op.args[0]) and not any(_is_truth(a) for a in op.args[1:])
    if op.form == "operator":
        return op.function is np.power and not any(_is_truth(a) for a in op.args)
    if op.form != "ufunc" or (op.function in (np.maximum, np.minimum) and not _picks_second()):
        return False
    truths = [_is_truth(a) for a in op.args]
    if op.function in _TRUTHS:
        return all(truths)
    if op.function in _ANSWERS:
        return _is_truth(op.outputs[0]) and not any(truths)
    known = any(op.function in table for table in (_INFIX, _WRITTEN, _CALLED, _IN_NUMPY))
    return known and not _is_truth(op.outputs[0]) and (op.function is np.multiply or not any(truths))


class ScalarWriter(Writer):
    """Writes such a program: first it computes all numbers, then it changes tensors and gradients.

    If Python raises, or a result is not finite, nothing has been changed yet, and the same program in NumPy takes over.
    That one gives inf or NaN and warns as NumPy does, or asks for a program with masks.

    Attributes
    ----------
    in_numpy : str
        The name of the same program in NumPy.
    parameters : list of str
        The parameters of both.
    """

    in_numpy: str
    parameters: list[str]

    @property
    def whereabouts(self) -> str:
        """Where its operations run, in words."""
        return "on Python's floats"

    def text(self, x: Any) -> str:
        """An operand as Python."""
        if isinstance(x, Value) and x.kind == "made":
            x = x.payload.item()
        if isinstance(x, (np.bool_, np.floating)):
            x = x.item()
        if isinstance(x, float) and not math.isfinite(x):
            return self.bind("nan", math.nan) if x != x else f"({'-' if x < 0 else ''}{self.bind('inf', math.inf)})"
        return f"({x!r})" if isinstance(x, (int, float)) and x < 0 else super().text(x)

    def expression(self, op: Op) -> str:
        """The right-hand side of a line."""
        if op.form == "index":
            return self.text(op.args[0])
        choosing = op.form == "function" or op.function in (np.maximum, np.minimum)  # may return the operand: a float
        args = [float(a) if choosing and type(a) is int else a for a in op.args]
        names = [self.text(a) for a in args]
        if op.form == "function":
            return "{1} if {0} else {2}".format(*names)
        if op.form == "operator":  # `**` of NumPy scalars and math.pow both call the C library
            return f"{self.bind('pow', math.pow, reserved=True)}({', '.join(names)})"
        if op.function in _INFIX:
            return f" {_INFIX[op.function]} ".join(names)
        if op.function in _WRITTEN:
            return _WRITTEN[op.function].format(*names)
        if op.function in _ON_TRUTH:
            return _ON_TRUTH[op.function].format(*names)
        if op.function in _IN_NUMPY:
            return f"float({self.bind(op.function.__name__, op.function, reserved=True)}({', '.join(names)}))"
        called = _CALLED[op.function]
        return f"{self.bind(called.__name__, called, reserved=True)}({', '.join(names)})"

    def silenced(self, lines: Iterable[tuple[str, Any]]) -> Iterator[str]:
        """The lines as they are: Python floats do not warn, and NumPy functions raise what is then caught."""
        yield from (line for line, _ in lines)

    def boxed(self, v: Any) -> str:
        """A single number as a NumPy scalar."""
        if not isinstance(v, Value):
            return super().text(v)
        kind = np.bool_ if _is_truth(v) else np.float64
        return f"{self.bind(np.dtype(kind).name, kind, reserved=True)}({self.text(v)})"

    def reads(self, values: Iterable[Value], read: set[Value]) -> Iterator[str]:
        """Lines that turn NumPy scalars into Python numbers where they are first needed."""
        for v in values:
            if v not in read and v.kind in ("argument", "state", "gradient"):
                read.add(v)
                found = self.names[v] if v.kind == "argument" else self.where(v)
                yield f"{self.names[v]} = {'bool' if _is_truth(v) else 'float'}({found})"

    def body(self) -> Iterator[str]:
        """All lines between the guard and the return."""
        program, in_numpy = self.program, f"return {self.in_numpy}({', '.join(map(self.passed_on, self.parameters))})"
        computing = program.with_ops([op for op in program.ops if op.outputs])
        changing = program.with_ops([op for op in program.ops if not op.outputs and not _asks_for_finite(op)])
        looked_at = [v for op in program.ops if not op.outputs for v in op.inputs()]
        kept = dict.fromkeys((*program.results, *looked_at))
        indent = "    "
        yield "try:"
        if any(op.form == "ufunc" and op.function in _IN_NUMPY for op in computing.ops):
            errstate = self.bind("errstate", np.errstate, reserved=True)
            yield f'{indent}with {errstate}(divide="raise", over="raise", invalid="raise"):'
            indent *= 2
        for line in self.lines(computing, kept):
            yield f"{indent}{line}"
        yield "except (ArithmeticError, ValueError):"
        yield f"    {in_numpy}"
        numbers = [self.names[v] for v in kept if v.kind == "result" and not _is_truth(v)]
        if numbers:
            isfinite = self.bind("isfinite", math.isfinite, reserved=True)
            yield f"if not ({' and '.join(f'{isfinite}({name})' for name in numbers)}):"
            yield f"    {in_numpy}"
        yield from self.lines(changing, ())

    def passed_on(self, name: str) -> str:
        """An argument for the same program in NumPy."""
        found = [v for v in self.program.arguments if self.names[v] == name]
        return self.boxed(found[0]) if found else name

    def returned_parts(self) -> list[str]:
        """The returned expressions, one by one."""
        return [self.owned(v) if isinstance(v, Value) and not v.number else self.boxed(v) for v in self.program.outputs]
