"""Noncentral distributions, and those of Kolmogorov and Smirnov.

A noncentral distribution is a Poisson mixture: by the noncentrality its slope is one more such sum, which closed forms
give without a difference.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.core.kinds import elementwise
from autodiff.core.primitives import Primitive
from autodiff.ops.deciding import whole
from autodiff.scipy_special import ufuncs as special
from autodiff.scipy_special.incomplete import density, f_density, f_height, f_shares, student_density
from autodiff.scipy_special.pieces import normal_density, rise_from_zero
from autodiff.scipy_special.table import POSITIVE, WHOLE, rules, slope

# --- noncentral chi-squared -----------------------------------------------------------------------


def chi_density(x: Any, df: Any, nc: Any) -> Any:
    """Near nc = 0 by a power series in nc x, else by a scaled Bessel function."""
    near = nc * x < 1
    few, v = np.where(near, nc, 0), np.where(near, x, 1)
    small = density(df / 2, v / 2) / 2 * np.exp(-few / 2) * special.hyp0f1(df / 2, few * v / 4)
    many, w = np.where(near, 1, nc), np.where(near, 1, x)
    apart = np.sqrt(w) - np.sqrt(many)
    large = np.exp(-apart * apart / 2) * np.power(w / many, df / 4 - 0.5) * special.ive(df / 2 - 1, np.sqrt(many * w))
    return np.where(near, small, large / 2)


rules(
    "chndtr",
    lambda t, y, x, df, nc: t * chi_density(x, df, nc),
    POSITIVE,
    lambda t, y, x, df, nc: -t * chi_density(x, df + 2, nc),
)


def _chi_by_df(x: Any, df: Any, nc: Any) -> Any:
    return slope("chndtr", 1, x, df, nc)


rules(
    "chndtridf",
    lambda t, y, x, p, nc: t * (-chi_density(x, y, nc) / _chi_by_df(x, y, nc)),
    lambda t, y, x, p, nc: t / _chi_by_df(x, y, nc),
    lambda t, y, x, p, nc: t * (chi_density(x, y + 2, nc) / _chi_by_df(x, y, nc)),
)
rules(
    "chndtrinc",
    lambda t, y, x, df, p: t * (chi_density(x, df, y) / chi_density(x, df + 2, y)),
    lambda t, y, x, df, p: t * (_chi_by_df(x, df, y) / chi_density(x, df + 2, y)),
    lambda t, y, x, df, p: -t / chi_density(x, df + 2, y),
)
rules(
    "chndtrix",
    lambda t, y, p, df, nc: t / chi_density(y, df, nc),
    lambda t, y, p, df, nc: t * (-_chi_by_df(y, df, nc) / chi_density(y, df, nc)),
    lambda t, y, p, df, nc: t * (chi_density(y, df + 2, nc) / chi_density(y, df, nc)),
)

# --- noncentral F ---------------------------------------------------------------------------------


def _mixed(a: Any, b: Any, half: Any, share: Any, rest: Any) -> Any:
    """``exp(-half) 1F1(a + b; a; half share)``, where it would overflow by Kummer's transformation."""
    large = half * share > 300
    z, w = np.where(large, 0, half * share), np.where(large, half * share, 0)
    plain = np.exp(-np.where(large, 0, half)) * special.hyp1f1(a + b, a, z)
    return np.where(large, np.exp(-half * rest) * special.hyp1f1(-b, a, -w), plain)


def noncentral_f_density(n: Any, d: Any, nc: Any, f: Any) -> Any:
    """The density of the noncentral F distribution."""
    share, rest = f_shares(n, d, f)
    return f_density(n, d, f) * _mixed(n / 2, d / 2, nc / 2, share, rest)


def _f_by_noncentrality(n: Any, d: Any, nc: Any, f: Any) -> Any:
    """Of the cumulative function: minus half of a Poisson mixture of ``w^a (1 - w)^b / (a B(a, b))``."""
    share, rest = f_shares(n, d, f)
    large = nc / 2 * share > 300
    z, w = np.where(large, 0, nc / 2 * share), np.where(large, nc / 2 * share, 0)
    plain = np.exp(-np.where(large, 0, nc / 2)) * special.hyp1f1((n + d) / 2, n / 2 + 1, z)
    turned = np.exp(-nc / 2 * rest) * special.hyp1f1(1 - d / 2, n / 2 + 1, -w)
    return -f_height(n, d, f) / n * np.where(large, turned, plain)


rules(
    "ncfdtr",
    POSITIVE,
    POSITIVE,
    lambda t, y, n, d, nc, f: t * _f_by_noncentrality(n, d, nc, f),
    lambda t, y, n, d, nc, f: t * noncentral_f_density(n, d, nc, f),
)


def _f_slopes(n: Any, d: Any, nc: Any, f: Any) -> list[Any]:
    """The slopes of the cumulative function by all four operands, as functions without arguments."""
    return [
        lambda: slope("ncfdtr", 0, n, d, nc, f),
        lambda: slope("ncfdtr", 1, n, d, nc, f),
        lambda: _f_by_noncentrality(n, d, nc, f),
        lambda: noncentral_f_density(n, d, nc, f),
    ]


def _with(xs: tuple[Any, ...], i: int, y: Any) -> Any:
    return (*xs[:i], y, *xs[i + 1 :])


def _inverse_of_f(name: str, found: int) -> None:
    """The row of an inverse of ncfdtr: its operand `found` is the result, and the probability stands in its place."""

    def by(i: int) -> Any:
        def rule(t: Any, y: Any, *xs: Any) -> Any:
            slopes = _f_slopes(*_with(xs, found, y))
            return t / slopes[found]() if i == found else t * (-slopes[i]() / slopes[found]())

        return rule

    rules(name, *map(by, range(4)))


_inverse_of_f("ncfdtri", 3)
_inverse_of_f("ncfdtridfn", 0)
_inverse_of_f("ncfdtridfd", 1)
_inverse_of_f("ncfdtrinc", 2)

# --- noncentral t ---------------------------------------------------------------------------------


def _t_parts(df: Any, nc: Any, t: Any) -> tuple[Any, Any]:
    """The argument of the hypergeometric functions, and the factor of the second."""
    whole_square = df + t * t
    root = nc * t / np.sqrt(whole_square)
    return root * root / 2, math.sqrt(2) * root


def noncentral_t_density(df: Any, nc: Any, t: Any) -> Any:
    """The density of the noncentral t distribution."""
    z, s = _t_parts(df, nc, t)
    second = special.poch((df + 1) / 2, 0.5) * special.hyp1f1(df / 2 + 1, 1.5, z)
    return student_density(df, t) * np.exp(-nc * nc / 2) * (special.hyp1f1((df + 1) / 2, 0.5, z) + s * second)


def _t_by_noncentrality(df: Any, nc: Any, t: Any) -> Any:
    z, s = _t_parts(df, nc, t)
    second = special.poch(df / 2, 0.5) * special.hyp1f1((df + 1) / 2, 1.5, z)
    tail = np.exp(-df / 2 * np.log1p(t * t / df))
    return -normal_density(nc) * tail * (special.hyp1f1(df / 2, 0.5, z) + s * second)


rules(
    "nctdtr",
    POSITIVE,
    lambda c, y, df, nc, t: c * _t_by_noncentrality(df, nc, t),
    lambda c, y, df, nc, t: c * noncentral_t_density(df, nc, t),
    rise=lambda df, nc, t: rise_from_zero(
        noncentral_t_density, special.nctdtr(df, nc, t) - special.ndtr(-nc), df, nc, t
    ),
)


def _t_slopes(df: Any, nc: Any, t: Any) -> list[Any]:
    return [
        lambda: slope("nctdtr", 0, df, nc, t),
        lambda: _t_by_noncentrality(df, nc, t),
        lambda: noncentral_t_density(df, nc, t),
    ]


def _inverse_of_t(name: str, found: int) -> None:
    """The row of an inverse of nctdtr."""

    def by(i: int) -> Any:
        def rule(c: Any, y: Any, *xs: Any) -> Any:
            slopes = _t_slopes(*_with(xs, found, y))
            return c / slopes[found]() if i == found else c * (-slopes[i]() / slopes[found]())

        return rule

    rules(name, *map(by, range(3)))


_inverse_of_t("nctdtridf", 0)
_inverse_of_t("nctdtrinc", 1)
_inverse_of_t("nctdtrit", 2)

# --- Kolmogorov -----------------------------------------------------------------------------------


def _kolmogorov(x: Any, *, n: int) -> Any:
    """The n-th derivative, n at least 1, of the survival function: one theta series for large x, its dual for small."""
    wide = np.asarray(x, float)
    near = wide < 0.8
    k = np.arange(1, 30.0)
    with np.errstate(all="ignore"):
        v, w = np.where(near, 1, wide)[..., None], np.where(near, wide, 1)[..., None]
        far = (2 * (-1) ** (k - 1) * _gauss_derivative(2 * k * k, v, n)).sum(axis=-1)
        bells = -math.sqrt(2 * math.pi) * _dual_derivative((2 * k - 1) ** 2 * math.pi**2 / 8, w, n).sum(axis=-1)
    return np.where(near, np.where(wide > 0.02, bells, 0 * wide), far).astype(np.asarray(x).dtype)[()]


def _gauss_derivative(c: Any, x: Any, n: int) -> Any:
    """The n-th derivative of exp(-c x^2)."""
    y, before = np.exp(-c * x * x), 0.0
    for k in range(n):
        y, before = -2 * c * (x * y + k * before), y
    return y


def _dual_derivative(c: Any, x: Any, n: int) -> Any:
    """The n-th derivative of exp(-c / x^2) / x: a polynomial in 1 / x, whose coefficients are kept by their powers."""
    terms = {1: np.ones_like(c)}
    for _ in range(n):
        new: dict[int, Any] = {}
        for power, coefficient in terms.items():
            new[power + 1] = new.get(power + 1, 0) - power * coefficient
            new[power + 3] = new.get(power + 3, 0) + 2 * c * coefficient
        terms = new
    return sum(coefficient * x**-power for power, coefficient in terms.items()) * np.exp(-c / (x * x))


kolmogorov_derivative: Primitive = elementwise(
    _kolmogorov, lambda t, y, x, *, n: t * kolmogorov_derivative(x, n=n + 1), name="kolmogorov_derivative"
)
rules("kolmogorov", lambda t, y, x: t * kolmogorov_derivative(x, n=1))
rules("kolmogi", lambda t, y, p: t / kolmogorov_derivative(y, n=1))

# --- Smirnov --------------------------------------------------------------------------------------


def _smirnov(n: Any, d: Any, *, m: int) -> Any:
    """The m-th derivative by d of a spline: the sum of ``binom(n, j) d A^(j-1) B^(n-j)``, in which the first is B^n.

    A = d + j/n and B = 1 - d - j/n, over j from 0 as long as B is positive.
    """
    counts, wide = np.broadcast_arrays(np.asarray(n, float), np.asarray(d, float))
    result = np.full(wide.shape, math.nan)
    for index, size in np.ndenumerate(counts):
        x = wide[index]
        if size >= 1 and 0 <= x <= 1:
            j = np.arange(1, np.floor(size))
            j = j[x + j / size < 1]
            a, b = x + j / size, 1 - x - j / size
            inner, before = (_product_derivative(a, b, j - 1, size - j, k) for k in (m, m - 1))
            first = _product_derivative(1.0, 1 - x, 0.0, np.floor(size), m)
            result[index] = first + (special.binom(size, j) * (x * inner + m * before)).sum()
    return result.astype(np.asarray(d).dtype)[()]


def _product_derivative(a: Any, b: Any, p: Any, q: Any, m: int) -> Any:
    """The m-th derivative of ``a^p b^q`` where `a` grows and `b` falls with slope 1."""
    total: Any = 0.0
    for i in range(m + 1):
        first, second = 1.0, 1.0
        for k in range(i):
            first = first * (p - k)
        for k in range(m - i):
            second = second * -(q - k)
        powers = np.where(second == 0, 0.0, b ** (q - (m - i))) * np.where(first == 0, 0.0, a ** (p - i))
        total = total + math.comb(m, i) * first * second * powers
    return total


smirnov_derivative: Primitive = elementwise(
    lambda n, d, *, m: whole(lambda *xs: _smirnov(*xs, m=m), n, d),
    None,
    lambda t, y, n, d, *, m: t * smirnov_derivative(n, d, m=m + 1),
    name="smirnov_derivative",
)
rules("smirnov", WHOLE, lambda t, y, n, d: t * smirnov_derivative(n, d, m=1))
rules("smirnovi", WHOLE, lambda t, y, n, p: t / smirnov_derivative(n, y, m=1))
