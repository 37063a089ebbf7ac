"""Neural networks: modules, layers, losses, and tools to train them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nn import beside as _beside  # isort: skip  # before anything that would fail without our autodiff
from autodiff import names as _names
from nn import data, init
from nn.layers.activations import (
    ELU,
    GELU,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    LogSoftmax,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
    elu,
    gelu,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    log_softmax,
    relu,
    sigmoid,
    silu,
    softmax,
    softplus,
    tanh,
)
from nn.layers.attention import MultiHeadAttention
from nn.layers.batchnorm import BatchNorm1d, BatchNorm2d
from nn.layers.containers import Lambda, ModuleList, Residual
from nn.layers.convolution import Conv1d, Conv2d
from nn.layers.dropout import Dropout
from nn.layers.embedding import Embedding
from nn.layers.flatten import Flatten
from nn.layers.linear import Linear
from nn.layers.norms import GroupNorm, LayerNorm, RMSNorm
from nn.layers.pooling import AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d
from nn.layers.recurrent import GRU, LSTM, RNN
from nn.layers.sequential import Sequential
from nn.layers.transformer import TransformerBlock
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
from nn.module import HookHandle, Module
from nn.onnx_files import export_onnx
from nn.parameters import Buffer, Parameter
from nn.randomness import manual_seed
from nn.saving import load, metadata, save
from nn.substituting import functional_call
from nn.summaries import Summary
from nn.torch_weights import load_torch, to_torch
from nn.training.checkpoints import load_checkpoint, save_checkpoint
from nn.training.fitting import evaluate, fit
from nn.training.history import EarlyStopping, History
from nn.training.metrics import accuracy, confusion_matrix
from nn.training.minibatches import Batches, batches

if TYPE_CHECKING:
    from nn import plotting
    from nn.estimators import Classifier, Regressor
    from nn.monitoring.monitor import Monitor

__wengert__ = "0.1.0"
_beside.look()

__all__ = [
    "ELU",
    "GELU",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSoftmax",
    "SiLU",
    "Softmax",
    "Softplus",
    "elu",
    "gelu",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "log_softmax",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
    "init",
    "MultiHeadAttention",
    "BatchNorm1d",
    "BatchNorm2d",
    "Lambda",
    "ModuleList",
    "Residual",
    "Conv1d",
    "Conv2d",
    "Dropout",
    "Embedding",
    "Flatten",
    "Buffer",
    "HookHandle",
    "GroupNorm",
    "LayerNorm",
    "RMSNorm",
    "AvgPool1d",
    "AvgPool2d",
    "MaxPool1d",
    "MaxPool2d",
    "GRU",
    "LSTM",
    "RNN",
    "Summary",
    "TransformerBlock",
    "save_checkpoint",
    "load_checkpoint",
    "fit",
    "Classifier",
    "Regressor",
    "evaluate",
    "confusion_matrix",
    "accuracy",
    "History",
    "EarlyStopping",
    "Linear",
    "Monitor",
    "Module",
    "functional_call",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Tanh",
    "Batches",
    "batches",
    "cross_entropy",
    "data",
    "plotting",
    "export_onnx",
    "load",
    "load_torch",
    "manual_seed",
    "metadata",
    "to_torch",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "hinge_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "nll_loss",
    "mse_loss",
    "save",
]


def __getattr__(name: str) -> Any:
    """Load plots, `Monitor` and the estimators when first used; say what a name of another library is called here."""
    import importlib

    if name == "plotting":
        return importlib.import_module("nn.plotting")
    if name in ("Classifier", "Regressor"):
        return getattr(importlib.import_module("nn.estimators"), name)
    if name == "Monitor":
        return importlib.import_module("nn.monitoring.monitor").Monitor
    raise _names.not_in_module("nn", name, _row_of, __all__)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _row_of(name: str) -> _names.Row | None:
    from nn.names import of_nn

    return of_nn(name)
