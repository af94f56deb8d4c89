"""Whether a loss is set for the classes of its target, and what a network ends in is what its loss takes."""

from collections.abc import Iterator

from builder.analysis.network import Analysis
from builder.catalog.losses import Loss
from builder.catalog.signal import Signal
from builder.design import names
from builder.design.network import Network, split_reference
from builder.problem import Fix, Insert, Problem, Set, Unset, say


def uncounted(at: int, loss: Loss, column: str, target: Signal) -> Iterator[Problem]:
    """Numbers for each class, of the n-th loss, that are not as many as there are classes."""
    numbers = loss.class_numbers
    if numbers is None or not target.classes or len(numbers) == target.classes:
        return
    field = f"recipe.objectives.{at}.loss.params.{loss.per_class}"
    fitting = [*numbers, *[1.0] * target.classes][: target.classes]
    missing = target.classes - len(numbers)
    yield Problem(
        code="recipe/class-weights",
        title=say("{loss} has another number of weights than there are classes", loss=loss.name),
        because=say(
            "It has {count}, and needs one for each class of {column}, which has {classes}.",
            count=len(numbers), column=column, classes=target.classes,
        ),
        fixes=(
            Fix(
                label=say("Give the other {count} the weight 1", count=missing)
                if missing > 0
                else say("Keep the first {count}", count=target.classes),
                edits=(Set(path=field, value=fitting),),
            ),
            Fix(label=say("Let all classes count alike"), edits=(Unset(path=field),)),
        ),
    )  # fmt: skip


def unfinished(
    network: Network, analysis: Analysis, at: int, loss: Loss, reference: str, target: Signal
) -> Iterator[Problem]:
    """An output that the n-th loss could compare, were it not for what the numbers mean: scores, where it takes probabilities."""
    if loss.ending is None:
        return
    row = analysis.last(reference)
    if row and row.layer and loss.takes(row.layer, row.outputs[0]):
        return
    id = split_reference(reference)[0]
    node = next(node for node in network.nodes if node.id == id)
    ending = names.fresh(loss.ending["type"].lower(), [other.id for other in network.nodes])
    outputs = [ending if output == reference else output for output in network.outputs]
    insert = Insert(node={"id": ending, **loss.ending, "inputs": [reference]}, after=id, splice=False)
    add = Fix(
        label=say("Add a {layer} at the end", layer=loss.ending["type"]),
        edits=(insert, Set(path="network.outputs", value=outputs)),
    )
    yield Problem(
        code="recipe/wrong-ending",
        node=id,
        title=say("{node} does not give what its loss takes", node=node.name),
        because=say(
            "{loss} compares what {layer} gives, along the classes where there are several, and it gets scores.",
            loss=loss.name, layer=loss.ending["type"],
        ),
        fixes=(add, *others(at, loss, target)),
    )  # fmt: skip


def others(at: int, loss: Loss, target: Signal) -> Iterator[Fix]:
    """Losses that the n-th one could be exchanged for."""
    for name, other in Loss.shelf.items():
        if name != loss.name and other().shapes(target):
            label = say("Use the loss {loss}", loss=name)
            yield Fix(label=label, edits=(Set(path=f"recipe.objectives.{at}.loss", value={"type": name}),))
