"""Pictures: a zip with a folder for each class, or MNIST's files. They become one array of bytes."""

import io
import re
import warnings
from collections import Counter
from pathlib import PurePosixPath
from typing import Literal

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from builder import limits
from builder.members import Members
from builder.problem import Refused, say
from builder.reading import what
from builder.reading.profile import Array, Pictures, Skipped
from builder.reading.refusal import refusal, shown
from builder.reading.wish import Wish

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
GREY = frozenset(("1", "L", "LA", "La", "I", "I;16", "I;16B", "F"))
"""Pillow's names for what has no colour."""
SWAPPED = frozenset((5, 6, 7, 8))
"""Orientations of EXIF in which height and width change places."""
USUAL = 64
"""The side where pictures differ in size and nothing is wished."""
TOLD = 20
Image.MAX_IMAGE_PIXELS = limits.PIXELS
BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
BROKEN = (OSError, ValueError, SyntaxError, TypeError, LookupError, EOFError, ArithmeticError, *BOMBS)
"""What Pillow raises for a picture that is damaged or was made to hurt."""

Unreadable = dict[str, str]
"""Names of members, and why they cannot be read."""


def read_zip(members: Members, wish: Wish) -> tuple[Pictures, dict[str, Array]]:
    """The pictures of a zip; the folder that one lies in is its class. Raises Refused."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of palettes and the like
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        return _read_zip(members, wish)


def _read_zip(members: Members, wish: Wish) -> tuple[Pictures, dict[str, Array]]:
    bad: Unreadable = {}
    names = sorted(members.names)
    seen = {name: form for name in names if (form := _seen(members, name, bad)) is not None}
    _check_share(bad, len(names), wish)
    said: list[str] = []
    height, width = _size(seen, wish, said)
    channels = wish.channels or (1 if 2 * sum(grey for *_, grey in seen.values()) > len(seen) else 3)
    if len(seen) * channels * height * width > limits.PICTURE_NUMBERS:
        raise refusal("too-large", "The pictures are too large together",
                      "{count:,} pictures of {height} x {width} are more than {limit:,} numbers. Wish for a smaller size, or take fewer.",
                      count=len(seen), height=height, width=width, limit=limits.PICTURE_NUMBERS)  # fmt: skip
    pictures = np.empty((len(seen), channels, height, width), np.uint8)
    kept: list[str] = []
    for name in seen:
        try:
            pictures[len(kept)] = pixels(members.read(name, limits.PICTURE_BYTES), (height, width), channels, wish)
            kept.append(name)
        except BROKEN as error:
            bad[name] = _reason(error)
    _check_share(bad, len(names), wish)
    labels, classes = _classes(kept)
    profile = Pictures(
        format="zip", said=tuple(said), samples=len(kept), channels=channels, height=height, width=width, labels=labels,
        counts=tuple(np.bincount(classes, minlength=len(labels)).tolist()) if labels else (), unreadable=len(bad), skipped=_told(bad),
    )  # fmt: skip
    return profile, {"pictures": pictures[: len(kept)]} | ({"classes": classes} if labels else {})


def _seen(members: Members, name: str, bad: Unreadable) -> tuple[int, int, bool] | None:
    """Height and width of a picture as it is to be seen, and whether it is grey; null of one that goes among the bad."""
    try:
        data = members.read(name, limits.PICTURE_BYTES)
    except Refused as refused:
        if refused.problems[0].code != "archive/too-large":
            raise
        bad[name] = say("it has more than {limit:,} bytes", limit=limits.PICTURE_BYTES)
        return None
    kind = what.named(data[: what.HEAD])
    if kind not in what.PICTURES:
        bad[name] = say("it is {kind}", kind=kind or "no picture")
        return None
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            width, height = picture.size
            if picture.getexif().get(0x0112) in SWAPPED:
                height, width = width, height
            return height, width, picture.mode in GREY
    except BROKEN as error:
        bad[name] = _reason(error)
        return None


def _reason(error: Exception) -> str:
    if isinstance(error, BOMBS):
        return say("it has more than {limit:,} pixels", limit=limits.PIXELS)
    if isinstance(error, UnidentifiedImageError):
        return "it begins like a picture, and is none"
    return say("it is damaged: {reason}", reason=re.sub(r"\s+", " ", str(error))[:100] or type(error).__name__)


def _told(bad: Unreadable) -> tuple[Skipped, ...]:
    return tuple(Skipped(name=name[: limits.LABEL], because=because) for name, because in sorted(bad.items())[:TOLD])


def _check_share(bad: Unreadable, count: int, wish: Wish) -> None:
    """Raises Refused where more pictures cannot be read than may be, or none can."""
    if len(bad) < count and len(bad) <= wish.unreadable * count:
        return
    first = "; ".join(f"{shown(name)}: {because}" for name, because in sorted(bad.items())[:5])
    raise refusal("pictures", "Too many pictures cannot be read",
                  "{bad:,} of {count:,} cannot be read: {first}{more}. Mend them, leave them out, or allow a larger share.",
                  bad=len(bad), count=count, first=first or "there is none", more="; ..." if len(bad) > 5 else "")  # fmt: skip


def _size(seen: dict[str, tuple[int, int, bool]], wish: Wish, said: list[str]) -> tuple[int, int]:
    sizes = Counter((height, width) for height, width, _ in seen.values())
    if wish.size is not None:
        height, width = wish.size
    elif len(sizes) == 1 and max(next(iter(sizes))) <= limits.SIDE:
        height, width = next(iter(sizes))
    else:
        height, width = USUAL, USUAL
    (usual, count), *_ = sizes.most_common(1)
    if set(sizes) != {(height, width)}:
        how = {"pad": "with black around what has other proportions", "crop": "cut to its proportions", "stretch": "stretched to its proportions"}  # fmt: skip
        said.append(
            say(
                "There are {sizes:,} sizes, {h} x {w} most often ({count:,} times); all become {height} x {width} (height x width), {how}.",
                sizes=len(sizes),
                h=usual[0],
                w=usual[1],
                count=count,
                height=height,
                width=width,
                how=how[wish.fit],
            )
        )
    return height, width


def _classes(names: list[str]) -> tuple[tuple[str, ...], Array]:
    """The names of the folders that pictures lie in, and the place of each picture's among them. None where all lie in none."""
    folders = [PurePosixPath(name).parent.name for name in names]
    if not any(folders):
        return (), np.empty(0, np.int64)
    if not all(folders):
        raise refusal("classes", "Some pictures have no class",
                      "{name} lies in no folder, and others do. Put every picture into the folder of its class.",
                      name=shown(names[folders.index("")]))  # fmt: skip
    labels = sorted(set(folders))
    if len(labels) > limits.LABELS or max(map(len, labels)) > limits.LABEL:
        raise refusal("classes", "There are too many classes", "{count:,} folders hold pictures; {limit:,} with names of up to {length} characters "
                      "are the limit.", count=len(labels), limit=limits.LABELS, length=limits.LABEL)  # fmt: skip
    place = {label: number for number, label in enumerate(labels)}
    return tuple(labels), np.array([place[folder] for folder in folders], np.int64)


def pixels(data: bytes, size: tuple[int, int], channels: Literal[1, 3], wish: Wish) -> Array:
    """One picture as (channels, height, width), uint8: turned as it is to be seen, over white, of this size."""
    with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
        picture = _plain(ImageOps.exif_transpose(opened), "L" if channels == 1 else "RGB")
    height, width = size
    if picture.size != (width, height):
        resampling = Image.Resampling.BOX if wish.filter == "box" else Image.Resampling.BILINEAR
        match wish.fit:
            case "pad":
                picture = ImageOps.pad(picture, (width, height), resampling)
            case "crop":
                picture = ImageOps.fit(picture, (width, height), resampling)
            case "stretch":
                picture = picture.resize((width, height), resampling)
    array = np.asarray(picture)
    return array[np.newaxis] if channels == 1 else array.transpose(2, 0, 1)


def _plain(picture: Image.Image, mode: Literal["L", "RGB"]) -> Image.Image:
    """The picture with 8 bits a channel, and what can be seen through over white."""
    if picture.mode.startswith(("I", "F")):  # 16 bits
        picture = Image.fromarray((np.clip(np.asarray(picture, np.float64), 0, 65_535) / 257 + 0.5).astype(np.uint8))
    if picture.has_transparency_data:
        seen = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("RGB")
    return picture.convert(mode)


# IDX -------------------------------------------------------------------------------------------------------------


def from_idx(arrays: list[tuple[str, Array]]) -> tuple[Pictures, dict[str, Array]]:
    """MNIST's files: arrays (samples, height, width) of pictures, and (samples,) of classes where there are as many.

    Those with `train` in their name come first. Raises Refused where they do not fit together.
    """
    ordered = sorted(arrays, key=lambda named: ("train" not in named[0], named[0]))
    pictures = [(name, array) for name, array in ordered if array.ndim == 3 and array.dtype == np.uint8]
    classes = [(name, array) for name, array in ordered if array.ndim == 1 and array.dtype == np.uint8]
    lengths, others = [len(array) for _, array in pictures], [len(array) for _, array in classes]
    if not pictures or len(pictures) + len(classes) < len(arrays) or (others and lengths != others):
        raise refusal("idx", "The files do not fit together",
                      "Pictures are (samples, height, width) and classes (samples,), both of bytes, and each file of pictures has one of classes. "
                      "Here are {forms}.", forms="; ".join(f"{shown(name)}: {array.shape}" for name, array in ordered[:8]))  # fmt: skip
    forms = {array.shape[1:] for _, array in pictures}
    height, width = next(iter(forms))
    if len(forms) > 1 or not 1 <= height <= limits.SIDE or not 1 <= width <= limits.SIDE or not sum(lengths):
        raise refusal("idx", "The files do not fit together", "Pictures must be of one size, at most {limit} a side, and there must be one.",
                      limit=limits.SIDE)  # fmt: skip
    if sum(lengths) * height * width > limits.PICTURE_NUMBERS or sum(lengths) > limits.SAMPLES:
        raise refusal("too-large", "The pictures are too large together", "They are more than {limit:,} numbers, or {samples:,} samples.",
                      limit=limits.PICTURE_NUMBERS, samples=limits.SAMPLES)  # fmt: skip
    said = [say("{name} holds {count:,} pictures.", name=shown(name), count=len(array)) for name, array in pictures]
    kept = {"pictures": np.concatenate([array for _, array in pictures])[:, np.newaxis]}
    labels: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    if classes:
        kept["classes"] = np.concatenate([array for _, array in classes]).astype(np.int64)
        counts = tuple(np.bincount(kept["classes"]).tolist())
        labels = tuple(str(label) for label in range(len(counts)))
    profile = Pictures(
        format="idx", said=tuple(said[:100]), samples=sum(lengths), channels=1, height=height, width=width, labels=labels, counts=counts,
    )  # fmt: skip
    return profile, kept
