"""The namespace of the array API standard, walked against its reference, `array_api_strict`."""

import array_api_strict as strict
import numpy as np
import pytest

import autodiff as ad
from autodiff.arrays import array_api
from autodiff.testing import gradcheck

XP = ad.tensor(0.0).__array_namespace__()
strict.set_array_api_strict_flags(api_version=array_api.VERSION)

ABOUT_THE_REFERENCE = {
    "Device",
    "__version__",
    "set_array_api_strict_flags",
    "get_array_api_strict_flags",
    "reset_array_api_strict_flags",
    "ArrayAPIStrictFlags",
}
"""What `array_api_strict` exports beside the standard."""


# --- one example for each function, run in both namespaces

A = [[0.5, -1.25, 2.0], [3.0, 0.25, -0.75]]
B = [[1.5, 0.75, -2.0], [0.5, 2.25, 1.25]]
INSIDE = [[0.5, -0.25, 0.125], [0.75, 0.0625, -0.875]]
SQUARE = [[2.0, 0.5, 0.25], [0.5, 3.0, -0.75], [0.25, -0.75, 1.5]]
WHOLE = [[3, 1, 4], [1, 5, 9]]
TRUTH = [[True, False, True], [False, False, True]]
COMPLEX = [[1 + 2j, 0.5 - 1j], [-0.25j, 2.0 + 0j]]

ONE = "abs cos cosh exp expm1 sin sinh square tan tanh ceil floor trunc round negative positive sign reciprocal"
ONE += " isfinite isinf isnan signbit"
INVERSE = "asin acos atan asinh atanh"
GREATER_0 = "sqrt log log1p log2 log10"
TWO = "add atan2 copysign divide equal floor_divide greater greater_equal hypot less less_equal logaddexp maximum"
TWO += " minimum multiply nextafter not_equal remainder subtract"
BITS = "bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift"
LOGIC = "logical_and logical_or logical_xor"
OVER = "max min mean prod std sum var"
COUNTED = "all any argmax argmin count_nonzero"
DTYPES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 complex64 complex128"


def each(names, run, room=None):
    """The example `run(function, xp)` for each of some functions, named by words or a list."""
    names = names.split() if isinstance(names, str) else names
    return {name: (lambda xp, name=name: run(getattr(getattr(xp, room) if room else xp, name), xp)) for name in names}


def whole_and_along(f, x):
    """A reduction over all axes, over one, and over one that stays."""
    return [f(x), f(x, axis=1), f(x, axis=0, keepdims=True)]


def from_the_start(f, xp):
    """A running sum or product."""
    return [f(xp.asarray(A), axis=1, include_initial=True), f(xp.asarray([1.0, 2.0]))]


CALLS = {
    **each(ONE, lambda f, xp: f(xp.asarray(A))),
    **each(INVERSE, lambda f, xp: f(xp.asarray(INSIDE))),
    **each(GREATER_0, lambda f, xp: f(xp.abs(xp.asarray(A)))),
    **each("acosh", lambda f, xp: f(xp.abs(xp.asarray(A)) + 1.5)),
    **each(TWO, lambda f, xp: f(xp.asarray(A), xp.asarray(B))),
    **each("pow", lambda f, xp: f(xp.abs(xp.asarray(A)), xp.asarray(B))),
    **each(BITS, lambda f, xp: f(xp.asarray(WHOLE), xp.asarray([1, 2, 3]))),
    **each("bitwise_invert", lambda f, xp: f(xp.asarray(WHOLE))),
    **each(LOGIC, lambda f, xp: f(xp.asarray(TRUTH), xp.asarray([True, True, False]))),
    **each("logical_not", lambda f, xp: f(xp.asarray(TRUTH))),
    **each("real imag conj", lambda f, xp: f(xp.asarray(COMPLEX))),
    **each("clip", lambda f, xp: [f(xp.asarray(A), 0.0, 1.0), f(xp.asarray(A), min=0.0), f(xp.asarray(A), max=0.0)]),
    **each(OVER, lambda f, xp: whole_and_along(f, xp.asarray(A))),
    **each(COUNTED, lambda f, xp: whole_and_along(f, xp.asarray(A))),
    "var ": lambda xp: xp.var(xp.asarray(A), axis=1, correction=1),
    "std ": lambda xp: xp.std(xp.asarray(A), axis=(0, 1), correction=1.0),
    # creation
    "asarray": lambda xp: [xp.asarray([1, 2]), xp.asarray(2.5), xp.asarray([1, 2], dtype=xp.float32), xp.asarray(True)],
    "arange": lambda xp: [xp.arange(4), xp.arange(1.0, 2.0, 0.25), xp.arange(3, dtype=xp.float32)],
    "empty": lambda xp: xp.empty((2, 3)).shape,
    "empty_like": lambda xp: xp.empty_like(xp.asarray(A)).shape,
    "eye": lambda xp: [xp.eye(3), xp.eye(2, 3, k=1, dtype=xp.float32)],
    "from_dlpack": lambda xp: xp.from_dlpack(xp.asarray(A)),
    "full": lambda xp: [xp.full((2, 3), 1.5), xp.full(2, 7, dtype=xp.int32)],
    "full_like": lambda xp: [xp.full_like(xp.asarray(A), 2.0), xp.full_like(xp.asarray(A), 2, dtype=xp.int64)],
    "linspace": lambda xp: [xp.linspace(0, 1, 5), xp.linspace(0.0, 1.0, 4, endpoint=False, dtype=xp.float32)],
    "meshgrid": lambda xp: list(xp.meshgrid(xp.asarray([1.0, 2.0]), xp.asarray([3.0, 4.0, 5.0]), indexing="ij")),
    **each("ones zeros", lambda f, xp: [f(3), f((2, 1), dtype=xp.float32)]),
    **each("ones_like zeros_like", lambda f, xp: [f(xp.asarray(A)), f(xp.asarray(WHOLE), dtype=xp.float32)]),
    **each("tril triu", lambda f, xp: f(xp.asarray(SQUARE), k=1)),
    # dtypes
    "astype": lambda xp: [xp.astype(xp.asarray(A), xp.float32), xp.astype(xp.asarray(WHOLE), xp.float64, copy=False)],
    "can_cast": lambda xp: [xp.can_cast(xp.int8, xp.int16), xp.can_cast(xp.asarray(A), xp.float32)],
    "finfo": lambda xp: [xp.finfo(xp.float32).eps, xp.finfo(xp.asarray(A)).max],
    "iinfo": lambda xp: xp.iinfo(xp.int8).max,
    "isdtype": lambda xp: [xp.isdtype(xp.float32, "real floating"), xp.isdtype(xp.int8, ("bool", "complex floating"))],
    "result_type": lambda xp: xp.result_type(xp.float32, xp.asarray(A)) == xp.float64,
    **each(DTYPES, lambda f, xp: xp.zeros(1, dtype=f)),
    # shapes
    "broadcast_arrays": lambda xp: list(xp.broadcast_arrays(xp.asarray(A), xp.asarray([1.0, 2.0, 3.0]))),
    "broadcast_shapes": lambda xp: xp.broadcast_shapes((2, 1), (3,)),
    "broadcast_to": lambda xp: xp.broadcast_to(xp.asarray([1.0, 2.0, 3.0]), (2, 3)),
    "concat": lambda xp: [xp.concat([xp.asarray(A), xp.asarray(B)], axis=1), xp.concat([xp.asarray(A)], axis=None)],
    "expand_dims": lambda xp: xp.expand_dims(xp.asarray(A), axis=1),
    "flip": lambda xp: [xp.flip(xp.asarray(A)), xp.flip(xp.asarray(A), axis=1)],
    "moveaxis": lambda xp: xp.moveaxis(xp.asarray([A]), 0, 2),
    "permute_dims": lambda xp: xp.permute_dims(xp.asarray([A]), (2, 0, 1)),
    "repeat": lambda xp: [xp.repeat(xp.asarray(A), 2, axis=1), xp.repeat(xp.asarray(A), xp.asarray([1, 2]), axis=0)],
    "reshape": lambda xp: [xp.reshape(xp.asarray(A), (3, 2)), xp.reshape(xp.asarray(A), (-1,), copy=True)],
    "roll": lambda xp: [xp.roll(xp.asarray(A), 2), xp.roll(xp.asarray(A), (1, -1), axis=(0, 1))],
    "squeeze": lambda xp: xp.squeeze(xp.asarray([A]), 0),
    "stack": lambda xp: xp.stack([xp.asarray(A), xp.asarray(B)], axis=-1),
    "tile": lambda xp: xp.tile(xp.asarray(A), (2, 1)),
    "unstack": lambda xp: list(xp.unstack(xp.asarray(A), axis=1)),
    # picking, order, sets
    "take": lambda xp: xp.take(xp.asarray(A), xp.asarray([2, 0]), axis=1),
    "take_along_axis": lambda xp: xp.take_along_axis(xp.asarray(A), xp.asarray([[2], [0]]), axis=1),
    "nonzero": lambda xp: list(xp.nonzero(xp.asarray(TRUTH))),
    "searchsorted": lambda xp: xp.searchsorted(xp.asarray([1.0, 2.0, 3.0]), xp.asarray([2.0, 0.0]), side="right"),
    "where": lambda xp: xp.where(xp.asarray(TRUTH), xp.asarray(A), xp.asarray(B)),
    **each("sort argsort", lambda f, xp: [f(xp.asarray(A)), f(xp.asarray([2, 1, 2, 3]), descending=True)]),
    "unique_all": lambda xp: list(xp.unique_all(xp.asarray([2.0, 1.0, 2.0]))),
    "unique_counts": lambda xp: list(xp.unique_counts(xp.asarray([2.0, 1.0, 2.0]))),
    "unique_inverse": lambda xp: list(xp.unique_inverse(xp.asarray([2.0, 1.0, 2.0]))),
    "unique_values": lambda xp: xp.sort(xp.unique_values(xp.asarray([2.0, 1.0, 2.0]))),
    "isin": lambda xp: xp.isin(xp.asarray(WHOLE), xp.asarray([1, 9])),
    # sums along an axis
    **each("cumulative_sum cumulative_prod", from_the_start),
    "diff": lambda xp: [xp.diff(xp.asarray(A)), xp.diff(xp.asarray(A), axis=0, n=1, prepend=xp.asarray([[0.0] * 3]))],
    # products
    "matmul": lambda xp: xp.matmul(xp.asarray(A), xp.asarray(SQUARE)),
    "matrix_transpose": lambda xp: xp.matrix_transpose(xp.asarray([A])),
    "tensordot": lambda xp: xp.tensordot(xp.asarray(A), xp.asarray(B), axes=((0, 1), (0, 1))),
    "vecdot": lambda xp: xp.vecdot(xp.asarray(A), xp.asarray(B), axis=-2),
    # the namespace itself
    **each("e inf nan pi", lambda f, xp: f),
    "newaxis": lambda xp: xp.asarray(A)[:, xp.newaxis, :].shape,
    "__array_api_version__": lambda xp: xp.__array_api_version__,
    "__array_namespace_info__": lambda xp: sorted(xp.__array_namespace_info__().dtypes(kind="real floating")),
    "linalg": lambda xp: xp.linalg.trace(xp.asarray(SQUARE)),
    "fft": lambda xp: xp.fft.fftshift(xp.asarray([1.0, 2.0, 3.0])),
}  # fmt: skip

LINALG = {
    **each("det inv svdvals eigvalsh pinv matrix_rank trace", lambda f, xp: f(xp.asarray(SQUARE)), "linalg"),
    **each("diagonal matrix_transpose", lambda f, xp: f(xp.asarray(A)), "linalg"),
    "cholesky": lambda xp: [xp.linalg.cholesky(xp.asarray(SQUARE)), xp.linalg.cholesky(xp.asarray(SQUARE), upper=True)],
    "cross": lambda xp: xp.linalg.cross(xp.asarray(A), xp.asarray(B)),
    "eig": lambda xp: list(xp.linalg.eig(xp.asarray(SQUARE))),
    "eigh": lambda xp: list(xp.linalg.eigh(xp.asarray(SQUARE))),
    "eigvals": lambda xp: xp.linalg.eigvals(xp.asarray(SQUARE)),
    "matmul": lambda xp: xp.linalg.matmul(xp.asarray(A), xp.asarray(SQUARE)),
    "matrix_norm": lambda xp: [xp.linalg.matrix_norm(xp.asarray(A), ord=o) for o in ("fro", "nuc", 1, 2, -2, xp.inf)],
    "matrix_power": lambda xp: [xp.linalg.matrix_power(xp.asarray(SQUARE), n) for n in (-2, 0, 3)],
    "outer": lambda xp: xp.linalg.outer(xp.asarray([1.0, 2.0]), xp.asarray([3.0, 4.0, 5.0])),
    "qr": lambda xp: list(xp.linalg.qr(xp.asarray(SQUARE))),
    "slogdet": lambda xp: list(xp.linalg.slogdet(xp.asarray(SQUARE))),
    "solve": lambda xp: [xp.linalg.solve(xp.asarray(SQUARE), xp.asarray(b)) for b in ([1.0, 2.0, 3.0], SQUARE)],
    "svd": lambda xp: list(xp.linalg.svd(xp.asarray(A), full_matrices=False)),
    "tensordot": lambda xp: xp.linalg.tensordot(xp.asarray(A), xp.asarray(B), axes=((1,), (1,))),
    "vecdot": lambda xp: xp.linalg.vecdot(xp.asarray(A), xp.asarray(B)),
    "vector_norm": lambda xp: [xp.linalg.vector_norm(xp.asarray(A), axis=1, ord=o) for o in (1, 2, 3, xp.inf, 0)],
}

SEQUENCE = [1.0, -0.5, 2.0, 0.25, 3.0]
FFT = {
    **each("fft ifft", lambda f, xp: f(xp.astype(xp.asarray(SEQUENCE), xp.complex128), n=4, norm="ortho"), "fft"),
    **each("fftn ifftn", lambda f, xp: f(xp.asarray(COMPLEX), s=(2, 3), axes=(0, 1)), "fft"),
    **each("rfft ihfft", lambda f, xp: f(xp.asarray(SEQUENCE)), "fft"),
    **each("irfft hfft", lambda f, xp: f(xp.asarray([1 + 0j, 2 - 1j, 0.5 + 1j]), n=5), "fft"),
    "rfftn": lambda xp: xp.fft.rfftn(xp.asarray(A)),
    "irfftn": lambda xp: xp.fft.irfftn(xp.asarray(COMPLEX), s=(2, 3), axes=(0, 1)),
    **each("fftshift ifftshift", lambda f, xp: f(xp.asarray(SEQUENCE)), "fft"),
    **each("fftfreq rfftfreq", lambda f, xp: f(5, d=0.5), "fft"),
}


def plain(result):
    """A result as (dtype, NumPy array), in lists where there are several."""
    if isinstance(result, (list, tuple)):
        return [plain(r) for r in result]
    if isinstance(result, ad.Tensor):
        return result.dtype, result.data
    if isinstance(result, type(strict.asarray(0.0))):
        return np.asarray(result._array).dtype, np.asarray(result._array)
    return result


def same(ours, theirs):
    if isinstance(theirs, list):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs):
            same(a, b)
    elif isinstance(theirs, tuple) and len(theirs) == 2 and isinstance(theirs[0], np.dtype):
        assert ours[0] == theirs[0]
        assert np.shape(ours[1]) == np.shape(theirs[1])
        np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-6, atol=1e-13)
    else:
        np.testing.assert_equal(ours, theirs)


@pytest.mark.parametrize("name", CALLS)
def test_a_function_does_what_the_reference_does(name):
    same(plain(CALLS[name](XP)), plain(CALLS[name](strict)))


@pytest.mark.parametrize(("room", "name"), [("linalg", n) for n in LINALG] + [("fft", n) for n in FFT])
def test_a_function_of_an_extension_does_what_the_reference_does(room, name):
    run = {"linalg": LINALG, "fft": FFT}[room][name]
    same(plain(run(XP)), plain(run(strict)))


# --- nothing is missing


def test_every_name_of_the_standard_has_an_example():
    standard = set(strict.__all__) - ABOUT_THE_REFERENCE
    assert standard - CALLS.keys() == set()
    assert set(dir(XP)) - {"special"} == {name.strip() for name in CALLS}  # that is for SciPy


def test_every_name_of_the_extensions_has_an_example():
    for room, calls in (("linalg", LINALG), ("fft", FFT)):
        public = {n for n, f in vars(getattr(strict, room)).items() if getattr(f, "__module__", "").endswith(room)}
        public = {n for n in public if n[0] != "_" and n[0].islower()}
        assert public - calls.keys() == set()
        assert set(dir(getattr(XP, room))) == calls.keys()


# --- Tensors in, Tensors out, gradients through


def softmax_regression(x, w, y):
    """Written for no library in particular."""
    xp = x.__array_namespace__()
    z = xp.matmul(x, w)
    z = z - xp.max(z, axis=1, keepdims=True)
    log_p = z - xp.log(xp.sum(xp.exp(z), axis=1, keepdims=True))
    penalty = xp.linalg.vector_norm(xp.reshape(w, (-1,))) ** 2
    return -xp.mean(xp.sum(y * log_p, axis=1)) + 0.5 * penalty


def test_code_for_any_library_differentiates():
    x, w, y = np.array(A), np.array(SQUARE), np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    gradcheck(lambda w: softmax_regression(ad.Tensor(x), w, ad.Tensor(y)), w)
    value = softmax_regression(ad.Tensor(x), ad.Tensor(w), ad.Tensor(y)).item()
    assert value == pytest.approx(float(softmax_regression(*map(strict.asarray, (x, w, y)))), rel=1e-12)


@pytest.mark.parametrize("name", ["cumulative_sum", "cumulative_prod"])
def test_sums_so_far_differentiate(name):
    f = getattr(XP, name)
    gradcheck(lambda x: f(x, axis=1, include_initial=True), np.array(A))
    gradcheck(lambda x: f(x, axis=0), np.array(A))


def test_sorting_differentiates_downwards_too():
    weights = np.array([1.0, 10.0, 100.0])
    gradient = ad.grad(lambda x: XP.sum(XP.sort(x, descending=True) * weights))(np.array([2.0, 3.0, 1.0]))
    np.testing.assert_array_equal(gradient, [10.0, 1.0, 100.0])


def test_filling_with_a_tensor_keeps_it_tracked():
    assert ad.grad(lambda x: XP.sum(XP.full((2, 3), x)))(2.0) == 6.0
    assert ad.grad(lambda x: XP.sum(XP.full_like(XP.zeros(4), x)))(2.0) == 4.0


def test_asarray_shares_or_copies_as_asked():
    a = np.array([1.0, 2.0])
    t = XP.asarray(a)
    assert np.shares_memory(t.data, a) and not np.shares_memory(XP.asarray(a, copy=True).data, a)
    assert XP.asarray(t) is t and XP.asarray(t, copy=True) is not t
    w = ad.tensor([1.0], requires_grad=True)
    assert XP.asarray(w, dtype=XP.float32).requires_grad and XP.asarray([w, w]).requires_grad
    with pytest.raises(ValueError, match=r"copy=False"):
        XP.asarray([1.0], copy=False)
    with pytest.raises(ValueError, match=r"copy=False"):
        XP.asarray(w, dtype=XP.float32, copy=False)


# --- devices, versions, other libraries' arrays


def test_there_is_one_device():
    x = ad.tensor([1.0])
    assert x.device == "cpu" and x.to_device("cpu") is x and XP.zeros(1, device="cpu").device == "cpu"
    info = XP.__array_namespace_info__()
    assert info.devices() == [info.default_device()]
    with pytest.raises(ValueError, match="the only device is 'cpu'"):
        x.to_device("cuda")
    for make in (lambda: XP.zeros(1, device="cuda"), lambda: XP.asarray(1.0, device="cuda")):
        with pytest.raises(ad.UnsupportedError, match="'cuda' was given"):
            make()


def test_versions():
    assert ad.tensor(1.0).__array_namespace__(api_version="2023.12") is XP
    with pytest.raises(ad.UnsupportedError, match=r"'2031\.12' was given"):
        ad.tensor(1.0).__array_namespace__(api_version="2031.12")


def test_a_name_outside_the_standard_is_refused():
    with pytest.raises(AttributeError, match="the array API has no 'no_such_name'"):
        _ = XP.no_such_name


def test_memory_is_handed_to_other_libraries():
    x = ad.tensor([1.0, 2.0])
    assert np.shares_memory(np.from_dlpack(x), x.data)
    assert x.__dlpack_device__() == x.data.__dlpack_device__()
    with pytest.raises(ad.UntrackedError, match=r"x\.detach\(\)"):
        np.from_dlpack(ad.tensor([1.0, 2.0], requires_grad=True))
