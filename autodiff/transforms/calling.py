"""Calls of users' functions: what is said when a function takes other arguments than it is called with."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from autodiff.arrays.plain import untracked
from autodiff.errors import UntrackedError

_NAMES = ("x", "y", "z", "w")


def called(f: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """The result of a user's function; if it takes other arguments, the error says how to write it.

    Parameters
    ----------
    f : callable
        The user's function.
    *args, **kwargs
        What it is called with.

    Returns
    -------
    object
        What `f` returns.

    Raises
    ------
    TypeError
        If the function cannot be called with these arguments. An exception inside of it passes unchanged.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff.solvers import called
    >>> float(called(np.sum, np.ones(3)))
    3.0
    """
    try:
        return f(*args, **kwargs)
    except (TypeError, ValueError) as error:
        explain_call(f, args, kwargs, error)
        raise


def explain_call(f: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], error: Exception) -> None:
    """Raise a better error for a call of `f` with other arguments than it has, or for a Tensor written into an array.

    It has to be called where `f` was called. No name may hold an error that is raised here: its traceback holds this
    frame, and the cycle would keep all arrays of the call alive.
    """
    if isinstance(error.__cause__, UntrackedError) and str(error).startswith("setting an array element with a seq"):
        raise UntrackedError(str(error.__cause__)).with_traceback(error.__traceback__) from None
    inside = error.__traceback__ is None or error.__traceback__.tb_next is not None
    advice = "" if inside or not isinstance(error, TypeError) else _advice(f, args, kwargs)
    if advice:
        raise TypeError(advice) from None


def _advice(f: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> str:
    """What to write in place of a function that takes more or fewer arguments than it is called with; or nothing."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):  # some functions written in C do not tell
        return ""
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.name not in kwargs]
    wanted = [p.name for p in places if p.default is p.empty]
    given = ", ".join(_kind(a) for a in args) or "nothing"
    name = getattr(f, "__name__", "f").replace("<lambda>", "f")
    takes = f"{name}({', '.join(p.name for p in places)}) takes {len(wanted) or len(places)} argument(s)"
    fact = f"{takes} and is called with {len(args)}: {given}."
    if wanted and not args:
        return f"{fact} Pass its arguments after the function: {name}, {', '.join(wanted)}."
    if len(args) < len(wanted):
        point = ", ".join(f"p[{i}]" for i in range(len(wanted)))
        return (
            f"{fact} A function of a point takes one argument, the point p: write lambda p: {name}({point}). To "
            f"differentiate by several arguments, pass them all: ad.grad({name}, argnums=(0, 1))({', '.join(wanted)})."
        )
    if len(args) > len(places) and not any(p.kind is p.VAR_POSITIONAL for p in parameters):
        several = ", ".join((*_NAMES, *(f"x{i}" for i in range(4, len(args))))[: len(args)])
        mend = f"{fact} Give it a parameter for each: lambda {several}: ..."
        if len({getattr(untracked(a), "shape", ()) for a in args}) == 1:  # coordinates of one point, perhaps
            mend += f"; if it is a function of a point, write lambda {several}: {name}(np.stack([{several}]))"
        return mend if mend.endswith("...") else f"{mend}."
    return ""


def _kind(value: Any) -> str:
    shape = getattr(untracked(value), "shape", ())
    return f"an array of shape {shape}" if shape else f"a {type(value).__name__}"
