"""Vector calculus: fields, line and surface integrals, divergence and curl, Green's theorem."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

import autodiff as ad
from autodiff.testing import laws
from demos.course.drawing import Rng, array, number
from demos.course.records import Array, Function, Named, exercise
from demos.course.slopes import holds


def _field(p: Array) -> Array:
    return np.stack([p[0] ** 2 * p[1], p[0] - p[1] ** 2])


@exercise(
    serves="Vector calculus: divergence and curl",
    draws={
        "a point": lambda rng: (number(rng), number(rng)),
        "arrays of points": lambda rng: (array(rng, 4), array(rng, 4)),
    },
    example="divergence(1.0, 2.0)",
    mistakes={
        "This is the curl, ∂Q/∂x - ∂P/∂y.": lambda x, y: 1 - x**2,
        "Both derivatives are added: that of the second component is negative by itself.": lambda x, y: (
            2 * x * y + 2 * y
        ),
        "The derivative of the second component by y is missing.": lambda x, y: 2 * x * y,
        "P is derived by x and Q by y, not the other way round.": lambda x, y: x**2 + 1,
        "By x, the derivative of x² y is 2 x y: the factor y stays.": lambda x, y: 2 * x - 2 * y,
    },
    hints=("∂P/∂x + ∂Q/∂y.",),
    solution="""
def divergence(x, y):
    return 2 * x * y - 2 * y
""",
)
def divergence(x: Array, y: Array) -> Array:
    """The divergence of a field in the plane.

    The field has the components P = x² y and Q = x - y². Return its divergence at (x, y).
    """
    return 2 * x * y + ad.derivative(lambda y: x - y**2)(y)


@exercise(
    serves="Vector calculus: divergence and curl",
    draws={
        "a point": lambda rng: (number(rng), number(rng)),
        "arrays of points": lambda rng: (array(rng, 4), array(rng, 4)),
    },
    example="curl_in_the_plane(2.0, 1.0)",
    mistakes={
        "The curl is a difference, not a sum.": lambda x, y: 1 + x**2,
        "This is the divergence, ∂P/∂x + ∂Q/∂y.": lambda x, y: 2 * x * y - 2 * y,
        "∂P/∂y is missing.": lambda x, y: 1.0 + 0 * x,
        "The derivative of x² y by y is x², not 2 x.": lambda x, y: 1 - 2 * x,
    },
    hints=("∂Q/∂x - ∂P/∂y.",),
    solution="""
def curl_in_the_plane(x, y):
    return 1 - x**2
""",
)
def curl_in_the_plane(x: Array, y: Array) -> Array:
    """The curl of a field in the plane.

    The field has the components P = x² y and Q = x - y². Return its curl, one number for each point (x, y): positive
    where it turns counterclockwise.
    """
    return 1 - ad.derivative(lambda y: x**2 * y)(y)


@exercise(
    serves="Vector calculus: divergence and curl",
    draws={"a Jacobian": lambda rng: (array(rng, 3, 3),)},
    example="curl_in_space(np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 5.0]]))",
    mistakes={
        "The second component has the wrong sign: it is ∂P/∂z - ∂R/∂x.": lambda J: np.array(
            [J[2, 1] - J[1, 2], J[2, 0] - J[0, 2], J[1, 0] - J[0, 1]]
        ),
        "The curl is made of differences, not of sums.": lambda J: np.array(
            [J[2, 1] + J[1, 2], J[0, 2] + J[2, 0], J[1, 0] + J[0, 1]]
        ),
        "This is the divergence, the sum of the diagonal.": lambda J: np.trace(J),
        "The diagonal belongs to the divergence; the curl does not need it.": lambda J: np.diag(J),
    },
    hints=("J[i, k] is the derivative of component i by coordinate k.", "The first component is J[2, 1] - J[1, 2]."),
    solution="""
def curl_in_space(J):
    return np.array([J[2, 1] - J[1, 2], J[0, 2] - J[2, 0], J[1, 0] - J[0, 1]])
""",
)
def curl_in_space(J: Array) -> Array:
    """The curl of a field in space.

    J is the Jacobian of the field at a point: J[i, k] is the derivative of component i by coordinate k. Return the
    curl, a vector of three numbers.
    """
    return ad.curl(lambda p: J @ p)(np.zeros(3))


def _plane_field(rng: Rng) -> Named:
    a, b = number(rng), number(rng)
    return Named(f"[{a} y, {b} x + x y]", lambda p: np.array([a * p[1], b * p[0] + p[0] * p[1]]))


def _along(F: Function, points: Array, shift: float) -> float:
    steps = np.diff(points, axis=0)
    return float(sum(F(p + shift * d) @ d for p, d in zip(points[:-1], steps, strict=True)))


@exercise(
    serves="Vector calculus: line integrals",
    draws={
        "a path": lambda rng: (_plane_field(rng), array(rng, 5, 2)),
        "one segment": lambda rng: (_plane_field(rng), array(rng, 2, 2)),
    },
    example="line_integral(lambda p: np.array([-p[1], p[0]]), np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]))",
    mistakes={
        "The field is taken at the start of each segment; take its middle.": lambda F, p: _along(F, p, 0.0),
        "The field is taken at the end of each segment; take its middle.": lambda F, p: _along(F, p, 1.0),
        "This walks the path backwards.": lambda F, p: -_along(F, p, 0.5),
        "The direction counts: a scalar product with the step, not the strength of the field times its length.": (
            lambda F, p: float(sum(np.linalg.norm(F((a + b) / 2)) * np.linalg.norm(b - a) for a, b in pairwise(p)))
        ),
    },
    hints=("For each segment: the field in its middle, times the step (a scalar product).",),
    solution="""
def line_integral(F, points):
    total = 0.0
    for a, b in zip(points[:-1], points[1:]):
        total += F((a + b) / 2) @ (b - a)
    return total
""",
)
def line_integral(F: Function, points: Array) -> float:
    """A line integral.

    The work of the field F along the path through `points`, an array of shape (n, 2): F takes a point and returns a
    vector. Take the field in the middle of each straight segment.
    """
    return _along(F, points, 0.5)


def _shoelace(xs: Array, ys: Array) -> float:
    return float(np.sum(xs * np.roll(ys, -1) - np.roll(xs, -1) * ys) / 2)


def _polygon(rng: Rng, n: int) -> tuple[Array, Array]:
    angles = np.sort(rng.uniform(0, 2 * np.pi, n))
    return np.round(1 + 2 * np.cos(angles), 2), np.round(3 * np.sin(angles) - 1, 2)


@exercise(
    serves="Vector calculus: Green's theorem",
    draws={
        "a triangle": lambda rng: _polygon(rng, 3),
        "a polygon": lambda rng: _polygon(rng, 7),
        "a polygon clockwise": lambda rng: tuple(v[::-1].copy() for v in _polygon(rng, 5)),
    },
    example="green_area(np.array([0.0, 2.0, 2.0, 0.0]), np.array([0.0, 0.0, 1.0, 1.0]))",
    mistakes={
        "The factor 1/2 is missing.": lambda xs, ys: 2 * _shoelace(xs, ys),
        "The boundary must be closed: the edge from the last corner to the first is missing.": lambda xs, ys: float(
            np.sum(xs[:-1] * ys[1:] - xs[1:] * ys[:-1]) / 2
        ),
        "The sign counts: clockwise the area is negative.": lambda xs, ys: abs(_shoelace(xs, ys)),
        "This is the area of the box around it.": lambda xs, ys: float(np.ptp(xs) * np.ptp(ys)),
    },
    laws={
        "If the polygon is moved, its area must stay the same.": lambda answer, xs, ys: (
            np.isclose(answer(xs + 3, ys - 2), answer(xs, ys))
            and holds(laws.invariance, lambda p: answer(p[0], p[1]), lambda p: p + 3, np.stack([xs, ys]))
        ),
        "If it is twice as large in both directions, the area must be four times as large.": lambda answer, xs, ys: (
            np.isclose(answer(2 * xs, 2 * ys), 4 * answer(xs, ys))
            and holds(laws.homogeneity, lambda p: answer(p[0], p[1]), np.stack([xs, ys]), 2)
        ),
    },
    hints=("The line integral of (x dy - y dx) / 2 along the boundary.", "Each edge gives x_i y_j - x_j y_i."),
    solution="""
def green_area(xs, ys):
    next_xs, next_ys = np.roll(xs, -1), np.roll(ys, -1)
    return np.sum(xs * next_ys - next_xs * ys) / 2
""",
)
def green_area(xs: Array, ys: Array) -> float:
    """An area by Green's theorem.

    The area of the polygon with the corners (xs[i], ys[i]), from its boundary alone: positive if the corners go round
    counterclockwise, negative if clockwise. The last corner is joined to the first.
    """
    return _shoelace(xs, ys)


def _normal(a: Array, b: Array, c: Array) -> Array:
    return np.cross(b - a, c - a) / 2


def _space_field(rng: Rng) -> Named:
    k = number(rng)
    return Named(f"[{k} x, y z, x + z²]", lambda p: np.array([k * p[0], p[1] * p[2], p[0] + p[2] ** 2]))


@exercise(
    serves="Vector calculus: surface integrals",
    draws={"a triangle": lambda rng: (_space_field(rng), array(rng, 3), array(rng, 3), array(rng, 3))},
    example="triangle_flux(lambda p: p, np.array([1.0, 0, 0]), np.array([0, 1.0, 0]), np.array([0, 0, 1.0]))",
    mistakes={
        "The cross product is twice the area of the triangle: a factor 1/2 is missing.": lambda F, a, b, c: (
            2 * F((a + b + c) / 3) @ _normal(a, b, c)
        ),
        "The normal points to the other side: the order of the corners counts.": lambda F, a, b, c: (
            F((a + b + c) / 3) @ _normal(a, c, b)
        ),
        "The field is taken at the corner a; take the middle of the triangle.": lambda F, a, b, c: (
            F(a) @ _normal(a, b, c)
        ),
        "The sum of the corners is not their middle: divide by 3.": lambda F, a, b, c: F(a + b + c) @ _normal(a, b, c),
        "The normal must be as long as the area, not 1.": lambda F, a, b, c: (
            F((a + b + c) / 3) @ _normal(a, b, c) / np.linalg.norm(_normal(a, b, c))
        ),
    },
    hints=("np.cross(b - a, c - a) is normal to the triangle; how long is it?",),
    solution="""
def triangle_flux(F, a, b, c):
    middle = (a + b + c) / 3
    normal = np.cross(b - a, c - a) / 2
    return F(middle) @ normal
""",
)
def triangle_flux(F: Function, a: Array, b: Array, c: Array) -> float:
    """A surface integral.

    The flux of the field F through the triangle with the corners a, b, c in space: the field in the middle of the
    triangle, times its area, along the normal that b - a and c - a give by the right hand.
    """
    u, v = b - a, c - a
    normal = np.array([u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]])
    return float(np.sum(F((a + b + c) / 3) * normal) / 2)


def _symmetric(rng: Rng, n: int) -> Array:
    J = array(rng, n, n)
    return J + J.T


@exercise(
    serves="Vector calculus: vector fields",
    draws={
        "a gradient field": lambda rng: (_symmetric(rng, 2),),
        "a gradient field in space": lambda rng: (_symmetric(rng, 3),),
        "a field that turns": lambda rng: (_symmetric(rng, 2) + np.array([[0.0, 1.0], [-1.0, 0.0]]),),
        "a field that turns, without divergence": (np.array([[1.0, 2.0], [0.0, -1.0]]),),
        "a field in space that turns": lambda rng: (
            _symmetric(rng, 3) + np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [-1.0, 0.0, 0.0]]),
        ),
    },
    example="is_gradient_field(np.array([[2.0, 1.0], [1.0, 0.0]]))",
    mistakes={
        "True and False are exchanged.": lambda J: not np.allclose(J, J.T),
        "The divergence (the sum of the diagonal) says nothing about it.": lambda J: bool(np.trace(J) == 0),
        "Not every field has a potential.": lambda J: True,
        "Some fields have a potential: gradients.": lambda J: False,
    },
    hints=("If F is a gradient, its Jacobian is a Hessian. What do you know about those?",),
    solution="""
def is_gradient_field(J):
    return bool(np.allclose(J, J.T))
""",
)
def is_gradient_field(J: Array) -> bool:
    """A field with a potential.

    J is the Jacobian of a field, the same everywhere. Return True if the field has a potential, so that it is the
    gradient of a function, and False if not.
    """
    return bool(np.max(np.abs(J - J.T)) < 1e-9)
