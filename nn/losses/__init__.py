"""Losses: a prediction and a target give one number, or one for each entry."""

from nn.losses.binary import binary_cross_entropy, binary_cross_entropy_with_logits, hinge_loss
from nn.losses.classes import cross_entropy, kl_div, nll_loss
from nn.losses.regression import huber_loss, l1_loss, mse_loss

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "hinge_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "mse_loss",
    "nll_loss",
]
