"""What people type before they have read anything: it works, or the message says what to type instead.

A row of a table is a mistake, and the parts of its message: what was given, what was expected, how to mend it.
"""

import functools
import re
import subprocess

import numpy as np
import pytest

import autodiff as ad
import optim
from autodiff.transforms.calling import called

POINT = np.ones(2)


def f(x, y):
    return x**2 + y**2


def field(x, y):
    return x, y


def of_a_point(p):
    return p[0] * p[1]


def by_rate(t, rate):
    return rate * t


def table(rows):
    """The rows of a table as parameters of a test, each with its name."""
    return pytest.mark.parametrize(("call", "parts"), [pytest.param(*row, id=name) for name, row in rows.items()])


def check(call, parts):
    with pytest.raises(Exception) as caught:  # noqa: PT011  # of whatever type: its message is checked
        call()
    message = str(caught.value)
    for part in parts:
        assert re.search(part, message), f"{type(caught.value).__name__}: {message!r} does not say {part!r}"


# --- functions of another shape

AS_A_POINT = (r"f\(x, y\) takes 2 argument", "called with 1", r"write lambda p: f\(p\[0\], p\[1\]\)")
FIELD_AS_A_POINT = (r"field\(x, y\) takes 2 argument", "called with 1", r"write lambda p: field\(p\[0\], p\[1\]\)")
ONE_FOR_EACH = ("takes 1 argument", "called with 2", r"lambda x, y: \w+\(np\.stack\(\[x, y\]\)\)")


@table(
    {
        "grad": (lambda: ad.grad(f)(POINT), AS_A_POINT),
        "value_and_grad": (lambda: ad.value_and_grad(f)(POINT), AS_A_POINT),
        "derivative": (lambda: ad.derivative(f)(1.0), AS_A_POINT),
        "hessian": (lambda: ad.hessian(f)(POINT), AS_A_POINT),
        "jacobian": (lambda: ad.jacobian(f)(POINT), AS_A_POINT),
        "hvp": (lambda: ad.hvp(f, POINT, POINT), AS_A_POINT),
        "jvp": (lambda: ad.jvp(f, (POINT,), (POINT,)), AS_A_POINT),
        "vjp": (lambda: ad.vjp(f, POINT), AS_A_POINT),
        "linearize": (lambda: ad.linearize(f, POINT), AS_A_POINT),
        "directional_derivative": (lambda: ad.directional_derivative(f, POINT, POINT), AS_A_POINT),
        "taylor": (lambda: ad.taylor(f, 0.5, 3), AS_A_POINT),
        "laplacian": (lambda: ad.laplacian(f)(POINT), AS_A_POINT),
        "gradient_field": (lambda: ad.gradient_field(f)(POINT), AS_A_POINT),
        "minimize": (lambda: optim.minimize(f, [1.0, 1.0]), AS_A_POINT),
        "minimize with gd": (lambda: optim.minimize(f, [1.0, 1.0], "gd"), AS_A_POINT),
        "gradient_descent": (lambda: optim.gradient_descent(f, x0=POINT), AS_A_POINT),
        "critical_points": (lambda: optim.critical_points(f, [(-1, 1), (-1, 1)]), AS_A_POINT),
        "gradcheck": (lambda: ad.testing.gradcheck(f, POINT), AS_A_POINT),
        "tangent": (lambda: ad.plotting.tangent(f, 1.0), AS_A_POINT),
        "contours": (lambda: optim.plotting.contours(f, box=(-1, 1, -1, 1)), AS_A_POINT),
        "divergence": (lambda: ad.divergence(field)(POINT), FIELD_AS_A_POINT),
        "curl": (lambda: ad.curl(field)(POINT), FIELD_AS_A_POINT),
        "line_integral": (lambda: ad.line_integral(field, lambda t: (np.cos(t), np.sin(t)), 0, 1), FIELD_AS_A_POINT),
        "green": (lambda: ad.calculus.theorems.green(field, ad.calculus.Region.disc()), FIELD_AS_A_POINT),
        "vector_field": (lambda: ad.plotting.vector_field(field, (-1, 1, -1, 1)), FIELD_AS_A_POINT),
        "root": (lambda: optim.root(field, [1.0, 1.0]), FIELD_AS_A_POINT),
        "fixed_point": (lambda: optim.fixed_point(field, [1.0, 1.0]), FIELD_AS_A_POINT),
        "expectation": (lambda: ad.probability.expectation(f, ad.probability.Normal()), AS_A_POINT),
        "integrate over a point": (lambda: ad.integrate(of_a_point, (0, 1), (0, 2)), ONE_FOR_EACH),
        "odeint, of y alone": (lambda: ad.odeint(lambda y: -y, 1.0, [0.0, 1.0]), ("takes 1 argument", "called with 2")),
        "a function of three, called with two": (
            lambda: ad.grad(lambda a, b, c: a * b * c)(1.0, 2.0),
            ("takes 3", "called with 2: a Tensor, a float", "pass them all"),
        ),
    }
)
def test_a_function_with_other_arguments(call, parts):
    check(call, parts)


def test_an_error_inside_of_a_function_passes_unchanged():
    def inner(a):
        return by_rate(a)

    with pytest.raises(TypeError, match=r"^by_rate\(\) missing 1 required positional argument: 'rate'$"):
        ad.grad(inner)(1.0)


def test_a_users_own_error_is_not_replaced():
    def f(x):
        try:
            float(x)
        except ad.UntrackedError as error:
            raise ValueError("my own message") from error

    with pytest.raises(ValueError, match=r"^my own message$"):
        ad.grad(f)(1.0)


def test_functions_that_fit_are_called():
    assert ad.grad(lambda *xs: xs[0] * xs[1])(2.0, 3.0) == 3.0
    assert ad.grad(lambda x, by=3.0: x * by)(2.0) == 3.0
    assert ad.grad(lambda x, *, by: x * by)(2.0, by=3.0) == 3.0
    assert ad.grad(by_rate)(2.0, rate=3.0) == 3.0
    assert called(lambda f, args: f + args, f=1, args=2) == 3  # whatever its parameters are called


# --- points as lists


def squares(x):
    return (x**2).sum()


def test_a_list_of_numbers_is_a_point():
    for got, right in (
        (ad.grad(squares)([2.0, 1.0]), [4.0, 2.0]),
        (ad.hessian(squares)([2.0, 1.0]), [[2.0, 0.0], [0.0, 2.0]]),
        (ad.hvp(squares, [2.0, 1.0], [1.0, 0.0]), [2.0, 0.0]),
        (ad.jvp(squares, ([2.0, 1.0],), ([1.0, 0.0],))[1], 4.0),
        (ad.vjp(np.sin, [0.0, 0.0])[1]([1.0, 2.0])[0], [1.0, 2.0]),
        (ad.jacobian(np.cumsum)([2.0, 1.0]), [[1.0, 0.0], [1.0, 1.0]]),
        (ad.hessian_operator(squares, [2.0, 1.0]) @ [1.0, 0.0], [2.0, 0.0]),
        (ad.directional_derivative(squares, [3.0, 4.0], [0.0, 1.0]), 8.0),
        (ad.grad(lambda a: (a @ a).sum())([[1.0, 0.0], [0.0, 1.0]]), [[2.0, 2.0], [2.0, 2.0]]),
        (ad.gradient_field(squares)([2.0, 1.0]), [4.0, 2.0]),
        (optim.gradient_descent(squares, x0=[2, 1], n_iterations=1)[1], [[2.0, 1.0], [1.6, 0.8]]),
    ):
        assert not isinstance(got, list)
        np.testing.assert_allclose(got, right, rtol=1e-15)
    np.testing.assert_allclose(optim.minimize(squares, [2, 1]).x, [0, 0], atol=1e-6)
    np.testing.assert_allclose(optim.root(lambda x: x - 1, [2, 5]), [1, 1], rtol=1e-12)
    assert ad.testing.gradcheck(squares, [2.0, 1.0])


def test_a_point_is_one_in_an_outer_transform_and_compiled():
    slope = lambda a: ad.grad(squares)([a * a, 3.0 * a])[0]
    assert slope(2.0) == 8.0 and ad.grad(slope)(2.0) == 8.0
    assert ad.compile(ad.grad(squares))([np.float64(1.0), np.float64(2.0)]).tolist() == [2.0, 4.0]
    assert ad.grad(squares)([ad.tensor(1.0), 2.0]).data.tolist() == [2.0, 4.0]


def test_lists_in_containers_and_lists_of_arrays_stay_lists():
    assert ad.grad(lambda p: p["a"][0] * p["a"][1])({"a": [2.0, 3.0]}) == {"a": [3.0, 2.0]}
    by_array, by_number = ad.grad(lambda p: (p[0] ** 2).sum() * p[1])([np.ones(2), 2.0])
    assert by_array.tolist() == [4.0, 4.0] and by_number == 2.0
    ragged = ad.grad(lambda p: p[0][0] * p[1][1])([[2.0], [3.0, 4.0]])
    assert ragged == [[4.0], [0.0, 2.0]]
    deeper = ad.grad(lambda p: p[0][1][0] * p[1][0][0])([[[2.0, 1.0], [3.0, 4.0]], [[5.0], [6.0]]])
    assert deeper == [[[0.0, 0.0], [5.0, 0.0]], [[3.0], [0.0]]]


def test_the_call_of_the_curriculum():
    x, history = optim.gradient_descent(lambda x: x**2, lambda x: 2 * x, 2.0)
    assert abs(x) < 1e-9 and len(history) == 101
    _, short = optim.gradient_descent(lambda x: x**2, lambda x: 2 * x, 2.0, 0.25, 2)
    assert short.tolist() == [2.0, 1.0, 0.5]


@table(
    {
        "integers have no derivative": (lambda: ad.grad(squares)([2, 1]), ("x has dtype int64", "2.0 for 2")),
        "no starting point": (lambda: optim.gradient_descent(squares), ("starting point", r"\(f, df, x0\)")),
        "a starting point for the derivative": (
            lambda: optim.gradient_descent(squares, 2.0),
            ("df must be a function", "a float was given", "x0="),
        ),
        "corners for ranges": (
            lambda: ad.integrate(lambda x, y: x * y, [0, 0], [1, 2]),
            (r"\[0, 0\], \[1, 2\]", "two ranges or two corners", r"integrate\(f, \(0, 1\), \(0, 2\)\)"),
        ),
        "ranges in a list": (
            lambda: ad.integrate(lambda x, y: x * y, [(0, 1), (0, 2)]),
            (r"one list, \[\(0, 1\), \(0, 2\)\]", "of its own", r"integrate\(f, \(0, 1\), \(0, 2\)\)"),
        ),
        "gradients with the arguments swapped": (
            lambda: ad.gradients(*(lambda x: (x, [x * x]))(ad.tensor(1.0, requires_grad=True))),
            ("computed after y", r"ad.gradients\(y, \[x\]\)"),
        ),
        "four limits": (
            lambda: ad.integrate(lambda x, y: x * y, 0, 1, 0, 2),
            ("4 argument", "0, 1, 0, 2", r"\(a, b\), \(c, d\)"),
        ),
        "many numbers to minimise": (
            lambda: optim.minimize(lambda x: x**2, [1.0, 2.0]),
            ("f must return one number", r"shape \(2,\)", r"\.sum\(\)"),
        ),
        "nothing to minimise": (lambda: optim.minimize(lambda x: None, [1.0, 2.0]), ("returned None", "`return`")),
        "a ragged list": (
            lambda: ad.tensor([[1.0, 2.0], [3.0]]),
            (r"row \[0\] has shape \(2,\) and row \[1\] \(1,\)", "Pad the rows"),
        ),
        "a ragged list in a list": (
            lambda: ad.tensor(1.0) * [[[1.0], [2.0]], [[1.0], [2.0, 3.0]]],
            (r"row \[1\]\[0\] has shape \(1,\) and row \[1\]\[1\] \(2,\)",),
        ),
        "lists for the tuples of jvp": (
            lambda: ad.jvp(squares, [2.0, 1.0], [1.0, 0.0]),
            (r"squares\(x\) takes 1", "called with 2", r"lambda x, y: squares\(np.stack\(\[x, y\]\)\)"),
        ),
        "a direction of another shape": (
            lambda: ad.directional_derivative(np.sum, np.ones(2), np.ones(3)),
            (r"the tangent of argument 0 has shape \(3,\)", r"expected \(2,\)"),
        ),
        "a field of the state alone for odeint": (
            lambda: ad.odeint(of_a_point, np.ones(2), np.array([0.0, 1.0])),
            (r"of_a_point\(p\) takes 1", "called with 2: an array of shape", r"lambda x, y: \.\.\.$"),
        ),
        "a table without a point": (
            lambda: ad.trace_table(of_a_point),
            (r"of_a_point\(p\) takes 1", "called with 0: nothing", "after the function: of_a_point, p"),
        ),
        "a picture without a point": (lambda: ad.draw(of_a_point), ("called with 0", "of_a_point, p")),
        "steps without a point": (lambda: ad.draw_steps(of_a_point), ("called with 0", "of_a_point, p")),
        "gradcheck with swapped arguments": (
            lambda: ad.testing.gradcheck(POINT, squares),
            ("first argument is the function", r"gradcheck\(f, x\)", "ndarray was given"),
        ),
        "grad with swapped arguments": (lambda: ad.grad(POINT)(squares), ("first argument is the function", "ndarray")),
        "contours without a box": (lambda: optim.plotting.contours(squares), ("box=", "points p", "paths")),
    }
)
def test_points_and_ranges(call, parts):
    check(call, parts)


def test_draw_steps_takes_a_function_as_draw_does():
    steps = ad.draw_steps(of_a_point, [2.0, 3.0])
    assert "gradient of p [3, 2]" in steps.frames[-1].caption


@pytest.mark.parametrize(
    ("bounds", "told"),
    [
        (None, "the gradient is 0 within the tolerance, and the smallest curvature is"),
        ([(1, 3), (-1, 3)], "0 within the tolerance, but for what pushes against a bound, and the smallest curvature"),
        ([(1, 3), (1, 3)], "but for what pushes against a bound, and every number is at a bound: a minimum"),
    ],
)
def test_a_minimum_at_a_bound_is_called_that(bounds, told):
    found = optim.minimize(squares, [2.0, 2.0], bounds=bounds)
    assert told in found.message and ("of the rest" in found.message) == (bounds is not None) and found.success


# --- derive


def test_derive_takes_numbers_as_variables():
    assert ad.derive(lambda x: x * x)(3.0).endswith("return x * x")
    assert "x ** 2" in ad.derive(lambda x: x**2)(3)
    assert "x ** 2" in ad.derive(lambda x, n: x**n)(3.0, 2)
    assert "x * 2" in ad.derive(lambda x, n: x * 2 if isinstance(n, int) else x)(1.0, 2)
    assert "0.1" in ad.derive(lambda x, eps: x + eps if eps > 0 else x)(np.ones(2), 0.1)


def test_derive_keeps_integers_that_must_be_known():
    def steps(x, n, axis):
        for _ in range(n):
            x = np.sin(x)
        return x.sum(axis=axis)

    text = ad.derive(steps)(np.ones((2, 2)), 3, 0)
    assert text.count("np.sin") == 3 and "def steps(x):" in text


# --- pictures


@table(
    {
        "an unknown ending": (
            lambda y: ad.draw(y).save("g.jpg"),
            (r"\.svg, \.png", r"\.dot", "ends in .jpg", r"g\.png"),
        ),
        "a name in draw": (lambda y: ad.draw(y, "zz.png"), ("a Tensor was given", r"ad.draw\(y\).save\('zz.png'\)")),
        "two tensors": (lambda y: ad.draw(y, y), ("a Tensor was given with 1", r"ad.draw\(\[y, z\]\)")),
    }
)
def test_a_picture_that_cannot_be_written(call, parts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check(lambda: call(np.sin(ad.tensor(1.0, requires_grad=True))), parts)
    assert not list(tmp_path.iterdir())


def test_a_format_that_the_renderer_does_not_know(tmp_path, monkeypatch):
    def fails(*args, **options):
        raise subprocess.CalledProcessError(1, "dot", stderr=b"Format: pdf not recognized")

    picture = ad.draw(np.sin(ad.tensor(1.0, requires_grad=True)))
    monkeypatch.setattr(type(picture), "pipe", fails)
    check(lambda: picture.save(tmp_path / "g.pdf"), ("could not write 'g.pdf'", "pdf not recognized", r"g\.svg"))
    assert not list(tmp_path.iterdir())


def test_a_decorated_function_is_compiled_with_the_arguments_that_it_takes():
    def body(x, c):
        return x * c

    @functools.wraps(body)
    def wrapped(x):
        return body(x, 3.0)

    assert ad.compile(wrapped)(2.0) == 6.0


def test_a_limit_of_an_integral_may_be_an_end_of_its_range():
    for b in (0.0, 0.5):
        assert ad.integrate(lambda x, y: x + 0 * y, (0, b), [0, 1]) == pytest.approx(b * b / 2)


def test_the_hessian_of_a_recorded_number_takes_a_flat_vector():
    w, b = (ad.tensor(v, requires_grad=True) for v in (1.0, 2.0))
    operator = ad.hessian_operator(w * w * b, [w, b])
    assert (operator @ np.array([1.0, 0.0])).tolist() == [4.0, 2.0]


def test_a_checkpointed_function_may_make_a_leaf():
    f = ad.checkpoint(lambda x: (ad.tensor([1.0, 2.0], requires_grad=True) * x).sum())
    assert ad.grad(f)(np.ones(2)).tolist() == [1.0, 2.0]
