"""Runs: what was asked for, how far it is, and what people command. Workers write; pages read.

Functions that get an owner see that owner's runs alone; those without are for the engine and its workers.
"""

import hashlib
import json
import logging
import math
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import count
from typing import Any, Literal, TypeAlias

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError

from builder import limits
from builder.analysis import analyze
from builder.design import read
from builder.design.experiment import Device, Wish
from builder.problem import Json, Problem, Refused, say
from builder.store import checkpoints, orders
from builder.store.database import one_at_a_time, reading, with_new_ids, writing
from builder.store.orders import CommandKind as CommandKind
from builder.store.site import app_alive as app_alive
from builder.store.site import last_engine
from builder.store.site import seconds_since_app as seconds_since_app
from builder.store.tables import new_id, run, run_command
from builder.store.waiting import Waiting, remaining, seconds_until

Status: TypeAlias = Literal["queued", "starting", "running", "paused", "finished", "stopped", "failed", "interrupted"]
EndStatus: TypeAlias = Literal["finished", "stopped", "failed", "interrupted"]

GOING: tuple[Status, ...] = ("starting", "running", "paused")
"""A worker has it, or is about to."""
ALIVE: tuple[Status, ...] = ("queued", *GOING)
"""Every other status is final: nothing but `resume` changes it any more."""
RESUMABLE: tuple[Status, ...] = ("stopped", "interrupted", "failed")
"""Ended before their end."""
DIVERGED, TOO_LONG = "run/diverged", "run/too-long"
"""Problems of runs that would end at the same step again."""
DAY = 86_400
"""Seconds."""
TYPICAL_OF = 20
"""Runs whose median says what a run takes of which nothing else is known."""

log = logging.getLogger("layerlab.runs")


@dataclass(frozen=True, slots=True)
class Run:
    """One run. Times are epoch seconds; `seconds` is time spent training."""

    id: str
    owner: str
    name: str
    design: str | None
    experiment: dict[str, Json]
    execution: dict[str, Json]
    status: Status
    generation: str
    created: float
    started: float | None
    ended: float | None
    step: int
    total_steps: int
    epoch: int
    epochs: int
    seconds: float
    samples_per_second: float
    series: tuple[str, ...]
    summary: dict[str, float]
    problem: dict[str, Json] | None
    tags: tuple[str, ...]
    notes: str
    binned: float | None
    """When it was thrown away; None for a run that is not in the bin."""
    parent: str | None
    """The run that it branched from, at `parent_step`."""
    parent_step: int | None
    rate: float | None
    """The learning rate by now."""
    memory: int | None
    """The most bytes that it held at once on its device."""
    place: int | None
    """In the queue: 1 goes next. None for a run that does not wait."""


@dataclass(frozen=True, slots=True)
class Command:
    """What a person asked of a run; `step` is the one it was applied at, None as long as it was not."""

    seq: int
    kind: CommandKind
    payload: Json
    step: int | None


# People ask ------------------------------------------------------------------------------------------------------


@with_new_ids
def submit(
    owner: str,
    name: str,
    experiment: dict[str, Json],
    design: str | None = None,
    device: Device = "auto",
    wish: Wish | None = None,
) -> Run:
    """Queue an experiment. While an identical one of the same design has not ended, that run is returned instead.

    `wish` says how it is to be carried out, or `device` alone on which: the first start chooses the rest. Raises Refused where
    `limits.RUNS_WAITING_PER_OWNER` of the owner's runs are waiting already, and where the network has more
    parameters than `limits.RUN_PARAMETERS`.
    """
    refuse_too_large(experiment)
    _refuse_too_wide(wish)
    new = new_columns(owner, name, experiment, wished(wish or Wish(device=device))) | {"design": design}
    with writing() as connection:
        one_at_a_time(connection, owner)
        if design is not None:
            identical = _alive(owner, design).where(run.c.fingerprint == new["fingerprint"])
            row = connection.execute(identical).one_or_none()
            if row is not None:
                return _run(row, _places(connection))
        refuse_too_many(connection, owner)
        row = connection.execute(sa.insert(run).values(new).returning(run)).one()
        return _run(row, _places(connection))


def get(owner: str, id: str) -> Run | None:
    """The owner's run of that id."""
    return _first(sa.select(run).where(run.c.owner == owner, run.c.id == id))


def active(owner: str, design: str) -> Run | None:
    """The newest of the design's runs that have not ended."""
    return _first(_alive(owner, design))


def listing(
    owner: str, limit: int = 50, *, binned: bool = False, design: str | None = None, before: str | None = None
) -> list[Run]:
    """The owner's runs, the newest first; those in the bin, where `binned` says so, and never both.

    `design` leaves the runs of one design, `before` those that follow the run of that id in the listing.
    """
    chosen = sa.select(run).where(run.c.owner == owner, run.c.binned.is_not(None) if binned else run.c.binned.is_(None))
    if design is not None:
        chosen = chosen.where(run.c.design == design)
    if before is not None:
        last = sa.select(run.c.created).where(run.c.owner == owner, run.c.id == before).scalar_subquery()
        chosen = chosen.where((run.c.created < last) | ((run.c.created == last) & (run.c.id > before)))
    with reading() as connection:
        found: list[Run] = []
        for start in count(0, limit):  # another time only where rows are damaged
            rows = connection.execute(chosen.order_by(run.c.created.desc(), run.c.id).limit(limit).offset(start)).all()
            places = _places(connection) if any(row.status == "queued" for row in rows) else {}
            found += [whole for row in rows if (whole := _whole(row, places))]
            if len(rows) < limit or len(found) >= limit:
                break
        return found[:limit]


def rename(owner: str, id: str, name: str) -> Run:
    """Give a run another name. Raises Refused where that has none or too many characters, or there is no such run."""
    return _change(owner, id, name=_words(name, limits.TITLE, say("The name of a run")))


def annotate(owner: str, id: str, tags: Sequence[str] | None = None, notes: str | None = None) -> Run:
    """Give a run tags, notes or both, in place of those it has. None leaves them.

    Tags are trimmed and keep their order; one that comes twice is kept once. Raises Refused beyond `limits.TAGS`,
    `limits.TAG` and `limits.NOTES`, and where there is no such run.
    """
    columns: dict[str, object] = {}
    if tags is not None:
        columns["tags"] = _tags(tags)
    if notes is not None:
        columns["notes"] = _notes(notes)
    return _change(owner, id, **columns)


def throw_away(owner: str, id: str) -> Run:
    """Put a run into the bin, from which it can be taken back. Raises Refused where it has not ended, or is not there."""
    ended = run.c.status.not_in(ALIVE)
    with writing() as connection:
        found = connection.execute(_mine(owner, id)).one_or_none()
        if found is None:
            raise unknown()
        if found.status in ALIVE:
            because = say("It is {status}. Stop it first.", status=found.status)
            raise Refused(Problem(code="run/alive", title=say("The run has not ended"), because=because))
        here = (run.c.id == id) & ended & run.c.binned.is_(None)
        connection.execute(sa.update(run).where(here).values(binned=time.time()))
        return _run(connection.execute(_mine(owner, id)).one(), {})


def take_back(owner: str, id: str) -> Run:
    """Take a run out of the bin. Raises Refused where there is no such run."""
    return _change(owner, id, binned=None)


def delete(owner: str, id: str) -> None:
    """Delete a run that is in the bin, for good. Raises Refused where it is not in there, or is not there at all."""
    found = get(owner, id)
    if found is None:
        raise unknown()
    if not _deleted((run.c.owner == owner) & (run.c.id == id)):
        because = say("Only what was thrown away before can be deleted.")
        raise Refused(Problem(code="run/not-in-bin", title=say("The run is not in the bin"), because=because))


def empty_bin(owner: str) -> int:
    """Delete every run in the owner's bin for good; how many there were."""
    return _deleted(run.c.owner == owner)


def command(owner: str, run_id: str, kind: CommandKind, payload: Json = None) -> int:
    """Ask something of a run; the command's sequence number. A waiting run is stopped at once, without a worker.

    Raises Refused where the owner has no such run, and where what is asked makes no sense.
    """
    payload = orders.checked(kind, payload)
    mine = (run.c.owner == owner) & (run.c.id == run_id)
    counted = sa.update(run).where(mine).values(commands=run.c.commands + 1)
    with writing() as connection:
        row = connection.execute(counted.returning(run.c.commands, run.c.status)).one_or_none()
        if row is None:
            raise unknown()
        if row.status not in ALIVE:
            if kind == "stop":  # it has what was wanted
                return int(row.commands)
            because = say("It is {status}. What has not finished can go on, or be branched.", status=row.status)
            raise Refused(Problem(code="run/ended", title=say("The run has ended"), because=because))
        new = {"run": run_id, "seq": row.commands, "owner": owner, "kind": kind, "payload": payload, "step": None}
        if kind == "stop" and row.status == "queued":
            connection.execute(sa.update(run).where(mine).values(status="stopped", ended=time.time()))
            new["step"] = 0
        connection.execute(sa.insert(run_command).values(new))
        return int(row.commands)


def can_go_on(run: Run) -> bool:
    """Whether the run ended before its end, and would not end there again."""
    return run.status in RESUMABLE and (run.problem or {}).get("code") not in (DIVERGED, TOO_LONG)


def resume(owner: str, run_id: str) -> Run:
    """Queue a run again that has ended before its end; it goes on from its newest checkpoint, else from the beginning.

    One that is in the bin comes out of it. Raises Refused where the owner has no such run, and where it is going, or finished.
    """
    mine = (run.c.owner == owner) & (run.c.id == run_id)
    again: dict[str, object] = {"status": "queued", "summary": {}, "queued": time.time()}
    again |= dict.fromkeys(("started", "ended", "problem", "binned"))
    with writing() as connection:
        one_at_a_time(connection, owner)
        row = connection.execute(sa.select(run).where(mine)).one_or_none()
        if row is None:
            raise unknown()
        if not can_go_on(_run(row, {})):
            because = say(
                "It is {status}. What was stopped or interrupted, or failed for another reason than its numbers or its time, can go on.",
                status=row.status,
            )
            raise Refused(Problem(code="run/not-resumable", title=say("The run cannot go on"), because=because))
        refuse_too_many(connection, owner)
        never_heard = (run_command.c.run == run_id) & run_command.c.step.is_(None)
        connection.execute(sa.delete(run_command).where(never_heard))
        return _run(
            connection.execute(sa.update(run).where(mine).values(again).returning(run)).one(), _places(connection)
        )


# The engine and its workers --------------------------------------------------------------------------------------


def find(run_id: str) -> Run | None:
    """The run of that id, whoever owns it."""
    return _first(sa.select(run).where(run.c.id == run_id))


def ids(*statuses: Status) -> list[str]:
    """Of all runs that have one of these statuses, the oldest first."""
    with reading() as connection:
        chosen = sa.select(run.c.id).where(run.c.status.in_(statuses)).order_by(run.c.created, run.c.id)
        return list(connection.execute(chosen).scalars())


# Asked all the time by the engine: made once, because making a statement takes longer than running it.
_SOMEBODY_WAITS = sa.select(run.c.id).where(run.c.status == "queued").limit(1)


def somebody_waits() -> bool:
    """Whether a run is in the queue."""
    with reading() as connection:
        return connection.execute(_SOMEBODY_WAITS).first() is not None


def claim(threads: int | None = None) -> Run | None:
    """Take the run that goes next: turns go round among owners, each one's oldest first. Nobody else gets it too.

    One that wants more than `threads` is passed by until there are enough, and so are those of owners with
    `limits.RUNS_GOING_PER_OWNER` going.
    """
    queue = _queue()
    allowed = queue.c.at_once <= (limits.RUNS_GOING_PER_OWNER or sys.maxsize)
    chosen = sa.select(run).join(queue, queue.c.id == run.c.id).where(allowed).order_by(queue.c.place)
    with reading() as connection:  # looking first, because a claim locks the store
        if not any(_fits(row, threads) for row in connection.execute(chosen)):
            return None
    with writing() as connection:
        one_at_a_time(connection, "claim")
        row = next((row for row in connection.execute(chosen).all() if _fits(row, threads)), None)
        if row is None:
            return None
        take = sa.update(run).where(run.c.id == row.id).values(status="starting", started=time.time())
        row = connection.execute(take.returning(run)).one()
        try:
            return _run(row, {})
        except Refused as refused:  # it must not stand before the others for ever
            ended = {"status": "failed", "problem": refused.problems[0].model_dump(mode="json"), "ended": time.time()}
            connection.execute(sa.update(run).where(run.c.id == row.id).values(ended))
            return None


def _fits(row: sa.Row[Any], threads: int | None) -> bool:
    """Whether so many threads are enough for a run."""
    return threads is None or threads_of(row.execution) <= threads


def threads_of(execution: Json) -> int:
    """What a run takes of the cores; a damaged one takes one, and is found to be damaged when it is read."""
    wanted = execution.get("threads", 1) if isinstance(execution, dict) else 1
    return wanted if isinstance(wanted, int) else 1


def expected_start(run_id: str) -> float | None:
    """Seconds until a waiting run probably starts; None for one that does not wait, and where nothing is known."""
    engine = last_engine()
    if engine is None:
        return None
    alive = sa.select(
        run.c.id, run.c.owner, run.c.status, run.c.fingerprint, run.c.step, run.c.total_steps, run.c.seconds
    )
    with reading() as connection:
        rows = connection.execute(alive.where(run.c.status.in_(ALIVE)).order_by(run.c.created, run.c.id)).all()
        if not any(row.id == run_id and row.status == "queued" for row in rows):
            return None
        takes = _takes(connection, {row.fingerprint for row in rows})
        places = _places(connection)
    going = [
        (row.owner, remaining(row.seconds, row.step, row.total_steps, takes[row.fingerprint]))
        for row in rows if row.status in GOING
    ]  # fmt: skip
    queue = sorted((row for row in rows if row.status == "queued"), key=lambda row: places[row.id])
    waiting = [Waiting(row.id, row.owner, takes[row.fingerprint]) for row in queue]
    return seconds_until(run_id, going, waiting, engine.slots, limits.RUNS_GOING_PER_OWNER)


def clear_out() -> int:
    """Delete what has been in a bin for `limits.BIN_DAYS`, and leftovers of what was deleted; how many runs."""
    gone = _deleted(run.c.binned < time.time() - limits.BIN_DAYS * DAY)
    with reading() as connection:
        checkpoints.sweep(set(connection.execute(sa.select(run.c.id)).scalars()))
    return gone


def release(run_id: str) -> None:
    """Put a claimed run that no worker took up back into the queue."""
    claimed = (run.c.id == run_id) & (run.c.status == "starting")
    with writing() as connection:
        connection.execute(sa.update(run).where(claimed).values(status="queued", started=None))


def update(run_id: str, since: float | None = None, **columns: object) -> None:
    """Change columns of a run. Nothing happens where a `status` is among them and the run has a final one.

    Nor where it was claimed at another time than `since`, if that is given: then another worker has it.
    """
    which = run.c.id == run_id
    if since is not None:
        which &= run.c.started == since
    if "status" in columns:
        which &= run.c.status.in_(ALIVE)
    with writing() as connection:
        connection.execute(sa.update(run).where(which).values(columns))


def finish(
    run_id: str,
    status: EndStatus,
    problem: Problem | None = None,
    summary: dict[str, float] | None = None,
    since: float | None = None,
) -> None:
    """Give the run its final status, what went wrong and its last metrics; nothing happens where `update` does nothing."""
    columns: dict[str, object] = {"status": status, "ended": time.time()}
    if problem is not None:
        columns["problem"] = problem.model_dump(mode="json")
    if summary is not None:
        columns["summary"] = summary
    update(run_id, since, **columns)


# Asked ten times a second by every worker: made once, because making a statement takes longer than running it.
_COMMANDS_AFTER = (
    sa.select(run_command.c.seq, run_command.c.kind, run_command.c.payload, run_command.c.step)
    .where(run_command.c.run == sa.bindparam("of_run"), run_command.c.seq > sa.bindparam("after"))
    .order_by(run_command.c.seq)
)


def commands_after(run_id: str, seq: int) -> list[Command]:
    """The run's commands later than number `seq`, in their order."""
    with reading() as connection:
        return [Command(*row) for row in connection.execute(_COMMANDS_AFTER, {"of_run": run_id, "after": seq})]


def applied(run_id: str, seq: int, step: int) -> None:
    """Write down the step at which a command took effect."""
    which = (run_command.c.run == run_id) & (run_command.c.seq == seq)
    with writing() as connection:
        connection.execute(sa.update(run_command).where(which).values(step=step))


# For what else makes runs ----------------------------------------------------------------------------------------


def wished(wish: Wish) -> dict[str, Json]:
    """A wish as it stands in a run's `execution` until that is chosen: the device, and whatever is not left open."""
    return {"device": wish.device} | wish.model_dump(mode="json", exclude_defaults=True)


def new_columns(owner: str, name: str, experiment: dict[str, Json], execution: dict[str, Json]) -> dict[str, Any]:
    """Every column that a new run needs, for one that waits."""
    told = json.dumps([experiment, execution], sort_keys=True).encode()
    now = time.time()
    who = {"id": new_id(), "generation": new_id(), "owner": owner, "name": name, "created": now, "queued": now}
    what = {"experiment": experiment, "execution": execution, "fingerprint": hashlib.sha256(told).hexdigest()}
    counts = ("commands", "step", "total_steps", "epoch", "epochs", "seconds", "samples_per_second")
    return (
        who
        | what
        | dict.fromkeys(counts, 0)
        | {"status": "queued", "series": [], "summary": {}, "tags": [], "notes": ""}
    )


def refuse_too_many(connection: sa.Connection, owner: str) -> None:
    """Raise Refused where the owner may not queue another run."""
    waiting = sa.select(sa.func.count()).where(run.c.owner == owner, run.c.status == "queued")
    if connection.execute(waiting).scalar_one() >= limits.RUNS_WAITING_PER_OWNER:
        because = say(
            "{limit} of your runs are waiting already, which is the limit. Stop one of them, or wait for one to start.",
            limit=limits.RUNS_WAITING_PER_OWNER,
        )
        raise Refused(Problem(code="run/too-many", title=say("Too many runs are waiting"), because=because))


def refuse_too_large(experiment: dict[str, Json]) -> None:
    """Raise Refused where the network has too many parameters; what cannot be read is told of by the worker."""
    try:
        network = read.experiment(experiment).network
    except Refused:
        return
    count = analyze(network).parameters
    if count > limits.RUN_PARAMETERS:
        because = say(
            "It has {count:,} parameters; a run may have {limit:,} here.", count=count, limit=limits.RUN_PARAMETERS
        )
        raise Refused(Problem(code="run/parameters", title=say("The network is too large to run"), because=because))


def _refuse_too_wide(wish: Wish | None) -> None:
    """Raise Refused where a run wants more threads than the engine has cores for: it would wait for ever."""
    engine = last_engine()
    if wish is not None and engine is not None and wish.threads > max(1, engine.slots):
        because = say(
            "{threads} were asked for, and there are {slots} cores.", threads=wish.threads, slots=engine.slots
        )
        raise Refused(Problem(code="run/threads", title=say("There are not so many threads"), because=because))


def unknown() -> Refused:
    """To be raised for a run that is not there."""
    because = say("It was removed, or it belongs to someone else.")
    return Refused(Problem(code="run/unknown", title=say("There is no such run"), because=because))


# Inside ----------------------------------------------------------------------------------------------------------


def _alive(owner: str, design: str) -> sa.Select[Any]:
    """The newest run of a design that has not ended."""
    chosen = sa.select(run).where(run.c.owner == owner, run.c.design == design, run.c.status.in_(ALIVE))
    return chosen.order_by(run.c.created.desc(), run.c.id).limit(1)


def _mine(owner: str, id: str) -> sa.Select[Any]:
    return sa.select(run).where(run.c.owner == owner, run.c.id == id)


def _change(owner: str, id: str, **columns: object) -> Run:
    """The owner's run with columns changed that say nothing of how far it is."""
    with writing() as connection:
        if columns:
            mine = (run.c.owner == owner) & (run.c.id == id)
            connection.execute(sa.update(run).where(mine).values(columns))
        row = connection.execute(_mine(owner, id)).one_or_none()
        if row is None:
            raise unknown()
        return _run(row, _places(connection) if row.status == "queued" else {})


def _plain(text: str) -> str:
    """Without what no database keeps: NUL, and halves of characters."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


def _words(text: str, limit: int, what: str) -> str:
    """One line of 1 to `limit` characters."""
    line = " ".join(_plain(text).split())
    if not 1 <= len(line) <= limit:
        because = say("It has {count:,} characters; 1 to {limit} are kept.", count=len(line), limit=limit)
        title = say("{what} is too long", what=what) if line else say("{what} is empty", what=what)
        raise Refused(Problem(code="run/words", title=title, because=because))
    return line


def _tags(tags: Sequence[str]) -> list[str]:
    kept = list(dict.fromkeys(_words(tag, limits.TAG, say("A tag")) for tag in tags if tag.strip()))
    if len(kept) > limits.TAGS:
        because = say("There are {count:,} of them; {limit} are kept.", count=len(kept), limit=limits.TAGS)
        raise Refused(Problem(code="run/words", title=say("Too many tags"), because=because))
    return kept


def _notes(notes: str) -> str:
    text = _plain(notes)
    if len(text) > limits.NOTES:
        because = say("They have {count:,} characters; {limit:,} are kept.", count=len(text), limit=limits.NOTES)
        raise Refused(Problem(code="run/words", title=say("The notes are too long"), because=because))
    return text


def _deleted(which: sa.ColumnElement[bool]) -> int:
    """Delete those of the runs that are in the bin; how many. Rows go first: a folder without a row is swept up later."""
    with writing() as connection:
        binned = sa.delete(run).where(which, run.c.binned.is_not(None), run.c.status.not_in(ALIVE))
        gone = list(connection.execute(binned.returning(run.c.id)).scalars())
    for id in gone:
        checkpoints.forget(id)
    return len(gone)


def _takes(connection: sa.Connection, fingerprints: set[str]) -> dict[str, float]:
    """What a run of each fingerprint takes: as long as the last that finished, else as long as runs here mostly do."""
    finished = sa.select(run.c.fingerprint, run.c.seconds).where(run.c.status == "finished")
    latest = connection.execute(finished.order_by(run.c.ended.desc()).limit(TYPICAL_OF)).all()
    typical = statistics.median(row.seconds for row in latest) if latest else math.inf
    alike = connection.execute(finished.where(run.c.fingerprint.in_(sorted(fingerprints))).order_by(run.c.ended)).all()
    return dict.fromkeys(fingerprints, typical) | {row.fingerprint: row.seconds for row in alike}


def _queue() -> sa.Subquery:
    """Id, turn, place and owner's going runs of every waiting run, in the order in which they will be claimed.

    Turns go round: the k-th waiting run of an owner of whom n runs have gone since somebody began to wait is their
    (n + k)-th, and goes before everybody's next.
    """
    since = sa.select(sa.func.min(run.c.queued)).where(run.c.status == "queued").scalar_subquery()
    going = run.c.status.in_(GOING)
    counted = sa.select(
        run.c.owner,
        sa.func.count().label("had"),
        sa.func.sum(sa.case((going, 1), else_=0)).label("going"),
    )
    before = counted.where(going | (run.c.started >= since)).group_by(run.c.owner).subquery()
    kth = sa.func.row_number().over(partition_by=run.c.owner, order_by=(run.c.queued, run.c.id))
    turn = (kth + sa.func.coalesce(before.c.had, 0)).label("turn")
    at_once = (kth + sa.func.coalesce(before.c.going, 0)).label("at_once")
    waiting = sa.select(run.c.id, run.c.queued, turn, at_once).outerjoin(before, before.c.owner == run.c.owner)
    turns = waiting.where(run.c.status == "queued").subquery()
    # Those who may not go yet stand behind those who may.
    may = sa.case((turns.c.at_once <= (limits.RUNS_GOING_PER_OWNER or sys.maxsize), 0), else_=1)
    place = sa.func.row_number().over(order_by=(may, turns.c.turn, turns.c.queued, turns.c.id)).label("place")
    return sa.select(turns.c.id, turns.c.turn, turns.c.at_once, place).subquery()


def _places(connection: sa.Connection) -> dict[str, int]:
    return {row.id: row.place for row in connection.execute(sa.select(_queue()))}


def _first(query: sa.Select[Any]) -> Run | None:
    with reading() as connection:
        row = connection.execute(query).one_or_none()
        if row is None:
            return None
        return _whole(row, _places(connection) if row.status == "queued" else {})


def _whole(row: sa.Row[Any], places: dict[str, int]) -> Run | None:
    """The run of a row; None where the row is damaged, so that the others are seen all the same."""
    try:
        return _run(row, places)
    except Refused as refused:
        log.error("%s", refused.problems[0].because)
        return None


def _run(row: sa.Row[Any], places: dict[str, int]) -> Run:
    """The run of a row. Raises Refused where something in it is not what was written there."""
    columns = {field.name: getattr(row, field.name) for field in fields(Run) if field.name != "place"}
    try:
        return _AS_RUN.validate_python(columns | {"place": places.get(row.id)})
    except ValidationError as error:
        damaged = ", ".join(sorted({str(mistake["loc"][0]) for mistake in error.errors()}))
        because = say("What the database holds of run {id} cannot be read: {columns}.", id=row.id, columns=damaged)
        raise Refused(Problem(code="run/damaged", title=say("The run is damaged"), because=because)) from error


_AS_RUN = TypeAdapter(Run)
