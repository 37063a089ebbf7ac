"""A training run in one file: model, optimiser, schedule and random numbers, to go on from bit for bit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

import autodiff as ad
from nn.module import Module
from nn.randomness import generator
from nn.saving import load, save

_PARTS = ("model", "optimizer", "schedule")


def save_checkpoint(
    path: str | os.PathLike[str],
    model: Module,
    optimizer: Any = None,
    schedule: Any = None,
    *,
    rng: np.random.Generator | None = None,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Write all that a training run needs to go on as if it had not stopped, whole or not at all.

    Parameters
    ----------
    path : path
        The file; by habit it ends in ``.npz``.
    model : Module
    optimizer, schedule : optional
        Anything with ``state_dict()``.
    rng : numpy.random.Generator, optional
        Whose state is kept; this thread's (`nn.manual_seed`) if not given.
    extra : mapping of str to array_like, optional
        What else to keep: the number of the epoch, a history.

    Examples
    --------
    >>> import os, tempfile, nn
    >>> model = nn.Linear(2, 2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "run.npz")
    ...     nn.save_checkpoint(path, model, extra={"epoch": 3})
    ...     int(nn.load_checkpoint(path, model)["epoch"])
    3
    """
    import json

    state: dict[str, Any] = {}
    for part, owner in zip(_PARTS, (model, optimizer, schedule), strict=True):
        if owner is not None:
            state |= {f"{part}/{key}": value for key, value in owner.state_dict().items()}
    state["random"] = np.array(json.dumps(generator(rng).bit_generator.state, default=_as_list))
    state |= {f"extra/{key}": np.asarray(value) for key, value in (extra or {}).items()}
    save(path, state)


def load_checkpoint(
    path: str | os.PathLike[str],
    model: Module,
    optimizer: Any = None,
    schedule: Any = None,
    *,
    rng: np.random.Generator | None = None,
) -> dict[str, Any]:
    """Bring model, optimiser, schedule and random generator into the state that `save_checkpoint` wrote.

    Parameters
    ----------
    path, model, optimizer, schedule, rng
        As for `save_checkpoint`.

    Returns
    -------
    dict of str to ndarray
        The extras.

    Raises
    ------
    OSError, ValueError
        If the file cannot be read, or is truncated or foreign.
    autodiff.StructureError, autodiff.ShapeError, autodiff.DtypeError
        If a part is missing, or does not fit. All parts are checked before the first is changed.
    """
    state = load(path)
    if "random" not in state:
        raise ValueError(
            f"load_checkpoint: {os.fspath(path)!r} was not written by save_checkpoint. Nothing was loaded."
        )
    owners = dict(zip(_PARTS, (model, optimizer, schedule), strict=True))
    parts: dict[str, dict[str, Any]] = {name: {} for name in (*_PARTS, "extra")}
    for key, value in state.items():
        part, _, rest = key.partition("/")
        if part in parts:
            parts[part][rest] = value
    for name, owner in owners.items():
        if bool(parts[name]) != (owner is not None) and not (owner is not None and not owner.state_dict()):
            raise ad.StructureError(
                f"load_checkpoint: {os.fspath(path)!r} holds {'a' if parts[name] else 'no'} {name}, and "
                f"{'one' if owner is not None else 'none'} was given. Nothing was loaded."
            )
    import json

    draw = generator(rng).bit_generator
    drawn = json.loads(str(state["random"]), object_hook=_as_arrays)
    if drawn.get("bit_generator") != draw.state["bit_generator"]:
        raise ad.StructureError(
            f"load_checkpoint: {os.fspath(path)!r} holds the state of a {drawn.get('bit_generator')}, and a "
            f"{draw.state['bit_generator']} was given. Nothing was loaded."
        )
    loaded: list[tuple[Any, dict[str, Any]]] = []
    try:
        for name, owner in owners.items():
            if owner is not None:
                before = owner.state_dict()
                owner.load_state_dict(parts[name])
                loaded.append((owner, before))
    except BaseException:
        for owner, before in loaded:  # a later part did not fit: all are as they were
            owner.load_state_dict(before)
        raise
    draw.state = drawn
    return parts["extra"]


def _as_list(value: Any) -> Any:
    """Arrays in the state of some bit generators."""
    return {"__array__": np.asarray(value).tolist(), "dtype": np.asarray(value).dtype.str}


def _as_arrays(value: dict[str, Any]) -> Any:
    return np.array(value["__array__"], value["dtype"]) if "__array__" in value else value
