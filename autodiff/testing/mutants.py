"""Mutation tests: all primitives, and context managers that spoil their rules. A test must be able to fail."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from autodiff import ops, probability, special
from autodiff.core.masks import array_behind
from autodiff.core.primitives import LINEAR, MADE, NUMPY_PRIMITIVES, Primitive, Rule


def all_primitives() -> dict[str, Primitive]:
    """Every primitive of the derivative tables, by the name under which its module holds it.

    Returns
    -------
    dict of str to Primitive
        ``"elementwise.sin"``, ``"reductions.sum_over"``, ...; a primitive for a NumPy function that has no
        name in a module is called ``"numpy.<name>"``.

    Examples
    --------
    >>> from autodiff.testing import all_primitives
    >>> all_primitives()["elementwise.sin"]
    <elementwise primitive sin>
    """
    modules = [
        importlib.import_module(m.name)
        for package in (ops, probability)
        for m in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    ]
    found: dict[str, Primitive] = {}
    seen: set[Primitive] = set()
    # A primitive is listed under the module that makes it; modules that only import it come in the second round.
    for own in (True, False):
        for module in (*modules, special):
            for name, value in vars(module).items():
                if isinstance(value, Primitive) and value not in seen and _is_made_in(value, module.__name__) is own:
                    seen.add(value)
                    found[f"{module.__name__.rpartition('.')[2]}.{name}"] = value
    for function, primitive in NUMPY_PRIMITIVES.items():
        if primitive not in seen:
            seen.add(primitive)
            found[f"numpy.{function.__name__}"] = primitive
    return found


def _is_made_in(primitive: Primitive, module: str) -> bool:
    rules: list[Any] = [*(primitive.pulls or ()), *(primitive.pushes or ()), primitive.joint_pull, primitive.fn]
    return any(getattr(r, "__module__", None) == module for r in rules)


def rules_of(primitive: Primitive) -> list[tuple[str, int | None]]:
    """The rules that can be spoiled: mode and operand, or None if one rule serves all operands.

    The forward rule of a linear function is left out: it is the function itself and cannot be wrong.
    """
    out: list[tuple[str, int | None]] = []
    if primitive.pulls is None:
        out.append(("reverse", None))
    else:
        out += [("reverse", i) for i, rule in enumerate(primitive.pulls) if rule is not None]
    if primitive.kind != LINEAR:
        if primitive.pushes is None:
            out.append(("forward", None))
        else:
            out += [("forward", i) for i, rule in enumerate(primitive.pushes) if rule is not None]
    return out


# --- ways in which a rule can be wrong ------------------------------------------------------------


def _each(change: Callable[[Any], Any]) -> Callable[[Rule], Rule]:
    """A change of a rule that applies `change` to each of its results."""

    def changed(rule: Rule) -> Rule:
        def wrong(*args: Any, **keywords: Any) -> Any:
            result = rule(*args, **keywords)
            if isinstance(result, (tuple, list)):
                return tuple(None if r is None else change(r) for r in result)
            return None if result is None else change(result)

        return wrong

    return changed


def _without_one_entry(g: Any) -> Any:
    """The result with 0 in its last entry, wrong at this index only."""
    if not np.size(g):
        return g
    keep = np.arange(np.size(g)).reshape(np.shape(g)) != np.size(g) - 1
    return g * keep


def _swapped(rule: Rule) -> Rule:
    """The rule with its last two operands exchanged."""

    def wrong(*args: Any, **keywords: Any) -> Any:
        return rule(*args[:-2], args[-1], args[-2], **keywords)

    return wrong


KINDS: dict[str, Callable[[Rule], Rule]] = {
    "scaled": _each(lambda g: g * 1.001),
    "flipped sign": _each(lambda g: -g),
    "dropped": _each(lambda g: g * 0.0),
    "dropped entry": _each(_without_one_entry),
    "swapped operands": _swapped,
}
"""The ways in which rules are spoiled: wrong by a thousandth, wrong sign, zero, zero in one entry, and for functions of
two operands with the operands exchanged."""


def times(factor: float) -> Callable[[Rule], Rule]:
    """The change that multiplies the results of a rule."""
    return _each(lambda g: g * factor)


@contextmanager
def spoiled(
    primitive: Primitive,
    change: Callable[[Rule], Rule],
    *,
    modes: Sequence[str] = ("reverse", "forward"),
    operand: int | None = None,
) -> Iterator[None]:
    """Context manager in which the rules of a primitive are changed.

    Parameters
    ----------
    primitive : Primitive
        The primitive whose rules to spoil.
    change : callable
        Takes a rule and returns another one.
    modes : sequence of {"reverse", "forward"}
        Which rules to change.
    operand : int, optional
        Change only the rules of this operand (or of all, if one rule serves them together).

    Returns
    -------
    context manager
        The rules are the right ones again after it.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> double = ad.elementwise(lambda x: 2 * x, lambda t, y, x: 2 * t, name="double")
    >>> with ad.testing.spoiled(double, ad.testing.KINDS["flipped sign"]):
    ...     float(ad.grad(double)(1.0))
    -2.0
    """
    before = (primitive.pulls, primitive.pushes, primitive.joint_pull, primitive.joint_push, primitive.direct)

    def changed(rules: tuple[Rule | None, ...] | None) -> tuple[Rule | None, ...] | None:
        if rules is None:
            return None
        return tuple(change(r) if r is not None and operand in (None, i) else r for i, r in enumerate(rules))

    if "reverse" in modes:
        primitive.pulls = changed(primitive.pulls)
        primitive.joint_pull = change(primitive.joint_pull) if primitive.joint_pull else None
        primitive.direct = None  # the fast version of the rules: without it the rules themselves are called
    if "forward" in modes:
        primitive.pushes = changed(primitive.pushes)
        primitive.joint_push = change(primitive.joint_push) if primitive.joint_push else None
    try:
        yield
    finally:
        primitive.pulls, primitive.pushes, primitive.joint_pull, primitive.joint_push, primitive.direct = before


def scaled(
    primitive: Primitive,
    factor: float = 1.001,
    *,
    modes: Sequence[str] = ("reverse", "forward"),
    operand: int | None = None,
) -> AbstractContextManager[None]:
    """Context manager in which the rules of a primitive give `factor` times the right result.

    Parameters
    ----------
    primitive : Primitive
        The primitive whose rules to spoil.
    factor : float, default 1.001
        The default is an error that a careful check still sees.
    modes : sequence of {"reverse", "forward"}
        Which rules to change.
    operand : int, optional
        Change only the rules of this operand (or of all, if one rule serves them together).

    Returns
    -------
    context manager
        The rules are the right ones again after it.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> from autodiff.testing import all_primitives, scaled
    >>> with scaled(all_primitives()["elementwise.exp"], 3.0):
    ...     float(ad.grad(np.exp)(0.0))
    3.0
    >>> float(ad.grad(np.exp)(0.0))
    1.0
    """
    return spoiled(primitive, times(factor), modes=modes, operand=operand)


# --- running checks on mutants --------------------------------------------------------------------


class Mutant(NamedTuple):
    """One rule, spoiled in one way.

    Attributes
    ----------
    primitive : str
        Its name in `all_primitives`.
    mode : {"reverse", "forward"}
        The sweep to which the rule belongs.
    operand : int or None
        The operand to which the rule belongs; None if one rule serves all operands.
    kind : str
        One of `KINDS`.

    Examples
    --------
    >>> import autodiff as ad
    >>> mutant = ad.testing.Mutant("sin", "reverse", 0, "scaled")
    >>> mutant.kind
    'scaled'
    """

    primitive: str
    mode: str
    operand: int | None
    kind: str

    def __str__(self) -> str:
        of = "" if self.operand is None else f" of operand {self.operand}"
        return f"{self.primitive}: {self.mode} rule{of}, {self.kind}"


@dataclass(frozen=True)
class MutationReport:
    """The fate of the mutants.

    Attributes
    ----------
    caught : list of Mutant
        A check failed.
    survivors : list of Mutant
        All checks passed with this rule wrong.
    idle : list of Mutant
        No check called the rule, or it never differed from the right one.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> report = ad.testing.mutate_rules(lambda: ad.testing.gradcheck(np.sin, np.array([0.5]), order=1))
    >>> report.ok, len(report.survivors)
    (True, 0)
    """

    caught: list[Mutant]
    survivors: list[Mutant]
    idle: list[Mutant]

    @property
    def ok(self) -> bool:
        """Whether no mutant survives."""
        return not self.survivors

    def __str__(self) -> str:
        total = len(self.caught) + len(self.survivors)
        lines = [f"{len(self.caught)} of {total} mutants caught, {len(self.idle)} idle"]
        return "\n".join(lines + [f"  survives: {mutant}" for mutant in self.survivors])


def mutate_rules(
    *checks: Callable[[], object],
    primitives: Mapping[str, Primitive] | None = None,
    kinds: Sequence[str] = tuple(KINDS),
    modes: Sequence[str] = ("reverse", "forward"),
) -> MutationReport:
    """Spoil one rule after another, run the checks each time, and list the wrong rules that they do not notice.

    Parameters
    ----------
    *checks : callable
        Functions without arguments that raise an exception if something is wrong. They must pass with the right rules.
    primitives : mapping of str to Primitive, optional
        The primitives whose rules to spoil. By default all that the checks use, your own as ``"<module>.<name>"``.
    kinds : sequence of str
        The ways to spoil them, from `KINDS`.
    modes : sequence of {"reverse", "forward"}
        The sweeps whose rules to spoil.

    Returns
    -------
    MutationReport
        Its ``survivors`` show what the checks do not cover.

    Raises
    ------
    ValueError
        If a kind is not known, or no check is given.
    Exception
        The exception of a check, if one fails with the right rules.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> from autodiff.testing import gradcheck, mutate_rules
    >>> mutate_rules(lambda: gradcheck(np.sin, np.array([0.5, 1.0]), order=1)).ok
    True
    >>> lax = mutate_rules(lambda: gradcheck(np.sin, np.array([0.5]), order=1, rtol=0.1), kinds=["scaled"])
    >>> print(lax)
    0 of 2 mutants caught, 0 idle
      survives: elementwise.sin: reverse rule of operand 0, scaled
      survives: elementwise.sin: forward rule of operand 0, scaled
    """
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise ValueError(f"mutate_rules: the kinds are {', '.join(KINDS)}; {', '.join(unknown)} was given.")
    if not checks or not all(map(callable, checks)):
        raise ValueError(
            "mutate_rules: give checks to run, functions without arguments that raise if something is wrong."
        )
    known = all_primitives() | _of_users() if primitives is None else primitives
    used = _used(checks, list(known.values()))
    caught: list[Mutant] = []
    survivors: list[Mutant] = []
    idle: list[Mutant] = []
    for name, primitive in known.items():
        if primitive not in used:
            continue
        for mode, operand in rules_of(primitive):
            if mode not in modes:
                continue
            for kind in kinds:
                if kind == "swapped operands" and not (operand is not None and len(primitive.pulls or ()) == 2):
                    continue
                mutant = Mutant(name, mode, operand, kind)
                differs: list[bool] = []
                with spoiled(primitive, watched(KINDS[kind], differs), modes=(mode,), operand=operand):
                    fate = _run(checks)
                (caught if fate else survivors if differs else idle).append(mutant)
    return MutationReport(caught, survivors, idle)


def _of_users() -> dict[str, Primitive]:
    """The primitives made outside this package, by module and name."""
    package = __name__.partition(".")[0] + "."
    outside = [(getattr(p.fn, "__module__", None) or "numpy", p) for p in MADE if p not in NUMPY_PRIMITIVES.values()]
    names = [(f"{module.rpartition('.')[2]}.{p.name}", p) for module, p in outside if not module.startswith(package)]
    found: dict[str, Primitive] = {}
    for name, p in sorted(names, key=lambda pair: pair[0]):
        found[name if name not in found else f"{name} ({len(found)})"] = p
    return found


def _run(checks: Sequence[Callable[[], object]]) -> bool:
    """Whether a check fails."""
    for check in checks:
        try:
            check()
        except Exception:
            return True
    return False


def _used(checks: Sequence[Callable[[], object]], primitives: Sequence[Primitive]) -> set[Primitive]:
    """The primitives of which at least one rule is called."""
    used: set[Primitive] = set()
    with ExitStack() as stack:
        for primitive in primitives:
            stack.enter_context(spoiled(primitive, _noting(primitive, used)))
        for check in checks:
            check()
    return used


def _noting(primitive: Primitive, used: set[Primitive]) -> Callable[[Rule], Rule]:
    def changed(rule: Rule) -> Rule:
        def same(*args: Any, **keywords: Any) -> Any:
            used.add(primitive)
            return rule(*args, **keywords)

        return same

    return changed


def watched(change: Callable[[Rule], Rule], differs: list[bool]) -> Callable[[Rule], Rule]:
    """The same change of a rule, which also appends True to `differs` when the result differs from the right one."""

    def changed(rule: Rule) -> Rule:
        spoiled_rule = change(rule)

        def wrong(*args: Any, **keywords: Any) -> Any:
            try:
                result = spoiled_rule(*args, **keywords)
            except Exception:
                differs.append(True)
                raise
            if not differs and not _equal(result, rule(*args, **keywords)):
                differs.append(True)
            return result

        return wrong

    return changed


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, (tuple, list)):
        return len(one) == len(other) and all(map(_equal, one, other))
    if one is None or other is None:
        return one is other
    one, other = array_behind(one), array_behind(other)
    return bool(np.array_equal(one, other, equal_nan=True))
