"""The decision boundary of a network with two input features, as a picture that is drawn again while it learns."""

import time
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from builder.train.recorder import Recorder
from builder.train.task import Task

SIZE = 100
"""Cells along each side of the plane."""
SHARE_OF_TIME = 0.01
SHORTEST_WAIT = 0.2
"""Seconds between two pictures, at least."""

Picture: TypeAlias = tuple[dict[str, Any], bytes]
"""What a picture is of, and its numbers."""


class Boundary:
    """Draws a new picture when one is due: never more often than every `SHORTEST_WAIT`, nor for more than `SHARE_OF_TIME`."""

    def __init__(self, network: nn.Module, task: Task, labels: tuple[str, ...], recorder: Recorder) -> None:
        self.network, self.task, self.recorder = network, task, recorder
        objective = task.objectives[0]
        self.labels = labels
        self.classes = objective.classes or 0
        self.output, self.value = objective.output, objective.side or objective.decide
        points = torch.cat([part.inputs[0] for part in task.parts.values()])
        low, high = points.min(0).values, points.max(0).values
        margin = 0.08 * (high - low).clamp_min(1e-6)
        self.low, self.high = (low - margin).tolist(), (high + margin).tolist()
        self.plane = self._plane(points)
        self.due = 0.0
        recorder.view("points", 0, {"count": len(points), "labels": list(labels)}, self._points())

    @classmethod
    def of(cls, network: nn.Module, task: Task, labels: tuple[str, ...], recorder: Recorder) -> "Boundary | None":
        """A boundary, where there is a plane to draw it on: one input of two features, and classes."""
        plane = len(task.inputs) == 1 and task.inputs[0].axes == "F" and task.inputs[0].shape == (2,)
        return cls(network, task, labels, recorder) if plane and task.objectives[0].classes else None

    def draw_if_due(self, step: int) -> None:
        if time.perf_counter() >= self.due:
            self.draw(step)

    def draw(self, step: int) -> None:
        """The newest picture, in place of the last one."""
        started = time.perf_counter()
        self.recorder.view("boundary", step, *self.picture())
        now = time.perf_counter()
        self.due = now + max(SHORTEST_WAIT, (now - started) / SHARE_OF_TIME)

    def keep(self, step: int, picture: Picture) -> None:
        """A picture that stays with the moment that is kept of a step."""
        self.recorder.view(f"boundary_{step}", step, *picture)

    @torch.no_grad()
    def picture(self) -> Picture:
        """What it is, and the value of every cell."""
        assert self.value is not None
        was_training = self.network.training
        self.network.eval()
        cells = self.value(self.network(self.plane)[self.output]).float().cpu().numpy()
        self.network.train(was_training)
        meta: dict[str, Any] = {
            "x": [self.low[0], self.high[0]],
            "y": [self.low[1], self.high[1]],
            "size": SIZE,
            "classes": self.classes,
            "labels": list(self.labels),
        }
        return meta, cells.astype("<f4").tobytes()

    def _plane(self, like: Tensor) -> Tensor:
        """The middle of every cell, row by row from low y to high y. Shape (SIZE * SIZE, 2)."""
        at = (torch.arange(SIZE) + 0.5) / SIZE
        x = self.low[0] + at * (self.high[0] - self.low[0])
        y = self.low[1] + at * (self.high[1] - self.low[1])
        return torch.cartesian_prod(y, x).flip(1).to(like)

    def _points(self) -> bytes:
        """Every sample as x, y, class, part (0 train, 1 validation, 2 test)."""
        rows = [
            np.column_stack([part.inputs[0].cpu().numpy(), part.truth[0].cpu().numpy(), np.full(len(part), at)])
            for at, part in (
                (("train", "validation", "test").index(name), part) for name, part in self.task.parts.items()
            )
        ]
        return np.concatenate(rows).astype("<f4").tobytes()
