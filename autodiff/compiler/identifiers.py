"""Names are text: what a user calls things comes into a program by these two functions, and by no other way."""

from __future__ import annotations

import builtins
import keyword
import unicodedata
from typing import Any

RESERVED = frozenset((*keyword.kwlist, *dir(builtins), "np"))
"""What a program may call by its own name, so that nothing else is called so."""
_LONG = 60
_LONG_COMMENT = 160


def identifier(text: Any, otherwise: str = "v") -> str:
    """A name for a program, made of any text.

    Parameters
    ----------
    text : object
        What the user calls it; of an object that is no text, what it prints as.
    otherwise : str, default "v"
        The name where nothing of the text can be kept.

    Returns
    -------
    str
        Equal for texts that Python takes for the same identifier: the interpreter normalises names (NFKC) when it reads
        them, so a name that is not normalised is never found again.

    Examples
    --------
    >>> from autodiff.compiler.identifiers import identifier
    >>> identifier("encoder.fc1"), identifier("lambda"), identifier("2 Linear"), identifier("a; b")
    ('encoder_fc1', 'lambda_', 'p2_Linear', 'a_b')
    """
    whole = unicodedata.normalize("NFKC", str(text)[:_LONG])
    parts = "".join(c if f"a{c}".isidentifier() else " " for c in whole).split()
    name = "_".join(parts).strip("_")[:_LONG] or otherwise
    if not name[0].isidentifier():
        name = unicodedata.normalize("NFKC", f"p{name}")  # an accent in front joins the p
    return f"{name}_" if name in RESERVED else name


def comment(text: Any) -> str:
    """Any text as one line that stays one: what cannot be printed is written as its escape.

    Examples
    --------
    >>> from autodiff.compiler.identifiers import comment
    >>> comment("two" + chr(10) + "lines") == "two" + chr(92) + "nlines"
    True
    """
    line = str(text)
    if len(line) > _LONG_COMMENT:
        line = f"{line[:_LONG_COMMENT]}..."
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)
