"""Who shares memory with whom is asked of the arrays, and results lie in memory as eagerly: values, answers and bits
are those of the plain call, whatever looks into what."""

import itertools

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import autodiff as ad

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 4))


def bits(y):
    """Type, shape and bytes of everything in an answer."""
    if isinstance(y, (tuple, list)):
        return [type(y).__name__, *map(bits, y)]
    if isinstance(y, ad.Tensor):
        return ["Tensor", bits(y.data)]
    return [type(y).__name__, y.dtype, y.shape, y.tobytes()]


def arrays(y):
    return [a for part in y for a in arrays(part)] if isinstance(y, (tuple, list)) else [getattr(y, "data", y)]


def agree(f, *xs):
    """The function compiled gives, three times, the bits of the plain one, and no answer changes later."""
    g = ad.compile(f)
    answers, expected = [], []
    for scale in (1.0, 2.0, -0.5):
        scaled = [np.copy(x, order="K") * scale if isinstance(x, np.ndarray) else x for x in xs]
        with np.errstate(all="ignore"):
            answers.append(g(*scaled))
            expected.append(bits(f(*scaled)))
        assert bits(answers[-1]) == expected[-1]
        for x, a in itertools.product(scaled, arrays(answers[-1])):
            assert not np.shares_memory(x, a)
    assert [bits(a) for a in answers] == expected
    return g


VIEWS = {
    "reshape": lambda a: a.reshape(2, 8),
    "np.reshape": lambda a: np.reshape(a, (8, 2)),
    "reshape of columns": lambda a: a.T.reshape(-1),
    "ravel": lambda a: a.ravel(),
    "np.ravel of columns": lambda a: np.ravel(a.T),
    "ravel K": lambda a: a.T.ravel("K"),
    "flatten": lambda a: a.flatten(),
    "T": lambda a: a.T,
    "mT": lambda a: a.mT,
    "transpose": lambda a: a.transpose(1, 0),
    "np.transpose": np.transpose,
    "permute_dims": lambda a: np.permute_dims(a, (1, 0)),
    "swapaxes": lambda a: a.swapaxes(0, 1),
    "moveaxis": lambda a: np.moveaxis(a, 0, 1),
    "rollaxis": lambda a: np.rollaxis(a, 1),
    "matrix_transpose": np.linalg.matrix_transpose,
    "squeeze": lambda a: np.squeeze(a[None]),
    "expand_dims": lambda a: np.expand_dims(a, 1),
    "atleast_1d": np.atleast_1d,
    "atleast_2d": np.atleast_2d,
    "atleast_3d": np.atleast_3d,
    "atleast_2d of two": lambda a: np.atleast_2d(a, a[0])[1],
    "index": lambda a: a[1],
    "slices": lambda a: a[1:, ::2],
    "reversed": lambda a: a[::-1, ::-1],
    "ellipsis": lambda a: a[..., None, 0],
    "whole": lambda a: a[...],
    "fancy index": lambda a: a[[2, 0]],
    "flip": np.flip,
    "flipud": np.flipud,
    "fliplr": np.fliplr,
    "rot90": np.rot90,
    "rot90 twice": lambda a: np.rot90(a, 2),
    "roll": lambda a: np.roll(a, 1),
    "diagonal": lambda a: a.diagonal(),
    "np.diagonal": lambda a: np.diagonal(a, 1),
    "linalg.diagonal": np.linalg.diagonal,
    "diag": np.diag,
    "broadcast_to": lambda a: np.broadcast_to(a[0], (3, 4)),
    "broadcast_arrays": lambda a: np.broadcast_arrays(a, np.zeros((4, 4)))[0],
    "broadcast_arrays of a row": lambda a: np.broadcast_arrays(a[0], np.zeros((4, 4)))[0],
    "meshgrid": lambda a: np.meshgrid(a[0], a[1], copy=False)[1],
    "split": lambda a: np.split(a, [1])[1],
    "split in one": lambda a: np.split(a, 1)[0],
    "array_split": lambda a: np.array_split(a, 3)[1],
    "hsplit": lambda a: np.hsplit(a, 2)[1],
    "hsplit in one": lambda a: np.hsplit(a, 1)[0],
    "vsplit": lambda a: np.vsplit(a, 2)[0],
    "dsplit in one": lambda a: np.dsplit(a[..., None], 1)[0],
    "real": np.real,
    "imag": np.imag,
    "real of complex": lambda a: (a * 1j).imag,
    "conj": lambda a: a.conj(),
    "np.conj": np.conj,
    "real_if_close": np.real_if_close,
    "astype": lambda a: a.astype(a.dtype),
    "astype without a copy": lambda a: np.astype(a, a.dtype, copy=False),
    "nan_to_num": np.nan_to_num,
    "einsum ij->ji": lambda a: np.einsum("ij->ji", a),
    "einsum ij": lambda a: np.einsum("ij", a),
    "einsum ii->i": lambda a: np.einsum("ii->i", a),
    "sliding_window_view": lambda a: sliding_window_view(a, 2, axis=0),
    "copy": lambda a: a.copy(),
    "triu": np.triu,
    "stack": lambda a: np.stack([a, a.T]),
    "concatenate": lambda a: np.concatenate([a.T, a]),
    "where": lambda a: np.where(a > 0, a.T, a),
    "take": lambda a: a.take([1, 0], axis=1),
    "a view of a view": lambda a: np.einsum("ij->ji", a[1:].T)[:, ::-1],
}
if hasattr(np, "unstack"):  # from NumPy 2.1 on
    VIEWS |= {"unstack": lambda a: np.unstack(a)[1], "unstack of one": lambda a: np.unstack(a[:1])[0]}


def then_sum(view, x):
    a = np.exp(x)
    b = view(a)
    c = np.tanh(x) * 3  # would like the buffer of a
    return c.sum() + np.sum(b * 2)


def give_back(view, x):
    return view(np.exp(x)), np.tanh(x) * 3


def give_both(view, x):
    a = np.exp(x)
    b = view(a)
    return a, b, b, b + np.cos(x).sum()


def of_the_argument(view, x):
    return view(x), view(x) * 2


def of_a_chain(view, x):
    a = x + 1
    for _ in range(3):
        a = np.sin(a) * 2
        b = view(a)
        a = a + b.sum()
    return a, b.mean(axis=0)


FOLLOWING = [then_sum, give_back, give_both, of_the_argument, of_a_chain]


@pytest.mark.parametrize("following", FOLLOWING, ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", VIEWS)
def test_whatever_looks_into_another_array_keeps_its_values(name, following):
    view = VIEWS[name]
    for x in (X, np.asfortranarray(X)):
        agree(lambda x: following(view, x), x)


@pytest.mark.parametrize("name", [name for name in VIEWS if name not in ("ravel K", "astype without a copy")])
def test_gradients_through_views_are_those_of_the_eager_engine(name):
    view = VIEWS[name]
    agree(ad.grad(lambda x: np.sum(np.tanh(view(np.exp(x))) ** 2)), X)


def test_views_of_parameters_come_back_as_copies():
    w = ad.tensor(X.copy(), requires_grad=True)
    f = ad.compile(lambda: (w.T, w[0], w.reshape(-1)))
    for _ in range(3):
        for y in f():
            assert not np.shares_memory(y.data, w.data)
    w.assign_(2 * X)
    np.testing.assert_array_equal(f()[0].data, 2 * X.T)


def test_constants_come_back_as_copies():
    zeros = ad.compile(ad.grad(lambda x: np.sum(x) * 0 + 1))
    for _ in range(3):
        y = zeros(X)
        np.testing.assert_array_equal(y, np.zeros((4, 4)))
        y += 7


def test_what_is_given_back_is_an_array_as_eagerly():
    for f in (lambda x: x.T, lambda x: np.broadcast_to(x, (2, 4, 4)), lambda x: x[::-1, ::2], lambda x: np.exp(x).T):
        g = ad.compile(f)
        for _ in range(2):
            assert g(X).strides == f(X).strides
            assert g(X).tobytes() == f(X).tobytes()


def test_a_number_from_before_an_assignment_comes_back():
    for dtype in (np.float32, np.float64):
        s, w = ad.tensor(np.array(1.0, dtype)), ad.tensor(X.copy())

        def f(x, s=s, w=w):
            old, whole = s.detach(), w * 1
            s.assign_(x)
            w.assign_(w.T)
            return old, whole, s * 2

        g = ad.compile(f)
        for k in range(4):
            before = w.data.copy()
            old, whole, new = g(np.array(k, dtype)[()])
            assert (old.item(), new.item()) == (max(k - 1, 0) if k else 1.0, 2 * k)
            np.testing.assert_array_equal(whole.data, before)
            np.testing.assert_array_equal(w.data, before.T)


# --- writing into what is given


WRITING = {
    "put": lambda a: np.put(a, [0], [1.0]),
    "place": lambda a: np.place(a, np.ones((4, 4), bool), [1.0]),
    "putmask": lambda a: np.putmask(a, np.ones((4, 4), bool), [1.0]),
    "fill_diagonal": lambda a: np.fill_diagonal(a, 0.0),
    "put_along_axis": lambda a: np.put_along_axis(a, np.array([[0]]), 1.0, 1),
    "copyto": lambda a: np.copyto(a, 1.0),
    "add.at": lambda a: np.add.at(a, (0, 0), 1.0),
    "median": lambda a: np.median(a, overwrite_input=True),
    "nan_to_num": lambda a: np.nan_to_num(a, copy=False),
    "out": lambda a: np.add(a, 1, out=a),
    "dot into an argument": lambda a: np.dot(a, a, a),
    "+=": lambda a: a.__iadd__(1.0),
    "[]=": lambda a: a.__setitem__(0, 1.0),
}


@pytest.mark.parametrize("name", WRITING)
def test_a_write_into_an_argument_is_refused_and_not_done(name):
    x = X.copy()
    with pytest.raises(ad.CompileError, match=r"test_compile_views\.py"):
        ad.compile(lambda x: WRITING[name](x))(x)
    np.testing.assert_array_equal(x, X)
    assert x.flags.writeable


def test_a_write_into_a_result_of_its_own_is_a_new_value():
    def f(x):
        a = np.exp(x)
        a += 1
        np.multiply(a, 2, out=a)
        np.nan_to_num(a, copy=False)
        b = x[0, 0] * 1
        kept = b
        b += 1  # a number: a new one
        return a, b, kept

    agree(f, X)


def test_a_write_into_what_others_look_into_is_refused():
    def f(x):
        a = np.exp(x)
        b = a[0]
        a += 1
        return b

    with pytest.raises(ad.CompileError, match="a write into an array"):
        ad.compile(f)(X)


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_classes_of_arrays_of_their_own_are_refused_by_name():
    for make in (np.matrix, np.ma.masked_array):
        strange = make(np.eye(4))
        with pytest.raises(ad.CompileError, match=rf"{type(strange).__name__}.*np\.asarray"):
            ad.compile(lambda x: x * 2)(strange)
        with pytest.raises(ad.CompileError, match=r"np\.asarray"):
            ad.compile(lambda x, strange=strange: np.add(x, strange))(X)


# --- bits


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64])
@pytest.mark.parametrize("fold", [np.sum, np.mean, np.var, np.cumsum], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    "turned",
    [
        lambda x: x.T,
        lambda x: x.transpose(1, 2, 0),
        lambda x: np.swapaxes(x, 0, 1),
        lambda x: x[::-1],
        lambda x: x[:, ::2],
        lambda x: np.broadcast_to(x[0], x.shape),
        lambda x: np.moveaxis(x, 2, 0) + 1,
        lambda x: np.concatenate([x.T, x.T]),
    ],
)
def test_sums_after_a_transpose_are_the_eager_ones_to_the_last_bit(turned, fold, dtype):
    x = (RNG.normal(size=(13, 21, 34)) + 1).astype(dtype)
    agree(lambda x: fold(np.tanh(turned(x)) * 2), x)
    agree(lambda x: fold(np.tanh(turned(x) * 2).sum(axis=1)), x)
    agree(lambda x: np.sum(np.tanh(x) * x.T[0, 0, 0]), x.T)


def test_another_layout_is_another_trace():
    f = lambda x: np.sum(np.tanh(x) * 2)
    g = ad.compile(f)
    x = RNG.normal(size=(50, 60)).astype(np.float32)
    layouts = (x, np.asfortranarray(x), x[::-1], np.repeat(x, 2, axis=1)[:, ::2])
    for y in (*layouts, *layouts):
        assert g(y).tobytes() == f(y).tobytes()
    assert len(g.sources) == len(layouts)


@pytest.mark.parametrize("shapes", [((5, 1), (1, 3)), ((1, 1), (1, 4)), ((3, 4), (4, 1)), ((4,), (4, 3)), ((4,), (4,))])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128, np.int64])
def test_products_of_matrices_have_the_eager_bits(shapes, dtype):
    a, b = (RNG.integers(-1, 2, size=s) * np.array(0.1 if np.dtype(dtype).kind in "fc" else 1) for s in shapes)
    a, b = (np.copysign(x, -1) if i else x for i, x in enumerate((a, b)))  # zeros of either sign
    for x, y in ((a, b), (a[..., ::-1], b), (np.asfortranarray(a), np.asfortranarray(b))):
        agree(lambda x, y: (x @ y, (x + 1) @ y), x.astype(dtype), y.astype(dtype))


ON_NUMBERS = {
    "square": lambda x, y: x**2,
    "cube": lambda x, y: x**3,
    "root": lambda x, y: x**0.5,
    "reciprocal": lambda x, y: x**-1 + 2**x,
    "power": lambda x, y: x**y,
    "np.power": lambda x, y: np.power(x, y) + np.power(x, 3),
    "product": lambda x, y: x * y - x / y,
    "square of a product": lambda x, y: (x * y) * (x * y) + np.square(x),
    "functions": lambda x, y: np.exp(x) * np.sin(y) + np.tanh(x * y) - np.log(x) + np.sqrt(y) + np.arctan2(x, y),
    "size": lambda x, y: abs(x * y) + np.absolute(y),
}


@pytest.mark.parametrize("name", ON_NUMBERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_numbers_are_computed_by_the_very_calls_of_the_eager_run(name, dtype):
    f = ON_NUMBERS[name]
    if name == "functions" and np.dtype(dtype).kind == "c":
        f = lambda x, y: np.exp(x) * np.sin(y) + np.tanh(x * y)
    g = ad.compile(f)
    for _ in range(40):
        x, y = np.abs(RNG.normal(size=2)) + (1j * RNG.normal(size=2) if np.dtype(dtype).kind == "c" else 0)
        x, y = np.array(x, dtype)[()], np.array(y, dtype)[()]
        assert bits(g(x, y)) == bits(f(x, y))
    agree(lambda x: f(x, x + 1), np.abs(X).astype(dtype))


def test_signs_of_zeros_are_kept():
    zeros = np.array([0.0, -0.0] * 40)
    for f in (
        lambda x, y: np.maximum(x, 0.0) + 0 * y,
        lambda x, y: 1 / np.maximum(x, 0.0) + 1 / np.minimum(x, -0.0) + 1 / np.maximum(y, x) - 1 / np.maximum(x, y),
        lambda x, y: 1 / (x + 0.0) + 1 / (x + -0.0),
        lambda x, y: 1 / (x * np.ones(80)) - 1 / (-x) * y,
        lambda x, y: np.copysign(x, -0.0) + np.copysign(y, 0.0),
        lambda x, y: np.sign(np.maximum(x, 0.0)) * y,
        lambda x, y: x * np.array([0.0, -0.0] * 40),
    ):
        g = ad.compile(f)
        with np.errstate(all="ignore"):
            for x, y in itertools.product((zeros, zeros[::-1].copy()), repeat=2):
                got, expected = g(x, y), f(x, y)
                np.testing.assert_array_equal(got, expected)
                np.testing.assert_array_equal(np.signbit(got), np.signbit(expected))


def test_signs_of_zeros_are_kept_on_numbers():
    f = lambda x, y: (np.maximum(x, y), np.minimum(x, y), np.sign(x), -x, x * 1.0, x + y, abs(x), np.maximum(x, 0.0))
    g = ad.compile(f)
    for x, y in itertools.product(map(np.float64, (1.5, 0.0, -0.0, -2.0, np.inf)), repeat=2):
        assert bits(g(x, y)) == bits(f(x, y))


MIXED = [
    lambda a, b, seen: a * b,
    lambda a, b, seen: np.tanh(a),
    lambda a, b, seen: a - b.T,
    lambda a, b, seen: a + seen.sum(),
    lambda a, b, seen: -a * 4 + b,
]


def test_random_programs_of_views_give_the_eager_bits():
    """Every value may look into any other, and any may come back."""
    rng = np.random.default_rng(5)
    views = list(VIEWS.values())
    for dtype in (np.float32, np.float64, np.complex128):
        for _ in range(60):
            plan = rng.integers(0, 1000, size=(10, 4))

            def f(x, plan=plan):
                values = [x, np.exp(x)]
                for kind, i, j, k in plan:
                    a, b = values[i % len(values)], values[j % len(values)]
                    seen = views[k % len(views)](a)
                    values.append(seen if kind % 6 == 5 and seen.shape == (4, 4) else MIXED[kind % 5](a, b, seen))
                return tuple(values[2::3]), sum(v.sum() for v in values)

            x = (0.1 * rng.normal(size=(4, 4))).astype(dtype)
            agree(f, x if rng.random() < 0.5 else np.asfortranarray(x))


def test_cotangents_of_several_layouts_add_up_to_the_last_bit():
    """The eager sweep adds a third cotangent in place, a traced one anew: the layout of the sum must not differ."""
    rng = np.random.default_rng(0)
    a, b, c, d = rng.normal(size=(4, 20, 9))

    def f(v):
        m = d + v
        first = (np.tanh(m) * c).sum()  # its cotangent is the last that arrives at m
        return first + (np.sin(m.T) * a.T).sum() + (np.cos(m.T) * b.T).sum()

    slope = ad.grad(f)
    compiled = ad.compile(slope)
    for v in rng.normal(size=(40, 9)):
        np.testing.assert_array_equal(compiled(v), slope(v))
