"""Whether what holds a network back can be carried out: penalties, and bounds of gradients."""

from collections.abc import Iterator

from builder.design.experiment import Experiment
from builder.problem import Fix, Problem, Set, Unset, say


def unholdable(experiment: Experiment) -> Iterator[Problem]:
    """Penalties that are named twice, and gradients that are clipped under an optimizer that cannot bear it."""
    yield from _twice(experiment)
    recipe = experiment.recipe
    if recipe.clip and recipe.optimizer.repeats:
        yield Problem(
            code="recipe/clip-closure",
            title=say("{optimizer} cannot learn from clipped gradients", optimizer=recipe.optimizer.name),
            because=say(
                "It guesses from gradients how the slope bends, several times a step, and would guess wrongly from shortened ones."
            ),
            fixes=(
                Fix(label=say("Do not clip"), edits=(Unset(path="recipe.clip"),)),
                Fix(label=say("Use Adam"), edits=(Set(path="recipe.optimizer", value={"type": "Adam"}),)),
            ),
        )


def _twice(experiment: Experiment) -> Iterator[Problem]:
    """Two prices of one kind, of which a form would show one."""
    penalties = experiment.recipe.penalties
    for place, penalty in enumerate(penalties):
        if penalty.name in {other.name for other in penalties[:place]}:
            others = [other.json_pick() for other in (*penalties[:place], *penalties[place + 1 :])]
            yield Problem(
                code="recipe/penalty-twice",
                title=say("{penalty} is asked for twice", penalty=penalty.name),
                because=say("Both would add up: one with the sum of their strengths says the same."),
                fixes=(Fix(label=say("Leave the second out"), edits=(Set(path="recipe.penalties", value=others),)),),
            )
