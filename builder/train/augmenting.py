"""What pictures go through before a step learns from them, where a recipe augments them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor, nn

from builder.catalog.augmentations import Mixup
from builder.compile.build import resolve
from builder.design.recipe import Recipe
from builder.train.task import Task, Tensors


class LossOf(Protocol):
    """A loss of outputs, or of a network's inputs, and targets; of a piece of a batch, with the targets of the `whole`."""

    def __call__(self, x: Tensors, targets: Tensors, whole: Tensors | None = None, /) -> Tensor: ...


@dataclass(slots=True)
class Augmenting:
    """Changes the samples of a step. With mixup targets come twice, and `share` is what the first ones count for."""

    changes: list[nn.Module]
    alpha: float | None
    task: Task
    augmented: Callable[..., Any]
    mixed: Callable[..., Any]
    share: float = field(default=1.0, init=False)

    def __call__(self, inputs: Tensors, targets: Tensors) -> tuple[Tensors, Tensors]:
        """Inputs and targets of a step as the network sees them. Draws from PyTorch's stream."""
        pictures, count = list(self.task.pictures), len(inputs)
        moving = [count + at for at in self.task.moving]
        columns = self.augmented(self.changes, (*inputs, *targets), pictures, moving)
        if self.alpha is not None:
            columns, self.share = self.mixed(columns, pictures, count, self.alpha)
        return columns[:count], columns[count:]

    def judging(self, loss_of: LossOf) -> LossOf:
        """The loss, of targets as they are, or of both where they come twice."""
        if self.alpha is None:
            return loss_of

        def of_both(outputs: Tensors, targets: Tensors, whole: Tensors | None = None) -> Tensor:
            half = len(targets) // 2
            first, second = (whole[:half], whole[half:]) if whole else (None, None)
            loss = loss_of(outputs, targets[:half], first)
            return self.share * loss + (1 - self.share) * loss_of(outputs, targets[half:], second)

        return of_both


def augmenting(recipe: Recipe, task: Task) -> Augmenting | None:
    """What a recipe asks for; None where it asks for nothing."""
    if not recipe.augment:
        return None
    # Kornia takes a second to import: by those alone who use it.
    from builder.compile.augmenting import augmented, mixed

    picture = task.inputs[task.pictures[0]]
    alphas = [change.alpha for change in recipe.augment if isinstance(change, Mixup)]
    changes = [resolve(change.target)(**change.args(picture)) for change in recipe.augment if not isinstance(change, Mixup)]  # fmt: skip
    return Augmenting(changes, alphas[0] if alphas else None, task, augmented, mixed)
