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

from builder import cards
from builder.analysis import check
from builder.control import Control
from builder.design import read
from builder.design.experiment import Execution, Wish
from builder.problem import Problem, Refused, say
from builder.store import checkpoints, database, runs
from builder.store.history import Recorder
from builder.store.runs import EndStatus, Run
from builder.store.trouble import UNTOLD, Unanswered

NICENESS = 5
"""Pages answer quickly while workers use every core."""
END_SECONDS = 8
"""How long a run may take to stop once the engine is gone."""
TELL_SECONDS = 5
"""How long a worker tries to write down how its run ended; then it leaves that to the engine."""

log = logging.getLogger("layerlab.worker")


class Outcome(Protocol):
    """What the worker needs to know of how training ended."""

    @property
    def status(self) -> EndStatus: ...
    @property
    def metrics(self) -> Mapping[str, float]: ...
    @property
    def problem(self) -> Problem | None: ...


Training: TypeAlias = Callable[[Run, Recorder, Control], Outcome]


def main(load_training: Callable[[], Training], load_later: Callable[[], object] = lambda: None) -> None:
    """Be a worker. `load_training` imports what takes long, and returns what trains a run.

    `load_later` imports what a run needs at its end, while the worker waits or trains.
    """
    logging.basicConfig(format="%(asctime)s %(message)s")
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    training = load_training()
    database.engine()
    try:
        _say_ready()
    except BrokenPipeError:  # the engine ended meanwhile
        return
    threading.Thread(target=load_later, daemon=True).start()
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
    told = _carry_out(run, training, engine_gone)
    database.close()
    if not told:
        sys.exit(UNTOLD)


def _say_ready() -> None:
    os.write(sys.stdout.fileno(), b"ready\n")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever is printed from now on belongs into the log


def _watch(pipe: io.FileIO, engine_gone: threading.Event) -> None:
    pipe.read(1)  # nothing more is ever sent: this returns when the engine closes the pipe, or dies
    engine_gone.set()
    time.sleep(END_SECONDS)
    log.error("the run did not stop within %d s", END_SECONDS)
    os._exit(1)


def _carry_out(run: Run, training: Training, engine_gone: threading.Event) -> bool:
    """Train, and give the run its final status whatever happens; whether the store took it."""
    status, problem, summary = _trained(run, training, engine_gone)
    start = time.monotonic()
    while True:
        try:
            runs.finish(run.id, status, problem, summary)
            return True
        except Unanswered as unanswered:
            log.warning("run %s ended as %s, and the store does not take it: %s", run.id, status, unanswered)
        if time.monotonic() - start > TELL_SECONDS:
            return False
        time.sleep(TELL_SECONDS / 10)


def _trained(
    run: Run, training: Training, engine_gone: threading.Event
) -> tuple[EndStatus, Problem | None, dict[str, float] | None]:
    """Train; how that ended, what went wrong, and the last metrics."""
    try:
        recorder = Recorder(run.id)
        try:
            outcome = training(run, recorder, Control(run.id, engine_gone))
        finally:
            recorder.close()
    except Refused as refusal:
        return "failed", refusal.problems[0], None
    except Exception as error:
        # However broad, it is right here: this process ends, and whatever went wrong must reach a person.
        log.exception("run %s crashed", run.id)
        return "failed", _crashed(error), None
    problem = outcome.problem
    if outcome.status == "interrupted" and problem is None:
        problem = _engine_ended()
    return outcome.status, problem, dict(outcome.metrics)


def _crashed(error: Exception) -> Problem:
    because = say("{kind}: {message}", kind=type(error).__name__, message=str(error)[:2000] or say("no message"))
    return Problem(code="run/crashed", title=say("Training crashed"), because=because)


def _engine_ended() -> Problem:
    because = say("The engine that looked after it ended.")
    return Problem(code="run/interrupted", title=say("The run was interrupted"), because=because)


def load_torch() -> Training:
    """Import torch, which takes seconds, and return what trains an experiment with it."""
    import sklearn.datasets  # noqa: F401 - the first data set would import it, a second after the click
    import torch._dynamo  # the first optimizer would import it, a second after the click

    from builder import data
    from builder.train import memory
    from builder.train.execution import choose
    from builder.train.run import ENDINGS, train
    from builder.train.run import Outcome as Ended

    def training(run: Run, recorder: Recorder, control: Control) -> Outcome:
        experiment = read.experiment(run.experiment)
        errors = [problem for problem in check(experiment)[1] if problem.severity == "error"]
        if errors:
            raise Refused(*errors)
        chosen = "torch" in run.execution  # at an earlier start
        execution = (Execution if chosen else Wish).model_validate(run.execution)
        card = None
        if execution.device != "cpu" and torch.cuda.is_available():
            card = cards.borrow(torch.cuda.device_count(), control, run.step)
            if isinstance(card, str):  # a person, or the end of the engine, was faster than a free card
                return Ended(ENDINGS[card], run.step, run.epoch, run.seconds)
            torch.cuda.set_device(card.index)
        arrays = data.load(experiment.data)
        if isinstance(execution, Wish):
            execution = choose(experiment, execution, arrays)
        if card and execution.device == "cpu":  # which was faster
            card.lock.close()
        samples = len(next(iter(arrays.parts["train"].values())))
        epochs, per_epoch = experiment.recipe.length.epochs, experiment.recipe.batch.count(samples)
        length = {"total_steps": per_epoch * epochs, "epochs": epochs}
        runs.update(run.id, execution=execution.model_dump(mode="json"), **length)
        keeper = checkpoints.Keeper(run.id)
        step, start = checkpoints.newest(run.id) or (-1, None)
        keeper.cut(step)
        control.prepare(step, per_epoch, per_epoch * epochs)
        memory.refuse_too_large(experiment, execution)
        memory.limit_process(execution.device)
        try:
            return train(experiment, execution, arrays, recorder, control, keeper, start)
        except (RuntimeError, MemoryError) as error:
            if not memory.is_out_of_memory(error):
                raise
            log.exception("run %s ran out of memory", run.id)
            raise Refused(memory.ran_out(experiment, execution)) from error

    return training


def load_later() -> None:
    """Metrics are wanted when a run ends, and a GPU takes seconds to wake."""
    import torch
    import torchmetrics.functional  # noqa: F401

    if torch.cuda.is_available():
        torch.cuda.init()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main(load_torch, load_later)
