"""Error messages that depend on the operands: shapes that do not match, functions without a rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autodiff.core.primitives import ELEMENTWISE, NUMPY_CONSTANTS, NUMPY_FUNCTIONS, NUMPY_PRIMITIVES, Primitive
from autodiff.errors import (
    AutodiffError,
    DtypeError,
    MatrixError,
    MutationError,
    RuleError,
    ShapeError,
    UnsupportedError,
)
from autodiff.ops.refused import WRITING, refusal


def explain(primitive: Primitive | str, operands: Sequence[Any], error: Exception) -> Exception:
    """The exception to raise in place of NumPy's own for these operands; our own exceptions are raised unchanged."""
    if isinstance(error, AutodiffError):
        raise error
    name = primitive if isinstance(primitive, str) else primitive.name
    shapes = [np.shape(x) for x in operands]
    kinds = [getattr(x, "dtype", np.dtype(type(x)) if isinstance(x, (int, float, complex)) else None) for x in operands]
    odd = next((k for k in kinds if k is not None and k.kind not in "fciub"), None)
    if odd is not None:
        return DtypeError(
            f"{name}: an operand has dtype {odd}; operands must be numbers. Convert it with .astype(float)."
        )
    if isinstance(error, np.linalg.LinAlgError):  # a ValueError too, but not about shapes
        return MatrixError(f"{name} of operands with shapes {_listed(shapes)}: {error}")
    if not isinstance(error, ValueError):
        return TypeError(f"{name} of operands with shapes {_listed(shapes)}: {error}")
    if name == "matmul" and len(shapes) == 2:
        return ShapeError(_matmul(*shapes))
    elementwise = isinstance(primitive, str) or primitive.kind == ELEMENTWISE
    if elementwise and len(shapes) > 1 and not _broadcasts(shapes):
        return ShapeError(
            f"{name}: the operands have shapes {_listed(shapes)}, which do not broadcast: aligned at the last axis, "
            "two lengths must be equal or one of them 1."
        )
    return ShapeError(f"{name} of operands with shapes {_listed(shapes)}: {error}")


def no_rows(x: Any, error: ValueError) -> ValueError:
    """The error about what NumPy cannot make an array of: where the rows of nested lists differ; else NumPy's own."""
    told = _ragged(x) if isinstance(x, (list, tuple)) else ""
    return ShapeError(told) if told else error


def _ragged(rows: Any, path: str = "") -> str:
    first: Any = None
    for i, row in enumerate(rows):
        try:
            shape = np.shape(row)
        except ValueError:
            return _ragged(row, f"{path}[{i}]")
        if i and shape != first:
            return (
                f"a list is no array where its rows differ: row {path}[0] has shape {first} and row {path}[{i}] "
                f"{shape}. Pad the rows to one length, or leave out what does not fit; recurrent layers take lengths=."
            )
        first = shape
    return ""


def _listed(shapes: Sequence[tuple[int, ...]]) -> str:
    return " and ".join(str(s) for s in shapes)


def _broadcasts(shapes: Sequence[tuple[int, ...]]) -> bool:
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return False
    return True


def _matmul(a: tuple[int, ...], b: tuple[int, ...]) -> str:
    text = f"matmul: a has shape {a} and b {b}; "
    if not a or not b:
        return text + "neither may be a single number. Did you mean a * b?"
    first = 0 if len(b) == 1 else len(b) - 2
    if a[-1] == b[first]:
        return text + "the leading axes do not broadcast: two lengths must be equal or one of them 1."
    which = "axis" if len(b) == 1 else "first" if len(b) == 2 else "last but one"
    text += f"the last axis of a ({a[-1]}) must equal the {which} of b ({b[first]})."
    if len(a) == 2 and len(b) == 2:
        if a[0] == b[0]:
            text += " Did you mean a.T @ b?"
        elif a[1] == b[1]:
            text += " Did you mean a @ b.T?"
        elif a[0] == b[1]:
            text += " Did you mean b @ a?"
    return text


INSTEAD_OF_SPECIAL = {
    **{name: f"ad.special.{name}" for name in ("logsumexp", "softmax", "log_softmax", "polygamma")},
    "factorial": "gamma(x + 1)",
    "comb": "binom(n, k)",
    "perm": "poch(n - k + 1, k)",
    "multigammaln": "d * (d - 1) / 4 * np.log(np.pi) + sum(gammaln(a - j / 2) for j in range(d))",
    "spherical_jn": "np.sqrt(np.pi / (2 * x)) * jv(n + 0.5, x)",
    "spherical_yn": "np.sqrt(np.pi / (2 * x)) * yv(n + 0.5, x)",
    "spherical_in": "np.sqrt(np.pi / (2 * x)) * iv(n + 0.5, x)",
    "spherical_kn": "np.sqrt(np.pi / (2 * x)) * kv(n + 0.5, x)",
    "diric": "np.sin(n * x / 2) / (n * np.sin(x / 2))",
    "legendre_p": "eval_legendre(n, x)",
    "sph_harm_y": "lpmv(m, n, np.cos(theta)) * np.exp(1j * m * phi), scaled,",
}
"""For functions of ``scipy.special`` that make plain arrays: what differentiates, in its ufuncs and NumPy's."""


def _of_special(frame: Any) -> str | None:
    """The function of ``scipy.special`` that a user called, from the frame in which it makes an array."""
    while frame.f_back is not None and frame.f_back.f_globals.get("__name__", "").startswith("scipy."):
        frame = frame.f_back
    return frame.f_code.co_name if frame.f_globals.get("__name__", "").startswith("scipy.special.") else None


def instead_of_array(frame: Any) -> str:
    """What to write where a tracked Tensor was to become a plain array, in the lines of `frame`."""
    module = frame.f_globals.get("__name__", "")
    if module.startswith("scipy.sparse.linalg"):
        return "Write ad.sparse_solve(A, b), which differentiates; x.data leaves the graph on purpose."
    if module.startswith("scipy.sparse"):
        return "Write ad.sparse_matmul(A, x) for A @ x; x @ A works too, and x.data leaves the graph on purpose."
    if (name := _of_special(frame)) is not None:
        instead = INSTEAD_OF_SPECIAL.get(name)
        text = f"{instead} for {name}" if instead else "one of its ufuncs (docs/coverage.md lists what serves)"
        return f"Write {text}, which differentiates; x.data leaves the graph on purpose."
    if module.startswith("pandas") and frame.f_code.co_name == "dot":
        return "Write np.dot(frame, x) for frame @ x; x @ frame works too, and x.data leaves the graph on purpose."
    return (
        "Write x.data or x.detach() to leave the graph on purpose; to join tracked tensors into one use "
        "np.stack([...]) or ad.tensor([...]), which keep tracking."
    )


def written_in_place(frame: Any) -> str:
    """The message for ``x[index] = value`` in a frame. Of a library's lines it says which library cannot be used."""
    text = (
        "a Tensor cannot be written in place: what was recorded needs the old values. Write y = x.at[index].set(value) "
        "or x.at[index].add(value) for a changed copy."
    )
    module = frame.f_globals.get("__name__", "")
    if "-packages" not in frame.f_code.co_filename:
        return text
    return (
        f"{text} Here {module} writes (line {frame.f_lineno}), so the function of {module.partition('.')[0]} that was "
        "called takes no tracked Tensor: write it with NumPy's functions or those of ad.special, or give x.data if no "
        "gradient is wanted."
    )


def joins_all_axes(given: int) -> TypeError:
    """The error for ``x.flatten(1)``, which in torch keeps the first axis."""
    return TypeError(
        f"Tensor.ravel and flatten join all axes, and {given} was given. To keep the first axis, write "
        "`x.reshape(len(x), -1)`."
    )


def takes_all_axes(given: tuple[int, ...], ndim: int) -> ShapeError:
    """The error for ``x.transpose(1, 2)`` of more than two axes, which in torch exchanges two."""
    return ShapeError(
        f"Tensor.transpose takes all {ndim} axes in their new order, as in NumPy, and 2 were given. To exchange two, "
        f"write `x.swapaxes{given}`."
    )


def supported_names() -> list[str]:
    """The NumPy functions that may be called on a Tensor, by name."""
    functions = {*NUMPY_FUNCTIONS, *NUMPY_PRIMITIVES, *NUMPY_CONSTANTS}
    return sorted({f.__name__ for f in functions})


def no_array(primitive: Primitive, y: Any) -> RuleError:
    """The error for an operation whose function returns something other than arrays."""
    if type(y) is tuple:
        y = next(v for v in y if not hasattr(v, "dtype"))
    return RuleError(
        f"{primitive.name}: its function returned {'None' if y is None else f'a {type(y).__name__}'}; an operation "
        "must return an array, or a tuple of arrays. Return np.asarray(...) of the result."
    )


def unsupported(function: Any) -> AutodiffError:
    """The refusal of a NumPy function that has no rule."""
    name = getattr(function, "__name__", str(function))
    if function in WRITING:
        return MutationError(f"np.{name} would write in place, which a Tensor does not allow; {WRITING[function]}")
    reason = refusal(function)
    if reason is not None:
        return UnsupportedError(
            f"np.{name} refuses a Tensor: {reason} Pass x.data if no gradient is wanted; ad.primitive adds a rule of "
            f"your own."
        )
    if isinstance(function, np.ufunc) and getattr(np, name, None) is not function:
        return UnsupportedError(
            f"{name}, a ufunc from outside NumPy, has no derivative rule, so it refuses a Tensor; those of "
            "scipy.special have rules. Add one with ad.primitive(fn, vjp=..., jvp=...), or pass x.data if no gradient "
            "is wanted."
        )
    import difflib  # only here: who makes no mistake does not wait for it

    close = difflib.get_close_matches(name, supported_names(), n=3, cutoff=0.6)
    near = f" The closest supported functions: {', '.join('np.' + c for c in close)}." if close else ""
    return UnsupportedError(
        f"np.{name} has no derivative rule here, so it refuses a Tensor.{near} Write it with supported functions, add "
        f"it with ad.primitive(np.{name}, vjp=..., jvp=...), or pass x.data if no gradient is wanted."
    )
