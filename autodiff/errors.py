"""The exceptions of the engine.

Each says what was given, what was expected and how to mend it. Each also inherits the builtin
exception that NumPy or Python would raise in its place, so that existing ``except`` clauses work::

    Exception
    └── AutodiffError
        ├── GradientError (TypeError)       a derivative was asked for that does not exist
        ├── ShapeError (ValueError)         operands do not fit each other
        ├── DtypeError (TypeError)          an array of this dtype cannot take part
        ├── DomainError (ValueError)        a value lies outside of what the function is defined for
        │   └── MatrixError (LinAlgError)   a matrix has no inverse, no factor, no derivative
        ├── UntrackedError (TypeError)      a tracked value would leave the graph silently
        ├── MutationError (TypeError)       a tracked array would be written in place
        ├── StaleError (RuntimeError)       a value that a rule needs was changed after it was recorded
        ├── AnomalyError (RuntimeError)     `detect_anomaly` found what made a NaN or an infinity
        │   └── EditedError (StaleError)    or an array that was edited in place, unseen by the engine
        ├── CompileError (RuntimeError)     a function does what a compiled program cannot
        ├── UnsupportedError (TypeError)    NumPy has it, the engine has no rule for it
        ├── RuleError (ValueError)          a rule returned something of the wrong count, shape or dtype
        ├── MissingExtraError (ImportError) an optional package is needed that is not installed
        └── StructureError (ValueError)     nested containers that should match do not
"""

from __future__ import annotations

import numpy as np


class AutodiffError(Exception):
    """Base of every exception the engine raises on purpose.

    Attributes
    ----------
    of_another_call : bool
        Whether a compiled program raises it because it was written for other values: where nothing has been changed
        yet, the function is traced anew instead.
    """

    of_another_call = False


class GradientError(AutodiffError, TypeError):
    """A derivative was asked for that does not exist, or of something that has none."""


class ShapeError(AutodiffError, ValueError):
    """The operands of an operation do not fit each other.

    Attributes
    ----------
    path : str
        The layer in which it happened, as its path in the model; empty outside of a model.
    """

    path: str = ""

    def within(self, name: str) -> None:
        """Note that it happened inside the layer `name`: the path grows from the inside out."""
        if name:
            self.path = f"{name}.{self.path}" if self.path else name

    def __str__(self) -> str:
        text = super().__str__()
        return f"{self.path}: {text}" if self.path else text


class DtypeError(AutodiffError, TypeError):
    """An array of this dtype cannot take part in a computation."""


class DomainError(AutodiffError, ValueError):
    """A value lies outside of what the function is defined for: a label that is no class, a singular matrix."""


class MatrixError(DomainError, np.linalg.LinAlgError):
    """The matrix has no inverse, no factor, no derivative. Also NumPy's ``LinAlgError``."""


class UntrackedError(AutodiffError, TypeError):
    """A tracked value was about to leave the graph without being asked to by name."""


class MutationError(AutodiffError, TypeError):
    """A tracked array was about to be written in place."""


class StaleError(AutodiffError, RuntimeError):
    """A value that a rule needs was changed after the operation was recorded."""


class AnomalyError(AutodiffError, RuntimeError):
    """`detect_anomaly` found what made a NaN or an infinity.

    Attributes
    ----------
    operation : str
        The operation that made it; empty if it came from outside.
    phase : str
        ``"forward"``, ``"backward"``, or ``"pushforward"`` for the forward sweep of a derivative.
    file, line : str, int
        Where the operation was recorded; ``""`` and 0 if it was recorded before the watch began.
    """

    operation: str = ""
    phase: str = ""
    file: str = ""
    line: int = 0


class EditedError(AnomalyError, StaleError):
    """An array that a rule needs was edited in place after it was recorded, unseen by the engine."""


class CompileError(AutodiffError, RuntimeError):
    """A function that is compiled does what a straight line of NumPy calls cannot hold: a branch on a value."""


class UnsupportedError(AutodiffError, TypeError):
    """NumPy has the function, the engine has no derivative for it."""


class RuleError(AutodiffError, ValueError):
    """A rule returned cotangents or tangents of the wrong count, shape or dtype."""


class StructureError(AutodiffError, ValueError):
    """Nested containers that should have the same structure do not."""


class MissingExtraError(AutodiffError, ImportError):
    """An optional package is needed that is not installed; the message names the extra that brings it."""
