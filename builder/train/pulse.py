"""How a network fares while it learns: sizes of gradients, weights and updates by layer, units that do nothing, and what follows.

It looks at what a step has left, and at the answers to some training samples in evaluation mode: no random stream moves,
and no running statistic. The time that it takes is bounded: what took long is done again later.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from builder.analysis import Row, analyze
from builder.analysis.course import Course
from builder.analysis.diagnosis import BOUNDS, DYING, FLAT, OFTEN, Pulse, Units, Weights, diagnosis, looked_at
from builder.analysis.opened import Opened
from builder.design.experiment import Experiment
from builder.problem import Problem
from builder.train.judge import judging
from builder.train.learner import Learner
from builder.train.recorder import Recorder
from builder.train.task import Task

SHARE = 0.003
"""Of the time that looking may take."""
SHORTEST_WAIT = 1.0
"""Seconds between two looks, at least, and before the first one."""
SAMPLES = 256
"""That units are looked at with, at most."""
SOME = 10_000
"""Numbers of each weight of which a copy is made, about."""

Samples = tuple[Tensor, ...]


class Doctor:
    """Takes the pulse of a run when one is due, and tells what follows from it: `pulse` and `advice` are views.

    What one step changes takes two looks one step apart: after the first, `wants_next` asks for the second.
    """

    def __init__(self, learner: Learner, task: Task, experiment: Experiment, recorder: Recorder) -> None:
        self.learner, self.experiment, self.recorder = learner, experiment, recorder
        self.opened = Opened(experiment.network, analyze(experiment.network))
        weighted, activations = looked_at(self.opened)
        self.weights = _weights_of(learner.network, [row.id for row in weighted])
        self.activations = activations
        training = task.parts["train"]
        self.samples: Samples = training.first(min(SAMPLES, task.judged_at_once)).inputs
        self.before: tuple[int, dict[str, list[Tensor]]] | None = None
        self.updates: dict[str, float] = {}
        self.spent = 0.0
        self.due = time.perf_counter() + SHORTEST_WAIT
        self.seen: list[set[tuple[str, str | None]]] = []
        self.told: set[tuple[str, str | None]] | None = None

    @property
    def wants_next(self) -> bool:
        """Whether it waits for the very next step."""
        return self.before is not None

    def look_if_due(self, step: int, course: Course) -> None:
        """Take the pulse if it is time to, in two looks."""
        if self.before is not None:
            self._timed(self._second_look, step, course)
        elif step > 0 and time.perf_counter() >= self.due:
            self._timed(self._first_look, step, course)

    def last_look(self, step: int, course: Course) -> None:
        """Say how it ended: what holds now, though it was not seen before."""
        pulse = self._pulse(step)
        self._tell(step, diagnosis(self.experiment, self.opened, course, pulse), last=True)

    def _timed(self, look: Callable[[int, Course], None], step: int, course: Course) -> None:
        started = time.perf_counter()
        look(step, course)
        now = time.perf_counter()
        self.spent += now - started
        if self.before is None:
            self.due = now + max(SHORTEST_WAIT, self.spent / SHARE)
            self.spent = 0.0

    def _first_look(self, step: int, course: Course) -> None:
        self.before = step, self._some()

    @torch.no_grad()
    def _second_look(self, step: int, course: Course) -> None:
        assert self.before is not None
        at, before = self.before
        self.before = None
        if step == at + 1:
            for layer, some in before.items():  # in place: what was copied is not needed any more
                torch._foreach_sub_(some, [_first(weight) for weight in self.weights[layer]])
            self.updates = _sizes(before)
        pulse = self._pulse(step)
        if pulse:
            self._tell(step, diagnosis(self.experiment, self.opened, course, pulse), last=False)

    def _some(self) -> dict[str, list[Tensor]]:
        """A copy of some weights of each layer: those of its first units, so that it takes little memory."""
        return {layer: [_first(weight).clone() for weight in weights] for layer, weights in self.weights.items()}

    @torch.no_grad()
    def _pulse(self, step: int) -> Pulse | None:
        """What is measured, and shown; None where there is no gradient yet, or something is no number."""
        slopes = {layer: [weight.grad for weight in weights] for layer, weights in self.weights.items()}
        gradient = _sizes(
            {layer: here for layer, all in slopes.items() if (here := [one for one in all if one is not None])}
        )
        weight = _sizes({layer: [weight.detach() for weight in self.weights[layer]] for layer in gradient})
        units = self._units() if gradient else ()
        numbers = (*gradient.values(), *weight.values(), *self.updates.values())
        if not gradient or not all(map(math.isfinite, numbers)):
            return None
        weights = [
            Weights(layer=layer, gradient=size, weight=weight[layer], update=self.updates.get(layer))
            for layer, size in gradient.items()
        ]
        pulse = Pulse(step=step, samples=len(self.samples[0]), weights=tuple(weights), units=units)
        self.recorder.view("pulse", step, pulse.model_dump(mode="json"), b"")
        return pulse

    def _units(self) -> tuple[Units, ...]:
        """Which share of each activation's units does nothing for these samples."""
        if not self.activations:
            return ()
        found: dict[str, Tensor] = {}
        network = self.learner.network
        with judging(network), self.learner.casting(), _watched(network, self.activations, found):
            network(*self.samples)
        rows = [row for row in self.activations if row.id in found]
        if not rows:
            return ()
        shares: list[float] = torch.stack([found[row.id].float().mean() for row in rows]).tolist()
        return tuple(
            Units(layer=row.id, units=found[row.id].numel(), useless=share) for row, share in zip(rows, shares, strict=True)
        )  # fmt: skip

    def _tell(self, step: int, found: list[Problem], *, last: bool) -> None:
        """Show what was found at two looks one behind the other, or at the last one, where that is something else than before."""
        now = {(problem.code, problem.node) for problem in found}
        steady = now if last else now & (self.seen[-1] if self.seen else set())
        self.seen = [now]
        if last or steady != self.told:
            shown = [problem.model_dump(mode="json") for problem in found if (problem.code, problem.node) in steady]
            self.recorder.view("advice", step, {"problems": shown}, b"")
            self.told = steady


def _first(weight: nn.Parameter) -> Tensor:
    """The weights of the first units."""
    return weight.detach()[: max(1, SOME * len(weight) // weight.numel())]


def _sizes(tensors: Mapping[str, Sequence[Tensor]]) -> dict[str, float]:
    """The root mean square over the tensors of each layer; one readback for all."""
    if not tensors:
        return {}
    norms: list[float] = torch.stack(torch._foreach_norm([one for some in tensors.values() for one in some])).tolist()
    left = iter(norms)
    return {
        layer: math.sqrt(sum(next(left) ** 2 for _ in some) / sum(one.numel() for one in some))
        for layer, some in tensors.items()
    }


def _weights_of(network: nn.Module, layers: Sequence[str]) -> dict[str, list[nn.Parameter]]:
    """What learns in each layer, without biases: they start from zero, and have no size to compare with."""
    of_layers: dict[str, list[nn.Parameter]] = {layer: [] for layer in layers}
    for name, parameter in network.named_parameters():
        steps = name.split(".")
        owner = next((at for n in range(len(steps) - 1, 0, -1) if (at := ".".join(steps[:n])) in of_layers), None)
        if owner is not None and parameter.requires_grad and parameter.dim() > 1:
            of_layers[owner].append(parameter)
    return {layer: weights for layer, weights in of_layers.items() if weights}


@contextmanager
def _watched(network: nn.Module, rows: Sequence[Row], found: dict[str, Tensor]) -> Iterator[None]:
    """While it lasts, every activation notes which of its units do nothing."""
    hooks = [network.get_submodule(row.id).register_forward_hook(_note(row, found)) for row in rows]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _note(row: Row, found: dict[str, Tensor]) -> Any:
    channels_first = row.outputs[0].axes.startswith("C")

    def note(_module: nn.Module, _given: Any, result: Tensor) -> None:
        by_unit = result.movedim(1 if channels_first else -1, -1).flatten(0, -2)
        useless = _is_useless(row, by_unit)
        found[row.id] = useless & found[row.id] if row.id in found else useless

    return note


def _is_useless(row: Row, by_unit: Tensor) -> Tensor:
    """Whether each unit does nothing. Shape (values, units) to (units)."""
    if row.type in DYING:
        return (by_unit == 0).all(0)
    low, high = BOUNDS[row.type](row.layer)
    near = (by_unit.float() - (low + high) / 2).abs() > FLAT * (high - low) / 2
    return near.float().mean(0) >= OFTEN
