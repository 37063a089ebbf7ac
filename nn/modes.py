"""Which of its two modes, training or evaluation, a model and each of its parts is in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nn.module import Module


@contextmanager
def modes_kept(model: Module) -> Iterator[None]:
    """At the end each part is in the mode that it was in: one may have been set apart, a frozen batch norm."""
    modes = [(m, m.training) for _, m in model.named_modules()]
    try:
        yield
    finally:
        for m, mode in modes:
            if m.training != mode:
                m.training = mode
