"""NumPy's own idioms keep working on Tensors, and keep the gradient."""

import inspect

import numpy as np
import pytest

import autodiff as ad

A = np.array([[0.5, -1.25, 2.0], [3.0, 0.25, -0.75]])


@pytest.fixture
def x():
    return ad.tensor(A, requires_grad=True, name="x")


# --- Python's protocols


def test_iteration_length_unpacking_and_membership(x):
    rows = list(x)
    assert len(x) == 2 and len(rows) == 2 and rows[0].requires_grad
    first, second = x
    np.testing.assert_array_equal(second.data, A[1])
    assert 0.25 in x and 7.0 not in x
    (first * second).sum().backward()
    np.testing.assert_array_equal(x.grad, A[::-1])


def test_iterating_over_a_number_is_refused():
    with pytest.raises(TypeError, match=r"without axes.*reshape\(1\)"):
        iter(ad.tensor(1.0))


def test_builtins_on_tensors(x):
    total = sum([x, x, x])
    assert total.requires_grad and total.shape == (2, 3)
    a, b = ad.tensor(1.0, requires_grad=True), ad.tensor(2.0, requires_grad=True)
    assert max(a, b) is b and min(a, b) is a
    assert sorted([b, a]) == [a, b]
    assert abs(x).requires_grad and (-x).requires_grad and (+x).requires_grad
    assert round(a) == 1.0 and not round(x).requires_grad
    assert divmod(ad.tensor(7.5), 2)[0] == 3.0
    assert pow(a, 3).requires_grad


def test_formatting(x):
    loss = (x * x).mean()
    assert f"{loss:.3f}" == f"{float((A * A).mean()):.3f}"
    assert f"{loss}" == str(loss)
    with pytest.raises(TypeError, match=r"for one number; this tensor has shape \(2, 3\)"):
        f"{x:.3f}"


def test_truth_of_one_number_only(x):
    assert x[0, 0] > 0
    with pytest.raises(ValueError, match="ambiguous"):
        bool(x > 0)


# --- indexing


@pytest.mark.parametrize(
    "index",
    [
        0, -1, (0, 1), (..., 1), (slice(None), None, 0), slice(None, None, -1), (slice(0, 2), slice(None, None, 2)),
        [1, 0, 0], (np.array([0, 1]), np.array([2, 0])), A > 0, (0, A[0] > 0), (np.array([[0, 1]]), 2), None, (),
        (np.ix_([0, 1], [2, 0])),
    ],
    ids=str,
)  # fmt: skip
def test_every_way_of_indexing(x, index):
    y = x[index]
    np.testing.assert_array_equal(y.data, A[index])
    y.sum().backward()
    expected = np.zeros_like(A)
    np.add.at(expected, index, 1.0)
    np.testing.assert_array_equal(x.grad, expected)


def test_masks_made_of_tensors(x):
    y = x[x > 0]
    assert y.requires_grad
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, A > 0)


def test_index_tensors(x):
    np.testing.assert_array_equal(x[ad.tensor([1, 0])].data, A[[1, 0]])
    np.testing.assert_array_equal(x[np.argsort(x[:, 0])].data, A)


# --- attributes and methods, as ndarray has them

METHODS = {
    "sum": [(), (0,), (None, np.float32), {"axis": 1, "keepdims": True}, {"initial": 2.0}, {"where": A > 0}],
    "prod": [(), (1,), {"axis": 0, "dtype": np.float32}, {"where": A > 0, "initial": 2.0}],
    "mean": [(), (0,), (0, np.float32), {"where": A > 0, "axis": 1}],
    "max": [(), (1,), {"axis": 0, "keepdims": True}, {"initial": 1.0}],
    "min": [(), (1,), {"axis": (0, 1)}, {"initial": 0.0, "where": A > 0}],
    "var": [(), (0,), (1, None, None, 1), {"ddof": 1, "axis": 1, "keepdims": True}],
    "std": [(), (0,), (1, None, None, 1), {"where": A > -1}],
    "cumsum": [(), (1,), (0, np.float32)],
    "cumprod": [(), (1,)],
    "trace": [(), (1,), (0, 0, 1)],
    "diagonal": [(), (1,)],
    "dot": [(A.T,), (np.ones(3),)],
    "any": [(), (0,), {"axis": 1, "keepdims": True}],
    "all": [(), (0,)],
    "take": [([2, 0],), ([1], 1), ([7], 1, None, "clip")],
    "compress": [([True, False],), ([False, True, True], 1)],
    "repeat": [(2,), ([1, 2], 0)],
    "clip": [(0.0, 1.0), (None, 1.0), {"min": 0.0}],
    "round": [(), (1,)],
    "conj": [()],
    "conjugate": [()],
    "argmax": [(), (1,), {"axis": 0, "keepdims": True}],
    "argmin": [(), (1,)],
    "argsort": [(), (0,), (None,)],
    "argpartition": [(1,), (0, 0)],
    "nonzero": [()],
    "ravel": [(), ("F",)],
    "flatten": [(), ("F",)],
    "squeeze": [()],
    "reshape": [(-1,), (3, 2), ((6,),), ((3, 2), {"order": "F"})],
    "transpose": [(), (1, 0), ((1, 0),), (None,)],
    "swapaxes": [(0, 1), (-1, 0)],
    "astype": [(np.float32,), (int,), {"dtype": np.float64, "copy": False}],
    "copy": [()],
    "tolist": [()],
    "item": [(2,), (1, 1)],
}  # fmt: skip
CALLS = [(name, call) for name, calls in METHODS.items() for call in calls]


@pytest.mark.parametrize(("name", "call"), CALLS, ids=lambda v: str(v)[:40])
def test_a_method_takes_what_numpys_takes_and_gives_what_it_gives(x, name, call):
    args, keywords = ((), call) if isinstance(call, dict) else (call, {})
    if args and isinstance(args[-1], dict):
        args, keywords = args[:-1], args[-1]
    found, expected = getattr(x, name)(*args, **keywords), getattr(A, name)(*args, **keywords)
    parts = zip(found, expected) if isinstance(expected, tuple) else [(found, expected)]
    for mine, theirs in parts:
        assert getattr(mine, "dtype", None) == getattr(theirs, "dtype", None)
        np.testing.assert_allclose(getattr(mine, "data", mine), theirs, rtol=1e-6 if "float32" in str(call) else 1e-14)


def test_integers_choose():
    which, choices = np.array([1, 0, 1]), [np.zeros(3), np.ones(3)]
    np.testing.assert_array_equal(ad.tensor(which).choose(choices).data, which.choose(choices))


def test_a_sorted_tensor_is_searched():
    v = np.array([0.5, 2.5])
    np.testing.assert_array_equal(ad.tensor([1.0, 2.0]).searchsorted(v).data, np.array([1.0, 2.0]).searchsorted(v))


@pytest.mark.parametrize("name", [n for n in METHODS if "out" in inspect.signature(getattr(ad.Tensor, n)).parameters])
def test_out_is_refused(x, name):
    args = METHODS[name][0] if name in ("dot", "take", "compress") else ()
    with pytest.raises(ad.MutationError, match=f"{name}: out= would write in place"):
        getattr(x, name)(*args, out=np.zeros(3))


def test_every_public_name_of_an_array_is_there_or_says_what_is_instead(x):
    for name in dir(np.ndarray):
        if name.startswith("_") or hasattr(ad.Tensor, name):
            continue
        with pytest.raises(AttributeError, match=r"x\.data\.|Write `(np|x)\b") as told:
            getattr(x, name)
        assert name in str(told.value)


def test_an_unknown_name_is_pythons_own_error(x):
    with pytest.raises(AttributeError, match="'Tensor' object has no attribute 'sinn'"):
        _ = x.sinn


def test_attributes(x):
    assert (x.shape, x.ndim, x.size, x.dtype, x.nbytes, x.itemsize) == ((2, 3), 2, 6, np.float64, 48, 8)
    np.testing.assert_array_equal(x.T.data, A.T)
    np.testing.assert_array_equal(ad.tensor(A[None]).mT.data, A[None].mT)
    assert x.real.requires_grad and (x + 0j).imag.requires_grad


def test_casts_that_lose_are_refused_where_asked(x):
    with pytest.raises(TypeError, match="float64 cannot be cast to float32 with casting='safe'"):
        x.astype(np.float32, casting="safe")


def test_orders_that_depend_on_memory_are_refused(x):
    with pytest.raises(ValueError, match="order must be 'C' or 'F' on a Tensor; 'K' was given"):
        x.ravel("K")


# --- ufuncs, as functions and operators


def test_operators_are_their_functions():
    a, b = np.abs(A), np.full((2, 3), 2.0)
    x = ad.tensor(a, requires_grad=True)
    for function, operator in [
        (np.add, lambda a, b: a + b),
        (np.remainder, lambda a, b: a % b),
        (np.floor_divide, lambda a, b: a // b),
        (np.power, lambda a, b: a**b),
        (np.matmul, lambda a, b: a @ b.T),
    ]:
        mine = function(x, b.T if function is np.matmul else b)
        np.testing.assert_array_equal(mine.data, operator(x, b).data)
        np.testing.assert_array_equal(operator(a, x).data, operator(a, a))


def test_bits_of_integers():
    a, b = np.array([5, 6]), np.array([3, 1])
    for operator in (
        lambda a, b: a & b, lambda a, b: a | b, lambda a, b: a ^ b, lambda a, b: a << b, lambda a, b: a >> b,
    ):  # fmt: skip
        for left, right in ((ad.tensor(a), b), (a, ad.tensor(b))):
            np.testing.assert_array_equal(operator(left, right).data, operator(a, b))
    np.testing.assert_array_equal((~ad.tensor(a)).data, ~a)


# --- values do not leave the graph through a back door ---------------------------------------------


def test_a_copy_of_what_is_tracked_is_tracked():
    t = ad.tensor([1.0, 2.0], requires_grad=True, name="t")
    (3 * ad.tensor(t, dtype=np.float32) ** 2).sum().backward()
    np.testing.assert_allclose(t.grad, [6.0, 12.0])
    assert ad.tensor(t, requires_grad=True).is_leaf
    assert not ad.tensor(t.detach()).requires_grad
    with pytest.raises(ad.UntrackedError, match=r"a new Tensor of the tracked tensor 't' .*x\.detach\(\)"):
        ad.Tensor(t)


MASKED = np.ma.array([1.0, 2.0], mask=[False, True])


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t * MASKED,
        lambda t: t + MASKED.astype(np.float32),
        lambda t: np.multiply(t, MASKED),
        lambda t: ad.tensor(MASKED),
        lambda t: ad.Tensor(MASKED),
        lambda t: ad.grad(lambda x: np.sum(x**2))(MASKED),
    ],
)
def test_masked_arrays_are_refused(call):
    """Arithmetic would skip what is masked, and the rules know nothing of it."""
    with pytest.raises(ad.DtypeError, match=r"its mask would be lost.*filled.*np\.where"):
        call(ad.tensor([1.0, 2.0], requires_grad=True))


@pytest.mark.parametrize("call", [lambda t: MASKED * t, np.ma.log, lambda t: np.ma.dot(MASKED, t), np.ma.sum])
def test_functions_of_numpy_ma_do_not_take_a_tracked_tensor(call):
    """They read its values by an attribute that masked arrays have too."""
    t = ad.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ad.UntrackedError, match="drop its gradient silently"):
        call(t)
    np.testing.assert_array_equal((MASKED * t.detach()).filled(0.0), [1.0, 0.0])


def test_other_subclasses_count_as_plain_arrays():
    """A matrix would multiply as one, and the rule of the product of entries would be wrong."""
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix([[1.0, 2.0], [3.0, 4.0]])
    x = np.eye(2)
    for f in (lambda m: m * matrix, lambda m: np.multiply(matrix, m)):
        np.testing.assert_array_equal(ad.grad(lambda m, f=f: f(m).sum())(x), np.asarray(matrix))


def test_a_ufunc_of_scipy_has_its_rule():
    special = pytest.importorskip("scipy.special")
    assert float(ad.grad(special.erf)(0.0)) == pytest.approx(2 / np.sqrt(np.pi))
