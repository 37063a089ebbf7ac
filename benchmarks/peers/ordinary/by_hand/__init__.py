"""The ordinary workloads by hand: the lower limit, with buffers, `out=` and derivatives worked out on paper.

In all names `ct` is a cotangent, the derivative of the loss. A buffer whose value is no longer needed is used again.
"""

from __future__ import annotations

from functools import partial

from benchmarks.peers.numpy_by_hand.recurrences import recurrence
from benchmarks.peers.ordinary.by_hand.attention import attention
from benchmarks.peers.ordinary.by_hand.convolutions import einsum_convolution
from benchmarks.peers.ordinary.by_hand.likelihoods import autoencoder, mixture
from benchmarks.peers.ordinary.by_hand.networks import layer_norm, physics_informed
from benchmarks.peers.ordinary.by_hand.recurrences import lstm_cell
from benchmarks.peers.ordinary.data import GIVEN

STEPS = {
    "rnn-cell": lambda: recurrence(*GIVEN["rnn-cell"]()),
    "lstm-cell": partial(lstm_cell, "lstm-cell"),
    "layer-norm": partial(layer_norm, "layer-norm"),
    "einsum-convolution": partial(einsum_convolution, "einsum-convolution"),
    "vae": partial(autoencoder, "vae"),
    "pinn": partial(physics_informed, "pinn"),
    "mixture": partial(mixture, "mixture"),
    "attention": partial(attention, "attention"),
}
