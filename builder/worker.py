"""One run at a time in a process of its own: `python -m builder.worker`, started by the engine.

It imports what training needs, says that it is ready, reads the id of a run from its input, trains, records, and says
that it is ready again: importing takes longer than a short run. A line that begins with `probe` names a short look at an
experiment instead. The end of its input means that the engine is gone: then it stops the run as interrupted, and ends too.
"""

import gc
import io
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from builder import cards, probing
from builder.analysis import check
from builder.control import Control
from builder.design import read
from builder.design.experiment import Execution, Wish
from builder.engine.worker_process import PROBE
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

RUNS_EACH = 50
"""Then a fresh process takes over, whatever the old one may have gathered."""

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


def main(
    load_training: Callable[[], Training],
    load_later: Callable[[], object] = lambda: None,
    runs_each: int = 1,
    looking: probing.Looking = probing.look_with_torch,
) -> None:
    """Be a worker. `load_training` imports what takes long, and returns what trains a run; `looking` carries out a probe.

    `load_later` imports what a run needs at its end, while the worker waits or trains. A worker ends after `runs_each`
    runs and probes, and after one that went wrong: nobody knows in what state it left the process.
    """
    logging.basicConfig(format="%(asctime)s %(message)s")
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    training = load_training()
    database.engine()
    gc.freeze()  # what is here stays: to look through all of it after each run would take longer than to begin the next one
    voice = _voice()
    engine_gone = threading.Event()
    given: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(given, engine_gone), daemon=True).start()
    for number in range(runs_each):
        try:
            os.write(voice, b"ready\n")
        except BrokenPipeError:  # the engine ended meanwhile
            break
        if number == 0:
            threading.Thread(target=load_later, daemon=True).start()
        if not _serve_line(given.get(), training, looking, engine_gone):
            break
    database.close()


def _serve_line(line: str, training: Training, looking: probing.Looking, engine_gone: threading.Event) -> bool:
    """Do what a line of the engine's says; whether this process can take another one."""
    word, _, id = line.rpartition(" ")
    if word == PROBE:
        return probing.carry_out(id, looking, engine_gone)
    return bool(line) and _serve(line, training, engine_gone)


def _voice() -> int:
    """Where the engine listens. Whatever is printed from now on belongs into the log."""
    voice = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return voice


def _listen(given: "queue.SimpleQueue[str]", engine_gone: threading.Event) -> None:
    """Hand on every line of the engine's; the end of the pipe, an empty one, is the end of the engine."""
    # Unbuffered: a thread that waits in a buffered read holds a lock that the interpreter needs when it ends.
    pipe = io.FileIO(sys.stdin.fileno(), closefd=False)
    while line := pipe.readline().decode().strip():
        given.put(line)
    engine_gone.set()
    given.put("")
    time.sleep(END_SECONDS)
    log.error("the run did not stop within %d s", END_SECONDS)
    os._exit(1)


def _serve(run_id: str, training: Training, engine_gone: threading.Event) -> bool:
    """Carry out a run; whether this process can take another one."""
    run = runs.find(run_id)
    if run is None:
        log.error("there is no run %s", run_id)
        return False
    runs.update(run_id, run.started, status="running")
    status = _carry_out(run, training, engine_gone)
    if status is None:
        database.close()
        sys.exit(UNTOLD)
    gc.collect()
    ended = runs.find(run_id)  # it may go on by now, resumed by a person
    return status in ("finished", "stopped") and ended is not None and ended.execution.get("device") != "cuda"


def _carry_out(run: Run, training: Training, engine_gone: threading.Event) -> EndStatus | None:
    """Train, and give the run its final status whatever happens; that status, None where the store did not take it."""
    status, problem, summary = _trained(run, training, engine_gone)
    start = time.monotonic()
    while True:
        try:
            runs.finish(run.id, status, problem, summary, run.started)
            return status
        except Unanswered as unanswered:
            log.warning("run %s ended as %s, and the store does not take it: %s", run.id, status, unanswered)
        if time.monotonic() - start > TELL_SECONDS:
            return None
        time.sleep(TELL_SECONDS / 10)


def _trained(
    run: Run, training: Training, engine_gone: threading.Event
) -> tuple[EndStatus, Problem | None, dict[str, float] | None]:
    """Train; how that ended, what went wrong, and the last metrics."""
    try:
        recorder = Recorder(run.id)
        try:
            outcome = training(run, recorder, Control(run.id, engine_gone, run.started))
        finally:
            recorder.close()
    except Refused as refusal:
        return "failed", refusal.problems[0], None
    except Exception as error:
        # However broad, it is right here: this process ends, and whatever went wrong must reach a person.
        log.exception("run %s crashed", run.id)
        return "failed", probing.crashed(error, "run/crashed", say("Training crashed")), None
    problem = outcome.problem
    if outcome.status == "interrupted" and problem is None:
        problem = _engine_ended()
    return outcome.status, problem, dict(outcome.metrics)


def _engine_ended() -> Problem:
    because = say("The engine that looked after it ended.")
    return Problem(code="run/interrupted", title=say("The run was interrupted"), because=because)


def load_torch() -> Training:
    """Import torch, which takes seconds, and return what trains an experiment with it."""
    from builder import data
    from builder.compile.eager import leave_compiler_alone
    from builder.train import memory
    from builder.train.execution import choose
    from builder.train.run import ENDINGS, train
    from builder.train.run import Outcome as Ended

    leave_compiler_alone()

    def training(run: Run, recorder: Recorder, control: Control) -> Outcome:
        memory.forget_peak()
        experiment = read.experiment(run.experiment)
        errors = [problem for problem in check(experiment)[1] if problem.severity == "error"]
        if errors:
            raise Refused(*errors)
        chosen = "torch" in run.execution  # at an earlier start
        wanted = (Execution if chosen else Wish).model_validate(run.execution)
        card = cards.borrow(_gpus(wanted.device), control, run.step)
        if isinstance(card, str):  # a person, or the end of the engine, was faster than a free card
            return Ended(ENDINGS[card], run.step, run.epoch, run.seconds)
        with card:
            arrays = data.load(experiment.data)
            execution = wanted if isinstance(wanted, Execution) else choose(experiment, wanted, arrays)
            if execution.device == "cpu":
                card.give_back()
            per_epoch = experiment.recipe.batch.count(len(next(iter(arrays.parts["train"].values()))))
            total = per_epoch * experiment.recipe.length.epochs
            told = {"total_steps": total, "epochs": experiment.recipe.length.epochs}
            runs.update(run.id, execution=execution.model_dump(mode="json"), **told)
            keeper = checkpoints.Keeper(run.id)
            step, start = checkpoints.newest(run.id) or (-1, None)
            keeper.cut(step)
            control.prepare(step, per_epoch, total)
            with memory.enough(experiment, execution):
                return train(experiment, execution, arrays, recorder, control, keeper, start)

    return training


def _gpus(device: str) -> int:
    """How many cards there are to choose from, for a run that may use one."""
    import torch

    return torch.cuda.device_count() if device != "cpu" and torch.cuda.is_available() else 0


def load_later() -> None:
    """Metrics are wanted when a run ends, and a GPU takes seconds to wake."""
    import torch
    import torchmetrics.functional  # noqa: F401

    if torch.cuda.is_available():
        torch.cuda.init()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main(load_torch, load_later, RUNS_EACH)
