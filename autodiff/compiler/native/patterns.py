"""Operations with a C text of their own: which has which, and the short ones among them."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.compiler.native.expressions import c_type
from autodiff.compiler.native.moves import over
from autodiff.compiler.native.part import Part
from autodiff.compiler.native.pattern import Pattern
from autodiff.compiler.native.recurrences import RNN, RNNPull
from autodiff.compiler.native.selections import Selection
from autodiff.compiler.native.windows import FirstLargest, SumOfColumns, Windows
from autodiff.compiler.record import Decision, Diverged
from autodiff.compiler.values import Op, Value
from autodiff.core.primitives import Primitive
from autodiff.core.sweeps import are_finite
from autodiff.ops.network import counting


def known(op: Op) -> bool:
    """Whether an operation has a text here."""
    kind = _kind(op)
    return kind is not None and kind.suits(op)


def step(part: Part, op: Op) -> Any:
    """The step for an operation, or None."""
    kind = _kind(op)
    return kind(part, op) if kind is not None and kind.suits(op) else None


def _kind(op: Op) -> type[Pattern] | None:
    if op.form == "check":
        return _Finite if asks_for_finite(op) else None
    if op.form == "index":
        return Selection
    function = op.function
    name = function.name if isinstance(function, Primitive) else getattr(function, "__name__", "")
    return _BY_NAME.get(name) if op.form == "opaque" else None


class _CrossEntropy(Pattern):
    """The loss of logits and labels, and its gradient; labels of no class are told by Python."""

    @classmethod
    def suits(cls, op: Op) -> bool:
        if len(op.args) != 2:
            return False
        logits, labels = op.args
        return (
            isinstance(labels, Value)
            and labels.kind in ("argument", "constant", "made")
            and np.dtype(labels.dtype).kind in "iu"
            and np.dtype(logits.dtype).char in "fd"
            and logits.size > 0
        )

    def prepare(self) -> None:
        super().prepare()
        labels, k, ignored = self.op.args[1], self.op.args[0].shape[-1], self.op.keywords.get("ignore_index")
        memory = self.part.place_of(labels).memory
        at = self.part.passed.index(labels) if memory.kind == "passed" else None

        def look(*args: Any) -> None:
            counting(args[at] if at is not None else memory.payload, k, ignored)

        self.part.codes.append(look)
        self._code = len(self.part.codes)

    def lines(self) -> list[str]:
        logits, labels = self.op.args
        loss, slope = self.op.outputs
        T, f = c_type(logits.dtype), "f" if np.dtype(logits.dtype).char == "f" else ""
        k = logits.shape[-1]
        n = logits.size // k
        place = self.part.place_of(labels)
        if len(place.shape) > 1 and not place.is_dense():
            raise self.part.no_c(self.op)
        step = place.strides[-1] if len(place.shape) == 1 else 1
        start = f"({self.part.pointer(place.memory)} + {place.offset})"
        ignored = self.op.keywords.get("ignore_index")
        skipped = ignored is not None
        exp = self.part.vectorised("exp", logits.dtype, 1)
        x, e = self.at(logits), self.at(slope)
        small = f"const {T} *row_ = {x} + i * {k}; {T} *e_ = {e} + i * {k};"
        label = f"const int64_t label_ = (int64_t){start}[i * {step}];"
        skip = "label_ == " + str(ignored)
        skip = f"if ({skip}) {{ for (long j = 0; j < {k}; j++) e_[j] = 0; continue; }}" if skipped else ""
        next_one = f"const {T} next_ = row_[j];"
        largest = f"{next_one} largest_ = ((next_ > largest_) | (next_ != next_)) ? next_ : largest_;"
        return [
            "double loss_ = 0;",
            "long counted_ = 0;",
            f"for (long i = 0; i < {n}; i++) {{",
            small,
            label,
            skip,
            f"if (label_ < 0 || label_ >= {k}) return {self._code};",
            f"{T} largest_ = row_[0];",
            f"for (long j = 1; j < {k}; j++) {{ {largest} }}",
            f"for (long j = 0; j < {k}; j++) e_[j] = row_[j] - largest_;",
            "loss_ -= e_[label_];",
            "counted_++;",
            "}",
            f"{exp}({n * k}, {e}, {e});",
            f"const {T} share_ = 1 / ({T})(counted_ ? counted_ : 1);",
            f"for (long i = 0; i < {n}; i++) {{",
            f"{T} *e_ = {e} + i * {k};",
            label,
            skip,
            f"{T} total_ = 0;",
            f"for (long j = 0; j < {k}; j++) total_ += e_[j];",
            f"loss_ += log{f}(total_);",
            f"for (long j = 0; j < {k}; j++) e_[j] = e_[j] / total_ * share_;",
            "e_[label_] -= share_;",
            "}",
            f"*{self.at(loss)} = counted_ ? ({T})(loss_ / counted_) : NAN;",
        ]


class _Finite(Pattern):
    """The check of a sweep that no mask is needed, since everything is finite."""

    @classmethod
    def suits(cls, op: Op) -> bool:
        return all(np.dtype(v.dtype).char in "fd" for v in op.inputs())

    def prepare(self) -> None:
        def diverge(*_: Any) -> None:
            raise Diverged

        self.part.codes.append(diverge)
        self._code = len(self.part.codes)

    def lines(self) -> list[str]:
        lines = []
        for v in self.op.inputs():
            place = self.part.place_of(v)
            if place.size:
                loops, (x,) = over(self.part, place)
                lines += ["{", "int finite = 1;", f"{loops} finite &= {x} - {x} == 0;"]
                lines += [f"if (!finite) return {self._code};", "}"]
        return lines


def asks_for_finite(op: Op) -> bool:
    """Whether it is such a check."""
    look = op.function
    return op.form == "check" and isinstance(look, Decision) and look.function is are_finite and bool(look.answer)


_BY_NAME: dict[str, type[Pattern]] = {
    "softmax_cross_entropy": _CrossEntropy,
    "index_add": Selection,
    "all_windows": Windows,
    "sum_of_columns": SumOfColumns,
    "first_largest": FirstLargest,
    "rnn": RNN,
    "_rnn_pull_in_place": RNNPull,
}
"""By the names of primitives."""
