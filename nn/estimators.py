"""scikit-learn's estimators over any module: for its pipelines, searches and scores. Loaded when first used."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Self

import numpy as np

import autodiff as ad
from autodiff.special import softmax
from nn.losses import cross_entropy, mse_loss
from nn.module import Module
from nn.randomness import seeded
from nn.training.fitting import fit

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    _missing: ImportError | None = error
    BaseEstimator, ClassifierMixin, RegressorMixin = (
        type(name, (), {}) for name in ("Base", "Classifies", "Regresses")
    )
else:
    _missing = None

_REAL = [np.float64, np.float32]


class _Estimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What both have in common: parameters, training and outputs."""

    def __init__(
        self,
        module: Module | Callable[[int, int], Module],
        optimizer: Callable[[Any], Any],
        *,
        loss: Callable[[Any, Any], ad.Tensor] | None = None,
        epochs: int = 100,
        batch_size: int = 32,
        compile: bool | str = False,
        random_state: Any = None,
    ) -> None:
        if _missing is not None:
            raise ad.MissingExtraError(
                f"nn.{type(self).__name__} needs scikit-learn: pip install 'wengert[sklearn]'."
            ) from _missing
        self.module = module
        self.optimizer = optimizer
        self.loss = loss
        self.epochs = epochs
        self.batch_size = batch_size
        self.compile = compile
        self.random_state = random_state

    def _train(self, x: Any, y: Any, outputs: int, loss: Callable[[Any, Any], ad.Tensor]) -> Self:
        """Train a new module, or a copy of the one that was given, which stays as it is."""
        for name, example in (("optimizer", "optim.Adam"), ("loss", "nn.mse_loss")):
            value = getattr(self, name)
            if not callable(value) and (value is not None or name == "optimizer"):
                was, who = type(value).__name__, type(self).__name__
                raise TypeError(f"{who}: {name} must be a function, such as {example}; a {was} was given.")
        with seeded(int(check_random_state(self.random_state).randint(2**31 - 1))):
            given = self.module
            self.module_ = copy.deepcopy(given) if isinstance(given, Module) else given(x.shape[1], outputs)
            if not isinstance(self.module_, Module):
                raise TypeError(
                    f"{type(self).__name__}: module must be a Module, or a function (inputs, outputs) -> Module; "
                    f"it returned a {type(self.module_).__name__}."
                )
            self.module_.train()
            self.history_ = fit(
                self.module_,
                self.optimizer(self.module_.parameters()),
                self.loss or loss,
                (x, y),
                epochs=self.epochs,
                batch_size=self.batch_size,
                compile=self.compile,
                progress=False,
            )
        self.module_.eval()
        self.n_iter_ = self.epochs
        return self

    def _outputs(self, X: Any) -> Any:
        """The outputs of the module, as an array."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, allow_nd=True, dtype=_REAL)
        with ad.no_grad():
            return self.module_(X).data


class Classifier(ClassifierMixin, _Estimator):  # type: ignore[misc]  # as above
    """A module as scikit-learn's classifier.

    Parameters
    ----------
    module : Module, or callable
        A module with one output for each class, of which `fit` trains a copy; or a function ``(inputs, classes) ->
        Module`` of the two numbers, which `fit` calls for a new one.
    optimizer : callable
        ``parameters -> optimiser``, such as ``optim.Adam`` or ``functools.partial(optim.Adam, learning_rate=0.01)``.
    loss : callable, optional
        ``(outputs, numbers of classes) -> Tensor``; `nn.cross_entropy` by default.
    epochs : int, default 100
        How often `fit` goes through the rows.
    batch_size : int, default 32
        Number of rows in a batch; the last may have fewer.
    compile : bool or {"numpy", "native", "jax"}, default False
        Whether, or by what, the training step is compiled: the numbers are the same, and each batch takes less time.
    random_state : int, RandomState or None
        For initial weights and the order of the rows. Other random numbers of this thread are not disturbed.

    Attributes
    ----------
    module_ : Module
        The trained module.
    classes_ : ndarray, (k,)
        The labels, sorted; they may be text.
    history_ : History
        The losses of the epochs.
    n_iter_, n_features_in_ : int
        The number of epochs, and of inputs.

    Raises
    ------
    MissingExtraError
        If scikit-learn is not installed.

    See Also
    --------
    nn.fit : validation, schedules, checkpoints and callbacks.

    Examples
    --------
    >>> import functools, nn, optim
    >>> from sklearn.model_selection import cross_val_score
    >>> x, y = nn.data.moons(200, seed=0)
    >>> model = nn.Classifier(
    ...     lambda n, k: nn.Sequential(nn.Linear(n, 16), nn.Tanh(), nn.Linear(16, k)),
    ...     functools.partial(optim.Adam, learning_rate=0.05),
    ...     random_state=0,
    ... )
    >>> bool(cross_val_score(model, x, y, cv=3).mean() > 0.9)
    True
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train; returns the estimator.

        Parameters
        ----------
        X : array_like, (n, d) or (n, ...)
            Inputs; data frames too.
        y : array_like, (n,)
            Labels.

        Returns
        -------
        Classifier
            This one.

        Raises
        ------
        ValueError
            If there is one class only, or the inputs do not fit.
        """
        X, y = validate_data(self, X, y, allow_nd=True, dtype=_REAL)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"Classifier: there must be two classes at least; y has one class, {self.classes_[0]!r}.")
        return self._train(X, labels, len(self.classes_), cross_entropy)

    def decision_function(self, X: Any) -> Any:
        """The scores of the classes, (n, k); of two classes the second less the first, (n,).

        Parameters
        ----------
        X : array_like, (n, d) or (n, ...)

        Returns
        -------
        ndarray, (n, k) or (n,)
        """
        scores = self._outputs(X)
        if scores.ndim != 2 or scores.shape[1] != len(self.classes_):
            raise ad.ShapeError(
                f"Classifier: the module returned shape {scores.shape} for {len(X)} rows and {len(self.classes_)} "
                "classes; it must have one output for each class."
            )
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict_proba(self, X: Any) -> Any:
        """Probabilities of the classes: the softmax of the scores.

        Parameters
        ----------
        X : array_like, (n, d) or (n, ...)

        Returns
        -------
        ndarray, (n, k)
        """
        scores = self.decision_function(X)
        if scores.ndim == 1:
            scores = np.stack([np.zeros_like(scores), scores], axis=1)
        return np.asarray(softmax(scores, axis=1))

    def predict(self, X: Any) -> Any:
        """The labels with the largest scores.

        Parameters
        ----------
        X : array_like, (n, d) or (n, ...)

        Returns
        -------
        ndarray, (n,)
            In the dtype of the labels that were learned.
        """
        scores = self.decision_function(X)
        return self.classes_[(scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)]


class Regressor(RegressorMixin, _Estimator):  # type: ignore[misc]  # as above
    """A module as scikit-learn's regressor.

    Parameters
    ----------
    module : Module, or callable
        A module with one output for each target, of which `fit` trains a copy; or a function ``(inputs, targets) ->
        Module`` of the two numbers, which `fit` calls for a new one.
    optimizer : callable
        ``parameters -> optimiser``, such as ``optim.Adam`` or ``functools.partial(optim.Adam, learning_rate=0.01)``.
    loss : callable, optional
        ``(outputs, targets) -> Tensor``, of shapes (n, targets); `nn.mse_loss` by default.
    epochs : int, default 100
        How often `fit` goes through the rows.
    batch_size : int, default 32
        Number of rows in a batch; the last may have fewer.
    compile : bool or {"numpy", "native", "jax"}, default False
        Whether, or by what, the training step is compiled: the numbers are the same, and each batch takes less time.
    random_state : int, RandomState or None
        For initial weights and the order of the rows. Other random numbers of this thread are not disturbed.

    Attributes
    ----------
    module_ : Module
        The trained module.
    history_ : History
        The losses of the epochs.
    n_iter_, n_features_in_ : int
        The number of epochs, and of inputs.

    Raises
    ------
    MissingExtraError
        If scikit-learn is not installed.

    See Also
    --------
    nn.fit : validation, schedules, checkpoints and callbacks.

    Examples
    --------
    >>> import functools, numpy as np, nn, optim
    >>> x = np.linspace(-1.0, 1.0, 50)[:, None]
    >>> model = nn.Regressor(nn.Linear, functools.partial(optim.Adam, learning_rate=0.05), random_state=0)
    >>> bool(model.fit(x, 3.0 * x[:, 0] + 1.0).score(x, 3.0 * x[:, 0] + 1.0) > 0.99)
    True
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = True
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any) -> Self:
        """Train; returns the estimator.

        Parameters
        ----------
        X : array_like, (n, d) or (n, ...)
            Inputs; data frames too.
        y : array_like, (n,) or (n, targets)

        Returns
        -------
        Regressor
            This one.

        Raises
        ------
        ValueError
            If the inputs do not fit.
        """
        X, y = validate_data(self, X, y, allow_nd=True, dtype=_REAL, multi_output=True, y_numeric=True)
        y = np.asarray(y, X.dtype)
        self._is_flat = y.ndim == 1
        columns = y[:, None] if self._is_flat else y
        return self._train(X, columns, columns.shape[1], mse_loss)

    def predict(self, X: Any) -> Any:
        """The outputs of the module.

        Parameters
        ----------
        X : array_like, (n, d) or (n, ...)

        Returns
        -------
        ndarray, (n,) or (n, targets)
            As the targets that were learned.
        """
        y = self._outputs(X)
        return y[:, 0] if self._is_flat else y
