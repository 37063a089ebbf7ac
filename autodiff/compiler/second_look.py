"""A program is trusted only after a comparison: the function itself runs as well, from the same state."""

from __future__ import annotations

import itertools
import re
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from autodiff import pytree
from autodiff.arrays.tensors import Tensor
from autodiff.compiler.program import Program
from autodiff.compiler.state import State, same_bits
from autodiff.compiler.values import Op, Value
from autodiff.errors import AutodiffError


class Differs(Exception):  # noqa: N818 - it never reaches the user: `Compiled` catches it
    """The program does something other than the function.

    Attributes
    ----------
    what : str
        What differs.
    state : State
        The state before the call.
    """

    def __init__(self, what: str, state: State) -> None:
        super().__init__(what)
        self.what, self.state = what, state


def compared(run: Callable[[], Any], missed: Any, f: Callable[[], Any], state: State, agrees_to: float = 0.0) -> Any:
    """The answer of a program, after the function has given the same answer.

    Parameters
    ----------
    run : callable
        Runs the program on the arguments of this call; returns `missed` if it was not written for them.
    missed : object
    f : callable
        Runs the function itself on the same arguments.
    state : State
        The state of everything that either of them changes, taken before.
    agrees_to : float, default 0.0
        The largest difference allowed, relative to the largest entry of a result, beside a few roundings of 1. At 0
        every bit must agree, also in the state. A function that chooses nodes or steps by values, such as `integrate`,
        may now choose other ones than its program has.

    Raises
    ------
    Differs
        If results, gradients or state are not the same to the last bit.
    """
    failure: Exception | None = None
    got: Any = None
    with _silent():
        try:
            got = run()
        except Exception as error:  # if the arguments are wrong, the function raises its own error below
            failure = error
    if isinstance(failure, AutodiffError) and failure.of_another_call:
        state.restore()
        return missed
    if got is missed:
        return missed
    reached = state.digests()
    state.restore()
    right = f()  # if it raises, its exception is the answer
    if failure is not None:
        raise Differs(f"the program raises {type(failure).__name__} ({failure})", state) from failure
    now = state.digests()
    what = _difference(got, right, agrees_to)
    if not what and not agrees_to:
        what = next((f"a difference in {k}" for k in now if now[k] != reached.get(k, now[k])), "")
    if what:
        raise Differs(what, state)
    state.settle()
    return got


@contextmanager
def _silent() -> Iterator[None]:
    """Silence NumPy's warnings in the program: the function, which runs after it, gives them once."""
    warned = {k: "ignore" for k, v in np.geterr().items() if v in ("warn", "print", "log", "call")}
    with np.errstate(**warned):  # type: ignore[arg-type]  # the keywords are those of geterr()
        yield


def _difference(got: Any, right: Any, agrees_to: float) -> str:
    """The first difference between two answers, in words; empty if there is none."""
    gots, structure = pytree.flatten(got)
    rights, expected = pytree.flatten(right)
    if structure != expected:
        return "an answer of another structure"
    for i, (a, b) in enumerate(zip(gots, rights)):
        which = f"result {i}" if len(gots) > 1 else "the result"
        a, b = (x._data if isinstance(x, Tensor) else x for x in (a, b))
        if isinstance(b, (np.ndarray, np.generic)):
            if not isinstance(a, (np.ndarray, np.generic)):
                return f"{which} is a {type(a).__name__}, not a {type(b).__name__}"
            if np.shape(a) != np.shape(b) or a.dtype != b.dtype:
                return f"{which} is {a.dtype}{list(np.shape(a))}, not {b.dtype}{list(b.shape)}"
            if not (_close(a, b, agrees_to) if agrees_to else same_bits(a, b)):
                return f"{which} has other numbers: {_shown(a)}, not {_shown(b)}"
        elif a is not b and not (isinstance(a, type(b)) and repr(type(b)(a) if isinstance(b, float) else a) == repr(b)):
            return f"{which} is {a!r}, not {b!r}"  # np.float64 is accepted in place of float
    return ""


def _close(a: Any, b: Any, part: float) -> bool:
    """Whether two arrays agree to a fraction of the largest finite magnitude in `b`, and where they are not finite.

    A difference of a few roundings of 1 is none: that is all that is in a sum whose terms cancel.
    """
    size = np.max(np.abs(b), initial=0.0, where=np.isfinite(b))
    rounding = 16 * float(np.finfo(b.dtype).eps) if b.dtype.kind in "fc" else 0.0
    return bool(np.allclose(a, b, rtol=0, atol=part * size + rounding, equal_nan=True))


def _shown(x: Any) -> str:
    return np.array2string(np.asarray(x), threshold=6, edgeitems=2, separator=", ", floatmode="unique").replace(
        "\n", ""
    )


# --- the first line that differs ------------------------------------------------------------------


def first_line(source: str, now: str, constants: dict[str, Any], constants_now: dict[str, Any]) -> str:
    """The first line of a program that would be different if it were written now; empty if there is none.

    Parameters
    ----------
    source, now : str
        The source of the program, and of the function traced anew.
    constants, constants_now : dict of str to object
        The namespaces of both.
    """
    for line, other in itertools.zip_longest(_lines(source), _lines(now), fillvalue=(0, "the end")):
        if line[1] != other[1]:
            return f"line {line[0]}: {line[1]}; it would now be: {other[1]}"
    for number, text in _lines(source):
        for name in re.findall(r"[A-Za-z_]\w*", text):
            a, b = constants.get(name), constants_now.get(name)
            if isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and name[0] != "b" and not same_bits(a, b):
                return f"line {number}: {text}; {name}, fixed when it was written, is another array now"
    return ""


def _lines(source: str) -> list[tuple[int, str]]:
    """The lines after the guard, with their numbers."""
    numbered = [(i, line.strip()) for i, line in enumerate(source.splitlines(), 1) if not line.lstrip().startswith("#")]
    start = next((k for k, (_, line) in enumerate(numbered) if line.startswith("return another_call")), 0)
    return numbered[start + 1 :]


def first_wrong(
    run: Callable[[], Any], names: dict[Any, str], program: Program, inputs: dict[Value, Any], source: str
) -> str:
    """The first line whose result differs from its operation run alone in fresh memory; empty if there is none.

    Parameters
    ----------
    run : callable
        Runs the program on the arguments of the call.
    names : dict of Value to str
        The names of its values in the source.
    program : Program
    inputs : dict of Value to array
        Arguments, states and gradients.
    source : str
    """
    seen = _watched(run, set(names.values()))
    known = dict(inputs)
    for op in program.ops:
        try:
            parts = [seen[names[v]] for v in op.outputs] if op.form in _NOT_COMPUTED else _computed(op, known)
        except LookupError:  # a value that has no line of its own
            continue
        for v, part in zip(op.outputs, parts):
            known[v] = part  # not copied, so that its strides are kept: sums add in the order of memory
            if names.get(v) in seen and not same_bits(seen[names[v]], known[v]):
                return _line_of(source, names[v])
    return ""


_NOT_COMPUTED = ("store", "assign", "effect", "check", "live", "blocks")


def _line_of(source: str, name: str) -> str:
    for number, line in enumerate(source.splitlines(), 1):
        if line.strip().split(" = ")[0].split(", ")[0] == name:
            return f"line {number}: {line.strip()}"
    return ""


def _watched(run: Callable[[], Any], wanted: set[str]) -> dict[str, Any]:
    """The values of a program's variables, each taken after the line that sets it."""
    found: dict[str, Any] = {}
    before = sys.gettrace()

    def inside(frame: types.FrameType, event: str, _: Any) -> Any:
        for name, value in frame.f_locals.items():
            if name in wanted and name not in found and isinstance(value, (np.ndarray, np.generic)):
                found[name] = np.array(value)
        return inside

    def enters(frame: types.FrameType, event: str, _: Any) -> Any:
        return inside if frame.f_code.co_filename.startswith("<compiled") else None

    sys.settrace(enters)
    try:
        run()
    except Exception:  # the values computed until then are enough
        pass
    finally:
        sys.settrace(before)
    return found


def _computed(op: Op, known: dict[Value, Any]) -> list[Any]:
    """The results of an operation."""

    def value(v: Value) -> Any:
        return v.payload if v.kind in ("constant", "made") else known[v]

    y = op.result(value)
    return list(y) if isinstance(y, (tuple, list)) else [y]
