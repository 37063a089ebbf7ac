"""Libraries that keep a list of the arrays they know are told of Tensors, whichever is loaded first.

einops, autoray (by which cotengra computes) and dask have a list each, and none asks an array by a protocol. A finder
watches for the three modules that hold the lists; it does nothing else, and loads nothing.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from autodiff.arrays.tensors import Tensor, lift
from autodiff.core.switches import is_traced

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec  # not otherwise: nothing more is loaded for this


def _einops(module: Any) -> None:
    """Einops finds the subclasses of its backends by itself; NumPy's functions take Tensors."""

    class TensorBackend(module.NumpyBackend):  # type: ignore[misc]  # a module of the user's
        framework_name = "autodiff"

        def is_appropriate_type(self, tensor: Any) -> bool:
            return isinstance(tensor, Tensor) or is_traced(tensor)  # also in a compiled function

        def from_numpy(self, x: Any) -> Tensor:
            return lift(x, None)

        def to_numpy(self, x: Any) -> Any:
            return x.numpy()

    module.TensorBackend = TensorBackend  # classes are held weakly by their parents


def _autoray(module: Any) -> None:
    for library in ("autodiff", "nn"):  # Tensors, and parameters
        module.register_backend_alias(library, "numpy")


def _dask(module: Any) -> None:
    module.register_chunk_type(Tensor)


REGISTERS: dict[str, Callable[[Any], None]] = {
    "einops._backends": _einops,
    "autoray.autoray": _autoray,
    "dask.array.chunk_types": _dask,
}
"""For the module that holds a library's list what puts Tensors on it."""


def _register(module: ModuleType) -> None:
    try:
        REGISTERS[module.__name__](module)
    except Exception as error:  # of a version that is otherwise; it must not break the import of the library
        library = module.__name__.partition(".")[0]
        warnings.warn(f"{library} could not be told of autodiff's Tensors: {error!r}.", RuntimeWarning, stacklevel=2)


class _Telling:
    """Loads a module as its own loader does, and registers Tensors in it."""

    def __init__(self, own: Any) -> None:
        self._own = own

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = module.__loader__ = self._own  # as without us, for who reads the source
        self._own.exec_module(module)
        _register(module)


class _Finder:
    """Finds the modules in `REGISTERS` as they would be found without it, and has them loaded by `_Telling`."""

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in REGISTERS:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _Telling(spec.loader)  # type: ignore[assignment]  # a loader by its methods
                return spec
        return None


def watch() -> None:
    """Register Tensors in what is loaded, and have the rest watched for."""
    for name in REGISTERS:
        if name in sys.modules:
            _register(sys.modules[name])
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
