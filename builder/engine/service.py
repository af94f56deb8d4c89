"""The engine itself: it gives waiting runs to warm workers, and accounts for every worker that ends."""

import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from types import FrameType

from builder import files, limits
from builder.engine.manage import lock_path
from builder.engine.version import code_version
from builder.engine.worker_process import WorkerProcess
from builder.problem import Problem, say
from builder.store import database, documents, lock, runs, site
from builder.store.trouble import UNTOLD, Unanswered, untold

WORKER = (sys.executable, "-m", "builder.worker")
SPARES = 2
"""Workers kept warm. One more than needed: while a spare imports torch, the next click would wait for seconds."""
LOOK_AT_QUEUE = 0.04
LOOK_AT_SITE = 0.25
CAP_LOGS = 60.0
EMPTY_BINS = 3600.0
"""What has been in a bin for long enough is gone within this: an engine may live for months."""
LOG_BYTES = 2**20
DEAF_SECONDS = 600
"""Without a store that answers, as where its folder was removed, and without a run, an engine waits so long for it."""
HOPELESS_STARTS = 3
"""After so many workers in a row that did not start, a waiting run is told so with each further one."""
WORKER_END_SECONDS = 15
"""What a worker may take to end its run when the engine stops; it gives itself less (`builder.worker`)."""

log = logging.getLogger("layerlab.engine")


def serve(worker_command: Sequence[str] = WORKER) -> bool:
    """Be the engine until there is a reason to end; False at once if another process is it."""
    logging.basicConfig(format="%(asctime)s %(message)s")
    log.setLevel(logging.INFO)
    held = lock.take(lock_path(), wait=0.5)  # those who look whether it is free hold it for a moment
    if held is None:
        log.info("another engine is alive")
        return False
    with contextlib.closing(held):
        Service(worker_command, slots()).serve()
    database.close()
    return True


def slots() -> int:
    """How many runs go at once: `LAYERLAB_SLOTS`, by default the cores that we may use. A GPU is lent to one run at a time by its worker."""
    given = limits.given("LAYERLAB_SLOTS", None)
    if given:
        return given
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Service:
    """One engine's life. All its state is changed by one thread; those of the workers only wake it."""

    def __init__(self, worker_command: Sequence[str], slots: int) -> None:
        self.command = worker_command
        self.slots = slots
        self.workers: list[WorkerProcess] = []
        self.failed_starts = 0  # in a row
        self.hire_at = 0.0
        self.look_at_site_at = 0.0
        self.cap_logs_at = 0.0
        self.empty_bins_at = 0.0
        self.retiring = False
        self.ending = False
        self.wake = threading.Event()
        self.home = database.home()
        self.idle_seconds = float(os.environ.get("LAYERLAB_IDLE") or 60)

    @property
    def busy(self) -> int:
        """Workers that have a run."""
        return sum(worker.run is not None for worker in self.workers)

    def serve(self) -> None:
        """Work until told to stop, retired, or idle; then end every worker."""
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, self._end)
        files.sweep(self.home)
        self.id = site.start_engine(os.getpid(), code_version(), self.slots)
        log.info("engine %s started, process %d, %d slots", self.id, os.getpid(), self.slots)
        self._mark_orphans()
        answered = time.monotonic()
        while not self.ending:
            try:
                self._tick()
                answered = time.monotonic()
            except (Unanswered, OSError):  # the disk is full, or the database away: runs go on, and so do we
                log.exception("the store does not answer")
                if self.busy == 0 and time.monotonic() - answered > max(DEAF_SECONDS, self.idle_seconds):
                    self.ending = True
                time.sleep(1)
            self.wake.wait(LOOK_AT_QUEUE)
            self.wake.clear()
        self._dismiss()
        log.info("engine %s ended", self.id)

    def _end(self, _signal: int, _frame: FrameType | None) -> None:
        self.ending = True

    def _mark_orphans(self) -> None:
        """The runs of an engine that was killed: their workers have ended, or will within seconds."""
        problem = Problem(
            code="run/interrupted",
            title=say("The run was interrupted"),
            because=say("The engine that looked after it ended unexpectedly."),
        )
        for run in runs.ids(*runs.GOING):
            log.info("run %s is an orphan", run)
            runs.finish(run, "interrupted", problem)

    def _tick(self) -> None:
        self._bury()
        self._take_back()
        self._hire()
        self._hand_out()
        now = time.monotonic()
        if now >= self.look_at_site_at:
            self.look_at_site_at = now + LOOK_AT_SITE
            self._look_at_site()
        if now >= self.empty_bins_at:
            self.empty_bins_at = now + EMPTY_BINS
            runs.clear_out()
            documents.clear_out()
        if now >= self.cap_logs_at:
            self.cap_logs_at = now + CAP_LOGS
            for name in ("engine.log", "worker.log"):
                files.cap_log(self.home / name, LOG_BYTES)

    def _look_at_site(self) -> None:
        engine = site.last_engine()
        asked = engine if engine is not None and engine.id == self.id else None
        if asked is not None and asked.asked_to_retire and not self.retiring:
            log.info("there is other code: no more runs")
            self.retiring = True
        if asked is not None and asked.asked_to_stop:
            log.info("asked to stop")
            self.ending = True
        elif self.busy == 0 and self.retiring:
            self.ending = True
        elif site.seconds_since_app() > self.idle_seconds and self.busy == 0 and not runs.ids("queued"):
            log.info("nothing to do, and no app for %g s", self.idle_seconds)
            self.ending = True

    def _hire(self) -> None:
        """Keep spares: two, or one while every slot is taken."""
        wanted = min(SPARES, max(1, self.slots - self.busy))
        while len(self.workers) - self.busy < wanted and time.monotonic() >= self.hire_at:
            try:
                worker = WorkerProcess(self.command, self.home / "worker.log", self.wake.set)
            except OSError as error:
                log.warning("no worker could be started: %s", error)
                self._start_failed()
            else:
                log.info("worker started, process %d", worker.pid)
                self.workers.append(worker)

    def _hand_out(self) -> None:
        """Give waiting runs to spares that are ready; a run stays in the queue until there is one."""
        spares = [worker for worker in self.workers if worker.run is None and worker.ready and not worker.ended]
        for worker in spares:
            free = self.slots - sum(other.threads for other in self.workers)
            if (
                self.retiring or free < 1 or not runs.ids("queued")
            ):  # looking first: whose turn it is takes a while to say
                return
            run = runs.claim(free if self.busy else None)  # one that wants more than there are by now has them alone
            if run is None:
                return
            log.info("run %s goes to worker %d", run.id, worker.pid)
            worker.give(run.id, run.started, runs.threads_of(run.execution))

    def _take_back(self) -> None:
        """Workers that are done with their run are spares again; of more spares than are wanted some are let go."""
        for worker in [worker for worker in self.workers if worker.done and not worker.ended and worker.run]:
            self._account_for(worker, str(worker.run))
            worker.take_back()
            if len(self.workers) - self.busy > SPARES:
                log.info("worker %d is not needed any more", worker.pid)
                self.workers.remove(worker)
                worker.kill()

    def _bury(self) -> None:
        for worker in [worker for worker in self.workers if worker.ended]:
            if worker.run is None:
                log.warning("spare worker %d ended: %s", worker.pid, worker.returncode)
                self.workers.remove(worker)
                self._start_failed()
            else:
                self._account_for(worker, worker.run)
                self.workers.remove(worker)

    def _account_for(self, worker: WorkerProcess, run_id: str) -> None:
        """See that the run of a worker that ended has a final status, or gets another worker."""
        run = runs.find(run_id)
        # A run may have ended and be resumed, by another worker, before the process of the first one is gone.
        status = run.status if run and run.started == worker.since else None
        how = f"ended: {worker.returncode}" if worker.ended else "is free again"
        log.info("worker %d %s; its run %s is %s", worker.pid, how, run_id, status)
        if status == "starting":
            runs.release(run_id)
            self._start_failed()
        else:
            self.failed_starts = 0
            if status in runs.ALIVE and worker.returncode == UNTOLD:
                runs.finish(run_id, "failed", untold())
            elif status in runs.ALIVE:
                runs.finish(run_id, "interrupted", _died(worker.returncode))

    def _start_failed(self) -> None:
        """Wait longer and longer before the next start; a run must not wait for ever for what never comes."""
        self.failed_starts += 1
        self.hire_at = time.monotonic() + min(30.0, 0.25 * 2**self.failed_starts)
        if self.failed_starts < HOPELESS_STARTS or any(worker.ready and not worker.ended for worker in self.workers):
            return
        run = runs.claim()
        if run is not None:
            because = say(
                "Starting a process to train in failed {times} times in a row. The reason is in {log}.",
                times=self.failed_starts,
                log=self.home / "worker.log",
            )
            problem = Problem(code="run/no-worker", title=say("The run could not be started"), because=because)
            runs.finish(run.id, "failed", problem)

    def _dismiss(self) -> None:
        """End every worker. Those with a run stop it, as interrupted."""
        for worker in self.workers:
            if worker.run is None:
                worker.kill()
            else:
                worker.ask_to_end()
        deadline = time.monotonic() + WORKER_END_SECONDS
        for worker in self.workers:
            worker.wait(max(0.0, deadline - time.monotonic()))
            if worker.run is not None:
                with contextlib.suppress(Unanswered):  # then the next engine lists the run as an orphan
                    self._account_for(worker, worker.run)


def _died(returncode: int | None) -> Problem:
    if returncode == -9:  # SIGKILL, where there are signals
        because = say("The process that trained it was killed. Often that means that memory ran out.")
    else:
        because = say("The process that trained it ended unexpectedly, with exit status {status}.", status=returncode)
    return Problem(code="run/interrupted", title=say("The run was interrupted"), because=because)
