"""``python -m demos`` lists the demos, one line each; ``python -m demos NAME`` runs one."""

import importlib
import pkgutil
import sys

import autodiff
import demos

HELPERS = {"__main__", "gallery", "limiting", "output"}
SECONDS = {
    "autoencoder": 5,
    "carry": 2,
    "course": 1,
    "deep": 5,
    "descent": 11,
    "digits": 4,
    "entropy": 2,
    "fields": 4,
    "green": 3,
    "mnist": 12,
    "moons": 5,
    "names": 24,
    "pendulum": 9,
    "quadrature": 2,
    "regression": 4,
    "taylor": 2,
}
"""How long each demo takes, measured on one core; shown in the list."""


def names() -> list[str]:
    """The names of the demos."""
    return sorted(m.name for m in pkgutil.iter_modules(demos.__path__) if m.name not in HELPERS)


def summary(name: str) -> str:
    """The first line of a demo's docstring."""
    return (importlib.import_module(f"demos.{name}").__doc__ or "").strip().splitlines()[0]


def foreign() -> str | None:
    """What to say if one of the three packages is not that of this project; None if all are."""
    if "__wengert__" not in vars(autodiff):
        return f"autodiff is not that of wengert, but {autodiff.__file__}: run `python -m pip install .` here again"
    from autodiff.names import packages

    found = packages.strangers(load=True)
    return packages.complaint(found) if found else None


def main(arguments: list[str]) -> int:
    """Run the demo named by the first argument with the other arguments; without arguments, list all demos."""
    if not arguments or arguments[0] in ("-h", "--help", "list"):
        print("python -m demos NAME runs one of these, in about so many seconds (--help after it shows its options):\n")
        for name in names():
            print(f"{name:12s}{f'{SECONDS[name]:3d} s' if name in SECONDS else '':5s} {summary(name)}")
        return 0
    if (wrong := foreign()) is not None:
        print(wrong, file=sys.stderr)
        return 1
    name, *rest = arguments
    if name not in names():
        print(f"no demo is named {name!r}; the demos are: {', '.join(names())}", file=sys.stderr)
        return 2
    importlib.import_module(f"demos.{name}").main(rest)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
