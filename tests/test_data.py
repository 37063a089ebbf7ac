"""The data sets that come with nn are whole, scaled as documented, and the caller's own."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

import nn.data


def test_digits_are_the_1797_of_the_source():
    images, labels = nn.data.digits()
    assert images.shape == (1797, 8, 8) and images.dtype == np.float32
    assert labels.shape == (1797,) and labels.dtype == np.int64
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    counts = images * 16
    np.testing.assert_array_equal(counts, np.rint(counts))
    assert counts.min() == 0 and counts.max() == 16
    assert counts.sum() == 561718  # of the source, before it was packed


def test_digits_are_fresh_at_every_call():
    images, labels = nn.data.digits()
    images[:] = 7
    labels[:] = 7
    again = nn.data.digits()
    assert again.images.max() == 1 and again.labels[0] == 0


def test_the_file_of_digits_is_small_and_holds_no_pickle():
    file = Path(nn.data.__file__).with_name("digits.npz")
    assert file.stat().st_size < 64_000
    with zipfile.ZipFile(file) as archive:
        assert {name: archive.read(name)[:6] for name in archive.namelist()} == {
            "images.npy": b"\x93NUMPY",
            "labels.npy": b"\x93NUMPY",
        }
    with np.load(file, allow_pickle=False) as arrays:
        assert {name: arrays[name].dtype for name in arrays} == {"images": np.uint8, "labels": np.uint8}


@pytest.mark.parametrize(
    ("name", "options"),
    [("blobs", {"centres": 0}), ("blobs", {"features": 0}), ("blobs", {"centres": 1.5}), ("spirals", {"arms": 0})],
)
def test_a_count_of_a_toy_problem_is_a_positive_integer(name, options):
    ((what, count),) = options.items()
    with pytest.raises(ValueError, match=f"{name}: {what} must be a positive integer; {count} was given"):
        getattr(nn.data, name)(10, **options)
