"""The metric history: buckets against numpy, readers beside writers, kills."""

import json
import math
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from builder.store import database, history, runs, views

pytestmark = pytest.mark.usefixtures("home")

WIRE = struct.Struct("<HHIqqfffI")


def new_run(owner: str = "ada") -> str:
    return runs.submit(owner, "Digits", {}).id


def found(run_id: str) -> runs.Run:
    run = runs.find(run_id)
    assert run is not None
    return run


def expected_buckets(steps: list[int], values: np.ndarray[Any, Any]) -> list[tuple[int, int, int, float, float, float]]:
    """The definition, computed from all points at once."""
    buckets = []
    start = number = 0
    while start < len(values):
        width = 2 ** (number // 1024)
        part = values[start : start + width]
        with np.errstate(all="ignore"):
            numbers = [float(np.float32(number)) for number in (part.mean(), part.min(), part.max())]
        buckets.append((steps[start], steps[min(start + width, len(values)) - 1], len(part), *numbers))
        start += width
        number += 1
    return buckets


def assert_same(got: list[tuple[Any, ...]], expected: list[tuple[Any, ...]]) -> None:
    assert [row[:3] for row in got] == [row[:3] for row in expected]
    np.testing.assert_array_equal([row[4:] for row in got], [row[4:] for row in expected])  # min and max to the bit
    np.testing.assert_allclose([row[3] for row in got], [row[3] for row in expected], rtol=1e-6, atol=1e-6)


@given(
    points=st.integers(0, 9000),
    seed=st.integers(0, 2**32 - 1),
    stride=st.integers(1, 1000),
    odd=st.lists(st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, 1e30]), max_size=5),
    flushes=st.integers(1, 5),
)
def test_buckets_are_those_that_numpy_computes(
    points: int, seed: int, stride: int, odd: list[float], flushes: int
) -> None:
    draw = np.random.default_rng(seed)
    values = draw.normal(size=points)
    if points:
        values[draw.integers(0, points, len(odd))] = odd
    steps = [7 + stride * index for index in range(points)]
    run = new_run()
    recorder = history.Recorder(run)
    every = max(1, points // flushes)
    for step, value in zip(steps, values.tolist(), strict=True):
        recorder.add("train/loss", step, value)
        if (step - 7) // stride % every == 0:
            recorder.flush()
    recorder.close()
    assert_same(history.series_values(run, "train/loss"), expected_buckets(steps, values))
    runs.finish(run, "finished")


def test_nan_and_infinities_keep_their_value_in_any_place_of_a_bucket() -> None:
    run = new_run()
    recorder = history.Recorder(run)
    for step in range(1024):
        recorder.add("loss", step, 0.0)
    pairs = [(math.nan, 1.0), (1.0, math.nan), (math.inf, 1.0), (1.0, -math.inf), (1e39, 1.0)]
    for index, pair in enumerate(pairs):
        for value in pair:
            recorder.add("loss", 1024 + index, value)
    recorder.close()
    rows = [row[3:] for row in history.series_values(run, "loss")[1024:]]
    nan = (math.nan,) * 3
    infinite = [(math.inf, 1.0, math.inf), (-math.inf, -math.inf, 1.0), (math.inf, 1.0, math.inf)]
    np.testing.assert_array_equal(rows, [nan, nan, *infinite])


def test_rows_are_forty_bytes_as_the_browser_reads_them() -> None:
    run = new_run()
    recorder = history.Recorder(run)
    recorder.add("loss", 2**40, 0.5)
    recorder.add("accuracy", 3, 0.25)
    recorder.close()
    cursor, closed, still_open = history.read(run, 0)
    assert (cursor, still_open) == (2, b"")
    assert list(WIRE.iter_unpack(closed)) == [
        (0, 0, 1, 2**40, 2**40, 0.5, 0.5, 0.5, 0),
        (1, 0, 1, 3, 3, 0.25, 0.25, 0.25, 0),
    ]
    assert found(run).series == ("loss", "accuracy")


def test_the_cursor_gives_what_is_new_even_from_within_a_chunk() -> None:
    run = new_run()
    recorder = history.Recorder(run)
    for step in range(2000):
        recorder.add("loss", step, float(step))
        if step in (10, 500, 1100):
            recorder.flush()
    recorder.flush()
    closed_rows = 1024 + (2000 - 1024) // 2
    cursor, everything, _ = history.read(run, 0)
    assert cursor == closed_rows == len(everything) // 40
    for after in (0, 1, 10, 11, 12, 500, 1024, closed_rows - 1, closed_rows):
        assert history.read(run, after)[:2] == (closed_rows, everything[after * 40 :])
    assert history.read(run, closed_rows + 5)[:2] == (closed_rows + 5, b"")
    recorder.close()


def test_a_bucket_that_is_still_open_is_seen_and_then_replaced() -> None:
    run = new_run()
    recorder = history.Recorder(run)
    for step in range(1025):
        recorder.add("loss", step, float(step))
    recorder.flush()
    assert history.decode(history.read(run, 1024)[2])["n"].tolist() == [1]
    recorder.add("loss", 1025, 1025.0)
    recorder.close()
    cursor, closed, still_open = history.read(run, 1024)
    assert (cursor, still_open) == (1025, b"")
    assert history.decode(closed)[["first", "last", "n", "mean"]].tolist() == [(1024, 1025, 2, 1024.5)]


def test_progress_and_views_come_with_the_flush() -> None:
    run = new_run()
    recorder = history.Recorder(run)
    recorder.progress(5, 2, 1.5, 300.0)
    recorder.view("boundary", 4, {"size": 2}, b"old")
    recorder.view("boundary", 5, {"size": 3}, b"new")
    recorder.view("points", 5, {}, b"\0")
    assert found(run).step == 0
    assert views.read(run, "boundary", -1) is None
    recorder.flush()
    now = found(run)
    assert (now.step, now.epoch, now.seconds, now.samples_per_second) == (5, 2, 1.5, 300.0)
    assert views.read(run, "boundary", 4) == views.View(5, {"size": 3}, b"new")
    assert views.read(run, "boundary", 5) is None
    recorder.view("boundary", 9, {}, b"newest")
    recorder.close()
    assert views.read(run, "boundary", 5) == views.View(9, {}, b"newest")
    assert views.read(run, "points", 0) == views.View(5, {}, b"\0")
    assert views.read(new_run(), "boundary", -1) is None


def test_a_tick_flushes_every_tenth_of_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 50.0
    monkeypatch.setattr(history.time, "monotonic", lambda: now)
    run = new_run()
    recorder = history.Recorder(run)
    seen = []
    for step in range(10):
        recorder.add("loss", step, 1.0)
        now += 0.03
        recorder.tick()
        seen.append(history.read(run, 0)[0])
    recorder.close()
    assert seen == [0, 0, 0, 4, 4, 4, 4, 8, 8, 8]


def test_what_a_failed_flush_did_not_write_the_next_one_does() -> None:
    run = new_run()
    recorder = history.Recorder(run)
    recorder.add("loss", 1, 1.0)
    recorder.view("boundary", 1, {"not": {"json"}}, b"")
    with pytest.raises(Exception, match="not JSON serializable"):
        recorder.flush()
    assert history.read(run, 0) == (0, b"", b"")
    assert found(run).series == ()
    recorder.view("boundary", 1, {}, b"")
    recorder.add("loss", 2, 2.0)
    recorder.close()
    assert [row[0] for row in history.series_values(run, "loss")] == [1, 2]


def test_unknown_runs_and_series_have_no_history() -> None:
    with pytest.raises(LookupError):
        history.Recorder("nosuchrun000")
    assert history.read("nosuchrun000", 0) == (0, b"", b"")
    assert history.series_values("nosuchrun000", "loss") == []
    assert history.series_values(new_run(), "loss") == []


def test_a_million_points_of_four_series_stay_under_five_megabytes(home: Path) -> None:
    """In the database itself: the write-ahead log beside it is about 4 MB, shared by all runs and used again."""
    run = new_run()
    recorder = history.Recorder(run)
    for step in range(1_000_000):
        for series in ("a", "b", "c", "d"):
            recorder.add(series, step, step * 0.5)
        if step % 600 == 0:  # a tenth of a second of a fast run
            recorder.flush()
    recorder.close()
    with database.engine().connect() as connection:
        connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert (home / "layerlab.db").stat().st_size < 5_000_000
    for series in ("a", "d"):
        assert sum(row[2] for row in history.series_values(run, series)) == 1_000_000
    start = time.process_time()  # of this process alone: others may be at work here
    history.read(run, 0)
    assert time.process_time() - start < 1


# Beside each other -----------------------------------------------------------------------------------------------

WRITER = """
import sys, time
from builder.store import history
recorder = history.Recorder(sys.argv[1])
end = time.monotonic() + float(sys.argv[2])
step = 0
while time.monotonic() < end:
    for _ in range(20):
        step += 1
        for series in ("train", "validation"):
            recorder.add(series, step, float(step))
    recorder.progress(step, 0, 0.0, 0.0)
    recorder.flush()
recorder.close()
print(step)
"""


def writer(run: str, seconds: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, run, str(seconds)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


class Reader(threading.Thread):
    """Follows a run as a page does, and checks that every look shows one moment without gap or overlap."""

    def __init__(self, run: str) -> None:
        super().__init__()
        self.run_id = run
        self.looks = 0
        self.torn: list[str] = []
        self.last = {0: 0, 1: 0}  # by series: the last step of the closed rows so far
        self.cursor = 0
        self.finished = threading.Event()

    def run(self) -> None:
        while not self.finished.is_set():
            self.look()
        self.look()

    def look(self) -> None:
        before = self.cursor
        self.cursor, closed, still_open = history.read(self.run_id, before)
        self.looks += 1
        if len(closed) != 40 * (self.cursor - before):
            self.torn.append(f"{len(closed)} bytes for rows {before} to {self.cursor}")
        self.follow(closed)
        last = dict(self.last)
        self.follow(still_open)
        if len(set(self.last.values())) != 1:  # both series are written in each flush
            self.torn.append(f"the series end at {self.last}")
        self.last = last

    def follow(self, rows: bytes) -> None:
        for row in history.decode(rows):
            series, first, last = int(row["series"]), int(row["first"]), int(row["last"])
            if first != self.last[series] + 1 or last != first + int(row["n"]) - 1:
                self.torn.append(f"series {series}: {first} to {last} after {self.last[series]}")
            self.last[series] = last


def test_two_writers_and_two_readers_lose_nothing_and_see_nothing_torn() -> None:
    ids = [new_run(), new_run("eve")]
    writers = [writer(run, 3) for run in ids]
    readers = [Reader(run) for run in ids]
    for reader in readers:
        reader.start()
    for process, run in zip(writers, ids, strict=True):
        out, error = process.communicate(timeout=60)
        assert (process.returncode, error) == (0, "")
        written = int(out)
        assert written > 1000
        for series in ("train", "validation"):
            assert sum(row[2] for row in history.series_values(run, series)) == written
        assert found(run).step == written
    for reader in readers:
        reader.finished.set()
        reader.join(30)
        assert reader.torn == []
        assert reader.looks > 100


def test_a_read_with_a_flush_in_its_middle_shows_the_moment_before() -> None:
    """A flush between the two selects of a read closes the open bucket: mixed moments would show it nowhere."""
    run = new_run()
    recorder = history.Recorder(run)
    for step in range(1025):
        recorder.add("loss", step, 1.0)
    recorder.flush()
    before = history.read(run, 1024)

    def flush_between(*arguments: Any) -> None:
        if "history_tail" in arguments[2] and not interrupted:
            interrupted.append(True)
            thread = threading.Thread(target=flush)
            thread.start()
            thread.join()

    def flush() -> None:
        # The recorder's own connection belongs to its thread; the same writes on another one.
        with database.writing() as connection:
            closed = history._pack([(0, 0, 2, 1024, 1025, 1.0, 1.0, 1.0, 0)])
            insert = history.history_chunk.insert().values(run=run, owner="ada", rows=1025, data=closed)
            connection.execute(insert)
            connection.execute(history.history_tail.update().values(data=b""))

    interrupted: list[bool] = []
    event.listen(database.engine(), "before_cursor_execute", flush_between)
    assert history.read(run, 1024) == before
    event.remove(database.engine(), "before_cursor_execute", flush_between)
    assert interrupted
    assert history.read(run, 1024)[0] == 1025


def test_a_killed_writer_loses_less_than_a_second(until: Callable[..., float]) -> None:
    program = (
        "import sys, time; from builder.store import history\n"
        "recorder = history.Recorder(sys.argv[1])\n"
        "step = 0\n"
        "while True:\n"
        "    step += 1; recorder.add('time', step, time.monotonic() - float(sys.argv[2])); recorder.tick()\n"
        "    time.sleep(0.0005)"
    )
    for _ in range(3):
        run = new_run()
        start = time.monotonic()
        with subprocess.Popen([sys.executable, "-c", program, run, str(start)]) as process:
            until(lambda run=run: history.read(run, 0)[0] > 200)
            process.send_signal(signal.SIGKILL)
            killed = time.monotonic() - start
        rows = history.series_values(run, "time")
        assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
        assert killed - rows[-1][3] < 1
        runs.finish(run, "interrupted")


@given(points=st.integers(1, 4000), cut=st.integers(0, 4000), more=st.integers(0, 3000), seed=st.integers(0, 99))
def test_a_recorder_goes_on_from_a_state_as_if_nothing_had_come_after(
    points: int, cut: int, more: int, seed: int
) -> None:
    cut = min(cut, points)
    values = np.random.default_rng(seed).normal(size=points + more).tolist()
    whole, resumed = new_run(), new_run()
    undisturbed = history.Recorder(whole)
    for step, value in enumerate([*values[:cut], *values[points:]]):
        undisturbed.add("train/loss", step, value)
    undisturbed.close()
    first = history.Recorder(resumed)
    for step, value in enumerate(values[:cut]):
        first.add("train/loss", step, value)
        first.flush() if step % 700 == 0 else None
    first.flush()
    state = json.loads(json.dumps(first.state()))
    for step, value in enumerate(values[cut:points], start=cut):
        first.add("train/loss", step, value)
        first.flush() if step % 500 == 0 else None
    first.add("validation/loss", points, 1.0)
    first.close()
    before = runs.find(resumed)
    second = history.Recorder(resumed)
    second.resume(state)
    for step, value in enumerate(values[points:], start=cut):
        second.add("train/loss", step, value)
    second.close()
    after = runs.find(resumed)
    assert before and after and before.generation != after.generation  # readers begin anew
    assert history.read(resumed, 0)[1:] == history.read(whole, 0)[1:] or cut == 0
    assert history.series_values(resumed, "train/loss") == history.series_values(whole, "train/loss")
    assert history.series_values(resumed, "validation/loss") == []
    runs.finish(whole, "finished")
    runs.finish(resumed, "finished")


def test_a_run_that_begins_anew_has_nothing_of_before() -> None:
    run = new_run()
    first = history.Recorder(run)
    first.resume(None)
    first.add("train/loss", 1, 2.0)
    first.close()
    second = history.Recorder(run)
    second.resume(None)
    second.close()
    assert history.read(run, 0) == (0, b"", b"")
    assert history.series_values(run, "train/loss") == []
