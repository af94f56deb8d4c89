"""How the pictures of a batch are changed, by kornia. As of `builder.compile.modules`, the exported program carries the text along.

A batch is a tuple of columns: inputs, then targets, each of shape (samples, ...). What is drawn comes from PyTorch's
stream of the CPU, whatever the device: the same numbers everywhere.
"""

import kornia.augmentation
import torch
from torch import Tensor


def augmented(
    changes: list[kornia.augmentation.AugmentationBase2D],
    columns: tuple[Tensor, ...],
    pictures: list[int],
    moving: list[int],
) -> tuple[Tensor, ...]:
    """The columns with every change carried out, in order.

    The columns `pictures` are changed alike, by the same draws. Those of `moving`, pictures or classes of pixels, go
    along where a change moves pixels to other places; of a change of values alone they see nothing.
    """
    left = list(columns)
    for change in changes:
        drawn = None
        for at in pictures:
            left[at] = laid_out(change(left[at], params=drawn), left[at])
            drawn = change._params
        if isinstance(change, kornia.augmentation.GeometricAugmentationBase2D):
            for at in moving:
                left[at] = moved(change, left[at])
    return tuple(left)


def moved(change: kornia.augmentation.AugmentationBase2D, target: Tensor) -> Tensor:
    """Moved as the pictures were last: pictures, or classes (samples, height, width), which are never interpolated."""
    if target.dim() == 4:
        return laid_out(change(target, params=change._params), target)
    nearest = kornia.constants.Resample.NEAREST
    classes: Tensor = change(target[:, None].float(), params=change._params, resample=nearest)
    return classes[:, 0].to(target.dtype)


def laid_out(pictures: Tensor, like: Tensor) -> Tensor:
    """In the order in memory that others have."""
    return pictures.contiguous(memory_format=torch.contiguous_format if like.is_contiguous() else torch.channels_last)


def mixed(
    columns: tuple[Tensor, ...], pictures: list[int], inputs: int, alpha: float
) -> tuple[tuple[Tensor, ...], float]:
    """Mixup (Zhang et al. 2018): every sample over another one, and the share of the first.

    Targets begin at `inputs`; behind them come those of the others, in the same order. One share and one order a batch.
    """
    share = torch.distributions.Beta(alpha, alpha).sample().item()
    others = torch.randperm(len(columns[0])).to(columns[0].device)
    first = [
        share * column + (1 - share) * column[others] if at in pictures else column for at, column in enumerate(columns)
    ]
    return (*first, *(column[others] for column in columns[inputs:])), share
