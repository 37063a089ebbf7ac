"""Arrays that must not become one: the two operands of a matrix product.

NumPy multiplies an array by its own transpose with another routine (syrk in place of gemm), which rounds differently.
So a pass may not make one array of two that meet in a product.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from itertools import combinations, product

import numpy as np

from autodiff.compiler.program import Program, Roots, roots_of
from autodiff.compiler.values import Op, Value

_PRODUCTS = frozenset(map(id, (np.matmul, np.dot, np.inner, np.tensordot, np.einsum)))


class Apart:
    """Tells which values of a program may become one array.

    Parameters
    ----------
    program : Program
        Before the pass that merges values.
    """

    def __init__(self, program: Program) -> None:
        self._program = program

    @cached_property
    def _roots(self) -> Roots:
        return roots_of(self._program)

    @cached_property
    def _others(self) -> dict[Value, set[Value]]:
        """For the owners of memory those that they meet in products."""
        found: dict[Value, set[Value]] = defaultdict(set)
        for op in self._program.ops:
            if not _is_product(op):
                continue
            for a, b in combinations(op.inputs(), 2):
                some, others = self._roots[a], self._roots[b]
                if some.isdisjoint(others):
                    for r, s in product(some, others):
                        found[r].add(s)
                        found[s].add(r)
        return found

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
    return id(op.function) in _PRODUCTS or (op.form == "method" and op.function == "dot")
