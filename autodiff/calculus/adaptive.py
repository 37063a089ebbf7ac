"""Choosing the nodes of an integral: meshes are refined, on plain arrays, until the estimated error is small.

With several variables the nodes form a grid, the product of one mesh per variable. The error is estimated for each
panel of each variable, and the panels with the largest errors are refined.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autodiff.arrays.plain import concrete, is_more_than_numbers
from autodiff.calculus.integrands import explained, values_at
from autodiff.calculus.meshes import Mesh, ends_least, uniform
from autodiff.calculus.ranges import Range
from autodiff.core.modes import no_grad
from autodiff.errors import AutodiffError, DomainError
from autodiff.transforms.recording import Function, title
from autodiff.typing import Array

ACCEPTED = 1e-6
"""Estimated errors above this fraction of the integral of abs(f) are not accepted."""
_NOISE = 1e-13  # absolute error below which an integrand that is 0 up to rounding need not be resolved
_MOST_NODES = {1: 60_000}
_MOST_NODES_OF_A_GRID = 3_000_000
_ROUNDS = 80
_MOST_EVALUATIONS = 20_000_000
_FIRST_PANELS = {1: 8, 2: 2}
_ORDERS = {1: 10, 2: 10, 3: 10}  # Gauss nodes of a panel; 7 in four variables, since 21**4 nodes would be too many
_ROUNDING = 50 * 2.0**-52
_NEGLIGIBLE = 1e-14  # of an integrand's largest value: the foot of a narrow peak, or nothing
_MOST_NODES_ON_NOTHING = 20_000  # an integrand that is 0 at every node may have a narrow peak between them


Begin = Callable[[int, list[tuple[float, float]]], Mesh]
"""Makes the initial mesh from the number of segments and the smallest distances from their ends."""


class Chosen(NamedTuple):
    """The chosen meshes, and the integrals on them.

    Attributes
    ----------
    meshes : list of Mesh
        One per variable.
    value, error, magnitude : ndarray
        The integrals, estimates of their errors, and the integrals of the absolute value.
    plain : bool
        Whether the integrand returned only arrays, so that the value need not be recorded.
    """

    meshes: list[Mesh]
    value: Any
    error: Any
    magnitude: Any
    plain: bool


class Estimate(NamedTuple):
    """Estimates from the values on a grid: integrals, magnitudes, and the error of each panel of each variable.

    `cut` tells for each panel whether most of its error lies outside its nodes, where no finer rule helps.
    """

    value: Any
    magnitude: Any
    errors: list[Any]
    cut: list[Any]

    @property
    def error(self) -> Array:
        """The estimated error of each integral."""
        return sum((e.sum(-1) for e in self.errors), start=np.zeros(())) + _ROUNDING * self.magnitude


def estimate(values: Any, meshes: Sequence[Mesh]) -> Estimate:
    """Integrals and error estimates from values on the unit grid, (..., n_1, ..., n_d).

    Notes
    -----
    The estimate is QUADPACK's: ``A min(1, (200 D / A)**1.5)``, where D is the difference of the two rules of a panel,
    and A is the panel's integral of the distance of f from its mean.

    References
    ----------
    R. Piessens et al., "QUADPACK", Springer 1983, routine QK21.
    """
    d = len(meshes)
    value, magnitude = values, np.abs(values)
    for mesh in reversed(meshes):
        value, magnitude = value @ mesh.fine, magnitude @ mesh.fine
    errors, cut = [], []
    for k, mesh in enumerate(meshes):
        others = [m for i, m in enumerate(meshes) if i != k]

        def over_panels(nodewise: Any, mesh: Mesh = mesh) -> Any:
            return np.add.reduceat(nodewise, mesh.starts, axis=-1)

        def over_others(panelwise: Any, others: list[Mesh] = others) -> Any:
            for m in reversed(others):
                panelwise = np.moveaxis(panelwise, -2, -1) @ m.fine
            return panelwise

        along = np.moveaxis(values, values.ndim - d + k, -1)
        difference = over_others(np.abs(over_panels(along * (mesh.fine - mesh.coarse))))
        sizes = np.diff([*mesh.starts, len(mesh)])
        widths = over_panels(mesh.fine)
        mean = np.repeat(over_panels(along * mesh.fine) / widths, sizes, axis=-1)
        spread = over_others(over_panels(np.abs(along - mean) * mesh.fine))
        with np.errstate(divide="ignore", invalid="ignore"):
            scaled = np.minimum(1.0, (200 * difference / spread) ** 1.5)
            error = np.where(spread > 0, spread * scaled, difference)
        tail = over_others(over_panels(np.abs(along) * mesh.tail)) if mesh.tail.any() else np.zeros_like(error)
        cut.append(_worst_of(tail) > _worst_of(error))
        errors.append(error + tail)
    return Estimate(value, magnitude, errors, cut)


def sampled(f: Function, ranges: Sequence[Range], meshes: Sequence[Mesh], ends: Sequence[Any]) -> tuple[Any, Any, bool]:
    """The integrand times dx/du on the unit grid, the nodes, and whether the integrand returned only arrays."""
    xs: list[Any] = []
    shape: tuple[int, ...] = ()
    jacobian: Any = 1.0
    plain = True
    for r, mesh in zip(ranges, meshes, strict=True):
        if r.number:
            limits = r.limits(xs, shape)
            plain = plain and not any(is_more_than_numbers(v) for v in limits)
            low, high = map(concrete, limits)
            ends = r.ends(low[()], high[()])
        x, slope = mesh.place(ends)
        if x.shape[:-1] != shape and r.number:
            x, slope = np.broadcast_to(x, (*shape, len(mesh))), np.broadcast_to(slope, (*shape, len(mesh)))
        shape = x.shape
        xs = [np.broadcast_to(v[..., None], shape) for v in xs] + [x]
        jacobian = slope if not r.number else jacobian[..., None] * slope
    given = values_at(f, xs, shape)
    return concrete(given) * jacobian, xs, plain and not is_more_than_numbers(given)


def choose(f: Function, ranges: Sequence[Range], tol: float, atol: float = 0.0, first: Begin | None = None) -> Chosen:
    """Meshes on which the integral is as accurate as asked for, if possible.

    Raises
    ------
    DomainError
        If the integrand is not finite, or the error stays large: the integral diverges, or the integrand is too rough.
    """
    with np.errstate(all="ignore"):
        try:
            return _choose(f, ranges, tol, atol, first)
        except AutodiffError:
            raise
        except (TypeError, ValueError) as error:
            raise explained(f, error, len(ranges)) from error


def _first_meshes(ranges: Sequence[Range], first: Begin | None) -> tuple[list[Mesh], list[Any]]:
    """The initial meshes, and the ends of the first range."""
    meshes: list[Mesh] = []
    xs: list[Any] = []
    shape: tuple[int, ...] = ()
    d = len(ranges)
    for r in ranges:
        ends = r.look(*r.limits(xs, shape))
        least = ends_least(ends, d)
        if first is None:
            meshes.append(uniform(len(least), _FIRST_PANELS.get(d, 1), _ORDERS.get(d, 7), least))
        else:
            meshes.append(first(len(least), least))
        if r.number == 0:
            first_ends = ends
        x, _ = meshes[-1].place(ends)
        if r.number and x.shape[:-1] != shape:
            x = np.broadcast_to(x, (*shape, x.shape[-1]))
        if r.number < d - 1:
            shape = x.shape
            xs = [np.broadcast_to(v[..., None], shape) for v in xs] + [x]
    return meshes, first_ends


def _choose(f: Function, ranges: Sequence[Range], tol: float, atol: float, first: Begin | None) -> Chosen:
    with no_grad():
        meshes, ends = _first_meshes(ranges, first)
    most = _MOST_NODES.get(len(ranges), _MOST_NODES_OF_A_GRID)
    splits = evaluations = 0
    plain: bool | None = None
    for _ in range(_ROUNDS):
        if plain is None:  # with recording, to see whether the integrand depends on anything tracked
            values, xs, plain = sampled(f, ranges, meshes, ends)
        else:
            with no_grad():
                values, xs, _ = sampled(f, ranges, meshes, ends)
        finite = np.isfinite(values)
        if not finite.all():
            bad = _where_bad(xs, finite)
            r = ranges[0]
            if len(ranges) > 1 or splits == 3 or bad.shape[1] > 4 or np.ndim(ends[0]) or np.ndim(ends[-1]):
                raise _not_finite(f, bad, values[~finite].flat[0])
            # A hole, as of sin(x)/x at 0: split the range there. The hole is then an end, and no node lies at an end.
            splits += 1
            r.breaks = [*r.breaks, *map(float, bad[0])]
            with no_grad():
                meshes, ends = _first_meshes(ranges, first)
            continue
        if first is None and not values.any():
            finer = [m.refined(range(len(m.panels))) for m in meshes]
            if _size(meshes) < _size(finer) <= _MOST_NODES_ON_NOTHING:
                meshes = finer
                continue
        if first is None and len(ranges) == 1 and (unseen := meshes[0].unseen(_seen(values))):
            meshes = [meshes[0].refined(unseen)]
            continue
        found = estimate(values, meshes)
        shares = _shares(found)
        total = sum(float(s.sum()) for s in shares)
        if total <= tol or (np.asarray(found.error) <= atol).all():
            break
        finer = _refined(_worst(shares, meshes, found.cut, total, tol), meshes, most)
        size = _size(finer)
        evaluations += size
        if size == _size(meshes) or evaluations > _MOST_EVALUATIONS:
            break
        meshes = finer
    _check_converged(f, found, tol, atol, xs, meshes)
    return Chosen(meshes, found.value, found.error, found.magnitude, bool(plain))


def _seen(values: Any) -> Any:
    """Where each integrand is not negligible, (integrals, n); without those that are 0 throughout, unless all are."""
    sizes = np.abs(values).reshape(int(np.prod(values.shape[:-1])), values.shape[-1])
    seen = sizes > _NEGLIGIBLE * sizes.max(axis=1, keepdims=True)
    some = seen.any(axis=1)
    return seen[some] if some.any() else seen


def _shares(found: Estimate) -> list[Any]:
    """The error of each panel divided by the integral of abs(f); the worst of several integrals."""
    scale = _scale(found)[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = [np.where(e > 0, e / scale, 0.0) for e in found.errors]
    return [_worst_of(s) for s in shares]


def _worst_of(errors: Any) -> Any:
    """For each panel the largest error among the integrals, which are computed at the same nodes."""
    return errors.reshape(-1, errors.shape[-1]).max(axis=0, initial=0.0)


def _scale(found: Estimate) -> Any:
    """The scale of errors: the largest integral of abs(f) among the components."""
    magnitude = np.asarray(found.magnitude)
    return np.broadcast_to(magnitude.max() if magnitude.size else 1.0, magnitude.shape)


def _worst(
    shares: list[Any], meshes: Sequence[Mesh], cut: list[Any], total: float, tol: float
) -> list[tuple[int, int]]:
    """The panels to refine, as (variable, panel), the worst first: as few as leave half the tolerance to the others."""
    entries = sorted(((float(s), k, i) for k, share in enumerate(shares) for i, s in enumerate(share)), reverse=True)
    able = [
        [can and not c for can, c in zip(m.can_refine(), cs, strict=True)] for m, cs in zip(meshes, cut, strict=True)
    ]
    chosen = []
    left = total
    for share, k, i in entries:
        if left <= tol / 2:
            break
        left -= share
        if able[k][i]:
            chosen.append((k, i))
    return chosen


def _refined(chosen: list[tuple[int, int]], meshes: Sequence[Mesh], most: int) -> list[Mesh]:
    """The meshes with the chosen panels refined, or only the worst of them if the grid would be too large."""
    while chosen:
        finer = [m.refined({i for j, i in chosen if j == k}) for k, m in enumerate(meshes)]
        if _size(finer) <= most:
            return finer
        chosen = chosen[: len(chosen) // 2]
    return list(meshes)


def _size(meshes: Sequence[Mesh]) -> int:
    return int(np.prod([len(m) for m in meshes]))


def _where_bad(xs: list[Any], finite: Any) -> Any:
    """The points where the integrand is not finite, one per column."""
    bad = ~finite.reshape((-1, *xs[-1].shape)).all(axis=0)
    return np.unique(np.stack([x[bad] for x in xs]), axis=1)


def _point(point: Any) -> str:
    return f"{point[0]:.6g}" if len(point) == 1 else "(" + ", ".join(f"{v:.6g}" for v in point) + ")"


def _not_finite(f: Function, bad: Any, value: Any) -> DomainError:
    return DomainError(
        f"integrate: {title(f)} is {value} at {_point(bad[:, 0])}"
        + (f" and at {bad.shape[1] - 1} more of the nodes" if bad.shape[1] > 1 else "")
        + ". The integral diverges, or the function is not defined there. Choose limits inside its domain; if the node "
        "is far out, write products of large and small factors as one exponential."
    )


def _check_converged(
    f: Function, found: Estimate, tol: float, atol: float, xs: list[Any], meshes: Sequence[Mesh]
) -> None:
    error, scale = np.asarray(found.error), _scale(found)
    bar = np.maximum(max(tol, ACCEPTED) * scale, max(atol, _NOISE))
    if (error <= bar).all():
        return
    where = []
    for k, (share, mesh, x) in enumerate(zip(_shares(found), meshes, xs, strict=True)):
        node = int(mesh.starts[int(np.argmax(share))])
        where.append(float(np.moveaxis(x, x.ndim - len(meshes) + k, -1)[..., node].flat[0]))
    worst = np.unravel_index(int(np.argmax(error - bar)), error.shape)
    raise DomainError(
        f"integrate: the integral of {title(f)} does not converge: the estimated error is still {error[worst]:.1e}, "
        f"with the integral of the absolute value at {np.asarray(found.magnitude)[worst]:.3g} and growing near "
        f"{_point(where)}. It diverges there, or the integrand is too rough: "
        + (
            "pass singular points inside the range as points=[...], shift a singular end to 0, where floats are dense "
            "(f(b - s) over s), or "
            if len(meshes) == 1
            else "split the region along a kink or a jump (a limit may be a function of the variables before it), "
        )
        + "accept a larger error with tol=, or sample with method='monte-carlo'."
    )
