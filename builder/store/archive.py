"""One run as one zip, to keep or to take elsewhere, and back.

`run.json` says what the run is and names every other member with its size and SHA-256: `design.json` (the experiment),
`history.bin` (the rows as they are stored) and `history.csv` (for people), `views/NAME.json` and `.bin`,
`checkpoints/STEP.safetensors`. What comes in is taken for anybody's: every number and name in it is checked.
"""

import csv
import hashlib
import io
import json
import re
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import IO, Annotated, Any, Literal, TypeAlias

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from builder import files, limits
from builder.design import read
from builder.design.experiment import Execution, Wish
from builder.members import Members, refusal
from builder.problem import Json, Problem, Refused, Value, say
from builder.store import checkpoints, history, runs, tensors
from builder.store.database import reading, writing
from builder.store.runs import Run, Status
from builder.store.tables import DAMAGED, checkpoint, history_chunk, history_tail, run, run_view

CARD, DESIGN, HISTORY, TABLE = "run.json", "design.json", "history.bin", "history.csv"
KNOWN = re.compile(
    r"run\.json|design\.json|history\.bin|history\.csv|views/[a-z0-9_]{1,40}\.(json|bin)|checkpoints/[0-9]{1,16}\.safetensors"
)
FOLDERS = re.compile(r"(views|checkpoints)/")
LARGEST = 2**53
"""What JSON keeps as a whole number everywhere."""

Count: TypeAlias = Annotated[int, Field(ge=0, le=LARGEST)]
Seconds: TypeAlias = Annotated[float, Field(ge=0)]
Number: TypeAlias = float | Literal["nan", "inf", "-inf"]
"""JSON has no other way to say that a loss is no number."""


class Part(Value):
    """One member."""

    bytes: Count
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Kept(Value):
    """One checkpoint."""

    step: Count
    epoch: Count = 0
    score: Number | None = None


class Card(Value):
    """`run.json`."""

    format: Literal["layerlab.run"] = "layerlab.run"
    version: Literal[1] = 1
    name: str = Field(min_length=1, max_length=limits.TITLE)
    tags: tuple[Annotated[str, Field(min_length=1, max_length=limits.TAG)], ...] = Field(max_length=limits.TAGS)
    notes: str = Field(max_length=limits.NOTES)
    execution: Execution | Wish
    status: Status
    created: Seconds
    started: Seconds | None
    ended: Seconds | None
    step: Count
    total_steps: Count
    epoch: Count
    epochs: Count
    seconds: Seconds
    samples_per_second: Seconds
    rate: Seconds | None
    memory: Count | None
    series: tuple[Annotated[str, Field(pattern=r"^[!-~][ -~]{0,119}$")], ...] = Field(max_length=10_000)
    chunks: tuple[Count, ...] = Field(max_length=1_000_000)
    """Closed rows up to the end of each flush; what follows in `history.bin` was still open."""
    summary: dict[Annotated[str, Field(max_length=120)], Number] = Field(max_length=10_000)
    problem: Problem | None
    checkpoints: tuple[Kept, ...] = Field(max_length=limits.CHECKPOINTS)
    left_out: tuple[Count, ...] = ()
    """Steps of checkpoints for which there was no room."""
    members: dict[str, Part]


# Out -------------------------------------------------------------------------------------------------------------


def pack(owner: str, id: str, limit: int = limits.UPLOAD_BYTES) -> bytes:
    """The owner's run as a zip of about `limit` bytes at most. Raises Refused where there is no such run."""
    file = io.BytesIO()
    _pack(owner, id, file, limit)
    return file.getvalue()


def save(owner: str, id: str, out: Path, limit: int = limits.ARCHIVE_BYTES) -> None:
    """Write the owner's run as a zip to `out`, or nothing. Raises Refused where there is no such run, and OSError."""
    if runs.get(owner, id) is None:
        raise runs.unknown()
    with files.writing(out) as file:
        _pack(owner, id, file, limit)


class _Writer:
    """A zip that is being written, and what was written so far."""

    def __init__(self, file: IO[bytes]) -> None:
        self.zip = zipfile.ZipFile(file, "w")
        self.members: dict[str, Part] = {}

    @property
    def size(self) -> int:
        """Of all members so far, unpacked."""
        return sum(part.bytes for part in self.members.values())

    def add(self, name: str, data: bytes) -> None:
        """Write a member: packed, where that makes it smaller and does not look like an attack to who reads it."""
        entry = zipfile.ZipInfo(name)  # with a date that never changes
        if not name.endswith(".safetensors") and len(data) < limits.ARCHIVE_RATIO * len(zlib.compress(data)) / 2:
            entry.compress_type = zipfile.ZIP_DEFLATED
        self.zip.writestr(entry, data)
        self.members[name] = Part(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def _pack(owner: str, id: str, file: IO[bytes], limit: int) -> None:
    with reading() as connection:
        row = connection.execute(sa.select(run).where(run.c.owner == owner, run.c.id == id)).one_or_none()
        if row is None:
            raise runs.unknown()
        chunks = connection.execute(_of(history_chunk, id).order_by(history_chunk.c.rows)).all()
        tail = connection.execute(_of(history_tail, id)).one_or_none()
        pictures = connection.execute(_of(run_view, id)).all()
        moments = connection.execute(_of(checkpoint, id).order_by(checkpoint.c.step)).all()
    told = {name: getattr(row, name) for name in Card.model_fields if hasattr(row, name)}
    if DAMAGED in told.values() or row.experiment is DAMAGED:
        because = say("What is known of it cannot be read any more.")
        raise Refused(Problem(code="archive/damaged", title=say("The run is damaged"), because=because))
    rows = b"".join([*(chunk.data for chunk in chunks), tail.data if tail else b""])
    if len(rows) > limits.HISTORY_BYTES:
        because = say("Its history has {size:,} bytes; {limit:,} fit in.", size=len(rows), limit=limits.HISTORY_BYTES)
        raise Refused(Problem(code="archive/history", title=say("The run is too long for an archive"), because=because))
    writer = _Writer(file)
    with writer.zip:
        writer.add(DESIGN, _json(row.experiment))
        writer.add(HISTORY, rows)
        writer.add(TABLE, _table(history.decode(rows), row.series))
        for picture in pictures:
            writer.add(f"views/{picture.name}.json", _json({"step": picture.step, "meta": picture.meta}))
            writer.add(f"views/{picture.name}.bin", picture.data)
        kept = _add_checkpoints(writer, id, moments, limit)
        told |= {
            "summary": {name: _number(value) for name, value in row.summary.items()},
            "chunks": [chunk.rows for chunk in chunks],
            "checkpoints": [
                {"step": moment.step, "epoch": moment.epoch, "score": _number(moment.score)}
                for moment in moments if moment.step in kept
            ],
            "left_out": [moment.step for moment in moments if moment.step not in kept],
            "members": {name: part.model_dump() for name, part in writer.members.items()},
        }  # fmt: skip
        for name in ("seconds", "samples_per_second", "rate"):
            told[name] = told[name] if told[name] is None or np.isfinite(told[name]) else 0.0
        writer.add(CARD, _json({"format": "layerlab.run", "version": 1} | told))


def _of(table: sa.Table, id: str) -> sa.Select[Any]:
    return sa.select(table).where(table.c.run == id)


def _add_checkpoints(writer: _Writer, id: str, moments: Iterable[sa.Row[Any]], limit: int) -> set[int]:
    """Write as many as there is room for: the newest and the best first; the steps of those."""
    newest_first = sorted(moments, key=lambda moment: -moment.step)
    judged = [moment for moment in newest_first if moment.score is not None and np.isfinite(moment.score)]
    best = min(judged, key=lambda moment: moment.score, default=None)
    in_turn = [*newest_first[:1], *([best] if best else []), *newest_first]
    room, kept = limit - writer.size - limits.CARD_BYTES, set()
    for moment in in_turn:
        if moment.step in kept or moment.bytes > room:
            continue
        data = checkpoints.whole(id, moment.step, moment.bytes, moment.sha256)
        if data is not None:
            writer.add(f"checkpoints/{moment.step}.safetensors", data)
            kept.add(moment.step)
            room -= len(data)
    return kept


def _json(value: Json) -> bytes:
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()


def _number(value: float | None) -> Number | None:
    if value is None or np.isfinite(value):
        return value
    return "nan" if np.isnan(value) else "inf" if value > 0 else "-inf"


def _table(rows: NDArray[Any], series: list[str]) -> bytes:
    """The history for people, series by series. A name that a spreadsheet would compute is none any more."""
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(["series", "first", "last", "points", "mean", "min", "max"])
    for row in rows[np.argsort(rows["series"], kind="stable")]:
        name = series[row["series"]]
        safe = f"'{name}" if name[:1] in "=+-@\t\r" else name
        table.writerow([safe, *(row[column] for column in ("first", "last", "n", "mean", "min", "max"))])
    return text.getvalue().encode()


# In --------------------------------------------------------------------------------------------------------------


def unpack(owner: str, data: Path | bytes) -> Run:
    """Make a run of the owner's from a zip that anybody may have made. Raises Refused where anything in it is not as it should be."""
    if isinstance(data, bytes):
        return _unpack(owner, io.BytesIO(data))
    with files.opened(data, limits.ARCHIVE_BYTES) as file:
        return _unpack(owner, file)


def _unpack(owner: str, file: IO[bytes]) -> Run:
    members = Members(file, KNOWN, FOLDERS, "which no exported run has.")
    card = _card(members)
    experiment = read.text(_read(members, card, DESIGN, limits.DESIGN_BYTES))
    read.experiment(experiment)
    runs.refuse_too_large(experiment)
    chunks, tail = _history(_read(members, card, HISTORY, limits.HISTORY_BYTES), card)
    columns = _columns(owner, card, experiment)
    pictures = list(_pictures(members, card))
    if TABLE in members.names:
        _compare(card, TABLE, members.pieces(TABLE))
    id = columns["id"]
    try:
        moments = [_checkpoint(members, card, id, kept) for kept in card.checkpoints]
        with writing() as connection:
            connection.execute(sa.insert(run).values(columns))
            for table, rows in (
                (history_chunk, chunks), (history_tail, [tail]), (run_view, pictures), (checkpoint, moments)
            ):  # fmt: skip
                for row in rows:
                    connection.execute(sa.insert(table).values(row | {"run": id, "owner": owner}))
    except BaseException:
        checkpoints.forget(id)
        raise
    made = runs.get(owner, id)
    assert made is not None
    return made


def _card(members: Members) -> Card:
    """What the archive says of the run, which names every member and no other."""
    try:
        card = Card.model_validate_json(members.read(CARD, limits.CARD_BYTES))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step)[:40] for step in first["loc"])
        raise refusal("card", "{card}: {place}: {reason}.", card=CARD, place=place, reason=first["msg"]) from None
    if card.members.keys() != set(members.names) - {CARD}:
        raise refusal("members", "{card} does not name the members that are there.", card=CARD)
    named = {f"checkpoints/{kept.step}.safetensors" for kept in card.checkpoints}
    if named != {name for name in members.names if name.startswith("checkpoints/")}:
        raise refusal("members", "{card} does not name the checkpoints that are there.", card=CARD)
    if len(named) < len(card.checkpoints) or len(set(card.series)) < len(card.series):
        raise refusal("card", "{card} names something twice.", card=CARD)
    if isinstance(card.execution, Execution):
        _check_execution(card.execution)
    return card


def _check_execution(execution: Execution) -> None:
    """A resumed run is carried out like this."""
    if execution.device not in ("cpu", "cuda") or not 1 <= execution.threads <= limits.THREADS:
        raise refusal("card", "{card}: nothing runs on {device} with {threads:,} threads.",
                      card=CARD, device=repr(execution.device[:40]), threads=execution.threads)  # fmt: skip


def _read(members: Members, card: Card, name: str, limit: int) -> bytes:
    data = members.read(name, limit)
    _compare(card, name, [data])
    return data


def _compare(card: Card, name: str, pieces: Iterable[bytes]) -> None:
    for _ in _compared(card, name, pieces):
        pass


def _compared(card: Card, name: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces of a member; at their end Refused where they are not what `run.json` says of them."""
    sha256, size = hashlib.sha256(), 0
    for piece in pieces:
        sha256.update(piece)
        size += len(piece)
        yield piece
    if (size, sha256.hexdigest()) != (card.members[name].bytes, card.members[name].sha256):
        raise refusal("damaged", "{name} is not what {card} says of it.", name=name, card=CARD)


def _history(data: bytes, card: Card) -> tuple[list[dict[str, Json]], dict[str, Json]]:
    """The rows of the history as they are kept: what each flush closed, and what was open."""
    if len(data) % history.ROW.itemsize:
        raise refusal("history", "{name} ends in the middle of a row.", name=HISTORY)
    rows = history.decode(data)
    ends = [0, *card.chunks]
    if any(after <= before for before, after in pairwise(ends)) or ends[-1] > len(rows):
        raise refusal("history", "{name} does not have the rows that {card} says.", name=HISTORY, card=CARD)
    if not _is_sound(rows, len(card.series)):
        because = "{name} has rows of no series, without points, or not in the order of their steps."
        raise refusal("history", because, name=HISTORY)
    width = history.ROW.itemsize
    chunks = [{"rows": after, "data": data[before * width : after * width]} for before, after in pairwise(ends)]
    return chunks, {"data": data[ends[-1] * width :]}


def _is_sound(rows: NDArray[Any], series: int) -> bool:
    """Whether every row is of a series and has points, and those of each series follow each other."""
    order = np.argsort(rows["series"], kind="stable")
    same = rows["series"][order][1:] == rows["series"][order][:-1]
    steps = (rows["first"] >= 0) & (rows["first"] <= rows["last"]) & (rows["last"] <= LARGEST)
    follow = rows["first"][order][1:] > rows["last"][order][:-1]
    return bool(((rows["series"] < series) & (rows["n"] >= 1) & steps).all() and follow[same].all())


def _pictures(members: Members, card: Card) -> Iterator[dict[str, Json]]:
    for name in members.names:
        if not name.startswith("views/") or not name.endswith(".json"):
            continue
        about = read.text(_read(members, card, name, limits.CARD_BYTES))
        match about:
            case {"step": int(step), "meta": dict(meta)} if 0 <= step <= LARGEST and len(about) == 2:
                pixels = name.removesuffix(".json") + ".bin"
                data = _read(members, card, pixels, limits.VIEW_BYTES)
                yield {
                    "name": name.removeprefix("views/").removesuffix(".json"),
                    "step": step,
                    "meta": meta,
                    "data": data,
                }
            case _:
                raise refusal("view", "{name} does not say which step it shows.", name=name)


def _checkpoint(members: Members, card: Card, id: str, kept: Kept) -> dict[str, Json]:
    """Put a checkpoint's file into the run's folder, piece by piece; its row."""
    name = f"checkpoints/{kept.step}.safetensors"
    part = card.members[name]
    pieces = tensors.checked(_compared(card, name, members.pieces(name)), part.bytes, name)
    checkpoints.put_pieces(id, kept.step, part.sha256, part.bytes, pieces)
    score = float(kept.score) if kept.score is not None else None
    return {"step": kept.step, "bytes": part.bytes, "sha256": part.sha256, "epoch": kept.epoch, "score": score}


def _columns(owner: str, card: Card, experiment: dict[str, Json]) -> dict[str, Any]:
    execution = (
        runs.wished(card.execution)
        if isinstance(card.execution, Wish)
        else card.execution.model_dump(mode="json", exclude_none=True)
    )
    going = card.status in runs.ALIVE
    named = ("name", "tags", "notes", "step", "total_steps", "epoch", "epochs", "seconds", "samples_per_second", "rate")
    told = card.model_dump(mode="json", include={*named, "memory", "started", "ended", "series", "problem"})
    return runs.new_columns(owner, card.name, experiment, execution) | told | {
        "status": "interrupted" if going else card.status,
        "ended": card.ended if card.ended is not None else time.time(),
        "summary": {name: float(value) for name, value in card.summary.items()},
    }  # fmt: skip
