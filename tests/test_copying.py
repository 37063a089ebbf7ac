"""Pickles and copies: leaves, graphs with all that leads to them, networks with their optimisers."""

import concurrent.futures
import copy
import dataclasses
import gc
import itertools
import multiprocessing
import operator
import pickle
import sys
import types
import weakref

import numpy as np
import pytest

import autodiff as ad
import nn
import optim
from autodiff.core import copying
from autodiff.drawing.graph import read_graph
from autodiff.flat import house
from autodiff.testing import all_primitives


def pickled(thing):
    return pickle.loads(pickle.dumps(thing))


def pickled_by_protocol_2(thing):
    return pickle.loads(pickle.dumps(thing, protocol=2))


def pickled_in_python(thing):
    """By the pickler that is written in Python, whose stack is Python's."""
    import io

    file = io.BytesIO()
    pickle._Pickler(file).dump(thing)
    return pickle._loads(file.getvalue())


WAYS = [pickled, pickled_by_protocol_2, pickled_in_python, copy.deepcopy]
way = pytest.mark.parametrize("way", WAYS, ids=lambda f: f.__name__)
both = pytest.mark.parametrize("way", [pickled, copy.deepcopy], ids=lambda f: f.__name__)


def tracked(value, name=None):
    return ad.tensor(value, requires_grad=True, name=name)


def gradient_of(y, *leaves):
    for leaf in leaves:
        leaf.zero_grad()
    y.backward()
    return [leaf.grad for leaf in leaves]


# --- leaves


@pytest.mark.parametrize("copied", [*WAYS, copy.copy], ids=lambda f: f.__name__)
@pytest.mark.parametrize("value", [2.5, [1.0, 2.0], np.float32([[1], [2]]), [1 + 2j], np.ones((0, 3))])
def test_a_leaf_keeps_all_it_has(copied, value):
    x = tracked(value, "x")
    x.grad = x.data * 3
    c = copied(x)
    assert type(c) is ad.Tensor and c.requires_grad and c.is_leaf and c.name == "x"
    assert c.dtype == x.dtype and type(c.data) is type(x.data)
    np.testing.assert_array_equal(c.data, x.data)
    np.testing.assert_array_equal(c.grad, x.grad)
    c.grad = np.zeros(c.shape)
    np.testing.assert_array_equal(x.grad, x.data * 3)
    c.assign_(np.zeros(c.shape))
    np.testing.assert_array_equal(x.data, ad.tensor(value).data)


@pytest.mark.parametrize("copied", [*WAYS, copy.copy], ids=lambda f: f.__name__)
def test_what_is_not_tracked_stays_so(copied):
    c = copied(ad.Tensor([1.0, 2.0]))
    assert not c.requires_grad and c.grad is None and c.data.tolist() == [1.0, 2.0]
    assert copied(ad.Tensor(np.arange(3))).dtype == np.arange(3).dtype


@way
def test_a_frozen_leaf_keeps_its_name_for_later(way):
    x = tracked([1.0], "x").requires_grad_(False)
    c = way(x)
    assert not c.requires_grad
    assert c.requires_grad_().name == "x"


@pytest.mark.parametrize("copied", [*WAYS, copy.copy], ids=lambda f: f.__name__)
def test_a_parameter_stays_a_parameter(copied):
    assert type(copied(nn.Parameter(np.ones(2)))) is nn.Parameter


@both
def test_one_parameter_does_not_bring_its_neighbours(way):
    small, large = tracked([1.0, 2.0]), tracked(np.zeros(100_000))
    house([small, large])
    assert len(pickle.dumps(small)) < 2000
    c = way(small)
    assert c.data.base is None or c.data.base.size < 10
    c.assign_([7.0, 7.0])
    assert small.data.tolist() == [1.0, 2.0]


# --- graphs


def f_several_outputs(x):
    w, v = np.linalg.eigh(x.reshape(2, 2) + x.reshape(2, 2).T)
    return (w * v[0] ** 2).sum()


def f_lists(x):
    a, b = np.split(np.concatenate([x, 2 * x]), 2)
    return (np.stack([a, b * x])[::-1, 1:] ** 3).sum()


FUNCTIONS = {
    "elementwise": lambda x: (np.sin(x) * x - x / 3 + 2**x).sum(),
    "masks": lambda x: np.where(x > 1, np.sqrt(x), 0).sum() + np.maximum(x, 1.0).max(),
    "index arrays": lambda x: (x[np.array([0, 0, 2])] * x.at[1:3].set(4.0 * x[0])[:3]).sum(),
    "products": lambda x: np.einsum("ij,jk->", x.reshape(2, 2), np.cos(x).reshape(2, 2)),
    "several outputs": f_several_outputs,
    "lists": f_lists,
    "cross-entropy": lambda x: nn.cross_entropy(x.reshape(2, 2), np.array([0, 1])),
    "float32": lambda x: x.astype(np.float32).mean(),
}
each_function = pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS)


@way
@each_function
def test_a_graph_has_the_same_gradients(way, f):
    x = tracked([0.5, 1.5, 2.5, 0.7], "x")
    y = f(x)
    c, z = way((x, y))
    assert z.requires_grad and not z.is_leaf and z.dtype == y.dtype
    np.testing.assert_array_equal(z.data, y.data)
    np.testing.assert_array_equal(*gradient_of(z, c), *gradient_of(y, x))
    assert x.grad is not None and not np.shares_memory(x.grad, c.grad)


@both
@each_function
def test_second_derivatives_survive(way, f):
    x = tracked([0.5, 1.5, 2.5, 0.7])
    y = f(x)
    c, z = way([x, y])

    def second(y, x):
        (g,) = ad.gradients(y, [x], create_graph=True)
        return ad.gradients((g * g).sum(), [x])[0].data if g.requires_grad else g.data

    np.testing.assert_array_equal(second(z, c), second(y, x))


@both
def test_a_gradient_that_was_recorded_is_copied_with_its_graph(way):
    x = tracked([0.5, 1.5])
    (g,) = ad.gradients((np.exp(x) * x).sum(), [x], create_graph=True)
    c, h = way([x, g])
    np.testing.assert_array_equal(*gradient_of(h.sum(), c), *gradient_of(g.sum(), x))


def test_a_shallow_copy_of_a_result_is_at_the_same_place():
    x = tracked([1.0, 2.0])
    y = (x * x).sum()
    z = copy.copy(y)
    assert z is not y and z.data is y.data
    z.backward()
    assert x.grad.tolist() == [2.0, 4.0]


@way
def test_a_long_chain_needs_no_stack(way):
    x = tracked(1.0)
    y = x
    for _ in range(20_000):
        y = y * 1.00001
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(400)
    try:
        c, z = way((x, y))
    finally:
        sys.setrecursionlimit(limit)
    assert gradient_of(z, c) == gradient_of(y, x)


def test_loaded_nodes_are_numbered_anew_and_work_with_others():
    x = tracked([1.0, 2.0])
    y = np.exp(x) * x
    latest = ad.tensor(0.0, requires_grad=True)._node.number
    c, z = pickled((x, y))
    assert z._node.number > z._node.parents[0].number > latest
    w = tracked([3.0, 4.0])
    total = (z * w + y).sum()
    total.backward()
    np.testing.assert_array_equal(w.grad, y.data)
    np.testing.assert_allclose(c.grad, np.exp(c.data) * (1 + c.data) * w.data, rtol=1e-15)
    np.testing.assert_allclose(x.grad, np.exp(x.data) * (1 + x.data), rtol=1e-15)


def test_a_name_of_a_result_is_kept():
    x = tracked([1.0])
    y = x * x
    y.name = "square"
    assert pickled(y).name == copy.deepcopy(y).name == "square"


# --- what is shared


def nodes_of(*results):
    found = {r._node for r in results}
    stack = list(found)
    for node in stack:
        for parent in node.parents:
            if parent is not None and parent not in found:
                found.add(parent)
                stack.append(parent)
    return found


@way
@pytest.mark.parametrize("order", ["leaf first", "leaf last", "in a dict"])
def test_results_in_one_container_go_on_sharing(way, order):
    x = tracked([0.5, 1.5])
    shared = np.exp(x)
    a, b = (shared * x).sum(), (shared**2).sum()
    if order == "leaf first":
        c, d, e = way([x, a, b])
    elif order == "leaf last":
        d, e, c = way([a, b, x])
    else:
        out = way({"results": {"a": a, "b": [b]}, "x": x})
        c, d, e = out["x"], out["results"]["a"], out["results"]["b"][0]
    assert len(nodes_of(d, e)) == len(nodes_of(a, b))
    (d + e).backward()
    (a + b).backward()
    np.testing.assert_array_equal(c.grad, x.grad)


def test_two_pickles_do_not_share():
    x = tracked([1.0])
    y = x * x
    c, z = pickled(x), pickled(y)
    with pytest.raises(ad.GradientError, match="not pickled with it"):
        z.backward(np.ones(1))
    assert c.grad is None


# --- no gradient is lost in silence


@dataclasses.dataclass
class Parts:
    a: object


STAYING = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "astuple": lambda t: dataclasses.astuple(Parts(t))[0],
    "asdict": lambda t: dataclasses.asdict(Parts([t]))["a"][0],
    "in an object": lambda t: copy.deepcopy(types.SimpleNamespace(held={"t": t})).held["t"],
    "twice": lambda t: copy.deepcopy(copy.copy(copy.deepcopy(t))),
}
staying = pytest.mark.parametrize("copied", STAYING.values(), ids=STAYING)


@staying
@pytest.mark.parametrize("late", [False, True], ids=["argument", "result"])
def test_inside_a_transform_a_copy_stays_connected(copied, late):
    x = np.array([1.0, 2.0, 4.0])
    f = lambda v: np.sum(copied(v) ** 2) if not late else np.sum(copied(v * v))
    np.testing.assert_array_equal(ad.grad(f)(x), 2 * x)
    np.testing.assert_array_equal(ad.jvp(f, (x,), (x,))[1], 2 * x @ x)
    np.testing.assert_array_equal(ad.hessian(f)(x), 2 * np.eye(3))
    np.testing.assert_array_equal(ad.grad(ad.checkpoint(f))(x), 2 * x)
    t = tracked(x)
    ad.grad(f)(t).sum().backward()  # a transform of something that is tracked outside
    assert t.grad.tolist() == [2.0, 2.0, 2.0]


def test_a_new_leaf_is_not_made_of_a_result_unasked():
    x = tracked([1.0, 2.0])
    for derive in (
        lambda: ad.tensor(x * 2, requires_grad=True),
        lambda: ad.grad(lambda v: new_leaf(v).sum())(np.ones(2)),
    ):
        with pytest.raises(
            ad.UntrackedError, match=r"a new leaf of .*silently.*ad\.tensor\(x\.detach\(\), requires_grad"
        ):
            derive()
    new = ad.tensor(x, requires_grad=True)
    assert new.is_leaf and new.requires_grad and new is not x
    named = ad.tensor(x * 3, name="y")
    assert named.name == "y" and ad.gradients(named.sum(), [x])[0].data.tolist() == [3.0, 3.0]


def new_leaf(v):
    return ad.tensor(v, requires_grad=True)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy], ids=lambda f: f.__name__)
def test_copies_are_made_in_compiled_functions(copied):
    w, x = tracked([1.0, 2.0]), np.array([3.0, 4.0])
    closed_over = lambda: ad.gradients(copied(w * w).sum(), [w])[0]
    assert ad.compile(closed_over)().data.tolist() == closed_over().data.tolist() == [2.0, 4.0]
    inside = ad.grad(lambda v: (copied(v) ** 2).sum())
    np.testing.assert_array_equal(ad.compile(inside)(x), inside(x))


@staying
def test_the_copy_of_a_result_depends_on_the_leaf_that_stayed(copied):
    x = tracked([1.0, 2.0])
    h = x * x
    y = copied(h * h)
    assert np.array_equal(ad.gradients(y.sum(), [h])[0], 2 * h.data)
    y.sum().backward()
    assert x.grad.tolist() == [4.0, 32.0]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_a_deep_copy_depends_on_the_copies_that_came_along_and_on_the_originals_of_the_others(order):
    x, w, stays = tracked([2.0]), tracked([3.0]), tracked([5.0])
    a = x * w * stays
    b = a * x
    things = [x, w, a, b]
    copies = dict(zip(order, copy.deepcopy([things[i] for i in order]), strict=True))
    (copies[2] + copies[3]).backward()
    assert x.grad is None and w.grad is None and stays.grad.tolist() == [18.0]  # x w + x^2 w
    assert copies[0].grad.tolist() == [75.0] and copies[1].grad.tolist() == [30.0]  # ws + 2xws, xs + x^2 s


@pytest.mark.parametrize("late", [False, True], ids=["argument", "result"])
@pytest.mark.parametrize("way", [pickled, pickled_in_python], ids=lambda f: f.__name__)
def test_a_pickle_of_what_is_being_differentiated_is_refused(way, late):
    w = tracked([1.0, 1.0, 1.0])
    with pytest.raises(ad.GradientError, match=r"differentiating by.*cannot be pickled.*copy\.deepcopy"):
        ad.grad(lambda v: np.sum(way(w * v * v if late else v)))(np.array([1.0, 2.0, 4.0]))
    with pytest.raises(ad.GradientError, match="cannot be pickled"):
        ad.grad(lambda v: np.sum(way(v)))(w)
    assert ad.grad(lambda v: np.sum(v * way(v.detach())))(np.array([3.0])).tolist() == [3.0]


def test_a_process_pool_refuses_what_is_being_differentiated():
    with (
        concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool,
        pytest.raises(ad.GradientError, match="perhaps in another process"),
    ):
        ad.grad(lambda v: next(iter(pool.map(operator.neg, [v]))))(2.0)


def test_a_leaf_that_was_left_behind_refuses_its_gradient_and_nothing_is_changed():
    x, w = tracked([1.0]), tracked([2.0], "w")
    c, z = pickled((x, x * w))
    assert z.data.tolist() == [2.0] and ad.gradients(z, [c])[0].data.tolist() == [2.0]
    for derive in (lambda: z.backward(), lambda: ad.gradients(pickled(x * w), [tracked([0.0]), x])):
        with pytest.raises(ad.GradientError, match=r"the leaf 'w'|the leaf that.*not pickled with it"):
            derive()
    assert c.grad is None
    assert z.detach().data.tolist() == [2.0]


def test_a_picture_of_a_copy_beside_its_original_has_a_box_for_each():
    x = tracked([1.0])
    y = x * x
    _, z = copy.deepcopy((x, y))
    assert len(read_graph([y + z]).vertices) == 5
    assert len({v.key for v in read_graph([y + z]).vertices}) == 5


def trajectory(n):
    states = [tracked([1.0, 2.0])]
    for _ in range(n):
        states.append(np.sin(states[-1] * 1.1))
    return states


@way
@pytest.mark.parametrize("backwards", [False, True])
def test_a_list_of_many_results_shares_one_graph(way, backwards):
    states = trajectory(150)
    if backwards:
        states.reverse()
    copies = way(states)
    assert len(nodes_of(*copies)) == len(nodes_of(*states))
    if backwards:
        states.reverse(), copies.reverse()
    np.testing.assert_array_equal(*gradient_of(copies[-1].sum(), copies[0]), *gradient_of(states[-1].sum(), states[0]))


def test_a_list_of_results_grows_with_its_length_only():
    sizes = [len(pickle.dumps(trajectory(n))) for n in (200, 800)]
    assert sizes[1] < 6 * sizes[0]


def test_a_stretch_that_another_pickler_holds_is_not_recursed_into():
    import io

    states = trajectory(2000)
    holder = pickle.Pickler(io.BytesIO())
    holder.dump(states)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(500)
    try:
        z = pickled_in_python(states[-1])
    finally:
        sys.setrecursionlimit(limit)
    assert len(nodes_of(z)) == len(nodes_of(states[-1]))


def test_nothing_stays_behind():
    gc.collect()
    gc.disable()
    try:
        x = tracked([1.0])
        y = np.sin(x) * x
        node = weakref.ref(y._node)
        pickle.dumps([x, y])
        copy.deepcopy([x, y])
        del y
        assert node() is None
        assert not [s for s in copying._stretches.values() if s() is not None]
    finally:
        gc.enable()


# --- stale stays stale


@way
@pytest.mark.parametrize("settled", [False, True])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_what_was_stale_is_stale_and_nothing_else(way, settled, order):
    w = tracked([1.0, 2.0], "w")
    if settled:
        house([w])
    before = (w * w).sum()
    linear = w.sum()
    w.assign_([3.0, 4.0])
    after = (w * w).sum()
    things = [before, after, w]
    copies = dict(zip(order, way([things[i] for i in order]), strict=True))
    with pytest.raises(ad.StaleError, match="'w' was changed by assign_"):
        copies[0].backward()
    copies[1].backward()
    assert copies[2].grad.tolist() == [6.0, 8.0]
    c, z = way([w, linear])
    assert gradient_of(z, c)[0].tolist() == [1.0, 1.0]


@both
def test_a_value_assigned_before_use_is_not_stale(way):
    w = tracked([1.0])
    w.assign_([2.0])
    y = (w * w).sum()
    c, z = way([w, y])
    assert gradient_of(z, c)[0].tolist() == [4.0]
    c.assign_([5.0])
    with pytest.raises(ad.StaleError):
        z.backward()


# --- primitives

cube = ad.primitive(lambda x: x**3, vjp=[lambda ct, y, x: ct * 3 * x**2], jvp=[lambda t, y, x: t * 3 * x**2], name="c")


@pytest.mark.parametrize("name", all_primitives())
def test_every_primitive_is_pickled_by_reference(name):
    p = all_primitives()[name]
    assert pickled(p) is p
    assert copy.copy(p) is p and copy.deepcopy(p) is p
    assert len(pickle.dumps(p)) < 200


def test_a_primitive_of_the_users_module_is_found():
    x = tracked([2.0])
    c, y = pickled([x, cube(x)])
    y.backward(np.ones(1))
    assert c.grad.tolist() == [12.0]
    assert y._node.primitive is cube


def a_nameless_one():
    return ad.elementwise(lambda x: x * 2, lambda t, y, x: t * 2, name="twice")


def test_a_primitive_without_a_name_in_a_module_is_refused_with_the_reason():
    x = tracked([2.0])
    y = a_nameless_one()(x)
    with pytest.raises(ad.RuleError, match=r"`twice` .*module-level name, twice = ad\.elementwise.*\.detach\(\)"):
        pickle.dumps(y)
    c, z = copy.deepcopy([x, y])  # within one process it needs no name
    z.backward(np.ones(1))
    assert c.grad.tolist() == [2.0]


def test_a_checkpoint_is_copied_but_not_pickled():
    x = tracked([2.0])
    y = ad.checkpoint(lambda x: np.exp(x) * x)(x)
    with pytest.raises(ad.RuleError, match=r"ad\.checkpoint.*your function"):
        pickle.dumps(y)
    c, z = copy.deepcopy([x, y])
    np.testing.assert_array_equal(*gradient_of(z.sum(), c), *gradient_of(y.sum(), x))


def test_a_primitive_that_is_gone_is_named():
    data = pickle.dumps(cube(tracked([2.0])))
    gone = globals().pop("cube")
    try:
        with pytest.raises(ad.RuleError, match=r"`cube` of the module .*test_copying"):
            pickle.loads(data)
    finally:
        globals()["cube"] = gone


# --- networks and optimisers

X = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
Y = np.arange(20) % 2


def network():
    rng = np.random.default_rng(1)
    return nn.Sequential(nn.Linear(3, 5, rng=rng), nn.Tanh(), nn.Linear(5, 2, rng=rng))


def train(model, optimizer, steps=3):
    return [optimizer.step(lambda: nn.cross_entropy(model(X), Y)).item() for _ in range(steps)]


OPTIMISERS = {
    "Adam": lambda p: optim.Adam(p, learning_rate=0.05),
    "Nesterov": lambda p: optim.Momentum(p, learning_rate=0.1, nesterov=True),
    "descent": lambda p: optim.GradientDescent(p, learning_rate=0.1),
    "Newton": lambda p: optim.Newton(p, radius=0.5),
}


@way
@pytest.mark.parametrize("make", OPTIMISERS.values(), ids=OPTIMISERS)
@pytest.mark.parametrize("optimiser_first", [False, True])
def test_a_training_goes_on_where_it_was(way, make, optimiser_first):
    model = network()
    optimizer = make(model.parameters())
    train(model, optimizer)
    pair = way((optimizer, model) if optimiser_first else (model, optimizer))
    other, again = pair[::-1] if optimiser_first else pair
    assert [id(p) for p in again.parameters] == [id(p) for p in other.parameters()]
    before = other.state_dict()
    expected = train(model, optimizer)
    for name, value in other.state_dict().items():  # it has a home of its own
        np.testing.assert_array_equal(value, before[name])
    assert train(other, again) == expected
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], value)
    (run,) = again._runs
    assert all(np.shares_memory(p.data, run.values) for p in other.parameters())
    assert all(leaf.home.base is run.gradients.base for leaf in run.leaves)


@both
def test_options_and_gradients_come_along(way):
    model = network()
    optimizer = optim.Adam(model.parameters(), learning_rate=0.05, betas=(0.5, 0.6))
    nn.cross_entropy(model(X), Y).backward()
    other, again = way((model, optimizer))
    assert again.learning_rate == 0.05 and repr(again) == repr(optimizer)
    optimizer.step()
    again.step()
    for p, q in zip(model.parameters(), other.parameters(), strict=True):
        np.testing.assert_array_equal(p.data, q.data)
        np.testing.assert_array_equal(p.grad, q.grad)
    assert again.state_dict().keys() == optimizer.state_dict().keys()


@both
def test_two_optimisers_share_one_home(way):
    model = network()
    optimizers = [optim.Adam(model.parameters()), optim.Momentum(model.parameters()[::-1])]
    for o in optimizers:
        train(model, o)
    other, *others = way([model, *optimizers])
    for o, c in zip(optimizers, others, strict=True):
        assert train(model, o) == train(other, c)


@both
def test_a_frozen_parameter_stays_frozen(way):
    model = network()
    optimizer = optim.Adam(model.parameters(), learning_rate=0.05)
    train(model, optimizer)
    model[0].weight.requires_grad_(False)
    other, again = way((model, optimizer))
    assert [p.requires_grad for p in other.parameters()] == [False, True, True, True]
    assert train(other, again) == train(model, optimizer)
    for m, o in ((model, optimizer), (other, again)):
        m[0].weight.requires_grad_(True)
        train(m, o)
    np.testing.assert_array_equal(model[0].weight.data, other[0].weight.data)


@both
def test_tied_weights_stay_tied(way):
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    other = way(model)
    assert other[1].weight is other[0].weight and len(other.parameters()) == len(model.parameters())


@both
def test_a_model_that_keeps_its_last_loss_travels_with_it(way):
    model = network()
    optimizer = optim.Adam(model.parameters())
    model.last = nn.cross_entropy(model(X), Y)
    model.last.backward()
    optimizer.step()
    other, again = way((model, optimizer))
    assert other.last.item() == model.last.item()
    with pytest.raises(ad.StaleError):
        other.last.backward()
    assert train(other, again) == train(model, optimizer)
