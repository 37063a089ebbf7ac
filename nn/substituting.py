"""A module as a function of its parameters: one call with other values in their places."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import autodiff as ad
from nn.compiled import CompiledModule
from nn.inputs import plain
from nn.module import Module
from nn.parameters import Buffer, Parameter


def functional_call(model: Module, parameters: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
    """Call a module with other parameters; the module itself stays as it is.

    So a network is a function of its parameters, which `ad.grad`, `ad.hvp`, `ad.hessian` and `ad.testing.gradcheck`
    differentiate, to any order.

    Parameters
    ----------
    model : Module
        Any module; it may hold others.
    parameters : mapping of str to array_like or Tensor
        Values by path, as in ``dict(model.named_parameters())`` or ``model.state_dict()``, each in the shape of what it
        stands in for. Parameters and buffers that it does not name keep their values. A parameter that is used at
        several places is named by its first path and replaced everywhere.
    *args, **kwargs
        The arguments of the module: its inputs.

    Returns
    -------
    object
        What the module returns.

    Raises
    ------
    autodiff.StructureError, autodiff.ShapeError, autodiff.DtypeError
        If a path is unknown, or a value does not fit.
    TypeError
        If `model` is not a module.

    Notes
    -----
    Buffers, such as running statistics, are not changed by the call, also in training mode; a Tensor that is given for
    a buffer takes the new values instead. The parameters are replaced while the call runs: in the meantime another
    thread must not use the module.

    Examples
    --------
    One step of gradient descent by hand, and the loss after it as a function of the parameters before it, as MAML uses
    it:

    >>> import numpy as np, autodiff as ad, nn
    >>> _ = nn.manual_seed(0)
    >>> model, x = nn.Linear(2, 1), np.array([[1.0, 2.0]])
    >>> loss = lambda parameters: nn.mse_loss(nn.functional_call(model, parameters, x), np.ones((1, 1)))
    >>> def after(parameters):
    ...     gradient = ad.grad(loss)(parameters)
    ...     return loss({path: p - 0.1 * gradient[path] for path, p in parameters.items()})
    >>> start = {"weight": np.array([[1.0], [1.0]]), "bias": np.zeros(1)}
    >>> ad.grad(loss)(start)["weight"].ravel(), ad.grad(after)(start)["weight"].ravel()
    (array([4., 8.]), array([0.16, 0.32]))
    """
    if not isinstance(model, Module):
        raise TypeError(f"functional_call: the first argument must be a module; a {type(model).__name__} was given.")
    stand_ins = _stand_ins(model, parameters)
    run = _with(model, stand_ins)
    with _replaced(model, stand_ins):
        return run(*args, **kwargs)


def _stand_ins(model: Module, parameters: Mapping[str, Any]) -> dict[int, ad.Tensor]:
    """What stands in for parameters and buffers, by the identity of the latter."""
    if not isinstance(parameters, Mapping):
        raise TypeError(
            f"functional_call: the parameters must be a mapping of paths and values, such as "
            f"dict(model.named_parameters()); a {type(parameters).__name__} was given."
        )
    own = dict(model._named_state())
    stand_ins = {id(p): p.detach() for p in own.values() if isinstance(p, Buffer)}  # assign_ changes these instead
    for path, value in parameters.items():
        if path not in own:
            raise ad.StructureError(f"functional_call: {_unknown(model, str(path), list(own))}")
        mine = own[path]
        what = "parameter" if isinstance(mine, Parameter) else "buffer"
        given = plain(value)
        if given.shape != mine.shape:
            raise ad.ShapeError(
                f"functional_call: {path!r} was given shape {given.shape}; the {what} has shape {mine.shape}."
            )
        if given.dtype.kind not in "fciub":
            raise ad.DtypeError(f"functional_call: {path!r} must be numbers; dtype {given.dtype} was given.")
        stand_in = value if isinstance(value, ad.Tensor) else ad.Tensor(value)
        if isinstance(mine, Parameter):  # an alias, which the module lists among its parameters during the call
            stand_in = stand_in.reshape(stand_in.shape)
            stand_in.__class__ = Parameter  # it has the slots of a Tensor
        stand_ins[id(mine)] = stand_in
    return stand_ins


def _unknown(model: Module, path: str, known: list[str]) -> str:
    import difflib  # only for a wrong name

    near = difflib.get_close_matches(path, known, n=1)
    mend = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(map(repr, known)) or 'none'}."
    return f"{type(model).__name__} has no parameter or buffer {path!r}; {mend}"


@contextmanager
def _replaced(model: Module, stand_ins: Mapping[int, ad.Tensor]) -> Iterator[None]:
    """Context manager in which attributes of the modules, and entries of their containers, are the stand-ins."""
    before: list[tuple[dict[str, Any], str, Any]] = []
    try:
        for module in [module for _, module in model.named_modules()]:
            own = module.__dict__
            for key, value in list(own.items()):
                new = _with(value, stand_ins)
                if new is not value:
                    before.append((own, key, value))
                    own[key] = new  # Module.__setattr__ refuses what is not a Parameter
        ad.structure_changed()
        yield
    finally:
        for own, key, value in before:
            own[key] = value
        ad.structure_changed()


def _with(value: Any, stand_ins: Mapping[int, ad.Tensor]) -> Any:
    """The value, or the container with its entries, replaced; the same object if there is nothing to replace."""
    if isinstance(value, ad.Tensor):
        return stand_ins.get(id(value), value)
    if isinstance(value, CompiledModule):  # a program has its own parameters
        return value._plain
    if isinstance(value, dict):
        changed = {k: new for k, v in value.items() if (new := _with(v, stand_ins)) is not v}
        if not changed:
            return value
        twin = copy.copy(value)  # also of a subclass
        twin.update(changed)
        return twin
    if isinstance(value, (list, tuple)):
        entries = [_with(v, stand_ins) for v in value]
        if all(a is b for a, b in zip(entries, value, strict=True)):
            return value
        kind: Any = type(value)
        return kind(*entries) if hasattr(kind, "_fields") else kind(entries)
    return value
