"""A worker that counts instead of training, so that it starts at once. What it does is in the experiment:

`steps` to count (else without end), `raise` a message, `refuse`, `deaf` to whatever is asked of it, tell its `threads`.
A probe looks for `seconds`, and is `deaf` or told to stop; it may `raise` and `refuse` as well.
"""

import os
import sys
import time
from dataclasses import dataclass, field

from builder import worker
from builder.probing import Stop, Tell
from builder.problem import Json, Problem, Refused
from builder.store import runs
from builder.store.history import Recorder
from builder.store.probes import Probe
from builder.store.runs import EndStatus, Run


@dataclass(frozen=True)
class Outcome:
    status: EndStatus
    metrics: dict[str, float] = field(default_factory=dict)
    problem: Problem | None = None


def count(run: Run, recorder: Recorder, control: worker.Control) -> Outcome:
    print("this goes to the log")
    if "raise" in run.experiment:
        raise ValueError(run.experiment["raise"])
    if "refuse" in run.experiment:
        raise Refused(Problem(code="data/none", title="There is no data", because="For a test."))
    if "threads" in run.experiment:
        runs.update(run.id, execution={name: os.environ[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")})
    word = "run"
    step = 0
    while step < run.experiment.get("steps", 10**9) and word in ("run", "pause"):
        if word == "run":
            step += 1
            recorder.add("train/loss", step, 1 / step)
            recorder.progress(step, 0, 0.0, 0.0)
        recorder.tick()
        time.sleep(0.002)
        if "deaf" not in run.experiment:
            word = control.poll(step)
    endings: dict[str, EndStatus] = {"stop": "stopped", "interrupt": "interrupted"}
    return Outcome(endings.get(word, "finished"), {"test/loss": 0.5, "steps": step})


def look(probe: Probe, tell: Tell, stop: Stop) -> dict[str, Json]:
    if "raise" in probe.experiment:
        raise ValueError(probe.experiment["raise"])
    if "refuse" in probe.experiment:
        raise Refused(Problem(code="data/none", title="There is no data", because="For a test."))
    seconds, begun = probe.experiment.get("seconds", 0.0), time.monotonic()
    stopped = False
    while time.monotonic() - begun < seconds and not stopped:
        tell((time.monotonic() - begun) / seconds)
        time.sleep(0.01)
        stopped = "deaf" not in probe.experiment and stop()
    return {"worker": os.getpid(), "stopped": stopped}


if __name__ == "__main__":
    assert "torch" not in sys.modules
    worker.END_SECONDS = 2
    worker.main(lambda: count, looking=look)
