"""Files of data that were made to hurt (SAFETY 17, 19, 20, 21): each is one Problem, or what it says; no code runs."""

import gzip
import io
import os
import re
import struct
import subprocess
import sys
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from builder import limits
from builder.problem import Refused
from builder.reading import Wish, read_file
from builder.reading.profile import Pictures, Table
from builder.reading.reader import read

ROOT = Path(__file__).parents[2]
PARENT_RSS = 150 * 2**20
"""Half of what is allowed: the server that a person talks to holds what was read, and never the file as it is parsed."""
CHILD_RSS = 300 * 2**20
"""What is allowed. Twice of what these files take."""


def code(data: bytes, **wish: object) -> str:
    with pytest.raises(Refused) as refused:
        read(io.BytesIO(data), Wish.model_validate(wish))
    (problem,) = refused.value.problems
    assert len(problem.because) < 700 and "Traceback" not in problem.because, problem.because
    return problem.code


def table(data: bytes) -> Table:
    profile, _ = read(io.BytesIO(data), Wish())
    assert isinstance(profile, Table)
    return profile


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", method) as packed:
        warnings.simplefilter("ignore")  # of names that come twice
        for name, data in members.items():
            packed.writestr(name.removesuffix("*"), data)
    return file.getvalue()


def encoded(picture: Image.Image, format: str = "PNG", **how: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, format, **how)
    return file.getvalue()


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


# SAFETY 17: tables -----------------------------------------------------------------------------------------------

TABLES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "0 bytes": ("empty", lambda: b""),
    "blank lines": ("empty", lambda: b"\n\n\n"),
    "header only": ("no-rows", lambda: b"a,b,c\n"),
    "ragged": ("ragged", lambda: b"a,b\n1,2\n3\n"),
    "10,000 columns": ("columns", lambda: b",".join([b"1"] * 10_000) + b"\n"),
    "a cell without end": ("line", lambda: b"a,b\n" + b"x" * 10_000_000),
    "a cell of many lines": ("cell", lambda: b'a,b\n"' + b"x\n" * 1_000_000),
    "a long cell": ("cell", lambda: b"a,b\n1," + b"x" * 100_001),
    "a quote that stays open": ("quotes", lambda: b'a,b\n1,"2\n3,4\n'),
    "something behind a quote": ("quotes", lambda: b'a,b\n1,"2"x\n3,4\n'),
    "NUL": ("unknown", lambda: b"a,b\n1,\0\n"),
    "NUL far behind": ("unknown", lambda: b"a,b\n" + b"1,2\n" * 300_000 + b"\0,1\n"),
    "bytes at random": ("unknown", lambda: np.random.default_rng(0).bytes(10_000)),
    "control characters": ("unknown", lambda: b"\xff\x01\x02\x03"),
    "UTF-16 cut in the middle": ("encoding", lambda: "a,b\n1,2\n".encode("utf-16")[:-1]),
    "half a pair in UTF-16": ("encoding", lambda: b"\xff\xfea\0,\0b\0\n\0\0\xd8,\0b\0\n\0"),
    "too many rows": ("rows", lambda: b"a,b\n" + b"1,\n" * (limits.SAMPLES + 1)),
}  # fmt: skip


@pytest.mark.parametrize("kind", TABLES)
def test_a_hostile_table_is_one_problem(kind: str) -> None:
    expected, make = TABLES[kind]
    assert code(make()) == f"reading/{expected}"


def test_odd_tables_are_read_as_what_they_say() -> None:
    """SAFETY 17: UTF-16, Latin-1, all missing, one class, a constant, names that come twice, 1e308."""
    assert table("a,b\n1,é\n".encode("utf-16")).encoding == "utf-16-le"
    assert table("a,b\n1,é\n".encode("latin-1")).encoding == "cp1252"
    assert [column.kind for column in table(b"a,b\nNaN,1\n,2\nNA,4\n").columns] == ["empty", "number"]
    one_class = table(b"a,class\n" + b"1.5,x\n2.5,x\n")
    assert [(column.kind, column.role) for column in one_class.columns] == [
        ("number", "target"),
        ("constant", "ignored"),
    ]
    assert [column.name for column in table(b"a,a\n1,2\n").columns] == ["a", "a 2"]
    assert table(b"a,b\n1e308,1\n-1e308,3\n1.7e308,7\n").columns[0].missing == 0


def test_names_and_cells_stay_text() -> None:
    hostile = ["../../x", "<script>alert(1)</script>", "{{", "{0.__class__}", "=1+1", "a\u202eb", "__class__", "%s%n"]
    text = "a," + ",".join(f'"{name}"' for name in hostile) + "\n" + "1,2,3,4,5,6,7,8,9\n" * 2 + "ragged\n"
    with pytest.raises(Refused) as refused:
        read(io.BytesIO(text.encode()), Wish(skip_ragged=True, kinds={"{0.__class__}{": "text"}))
    assert "'{0.__class__}{'" in refused.value.problems[0].because
    profile, _ = read(io.BytesIO(text.encode()), Wish(skip_ragged=True))
    assert isinstance(profile, Table) and [column.name for column in profile.columns[1:]] == hostile


def test_a_gigabyte_is_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(Refused) as refused:
        read_file(path, work=tmp_path)
    assert refused.value.problems[0].code == "file/too-large"


# SAFETY 19: zips -------------------------------------------------------------------------------------------------

PNG = encoded(Image.new("L", (4, 4), 7))


def with_entry(name: str, mode: int, data: bytes) -> bytes:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("a/1.png", PNG)
        packed.writestr(info, data)
    return file.getvalue()


def patched(data: bytes, at: int, value: bytes) -> bytes:
    """The zip with bytes of the directory's first entry changed."""
    place = data.index(b"PK\1\2") + at
    return data[:place] + value + data[place + len(value) :]


def with_size(size: int, packed: int | None = None) -> bytes:
    data = patched(zipped({"a/1.png": PNG}), 24, struct.pack("<L", size))
    return data if packed is None else patched(data, 20, struct.pack("<L", packed))


ZIPS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "ratio": ("archive/ratio", lambda: zipped({"a/1.bmp": bytes(10**7)}, zipfile.ZIP_DEFLATED)),
    "total": ("archive/too-large", lambda: with_size(limits.ARCHIVE_BYTES + 1, limits.ARCHIVE_BYTES // 50)),
    "members": ("archive/members", lambda: zipped({f"a/{number}": b"" for number in range(limits.ARCHIVE_MEMBERS + 1)})),
    "nested": ("reading/format", lambda: zipped({"inner.zip": zipped({"a/1.png": PNG})})),
    "parent": ("archive/name", lambda: zipped({"../canary.png": PNG})),
    "parent inside": ("archive/name", lambda: zipped({"a/../../canary.png": PNG})),
    "parent as a folder": ("archive/name", lambda: zipped({"a/1.png": PNG, "../": b""})),
    "absolute": ("archive/name", lambda: zipped({"/canary.png": PNG})),
    "drive": ("archive/name", lambda: zipped({"C:/canary.png": PNG})),
    "backslash": ("archive/name", lambda: zipped({"a\\..\\..\\canary.png": PNG})),
    "NUL": ("archive/name", lambda: zipped({"a/cXd.png": PNG}).replace(b"a/cXd", b"a/c\0d")),
    "link": ("archive/link", lambda: with_entry("a/2.png", 0o120777, b"/etc/passwd")),
    "duplicate": ("archive/duplicate", lambda: zipped({"a/1.png": PNG, "a/1.png*": PNG})),
    "encrypted": ("archive/encrypted", lambda: patched(zipped({"a/1.png": PNG}), 8, b"\1\0")),
    "method": ("archive/method", lambda: zipped({"a/1.png": PNG}, zipfile.ZIP_LZMA)),
    "says less than it is": ("archive/damaged", lambda: with_size(10)),
    "says more than it is": ("archive/damaged", lambda: with_size(len(PNG) + 1_000)),
    "broken sum": ("archive/damaged", lambda: patched(zipped({"a/1.png": PNG}), 16, b"abcd")),
    "cut off": ("archive/not-a-zip", lambda: zipped({"a/1.png": PNG})[:-5]),
    "excel with a way out": ("archive/name", lambda: zipped({"xl/workbook.xml": b"x", "../canary": b"x"})),
    "excel that is none": ("reading/damaged", lambda: zipped({"xl/workbook.xml": b"x"})),
    "excel as a bomb": ("archive/ratio", lambda: zipped({"xl/workbook.xml": bytes(10**7)}, zipfile.ZIP_DEFLATED)),
    "excel that is longer than it says": (
        "archive/damaged",
        lambda: patched(zipped({"xl/workbook.xml": b"x" * 99}), 24, struct.pack("<L", 9)),
    ),
    "npz as a bomb": ("archive/ratio", lambda: zipped({"a.npy": npy(np.zeros(10**6))}, zipfile.ZIP_DEFLATED)),
    "gzip as a bomb": ("reading/ratio", lambda: gzip.compress(b"\0\0\x08\x01" + bytes(10**7))),
    "gzip cut off": ("reading/damaged", lambda: gzip.compress(b"\0\0\x08\x01\0\0\0\1x")[:-9]),
    "gzip of a table": ("reading/format", lambda: gzip.compress(b"a,b\n1,2\n")),
}  # fmt: skip


@pytest.mark.parametrize("kind", ZIPS)
def test_a_hostile_zip_of_data_is_one_problem_and_writes_nothing(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, make = ZIPS[kind]
    folder = tmp_path / "deep" / "work"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    assert code(make()) == expected
    assert list(tmp_path.rglob("*")) == [tmp_path / "deep", folder] and not Path("/canary.png").exists()


# SAFETY 20: pictures ---------------------------------------------------------------------------------------------


def declared(width: int, height: int) -> bytes:
    """A PNG of 1 x 1 that says it has another size."""
    data = encoded(Image.new("L", (1, 1)))
    header = b"IHDR" + struct.pack(">2L", width, height) + data[24:29]
    return data[:12] + header + struct.pack(">L", zlib.crc32(header)) + data[33:]


def bomb() -> bytes:
    """400 million pixels in 400 kB."""
    return encoded(Image.new("1", (20_000, 20_000)), optimize=False)


PICTURES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "20,000 x 20,000": ("more than 25,000,000 pixels", bomb),
    "says 20,000 x 20,000": ("more than 25,000,000 pixels", lambda: declared(20_000, 20_000)),
    "one pixel too many": ("more than 25,000,000 pixels", lambda: declared(25_000_001, 1)),
    "says 2^31 - 1 a side": ("more than 25,000,000 pixels", lambda: declared(2**31 - 1, 2**31 - 1)),
    "says 5,000 x 5,000": ("damaged", lambda: declared(5_000, 5_000)),
    "truncated JPEG": ("damaged", lambda: encoded(Image.new("RGB", (99, 99), "red"), "JPEG")[:-40]),
    "half a PNG": ("damaged", lambda: encoded(Image.effect_noise((99, 99), 50))[:-999]),
    "SVG": ("SVG", lambda: b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><image href="/etc/passwd"/></svg>'),
    "FITS": ("FITS", lambda: b"SIMPLE  =                    T / a FITS bomb".ljust(2_880)),
    "TIFF": ("TIFF", lambda: encoded(Image.new("L", (9, 9)), "TIFF")),
    "a table": ("no picture", lambda: b"a,b\n1,2\n"),
    "a pickle": ("pickle", lambda: b"\x80\x04]\x94."),
    "nothing": ("no picture", lambda: b""),
}  # fmt: skip


@pytest.mark.parametrize("kind", PICTURES)
def test_a_hostile_picture_is_listed_and_the_others_are_read(kind: str) -> None:
    reason, make = PICTURES[kind]
    data = zipped({"a/good.png": PNG, "a/hostile.png": make()})
    profile, arrays = read(io.BytesIO(data), Wish(unreadable=0.5))
    assert isinstance(profile, Pictures) and (profile.samples, profile.unreadable) == (1, 1)
    assert profile.skipped[0].name == "a/hostile.png" and reason in profile.skipped[0].because
    assert (arrays["pictures"] == 7).all()
    assert code(data) == "reading/pictures"


def test_odd_pictures_are_read_as_what_they_are() -> None:
    """SAFETY 20: a PNG named .jpg, an animated GIF, CMYK, 16 bits, 1 x 1, and the largest that may be."""
    frames = [Image.new("L", (4, 4), shade) for shade in (10, 20)]
    odd = {
        "a/png.jpg": PNG,
        "a/moves.gif": encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "a/ink.jpg": encoded(Image.new("CMYK", (4, 4)), "JPEG"),
        "a/deep.png": encoded(Image.fromarray(np.full((4, 4), 40_000, np.uint16))),
        "a/pixel.png": encoded(Image.new("L", (1, 1), 9)),
        "a/large.png": encoded(Image.effect_noise((5_000, 5_000), 9).convert("1")),
    }
    profile, arrays = read(io.BytesIO(zipped(odd)), Wish(size=(4, 4), channels=1, unreadable=0))
    assert isinstance(profile, Pictures) and (profile.samples, profile.unreadable) == (6, 0)
    by_name = dict(zip(sorted(odd), arrays["pictures"][:, 0, 2, 2].tolist(), strict=True))
    assert by_name["a/png.jpg"] == 7 and by_name["a/moves.gif"] == 10 and by_name["a/pixel.png"] == 9
    assert by_name["a/deep.png"] == round(40_000 / 257)


def test_pictures_that_are_too_large_together_are_a_problem() -> None:
    members = {f"a/{number}.png": PNG for number in range(100)}
    assert code(zipped(members), size=(1_024, 1_024), channels=3) == "reading/too-large"


# SAFETY 21: arrays and models ------------------------------------------------------------------------------------


def header(shape: str, dtype: str = "<f8", behind: bytes = b"") -> bytes:
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + behind


STACKS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "8 PiB": ("damaged", lambda: header("(1125899906842624,)", behind=bytes(64))),
    "a product that overflows": ("damaged", lambda: header("(4294967296, 4294967296, 4294967296)", behind=b"x")),
    "a side below 0": ("damaged", lambda: header("(-1, -1)", behind=bytes(8))),
    "a side that is no number": ("damaged", lambda: header("(1.5,)")),
    "more behind": ("damaged", lambda: header("(1,)", behind=bytes(16))),
    "no header": ("damaged", lambda: b"\x93NUMPY\1\0"),
    "a header of brackets": ("damaged", lambda: b"\x93NUMPY\1\0" + struct.pack("<H", 9_000) + b"(" * 9_000),
    "a header that calls": ("damaged", lambda: header("__import__('os').system('true')")),
    "a huge header": ("damaged", lambda: b"\x93NUMPY\2\0" + struct.pack("<L", 2**31) + b" " * 100_000),
    "a version of the future": ("damaged", lambda: b"\x93NUMPY\x09\0" + bytes(200)),
    "65 sides": ("damaged", lambda: header(str((1,) * 65), behind=bytes(8))),
    "IDX of 8 TB": ("damaged", lambda: b"\0\0\x08\x02" + struct.pack(">2L", 2**32 - 1, 2_048) + bytes(100)),
    "IDX without sides": ("damaged", lambda: b"\0\0\x08\x03\0\0"),
}  # fmt: skip


@pytest.mark.parametrize("kind", STACKS)
@pytest.mark.parametrize("inside", [False, True])
def test_a_hostile_array_is_one_problem(kind: str, inside: bool) -> None:
    expected, make = STACKS[kind]
    if inside and not kind.startswith("IDX"):
        assert code(zipped({"x.npy": make()})) == f"reading/{expected}"
    assert code(make()) == f"reading/{expected}"


def bombs(canary: Path) -> dict[str, bytes]:
    """Files that run code in whoever unpickles them, by what they pretend to be."""
    command = f"touch '{canary}'".encode()
    first = b"cos\nsystem\n(S" + repr(command.decode()).encode() + b"\ntR."
    second = b"\x80\x02cos\nsystem\nX" + struct.pack("<L", len(command)) + command + b"\x85R."
    return {
        "canary.pkl": second,
        "a pickle of protocol 0": first,
        "joblib": second.replace(b"\x80\x02", b"\x80\x04", 1),
        "canary.npy": header("(1,)", "|O", second),
        "canary.npz": zipped({"x.npy": header("(1,)", "|O", second)}),
        "objects inside a record": header("(1,)", "|O8", second),
        "canary.pt": zipped({"archive/data.pkl": second, "archive/version": b"3\n"}),
        "canary.keras": zipped(
            {"config.json": b'{"class_name": "Lambda"}', "metadata.json": b"{}", "model.weights.h5": b"x"}
        ),
        "canary.h5": b"\x89HDF\r\n\x1a\n" + second,
        "pictures with a pickle": zipped({"a/1.png": second, "a/2.png": second}),
        "npz with a pickle": zipped({"x.npy": second}),
        "gzip of a pickle": gzip.compress(second),
    }


def test_a_pickle_runs_code_where_somebody_unpickles_it(tmp_path: Path) -> None:
    """Otherwise the next test would prove nothing."""
    for name in ("canary.pkl", "a pickle of protocol 0", "joblib"):
        canary = tmp_path / f"canary {name}"
        program = "import pickle, sys; pickle.load(sys.stdin.buffer)"
        subprocess.run([sys.executable, "-c", program], input=bombs(canary)[name], check=True)
        assert canary.exists()


CODES = {
    "canary.npy": "objects",
    "canary.npz": "objects",
    "objects inside a record": "objects",
    "npz with a pickle": "damaged",
}


@pytest.mark.parametrize("kind", bombs(Path("x")))
@pytest.mark.parametrize("name", ["x.csv", "x.png", "x.npz"])
def test_what_could_run_code_is_refused_by_its_content_and_does_not_run(kind: str, name: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    data = bombs(canary)[kind]
    assert code(data) == f"reading/{CODES.get(kind, 'format')}"
    if name == "x.csv" and kind.startswith("canary"):  # the process that reads, too
        (tmp_path / name).write_bytes(data)
        with pytest.raises(Refused) as refused:
            read_file(tmp_path / name, work=tmp_path)
        assert refused.value.problems[0].code == f"reading/{CODES.get(kind, 'format')}"
    assert not canary.exists()


@pytest.mark.parametrize(
    ("begins", "name"),
    [
        (b"%PDF-1.7\n", "PDF"), (b"{\"a\": 1}", "JSON"), (b"[1, 2]", "JSON"), (b"<html>", "HTML"), (b"\x1f\x8b", ""),
        (b"SQLite format 3\0", "SQLite"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".xls"), (b"GGUF", "GGUF"),
        (b"x".ljust(257, b"\0") + b"ustar\0", "tar"), (b"\x20\0\0\0\0\0\0\0{\"w\": 1}", "safetensors"), (PNG, "PNG"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"), (b"SIMPLE  =", "FITS"), (b"<svg>", "SVG"), (b"\x80\x05\x95", "pickle"),
        (zipped({"archive/data.pkl": b"x"}), "PyTorch"), (zipped({"config.json": b"x", "metadata.json": b"x"}), "Keras"),
        (zipped({"[Content_Types].xml": b"x", "word/document.xml": b"x"}), "Office"), (zipped({"xl/workbook.bin": b"x"}), ".xlsb"),
    ],
)  # fmt: skip
def test_what_a_file_is_is_said(begins: bytes, name: str) -> None:
    with pytest.raises(Refused) as refused:
        read(io.BytesIO(begins), Wish())
    assert name in refused.value.problems[0].because


def test_an_upload_that_is_cut_off_or_flipped_is_read_or_refused() -> None:
    for data in (
        zipped({"a/1.png": PNG, "b/2.png": PNG}, zipfile.ZIP_DEFLATED), npy(np.arange(9.0)), zipped({"x.npy": npy(np.arange(9.0))}),
        b'a,b\n1,"x"\n2,y\n', PNG, gzip.compress(b"\0\0\x08\x01\0\0\0\3abc"),
    ):  # fmt: skip
        for at in range(0, len(data), max(1, len(data) // 60)):
            for broken in (data[:at], data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]):
                try:
                    profile, arrays = read(io.BytesIO(broken), Wish(unreadable=0.5))
                except Refused:
                    continue
                assert {name: (array.dtype.str, array.shape) for name, array in arrays.items()} == profile.forms()


# Memory ----------------------------------------------------------------------------------------------------------

READ = """
import re, resource, sys
from pathlib import Path
from builder.problem import Refused
from builder.reading import read_file
for name in sys.argv[1:]:
    try:
        print(Path(name).name, read_file(Path(name)).profile.kind)
    except Refused as refused:
        print(Path(name).name, refused.problems[0].code)
print(1024 * int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text()).group(1)))
print(1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""

CONTENT = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>'
)
KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SHEETS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
LINKS = "http://schemas.openxmlformats.org/package/2006/relationships"


def far_corner() -> bytes:
    """A sheet with a cell in either corner: 17 thousand million cells, if one made room for all."""
    rows = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    book = f'<workbook {SHEETS} xmlns:r="{KINDS}"><sheets><sheet name="a" sheetId="1" r:id="r"/></sheets></workbook>'
    return zipped({
        "[Content_Types].xml": CONTENT.encode(),
        "_rels/.rels": linked("officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": book.encode(),
        "xl/_rels/workbook.xml.rels": linked("worksheet", "worksheets/a.xml"),
        "xl/worksheets/a.xml": f"<worksheet {SHEETS}><sheetData>{rows}</sheetData></worksheet>".encode(),
    })  # fmt: skip


def linked(kind: str, target: str) -> bytes:
    link = f'<Relationship Id="r" Type="{KINDS}/{kind}" Target="{target}"/>'
    return f'<Relationships xmlns="{LINKS}">{link}</Relationships>'.encode()


def text_bomb() -> bytes:
    """A Parquet file of 50 kB whose only column holds a million texts of a million characters."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(1_000_000, np.int32)), pa.array(["x" * 1_000_000]))
    file = io.BytesIO()
    pq.write_table(pa.table({"a": column}), file)
    return file.getvalue()


LARGE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "cell": ("reading/line", lambda: b"a,b\n" + b"x" * 50_000_000),
    "quote": ("reading/cell", lambda: b'a,b\n"' + b"x\n" * 25_000_000),
    "one-line": ("reading/line", lambda: b"1," * 25_000_000),
    "rows": ("reading/rows", lambda: b"1,\n" * 17_000_000),
    "corner": ("reading/memory", far_corner),
    "parquet": ("reading/memory", text_bomb),
    "picture": ("reading/pictures", lambda: zipped({"a/1.png": bomb()})),
    "pictures": ("pictures", lambda: zipped({f"a/{n}.png": encoded(Image.new("1", (5_000, 5_000))) for n in range(3)})),
    "good": ("table", lambda: b"a,b,c,d\n" + b"".join(b"%d,x%d,1.5,y\n" % (n, n % 50) for n in range(300_000))),
}  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is that of whoever started a process, too")
def test_memory_of_the_server_and_of_the_reader_stays_small(tmp_path: Path) -> None:
    folder, work = tmp_path / "files", tmp_path / "work"
    folder.mkdir()
    work.mkdir()
    for name, (_, make) in LARGE.items():
        (folder / name).write_bytes(make())
    said = subprocess.run(
        [sys.executable, "-c", READ, *(str(folder / name) for name in LARGE)],
        cwd=ROOT, env=os.environ | {"TMPDIR": str(work)}, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    *lines, parent, child = said.stdout.splitlines()
    assert dict(line.split() for line in lines) == {name: expected for name, (expected, _) in LARGE.items()}
    print(f"parent {int(parent) / 2**20:.0f} MiB, child {int(child) / 2**20:.0f} MiB")
    assert int(parent) < PARENT_RSS and int(child) < CHILD_RSS, (parent, child)
    assert list(work.iterdir()) == []
    assert not re.search("Traceback", said.stderr)
    for path in folder.iterdir():
        path.unlink()
