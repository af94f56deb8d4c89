"""Schedules: how the learning rate changes while a network learns."""

from typing import Annotated, ClassVar

from pydantic import Field

from builder.catalog import rates
from builder.catalog.entry import Entry


class Schedule(Entry):
    """A rule for the learning rate. `target` is its function in `builder.catalog.rates`."""

    kind: ClassVar[str] = "schedule"

    def rate(self, step: int, total: int, base: float) -> float:
        """The rate of a step, counted from 0, of `total`; `base` is the optimizer's own."""
        raise TypeError(f"{self.name} does not say what the rate is")


class Constant(Schedule):
    """The optimizer's rate at every step."""

    group, target = "Plain", ""
    formula = r"\eta_t = \eta"

    def rate(self, step: int, total: int, base: float) -> float:
        return base


class Cosine(Schedule):
    """Falls from the optimizer's rate along half a wave: slowly, then fast, and slowly again (Loshchilov and Hutter 2016)."""

    group, target = "Decay", "cosine"
    aliases = ("cosine annealing", "cosineannealinglr", "cosine decay")
    formula = r"\eta_t = \eta_{\min} + (\eta - \eta_{\min})\,\frac{1 + \cos(\pi t / T)}{2}"

    lowest: Annotated[float, Field(ge=0, le=100)] = Field(
        0.0, title="Lowest rate η min", description="The rate that the last step comes to."
    )

    def rate(self, step: int, total: int, base: float) -> float:
        return rates.cosine(step, total, base, **self.args())
