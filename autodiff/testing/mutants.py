"""Every primitive there is, and a way to spoil its rules for a while: a test must be able to fail."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from autodiff import ops, special
from autodiff.primitives import LINEAR, NUMPY_PRIMITIVES, Primitive, Rule


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
    modules = [importlib.import_module(m.name) for m in pkgutil.walk_packages(ops.__path__, f"{ops.__name__}.")]
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


@contextmanager
def scaled(
    primitive: Primitive,
    factor: float = 1.001,
    *,
    modes: Sequence[str] = ("reverse", "forward"),
    operand: int | None = None,
) -> Iterator[None]:
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
    before = (primitive.pulls, primitive.pushes, primitive.joint_pull, primitive.joint_push, primitive.direct)

    def spoiled(rules: tuple[Rule | None, ...] | None) -> tuple[Rule | None, ...] | None:
        if rules is None:
            return None
        return tuple(_times(r, factor) if r is not None and operand in (None, i) else r for i, r in enumerate(rules))

    if "reverse" in modes:
        primitive.pulls = spoiled(primitive.pulls)
        primitive.joint_pull = _times(primitive.joint_pull, factor) if primitive.joint_pull else None
        primitive.direct = spoiled(primitive.direct)  # type: ignore[assignment] # as many, none of them None
    if "forward" in modes:
        primitive.pushes = spoiled(primitive.pushes)
        primitive.joint_push = _times(primitive.joint_push, factor) if primitive.joint_push else None
    try:
        yield
    finally:
        primitive.pulls, primitive.pushes, primitive.joint_pull, primitive.joint_push, primitive.direct = before


def _times(rule: Callable[..., Any], factor: float) -> Rule:
    def wrong(*args: Any, **keywords: Any) -> Any:
        result = rule(*args, **keywords)
        if isinstance(result, (tuple, list)):
            return tuple(None if r is None else r * factor for r in result)
        return None if result is None else result * factor

    return wrong
