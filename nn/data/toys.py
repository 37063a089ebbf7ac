"""Toy problems in the plane and on the line, generated from a seed."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


def _draw(n: int, seed: int | None, name: str, least: int = 1, **counts: int) -> np.random.Generator:
    for what, count in counts.items():
        if not isinstance(count, (int, np.integer)) or count < 1:
            raise ValueError(f"{name}: {what} must be a positive integer; {count!r} was given.")
    if not isinstance(n, (int, np.integer)) or n < least:
        raise ValueError(f"{name}: n must be an integer, {least} or more; {n!r} was given.")
    return np.random.default_rng(seed)


def _shuffled(draw: np.random.Generator, points: Points, labels: Labels, noise: float) -> tuple[Points, Labels]:
    order = draw.permutation(len(points))
    return points[order] + noise * draw.normal(size=points.shape), labels[order]


def moons(n: int = 400, *, noise: float = 0.1, seed: int | None = 0) -> tuple[Points, Labels]:
    """Two interleaved half circles.

    Parameters
    ----------
    n : int, default 400
        Number of points; if odd, the upper moon has one more.
    noise : float, default 0.1
        Standard deviation of the noise in each coordinate. The circles have radius 1.
    seed : int, optional
        None draws new points at every call.

    Returns
    -------
    points : ndarray, (n, 2)
    labels : ndarray of int, (n,)
        0 on the upper moon, 1 on the lower; in random order.

    Raises
    ------
    ValueError
        If `n` is not an integer, 2 or more.

    Examples
    --------
    >>> import nn
    >>> points, labels = nn.data.moons(4, noise=0.0)
    >>> points.shape, sorted(labels.tolist())
    ((4, 2), [0, 0, 1, 1])
    """
    draw = _draw(n, seed, "moons", 2)
    upper = n - n // 2
    t = np.concatenate([np.linspace(0, math.pi, upper), np.linspace(0, math.pi, n // 2)])
    labels = np.repeat([0, 1], [upper, n // 2])
    above = labels == 0
    points = np.stack([np.where(above, np.cos(t), 1 - np.cos(t)), np.where(above, np.sin(t), 0.5 - np.sin(t))], 1)
    return _shuffled(draw, points, labels, noise)


def circles(n: int = 400, *, factor: float = 0.5, noise: float = 0.05, seed: int | None = 0) -> tuple[Points, Labels]:
    """Two concentric circles.

    Parameters
    ----------
    n : int, default 400
        Number of points.
    noise : float, default 0.05
        Standard deviation of the normal noise in each coordinate.
    seed : int, optional
        Seed of the points; None draws new ones each time.
    factor : float, default 0.5
        The radius of the inner circle; that of the outer is 1.

    Returns
    -------
    points : ndarray, (n, 2)
    labels : ndarray of int, (n,)
        0 on the outer circle, 1 on the inner.

    Raises
    ------
    ValueError
        If `n` is not an integer, 2 or more.

    Examples
    --------
    >>> import numpy as np, nn
    >>> points, labels = nn.data.circles(100, noise=0.0)
    >>> np.allclose(np.hypot(*points[labels == 1].T), 0.5)
    True
    """
    draw = _draw(n, seed, "circles", 2)
    outer = n - n // 2
    t = 2 * math.pi * np.concatenate([np.arange(outer) / outer, np.arange(n // 2) / max(n // 2, 1)])
    labels = np.repeat([0, 1], [outer, n // 2])
    radius = np.where(labels == 0, 1.0, factor)
    return _shuffled(draw, np.stack([radius * np.cos(t), radius * np.sin(t)], 1), labels, noise)


def spirals(
    n: int = 400, *, arms: int = 2, turns: float = 1.5, noise: float = 0.05, seed: int | None = 0
) -> tuple[Points, Labels]:
    """Spirals that wind around each other.

    Parameters
    ----------
    n : int, default 400
        Number of points.
    noise : float, default 0.05
        Standard deviation of the normal noise in each coordinate.
    seed : int, optional
        Seed of the points; None draws new ones each time.
    arms : int, default 2
        Number of spirals, and of labels.
    turns : float, default 1.5
        How many times each winds around the origin on its way out to radius 1.

    Returns
    -------
    points : ndarray, (n, 2)
    labels : ndarray of int, (n,)

    Raises
    ------
    ValueError
        If `n` is less than `arms`, or `arms` is not a positive integer.

    Examples
    --------
    >>> import nn
    >>> points, labels = nn.data.spirals(300, arms=3)
    >>> points.shape, sorted(set(labels.tolist()))
    ((300, 2), [0, 1, 2])
    """
    draw = _draw(n, seed, "spirals", arms, arms=arms)
    labels = np.sort(np.arange(n) % arms)
    place = np.concatenate([np.linspace(0.05, 1.0, int((labels == k).sum())) for k in range(arms)])
    angle = 2 * math.pi * (turns * place + labels / arms)
    return _shuffled(draw, np.stack([place * np.cos(angle), place * np.sin(angle)], 1), labels, noise)


def blobs(
    n: int = 300, *, centres: int = 3, spread: float = 0.5, features: int = 2, seed: int | None = 0
) -> tuple[Points, Labels]:
    """Normally distributed clouds around random centres in a box.

    Parameters
    ----------
    n : int, default 300
        Number of points.
    seed : int, optional
        Seed of the points; None draws new ones each time.
    centres : int, default 3
        Number of clouds, and of labels.
    spread : float, default 0.5
        Standard deviation of a cloud.
    features : int, default 2
        Number of dimensions; the box is from -3 to 3 in each.

    Returns
    -------
    points : ndarray, (n, features)
    labels : ndarray of int, (n,)

    Raises
    ------
    ValueError
        If `n` is less than `centres`, or `centres` or `features` is not a positive integer.

    Examples
    --------
    >>> import nn
    >>> points, labels = nn.data.blobs(30, centres=3, features=5)
    >>> points.shape, sorted(set(labels.tolist()))
    ((30, 5), [0, 1, 2])
    """
    draw = _draw(n, seed, "blobs", centres, centres=centres, features=features)
    middle = draw.uniform(-3, 3, (centres, features))
    labels = np.arange(n) % centres
    return _shuffled(draw, middle[labels], labels, spread)


def xor(n: int = 400, *, noise: float = 0.1, seed: int | None = 0) -> tuple[Points, Labels]:
    """Four clouds at the corners of a square, opposite ones with the same label: no line separates the labels.

    Parameters
    ----------
    n : int, default 400
        Number of points. With ``n=4`` and ``noise=0`` they are the truth table itself, in random order.
    noise : float, default 0.1
        Standard deviation of the normal noise in each coordinate.
    seed : int, optional
        Seed of the points; None draws new ones each time.

    Returns
    -------
    points : ndarray, (n, 2)
        Around (0, 0), (0, 1), (1, 0) and (1, 1).
    labels : ndarray of int, (n,)
        The exclusive or of the corner's coordinates.

    Raises
    ------
    ValueError
        If `n` is not a positive integer.

    Examples
    --------
    >>> import nn
    >>> points, labels = nn.data.xor(4, noise=0.0)
    >>> bool((labels == (points[:, 0] != points[:, 1])).all())
    True
    """
    draw = _draw(n, seed, "xor")
    corner = np.arange(n) % 4
    points = np.stack([corner // 2, corner % 2], 1).astype(float)
    return _shuffled(draw, points, (corner // 2) ^ (corner % 2), noise)


def sine(
    n: int = 100, *, noise: float = 0.1, low: float = -3.0, high: float = 3.0, seed: int | None = 0
) -> tuple[Points, Points]:
    """Noisy values of the sine, for regression.

    Parameters
    ----------
    n : int, default 100
        Number of points.
    seed : int, optional
        Seed of the points; None draws new ones each time.
    noise : float, default 0.1
        Standard deviation of the noise.
    low, high : float
        The interval from which the arguments are drawn.

    Returns
    -------
    x : ndarray, (n, 1)
        In increasing order.
    y : ndarray, (n, 1)

    Raises
    ------
    ValueError
        If `n` is not a positive integer.

    Examples
    --------
    >>> import numpy as np, nn
    >>> x, y = nn.data.sine(50, noise=0.0)
    >>> bool((y == np.sin(x)).all())
    True
    """
    draw = _draw(n, seed, "sine")
    x = np.sort(draw.uniform(low, high, (n, 1)), axis=0)
    return x, np.sin(x) + noise * draw.normal(size=(n, 1))
