"""Early stopping: the end of a run whose validation score gets no better, with the weights that were best."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from builder.design.recipe import EarlyStopping
from builder.problem import Problem, say


class Patience:
    """Looks at the score of every epoch. `weights` are those of the best one, of the network whose answers count."""

    def __init__(self, rule: EarlyStopping) -> None:
        self.rule = rule
        self.best: float | None = None
        self.epoch = 0
        self.waited = 0
        self.weights: dict[str, Tensor] = {}

    def is_over(self, epoch: int, scores: Mapping[str, float], judged: nn.Module) -> bool:
        """Whether so many epochs have passed without a better score."""
        score = scores[f"validation/{self.rule.monitor}"]
        if self.rule.better(score, self.best):
            self.best, self.epoch, self.waited = score, epoch, 0
            if self.rule.restore:
                self.weights = {name: value.clone() for name, value in judged.state_dict().items()}
        else:
            self.waited += 1
        return self.over

    @property
    def over(self) -> bool:
        """Whether so many epochs had passed at the last look."""
        return self.waited >= self.rule.patience

    def restore(self, judged: nn.Module) -> None:
        """Give the network its best weights back, where that is wished."""
        if self.rule.restore and self.weights:
            judged.load_state_dict(self.weights)

    def state(self) -> dict[str, Any]:
        """What a later patience of the same rule needs to go on."""
        return {
            "rule": self.rule.model_dump(),
            "best": self.best, "epoch": self.epoch, "waited": self.waited, "weights": self.weights,
        }  # fmt: skip

    def go_on(self, state: dict[str, Any] | None) -> None:
        """Go on from a `state`; one of another rule, as of a run that this one branched from, says nothing."""
        if state and state["rule"] == self.rule.model_dump():
            self.best, self.epoch, self.waited = state["best"], state["epoch"], state["waited"]
            self.weights = state["weights"]

    def why(self) -> Problem:
        """What a person is told."""
        because = say(
            "The validation {monitor} has not got better for {patience} epochs",
            monitor=self.rule.monitor, patience=self.rule.patience,
        )  # fmt: skip
        if self.best is None:
            because += say("; it never was a finite number.")
        else:
            because += say("; {best:.4g} at epoch {epoch} was the best.", best=self.best, epoch=self.epoch)
        restored = say(" The weights of that epoch are back.") if self.weights else ""
        return Problem(code="run/early", severity="warning", title=say("Stopped early"), because=because + restored)
