"""The parameters of a distribution as one vector of free coordinates, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.arrays.plain import untracked
from autodiff.arrays.tensors import Tensor
from autodiff.errors import UnsupportedError
from autodiff.probability.distribution import Distribution
from autodiff.probability.parameters import COUNT, POSITIVE, PROBABILITIES, PROBABILITY, Constraint
from autodiff.typing import Array


class Coordinates:
    """Free coordinates of the parameters that are fitted; the other parameters keep their values.

    Parameters
    ----------
    origin : Distribution
        Where the fit starts.
    fixed : tuple of str
        The parameters that are not fitted.

    Attributes
    ----------
    start : ndarray, (m,)
        The coordinates of `origin`.
    logarithmic : ndarray of bool, (m,)
        Which coordinates are logarithms or logits.
    names : tuple of str
        The names of the entries of `vector`.
    """

    def __init__(self, origin: Distribution, fixed: tuple[str, ...]) -> None:
        self.origin = origin
        self.values = {name: np.asarray(untracked(value), float) for name, value in origin.values().items()}
        constraints = origin.constraints()
        self.fitted: dict[str, Constraint] = {
            name: c for name, c in constraints.items() if name not in fixed and c is not COUNT
        }
        if not self.fitted:
            raise UnsupportedError(f"fit: {type(origin).__name__} has no parameter left to fit.")
        parts = [c.free(self.values[name]) for name, c in self.fitted.items()]
        self.ends = np.cumsum([len(part) for part in parts]).tolist()
        self.start = np.concatenate(parts)
        logarithmic = [c in (POSITIVE, PROBABILITY, PROBABILITIES) for c in self.fitted.values()]
        self.logarithmic = np.repeat(logarithmic, [len(part) for part in parts])
        self.names = tuple(
            name + (f"[{', '.join(map(str, at))}]" if at else "")
            for name in self.fitted
            for at in np.ndindex(self.values[name].shape)
        )

    def parameters(self, u: Any) -> dict[str, Any]:
        """Maps the name of each fitted parameter to its value."""
        begins = [0, *self.ends[:-1]]
        return {
            name: c.bound(u[begin:end], self.values[name].shape)
            for (name, c), begin, end in zip(self.fitted.items(), begins, self.ends, strict=True)
        }

    def distribution(self, u: Any) -> Distribution:
        """The distribution at these coordinates."""
        return self.origin.replaced({**self.values, **self.parameters(u)})

    def vector(self, u: Any) -> Tensor | Array:
        """All entries of the fitted parameters, concatenated."""
        return np.concatenate([value.reshape(-1) for value in self.parameters(u).values()])

    def unpacked(self, vector: Array) -> dict[str, Any]:
        """Maps names to values, from the entries of such a vector."""
        found, begin = {}, 0
        for name in self.fitted:
            shape = self.values[name].shape
            end = begin + int(np.prod(shape))
            found[name] = vector[begin:end].reshape(shape)[()]
            begin = end
        return found
