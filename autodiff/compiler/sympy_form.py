"""A recorded program as SymPy's expressions: its operations run once more, on arrays of symbols.

NumPy's functions that move entries, or add and multiply them, do so with objects too. What remains is a table: for each
ufunc the function of SymPy.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from autodiff import pytree
from autodiff.compiler.passes import PASSES
from autodiff.compiler.tracing import trace
from autodiff.compiler.values import EFFECTS, Op, Value, mapped
from autodiff.core.primitives import Primitive
from autodiff.errors import MissingExtraError, UnsupportedError


def _words(names: str) -> frozenset[str]:
    return frozenset(names.split())


_POINT = (0.6, 0.7, 0.8)
"""Where a function is recorded if no point is given: inside of most domains, and no two alike."""
_SAME_NAME = _words("sin cos tan sinh cosh tanh exp log sqrt cbrt sign floor erf erfc gamma digamma zeta beta betainc")
_RENAMED = {
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "absolute": "Abs",
    "fabs": "Abs",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "ceil": "ceiling",
    "maximum": "Max",
    "minimum": "Min",
    "gammaln": "loggamma",
    "loggamma": "loggamma",
    "psi": "digamma",
    "jv": "besselj",
    "yv": "bessely",
    "iv": "besseli",
    "kv": "besselk",
    "expi": "Ei",
    "conjugate": "conjugate",
    "heaviside": "Heaviside",
    "greater": "Gt",
    "greater_equal": "Ge",
    "less": "Lt",
    "less_equal": "Le",
    "equal": "Eq",
    "not_equal": "Ne",
}
_MOVING = _words(
    "stack concatenate vstack hstack reshape transpose swapaxes moveaxis expand_dims squeeze broadcast_to ravel flip "
    "roll diagonal trace sum prod mean dot matmul inner outer tensordot einsum cumsum cumprod diff index_add tril triu "
    "diag repeat tile"
)
"""Functions that NumPy computes on objects as on numbers."""


def _sympy() -> Any:
    try:
        import sympy
    except ImportError as error:
        raise MissingExtraError("to_sympy needs SymPy: pip install 'wengert[sympy]'.") from error
    return sympy


def exact(v: Any, sympy: Any) -> Any:
    """A number as SymPy's: a short fraction, also of pi, if it is one to the last bit; else a Float."""
    if isinstance(v, (bool, np.bool_)):
        return sympy.true if v else sympy.false
    if isinstance(v, (int, np.integer)):
        return sympy.Integer(int(v))
    if isinstance(v, (complex, np.complexfloating)):
        return exact(float(v.real), sympy) + sympy.I * exact(float(v.imag), sympy)
    if not isinstance(v, (float, np.floating)):
        return v
    x = float(v)
    if not math.isfinite(x):
        return sympy.nan if math.isnan(x) else sympy.oo if x > 0 else -sympy.oo
    for unit, symbol in ((1.0, sympy.Integer(1)), (math.pi, sympy.pi)):
        near = Fraction(x / unit).limit_denominator(1000)
        if near and float(near) * unit == x:
            return sympy.Rational(near.numerator, near.denominator) * symbol
    return sympy.Integer(0) if x == 0 else sympy.Float(x, 17)


@functools.cache
def functions() -> dict[str, Callable[..., Any]]:
    """For the name of each ufunc or primitive its function of SymPy's expressions."""
    sympy = _sympy()
    one, boolean = sympy.Integer(1), sympy.logic.boolalg.Boolean

    def says(x: Any) -> bool:  # a symbol is both an expression and a Boolean
        return isinstance(x, boolean) and not isinstance(x, sympy.Expr)

    def number(x: Any) -> Any:
        return sympy.Piecewise((1, x), (0, True)) if says(x) else x

    def chosen(c: Any, a: Any, b: Any) -> Any:
        return sympy.Piecewise((number(a), c if says(c) else sympy.Ne(c, 0)), (number(b), True))

    def both(symbolic: Any, integer: Any) -> Callable[..., Any]:
        return lambda *xs: symbolic(*xs) if all(map(says, xs)) else integer(*xs)

    own: dict[str, Callable[..., Any]] = {
        "add": lambda a, b: a + b,
        "subtract": lambda a, b: a - b,
        "multiply": lambda a, b: a * b,
        "divide": lambda a, b: a / b,
        "negative": lambda a: -a,
        "positive": lambda a: a,
        "reciprocal": lambda a: one / a,
        "square": lambda a: a**2,
        "power": lambda a, b: a**b,
        "float_power": lambda a, b: a**b,
        "remainder": sympy.Mod,
        "floor_divide": lambda a, b: sympy.floor(a / b),
        "trunc": lambda a: sympy.sign(a) * sympy.floor(sympy.Abs(a)),
        "exp2": lambda a: 2**a,
        "expm1": lambda a: sympy.exp(a) - 1,
        "log1p": lambda a: sympy.log(1 + a),
        "log2": lambda a: sympy.log(a) / sympy.log(2),
        "log10": lambda a: sympy.log(a) / sympy.log(10),
        "logaddexp": lambda a, b: sympy.log(sympy.exp(a) + sympy.exp(b)),
        "hypot": lambda a, b: sympy.sqrt(a**2 + b**2),
        **dict.fromkeys(("degrees", "rad2deg"), lambda a: a * 180 / sympy.pi),
        **dict.fromkeys(("radians", "deg2rad"), lambda a: a * sympy.pi / 180),
        "sinc": lambda a: sympy.sinc(sympy.pi * a),
        "clip": lambda a, low, high: sympy.Min(sympy.Max(a, low), high),
        "polygamma": lambda x, n: sympy.polygamma(n, x),
        "rgamma": lambda x: one / sympy.gamma(x),
        "gammainc": lambda a, x: sympy.lowergamma(a, x) / sympy.gamma(a),
        "gammaincc": lambda a, x: sympy.uppergamma(a, x) / sympy.gamma(a),
        "expit": lambda a: one / (1 + sympy.exp(-a)),
    }
    for name in {*_SAME_NAME, *_RENAMED}:
        own[name] = getattr(sympy, _RENAMED.get(name, name))
    logical: dict[str, Callable[..., Any]] = {
        **{f"{kind}_and": both(sympy.And, lambda a, b: a & b) for kind in ("bitwise", "logical")},
        **{f"{kind}_or": both(sympy.Or, lambda a, b: a | b) for kind in ("bitwise", "logical")},
        **dict.fromkeys(("invert", "logical_not"), both(sympy.Not, lambda a: ~a)),
    }
    finite: dict[str, Callable[..., Any]] = {  # a symbol stands for a number
        **dict.fromkeys(("isnan", "isinf"), lambda a: sympy.false),
        "isfinite": lambda a: sympy.true,
    }
    numeric = {name: lambda *xs, f=f, **k: f(*map(number, xs), **k) for name, f in own.items()}
    return {**numeric, **logical, **finite, "where": chosen}


class _Symbolic:
    """Runs the operations of a program on arrays of SymPy's expressions."""

    def __init__(self, known: dict[Value, Any]) -> None:
        self._known, self._sympy = known, _sympy()

    def of(self, value: Value) -> Any:
        """A value as an array of expressions."""
        if value not in self._known:
            payload = value.payload
            self._known[value] = self.objects(getattr(payload, "data", payload) if value.kind == "state" else payload)
        return self._known[value]

    def objects(self, x: Any) -> Any:
        """Numbers as an array of exact ones; other metadata is left alone."""
        if isinstance(x, np.ndarray):
            return np.frompyfunc(lambda v: exact(v, self._sympy), 1, 1)(x) if x.dtype.kind in "fciub" else x
        return exact(x, self._sympy) if isinstance(x, (float, complex, np.inexact)) else x

    def run(self, op: Op) -> None:
        """One operation."""
        if op.form in ("check", "store"):
            return
        if op.form in EFFECTS:
            raise UnsupportedError(
                f"to_sympy: the function changes or draws something ({op.title}), which no formula can."
            )
        try:
            y = self._computed(op)
        except (TypeError, ValueError, AttributeError) as error:
            raise UnsupportedError(
                f"to_sympy: {op.title} has no form in SymPy's functions ({error}). Write the function with elementary "
                "functions of numbers."
            ) from error
        for value, result in zip(op.outputs, y if op.listed or len(op.outputs) > 1 else (y,), strict=True):
            self._known[value] = result

    def _computed(self, op: Op) -> Any:
        args, keywords = mapped((op.args, op.keywords), self.of)
        function: Any = op.function.fn if isinstance(op.function, Primitive) else op.function
        if op.form == "index" and args[1] == ():
            return args[0]
        if op.form in ("index", "attribute", "method"):
            return _of_an_array(op.form, function, np.asarray(args[0], object), args[1:], keywords)
        name = op.title if op.form == "opaque" else function.__name__
        table = functions()
        if name in table and op.form == "reduce":
            return np.frompyfunc(table[name], 2, 1).reduce(args[0], **keywords)
        if name in table and (not keywords or name == "polygamma"):
            form = functools.partial(table[name], **keywords)
            return np.frompyfunc(form, len(args), 1)(*map(self.objects, args))
        if name in _MOVING and op.form != "reduce":
            return function(*mapped(op.args, lambda v: np.asarray(self.of(v), object)), **keywords)
        raise TypeError(f"{op.form}, of shapes {', '.join(str(v.shape) for v in op.inputs())}")


def _of_an_array(form: str, what: str, x: Any, args: Any, keywords: Any) -> Any:
    """An entry, an attribute or a method of an array of expressions."""
    if form == "index":
        return x[args[0]]
    if form == "attribute":
        return getattr(x, what)
    return x if what == "astype" else getattr(x, what)(*args, **keywords)


def to_sympy(f: Callable[..., Any], symbols: Sequence[Any], *, at: Sequence[Any] | None = None) -> Any:
    """A function of numbers as SymPy's expression, from a recording of it: to check a derivative by symbols.

    Parameters
    ----------
    f : callable
        Of as many arguments as there are symbols; also a derivative, such as ``ad.grad(f)``.
    symbols : sequence of sympy.Symbol
        One for each argument; for an argument that is an array, nested lists of symbols. Declare them ``real=True``,
        which simplifies better.
    at : sequence of float, optional
        The point at which the function runs once, in the shapes of the symbols. Needed only where it is not defined at
        the default one, whose numbers lie between 0.6 and 0.8.

    Returns
    -------
    sympy.Expr, or sympy.Array for an array, or a container of them
        The structure is that of what `f` returns.

    Raises
    ------
    UnsupportedError
        If an operation has no form in SymPy's functions; it is named.
    CompileError
        If what `f` does depends on the numbers: a branch in Python, a conversion to float.
    MissingExtraError
        If SymPy is not installed.

    Notes
    -----
    Numbers are exact if they are short fractions, or those of pi, to the last bit. ``np.where`` becomes a Piecewise.
    Tracked Tensors outside of the function become numbers.

    Examples
    --------
    >>> import numpy as np, sympy, autodiff as ad
    >>> x, y = sympy.symbols("x y", real=True)
    >>> ad.to_sympy(ad.grad(lambda x, y: np.sin(x * y) ** 2), [x, y])
    2*y*sin(x*y)*cos(x*y)
    """
    sympy = _sympy()
    given = [np.array(s, dtype=object) for s in symbols]
    shapes = [s.shape for s in given]
    if at is None:
        point: list[Any] = []
        for k, shape in enumerate(shapes):
            size = math.prod(shape)
            point.append(np.resize(_POINT, size + k)[k:].reshape(shape) + np.arange(size).reshape(shape) / 64)
    else:
        point = [np.asarray(p, float) for p in at]
        if [p.shape for p in point] != shapes:
            raise UnsupportedError(f"to_sympy: at= has the shapes {[p.shape for p in point]}, the symbols {shapes}.")
    leaves = [p if p.shape else p[()] for p in point]
    name = getattr(f, "__name__", "f")
    with np.errstate(all="ignore"):
        traced = trace(f, name, leaves, lambda new: (tuple(new), {}))
    program = replace(traced.program, outputs=traced.program.answers, kept=0)
    for rewrite in PASSES:
        program = rewrite(program)
    known = {v: given[v.payload] if given[v.payload].shape else given[v.payload][()] for v in program.arguments}
    symbolic = _Symbolic(known)
    for op in program.ops:
        symbolic.run(op)
    answers = [symbolic.of(v) if isinstance(v, Value) else symbolic.objects(v) for v in program.outputs]
    return pytree.unflatten(traced.structure, [_shown(a, sympy) for a in answers])


def _shown(y: Any, sympy: Any) -> Any:
    """An answer as an expression, or as SymPy's array."""
    if isinstance(y, np.ndarray) and y.shape:
        return sympy.Array(y.tolist())
    return sympy.sympify(y[()] if isinstance(y, np.ndarray) else y)
