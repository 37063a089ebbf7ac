"""Autodiff: a tape over NumPy, read forwards and backwards.

Write NumPy on a `Tensor`, or hand a function of arrays to `grad` and its relatives. See the README for
a tour and ``docs/design.md`` for how it works.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autodiff.anomalies import detect_anomaly
from autodiff.checkpointing import checkpoint
from autodiff.errors import (
    AnomalyError,
    AutodiffError,
    CompileError,
    DomainError,
    DtypeError,
    EditedError,
    GradientError,
    MatrixError,
    MissingExtraError,
    MutationError,
    RuleError,
    ShapeError,
    StaleError,
    StructureError,
    UnsupportedError,
    UntrackedError,
)
from autodiff.hessians import HessianOperator, hessian, hessian_operator, hvp
from autodiff.jacobians import jacobian
from autodiff.kinks import Kink, KinkReport, kink_report
from autodiff.modes import check, effect, is_compiling, keep_memory, live, no_grad, scope, structure_changed
from autodiff.primitives import Primitive, elementwise, linear, multilinear, primitive
from autodiff.tensors import Tensor, tensor
from autodiff.transforms import (
    derivative,
    directional_derivative,
    grad,
    gradients,
    jvp,
    linearize,
    stop_gradient,
    value_and_grad,
    vjp,
)

if TYPE_CHECKING:
    from autodiff import compiler, drawing, flat, solvers, special, testing
    from autodiff.compiler import compile, derive
    from autodiff.drawing import draw

__version__ = "0.1.0"

__all__ = [
    "AnomalyError",
    "AutodiffError",
    "CompileError",
    "DomainError",
    "DtypeError",
    "EditedError",
    "GradientError",
    "HessianOperator",
    "MatrixError",
    "Kink",
    "KinkReport",
    "MissingExtraError",
    "MutationError",
    "Primitive",
    "RuleError",
    "ShapeError",
    "StaleError",
    "StructureError",
    "Tensor",
    "UnsupportedError",
    "UntrackedError",
    "check",
    "checkpoint",
    "compile",
    "compiler",
    "derivative",
    "detect_anomaly",
    "derive",
    "directional_derivative",
    "draw",
    "drawing",
    "effect",
    "elementwise",
    "flat",
    "grad",
    "gradients",
    "hessian",
    "hessian_operator",
    "hvp",
    "is_compiling",
    "jacobian",
    "jvp",
    "keep_memory",
    "kink_report",
    "linear",
    "linearize",
    "live",
    "multilinear",
    "no_grad",
    "primitive",
    "scope",
    "solvers",
    "special",
    "stop_gradient",
    "structure_changed",
    "tensor",
    "testing",
    "value_and_grad",
    "vjp",
]

_UPPER_ROOMS = {"compiler", "drawing", "flat", "solvers", "special", "testing"}
_FROM_UPPER_ROOMS = {"compile": "compiler", "derive": "compiler", "draw": "drawing"}


def __getattr__(name: str) -> Any:
    """Load the upper rooms when they are first used."""
    import importlib

    if name in _UPPER_ROOMS:
        return importlib.import_module(f"autodiff.{name}")
    if name in _FROM_UPPER_ROOMS:
        return getattr(importlib.import_module(f"autodiff.{_FROM_UPPER_ROOMS[name]}"), name)
    raise AttributeError(f"module 'autodiff' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
