"""The questions; one file of this package answers each.

A question prints its table and returns an `Answer`. To add one, write a function of `Peers` and `Settings` and a line
in `QUESTIONS`. To add a workload, write a line in `benchmarks.workloads` and a step in each peer's file.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from benchmarks.bars import ORDINARY
from benchmarks.process import Peers
from benchmarks.questions import (
    calculus,
    chain,
    checking,
    exploring,
    first_call,
    import_time,
    masks,
    minimisers,
    monitoring,
    peak_memory,
    pictures,
    steps,
)
from benchmarks.questions.answer import Answer, Settings

STEP_WORKLOADS = ("W1", "W2", "W3", "W4", "W5", "W6", "W7", "W7-further", "W7b", "W8")
"""The questions that `python -m benchmarks` measures without names."""

COMPILED = ("W1", "W2", "W3", "W4", "W5", "W6", "W7", "W8")
"""The workloads that are also measured compiled, `W2-compiled` and `W2-native`; so are the ordinary ones."""

QUESTIONS: dict[str, Callable[[Peers, Settings], Answer]] = {
    **{name: partial(steps.answer, name) for name in (*STEP_WORKLOADS, *ORDINARY)},
    **{f"{n}-compiled": partial(steps.answer, n, row="compiled") for n in (*COMPILED, *ORDINARY)},
    **{f"{n}-native": partial(steps.answer, n, row="native") for n in (*COMPILED, *ORDINARY)},
    **{f"{n}-jax": partial(steps.answer, f"{n}-fed", row="in_jax") for n in ("W3", "W4")},
    "W1-compiled": partial(steps.answer, "W1", row="compiled", column="median_microseconds"),
    "first-call": first_call.answer,
    "first-call-native": partial(first_call.answer_native, cached=False),
    "first-call-cached": partial(first_call.answer_native, cached=True),
    "gradcheck": checking.answer,
    "import": import_time.answer,
    "chain": chain.answer,
    "masks": masks.answer,
    "monitor": monitoring.answer,
    "memory": peak_memory.answer,
    "memory-compiled": partial(peak_memory.answer_compiled, row="compiled"),
    "memory-native": partial(peak_memory.answer_compiled, row="native"),
    "picture": pictures.answer,
    "explorer-drag": exploring.answer_drag,
    "explorer-surface": exploring.answer_surface,
    "explorer-ready": exploring.answer_ready,
    "explorer-stream": exploring.answer_stream,
    "integral": calculus.answer_integral,
    "divergence": calculus.answer_divergence,
    **{name: partial(minimisers.answer, name) for name in minimisers.TITLES},
}

TITLES: dict[str, str] = {
    **{name: steps.title(name) for name in (*STEP_WORKLOADS, *ORDINARY)},
    **{f"{n}-compiled": f"{steps.title(n)}: compiled" for n in (*COMPILED, *ORDINARY)},
    **{f"{n}-native": f"{steps.title(n)}: native" for n in (*COMPILED, *ORDINARY)},
    **{f"{n}-jax": f"{steps.title(n)}: for JAX" for n in ("W3", "W4")},
    "first-call": first_call.TITLE,
    "first-call-native": first_call.TITLE_NATIVE,
    "first-call-cached": first_call.TITLE_CACHED,
    "gradcheck": checking.TITLE,
    "import": import_time.TITLE,
    "chain": chain.TITLE,
    "masks": masks.TITLE,
    "monitor": monitoring.TITLE,
    "memory": peak_memory.TITLE,
    "memory-compiled": peak_memory.TITLE_COMPILED.format("compiled"),
    "memory-native": peak_memory.TITLE_COMPILED.format("native"),
    "picture": pictures.TITLE,
    "explorer-drag": exploring.TITLE_DRAG,
    "explorer-surface": exploring.TITLE_SURFACE,
    "explorer-ready": exploring.TITLE_READY,
    "explorer-stream": exploring.TITLE_STREAM,
    "integral": calculus.TITLE_INTEGRAL,
    "divergence": calculus.TITLE_DIVERGENCE,
    **minimisers.TITLES,
}
