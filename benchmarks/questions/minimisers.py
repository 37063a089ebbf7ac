"""The question: how many evaluations do `optim.minimize` and SciPy need for the Moré-Garbow-Hillstrom problems.

Both start from the published points and run until ``max|g| <= 1e-8 max(1, |f|)``. SciPy's own tolerances are switched
off, and its calls of the function are counted up to the first iterate that meets this. A problem is solved if the run
ends at a published minimum. Both use our derivatives. The answer compares the calls of the function, summed over the
problems that both solve; nothing is timed. The last line leaves out the problem that costs SciPy most. The ratio is
infinite if fewer than 17 problems are solved.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.problems.mgh import PROBLEMS, Problem
from benchmarks.process import Peers
from benchmarks.questions.answer import Answer, Settings
from benchmarks.report import multiple, table

TITLES = {
    "newton-cg": "evaluations of newton-cg on 18 published problems, over those of SciPy's trust-ncg",
    "lbfgs": "evaluations of lbfgs on 18 published problems, over those of SciPy's L-BFGS-B",
}

SCIPY = {"newton-cg": "trust-ncg", "lbfgs": "L-BFGS-B"}
TOLERANCE, LEAST = 1e-8, 17


def is_minimum(problem: Problem, value: float) -> bool:
    """Whether `value` is that of a published minimum, within the uncertainty that the gradient tolerance leaves."""
    return any(value - least <= 1e-3 * least + 1e-8 for least in problem.minima)


def run_ours(problem: Problem, method: str) -> int | None:
    """Number of calls of the function until the problem is solved; None if it is not."""
    import optim

    result = optim.minimize(problem.value, problem.start, method, tol=TOLERANCE)
    return result.nfev if result.success and is_minimum(problem, result.fun) else None


def run_scipy(problem: Problem, method: str) -> int | None:
    """The same for SciPy's `method`."""
    from scipy import optimize

    import autodiff as ad

    both = ad.value_and_grad(problem.value)
    calls = 0
    solved: int | None = None

    def value(x: np.ndarray) -> float:
        nonlocal calls
        calls += 1
        return float(problem.value(x))

    def look(intermediate_result: Any) -> None:
        nonlocal solved
        fun, g = both(intermediate_result.x)
        if np.abs(g).max() <= TOLERANCE * max(1.0, abs(fun)):
            solved = calls if is_minimum(problem, float(fun)) else None
            raise StopIteration

    options: dict[str, Any] = {"gtol": 0.0, "maxiter": 20_000}
    if method == "L-BFGS-B":
        options |= {"ftol": 0.0, "maxfun": 100_000}
    products = {"hessp": lambda x, v: ad.hvp(problem.value, x, v)} if method == "trust-ncg" else {}
    with np.errstate(all="ignore"):
        optimize.minimize(
            value,
            problem.start,
            jac=lambda x: both(x)[1],
            method=method,
            callback=look,
            options=options,
            **products,
        )
    return solved


def answer(method: str, peers: Peers, settings: Settings) -> Answer:
    """Run our `method` and SciPy's; the value is the ratio of their evaluations, infinite if ours solves too few."""
    try:
        import scipy  # noqa: F401 - to be told here, not in the middle
    except ImportError:
        print("  left out: SciPy is not installed")
        return Answer(None)
    rows: dict[str, dict[str, Any]] = {}
    for problem in PROBLEMS:
        rows[problem.name] = {"ours": run_ours(problem, method), "scipy": run_scipy(problem, SCIPY[method])}
    shared = [row for row in rows.values() if row["ours"] and row["scipy"]]
    ours, theirs = (sum(row[who] for row in shared) for who in ("ours", "scipy"))
    solved = {who: sum(row[who] is not None for row in rows.values()) for who in ("ours", "scipy")}
    cells = [[name, str(row["ours"] or "-"), str(row["scipy"] or "-")] for name, row in rows.items()]
    cells.append([f"both solve {len(shared)}", str(ours), str(theirs)])
    cells.append(["solved", str(solved["ours"]), str(solved["scipy"])])
    ratio = ours / theirs if theirs else None
    notes = [f"ratio {multiple(ratio)}"]
    if len(shared) > 1:
        dearest = max(shared, key=lambda row: row["scipy"])
        notes.append(f"without one  {multiple((ours - dearest['ours']) / (theirs - dearest['scipy']))}")
    print(table(["evaluations", method, SCIPY[method]], cells, notes))
    return Answer(ratio if solved["ours"] >= LEAST else float("inf"), {**rows, "solved": solved})
