"""What is known about functions that cannot be followed: which are harmless, and which no program can repeat."""

from __future__ import annotations

import builtins
import collections
import functools
import types
from typing import Any

import numpy as np

OURS = frozenset(("autodiff", "nn", "optim", "numpy"))
"""Packages whose frames are not followed: they are written to be traced."""

QUIET = OURS | frozenset(
    (
        "abc", "_abc", "_py_abc", "_weakrefset", "ast", "autoray", "codecs", "contextlib", "copy", "copyreg",
        "cotengra", "dis", "einops", "encodings", "enum", "functools", "importlib", "inspect", "linecache", "logging",
        "opt_einsum", "pickle", "re", "reprlib", "scipy", "string", "textwrap", "threading", "tokenize", "traceback",
        "types", "typing", "warnings", "weakref",
    )
)  # fmt: skip
"""Those, and libraries whose functions count as a single step, like C functions: what they remember is no result."""

HARMLESS = frozenset(("logging", "warnings"))
"""Modules whose calls only report something; they do so in the first call and not in later ones."""

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
"""Modules whose functions read or change the world outside the program."""

PURE_OF_OUTSIDE = frozenset(("fspath", "timedelta", "strftime", "isoformat", "Decimal"))
FILES_OF_NUMPY = frozenset((
    "load", "loadtxt", "genfromtxt", "fromfile", "memmap", "open_memmap", "save", "savez", "savez_compressed",
    "savetxt", "fromregex", "tofile",
))  # fmt: skip
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
"""Methods that change their own object."""

WRITERS_OF_NUMPY = frozenset(("copyto", "put", "place", "putmask", "put_along_axis", "fill_diagonal", "shuffle"))
"""NumPy functions that write into their first argument; `out` is treated separately."""

_WRITTEN = ("out", "dst", "a", "arr")  # the names of that argument

ASKS_ONLY = frozenset(
    (isinstance, issubclass, id, callable, type, super, object, hasattr, hash, property, staticmethod, classmethod)
)
"""Functions that do not read the contents of their arguments."""


READS_ALL = frozenset(("copy", "pickle", "_pickle", "operator", "_operator"))
"""Modules whose functions read everything that an object holds."""


def root_of(module: Any) -> str:
    """The top-level package in the name of a module."""
    return str(module or "").partition(".")[0]


def is_ours(x: Any) -> bool:
    """Whether a function or class is the library's own, or NumPy's."""
    return root_of(getattr(x, "__module__", "")) in OURS


def is_of_ours(x: Any) -> bool:
    """Whether the class of an object, or a base class, is the library's own."""
    return any(root_of(kind.__module__) in OURS for kind in type(x).__mro__[:-1])


def is_from_outside(function: Any) -> str:
    """What a call of the function would read or change outside the program; empty if nothing is known."""
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
    """The objects into which a call of a C function is known to write: a method's owner, the first argument, `out`.

    Parameters
    ----------
    function : callable
    args : list
        Its arguments, with the keyword arguments last.
    names : tuple of str
        The names of the keyword arguments.
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
    """The functions in an attribute of a class: a function, a static or class method, or a property."""
    if isinstance(raw, types.FunctionType):
        return [raw]
    if isinstance(raw, (staticmethod, classmethod)):
        return plain_functions(raw.__func__)
    if isinstance(raw, functools.cached_property):
        return plain_functions(raw.func)
    if isinstance(raw, property):
        return [f for part in (raw.fget, raw.fset, raw.fdel) for f in plain_functions(part)]
    return []
