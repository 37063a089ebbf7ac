"""States as files: NumPy's npz, which holds arrays and nothing that could run."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

import autodiff as ad


def save(path: str | os.PathLike[str], state: Mapping[str, Any]) -> None:
    """Write a state to a file, whole or not at all.

    Parameters
    ----------
    path : path
        The file; by habit it ends in ``.npz``.
    state : mapping of str to array_like
        As ``state_dict()`` gives it. Numbers and arrays, no Python objects.

    Raises
    ------
    autodiff.DtypeError
        If a value is not numeric.

    Examples
    --------
    >>> import os, tempfile, nn
    >>> model = nn.Linear(2, 2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     nn.save(os.path.join(folder, "model.npz"), model.state_dict())
    ...     sorted(nn.load(os.path.join(folder, "model.npz")))
    ['bias', 'weight']
    """
    import zipfile  # brings all compressors along: a quarter of what importing `nn` would cost

    arrays = {}
    for key, value in state.items():
        array = np.asarray(value.data if isinstance(value, ad.Tensor) else value)
        if array.dtype.kind not in "fciubSU":
            raise ad.DtypeError(f"save: {key!r} has dtype {array.dtype}; only numbers, booleans and strings are saved.")
        arrays[key] = array
    path = os.fspath(path)
    temporary = f"{path}.{os.urandom(4).hex()}.part"
    try:
        # As np.savez does it, but any key will do ("file" is an argument of np.savez), and nothing is pickled.
        with zipfile.ZipFile(temporary, "x") as archive:
            for key, array in arrays.items():
                with archive.open(f"{key}.npy", "w", force_zip64=True) as part:
                    np.lib.format.write_array(part, array, allow_pickle=False)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def load(path: str | os.PathLike[str]) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
    """Read a state that `save` wrote.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If the file is truncated, or not an npz file of plain arrays. Pickled objects are never
        loaded.
    """
    with open(path, "rb") as handle:
        try:
            with np.load(handle, allow_pickle=False) as file:
                return {key: file[key] for key in file.files}
        except Exception as error:  # a byte that is wrong can end in almost any of them
            raise ValueError(f"load: {os.fspath(path)!r} is not a whole npz file of plain arrays ({error}).") from error
