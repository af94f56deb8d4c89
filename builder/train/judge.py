"""How well a network does on a part of the data."""

import torch
from torch import Tensor, nn

from builder.train.task import Part, Task

SAMPLES_AT_ONCE = 1024


@torch.no_grad()
def judge(network: nn.Module, task: Task, part: Part) -> dict[str, float]:
    """`loss`, and `accuracy` where there are classes, in evaluation mode. Leaves every random stream where it was."""
    was_training = network.training
    if was_training:  # who judges several parts changes the mode once, around them
        network.eval()
    losses: list[Tensor] = []
    right: list[Tensor] = []
    sizes: list[int] = []
    for chunk in _chunks(part):
        outputs = network(*chunk.inputs)
        losses.append(task.loss(outputs, chunk.targets))
        sizes.append(len(chunk))
        for objective, truth in zip(task.objectives, chunk.truth, strict=True):
            if objective.decide:
                right.append((objective.decide(outputs[objective.output]) == truth).sum())
    if was_training:
        network.train()
    means: list[float] = torch.stack(losses).tolist()
    scores = {"loss": sum(mean * size for mean, size in zip(means, sizes, strict=True)) / len(part)}
    if right:
        judged = len(part) * sum(objective.decide is not None for objective in task.objectives)
        scores["accuracy"] = sum(torch.stack(right).tolist()) / judged
    return scores


def _chunks(part: Part) -> list[Part]:
    """The part in pieces that memory can hold."""
    if len(part) <= SAMPLES_AT_ONCE:
        return [part]
    columns = (part.inputs, part.targets, part.truth)
    split = [zip(*(torch.split(tensor, SAMPLES_AT_ONCE) for tensor in tensors), strict=True) for tensors in columns]
    return [Part(*pieces) for pieces in zip(*split, strict=True)]
