"""What a file is, told by how it begins, whatever it is called."""

import re
from typing import Literal, TypeAlias

Readable: TypeAlias = Literal["text", "parquet", "zip", "npy", "idx", "gzip"]

BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"\0\0\1\0", "an icon"),
    (b"SIMPLE  =", "a FITS file, as astronomers use"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (.h5, old Keras models, MATLAB 7.3)"),
    (b"MATLAB 5.0", "a MATLAB file"),
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document (.xls, .doc)"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"ARROW1", "an Arrow or Feather file"),
    (b"Obj\1", "an Avro file"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"GGUF", "a GGUF model"),
)
SVG = re.compile(
    rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!DOCTYPE svg[^>]*>\s*)?<svg", re.DOTALL | re.IGNORECASE
)
PATTERNS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "a WebP picture"),
    (re.compile(rb"BM.{4}\0{4}.{4}[\x0c\x28\x38\x40\x6c\x7c]\0\0\0", re.DOTALL), "a BMP picture"),
    (re.compile(rb"RIFF....WAVE", re.DOTALL), "a WAV sound"),
    (re.compile(rb".{4}ftyp", re.DOTALL), "a video, or a HEIC or AVIF picture"),
    (re.compile(rb".{257}ustar", re.DOTALL), "a tar archive"),
    (re.compile(rb"\x80[\x02-\x05][\x95}\]()cC\x8a\x8c\x58KM]", re.DOTALL), "a pickle (.pkl, .joblib, old .pt), which could run code"),
    (re.compile(rb"[\x00-\xff]{2}[\x00-\x7f]\0{5}\{\s*\""), "a safetensors file"),
    (re.compile(rb"(c[\w.]+\n[\w.]+\n[(p)]|\([ld]p[0-9]+\n)"), "a pickle (.pkl), which could run code"),
    (SVG, "an SVG picture, which is a drawing and not pixels"),
    (re.compile(rb"(\xef\xbb\xbf)?\s*(<\?xml|<!DOCTYPE|<html|<!--)", re.IGNORECASE), "an HTML or XML document"),
    (re.compile(rb"\{\\rtf"), "an RTF document"),
    (re.compile(rb"(\xef\xbb\xbf)?\s*(\{\s*[\"}]|\[\s*(\[|\{|\]|\"|[-0-9.]+\s*,))"), "JSON"),
)  # fmt: skip
PICTURES = frozenset(f"a {name} picture" for name in ("PNG", "JPEG", "GIF", "BMP", "WebP"))
"""What a zip of pictures may hold."""
HEAD = 4_096
"""Bytes of the beginning that are looked at."""


def readable(head: bytes) -> Readable | None:
    """Which reader may try a file that begins so; null where it is `named` something else."""
    if head.startswith((b"PK\3\4", b"PK\5\6")):
        return "zip"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if re.match(rb"\0\0[\x08\x09\x0b-\x0e][\x01-\x04]", head):
        return "idx"
    return None if named(head) else "text"


def named(head: bytes) -> str | None:
    """What a file that begins so is, among what is known and is no text; null of anything else."""
    for beginning, name in BEGINNINGS:
        if head.startswith(beginning):
            return name
    return next((name for pattern, name in PATTERNS if pattern.match(head)), None)


def in_a_zip(names: list[str]) -> Literal["excel", "npz"] | str | None:
    """What a zip with these members is: something that is read, something else that has a name, or null for a plain zip."""
    known = set(names)
    if "xl/workbook.xml" in known:
        return "excel"
    if "xl/workbook.bin" in known:
        return "an Excel workbook in its binary form (.xlsb)"
    if names and all(name.endswith(".npy") for name in names):
        return "npz"
    if any(name == "data.pkl" or name.endswith("/data.pkl") for name in names):
        return "a PyTorch file (.pt), which holds a pickle that could run code"
    if {"config.json", "metadata.json"} <= known or "model.weights.h5" in known:
        return "a Keras model (.keras)"
    if "[Content_Types].xml" in known or "mimetype" in known:
        return "an Office document"
    return None
