"""Modules made of modules and functions: a list, a residual connection, a function as a layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import autodiff as ad
from nn.checks import given_for_module
from nn.inputs import as_tensor
from nn.layers.sequential import Numbered
from nn.module import Module


class ModuleList(Numbered):
    """A list of modules that may grow; the module that owns it decides how to call them.

    Parameters
    ----------
    modules : iterable of Module, optional
        They are named ``0``, ``1``, ...

    Raises
    ------
    TypeError
        When called: a list does not know how to call its modules.

    Examples
    --------
    >>> import nn
    >>> class Model(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
    ...
    ...     def forward(self, x):
    ...         for layer in self.layers:
    ...             x = layer(x)
    ...         return x
    >>> [name for name, _ in Model().named_modules()]
    ['', 'layers', 'layers.0', 'layers.1', 'layers.2']
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        super().__init__()
        self._modules = ()
        self.extend(modules)

    def append(self, module: Module) -> ModuleList:
        """Add a module at the end; returns the list."""
        return self.insert(len(self), module)

    def extend(self, modules: Iterable[Module]) -> ModuleList:
        """Add several modules at the end; returns the list."""
        for module in modules:
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> ModuleList:
        """Add a module before position `index`; returns the list."""
        self._check(module)
        modules = list(self._modules)
        modules.insert(index, module)
        self._hold(modules)
        return self

    @staticmethod
    def _check(module: Any) -> None:
        if not isinstance(module, Module):
            raise TypeError(f"ModuleList can only hold modules; {given_for_module(module)}")

    def _hold(self, modules: list[Module]) -> None:
        """Replace the modules: a new tuple, so that compiled programs notice."""
        self._modules = tuple(modules)
        self._adopt(self._name)

    def _adopt(self, name: str) -> None:
        """Give the modules their whole path from the owner, since the owner calls them, not the list."""
        if name:
            super()._adopt(name)
        for i, module in enumerate(self._modules):
            module._adopt(f"{name}.{i}" if name else str(i))

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """A list cannot be called."""
        raise TypeError(
            "a ModuleList cannot be called, since it does not know how to call its modules; call its entries."
        )

    def __setitem__(self, index: int, module: Module) -> None:
        self._check(module)
        modules = list(self._modules)
        modules[index] = module
        self._hold(modules)


class Residual(Module):
    """``x + inner(x)``.

    Parameters
    ----------
    inner : Module
        Its output has the shape of its input, or of the output of `shortcut`.
    shortcut : Module, optional
        Replaces the plain `x` by ``shortcut(x)``, which must have the shape of ``inner(x)``.

    Raises
    ------
    TypeError
        If `inner` or `shortcut` is not a module.
    autodiff.ShapeError
        When called: if the two summands differ in shape.

    References
    ----------
    K. He et al., Deep residual learning for image recognition, 2015, equations (1) and (2).

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Residual(nn.Lambda(lambda x: 2 * x))([1.0, 2.0]).data
    array([3., 6.])
    """

    def __init__(self, inner: Module, shortcut: Module | None = None) -> None:
        super().__init__()
        for what, m in (("inner", inner), ("shortcut", shortcut)):
            if not isinstance(m, Module) and not (m is None and what == "shortcut"):
                raise TypeError(f"Residual: {what} must be a module; {given_for_module(m)}")
        self.inner = inner
        self.shortcut = shortcut

    def forward(self, x: Any) -> ad.Tensor:
        """Add the input (or the shortcut) and the output of `inner`."""
        y = self.inner(x)
        x = as_tensor(x) if self.shortcut is None else self.shortcut(x)
        if x.shape != y.shape:
            raise ad.ShapeError(
                f"Residual: the inner module returned shape {y.shape}, and it is added to shape {x.shape}; the two "
                f"must be equal. Give a shortcut= that changes the shape."
            )
        if self.shortcut is None and not x.requires_grad and x.dtype != y.dtype:
            x = x.astype(y.dtype)  # as in every layer, the data do not widen the result
        total: ad.Tensor = x + y
        return total


class Lambda(Module):
    """A function as a layer.

    Parameters
    ----------
    function : callable
        ``function(x) -> y``, where `x` is a Tensor, or the tuple that a layer such as `nn.LSTM` returns.
    name : str, optional
        Shown in the repr; the function's own name if not given.

    Raises
    ------
    TypeError
        If `function` is not callable.

    Examples
    --------
    >>> import numpy as np, nn
    >>> model = nn.Sequential(nn.Lambda(lambda x: x[:, :1], name="first column"), nn.Linear(1, 2))
    >>> model(np.ones((5, 3))).shape
    (5, 2)
    >>> model[0]
    Lambda(first column)
    """

    def __init__(self, function: Callable[..., Any], name: str | None = None) -> None:
        super().__init__()
        if not callable(function):
            raise TypeError(f"Lambda: a function is expected; a {type(function).__name__} was given.")
        self.function = function
        self.name = name

    def forward(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        whole = isinstance(x, ad.Tensor) or (isinstance(x, tuple) and any(isinstance(v, ad.Tensor) for v in x))
        return self.function(x if whole else ad.Tensor(x), *args, **kwargs)

    def describe(self) -> str:
        """The name."""
        name = self.name or getattr(self.function, "__name__", type(self.function).__name__)
        return "" if name == "<lambda>" else str(name)
