"""A model as a table: for each layer, the shape of its output and its number of parameters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any, NamedTuple, Protocol

import numpy as np

import autodiff as ad


class Model(Protocol):
    """The methods of a module that a summary needs."""

    def __call__(self, x: Any) -> Any: ...
    def named_modules(self) -> Iterator[tuple[str, Any]]: ...
    def parameters(self) -> list[Any]: ...
    def modes_kept(self) -> AbstractContextManager[None]: ...
    def eval(self) -> Any: ...
    def _named_state(self) -> Iterator[tuple[str, Any]]: ...


class Row(NamedTuple):
    """One layer of a `Summary`.

    Attributes
    ----------
    path : str
        The path of the layer in the model.
    kind : str
        The name of its class.
    output : str
        The shape of its last output, several in parentheses; empty if it was not called.
    parameters : int
        The number of entries of its own parameters; shared ones count where they come first.
    nbytes : int
        Bytes of its own parameters and buffers.
    """

    path: str
    kind: str
    output: str
    parameters: int
    nbytes: int


class Summary(NamedTuple):
    """The result of `Module.summary`; it prints as a table.

    Attributes
    ----------
    rows : tuple of Row
        One for each layer: the modules without submodules, and those with parameters of their own.
    trainable : int
        The number of entries of parameters that are not frozen.

    Examples
    --------
    >>> import nn
    >>> summary = nn.Linear(2, 3).summary((1, 2))
    >>> summary.parameters, summary.trainable
    (9, 9)
    """

    rows: tuple[Row, ...]
    trainable: int

    @property
    def parameters(self) -> int:
        """The number of entries of all parameters."""
        return sum(r.parameters for r in self.rows)

    @property
    def nbytes(self) -> int:
        """Bytes of all parameters and buffers."""
        return sum(r.nbytes for r in self.rows)

    def __str__(self) -> str:
        cells = [("layer", "kind", "output", "parameters", "bytes")]
        cells += [(r.path, r.kind, r.output, f"{r.parameters:,}", f"{r.nbytes:,}") for r in self.rows]
        cells += [("total", "", "", f"{self.parameters:,}", f"{self.nbytes:,}")]
        widths = [max(len(row[i]) for row in cells) for i in range(5)]
        lines = [
            "  ".join(c.ljust(w) if i < 3 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
            for row in cells
        ]
        frozen = self.parameters - self.trainable
        return "\n".join([*lines, f"{self.trainable:,} trainable" + (f", {frozen:,} frozen" if frozen else "")])

    def __repr__(self) -> str:
        return str(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str]:
        """For notebooks: the text, and the same table in HTML."""
        header = ["layer", "kind", "output", "parameters", "bytes"]
        rows = [*self.rows, ("total", "", f"{self.trainable:,} trainable", self.parameters, self.nbytes)]
        return ad.display.bundle(str(self), ad.display.table(header, rows))


def summarize(model: Model, x: Any) -> Summary:
    """Run the model once and note the shapes of all outputs."""
    state = list(model._named_state())
    trained = {id(p) for p in model.parameters()}
    if isinstance(x, tuple) and all(isinstance(n, (int, np.integer)) for n in x):
        dtypes = [p.dtype for _, p in state if p.dtype.kind in "fc"]
        x = np.zeros(x, dtypes[0] if dtypes else np.float32)
    outputs: dict[int, Any] = {}
    with ExitStack() as watching:
        for _, m in model.named_modules():
            look = m.register_hook("", lambda m, _, y: outputs.__setitem__(id(m), y), looks_only=True)
            watching.enter_context(look)
        with model.modes_kept(), ad.no_grad():
            model.eval()
            model(x)
    rows = []
    for path, module in model.named_modules():
        prefix = f"{path}." if path else ""
        inner = {f"{prefix}{name}." for name, _ in module.children()}
        own = [p for name, p in state if name.startswith(prefix) and not any(name.startswith(other) for other in inner)]
        if own or not inner:
            numbers = sum(p.size for p in own if id(p) in trained)
            shape = _shapes(outputs[id(module)]) if id(module) in outputs else ""
            rows.append(Row(path, type(module).__name__, shape, numbers, sum(p.nbytes for p in own)))
    return Summary(tuple(rows), sum(p.size for _, p in state if p.requires_grad))


def _shapes(y: Any) -> str:
    if isinstance(y, (tuple, list)):
        return "(" + ", ".join(_shapes(v) for v in y) + ")"
    return str(tuple(np.shape(y)))
