"""What the loop needs of those around it. `builder.store.history.Recorder` is one recorder; a list would be another."""

from typing import Any, Protocol

from builder.problem import Json


class Recorder(Protocol):
    """Where the loop tells what it sees."""

    def add(self, series: str, step: int, value: float) -> None:
        """One point of a series."""

    def progress(self, step: int, epoch: int, seconds: float, samples_per_second: float) -> None:
        """How far the run is; `seconds` of training, pauses left out."""

    def view(self, name: str, step: int, meta: dict[str, Json], data: bytes) -> None:
        """A picture that replaces the last one of that name."""

    def tick(self) -> None:
        """Called often; writes now and then."""

    def flush(self) -> None:
        """Write now."""


class Control(Protocol):
    """Where the loop asks what it should do."""

    def poll(self, step: int) -> str:
        """`run`, `pause`, `stop` or `interrupt`. Commands that arrived meanwhile take effect at `step`."""


class Silent:
    """A recorder that keeps what it is told in memory, and a control that lets the loop run: for tests and benchmarks."""

    def __init__(self) -> None:
        self.series: dict[str, list[tuple[int, float]]] = {}
        self.views: dict[str, tuple[int, dict[str, Any], bytes]] = {}
        self.step = 0

    def add(self, series: str, step: int, value: float) -> None:
        self.series.setdefault(series, []).append((step, value))

    def progress(self, step: int, epoch: int, seconds: float, samples_per_second: float) -> None:
        self.step = step

    def view(self, name: str, step: int, meta: dict[str, Json], data: bytes) -> None:
        self.views[name] = (step, meta, data)

    def tick(self) -> None: ...

    def flush(self) -> None: ...

    def poll(self, step: int) -> str:
        return "run"
