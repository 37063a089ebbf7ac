"""Maximum likelihood: Newton's method in free coordinates, and standard errors from the curvature at the maximum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autodiff.arrays.plain import is_tracked, untracked
from autodiff.errors import DomainError, DtypeError, GradientError, ShapeError, StructureError
from autodiff.probability.coordinates import Coordinates
from autodiff.probability.distribution import Distribution, Support
from autodiff.probability.normal import standard_quantile
from autodiff.solvers import steihaug, updated_radius
from autodiff.transforms.first_order import value_and_grad
from autodiff.transforms.hessians import hessian
from autodiff.transforms.jacobians import jacobian
from autodiff.typing import Array

_VAGUE = 20.0
"""If the standard error of a logarithm or a logit exceeds this, nothing is known about the parameter."""


@dataclass(frozen=True, eq=False)
class Fit:
    """The result of `fit`.

    Attributes
    ----------
    distribution : Distribution
        The distribution with the most likely parameters.
    standard_errors : dict
        The standard error of each fitted parameter, with its shape and unit.
    log_likelihood : float
        The sum of the logarithms of the densities of all data, in nats.
    names : tuple of str
        The entries of the parameters in the order of the matrices: ``"mean[0]"``.
    covariance : ndarray, (k, k)
        The covariance of the estimates: the inverse of the information.
    information : ndarray, (k, k)
        The observed Fisher information: minus the Hessian of the log-likelihood. If parameters depend on each other
        (probabilities that sum to 1), only along the directions in which they can move.
    information_by_scores : ndarray, (k, k)
        The same from first derivatives: the sum of the outer products of the scores, which are the gradients of the
        log-density of each datum.
    agreement : float
        The largest difference between entries of the two, in standard errors of the difference. Both estimate the same
        if the data come from the distribution. 0 for distributions whose log-density has corners.
    agrees : bool
        Whether `agreement` is no larger than in 99 of 100 data sets from the distribution.
    standard_errors_from : str
        ``"hessian"``, or ``"scores"`` for distributions whose log-density has corners.
    n : int
        The number of data.
    iterations : int
        The number of Newton steps.

    Examples
    --------
    >>> from autodiff import probability as pr
    >>> found = pr.fit(pr.Normal, [1.0, 2.0, 3.0])
    >>> round(float(found.distribution.mean), 6)
    2.0
    """

    distribution: Distribution
    standard_errors: dict[str, Any]
    log_likelihood: float
    names: tuple[str, ...]
    covariance: Array
    information: Array
    information_by_scores: Array
    agreement: float
    agrees: bool
    standard_errors_from: str
    n: int
    iterations: int

    @property
    def aic(self) -> float:
        """Akaike's criterion, 2 k - 2 log L with k free parameters: smaller is better."""
        return 2 * self._free - 2 * self.log_likelihood

    @property
    def bic(self) -> float:
        """Schwarz's criterion, k log n - 2 log L: smaller is better."""
        return float(self._free * np.log(self.n) - 2 * self.log_likelihood)

    @property
    def _free(self) -> int:
        return int(np.linalg.matrix_rank(self.covariance, hermitian=True))

    def __repr__(self) -> str:
        errors = ", ".join(f"{k}={_rounded(v)}" for k, v in self.standard_errors.items())
        how = "agree" if self.agrees else "DIFFER"
        return (
            f"Fit({self.distribution!r}\n    standard errors: {errors} (from the {self.standard_errors_from})\n"
            f"    log-likelihood {self.log_likelihood:.6g} of {self.n} data, AIC {self.aic:.6g}, BIC {self.bic:.6g}\n"
            f"    Fisher information by Hessian and by scores {how}: {self.agreement:.2g} standard errors)"
        )


def _rounded(value: Any) -> str:
    with np.printoptions(precision=3, threshold=6):
        return f"{value:.3g}" if np.ndim(value) == 0 else str(value).replace("\n", "")


def fit(distribution: type[Distribution] | Distribution, data: Any, *, max_iter: int = 200, **fixed: Any) -> Fit:
    """The parameters under which the data are most likely, with their standard errors.

    Parameters
    ----------
    distribution : class or instance
        The fit of a class starts from the moments of the data, that of an instance from its parameters. Mixtures and
        distributions with arrays of parameters need an instance.
    data : array_like, (n,) or (n, ...)
        Independent samples along the first axis; for vectors (n, d).
    max_iter : int, default 200
        The largest number of Newton steps.
    **fixed
        Parameters of a class that are known and not fitted: ``fit(Binomial, k, n=10)``.

    Returns
    -------
    Fit
        ``.distribution``, ``.standard_errors``, ``.information`` and more.

    Raises
    ------
    DomainError
        If data lie outside the support; if the likelihood has no maximum inside the domain of the parameters (all
        data equal, no successes at all), or the data cannot tell the parameters apart.
    UnsupportedError
        If the likelihood is largest where it has no derivative (Uniform); the message gives that maximum.

    Notes
    -----
    Newton's method with a trust region maximises the log-likelihood as a function of free coordinates (logarithms of
    positive parameters, logits of probabilities, the Cholesky factor of a covariance), until a step is shorter than
    1e-9 standard errors. Standard errors are the square roots of the diagonal of the inverse observed information,
    converted from the free coordinates by the derivative of the parameters (the delta method).

    The log-likelihood is ``L = sum_i log p(x_i)``, the observed information ``-d^2 L / dtheta^2``.

    References
    ----------
    B. Efron, D. V. Hinkley, "Assessing the accuracy of the maximum likelihood estimator: observed versus expected
    Fisher information", Biometrika 65 (1978). H. White, "Maximum likelihood estimation of misspecified models",
    Econometrica 50 (1982): the comparison of the two informations.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff import probability as pr
    >>> found = pr.fit(pr.Exponential, np.array([0.5, 1.0, 3.0, 3.5]))
    >>> float(found.distribution.rate), float(found.standard_errors["rate"])  # 1 / mean, and that over sqrt(n)
    (0.5, 0.25)
    """
    name = distribution.__name__ if isinstance(distribution, type) else type(distribution).__name__
    samples = _data(data, name)
    start = _start(distribution, samples, fixed)
    _check_support(name, start.support, samples)
    _check_shape(start, samples)
    coordinates = Coordinates(start, tuple(fixed) if isinstance(distribution, type) else ())

    def terms(u: Any) -> Any:
        """The log-density of every datum."""
        found = coordinates.distribution(u)._log_value(samples)
        return found.reshape(len(samples), -1).sum(axis=1)

    first = terms(coordinates.start)
    if not np.isfinite(first).all():
        i = int(np.argmin(np.isfinite(first)))
        raise DomainError(
            f"fit({name}): data[{i}] is {samples[i]}, where the logarithm of the density is {first[i]} under "
            f"{start!r}, where the search starts. Start elsewhere, or keep data off the edge of the support."
        )
    smooth, n = coordinates.origin.smooth, len(samples)
    u, iterations = _newton(lambda u: -terms(u).sum(), coordinates.start, n, max_iter, name, smooth=smooth)
    return _result(coordinates, terms, u, len(samples), iterations)


def _data(data: Any, name: str) -> Array:
    if is_tracked(data):
        raise GradientError(
            f"fit({name}): the data are tracked, but the estimate is not differentiated by them; pass data.detach()."
        )
    samples = np.asarray(untracked(data))
    if samples.dtype.kind not in "biuf":
        raise DtypeError(f"fit({name}): the data have dtype {samples.dtype}; real numbers are needed.")
    if samples.ndim == 0 or len(samples) == 0:
        raise ShapeError(f"fit({name}): the data have shape {samples.shape}; give samples along the first axis, (n,).")
    samples = samples.astype(float)
    bad = np.argwhere(~np.isfinite(samples))
    if len(bad):
        at = tuple(int(i) for i in bad[0])
        raise DomainError(
            f"fit({name}): data[{', '.join(map(str, at))}] is {samples[at]}; leave out missing data: "
            "data[np.isfinite(data)]."
        )
    return samples


def _start(distribution: type[Distribution] | Distribution, samples: Array, fixed: dict[str, Any]) -> Distribution:
    """The distribution from which the fit starts."""
    if isinstance(distribution, type):
        unknown = fixed.keys() - distribution.parameters.keys()
        if unknown:
            raise StructureError(
                f"fit: {distribution.__name__} has no parameter {unknown.pop()!r}; it has "
                f"{', '.join(distribution.parameters)}."
            )
        if samples.ndim != 1 + distribution.event_ndim:
            vectors = "(n, d)" if distribution.event_ndim else "(n,)"
            raise ShapeError(
                f"fit({distribution.__name__}): the data have shape {samples.shape}; expected {vectors}. For an array "
                "of variables, give a distribution with arrays of parameters to start from; for one variable, "
                "data.ravel()."
            )
        _check_support(distribution.__name__, distribution.everywhere, samples)
        guessed = distribution.guess(samples, **fixed)
        for name, constraint in distribution.parameters.items():
            if name not in fixed and not constraint.inside(np.asarray(guessed[name])):
                raise DomainError(
                    f"fit({distribution.__name__}): these data make {name} = {_rounded(guessed[name])} most likely, at "
                    f"the edge of its domain ({constraint.description}), where the likelihood has no curvature and the "
                    "estimate no standard error. All data are equal, or an outcome is missing."
                )
        return distribution(**{**guessed, **fixed})
    if fixed:
        raise StructureError(
            f"fit: {', '.join(fixed)} was given with a distribution; known parameters go with a class: "
            f"fit({type(distribution).__name__}, data, {next(iter(fixed))}=...)."
        )
    return distribution


def _check_support(name: str, support: Support, samples: Array) -> None:
    outside = support.outside(samples)
    if outside.any():
        at = tuple(int(i) for i in np.argwhere(outside)[0])
        raise DomainError(
            f"fit({name}): data[{', '.join(map(str, at))}] is {samples[at]:.6g}, which is impossible: the support is "
            f"{support}."
        )


def _check_shape(start: Distribution, samples: Array) -> None:
    inner = start.shape + (start.dimension,) * start.event_ndim
    if samples.shape[1:] != inner:
        raise ShapeError(
            f"fit({type(start).__name__}): the data have shape {samples.shape}; expected "
            f"{('n', *inner)}, samples of the distribution that was given: {start!r}."
        )


def _newton(f: Callable[[Any], Any], u: Array, n: int, max_iter: int, name: str, *, smooth: bool) -> tuple[Array, int]:
    """The minimum of f, by Newton's method in a trust region; it may be a corner if f is not smooth."""
    both, second = value_and_grad(f), hessian(f)
    value, g = both(u)
    H = second(u)
    # Steps are scaled by the curvature per datum, so the unit of the data does not matter.
    curvature = np.abs(np.diag(H)) / n
    unit = np.where(curvature > 0, 1 / np.sqrt(np.where(curvature > 0, curvature, 1.0)), 1.0)
    radius = 1.0
    for k in range(max_iter):
        g, H = g * unit, H * np.outer(unit, unit)
        # the square of the step in standard errors, if the curvature is positive
        if np.linalg.eigvalsh(H)[0] > 0 and float(g @ np.linalg.solve(H, g)) <= 1e-18:
            return u, k
        step = steihaug(H.__matmul__, g, radius, tol=1e-10, max_iter=4 * len(u))
        rounding = 1e-13 * abs(float(value))
        further = u + step.step * unit
        if step.predicted <= rounding * 1e-3:  # the value cannot show so small a gain, but the gradient has the digits
            return further, k + 1
        with np.errstate(all="ignore"):  # a step that goes too far is not taken
            value_there, g_there = both(further)
        gain = float(value) - float(value_there)
        ratio = 1.0 if abs(gain) <= rounding and step.predicted <= rounding else gain / step.predicted
        radius = updated_radius(radius, float(np.linalg.norm(step.step)), ratio, 1000.0)
        if radius < 1e-12 and not smooth:  # a corner: f rises on all sides, but no gradient vanishes there
            return u, k + 1
        if ratio > 1e-4 and np.isfinite(g_there).all():
            u, value, g, H = further, value_there, g_there, second(further)
        else:
            g, H = g / unit, H / np.outer(unit, unit)
    raise DomainError(
        f"fit({name}): no largest likelihood was found: after {max_iter} steps it still grows, by {step.predicted:.2g} "
        "in the next step. Parameters tend to the edge of their domain, or data cannot tell them apart: try another "
        "start (give a distribution, not its class), a simpler distribution, or a larger max_iter."
    )


def _result(coordinates: Coordinates, terms: Callable[[Any], Any], u: Array, n: int, iterations: int) -> Fit:
    start = coordinates.origin
    scores = jacobian(terms, mode="forward")(u)
    curvatures = -jacobian(jacobian(terms, mode="forward"), mode="forward")(u)
    by_hessian, by_scores = curvatures.sum(axis=0), scores.T @ scores
    used = by_hessian if start.smooth else by_scores
    _check_curvature(used, coordinates, type(start).__name__)
    J = jacobian(coordinates.vector)(u)
    back = np.linalg.pinv(J)
    covariance = J @ np.linalg.inv(used) @ J.T
    errors = coordinates.unpacked(np.sqrt(np.diag(covariance)))
    agreement = _agreement(scores, curvatures, used) if start.smooth else 0.0
    return Fit(
        distribution=coordinates.distribution(u),
        standard_errors=errors,
        log_likelihood=float(terms(u).sum()),
        names=coordinates.names,
        covariance=covariance,
        information=back.T @ by_hessian @ back,
        information_by_scores=back.T @ by_scores @ back,
        agreement=agreement,
        agrees=agreement <= _by_chance(len(u)),
        standard_errors_from="hessian" if start.smooth else "scores",
        n=n,
        iterations=iterations,
    )


def _check_curvature(information: Array, coordinates: Coordinates, name: str) -> None:
    """Check that the point found is a maximum, and that it determines every parameter."""
    diagonal = np.diag(information)
    scaled = information / np.sqrt(np.outer(diagonal, diagonal)) if (diagonal > 0).all() else np.diag(diagonal)
    smallest = float(np.linalg.eigvalsh(scaled)[0])
    if smallest <= 1e-10:
        raise DomainError(
            f"fit({name}): the data cannot tell all parameters apart: where the search ended the likelihood is flat in "
            f"one direction (curvature {smallest:.1g} against 1), or grows. Start elsewhere, or use more data or fewer "
            "parameters."
        )
    spread = np.sqrt(np.diag(np.linalg.inv(information)))
    vague = coordinates.logarithmic & (spread > _VAGUE)
    if vague.any():
        raise DomainError(
            f"fit({name}): the likelihood has no largest value: it grows ever more slowly while a parameter tends to "
            f"the edge of its domain (its logarithm has a standard error of {spread[vague].max():.2g}). "
            "In that limit the distribution is a simpler one: fit that."
        )


def _agreement(scores: Array, curvatures: Array, information: Array) -> float:
    """The information matrix test: the mean of outer products of scores minus curvatures, in its standard errors."""
    n = len(scores)
    if n < 2:
        return 0.0
    root = np.linalg.inv(np.linalg.cholesky(information / n))  # in units in which the information is the identity
    z = scores @ root.T
    difference = z[:, :, None] * z[:, None, :] - root @ curvatures @ root.T
    spread = difference.std(axis=0)
    off = np.abs(difference.mean(axis=0))
    return float((off / np.maximum(spread / np.sqrt(n), 1e-10)).max())


def _by_chance(k: int) -> float:
    """A bound that the largest of k (k + 1) / 2 normal numbers exceeds in 1 of 100 cases at most (Bonferroni)."""
    return float(standard_quantile(np.asarray(1 - 0.005 / (k * (k + 1) / 2))))
