"""Quadrature rules on the unit interval: nodes, weights, and the weights of a coarser rule for the error estimate.

Every rule is computed, not tabulated: Gauss nodes are eigenvalues of a Jacobi matrix, Kronrod nodes come from an
extension of that matrix, and the others have formulas.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np

from autodiff.typing import Array


class Rule(NamedTuple):
    """A rule on [0, 1], whose integral of f is ``sum(fine * f(nodes))``.

    Attributes
    ----------
    nodes : ndarray, (n,)
        Distances from 0.
    fine : ndarray, (n,)
        The weights; they sum to 1.
    coarse : ndarray, (n,)
        The weights of a coarser rule on some of the same nodes: the difference of the two estimates the error.
    tail : ndarray, (n,)
        Times abs(f), they bound the part outside the outermost nodes, if the rule leaves out a piece of the interval.
    """

    nodes: Array
    fine: Array
    coarse: Array
    tail: Array


def _without_tail(nodes: Array, fine: Array, coarse: Array) -> Rule:
    return Rule(nodes, fine, coarse, np.zeros_like(nodes))


@functools.cache
def gauss_kronrod(n: int) -> Rule:
    """Kronrod's extension of the Gauss rule with `n` nodes by n + 1 more; the Gauss rule is the coarser one.

    Parameters
    ----------
    n : int
        Number of nodes of the Gauss rule, usually 7 or 10.

    Returns
    -------
    Rule
        With 2n + 1 nodes, exact for polynomials of degree 3n + 1.

    References
    ----------
    D. P. Laurie, "Calculation of Gauss-Kronrod quadrature rules", Math. Comp. 66 (1997), the algorithm of section 5.

    Examples
    --------
    >>> from autodiff.calculus.rules import gauss_kronrod
    >>> rule = gauss_kronrod(7)
    >>> float(rule.fine @ rule.nodes**20), 1 / 21
    (0.047619047619, 0.047619047619)
    """
    a, b = _kronrod_matrix(n)
    off = np.sqrt(b[1:])
    nodes, vectors = np.linalg.eigh(np.diag(a) + np.diag(off, 1) + np.diag(off, -1))
    nodes = (nodes - nodes[::-1]) / 2  # exactly symmetric
    fine = vectors[0] ** 2
    fine = (fine + fine[::-1]) / 2
    coarse = np.zeros_like(fine)
    coarse[1::2] = np.polynomial.legendre.leggauss(n)[1] / 2
    return _without_tail((1 + nodes) / 2, fine / fine.sum(), coarse)


def _kronrod_matrix(n: int) -> tuple[Array, Array]:
    """Diagonal and squared off-diagonal of the Jacobi matrix whose eigenvalues are the 2n + 1 Kronrod nodes."""
    k = np.arange(1, (3 * n + 1) // 2 + 1)
    a, b = np.zeros(2 * n + 1), np.zeros(2 * n + 1)
    b[0] = 2.0
    b[1 : len(k) + 1] = k**2 / (4.0 * k**2 - 1)  # Legendre's recurrence
    s, t = np.zeros(n // 2 + 2), np.zeros(n // 2 + 2)
    t[1] = b[n + 1]
    for m in range(n - 1):
        u = 0.0
        for k_ in range((m + 1) // 2, -1, -1):
            left = m - k_
            u += (a[k_ + n + 1] - a[left]) * t[k_ + 1] + b[k_ + n + 1] * s[k_] - b[left] * s[k_ + 1]
            s[k_ + 1] = u
        s, t = t, s
    s[1:] = s[:-1].copy()
    for m in range(n - 1, 2 * n - 2):
        u = 0.0
        for k_ in range(m + 1 - n, (m - 1) // 2 + 1):
            left = m - k_
            j = n - 1 - left
            u -= (a[k_ + n + 1] - a[left]) * t[j + 1] + b[k_ + n + 1] * s[j + 1] - b[left] * s[j + 2]
            s[j + 1] = u
        if m % 2 == 0:
            half = m // 2
            a[half + n + 1] = a[half] + (s[j + 1] - b[half + n + 1] * s[j + 2]) / t[j + 2]
        else:
            half = (m + 1) // 2
            b[half + n + 1] = s[j + 1] / s[j + 2]
        s, t = t, s
    a[2 * n] = a[n - 1] - b[2 * n] * s[1] / t[1]
    return a, b


@functools.cache
def gauss_legendre(n: int) -> Rule:
    """The Gauss rule with `n` nodes, exact for polynomials of degree 2n - 1; the coarser rule has half as many nodes.

    Examples
    --------
    >>> from autodiff.calculus.rules import gauss_legendre
    >>> rule = gauss_legendre(4)
    >>> round(float(rule.fine @ rule.nodes**7), 12)
    0.125
    """
    (x, w), (y, v) = np.polynomial.legendre.leggauss(n), np.polynomial.legendre.leggauss(max(n // 2, 1))
    nodes = (1 + np.concatenate([x, y])) / 2
    fine, coarse = np.concatenate([w, 0 * v]) / 2, np.concatenate([0 * w, v]) / 2
    return _without_tail(nodes, fine, coarse)


@functools.cache
def clenshaw_curtis(n: int) -> Rule:
    """The rule on the n + 1 points cos(k pi / n), including both ends; the coarser rule has every second point.

    Parameters
    ----------
    n : int
        Number of intervals, a multiple of 4.

    References
    ----------
    L. N. Trefethen, "Is Gauss quadrature better than Clenshaw-Curtis?", SIAM Review 50 (2008).

    Examples
    --------
    >>> from autodiff.calculus.rules import clenshaw_curtis
    >>> rule = clenshaw_curtis(8)
    >>> round(float(rule.fine @ rule.nodes**8), 12) == round(1 / 9, 12)
    True
    """

    def weights(m: int) -> Array:
        theta = np.arange(m + 1) * (math.pi / m)
        k = np.arange(1, m // 2 + 1)
        factor = np.where(2 * k == m, 1.0, 2.0) / (4.0 * k**2 - 1)
        w = (1 - np.cos(2 * np.outer(theta, k)) @ factor) / m
        w[[0, -1]] /= 2
        return w

    coarse = np.zeros(n + 1)
    coarse[::2] = weights(n // 2)
    return _without_tail(np.sin(np.arange(n + 1) * (math.pi / (2 * n))) ** 2, weights(n), coarse)


@functools.cache
def tanh_sinh(level: int, least: float) -> Rule:
    """The double-exponential rule: the trapezoid rule after a change of variable that clusters nodes at the ends.

    Parameters
    ----------
    level : int
        The step is 2**-level; the coarser rule has twice the step.
    least : float
        The smallest distance from 0 at which the integrand can be distinguished from its value at 0.

    Returns
    -------
    Rule
        Its nodes are accurate near 0, where a singularity may lie.

    References
    ----------
    H. Takahasi, M. Mori, "Double exponential formulas for numerical integration", Publ. RIMS 9 (1974), section 3.

    Examples
    --------
    >>> from autodiff.calculus.rules import tanh_sinh
    >>> rule = tanh_sinh(4, 1e-290)
    >>> float(rule.fine @ rule.nodes**-0.5)
    2.0
    """
    step = 2.0**-level
    low = math.asinh(-math.log(_SMALLEST) / math.pi)  # the node there is the smallest number
    high = 3.3  # the weights beyond are below the machine epsilon
    k = np.arange(-math.floor(low / step), math.floor(high / step) + 1)
    e = np.exp(-math.pi * np.sinh(k * step))
    nodes = 1 / (1 + e)
    fine = step * math.pi * np.cosh(k * step) * nodes * (e / (1 + e))
    coarse = np.where(k % 2 == 0, 2 * fine, 0.0)
    # The weights of nodes nearer to 0 than `least` are moved to the first node beyond, as if f were x**(-1/2), the
    # usual singularity. A smoother f has almost nothing there; a stronger singularity is detected as too rough.
    first = int(np.searchsorted(nodes, least))
    share = np.sqrt(nodes[first] / nodes[:first])
    fine[first] += fine[:first] @ share
    coarse[first] += coarse[:first] @ share
    nodes, fine, coarse = nodes[first:], fine[first:], coarse[first:]
    tail = np.zeros_like(nodes)
    tail[0] = (10 if least < 1e-20 else 1) * nodes[0]
    return Rule(nodes, fine, coarse, tail)


_SMALLEST = 1e-290
