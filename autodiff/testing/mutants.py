"""Every primitive there is, and a way to spoil its rules for a while: a test must be able to fail."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from autodiff import ops, probability, special
from autodiff.core.primitives import LINEAR, MADE, NUMPY_PRIMITIVES, Primitive, Rule


def all_primitives() -> dict[str, Primitive]:
    """Every primitive of the derivative tables, by the name under which its module holds it.

    Returns
    -------
    dict of str to Primitive
        ``"elementwise.sin"``, ``"reductions.sum_over"``, ...; a NumPy function with rules that no module
        names comes as ``"numpy.<name>"``.

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
    # A primitive is listed where it is made; a module that only imports it comes later in the race.
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
    """The rules that can be spoiled: mode and operand; None where one rule serves all operands.

    The forward rule of a linear function is the function itself and is left out: nobody can write it wrong.
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


# --- how a rule can be wrong ----------------------------------------------------------------------


def _each(change: Callable[[Any], Any]) -> Callable[[Rule], Rule]:
    """A change of what a rule returns, as a change of the rule."""

    def changed(rule: Rule) -> Rule:
        def wrong(*args: Any, **keywords: Any) -> Any:
            result = rule(*args, **keywords)
            if isinstance(result, (tuple, list)):
                return tuple(None if r is None else change(r) for r in result)
            return None if result is None else change(result)

        return wrong

    return changed


def _without_one_entry(g: Any) -> Any:
    """Wrong at one index only, the last."""
    if not np.size(g):
        return g
    keep = np.arange(np.size(g)).reshape(np.shape(g)) != np.size(g) - 1
    return g * keep


def _swapped(rule: Rule) -> Rule:
    """The rule, with the first two operands in each other's place."""

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
"""How rules are spoiled: off by a thousandth, of the wrong sign, left out altogether, left out at one entry, and, of
functions of two operands, applied to the wrong one."""


def times(factor: float) -> Callable[[Rule], Rule]:
    """The change that multiplies what a rule returns."""
    return _each(lambda g: g * factor)


@contextmanager
def spoiled(
    primitive: Primitive,
    change: Callable[[Rule], Rule],
    *,
    modes: Sequence[str] = ("reverse", "forward"),
    operand: int | None = None,
) -> Iterator[None]:
    """Context manager: the rules of a primitive are changed.

    Parameters
    ----------
    primitive : Primitive
        Whose rules to spoil.
    change : callable
        From a rule to another one.
    modes : sequence of {"reverse", "forward"}
        Which of them.
    operand : int, optional
        Only the rules of this operand (all, where one rule serves them together).
    """
    before = (primitive.pulls, primitive.pushes, primitive.joint_pull, primitive.joint_push, primitive.direct)

    def changed(rules: tuple[Rule | None, ...] | None) -> tuple[Rule | None, ...] | None:
        if rules is None:
            return None
        return tuple(change(r) if r is not None and operand in (None, i) else r for i, r in enumerate(rules))

    if "reverse" in modes:
        primitive.pulls = changed(primitive.pulls)
        primitive.joint_pull = change(primitive.joint_pull) if primitive.joint_pull else None
        primitive.direct = None  # the fast twin of the rules: without it they are called themselves
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
    """Context manager: the rules of a primitive give `factor` times what they should.

    Parameters
    ----------
    primitive : Primitive
        Whose rules to spoil.
    factor : float, default 1.001
        What a careful check still sees.
    modes : sequence of {"reverse", "forward"}
        Which of them.
    operand : int, optional
        Only the rules of this operand (all, where one rule serves them together).

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


# --- which checks see it --------------------------------------------------------------------------


class Mutant(NamedTuple):
    """One rule, spoiled in one way.

    Attributes
    ----------
    primitive : str
        By the name under which `all_primitives` lists it.
    mode : {"reverse", "forward"}
        Of which sweep.
    operand : int or None
        Whose rule; None where one rule serves all operands.
    kind : str
        One of `KINDS`.
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
    """What became of the mutants.

    Attributes
    ----------
    caught : list of Mutant
        Seen: a check failed.
    survivors : list of Mutant
        Not seen: the checks pass with this rule wrong.
    idle : list of Mutant
        Never called by any check, or never different from the rule that is right.
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
    """Run checks with one rule after the other spoiled, and list what they do not notice.

    Parameters
    ----------
    *checks : callable
        Without arguments; each raises an exception if something is wrong. They must pass as things are.
    primitives : mapping of str to Primitive, optional
        Whose rules to spoil; by default all that the checks use, your own among them as ``"<module>.<name>"``.
    kinds : sequence of str
        In which ways, of `KINDS`.
    modes : sequence of {"reverse", "forward"}
        The rules of which sweep.

    Returns
    -------
    MutationReport
        Its ``survivors`` are holes in the checks.

    Raises
    ------
    ValueError
        If a kind is not known, or no check is given.
    Exception
        What a check raises while nothing is spoiled.

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
    """The primitives made outside of this package, by module and name."""
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
    """The primitives of which some rule is called."""
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
    """The change of a rule, noting in `differs` (True is appended) when it makes a difference."""

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
    one, other = (getattr(v, "values", getattr(v, "_data", v)) for v in (one, other))  # of a Batch, of a Tensor
    return bool(np.array_equal(one, other, equal_nan=True))
