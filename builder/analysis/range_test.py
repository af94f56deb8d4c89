"""The learning-rate range test: which rates are tried, when that ends, and what the losses say. Torch-free.

While the rate rises from far too small to far too large, each step a little, the loss first stays, then falls, then
explodes (Smith 2017, "Cyclical Learning Rates for Training Neural Networks"; Smith 2018, "A disciplined approach to
neural network hyper-parameters: Part 1"). That the rate rises exponentially, and by how much the loss may have risen in
the end, is as in fast.ai and in Lightning's `lr_find`.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from builder.catalog.optimizers import Optimizer
from builder.problem import Fix, Json, Problem, Set, say

STEPS = 100
MEMORY = 0.9
"""Of the average that makes losses smooth. It looks back over 10 steps, in which the rate rises by less than a factor of
10. The usual 0.98 would look back over 50, half of the test, and see no fall that is shorter."""
WARM = 10
"""Steps before the average is as calm as it gets: nothing is read there."""
EXPLODED = 4
"""Times the best loss: then larger rates have no more to tell."""
CLEARLY = 2
"""Standard deviations of single losses by which the average has to fall: by chance it falls by one at most."""
PATH = "recipe.optimizer.params.lr"


def rates(optimizer: Optimizer) -> list[float]:
    """The rate of each step, each the same factor above the one before."""
    lowest, highest = optimizer.swept()
    return [lowest * (highest / lowest) ** (step / (STEPS - 1)) for step in range(STEPS)]


def unfit(optimizer: Optimizer) -> Problem | None:
    """Why there is no range test with an optimizer."""
    if not optimizer.unswept:
        return None
    title = say("{optimizer} has no rate that a range test could find", optimizer=optimizer.name)
    fix = Fix(label=say("Use AdamW"), edits=(Set(path="recipe.optimizer", value={"type": "AdamW"}),))
    return Problem(code="range-test/optimizer", title=title, because=say(optimizer.unswept), fixes=(fix,))


class Course:
    """Rates and losses as they come, and averages of both.

    The average is exponential, corrected for having begun at zero (Kingma and Ba 2015). Rates are averaged as losses
    are, by their logarithms: an average loss belongs to the rates that it comes from, which are those of some steps ago.
    """

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.losses: list[float] = []
        self.smooth_rates: list[float] = []
        self.smooth_losses: list[float] = []
        self._sums = np.zeros(2)

    def add(self, rate: float, loss: float) -> bool:
        """Take the loss of a step, before it goes on at `rate`; whether the next step is worth making.

        It is not where a loss is no number, nor where the average has risen from its lowest to `EXPLODED` times that.
        Of a lowest loss near zero, or below, the rise is measured against a tenth of the first loss too.
        """
        if not math.isfinite(loss):
            return False
        self.rates.append(rate)
        self.losses.append(loss)
        self._sums = MEMORY * self._sums + (1 - MEMORY) * np.array([math.log(rate), loss])
        log_rate, smooth = map(float, self._sums / (1 - MEMORY ** len(self.losses)))
        self.smooth_rates.append(math.exp(log_rate))
        self.smooth_losses.append(smooth)
        lowest = min(self.smooth_losses)
        return smooth - lowest <= (EXPLODED - 1) * max(abs(lowest), abs(self.losses[0]) / 10)


class Reading(NamedTuple):
    """Two rates that a test suggests; None where the loss fell by no more than it varies from batch to batch."""

    steepest: float | None
    """Where the smoothed loss falls fastest over the logarithm of the rate: large, as schedules that fall want it."""
    tenth: float | None
    """One tenth of that at which the smoothed loss is lowest: the careful one."""


def reading(course: Course) -> Reading:
    """What rates and losses say."""
    smooth = np.array(course.smooth_losses)
    if len(smooth) <= WARM + 1:
        return Reading(None, None)
    losses = np.array(course.losses)
    first = losses[:WARM].mean()
    lowest = WARM + int(smooth[WARM:].argmin())
    if first - smooth[lowest] <= max(CLEARLY * _noise(losses), 1e-3 * abs(first)):
        return Reading(None, None)
    slopes = np.gradient(smooth, np.log(course.smooth_rates))
    steepest = WARM + int(slopes[WARM : lowest + 1].argmin())
    return Reading(rounded(course.smooth_rates[steepest]), rounded(course.smooth_rates[lowest] / 10))


def _noise(losses: NDArray[np.float64]) -> float:
    """The standard deviation of losses from batch to batch, by the median of their differences: falls and explosions are rare."""
    return float(np.median(np.abs(np.diff(losses)))) / (0.6745 * math.sqrt(2))


def rounded(rate: float) -> float:
    """Two digits: no test says more."""
    return float(f"{rate:.1e}")


def in_words(seen: Mapping[str, Json]) -> str:
    """What a test has found, as a sentence or two."""
    if not seen["losses"] and seen["ended"] == "exploded":
        return say("The very first loss is no number, at the first weights: no rate can help there.")
    if seen["steepest"] is None:
        return say(
            "The loss fell at no rate by more than it varies from batch to batch: there is nothing to suggest. {ended}",
            ended=how_it_ended(seen),
        )
    return say(
        "Steepest fall: the smoothed loss falls fastest at {steepest:g}. A tenth of the lowest: it is lowest at {lowest:g}, a tenth is {tenth:g}. {ended}",
        steepest=seen["steepest"],
        lowest=10 * seen["tenth"],
        tenth=seen["tenth"],
        ended=how_it_ended(seen),
    )


def how_it_ended(seen: Mapping[str, Json]) -> str:
    """Why no larger rate was tried."""
    last = seen["reached"]
    match seen["ended"]:
        case "exploded":
            return say("At {rate:.2g} the loss had exploded.", rate=last)
        case "time":
            return say("Its time was over at {rate:.2g}.", rate=last)
        case _:
            return say("It went up to {rate:.2g}.", rate=last)
