"""Which operation of a graph is to blame for a wrong derivative."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.core.tape import ALIAS, INPUT, ITEM, Node
from autodiff.core.walks import ancestors
from autodiff.testing.comparing import Examination
from autodiff.testing.probing import Settings
from autodiff.testing.problems import Problem, pullback_of, read_only
from autodiff.testing.report import WRONG, Comparison

_OPERATIONS = 500  # how many operations are looked at


class Blame(NamedTuple):
    """The operation to blame: in words, and its node, or None if there is no such operation."""

    text: str
    node: Node | None


def first_wrong_operation(problem: Problem, order: int, settings: Settings) -> Blame | None:
    """The oldest recorded operation whose own rule differs from differences of its own function.

    Parameters
    ----------
    problem : Problem
        The function with the wrong derivative.
    order : int
        The order of the wrong derivative.
    settings : Settings
        The settings of the check.

    Returns
    -------
    Blame or None
        The operation with its operands' shapes and what is wrong with it; None if every rule by itself is
        right at the recorded values.
    """
    roots = recorded(problem)
    if not roots:
        return Blame("none, since the result is not tracked: something left the graph", None)
    for node in operations(roots)[:_OPERATIONS]:
        if node.primitive in (ITEM, ALIAS):
            continue
        try:
            wrong = _wrong_rule(node, order, settings)
        except Exception as error:  # a rule that does not even run by itself is to blame, too
            return Blame(f"{_shown(node)}, whose rule raises {type(error).__name__}: {error}", node)
        if wrong is not None:
            return Blame(f"{_shown(node)}: {wrong}", node)
    return None


def recorded(problem: Problem) -> set[Node]:
    """The nodes of the results of a problem, called on tracked Tensors with the names of its leaves."""
    tensors = [Tensor(x, requires_grad=True, name=name) for x, name in zip(problem.leaves, problem.names, strict=True)]
    with np.errstate(all="ignore"):
        outputs = problem.call(*tensors)
    return {y._node for y in outputs if isinstance(y, Tensor) and y._node is not None}


def operations(roots: Iterable[Node]) -> list[Node]:
    """All recorded operations that lead to these nodes, oldest first."""
    return sorted((n for n, _ in ancestors(roots) if n.primitive is not INPUT), key=attrgetter("number"))


def _shown(node: Node) -> str:
    shapes = ", ".join(str(np.shape(x)) for x in node.operands)
    return f"{node.primitive.name} of operands with shapes {shapes}"


def _wrong_rule(node: Node, order: int, settings: Settings) -> Comparison | None:
    """The first wrong comparison for the operation alone; None if there is none."""
    moving = [i for i, p in enumerate(node.parents) if p is not None]
    primitive = node.primitive

    def call(*leaves: Any) -> list[Any]:
        operands = list(node.operands)
        for i, x in zip(moving, leaves, strict=True):
            operands[i] = x
        y = primitive(*operands, **node.keywords)
        return list(y) if isinstance(y, tuple) else [y]

    leaves = [read_only(np.asarray(node.operands[i])) for i in moving]
    problem = Problem(primitive.name, call, leaves, [f"operand {i}" for i in moving], len(moving))
    rng = np.random.default_rng(0)
    excluded = [np.zeros(np.shape(x), bool) for x in leaves]
    for n in range(1, order + 1):
        examination = Examination(problem, n, settings, rng, excluded)
        wrong = next((c for c in examination.run() if c.verdict == WRONG), None)
        if wrong is not None:
            return wrong
        if n < order:
            excluded = [
                *(e | k for e, k in zip(excluded, examination.kinked, strict=True)),
                *(np.zeros(np.shape(c), bool) for c in examination.cts),
            ]
            problem = pullback_of(problem, examination.cts)
    return None
