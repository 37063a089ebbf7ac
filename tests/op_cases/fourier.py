"""Rows for autodiff/ops/fourier.py."""

import numpy as np

from autodiff.ops import fourier, indexing, shapes
from tests.op_cases.case import COMPLEX, REAL, WITH_AXES, Case

ROWS = [((4,),), ((5,),), ((1,),), ((2, 3),), ((3, 4),), ((2, 1, 3),), ((0, 3),)]
SEVERAL = [((2, 3),), ((4, 2),), ((1, 5),), ((2, 3, 2),)]
HALVES = [((3,),), ((4,),), ((2, 3),), ((2, 2, 4),)]
"""Halves of spectra: from one number of length 1 no values come back, unless a length is given."""
NORMS = [None, "backward", "ortho", "forward"]


def one_axis(pick, shape):
    """An axis that is not empty, and the number of points: as they are, cut off, filled up with zeros."""
    axis = pick([i for i in range(-len(shape), len(shape)) if shape[i]])
    return {"n": pick([None, 2, 3, 6]), "axis": axis, "norm": pick(NORMS)}


def back_to_real(pick, shape):
    """The same, with lengths even and odd of what comes back."""
    axis = pick([i for i in range(-len(shape), len(shape)) if shape[i] > 1])
    return {"n": pick([None, 1, 2, 4, 5, 8]), "axis": axis, "norm": pick(NORMS)}


def some(pick, shape):
    """Axes, and for each a length, -1 for what it has. NumPy calls lengths without axes a thing of the past."""
    n = len(shape)
    axes = pick([None, (0,), (0, 1), (-1, 0), (0, -2)] + ([tuple(range(n))[::-1]] if n > 2 else []))
    s = pick([None, (2, 3), (4, -1), (-1, 2)]) if axes is not None and len(axes) == 2 else None
    return {"s": s, "axes": axes, "norm": pick(NORMS)}


def different(pick, shape):
    """The same, no axis twice."""
    axes = pick([None, (0,), (0, 1), (-1, 0)])
    s = pick([None, (2, 3), (4, 4), (3, 5)]) if axes is not None and len(axes) == 2 else None
    return {"s": s, "axes": axes, "norm": pick(NORMS)}


def two(pick, shape):
    return {"s": pick([None, (2, 4), (3, 3)]), "axes": pick([(-2, -1), (1, 0)]), "norm": pick(NORMS)}


def shifted(pick, shape):
    n = len(shape)
    return {"axes": pick([None, *range(-n, n), *([(0, -1), (1,)] if n > 1 else [])])}


def transforms(fn, primitive, domains, shapes_, keywords):
    """A row for each domain; the one with real operands is called after the function."""
    names = {COMPLEX: f"{fn.__name__}_of_complex", REAL: fn.__name__}
    return [Case(names[d], fn, (d,), (primitive,), shapes=shapes_, keywords=keywords) for d in domains]


BOTH = (REAL, COMPLEX)

ONE_AXIS = [
    *transforms(np.fft.fft, fourier.transform, BOTH, ROWS, one_axis),
    *transforms(np.fft.ifft, fourier.transform, BOTH, ROWS, one_axis),
    *transforms(np.fft.rfft, fourier.half_spectrum, (REAL,), ROWS, one_axis),
    *transforms(np.fft.irfft, fourier.from_half_spectrum, BOTH, HALVES, back_to_real),
    *transforms(np.fft.hfft, fourier.from_half_spectrum, BOTH, HALVES, back_to_real),
    *transforms(np.fft.ihfft, fourier.half_spectrum, (REAL,), ROWS, one_axis),
]

SEVERAL_AXES = [
    *transforms(np.fft.fftn, fourier.transform, BOTH, SEVERAL, some),
    *transforms(np.fft.ifftn, fourier.transform, BOTH, SEVERAL, some),
    *transforms(np.fft.rfftn, fourier.half_spectrum, (REAL,), SEVERAL, different),
    *transforms(np.fft.irfftn, fourier.from_half_spectrum, BOTH, [((2, 3),), ((4, 2),), ((2, 3, 2),)], different),
    *transforms(np.fft.fft2, fourier.transform, BOTH, [((2, 3),), ((4, 2),)], two),
    *transforms(np.fft.ifft2, fourier.transform, BOTH, [((2, 3),), ((4, 2),)], two),
    *transforms(np.fft.rfft2, fourier.half_spectrum, (REAL,), [((2, 3),), ((4, 2),)], two),
    *transforms(np.fft.irfft2, fourier.from_half_spectrum, BOTH, [((2, 3),), ((4, 2),)], two),
]

# Loops through the spectrum and back, the ways they are used.
USES = [
    Case(
        "fft_there_and_back",
        lambda x: np.fft.ifft(np.fft.fft(x)).real,
        (REAL,),
        (fourier.transform,),
        shapes=[((4,),), ((2, 3),)],
    ),
    Case(
        "rfft_there_and_back",
        lambda x: np.fft.irfft(np.fft.rfft(x), x.shape[-1]),
        (REAL,),
        (fourier.half_spectrum, fourier.from_half_spectrum),
        shapes=[((4,),), ((5,),), ((2, 3),)],
    ),
    Case(
        "power_spectrum",
        lambda x: np.real(np.fft.rfft(x) * np.conj(np.fft.rfft(x))),
        (REAL,),
        (fourier.half_spectrum,),
        shapes=[((4,),), ((5,),)],
    ),
    Case(
        "fft_of_a_mask_filled_up",
        lambda x: np.fft.fft(np.where(np.arange(3) > 0, np.log(np.abs(x) + 1), 0), 5).real,
        (REAL,),
        (fourier.transform, indexing.index_add),
        shapes=[((3,),)],
    ),
]

SHIFTS = [
    Case(fn.__name__, fn, (REAL,), (shapes.rotate,), shapes=[(s,) for s in WITH_AXES], keywords=shifted, analytic=True)
    for fn in (np.fft.fftshift, np.fft.ifftshift)
]

CASES = [*ONE_AXIS, *SEVERAL_AXES, *USES, *SHIFTS]
