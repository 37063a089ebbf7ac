"""Gauss-Newton for sums of squares: curvature from first derivatives of the residuals only."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import autodiff as ad
from optim.optimizers.closures import Vector
from optim.optimizers.newton import Model, TrustRegionOptimizer


class GaussNewton(TrustRegionOptimizer):
    """Gauss-Newton steps inside a trust region, for losses that are sums of squares.

    The loss is half the sum of the squared residuals. Its Hessian is replaced by ``J'J`` with the Jacobian J of the
    residuals, which has no negative eigenvalues. The trust region plays the part of Levenberg-Marquardt damping.

    Parameters
    ----------
    parameters : iterable of Tensor
        Tracked leaves, such as ``model.parameters()``; float64 is advisable.
    learning_rate : float, default 1.0
        The fraction of each step that is taken, at most 1.
    radius : float, default 1.0
        Initial radius of the trust region.
    max_radius : float, default 100.0
    max_products : int, default 100
        The largest number of products with ``J'J`` in a trial.

    Attributes
    ----------
    report : NewtonReport or None
        The report of the last step.

    See Also
    --------
    minimize : with ``method="gauss-newton"``, for functions of arrays.

    Notes
    -----
    The step p minimises ``|r + J p|^2 / 2`` over ``|p| <= radius``, by conjugate gradients.

    References
    ----------
    J. Nocedal, S. Wright, "Numerical Optimization", 2nd edition (2006), section 10.3.

    Examples
    --------
    >>> import numpy as np, autodiff as ad, optim
    >>> t = np.linspace(0.0, 1.0, 20)
    >>> rate = ad.tensor(0.0, requires_grad=True)
    >>> optimizer = optim.GaussNewton([rate])
    >>> for _ in range(6):
    ...     loss = optimizer.step(lambda: np.exp(rate * t) - np.exp(0.7 * t))
    >>> round(rate.item(), 6)
    0.7
    """

    def _model(self, loss_fn: Callable[[], ad.Tensor]) -> Model:
        residuals = loss_fn()
        if not isinstance(residuals, ad.Tensor) or not residuals.requires_grad:
            raise ad.GradientError(
                "GaussNewton.step: the function must return the residuals as a Tensor computed from the parameters; it "
                f"returned {'an untracked Tensor' if isinstance(residuals, ad.Tensor) else type(residuals).__name__}."
            )
        if residuals.ndim == 0:
            raise ad.ShapeError(
                "GaussNewton.step: the function returned one number; it must return the residuals, before they are "
                "squared and summed. For a loss that is not a sum of squares use optim.Newton."
            )
        free = [p for p in self.parameters if p.requires_grad]
        seed = ad.tensor(np.zeros_like(residuals.data), requires_grad=True)
        transposed = ad.gradients(residuals, free, seed, create_graph=True)  # J'u, linear in u

        def flat_gradient(ct: Vector) -> Vector:
            found = dict(zip(map(id, free), ad.gradients(residuals, free, ct), strict=True))
            return self._flattened({key: g.data for key, g in found.items()})

        def product(v: Vector) -> Vector:
            start, parts = 0, {}
            for p in self.parameters:
                parts[id(p)] = v[start : start + p.size].reshape(p.shape).astype(p.dtype)
                start += p.size
            terms = [(g * parts[id(p)]).sum() for p, g in zip(free, transposed, strict=True) if g.requires_grad]
            if not terms:
                return np.zeros_like(v)
            (forward,) = ad.gradients(sum(terms[1:], terms[0]), [seed])
            return flat_gradient(forward.data)

        loss = ad.Tensor(np.asarray(self._value(residuals), residuals.dtype))
        return loss, float(loss.item()), flat_gradient(residuals.data), product

    @staticmethod
    def _value(evaluated: ad.Tensor) -> float:
        """Half the sum of the squares."""
        r = evaluated.data.reshape(-1)
        return 0.5 * float(r @ r)
