"""Multivariable calculus: gradients, Jacobians, Hessians and what they say."""

from __future__ import annotations

import numpy as np

import autodiff as ad
from demos.course.drawing import Rng, array, number
from demos.course.records import Array, exercise


def _rosenbrock(p: Array) -> Array:
    return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2


@exercise(
    serves="Multivariable calculus: gradient vectors",
    draws={"a point": lambda rng: (array(rng, 2),), "the lowest point": (np.array([1.0, 1.0]),)},
    slope_of=lambda p: _rosenbrock(p),
    by=("p",),
    example="rosenbrock_gradient(np.array([0.0, 2.0]))",
    mistakes={
        "In the derivative by x the inner derivative -2 x of y - x² has lost its minus.": lambda p: np.array(
            [-2 * (1 - p[0]) + 400 * p[0] * (p[1] - p[0] ** 2), 200 * (p[1] - p[0] ** 2)]
        ),
        "In the derivative by x the term of (1 - x)² is missing.": lambda p: np.array(
            [-400 * p[0] * (p[1] - p[0] ** 2), 200 * (p[1] - p[0] ** 2)]
        ),
        "The inner derivative of 1 - x is -1: a sign is missing.": lambda p: np.array(
            [2 * (1 - p[0]) - 400 * p[0] * (p[1] - p[0] ** 2), 200 * (p[1] - p[0] ** 2)]
        ),
        "In the derivative by x the inner derivative of y - x² is missing.": lambda p: np.array(
            [-2 * (1 - p[0]) + 200 * (p[1] - p[0] ** 2), 200 * (p[1] - p[0] ** 2)]
        ),
    },
    hints=("Twice the chain rule: what are the inner derivatives of 1 - x and of y - x² by x?",),
    solution="""
def rosenbrock_gradient(p):
    x, y = p
    return np.array([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)])
""",
)
def rosenbrock_gradient(p: Array) -> Array:
    """The gradient of Rosenbrock's function.

    f(x, y) = (1 - x)² + 100 (y - x²)², at the point p = [x, y]. Return the vector of both partial derivatives.
    """
    return ad.grad(_rosenbrock)(p)


@exercise(
    serves="Multivariable calculus: Jacobian matrices",
    draws={"a point": lambda rng: (number(rng, 0.5, 2.0), number(rng, 0.2, 1.4))},
    example="polar_jacobian(2.0, 0.5)",
    mistakes={
        "The derivatives by φ carry the factor r.": lambda r, phi: np.array(
            [[np.cos(phi), -np.sin(phi)], [np.sin(phi), np.cos(phi)]]
        ),
        "The derivative of the cosine is minus the sine.": lambda r, phi: np.array(
            [[np.cos(phi), r * np.sin(phi)], [np.sin(phi), r * np.cos(phi)]]
        ),
        "This is the determinant, r; asked for is the matrix.": lambda r, phi: np.array(r),
        "These are the values x and y; asked for are their derivatives.": lambda r, phi: np.array(
            [r * np.cos(phi), r * np.sin(phi)]
        ),
    },
    hints=("The first row belongs to x = r cos φ: its derivatives by r and by φ.",),
    solution="""
def polar_jacobian(r, phi):
    return np.array([[np.cos(phi), -r * np.sin(phi)], [np.sin(phi), r * np.cos(phi)]])
""",
)
def polar_jacobian(r: float, phi: float) -> Array:
    """The Jacobian of polar coordinates.

    x = r cos φ, y = r sin φ, where `phi` is the angle φ. Return the matrix with the rows x, y and the columns r, φ.
    """
    polar = lambda q: np.stack([q[0] * np.cos(q[1]), q[0] * np.sin(q[1])])
    return ad.jacobian(polar)(np.array([r, phi]))


@exercise(
    serves="Multivariable calculus: Jacobian matrices",
    draws={
        "square matrices": lambda rng: (array(rng, 3, 3), array(rng, 3, 3)),
        "other matrices": lambda rng: (array(rng, 2, 4), array(rng, 4, 3)),
    },
    example="composed_jacobian(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]))",
    mistakes={
        "The order is wrong: the outer Jacobian stands on the left.": lambda jf, jg: jg @ jf,
        "The matrices are multiplied as matrices (`@`), not entry by entry.": lambda jf, jg: jf * jg,
        "Nothing is transposed here: rows are results, columns are variables.": lambda jf, jg: (jf @ jg).T,
    },
    hints=("A small step dx becomes Jg dx, and this becomes Jf (Jg dx).",),
    solution="""
def composed_jacobian(outer, inner):
    return outer @ inner
""",
)
def composed_jacobian(outer: Array, inner: Array) -> Array:
    """The chain rule for Jacobians.

    The Jacobian of f(g(x)): `inner` is that of g at x, `outer` that of f at g(x); rows are results, columns variables.
    """
    return np.einsum("ij,jk->ik", outer, inner)


@exercise(
    serves="Multivariable calculus: functions of multiple variables",
    draws={
        "two variables": lambda rng: (array(rng, 2, 2), array(rng, 2)),
        "four variables": lambda rng: (array(rng, 4, 4), array(rng, 4)),
    },
    slope_of=lambda A, x: x @ A @ x,
    by=("x",),
    example="quadratic_gradient(np.array([[1.0, 2.0], [0.0, 3.0]]), np.array([1.0, 1.0]))",
    mistakes={
        "This is right for symmetric matrices only; A need not be symmetric.": lambda A, x: 2 * A @ x,
        "x occurs twice in x·A x: the derivative by the left one is missing.": lambda A, x: A.T @ x,
        "x occurs twice in x·A x: the derivative by the right one is missing.": lambda A, x: A @ x,
    },
    hints=("Write the sum of A_ij x_i x_j and derive by x_k: which terms contain x_k?", "Two products, one with A.T."),
    solution="""
def quadratic_gradient(A, x):
    return A @ x + A.T @ x
""",
)
def quadratic_gradient(A: Array, x: Array) -> Array:
    """The gradient of a quadratic form.

    The gradient of f(x) = x·A x (`x @ A @ x`) by the vector x, for any square matrix A.
    """
    return ad.grad(lambda x: x @ A @ x)(x)


@exercise(
    serves="Multivariable calculus: Hessian matrices",
    draws={"two variables": lambda rng: (array(rng, 2, 2),), "four variables": lambda rng: (array(rng, 4, 4),)},
    example="quadratic_hessian(np.array([[1.0, 2.0], [0.0, 3.0]]))",
    mistakes={
        "A Hessian is symmetric; 2 A is not unless A is.": lambda A: 2 * A,
        "A itself is not the Hessian: x occurs twice in x·A x.": lambda A: 1 * A,
        "This is the symmetric part of A; the Hessian is a multiple of it.": lambda A: (A + A.T) / 2,
    },
    laws={"A Hessian is symmetric.": lambda answer, A: np.allclose(answer(A), answer(A).T)},
    hints=("Derive the gradient A x + A.T x once more.",),
    solution="""
def quadratic_hessian(A):
    return A + A.T
""",
)
def quadratic_hessian(A: Array) -> Array:
    """The Hessian of a quadratic form.

    All second derivatives of f(x) = x·A x (`x @ A @ x`), for any square matrix A.
    """
    return ad.hessian(lambda x: x @ A @ x)(np.zeros(len(A)))


def _hessian(rng: Rng, *signs: int) -> tuple[Array]:
    q, _ = np.linalg.qr(rng.normal(size=(len(signs), len(signs))))
    h = q @ np.diag(np.array(signs) * rng.uniform(0.5, 2.0, len(signs))) @ q.T
    return ((h + h.T) / 2,)


def _kind(low: float, high: float) -> str:
    if abs(low) < 1e-9 or abs(high) < 1e-9:
        return "saddle" if low * high < -1e-9 else "unclear"
    return "minimum" if low > 0 else "maximum" if high < 0 else "saddle"


@exercise(
    serves="Multivariable calculus: Hessian matrices",
    draws={
        "a minimum": lambda rng: _hessian(rng, 1, 1, 1),
        "a maximum": lambda rng: _hessian(rng, -1, -1),
        "a maximum in three variables": lambda rng: _hessian(rng, -1, -1, -1),
        "a saddle": lambda rng: _hessian(rng, 1, -1),
        "a saddle with a positive diagonal": (np.array([[1.0, 3.0], [3.0, 1.0]]),),
        "a saddle with positive determinant": lambda rng: _hessian(rng, -1, 1, -1),
        "a Hessian with the eigenvalue 0": (np.diag([2.0, 0.0]),),
    },
    example="classify_critical_point(np.array([[2.0, 0.0], [0.0, -1.0]]))",
    mistakes={
        "Minimum and maximum are exchanged: at a minimum it curves upwards.": lambda H: {
            "minimum": "maximum",
            "maximum": "minimum",
        }.get(classify_critical_point(H), classify_critical_point(H)),
        "The entries on the diagonal do not decide; the eigenvalues do.": lambda H: _kind(
            float(np.min(np.diag(H))), float(np.max(np.diag(H)))
        ),
        "The sign of the determinant does not decide in three variables; the eigenvalues do.": lambda H: (
            "saddle" if np.linalg.det(H) < 0 else "minimum" if H[0, 0] > 0 else "maximum"
        ),
        "An eigenvalue that is 0 decides nothing: then it is 'unclear'.": lambda H: (
            "minimum" if np.all(np.linalg.eigvalsh(H) >= 0) else _kind(*np.linalg.eigvalsh(H)[[0, -1]])
        ),
    },
    hints=("`np.linalg.eigvalsh(H)` gives the curvatures.", "What does it mean if one is positive and one negative?"),
    solution="""
def classify_critical_point(H):
    curvatures = np.linalg.eigvalsh(H)
    if np.any(curvatures > 1e-9) and np.any(curvatures < -1e-9):
        return "saddle"
    if np.all(curvatures > 1e-9):
        return "minimum"
    if np.all(curvatures < -1e-9):
        return "maximum"
    return "unclear"
""",
)
def classify_critical_point(H: Array) -> str:
    """The kind of a critical point.

    H is the Hessian of a function at a point where its gradient is 0. Return the text "minimum", "maximum" or "saddle";
    "unclear" if an eigenvalue is 0 and the others have one sign.
    """
    values = np.linalg.eigvalsh(H)
    return _kind(float(values[0]), float(values[-1]))


@exercise(
    serves="Multivariable calculus: Hessian matrices",
    draws={"three variables": lambda rng: (number(rng), array(rng, 3), *_hessian(rng, 1, -1, 1), array(rng, 3))},
    example="second_order(1.0, np.array([1.0, 2.0]), np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([0.5, 0.5]))",
    mistakes={
        "The factor 1/2 of the second order is missing.": lambda v, g, H, d: v + g @ d + d @ H @ d,
        "The term of first order is missing.": lambda v, g, H, d: v + d @ H @ d / 2,
        "The value at the point itself is missing.": lambda v, g, H, d: g @ d + d @ H @ d / 2,
        "The term of second order is missing: this is the tangent plane.": lambda v, g, H, d: v + g @ d,
    },
    hints=("Value, slope along d, and half the curvature along d.",),
    solution="""
def second_order(value, gradient, hessian, d):
    return value + gradient @ d + d @ hessian @ d / 2
""",
)
def second_order(value: float, gradient: Array, hessian: Array, d: Array) -> float:
    """Taylor's formula of second order.

    What a function is at x + d, approximately, from its value, gradient and Hessian at x. Return one number.
    """
    return value + float(np.einsum("i,i", gradient, d) + np.einsum("i,ij,j", d, hessian, d) / 2)
