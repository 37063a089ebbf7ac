"""Pictures of a training run and of a classifier's mistakes."""

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.plotting.style import axes_of


def run(**numbers):
    history = nn.History()
    for row in zip(*numbers.values()):
        history.add(dict(zip(numbers, row)))
    return history


def curves(ax):
    return {line.get_label(): np.array(line.get_data()) for line in ax.lines}


def test_a_history_has_a_panel_for_each_number():
    history = run(loss=[3.0, 2.0, 1.5], accuracy=[0.1, 0.2, 0.3], validation_loss=[3.0, 2.5, 2.75])
    figure = nn.plotting.history(history)
    loss, accuracy = figure.axes
    found = curves(loss)
    assert list(found) == ["training", "validation", "best epoch: 2"]
    np.testing.assert_array_equal(found["training"], [[1, 2, 3], [3.0, 2.0, 1.5]])
    np.testing.assert_array_equal(found["validation"], [[1, 2, 3], [3.0, 2.5, 2.75]])
    assert found["best epoch: 2"][0].tolist() == [2, 2]
    assert list(curves(accuracy)) == ["training", "best epoch: 2"]
    for ax, name in zip(figure.axes, ("loss", "accuracy")):
        assert (ax.get_title(), ax.get_xlabel(), ax.get_ylabel()) == (name, "epoch", name)
        assert ax.get_legend() is not None and ax.get_yscale() == "linear"
    assert figure.get_suptitle() == "3 epochs; best: epoch 2, validation_loss 2.5000"


def test_a_loss_that_falls_far_has_a_logarithmic_axis():
    (ax,) = nn.plotting.history(run(loss=[100.0, 1.0, 0.5])).axes
    assert ax.get_yscale() == "log"
    (ax,) = nn.plotting.history(run(loss=[100.0, np.nan, 0.0])).axes
    assert ax.get_yscale() == "linear"


def test_one_epoch_and_many_numbers(tmp_path):
    figure = nn.plotting.history(run(loss=[1.0]))
    assert figure.axes[0].get_xticks().tolist() == [1] and figure.get_suptitle().startswith("1 epoch;")
    figure = nn.plotting.history(run(loss=[1.0, 2.0], a=[1, 2], b_c=[1, 2], d=[np.nan, np.inf]))
    assert [ax.get_title() for ax in figure.axes] == ["loss", "a", "b c", "d"]
    figure.savefig(tmp_path / "history.png")


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        (nn.History(), ad.StructureError, "has no epochs"),
        ({"loss": [1.0]}, TypeError, r"an nn\.History is expected.*a dict was given.*nn\.History\(dict\)"),
        (None, TypeError, "NoneType"),
    ],
)
def test_what_is_no_history_is_refused(given, error, told):
    with pytest.raises(error, match=told):
        nn.plotting.history(given)


def test_a_confusion_matrix_shows_counts_and_shares(tmp_path):
    counts = np.array([[8, 2, 0], [0, 5, 0], [0, 0, 0]])
    ax = axes_of()
    figure = nn.plotting.confusion(counts, ["cat", "dog", 3], ax=ax)
    assert figure is ax.figure
    assert {(t.get_position(), t.get_text()) for t in ax.texts} == {
        ((column, row), str(counts[row, column])) for row, column in np.ndindex(3, 3)
    }
    np.testing.assert_array_equal(ax.images[0].get_array(), [[0.8, 0.2, 0], [0, 1, 0], [0, 0, 0]])
    assert [t.get_text() for t in ax.get_xticklabels()] == [t.get_text() for t in ax.get_yticklabels()]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["cat", "dog", "3"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "right class")
    assert ax.get_title() == "13 of 15 right (86.7 %)"
    dark = {t.get_text(): t.get_color() for t in ax.texts if t.get_text() != "0"}
    assert dark == {"8": "white", "5": "white", "2": "black"}
    figure.savefig(tmp_path / "confusion.png")


def test_many_classes_have_no_numbers_in_the_cells():
    (ax, _) = nn.plotting.confusion(np.eye(64, dtype=int)).axes
    assert not ax.texts and len(ax.get_xticks()) == 22 and ax.get_title() == "64 of 64 right (100.0 %)"
    (ax, _) = nn.plotting.confusion(np.zeros((2, 2), int)).axes
    assert ax.get_title() == "0 of 0 right"


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        ((np.ones((2, 3), int),), ad.ShapeError, r"\(k, k\).*shape \(2, 3\)"),
        ((np.ones(3, int),), ad.ShapeError, r"shape \(3,\)"),
        ((np.full((2, 2), 0.5),), ad.DomainError, "counts.*float64"),
        ((-np.eye(2, dtype=int),), ad.DomainError, "smallest entry -1"),
        ((np.eye(2, dtype=int), ["a"]), ad.ShapeError, "1 names were given for 2 classes"),
    ],
)
def test_what_is_no_confusion_matrix_is_refused(arguments, error, told):
    with pytest.raises(error, match=told):
        nn.plotting.confusion(*arguments)
