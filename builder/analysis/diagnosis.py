"""What a good teacher would say of a run: doubts from what was measured, each with its reason and what to try.

Every rule is a pure function of the design, the course of the losses and the newest pulse: sizes of gradients, weights
and updates by layer, and how many units do nothing. A fix edits the design; the run itself is not touched.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from builder.analysis.course import Course
from builder.analysis.network import Row
from builder.analysis.opened import SATURATING, Opened
from builder.design import names
from builder.design.experiment import Experiment
from builder.problem import Edit, Fix, Insert, Problem, Set, Value, say

LEARNING = frozenset({"dense", "convolution", "recurrent", "attention"})
"""Families of layers whose gradients are compared. Of an embedding few rows have one, and norms start from ones."""
DYING = frozenset({"ReLU", "ReLU6"})
"""Activations that give exactly zero, with no slope, on one side."""
BOUNDS: dict[str, Callable[[Any], tuple[float, float]]] = {
    "Sigmoid": lambda layer: (0.0, 1.0),
    "Hardsigmoid": lambda layer: (0.0, 1.0),
    "Tanh": lambda layer: (-1.0, 1.0),
    "Softsign": lambda layer: (-1.0, 1.0),
    "Hardtanh": lambda layer: (layer.min_val, layer.max_val),
}
"""Between what an activation that is flat on both sides gives its numbers."""
FLAT = 0.97
"""Of the way from the middle to a bound: where a tanh or a sigmoid has 6 % of its slope left."""
OFTEN = 0.75
"""Of the values of a unit that are there, from which on it is called saturated: with weights drawn with a spread of 1 it is 87 % of
all values of a tanh (CURRICULUM E07)."""

USELESS = 0.8
"""Of the units of a layer, from which on they are told of. In healthy runs of the gallery at most 55 % of a layer are dead (one
branch of `inception`), 74 % where narrow variants see 40 samples; of 784-128-10 at 30 times too high a rate it is 97 % (CURRICULUM E26)."""
FADED = 0.005
"""Gradient for its weights' size in the first layer, of that in the last one. Healthy runs of the gallery have 0.02 to 4; with
sigmoids on digits it is 0.05 behind 3 of them, where 95 % are right, 0.003 behind 5 (64 %), 0.00004 behind 8 (10 %: CURRICULUM E04)."""
LARGE_STEP = 0.1
"""Of the size of the weights, in the median of the layers. A thousandth is usual (Karpathy, CS231n), healthy runs of the gallery have
up to 0.07 in their first steps; by a tenth what was learned is gone in ten steps."""

EPOCHS = 10
"""Fewer say little about how a loss goes."""
LEAST_GAIN = 0.01
LITTLE = 0.05
"""Of the first epoch's loss: what is left to learn, or was learned, where nobody would see it."""
ENTRIES = 5
"""Of the course, at least, since the best one."""
WORSE = 1.1
"""Times the best validation loss."""
JUMPS = 0.25
"""Of the epochs in which the loss rises by more than `JUMP`."""
JUMP = 0.1
"""Of all that was learned so far: of the way from the first epoch's loss to the smallest."""


class Weights(Value):
    """Root mean squares over the weights of a layer: of its gradient, of the weights, of what one step changed."""

    layer: str
    gradient: float
    weight: float
    update: float | None = None


class Units(Value):
    """An activation: how many units it has (channels, or features), and which share of them does nothing.

    A rectifying one is dead where it gave zero for every sample, a bounded one saturated where it was near a bound for
    almost every one.
    """

    layer: str
    units: int
    useless: float


class Pulse(Value):
    """What was measured at a step, layers in the order in which they run; units on so many samples."""

    step: int
    samples: int
    weights: tuple[Weights, ...]
    units: tuple[Units, ...]


def looked_at(opened: Opened) -> tuple[list[Row], list[Row]]:
    """The layers whose weights a pulse measures, and the hidden activations whose units."""
    rows = opened.rows.values()
    weighted = [row for row in rows if row.trainable and row.family in LEARNING]
    return weighted, [row for row in rows if (row.type in DYING or row.type in BOUNDS) and _is_hidden(opened, row)]


def _is_hidden(opened: Opened, row: Row, seen: frozenset[str] = frozenset()) -> bool:
    """Whether weights read it, through whatever has none. What opens a gate is meant to be open or shut."""
    for reader in opened.readers[row.id]:
        if reader.family in LEARNING:
            return True
        if reader.type != "Multiply" and reader.id not in seen and _is_hidden(opened, reader, seen | {reader.id}):
            return True
    return False


def diagnosis(experiment: Experiment, opened: Opened, course: Course, pulse: Pulse | None) -> list[Problem]:
    """Doubts about a run, the likeliest cause first. Fixes are edits of `experiment`, and not yet tried."""
    patient = _Patient(experiment, opened, course)
    found = [*_too_fast(patient)]
    if pulse:
        useless = [*_dead(patient, pulse), *_saturated(patient, pulse)]
        found += useless or [*_faded(patient, pulse)]
        found = found or [*_large_steps(patient, pulse)]
    # What has a cause is not told of as if it had none.
    return found or [*_stuck(patient), *_overfitting(patient)]


class _Patient:
    """The design of a run, how it went, and remedies that more than one rule knows."""

    def __init__(self, experiment: Experiment, opened: Opened, course: Course) -> None:
        self.experiment, self.opened, self.course = experiment, opened, course
        self.optimizer = experiment.recipe.optimizer
        self.rate: float = self.optimizer.args()["lr"]

    def rows(self, layers: Sequence[str]) -> list[Row]:
        """Of copies of a block the first alone."""
        return self.opened.once(self.opened.rows[layer] for layer in layers if layer in self.opened.rows)

    def slower(self, times: float = 3) -> Iterator[Fix]:
        """A rate that is so many times smaller, rounded, where people still use the optimizer with it."""
        rate = float(f"{self.rate / times:.1g}")
        if rate >= self.optimizer.usual[0]:
            yield self.at_rate(rate)

    def at_rate(self, rate: float) -> Fix:
        return Fix(
            label=say("Learn at a rate of {rate:g}", rate=rate),
            edits=(Set(path="recipe.optimizer.params.lr", value=rate),),
        )

    def starting_from(self, rule: str) -> tuple[Edit, ...]:
        """First weights by another rule, and biases of zero."""
        weight = Set(path="recipe.init.weight", value={"type": rule})
        return weight, Set(path="recipe.init.bias", value={"type": "Zeros"})

    @property
    def starts_plainly(self) -> bool:
        """Whether first weights or biases are by a rule that knows nothing of the size of a layer."""
        init = self.experiment.recipe.init
        return any(rule.group == "Plain" and rule.name not in ("Default", "Zeros") for rule in (init.weight, init.bias))

    def with_activation(self, rows: Sequence[Row], kind: str) -> tuple[Edit, ...]:
        """Another activation in place of these."""
        edits: list[Edit] = []
        for row in rows:
            path = self.opened.path(row)
            edits += [Set(path=f"{path}.type", value=kind), Set(path=f"{path}.params", value={})]
        return tuple(edits)


# Units -----------------------------------------------------------------------------------------------------------


def _dead(patient: _Patient, pulse: Pulse) -> Iterator[Problem]:
    """Rectified units that give zero whatever they read: no gradient comes through them, so that they stay as they are."""
    worst = [one for one in pulse.units if one.useless > USELESS and _kind(patient, one) in DYING]
    if worst:
        leaky = patient.with_activation(patient.rows([one.layer for one in worst]), "LeakyReLU")
        start = Fix(label=say("Start from HeNormal"), edits=patient.starting_from("HeNormal"))
        slower = tuple(patient.slower(10))
        both = [
            Fix(label=say("{slower}, with LeakyReLU", slower=fix.label), edits=(*fix.edits, *leaky)) for fix in slower
        ]
        yield Problem(
            code="run/dead-units",
            severity="warning",
            node=worst[0].layer,
            title=say("Most units of {node} are dead", node=_called(patient, worst[0].layer)),
            because=say(
                "At step {step:,} they gave zero for each of {samples:,} samples: {listed}. No gradient comes through them. Steps "
                "that are too large do that most often, and first weights that do not suit.",
                step=pulse.step, samples=pulse.samples, listed=_counted(patient, worst),
            ),
            fixes=(start,) if patient.starts_plainly else (*slower, *both),
        )  # fmt: skip


def _saturated(patient: _Patient, pulse: Pulse) -> Iterator[Problem]:
    """Bounded units that lie at a bound whatever they read, where they have hardly a slope."""
    worst = [one for one in pulse.units if one.useless > USELESS and _kind(patient, one) in BOUNDS]
    if worst:
        start = Fix(label=say("Start from XavierNormal"), edits=patient.starting_from("XavierNormal"))
        yield Problem(
            code="run/saturated-units",
            severity="warning",
            node=worst[0].layer,
            title=say("Most units of {node} are saturated", node=_called(patient, worst[0].layer)),
            because=say(
                "At step {step:,} they lay near a bound for most of {samples:,} samples: {listed}. There they have hardly a "
                "slope to learn by. First weights that are too large do that, or inputs, or steps.",
                step=pulse.step, samples=pulse.samples, listed=_counted(patient, worst),
            ),
            fixes=(start,) if patient.starts_plainly else tuple(patient.slower(10)),
        )  # fmt: skip


def _kind(patient: _Patient, units: Units) -> str:
    row = patient.opened.rows.get(units.layer)
    return row.type if row else ""


def _called(patient: _Patient, layer: str) -> str:
    row = patient.opened.rows.get(layer)
    return row.title or row.id if row else layer


def _counted(patient: _Patient, units: Sequence[Units]) -> str:
    told = [
        say("{useless:,} of {units:,} of {node}", useless=round(one.useless * one.units), units=one.units, node=_called(patient, one.layer))
        for one in units[:3]
    ]  # fmt: skip
    return ", ".join(told) + (say(" and {count} more", count=len(units) - 3) if len(units) > 3 else "")


# Gradients -------------------------------------------------------------------------------------------------------


def _ends(pulse: Pulse) -> tuple[Weights, Weights, float] | None:
    """The first and the last layer with weights, and how large the first one's gradient is beside the last one's, each
    measured by the size of its weights; None where there is nothing to compare."""
    if len(pulse.weights) < 3:
        return None
    first, last = pulse.weights[0], pulse.weights[-1]
    if not (first.weight and last.weight and last.gradient):
        return None
    return first, last, (first.gradient / first.weight) / (last.gradient / last.weight)


def _faded(patient: _Patient, pulse: Pulse) -> Iterator[Problem]:
    """Gradients that get smaller from layer to layer on their way back, so that first layers hardly learn.

    Not where there are norms: behind one, the size of a weight says nothing, and a gradient goes by its inverse.
    """
    ends = _ends(pulse)
    if ends and ends[2] < FADED and not any(row.family == "normalization" for row in patient.opened.rows.values()):
        yield Problem(
            code="run/vanishing-gradient",
            severity="warning",
            node=ends[0].layer,
            title=say("Hardly a gradient reaches {node}", node=_called(patient, ends[0].layer)),
            because=say(
                "Measured by its weights it is {ratio:.1g} of that of {last}, at step {step:,}: first layers stay as they were drawn.",
                ratio=ends[2], last=_called(patient, ends[1].layer), step=pulse.step,
            ),
            fixes=tuple(_remedies(patient)),
        )  # fmt: skip


def _large_steps(patient: _Patient, pulse: Pulse) -> Iterator[Problem]:
    """Updates that are large beside the weights: gradients are too large for the rate."""
    shares = sorted(one.update / one.weight for one in pulse.weights if one.update is not None and one.weight)
    if shares and shares[len(shares) // 2] > LARGE_STEP:
        yield Problem(
            code="run/large-steps",
            severity="warning",
            title=say("Each step changes much of what was learned"),
            because=say(
                "One of the last steps changed the weights by {share:.0%}, in the median of the layers: a tenth of a percent is usual. "
                "The gradients are too large for the rate, {rate:g}.",
                share=shares[len(shares) // 2], rate=patient.rate,
            ),
            fixes=tuple(patient.slower(10)),
        )  # fmt: skip


def _remedies(patient: _Patient) -> Iterator[Fix]:
    """What keeps gradients alike from layer to layer: another activation, first weights that suit, a norm."""
    hidden = looked_at(patient.opened)[1]
    flat = [row for row in hidden if row.type in SATURATING]
    if flat:
        replaced = patient.with_activation(patient.opened.once(flat), "ReLU")
        yield Fix(label=say("Use ReLU, starting from HeNormal"), edits=(*replaced, *patient.starting_from("HeNormal")))
    rule = "XavierNormal" if 2 * len(flat) > len(hidden) else "HeNormal"
    suits = patient.experiment.recipe.init.weight.name.startswith(rule[:2])
    if not suits and not any(
        row.type in ("Sigmoid", "Hardsigmoid") for row in flat
    ):  # no start makes up for their slope
        yield Fix(label=say("Start from {rule}", rule=rule), edits=patient.starting_from(rule))
    yield from _with_norms(patient)


def _with_norms(patient: _Patient) -> Iterator[Fix]:
    """A batch norm behind every hidden dense layer and convolution, of a network without any. Not where blocks hide some."""
    opened, network = patient.opened, patient.experiment.network
    if network.blocks:
        return
    kinds = {"F": "BatchNorm1d", "CHW": "BatchNorm2d", "CDHW": "BatchNorm3d", "CL": "BatchNorm1d"}
    taken = [node.id for node in network.nodes]
    edits: list[Edit] = []
    for node in network.nodes:
        row = opened.rows.get(node.id)
        kind = kinds.get(row.outputs[0].axes) if row and row.outputs and row.family in LEARNING else None
        if row and kind and any(reader.family == "activation" for reader in opened.readers[node.id]):
            fresh = names.fresh("norm", taken)
            taken.append(fresh)
            edits.append(Insert(node={"id": fresh, "type": kind, "inputs": [node.id]}, after=node.id))
            if getattr(row.layer, "bias", False) is True:
                edits.append(Set(path=f"{opened.path(row)}.params.bias", value=False))
    if edits:
        yield Fix(label=say("Put batch norms in front of the activations"), edits=tuple(edits))


# Losses ----------------------------------------------------------------------------------------------------------


def _too_fast(patient: _Patient) -> Iterator[Problem]:
    """Steps so large that what one learns the next one loses."""
    reason = _jumping(patient.course) or _rising(patient.course)
    if reason:
        yield Problem(
            code="run/rate-too-high",
            severity="warning",
            title=say("The learning rate looks too high"),
            because=say("{reason} The recipe's rate is {rate:g}.", reason=reason, rate=patient.rate),
            fixes=tuple(patient.slower()),
        )


def _jumping(course: Course) -> str:
    """A loss that goes up and down, by much of what was learned so far."""
    losses = course.training[-EPOCHS:]
    if len(losses) < EPOCHS:
        return ""
    learned = course.training[0] - min(course.training)
    rises = sum(after - before > JUMP * learned for before, after in pairwise(losses))
    if learned < LITTLE * course.training[0] or rises < JUMPS * len(losses):
        return ""
    return say("In {rises} of the last {count} epochs the training loss rose by a tenth or more of all that was learned.",
               rises=rises, count=len(losses) * course.width)  # fmt: skip


def _rising(course: Course) -> str:
    """A loss that has been above where it began for epochs."""
    losses = course.training
    if len(losses) < ENTRIES or not min(losses[-3:]) > WORSE * losses[0] > 0:
        return ""
    return say(
        "The training loss is {now:.3g}, and was {first:.3g} in the first epoch.", now=losses[-1], first=losses[0]
    )


def _stuck(patient: _Patient) -> Iterator[Problem]:
    """A training loss that gets no better, and is not small."""
    losses = patient.course.training
    third = len(losses) // 3
    if len(losses) * patient.course.width < EPOCHS or third < 1:
        return
    before, after = min(losses[:-third]), min(losses[-third:])
    if not before > 0 or after < (1 - LEAST_GAIN) * before or before < LITTLE * losses[0]:
        return
    yield Problem(
        code="run/plateau",
        severity="warning",
        title=say("The training loss gets no better"),
        because=say(
            "In the last {count} epochs it was {after:.4g} at best, and {before:.4g} before. What the network can say, or the way "
            "it is looked for, is at its end.",
            count=third * patient.course.width, after=after, before=before,
        ),
        fixes=tuple(_other_ways(patient, has_learned=losses[0] - after > LITTLE * losses[0])),
    )  # fmt: skip


def _other_ways(patient: _Patient, has_learned: bool) -> Iterator[Fix]:
    """Steps that find each weight a rate of its own, or larger ones where little was learned, else ones that get smaller."""
    recipe, (_, highest) = patient.experiment.recipe, patient.optimizer.usual
    if patient.optimizer.name == "SGD":
        yield Fix(label=say("Use Adam"), edits=(Set(path="recipe.optimizer", value={"type": "Adam"}),))
    rate = float(f"{patient.rate * 10:.1g}")
    if not has_learned and rate <= highest:
        yield patient.at_rate(rate)
    if has_learned and recipe.schedule.name == "Constant" and recipe.optimizer.follows_rate:
        cosine = Set(path="recipe.schedule", value={"type": "Cosine"})
        yield Fix(label=say("Let the rate fall along a cosine"), edits=(cosine,))
        yield from patient.slower()


def _overfitting(patient: _Patient) -> Iterator[Problem]:
    """A validation loss that rises while that of training falls. Early stopping has an eye on that already."""
    course, recipe = patient.course, patient.experiment.recipe
    judged = course.validation
    if recipe.early_stopping or not judged or not all(loss == loss for loss in judged):
        return
    best = judged.index(min(judged))
    since = judged[best + 1 :]
    if len(since) < ENTRIES or not min(since[-3:]) > WORSE * judged[best] > 0:
        return
    if not course.training[-1] < course.training[best]:
        return
    fixes = [
        Fix(label=say("Stop early"), edits=(Set(path="recipe.early_stopping", value={}),)),
        *_with_dropout(patient),
    ]
    if not recipe.optimizer.args().get("weight_decay"):
        decay: tuple[Edit, ...] = (
            Set(path="recipe.optimizer", value={"type": "AdamW", "params": {"weight_decay": 0.1}}),
        )
        fixes.append(Fix(label=say("Use AdamW with a weight decay of 0.1"), edits=decay))
    yield Problem(
        code="run/overfitting",
        severity="warning",
        title=say("The network learns its samples by heart"),
        because=say(
            "The validation loss was {best:.4g} at epoch {epoch:,} and is {now:.4g}, while that of training fell from {then:.4g} to "
            "{training:.4g}. More samples help most.",
            best=judged[best], epoch=(best + 1) * course.width, now=judged[-1], then=course.training[best], training=course.training[-1],
        ),
        fixes=tuple(fixes),
    )  # fmt: skip


def _with_dropout(patient: _Patient) -> Iterator[Fix]:
    """Dropout in front of the last dense layer of the network itself, where there is none yet."""
    opened, network = patient.opened, patient.experiment.network
    if any(row.family == "regularization" for row in opened.rows.values()):
        return
    last = next((node for node in reversed(network.nodes) if node.type == "Linear"), None)
    source = last.inputs[0] if last and last.inputs else None
    if (
        last is None
        or source is None
        or not any(_is_hidden(opened, row) for row in opened.rows.values() if row.id == source)
    ):
        return
    fresh = names.fresh("dropout", [node.id for node in network.nodes])
    drop = Insert(node={"id": fresh, "type": "Dropout", "inputs": [source]}, after=source)
    yield Fix(label=say("Put Dropout in front of {node}", node=last.name), edits=(drop,))
