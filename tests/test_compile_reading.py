"""Whatever a compiled function reads is live, guarded or refused: the product of where it lies, what it is, and how it
is changed between two calls."""

import array
import asyncio
import bisect
import collections
import contextlib
import copy
import dataclasses
import functools
import gc
import heapq
import linecache
import operator
import queue
import random
import sys
import threading
import types
import warnings
import weakref

import numpy as np
import pytest

import autodiff as ad
import nn
import optim

X = np.array([[0.5, -1.0], [2.0, 0.25]])

# --- what is read: a first value, another one, and how it is used ---------------------------------


def layer(seed):
    nn.manual_seed(seed)
    return nn.Linear(2, 2, dtype=float)


VALUES = {
    "number": (lambda: 1.5, lambda: 4.0),
    "whole": (lambda: 2, lambda: 5),
    "text": (lambda: "ab", lambda: "abc"),
    "flag": (lambda: True, lambda: False),
    "array": (lambda: np.array([1.0, 2.0]), lambda: np.array([5.0, 7.0])),
    "tensor": (lambda: ad.tensor([1.0, 2.0]), lambda: ad.tensor([5.0, 7.0])),
    "parameter": (lambda: ad.tensor([1.0, 2.0], requires_grad=True), lambda: ad.tensor([5.0, 7.0], requires_grad=True)),
    "function": (lambda: lambda x: x * 2.0, lambda: lambda x: x * 7.0),
    "module": (lambda: layer(0), lambda: layer(1)),
    "tuple": (lambda: (1.0, 2.0), lambda: (3.0, 2.0)),
    "generator": (lambda: np.random.default_rng(0), lambda: np.random.default_rng(1)),
}


def used(kind, value, x):
    """What a user might do with it."""
    if kind in ("function", "module"):
        return value(x)
    if kind == "text":
        return x * len(value)
    if kind == "flag":
        return x * 3.0 if value else -x
    if kind == "tuple":
        return x * value[0]
    if kind == "generator":
        return x + value.normal(size=2)
    return x * value


# --- where it lies: makes a function that reads it, and what puts another one there ---------------


def in_global(use, value):
    space = {"__name__": "of_a_user", "use": use, "value": value}
    exec("def f(x):\n    return use(value, x)", space)
    return space["f"], functools.partial(space.__setitem__, "value")


def in_closure(use, value):
    def f(x):
        return use(value, x)

    def put(new):
        nonlocal value
        value = new

    return f, put


def in_a_closure_of_a_helper(use, value):
    def helper(x):
        return use(value, x)

    def put(new):
        nonlocal value
        value = new

    return lambda x: helper(x), put


def in_default(use, value):
    def f(x, value=value):
        return use(value, x)

    return f, lambda new: setattr(f, "__defaults__", (new,))


def in_keyword_default(use, value):
    def f(x, *, value=value):
        return use(value, x)

    return f, lambda new: f.__kwdefaults__.__setitem__("value", new)


class Holder:
    pass


def in_attribute(use, value):
    holder = Holder()
    holder.value = value
    return lambda x: use(holder.value, x), lambda new: setattr(holder, "value", new)


def in_attribute_of_attribute(use, value):
    outer = Holder()
    outer.inner = Holder()
    outer.inner.value = value
    return lambda x: use(outer.inner.value, x), lambda new: setattr(outer.inner, "value", new)


def in_self(use, value):
    class Model:
        def __init__(self):
            self.value = value

        def __call__(self, x):
            return use(self.value, x)

    model = Model()
    return lambda x: model(x), lambda new: setattr(model, "value", new)


def in_class(use, value):
    kind = type("Config", (), {"value": staticmethod(value) if isinstance(value, types.FunctionType) else value})
    return lambda x: use(kind.value, x), lambda new: setattr(
        kind, "value", staticmethod(new) if isinstance(new, types.FunctionType) else new
    )


def in_base_class(use, value):
    base = type("Base", (), {"value": staticmethod(value) if isinstance(value, types.FunctionType) else value})
    config = type("Config", (base,), {})()
    return lambda x: use(config.value, x), lambda new: setattr(
        base, "value", staticmethod(new) if isinstance(new, types.FunctionType) else new
    )


def in_module(use, value):
    module = types.ModuleType("config")
    module.value = value
    return lambda x: use(module.value, x), lambda new: setattr(module, "value", new)


def in_property(use, value):
    class Config:
        def __init__(self):
            self._value = value

        @property
        def value(self):
            return self._value

    config = Config()
    return lambda x: use(config.value, x), lambda new: setattr(config, "_value", new)


def in_replaced_property(use, value):
    kind = type("Config", (), {"value": property(lambda self: value)})
    config = kind()
    return lambda x: use(config.value, x), lambda new: setattr(kind, "value", property(lambda self: new))


def in_slot(use, value):
    class Config:
        __slots__ = ("value",)

    config = Config()
    config.value = value
    return lambda x: use(config.value, x), lambda new: setattr(config, "value", new)


def in_dataclass(use, value):
    @dataclasses.dataclass
    class Config:
        value: object

    config = Config(value)
    return lambda x: use(config.value, x), lambda new: setattr(config, "value", new)


def in_dict(use, value):
    box = {"value": value}
    return lambda x: use(box["value"], x), functools.partial(box.__setitem__, "value")


def by_get(use, value):
    box = {"value": value}
    return lambda x: use(box.get("value"), x), functools.partial(box.__setitem__, "value")


def in_ordered_dict(use, value):
    box = collections.OrderedDict(value=value)
    return lambda x: use(box["value"], x), functools.partial(box.__setitem__, "value")


def in_defaultdict(use, value):
    box = collections.defaultdict(float, value=value)
    return lambda x: use(box["value"], x), functools.partial(box.__setitem__, "value")


def in_list(use, value):
    box = [0, value]
    return lambda x: use(box[-1], x), functools.partial(box.__setitem__, 1)


def in_nested_list(use, value):
    box = {"a": [0, (value,)]}
    return lambda x: use(box["a"][1][0], x), lambda new: box["a"].__setitem__(1, (new,))


def in_a_loop_over_a_list(use, value):
    box = [value, value]

    def f(x):
        for v in box:
            x = use(v, x)
        return x

    return f, functools.partial(box.__setitem__, 0)


def in_a_comprehension(use, value):
    box = [value]
    return lambda x: sum(use(v, x) for v in box), functools.partial(box.__setitem__, 0)


def in_zip(use, value):
    box, other = [value], collections.deque([value])

    def f(x):
        for v, w in zip(box, other):
            x = use(v, x) + use(w, x)
        return x

    return f, functools.partial(other.__setitem__, 0)


def in_deque(use, value):
    box = collections.deque([value])
    return lambda x: use(box[0], x), functools.partial(box.__setitem__, 0)


def in_set(use, value):
    box = {value}

    def put(new):
        box.clear()
        box.add(new)

    return lambda x: use(next(iter(box)), x), put


def in_partial(use, value):
    f = functools.partial(lambda value, x: use(value, x), value)
    return f, lambda new: f.__setstate__((f.func, (new,), f.keywords, None))


def in_partial_keyword(use, value):
    f = functools.partial(lambda x, value: use(value, x), value=value)
    return f, lambda new: f.keywords.__setitem__("value", new)


def by_getattr(use, value):
    holder = Holder()
    holder.value = value
    return lambda x: use(getattr(holder, "val" + "ue"), x), lambda new: setattr(holder, "value", new)


def by_attrgetter(use, value):
    holder, get = Holder(), operator.attrgetter("value")
    holder.value = value
    return lambda x: use(get(holder), x), lambda new: setattr(holder, "value", new)


def by_vars(use, value):
    holder = Holder()
    holder.value = value
    return lambda x: use(vars(holder)["value"], x), lambda new: setattr(holder, "value", new)


def in_a_method(use, value):
    def method_of(value):
        return lambda self, x: use(value, x)

    kind = type("Model", (), {"run": method_of(value)})
    model = kind()
    return lambda x: model.run(x), lambda new: setattr(kind, "run", method_of(new))


def in_the_code_of_a_function(use, value):
    def function_of(value):
        def inner(x):
            return use(value, x)

        return inner

    box = Holder()
    box.f = function_of(value)

    def put(new):
        box.f = function_of(new)

    return lambda x: box.f(x), put


def in_a_module_of_a_network(use, value):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.options = {"value": value}

        def forward(self, x):
            return use(self.options["value"], x)

    model = Model()
    return lambda x: model(x), functools.partial(model.options.__setitem__, "value")


def in_map(use, value):
    box = [value]
    return lambda x: next(map(functools.partial(use, x=x), box)), functools.partial(box.__setitem__, 0)


HOLDERS = {f.__name__: f for f in list(globals().values()) if getattr(f, "__name__", "").startswith(("in_", "by_"))}
NOT_POSSIBLE = {("in_set", "array"), ("in_a_module_of_a_network", "parameter")}  # no such set; no such module


def outcome(call):
    """An answer as an array, or the type of what is raised."""
    y = call()
    return np.asarray(getattr(y, "data", y))


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("holder", HOLDERS)
def test_another_value_is_seen_or_refused(holder, kind):
    if (holder, kind) in NOT_POSSIBLE:
        return
    first, second = VALUES[kind]
    f, put = HOLDERS[holder](functools.partial(used, kind), first())
    twin, put_twin = HOLDERS[holder](functools.partial(used, kind), first())
    fast = ad.compile(f)
    try:
        for _ in range(3):
            np.testing.assert_array_equal(outcome(lambda: fast(X)), outcome(lambda: twin(X)))
        put(second()), put_twin(second())
        for _ in range(3):
            np.testing.assert_array_equal(outcome(lambda: fast(X)), outcome(lambda: twin(X)))
    except ad.CompileError as error:
        if kind != "generator" or "random numbers are drawn" not in str(error):
            raise


EDITS = {
    "array": lambda a: a.__setitem__(0, 9.0),
    "tensor": lambda t: t.assign_([8.0, 9.0]),
    "parameter": lambda t: t.assign_([8.0, 9.0]),
    "module": lambda m: m.weight.assign_(m.weight.data * 3.0),
    "function": lambda f: setattr(f, "__code__", (lambda x: x * 11.0).__code__),
}


@pytest.mark.parametrize("kind", EDITS)
@pytest.mark.parametrize("holder", HOLDERS)
def test_a_value_edited_in_place_is_seen_or_refused(holder, kind):
    if (holder, kind) in NOT_POSSIBLE:
        return
    value = VALUES[kind][0]()
    f, _ = HOLDERS[holder](functools.partial(used, kind), value)
    fast = ad.compile(f)
    for _ in range(2):
        fast(X), fast(X)
        EDITS[kind](value)
        np.testing.assert_array_equal(outcome(lambda: fast(X)), outcome(lambda: f(X)))


PLAIN = {
    "a sum": lambda a, x: x * a.sum(),
    "an item": lambda a, x: x * a[0],
    "a part": lambda a, x: x * a[:1],
    "a function": lambda a, x: x * np.exp(a),
    "an operator": lambda a, x: (a * 2.0) * x,
    "a tensor of it": lambda a, x: ad.tensor(a) * x,
    "a float of it": lambda a, x: x * float(a[1]),
    "a loop over it": lambda a, x: sum(x * v for v in a),
    "a list of it": lambda a, x: x * a.tolist()[0],
    "unpacked": lambda a, x: (lambda p, q: x * p - q)(*a),
    "stacked": lambda a, x: x * np.stack([a, a])[0],
    "compared": lambda a, x: x if (a > 1.5).all() else -x,
    "a transform": lambda a, x: ad.grad(lambda w: np.sum(w * x * a))(a),
    "a copy": lambda a, x: copy.copy(a) * x,
    "asarray": lambda a, x: np.asarray(a, np.float32) * x,
    "truth": lambda a, x: x if a.any() else -x,
    "a layer": lambda a, x: layer(0)(a) + x,
    "a loss": lambda a, x: nn.mse_loss(ad.tensor(x), np.stack([a, a])),
    "einsum": lambda a, x: np.einsum("i,j->ij", a, a) * x,
    "a view": lambda a, x: a[::-1] * x,
    "at": lambda a, x: ad.tensor(x).at[0].set(a),
}


@pytest.mark.parametrize("how", PLAIN)
@pytest.mark.parametrize("holder", ["in_closure", "in_global", "in_attribute", "in_list", "in_default"])
def test_an_array_that_plain_numpy_reads_is_not_stale(holder, how):
    a = np.array([1.0, 2.0])
    f, _ = HOLDERS[holder](PLAIN[how], a)
    fast = ad.compile(f)
    for value in (2.5, -1.0, 3.0):
        fast(X), fast(X)
        a[:] = [value, 1 - value]
        np.testing.assert_array_equal(outcome(lambda: fast(X)), outcome(lambda: f(X)))


# --- what a function does beside computing --------------------------------------------------------


class Counter:
    count = 0

    def __init__(self):
        self.seen, self.last = [], None


def effects():
    """Functions that change something from outside, and what shows it."""
    counter, log, box, rows = Counter(), [], {}, iter(range(100))
    cells = {"n": 0}
    deque, memo = collections.deque([1, 2, 3]), {}
    array = np.zeros(2)
    n = 0

    def closure(x):
        nonlocal n
        n += 1
        return x * 2

    def attribute(x):
        counter.last = 3.0
        return x * 2

    def increment(x):
        counter.count += 1
        return x * 2

    def on_class(x):
        Counter.count += 1
        return x * 2

    def memoised(x):
        if "y" not in memo:
            memo["y"] = 3.0
        return x * memo["y"]

    def in_place(x):
        array[0] += 1.0
        return x * 2

    def deleted(x):
        del cells["n"]
        return x * 2

    yield "append", lambda x: (log.append(1), x * 2)[1], lambda: len(log)
    yield "dict", lambda x: (box.update(a=len(box)), x * 2)[1], lambda: dict(box)
    yield "setdefault", lambda x: x * box.setdefault("b", 2.0), lambda: dict(box)
    yield "next", lambda x: x * next(rows), lambda: next(rows)
    yield "pop", lambda x: x * deque.popleft(), lambda: list(deque)
    yield "closure", closure, lambda: n
    yield "attribute", attribute, lambda: counter.last
    yield "increment", increment, lambda: counter.count
    yield "class", on_class, lambda: Counter.count
    yield "list of an object", lambda x: (counter.seen.append(1), x)[1], lambda: counter.seen
    yield "setattr", lambda x: (setattr(counter, "last", 5), x)[1], lambda: counter.last
    yield "memo", memoised, lambda: dict(memo)
    yield "array", in_place, lambda: array.copy()
    yield "fill", lambda x: (array.fill(3.0), x)[1], lambda: array.copy()
    yield "copyto", lambda x: (np.copyto(array, 1.0), x)[1], lambda: array.copy()
    yield "function attribute", lambda x: (setattr(closure, "calls", 1), x)[1], lambda: vars(closure)
    yield "deleted", deleted, lambda: dict(cells)
    yield "extend by map", lambda x: (list(map(log.append, [1])), x)[1], lambda: len(log)
    yield "argument", lambda x: x.__iadd__(1.0), lambda: 0
    yield "a list argument", lambda x: x, lambda: 0


@pytest.mark.parametrize("name", [name for name, _, _ in effects()])
def test_what_changes_the_world_is_refused_before_it_happens(name):
    f, state = next((f, state) for n, f, state in effects() if n == name)
    if name == "a list argument":
        kept = []
        with pytest.raises(ad.CompileError, match="list from outside"):
            ad.compile(lambda x, out: (out.append(1), x)[1])(X, kept)
        assert kept == []
        return
    if name == "next":
        with pytest.raises(ad.CompileError, match="advances it"):
            ad.compile(f)(X)
        assert state() == 0
        return
    x, before = X.copy(), copy.deepcopy(state())
    with pytest.raises(ad.CompileError, match=r"while|write"):
        ad.compile(f)(x)
    np.testing.assert_array_equal(x, X)
    if name != "extend by map":  # a function of C did it, which is seen afterwards
        assert str(state()) == str(before)


@pytest.mark.parametrize(
    ("f", "told"),
    [
        (lambda x: x * __import__("time").time(), "the clock"),
        (lambda x: x * len(__import__("os").environ), "environment"),
        (lambda x: x * len(__import__("os").getcwd()), "operating system"),
        (lambda x: x * len(open(__file__).read()), "a file"),  # noqa: SIM115 - as users write it
        (lambda x: x * len(np.loadtxt(__file__)), "a file"),
        (lambda x: x * random.random(), "random numbers"),
        (lambda x: x * random.gauss(0, 1), "random numbers"),
        (lambda x: x + np.random.normal(size=2), "random numbers"),  # noqa: NPY002  # the global state is the subject
        (lambda x: x + np.random.default_rng().normal(size=2), "without a seed"),
        (lambda x: x * __import__("datetime").datetime.now().second, "the clock"),
        (lambda x: x * len(__import__("uuid").uuid4().hex), "random numbers"),
        (lambda x: x * len(__import__("pathlib").Path(__file__).read_text()), "a file"),
        (lambda x: x * len(input()), "the user"),
        (lambda x: x * (2 if isinstance(x, np.ndarray) else 3), "isinstance"),
        (lambda x: x * (2 if type(x) is np.ndarray else 3), "type()"),
    ],
)
def test_looks_outside_of_the_program_are_refused(f, told):
    with pytest.raises(ad.CompileError, match=told) as error:
        ad.compile(f)(X)
    assert "test_compile_reading.py" in str(error.value)


def test_a_refusal_that_is_caught_is_one_all_the_same():
    def f(x):
        try:
            return x * float(x[0, 0])
        except Exception:
            return x * 100

    with pytest.raises(ad.CompileError, match=r"float\(\)"):
        ad.compile(f)(X)

    def g(x):
        with contextlib.suppress(Exception):
            LOG.append(1)
        return x * 2

    with pytest.raises(ad.CompileError, match="append"):
        ad.compile(g)(X)
    assert LOG == []


LOG: list[int] = []


def test_what_is_harmless_is_named_once(capsys):
    def f(x):
        print("here")  # noqa: T201 - what is tested
        return x * 2

    fast = ad.compile(f, check=2)
    with pytest.warns(UserWarning, match=r"calls print\(\) at .*test_compile_reading\.py"):
        fast(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fast(X), fast(X), fast(X), fast(X)
    assert capsys.readouterr().out == "here\n" * 3  # when it was traced, and when it was compared


@pytest.mark.parametrize(
    "place", ["in_closure", "in_global", "in_attribute", "in_dict", "in_list", "in_slot", "argument"]
)
def test_a_known_generator_is_drawn_from_anew(place):
    rng = np.random.default_rng(3)
    expected = np.random.default_rng(3).normal(size=(5, 2))
    if place == "argument":
        fast = ad.compile(lambda x, r: x + r.normal(size=2))
        found = [fast(np.zeros(2), rng) for _ in range(5)]
    else:
        f, _ = HOLDERS[place](lambda r, x: x + r.normal(size=2), rng)
        fast = ad.compile(f)
        found = [fast(np.zeros(2)) for _ in range(5)]
    np.testing.assert_array_equal(found, expected)
    assert type(rng) is np.random.Generator and len(fast.sources) == 1


def test_a_branch_on_a_draw_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ad.CompileError, match="a branch"):
        ad.compile(lambda x: x if rng.random() < 0.5 else -x)(X)


def test_objects_made_inside_may_be_changed():
    def f(x):
        log, box = [], Counter()
        for i in range(3):
            log.append(x * i)
            box.seen.append(i)
            box.count += 1
        return sum(log) * box.count

    fast = ad.compile(f)
    for _ in range(3):
        np.testing.assert_array_equal(fast(X), f(X))


def test_a_value_kept_from_a_trace_says_whose_it_is():
    queued = queue.SimpleQueue()  # which nobody looks into

    def f(x):
        y = x * 2
        list(map(queued.put, [y]))
        return y

    ad.compile(f)(X)
    kept = [queued.get()]
    for use in (lambda y: y + 1, np.asarray, np.sum, float, repr):
        with pytest.raises(ad.CompileError, match=r"kept from .*f") if use is not repr else warnings.catch_warnings():
            use(kept[0])


# --- the second look ------------------------------------------------------------------------------


def test_a_program_that_differs_is_told_with_its_line_and_nothing_is_lost():
    w = ad.tensor([1.0, 2.0], requires_grad=True, name="w")
    optimizer = optim.Adam([w], 0.1)
    source = HiddenNumbers()

    def step(x):
        loss = (w * x * source.scale()).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    for fallback in (False, True):
        source.number = 1.0
        fast = ad.compile(step, fallback=fallback)
        fast(np.ones(2))
        source.number = 3.0
        before, state = w.data.copy(), optimizer.state_dict()
        if fallback:
            with pytest.warns(UserWarning, match="does not do what the function does"):
                fast(np.ones(2))
            assert not np.array_equal(w.data, before)
            continue
        with pytest.raises(ad.CompileError, match=r"does not do what the function does.*line \d+: .*"):
            fast(np.ones(2))
        np.testing.assert_array_equal(w.data, before)
        for key, value in optimizer.state_dict().items():
            np.testing.assert_array_equal(value, state[key])


class HiddenNumbers:
    """Its number comes by a function of C that keeps it where nobody looks."""

    def __init__(self):
        self._view = np.zeros(1)
        self.read = functools.partial(memoryview(self._view).__getitem__, 0)

    @property
    def number(self):
        return self._view[0]

    @number.setter
    def number(self, value):
        self._view[0] = value

    def scale(self):
        return self.read()


def test_second_looks_leave_generators_where_the_function_leaves_them():
    drop = nn.Dropout(0.5)
    nn.manual_seed(5)
    expected = [drop(np.ones(50)).data for _ in range(4)]
    nn.manual_seed(5)
    fast = ad.compile(lambda x: drop(x), check="always")
    for y in expected:
        np.testing.assert_array_equal(fast(np.ones(50)).data, y)


# --- threads, contexts, other tracers -------------------------------------------------------------


def test_no_other_thread_sees_what_is_traced():
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1))
    x = np.ones((3, 4), np.float32)
    right, errors, stop = model(x).data.copy(), [], threading.Event()

    def use():
        while not stop.is_set():
            for p in model.parameters():
                if type(p.data) is not np.ndarray or p.grad is not None:
                    errors.append(p)
            if not np.array_equal(model(x).data, right):
                errors.append("numbers")

    thread = threading.Thread(target=use)
    thread.start()
    for n in range(1, 30):
        ad.compile(lambda x: ad.value_and_grad(lambda x: model(x).sum())(x))(np.ones((n, 4), np.float32))
    stop.set()
    thread.join()
    assert errors == []
    assert {type(p) for p in model.parameters()} == {nn.Parameter}


def test_eight_first_calls_are_one_trace():
    fast, go, found = ad.compile(lambda x: np.tanh(x) * 2), threading.Barrier(8), []

    def call():
        go.wait()
        found.append(fast(X))

    threads = [threading.Thread(target=call) for _ in range(8)]
    [t.start() for t in threads], [t.join() for t in threads]
    assert len(fast.sources) == 1
    for y in found:
        np.testing.assert_array_equal(y, np.tanh(X) * 2)


class Outside:
    """Things that a function may change where no instruction shows it."""

    def __init__(self):
        self.list, self.dict, self.set, self.bytes = [1.0, 5.0, 7.0, 9.0], {"n": 1}, {1}, bytearray(b"ab")
        self.deque, self.numbers = collections.deque([1, 2]), array.array("d", [1.0])
        self.array, self.views = np.zeros(2), np.zeros((2, 3))

    def state(self):
        return {name: v.tolist() if isinstance(v, np.ndarray) else copy.copy(v) for name, v in vars(self).items()}


def _row(o, x):
    v = o.views[1]
    v += 1


def _flat(o, x):
    o.views.T.flat[0] = 3.0


def _each(o, x):
    for y in np.nditer(o.array, op_flags=["readwrite"]):
        y[...] = 7.0


CHANGES = {
    "heap": lambda o, x: heapq.heappush(o.list, 2.0),
    "in order": lambda o, x: bisect.insort(o.list, 3.0),
    "shuffled": lambda o, x: np.random.default_rng(0).shuffle(o.list),
    "unbound": lambda o, x: list.append(o.list, 4.0),
    "operator": lambda o, x: operator.setitem(o.dict, "n", o.dict["n"] + 1),
    "mapped": lambda o, x: list(map(o.dict.pop, ["n"], [0])),
    "set": lambda o, x: list(map(o.set.add, [2])),
    "deque": lambda o, x: list(map(o.deque.append, [3])),
    "bytes": lambda o, x: list(map(o.bytes.append, [99])),
    "numbers": lambda o, x: list(map(o.numbers.append, [2.0])),
    "out": lambda o, x: np.add(o.array, 1.0, out=o.array),
    "out by place": lambda o, x: np.add(o.array, 1.0, o.array),
    "out of a tuple": lambda o, x: np.frexp([3.0, 5.0], out=(o.array, np.zeros(2, np.int32))),
    "out of a partial": lambda o, x: functools.partial(np.add, out=o.array)(o.array, 1.0),
    "out of a method": lambda o, x: np.ones(2).cumsum(out=o.array),
    "out of einsum": lambda o, x: np.einsum("i,i->i", np.ones(2), np.ones(2), out=o.array),
    "at": lambda o, x: np.add.at(o.array, [0], 1.0),
    "copyto": lambda o, x: np.copyto(src=np.ones(2), dst=o.array),
    "a view filled": lambda o, x: o.views[0].fill(2.0),
    "a view in place": _row,
    "flat": _flat,
    "nditer": _each,
    "a view's memory": lambda o, x: memoryview(o.array).__setitem__(0, 2.0),
    "refused later": lambda o, x: (heapq.heappush(o.list, 2.0), o.list.append(3.0)),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("fallback", [False, True])
def test_a_change_that_no_instruction_shows_is_found_and_put_back(name, fallback):
    mine, plain = Outside(), Outside()
    change = CHANGES[name]

    def f(o, x):
        change(o, x)
        return x * 2

    fast = ad.compile(lambda x: f(mine, x), fallback=fallback)
    before = mine.state()
    for _ in range(2):
        if fallback:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                fast(X)
            f(plain, X)
            assert mine.state() == plain.state()
        else:
            with pytest.raises(ad.CompileError, match="outside"):
                fast(X)
            assert mine.state() == before


def test_what_a_function_of_the_users_leaves_when_it_raises_is_what_the_plain_call_leaves():
    seen, w = [], ad.tensor([1.0, 2.0], requires_grad=True)

    def f(x):
        heapq.heappush(seen, 1.0)
        (w * x).sum().backward()
        raise ValueError("mine")

    fast = ad.compile(f)
    for k in (1, 2):
        with pytest.raises(ValueError, match="mine") as error:
            fast(np.ones(2))
        assert error.value.__context__ is None
        assert seen == [1.0] * k
        np.testing.assert_array_equal(w.grad, [k, k])


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_leaves_nothing_behind(error):
    w = ad.tensor([1.0, 2.0], requires_grad=True)

    def f(x):
        y = (w * x).sum()
        y.backward()
        raise error

    before = sys.gettrace()
    for k in range(2):
        with pytest.raises(error):
            ad.compile(f)(np.ones(2))
        assert sys.gettrace() is before and type(w) is ad.Tensor
        assert ad.is_compiling() is False and (w * 2).requires_grad
        if error is KeyboardInterrupt:
            assert w.grad is None
        else:  # what the plain call leaves half done
            np.testing.assert_array_equal(w.grad, [k + 1.0, k + 1.0])


def test_a_users_tracer_and_profiler_go_on():
    lines, calls = set(), []

    def tracer(frame, event, arg):
        if frame.f_code is f.__code__:
            lines.add((event, frame.f_lineno - f.__code__.co_firstlineno))
        return tracer

    def f(x):
        y = x * 2
        return y + 1

    before = sys.gettrace(), sys.getprofile()
    sys.settrace(tracer)
    profiler = lambda frame, event, arg: calls.append(1) if frame.f_code is f.__code__ and event == "call" else None
    sys.setprofile(profiler)
    try:
        ad.compile(f)(X)
        assert sys.gettrace() is tracer and sys.getprofile() is profiler
    finally:
        sys.settrace(before[0]), sys.setprofile(before[1])
    assert {("call", 0), ("line", 1), ("line", 2), ("return", 2)} <= lines and calls == [1]


def test_switches_of_interleaved_generators_and_tasks():
    x = ad.tensor(1.0, requires_grad=True)

    def generator():
        with ad.no_grad():
            yield (x * 2).requires_grad
            yield (x * 2).requires_grad

    a, b = generator(), generator()
    assert [next(a), next(b), next(a)] == [False] * 3
    assert next(a, None) is None  # the first to be opened is the first to be closed
    assert next(b) is False
    assert next(b, None) is None
    assert (x * 2).requires_grad

    async def quiet(delay):
        with ad.no_grad():
            await asyncio.sleep(delay)
            return (x * 2).requires_grad

    async def recorded(delay):
        await asyncio.sleep(delay)
        return (x * 2).requires_grad

    async def both():
        return await asyncio.gather(quiet(0.01), recorded(0.005), quiet(0.0), recorded(0.02))

    assert asyncio.run(both()) == [False, True, False, True]
    assert (x * 2).requires_grad


def test_a_generator_closed_in_another_thread_leaves_recording_on():
    x = ad.tensor(1.0, requires_grad=True)

    def generator():
        with ad.no_grad():
            yield

    g = generator()
    next(g)
    thread = threading.Thread(target=g.close)
    thread.start(), thread.join()
    assert (x * 2).requires_grad


def test_what_scipy_remembers_is_no_change():
    # Its products keep the dtype of each pair of dtypes in a dict; this pair is met nowhere else in the suite.
    sparse = pytest.importorskip("scipy.sparse", reason="SciPy is not installed")
    f = ad.compile(lambda x: np.sum(abs(ad.sparse_matmul(sparse.csr_array(np.eye(3, dtype=np.float32)), x))))
    for _ in range(3):
        assert f(np.ones((3, 2), np.complex128)) == 6.0


def test_what_the_garbage_collector_runs_meanwhile_is_no_part_of_the_function(request):
    class Node:
        pass

    linecache.cache["<a node>"] = (0, None, [], "<a node>")

    def forget():  # as SymPy does for functions that it has made
        if "<a node>" in linecache.cache:
            linecache.cache.pop("<a node>")

    def f(x):
        gc.collect()  # as it may come at any time
        return np.sin(x)

    gc.disable()  # until f runs
    request.addfinalizer(gc.enable)
    node = Node()
    node.itself = node
    weakref.finalize(node, forget)
    del node
    compiled = ad.compile(f)
    for _ in range(3):
        assert compiled(np.ones(2)).tolist() == np.sin(np.ones(2)).tolist()
    assert "<a node>" not in linecache.cache
