"""The table of operations: a file a family, as in autodiff/ops, and every test of operations derived from its rows."""

import importlib
import pkgutil

from tests.op_cases.case import Call, Case, Point, cast

_MODULES = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
FAMILIES = tuple(module for module in _MODULES if hasattr(module, "CASES"))
ALL = [case for family in FAMILIES for case in family.CASES]

__all__ = ["ALL", "Call", "Case", "FAMILIES", "Point", "cast"]
