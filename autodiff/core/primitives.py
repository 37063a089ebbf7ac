"""Primitives: a function together with its derivative rules, and which of them run for NumPy's functions.

A primitive is data and does not know Tensors. Called with plain arrays, it runs its function. Called
with an object that has ``__autodiff_apply__``, it passes itself to that method. So rules, which are
plain NumPy, may call primitives, and no module below the Tensor has to import it.

Everything common to all rules (un-broadcasting, dtypes, accumulation, masks) is done by the sweeps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakSet

import numpy as np

from autodiff.errors import RuleError

Rule = Callable[..., Any]

T = TypeVar("T")

ELEMENTWISE, LINEAR, MULTILINEAR, GENERAL = "elementwise", "linear", "multilinear", "general"

MASKING = 1
"""Flag: the primitive blocks the flow through some entries (``where``, ``max``, a gather...)."""
SINGULAR = 2
"""Flag: somewhere the slope is infinite or undefined (``sqrt``, ``log``, a quotient...)."""

OVERFLOWING = 8
"""Flag: the slope is finite over the whole domain, but it may overflow, or an operand that is not finite spoils it.

This holds for most functions: a product, a power, a sine. Two kinds of primitives lack the flag. The slope of a sum or
an identity is finite whatever the operands are. In a product that adds up (``matmul``) a value that is not finite
reaches entries that are alive, so a mask does not help.
"""

GUARDING = 4
"""Flag: both masking and singular, as ``where``, which users call to keep out non-finite values of any operation."""

NUMPY_PRIMITIVES: dict[Callable[..., Any], Primitive] = {}
"""The primitive that runs when a NumPy function is called on a Tensor."""

NUMPY_FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}
"""Called in place of a NumPy function: brings the arguments to canonical form, then calls a primitive."""

NUMPY_CONSTANTS: set[Callable[..., Any]] = set()
"""NumPy functions without a gradient by nature: they run on the plain arrays."""

OTHER_UFUNCS: dict[Callable[..., Any], str] = {}
"""The ufuncs of other libraries that take Tensors, by their full names, as ``"scipy.special.jv"``."""

OTHER_FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}
"""Called in place of such a ufunc; one that has no entry here is constant."""

MADE: WeakSet[Primitive] = WeakSet()
"""All primitives that exist, including those of users."""


def implements(*functions: Callable[..., Any]) -> Callable[[Rule], Rule]:
    """Decorator: call this function in place of the given NumPy functions when a Tensor is among the arguments."""

    def register(border: Rule) -> Rule:
        for f in functions:
            NUMPY_FUNCTIONS[f] = border
        return border

    return register


def full_name(function: Callable[..., Any]) -> str:
    """What a message calls a function of NumPy or of another library."""
    return OTHER_UFUNCS.get(function) or f"np.{getattr(function, '__name__', function)}"


def pass_on(t: T, *_: Any) -> T:
    """The rule with slope 1. The sweep recognises it and skips the call: it is half of all rules in small graphs."""
    return t


class Primitive:
    """A function of arrays and its derivative rules.

    Use `elementwise`, `linear`, `multilinear` or `primitive` to make one, not this class.

    Attributes
    ----------
    name : str
        Shown in graphs and messages.
    fn : callable
        The function of plain arrays. Arrays are positional arguments, metadata are keywords.
    kind : str
        One of ``"elementwise"``, ``"linear"``, ``"multilinear"``, ``"general"``.
    pulls : tuple of (callable or None), or None
        The reverse rule of each operand. If it is None, `joint_pull` is the rule for all operands.
    pushes : tuple of (callable or None), or None
        The forward rule of each operand. If it is None, `joint_push` is the rule for all operands.
    takes_output : bool
        Whether rules take the output ``y`` after the cotangent or tangent.
    reads : bool
        Whether the rules need the values of the operands, not only their shapes and dtypes.
    flags : int
        Sum of `MASKING`, `SINGULAR`, `OVERFLOWING` and `GUARDING`.
    live : tuple of (callable or None)
        For a masking primitive and each operand, ``(y, *xs, **keywords) -> bool array``: the entries
        (of the output if elementwise, otherwise of the operand) through which anything flows.
    passes_mask : bool
        Whether a mask passes through the rules: they are applied to an array with 1 in the live entries.
    mask_pull, mask_push : callable or None
        A general primitive's own rules for masks.
    symbolic_zeros : bool
        Whether the rules take None as the cotangent of an output on which nothing depends.
    sees_masks : bool
        Whether the reverse rules take ``live=``, the mask of the cotangent (a tuple for several outputs), if there is
        one. Some rules need it to replace a blocked entry before it is multiplied by an infinite slope.
    direct : tuple of callables, or None
        For speed only: for each operand ``(out, ct, *xs) -> ct_x``, the same numbers as the reverse rule on plain
        arrays, written into `out` unless that is None. Tests compare it with the rule.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> square = ad.elementwise(lambda x: x * x, lambda t, y, x: t * 2 * x, name="square")
    >>> square.name, float(ad.grad(square)(3.0))
    ('square', 6.0)
    """

    def __init__(self, name: str, fn: Callable[..., Any], kind: str) -> None:
        self.name = self.__name__ = name
        self.fn = self.__wrapped__ = fn
        self.kind = kind
        self.__doc__ = fn.__doc__
        self.pulls: tuple[Rule | None, ...] | None = ()
        self.pushes: tuple[Rule | None, ...] | None = ()
        self.joint_pull: Rule | None = None
        self.joint_push: Rule | None = None
        self.takes_output = True
        self.reads = True
        self.flags = 0
        self.live: tuple[Rule | None, ...] = ()
        self.passes_mask = False
        self.mask_pull: Rule | None = None
        self.mask_push: Rule | None = None
        self.symbolic_zeros = False
        self.sees_masks = False
        self.direct: tuple[Rule, ...] | None = None
        MADE.add(self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        for a in args:
            if type(a) is not np.ndarray:
                apply = getattr(type(a), "__autodiff_apply__", None)
                if apply is not None:
                    return apply(self, args, kwargs)
        return self.fn(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<{self.kind} primitive {self.name}>"

    def __copy__(self) -> Primitive:
        return self

    def __deepcopy__(self, memo: Any) -> Primitive:
        return self

    def has_rule(self, index: int) -> bool:
        """Whether operand `index` can receive a cotangent at all."""
        return self.pulls is None or (index < len(self.pulls) and self.pulls[index] is not None)


# --- the four ways to write one -------------------------------------------------------------------


def register(p: Primitive) -> Primitive:
    """Let a primitive run where its function, if it is NumPy's, is called on a Tensor; returns the primitive."""
    fn = p.fn
    if not callable(fn):
        raise RuleError(f"a primitive is made from a function of arrays, fn; {fn!r} was given.")
    if isinstance(fn, np.ufunc) or getattr(fn, "__module__", None) in ("numpy", "numpy.linalg", "numpy.fft"):
        if fn in NUMPY_PRIMITIVES:
            name = full_name(fn)  # NumPy's name, not p.name
            raise RuleError(f"{name} already has its rules. To give it your own, wrap it: lambda *xs: {name}(*xs).")
        NUMPY_PRIMITIVES[fn] = p
    return p
