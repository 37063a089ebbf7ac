"""State dicts as files in NumPy's npz format, which holds arrays and no code."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Mapping
from typing import IO, Any

import numpy as np

import autodiff as ad

_SAFETENSORS = ".safetensors"
_SAFETENSORS_DTYPES = {
    f"{kind}{8 * n}": f"<{kind.lower()}{n}" for kind in "FIU" for n in (1, 2, 4, 8) if kind != "F" or n > 1
}
_SAFETENSORS_DTYPES |= {"C64": "<c8", "BOOL": "?", "BF16": "<u2"}
_KINDS = "fciubSU"  # the kinds of dtypes: numbers, Booleans, strings


def save(path: str | os.PathLike[str], state: Mapping[str, Any], *, metadata: Mapping[str, str] | None = None) -> None:
    """Write a state to a file, completely or not at all.

    Parameters
    ----------
    path : path
        The file; by convention it ends in ``.npz``. One that ends in ``.safetensors`` is written in that format, which
        other libraries read (extra ``safetensors``). An existing file is replaced in one step once the new one is on
        the disk, and its permissions are kept. For a symbolic link the file it points to is replaced.
    state : mapping of str to array_like
        As returned by ``state_dict()``: numbers and arrays, no Python objects.
    metadata : mapping of str to str, optional
        Texts to keep with the arrays, in a ``.safetensors`` file only; `metadata` reads them.

    Raises
    ------
    autodiff.DtypeError
        If a value is not numeric, or safetensors has no such dtype.
    OSError
        If the path exists and is not a file, such as a folder or a device; or if it cannot be written.
    TypeError
        If the state is not a mapping, or metadata are no texts.
    ValueError
        If metadata are given for another kind of file, or safetensors cannot have an array of this name.

    Examples
    --------
    >>> import os, tempfile, nn
    >>> model = nn.Linear(2, 2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     nn.save(os.path.join(folder, "model.npz"), model.state_dict())
    ...     sorted(nn.load(os.path.join(folder, "model.npz")))
    ['bias', 'weight']
    """
    import zipfile  # imports all compressors, which would add a quarter to the import time of `nn`

    if not isinstance(state, Mapping):
        model = callable(state) or hasattr(state, "state_dict") or hasattr(path, "state_dict")
        mend = "model.state_dict()" if model else '{"name": array}'
        raise TypeError(
            f"save takes a path and a state, a dict of arrays; a {type(state).__name__} was given as the state. Write "
            f"nn.save(path, {mend})."
        )
    arrays = {}
    for key, value in state.items():
        if isinstance(value, Mapping):
            raise ad.DtypeError(
                f"save: {key!r} is a {type(value).__name__}; only arrays can be saved, not dicts of them. Give all of "
                f'them names in one dict, {{f"{key}/{{k}}": v for k, v in state.items()}}; a model with its optimiser '
                "is saved by nn.save_checkpoint."
            )
        array = np.asarray(value.data if isinstance(value, ad.Tensor) else value)
        if array.dtype.kind not in _KINDS:
            raise ad.DtypeError(
                f"save: {key!r} has dtype {array.dtype}; only numbers, Booleans and strings can be saved."
            )
        arrays[key] = array
    target = os.path.realpath(os.fsdecode(path))
    if metadata is not None and not target.endswith(_SAFETENSORS):
        raise ValueError("save: only a .safetensors file keeps metadata.")

    def write(file: IO[bytes]) -> None:
        if target.endswith(_SAFETENSORS):
            file.write(_as_safetensors(arrays, metadata))
            return
        # As np.savez does, but with any key ("file" is an argument of np.savez), and nothing is pickled.
        with zipfile.ZipFile(file, "w") as archive:
            for key, array in arrays.items():
                with archive.open(f"{key}.npy", "w", force_zip64=True) as part:
                    np.lib.format.write_array(part, array, allow_pickle=False)

    replace_file("save", target, write)


def replace_file(who: str, path: str | os.PathLike[str], write: Callable[[IO[bytes]], object]) -> None:
    """Write a file completely or not at all; `who` is the name of the caller in messages."""
    path = os.path.realpath(os.fsdecode(path))  # replaces the file that a link points to, not the link
    if os.path.exists(path) and not os.path.isfile(path):
        raise OSError(f"{who}: {path!r} exists and is not a file; give the path of a file.")
    expect_folder(who, path)
    temporary = f"{path}.{os.urandom(4).hex()}.part"
    try:
        with open(temporary, "xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        if os.path.exists(path):
            os.chmod(temporary, stat.S_IMODE(os.stat(path).st_mode))  # as shutil.copymode, which loads all compressors
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    _sync_folder(os.path.dirname(path))


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError:
        raise ImportError(
            'a .safetensors file needs the package safetensors: pip install "wengert[safetensors]".'
        ) from None
    return safetensors


def _as_safetensors(arrays: Mapping[str, Any], metadata: Mapping[str, str] | None) -> bytes:
    library = _safetensors()
    for key in arrays:
        if not isinstance(key, str) or key == "__metadata__":  # the name under which the format keeps texts
            raise ValueError(f"save: {key!r} cannot be the name of an array in a safetensors file; rename it.")
    texts = None if metadata is None else dict(metadata)
    for key, text in (texts or {}).items():
        if not isinstance(key, str) or not isinstance(text, str):
            raise TypeError(f"save: metadata are texts by name; {key!r}: {text!r} was given. Write str({text!r}).")
    try:
        whole = {key: np.ascontiguousarray(array).reshape(array.shape) for key, array in arrays.items()}
        data: bytes = library.numpy.save(whole, metadata=texts)
    except Exception as error:  # the library names neither the key nor the dtype
        kinds = ", ".join(sorted({str(array.dtype) for array in arrays.values()}))
        raise ad.DtypeError(
            f"save: safetensors cannot hold these arrays ({error}); their dtypes are {kinds}."
        ) from None
    return data


def metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """The texts that `save` kept in a ``.safetensors`` file.

    Parameters
    ----------
    path : path

    Returns
    -------
    dict of str to str

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is not a whole safetensors file.

    Examples
    --------
    >>> import os, tempfile, nn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     nn.save(path, nn.Linear(2, 3).state_dict(), metadata={"epoch": "3"})
    ...     nn.metadata(path)
    {'epoch': '3'}
    """
    with open(path, "rb"):
        pass
    try:
        with _safetensors().safe_open(os.fspath(path), framework="numpy") as file:
            return dict(file.metadata() or {})
    except _safetensors().SafetensorError as error:
        raise ValueError(f"metadata: {os.fspath(path)!r} is not a whole safetensors file ({error}).") from None


def _load_safetensors(path: str | os.PathLike[str]) -> dict[str, Any]:
    library = _safetensors()
    with open(path, "rb") as file:
        data = file.read()
    try:
        parts = library.deserialize(data)
    except Exception as error:  # a wrong byte can raise almost any exception
        raise ValueError(f"load: {os.fspath(path)!r} is not a whole safetensors file ({error}).") from None
    found = {}
    for key, part in parts:
        kind = _SAFETENSORS_DTYPES.get(part["dtype"])
        if kind is None:
            raise ValueError(
                f"load: {key!r} in {os.fspath(path)!r} has dtype {part['dtype']}, which NumPy lacks; "
                "save it as float32."
            )
        array = np.frombuffer(part["data"], kind).reshape(part["shape"])
        if part["dtype"] == "BF16":  # the upper half of a float32
            array = (array.astype(np.uint32) << 16).view(np.float32)
        found[key] = array
    return found


def expect_folder(who: str, path: str | os.PathLike[str]) -> None:
    """Raise FileNotFoundError if the folder of a file that is to be written does not exist."""
    folder = os.path.dirname(os.path.realpath(os.fsdecode(path)))
    if not os.path.isdir(folder):
        raise FileNotFoundError(
            f"{who}: there is no folder {folder!r} to write into. Make it first: os.makedirs({folder!r})."
        )


def _sync_folder(folder: str) -> None:
    """Flush the new name of a file to the disk as well, where the system lets a folder be opened for that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def load(path: str | os.PathLike[str]) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
    """Read a state that `save` wrote.

    Parameters
    ----------
    path : path
        The file. One that ends in ``.safetensors`` is read in that format.

    Returns
    -------
    dict of str to ndarray
        In the dtypes of the file; bfloat16 as float32.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If the file is truncated, or not an npz file of plain arrays of numbers: a file of ``torch.save`` is a zip file
        too, and bfloat16 is not a NumPy dtype. Pickled objects are never loaded.

    Notes
    -----
    Weights of torch have other layouts and names: `load_torch` takes them. No error can detect a square matrix that was
    not transposed.

    Examples
    --------
    >>> import os, tempfile, nn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.npz")
    ...     nn.save(path, nn.Linear(2, 3).state_dict())
    ...     sorted(nn.load(path))
    ['bias', 'weight']
    """
    if os.fsdecode(path).endswith(_SAFETENSORS):
        return _load_safetensors(path)
    with open(path, "rb") as handle:
        try:
            with np.load(handle, allow_pickle=False) as file:
                foreign = [name for name in file.zip.namelist() if not name.endswith(".npy")]
                if foreign:
                    raise ValueError(f"it holds {foreign[0]!r}, as files of torch.save do: save arrays by nn.save")
                found = {key: file[key] for key in file.files}
                for key, array in found.items():
                    if array.dtype.kind not in _KINDS:
                        raise ValueError(f"{key!r} has dtype {array.dtype}; save bfloat16 as float32")
                return found
        except Exception as error:  # a wrong byte can raise almost any exception
            # NumPy's own words would advise to unpickle the file, which runs whatever is in it
            why = "it holds pickled objects, or is damaged" if "allow_pickle" in str(error) else error
            raise ValueError(f"load: {os.fspath(path)!r} is not a complete npz file of plain arrays ({why}).") from None
