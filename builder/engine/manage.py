"""What others do with the engine: see that one is alive, ask how it is, stop it."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from builder import files
from builder.engine.version import ROOT, code_version
from builder.problem import Problem, Refused, say
from builder.store import database, lock, runs, site

COMMAND = (sys.executable, "-m", "builder.engine")
START_SECONDS = 20
STOP_SECONDS = 30
LOOK_EVERY = 0.02


@dataclass(frozen=True, slots=True)
class Status:
    """How the engine is. The numbers of runs are of the whole site."""

    alive: bool
    pid: int | None
    started: float | None
    """Epoch seconds."""
    outdated: bool
    """It runs other code than a new one would."""
    going: int
    queued: int


def ensure(command: Sequence[str] = COMMAND) -> bool:
    """Start an engine unless one is alive; whether this call started one.

    Quick where one is alive, so that it can be called every few seconds. One whose code has changed on the disk since
    is asked to end when its last run has; this call starts its successor if no run is going, else a later one does.
    """
    # One at a time: an engine that came second would wait for the lock, and might get it when the first is stopped.
    with lock.held(database.home() / "engine-start.lock"):
        return _make_room() and _start(command)


def _make_room() -> bool:
    """Whether there is no engine, or one with other code that could be made to end now."""
    if lock.is_free(lock_path()):
        return True
    if not _asked_to_retire() or runs.ids(*runs.GOING):
        return False
    return _wait_until_free()


def _asked_to_retire() -> bool:
    engine = site.last_engine()
    if engine is None or engine.version == code_version():
        return False
    site.ask_engine_to_retire()
    return True


def _start(command: Sequence[str]) -> bool:
    """Start an engine, and wait until it is one; whether it became one."""
    process = _launch(command)
    deadline = time.monotonic() + START_SECONDS
    while not _is_engine(process.pid) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY)
    # The interpreter wants every child waited for, and one that is not stays a zombie.
    threading.Thread(target=process.wait, daemon=True).start()
    return process.poll() is None


def _is_engine(pid: int) -> bool:
    engine = site.last_engine()
    return engine is not None and engine.pid == pid


def status() -> Status:
    """How the engine is."""
    alive = not lock.is_free(lock_path())
    engine = site.last_engine() if alive else None
    return Status(
        alive=alive,
        pid=engine.pid if engine else None,
        started=engine.started if engine else None,
        outdated=engine is not None and engine.version != code_version(),
        going=len(runs.ids(*runs.GOING)),
        queued=len(runs.ids("queued")),
    )


def stop() -> bool:
    """Stop the engine and wait for its end; whether one was alive. Its runs become interrupted.

    Raises Refused if it does not end.
    """
    if lock.is_free(lock_path()):
        return False
    if not _wait_until_free(stop=True):
        because = say(
            "It was asked to, {seconds} s ago. Its log is {log}.",
            seconds=STOP_SECONDS,
            log=lock_path().with_suffix(".log"),
        )
        raise Refused(Problem(code="engine/deaf", title=say("The engine does not end"), because=because))
    return True


def lock_path() -> Path:
    """What an engine holds as long as it lives."""
    return database.home() / "engine.lock"


def _wait_until_free(stop: bool = False) -> bool:
    deadline = time.monotonic() + STOP_SECONDS
    while not lock.is_free(lock_path()):
        if time.monotonic() > deadline:
            return False
        if stop:
            site.ask_engine_to_stop()  # each time: an engine that is just starting has not given its name yet
        time.sleep(LOOK_EVERY)
    return True


def _launch(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start the engine apart from us: neither our end nor a Ctrl-C in our terminal reaches it."""
    try:
        log = files.open_log(database.home() / "engine.log")
    except OSError as error:
        because = say("Its log cannot be opened: {reason}.", reason=error.strerror or str(error))
        raise Refused(Problem(code="engine/log", title=say("The engine cannot be started"), because=because)) from error
    windows_flags = getattr(subprocess, "DETACHED_PROCESS", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    try:
        return subprocess.Popen(  # noqa: S603 - the command is ours
            command,
            cwd=ROOT,
            env=os.environ | {"LAYERLAB_HOME": str(database.home())},  # a relative one would mean another folder there
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            creationflags=windows_flags,
        )
    finally:
        os.close(log)
