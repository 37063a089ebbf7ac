"""The table of operations: a file a family, as in autodiff/ops, and every test of operations derived from its rows."""

from tests.op_cases import (
    choices,
    complex_parts,
    elementwise,
    indexing,
    joining,
    network,
    products,
    reductions,
    scans,
    shapes,
)
from tests.op_cases.case import Call, Case, Point, cast

FAMILIES = (elementwise, choices, complex_parts, reductions, scans, shapes, joining, indexing, products, network)
ALL = [case for family in FAMILIES for case in family.CASES]

__all__ = ["ALL", "Call", "Case", "FAMILIES", "Point", "cast"]
