"""Data: where samples come from, which column goes where, how they are split and prepared."""

from typing import Self

from pydantic import Field, model_validator

from builder.catalog.preparations import Preparation
from builder.catalog.sources import Source
from builder.design.pick import Picked
from builder.problem import Value

PARTS = ("train", "validation", "test")


class Bind(Value):
    """Which column feeds which Input, and which are the targets.

    What is left out goes by position: the first Input reads the first feature, the first target is the first.
    """

    inputs: dict[str, str] = Field({}, description="Column of each Input, by the Input's id.")
    targets: tuple[str, ...] = Field((), description="Target columns, in the order of the objectives.")


class Split(Value):
    """Shares of the samples; the test part is what is left. Drawn once, from `seed` alone."""

    train: float = Field(0.7, gt=0, lt=1, title="Training share", description="Samples to learn from.")
    validation: float = Field(0.15, ge=0, lt=1, title="Validation share", description="Samples to choose by.")
    stratify: bool = Field(True, description="Keep the shares of the classes equal in every part.")
    seed: int = Field(0, ge=0, lt=2**31, title="Split seed", description="Same seed, same parts.")

    @model_validator(mode="after")
    def leaves_a_test_part(self) -> Self:
        if self.train + self.validation > 1 + 1e-9:
            raise ValueError(
                f"training share {self.train} and validation share {self.validation} add up to more than 1"
            )
        return self

    def sizes(self, samples: int) -> tuple[int, int, int]:
        """How many samples go to training, validation and test."""
        train = round(samples * self.train)
        validation = min(round(samples * self.validation), samples - train)
        return train, validation, samples - train - validation


class Data(Value):
    """What a network is trained and judged on."""

    source: Picked[Source]
    bind: Bind = Bind()
    split: Split = Split()
    prepare: tuple[Picked[Preparation], ...] = ()
