"""Small real data sets that come with the package, so that a first training run needs no download.

Each lies beside this file as a compressed `.npz` without pickled objects, with a page on its source and licence.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nn.data.splits import train_test_split

__all__ = ["Digits", "digits", "train_test_split"]


class Digits(NamedTuple):
    """Handwritten digits and what they show.

    Attributes
    ----------
    images : ndarray, (1797, 8, 8), float32
        Ink from 0 (paper) to 1 (full), in steps of 1/16; row 0 is the top of the digit.
    labels : ndarray, (1797,), int64
        The digit on each image, 0 to 9.
    """

    images: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]


def digits() -> Digits:
    """Load the UCI handwritten digits: 1,797 images of 8x8 pixels by 13 writers, about 180 of each digit.

    Returns
    -------
    Digits
        Fresh arrays at every call, in the order of the source: writers follow one another, so split them
        at random or by label, not by cutting the list.

    Notes
    -----
    The source counts the inked pixels of 4x4 blocks, 0 to 16; `images` are those counts divided by 16, which
    float32 holds exactly: ``images * 16`` gives them back.

    References
    ----------
    E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998,
    doi:10.24432/C50P49, licensed under CC BY 4.0. What was taken and changed: `DIGITS.md` beside this file.

    Examples
    --------
    >>> import nn.data
    >>> images, labels = nn.data.digits()
    >>> images.shape, images.dtype, labels[:5]
    ((1797, 8, 8), dtype('float32'), array([0, 1, 2, 3, 4]))
    >>> print((images[0] * 16).astype(int))  # a zero
    [[ 0  0  5 13  9  1  0  0]
     [ 0  0 13 15 10 15  5  0]
     [ 0  3 15  2  0 11  8  0]
     [ 0  4 12  0  0  8  8  0]
     [ 0  5  8  0  0  9  8  0]
     [ 0  4 11  0  1 12  7  0]
     [ 0  2 14  5 10 12  0  0]
     [ 0  0  6 13 10  0  0  0]]
    """
    with np.load(Path(__file__).with_name("digits.npz"), allow_pickle=False) as file:
        images = file["images"].astype(np.float32)
        images /= 16
        return Digits(images, file["labels"].astype(np.int64))
