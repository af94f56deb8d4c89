"""How well a network does on a part of the data."""

import torch
from torch import Tensor, nn

from builder.train.task import Part, Task

SAMPLES_AT_ONCE = 1024


@torch.no_grad()
def judge(network: nn.Module, task: Task, part: Part) -> dict[str, float]:
    """`loss`, and `accuracy` where there are classes, in evaluation mode. Leaves every random stream where it was."""
    was_training = network.training
    network.eval()
    losses: list[Tensor] = []
    right: list[Tensor] = []
    for start in range(0, len(part), SAMPLES_AT_ONCE):
        at = slice(start, start + SAMPLES_AT_ONCE)
        outputs = network(*[x[at] for x in part.inputs])
        losses.append(task.loss(outputs, tuple(target[at] for target in part.targets)) * len(outputs[0]))
        for objective, truth in zip(task.objectives, part.truth, strict=True):
            if objective.decide:
                right.append((objective.decide(outputs[objective.output]) == truth[at]).sum())
    network.train(was_training)
    scores = {"loss": float(torch.stack(losses).sum()) / len(part)}
    if right:
        judged = len(part) * sum(objective.decide is not None for objective in task.objectives)
        scores["accuracy"] = float(torch.stack(right).sum()) / judged
    return scores
