"""The exceptions of the engine.

Each message says what was given, what was expected and how to mend it. Each class also inherits the builtin
exception that NumPy or Python would raise instead, so that existing ``except`` clauses work::

    Exception
    └── AutodiffError
        ├── GradientError (TypeError)       the derivative that was asked for does not exist
        ├── ShapeError (ValueError)         the shapes of operands do not fit
        ├── DtypeError (TypeError)          an array of this dtype cannot be used here
        ├── DomainError (ValueError)        a value lies outside the domain of the function
        │   └── MatrixError (LinAlgError)   a matrix has no inverse, no factor, no derivative
        ├── UntrackedError (TypeError)      a tracked value would leave the graph silently
        ├── MutationError (TypeError)       a tracked array would be changed in place
        ├── StaleError (RuntimeError)       a value that a rule needs was changed after it was recorded
        ├── AnomalyError (RuntimeError)     `detect_anomaly` found the origin of a NaN or an infinity
        │   └── EditedError (StaleError)    or an array that was changed in place, unseen by the engine
        ├── CompileError (RuntimeError)     a function does something that cannot be compiled
        ├── DeviceError (RuntimeError)      a step failed on its device, and what it was to replace is gone
        ├── UnsupportedError (TypeError)    a NumPy function that the engine has no rule for
        ├── RuleError (ValueError)          a rule returned the wrong count, shape or dtype
        ├── MissingExtraError (ImportError) an optional package is not installed
        └── StructureError (ValueError)     nested containers do not have the expected structure
"""

from __future__ import annotations

import numpy as np


class AutodiffError(Exception):
    """Base of every exception that the engine raises on purpose.

    Attributes
    ----------
    of_another_call : bool
        Whether a compiled program raises it because it was compiled for other values. If nothing has been changed yet,
        the function is then traced again instead.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> try:
    ...     ad.grad(np.sin)(np.ones(2))
    ... except ad.AutodiffError as error:
    ...     print(type(error).__name__)
    GradientError
    """

    of_another_call = False


class GradientError(AutodiffError, TypeError):
    """The derivative that was asked for does not exist, or its argument cannot be differentiated.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> ad.grad(lambda x: 2 * x)(np.ones(2))
    Traceback (most recent call last):
    ...
    autodiff.errors.GradientError: grad needs a scalar; the function returned shape (2,). Reduce it...
    """


class ShapeError(AutodiffError, ValueError):
    """The shapes of the operands of an operation do not fit.

    Attributes
    ----------
    path : str
        The path in the model of the layer that raised it; empty outside a model.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> ad.tensor(np.ones((2, 3))) @ np.ones((2, 3))
    Traceback (most recent call last):
    ...
    autodiff.errors.ShapeError: matmul: ...
    """

    path: str = ""

    def within(self, name: str) -> None:
        """Add the layer `name` to the path, which grows from the inside out."""
        if name:
            self.path = f"{name}.{self.path}" if self.path else name

    def __str__(self) -> str:
        text = super().__str__()
        return f"{self.path}: {text}" if self.path else text


class DtypeError(AutodiffError, TypeError):
    """An array of this dtype cannot be used in a computation.

    Examples
    --------
    >>> import autodiff as ad
    >>> ad.tensor([1, 2], requires_grad=True)
    Traceback (most recent call last):
    ...
    autodiff.errors.DtypeError: ...
    """


class DomainError(AutodiffError, ValueError):
    """A value lies outside the domain of the function: a label that is not a class, a singular matrix.

    Examples
    --------
    >>> import autodiff as ad
    >>> ad.integrate(lambda x: 1 / x, 0.0, 1.0)
    Traceback (most recent call last):
    ...
    autodiff.errors.DomainError: integrate: the integral of ...
    """


class MatrixError(DomainError, np.linalg.LinAlgError):
    """The matrix has no inverse, no factorisation or no derivative. It is also a ``LinAlgError`` of NumPy.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> np.linalg.cholesky(ad.tensor(-np.eye(2), requires_grad=True))
    Traceback (most recent call last):
    ...
    autodiff.errors.MatrixError: cholesky: ...
    """


class UntrackedError(AutodiffError, TypeError):
    """A tracked value was about to leave the graph silently, and not through a method such as ``detach``.

    Examples
    --------
    >>> import autodiff as ad
    >>> float(ad.tensor(1.0, requires_grad=True, name="x"))
    Traceback (most recent call last):
    ...
    autodiff.errors.UntrackedError: float() of the tracked tensor 'x' would drop its gradient silently...
    """


class MutationError(AutodiffError, TypeError):
    """A tracked array was about to be changed in place.

    Examples
    --------
    >>> import autodiff as ad
    >>> x = ad.tensor([1.0, 2.0], requires_grad=True)
    >>> x[0] = 3.0
    Traceback (most recent call last):
    ...
    autodiff.errors.MutationError: ...
    """


class StaleError(AutodiffError, RuntimeError):
    """A value that a rule needs was changed after the operation was recorded.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> w = ad.tensor([1.0, 2.0], requires_grad=True)
    >>> y = (w * w).sum()
    >>> _ = w.assign_(np.zeros(2))
    >>> y.backward()
    Traceback (most recent call last):
    ...
    autodiff.errors.StaleError: ...
    """


class AnomalyError(AutodiffError, RuntimeError):
    """`detect_anomaly` found the origin of a NaN or an infinity.

    Attributes
    ----------
    operation : str
        The operation that produced it; empty if it came from outside.
    phase : str
        ``"forward"``, ``"backward"``, or ``"pushforward"`` for the forward sweep of a derivative.
    file, line : str, int
        Where the operation was recorded; ``""`` and 0 if that was before `detect_anomaly` began.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> x = ad.tensor(0.0, requires_grad=True)
    >>> with ad.detect_anomaly():
    ...     np.sqrt(x).backward()
    Traceback (most recent call last):
    ...
    autodiff.errors.AnomalyError: sqrt made inf in the backward pass
      recorded at ...
    """

    operation: str = ""
    phase: str = ""
    file: str = ""
    line: int = 0


class EditedError(AnomalyError, StaleError):
    """An array that a rule needs was changed in place after it was recorded, unseen by the engine.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> values = np.array([1.0, 2.0])
    >>> with ad.detect_anomaly():
    ...     y = (ad.tensor(1.0, requires_grad=True) * values).sum()
    ...     values[0] = 5.0
    ...     y.backward()
    Traceback (most recent call last):
    ...
    autodiff.errors.EditedError: ...
    """


class CompileError(AutodiffError, RuntimeError):
    """A compiled function does something that is not a fixed sequence of NumPy calls, such as a branch on a value.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> ad.compile(lambda x: x if float(x.sum()) > 0 else -x)(np.ones(2))
    Traceback (most recent call last):
    ...
    autodiff.errors.CompileError: compile: float(), or a write into a plain array at ... depends on traced values...
    """


class DeviceError(AutodiffError, RuntimeError):
    """A step failed on its device or on another process, and the values that it was to replace are gone.

    Examples
    --------
    >>> import autodiff as ad
    >>> issubclass(ad.DeviceError, RuntimeError)
    True
    """


class UnsupportedError(AutodiffError, TypeError):
    """NumPy has the function, but the engine has no derivative for it.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> np.strings.isalpha(ad.tensor([1.0, 2.0], requires_grad=True))
    Traceback (most recent call last):
    ...
    autodiff.errors.UnsupportedError: np.isalpha refuses a Tensor: it works on text, and only numbers can be tracked...
    """


class RuleError(AutodiffError, ValueError):
    """A rule returned cotangents or tangents of the wrong count, shape or dtype.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> wrong = ad.primitive(
    ...     lambda x: 2 * x, vjp=[lambda ct, y, x: ct.sum()], jvp=[lambda t, y, x: 2 * t], name="wrong"
    ... )
    >>> ad.grad(lambda x: wrong(x).sum())(np.ones(2))
    Traceback (most recent call last):
    ...
    autodiff.errors.RuleError: ...
    """


class StructureError(AutodiffError, ValueError):
    """Nested containers do not have the same structure, although they should.

    Examples
    --------
    >>> import autodiff as ad
    >>> ad.calculus.riemann_sum(lambda x: x, 0.0, 1.0, 4, "middle")
    Traceback (most recent call last):
    ...
    autodiff.errors.StructureError: ...
    """


class MissingExtraError(AutodiffError, ImportError):
    """An optional package is not installed; the message names the extra that installs it.

    Examples
    --------
    >>> import sys, unittest.mock, numpy as np, autodiff as ad
    >>> with unittest.mock.patch.dict(sys.modules, {"matplotlib": None}):  # as if it were not installed
    ...     ad.plotting.tangent(np.sin, 1.0)
    Traceback (most recent call last):
    ...
    autodiff.errors.MissingExtraError: Plots need Matplotlib: pip install "wengert[plot]".
    """
