"""Recipe: how a network learns."""

from typing import Literal

from pydantic import Field

from builder import limits
from builder.catalog.initializers import Default, Initializer
from builder.catalog.losses import Loss
from builder.catalog.optimizers import Optimizer
from builder.catalog.schedules import Constant, Schedule
from builder.design.pick import Picked
from builder.problem import Value


class Objective(Value):
    """Which output meets which target under which loss. Left out, the n-th objective takes the n-th output and target."""

    output: str | None = Field(None, max_length=90, description="A reference, as in a node's inputs.")
    target: str | None = Field(None, max_length=90, description="A target column of the data.")
    loss: Picked[Loss]
    weight: float = Field(1.0, gt=0, le=1e6, description="Share of this loss in the sum that is made small.")


class Init(Value):
    """What weights and biases start from, where a node does not say otherwise."""

    weight: Picked[Initializer] = Default()
    bias: Picked[Initializer] = Default()


class Batch(Value):
    """How many samples are looked at before each change of the weights."""

    size: int | None = Field(
        64, ge=1, le=limits.BATCH, title="Batch size", description="Samples per step; empty: the whole training part."
    )
    last: Literal["keep", "drop"] = Field(
        "keep", title="Last batch", description="A last batch that is not full is kept or dropped."
    )

    def count(self, samples: int) -> int:
        """How many batches an epoch over so many samples has."""
        size = min(self.size or samples, samples)
        return samples // size if self.last == "drop" else -(-samples // size)


class Length(Value):
    """How long training goes on."""

    epochs: int = Field(
        20, ge=1, le=limits.EPOCHS, title="Epochs", description="Times that every training sample is seen."
    )


class Recipe(Value):
    """Everything about learning that is neither network nor data."""

    procedure: Literal["Supervised"] = "Supervised"
    objectives: tuple[Objective, ...] = Field(min_length=1, max_length=8)
    optimizer: Picked[Optimizer]
    schedule: Picked[Schedule] = Constant()
    init: Init = Init()
    batch: Batch = Batch()
    length: Length = Length()
    seed: int = Field(0, ge=0, lt=2**31, title="Seed", description="Same seed, same run, to the last bit.")
