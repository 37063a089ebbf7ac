"""Arrays that must not become one: the two operands of a matrix product.

NumPy multiplies an array by its own transpose with another routine (syrk in place of gemm), which rounds differently.
So a pass may not make one array of two that meet in a product.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import Any

import numpy as np

from autodiff.compiler.program import Program, roots_of
from autodiff.compiler.values import Op, Value

_PRODUCTS: tuple[Any, ...] = (np.matmul, np.dot, np.inner, np.tensordot, np.einsum, "dot")


class Apart:
    """Tells which values of a program may become one array.

    Parameters
    ----------
    program : Program
        Before the pass that merges values.
    """

    def __init__(self, program: Program) -> None:
        self._roots = roots_of(program)
        self._others: dict[Value, set[Value]] = defaultdict(set)
        for op in program.ops:
            if _is_product(op):
                for a, b in combinations(op.inputs(), 2):
                    self._note(self._roots[a], self._roots[b])

    def _note(self, some: frozenset[Value], others: frozenset[Value]) -> None:
        if some.isdisjoint(others):
            for r in some:
                for s in others:
                    self._others[r].add(s)
                    self._others[s].add(r)

    def may_merge(self, a: Value, b: Value) -> bool:
        """Whether two values may become one; if so, they count as one from now on."""
        mine, its = self._roots[a], self._roots[b]
        pairs = [(r, s) for r in mine for s in its if r is not s]
        if any(s in self._others[r] for r, s in pairs):
            return False
        for r, s in pairs:
            both = self._others[r] | self._others[s]
            self._others[r] = self._others[s] = both
            for other in both:
                self._others[other] |= {r, s}
        return True


def _is_product(op: Op) -> bool:
    return any(op.function is f or (op.form == "method" and op.function == f) for f in _PRODUCTS)
