"""What the loop needs of those around it. `builder.store.history.Recorder` is one recorder; a list would be another."""

from collections.abc import Mapping
from typing import Any, Protocol

from builder.problem import Json


class Recorder(Protocol):
    """Where the loop tells what it sees."""

    def add(self, series: str, step: int, value: float) -> None:
        """One point of a series."""

    def progress(
        self, step: int, epoch: int, seconds: float, samples_per_second: float, rate: float, memory: int | None
    ) -> None:
        """How far the run is: `seconds` of training, pauses left out; the learning rate; the most bytes held at once."""

    def view(self, name: str, step: int, meta: dict[str, Json], data: bytes) -> None:
        """A picture that replaces the last one of that name."""

    def tick(self) -> None:
        """Called often; writes now and then."""

    def flush(self) -> None:
        """Write now."""

    def state(self) -> dict[str, Json]:
        """What it needs to go on from here; flushed before."""

    def resume(self, state: dict[str, Any] | None) -> None:
        """Go on from what `state` said: what was told later is forgotten. None: from the beginning."""


class Keeper(Protocol):
    """Where the loop leaves moments of the run from which it can go on."""

    def due(self) -> bool:
        """Whether it is time for another one."""

    def keep(self, step: int, data: bytes, epoch: int, score: float | None) -> None:
        """Keep a moment, packed: so many epochs are whole; `score` is the validation loss, where it has just been judged."""


class Control(Protocol):
    """Where the loop asks what it should do."""

    @property
    def ask_at(self) -> int | None:
        """The step at which it has to be asked again at the latest: something is to happen exactly there."""

    @property
    def rate(self) -> float | None:
        """The learning rate that was asked for last, for the schedule to start from; None where none was."""

    def poll(self, step: int) -> str:
        """`run`, `pause`, `stop` or `interrupt`. Commands that arrived meanwhile take effect at `step`."""

    def judged(self, step: int, scores: Mapping[str, float]) -> None:
        """The scores at the end of an epoch, by `part/metric`: somebody may wait for one of them."""


class Silent:
    """A recorder that keeps what it is told in memory, a keeper that wants nothing, and a control that lets the loop run.

    For tests and benchmarks.
    """

    def __init__(self) -> None:
        self.series: dict[str, list[tuple[int, float]]] = {}
        self.views: dict[str, tuple[int, dict[str, Any], bytes]] = {}
        self.step = 0

    def add(self, series: str, step: int, value: float) -> None:
        self.series.setdefault(series, []).append((step, value))

    def progress(
        self, step: int, epoch: int, seconds: float, samples_per_second: float, rate: float, memory: int | None
    ) -> None:
        self.step = step

    def view(self, name: str, step: int, meta: dict[str, Json], data: bytes) -> None:
        self.views[name] = (step, meta, data)

    def tick(self) -> None: ...

    def flush(self) -> None: ...

    def state(self) -> dict[str, Json]:
        return {name: len(points) for name, points in self.series.items()}

    def resume(self, state: dict[str, Any] | None) -> None:
        kept = state or {}
        self.series = {name: points[: kept[name]] for name, points in self.series.items() if name in kept}

    def due(self) -> bool:
        return False

    def keep(self, step: int, data: bytes, epoch: int, score: float | None) -> None: ...

    ask_at: int | None = None
    rate: float | None = None

    def poll(self, step: int) -> str:
        return "run"

    def judged(self, step: int, scores: Mapping[str, float]) -> None: ...
