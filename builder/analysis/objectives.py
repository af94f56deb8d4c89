"""What a network is to learn, as edits of the list: one more, or one less."""

from builder.analysis.experiment import output_references, target_columns
from builder.analysis.network import analyze
from builder.analysis.suggest import usual_loss
from builder.design.experiment import Experiment
from builder.problem import Edit, Json, Set

PATH = "recipe.objectives"


def added(experiment: Experiment) -> tuple[Edit, ...]:
    """One more, under its usual loss: of the first output that none looks at, and the first target that none learns.

    Where there is none left, of the last one. Nothing is added to a network without outputs.
    """
    outputs, columns = experiment.network.outputs, experiment.data.source.columns()
    if not outputs:
        return ()
    seen, learned = output_references(experiment), target_columns(experiment)
    output = next((each for each in outputs if each not in seen), outputs[-1])
    targets = list(experiment.data.source.targets())
    target = next((each for each in targets if each not in learned), targets[-1])
    usual = usual_loss(columns[target], analyze(experiment.network).signals.get(output))
    more: Json = {"output": output, "target": target, "loss": {"type": usual[0] if usual else "MSE"}}
    return (Set(path=PATH, value=[*_named(experiment), more]),)


def removed(experiment: Experiment, at: int) -> tuple[Edit, ...]:
    """One less. The others keep what they look at and learn, which they may have had by their places in the list."""
    return (Set(path=PATH, value=[each for place, each in enumerate(_named(experiment)) if place != at]),)


def _named(experiment: Experiment) -> list[Json]:
    """The objectives, each with its output and target by name."""
    looked_at = zip(output_references(experiment), target_columns(experiment), strict=True)
    return [
        objective.model_dump(mode="json", exclude_defaults=True) | {"output": output or None, "target": target}
        for objective, (output, target) in zip(experiment.recipe.objectives, looked_at, strict=True)
    ]
