"""The engine itself: it gives waiting probes and runs to warm workers, and accounts for every worker that ends."""

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
from builder.store import database, documents, lock, probes, runs, site
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
        """Workers that have a run or a probe."""
        return sum(not worker.spare for worker in self.workers)

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
        """What an engine that was killed has left: its workers have ended, or will within seconds."""
        because = say("The engine that looked after it ended unexpectedly.")
        problem = Problem(code="run/interrupted", title=say("The run was interrupted"), because=because)
        for run in runs.ids(*runs.GOING):
            log.info("run %s is an orphan", run)
            runs.finish(run, "interrupted", problem)
        for probe in probes.going():
            log.info("probe %s is an orphan", probe)
            probes.lost(probe, _lost(because))

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
            probes.clear_out()
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
        elif site.seconds_since_app() > self.idle_seconds and self.busy == 0 and not _somebody_waits():
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
        """Give what waits to spares that are ready; it stays in the queue until there is one."""
        spares = [worker for worker in self.workers if worker.spare and worker.ready and not worker.ended]
        for worker in spares:
            free = self.slots - sum(other.threads for other in self.workers)
            if self.retiring or free < 1 or not (self._give_probe(worker) or self._give_run(worker, free)):
                return

    def _give_probe(self, worker: WorkerProcess) -> bool:
        """Probes go before runs: somebody looks at the page until they have ended, which is soon."""
        probe = probes.claim() if probes.somebody_waits() else None
        if probe is None:
            return False
        log.info("probe %s goes to worker %d", probe.id, worker.pid)
        worker.give_probe(probe.id)
        return True

    def _give_run(self, worker: WorkerProcess, free: int) -> bool:
        if not runs.ids("queued"):  # looking first: whose turn it is takes a while to say
            return False
        run = runs.claim(free if self.busy else None)  # one that wants more than there are by now has them alone
        if run is None:
            return False
        log.info("run %s goes to worker %d", run.id, worker.pid)
        worker.give(run.id, run.started, runs.threads_of(run.execution))
        return True

    def _take_back(self) -> None:
        """Workers that are done with what they had are spares again; of more spares than are wanted some are let go."""
        for worker in [worker for worker in self.workers if worker.done and not worker.ended and not worker.spare]:
            self._settle(worker)
            worker.take_back()
            if len(self.workers) - self.busy > SPARES:
                log.info("worker %d is not needed any more", worker.pid)
                self.workers.remove(worker)
                worker.kill()

    def _bury(self) -> None:
        for worker in [worker for worker in self.workers if worker.ended]:
            if worker.spare:
                log.warning("spare worker %d ended: %s", worker.pid, worker.returncode)
                self.workers.remove(worker)
                self._start_failed()
            else:
                self._settle(worker)
                self.workers.remove(worker)

    def _settle(self, worker: WorkerProcess) -> None:
        """See that nothing waits for a worker that has ended, or is free again."""
        if worker.run is not None:
            self._account_for(worker, worker.run)
        elif worker.probe is not None:
            self.failed_starts = 0
            probes.lost(worker.probe, _lost(_how_it_ended(worker.returncode)))

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
        because = say(
            "Starting a process to train in failed {times} times in a row. The reason is in {log}.",
            times=self.failed_starts,
            log=self.home / "worker.log",
        )
        run, probe = runs.claim(), probes.claim()
        if run is not None:
            problem = Problem(code="run/no-worker", title=say("The run could not be started"), because=because)
            runs.finish(run.id, "failed", problem)
        if probe is not None:
            probes.fail(probe.id, _lost(because))

    def _dismiss(self) -> None:
        """End every worker. Those with a run stop it, as interrupted; a probe is taken up by the next engine."""
        for worker in self.workers:
            if worker.run is None:
                worker.kill()
            else:
                worker.ask_to_end()
        deadline = time.monotonic() + WORKER_END_SECONDS
        for worker in self.workers:
            worker.wait(max(0.0, deadline - time.monotonic()))
            with contextlib.suppress(Unanswered):  # then the next engine lists what it had as an orphan
                self._settle(worker)


def _somebody_waits() -> bool:
    return probes.somebody_waits() or bool(runs.ids("queued"))


def _died(returncode: int | None) -> Problem:
    return Problem(code="run/interrupted", title=say("The run was interrupted"), because=_how_it_ended(returncode))


def _lost(because: str) -> Problem:
    return Problem(code="probe/lost", title=say("The test was interrupted"), because=because)


def _how_it_ended(returncode: int | None) -> str:
    if returncode == -9:  # SIGKILL, where there are signals
        return say("The process that trained it was killed. Often that means that memory ran out.")
    return say("The process that trained it ended unexpectedly, with exit status {status}.", status=returncode)
