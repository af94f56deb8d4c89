"""Experiment: one network, its data and its recipe, in one JSON file. Execution: how a run of it is carried out."""

from typing import Literal, TypeAlias

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


Device: TypeAlias = Literal["auto", "cpu", "cuda"]
MemoryFormat: TypeAlias = Literal["contiguous", "channels_last"]
Precision: TypeAlias = Literal["float32", "tf32", "bfloat16", "float16"]


class Wish(Value):
    """How a person wants a run to be carried out; what is left open is chosen at its first start."""

    device: Device = Field("auto", title="Device", description="auto: the GPU, where there is one and it is faster.")
    precision: Precision = Field(
        "float32",
        title="Precision",
        description="Of products: tf32 needs a GPU; bfloat16 and float16 keep weights in float32.",
    )
    threads: int = Field(
        1,
        ge=1,
        le=limits.THREADS,
        title="Threads",
        description="Of the CPU. More than one takes as many places in the queue.",
    )
    memory_format: Literal["auto"] | MemoryFormat = Field(
        "auto", title="Memory format", description="Of images: channels_last is faster for convolutions."
    )


class Execution(Value):
    """What besides the experiment decides a run's bits. Chosen at its first start, stored with it, never changed."""

    device: str
    device_name: str
    threads: int
    memory_format: MemoryFormat
    optimizer_implementation: Literal["fused", "default"]
    precision: Precision
    torch: str
    cpu: str
    reason: str = ""
    """Why this device, where it was chosen."""
    wish: Wish | None = None
    """What all this was chosen for; None where an older version chose it."""
