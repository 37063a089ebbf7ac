"""Networks: modules, layers, losses, and what training them needs."""

from nn import data
from nn.activations import ReLU, Sigmoid, Tanh
from nn.linear import Linear
from nn.losses import cross_entropy, mse_loss
from nn.minibatches import batches
from nn.module import Module, Parameter
from nn.randomness import manual_seed
from nn.saving import load, save
from nn.sequential import Sequential

__all__ = [
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
