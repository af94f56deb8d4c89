"""Files that were cut short or have a bit flipped: a design, a run's database, a checkpoint.

None may be loaded as something else than it says, none may end in a traceback, and other runs are still listed.
"""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

from builder.blocks import example
from builder.design import read
from builder.design.network import to_json
from builder.problem import Refused
from builder.store import checkpoints, database, documents, history, runs, secret, views
from tests.hostile.kills import new_home


def damaged(whole: bytes, times: int) -> Iterator[bytes]:
    """So many truncations and so many with one bit flipped."""
    for _ in range(times):
        yield whole[: random.randrange(1, len(whole))]
    for _ in range(times):
        flipped = bytearray(whole)
        flipped[random.randrange(len(whole))] ^= 1 << random.randrange(8)
        yield bytes(flipped)


# A design --------------------------------------------------------------------------------------------------------


def damages_of_a_design(times: int) -> None:
    """Refused, or read as what now stands in the file: JSON has no checksum, and nothing is guessed."""
    whole = json.dumps(to_json(example("digits-cnn")), indent=1).encode()
    refused = 0
    for data in damaged(whole, times):
        try:
            experiment = read.any_design(read.text(data))
        except Refused as refusal:
            assert refusal.problems
            refused += 1
        else:
            _assert_says(to_json(experiment), json.loads(data))
    assert refused > times


def _assert_says(read_as: object, stands: object) -> None:
    """Whatever is in the file is in what was read; what was left out of the file has its default."""
    if isinstance(stands, dict):
        assert isinstance(read_as, dict)
        for key in stands.keys() & read_as.keys():
            _assert_says(read_as[key], stands[key])
    elif isinstance(stands, list):
        assert isinstance(read_as, list) and len(read_as) == len(stands)
        for mine, theirs in zip(read_as, stands, strict=True):
            _assert_says(mine, theirs)
    else:
        assert read_as == stands


# A checkpoint ----------------------------------------------------------------------------------------------------


def damages_of_a_checkpoint(times: int) -> None:
    """A damaged one is passed over for the one before it; bytes that are no moment are a ValueError, and nothing else."""
    import torch

    from builder.train.moment import pack, unpack

    first, second = (pack({"network": {"weight": torch.randn(20, 20)}, "step": step}) for step in (10, 20))
    with new_home() as home:
        run = runs.submit("ada", "Digits", to_json(example("playground"))).id
        keeper = checkpoints.Keeper(run)
        keeper.keep(10, first)
        keeper.keep(20, second)
        (path,) = (home / "runs" / run).glob("000000000020*")
        for data in damaged(second, times):
            path.write_bytes(data)
            assert checkpoints.newest(run) == (10, first)
            try:
                unpack(data)
            except ValueError:
                continue


# The database ----------------------------------------------------------------------------------------------------


def damages_of_the_database(times: int) -> None:
    """Whatever is asked of it is answered, or refused with a Problem."""
    with new_home() as home:
        _fill()
        database.close()
        whole = (home / "layerlab.db").read_bytes()
        assert not (home / "layerlab.db-wal").exists()
        answered = 0
        for data in damaged(whole, times):
            _put(home, data)
            answered += sum(_is_answered(question) for question in QUESTIONS)
            database.close()
        assert answered > 0


def _fill() -> None:
    document = to_json(example("playground"))
    for number in range(20):
        run = runs.submit("ada", f"Run {number}", document, design=f"design{number:06d}").id
        recorder = history.Recorder(run)
        for step in range(1, 1_100):
            recorder.add("train/loss", step, 1 / step)
        recorder.view("boundary", 3, {"shape": [2]}, b"12345678")
        recorder.progress(1_099, 3, 1.5, 100.0)
        recorder.close()
        runs.command("ada", run, "pause")
        runs.finish(run, "finished", None, {"test/loss": 0.5})
        documents.create("ada", f"Design {number}", document)
    runs.submit("ada", "Waiting", document)


def _put(home: Path, data: bytes) -> None:
    for leftover in home.glob("layerlab.db-*"):
        leftover.unlink()
    (home / "layerlab.db").write_bytes(data)


def _is_answered(question: Callable[[], object]) -> bool:
    try:
        question()
    except Refused as refused:
        assert all(problem.title and problem.because for problem in refused.problems)
        return False
    return True


def _each_run() -> None:
    for run in runs.listing("ada", 100):
        history.read(run.id, 0)
        views.read(run.id, "boundary", 0)
        runs.commands_after(run.id, 0)
        checkpoints.newest(run.id)
        read.experiment(run.experiment)


def _each_design() -> None:
    for line in documents.listing("ada"):
        draft = documents.get("ada", line.id)
        if draft is not None:
            read.experiment(draft.document)


def _claimed() -> None:
    run = runs.claim()
    if run is not None:
        runs.finish(run.id, "interrupted")


QUESTIONS: tuple[Callable[[], object], ...] = (
    database.engine,
    secret,
    lambda: runs.listing("ada", 100),
    _each_run,
    lambda: documents.latest("ada"),
    _each_design,
    runs.app_alive,
    runs.seconds_since_app,
    lambda: runs.ids("queued"),
    _claimed,
    runs.clear_out,
    lambda: documents.create("ada", "New", {"name": "New"}),
)


KINDS = {
    "a design": damages_of_a_design,
    "a checkpoint": damages_of_a_checkpoint,
    "the database": damages_of_the_database,
}


def damages(kind: str, times: int) -> None:
    """So many truncations and so many bit flips of one kind of file."""
    KINDS[kind](times)
