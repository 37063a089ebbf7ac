"""Arrays handed over in both directions, with and without a copy, and the dtypes that NumPy lacks."""

import warnings

import numpy as np
import pytest

import autodiff as ad
import nn
from tests.neighbours import shows

XP = ad.tensor(1.0).__array_namespace__()
RISING = np.arange(6.0).reshape(2, 3)
MAKE = (ad.tensor, ad.Tensor, XP.asarray, lambda x: ad.tensor(x, requires_grad=False) + 0)


def read_only(array):
    array.flags.writeable = False
    return array


# --- from torch


@pytest.mark.ci
@shows(
    "torch",
    "`ad.tensor(t)`, `ad.Tensor(t)`, `from_dlpack(t)` of our namespace; transposed, strided, expanded, 0-d, empty ones",
    "the same values and dtype; `ad.tensor` copies, the others share",
)
def test_tensors_of_torch(library):
    for dtype in ("bool", "uint8", "int8", "int32", "int64", "float16", "float32", "float64", "complex64"):
        base = library.arange(6).reshape(2, 3).to(getattr(library, dtype))
        for theirs in (base, base.T, base[:, ::2], base[0, 1], base[:0], base[:, :1].expand(2, 4)):
            for make in (*MAKE[:3], XP.from_dlpack):
                ours = make(theirs)
                assert type(ours) is ad.Tensor
                np.testing.assert_array_equal(ours.data, theirs.numpy(), strict=True)
    for make, shares in ((ad.tensor, False), (ad.Tensor, True), (XP.from_dlpack, True)):
        theirs = library.zeros(3, dtype=library.float64)
        ours = make(theirs)
        theirs[0] = 9
        assert ours.data[0] == (9 if shares else 0)


@pytest.mark.ci
@shows(
    "torch",
    "a tensor of bfloat16, float8, complex32",
    "DtypeError that names the dtype and `x.float()`",
)
def test_dtypes_of_torch_that_numpy_lacks(library):
    for dtype in ("bfloat16", "float8_e4m3fn", "float8_e5m2"):
        theirs = library.ones(2, 3).to(getattr(library, dtype))
        for call in (*MAKE, nn.Linear(3, 1), nn.ReLU(), lambda x: np.add(ad.tensor(RISING), x), ad.grad(np.sum)):
            with pytest.raises(ad.DtypeError, match=rf"torch.Tensor of dtype torch.{dtype} .*x.float\(\)"):
                call(theirs)
        np.testing.assert_array_equal(ad.tensor(theirs.float()).data, np.ones((2, 3), np.float32), strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says once that it is experimental
        half = library.ones(2, dtype=library.complex32)
    with pytest.raises(ad.DtypeError, match=r"torch.complex32 .*x.to\(torch.complex64\)"):
        ad.tensor(half)
    with pytest.raises(ad.UnsupportedError, match=r"torch.bfloat16 cannot be shared: .*to float32"):
        XP.from_dlpack(library.ones(2, dtype=library.bfloat16))


@pytest.mark.ci
@shows(
    "torch",
    "a tensor on another device, sparse, conjugated or negated as a view",
    "UnsupportedError that names `cpu()`, `to_dense()`, `resolve_conj()`, `resolve_neg()`",
)
def test_tensors_of_torch_that_are_no_arrays(library):
    z = library.tensor([1 + 2j])
    for theirs, remedy in (
        (library.ones(2, device="meta"), r"cpu\(\)"),
        (library.eye(2).to_sparse(), r"to_dense\(\)"),
        (z.conj(), r"resolve_conj\(\)"),
        (z.conj().imag, r"resolve_neg\(\)"),
    ):
        for make in MAKE[:2]:
            with pytest.raises(ad.UnsupportedError, match=rf"torch.Tensor cannot be taken as an array: .*{remedy}"):
                make(theirs)
    with pytest.raises(BufferError, match="detach"):
        XP.from_dlpack(library.ones(2, requires_grad=True))


# --- to torch


@pytest.mark.ci
@shows(
    "torch",
    "`torch.from_dlpack`, `torch.as_tensor` of a Tensor of any layout: memory is shared, but for 0-d and reversed ones",
    "the same values and dtype",
)
def test_tensors_to_torch(library):
    for make in (library.from_dlpack, library.as_tensor, library.utils.dlpack.from_dlpack):
        for array in (
            RISING,
            RISING.T,
            RISING[:, ::2],
            RISING > 2,
            RISING.astype(int),
            RISING * 1j,
            RISING.astype("f2"),
        ):
            ours = ad.Tensor(array)
            theirs = make(ours)
            np.testing.assert_array_equal(theirs.numpy(), array, strict=True)
            assert np.shares_memory(theirs.numpy(), array)
        for array in (RISING[::-1], RISING[:, ::-2], RISING[:0], np.array(2.0), read_only(RISING.copy())):
            np.testing.assert_array_equal(make(ad.Tensor(array)).numpy(), array, strict=True)
    # torch 2.13 ends the process when it is given memory that runs backwards; a copy does not.
    assert not np.shares_memory(library.from_dlpack(ad.Tensor(RISING[::-1])).numpy(), RISING)
    with pytest.raises(BufferError, match=r"runs backwards; hand over x.copy\(\)"):
        library.from_dlpack(ad.Tensor(RISING[::-1]), copy=False)
    assert not np.shares_memory(library.from_dlpack(ad.Tensor(RISING), copy=True).numpy(), RISING)
    leaf = ad.tensor(RISING, requires_grad=True)
    for tracked in (leaf, leaf * 2):
        with pytest.raises(ad.UntrackedError, match=r"x.detach\(\)"):
            library.from_dlpack(tracked)
        np.testing.assert_array_equal(library.from_dlpack(tracked.detach()).numpy(), tracked.data)


# --- JAX


@pytest.mark.ci
@shows(
    "jax",
    "`ad.tensor(a)` copies, `ad.Tensor(a)` and `from_dlpack(a)` of our namespace share",
    "the same values and dtype",
)
def test_arrays_of_jax(library):
    jnp = library.numpy
    for dtype in ("bool", "uint8", "int32", "float16", "float32", "complex64"):
        base = jnp.arange(6).reshape(2, 3).astype(dtype)
        for theirs in (base, base.T, base[:, ::-2], base[0, 1], base[:0]):
            for make in MAKE[:3]:
                np.testing.assert_array_equal(make(theirs).data, np.asarray(theirs), strict=True)
    theirs = jnp.arange(6.0)
    assert np.shares_memory(ad.Tensor(theirs).data, np.asarray(theirs))
    assert not np.shares_memory(ad.tensor(theirs).data, np.asarray(theirs))
    assert np.shares_memory(XP.from_dlpack(theirs).data, np.asarray(theirs))
    assert ad.tensor(theirs, requires_grad=True).requires_grad


@pytest.mark.ci
@shows(
    "jax",
    "an array of bfloat16, float8, int4, of keys",
    "DtypeError or UnsupportedError that names it and the call that helps",
)
def test_dtypes_of_jax_that_numpy_lacks(library):
    jnp = library.numpy
    for dtype in ("bfloat16", "float8_e4m3fn", "float8_e5m2", "int4"):
        theirs = jnp.ones((2, 3), dtype)
        for call in (*MAKE, nn.ReLU(), lambda x: ad.tensor(RISING) * x):
            with pytest.raises(ad.DtypeError, match=rf"dtype {dtype} .*\.astype\(float\)"):
                call(theirs)
        np.testing.assert_array_equal(ad.tensor(theirs.astype(float)).data, np.ones((2, 3), np.float32), strict=True)
    with pytest.raises(ad.UnsupportedError, match=r"jax\.random\.key_data"):
        ad.tensor(library.random.key(0))


@pytest.mark.ci
@shows(
    "jax",
    "`jax.dlpack.from_dlpack` of a Tensor; transposed, reversed, read-only, 0-d, empty ones",
    "the same values; shared where XLA can take the memory, else copied",
)
def test_tensors_to_jax(library):
    hand_over = library.dlpack.from_dlpack
    room = np.arange(40, dtype=np.float32)
    aligned = room[-(room.ctypes.data // 4) % 16 :][:16].reshape(4, 4)  # at a multiple of 64 bytes
    for array in (aligned, aligned.T):
        assert hand_over(ad.Tensor(array)).unsafe_buffer_pointer() == aligned.ctypes.data
    for array in (
        aligned,
        aligned[::-1],
        aligned[:, ::-1],
        aligned[:0],
        np.array(2.0, "f4"),
        read_only(aligned.copy()),
    ):
        np.testing.assert_array_equal(np.asarray(hand_over(ad.Tensor(array))), array, strict=True)
    there = hand_over(ad.Tensor(aligned))
    np.testing.assert_array_equal(np.asarray(hand_over(ad.Tensor(there))), aligned)  # and back, and there again
    with pytest.raises(ad.UntrackedError):
        hand_over(ad.tensor(aligned, requires_grad=True))


# --- ml_dtypes


@pytest.mark.ci
@shows(
    "ml_dtypes",
    "bfloat16, float8, int4, float4 in Tensors, operators, layers, transforms",
    "DtypeError that names the dtype and `.astype(float)`",
)
def test_dtypes_of_ml_dtypes(library):
    for name in ("bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e4m3b11fnuz", "int4", "uint4", "float4_e2m1fn"):
        dtype = getattr(library, name)
        x = np.ones(3, dtype)
        for call in (*MAKE[:3], ad.grad(np.sum), lambda x: nn.Linear(3, 1, dtype=x.dtype), lambda x: ad.tensor(x[0])):
            with pytest.raises((ad.DtypeError, ad.GradientError), match=rf"dtype {name}\b.*\.astype\(float\)"):
                call(x)
        with pytest.raises(ad.DtypeError, match=rf"dtype {name}\b"):
            ad.tensor([1.0], dtype=dtype)
        with pytest.raises(ad.DtypeError, match=rf"{name} was given.*x\.data\.astype"):
            ad.tensor([1.0]).astype(dtype)
        assert ad.tensor(x, dtype=np.float32).dtype == np.float32  # asked for by the user
        w = ad.tensor([0.0, 2.0, 3.0], requires_grad=True)
        w.assign_(x)
        np.testing.assert_array_equal(w.data, np.ones(3), strict=True)
    x = np.ones(3, library.bfloat16)
    for call in (lambda x: ad.tensor(RISING) * x, lambda x: np.add(ad.tensor(RISING), x), nn.Linear(3, 1), nn.ReLU()):
        with pytest.raises(ad.DtypeError, match=r"dtype bfloat16.*\.astype\(float\)"):
            call(x)


# --- other devices


class Elsewhere:
    """What CuPy's arrays say of themselves: memory of a GPU, which NumPy may not take."""

    dtype = np.dtype(np.float32)

    def __array__(self, *_, **__):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`.")

    def __dlpack_device__(self):
        return (2, 0)

    def __dlpack__(self, **_):
        return ad.tensor(1.0).__dlpack__()


def test_an_array_of_a_gpu():
    for make in MAKE[:2]:
        with pytest.raises(ad.UnsupportedError, match=r"Elsewhere cannot be taken as an array: .*\.get\(\)"):
            make(Elsewhere())
    with pytest.raises((BufferError, ValueError), match="device"):
        ad.tensor([1.0]).__dlpack__(dl_device=(2, 0))
