"""A training run in one file: model, optimiser, schedule and random generators, from which it can resume.

On the same machine with the same libraries it resumes bit for bit. `save_checkpoint` says what the file does not hold.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import autodiff as ad
from nn.module import Module, generators_of
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
    """Write a checkpoint from which a training run can resume as if it had not stopped; completely or not at all.

    It holds parameters and buffers, the states of optimiser and schedule, and random generators: this thread's, the
    given one, and those that layers hold as attributes. It does not hold the state of callbacks. The options of the
    optimiser (learning rate, betas, weight decay) are part of its state, so a run resumes with those of the file.

    Parameters
    ----------
    path : path
        The file; by convention it ends in ``.npz``.
    model : Module
        Its parameters and buffers are saved.
    optimizer, schedule : optional
        Anything with ``state_dict()``.
    rng : numpy.random.Generator, optional
        The run's own generator, whose state is saved too.
    extra : mapping of str to array_like, optional
        More to save: the number of the epoch, a history.

    Raises
    ------
    OSError
        If the file cannot be written.
    autodiff.DtypeError
        If something in `extra` is not numeric.

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
    for name, draw in _generators(model, rng).items():
        state[f"random/{name}"] = np.array(json.dumps(draw.bit_generator.state, default=_as_list))
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
    """Restore model, optimiser, schedule and random generators from a file of `save_checkpoint`.

    Parameters
    ----------
    path : path
        The file.
    model : Module
        Its parameters and buffers are overwritten.
    optimizer, schedule : optional
        Those that were saved: anything with ``state_dict()`` and ``load_state_dict()``.
    rng : numpy.random.Generator, optional
        The run's own generator, whose state is restored too.

    Returns
    -------
    dict of str to ndarray
        The extras.

    Raises
    ------
    OSError, ValueError
        If the file cannot be read, is truncated, or is not a checkpoint.
    autodiff.StructureError, autodiff.ShapeError, autodiff.DtypeError
        If a part is missing, or does not fit. All parts are checked before the first is changed. A part without
        ``check_state_dict``, from another library, gets its old state back.

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
    extra, apply = checked_checkpoint(path, model, optimizer, schedule, rng)
    apply()
    return extra


def checked_checkpoint(
    path: str | os.PathLike[str], model: Module, optimizer: Any, schedule: Any, rng: np.random.Generator | None
) -> tuple[dict[str, Any], Callable[[], None]]:
    """The extras of a checkpoint, and a function that restores all parts; nothing changes until it is called."""
    state = load(path)
    if "random/thread" not in state:
        raise ValueError(
            f"load_checkpoint: {os.fspath(path)!r} was not written by save_checkpoint. Nothing was loaded."
        )
    parts: dict[str, dict[str, Any]] = {name: {} for name in (*_PARTS, "random", "extra")}
    for key, value in state.items():
        part, _, rest = key.partition("/")
        if part in parts:
            parts[part][rest] = value
    owners = dict(zip(_PARTS, (model, optimizer, schedule), strict=True))
    for name, owner in owners.items():
        if bool(parts[name]) != (owner is not None) and not (owner is not None and not owner.state_dict()):
            raise ad.StructureError(
                f"load_checkpoint: {os.fspath(path)!r} holds {'a' if parts[name] else 'no'} {name}, and "
                f"{'one' if owner is not None else 'none'} was given. Nothing was loaded."
            )
        if hasattr(owner, "check_state_dict"):
            owner.check_state_dict(parts[name])
    drawn = _checked_random(os.fspath(path), parts["random"], _generators(model, rng))

    def apply() -> None:
        met: list[tuple[Any, dict[str, Any]]] = []
        try:
            for name, owner in owners.items():
                if owner is not None:
                    met.append((owner, owner.state_dict()))
                    owner.load_state_dict(parts[name])
        except BaseException:
            for owner, before in met:
                owner.load_state_dict(before)
            raise
        for bits, known in drawn:
            bits.state = known

    return parts["extra"], apply


def _generators(model: Module, rng: np.random.Generator | None) -> dict[str, np.random.Generator]:
    """All random generators of a run that are known here, by their names in a checkpoint."""
    given = {} if rng is None else {"given": rng}
    return {"thread": generator(), **given, **{f"model/{path}": g for path, g in generators_of(model).items()}}


def _checked_random(
    path: str, saved: Mapping[str, Any], mine: Mapping[str, np.random.Generator]
) -> list[tuple[Any, dict[str, Any]]]:
    """The bit generators, each with its saved state, which was first tried on a copy."""
    import json

    missing, unknown = [k for k in mine if k not in saved], [k for k in saved if k not in mine]
    if missing or unknown:
        raise ad.StructureError(
            f"load_checkpoint: the random generators of {path!r} are not those given (this thread's, rng=, and those "
            f"in layers): missing {missing or 'nothing'}, unknown {unknown or 'nothing'}. Nothing was loaded."
        )
    found = []
    for name, draw in mine.items():
        bits = draw.bit_generator
        try:
            known = json.loads(str(saved[name]), object_hook=_as_arrays)
            kind = known["bit_generator"]
            if kind == bits.state["bit_generator"]:
                copy.deepcopy(bits).state = known
        except Exception as error:  # a damaged state can raise almost any exception
            raise ValueError(
                f"load_checkpoint: {path!r} holds no state of the random generator {name!r} ({error}). Nothing was "
                "loaded."
            ) from error
        if kind != bits.state["bit_generator"]:
            raise ad.StructureError(
                f"load_checkpoint: {path!r} holds the state of a {kind}, and a {bits.state['bit_generator']} was given "
                f"as the random generator {name!r}. Nothing was loaded."
            )
        found.append((bits, known))
    return found


def _as_list(value: Any) -> Any:
    """An array, which the state of some bit generators holds, as JSON."""
    return {"__array__": np.asarray(value).tolist(), "dtype": np.asarray(value).dtype.str}


def _as_arrays(value: dict[str, Any]) -> Any:
    return np.array(value["__array__"], value["dtype"]) if "__array__" in value else value
