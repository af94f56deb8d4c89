"""Suggestions by rules of thumb: which activations, first weights and loss are usual for a network and what it learns.

Each says which rule it follows and where that comes from. Where a design follows the rule already there is nothing to edit.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from builder.analysis.experiment import check, output_references, target_columns
from builder.analysis.network import Analysis, Row, analyze
from builder.analysis.opened import BOUNDED, RECTIFYING, SATURATING, SMOOTH, WEIGHTED, Opened
from builder.catalog.signal import Signal
from builder.design import edits as design_edits
from builder.design import read
from builder.design.experiment import Experiment
from builder.design.network import to_json
from builder.problem import Edit, Refused, Set, say

SHALLOW = 2
"""Layers with weights of a network that is not deep: one hidden, and the output's."""
OF_SCORES = ("CrossEntropy", "Focal", "BCEWithLogits")
"""Losses that include what turns scores into probabilities."""
SELF_NORMALIZING = frozenset({"SELU"})


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What is suggested, the edits that make it so (none where it is so), the rule in words and its source."""

    what: str
    edits: tuple[Edit, ...]
    rule: str
    source: str

    def __str__(self) -> str:
        """`HeNormal. Behind ReLU ... (He et al. 2015)`"""
        what = self.what if self.edits else say("Already so: {what}", what=self.what)
        return say("{what}. {rule} ({source})", what=what, rule=self.rule, source=self.source)


def sound(experiment: Experiment, suggestion: Suggestion) -> bool:
    """Whether a suggestion, tried as fixes are, leaves a design without errors."""
    try:
        after = read.experiment(design_edits.apply(to_json(experiment), suggestion.edits))
    except Refused:
        return False
    return not any(problem.severity == "error" for problem in check(after)[1])


def activations(experiment: Experiment) -> Suggestion:
    """Of all hidden layers, and of outputs whose loss takes scores. Gates, and what recurrent layers do inside, are left alone."""
    analysis = analyze(experiment.network)
    opened = Opened(experiment.network, analysis)
    deep = sum(row.family in (*WEIGHTED, "recurrent", "attention") for row in opened.rows.values()) > SHALLOW
    wanted = "ReLU" if deep else "Tanh"
    unusual = SATURATING if deep else (SATURATING | RECTIFYING | SMOOTH | SELF_NORMALIZING) - {wanted}
    found: list[Edit] = []
    for row in opened.once(row for row in _hidden(opened) if row.type in unusual):
        path = opened.path(row)
        found += [Set(path=f"{path}.type", value=wanted), Set(path=f"{path}.params", value={})]
    found += [opened.removed(row) for row in opened.once(_needless(experiment, analysis, opened))]
    return Suggestion(
        say("{kind} in hidden layers, nothing in front of a loss that takes scores", kind=wanted),
        tuple(found),
        say("Deep networks bend with ReLU or its kin, whose slopes do not vanish on the way back; sigmoid and tanh are flat on both sides.")
        if deep
        else say("With one hidden layer tanh is usual: it is centred on zero, and one slope below 1 loses little."),
        say("LeCun et al. 1998; Glorot et al. 2011"),
    )  # fmt: skip


def _hidden(opened: Opened) -> list[Row]:
    return [row for row in opened.rows.values() if row.family == "activation" and opened.feeds_weights(row)]


def _needless(experiment: Experiment, analysis: Analysis, opened: Opened) -> Iterator[Row]:
    """Activations at the end: where the loss includes one, and where they hold answers that may be any number."""
    columns, features = experiment.data.source.columns(), experiment.data.source.features()
    looked_at = zip(
        experiment.recipe.objectives, output_references(experiment), target_columns(experiment), strict=True
    )
    for objective, reference, column in looked_at:
        last = analysis.last(reference)
        if last is None or last.family != "activation" or opened.feeds_weights(last) or column not in columns:
            continue
        any_number = columns[column].classes is None and column not in features
        if objective.loss.name in OF_SCORES or (any_number and last.type in BOUNDED):
            yield last


def first_weights(experiment: Experiment) -> Suggestion:
    """By most of the activations behind weights; where there are none, by what recurrent layers do inside."""
    opened = Opened(experiment.network, analyze(experiment.network))
    hidden = [row.type for row in _hidden(opened)]
    own, flat, bent = (
        sum(kind in kinds for kind in hidden) for kinds in (SELF_NORMALIZING, SATURATING, RECTIFYING | SMOOTH)
    )
    recurrent = any(row.family == "recurrent" for row in opened.rows.values())
    if own > max(flat, bent):
        return _weights(
            experiment, "LeCunNormal", say("SELU keeps mean 0 and variance 1 from layer to layer if weights have variance 1/n."),
            say("Klambauer et al. 2017"),
        )  # fmt: skip
    if bent and bent >= flat:
        return _weights(
            experiment, "HeNormal", say("Behind ReLU and its kin half of the signal is gone: variance 2/n makes up for it."),
            say("He et al. 2015"),
        )  # fmt: skip
    if flat or recurrent:
        return _weights(
            experiment, "XavierUniform",
            say("For tanh and sigmoid a variance of 2/(n_in + n_out) keeps signals and gradients about as large in every layer."),
            say("Glorot and Bengio 2010"),
        )  # fmt: skip
    return Suggestion(
        experiment.recipe.init.weight.name,
        (),
        say("No activation stands between layers with weights, and none of the rules is about that."),
        say("He et al. 2015; Glorot and Bengio 2010"),
    )


def _weights(experiment: Experiment, rule: str, because: str, source: str) -> Suggestion:
    """Such first weights; every form of the same rule (HeNormal, HeUniform) is as good."""
    now = experiment.recipe.init.weight.name
    author = rule.removesuffix("Normal").removesuffix("Uniform")
    if now.startswith(author):
        return Suggestion(now, (), because, source)
    return Suggestion(rule, (Set(path="recipe.init.weight", value={"type": rule}),), because, source)


def loss(experiment: Experiment, at: int) -> Suggestion | None:
    """Of the n-th objective, by what it learns. None where its target is neither classes nor numbers."""
    analysis, reference = analyze(experiment.network), output_references(experiment)[at]
    column = target_columns(experiment)[at]
    target = experiment.data.source.columns().get(column)
    found = usual_loss(target, analysis.signals.get(reference)) if target else None
    if found is None:
        return None
    name, rule, source = found
    if experiment.recipe.objectives[at].loss.name == name:
        return Suggestion(name, (), rule, source)
    found_edits: list[Edit] = [Set(path=f"recipe.objectives.{at}.loss", value={"type": name})]
    opened, last = Opened(experiment.network, analysis), analysis.last(reference)
    if name in OF_SCORES and last and last.family == "activation" and not opened.feeds_weights(last):
        found_edits.append(opened.removed(last))
    return Suggestion(name, tuple(found_edits), rule, source)


def usual_loss(target: Signal, output: Signal | None) -> tuple[str, str, str] | None:
    """Its name, the rule and where that comes from."""
    if target.classes == 2 and output is not None and output.shape == (1,):
        rule = say("Two classes and one output: the surprise at the truth, of a score, with the sigmoid included.")
        return "BCEWithLogits", rule, say("Bishop 2006, section 4.3")
    if target.classes:
        rule = say("Classes: the surprise at the true one, of a score for each, with the softmax included.")
        return "CrossEntropy", rule, say("Bishop 2006, section 4.3")
    if target.dtype == "float32":
        rule = say("Numbers: the squared distance, as if what they are off by were normally distributed.")
        return "MSE", rule, say("Bishop 2006, section 3.1")
    return None
