"""W8: a recurrent layer, unrolled; time is the first axis, so that each step is contiguous."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.peers import Step
from benchmarks.peers.numpy_by_hand.buffers import number
from benchmarks.workloads import Array, task

ONE = number(1)


def recurrent(name: str) -> Step:
    """W8."""
    inputs, targets, parameters, _ = task(name)
    return recurrence([inputs, targets], parameters)


def recurrence(given: Sequence[Array], parameters: Sequence[Array]) -> Step:
    """The loss of the last state, and the gradients of both weights and of the bias."""
    (inputs, targets), (by_input, by_state, bias) = given, parameters
    x = np.ascontiguousarray(inputs.swapaxes(0, 1))
    time, n, d = x.shape
    h = len(by_state)
    x = x.reshape(-1, d)
    given, zs = np.empty((time, n, h), np.float32), np.empty((time, n, h), np.float32)
    slope = np.empty_like(given)
    states = np.zeros((time + 1, n, h), np.float32)
    ct, back = np.empty((n, h), np.float32), np.empty((h, h), np.float32)
    by_input_grad, by_state_grad, bias_grad = np.empty_like(by_input), np.empty_like(by_state), np.empty_like(bias)
    rows, z_rows = given.reshape(-1, h), zs.reshape(-1, h)
    before_t, x_t = states[:-1].reshape(-1, h).T, x.T
    forwards = [(states[t], states[t + 1], given[t]) for t in range(time)]
    backwards = [(slope[t], zs[t]) for t in range(time)][::-1]
    scale = number(2 / ct.size)

    def run() -> float:
        np.dot(x, by_input, rows)
        np.add(rows, bias, rows)
        for before, after, part in forwards:
            np.dot(before, by_state, after)
            np.add(after, part, after)
            np.tanh(after, after)
        np.multiply(states[1:], states[1:], slope)
        np.subtract(ONE, slope, slope)
        np.subtract(states[-1], targets, ct)
        loss = float(np.vdot(ct, ct)) / ct.size
        np.multiply(ct, scale, ct)
        np.copyto(back, by_state.T)  # a contiguous copy, which fifty products read row by row
        for s, z in backwards:
            np.multiply(ct, s, z)
            np.dot(z, back, ct)
        np.dot(x_t, z_rows, by_input_grad)
        np.dot(before_t, z_rows, by_state_grad)
        np.add.reduce(z_rows, 0, None, bias_grad)
        return loss

    return Step(run, lambda: [by_input_grad, by_state_grad, bias_grad])
