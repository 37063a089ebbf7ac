"""Names in C. A user's names are untrusted text: they enter C only through these functions."""

from __future__ import annotations

import itertools
import re
from typing import Any

from autodiff.compiler.identifiers import comment as comment_of
from autodiff.compiler.native.expressions import EXACT, MATH

_WORDS = frozenset((
    "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum", "extern",
    "float", "for", "goto", "if", "inline", "int", "long", "register", "restrict", "return", "short", "signed",
    "sizeof", "static", "struct", "switch", "typedef", "union", "unsigned", "void", "volatile", "while", "asm",
    "typeof", "bool", "main", "unix", "linux", "near", "far", "signbit", "isnan", "isinf", "isfinite", "index",
    "j0", "j1", "jn", "y0", "y1", "yn", "gamma", "lgamma", "tgamma", "erf", "erfc", "remainder", "errno",
    "printf", "puts", "remove", "rename", "exit", "abort", "free", "abs", "div", "rand", "signal", "round", "pow",
))  # fmt: skip
"""Words of the language, and names of its library that a function in a file of its own must not have."""
_OURS = frozenset((
    "p", "arena", "scratch", "code", "count", "start", "stop", "finite", "more", "block", "pack", "Array", "Owner",
    "self", "given", "steps",
))  # fmt: skip
"""Names that the C around a user's has anyway, beside counters, and those with a special end."""
_FUNCTIONS = frozenset(f"{name}{f}" for name in (*MATH.values(), *EXACT.values()) for f in ("", "f", "l"))
_TAKEN = re.compile(
    r"u?int\d+_t|[ijklmn]\d*|(t|at)\d+|[A-Z][A-Z0-9_]{2,}"  # types, counters, macros
    r"|(mem|str)[a-z]+|all_.*|part_.*|.*_(i|bool|float\d+|u?int\d+)"  # functions; entries and helping functions
)


def c_identifier(text: Any) -> str:
    """A valid C identifier made from any text: ASCII, no word of the language, no function of its library.

    Examples
    --------
    >>> from autodiff.compiler.native.names import c_identifier
    >>> c_identifier("2.weight"), c_identifier("double"), c_identifier("a*/b")
    ('v2_weight', 'double_', 'a_b')
    """
    name = re.sub(r"\W+", "_", str(text)[:60], flags=re.ASCII).strip("_")
    name = name if name[:1].isalpha() else f"v{name}"
    taken = name in _WORDS or name in _OURS or name in _FUNCTIONS or _TAKEN.fullmatch(name)
    return f"{name}_" if taken else name


def c_comment(text: Any) -> str:
    """Any text inside a comment of C: one line of ASCII that does not end the comment."""
    line = comment_of(text).encode("ascii", "backslashreplace").decode("ascii")
    return line.replace("*/", "* /").replace("/*", "/ *").replace("\\", "/").replace("??", "? ?")


class Names:
    """Unique names."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def unique(self, wish: Any) -> str:
        """A free name, as close as possible to the wish."""
        base = c_identifier(wish)
        for name in itertools.chain([base], (f"{base}_{i}" for i in itertools.count(2))):
            if name not in self._used:
                self._used.add(name)
                return name
        raise AssertionError
