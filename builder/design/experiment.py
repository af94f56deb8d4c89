"""Experiment: one network, its data and its recipe, in one JSON file. Execution: how a run of it is carried out."""

from typing import Literal

from pydantic import Field

from builder import limits
from builder.design.data import Data
from builder.design.network import Network
from builder.design.recipe import Recipe
from builder.problem import Value


class Experiment(Value):
    """One reproducible experiment: what is saved, shared, queued, run, and stored with the run."""

    format: Literal["layerlab.experiment"] = "layerlab.experiment"
    version: Literal[1] = 1
    name: str = Field("", max_length=limits.TITLE)
    network: Network
    data: Data
    recipe: Recipe


class Execution(Value):
    """What besides the experiment decides a run's bits. Chosen at its first start, stored with it, never changed."""

    device: str
    device_name: str
    threads: int
    memory_format: Literal["contiguous", "channels_last"]
    optimizer_implementation: Literal["fused", "default"]
    precision: Literal["float32"]
    torch: str
    cpu: str
