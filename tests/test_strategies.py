"""What the strategies draw is what they say, and shrinks to something a person can read."""

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as hypothesis_strategies

import autodiff as ad
from autodiff.testing import gradcheck
from autodiff.testing import strategies as st

few = settings(max_examples=30, deadline=None)


# --- arrays


@few
@given(x=st.arrays(st.shapes(min_side=0), min_value=-1.5, max_value=2.0, avoid=(0.0,), gap=0.1))
def test_arrays_keep_to_their_interval_and_off_the_points_to_avoid(x):
    assert not x.flags.writeable and x.dtype == np.float64
    assert ((x >= -1.5) & (x <= 2.0) & (np.abs(x) >= 0.1)).all()
    assert (np.abs(x * 1000 - np.round(x * 1000)) < 1e-9).all()  # three decimals: readable


@pytest.mark.parametrize(
    ("what", "seen"),
    [
        ("negative strides", lambda x: any(s < 0 for s in x.strides)),
        ("broadcast views", lambda x: x.ndim and x.size > 1 and 0 in x.strides),
        ("strided views", lambda x: x.ndim == 1 and x.size > 1 and x.strides[0] == 16),
        ("Fortran order", lambda x: x.ndim == 2 and x.flags.f_contiguous and not x.flags.c_contiguous),
        ("0-d arrays", lambda x: x.ndim == 0),
        ("arrays of size 0", lambda x: x.size == 0),
    ],
)
def test_odd_layouts_are_drawn(what, seen):
    find(st.arrays(st.shapes(min_side=0)), seen)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.complex64, np.complex128])
def test_other_dtypes(dtype):
    x = find(st.arrays((2,), dtype=dtype, min_value=0.5), lambda x: True)
    assert x.dtype == dtype and (x.real >= 0.5).all()


@few
@given(x=st.arrays(st.shapes(max_dims=2), unique=True))
def test_unique_entries_differ(x):
    assert np.unique(x).size == x.size


@few
@given(x=st.tensors(st.shapes(), min_value=0.5), y=hypothesis_strategies.from_type(ad.Tensor))
def test_tensors_are_leaves_of_their_own(x, y):
    assert (x.data >= 0.5).all() and x.requires_grad and y.requires_grad
    (x.sum() * y.sum()).backward()
    np.testing.assert_allclose(x.grad, np.full(x.shape, y.data.sum()), atol=1e-12)


def test_tensors_may_be_untracked_and_shrink_to_one_simple_entry():
    x = find(st.tensors(requires_grad=False), lambda x: x.size > 0 and bool((x.data > 0.3).any()))
    assert not x.requires_grad and x.size == 1 and x.data.reshape(-1)[0] == 1.0


def test_an_empty_interval_is_refused():
    with pytest.raises(ValueError, match="min_value=2 is above max_value=1"):
        find(st.arrays(min_value=2, max_value=1), lambda x: True)


@few
@given(xs=st.broadcastable_arrays(3, min_value=1.0))
def test_broadcastable_arrays_broadcast(xs):
    assert len(xs) == 3
    assert all((x >= 1).all() for x in np.broadcast_arrays(*xs))


def test_arrays_shrink_to_one_simple_entry():
    x = find(st.arrays(), lambda x: x.size > 0 and bool((x > 0.3).any()))
    assert x.size == 1 and x.reshape(-1)[0] == 1.0


@pytest.mark.parametrize("f", [np.arcsin, np.log, np.sqrt, np.arccosh, np.arctanh, np.tan, np.reciprocal, np.sin])
def test_in_its_domain_a_function_is_smooth(f):
    low, high, avoid = st.domain(f)

    @few
    @given(x=st.arrays(min_value=low, max_value=high, avoid=avoid))
    def smooth(x):
        assert gradcheck(f, x, order=1, strict_nan=True, on_kink="raise").ok

    smooth()


def test_special_points():
    assert find(st.special_points(finite=False), np.isnan) != 0
    assert find(st.special_points(min_value=0.5), lambda v: True) == 1.0
    with pytest.raises(Exception, match=r"NoSuchExample|No examples"):
        find(st.special_points(), lambda v: not np.isfinite(v))


# --- matrices


@few
@given(a=st.matrices("spd", batch=(2,)))
def test_positive_definite_matrices_are(a):
    assert a.shape[0] == 2
    assert (np.linalg.eigvalsh(a) > 0.5).all() and np.allclose(a, a.swapaxes(-1, -2))


@few
@given(q=st.matrices("orthogonal"))
def test_orthogonal_matrices_are(q):
    np.testing.assert_allclose(q @ q.T, np.eye(len(q)), atol=1e-12)


@few
@given(a=st.matrices("singular", size=3))
def test_singular_matrices_lack_one_rank(a):
    assert np.linalg.matrix_rank(a) < 3


@pytest.mark.parametrize(("kind", "triangle"), [("lower", np.tril), ("upper", np.triu)])
def test_triangular_matrices_are(kind, triangle):
    @few
    @given(a=st.matrices(kind))
    def triangular(a):
        np.testing.assert_array_equal(a, triangle(a))
        assert np.linalg.cond(a) < 1e4

    triangular()


@few
@given(a=st.matrices(), s=st.matrices("symmetric"), d=st.matrices("diagonal"))
def test_other_kinds(a, s, d):
    assert np.linalg.cond(a) < 1e4
    np.testing.assert_array_equal(s, s.T)
    np.testing.assert_array_equal(d, np.diag(np.diag(d)))


def test_an_unknown_kind_of_matrix_is_refused():
    with pytest.raises(ValueError, match=r"'spd'.*'round' was given"):
        find(st.matrices("round"), lambda a: True)


# --- functions and networks


@few
@given(f=st.scalar_functions(2))
def test_random_functions_are_right_and_readable(f):
    x = np.array([0.3, -0.4])
    assert np.isfinite(f(x)) and gradcheck(f, x, order=1).ok
    assert repr(f).count("\n") == 0 and "return" in repr(f)


def test_the_text_of_a_random_function_is_the_function():
    f = st.Expression(2, (("{} * {}", (0, 1)), ("sin({})", (2,)), ("{} + {}", (3, 2))), (4,), True)
    assert repr(f) == "<x (2,): v0 = x[0] * x[1]; v1 = sin(v0); v2 = v1 + v0; return v2>"
    assert f(np.array([2.0, 3.0])) == np.sin(6.0) + 6.0


def test_results_are_shared_between_operations():
    f = find(st.scalar_functions(1), lambda f: sum(2 in operands for _, operands in f.steps) >= 2)
    assert len(f.steps) <= 4


@few
@given(f=st.vector_functions(3))
def test_vector_functions_take_many_points_at_once(f):
    points = np.array([[0.3, 1.0], [0.1, -0.2], [0.5, 0.4]])
    np.testing.assert_allclose(f(points)[:, 1], f(points[:, 1]), rtol=1e-13)


@settings(max_examples=15, deadline=None)
@given(network=st.networks())
def test_networks_differentiate(network):
    assert gradcheck(network.loss, network.parameters, order=1, on_kink="raise").ok
    assert network.outputs(network.parameters).shape == (len(network.inputs), network.widths[-1])


def test_networks_with_relu_are_asked_for():
    assert find(st.networks(smooth=False), lambda n: n.activation == "relu").activation == "relu"


def test_networks_of_other_precision():
    network = find(st.networks(dtype=np.float32), lambda n: n.task == "regression")
    assert network.loss(network.parameters).dtype == np.float32


# --- minima


@few
@given(problem=st.minima())
def test_minima_are_where_the_gradient_vanishes(problem):
    for at in problem.at:
        assert np.abs(ad.grad(problem.f)(at)).max() < 1e-6 * max(1.0, np.abs(ad.hessian(problem.f)(at)).max())
        assert problem.f(at) == pytest.approx(problem.value, abs=1e-12)
        assert np.linalg.eigvalsh(ad.hessian(problem.f)(at)).min() > 0
        assert problem.distance(at) == 0


@few
@given(problem=st.minima(convex=True))
def test_convex_problems_are(problem):
    assert problem.name in ("quadratic", "Booth")
    assert np.linalg.eigvalsh(ad.hessian(problem.f)(problem.start)).min() > 0
