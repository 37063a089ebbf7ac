"""Whether `autodiff`, `nn` and `optim` are the packages of this project, since other projects use these names too.

Each of ours has the attribute ``__wengert__``, its version. In the place of one there may be another project, which pip
has installed over ours, or a file of the user's with the same name.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

PACKAGES = ("autodiff", "nn", "optim")
INSTALL = "pip install --force-reinstall --no-deps ."


def strangers(load: bool = False) -> dict[str, str]:
    """What is wrong with those of the three packages that are not ours: empty if they belong together.

    Parameters
    ----------
    load : bool, default False
        Import those that have not been imported; otherwise they are not looked at.

    Returns
    -------
    dict of str to str
        A sentence by the name of the package.

    Examples
    --------
    >>> from autodiff.names import packages
    >>> packages.strangers(load=True)
    {}
    """
    found: dict[str, str] = {}
    versions: dict[str, str] = {}
    for name in PACKAGES:
        module = sys.modules.get(name)
        if module is None and load:
            try:
                module = importlib.import_module(name)
            except Exception as error:
                found[name] = f"`import {name}` fails: {type(error).__name__}: {str(error).partition(chr(10))[0]}"
        if module is not None:
            version = vars(module).get("__wengert__")
            if version is None:
                found[name] = f"`{name}` is not that of wengert: it is {_who(name, module)}"
            else:
                versions[name] = version
    for name, version in versions.items():
        if version != versions["autodiff"]:
            found[name] = f"`{name}` is that of wengert {version}, and `autodiff` that of {versions['autodiff']}"
    return found


def complaint(found: dict[str, str]) -> str:
    """What happened and how to repair it, in a few lines.

    Parameters
    ----------
    found : dict
        As `strangers` returns it; not empty.

    Examples
    --------
    >>> from autodiff.names import packages
    >>> print(packages.complaint({"optim": "`optim` is not that of wengert: it is optim.py"}))
    autodiff, nn and optim do not belong together:
      `optim` is not that of wengert: it is optim.py
    Other projects use these names too, and pip puts one in the place of the other without a word.
    To repair it: pip uninstall optim, then in the folder of wengert pip install --force-reinstall --no-deps .
    A file of your own that bears one of the names needs another name.
    """
    others = dict.fromkeys(other for name in found for other in _projects(name) or [name])
    return "\n".join(
        [
            "autodiff, nn and optim do not belong together:",
            *(f"  {sentence}" for sentence in found.values()),
            "Other projects use these names too, and pip puts one in the place of the other without a word.",
            f"To repair it: pip uninstall {' '.join(others)}, then in the folder of wengert {INSTALL}",
            "A file of your own that bears one of the names needs another name.",
        ]
    )


def _who(name: str, module: ModuleType) -> str:
    """Which project or file a package comes from."""
    place = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), "a module without a file")
    projects = _projects(name)
    return f"that of the project {' and '.join(projects)}, {place}" if projects else str(place)


def _projects(name: str) -> list[str]:
    """The other installed projects that bring a package of this name."""
    import importlib.metadata

    try:
        found = importlib.metadata.packages_distributions().get(name, ())
    except Exception:  # the metadata of some project is broken
        return []
    return sorted(set(found) - {"wengert"})
