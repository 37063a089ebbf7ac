"""The same program with `jax.numpy` as its namespace, under `jax.jit`: for devices that NumPy cannot use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from autodiff.compiler.program import Program
from autodiff.compiler.source import Writer
from autodiff.compiler.values import EFFECTS, Op, Value, mapped
from autodiff.errors import CompileError
from autodiff.ops.network import counting

_FOLDS = {np.add: "sum", np.multiply: "prod", np.maximum: "max", np.minimum: "min"}
_FOLDS |= {np.logical_and: "all", np.logical_or: "any"}

_OTHERWISE = {"intersect1d", "eig", "eigvals", "argsort", "sort", "partition", "argpartition", "lexsort"}
"""Functions that JAX has under the same name, but with other orders of results, or not for shapes that depend on
values."""


def load() -> ModuleType:
    """Import JAX.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    try:
        import jax
        import jax.numpy
    except ImportError:
        raise ImportError('ad.compile(backend="jax") needs JAX: pip install "wengert[jax]".') from None
    return jax


def _parts(program: Program) -> tuple[list[Op], list[Op], list[Op]]:
    """The operations that run here first, those that JAX computes, and those that run here last.

    First come checks of labels and random draws; last come checks of results and changes of Tensors.
    """
    first: list[Op] = []
    computing: list[Op] = []
    last: list[Op] = []
    computed: set[Value] = set()
    for op in program.ops:
        if op.form in ("live", "check"):
            late = bool(computed.intersection(op.inputs()))
            if late and op.form == "check":
                last.append(op)
                continue
            if late:
                raise CompileError(
                    f'compile(backend="jax"): {op.title} runs in Python at every call and uses a result of JAX. Call '
                    "it outside the function, or use the NumPy backend."
                )
            first.append(op)
        elif op.form in EFFECTS:
            last.append(op)
        else:
            if any(o.form in ("effect", "assign") for o in last):
                raise CompileError(
                    'compile(backend="jax"): something is computed after a Tensor was changed. Change Tensors last, or '
                    "use the NumPy backend."
                )
            computing.append(op)
            computed.update(op.outputs)
    return first, computing, last


class PureWriter(Writer):
    """Writes the computation of a program as a pure function of everything that it reads."""

    def __init__(self, program: Program, jax: Any) -> None:
        super().__init__(program)
        self._jax = jax
        self.namespace["np"] = jax.numpy

    def function(self, wish: str, thing: Any) -> str:
        """The name of a NumPy function that JAX has as well; LookupError if JAX has none that does the same."""
        if wish in _OTHERWISE:
            raise LookupError(wish)
        if getattr(np, wish, None) is thing and hasattr(self._jax.numpy, wish):
            return f"np.{wish}"
        if getattr(np.linalg, wish, None) is thing and hasattr(self._jax.numpy.linalg, wish):
            return f"np.linalg.{wish}"
        raise LookupError(wish)

    def expression(self, op: Op) -> str:
        """The right-hand side of a line, cast to NumPy's dtype, because JAX promotes differently."""
        if op.form == "reduce" and op.function in _FOLDS:
            axis, keepdims = op.keywords.get("axis"), op.keywords.get("keepdims", False)
            keep = ", keepdims=True" if keepdims else ""
            text = f"np.{_FOLDS[op.function]}({self.text(op.args[0])}, axis={self.text(axis)}{keep})"
        elif op.form in ("opaque", "reduce"):
            return self._on_host(op)
        else:
            try:
                text = super().expression(op)
            except LookupError:
                return self._on_host(op)
        dtypes = {np.dtype(v.dtype) for v in op.inputs()}
        if len(op.outputs) == 1 and dtypes != {np.dtype(op.outputs[0].dtype)}:
            return f"np.asarray({text}, {self.text(np.dtype(op.outputs[0].dtype))})"
        return text

    def _on_host(self, op: Op) -> str:
        """An operation without a namesake in JAX: in other functions of JAX, or as a callback into NumPy."""
        from autodiff.compiler import jax_forms  # imports JAX

        form = jax_forms.form(op)
        if form is not None:
            name = self.bind(f"{op.title.strip('_')}_in_jax", form)
            return f"{name}({', '.join([*map(self.text, op.args), *self.keyword_list(op)])})"
        inputs = list(dict.fromkeys(op.inputs()))
        shapes = [self._jax.ShapeDtypeStruct(*_packed_type(v)) for v in op.outputs]

        def call(*arrays: Any) -> Any:
            known = {v: _unpacked(np.asarray(a), v) for v, a in zip(inputs, arrays)}
            args, keywords = mapped(op.args, known.__getitem__), mapped(op.keywords, known.__getitem__)
            function = getattr(op.function, "fn", op.function)
            y = function.reduce(*args, **keywords) if op.form == "reduce" else function(*args, **keywords)
            parts = y if isinstance(y, (tuple, list)) else (y,)
            found = [_packed(np.asarray(part, v.dtype), v) for part, v in zip(parts, op.outputs, strict=True)]
            return found[0] if len(found) == 1 else found

        def called_back(*arrays: Any) -> Any:
            packed = [self._packed_in_jax(a, v) for a, v in zip(arrays, inputs)]
            found = self._jax.pure_callback(call, shapes[0] if len(shapes) == 1 else shapes, *packed)
            if len(shapes) == 1:
                return self._unpacked_in_jax(found, op.outputs[0])
            return [self._unpacked_in_jax(a, v) for a, v in zip(found, op.outputs)]

        name = self.bind(f"{op.title.strip('_')}_on_host", called_back)
        return f"{name}({', '.join(self.names[v] for v in inputs)})"

    # XLA may run a callback in a thread in which JAX does not keep 64 bits: numbers of 64 bits travel as pairs of 32.

    def _packed_in_jax(self, a: Any, v: Value) -> Any:
        if not _is_wide(v):
            return a
        numbers = self._jax.numpy
        if np.dtype(v.dtype).kind == "c":
            a = numbers.stack([a.real, a.imag], axis=-1)
        return self._jax.lax.bitcast_convert_type(a, numbers.uint32)

    def _unpacked_in_jax(self, a: Any, v: Value) -> Any:
        if not _is_wide(v):
            return a
        kind = np.dtype(v.dtype)
        a = self._jax.lax.bitcast_convert_type(a, np.dtype(np.float64) if kind.kind == "c" else kind)
        return self._jax.lax.complex(a[..., 0], a[..., 1]) if kind.kind == "c" else a


def _is_wide(v: Value) -> bool:
    kind = np.dtype(v.dtype)
    return kind.kind in "fiuc" and kind.itemsize // (2 if kind.kind == "c" else 1) == 8


def _packed_type(v: Value) -> tuple[tuple[int, ...], Any]:
    """The shape and dtype in which a value travels."""
    if not _is_wide(v):
        return v.shape, v.dtype
    return (*v.shape, *((2, 2) if np.dtype(v.dtype).kind == "c" else (2,))), np.dtype(np.uint32)


def _packed(x: Any, v: Value) -> Any:
    if not _is_wide(v):
        return x
    shape, kind = _packed_type(v)
    return np.frombuffer(x.tobytes(), kind).reshape(shape)


def _unpacked(x: Any, v: Value) -> Any:
    return np.frombuffer(x.tobytes(), v.dtype).reshape(v.shape)[()] if _is_wide(v) else x


class JaxWriter(Writer):
    """Writes the part around it: reads, the call of the pure function, and changes of Tensors and gradients."""

    def body(self) -> Iterator[str]:
        """All lines between the guard and the return."""
        first, computing, last = map(self.program.with_ops, _parts(self.program))
        drawn = {v for op in first.ops for v in op.outputs}
        inputs = [
            v for v in computing.values() if v.kind in ("argument", "state", "gradient", "constant") or v in drawn
        ]
        kept = dict.fromkeys(v for v in (*computing.results, *(v for op in last.ops for v in op.inputs())))
        results = [v for v in kept if v.kind == "result" and v not in drawn]
        self.pure, computed = _pure(computing, inputs, results)
        yield from self.reads([*inputs, *kept], set())
        yield from self.lines(first, ())
        yield from self._looks(computing)
        names = "".join(f"{self.names[v]}, " for v in results).rstrip()
        call = f"{self.bind('in_jax', computed)}({', '.join(self.names[v] for v in inputs)})"
        yield f"{names} = {call}" if names else call
        yield from self.lines(last, ())

    def _looks(self, computing: Program) -> Iterator[str]:
        """Lines that look at the labels of cross-entropies, which JAX takes as they are."""
        from autodiff.compiler import jax_forms

        for op in computing.ops:
            labels = jax_forms.labels_of(op)
            if labels is not None:
                look = partial(counting, k=op.args[0].shape[-1], ignore_index=op.keywords.get("ignore_index"))
                yield f"{self.bind('check_labels', look)}({self.names[labels]})"

    pure = ""


def _wide(jax: Any) -> Any:
    """The context manager in which JAX keeps float64."""
    return jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64


def _pure(program: Program, inputs: list[Value], results: list[Value]) -> tuple[str, Callable[..., Any]]:
    """The source of the pure function, and the function itself, from NumPy arrays to NumPy arrays."""
    jax = load()
    writer = PureWriter(program, jax)
    writer.name_values()
    for v in inputs:
        writer.names.setdefault(v, writer.unique(v.name or "drawn"))
        writer.namespace.pop(writer.names[v], None)
    lines = [f"    {line}" for line in writer.lines(program, ())]
    lines.append(f"    return {''.join(f'{writer.text(v)}, ' for v in results).strip() or '()'}")
    text = "\n".join([f"def in_jax({', '.join(writer.names[v] for v in inputs)}):  # np is jax.numpy", *lines]) + "\n"
    exec(compile(text, "<compiled in_jax>", "exec"), writer.namespace)
    jitted = jax.jit(writer.namespace["in_jax"])
    wide = _wide(jax)

    def computed(*arrays: Any) -> tuple[Any, ...]:
        with wide(True):
            return tuple([np.array(y)[()] for y in jitted(*arrays)])

    return text, computed
