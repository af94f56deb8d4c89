"""The learning rate of every step: by the recipe's schedule, from a base that a person may change while a run goes on."""

from collections.abc import Mapping
from typing import Any

import torch

from builder.catalog.schedules import Constant, ReduceOnPlateau, is_better
from builder.design.recipe import Recipe


class Pace:
    """Sets the rate of an optimizer. `step` is the next one, counted from 0; `base` what the schedule starts from."""

    def __init__(self, recipe: Recipe, optimizer: torch.optim.Optimizer, per_epoch: int) -> None:
        self.recipe, self.optimizer = recipe, optimizer
        self.total, self.per_epoch = recipe.length.epochs * per_epoch, per_epoch
        self.given: float = recipe.optimizer.args()["lr"]
        self.base = self.given
        self.step = 0
        self.plateau = Plateau(recipe.schedule) if isinstance(recipe.schedule, ReduceOnPlateau) else None

    @property
    def steady(self) -> bool:
        """Whether every step has the same rate."""
        return isinstance(self.recipe.schedule, Constant) and not self.recipe.warm_up

    @property
    def rate(self) -> float:
        """Of the next step; after the last one, that of the last."""
        at = max(0, min(self.step, self.total - 1))
        rate = self.recipe.rate(at, self.total, self.per_epoch, self.base)
        return self.plateau.lowered(rate) if self.plateau else rate

    def set_next(self) -> None:
        """Give the optimizer the rate of the next step."""
        self._set(self.rate)
        self.step += 1

    def hear(self, scores: Mapping[str, float]) -> None:
        """The scores of an epoch, by `part/metric`."""
        if self.plateau:
            self.plateau.hear(scores)

    def change(self, base: float) -> None:
        """From the next step on, start from another base."""
        self.base = base
        if self.plateau:
            self.plateau.falls = 0
        if self.steady:
            self._set(base)

    def state(self) -> dict[str, Any]:
        """What a later pace needs to go on."""
        return {"given": self.given, "base": self.base, "plateau": self.plateau.state() if self.plateau else None}

    def go_on(self, state: dict[str, Any], step: int) -> None:
        """Go on at a step. Where the recipe's own rate is another one than it was, as in a branch, that one counts."""
        self.step = step
        is_alike = state["given"] == self.given
        self.change(state["base"] if is_alike else self.given)
        if self.plateau and is_alike:
            self.plateau.go_on(state.get("plateau"))

    def _set(self, rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate


class Plateau:
    """Counts how often the rate has fallen because the validation part got no better."""

    def __init__(self, rule: ReduceOnPlateau) -> None:
        self.rule = rule
        self.best: float | None = None
        self.waited = 0
        self.falls = 0

    def lowered(self, rate: float) -> float:
        return self.rule.lowered(rate, self.falls)

    def hear(self, scores: Mapping[str, float]) -> None:
        score = scores[f"validation/{self.rule.monitor}"]
        if is_better(score, self.best, self.rule.monitor, self.rule.min_delta):
            self.best, self.waited = score, 0
            return
        self.waited += 1
        if self.waited > self.rule.patience:
            self.waited, self.falls = 0, self.falls + 1

    def state(self) -> dict[str, Any]:
        return {"rule": self.rule.model_dump(), "best": self.best, "waited": self.waited, "falls": self.falls}

    def go_on(self, state: dict[str, Any] | None) -> None:
        """Go on from a `state`; one of another rule, as of a run that this one branched from, says nothing."""
        if state and state["rule"] == self.rule.model_dump():
            self.best, self.waited, self.falls = state["best"], state["waited"], state["falls"]
