"""The learning rate of every step: by the recipe's schedule, from a base that a person may change while a run goes on."""

from typing import Any

import torch

from builder.catalog.schedules import Constant
from builder.design.recipe import Recipe


class Pace:
    """Sets the rate of an optimizer. `step` is the next one, counted from 0; `base` what the schedule starts from."""

    def __init__(self, recipe: Recipe, optimizer: torch.optim.Optimizer, total: int) -> None:
        self.schedule, self.optimizer, self.total = recipe.schedule, optimizer, total
        self.given: float = recipe.optimizer.args()["lr"]
        self.base = self.given
        self.step = 0

    @property
    def steady(self) -> bool:
        """Whether every step has the same rate."""
        return isinstance(self.schedule, Constant)

    @property
    def rate(self) -> float:
        """Of the next step; after the last one, that of the last."""
        at = max(0, min(self.step, self.total - 1))
        rate: float = self.schedule.rate(at, self.total, self.base)
        return rate

    def set_next(self) -> None:
        """Give the optimizer the rate of the next step."""
        self._set(self.rate)
        self.step += 1

    def change(self, base: float) -> None:
        """From the next step on, start from another base."""
        self.base = base
        if self.steady:
            self._set(base)

    def state(self) -> dict[str, float]:
        """What a later pace needs to go on."""
        return {"given": self.given, "base": self.base}

    def go_on(self, state: dict[str, Any], step: int) -> None:
        """Go on at a step. Where the recipe's own rate is another one than it was, as in a branch, that one counts."""
        self.step = step
        self.change(state["base"] if state["given"] == self.given else self.given)

    def _set(self, rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate
