"""The losses of the ordinary workloads, each written once for NumPy, torch and JAX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

Arrays = Sequence[Any]


class Library(NamedTuple):
    """What differs between NumPy, torch and JAX.

    Attributes
    ----------
    xp : the module with `exp`, `einsum` and so on
    relu : the larger of an array and 0
    largest : the largest entry along the last axis, which is kept
    windows : all 3x3 windows over the last two axes, as two more axes
    curvature : ``curvature(u, x)`` is the second derivative of `u` (n, 1) by `x` (n, 1), for each point of its own
    """

    xp: Any
    relu: Callable[[Any], Any]
    largest: Callable[[Any], Any]
    windows: Callable[[Any], Any]
    curvature: Callable[[Callable[[Any], Any], Any], Any]


def rnn_cell(lib: Library, inputs: Arrays, parameters: Arrays) -> Any:
    """A recurrent network, step by step."""
    x, target = inputs
    by_input, by_state, bias = parameters
    h = lib.xp.zeros_like(target)
    for t in range(x.shape[1]):
        h = lib.xp.tanh(x[:, t] @ by_input + h @ by_state + bias)
    return ((h - target) ** 2).mean()


def lstm_cell(lib: Library, inputs: Arrays, parameters: Arrays) -> Any:
    """Long short-term memory, step by step."""
    x, target = inputs
    by_input, by_state, bias = parameters
    xp, k = lib.xp, target.shape[1]
    h = c = xp.zeros_like(target)
    for t in range(x.shape[1]):
        z = x[:, t] @ by_input + h @ by_state + bias
        gates = 1 / (1 + xp.exp(-z[:, : 3 * k]))
        c = gates[:, k : 2 * k] * c + gates[:, :k] * xp.tanh(z[:, 3 * k :])
        h = gates[:, 2 * k :] * xp.tanh(c)
    return ((h - target) ** 2).mean()


def normalized(lib: Library, x: Any, gain: Any, shift: Any) -> Any:
    """Layer normalisation over the last axis."""
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    return centred / lib.xp.sqrt(variance + 1e-5) * gain + shift


def layer_norm(lib: Library, inputs: Arrays, parameters: Arrays) -> Any:
    """A perceptron with layer normalisation."""
    h, target = inputs
    for i in (0, 4):
        weight, bias, gain, shift = parameters[i : i + 4]
        h = lib.relu(normalized(lib, h @ weight + bias, gain, shift))
    weight, bias = parameters[8:]
    return ((h @ weight + bias - target) ** 2).mean()


def einsum_convolution(lib: Library, inputs: Arrays, parameters: Arrays) -> Any:
    """Two convolutions by windows and Einstein sums, a mean over each image, and a linear layer."""
    h, target = inputs
    for kernel, bias in (parameters[:2], parameters[2:4]):
        h = lib.relu(lib.xp.einsum("nchwij,kcij->nkhw", lib.windows(h), kernel) + bias)
    weight, bias = parameters[4:]
    return ((h.mean(axis=(2, 3)) @ weight + bias - target) ** 2).mean()


def autoencoder(lib: Library, inputs: Arrays, parameters: Arrays) -> Any:
    """A step of a variational autoencoder: cross-entropy from logits, and the divergence from the normal prior."""
    x, noise = inputs
    xp = lib.xp
    w1, b1, w2, b2, w3, b3, w4, b4, w5, b5 = parameters
    h = xp.tanh(x @ w1 + b1)
    mean, log_variance = h @ w2 + b2, h @ w3 + b3
    z = mean + xp.exp(0.5 * log_variance) * noise
    logits = xp.tanh(z @ w4 + b4) @ w5 + b5
    entropy = lib.relu(logits) - x * logits + xp.log1p(xp.exp(-abs(logits)))
    divergence = 0.5 * (xp.exp(log_variance) + mean**2 - 1 - log_variance)
    return (entropy.sum(axis=1) + divergence.sum(axis=1)).mean()


def physics_informed(lib: Library, inputs: Arrays, parameters: Arrays) -> Any:
    """The squared residual of u'' + u = f for a network u."""
    x, f = inputs
    w1, b1, w2, b2, w3, b3 = parameters

    def u(x: Any) -> Any:
        return lib.xp.tanh(lib.xp.tanh(x @ w1 + b1) @ w2 + b2) @ w3 + b3

    return ((lib.curvature(u, x) + u(x) - f) ** 2).mean()


def mixture(lib: Library, inputs: Arrays, parameters: Arrays) -> Any:
    """The negative log likelihood of a mixture of normal distributions with independent coordinates."""
    (x,) = inputs
    weights, means, log_scales = parameters
    xp = lib.xp
    log_weights = weights - xp.log(xp.exp(weights).sum())
    z = (x[:, None, :] - means) * xp.exp(-log_scales)
    parts = log_weights - 0.5 * (z**2).sum(axis=-1) - log_scales.sum(axis=-1)
    top = lib.largest(parts)
    return -(top + xp.log(xp.exp(parts - top).sum(axis=-1, keepdims=True))).mean()


def attention(lib: Library, inputs: Arrays, parameters: Arrays) -> Any:
    """A transformer block: attention with several heads, then two layers with GELU, both with a norm before."""
    x, target = inputs
    xp = lib.xp
    gain1, shift1, by_query, by_key, by_value, back, gain2, shift2, w1, b1, w2, b2 = parameters
    h = normalized(lib, x, gain1, shift1)
    query, key, value = (xp.einsum("ntd,dhk->nthk", h, w) for w in (by_query, by_key, by_value))
    scores = xp.einsum("nthk,nshk->nhts", query, key) / by_query.shape[2] ** 0.5
    e = xp.exp(scores - lib.largest(scores))
    share = e / e.sum(axis=-1, keepdims=True)
    x = x + xp.einsum("nthk,hkd->ntd", xp.einsum("nhts,nshk->nthk", share, value), back)
    a = normalized(lib, x, gain2, shift2) @ w1 + b1
    gelu = 0.5 * a * (1 + xp.tanh(0.7978845608 * (a + 0.044715 * a**3)))
    return ((x + gelu @ w2 + b2 - target) ** 2).mean()


LOSSES: dict[str, Callable[[Library, Arrays, Arrays], Any]] = {
    "rnn-cell": rnn_cell,
    "lstm-cell": lstm_cell,
    "layer-norm": layer_norm,
    "einsum-convolution": einsum_convolution,
    "vae": autoencoder,
    "pinn": physics_informed,
    "mixture": mixture,
    "attention": attention,
}
