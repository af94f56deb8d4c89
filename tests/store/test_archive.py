"""One run as one zip, out and in again."""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from builder import limits
from builder.blocks import example
from builder.design.network import to_json
from builder.problem import Problem, Refused
from builder.store import archive, checkpoints, history, runs, views

pytestmark = pytest.mark.usefixtures("home")

EXECUTION = {
    "device": "cpu", "device_name": "CPU", "threads": 1, "memory_format": "contiguous", "optimizer_implementation": "fused",
    "precision": "float32", "torch": "2.10.0", "cpu": "x86_64", "reason": "",
}  # fmt: skip


def moment(step: int, numbers: int = 4) -> bytes:
    return safetensors.numpy.save({"weight": np.full(numbers, step, "<f4")}, {"layerlab.moment": "1"})


def a_run(numbers: int = 4) -> runs.Run:
    run = runs.submit("ada", "LeNet", to_json(example("lenet5")), "abcdefghijkl")
    runs.claim()
    recorder, keeper = history.Recorder(run.id), checkpoints.Keeper(run.id)
    for step in range(1, 1201):
        recorder.add("train/loss", step, float("nan") if step == 7 else 1 / step)
        if step % 300 == 0:
            recorder.add("=validation/loss", step, 2 / step)
            recorder.flush()
            keeper.keep(step, moment(step, numbers), step // 300, 0.25 if step == 600 else 0.5)
    recorder.add("train/loss", 1201, 0.125)
    recorder.view("boundary", 1200, {"labels": ["a", "b"]}, b"picture")
    recorder.close()
    done = {"step": 1201, "total_steps": 1300, "epoch": 4, "epochs": 5, "seconds": 8.0, "rate": 0.01, "memory": 10**9}
    runs.update(run.id, execution=EXECUTION, **done)
    runs.annotate("ada", run.id, ["first", "=second"], "Notes\nof it")
    runs.finish(
        run.id, "failed", Problem(code="x", title="X", because="Y."), {"a": float("nan"), "b": 1.5, "c": -np.inf}
    )
    return mine(run)


def mine(run: runs.Run) -> runs.Run:
    found = runs.get(run.owner, run.id)
    assert found is not None
    return found


def opened(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        assert packed.testzip() is None
        return {name: packed.read(name) for name in packed.namelist()}


def zipped(members: dict[str, bytes], /, **card: Any) -> bytes:
    """An archive of these members, whose card is right about them but for what is given."""
    told = json.loads(members["run.json"])
    told["members"] = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in members.items() if name != "run.json"
    }  # fmt: skip
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for name, data in (members | {"run.json": json.dumps(told | card).encode()}).items():
            packed.writestr(name, data)
    return file.getvalue()


def refusal(act: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(Refused) as refused:
        act()
    problem = refused.value.problems[0]
    return problem.code, problem.title + " " + problem.because


def nothing_came(home: Path) -> bool:
    folders = home / "runs"
    return runs.listing("eve") == [] and len(list(folders.iterdir())) == 1


def test_a_run_comes_back_as_it_was() -> None:
    run = a_run()
    back = archive.unpack("eve", archive.pack("ada", run.id))
    same = ("name", "experiment", "execution", "status", "ended", "step", "total_steps", "epoch", "epochs", "seconds")
    same += ("series", "problem", "tags", "notes", "rate", "memory")
    assert {name: getattr(back, name) for name in same} == {name: getattr(run, name) for name in same}
    assert repr(back.summary) == repr(run.summary)
    assert (back.owner, back.id != run.id, back.design, back.binned) == ("eve", True, None, None)
    assert history.read(back.id, 0) == history.read(run.id, 0)
    assert history.read(back.id, 700) == history.read(run.id, 700)
    assert views.read(back.id, "boundary", 0) == views.read(run.id, "boundary", 0)
    assert checkpoints.steps(back.id) == [300, 600, 900, 1200]
    assert checkpoints.newest(back.id) == checkpoints.newest(run.id) == (1200, moment(1200))
    resumed = runs.resume("eve", back.id)
    assert resumed.status == "queued"


def test_checkpoint_boundaries_survive_so_that_a_resume_cuts_where_it_should() -> None:
    run = a_run()
    back = archive.unpack("eve", archive.pack("ada", run.id))
    of_run, of_back = ({row.step: (row.epoch, row.score) for row in rows_of(one.id)} for one in (run, back))
    assert of_back == of_run == {300: (1, 0.5), 600: (2, 0.25), 900: (3, 0.5), 1200: (4, 0.5)}
    recorder = history.Recorder(back.id)
    recorder.resume({"rows": 301, "series": {"train/loss": [0, 300, 1, 0, 300, 300, 0.0, 0.0, 0.0]}})
    recorder.close()
    assert len(history.series_values(back.id, "train/loss")) == 300


def rows_of(id: str) -> Any:
    with archive.reading() as connection:
        return connection.execute(archive._of(archive.checkpoint, id)).all()


def test_the_table_is_for_people_and_computes_nothing() -> None:
    members = opened(archive.pack("ada", a_run().id))
    table = list(csv.DictReader(io.StringIO(members["history.csv"].decode())))
    assert [row["series"] for row in table if row["series"] != "train/loss"] == ["'=validation/loss"] * 4
    assert float(table[1]["mean"]) == 0.5 and table[1]["mean"] == "0.5" and table[2]["mean"].startswith("0.3333")
    assert (table[6]["mean"], table[1]["first"], table[1]["points"]) == ("nan", "2", "1")


def test_a_going_run_comes_back_as_interrupted() -> None:
    run = runs.submit("ada", "LeNet", to_json(example("lenet5")))
    for status in ("queued", "running", "paused"):
        runs.update(run.id, status=status)
        back = archive.unpack("eve", archive.pack("ada", run.id))
        assert (back.status, back.ended is not None, back.execution) == ("interrupted", True, {"device": "auto"})
    assert refusal(lambda: archive.pack("eve", run.id))[0] == "run/unknown"


def test_what_has_no_room_is_left_out_and_told_the_newest_and_the_best_stay() -> None:
    run = a_run(numbers=25_000)  # 100 kB each
    card = json.loads(opened(archive.pack("ada", run.id))["run.json"])
    assert ([kept["step"] for kept in card["checkpoints"]], card["left_out"]) == ([300, 600, 900, 1200], [])
    for room, kept in ((2.9, [600, 1200]), (1.9, [1200]), (0.5, [])):
        data = archive.pack("ada", run.id, int(room * 100_000) + limits.CARD_BYTES + 110_000)
        card = json.loads(opened(data)["run.json"])
        assert [kept["step"] for kept in card["checkpoints"]] == kept
        assert card["left_out"] == [step for step in (300, 600, 900, 1200) if step not in kept]
        assert checkpoints.steps(archive.unpack("eve", data).id) == kept


def test_a_zip_on_disk_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, out = a_run(), tmp_path / "run.zip"
    archive.save("ada", run.id, out)
    assert archive.unpack("eve", out).experiment == run.experiment
    before = out.read_bytes()
    assert refusal(lambda: archive.save("eve", run.id, out))[0] == "run/unknown"
    monkeypatch.setattr(archive, "_table", lambda rows, series: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        archive.save("ada", run.id, out)
    assert out.read_bytes() == before and [path.name for path in tmp_path.iterdir() if path.is_file()] == ["run.zip"]
    assert refusal(lambda: archive.unpack("eve", tmp_path / "missing.zip"))[0] == "file/missing"


def test_a_constant_history_is_no_attack() -> None:
    run = a_run()
    recorder = history.Recorder(run.id)
    recorder.resume(None)
    recorder.view("flat", 1, {}, b"\0" * 10**6)
    recorder.close()
    back = archive.unpack("eve", archive.pack("ada", run.id))
    assert views.read(back.id, "flat", 0) == views.read(run.id, "flat", 0)


def row(**columns: Any) -> bytes:
    values = {"series": 0, "n": 1, "first": 1, "last": 1, "mean": 1.0} | columns
    made = np.zeros(1, history.ROW)
    for name, value in values.items():
        made[name] = value
    return made.tobytes()


@pytest.mark.parametrize(
    ("data", "chunks"),
    [
        (row()[:-1], []),
        (row(), [2]),
        (row() + row(first=2, last=2), [2, 1]),
        (row() + row(first=2, last=2), [1, 1]),
        (row() + row(first=2, last=2), [0]),
        (row(series=2), [1]),
        (row(n=0), [1]),
        (row(first=-1), [1]),
        (row(first=2), [1]),
        (row(last=2**53 + 1), [1]),
        (row(first=5, last=5) + row(first=5, last=6), [2]),
    ],
)
def test_rows_that_cannot_be_are_refused(home: Path, data: bytes, chunks: list[int]) -> None:
    members = opened(archive.pack("ada", a_run().id))
    assert archive.unpack("bob", zipped(members | {"history.bin": row()}, chunks=[1])).status == "failed"
    bad = zipped(members | {"history.bin": data}, chunks=chunks)
    assert refusal(lambda: archive.unpack("eve", bad))[0] == "archive/history"
    assert runs.listing("eve") == []


@pytest.mark.parametrize(
    "card",
    [
        {"format": "layerlab.design"},
        {"version": 2},
        {"name": ""},
        {"name": "x" * 81},
        {"tags": ["x" * 41]},
        {"tags": [str(number) for number in range(21)]},
        {"notes": "x" * 10_001},
        {"status": "great"},
        {"step": -1},
        {"total_steps": 2**53 + 1},
        {"seconds": -1.0},
        {"series": ["a", "a"]},
        {"series": ["a\nb"]},
        {"summary": {"a": "many"}},
        {"problem": {"code": "x"}},
        {"owner": "ada"},
        {"execution": EXECUTION | {"threads": 10**9}},
        {"execution": EXECUTION | {"device": "/dev/sda"}},
        {"execution": {"device": "tpu"}},
        {"checkpoints": [{"step": 300}]},
        {"checkpoints": [{"step": step} for step in (300, 300, 600, 900, 1200)]},
        {"checkpoints": [{"step": step} for step in (300, 600, 900, 1200, 1500)]},
    ],
    ids=str,
)
def test_what_is_told_of_the_run_is_checked(home: Path, card: dict[str, Any]) -> None:
    members = opened(archive.pack("ada", a_run().id))
    code, words = refusal(lambda: archive.unpack("eve", zipped(members, **card)))
    assert code in ("archive/card", "archive/members"), words
    assert nothing_came(home)


@pytest.mark.parametrize(
    "name", ["design.json", "history.bin", "history.csv", "views/boundary.bin", "checkpoints/600.safetensors"]
)
def test_a_member_that_is_not_what_the_card_says_is_refused(home: Path, name: str) -> None:
    members = opened(archive.pack("ada", a_run().id))
    told = json.loads(members["run.json"])["members"]
    changed = members[name][:-1] + bytes([members[name][-1] ^ 1])
    bad = zipped(members | {name: changed}, members=told)
    code, words = refusal(lambda: archive.unpack("eve", bad))
    assert code == "archive/damaged" and name in words
    assert nothing_came(home)
    missing = zipped({other: data for other, data in members.items() if other != name}, members=told)
    assert refusal(lambda: archive.unpack("eve", missing))[0] == "archive/members"
    assert nothing_came(home)


def with_header(header: Any, body: bytes = b"\0" * 16) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def tensor(begin: int, end: int, shape: Any = (4,), dtype: str = "F32", **more: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]} | more


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x04pickle",
        b"\xff" * 8 + b"{}",
        with_header(b"{", b""),
        with_header(b"[" * 100_000, b""),
        with_header([], b""),
        with_header({}),
        with_header({"a": 5}, b""),
        with_header({"a": tensor(0, 16)}, b"\0" * 15),
        with_header({"a": tensor(0, 16)}, b"\0" * 17),
        with_header({"a": tensor(4, 20)}, b"\0" * 20),
        with_header({"a": tensor(0, 16), "b": tensor(0, 16)}),
        with_header({"a": tensor(0, 16, shape=(5,))}),
        with_header({"a": tensor(0, 16, shape=(-2, -2))}),
        with_header({"a": tensor(0, 16, dtype="O")}),
        with_header({"a": tensor(0, 16, code="x")}),
        with_header({"a": tensor(0, 16), "__metadata__": {"a": 1}}),
        with_header({"a": tensor(0, 16), "__metadata__": []}),
    ],
    ids=lambda data: repr(data[:30]),
)
def test_a_checkpoint_is_tensors_and_nothing_else(home: Path, data: bytes) -> None:
    members = opened(archive.pack("ada", a_run().id))
    bad = zipped(members | {"checkpoints/1200.safetensors": data})
    code, words = refusal(lambda: archive.unpack("eve", bad))
    assert code == "archive/tensors" and "checkpoints/1200.safetensors" in words
    assert nothing_came(home)


def test_a_broken_experiment_or_picture_is_refused(home: Path) -> None:
    members = opened(archive.pack("ada", a_run().id))
    for name, data in (
        ("design.json", b"{"),
        ("design.json", b'{"format": "layerlab.network"}'),
        ("views/boundary.json", b"[]"),
        ("views/boundary.json", b'{"step": -1, "meta": {}}'),
        ("views/boundary.json", b'{"step": 1, "meta": NaN}'),
        ("views/boundary.json", b'{"step": 1, "meta": {}, "more": 1}'),
        ("views/other.json", b'{"step": 1, "meta": {}}'),
    ):
        assert refusal(lambda: archive.unpack("eve", zipped(members | {name: data})))[0], name  # noqa: B023
    assert nothing_came(home)


def test_a_network_that_is_too_large_here_does_not_come_in(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = archive.pack("ada", a_run().id)
    monkeypatch.setattr(limits, "RUN_PARAMETERS", 61_705)
    assert refusal(lambda: archive.unpack("eve", data))[0] == "run/parameters"
    assert nothing_came(home)


def test_what_was_told_of_a_run_goes_with_it() -> None:
    run = a_run()
    recorder = history.Recorder(run.id)
    recorder.view("advice", 7, {"problems": []}, b"")
    recorder.close()
    back = archive.unpack("eve", archive.pack("ada", run.id))
    assert views.read(back.id, "advice", 0) == views.View(7, {"problems": []}, b"")
