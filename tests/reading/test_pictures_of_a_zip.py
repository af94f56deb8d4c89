"""Pictures in folders: every format and mode, every way to fit, and classes from names of folders."""

import io
import zipfile
from typing import Any

import numpy as np
import pytest
from PIL import Image

from builder.problem import Refused
from builder.reading.profile import Array, Pictures
from builder.reading.reader import read
from builder.reading.wish import Wish

COLOUR = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
GREY = COLOUR[:, :, 0].copy()


def encoded(picture: Image.Image | Array, format: str = "PNG", **how: Any) -> bytes:
    file = io.BytesIO()
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(file, format, **how)
    return file.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return file.getvalue()


def pictures(members: dict[str, bytes], **wish: Any) -> tuple[Pictures, dict[str, Array]]:
    profile, arrays = read(io.BytesIO(zipped(members)), Wish(**wish))
    assert isinstance(profile, Pictures)
    assert {name: (array.dtype.str, array.shape) for name, array in arrays.items()} == profile.forms()
    return profile, arrays


def one(data: bytes, **wish: Any) -> Array:
    """The only picture, as (height, width, channels)."""
    return pictures({"a/1": data}, **wish)[1]["pictures"][0].transpose(1, 2, 0)


def refused(members: dict[str, bytes], **wish: Any) -> str:
    with pytest.raises(Refused) as error:
        pictures(members, **wish)
    (problem,) = error.value.problems
    return f"{problem.code}: {problem.because}"


@pytest.mark.parametrize(("format", "how"), [("PNG", {}), ("BMP", {}), ("WEBP", {"lossless": True})])
def test_formats_that_lose_nothing_come_back_to_the_bit(format: str, how: dict[str, Any]) -> None:
    np.testing.assert_array_equal(one(encoded(COLOUR, format, **how)), COLOUR)
    if format != "WEBP":  # which has no grey
        np.testing.assert_array_equal(one(encoded(GREY, format))[:, :, 0], GREY)


def test_jpeg_comes_back_about() -> None:
    smooth = np.stack([np.add.outer(np.arange(12) * 10, np.arange(16) * 5)] * 3, 2).astype(np.uint8)
    assert np.abs(one(encoded(smooth, "JPEG", quality=95)).astype(int) - smooth).max() <= 8


def test_of_a_gif_the_first_picture_is_taken() -> None:
    frames = [Image.new("P", (5, 4), colour) for colour in (0, 1, 2)]
    for frame in frames:
        frame.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(one(data), np.broadcast_to([255, 0, 0], (4, 5, 3)))


def test_classes_are_the_folders_and_samples_are_in_the_order_of_names() -> None:
    shade = {name: encoded(np.full((3, 3), value, np.uint8)) for value, name in enumerate(
        ["set/dog/2.png", "set/cat/9.png", "set/dog/1.png", "set/ant/5.png"])}  # fmt: skip
    profile, arrays = pictures(shade)
    assert (profile.labels, profile.counts) == (("ant", "cat", "dog"), (1, 1, 2))
    assert arrays["classes"].tolist() == [0, 1, 2, 2]
    assert arrays["pictures"][:, 0, 0, 0].tolist() == [3, 1, 2, 0]


def test_without_folders_there_are_no_classes() -> None:
    profile, arrays = pictures({"1.png": encoded(GREY), "2.png": encoded(GREY)})
    assert profile.labels == () and "classes" not in arrays
    assert refused({"1.png": encoded(GREY), "a/2.png": encoded(GREY)}).startswith(
        "reading/classes: '1.png' lies in no folder"
    )


def test_what_systems_add_is_no_sample() -> None:
    extra = {"__MACOSX/a/._1.png": b"x", "a/.DS_Store": b"x", "a/Thumbs.db": b"x"}
    profile, _ = pictures({"a/1.png": encoded(GREY)} | extra, unreadable=0)
    assert (profile.samples, profile.unreadable) == (1, 0)


def test_channels_are_those_of_most() -> None:
    grey, colour = encoded(GREY), encoded(COLOUR)
    assert pictures({"1.png": grey, "2.png": grey, "3.png": colour})[0].channels == 1
    assert pictures({"1.png": grey, "2.png": colour, "3.png": colour})[0].channels == 3
    np.testing.assert_array_equal(one(grey, channels=3), np.stack([GREY] * 3, 2))
    np.testing.assert_array_equal(one(colour, channels=1)[:, :, 0], np.asarray(Image.fromarray(COLOUR).convert("L")))


def test_what_can_be_seen_through_lies_over_white() -> None:
    alpha = np.zeros((2, 2, 4), np.uint8)
    alpha[0, 0], alpha[1, 1] = (10, 20, 30, 255), (0, 0, 0, 51)
    expected = [[[10, 20, 30], [255] * 3], [[255] * 3, [204] * 3]]  # 255 * (1 - 51 / 255)
    np.testing.assert_array_equal(one(encoded(alpha)), expected)
    grey = Image.fromarray(alpha[:, :, [0, 3]])
    assert grey.mode == "LA"
    np.testing.assert_array_equal(one(encoded(grey))[:, :, 0], [[10, 255], [255, 204]])
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 255, 0])
    palette.putpixel((1, 0), 1)
    np.testing.assert_array_equal(one(encoded(palette, transparency=0)), [[[255] * 3, [0, 255, 0]]])


def test_sixteen_bits_become_eight() -> None:
    deep = np.array([[0, 128, 129, 257], [32_768, 65_535, 65_278, 25_700]], np.uint16)
    np.testing.assert_array_equal(one(encoded(deep))[:, :, 0], np.floor(deep / 257 + 0.5))


def test_black_and_white_and_cmyk() -> None:
    bits = Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).convert("1")
    np.testing.assert_array_equal(one(encoded(bits))[:, :, 0], [[0, 255], [255, 0]])
    ink = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    assert np.abs(one(encoded(ink, "JPEG", quality=100)).astype(int) - [255, 0, 0]).max() < 10


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_camera_says(orientation: int) -> None:
    turned = {  # what EXIF says that has been done to the rows and columns, undone
        1: GREY, 2: GREY[:, ::-1], 3: GREY[::-1, ::-1], 4: GREY[::-1],
        5: GREY.T, 6: np.rot90(GREY, -1), 7: GREY[::-1, ::-1].T, 8: np.rot90(GREY),
    }  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(one(encoded(GREY, exif=exif))[:, :, 0], turned[orientation])


def test_sizes_that_differ_become_64_and_it_is_said() -> None:
    profile, _ = pictures({"1.png": encoded(GREY), "2.png": encoded(GREY[:6]), "3.png": encoded(GREY)})
    assert (profile.height, profile.width) == (64, 64)
    assert profile.said == (
        "There are 2 sizes, 12 x 16 most often (2 times); all become 64 x 64 (height x width), with black around what has other proportions.",
    )


HALVES = np.zeros((8, 16), np.uint8)
HALVES[:, :8], HALVES[:, 8:] = 100, 200


def test_padded_cut_and_stretched() -> None:
    data = encoded(HALVES)
    padded = one(data, size=(8, 8), fit="pad", filter="box")[:, :, 0]
    assert (padded[:2] == 0).all() and (padded[6:] == 0).all()
    assert (padded[2:6, :4] == 100).all() and (padded[2:6, 4:] == 200).all()
    cut = one(data, size=(8, 8), fit="crop", filter="box")[:, :, 0]
    assert (cut[:, :4] == 100).all() and (cut[:, 4:] == 200).all()
    stretched = one(data, size=(4, 4), fit="stretch", filter="box")[:, :, 0]
    assert (stretched[:, :2] == 100).all() and (stretched[:, 2:] == 200).all()


def test_a_smaller_picture_is_averaged_and_not_picked_from() -> None:
    squares = np.indices((8, 8)).sum(0) % 2 * 200
    data = encoded(squares.astype(np.uint8))
    assert (one(data, size=(4, 4), filter="box") == 100).all()
    assert np.abs(one(data, size=(2, 2), filter="bilinear").astype(int) - 100).max() < 30


def test_some_may_be_unreadable_and_are_listed() -> None:
    members = {f"a/{n:02}.png": encoded(GREY) for n in range(30)}
    bad = {"a/broken.png": encoded(COLOUR)[:-300], "a/notes.txt": b"hello", "a/drawing.svg": b"<svg/>"}
    profile, arrays = pictures(members | bad, unreadable=0.1)
    assert (profile.samples, profile.unreadable, len(arrays["classes"])) == (30, 3, 30)
    assert [skipped.name for skipped in profile.skipped] == ["a/broken.png", "a/drawing.svg", "a/notes.txt"]
    assert "damaged" in profile.skipped[0].because and "SVG" in profile.skipped[1].because
    assert refused(members | bad).startswith("reading/pictures: 3 of 33 cannot be read: 'a/broken.png': it is damaged")


def test_of_many_unreadable_pictures_twenty_are_listed() -> None:
    members = {"a/1.png": encoded(GREY)} | {f"a/{n}.txt": b"x" for n in range(30)}
    profile, _ = pictures(members, unreadable=1)
    assert (profile.unreadable, len(profile.skipped)) == (30, 20)


def test_a_zip_without_pictures_is_named() -> None:
    assert refused({"a.csv": b"a,b\n1,2\n"}).startswith("reading/format: It is a zip of files that are no pictures")
    assert refused({}).startswith("reading/format: It is an empty zip")
