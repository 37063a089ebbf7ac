"""The base of all layers and models: named parameters, modes, state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

import autodiff as ad

Array = np.ndarray[Any, np.dtype[Any]]


class Parameter(ad.Tensor):
    """A tracked Tensor that belongs to a module.

    Parameters
    ----------
    data : array_like
        First values, real or complex.
    name : str, optional
        Set by the module it is assigned to.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Parameter(np.zeros(2)).requires_grad
    True
    """

    __slots__ = ()

    def __init__(self, data: Any, name: str | None = None) -> None:
        super().__init__(np.array(data), requires_grad=True, name=name)


class Module:
    """A layer, or a model made of layers.

    A subclass assigns parameters and modules (or lists, tuples and dicts of them) to attributes in
    ``__init__`` and defines ``forward``. Calling the module runs ``forward`` inside a scope of
    its name, so that pictures and messages know where they are.

    Attributes
    ----------
    training : bool
        Whether layers that behave differently in training do so; set by `train` and `eval`.

    Examples
    --------
    >>> import numpy as np, nn
    >>> class Twice(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.inner = nn.Linear(2, 2)
    ...
    ...     def forward(self, x):
    ...         return self.inner(self.inner(x))
    >>> model = Twice()
    >>> [name for name, _ in model.named_parameters()]
    ['inner.weight', 'inner.bias']
    >>> model(np.ones((3, 2))).shape
    (3, 2)
    """

    # Of the class, so that a subclass which forgets super().__init__() works all the same.
    training: bool = True
    _name: str = ""
    _label: str = ""

    def __setattr__(self, key: str, value: Any) -> None:
        if isinstance(value, ad.Tensor) and not isinstance(value, Parameter) and value.requires_grad and value.is_leaf:
            raise TypeError(
                f"{type(self).__name__}.{key}: parameters() would not list this tensor, and no optimiser would train "
                "it. "
                f"Make it a parameter, nn.Parameter(value), or assign its values, x.detach()."
            )
        for path, member in _members(key, value):
            if isinstance(member, Module):
                member._adopt(path)
            elif member.requires_grad:
                member.name = path
        super().__setattr__(key, value)

    def _adopt(self, name: str) -> None:
        """Learn the name under which the parent knows this module, and tell the parameters."""
        self.__dict__["_name"] = name
        self.__dict__["_label"] = f"{name} {type(self).__name__}"
        for path, p in self.named_parameters():
            if p.requires_grad:
                p.name = f"{name}.{path}"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with ad.scope(self._label or type(self).__name__):
            try:
                return self.forward(*args, **kwargs)
            except ad.ShapeError as error:
                error.within(self._name)
                raise

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; defined by each subclass."""
        raise NotImplementedError(f"{type(self).__name__} does not define forward(self, x).")

    # --- what it is made of -----------------------------------------------------------------------

    def children(self) -> Iterator[tuple[str, Module]]:
        """Names and modules directly below, in the order of assignment."""
        for key, value in self.__dict__.items():
            for path, member in _members(key, value):
                if isinstance(member, Module):
                    yield path, member

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """Paths and modules, this one first; one that is used twice appears once, under its first path."""
        seen: set[Module] = set()
        waiting = [(prefix, self)]
        while waiting:
            path, module = waiting.pop()
            if module not in seen:
                seen.add(module)
                yield path, module
                children = [(f"{path}.{name}" if path else name, child) for name, child in module.children()]
                waiting.extend(reversed(children))

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Paths and parameters, in the order of assignment; a shared one appears once, under its first path."""
        seen: set[int] = set()
        for prefix, module in self.named_modules():
            for key, value in module.__dict__.items():
                for path, member in _members(key, value):
                    if isinstance(member, Parameter) and id(member) not in seen:
                        seen.add(id(member))
                        yield f"{prefix}.{path}" if prefix else path, member

    def parameters(self) -> list[Parameter]:
        """The parameters, in the order of `named_parameters`."""
        return [p for _, p in self.named_parameters()]

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for p in self.parameters():
            p.zero_grad()

    # --- modes ------------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Module:
        """Switch this module and all below to training (or, with False, to evaluation); returns it."""
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        """Switch this module and all below to evaluation; returns it."""
        return self.train(False)

    # --- state ------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Array]:
        """A copy of every parameter's values by its path."""
        return {name: np.array(p.data) for name, p in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set every parameter; all are checked before the first is changed.

        Parameters
        ----------
        state : mapping of str to array_like
            As `state_dict` gives it.

        Raises
        ------
        autodiff.StructureError
            If names are missing or unknown.
        autodiff.ShapeError
            If a shape does not fit.
        autodiff.DtypeError
            If values cannot be cast to a parameter's dtype: complex to real, text.
        """
        if not isinstance(state, Mapping):
            raise TypeError(
                f"load_state_dict takes names and arrays, as state_dict() or nn.load(path) gives them; given was a "
                f"{type(state).__name__}."
            )
        mine = dict(self.named_parameters())
        missing, unknown = [k for k in mine if k not in state], [k for k in state if k not in mine]
        if missing or unknown:
            raise ad.StructureError(
                f"the state does not belong to this {type(self).__name__}: missing {missing or 'nothing'}, unknown "
                f"{unknown or 'nothing'}. Nothing was loaded."
            )
        for name, p in mine.items():
            given = _plain(state[name])
            if given.shape != p.shape:
                raise ad.ShapeError(
                    f"{name}: the state has shape {given.shape}, the parameter {p.shape}. Nothing was loaded."
                )
            if not np.can_cast(given.dtype, p.dtype, "same_kind"):
                raise ad.DtypeError(
                    f"{name}: the state has dtype {given.dtype}, the parameter {p.dtype}. Nothing was loaded."
                )
        for name, p in mine.items():
            p.assign_(_plain(state[name]))

    def describe(self) -> str:
        """The part of the repr between the parentheses."""
        return ""

    def __repr__(self) -> str:
        children = list(self.children())
        if not children:
            return f"{type(self).__name__}({self.describe()})"
        lines = [f"  {name}: " + repr(child).replace("\n", "\n  ") for name, child in children]
        return f"{type(self).__name__}({self.describe()}\n" + "\n".join(lines) + "\n)"


def _members(key: str, value: Any) -> Iterator[tuple[str, Module | Parameter]]:
    """The modules and parameters that an attribute holds: itself, or entries of a list, tuple or dict."""
    if isinstance(value, (Module, Parameter)):
        yield key, value
    elif isinstance(value, (list, tuple, dict)):
        for k, v in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(v, (Module, Parameter)):
                yield f"{key}.{k}", v


def _plain(x: Any) -> Array:
    return np.asarray(x.data if isinstance(x, ad.Tensor) else x)


def as_input(x: Any, dtype: np.dtype[Any]) -> Any:
    """Untracked input in the dtype of a layer's parameters, so that it does not widen the result."""
    if x.__class__ is np.ndarray:
        return x if x.dtype is dtype or x.dtype.kind not in "fiub" else x.astype(dtype, copy=False)
    if isinstance(x, ad.Tensor):
        return x if x.requires_grad or x.dtype == dtype or x.dtype.kind not in "fiub" else x.astype(dtype)
    return as_input(np.asarray(x), dtype)
