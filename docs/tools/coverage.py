"""Write docs/coverage.md: what becomes of each of NumPy's functions, and of SciPy's special ones, on a Tensor.

usage: python docs/tools/coverage.py

The page is made from the tables that the engine itself asks. tests/test_coverage.py compares it with them.
"""

import csv
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import scipy
from numpy.testing.overrides import get_overridable_numpy_array_functions, get_overridable_numpy_ufuncs
from scipy import special

import autodiff
from autodiff.arrays.messages import INSTEAD_OF_SPECIAL
from autodiff.compiler import tracer
from autodiff.core.primitives import NUMPY_CONSTANTS, NUMPY_FUNCTIONS, NUMPY_PRIMITIVES
from autodiff.ops.refused import WRITING, refusal
from autodiff.scipy_special import loading
from autodiff.scipy_special.table import ROWS, WHOLE, Row

loading.load()
PAGE = Path(__file__).parent.parent / "coverage.md"
WRONG_VALUES = Path(__file__).with_name("special_values.csv")
REACHED = PAGE.parents[1] / "tests" / "reference" / "special_reached.json"

VERSION = f"NumPy {np.__version__.rpartition('.')[0]}"
"""What the page is about. A patch release changes no list of functions."""

OTHER_VERSIONS = (
    "In NumPy 2.5 it is the same, but that functions on text which are refused below are no longer handed over, that "
    "`polyvalnd` of `np.polynomial.polynomial` is (refused as well), that `np.cross` takes vectors of three components "
    "only, and that `np.sort` takes `descending=`, on a Tensor too."
)
"""What is otherwise in the newest version; the tests compare every class on the page in whatever version they run."""

DIFFERENTIABLE, CONSTANT, REFUSED, UNDECIDED = "differentiable", "constant", "refused", "undecided"

ROOMS: dict[str, ModuleType] = {
    "np": np,
    "np.linalg": np.linalg,
    "np.fft": np.fft,
    "np.lib.stride_tricks": np.lib.stride_tricks,
    "np.lib.scimath": np.lib.scimath,
    "np.strings": np.strings,
    "np.char": np.char,
    "np.polynomial.polynomial": np.polynomial.polynomial,
}
"""Where NumPy keeps functions under public names. Those not loaded yet are loaded by naming them here."""


class NumpyFunction(NamedTuple):
    """One of NumPy's functions.

    Attributes
    ----------
    names : tuple of str
        Its public names, as ``np.linalg.norm``; the first is its own, the others are aliases. Empty if it has none.
    function : callable
        What NumPy hands over to a Tensor.
    kind : str
        What becomes of it on a Tensor.
    remark : str
        A convention, or the reason for a refusal.
    """

    names: tuple[str, ...]
    function: Callable[..., Any]
    kind: str
    remark: str


def dispatched(function: Callable[..., Any]) -> Callable[..., Any]:
    """What a Tensor is handed for it: of a function with like= that is the public one inside of a wrapper."""
    inner = getattr(function, "_implementation", None)
    return inner if inner is not None and getattr(np, function.__name__, None) is inner else function


def kinds_of(function: Callable[..., Any]) -> list[str]:
    """All classes in which a function is; it should be one."""
    tables = {
        DIFFERENTIABLE: function in NUMPY_FUNCTIONS or function in NUMPY_PRIMITIVES,
        CONSTANT: function in NUMPY_CONSTANTS,
        REFUSED: refusal(function) is not None,
    }
    return [kind for kind, here in tables.items() if here]


def names_of(function: Callable[..., Any]) -> tuple[str, ...]:
    """Public names, the function's own first."""
    found = []
    for path, room in ROOMS.items():
        public = [n for n in dir(room) if not n.startswith("_") and vars(room).get(n) is function]
        found += sorted((f"{path}.{n}" for n in public), key=lambda n: (not n.endswith(f".{function.__name__}"), n))
    module = getattr(function, "__module__", None) or ""
    if not found and module.startswith("numpy.") and not function.__name__.startswith("_"):
        found = [f"np.{module.removeprefix('numpy.')}.{function.__name__}"]
    return tuple(found)


def remark_of(function: Callable[..., Any], kind: str) -> str:
    """What there is to say about it."""
    if kind == REFUSED:
        return (("it would write in place; " if function in WRITING else "") + (refusal(function) or "")).rstrip(".")
    if kind != DIFFERENTIABLE or function not in NUMPY_FUNCTIONS:
        return ""
    first = (NUMPY_FUNCTIONS[function].__doc__ or "").strip().split("\n")[0]
    return re.sub(r"^``np\.[\w.]+``[\s.,:;]*", "", first).rstrip(".")


def numpy_functions() -> list[NumpyFunction]:
    """All functions that NumPy lets others take over, by name."""
    everything = get_overridable_numpy_ufuncs() | get_overridable_numpy_array_functions()
    found = []
    for function in {dispatched(f) for f in everything}:
        kinds = kinds_of(function)
        kind = kinds[0] if kinds else UNDECIDED
        found.append(NumpyFunction(names_of(function), function, kind, remark_of(function, kind)))
    return sorted(found, key=lambda f: (f.names or ("",), f.function.__name__))


def page(functions: list[NumpyFunction]) -> str:
    """The text of the page."""
    return "\n".join(_lines([f for f in functions if f.names])) + "\n"


def _lines(functions: list[NumpyFunction]) -> Iterator[str]:
    n = {kind: sum(f.kind == kind for f in functions) for kind in (DIFFERENTIABLE, CONSTANT, REFUSED)}
    yield "# NumPy on a Tensor"
    yield ""
    yield "<!-- Written by docs/tools/coverage.py; do not edit. -->"
    yield ""
    yield (
        f"{VERSION} lets others take over {len(functions)} of its public functions. On a Tensor "
        f"{n[DIFFERENTIABLE]} are differentiable, {n[CONSTANT]} are constant (they run on the plain values, and their "
        f"result is not tracked) and {n[REFUSED]} are refused, with the reason in the message."
    )
    yield ""
    yield (
        "They have no second name: `ad.sin`, `x.exp()`, `ad.cat`, `x.permute(1, 0)` are errors that name NumPy's "
        "function, with an example."
    )
    yield ""
    yield OTHER_VERSIONS
    for path in dict.fromkeys([*ROOMS, *(_room(f) for f in functions)]):
        here = [f for f in functions if _room(f) == path]
        if not here:
            continue
        yield ""
        yield f"## {path}"
        yield ""
        if {(f.kind, f.remark) for f in here} == {(REFUSED, here[0].remark)}:
            yield f"Refused: {here[0].remark}. " + ", ".join(f"`{_short(f.names[0], path)}`" for f in here) + "."
            continue
        yield "| function | class | remark |"
        yield "| --- | --- | --- |"
        for f in here:
            aliases = ", ".join(f"`{_short(n, path).removeprefix('np.')}`" for n in f.names[1:])
            name = f"`{_short(f.names[0], path)}`" + (f", {aliases}" if aliases else "")
            yield f"| {name} | {f.kind} | {f.remark} |".replace("|  |", "| |")
    yield from _compiled(functions)
    yield from _special()


SCIPY = f"SciPy {scipy.__version__.rpartition('.')[0]}"


def _special() -> Iterator[str]:
    """The section about SciPy's special functions."""
    shown = {name: row for name, row in ROWS.items() if not name.startswith("_")}
    partly = [row for row in shown.values() if set(row.without.values()) - {WHOLE.reason}]
    constants = [name for name, row in shown.items() if row.kind == CONSTANT]
    yield ""
    yield "## scipy.special"
    yield ""
    yield (
        f"Of the {len(shown)} ufuncs of `scipy.special` ({SCIPY}) {len(shown) - len(partly) - len(constants)} are "
        f"differentiable by every real operand that is continuous, {len(partly)} by their last one, and "
        f"{len(constants)} are constant. The table is loaded when one of them first meets a Tensor."
    )
    yield ""
    yield (
        "Slopes *by formula* are written in functions that have rules themselves. Those *from values*, by orders, "
        "shapes and other parameters for which the books have no closed form, are those of an interpolant at Chebyshev "
        "points: where a slope is small beside the value, its relative error grows accordingly. Operands that count "
        "(`n` of `kn`) have no slope, and are refused if they are tracked. Outside of its domain a function is NaN, "
        "and so are its slopes. Errors are relative, against mpmath at 20 points, 5 of them hard (0, 1, tiny, "
        "huge, whole orders, "
        "edges): of 95 % of the slopes, of all, of the second derivatives."
    )
    yield ""
    yield "| function | by formula | from values | no slope | errors | remark |"
    yield "| --- | --- | --- | --- | --- | --- |"
    reached = json.loads(REACHED.read_text(encoding="utf-8"))
    for name in sorted(shown):
        yield _special_row(name, shown[name], reached)
    yield ""
    yield "### Where SciPy's own value is wrong"
    yield ""
    yield (
        "In SciPy 1.17, found by comparison with mpmath. A Tensor's value is SciPy's; a slope by formula is right "
        "where the functions in it are."
    )
    yield ""
    yield "| functions | where | SciPy | right |"
    yield "| --- | --- | --- | --- |"
    with WRONG_VALUES.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            names = ", ".join(f"`{n}`" for n in row["functions"].split())
            value = f"`{row['scipy']}`" if row["scipy"] else ""
            yield f"| {names} | {row['where']} | {value} | {row['right'].strip()} |".replace("|  |", "| |")
    yield ""
    yield "### Functions that are no ufuncs"
    yield ""
    yield ARRAY_FUNCTIONS
    for name, instead in INSTEAD_OF_SPECIAL.items():
        yield f"| `{name}` | `{instead}` |"


ARRAY_FUNCTIONS = """\
These work, since they call a ufunc or NumPy: `zeta`, `lambertw`, `sinc`, `softplus`, `jvp`, `yvp`, `ivp`, `kvp`,
`h1vp`, `h2vp`, and the polynomials that `legendre(n)`, `chebyt(n)`, `jacobi(n, a, b)`, `hermite(n)` and their kind
return.

These first make a plain array of their argument, which a tracked Tensor refuses with an error, so that no gradient is
lost. What to write instead:

| function | on a Tensor |
| --- | --- |"""


def _operands(name: str) -> list[str]:
    """The names of a ufunc's operands, as its docstring calls them."""
    ufunc = getattr(special, name)
    found = [re.findall(r"\w+", call) for call in re.findall(rf"\b{ufunc.__name__}\(([^)]*)\)", ufunc.__doc__)]
    named = [words[: ufunc.nin] for words in found if len(words) >= ufunc.nin]
    names = [w for w in named if w[0] not in ("x1", "out") and not any(o[0].isdigit() for o in w)]
    return names[0] if names else [f"x{i + 1}" for i in range(ufunc.nin)]


def _special_row(name: str, row: Row, reached: dict[str, list[float]]) -> str:
    operands = _operands(name)
    if row.kind == CONSTANT:
        return f"| `{name}` | | | {', '.join(operands)} | | constant |"
    closed = [o for i, o in enumerate(operands) if i not in row.numeric and i not in row.without]
    worst = [max(e) for e in zip(*[v for k, v in reached.items() if k.partition("[")[0] == name], strict=False)]
    errors = ", ".join(f"{e:.0e}" for e in worst)
    remarks = [row.remark] if row.remark else []
    if name in autodiff.special.__all__:
        remarks.append(f"one rule with `ad.special.{name}`")
    cells = (
        f"`{name}`",
        ", ".join(closed),
        ", ".join(operands[i] for i in row.numeric),
        ", ".join(operands[i] for i in row.without),
        errors or ("by the equation" if row.primitives else ""),
        "; ".join(remarks),
    )
    return ("| " + " | ".join(cells) + " |").replace("|  |", "| |").replace("|  |", "| |")


COMPILED = {np.roots, np.polymul, np.polydiv, np.poly, np.trim_zeros}
"""Those whose rules compare at every call what shapes hang on, which is not done for plain arrays."""

MORE = (
    "`np.piecewise` with functions: how many entries each is given hangs on values. Write `np.where` or `np.select`.",
    "What Python does by values: a branch, a count, `float(x)`, `bool(x)`, `.item()`, `.tolist()`, text of numbers.",
    "An index by a mask, and a slice whose ends are computed. Write `np.where`.",
    "A write into an array. Write `x.at[i].set(v)` on a Tensor, which makes a new one.",
    "`.data`, `.flat`, `.flags` and other attributes of arrays that lead out of what is traced.",
    "`Newton`, `GaussNewton`, `LBFGS` and `minimize`: losses decide how often they evaluate. Compile the loss.",
    "Quantiles of counts and mixtures, and `Poisson.entropy`: they look for their value.",
    "`nn.Monitor` inside of the function: it looks at values. Put it around the compiled step.",
)
"""What else is refused in a compiled function. tests/test_compile_coverage.py tries it."""


def _compiled(functions: list[NumpyFunction]) -> Iterator[str]:
    """The section about compiled functions."""

    def listed(found: set[Any]) -> str:
        return ", ".join(f"`{f.names[0]}`" for f in functions if f.function in found)

    by_values = set(tracer.OF_VALUES)
    yield ""
    yield "## In a compiled function"
    yield ""
    yield (
        "`ad.compile` takes all that stands above, but for what hangs on values. That is refused with an "
        "`ad.CompileError`; with `fallback=True` the function then runs as it is."
    )
    yield ""
    yield f"- Whose result is a truth value, or has a shape that hangs on values: {listed(by_values - COMPILED)}."
    yield f"- Of plain arrays, not of Tensors, for the same reason: {listed(by_values & COMPILED)}."
    yield f"- Where the operand that counts or selects is traced: {listed(set(tracer.OF_COUNTS))}."
    yield f"- Those that write in place: {listed(tracer.WRITING)}."
    yield from (f"- {line}" for line in MORE)


def _room(f: NumpyFunction) -> str:
    return f.names[0].rpartition(".")[0]


def _short(name: str, path: str) -> str:
    return name.removeprefix(f"{path}.")


def main() -> int:
    """Run from the command line."""
    PAGE.write_text(page(numpy_functions()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
