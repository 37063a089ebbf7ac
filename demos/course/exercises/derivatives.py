"""Derivatives: the definition, the rules, partial and directional derivatives."""

from __future__ import annotations

import numpy as np

import autodiff as ad
from demos.course.drawing import array, number, smooth
from demos.course.records import Array, Function, Named, exercise


@exercise(
    serves="Derivatives: definition and intuition",
    draws={
        "a number": lambda rng: (smooth(rng)[0], number(rng), number(rng, 0.1, 0.5)),
        "a negative h": lambda rng: (smooth(rng)[0], number(rng), number(rng, -0.5, -0.1)),
    },
    example="difference_quotient(lambda x: x**2, 3.0, 0.1)",
    mistakes={
        "The difference is not divided by `h`.": lambda f, x, h: f(x + h) - f(x),
        "This is the central difference, (f(x + h) - f(x - h)) / (2 h); asked for is the quotient to one side.": (
            lambda f, x, h: (f(x + h) - f(x - h)) / (2 * h)
        ),
        "It goes backwards: from `x - h` to `x`, not from `x` to `x + h`.": lambda f, x, h: (f(x) - f(x - h)) / h,
        "Mind the brackets: `f(x + h) - f(x) / h` divides the last term only.": lambda f, x, h: f(x + h) - f(x) / h,
    },
    hints=("How far does f rise between x and x + h?", "The slope is the rise, divided by the way h."),
    solution="""
def difference_quotient(f, x, h):
    return (f(x + h) - f(x)) / h
""",
)
def difference_quotient(f: Function, x: float, h: float) -> float:
    """The difference quotient.

    The slope of the line through the points (x, f(x)) and (x + h, f(x + h)) of the graph of f, for h not 0.
    When h becomes small, it tends to the derivative.
    """
    return float((f(x + h) - f(x)) / h)


@exercise(
    serves="Derivatives: definition and intuition",
    draws={"a number": lambda rng: (smooth(rng)[0], number(rng), number(rng, 0.1, 0.5))},
    example="central_difference(lambda x: x**3, 2.0, 0.1)",
    mistakes={
        "From `x - h` to `x + h` the way is not `h`, but twice as long.": lambda f, x, h: (f(x + h) - f(x - h)) / h,
        "This is the quotient to one side; take `x - h` in the place of `x`.": lambda f, x, h: (f(x + h) - f(x)) / h,
        "The way is 2 h, so the difference is divided by it, not by h / 2.": lambda f, x, h: (
            (f(x + h) - f(x - h)) / h * 2
        ),
    },
    hints=("Which two points lie h to the left and h to the right of x?", "How far apart are they?"),
    solution="""
def central_difference(f, x, h):
    return (f(x + h) - f(x - h)) / (2 * h)
""",
)
def central_difference(f: Function, x: float, h: float) -> float:
    """The central difference.

    The slope of the line through the points of the graph of f at x - h and at x + h. Its error shrinks with the square
    of h, that of the difference quotient with h only.
    """
    return float((f(x + h) - f(x - h)) / (2 * h))


@exercise(
    serves="Derivatives: power rule",
    draws={
        "a number": lambda rng: (int(rng.integers(2, 6)), number(rng)),
        "an array": lambda rng: (int(rng.integers(2, 6)), array(rng, 4)),
        "n = 0 at x = 0": (0, 0.0),
        "a negative n": lambda rng: (-int(rng.integers(1, 4)), number(rng, 0.5, 2.0)),
    },
    slope_of=lambda n, x: np.asarray(x, float) ** float(n),
    by=("x",),
    example="power_rule(3, 2.0)",
    mistakes={
        "The exponent becomes less by 1.": lambda n, x: n * np.asarray(x, float) ** n,
        "The exponent comes down as a factor, too.": lambda n, x: np.asarray(x, float) ** (n - 1),
        "This is the antiderivative, x**(n + 1) / (n + 1).": lambda n, x: np.asarray(x, float) ** (n + 1) / (n + 1),
        "At n = 0 the power is 1 everywhere, so that the derivative is 0, also at x = 0: do not divide by 0 there.": (
            lambda n, x: n * np.asarray(x, float) ** (n - 1.0)
        ),
    },
    hints=("n comes down as a factor, and the exponent becomes n - 1.", "What is x**0, and what its derivative at 0?"),
    solution="""
def power_rule(n, x):
    if n == 0:
        return 0.0 * x  # the derivative of a constant, also where 0**-1 would be infinite
    return n * x ** (n - 1.0)
""",
)
def power_rule(n: int, x: Array) -> Array:
    """The power rule.

    The derivative of x**n with respect to x, for a whole number n (also 0 or negative), where x is a number or an
    array of numbers. For n = 0 it is 0 everywhere.
    """
    return 0.0 * x if n == 0 else n * x ** (n - 1.0)


@exercise(
    serves="Derivatives: product rule",
    draws={
        "a number": lambda rng: (*smooth(rng), *smooth(rng), number(rng)),
        "an array": lambda rng: (*smooth(rng), *smooth(rng), array(rng, 3)),
    },
    slope_of=lambda f, df, g, dg, x: f(x) * g(x),
    by=("x",),
    example="product_rule(np.sin, np.cos, lambda x: x**2, lambda x: 2 * x, 1.0)",
    mistakes={
        "The derivative of a product is not the product of the derivatives.": lambda f, df, g, dg, x: df(x) * dg(x),
        "The minus belongs to the quotient rule.": lambda f, df, g, dg, x: df(x) * g(x) - f(x) * dg(x),
        "One half is missing: g changes, too.": lambda f, df, g, dg, x: df(x) * g(x),
        "One half is missing: f changes, too.": lambda f, df, g, dg, x: f(x) * dg(x),
    },
    hints=("A rectangle with the sides f and g: which two strips does it gain when both grow?",),
    solution="""
def product_rule(f, df, g, dg, x):
    return df(x) * g(x) + f(x) * dg(x)
""",
)
def product_rule(f: Function, df: Function, g: Function, dg: Function, x: Array) -> Array:
    """The product rule.

    The derivative of f(x) * g(x) at x. You are given the functions f and g and their derivatives df and dg.
    """
    return df(x) * g(x) + f(x) * dg(x)


@exercise(
    serves="Derivatives: product rule",
    draws={
        "a number": lambda rng: (*smooth(rng), np.cosh, np.sinh, number(rng)),
        "an array": lambda rng: (*smooth(rng), np.cosh, np.sinh, array(rng, 3)),
    },
    slope_of=lambda f, df, g, dg, x: f(x) / g(x),
    by=("x",),
    example="quotient_rule(np.sin, np.cos, lambda x: x, lambda x: 1.0, 2.0)",
    mistakes={
        "The sign of the numerator is the opposite: f' g comes first.": lambda f, df, g, dg, x: (
            (f(x) * dg(x) - df(x) * g(x)) / g(x) ** 2
        ),
        "The denominator is g squared.": lambda f, df, g, dg, x: (df(x) * g(x) - f(x) * dg(x)) / g(x),
        "The derivative of a quotient is not the quotient of the derivatives.": lambda f, df, g, dg, x: df(x) / dg(x),
        "The plus belongs to the product rule.": lambda f, df, g, dg, x: (df(x) * g(x) + f(x) * dg(x)) / g(x) ** 2,
    },
    hints=("f / g is f times 1 / g: which rule applies, and what is the derivative of 1 / g?",),
    solution="""
def quotient_rule(f, df, g, dg, x):
    return (df(x) * g(x) - f(x) * dg(x)) / g(x) ** 2
""",
)
def quotient_rule(f: Function, df: Function, g: Function, dg: Function, x: Array) -> Array:
    """The quotient rule.

    The derivative of f(x) / g(x) at x. You are given the functions f and g and their derivatives df and dg; g(x) is
    not 0.
    """
    return (df(x) * g(x) - f(x) * dg(x)) / g(x) ** 2


@exercise(
    serves="Derivatives: chain rule",
    draws={
        "a number": lambda rng: (smooth(rng)[1], *smooth(rng), number(rng)),
        "an array": lambda rng: (smooth(rng)[1], *smooth(rng), array(rng, 3)),
    },
    example="chain_rule(np.cos, lambda x: x**2, lambda x: 2 * x, 1.0)",
    mistakes={
        "The outer derivative is taken at g(x), not at x.": lambda df, g, dg, x: df(x) * dg(x),
        "The inner derivative is missing.": lambda df, g, dg, x: df(g(x)),
        "The derivatives are multiplied, not put into each other.": lambda df, g, dg, x: df(dg(x)),
        "The slopes multiply; they do not add.": lambda df, g, dg, x: df(g(x)) + dg(x),
    },
    hints=("g changes dg(x) times as fast as x; how fast does f change with g?", "At which place is df taken?"),
    solution="""
def chain_rule(df, g, dg, x):
    return df(g(x)) * dg(x)
""",
)
def chain_rule(df: Function, g: Function, dg: Function, x: Array) -> Array:
    """The chain rule.

    The derivative of f(g(x)) at x. You are given df, the derivative of f, the function g and its derivative dg.
    """
    return df(g(x)) * dg(x)


@exercise(
    serves="Derivatives: rules of differentiation",
    draws={
        "four coefficients": lambda rng: (array(rng, 4),),
        "seven coefficients": lambda rng: (array(rng, 7),),
        "a straight line": lambda rng: (array(rng, 2),),
    },
    example="polynomial_derivative(np.array([5.0, 1.0, 3.0]))",
    mistakes={
        "The first factor is 1, not 0: the constant term is what disappears, not the next one.": (
            lambda c: np.arange(len(c) - 1) * c[1:]
        ),
        "The coefficients move one place to the front: the constant term disappears.": lambda c: np.arange(len(c)) * c,
        "Each coefficient is multiplied by its old exponent.": lambda c: c[1:],
        "The coefficients begin with the constant term, not with the highest power.": lambda c: np.polyder(c),
    },
    hints=("The term c_k x^k gives k c_k x^(k-1).", "What stands at place 0 of the result comes from c_1."),
    solution="""
def polynomial_derivative(coefficients):
    return np.arange(1, len(coefficients)) * coefficients[1:]
""",
)
def polynomial_derivative(coefficients: Array) -> Array:
    """The derivative of a polynomial.

    The array of coefficients [c_0, c_1, c_2, ...] stands for c_0 + c_1 x + c_2 x^2 + ... Return the coefficients of the
    derivative, in the same order, one fewer.
    """
    return np.polynomial.polynomial.polyder(coefficients)


@exercise(
    serves="Derivatives: partial derivatives",
    parts=("by x", "by y"),
    draws={
        "numbers": lambda rng: (number(rng), number(rng)),
        "arrays": lambda rng: (array(rng, 3), array(rng, 3)),
    },
    slope_of=lambda x, y: x**2 * y + np.sin(y),
    by=("x", "y"),
    example="partial_derivatives(1.0, 2.0)",
    mistakes={
        "In the derivative by y the first term is x squared, without y.": lambda x, y: (
            2 * x * y,
            x**2 * y + np.cos(y),
        ),
        "The two derivatives are in the wrong order.": lambda x, y: (x**2 + np.cos(y), 2 * x * y),
        "In the derivative by x, sin(y) is a constant: it gives 0.": lambda x, y: (
            2 * x * y + np.cos(y),
            x**2 + np.cos(y),
        ),
        "The derivative of the sine is the cosine, with a plus.": lambda x, y: (2 * x * y, x**2 - np.cos(y)),
    },
    hints=("For the derivative by x, take y as a constant like 7.", "Which of the terms depend on y?"),
    solution="""
def partial_derivatives(x, y):
    return 2 * x * y, x**2 + np.cos(y)
""",
)
def partial_derivatives(x: Array, y: Array) -> Array:
    """Both partial derivatives of f(x, y) = x² y + sin(y).

    Return the pair (derivative by x, derivative by y).
    """
    return ad.derivative(lambda x: x**2 * y + np.sin(y))(x), ad.derivative(lambda y: x**2 * y + np.sin(y))(y)


@exercise(
    serves="Derivatives: directional derivatives",
    draws={
        "two variables": lambda rng: (array(rng, 2), array(rng, 2, low=0.5)),
        "five variables": lambda rng: (array(rng, 5), array(rng, 5, low=-3.0)),
    },
    example="directional_derivative(np.array([3.0, 1.0]), np.array([3.0, 4.0]))",
    mistakes={
        "The direction must be brought to length 1 first.": lambda gradient, v: gradient @ v,
        "Divide by the length of `direction`, not by its square.": lambda gradient, v: gradient @ v / (v @ v),
        "This is the length of the gradient: the steepest slope, not that along `direction`.": (
            lambda gradient, v: np.linalg.norm(gradient)
        ),
        "The length of the gradient must stay; only `direction` has its length divided away.": lambda gradient, v: (
            gradient @ v / np.linalg.norm(v) / np.linalg.norm(gradient)
        ),
    },
    laws={
        "If `direction` is twice as long, the slope must be the same.": lambda answer, gradient, v: np.isclose(
            answer(gradient, 2 * v), answer(gradient, v)
        ),
        "Along the gradient itself, the slope must be the gradient's length.": lambda answer, gradient, v: np.isclose(
            answer(gradient, gradient), np.linalg.norm(gradient)
        ),
    },
    hints=("How long is `direction`? The slope must not depend on it.", "A scalar product with a vector of length 1."),
    solution="""
def directional_derivative(gradient, direction):
    return gradient @ direction / np.linalg.norm(direction)
""",
)
def directional_derivative(gradient: Array, direction: Array) -> float:
    """The directional derivative.

    The slope of a function along a direction, per unit of length: `gradient` is its gradient, `direction` a vector of
    any length but 0. Return one number.
    """
    return float(np.sum(gradient * direction) / np.sqrt(np.sum(direction**2)))


@exercise(
    serves="Derivatives: definition and intuition",
    draws={
        "a number": lambda rng: (*smooth(rng), number(rng), number(rng)),
        "an array": lambda rng: (*smooth(rng), number(rng), array(rng, 5)),
    },
    example="tangent_line(lambda x: x**2, lambda x: 2 * x, 1.0, 3.0)",
    mistakes={
        "The slope is taken at `a`, where the line touches, not at `x`.": lambda f, df, a, x: f(a) + df(x) * (x - a),
        "The line goes through the point (a, f(a)): the way is x - a, not x.": lambda f, df, a, x: f(a) + df(a) * x,
        "Where does the line start? The value f(a) is missing.": lambda f, df, a, x: df(a) * (x - a),
        "The way goes from `a` to `x`, not back.": lambda f, df, a, x: f(a) + df(a) * (a - x),
    },
    hints=("A line through (a, f(a)) with the slope df(a).", "How far is it from a to x?"),
    solution="""
def tangent_line(f, df, a, x):
    return f(a) + df(a) * (x - a)
""",
)
def tangent_line(f: Function, df: Function, a: float, x: Array) -> Array:
    """The tangent.

    The value at x of the straight line that touches the graph of f at a; df is the derivative of f.
    """
    return f(a) + df(a) * (x - a)


@exercise(
    serves="Derivatives: gradient vectors",
    rtol=1e-4,
    draws={
        "two variables": lambda rng: (_WAVY, array(rng, 2)),
        "five variables": lambda rng: (_WAVY, array(rng, 5)),
    },
    slope_of=lambda f, x: f(x),
    by=("x",),
    example="numerical_gradient(lambda x: x[0] ** 2 * x[1], np.array([1.0, 3.0]))",
    mistakes={
        "All entries move at once: that gives the sum of the partial derivatives.": lambda f, x: (
            np.ones_like(x) * (f(x + 1e-6) - f(x - 1e-6)) / 2e-6
        ),
        "The step `h` is much too large: try 1e-5.": lambda f, x: np.array(
            [(f(x + 0.1 * e) - f(x - 0.1 * e)) / 0.2 for e in np.eye(len(x))]
        ),
        "Divide by 2 h, the whole way from x - h to x + h.": lambda f, x: 2 * ad.grad(f)(x),
    },
    hints=("Move one entry at a time, by a small h; the others stay.", "A copy of x: `moved = x.copy()`."),
    solution="""
def numerical_gradient(f, x):
    h = 1e-5
    gradient = np.zeros(len(x))
    for i in range(len(x)):
        step = np.zeros(len(x))
        step[i] = h
        gradient[i] = (f(x + step) - f(x - step)) / (2 * h)
    return gradient
""",
)
def numerical_gradient(f: Function, x: Array) -> Array:
    """A gradient by differences.

    The gradient at the vector x of a function f that takes a vector and returns a number, from values of f alone:
    one partial derivative for each entry. Four right digits are enough. `x` itself must not change.
    """
    return ad.grad(f)(x)


def _wavy(x: Array) -> Array:
    """A function of a vector that no entry enters like another."""
    return np.sum(np.sin(x) * np.arange(1, len(x) + 1)) + x[0] * x[-1] ** 2


_WAVY: Named = Named("sin(x_0) + 2 sin(x_1) + ... + x_0 x_n²", _wavy)
