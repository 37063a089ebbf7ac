"""Checks of derivatives: of any function (`gradcheck`) and of the rules of a primitive (`check_rule`)."""

from autodiff.testing.gradients import gradcheck
from autodiff.testing.mutants import all_primitives, scaled
from autodiff.testing.report import Comparison, GradientCheckError, Report
from autodiff.testing.rules import check_rule

__all__ = [
    "Comparison",
    "GradientCheckError",
    "Report",
    "all_primitives",
    "check_rule",
    "gradcheck",
    "scaled",
]
