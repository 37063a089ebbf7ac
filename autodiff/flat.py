"""One flat home for parameters and their gradients.

An optimiser that updates one parameter after another pays NumPy's call overhead for each. Here the
values of all parameters of one dtype lie in one vector and their gradients in another. The ``data`` and
``grad`` of every parameter are views, so an update takes only a few calls. A parameter keeps its home for
life: a second optimiser gets the same one.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from autodiff.arrays.afar import fetch, fetched, lock
from autodiff.arrays.tensors import Tensor
from autodiff.core.tape import Leaf, next_number
from autodiff.errors import GradientError
from autodiff.typing import Array

__all__ = ["Home", "Part", "Run", "fetched", "house", "lock", "thawed"]


class Home:
    """Two vectors: the concatenated values of some parameters, and their gradients.

    Attributes
    ----------
    values, gradients : ndarray, (n,)
        Both of one dtype; gradients hold stale numbers where a parameter's ``grad`` is None, and values where a
        parameter is `away`.
    away : dict of int to weakref of Tensor or Leaf
        The parameters whose values are on a device, and the leaves whose gradients are, by id.
    """

    __slots__ = ("away", "gradients", "values")

    def __init__(self, size: int, dtype: np.dtype[Any]) -> None:
        self.values: Array = np.zeros(size, dtype)
        self.gradients: Array = np.zeros(size, dtype)
        self.away: dict[int, weakref.ref[Any]] = {}

    def part(self, start: int, shape: tuple[int, ...]) -> Array:
        """The values of one parameter, as an array that stays alive as long as somebody holds it or a view of it."""
        return np.asarray(Part(self.values[start:], shape))

    def fetch(self) -> None:
        """Bring back what is on a device."""
        while self.away:
            for key, held in list(self.away.items()):
                x = held()
                if x is not None:
                    fetch(x)
                self.away.pop(key, None)


class Part:
    """Shows NumPy a part of a vector as an array of its own.

    NumPy hands the views of a view to the array that owns the memory, and forgets the view between. An array made from
    this object is the base of its views, so that a weak reference to it tells whether any of them is still held.
    """

    __slots__ = ("__array_interface__", "home")

    def __init__(self, home: Array, shape: tuple[int, ...]) -> None:
        self.home = home
        self.__array_interface__ = {**home.__array_interface__, "shape": shape}


class Run:
    """Parameters that are contiguous in one home.

    Attributes
    ----------
    parameters : list of Tensor
    offsets : list of int
        The start of each parameter in the run, and last the length of the run.
    values, gradients : ndarray, (n,)
        Views of the home. Whoever reads or writes them calls `Home.fetch` before.
    """

    __slots__ = ("gradients", "home", "leaves", "offsets", "parameters", "values")

    def __init__(self, parameters: list[Tensor], leaves: list[Leaf], home: Home, start: int) -> None:
        self.parameters = parameters
        self.leaves = leaves
        self.offsets = [0]
        for p in parameters:
            self.offsets.append(self.offsets[-1] + p.size)
        stop = start + self.offsets[-1]
        self.home = home
        self.values = home.values[start:stop]
        self.gradients = home.gradients[start:stop]

    def has_all_gradients(self) -> bool:
        """Whether every parameter has a gradient."""
        for leaf in self.leaves:  # noqa: SIM110 - a generator costs twice as much, at every step
            if leaf.grad is None:
                return False
        return True

    def mark_changed(self, first: int = 0, last: int | None = None) -> None:
        """Mark the parameters as changed, after writing into `values`, so that older graphs know they are stale.

        Parameters
        ----------
        first, last : int, optional
            The range of parameters that were changed; all of them if not given.
        """
        stamp = next_number()
        for leaf in self.leaves if last is None else self.leaves[first:last]:
            leaf.stamp = stamp


def house(parameters: Iterable[Tensor]) -> list[Run]:
    """Move every parameter to a flat home, and return the runs that they form.

    Parameters
    ----------
    parameters : iterable of Tensor
        Leaves that require a gradient; one that appears twice (tied weights) is used once.

    Returns
    -------
    list of Run
        As few as the given order and the existing homes allow; one if all parameters are new and of one dtype.

    Raises
    ------
    GradientError
        If there are no parameters, or one of them is not a tracked leaf.

    Examples
    --------
    >>> import autodiff as ad
    >>> from autodiff.flat import house
    >>> a, b = ad.tensor([1.0, 2.0], requires_grad=True), ad.tensor(3.0, requires_grad=True)
    >>> (run,) = house([a, b])
    >>> run.values
    array([1., 2., 3.])
    """
    tensors: list[Tensor] = []
    leaves: list[Leaf] = []
    for i, p in enumerate(parameters):
        leaf = p._node if isinstance(p, Tensor) else None
        if not isinstance(leaf, Leaf):
            given = "a tensor that is not a tracked leaf" if isinstance(p, Tensor) else f"a {type(p).__name__}"
            raise GradientError(
                f"parameter {i} is {given}; give tensors made with requires_grad=True, such as model.parameters() "
                f"(where some are frozen: [p for p in model.parameters() if p.requires_grad])."
            )
        if leaf not in leaves:
            tensors.append(p)
            leaves.append(leaf)
    if not tensors:
        raise GradientError("there are no parameters: was the model built, and is at least one parameter not frozen?")
    for dtype in dict.fromkeys(p.dtype for p in tensors):
        _settle(
            [(p, leaf) for p, leaf in zip(tensors, leaves, strict=True) if p.dtype == dtype and leaf.place is None],
            dtype,
        )
    runs = _runs(tensors, leaves)
    for run in runs:
        run.home.fetch()
    return runs


@contextmanager
def thawed(parameters: list[Tensor]) -> Iterator[list[Tensor]]:
    """Context manager in which frozen parameters (``requires_grad_(False)``) are leaves, so that `house` takes them."""
    frozen = [p for p in parameters if p._node is None]
    for p in frozen:
        p.requires_grad_(True)
    try:
        yield parameters
    finally:
        for p in frozen:
            p.requires_grad_(False)


def _settle(new: list[tuple[Tensor, Leaf]], dtype: np.dtype[Any]) -> None:
    """Build a home for parameters that have none, and move them there."""
    if not new:
        return
    home = Home(sum(p.size for p, _ in new), dtype)
    start = 0
    for p, leaf in new:
        stop = start + p.size
        values = home.part(start, p.shape)
        values[...] = p._data
        p._data = values
        leaf.home = home.gradients[start:stop].reshape(p.shape)
        if leaf.grad is not None:
            leaf.home[...] = leaf.grad
            leaf.grad = leaf.home
        leaf.place = (home, start)
        start = stop


def _runs(tensors: list[Tensor], leaves: list[Leaf]) -> list[Run]:
    runs: list[tuple[list[Tensor], list[Leaf], Home, int, int]] = []
    for p, leaf in zip(tensors, leaves, strict=True):
        home, start = leaf.place
        if runs and runs[-1][2] is home and runs[-1][4] == start:
            group, members, _, first, _ = runs.pop()
            runs.append(([*group, p], [*members, leaf], home, first, start + p.size))
        else:
            runs.append(([p], [leaf], home, start, start + p.size))
    return [Run(group, members, home, first) for group, members, home, first, _ in runs]
