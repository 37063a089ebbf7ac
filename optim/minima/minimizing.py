"""Minimisation of a function of arrays: one driver for all methods, which records, stops and certifies the minimum."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad
from autodiff.solvers import Eigenpair, smallest_eigenvalue
from optim.minima import methods
from optim.minima.methods import Move
from optim.minima.objective import Objective, Point, Vector
from optim.minima.regions import box_of
from optim.options import checked, whole

_BOTTOM = 1e15  # f counts as unbounded below this multiple of minus its initial size
_FALL = 1e6  # the tolerance grows with |f| up to this multiple of its initial size


class Method(NamedTuple):
    """How to run a method.

    Attributes
    ----------
    steps : callable
        ``(objective, point, **options)``, a generator of moves.
    evaluate : str
        The method of `Objective` that evaluates a point as needed.
    max_iter : int
    certifies : bool
        Whether to check the curvature at a minimum.
    """

    steps: Callable[..., Iterator[Move]]
    evaluate: str
    max_iter: int
    certifies: bool


METHODS: dict[str, Method] = {
    "gd": Method(methods.gradient_steps, "point", 10_000, False),
    "momentum": Method(methods.momentum_steps, "point", 10_000, False),
    "adam": Method(methods.adam_steps, "point", 10_000, False),
    "newton-cg": Method(methods.newton_cg_steps, "model", 5000, True),
    "trust-krylov": Method(methods.trust_krylov_steps, "model", 5000, True),
    "lbfgs": Method(methods.lbfgs_steps, "point", 5000, False),
    "bfgs": Method(methods.bfgs_steps, "point", 5000, False),
    "cg": Method(methods.conjugate_steps, "point", 10_000, False),
    "gauss-newton": Method(methods.gauss_newton_steps, "linear", 5000, True),
}


class Record(NamedTuple):
    """One entry of a history: the start, or the result of an iteration.

    Attributes
    ----------
    x : array or container
        In the structure of `x0`.
    fun : float
    grad_norm : float
        The Euclidean norm of the gradient, without the entries that push against a bound.
    step : float
        Length of the step that led here; 0 at the start.
    curvature : float
        The smallest curvature ``d'Hd / d'd`` seen in this iteration; NaN at the start, or if none was computed.

    Examples
    --------
    >>> import numpy as np, optim
    >>> found = optim.minimize(lambda x: np.sum(x**2), np.ones(2), "gd", learning_rate=0.25, max_iter=2)
    >>> [record.fun for record in found.history]
    [2.0, 0.5, 0.125]
    """

    x: Any
    fun: float
    grad_norm: float
    step: float
    curvature: float


@dataclass(frozen=True, eq=False)
class MinimizeResult:
    """The result of `minimize`.

    Attributes
    ----------
    x : array or container
        In the structure of `x0`.
    fun : float
    grad : array or container
        The gradient at `x`, in the structure of `x0`.
    nit : int
        Number of iterations.
    nfev, nhvp : int
        Numbers of calls of f and of Hessian-vector products.
    success : bool
        Whether ``max|grad| <= tol * max(1, |fun|)``, without the entries that push against a bound. False if `fun` is
        above its value at `x0`, is unbounded below, or has negative curvature at `x`.
    message : str
        The reason for stopping, in a sentence.
    history : list of Record
        ``nit + 1`` entries, the first for `x0`.
    curvature : float
        The smallest eigenvalue of the Hessian at `x`, estimated by Lanczos iteration; NaN if it was not computed.

    Examples
    --------
    >>> import numpy as np, optim
    >>> found = optim.minimize(lambda x: np.sum((x - 3.0) ** 2), np.zeros(2))
    >>> found.success, found.x.round(6)
    (True, array([3., 3.]))
    """

    x: Any
    fun: float
    grad: Any
    nit: int
    nfev: int
    nhvp: int
    success: bool
    message: str
    history: list[Record]
    curvature: float

    def __repr__(self) -> str:
        lines = [f"{name}: {getattr(self, name)!r}" for name in self.__dataclass_fields__ if name != "history"]
        return "MinimizeResult(\n    " + "\n    ".join([*lines, f"history: {len(self.history)} records"]) + "\n)"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str]:
        """For notebooks: the text, and a table with curves of the value and the gradient norm."""
        fields = [name for name in self.__dataclass_fields__ if name not in ("message", "history")]
        rows: list[list[Any]] = [[name, str(getattr(self, name))] for name in fields]
        rows += [[f"{name}, by iteration", ad.display.curve(getattr(r, name) for r in self.history)]
                 for name in ("fun", "grad_norm")]  # fmt: skip
        return ad.display.bundle(repr(self), ad.display.table(["field", "value"], rows, self.message))


def minimize(
    f: Callable[[Any], Any],
    x0: Any,
    method: str = "newton-cg",
    *,
    tol: float = 1e-8,
    max_iter: int | None = None,
    callback: Callable[[Record], Any] | None = None,
    bounds: Any = None,
    certify: bool | None = None,
    **options: Any,
) -> MinimizeResult:
    """Find a local minimum of a function of arrays.

    Parameters
    ----------
    f : callable
        ``x -> number``, written in NumPy. For ``"gauss-newton"`` it is ``x -> residuals``, an array, and half the sum
        of their squares is minimised.
    x0 : array_like, or nested dicts, lists and tuples of them
        The starting point; `f` is called with the same structure.
    method : str, default "newton-cg"
        Gradients with a fixed rate: ``"gd"`` (with a backtracking search if `learning_rate` is not given),
        ``"momentum"``, ``"adam"``. Gradients with a line search: ``"lbfgs"``, ``"bfgs"``, ``"cg"``. Hessian-vector
        products with a trust region: ``"newton-cg"``, ``"trust-krylov"``. The Jacobian of residuals:
        ``"gauss-newton"``.
    tol : float, default 1e-8
        Success is ``max|g| <= tol * max(1, |f|)``.
    max_iter : int, optional
        By default 10,000 for ``"gd"``, ``"momentum"``, ``"adam"`` and ``"cg"``, and 5,000 for the others.
    callback : callable, optional
        Called with the `Record` of every iteration; returning True stops the run.
    bounds : pair, array_like of pairs, or container of them, optional
        For each array of `x0` one pair ``(low, high)``, or one for each of its numbers; None in a pair is no bound.
        Steps are projected onto the bounds.
    certify : bool, optional
        Whether to look for a direction of negative curvature at the end, and to continue along it, so that a saddle is
        left. By default True for the second-order methods.
    **options
        Options of the method: ``learning_rate`` of gd, momentum and adam; ``momentum``, ``nesterov``; ``betas``,
        ``eps``; ``radius``, ``max_radius``, ``max_products`` of the trust regions; ``history_size`` of lbfgs;
        ``damping`` of gauss-newton.

    Returns
    -------
    MinimizeResult

    Raises
    ------
    ValueError, TypeError
        If an option is unknown or out of range.
    autodiff.DomainError
        If `f` or its gradient is not finite at `x0`.

    Notes
    -----
    NumPy's warnings about overflow and invalid values are suppressed during the search, since trial points may lie
    anywhere.

    A critical point has ``grad f(x) = 0``. From p, the direction of a step, and a, its length, follows
    ``x <- x + a p``.

    References
    ----------
    J. Nocedal, S. Wright, "Numerical Optimization", 2nd edition (2006): chapters 3 to 7 and 10.

    Examples
    --------
    >>> import numpy as np, optim
    >>> def rosenbrock(x):
    ...     return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)
    >>> result = optim.minimize(rosenbrock, np.array([-1.2, 1.0]))
    >>> result.success, result.x.round(6), len(result.history) == result.nit + 1
    (True, array([1., 1.]), True)
    >>> line = {"slope": 0.0, "offset": 0.0}
    >>> t = np.array([0.0, 1.0, 2.0])
    >>> residuals = lambda p: p["slope"] * t + p["offset"] - (3.0 * t - 1.0)
    >>> float(optim.minimize(residuals, line, "gauss-newton").x["slope"].round(6))
    3.0
    """
    chosen = _method(method, options)
    tol = checked("tol", tol, 0.0)
    most = chosen.max_iter if max_iter is None else whole("max_iter", max_iter, 0)
    certify = chosen.certifies if certify is None else bool(certify)
    objective = Objective(f, x0, box_of(bounds, x0), squares=method == "gauss-newton")
    with np.errstate(all="ignore"):
        return _run(objective, chosen, tol, most, callback, certify, options)


def _method(method: str, options: dict[str, Any]) -> Method:
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}; {method!r} was given.")
    known = [p.name for p in inspect.signature(METHODS[method].steps).parameters.values() if p.kind is p.KEYWORD_ONLY]
    if unknown := [name for name in options if name not in known]:
        raise TypeError(f"minimize: {method} has no option {unknown[0]!r}; it has {', '.join(known) or 'none'}.")
    return METHODS[method]


def _run(
    objective: Objective,
    method: Method,
    tol: float,
    most: int,
    callback: Callable[[Record], Any] | None,
    certify: bool,
    options: dict[str, Any],
) -> MinimizeResult:
    evaluate: Callable[[Vector], Point] = getattr(objective, method.evaluate)
    point = evaluate(objective.start)
    if not (np.isfinite(point.fun) and np.isfinite(point.grad).all()):
        raise ad.DomainError(
            f"f is {point.fun} at x0, and its gradient {objective.unravel(point.grad)!r}; start at a point where both "
            "are finite."
        )
    history = [_record(objective, Move(point, 0.0, float("nan")))]
    steps = method.steps(objective, point, **options)
    curvature, success, message = float("nan"), False, ""
    while not message:
        move: Move | None = None
        if _is_flat(objective, point, history, tol):
            success, message = True, "the gradient is 0 within the tolerance"
            if not objective.free(point).all():
                message += ", but for what pushes against a bound"
            if certify:
                pair = _flattest(objective, point)
                curvature = pair.value
                negligible = 1e-8 * pair.largest
                if len(history) <= most and pair.value < -negligible:
                    move = _leave(objective, point, pair, evaluate)
                message += _kind(pair, negligible)
                success = not pair.value < -negligible
                if move is not None:  # at a saddle: restart the method beside it
                    success, message, curvature = False, "", float("nan")
                    steps = method.steps(objective, move.point, **options)
        elif len(history) > most:
            message = f"max_iter = {most} iterations were not enough"
        else:
            move = next(steps, None)
            if move is None:
                message = "no step lowers f any further; its rounding errors may not allow a smaller gradient"
        if move is None:
            continue
        point = move.point
        history.append(_record(objective, move))
        if callback is not None and callback(history[-1]) is True:
            message = "the callback stopped it"
            success = _is_flat(objective, point, history, tol)
        elif point.fun < -_BOTTOM * max(1.0, abs(history[0].fun)):
            message = "f seems to be unbounded below"
        elif not (np.isfinite(point.fun) and np.isfinite(point.grad).all() and np.isfinite(point.x).all()):
            message = "f is no longer finite: the steps were too long; use a smaller learning_rate"
    return MinimizeResult(
        x=objective.unravel(point.x),
        fun=point.fun,
        grad=objective.unravel(point.grad),
        nit=len(history) - 1,
        nfev=objective.nfev,
        nhvp=objective.nhvp,
        success=success,
        message=f"{message} (max|g|{_rest(objective, point)} = {_size(objective, point):.2e}).",
        history=history,
        curvature=curvature,
    )


def _is_flat(objective: Objective, point: Point, history: list[Record], tol: float) -> bool:
    """Whether the gradient is small relative to f, and f has not risen. Once f has fallen far, the scale is capped."""
    scale = min(max(1.0, abs(point.fun)), _FALL * max(1.0, abs(history[0].fun)))
    return _size(objective, point) <= tol * scale and point.fun <= history[0].fun


def _rest(objective: Objective, point: Point) -> str:
    return "" if objective.free(point).all() else " of the rest"


def _size(objective: Objective, point: Point) -> float:
    return float(np.abs(objective.slope(point)).max())


def _record(objective: Objective, move: Move) -> Record:
    p = move.point
    norm = float(np.linalg.norm(objective.slope(p)))
    return Record(objective.unravel(p.x.copy()), p.fun, norm, move.step, move.curvature)


def _flattest(objective: Objective, point: Point) -> Eigenpair:
    """The direction of the smallest curvature in the numbers that no bound holds."""
    matvec = point.matvec or objective.model(point.x).matvec
    assert matvec is not None
    free = objective.free(point)
    if objective.box is not None:  # a number at its bound must not cross it, even if its slope is 0
        free &= (point.x > objective.box.low) & (point.x < objective.box.high)
    places = np.flatnonzero(free)
    if not places.size:
        return Eigenpair(float("inf"), np.zeros_like(point.x), 0.0, 0.0, 0)

    def reduced(v: Vector) -> Vector:
        whole_vector = np.zeros_like(point.x)
        whole_vector[places] = v
        return matvec(whole_vector)[places]

    pair = smallest_eigenvalue(reduced, places.size, dtype=point.x.dtype)
    vector = np.zeros_like(point.x)
    vector[places] = pair.vector
    return pair._replace(vector=vector)


def _kind(pair: Eigenpair, negligible: float) -> str:
    if np.isnan(pair.value):
        return "; the curvature there is not finite"
    if np.isinf(pair.value):
        return ", and every number is at a bound: a minimum"
    if pair.value < -negligible:
        return f", but the smallest curvature is {pair.value:.2e}, and no lower point was found along it"
    if pair.value <= negligible:
        return "; the smallest curvature is 0 within rounding, so this may not be a minimum"
    return f", and the smallest curvature is {pair.value:.2e}: a minimum"


def _leave(objective: Objective, point: Point, pair: Eigenpair, evaluate: Callable[[Vector], Point]) -> Move | None:
    """A step along a direction of negative curvature that lowers f by a fraction of the predicted decrease."""
    sign = -1.0 if float(point.grad @ pair.vector) > 0.0 else 1.0

    def there(length: float) -> tuple[Vector, bool]:
        x = objective.project(point.x + length * pair.vector)
        return x, objective.value(x) < point.fun + 1e-4 * 0.5 * pair.value * length**2

    for length in sign * 0.5 ** np.arange(24.0):
        for side in (length, -length):
            if not there(side)[1]:
                continue
            while abs(side) >= 1.0 and there(10.0 * side)[1]:  # f still falls: step further
                side *= 10.0
            new = evaluate(there(side)[0])
            if np.isfinite(new.fun) and not np.isfinite(new.grad).all():
                continue
            return Move(new, float(np.linalg.norm(new.x - point.x)), pair.value)
    return None
