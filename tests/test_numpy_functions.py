"""NumPy's functions on Tensors beside NumPy itself: odd operands, odd keywords, mistakes, and what ufuncs have besides.

The rows of tests/op_cases say what is right in the ordinary; here is what they do not reach.
"""

import inspect
import warnings

import numpy as np
import pytest

import autodiff as ad
from autodiff import pytree
from autodiff.core.primitives import NUMPY_CONSTANTS, NUMPY_FUNCTIONS, NUMPY_PRIMITIVES
from autodiff.testing import gradcheck

AxisError = np.exceptions.AxisError
NAN, INF = np.nan, np.inf
NEWER = np.lib.NumpyVersion(np.__version__)

A = np.array([3.0, -1.0, 2.0, 0.5])
M = np.arange(6.0).reshape(2, 3) - 2.3
C = np.array([1 + 2j, -0.5j, 3.0])
WHOLE = np.array([3, 1, 2])
NONE, NO_ROWS, NO_COLUMNS = np.zeros(0), np.zeros((0, 3)), np.zeros((3, 0))
HOLES = np.array([NAN, 1.0, NAN, 4.0])


def tensors(value):
    """Arrays as Tensors, real and complex ones tracked; in lists too."""
    if isinstance(value, (list, tuple)):
        return type(value)(tensors(v) for v in value)
    return ad.Tensor(value, requires_grad=value.dtype.kind in "fc") if isinstance(value, np.ndarray) else value


def arrays(tree):
    return [np.asarray(y.data if isinstance(y, ad.Tensor) else y) for y in pytree.flatten(tree)[0]]


def outcome(fn, *operands, **keywords):
    """What a call gives: arrays, or an exception; and its warnings."""
    with warnings.catch_warnings(record=True) as met:
        warnings.simplefilter("always")
        try:
            return arrays(fn(*operands, **keywords)), {str(w.message).rstrip(".") for w in met}
        except Exception as error:
            return error, set()


def same(fn, *operands, warns=True, rtol=1e-12, **keywords):
    """The function gives on Tensors what it gives on arrays: values, shapes, dtypes, warnings."""
    expected, told = outcome(fn, *operands, **keywords)
    result, ours = outcome(fn, *tensors(operands), **keywords)
    assert not isinstance(expected, Exception), f"NumPy raises {expected!r}"
    assert not isinstance(result, Exception), f"raised {result!r}"
    assert len(result) == len(expected)
    for y, wanted in zip(result, expected, strict=True):
        assert (y.shape, y.dtype) == (wanted.shape, wanted.dtype)
        np.testing.assert_allclose(y, wanted, rtol=rtol, atol=rtol)
    assert not warns or ours == told


def both_raise(fn, *operands, error=ValueError, message=None, **keywords):
    """NumPy raises, and so does the engine: an exception of the same kind, with a message of its own."""
    with pytest.raises(Exception):  # noqa: B017, PT011 - whichever it is
        fn(*operands, **keywords)
    with pytest.raises(error, match=message):
        fn(*tensors(operands), **keywords)


# --- quantiles ------------------------------------------------------------------------------------

METHODS = [
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "interpolated_inverted_cdf",
    "hazen",
    "weibull",
    "linear",
    "median_unbiased",
    "normal_unbiased",
    "lower",
    "higher",
    "midpoint",
    "nearest",
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 7])
def test_quantiles_by_every_method(method, n):
    x = np.cos(np.arange(1.0, n + 1) * 2.3)
    for q in (0.0, 0.1, 0.25, 1 / 3, 0.5, 0.9, 1.0, [0.2, 0.7], [[0.5], [0.6]]):
        same(np.quantile, x, q, method=method)
        same(np.nanquantile, x, q, method=method)
        same(np.percentile, x, np.multiply(q, 100).tolist(), method=method)
        same(np.nanpercentile, np.append(x, NAN), np.multiply(q, 100).tolist(), method=method)


@pytest.mark.parametrize("method", METHODS)
def test_the_slopes_of_a_quantile_sum_to_1(method):
    for q in (0.0, 0.1, 0.5, 0.77, 1.0):
        assert ad.grad(lambda x, q=q: np.quantile(x, q, method=method))(A).sum() == pytest.approx(1.0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64])
def test_quantiles_of_every_type(dtype):
    x = np.array([3, 0, 2, 1, 1]).astype(dtype)
    for q in (0.5, [0.25, 0.75], np.float32(0.25), np.float64(0.5), 0, 1):
        same(np.quantile, x, q, rtol=1e-3)
    same(np.median, x)
    same(np.nanmedian, x)


def test_quantiles_of_infinities():
    same(np.median, np.array([1.0, INF, INF]))
    same(np.median, np.array([-INF, 1.0, INF]))
    same(np.quantile, np.array([1.0, 2.0, INF]), 0.25)
    same(np.quantile, np.array([1.0, 2.0, INF]), [0.5, 1.0], method="lower")


def test_nan_makes_a_quantile_nan_and_is_left_out_by_the_others():
    for fn in (np.median, np.nanmedian):
        same(fn, HOLES)
        same(fn, np.stack([HOLES, A]), axis=1)
    same(np.quantile, HOLES, 0.3)
    same(np.nanquantile, np.stack([HOLES, A]), [0.3, 0.6], axis=1)
    same(np.nanmedian, np.full(3, NAN))
    same(np.nanquantile, np.full((2, 3), NAN), 0.5, axis=0)


def test_quantiles_that_do_not_exist():
    both_raise(np.quantile, NONE, 0.5, error=ad.ShapeError, message="at least one value")
    both_raise(np.quantile, A, 1.5)
    both_raise(np.percentile, A, -1)
    both_raise(np.quantile, A, 0.5, method="nope", message="nope")
    both_raise(np.quantile, C, 0.5, error=ad.UnsupportedError, message="complex")
    both_raise(np.quantile, A, 0.5, axis=1, error=AxisError)
    with pytest.raises(ad.UnsupportedError, match=r"weights.*Supported: a, q, axis"):
        np.quantile(tensors(A), 0.5, weights=A, method="inverted_cdf")
    with pytest.raises(ad.UnsupportedError, match="linear"):
        np.quantile(tensors(A), tensors(np.array(0.5)), method="lower")


# --- reductions -----------------------------------------------------------------------------------

REDUCTIONS = [
    *(np.sum, np.prod, np.mean, np.var, np.std, np.max, np.min, np.ptp, np.median),
    *(np.nansum, np.nanprod, np.nanmean, np.nanvar, np.nanstd, np.nanmax, np.nanmin, np.nanmedian),
]


@pytest.mark.parametrize("fn", REDUCTIONS)
def test_reductions_of_what_is_empty(fn):
    """A number, a warning or an error, as NumPy has it."""
    for x in (NONE, NO_ROWS, NO_COLUMNS):
        for axis in (None, 0, x.ndim - 1):
            for keepdims in (False, True):
                expected, told = outcome(fn, x, axis=axis, keepdims=keepdims)
                if isinstance(expected, Exception):
                    both_raise(fn, x, axis=axis, keepdims=keepdims, error=ad.ShapeError)
                else:
                    same(fn, x, axis=axis, keepdims=keepdims, warns=False)
                    ours = outcome(fn, tensors(x), axis=axis, keepdims=keepdims)[1]
                    assert {w for w in told if "empty" in w or "freedom" in w or "NaN" in w} <= ours


@pytest.mark.parametrize("fn", REDUCTIONS)
def test_reductions_of_nothing_but_nan(fn):
    for x in (np.full(3, NAN), np.array([[NAN, 1.0], [NAN, NAN]])):
        for axis in (None, 0, x.ndim - 1):
            same(fn, x, axis=axis)


@pytest.mark.parametrize("fn", REDUCTIONS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64, bool, np.complex64])
def test_reductions_of_every_type(fn, dtype):
    x = np.array([[1, 0, 2], [1, 3, 1]]).astype(dtype)
    if dtype is np.complex64 and fn in (np.median, np.nanmedian):
        both = pytest.raises(ad.UnsupportedError, match="no order")
        with both:
            fn(tensors(x))
        return
    if dtype is bool and fn is np.ptp:
        return both_raise(fn, x, error=TypeError)
    for keywords in ({}, {"axis": 0}, {"axis": (0, 1), "keepdims": True}):
        same(fn, x, **keywords, rtol=2e-3 if dtype is np.float16 else 1e-5)


@pytest.mark.parametrize("fn", [f for f in REDUCTIONS if f not in (np.ptp, np.median, np.nanmedian)])
def test_where_selects(fn):
    start = {"initial": 0.25} if fn in (np.max, np.min, np.nanmax, np.nanmin) else {}
    for where in (np.array([True, False, True]), np.array([[True], [True]]), M > -2, True):
        same(fn, M, where=where, **start)
        same(fn, M, axis=1, where=where, **start)


@pytest.mark.parametrize("fn", [np.mean, np.var, np.std, np.nanmean, np.nanvar, np.nanstd])
def test_where_may_select_nothing(fn):
    same(fn, M, axis=0, where=np.array([True, False, True]), warns=False)
    with pytest.warns(RuntimeWarning, match="empty slice|freedom"):
        assert np.isnan(fn(tensors(A), where=False).data)


@pytest.mark.parametrize("fn", [np.max, np.min, np.nanmax, np.nanmin])
def test_the_largest_of_selected_entries_needs_an_initial_value(fn):
    both_raise(fn, A, where=A > 0, message="initial")
    same(fn, NONE, initial=2.0)
    same(fn, NO_ROWS, axis=0, initial=2.0)
    same(fn, WHOLE, initial=2)


def test_two_names_for_the_degrees_of_freedom():
    if NEWER >= "2.1.0":
        same(np.var, A, correction=1)
        same(np.nanstd, A, correction=1)
        both_raise(np.var, A, ddof=1, correction=1, message="correction")
    both_raise(np.cov, M, ddof=1.5, message="must be an integer")


@pytest.mark.parametrize("fn", REDUCTIONS)
def test_an_axis_that_is_not_there(fn):
    for axis in (2, -3, (0, 2)):
        both_raise(fn, M, axis=axis, error=AxisError)
    both_raise(fn, M, axis=(0, 0), message="twice")
    both_raise(fn, M, axis=1.5, error=TypeError)


# --- axes of the others ---------------------------------------------------------------------------

OFF = [
    (np.fft.fft, (A,), {"axis": 1}),
    (np.fft.irfft, (A,), {"axis": -2}),
    (np.fft.fftn, (M,), {"axes": (0, 2)}),
    (np.fft.fftshift, (M,), {"axes": 2}),
    (np.partition, (M, 1), {"axis": 2}),
    (np.unique, (M,), {"axis": 2}),
    (np.gradient, (M,), {"axis": 2}),
    (np.trapezoid, (M,), {"axis": 2}),
    (np.unwrap, (M,), {"axis": 2}),
    (np.nancumsum, (M,), {"axis": 2}),
    (np.insert, (M, 0, 1.0), {"axis": 2}),
    (np.apply_along_axis, (np.sum, 2, M), {}),
    (np.average, (M,), {"axis": 2, "weights": A}),
    (np.linspace, (A, 2.0, 3), {"axis": 2}),
    (np.lib.stride_tricks.sliding_window_view, (M, 2), {"axis": 2}),
    (np.cross, (np.ones(3), np.ones(3)), {"axis": 1}),
]


@pytest.mark.parametrize(("fn", "operands", "keywords"), OFF, ids=lambda v: getattr(v, "__name__", ""))
def test_an_axis_too_many_is_named(fn, operands, keywords):
    with pytest.raises((AxisError, IndexError, ad.ShapeError)):
        fn(*tensors(operands), **keywords)


# --- keywords -------------------------------------------------------------------------------------


def public(table):
    return sorted(
        {f for f in table if hasattr(f, "__name__")}, key=lambda f: (getattr(f, "__module__", None) or "", f.__name__)
    )


def has(function, keyword):
    try:
        return keyword in inspect.signature(function).parameters
    except ValueError:  # NumPy 2.0 shows no signatures of what is written in C
        return False


def needed(function):
    parameters = inspect.signature(function).parameters.values()
    return sum(p.default is p.empty and p.kind not in (p.KEYWORD_ONLY, p.VAR_KEYWORD) for p in parameters)


@pytest.mark.parametrize(
    "fn", [f for f in public({*NUMPY_FUNCTIONS, *NUMPY_PRIMITIVES}) if not isinstance(f, np.ufunc) and has(f, "out")]
)
def test_out_is_refused_by_every_function_that_has_it(fn):
    with pytest.raises(ad.MutationError, match=f"np.{fn.__name__}.*out="):
        fn(*[tensors(M)] * needed(fn), out=np.zeros(3))


def ufuncs():
    return [f for f in public({*NUMPY_FUNCTIONS, *NUMPY_PRIMITIVES}) if isinstance(f, np.ufunc)]


@pytest.mark.parametrize(
    "fn", [f for f in public({*NUMPY_FUNCTIONS, *NUMPY_PRIMITIVES, *NUMPY_CONSTANTS}) if isinstance(f, np.ufunc)]
)
def test_out_is_refused_by_every_ufunc(fn):
    operand = ad.Tensor(np.eye(2)) if any("d" in t for t in fn.types) else ad.Tensor(np.ones((2, 2), int))
    out = tuple(np.zeros((2, 2)) for _ in range(fn.nout))
    with pytest.raises(ad.MutationError, match=f"np.{fn.__name__}: out="):
        fn(*[operand] * fn.nin, out=out if fn.nout > 1 else out[0])


@pytest.mark.parametrize("fn", ufuncs())
def test_where_and_dtype_are_refused_by_every_ufunc_with_rules(fn):
    operands = [tensors(np.eye(2))] * fn.nin
    with pytest.raises(ad.UnsupportedError, match=rf"np.{fn.__name__} .*dtype="):
        fn(*operands, dtype=np.float32)
    if fn.signature is None:
        with pytest.raises(ad.UnsupportedError, match=rf"np.{fn.__name__} .*where=.*np.where"):
            fn(*operands, where=np.array([True, False]))


@pytest.mark.filterwarnings("ignore:'where' used without 'out'")
def test_a_ufunc_without_a_gradient_takes_all_its_keywords():
    y = np.greater(tensors(A), 1.0, where=np.array([True, True, False, True]), dtype=bool)
    assert y.data[[0, 1, 3]].tolist() == [True, False, False]


UNTAKEN = [
    (np.sum, (A,), {"casting": "safe"}, "casting"),
    (np.sort, (A,), {"order": "x"}, "order"),
    (np.polyfit, (A, A, 1), {"full": True}, "full"),
    (np.var, (A,), {"mean": 0.0}, "mean"),
    (np.concatenate, ([A, A],), {"casting": "unsafe"}, "casting"),
    (np.nanmedian, (A,), {"nope": 1}, "nope"),
]


@pytest.mark.parametrize(("fn", "operands", "keywords", "name"), UNTAKEN, ids=lambda v: v if isinstance(v, str) else "")
def test_a_keyword_that_is_not_taken_is_named(fn, operands, keywords, name):
    with pytest.raises((ad.UnsupportedError, TypeError), match=name):
        fn(*tensors(operands), **keywords)


# --- the methods of ufuncs ------------------------------------------------------------------------

METHODS_OF_UFUNCS = ("reduce", "accumulate", "reduceat", "outer", "at")
SUPPORTED = {
    "reduce": {np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp},
    "accumulate": {np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp},
    "outer": {f for f in ufuncs() if f.nin == 2 and f.signature is None},
}


@pytest.mark.parametrize("method", METHODS_OF_UFUNCS)
@pytest.mark.parametrize("fn", [f for f in ufuncs() if (f.nin, f.nout, f.signature) == (2, 1, None)])
def test_a_method_of_a_ufunc_works_or_says_no(fn, method):
    x = np.array([1.0, 2.0, 3.0])
    t = tensors(x)
    operands = {"outer": (t, WHOLE), "reduceat": (t, [0, 1]), "at": (t, [0, 1], t)}.get(method, (t,))
    if fn in SUPPORTED.get(method, ()):
        with np.errstate(all="ignore"):
            y, expected = getattr(fn, method)(*operands), getattr(fn, method)(x, *operands[1:])
        for ours, wanted in zip(arrays(y), arrays(expected), strict=True):
            np.testing.assert_allclose(ours, wanted)
    else:
        name = rf"np.{fn.__name__}.{method}"
        with pytest.raises((ad.UnsupportedError, ad.MutationError), match=name):
            getattr(fn, method)(*operands)


def test_a_refusal_of_a_method_names_what_there_is():
    t = tensors(A)
    with pytest.raises(ad.MutationError, match=r"np.add.at .*x.at\[i\].add\(v\)"):
        np.add.at(t, [0], 1.0)
    with pytest.raises(ad.MutationError, match=r"np.subtract.at .*x.at\[i\].add\(-v\)"):
        np.subtract.at(np.zeros(4), [0], t[:1])
    with pytest.raises(ad.UnsupportedError, match=r"np.subtract.reduce .*np.add.reduce.*reduce it in a loop"):
        np.subtract.reduce(t)
    with pytest.raises(ad.UnsupportedError, match=r"np.divide.accumulate .*np.add.accumulate"):
        np.divide.accumulate(t)
    with pytest.raises(ad.UnsupportedError, match=r"np.add.reduceat .*np.stack"):
        np.add.reduceat(t, [0, 2])
    with pytest.raises(ad.UnsupportedError, match=r"np.add.outer .*dtype="):
        np.add.outer(t, t, dtype=np.float32)
    with pytest.raises(ad.UnsupportedError, match=r"np.logaddexp.reduce .*initial="):
        np.logaddexp.reduce(t, initial=0.0)
    with pytest.raises(ad.MutationError, match="out="):
        np.add.reduce(t, out=np.zeros(()))


def test_methods_of_ufuncs_have_the_keywords_of_their_functions():
    for keywords in ({}, {"axis": None}, {"axis": 1}, {"axis": (0, 1), "keepdims": True}, {"axis": -1}):
        same(np.add.reduce, M, **keywords)
        same(np.maximum.reduce, M, **keywords)
        same(np.logaddexp.reduce, M, **keywords) if not isinstance(keywords.get("axis"), tuple) else None
    same(np.logaddexp.reduce, NO_ROWS)
    same(np.logaddexp.reduce, NO_ROWS, axis=1)
    same(np.logaddexp.reduce, NO_ROWS.astype(np.float32), axis=0, keepdims=True)
    same(np.add.reduce, M, dtype=np.float32, rtol=1e-6)
    same(np.multiply.reduce, M, initial=2.0, where=M > 0)
    same(np.add.accumulate, M, axis=1)
    same(np.add.reduce, np.array(2.0))
    same(np.multiply.outer, M, A)


def test_methods_of_ufuncs_without_a_gradient_run_on_the_values():
    t = tensors(A)
    assert np.logical_and.reduce(t).data
    assert np.less.outer(t, t).shape == (4, 4)
    assert not np.logical_or.accumulate(t).requires_grad
    with pytest.raises(ad.MutationError, match="at"):
        np.floor_divide.at(t, [0], 2.0)


# --- what cannot take part ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda t, odd: t + odd,
        lambda t, odd: np.add(t, odd),
        lambda t, odd: np.concatenate([t, odd]),
        lambda t, odd: np.where(True, t, odd),
        lambda t, odd: np.stack([t, odd]),
        lambda t, odd: np.convolve(t, odd),
        lambda t, odd: np.polyval(t, odd),
    ],
)
@pytest.mark.parametrize("odd", [np.array([1, None, 2.0]), np.array(["a", "b", "c"])], ids=["object", "text"])
def test_arrays_that_are_not_numbers_are_refused(call, odd):
    with pytest.raises((ad.DtypeError, TypeError), match=r"dtype|object|operand|str"):
        call(tensors(np.ones(3)), odd)


def test_objects_are_no_tensor():
    with pytest.raises(ad.DtypeError, match="object"):
        ad.tensor(np.array([1, None], dtype=object))


# --- one by one -----------------------------------------------------------------------------------


def test_transforms_that_do_not_exist():
    both_raise(np.fft.fft, NONE, error=ad.ShapeError, message="one point")
    both_raise(np.fft.fft, A, n=0, error=ad.ShapeError, message="one point")
    both_raise(np.fft.fft, A, n=2.0, error=TypeError)
    both_raise(np.fft.irfft, np.ones(1), error=ad.ShapeError)
    both_raise(np.fft.rfft, C, error=TypeError, message="Use fft")
    both_raise(np.fft.fft, A, norm="half", message="half")
    both_raise(np.fft.fftn, M, s=(2, 3), axes=(0,), error=ad.ShapeError, message="equally many")


def test_transforms_of_every_type():
    for dtype in (np.float16, np.float32, np.int64, np.complex64):
        for fn in (np.fft.fft, np.fft.ifft, np.fft.hfft):
            same(fn, np.array([1, 2, 3, 0]).astype(dtype), rtol=2e-3 if dtype is np.float16 else 1e-5)
    same(np.fft.fftn, M, axes=())
    same(np.fft.fftn, M, axes=(0, 0))
    same(np.fft.fftn, M, s=(3, -1), axes=(1, 1))


def test_rows_between_two_ends():
    for keywords in ({}, {"num": 0}, {"num": 1}, {"num": 1, "endpoint": False}, {"dtype": int}, {"dtype": np.float32}):
        same(np.linspace, np.array(1.0), np.array(8.0), **keywords, rtol=1e-6)
        same(np.logspace, np.array(0.0), np.array(2.0), **keywords, rtol=1e-6)
        same(np.geomspace, np.array(1.0), np.array(8.0), **keywords, rtol=1e-6)
    same(np.linspace, np.array(1.0), 2.0, num=1, retstep=True)
    same(np.linspace, np.array(2), np.array(7), num=5)
    same(np.geomspace, np.array(-1.0), np.array(-8.0), num=4)
    same(np.geomspace, np.array(1e-300), np.array(1e300), num=5)
    same(np.geomspace, np.array(1 + 1j), np.array(-3 + 1j), num=5)
    same(np.logspace, np.array([1.0, 2.0]), 3.0, num=4, base=np.array([2.0, 3.0]))
    both_raise(np.geomspace, np.array(0.0), np.array(1.0), message="(?i)zero|0")
    both_raise(np.linspace, np.array(0.0), np.array(1.0), num=-1, message="negative")
    both_raise(np.linspace, np.array(0.0), np.array(1.0), num=2.5, error=TypeError)


def test_a_geometric_row_meets_its_ends_exactly():
    y = np.geomspace(tensors(np.array(0.3)), tensors(np.array(700.0)), 6).data
    assert y[0] == 0.3 and y[-1] == 700.0


def test_interpolation_of_odd_samples():
    xp, fp = np.array([0.0, 1.0, 1.0, 3.0]), np.array([0.0, 1.0, 2.0, -3.0])
    x = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0, INF, -INF])
    for ends in ({}, {"left": 7.0}, {"right": -7.0}):
        same(np.interp, x, xp, fp, **ends)
        same(np.interp, x, xp, fp * 1j, **ends)
    same(np.interp, x, np.zeros(1), np.ones(1))
    same(np.interp, x[:-2], np.array([2.0, 0.5, 1.0]), np.array([1.0, 2.0, 3.0]), period=1.7)
    same(np.interp, x[:-2], np.array([2.0, 0.5, 1.0]), np.array([1.0, 2.0, 3.0]), period=-1.7, left=9.0)
    same(np.interp, WHOLE, np.arange(4), np.arange(4) ** 2)
    both_raise(np.interp, A, NONE, NONE, error=ad.ShapeError)
    both_raise(np.interp, A, xp, fp[:2], error=ad.ShapeError, message=r"\(4,\) and \(2,\)")
    both_raise(np.interp, A, xp, fp, period=0, message="period")
    both_raise(np.interp, C, xp, fp, error=ad.DtypeError, message="real")


def test_slopes_of_samples():
    same(np.gradient, WHOLE)
    same(np.gradient, M, 2, 0.5)
    same(np.gradient, A, np.array([0.0, 1.0, 3.0, 3.5]), edge_order=2)
    both_raise(np.gradient, A[:1], error=ad.ShapeError, message="edge_order=1 needs at least 2")
    both_raise(np.gradient, A, edge_order=3, message="1 or 2")
    both_raise(np.gradient, M, 1.0, 2.0, 3.0, error=TypeError, message="3 spacings")
    both_raise(np.gradient, A, M, message="coordinates")
    both_raise(np.gradient, M, axis=(0, 0), message="twice")
    both_raise(np.ediff1d, A, to_end=1j, error=ad.DtypeError, message="to_end")
    same(np.diff, np.array([True, False, True]))


def test_convolutions_that_do_not_exist():
    both_raise(np.convolve, NONE, A, error=ad.ShapeError, message="non-empty")
    both_raise(np.convolve, M, A, error=ad.ShapeError, message=r"\(2, 3\)")
    both_raise(np.correlate, A, np.array(2.0), error=ad.ShapeError)
    both_raise(np.convolve, A, A, mode="half", message="half")
    both_raise(np.lib.stride_tricks.sliding_window_view, A, 5, error=ad.ShapeError, message="does not fit")


NO_POWERS, X4 = np.array([0.0, 0.0, 1.0, -3.0, 2.0, 0.0]), np.array([1.0, 2.0, 3.0, 4.0])
POLYNOMIALS = {
    "zeros in front": (np.polymul, (NO_POWERS, A), {}),
    "nothing but zeros": (np.polymul, (np.zeros(2), A), {}),
    "a number": (np.polyadd, (A, 2.0), {}),
    "no remainder": (np.polydiv, (np.array([1.0, -3.0, 2.0]), np.array([1.0, -1.0])), {}),
    "by itself": (np.polydiv, (A, A), {}),
    "by a higher one": (np.polydiv, (A[:2], A), {}),
    "float32": (np.polydiv, (A.astype(np.float32), A[:2].astype(np.float32)), {"rtol": 1e-6}),
    "roots at 0": (np.roots, (NO_POWERS,), {}),
    "complex roots": (np.roots, (np.array([1.0, 0.0, 1.0]),), {}),
    "roots of 0": (np.roots, (np.zeros(3),), {}),
    "roots of a constant": (np.roots, (np.array([0.0, 5.0]),), {}),
    "a root at 0": (np.roots, (np.array([5.0, 0.0]),), {}),
    "no roots": (np.poly, (NONE,), {}),
    "integers": (np.poly, (WHOLE,), {}),
    "conjugate roots": (np.poly, (np.array([1j, -1j]),), {}),
    "of a matrix": (np.poly, (M[:, :2],), {}),
    "at infinity": (np.polyval, (A, np.array([INF, 2.0])), {}),
    "coefficients that are arrays": (np.polyval, (M, np.array([1.0, 2.0, 3.0])), {}),
    "integrated three times": (np.polyint, (A, 3, 1.0), {}),
    "no columns": (np.vander, (A, 0), {}),
    "a fit through every point": (np.polyfit, (X4, A, 3), {"rtol": 1e-10}),
    "two fits, weighted": (np.polyfit, (X4, np.stack([A, A**2], 1), 1), {"w": X4}),
    "a fit in float32": (np.polyfit, (X4.astype(np.float32), A.astype(np.float32), 1), {"rtol": 1e-5}),
    "a fit without enough points": (np.polyfit, (X4, A, 5), {"rtol": 1e-7}),  # RankWarning
}
WRONG_POLYNOMIALS = {
    "constants for other integrals": (np.polyint, (A, 3, [1.0, 2.0]), {}, ad.ShapeError, "3 integrations"),
    "a negative derivative": (np.polyder, (A, -1), {}, ValueError, "not be negative"),
    "nothing divided": (np.polydiv, (NONE, A), {}, ad.ShapeError, None),
    "a matrix that is not square": (np.poly, (M,), {}, ad.ShapeError, None),
    "rows for a matrix of powers": (np.vander, (M,), {}, ad.ShapeError, None),
    "a negative degree": (np.polyfit, (X4, A, -1), {}, ValueError, "not be negative"),
    "points without values": (np.polyfit, (X4, A[:2], 1), {}, ad.ShapeError, r"\(4,\) and \(2,\)"),
    "points without weights": (np.polyfit, (X4, A, 1), {"w": A[:2]}, ad.ShapeError, "weights"),
}


@pytest.mark.parametrize("name", POLYNOMIALS)
def test_a_polynomial_is_numpys(name):
    fn, operands, keywords = POLYNOMIALS[name]
    same(fn, *operands, **keywords)


@pytest.mark.parametrize("name", WRONG_POLYNOMIALS)
def test_a_wrong_polynomial_is_refused(name):
    fn, operands, keywords, error, message = WRONG_POLYNOMIALS[name]
    both_raise(fn, *operands, error=error, message=message, **keywords)


def test_weights_that_do_not_fit():
    both_raise(np.average, M, weights=A, error=TypeError, message="axis")
    both_raise(np.average, M, axis=0, weights=A, error=ad.ShapeError)
    both_raise(np.average, A, weights=np.array([1.0, -1.0, 1.0, -1.0]), error=ZeroDivisionError)
    both_raise(np.cov, M, fweights=np.array([1.5, 1.0, 1.0]), error=TypeError, message="must be integers")
    both_raise(np.cov, M, aweights=np.array([-1.0, 1.0, 1.0]), message="negative")
    both_raise(np.cov, M, aweights=A, error=ad.ShapeError, message="3 observations")
    both_raise(np.bincount, np.array([0, 1]), A, error=ad.ShapeError)
    both_raise(np.histogram, A, weights=A[:2], error=ad.ShapeError)
    same(np.average, WHOLE, weights=WHOLE, returned=True)
    same(np.cov, M, dtype=np.float32, rtol=1e-6)


def test_counts_move_with_nothing_but_their_weights():
    for call in (
        lambda t: np.bincount(ad.Tensor(WHOLE)),
        lambda t: np.histogram(t, bins=3)[0],
        lambda t: np.histogram2d(t, t, bins=3)[0],
        lambda t: np.histogramdd([t, t], bins=3)[0],
        lambda t: np.histogram(t, bins=3, weights=A)[0],
        lambda t: np.histogram(t, bins=3, range=(0.0, 1.0), density=True),
        lambda t: np.histogram(t, bins=np.array([0.0, 0.5, 1.0]), density=True),
    ):
        assert not any(y.requires_grad for y in pytree.flatten(call(tensors(A)))[0])
    counts, edges = np.histogram(tensors(A), bins=3, weights=tensors(A))
    assert counts.requires_grad and edges.requires_grad  # even ones go with the smallest and the largest


@pytest.mark.parametrize("density", [False, True])
def test_weighted_counts(density):
    for bins in (3, [0.0, 1.0, 5.0], "auto" if not density else 2, np.array([-1.0, 0.5, 2.0])):
        for limits in (None, (0.0, 2.5)):
            if not isinstance(bins, str):
                same(np.histogram, A, bins=bins, range=limits, density=density, weights=tensors_free(A + 2))
    points = np.stack([A, A[::-1]], 1)
    for bins in (2, (2, 3), [np.array([-1.0, 1.0, 4.0]), np.array([0.0, 3.0])]):
        weights = tensors_free(A + 2)
        same(np.histogramdd, points, bins=bins, density=density, weights=weights)
        same(np.histogram2d, A, A[::-1], bins=bins, density=density, weights=weights)


def tensors_free(x):
    """Keywords are not turned into Tensors by `same`: plain weights, counted by the same code."""
    return x


@pytest.mark.skipif(NEWER < "2.1.0", reason="NumPy 2.1 has them")
def test_running_sums_and_products_may_begin_with_the_sum_and_product_of_nothing():
    for fn in (np.cumulative_sum, np.cumulative_prod):
        same(fn, A, include_initial=True)
        same(fn, M.astype(np.float32), axis=-1, include_initial=True, rtol=1e-6)
        same(fn, NO_ROWS, axis=0, include_initial=True)
        assert gradcheck(lambda x, fn=fn: fn(x, axis=0, include_initial=True), M).ok


def test_entries_that_are_equal():
    x = np.array([2.0, 1.0, 2.0, NAN, NAN, 1.0])
    same(np.unique, x)
    same(np.unique, x, return_index=True, return_inverse=True, return_counts=True, equal_nan=False)
    same(np.unique, np.array([[1.0, 2.0], [1.0, 2.0], [0.0, 5.0]]), axis=0, return_inverse=True)
    for fn in (np.unique_all, np.unique_counts, np.unique_inverse):
        same(fn, x[:3])
    same(np.union1d, x[:3], np.array([1.0, 7.0]))
    same(np.union1d, WHOLE, A)
    same(np.intersect1d, x[:3], np.array([1.0, 7.0, 2.0]), return_indices=True)
    same(np.intersect1d, WHOLE, A)
    same(np.setdiff1d, x[:3], np.array([1.0, 7.0]))
    same(np.setxor1d, x[:3], np.array([1.0, 7.0]))
    same(np.setxor1d, NONE, NONE)
    y = np.unique_all(tensors(x[:3]))
    assert y.values.requires_grad and not y.indices.requires_grad


def test_choices_by_number():
    same(np.choose, WHOLE, [A[:3], A[1:], 5.0, WHOLE])
    same(np.choose, WHOLE, M, mode="wrap")
    same(np.choose, 1, [A, A * 2])
    both_raise(np.choose, WHOLE, [A[:3], A[1:]], message="2 choices")
    both_raise(np.choose, A, [A, A], error=TypeError, message="integers")
    both_raise(np.select, [A > 0], [A, A], message="as many")
    same(np.select, [A > 2, A > 0], [A, A * 2], default=-1.0)


def test_pieces():
    same(np.piecewise, A, [A > 0], [np.sin, np.cos])
    same(np.piecewise, A, A > 0, [2.0])
    same(np.piecewise, np.array(2.0), np.array(2.0) > 0, [np.sin, np.cos])
    same(np.piecewise, WHOLE, [WHOLE > 1], [lambda v: v * 0.5])
    both_raise(np.piecewise, A, [A > 0, A < 0], [np.sin], message="2 conditions")


def test_insertions():
    for obj, new in ((0, 5.0), (-1, [5.0, 6.0]), ([0, 2], [5.0, 6.0]), ([1], [7.0]), (slice(0, 2), 3.0), ([], [])):
        same(np.insert, A, obj, new)
    same(np.insert, M, 1, np.array([9.0, 8.0]), axis=1)
    same(np.insert, WHOLE, 1, 2.7)
    both_raise(np.insert, A, 9, 1.0, error=IndexError)
    both_raise(np.insert, A, [0, 1], [1.0, 2.0, 3.0])
    same(np.resize, A, (2, 5))
    same(np.resize, NONE, (2, 2))
    both_raise(np.resize, A, (-1, 2), error=ad.ShapeError)


def test_filling():
    same(np.full_like, A, 2)
    same(np.full_like, A, np.array(2.5), dtype=int)
    same(np.full_like, WHOLE, 2.7)
    same(np.full_like, A, M[:, :1], shape=(2, 4))
    both_raise(np.full_like, A, np.ones(3))
    with pytest.raises(ad.MutationError, match=r"np.full_like\(x, value\)"):
        np.full(3, tensors(np.array(2.0)), dtype=float)
    with pytest.raises(ad.UntrackedError, match="plain NumPy array"):
        np.full(3, tensors(np.array(2.0)))


def test_zeros_at_the_ends():
    x = np.array([0.0, 0.0, 1.0, 0.0, 2.0, 0.0])
    for trim in ("fb", "f", "b", "bf", "FB"):
        same(np.trim_zeros, x, trim)
        same(np.trim_zeros, np.zeros(3), trim)
    same(np.trim_zeros, NONE)
    if NEWER >= "2.2.0":
        same(np.trim_zeros, np.pad(M, 2), axis=0)
        same(np.trim_zeros, np.zeros((2, 2)))
        both_raise(np.trim_zeros, x, "x", message="x")


def test_functions_along_axes():
    for axis in (0, 1, -1):
        same(np.apply_along_axis, np.cumsum, axis, M)
        same(np.apply_along_axis, lambda v: v[0] * 2, axis, M)
    same(np.apply_over_axes, np.sum, M, [0, 1])
    both_raise(np.apply_along_axis, np.sum, 0, NO_COLUMNS, error=ad.ShapeError)
    both_raise(np.apply_over_axes, lambda x, axis: x[0, 0], M, 0, error=ad.ShapeError)


def test_products_that_do_not_exist():
    both_raise(np.cross, np.ones(4), np.ones(4), error=ad.ShapeError, message="components")
    both_raise(np.linalg.cross, np.ones(2), np.ones(2), error=ad.ShapeError, message="three components")


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) >= "2.5.0", reason="NumPy 2.5 takes no vectors of two")
def test_cross_products_in_the_plane():
    a, b = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    y = np.cross(tensors(a), tensors(b))
    assert y.data == -1.0
    expected = np.cross(np.array([1.0, 2.0, 0.0]), np.array([3.0, 5.0, 7.0]))  # NumPy 2.5 takes no vectors of two
    np.testing.assert_array_equal(np.cross(tensors(a), tensors(np.array([3.0, 5.0, 7.0]))).data, expected)
    assert ad.grad(np.cross, (0, 1))(a, b)[0].tolist() == [5.0, -3.0]


def test_unwrapping_of_integers_and_of_nothing():
    same(np.unwrap, np.array([0, 5, 10, 3]), period=4)
    same(np.unwrap, np.array([0.0, 3.0, -3.0, 6.0]), discont=4.0)
    same(np.unwrap, NONE)
    same(np.i0, WHOLE)
    same(np.i0, NONE)
    same(np.i0, np.array([0.0, 300.0, -300.0]))


def test_rounding_and_replacing():
    assert not np.fix(tensors(A)).requires_grad
    same(np.fix, A)
    same(np.nan_to_num, np.array([NAN, INF, -INF, 1.0]))
    same(np.nan_to_num, np.array([NAN, INF]), nan=5.0, posinf=7.0)
    same(np.real_if_close, A + 1e-16j)
    same(np.real_if_close, C)
    same(np.sort_complex, WHOLE)
    same(np.partition, M, 1, axis=None)
    both_raise(np.partition, A, 9)
