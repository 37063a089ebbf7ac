"""Tables as arrays, toy problems, and small real data sets that come with the package, so that a run needs no download.

Each real data set is a compressed `.npz` file beside this one, without pickled objects, with a page on its licence.
"""

import os
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from autodiff import names as _names
from nn.data.splits import standardise, train_test_split
from nn.data.toys import blobs, circles, moons, sine, spirals, xor

if TYPE_CHECKING:
    from nn.data.tables import Table, TableEncoder, from_table

__all__ = [
    "Digits",
    "Table",
    "TableEncoder",
    "blobs",
    "circles",
    "digits",
    "from_table",
    "mnist",
    "moons",
    "sine",
    "spirals",
    "standardise",
    "train_test_split",
    "xor",
]


class Digits(NamedTuple):
    """Images of handwritten digits, with their labels.

    Attributes
    ----------
    images : ndarray, (n, height, width), float32
        Ink from 0 (paper) to 1 (full); row 0 is the top of the digit.
    labels : ndarray, (n,), int64
        The digit on each image, 0 to 9.

    Examples
    --------
    >>> import nn
    >>> digits = nn.data.digits()
    >>> digits.images.shape, digits.labels.shape
    ((1797, 8, 8), (1797,))
    """

    images: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]


def digits() -> Digits:
    """Load the UCI handwritten digits: 1,797 images of 8x8 pixels by 13 writers, about 180 of each digit.

    Returns
    -------
    Digits
        1,797 images of 8x8, in steps of 1/16. Every call returns new arrays, in the order of the source, which is by
        writer: split them at random or by label, not by position.

    Notes
    -----
    The source counts the inked pixels of 4x4 blocks, 0 to 16. `images` are those counts divided by 16, exactly in
    float32: ``images * 16`` restores them.

    References
    ----------
    E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998,
    doi:10.24432/C50P49, licensed under CC BY 4.0. `DIGITS.md` beside this file says what was taken and changed.

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
    return _read("digits.npz", 16)


def mnist() -> Digits:
    """Load 5,000 images of MNIST, 28x28 pixels, 500 of each digit.

    Returns
    -------
    Digits
        5,000 images of 28x28, in steps of 1/255. Every call returns new arrays, sorted by label: shuffle or split them.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition", Proceedings
    of the IEEE 86 (1998). Licensed under CC BY-SA 3.0; `MNIST.md` beside this file says what was taken.

    Examples
    --------
    >>> import nn.data
    >>> images, labels = nn.data.mnist()
    >>> images.shape, images.dtype, images.max(), labels[::500].tolist()
    ((5000, 28, 28), dtype('float32'), np.float32(1.0), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """
    return _read("mnist.npz", 255)


def _read(name: str, full: int) -> Digits:
    """The images of a file, divided by `full`, the number for full ink, and their labels."""
    with np.load(os.path.join(os.path.dirname(__file__), name), allow_pickle=False) as file:
        images = file["images"].astype(np.float32)
        images /= full
        return Digits(images, file["labels"].astype(np.int64))


def __getattr__(name: str) -> object:
    """Load tables when they are first used; say what a name of another library is called here."""
    if name in __all__:  # what is not there yet
        from nn.data import tables

        return getattr(tables, name)
    raise _names.not_in_module("nn.data", name, _row_of, __all__)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _row_of(name: str) -> _names.Row | None:
    from nn.names import of_data

    return of_data(name)
