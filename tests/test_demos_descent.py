"""The gallery's minima are minima, its other points are what it says, and the demo's figures are those of its runs."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

import autodiff as ad
import optim
from demos import descent
from demos.gallery import GALLERY

matplotlib.use("Agg")
SCENES = pytest.mark.parametrize("name", GALLERY)


@pytest.fixture(scope="module")
def runs():
    """Every function with every method, a few steps each."""
    return {name: descent.run(name, scene, 30) for name, scene in GALLERY.items()}


@pytest.fixture
def pictures(monkeypatch):
    """The figures a demo draws, kept open until the test has looked at them."""
    kept = []
    monkeypatch.setattr(plt, "close", kept.append)
    yield kept
    monkeypatch.undo()
    plt.close("all")


def inside(scene, p):
    left, right, bottom, top = scene.box
    return left < p[0] < right and bottom < p[1] < top


@SCENES
def test_the_minima_of_the_gallery_are_its_lowest_points(name):
    scene = GALLERY[name]
    least = scene.f(np.array(scene.minima[0]))
    for minimum in scene.minima:
        p = np.array(minimum)
        assert np.abs(ad.grad(scene.f)(p)).max() < 1e-12 * np.abs(ad.hessian(scene.f)(p)).max()
        assert (np.linalg.eigvalsh(ad.hessian(scene.f)(p)) > 0).all()
        assert scene.f(p) == pytest.approx(least, abs=1e-12) and inside(scene, p)
    left, right, bottom, top = scene.box
    grid = np.stack(np.meshgrid(np.linspace(left, right, 501), np.linspace(bottom, top, 501)))
    values = scene.f(grid)
    assert values.shape == (501, 501) and values.min() >= least - 1e-12


@SCENES
def test_the_other_points_of_the_gallery_are_of_their_kind(name):
    scene = GALLERY[name]
    for x, y, kind in scene.others:
        p = np.array([x, y])
        assert np.abs(ad.grad(scene.f)(p)).max() < 1e-6 and inside(scene, p)
        assert optim.classify_critical_point(scene.f, p).kind == kind
        assert scene.f(p) > scene.f(np.array(scene.minima[0]))


@SCENES
def test_formulas_are_those_of_the_docstrings(name):
    x, y = 0.3, -0.7
    f = GALLERY[name].f
    formula = {
        "Rosenbrock": (1 - x) ** 2 + 100 * (y - x**2) ** 2,
        "Himmelblau": (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2,
        "Rastrigin": 20 + x**2 + y**2 - 10 * (np.cos(2 * np.pi * x) + np.cos(2 * np.pi * y)),
        "Beale": sum((c - x + x * y**k) ** 2 for k, c in ((1, 1.5), (2, 2.25), (3, 2.625))),
        "saddle": x**2 - y**2 + y**4 / 2,
        "monkey saddle": x**3 - 3 * x * y**2 + (x**2 + y**2) ** 2,
        "narrow valley": (x**2 + 50 * y**2) / 2,
    }
    assert f(np.array([x, y])) == pytest.approx(formula[name])
    assert inside(GALLERY[name], GALLERY[name].start)
    assert len({scene.about for scene in GALLERY.values()}) == len(GALLERY) == len(formula)


def test_only_the_gallery_that_is_classic_is_attributed():
    unnamed = {name for name, scene in GALLERY.items() if not scene.source}
    assert unnamed == {"saddle", "narrow valley"}


def test_all_critical_points_of_himmelblau_are_found():
    scene = GALLERY["Himmelblau"]
    left, right, bottom, top = scene.box
    found = optim.critical_points(scene.f, [(left, right), (bottom, top)])
    assert sorted(point.kind for point in found) == ["maximum"] + ["minimum"] * 4 + ["saddle"] * 4
    known = np.array([*scene.minima, *(other[:2] for other in scene.others)])
    for p in known:
        assert min(np.abs(point.x - p).max() for point in found) < 1e-6


@SCENES
def test_every_method_starts_at_the_start_and_goes_down(runs, name):
    scene = GALLERY[name]
    assert set(runs[name]) == set(descent.METHODS)
    for method, found in runs[name].items():
        np.testing.assert_array_equal(found.history[0].x, scene.start)
        assert found.nit <= 30
        assert found.fun <= scene.f(np.array(scene.start)), method
        assert found.fun == pytest.approx(scene.f(found.x))


def test_what_is_said_of_where_a_run_ended(runs):
    scene = GALLERY["saddle"]
    assert descent.arrived(scene, runs["saddle"]["L-BFGS, line search"].x) == "a saddle"
    assert descent.arrived(scene, runs["saddle"][descent.NEWTON].x) == "the lowest point"
    assert descent.arrived(scene, np.array([1.0, 1.0])) == "on the way"
    assert descent.arrived(GALLERY["Himmelblau"], np.array(GALLERY["Himmelblau"].minima[3])) == "the lowest point"
    assert descent.arrived(GALLERY["Rastrigin"], np.array(GALLERY["Rastrigin"].others[0][:2])) == "a local minimum"


def test_newton_ends_at_the_least_value(runs):
    assert 0 <= descent.excess(runs) < 1e-15
    poor = {name: dict(found) for name, found in runs.items()}
    poor["Beale"][descent.NEWTON] = runs["Beale"]["Adam, fixed rate"]
    assert descent.excess(poor) == pytest.approx(runs["Beale"]["Adam, fixed rate"].fun)


def test_the_sheet_shows_every_function_with_every_method(runs, pictures, tmp_path):
    descent.draw_paths(tmp_path / "paths.png", runs)
    *axes, key = pictures[0].axes
    assert [ax.get_title().split("\n")[0] for ax in axes] == list(GALLERY)
    assert [text.get_text() for text in key.get_legend().get_texts()] == list(descent.METHODS)
    for ax, (name, scene) in zip(axes, GALLERY.items(), strict=True):
        assert (*ax.get_xlim(), *ax.get_ylim()) == scene.box
        lines = {line.get_label().split(":")[0]: line.get_xydata() for line in ax.lines}
        for method, found in runs[name].items():
            np.testing.assert_array_equal(lines[method], [record.x for record in found.history])
        np.testing.assert_array_equal(lines["_minima"], scene.minima)


def test_steps_that_cannot_be_are_refused(capsys):
    for steps in ("0", "-3", "many"):
        with pytest.raises(SystemExit) as caught:
            descent.main(["--steps", steps])
        assert caught.value.code == 2 and "--steps" in capsys.readouterr().err
