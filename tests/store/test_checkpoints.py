"""Checkpoints: whole or not there, the newest first, and never more than the limits."""

import errno
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder import files, limits
from builder.problem import Refused
from builder.store import checkpoints, runs, views
from builder.store.history import Recorder

pytestmark = pytest.mark.usefixtures("home")


def new_run() -> str:
    return runs.submit("ada", "Digits", {}).id


def folder(home: Path, run: str) -> Path:
    return home / "runs" / run


def test_the_newest_that_is_whole_is_gone_on_from(home: Path) -> None:
    run = new_run()
    assert checkpoints.newest(run) is None
    keeper = checkpoints.Keeper(run)
    for step in (10, 20, 30):
        keeper.keep(step, f"moment {step}".encode())
    assert checkpoints.newest(run) == (30, b"moment 30")
    keeper.keep(30, b"again")
    assert checkpoints.newest(run) == (30, b"again")
    newest, second, _ = sorted(folder(home, run).iterdir(), reverse=True)
    newest.write_bytes(b"agaim")
    assert checkpoints.newest(run) == (20, b"moment 20")
    second.unlink()
    assert checkpoints.newest(run) == (10, b"moment 10")
    assert (folder(home, run).stat().st_mode & 0o777, newest.stat().st_mode & 0o777) == (0o700, 0o600)


def test_what_lies_behind_the_moment_gone_on_from_is_forgotten_with_what_was_never_finished(home: Path) -> None:
    run, other = new_run(), new_run()
    keeper = checkpoints.Keeper(run)
    for step in (10, 20, 30):
        keeper.keep(step, b"moment")
    checkpoints.Keeper(other).keep(40, b"theirs")
    (folder(home, run) / ".layerlab-temporary-0123").write_bytes(b"half")
    (folder(home, run) / "000000000040.safetensors").write_bytes(b"without a row")
    keeper.cut(20)
    assert checkpoints.steps(run) == [10, 20]
    assert sorted(path.name.partition("-")[0] for path in folder(home, run).iterdir()) == [
        "000000000010",
        "000000000020",
    ]
    assert checkpoints.steps(other) == [40]


def test_a_full_disk_is_told_and_leaves_what_was_there(monkeypatch: pytest.MonkeyPatch) -> None:
    run = new_run()
    keeper = checkpoints.Keeper(run)
    keeper.keep(10, b"moment")

    def full(_path: Path, _data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "write", full)
    with pytest.raises(Refused) as refused:
        keeper.keep(20, b"later")
    (problem,) = refused.value.problems
    assert problem.code == "checkpoint/not-written" and "No space left" in problem.because
    assert checkpoints.newest(run) == (10, b"moment")


def test_there_are_never_more_than_the_limit_and_they_span_the_run(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setattr(limits, "CHECKPOINTS", 5)
    run = new_run()
    keeper = checkpoints.Keeper(run)
    for step in range(1, 101):
        keeper.keep(step, b"x")
    kept = checkpoints.steps(run)
    assert len(kept) == 5 == len(list(folder(home, run).iterdir()))
    assert kept[-1] == 100
    assert max(after - before for before, after in zip([0, *kept], kept, strict=False)) <= 50


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 3 * 2**30)), max_size=60, unique_by=lambda row: row[0]))
def test_what_is_dropped_is_no_more_than_has_to_be_and_never_the_newest(rows: list[tuple[int, int]]) -> None:
    kept = sorted(rows)
    dropped = checkpoints.superfluous(kept)
    left = [row for row in kept if row[0] not in dropped]
    assert not kept or left[-1] == kept[-1]
    assert len(left) <= limits.CHECKPOINTS
    assert len(left) <= 1 or sum(size for _, size in left) <= limits.CHECKPOINT_BYTES
    if len(kept) <= limits.CHECKPOINTS and sum(size for _, size in kept) <= limits.CHECKPOINT_BYTES:
        assert not dropped


def test_one_that_takes_long_makes_the_next_one_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now)
    keeper = checkpoints.Keeper(new_run())
    assert not keeper.due()
    now = checkpoints.EVERY_SECONDS
    assert keeper.due()
    write = files.write

    def slowly(path: Path, data: bytes) -> None:
        nonlocal now
        now += 3
        write(path, data)

    monkeypatch.setattr(files, "write", slowly)
    keeper.keep(1, b"x")
    now += 3 / checkpoints.SHARE - 1
    assert not keeper.due()
    now += 1
    assert keeper.due()


def test_only_a_run_that_is_there_has_a_keeper() -> None:
    with pytest.raises(LookupError):
        checkpoints.Keeper("nonexistent0")


def test_the_best_stays_whatever_lies_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CHECKPOINTS", 4)
    run = runs.submit("ada", "Digits", {})
    keeper = checkpoints.Keeper(run.id)
    for step in range(1, 40):
        keeper.keep(step, b"moment", epoch=step // 2, score=(step - 7) ** 2 if step % 2 else None)
    kept = checkpoints.kept(run.id)
    assert len(kept) == 4 and kept[-1].step == 39
    assert [(moment.step, moment.epoch, moment.score) for moment in kept if moment.best] == [(7, 3, 0)]
    assert checkpoints.superfluous([(1, 9), (2, 9)], best=1) == []
    monkeypatch.setattr(limits, "CHECKPOINTS", 1)
    assert checkpoints.superfluous([(1, 9), (2, 9)], best=1) == [1]


def test_pictures_of_moments_go_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CHECKPOINTS", 3)
    run = runs.submit("ada", "Digits", {})
    keeper, recorder = checkpoints.Keeper(run.id), Recorder(run.id)
    recorder.view("boundary", 1, {}, b"newest")
    recorder.view("boundary1", 1, {}, b"of another kind")
    for step in range(1, 8):
        recorder.view(f"boundary_{step}", step, {}, b"then")
        recorder.flush()
        keeper.keep(step, b"moment")
    kept = checkpoints.steps(run.id)
    assert len(kept) == 3
    assert [step for step in range(1, 8) if views.read(run.id, f"boundary_{step}", -1)] == kept
    keeper.cut(kept[0])
    assert [step for step in range(1, 8) if views.read(run.id, f"boundary_{step}", -1)] == kept[:1]
    assert views.read(run.id, "boundary", -1) and views.read(run.id, "boundary1", -1)
    recorder.close()
