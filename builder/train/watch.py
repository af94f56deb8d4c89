"""What is done now and then, and not at every step: read the losses back, record, draw, keep moments, and ask what to do next."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from builder import limits
from builder.analysis.course import Course
from builder.problem import Problem, Refused, say
from builder.train.boundary import Boundary, Picture
from builder.train.learner import Learner
from builder.train.memory import most_bytes
from builder.train.moment import pack, unpack
from builder.train.patience import Patience
from builder.train.pulse import Doctor
from builder.train.recorder import Control, Keeper, Recorder

LOOK_EVERY = 0.1
"""Seconds between two looks at the losses and at what people ask for."""
PAUSE_LOOK = 0.02
SHARE = 0.003
"""Of the time that a moment held in memory may take; there are two kinds of them."""


@dataclass(frozen=True, slots=True)
class Best:
    """The moment of the best score, as long as it is not with the keeper."""

    step: int
    moment: bytes
    epoch: int
    picture: Picture | None


class Watch:
    """Stands between the loop and its audience.

    `step` is the last one whose loss was read back. `good` is the newest moment held in memory from which every number
    was finite: where a run diverges, the search for the reason starts there.
    """

    def __init__(
        self, learner: Learner, recorder: Recorder, control: Control, keeper: Keeper | None, samples: int
    ) -> None:
        self.learner, self.recorder, self.control, self.keeper = learner, recorder, control, keeper
        self.samples = samples  # of one step
        self.boundary: Boundary | None = None
        self.doctor: Doctor | None = None
        self.course = Course()
        rule = learner.recipe.early_stopping
        self.patience = Patience(rule) if rule else None
        self.losses: list[Tensor] = []
        self.step = self.epoch = 0
        self.last_loss = math.nan
        self.seconds = 0.0
        self.since = time.perf_counter()
        self.due = 0.0
        self.ask_at = -1
        self.problem: Problem | None = None
        self.broken: float | None = None
        """The first loss that was no number, and with it the end."""
        self.good: bytes | None = None
        self.good_due = 0.0
        self.best_score = math.inf
        self.best: Best | None = None
        self.best_due = 0.0
        self.scored: tuple[int, float] | None = None
        """The last step at which the validation part was judged, and its loss."""

    def begin(self, start: bytes | None) -> int:
        """Go on from a moment, or begin anew; how many epochs are whole.

        Raises Refused for a moment that is none of this run: one from elsewhere may hold anything.
        """
        self.good = start
        if start is None:
            self.recorder.resume(None)
            return 0
        try:
            return self._go_on(unpack(start))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RuntimeError) as error:
            raise Refused(_foreign(error)) from error

    def _go_on(self, before: dict[str, Any]) -> int:
        self.step, epoch = int(before["step"]), int(before["epoch"])
        self.seconds, self.best_score = float(before["seconds"]), float(before["best"])
        self.learner.go_on(before, self.step)
        self.recorder.resume(dict(before["history"]))
        self.course = Course.of(before.get("course"))
        learns_alike = before["pace"]["given"] == self.learner.pace.given
        learns_alike &= before["optimizer_type"] == self.learner.recipe.optimizer.name
        if self.patience and learns_alike:  # else it is a branch, which has a patience of its own
            self.patience.go_on(before["patience"])
        return epoch

    def is_due(self, step: int) -> bool:
        """Whether it is time to look, or something is to happen at this very step."""
        return time.perf_counter() >= self.due or step == self.ask_at

    def first_look(self, epoch: int) -> str:
        """Before the first step: `enough` where the run had lost its patience already when this moment was kept."""
        word = self.look(epoch)
        if word == "run" and self.patience and self.patience.over:
            return self._out_of_patience(self.patience)
        return word

    def look(self, epoch: int) -> str:
        """What the loop is to do: `run`, `stop`, `interrupt`, or `failed` when a loss is no number any more. Waits while paused."""
        now = time.perf_counter()
        self.seconds += now - self.since
        self.since, self.epoch = now, epoch
        fine = self.read_back()
        before = self.learner.pace.base
        word = self._ask() if fine else "failed"
        self._tell()
        if self.boundary:
            self.boundary.draw_if_due(self.step)
        if self.doctor and fine:
            self.doctor.look_if_due(self.step, self.course)
        self.recorder.tick()
        if fine:
            self._leave_moments(epoch, word)
        if word == "pause":
            word = self._wait()
        if word == "run" and self.learner.pace.base != before:
            self._tell_new_rate()
        self.due = 0.0 if self.doctor and self.doctor.wants_next else time.perf_counter() + LOOK_EVERY
        self.ask_at = -1 if self.control.ask_at is None else self.control.ask_at
        return word

    def epoch_ended(self, epoch: int, scores: Mapping[str, float]) -> str:
        """What the loop is to do after an epoch, with its scores; `enough` where they get no better."""
        if self.broken is not None:
            return self.look(epoch)
        at = self.step
        self.course.epoch(scores.get("validation/loss", math.nan))
        self.control.judged(at, {"train/loss": self.last_loss, **scores})
        self.learner.pace.hear(scores)
        if "validation/loss" in scores:
            self.scored = (at, scores["validation/loss"])
        if self.patience and self.patience.is_over(epoch, scores, self.learner.judged):
            return self._out_of_patience(self.patience)
        if self.scored and self.scored[1] < self.best_score and time.perf_counter() >= self.best_due:
            return self._hold_best(epoch, self.scored[1])
        if self.control.ask_at is not None:
            self.ask_at = self.control.ask_at
        return self.look(epoch) if self.is_due(at) else "run"

    def _out_of_patience(self, patience: Patience) -> str:
        self.problem = patience.why()
        return "enough"

    def last_look(self, epoch: int, word: str) -> str:
        """After the last step: whether it is the end, or a person wants something else of the run."""
        asked = self.look(epoch)
        if asked != "run":
            return asked
        self.keep(epoch)
        return word

    def keep(self, epoch: int) -> None:
        """Leave this moment with the keeper, to go on from, and before it the best one that is not there yet.

        Not where the last update has broken a weight: nobody could go on from there, and the next loss will say so.
        """
        if self.keeper is None or not self._is_finite():
            return
        score = self.scored[1] if self.scored and self.scored[0] == self.step else None
        best, self.best = self.best, None
        if best and best.step != self.step:
            self._keep_picture(best.step, best.picture)
            self.keeper.keep(best.step, best.moment, best.epoch, self.best_score)
        self.best_score = min(self.best_score, math.inf if score is None else score)
        self._keep_picture(self.step, self._picture())
        self.good = self._moment(epoch)
        self.keeper.keep(self.step, self.good, epoch, score)

    def _picture(self) -> Picture | None:
        return self.boundary.picture() if self.boundary else None

    def _keep_picture(self, step: int, picture: Picture | None) -> None:
        if self.boundary and picture:
            self.boundary.keep(step, picture)

    def _moment(self, epoch: int) -> bytes:
        """All that it takes to go on from here."""
        self.recorder.flush()
        where = {
            "step": self.step, "epoch": epoch, "seconds": self.seconds, "best": self.best_score,
            "patience": self.patience.state() if self.patience else None, "history": self.recorder.state(),
            "course": self.course.state(),
        }  # fmt: skip
        return pack(self.learner.state() | where)

    def _hold_best(self, epoch: int, score: float) -> str:
        """Hold the moment in memory: the disk gets the best one when it is time."""
        word = self.look(epoch)
        if word == "run" and self.keeper and self.best_score > score:
            started = time.perf_counter()
            self.best_score = score
            self.best = Best(self.step, self._moment(epoch), epoch, self._picture())
            self.best_due = time.perf_counter() + (time.perf_counter() - started) / SHARE
        return word

    def _leave_moments(self, epoch: int, word: str) -> None:
        """Keep this moment if the keeper wants one, or if it may be the last; else hold it in memory now and then."""
        if word != "run" or (self.keeper and self.keeper.due()):
            self.keep(epoch)
        elif time.perf_counter() >= self.good_due and self._is_finite():
            started = time.perf_counter()
            self.good = self._moment(epoch)
            self.good_due = time.perf_counter() + (time.perf_counter() - started) / SHARE

    def _is_finite(self) -> bool:
        """Whether every weight is a number."""
        sizes = torch._foreach_norm([value.detach() for value in self.learner.network.parameters()])
        return bool(torch.stack(sizes).isfinite().all()) if sizes else True

    def read_back(self) -> bool:
        """Record the losses since the last look. False where one is NaN or infinite; the steps after it are forgotten."""
        if not self.losses or self.broken is not None:
            return self.broken is None
        values: list[float] = torch.stack(self.losses).tolist()
        self.losses.clear()
        for value in values:
            self.step += 1
            self.recorder.add("train/loss", self.step, value)
            self.last_loss = value
            self.course.step(value)
            if not math.isfinite(value):
                self.broken = value
                return False
        return True

    def _tell(self) -> None:
        """How far the run is."""
        speed = self.step * self.samples / self.seconds if self.seconds and self.step else 0.0
        memory = most_bytes(self.learner.device)
        self.recorder.progress(self.step, self.epoch, self.seconds, speed, self.learner.pace.rate, memory)

    def _ask(self) -> str:
        """What people want; a rate that they have chosen counts from the next step on. Too long a run is stopped."""
        word = self.control.poll(self.step)
        chosen = self.control.rate
        if chosen is not None and chosen != self.learner.pace.base:
            self.learner.pace.change(chosen)
            self._tell()
        if word == "run" and limits.RUN_SECONDS and self.seconds > limits.RUN_SECONDS:
            self.problem = _too_long(limits.RUN_SECONDS)
            return "stop"
        return word

    def _tell_new_rate(self) -> None:
        """Once a step, whatever was tried while the run was paused; and where numbers break soon, the search starts here."""
        self.recorder.add("rate", self.step, self.learner.pace.rate)
        if self._is_finite():
            self.good = self._moment(self.epoch)

    def _wait(self) -> str:
        """Pause: people look at what there is, and may change the rate, until they want to go on."""
        if self.boundary:
            self.boundary.draw(self.step)
        self.recorder.flush()
        while (word := self._ask()) == "pause":
            self.recorder.tick()
            time.sleep(PAUSE_LOOK)
        self.since = time.perf_counter()
        return word


def _foreign(error: Exception) -> Problem:
    because = say(
        "It does not fit the run's network and recipe: {reason}.", reason=str(error)[:300] or type(error).__name__
    )
    return Problem(code="checkpoint/foreign", title=say("The checkpoint cannot be gone on from"), because=because)


def _too_long(seconds: float) -> Problem:
    because = say("It has trained for {seconds:,.0f} seconds, which is the limit for one run here.", seconds=seconds)
    return Problem(code="run/too-long", severity="warning", title=say("The run took too long"), because=because)
