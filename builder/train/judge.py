"""How well a network does on a part of the data."""

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from builder.catalog.metrics import AUROC, F1, MAE, R2, RMSE, Metric, Precision, Recall, TopK
from builder.catalog.signal import Signal
from builder.compile.modules import weights_that_learn
from builder.train.task import Objective, Part, Task

EXACT_NUMBERS = 10_000_000
"""Scores up to which the area under the curve is exact; of more it is that of a curve with `THRESHOLDS` points."""
THRESHOLDS = 200
WEIGHED_AT_ONCE = 2**16
SPARSE = 1e-3
"""Weights below it count as zero: by gradients alone hardly one ends there exactly."""


@torch.no_grad()
def judge(
    network: nn.Module, task: Task, part: Part, loss: bool = True, metrics: Sequence[Metric] = ()
) -> dict[str, float]:
    """`loss` where it is wanted, `accuracy` where there are classes, and `metrics`, of a network in evaluation mode.

    Leaves every random stream where it was. Metrics are those of the first objective that they suit; one that is
    undefined for the part is left out.
    """
    total, right = 0.0, 0.0
    answers: list[tuple[Tensor, ...]] = []
    for chunk in _chunks(part, task.judged_at_once):
        outputs = network(*chunk.inputs)
        if loss:
            total += task.loss(outputs, chunk.targets, part.targets).item() * len(chunk)
        for objective, truth in zip(task.objectives, chunk.truth, strict=True):
            if objective.decide:
                hits = objective.decide(outputs[objective.output]) == truth
                right += hits.sum().item() / truth[0].numel()  # of a mask, the share of its pixels
        if metrics:
            answers.append(outputs)
    scores = {"loss": total / len(part)} if loss else {}
    if task.decides:
        scores["accuracy"] = right / (len(part) * task.decides)
    if metrics:
        whole = tuple(torch.cat(outputs) for outputs in zip(*answers, strict=True))
        scores |= _measured(task, whole, part.truth, metrics)
    return scores


@torch.no_grad()
def weighed(network: nn.Module) -> dict[str, float]:
    """Of the weights that learn, biases and norms left out: their `norm`, and the share below `SPARSE` (`sparsity`); of none, nothing."""
    weights = list(weights_that_learn(network))
    if not weights:
        return {}
    norm = torch.stack([weight.norm() for weight in weights]).norm().item()
    # Piece by piece: a run is not to run out of memory when it is over.
    pieces = (piece for weight in weights for piece in torch.split(weight.flatten(), WEIGHED_AT_ONCE))
    small = sum(int((piece.abs() < SPARSE).sum()) for piece in pieces)
    return {"norm": norm, "sparsity": small / sum(weight.numel() for weight in weights)}


@contextmanager
def judging(network: nn.Module) -> Iterator[None]:
    """Dropout off, and batch norm at its running statistics; afterwards as it was."""
    was_training = network.training
    if was_training:
        network.eval()
    yield
    if was_training:
        network.train()


def every_metric(task: Task, metrics: Iterable[Metric] = ()) -> list[Metric]:
    """All that there is to measure about a task, at the end of a run: `metrics` as they are, and the kinds that they lack."""
    kinds = {bool(objective.decide) for objective in task.objectives}
    of_classes: list[Metric] = [Precision(), Recall(), F1(), AUROC()]
    classes = max((objective.classes or 0 for objective in task.objectives if objective.decide), default=0)
    if classes > 2:
        of_classes.append(TopK(k=min(5, classes - 1)))
    usual = [*(of_classes if True in kinds else []), *([MAE(), RMSE(), R2()] if False in kinds else [])]
    own = list(metrics)
    return [*own, *(metric for metric in usual if type(metric) not in {type(other) for other in own})]


def _measured(
    task: Task, outputs: tuple[Tensor, ...], truths: tuple[Tensor, ...], metrics: Iterable[Metric]
) -> dict[str, float]:
    scores = {}
    for metric in metrics:
        for objective, truth in zip(task.objectives, truths, strict=True):
            if metric.suits(_learned(objective)):
                score = _measure(metric, objective, outputs[objective.output], truth)
                if not math.isnan(score):
                    scores[metric.key] = score
                break
    return scores


def _learned(objective: Objective) -> Signal:
    """What an objective learns, as a metric sees it: classes where its loss decides on one, else numbers."""
    return Signal((), "", "int64", objective.classes or 2) if objective.decide else Signal((), "")


def _measure(metric: Metric, objective: Objective, output: Tensor, truth: Tensor) -> float:
    """One metric of one output, by torchmetrics; NaN where it is undefined."""
    import torchmetrics.functional  # takes a second: a waiting worker has imported it already

    place, _, name = metric.target.partition(".")
    function: Callable[..., Tensor] = getattr(getattr(torchmetrics.functional, place), name)
    output = output.float()
    if metric.wants == "values":
        return _or_undefined(function, objective.predicted(output).flatten(1), truth.flatten(1), metric.options(0))
    classes = objective.classes or 2
    if isinstance(metric, AUROC) and not torch.bincount(truth.flatten(), minlength=classes).all():
        return math.nan  # there is nothing that a missing class could be told from
    options = metric.options(classes)
    if isinstance(metric, AUROC) and output.numel() > EXACT_NUMBERS:
        options["thresholds"] = THRESHOLDS
    answers = _scores(objective, output) if metric.wants == "scores" else objective.decided(output)
    return _or_undefined(function, answers, truth, options)


def _or_undefined(function: Callable[..., Tensor], answers: Tensor, truth: Tensor, options: dict[str, Any]) -> float:
    """What a function of torchmetrics returns; NaN where it says that there are too few samples."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of averages with classes that are not there
            return function(answers, truth, **options).item()
    except ValueError:
        return math.nan


def _scores(objective: Objective, output: Tensor) -> Tensor:
    """A score for each class, between 0 and 1 as torchmetrics wants them. Shape (samples, classes, ...)."""
    if output.shape[1] == 1 and objective.side:  # one number for two classes
        second = (objective.side(output) + 1) / 2
        return torch.stack([1 - second, second], dim=1)
    return output.softmax(1)


def _chunks(part: Part, size: int) -> list[Part]:
    """The part in pieces of so many samples."""
    if len(part) <= size:
        return [part]
    columns = (part.inputs, part.targets, part.truth)
    split = [zip(*(torch.split(tensor, size) for tensor in tensors), strict=True) for tensors in columns]
    return [Part(*pieces) for pieces in zip(*split, strict=True)]
