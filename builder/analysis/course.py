"""How the losses of a run went, epoch by epoch: what rules about its scores look at."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from builder.problem import Json

LONGEST = 128
"""Entries; then neighbours become one, so that a long run takes no more to keep, and no longer to look at."""


@dataclass(slots=True)
class Course:
    """The mean training loss of each entry, and the validation loss, where there is one: NaN elsewhere.

    An entry is an epoch, or the mean of `width` epochs of a long run. Epochs that fill no entry yet wait in `waiting`.
    """

    training: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    width: int = 1
    waiting: list[tuple[float, float]] = field(default_factory=list)
    total: float = 0.0
    """Of the losses of this epoch so far, and their number."""
    steps: int = 0

    def step(self, loss: float) -> None:
        """Add the loss of a step."""
        self.total += loss
        self.steps += 1

    def epoch(self, validation: float = math.nan) -> None:
        """An epoch has ended, with this validation loss."""
        self.waiting.append((self.total / self.steps if self.steps else math.nan, validation))
        self.total, self.steps = 0.0, 0
        if len(self.waiting) == self.width:
            means = [_mean(column) for column in zip(*self.waiting, strict=True)]
            self.training.append(means[0])
            self.validation.append(means[1])
            self.waiting.clear()
        if len(self.training) == LONGEST:
            self.training, self.validation = _halved(self.training), _halved(self.validation)
            self.width *= 2

    def state(self) -> dict[str, Json]:
        """Everything in it, as JSON keeps it to the bit; what is no number is None there."""
        numbers = {"training": self.training, "validation": self.validation}
        told: dict[str, Json] = {name: [_or_none(one) for one in values] for name, values in numbers.items()}
        waiting = [[_or_none(one) for one in pair] for pair in self.waiting]
        return told | {"width": self.width, "waiting": waiting, "total": _or_none(self.total), "steps": self.steps}

    @classmethod
    def of(cls, state: dict[str, Any] | None) -> "Course":
        """The course that had this state; a new one where there is none."""
        if not state:
            return cls()
        return cls(
            training=[_or_nan(one) for one in state["training"]],
            validation=[_or_nan(one) for one in state["validation"]],
            width=int(state["width"]),
            waiting=[(_or_nan(training), _or_nan(validation)) for training, validation in state["waiting"]],
            total=_or_nan(state["total"]),
            steps=int(state["steps"]),
        )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _halved(values: Sequence[float]) -> list[float]:
    return [_mean(values[at : at + 2]) for at in range(0, len(values), 2)]


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else float(value)
