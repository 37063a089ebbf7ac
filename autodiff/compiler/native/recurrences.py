"""Simple recurrent layers in C, step by step."""

from __future__ import annotations

import numpy as np

from autodiff.compiler.native import products
from autodiff.compiler.native.expressions import c_type
from autodiff.compiler.native.pattern import Pattern
from autodiff.compiler.values import Op


class RNN(Pattern):
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


class RNNPull(Pattern):
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
        room = part.scratch(kind, k * k)
        for a, b, c in ((earlier, later, to), (starts, of_start, products.Matrix(room, k, k, k, 1))):
            for some in products.written(part, kind, a.T, b, c, False, False):
                lines += some
        lines.append(f"for (long i = 0; i < {k * k}; i++) ({to.at})[i] += {room}[i];")
        return lines


def _is_single(op: Op) -> bool:
    """Whether it is computed in float32. In float64 the slopes of saturated units keep their digits, in NumPy."""
    return np.dtype(op.inputs()[0].dtype).char == "f"
