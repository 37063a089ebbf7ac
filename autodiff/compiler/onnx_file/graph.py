"""An ONNX graph that grows node by node, with the sizes that are known only when it runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.compiler.onnx_file.two_sizes import ForAnySize, Inverse, Shape, Size, Step, Varying, inverse, length
from autodiff.compiler.values import Value
from autodiff.errors import DtypeError, MissingExtraError, UnsupportedError

OPSET = 18
"""The first in which every reduction takes its axes as an input, and padding takes axes at all; runtimes of 2023 on
read it, and nothing here needs a newer one."""
IR_VERSION = 8
"""The version of the file format that came with this opset: newer ones would shut out older runtimes."""


def load() -> Any:
    """Import ONNX.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise MissingExtraError("export_onnx needs ONNX: pip install 'wengert[onnx]'.") from error
    return onnx


class Graph:
    """The nodes so far, and the name of each value in them.

    Attributes
    ----------
    step : Step or None
        The operation that is being written.
    names : dict of Value to str
    sources : dict of str to str
        For the result of a reshape what was reshaped, so that two in a row are one.
    known : dict of str to tuple
        Shapes of inputs, constants and convolutions.
    windows, pooled : dict
        For columns of windows what they are columns of, and for places of largest entries these entries, so that a
        convolution and a pool can be written as one node.
    has_infinities : bool
        Whether -inf is among the numbers of the function, as in a mask of attention.
    """

    step: Step | None = None

    def __init__(self, recorded: ForAnySize, inputs: Sequence[str], titles: Mapping[int, str]) -> None:
        self.onnx = load()
        self.recorded, self.titles = recorded, titles
        self.nodes: list[Any] = []
        self.initializers: dict[str, Any] = {}
        self.names: dict[Value, str] = dict(zip(recorded.program.arguments, inputs, strict=True))
        self.sources: dict[str, str] = {}
        self.known: dict[str, Shape] = {self.names[v]: recorded.shapes[v] for v in self.names}
        self.windows: dict[str, tuple[Any, ...]] = {}
        self.pooled: dict[Value, tuple[str, str]] = {}
        numbers = [x for step in recorded.steps for x in step.args if isinstance(x, (float, np.floating))]
        arrays = [x for v in recorded.arrays for x in self._parts(v) if v.dtype.kind == "f"]
        self.has_infinities = any(np.any(x == -np.inf) for x in (*numbers, *arrays))
        self._taken = {*inputs}
        self._constants: dict[Any, str] = {}
        self._sizes: dict[Size, str] = {}
        self._batch = next(
            (n for v, n in self.names.items() if any(isinstance(m, Size) for m in recorded.shapes[v])), ""
        )

    # --- what is known about values ---

    def shape(self, x: Any) -> Shape:
        """The shape of an operand."""
        return self.recorded.shapes[x] if isinstance(x, Value) else np.shape(x)

    def fixed(self, shape: Shape) -> tuple[int, ...]:
        """A shape without lengths that depend on the batch.

        Raises
        ------
        UnsupportedError
            If it has one.
        """
        lengths = tuple(m for m in shape if not isinstance(m, Size))
        if len(lengths) < len(shape):
            raise self.refused("one of its axes is the batch")
        return lengths

    def both(self, operands: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """Arrays of ones like these values with n rows and with n + 1."""
        found: tuple[list[Any], list[Any]] = ([], [])
        for more, arrays in enumerate(found):
            n = self.recorded.rows + more
            for v in operands:
                shape = tuple(m.slope * n + m.offset if isinstance(m, Size) else m for m in self.shape(v))
                arrays.append(np.ones(shape, v.dtype))
        return found

    def dtype(self, x: Any) -> np.dtype[Any]:
        """The dtype of an operand; that which NumPy gives to a plain number."""
        return np.dtype(x.dtype) if isinstance(x, Value) else np.asarray(x).dtype

    def is_zeros(self, x: Any) -> bool:
        """Whether an operand is 0, or an array of zeros that the function has made."""
        parts = self._parts(x) if isinstance(x, Value) else (x,)
        return bool(parts) and not any(map(np.any, parts))

    def _parts(self, v: Value) -> Sequence[Any]:
        """A constant with n rows and with n + 1, if they differ; nothing for other values."""
        known = self.recorded.arrays.get(v)
        if known is None or isinstance(known, Tensor):
            return ()
        return known if isinstance(known, Varying) else (known,)

    def refused(self, why: str = "") -> UnsupportedError:
        """The error about an operation that cannot be written."""
        why = f": {why.rstrip('.')}" if why else ""
        return UnsupportedError(f"export_onnx: {self.step} has no form in ONNX's standard operations{why}.")

    # --- names ---

    def unique(self, name: str) -> str:
        """The name, or one with a number behind it."""
        found, k = name, 0
        while found in self._taken:
            k += 1
            found = f"{name}_{k}"
        self._taken.add(found)
        return found

    def node(self, kind: str, *inputs: str, count: int = 1, **attributes: Any) -> Any:
        """Add a node; the name of its output, or a list of names if it has several.

        It is called by the path of the layer and the operation: ``blocks.0.attention/MatMul``.
        """
        paths = (scope.rpartition(" ")[0] for scope in (self.step.place.scopes if self.step else ()))
        layer = ".".join(path for path in paths if path)
        name = self.unique(f"{layer}/{kind}" if layer else kind)
        outputs = [name, *(f"{name}:{k}" for k in range(1, count))]
        self.nodes.append(self.onnx.helper.make_node(kind, inputs, outputs, name=name, **attributes))
        return outputs[0] if count == 1 else outputs

    def rename_last(self, v: Value, name: str) -> None:
        """Give the result of the last node, which nothing has read yet, the name of an output."""
        node = self.nodes[-1]
        if node.output[0] in self.sources:
            self.sources[name] = self.sources.pop(node.output[0])
        if node.output[0] in self.known:
            self.known[name] = self.known[node.output[0]]
        node.output[0] = self.names[v] = name

    def constant(self, array: Any, dtype: Any = None) -> str:
        """An array or number that is part of the file."""
        with np.errstate(over="ignore"):
            array = np.ascontiguousarray(array, dtype).reshape(np.shape(array))
        key = (array.dtype, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = self._initializer("constant", array)
        return self._constants[key]

    def _initializer(self, name: str, array: Any) -> str:
        self.kind(array.dtype)
        name = self.unique(name)
        self.initializers[name] = self.onnx.numpy_helper.from_array(np.array(array, order="C"), name)
        self.known[name] = array.shape
        return name

    def kind(self, dtype: Any) -> int:
        """ONNX's number for a dtype.

        Raises
        ------
        DtypeError
            If it has none, or none that its operations take.
        """
        dtype = np.dtype(dtype)
        if dtype.kind not in "fiub" or dtype.itemsize > 8:
            raise DtypeError(
                f"export_onnx: {self.step or 'the example'} is of dtype {dtype}; ONNX's "
                "operations compute with real numbers of up to 64 bits, integers and Booleans."
            )
        return int(self.onnx.helper.np_dtype_to_tensor_dtype(dtype))

    def of(self, v: Value) -> str:
        """The name of a value."""
        if v not in self.names:
            array = self.recorded.arrays[v]
            if isinstance(array, Varying):
                self.names[v] = self._varying(v, array)
            elif isinstance(array, Tensor):
                self.names[v] = self._initializer(self.titles.get(id(array)) or array.name or "tensor", array.data)
            else:
                self.names[v] = self.constant(array)
        return self.names[v]

    def _varying(self, v: Value, array: Varying) -> str:
        """An array whose number of rows is the batch's: equal rows, or numbers at equal steps."""
        shape = self.shape(v)
        one = tuple(slice(0, 1) if isinstance(m, Size) else slice(None) for m in shape)
        rows = [x[one] for x in array]
        if all(np.array_equal(x, np.broadcast_to(rows[0], x.shape)) for x in array):
            return self.expanded(self.constant(rows[0]), shape, v.dtype)
        first, second = array
        with np.errstate(invalid="ignore"):
            whole = [x.astype(np.int64).ravel() for x in array]
        if first.dtype.kind == "f" and all(x.size and np.all(x == x.flat[0]) for x in array):
            rule = inverse(first.flat[0], second.flat[0], self.recorded.rows)
            if rule is not None:
                return self.expanded(self.operand(rule, v.dtype), shape, v.dtype)
        if first.size == max(first.shape, default=0) > 1:
            start, step = int(whole[0][0]), int(whole[0][1] - whole[0][0])
            if all(np.array_equal(x.ravel(), k[0] + step * np.arange(x.size)) for x, k in zip(array, whole)):
                stop = self.node("Squeeze", self.size(self.entries(shape)))
                places = self.node("Range", self.constant(0, np.int64), stop, self.constant(1, np.int64))
                steps = self.node("Mul", places, self.constant(step, np.int64))
                begin = length(start, int(whole[1][0]), self.recorded.rows)
                steps = self.node("Add", steps, self.operand(begin, np.int64))
                return self.reshaped(self.cast(steps, np.int64, v.dtype), shape)
        raise UnsupportedError(
            f"export_onnx: {self.step} reads an array of shape {first.shape} for one size of the batch, and "
            f"{second.shape} for the next, whose entries follow no rule. Compute it from the input, or pass it as one."
        )

    # --- operands ---

    def operand(self, x: Any, dtype: Any) -> str:
        """An operand in this dtype: a value, a size, a number or a list of numbers."""
        if isinstance(x, Value):
            return self.cast(self.of(x), x.dtype, dtype)
        if isinstance(x, Size):
            return self.cast(self.node("Squeeze", self.size(x)), np.int64, dtype)
        if isinstance(x, Inverse):
            return str(self.node("Reciprocal", self.operand(x.size, dtype)))
        return self.constant(x, dtype)

    def cast(self, name: str, dtype: Any, to: Any) -> str:
        """A name of one dtype in another one."""
        return name if np.dtype(dtype) == np.dtype(to) else self.node("Cast", name, to=self.kind(to))

    def size(self, m: int | Size) -> str:
        """A length as an array of one integer."""
        if not isinstance(m, Size):
            return self.constant([m], np.int64)
        if m not in self._sizes:
            n = self._sizes.get(Size(1, 0)) or self.node("Shape", self._batch, start=0, end=1)
            self._sizes[Size(1, 0)] = n
            if m.slope != 1:
                n = self.node("Mul", n, self.constant([m.slope], np.int64))
            self._sizes[m] = self.node("Add", n, self.constant([m.offset], np.int64)) if m.offset else n
        return self._sizes[m]

    def integers(self, numbers: Iterable[int | Size]) -> str:
        """Lengths, axes or places as an array of integers."""
        numbers = list(numbers)
        if not any(isinstance(m, Size) for m in numbers):
            return self.constant(numbers, np.int64)
        return self.node("Concat", *map(self.size, numbers), axis=0)

    # --- shapes ---

    def reshaped(self, name: str, shape: Shape) -> str:
        """The same entries in another shape."""
        name = self.sources.get(name, name)
        if self.known.get(name) == shape:
            return name
        open_ends = sum(isinstance(m, Size) for m in shape)
        if 0 in shape:
            y = self.node("Reshape", name, self.integers(shape), allowzero=1)
        elif open_ends == 1:
            y = self.node("Reshape", name, self.integers(-1 if isinstance(m, Size) else m for m in shape))
        else:
            y = self.node("Reshape", name, self.integers(shape))
        self.sources[y] = name
        return str(y)

    def expanded(self, name: str, shape: Shape, dtype: Any) -> str:
        """An array repeated along axes of length 1 or new ones."""
        if self.known.get(name) == shape:
            return name
        if 0 in shape:  # onnxruntime 1.32 takes an Expand to a length of 0 for one that changes nothing
            nothing = self.onnx.numpy_helper.from_array(np.zeros(1, dtype))
            return str(self.node("ConstantOfShape", self.integers(shape), value=nothing))
        return str(self.node("Expand", name, self.integers(shape)))

    def entries(self, shape: Shape) -> int | Size:
        """The number of entries of a shape.

        Raises
        ------
        UnsupportedError
            If two lengths depend on the batch.
        """
        sizes = [m for m in shape if isinstance(m, Size)]
        rest = math.prod(m for m in shape if not isinstance(m, Size))
        if len(sizes) > 1:
            raise self.refused("two of its lengths depend on the size of the batch")
        return Size(sizes[0].slope * rest, sizes[0].offset * rest) if sizes and rest else rest

    # --- the file ---

    def model(self, name: str, outputs: Sequence[tuple[str, Value]]) -> Any:
        """The graph as ONNX's model, without nodes that no output needs."""
        self._drop_unused({output for output, _ in outputs})
        info = self.onnx.helper.make_tensor_value_info
        inputs = [(self.names[v], v) for v in self.recorded.program.arguments]
        known = [[info(title, self.kind(v.dtype), list(map(_label, self.shape(v)))) for title, v in pairs]
                 for pairs in (inputs, outputs)]  # fmt: skip
        graph = self.onnx.helper.make_graph(self.nodes, name, *known, list(self.initializers.values()))
        opset = self.onnx.helper.make_opsetid("", OPSET)
        return self.onnx.helper.make_model(graph, opset_imports=[opset], producer_name="wengert", ir_version=IR_VERSION)

    def _drop_unused(self, used: set[str]) -> None:
        kept = []
        for node in reversed(self.nodes):
            if used.intersection(node.output):
                if node.op_type == "MaxPool" and node.output[-1] not in used:
                    del node.output[1:]
                kept.append(node)
                used.update(_reads(node))
        self.nodes = kept[::-1]
        self.initializers = {name: array for name, array in self.initializers.items() if name in used}


def listed(names: Any) -> list[str]:
    """The names of the results of a form, which gives one name for one result."""
    return [names] if isinstance(names, str) else names


def _label(m: int | Size) -> int | str | None:
    """What stands for a length in the file; nothing for one that two traces may have got wrong, such as n squared."""
    return m if not isinstance(m, Size) else str(m) if not m.offset else None


def _reads(node: Any) -> set[str]:
    """The names that a node reads, also inside of a loop."""
    inner = [n for a in node.attribute for n in a.g.node]
    return {*node.input}.union(*(n.input for n in inner))
