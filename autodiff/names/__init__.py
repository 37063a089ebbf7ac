"""What the names of other libraries are called here: the error for a name or a keyword that does not exist.

People bring names from PyTorch, Keras, JAX, NumPy, autograd, SciPy and scikit-learn. A table maps such a name to a row:
what it is called here, and an example of the call. `autodiff`, `nn` and `optim` have a table each, which is loaded when
a name is not found; nothing here runs before.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, NoReturn

from autodiff.names.rows import Row, Table

__all__ = [
    "Row",
    "Table",
    "answering",
    "keywords_of",
    "look_beside",
    "not_in_module",
    "refuse",
    "refuse_for_tensors",
    "told",
]

_TAKES_ANY = 0x08  # inspect.CO_VARKEYWORDS: the flag of a function with **options


def told(owner: str, name: str, row: Row) -> str:
    """The message for a name that has a row in a table.

    Examples
    --------
    >>> from autodiff import names
    >>> names.told("nn", "MSELoss", ("a loss is a function here, nn.mse_loss", "nn.mse_loss(model(x), y)"))
    'nn has no MSELoss: a loss is a function here, nn.mse_loss. Write `nn.mse_loss(model(x), y)`.'
    """
    return f"{owner} has no {name}: {row[0]}. Write `{row[1]}`."


def not_in_module(module: str, name: str, row_of: Callable[[str], Row | None], known: Iterable[str]) -> Exception:
    """The error for a name that a module does not have, to be raised by its ``__getattr__``.

    Parameters
    ----------
    module : str
        The name of the module.
    name : str
        What was asked for.
    row_of : callable
        ``(name) -> row or None``; it loads the table.
    known : iterable of str
        The names that the module has.

    Returns
    -------
    AttributeError or ImportError
        The latter in ``from module import name``, where Python would replace the former, and its message, by its own.

    Examples
    --------
    >>> import autodiff as ad
    >>> ad.Jacobian
    Traceback (most recent call last):
    AttributeError: module 'autodiff' has no attribute 'Jacobian'. Did you mean autodiff.jacobian?
    """
    message: str | _Unknown = f"module {module!r} has no attribute {name!r}"
    if not name.startswith("_"):
        row = row_of(name)
        message = told(module, name, row) if row is not None else _Unknown(module, name, known)
        if _is_imported_by(sys._getframe(2)):
            return ImportError(str(message), name=module)
    return AttributeError(message, name=name)


class _Unknown(NamedTuple):
    """The message for a name without a row. It looks for a similar name when it is shown; `hasattr` never shows it."""

    module: str
    name: str
    known: Iterable[str]

    def __str__(self) -> str:
        near = _nearest(self.name, self.known)
        return f"module {self.module!r} has no attribute {self.name!r}" + (
            f". Did you mean {self.module}.{near}?" if near else ""
        )

    def __repr__(self) -> str:
        return repr(str(self))


def _nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is spelled almost like `name`: case and underscores count least."""
    import difflib

    plain: dict[str, list[str]] = {}
    for own in known:
        plain.setdefault(_plain(own), []).append(own)
    found = difflib.get_close_matches(_plain(name), plain, n=1, cutoff=0.7)
    if not found:
        return None
    alike = plain[found[0]]
    return next((own for own in alike if own[0].isupper() == name[0].isupper()), alike[0])  # nn.ReLU, not nn.relu


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def _is_imported_by(frame: Any) -> bool:
    """Whether the frame is at the import of a name from a module."""
    import opcode

    code, at = frame.f_code.co_code, frame.f_lasti
    return 0 <= at < len(code) and code[at] == opcode.opmap["IMPORT_FROM"]


def look_beside(name: str, stacklevel: int) -> None:
    """Warn if a package has been imported that is not ours, with what happened and how to repair it.

    Examples
    --------
    >>> from autodiff import names
    >>> names.look_beside("nn", stacklevel=2)  # the one that is there is ours
    """
    beside = sys.modules.get(name)
    if beside is not None and "__wengert__" not in vars(beside):
        import warnings

        from autodiff.names import packages

        warnings.warn(packages.complaint(packages.strangers()), stacklevel=stacklevel + 1)


def refuse(call: str, example: str, given: Mapping[str, Any], accepted: Iterable[str], renamed: Table) -> NoReturn:
    """Raise the error for keywords that a function does not take.

    Parameters
    ----------
    call : str
        The name of the function.
    example : str
        How it is called, with ``{}`` in place of the keyword.
    given : mapping
        The keywords that it was called with, those that it takes among them.
    accepted : iterable of str
        The keywords that it takes.
    renamed : mapping
        A row for each keyword of another library. If the first part is a keyword that the function takes, the example
        shows it with the value that was given.

    Examples
    --------
    >>> from autodiff import names
    >>> names.refuse("softmax", "nn.softmax(x, {})", {"dim": 1}, ["x", "axis"], {"dim": ("axis", "")})
    Traceback (most recent call last):
    TypeError: softmax: dim= is called axis= here. Write `nn.softmax(x, axis=1)`.
    """
    accepted = list(accepted)
    key = next(k for k in given if k not in accepted)
    row = renamed.get(key)
    if row is None:
        near = _nearest(key, accepted)
        raise TypeError(
            f"{call} got an unexpected keyword argument {key!r}; "
            + (f"did you mean {near}=?" if near else f"it takes {', '.join(accepted) or 'none'}.")
        )
    here, instead = row
    if here not in accepted:
        raise TypeError(f"{call} has no {key}=: {here}. Write `{instead}`.")
    written = {k if k in accepted else renamed.get(k, (k, ""))[0]: _shown(v) for k, v in given.items()}
    instead = example.format(", ".join(f"{k}={v}" for k, v in written.items()))
    raise TypeError(f"{call}: {key}= is called {here}= here. Write `{instead}`.")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 40 and "\n" not in text else "..."


def keywords_of(function: Callable[..., Any]) -> list[str]:
    """The keywords that a Python function takes.

    Examples
    --------
    >>> from autodiff import names
    >>> names.keywords_of(lambda x, *, axis=0, **unknown: x)
    ['x', 'axis']
    """
    code = function.__code__
    return [name for name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] if name != "self"]


def refuse_for_tensors(call: str, example: str, function: Callable[..., Any], given: Mapping[str, Any]) -> NoReturn:
    """Raise the error for keywords that a function of Tensors does not take; see `refuse`.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> ad.tensor(np.ones((2, 3))).sum(dim=1)
    Traceback (most recent call last):
    TypeError: Tensor.sum: dim= is called axis= here. Write `x.sum(axis=1)`.
    """
    from autodiff.names.tables import TENSOR_KEYWORDS

    refuse(call, example, given, [keyword for keyword in keywords_of(function) if keyword != "out"], TENSOR_KEYWORDS)


def answering(cls: type, called: str, table: Callable[[], Table]) -> None:
    """Make the constructor of a class answer keywords that it does not take.

    Parameters
    ----------
    cls : type
        A class whose ``__init__`` is its own, or is that of `object`. One with ``**options`` is left as it is.
    called : str
        How it is called, with ``{name}`` and ``{keywords}`` in their places.
    table : callable
        Loads the table, as for `refuse`.

    Examples
    --------
    >>> from autodiff import names
    >>> class Loss:
    ...     def __init__(self, axis=0): ...
    >>> names.answering(Loss, "{name}({keywords})", lambda: {"dim": ("axis", "")})
    >>> Loss(dim=1)
    Traceback (most recent call last):
    TypeError: Loss: dim= is called axis= here. Write `Loss(axis=1)`.
    """
    own = cls.__dict__.get("__init__")
    if own is None and cls.__init__ is not object.__init__:  # type: ignore[misc]  # it is asked for, not called
        return
    start = own or _start
    code = start.__code__
    if code.co_flags & _TAKES_ANY:
        return
    package = cls.__module__.partition(".")[0]
    accepted = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
    needed = accepted[: code.co_argcount - 1 - len(start.__defaults__ or ())]

    @functools.wraps(start)
    def __init__(self: Any, *args: Any, **options: Any) -> None:  # noqa: N807 - it becomes the class's
        kind = type(self) if type(self).__module__.partition(".")[0] == package else cls
        for key in options:
            if key not in accepted:
                more = "..., " if len(args) > called.count(",") else ""  # for arguments that `called` does not show
                example = called.format(name=kind.__name__, keywords=more + "{}")
                refuse(kind.__name__, example, options, accepted, table())
        if args and own is None:
            raise TypeError(f"{cls.__name__} takes no arguments; {len(args)} were given.")
        try:
            start(self, *args, **options)
        except TypeError as error:
            missing = [] if error.__traceback__.tb_next else [n for n in needed[len(args) :] if n not in options]  # type: ignore[union-attr]  # it was raised
            if not missing:
                raise
            example = called.format(name=kind.__name__, keywords=", ".join(needed[called.count(",") :]))
            mend = example.replace(", )", ")")
            raise TypeError(f"{kind.__name__}: {' and '.join(missing)} must be given. Write `{mend}`.") from None

    __init__.__qualname__ = f"{cls.__name__}.__init__"
    cls.__init__ = __init__  # type: ignore[misc]  # likewise


def _start(self: Any) -> None:
    """Take no arguments, as a class without ``__init__``."""
