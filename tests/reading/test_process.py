"""The process that reads: bounded, seeing no secret, not believed, and leaving nothing behind."""

import io
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest

from builder import limits
from builder.problem import Refused
from builder.reading import Wish, process, read_file
from builder.reading.profile import Array, Pictures, Table

Stored: TypeAlias = dict[str, Array]
Honest: TypeAlias = tuple[dict[str, object], Stored]
TABLE = b"number,kind,when,note\n1.5,a,2020-01-01,one\n2.5,b,2020-01-02,two words\n,,,\n4.5,a,2020-01-04,four\n"
WISH = Wish(kinds={"note": "text"})


def code(file: Path | bytes, work: Path) -> str:
    with pytest.raises(Refused) as refused:
        read_file(file, WISH, work)
    (problem,) = refused.value.problems
    assert problem.title and problem.because.endswith(".") and "Traceback" not in problem.because
    assert list(work.iterdir()) == []
    return problem.code


def test_a_file_is_read_and_nothing_is_left(tmp_path: Path) -> None:
    path, work = tmp_path / "it is no text.png", tmp_path / "work"
    path.write_bytes(TABLE)
    work.mkdir()
    for file in (path, TABLE):
        reading = read_file(file, WISH, work)
        assert isinstance(reading.profile, Table) and reading.profile.rows == 4
        np.testing.assert_array_equal(reading.arrays["column0"], [1.5, 2.5, np.nan, 4.5])
        assert reading.arrays["column1"].tolist() == [0, 1, -1, 0]
        assert reading.texts(3) == ["one", "two words", "", "four"]
        assert not any(array.flags.writeable for array in reading.arrays.values())
        assert list(work.iterdir()) == []
    assert path.read_bytes() == TABLE


def test_a_problem_of_the_file_comes_through(tmp_path: Path) -> None:
    assert code(b"", tmp_path) == "reading/empty"


def test_a_file_that_is_not_there_or_too_large_is_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "COMMAND", ("no such program",))
    work = tmp_path / "work"
    work.mkdir()
    assert code(tmp_path / "missing.csv", work) == "file/missing"
    with (tmp_path / "gigabyte.csv").open("wb") as file:
        file.truncate(2**30)
    assert code(tmp_path / "gigabyte.csv", work) == "file/too-large"
    monkeypatch.setattr(limits, "UPLOAD_BYTES", 3)
    assert code(b"1234", work) == "reading/too-large"


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let a program of the test's own be the process that reads."""
    return lambda program: monkeypatch.setattr(process, "COMMAND", (sys.executable, "-c", program))


LOOKS = """
import json, os
told = {
    "environment": sorted(os.environ), "folder": os.getcwd(), "group": os.getpgid(0) == os.getpid(),
    "open": sorted(os.listdir("/proc/self/fd")),
}
open(%r, "w").write(json.dumps(told))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_the_reader_sees_no_secret_and_works_in_its_folder(
    tmp_path: Path, reader: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    work, told = tmp_path / "work", tmp_path / "told"
    work.mkdir()
    monkeypatch.setenv("LAYERLAB_SECRET", "sesame")
    reader(LOOKS % str(told))
    assert code(b"x", work) == "reading/answer"
    seen = json.loads(told.read_text())
    assert not [name for name in seen["environment"] if "LAYERLAB" in name or "SECRET" in name or "TOKEN" in name]
    assert set(seen["environment"]) <= {*process.QUIET, "PYTHONPATH", "PYTHONUTF8", "HOME", "TMPDIR", "LC_CTYPE"}
    assert Path(seen["folder"]).parent == work and seen["group"]
    assert len(seen["open"]) <= 4  # input, two logs, and the folder that is being listed


BOUNDS = """
import sys, resource; sys.path.insert(0, {root!r})
from builder.reading import __main__ as reader
reader._bind()
import os
bounds = [resource.getrlimit(which)[0] for which in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)]
open({told!r}, "w").write(repr((bounds, os.nice(0))))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other bounds")
def test_the_reader_binds_itself(tmp_path: Path, reader: Callable[[str], None]) -> None:
    work, told = tmp_path / "work", tmp_path / "told"
    work.mkdir()
    reader(BOUNDS.format(root=str(process.ROOT), told=str(told)))
    assert code(b"x", work) == "reading/answer"
    bounds = [limits.READING_ADDRESSES, limits.READING_SECONDS, limits.READING_BYTES, 0]
    assert told.read_text() == repr((bounds, min(19, os.nice(0) + 10)))


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("import os; os.kill(os.getpid(), 9)", "memory"),
        ("import os; os.abort()", "memory"),
        ("import sys; sys.exit(3)", "memory"),
        ("import os; os.kill(os.getpid(), 11)", "crashed"),
        ("1 / 0", "crashed"),
        ("import os; os.kill(os.getpid(), 24)", "time"),  # SIGXCPU
        ("", "answer"),
        ("open('answer.json', 'w').write('{}')", "answer"),
        ("open('answer.json', 'w').write('[' * 100000)", "answer"),
        ("open('answer.json', 'wb').truncate(20 * 2**20)", "answer"),
        ("import os; os.symlink('/etc/passwd', 'answer.json')", "answer"),
        ("import os; os.mkfifo('answer.json')", "answer"),
    ],
)
def test_however_a_reader_ends_it_is_a_problem_in_words(
    program: str, expected: str, tmp_path: Path, reader: Callable[[str], None]
) -> None:
    reader(program)
    assert code(b"x", tmp_path) == f"reading/{expected}"


def test_one_that_never_ends_is_ended_with_all_that_it_started(
    tmp_path: Path, reader: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, until: Callable[..., float]
) -> None:
    monkeypatch.setattr(limits, "READING_SECONDS", 2)
    work, told = tmp_path / "work", tmp_path / "told"
    work.mkdir()
    reader(
        f"import subprocess, time; p = subprocess.Popen(['sleep', '600']); open({str(told)!r}, 'w').write(str(p.pid)); time.sleep(600)"
    )
    start = time.monotonic()
    assert code(b"x", work) == "reading/time"
    assert time.monotonic() - start < 6
    child = Path(f"/proc/{told.read_text()}/stat")
    until(lambda: not child.exists() or " Z " in child.read_text())


GREEDY = """
import sys; sys.path.insert(0, {root!r})
from builder.reading import __main__ as main, reader
reader.read = lambda *_: bytearray(8 * 2**30)
sys.exit(main.main())
"""


def test_memory_that_runs_out_is_a_problem_in_words(tmp_path: Path, reader: Callable[[str], None]) -> None:
    reader(GREEDY.format(root=str(process.ROOT)))
    assert code(b"a,b\n1,2\n", tmp_path) == "reading/memory"


@pytest.mark.parametrize("status", [0, 1])
def test_what_a_reader_left_behind_is_ended_too(
    status: int, tmp_path: Path, reader: Callable[[str], None], until: Callable[..., float]
) -> None:
    work, told = tmp_path / "work", tmp_path / "told"
    work.mkdir()
    start = "import subprocess, sys; p = subprocess.Popen(['sleep', '600'])"
    reader(f"{start}; open({str(told)!r}, 'w').write(str(p.pid)); sys.exit({status})")
    assert code(b"x", work) == ("reading/crashed" if status else "reading/answer")
    child = Path(f"/proc/{told.read_text()}/stat")
    until(lambda: not child.exists() or " Z " in child.read_text())


# An answer that lies ----------------------------------------------------------------------------------------------


def answer() -> Honest:
    reading = read_file(TABLE, WISH)
    return {"profile": reading.profile.model_dump(mode="json")}, dict(reading.arrays)


def saved(arrays: Stored) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.fixture(scope="module")
def honest() -> Honest:
    return answer()


LIES: dict[str, Callable[[Stored], Stored]] = {
    "one more": lambda arrays: arrays | {"column9": np.zeros(4)},
    "one less": lambda arrays: {name: array for name, array in arrays.items() if name != "column2"},
    "shorter": lambda arrays: arrays | {"column0": np.zeros(3)},
    "another shape": lambda arrays: arrays | {"column0": np.zeros((2, 2))},
    "another dtype": lambda arrays: arrays | {"column0": np.zeros(4, np.int64)},
    "big-endian": lambda arrays: arrays | {"column0": np.zeros(4, ">f8")},
    "objects": lambda arrays: arrays | {"column0": np.array([{}, 1, 2, 3], object)},
    "a code too high": lambda arrays: arrays | {"column1": np.array([0, 1, 2, 0], np.int32)},
    "a code too low": lambda arrays: arrays | {"column1": np.array([0, 1, -2, 0], np.int32)},
    "offsets that fall": lambda arrays: arrays | {"column3_offsets": np.array([0, 9, 3, 9, 16])},
    "offsets below 0": lambda arrays: arrays | {"column3_offsets": np.array([-1, 3, 9, 9, 16])},
    "offsets beyond": lambda arrays: arrays | {"column3_offsets": np.array([0, 3, 9, 9, 99])},
    "no UTF-8": lambda arrays: arrays | {"column3": np.full(16, 0xFF, np.uint8)},
    "a letter cut in two": lambda arrays: arrays | {"column3": np.frombuffer("abé3456789012345"[:15].encode(), np.uint8)},
    "another name": lambda arrays: {name.replace("column2", "../canary"): array for name, array in arrays.items()},
}  # fmt: skip


def lying(tmp_path: Path, told: dict[str, object], npz: bytes, reader: Callable[[str], None]) -> str:
    (tmp_path / "answer").write_text(json.dumps(told))
    (tmp_path / "arrays").write_bytes(npz)
    work = tmp_path / "work"
    work.mkdir()
    reader(
        f"import shutil; shutil.copy({str(tmp_path / 'answer')!r}, 'answer.json'); shutil.copy({str(tmp_path / 'arrays')!r}, 'arrays.npz')"
    )
    return code(b"x", work)


@pytest.mark.parametrize("lie", LIES)
def test_arrays_that_are_not_what_the_profile_says_are_not_believed(
    lie: str, honest: Honest, tmp_path: Path, reader: Callable[[str], None]
) -> None:
    told, arrays = honest
    changed = LIES[lie](arrays)
    assert lying(tmp_path, told, saved(changed), reader) == "reading/answer"


@pytest.mark.parametrize("lie", [-1, 10])
def test_classes_without_a_name_are_not_believed(lie: int, tmp_path: Path, reader: Callable[[str], None]) -> None:
    told = Pictures(format="idx", samples=2, channels=1, height=1, width=1, labels=tuple("0123456789"))
    arrays = {"pictures": np.zeros((2, 1, 1, 1), np.uint8), "classes": np.array([lie, 3])}
    assert lying(tmp_path, {"profile": told.model_dump(mode="json")}, saved(arrays), reader) == "reading/answer"


@pytest.mark.parametrize("link", ["answer.json", "arrays.npz"])
def test_a_link_is_not_followed(link: str, honest: Honest, tmp_path: Path, reader: Callable[[str], None]) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (tmp_path / "answer.json").write_text(json.dumps(honest[0]))
    (tmp_path / "arrays.npz").write_bytes(saved(honest[1]))
    here = [
        f"shutil.copy({str(tmp_path / name)!r}, {name!r})" for name in ("answer.json", "arrays.npz") if name != link
    ]
    reader(f"import os, shutil; os.symlink({str(tmp_path / link)!r}, {link!r}); {'; '.join(here)}")
    assert code(b"x", work) == "reading/answer"


@pytest.mark.parametrize("npz", [b"", b"PK", b"\x80\x05cos\nsystem\n(S'true'\ntR."])
def test_what_is_no_npz_is_not_believed(
    npz: bytes, honest: Honest, tmp_path: Path, reader: Callable[[str], None]
) -> None:
    assert lying(tmp_path, honest[0], npz, reader) == "reading/answer"


def test_an_honest_copy_is_believed(honest: Honest, tmp_path: Path, reader: Callable[[str], None]) -> None:
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        lying(tmp_path, honest[0], saved(honest[1]), reader)


@pytest.mark.parametrize(
    ("place", "value"),
    [(("rows",), 10**15), (("rows",), 0), (("columns", 0, "name"), ""), (("columns", 0, "numbers", "mean"), "x"),
     (("columns", 1, "labels"), ["a"] * 1_001), (("kind",), "other"), (("more",), 1)],
)  # fmt: skip
def test_a_profile_that_is_none_is_not_believed(
    place: tuple[str | int, ...],
    value: object,
    honest: Honest,
    tmp_path: Path,
    reader: Callable[[str], None],
) -> None:
    told = json.loads(json.dumps(honest[0]))
    inner = told["profile"]
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    assert lying(tmp_path, told, saved(honest[1]), reader) == "reading/answer"


def test_folders_that_killed_parents_left_are_swept(tmp_path: Path) -> None:
    old, young, other = (
        tmp_path / name for name in ("layerlab-reading-old", "layerlab-reading-young", "somebody-elses")
    )
    for folder in (old, young, other):
        folder.mkdir()
        (folder / "arrays.npz").write_bytes(b"x")
        hours = 2 if folder != young else 0
        os.utime(folder, (time.time() - 3_600 * hours,) * 2)
    read_file(TABLE, WISH, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["layerlab-reading-young", "somebody-elses"]
