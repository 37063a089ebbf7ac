"""Critical points: their kinds, all of them in a box; minima from many starts."""

import numpy as np
import pytest

import autodiff as ad
import optim

MONKEY = lambda p: p[0] ** 3 - 3 * p[0] * p[1] ** 2
HIMMELBLAU = lambda p: (p[0] ** 2 + p[1] - 11) ** 2 + (p[0] + p[1] ** 2 - 7) ** 2


@pytest.mark.parametrize(
    ("f", "kind", "index"),
    [
        (lambda p: (p**2).sum(), "minimum", 0),
        (lambda p: -(p**2).sum(), "maximum", 2),
        (lambda p: p[0] ** 2 - p[1] ** 2, "saddle", 1),
        (lambda p: p[0] * p[1], "saddle", 1),
        (MONKEY, "degenerate", 0),
        (lambda p: p[0] ** 2 + p[1] ** 4, "degenerate", 0),
        (lambda p: -(p[0] ** 2) + p[1] ** 3, "degenerate", 1),
        (lambda p: 1e-30 * (p**2).sum(), "minimum", 0),
        (lambda p: 0.0 * p.sum(), "degenerate", 0),
    ],
)
def test_the_kind_of_a_critical_point(f, kind, index):
    point = optim.classify_critical_point(f, np.zeros(2))
    assert (point.kind, point.index) == (kind, index)
    assert point.eigenvalues.shape == (2,) and (np.diff(point.eigenvalues) >= 0).all()
    assert point.fun == f(np.zeros(2)) and point.x.tolist() == [0.0, 0.0]


def test_both_signs_decide_whatever_else_is_zero():
    assert optim.classify_critical_point(lambda p: p[0] ** 2 - p[1] ** 2 + p[2] ** 4, np.zeros(3)).kind == "saddle"


def test_containers_and_single_numbers_are_classified():
    point = optim.classify_critical_point(lambda p: (p["a"] ** 2).sum() - p["b"] ** 2, {"a": np.zeros(2), "b": 0.0})
    assert point.kind == "saddle" and point.index == 1 and point.x["a"].shape == (2,)
    assert optim.classify_critical_point(np.cos, 0.0).kind == "maximum"


def test_what_cannot_be_classified():
    with pytest.raises(ad.DomainError, match=r"gradient at x is not 0.*2.*optim\.minimize"):
        optim.classify_critical_point(lambda p: (p**2).sum(), np.ones(2))
    with pytest.raises(ad.DomainError, match="Hessian is not finite"):
        optim.classify_critical_point(lambda x: np.abs(x) ** 1.5, 0.0)

    uneven = ad.elementwise(
        lambda a, b: a * b, lambda t, y, a, b: t * b, lambda t, y, a, b: 2 * t * a, name="uneven_product"
    )
    with pytest.raises(ad.DomainError, match="mixed second derivatives differ by 1"):
        optim.classify_critical_point(lambda p: uneven(p[0], p[1]), np.zeros(2))


def test_all_critical_points_of_himmelblaus_function():
    points = optim.critical_points(HIMMELBLAU, [(-5, 5), (-5, 5)])
    kinds = [p.kind for p in points]
    assert kinds == ["minimum"] * 4 + ["saddle"] * 4 + ["maximum"]
    assert points[-1].x == pytest.approx([-0.270845, -0.923039], abs=1e-6)
    assert points[-1].fun == pytest.approx(181.616522)
    assert sorted(p.x.round(3).tolist() for p in points[:4]) == [
        [-3.779, -3.283],
        [-2.805, 3.131],
        [3.0, 2.0],
        [3.584, -1.848],
    ]


def test_critical_points_of_a_function_of_one_number():
    points = optim.critical_points(np.sin, (0.0, 10.0))
    assert [p.kind for p in points] == ["minimum", "maximum", "maximum"]
    assert sorted(float(p.x) / np.pi for p in points) == pytest.approx([0.5, 1.5, 2.5])


def test_points_at_the_border_belong_to_the_box_and_those_outside_do_not():
    points = optim.critical_points(lambda x: (x**2 - 1.0) ** 2, (0.0, 0.5))
    assert [(p.kind, float(p.x)) for p in points] == [("maximum", pytest.approx(0.0, abs=1e-6))]
    assert optim.critical_points(lambda p: p[0] + p[1] ** 2, [(0, 1), (0, 1)]) == []


def test_a_degenerate_point_is_found_and_called_so():
    (point,) = optim.critical_points(MONKEY, [(-1, 1), (-1, 1)], n=16)
    assert point.kind == "degenerate" and np.abs(point.x).max() < 1e-4


def test_critical_points_in_three_dimensions():
    points = optim.critical_points(lambda p: ((p**2 - 1) ** 2).sum(), [(-2, 2)] * 3)
    assert len(points) == 27 and [p.kind for p in points].count("minimum") == 8
    assert [p.index for p in points if p.kind == "saddle"].count(1) == 12


# --- many starts ----------------------------------------------------------------------------------


def test_basins_from_many_starts():
    found = optim.multistart(HIMMELBLAU, [(-5, 5), (-5, 5)], n=36, seed=1)
    assert len(found.basins) == 4 and found.failures == 0
    assert sum(b.share for b in found.basins) == pytest.approx(1.0)
    assert all(b.result.success and b.starts.shape == (round(36 * b.share), 2) for b in found.basins)
    assert found.fun == found.basins[0].fun < 1e-12 and found.x is found.basins[0].x
    assert found.nfev >= sum(b.result.nfev for b in found.basins)


def test_the_global_minimum_comes_first():
    wavy = lambda x: np.sin(3 * x) + 0.1 * (x - 1.0) ** 2
    found = optim.multistart(wavy, (-6.0, 6.0), n=25)
    grid = np.linspace(-6, 6, 100_001)
    assert found.fun == pytest.approx(wavy(grid).min(), abs=1e-6)
    assert [b.fun for b in found.basins] == sorted(b.fun for b in found.basins) and len(found.basins) > 3


def test_starts_are_drawn_by_the_seed_and_runs_stay_in_the_box():
    runs = [optim.multistart(HIMMELBLAU, [(0, 5), (0, 5)], n=5, seed=s) for s in (3, 3, 4)]
    starts = [np.concatenate([b.starts for b in r.basins]) for r in runs]
    assert starts[0].tolist() == starts[1].tolist() != starts[2].tolist()
    assert all(((b.x >= 0) & (b.x <= 5)).all() for r in runs for b in r.basins)
    free = optim.multistart(lambda x: (x - 9.0) ** 2, (0.0, 1.0), n=2, bounds=None, method="newton-cg")
    assert free.x == pytest.approx(9.0)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: optim.critical_points(np.sin, 3.0), ad.ShapeError, "pair.*3.0 was given"),
        (lambda: optim.critical_points(np.sin, (0, np.inf)), ValueError, "must be finite"),
        (lambda: optim.critical_points(np.sin, (1, 0)), ValueError, "lower one must not be above"),
        (lambda: optim.critical_points(np.sin, (0, 1), n=0), ValueError, "n must be.*0"),
        (lambda: optim.multistart(np.sin, "box"), ad.ShapeError, "'box' was given"),
        (lambda: optim.multistart(np.sin, (0, 1), n=0), ValueError, "n must be.*0"),
        (lambda: optim.multistart(lambda x: x**2, (1, 2), n=2, max_iter=0), RuntimeError, "none of 2 runs.*max_iter"),
    ],
)
def test_what_is_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()


def one_point_at_a_time(f):
    """The same function, which refuses arrays of points."""

    def g(p):
        assert np.shape(p) == (2,)
        return f(p)

    return g


@pytest.mark.parametrize(
    "f",
    [
        lambda p: np.sin(p[0]) * np.cos(p[1]),
        lambda p: (1 - p[0]) ** 2 + 10 * (p[1] - p[0] ** 2) ** 2,
        lambda p: np.sin(3 * p[0]) * np.sin(3 * p[1]) * np.exp(-(p[0] ** 2) - p[1] ** 2),
        lambda p: p[0] ** 4 + p[1] ** 4,
    ],
    ids=["waves", "valley", "hills", "flat"],
)
def test_many_starts_at_once_find_what_each_finds_alone(f):
    box = [(-2.0, 2.0), (-1.5, 2.0)]
    together, alone = optim.critical_points(f, box, n=36), optim.critical_points(one_point_at_a_time(f), box, n=36)
    assert [c.kind for c in together] == [c.kind for c in alone]
    np.testing.assert_allclose(
        [c.x for c in together], [c.x for c in alone], rtol=1e-6, atol=1e-3 * (together[0].kind == "degenerate") + 1e-9
    )


def test_a_function_that_mixes_its_points_is_called_with_one_at_a_time():
    def mixing(p):  # (n,) for many points, but each value depends on all of them
        return (p[0] - 0.3) ** 2 + p[1] ** 2 + np.mean(p[0] ** 2)

    (found,) = optim.critical_points(mixing, [(-1.0, 1.0), (-1.0, 1.0)], n=16)
    np.testing.assert_allclose(found.x, [0.15, 0.0], atol=1e-10)


def test_a_function_of_many_points_may_close_over_a_parameter():
    def kinds(c):
        found = optim.critical_points(lambda p: (p[0] ** 2 - c) ** 2 + p[1] ** 2, [(-2.0, 2.0), (-1.0, 1.0)], n=25)
        return [point.kind for point in found]

    assert kinds(ad.tensor(1.0, requires_grad=True)) == ["minimum", "minimum", "saddle"]
    with pytest.raises(ad.GradientError, match=r"a search is not recorded.*optim\.root"):
        ad.grad(kinds)(1.0)


def test_a_function_that_looks_at_all_points_at_once_outside_of_the_box():
    def guarded(p):  # written for one point; of many, one outside decides for all
        if np.any(p < 0):
            return 1e3 + 0.0 * p[0]
        return np.sin(3 * p[0]) * np.sin(3 * p[1])

    box = [(0.0, 3.0), (0.0, 3.0)]
    together, alone = optim.critical_points(guarded, box), optim.critical_points(one_point_at_a_time(guarded), box)
    assert len(together) == len(alone) == 13 and {c.kind for c in together} == {"minimum", "maximum", "saddle"}
