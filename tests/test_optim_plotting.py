"""Pictures of optimisation: points, levels, ellipses, heights, frames and labels are those of the run."""

import sys

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image

import autodiff as ad
import optim
from autodiff.plotting.style import BLUE, ORANGE, PALETTE, RED
from optim import plotting
from optim.plotting.films import steps_shown
from optim.plotting.landscape import heights, levels_of, values_at
from optim.plotting.rates import verdict

matplotlib.use("Agg")

BOWL = lambda p: p[0] ** 2 + 4 * p[1] ** 2
SADDLE = lambda p: p[0] ** 2 - p[1] ** 2
ROSENBROCK = lambda p: (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2
BOX = (-2.0, 2.0, -1.0, 3.0)
PATH = np.array([[-1.2, 1.0], [0.0, 0.5], [0.5, 0.25]])
PICTURES = {
    "contours": lambda paths, **options: plotting.contours(BOWL, BOX, paths, **options),
    "surface": lambda paths, **options: plotting.surface(BOWL, BOX, paths, **options),
    "film": lambda paths, **options: plotting.film(BOWL, BOX, paths, **options),
}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def runs():
    start = np.array([-1.2, 1.0])
    return {
        "gd": optim.minimize(ROSENBROCK, start, "gd", max_iter=30),
        "newton": optim.minimize(ROSENBROCK, start, "newton-cg"),
    }


def named(ax):
    """The lines that a legend would name."""
    return {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}


def texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


# --- paths


def test_a_path_is_drawn_through_every_point_of_a_history(runs):
    (ax,) = plotting.contours(ROSENBROCK, BOX, runs).axes
    lines = named(ax)
    steps = {name: found.nit for name, found in runs.items()}
    assert list(lines) == texts(ax) == [f"gd: {steps['gd']} steps", f"newton: {steps['newton']} steps"]
    for found, line in zip(runs.values(), lines.values(), strict=True):
        np.testing.assert_array_equal(line.get_xydata(), [record.x for record in found.history])
    starts = [line.get_xydata().tolist() for line in ax.lines if line.get_label() == "_start"]
    ends = [line.get_xydata()[0] for line in ax.lines if line.get_label() == "_end"]
    assert starts == [[[-1.2, 1.0]]] * 2
    np.testing.assert_array_equal(ends, [found.x for found in runs.values()])
    first, second = lines.values()
    assert first.get_linestyle() != second.get_linestyle() and first.get_marker() != second.get_marker()
    assert (first.get_color(), second.get_color()) == PALETTE[:2]
    assert ax.get_xlim() == BOX[:2] and ax.get_ylim() == BOX[2:]


def test_results_histories_and_arrays_are_drawn_alike(runs):
    points = np.array([record.x for record in runs["newton"].history])
    shapes = [runs["newton"], runs["newton"].history, points, points.tolist()]
    drawn = [named(plotting.contours(ROSENBROCK, BOX, paths).axes[0]) for paths in shapes]
    for lines in drawn:
        (label,) = lines
        assert label == f"path: {runs['newton'].nit} steps"
        np.testing.assert_array_equal(lines[label].get_xydata(), points)


def test_points_are_marked_where_they_are_few():
    path = np.stack([np.linspace(-1, 1, 61), np.zeros(61)], axis=1)
    few, many = plotting.contours(BOWL, BOX, path[:60]), plotting.contours(BOWL, BOX, path)
    ((few,), (many,)) = (named(figure.axes[0]).values() for figure in (few, many))
    assert few.get_marker() == "o" and many.get_marker() == "None"


def test_a_path_that_left_the_plane_is_drawn_up_to_there():
    with np.errstate(all="ignore"):
        _, path = optim.gradient_descent(BOWL, x0=np.array([1.0, 1.0]), learning_rate=1e200, n_iterations=5)
    assert not np.isfinite(path[-1]).all()
    lost = int(np.argmin(np.isfinite(path).all(axis=1)))
    assert lost == 2
    (ax,) = plotting.contours(BOWL, BOX, {"too fast": path}).axes
    assert texts(ax) == ["too fast: 1 step, lost at step 2"]
    np.testing.assert_array_equal(next(iter(named(ax).values())).get_xydata(), path[:lost])
    (ax,) = plotting.surface(BOWL, BOX, [[1.0, 1.0], [0.5, 0.0], [np.nan, 0.0], [0.0, 0.0]]).axes
    assert texts(ax) == ["path: 1 step, lost at step 2"]


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize(
    ("paths", "error", "told"),
    [
        (np.zeros((4, 3)), ad.ShapeError, r"have shape \(4, 3\); expected \(n, 2\)"),
        (np.zeros(4), ad.ShapeError, r"have shape \(4,\)"),
        (np.zeros((0, 2)), ad.ShapeError, r"have shape \(0, 2\); expected \(n, 2\), one or more"),
        ([], ad.ShapeError, r"have shape \(0,\)"),
        (PATH + 1j, ad.ShapeError, r"are not real numbers; expected \(n, 2\)"),
        ([[0.0, 1.0], [2.0]], ad.ShapeError, "are not real numbers"),
        ([PATH, PATH], ad.ShapeError, "give several in a dict, by name"),
        ("gd", ad.ShapeError, "result of optim.minimize"),
        ({}, ValueError, "the dict of paths is empty"),
        ({"a": PATH, "b": PATH[:, :1]}, ad.ShapeError, r"'b' have shape \(3, 1\)"),
        ([[np.nan, 0.0], [0.0, 0.0]], ad.DomainError, "begins at"),
    ],
)
def test_what_is_no_path_of_the_plane_is_refused(picture, paths, error, told):
    with pytest.raises(error, match=told) as caught:
        PICTURES[picture](paths)
    assert str(caught.value).startswith(f"{picture}: ")


def test_a_run_of_another_dimension_is_refused():
    found = optim.minimize(lambda x: (x**2).sum(), np.ones(3))
    with pytest.raises(ad.ShapeError, match=r"expected \(n, 2\)"):
        plotting.contours(BOWL, BOX, found)
    with pytest.raises(ad.ShapeError, match="are not real numbers"):
        plotting.contours(BOWL, BOX, optim.minimize(lambda p: p["a"] ** 2, {"a": 1.0}))


@pytest.mark.parametrize("box", [(0, 1), (1, 0, 0, 1), (0, 0, 0, 1), (0, np.inf, 0, 1), (0, 1, 0, np.nan)])
def test_a_box_that_is_none_is_refused(box):
    draw = (plotting.contours, plotting.surface, plotting.critical_points, lambda f, box: plotting.film(f, box, PATH))
    for picture in draw:
        with pytest.raises(ValueError, match=r"a box must be four finite numbers \(left, right, bottom, top\)"):
            picture(BOWL, box)


def test_without_a_box_the_paths_are_framed():
    (ax,) = plotting.contours(BOWL, paths=PATH).axes
    # a margin of 0.15 of each side, and of 0.08 of the longer one at least
    np.testing.assert_allclose((*ax.get_xlim(), *ax.get_ylim()), (-1.455, 0.755, 0.25 - 0.136, 1.136), atol=1e-12)
    (ax,) = plotting.contours(BOWL, paths=[[1.0, 2.0]]).axes
    assert (*ax.get_xlim(), *ax.get_ylim()) == (0.0, 2.0, 1.0, 3.0)
    with pytest.raises(ValueError, match=r"give box=.*, or paths"):
        plotting.contours(BOWL)


def test_names_are_shown_as_they_are_and_leave_room():
    (ax,) = plotting.contours(BOWL, BOX, {"$x_{$": PATH, "n" * 10_000: PATH[:2], 3: PATH[:1]}, grid=5).axes
    assert texts(ax) == [r"\$x_{\$: 2 steps", "n" * 37 + "...: 1 step", "3: 0 steps"]
    ax.figure.canvas.draw()  # a lone brace between two dollars is no mathematics
    run = optim.minimize(BOWL, np.ones(2))
    plotting.courses({"$x_{$": run, "b": run}).canvas.draw()


def test_the_legend_is_in_the_corner_with_fewest_points():
    box = (0.0, 1.0, 0.0, 1.0)
    for corner, place in {(0.9, 0.9): 2, (0.1, 0.9): 1}.items():  # upper left, upper right by Matplotlib's numbers
        assert plotting.contours(BOWL, box, [corner, corner]).axes[0].get_legend()._loc == place


def test_pictures_are_drawn_where_one_is_told_to():
    figure, (one, other) = plt.subplots(1, 2)
    assert plotting.contours(BOWL, BOX, PATH, ax=one) is figure
    assert plotting.hessian_ellipses(BOWL, [0.0, 0.0], ax=other) is figure
    assert len(one.lines) == 3 and len(other.patches) == 1
    with pytest.raises(ValueError, match='projection="3d"'):
        plotting.surface(BOWL, BOX, ax=one)


# --- level lines


def test_levels_are_in_even_ratios_above_the_lowest_value_where_a_function_spans_decades():
    *_, values = heights("test", lambda p: ROSENBROCK(p) + 7, BOX, 201)
    levels = levels_of("test", values, 12)
    assert levels.shape == (12,) and levels[0] > 7 and levels[-1] <= values.max()
    ratios = (levels[1:] - values.min()) / (levels[:-1] - values.min())
    np.testing.assert_allclose(ratios, ratios[0])
    assert (levels[-1] - 7) / (levels[0] - 7) > 1e3


def test_levels_are_even_where_it_does_not():
    *_, values = heights("test", SADDLE, (-1, 1, -1, 1), 101)
    levels = levels_of("test", values, 9)
    np.testing.assert_allclose(np.diff(levels), np.diff(levels)[0])
    assert values.min() < levels[0] and levels[-1] < values.max()


def test_the_levels_are_those_of_the_picture():
    (ax,) = plotting.contours(ROSENBROCK, BOX, levels=10, grid=60).axes
    bands, lines = ax.collections
    np.testing.assert_array_equal(bands.levels, lines.levels)
    np.testing.assert_array_equal(lines.levels, levels_of("test", heights("test", ROSENBROCK, BOX, 60)[2], 10))
    shades = [bands.cmap(bands.norm(level)) for level in bands.levels]
    assert (np.diff(np.sum(shades, axis=1)) > 0).all()  # brighter the higher, band by band
    for level, segments in zip(lines.levels, lines.allsegs, strict=True):
        for segment in segments:  # between points of the grid contours are straight
            assert np.abs(ROSENBROCK(segment.T) - level).max() < 0.15 * level + 2


def test_a_peak_on_a_plain_has_levels_and_a_constant_has_none():
    peak = np.zeros((50, 50))
    peak[3, 4] = 5.0
    assert len(levels_of("test", peak, 4)) == 4
    assert len(levels_of("test", np.full((5, 5), 3.0), 4)) == 0
    (ax,) = plotting.contours(lambda p: 0 * p[0] + 3.0, BOX, PATH).axes
    assert not ax.collections and len(named(ax)) == 1


def test_where_a_function_is_not_finite_there_is_a_gap():
    *_, values = heights("test", lambda p: np.log(p[0]) + p[1], (-1, 1, 0, 1), 21)
    assert np.isnan(values[:, :11]).all() and np.isfinite(values[:, 11:]).all()
    (ax,) = plotting.contours(lambda p: np.exp(300 * p[0]), BOX).axes  # up to 1e260: Matplotlib's infinity is 1e250
    assert len(ax.collections[0].levels) == 18
    with pytest.raises(ad.DomainError, match="not finite anywhere in the box"):
        plotting.contours(lambda p: np.log(-1 - p[0] ** 2), BOX)


def test_a_function_of_one_point_is_called_point_by_point():
    single = lambda p: float(p[0]) ** 2 + 4 * float(p[1]) ** 2  # refuses many points
    summed = lambda p: (np.array([1.0, 4.0]) @ p.reshape(2, -1) ** 2).sum()  # answers with one number
    wrong = lambda p: p[0] ** 2 + 4 * p[1] ** 2 + (p.ndim > 1)  # answers otherwise to many
    across, up, expected = heights("test", BOWL, BOX, 11)
    for f in (single, summed, wrong):
        np.testing.assert_allclose(heights("test", f, BOX, 11)[2], expected)
        assert heights("test", f, BOX, None)[2].shape == (101, 101)
        np.testing.assert_allclose(values_at("test", f, PATH.T), BOWL(PATH.T))
    assert heights("test", BOWL, BOX, None)[2].shape == (301, 301)
    assert expected[2, 3] == BOWL((across[3], up[2]))  # rows from below
    with pytest.raises(ad.ShapeError, match=r"at a point of shape \(2,\) the function returned shape \(2,\)"):
        plotting.contours(lambda p: p * 2, BOX)
    with pytest.raises(TypeError, match="contours: f must be a function of a point; a MinimizeResult was given"):
        plotting.contours(optim.minimize(BOWL, np.ones(2)), BOX)
    with pytest.raises(ad.ShapeError, match="dtype complex128; expected one real number"):
        plotting.contours(lambda p: complex(p[0], p[1]), BOX)


@pytest.mark.parametrize("count", [1, 2.5, "many"])
def test_counts_that_cannot_be_are_refused(count):
    for draw, name in (
        (lambda: plotting.contours(BOWL, BOX, levels=count), "levels"),
        (lambda: plotting.contours(BOWL, BOX, grid=count), "grid"),
        (lambda: plotting.surface(BOWL, BOX, grid=count), "grid"),
        (lambda: plotting.film(BOWL, BOX, PATH, frames=count), "frames"),
        (lambda: plotting.film(BOWL, BOX, PATH, levels=count), "levels"),
    ):
        with pytest.raises(ValueError, match=f"{name} must be an integer, 2 or more; {count!r} was given"):
            draw()


# --- in space


def test_the_path_lies_on_the_surface():
    (ax,) = plotting.surface(BOWL, BOX, PATH, grid=9).axes
    x, y, z = named(ax)["path: 2 steps"].get_data_3d()
    assert len(x) == 17
    np.testing.assert_allclose(np.stack([x, y])[:, ::8], PATH.T)
    np.testing.assert_allclose(z, BOWL((x, y)))
    shown = ax.collections[0]
    corners = np.concatenate([polygon[:, 2] for polygon in shown._faces])
    assert (corners.min(), corners.max()) == (0.0, 4 + 4 * 9)


def test_heights_on_a_logarithmic_scale():
    (ax,) = plotting.surface(ROSENBROCK, BOX, PATH, grid=41, logarithmic=True).axes
    x, y, z = named(ax)["path: 2 steps"].get_data_3d()
    lowest = min(heights("test", ROSENBROCK, BOX, 41)[2].min(), ROSENBROCK(PATH.T).min())
    np.testing.assert_allclose(z, np.log10(1 + ROSENBROCK((x, y)) - lowest))
    assert ax.get_zlabel() == "log10(1 + f - lowest)"


def test_what_is_outside_of_the_box_is_left_out_in_space():
    (ax,) = plotting.surface(BOWL, (-1, 1, -1, 1), [[0.0, 0.0], [0.0, 4.0]], grid=5).axes
    z = named(ax)["path: 1 step"].get_data_3d()[2]
    assert np.isfinite(z).tolist() == [True] * 3 + [False] * 6  # 0, 0.5, 1, and on to 4


def test_long_paths_are_drawn_by_their_recorded_values():
    path = np.stack([np.linspace(0, 1, 100), np.zeros(100)], axis=1)
    (ax,) = plotting.surface(BOWL, BOX, path, grid=5).axes
    (line,) = named(ax).values()
    np.testing.assert_allclose(line.get_data_3d()[2], path[:, 0] ** 2)


def test_a_single_point_in_space_is_seen():
    (ax,) = plotting.surface(BOWL, BOX, [[0.5, 0.5]], grid=5).axes
    point = named(ax)["path: 0 steps"]
    assert point.get_marker() == "o" and np.ravel(point.get_data_3d()).tolist() == [0.5, 0.5, 1.25]


# --- films


def test_a_film_shows_a_step_a_frame_and_no_more_frames_than_are_asked_for():
    np.testing.assert_array_equal(steps_shown(6, 50), np.arange(6))
    for n, frames in ((1000, 20), (51, 50), (400, 40), (10**6, 30), (10, 2)):
        steps = steps_shown(n, frames)
        assert len(steps) <= frames and steps[0] == 0 and steps[-1] == n - 1
        assert (np.diff(steps) > 0).all()
    assert len(steps_shown(1000, 20)) >= 17 and steps_shown(1000, 20)[:3].tolist() == [0, 1, 2]


def test_a_frame_shows_the_paths_up_to_a_step(runs):
    film = plotting.film(ROSENBROCK, BOX, runs, frames=12)
    n = max(found.nit for found in runs.values())
    steps = steps_shown(n + 1, 12)
    assert film.n_frames == len(steps)
    for i in (0, 5, len(steps) - 1):
        figure = plt.figure()
        film.draw(figure, i)
        (ax,) = figure.axes
        assert ax.get_title() == f"step {steps[i]}"
        for found, line in zip(runs.values(), named(ax).values(), strict=True):
            assert len(line.get_xdata()) == min(steps[i], found.nit) + 1
        assert len([line for line in ax.lines if line.get_label() == "_end"]) == sum(
            steps[i] >= found.nit for found in runs.values()
        )


def test_a_film_is_written_in_its_own_colours(tmp_path):
    paths = {name: PATH + np.array([0.0, 0.4 * i]) for i, name in enumerate("abcde")}
    film = plotting.film(ROSENBROCK, BOX, paths, figsize=(3.0, 2.5))
    with Image.open(film.save(tmp_path / "film.gif")) as picture:
        assert picture.n_frames == 3
        picture.seek(2)
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3).astype(int)
    for colour in PALETTE[:5]:
        wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        assert (np.abs(pixels - wanted).max(axis=1) <= 6).sum() > 20, colour


def test_a_film_needs_a_path():
    with pytest.raises(ValueError, match="film: give paths"):
        plotting.film(BOWL, BOX)


# --- courses


def test_the_courses_are_the_records(runs):
    figure = plotting.courses(runs, lowest=-1.0)
    value, gradient, step, curvature = figure.axes
    assert value.get_title() == "value above -1"
    for name, found in runs.items():
        records, k = found.history, np.arange(found.nit + 1)
        np.testing.assert_array_equal(named(value)[name].get_xydata().T, [k, [r.fun + 1 for r in records]])
        np.testing.assert_array_equal(named(gradient)[name].get_ydata(), [r.grad_norm for r in records])
        np.testing.assert_array_equal(named(step)[name].get_ydata()[1:], [r.step for r in records[1:]])
        assert np.isnan(named(step)[name].get_ydata()[0])  # a start has no step
        np.testing.assert_array_equal(named(curvature)[name].get_ydata(), [r.curvature for r in records])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(runs)
    assert value.get_yscale() == gradient.get_yscale() == step.get_yscale() == "log"
    assert curvature.get_yscale() == "symlog" and value.get_xscale() == "linear"


def test_runs_of_very_different_lengths_share_an_axis_in_decades(runs):
    long = optim.minimize(ROSENBROCK, np.array([-1.2, 1.0]), "adam", max_iter=200)
    assert {ax.get_xscale() for ax in plotting.courses({**runs, "adam": long}).axes} == {"symlog"}


def test_values_are_measured_from_the_lowest(runs):
    (value, *_) = plotting.courses(runs).axes
    assert value.get_title() == "value above 0"  # the minimum, but for rounding
    found = optim.minimize(lambda p: BOWL(p) + 3, np.array([1.0, 1.0]), "gd", max_iter=3)
    (value, *_) = plotting.courses(found).axes
    lowest = min(r.fun for r in found.history)
    above = [r.fun - lowest for r in found.history]
    np.testing.assert_array_equal(named(value)["path"].get_ydata(), [a if a > 0 else np.nan for a in above])


def test_courses_with_the_paths_beside(runs):
    figure = plotting.courses(runs, ROSENBROCK, BOX)
    plane, *others = figure.axes
    assert texts(plane) == [f"{name}: {found.nit} steps" for name, found in runs.items()]
    assert [ax.get_title() for ax in others][1:3] == ["norm of the gradient", "length of the step"]


def test_a_run_that_left_is_drawn_as_far_as_it_is_finite():
    found = optim.minimize(lambda p: (p**4).sum(), np.array([3.0, 3.0]), "gd", learning_rate=1.0)
    assert not found.success
    value, *_, curvature = plotting.courses(found).axes
    assert np.isfinite(named(value)["path"].get_ydata()).sum() >= 2
    assert not curvature.texts
    records = [record._replace(curvature=np.nan) for record in found.history]
    (text,) = plotting.courses(records).axes[-1].texts
    assert text.get_text() == "no curvature was computed"


def test_courses_of_what_has_no_records_are_refused():
    for what, told in ((PATH, "path is a ndarray"), ([], "path is a list"), ({"a": PATH}, "a is a ndarray")):
        with pytest.raises(ad.StructureError, match=f"courses: {told}; give a result of optim.minimize"):
            plotting.courses(what)


# --- curvature


def test_an_ellipse_has_the_axes_of_the_hessian():
    turn = np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    H = turn @ np.diag([2.0, 50.0]) @ turn.T
    figure = plotting.hessian_ellipses(lambda p: p @ H @ p / 2, [[1.0, -2.0]], rise=0.5)
    (ax,) = figure.axes
    (ellipse,) = ax.patches
    assert ellipse.center == (1.0, -2.0)
    np.testing.assert_allclose([ellipse.width / 2, ellipse.height / 2], [np.sqrt(1 / 2), np.sqrt(1 / 50)])
    assert ellipse.angle % 180 == pytest.approx(np.degrees(0.4))
    rim = ellipse.get_transform().transform(ellipse.get_path().vertices[::3])  # its knots
    d = ax.transData.inverted().transform(rim) - [1.0, -2.0]
    np.testing.assert_allclose(np.einsum("ni,ij,nj->n", d, H, d) / 2, 0.5, rtol=1e-6)
    assert to_hex(ellipse.get_edgecolor()).upper() == BLUE and ellipse.get_linestyle() in ("-", "solid")
    assert ax.get_aspect() == 1.0 and len(ax.lines) == 2


def test_directions_along_which_a_function_falls_are_dashed():
    (ax,) = plotting.hessian_ellipses(SADDLE, [[0.0, 0.0]]).axes
    (ellipse,) = ax.patches
    assert to_hex(ellipse.get_edgecolor()).upper() == RED and ellipse.get_linestyle() in ("--", "dashed")
    styles = {line.get_linestyle(): np.ptp(line.get_xydata(), axis=0).tolist() for line in ax.lines}
    np.testing.assert_allclose(styles["--"], [0, 2], atol=1e-12)
    np.testing.assert_allclose(styles["-"], [2, 0], atol=1e-12)


def test_a_direction_without_curvature_has_no_axis():
    (ax,) = plotting.hessian_ellipses(lambda p: p[0] ** 2 + 0 * p[1], [0.0, 0.0]).axes
    assert not ax.patches and len(ax.lines) == 1
    (ax,) = plotting.hessian_ellipses(lambda p: p[0] + p[1], [3.0, 0.0]).axes
    assert not ax.patches and not ax.lines and ax.get_xlim() == (2.0, 4.0)


def test_ellipses_that_cannot_be_are_refused():
    with pytest.raises(ad.ShapeError, match=r"points have shape \(1, 3\); expected \(n, 2\)"):
        plotting.hessian_ellipses(BOWL, [1.0, 2.0, 3.0])
    with pytest.raises(ad.DomainError, match=r"the Hessian at .* is .*not smooth there"):
        plotting.hessian_ellipses(lambda p: np.sqrt(p[0]) + p[1] ** 2, [0.0, 1.0])
    for rise in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="rise must be a positive number"):
            plotting.hessian_ellipses(BOWL, [0.0, 0.0], rise=rise)


def test_critical_points_stand_where_they_are_with_their_kind():
    wave = lambda p: np.sin(p[0]) * np.sin(p[1])
    (ax,) = plotting.critical_points(wave, (0.5, 5.0, 0.5, 5.0)).axes
    assert texts(ax) == ["2 minima at -1", "2 maxima at 1", "1 saddle at 0"]
    minima, maxima, saddles = named(ax).values()
    quarter = np.pi / 2
    key = lambda points: sorted(map(tuple, np.round(points, 6).tolist()))
    assert key(minima.get_xydata()) == key([[quarter, 3 * quarter], [3 * quarter, quarter]])
    assert key(maxima.get_xydata()) == key([[quarter, quarter], [3 * quarter, 3 * quarter]])
    np.testing.assert_allclose(saddles.get_xydata(), [[np.pi, np.pi]])
    assert (minima.get_color(), maxima.get_color(), saddles.get_color()) == (BLUE, RED, ORANGE)
    assert len({line.get_marker() for line in (minima, maxima, saddles)}) == 3
    assert len(ax.patches) == 5
    assert ax.get_xlim() == ax.get_ylim() == (0.5, 5.0)


def test_heights_of_a_kind_are_a_range_where_they_differ():
    tilted = lambda p: (p[0] ** 2 - 1) ** 2 + 0.1 * p[0] + p[1] ** 2
    (ax,) = plotting.critical_points(tilted, (-2, 2, -1, 1), ellipses=False, n=36).axes
    low, high = sorted(p.fun for p in optim.critical_points(tilted, [(-2, 2), (-1, 1)]) if p.kind == "minimum")
    assert texts(ax)[0] == f"2 minima from {low:.4g} to {high:.4g}" and not ax.patches


def test_degenerate_points_and_boxes_without_any():
    monkey = lambda p: p[0] ** 3 - 3 * p[0] * p[1] ** 2
    (ax,) = plotting.critical_points(monkey, (-1, 1, -1, 1), n=16).axes
    assert texts(ax) == ["1 degenerate at 0"] and not ax.patches
    (ax,) = plotting.critical_points(lambda p: p[0] + 2 * p[1], (-1, 1, -1, 1)).axes
    assert ax.get_title() == "no critical point in the box" and ax.get_legend() is None


# --- the learning-rate story


def test_the_story_on_a_parabola():
    figure = plotting.learning_rates(lambda x: 3 * (x - 1) ** 2, 3.0, n_iterations=24)  # L = 6
    rates = np.array([0.1, 0.5, 0.95, 1.0, 1.03]) / 3
    heads = ["comes nearer", "has arrived", "comes nearer", "neither converges nor diverges", "diverges"]
    for ax, rate, share, head in zip(figure.axes, rates, ("0.1", "0.5", "0.95", "1", "1.03"), heads, strict=True):
        assert ax.get_title() == f"{share} · 2/L = {rate:.4g}\n{head}"
        curve, way, start = ax.lines
        x, y = way.get_data()
        np.testing.assert_allclose(x - 1, 2 * (1 - 6 * rate) ** np.arange(25), atol=1e-8)
        np.testing.assert_allclose(y, 3 * (x - 1) ** 2)
        assert start.get_xydata().tolist() == [[3.0, 12.0]]
        np.testing.assert_allclose(curve.get_ydata(), 3 * (curve.get_xdata() - 1) ** 2)


def test_the_story_in_a_narrow_valley():
    valley = lambda p: (p[0] ** 2 + 20 * p[1] ** 2) / 2
    figure = plotting.learning_rates(valley, [-1.0, 0.5], [0.5, 1.0, 1.2])
    assert [ax.get_title().split("\n")[1] for ax in figure.axes] == [
        "comes nearer",
        "neither converges nor diverges",
        "diverges",
    ]
    for ax, rate in zip(figure.axes, np.array([0.5, 1.0, 1.2]) / 10, strict=True):
        (line,) = named(ax).values()
        k = np.arange(21)
        expected = np.stack([-((1 - rate) ** k), 0.5 * (1 - 20 * rate) ** k], axis=1)
        np.testing.assert_allclose(line.get_xydata(), expected, atol=1e-9)


def test_verdicts():
    steep = np.array([0.0, 1.0])
    k = np.arange(30.0)
    along = lambda x, y: np.stack([x, y], axis=1)
    assert verdict(along(0.9999**k, 0.5**k), steep) == "comes nearer"  # the valley is flat, yet it converges
    assert verdict(along(0.1**k, (-1.0) ** k), steep) == "neither converges nor diverges"
    assert verdict(along(0.5**k, 1e-20 * 2**k), steep) == "has arrived"  # rounding across the valley is no divergence
    assert verdict(along(k, np.append(k[:-1], np.nan)), steep) == "diverges"
    assert verdict(2.0**k, 1.0) == "diverges" and verdict(0.5**k, 1.0) == "has arrived"


def test_runs_that_begin_at_the_minimum_or_fly_away():
    assert verdict(np.zeros((5, 2)), np.array([1.0, 0.0])) == "has arrived"
    far = np.array([[1.0, 1.0], [1e200, -1e200], [np.inf, np.nan]])
    assert verdict(far, np.array([0.0, 1.0])) == "diverges"  # and no warning of what overflowed
    figure = plotting.learning_rates(lambda p: np.cosh(p[0]) + np.cosh(p[1]), (1.0, 0.5), [6.0])
    assert figure.axes[0].get_title().endswith("diverges")
    figure = plotting.learning_rates(lambda p: p[0] ** 2 / 2 + p[1] ** 4, (1.0, 0.5), [0.5])
    assert figure.axes[0].get_title().startswith("0.5 · 2/L = 1\n")  # of the direction that curves


def test_stories_that_cannot_be_told_are_refused():
    with pytest.raises(ad.ShapeError, match=r"x0 has shape \(3,\); expected a number or a point"):
        plotting.learning_rates(BOWL, np.ones(3))
    with pytest.raises(ad.DomainError, match="no minimum with a positive curvature"):
        plotting.learning_rates(lambda x: x**4, 1.0)
    with pytest.raises(ad.DomainError, match=r"the largest curvature is .*e-0"):
        plotting.learning_rates(lambda p: np.sum(p**4), (1.0, 0.5))
    for shares in ([], [0.5, -1.0], [np.nan]):
        with pytest.raises(ValueError, match="shares must be one or more positive numbers"):
            plotting.learning_rates(BOWL, np.ones(2), shares)


# --- where Matplotlib is


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    found = optim.minimize(BOWL, np.ones(2))
    for draw in (
        lambda: plotting.contours(BOWL, BOX),
        lambda: plotting.surface(BOWL, BOX),
        lambda: plotting.film(BOWL, BOX, PATH),
        lambda: plotting.courses(found),
        lambda: plotting.hessian_ellipses(BOWL, [0.0, 0.0]),
        lambda: plotting.critical_points(BOWL, BOX),
        lambda: plotting.learning_rates(BOWL, [1.0, 1.0]),
    ):
        with pytest.raises(ad.errors.MissingExtraError, match=r'pip install "wengert\[plot\]"'):
            draw()
