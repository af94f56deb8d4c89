"""What an experiment asks of the loop, in torch's terms: tensors, losses, and how answers are judged."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn

from builder.analysis import analyze
from builder.analysis.experiment import augmented_columns, input_columns, output_references, target_columns
from builder.analysis.memory import judged_at_once
from builder.catalog.signal import Signal
from builder.compile.build import loss_function, resolve
from builder.data import Arrays
from builder.design.experiment import Execution, Experiment

Tensors: TypeAlias = tuple[Tensor, ...]


@dataclass(frozen=True, slots=True)
class Objective:
    """One output that meets one target under one loss."""

    output: int
    loss: nn.Module
    weight: float
    classes: int | None
    encode: Callable[[Tensor, int], Tensor] | None
    decide: Callable[[Tensor], Tensor] | None
    side: Callable[[Tensor], Tensor] | None
    predict: Callable[[Tensor], Tensor] | None
    of_whole: bool

    def decided(self, output: Tensor) -> Tensor:
        """The class that each answer means."""
        assert self.decide is not None
        return self.decide(output)

    def predicted(self, output: Tensor) -> Tensor:
        """The numbers that each answer means."""
        return self.predict(output) if self.predict else output

    def targets(self, target: Tensor) -> Tensor:
        """The target as the loss compares it: classes may become -1/+1, 0/1 or rows."""
        return self.encode(target, self.classes or 0) if self.encode else target


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the data, resident on the device: inputs in the order of the network's, targets in that of the objectives.

    `truth` is the target as it came, `targets` as the loss compares it.
    """

    inputs: Tensors
    targets: Tensors
    truth: Tensors

    def __len__(self) -> int:
        return len(self.inputs[0])

    def first(self, count: int) -> "Part":
        """Its first samples. Parts are drawn in random order, so these are any."""
        return Part(
            *(tuple(tensor[:count] for tensor in tensors) for tensors in (self.inputs, self.targets, self.truth))
        )


@dataclass(frozen=True, slots=True)
class Task:
    """Everything that the loop works on."""

    objectives: tuple[Objective, ...]
    parts: dict[str, Part]
    inputs: tuple[Signal, ...]
    judged_at_once: int
    """Samples that are judged together."""
    pictures: tuple[int, ...]
    """Places of those inputs that are pictures."""
    moving: tuple[int, ...]
    """Places of those targets whose pixels go along where those of the pictures move."""

    @property
    def decides(self) -> int:
        """How many objectives have classes to be right about."""
        return sum(objective.decide is not None for objective in self.objectives)

    def loss(self, outputs: Tensors, targets: Tensors, whole: Tensors | None = None) -> Tensor:
        """The weighted sum of all losses.

        Where the samples are a piece of others, `whole` is the targets of all of them: the losses of all pieces, each by
        its share of the samples, then add up to that of the whole.
        """
        total: Tensor | None = None
        for at, (objective, target) in enumerate(zip(self.objectives, targets, strict=True)):
            of = (whole[at],) if whole and objective.of_whole else ()
            loss = objective.loss(outputs[objective.output], target, *of)
            loss = loss if objective.weight == 1 else objective.weight * loss
            total = loss if total is None else total + loss
        assert total is not None
        return total


def task_of(experiment: Experiment, execution: Execution, arrays: Arrays) -> Task:
    """The experiment as a task on the device."""
    analysis = analyze(experiment.network)
    outputs = list(experiment.network.outputs)
    targets = target_columns(experiment)
    objectives = []
    for objective, reference, column in zip(
        experiment.recipe.objectives, output_references(experiment), targets, strict=True
    ):
        signal, target = analysis.signals[reference], arrays.columns[column]
        functions = (getattr(objective.loss, name)(signal, target) for name in ("encode", "decide", "side", "predict"))
        encode, decide, side, predict = (resolve(name) if name else None for name in functions)
        objectives.append(
            Objective(
                outputs.index(reference),
                loss_function(objective.loss).to(execution.device),
                objective.weight,
                target.classes,
                encode,
                decide,
                side,
                predict,
                objective.loss.of_whole,
            )
        )
    columns = [column or "" for column in input_columns(experiment).values()]
    parts = {}
    for name, arrays_of_part in arrays.parts.items():
        inputs = tuple(_resident(arrays_of_part[column], execution) for column in columns)
        truth = tuple(_resident(arrays_of_part[column], execution) for column in targets)
        encoded = tuple(objective.targets(target) for objective, target in zip(objectives, truth, strict=True))
        if len(inputs[0]):
            parts[name] = Part(inputs, encoded, truth)
    signals = tuple(arrays.features[column] for column in columns)
    pictures, moving = augmented_columns(experiment)
    return Task(tuple(objectives), parts, signals, judged_at_once(analysis), tuple(pictures), tuple(moving))


def batches(part: Part, size: int, count: int, order: torch.Generator) -> list[tuple[Tensors, Tensors]]:
    """One epoch: every sample once, in a new order, gathered once and handed out as so many views of inputs and targets."""
    shuffled = torch.randperm(len(part), generator=order).to(part.inputs[0].device)
    columns = [torch.split(tensor[shuffled], size)[:count] for tensor in (*part.inputs, *part.targets)]
    return [(batch[: len(part.inputs)], batch[len(part.inputs) :]) for batch in zip(*columns, strict=True)]


def _resident(array: object, execution: Execution) -> Tensor:
    tensor = torch.tensor(array, device=execution.device)
    channels_last = execution.memory_format == "channels_last" and tensor.dim() == 4
    return tensor.to(memory_format=torch.channels_last) if channels_last else tensor
