"""The size of a Tensor, for people who call it: ``x.size(0)`` is a habit from PyTorch."""

from __future__ import annotations

from typing import Any, NoReturn


class Count(int):
    """A number of entries. Everywhere it is the integer that it is, but to call it is an error that names `shape`.

    To NumPy a subclass of int is no Python number: it would widen float32 to float64. So it hands over a plain one.
    """

    __slots__ = ()
    __autodiff_priority__ = 1  # a Tensor lets it hand over first

    def __call__(self, *axes: Any) -> NoReturn:
        instead = f"x.shape[{axes[0]}]" if axes else "x.shape"
        raise TypeError(
            f"x.size is the number of entries, {self}, as in NumPy; the lengths of the axes are x.shape. Write "
            f"`{instead}`."
        )

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        return getattr(ufunc, method)(*map(_plain, inputs), **keywords)

    def __array_function__(self, function: Any, types: Any, args: Any, keywords: Any) -> Any:
        return function(*map(_plain, args), **{k: _plain(v) for k, v in keywords.items()})

    def __reduce__(self) -> tuple[type[int], tuple[int]]:
        return int, (int(self),)


class _Counts(dict[int, Count]):
    """A `Count` for each number that was asked for: looking one up takes a quarter of the time of making it."""

    def __missing__(self, n: int) -> Count:
        count = Count(n)
        if len(self) < 4096:
            self[n] = count
        return count


counts = _Counts()


def _plain(value: Any) -> Any:
    if type(value) is Count:
        return int(value)
    return type(value)(map(_plain, value)) if type(value) in (list, tuple) else value
