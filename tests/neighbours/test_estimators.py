"""`nn.Classifier` and `nn.Regressor`, by scikit-learn's own checks and in its tools."""

import functools
import pickle
import subprocess
import sys

import numpy as np
import pytest

import autodiff as ad
import nn
import optim
from tests.neighbours import loaded, shows

NOT_RUN = {"check_array_api_input": "it runs where SCIPY_ARRAY_API is set; inputs become NumPy arrays"}
"""Checks of scikit-learn's that do not apply, each with its reason."""


def reasons():
    return ", ".join(f"{check} ({why})" for check, why in NOT_RUN.items())


def network(inputs, outputs):
    return nn.Sequential(nn.Linear(inputs, 16, dtype=float), nn.Tanh(), nn.Linear(16, outputs, dtype=float))


fast = functools.partial(optim.Adam, learning_rate=0.02)


def classifier(**options):
    return nn.Classifier(network, fast, epochs=options.pop("epochs", 40), random_state=0, **options)


@pytest.mark.ci
@shows(
    "sklearn",
    "`check_estimator(nn.Classifier(...))`, `check_estimator(nn.Regressor(...))`",
    f"passed; not run: {reasons()}",
)
def test_its_own_checks(library):
    check_estimator = loaded("sklearn.utils.estimator_checks").check_estimator
    for estimator in (nn.Classifier(network, fast, epochs=60), nn.Regressor(network, fast, epochs=60)):
        with np.errstate(all="ignore"):
            results = check_estimator(estimator, on_skip=None)
        assert len(results) > 40
        assert {r["check_name"] for r in results if r["status"] != "passed"} <= NOT_RUN.keys()


@shows(
    "sklearn",
    "`Pipeline`, `GridSearchCV`, `cross_val_score`, `clone`, `VotingClassifier`",
    "as with its own estimators",
)
def test_tools(library):
    x, y = nn.data.moons(200, seed=0)
    selection, pipeline = loaded("sklearn.model_selection"), loaded("sklearn.pipeline")
    scaled = pipeline.make_pipeline(loaded("sklearn.preprocessing").StandardScaler(), classifier())
    assert selection.cross_val_score(scaled, x, y, cv=3).mean() > 0.9
    assert selection.cross_val_score(scaled, x, y, cv=3, scoring="neg_log_loss").mean() > -0.4
    search = selection.GridSearchCV(classifier(), {"epochs": [1, 40], "optimizer": [fast]}, cv=3).fit(x, y)
    assert search.best_params_["epochs"] == 40
    assert loaded("sklearn.base").clone(classifier(epochs=7)).get_params()["epochs"] == 7
    ensemble = loaded("sklearn.ensemble")
    voted = ensemble.VotingClassifier([("a", classifier()), ("b", classifier(epochs=60))], voting="soft").fit(x, y)
    assert voted.score(x, y) > 0.9


@shows(
    "sklearn", "labels of text, data frames, modules as they are, several targets, images, `compile=True`", "as arrays"
)
def test_kinds_of_data(library):
    x, y = nn.data.moons(200, seed=0)
    names = np.array(["left", "right"])[y]
    model = classifier().fit(x, names)
    assert set(model.predict(x)) == {"left", "right"} and model.score(x, names) > 0.9
    np.testing.assert_allclose(model.predict_proba(x).sum(axis=1), 1.0)
    three = classifier().fit(x, y + (x[:, 0] > 1.5))
    assert three.decision_function(x).shape == three.predict_proba(x).shape == (200, 3)
    given = network(2, 2)
    before = given.state_dict()["0.weight"].copy()
    kept = nn.Classifier(given, fast, epochs=2, random_state=0).fit(x, y)
    np.testing.assert_array_equal(given.state_dict()["0.weight"], before)
    assert kept.module_ is not given and len(kept.history_["loss"]) == kept.n_iter_ == 2
    plain, compiled = classifier(epochs=3).fit(x, y), classifier(epochs=3, compile=True).fit(x, y)
    np.testing.assert_allclose(plain.predict_proba(x), compiled.predict_proba(x))
    both = nn.Regressor(network, fast, epochs=100, random_state=0).fit(x, np.stack([x[:, 0], -x[:, 1]], axis=1))
    assert both.predict(x).shape == (200, 2) and both.score(x, np.stack([x[:, 0], -x[:, 1]], axis=1)) > 0.9
    images = np.random.default_rng(0).normal(size=(20, 1, 4, 4))
    flat = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    assert nn.Classifier(flat, fast, epochs=2).fit(images, np.arange(20) % 2).predict(images).shape == (20,)
    pandas = loaded("pandas")
    frame = pandas.DataFrame(x, columns=["a", "b"])
    assert list(classifier(epochs=2).fit(frame, pandas.Series(y)).feature_names_in_) == ["a", "b"]


@shows("sklearn", "`random_state`, pickling, one class, outputs that do not fit", "repeatable; errors that say so")
def test_corners(library):
    x, y = nn.data.moons(60, seed=0)
    nn.manual_seed(1)
    before = nn.Linear(2, 2).weight.data
    nn.manual_seed(1)
    first, second = classifier(epochs=2).fit(x, y), classifier(epochs=2).fit(x, y)
    np.testing.assert_array_equal(nn.Linear(2, 2).weight.data, before)
    np.testing.assert_array_equal(first.predict_proba(x), second.predict_proba(x))
    again = pickle.loads(pickle.dumps(first))
    np.testing.assert_array_equal(again.predict_proba(x), first.predict_proba(x))
    with pytest.raises(ValueError, match="two classes at least; y has one class"):
        classifier().fit(x, np.zeros(60))
    with pytest.raises(ad.ShapeError, match=r"one output for each class"):
        nn.Classifier(network(2, 3), fast, epochs=1).fit(x, y).predict(x)
    with pytest.raises(TypeError, match="module must be a Module"):
        nn.Classifier(lambda n, k: None, fast).fit(x, y)
    with pytest.raises(TypeError, match=r"optimizer must be a function, such as optim.Adam; a str was given"):
        nn.Classifier(network, "adam").fit(x, y)
    with pytest.raises(TypeError, match=r"loss must be a function, such as nn.mse_loss; a str was given"):
        classifier(loss="mse").fit(x, y)
    with pytest.raises(loaded("sklearn.exceptions").NotFittedError):
        classifier().predict(x)


def said_by(code):
    """What a program prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip()


def test_without_scikit_learn():
    code = """
import sys
sys.modules["sklearn"] = None
import autodiff, nn
try:
    nn.Classifier(None, None)
except autodiff.MissingExtraError as error:
    print(error)
"""
    assert said_by(code) == "nn.Classifier needs scikit-learn: pip install 'wengert[sklearn]'."


def test_the_packages_load_none_of_them():
    others = ("sklearn", "scipy", "pandas", "sympy", "xarray", "dask", "einops", "autoray")
    assert said_by(f"import sys, autodiff, nn, optim; print([m for m in {others} if m in sys.modules])") == "[]"
