"""One training step on one batch: as it is, or compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import autodiff as ad
from nn.module import Module
from nn.training.arguments import check_loss


class _NotFiniteError(Exception):
    """The loss of a batch is not finite; the batch has changed nothing."""


class Step:
    """Called with the inputs and the target of a batch, it takes a step; it returns the loss and the outputs before.

    It returns the target too: with JAX on several processes all of it, where each has passed a part.

    Parameters
    ----------
    model, optimizer, loss, clip_norm, mesh, shardings
        As for `fit`.
    compiled : bool or str
        Whether to compile it, or for which backend. While a module has hooks, as the Monitor sets them, the step runs
        as it is: a compiled program would not call them.
    """

    def __init__(
        self,
        model: Module,
        optimizer: Any,
        loss: Callable[[Any, Any], ad.Tensor],
        clip_norm: float | None,
        compiled: bool | str,
        mesh: Any = None,
        shardings: Mapping[str, Any] | None = None,
    ) -> None:
        self._model, self._loss, self._buffers = model, loss, model.buffers()
        self._modules = [module for _, module in model.named_modules()]
        clipping = {} if clip_norm is None else {"clip_norm": float(clip_norm)}

        def step(inputs: list[Any], target: Any) -> tuple[Any, Any, Any]:
            first: list[Any] = []

            def evaluated() -> ad.Tensor:
                outputs = model(*inputs)
                value = loss(outputs, target)
                if not first:
                    first.append(outputs)
                    check_loss(value, outputs)
                    ad.check(_expect_finite, value)
                return value

            return optimizer.step(evaluated, **clipping), first[0], target

        if compiled:  # a mode that each module has itself, rather than its class, so that programs stay valid when the
            model.eval()  # mode changes for an evaluation and back: they look where they found it
        self._plain = step
        self._fast = step
        if compiled:
            options = {"mesh": mesh, "shardings": shardings} if compiled == "jax" else {}
            self._fast = ad.compile(step) if compiled is True else ad.compile(step, backend=compiled, **options)

    def __call__(self, inputs: list[Any], target: Any) -> tuple[Any, Any, Any]:
        """Take the step."""
        # Programs contain a hook that may change an output, not one that only looks, as the Monitor's.
        watched = self._fast is not self._plain and any(hook.looks_only for m in self._modules for hook in m._hooks)
        before = [(buffer, buffer.data.copy()) for buffer in self._buffers]  # running statistics
        try:
            return (self._plain if watched else self._fast)(inputs, target)
        except _NotFiniteError:
            try:
                self._explain(inputs, target)
            finally:
                for buffer, values in before:
                    buffer.assign_(values)
            raise
        except ad.CompileError as error:
            if watched or self._fast is self._plain:
                raise
            raise ad.CompileError(f"{error} Or leave compile=True out: fit then trains the model as it is.") from error

    def _explain(self, inputs: list[Any], target: Any) -> None:
        """Run the batch again to find the operation that made its loss not finite; the parameters do not change."""
        with ad.detect_anomaly():
            value = self._loss(self._model(*inputs), target)
            if value.requires_grad:
                value.backward()
        self._model.zero_grad()
        raise ad.AnomalyError(
            f"fit: the loss of a batch was not finite, but on a second run of the same batch it is {value.item()}: the "
            f"model is random (dropout). Lower the learning rate, or check the inputs."
        )


def _expect_finite(value: Any) -> None:
    if not np.isfinite(value).all():
        raise _NotFiniteError
