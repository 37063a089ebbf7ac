"""Networks: modules, layers, losses, and what training them needs."""

from nn import data
from nn.activations import ReLU, Sigmoid, Tanh
from nn.checkpoints import load_checkpoint, save_checkpoint
from nn.fitting import EarlyStopping, History, evaluate, fit
from nn.metrics import accuracy, confusion_matrix
from nn.linear import Linear
from nn.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge_loss,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    nll_loss,
)
from nn.minibatches import batches
from nn.module import Module, Parameter
from nn.randomness import manual_seed
from nn.saving import load, save
from nn.sequential import Sequential

__all__ = [
    "save_checkpoint",
    "load_checkpoint",
    "fit",
    "evaluate",
    "confusion_matrix",
    "accuracy",
    "History",
    "EarlyStopping",
    "nll_loss",
    "l1_loss",
    "kl_div",
    "huber_loss",
    "hinge_loss",
    "binary_cross_entropy_with_logits",
    "binary_cross_entropy",
    "Linear",
    "Module",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Tanh",
    "batches",
    "cross_entropy",
    "data",
    "load",
    "manual_seed",
    "mse_loss",
    "save",
]
