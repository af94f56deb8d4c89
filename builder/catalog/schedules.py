"""Schedules: how the learning rate changes while a network learns."""

import itertools
import math
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from builder import limits
from builder.catalog import rates
from builder.catalog.entry import Entry
from builder.problem import say

Rate = Annotated[float, Field(ge=0, le=100)]
Factor = Annotated[float, Field(gt=0, le=1)]
Epochs = Annotated[int, Field(ge=1, le=limits.EPOCHS)]


class Schedule(Entry):
    """A rule for the learning rate. `target` is its function in `builder.catalog.rates`."""

    kind: ClassVar[str] = "schedule"
    counts: ClassVar[Literal["run", "epoch"]] = "run"
    """Whose steps its function wants to know the number of."""

    def rate(self, step: int, total: int, epoch: int, base: float) -> float:
        """The rate of a step, counted from 0, of `total`, with `epoch` steps an epoch; `base` is the optimizer's own."""
        if not self.target:
            return base
        rule = getattr(rates, self.target)
        return float(rule(step, total if self.counts == "run" else epoch, base, **self.args()))


def is_better(score: float, best: float | None, monitor: Literal["loss", "accuracy"], least: float) -> bool:
    """Whether a score is better than the best so far by more than the least change; NaN never is."""
    if monitor == "loss":
        return score < (math.inf if best is None else best) - least
    return score > (-math.inf if best is None else best) + least


class Constant(Schedule):
    """The optimizer's rate at every step."""

    group, target = "Plain", ""
    formula = r"\eta_t = \eta"


class Step(Schedule):
    """Falls by a factor after every so many epochs."""

    group, target, counts = "Decay", "step_decay", "epoch"
    aliases = ("steplr", "step decay", "staircase")
    formula = r"\eta_e = \eta\, \gamma^{\lfloor e / k \rfloor}"

    every: Epochs = Field(10, title="Every k epochs", description="Epochs with the same rate.")
    factor: Factor = Field(0.1, title="Factor γ", description="What the rate is multiplied by.")


class MultiStep(Schedule):
    """Falls by a factor after each of the epochs that you name, as ResNets were trained (He et al. 2016)."""

    group, target, counts = "Decay", "multi_step", "epoch"
    aliases = ("multisteplr", "milestones", "piecewise constant")
    formula = r"\eta_e = \eta\, \gamma^{|\{m : m \le e\}|}"

    milestones: tuple[Epochs, ...] = Field(
        (10, 15), min_length=1, max_length=32, title="After epochs m", description="In order, such as 10, 15."
    )
    factor: Factor = Field(0.1, title="Factor γ", description="What the rate is multiplied by.")

    @model_validator(mode="after")
    def milestones_are_in_order(self) -> Self:
        if any(one >= other for one, other in itertools.pairwise(self.milestones)):
            raise ValueError(say("the epochs have to be in order, each once"))
        return self


class Exponential(Schedule):
    """Falls by a factor after every epoch."""

    group, target, counts = "Decay", "exponential", "epoch"
    aliases = ("exponentiallr", "exponential decay")
    formula = r"\eta_e = \eta\, \gamma^{e}"

    factor: Factor = Field(0.95, title="Factor γ", description="What the rate is multiplied by.")


class InverseTime(Schedule):
    """Falls as one over the time: fast at first, then ever more slowly (Robbins and Monro 1951)."""

    group, target, counts = "Decay", "inverse_time", "epoch"
    aliases = ("inverse time decay", "hyperbolic", "time based decay")
    formula = r"\eta_e = \frac{\eta}{1 + k e}"

    decay: Annotated[float, Field(ge=0, le=1_000)] = Field(
        0.1, title="Decay k", description="After 1 / k epochs half of the rate is left."
    )


class Polynomial(Schedule):
    """Falls to the lowest rate along a power of the time that is left; with power 1, along a straight line."""

    group, target = "Decay", "polynomial"
    aliases = ("polynomiallr", "linear", "linear decay", "linearlr", "polynomial decay")
    formula = r"\eta_t = \eta_{\min} + (\eta - \eta_{\min}) \left(1 - \tfrac{t}{T}\right)^p"

    power: Annotated[float, Field(gt=0, le=10)] = Field(1.0, title="Power p", description="1 falls evenly, 2 early.")
    lowest: Rate = Field(0.0, title="Lowest rate η min", description="The rate that the last step comes to.")


class Cosine(Schedule):
    """Falls from the optimizer's rate along half a wave: slowly, then fast, and slowly again (Loshchilov and Hutter 2016)."""

    group, target = "Decay", "cosine"
    aliases = ("cosine annealing", "cosineannealinglr", "cosine decay")
    formula = r"\eta_t = \eta_{\min} + (\eta - \eta_{\min})\,\frac{1 + \cos(\pi t / T)}{2}"

    lowest: Rate = Field(0.0, title="Lowest rate η min", description="The rate that the last step comes to.")


class CosineRestarts(Schedule):
    """Falls along half a wave, jumps back and falls again, each time for longer (Loshchilov and Hutter 2016)."""

    group, target, counts = "Cycle", "cosine_restarts", "epoch"
    aliases = ("cosine annealing warm restarts", "cosineannealingwarmrestarts", "warm restarts", "sgdr")
    formula = r"\eta_t = \eta_{\min} + (\eta - \eta_{\min})\,\frac{1 + \cos(\pi t_i / T_i)}{2},\quad T_{i+1} = k\, T_i"

    first: Epochs = Field(5, title="First wave", description="Epochs until the first restart.")
    longer: Annotated[int, Field(ge=1, le=10)] = Field(
        2, title="Longer by k", description="How many times as long as the last each wave is."
    )
    lowest: Rate = Field(0.0, title="Lowest rate η min", description="The rate that each wave comes to.")


class OneCycle(Schedule):
    """Rises from a small rate to the optimizer's, then falls far below where it began (Smith and Topin 2018)."""

    group, target = "Cycle", "one_cycle"
    aliases = ("onecyclelr", "1cycle", "one cycle policy", "super convergence")
    formula = r"\tfrac{\eta}{d} \nearrow \eta \searrow \tfrac{\eta}{d f}"

    rising: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.3, title="Rising share", description="Of the run, until the rate is highest."
    )
    start: Annotated[float, Field(ge=1, le=1e6)] = Field(
        25.0, title="Start divisor d", description="How far below the optimizer's rate it begins."
    )
    end: Annotated[float, Field(ge=1, le=1e9)] = Field(
        1e4, title="End divisor f", description="How far below its beginning it ends."
    )


class ReduceOnPlateau(Schedule):
    """Falls by a factor whenever the validation part gets no better for some epochs: nobody knows ahead when that is."""

    group, target = "Watching", ""
    aliases = ("reducelronplateau", "plateau")
    formula = r"\eta \leftarrow \max(\gamma\, \eta,\ \eta_{\min})"

    monitor: Literal["loss", "accuracy"] = Field("loss", title="Watch", description="Of the validation part.")
    factor: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.1, title="Factor γ", description="What the rate is multiplied by."
    )
    patience: Annotated[int, Field(ge=0, le=limits.EPOCHS)] = Field(
        5, title="Patience", description="Epochs without a better score that are borne; one more, and the rate falls."
    )
    min_delta: Annotated[float, Field(ge=0, le=1e6)] = Field(
        0.0, title="Least change", description="What is better by less than this is not better."
    )
    lowest: Rate = Field(0.0, title="Lowest rate η min", description="It falls no further.")

    def lowered(self, rate: float, falls: int) -> float:
        """The rate after it has fallen so many times; one that is below the lowest already stays."""
        return min(rate, max(rate * self.factor**falls, self.lowest))
