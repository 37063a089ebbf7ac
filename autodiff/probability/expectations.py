"""Expectations by adaptive quadrature, by Gauss-Hermite quadrature, by sums, and by sampling, all differentiable."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Literal, overload

import numpy as np

from autodiff.arrays.plain import concrete, untracked
from autodiff.arrays.tensors import Tensor
from autodiff.calculus import integrate
from autodiff.core.effects import check
from autodiff.errors import DomainError, ShapeError, StructureError
from autodiff.probability.distribution import Distribution
from autodiff.probability.multivariate import MultivariateNormal
from autodiff.probability.normal import Normal
from autodiff.probability.operands import real
from autodiff.transforms.calling import called
from autodiff.transforms.recording import title
from autodiff.typing import Array

Function = Callable[[Any], Any]
METHODS = ("auto", "quadrature", "gauss-hermite", "sum", "sampling")
_NODES = {1: 64, 2: 32, 3: 20, 4: 12}
"""The default number of Gauss-Hermite nodes in each direction, by dimension."""
_REFUSED = 1e-6
"""The largest acceptable estimate of the error, relative to the expectation of abs(f)."""


@overload
def expectation(
    f: Callable[[Any], Tensor],
    distribution: Distribution,
    *,
    method: str = ...,
    nodes: int | None = ...,
    samples: int = ...,
    rng: int | np.random.Generator = ...,
    return_error: Literal[False] = ...,
) -> Tensor: ...
@overload
def expectation(
    f: Function,
    distribution: Distribution,
    *,
    method: str = ...,
    nodes: int | None = ...,
    samples: int = ...,
    rng: int | np.random.Generator = ...,
    return_error: Literal[False] = ...,
) -> Tensor | Array: ...
@overload
def expectation(
    f: Function,
    distribution: Distribution,
    *,
    method: str = ...,
    nodes: int | None = ...,
    samples: int = ...,
    rng: int | np.random.Generator = ...,
    return_error: Literal[True],
) -> tuple[Tensor | Array, Array]: ...
def expectation(
    f: Function,
    distribution: Distribution,
    *,
    method: str = "auto",
    nodes: int | None = None,
    samples: int = 100_000,
    rng: int | np.random.Generator = 0,
    return_error: bool = False,
) -> Tensor | Array | tuple[Tensor | Array, Array]:
    """The expectation of a function of a random variable, differentiable by the parameters of both.

    Parameters
    ----------
    f : callable
        Called with an array of values (n,), or of vectors (n, d); returns an array (n,) or a constant.
    distribution : Distribution
    method : str, default "auto"
        ``"quadrature"``: the integral of f times the density, adaptively (`autodiff.integrate`), for one variable with
        a density. ``"gauss-hermite"``: Gauss' rule for normal distributions, exact for polynomials of degree below
        twice the number of nodes. ``"sum"``: the sum over integers. ``"sampling"``: the mean of random samples.
        ``"auto"``: the first of these that applies; sampling for vectors of more than four entries.
    nodes : int, optional
        Gauss-Hermite nodes in each direction; by default 64, 32, 20, 12 for one to four dimensions.
    samples : int, default 100_000
        The number of samples, for sampling.
    rng : int or numpy.random.Generator, default 0
        A seed or a generator, for sampling.
    return_error : bool, default False
        Also return the estimated error; for sampling, the standard error.

    Returns
    -------
    value : scalar or array, or Tensor
        In the shape of the distribution.
    error : float or ndarray
        Only with `return_error`.

    Raises
    ------
    DomainError
        If the expectation does not exist, or the rule chosen by ``"auto"`` has too large an error.
    ShapeError, StructureError
        If f returns a wrong shape; if the method does not fit the distribution.

    Notes
    -----
    In quadrature and sums, the derivative by a parameter goes through the density. In Gauss-Hermite quadrature and
    sampling it goes through the values (reparametrisation): it is the expectation of the derivative of f along them.
    Values of density or probability 0 do not count, whatever f is there.

    It is the integral of ``f(x) p(x)``, or the sum over integers.

    References
    ----------
    Gauss-Hermite: F. W. J. Olver et al. (eds.), "NIST Handbook of Mathematical Functions", Cambridge 2010, section
    3.5(v). Reparametrisation: D. P. Kingma, M. Welling, "Auto-encoding variational Bayes", ICLR 2014.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> from autodiff import probability as pr
    >>> float(pr.expectation(np.exp, pr.Normal(0.0, 1.0)))  # exp(1/2)
    1.648721270700
    >>> float(ad.grad(lambda rate: pr.expectation(lambda k: k * k, pr.Poisson(rate)))(3.0))  # of rate + rate**2
    7.0
    """
    if method not in METHODS:
        raise StructureError(f"expectation: there is no method {method!r}; choose one of {', '.join(METHODS)}.")
    chosen = _chosen(distribution) if method == "auto" else method
    if chosen == "sampling":
        value, error = _sampled(f, distribution, samples, rng)
    else:
        value, error = 0.0, 0.0
        for weight, part in distribution.parts():
            one, off, size = _by_rule(f, part, chosen, nodes)
            if method == "auto" and chosen == "gauss-hermite":
                check(_Accuracy(title(f)), off, size)
            value, error = value + weight * one, error + untracked(weight) * off
    return (value, error) if return_error else value


class _Accuracy:
    """Checks that the nodes of a fixed rule are enough."""

    agrees_to = 1e-4  # the allowed relative difference of a compiled function: other values may need other nodes

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, error: Any, size: Any) -> None:
        if not (np.asarray(error) <= _REFUSED * np.asarray(size) + 1e-300).all():
            raise DomainError(
                f"expectation: Gauss-Hermite quadrature of {self.name} has an error of about {np.max(error):.1e} "
                f"of {np.max(size):.1e}: it is not smooth enough, or not finite. Use more nodes=..., or "
                "method='sampling'. A named method answers in any case, and gives its error with return_error=True."
            )


def _chosen(distribution: Distribution) -> str:
    if distribution.support.discrete:
        return "sum"
    if not distribution.event_ndim:
        return "quadrature"
    return "gauss-hermite" if distribution.dimension <= 4 else "sampling"


def _by_rule(f: Function, part: Distribution, method: str, nodes: int | None) -> tuple[Any, Any, Any]:
    """The value, the error, and the expectation of abs(f), or inf if that is not known."""
    if method == "sum":
        if not part.support.discrete:
            raise StructureError(f"expectation: {part!r} has a density; method='sum' is for integers.")
        return _summed(f, part)
    if part.support.discrete:
        raise StructureError(f"expectation: {part!r} takes integers only; use method='sum' or 'sampling'.")
    if method == "gauss-hermite":
        return _gauss_hermite(f, part, nodes)
    if part.event_ndim or part.shape:
        what = "of vectors" if part.event_ndim else "several variables"
        raise ShapeError(
            f"expectation: quadrature is for one variable, and {part!r} is {what}. Use method='gauss-hermite' for "
            "normal distributions, or method='sampling'."
        )
    value, error = _integrated(f, part)
    return value, error, np.inf


def _values(f: Function, x: Any, axes: int) -> Any:
    """The values of f at points along the first axis, (n, ...); a constant is broadcast to them."""
    n = np.shape(x)[0]
    y = called(f, x)
    y = y if hasattr(y, "dtype") else np.asarray(y)
    if np.ndim(y) == 0:
        return np.broadcast_to(y, (n,))
    if np.shape(y)[0] != n or np.ndim(y) > axes + 1:
        raise ShapeError(
            f"expectation calls {title(f)} once, with an array of shape {np.shape(x)}, and got a result of shape "
            f"{np.shape(y)}; expected ({n},), one number for each value along the first axis."
        )
    return y


# --- one variable with a density ------------------------------------------------------------------


def _integrated(f: Function, part: Any) -> tuple[Any, Any]:
    """The integral over the support, in units in which the density is neither narrow nor far from 0."""
    low, high = part.support.low, part.support.high
    centre, scale = _units(part)

    def integrand(z: Any) -> Any:
        x = centre + scale * z
        density = part.density(x)
        # at the far ends of an infinite range the density is 0, and f may be infinite or NaN
        happens = untracked(density) > 0
        return np.where(happens, real(called(f, np.where(happens, x, centre)), title(f)), 0.0) * density * scale

    integrand.__name__ = f"{getattr(f, '__name__', 'f')} times the density"
    ends = [end if np.ndim(end) == 0 and np.isinf(concrete(end)) else (end - centre) / scale for end in (low, high)]
    # these points are given, so that a narrow density in a wide range is not missed
    low_end, high_end = (float(concrete(end)) for end in ends)
    marks = [z for z in (-8.0, 0.0, 8.0) if low_end < z < high_end]
    value, error = integrate(integrand, *ends, points=marks, return_error=True)
    return value, error


def _units(part: Any) -> tuple[float, float]:
    """A central point and a length: from the moments if they exist, otherwise from quantiles."""
    numbers = part.replaced({name: concrete(value) for name, value in part.values().items()})
    low = float(numbers.support.low)
    mean, deviation = float(numbers.mean), float(numbers.standard_deviation)
    if not (np.isfinite(mean) and np.isfinite(deviation)):
        quarter, mean, three = (float(numbers.quantile(p)) for p in (0.25, 0.5, 0.75))
        deviation = three - quarter
    if np.isfinite(low) and mean - low < 3 * deviation:
        return low, mean - low  # close to an end, so that distances from it keep their digits
    return mean, deviation


# --- normal distributions -------------------------------------------------------------------------


def _gauss_hermite(f: Function, part: Distribution, nodes: int | None) -> tuple[Any, Any, Any]:
    if not isinstance(part, (Normal, MultivariateNormal)):
        raise StructureError(
            f"expectation: {part!r}; method='gauss-hermite' is for normal distributions. Use 'quadrature' or "
            f"'sampling'."
        )
    d = part.dimension if isinstance(part, MultivariateNormal) else 1
    n = nodes if nodes is not None else _NODES.get(d, 0)
    if not isinstance(n, int) or n < 2 or n**d > 10_000_000:
        raise StructureError(
            f"expectation: nodes={nodes} in {d} directions; give an integer, 2 or more, with nodes**{d} at most "
            "ten million, or method='sampling'."
        )
    value, size = _hermite(f, part, n, d)
    coarse, _ = _hermite(f, part, n - n // 3, d)
    return value, np.abs(untracked(value) - untracked(coarse)), size


def _hermite(f: Function, part: Any, n: int, d: int) -> tuple[Any, Any]:
    z, w = np.polynomial.hermite_e.hermegauss(n)
    w = w / w.sum()
    if isinstance(part, MultivariateNormal):
        grid = np.array(list(itertools.product(z, repeat=d)))
        weights = np.prod(np.array(list(itertools.product(w, repeat=d))), axis=1)
        x = part.mean + (grid @ part.factor.T).reshape(-1, *[1] * len(part.shape), d)
    else:
        weights = w
        x = part.mean + part.standard_deviation * z.reshape(-1, *[1] * len(part.shape))
    values = _values(f, x, len(part.shape))
    weights = weights.reshape(-1, *[1] * (np.ndim(values) - 1))
    return (weights * values).sum(axis=0), (weights * np.abs(untracked(values))).sum(axis=0)


# --- integers, samples ----------------------------------------------------------------------------


def _summed(f: Function, part: Any) -> tuple[Any, Any, Any]:
    """The sum over all counts within 40 standard deviations plus 100; the rest is too small for a float."""
    numbers = part.replaced({name: concrete(value) for name, value in part.values().items()})
    mean, reach = np.asarray(numbers.mean), 40 * np.asarray(numbers.standard_deviation) + 100
    first = max(float(numbers.support.low), float(np.floor((mean - reach).min())))
    last = min(float(np.max(numbers.support.high)), float(np.ceil((mean + reach).max())))
    k = np.arange(first, last + 1)
    log_probability = part.log_probability(k.reshape(-1, *[1] * len(part.shape)))
    happens = untracked(log_probability) > -np.inf
    probability = np.exp(log_probability)
    check(_Total(), probability)
    values = _values(f, k, 0)
    values = values.reshape(np.shape(values) + (1,) * (len(part.shape) + 1 - np.ndim(values)))
    terms = np.where(happens, values, 0.0) * probability
    ends = np.abs(untracked(terms)[-1]) if last < np.max(numbers.support.high) else 0.0
    size = np.abs(untracked(terms)).sum(axis=0)
    check(_Ends(title(f)), ends, size)
    return terms.sum(axis=0), ends + 1e-15 * size, size


class _Total:
    """Checks that all counts that matter are in the sum; a compiled function checks it at every call."""

    agrees_to = 1e-7  # the allowed relative difference of a compiled function: other calls may sum other counts

    def __call__(self, probability: Any) -> None:
        total = probability.sum(axis=0)
        if not (np.abs(total - 1) < 1e-9).all():
            error = DomainError(
                f"expectation: the counts in the sum have a total probability of {np.min(total):.6g}. A compiled "
                f"function uses the counts of its first call: compile another copy of it for such parameters."
            )
            error.of_another_call = True
            raise error


class _Ends:
    """Checks that the last term no longer matters."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, ends: Any, size: Any) -> None:
        if not (np.asarray(ends) <= _REFUSED * np.asarray(size)).all() and np.isfinite(size).all():
            raise DomainError(
                f"expectation: the terms of the sum of {self.name} do not fall: the last is {np.max(ends):.2g} of "
                f"{np.max(size):.2g}. The expectation does not exist, or f grows too fast for a float."
            )


def _sampled(f: Function, distribution: Distribution, samples: int, rng: Any) -> tuple[Any, Any]:
    if not isinstance(samples, int) or samples < 2:
        raise StructureError(f"expectation: samples={samples!r}; give an integer, 2 or more.")
    values = _values(f, distribution.sample(samples, rng=rng), len(distribution.shape))
    return values.mean(axis=0), untracked(values).std(axis=0, ddof=1) / samples**0.5
