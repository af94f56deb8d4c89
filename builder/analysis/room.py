"""What is told of a run that takes more memory than there is, and the batch that would fit."""

from builder.analysis.experiment import check
from builder.analysis.memory import Estimate
from builder.design.experiment import Experiment
from builder.problem import Fix, Problem, Set, say
from builder.words import memory


def too_large(experiment: Experiment, needed: Estimate, available: int, device: str) -> Problem | None:
    """The Problem of an estimate above the bytes that are there, with the batch that would fit; None where it fits."""
    if needed.total <= available:
        return None
    title = say("The run does not fit into memory")
    because = say(
        "It would take about {needed}: {fixed} for weights, gradients and optimizer, {data} for the data, "
        "and {sample} for each of {batch:,} samples in a batch. {available} are free on {device}.",
        needed=memory(needed.total), fixed=memory(needed.fixed), data=memory(needed.data),
        sample=memory(needed.sample), batch=needed.batch, available=memory(available), device=device,
    )  # fmt: skip
    most = needed.largest_batch(available)
    return _with_batch("run/too-large", title, because, experiment, most, _otherwise(needed, available))


def ran_out(experiment: Experiment, needed: Estimate, available: int, device: str) -> Problem:
    """The Problem of memory that was gone in the middle of a run, whatever the estimate was."""
    because = say(
        "A batch of {batch:,} samples took more than there was on {device}; the estimate was {needed}.",
        batch=needed.batch, device=device, needed=memory(needed.total),
    )  # fmt: skip
    half = min(needed.batch // 2, needed.largest_batch(available) or needed.batch // 2)
    return _with_batch("run/out-of-memory", say("Out of memory"), because, experiment, half, _no_smaller())


def _with_batch(code: str, title: str, because: str, experiment: Experiment, most: int, otherwise: str) -> Problem:
    """The Problem, and the batch to try instead, of `most` samples; where there is none, what is said `otherwise`."""
    batch = _batch_to_try(experiment, most)
    if batch is None:
        return Problem(code=code, title=title, because=f"{because} {otherwise}")
    fix = Fix(label=say("Try batch {batch:,}", batch=batch), edits=(Set(path="recipe.batch.size", value=batch),))
    return Problem(code=code, title=title, because=because + say(" Try batch {batch:,}.", batch=batch), fixes=(fix,))


def _batch_to_try(experiment: Experiment, most: int) -> int | None:
    """The largest power of two up to `most` with which nothing is wrong, or one less.

    Batch norm cannot learn from a last batch of one sample; where a power of two leaves one, every smaller one does too.
    """
    powers = [1 << power for power in reversed(range(most.bit_length()))]
    for size in (size for power in powers for size in (power, power - 1) if size):
        batch = experiment.recipe.batch.model_copy(update={"size": size})
        recipe = experiment.recipe.model_copy(update={"batch": batch})
        problems = check(experiment.model_copy(update={"recipe": recipe}))[1]
        if not any(problem.severity == "error" for problem in problems):
            return size
    return None


def _otherwise(needed: Estimate, available: int) -> str:
    """What it is for which no batch is small enough."""
    if needed.fixed > available:
        return say("No batch would fit: the network is too large.")
    if needed.fixed + needed.data > available:
        return say("No batch would fit: the data are too large.")
    if needed.fixed + needed.data + needed.judging > available:
        return say("No batch would fit: judging takes {judging}.", judging=memory(needed.judging))
    if needed.of_batch(1) > available:
        return say("No batch would fit: the network is too large for even one sample.")
    return _no_smaller()


def _no_smaller() -> str:
    return say("There is no smaller batch to learn from.")
