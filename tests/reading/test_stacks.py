"""Arrays: what NumPy writes comes back; IDX is written here by hand, from the description of the format."""

import gzip
import io
import struct
import zipfile
from typing import Any

import numpy as np
import pytest
from sklearn import datasets

from builder.problem import Refused
from builder.reading.profile import Array, Arrays, Pictures
from builder.reading.reader import read
from builder.reading.wish import Wish


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def arrays(data: bytes) -> tuple[Arrays, dict[str, Array]]:
    profile, found = read(io.BytesIO(data), Wish())
    assert isinstance(profile, Arrays)
    assert {name: (array.dtype.str, array.shape) for name, array in found.items()} == profile.forms()
    return profile, found


def code(data: bytes) -> str:
    with pytest.raises(Refused) as refused:
        read(io.BytesIO(data), Wish())
    (problem,) = refused.value.problems
    return f"{problem.code}: {problem.because}"


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [("<f8", "<f8"), (">f8", "<f8"), ("<f4", "<f4"), ("<f2", "<f4"), ("u1", "|u1"), ("i1", "<i8"), (">i2", "<i8"),
     ("<u4", "<i8"), ("<u8", "<i8"), ("<i8", "<i8"), ("?", "|u1")],
)  # fmt: skip
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_dtype_of_numbers_keeps_its_values(dtype: str, kept: str, order: Any) -> None:
    array = np.asarray(np.arange(24).reshape(2, 3, 4) % 5, dtype, order=order)
    profile, found = arrays(npy(array))
    assert profile.arrays[0].dtype == kept and profile.arrays[0].shape == (2, 3, 4)
    np.testing.assert_array_equal(found["array0"], array)


def test_an_array_without_sides_or_numbers_is_one() -> None:
    assert arrays(npy(np.float64(2.5)))[1]["array0"] == 2.5
    profile, found = arrays(npy(np.zeros((0, 3))))
    assert found["array0"].shape == (0, 3) and profile.arrays[0].numbers is None


def test_an_npz_keeps_its_names_and_the_figures_are_numpys() -> None:
    file = io.BytesIO()
    x = np.random.default_rng(0).normal(size=(100, 4))
    x[3, 2], x[5, 1] = np.nan, np.inf
    np.savez_compressed(file, x=x, y=np.arange(100))
    profile, found = arrays(file.getvalue())
    assert [stack.name for stack in profile.arrays] == ["x", "y"]
    np.testing.assert_array_equal(found["array0"], x)
    finite = x[np.isfinite(x)]
    numbers = profile.arrays[0].numbers
    assert numbers is not None and profile.arrays[0].missing == 2
    assert numbers.mean == pytest.approx(finite.mean()) and numbers.deviation == pytest.approx(finite.std())
    assert list(numbers.histogram) == np.histogram(finite, 20)[0].tolist()


def test_whole_numbers_beyond_int64_are_a_problem() -> None:
    assert code(npy(np.array([2**63], np.uint64))).startswith("reading/dtype")


@pytest.mark.parametrize(
    "array", [np.array(["a"]), np.array([1j]), np.array(["2020-01-01"], "M8[D]"), np.zeros(2, [("a", "i4")])]
)
def test_what_is_no_number_is_a_problem(array: Any) -> None:
    assert code(npy(array)).startswith("reading/dtype: 'array' has the dtype")


# IDX: two zeros, a byte for the type, one for the number of sides, the sides as big-endian int32, the numbers ------


def idx(array: Any, kind: int = 8) -> bytes:
    return bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}i", *array.shape) + array.tobytes()


DIGITS = datasets.load_digits()
IMAGES = np.asarray(DIGITS.images * 15, np.uint8)
LABELS = np.asarray(DIGITS.target, np.uint8)
MNIST = {
    "train-images-idx3-ubyte": idx(IMAGES[:1500]), "train-labels-idx1-ubyte": idx(LABELS[:1500]),
    "t10k-images-idx3-ubyte": idx(IMAGES[1500:]), "t10k-labels-idx1-ubyte": idx(LABELS[1500:]),
}  # fmt: skip


def zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return file.getvalue()


@pytest.mark.parametrize("packed", [False, True])
def test_the_four_files_of_mnist_become_pictures_and_classes(packed: bool) -> None:
    members = {f"{name}.gz": gzip.compress(data) for name, data in MNIST.items()} if packed else MNIST
    profile, found = read(io.BytesIO(zipped(members)), Wish())
    assert isinstance(profile, Pictures)
    assert (profile.samples, profile.channels, profile.height, profile.width) == (1797, 1, 8, 8)
    np.testing.assert_array_equal(found["pictures"][:, 0], IMAGES)
    np.testing.assert_array_equal(found["classes"], DIGITS.target)
    assert profile.labels == tuple("0123456789") and list(profile.counts) == np.bincount(LABELS).tolist()
    assert profile.said[0] == f"{next(iter(members))!r} holds 1,500 pictures."


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_single_file_of_idx(pack: Any) -> None:
    profile, found = read(io.BytesIO(pack(MNIST["t10k-images-idx3-ubyte"])), Wish())
    assert isinstance(profile, Pictures) and profile.labels == ()
    np.testing.assert_array_equal(found["pictures"][:, 0], IMAGES[1500:])
    np.testing.assert_array_equal(arrays(pack(MNIST["t10k-labels-idx1-ubyte"]))[1]["array0"], LABELS[1500:])


@pytest.mark.parametrize(("kind", "dtype"), [(8, "u1"), (9, "i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")])
def test_every_type_of_idx(kind: int, dtype: str) -> None:
    array = np.arange(-3, 9).reshape(3, 4).astype(dtype)
    np.testing.assert_array_equal(arrays(idx(array, kind))[1]["array0"], array)


def test_files_of_idx_that_do_not_fit_together_are_a_problem() -> None:
    assert code(zipped(MNIST | {"t10k-labels-idx1-ubyte": idx(LABELS[1501:])})).startswith("reading/idx")
    assert code(zipped({"train-labels-idx1-ubyte": idx(LABELS)})).startswith("reading/idx")
    small = {"more-images-idx3-ubyte": idx(IMAGES[:5, :4]), "more-labels-idx1-ubyte": idx(LABELS[:5])}
    assert code(zipped(MNIST | small)).startswith("reading/idx")
    deep = {"images": idx(IMAGES.astype(">f4"), 13), "labels": idx(LABELS)}
    assert code(zipped(deep)).startswith("reading/idx")
