"""Checks of derivatives: of a function (`gradcheck`), of a primitive's rules (`check_rule`), of whole test suites."""

from typing import TYPE_CHECKING, Any

from autodiff.testing import laws
from autodiff.testing.gradients import gradcheck
from autodiff.testing.mutants import KINDS, Mutant, MutationReport, all_primitives, mutate_rules, scaled, spoiled
from autodiff.testing.report import Comparison, GradientCheckError, NotCheckableError, Report
from autodiff.testing.rules import check_rule

if TYPE_CHECKING:
    from autodiff.testing import strategies

__all__ = [
    "KINDS",
    "Comparison",
    "GradientCheckError",
    "Mutant",
    "MutationReport",
    "NotCheckableError",
    "Report",
    "all_primitives",
    "check_rule",
    "gradcheck",
    "laws",
    "mutate_rules",
    "scaled",
    "spoiled",
    "strategies",
]


def __getattr__(name: str) -> Any:
    """Load the strategies, and with them Hypothesis, when they are first used."""
    if name == "strategies":
        import importlib

        return importlib.import_module("autodiff.testing.strategies")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
