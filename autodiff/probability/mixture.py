"""Mixtures: one of several distributions, chosen at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import numpy as np

from autodiff.arrays.plain import is_tracked, untracked
from autodiff.arrays.tensors import Tensor
from autodiff.core import switches
from autodiff.core.effects import is_compiling, live
from autodiff.errors import GradientError, ShapeError, StructureError, UnsupportedError
from autodiff.probability.categorical import drawn
from autodiff.probability.counts import first_reaching
from autodiff.probability.distribution import Continuous, Discrete, Distribution, Support
from autodiff.probability.expectations import expectation
from autodiff.probability.operands import log, real
from autodiff.probability.parameters import PROBABILITIES, Constraint, Parameter
from autodiff.special import logsumexp
from autodiff.typing import Array, Numbers


class Mixture(Distribution):
    """One of several distributions, chosen at random.

    Parameters
    ----------
    weights : array_like or Tensor, (k,)
        The probability of each component; they sum to 1.
    components : sequence of Distribution
        Each of one variable (or of vectors of one length); all with densities, or all over integers.

    Raises
    ------
    DomainError, ShapeError, StructureError
        If the weights are not probabilities or do not fit the components; if components have arrays of parameters or
        cannot be mixed.

    Notes
    -----
    The density is ``sum_k w_k p_k(x)``. Samples can be differentiated by all parameters, including the weights: a
    sample moves so that the cumulative function at it stays the same. `entropy` uses quadrature; `quantile` uses
    bisection, then recorded Newton steps.

    References
    ----------
    M. Figurnov, S. Mohamed, A. Mnih, "Implicit reparameterization gradients", NeurIPS 2018, equation 5.

    Examples
    --------
    >>> from autodiff import probability as pr
    >>> d = pr.Mixture([0.5, 0.5], [pr.Normal(-1.0, 1.0), pr.Normal(1.0, 1.0)])
    >>> float(d.mean), float(d.variance), float(d.cdf(0.0))
    (0.0, 2.0, 0.5)
    """

    weights: Parameter = Parameter(PROBABILITIES)

    def __init__(self, weights: Tensor | Numbers, components: Sequence[Distribution]) -> None:
        self.weights = weights
        self.components = tuple(components)
        if np.shape(self.weights) != (len(self.components),):
            raise ShapeError(
                f"Mixture: weights have shape {np.shape(self.weights)}, but there are {len(self.components)} "
                "components; give one weight for each."
            )
        for i, c in enumerate(self.components):
            if not isinstance(c, Distribution):
                raise StructureError(f"Mixture: components[{i}] is a {type(c).__name__}; give distributions.")
            if c.shape:
                raise ShapeError(
                    f"Mixture: components[{i}] has parameters of shape {c.shape}; give one distribution with scalar "
                    "parameters for each component."
                )
            if self._kind(c) != self._kind(self.components[0]):
                raise StructureError(
                    f"Mixture: components[0] is {self.components[0]!r} and components[{i}] {c!r}; all must have "
                    "densities, or all take integers, and their values must have the same number of entries."
                )

        self.event_ndim = self.components[0].event_ndim
        self.smooth = all(c.smooth for c in self.components)

    @staticmethod
    def _kind(distribution: Distribution) -> tuple[bool, int, int]:
        return distribution.support.discrete, distribution.event_ndim, distribution.dimension

    # --- parameters, including those of the components

    def values(self) -> dict[str, Any]:
        parts = {f"components[{i}].{k}": v for i, c in enumerate(self.components) for k, v in c.values().items()}
        return {"weights": self.weights, **parts}

    def constraints(self) -> dict[str, Constraint]:
        parts = {f"components[{i}].{k}": v for i, c in enumerate(self.components) for k, v in c.constraints().items()}
        return {**self.parameters, **parts}

    def replaced(self, values: dict[str, Any]) -> Mixture:
        return Mixture(
            values["weights"],
            [
                c.replaced({name: values[f"components[{i}].{name}"] for name in c.values()})
                for i, c in enumerate(self.components)
            ],
        )

    def parts(self) -> list[tuple[Any, Distribution]]:
        return [(self.weights[i] * w, p) for i, c in enumerate(self.components) for w, p in c.parts()]

    @property
    def dimension(self) -> int:
        return self.components[0].dimension

    @property
    def shape(self) -> tuple[int, ...]:
        return ()

    # --- moments and densities

    @property
    def support(self) -> Support:
        """From the lowest end of the components to the highest."""
        supports = [c.support for c in self.components]
        low, high = min(untracked(s.low) for s in supports), max(untracked(s.high) for s in supports)
        return Support(low, high, supports[0].discrete)

    @property
    def mean(self) -> Tensor | Array:
        mean: Any = sum(self.weights[i] * c.mean for i, c in enumerate(self.components))  # a sum of nothing is an int
        return mean

    @property
    def variance(self) -> Tensor | Array:
        """The variance within the components plus that between them."""
        mean = self.mean
        distances = [c.mean - mean for c in self.components]
        variance: Any = sum(
            self.weights[i] * (c.variance + d * d)
            for i, (c, d) in enumerate(zip(self.components, distances, strict=True))
        )
        return variance

    def entropy(self) -> Tensor | Array:
        """The expectation of minus the logarithm of the density, by quadrature."""
        return expectation(lambda x: -self._log_value(x), self)

    @overload
    def log_density(self, x: Tensor) -> Tensor: ...
    @overload
    def log_density(self, x: Numbers) -> Tensor | Array: ...
    def log_density(self, x: Tensor | Numbers) -> Tensor | Array:
        """The logarithm of the density, if the components have densities.

        Parameters
        ----------
        x : array_like or Tensor

        Returns
        -------
        array or Tensor
        """
        if self.support.discrete:
            raise UnsupportedError("Mixture: its components take integers only; use log_probability.")
        return self._log_value(real(x, "Mixture.log_density: x"))

    @overload
    def density(self, x: Tensor) -> Tensor: ...
    @overload
    def density(self, x: Numbers) -> Tensor | Array: ...
    def density(self, x: Tensor | Numbers) -> Tensor | Array:
        """The density, if the components have densities.

        Parameters
        ----------
        x : array_like or Tensor

        Returns
        -------
        array or Tensor
        """
        return np.exp(self.log_density(x))

    def log_probability(self, k: Tensor | Numbers) -> Tensor | Array:
        """The logarithm of the probability of `k`, if the components are discrete.

        Parameters
        ----------
        k : array_like or Tensor

        Returns
        -------
        array or Tensor
        """
        if not self.support.discrete:
            raise UnsupportedError("Mixture: its components have densities; use log_density.")
        return self._log_value(real(k, "Mixture.log_probability: k"))

    def probability_of(self, k: Tensor | Numbers) -> Tensor | Array:
        """The probability of `k`, if the components are discrete.

        Parameters
        ----------
        k : array_like or Tensor

        Returns
        -------
        array or Tensor
        """
        return np.exp(self.log_probability(k))

    def responsibilities(self, x: Tensor | Numbers) -> Tensor | Array:
        """The probability of each component, given a value: Bayes' rule.

        Parameters
        ----------
        x : array_like or Tensor, (...) or (..., d)

        Returns
        -------
        array or Tensor, (..., k)
        """
        terms = self._terms(real(x, "Mixture.responsibilities: x"))
        return np.exp(terms - logsumexp(terms, axis=-1, keepdims=True))

    def _terms(self, x: Any) -> Any:
        """The logarithm of weight times density for each component, along a new last axis."""
        parts = [_log_value(c, x) for c in self.components]
        return np.stack(parts, axis=-1) + log(self.weights)

    def _log_value(self, x: Any) -> Any:
        return logsumexp(self._terms(x), axis=-1)

    def _cdf(self, x: Any) -> Any:
        return sum(self.weights[i] * c.cdf(x) for i, c in enumerate(self.components))

    def _log_survival(self, x: Any) -> Any:
        parts = np.stack([c.log_survival(x) for c in self.components], axis=-1)
        value = logsumexp(parts + log(self.weights), axis=-1)
        near = value > -0.5  # for a probability near 1 the other tail has the digits
        return np.where(near, np.log1p(-np.where(near, self._cdf(x), 0.0)), value)

    # --- quantiles and samples

    def _untracked(self) -> Mixture:
        return self.replaced({name: untracked(value) for name, value in self.values().items()})

    def _quantile(self, p: Any) -> Any:
        if self.event_ndim:
            return super()._quantile(p)
        if is_compiling():
            raise switches.refusal(
                "compile: Mixture.quantile searches for its value, which a compiled function cannot. Call it outside "
                "ad.compile."
            )
        numbers, share = self._untracked(), np.asarray(untracked(p), float)
        ends = np.stack([untracked(c.quantile(share)) for c in numbers.components])
        if self.support.discrete:
            goal = share * (1 - 4 * np.finfo(float).eps)
            return first_reaching(numbers._cdf, goal, ends.min(axis=0) - 1, ends.max(axis=0))[()]
        value = _between(numbers._cdf, share, ends.min(axis=0), ends.max(axis=0))
        tracked = is_tracked(p) or any(is_tracked(v) for v in self.values().values())
        return self._followed(value, p) if tracked else value[()]

    def _followed(self, value: Any, p: Any) -> Any:
        """The solution of cdf = p from its value: each recorded Newton step doubles the number of right derivatives."""
        for _ in range(2):
            value = value - (self._cdf(value) - p) / self.density(value)
        return value

    def _sample(self, shape: tuple[int, ...], rng: Any) -> Any:
        tracked = next((name for name, value in self.values().items() if is_tracked(value)), None)
        if tracked is not None and (self.support.discrete or self.event_ndim):
            what = "of integers jump" if self.support.discrete else "of vectors have no cumulative function to follow"
            raise GradientError(
                f"Mixture.sample: {tracked} is tracked, and samples {what}: they have no derivative here. Use "
                f"expectation(f, distribution), or the samples of each component alone, or detach {tracked}."
            )
        numbers = self._untracked()
        generator = np.random.default_rng(rng)
        index = live(drawn, generator, shape, numbers.weights)
        value: Any = 0.0
        for i, c in enumerate(numbers.components):
            chosen = index == i
            samples = c.sample(shape, rng=generator)
            value = np.where(chosen[..., None] if self.event_ndim else chosen, samples, value)
        return value if tracked is None else self._followed(value, numbers._cdf(value))

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, components=[{', '.join(map(repr, self.components))}])"


def _log_value(component: Distribution, x: Any) -> Any:
    if isinstance(component, Continuous):
        return component.log_density(x)
    return component.log_probability(x) if isinstance(component, Discrete) else component._log_value(x)


def _between(cdf: Any, p: Any, low: Any, high: Any) -> Any:
    """The point where an increasing function is p, by bisection to the last digit."""
    middle = low
    for _ in range(200):
        with np.errstate(invalid="ignore"):  # for p = 0 and p = 1 the ends are infinite
            middle = np.where(low == high, low, low + (high - low) / 2)
        done = (middle <= low) | (middle >= high)
        if done.all():
            break
        below = cdf(middle) < p
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return middle
