"""A function to be checked, in flat form: it maps a list of arrays to a list of arrays.

Nested containers are flattened, integers and Booleans are held constant, and results that are not real or
complex are left out. The derivative of such a problem is again a problem, which is how higher orders are
checked.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from autodiff import pytree
from autodiff.arrays.plain import untracked
from autodiff.arrays.tensors import Tensor
from autodiff.errors import GradientError
from autodiff.testing.differences import DOUBLE, Vector
from autodiff.testing.report import MUTATES, RAISES, RANDOM, NotCheckableError, refusal
from autodiff.transforms.calling import called
from autodiff.transforms.first_order import linearize, vjp
from autodiff.transforms.recording import expect_function
from autodiff.typing import Array


@dataclass(frozen=True)
class Problem:
    """A function of arrays and the point at which it is to be differentiated.

    Attributes
    ----------
    name : str
        For messages.
    call : callable
        ``call(*leaves)`` returns a list of arrays or Tensors.
    leaves : list of ndarray
        The point: read-only, real or complex.
    names : list of str
        A readable name for every leaf.
    primal : int
        How many of the leaves are arguments of the original function; cotangents come after them.
    closes : bool
        Whether its results depend on tracked Tensors that are not among the arguments.
    """

    name: str
    call: Callable[..., list[Any]]
    leaves: list[Array]
    names: list[str]
    primal: int
    closes: bool = False

    def value(self, leaves: Sequence[Any]) -> Vector:
        """All results at another point, as one real vector."""
        return as_vector(self.call(*leaves))

    def at(self, leaves: list[Array]) -> Problem:
        """The same function at another point."""
        return dataclasses.replace(self, leaves=leaves)


def as_vector(arrays: Sequence[Any]) -> Vector:
    """Real and complex arrays (or Tensors) as one vector of real numbers."""
    parts = []
    for a in arrays:
        data = np.ascontiguousarray(untracked(a))
        if data.dtype.kind == "c":
            data = data.astype(np.complex128).view(np.float64)
        parts.append(data.reshape(-1).astype(np.float64))
    return np.concatenate(parts) if parts else np.zeros(0)


def widened(leaves: Sequence[Array]) -> list[Array]:
    """Read-only copies in double precision, for the numeric derivative."""
    return [read_only(x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)) for x in leaves]


def read_only(x: Array) -> Array:
    """A read-only copy. A 0-d array becomes a NumPy scalar, which cannot be written to."""
    x = np.array(x)
    x.flags.writeable = False
    return x if x.ndim else x[()]


def without_infinities(problem: Problem, results: Sequence[Any]) -> tuple[Problem, int]:
    """The problem with `results` that are not finite masked out, since they cannot be compared, and their number."""
    finite = [np.isfinite(untracked(y)) for y in results]
    left_out = sum(int(np.size(mask) - np.count_nonzero(mask)) for mask in finite)
    if not left_out:
        return problem, 0

    def call(*leaves: Any) -> list[Any]:
        return [np.where(mask, y, 0.0) for mask, y in zip(finite, problem.call(*leaves), strict=True)]

    return Problem(problem.name, call, problem.leaves, problem.names, problem.primal), left_out


def resolution_of(results: Sequence[Any]) -> float:
    """The relative precision of `results` for double-precision arguments: coarser if `f` casts to a smaller dtype."""
    dtypes = [np.dtype(y.dtype) for y in results]
    return max([float(np.finfo(d).eps) for d in dtypes if d.itemsize < 16 or d.kind == "c"], default=DOUBLE)


def title(f: Callable[..., Any]) -> str:
    """The name of a function, for messages."""
    name = getattr(f, "__name__", type(f).__name__)
    return "the function" if name == "<lambda>" else str(name)


def argument_names(f: Callable[..., Any], n: int) -> list[str]:
    """The names of the first `n` positional parameters, as far as they are known."""
    try:
        parameters = list(inspect.signature(getattr(f, "forward", f)).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [p.name for p in parameters if p.kind in kinds]
    return [names[i] if i < len(names) else f"operand {i}" for i in range(n)]


def parameters_of(f: Callable[..., Any], given: Any) -> list[Tensor]:
    """The tracked leaves that a function reads, to be checked as well; for a module, by default its own parameters."""
    source: Any = f if given is None and callable(getattr(f, "parameters", None)) else given
    found = list(source.parameters() if hasattr(source, "parameters") else source or ())
    for i, p in enumerate(found):
        if not isinstance(p, Tensor):
            raise GradientError(
                f"gradcheck: parameters must be a module or an iterable of Tensors, such as model.parameters(); entry "
                f"{i} is a {type(p).__name__}."
            )
        if not p.is_leaf:
            raise GradientError(
                f"gradcheck: parameters[{i}] is the result of an operation; give the leaves it was computed from."
            )
    return list({id(p): p for p in found if p.requires_grad}.values())


@contextmanager
def standing_in(parameters: Sequence[Tensor], values: Sequence[Any]) -> Iterator[None]:
    """Context manager in which the parameters have the values, and the nodes, of these arrays or Tensors."""
    before = [(p._data, p._node) for p in parameters]
    try:
        for p, v in zip(parameters, values, strict=True):
            p._data, p._node = (v._data, v._node) if isinstance(v, Tensor) else (v, None)
        yield
    finally:
        for p, (data, node) in zip(parameters, before, strict=True):
            p._data, p._node = data, node


def problem_of(
    f: Callable[..., Any], xs: Sequence[Any], keywords: dict[str, Any] | None = None, parameters: Any = None
) -> Problem:
    """The function `f` of nested containers `xs`, and of the parameters that it reads, in flat form.

    Raises
    ------
    NotCheckableError
        If no argument, or no result, is real or complex.
    GradientCheckError
        If `f` raises, writes into its arguments or is not deterministic.
    """
    expect_function(f, "to check, and its arguments follow, gradcheck(f, x)")
    keywords = keywords or {}
    flat: list[Any] = []
    names: list[str] = []
    structures = []
    for x, name in zip(xs, argument_names(f, len(xs)), strict=True):
        leaves, structure = pytree.flatten(pytree.point(x))
        flat += [untracked(v) for v in leaves]
        names += pytree.paths(structure, name)
        structures.append(structure)
    varied = [i for i, v in enumerate(flat) if getattr(v, "dtype", np.asarray(v).dtype).kind in "fc"]
    read = parameters_of(f, parameters)
    if not varied and not read:
        kinds = ", ".join(f"{n} has dtype {np.asarray(v).dtype}" for n, v in zip(names, flat, strict=True))
        raise NotCheckableError(
            f"gradcheck: no argument of {title(f)} is real or complex, so there is nothing to differentiate by"
            f"{': ' + kinds if kinds else ''}. Write 2.0 for 2, or convert with .astype(float)."
        )

    def call(*leaves: Any, tensors: bool = False) -> list[Any]:
        full = list(flat)
        for i, v in zip(varied, leaves, strict=False):
            full[i] = Tensor(v) if tensors and not isinstance(v, Tensor) else v
        args, start = [], 0
        for structure in structures:
            args.append(pytree.unflatten(structure, full[start : start + structure.size]) if structure.size else None)
            start += structure.size
        with standing_in(read, leaves[len(varied) :]):
            outputs = pytree.flatten(called(f, *args, **keywords))[0]
        outputs = [y if hasattr(y, "dtype") else np.asarray(y)[()] for y in outputs]
        return [y for y in outputs if y.dtype.kind in "fc"]

    # -0.0 becomes +0.0: for 1/x and for the slope of a root, the two are different points
    leaves = [read_only(np.asarray(x) + 0.0) for x in (*(flat[i] for i in varied), *(p._data for p in read))]
    names = [names[i] for i in varied] + [p.name or f"parameters[{i}]" for i, p in enumerate(read)]
    return _tried(Problem(title(f), call, leaves, names, len(leaves)), call, f)


def _tried(problem: Problem, call: Callable[..., list[Any]], f: Callable[..., Any]) -> Problem:
    """The problem, after a trial: `f` must not raise, must not write into its arguments, and must be deterministic."""
    try:
        first = call(*problem.leaves)
    except Exception as error:
        if isinstance(error, ValueError) and "read-only" in str(error):
            raise refusal(
                f"gradcheck: {problem.name} writes into its argument ({error}). Let it work on a copy, or write "
                f"x.at[i].set(v).",
                MUTATES,
            ) from error
        try:
            first = call(*problem.leaves, tensors=True)  # `f` may use what only Tensors have, such as x.at
        except Exception:
            raise refusal(
                f"gradcheck: {problem.name} raises {type(error).__name__} at this point ({error}), so nothing can be "
                f"checked. Call it by itself with the same arguments to see where.",
                RAISES,
            ) from error
        problem = Problem(
            problem.name,
            lambda *leaves: call(*leaves, tensors=True),
            problem.leaves,
            problem.names,
            problem.primal,
        )
    if not first:
        raise NotCheckableError(
            f"gradcheck: {problem.name} returned nothing that is real or complex; integers and Booleans have no "
            f"derivative."
        )
    if any(isinstance(y, Tensor) and y.requires_grad for y in first):
        problem = dataclasses.replace(problem, closes=True)
    if not np.array_equal(as_vector(first), problem.value(problem.leaves), equal_nan=True):
        raise refusal(
            f"gradcheck: {problem.name} returned two different values for the same argument. Fix its random numbers: "
            f"draw them outside, or seed a generator inside.",
            RANDOM,
        )
    return problem


def pullback_of(problem: Problem, cts: Sequence[Array]) -> Problem:
    """The pullback as a function of the point and the cotangents; its derivatives are second derivatives."""
    n = len(problem.leaves)

    def call(*leaves: Any) -> list[Any]:
        _, pullback = vjp(problem.call, *leaves[:n])
        return list(pullback(list(leaves[n:])))

    names = [f"ct{i}" for i in range(len(cts))] if len(cts) > 1 else ["ct"]
    leaves = [*problem.leaves, *(read_only(c) for c in cts)]
    return Problem(f"the pullback of {problem.name}", call, leaves, [*problem.names, *names], problem.primal)


def pushforward_of(problem: Problem, ts: Sequence[Array]) -> Problem:
    """The pushforward as a function of the point and the tangents."""
    n = len(problem.leaves)

    def call(*leaves: Any) -> list[Any]:
        _, pushforward = linearize(problem.call, *leaves[:n])
        return list(pushforward(*leaves[n:]))

    names = [f"tangent of {name}" for name in problem.names]
    leaves = [*problem.leaves, *(read_only(t) for t in ts)]
    return Problem(f"the pushforward of {problem.name}", call, leaves, [*problem.names, *names], problem.primal)
