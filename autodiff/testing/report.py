"""The results of a gradient check: single comparisons, and the report that collects them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from autodiff.errors import AutodiffError, GradientError

MATCH, KINK, ILL_CONDITIONED, WRONG = "match", "kink", "ill-conditioned", "wrong"
RAISES, MUTATES, RANDOM, INTEGER, NOT_A_NUMBER = "raises", "mutates", "not deterministic", "integer", "nan"
"""Verdicts on functions that cannot be checked, and on a derivative that is NaN."""


class GradientCheckError(AutodiffError, AssertionError):
    """A derivative does not agree with differences of the function, or the function cannot be checked.

    Attributes
    ----------
    verdict : str
        For a derivative ``"wrong"``, ``"kink"``, or ``"nan"`` if it is NaN; for a function that cannot be checked
        ``"raises"``, ``"mutates"``, ``"not deterministic"`` or ``"integer"``.
    report : Report or None
        All comparisons made before the error.
    listing : str
        The recorded operations that lead to the one to blame, as text; empty if there is nothing to show.
    picture : callable or None
        Draws the graph, as `autodiff.draw` does; None if there is nothing to draw.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> wrong = ad.elementwise(lambda x: x**2, lambda t, y, x: t * x, name="wrong")
    >>> ad.testing.gradcheck(wrong, np.array([1.0]))
    Traceback (most recent call last):
    ...
    autodiff.testing...GradientCheckError: gradcheck of wrong: reverse derivative by x ... analytic 1, numeric 2...
    """

    verdict: str = WRONG
    report: Report | None = None
    listing: str = ""
    picture: Callable[[], Any] | None = None


class NotCheckableError(GradientCheckError, GradientError):
    """There is nothing to differentiate with respect to, or no result that has a derivative.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> ad.testing.gradcheck(np.argmax, np.ones(2))
    Traceback (most recent call last):
    ...
    autodiff.testing...NotCheckableError: gradcheck: argmax returned nothing that is real or complex; ...
    """

    verdict = INTEGER


def refusal(text: str, verdict: str) -> GradientCheckError:
    """The error about a function that cannot be checked."""
    error = GradientCheckError(text)
    error.verdict = verdict
    return error


@dataclass(frozen=True)
class Comparison:
    """One derivative, by a rule and by differences.

    Attributes
    ----------
    order : int
        1 for a first derivative, 2 for a derivative of the pullback.
    mode : str
        ``"reverse"`` or ``"forward"``.
    operand : str
        The argument, with its path inside a container: ``params['w']``.
    index : tuple of int, or None
        The entry of the argument; None for a random direction through all entries.
    output : int, or None
        The entry of the results, all counted through, at which the two disagree most; None for a random
        combination of them (reverse), or if there is only one.
    analytic, numeric : float
        The two derivatives.
    error : float
        Estimated error of the numeric one.
    verdict : str
        ``"match"``, ``"kink"``, ``"ill-conditioned"`` or ``"wrong"``.
    scale : float
        Magnitude of the function's values, for each unit that the argument moves; `difference` is relative to it too.
    sides : tuple of float, or None
        The one-sided slopes, if they differ.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> report = ad.testing.gradcheck(np.sin, np.array([0.5]), order=1)
    >>> {comparison.verdict for comparison in report.comparisons}
    {'match'}
    """

    order: int
    mode: str
    operand: str
    index: tuple[int, ...] | None
    output: int | None
    analytic: float
    numeric: float
    error: float
    verdict: str
    scale: float = 1.0
    sides: tuple[float, float] | None = None

    @property
    def difference(self) -> float:
        """The difference of the two derivatives, relative to the larger one or the scale, whichever is largest."""
        if self.analytic == self.numeric:
            return 0.0
        return abs(self.analytic - self.numeric) / max(abs(self.analytic), abs(self.numeric), self.scale)

    def __str__(self) -> str:
        where = "along a random direction" if self.index is None else f"at index {self.index}"
        what = "derivative" if self.order == 1 else f"derivative of order {self.order}"
        at = f", of result {self.output}" if self.output is not None else ""
        sides = f" (between slopes of {self.sides[0]:.6g} and {self.sides[1]:.6g})" if self.sides else ""
        return (
            f"{self.mode} {what} by {self.operand} {where}{at}: analytic {self.analytic:.12g}, numeric "
            f"{self.numeric:.12g}{sides} with an estimated error of {self.error:.1g}: {self.verdict}"
        )


@dataclass
class Report:
    """The comparisons of one check.

    Attributes
    ----------
    name : str
        What was checked.
    comparisons : list of Comparison
        In the order in which they were made.
    show_kinks : bool
        Whether the text lists kinks one by one.
    notes : list of str
        Further remarks, such as results that were left out.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> report = ad.testing.gradcheck(np.abs, np.array([0.0, 1.0]), order=1)
    >>> report.ok, sorted(report.verdicts)
    (True, ['kink', 'match'])
    """

    name: str
    comparisons: list[Comparison] = field(default_factory=list)
    show_kinks: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return all(c.verdict != WRONG for c in self.comparisons)

    @property
    def verdicts(self) -> dict[str, int]:
        """The number of comparisons with each verdict."""
        return dict(Counter(c.verdict for c in self.comparisons))

    @property
    def max_error(self) -> float:
        """The largest relative difference among the comparisons that match."""
        return max((c.difference for c in self.comparisons if c.verdict == MATCH), default=0.0)

    def __str__(self) -> str:
        counts = ", ".join(f"{verdict}: {n}" for verdict, n in self.verdicts.items()) or "nothing to compare"
        lines = [f"gradcheck of {self.name}: {counts}; largest difference of a match {self.max_error:.1g}"]
        listed = {WRONG, ILL_CONDITIONED} | ({KINK} if self.show_kinks else set())
        lines += [f"  {c}" for c in self.comparisons if c.verdict in listed]
        return "\n".join(lines + [f"  {note}" for note in self.notes])
