"""Choose how a run is carried out. Chosen once, at its first start: another choice would change its bits."""

import platform
from typing import Literal

import torch

from builder.design.experiment import Execution, Experiment
from builder.problem import Problem, Refused, say

Device = Literal["auto", "cpu", "cuda"]


def choose(experiment: Experiment, device: Device = "auto") -> Execution:
    """The execution for a new run. Raises `Refused` where the device asked for is not there."""
    if device == "cuda" and not torch.cuda.is_available():
        raise Refused(
            Problem(
                code="device/none",
                title=say("There is no GPU to run on"),
                because=say(
                    "PyTorch {version} finds no CUDA device here. Use --device auto or cpu.", version=torch.__version__
                ),
            )
        )
    chosen = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
    return Execution(
        device=chosen,
        device_name=torch.cuda.get_device_name() if chosen == "cuda" else "CPU",
        threads=1,
        memory_format="contiguous",
        optimizer_implementation="fused" if experiment.recipe.optimizer.fused else "default",
        precision="float32",
        torch=torch.__version__,
        cpu=platform.processor() or platform.machine(),
    )
