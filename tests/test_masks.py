"""Masks: every primitive's own against its Jacobian, and sweeps that keep them against sweeps that do not."""

import functools
from contextlib import contextmanager

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.core import masks, sweeps, tape, walks
from autodiff.core.primitives import ELEMENTWISE, MASKING, MULTILINEAR
from autodiff.ops.choices import relu
from autodiff.ops.scans import recurrence
from autodiff.testing import all_primitives
from autodiff.testing.blame import operations
from tests.layer_checks import LAYERS, as_function, first
from tests.op_cases import ALL
from tests.op_cases.checks import assert_close, met_nodes, problem, quiet, tracked
from tests.op_cases.scans import recurrence_reference
from tests.reference.loss_cases import CASES as LOSSES
from tests.reference.loss_cases import name_of
from tests.test_compile_rows import depends_on_values, same

# --- a mask against the Jacobian ------------------------------------------------------------------

SIZE = 64  # entries of an output whose Jacobian is made


def parts_of(y):
    return y if isinstance(y, tuple) else (y,)


def has_masks(primitive):
    return primitive.flags & MASKING or primitive.passes_mask or primitive.mask_pull is not None


def moving(node):
    return [i for i, parent in enumerate(node.parents) if parent is not None]


def zeros(y):
    return tuple(np.zeros_like(part) for part in y) if isinstance(y, tuple) else np.zeros_like(y)


def units(y):
    """For every entry of a result a cotangent, or tangent, that is 1 there."""
    for part in range(len(parts_of(y))):
        for k in range(np.size(parts_of(y)[part])):
            e = [np.zeros(np.shape(p), np.result_type(p)) for p in parts_of(y)]
            e[part].reshape(-1)[k] = 1
            e = [p if p.ndim else p[()] for p in e]
            yield tuple(e) if isinstance(y, tuple) else e[0]


def flat(y):
    return np.concatenate([np.ravel(p) for p in parts_of(y)]) if parts_of(y) else np.zeros(0)


def generic(node):
    """The operation where no slope is 0 by chance, as it is beside a factor 0 or at the mean of a spread."""
    primitive = node.primitive
    if primitive.kind != MULTILINEAR and (primitive.mask_pull is None or primitive.live):
        return node
    rng = np.random.default_rng(3)

    def moved(x):
        return rng.uniform(0.5, 1.5, np.shape(x)).astype(x.dtype)[()] if np.asarray(x).dtype.kind in "fc" else x

    operands = tuple(moved(x) for x in node.operands)
    return tape.Node(
        node.number, primitive, operands, node.parents, node.keywords, primitive(*operands, **node.keywords)
    )


def pulled(node, i, ct):
    """What the rule gives operand `i`. A slope that may be 0 by chance is taken as 1."""
    primitive = node.primitive
    if primitive.kind == ELEMENTWISE and not primitive.live:
        return ct
    head = (ct, node.output, *node.operands) if primitive.takes_output else (ct, *node.operands)
    with np.errstate(all="ignore"):
        if primitive.pulls is None:
            return primitive.joint_pull(*head, **node.keywords)[i]
        return primitive.pulls[i](*head, **node.keywords)


def jacobian(node, i):
    """Which entries of the result depend on which of operand `i`: (entries of the result, entries of the operand)."""
    x = np.asarray(node.operands[i])
    rows = [np.ravel(sweeps.conform(pulled(node, i, e), x, node)) != 0 for e in units(node.output)]
    return np.array(rows, bool).reshape(len(rows), x.size)


def drawn_masks(y, seed):
    """None, and two masks of a result."""
    rng = np.random.default_rng(seed)
    yield None
    for share in (0.5, 0.2):
        live = tuple(np.asarray(rng.random(np.shape(p)) < share) for p in parts_of(y))
        yield live if isinstance(y, tuple) else live[0]


def check_pulled(node):
    """A mask of a cotangent: the entries that some live entry of the result depends on."""
    primitive = node.primitive
    for i in moving(node):
        depends = jacobian(node, i)
        own = masks.own_mask(node, i)
        if i < len(primitive.live) and primitive.live[i] is not None and primitive.kind != ELEMENTWISE:
            np.testing.assert_array_equal(own, depends.any(axis=0).reshape(np.shape(node.operands[i])))
        for live in drawn_masks(node.output, i):
            mask = masks.mask_pulled(node, i, live)
            if mask is None:
                assert live is None or not is_exact(primitive), f"operand {i}: the mask is lost"
                continue
            elementwise = primitive.kind == ELEMENTWISE
            likes = node.output if elementwise else pulled(node, i, next(units(node.output)))
            assert mask.dtype == np.bool_
            assert mask.shape == np.shape(likes) or (mask.shape == np.shape(node.operands[i]) and not elementwise)
            alive = slice(None) if live is None else flat(live)
            mask = np.ravel(masks.any_over_broadcast(mask, np.shape(node.operands[i])))
            compare(mask, depends[alive].any(axis=0), depends.any(axis=0), f"operand {i}", primitive, live)


def check_pushed(node):
    """A mask of a tangent: the entries that depend on a live entry of the operand."""
    primitive = node.primitive
    for i in moving(node):
        depends = jacobian(node, i)
        for live in drawn_masks(node.operands[i], i):
            given = live
            if primitive.kind == ELEMENTWISE and live is not None:
                given = np.broadcast_to(live, np.shape(node.output))
            mask = masks.mask_pushed(node, i, given)
            if mask is None:
                assert live is None or not is_exact(primitive), f"operand {i}: the mask is lost"
                continue
            alive = slice(None) if live is None else np.ravel(live)
            for m, y in zip(parts_of(mask), parts_of(node.output), strict=True):
                assert m.dtype == np.bool_ and (m.shape == np.shape(y) or not isinstance(node.output, tuple))
            mask = flat(tuple(np.broadcast_to(m, np.shape(y)) for m, y in zip(parts_of(mask), parts_of(node.output))))
            compare(mask, depends[:, alive].any(axis=1), depends.any(axis=1), f"operand {i}", primitive, live)


def compare(mask, flows, may_flow, what, primitive, live):
    """Nothing that flows is blocked; what is alive without need is only what no entry at all has an influence on."""
    assert not (flows & ~mask).any(), f"{what}: blocked, but something flows"
    if live is None and primitive.live:
        assert not (mask & ~flows).any(), f"{what}: alive, but nothing flows"
    elif is_exact(primitive):
        assert not (mask & ~flows & may_flow).any(), f"{what}: alive, but nothing flows"


def is_exact(primitive):
    """Whether a mask must come through with nothing lost."""
    return primitive.passes_mask or primitive.mask_pull is not None


NODES = [
    pytest.param(case, p, id=f"{case}-{p.name}") for case in ALL for p in dict.fromkeys(case.covers) if has_masks(p)
]


@functools.cache
def nodes_of(case, primitive):
    """Where the row meets it, with few entries, also at its special points."""
    met = list(met_nodes(case))
    for point in case.points:
        with quiet():
            y = case.fn(*tracked(map(np.asarray, point.operands)), **point.keywords)
        if isinstance(y, ad.Tensor) and y.requires_grad:
            met[:0] = operations({y._node})
    sizes = [(n, sum(map(np.size, parts_of(n.output)))) for n in met if n.primitive is primitive]
    return [generic(n) for n, size in sizes if 0 < size <= SIZE][:12]


@pytest.mark.parametrize(("case", "primitive"), NODES)
def test_a_mask_is_what_the_jacobian_says(case, primitive):
    for node in nodes_of(case, primitive):
        check_pulled(node)
        check_pushed(node)


# --- a wrong mask is noticed ----------------------------------------------------------------------


def _changed(change):
    def spoiled(rule):
        def wrong(*args, **keywords):
            mask = rule(*args, **keywords)
            return tuple(map(change, mask)) if isinstance(mask, tuple) else None if mask is None else change(mask)

        return wrong

    return spoiled


def _without_the_last(mask):
    return mask & (np.arange(mask.size).reshape(mask.shape) != mask.size - 1)


MUTANTS = {
    "all alive": _changed(np.ones_like),
    "all dead": _changed(np.zeros_like),
    "the other way round": _changed(np.logical_not),
    "one entry dead": _changed(_without_the_last),
    "of another shape": _changed(lambda mask: mask[None]),
    "dropped": lambda rule: lambda *args, **keywords: None,
}
OWN = {name: p for name, p in all_primitives().items() if p.live or p.mask_pull is not None}


@contextmanager
def spoiled_masks(primitive, attribute, change):
    before = getattr(primitive, attribute)
    spoiled = tuple(None if r is None else change(r) for r in before) if attribute == "live" else change(before)
    setattr(primitive, attribute, spoiled)
    try:
        yield
    finally:
        setattr(primitive, attribute, before)


@pytest.mark.parametrize("kind", MUTANTS)
@pytest.mark.parametrize("name", OWN)
def test_no_mutant_of_a_mask_survives(name, kind):
    primitive = OWN[name]
    nodes = [n for case in ALL if primitive in case.covers for n in nodes_of(case, primitive)]
    for attribute in ("live", "mask_pull", "mask_push"):
        if not getattr(primitive, attribute):
            continue
        with spoiled_masks(primitive, attribute, MUTANTS[kind]):
            assert is_noticed(nodes), attribute


def is_noticed(nodes):
    for node in nodes:
        try:
            check_pulled(node)
            check_pushed(node)
        except Exception:
            return True
    return False


# --- kept, or not: the same numbers ---------------------------------------------------------------


@pytest.fixture
def forced(monkeypatch):
    """``forced(True)``: from now on every sweep keeps masks; ``forced(False)``: none does."""

    def switch(on):
        for name in ("masked", "masked_from_the_start"):
            monkeypatch.setattr(walks.Walk, name, property(lambda self: on))

    return switch


def pattern(x, seed=0):
    """A mask of an array, True at about two thirds."""
    return np.asarray(np.random.default_rng(seed + np.size(x)).random(np.shape(x)) < 0.65)


def blocked_at_both_ends(f, xs):
    """A sum of the results of `f`, some of which are blocked, as is a part of the way to the operands."""

    def total(*moved):
        parts = f(*(np.where(pattern(x), z, x) for x, z in zip(xs, moved, strict=True)))
        weighted = [np.real(y) * np.cos(np.arange(1.0, np.size(y) + 1)).reshape(np.shape(y)) for y in parts]
        return sum(np.sum(np.where(pattern(y, 1), y, 0)) for y in weighted)

    return total


def derivatives(f, xs, order):
    """By reverse and by forward mode; the second ones as the product of the Hessian and a vector."""
    numbers = tuple(range(len(xs)))
    ts = tuple(np.sin(np.arange(1.0, np.size(x) + 1)).reshape(np.shape(x)).astype(x.dtype)[()] for x in xs)
    found = [*ad.grad(f, numbers)(*xs), ad.jvp(f, xs, ts)[1]]
    if order > 1 and not any(np.iscomplexobj(x) for x in xs):
        found += ad.jvp(lambda *zs: ad.grad(f, numbers)(*zs), xs, ts)[1]
        found += ad.grad(lambda *zs: sum(np.sum(g * t) for g, t in zip(ad.grad(f, numbers)(*zs), ts)), numbers)(*xs)
    return found


def check_forced(f, xs, forced, order=2, rtol=1e-12):
    f = blocked_at_both_ends(f, xs)
    found = []
    with quiet():
        for on in (False, True):
            forced(on)
            found.append(derivatives(f, tuple(xs), order))
    size = max((float(np.abs(g).max(initial=0)) for g in found[0]), default=0.0)
    for off, on in zip(*found, strict=True):
        assert np.shape(off) == np.shape(on) and off.dtype == on.dtype
        assert_close(on, off, rtol, size=size)


@pytest.mark.parametrize("case", ALL, ids=str)
def test_a_row_has_the_same_derivatives_with_masks(case, forced):
    for seed in range(4):
        here = problem(case, case.example(seed))
        if here.leaves:
            check_forced(here.call, here.leaves, forced, case.order)


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_has_the_same_derivatives_with_masks(name, forced):
    row, rng = LAYERS[name], np.random.default_rng(1)
    layer = row.make(dtype=np.float64)
    f = as_function(layer)
    values = [rng.normal(size=p.shape) * 0.7 for p in layer.parameters()]
    check_forced(lambda *xs: [first(f(*xs))], [rng.normal(size=row.shape), *values], forced)


@pytest.mark.parametrize("case", LOSSES, ids=name_of)
def test_a_loss_has_the_same_derivatives_with_masks(case, forced):
    name, _, (x, target), options = case
    with np.errstate(all="ignore"):
        finite = np.isfinite(ad.grad(lambda x: getattr(nn, name)(x, target, **options).sum())(x)).all()
    if finite:  # elsewhere a mask makes a difference, as it should
        check_forced(lambda x: [getattr(nn, name)(x, target, **options)], [x], forced)


@pytest.mark.parametrize("case", ALL, ids=str)
def test_a_row_compiled_with_masks_is_the_same(case, forced):
    if depends_on_values(case):
        return
    here = problem(case, case.example(0))
    if here.leaves:
        f = blocked_at_both_ends(here.call, here.leaves)
        gradient = ad.value_and_grad(f, tuple(range(len(here.leaves))))
        forced(True)
        with quiet():
            same(ad.compile(gradient)(*here.leaves), gradient(*here.leaves), 1e-13)


# --- what is not chosen ---------------------------------------------------------------------------

BAD = [1e-300, 1e300, -1e300, np.inf, -np.inf, np.nan]
ELEMENTWISE_ROWS = [
    case
    for case in ALL
    if case.covers
    and all(p.kind == ELEMENTWISE for p in case.covers)
    and (case.shapes is None or any(set(s) == {(3,)} for s in case.shapes))
    and case.keywords is None
    and not str(case).startswith("polyval")  # of products entry by entry, but its coefficients are no entries
]
CHOICES = {
    "index": lambda y, keep: y[:2],
    "where": lambda y, keep: np.where(keep, y, 0.0),
    "boolean index": lambda y, keep: y[keep],
}


@pytest.mark.parametrize("case", ELEMENTWISE_ROWS, ids=str)
def test_what_is_not_chosen_leaves_the_others_alone(case):
    rng = np.random.default_rng(5)
    keep = np.array([True, True, False])
    xs = [np.asarray(d.draw(rng, (3,))) for d in case.operands]
    numbers = tuple(i for i, x in enumerate(xs) if x.dtype.kind in "fc")
    for choose in CHOICES.values():

        def total(*xs, choose=choose):
            y = choose(case.fn(*xs), keep)
            return np.sum(np.real(y) if y.dtype.kind == "c" else y)

        with quiet():
            if not isinstance(case.fn(*tracked(xs)), ad.Tensor):
                return
            expected = found_by(total, xs, numbers)
            for g in expected:
                g[2:] = 0
            for bad in BAD[: -1 if relu in case.covers else None]:  # of NaN its slope is NaN, and nobody looks for it
                worse = [np.where(keep, x, bad).astype(x.dtype) if i in numbers else x for i, x in enumerate(xs)]
                for got, g in zip(found_by(total, worse, numbers), expected, strict=True):
                    np.testing.assert_allclose(got, g, rtol=1e-13, atol=0, err_msg=f"beside {bad}")


def found_by(total, xs, numbers):
    """Gradient, the same by forward mode, and the Hessian's product with a vector."""
    moved = tuple(xs[i] for i in numbers)

    def f(*zs):
        full = list(xs)
        for i, z in zip(numbers, zs, strict=True):
            full[i] = z
        return total(*full)

    every = tuple(range(len(moved)))
    found = [np.array(g) for g in ad.grad(f, every)(*moved)]
    if not any(np.iscomplexobj(x) for x in moved):
        found += [np.array(g) for g in ad.jacobian(f, every, mode="forward")(*moved)]
        found += [np.array(g) for g in ad.jvp(ad.grad(f, every), moved, tuple(map(np.ones_like, moved)))[1]]
    return found


# --- products that the chain rule never makes -----------------------------------------------------


def test_a_running_product_multiplies_nothing_that_comes_later():
    z = np.array([0.5, 2.0, 1e200, 1e200])
    for gradient in (ad.grad, lambda f: ad.jacobian(f, mode="forward")):
        with quiet():
            np.testing.assert_allclose(gradient(lambda z: np.cumprod(z)[:2].sum())(z), [3, 0.5, 0, 0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_a_factor_0_comes_before_what_overflows(dtype):
    big = np.sqrt(np.finfo(dtype).max) * 5
    z = np.array([1 / big, big, big, 0.0, 1.0], dtype)
    for f in (lambda z: np.cumprod(z)[-1], np.prod):
        np.testing.assert_allclose(ad.grad(lambda z: np.real(f(z)))(z), [0, 0, 0, big, 0], rtol=1e-5)  # noqa: B023  # called in its turn
        if dtype != np.complex128:
            np.testing.assert_allclose(ad.jacobian(f, mode="forward")(z), [0, 0, 0, big, 0], rtol=1e-5)
    np.testing.assert_array_equal(ad.grad(np.prod)(np.array([0.0, 0.0, 1e200, 1e200])), np.zeros(4))


def test_a_recurrence_whose_factors_overflow_is_that_of_its_definition():
    rng = np.random.default_rng(4)
    for back in (False, True):
        a, b = 10.0 ** rng.uniform(-200, 200, (2, 9)), rng.normal(size=(2, 9)) * (rng.random((2, 9)) < 0.4)
        a[:, 4] = 0
        got = recurrence(a, b, axis=1, back=back)
        with np.errstate(all="ignore"):
            expected = recurrence_reference(a.astype(np.longdouble), b.astype(np.longdouble), 1, back).astype(float)
        np.testing.assert_allclose(got, expected, rtol=1e-12)


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan, 1e300, 1e5])
def test_i0_far_out_is_infinite_and_so_is_its_slope(bad):
    with np.errstate(all="ignore"):
        got = ad.grad(lambda x: np.i0(x).sum())(np.array([1.0, bad]))
    np.testing.assert_allclose(got, [0.565159103992485, np.inf * bad])


LAYOUTS = {
    "rows": lambda a: a,
    "columns": lambda a: a.copy("F"),
    "reversed": lambda a: np.flip(a),
    "turned": lambda a: np.moveaxis(np.moveaxis(a, 0, -1).copy(), -1, 0)[:, ::-1],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dead", [False, True])
def test_what_a_mask_leaves_lies_in_memory_as_before(layout, dead):
    """Sums round by the order of memory, and a program cannot ask whether anything is dead."""
    g = LAYOUTS[layout](np.random.default_rng(0).normal(size=(2, 3, 4)))
    alive = g > 0 if dead else np.ones(g.shape, bool)
    kept = masks.blocked(g, alive)
    assert kept.strides == g.strides
    np.testing.assert_array_equal(kept, np.where(alive, g, 0))


def test_a_mask_that_blocks_nothing_changes_no_bit_of_a_compiled_einsum():
    """A reversed tangent went through a mask without dead entries: in a program it lay forwards from there on."""
    rng = np.random.default_rng(0)
    bound = ad.tensor(rng.normal(size=(3, 3)), requires_grad=True)
    points, direction = rng.normal(size=(20, 3, 3, 3)), rng.normal(size=(3, 3, 3))

    def g(y):
        v = np.clip(y, None, bound)
        return np.einsum("ij,ikj->ki", np.fliplr(np.nansum(v, axis=-1)), v)

    def slope(y):
        return ad.jvp(g, (y,), (direction,))[1]

    compiled = ad.compile(slope)
    for y in points:
        np.testing.assert_array_equal(ad.tensor(compiled(y)).data, ad.tensor(slope(y)).data)
