"""A function as an ONNX model: recorded at two sizes of the batch, written as nodes, and run at a third size."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autodiff import pytree
from autodiff.arrays.tensors import Tensor
from autodiff.compiler.onnx_file.forms import write
from autodiff.compiler.onnx_file.graph import Graph, load
from autodiff.compiler.onnx_file.two_sizes import ForAnySize, for_any_size
from autodiff.compiler.values import Value
from autodiff.errors import ShapeError, StructureError, UnsupportedError

_ROUNDING = {"e": 1e-2, "f": 1e-3, "d": 1e-8}
"""By how much of the largest number an answer of the file may differ, for each dtype. Other orders of summation add up
in deep networks; what is to be found are mistakes, which differ by far more."""


def to_onnx(
    f: Callable[..., Any],
    name: str,
    examples: Sequence[Any],
    inputs: Sequence[str],
    titles: Mapping[int, str],
    batch: bool,
) -> Any:
    """A function as ONNX's model, checked.

    Parameters
    ----------
    f : callable
        Of as many arrays as there are examples.
    name : str
    examples : sequence of ndarray
    inputs : sequence of str
        Their names in the model.
    titles : mapping of int to str
        Names of Tensors, by their identity.
    batch : bool
        Whether the first axis of the first example, and of those of the same length, may have any length.

    Returns
    -------
    onnx.ModelProto
    """
    load()
    rows = _rows(examples, batch)
    with_batch = [batch and x.ndim > 0 and len(x) == len(examples[0]) for x in examples]
    first, second, more, single = (
        [_with_rows(x, n) if long else x for x, long in zip(examples, with_batch)]
        for n in (rows, rows + 1, 2 * rows + 1, 1)
    )
    recorded = for_any_size(f, name, rows, first, second)
    g = Graph(recorded, inputs, titles)
    outputs = _outputs(g, recorded, name)
    wanted = {v: title for title, v in reversed(outputs)}
    for step in recorded.steps:
        before, found = len(g.nodes), write(g, step)
        g.names.update(zip(step.op.outputs, found, strict=True))
        v = step.op.outputs[0]
        if v in wanted and len(found) == 1 and len(g.nodes) > before and g.nodes[-1].output[0] == found[0]:
            g.rename_last(v, wanted[v])
    for title, v in outputs:
        if g.of(v) != title:
            g.nodes.append(g.onnx.helper.make_node("Identity", [g.of(v)], [title], name=g.unique("Identity")))
    model = g.model(name, outputs)
    g.onnx.checker.check_model(model, full_check=True)
    for given in (more, single):
        try:
            with np.errstate(all="ignore"):
                expected = f(*given)
        except Exception:
            if given is more:
                raise
            continue  # a function may need several rows, and then its file may, too
        _compare(model, expected, name, dict(zip(inputs, given)), [title for title, _ in outputs])
    return model


def _outputs(g: Graph, recorded: ForAnySize, name: str) -> list[tuple[str, Value]]:
    """The results with their names: ``output``, ``output_0``, ``output_1_loss``."""
    outputs = []
    for v, path in zip(recorded.program.outputs, pytree.paths(recorded.traced.structure, "output"), strict=True):
        if isinstance(v, Tensor):  # a parameter, which nothing was computed from
            v, tensor = Value("state", v.shape, v.dtype), v
            recorded.shapes[v], recorded.arrays[v] = tensor.shape, tensor
        if not isinstance(v, Value):
            raise StructureError(f"export_onnx: {name} returns {v!r} as {path}; the results of a file are arrays.")
        outputs.append((g.unique(re.sub(r"\W+", "_", path).strip("_")), v))
    if not outputs:
        raise StructureError(f"export_onnx: {name} returns no array.")
    return outputs


def _rows(examples: Sequence[Any], batch: bool) -> int:
    if not batch:
        return 0
    if not examples or not examples[0].ndim or not len(examples[0]):
        given = f"the first example has shape {examples[0].shape}" if examples else "there is no example"
        raise ShapeError(
            f"export_onnx: {given}; its first axis must be the batch, with at least one row. Write x[None] for a "
            "single row, or give batch=False, which fixes all shapes."
        )
    return max(len(examples[0]), 2)  # an axis of length 1 would be broadcast


def _with_rows(x: Any, n: int) -> Any:
    """The example with n rows: its own ones again and again, each time smaller, so that no two floats are alike."""
    times, at = np.divmod(np.arange(n), len(x))
    y = x[at]
    return y if x.dtype.kind not in "fc" else (y / (times + 1).reshape(n, *[1] * (x.ndim - 1))).astype(x.dtype)


def _compare(model: Any, expected: Any, name: str, inputs: Mapping[str, Any], outputs: Sequence[str]) -> None:
    """Run the model on a batch of another size, and compare its answers with the function's."""
    try:
        found = run(model, inputs)
    except Exception as error:  # each runtime has its own
        raise _differ(name, f"the file stops with {error}") from error
    results, _ = pytree.flatten(expected)
    if len(results) != len(outputs):
        raise _differ(name, f"{len(outputs)} results and {len(results)}")
    for title, y in zip(outputs, results):
        right, answer = np.asarray(y.data if isinstance(y, Tensor) else y), found[title]
        if (answer.shape, answer.dtype) != (right.shape, right.dtype):
            raise _differ(name, f"{answer.dtype}{list(answer.shape)} and {right.dtype}{list(right.shape)} as {title!r}")
        allowed = _ROUNDING.get(right.dtype.char, 0) * np.max(np.abs(right), initial=0, where=np.isfinite(right))
        if not np.allclose(answer, right, rtol=0, atol=allowed, equal_nan=True):
            raise _differ(name, f"other numbers as {title!r}")


def _differ(name: str, what: str) -> UnsupportedError:
    return UnsupportedError(
        f"export_onnx: for a batch of another size {name} and its file give different answers: {what}. Something in it "
        "depends on the size of the batch, and not in a straight line; or a result is of rounding only. Nothing was "
        "written; batch=False fixes all shapes."
    )


def run(model: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The answers of a model, by onnxruntime if it is installed and can, else by ONNX's own evaluator.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff.compiler.onnx_file.model import run, to_onnx
    >>> model = to_onnx(lambda x: np.sin(x) * 2, "twice", [np.ones((3, 2))], ["x"], {}, True)
    >>> run(model, {"x": np.zeros((5, 2))})["output"].shape
    (5, 2)
    """
    titles = [y.name for y in model.graph.output]
    try:
        import onnxruntime
    except ImportError:
        onnxruntime = None
    if onnxruntime is not None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # it prints what it raises
        try:
            session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
        except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented as error:
            warnings.warn(
                f"onnxruntime {onnxruntime.__version__} cannot run this file, which is valid: {error}. It lacks some "
                "operations in float64 and float16, which it has in float32. The file was checked by ONNX's own "
                "evaluator.",
                stacklevel=2,
            )
        else:
            return dict(zip(titles, session.run(titles, dict(inputs))))
    from onnx.reference import ReferenceEvaluator

    return dict(zip(titles, ReferenceEvaluator(model).run(titles, dict(inputs))))
