"""The same training as users of other libraries write it: one module a library, which alone imports it.

Every library gets the samples, the batch size and the optimizer of the exercise, and the network that is written by
hand; Keras has layers of its own. Each validates at the end of every epoch, in one batch. A function that trains
returns steps a second from the beginning of the first epoch to the end of the last, by the library's own count of
steps.
"""

import importlib.util
import os
from collections.abc import Callable

from benchmarks.by_hand import Exercise

LIBRARIES = ("lightning", "skorch", "keras")

os.environ["KERAS_BACKEND"] = "torch"  # read when Keras is imported


def missing() -> list[str]:
    """The libraries that are not installed."""
    return [library for library in LIBRARIES if importlib.util.find_spec(library) is None]


def sides() -> dict[str, Callable[[Exercise, int], float]]:
    """What trains an exercise for so many epochs, by the name that the table has."""
    from benchmarks.peers import in_keras, in_lightning, in_skorch

    return {
        "Lightning, bare": in_lightning.bare,
        "Lightning": in_lightning.default,
        "skorch": in_skorch.default,
        "Keras": in_keras.default,
    }
