"""The record of a trace: each NumPy call on traced arrays, made for real and noted as an operation."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

import numpy as np

from autodiff.compiler.tracer import ANEW, Tracer, dtype_of, plain
from autodiff.compiler.values import OPERATORS, ROUNDED, Form, Op, Value
from autodiff.core import switches
from autodiff.core.primitives import Primitive
from autodiff.errors import CompileError
from autodiff.watchers.places import Place, place_of, users_frame

R = TypeVar("R")
_SPECIAL_POWERS = (-1, 0, 0.5, 1, 2)
"""Exponents for which ``**`` on an array calls a function other than ``np.power``."""
_FLOATS = (np.dtype(np.float64), np.dtype(np.float32))
_REAL_OR_COMPLEX = frozenset(("real_eig", "eig", "eigvals"))
"""Primitives whose result is real or complex, depending on values."""


@contextmanager
def untraced() -> Iterator[None]:
    """A block in which nothing is recorded."""
    before = switches.set_tracer(None)
    try:
        yield
    finally:
        switches.set_tracer(before)


class Trace:
    """The operations recorded so far."""

    def __init__(self) -> None:
        self.ops: list[Op] = []
        self.errors = np.geterr()
        self.constants: dict[int, Value] = {}
        self.kept: list[Any] = []
        self.shared: set[Value] = set()  # values that share memory with another value
        self.views: set[Value] = set()  # results that do not own their memory
        self.rule = ""
        self.refusal: CompileError | None = None  # the first; it counts even if the function catches it and goes on
        self.has_swept = False  # whether gradients have arrived in leaves
        self.operands: dict[Value, Any] | None = None  # the values read, while a backward pass is being traced
        # The user's line of each operation, and what Python computes with numbers, if somebody wants to know.
        self.places: dict[Op, Place] | None = None
        self.numbers: list[Any] | None = None

    # --- values ---

    def value_of(self, x: Any) -> Any:
        """The record's stand-in for an operand; a number stands for itself."""
        if isinstance(x, Tracer):
            if self.operands is not None:
                self.operands[x._var] = x._value
            return x._var
        if isinstance(x, np.ndarray):
            known = self.constants.get(id(x))
            if known is None:
                if type(x) is not np.ndarray:
                    raise self.unknown(type(x), "an array that the function reads")
                known = self.constants[id(x)] = Value("constant", x.shape, x.dtype, x, strides=x.strides)
                self.kept.append(x)  # so that its id is not reused
            return known
        if isinstance(x, (tuple, list)):
            return type(x)(map(self.value_of, x)) if type(x) in (tuple, list) else x
        if isinstance(x, slice):
            if any(isinstance(v, Tracer) for v in (x.start, x.stop, x.step)):
                raise self.refused("a slice whose ends are computed", "The shape of its result would depend on values.")
            return x
        return x

    def tracer(self, value: Any, var: Value) -> Tracer:
        """A Tracer for a value of the record, which also notes its strides and whether it is a NumPy scalar."""
        var.strides, var.number = value.strides, isinstance(value, np.generic)
        return Tracer(self, value, var)

    def refused(self, what: str, instead: str) -> CompileError:
        """The error about something that a record cannot hold."""
        frame = users_frame()
        inside = f"the derivative of {self.rule}" if self.rule else _asked_by(frame)
        if inside:
            return switches.refusal(
                f"compile: {inside}, needed at {place_of(frame)}, does something that depends on traced values "
                f"({what}), so a program would always do what the values of this first call decide. Do it outside the "
                f"compiled function, or with other functions."
            )
        return switches.refusal(
            f"compile: {what} at {place_of(frame)} depends on traced values, so a program would always do what the "
            f"values of this first call decide. {instead}"
        )

    def unknown(self, kind: type, what: str) -> CompileError:
        """The error about a subclass of ndarray, whose methods and operators may do anything."""
        return CompileError(
            f"compile: {what} at {place_of(users_frame())} is a {kind.__module__}.{kind.__qualname__}; a program "
            "computes with plain NumPy arrays. Pass np.asarray(x), and use functions that return plain arrays."
        )

    # --- recording ---

    def record(
        self, form: Form, function: Any, call: Callable[..., Any], args: Sequence[Any], keywords: dict[str, Any]
    ) -> Any:
        """Make a call and record it.

        Whether a result shares memory with an operand is asked of the arrays themselves. The operands are passed as
        read-only views, so a function that writes into one raises at once.
        """
        name = getattr(function, "__name__", function)
        try:
            y = call(*plain(tuple(args)), **plain(keywords))
        except ValueError as error:
            if "read-only" in str(error) if form == "live" else _succeeds(call, args, keywords):
                raise self.refused(f"{name} with an array to write into", ANEW) from None
            raise
        recorded_args = tuple(self.value_of(a) for a in args)
        recorded_keywords = {k: self.value_of(v) for k, v in keywords.items()}
        single = not isinstance(y, (tuple, list))
        parts = [y] if single else list(y)
        operands = list(self.arrays_in((*args, *keywords.values())))
        made: list[Any] = []
        outputs: list[Value] = []
        shares: list[tuple[Value, ...]] = []
        for p in parts:
            if not isinstance(p, (np.ndarray, np.generic)):
                raise self.refused(f"{name}", "Its result is not an array.")
            if isinstance(p, np.ndarray) and type(p) is not np.ndarray:
                raise self.unknown(type(p), f"the result of {name}")
            of: tuple[Value, ...] = ()
            owner = None
            if isinstance(p, np.ndarray) and form != "live":
                owner = next((known for known, array, _ in operands if array is p and known is not None), None)
                of = () if owner is None and p.base is None else self.shared_by(p, operands)
            number = isinstance(p, np.generic)
            outputs.append(Value("result", p.shape, p.dtype, strides=p.strides, number=number))
            shares.append(of)
            if getattr(p, "base", None) is not None:
                self.views.add(outputs[-1])
            made.append(Tracer(self, p, outputs[-1]) if owner is None else owner)
        if not all(m._var not in outputs for m in made):  # otherwise it only returns its operands
            errors = np.geterr()
            quiet = errors if errors != self.errors else None
            self.shared.update(v for out, of in zip(outputs, shares) if of for v in (out, *of))
            op = Op(form, function, recorded_args, recorded_keywords, outputs, switches.open_scopes(), self.rule, quiet)
            op.listed = not single
            op.shares = tuple(shares) if any(shares) else ()
            self.ops.append(op)
            if self.places is not None:
                self.places[op] = place_of(users_frame())
        if single:
            return made[0]
        return y._make(made) if hasattr(y, "_make") else type(y)(made)

    def arrays_in(self, tree: Any) -> Iterator[tuple[Tracer | None, Any, Value]]:
        """For each array among the operands: its Tracer, if it has one, the array, and its value in the record."""
        if isinstance(tree, Tracer):
            yield tree, tree._value, tree._var
        elif isinstance(tree, np.ndarray):
            yield None, tree, self.value_of(tree)
        elif isinstance(tree, (tuple, list)):
            for part in tree:
                yield from self.arrays_in(part)

    @staticmethod
    def shared_by(p: Any, operands: Sequence[tuple[Any, Any, Value]]) -> tuple[Value, ...]:
        """The operands with which an array may share memory, judged by memory bounds."""
        return tuple(dict.fromkeys(v for _, array, v in operands if np.may_share_memory(p, array)))

    def operator(self, ufunc: np.ufunc, args: tuple[Any, ...]) -> Any:
        """Apply a Python operator to operands and record it as the ufunc where both give the same bits.

        They may not: for single numbers NumPy has other loops, in which powers and complex products differ by a bit,
        and for arrays ``**`` calls another function for a few exponents.
        """
        values = plain(args)
        call = OPERATORS[ufunc][1]
        if not any(map(np.ndim, values)):
            types = [getattr(v, "dtype", None) for v in values]
            real = all(t is None or t.kind in "fb" for t in types) and not any(isinstance(v, complex) for v in values)
            same = (real and ufunc in ROUNDED and any(t in _FLOATS for t in types)) or all(
                t is not None and t.kind == "b" for t in types
            )
        elif ufunc is np.power:
            base, exponent = values
            if exponent.__class__ in (int, float) and exponent == 2 and base.dtype.kind == "f":
                return self.record("ufunc", np.square, np.square, args[:1], {})
            same = bool(np.ndim(exponent)) or (not isinstance(args[1], Tracer) and exponent not in _SPECIAL_POWERS)
        else:
            same = True
        return self.record("ufunc" if same else "operator", ufunc, call, args, {})

    def effect(self, form: Form, function: Any, args: Sequence[Any] = ()) -> None:
        """Record a side effect, which the caller has already carried out."""
        self.ops.append(
            Op(form, function, tuple(self.value_of(a) for a in args), {}, [], switches.open_scopes(), self.rule)
        )
        if self.places is not None:
            self.places[self.ops[-1]] = place_of(users_frame())

    def look(self, function: Callable[..., object], args: Sequence[Any]) -> None:
        """Let a function check the values of this call, and record it, so that every later call checks its own."""
        with untraced():
            function(*map(plain, args))
        self.effect("check", function, args)

    def whole(self, function: Callable[..., Any], args: Sequence[Any]) -> Any:
        """Record a function that looks at values as one operation, which every call runs as a whole."""
        if not any(isinstance(a, Tracer) for a in args):
            return function(*args)
        return self.record("opaque", function, function, args, {})

    @property
    def can_decide(self) -> bool:
        """Whether a call may still be abandoned and start again.

        It may not after a random draw or an update, which cannot be undone, nor in a backward pass.
        """
        return self.operands is None and not any(op.form in ("live", "effect") for op in self.ops)

    def decide(self, function: Callable[..., R], args: Sequence[Any]) -> R:
        """The answer of `function` for the values of this call. A call with another answer needs another trace."""
        with untraced():
            answer = function(*map(plain, args))
        if any(isinstance(a, Tracer) for a in args):
            if not self.can_decide:
                raise self.refused(
                    "a choice by values after a random draw or an update",
                    "Do it before, or outside the compiled function.",
                )
            self.effect("check", Decision(function, answer), args)
        return answer

    def run(self, primitive: Primitive, args: Sequence[Any], keywords: dict[str, Any]) -> Any:
        """Run the function of a primitive. Its NumPy calls are recorded one by one, or as a whole if it uses values."""
        if not any(isinstance(a, Tracer) for a in args):
            return primitive.fn(*args, **keywords)
        if isinstance(primitive.fn, np.ufunc) and not keywords:
            return self.record("ufunc", primitive.fn, primitive.fn, args, keywords)
        mark, refusal = len(self.ops), self.refusal
        try:
            y = primitive.fn(*args, **keywords)
            if all(isinstance(part, Tracer) for part in (y if isinstance(y, (tuple, list)) else (y,))):
                return y
            del self.ops[mark:]  # the result does not come from recorded calls, so it was written into an array
        except Exception:  # a refusal, perhaps wrapped by NumPy; an error of the function's own is raised again below
            del self.ops[mark:]
        self.refusal = refusal
        y = self.record("opaque", primitive, primitive.fn, args, keywords)
        if primitive.name in _REAL_OR_COMPLEX:
            self.decide(dtype_of, (y[0] if isinstance(y, tuple) else y,))
        return y


class Diverged(Exception):  # noqa: N818 - not an error: it asks for another trace
    """The values of a call need another program than this one. Nothing has been changed yet."""


class Decision:
    """A check of values that stops a program if it was not written for such values.

    Attributes
    ----------
    function : callable
        Looks at the values.
    answer : object
        Its answer when the program was written.
    """

    def __init__(self, function: Callable[..., Any], answer: Any) -> None:
        self.function, self.answer = function, answer
        self.__name__ = "same_decision"

    def __call__(self, *args: Any) -> None:
        if self.function(*args) != self.answer:
            raise Diverged


def _succeeds(call: Callable[..., Any], args: Sequence[Any], keywords: dict[str, Any]) -> bool:
    """Whether a call that has failed succeeds with copies of its arrays, which are writable."""

    def copied(tree: Any) -> Any:
        if isinstance(tree, (tuple, list)):
            return type(tree)(map(copied, tree)) if type(tree) in (tuple, list) else tree
        return tree.copy() if type(tree) is np.ndarray else tree

    try:
        call(*copied(plain(tuple(args))), **{k: copied(plain(v)) for k, v in keywords.items()})
    except Exception:  # the failure has another reason than writing
        return False
    return True


_DIRECT = ("/tensors.py", "/methods.py", "/copying.py", "/messages.py")
"""Files in which a Tensor directly does what the user's line says."""


def _asked_by(user: FrameType) -> str:
    """The library function, called from the user's line, that does what cannot be traced; empty for the line itself."""
    frame: FrameType | None = sys._getframe(1)
    name = ""
    while frame is not None and frame is not user:
        file, owner = frame.f_code.co_filename, frame.f_globals.get("__name__", "")
        inner = owner.startswith("autodiff.compiler") or owner.partition(".")[0] == "numpy" or file.endswith(_DIRECT)
        if not inner and not frame.f_code.co_name.startswith(("_", "<")):
            name = frame.f_code.co_qualname
        frame = frame.f_back
    return name
