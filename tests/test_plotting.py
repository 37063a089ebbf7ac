"""Pictures of the calculus: points, slopes, heights and titles are those of the mathematics; bad input is refused."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba

import autodiff as ad
from autodiff import plotting
from autodiff.plotting.loops import boundary
from autodiff.plotting.style import BLUE, ORANGE, axes_of


def drawn(ax, label):
    """x and y of the line with a name."""
    (line,) = [candidate for candidate in ax.lines if candidate.get_label() == label]
    return line.get_data()


def texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


# --- tangents


def test_tangent_and_parabola_agree_with_the_curve_to_first_and_second_order():
    (ax,) = plotting.tangent(np.sin, 0.7, interval=(-1.0, 2.0)).axes
    x, y = drawn(ax, "f")
    np.testing.assert_allclose(y, np.sin(x))
    assert x[0] == -1.0 and x[-1] == 2.0 and ax.get_xlim() == (-1.0, 2.0)
    _, line = drawn(ax, "tangent")
    np.testing.assert_allclose(line, np.sin(0.7) + np.cos(0.7) * (x - 0.7), atol=1e-14)
    _, parabola = drawn(ax, "parabola")
    np.testing.assert_allclose(parabola, line - np.sin(0.7) / 2 * (x - 0.7) ** 2, atol=1e-14)
    assert ax.lines[-1].get_xydata().tolist() == [[0.7, np.sin(0.7)]]
    assert ax.get_title() == "at x = 0.7: value 0.6442, slope 0.7648, second derivative -0.6442"
    assert len({line.get_linestyle() for line in ax.lines[:3]}) == 3


def test_the_osculating_circle_touches_with_the_radius_of_curvature():
    (ax,) = plotting.tangent(lambda x: x**2, 0.0, parabola=False, circle=True).axes
    x, y = drawn(ax, "circle")
    np.testing.assert_allclose(np.hypot(x, y - 0.5), 0.5)  # the circle of x**2 at 0 has radius 1/2
    assert "radius of curvature 0.5" in ax.get_title() and texts(ax) == ["f", "tangent", "circle"]
    assert ax.get_aspect() == 1.0
    curve = lambda t: [t, np.exp(t)]
    (ax,) = plotting.tangent(np.exp, 0.3, circle=True).axes
    radius = np.ptp(drawn(ax, "circle")[0]) / 2
    assert radius == pytest.approx(1 / ad.calculus.curvature(curve)(0.3), rel=1e-3)
    (ax,) = plotting.tangent(lambda x: 2 * x, 0.3, circle=True).axes
    assert ax.get_title().endswith("no circle: straight")


@pytest.mark.parametrize(
    ("f", "x0", "told"),
    [
        (np.sqrt, 0.0, "the slope at x0 = 0 is inf"),
        (np.log, -1.0, "the value at x0 = -1 is nan"),
        (lambda x: np.abs(x) ** 1.5, 0.0, "the second derivative at x0 = 0 is"),
        (np.sin, np.inf, "x0 must be a finite real number; inf"),
        (np.sin, [1.0, 2.0], r"x0 must be a finite real number; \[1.0, 2.0\]"),
    ],
)
def test_a_point_where_a_curve_is_not_smooth_is_refused(f, x0, told):
    with pytest.raises(ad.DomainError, match=told):
        plotting.tangent(f, x0)


def test_what_is_no_function_of_an_array_is_refused():
    with pytest.raises(ad.ShapeError, match=r"got shape \(3,\).*np.vectorize"):
        plotting.tangent(lambda x: x if np.ndim(x) == 0 else x[:3], 0.0)
    for interval in ((1.0, 0.0), (0.0, np.inf), (0.0, 1.0, 2.0)):
        with pytest.raises(ValueError, match="low < high"):
            plotting.tangent(np.sin, 0.0, interval=interval)


def test_a_constant_and_a_curve_with_a_gap_are_drawn():
    (ax,) = plotting.tangent(lambda x: 0.0 * x + 3.0, 0.0).axes
    assert (drawn(ax, "f")[1] == 3.0).all()
    (ax,) = plotting.tangent(np.log, 1.0).axes
    x, y = drawn(ax, "f")
    assert np.isnan(y[x <= 0]).all() and np.isfinite(y[x > 0]).all()


# --- secants


def test_secants_have_the_difference_quotients_as_slopes():
    (ax,) = plotting.secant_to_tangent(np.exp, 0.0, [1.0, -0.5, 0.25]).axes
    for h in (1.0, -0.5, 0.25):
        slope = (np.exp(h) - 1) / h
        x, y = drawn(ax, f"h = {h:g}: slope {slope:.4g}")
        np.testing.assert_allclose(y, 1 + slope * x, atol=1e-12)
    x, y = drawn(ax, "tangent: slope 1")
    np.testing.assert_allclose(y, 1 + x, atol=1e-14)
    squares = [line.get_xydata()[0].tolist() for line in ax.lines if line.get_marker() == "s"]
    np.testing.assert_allclose(squares, [[h, np.exp(h)] for h in (1.0, -0.5, 0.25)])


def test_the_film_of_a_secant_halves_the_distance_every_third_frame(tmp_path):
    film = plotting.secant_film(np.exp, 0.0, start=1.0, frames=7)
    distances = []
    for i in range(film.n_frames):
        figure = plt.figure()
        film.draw(figure, i)
        (square,) = [line for line in figure.axes[0].lines if line.get_marker() == "s"]
        distances.append(square.get_xdata()[0])
        assert figure.axes[0].get_xlim() == (-0.35, 1.35)  # the camera stands still
    np.testing.assert_allclose(distances, 2.0 ** (-np.arange(7) / 3))
    from PIL import Image

    with Image.open(film.save(tmp_path / "secant.gif", dpi=40)) as picture:
        assert picture.n_frames == 7


@pytest.mark.parametrize("steps", [[], [0.0], [1.0, np.nan]])
def test_steps_that_lead_nowhere_are_refused(steps):
    with pytest.raises(ValueError, match="finite and not 0"):
        plotting.secant_to_tangent(np.exp, 0.0, steps)
    with pytest.raises(ValueError, match="frames must be a positive integer; 0"):
        plotting.secant_film(np.exp, 0.0, frames=0)


@pytest.mark.parametrize(("x0", "what"), [(-1.0, "the value at x0 = -1 is nan"), (0.0, "the slope at x0 = 0 is inf")])
def test_a_secant_needs_a_point_where_the_function_has_a_tangent(x0, what):
    with pytest.raises(ad.DomainError, match=what):
        plotting.secant_to_tangent(np.sqrt, x0)


# --- Taylor


def test_taylor_polynomials_are_those_of_the_book():
    (ax,) = plotting.taylor_polynomials(np.sin, 0.0, [1, 3, 5], interval=(-4.0, 4.0)).axes
    x, y = drawn(ax, "order 5")
    np.testing.assert_allclose(y, x - x**3 / 6 + x**5 / 120, atol=1e-12)
    np.testing.assert_allclose(drawn(ax, "order 1")[1], x, atol=1e-14)
    np.testing.assert_allclose(drawn(ax, "f")[1], np.sin(x))
    assert texts(ax) == ["f", "order 1", "order 3", "order 5"]
    low, high = ax.get_ylim()
    assert -1.3 < low < -1 and 1 < high < 1.3  # what runs away does not flatten the function
    looks = [(line.get_color(), line.get_linestyle()) for line in ax.lines[:4]]
    assert len({colour for colour, _ in looks}) == len({dash for _, dash in looks}) == 4


def test_taylor_polynomials_about_another_point():
    (ax,) = plotting.taylor_polynomials(np.log, 2.0, [2], interval=(0.5, 4.0)).axes
    x, y = drawn(ax, "order 2")
    np.testing.assert_allclose(y, np.log(2) + (x - 2) / 2 - (x - 2) ** 2 / 8, atol=1e-13)


def test_orders_and_points_without_a_polynomial_are_refused():
    for orders in ([], [1.5], [-1], list(range(7))):
        with pytest.raises(ValueError, match="one to six integers, 0 or more"):
            plotting.taylor_polynomials(np.sin, 0.0, orders)
    with pytest.raises(ad.DomainError, match="the coefficient of order 1 at x0 = 0 is inf"):
        plotting.taylor_polynomials(np.sqrt, 0.0, [1])


# --- sums


@pytest.mark.parametrize(("rule", "place"), [("left", 0.0), ("midpoint", 0.5), ("right", 1.0)])
def test_bars_of_a_sum_stand_where_and_as_high_as_they_should(rule, place):
    f = lambda x: x**3 - x
    (ax,) = plotting.riemann(f, -1.0, 2.0, 6, rule=rule).axes
    lefts = -1.0 + 0.5 * np.arange(6)
    np.testing.assert_allclose([bar.get_x() for bar in ax.patches], lefts)
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], 0.5)
    heights = f(lefts + 0.5 * place)
    np.testing.assert_allclose([bar.get_height() for bar in ax.patches], heights)
    total = 0.5 * heights.sum()
    assert ax.get_title() == f"{rule} sum, n = 6: {total:.5g}; integral 2.25; difference {2.25 - total:.5g}"
    for bar, height in zip(ax.patches, heights, strict=True):
        assert bar.get_facecolor()[:3] == to_rgba(ORANGE if height < 0 else BLUE)[:3]
        assert bar.get_hatch() == ("//" if height < 0 else None)


def test_trapezoids_have_their_corners_on_the_curve():
    (ax,) = plotting.riemann(np.exp, 0.0, 1.0, 2, rule="trapezoid").axes
    corners = ax.patches[1].get_xy()[:4]
    np.testing.assert_allclose(corners, [[0.5, 0], [0.5, np.exp(0.5)], [1, np.e], [1, 0]])
    assert ax.get_title().startswith("trapezoid sum, n = 2: 1.7539; integral 1.7183; ")


def test_sums_that_cannot_be_are_refused():
    with pytest.raises(ad.StructureError, match=r"rule must be \"left\".*'simpson' was given"):
        plotting.riemann(np.exp, 0.0, 1.0, rule="simpson")
    for n in (0, 501, 2.0):
        with pytest.raises(ValueError, match="integer from 1 to 500"):
            plotting.riemann(np.exp, 0.0, 1.0, n)
    with pytest.raises(ValueError, match="low < high"):
        plotting.riemann(np.exp, 1.0, 0.0)
    with pytest.raises(ad.DomainError):
        plotting.riemann(lambda x: 1 / x, 0.0, 1.0)


# --- surfaces


def test_the_slope_of_a_surface_in_a_direction():
    f = lambda p: p[0] ** 2 * p[1]
    figure = plotting.directional_derivative(f, [1.0, 2.0], [3.0, 4.0], box=(0.0, 2.0, 1.0, 3.0))
    (ax,) = figure.axes
    slope = (4 * 3 + 1 * 4) / 5  # the gradient there is (4, 1)
    assert ax.get_title() == f"slope along v {slope:.4g}; largest slope, along the gradient, {np.sqrt(17):.4g}"
    x, y, z = next(line for line in ax.lines if line.get_label() == "cut along v").get_data_3d()
    np.testing.assert_allclose((x - 1) * 4, (y - 2) * 3, atol=1e-12)
    np.testing.assert_allclose(z, x**2 * y)
    assert y.max() == pytest.approx(3.0) and y.min() == pytest.approx(1.0)  # up to the walls of the box
    x, y, z = next(line for line in ax.lines if line.get_label() == "tangent").get_data_3d()
    np.testing.assert_allclose(z, 2 + slope * ((x - 1) * 0.6 + (y - 2) * 0.8), atol=1e-12)
    arrows = {
        arrow.get_label(): np.array(arrow._segments3d[0])
        for arrow in ax.collections
        if arrow.get_label() in ("gradient", "v")
    }
    for label, direction in (("gradient", [4.0, 1.0]), ("v", [3.0, 4.0])):
        tip, tail = arrows[label]
        way = (tip - tail)[:2]
        assert tail[:2].tolist() == [1.0, 2.0]
        np.testing.assert_allclose(way / np.linalg.norm(way), direction / np.linalg.norm(direction))


def test_at_a_critical_point_every_slope_is_0():
    (ax,) = plotting.directional_derivative(lambda p: p[0] ** 2 + p[1] ** 2, [0.0, 0.0], [1.0, 0.0]).axes
    assert ax.get_title() == "slope along v 0; largest slope, along the gradient, 0"


@pytest.mark.parametrize(
    ("p", "v", "options", "kind", "told"),
    [
        ([0.0, 0.0], [0.0, 0.0], {}, ad.DomainError, "must be finite and not 0"),
        ([0.0, 0.0, 0.0], [1.0, 0.0], {}, ad.ShapeError, r"must have shape \(2,\); \(3,\) and \(2,\) were given"),
        ([0.0, 0.0], [1.0, 0.0], {"box": (1, 0, 0, 1)}, ValueError, "left < right"),
    ],
)
def test_a_direction_that_is_none_is_refused(p, v, options, kind, told):
    with pytest.raises(kind, match=told):
        plotting.directional_derivative(lambda p: p[0], p, v, **options)


def test_a_surface_needs_axes_in_space():
    with pytest.raises(TypeError, match='projection="3d"'):
        plotting.directional_derivative(lambda p: p[0], [0.0, 0.0], [1.0, 0.0], ax=axes_of())
    ax = axes_of(projection="3d")
    assert plotting.directional_derivative(lambda p: p[0], [0.0, 0.0], [1.0, 0.0], ax=ax) is ax.figure


# --- fields


def quiver(ax):
    (arrows,) = [collection for collection in ax.collections if hasattr(collection, "U")]
    return arrows


def test_arrows_stand_on_a_grid_and_point_along_the_field():
    F = lambda p: np.stack([p[0] - p[1], p[0] + p[1]])
    ax = plotting.vector_field(F, (-1.0, 1.0, -2.0, 2.0), colour=None, arrows=5).axes[0]
    arrows = quiver(ax)
    points = arrows.get_offsets().T
    np.testing.assert_allclose(points[0], np.tile(np.linspace(-1, 1, 5), 5))
    np.testing.assert_allclose(points[1], np.repeat(np.linspace(-2, 2, 5), 5))
    u, v = F(points)
    np.testing.assert_allclose(arrows.U * v, arrows.V * u, atol=1e-12)
    longest = np.hypot(arrows.U, arrows.V).max() / arrows.scale
    assert longest == pytest.approx(0.5)  # a cell of the grid is 1/2 by 1
    assert len(ax.figure.axes) == 1  # no bar of colours


@pytest.mark.parametrize(("colour", "value"), [("divergence", 3.0), ("curl", -5.0)])
def test_divergence_and_curl_are_colours(colour, value):
    F = lambda p: np.stack([p[0] + 4 * p[1], 2 * p[1] - p[0]])
    figure = plotting.vector_field(F, (0.0, 1.0, 0.0, 1.0), colour=colour, arrows=3)
    image = figure.axes[0].images[0]
    np.testing.assert_allclose(image.get_array(), value)
    assert image.get_clim() == (-abs(value), abs(value))  # 0 is white
    assert figure.axes[1].get_ylabel() == colour and image.origin == "lower"
    strongest = image.cmap(image.norm(value))
    np.testing.assert_allclose(strongest, to_rgba(ORANGE if value > 0 else BLUE), atol=0.01)


def test_colours_lie_where_they_belong():
    image = plotting.vector_field(lambda p: np.stack([p[0] ** 2, 0 * p[1]]), (-1.0, 3.0, 0.0, 1.0)).axes[0].images[0]
    np.testing.assert_allclose(np.asarray(image.get_array())[0], 2 * np.linspace(-1, 3, 120), atol=1e-12)
    assert tuple(image.get_extent()) == (-1.0, 3.0, 0.0, 1.0)


def test_a_pole_leaves_the_other_arrows_their_length():
    F = lambda p: np.stack([-p[1], p[0]]) / (p[0] ** 2 + p[1] ** 2)
    arrows = quiver(plotting.vector_field(F, (-1.0, 1.0, -1.0, 1.0), colour="curl", arrows=15).axes[0])
    lengths = np.hypot(arrows.U, arrows.V) / arrows.scale
    assert lengths.max() == pytest.approx(1 / 7) and lengths.min() > 0.01
    arrows = quiver(plotting.vector_field(F, (-1.0, 1.0, -1.0, 1.0), arrows=3).axes[0])
    assert arrows.Umask.tolist() == [False] * 4 + [True] + [False] * 4  # none at the pole itself


def test_the_gradient_stands_upright_on_the_level_lines():
    f = lambda p: p[0] ** 2 + 3 * p[1]
    figure = plotting.gradient_field(f, (-2.0, 2.0, -1.0, 1.0), arrows=4)
    ax = figure.axes[0]
    arrows = quiver(ax)
    x, _ = arrows.get_offsets().T
    np.testing.assert_allclose(arrows.U / arrows.V, 2 * x / 3)
    lines = ax.collections[1]
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        if len(path.vertices):
            np.testing.assert_allclose(f(path.vertices.T), level, atol=2e-3)
    assert figure.axes[1].get_ylabel() == "f"


def test_constants_are_drawn():
    box = (-1.0, 1.0, -1.0, 1.0)
    figure = plotting.gradient_field(lambda p: 3.0, box, arrows=3)
    assert len(figure.axes) == 1  # no bar of colours for the rounding about a single height
    np.testing.assert_array_equal(quiver(figure.axes[0]).U, np.zeros(9))
    figure = plotting.vector_field(lambda p: [1.0, 2.0], box, colour="divergence", arrows=3)
    np.testing.assert_array_equal(quiver(figure.axes[0]).U * 2, quiver(figure.axes[0]).V)
    assert (figure.axes[0].images[0].get_array() == 0).all()


def test_fields_that_cannot_be_drawn_are_refused():
    box = (-1.0, 1.0, -1.0, 1.0)
    with pytest.raises(ad.ShapeError, match=r"two components along the first axis"):
        plotting.vector_field(lambda p: p[0], box)
    with pytest.raises(ad.ShapeError, match="one number for each"):
        plotting.gradient_field(lambda p: p, box)
    with pytest.raises(ValueError, match='"divergence", "curl" or None; \'rot\''):
        plotting.vector_field(lambda p: p, box, colour="rot")
    with pytest.raises(ValueError, match="arrows must be an integer from 2 to 100, the number along each side; 1"):
        plotting.vector_field(lambda p: p, box, arrows=1)
    with pytest.raises(ad.DomainError, match="not finite anywhere"):
        plotting.vector_field(lambda p: p * np.nan, box, colour=None)
    with pytest.raises(ValueError, match=r"left < right and bottom < top"):
        plotting.gradient_field(lambda p: p[0], (0.0, 0.0, 0.0, 1.0))


# --- Green's theorem


def area(loop):
    """The area inside a closed path, positive if it runs counterclockwise."""
    x, y = loop
    return 0.5 * float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))


@pytest.mark.parametrize(
    ("region", "sides", "inside"),
    [
        (lambda R: R.disc((1.0, 0.0), 2.0), 1, 4 * np.pi),
        (lambda R: R.box((0.0, 2.0), (-1.0, 1.0)), 4, 4.0),
        (lambda R: R.between(0.0, 1.0, lambda x: x**2, lambda x: x), 2, 1 / 6),  # left and right sides are points
        (lambda R: R(lambda r, t: [r * np.cos(t), r * np.sin(t)], [(1.0, 2.0), (0.0, 2 * np.pi)]), 2, 3 * np.pi),
        (lambda R: R(lambda x, y: [y, x], [(0.0, 1.0), (0.0, 1.0)]), 4, 1.0),  # turned over
    ],
    ids=["disc", "box", "between", "ring", "turned"],
)
def test_the_loop_is_the_boundary_counterclockwise(region, sides, inside):
    loops = boundary(region(ad.calculus.Region))
    assert len(loops) == sides
    closed = [loop for loop in loops if np.allclose(loop[:, 0], loop[:, -1])]
    if len(closed) == len(loops):
        found = sum(area(loop) for loop in loops)
    else:  # sides one after the other: the integral of x dy over each
        found = sum(float(np.sum((x[1:] + x[:-1]) / 2 * np.diff(y))) for x, y in loops)
    assert found == pytest.approx(inside, rel=1e-3)


def test_both_sides_of_greens_theorem_are_in_the_title():
    F = lambda p: np.stack([-(p[1] ** 3), p[0] ** 3])
    figure = plotting.green_theorem(F, ad.calculus.Region.disc(), arrows=5)
    ax = figure.axes[0]
    both = f"{1.5 * np.pi:.6g}"
    assert ax.get_title() == f"circulation {both} = integral of the curl {both}"
    x, y = ax.lines[0].get_data()
    np.testing.assert_allclose(np.hypot(x, y), 1.0)
    (arrow,) = ax.texts
    assert arrow.xy[1] < arrow.xyann[1] < 0.05 and arrow.xy[0] < -0.99  # downwards on the left: counterclockwise
    mesh = next(c for c in ax.collections if not hasattr(c, "U"))
    points = mesh.get_coordinates()
    np.testing.assert_allclose(mesh.get_array(), 3 * (points**2).sum(axis=-1), atol=1e-9)  # the curl
    assert figure.axes[1].get_ylabel() == "curl"


def test_greens_theorem_is_not_drawn_over_a_pole_or_in_space():
    vortex = lambda p: np.stack([-p[1], p[0]]) / (p[0] ** 2 + p[1] ** 2)
    with pytest.raises(ad.DomainError, match="pole in the region"):
        plotting.green_theorem(vortex, ad.calculus.Region.disc())
    with pytest.raises(ad.ShapeError, match="holds in the plane"):
        plotting.green_theorem(lambda p: p, ad.calculus.Region.ball())


# --- what all share


@pytest.mark.parametrize(
    "picture",
    [
        lambda ax: plotting.tangent(np.sin, 0.0, ax=ax),
        lambda ax: plotting.secant_to_tangent(np.sin, 0.0, ax=ax),
        lambda ax: plotting.taylor_polynomials(np.sin, 0.0, ax=ax),
        lambda ax: plotting.riemann(np.sin, 0.0, 1.0, ax=ax),
        lambda ax: plotting.vector_field(lambda p: p, (-1, 1, -1, 1), ax=ax),
        lambda ax: plotting.gradient_field(lambda p: p[0], (-1, 1, -1, 1), ax=ax),
        lambda ax: plotting.green_theorem(lambda p: p[::-1], ad.calculus.Region.disc(), ax=ax),
    ],
    ids=["tangent", "secant", "taylor", "riemann", "vector", "gradient", "green"],
)
def test_a_picture_is_drawn_where_it_is_told(picture):
    figure, (left, right) = plt.subplots(1, 2)
    assert picture(right) is figure
    assert right.has_data() and not left.has_data()


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ad.MissingExtraError, match=r'pip install "wengert\[plot\]"'):
        plotting.tangent(np.sin, 0.0)


def test_all_public_names_are_there():
    assert [name for name in plotting.__all__ if not callable(getattr(plotting, name))] == []


def test_rounding_has_no_colour():
    def whirl(p):
        return np.stack([-p[1], p[0]]) * np.exp(-(p[0] ** 2 + p[1] ** 2))

    colours = plotting.vector_field(whirl, (-1.0, 1.0, -1.0, 1.0), colour="divergence").axes[0].images[0].get_array()
    assert (colours == 0).all()

    def vortex(p):
        return np.stack([-p[1], p[0]]) / (p[0] ** 2 + p[1] ** 2)

    ring = ad.calculus.Region(lambda r, t: [r * np.cos(t), r * np.sin(t)], [(0.5, 1.0), (0.0, 2 * np.pi)])
    ax = plotting.green_theorem(vortex, ring, arrows=5).axes[0]
    assert ax.get_title() == "circulation 0 = integral of the curl 0"
