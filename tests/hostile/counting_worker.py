"""A worker that counts instead of training, so that it starts at once; it keeps how far it is, and goes on from there.

As long as `limited` stands in its home, its files may not grow beyond 100 kB, as on a full disk.
"""

import json
import sys
import time

from builder import worker
from builder.control import Control
from builder.store import checkpoints, database
from builder.store.history import Recorder
from builder.store.runs import EndStatus, Run
from tests.engine.fake_worker import Outcome

LIMIT = 100_000
ENDINGS: dict[str, EndStatus] = {"stop": "stopped", "interrupt": "interrupted"}


def limit_files(size: int = LIMIT) -> None:
    """From now on this process meets what it would meet on a full disk: no file grows beyond `size` bytes."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def count(run: Run, recorder: Recorder, control: Control) -> Outcome:
    if (database.home() / "limited").exists():
        limit_files()
    keeper = checkpoints.Keeper(run.id)
    step, start = checkpoints.newest(run.id) or (0, b"null")
    recorder.resume(json.loads(start))
    while (word := control.poll(step)) in ("run", "pause") and step < run.experiment.get("steps", 10**9):
        if word == "run":
            step += 1
            recorder.add("train/loss", step, 1 / step)
            recorder.progress(step, 0, 0.0, 0.0)
        recorder.tick()
        time.sleep(0.002)
    recorder.flush()
    keeper.keep(step, json.dumps(recorder.state()).encode())
    return Outcome(ENDINGS.get(word, "finished"))


if __name__ == "__main__":
    assert "torch" not in sys.modules
    worker.TELL_SECONDS = 0.2
    worker.main(lambda: count)
