"""The bars: one table of how fast our engine has to be, and whether measurements meet them.

Every bar has two figures, *must* and *goal*, and holds if the measurement is not above them. A goal reached by removing
checks or messages does not count. With several runs a bar holds if it holds in more than half of them (two of three).
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Unit(StrEnum):
    """The unit of a bar. The first six are medians, over the rounds, of ratios within a round."""

    TORCH = "x torch"  # our step over torch's eager step, one thread each; no unit
    BY_HAND = "x by hand"  # our step over the step written by hand with out= buffers; no unit
    BEFORE = "x before"  # our native step over the compiled one of the commit before the native backend; no unit
    JAX = "x jax"  # our native step, or ours for JAX, over jax.jit; no unit
    TORCH_COMPILE = "x torch.compile"  # our native step over torch's compiled one; no unit
    MICROGRAD = "x micrograd"  # our eager step over micrograd's; no unit
    SHORT_CHAIN = "x short"  # cost per operation of a chain of 200,000 over that of one of 2,000; no unit
    UNMASKED = "x unmasked"  # our backward pass over the same with masks switched off
    UNWATCHED = "x unwatched"  # nn.fit with an nn.Monitor over the same without
    MICROSECONDS = "us"  # wall clock, the median of the rounds' medians
    MILLISECONDS = "ms"  # wall clock inside the process
    FIELD = "x field"  # our operator over one evaluation of the field, at the same points
    SCIPY = "x SciPy"  # calls of the function, over those of SciPy's method; infinite if fewer than 17 of 18 are solved
    BY_HAND_MEMORY = "x by hand (memory)"  # peak resident memory less that after imports, over the hand-written step's
    MEGABYTES = "MB"  # 2**20 bytes of peak resident memory, over the hand-written step's


class Bar(NamedTuple):
    """One line of the table."""

    question: str
    unit: Unit
    must: float
    goal: float


ORDINARY = ("rnn-cell", "lstm-cell", "layer-norm", "einsum-convolution", "vae", "pinn", "mixture", "attention")
"""The workloads of ordinary array code, which share their bars."""

BARS = (
    Bar("W1", Unit.TORCH, must=0.20, goal=0.14),
    Bar("W1", Unit.MICROGRAD, must=1.0, goal=1.0),
    Bar("W2", Unit.TORCH, must=0.30, goal=0.25),
    Bar("W3", Unit.TORCH, must=0.30, goal=0.23),
    Bar("W4", Unit.TORCH, must=0.90, goal=0.75),
    Bar("W5", Unit.TORCH, must=1.5, goal=1.2),
    Bar("W6", Unit.TORCH, must=1.6, goal=1.3),
    Bar("W7", Unit.TORCH, must=1.05, goal=0.75),
    Bar("W7-further", Unit.TORCH, must=0.6, goal=0.5),  # torch's one product, not its own further one
    Bar("W7b", Unit.TORCH, must=1.0, goal=0.3),
    Bar("W8", Unit.TORCH, must=0.60, goal=0.45),
    Bar("W1-compiled", Unit.MICROSECONDS, must=10, goal=5),
    Bar("W2-compiled", Unit.BY_HAND, must=0.95, goal=0.90),
    Bar("W3-compiled", Unit.BY_HAND, must=1.35, goal=1.15),
    Bar("W4-compiled", Unit.BY_HAND, must=1.05, goal=1.0),
    Bar("W5-compiled", Unit.BY_HAND, must=1.15, goal=1.0),
    Bar("W6-compiled", Unit.BY_HAND, must=1.15, goal=1.0),
    Bar("W7-compiled", Unit.BY_HAND, must=1.5, goal=1.1),
    Bar("W8-compiled", Unit.BY_HAND, must=1.15, goal=1.0),
    Bar("W1-native", Unit.BEFORE, must=0.40, goal=0.22),
    Bar("W2-native", Unit.BEFORE, must=0.22, goal=0.13),
    Bar("W3-native", Unit.BEFORE, must=0.36, goal=0.25),
    Bar("W4-native", Unit.BEFORE, must=0.83, goal=0.77),
    Bar("W5-native", Unit.BEFORE, must=0.48, goal=0.28),
    Bar("W6-native", Unit.BEFORE, must=0.28, goal=0.19),
    Bar("W7-native", Unit.BEFORE, must=0.78, goal=0.68),
    Bar("W8-native", Unit.BEFORE, must=0.68, goal=0.58),
    Bar("W1-native", Unit.JAX, must=0.95, goal=0.95),
    Bar("W2-native", Unit.JAX, must=0.12, goal=0.12),
    Bar("W3-native", Unit.JAX, must=0.30, goal=0.30),
    Bar("W4-native", Unit.JAX, must=0.95, goal=0.95),
    Bar("W5-native", Unit.JAX, must=0.30, goal=0.30),
    Bar("W6-native", Unit.JAX, must=0.30, goal=0.30),
    Bar("W7-native", Unit.JAX, must=0.95, goal=0.95),
    Bar("W8-native", Unit.JAX, must=0.95, goal=0.95),
    Bar("W3-jax", Unit.JAX, must=1.50, goal=1.25),
    Bar("W4-jax", Unit.JAX, must=1.10, goal=1.05),
    Bar("W6-native", Unit.TORCH_COMPILE, must=0.55, goal=0.55),
    *(Bar(name, Unit.TORCH, must=1.2, goal=1.0) for name in ORDINARY),
    *(Bar(f"{name}-compiled", Unit.BY_HAND, must=1.15, goal=1.05) for name in ORDINARY),
    *(Bar(f"{name}-native", Unit.JAX, must=0.95, goal=0.95) for name in ORDINARY),
    Bar("first-call", Unit.MILLISECONDS, must=50, goal=50),
    Bar("first-call-native", Unit.MILLISECONDS, must=600, goal=600),
    Bar("first-call-cached", Unit.MILLISECONDS, must=30, goal=30),
    Bar("gradcheck", Unit.MILLISECONDS, must=2000, goal=2000),
    Bar("import", Unit.MILLISECONDS, must=40, goal=40),
    Bar("chain", Unit.SHORT_CHAIN, must=2.2, goal=2.2),
    Bar("masks", Unit.UNMASKED, must=1.05, goal=1.0),
    Bar("monitor", Unit.UNWATCHED, must=1.2, goal=1.15),
    Bar("memory", Unit.MEGABYTES, must=8, goal=8),
    Bar("memory-compiled", Unit.BY_HAND_MEMORY, must=1.10, goal=1.10),
    Bar("memory-native", Unit.BY_HAND_MEMORY, must=1.0, goal=1.0),
    Bar("picture", Unit.MILLISECONDS, must=3000, goal=300),
    Bar("explorer-drag", Unit.MILLISECONDS, must=50, goal=38),
    Bar("explorer-surface", Unit.MILLISECONDS, must=80, goal=50),
    Bar("explorer-ready", Unit.MILLISECONDS, must=2000, goal=1000),
    Bar("explorer-stream", Unit.MILLISECONDS, must=33.4, goal=33.4),
    Bar("integral", Unit.MILLISECONDS, must=20, goal=2),
    Bar("divergence", Unit.FIELD, must=20, goal=10),
    Bar("newton-cg", Unit.SCIPY, must=1.2, goal=1.2),
    Bar("lbfgs", Unit.SCIPY, must=1.2, goal=1.2),
)


def bars_of(question: str) -> list[Bar]:
    """The bars for an answer to `question`."""
    return [bar for bar in BARS if bar.question == question]


def holds(limit: float, values: list[float]) -> bool:
    """Whether more than half of the measured `values` are within `limit`."""
    return 2 * sum(value <= limit for value in values) > len(values)


def verdict(bar: Bar, values: list[float]) -> str:
    """One phrase: whether *must* and *goal* hold for the `values` of all runs."""
    if not values:
        return "not measured"
    if not holds(bar.must, values):
        return "MUST MISSED"
    return "goal held" if holds(bar.goal, values) else "must held, goal missed"
