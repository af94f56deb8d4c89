"""When a waiting run will probably start: the queue played forward, by what runs have taken so far. Pure."""

import heapq
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run in the queue. `seconds` is what it will take; infinite where nobody knows."""

    id: str
    owner: str
    seconds: float


def remaining(seconds: float, step: int, total_steps: int, typical: float) -> float:
    """What is left of a going run: in proportion to its steps, or by what such runs take."""
    if step > 0 and total_steps > 0:
        return seconds * max(0, total_steps - step) / step
    return max(0.0, typical - seconds)


def seconds_until(
    id: str, going: Iterable[tuple[str, float]], waiting: Sequence[Waiting], slots: int, per_owner: int | None
) -> float | None:
    """Seconds until the waiting run `id` starts; None where that hangs on a run of which nothing is known.

    `going` are owner and remaining seconds of what goes now, `waiting` the queue in its order. The first goes next, of
    those whose owner has not `per_owner` going at once.
    """
    ends = [(seconds, owner) for owner, seconds in going]
    heapq.heapify(ends)
    busy, queue, now = Counter(owner for _, owner in ends), list(waiting), 0.0
    while math.isfinite(now):
        allowed = [run for run in queue if per_owner is None or busy[run.owner] < per_owner]
        if len(ends) < slots and allowed:
            run = allowed[0]
            if run.id == id:
                return now
            queue.remove(run)
            busy[run.owner] += 1
            heapq.heappush(ends, (now + run.seconds, run.owner))
        elif ends:
            now, owner = heapq.heappop(ends)
            busy[owner] -= 1
        else:
            return None
    return None
