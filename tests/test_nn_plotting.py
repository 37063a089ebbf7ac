"""Pictures of networks: the numbers in them, what they leave unchanged, and what they refuse."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba

import autodiff as ad
import nn
import optim
from autodiff.plotting.style import BLUE, ORANGE, RED, axes_of

X, Y = nn.data.moons(64, noise=0.1)


def network(dtype=np.float64, seed=0):
    nn.manual_seed(seed)
    return nn.Sequential(nn.Linear(2, 4, dtype=dtype), nn.ReLU(), nn.Linear(4, 2, dtype=dtype), nn.Tanh())


def watched(model=None, steps=3):
    model, monitor = model or network(), nn.Monitor(1)
    optimizer = optim.GradientDescent(model.parameters(), 0.1)
    for _ in range(steps):
        with monitor.watch(model):
            optimizer.step(lambda: nn.cross_entropy(model(X), Y))
    return monitor


def line(ax, label):
    (found,) = [candidate for candidate in ax.lines if candidate.get_label() == label]
    return found


def names(ax):
    return [label.get_text() for label in ax.get_xticklabels()]


def rms(layer):
    return np.sqrt(np.mean(np.concatenate([layer.weight.data.ravel(), layer.bias.data]) ** 2))


# --- gradient flow


def test_gradient_flow_of_a_model_shows_what_its_gradients_are_now():
    model = network()
    nn.cross_entropy(model(X), Y).backward()
    (ax,) = nn.plotting.gradient_flow(model).axes
    expected = [
        np.sqrt(np.mean(np.concatenate([model[i].weight.grad.ravel(), model[i].bias.grad]) ** 2)) for i in (0, 2)
    ]
    np.testing.assert_allclose(line(ax, "gradients").get_ydata(), expected)
    np.testing.assert_allclose(line(ax, "weights").get_ydata(), [rms(model[0]), rms(model[2])])
    assert names(ax) == ["0 Linear", "2 Linear"] and ax.get_yscale() == "log"
    assert ax.get_ylabel() == "root mean square"


def test_gradient_flow_of_a_monitor_shows_the_medians():
    monitor = watched()
    ax = axes_of()
    assert nn.plotting.gradient_flow(monitor, ax=ax) is ax.figure
    roots = np.sqrt([12, 10])
    for label, name in (("weights", "weight"), ("gradients", "gradient"), ("updates", "update")):
        expected = np.median(monitor.series(name)[:, [0, 2]], axis=0) / roots
        np.testing.assert_allclose(line(ax, label).get_ydata(), expected)
    first = line(ax, "gradients at the first batch")
    np.testing.assert_allclose(first.get_ydata(), monitor.series("gradient")[0, [0, 2]] / roots)
    assert ax.get_title() == "healthy (3 batches watched)"
    assert [label.get_color() for label in ax.get_xticklabels()] == ["black", "black"]
    assert len({drawn.get_linestyle() for drawn in ax.lines}) == 4  # they differ without colour


def test_gradients_of_0_are_marked_and_layers_that_are_ill_are_red():
    model = network()
    model[0].bias.data = np.full(4, -100.0)
    (ax,) = nn.plotting.gradient_flow(watched(model)).axes
    marks = [m for m in ax.collections if len(m.get_offsets())]
    assert marks[0].get_offsets()[:, 0].tolist() == [0.0]
    assert [label.get_color() for label in ax.get_xticklabels()] == [RED, RED]  # of the second the output is constant
    assert ax.get_title().startswith("dead")


def test_gradient_flow_refuses_what_has_no_gradients():
    with pytest.raises(ad.StructureError, match=r"call loss\.backward\(\) first"):
        nn.plotting.gradient_flow(network())
    with pytest.raises(ad.StructureError, match="seen no batch"):
        nn.plotting.gradient_flow(nn.Monitor())
    with pytest.raises(TypeError, match=r"an nn\.Monitor or a model is expected; a dict"):
        nn.plotting.gradient_flow({})


# --- units


def test_lost_units_are_bars_of_their_shares():
    model = network()
    model[0].weight.data = np.zeros((2, 4))
    model[0].bias.data = np.array([1.0, -1.0, -1.0, -1.0])  # three of four are dead
    model[2].weight.data, model[2].bias.data = np.zeros((4, 2)), np.array([9.0, 0.0])  # one of two is saturated
    monitor = watched(model, steps=1)
    (ax,) = nn.plotting.lost_units(monitor).axes
    assert [bar.get_height() for bar in ax.patches] == [0.75, 0.5]
    assert [bar.get_facecolor() for bar in ax.patches] == [to_rgba(RED), to_rgba(ORANGE)]
    assert len({bar.get_hatch() for bar in ax.patches}) == 2
    assert names(ax) == ["1 ReLU", "3 Tanh"]
    levels = sorted(drawn.get_ydata()[0] for drawn in ax.lines if drawn.get_linestyle() == ":")
    assert levels == [0.5, 0.7]  # from where a verdict is saturated, and dead


def test_lost_units_refuses_what_cannot_be_lost():
    with pytest.raises(ad.StructureError, match="no layer of this model can be dead or saturated"):
        nn.plotting.lost_units(watched(nn.Linear(2, 2)))
    with pytest.raises(TypeError, match=r"lost_units: an nn\.Monitor is expected; a Sequential"):
        nn.plotting.lost_units(network())


# --- histograms


def test_activation_histograms_have_the_counts_of_the_first_and_the_last_batch():
    monitor = watched()
    figure = nn.plotting.activation_histograms(monitor)
    assert [ax.get_title() for ax in figure.axes] == ["0 Linear", "1 ReLU", "2 Linear", "3 Tanh"]
    for ax, layer in zip(figure.axes, monitor.layers, strict=True):
        for patch, sample in zip(ax.patches, (layer.samples[-1], layer.samples[0]), strict=True):
            counts = sample.histogram.counts
            np.testing.assert_allclose(patch.get_data().values, counts / counts.sum())
            np.testing.assert_allclose(patch.get_data().edges, sample.histogram.edges)


def test_weight_histograms_are_numpys():
    nn.manual_seed(0)
    layer = nn.Linear(40, 30, dtype=np.float64)
    figure = nn.plotting.weight_histograms(layer)
    assert [ax.get_title() for ax in figure.axes] == ["weight (40, 30)", "bias (30,)"]
    counts, edges = np.histogram(layer.weight.data, 32)
    drawn = figure.axes[0].patches[0].get_data()
    np.testing.assert_allclose(drawn.edges, edges)
    assert np.abs(drawn.values * 1200 - counts).max() < 1.5  # a value at an edge may fall to either side


def test_equal_entries_are_one_bar():
    layer = nn.Linear(2, 3)
    layer.weight.data = np.full((2, 3), 5.0, np.float32)
    drawn = nn.plotting.weight_histograms(layer).axes[0].patches[0].get_data()
    assert drawn.values.tolist() == [1.0] and drawn.edges.mean() == pytest.approx(5.0)


def test_of_many_layers_some_are_shown():
    model = nn.Sequential(*[nn.Linear(2, 2) for _ in range(40)])
    figure = nn.plotting.weight_histograms(model)
    assert len(figure.axes) == 24 and "24 of 80" in figure.get_suptitle()
    titles = [ax.get_title() for ax in figure.axes]
    assert titles[0] == "0.weight (2, 2)" and titles[-1] == "39.bias (2,)"


def test_histograms_refuse_what_has_none():
    with pytest.raises(ad.StructureError, match="the monitor saw no outputs"):
        nn.plotting.activation_histograms(nn.Monitor())
    with pytest.raises(ad.StructureError, match="no parameter"):
        nn.plotting.weight_histograms(nn.ReLU())
    with pytest.raises(TypeError, match="a model is expected; a Monitor"):
        nn.plotting.weight_histograms(nn.Monitor())


# --- slices of the loss


def test_directions_have_the_lengths_of_the_filters():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.linear, self.table = nn.Conv2d(2, 3, 3), nn.Linear(4, 5), nn.Embedding(6, 2)
            self.cells, self.norm = nn.GRU(2, 3), nn.LayerNorm(4)

    nn.manual_seed(1)
    model = Model()
    one, other = nn.plotting.filter_directions(model, 2, seed=3)
    for name, axes in {
        "conv.weight": (1, 2, 3),
        "linear.weight": (0,),
        "table.weight": (1,),
        "cells.weight_hh_l0": (0,),
    }.items():
        w = dict(model.named_parameters())[name].data
        lengths = [np.sqrt((values.astype(float) ** 2).sum(axis=axes)) for values in (w, one[name])]
        np.testing.assert_allclose(*lengths, rtol=1e-5)
        assert one[name].dtype == w.dtype and np.abs(one[name] - other[name]).min() > 0
    for name in ("conv.bias", "linear.bias", "norm.weight", "cells.bias_ih_l0"):
        assert not one[name].any()
    again, _ = nn.plotting.filter_directions(model, 2, seed=3)
    np.testing.assert_array_equal(one["conv.weight"], again["conv.weight"])


def test_losses_along_directions_are_those_of_the_moved_model():
    model = network()
    directions = nn.plotting.filter_directions(model)
    losses = nn.plotting.losses_along(model, lambda: nn.cross_entropy(model(X), Y), directions, [-0.5, 0.0, 1.0])
    start = model.state_dict()
    for i, a in enumerate((-0.5, 0.0, 1.0)):
        for j, b in enumerate((-0.5, 0.0, 1.0)):
            moved = network()
            moved.load_state_dict({k: v + a * directions[0][k] + b * directions[1][k] for k, v in start.items()})
            assert losses[i, j] == pytest.approx(nn.cross_entropy(moved(X), Y).item(), rel=1e-12)


def test_a_slice_changes_nothing_even_when_the_loss_raises():
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))
    optimizer = optim.Adam(model.parameters())  # the parameters have their flat home
    optimizer.step(lambda: nn.cross_entropy(model(X), Y))
    model[1].eval()
    before, modes = model.state_dict(), [m.training for _, m in model.named_modules()]
    gradients = [p.grad.copy() for p in model.parameters()]
    homes = [p.data.__array_interface__["data"] for p in model.parameters()]
    calls = []

    def loss():
        calls.append(model.training)
        model.train()  # whatever it does
        if len(calls) == 5:
            raise ZeroDivisionError
        return nn.cross_entropy(model(X), Y)

    with pytest.raises(ZeroDivisionError):
        nn.plotting.loss_slice(model, loss)
    nn.plotting.loss_slice(model, lambda: nn.cross_entropy(model(X), Y), points=5, dimensions=2)
    after = model.state_dict()
    for name, values in before.items():
        np.testing.assert_array_equal(after[name], values, err_msg=name)
    assert [m.training for _, m in model.named_modules()] == modes and calls[0] is False
    for p, gradient in zip(model.parameters(), gradients, strict=True):
        np.testing.assert_array_equal(p.grad, gradient)
    assert homes == [p.data.__array_interface__["data"] for p in model.parameters()]


def test_a_slice_shows_the_losses_and_the_model_in_the_middle():
    model = network()
    loss = lambda: nn.cross_entropy(model(X), Y)
    offsets = np.linspace(-2, 2, 7)
    expected = nn.plotting.losses_along(model, loss, nn.plotting.filter_directions(model, 1, seed=5), offsets)
    (ax,) = nn.plotting.loss_slice(model, loss, radius=2.0, points=7, seed=5).axes
    np.testing.assert_allclose(ax.lines[0].get_xydata(), np.column_stack([offsets, expected]))
    assert ax.lines[1].get_xydata().tolist() == [[0.0, loss().item()]]
    assert ax.get_title() == f"loss {loss().item():.4g} at the dot"


def test_a_slice_in_two_directions_has_the_losses_as_contours():
    model = network()
    loss = lambda: nn.cross_entropy(model(X), Y)
    ax = axes_of()
    nn.plotting.loss_slice(model, loss, dimensions=2, points=5, ax=ax)
    offsets = np.linspace(-1, 1, 5)
    losses = nn.plotting.losses_along(model, loss, nn.plotting.filter_directions(model), offsets)
    levels = ax.collections[0].levels
    assert levels[0] == losses.min() and levels[-1] == losses.max()
    ends = ax.collections[1].get_paths()[0].vertices  # a line of one level: the loss there is the level
    from matplotlib.tri import LinearTriInterpolator, Triangulation

    a, b = np.meshgrid(offsets, offsets, indexing="ij")
    between = LinearTriInterpolator(Triangulation(a.ravel(), b.ravel()), losses.ravel())(*ends.T)
    spacing = np.ptp(losses) / 4  # within a cell the two interpolations differ
    assert np.abs(between - ax.collections[1].levels[0]).max() < spacing


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"dimensions": 3}, "dimensions must be 1 or 2; 3"),
        ({"points": 4}, "odd integer, 3 or more; 4"),
        ({"radius": 0.0}, "radius must be a positive number; 0.0"),
        ({"radius": np.inf}, "radius must be a positive number; inf"),
    ],
)
def test_a_slice_that_cannot_be_is_refused(options, told):
    model = network()
    with pytest.raises(ValueError, match=told):
        nn.plotting.loss_slice(model, lambda: nn.cross_entropy(model(X), Y), **options)


def test_a_slice_needs_a_model_and_a_function():
    with pytest.raises(ad.ShapeError, match=r"loss returned shape \(64, 2\); a loss must be one number"):
        nn.plotting.loss_slice(model := network(), lambda: model(X))
    with pytest.raises(TypeError, match="a function without arguments"):
        nn.plotting.loss_slice(network(), nn.cross_entropy(network()(X), Y))
    with pytest.raises(ad.StructureError, match="no parameters to move"):
        nn.plotting.loss_slice(nn.ReLU(), lambda: 0.0)
    with pytest.raises(TypeError, match="a model is expected; a function"):
        nn.plotting.loss_slice(lambda x: x, lambda: 0.0)


# --- boundaries


def vertices(collection):
    return np.concatenate([path.vertices for path in collection.get_paths()])


@pytest.mark.parametrize(
    "answer",
    [
        lambda z: z,  # (n,)
        lambda z: z[:, None],  # (n, 1)
        lambda z: np.stack([-z, z], axis=1),  # (n, 2)
    ],
)
def test_the_boundary_of_two_classes_is_where_they_are_alike(answer):
    figure = nn.plotting.decision_boundary(lambda p: answer(p[:, 0] + 2 * p[:, 1] - 1), box=(-2.0, 3.0, -1.0, 2.0))
    (ax,) = figure.axes
    x, y = vertices(ax.collections[0]).T
    np.testing.assert_allclose(x + 2 * y, 1.0, atol=1e-3)  # the share bends a little between the points of the grid
    shares = ax.images[0].get_array()
    assert shares[0, 0] < 0.5 < shares[-1, -1]  # rows from below
    assert tuple(ax.images[0].get_extent()) == (-2.0, 3.0, -1.0, 2.0)


def test_three_classes_have_their_colours_and_lines_between():
    directions = np.array([[0.0, 1.0], [-1.0, -1.0], [1.0, -1.0]])
    figure = nn.plotting.decision_boundary(lambda p: 20 * p @ directions.T, box=(-1.0, 1.0, -1.0, 1.0), resolution=101)
    (ax,) = figure.axes
    colours = np.asarray(ax.images[0].get_array())
    for (row, column), k in (((90, 50), 0), ((10, 5), 1), ((10, 95), 2)):
        pale = 1 - 0.7 * (1 - np.array(to_rgba((BLUE, ORANGE, "#009E73")[k])[:3]))
        np.testing.assert_allclose(colours[row, column], pale, atol=0.02)
    x, y = vertices(ax.collections[1]).T  # of class 1, against the best of the others
    logits = np.stack([x, y], axis=1) @ directions.T
    np.testing.assert_allclose(logits[:, 1], logits[:, [0, 2]].max(axis=1), atol=0.06)  # the corner lies within a cell


def test_points_have_their_places_colours_and_markers():
    model = network()
    (ax,) = nn.plotting.decision_boundary(model, X, Y, resolution=20).axes
    scattered = ax.collections[-2:]
    for label, points, colour in zip((0, 1), scattered, (BLUE, ORANGE), strict=True):
        np.testing.assert_array_equal(points.get_offsets(), X[np.equal(Y, label)])
        np.testing.assert_allclose(points.get_facecolors(), [to_rgba(colour)])
    assert len(scattered[0].get_paths()[0].vertices) != len(scattered[1].get_paths()[0].vertices)
    low, high = X.min(axis=0), X.max(axis=0)
    margin = 0.12 * (high - low)
    np.testing.assert_allclose(ax.get_xlim(), (low[0] - margin[0], high[0] + margin[0]))
    np.testing.assert_allclose(ax.get_ylim(), (low[1] - margin[1], high[1] + margin[1]))


def test_a_boundary_is_that_of_the_model_in_evaluation_mode_and_leaves_it_as_it_was():
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))
    model[1].eval()
    before, modes = model.state_dict(), [m.training for _, m in model.named_modules()]
    one, other = (
        nn.plotting.decision_boundary(model, box=(-1.0, 1.0, -1.0, 1.0), resolution=9).axes[0].images[0].get_array()
        for _ in range(2)
    )
    np.testing.assert_array_equal(one, other)  # dropout is off
    assert [m.training for _, m in model.named_modules()] == modes
    for name, values in model.state_dict().items():
        np.testing.assert_array_equal(values, before[name])


def test_one_class_everywhere_has_no_line():
    (ax,) = nn.plotting.decision_boundary(lambda p: np.full(len(p), 5.0), X, Y, resolution=5).axes
    assert len(ax.collections) == 2  # the points alone


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((lambda p: p[:, 0], np.ones((4, 3))), r"x must have shape \(n, 2\); \(4, 3\) was given"),
        ((lambda p: p[:, 0], np.ones((0, 2))), r"x must have shape \(n, 2\); \(0, 2\)"),
        ((lambda p: p[:, 0], X, Y[:5]), "y has 5 labels, but there are 64 points"),
        ((lambda p: p[:, 0], None, Y), "y has 64 labels, but no points were given"),
        ((lambda p: np.ones((len(p), 2, 2)), X), r"for 40000 points the model returned shape \(40000, 2, 2\)"),
        ((lambda p: 1.0, X), r"the model returned shape \(\)"),
    ],
)
def test_a_boundary_with_other_shapes_is_refused(arguments, told):
    with pytest.raises(ad.ShapeError, match=told):
        nn.plotting.decision_boundary(*arguments)


def test_a_boundary_needs_points_or_a_box():
    with pytest.raises(TypeError, match="give points x, or box="):
        nn.plotting.decision_boundary(lambda p: p[:, 0])
    with pytest.raises(ValueError, match="in order"):
        nn.plotting.decision_boundary(lambda p: p[:, 0], box=(1.0, 0.0, 0.0, 1.0))


def test_it_loads_when_it_is_used_and_an_unknown_name_is_refused():
    assert nn.plotting.gradient_flow.__module__ == "nn.plotting.flow"
    with pytest.raises(AttributeError, match="module 'nn' has no attribute 'ploting'"):
        _ = nn.ploting
