"""What a good teacher would say of a design that runs: doubts, each with its reason and fixes that are tried.

Every rule looks at the opened network, so that what blocks hide is seen too; of copies of a block the first is told of.
A rule keeps silent where what it doubts is known to be meant: each says which cases those are.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from builder.analysis.learning import place
from builder.analysis.network import Analysis, Row, node_path
from builder.catalog.signal import Signal
from builder.design import names
from builder.design.experiment import Experiment
from builder.design.network import Network, split_reference
from builder.problem import Edit, Fix, Insert, Problem, Remove, Set, say

WEIGHTED = frozenset({"dense", "convolution"})
"""Families of layers that add up what they read, each number times a weight."""
NORMS = ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d")
SATURATING = frozenset({"Sigmoid", "Tanh", "Softsign", "Hardsigmoid", "Hardtanh"})
"""Activations that are flat on both sides, for which Xavier's spread was worked out (Glorot and Bengio 2010)."""
RECTIFYING = frozenset({"ReLU", "ReLU6", "LeakyReLU", "PReLU", "RReLU"})
"""Activations that drop or shrink one half of what they read, for which He's spread was (He et al. 2015)."""
BOUNDED = {
    "Sigmoid": "0 and 1", "Hardsigmoid": "0 and 1", "Softmax": "0 and 1", "Tanh": "-1 and 1", "Softsign": "-1 and 1",
    "Hardtanh": "-1 and 1", "ReLU6": "0 and 6",
}  # fmt: skip
"""Between what the answers of an activation always lie."""
DEEP = 3
"""From so many sigmoids behind one another on, each of which lets a quarter of a gradient through at most."""
USUAL_BATCH = 32
MANY = 10
"""Parameters for each number that is to be learned, from which on nothing but chance keeps a network from learning its samples by heart."""


def advice(experiment: Experiment, analysis: Analysis, looked_at: Sequence[tuple[str, str]]) -> Iterator[Problem]:
    """Doubts about a design without errors. `looked_at` says of each objective which output meets which target column."""
    opened = Opened(experiment.network, analysis)
    yield from _one_linear_layer(opened)
    yield from _sigmoids(opened)
    yield from _initializer(experiment, opened)
    yield from _bias_before_norm(opened)
    yield from _norm_of_one(experiment, opened)
    yield from _single_points(opened)
    for at, (reference, column) in enumerate(looked_at):
        last = analysis.last(reference)
        if last:
            yield from _ending(experiment, opened, at, column, last)
    yield from _rate(experiment)
    yield from _by_heart(experiment, analysis, opened, [column for _, column in looked_at])


class Opened:
    """The network with its blocks opened: rows by id, and who reads them."""

    def __init__(self, network: Network, analysis: Analysis) -> None:
        self.network = network
        self.rows = {row.id: row for row in analysis.expanded()}
        self.readers: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows.values():
            for source in self.sources(row):
                self.readers[source.id].append(row)

    def sources(self, row: Row) -> list[Row]:
        """What a layer reads."""
        read = dict.fromkeys(split_reference(reference)[0] for reference in row.inputs if reference)
        return [self.rows[source] for source in read if source in self.rows]

    def before(self, row: Row) -> Row | None:
        """The layer that made the numbers which a layer reads: in front of views, dropout and batch norms, which bend nothing."""
        while len(sources := self.sources(row)) == 1:
            (row,) = sources
            if not _passes(row):
                return row
        return None

    def behind(self, row: Row) -> Iterator[Row]:
        """The layers that work on what a layer gives, behind views, dropout and batch norms."""
        for reader in self.readers[row.id]:
            if _passes(reader):
                yield from self.behind(reader)
            else:
                yield reader

    def path(self, row: Row) -> str:
        """Where its node stands in the document."""
        node, block = place(self.network, row.id)
        return node_path(node.id, block)

    def once(self, rows: Iterable[Row]) -> list[Row]:
        """The first of those that are copies of one node."""
        return list({self.path(row): row for row in reversed(list(rows))}.values())[::-1]

    def removed(self, row: Row) -> Remove:
        node, block = place(self.network, row.id)
        return Remove(node=node.id, block=block)


def _passes(row: Row) -> bool:
    """Whether it is linear without learning to mix: views, dropout, and batch norms, which scale each number."""
    return row.type in NORMS or row.family == "regularization" or bool(row.layer and row.layer.view)


def _named(row: Row) -> str:
    return row.title or row.id


def _listed(rows: list[Row]) -> str:
    more = say(" and {count} more", count=len(rows) - 3) if len(rows) > 3 else ""
    return ", ".join(map(_named, rows[:3])) + more


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
    """Many sigmoids on the way of the signal. One that opens a gate, as of squeeze and excitation, is read by no weights."""
    hidden = [row for row in opened.rows.values() if row.type == "Sigmoid" and _feeds_weights(opened, row)]
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
            count=len(hidden), left=0.25 ** len(hidden), listed=_listed(hidden),
        ),
        fixes=(Fix(label=say("Use ReLU in their place"), edits=tuple(edits)),),
    )  # fmt: skip


def _feeds_weights(opened: Opened, row: Row) -> bool:
    return any(reader.family in WEIGHTED for reader in opened.behind(row))


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
        because=say("The norm takes the mean away, and the bias with it: {listed}.", listed=_listed(once)),
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


def _all_before(opened: Opened, row: Row) -> Iterator[Row]:
    """What lies on the way to a layer, the nearest first, along first inputs."""
    while sources := opened.sources(row):
        row = sources[0]
        yield row


# The recipe ------------------------------------------------------------------------------------------------------


def _initializer(experiment: Experiment, opened: Opened) -> Iterator[Problem]:
    """A spread of first weights that was worked out for the other kind of activation."""
    rule = experiment.recipe.init.weight.name
    hidden = [row.type for row in opened.rows.values() if row.family == "activation" and _feeds_weights(opened, row)]
    flat, bent = (sum(kind in kinds for kind in hidden) for kinds in (SATURATING, RECTIFYING))
    if rule.startswith("He") and flat > bent:
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


def _by_heart(experiment: Experiment, analysis: Analysis, opened: Opened, learned: Sequence[str]) -> Iterator[Problem]:
    """Far more to learn than there is to learn from, and nothing against learning the samples by heart."""
    recipe, data = experiment.recipe, experiment.data
    sizes = data.split.sizes(data.source.samples_total())
    held = recipe.early_stopping or recipe.ema or recipe.optimizer.args().get("weight_decay")
    held = held or recipe.penalties or recipe.max_norm
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
            "{parameters:,} parameters learn {told:,} numbers, without dropout, norm, weight decay, penalty or early stopping.",
            parameters=analysis.trainable, told=told,
        ),
        fixes=(stop, decay) if sizes[1] else (decay,),
    )  # fmt: skip
