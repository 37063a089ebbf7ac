"""Matrices whose values are far from 0 and from each other: every factor and inverse has a slope of moderate size."""

from dataclasses import dataclass

import numpy as np

from tests.op_cases.case import Complex


def _spread(rng, stack, n):
    """Positive numbers, at least 0.4 apart, in any order."""
    values = 0.7 + 0.6 * np.arange(n) + rng.uniform(-0.1, 0.1, (*stack, n))
    return rng.permuted(values, axis=-1)


def _columns(rng, shape, kind):
    """Orthonormal columns."""
    x = rng.normal(size=shape)
    if kind == "c16":
        x = x + 1j * rng.normal(size=shape)
    return np.linalg.qr(x)[0]


def _adjoint(x):
    return x.conj().swapaxes(-1, -2)


def _full_rank(rng, shape, kind):
    if 0 in shape:
        return np.zeros(shape, kind)
    *stack, m, n = shape
    r = min(m, n)
    u, v = _columns(rng, (*stack, m, r), kind), _columns(rng, (*stack, n, r), kind)
    return np.round(u * _spread(rng, stack, r)[..., None, :] @ _adjoint(v), 3).astype(kind)


def _hermitian(rng, shape, kind, signs):
    if 0 in shape:
        return np.zeros(shape, kind)
    *stack, n, _ = shape
    v, w = _columns(rng, shape, kind), _spread(rng, stack, n) * rng.choice(signs, (*stack, n))
    x = v * w[..., None, :] @ _adjoint(v)
    return np.round((x + _adjoint(x)) / 2, 3)


@dataclass(frozen=True)
class FullRank:
    """Real matrices, singular values from 0.6 on."""

    low: float = 0.6

    def draw(self, rng, shape):
        return _full_rank(rng, shape, "d")


@dataclass(frozen=True)
class ComplexFullRank(Complex):
    """Complex matrices, singular values from 0.6 on."""

    def draw(self, rng, shape):
        return _full_rank(rng, shape, "c16")


@dataclass(frozen=True)
class Dominant:
    """Real matrices with a heavy diagonal: their leading columns are far from dependent too, as qr needs them."""

    def draw(self, rng, shape):
        sign = rng.choice([-1.0, 1.0], shape)
        return np.round(sign * (rng.uniform(0.3, 0.6, shape) + 1.5 * np.eye(*shape[-2:])), 3)


@dataclass(frozen=True)
class ComplexDominant(Complex):
    """The same, complex."""

    def draw(self, rng, shape):
        phase = np.exp(1j * rng.uniform(-3, 3, shape))
        return np.round(phase * (rng.uniform(0.3, 0.6, shape) + 1.5 * np.eye(*shape[-2:])), 3)


@dataclass(frozen=True)
class Symmetric:
    """Real symmetric matrices; positive definite if the signs are."""

    signs: tuple[int, ...] = (-1, 1)

    def draw(self, rng, shape):
        return _hermitian(rng, shape, "d", self.signs)


@dataclass(frozen=True)
class Hermitian(Complex):
    """Complex Hermitian matrices; positive definite if the signs are."""

    signs: tuple[int, ...] = (-1, 1)

    def draw(self, rng, shape):
        return _hermitian(rng, shape, "c16", self.signs)


@dataclass(frozen=True)
class RealEigenvalues:
    """Real matrices with real eigenvalues, not symmetric."""

    def draw(self, rng, shape):
        if 0 in shape:
            return np.zeros(shape)
        *stack, n, _ = shape
        v = np.eye(n) + rng.uniform(-0.25, 0.25, shape)
        return np.round(v * _spread(rng, stack, n)[..., None, :] @ np.linalg.inv(v), 3)


@dataclass(frozen=True)
class Turning:
    """Real matrices with pairs of conjugate complex eigenvalues, and one real one where the size is odd."""

    def draw(self, rng, shape):
        *stack, n, _ = shape
        v = np.eye(n) + rng.uniform(-0.25, 0.25, shape)
        middle = np.zeros(shape)
        sizes = _spread(rng, stack, n)
        for i in range(0, n, 2):
            middle[..., i, i] = sizes[..., i]
            if i + 1 < n:
                middle[..., i + 1, i + 1] = sizes[..., i]
                middle[..., i, i + 1], middle[..., i + 1, i] = -sizes[..., i + 1], sizes[..., i + 1]
        return np.round(v @ middle @ np.linalg.inv(v), 3)


@dataclass(frozen=True)
class ComplexEigenvalues(Complex):
    """Complex matrices whose eigenvalues are far apart."""

    def draw(self, rng, shape):
        if 0 in shape:
            return np.zeros(shape, complex)
        *stack, n, _ = shape
        v = np.eye(n) + rng.uniform(-0.2, 0.2, shape) + 1j * rng.uniform(-0.2, 0.2, shape)
        w = _spread(rng, stack, n) * np.exp(1j * rng.uniform(-3, 3, (*stack, n)))
        return np.round(v * w[..., None, :] @ np.linalg.inv(v), 3)


REGULAR = FullRank()
COMPLEX_REGULAR = ComplexFullRank()
SYMMETRIC = Symmetric()
HERMITIAN = Hermitian()
POSITIVE_DEFINITE = Symmetric((1,))
COMPLEX_POSITIVE_DEFINITE = Hermitian(signs=(1,))

SQUARE = [((2, 2),), ((3, 3),), ((1, 1),), ((2, 3, 3),), ((2, 1, 2, 2),)]
EMPTY = [((0, 0),), ((2, 0, 0),), ((0, 2, 2),)]
RECTANGLES = [((3, 2),), ((2, 3),), ((2, 2),), ((1, 3),), ((3, 1),), ((2, 3, 2),)]


def gauge_free(v):
    """Of eigenvectors in the columns what does not depend on the phase of each."""
    return v * np.conj(v[..., :1, :])
