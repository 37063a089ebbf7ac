"""The primitives of the table under names in a module, by which graphs that hold them are pickled.

A ufunc's primitive has its name, as ``jv``; that of one output is ``airy_1``, that of derivatives from values
``partial_jv``.
"""

from __future__ import annotations

from typing import Any

from autodiff.core.primitives import Primitive


def keep(primitive: Primitive) -> None:
    """Give a primitive its name here."""
    globals()[primitive.name.replace("[", "_").replace("]", "")] = primitive


def __getattr__(name: str) -> Any:
    """A pickle asks for a primitive before any ufunc has met a Tensor."""
    from autodiff.scipy_special.loading import load

    if not name.startswith("__"):
        load()
    if name in globals():
        return globals()[name]
    raise AttributeError(name)
