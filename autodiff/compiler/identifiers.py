"""A user's names are untrusted text: they enter the source of a program only through these two functions."""

from __future__ import annotations

import builtins
import functools
import keyword
import unicodedata
from typing import Any

RESERVED = frozenset((*keyword.kwlist, *dir(builtins), "np"))
"""Names that a program may use with their usual meaning, so that nothing else may have them."""
_LONG = 60
_LONG_COMMENT = 160


def identifier(text: Any, otherwise: str = "v") -> str:
    """A valid identifier made from any text.

    Parameters
    ----------
    text : object
        The user's name. An object that is not a string counts as its ``str``.
    otherwise : str, default "v"
        The name if no character of the text can be kept.

    Returns
    -------
    str
        Equal for texts that Python takes for the same identifier. The interpreter normalises names (NFKC) when it
        reads them, so a name that is not normalised would not be found in the namespace.

    Examples
    --------
    >>> from autodiff.compiler.identifiers import identifier
    >>> identifier("encoder.fc1"), identifier("lambda"), identifier("2 Linear"), identifier("a; b")
    ('encoder_fc1', 'lambda_', 'p2_Linear', 'a_b')
    """
    return _identifier(str(text)[:_LONG], otherwise)


@functools.lru_cache(4096)  # the names of a program are the same few, asked for by every pass that writes it
def _identifier(text: str, otherwise: str) -> str:
    whole = unicodedata.normalize("NFKC", text)
    parts = "".join(c if f"a{c}".isidentifier() else " " for c in whole).split()
    name = "_".join(parts).strip("_")[:_LONG] or otherwise
    if not name[0].isidentifier():
        name = unicodedata.normalize("NFKC", f"p{name}")  # a leading combining accent joins the p
    return f"{name}_" if name in RESERVED else name


def comment(text: Any) -> str:
    """Any text as a single line: characters that cannot be printed are escaped, long text is cut.

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
