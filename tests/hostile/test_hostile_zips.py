"""Zips that were made to hurt (SAFETY 19): each is one Problem; nothing is written outside, and memory stays small."""

import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from builder import limits
from builder.blocks import example
from builder.design.network import to_json
from builder.problem import Refused
from builder.store import archive, checkpoints, runs

pytestmark = pytest.mark.usefixtures("home")

ROOT = Path(__file__).parents[2]
RSS = 150 * 2**20
"""Half of what is allowed, so that smaller files show it: either of the two large ones, read at once, is beyond it."""
UNPACK = """
import re, sys
from pathlib import Path
from builder.problem import Refused
from builder.store import archive
for name in sys.argv[1:]:
    try:
        print(Path(name).name, archive.unpack("eve", Path(name)).status)
    except Refused as refused:
        print(Path(name).name, refused.problems[0].code)
print(1024 * int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text()).group(1)))
"""


def good() -> dict[str, bytes]:
    """Members of an archive in which nothing is wrong."""
    run = runs.submit("ada", "LeNet", to_json(example("lenet5")))
    runs.finish(run.id, "stopped")
    with zipfile.ZipFile(io.BytesIO(archive.pack("ada", run.id))) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", method) as packed:
        warnings.simplefilter("ignore")  # of names that come twice
        for name, data in members.items():
            packed.writestr(name.removesuffix("*"), data)
    return file.getvalue()


def patched(data: bytes, name: bytes, at: int, value: bytes) -> bytes:
    """The zip with bytes of the directory's entry for `name` changed."""
    place = data.rindex(name, data.index(b"PK\1\2")) - 46 + at
    return data[:place] + value + data[place + len(value) :]


def with_entry(info: zipfile.ZipInfo, data: bytes = b"{}") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr(info, data)
        for name, other in good().items():
            if name != info.filename:
                packed.writestr(name, other)
    return file.getvalue()


def link() -> bytes:
    info = zipfile.ZipInfo("design.json")
    info.external_attr = 0o120777 << 16
    return with_entry(info, b"/etc/passwd")


def declared(size: int, packed: int | None = None) -> bytes:
    """An archive that says of its history that it has so many bytes."""
    data = patched(zipped(good()), b"history.csv", 24, struct.pack("<L", size))
    return data if packed is None else patched(data, b"history.csv", 20, struct.pack("<L", packed))


def too_many_members(count: int) -> bytes:
    return zipped({f"views/v{number}.bin": b"" for number in range(count)})


def lying_count() -> bytes:
    """More members than the end of the zip says."""
    data = zipped(good() | {f"views/v{number:05}.bin": b"" for number in range(limits.ARCHIVE_MEMBERS)})
    return data[:-14] + struct.pack("<HH", 3, 3) + data[-10:]


HOSTILE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "not a zip": ("not-a-zip", lambda: b"hello"),
    "empty": ("not-a-zip", lambda: b""),
    "something behind": ("not-a-zip", lambda: zipped(good()) + b"x"),
    "ratio": ("ratio", lambda: zipped(good() | {"history.csv": bytes(10**7)}, zipfile.ZIP_DEFLATED)),
    "total": ("too-large", lambda: declared(limits.ARCHIVE_BYTES, limits.ARCHIVE_BYTES // 50)),
    "members": ("members", lambda: too_many_members(limits.ARCHIVE_MEMBERS + 1)),
    "lying count": ("members", lying_count),
    "nested": ("name", lambda: zipped(good() | {"inner.zip": zipped(good())})),
    "nested as history": ("history", lambda: carded(good() | {"history.bin": zipped(good())[:-1]})),
    "parent": ("name", lambda: zipped(good() | {"../canary": b"x"})),
    "parent inside": ("name", lambda: zipped(good() | {"checkpoints/../../canary": b"x"})),
    "parent as a step": ("name", lambda: zipped(good() | {"checkpoints/..safetensors": b"x"})),
    "absolute": ("name", lambda: zipped(good() | {"/canary": b"x"})),
    "drive": ("name", lambda: zipped(good() | {"C:/canary": b"x"})),
    "backslash": ("name", lambda: zipped(good() | {"checkpoints\\..\\..\\canary": b"x"})),
    "nul": ("name", lambda: zipped(good() | {"views/aXb.bin": b"x"}).replace(b"views/aXb", b"views/a\0b")),
    "newline": ("name", lambda: zipped(good() | {"run.json\n": b"x"})),
    "link": ("link", link),
    "duplicate": ("duplicate", lambda: zipped(good() | {"design.json*": b"{}"})),
    "encrypted": ("encrypted", lambda: patched(zipped(good()), b"design.json", 8, b"\1\0")),
    "method": ("method", lambda: zipped(good(), zipfile.ZIP_BZIP2)),
    "says less than it is": ("damaged", lambda: declared(1)),
    "says more than it is": ("damaged", lambda: declared(1_000)),
    "says far more than it is": ("ratio", lambda: declared(10**6)),
    "says gigabytes": ("ratio", lambda: declared(2**32 - 2)),
    "broken sum": ("damaged", lambda: patched(zipped(good()), b"run.json", 16, b"abcd")),
    "directory elsewhere": ("damaged", lambda: (lambda data: data[:-6] + b"\xff\xff\xff\x7f" + data[-2:])(zipped(good()))),
    "more than four gigabytes": ("zip64", lambda: (lambda d: d[:-22] + b"PK\6\7" + bytes(16) + d[-22:])(zipped(good()))),
    "no card": ("missing", lambda: zipped({n: d for n, d in good().items() if n != "run.json"})),
    "card as a bomb": ("card", lambda: zipped(good() | {"run.json": b"[" * 10**6})),
    "card too large": ("too-large", lambda: zipped(good() | {"run.json": b" " * (limits.CARD_BYTES + 1)})),
}  # fmt: skip


def carded(members: dict[str, bytes]) -> bytes:
    """An archive of these members, whose card is right about them."""
    told = json.loads(members["run.json"])
    told["members"] = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in members.items() if name != "run.json"
    }  # fmt: skip
    return zipped(members | {"run.json": json.dumps(told).encode()})


def everything_under(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if "layerlab.db" not in path.name}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_zip_is_one_problem_and_leaves_nothing(kind: str, home: Path, tmp_path: Path) -> None:
    code, make = HOSTILE[kind]
    data = make()
    before = everything_under(tmp_path)
    with pytest.raises(Refused) as refused:
        archive.unpack("eve", data)
    (problem,) = refused.value.problems
    assert problem.code == f"archive/{code}", problem.because
    assert len(problem.because) < 400 and "Traceback" not in problem.because
    assert everything_under(tmp_path) == before
    assert runs.listing("eve") == [] and not Path("/canary").exists()


def test_what_is_cut_off_or_flipped_anywhere_comes_in_whole_or_not_at_all(home: Path) -> None:
    data = zipped(good())
    for at in range(0, len(data), max(1, len(data) // 100)):
        for broken in (data[:at], data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]):
            try:
                run = archive.unpack("eve", broken)
            except Refused:
                continue
            assert (run.name, run.experiment) == ("LeNet", to_json(example("lenet5")))  # only dates and the like differ


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "zips"
    made.mkdir()
    yield made
    for path in made.iterdir():
        path.unlink()


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="ru_maxrss is that of whoever started a process, too"
)
def test_memory_stays_small(folder: Path, home: Path) -> None:
    for number, (_, make) in enumerate(HOSTILE.values()):
        (folder / f"{number:02}.zip").write_bytes(make())
    (folder / "fill.zip").write_bytes(large_directory())
    large_checkpoint(folder / "large.zip")
    said = subprocess.run(
        [sys.executable, "-c", UNPACK, *sorted(str(path) for path in folder.iterdir())],
        cwd=ROOT, env=os.environ | {"LAYERLAB_HOME": str(home)}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    *lines, most = said.stdout.splitlines()
    answers = dict(line.split() for line in lines)
    assert answers.pop("large.zip") == "stopped"
    assert answers.pop("fill.zip") == "archive/members"
    assert list(answers.values()) == [f"archive/{code}" for code, _ in HOSTILE.values()]
    print(int(most) / 2**20)
    assert int(most) < RSS, f"{int(most) / 2**20:.0f} MiB"
    (large,) = runs.listing("eve")
    assert checkpoints.steps(large.id) == [7]


def large_directory() -> bytes:
    """300,000 entries in 14 MB: opening it with zipfile takes 100 MB."""
    entry = zipped({"x": b""})
    start = entry.index(b"PK\1\2")
    entries = entry[start:-22] * 300_000
    return entry[:start] + entries + b"PK\5\6" + struct.pack("<4H2LH", 0, 0, 1, 1, len(entries), start, 0)


def large_checkpoint(path: Path, numbers: int = 25_000_000) -> None:
    """100 MB of weights in which nothing is wrong."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [numbers], "data_offsets": [0, 4 * numbers]}}).encode()
    pieces = [len(header).to_bytes(8, "little") + header, *[bytes(4_000_000)] * (numbers // 1_000_000)]
    sha256 = hashlib.sha256()
    for piece in pieces:
        sha256.update(piece)
    members = good()
    card = json.loads(members["run.json"])
    name, size = "checkpoints/7.safetensors", sum(map(len, pieces))
    card["checkpoints"] = [{"step": 7}]
    card["members"][name] = {"bytes": size, "sha256": sha256.hexdigest()}
    with zipfile.ZipFile(path, "w") as packed:
        for other, data in (members | {"run.json": json.dumps(card).encode()}).items():
            packed.writestr(other, data)
        with packed.open(name, "w") as member:
            for piece in pieces:
                member.write(piece)
