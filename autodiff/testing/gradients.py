"""`gradcheck`: it tells whether derivatives are right, and if not, which entry of which argument is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from autodiff.core.modes import no_grad
from autodiff.errors import GradientError
from autodiff.testing.blame import first_wrong_operation
from autodiff.testing.comparing import Examination
from autodiff.testing.differences import direction
from autodiff.testing.leaving import exits
from autodiff.testing.listing import shown
from autodiff.testing.probing import Settings
from autodiff.testing.problems import Problem, problem_of, pullback_of, pushforward_of, widened
from autodiff.testing.report import (
    KINK,
    MATCH,
    NOT_A_NUMBER,
    WRONG,
    GradientCheckError,
    NotCheckableError,
    Report,
    refusal,
)

MODES = ("reverse", "forward")


def gradcheck(
    f: Callable[..., Any],
    *xs: Any,
    order: int = 2,
    modes: Sequence[str] = MODES,
    rtol: float = 1e-6,
    atol: float = 0.0,
    on_kink: str = "accept",
    complex_step: bool | None = None,
    full: bool = False,
    strict_nan: bool = False,
    seed: int = 0,
    parameters: Any = None,
    **keywords: Any,
) -> Report:
    """Check the derivatives of a function against differences of its values.

    Parameters
    ----------
    f : callable
        Takes and returns arrays, numbers, or nested dicts, lists and tuples of them.
    *xs : array_like
        The point. Integers and Booleans among them are held constant.
    order : int, default 2
        1: first derivatives; 2: also the derivatives of the pullback, with respect to the point and the
        cotangent; and so on.
    modes : sequence of {"reverse", "forward"}
        Which sweeps to check.
    rtol, atol : float
        Allowed difference: ``atol + rtol * |derivative|``. A larger difference passes only if the estimated
        error of the differences explains it.
    on_kink : {"accept", "report", "raise"}
        What to do where the one-sided slopes differ and bracket the answer: count it, also list it in
        the report's text, or raise.
    complex_step : bool, optional
        True: `f` is analytic and takes complex numbers, so its derivative is known to round-off.
        False: never try. By default it is tried where differences cannot decide.
    full : bool, default False
        Check every entry by itself, not only random directions: the whole Jacobian.
    strict_nan : bool, default False
        Raise for a derivative that is NaN where the point and the value are numbers, in place of leaving it out.
    seed : int, default 0
        Seed of the random directions and cotangents.
    parameters : module, or iterable of Tensor, optional
        Tracked leaves that `f` reads; derivatives with respect to them are checked too. By default those of `f`, if it
        is a module.
    **keywords
        Passed to `f`.

    Returns
    -------
    Report
        With ``.ok``, ``.max_error``, ``.verdicts`` and a readable text.

    Raises
    ------
    GradientCheckError
        If a derivative is wrong. The message names the function, the argument and its entry, the two
        derivatives, the estimated error of the numeric one, and the operation whose rule is to blame. Also if `f`
        raises, writes into its argument or is not deterministic; ``.verdict`` says which.
    NotCheckableError
        If there is nothing to differentiate, or no finite result to compare. It is a GradientError too.

    Notes
    -----
    Verdicts: *match*; *kink*, the one-sided slopes differ and bracket the answer; *ill-conditioned*, round-off
    explains the difference; *wrong*. First, each argument is checked along one random direction. A direction that
    does not match, or may hide a wrong entry among larger ones, is narrowed down to an entry. float32 arguments
    are checked in double precision, and then the two precisions are compared.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff.testing import gradcheck
    >>> gradcheck(lambda x: np.sin(x).sum(), np.array([0.5, 1.0])).verdicts
    {'match': 6}

    A network, with respect to its input and its parameters:

    >>> import nn
    >>> model = nn.Linear(2, 1, dtype=float)
    >>> sorted({c.operand for c in gradcheck(model, np.ones((3, 2)), order=1).comparisons})
    ['bias', 'weight', 'x']
    """
    __tracebackhide__ = True  # pytest shows the line of the test
    problem = problem_of(f, xs, keywords, parameters)
    if isinstance(modes, str) or not modes or not set(modes) <= set(MODES):
        raise GradientError(f'gradcheck: modes must be a tuple of "reverse" and "forward"; {modes!r} was given.')
    if on_kink not in ("accept", "report", "raise"):
        raise GradientError(f'gradcheck: on_kink must be "accept", "report" or "raise"; {on_kink!r} was given.')
    if not isinstance(order, int) or order < 1:
        raise GradientError(f"gradcheck: order must be a positive integer; {order!r} was given.")
    settings = Settings(tuple(modes), rtol, atol, complex_step, full=full)
    return check_problem(problem, order, settings, seed, on_kink, strict_nan=strict_nan)


def check_problem(
    problem: Problem, order: int, settings: Settings, seed: int, on_kink: str = "accept", *, strict_nan: bool = False
) -> Report:
    """`gradcheck` of a function that is already in flat form."""
    __tracebackhide__ = True
    report = examine(problem, order, settings, seed, on_kink, strict_nan=strict_nan)
    last = _last_verdict(report)
    if last == WRONG or (last == KINK and on_kink == "raise"):
        raise _complaint(problem, report, settings)
    return report


def finds_fault(problem: Problem, order: int, settings: Settings, seed: int = 0) -> bool:
    """Whether `check_problem` would call a derivative wrong; it does not look for the operation to blame."""
    return _last_verdict(examine(problem, order, settings, seed)) == WRONG


def _last_verdict(report: Report) -> str:
    return report.comparisons[-1].verdict if report.comparisons else MATCH


def examine(
    problem: Problem, order: int, settings: Settings, seed: int, on_kink: str = "accept", *, strict_nan: bool = False
) -> Report:
    """All comparisons of `check_problem`, of which the last may be wrong."""
    __tracebackhide__ = True
    # Results that depend on other tracked Tensors than the arguments would stay tracked, and would be recorded again.
    with no_grad() if problem.closes else nullcontext():
        return _examined(problem, order, settings, seed, on_kink, strict_nan=strict_nan)


def _examined(problem: Problem, order: int, settings: Settings, seed: int, on_kink: str, *, strict_nan: bool) -> Report:
    """All comparisons, up to the first one that fails."""
    __tracebackhide__ = True
    report = Report(problem.name, show_kinks=on_kink == "report")
    rng = np.random.default_rng(seed)
    current = problem
    excluded = [np.zeros(np.shape(x), bool) for x in problem.leaves]
    for n in range(1, order + 1):
        examination = Examination(current, n, settings, rng, excluded)
        if examination.left_out:
            if n == 1 and not np.isfinite(problem.value(problem.leaves)).any():
                raise NotCheckableError(
                    f"gradcheck: no result of {problem.name} is finite at this point (all are NaN or infinite), so "
                    "there is nothing to compare. Check it where it has a value; ad.detect_anomaly() names the "
                    "operation that made the first NaN."
                )
            report.notes.append(f"order {n}: {examination.left_out} result(s) are not finite there and were left out")
        if strict_nan:
            _no_nan(problem, examination, n)
        for comparison in examination.run():
            report.comparisons.append(comparison)
            if comparison.verdict == WRONG or (comparison.verdict == KINK and on_kink == "raise"):
                return report
        if n < order:
            excluded = [e | k for e, k in zip(excluded, examination.kinked, strict=True)]
            if "reverse" in settings.modes:
                extra = [c.astype(np.asarray(y).dtype) for c, y in _like_results(current, examination)]
                current = pullback_of(current, extra)
            else:
                extra = [direction(x, rng).astype(x.dtype) for x in current.leaves]
                current = pushforward_of(current, extra)
            excluded += [np.zeros(np.shape(x), bool) for x in extra]
    return report


def _like_results(problem: Problem, examination: Examination) -> list[tuple[Any, Any]]:
    return list(zip(examination.cts, problem.call(*problem.leaves), strict=True))


def _no_nan(problem: Problem, examination: Examination, order: int) -> None:
    """Raise if the reverse sweep gives NaN for an entry that is a number."""
    for name, x, g in zip(examination.problem.names, examination.problem.leaves, examination.gradients or []):
        bad = np.isnan(g) & np.isfinite(x)
        if bad.any():
            index = tuple(int(k) for k in np.argwhere(bad)[0])
            raise refusal(
                f"gradcheck of {problem.name}: the derivative of order {order} by {name} at index {index} is NaN, "
                f"where the argument is {np.asarray(x)[index]:.6g}; ad.detect_anomaly() names the operation.",
                NOT_A_NUMBER,
            )


def _lost(problem: Problem, *, is_tracked: bool) -> str:
    """What to say if the gradient is lost on the way: values left the graph."""
    ways = exits(problem)
    if ways:
        return (
            f" The gradient is lost by {'; '.join(ways)}: a value taken out of the graph is a constant to the "
            f"derivative. Use the tensor itself; where a constant is meant, compute it outside of the function."
        )
    if is_tracked:
        return ""
    return " The gradient is lost: the result is not tracked, so something left the graph on the way."


def _complaint(problem: Problem, report: Report, settings: Settings) -> GradientCheckError:
    last = report.comparisons[-1]
    text = f"gradcheck of {problem.name}: {last}."
    wide = problem.at(widened(problem.leaves))
    blamed = None
    if last.verdict == KINK:
        text = f'{text} The function has no derivative there; on_kink="accept" lets kinks pass.'
    else:
        blamed = first_wrong_operation(wide, last.order, settings)
        if blamed is None or blamed.node is None:  # every rule by itself is right
            text += _lost(wide, is_tracked=blamed is None)
        else:
            text += f" The first operation whose own rule disagrees: {blamed.text}."
    error = refusal(text, last.verdict)
    error.report = report
    error.listing, error.picture = shown(wide, blamed.node if blamed else None)
    return error
