"""Operations with a C text of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autodiff.compiler.values import Op

if TYPE_CHECKING:
    from autodiff.compiler.native.lowering import Part


def known(op: Op) -> bool:
    """Whether an operation has a text here."""
    return False


def step(part: Part, op: Op) -> Any:
    """The step for an operation, or None."""
    return None
