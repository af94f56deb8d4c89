"""The learning-rate range test: some steps of the recipe from its first weights, each at a larger rate than the last."""

from collections.abc import Callable, Iterator

from builder.analysis import range_test
from builder.catalog.schedules import Constant
from builder.data import Arrays
from builder.design.experiment import Execution, Experiment
from builder.problem import Json, Refused
from builder.train.learner import Learner, learning_step
from builder.train.task import Task, Tensors, batches, task_of


def sweep(
    experiment: Experiment,
    execution: Execution,
    arrays: Arrays,
    tell: Callable[[float], object],
    stop: Callable[[], bool],
) -> dict[str, Json]:
    """The loss of each step, before it changes the weights, and what is read from the losses.

    First weights, order of the data, batches, objectives, penalties, clipping, and random draws are those of a run; the
    schedule is not, nor is an average of weights, which no loss depends on. Raises Refused where the optimizer's rate is
    not what decides.
    """
    problem = range_test.unfit(experiment.recipe.optimizer)
    if problem:
        raise Refused(problem)
    steady = experiment.recipe.model_copy(update={"schedule": Constant(), "warm_up": 0, "ema": None})
    task = task_of(experiment, execution, arrays)
    per_epoch = steady.batch.count(len(task.parts["train"]))
    learner = Learner.of(experiment.model_copy(update={"recipe": steady}), execution, per_epoch)
    learn = learning_step(learner, task)
    learner.network.train()
    tried, course, ended = range_test.rates(steady.optimizer), range_test.Course(), "range"
    for step, (rate, (inputs, targets)) in enumerate(zip(tried, _endless(learner, task, per_epoch), strict=False)):
        if stop():
            ended = "time"
            break
        learner.pace.change(rate)
        if not course.add(rate, learn(inputs, targets).item()):
            ended = "exploded"
            break
        tell((step + 1) / len(tried))
    return {
        "rates": course.rates,
        "losses": course.losses,
        "smooth_rates": course.smooth_rates,
        "smooth_losses": course.smooth_losses,
        "ended": ended,
        "reached": rate,
        **range_test.reading(course)._asdict(),
    }


def _endless(learner: Learner, task: Task, per_epoch: int) -> Iterator[tuple[Tensors, Tensors]]:
    """The batches of a run, one epoch after the other."""
    training, batch = task.parts["train"], learner.recipe.batch
    while True:
        yield from batches(training, batch.per_step(len(training)), per_epoch, learner.order)
