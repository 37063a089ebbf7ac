"""The constraints on parameters of distributions, and free coordinates, which have no constraints.

A `Parameter` in the body of a distribution class states a constraint, which is checked on assignment. The `Constraint`
also defines the map to free coordinates and back. With it, Newton's method can search for parameters without leaving
their domain.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, overload

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.core.effects import check
from autodiff.errors import DomainError, MatrixError, ShapeError
from autodiff.probability.operands import probabilities, real
from autodiff.special import sigmoid, softmax
from autodiff.typing import Array, Numbers


class Constraint(NamedTuple):
    """A condition on the values of a parameter.

    Attributes
    ----------
    description : str
        For example "a positive number".
    checked : callable
        ``(value, who, name) -> value``; raises an error if the condition does not hold.
    inside : callable
        Whether every entry of an array is inside the domain, not on its edge.
    free : callable
        From a value inside the domain to its free coordinates, which may be any numbers.
    bound : callable
        ``(coordinates, shape) -> value``: the inverse of `free`, which can be differentiated.
    event_ndim : int
        The number of axes of one parameter: 0 for a number, 1 for a vector.
    """

    description: str
    checked: Callable[[Any, str, str], Any]
    inside: Callable[[Array], bool]
    free: Callable[[Array], Array]
    bound: Callable[[Any, tuple[int, ...]], Any]
    event_ndim: int = 0


class _Entries:
    """Checks every entry of a value; a compiled function checks it at every call."""

    def __init__(self, who: str, name: str, holds: Callable[[Any], Any], description: str) -> None:
        self.who, self.name, self.holds, self.description = who, name, holds, description

    def __call__(self, value: Any) -> None:
        value = np.asarray(value)
        good = np.asarray(self.holds(value))
        if not good.all():
            at = tuple(int(i) for i in np.argwhere(~good)[0])
            where = f"[{', '.join(map(str, at))}]" if at else ""
            raise DomainError(f"{self.who}: {self.name}{where} is {value[at]:.6g}; it must be {self.description}.")


def _entrywise(description: str, holds: Callable[[Any], Any], needs: str = "") -> Callable[[Any, str, str], Any]:
    def checked(value: Any, who: str, name: str) -> Any:
        value = real(value, f"{who}: {name}")
        check(_Entries(who, name, holds, description + needs), value)
        return value

    return checked


def _vector(value: Any, who: str, name: str) -> Any:
    value = REAL.checked(value, who, name)
    if np.ndim(value) < 1:
        raise ShapeError(f"{who}: {name} is a single number; give a vector, (d,), or use Normal.")
    return value


def _simplex(value: Any, who: str, name: str) -> Any:
    value = real(value, f"{who}: {name}")
    if np.ndim(value) < 1:
        raise ShapeError(f"{who}: {name} is a single number; give one for each category, (..., k), with sum 1.")
    return probabilities(value, -1, who, name)


def _covariance(value: Any, who: str, name: str) -> Any:
    value = real(value, f"{who}: {name}")
    if np.ndim(value) != 2 or value.shape[0] != value.shape[1]:
        raise ShapeError(
            f"{who}: {name} has shape {np.shape(value)}; give a square matrix, (d, d). For independent variables with "
            "variances v it is np.diag(v)."
        )
    check(_Covariance(who, name), value)
    return value


class _Covariance:
    """Checks that a matrix is symmetric and positive definite."""

    def __init__(self, who: str, name: str) -> None:
        self.who, self.name = who, name

    def __call__(self, value: Any) -> None:
        skew = np.abs(value - value.T)
        if not (skew <= 1e-6 * np.abs(value).max(initial=0.0)).all():
            i, j = (int(k) for k in np.unravel_index(np.argmax(skew), skew.shape))
            raise DomainError(
                f"{self.who}: {self.name} is not symmetric: [{i}, {j}] is {value[i, j]:.6g} and [{j}, {i}] is "
                f"{value[j, i]:.6g}. Give (c + c.T) / 2."
            )
        smallest = float(np.linalg.eigvalsh(value)[0])
        if smallest <= 0:
            raise MatrixError(
                f"{self.who}: {self.name} is not positive definite: its smallest eigenvalue is {smallest:.3g}. A "
                "covariance from fewer samples than variables is singular; add a small number to its diagonal."
            )


def _lower(coordinates: Any, d: int) -> Any:
    """A lower triangular matrix from the logarithms of its diagonal and the entries below, row by row."""
    placed = coordinates[d:] @ _unit_matrices(d).reshape(-1, d * d)
    return placed.reshape(d, d) + np.exp(coordinates[:d])[:, None] * np.eye(d)


def _unit_matrices(d: int) -> Array:
    """For each entry below the diagonal, the matrix that is 1 there and 0 elsewhere."""
    rows, columns = np.tril_indices(d, -1)
    units = np.zeros((len(rows), d, d))
    units[np.arange(len(rows)), rows, columns] = 1
    return units


def _covariance_of(coordinates: Any, shape: tuple[int, ...]) -> Any:
    factor = _lower(coordinates, shape[0])
    return factor @ factor.T


def _free_covariance(value: Array) -> Array:
    factor = np.linalg.cholesky(value)
    return np.concatenate([np.log(np.diag(factor)), factor[np.tril_indices(len(factor), -1)]])


def _simplex_of(coordinates: Any, shape: tuple[int, ...]) -> Any:
    first = coordinates.reshape(*shape[:-1], shape[-1] - 1)
    return softmax(np.concatenate([first, np.zeros((*shape[:-1], 1))], axis=-1))


REAL = Constraint(
    "a finite number",
    _entrywise("a finite number", np.isfinite),
    lambda x: bool(np.isfinite(x).all()),
    lambda x: x.ravel(),
    lambda u, shape: u.reshape(shape),
)
VECTOR = REAL._replace(description="a vector of finite numbers", checked=_vector, event_ndim=1)
POSITIVE = Constraint(
    "a positive number",
    _entrywise("a positive number", lambda x: (x > 0) & np.isfinite(x)),
    lambda x: bool(((x > 0) & np.isfinite(x)).all()),
    lambda x: np.log(x).ravel(),
    lambda u, shape: np.exp(u).reshape(shape),
)
PROBABILITY = Constraint(
    "a number from 0 to 1",
    _entrywise("a number from 0 to 1", lambda x: (x >= 0) & (x <= 1), ", as special.sigmoid makes of any number"),
    lambda x: bool(((x > 0) & (x < 1)).all()),
    lambda x: (np.log(x) - np.log1p(-x)).ravel(),
    lambda u, shape: sigmoid(u).reshape(shape),
)
PROBABILITIES = Constraint(
    "probabilities that sum to 1",
    _simplex,
    lambda x: bool((x > 0).all()),
    lambda x: (np.log(x[..., :-1]) - np.log(x[..., -1:])).ravel(),
    _simplex_of,
    event_ndim=1,
)
COVARIANCE = Constraint(
    "a symmetric positive definite matrix",
    _covariance,
    lambda x: bool(np.isfinite(x).all() and (np.linalg.eigvalsh(x) > 0).all()),
    _free_covariance,
    _covariance_of,
    event_ndim=2,
)
COUNT = REAL._replace(
    description="an integer, 0 or more",
    checked=_entrywise("an integer, 0 or more", lambda x: (x >= 0) & (x == np.floor(x)) & np.isfinite(x)),
)
"""A count has no free coordinates: it is given to a fit, not fitted."""


class Parameter:
    """A parameter of a distribution: an attribute that is checked when it is assigned.

    Parameters
    ----------
    constraint : Constraint
        The condition on its values.

    Examples
    --------
    >>> from autodiff import probability as pr
    >>> pr.Normal(0.0, -1.0)
    Traceback (most recent call last):
    autodiff.errors.DomainError: Normal: standard_deviation is -1; it must be a positive number.
    """

    def __init__(self, constraint: Constraint) -> None:
        self.constraint = constraint
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, distribution: None, owner: type | None = None) -> Parameter: ...
    @overload
    def __get__(self, distribution: object, owner: type | None = None) -> Tensor | Array: ...
    def __get__(self, distribution: Any, owner: type | None = None) -> Parameter | Tensor | Array:
        return self if distribution is None else distribution.__dict__[self.name]

    def __set__(self, distribution: Any, value: Tensor | Numbers) -> None:
        who, attributes = type(distribution).__name__, distribution.__dict__
        value = self.constraint.checked(value, who, self.name)
        for name, constraint in distribution.parameters.items():
            if name != self.name and name in attributes:
                _check_broadcast(who, (self.name, value, self.constraint), (name, attributes[name], constraint))
        attributes[self.name] = value


def _check_broadcast(who: str, *named: tuple[str, Any, Constraint]) -> None:
    """Check that two parameters broadcast against each other."""
    shapes = [np.shape(value)[: np.ndim(value) - constraint.event_ndim] for _, value, constraint in named]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        (one, a, _), (other, b, _) = named
        raise ShapeError(
            f"{who}: {one} has shape {np.shape(a)} and {other} {np.shape(b)}; the parameters of several variables "
            "must broadcast against each other."
        ) from None
