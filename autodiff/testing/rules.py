"""`check_rule`: one call that checks everything the author of a primitive must get right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.core.primitives import ELEMENTWISE, LINEAR, Primitive
from autodiff.errors import RuleError
from autodiff.testing.differences import DOUBLE, direction
from autodiff.testing.gradients import MODES, check_problem
from autodiff.testing.probing import Settings
from autodiff.testing.problems import Problem, as_vector, problem_of, read_only, resolution_of, title, widened
from autodiff.testing.report import GradientCheckError, NotCheckableError, Report
from autodiff.transforms.first_order import linearize, vjp
from autodiff.typing import Array


def check_rule(
    primitive: Callable[..., Any],
    *xs: Any,
    order: int = 2,
    rtol: float = 1e-6,
    atol: float = 0.0,
    seed: int = 0,
    **keywords: Any,
) -> Report:
    """Check the rules of a primitive, or of a function made of primitives, at one point.

    Parameters
    ----------
    primitive : Primitive, or callable
        A result of `autodiff.elementwise`, `linear`, `multilinear` or `primitive`, or a function.
    *xs : array_like
        The operands. Derivatives are taken with respect to the real and complex ones that have a rule.
    order : int, default 2
        The highest order of derivatives to check.
    rtol, atol : float, default 1e-6 and 0
        Allowed difference, relative and absolute.
    seed : int, default 0
        Seed of random directions and cotangents.
    **keywords
        The primitive's metadata.

    Returns
    -------
    Report
        The comparisons with differences.

    Raises
    ------
    RuleError
        If a rule returns the wrong count, shape or dtype, or writes into an array it was given, or if a result
        shares memory with an operand or cotangent.
    GradientCheckError
        If a derivative is wrong, or the two sweeps disagree.
    NotCheckableError
        If there is nothing to differentiate with respect to.

    Notes
    -----
    It checks the count, shapes and dtypes of the cotangents; reverse and forward rules against differences
    and against each other (<ct, J t> = <J' ct, t>); the derivatives of both with respect to point, cotangent
    and tangent (second order); and that rules write into no operand and share no memory. Elementwise functions
    are also checked with broadcast and 0-d operands. All of it is repeated in float32.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> from autodiff.testing import check_rule
    >>> softsign = ad.elementwise(
    ...     lambda x: x / (1 + np.abs(x)), lambda t, y, x: t / (1 + np.abs(x)) ** 2, name="softsign"
    ... )
    >>> check_rule(softsign, np.array([-2.0, 0.5, 3.0])).ok
    True
    """
    settings = Settings(MODES, rtol, atol)
    report = Report(title(primitive))
    rng = np.random.default_rng(seed)
    for operands in _variants(primitive, xs, keywords):
        if isinstance(primitive, Primitive):
            check_returns(primitive, operands, keywords, rng)
        problem = _problem(primitive, operands, keywords)
        if not problem.leaves:
            continue
        check_memory(problem)
        check_adjoint(problem, rng)
        report.comparisons += check_problem(problem, order, settings, seed).comparisons
    if not report.comparisons and not any(np.size(x) == 0 for x in xs):
        raise NotCheckableError(
            f"check_rule of {report.name}: no operand is real or complex and has a rule, so nothing can be compared. "
            "Write 2.0 for 2, or convert with .astype(float)."
        )
    return report


def _problem(primitive: Callable[..., Any], xs: Sequence[Any], keywords: dict[str, Any]) -> Problem:
    """The primitive as a function of the operands that have a rule."""
    if not isinstance(primitive, Primitive):
        return problem_of(primitive, xs, keywords)
    moving = [i for i, x in enumerate(xs) if _is_inexact(x) and primitive.has_rule(i)]

    def call(*leaves: Any) -> list[Any]:
        operands = list(xs)
        for i, x in zip(moving, leaves, strict=True):
            operands[i] = x
        y = primitive(*operands, **keywords)
        return [v for v in (y if isinstance(y, tuple) else (y,)) if v.dtype.kind in "fc"]

    leaves = [read_only(np.asarray(xs[i])) for i in moving]
    return Problem(primitive.name, call, leaves, [f"operand {i}" for i in moving], len(moving))


def _is_inexact(x: Any) -> bool:
    return np.asarray(x).dtype.kind in "fc" and not isinstance(x, (bool, int))


def _variants(primitive: Callable[..., Any], xs: Sequence[Any], keywords: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The operands as given, and where it makes sense also broadcast, 0-d, and in float32."""
    given = tuple(read_only(np.asarray(x)) if _is_inexact(x) and not isinstance(x, float) else x for x in xs)
    out = [given]
    if isinstance(primitive, Primitive) and primitive.kind == ELEMENTWISE:
        arrays = [i for i, x in enumerate(given) if np.ndim(x)]
        if len(given) == 1 and arrays:
            out.append((given[0].reshape(-1)[0],)) if given[0].size else None
        for i in arrays if len(given) > 1 else []:
            corner = given[i][tuple(slice(0, 1) for _ in range(np.ndim(given[i])))]
            out.append((*given[:i], read_only(corner), *given[i + 1 :]))
            if corner.size:
                out.append((*given[:i], corner.reshape(-1)[0], *given[i + 1 :]))
    doubles = [i for i, x in enumerate(given) if getattr(x, "dtype", None) == np.float64]
    if doubles:
        single = tuple(read_only(x.astype(np.float32)) if i in doubles else x for i, x in enumerate(given))
        if _runs(primitive, single, keywords):
            out.append(single)
    return out


def _runs(primitive: Callable[..., Any], xs: Sequence[Any], keywords: dict[str, Any]) -> bool:
    """Whether the function accepts these operands and returns finite numbers."""
    try:
        y = primitive(*xs, **keywords)
    except Exception:
        return False
    parts = y if isinstance(y, (tuple, list)) else (y,)
    return all(bool(np.isfinite(v).all()) for v in parts)


# --- results of the rules -------------------------------------------------------------------------


def check_returns(primitive: Primitive, xs: Sequence[Any], keywords: dict[str, Any], rng: np.random.Generator) -> None:
    """Call every rule by itself, on read-only arrays, and check the count, shape and dtype of its results.

    Raises
    ------
    RuleError
        If one is wrong. The message names the primitive, the operand, and both shapes or dtypes.
    """
    y = primitive.fn(*xs, **keywords)
    several = isinstance(y, tuple)
    outputs: Any = tuple(read_only(np.asarray(v)) for v in y) if several else read_only(np.asarray(y))
    head = (outputs, *xs) if primitive.takes_output else tuple(xs)
    ct: Any = tuple(_tangent(v, rng) for v in outputs) if several else _tangent(outputs, rng)
    if primitive.pulls is None:
        assert primitive.joint_pull is not None
        gs = _called(primitive, "reverse rule", primitive.joint_pull, (ct, *head), keywords)
        if not isinstance(gs, (tuple, list)) or len(gs) != len(xs):
            given = f"{len(gs)} cotangents" if isinstance(gs, (tuple, list)) else f"a {type(gs).__name__}"
            raise RuleError(
                f"{primitive.name}: the reverse rule returned {given} for {len(xs)} operand(s); return a tuple with "
                "one cotangent for each (None for an operand without one)."
            )
        for i, (g, x) in enumerate(zip(gs, xs, strict=True)):
            if g is not None and _is_inexact(x):
                _check_cotangent(primitive, i, g, x, ct, xs)
    else:
        if len(primitive.pulls) > len(xs):
            raise RuleError(
                f"{primitive.name}: there are {len(primitive.pulls)} reverse rules, but it was called with "
                f"{len(xs)} operand(s)."
            )
        for i, rule in enumerate(primitive.pulls):
            if rule is not None and _is_inexact(xs[i]):
                g = _called(primitive, f"reverse rule of operand {i}", rule, (ct, *head), keywords)
                _check_cotangent(primitive, i, g, xs[i], ct, xs)
    if primitive.kind == LINEAR:
        return  # the forward rule is the function itself
    if primitive.pushes is None:
        assert primitive.joint_push is not None
        ts = tuple(
            _tangent(np.asarray(x), rng) if _is_inexact(x) and primitive.has_rule(i) else _zero(primitive, x)
            for i, x in enumerate(xs)
        )
        t = _called(primitive, "forward rule", primitive.joint_push, (ts, *head), keywords)
        _check_tangents(primitive, "the forward rule", t, y, xs)
        return
    for i, rule in enumerate(primitive.pushes):
        if rule is not None and i < len(xs) and _is_inexact(xs[i]):
            start = ct if primitive.kind == ELEMENTWISE else _tangent(np.asarray(xs[i]), rng)
            t = _called(primitive, f"forward rule of operand {i}", rule, (start, *head), keywords)
            _check_tangents(primitive, f"the forward rule of operand {i}", t, y, xs)


def _zero(primitive: Primitive, x: Any) -> Any:
    return None if primitive.symbolic_zeros else np.zeros_like(x)


def _tangent(x: Array, rng: np.random.Generator) -> Any:
    if x.dtype.kind not in "fc":
        return np.zeros(x.shape, x.dtype)[()]
    return read_only(direction(np.ones(x.shape, x.dtype), rng))


def _called(primitive: Primitive, what: str, rule: Callable[..., Any], args: Any, keywords: dict[str, Any]) -> Any:
    try:
        with np.errstate(all="ignore"):
            return rule(*args, **keywords)
    except ValueError as error:
        if "read-only" in str(error):
            raise RuleError(
                f"{primitive.name}: the {what} writes into an array it was given ({error}). Compute a new array: those "
                f"given belong to the graph."
            ) from error
        raise
    except TypeError as error:
        shown = "(t, y, *xs)" if primitive.takes_output else "(ct, *xs)"
        raise RuleError(f"{primitive.name}: the {what} could not be called as {shown}: {error}.") from error


def _check_cotangent(primitive: Primitive, i: int, g: Any, x: Any, ct: Any, xs: Sequence[Any]) -> None:
    shape, wanted = getattr(g, "shape", None), np.shape(x)
    if shape is None:
        raise RuleError(
            f"{primitive.name}: the reverse rule of operand {i} returned {g!r}; expected an array of shape {wanted}. "
            f"Multiply by the cotangent: t * ..."
        )
    if not _sums_to(shape, wanted):
        raise RuleError(
            f"{primitive.name}: the reverse rule of operand {i} returned a cotangent of shape {shape}; the operand has "
            f"shape {wanted}."
        )
    _check_dtype(primitive, f"the reverse rule of operand {i}", g, xs)


def _sums_to(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether the sweep can reduce a cotangent of this shape to the operand's shape by summing over broadcast axes."""
    extra = len(shape) - len(wanted)
    return extra >= 0 and all(a == b or b == 1 for a, b in zip(shape[extra:], wanted, strict=True))


def _check_tangents(primitive: Primitive, what: str, t: Any, y: Any, xs: Sequence[Any]) -> None:
    pairs = list(zip(t, y, strict=False)) if isinstance(y, tuple) else [(t, y)]
    if isinstance(y, tuple) and (not isinstance(t, (tuple, list)) or len(t) != len(y)):
        given = f"{len(t)} tangents" if isinstance(t, (tuple, list)) else f"a {type(t).__name__}"
        raise RuleError(f"{primitive.name}: {what} returned {given} for {len(y)} outputs.")
    for part, output in pairs:
        if part is None and primitive.symbolic_zeros:
            continue
        shape = getattr(part, "shape", None)
        if shape is None:
            raise RuleError(
                f"{primitive.name}: {what} returned {part!r}; expected an array of shape {np.shape(output)}."
            )
        if not _sums_to(np.shape(output), shape) and not _stretches_to(shape, np.shape(output)):
            raise RuleError(
                f"{primitive.name}: {what} returned shape {shape}; the output has shape {np.shape(output)}."
            )
        _check_dtype(primitive, what, part, xs)


def _stretches_to(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, wanted) == wanted
    except ValueError:
        return False


def _check_dtype(primitive: Primitive, what: str, g: Any, xs: Sequence[Any]) -> None:
    """Refuse a rule that widens float32, as a NumPy scalar in it would."""
    kinds = {np.asarray(x).dtype for x in xs if _is_inexact(x) and not isinstance(x, float)}
    if kinds == {np.dtype(np.float32)} and np.dtype(g.dtype).itemsize > 4 and np.dtype(g.dtype).kind == "f":
        raise RuleError(
            f"{primitive.name}: {what} widened float32 to {g.dtype}. Write constants as Python numbers: math.log(2), "
            "not np.log(2)."
        )


# --- the sweeps -----------------------------------------------------------------------------------


def check_memory(problem: Problem) -> None:
    """Refuse gradients that share memory with each other, an operand or the cotangent.

    The operands are read-only throughout, so a rule that writes into one raises by itself.
    """
    outputs, pullback = vjp(problem.call, *problem.leaves)
    cts = [read_only(np.ones(np.shape(y), y.dtype)) for y in outputs]
    with np.errstate(all="ignore"):
        gs = pullback(cts)
    for i, g in enumerate(gs):
        others = [
            *((f"the gradient by {n}", h) for n, h in zip(problem.names[:i], gs[:i], strict=True)),
            *zip(problem.names, problem.leaves, strict=True),
            *(("the cotangent", c) for c in cts),
            *(("the value", y) for y in outputs),
        ]
        for name, other in others:
            if isinstance(g, np.ndarray) and isinstance(other, np.ndarray) and np.shares_memory(g, other):
                raise RuleError(f"{problem.name}: the gradient by {problem.names[i]} shares memory with {name}.")


def check_adjoint(problem: Problem, rng: np.random.Generator, rtol: float = 1e-10) -> None:
    """Compare the sweeps with each other: <ct, J t> = <J' ct, t> to round-off, in double precision.

    Raises
    ------
    GradientCheckError
        If they differ.
    """
    leaves = widened(problem.leaves)
    outputs, pullback = vjp(problem.call, *leaves)
    rtol = max(rtol, 256 * resolution_of(outputs))
    _, pushforward = linearize(problem.call, *leaves)
    cts = [direction(np.ones(np.shape(y), y.dtype), rng) for y in outputs]
    with np.errstate(all="ignore"):
        gradients = pullback(list(cts))
    for i, x in enumerate(leaves):
        ts = [np.zeros_like(v) for v in leaves]
        ts[i] = direction(np.ones(np.shape(x), x.dtype), rng)
        with np.errstate(all="ignore"):
            dy, ct = as_vector(pushforward(*ts)), as_vector(cts)
            g, t = as_vector([gradients[i]]), as_vector([ts[i]])
            one, other = float(ct @ dy), float(g @ t)
            size = float(np.abs(ct) @ np.abs(dy) + np.abs(g) @ np.abs(t))
        if np.isfinite(one) and np.isfinite(other) and abs(one - other) > rtol * size + 4 * DOUBLE:
            raise GradientCheckError(
                f"{problem.name}: the two sweeps disagree about {problem.names[i]}: <ct, J t> = {one:.12g} by the "
                f"forward rule, <J' ct, t> = {other:.12g} by the reverse rule."
            )
