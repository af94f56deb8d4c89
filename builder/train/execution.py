"""Choose how a run is carried out. Chosen once, at its first start: another choice would change its bits."""

import platform

import torch

from builder.analysis import analyze
from builder.analysis.layout import usual_memory_format
from builder.data import Arrays
from builder.design.experiment import Execution, Experiment, Wish
from builder.problem import Problem, Refused, say
from builder.train.race import race, worth_a_race

NO_FLOAT16 = ("LSTM",)
"""Layers for which oneDNN has no float16 on the CPU; GRU and RNN are worked out without it."""


def choose(experiment: Experiment, wish: Wish | str = "auto", arrays: Arrays | None = None) -> Execution:
    """The execution for a new run, by what a person wishes; a word is a wish for a device alone.

    With the data, and the device left open, a small network is tried on CPU and GPU, and takes the faster one. Raises
    `Refused` where the wish cannot be carried out here.
    """
    wish = Wish.model_validate({"device": wish}) if isinstance(wish, str) else wish
    there = torch.cuda.is_available()
    chosen = _on(experiment, wish, "cuda" if there and wish.device != "cpu" else "cpu")
    if (
        chosen.device == "cpu"
        or wish.device != "auto"
        or _impossible(experiment, wish, "cpu")
        or arrays is None
        or not worth_a_race(experiment, arrays)
    ):
        return chosen
    faster, reason = race(experiment, arrays, _on(experiment, wish, "cpu"), chosen)
    return faster.model_copy(update={"reason": reason})


def _on(experiment: Experiment, wish: Wish, device: str) -> Execution:
    """The wish on a device."""
    problem = _impossible(experiment, wish, device)
    if problem:
        raise Refused(problem)
    return Execution(
        device=device,
        device_name=torch.cuda.get_device_name() if device == "cuda" else "CPU",
        threads=wish.threads,
        memory_format=usual_memory_format(experiment) if wish.memory_format == "auto" else wish.memory_format,
        optimizer_implementation="fused" if experiment.recipe.optimizer.fused else "default",
        precision=wish.precision,
        torch=torch.__version__,
        cpu=platform.processor() or platform.machine(),
        wish=wish,
    )


def _impossible(experiment: Experiment, wish: Wish, device: str) -> Problem | None:
    """What is wrong with a wish, on a device."""
    if wish.device == "cuda" and device != "cuda":
        because = say("PyTorch {version} finds no CUDA device here. Use auto or cpu.", version=torch.__version__)
        return Problem(code="device/none", title=say("There is no GPU to run on"), because=because)
    if wish.precision == "tf32" and not (device == "cuda" and torch.cuda.get_device_capability() >= (8, 0)):
        because = say(
            "TF32 is a mode of NVIDIA GPUs since Ampere, and the run would be on {device}. Use float32.", device=device
        )
        return Problem(code="precision/tf32", title=say("There is no TF32 here"), because=because)
    if wish.memory_format == "channels_last" and experiment.recipe.optimizer.repeats:
        name = experiment.recipe.optimizer.name
        because = say("It lays all gradients in a row, and PyTorch cannot in that order. Use auto or contiguous.")
        title = say("{optimizer} cannot learn with channels last", optimizer=name)
        return Problem(code="layout/closure", title=title, because=because)
    return _not_in_float16(experiment, device) if wish.precision == "float16" else None


def _not_in_float16(experiment: Experiment, device: str) -> Problem | None:
    """What of an experiment cannot be worked out in float16, on a device."""
    layers = (row.type for row in analyze(experiment.network).expanded())
    layer = next((layer for layer in layers if layer in NO_FLOAT16), None)
    if layer and device == "cpu":
        because = say("PyTorch has no {layer} in float16 for the CPU. Use bfloat16 or float32.", layer=layer)
        title = say("{layer} cannot learn in float16 here", layer=layer)
        return Problem(code="precision/layer", title=title, because=because)
    if experiment.recipe.optimizer.repeats:
        because = say(
            "{optimizer} looks at a batch several times a step, and gradients in float16 are scaled anew at each step. Use bfloat16 or float32.",
            optimizer=experiment.recipe.optimizer.name,
        )  # fmt: skip
        return Problem(
            code="precision/closure",
            title=say("{optimizer} cannot learn in float16", optimizer=experiment.recipe.optimizer.name),
            because=because,
        )
    return None
