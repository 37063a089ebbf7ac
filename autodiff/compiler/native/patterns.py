"""Operations with a C text of their own."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from autodiff.compiler.native import products
from autodiff.compiler.native.expressions import c_type
from autodiff.compiler.native.moves import copy, over
from autodiff.compiler.native.part import Part, Step
from autodiff.compiler.native.places import Memory, Place
from autodiff.compiler.record import Decision, Diverged
from autodiff.compiler.values import Op, Value, row_strides
from autodiff.core.primitives import Primitive
from autodiff.core.sweeps import are_finite
from autodiff.ops.network import counting
from autodiff.ops.windows import count


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
        return _Selection
    function = op.function
    name = function.name if isinstance(function, Primitive) else getattr(function, "__name__", "")
    return _BY_NAME.get(name) if op.form == "opaque" else None


class Pattern(Step):
    """One operation with a text of its own.

    Its operands and results lie in memory.
    """

    def __init__(self, part: Part, op: Op) -> None:
        super().__init__(part, [op])
        self.op = op
        for v in op.inputs():
            part.place_of(v)

    @classmethod
    def suits(cls, op: Op) -> bool:
        """Whether the text is for such operands."""
        return True

    def prepare(self) -> None:
        """Say where the results lie."""
        for v in self.op.outputs:
            self.part.place_of(v)

    def memories(self) -> Iterator[Memory]:
        """What is read and written."""
        for v in (*self.op.inputs(), *self.op.outputs):
            yield self.part.place_of(v).memory

    def text(self) -> list[str]:
        """The C text."""
        written = {self.part.place_of(v).memory for v in self.op.outputs}
        return [*self.part.pointers(self.memories(), written), *self.lines()]

    def lines(self) -> list[str]:
        """The C text after the declarations of the pointers."""
        raise NotImplementedError

    def at(self, v: Value) -> str:
        """The expression for the first entry of a value that has no gaps."""
        place = self.part.place_of(v)
        if not place.is_dense() and place.size:
            raise self.part.no_c(self.op)
        return f"({self.part.pointer(place.memory)} + {place.offset})"


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


class _Selection(Pattern):
    """Entries selected by arrays of integers, and their transpose, in which several may be added to one.

    The arrays stand side by side in the index; before and behind them are whole axes.
    """

    @classmethod
    def suits(cls, op: Op) -> bool:
        found = _selected(op)
        return found is not None and all(np.dtype(v.dtype).kind in "iu" for v in found.arrays if isinstance(v, Value))

    def prepare(self) -> None:
        super().prepare()
        op, part = self.op, self.part
        found = _selected(op)
        assert found is not None
        self._found = found
        self._code = 0
        where: dict[Value, Place] = {}
        for v in found.arrays:
            if not isinstance(v, Value):
                continue
            place = part.place_of(v)
            if place.memory.kind in ("passed", "kept"):
                where[v] = place
            elif not part.is_within(v):
                raise part.no_c(op)
        if not where:
            return

        def look(*args: Any) -> None:
            def value(v: Value) -> Any:
                if v not in where:
                    return np.zeros(v.shape, v.dtype)
                memory = where[v].memory
                kept = memory.kind == "kept"
                return where[v].entries(memory.payload if kept else args[part.passed.index(memory.payload)])

            op.result(value)

        part.codes.append(look)
        self._code = len(part.codes)

    def lines(self) -> list[str]:
        part, found = self.part, self._found
        large, small = part.place_of(found.large), part.place_of(found.small)
        n = len(found.block)
        first, last = found.at, found.at + len(found.arrays)
        lines = []
        if found.adds:
            lines.append(f"memset({self.at(found.large)}, 0, {large.size} * sizeof *{part.pointer(large.memory)});")
        if not small.size:
            return lines
        counters = [f"i{k}" for k in range(len(small.shape))]
        places = [part.place_of(v).broadcast(found.block) if isinstance(v, Value) else None for v in found.arrays]
        opened = 0

        def open_loop(k: int) -> str:
            return f"for (long {counters[k]} = 0; {counters[k]} < {small.shape[k]}; {counters[k]}++) {{"

        for k in range(first, first + n):  # the arrays first, so that each index is read once
            lines.append(open_loop(k))
            opened += 1
        chosen = []
        for k, (v, q) in enumerate(zip(found.arrays, places)):
            name, length = f"at{k}", large.shape[first + k]
            if q is None:
                lines.append(f"const long {name} = {int(v) % length};")
            else:
                steps = [f" + {s} * {counters[first + d]}" for d, s in enumerate(q.strides) if s]
                lines.append(f"long {name} = (long){part.pointer(q.memory)}[{q.offset}{''.join(steps)}];")
                if self._code:
                    lines.append(f"if ({name} < 0) {name} += {length};")
                    lines.append(f"if ({name} < 0 || {name} >= {length}) return {self._code};")
            chosen.append(f"{large.strides[first + k]} * {name}")
        outer, inner = list(range(first)), list(range(first + n, len(small.shape)))
        for k in (*outer, *inner):
            lines.append(open_loop(k))
            opened += 1
        one = [str(large.offset), *chosen]
        one += [f"{large.strides[k]} * {counters[k]}" for k in outer]
        one += [f"{large.strides[last + d]} * {counters[k]}" for d, k in enumerate(inner)]
        other = [str(small.offset)] + [f"{s} * {c}" for s, c in zip(small.strides, counters) if s]
        x = f"{part.pointer(large.memory)}[{' + '.join(one)}]"
        y = f"{part.pointer(small.memory)}[{' + '.join(other)}]"
        lines.append(f"{x} += {y};" if found.adds else f"{y} = {x};")
        return [*lines, *["}"] * opened]


class _Selected(NamedTuple):
    """A selection.

    Attributes
    ----------
    large, small : Value
        The whole array, and the selected entries.
    arrays : list of Value or int
        The arrays of the index.
    at : int
        The first axis that they index.
    block : tuple of int
        The shape to which they broadcast.
    adds : bool
        Whether the entries are added to zeros.
    """

    large: Value
    small: Value
    arrays: list[Any]
    at: int
    block: tuple[int, ...]
    adds: bool


def _selected(op: Op) -> _Selected | None:
    name = op.function.name if isinstance(op.function, Primitive) else ""
    if len(op.outputs) != 1:
        return None
    if op.form == "index":
        large, index, small, adds = op.args[0], op.args[1], op.outputs[0], False
    elif name == "index_add":
        large, small, adds = op.outputs[0], op.args[0], True
        index = op.keywords["index"].fill(op.args[1:])
    else:
        return None
    parts = list(index) if isinstance(index, tuple) else [index]
    if any(part is None for part in parts) or not any(isinstance(part, Value) for part in parts):
        return None
    dots = [k for k, part in enumerate(parts) if part is Ellipsis]
    missing = len(large.shape) - (len(parts) - len(dots))
    if len(dots) > 1 or missing < 0:
        return None
    at = dots[0] if dots else len(parts)
    parts[at : at + len(dots)] = [slice(None)] * missing
    advanced = [k for k, part in enumerate(parts) if not isinstance(part, slice)]
    if advanced != list(range(advanced[0], advanced[-1] + 1)):
        return None
    if any(isinstance(part, slice) and part != slice(None) for part in parts):
        return None
    arrays = [parts[k] for k in advanced]
    if not all(isinstance(a, Value) or type(a) is int for a in arrays):
        return None
    block = np.broadcast_shapes(*(a.shape for a in arrays if isinstance(a, Value)))
    first = advanced[0]
    if small.shape != (*large.shape[:first], *block, *large.shape[advanced[-1] + 1 :]):
        return None
    return _Selected(large, small, arrays, first, block, adds)


class _Windows(Pattern):
    """All windows of images as columns."""

    @classmethod
    def suits(cls, op: Op) -> bool:
        return isinstance(op.args[0], Value) and len(op.inputs()) == 1

    def lines(self) -> list[str]:
        part, out = self.part, self.op.outputs[0]
        _, kernel, stride, dilation = self.op.args
        x, y = part.place_of(self.op.args[0]), part.place_of(out)
        if not y.is_dense():
            raise part.no_c(self.op)
        spatial = x.shape[2:]
        windows = count(spatial, kernel, stride, dilation)
        shape = (*x.shape[:2], *kernel, *windows)
        steps = x.strides[2:]
        of = (*x.strides[:2], *(s * d for s, d in zip(steps, dilation)), *(s * t for s, t in zip(steps, stride)))
        to = Place(y.memory, shape, row_strides(shape, 1), y.offset)
        return copy(part, to, Place(x.memory, shape, of, x.offset))


class _SumOfColumns(Pattern):
    """The transpose of all windows, with the images side by side in the columns."""

    @classmethod
    def suits(cls, op: Op) -> bool:
        return isinstance(op.args[0], Value) and len(op.inputs()) == 1

    def lines(self) -> list[str]:
        part = self.part
        columns, (n, channels, *spatial), kernel, stride, dilation = self.op.args
        windows = count(tuple(spatial), kernel, stride, dilation)
        y = part.place_of(self.op.outputs[0])
        d, T = len(kernel), c_type(columns.dtype)
        room = part.scratch_pointer(part.scratch("sums", columns.dtype, y.size))
        lengths = (channels, *kernel, *windows, n)
        names = [f"i{k}" for k in range(len(lengths))]
        inside = row_strides((channels, *spatial, n), 1)
        of = row_strides(lengths, 1)
        x = [f"{inside[0]} * i0"]
        for k in range(d):
            x.append(f"{inside[1 + k]} * ({dilation[k]} * {names[1 + k]} + {stride[k]} * {names[1 + d + k]})")
        loops = [f"for (long {i} = 0; {i} < {m}; {i}++) {{" for i, m in zip(names[:-1], lengths[:-1])]
        source = " + ".join(f"{s} * {i}" for s, i in zip(of[:-1], names[:-1]))
        lines = [f"{T} *const sums_ = {room};", f"memset(sums_, 0, {y.size} * sizeof *sums_);", *loops]
        lines += [f"const {T} *of_ = {self.at(columns)} + {source};", f"{T} *to_ = sums_ + {' + '.join(x)};"]
        lines += [f"for (long i = 0; i < {n}; i++) to_[i] += of_[i];", *["}"] * len(loops)]
        rest = math.prod(spatial) * channels
        if not y.is_dense():
            raise part.no_c(self.op)
        to = f"({part.pointer(y.memory)} + {y.offset})"
        lines.append(
            f"for (long i = 0; i < {n}; i++) for (long j = 0; j < {rest}; j++) "
            f"{to}[{rest} * i + j] = sums_[{n} * j + i];"
        )
        return lines


class _FirstLargest(Pattern):
    """For every window the flat index of its first largest entry; NaN counts as the largest."""

    def lines(self) -> list[str]:
        part, how = self.part, self.op.keywords
        kernel, stride, dilation = how["kernel"], how["stride"], how["dilation"]
        (x,) = self.op.inputs()
        q, y = part.place_of(x), part.place_of(self.op.outputs[0])
        if not y.is_dense():
            raise part.no_c(self.op)
        T = c_type(x.dtype)
        names = [f"i{k}" for k in range(len(y.shape))]
        dense = row_strides(q.shape, 1)
        lines = [f"for (long {i} = 0; {i} < {n}; {i}++) {{" for i, n in zip(names, y.shape)]

        def start(strides: tuple[int, ...]) -> str:
            steps = [*strides[:2], *(s * t for s, t in zip(strides[2:], stride))]
            return " + ".join(f"{s} * {i}" for s, i in zip(steps, names))

        lines += [f"const {T} *of_ = {part.pointer(q.memory)} + {q.offset} + {start(q.strides)};"]
        lines += [f"{T} most_ = of_[0];", "int at_ = 0;"]
        for place in list(itertools.product(*(range(k) for k in kernel)))[1:]:
            there = sum(s * p * e for s, p, e in zip(q.strides[2:], place, dilation))
            flat = sum(s * p * e for s, p, e in zip(dense[2:], place, dilation))
            better = "(next_ > most_) | ((next_ != next_) & (most_ == most_))"
            chosen = f"most_ = more ? next_ : most_; at_ = more ? {flat} : at_;"
            lines.append(f"{{ const {T} next_ = of_[{there}]; const int more = {better}; {chosen} }}")
        to = " + ".join(f"{s} * {i}" for s, i in zip(row_strides(y.shape, 1), names))
        lines.append(f"{part.pointer(y.memory)}[{y.offset} + {to}] = {start(dense)} + at_;")
        return [*lines, *["}"] * len(names)]


class _RNN(Pattern):
    """The states of a simple recurrent layer, step by step."""

    @classmethod
    def suits(cls, op: Op) -> bool:
        return len({np.dtype(v.dtype) for v in (*op.inputs(), *op.outputs)}) == 1 and _is_single(op)

    def lines(self) -> list[str]:
        part = self.part
        x, h, w = (part.place_of(v) for v in self.op.args)
        y = part.place_of(self.op.outputs[0])
        n, time, k = y.shape
        if not (y.strides[2] == 1 or k == 1) or not h.is_dense() or not time:
            raise part.no_c(self.op)
        bend = self.op.keywords["bend"]
        T, kind = c_type(self.op.args[0].dtype), self.op.args[0].dtype
        name = part.pointer
        before = products.Matrix("before_", n, k, y.strides[0], 1)
        z = products.Matrix("z_", n, k, y.strides[0], 1)
        weights = products.Matrix(f"{name(w.memory)} + {w.offset}", k, k, *w.strides)
        first, product = products.written(part, kind, before, weights, z, w.memory.kind == "arena", True)
        row = f"z_[{y.strides[0]} * i + j]"
        given = f"x_[{x.strides[0]} * i + {x.strides[2]} * j]"
        body = [f"const {T} *x_ = {name(x.memory)} + {x.offset} + {x.strides[1]} * t;"]
        body += [f"{T} *z_ = {name(y.memory)} + {y.offset} + {y.strides[1]} * t;"]
        body += [f"const {T} *before_ = t ? z_ - {y.strides[1]} : start_;", *product]
        whole = f"for (long i = 0; i < {n}; i++)"
        if bend == "tanh":
            body.append(f"{whole} for (long j = 0; j < {k}; j++) {row} += {given};")
            tanh = part.vectorised("tanh", kind, 1)
            if y.strides[0] == k:
                body.append(f"{tanh}({n * k}, z_, z_);")
            else:
                body.append(f"{whole} {tanh}({k}, z_ + {y.strides[0]} * i, z_ + {y.strides[0]} * i);")
        else:
            value = f"const {T} s = {row} + {given}; {row} = s < 0 ? 0 : s;"
            body.append(f"{whole} for (long j = 0; j < {k}; j++) {{ {value} }}")
        start = f"{name(h.memory)} + {h.offset}"
        lines = [*first]
        if y.strides[0] != h.strides[0]:  # the first state with the distances of the others
            raise part.no_c(self.op)
        return [*lines, f"const {T} *start_ = {start};", f"for (long t = 0; t < {time}; t++) {{", *body, "}"]


class _RNNPull(Pattern):
    """The cotangents of such a layer, from its last step to its first."""

    @classmethod
    def suits(cls, op: Op) -> bool:
        return len({np.dtype(v.dtype) for v in (*op.inputs(), *op.outputs)}) == 1 and _is_single(op)

    def lines(self) -> list[str]:
        part = self.part
        *values, bend = self.op.args
        ct, y, _, h, w = (part.place_of(v) for v in values)
        zs, d, by_w = (part.place_of(v) for v in self.op.outputs)
        n, time, k = y.shape
        T, kind, name = c_type(values[0].dtype), values[0].dtype, part.pointer
        dense = y.strides == zs.strides == (k, n * k, 1) and all(q.is_dense() for q in (h, d, by_w))
        if not dense or not time:
            raise part.no_c(self.op)
        z = products.Matrix("z_", n, k, k, 1)
        back = products.Matrix("d_", n, k, k, 1)
        weights = products.Matrix(f"{name(w.memory)} + {w.offset}", k, k, *w.strides)
        first, product = products.written(part, kind, z, weights.T, back, False, True)
        slope = "(1 - y_[i] * y_[i])" if bend == "tanh" else "(y_[i] > 0)"
        if ct.strides[2] == 1 and ct.strides[0] == k:
            part_of_ct = "ct_[i]"
        else:
            part_of_ct = f"ct_[{ct.strides[0]} * (i / {k}) + {ct.strides[2]} * (i % {k})]"
        lines = [*first, f"{T} *const d_ = {name(d.memory)} + {d.offset};", f"memset(d_, 0, {n * k} * sizeof *d_);"]
        lines += [f"for (long t = {time - 1}; t >= 0; t--) {{"]
        lines += [f"const {T} *ct_ = {name(ct.memory)} + {ct.offset} + {ct.strides[1]} * t;"]
        lines += [f"const {T} *y_ = {name(y.memory)} + {y.offset} + {n * k} * t;"]
        lines += [f"{T} *z_ = {name(zs.memory)} + {zs.offset} + {n * k} * t;"]
        lines += [f"for (long i = 0; i < {n * k}; i++) z_[i] = (d_[i] + {part_of_ct}) * {slope};", *product, "}"]
        to = products.Matrix(f"{name(by_w.memory)} + {by_w.offset}", k, k, k, 1)
        starts = products.Matrix(f"{name(h.memory)} + {h.offset}", n, k, k, 1)
        earlier = products.Matrix(f"{name(y.memory)} + {y.offset}", n * (time - 1), k, k, 1)
        of_start = products.Matrix(f"{name(zs.memory)} + {zs.offset}", n, k, k, 1)
        later = products.Matrix(f"{name(zs.memory)} + {zs.offset + n * k}", n * (time - 1), k, k, 1)
        room = part.scratch_pointer(part.scratch("first", kind, k * k))
        for a, b, c in ((earlier, later, to), (starts, of_start, products.Matrix(room, k, k, k, 1))):
            for some in products.written(part, kind, a.T, b, c, False, False):
                lines += some
        lines.append(f"for (long i = 0; i < {k * k}; i++) ({to.at})[i] += {room}[i];")
        return lines


def _is_single(op: Op) -> bool:
    """Whether it is computed in float32. In float64 the slopes of saturated units keep their digits, in NumPy."""
    return np.dtype(op.inputs()[0].dtype).char == "f"


_BY_NAME: dict[str, type[Pattern]] = {
    "softmax_cross_entropy": _CrossEntropy,
    "index_add": _Selection,
    "all_windows": _Windows,
    "sum_of_columns": _SumOfColumns,
    "first_largest": _FirstLargest,
    "rnn": _RNN,
    "_rnn_pull_in_place": _RNNPull,
}
