"""Windows and recurrences."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.compiler.onnx_file.folding import folded
from autodiff.compiler.onnx_file.graph import Graph
from autodiff.compiler.values import Value
from autodiff.ops import windows

# --- windows --------------------------------------------------------------------------------------


def _gathered_windows(g: Graph, x: Any, kernel: Any, stride: Any, dilation: Any) -> str:
    """All windows, (n, channels, kernel, windows): the places of their entries are known."""
    spatial = g.fixed(g.shape(x)[2:])
    places = np.arange(math.prod(spatial)).reshape(1, 1, *spatial)
    places = windows.all_windows(places, kernel, stride, dilation)[0]
    flat = g.reshaped(g.of(x), (*g.shape(x)[:2], math.prod(spatial)))
    return str(g.node("Gather", flat, g.constant(places, np.int64), axis=2))


def _all_windows(g: Graph, out: Value, x: Any, kernel: Any, stride: Any, dilation: Any) -> str:
    """Windows as columns, (n, channels * kernel, windows)."""
    y = g.reshaped(_gathered_windows(g, x, kernel, stride, dilation), g.shape(out))
    g.windows[y] = g.sources[y], g.of(x), g.shape(x), kernel, stride, dilation
    return y


def convolved(g: Graph, w: Any, columns: Any, out: Value) -> str:
    """The product of weights and windows as a convolution; empty if it is none."""
    if not isinstance(columns, Value) or not isinstance(w, Value) or np.dtype(out.dtype).itemsize > 4:
        return ""  # onnxruntime has no convolution in float64
    source = g.sources.get(g.of(columns), "")
    found = next((known for name, known in g.windows.items() if source in (name, known[0])), None)
    if found is None or len(w.shape) != 3 or len(columns.shape) != 4 or w.dtype != columns.dtype:
        return ""
    _, x, shape, kernel, stride, dilation = found
    channels, groups = shape[1], columns.shape[1]
    if w.shape != (groups, w.shape[1], channels // groups * math.prod(kernel)):
        return ""
    rows = groups * w.shape[1]
    weights = g.reshaped(g.of(w), (rows, channels // groups, *kernel))
    how = {"kernel_shape": kernel, "strides": stride, "dilations": dilation, "group": groups}
    y = str(g.node("Conv", x, weights, **how))
    g.known[y] = (shape[0], rows, *windows.count(shape[2:], kernel, stride, dilation))
    return g.reshaped(y, g.shape(out))


def _first_largest(g: Graph, out: Value, x: Any, *, kernel: Any, stride: Any, dilation: Any) -> str:
    how = {"kernel_shape": kernel, "strides": stride, "dilations": dilation}
    y, places = g.node("MaxPool", g.of(x), count=2, **how)
    g.pooled[out] = g.sources.get(g.of(x), g.of(x)), y
    return str(places)


def _sum_windows(g: Graph, out: Value, x: Any, *, kernel: Any, stride: Any, dilation: Any) -> str:
    y = _gathered_windows(g, x, kernel, stride, dilation)
    return g.reshaped(folded(g, "ReduceSum", y, [2], False), g.shape(out))


# --- losses ---------------------------------------------------------------------------------------


def _cross_entropy(
    g: Graph, out: list[Value], logits: Any, labels: Any, *, ignore_index: int | None = None
) -> list[str]:
    """The mean loss over the rows that count, and its slope by the logits."""
    dtype, shape = out[0].dtype, g.shape(logits)
    column = (*shape[:-1], 1)
    labels = g.reshaped(g.operand(labels, np.int64), column)
    if ignore_index is None:
        counts = g.expanded(g.constant(1, dtype), column, dtype)
    else:
        counted = g.node("Not", g.node("Equal", labels, g.constant(ignore_index, np.int64)))
        labels = g.node("Where", counted, labels, g.constant(0, np.int64))
        counts = g.cast(counted, bool, dtype)
    every = list(range(len(shape)))
    number = folded(g, "ReduceSum", counts, every, False)
    logs = g.node("LogSoftmax", g.of(logits), axis=len(shape) - 1)
    losses = g.node("Mul", g.node("GatherElements", logs, labels, axis=len(shape) - 1), counts)
    loss = g.node("Neg", g.node("Div", folded(g, "ReduceSum", losses, every, False), number))
    is_label = g.cast(g.node("Equal", labels, g.constant(np.arange(g.fixed(shape[-1:])[0]), np.int64)), bool, dtype)
    slope = g.node("Mul", g.node("Sub", g.node("Exp", logs), is_label), counts)
    return [loss, g.node("Div", slope, g.node("Max", number, g.constant(1, dtype)))]


# --- recurrences ----------------------------------------------------------------------------------


class _Body:
    """The graph of one step over time, which reads weights from outside."""

    def __init__(self, g: Graph, dtype: Any, states: Sequence[str]) -> None:
        self.g, self.states = g, states
        self.make, self.info, self.kind = g.onnx.helper.make_node, g.onnx.helper.make_tensor_value_info, g.kind(dtype)
        self.nodes: list[Any] = []

    def __call__(self, kind: str, *inputs: str, count: int = 1, **attributes: Any) -> Any:
        """Add a node."""
        names = [self.g.unique(kind.lower()) for _ in range(count)]
        self.nodes.append(self.make(kind, inputs, names, **attributes))
        return names[0] if count == 1 else names

    def scan(self, x: str, starts: Sequence[str], ends: Sequence[str], given: str) -> list[str]:
        """All states from the input of all steps, in the first axis, the only one over which every runtime loops."""
        copies = [self("Identity", y) for y in ends]
        infos = [[self.info(name, self.kind, None) for name in names] for names in
                 ((*self.states, given), (*ends, *copies))]  # fmt: skip
        body = self.g.onnx.helper.make_graph(self.nodes, "step", *infos)
        first = self.g.node("Transpose", x, perm=[1, 0, 2])
        y = self.g.node("Scan", *starts, first, count=2 * len(ends), body=body, num_scan_inputs=1)
        return [self.g.node("Transpose", states, perm=[1, 0, 2]) for states in y[len(ends) :]]


def _over_time(steps: Callable[..., Sequence[str]]) -> Callable[..., Any]:
    """A recurrence by what one step computes from the states and the input."""

    def form(g: Graph, out: Any, x: Any, *operands: Any, **how: Any) -> Any:
        dtype = (out[0] if isinstance(out, list) else out).dtype
        x, *names = (g.operand(a, dtype) for a in (x, *operands))
        count = len(out) if isinstance(out, list) else 1
        states, weights = names[:count], names[count:]
        inner = [g.unique("state") for _ in states]
        given = g.unique("given")
        body = _Body(g, dtype, inner)
        found = body.scan(x, states, steps(body, given, *inner, *weights, **how), given)
        return found if isinstance(out, list) else found[0]

    return form


def _rnn(body: _Body, given: str, h: str, w: str, *, bend: str) -> list[str]:
    return [body("Tanh" if bend == "tanh" else "Relu", body("Add", body("MatMul", h, w), given))]


def _lstm(body: _Body, given: str, h: str, c: str, w: str) -> list[str]:
    i, f, new, o = body("Split", body("Add", body("MatMul", h, w), given), count=4, axis=1, num_outputs=4)
    kept = body("Mul", body("Sigmoid", f), c)
    c = body("Add", kept, body("Mul", body("Sigmoid", i), body("Tanh", new)))
    return [body("Mul", body("Sigmoid", o), body("Tanh", c)), c]


def _gru(body: _Body, given: str, h: str, b: str, w: str) -> list[str]:
    own = body("Split", body("Add", body("MatMul", h, w), b), count=3, axis=1, num_outputs=3)
    new = body("Split", given, count=3, axis=1, num_outputs=3)
    r, z = (body("Sigmoid", body("Add", own[k], new[k])) for k in (0, 1))
    n = body("Tanh", body("Add", new[2], body("Mul", r, own[2])))
    return [body("Add", body("Mul", body("Sub", h, n), z), n)]


FORMS: dict[str, Callable[..., Any]] = {
    "all_windows": _all_windows,
    "first_largest": _first_largest,
    "sum_windows": _sum_windows,
    "softmax_cross_entropy": _cross_entropy,
    "rnn": _over_time(_rnn),
    "lstm": _over_time(_lstm),
    "gru": _over_time(_gru),
}
