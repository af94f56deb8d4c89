"""A worker, as the engine sees it: a process that imports what training needs, and waits for a run or a probe."""

import contextlib
import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from builder import files
from builder.engine.version import ROOT

READY = b"ready\n"
"""What a worker says when it can take a run or a probe."""

PROBE = "probe"
"""What stands before the id of a probe in a line that a worker is given; a run's id stands alone."""

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
"""Several runs with more threads than cores are up to a hundred times slower. Read when torch is imported."""


class WorkerProcess:
    """One worker process. `ready`, `done` (with what it has) and `ended` become true by themselves; `changed` is called when they do."""

    def __init__(self, command: Sequence[str], log: Path, changed: Callable[[], None]) -> None:
        self.run: str | None = None
        self.probe: str | None = None
        self.since: float | None = None
        self.threads = 0
        self.ready = False
        self.done = False
        self.ended = False
        self._changed = changed
        errors = files.open_log(log)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the command is ours
                command,
                cwd=ROOT,
                env=os.environ | ONE_THREAD,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                bufsize=0,
                process_group=None if os.name == "nt" else 0,
            )
        finally:
            os.close(errors)
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit status, negative for a signal; None while it lives."""
        return self._process.returncode

    @property
    def spare(self) -> bool:
        """Whether it has nothing to do."""
        return self.run is None and self.probe is None

    def give(self, run: str, since: float | None, threads: int = 1) -> None:
        """Hand it a run that was claimed at `since` and uses so many threads. If it is dying just now, `ended` will say so."""
        self.run, self.since, self.threads = run, since, threads
        self._say(run)

    def give_probe(self, probe: str) -> None:
        """Hand it a probe that was claimed, which uses one thread."""
        self.probe, self.threads = probe, 1
        self._say(f"{PROBE} {probe}")

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{line}\n".encode())

    def take_back(self) -> None:
        """It is a spare again."""
        self.run, self.probe, self.since, self.threads, self.done = None, None, None, 0, False

    def ask_to_end(self) -> None:
        """Close its pipe, as our own death would: it stops its run and exits."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def kill(self) -> None:
        """End it at once: for a spare, which has nothing to lose."""
        self._process.kill()

    def wait(self, seconds: float) -> None:
        """Wait for its end, and kill it after so many seconds."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()

    def _watch(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as words:
            while words.readline() == READY:
                self.done = not self.spare
                self.ready = True
                self._changed()
        self._process.wait()
        self.ended = True
        self._changed()
