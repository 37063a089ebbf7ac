"""All tolerances of the op suite, by dtype. Loosen none without a written reason beside it."""

import numpy as np

VALUE = {
    np.dtype(np.float64): 1e-13,
    np.dtype(np.complex128): 1e-13,
    np.dtype(np.float32): 2e-6,
    np.dtype(np.complex64): 2e-6,
}
"""Relative: our value against NumPy's. Sums in another order, a mean as sum over count, differ in the last digits."""

DERIVATIVE = {
    np.dtype(np.float64): 1e-12,
    np.dtype(np.complex128): 1e-12,
    np.dtype(np.float32): 1e-5,
    np.dtype(np.complex64): 1e-5,
}
"""Relative to the largest entry: one sweep against the other, or one precision against double."""

DIFFERENCES = 1e-7
"""Relative: a rule against extrapolated differences."""

COMPLEX_STEP = 1e-8
"""Relative: a rule against a complex step, which has no cancellation."""
