"""The practical lower limit: each step written by hand for speed, with NumPy and known derivatives.

Buffers are allocated once and written with ``out=``, transposes are stored views, numbers are 0-d arrays of the
operands' dtype (half the cost of Python floats), and all parameters, gradients and moments lie in flat buffers, so
that an update takes only a few calls. Nothing is recorded and nothing is checked.
"""

from __future__ import annotations

from functools import partial

from benchmarks.peers.numpy_by_hand.chains import elementwise, long_chain
from benchmarks.peers.numpy_by_hand.convolutions import convolutional
from benchmarks.peers.numpy_by_hand.curvature import further_product, hessian_vector_product, rosenbrock_hessian
from benchmarks.peers.numpy_by_hand.networks import classification, regression
from benchmarks.peers.numpy_by_hand.recurrences import recurrent
from benchmarks.peers.numpy_by_hand.scalars import scalar
from benchmarks.peers.ordinary import by_hand as ordinary
from benchmarks.workloads import CHAIN_LENGTHS

STEPS = {
    "W1": scalar,
    "W2": partial(regression, "W2"),
    "W3": partial(classification, "W3"),
    "W4": partial(classification, "W4"),
    "W5": partial(convolutional, "W5"),
    "W6": elementwise,
    "W7": hessian_vector_product,
    "W7-further": further_product,
    "W7b": rosenbrock_hessian,
    "W8": partial(recurrent, "W8"),
    **{name: partial(long_chain, operations) for name, operations in CHAIN_LENGTHS.items()},
    **ordinary.STEPS,
}
