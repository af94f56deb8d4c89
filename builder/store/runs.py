"""Runs: what was asked for, how far it is, and what people command. Workers write; pages read.

Functions that get an owner see that owner's runs alone; those without are for the engine and its workers.
"""

import hashlib
import json
import time
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias

import sqlalchemy as sa

from builder import limits
from builder.problem import Json, Problem, Refused, say
from builder.store.database import one_at_a_time, reading, writing
from builder.store.site import app_alive as app_alive
from builder.store.site import seconds_since_app as seconds_since_app
from builder.store.tables import new_id, run, run_command

Status: TypeAlias = Literal["queued", "starting", "running", "paused", "finished", "stopped", "failed", "interrupted"]
EndStatus: TypeAlias = Literal["finished", "stopped", "failed", "interrupted"]
CommandKind: TypeAlias = Literal["pause", "resume", "stop", "step", "until", "rate"]

GOING: tuple[Status, ...] = ("starting", "running", "paused")
"""A worker has it, or is about to."""
ALIVE: tuple[Status, ...] = ("queued", *GOING)
"""Every other status is final: nothing but `resume` changes it any more."""
RESUMABLE: tuple[Status, ...] = ("stopped", "interrupted", "failed")
"""Ended before their end."""
DIVERGED = "run/diverged"
"""The Problem of a run that would end at the same step again."""


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


def submit(owner: str, name: str, experiment: dict[str, Json], design: str | None = None, device: str = "auto") -> Run:
    """Queue an experiment. While an identical one of the same design has not ended, that run is returned instead.

    `device` is the one asked for: the first start chooses the whole execution. Raises Refused where
    `limits.RUNS_WAITING_PER_OWNER` of the owner's runs are waiting already.
    """
    fingerprint = hashlib.sha256(json.dumps([experiment, device], sort_keys=True).encode()).hexdigest()
    with writing() as connection:
        one_at_a_time(connection, owner)
        if design is not None:
            identical = _alive(owner, design).where(run.c.fingerprint == fingerprint)
            row = connection.execute(identical).one_or_none()
            if row is not None:
                return _run(row, _places(connection))
        _refuse_too_many(connection, owner)
        new = _new_columns(owner, name, experiment, design, device) | {"fingerprint": fingerprint}
        row = connection.execute(sa.insert(run).values(new).returning(run)).one()
        return _run(row, _places(connection))


def get(owner: str, id: str) -> Run | None:
    """The owner's run of that id."""
    return _first(sa.select(run).where(run.c.owner == owner, run.c.id == id))


def active(owner: str, design: str) -> Run | None:
    """The newest of the design's runs that have not ended."""
    return _first(_alive(owner, design))


def listing(owner: str, limit: int = 50) -> list[Run]:
    """The owner's runs, the newest first."""
    newest = sa.select(run).where(run.c.owner == owner).order_by(run.c.created.desc(), run.c.id).limit(limit)
    with reading() as connection:
        rows = connection.execute(newest).all()
        places = _places(connection) if any(row.status == "queued" for row in rows) else {}
        return [_run(row, places) for row in rows]


def command(owner: str, run_id: str, kind: CommandKind, payload: Json = None) -> int:
    """Ask something of a run; the command's sequence number. A waiting run is stopped at once, without a worker.

    Raises Refused where the owner has no such run.
    """
    mine = (run.c.owner == owner) & (run.c.id == run_id)
    counted = sa.update(run).where(mine).values(commands=run.c.commands + 1)
    with writing() as connection:
        row = connection.execute(counted.returning(run.c.commands, run.c.status)).one_or_none()
        if row is None:
            raise _unknown()
        new = {"run": run_id, "seq": row.commands, "owner": owner, "kind": kind, "payload": payload, "step": None}
        if kind == "stop" and row.status == "queued":
            connection.execute(sa.update(run).where(mine).values(status="stopped", ended=time.time()))
            new["step"] = 0
        connection.execute(sa.insert(run_command).values(new))
        return int(row.commands)


def can_go_on(run: Run) -> bool:
    """Whether the run ended before its end, and would not end there again."""
    return run.status in RESUMABLE and (run.problem or {}).get("code") != DIVERGED


def resume(owner: str, run_id: str) -> Run:
    """Queue a run again that has ended before its end; it goes on from its newest checkpoint, else from the beginning.

    Raises Refused where the owner has no such run, and where it is going, or finished.
    """
    mine = (run.c.owner == owner) & (run.c.id == run_id)
    again: dict[str, object] = {"status": "queued", "started": None, "ended": None, "problem": None, "summary": {}}
    with writing() as connection:
        one_at_a_time(connection, owner)
        row = connection.execute(sa.select(run).where(mine)).one_or_none()
        if row is None:
            raise _unknown()
        if not can_go_on(_run(row, {})):
            because = say(
                "It is {status}. What was stopped or interrupted, or failed for another reason than its numbers, can go on.",
                status=row.status,
            )
            raise Refused(Problem(code="run/not-resumable", title=say("The run cannot go on"), because=because))
        _refuse_too_many(connection, owner)
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


def claim() -> Run | None:
    """Take the run that goes next: of the owner with the fewest going, the oldest. Nobody else gets it too."""
    queue = _queue()
    next_one = sa.select(queue.c.id).where(queue.c.place == 1).scalar_subquery()
    take = sa.update(run).where(run.c.id == next_one, run.c.status == "queued")
    with writing() as connection:
        taken = take.values(status="starting", started=time.time()).returning(run)
        row = connection.execute(taken).one_or_none()
        return None if row is None else _run(row, {})


def release(run_id: str) -> None:
    """Put a claimed run that no worker took up back into the queue."""
    claimed = (run.c.id == run_id) & (run.c.status == "starting")
    with writing() as connection:
        connection.execute(sa.update(run).where(claimed).values(status="queued", started=None))


def update(run_id: str, **columns: object) -> None:
    """Change columns of a run. Nothing happens where a `status` is among them and the run has a final one."""
    which = run.c.id == run_id
    if "status" in columns:
        which &= run.c.status.in_(ALIVE)
    with writing() as connection:
        connection.execute(sa.update(run).where(which).values(columns))


def finish(
    run_id: str, status: EndStatus, problem: Problem | None = None, summary: dict[str, float] | None = None
) -> None:
    """Give the run its final status, what went wrong and its last metrics; nothing happens where it has ended."""
    columns: dict[str, object] = {"status": status, "ended": time.time()}
    if problem is not None:
        columns["problem"] = problem.model_dump(mode="json")
    if summary is not None:
        columns["summary"] = summary
    update(run_id, **columns)


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


# Inside ----------------------------------------------------------------------------------------------------------


def _new_columns(
    owner: str, name: str, experiment: dict[str, Json], design: str | None, device: str
) -> dict[str, object]:
    who: dict[str, object] = {"id": new_id(), "generation": new_id(), "owner": owner, "name": name, "design": design}
    what = {"experiment": experiment, "execution": {"device": device}, "status": "queued", "created": time.time()}
    nothing_yet = dict.fromkeys(
        ("commands", "step", "total_steps", "epoch", "epochs", "seconds", "samples_per_second"), 0
    )
    return who | what | nothing_yet | {"series": [], "summary": {}, "tags": [], "notes": ""}


def _alive(owner: str, design: str) -> sa.Select[Any]:
    """The newest run of a design that has not ended."""
    chosen = sa.select(run).where(run.c.owner == owner, run.c.design == design, run.c.status.in_(ALIVE))
    return chosen.order_by(run.c.created.desc(), run.c.id).limit(1)


def _unknown() -> Refused:
    because = say("It was removed, or it belongs to someone else.")
    return Refused(Problem(code="run/unknown", title=say("There is no such run"), because=because))


def _refuse_too_many(connection: sa.Connection, owner: str) -> None:
    waiting = sa.select(sa.func.count()).where(run.c.owner == owner, run.c.status == "queued")
    if connection.execute(waiting).scalar_one() >= limits.RUNS_WAITING_PER_OWNER:
        because = say(
            "{limit} of your runs are waiting already, which is the limit. Stop one of them, or wait for one to start.",
            limit=limits.RUNS_WAITING_PER_OWNER,
        )
        raise Refused(Problem(code="run/too-many", title=say("Too many runs are waiting"), because=because))


def _queue() -> sa.Subquery:
    """Id and place of every waiting run, in the order in which they will be claimed."""
    going = sa.select(run.c.owner, sa.func.count().label("runs")).where(run.c.status.in_(GOING)).group_by(run.c.owner)
    busy = going.subquery()
    # The k-th waiting run of someone with n runs going starts as their (n + k)-th: fewest first is in that order.
    kth = sa.func.row_number().over(partition_by=run.c.owner, order_by=(run.c.created, run.c.id))
    turn = (kth + sa.func.coalesce(busy.c.runs, 0)).label("turn")
    waiting = sa.select(run.c.id, run.c.created, turn).outerjoin(busy, busy.c.owner == run.c.owner)
    turns = waiting.where(run.c.status == "queued").subquery()
    place = sa.func.row_number().over(order_by=(turns.c.turn, turns.c.created, turns.c.id)).label("place")
    return sa.select(turns.c.id, place).subquery()


def _places(connection: sa.Connection) -> dict[str, int]:
    return {row.id: row.place for row in connection.execute(sa.select(_queue()))}


def _first(query: sa.Select[Any]) -> Run | None:
    with reading() as connection:
        row = connection.execute(query).one_or_none()
        if row is None:
            return None
        return _run(row, _places(connection) if row.status == "queued" else {})


def _run(row: sa.Row[Any], places: dict[str, int]) -> Run:
    columns = {field.name: getattr(row, field.name) for field in fields(Run) if field.name != "place"}
    columns |= {"series": tuple(row.series), "tags": tuple(row.tags)}
    return Run(**columns, place=places.get(row.id))
