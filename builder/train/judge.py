"""How well a network does on a part of the data."""

import torch
from torch import nn

from builder.train.task import Part, Task

SAMPLES_AT_ONCE = 1024


@torch.no_grad()
def judge(network: nn.Module, task: Task, part: Part, loss: bool = True) -> dict[str, float]:
    """`loss` where it is wanted, and `accuracy` where there are classes, in evaluation mode. Leaves every random stream where it was."""
    was_training = network.training
    if was_training:  # who judges several parts changes the mode once, around them
        network.eval()
    total, right = 0.0, 0.0
    for chunk in _chunks(part):
        outputs = network(*chunk.inputs)
        if loss:
            total += task.loss(outputs, chunk.targets).item() * len(chunk)
        for objective, truth in zip(task.objectives, chunk.truth, strict=True):
            if objective.decide:
                hits = objective.decide(outputs[objective.output]) == truth
                right += hits.sum().item() / truth[0].numel()  # of a mask, the share of its pixels
    if was_training:
        network.train()
    scores = {"loss": total / len(part)} if loss else {}
    if task.decides:
        scores["accuracy"] = right / (len(part) * task.decides)
    return scores


def _chunks(part: Part) -> list[Part]:
    """The part in pieces that memory can hold."""
    if len(part) <= SAMPLES_AT_ONCE:
        return [part]
    columns = (part.inputs, part.targets, part.truth)
    split = [zip(*(torch.split(tensor, SAMPLES_AT_ONCE) for tensor in tensors), strict=True) for tensors in columns]
    return [Part(*pieces) for pieces in zip(*split, strict=True)]
