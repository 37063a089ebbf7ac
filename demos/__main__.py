"""``python -m demos`` lists the demos, one line each; ``python -m demos NAME`` runs one."""

import importlib
import os
import pkgutil
import sys

for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ.setdefault(
        _variable, "1"
    )  # before NumPy is loaded: threads of BLAS make small networks slower, not faster

import demos  # noqa: E402  # the variables come first

HELPERS = {"__main__", "gallery", "output"}


def names() -> list[str]:
    """The names of the demos."""
    return sorted(m.name for m in pkgutil.iter_modules(demos.__path__) if m.name not in HELPERS)


def summary(name: str) -> str:
    """The first line of a demo's docstring."""
    return (importlib.import_module(f"demos.{name}").__doc__ or "").strip().splitlines()[0]


def main(arguments: list[str]) -> int:
    """Run the demo named by the first argument with the other arguments; without arguments, list all demos."""
    if not arguments or arguments[0] in ("-h", "--help", "list"):
        print("python -m demos NAME runs one of these (--help after a name shows its options):\n")
        for name in names():
            print(f"  {name:12s} {summary(name)}")
        return 0
    name, *rest = arguments
    if name not in names():
        print(f"no demo is named {name!r}; the demos are: {', '.join(names())}", file=sys.stderr)
        return 2
    importlib.import_module(f"demos.{name}").main(rest)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
