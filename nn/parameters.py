"""What a module holds besides modules: parameters, which are trained, and buffers, which are only saved."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad


class Parameter(ad.Tensor):
    """A tracked Tensor that belongs to a module.

    Parameters
    ----------
    data : array_like
        Initial values, real or complex.
    name : str, optional
        Set by the module that it is assigned to.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Parameter(np.zeros(2)).requires_grad
    True
    """

    __slots__ = ()

    def __init__(self, data: Any, name: str | None = None) -> None:
        super().__init__(np.array(data), requires_grad=True, name=name)


class Buffer(ad.Tensor):
    """Values that belong to a module but are not trained: running statistics, a count, a fixed table.

    Buffers are part of `Module.state_dict`, but not of `Module.parameters`. A module changes them with ``assign_``.

    Parameters
    ----------
    data : array_like
        Initial values, of any numeric type.

    Examples
    --------
    >>> import numpy as np, nn
    >>> class Counting(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.calls = nn.Buffer(0)
    ...
    ...     def forward(self, x):
    ...         self.calls.assign_(self.calls.data + 1)
    ...         return x
    >>> layer = Counting()
    >>> _ = layer(1.0), layer(2.0)
    >>> layer.state_dict()
    {'calls': array(2)}
    """

    __slots__ = ()

    def __init__(self, data: Any) -> None:
        super().__init__(np.array(data))


def is_unlisted(x: Any) -> bool:
    """Whether `x` is a trainable leaf but not a Parameter."""
    return isinstance(x, ad.Tensor) and not isinstance(x, Parameter) and x.requires_grad and x.is_leaf


def is_result(x: Any) -> bool:
    """Whether `x` was computed from trainable Tensors."""
    return isinstance(x, ad.Tensor) and x.requires_grad and not x.is_leaf


def displaced(path: str, before: Parameter | Buffer) -> str:
    """The error message for a value that replaces a parameter or buffer without being one."""
    if isinstance(before, Buffer):
        return (
            f"{path} is a buffer; its replacement must be one too, or it would no longer be saved. Change its values "
            f"with {path}.assign_(value), or assign nn.Buffer(value) or None."
        )
    return (
        f"{path} is a parameter; its replacement must be one too, or nothing would train it or save it. To tie "
        f"weights, assign the parameter itself and compute from it in forward. To set values, use "
        f"{path}.assign_(value). Otherwise assign nn.Parameter(value) or None."
    )
