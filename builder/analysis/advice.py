"""What a good teacher would say of a design that runs: doubts, each with its reason and fixes that are tried.

Every rule looks at the opened network, so that what blocks hide is seen too; of copies of a block the first is told of.
A rule keeps silent where what it doubts is known to be meant: each says which cases those are.
"""

from collections.abc import Iterator, Mapping, Sequence

from builder.analysis.learning import listed, place
from builder.analysis.network import Analysis, Row
from builder.analysis.opened import BOUNDED, NORMS, RECTIFYING, SATURATING, SMOOTH, WEIGHTED, Opened
from builder.catalog.schedules import Constant
from builder.catalog.signal import Signal
from builder.catalog.sources import Scale
from builder.design import names
from builder.design.data import Data
from builder.design.experiment import Experiment
from builder.problem import Edit, Fix, Insert, Problem, Set, Unset, say

DEEP = 3
"""From so many sigmoids behind one another on, each of which lets a quarter of a gradient through at most."""
USUAL_BATCH = 32
FAR = 10.0
"""Means and standard deviations of inputs beyond it are told of: about 0 and 1 is what first weights and usual rates are made for."""
APART = 100.0
"""How many times as spread as another an input may be."""
SMALL, SHRUNK = 64, 8
"""Pixels a side of a small picture, and how many times smaller it should not be before a second convolution looks at it."""
MANY = 10
"""Parameters for each number that is to be learned, from which on nothing but chance keeps a network from learning its samples by heart."""


def advice(
    experiment: Experiment, analysis: Analysis, read: Mapping[str, str | None], looked_at: Sequence[tuple[str, str]]
) -> Iterator[Problem]:
    """Doubts about a design without errors.

    `read` says which column each Input reads, `looked_at` of each objective which output meets which target column.
    """
    opened = Opened(experiment.network, analysis)
    yield from _one_linear_layer(opened)
    yield from _sigmoids(opened)
    yield from _initializer(experiment, opened)
    yield from _bias_before_norm(opened)
    yield from _norm_of_one(experiment, opened)
    yield from _single_points(opened)
    yield from _shrunk_early(opened)
    yield from _unscaled(experiment, opened, read)
    for at, (reference, column) in enumerate(looked_at):
        last = analysis.last(reference)
        if last:
            yield from _ending(experiment, opened, at, column, last)
    yield from _rate(experiment)
    yield from _rate_that_nothing_follows(experiment)
    yield from _by_heart(experiment, analysis, opened, [column for _, column in looked_at])


def _named(row: Row) -> str:
    return row.title or row.id


def _features(signal: Signal) -> int:
    """Numbers at each position: channels, features of a step, or all of them."""
    if signal.axes.startswith("C"):
        return signal.shape[0]
    return signal.shape[-1] if signal.shape else 1


# The network -----------------------------------------------------------------------------------------------------


def _one_linear_layer(opened: Opened) -> Iterator[Problem]:
    """Two weighted layers without a bend between them. Meant where the first is narrower than both sides, as the code of an
    autoencoder or the end of an inverted bottleneck is, and where it mixes no channels (depthwise)."""
    found = []
    for row in opened.rows.values():
        first = opened.before(row) if row.family in WEIGHTED and len(row.given_signals) == 1 else None
        if first and first.family in WEIGHTED and not _narrow(first, row) and not _depthwise(first):
            found.append((first, row))
    told: set[str] = set()
    for first, second in found:
        if (path := opened.path(first)) in told:
            continue
        told.add(path)
        node, block = place(opened.network, first.id)
        graph = opened.network.blocks[block] if block else opened.network
        fresh = names.fresh("relu", [other.id for other in graph.nodes])
        relu = Insert(node={"id": fresh, "type": "ReLU", "inputs": [node.id]}, after=node.id, block=block)
        yield Problem(
            code="advice/linear",
            severity="warning",
            node=first.id,
            title=say("{first} and {second} are one linear layer", first=_named(first), second=_named(second)),
            because=say("No activation stands between them: whatever both learn, one layer could do alone."),
            fixes=(Fix(label=say("Put a ReLU between them"), edits=(relu,)),),
        )


def _narrow(first: Row, second: Row) -> bool:
    """Whether what passes has fewer numbers a position than both sides: the product is then a matrix of low rank."""
    between = _features(first.outputs[0])
    return between < min(_features(first.given_signals[0]), _features(second.outputs[0]))


def _depthwise(row: Row) -> bool:
    return getattr(row.layer, "groups", 1) > 1


def _sigmoids(opened: Opened) -> Iterator[Problem]:
    """Many sigmoids on the way of the signal. One that opens a gate, as of squeeze and excitation, multiplies others."""
    hidden = [row for row in opened.rows.values() if row.type == "Sigmoid" and opened.feeds_weights(row)]
    if len(hidden) < DEEP:
        return
    edits: list[Edit] = []
    for row in opened.once(hidden):
        edits += [Set(path=f"{opened.path(row)}.type", value="ReLU"), Set(path=f"{opened.path(row)}.params", value={})]
    yield Problem(
        code="advice/sigmoids",
        severity="warning",
        node=hidden[0].id,
        title=say("Little of a gradient comes through {count} sigmoids", count=len(hidden)),
        because=say(
            "The slope of a sigmoid is a quarter at most, so that {count} of them leave no more than {left:.2g} of it: {listed}.",
            count=len(hidden), left=0.25 ** len(hidden), listed=listed(hidden),
        ),
        fixes=(Fix(label=say("Use ReLU in their place"), edits=tuple(edits)),),
    )  # fmt: skip


def _bias_before_norm(opened: Opened) -> Iterator[Problem]:
    """A bias that a batch norm takes away again with the mean."""
    found = [
        row
        for row in opened.rows.values()
        if row.family in WEIGHTED and getattr(row.layer, "bias", False) is True and (readers := opened.readers[row.id])
        and all(reader.type in NORMS for reader in readers)
    ]  # fmt: skip
    if not found:
        return
    once = opened.once(found)
    yield Problem(
        code="advice/bias-before-norm",
        severity="warning",
        node=found[0].id,
        title=say("A bias in front of a batch norm does nothing"),
        because=say("The norm takes the mean away, and the bias with it: {listed}.", listed=listed(once)),
        fixes=(
            Fix(
                label=say("Leave these biases out"),
                edits=tuple(Set(path=f"{opened.path(row)}.params.bias", value=False) for row in once),
            ),
        ),
    )


def _single_points(opened: Opened) -> Iterator[Problem]:
    """A window that slides over an image of which one point is left: all else that it sees is padding."""
    for row in opened.once(row for row in opened.rows.values() if row.family == "convolution" and row.given_signals):
        sides = row.given_signals[0].shape[1:]
        sees = getattr(row.layer, "kernel_size", 1)
        if sides and set(sides) == {1} and max(sees if isinstance(sees, tuple) else (sees,)) > 1:
            pools = [before for before in _all_before(opened, row) if before.family == "pooling"]
            label = say("Leave {pool} out", pool=_named(pools[0])) if pools else ""
            yield Problem(
                code="advice/single-point",
                severity="warning",
                node=row.id,
                title=say("{node} slides over a single point", node=_named(row)),
                because=say(
                    "What comes in is {signal}: the rest of its window is padding.", signal=row.given_signals[0]
                ),
                fixes=(Fix(label=label, edits=(opened.removed(pools[0]),)),) if pools else (),
            )


def _shrunk_early(opened: Opened) -> Iterator[Problem]:
    """A small picture of which little is left for the second window that slides over it. Large ones have pixels to spare,
    patches are looked at by one convolution alone, and of single points another rule tells."""
    looks = (row for row in opened.rows.values() if row.family == "convolution" and _sees_around(row))
    first, second = next(looks, None), next(looks, None)
    if first is None or second is None:
        return
    (whole, left) = (row.given_signals[0].shape[1:] for row in (first, second))
    if max(whole) > SMALL or min(left) < 2 or min(whole) < SHRUNK * min(left):
        return
    between = [row for row in _all_before(opened, second) if _strides(row)]
    yield Problem(
        code="advice/shrunk-early",
        severity="warning",
        node=second.id,
        title=say("Little of the picture is left for {node}", node=_named(second)),
        because=say(
            "{signal} comes in, of pictures that are {whole}: small things are gone before a second layer could look at them.",
            signal=second.given_signals[0], whole=first.given_signals[0],
        ),
        fixes=tuple(_at_full_size(opened, row) for row in between),
    )  # fmt: skip


def _sees_around(row: Row) -> bool:
    """Whether a window of it, which slides over a picture, is more than one pixel."""
    return bool(row.window and len(row.window) == 2 and max(extent for extent, _ in row.window) > 1)


def _strides(row: Row) -> bool:
    sliding = row.family in ("convolution", "pooling") and row.window
    return bool(sliding and max(stride for _, stride in sliding) > 1)


def _at_full_size(opened: Opened, row: Row) -> Fix:
    """A way to keep the size of what a layer makes smaller."""
    if row.family == "pooling":
        return Fix(label=say("Leave {pool} out", pool=_named(row)), edits=(opened.removed(row),))
    path = f"{opened.path(row)}.params.stride"
    return Fix(label=say("Set the stride of {node} to 1", node=_named(row)), edits=(Set(path=path, value=1),))


def _all_before(opened: Opened, row: Row) -> Iterator[Row]:
    """What lies on the way to a layer, the nearest first, along first inputs."""
    while sources := opened.sources(row):
        row = sources[0]
        yield row


# The recipe ------------------------------------------------------------------------------------------------------


def _initializer(experiment: Experiment, opened: Opened) -> Iterator[Problem]:
    """A spread of first weights that was worked out for the other kind of activation."""
    rule = experiment.recipe.init.weight.name
    hidden = [row.type for row in opened.rows.values() if row.family == "activation" and opened.feeds_weights(row)]
    flat, bent, smooth = (sum(kind in kinds for kind in hidden) for kinds in (SATURATING, RECTIFYING, SMOOTH))
    if rule.startswith("He") and flat > bent + smooth:
        other, kind = f"Xavier{rule.removeprefix('He')}".replace("Truncated", "Normal"), say("flat on both sides")
    elif rule.startswith("Xavier") and bent > flat:
        other, kind = f"He{rule.removeprefix('Xavier')}", say("zero or small on one side")
    else:
        return
    yield Problem(
        code="advice/initializer",
        severity="warning",
        title=say("{rule} does not suit these activations", rule=rule),
        because=say(
            "Most of them are {kind}: behind many layers what comes through would be {how}.",
            kind=kind, how=say("too large") if rule.startswith("He") else say("too small"),
        ),
        fixes=(Fix(label=say("Use {rule}", rule=other), edits=(Set(path="recipe.init.weight", value={"type": other}),)),),
    )  # fmt: skip


def _norm_of_one(experiment: Experiment, opened: Opened) -> Iterator[Problem]:
    """Statistics of a batch that has one sample."""
    samples = experiment.data.split.sizes(experiment.data.source.samples_total())[0]
    norm = next((row for row in opened.rows.values() if row.type in NORMS), None)
    if norm is None or experiment.recipe.batch.at_once(samples) > 1 or samples < 2:
        return
    label = say("Set the batch size to {size}", size=USUAL_BATCH)
    yield Problem(
        code="advice/norm-of-one",
        severity="warning",
        node=norm.id,
        title=say("{node} sees one sample at a time", node=_named(norm)),
        because=say(
            "It scales by the mean and spread of a batch, and those of one sample say little about the others."
        ),
        fixes=(Fix(label=label, edits=(Set(path="recipe.batch.size", value=USUAL_BATCH),)),),
    )


def _unscaled(experiment: Experiment, opened: Opened, read: Mapping[str, str | None]) -> Iterator[Problem]:
    """Measurements far from 0 and 1, or on very different scales, that nothing scales: no preparation, no norm in front."""
    data = experiment.data
    for node, column in read.items():
        prepared = {preparation.per for preparation in data.prepare if preparation.column == column}
        scales = data.source.scales().get(column or "", ())
        normed = all(reader.type in NORMS for reader in opened.readers[node])
        if not scales or "feature" in prepared or normed:
            continue
        because = _because_unscaled(scales, "column" in prepared)
        if because:
            yield Problem(
                code="advice/unscaled",
                severity="warning",
                node=node,
                title=say("The numbers of {column} are on scales of their own", column=column),
                because=because,
                fixes=(
                    _prepared(data, say("Standardize {column}", column=column), "Standardize", column),
                    _prepared(data, say("Scale {column} to 0 to 1", column=column), "MinMax", column),
                ),
            )


def _because_unscaled(scales: Sequence[Scale], together: bool) -> str:
    """What is wrong with scales; empty where nothing is. `together` says that one scale was found for all of them."""
    spreads = sorted(scale.deviation for scale in scales if scale.deviation)
    if spreads and spreads[-1] > APART * spreads[0]:
        return say(
            "Their standard deviations go from {low:g} to {high:g}: in every sum those of the largest drown the others.",
            low=spreads[0], high=spreads[-1],
        )  # fmt: skip
    furthest = max(scales, key=lambda scale: max(abs(scale.mean), scale.deviation))
    if together or max(abs(furthest.mean), furthest.deviation) <= FAR:
        return ""
    return say(
        "One has a mean of {mean:g} and a standard deviation of {deviation:g}: first weights and usual rates are made for 0 and 1.",
        mean=furthest.mean, deviation=furthest.deviation,
    )  # fmt: skip


def _prepared(data: Data, label: str, preparation: str, column: str | None) -> Fix:
    """Each number of a column brought to a scale, behind what is done to it already."""
    before = [other.json_pick() for other in data.prepare]
    value = [*before, {"type": preparation, "params": {"column": column}}]
    return Fix(label=label, edits=(Set(path="data.prepare", value=value),))


def _ending(experiment: Experiment, opened: Opened, at: int, column: str, last: Row) -> Iterator[Problem]:
    """What the n-th output ends in and should not."""
    loss = experiment.recipe.objectives[at].loss
    repeated = {"CrossEntropy": "Softmax", "Focal": "Softmax", "BCEWithLogits": "Sigmoid"}.get(loss.name)
    is_number = experiment.data.source.columns()[column].classes is None
    fixes = (Fix(label=say("Leave {node} out", node=_named(last)), edits=(opened.removed(last),)),)
    if repeated and last.type == repeated:
        yield Problem(
            code="advice/twice",
            severity="warning",
            node=last.id,
            title=say("{kind} is worked out twice", kind=repeated),
            because=say(
                "{loss} includes it, and takes scores: of numbers between 0 and 1 it cannot become sure.",
                loss=loss.name,
            ),
            fixes=fixes,
        )
    elif last.family == "regularization":
        yield Problem(
            code="advice/noisy-answer",
            severity="warning",
            node=last.id,
            title=say("{node} disturbs the answer itself", node=_named(last)),
            because=say("Nothing behind it could learn to do without what it takes away."),
            fixes=fixes,
        )
    elif is_number and last.type in BOUNDED and column not in experiment.data.source.features():
        yield Problem(
            code="advice/bounded",
            severity="warning",
            node=last.id,
            title=say("{node} keeps the answers between {bounds}", node=_named(last), bounds=BOUNDED[last.type]),
            because=say("{column} is a number, and nothing says that it lies there.", column=column),
            fixes=fixes,
        )


def _rate(experiment: Experiment) -> Iterator[Problem]:
    """A learning rate that is far from where its optimizer is used."""
    optimizer = experiment.recipe.optimizer
    rate, (low, high) = optimizer.args()["lr"], optimizer.usual
    if low <= rate <= high:
        return
    way = say("Weights would jump about, or grow without bound.") if rate > high else say("Little would be learned.")
    near = high if rate > high else low
    yield Problem(
        code="advice/rate",
        severity="warning",
        title=say("The learning rate is far from what {optimizer} is used with", optimizer=optimizer.name),
        because=say("It is {rate:g}, and usual are {low:g} to {high:g}. {way}", rate=rate, low=low, high=high, way=way),
        fixes=(
            Fix(
                label=say("Set it to {rate:g}", rate=near), edits=(Set(path="recipe.optimizer.params.lr", value=near),)
            ),
        ),
    )


def _rate_that_nothing_follows(experiment: Experiment) -> Iterator[Problem]:
    """A schedule, or a warm-up, of an optimizer whose steps find their own length."""
    recipe = experiment.recipe
    paths = [
        path
        for path, is_there in (
            ("recipe.schedule", not isinstance(recipe.schedule, Constant)),
            ("recipe.warm_up", recipe.warm_up > 0),
        )
        if is_there
    ]
    if recipe.optimizer.follows_rate or not paths:
        return
    yield Problem(
        code="advice/rate-not-followed",
        severity="warning",
        title=say("{optimizer} does not follow a rate that changes", optimizer=recipe.optimizer.name),
        because=say(
            "The learning rate is how far its first step moves; from then on every weight has a step of its own."
        ),
        fixes=(Fix(label=say("Keep the rate constant"), edits=tuple(Unset(path=path) for path in paths)),),
    )


def _by_heart(experiment: Experiment, analysis: Analysis, opened: Opened, learned: Sequence[str]) -> Iterator[Problem]:
    """Far more to learn than there is to learn from, and nothing against learning the samples by heart."""
    recipe, data = experiment.recipe, experiment.data
    sizes = data.split.sizes(data.source.samples_total())
    held = recipe.early_stopping or recipe.ema or recipe.optimizer.args().get("weight_decay")
    held = held or recipe.penalties or recipe.max_norm or recipe.augment
    held = held or any(row.family == "regularization" or row.type in NORMS for row in opened.rows.values())
    columns = experiment.data.source.columns()
    told = sizes[0] * sum(columns[column].numbers for column in dict.fromkeys(learned))
    if held or analysis.trainable <= MANY * told:
        return
    stop = Fix(label=say("Stop early"), edits=(Set(path="recipe.early_stopping", value={}),))
    decay = Fix(label=say("Use AdamW"), edits=(Set(path="recipe.optimizer", value={"type": "AdamW"}),))
    yield Problem(
        code="advice/by-heart",
        severity="warning",
        title=say("It can learn its samples by heart"),
        because=say(
            "{parameters:,} parameters learn {told:,} numbers, without dropout, norm, weight decay, penalty, augmentation or early stopping.",
            parameters=analysis.trainable, told=told,
        ),
        fixes=(stop, decay) if sizes[1] else (decay,),
    )  # fmt: skip
