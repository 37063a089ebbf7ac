"""A network that is trained by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autodiff as ad
from demos.course.records import Array, exercise


def _moons(seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (40, 2))
    return x, ((x[:, :1] * x[:, 1:]) > 0).astype(float)


def _trained(update: Any, seed: int, steps: int) -> Any:
    """The loss after so many updates, as a share of the loss before; and whether shapes stayed."""
    x, y = _moons(seed)
    rng = np.random.default_rng(seed + 1)
    parameters = [rng.normal(size=(2, 8)), np.zeros(8), rng.normal(size=(8, 1)) * 0.5, np.zeros(1)]
    first = float(_by_network(x, y, *parameters))
    for _ in range(steps):
        new = update(*(p.copy() for p in parameters), x, y)
        if new is None:
            return None
        if not isinstance(new, (tuple, list)) or len(new) != 4:
            raise ValueError("the four parameters (W1, b1, W2, b2) should be returned")
        for name, old, now in zip(("W1", "b1", "W2", "b2"), parameters, new, strict=True):
            if np.shape(now) != old.shape:
                raise ValueError(f"{name} had the shape {old.shape} and now has {np.shape(now)}")
        parameters = [np.asarray(getattr(p, "data", p) if isinstance(p, ad.Tensor) else p) for p in new]
    return float(_by_network(x, y, *parameters)) / first


def _by_network(x: Array, y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Array:
    return np.mean((np.tanh(x @ W1 + b1) @ W2 + b2 - y) ** 2)


def _update(rate: float, sign: float = -1.0, hidden: bool = True) -> Callable[..., Any]:
    def update(W1: Array, b1: Array, W2: Array, b2: Array, x: Array, y: Array) -> Any:
        h = np.tanh(x @ W1 + b1)
        d = 2 * (h @ W2 + b2 - y) / len(x)
        dz = d @ W2.T * (1 - h**2) * hidden
        gradients = (x.T @ dz, dz.sum(0), h.T @ d, d.sum(0))
        return tuple(p + sign * rate * g for p, g in zip((W1, b1, W2, b2), gradients, strict=True))

    return update


@exercise(
    serves="Neural networks: loss function optimization; exercise 4 of the curriculum",
    free=True,
    use=_trained,
    draws={"a network": lambda rng: (int(rng.integers(0, 100)), 300)},
    example="[p.shape for p in train_step(*map(np.ones, [(2, 8), 8, (8, 1), 1, (4, 2), (4, 1)]))]",
    mistakes={
        "The loss rises: the step goes with the gradient, not against it.": _update(0.001, 1.0),
        "Only the second layer learns: the first one gets no gradient.": _update(0.3, hidden=False),
        "It learns, but too slowly: the learning rate is much too small.": _update(0.003),
        "Nothing changes: the parameters come back as they went in.": lambda *parameters: parameters[:4],
    },
    laws={
        "The loss is NaN or infinite: is the rate too large, or does the step go uphill?": lambda answer, seed, steps: (
            np.isfinite(_trained(answer, seed, steps))
        ),
        "The loss rises: does the step go against the gradient?": lambda answer, seed, steps: (
            _trained(answer, seed, steps) < 1
        ),
        "The loss falls, but not to a quarter: are all four gradients right, and is the rate large enough?": (
            lambda answer, seed, steps: _trained(answer, seed, steps) < 0.25
        ),
    },
    hints=("First the gradients, as in two-layer-backward.", "Then p - rate * gradient for each; try the rate 0.3."),
    solution="""
def train_step(W1, b1, W2, b2, x, y):
    h = np.tanh(x @ W1 + b1)
    dp = 2 * (h @ W2 + b2 - y) / len(x)
    dz = dp @ W2.T * (1 - h**2)
    rate = 0.5
    W1 = W1 - rate * x.T @ dz
    b1 = b1 - rate * dz.sum(axis=0)
    W2 = W2 - rate * h.T @ dp
    b2 = b2 - rate * dp.sum(axis=0)
    return W1, b1, W2, b2
""",
)
def train_step(W1: Array, b1: Array, W2: Array, b2: Array, x: Array, y: Array) -> Any:
    """Optimise a network by hand.

    The network tanh(x @ W1 + b1) @ W2 + b2 has 8 hidden units, x has the shape (40, 2), y (40, 1), and the loss is the
    mean squared error. Write one step of training: return the new (W1, b1, W2, b2). It is called 300 times; after that
    the loss must be less than a quarter of what it was.
    """
    return _update(0.5)(W1, b1, W2, b2, x, y)
