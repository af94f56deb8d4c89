"""The metric history of a run: one writer, the worker, and any number of readers.

A series is a row of buckets. The first 1024 hold one point each; after every 1024 buckets their width doubles, so
that a million points are ten thousand buckets. A closed bucket never changes: those of one flush are one chunk, whose
key, the count of the run's rows so far, is a reader's cursor. Open buckets are written over at each flush.
"""

import time
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from builder.problem import Json
from builder.store.database import engine, reading
from builder.store.tables import history_chunk, history_tail, new_id, run, run_view
from builder.store.trouble import answered

WIDTH_DOUBLES_EVERY = 1024
"""Buckets."""
FLUSH_SECONDS = 0.1

ROW = np.dtype(
    [
        ("series", "<u2"),
        ("padding", "<u2"),
        ("n", "<u4"),  # points in the bucket
        ("first", "<i8"),  # step of the first point
        ("last", "<i8"),
        ("mean", "<f4"),
        ("min", "<f4"),
        ("max", "<f4"),
        ("padding_end", "<u4"),
    ]
)
"""One bucket, 40 bytes, as it is stored and as it travels to the browser."""

Bucket: TypeAlias = tuple[int, int, int, int, int, float, float, float, int]
"""A `ROW` that is not packed yet."""


class Series:
    """The open bucket of one series. A point that is NaN makes mean, min and max of its bucket NaN."""

    __slots__ = ("closed", "first", "id", "last", "max", "min", "n", "sum", "width")

    def __init__(self, id: int) -> None:
        self.id = id
        self.closed = 0  # buckets
        self.width = 1
        self.n = 0
        self.first = self.last = 0
        self.sum = self.min = self.max = 0.0

    def add(self, step: int, value: float) -> bool:
        """Put a point into the bucket; whether that filled it."""
        if self.n == 0:
            self.n = 1
            self.first = self.last = step
            self.sum = self.min = self.max = value
        else:
            self.n += 1
            self.last = step
            self.sum += value
            if value < self.min or value != value:
                self.min = value
            if value > self.max or value != value:
                self.max = value
        return self.n >= self.width

    def bucket(self) -> Bucket:
        """The bucket as it stands."""
        return self.id, 0, self.n, self.first, self.last, self.sum / self.n, self.min, self.max, 0

    def state(self) -> list[float]:
        """Everything in it."""
        return [self.id, self.closed, self.width, self.n, self.first, self.last, self.sum, self.min, self.max]

    @classmethod
    def of(cls, state: list[float]) -> "Series":
        """The series that had this state."""
        series = cls(int(state[0]))
        series.closed, series.width, series.n, series.first, series.last = map(int, state[1:6])
        series.sum, series.min, series.max = state[6:]
        return series

    def open_next(self) -> None:
        """Begin the next bucket."""
        self.n = 0
        self.closed += 1
        if self.closed % WIDTH_DOUBLES_EVERY == 0:
            self.width *= 2


@dataclass(slots=True)
class _View:
    step: int
    meta: dict[str, Json]
    data: bytes


class Recorder:
    """Writes the history, the progress and the pictures of one run. To be used by one thread.

    Adding costs well under a microsecond; what was added is written by the next flush, in one transaction.
    Raises LookupError where there is no such run.
    """

    def __init__(self, run_id: str) -> None:
        self._run = run_id
        self._series: dict[str, Series] = {}
        self._closed: list[Bucket] = []
        self._rows = 0
        self._progress: dict[str, object] = {}
        self._views: dict[str, _View] = {}
        with answered():
            self._connection = engine().connect().execution_options(writing=True)
        with answered(), self._connection.begin():
            owner = self._connection.execute(sa.select(run.c.owner).where(run.c.id == run_id)).scalar()
            if owner is None:
                raise LookupError(f"there is no run {run_id}")
            self._owner = owner
            of_run = sa.select(history_tail.c.run).where(history_tail.c.run == run_id)
            self._new = self._connection.execute(of_run).scalar() is None
            if self._new:
                self._connection.execute(sa.insert(history_tail).values(run=run_id, owner=owner, data=b""))
        self._flushed = time.monotonic()

    def add(self, series: str, step: int, value: float) -> None:
        """Record one point of a series. Steps of a series grow; a series gets its number by its first point."""
        one = self._series.get(series)
        if one is None:
            one = self._series[series] = Series(len(self._series))
            self._progress["series"] = list(self._series)
        if one.add(step, value):
            self._closed.append(one.bucket())
            one.open_next()

    def progress(
        self,
        step: int,
        epoch: int,
        seconds: float,
        samples_per_second: float,
        rate: float | None = None,
        memory: int | None = None,
    ) -> None:
        """Note how far the run is: `seconds` of training so far, the learning rate, the most bytes held at once."""
        self._progress.update(
            step=step, epoch=epoch, seconds=seconds, samples_per_second=samples_per_second, rate=rate, memory=memory
        )

    def view(self, name: str, step: int, meta: dict[str, Json], data: bytes) -> None:
        """Keep a picture; it takes the place of the one of that name."""
        self._views[name] = _View(step, meta, data)

    def state(self) -> dict[str, Json]:
        """What a later recorder of this run needs to go on from the last flush: numbers that JSON keeps to the bit."""
        assert not self._closed, "flush first"
        return {"rows": self._rows, "series": {name: series.state() for name, series in self._series.items()}}

    def resume(self, state: dict[str, Any] | None) -> None:
        """Go on from a `state`: what was written later is cut off, and readers see a new generation. None: begin anew."""
        if state is None and self._new:
            return
        self._rows = state["rows"] if state else 0
        self._series = {name: Series.of(numbers) for name, numbers in state["series"].items()} if state else {}
        self._closed.clear()
        self._views.clear()
        later = (history_chunk.c.run == self._run) & (history_chunk.c.rows > self._rows)
        with answered(), self._connection.begin():
            self._connection.execute(sa.delete(history_chunk).where(later))
            told = {"generation": new_id(), "series": list(self._series)}
            self._connection.execute(_WRITE_PROGRESS, {"of_run": self._run, **told})
        self.flush()

    def tick(self) -> None:
        """Flush if the last one was a tenth of a second ago. To be called at every step."""
        if time.monotonic() - self._flushed >= FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write all that was added, in one transaction. If it fails nothing is lost: the next flush writes it.

        Raises Unanswered then.
        """
        rows = self._rows + len(self._closed)
        still_open = [series.bucket() for series in self._series.values() if series.n]
        with answered(), self._connection.begin():
            if self._closed:
                self._insert(history_chunk, rows=rows, data=_pack(self._closed))
            self._connection.execute(_WRITE_TAIL, {"of_run": self._run, "data": _pack(still_open)})
            if self._progress:
                self._connection.execute(_WRITE_PROGRESS, {"of_run": self._run, **self._progress})
            for name, view in self._views.items():
                self._write_view(name, view)
        self._rows = rows
        self._closed.clear()
        self._progress.clear()
        self._views.clear()
        self._flushed = time.monotonic()

    def close(self) -> None:
        """Flush, and let the database go."""
        try:
            self.flush()
        finally:
            self._connection.close()

    def _write_view(self, name: str, view: _View) -> None:
        columns = {"step": view.step, "meta": view.meta, "data": view.data}
        of_view = {"of_run": self._run, "of_name": name}
        if self._connection.execute(_WRITE_VIEW, of_view | columns).rowcount == 0:
            self._insert(run_view, name=name, **columns)

    def _insert(self, table: sa.Table, **columns: Any) -> None:
        self._connection.execute(sa.insert(table), {"run": self._run, "owner": self._owner, **columns})


# Written ten times a second: made once, because making a statement takes longer than running it.
_WRITE_TAIL = sa.update(history_tail).where(history_tail.c.run == sa.bindparam("of_run"))
_WRITE_PROGRESS = sa.update(run).where(run.c.id == sa.bindparam("of_run"))
_WRITE_VIEW = sa.update(run_view).where(
    run_view.c.run == sa.bindparam("of_run"), run_view.c.name == sa.bindparam("of_name")
)


def _pack(buckets: list[Bucket]) -> bytes:
    with np.errstate(over="ignore"):  # what no float32 can hold becomes infinite
        return np.array(buckets, ROW).tobytes()


def read(run: str, after: int) -> tuple[int, bytes, bytes]:
    """The cursor, the closed rows after the cursor `after`, and the open rows; all of one moment."""
    chunks = sa.select(history_chunk.c.rows, history_chunk.c.data)
    later = chunks.where(history_chunk.c.run == run, history_chunk.c.rows > after).order_by(history_chunk.c.rows)
    with reading() as connection:
        found = connection.execute(later).all()
        tail = connection.execute(sa.select(history_tail.c.data).where(history_tail.c.run == run)).scalar()
    if not found:
        return after, b"", tail or b""
    cursor = int(found[-1].rows)
    closed = b"".join(chunk.data for chunk in found)
    wanted = (cursor - after) * ROW.itemsize
    return cursor, closed[-wanted:], tail or b""  # a cursor may lie inside the first chunk


def decode(data: bytes) -> NDArray[Any]:
    """The buckets in some bytes, as an array of `ROW`."""
    return np.frombuffer(data, ROW)


def series_values(run_id: str, name: str) -> list[tuple[int, int, int, float, float, float]]:
    """All buckets of one series in their order: first step, last step, points, mean, min, max."""
    with reading() as connection:
        names = connection.execute(sa.select(run.c.series).where(run.c.id == run_id)).scalar()
    if not names or name not in names:
        return []
    _, closed, still_open = read(run_id, 0)
    buckets = decode(closed + still_open)
    mine = buckets[buckets["series"] == names.index(name)]
    values: list[tuple[int, int, int, float, float, float]] = mine[
        ["first", "last", "n", "mean", "min", "max"]
    ].tolist()
    return values


def values_at(run_id: str, step: int) -> dict[str, float]:
    """What each series said last, up to a step: means of the buckets that end there or before."""
    with reading() as connection:
        names = connection.execute(sa.select(run.c.series).where(run.c.id == run_id)).scalar() or []
    _, closed, still_open = read(run_id, 0)
    buckets = decode(closed + still_open)
    buckets = buckets[buckets["last"] <= step]
    values = {}
    for number, name in enumerate(names):
        mine = buckets[buckets["series"] == number]
        if len(mine):
            values[name] = float(mine["mean"][mine["last"].argmax()])
    return values
