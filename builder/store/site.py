"""The one row of a site: signs of life of apps, and the engine that serves them."""

import threading
import time
from dataclasses import dataclass

import sqlalchemy as sa

from builder.store import database
from builder.store.database import reading, writing
from builder.store.tables import new_id, site

_last_beat: dict[sa.Engine, tuple[int, float]] = {}
"""By store: the count of beats that this process last saw, and when it saw it first (its monotonic clock)."""
_looking = threading.Lock()


@dataclass(frozen=True, slots=True)
class Engine:
    """What an engine wrote down when it started, and what was asked of it since."""

    id: str
    pid: int
    version: str
    started: float
    """Epoch seconds."""
    slots: int
    """How many runs it lets go at once."""
    asked_to_stop: bool
    asked_to_retire: bool
    """To end as soon as no run is going, and to start none before."""


def app_alive() -> None:
    """A sign of life of an app or a command line: to be given every ten seconds or so."""
    with writing() as connection:
        connection.execute(sa.update(site).values(beats=site.c.beats + 1))


def seconds_since_app() -> float:
    """For how long this process has seen no new sign of life; the first call sees one.

    Beats are counted and timed by the observer's own steady clock, so that a clock set back or forward, or a
    computer that slept, ends nothing.
    """
    now = time.monotonic()
    with reading() as connection:
        beats = connection.execute(sa.select(site.c.beats)).scalar_one()
    with _looking:
        seen, since = _last_beat.get(database.engine(), (None, now))
        if beats != seen:
            since = now
        _last_beat[database.engine()] = beats, since
    return now - since


def start_engine(pid: int, version: str, slots: int) -> str:
    """Write down that an engine started, which lets so many runs go at once; its id."""
    id = new_id()
    columns = {
        "engine": id,
        "engine_pid": pid,
        "engine_version": version,
        "engine_started": time.time(),
        "engine_slots": slots,
    }
    with writing() as connection:
        connection.execute(sa.update(site).values(columns))
    return id


def last_engine() -> Engine | None:
    """The engine that last started, alive or not."""
    with reading() as connection:
        row = connection.execute(sa.select(site)).one()
    if row.engine is None:
        return None
    stop, retire = row.stop_engine == row.engine, row.retire_engine == row.engine
    slots = row.engine_slots or 1
    return Engine(row.engine, row.engine_pid, row.engine_version, row.engine_started, slots, stop, retire)


def ask_engine_to_stop() -> None:
    """Ask the engine that last started to end now. One that starts later is not meant."""
    _ask(stop_engine=site.c.engine)


def ask_engine_to_retire() -> None:
    """Ask the engine that last started to end as soon as no run is going."""
    _ask(retire_engine=site.c.engine)


def _ask(**columns: sa.Column[str]) -> None:
    with writing() as connection:
        connection.execute(sa.update(site).values(columns))
