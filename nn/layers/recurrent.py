"""Layers that carry a state through a sequence: RNN, LSTM and GRU.

One matrix product before the loop over time multiplies all inputs by their weights. The loop itself is one operation of
the engine. Sequences have shape (n, time, features).
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike

import autodiff as ad
from autodiff import special
from nn.checks import positive, share
from nn.inputs import as_input, plain
from nn.layers.dropout import dropped
from nn.module import Module
from nn.parameters import Parameter
from nn.randomness import generator


def _backwards(x: Any) -> Any:
    """A sequence (n, time, features) with time running backwards."""
    return x[:, ::-1]


def _last(states: Any) -> Any:
    """The states after the last step."""
    return states.swapaxes(0, 1)[-1]  # time comes first in memory


class _Ends:
    """Where padded sequences end: what lies behind is never read, and comes out as 0."""

    def __init__(self, layer: Module, lengths: Any, shape: tuple[int, ...]) -> None:
        n, time, _ = shape
        at = plain(lengths)
        if at.shape != (n,):
            raise ad.ShapeError(
                f"{layer!r}: lengths must have shape (n,), here ({n},), the number of steps of each sequence; shape "
                f"{at.shape} was given."
            )
        if at.dtype.kind not in "iu":
            raise ad.DtypeError(
                f"{layer!r}: lengths must be integers; dtype {at.dtype} was given. If their values are integers, use "
                f".astype(int); of a Boolean mask (n, time) the lengths are mask.sum(axis=1)."
            )

        def check(lengths: Any) -> None:
            wrong = (lengths < 1) | (lengths > time)
            if wrong.any():
                raise ad.DomainError(
                    f"{layer!r}: lengths must be from 1 to {time}, the number of steps of x; {lengths[wrong][0]} was "
                    f"given. Leave sequences without a step out of the batch."
                )

        ad.check(check, at)
        at = at.astype(np.int64)  # of unsigned integers the differences would be floats
        self._rows, self._end = np.arange(n), at - 1
        steps = np.arange(time)
        self._within = steps < at[:, None]
        self._mirrored = np.where(self._within, at[:, None] - 1 - steps, steps)

    def silenced(self, x: Any) -> Any:
        """The sequences with zeros after their ends; `np.where` also stops NaN, in values and in gradients."""
        return np.where(self._within[:, :, None], x, 0.0)

    def extinguished(self, x: Any) -> Any:
        """What enters a ReLU, so negative after the ends that the states are 0 there."""
        return np.where(self._within[:, :, None], x, -float(np.finfo(x.dtype).max) / 4)

    def backwards(self, x: Any) -> Any:
        """Each sequence backwards from its own end; the padding stays where it is."""
        return x[self._rows[:, None], self._mirrored]

    def last(self, states: Any) -> Any:
        """The state after the last step of each sequence."""
        return states[self._rows, self._end]


class _Recurrent(Module):
    """Stacked layers, in one direction or in both."""

    torch_transposes = ("weight_",)

    gates: ClassVar[int]
    states: ClassVar[int] = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        dropout: float = 0.0,
        bidirectional: bool = False,
        dtype: DTypeLike = np.float32,
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        positive(who, input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        share(who, dropout=dropout)
        self.input_size, self.hidden_size, self.num_layers = int(input_size), int(hidden_size), int(num_layers)
        self.bias, self.dropout, self.bidirectional = bool(bias), float(dropout), bool(bidirectional)
        self.dtype, self.rng = np.dtype(dtype), rng
        draw, bound = generator(rng), 1 / math.sqrt(hidden_size)
        wide = self.gates * self.hidden_size
        for layer, suffix in self._cells():
            size = self.input_size if layer == 0 else self.hidden_size * (1 + self.bidirectional)
            shapes: dict[str, tuple[int, ...]] = {"weight_ih": (size, wide), "weight_hh": (self.hidden_size, wide)}
            if bias:
                shapes |= {"bias_ih": (wide,), "bias_hh": (wide,)}
            for name, shape in shapes.items():
                setattr(self, f"{name}_l{layer}{suffix}", Parameter(draw.uniform(-bound, bound, shape).astype(dtype)))

    def _cells(self) -> list[tuple[int, str]]:
        suffixes = ("", "_reverse") if self.bidirectional else ("",)
        return [(layer, suffix) for layer in range(self.num_layers) for suffix in suffixes]

    def _run(self, x: Any, given: Any, lengths: Any) -> tuple[ad.Tensor, tuple[ad.Tensor, ...]]:
        """The outputs of the last layer, and all final states: (layers * directions, n, hidden)."""
        x = as_input(x, self.dtype)
        if x.ndim != 3 or x.shape[2] != self.input_size or x.shape[1] == 0:
            raise ad.ShapeError(
                f"{self!r} takes sequences of shape (n, time, {self.input_size}), with at least one step; it was given "
                f"shape {x.shape}."
            )
        start = self._start(given, x.shape[0])
        ends = None if lengths is None else _Ends(self, lengths, x.shape)
        x = x if ends is None else ends.silenced(x)
        last: list[tuple[Any, ...]] = []
        outputs: list[Any] = []
        for number, (layer, suffix) in enumerate(self._cells()):
            if suffix == "" and layer:
                x = outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=2)
                if self.dropout and self.training:
                    x = dropped(x, self.dropout, self.rng)
            if suffix == "":
                outputs = []
            turned = _backwards if ends is None else ends.backwards
            after = self._cell(turned(x) if suffix else x, tuple(s[number] for s in start), f"_l{layer}{suffix}", ends)
            last.append(tuple(_last(s) if ends is None else ends.last(s) for s in after))
            output = turned(after[0]) if suffix else after[0]
            outputs.append(output if ends is None else ends.silenced(output))
        y: Any = outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=2)
        final: tuple[Any, ...] = tuple(np.stack(s) for s in zip(*last, strict=True))
        return y, final

    def _start(self, given: Any, n: int) -> tuple[Any, ...]:
        """The initial states: those given, or zeros."""
        shape = (len(self._cells()), n, self.hidden_size)
        if given is None:
            return (np.zeros(shape, self.dtype),) * self.states
        given = (given,) if self.states == 1 else tuple(given)
        states = tuple(as_input(s, self.dtype) for s in given)
        if len(states) != self.states or any(s.shape != shape for s in states):
            raise ad.ShapeError(
                f"{self!r}: {'the state has' if self.states == 1 else 'state and cell have'} shape (layers * "
                f"directions, n, hidden), here {shape}; {', '.join(str(s.shape) for s in states)} was given."
            )
        return states

    def _weights(self, where: str) -> tuple[Any, Any, Any, Any]:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        w_ih, w_hh, b_ih, b_hh = (getattr(self, name + where, None) for name in names)
        return w_ih, w_hh, b_ih, b_hh

    def _cell(self, x: Any, start: tuple[Any, ...], where: str, ends: _Ends | None) -> tuple[Any, ...]:
        raise NotImplementedError

    def describe(self) -> str:
        """Sizes, and options that are not the defaults."""
        text = f"{self.input_size}, {self.hidden_size}"
        for name, default in (("num_layers", 1), ("bias", True), ("dropout", 0.0), ("bidirectional", False)):
            value = getattr(self, name)
            text += f", {name}={value}" if value != default else ""
        return text


class RNN(_Recurrent):
    """The simple recurrent network: ``h = tanh(x @ w_ih + b_ih + h @ w_hh + b_hh)`` at each step.

    Parameters
    ----------
    input_size, hidden_size : int
        Number of features of an input, and of a state.
    num_layers : int, default 1
        Number of stacked layers; each after the first takes the states of the previous one as input.
    nonlinearity : {"tanh", "relu"}
        The activation function.
    bias : bool, default True
        Whether to add biases.
    dropout : float, default 0
        In training, the probability that an entry is set to 0 between one layer and the next.
    bidirectional : bool, default False
        Whether each layer also reads the sequence backwards; the states of both directions are concatenated.
    dtype : dtype, default float32
        Dtype of the parameters; untracked input is cast to it.
    rng : numpy.random.Generator, optional
        Generator of the initial values and of dropout; this thread's generator (`nn.manual_seed`) if not given.

    Attributes
    ----------
    weight_ih_l0 : Parameter, (input_size, hidden_size)
    weight_hh_l0 : Parameter, (hidden_size, hidden_size)
    bias_ih_l0, bias_hh_l0 : Parameter, (hidden_size,)
        And so on for ``l1``, ...; with ``_reverse`` for the backward direction.

    Raises
    ------
    ValueError
        If `nonlinearity` is neither "tanh" nor "relu".
    autodiff.ShapeError
        When called: if the input is not (n, time, input_size), or the state does not fit it.

    Notes
    -----
    Called with ``x`` (n, time, input_size) and, optionally, the initial state (layers * directions, n, hidden_size), it
    returns all states of the last layer (n, time, directions * hidden_size) and the final state of every layer. All
    parameters are initialised uniformly in +-1/sqrt(hidden_size), as in torch.

    ``lengths=`` (n,) gives padded sequences their own numbers of steps, each at least 1. What lies behind the end of a
    sequence is not read. The outputs there are 0, and the final state is that after its own last step, at which the
    backward direction begins: the results are those of the sequences without padding, one by one.

    References
    ----------
    J. L. Elman, "Finding structure in time", Cognitive Science 14 (1990).

    Examples
    --------
    >>> import numpy as np, nn
    >>> y, h = nn.RNN(3, 5, num_layers=2)(np.ones((4, 7, 3)))
    >>> y.shape, h.shape
    ((4, 7, 5), (2, 4, 5))
    >>> y, h = nn.RNN(3, 5)(np.ones((2, 7, 3)), lengths=[7, 2])
    >>> bool((y.data[1, 2:] == 0).all()), bool((h.data[0, 1] == y.data[1, 1]).all())
    (True, True)
    """

    gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        dropout: float = 0.0,
        bidirectional: bool = False,
        dtype: DTypeLike = np.float32,
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNN: nonlinearity must be 'tanh' or 'relu'; {nonlinearity!r} was given.")
        super().__init__(input_size, hidden_size, num_layers, bias, dropout, bidirectional, dtype, rng=rng)
        self.nonlinearity = nonlinearity

    @property
    def _is_rectifier(self) -> bool:
        """Whether the bend is ReLU."""
        return self.nonlinearity == "relu"

    @property
    def _output_bounds(self) -> tuple[float, float] | None:
        """Those of tanh, if that is the bend."""
        return None if self._is_rectifier else (-1.0, 1.0)

    def forward(self, x: Any, state: Any = None, *, lengths: Any = None) -> tuple[ad.Tensor, ad.Tensor]:
        """Map (n, time, input_size) to all states of the last layer and the final states."""
        y, (h,) = self._run(x, state, lengths)
        return y, h

    def _cell(self, x: Any, start: tuple[Any, ...], where: str, ends: _Ends | None) -> tuple[Any, ...]:
        w_ih, w_hh, b_ih, b_hh = self._weights(where)
        x = x.swapaxes(0, 1)  # time first, so that the data of one step are contiguous
        given = x @ w_ih if b_ih is None else special.affine(x, w_ih, b_ih + b_hh)
        given = given.swapaxes(0, 1)
        bend: Any = self.nonlinearity
        if ends is not None and bend == "relu":  # its states have no bound: behind the end they would grow to infinity
            given = ends.extinguished(given)
        return (special.rnn(given, start[0], w_hh, nonlinearity=bend),)

    def describe(self) -> str:
        """Sizes, and options that are not the defaults."""
        return super().describe() + ("" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity!r}")


class LSTM(_Recurrent):
    """Long short-term memory: a cell with an input, a forget and an output gate.

    Parameters
    ----------
    input_size, hidden_size : int
        Number of features of an input, and of a state.
    num_layers : int, default 1
        Number of stacked layers; each after the first takes the states of the previous one as input.
    bias : bool, default True
        Whether to add biases.
    dropout : float, default 0
        In training, the probability that an entry is set to 0 between one layer and the next.
    bidirectional : bool, default False
        Whether each layer also reads the sequence backwards; the states of both directions are concatenated.
    dtype : dtype, default float32
        Dtype of the parameters; untracked input is cast to it.
    rng : numpy.random.Generator, optional
        Generator of the initial values and of dropout; this thread's generator (`nn.manual_seed`) if not given.

    Attributes
    ----------
    weight_ih_l0 : Parameter, (input_size, 4 * hidden_size)
        The weights of the gates i, f, g, o, side by side.
    weight_hh_l0 : Parameter, (hidden_size, 4 * hidden_size)
    bias_ih_l0, bias_hh_l0 : Parameter, (4 * hidden_size,)
        And so on for ``l1``, ...; with ``_reverse`` for the backward direction.

    Raises
    ------
    autodiff.ShapeError
        When called: if the input is not (n, time, input_size), or state and cell do not fit it.
    ValueError
        If a size is not a positive integer.

    Notes
    -----
    With ``i, f, g, o = x @ w_ih + b_ih + h @ w_hh + b_hh`` the cell becomes ``sigmoid(f) * c + sigmoid(i) * tanh(g)``
    and the state ``sigmoid(o) * tanh(c)``. Called with ``x`` (n, time, input_size) and, optionally, the pair of initial
    state and cell (layers * directions, n, hidden_size), it returns all states of the last layer and the pair of final
    states and cells. ``lengths=`` is as for `RNN`. All parameters are initialised uniformly in +-1/sqrt(hidden_size),
    as in torch.

    References
    ----------
    S. Hochreiter and J. Schmidhuber, Long short-term memory, 1997; the gate f: F. A. Gers et al., Learning to forget,
    2000.

    Examples
    --------
    >>> import numpy as np, nn
    >>> y, (h, c) = nn.LSTM(3, 5, bidirectional=True)(np.ones((4, 7, 3)))
    >>> y.shape, h.shape, c.shape
    ((4, 7, 10), (2, 4, 5), (2, 4, 5))
    """

    _output_bounds = (-1.0, 1.0)
    gates = 4
    states = 2

    def forward(
        self, x: Any, state: Any = None, *, lengths: Any = None
    ) -> tuple[ad.Tensor, tuple[ad.Tensor, ad.Tensor]]:
        """Map (n, time, input_size) to all states of the last layer, and the final states and cells."""
        y, (h, c) = self._run(x, state, lengths)
        return y, (h, c)

    def _cell(self, x: Any, start: tuple[Any, ...], where: str, ends: _Ends | None) -> tuple[Any, ...]:
        w_ih, w_hh, b_ih, b_hh = self._weights(where)
        given = x @ w_ih if b_ih is None else special.affine(x, w_ih, b_ih + b_hh)
        after: tuple[Any, ...] = special.lstm(given, start[0], start[1], w_hh)
        return after


class GRU(_Recurrent):
    """The gated recurrent unit: a gate decides how far the state moves towards a new one.

    Parameters
    ----------
    input_size, hidden_size : int
        Number of features of an input, and of a state.
    num_layers : int, default 1
        Number of stacked layers; each after the first takes the states of the previous one as input.
    bias : bool, default True
        Whether to add biases.
    dropout : float, default 0
        In training, the probability that an entry is set to 0 between one layer and the next.
    bidirectional : bool, default False
        Whether each layer also reads the sequence backwards; the states of both directions are concatenated.
    dtype : dtype, default float32
        Dtype of the parameters; untracked input is cast to it.
    rng : numpy.random.Generator, optional
        Generator of the initial values and of dropout; this thread's generator (`nn.manual_seed`) if not given.

    Attributes
    ----------
    weight_ih_l0 : Parameter, (input_size, 3 * hidden_size)
        The weights of r, z, n, side by side.
    weight_hh_l0 : Parameter, (hidden_size, 3 * hidden_size)
    bias_ih_l0, bias_hh_l0 : Parameter, (3 * hidden_size,)
        And so on for ``l1``, ...; with ``_reverse`` for the backward direction.

    Raises
    ------
    autodiff.ShapeError
        When called: if the input is not (n, time, input_size), or the state does not fit it.
    ValueError
        If a size is not a positive integer.

    Notes
    -----
    With ``a = x @ w_ih + b_ih`` and ``b = h @ w_hh + b_hh`` the state becomes ``(1 - z) * n + z * h``, where
    ``r = sigmoid(a_r + b_r)``, ``z = sigmoid(a_z + b_z)`` and ``n = tanh(a_n + r * b_n)``: the gate r multiplies the
    product, as in torch, not the state, as in the paper. Arguments, results and initial values are as for `RNN`.

    References
    ----------
    K. Cho et al., Learning phrase representations using RNN encoder-decoder, 2014, equations (5) to (8).

    Examples
    --------
    >>> import numpy as np, nn
    >>> y, h = nn.GRU(3, 5)(np.ones((4, 7, 3)))
    >>> y.shape, h.shape
    ((4, 7, 5), (1, 4, 5))
    """

    _output_bounds = (-1.0, 1.0)
    gates = 3

    def forward(self, x: Any, state: Any = None, *, lengths: Any = None) -> tuple[ad.Tensor, ad.Tensor]:
        """Map (n, time, input_size) to all states of the last layer and the final states."""
        y, (h,) = self._run(x, state, lengths)
        return y, h

    def _cell(self, x: Any, start: tuple[Any, ...], where: str, ends: _Ends | None) -> tuple[Any, ...]:
        w_ih, w_hh, b_ih, b_hh = self._weights(where)
        given = x @ w_ih if b_ih is None else special.affine(x, w_ih, b_ih)
        own = np.zeros(w_hh.shape[1], w_hh.dtype) if b_hh is None else b_hh
        return (special.gru(given, start[0], own, w_hh),)
