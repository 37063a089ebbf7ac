"""Our engine compiled for JAX: the steps of `compiled` with ``backend="jax"``, fed from NumPy."""

from __future__ import annotations

from benchmarks.peers.compiled import steps

_STEPS = steps(backend="jax")
STEPS = {f"{name}-fed": _STEPS[name] for name in ("W3", "W4")}
