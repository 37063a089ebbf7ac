"""Random smooth functions: expression graphs in which results are used more than once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

# Smooth on the whole real line, and of moderate size, so that a long chain of them stays finite.
_UNARY: dict[str, Callable[[Any], Any]] = {
    "sin({})": np.sin,
    "cos({})": np.cos,
    "tanh({})": np.tanh,
    "arctan({})": np.arctan,
    "-{}": np.negative,
    "exp(-{0} * {0})": lambda v: np.exp(-v * v),
    "sqrt(1 + {0} * {0})": lambda v: np.sqrt(1 + v * v),
    "log(1 + {0} * {0})": lambda v: np.log(1 + v * v),
    "1 / (1 + {0} * {0})": lambda v: 1 / (1 + v * v),
}
_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "{} + {}": np.add,
    "{} - {}": np.subtract,
    "{} * {}": np.multiply,
    "{} * sin({})": lambda a, b: a * np.sin(b),
    "{0} / (1 + {1} * {1})": lambda a, b: a / (1 + b * b),
}


@dataclass(frozen=True)
class Expression:
    """A function of a point ``(n, ...)``, written as one operation a line.

    Attributes
    ----------
    n_inputs : int
        The number of coordinates of the point, along its first axis.
    steps : tuple of (str, tuple of int)
        For each line the operation and its operands; they are numbered, coordinates first, then earlier lines.
    outputs : tuple of int
        The operands that are the result; one for a scalar function.
    scalar : bool
        Whether the result is a single operand, not a vector of them.

    Examples
    --------
    >>> from autodiff.testing.strategies.functions import Expression
    >>> f = Expression(2, (("sin({})", (0,)), ("{} * {}", (1, 2))), (3,), scalar=True)
    >>> f
    <x (2,): v0 = sin(x[0]); v1 = x[1] * v0; return v1>
    >>> float(f([0.0, 5.0]))
    0.0
    """

    n_inputs: int
    steps: tuple[tuple[str, tuple[int, ...]], ...]
    outputs: tuple[int, ...]
    scalar: bool

    def __call__(self, point: Any) -> Any:
        """The value at a point; further axes are independent points."""
        values = [point[i] for i in range(self.n_inputs)]
        for operation, operands in self.steps:
            f: Callable[..., Any] = _UNARY.get(operation) or _BINARY[operation]
            values.append(f(*(values[i] for i in operands)))
        return values[self.outputs[0]] if self.scalar else np.stack([values[i] for i in self.outputs])

    def _name(self, i: int) -> str:
        return f"x[{i}]" if i < self.n_inputs else f"v{i - self.n_inputs}"

    def __repr__(self) -> str:
        lines = [
            f"{self._name(self.n_inputs + k)} = {operation.format(*map(self._name, operands))}"
            for k, (operation, operands) in enumerate(self.steps)
        ]
        result = ", ".join(self._name(i) for i in self.outputs)
        lines.append(f"return {result if self.scalar else f'[{result}]'}")
        return f"<x ({self.n_inputs},): {'; '.join(lines)}>"

    @property
    def __name__(self) -> str:
        return repr(self)


def _steps(draw: st.DrawFn, n_inputs: int, max_steps: int) -> tuple[tuple[str, tuple[int, ...]], ...]:
    steps = []
    for k in range(draw(st.integers(1, max_steps))):
        operation = draw(st.sampled_from([*_UNARY, *_BINARY]))
        count = 1 if operation in _UNARY else 2
        operands = tuple(draw(st.integers(0, n_inputs + k - 1)) for _ in range(count))
        steps.append((operation, operands))
    return tuple(steps)


@st.composite
def scalar_functions(draw: st.DrawFn, n_inputs: int | None = None, *, max_steps: int = 8) -> Expression:
    """Random smooth scalar functions of a point ``(n,)``: scalar fields.

    Parameters
    ----------
    n_inputs : int, optional
        The number of coordinates of the point; 1 to 3 by default.
    max_steps : int, default 8
        The largest number of operations. Each may use any earlier result, so graphs have shared nodes.

    Returns
    -------
    strategy of Expression
        Its ``repr`` is the program. It shrinks to few and simple lines.

    Examples
    --------
    >>> from hypothesis import find
    >>> from autodiff.testing import strategies as st
    >>> f = find(st.scalar_functions(2), lambda f: len(f.steps) == 2)
    >>> f
    <x (2,): v0 = sin(x[0]); v1 = sin(x[0]); return v1>
    >>> float(f([0.0, 1.0]))
    0.0
    """
    n = draw(st.integers(1, 3)) if n_inputs is None else n_inputs
    steps = _steps(draw, n, max_steps)
    return Expression(n, steps, (n + len(steps) - 1,), True)


@st.composite
def vector_functions(
    draw: st.DrawFn, n_inputs: int | None = None, n_outputs: int | None = None, *, max_steps: int = 8
) -> Expression:
    """Random smooth functions from points ``(n,)`` to vectors ``(m,)``: vector fields if m is n.

    Parameters
    ----------
    n_inputs : int, optional
        The number of coordinates of the point; 1 to 3 by default.
    n_outputs : int, optional
        The number of components of the value; by default that of the point.
    max_steps : int, default 8
        The largest number of operations, which the components share.

    Returns
    -------
    strategy of Expression

    Examples
    --------
    >>> from hypothesis import find
    >>> from autodiff.testing import strategies as st
    >>> find(st.vector_functions(2, 2), lambda f: True)
    <x (2,): v0 = sin(x[0]); return [x[0], x[0]]>
    """
    n = draw(st.integers(1, 3)) if n_inputs is None else n_inputs
    m = n if n_outputs is None else n_outputs
    steps = _steps(draw, n, max_steps)
    outputs = tuple(draw(st.integers(0, n + len(steps) - 1)) for _ in range(m))
    return Expression(n, steps, outputs, False)
