"""What an answer must leave as it is: the functions of NumPy, Python and the grader, which judge it afterwards.

It keeps accidents from looking like grades: ``np.isclose = ...`` in an answer would change what is right. It is no
wall against somebody who wants to deceive himself; he can write into his own progress file as well.
"""

from __future__ import annotations

import sys

GUARDED = ("builtins", "math", "json", "inspect", "signal", "warnings", "linecache", "traceback", "numpy", "autodiff")
"""Modules, with those in them, whose functions are kept; and those of the course."""


class Guard:
    """Remembers the functions of some modules, and puts them back where they were replaced."""

    def __init__(self) -> None:
        self.modules = dict(sys.modules)
        kept = [(name, m) for name, m in self.modules.items() if _is_guarded(name) and hasattr(m, "__dict__")]
        self.functions = [(name, vars(m), {k: v for k, v in vars(m).items() if callable(v)}) for name, m in kept]

    def restored(self) -> str:
        """Put back what was replaced; the full name of the first such function, or an empty text."""
        for name, module in self.modules.items():
            sys.modules.setdefault(name, module)
        first = ""
        for module, now, functions in self.functions:
            for name, function in functions.items():
                if name not in now or now[name] is not function:
                    now[name] = function
                    first = first or f"{module}.{name}"
        return first


def _is_guarded(name: str) -> bool:
    return name.partition(".")[0] in GUARDED or name.startswith("demos.course")


def limit_files(most: int) -> None:
    """Let this process write no file longer than this; where the system cannot do that, nothing happens."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    except (ImportError, OSError, ValueError):
        return
