"""What a function does beside computing: eagerly a plain call, in a compiled function part of its program."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar

from autodiff.core import switches

P = ParamSpec("P")
T = TypeVar("T")


def is_compiling() -> bool:
    """Whether the calls of this thread are being written down by `compile`."""
    return switches.tracer() is not None


def effect(function: Callable[[], object], tensors: Iterable[Any] = ()) -> None:
    """Do something that changes the world, now, and at every call of the function that is being compiled.

    Parameters
    ----------
    function : callable
        Without arguments: an optimiser's update.
    tensors : iterable of Tensor
        Those whose gradients it reads and whose values it changes in place.

    Examples
    --------
    >>> import autodiff as ad
    >>> done = []
    >>> ad.effect(lambda: done.append(1))
    >>> done
    [1]
    """
    tracer = switches.tracer()
    if tracer is None:
        function()
    else:
        tracer.do(function, tensors)


def live(function: Callable[P, T], *args: P.args, **keywords: P.kwargs) -> T:
    """What a function gives now; in a function that is being compiled it is called anew at every call.

    Parameters
    ----------
    function : callable
        Gives an array, and not the same one every time: random numbers, the next rows of a data set. Generators among
        its arguments, and the one it is a method of, are known as its state; if it draws from another, its attribute
        ``draws_from``, called with the same arguments, gives that.
    *args, **keywords
        For it.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> rng = np.random.default_rng(0)
    >>> noisy = ad.compile(lambda x: x + ad.live(rng.normal, size=2))
    >>> x = np.zeros(2)
    >>> bool((noisy(x) == noisy(x)).any())
    False
    """
    tracer = switches.tracer()
    return function(*args, **keywords) if tracer is None else tracer.record("live", function, function, args, keywords)


def check(function: Callable[..., object], *args: Any) -> None:
    """Let a function look at plain values and complain; in a function that is being compiled it looks at every call.

    Parameters
    ----------
    function : callable
        Raises an exception if something is wrong; what it returns is dropped.
    *args
        For it; of Tensors their values.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> def positive(x):
    ...     if (x <= 0).any():
    ...         raise ValueError("not positive")
    >>> ad.check(positive, ad.tensor([1.0, 2.0]))
    """
    tracer = switches.tracer()
    arrays = [getattr(a, "_data", a) for a in args]
    if tracer is None:
        function(*arrays)
    else:
        tracer.look(function, arrays)


def structure_changed() -> None:
    """Note that a module of a network was changed: compiled programs look whether it concerns them."""
    switches.structure[0] += 1
