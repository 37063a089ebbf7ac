"""The 18 problems of Moré, Garbow and Hillstrom: the problems themselves, and who solves them."""

import numpy as np
import pytest

import autodiff as ad
import optim
from benchmarks.problems.mgh import PROBLEMS
from benchmarks.questions.minimisers import LEAST, is_minimum, run_ours

# The sum of squares at the start and at a known minimiser, worked out by hand or published.
AT_START = {
    "helical valley": 2500.0,
    "box three-dimensional": 1031.1538106093985,
    "Brown and Dennis": 7926693.336997432,
    "extended Rosenbrock": 5 * 24.2,
    "extended Powell singular": 3 * 215.0,
    "Beale": 14.203125,
    "Wood": 19192.0,
    "Watson": 30.0,
    "Powell badly scaled": 1 + (np.exp(-1) - 1e-4) ** 2,
    "Brown badly scaled": (1 - 1e6) ** 2 + (1 - 2e-6) ** 2 + 1,
}
MINIMISERS = {
    "helical valley": [1, 0, 0],
    "Biggs exp6": [1, 10, 1, 5, 4, 3],
    "Powell badly scaled": [1.0981593296998e-5, 9.1061467398663],
    "box three-dimensional": [1, 10, 1],
    "variably dimensioned": np.ones(10),
    "Brown badly scaled": [1e6, 2e-6],
    "Gulf research": [50, 25, 1.5],
    "extended Rosenbrock": np.ones(10),
    "extended Powell singular": np.zeros(12),
    "Beale": [3, 0.5],
    "Wood": np.ones(4),
}


def named(name):
    return next(p for p in PROBLEMS if p.name == name)


def test_there_are_eighteen():
    assert len({p.name for p in PROBLEMS}) == 18


@pytest.mark.parametrize("name", AT_START)
def test_the_value_at_the_start(name):
    assert named(name).value(named(name).start) == pytest.approx(AT_START[name], rel=1e-9)


@pytest.mark.parametrize("name", MINIMISERS)
def test_the_value_at_the_minimum(name):
    assert named(name).value(np.array(MINIMISERS[name], float)) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.name)
def test_derivatives_of_the_problems(problem):
    ad.testing.gradcheck(problem.value, problem.start + 0.01 * np.arange(1, problem.start.size + 1), order=2)


@pytest.mark.parametrize("method", ["newton-cg", "lbfgs", "trust-krylov", "bfgs"])
def test_at_least_seventeen_are_solved(method):
    calls = {p.name: run_ours(p, method) for p in PROBLEMS}
    failed = [name for name, count in calls.items() if count is None]
    assert len(PROBLEMS) - len(failed) >= LEAST, failed


def test_gauss_newton_solves_them_as_sums_of_squares():
    solved = 0
    for problem in PROBLEMS:
        r = optim.minimize(problem.residuals, problem.start, "gauss-newton")
        solved += r.success and is_minimum(problem, 2 * r.fun)
    assert solved >= LEAST
