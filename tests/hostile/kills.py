"""Processes that are killed at a random moment, again and again, and what must be there afterwards.

Each is forked from one that has imported everything, so that a kill costs milliseconds. To be run in a process without
threads: `python -m tests.hostile.thousandfold`.
"""

import contextlib
import errno
import json
import os
import random
import select
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from builder import files
from builder.blocks import example
from builder.design import read
from builder.design.network import to_json
from builder.problem import Set
from builder.store import checkpoints, database, documents, editing, history, runs
from builder.store.trouble import untold
from tests.hostile.counting_worker import limit_files

Say = Callable[[str], None]
PATIENCE = 60
"""Seconds until something that must come is missed."""


@contextlib.contextmanager
def new_home() -> Iterator[Path]:
    """A LAYERLAB_HOME of its own, with spaces and an owl in its name."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="layerlab thousandfold 🦉 ") as folder:
        os.environ["LAYERLAB_HOME"] = folder
        os.environ.pop("LAYERLAB_STORE", None)
        try:
            yield Path(folder)
        finally:
            database.close()
            os.environ.clear()
            os.environ.update(before)


class Child:
    """A fork that works, says lines, and can be killed."""

    def __init__(self, work: Callable[[Say], None]) -> None:
        database.close()  # a connection must not be shared over a fork
        self._from, to = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self._be(work, to)
        os.close(to)

    @staticmethod
    def _be(work: Callable[[Say], None], to: int) -> None:
        status = 1
        try:
            work(lambda line: os.write(to, line.encode() + b"\n") and None)
            status = 0
        except BaseException:  # noqa: BLE001 - a fork must never go on as its parent
            traceback.print_exc()
        finally:
            os._exit(status)

    def first_word(self) -> None:
        """Wait until it has said something, or ended."""
        select.select([self._from], [], [], PATIENCE)

    def kill(self) -> list[str]:
        """Kill it with SIGKILL; every line that it said, the last one whole."""
        os.kill(self.pid, signal.SIGKILL)
        return self.end()[1]

    def end(self) -> tuple[bool, list[str]]:
        """Wait for its end; whether that was a clean one, and what it said."""
        with os.fdopen(self._from, "rb") as words:
            said = words.read().decode().splitlines()
        _, status = os.waitpid(self.pid, 0)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status):
            raise AssertionError("the process crashed by itself")
        return os.WIFEXITED(status), said


# Saves of a design -----------------------------------------------------------------------------------------------


def kills_during_saves(times: int) -> None:
    """Edits of a design, and saves of its file, killed: both are the old or the new one, and nothing said is lost."""
    with new_home() as home:
        document = to_json(example("playground"))
        design = documents.create("ada", "n 0", document | {"name": "n 0"}).id
        path = home / "design.json"
        for _ in range(times):
            child = Child(lambda say: _save_for_ever(design, path, say))
            child.first_word()
            time.sleep(random.uniform(0, 0.02))
            said = [int(line) for line in child.kill()]
            _check_saved(design, path, said[-1])
        with database.reading() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        left = list(home.glob(files.TEMPORARY + "*"))
        assert len(left) <= times
        for leftover in left:
            os.utime(leftover, (0, 0))
        assert files.sweep(home) == len(left)


def _save_for_ever(design: str, path: Path, say: Say) -> None:
    draft = documents.get("ada", design)
    assert draft is not None
    while True:
        number = draft.revision
        changes = [Set(path="name", value=f"n {number}"), Set(path="recipe.seed", value=number)]
        draft = editing.edit("ada", design, draft.revision, changes)
        files.write(path, json.dumps(draft.document).encode())
        say(str(number))


def _check_saved(design: str, path: Path, said: int) -> None:
    found = documents.get("ada", design)
    assert found is not None
    number = found.revision - 1
    assert said <= number <= said + 1, (said, number)
    for document in (found.document, json.loads(path.read_bytes())):
        kept = document["recipe"]["seed"]
        assert document["name"] == f"n {kept}"
        assert said <= kept <= number
        assert read.experiment(document).recipe.seed == kept


# Checkpoints -----------------------------------------------------------------------------------------------------


def kills_during_checkpoints(times: int) -> None:
    """Moments kept, each step twice, and killed: the last one said, or the one after it, is there to the byte."""
    with new_home() as home:
        run = runs.submit("ada", "Digits", to_json(example("playground"))).id
        for _ in range(times):
            child = Child(lambda say: _keep_for_ever(run, say))
            child.first_word()
            time.sleep(random.uniform(0, 0.02))
            step, version = map(int, child.kill()[-1].split())
            newest = checkpoints.newest(run)
            assert newest is not None
            either = [(step, version), (step + version, 1 - version)]
            assert newest in [(number, _bytes(number, edition)) for number, edition in either], (newest[0], step)
            checkpoints.Keeper(run).cut(newest[0])
            assert len(list((home / "runs" / run).iterdir())) == len(checkpoints.steps(run))


def _keep_for_ever(run: str, say: Say) -> None:
    newest = checkpoints.newest(run)
    keeper = checkpoints.Keeper(run)
    step = newest[0] if newest else 0
    while True:
        step += 1
        for version in (0, 1):
            keeper.keep(step, _bytes(step, version))
            say(f"{step} {version}")


def _bytes(step: int, version: int) -> bytes:
    return f"{step:012d} {version} ".encode() * 5_000


# Workers ---------------------------------------------------------------------------------------------------------

DESIGNS = (
    "a dense network with Adam",
    "convolutions with batch norm, dropout and momentum",
    "an LSTM with a cosine",
    "LBFGS",
)
"""Of `tests/train/test_resume.py`."""

TIMED = ("seconds", "best", "history")
"""Of a moment: how long training took, the score of the best moment that there was time to keep, and the series, which are compared as they are read."""


def kills_of_workers(name: str, times: int) -> None:
    """A run whose workers are killed goes on each time, and ends to the last bit as one that nobody touched."""
    training = _prepared()
    with new_home():
        untouched = _submitted(name)
        _train(untouched, training).end()
        assert _found(untouched).status == "finished", _found(untouched).problem
        killed = 0
        while killed < times:
            run = _submitted(name)
            killed += _kill_on_the_way(run, training, times - killed)
            _compare(untouched, run)


def engines_that_leave(times: int) -> None:
    """A run whose engine is gone keeps just where it is, is interrupted, and goes on to the bit."""
    training = _prepared()
    with new_home():
        untouched = _submitted(DESIGNS[0])
        assert _train(untouched, training).end()[0]
        for trial in range(times):
            run = _submitted(DESIGNS[0])
            assert _train(run, training, engine=_Leaving(looks=1 + trial % 4)).end()[0]
            ended, newest = _found(run), checkpoints.newest(run)
            assert trial % 4 or ended.status == "interrupted", "it looks at least twice"
            assert newest is not None and newest[0] == ended.step
            if ended.status == "interrupted":
                _go_on(run, training)
            _compare(untouched, run)


class _Leaving(threading.Event):
    """Comes to pass after so many looks."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    def is_set(self) -> bool:
        self.looks -= 1
        return self.looks < 0


def full_disks(times: int) -> None:
    """A run that finds the disk full fails in words, or cannot even say so; once there is room it goes on to the bit."""
    training = _prepared()
    with new_home():
        untouched = _submitted(DESIGNS[0])
        assert _train(untouched, training).end()[0]
        for _ in range(times):
            for full in (_nothing_grows, _no_checkpoint_fits):
                run = _submitted(DESIGNS[0])
                assert _train(run, training, before=full).end()[0]
                ended = _found(run)
                if ended.status == "running" and full is _nothing_grows:  # the exit status tells the engine
                    runs.finish(run, "failed", untold())
                else:
                    assert ended.status == "failed" and ended.problem is not None, ended.status
                    assert ended.problem["code"] in ("store/full", "checkpoint/not-written"), ended.problem
                _go_on(run, training)
                _compare(untouched, run)


def _nothing_grows() -> None:
    limit_files(random.randrange(4_000, 20_000))


def _no_checkpoint_fits() -> None:
    def write(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    files.write = write


def _go_on(run: str, training: Any) -> None:
    runs.resume("ada", run)
    assert _train(run, training).end()[0]


def _prepared() -> Any:
    """What trains, in a process that looks and keeps much more often than a real one."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from builder import worker
    from builder.train import watch

    watch.LOOK_EVERY = 0.005
    checkpoints.EVERY_SECONDS, checkpoints.SHARE = 0.02, 1.0
    return worker.load_torch()


def _submitted(name: str) -> str:
    from tests.train.test_resume import EXPERIMENTS

    return runs.submit("ada", name, to_json(EXPERIMENTS[name]()), device="cpu").id


def _found(run: str) -> runs.Run:
    found = runs.find(run)
    assert found is not None
    return found


def _train(
    run: str, training: Any, engine: threading.Event | None = None, before: Callable[[], None] = lambda: None
) -> Child:
    """A worker that has just got the run; `engine` comes to pass when that leaves, `before` is done first."""
    from builder import worker

    claimed = runs.claim()
    assert claimed is not None and claimed.id == run
    runs.update(run, status="running")

    def work(_say: Say) -> None:
        worker.TELL_SECONDS = 0.2
        before()
        worker._carry_out(claimed, training, engine or threading.Event())

    return Child(work)


def _kill_on_the_way(run: str, training: Any, at_most: int) -> int:
    """Kill the run's workers, at most so often, until it ends; how often that was."""
    killed = 0
    while _found(run).status == "queued":
        kept = checkpoints.steps(run)[-1:]
        child = _train(run, training)
        if killed == at_most:
            child.end()
            break
        _wait(lambda kept=kept: checkpoints.steps(run)[-1:] > kept or _found(run).status != "running")
        time.sleep(random.uniform(0, 0.05))
        child.kill()
        if _found(run).status == "running":
            killed += 1
            runs.finish(run, "interrupted")
            runs.resume("ada", run)
    return killed


def _wait(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def _compare(untouched: str, killed: str) -> None:
    from builder.train.moment import unpack
    from tests.train.test_resume import assert_equal

    one, other = _found(untouched), _found(killed)
    for what in ("problem", "status", "step", "epoch", "summary"):
        assert getattr(one, what) == getattr(other, what), (what, getattr(one, what), getattr(other, what))
    assert sorted(one.series) == sorted(other.series), "their order is that in which they were told first"
    for name in one.series:
        assert history.series_values(untouched, name) == history.series_values(killed, name), name
    moments = [checkpoints.newest(run) for run in (untouched, killed)]
    assert moments[0] is not None and moments[1] is not None and moments[0][0] == moments[1][0] == one.step
    kept = [unpack(data) for _, data in (moments[0], moments[1])]
    for moment in kept:
        moment["optimizer"] = moment["optimizer"]["state"]  # the rest of it is set anew at every step
    for what in kept[0].keys() | kept[1].keys():
        if what not in TIMED:
            with _told(what):
                assert_equal(kept[0][what], kept[1][what])


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except AssertionError as error:
        raise AssertionError(f"{what} differs {error}") from error
