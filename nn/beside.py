"""Looks whether the packages beside this one, `autodiff` and `optim`, are those of the same project.

`nn` imports this before anything else of itself.
"""

from __future__ import annotations

import autodiff

if not hasattr(autodiff, "__wengert__"):
    found = getattr(autodiff, "__file__", None)
    raise ImportError(
        f"nn needs the package autodiff of wengert; another one is in its place: {found}. To repair it: pip "
        "uninstall autodiff, then in the folder of wengert pip install --force-reinstall --no-deps .; a file of your "
        "own that bears the name needs another one."
    )

from autodiff import names  # another autodiff has none


def look(stacklevel: int = 3) -> None:
    """Warn if a package `optim` has been imported that is not ours; it says what happened and how to repair it."""
    names.look_beside("optim", stacklevel)
