"""Sums of products: Einstein sums, and what is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.compiler.onnx_file.arranging import diagonal_of, transposed
from autodiff.compiler.onnx_file.elementwise import product
from autodiff.compiler.onnx_file.folding import folded
from autodiff.compiler.onnx_file.graph import Graph
from autodiff.compiler.onnx_file.two_sizes import Size
from autodiff.compiler.values import Value
from autodiff.ops.contractions import canonical

Lengths = dict[str, "int | Size"]
Factor = tuple[str, str]
"""The name of an array and the letters of its axes."""


def _einsum(g: Graph, out: Value, equation: Any, *operands: Any, **_: Any) -> str:
    """An Einstein sum as products of matrices: ONNX's own one ends onnxruntime's process where there are no rows."""
    if not isinstance(equation, str):
        raise g.refused("its subscripts are no text")
    subscripts = canonical(equation.replace(" ", ""), tuple(len(g.shape(x)) for x in operands))
    inputs, _arrow, output = subscripts.partition("->")
    terms = inputs.split(",")
    lengths: Lengths = {}
    for x, letters in zip(operands, terms):
        lengths |= {c: m for c, m in zip(letters, g.shape(x)) if lengths.get(c, 1) == 1}
    factors = [_factor(g, lengths, x, letters, out.dtype) for x, letters in zip(operands, terms)]
    result = factors[0]
    for k, factor in enumerate(factors[1:], 2):
        needed = output + "".join(letters for _, letters in factors[k:])
        result = _multiplied(g, lengths, result, factor, needed)
    name, letters = _summed(g, *result, output)
    return transposed(g, name, [letters.index(c) for c in output])


def _factor(g: Graph, lengths: Lengths, x: Any, letters: str, dtype: Any) -> Factor:
    """An operand with each letter once, in its full length: diagonals are taken, lengths of 1 repeated."""
    name = g.operand(x, dtype)
    whole = tuple(lengths[c] for c in letters)
    if g.shape(x) != whole:
        name = g.expanded(name, whole, dtype)
    while len(set(letters)) < len(letters):
        i = next(i for i, c in enumerate(letters) if letters.count(c) > 1)
        j = letters.rindex(letters[i])
        name = diagonal_of(g, name, tuple(lengths[c] for c in letters), i, j)
        letters = letters[:i] + letters[i + 1 : j] + letters[j + 1 :] + letters[i]
    return name, letters


def _summed(g: Graph, name: str, letters: str, needed: str) -> Factor:
    """The sum over the letters that nothing else needs."""
    axes = [i for i, c in enumerate(letters) if c not in needed]
    return folded(g, "ReduceSum", name, axes, False), "".join(c for c in letters if c in needed)


def _multiplied(g: Graph, lengths: Lengths, first: Factor, second: Factor, needed: str) -> Factor:
    """The product of two factors, and the sum over the letters that nothing else needs."""
    (a, left), (b, right) = _summed(g, *first, needed + second[1]), _summed(g, *second, needed + first[1])
    copies = "".join(c for c in left if c in right and c in needed)  # a product of matrices for each of their values
    inner = "".join(c for c in left if c in right and c not in needed)
    rows, columns = ("".join(c for c in letters if c not in copies + inner) for letters in (left, right))

    def matrices(name: str, letters: str, *groups: str) -> str:
        name = transposed(g, name, [letters.index(c) for c in copies + "".join(groups)])
        if all(len(group) == 1 for group in groups):
            return name
        sizes = [g.entries(tuple(lengths[c] for c in group)) for group in groups]
        return g.reshaped(name, (*(lengths[c] for c in copies), *sizes))

    y = str(g.node("MatMul", matrices(a, left, rows, inner), matrices(b, right, inner, columns)))
    letters = copies + rows + columns
    return (y if len(rows) == len(columns) == 1 else g.reshaped(y, tuple(lengths[c] for c in letters))), letters


def _tensordot(g: Graph, out: Value, a: Any, b: Any, axes: Any = 2) -> str:
    m, n = len(g.shape(a)), len(g.shape(b))
    if isinstance(axes, int):
        axes = (range(m - axes, m), range(axes))
    of_a = [chr(ord("a") + i) for i in range(m)]
    of_b = [chr(ord("A") + i) for i in range(n)]
    for i, j in zip(*(np.atleast_1d(part).tolist() for part in axes)):
        of_b[j] = of_a[i]
    shared = {*of_a} & {*of_b}
    left = "".join(k for k in (*of_a, *of_b) if k not in shared)
    return _einsum(g, out, f"{''.join(of_a)},{''.join(of_b)}->{left}", a, b)


def _dot(g: Graph, out: Value, a: Any, b: Any) -> str:
    if len(g.shape(b)) > 2:
        return _tensordot(g, out, a, b, ([-1], [len(g.shape(b)) - 2]))
    if g.shape(a) and g.shape(b):
        return product(g, out, a, b)
    return str(g.node("Mul", g.operand(a, out.dtype), g.operand(b, out.dtype)))


def _inner(g: Graph, out: Value, a: Any, b: Any) -> str:
    return _tensordot(g, out, a, b, ([-1], [len(g.shape(b)) - 1]))


def _outer(g: Graph, out: Value, a: Any, b: Any) -> str:
    column, row = (g.entries(g.shape(a)), 1), (1, g.entries(g.shape(b)))
    a, b = (g.operand(x, out.dtype) for x in (a, b))
    return str(g.node("Mul", g.reshaped(a, column), g.reshaped(b, row)))


FORMS: dict[str, Callable[..., Any]] = {
    "einsum": _einsum,
    "tensordot": _tensordot,
    "dot": _dot,
    "inner": _inner,
    "outer": _outer,
}
