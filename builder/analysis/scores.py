"""What is measured while a network learns: it has to suit the targets, and there has to be something to measure it on."""

from collections.abc import Iterator, Sequence

from builder.catalog.metrics import Metric
from builder.catalog.schedules import ReduceOnPlateau
from builder.catalog.signal import Signal
from builder.design.experiment import Experiment
from builder.problem import Fix, Problem, Set, Unset, say


def unmeasurable(experiment: Experiment, targets: Sequence[Signal]) -> Iterator[Problem]:
    """Metrics that suit no target, or have one name, and early stopping with nothing to watch."""
    recipe = experiment.recipe
    yield from _twice(recipe.metrics)
    for metric in recipe.metrics:
        if not any(metric.suits(target) for target in targets):
            others = [other.json_pick() for other in recipe.metrics if other != metric]
            yield Problem(
                code="recipe/metric",
                title=say("{metric} cannot be measured here", metric=metric.name),
                because=say(
                    "It is a metric for {wanted}, and the network learns {targets}.",
                    wanted=say("numbers") if metric.wants == "values" else say("classes, of which it needs enough"),
                    targets=", ".join(_words(target) for target in targets),
                ),
                fixes=(Fix(label=say("Leave it out"), edits=(Set(path="recipe.metrics", value=others),)),),
            )
    yield from _nothing_to_watch(experiment, targets)


def _twice(metrics: Sequence[Metric]) -> Iterator[Problem]:
    """Metrics whose numbers would be one series."""
    for place, metric in enumerate(metrics):
        if any(metric.key == other.key for other in metrics[:place]):
            others = [other.json_pick() for other in (*metrics[:place], *metrics[place + 1 :])]
            yield Problem(
                code="recipe/metric-twice",
                title=say("{metric} is measured twice", metric=metric.name),
                because=say("Both would be the curve {key}, whatever their options are.", key=metric.key),
                fixes=(Fix(label=say("Leave the second out"), edits=(Set(path="recipe.metrics", value=others),)),),
            )


def _words(target: Signal) -> str:
    return say("{classes} classes", classes=target.classes) if target.classes else say("numbers")


def _nothing_to_watch(experiment: Experiment, targets: Sequence[Signal]) -> Iterator[Problem]:
    """Of what goes by the scores of the validation part: where there are none, and where they have no accuracy."""
    recipe, data = experiment.recipe, experiment.data
    watching: list[tuple[str, str, str, Fix]] = []
    if recipe.early_stopping:
        off = Fix(label=say("Do not stop early"), edits=(Unset(path="recipe.early_stopping"),))
        watching.append((say("Early stopping"), "recipe.early_stopping", recipe.early_stopping.monitor, off))
    if isinstance(recipe.schedule, ReduceOnPlateau):
        off = Fix(label=say("Keep the rate constant"), edits=(Unset(path="recipe.schedule"),))
        watching.append((say("The schedule"), "recipe.schedule.params", recipe.schedule.monitor, off))
    has_validation = data.split.sizes(data.source.samples_total())[1] > 0
    has_accuracy = any(target.classes for target in targets)
    for what, path, monitor, off in watching:
        if not has_validation:
            yield _without_validation(what, off)
        if monitor == "accuracy" and not has_accuracy:
            watch_loss = Fix(label=say("Watch the loss"), edits=(Set(path=f"{path}.monitor", value="loss"),))
            yield Problem(
                code="recipe/no-accuracy",
                title=say("{what} has no accuracy to watch", what=what),
                because=say("The network learns numbers, of which none is simply right or wrong."),
                fixes=(watch_loss, off),
            )


def _without_validation(what: str, off: Fix) -> Problem:
    parts = (Set(path="data.split.train", value=0.6), Set(path="data.split.validation", value=0.2))
    return Problem(
        code="recipe/no-validation",
        title=say("{what} has nothing to watch", what=what),
        because=say("It watches the validation part, and the split leaves no samples for one."),
        fixes=(Fix(label=say("Keep 60 % for training and 20 % for validation"), edits=parts), off),
    )
