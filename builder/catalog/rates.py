"""Learning rates by step, in plain Python: the loop sets them, the page draws them, the program carries their text along."""

import math


def cosine(step: int, total: int, base: float, lowest: float) -> float:
    """Half a wave, from `base` at step 0 to `lowest` at step `total`."""
    return lowest + (base - lowest) * (1 + math.cos(math.pi * step / total)) / 2
