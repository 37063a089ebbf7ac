"""Names in C. A user's names are untrusted text: they enter C only through these functions."""

from __future__ import annotations

import itertools
import re
from typing import Any

from autodiff.compiler.identifiers import comment as comment_of
from autodiff.compiler.native.expressions import MATH

_KEYWORDS = frozenset((
    "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum", "extern",
    "float", "for", "goto", "if", "inline", "int", "long", "register", "restrict", "return", "short", "signed",
    "sizeof", "static", "struct", "switch", "typedef", "union", "unsigned", "void", "volatile", "while", "asm",
    "typeof", "bool", "bool_", "main", "unix", "linux", "near", "far", "I", "p", "arena", "NAN", "INFINITY",
    "errno", "memcpy", "memset", "signbit", "isnan", "isinf", "isfinite", "floor", "ceil", "trunc", "rint", "fabs",
    "sqrt", "copysign", "nextafter", "fmod", "block", "pack", "j0", "j1", "jn", "y0", "y1", "yn", "gamma", "lgamma",
    "tgamma", "erf", "erfc", "remainder", "index",
))  # fmt: skip
_MATH = frozenset(f"{name}{f}" for name in MATH.values() for f in ("", "f", "l"))


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
    taken = name in _KEYWORDS or name in _MATH or re.fullmatch(r"(u?int\d+_t)|([ijkln]\d*)|(t\d+)", name)
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
