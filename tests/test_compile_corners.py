"""Corners of Python that a compiled function must see, or refuse by name."""

import array
import contextvars
import ctypes
import dataclasses
import gc
import linecache
import math
import threading
import types
import weakref
from collections import deque

import numpy as np
import pytest

import autodiff as ad
import nn

W = ad.tensor([0.5, -1.5], requires_grad=True)

X = np.arange(1.0, 3.0)
FACTOR = 1.0


class Thing:
    """With attributes that a test gives it."""


class Point(ctypes.Structure):
    """A structure of C."""

    _fields_ = (("x", ctypes.c_double),)


def of_thing(read):
    def case():
        thing = Thing()
        thing.v = 1.0
        return (lambda x: x * read(thing)), lambda: setattr(thing, "v", 4.0)

    return case


def names_of_thing():
    thing = Thing()
    thing.v = 1.0
    return (lambda x: x * len(vars(thing)) * ("w" in dir(thing))), lambda: setattr(thing, "w", 4.0)


def of_class():
    kind = type("Kind", (Thing,), {"v": 1.0, "__module__": __name__})
    return (lambda x: x * kind.__dict__["v"] + vars(kind)["v"]), lambda: setattr(kind, "v", 4.0)


def of_module():
    module = types.ModuleType("settings")
    module.v = 1.0
    return (lambda x: x * vars(module)["v"] + module.__dict__["v"]), lambda: setattr(module, "v", 4.0)


def of_globals():
    def change():
        global FACTOR
        FACTOR += 1.0

    return (lambda x: x * globals()["FACTOR"]), change


def of_array():
    numbers = array.array("d", [1.0, 2.0])
    return (lambda x: x * numbers[0] + sum(numbers) + np.asarray(numbers)), lambda: numbers.__setitem__(0, 4.0)


def of_memory():
    numbers = memoryview(np.ones(2))
    return (lambda x: x * numbers[0]), lambda: numbers.__setitem__(0, 4.0)


def of_structure():
    point = Point(1.0)
    return (lambda x: x * point.x), lambda: setattr(point, "x", 4.0)


def of_thread():
    local = threading.local()
    local.v = 1.0
    return (lambda x: x * local.v), lambda: setattr(local, "v", 4.0)


def of_weak_reference():
    thing = Thing()
    thing.v = 1.0
    found = weakref.ref(thing)
    return (lambda x: x * found().v), lambda: setattr(thing, "v", 4.0)


def of_primitive():
    factors = [1.0]
    times = ad.elementwise(lambda x: np.sin(x) * factors[0], lambda y, x: np.cos(x) * factors[0])
    return times, lambda: factors.__setitem__(0, 4.0)


READ = [
    of_thing(lambda t: t.__dict__["v"]),
    of_thing(lambda t: sum(t.__dict__.values())),
    of_thing(lambda t: vars(t)["v"]),
    names_of_thing,
    of_class,
    of_module,
    of_globals,
    of_array,
    of_memory,
    of_structure,
    of_thread,
    of_weak_reference,
    of_primitive,
]


@pytest.mark.parametrize("case", READ)
def test_a_change_is_seen(case):
    f, change = case()
    compiled = ad.compile(f)
    for _ in range(3):
        assert np.array_equal(compiled(X), f(X))
    change()
    for _ in range(3):
        assert np.array_equal(compiled(X), f(X))


def test_attributes_with_a_generator_and_a_tensor():
    def of(rng):
        thing = Thing()
        thing.s, thing.w, thing.g = 2.0, ad.tensor(np.ones(2), requires_grad=True), rng
        return thing, lambda x: (lambda s, w, g: x * s * w + g.normal(size=2))(**vars(thing))

    (plain, f), (thing, g) = of(np.random.default_rng(3)), of(np.random.default_rng(3))
    g = ad.compile(g)
    for change in (None, None, None, 5.0, None):
        if change:
            plain.s = thing.s = change
        assert np.array_equal(f(X).data, g(X).data)


SIGNS = [complex(-1, 0.0), complex(-1, -0.0), 0.0, -0.0, math.nan, complex(0.0, -0.0), complex(-0.0, 0.0)]


def test_signs_of_zeros_among_the_arguments():
    def f(x, z):
        return np.sqrt(np.multiply(x, 1.0) * complex(z)), np.sqrt(z + 0j) * x

    compiled = ad.compile(f)
    for _ in range(3):
        for z in SIGNS:
            assert [y.tobytes() for y in compiled(X, z)] == [y.tobytes() for y in f(X, z)]


def test_numbers_of_a_class_of_their_own_are_told_apart():
    class Length(float):
        unit = 1.0

    metre, kilometre = Length(2.0), Length(2.0)
    kilometre.unit = 1000.0
    f = ad.compile(lambda x, s: x * s.unit)
    for length in (metre, metre, metre, kilometre, kilometre, metre):
        assert np.array_equal(f(X, length), X * length.unit)


@pytest.mark.parametrize("value", [np.array([1, "a", None], object), np.array([[1.5, None]], object)[:, ::-1]])
def test_objects_are_copied_as_references(value):
    f = ad.compile(lambda x: (x * 2, value))
    for _ in range(4):
        assert f(X)[1].tolist() == value.tolist()
        gc.collect()


def write_global(x):
    globals()["FACTOR"] = 9.0
    return x


def writing(write):
    thing = Thing()
    thing.v = 1.0

    def f(x):
        write(thing)
        return x

    return f


VARIABLE = contextvars.ContextVar("VARIABLE", default=2.0)
GENERATOR = np.random.default_rng(0)
OLD = np.random.RandomState(0)


def fill_in(x):
    y = np.zeros(2)
    y[0] = x[1]
    return y


REFUSED = {
    "a write into an array of its own": (fill_in, "a write into a plain array.*np.stack"),
    "object.__setattr__": (writing(lambda t: object.__setattr__(t, "v", 9.0)), "attribute 'v'"),
    "__setattr__": (writing(lambda t: t.__setattr__("v", 9.0)), "attribute 'v'"),
    "object.__delattr__": (writing(lambda t: object.__delattr__(t, "v")), "attribute 'v'"),
    "globals()": (write_global, "a dict from outside is written to"),
    "a context variable": (lambda x: x * VARIABLE.get(), "context variable"),
    "RandomState": (lambda x: x * OLD.rand(), "random numbers are drawn"),
    "spawn": (lambda x: x * GENERATOR.spawn(1)[0].normal(), "rng.spawn"),
    "writeable": (lambda x: x * 2 if x.flags.writeable else x, "flags.writeable"),
    "owndata": (lambda x: x * 2 if x.flags["OWNDATA"] else x, "flags.owndata"),
    "an iterator": (lambda x: iter([x]), "returns a list_iterator"),
    "a generator": (lambda x: (y for y in [x]), "returns a generator"),
    "a function": (lambda x: lambda: x, "returns a function"),
    "a set": (lambda x: {1, 2}, "returns a set"),
    "a deque": (lambda x: deque([x]), "returns a deque"),
    "an object": (lambda x: types.SimpleNamespace(a=x), "returns a SimpleNamespace"),
    "a dataclass": (lambda x: dataclasses.make_dataclass("D", ["a"])(x), "returns a D"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_at_the_first_call(name):
    f, words = REFUSED[name]
    with pytest.raises(ad.CompileError, match=words):
        ad.compile(f)(X)


def test_whether_an_argument_is_another_array_is_refused():
    w = np.ones(2)
    for f in (lambda x, y: x if x is y else y, lambda x, y: x if y is w else y):
        with pytest.raises(ad.CompileError, match="by identity"):
            ad.compile(f)(X, X.copy())
    same = ad.compile(lambda x, y: (lambda a, b: a * 2 if a is b else a * b)(x, x) if y is None else x)
    assert np.array_equal(same(X, None), 2 * X)


def test_layout_is_known():
    f = ad.compile(lambda x: x * (2.0 if x.flags.c_contiguous and x.flags["C"] else 3.0))
    for x in (X, X, np.ones(4)[::2], X):
        assert np.array_equal(f(x), x * (2.0 if x.flags.c_contiguous else 3.0))


def test_objects_that_answer_every_name():
    class Lazy:
        def __getattr__(self, name):
            return {"b": 2.0}[name]

    lazy = Lazy()
    f = ad.compile(lambda x: x * lazy.b)
    assert np.array_equal(f(X), 2 * X)
    assert np.array_equal(f(X), 2 * X)


def test_sources_go_with_their_programs():
    def sources():
        gc.collect()
        return sum(name.startswith("<compiled going ") for name in linecache.cache)

    def going(x):
        return np.tanh(x) * 2

    f = ad.compile(going)
    f(X), f(X)
    assert sources() == 1
    del f
    assert sources() == 0


def test_the_id_of_an_argument_is_refused():
    f = ad.compile(lambda x, y: x * len({id(x), id(y)}))
    with pytest.raises(ad.CompileError, match=r"id\(\) of an argument"):
        f(np.ones(2), np.ones(2))


class _Result:
    """Something that a function makes and returns."""


def _made(x, other):
    other.assign_(other + 1.0)
    return _Result(), x


def _depends_on_a_result(x, other):
    other.assign_(other + 1.0)
    return np.sum(x * _depends_on_a_result.outside)


@pytest.mark.parametrize("f", [_made, _depends_on_a_result])
@pytest.mark.parametrize("fallback", [True, False])
def test_what_a_function_has_changed_is_put_back_when_its_result_is_refused(f, fallback):
    _depends_on_a_result.outside = ad.tensor(2.0, requires_grad=True) * 3.0
    other = ad.Tensor(np.array([1.0]))
    fast = ad.compile(lambda x: f(x, other), fallback=fallback)
    with pytest.warns(UserWarning, match="eagerly") if fallback else pytest.raises(ad.CompileError, match="returns"):
        fast(np.ones(2))
    assert other.data.tolist() == [2.0 if fallback else 1.0]


def test_a_number_that_a_function_computes_by_itself_comes_back_in_a_tensor():
    outside = np.array(0.25)

    def f(x):
        return x * 2.0, 2.0 * ad.Tensor(outside)

    fast = ad.compile(f)
    for _ in range(3):
        (a, b), (c, d) = fast(np.ones(2)), f(np.ones(2))
        assert type(b.data) is type(d.data) is np.float64
        assert b.item() == d.item() == 2 * outside
        assert a.tolist() == c.tolist()
        outside += 1.0


def test_what_was_made_of_a_leaf_may_be_read_at_every_call():
    w = ad.tensor([0.3, 0.5], requires_grad=True)
    made, pull = w * 2.0, ad.vjp(np.sin, np.array([0.3, 0.5]))[1]
    fast = ad.compile(lambda c: c * made.detach() + pull(c)[0])
    for _ in range(3):
        np.testing.assert_array_equal(fast(np.ones(2)).data, made.data + np.cos([0.3, 0.5]))


@pytest.mark.parametrize(
    "f",
    [
        ad.jacobian(lambda x: np.tanh(x * W) @ W.detach()),
        ad.hessian(lambda x: np.sum(np.tanh(x * W))),
        lambda x: ad.grad(lambda u: ad.jacobian(lambda v: v**2 * u)(u).sum())(x),
        lambda x: ad.grad(lambda u: x[0] * 2.0)(x),
        ad.grad(lambda x: ad.grad(lambda x: np.sqrt(x[0]) * np.floor(x[1]))(x).sum()),
    ],
)
def test_sweeps_that_are_recorded_are_compiled(f):
    fast = ad.compile(f, fallback=False)
    for x in (np.array([0.5, 1.5]), np.array([0.25, 2.5])):
        found, expected = fast(x), f(x)
        np.testing.assert_array_equal(getattr(found, "data", found), getattr(expected, "data", expected))


def test_changing_the_mode_of_a_model_inside_is_refused():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))

    def f(x):
        model.eval()
        return model(x)

    with pytest.raises(ad.CompileError, match=r"Sequential.eval\(\) changes modes"):
        ad.compile(f)(np.ones((1, 2)))
    assert model.training
    model.eval()
    ad.compile(f)(np.ones((1, 2)))  # nothing changes
    fast = ad.compile(f, fallback=True)
    model.train()
    with pytest.warns(UserWarning, match="eagerly"):
        fast(np.ones((1, 2)))
    assert not model.training


@pytest.mark.parametrize("f", [np.median, np.nanmedian, lambda x, axis: np.quantile(x, [0.25, 0.5], axis=axis)])
def test_order_statistics_lie_in_memory_as_eagerly(f):
    """What comes next may add in another order otherwise."""
    x = np.random.default_rng(0).normal(size=(5, 3, 4))
    for axis in (0, -1, (0, 2)):
        g = lambda x, axis=axis: f(x, axis=axis) * 1.0
        h = lambda x, axis=axis: f(x, axis=axis)
        for one in (g, h):
            fast = ad.compile(one)
            for _ in range(2):
                found, expected = fast(ad.Tensor(x)).data, one(ad.Tensor(x)).data
                assert found.strides == expected.strides
