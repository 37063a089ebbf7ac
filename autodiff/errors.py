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
    """

    of_another_call = False


class GradientError(AutodiffError, TypeError):
    """The derivative that was asked for does not exist, or its argument cannot be differentiated."""


class ShapeError(AutodiffError, ValueError):
    """The shapes of the operands of an operation do not fit.

    Attributes
    ----------
    path : str
        The path in the model of the layer that raised it; empty outside a model.
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
    """An array of this dtype cannot be used in a computation."""


class DomainError(AutodiffError, ValueError):
    """A value lies outside the domain of the function: a label that is not a class, a singular matrix."""


class MatrixError(DomainError, np.linalg.LinAlgError):
    """The matrix has no inverse, no factorisation or no derivative. It is also a ``LinAlgError`` of NumPy."""


class UntrackedError(AutodiffError, TypeError):
    """A tracked value was about to leave the graph silently, and not through a method such as ``detach``."""


class MutationError(AutodiffError, TypeError):
    """A tracked array was about to be changed in place."""


class StaleError(AutodiffError, RuntimeError):
    """A value that a rule needs was changed after the operation was recorded."""


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
    """

    operation: str = ""
    phase: str = ""
    file: str = ""
    line: int = 0


class EditedError(AnomalyError, StaleError):
    """An array that a rule needs was changed in place after it was recorded, unseen by the engine."""


class CompileError(AutodiffError, RuntimeError):
    """A compiled function does something that is not a fixed sequence of NumPy calls, such as a branch on a value."""


class UnsupportedError(AutodiffError, TypeError):
    """NumPy has the function, but the engine has no derivative for it."""


class RuleError(AutodiffError, ValueError):
    """A rule returned cotangents or tangents of the wrong count, shape or dtype."""


class StructureError(AutodiffError, ValueError):
    """Nested containers do not have the same structure, although they should."""


class MissingExtraError(AutodiffError, ImportError):
    """An optional package is not installed; the message names the extra that installs it."""
