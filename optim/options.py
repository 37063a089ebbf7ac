"""Options of optimisers: checked when they are set, read from the first group, set in all groups.

A parameter group is a list of parameters with their options; most optimisers have one group. A subclass of `Optimizer`
declares an option as a class attribute, and then every group has it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np

import autodiff as ad

Check = Callable[[str, Any], Any]
Saved = dict[str, np.ndarray[Any, np.dtype[Any]]]


class Option:
    """An option that every group of an optimiser has.

    Parameters
    ----------
    check : callable
        ``(name, value) -> value`` returns the value to store; it raises if the value cannot be used.
    shared : bool, default False
        The option determines which state there is, so it is the same in all groups and cannot change later.
    """

    def __init__(self, check: Check, *, shared: bool = False) -> None:
        self.check = check
        self.shared = shared
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, optimizer: Any, owner: type | None = None) -> Any:
        return self if optimizer is None else getattr(optimizer.groups[0], self.name)

    def __set__(self, optimizer: Any, value: Any) -> None:
        for group in optimizer.groups:
            setattr(group, self.name, value)


def options_of(kind: type) -> dict[str, Option]:
    """The options that `kind` and its bases declare, by name."""
    found: dict[str, Option] = {}
    for base in reversed(kind.__mro__):
        found.update({k: v for k, v in vars(base).items() if isinstance(v, Option)})
    return found


class Group:
    """A parameter group: parameters, and their options as attributes (``group.learning_rate = 0.1``).

    Attributes
    ----------
    parameters : list of Tensor
    scheduled : tuple of two floats, or None
        Kept by schedules: the learning rate before them, and the one that they set last.
    """

    def __init__(self, kind: type, parameters: Iterable[ad.Tensor], options: Mapping[str, Any]) -> None:
        own = self.__dict__  # not through __setattr__, which checks
        own["_kind"] = kind
        own["_options"] = options_of(kind)
        own["parameters"] = list(parameters)
        own["scheduled"] = None
        for name, option in self._options.items():
            own[name] = option.check(name, options[name])

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "scheduled":
            ad.effect(partial(self.__dict__.__setitem__, name, value))
            return
        option: Option | None = self._options.get(name)
        if option is None:
            raise AttributeError(f"{self._kind.__name__} has no option {name!r}; it has {', '.join(self._options)}.")
        value = option.check(name, value)
        if option.shared and value != self.__dict__[name]:
            raise ValueError(
                f"{self._kind.__name__}: {name} cannot be changed from {self.__dict__[name]} to {value}, since it "
                f"determines the state. Build a new optimiser with {name}={value}."
            )
        ad.effect(partial(self.__dict__.__setitem__, name, value))  # a compiled step does this at every call

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"the parameter group has no option {name!r}; it has {', '.join(self.__dict__.get('_options', ()))}."
        )

    def values(self) -> dict[str, Any]:
        """The options, by name."""
        return {name: self.__dict__[name] for name in self._options}

    def __repr__(self) -> str:
        options = ", ".join(f"{k}={v!r}" for k, v in self.values().items())
        return f"Group({len(self.parameters)} parameters, {options})"


def listed(kind: type, parameters: Any) -> list[Any]:
    """The parameters given to an optimiser of type `kind`, as a list; a TypeError if they are not iterable."""
    try:
        return list(parameters)
    except TypeError:
        call = " Call it: model.parameters()." if callable(parameters) and not hasattr(parameters, "parameters") else ""
        raise TypeError(
            f"{kind.__name__}: the parameters must be an iterable of tensors, such as model.parameters(); a "
            f"{type(parameters).__name__} was given.{call}"
        ) from None


def grouped(kind: type, parameters: Iterable[Any], defaults: Mapping[str, Any]) -> list[Group]:
    """The parameter groups of an optimiser of type `kind`.

    Parameters
    ----------
    parameters : iterable of Tensor, or of dict
        A dict has the key ``"params"``, an iterable of Tensors, and the options that differ from the `defaults`.
    """
    options = options_of(kind)
    for name, option in options.items():
        option.check(name, defaults[name])
    parameters = listed(kind, parameters)
    if not any(isinstance(p, Mapping) for p in parameters):
        return [Group(kind, parameters, defaults)]
    groups: list[Group] = []
    for i, given in enumerate(parameters):
        what = f"group {i} of {kind.__name__}"
        if not isinstance(given, Mapping):
            raise TypeError(
                f"{what} is a {type(given).__name__}; if one group is a dict, all must be, such as "
                '{"params": [...], "learning_rate": 0.1}.'
            )
        if "params" not in given:
            raise ValueError(f'{what} has the keys {list(given)}; the key "params" with the parameters is missing.')
        if unknown := [k for k in given if k != "params" and k not in options]:
            raise ValueError(
                f"{what} has the unknown option {unknown[0]!r}{_called_here(unknown[0], options)}; known are params, "
                f"{', '.join(options)}."
            )
        if differing := [k for k in given if k != "params" and options[k].shared and given[k] != defaults[k]]:
            raise ValueError(
                f"{what}: {differing[0]} must be the same for all groups; give it to {kind.__name__}, not to a group."
            )
        members = given["params"]
        members = [members] if isinstance(members, ad.Tensor) else list(members)
        groups.append(Group(kind, members, {**defaults, **{k: v for k, v in given.items() if k != "params"}}))
    owner: dict[int, int] = {}
    for i, group in enumerate(groups):
        for p in group.parameters:
            if owner.setdefault(id(p), i) != i:
                name = f" {p.name!r}" if isinstance(p, ad.Tensor) and p.name else ""
                raise ValueError(f"the parameter{name} is in group {owner[id(p)]} and in group {i}; keep it in one.")
    return groups


def _called_here(name: str, options: Iterable[str]) -> str:
    """What an option of another library is called here, if it has another name."""
    from optim.names import KEYWORDS

    row = KEYWORDS.get(name)
    return f", which is called {row[0]} here" if row is not None and row[0] in options else ""


def fitting(owner: Any, mine: Mapping[str, Any], saved: Mapping[str, Any], any_shape: Iterable[str] = ()) -> Saved:
    """A saved state as arrays, checked to have the names, shapes and dtypes of the owner's state."""
    missing, unknown = [k for k in mine if k not in saved], [k for k in saved if k not in mine]
    if missing or unknown:
        raise ad.StructureError(
            f"the state does not belong to this {type(owner).__name__}: missing {missing or 'nothing'}, unknown "
            f"{unknown or 'nothing'}. Nothing was loaded."
        )
    found = {key: np.asarray(saved[key]) for key in mine}
    for key, value in mine.items():
        given = found[key]
        if given.shape != value.shape and key not in any_shape:
            raise ad.ShapeError(
                f"{key}: the state has shape {given.shape}, expected {value.shape}. Nothing was loaded."
            )
        if not np.can_cast(given.dtype, value.dtype, "same_kind"):
            raise ad.DtypeError(
                f"{key}: the state has dtype {given.dtype}, expected {value.dtype}. Nothing was loaded."
            )
    return found


def checked(
    what: str, value: float, low: float, high: float = math.inf, *, open_low: bool = False, open_high: bool = False
) -> float:
    """An option as a float within bounds, checked when the object is built rather than at step 1000."""
    if isinstance(value, (str, bytes)):
        raise TypeError(f"{what} must be a number; {value!r} was given. Of text float(text) makes a number.")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{what} must be a number; {value!r} was given.") from None
    if not low <= number <= high or (open_low and number == low) or (open_high and number == high):
        raise ValueError(f"{what} must be between {low} and {high}; {value!r} was given.")
    return number


def whole(what: str, value: int, low: int) -> int:
    """An option that is an integer, `low` or more."""
    number = checked(what, value, low, open_high=True)
    if number != int(number):
        raise ValueError(f"{what} must be an integer; {value!r} was given.")
    return int(number)


def finite_from_zero(what: str, value: float) -> float:
    """A finite number, 0 or more."""
    return checked(what, value, 0.0, open_high=True)


def share(what: str, value: float) -> float:
    """A number, 0 or more and less than 1."""
    return checked(what, value, 0.0, 1.0, open_high=True)


def two_shares(what: str, value: tuple[float, float]) -> tuple[float, float]:
    """A pair of numbers, 0 or more and less than 1."""
    try:
        first, second = value
    except (TypeError, ValueError):
        raise TypeError(f"{what} must be a pair of numbers, such as (0.9, 0.999); {value!r} was given.") from None
    return share(f"{what}[0]", first), share(f"{what}[1]", second)


def flag(what: str, value: bool) -> bool:
    """A Boolean."""
    return bool(value)
