"""What a function does besides computing: eagerly a plain call, in a compiled function a step of its program."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar

from autodiff.core import switches

P = ParamSpec("P")
T = TypeVar("T")


def is_compiling() -> bool:
    """Whether `compile` is recording the calls of this thread.

    Returns
    -------
    bool

    Examples
    --------
    >>> import autodiff as ad
    >>> f = lambda x: x * (2.0 if ad.is_compiling() else 3.0)
    >>> float(f(1.0)), float(ad.compile(f, check=0)(1.0))
    (3.0, 2.0)
    """
    return switches.tracer() is not None


def effect(function: Callable[[], object], tensors: Iterable[Any] = ()) -> None:
    """Do something that has an effect, now and at every call of the function that is being compiled.

    Parameters
    ----------
    function : callable
        Called without arguments; for example, an optimiser's update.
    tensors : iterable of Tensor
        The Tensors whose gradients it reads, or whose values it changes in place.

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
    """The current value of a function. A compiled function computes it again at every call.

    Parameters
    ----------
    function : callable
        Returns a different array each time: random numbers, the next rows of a data set. Its state is the generators
        among its arguments, and the generator whose method it is. If it draws from another one, give it an attribute
        ``draws_from``: a function of the same arguments that returns that generator.
    *args, **keywords
        Passed to `function`.

    Returns
    -------
    object
        What `function` returns.

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
    """Check plain values now; a compiled function checks them at every call.

    Parameters
    ----------
    function : callable
        Raises an exception if something is wrong; its result is ignored.
    *args
        Passed to `function`, Tensors as their plain values.

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
    """Note that a module of a network was changed, so that compiled programs check whether it is one of theirs.

    Examples
    --------
    >>> import autodiff as ad
    >>> ad.structure_changed()
    """
    switches.structure[0] += 1
