"""Matrix-free Newton's method: Hessian-vector products, conjugate gradients, a trust region."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, ClassVar, NamedTuple

import numpy as np

import autodiff as ad
from autodiff.solvers import steihaug, updated_radius
from optim.optimizers.closures import ClosureOptimizer, Vector
from optim.options import Check, Saved, checked, whole

_ATTEMPTS = 12
_ACCEPT = 1e-4
_ROUNDING = 10.0  # the error of a loss, in units of the last place


class NewtonReport(NamedTuple):
    """Report of one step of `Newton`.

    Attributes
    ----------
    loss : float
        The loss before the step.
    gradient_norm : float
    step_norm : float
        0 if no trial was accepted.
    ratio : float
        Actual divided by predicted decrease in the last trial.
    curvature : float
        The smallest curvature along the directions of the inner iteration.
    negative_curvature : bool
        Whether that was not positive: the step then follows that direction to the boundary.
    accepted : bool
    radius : float
        Radius of the trust region for the next step.
    products : int
        Number of Hessian-vector products.

    Examples
    --------
    >>> import numpy as np, autodiff as ad, optim
    >>> x = ad.tensor([3.0, 4.0], requires_grad=True)
    >>> newton = optim.Newton([x])
    >>> _ = newton.step(lambda: np.sum(x**2))
    >>> newton.report.loss, newton.report.gradient_norm
    (25.0, 10.0)
    """

    loss: float
    gradient_norm: float
    step_norm: float
    ratio: float
    curvature: float
    negative_curvature: bool
    accepted: bool
    radius: float
    products: int


Model = tuple[ad.Tensor, float, Vector, Callable[[Vector], Vector]]


class TrustRegionOptimizer(ClosureOptimizer):
    """Base of `Newton` and `GaussNewton`: a quadratic model of the loss, minimised inside a trust region.

    Parameters
    ----------
    parameters : iterable of Tensor
    learning_rate : float, default 1.0
        The fraction of each step that is taken, at most 1.
    radius, max_radius : float, default 1.0 and 100.0
        The initial and the largest radius of the trust region.
    max_products : int, default 100
        The largest number of products with the model's matrix in a trial.

    Attributes
    ----------
    report : NewtonReport or None
        The report of the last step.
    """

    kept_options: ClassVar[Mapping[str, Check]] = {
        "max_radius": partial(checked, low=0.0, open_low=True),
        "max_products": partial(whole, low=1),
    }

    def __init__(
        self,
        parameters: Iterable[ad.Tensor],
        learning_rate: float = 1.0,
        *,
        radius: float = 1.0,
        max_radius: float = 100.0,
        max_products: int = 100,
    ) -> None:
        self.max_radius = checked("max_radius", max_radius, 0.0, open_low=True)
        self.radius = checked("radius", radius, 0.0, self.max_radius, open_low=True)
        self.max_products = int(checked("max_products", max_products, 1))
        super().__init__(parameters, learning_rate)
        self.report: NewtonReport | None = None

    def _model(self, loss_fn: Callable[[], ad.Tensor]) -> Model:
        """The result of `loss_fn`, the loss as a float, its gradient, and products with the model's matrix."""
        raise NotImplementedError

    @staticmethod
    def _value(evaluated: ad.Tensor) -> float:
        """The loss as a float, from the result of `loss_fn`."""
        return float(evaluated.item())

    def step(self, loss_fn: Callable[[], ad.Tensor] | None = None) -> ad.Tensor:
        """Evaluate the loss, solve for the step, and take it if it lowers the loss.

        Parameters
        ----------
        loss_fn : callable
            ``() -> loss``, computed from the parameters. It is called once with recording, and once for each trial.

        Returns
        -------
        Tensor
            The loss before the step.

        Raises
        ------
        TypeError
            If no `loss_fn` is given: gradients alone do not give the curvature.
        """
        loss_fn = self._function(loss_fn, "to differentiate it twice")
        loss, start, g, matvec = self._model(loss_fn)
        before = self._position()
        norm = float(np.linalg.norm(g))
        products, curvature, accepted, ratio, length, negative = 0, float("inf"), False, 0.0, 0.0, False
        rounding = _ROUNDING * float(np.finfo(loss.dtype).eps) * abs(start)
        for _ in range(_ATTEMPTS if 0.0 < norm < np.inf else 0):
            solved = steihaug(matvec, g, self.radius, max_iter=self.max_products)
            products += solved.iterations
            curvature, negative = solved.curvature, solved.ending == "negative curvature"
            step = solved.step * self.learning_rate
            length = float(np.linalg.norm(step))
            # the model at the shortened step, from its value at the full step
            slope = float(g @ solved.step)
            bend = -2 * (solved.predicted + slope)
            predicted = -(self.learning_rate * slope + 0.5 * self.learning_rate**2 * bend)
            if not predicted > 0.0:  # the gradient is so small that its square underflows to 0
                length = 0.0
                break
            self._move(before, step)
            try:
                with ad.no_grad():
                    after = self._value(loss_fn())
            except BaseException:
                self._move(before, np.zeros_like(step))
                raise
            ratio = (start - after + rounding) / (predicted + rounding)
            self.radius = updated_radius(self.radius, float(np.linalg.norm(solved.step)), ratio, self.max_radius)
            accepted = bool(ratio > _ACCEPT)
            if accepted:
                break
            length = 0.0
            self._move(before, np.zeros_like(step))
        self.report = NewtonReport(start, norm, length, ratio, curvature, negative, accepted, self.radius, products)
        return loss

    def state_dict(self) -> dict[str, Vector]:
        """The options and the radius of the trust region."""
        return {**super().state_dict(), "radius": np.array(self.radius)}

    def _checked_state(self, saved: Mapping[str, Any]) -> Saved:
        found = super()._checked_state(saved)
        largest = found["max_radius"].item() if "max_radius" in found else self.max_radius
        checked("radius", found["radius"].item(), 0.0, largest)
        return found

    def _load(self, saved: Saved) -> None:
        self.radius = float(saved["radius"])
        super()._load(saved)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._size} numbers, radius={self.radius})"


class Newton(TrustRegionOptimizer):
    """Newton's method with truncated conjugate gradients in a trust region.

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
        The largest number of Hessian-vector products in a trial.

    Attributes
    ----------
    report : NewtonReport or None
        The report of the last step.

    Notes
    -----
    A step evaluates the loss once and records its gradient; every product is then one forward sweep over that record. A
    trial that raises the loss, or lowers it by less than 1e-4 of the prediction, is undone and repeated in a smaller
    region. Differences within the rounding error of the loss count as predicted, so that the region does not collapse
    at the minimum.

    The step p minimises ``loss + g'p + p'Hp/2`` over ``|p| <= radius``.

    References
    ----------
    J. Nocedal, S. Wright, "Numerical Optimization", 2nd edition (2006), algorithms 4.1 and 7.2. A. Conn,
    N. Gould, P. Toint, "Trust-Region Methods" (2000), section 17.4.2, on rounding.

    Examples
    --------
    >>> import autodiff as ad, optim
    >>> w = ad.tensor([3.0, -4.0], requires_grad=True)
    >>> optimizer = optim.Newton([w], radius=10.0)
    >>> _ = optimizer.step(lambda: ((w - 1.0) ** 2).sum())
    >>> w.data
    array([1., 1.])
    """

    def _model(self, loss_fn: Callable[[], ad.Tensor]) -> Model:
        loss = self._evaluated(loss_fn)
        hessian = ad.hessian_operator(loss, [p for p in self.parameters if p.requires_grad])
        g = np.concatenate([np.ravel(part) for part in hessian.gradient])
        learns = np.concatenate([np.full(p.size, p.requires_grad) for p in self.parameters])
        if learns.all():
            return loss, float(loss.item()), g, hessian.matvec

        def whole(free: Vector) -> Vector:
            """Fill in zeros for frozen parameters, so that their steps stay 0."""
            out = np.zeros(learns.shape, free.dtype)
            out[learns] = free
            return out

        return loss, float(loss.item()), whole(g), lambda v: whole(hessian.matvec(v[learns]))
