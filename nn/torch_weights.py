"""Weights in PyTorch's names and layouts: its ``Linear`` keeps (out, in), ours (in, out), and a few names differ.

What differs is written where the layer is: `Module.torch_names` and `Module.torch_transposes`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad
from nn.module import Module
from nn.parameters import Buffer, Parameter
from nn.saving import load

Array = np.ndarray[Any, np.dtype[Any]]


class _Place(NamedTuple):
    """A parameter or buffer: its paths here and in torch, and whether torch keeps the transposed matrix."""

    own: str
    torch: str
    value: Parameter | Buffer
    transposed: bool


def load_torch(model: Module, state: Mapping[str, Any] | str | os.PathLike[str]) -> None:
    """Set a model's parameters and buffers from those of the same architecture in PyTorch; all of them or none.

    Matrices of `Linear`, of recurrent layers and of attention are transposed, and torch's names are used:
    ``in_proj_weight``, ``out_proj``, and ``self_attn`` in a ``TransformerEncoderLayer``.

    Parameters
    ----------
    model : Module
    state : mapping of str to array or torch.Tensor, or path
        ``torch_model.state_dict()``, or a ``.safetensors`` file (extra ``safetensors``). Values are cast to the dtypes
        of the model.

    Raises
    ------
    autodiff.StructureError
        If names are missing or unknown; the message names the nearest ones.
    autodiff.ShapeError, autodiff.DtypeError
        If a shape does not fit, or values cannot be cast. Nothing was loaded then.
    TypeError
        If the state is neither a mapping nor a path.
    ValueError
        If the file is not a safetensors file: those of ``torch.save`` hold pickled objects, which may run code.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.Linear(2, 3)
    >>> nn.load_torch(layer, {"weight": np.arange(6.0).reshape(3, 2), "bias": np.zeros(3)})
    >>> layer.weight.data
    array([[0., 2., 4.],
           [1., 3., 5.]], dtype=float32)
    """
    if isinstance(state, (str, os.PathLike)):
        if not os.fsdecode(state).endswith(".safetensors"):
            raise ValueError(
                f"load_torch: {os.fspath(state)!r} is not a .safetensors file. Files of torch.save hold pickled "
                "objects, which may run code: in torch, write safetensors.torch.save_file(model.state_dict(), path)."
            )
        state = load(state)
    if not isinstance(state, Mapping):
        raise TypeError(
            f"load_torch takes a model and torch's state_dict(), or a path; a {type(state).__name__} was given."
        )
    places = list(_places(model))
    known = {place.torch for place in places}
    needed = {place.torch for place in places if not place.torch.endswith("num_batches_tracked")}
    missing = sorted(needed - state.keys())
    unknown = [str(key) for key in state if key not in known]
    if missing or unknown:
        near = [_nearest(key, [*unknown] if key in missing else missing) for key in (*missing, *unknown)]
        hints = "".join(f"; {hint}" for hint in dict.fromkeys(near) if hint)
        raise ad.StructureError(
            f"load_torch: the state does not belong to this {type(model).__name__}: missing {missing or 'nothing'}, "
            f"unknown {unknown or 'nothing'}{hints}. Nothing was loaded."
        )
    found: dict[str, Any] = {}
    for place in places:
        if place.torch not in state:
            found.setdefault(place.own, place.value.data)
            continue
        try:
            given = as_array(state[place.torch])
        except (TypeError, ValueError, RuntimeError) as error:  # of sparse, quantized or absent values
            raise ad.DtypeError(
                f"load_torch: {place.torch} is no array: {str(error).rstrip('.')}. Nothing was loaded."
            ) from None
        expected = place.value.shape[::-1] if place.transposed else place.value.shape
        if given.shape != expected:
            raise ad.ShapeError(
                f"load_torch: {place.torch} has shape {given.shape}; {place.own} here, of shape {place.value.shape}, "
                f"takes {expected}. Nothing was loaded."
            )
        given = given.T if place.transposed else given
        if place.own in found and not np.array_equal(found[place.own], given):
            raise ad.StructureError(
                f"load_torch: {place.torch} is tied to {place.own} here, and has other values. Nothing was loaded."
            )
        found[place.own] = given
    model.load_state_dict(found)


def to_torch(model: Module) -> dict[str, Array]:
    """The parameters and buffers of a model in PyTorch's names and layouts: the inverse of `load_torch`.

    Parameters
    ----------
    model : Module

    Returns
    -------
    dict of str to ndarray
        Copies in C order, in the dtypes of the model. In torch, ``torch_model.load_state_dict({k: torch.from_numpy(v)
        for k, v in state.items()})`` takes them.

    Examples
    --------
    >>> import nn
    >>> {name: array.shape for name, array in nn.to_torch(nn.Linear(2, 3)).items()}
    {'weight': (3, 2), 'bias': (3,)}
    """
    found = {}
    for place in _places(model):
        data = np.asarray(place.value.data)
        found[place.torch] = np.array(data.T if place.transposed else data, order="C")
    return found


def as_array(x: Any) -> Array:
    """A torch tensor, a Tensor or anything like an array as an array; bfloat16 as float32."""
    if isinstance(x, ad.Tensor):
        x = x.data
    if hasattr(x, "detach"):
        x = x.detach().cpu().resolve_conj().resolve_neg()
        if str(x.dtype) == "torch.bfloat16":
            x = x.float()
    array = np.asarray(x)
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array


def _places(model: Module) -> Iterator[_Place]:
    """Every parameter and buffer; one that is shared also under its other paths, with the first one as its own."""
    first: dict[int, str] = {}
    for prefix, module in model.named_modules():
        in_torch = _renamed(model, prefix)
        for path, value in module.own_members():
            if isinstance(value, Module):
                continue
            own = first.setdefault(id(value), f"{prefix}.{path}" if prefix else path)
            name = module.torch_names.get(path, path)
            transposed = path.startswith(tuple(module.torch_transposes)) and len(value.shape) == 2
            yield _Place(own, f"{in_torch}.{name}" if in_torch else name, value, transposed)


def _renamed(model: Module, path: str) -> str:
    """The path of a module in torch."""
    parts = path.split(".") if path else []
    renamed = []
    for k, part in enumerate(parts):
        parent = model.module_at(".".join(parts[:k])) if k else model
        renamed.append(parent.torch_names.get(part, part))
    return ".".join(renamed)


def _nearest(key: str, others: list[str]) -> str:
    import difflib  # only where a name does not fit

    found = difflib.get_close_matches(key, others, 1, 0.6)
    return f"{key} looks like {found[0]}" if found else ""
