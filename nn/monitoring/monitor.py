"""A monitor for a network in training: which layers receive gradients, which units are dead or saturated."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np

import autodiff as ad
from autodiff.typing import Array
from nn.layers.convolution import Conv1d, Conv2d
from nn.layers.dropout import Dropout
from nn.layers.flatten import Flatten
from nn.layers.pooling import AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d
from nn.module import Module
from nn.monitoring.measuring import Sample, measured, norm, units_of
from nn.monitoring.verdicts import RECENT, Track, Verdict, judge, overall
from nn.parameters import Parameter

_PASSING_ON = (Flatten, Dropout, MaxPool1d, MaxPool2d, AvgPool1d, AvgPool2d)  # they only pass a signal on


class Layer:
    """A layer that a `Monitor` watches, with its samples.

    Attributes
    ----------
    path, kind : str
        Its path in the model, and the name of its class.
    module : Module
    samples : list of Sample
        One for each watched batch.
    tied : str
        The path of an earlier layer that shares a parameter with it, or empty.
    """

    def __init__(self, path: str, module: Module, own: list[Parameter], tied: str) -> None:
        self.path, self.kind, self.module, self.tied = path, type(module).__name__, module, tied
        self.parameters = own
        self.samples: list[Sample] = []
        self.called: float = math.inf  # position in the order of calls
        self._active_at: Array | None = None  # for each unit of a rectifier, the last sample in which it was positive

    def track(self) -> Track:
        """The input of `judge`."""
        own = self.parameters
        frozen = bool(own) and not any(p.requires_grad for p in own)
        return Track(self.path, self.kind, sum(p.size for p in own), frozen, self.samples)

    def note_active(self, alive: Array) -> float:
        """Note which units of a rectifier are positive now; returns the fraction that has been 0 for some time."""
        now = len(self.samples)
        if self._active_at is None or self._active_at.shape != alive.shape:
            self._active_at = np.full(alive.shape, now - RECENT)
        self._active_at[alive] = now
        return np.count_nonzero(self._active_at <= now - min(RECENT, now + 1)) / alive.size


class Monitor:
    """Watches a model in training at every k-th batch, and judges the health of its layers.

    Parameters
    ----------
    every : int, default 25
        The distance between two watched batches; the first batch is always watched.

    Attributes
    ----------
    layers : list of Layer
        The layers in the order in which they run: all modules with parameters of their own, and modules without
        submodules that produce a signal (activations, but not dropout or pooling).
    batches : list of int
        The numbers of the watched batches, from 0.
    epochs : list of int
        The number of batches up to the end of each epoch of `fit`.
    verdicts : dict of str to Verdict
        The verdict on each layer by its path.
    verdict : Verdict
        The verdict on the whole model.

    Raises
    ------
    ValueError
        If `every` is not a positive integer.
    autodiff.StructureError
        If it is given a second model.

    Notes
    -----
    Pass the monitor to `fit` as a callback. In a loop of your own, put ``with monitor.watch(model):`` around the whole
    step (forward, backward, optimiser). At a watched batch, a hook on every layer keeps the output until the step is
    done; at other batches nothing happens.

    A function that is called inside ``forward`` (``nn.relu(x)``) is not a layer and is not seen; write it as a module.
    If a module is called several times in a forward pass, all its outputs are taken together. If an optimiser evaluates
    the loss several times (L-BFGS), only the first evaluation is seen. L-BFGS and Newton do not set gradients, so none
    are seen. A parameter that two layers use counts in both. A unit is an entry of the last axis, or a channel after a
    convolution.

    A compiled step (`ad.compile`) does not call the layers: the monitor sees its parameters, gradients and updates, but
    no activations, and the table says so.

    Thresholds: a signal or gradient is vanishing if it is a thousandth of that of other layers. It is exploding if it
    is a thousand times as large, or if every step changes the weights by half their size. A layer is dead if 70 % of
    its units are, and saturated if half of its outputs are. Gradients are compared by their root mean square, so that
    wide and narrow layers are comparable.

    References
    ----------
    X. Glorot, Y. Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010, section 4:
    activations and gradients layer by layer.

    Examples
    --------
    >>> import numpy as np, nn, optim
    >>> _ = nn.manual_seed(0)
    >>> x, y = nn.data.moons(200)
    >>> deep = nn.Sequential(*[m for _ in range(12) for m in (nn.Linear(2, 2), nn.Sigmoid())], nn.Linear(2, 2))
    >>> monitor = nn.Monitor(every=5)
    >>> _ = nn.fit(deep, optim.Adam(deep.parameters()), nn.cross_entropy, (x, y), epochs=2, callbacks=[monitor])
    >>> monitor.verdict.state, monitor.verdicts["0"].state, monitor.verdicts["24"].state
    ('vanishing', 'vanishing', 'vanishing')
    >>> monitor.series("gradient").shape  # watched batches, layers
    (3, 25)
    """

    def __init__(self, every: int = 25) -> None:
        if not isinstance(every, (int, np.integer)) or isinstance(every, bool) or every < 1:
            raise ValueError(f"Monitor: every must be a positive integer, a number of batches; {every!r} was given.")
        self.every = int(every)
        self.layers: list[Layer] = []
        self.batches: list[int] = []
        self.epochs: list[int] = []
        self._model: Module | None = None
        self._count = 0
        self._without_calls = 0

    def __call__(self, epoch: int, history: Any, model: Module) -> None:
        """Note the end of an epoch, as a callback of `fit`."""
        self.epochs.append(self._count)

    def watch(self, model: Module) -> AbstractContextManager[None]:
        """Context manager around one step on one batch; `fit` enters it.

        Examples
        --------
        >>> import numpy as np, nn, optim
        >>> model = nn.Linear(2, 1)
        >>> optimizer, monitor = optim.GradientDescent(model.parameters(), 0.1), nn.Monitor()
        >>> with monitor.watch(model):
        ...     _ = optimizer.step(lambda: nn.mse_loss(model(np.ones((4, 2))), np.ones((4, 1))))
        >>> monitor.batches
        [0]
        """
        if self._model is None:
            self._settle(model)
        elif model is not self._model:
            raise ad.StructureError(
                f"this Monitor watches a {type(self._model).__name__}; another model, a {type(model).__name__}, was "
                f"given. Make a Monitor for each model."
            )
        if ad.is_compiling():
            raise ad.CompileError(
                "a Monitor looks at values: put `with monitor.watch(model):` around the compiled step, not inside it."
            )
        number = self._count
        self._count += 1
        return nullcontext() if number % self.every else self._looking(number)

    def series(self, name: str) -> Array:
        """One of the numbers for every layer at every watched batch.

        Parameters
        ----------
        name : str
            A field of `Sample`: ``"weight"``, ``"gradient"``, ``"update"``, ``"ratio"``, ``"mean"``, ``"std"``,
            ``"largest"``, ``"spread"``, ``"silent"``, ``"dead"``, ``"saturated"``.

        Returns
        -------
        ndarray, (batches, layers)
            NaN where a layer has no such number.
        """
        known = [field for field in Sample._fields if field != "histogram"]
        if name not in known:
            raise KeyError(f"Monitor: there is no series {name!r}; the series are {', '.join(known)}.")
        values = [[getattr(sample, name) for sample in layer.samples] for layer in self.layers]
        return np.array(values, float).reshape(len(self.layers), -1).T

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """The verdict on each layer, by its path."""
        self._need_batches()
        return dict(zip((layer.path for layer in self.layers), judge(self._tracks()), strict=True))

    @property
    def verdict(self) -> Verdict:
        """The verdict on the whole model."""
        self._need_batches()
        tracks = self._tracks()
        return overall(tracks, judge(tracks))

    # --- watching ---------------------------------------------------------------------------------

    def _settle(self, model: Module) -> None:
        """Find the layers of the model."""
        if not isinstance(model, Module):
            raise TypeError(f"Monitor: a module is expected; a {type(model).__name__} was given.")
        owners: dict[int, str] = {}
        for path, module in model.named_modules():
            inner = tuple(f"{name}." for name, _ in module.children())
            own = [p for name, p in module.named_parameters() if not name.startswith(inner)]
            if own or not (inner or isinstance(module, _PASSING_ON)):
                tied = next((owners[id(p)] for p in own if id(p) in owners), "")
                owners |= {id(p): path for p in own if id(p) not in owners}
                self.layers.append(Layer(path, module, own, tied))
        self._model = model

    @contextmanager
    def _looking(self, number: int) -> Iterator[None]:
        model = self._model
        assert model is not None
        before = {id(p): p.data.copy() for layer in self.layers for p in layer.parameters}
        outputs: dict[int, list[Array]] = {}
        order: list[Layer] = []
        evaluated: list[bool] = []  # not empty once the model has run to its end

        def keeper(layer: Layer) -> Any:
            def keep(module: Module, inputs: Any, output: Any) -> None:
                while isinstance(output, (tuple, list)) and output:
                    output = output[0]
                # while a function is being compiled, outputs have no values
                if evaluated or ad.is_compiling() or not isinstance(output, ad.Tensor):
                    return
                y = output.data
                if y.dtype.kind in "fc" and y.size:
                    if id(layer) not in outputs:
                        order.append(layer)
                    outputs.setdefault(id(layer), []).append(y)

            return keep

        handles = [layer.module.register_hook("", keeper(layer), looks_only=True) for layer in self.layers]
        handles.append(model.register_hook("", lambda *_: evaluated.append(True), looks_only=True))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
        with np.errstate(all="ignore"):
            self._add(number, before, order, outputs)

    def _add(self, number: int, before: dict[int, Array], order: list[Layer], outputs: dict[int, list[Array]]) -> None:
        """Turn the kept outputs into a sample for each layer."""
        channels_first = False
        seen: dict[int, dict[str, Any]] = {}
        for place, layer in enumerate(order):
            if isinstance(layer.module, (Conv1d, Conv2d)):
                channels_first = True
            elif layer.parameters and layer.parameters[0].ndim > 1:
                channels_first = False
            found, alive = measured(units_of(outputs[id(layer)], channels_first), layer.module)
            if alive is not None:
                found["dead"] = layer.note_active(alive)
            seen[id(layer)] = found
            layer.called = min(layer.called, place)
        for layer in self.layers:
            found = seen.get(id(layer), {})
            if layer.parameters:
                found |= _norms(layer.parameters, before)
            layer.samples.append(Sample(**found))
        self.layers.sort(key=lambda layer: layer.called)
        self.batches.append(number)
        self._without_calls += not order

    # --- showing ----------------------------------------------------------------------------------

    def _tracks(self) -> list[Track]:
        return [layer.track() for layer in self.layers]

    def _need_batches(self) -> None:
        if not self.batches:
            raise ad.StructureError(
                "this Monitor has seen no batch. Give it to fit, nn.fit(..., callbacks=[monitor]), or put "
                "`with monitor.watch(model):` around a step; a step that ended in an error is not counted."
            )

    def _rows(self) -> list[tuple[str, ...]]:
        tracks = self._tracks()
        rows = []
        for layer, track, verdict in zip(self.layers, tracks, judge(tracks), strict=True):
            numbers = [track.recent(name) for name in ("weight", "gradient", "ratio", "mean", "spread")]
            lost = track.samples[-1].dead if not math.isnan(track.samples[-1].dead) else track.recent("saturated")
            share = "" if math.isnan(lost) else f"{lost:.0%}"
            tied = f"{layer.kind} (tied to {layer.tied})" if layer.tied else layer.kind
            cells = ("" if math.isnan(v) else f"{v:.2g}" for v in numbers)
            rows.append((layer.path or "model", tied, *cells, share, verdict.state))
        return rows

    def _summary(self) -> str:
        notes = ""
        if self._without_calls == len(self.batches):
            notes = "\nThe layers were not called (a compiled step): activations were not seen."
        elif self._without_calls:
            notes = f"\nAt {self._without_calls} batches the layers were not called: a compiled step."
        if all(math.isnan(track.recent("gradient")) for track in self._tracks()):
            notes += "\nNo gradients were seen: nothing learns, or the optimiser does not set them."
        return f"{len(self.batches)} of {self._count} batches watched. {self.verdict}.{notes}"

    def __str__(self) -> str:
        if not self.batches:
            return f"<Monitor(every={self.every}): no batch seen yet>"
        cells = [_HEADER, *self._rows()]
        widths = [max(len(row[i]) for row in cells) for i in range(len(_HEADER))]
        left = (0, 1, len(_HEADER) - 1)
        lines = [
            "  ".join(c.ljust(w) if i in left else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
            for row in cells
        ]
        return "\n".join([*(line.rstrip() for line in lines), self._summary()])

    __repr__ = __str__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str]:
        """For notebooks: the text, and the same table in HTML with curves of the gradients."""
        if not self.batches:
            return ad.display.bundle(str(self))
        curves = [ad.display.curve(values) for values in self.series("gradient").T]
        rows = [[*row, curve] for row, curve in zip(self._rows(), curves, strict=True)]
        return ad.display.bundle(str(self), ad.display.table([*_HEADER, "gradient, by batch"], rows, self._summary()))


_HEADER = ("layer", "kind", "weight", "gradient", "update/weight", "mean", "spread", "lost", "verdict")


def _norms(parameters: list[Parameter], before: dict[int, Array]) -> dict[str, float]:
    """Norms of a layer's parameters before the step, of their gradients and of their changes.

    A norm that is NaN becomes infinite, since NaN in a `Sample` means "not seen".
    """
    old = [before[id(p)] for p in parameters]
    changes = [p.data - b for p, b in zip(parameters, old, strict=True)]
    weight, update = _finite_or_infinite(norm(old)), _finite_or_infinite(norm(changes))
    gradients = [p.grad for p in parameters if p.requires_grad and p.grad is not None]
    return {
        "weight": weight,
        "update": update,
        "gradient": _finite_or_infinite(norm(gradients)) if gradients else math.nan,
        "ratio": update / weight if weight else math.nan,
    }


def _finite_or_infinite(size: float) -> float:
    return math.inf if math.isnan(size) else size
