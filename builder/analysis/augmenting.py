"""Whether pictures can be augmented as a recipe says, and whether their labels stay true."""

from collections.abc import Iterator, Sequence

from builder.catalog.augmentations import Augmentation, Crop, Mixup, Rotate
from builder.catalog.signal import Signal
from builder.design.experiment import Experiment
from builder.problem import Fix, Json, Problem, Set, Unset, say

PATH = "recipe.augment"
FEW = 8
"""A border that is offered in place of one that is too wide is the side divided by it: 4 pixels of 32."""

NOTHING = Problem(
    code="augment/nothing",
    title=say("There is nothing to look at"),
    because=say("The recipe changes no picture: the network sees them as they are."),
)


def unaugmentable(experiment: Experiment, read: Sequence[Signal]) -> Iterator[Problem]:
    """Changes that cannot be carried out. `read` is what the Inputs read."""
    augment = experiment.recipe.augment
    if not augment:
        return
    picture = next((signal for signal in read if signal.axes == "CHW"), None)
    if picture is None:
        yield Problem(
            code="augment/no-picture",
            title=say("There is no picture to augment"),
            because=say("What the network reads is {read}: nothing that can be {wanted}.",
                read=", ".join(map(str, read)) or say("nothing"), wanted=", ".join(change.name for change in augment)),
            fixes=(Fix(label=say("Do not augment"), edits=(Unset(path=PATH),)),),
        )  # fmt: skip
        return
    yield from _twice(augment)
    for at, change in enumerate(augment):
        if because := change.unfit(picture):
            yield _unfit(augment, at, because, picture)
    yield from _alone(experiment)


def _unfit(augment: Sequence[Augmentation], at: int, because: str, picture: Signal) -> Problem:
    fixes = [_without(augment, at)]
    if isinstance(augment[at], Crop):
        border = max(1, min(picture.shape[-2:]) // FEW)
        smaller = Set(path=f"{PATH}.{at}.params.padding", value=border)
        fixes.insert(0, Fix(label=say("Set the border to {border}", border=border), edits=(smaller,)))
    return Problem(
        code="augment/unfit",
        title=say("{change} does not fit the picture", change=augment[at].name),
        because=because,
        fixes=tuple(fixes),
    )


def _twice(augment: Sequence[Augmentation]) -> Iterator[Problem]:
    """Two changes of one kind, of which a form would show one."""
    for at, change in enumerate(augment):
        if change.name in {other.name for other in augment[:at]}:
            yield Problem(
                code="augment/twice",
                title=say("{change} is asked for twice", change=change.name),
                because=say("Once, with what both do together, says the same."),
                fixes=(
                    Fix(label=say("Leave the second out"), edits=(Set(path=PATH, value=_others(augment, at)),)),
                ),
            )  # fmt: skip


def _alone(experiment: Experiment) -> Iterator[Problem]:
    """Mixup of steps that have a single sample, with nothing to mix it with."""
    recipe = experiment.recipe
    samples = experiment.data.split.sizes(experiment.data.source.samples_total())[0]
    at = next((at for at, change in enumerate(recipe.augment) if isinstance(change, Mixup)), None)
    if at is None or recipe.batch.per_step(samples) > 1:
        return
    yield Problem(
        code="augment/alone",
        title=say("Mixup has nothing to mix"),
        because=say("A step looks at one sample, and mixup lays another one of the same step over it."),
        fixes=(
            Fix(label=say("Set the batch size to {size}", size=32), edits=(Set(path="recipe.batch.size", value=32),)),
            _without(recipe.augment, at),
        ),
    )


def mislabelling(experiment: Experiment, targets: Sequence[Signal]) -> Iterator[Problem]:
    """Changes after which a picture is no longer what its label says. Where no class is learned, there is no label."""
    augment, kept = experiment.recipe.augment, experiment.data.source.kept()
    if not any(target.classes for target in targets):
        return
    for at, change in enumerate(augment):
        because = change.spoils(kept)
        if not because:
            continue
        fixes = [_without(augment, at)]
        if isinstance(change, Rotate):
            less = Set(path=f"{PATH}.{at}.params.degrees", value=kept.degrees)
            label = say("Turn by {degrees:g} degrees at most", degrees=kept.degrees)
            fixes.insert(0, Fix(label=label, edits=(less,)))
        yield Problem(
            code="augment/label",
            severity="warning",
            title=say("{change} makes labels wrong", change=change.name),
            because=say("{why} The network learns them under the label of what they were.", why=because),
            fixes=tuple(fixes),
        )


def _without(augment: Sequence[Augmentation], at: int) -> Fix:
    label = say("Leave {change} out", change=augment[at].name)
    return Fix(label=label, edits=(Set(path=PATH, value=_others(augment, at)),))


def _others(augment: Sequence[Augmentation], at: int) -> Json:
    return [change.json_pick() for place, change in enumerate(augment) if place != at]
