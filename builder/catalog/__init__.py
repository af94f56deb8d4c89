"""What a network and a recipe can be made of: shelves of small classes, each the whole truth about one thing."""

from builder.catalog.augmentations import Augmentation
from builder.catalog.clips import Clip
from builder.catalog.entry import Entry
from builder.catalog.initializers import Initializer
from builder.catalog.layers import Layer
from builder.catalog.losses import Loss
from builder.catalog.metrics import Metric
from builder.catalog.optimizers import Optimizer
from builder.catalog.penalties import Penalty
from builder.catalog.preparations import Preparation
from builder.catalog.schedules import Schedule
from builder.catalog.signal import Signal
from builder.catalog.sources import Source

SHELVES: tuple[type[Entry], ...] = (
    Layer, Loss, Metric, Optimizer, Schedule, Penalty, Clip, Augmentation, Initializer, Source, Preparation,
)  # fmt: skip

__all__ = [
    "SHELVES",
    "Augmentation",
    "Clip",
    "Entry",
    "Initializer",
    "Layer",
    "Loss",
    "Metric",
    "Optimizer",
    "Penalty",
    "Preparation",
    "Schedule",
    "Signal",
    "Source",
]
