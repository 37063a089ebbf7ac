"""The Tensor itself: making one, NumPy's protocols, operators, assignment, gradients, leaving the graph."""

import copy
import gc
import operator
import re
import threading
import warnings

import numpy as np
import pytest

import autodiff as ad


def tracked(value, name=None, dtype=None):
    return ad.tensor(value, requires_grad=True, name=name, dtype=dtype)


def slope(f, x, h=1e-6):
    """Central differences of a scalar function, entry by entry."""
    x = np.asarray(x, float)
    out = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = h
        out[i] = (f(x + step) - f(x - step)) / (2 * h)
    return out


# --- making one -----------------------------------------------------------------------------------


def test_tensor_copies_and_the_class_shares():
    a = np.array([1.0, 2.0])
    copied, shared = ad.tensor(a), ad.Tensor(a)
    a[0] = 9.0
    assert copied.data.tolist() == [1.0, 2.0]
    assert shared.data is a


def test_a_shared_array_is_never_written():
    a = np.array([1.0, 2.0])
    a.setflags(write=False)
    t = ad.Tensor(a, requires_grad=True)
    (t * t).sum().backward()
    t.assign_([5.0, 6.0])
    assert a.tolist() == [1.0, 2.0] and t.data.tolist() == [5.0, 6.0]
    b = np.array([1.0, 2.0])
    u = ad.Tensor(b, requires_grad=True)
    u.assign_([5.0, 6.0])
    assert b.tolist() == [1.0, 2.0] and u.data.tolist() == [5.0, 6.0]


@pytest.mark.parametrize(
    ("value", "dtype", "shape"),
    [
        (1.5, np.float64, ()),
        (1 + 2j, np.complex128, ()),
        ([1.0, 2.0], np.float64, (2,)),
        ([[1, 2]], np.int64, (1, 2)),
        (True, np.bool_, ()),
        (np.float32(2), np.float32, ()),
        (np.ones((2, 0), np.float16), np.float16, (2, 0)),
        (np.longdouble(1), np.longdouble, ()),
        (np.array(3.0), np.float64, ()),
        (range(3), np.int64, (3,)),
    ],
    ids=str,
)
def test_dtypes_are_numpys(value, dtype, shape):
    for t in (ad.tensor(value), ad.Tensor(value)):
        assert t.dtype == dtype and t.shape == shape
        assert t.ndim == len(shape) and t.size == np.prod(shape, dtype=int)
        assert t.nbytes == t.size * t.itemsize


def test_dtype_can_be_chosen():
    t = tracked([1, 2], dtype=np.float32)
    assert t.dtype == np.float32 and t.requires_grad


def test_values_without_axes_are_numpy_scalars():
    assert type(ad.tensor(np.array(2.0)).data) is np.float64
    assert type((ad.tensor([1.0, 2.0])).sum().data) is np.float64


def test_a_list_of_tracked_tensors_stays_tracked():
    a, b = tracked(2.0), tracked(3.0)
    t = ad.tensor([[a, 1.0], [b, a]])
    assert t.shape == (2, 2)
    (t * np.array([[1.0, 10.0], [100.0, 1000.0]])).sum().backward()
    assert a.grad == 1001.0 and b.grad == 100.0


@pytest.mark.parametrize(
    "value",
    ["a", object(), None, np.array(["a"]), np.array([0], "datetime64[s]"), {"a": 1}],
    ids=["str", "object", "None", "array of str", "dates", "dict"],
)
def test_what_is_not_numbers_is_refused(value):
    with pytest.raises(ad.DtypeError, match="dtype"):
        ad.tensor(value)


@pytest.mark.parametrize("value", [[1, 2], True, np.uint8(3)], ids=repr)
def test_whole_numbers_are_not_tracked(value):
    with pytest.raises(ad.DtypeError, match=r"requires_grad=True.*dtype (int|bool|uint).*\.astype\(float\)"):
        ad.tensor(value, requires_grad=True)
    with pytest.raises(ad.DtypeError, match="dtype"):
        ad.tensor(value).requires_grad_()


def test_a_name_belongs_to_a_tracked_tensor():
    assert tracked(1.0, name="w").name == "w"
    assert tracked(1.0).name is None
    with pytest.raises(ad.GradientError, match=r"requires_grad=True.*'w'"):
        ad.tensor(1.0, name="w")
    t = tracked(1.0)
    t.name = "later"
    assert t.name == "later" and "later" in repr(t)
    with pytest.raises(ad.GradientError, match="'late'"):
        ad.tensor(1.0).name = "late"


def test_repr_shows_values_dtype_name_and_tracking():
    assert repr(tracked([1.0, 2.5], name="w")) == "Tensor([1. , 2.5], dtype=float64, name='w', requires_grad=True)"
    assert repr(ad.tensor(np.float32(2))) == "Tensor(2., dtype=float32)"
    assert len(repr(ad.tensor(np.zeros((1000, 1000))))) < 1000


# --- operators ------------------------------------------------------------------------------------

BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.mod]
OTHERS = {
    "float": 1.5,
    "int": 2,
    "NumPy scalar": np.float64(1.5),
    "array": np.array([1.5, 0.5, 2.5]),
    "column": np.array([[1.5], [2.5]]),
    "list": [1.5, 0.5, 2.5],
    "tuple": (1.5, 0.5, 2.5),
    "Tensor": ad.tensor([1.5, 0.5, 2.5]),
}


def _plain(x):
    return x.data if isinstance(x, ad.Tensor) else np.asarray(x)


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("op", BINARY, ids=lambda op: op.__name__)
@pytest.mark.parametrize("reflected", [False, True], ids=["x op a", "a op x"])
def test_operators_with_everything_on_either_side(op, other, reflected):
    x0 = np.array([1.2, 0.7, 3.1])

    def f(x, plain=False):
        a = _plain(other) if plain else other
        return op(a, x) if reflected else op(x, a)

    t = tracked(x0)
    y = f(t)
    assert type(y) is ad.Tensor and y.requires_grad
    np.testing.assert_allclose(y.data, f(x0, plain=True), rtol=1e-15)
    y.sum().backward()
    np.testing.assert_allclose(t.grad, slope(lambda x: f(x, plain=True).sum(), x0), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize(
    "other", [np.arange(6.0).reshape(3, 2), np.arange(3.0), [[1.0], [2.0], [0.5]]], ids=["2d", "1d", "list"]
)
def test_matmul_on_either_side(other):
    x0 = np.arange(12.0).reshape(4, 3) / 7
    t = tracked(x0)
    np.testing.assert_allclose((t @ other).data, x0 @ np.asarray(other))
    u = tracked(x0.T)
    np.testing.assert_allclose((np.asarray(other).T @ u).data, np.asarray(other).T @ x0.T)
    if isinstance(other, list):
        np.testing.assert_allclose((np.asarray(other).T.tolist() @ u).data, np.asarray(other).T @ x0.T)
    (t @ other).sum().backward()
    np.testing.assert_allclose(t.grad, slope(lambda x: (x @ np.asarray(other)).sum(), x0), rtol=1e-7)


def test_unary_operators():
    t = tracked([1.5, -2.5])
    for op, expected in ((operator.neg, [-1.0, -1.0]), (operator.pos, [1.0, 1.0]), (abs, [1.0, -1.0])):
        (g,) = ad.gradients(op(t).sum(), [t])
        assert g.data.tolist() == expected
    assert round(ad.tensor(2.567), 1).item() == 2.6
    assert [v.item() for v in divmod(ad.tensor(5.5), 2.0)] == [2.0, 1.5]
    assert (~ad.tensor([True, False])).data.tolist() == [False, True]
    assert (ad.tensor([True, False]) & np.array([True, True])).data.tolist() == [True, False]
    assert (np.array([6]) | ad.tensor([1])).data.tolist() == [7]
    assert (ad.tensor([6]) ^ 2).data.tolist() == [4]


@pytest.mark.parametrize(
    "op", [operator.add, operator.sub, operator.mul, operator.truediv, operator.matmul, operator.pow]
)
@pytest.mark.parametrize("other", [None, "a", object(), {"a": 1}], ids=["None", "str", "object", "dict"])
def test_operators_leave_strangers_to_python(op, other):
    for pair in ((tracked([1.0]), other), (other, tracked([1.0]))):
        with pytest.raises(
            TypeError, match=r"unsupported operand|can only concatenate|can't multiply|not all arguments|an index"
        ):
            op(*pair)


def test_the_other_side_may_have_its_own_say():
    class Stranger:
        __array_ufunc__ = None

        def __radd__(self, other):
            return "radd"

        def __rmatmul__(self, other):
            return "rmatmul"

    assert tracked([1.0]) + Stranger() == "radd"
    assert tracked([1.0]) @ Stranger() == "rmatmul"


def test_python_numbers_do_not_widen():
    t = tracked(np.ones(3, np.float32))
    for y in (t * 2, t * 2.0, 2.0 * t, t + 1, 1 - t, t / 3.0, 1.0 / t, t**2, t**2.5, 2.0**t, np.maximum(t, 0.0)):
        assert y.dtype == np.float32
        (g,) = ad.gradients(y.sum(), [t])
        assert g.dtype == np.float32


def test_mixed_precision_promotes_and_each_gradient_is_cast_back():
    a, b = tracked(np.ones(2, np.float32)), tracked(np.ones(2))
    y = (a * b).sum()
    assert y.dtype == np.float64
    y.backward()
    assert a.grad.dtype == np.float32 and b.grad.dtype == np.float64


def test_augmented_assignment_of_a_result_rebinds():
    x = tracked([1.0, 2.0])
    y = z = x * 1.0
    y += 1.0
    y *= 3.0
    assert z.data.tolist() == [1.0, 2.0] and y.data.tolist() == [6.0, 9.0]
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


UPDATES = {
    "+=": (operator.iadd, operator.add),
    "-=": (operator.isub, operator.sub),
    "*=": (operator.imul, operator.mul),
    "/=": (operator.itruediv, operator.truediv),
    "**=": (operator.ipow, operator.pow),
    "@=": (operator.imatmul, operator.matmul),
    "//=": (operator.ifloordiv, operator.floordiv),
    "%=": (operator.imod, operator.mod),
}


@pytest.mark.parametrize("symbol", UPDATES)
def test_an_augmented_assignment_updates_a_leaf_where_nothing_is_recorded(symbol):
    augmented, plain = UPDATES[symbol]
    old, by = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[2.0, 0.5], [1.5, 3.0]])
    w = ad.tensor(old, requires_grad=True, name="w")
    with ad.no_grad():
        same = augmented(w, by)
    assert same is w and w.requires_grad and w.name == "w"
    np.testing.assert_array_equal(w.data, plain(old, by))
    with pytest.raises(ad.MutationError, match=re.escape(f"with ad.no_grad(): w {symbol}")):
        augmented(w, by)
    np.testing.assert_array_equal(w.data, plain(old, by))


def test_the_update_by_hand_trains():
    target = np.array([3.0, -1.0])
    w = tracked([1.0, 2.0])
    for _ in range(3):
        w.grad = None
        ((w - target) ** 2).sum().backward()
        with ad.no_grad():
            w -= 0.25 * w.grad
    np.testing.assert_allclose(w.data, target + ([1.0, 2.0] - target) / 8, rtol=1e-15)


def test_an_update_by_hand_makes_what_was_recorded_stale():
    w = tracked([1.0, 2.0])
    loss = (w * w).sum()
    with ad.no_grad():
        w -= 1.0
    with pytest.raises(ad.StaleError):
        loss.backward()


def test_an_update_of_another_shape_or_type_changes_nothing():
    w = tracked([1.0, 2.0])
    with ad.no_grad():
        with pytest.raises(ad.ShapeError, match="shape \\(3, 2\\)"):
            w += np.ones((3, 2))
        with pytest.raises(ad.DtypeError, match="complex128"):
            w += 1j
    assert w.data.tolist() == [1.0, 2.0]


def test_a_frozen_leaf_is_updated_as_well_and_an_argument_of_a_transform_rebinds():
    w = tracked([1.0, 2.0])
    w.requires_grad_(False)
    with ad.no_grad():
        w += 1.0
    assert w.data.tolist() == [2.0, 3.0]

    def f(x):
        y = x
        x *= x
        return (x + y).sum()

    x = np.array([1.0, 2.0])
    assert ad.grad(f)(x).tolist() == [3.0, 5.0] and x.tolist() == [1.0, 2.0]


def test_an_array_cannot_take_in_a_tensor_in_place():
    total = np.zeros(2)
    with pytest.raises(ad.MutationError, match="a = a \\+ tensor"):
        total += tracked([1.0, 2.0])
    with pytest.raises(ad.MutationError, match="add"):
        np.add(tracked([1.0]), 1.0, out=np.zeros(1))
    with pytest.raises(ad.MutationError, match="out="):
        np.sum(tracked([1.0]), out=np.zeros(()))
    assert total.tolist() == [0.0, 0.0]


def test_python_sum_adds_up():
    parts = [tracked(float(i)) for i in range(4)]
    total = sum(p * p for p in parts)
    assert total.item() == 14.0
    total.backward()
    assert [p.grad.item() for p in parts] == [0.0, 2.0, 4.0, 6.0]


# --- comparisons, truth, hashing, containers -------------------------------------------------------


@pytest.mark.parametrize("op", [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne])
def test_comparisons_are_untracked_and_numpys(op):
    a = np.array([1.0, 2.0, 3.0])
    for other in (2.0, np.array([2.0, 2.0, 2.0]), ad.tensor([2.0, 2.0, 2.0]), [2.0, 2.0, 2.0]):
        y = op(tracked(a), other)
        assert type(y) is ad.Tensor and not y.requires_grad and y.dtype == bool
        np.testing.assert_array_equal(y.data, op(a, 2.0))
        np.testing.assert_array_equal(np.asarray(op(np.array([2.0, 2.0, 2.0]), tracked(a))), op(2.0, a))


def test_results_without_slope_are_untracked():
    t = tracked([1.5, -0.5])
    for y in (
        np.floor(t),
        np.sign(t),
        np.ceil(t),
        np.isnan(t),
        t.argmax(),
        t.argmin(),
        np.argsort(t),
        t // 1.0,
        t.any(),
        t.all(),
    ):
        assert not y.requires_grad
    assert np.shape(t) == (2,) and np.ndim(t) == 1 and np.size(t) == 2
    assert not np.zeros_like(t).requires_grad


def test_truth_of_one_element_and_of_several():
    assert bool(tracked(2.0)) and not tracked([[0.0]])
    with pytest.raises(ValueError, match="ambiguous"):
        bool(tracked([1.0, 2.0]))


def test_tensors_hash_by_identity():
    a, b = tracked(1.0), tracked(1.0)
    assert len({a, b, a}) == 2
    assert {a: "a"}[a] == "a"
    assert hash(a) != hash(b)


def test_iterating_unpacking_and_length():
    t = tracked([[1.0, 2.0], [3.0, 4.0]])
    assert len(t) == 2
    first, second = t
    assert first.data.tolist() == [1.0, 2.0] and second.requires_grad
    (first * 2 + second * 3).sum().backward()
    assert t.grad.tolist() == [[2.0, 2.0], [3.0, 3.0]]
    assert [v.item() for v in tracked([1.0, 2.0])] == [1.0, 2.0]
    assert 3.0 in t and 7.0 not in t
    with pytest.raises(TypeError, match=r"without axes.*reshape"):
        iter(tracked(1.0))
    with pytest.raises(TypeError, match="len"):
        len(tracked(1.0))


def test_an_untracked_tensor_is_an_index():
    assert [3, 4, 5][ad.tensor(1)] == 4
    assert np.arange(3.0)[ad.tensor([2, 0])].tolist() == [2.0, 0.0]
    assert tracked([1.0, 2.0, 3.0])[ad.tensor([2, 0])].data.tolist() == [3.0, 1.0]


# --- NumPy's protocols ----------------------------------------------------------------------------


def test_ufuncs_give_tensors_whatever_else_is_among_the_operands():
    t = tracked([1.0, 2.0])
    for y in (np.add(t, np.ones(2)), np.add(np.ones(2), t), np.multiply([2.0, 3.0], t), np.sin(t), np.add(1.0, t)):
        assert type(y) is ad.Tensor and y.requires_grad
    assert not np.sin(ad.tensor([1.0])).requires_grad


def test_methods_of_ufuncs():
    t = tracked([1.0, 2.0, 4.0])
    assert np.add.reduce(t).item() == 7.0
    assert np.multiply.reduce(t).item() == 8.0
    assert np.maximum.reduce(t).item() == 4.0
    assert np.add.accumulate(t).data.tolist() == [1.0, 3.0, 7.0]
    y = np.multiply.outer(t, np.array([1.0, 10.0]))
    assert y.data.tolist() == [[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]]
    y.sum().backward()
    assert t.grad.tolist() == [11.0, 11.0, 11.0]
    with pytest.raises(ad.UnsupportedError, match="reduceat"):
        np.add.reduceat(t, [0, 1])


def test_keywords_a_ufunc_may_not_have_are_refused_by_name():
    with pytest.raises(ad.UnsupportedError, match="where="):
        np.add(tracked([1.0]), 1.0, where=np.array([True]))


def test_asarray_of_an_untracked_tensor_works():
    t = ad.tensor([1.0, 2.0])
    assert np.asarray(t).tolist() == [1.0, 2.0]
    assert np.asarray(t, dtype=np.float32).dtype == np.float32
    assert np.array(t) is not t.data
    assert np.array(t, copy=True).base is None


def test_numbers_of_an_untracked_tensor():
    assert float(ad.tensor(2.5)) == 2.5 and int(ad.tensor(2.5)) == 2 and complex(ad.tensor(2.5)) == 2.5
    with pytest.raises(TypeError):
        float(ad.tensor([1.0, 2.0]))


@pytest.mark.parametrize(
    ("leave", "instead"),
    [
        (float, r"\.item\(\).*np\.sin"),
        (int, r"int\(x\.item\(\)\)"),
        (complex, r"\.item\(\)"),
        (np.asarray, r"\.data.*\.detach\(\).*np\.stack"),
        (lambda t: np.array([t[()], t[()]]), r"np\.stack"),
        (operator.index, r"int\(x\.item\(\)\)"),
        (lambda t: np.zeros(3).__setitem__(0, t), r"\.item\(\)|\.data"),
    ],
    ids=["float", "int", "complex", "asarray", "array", "index", "setitem"],
)
def test_a_tracked_tensor_does_not_leave_silently(leave, instead):
    with pytest.raises((ad.UntrackedError, ValueError)) as caught:
        leave(tracked(2.0, name="w"))
    error = caught.value if isinstance(caught.value, ad.UntrackedError) else caught.value.__cause__
    assert isinstance(error, ad.UntrackedError)
    assert "'w'" in str(error) or "a tracked tensor" in str(error)
    with pytest.raises(AssertionError):  # the test itself can fail
        assert not str(error)
    import re

    assert re.search(instead, str(error)), error


def test_values_leave_by_name():
    t = tracked([[1.0, 2.0]])
    assert t.tolist() == [[1.0, 2.0]]
    assert t.item(0, 1) == 2.0 and t.item(1) == 2.0
    y = (t * t).sum()
    assert type(y.item()) is float and y.item() == 5.0
    assert not t.detach().requires_grad and t.detach().data is t.data
    with pytest.raises(ValueError, match="size 1"):
        t.item()


def test_formatting():
    loss = (tracked([1.0, 2.0]) ** 2).sum()
    assert f"{loss:.3f}" == "5.000" and f"{loss:8.2e}" == "5.00e+00"
    assert f"{loss}" == str(loss) and "requires_grad" in f"{loss}"
    assert f"{ad.tensor(3):05d}" == "00003"
    with pytest.raises(TypeError, match=r"\(2,\)"):
        f"{tracked([1.0, 2.0]):.3f}"


# --- functional writing ---------------------------------------------------------------------------


def test_set_returns_a_changed_copy_and_splits_the_gradient():
    x, v = tracked([1.0, 2.0, 3.0]), tracked(10.0)
    y = x.at[1].set(v)
    assert y.data.tolist() == [1.0, 10.0, 3.0] and x.data.tolist() == [1.0, 2.0, 3.0]
    (y * np.array([1.0, 2.0, 3.0])).sum().backward()
    assert x.grad.tolist() == [1.0, 0.0, 3.0] and v.grad == 2.0


def test_add_adds_and_repeated_indices_add_up():
    x, v = tracked([1.0, 2.0, 3.0]), tracked([10.0, 20.0])
    y = x.at[[0, 0]].add(v)
    assert y.data.tolist() == [31.0, 2.0, 3.0]
    (y * np.array([2.0, 3.0, 5.0])).sum().backward()
    assert x.grad.tolist() == [2.0, 3.0, 5.0] and v.grad.tolist() == [2.0, 2.0]


def test_set_with_repeated_indices_keeps_the_last_and_its_gradient():
    x, v = tracked([1.0, 2.0]), tracked([10.0, 20.0])
    y = x.at[[0, 0]].set(v)
    assert y.data.tolist() == [20.0, 2.0]
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 1.0] and v.grad.tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    "index",
    [
        1,
        -1,
        slice(None),
        slice(None, None, 2),
        (slice(None), 1),
        np.array([True, False, True]),
        ([0, 2], [1, 1]),
        ...,
        (None, 0),
        (),
    ],
    ids=str,
)
@pytest.mark.parametrize("how", ["set", "add"])
def test_every_kind_of_index_writes_like_numpy(index, how):
    x = np.arange(12.0).reshape(3, 4)
    expected = x.copy()
    if how == "set":
        expected[index] = 99.0
    else:
        np.add.at(expected, index, 99.0)
    t = tracked(x)
    y = getattr(t.at[index], how)(99.0)
    np.testing.assert_array_equal(y.data, expected)
    y.sum().backward()
    np.testing.assert_array_equal(t.grad, np.where(expected == 99.0, 0.0, 1.0) if how == "set" else np.ones_like(x))


def test_writing_in_place_is_refused():
    x = tracked([1.0, 2.0])
    with pytest.raises(ad.MutationError, match=r"x\.at\[index\]\.set\(value\)"):
        x[0] = 5.0
    with pytest.raises(ad.MutationError, match=r"\.add\(value\)"):
        x[0] += 5.0
    assert x.data.tolist() == [1.0, 2.0]


# --- assignment and staleness ---------------------------------------------------------------------


def _home(t):
    from autodiff.flat import house

    house([t])
    return t


HOMED = pytest.mark.parametrize("settle", [lambda t: t, _home], ids=["free", "homed"])


@HOMED
def test_assign_changes_the_value(settle):
    w = settle(tracked([1.0, 2.0]))
    before = w.data
    assert w.assign_([3.0, 4.0]) is w
    assert w.data.tolist() == [3.0, 4.0]
    assert (w.data is before) == (settle is _home)
    w.data = np.array([5.0, 6.0])
    assert w.data.tolist() == [5.0, 6.0]
    w.assign_(ad.tensor([7.0, 8.0]))
    (w * w).sum().backward()
    assert w.grad.tolist() == [14.0, 16.0]


@HOMED
def test_assign_casts_within_a_kind_and_keeps_the_dtype(settle):
    w = settle(tracked(np.zeros(2, np.float32)))
    w.assign_(np.array([1.0, 2.0]))
    assert w.dtype == np.float32
    w.assign_([1, 2])
    assert w.dtype == np.float32
    with pytest.raises(ad.DtypeError, match=r"complex128.*float32"):
        w.assign_(np.array([1j, 2.0]))
    assert w.data.tolist() == [1.0, 2.0]


@HOMED
def test_assign_refuses_another_shape(settle):
    w = settle(tracked([1.0, 2.0], name="weights"))
    with pytest.raises(ad.ShapeError, match=r"'weights'.*\(3,\).*\(2,\)"):
        w.assign_(np.zeros(3))
    with pytest.raises(ad.ShapeError, match=r"\(\)"):
        w.assign_(1.0)
    assert w.data.tolist() == [1.0, 2.0]


def test_assign_does_not_keep_the_array_it_was_given():
    w, v = tracked([1.0, 2.0]), np.array([3.0, 4.0])
    w.assign_(v)
    v[0] = 99.0
    assert w.data.tolist() == [3.0, 4.0]


def test_assign_is_for_leaves():
    with pytest.raises(ad.MutationError, match=r"x\.at\[\.\.\.\]\.set"):
        (tracked([1.0]) * 2).assign_([2.0])
    t = ad.tensor([1.0])
    assert t.assign_([2.0]).data.tolist() == [2.0]


@HOMED
@pytest.mark.parametrize(
    ("build", "needs"),
    [
        (lambda w: (w * w).sum(), True),
        (lambda w: np.sin(w).sum(), True),
        (lambda w: w.sum(), False),
        (lambda w: (w / 3.0 + 1.0).sum(), False),
        (lambda w: w[0] + w[1], False),
        (lambda w: (w.reshape(1, 2) @ np.ones((2, 1))).sum(), False),
        (lambda w: np.exp(+w).sum(), False),
        (lambda w: (w - w).sum(), False),
    ],
    ids=["square", "sin", "sum", "affine", "indexing", "matmul", "exp of a copy", "difference"],
)
def test_a_sweep_that_needs_an_old_value_raises_and_others_work(settle, build, needs):
    w = settle(tracked([1.0, 2.0], name="w"))
    loss = build(w)
    w.assign_([0.0, 0.0])
    if needs:
        with pytest.raises(ad.StaleError, match=r"'w' was changed by assign_.*before you assign"):
            loss.backward()
        assert w.grad is None
    else:
        loss.backward()
        assert w.grad is not None


def test_what_is_recorded_after_an_assignment_is_fresh():
    w = tracked([1.0, 2.0])
    w.assign_([3.0, 4.0])
    (w * w).sum().backward()
    assert w.grad.tolist() == [6.0, 8.0]


def test_stale_values_are_seen_by_gradients_too():
    w = tracked([1.0, 2.0])
    y = (w**3).sum()
    w.assign_([1.0, 1.0])
    with pytest.raises(ad.StaleError):
        ad.gradients(y, [w])


# --- gradients ------------------------------------------------------------------------------------


def test_gradients_add_up_until_they_are_cleared():
    x = tracked([1.0, 2.0])
    assert x.grad is None
    for k in (1, 2, 3):
        (x * x).sum().backward()
        assert x.grad.tolist() == [2.0 * k, 4.0 * k]
    x.zero_grad()
    assert x.grad is None


def test_a_gradient_is_an_array_of_its_own():
    x, y = tracked([1.0, 2.0]), tracked([3.0, 4.0])
    ct = np.ones(2)
    (x + y).backward(ct)
    x.grad[0] = 99.0
    assert y.grad.tolist() == [1.0, 1.0] and ct.tolist() == [1.0, 1.0]
    before = y.grad
    (x + y).sum().backward()
    assert before.tolist() == [1.0, 1.0] and y.grad.tolist() == [2.0, 2.0]


def test_a_gradient_can_be_set():
    x = tracked(np.zeros(2, np.float32))
    x.grad = [1, 2]
    assert x.grad.dtype == np.float32 and x.grad.tolist() == [1.0, 2.0]
    x.grad = ad.tensor([3.0, 4.0])
    assert isinstance(x.grad, np.ndarray) and x.grad.tolist() == [3.0, 4.0]
    (x * 1.0).sum().backward()
    assert x.grad.tolist() == [4.0, 5.0]
    x.grad = None
    assert x.grad is None
    with pytest.raises(ad.GradientError, match=r"\(2,\).*\(3,\)"):
        x.grad = np.zeros(3)
    with pytest.raises(ad.GradientError, match="leaf"):
        (x * 1.0).grad = np.zeros(2)


def test_the_gradient_of_a_result_warns():
    x = tracked([1.0])
    with pytest.warns(UserWarning, match=r"ad\.gradients"):
        assert (x * 2).grad is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ad.tensor([1.0]).grad is None


def test_backward_of_several_numbers_needs_a_cotangent():
    x = tracked([1.0, 2.0])
    with pytest.raises(ad.GradientError, match=r"\(2,\).*\.sum\(\)"):
        (x * x).backward()
    (x * x).backward([1.0, 10.0])
    assert x.grad.tolist() == [2.0, 40.0]
    with pytest.raises(ad.GradientError, match=r"\(3,\).*\(2,\)"):
        (x * x).backward(np.ones(3))


def test_backward_starts_from_one_element_of_any_shape():
    x = tracked([[3.0]])
    (x * x).backward()
    assert x.grad.tolist() == [[6.0]]


def test_backward_of_an_untracked_tensor_is_refused():
    for t in (ad.tensor(1.0), np.floor(tracked(1.5)), tracked(1.0).detach()):
        with pytest.raises(ad.GradientError, match="not tracked"):
            t.backward()


def test_backward_of_a_leaf_is_one():
    x = tracked(3.0)
    x.backward()
    assert x.grad == 1.0


def test_the_same_tensor_twice():
    x = tracked([2.0, 3.0])
    (x @ x + (x * x).sum() + np.maximum(x, x).sum()).backward()
    assert x.grad.tolist() == [9.0, 13.0]


def test_tracking_can_begin_and_end():
    x = ad.tensor([1.0])
    assert x.requires_grad_() is x and x.requires_grad and x.is_leaf
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0]
    x.requires_grad_(False)
    assert not (x * 2).requires_grad and x.grad is None
    with pytest.raises(ad.GradientError, match="leaves"):
        (tracked([1.0]) * 2).requires_grad_()


def test_ending_and_beginning_again_keeps_name_and_home():
    w = _home(tracked([1.0, 2.0], name="w"))
    values = w.data
    w.requires_grad_(False)
    w.assign_([3.0, 4.0])
    w.requires_grad_()
    assert w.name == "w" and w.data is values and values.tolist() == [3.0, 4.0]
    w.assign_([5.0, 6.0])
    assert values.tolist() == [5.0, 6.0]


# --- complex numbers ------------------------------------------------------------------------------

COMPLEX_LOSSES = {
    "abs2": lambda z: (z.real**2 + z.imag**2).sum(),
    "real of a product": lambda z: (z * z * (2 - 3j)).real.sum(),
    "analytic inside": lambda z: np.abs(np.exp(z * 0.5) + z**3).sum(),
    "conj": lambda z: (np.conj(z) * z * z).imag.sum(),
    "mixed": lambda z: (np.sin(z.real) * z.imag).sum(),
}


@pytest.mark.parametrize("loss", COMPLEX_LOSSES.values(), ids=COMPLEX_LOSSES)
def test_complex_gradients_point_uphill(loss):
    """dL/dRe + i dL/dIm, against finite differences in both parts."""
    z0 = np.array([0.7 - 0.3j, -1.1 + 0.4j])
    z = tracked(z0)
    loss(z).backward()
    by_re = slope(lambda r: loss(r + 1j * z0.imag), z0.real)
    by_im = slope(lambda i: loss(z0.real + 1j * i), z0.imag)
    np.testing.assert_allclose(z.grad, by_re + 1j * by_im, rtol=1e-7, atol=1e-8)
    assert loss(z0 - 1e-3 * z.grad) < loss(z0)


def test_a_real_operand_of_a_complex_result_has_a_real_gradient():
    x = tracked([1.0, 2.0])
    np.abs(np.exp(1j * x) + x).sum().backward()
    assert x.grad.dtype == np.float64
    np.testing.assert_allclose(x.grad, slope(lambda x: np.abs(np.exp(1j * x) + x).sum(), [1.0, 2.0]), rtol=1e-7)


def test_backward_of_a_complex_number_asks_for_its_real_part():
    with pytest.raises(ad.GradientError, match=r"complex.*\.real"):
        tracked(1 + 2j).backward()


# --- recording ------------------------------------------------------------------------------------


def test_no_grad_as_context_and_decorator():
    x = tracked(2.0)
    with ad.no_grad():
        assert not (x * 2).requires_grad and not np.sin(x).requires_grad and not x[None].requires_grad
    assert (x * 2).requires_grad

    @ad.no_grad()
    def f(v, *, scale):
        """Documented."""
        return v * scale

    assert not f(x, scale=2).requires_grad and f(x, scale=2).item() == 4.0
    assert f.__name__ == "f" and f.__doc__ == "Documented."
    assert (x * 2).requires_grad


def test_no_grad_nests_and_survives_errors():
    x = tracked(2.0)
    switch = ad.no_grad()
    with switch:
        with switch:
            pass
        assert not (x * 2).requires_grad
    with pytest.raises(ZeroDivisionError), ad.no_grad():
        1 / 0  # noqa: B018  # raising is its use
    assert (x * 2).requires_grad


def test_no_grad_is_per_thread():
    x = tracked(2.0)
    inside, leave = threading.Event(), threading.Event()

    def other():
        with ad.no_grad():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(10)
    try:
        assert (x * 2).requires_grad
    finally:
        leave.set()
        thread.join()


def test_one_decorated_function_in_two_threads():
    """Each call has a switch of its own: who comes last does not restore the other's."""
    x = tracked(2.0)
    first_in, second_in, first_out = (threading.Event() for _ in range(3))
    seen = {}

    @ad.no_grad()
    def f(before, after):
        before.set()
        assert after.wait(10)

    def first():
        with ad.no_grad():
            f(first_in, second_in)
            seen["first, still inside"] = (x * 2).requires_grad
            first_out.set()

    def second():
        assert first_in.wait(10)
        f(second_in, first_out)
        with ad.scope("unrelated"), threading.Lock():
            pass
        seen["second, outside"] = (x * 2).requires_grad

    threads = [threading.Thread(target=t) for t in (first, second)]
    with ad.no_grad():  # keeps the switches counted
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert seen == {"first, still inside": False, "second, outside": True}


def test_gradients_inside_a_generator_thread_pool_do_not_mix():
    from concurrent.futures import ThreadPoolExecutor

    def work(k):
        x = tracked(np.full(50, float(k)))
        for _ in range(20):
            with ad.no_grad():
                x * 2
            (x * x).sum().backward()
        return x.grad

    with ThreadPoolExecutor(4) as pool:
        for k, g in enumerate(pool.map(work, range(12))):
            np.testing.assert_array_equal(g, 40.0 * k)


# --- copies ---------------------------------------------------------------------------------------


@HOMED
def test_a_deep_copy_of_a_leaf_is_a_leaf_of_its_own(settle):
    from autodiff.flat import house

    w = settle(tracked([1.0, 2.0], name="w"))
    w.grad = [5.0, 6.0]
    c = copy.deepcopy(w)
    assert c.requires_grad and c.is_leaf and c.name == "w" and c.data.tolist() == [1.0, 2.0]
    assert c.grad.tolist() == [5.0, 6.0]
    (run,) = house([c])
    run.values[...] = 9.0
    assert c.data.tolist() == [9.0, 9.0] and w.data.tolist() == [1.0, 2.0]
    c.zero_grad()
    (c * c).sum().backward()
    assert c.grad.tolist() == [18.0, 18.0] and w.grad.tolist() == [5.0, 6.0]


def test_everything_is_freed_without_the_collector():
    import weakref

    x = tracked(np.ones(10))
    gc.disable()
    try:
        y = np.sin(x * x).sum()
        node = weakref.ref(y._node)
        y.backward()
        del y
        assert node() is None
        leaf = weakref.ref(x._node)
        del x
        assert leaf() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.where(x > 0, x, 1.0),
        lambda x: x[...],
        lambda x: x.reshape(1).reshape(()),
        lambda x: x.astype(np.float32),
        lambda x: np.split(np.stack([x, x]), 2)[0].squeeze(),
        lambda x: ad.grad(lambda y: np.mean(x * y[..., None]))(0.5),
    ],
)
def test_a_result_of_no_axis_holds_a_numpy_number(f):
    assert isinstance(f(ad.tensor(2.0, requires_grad=True)).data, np.floating)
