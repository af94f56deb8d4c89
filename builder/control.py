"""What people ask of a run, as its loop hears it: commands from the store, each applied at a step that is written down."""

import math
import threading
from collections.abc import Iterable, Mapping

from builder.problem import Json
from builder.store import runs
from builder.store.runs import Command

WAITED_FOR = {"loss": ("validation/loss", "train/loss"), "accuracy": ("validation/accuracy", "train/accuracy")}
"""Scores that a run can go on until: of the validation part, where there is one."""


class Control:
    """What the loop asks what to do; it finds the answers in the store.

    A run that is resumed has heard its log before: `prepare` says from which step it goes on, and rates that were
    changed later than that are changed again, each at its own step. `since` is when the run was claimed: another worker
    may have it by now.
    """

    def __init__(self, run_id: str, engine_gone: threading.Event, since: float | None = None) -> None:
        self.rate: float | None = None
        self._since = since
        self._run = run_id
        self._engine_gone = engine_gone
        self._seq = 0
        self._word = "run"
        self._shown = "run"
        self._halt: int | None = None
        self._until: tuple[str, float] | None = None
        self._per_epoch = 1
        self._total: int | None = None
        self._again: list[tuple[int, float]] = []

    def prepare(self, start: int, per_epoch: int, total: int) -> None:
        """The run begins behind step `start`; it has so many steps an epoch and in total."""
        self._per_epoch, self._total = per_epoch, total
        self._again = rates_after(start, runs.commands_after(self._run, 0))

    @property
    def ask_at(self) -> int | None:
        """The step of the next halt, or of the next rate that is changed again."""
        return min((at for at in (self._halt, *(at for at, _ in self._again[:1])) if at is not None), default=None)

    def poll(self, step: int) -> str:
        """`run`, `pause`, `stop` or `interrupt`; new commands take effect at `step`, which is written down."""
        if self._engine_gone.is_set():
            return "interrupt"
        while self._again and self._again[0][0] <= step:
            _, self.rate = self._again.pop(0)
        for command in runs.commands_after(self._run, self._seq):
            self._seq = command.seq
            if command.step is not None:
                continue  # obeyed before the run was resumed
            if self._word != "stop":  # nothing comes after a stop
                self._apply(command, step)
            runs.applied(self._run, command.seq, step)
        if self._halt is not None and step >= self._halt and self._word == "run":
            self._set("pause")
        self._show()
        return self._word

    def judged(self, step: int, scores: Mapping[str, float]) -> None:
        """Halt where a score has been reached that somebody waits for."""
        if self._until is None:
            return
        metric, wanted = self._until
        score = next((scores[name] for name in WAITED_FOR[metric] if name in scores), math.nan)  # no number reaches it
        if score <= wanted if metric == "loss" else score >= wanted:
            self._halt = step

    def over(self, step: int) -> str | None:
        """`stop` or `interrupt` where that was asked of a run that has not begun; other orders wait until it has."""
        if self._engine_gone.is_set():
            return "interrupt"
        waiting = runs.commands_after(self._run, self._seq)
        if any(command.kind == "stop" and command.step is None for command in waiting):
            return self.poll(step)
        return None

    def _apply(self, command: Command, step: int) -> None:
        match command.kind:
            case "rate":
                self.rate = command.payload["rate"]
                self._again.clear()  # what was asked for later than this, before the run was set back, counts no more
            case "step":
                self._halt_at(self._after(command.payload, step))
            case "until":
                self._go_until(command.payload, step)
            case "pause":
                self._set("pause")
            case "resume":
                self._set("run")
            case "stop":
                self._set("stop")

    def _after(self, payload: dict[str, Json], step: int) -> int:
        """The step to halt at, so many steps or epochs behind the last halt: five presses are five steps."""
        begin = step if self._halt is None else max(step, self._halt)
        if "steps" in payload:
            return begin + int(payload["steps"])
        return (begin // self._per_epoch + int(payload["epochs"])) * self._per_epoch

    def _go_until(self, payload: dict[str, Json], step: int) -> None:
        if "epoch" in payload:
            self._halt_at(max(step, int(payload["epoch"]) * self._per_epoch))
        else:
            self._set("run")
            ((metric, wanted),) = payload.items()
            self._until = (metric, wanted)

    def _halt_at(self, step: int) -> None:
        """Go on to a step; the last one is the end of the run, and needs no halt."""
        self._set("run")
        self._halt = step if self._total is None or step < self._total else None

    def _set(self, word: str) -> None:
        self._word, self._halt, self._until = word, None, None

    def _show(self) -> None:
        """Let everybody see whether the run goes on."""
        if self._word != self._shown and self._word != "stop":
            status = "paused" if self._word == "pause" else "running"
            runs.update(self._run, self._since, status=status)
            self._shown = self._word


def rates_after(start: int, commands: Iterable[Command]) -> list[tuple[int, float]]:
    """Steps from `start` on at which the rate was changed, and to what.

    The moment of `start` may be older than what was changed there, while the run was paused. Where the run was set
    back before and given another rate at an earlier step, what came after that step counts no more.
    """
    changes: list[tuple[int, float]] = []
    for command in commands:
        if command.kind == "rate" and command.step is not None:
            changes = [(at, rate) for at, rate in changes if at < command.step]
            changes.append((command.step, command.payload["rate"]))
    return [(at, rate) for at, rate in changes if at >= start]
