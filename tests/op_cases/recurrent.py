"""Rows for autodiff/ops/recurrent.py, with a loop over time as reference."""

import numpy as np

from autodiff import special
from autodiff.ops import recurrent
from tests.op_cases.case import INSIDE, REAL, Case, Interval

POSITIVE = Interval(0.2, 1.0)  # so that no step of a relu stops


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def plain_rnn(x, h, w, nonlinearity):
    states = []
    for t in range(x.shape[1]):
        z = x[:, t] + h @ w
        h = np.tanh(z) if nonlinearity == "tanh" else np.maximum(z, 0)
        states.append(h)
    return np.stack(states, 1)


def plain_lstm(x, h, c, w):
    states, cells = [], []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] + h @ w, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
        cells.append(c)
    return np.stack(states, 1), np.stack(cells, 1)


def plain_gru(x, h, b, w):
    states = []
    for t in range(x.shape[1]):
        (xr, xz, xn), (hr, hz, hn) = np.split(x[:, t], 3, axis=-1), np.split(h @ w + b, 3, axis=-1)
        z = sigmoid(xz + hz)
        h = (1 - z) * np.tanh(xn + sigmoid(xr + hr) * hn) + z * h
        states.append(h)
    return np.stack(states, 1)


def shapes(gates, states, bias=False):
    return [
        ((n, time, gates * h), *[(n, h)] * states, *([(gates * h,)] if bias else []), (h, gates * h))
        for n, time, h in [(2, 3, 2), (1, 1, 1), (2, 1, 2), (1, 4, 1), (0, 2, 2)]
    ]


CASES = [
    Case(
        "rnn",
        special.rnn,
        (REAL, INSIDE, INSIDE),
        (recurrent.rnn,),
        shapes=shapes(1, 1),
        keywords=lambda pick, *_: {"nonlinearity": "tanh"},
        reference=plain_rnn,
    ),
    Case(
        "rnn_relu",
        special.rnn,
        (POSITIVE, POSITIVE, POSITIVE),
        (recurrent.rnn,),
        shapes=shapes(1, 1),
        keywords=lambda pick, *_: {"nonlinearity": "relu"},
        reference=plain_rnn,
    ),
    Case(
        "lstm",
        special.lstm,
        (REAL, INSIDE, REAL, INSIDE),
        (recurrent.lstm,),
        shapes=shapes(4, 2),
        reference=plain_lstm,
    ),
    Case(
        "lstm_states",
        lambda *operands: special.lstm(*operands)[0],
        (REAL, INSIDE, REAL, INSIDE),
        (recurrent.lstm,),
        shapes=shapes(4, 2)[:3],
        reference=lambda *operands: plain_lstm(*operands)[0],
    ),
    Case(
        "lstm_cells",
        lambda *operands: special.lstm(*operands)[1],
        (REAL, INSIDE, REAL, INSIDE),
        (recurrent.lstm,),
        shapes=shapes(4, 2)[:3],
        reference=lambda *operands: plain_lstm(*operands)[1],
    ),
    Case(
        "gru",
        special.gru,
        (REAL, INSIDE, REAL, INSIDE),
        (recurrent.gru,),
        shapes=shapes(3, 1, bias=True),
        reference=plain_gru,
    ),
]
