"""SymPy: expressions made functions of Tensors by `lambdify`, and functions made expressions by `ad.to_sympy`."""

import numpy as np
import pytest
import scipy.special

import autodiff as ad
from tests.neighbours import shows

AT = (0.7, 1.3)


def symbols(sympy):
    return sympy.symbols("x y", real=True)


EXPRESSIONS = {
    "Piecewise": lambda s, x, y: s.Piecewise((x**2, x > 0), (y, True)) + s.Piecewise((0, x < -1), (x * y, True)),
    "Max": lambda s, x, y: s.Max(x, y, 1) * x,
    "Mod": lambda s, x, y: s.Mod(x, y) * y,
    "Sum": lambda s, x, y: s.Sum(x ** s.Symbol("k"), (s.Symbol("k"), 0, 5)) * y,
    "sinc": lambda s, x, y: s.sinc(x * y),
    "atan2": lambda s, x, y: s.atan2(x, y),
    "erf": lambda s, x, y: s.erf(x) * s.gamma(y),
    "besselj": lambda s, x, y: s.besselj(1, x * y),
    "loggamma": lambda s, x, y: s.loggamma(x) * y,
    "det": lambda s, x, y: s.Matrix([[x, y], [y, x]]).det(),
}


@shows("sympy", f"`lambdify` of `{'`, `'.join(EXPRESSIONS)}`, with SciPy's functions", "gradients right")
def test_expressions_become_functions(library):
    x, y = symbols(library)
    for name, make in EXPRESSIONS.items():
        expression = make(library, x, y)
        ours = ad.grad(library.lambdify((x, y), expression), (0, 1))(*AT)
        step = 1e-6
        value = library.lambdify((x, y), expression)
        by_x = (value(AT[0] + step, AT[1]) - value(AT[0] - step, AT[1])) / (2 * step)
        by_y = (value(AT[0], AT[1] + step) - value(AT[0], AT[1] - step)) / (2 * step)
        np.testing.assert_allclose(ours, (by_x, by_y), rtol=1e-7, atol=1e-9, err_msg=name)


@shows(
    "sympy",
    "`lambdify` of a Matrix, an Array, a polygamma",
    'UntrackedError; with `modules=[{"array": ad.tensor}, "scipy", "numpy"]` (for the last one '
    '`{"polygamma": ad.special.polygamma}`) '
    "gradients right",
)
def test_matrices_become_functions(library):
    x, y = symbols(library)
    matrix = library.Matrix([[x * y, library.sin(x)], [1, y**2]])
    with pytest.raises(ad.UntrackedError, match=r"ad\.tensor\(\[\.\.\.\]\)"):
        ad.jacobian(library.lambdify((x, y), matrix))(*AT)
    f = library.lambdify((x, y), matrix, modules=[{"array": ad.tensor}, "scipy", "numpy"])
    slopes = library.lambdify((x, y), matrix.diff(x), "numpy")(*AT)
    np.testing.assert_allclose(ad.jacobian(f)(*AT), slopes)
    with pytest.raises(ad.UntrackedError):
        ad.grad(library.lambdify(x, library.digamma(x)))(0.7)
    digamma = library.lambdify(x, library.digamma(x), modules=[{"polygamma": ad.special.polygamma}, "numpy"])
    assert ad.grad(digamma)(0.7) == pytest.approx(float(library.polygamma(1, 0.7)))


@shows("sympy", "`lambdify` of DiracDelta", "SymPy's NameError: it is no function")
def test_no_function(library):
    x, y = symbols(library)
    with pytest.raises(NameError, match="DiracDelta"):
        ad.grad(library.lambdify((x, y), library.DiracDelta(x) * y))(*AT)


FUNCTIONS = {
    "elementary": lambda x, y: np.sin(x * y) ** 2 + np.exp(-x) / y + np.sqrt(x) * np.log(y) + np.arctan(x) ** 3,
    "hyperbolic": lambda x, y: np.tanh(x) * np.cosh(y) + np.arcsinh(x * y) + np.expm1(x) + np.log1p(y),
    "where": lambda x, y: np.where(x > y, x**3, np.abs(y)) * x,
    "maximum": lambda x, y: np.maximum(x, y) * np.minimum(x, 2.0),
    "arctan2": lambda x, y: np.arctan2(x, y) + np.cbrt(x),
    "special": lambda x, y: ad.special.erf(x * y) + ad.special.gammaln(x),
    "of SciPy": lambda x, y: scipy.special.jv(0, x) * y + scipy.special.psi(x) + scipy.special.gamma(y) ** 2,
    "logaddexp": lambda x, y: np.logaddexp(x, y) + np.deg2rad(x) * np.rad2deg(y),
    "joined": lambda x, y: np.stack([x, y]) @ np.array([[1.0, 0.5], [0.25, 2.0]]) @ np.stack([y, x]),
    "numbers": lambda x, y: x * 0.1 + y * np.pi / 3 + 0.123456789,
}


@shows(
    "sympy",
    f"`ad.to_sympy(f, [x, y])`, `ad.to_sympy(ad.grad(f), [x, y])`: {', '.join(FUNCTIONS)}",
    "equal to SymPy's own derivatives",
)
def test_functions_become_expressions(library):
    x, y = symbols(library)
    for name, f in FUNCTIONS.items():
        expression = ad.to_sympy(f, [x, y])
        assert float(expression.subs({x: AT[0], y: AT[1]})) == pytest.approx(float(f(*AT)), rel=1e-12), name
        for argnum, symbol in enumerate((x, y)):
            slope = ad.to_sympy(ad.grad(f, argnum), [x, y])
            assert {x, y} >= slope.free_symbols
            for point in (AT, (1.7, 0.4)):
                expected = ad.grad(f, argnum)(*point)
                there = {x: point[0], y: point[1]}
                assert float(slope.subs(there)) == pytest.approx(float(expected), rel=1e-12), name
                assert float(expression.diff(symbol).subs(there).doit()) == pytest.approx(float(expected), rel=1e-9), (
                    name
                )


@shows(
    "sympy",
    "`ad.to_sympy` of vectors, Hessians and containers; exact numbers",
    "arrays of expressions, in the same structure",
)
def test_arrays_become_arrays(library):
    x, y = symbols(library)
    assert ad.to_sympy(ad.grad(lambda x: np.sin(x) * x), [x]) == x * library.cos(x) + library.sin(x)
    cubic = lambda v: np.sum(v**3) + v[0] * v[1]
    assert ad.to_sympy(cubic, [[x, y]]) == x**3 + y**3 + x * y
    assert ad.to_sympy(ad.grad(cubic), [[x, y]]) == library.Array([3 * x**2 + y, 3 * y**2 + x])
    assert ad.to_sympy(ad.hessian(cubic), [[x, y]]) == library.Array([[6 * x, 1], [1, 6 * y]])
    both = ad.to_sympy(lambda x, y: {"product": x * y, "third": x / 3 * np.pi}, [x, y])
    assert both == {"product": x * y, "third": library.pi * x / 3}
    assert ad.to_sympy(lambda x: np.arccosh(x) * 0.5, [x], at=[2.0]) == library.acosh(x) / 2
    w = ad.tensor(2.0, requires_grad=True)
    assert ad.to_sympy(lambda x: w * x, [x]) == 2 * x


@shows(
    "sympy",
    "`ad.to_sympy` of a branch, a sort, a point that does not fit",
    "CompileError or UnsupportedError, which name it",
)
def test_what_has_no_expression(library):
    x, y = symbols(library)
    with pytest.raises(ad.CompileError):
        ad.to_sympy(lambda x: x if x > 0 else -x, [x])
    with pytest.raises(ad.UnsupportedError, match=r"to_sympy: (sort|getitem|take_along_axis|argsort)"):
        ad.to_sympy(lambda v: np.sort(v)[0], [[x, y]])
    with pytest.raises(ad.UnsupportedError, match=r"to_sympy: inv has no form"):
        ad.to_sympy(lambda v: np.linalg.inv(v)[0, 0], [[[x, y], [y, 2 * x]]], at=[[[1.0, 2.0], [3.0, 4.0]]])
    with pytest.raises(ad.UnsupportedError, match=r"at= has the shapes"):
        ad.to_sympy(lambda x: x, [x], at=[[1.0, 2.0]])
