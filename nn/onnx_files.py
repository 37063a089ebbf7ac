"""Models as ONNX files, which other runtimes run: in other languages, in browsers, on phones and servers."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np

import autodiff as ad
from nn.inputs import plain
from nn.module import Module
from nn.saving import expect_folder, replace_file


def export_onnx(model: Callable[..., Any], example: Any, path: str | os.PathLike[str], *, batch: bool = True) -> None:
    """Write a model, or any function of arrays, as an ONNX file (extra ``onnx``).

    The function is recorded at two sizes of the batch, and what differs becomes the size of the batch in the file. The
    file is then run at a third size, and with one row, and its answers compared with the function's, by onnxruntime if
    it is installed, else by ONNX's own evaluator.

    Parameters
    ----------
    model : Module or callable
        A model is recorded in evaluation mode, and its modes are restored. A function may be any that
        `autodiff.compile` takes: also one with a softmax behind the model, or the gradient of something.
    example : array_like or tuple of array_like
        One input, or a tuple with one for each positional argument; the dtypes are those of the file. Inputs whose
        first axis is as long as that of the first one have the batch there. A few rows are enough.
    path : path
        The file; by convention it ends in ``.onnx``. An existing one is replaced in one step.
    batch : bool, default True
        If False, all shapes are those of the example.

    Raises
    ------
    autodiff.UnsupportedError
        If an operation has no form in ONNX, random numbers are drawn, something is changed, or the size of the batch
        decides what is computed. The message names the operation and the line.
    autodiff.CompileError
        If what the function does depends on values.
    autodiff.ShapeError
        If the example has no axis for the batch.
    autodiff.DtypeError
        If a dtype is complex, or has more than 64 bits.
    autodiff.StructureError
        If the function returns something else than arrays.
    TypeError
        If the model cannot be called.
    autodiff.MissingExtraError
        If ONNX is not installed.
    OSError
        If the file cannot be written. It is written completely or not at all.

    Notes
    -----
    The opset is 18, of the year 2022: the first in which all reductions take their axes in the same way, and old enough
    for the runtimes in use. Inputs are named as the function's parameters, results ``output``, or ``output_0``,
    ``output_1`` and so on. Parameters have their paths as names, and nodes those of their layers. Checks of values,
    such as that a row of an embedding exists, are not part of the file. The softmax of +inf is NaN in ONNX, and
    `max` and `argmax` over an axis skip NaN in onnxruntime.

    In float64 onnxruntime has no ``tan``, ``arctan``, ``sinh`` and the like; a warning says so, and the file is valid.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np, nn
    >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     nn.export_onnx(model, np.ones((1, 4), np.float32), os.path.join(folder, "model.onnx"))
    ...     os.listdir(folder)
    ['model.onnx']
    """
    from autodiff.compiler.onnx_file import model as onnx_model

    if not callable(model):
        raise TypeError(
            f"export_onnx takes a model or a function, example inputs and a path; a {type(model).__name__} was given."
        )
    expect_folder("export_onnx", path)
    model = getattr(model, "_plain", model)  # of a compiled model the model
    owner = model if isinstance(model, Module) else getattr(model, "__self__", None)
    examples = [np.asarray(plain(x)) for x in (example if isinstance(example, tuple) else (example,))]
    titles = {}
    with ExitStack() as kept:
        if isinstance(owner, Module):
            titles = {id(value): name for name, value in owner._named_state()}
            kept.enter_context(owner.modes_kept())
            owner.eval()
        name = type(model).__name__ if isinstance(model, Module) else getattr(model, "__name__", "f")
        made = onnx_model.to_onnx(model, name, examples, _inputs(model, len(examples)), titles, batch)
    made.producer_version = ad.__version__
    replace_file("export_onnx", path, lambda file: file.write(made.SerializeToString()))


def _inputs(model: Any, count: int) -> list[str]:
    """The names of the first arguments."""
    try:
        parameters = inspect.signature(model.forward if isinstance(model, Module) else model).parameters.values()
    except (TypeError, ValueError):  # functions in C have no signature
        parameters = {}.values()
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][:count]
    return names + [f"x{k}" for k in range(len(names), count)]
