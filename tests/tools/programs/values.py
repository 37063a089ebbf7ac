"""The arrays of a random program: numbers by a seed, laid out in memory in one of several ways."""

import numpy as np

LAYOUTS = ("C", "F", "swapped", "reversed", "strided", "readonly", "broadcast")


def values(seed, shape, dtype="float64", layout="C", hard=False):
    """Numbers between -1.5 and 1.5, hard ones with NaN and infinity; booleans; integers that are 0 and 1."""
    rng = np.random.default_rng(seed)
    a = rng.uniform(-1.5, 1.5, shape)
    if np.dtype(dtype).kind == "c":
        a = a + 1j * rng.uniform(-1.5, 1.5, shape)
    elif np.dtype(dtype).kind in "bi":
        a = np.asarray(a) > 0
    elif seed % 7 == 0:
        a = np.round(a * 2) / 2  # ties, zeros, and zeros with a sign
    a = np.array(a, dtype)
    if hard and a.dtype.kind in "fc":
        a.flat[0], a.flat[-1] = np.inf, np.nan
    if layout == "scalar":
        return a[()]
    if a.ndim == 0 or layout == "C":
        return a
    if layout == "F":
        return a.copy("F")
    if layout == "swapped" and a.ndim > 1:
        return np.swapaxes(np.swapaxes(a, -1, -2).copy(), -1, -2)
    if layout == "reversed":
        return np.flip(np.flip(a).copy())
    if layout == "strided":
        return np.repeat(a, 2, axis=-1)[..., ::2]
    if layout == "broadcast":
        return np.broadcast_to(a[:1].copy(), shape)
    if layout == "readonly":
        a.flags.writeable = False
    return a
