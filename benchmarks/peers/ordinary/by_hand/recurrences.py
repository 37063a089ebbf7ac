"""Long short-term memory, with time as the first axis and one product for the inputs of all steps."""

from __future__ import annotations

import numpy as np

from benchmarks.peers import Step
from benchmarks.peers.numpy_by_hand.buffers import number
from benchmarks.peers.ordinary.data import GIVEN

ONE = number(1)


def lstm_cell(name: str) -> Step:
    """The gates i, f, o and the candidate g lie side by side, so that one call serves the three sigmoids."""
    (inputs, target), (by_input, by_state, bias) = GIVEN[name]()
    x = np.ascontiguousarray(inputs.swapaxes(0, 1))
    time, n, d = x.shape
    k = target.shape[1]
    x = x.reshape(-1, d)
    part, zs = np.empty((time, n, 4 * k), np.float32), np.empty((time, n, 4 * k), np.float32)
    slope = np.empty_like(part)
    cells, states = np.zeros((time + 1, n, k), np.float32), np.zeros((time + 1, n, k), np.float32)
    bent, bend = np.empty((time, n, k), np.float32), np.empty((time, n, k), np.float32)
    product, room = np.empty((n, 4 * k), np.float32), np.empty((n, k), np.float32)
    h_ct, c_ct, back = np.empty((n, k), np.float32), np.empty((n, k), np.float32), np.empty((4 * k, k), np.float32)
    gradient = [np.empty_like(p) for p in (by_input, by_state, bias)]
    rows, z_rows = part.reshape(-1, 4 * k), zs.reshape(-1, 4 * k)
    x_t, states_t = x.T, states[:-1].reshape(-1, k).T
    thirds = [slice(j * k, (j + 1) * k) for j in range(4)]
    forwards = [
        (
            *(states[t], states[t + 1], cells[t], cells[t + 1], bent[t], part[t], part[t][:, : 3 * k]),
            *(part[t][:, j] for j in thirds),
        )
        for t in range(time)
    ]
    backwards = [
        (
            *(cells[t], bent[t], bend[t], slope[t], zs[t]),
            *(part[t][:, j] for j in thirds),
            *(zs[t][:, j] for j in thirds),
        )
        for t in reversed(range(time))
    ]
    gates, candidates = part[:, :, : 3 * k], part[:, :, 3 * k :]
    gate_slope, candidate_slope = slope[:, :, : 3 * k], slope[:, :, 3 * k :]
    scale = number(2 / target.size)

    def run() -> float:
        np.dot(x, by_input, rows)
        np.add(rows, bias, rows)
        for h, after, c, cell, tanh_c, z, sigmoids, i, f, o, g in forwards:
            np.dot(h, by_state, product)
            np.add(z, product, z)
            np.negative(sigmoids, sigmoids)
            np.exp(sigmoids, sigmoids)
            np.add(sigmoids, ONE, sigmoids)
            np.divide(ONE, sigmoids, sigmoids)
            np.tanh(g, g)
            np.multiply(f, c, cell)
            np.multiply(i, g, room)
            np.add(cell, room, cell)
            np.tanh(cell, tanh_c)
            np.multiply(o, tanh_c, after)
        np.subtract(ONE, gates, gate_slope)
        np.multiply(gate_slope, gates, gate_slope)
        np.multiply(candidates, candidates, candidate_slope)
        np.subtract(ONE, candidate_slope, candidate_slope)
        np.multiply(bent, bent, bend)
        np.subtract(ONE, bend, bend)
        np.subtract(states[-1], target, h_ct)
        loss = float(np.vdot(h_ct, h_ct)) / target.size
        np.multiply(h_ct, scale, h_ct)
        c_ct.fill(0)
        np.copyto(back, by_state.T)
        for c, tanh_c, tanh_slope, slopes, z_ct, i, f, o, g, i_ct, f_ct, o_ct, g_ct in backwards:
            np.multiply(h_ct, tanh_c, o_ct)
            np.multiply(h_ct, o, room)
            np.multiply(room, tanh_slope, room)
            np.add(c_ct, room, c_ct)
            np.multiply(c_ct, g, i_ct)
            np.multiply(c_ct, i, g_ct)
            np.multiply(c_ct, c, f_ct)
            np.multiply(c_ct, f, c_ct)
            np.multiply(z_ct, slopes, z_ct)
            np.dot(z_ct, back, h_ct)
        np.dot(x_t, z_rows, gradient[0])
        np.dot(states_t, z_rows, gradient[1])
        np.add.reduce(z_rows, 0, None, gradient[2])
        return loss

    return Step(run, lambda: gradient)
