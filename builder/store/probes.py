"""Probes: short looks at an experiment that need a worker, and what they have seen. Workers write; pages read.

A probe is asked for once: who asks again for the same look at the same experiment gets the one that is there. None of
them is a person's work: the old ones go by themselves.
"""

import hashlib
import json
import time
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import sqlalchemy as sa

from builder import limits
from builder.design.experiment import Wish
from builder.problem import Json, Problem, Refused, say
from builder.store.database import one_at_a_time, reading, with_new_ids, writing
from builder.store.runs import refuse_too_large
from builder.store.tables import DAMAGED, new_id, probe

Kind: TypeAlias = Literal["rates", "spread", "augmented"]
"""What is looked at: the loss over the learning rate, activations and gradients by depth at the first step, or augmented pictures."""
Status: TypeAlias = Literal["queued", "running", "done", "failed"]
ALIVE: tuple[Status, ...] = ("queued", "running")

ATTEMPTS = 2
"""One that has lost so many workers is not given to another."""
HOUR = 3600
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One look. Times are epoch seconds, `progress` goes from 0 to 1; `wish` is as a run's `execution` while it waits."""

    id: str
    owner: str
    kind: Kind
    experiment: dict[str, Json]
    wish: dict[str, Json]
    status: Status
    progress: float
    result: dict[str, Json] | None
    """What was seen; None until it is done."""
    problem: dict[str, Json] | None
    created: float
    started: float | None
    ended: float | None


# People ask ------------------------------------------------------------------------------------------------------


@with_new_ids
def submit(owner: str, kind: Kind, experiment: dict[str, Json], wish: Wish | None = None) -> Probe:
    """Queue a look at an experiment, or return the one that there is. One that has failed is queued again.

    Raises Refused where `limits.PROBES_WAITING_PER_OWNER` of the owner's probes have not ended yet, and where the
    network has more parameters than a run may.
    """
    refuse_too_large(experiment)
    wanted = (wish or Wish()).model_dump(mode="json", exclude_defaults=True)
    fingerprint = hashlib.sha256(json.dumps([kind, experiment, wanted], sort_keys=True).encode()).hexdigest()
    mine = (probe.c.owner == owner) & (probe.c.fingerprint == fingerprint)
    waiting: dict[str, object] = {"status": "queued", "attempts": 0, "progress": 0.0, "created": time.time()}
    with writing() as connection:
        one_at_a_time(connection, owner)
        row = connection.execute(sa.select(probe).where(mine)).one_or_none()
        if row is not None and _probe(row).status != "failed":
            return _probe(row)
        _refuse_too_many(connection, owner)
        connection.execute(sa.delete(probe).where(mine))
        new = waiting | {"id": new_id(), "owner": owner, "kind": kind, "experiment": experiment, "wish": wanted}
        row = connection.execute(sa.insert(probe).values(new | {"fingerprint": fingerprint}).returning(probe)).one()
        _forget_oldest(connection, owner)
        return _probe(row)


def find(owner: str, id: str) -> Probe | None:
    """The owner's probe of that id."""
    return _first(sa.select(probe).where(probe.c.owner == owner, probe.c.id == id))


# The engine and its workers --------------------------------------------------------------------------------------


def given(id: str) -> Probe | None:
    """The probe of that id, whoever owns it."""
    return _first(sa.select(probe).where(probe.c.id == id))


# Asked all the time by the engine: made once, because making a statement takes longer than running it.
_SOMEBODY_WAITS = sa.select(probe.c.id).where(probe.c.status == "queued").limit(1)


def somebody_waits() -> bool:
    """Whether a probe is in the queue."""
    with reading() as connection:
        return connection.execute(_SOMEBODY_WAITS).first() is not None


def claim() -> Probe | None:
    """Take the probe that waits longest, of those whose owner has fewest going. Nobody else gets it too."""
    going = (
        sa.select(probe.c.owner, sa.func.count().label("going"))
        .where(probe.c.status == "running")
        .group_by(probe.c.owner)
        .subquery()
    )
    order = (sa.func.coalesce(going.c.going, 0), probe.c.created, probe.c.id)
    waiting = sa.select(probe.c.id).outerjoin(going, going.c.owner == probe.c.owner).where(probe.c.status == "queued")
    with writing() as connection:
        one_at_a_time(connection, "claim")
        id = connection.execute(waiting.order_by(*order).limit(1)).scalar_one_or_none()
        if id is None:
            return None
        taken = {"status": "running", "started": time.time(), "attempts": probe.c.attempts + 1}
        return _probe(connection.execute(sa.update(probe).where(probe.c.id == id).values(taken).returning(probe)).one())


def tell(id: str, progress: float) -> None:
    """Write down how far a probe is, from 0 to 1."""
    _change(id, progress=min(1.0, max(0.0, progress)))


def finish(id: str, result: dict[str, Json]) -> None:
    """Write down what a probe has seen. Raises ValueError where a number in it is none, which no browser could read."""
    json.dumps(result, allow_nan=False)
    _change(id, status="done", result=result, progress=1.0, ended=time.time())


def fail(id: str, problem: Problem) -> None:
    """Write down why a probe has seen nothing."""
    _change(id, status="failed", problem=problem.model_dump(mode="json"), ended=time.time())


def lost(id: str, problem: Problem) -> None:
    """The worker of a probe is gone: another one looks, unless it has lost too many; then it has failed by `problem`.

    Nothing happens where the probe has ended.
    """
    with writing() as connection:
        again = (probe.c.id == id) & (probe.c.status == "running") & (probe.c.attempts < ATTEMPTS)
        connection.execute(sa.update(probe).where(again).values(status="queued", progress=0.0, started=None))
    found = given(id)
    if found is not None and found.status == "running":
        fail(id, problem)


def going() -> list[str]:
    """Ids of all probes that a worker has, or had when its engine was killed."""
    with reading() as connection:
        return list(connection.execute(sa.select(probe.c.id).where(probe.c.status == "running")).scalars())


def clear_out() -> int:
    """Delete what has ended longer than `limits.PROBE_HOURS` ago; how many."""
    old = sa.delete(probe).where(probe.c.ended < time.time() - limits.PROBE_HOURS * HOUR)
    with writing() as connection:
        return int(connection.execute(old).rowcount)


# Inside ----------------------------------------------------------------------------------------------------------


def _refuse_too_many(connection: sa.Connection, owner: str) -> None:
    waiting = sa.select(sa.func.count()).where(probe.c.owner == owner, probe.c.status.in_(ALIVE))
    if connection.execute(waiting).scalar_one() >= limits.PROBES_WAITING_PER_OWNER:
        because = say(
            "{limit} of your tests wait or go on, which is the limit. Wait for one to end.",
            limit=limits.PROBES_WAITING_PER_OWNER,
        )
        raise Refused(Problem(code="probe/too-many", title=say("Too many tests are waiting"), because=because))


def _forget_oldest(connection: sa.Connection, owner: str) -> None:
    """Leave the newest `limits.PROBES_PER_OWNER` of an owner's, and whatever has not ended."""
    newest = sa.select(probe.c.id).where(probe.c.owner == owner).order_by(probe.c.created.desc(), probe.c.id)
    kept = list(connection.execute(newest.limit(limits.PROBES_PER_OWNER)).scalars())
    over = (probe.c.owner == owner) & probe.c.id.not_in(kept) & probe.c.status.not_in(ALIVE)
    connection.execute(sa.delete(probe).where(over))


def _change(id: str, **columns: object) -> None:
    """Change columns of a probe that a worker has; of any other nothing is changed."""
    with writing() as connection:
        connection.execute(sa.update(probe).where(probe.c.id == id, probe.c.status == "running").values(columns))


def _first(chosen: sa.Select[Any]) -> Probe | None:
    with reading() as connection:
        row = connection.execute(chosen).one_or_none()
        return None if row is None else _probe(row)


def _probe(row: sa.Row[Any]) -> Probe:
    columns = {name: getattr(row, name) for name in Probe.__slots__}
    if DAMAGED in columns.values():
        problem = Problem(
            code="probe/damaged",
            title=say("The test is damaged"),
            because=say("What the database holds of it cannot be read. Ask for it again."),
        )
        columns |= {"experiment": {}, "wish": {}, "result": None, "status": "failed"}
        columns["problem"] = problem.model_dump(mode="json")
    return Probe(**columns)
