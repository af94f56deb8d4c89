"""One run in one process: `python -m builder.worker`, started by the engine.

It imports what training needs, says that it is ready, reads the id of a run from its input, trains, records, ends.
The end of its input means that the engine is gone: then it stops the run as interrupted, and ends too.
"""

import io
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from builder.analysis import check
from builder.design import read
from builder.design.experiment import Execution
from builder.problem import Problem, Refused, say
from builder.store import checkpoints, database, runs
from builder.store.history import Recorder
from builder.store.runs import EndStatus, Run

NICENESS = 5
"""Pages answer quickly while workers use every core."""
END_SECONDS = 8
"""How long a run may take to stop once the engine is gone."""

log = logging.getLogger("layerlab.worker")


class Outcome(Protocol):
    """What the worker needs to know of how training ended."""

    @property
    def status(self) -> EndStatus: ...
    @property
    def metrics(self) -> Mapping[str, float]: ...
    @property
    def problem(self) -> Problem | None: ...


class Control:
    """What the loop asks what to do; it finds the answers in the store."""

    def __init__(self, run_id: str, engine_gone: threading.Event) -> None:
        self._run = run_id
        self._engine_gone = engine_gone
        self._seq = 0
        self._word = "run"

    def poll(self, step: int) -> str:
        """`run`, `pause`, `stop` or `interrupt`; new commands take effect at `step`, which is written down."""
        if self._engine_gone.is_set():
            return "interrupt"
        for command in runs.commands_after(self._run, self._seq):
            self._seq = command.seq
            if command.step is not None:
                continue  # obeyed before the run was resumed
            if self._word != "stop":  # nothing comes after a stop
                self._apply(command.kind)
            runs.applied(self._run, command.seq, step)
        return self._word

    def _apply(self, kind: runs.CommandKind) -> None:
        self._word = {"pause": "pause", "resume": "run", "stop": "stop"}[kind]
        if self._word != "stop":
            runs.update(self._run, status="paused" if self._word == "pause" else "running")


Training: TypeAlias = Callable[[Run, Recorder, Control], Outcome]


def main(load_training: Callable[[], Training]) -> None:
    """Be a worker. `load_training` imports what takes long, and returns what trains a run."""
    logging.basicConfig(format="%(asctime)s %(message)s")
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    training = load_training()
    database.engine()
    try:
        _say_ready()
    except BrokenPipeError:  # the engine ended meanwhile
        return
    # Unbuffered: a thread that waits in a buffered read holds a lock that the interpreter needs when it ends.
    pipe = io.FileIO(sys.stdin.fileno(), closefd=False)
    run_id = pipe.readline().decode().strip()
    if not run_id:  # the engine ended before there was a run for us
        return
    engine_gone = threading.Event()
    threading.Thread(target=_watch, args=(pipe, engine_gone), daemon=True).start()
    run = runs.find(run_id)
    if run is None:
        log.error("there is no run %s", run_id)
        return
    runs.update(run_id, status="running")
    _carry_out(run, training, engine_gone)
    database.close()


def _say_ready() -> None:
    os.write(sys.stdout.fileno(), b"ready\n")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever is printed from now on belongs into the log


def _watch(pipe: io.FileIO, engine_gone: threading.Event) -> None:
    pipe.read(1)  # nothing more is ever sent: this returns when the engine closes the pipe, or dies
    engine_gone.set()
    time.sleep(END_SECONDS)
    log.error("the run did not stop within %d s", END_SECONDS)
    os._exit(1)


def _carry_out(run: Run, training: Training, engine_gone: threading.Event) -> None:
    """Train, and give the run its final status whatever happens."""
    try:
        recorder = Recorder(run.id)
        try:
            outcome = training(run, recorder, Control(run.id, engine_gone))
        finally:
            recorder.close()
    except Refused as refusal:
        runs.finish(run.id, "failed", refusal.problems[0])
    except Exception as error:
        # However broad, it is right here: this process ends, and whatever went wrong must reach a person.
        log.exception("run %s crashed", run.id)
        runs.finish(run.id, "failed", _crashed(error))
    else:
        problem = outcome.problem
        if outcome.status == "interrupted" and problem is None:
            problem = _engine_ended()
        runs.finish(run.id, outcome.status, problem, dict(outcome.metrics))


def _crashed(error: Exception) -> Problem:
    because = say("{kind}: {message}", kind=type(error).__name__, message=str(error)[:2000] or say("no message"))
    return Problem(code="run/crashed", title=say("Training crashed"), because=because)


def _engine_ended() -> Problem:
    because = say("The engine that looked after it ended.")
    return Problem(code="run/interrupted", title=say("The run was interrupted"), because=because)


def load_torch() -> Training:
    """Import torch, which takes seconds, and return what trains an experiment with it."""
    import sklearn.datasets  # noqa: F401 - the first data set would import it, a second after the click
    import torch._dynamo  # noqa: F401 - the first optimizer would import it, a second after the click

    from builder import data
    from builder.train.execution import choose
    from builder.train.run import train

    def training(run: Run, recorder: Recorder, control: Control) -> Outcome:
        experiment = read.experiment(run.experiment)
        errors = [problem for problem in check(experiment)[1] if problem.severity == "error"]
        if errors:
            raise Refused(*errors)
        wish = run.execution
        execution = choose(experiment, wish["device"]) if wish.keys() == {"device"} else Execution.model_validate(wish)
        arrays = data.load(experiment.data)
        samples = len(next(iter(arrays.parts["train"].values())))
        recipe = experiment.recipe
        length = {
            "total_steps": recipe.batch.count(samples) * recipe.length.epochs,
            "epochs": recipe.length.epochs,
        }
        runs.update(run.id, execution=execution.model_dump(mode="json"), **length)
        keeper = checkpoints.Keeper(run.id)
        step, start = checkpoints.newest(run.id) or (-1, None)
        keeper.cut(step)
        return train(experiment, execution, arrays, recorder, control, keeper, start)

    return training


if __name__ == "__main__":
    main(load_torch)
