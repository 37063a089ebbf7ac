"""What `fit` is called with: each argument is checked before training begins, with what to write instead."""

from __future__ import annotations

import functools
import inspect
import warnings
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

import numpy as np

import autodiff as ad
from nn.inputs import array_of
from nn.layers.activations import Sigmoid, Softmax
from nn.layers.sequential import Sequential
from nn.losses import binary_cross_entropy_with_logits, cross_entropy
from nn.module import Module
from nn.named import refused
from nn.training.minibatches import Batches

P = ParamSpec("P")
R = TypeVar("R")


def named(function: Callable[P, R]) -> Callable[P, R]:
    """`fit`, which says of arguments that it does not have what they are called here."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            advice = _advice(str(error), args)
            if not kwargs.keys() <= signature.parameters.keys():
                refused("fit", "nn.fit(model, optimizer, loss, data, {})", function, kwargs, "FIT_KEYWORDS")
            raise TypeError(advice) from None
        return function(*args, **kwargs)

    return call


def _advice(error: str, args: tuple[Any, ...]) -> str:
    """What to write instead of positional arguments that do not fit the signature."""
    if len(args) > 4:
        return (
            f"fit takes the model, the optimiser, the loss and the data, and was given {len(args)} arguments in order: "
            "inputs and targets are one tuple, nn.fit(model, optimizer, loss, (x, y)); all other arguments have names."
        )
    return f"fit: {error}: nn.fit(model, optimizer, loss, (x, y), epochs=10)."


def check(
    model: Any,
    optimizer: Any,
    loss: Any,
    data: Any,
    validation: Any,
    metrics: Any,
    schedule: Any,
    early_stopping: Any,
    callbacks: Any,
) -> None:
    """Raise TypeError, ValueError or DtypeError if an argument is not what `fit` can use."""
    if not isinstance(model, Module):
        raise TypeError(
            f"fit: the first argument must be the model, a Module; {_kind(model)} was given: nn.fit(model, optimizer, "
            "loss, (x, y))."
        )
    if isinstance(optimizer, type) or not callable(getattr(optimizer, "step", None)):
        name = optimizer.__name__ if isinstance(optimizer, type) else "Adam"
        raise TypeError(
            f"fit: the optimizer must be an object with the model's parameters, optim.{name}(model.parameters()); "
            f"{_kind(optimizer)} was given."
        )
    held = getattr(optimizer, "parameters", None)
    if isinstance(held, list) and not {id(p) for p in held} & {id(p) for p in trainable(model, loss)}:
        raise ValueError(
            f"fit: the optimizer holds {len(held)} parameters, and none of them belongs to this model. It was made for "
            f"another one; write optim.{type(optimizer).__name__}(model.parameters())."
        )
    if not any(p.requires_grad for p in trainable(model, loss)):
        raise ValueError(
            "fit: all parameters of the model are frozen, or it has none; model.requires_grad_() frees them."
        )
    if not callable(loss):
        raise TypeError(
            f"fit: the loss must be a function of outputs and targets, such as nn.mse_loss itself, without calling it; "
            f"{_kind(loss)} was given."
        )
    check_data("fit: data", data)
    if validation is not None:
        check_data("fit: validation", validation)
        if len(validation) != len(data):
            raise TypeError(f"fit: validation must have as many arrays as data, {len(data)}; it has {len(validation)}.")
    if metrics is not None and not (isinstance(metrics, Mapping) and all(map(callable, metrics.values()))):
        raise TypeError(
            f'fit: metrics must be a dict of functions by name, such as {{"accuracy": nn.accuracy}}; {_kind(metrics)} '
            "was given."
        )
    if schedule is optimizer:
        raise TypeError("fit: the schedule is the optimizer, which would step twice. Write StepDecay(optimizer, ...).")
    if schedule is not None and not isinstance(schedule, type) and not callable(getattr(schedule, "step", None)):
        raise TypeError(
            f"fit: the schedule must be an object with step(), such as optim.StepDecay(optimizer, ...); "
            f"{_kind(schedule)} was given."
        )
    if isinstance(schedule, type):
        name = schedule.__name__
        raise TypeError(f"fit: the schedule must be an object, {name}(optimizer, ...); the class {name} was given.")
    if early_stopping is not None and (isinstance(early_stopping, type) or not hasattr(early_stopping, "see")):
        raise TypeError(
            f"fit: early_stopping must be nn.EarlyStopping(patience=10) or the like; {_kind(early_stopping)} was given."
        )
    if any(hasattr(callback, "see") for callback in (callbacks if np.iterable(callbacks) else [callbacks])):
        raise TypeError(
            "fit: callbacks are functions, and EarlyStopping was given among them. It has an argument of its own: "
            "early_stopping=nn.EarlyStopping(patience=10)."
        )
    if not np.iterable(callbacks):
        raise TypeError(f"fit: callbacks must be a list of functions, [callback]; {_kind(callbacks)} was given.")
    for callback in callbacks:
        if isinstance(callback, type) or not callable(callback):
            raise TypeError(
                f"fit: a callback must be a function or an object, such as nn.Monitor(); {_kind(callback)} was given."
            )


_OF_SCORES = ((cross_entropy, "a softmax"), (binary_cross_entropy_with_logits, "a sigmoid"))


def warn_of_activation(model: Module, loss: Any, stacklevel: int) -> None:
    """Warn if the loss takes scores, and the last layer makes probabilities of them first."""
    last: Any = model
    while isinstance(last, Sequential) and len(last):
        last = last[len(last) - 1]
    for function, applied in _OF_SCORES:
        if loss is function and isinstance(last, (Softmax, Sigmoid)):
            path = next(path for path, layer in model.named_modules() if layer is last)
            warnings.warn(
                f"fit: nn.{function.__name__} takes scores and applies {applied} itself; the last layer of the model, "
                f"{path} {type(last).__name__}, is one too many, and spoils the training. Leave it out; for "
                f"probabilities, apply it to what the model returns.",
                stacklevel=stacklevel + 1,
            )


def check_data(what: str, data: Any) -> None:
    """Raise TypeError or DtypeError unless data are a tuple of inputs and targets, and are numbers."""
    if isinstance(data, Batches):
        raise TypeError(
            f"{what} must be a tuple of inputs and targets, (x, y); nn.batches was given. Batches are made from it: "
            "give batch_size=, and for training shuffle=, drop_last= and rng=."
        )
    if not isinstance(data, (tuple, list)) or len(data) < 2:
        raise TypeError(f"{what} must be a tuple of inputs and targets, (x, y); {_kind(data)} was given.")
    for i, array in enumerate(data):
        try:
            dtype = array_of(array).dtype
        except ad.ShapeError as error:
            raise ad.ShapeError(f"{what}[{i}]: {error}") from None
        if dtype.kind in "OUSmM":
            raise ad.DtypeError(
                f"{what}[{i}] holds text or objects (dtype {dtype}), and a model computes with numbers{_which(array)}. "
                "Of a table with columns of text nn.data.from_table makes arrays; of labels, write classes, codes = "
                "np.unique(labels, return_inverse=True)."
            )


def _which(table: Any) -> str:
    """The columns of a table that hold no numbers, for a message."""
    names = getattr(table, "columns", ())
    bad = [repr(name) for name in names if array_of(table[name]).dtype.kind in "OUSmM"]
    return f", which {', '.join(bad)} does not hold" if bad else ""


def _kind(value: Any) -> str:
    """What was given, in a message."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, (str, int, float)):
        return repr(value)
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of length {len(value)}"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, ad.Tensor):
        return f"a Tensor of shape {value.shape}"
    return f"a {type(value).__name__}"


def check_loss(value: Any, outputs: Any) -> None:
    """Raise TypeError or GradientError if a loss is not one tracked number."""
    if not isinstance(value, ad.Tensor):
        raise TypeError(
            f"fit: the loss must return a Tensor with one number, the mean over the batch; {_kind(value)} was returned."
            + (" Is there a `return`?" if value is None else "")
        )
    if value.size != 1:
        raise ad.GradientError(
            f"fit: the loss must return one number, the mean over the batch; it returned shape {value.shape}. Add "
            ".mean()."
        )
    if not value.requires_grad and isinstance(outputs, ad.Tensor) and outputs.requires_grad:
        raise ad.GradientError(
            "fit: the loss does not depend on the outputs: it must be computed from the Tensor that the model returns, "
            "not from outputs.data or outputs.detach(), and outside of ad.no_grad()."
        )


def trainable(model: Module, loss: Any) -> list[Any]:
    """The parameters of the model, and of a loss that has some."""
    return [*model.parameters(), *(loss.parameters() if isinstance(loss, Module) else ())]


def check_trained(parameters: Sequence[Any], before: Sequence[Any]) -> None:
    """Raise ValueError if no parameter was changed or received a gradient in the first epoch."""
    trained = [p for p in parameters if p.requires_grad]
    if all(p.grad is None for p in trained) and fingerprints(parameters) == list(before):
        raise ValueError(
            "fit: after the first epoch no parameter of the model has changed or received a gradient. Is the optimizer "
            "that of this model, is a parameter not frozen, and does the loss depend on the outputs themselves (not "
            "on outputs.data or outputs.detach())?"
        )


def fingerprints(parameters: Sequence[Any]) -> list[int]:
    """A checksum for each parameter."""
    return [zlib.crc32(np.ascontiguousarray(p.data).tobytes()) for p in parameters]
