"""Every picture says what it shows: a title, and a name at each axis, for all public plotting functions."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import autodiff as ad
import nn
import nn.plotting
import optim
import optim.plotting
from autodiff.plotting.style import PALETTE

X, Y = nn.data.moons(32, noise=0.1)
BOX = (-1.0, 1.0, -1.0, 1.0)


def bowl(p):
    return p[0] ** 2 + 3 * p[1] ** 2


def turning(p):
    return np.stack([-p[1], p[0]])


def descent():
    return {name: optim.minimize(bowl, np.ones(2), name, max_iter=5) for name in ("gd", "lbfgs")}


def trained():
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 4, dtype=float), nn.ReLU(), nn.Linear(4, 2, dtype=float), nn.Tanh())
    monitor = nn.Monitor(1)
    run = nn.fit(
        model,
        optim.Adam(model.parameters()),
        nn.cross_entropy,
        (X, Y),
        validation=(X, Y),
        metrics={"accuracy": nn.accuracy},
        epochs=2,
        callbacks=[monitor],
        progress=False,
    )
    nn.cross_entropy(model(X), Y).backward()
    return model, monitor, run


def of_film(film):
    figure = plt.figure()
    film.draw(figure, film.n_frames - 1)
    return figure


def regions():
    figure, ax = plt.subplots()
    nn.plotting.draw_regions(ax, np.full((4, 4), 0.2), BOX, X, Y)
    return figure


def model_loss(model):
    return lambda: nn.cross_entropy(model(X), Y)


FIGURES = {
    "autodiff": {
        "directional_derivative": lambda: ad.plotting.directional_derivative(bowl, [0.5, 0.0], [1.0, 1.0]),
        "gradient_field": lambda: ad.plotting.gradient_field(bowl, BOX, arrows=4),
        "green_theorem": lambda: ad.plotting.green_theorem(turning, ad.calculus.Region.disc(), arrows=4),
        "riemann": lambda: ad.plotting.riemann(np.exp, 0.0, 1.0),
        "secant_film": lambda: of_film(ad.plotting.secant_film(np.sin, 0.5)),
        "secant_to_tangent": lambda: ad.plotting.secant_to_tangent(np.sin, 0.5),
        "tangent": lambda: ad.plotting.tangent(np.sin, 0.5),
        "taylor_polynomials": lambda: ad.plotting.taylor_polynomials(np.exp, 0.0, [1, 2]),
        "vector_field": lambda: ad.plotting.vector_field(turning, BOX, arrows=4),
    },
    "nn": {
        "activation_histograms": lambda: nn.plotting.activation_histograms(trained()[1]),
        "confusion": lambda: nn.plotting.confusion(np.eye(2, dtype=int), ["cat", "dog"]),
        "decision_boundary": lambda: nn.plotting.decision_boundary(trained()[0], X, Y),
        "draw_regions": regions,
        "gradient_flow": lambda: nn.plotting.gradient_flow(trained()[1]),
        "history": lambda: nn.plotting.history(trained()[2]),
        "loss_slice": lambda: nn.plotting.loss_slice(model := trained()[0], model_loss(model), points=3),
        "lost_units": lambda: nn.plotting.lost_units(trained()[1]),
        "weight_histograms": lambda: nn.plotting.weight_histograms(trained()[0]),
    },
    "optim": {
        "contours": lambda: optim.plotting.contours(bowl, paths=descent()),
        "courses": lambda: optim.plotting.courses(descent(), f=bowl),
        "critical_points": lambda: optim.plotting.critical_points(bowl, BOX),
        "film": lambda: of_film(optim.plotting.film(bowl, paths=descent())),
        "hessian_ellipses": lambda: optim.plotting.hessian_ellipses(bowl, [0.0, 0.0]),
        "learning_rates": lambda: optim.plotting.learning_rates(bowl, (1.0, 0.5)),
        "surface": lambda: optim.plotting.surface(bowl, BOX, descent()),
    },
}
NO_PICTURES = {"Film", "filter_directions", "losses_along"}
"""What draws nothing by itself."""

MORE = {
    "a parabola": lambda: optim.plotting.learning_rates(lambda x: x**2, 2.0),
    "a field in one colour": lambda: ad.plotting.vector_field(turning, BOX, colour="curl", arrows=4),
    "courses without levels": lambda: optim.plotting.courses(descent()),
    "a plane of losses": lambda: nn.plotting.loss_slice(
        model := trained()[0], model_loss(model), dimensions=2, points=3
    ),
    "gradients of a model": lambda: nn.plotting.gradient_flow(trained()[0]),
}
"""Other forms of the same pictures."""


@pytest.mark.parametrize("package", [ad, nn, optim], ids=lambda p: p.__name__)
def test_every_public_function_has_a_picture_here(package):
    assert set(FIGURES[package.__name__]) == set(package.plotting.__all__) - NO_PICTURES


@pytest.mark.parametrize(
    "draw",
    [
        *(pytest.param(f, id=f"{package} {name}") for package, row in FIGURES.items() for name, f in row.items()),
        *(pytest.param(f, id=name) for name, f in MORE.items()),
    ],
)
def test_a_picture_has_a_title_and_names_at_its_axes(draw):
    figure = draw()
    plotted = [ax for ax in figure.axes if ax.axison or ax.name == "3d"]
    assert plotted
    for ax in plotted:
        if ax.get_label() == "<colorbar>":
            assert ax.get_ylabel() or ax.get_xlabel() or ax.get_title()
            continue
        assert ax.get_title() or figure.get_suptitle(), "no title"
        assert ax.get_xlabel() or figure.get_supxlabel(), "no name below"
        assert ax.get_ylabel() or figure.get_supylabel(), "no name at the side"
        assert ax.name != "3d" or ax.get_zlabel()
    plt.close(figure)


def test_the_paths_of_one_picture_differ_clearly_in_colour():
    """The first five colours are far apart, to people with normal sight and to those who do not see red or green."""
    from matplotlib.colors import to_rgb

    colours = np.array([to_rgb(colour) for colour in PALETTE[:5]])
    blind = colours @ np.array([[0.29, 0.29, 0.02], [0.71, 0.71, -0.02], [0.0, 0.0, 1.0]])  # H. Brettel et al., 1997
    for seen in (colours, blind):
        apart = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
        assert apart[np.triu_indices(5, 1)].min() > 0.28


def test_what_the_pictures_of_a_monitor_mark_stands_in_their_legends():
    _, monitor, _ = trained()

    def entries(figure):
        (legend,) = figure.legends or [figure.axes[0].get_legend()]
        return [text.get_text() for text in legend.get_texts()]

    lost = entries(nn.plotting.lost_units(monitor))
    assert lost == [
        "dead units",
        "saturated outputs",
        "at the first batch",
        "from here on the layer is dead",
        "from here on the layer is saturated",
    ]
    assert entries(nn.plotting.activation_histograms(monitor)) == ["at the last watched batch", "at the first"]
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    model[0].bias.data = np.full(3, -100.0)  # no unit is ever positive, so no gradient arrives
    nn.cross_entropy(model(X.astype(np.float32)), Y).backward()
    assert "gradients: exactly 0" in entries(nn.plotting.gradient_flow(model))


def test_titles_that_the_user_has_set_stay():
    _, ax = plt.subplots()
    ax.set(title="mine", xlabel="width")
    optim.plotting.contours(bowl, BOX, ax=ax)
    ad.plotting.tangent(np.sin, 0.5, ax=plt.subplots()[1])
    assert ax.get_title() == "mine"
