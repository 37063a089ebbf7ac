"""The base of all distributions: parameters, support, sampling, and the edges of the support."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, overload

import numpy as np

from autodiff import names
from autodiff.arrays.plain import is_tracked, untracked
from autodiff.arrays.tensors import Tensor
from autodiff.core.effects import check, live
from autodiff.errors import DomainError, GradientError, ShapeError, UnsupportedError
from autodiff.ops.deciding import possibly
from autodiff.probability.operands import real
from autodiff.probability.parameters import Constraint, Parameter
from autodiff.typing import Array, Numbers


def _between_ends(f: Callable[[Any], Any], x: Any, low: float, high: float) -> Any:
    """f(x), but `low` at -inf and `high` at inf, whatever the parameters are: bins may have no outer edges."""
    infinite = np.isinf(untracked(x))
    if not possibly(infinite):
        return f(x)
    ends = np.where(untracked(x) > 0, high, low).astype(x.dtype)
    return np.where(infinite, ends, f(np.where(infinite, 1.0, x)))


class Support(NamedTuple):
    """The support of a distribution: an interval, or the integers in an interval.

    Attributes
    ----------
    low, high : float, array or Tensor
        The ends, which may be infinite.
    discrete : bool
        Whether only integers belong to it.

    Examples
    --------
    >>> from autodiff import probability as pr
    >>> support = pr.Poisson(2.0).support
    >>> support.low, support.high, support.discrete
    (0.0, inf, True)
    """

    low: Tensor | Array | float = -np.inf
    high: Tensor | Array | float = np.inf
    discrete: bool = False

    def outside(self, x: Any) -> Array:
        """Where `x` is outside the support; NaN counts as inside."""
        x = untracked(x)
        outside = (x < untracked(self.low)) | (x > untracked(self.high))
        return outside | (np.abs(x - np.floor(x)) > 0) if self.discrete else outside

    def __str__(self) -> str:
        low, high = (
            f"{end:g}" if np.ndim(end) == 0 else "array" for end in (untracked(self.low), untracked(self.high))
        )  # fmt: skip
        if self.discrete:
            return f"the integers from {low} on" if high == "inf" else f"the integers from {low} to {high}"
        return f"{'(' if low == '-inf' else '['}{low}, {high}{')' if high == 'inf' else ']'}"


def _uniform(rng: Any, shape: tuple[int, ...]) -> Any:
    """Random numbers in (0, 1) without the ends, of which quantiles are taken."""
    return np.maximum(np.random.default_rng(rng).random(shape), 2.0**-54)


class Distribution:
    """A distribution: one variable, or an array of independent variables if its parameters are arrays.

    The parameters are attributes with the names of the constructor's arguments. They may be numbers, arrays or tracked
    Tensors, and are broadcast. All functions can be differentiated by parameters and arguments.

    Examples
    --------
    >>> from autodiff import probability as pr
    >>> d = pr.Gamma(2.0, 3.0)
    >>> isinstance(d, pr.Distribution), round(float(d.mean), 4), round(float(d.variance), 4)
    (True, 0.6667, 0.2222)
    """

    parameters: ClassVar[dict[str, Constraint]] = {}
    """The name and constraint of each parameter, in the order of the constructor."""
    everywhere: ClassVar[Support] = Support()
    """A support that holds for all parameters."""
    smooth: bool = True
    """Whether the logarithm of the density has two derivatives by every parameter."""
    event_ndim: int = 0
    """The number of axes of one value: 1 for a vector."""

    # Methods that raise NotImplementedError here are defined by every distribution.

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        own = {name: p.constraint for name, p in vars(cls).items() if isinstance(p, Parameter)}
        cls.parameters = {**cls.parameters, **own}
        if cls.__module__.startswith("autodiff."):
            who = cls.__name__
            names.answering(cls, "pr.{name}({keywords})", lambda: _names().DISTRIBUTION_KEYWORDS.get(who, {}))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape in which the parameters broadcast: () for one variable."""
        shapes = [
            np.shape(getattr(self, name))[: np.ndim(getattr(self, name)) - constraint.event_ndim]
            for name, constraint in self.parameters.items()
        ]
        return np.broadcast_shapes(*shapes)

    @property
    def dimension(self) -> int:
        """The number of entries of one value."""
        return 1

    def values(self) -> dict[str, Any]:
        """Maps the names of the parameters to their values; parameters of parts have dotted names."""
        return {name: getattr(self, name) for name in self.parameters}

    def constraints(self) -> dict[str, Constraint]:
        """Maps the names of the parameters, as in `values`, to their constraints."""
        return self.parameters

    def parts(self) -> list[tuple[Any, Distribution]]:
        """The weight and distribution of each part of a mixture; otherwise of the distribution itself."""
        return [(1.0, self)]

    def replaced(self, values: dict[str, Any]) -> Distribution:
        """The same distribution with other parameters, named as in `values`."""
        return type(self)(**values)

    @property
    def support(self) -> Support:
        """The values that it can take: ``.low``, ``.high`` and ``.discrete``."""
        return self.everywhere

    @property
    def mean(self) -> Tensor | Array:
        """The expectation."""
        raise NotImplementedError

    @property
    def variance(self) -> Tensor | Array:
        """The expectation of the squared distance from the mean."""
        raise NotImplementedError

    @property
    def standard_deviation(self) -> Tensor | Array:
        """The square root of the variance."""
        return np.sqrt(self.variance)

    def entropy(self) -> Tensor | Array:
        """The entropy in nats, in the shape of the parameters; with a density, the differential entropy."""
        raise NotImplementedError

    def cdf(self, x: Tensor | Numbers) -> Tensor | Array:
        """The probability of values up to `x`.

        Parameters
        ----------
        x : array_like or Tensor
            Broadcast with the parameters.

        Returns
        -------
        array or Tensor
            From 0 to 1.
        """
        return _between_ends(self._cdf, real(x, f"{type(self).__name__}.cdf: x"), 0.0, 1.0)

    def log_survival(self, x: Tensor | Numbers) -> Tensor | Array:
        """The logarithm of the probability of values above `x`, with all digits in both tails.

        Parameters
        ----------
        x : array_like or Tensor
            Broadcast with the parameters.

        Returns
        -------
        array or Tensor
            0 or less. At x = -inf it is 0, at x = inf it is -inf, with slopes 0.

        Raises
        ------
        UnsupportedError
            If there is no `cdf`, as for vectors.

        Notes
        -----
        It is log(1 - cdf(x)), but is not computed from the cdf. Far to the right the cdf is 1 to the last digit, and
        its complement is below the smallest float, but the logarithm is an ordinary number. Far to the left the
        logarithm is -cdf(x). An observation that is known only to exceed `x` (censored on the right) contributes this
        to the log-likelihood.

        Examples
        --------
        >>> from autodiff import probability as pr
        >>> float(pr.Normal().log_survival(40.0))
        -804.60844201
        >>> float(pr.Poisson(2.0).log_survival(1000))
        -5227.1946075
        """
        return _between_ends(self._log_survival, real(x, f"{type(self).__name__}.log_survival: x"), 0.0, -np.inf)

    def survival(self, x: Tensor | Numbers) -> Tensor | Array:
        """The probability of values above `x`: the exponential of `log_survival`.

        Parameters
        ----------
        x : array_like or Tensor
            Broadcast with the parameters.

        Returns
        -------
        array or Tensor
            From 0 to 1. Small probabilities keep their digits, unlike 1 - cdf(x).

        Examples
        --------
        >>> from autodiff import probability as pr
        >>> float(pr.Normal().survival(10.0))
        7.619853e-24
        """
        return np.exp(self.log_survival(x))

    def quantile(self, p: Tensor | Numbers) -> Tensor | Array:
        """The value up to which the probability is `p`: the inverse of `cdf`.

        Parameters
        ----------
        p : array_like or Tensor
            From 0 to 1; broadcast with the parameters.

        Returns
        -------
        array or Tensor
            For a discrete distribution the smallest integer whose `cdf` reaches `p`, without a gradient.

        Raises
        ------
        DomainError
            If a `p` is not from 0 to 1.
        """
        p = real(p, f"{type(self).__name__}.quantile: p")
        check(_Shares(type(self).__name__), p)
        return self._quantile(p)

    def sample(
        self, size: int | tuple[int, ...] = (), *, rng: int | np.random.Generator | None = None
    ) -> Tensor | Array:
        """Random values.

        Parameters
        ----------
        size : int or tuple of int
            How many; the axes of the parameters come after these.
        rng : int or numpy.random.Generator, optional
            A seed or a generator.

        Returns
        -------
        array or Tensor
            Of shape ``size + shape`` (``+ (d,)`` for vectors). Those of continuous distributions can be differentiated
            by the parameters, with the underlying random numbers fixed.

        Raises
        ------
        GradientError
            If the distribution is discrete and a parameter is tracked: values that jump have no derivative.
        ShapeError
            If `size` is not a valid size.
        """
        lengths = (size,) if isinstance(size, (int, np.integer)) else size
        if not isinstance(lengths, (tuple, list)) or not all(
            isinstance(n, (int, np.integer)) and n >= 0 for n in lengths
        ):
            raise ShapeError(
                f"{type(self).__name__}.sample: size must be an integer, 0 or more, or a tuple; {size!r} was given."
            )
        return self._sample((*lengths, *self.shape), rng)

    def _log_value(self, x: Any) -> Any:
        """The logarithm of the density or probability at `x`; outside the support it may be NaN."""
        raise NotImplementedError

    def _cdf(self, x: Any) -> Any:
        raise UnsupportedError(f"{type(self).__name__}: its cumulative function has no closed form. {self._instead}")

    def _quantile(self, p: Any) -> Any:
        raise UnsupportedError(f"{type(self).__name__}: values are vectors, which have no order and no quantiles.")

    def _log_survival(self, x: Any) -> Any:
        return np.log1p(-self._cdf(x))  # distributions with far tails override this

    _instead: ClassVar[str] = "Count samples: (distribution.sample(100_000) <= x).all(axis=-1).mean()."

    def _sample(self, shape: tuple[int, ...], rng: Any) -> Any:
        raise NotImplementedError

    @classmethod
    def guess(cls, data: Array, **fixed: Any) -> dict[str, Any]:
        """Parameters to start a fit from, mostly by moments.

        Parameters
        ----------
        data : ndarray, (n,)
        **fixed
            Parameters that are known.

        Returns
        -------
        dict
            Maps names to values.
        """
        raise UnsupportedError(
            f"fit: {cls.__name__} needs a starting point: give a distribution, not its class, with first guesses of "
            "its parameters."
        )

    if not TYPE_CHECKING:  # a checker that saw __getattr__ would accept every attribute

        def __getattr__(self, name: str) -> Any:
            kind = type(self)
            if not name.startswith("_") and not hasattr(kind, name):
                row = (_names().DISCRETE if isinstance(self, Discrete) else _names().CONTINUOUS).get(name)
                if row is not None:
                    raise AttributeError(names.told(kind.__name__, f".{name}", row), name=name)
            return object.__getattribute__(self, name)  # the error as it would be

    def __repr__(self) -> str:
        with np.printoptions(precision=6, threshold=6):
            values = [f"{name}={_shown(getattr(self, name))}" for name in self.parameters]
        return f"{type(self).__name__}({', '.join(values)})"


def _names() -> Any:
    """The tables of names, which are only loaded for a name that does not exist."""
    from autodiff.names import tables

    return tables


def _shown(value: Any) -> str:
    value = untracked(value)
    return f"{value:.6g}" if np.ndim(value) == 0 else str(value).replace("\n", "")


class _Shares:
    """Checks that the arguments of a quantile are from 0 to 1."""

    def __init__(self, who: str) -> None:
        self.who = who

    def __call__(self, p: Any) -> None:
        bad = ~((p >= 0) & (p <= 1))
        if bad.any():
            raise DomainError(f"{self.who}.quantile: p is {p[bad].flat[0]:.6g}; a share must be a number from 0 to 1.")


class Continuous(Distribution):
    """A distribution with a density.

    Examples
    --------
    >>> from autodiff import probability as pr
    >>> isinstance(pr.Normal(), pr.Continuous), isinstance(pr.Poisson(2.0), pr.Continuous)
    (True, False)
    """

    _inside: ClassVar[float | None] = None
    """A point inside the support, used in place of points outside; None if the density is defined everywhere."""

    @overload
    def log_density(self, x: Tensor) -> Tensor: ...
    @overload
    def log_density(self, x: Numbers) -> Tensor | Array: ...
    def log_density(self, x: Tensor | Numbers) -> Tensor | Array:
        """The logarithm of the density; -inf outside the support.

        Parameters
        ----------
        x : array_like or Tensor
            Broadcast with the parameters.

        Returns
        -------
        array or Tensor
        """
        x = real(x, f"{type(self).__name__}.log_density: x")
        if self._inside is None:
            return self._log_value(x)
        outside = self.support.outside(x)
        return np.where(outside, -np.inf, self._log_value(np.where(outside, self._inside, x)))

    @overload
    def density(self, x: Tensor) -> Tensor: ...
    @overload
    def density(self, x: Numbers) -> Tensor | Array: ...
    def density(self, x: Tensor | Numbers) -> Tensor | Array:
        """The density, the probability per unit of `x`; 0 outside the support.

        Parameters
        ----------
        x : array_like or Tensor
            Broadcast with the parameters.

        Returns
        -------
        array or Tensor
        """
        return np.exp(self.log_density(x))

    def _sample(self, shape: tuple[int, ...], rng: Any) -> Any:
        return self._quantile(live(_uniform, rng, shape))


class Discrete(Distribution):
    """A distribution over integers.

    Examples
    --------
    >>> from autodiff import probability as pr
    >>> isinstance(pr.Poisson(2.0), pr.Discrete)
    True
    """

    def log_probability(self, k: Tensor | Numbers) -> Tensor | Array:
        """The logarithm of the probability of `k`; -inf outside the support.

        Parameters
        ----------
        k : array_like or Tensor
            Broadcast with the parameters. Numbers that are not integers have probability 0.

        Returns
        -------
        array or Tensor
        """
        k = real(k, f"{type(self).__name__}.log_probability: k")
        outside = self.support.outside(k)
        return np.where(outside, -np.inf, self._log_value(np.where(outside, 0.0, k)))

    def probability_of(self, k: Tensor | Numbers) -> Tensor | Array:
        """The probability of `k`.

        Parameters
        ----------
        k : array_like or Tensor
            Broadcast with the parameters.

        Returns
        -------
        array or Tensor
        """
        return np.exp(self.log_probability(k))

    def sample(self, size: int | tuple[int, ...] = (), *, rng: int | np.random.Generator | None = None) -> Array:
        """Random integers, as floats; see `Distribution.sample`.

        Parameters
        ----------
        size : int or tuple of int
            How many; the axes of the parameters come after these.
        rng : int or numpy.random.Generator, optional
            A seed or a generator.

        Returns
        -------
        ndarray

        Raises
        ------
        GradientError
            If a parameter is tracked: values that jump have no derivative.
        """
        name = next((name for name in self.parameters if is_tracked(getattr(self, name))), None)
        if name is not None:
            raise GradientError(
                f"{type(self).__name__}.sample: {name} is tracked, and samples of a discrete distribution jump: they "
                "have no derivative. For the gradient of an expectation use expectation(f, distribution), which "
                f"sums, or the mean of f(k) * log_probability(k) over samples k; for samples only, detach {name}."
            )
        samples: Any = super().sample(size, rng=rng)  # arrays: nothing is tracked
        return samples
