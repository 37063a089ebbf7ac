"""The operators of vector calculus, as functions from fields to fields.

A field is a function of one point, an array (d,), or of many, (d, ...), with components along the first axis. It acts
pointwise, so one sweep with the same unit vector at all points differentiates at all of them at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.calculus.coordinates import scale_factors
from autodiff.calculus.integrands import stacked
from autodiff.calculus.partials import components, partials, points_of, scalar_values
from autodiff.errors import ShapeError
from autodiff.transforms.calling import called
from autodiff.transforms.recording import Function


def gradient_field(f: Function, *, coordinates: str = "cartesian") -> Function:
    """The gradient of a scalar field, at one point or at many.

    Parameters
    ----------
    f : callable
        Takes points (d, ...) and returns one number for each, (...).
    coordinates : str, default "cartesian"
        Or ``"polar"`` (r, phi), ``"cylindrical"`` (r, phi, z), ``"spherical"`` (r, theta, phi; theta from the pole).
        Components are along the unit vectors of the coordinates.

    Returns
    -------
    callable
        Takes points (d, ...) and returns (d, ...). It is a field again, so the operators nest. In the dtype of the
        points.

    Raises
    ------
    ShapeError
        If `f` does not return one number for each point, or the coordinates have another dimension.

    Notes
    -----
    Component i is ``df/dq_i / h_i``; the scale factors h are 1 in Cartesian coordinates.

    References
    ----------
    J. Stewart, "Calculus", 8th edition (2016), section 14.6. G. B. Arfken, H. J. Weber, F. E. Harris, "Mathematical
    Methods for Physicists", 7th edition (2013), section 3.10.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> ad.gradient_field(lambda p: p[0] ** 2 * p[1])(np.array([[1.0, 2.0], [3.0, 4.0]]))  # two points, one per column
    array([[ 6., 16.],
           [ 1.,  4.]])
    """

    def gradient(p: Any) -> Any:
        p = points_of(p, "gradient_field")
        scales = scale_factors(coordinates, "gradient_field", np.shape(p)[0])
        _, slopes = partials(lambda q: scalar_values(f, q, "gradient_field"), p)
        if scales is None:
            return slopes
        return np.stack([s / h for s, h in zip(slopes, scales(p), strict=True)])

    return gradient


def divergence(F: Function, *, coordinates: str = "cartesian") -> Function:
    """The divergence of a vector field: the net outward flow per volume at a point.

    Parameters
    ----------
    F : callable
        Takes points (d, ...) and returns d components for each: an array (d, ...), or a list or tuple of d arrays.
    coordinates : str, default "cartesian"
        Or ``"polar"`` (r, phi), ``"cylindrical"`` (r, phi, z), ``"spherical"`` (r, theta, phi; theta from the pole).

    Returns
    -------
    callable
        Takes points (d, ...) and returns (...). In the dtype of the points.

    Raises
    ------
    ShapeError
        If `F` returns another shape.

    Notes
    -----
    ``sum_i dF_i/dx_i``; with scale factors h_i and H their product, ``sum_i d(H F_i / h_i)/dq_i / H``.

    References
    ----------
    J. Stewart, "Calculus", 8th edition (2016), section 16.5. G. B. Arfken, H. J. Weber, F. E. Harris, "Mathematical
    Methods for Physicists", 7th edition (2013), section 3.10.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> F = lambda p: np.stack([p[0] ** 2, p[0] * p[1]])
    >>> float(ad.divergence(F)(np.array([1.0, 2.0])))
    3.0
    >>> ad.divergence(F)(np.array([[1.0, 2.0], [0.0, 0.0]]))
    array([3., 6.])
    """

    def flow_out(p: Any) -> Any:
        p = points_of(p, "divergence")
        d = np.shape(p)[0]
        scales = scale_factors(coordinates, "divergence", d)

        def weighted(q: Any) -> Any:
            y = components(F, q, "divergence")
            if scales is None:
                return y
            h = scales(q)
            return np.stack([y[i] * _product(h[:i] + h[i + 1 :]) for i in range(d)])

        _, slopes = partials(weighted, p)
        total = slopes[0, 0]
        for i in range(1, d):
            total = total + slopes[i, i]
        return total if scales is None else total / _product(scales(p))

    return flow_out


def _product(factors: list[Any]) -> Any:
    total: Any = 1.0
    for h in factors:
        if type(h) is not float:
            total = h if type(total) is float else total * h
    return total


def curl(F: Function, *, coordinates: str = "cartesian") -> Function:
    """The curl of a vector field: a vector in space, a number in the plane.

    Parameters
    ----------
    F : callable
        Takes points (2, ...) or (3, ...) and returns as many components for each.
    coordinates : str, default "cartesian"
        Or ``"polar"`` (r, phi), ``"cylindrical"`` (r, phi, z), ``"spherical"`` (r, theta, phi; theta from the pole).

    Returns
    -------
    callable
        Takes points (3, ...) and returns (3, ...); or takes points (2, ...) and returns (...),
        ``dF_y/dx - dF_x/dy``. In the dtype of the points.

    Raises
    ------
    ShapeError
        If the points have neither 2 nor 3 coordinates.

    Notes
    -----
    Component i is ``(d(h_k F_k)/dq_j - d(h_j F_j)/dq_k) / (h_j h_k)``, for i, j, k in cyclic order; the scale factors h
    are 1 in Cartesian coordinates.

    References
    ----------
    J. Stewart, "Calculus", 8th edition (2016), section 16.5. G. B. Arfken, H. J. Weber, F. E. Harris, "Mathematical
    Methods for Physicists", 7th edition (2013), section 3.10.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> ad.curl(lambda p: np.stack([-p[1], p[0], p[0] * p[1]]))(np.array([0.5, 2.0, 0.0]))
    array([ 0.5, -2. ,  2. ])
    >>> float(ad.curl(lambda p: [-p[1], p[0]])(np.array([1.0, 2.0])))
    2.0
    """

    def rotation(p: Any) -> Any:
        p = points_of(p, "curl")
        d = np.shape(p)[0]
        if d not in (2, 3):
            raise ShapeError(
                f"curl: points of shape {np.shape(p)} have {d} coordinates along the first axis; the curl is defined "
                "in the plane (2) and in space (3). For other dimensions use the antisymmetric part of "
                "ad.calculus.jacobian_field(F)."
            )
        scales = scale_factors(coordinates, "curl", d)

        def weighted(q: Any) -> Any:
            y = components(F, q, "curl")
            return y if scales is None else np.stack([y[i] * h for i, h in enumerate(scales(q))])

        _, slopes = partials(weighted, p)
        h = None if scales is None else scales(p)

        def component(j: int, k: int) -> Any:
            turned = slopes[j, k] - slopes[k, j]
            return turned if h is None else turned / (h[j] * h[k])

        return component(0, 1) if d == 2 else np.stack([component(1, 2), component(2, 0), component(0, 1)])

    return rotation


def laplacian(f: Function, *, coordinates: str = "cartesian") -> Function:
    """The Laplacian of a scalar field: the divergence of its gradient.

    Parameters
    ----------
    f : callable
        Takes points (d, ...) and returns (...).
    coordinates : str, default "cartesian"
        Or ``"polar"`` (r, phi), ``"cylindrical"`` (r, phi, z), ``"spherical"`` (r, theta, phi; theta from the pole).

    Returns
    -------
    callable
        Takes points (d, ...) and returns (...). In the dtype of the points.

    Raises
    ------
    ShapeError
        If `f` does not return one number for each point, or the coordinates have another dimension.

    Notes
    -----
    ``sum_i d^2 f/dx_i^2``; with scale factors h_i and H their product, ``sum_i d(H / h_i^2 df/dq_i)/dq_i / H``.

    References
    ----------
    J. Stewart, "Calculus", 8th edition (2016), section 16.5. G. B. Arfken, H. J. Weber, F. E. Harris, "Mathematical
    Methods for Physicists", 7th edition (2013), section 3.10.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> float(ad.laplacian(lambda p: np.sum(p**4, axis=0))(np.array([1.0, 2.0])))
    60.0
    >>> float(ad.laplacian(lambda q: q[0] ** 2, coordinates="spherical")(np.array([2.0, 1.0, 0.0])))
    6.0
    """
    return divergence(gradient_field(f, coordinates=coordinates), coordinates=coordinates)


def vector_laplacian(F: Function, *, coordinates: str = "cartesian") -> Function:
    """The Laplacian of a vector field: in Cartesian coordinates, of each component.

    Parameters
    ----------
    F : callable
        Takes points (d, ...) and returns (d, ...).
    coordinates : str, default "cartesian"
        Or ``"polar"`` (r, phi), ``"cylindrical"`` (r, phi, z), ``"spherical"`` (r, theta, phi; theta from the pole).

    Returns
    -------
    callable
        Takes points (d, ...) and returns (d, ...). In the dtype of the points.

    Raises
    ------
    ShapeError
        If `F` returns another shape, or the coordinates have another dimension.

    Notes
    -----
    In curvilinear coordinates, where the unit vectors vary from point to point, it is ``grad div F - curl curl F``; in
    the plane the curl of a number w is ``(dw/dq_2 / h_2, -dw/dq_1 / h_1)``.

    References
    ----------
    G. B. Arfken, H. J. Weber, F. E. Harris, "Mathematical Methods for Physicists", 7th edition (2013), section 3.10.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> ad.vector_laplacian(lambda p: np.stack([p[0] ** 2, p[1] ** 3]))(np.array([1.0, 2.0]))
    array([ 2., 12.])
    """

    def cartesian(p: Any) -> Any:
        p = points_of(p, "vector_laplacian")
        _, second = partials(lambda q: partials(lambda r: components(F, r, "vector_laplacian"), q)[1], p)
        total = second[0, 0]
        for i in range(1, np.shape(p)[0]):
            total = total + second[i, i]
        return total

    def curvilinear(p: Any) -> Any:
        p = points_of(p, "vector_laplacian")
        spread = gradient_field(divergence(F, coordinates=coordinates), coordinates=coordinates)(p)
        turned = curl(F, coordinates=coordinates)
        if np.shape(p)[0] == 3:
            return spread - curl(turned, coordinates=coordinates)(p)
        along = gradient_field(turned, coordinates=coordinates)(p)
        return spread - np.stack([along[1], -along[0]])

    return cartesian if coordinates == "cartesian" else curvilinear


def jacobian_field(F: Function) -> Function:
    """The matrix of partial derivatives of a map, ``J_ij = dF_i/dx_j``, at one point or at many.

    Parameters
    ----------
    F : callable
        Takes points (d, ...) and returns (m, ...).

    Returns
    -------
    callable
        Takes points (d, ...) and returns (m, d, ...). In the dtype of the points.

    Raises
    ------
    ShapeError
        When called: if the points are single numbers, or `F` does not return components for each of them.

    See Also
    --------
    jacobian : for any function of arrays; it does not assume that points are independent.

    References
    ----------
    J. E. Marsden, A. J. Tromba, "Vector Calculus", 6th edition (2012), section 2.3.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> polar = lambda q: np.stack([q[0] * np.cos(q[1]), q[0] * np.sin(q[1])])
    >>> ad.calculus.jacobian_field(polar)(np.array([2.0, 0.0]))
    array([[1., 0.],
           [0., 2.]])
    """

    def matrices(p: Any) -> Any:
        p = points_of(p, "jacobian_field")

        def values(q: Any) -> Any:
            y = stacked(called(F, q))
            return components(lambda _: y, q, "jacobian_field", np.shape(y)[0] if np.ndim(y) else 0)

        return np.swapaxes(partials(values, p)[1], 0, 1)

    return matrices
