"""Many directions at once: both Jacobians of every row equal each other and single pullbacks, row by row."""

import numpy as np
import pytest

import autodiff as ad
from tests.op_cases import ALL
from tests.op_cases.checks import assert_close, on_calls, problem, slope_size
from tests.op_cases.tolerances import DERIVATIVE

RTOL = DERIVATIVE[np.dtype(np.float64)]


@pytest.mark.parametrize("case", [c for c in ALL if c.real], ids=str)
def test_jacobians_equal_stacked_pullbacks(case):
    def check(call):
        here = problem(case, call)
        size = slope_size(here)
        numbers = tuple(range(len(here.leaves)))
        outputs, pullback = ad.vjp(here.call, *here.leaves)
        forward = ad.jacobian(here.call, numbers, mode="forward")(*here.leaves)
        reverse = ad.jacobian(here.call, numbers, mode="reverse")(*here.leaves)
        for k, y in enumerate(outputs):
            for i, x in enumerate(here.leaves):
                shape = np.shape(y) + np.shape(x)
                assert forward[k][i].shape == shape
                assert reverse[k][i].shape == shape
                assert_close(forward[k][i], reverse[k][i], RTOL, size=size, what=f"result {k} by operand {i}")
        rows = stacked(pullback, outputs)
        for k, y in enumerate(outputs):
            for i, x in enumerate(here.leaves):
                block = np.reshape([row[i] for row in rows[k]], np.shape(y) + np.shape(x))
                # the gradient of a real operand is real: a pullback brings back the real part of a complex slope
                expected = reverse[k][i].real if np.isrealobj(x) else reverse[k][i]
                assert_close(expected, block, RTOL, size=size, what=f"result {k} by operand {i}")

    on_calls(case, check, 0.3)


def stacked(pullback, outputs):
    """For every result the pullbacks of its unit vectors."""
    rows = []
    for k, y in enumerate(outputs):
        rows.append([])
        for entry in range(np.size(y)):
            cts = [np.zeros(np.shape(v), v.dtype) for v in outputs]
            cts[k].reshape(-1)[entry] = 1
            rows[k].append(pullback(cts))
    return rows
