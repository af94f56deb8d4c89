"""Learning rates by step, in plain Python: the loop sets them, the page draws them, the program carries their text along.

`step` counts from 0; `total` are the steps of the whole run, `epoch` those of one epoch, and `base` is the optimizer's rate.
"""

import math


def warm_up(step: int, steps: int, rate: float) -> float:
    """A straight line to all of `rate` at the last of the first `steps`."""
    return rate * min(1.0, (step + 1) / steps)


def step_decay(step: int, epoch: int, base: float, every: int, factor: float) -> float:
    """Times `factor` after each `every` epochs."""
    return base * factor ** (step // (every * epoch))


def multi_step(step: int, epoch: int, base: float, milestones: tuple[int, ...], factor: float) -> float:
    """Times `factor` after each of the epochs in `milestones`."""
    return base * factor ** sum(step >= end * epoch for end in milestones)


def exponential(step: int, epoch: int, base: float, factor: float) -> float:
    """Times `factor` after every epoch."""
    return base * factor ** (step // epoch)


def inverse_time(step: int, epoch: int, base: float, decay: float) -> float:
    """Divided by 1 more than `decay` times the epochs that are over."""
    return base / (1 + decay * (step // epoch))


def polynomial(step: int, total: int, base: float, power: float, lowest: float) -> float:
    """From `base` at step 0 to `lowest` at step `total`, along a power of the way that is left."""
    return lowest + (base - lowest) * math.pow(1 - step / total, power)


def cosine(step: float, total: float, base: float, lowest: float) -> float:
    """Half a wave, from `base` at step 0 to `lowest` at step `total`."""
    return lowest + (base - lowest) * (1 + math.cos(math.pi * step / total)) / 2


def cosine_restarts(step: int, epoch: int, base: float, first: int, longer: int, lowest: float) -> float:
    """Half waves from `base` to `lowest`: the first is `first` epochs long, each other one `longer` times as long as the last."""
    length = first * epoch
    if longer == 1:
        step %= length
    while step >= length:
        step, length = step - length, length * longer
    return cosine(step, length, base, lowest)


def one_cycle(step: int, total: int, base: float, rising: float, start: float, end: float) -> float:
    """Half a wave up to `base` for a share of `rising` of the run, and one down: from `base / start` to `base / start / end`."""
    top = rising * total - 1
    if step < top:
        return cosine(step, top, base / start, base)
    return cosine(step - top, total - 1 - top, base, base / start / end)
