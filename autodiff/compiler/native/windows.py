"""Windows of images in C: convolutions through columns, and pools."""

from __future__ import annotations

import itertools
import math

from autodiff.compiler.native.expressions import c_type
from autodiff.compiler.native.moves import copy
from autodiff.compiler.native.pattern import Pattern
from autodiff.compiler.native.places import Place
from autodiff.compiler.values import Op, Value, row_strides
from autodiff.ops.windows import count


class Windows(Pattern):
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


class SumOfColumns(Pattern):
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
        room = part.scratch(columns.dtype, y.size)
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


class FirstLargest(Pattern):
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
