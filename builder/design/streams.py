"""Four streams of random numbers, so that looking at a run, or rebuilding its network, never moves what it draws."""

from typing import Literal

Stream = Literal["init", "order", "training", "preview"]

STREAMS: tuple[Stream, ...] = ("init", "order", "training", "preview")


def seed_of(seed: int, stream: Stream) -> int:
    """The seed of one stream of a recipe's `seed`. Streams of different recipes' seeds never meet."""
    return len(STREAMS) * seed + STREAMS.index(stream)
