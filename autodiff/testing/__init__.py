"""Checks of derivatives: of any function (`gradcheck`) and of the rules of a primitive (`check_rule`)."""

from autodiff.testing.gradients import gradcheck
from autodiff.testing.report import Comparison, GradientCheckError, Report

__all__ = [
    "Comparison",
    "GradientCheckError",
    "Report",
    "gradcheck",
]
