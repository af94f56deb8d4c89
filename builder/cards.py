"""GPUs, lent to one run at a time: two on one card would both be slower, and might not fit."""

import sqlite3
import time
from dataclasses import dataclass

from builder.control import Control
from builder.store import lock
from builder.store.database import home

LOOK_EVERY = 0.2
"""Seconds between two looks whether a card is free."""


@dataclass(frozen=True, slots=True)
class Card:
    """A GPU of this machine, ours until it is given back at the end of a `with` block, or this process ends.

    Without an index it is none: what has to do without one needs no lock.
    """

    index: int | None = None
    lock: sqlite3.Connection | None = None

    def __enter__(self) -> None:
        if self.index is not None:
            import torch

            torch.cuda.set_device(self.index)

    def __exit__(self, *_: object) -> None:
        self.give_back()

    def give_back(self) -> None:
        """Let another run have it."""
        if self.lock is not None:
            self.lock.close()


def borrow(cards: int, control: Control, step: int) -> Card | str:
    """Wait for one of so many cards; a word, `stop` or `interrupt`, where that came before one was free."""
    if cards == 0:
        return Card()
    while (word := control.over(step)) is None:
        for index in range(cards):
            held = lock.take(home() / f"gpu-{index}.lock")
            if held is not None:
                return Card(index, held)
        time.sleep(LOOK_EVERY)
    return word
