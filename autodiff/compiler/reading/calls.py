"""What is known of functions that leave nothing to look at: which are harmless, and which no program can stand for."""

from __future__ import annotations

import builtins
import collections
import functools
import types
from typing import Any

import numpy as np

OURS = frozenset(("autodiff", "nn", "optim", "numpy"))
"""Packages whose own frames are not read: they are written for being traced."""

QUIET = OURS | frozenset(
    (
        "abc", "_abc", "_py_abc", "_weakrefset", "ast", "codecs", "contextlib", "copy", "copyreg", "dis", "encodings",
        "enum", "functools", "importlib", "inspect", "linecache", "logging", "pickle", "re", "reprlib", "string",
        "textwrap", "threading", "tokenize", "traceback", "types", "typing", "warnings", "weakref",
    )
)  # fmt: skip
"""Those, and modules of Python's library of which a call counts as one whole, as a function of C does."""

HARMLESS = frozenset(("logging", "warnings"))
"""Modules whose calls say something and change nothing: once, in the first call."""

_BY_SUBJECT = {
    "the clock": "time datetime",
    "a file": "_io io pathlib shutil tempfile zipfile tarfile gzip bz2 lzma csv _csv fileinput mmap",
    "the operating system": "os posix nt signal platform resource",
    "another process": "subprocess _posixsubprocess multiprocessing",
    "the network": "socket _socket ssl urllib http select",
    "a database": "sqlite3 _sqlite3 dbm",
    "random numbers": "random _random secrets uuid",
    "the user": "getpass",
}
OUTSIDE = {module: subject for subject, modules in _BY_SUBJECT.items() for module in modules.split()}
"""Modules whose functions ask or change the world outside of the program."""

PURE_OF_OUTSIDE = frozenset(("fspath", "timedelta", "strftime", "isoformat", "Decimal"))
FILES_OF_NUMPY = frozenset(
    (
        "load",
        "loadtxt",
        "genfromtxt",
        "fromfile",
        "memmap",
        "open_memmap",
        "save",
        "savez",
        "savez_compressed",
        "savetxt",
        "fromregex",
        "tofile",
    )
)
CLOCKS = frozenset(("now", "today", "utcnow"))

_MUTATORS = {
    list: "append extend insert pop remove clear sort reverse __setitem__ __delitem__ __iadd__",
    dict: "update setdefault pop popitem clear __setitem__ __delitem__ move_to_end subtract",
    set: "add discard remove pop clear update difference_update intersection_update symmetric_difference_update",
    collections.deque: "append appendleft extend extendleft pop popleft remove rotate clear insert reverse",
    bytearray: "append extend insert pop remove clear reverse",
    np.ndarray: "fill sort partition put resize setflags itemset byteswap __setitem__",
}
MUTATORS: dict[type, frozenset[str]] = {kind: frozenset(names.split()) for kind, names in _MUTATORS.items()}
"""Methods that change what they are called on."""

WRITERS_OF_NUMPY = frozenset(("copyto", "put", "place", "putmask", "put_along_axis", "fill_diagonal", "shuffle"))
"""Functions of NumPy's that write into their first argument, `out` apart."""

_WRITTEN = ("out", "dst", "a", "arr")  # the names of that argument

ASKS_ONLY = frozenset(
    (isinstance, issubclass, id, callable, type, super, object, hasattr, hash, property, staticmethod, classmethod)
)
"""Functions that do not look at what their arguments hold."""


READS_ALL = frozenset(("copy", "pickle", "_pickle", "operator", "_operator"))
"""Modules whose functions look at all that an object holds."""


def root_of(module: Any) -> str:
    """The package of a module, by its name."""
    return str(module or "").partition(".")[0]


def is_ours(x: Any) -> bool:
    """Whether a function or class is the library's own, or NumPy's."""
    return root_of(getattr(x, "__module__", "")) in OURS


def is_of_ours(x: Any) -> bool:
    """Whether an object's class, or one that it is derived from, is the library's own."""
    return any(root_of(kind.__module__) in OURS for kind in type(x).__mro__[:-1])


def is_from_outside(function: Any) -> str:
    """What a call of the function would ask or change outside of the program; empty if nothing is known."""
    name = str(getattr(function, "__name__", type(function).__name__))
    if function is builtins.input or function is builtins.open:
        return "the user" if function is builtins.input else "a file"
    owner = getattr(function, "__self__", None)
    if isinstance(owner, type) and root_of(owner.__module__) == "datetime":
        return "the clock" if name in CLOCKS else ""
    kind = owner if isinstance(owner, type) else type(owner)
    if owner is not None and not isinstance(owner, types.ModuleType) and root_of(kind.__module__) in OUTSIDE:
        return OUTSIDE[root_of(kind.__module__)] if root_of(kind.__module__) != "datetime" else ""
    module = root_of(getattr(function, "__module__", None))
    if module in ("builtins", "") and isinstance(owner, types.ModuleType):
        module = root_of(owner.__name__)
    if module == "numpy" and name in FILES_OF_NUMPY:
        return "a file"
    if module == "datetime" or name in PURE_OF_OUTSIDE:
        return ""
    return OUTSIDE.get(module, "")


def written(function: Any, args: list[Any], names: tuple[str, ...]) -> list[Any]:
    """What a call of a function of C is known to write into: the owner of a method, its first argument, `out`.

    Parameters
    ----------
    function : callable
    args : list
        What it is called with, keywords last.
    names : tuple of str
        The names of those.
    """
    n = len(args) - len(names)
    keywords, name = dict(zip(names, args[n:])), getattr(function, "__name__", "")
    owner = getattr(function, "__self__", None)
    if isinstance(function, types.MethodDescriptorType):  # list.append(x, ...)
        owner, args = next(iter(args), None), args[1:]
    for kind, mutators in MUTATORS.items():
        if isinstance(owner, kind) and name in mutators:
            return [owner]
    if isinstance(owner, np.ufunc) and name == "at":
        return args[:1]
    if not (is_ours(function) or isinstance(owner, (np.ndarray, np.ufunc)) or isinstance(function, np.ufunc)):
        return []
    if name in WRITERS_OF_NUMPY:
        return [keywords[k] for k in _WRITTEN if k in keywords] or args[:1]
    out = keywords.get("out")
    into = list(out) if isinstance(out, tuple) else [out]
    return into + (args[function.nin : n] if isinstance(function, np.ufunc) else [])


def plain_functions(raw: Any) -> list[types.FunctionType]:
    """The functions in what a class holds: in a static or class method, or a property."""
    if isinstance(raw, types.FunctionType):
        return [raw]
    if isinstance(raw, (staticmethod, classmethod)):
        return plain_functions(raw.__func__)
    if isinstance(raw, functools.cached_property):
        return plain_functions(raw.func)
    if isinstance(raw, property):
        return [f for part in (raw.fget, raw.fset, raw.fdel) for f in plain_functions(part)]
    return []
