"""Autodiff: a tape over NumPy, read forwards and backwards.

Write NumPy on a `Tensor`, or hand a function of arrays to `grad` and its relatives. See the README for
a tour and ``docs/design.md`` for how it works.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autodiff import names, typing
from autodiff.arrays import registering as _registering
from autodiff.arrays.tensors import Tensor, tensor
from autodiff.core.effects import check, effect, is_compiling, live, structure_changed
from autodiff.core.kinds import elementwise, linear, multilinear, primitive
from autodiff.core.modes import keep_memory, no_grad, scope
from autodiff.core.primitives import Primitive
from autodiff.errors import (
    AnomalyError,
    AutodiffError,
    CompileError,
    DeviceError,
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
from autodiff.transforms.checkpointing import checkpoint
from autodiff.transforms.directions import derivative, directional_derivative
from autodiff.transforms.first_order import grad, gradients, jvp, linearize, stop_gradient, value_and_grad, vjp
from autodiff.transforms.hessians import HessianOperator, hessian, hessian_operator, hvp
from autodiff.transforms.jacobians import jacobian

if TYPE_CHECKING:
    from autodiff import calculus, compiler, display, drawing, flat, plotting, probability, solvers, special, testing
    from autodiff.calculus import (
        antiderivative,
        curl,
        divergence,
        gradient_field,
        integrate,
        laplacian,
        line_integral,
        odeint,
        surface_integral,
        taylor,
        vector_laplacian,
    )
    from autodiff.compiler import compile, derive
    from autodiff.compiler.sympy_form import to_sympy
    from autodiff.drawing import draw, draw_steps, trace_table
    from autodiff.ops.sparse import sparse_matmul, sparse_solve
    from autodiff.transforms.for_scipy import for_scipy
    from autodiff.watchers.anomalies import detect_anomaly
    from autodiff.watchers.kinks import Kink, KinkReport, kink_report

_registering.watch()

__version__ = __wengert__ = "0.1.0"  # `names.packages` says what the second is for

__all__ = [
    "AnomalyError",
    "AutodiffError",
    "CompileError",
    "DeviceError",
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
    "antiderivative",
    "calculus",
    "check",
    "checkpoint",
    "compile",
    "compiler",
    "curl",
    "derivative",
    "detect_anomaly",
    "derive",
    "directional_derivative",
    "display",
    "divergence",
    "draw",
    "draw_steps",
    "drawing",
    "effect",
    "elementwise",
    "flat",
    "for_scipy",
    "grad",
    "gradient_field",
    "gradients",
    "hessian",
    "hessian_operator",
    "hvp",
    "integrate",
    "is_compiling",
    "jacobian",
    "jvp",
    "keep_memory",
    "kink_report",
    "laplacian",
    "line_integral",
    "linear",
    "linearize",
    "live",
    "multilinear",
    "names",
    "no_grad",
    "odeint",
    "plotting",
    "primitive",
    "probability",
    "scope",
    "solvers",
    "sparse_matmul",
    "sparse_solve",
    "special",
    "stop_gradient",
    "structure_changed",
    "surface_integral",
    "taylor",
    "tensor",
    "testing",
    "to_sympy",
    "trace_table",
    "typing",
    "value_and_grad",
    "vector_laplacian",
    "vjp",
]

_FROM_UPPER_ROOMS = {
    "Kink": "watchers.kinks",
    "KinkReport": "watchers.kinks",
    "kink_report": "watchers.kinks",
    "detect_anomaly": "watchers.anomalies",
    "for_scipy": "transforms.for_scipy",
    "to_sympy": "compiler.sympy_form",
    "sparse_matmul": "ops.sparse",
    "sparse_solve": "ops.sparse",
    "compile": "compiler",
    "derive": "compiler",
    "draw": "drawing",
    "draw_steps": "drawing",
    "trace_table": "drawing",
    **dict.fromkeys(
        (
            "antiderivative",
            "curl",
            "divergence",
            "gradient_field",
            "integrate",
            "laplacian",
            "line_integral",
            "odeint",
            "surface_integral",
            "taylor",
            "vector_laplacian",
        ),
        "calculus",
    ),
}


def __getattr__(name: str) -> Any:
    """Load the upper rooms when they are first used; say what a name of another library is called here."""
    import importlib

    if name in _FROM_UPPER_ROOMS:
        return getattr(importlib.import_module(f"autodiff.{_FROM_UPPER_ROOMS[name]}"), name)
    if name in __all__:  # of the public names only the rooms themselves are left
        return importlib.import_module(f"autodiff.{name}")
    raise names.not_in_module("autodiff", name, _row_of, __all__)


def _row_of(name: str) -> names.Row | None:
    from autodiff.names import tables

    return tables.of_autodiff(name)


def __dir__() -> list[str]:
    return __all__
