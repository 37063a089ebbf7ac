"""The table of operations: a file a family, as in autodiff/ops, and every test of operations derived from its rows."""

from tests.op_cases import (
    choices,
    complex_parts,
    elementwise,
    error_function,
    indexing,
    information,
    joining,
    network,
    products,
    reductions,
    scans,
    shapes,
    through_scipy,
)
from tests.op_cases.case import Call, Case, Point, cast

FAMILIES = (elementwise, choices, complex_parts, reductions, scans, shapes, joining, indexing, products, network)
FAMILIES += (error_function, information, through_scipy)
ALL = [case for family in FAMILIES for case in family.CASES]

__all__ = ["ALL", "Call", "Case", "FAMILIES", "Point", "cast"]
