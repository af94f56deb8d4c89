"""What a network will see of some training pictures, as the recipe augments them."""

import base64
from collections.abc import Callable

import torch
from torch import Tensor

from builder.analysis.augmenting import NOTHING
from builder.data import Arrays
from builder.design.experiment import Execution, Experiment
from builder.design.streams import seed_of
from builder.problem import Json, Refused
from builder.train.augmenting import augmenting
from builder.train.task import task_of

PICTURES, TIMES = 8, 3
"""How many pictures are shown, and how often each of them as it is changed."""
MOST_PIXELS = 64
"""Of a picture along a side; larger ones are shown smaller."""


def examples(
    experiment: Experiment,
    execution: Execution,
    arrays: Arrays,
    tell: Callable[[float], object],
    stop: Callable[[], bool],
) -> dict[str, Json]:
    """Rows of pictures: the first training samples as they are, then the same ones several times as they are changed.

    Their numbers, 0 to 255, row by row, as base64, of shape (rows, columns, height, width, channels). What is darkest and
    lightest in the first row is black and white. Draws from the stream of previews. Raises Refused where nothing is changed.
    """
    task = task_of(experiment, execution, arrays)
    part = task.parts["train"].first(PICTURES)
    rows = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(experiment.recipe.seed, "preview"))
        change = augmenting(experiment.recipe, task)
        if change is None:
            raise Refused(NOTHING)
        for time in range(TIMES):
            rows.append(change(part.inputs, part.targets)[0][task.pictures[0]])
            tell((time + 1) / TIMES)
    pixels = _pixels(torch.stack([part.inputs[task.pictures[0]], *rows]))
    return {"shape": list(pixels.shape), "pixels": base64.b64encode(pixels.contiguous().numpy().tobytes()).decode()}


def _pixels(pictures: Tensor) -> Tensor:
    """Grey or coloured pixels from 0 to 255. Shape (rows, columns, channels, height, width) to (..., height, width, channels)."""
    channels = 3 if pictures.shape[2] == 3 else 1
    low, high = pictures[0].min(), pictures[0].max()
    shown = (pictures[:, :, :channels] - low) / (high - low).clamp_min(1e-6)
    smaller = -(-max(shown.shape[-2:]) // MOST_PIXELS)
    if smaller > 1:
        small = torch.nn.functional.avg_pool2d(shown.flatten(0, 1), smaller)
        shown = small.reshape(*shown.shape[:2], *small.shape[1:])
    return (255 * shown.clamp(0, 1)).round().to(torch.uint8).permute(0, 1, 3, 4, 2)
