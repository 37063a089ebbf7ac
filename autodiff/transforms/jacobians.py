"""Whole Jacobians: one sweep carries all basis directions, along a leading axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, overload

import numpy as np

from autodiff import pytree
from autodiff.arrays.batching import Batch
from autodiff.arrays.plain import data_of, untracked
from autodiff.arrays.tensors import Tensor
from autodiff.core import switches, walks
from autodiff.core.tape import Node, next_number
from autodiff.core.walks import Walk
from autodiff.errors import GradientError
from autodiff.transforms.recording import (
    Derivative,
    Function,
    Recording,
    argument_numbers,
    leave,
    pull,
    push,
    record,
    title,
    tracked_node,
)
from autodiff.typing import Array

_DIRECTIONS_AT_ONCE = 512  # bounds the memory of one sweep; more directions take several sweeps


@overload
def jacobian(f: Callable[..., Tensor], argnums: Literal[0] = ..., *, mode: str = ...) -> Derivative: ...
@overload
def jacobian(
    f: Callable[..., Tensor], argnums: Sequence[int], *, mode: str = ...
) -> Callable[..., tuple[Any, ...]]: ...
@overload
def jacobian(f: Function, argnums: int | Sequence[int] = ..., *, mode: str = ...) -> Function: ...
def jacobian(f: Function, argnums: int | Sequence[int] = 0, *, mode: str = "auto") -> Function:
    """The function that returns all first derivatives.

    Parameters
    ----------
    f : callable
        Returns an array, or a nested dict, list or tuple of arrays.
    argnums : int or tuple of int, default 0
        The arguments to differentiate by; they may be nested containers.
    mode : {"auto", "forward", "reverse"}
        "forward" pushes a basis of the input space forward, "reverse" pulls a basis of the output space
        back, and "auto" chooses the smaller basis.

    Returns
    -------
    callable
        ``(*args, **kwargs) -> J``, an array of shape ``output.shape + input.shape``. For containers: the structure
        of the output, with the structure of the input in place of each array. Several `argnums` give tuples at the
        innermost level. In the dtype of the argument.

    Raises
    ------
    GradientError
        If `mode` is unknown, or the output consists of integers or Booleans.

    Notes
    -----
    By a complex argument J is complex: ``dy = J dx`` for a complex output (of an analytic function), and
    ``dy = Re(J dx)`` for a real output, whose gradient, the direction of steepest ascent, is the conjugate of J.

    In both modes J has the dtype of the argument, as a gradient has. If the output is complex, it is the complex dtype
    of the same precision.

    ``J_ij = df_i/dx_j``.

    References
    ----------
    A. Griewank, A. Walther, "Evaluating Derivatives", 2nd edition, SIAM 2008, sections 3.1 and 3.2.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> ad.jacobian(lambda x: np.stack([x[0] * x[1], x[0]]))(np.array([2.0, 3.0]))
    array([[3., 2.],
           [1., 0.]])
    """
    if mode not in ("auto", "forward", "reverse"):
        raise GradientError(f'jacobian: mode must be "auto", "forward" or "reverse"; {mode!r} was given.')
    numbers = argument_numbers(argnums)
    single = isinstance(argnums, int)

    def matrix(*args: Any, **kwargs: Any) -> Any:
        recording = record(f, args, kwargs, numbers)
        targets = set(recording.nodes)
        floor = min((n.number for n in targets), default=next_number())
        outputs, structure = pytree.flatten(recording.output)
        for y in outputs:
            kind = (y.dtype if hasattr(y, "dtype") else np.asarray(y).dtype).kind
            if kind not in "fc":
                raise GradientError(
                    f"jacobian: {title(f)} returned an integer or boolean output, which has no derivative."
                )
        nodes = [tracked_node(y, floor) for y in outputs]
        found = walks.walk([n for n in nodes if n is not None], targets)
        lifted = found.outside and switches.is_recording()
        n_in = sum(np.size(untracked(v)) for v in recording.leaves)
        n_out = sum(np.size(untracked(y)) for y in outputs)
        forward = mode == "forward" or (mode == "auto" and n_in <= n_out)
        blocks = _Recorded(recording, outputs, nodes, found, lifted).blocks(forward=forward)
        tensors = recording.gives_tensors
        rows = []
        for y, row in zip(outputs, blocks, strict=True):
            leaves = iter(row)
            trees = []
            for argument in recording.arguments:
                out = []
                for v in argument.leaves:
                    block = leave(next(leaves), targets, tensors)
                    dtype = _block_dtype(data_of(y).dtype, data_of(v).dtype)
                    if block is None:
                        block = np.zeros(np.shape(y) + np.shape(v), dtype)[()]
                    elif block.dtype != dtype:
                        block = block.astype(dtype)
                    out.append(Tensor(block) if tensors and not isinstance(block, Tensor) else block)
                trees.append(pytree.unflatten(argument.structure, out))
            rows.append(trees[0] if single else tuple(trees))
        return pytree.unflatten(structure, rows)

    return matrix


def _block_dtype(output: Any, operand: Any) -> Any:
    """The dtype of a block, in both modes: the operand's, as for a gradient; complex if the output is."""
    return np.result_type(operand, np.complex64) if output.kind == "c" and operand.kind == "f" else operand


def _basis(shapes: list[tuple[int, ...]], dtypes: list[Any], start: int, stop: int) -> list[tuple[Batch, Batch]]:
    """Unit vectors `start` to `stop` of the space of all these arrays, as batches, each with its mask."""
    out = []
    offset = 0
    for shape, dtype in zip(shapes, dtypes, strict=True):
        size = int(np.prod(shape, dtype=int))
        unit = np.zeros((stop - start, size), bool)
        own = np.arange(max(start, offset), min(stop, offset + size))
        unit[own - start, own - offset] = True
        unit = unit.reshape((stop - start, *shape))
        out.append((Batch(unit.astype(dtype)), Batch(unit)))
        offset += size
    return out


def _turned(unit: Batch, turn: complex) -> Batch:
    """Unit vectors times `turn`, if they are complex; real ones stay as they are."""
    return unit * turn if turn != 1 and unit.dtype.kind == "c" else unit


def _sweeps(total: int) -> list[tuple[int, int]]:
    return [(i, min(i + _DIRECTIONS_AT_ONCE, total)) for i in range(0, total, _DIRECTIONS_AT_ONCE)]


def in_order(block: Array) -> Array:
    """A copy of a block of a Jacobian, in C order."""
    if isinstance(block, (np.ndarray, np.generic)):
        return np.array(block, order="C")[()]
    return block.copy() if block.ndim else block.copy()[()]


def _joined(parts: list[Any]) -> Any:
    """The concatenated values of several batches, or None if one is missing or there are none."""
    if any(p is None for p in parts) or not parts:
        return None
    values = [p.values for p in parts]
    return values[0] if len(values) == 1 else np.concatenate(values)


class _Recorded:
    """A recorded call of the function, and the nodes between its arguments and outputs."""

    def __init__(
        self, recording: Recording, outputs: list[Any], nodes: list[Node | None], found: Walk, lifted: bool
    ) -> None:
        self.recording, self.outputs, self.nodes, self.found, self.lifted = recording, outputs, nodes, found, lifted

    def forward(self, turn: complex) -> list[list[Any]]:
        """The blocks of each output, a list with one per input, from forward sweeps along all basis directions.

        Complex unit vectors are multiplied by `turn`.
        """
        inputs = [data_of(v) for v in self.recording.leaves]
        shapes, dtypes = [x.shape for x in inputs], [x.dtype for x in inputs]
        total = sum(x.size for x in inputs)
        parts: list[list[Any]] = [[] for _ in self.outputs]
        wanted = {n for n in self.nodes if n is not None}
        for start, stop in _sweeps(total):
            basis = _basis(shapes, dtypes, start, stop)
            tangents = {n: _turned(t, turn) for n, (t, _) in zip(self.recording.nodes, basis, strict=True)}
            lives = {n: live for n, (_, live) in zip(self.recording.nodes, basis, strict=True)}
            swept = push(self.found, tangents, wanted, self.lifted, lives)
            for part, node in zip(parts, self.nodes, strict=True):
                part.append(None if node is None else _as_batch(swept.get(node), stop - start))
        blocks = []
        for y, part in zip(self.outputs, parts, strict=True):
            values = _joined(part)
            row = []
            offset = 0
            for x in inputs:
                block = None
                if values is not None:
                    block = values[offset : offset + x.size]
                    block = block.reshape((*x.shape, *np.shape(data_of(y))))
                    block = block.transpose((*range(x.ndim, block.ndim), *range(x.ndim)))
                    block = block if isinstance(block, Tensor) else in_order(block)
                row.append(block)
                offset += x.size
            blocks.append(row)
        return blocks

    def reverse(self, turn: complex) -> list[list[Any]]:
        """The same blocks, from reverse sweeps of a basis of the output space."""
        datas = [data_of(y) for y in self.outputs]
        shapes, dtypes = [y.shape for y in datas], [y.dtype for y in datas]
        total = sum(y.size for y in datas)
        targets = set(self.recording.nodes)
        parts: list[list[Any]] = [[] for _ in self.recording.nodes]
        for start, stop in _sweeps(total):
            cts: dict[Node, Any] = {}
            lives: dict[Node, Any] = {}
            for node, (ct, live) in zip(self.nodes, _basis(shapes, dtypes, start, stop), strict=True):
                if node is not None:
                    ct = _turned(ct, turn)
                    cts[node] = ct if node not in cts else cts[node] + ct
                    lives[node] = live if node not in lives else lives[node] | live
            swept = pull(self.found, cts, targets, self.lifted, lives) if cts else {}
            for part, target in zip(parts, self.recording.nodes, strict=True):
                part.append(_as_batch(swept.get(target), stop - start))
        blocks = []
        offset = 0
        joined = [_joined(part) for part in parts]
        for y in datas:
            row = []
            for x, values in zip(self.recording.leaves, joined, strict=True):
                block = None
                if values is not None:
                    block = values[offset : offset + y.size].reshape((*y.shape, *np.shape(data_of(x))))
                row.append(block if block is None or isinstance(block, Tensor) else in_order(block))
            blocks.append(row)
            offset += y.size
        return blocks

    def blocks(self, *, forward: bool) -> list[list[Any]]:
        """All blocks. Some blocks between real and complex numbers need a second basis, times i or -i.

        Forward, this is a real output of a complex input. There dy = Re(J dx), so dx = 1 gives Re J, and dx = i gives
        -Im J. In reverse, it is a complex output of a real input. A cotangent is a functional, dL = Re(ct dy), and the
        cotangent of a real input is real, so ct = 1 gives Re J, and ct = -i gives Im J.
        """
        sweep, turn, narrow = (self.forward, 1j, "f") if forward else (self.reverse, -1j, "c")
        outputs, inputs = ([data_of(v).dtype.kind for v in vs] for vs in (self.outputs, self.recording.leaves))
        first = sweep(1)
        halves = [[y == narrow and x in "fc" and x != y for x in inputs] for y in outputs]
        if not any(map(any, halves)):
            return first
        second = sweep(turn)
        return [
            [a - turn * b if half and a is not None else a for a, b, half in zip(*rows, strict=True)]
            for rows in zip(first, second, halves, strict=True)
        ]


def _as_batch(value: Any, n: int) -> Any:
    """A result of a sweep as a batch; a plain array holds for all n directions."""
    if value is None or isinstance(value, Batch):
        return value
    return Batch(np.broadcast_to(value, (n, *value.shape)))
