"""The normal distribution of vectors."""

from __future__ import annotations

from typing import Any, overload

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.core.effects import live
from autodiff.errors import ShapeError
from autodiff.probability.distribution import Continuous
from autodiff.probability.normal import LOG_2PI, standard_normal
from autodiff.probability.operands import real
from autodiff.probability.parameters import COVARIANCE, VECTOR, Parameter
from autodiff.typing import Array, Numbers


class MultivariateNormal(Continuous):
    """The normal distribution of vectors.

    Parameters
    ----------
    mean : array_like or Tensor, (..., d)
        The centre.
    covariance : array_like or Tensor, (d, d)
        Symmetric and positive definite.

    Raises
    ------
    DomainError
        If `covariance` is not symmetric or (MatrixError) not positive definite.
    ShapeError
        If the shapes of the parameters do not fit.

    Notes
    -----
    With the Cholesky factor L of the covariance the density is ``exp(-|z|**2 / 2) / ((2 pi)**(d / 2) det L)`` where
    L z = x - m; samples are m + L z of independent standard normal z.

    References
    ----------
    C. M. Bishop, "Pattern Recognition and Machine Learning", Springer 2006, section 2.3.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff import probability as pr
    >>> d = pr.MultivariateNormal([0.0, 0.0], [[2.0, 1.0], [1.0, 2.0]])
    >>> float(d.log_density(np.zeros(2)))  # -log(2 pi sqrt(3))
    -2.38718321
    """

    mean: Parameter = Parameter(VECTOR)
    covariance: Parameter = Parameter(COVARIANCE)
    event_ndim = 1

    def __init__(self, mean: Tensor | Numbers, covariance: Tensor | Numbers) -> None:
        self.mean, self.covariance = mean, covariance
        if np.shape(self.mean)[-1] != self.dimension:
            raise ShapeError(
                f"MultivariateNormal: mean has shape {np.shape(self.mean)} and covariance {np.shape(self.covariance)}; "
                "the last axis of the mean must be as long as those of the covariance."
            )

    @property
    def dimension(self) -> int:
        return int(np.shape(self.covariance)[0])

    @property
    def variance(self) -> Tensor | Array:
        """The variance of each entry, (d,), the diagonal of `covariance`."""
        return np.diagonal(self.covariance)

    @property
    def factor(self) -> Tensor | Array:
        """The lower triangular L with L L' = covariance, (d, d)."""
        # NumPy reads one triangle only, but the slopes must be symmetric. NumPy's types do not know Tensors, hence Any.
        both: Any = (self.covariance + self.covariance.T) / 2
        return np.linalg.cholesky(both)

    def log_determinant(self) -> Tensor | Array:
        """The logarithm of the determinant of the covariance."""
        return 2 * np.log(np.diagonal(self.factor)).sum()

    def entropy(self) -> Tensor | Array:
        return np.broadcast_to((self.log_determinant() + self.dimension * (1 + LOG_2PI)) / 2, self.shape)[()]

    @overload
    def log_density(self, x: Tensor) -> Tensor: ...
    @overload
    def log_density(self, x: Numbers) -> Tensor | Array: ...
    def log_density(self, x: Tensor | Numbers) -> Tensor | Array:
        """The logarithm of the density.

        Parameters
        ----------
        x : array_like or Tensor, (..., d)

        Returns
        -------
        array or Tensor, (...)

        Raises
        ------
        ShapeError
            If the last axis of `x` has another length.
        """
        x = real(x, "MultivariateNormal.log_density: x")
        if np.ndim(x) == 0 or np.shape(x)[-1] != self.dimension:
            raise ShapeError(
                f"MultivariateNormal.log_density: x has shape {np.shape(x)}; its last axis must hold the "
                f"{self.dimension} entries of a vector."
            )
        return self._log_value(x)

    def _log_value(self, x: Any) -> Any:
        factor: Any = self.factor
        distance = (x - self.mean)[..., None]
        z = np.linalg.solve(factor, distance)[..., 0]
        return -0.5 * (z * z).sum(axis=-1) - np.log(np.diagonal(factor)).sum() - self.dimension / 2 * LOG_2PI

    def _sample(self, shape: tuple[int, ...], rng: Any) -> Any:
        z = live(standard_normal, rng, (*shape, self.dimension))
        return self.mean + z @ self.factor.T

    @classmethod
    def guess(cls, data: Array, **fixed: Any) -> dict[str, Any]:
        mean = fixed.get("mean", data.mean(axis=0))
        return {"mean": mean, "covariance": (data - mean).T @ (data - mean) / len(data)}
