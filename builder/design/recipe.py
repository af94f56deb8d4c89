"""Recipe: how a network learns."""

from typing import Literal

from pydantic import Field

from builder import limits
from builder.catalog import rates
from builder.catalog.augmentations import Augmentation
from builder.catalog.clips import Clip
from builder.catalog.initializers import Default, Initializer
from builder.catalog.losses import Loss
from builder.catalog.metrics import Metric
from builder.catalog.optimizers import Optimizer
from builder.catalog.penalties import Penalty
from builder.catalog.schedules import Constant, Schedule, is_better
from builder.design.pick import Picked
from builder.problem import Value


class Objective(Value):
    """Which output meets which target under which loss. Left out, the n-th objective takes the n-th output and target."""

    output: str | None = Field(None, max_length=90, description="A reference, as in a node's inputs.")
    target: str | None = Field(None, max_length=90, description="A target column of the data.")
    loss: Picked[Loss]
    weight: float = Field(
        1.0, gt=0, le=1e6, title="Weight", description="Share of this loss in the sum that is made small."
    )


class Init(Value):
    """What weights and biases start from, where a node does not say otherwise."""

    weight: Picked[Initializer] = Default()
    bias: Picked[Initializer] = Default()


class Batch(Value):
    """How many samples are looked at before each change of the weights."""

    size: int | None = Field(
        64,
        ge=1,
        le=limits.BATCH,
        title="Batch size",
        description="Samples per step; empty: the whole training part.",
        json_schema_extra={"empty": "whole set"},
    )
    last: Literal["keep", "drop"] = Field(
        "keep", title="Last batch", description="A last batch that is not full is kept or dropped."
    )
    accumulation: int = Field(
        1,
        ge=1,
        le=limits.ACCUMULATION,
        title="Accumulate",
        description="Batches whose gradients are added up before each change of the weights: as one batch of all of them, in less memory.",
    )

    def at_once(self, samples: int) -> int:
        """Samples that are in memory together; of the whole set, an even share for each of the batches added up."""
        return min(self.size, samples) if self.size else -(-samples // self.accumulation)

    def per_step(self, samples: int) -> int:
        """Samples of a whole step: those of all batches that are added up."""
        return min(self.size * self.accumulation, samples) if self.size else samples

    def smallest(self, samples: int) -> int:
        """Samples of the smallest batch that the network ever sees."""
        step, piece = self.per_step(samples), self.at_once(samples)
        last = step if self.last == "drop" else samples % step or step
        return min((whole % piece or piece for whole in {step, last}), default=samples)

    def count(self, samples: int) -> int:
        """How many steps an epoch over so many samples has."""
        size = self.per_step(samples)
        return samples // size if self.last == "drop" else -(-samples // size)


class Length(Value):
    """How long training goes on."""

    epochs: int = Field(
        20, ge=1, le=limits.EPOCHS, title="Epochs", description="Times that every training sample is seen."
    )


class EarlyStopping(Value):
    """When to stop before the last epoch, because a score of the validation part gets no better."""

    monitor: Literal["loss", "accuracy"] = Field("loss", title="Watch", description="Of the validation part.")
    patience: int = Field(
        10, ge=1, le=limits.EPOCHS, title="Patience", description="Epochs without a better score that are waited for."
    )
    min_delta: float = Field(
        0.0, ge=0, le=1e6, title="Least change", description="What is better by less than this is not better."
    )
    restore: bool = Field(True, title="Restore the best", description="End with the weights of the best epoch.")

    def better(self, score: float, best: float | None) -> bool:
        """Whether a score is better than the best so far by more than the least change; NaN never is."""
        return is_better(score, best, self.monitor, self.min_delta)


class Recipe(Value):
    """Everything about learning that is neither network nor data."""

    procedure: Literal["Supervised"] = "Supervised"
    objectives: tuple[Objective, ...] = Field(min_length=1, max_length=limits.OBJECTIVES)
    optimizer: Picked[Optimizer]
    schedule: Picked[Schedule] = Constant()
    warm_up: float = Field(
        0.0,
        ge=0,
        le=limits.EPOCHS,
        title="Warm-up",
        description="Epochs, or a part of one, in which the rate rises along a straight line; then the schedule begins.",
    )
    init: Init = Init()
    penalties: tuple[Picked[Penalty], ...] = Field((), max_length=4)
    """What weights cost besides the loss. Losses are recorded without it, so that those of training and validation compare."""
    clip: Picked[Clip] | None = None
    """How gradients that are too large are cut before each step."""
    max_norm: float | None = Field(
        None,
        gt=0,
        le=1e6,
        title="Largest norm of a unit's weights",
        description="What comes into a unit is scaled back to it after each step; 3 or 4 is usual with dropout (Srivastava et al. 2014).",
        json_schema_extra={"empty": "off"},
    )
    augment: tuple[Picked[Augmentation], ...] = Field((), max_length=12)
    """How pictures of the training part are changed, in order, each time that the network learns from them."""
    batch: Batch = Batch()
    length: Length = Length()
    ema: float | None = Field(
        None,
        gt=0,
        lt=1,
        title="Average of weights",
        description="Judge a running average of the weights: share of the old average that each step keeps, such as 0.999.",
        json_schema_extra={"empty": "off"},
    )
    metrics: tuple[Picked[Metric], ...] = Field((), max_length=8)
    """What is measured at the end of every epoch, besides loss and accuracy."""
    early_stopping: EarlyStopping | None = None
    seed: int = Field(0, ge=0, lt=2**31, title="Seed", description="Same seed, same run, to the last bit.")

    def rate(self, step: int, total: int, epoch: int, base: float) -> float:
        """The learning rate of a step, counted from 0, of `total`, with `epoch` steps an epoch, before any look at scores.

        `base` is what the schedule starts from: the optimizer's own rate, unless a person has changed it.
        """
        warm = round(self.warm_up * epoch)
        rate = self.schedule.rate(max(0, step - warm), max(1, total - warm), epoch, base)
        return rates.warm_up(step, warm, rate) if warm else rate
