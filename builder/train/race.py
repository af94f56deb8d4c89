"""Which device is faster for a small network: measured, because a GPU needs some tens of microseconds for each layer however small it is."""

import time

import torch

from builder.analysis import analyze
from builder.data import Arrays
from builder.design.experiment import Execution, Experiment
from builder.problem import say
from builder.train.learner import Learner, learning_step
from builder.train.task import batches, task_of

WORK = 1_000_000_000
"""MACs of a step's forward pass from which a GPU is taken without a race: a CPU core needs a tenth of a second for them."""
WARM_UP, STEPS = 3, 10


def worth_a_race(experiment: Experiment, arrays: Arrays) -> bool:
    """Whether a step is so small that a CPU may win."""
    samples = len(next(iter(arrays.parts["train"].values())))
    return analyze(experiment.network).macs * experiment.recipe.batch.per_step(samples) < WORK


def race(experiment: Experiment, arrays: Arrays, cpu: Execution, gpu: Execution) -> tuple[Execution, str]:
    """The faster execution, and what was measured, in words."""
    seconds = {"cpu": seconds_per_step(experiment, arrays, cpu), "gpu": seconds_per_step(experiment, arrays, gpu)}
    reason = say(
        "A step takes {cpu:.2f} ms on the CPU and {gpu:.2f} ms on the GPU: measured before the run.",
        cpu=1e3 * seconds["cpu"], gpu=1e3 * seconds["gpu"],
    )  # fmt: skip
    return (cpu if seconds["cpu"] <= seconds["gpu"] else gpu), reason


def seconds_per_step(experiment: Experiment, arrays: Arrays, execution: Execution) -> float:
    """Time of one step of a network that is thrown away afterwards, once it is warm."""
    task = task_of(experiment, execution, arrays)
    learner = Learner.of(experiment, execution, WARM_UP + STEPS)
    learner.network.train()
    training, batch = task.parts["train"], experiment.recipe.batch
    learn = learning_step(learner, task)
    first, *_ = batches(training, batch.per_step(len(training)), 1, learner.order)
    for _ in range(WARM_UP):
        learn(*first)
    _wait_for(execution)
    start = time.perf_counter()
    for _ in range(STEPS):
        learn(*first)
    _wait_for(execution)
    return (time.perf_counter() - start) / STEPS


def _wait_for(execution: Execution) -> None:
    if execution.device == "cuda":
        torch.cuda.synchronize()
