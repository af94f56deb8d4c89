"""Whether what is to learn can: a gradient has to come from an output back to every weight."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from builder.analysis.network import Analysis, Row, node_path
from builder.catalog.initializers import Initializer, Values
from builder.design.experiment import Experiment
from builder.design.network import Graph, Network, Node
from builder.problem import Fix, Problem, Set, Unset, say


def unlearnable(network: Network, analysis: Analysis, references: Iterable[str]) -> Iterator[Problem]:
    """Layers through which no gradient comes from the outputs `references` to weights that have to learn.

    Weights that are frozen or given by hand need none, nor do those that a gradient reaches on another path.
    """
    graphs: tuple[Graph, ...] = (network, *network.blocks.values())
    if all(node.layer.gradient for graph in graphs for node in graph.nodes if node.type):
        return
    rows = analysis.opened
    learns, walls = _reached(rows, analysis.ends(references))
    for wall in walls:
        behind = (row for row in _before(rows, wall) if row.trainable and row.id not in learns)
        stuck = [row for row in behind if not _by_hand(place(network, row.id)[0])]
        if stuck:
            node, path = place(network, wall)[0], path_of(network, wall)
            yield Problem(
                code="recipe/no-gradient",
                node=wall,
                title=say("{node} cannot be trained", node=node.name),
                because=say(
                    "The slope of {kind} is zero wherever it has one, so that nothing before it can learn: {stuck}.",
                    kind=node.type, stuck=listed(stuck),
                ),
                fixes=tuple(
                    Fix(
                        label=say("Replace it by {kind}", kind=kind),
                        edits=(Set(path=f"{path}.type", value=kind), Set(path=f"{path}.params", value={})),
                    )
                    for kind in ("Sigmoid", "ReLU")
                ),
            )  # fmt: skip


def nothing_learns(network: Network, analysis: Analysis) -> Iterator[Problem]:
    """Networks in which there is nothing to train."""
    if analysis.trainable or any(problem.severity == "error" for problem in analysis.problems):
        return
    frozen = [
        node_path(node.id, block)
        for block, graph in ((None, network), *network.blocks.items())
        for node in graph.nodes
        if node.frozen
    ]
    yield Problem(
        code="recipe/nothing-learns",
        title=say("There is nothing to train"),
        because=say("All of its parameters are frozen.") if analysis.parameters else say("No layer has parameters."),
        fixes=(
            (Fix(label=say("Let all layers learn"), edits=tuple(Unset(path=f"{path}.frozen") for path in frozen)),)
            if frozen
            else ()
        ),
    )


def unfillable(experiment: Experiment) -> Iterator[Problem]:
    """Rules that go by the number of inputs and outputs, given for biases, which have none."""
    rule = experiment.recipe.init.bias
    if rule.least_sides > 1:
        yield _no_matrix(say("The biases"), rule, "recipe.init.bias")
    network = experiment.network
    for block, graph in ((None, network), *network.blocks.items()):
        for node in graph.nodes:
            if (own := node.init.get("bias")) and own.least_sides > 1:
                path = f"{node_path(node.id, block)}.init.bias"
                yield _no_matrix(say("The biases of {node}", node=node.name), own, path)


def copies(experiment: Experiment, analysis: Analysis) -> Iterator[Problem]:
    """Layers behind one another whose weights all start from one number, by the recipe's rule or one of their own.

    A single layer can start so: its units have targets of their own, or are read with weights that differ. Of several,
    a hidden unit reads what its neighbours read and is asked for what they are asked for: it stays a copy of them, and
    from zeros no gradient comes to it at all.
    """
    recipe, network = experiment.recipe, experiment.network
    rules = [node.init.get("weight") for graph in (network, *network.blocks.values()) for node in graph.nodes]
    if not any(rule and rule.alike for rule in (recipe.init.weight, *rules)):
        return
    filled = {row.id: row for row in analysis.expanded() if row.layer and row.layer.initialized}
    nodes = {id: place(network, id)[0] for id in filled}
    alike = {id for id, node in nodes.items() if node.init.get("weight", recipe.init.weight).alike}
    found: set[str] = set()
    for id in alike:
        behind = _filled_behind(analysis, filled, id)
        if filled[id].trainable and behind and behind <= alike:
            found |= {id, *behind}
    if not found:
        return
    stuck = [filled[id] for id in filled if id in found]
    own = dict.fromkeys(path_of(network, row.id) for row in stuck if nodes[row.id].init.get("weight"))
    starts = [*(f"{path}.init.weight" for path in own), *(["recipe.init.weight"] if recipe.init.weight.alike else [])]
    yield Problem(
        code="init/copies",
        severity="warning",
        node=stuck[0].id,
        title=say("Weights of layers behind one another start alike"),
        because=say("Units of a layer that start alike stay copies of one another: {layers}.", layers=listed(stuck)),
        fixes=(Fix(label=say("Start as PyTorch does"), edits=tuple(Unset(path=path) for path in starts)),),
    )


def _filled_behind(analysis: Analysis, filled: Mapping[str, Row], id: str) -> set[str]:
    """The next layers with first weights on every way from a layer on."""
    found, seen = set(), {id}
    for row in analysis.expanded():  # in running order
        if row.id not in seen and any(_node(reference) in seen for reference in row.inputs if reference):
            if row.id in filled:
                found.add(row.id)
            else:
                seen.add(row.id)
    return found


def _no_matrix(what: str, rule: Initializer, path: str) -> Problem:
    return Problem(
        code="init/no-matrix",
        title=say("{what} cannot start from {rule}", what=what, rule=rule.name),
        because=say("It goes by how many inputs and outputs a weight joins, and a bias joins none."),
        fixes=(Fix(label=say("Start from zeros"), edits=(Set(path=path, value={"type": "Zeros"}),)),),
    )


def _reached(rows: dict[str, Row], ends: Iterable[str | None]) -> tuple[set[str], list[str]]:
    """Nodes that a gradient reaches from the ends, and the layers at which it stops."""
    reached: set[str] = set()
    walls: list[str] = []
    waiting = [_node(end) for end in ends if end]
    while waiting:
        row = rows[waiting.pop()]
        if row.id in reached:
            continue
        reached.add(row.id)
        if row.layer and not row.layer.gradient:
            walls.append(row.id)
        else:
            waiting += [_node(reference) for reference in row.inputs if reference]
    return reached, walls


def _before(rows: dict[str, Row], node: str) -> list[Row]:
    """What a node depends on, in the order of the network."""
    wanted = {node}
    for row in reversed(rows.values()):
        if row.id in wanted:
            wanted |= {_node(reference) for reference in row.inputs if reference}
    return [row for row in rows.values() if row.id in wanted and row.id != node]


def _node(reference: str) -> str:
    return reference.partition(":")[0]


def place(network: Network, path: str) -> tuple[Node, str | None]:
    """A node of the opened network by its path there, and the block in which it stands."""
    graph: Graph = network
    block, steps = None, path.split(".")
    while True:
        node = next(node for node in graph.nodes if node.id == steps[0])
        steps = steps[2 if node.repeat > 1 else 1 :]
        if not steps or node.block is None:
            return node, block
        block = node.block
        graph = network.blocks[block]


def path_of(network: Network, path: str) -> str:
    """Where that node stands in the document, as paths of edits say it."""
    node, block = place(network, path)
    return node_path(node.id, block)


def _by_hand(node: Node) -> bool:
    return isinstance(node.init.get("weight"), Values)


def listed(rows: Sequence[Row]) -> str:
    """What layers are called, as far as a sentence bears it."""
    more = say(" and {count} more", count=len(rows) - 3) if len(rows) > 3 else ""
    return ", ".join(row.title or row.id for row in rows[:3]) + more
