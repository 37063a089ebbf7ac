"""The reference: a page for each group of public names, written from the table below and the docstrings."""

from __future__ import annotations

import importlib
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple


class Group(NamedTuple):
    """A page: its title, a line about it, and the names from each module; ``*`` are all that it has."""

    title: str
    about: str
    names: dict[str, str]


CHAPTERS: dict[str, dict[str, Group]] = {
    "The engine": {
        "tensors": Group(
            "Tensors",
            "Arrays that remember how they were made. Everything that NumPy does with an array works on a Tensor.",
            {"autodiff": "Tensor tensor no_grad stop_gradient live keep_memory scope is_compiling structure_changed"},
        ),
        "derivatives": Group(
            "Derivatives",
            "Gradients, Jacobians, Hessians and products with them, of functions of arrays and containers, to any "
            "order.",
            {
                "autodiff": (
                    "grad value_and_grad gradients derivative directional_derivative jacobian hessian hvp jvp "
                    "vjp linearize hessian_operator HessianOperator for_scipy checkpoint taylor"
                )
            },
        ),
        "sparse": Group(
            "Sparse matrices",
            "Products and solutions with SciPy's sparse matrices, differentiable by their values.",
            {"autodiff": "sparse_matmul sparse_solve"},
        ),
        "drawing": Group(
            "Graphs and traces",
            "Pictures of computation graphs, the reverse sweep step by step, evaluation traces.",
            {
                "autodiff": "draw draw_steps trace_table",
                "autodiff.drawing": (
                    "Picture Steps Frame TraceTable Row Graph Vertex Edge Scope read_graph find_renderer"
                ),
            },
        ),
        "compiling": Group(
            "Compiled functions",
            "A function traced once, and from then on run as a program of NumPy calls that can be read.",
            {"autodiff": "compile derive to_sympy", "autodiff.compiler": "Compiled Program Op Value"},
        ),
        "checking": Group(
            "Checking and debugging",
            "Whether derivatives are right, where a NaN came from, which kinks were met.",
            {
                "autodiff": "check detect_anomaly kink_report Kink KinkReport",
                "autodiff.testing": (
                    "gradcheck check_rule Report Comparison GradientCheckError NotCheckableError mutate_rules "
                    "MutationReport Mutant KINDS scaled spoiled all_primitives"
                ),
            },
        ),
        "laws": Group(
            "Laws and strategies",
            "Properties that derivatives must have, and Hypothesis strategies that draw arrays, functions and "
            "networks.",
            {
                "autodiff.testing.laws": (
                    "linearity adjointness symmetry agreement chain_rule product_rule homogeneity invariance "
                    "precision LawError"
                ),
                "autodiff.testing.strategies": (
                    "arrays tensors shapes broadcastable_arrays domain matrices special_points "
                    "scalar_functions vector_functions networks minima Expression Minimum Network KINDS"
                ),
            },
        ),
        "extending": Group(
            "Operations of your own",
            "How a function gets its derivative rule: from the mathematics it has, in one place.",
            {"autodiff": "primitive Primitive elementwise linear multilinear effect"},
        ),
        "errors": Group(
            "Errors",
            "Every error says what was given, what was expected and how to mend it. Each class also has a builtin "
            "parent.",
            {
                "autodiff": (
                    "AutodiffError AnomalyError CompileError DeviceError DomainError DtypeError EditedError "
                    "GradientError MatrixError MissingExtraError MutationError RuleError ShapeError StaleError "
                    "StructureError UnsupportedError UntrackedError"
                )
            },
        ),
    },
    "Mathematics": {
        "calculus": Group(
            "Differences, series and integrals",
            "Derivatives by differences, Taylor series, quadrature, integrals with limits and parameters, their "
            "errors.",
            {
                "autodiff": "integrate antiderivative odeint",
                "autodiff.calculus": (
                    "finite_difference difference_error difference_weights richardson Extrapolation "
                    "taylor_coefficients radius_of_convergence remainder riemann_sum riemann_error trapezoid "
                    "simpson cumulative_integral arc_length curvature"
                ),
            },
        ),
        "fields": Group(
            "Fields and theorems",
            "Vector fields, line and surface integrals, and the theorems that connect them.",
            {
                "autodiff": "gradient_field divergence curl laplacian vector_laplacian line_integral surface_integral",
                "autodiff.calculus": (
                    "jacobian_field is_conservative is_solenoidal Finding potential gradient_flow flux "
                    "surface_area to_cartesian Region Comparison"
                ),
                "autodiff.calculus.theorems": (
                    "green stokes divergence_theorem by_parts substitution partial_fractions "
                    "partial_fractions_integral PartialFractions"
                ),
            },
        ),
        "special": Group(
            "Special functions", "Functions beyond NumPy's, with derivatives to any order.", {"autodiff.special": "*"}
        ),
        "probability": Group(
            "Probability and information",
            "Distributions with densities, samples and fits; entropy, divergences, expectations.",
            {"autodiff.probability": "*"},
        ),
        "solvers": Group(
            "Solvers", "The parts of which the minimisers are made, on flat vectors.", {"autodiff.solvers": "*"}
        ),
        "pictures": Group(
            "Pictures of calculus", "Tangents, sums, fields and loops, by Matplotlib.", {"autodiff.plotting": "*"}
        ),
    },
    "Networks": {
        "modules": Group(
            "Modules and parameters",
            "What holds parameters, and the containers that put layers together.",
            {
                "nn": (
                    "Module Parameter Buffer Sequential ModuleList Residual Lambda functional_call HookHandle "
                    "Summary save load metadata load_torch to_torch export_onnx manual_seed"
                )
            },
        ),
        "layers": Group(
            "Layers",
            "Maps with parameters.",
            {
                "nn": (
                    "Linear Conv1d Conv2d AvgPool1d AvgPool2d MaxPool1d MaxPool2d Flatten Embedding RNN LSTM "
                    "GRU MultiHeadAttention TransformerBlock BatchNorm1d BatchNorm2d LayerNorm RMSNorm "
                    "GroupNorm Dropout"
                )
            },
        ),
        "activations": Group(
            "Activations",
            "As layers and as functions.",
            {
                "nn": (
                    "ReLU LeakyReLU ELU GELU SiLU Softplus Sigmoid Tanh Hardsigmoid Hardswish Hardtanh "
                    "Softmax LogSoftmax relu leaky_relu elu gelu silu softplus sigmoid tanh hardsigmoid "
                    "hardswish hardtanh softmax log_softmax"
                )
            },
        ),
        "losses": Group(
            "Losses",
            "Means over the batch, unless told otherwise.",
            {
                "nn": (
                    "mse_loss l1_loss huber_loss cross_entropy nll_loss binary_cross_entropy "
                    "binary_cross_entropy_with_logits hinge_loss kl_div"
                )
            },
        ),
        "training": Group(
            "Training",
            "The loop, its batches, its history; checkpoints and metrics.",
            {
                "nn": (
                    "fit evaluate batches Batches History EarlyStopping save_checkpoint load_checkpoint "
                    "accuracy confusion_matrix Classifier Regressor"
                )
            },
        ),
        "monitoring": Group(
            "Watching a network", "What goes wrong while a network trains, layer by layer.", {"nn": "Monitor"}
        ),
        "initial-values": Group("Initial values", "Of parameters.", {"nn.init": "*"}),
        "data": Group("Data", "Toy problems, the digits, MNIST, tables.", {"nn.data": "*"}),
        "network-pictures": Group("Pictures of networks", "By Matplotlib.", {"nn.plotting": "*"}),
    },
    "Optimisation": {
        "optimisers": Group(
            "Optimisers",
            "Steps for parameters with gradients.",
            {
                "optim": (
                    "Optimizer GradientDescent Momentum AdaGrad RMSProp Adam AdamW LBFGS Newton NewtonReport "
                    "GaussNewton clip_grad_norm clip_grad_value"
                )
            },
        ),
        "schedules": Group(
            "Learning rate schedules",
            "How a rate changes during training.",
            {
                "optim": (
                    "Schedule StepDecay MultiStepDecay ExponentialDecay CosineDecay CosineRestarts "
                    "LinearWarmup OneCycle ReduceOnPlateau SequentialSchedule ChainedSchedule"
                )
            },
        ),
        "minima": Group(
            "Minima and zeros",
            "Of functions of numbers, arrays and containers.",
            {
                "optim": (
                    "minimize MinimizeResult Record gradient_descent multistart MultistartResult Basin "
                    "critical_points CriticalPoint classify_critical_point root fixed_point"
                )
            },
        ),
        "descent-pictures": Group("Pictures of descent", "By Matplotlib.", {"optim.plotting": "*"}),
    },
}


DATA = {
    "autodiff.testing.KINDS": "autodiff.testing.mutants.KINDS",
    "autodiff.testing.strategies.KINDS": "autodiff.testing.strategies.matrices.KINDS",
}
"""Where the texts of constants stand."""


def names_of(group: Group) -> Iterator[str]:
    """The full names of a group."""
    for module, listed in group.names.items():
        for name in _public(module) if listed == "*" else listed.split():
            yield f"{module}.{name}"


def _public(module: str) -> list[str]:
    """What a module exports, without the modules in it."""
    found = importlib.import_module(module)
    return [name for name in found.__all__ if not isinstance(getattr(found, name), types.ModuleType)]


def public_names() -> Iterator[tuple[str, Any]]:
    """Every public name with what it is, once, where a user finds it first."""
    seen: set[int] = set()
    for module in (
        *("autodiff", "nn", "optim", "autodiff.calculus", "autodiff.calculus.theorems", "autodiff.special"),
        *("autodiff.probability", "autodiff.plotting", "autodiff.testing", "autodiff.testing.laws"),
        *("autodiff.testing.strategies", "autodiff.drawing", "autodiff.compiler", "autodiff.solvers"),
        *("nn.init", "nn.data", "nn.plotting", "optim.plotting"),
    ):
        for name in _public(module):
            value = located(f"{module}.{name}")
            if id(value) not in seen:
                seen.add(id(value))
                yield f"{module}.{name}", value


def write(folder: Path) -> None:
    """Write the pages and their index, where they have changed."""
    folder.mkdir(exist_ok=True)
    index = ["# Reference", "Public names in groups, with the examples that the tests run."]
    for chapter, groups in CHAPTERS.items():
        index.append(f"```{{toctree}}\n:caption: {chapter}\n:maxdepth: 1\n\n" + "\n".join(groups) + "\n```")
        for page, group in groups.items():
            entries = [_entry(name) for name in names_of(group)]
            keep(folder / f"{page}.md", "\n\n".join([f"# {group.title}", group.about, *entries]) + "\n")
    keep(folder / "index.md", "\n\n".join(index) + "\n")


def located(name: str) -> Any:
    """What a full name stands for."""
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module(module), last)


def _entry(name: str) -> str:
    value = located(name)
    if isinstance(value, type):
        kind, options = "autoclass", "   :members:\n" if not issubclass(value, Exception) else ""
    elif callable(value):
        kind, options = "autofunction", ""
    else:
        kind, options = "autodata", "   :no-value:\n"
    name = DATA.get(name, name)
    short = name.replace("autodiff.", "ad.", 1)
    return f"## {short}\n\n```{{eval-rst}}\n.. {kind}:: {name}\n{options}```"


def keep(path: Path, text: str) -> None:
    """Write a text where it has changed."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
