"""The computation of a program as a pure function of everything that it reads, with `jax.numpy` as its namespace."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from autodiff.compiler.program import Program
from autodiff.compiler.source import Writer
from autodiff.compiler.values import Op, Value, mapped

_FOLDS = {np.add: "sum", np.multiply: "prod", np.maximum: "max", np.minimum: "min"}
_FOLDS |= {np.logical_and: "all", np.logical_or: "any"}

_OTHERWISE = {"intersect1d", "eig", "eigvals", "argsort", "sort", "partition", "argpartition", "lexsort", "choose"}
"""Functions that JAX has under the same name, but with other orders of results, or not for shapes that depend on
values."""


class PureWriter(Writer):
    """Writes the computation of a program as a pure function of everything that it reads.

    `looked_at` are the cross-entropies whose labels are checked before.
    """

    def __init__(self, program: Program, jax: Any, looked_at: Iterable[Op] = ()) -> None:
        super().__init__(program)
        self._jax, self._looked_at = jax, frozenset(looked_at)
        self.calls_back = False  # whether an operation is a call back into NumPy
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

        form = jax_forms.form(op, looked_at=op in self._looked_at)
        if form is not None:
            name = self.bind(f"{op.title.strip('_')}_in_jax", form)
            return f"{name}({', '.join([*map(self.text, op.args), *self.keyword_list(op)])})"
        self.calls_back = True
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
