"""Partial fractions: a rational function as a sum of terms whose antiderivatives are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, overload

import numpy as np

from autodiff.arrays.tensors import Tensor
from autodiff.calculus.comparisons import Comparison, compared
from autodiff.calculus.integrals import integrate
from autodiff.errors import DomainError
from autodiff.typing import Array, Numbers

_CLUSTER = (
    1e-5  # roots closer than this, relative to their size, are one multiple root; rounding splits a double root by 1e-8
)
_REAL = 1e-8


class PartialFractions(NamedTuple):
    """The partial fractions of a rational function.

    Attributes
    ----------
    polynomial : ndarray
        Coefficients of the polynomial part, highest power first.
    terms : list of (complex, int, complex)
        Root r, power m and coefficient c of each term c / (x - r)**m.

    Examples
    --------
    >>> import autodiff as ad
    >>> parts = ad.calculus.theorems.partial_fractions([1.0], [1.0, 0.0, -1.0])
    >>> len(parts.terms)
    2
    """

    polynomial: Any
    terms: list[tuple[complex, int, complex]]

    @overload
    def __call__(self, x: Tensor) -> Tensor: ...
    @overload
    def __call__(self, x: Numbers) -> Array: ...
    def __call__(self, x: Any) -> Tensor | Array:
        """The value at x, as the sum of all terms."""
        total = np.polyval(self.polynomial, x) + 0j
        for root, power, c in self.terms:
            total = total + c / (x - root) ** power
        return total.real

    @overload
    def antiderivative(self, x: Tensor) -> Tensor: ...
    @overload
    def antiderivative(self, x: Numbers) -> Array: ...
    def antiderivative(self, x: Any) -> Tensor | Array:
        """The sum of the antiderivatives at x: powers, logarithms of abs(x - r), and arctangents for complex pairs."""
        total = np.polyval(np.polyint(self.polynomial), x) if len(self.polynomial) else 0.0 * x
        for root, power, c in self.terms:
            if power > 1:
                total = total + (c * (x - root) ** (1 - power) / (1 - power)).real
            else:
                # The conjugate root has the conjugate coefficient, so the imaginary part of c log(x - r) drops out.
                total = total + c.real * np.log(np.abs(x - root))
                if root.imag:
                    total = total - c.imag * np.arctan2(-root.imag, x - root.real)
        return total


def partial_fractions(p: Sequence[float], q: Sequence[float]) -> PartialFractions:
    """The partial fractions of ``p(x) / q(x)``: a polynomial, and terms ``c / (x - r)**m``.

    Parameters
    ----------
    p, q : sequence of float
        Coefficients, highest power first.

    Returns
    -------
    PartialFractions
        ``polynomial`` and ``terms``; callable like the quotient.

    Raises
    ------
    DomainError
        If q is 0.

    Notes
    -----
    For a root r of multiplicity m, let g be the product of the other factors of q. Then the coefficients are those of
    the Taylor series of p/g at r. Roots come from `numpy.roots`; a root of multiplicity m is accurate to about the m-th
    root of the machine epsilon.

    References
    ----------
    J. Stewart, "Calculus", 8th edition (2016), section 7.4.

    Examples
    --------
    >>> import autodiff as ad
    >>> found = ad.calculus.theorems.partial_fractions([1.0], [1.0, 0.0, -1.0])  # 1 / (x**2 - 1)
    >>> sorted((round(r.real, 9), m, round(c.real, 9)) for r, m, c in found.terms)
    [(-1.0, 1, -0.5), (1.0, 1, 0.5)]
    """
    numerator, denominator = (np.trim_zeros(np.atleast_1d(np.asarray(c, float)), "f") for c in (p, q))
    if not len(denominator):
        raise DomainError("partial_fractions: the denominator q is 0; give its coefficients, highest power first.")
    whole, rest = np.polydiv(numerator, denominator) if len(numerator) else (np.zeros(0), np.zeros(1))
    terms: list[tuple[complex, int, complex]] = []
    roots = _clusters(np.roots(denominator))
    for root, power in roots:
        others = [np.repeat(r, m) for r, m in roots if r != root]
        g = denominator[0] * np.poly(np.concatenate(others)) if others else denominator[:1] * (1 + 0j)
        series = _quotient_series(_shifted(rest, root), _shifted(g, root), power)
        terms += [(complex(root), power - k, complex(series[k])) for k in range(power)]
    return PartialFractions(np.trim_zeros(whole, "f"), terms)


def partial_fractions_integral(p: Sequence[float], q: Sequence[float], a: float, b: float) -> Comparison:
    """The integral of ``p(x) / q(x)``, by quadrature and by partial fractions.

    Parameters
    ----------
    p, q : sequence of float
        Coefficients, highest power first.
    a, b : float
        Limits.

    Returns
    -------
    Comparison
        The left side is the quadrature, the right side the sum of the terms' antiderivatives.

    Raises
    ------
    DomainError
        If a root of q lies between the limits: the integral diverges there.

    References
    ----------
    J. Stewart, "Calculus", 8th edition (2016), section 7.4.

    Examples
    --------
    >>> import autodiff as ad
    >>> found = ad.calculus.theorems.partial_fractions_integral([1.0], [1.0, 0.0, 1.0], 0.0, 1.0)
    >>> found.holds, round(float(found.right), 9)  # pi / 4
    (True, 0.785398163)
    """
    parts = partial_fractions(p, q)
    for root, _, c in parts.terms:
        if root.imag == 0 and min(a, b) <= root.real <= max(a, b) and abs(c) > 1e-12:
            raise DomainError(
                f"partial_fractions: q has the root {root.real:.6g} between the limits {a} and {b}; the integral "
                "diverges there. Choose limits on one side of it."
            )
    left = integrate(lambda x: np.polyval(p, x) / np.polyval(q, x), a, b, return_error=True)
    ends = parts.antiderivative(np.float64(a)), parts.antiderivative(np.float64(b))
    size = float(max(map(abs, ends)))
    highest = max((m for _, m, _ in parts.terms), default=1)
    return compared(left, (ends[1] - ends[0], size * 2.0 ** (-50 / highest)), size)


def _clusters(roots: Any) -> list[tuple[complex, int]]:
    """Roots with multiplicities; those of a real polynomial are real or in exact conjugate pairs."""
    found: list[tuple[complex, int]] = []
    left = list(roots)
    while left:
        near = [r for r in left if abs(r - left[0]) <= _CLUSTER * max(1.0, abs(left[0]))]
        left = [r for r in left if r not in near]
        root = complex(np.mean(near))
        if abs(root.imag) <= _REAL * max(1.0, abs(root)):
            root = complex(root.real)
        found.append((root, len(near)))
    return found


def _shifted(p: Any, root: complex) -> Any:
    """Coefficients of p(root + s), lowest power of s first."""
    shifted = np.zeros(1, complex)
    for c in p:
        shifted = np.convolve(shifted, [root, 1.0])
        shifted[0] += c
    return shifted


def _quotient_series(a: Any, b: Any, count: int) -> Any:
    """The first coefficients of the quotient of two series."""
    out = np.zeros(count, complex)
    for k in range(count):
        known = sum(out[j] * b[k - j] for j in range(k) if k - j < len(b))
        out[k] = ((a[k] if k < len(a) else 0.0) - known) / b[0]
    return out
