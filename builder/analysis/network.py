"""Follow signals through a network, adding up what each node costs."""

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from types import MappingProxyType
from typing import NamedTuple

from builder.analysis.cost import cost_of
from builder.catalog.initializers import Values
from builder.catalog.layers import Layer, ShapeProblem, Suggestion
from builder.catalog.layers.base import Signals, Window
from builder.catalog.signal import Shape, Signal
from builder.design import names
from builder.design.network import Block, Graph, Network, Node, split_reference
from builder.design.structure import ports_in, ports_out
from builder.problem import Connect, Edit, Fix, Insert, Problem, Remove, Set, Unset, say


class Row(NamedTuple):
    """One node of the layer table. Counts are for one sample; `outputs` is empty where signals are unknown.

    The counts of a block are those of all its repeats; `inside` holds the rows of one, `given` and `results` what its
    inputs and outputs are called in there.
    """

    id: str
    title: str
    type: str
    inputs: tuple[str | None, ...]
    outputs: tuple[Signal, ...] = ()
    parameters: int = 0
    trainable: int = 0
    buffers: int = 0
    macs: int = 0
    flops: int = 0
    operations: Mapping[str, int] = MappingProxyType({})
    activation_bytes: int = 0
    smallest_batch: int = 1
    window: Window | None = None
    given_signals: Signals = ()
    inside: tuple["Row", ...] = ()
    given: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    repeat: int = 1
    layer: Layer | None = None

    @property
    def family(self) -> str:
        """What its colour goes by, as the style sheet calls it."""
        return self.layer.group.lower() if self.layer else "block"


@dataclass(frozen=True)
class Analysis:
    """The layer table of a network, every signal in it by reference, and what is wrong with it."""

    rows: tuple[Row, ...]
    signals: dict[str, Signal]
    outputs: tuple[Signal | None, ...]
    problems: tuple[Problem, ...]

    @property
    def parameters(self) -> int:
        return sum(row.parameters for row in self.rows)

    @property
    def trainable(self) -> int:
        return sum(row.trainable for row in self.rows)

    @property
    def buffers(self) -> int:
        return sum(row.buffers for row in self.rows)

    @property
    def macs(self) -> int:
        return sum(row.macs for row in self.rows)

    @property
    def flops(self) -> int:
        return sum(row.flops for row in self.rows)

    @property
    def activation_bytes(self) -> int:
        return sum(row.activation_bytes for row in self.rows)

    @property
    def operations(self) -> dict[str, int]:
        return _added(self.rows)

    def expanded(self) -> Iterator[Row]:
        """The rows with every block opened and repeated, ids as in `state_dict`."""
        return iter(self.opened.values())

    @property
    def opened(self) -> dict[str, Row]:
        """The same rows by id."""
        return self._opened[0]

    @cached_property
    def _opened(self) -> tuple[dict[str, Row], dict[str, str | None]]:
        """What `expanded` gives, and what outputs of blocks are called there; worked out once, however often it is asked."""
        called: dict[str, str | None] = {}
        return {row.id: row for row in _expand(self.rows, "", called, (), learns=True)}, called

    def ends(self, references: Iterable[str]) -> tuple[str | None, ...]:
        """What these references are called in the opened network."""
        return tuple(self._opened[1].get(reference, reference) for reference in references)

    def last(self, reference: str) -> Row | None:
        """The layer, blocks opened, that works out the numbers of an output; views of them are looked through."""
        (end,) = self.ends([reference])
        row = self.opened.get(split_reference(end or "")[0])
        while row and row.layer and row.layer.view:
            row = self.opened.get(split_reference(row.inputs[0] or "")[0])
        return row


def analyze(network: Network) -> Analysis:
    """Signals, parameters, MACs, FLOPs and activation memory of every node. Fixes in its Problems are not yet tried."""
    return _Walk(network).run()


def _added(rows: tuple[Row, ...]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for row in rows:
        total.update(row.operations)
    return dict(total)


def _expand(
    rows: tuple[Row, ...], prefix: str, called: dict[str, str | None], results: tuple[str, ...], learns: bool
) -> Generator[Row, None, tuple[str | None, ...]]:
    """The rows of a graph opened; returns what its `results` are called in the opened network.

    `called` says what the graph's own inputs are called there, and is told the outputs of its blocks. Nothing inside a
    block that does not learn learns.
    """

    def resolved(reference: str | None) -> str | None:
        return None if reference is None else called.get(reference, prefix + reference)

    for row in rows:
        comes_in = tuple(map(resolved, row.inputs))
        if not row.inside:
            yield row._replace(id=prefix + row.id, inputs=comes_in, trainable=row.trainable if learns else 0)
            continue
        for copy in range(row.repeat):
            inner = f"{prefix}{row.id}." + (f"{copy}." if row.repeat > 1 else "")
            inside = dict(zip(row.given, comes_in, strict=True))
            comes_in = yield from _expand(row.inside, inner, inside, row.results, learns and row.trainable > 0)
        ports = (f"{row.id}:{result.replace(':', '_')}" for result in row.results)  # as structure names them
        called |= zip(ports, comes_in, strict=True)
        called[row.id] = comes_in[0] if comes_in else None
    return tuple(map(resolved, results))


class _Walk:
    """One pass over a network. Blocks are looked at once for each kind of signals that they are given."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.problems: list[Problem] = []
        self.state: dict[str, dict[str, Shape]] = {}
        self.given: dict[str, Signals] = {}
        self.opened: dict[tuple[str, tuple[Signal | None, ...]], tuple[tuple[Row, ...], tuple[Signal | None, ...]]] = {}

    def run(self) -> Analysis:
        signals: dict[str, Signal] = {}
        rows = self.graph(self.network, None, signals, "")
        outputs = tuple(map(signals.get, self.network.outputs))
        self.problems += _shape_of_the_whole(self.network)
        return Analysis(rows, signals, outputs, tuple(self.problems))

    def graph(self, graph: Graph, block: str | None, signals: dict[str, Signal], prefix: str) -> tuple[Row, ...]:
        return tuple(self.node(graph, at, block, signals, prefix) for at in range(len(graph.nodes)))

    def node(self, graph: Graph, at: int, block: str | None, signals: dict[str, Signal], prefix: str) -> Row:
        node = graph.nodes[at]
        ports = ports_in(self.network, node)
        given = _given(ports, node.inputs)
        for port, reference in enumerate(given) if None in given else ():
            if reference is None:
                candidates = _CANDIDATES if len(self.problems) < _OFFERS else 0
                self.problems.append(_missing(self.network, graph, at, port, block, prefix, candidates))
        known = tuple([signals[reference] for reference in given if reference in signals])
        if len(known) < len(given):
            row = _unknown(node)
        elif node.block:
            row = self.opened_block(node, known, block, prefix)
        else:
            row = self.layer(node, known, block, prefix)
        if row.outputs:
            signals[node.id] = row.outputs[0]  # a reference without a port means the first
            for output, signal in zip(ports_out(self.network, node), row.outputs, strict=True):
                signals[f"{node.id}:{output}"] = signal
        return row

    def layer(self, node: Node, given: Signals, block: str | None, prefix: str) -> Row:
        try:
            cost = cost_of(node.layer, given)
        except ShapeProblem as error:
            self.problems.append(_explained(self.network, node, given, error, block, prefix))
            return _unknown(node)
        self.state[prefix + node.id] = cost.state
        self.given[prefix + node.id] = given
        if node.shares and cost.state != (theirs := self.state.get(prefix + node.shares, cost.state)):
            self.problems.append(_unshareable(node, cost.state, theirs, block, prefix))
            return _unknown(node)
        if node.shares and _made_otherwise(node.layer, given, self.given.get(prefix + node.shares, given)):
            self.problems.append(_other_module(node, given, self.given[prefix + node.shares], block, prefix))
            return _unknown(node)
        if node.init:
            self.problems += _by_hand(node, cost.shapes, block, prefix)
        count = 0 if node.shares else cost.parameters
        return Row(
            node.id,
            node.title,
            node.type or "",
            node.inputs,
            outputs=cost.outputs,
            parameters=count,
            trainable=0 if node.frozen else count,
            buffers=0 if node.shares else cost.buffers,
            macs=cost.macs,
            flops=cost.flops,
            operations=cost.operations,
            activation_bytes=cost.activation_bytes,
            smallest_batch=cost.smallest_batch,
            window=cost.window,
            given_signals=given,
            layer=node.layer,
        )

    def opened_block(self, node: Node, given: Signals, scope: str | None, prefix: str) -> Row:
        assert node.block is not None
        block = self.network.blocks[node.block]
        key = (node.block, given)
        inner = f"{prefix}{node.id}." + ("0." if node.repeat > 1 else "")
        if key not in self.opened:
            signals = dict(zip(block.inputs, given, strict=True))
            rows = self.graph(block, node.block, signals, inner)
            self.opened[key] = rows, tuple(map(signals.get, block.outputs))
        rows, outputs = self.opened[key]
        if not block.outputs:
            self.problems.append(
                Problem(
                    code="block/no-output",
                    node=prefix + node.id,
                    title=say("Block {block} gives nothing", block=node.block),
                    because=say("It has no outputs."),
                )
            )
        if node.repeat > 1 and None not in outputs and (outputs != given or len(given) > 1):
            self.problems.append(_unrepeatable(node, given, outputs, scope, prefix))
            outputs = (None,)
        known = () if None in outputs else tuple(signal for signal in outputs if signal is not None)
        return Row(
            node.id,
            node.title,
            node.block,
            node.inputs,
            outputs=known,
            repeat=node.repeat,
            given_signals=given,
            inside=rows,
            given=block.inputs,
            results=block.outputs,
            parameters=node.repeat * sum(child.parameters for child in rows),
            trainable=0 if node.frozen else node.repeat * sum(child.trainable for child in rows),
            buffers=node.repeat * sum(child.buffers for child in rows),
            macs=node.repeat * sum(child.macs for child in rows),
            flops=node.repeat * sum(child.flops for child in rows),
            operations={kind: node.repeat * count for kind, count in _added(rows).items()},
            activation_bytes=node.repeat * sum(child.activation_bytes for child in rows),
            smallest_batch=max((child.smallest_batch for child in rows), default=1),
        )


def _unknown(node: Node) -> Row:
    """The row of a node whose signals cannot be known."""
    return Row(node.id, node.title, node.type or node.block or "", node.inputs, repeat=node.repeat)


def _given(ports: tuple[str, ...], inputs: tuple[str | None, ...]) -> Sequence[str | None]:
    """What each port reads: as many as there must be, without optional ones that are open."""
    any_number = bool(ports) and ports[0].endswith("*")
    wanted = max(2, len(inputs)) if any_number else sum(not port.endswith("?") for port in ports)
    if len(inputs) == wanted:
        return inputs
    given = [*inputs, *[None] * (wanted - len(inputs))]
    while len(given) > wanted and given[-1] is None:
        given.pop()
    return given


def _explained(
    network: Network, node: Node, given: Signals, error: ShapeProblem, block: str | None, prefix: str
) -> Problem:
    """A layer's complaint, with what came in and from where, and its repairs as edits."""
    sources = [reference or "" for reference in node.inputs]
    arrives = " ".join(
        say("It receives {signal} from {source}.", signal=signal, source=source)
        for signal, source in zip(given, sources, strict=False)
    )
    return Problem(
        code=error.code,
        node=prefix + node.id,
        title=say(error.title, node=node.name),
        because=f"{arrives} {error.because}",
        fixes=tuple(_repair(network, node, suggestion, block) for suggestion in error.suggestions),
    )


def _repair(network: Network, node: Node, suggestion: Suggestion, block: str | None) -> Fix:
    """A layer's suggestion as edits of the document."""
    if suggestion.type:
        path = node_path(node.id, block)
        another = (Set(path=f"{path}.type", value=suggestion.type), Set(path=f"{path}.params", value=suggestion.params))
        return Fix(label=suggestion.label, edits=another)
    graph: Graph = network.blocks[block] if block else network
    edits: list[Edit] = [
        Set(path=f"{node_path(node.id, block)}.params.{name}", value=value) for name, value in suggestion.params.items()
    ]
    if suggestion.insert:
        kind, params = suggestion.insert
        source = node.inputs[suggestion.port] or ""
        before = split_reference(source)[0]
        taken = [other.id for other in graph.nodes]
        fresh = names.fresh(kind, [*taken, *getattr(graph, "inputs", ())])
        inserted = {"id": fresh, "type": kind, "params": params, "inputs": [source]}
        edits.append(Insert(node=inserted, after=before if before in taken else None, splice=False, block=block))
        edits.append(Connect(node=node.id, port=suggestion.port, source=fresh, block=block))
    return Fix(label=suggestion.label, edits=tuple(edits))


def node_path(node: str, block: str | None) -> str:
    """Where a node stands in the document, as paths of edits say it."""
    return f"network.blocks.{block}.nodes.{node}" if block else f"network.nodes.{node}"


def _missing(
    network: Network, graph: Graph, at: int, port: int, block: str | None, prefix: str, candidates: int
) -> Problem:
    """An input port that nothing is connected to. The nearest nodes before it are offered, nearest first."""
    node = graph.nodes[at]
    used = set(node.inputs)
    fit = (other.id for other in reversed(graph.nodes[:at]) if other.id not in used and ports_out(network, other))
    before = list(islice(fit, candidates))
    before += [name for name in (graph.inputs if isinstance(graph, Block) else ()) if name not in used]
    if ports_in(network, node)[port : port + 1] == ("memory",) and node.inputs and node.inputs[0]:
        before.insert(0, node.inputs[0])  # attention may look back at what it reads itself
    connect = [
        Fix(
            label=say("Connect it to {source}", source=source),
            edits=(Connect(node=node.id, port=port, source=source, block=block),),
        )
        for source in before[:candidates]
    ]
    remove = Fix(label=say("Remove {node}", node=node.name), edits=(Remove(node=node.id, block=block),))
    ports = ports_in(network, node)
    name = ports[min(port, len(ports) - 1)].rstrip("*?")
    return Problem(
        code="input/missing",
        node=prefix + node.id,
        title=say("{node} has an open input", node=node.name),
        because=say("Nothing is connected to its input {number} ({port}).", number=port + 1, port=name),
        fixes=(*connect, remove) if candidates else (),
    )


_CANDIDATES = 6
"""Sources tried for an open input."""

_OFFERS = 100
"""Problems that are given repairs for open inputs; what comes after so many has its turn when those are repaired."""


def _by_hand(node: Node, shapes: dict[str, Shape], block: str | None, prefix: str) -> list[Problem]:
    """Numbers given by hand that do not have the shape of what they are to fill."""
    found = []
    for role, initializer in node.init.items():
        if isinstance(initializer, Values) and (
            wrong := [shape for shape in _of_role(shapes, role) if shape != initializer.shape]
        ):
            found.append(
                Problem(
                    code="init/shape",
                    node=prefix + node.id,
                    title=say("The numbers for the {role} of {node} do not fit", role=role, node=node.name),
                    because=say(
                        "They are {given}, and the {role} is {wanted}.",
                        given=_sides(initializer.shape),
                        role=role,
                        wanted=_sides(wrong[0]),
                    ),
                    fixes=(
                        Fix(
                            label=say("Start from the recipe's rule"),
                            edits=(Set(path=f"{node_path(node.id, block)}.init", value={}),),
                        ),
                    ),
                )
            )
    return found


def _unshareable(
    node: Node, state: dict[str, Shape], theirs: dict[str, Shape], block: str | None, prefix: str
) -> Problem:
    """Weights of another layer, which reads something of another size."""
    name = next(name for name, shape in state.items() if shape != theirs[name])
    return Problem(
        code="shares/shape",
        node=prefix + node.id,
        title=say("{node} cannot share the weights of {other}", node=node.name, other=node.shares),
        because=say(
            "What it receives needs a {name} of {wanted}, and that of {other} is {given}.",
            name=name, wanted=_sides(state[name]), other=node.shares, given=_sides(theirs[name]),
        ),
        fixes=(Fix(label=say("Give it weights of its own"), edits=(Unset(path=f"{node_path(node.id, block)}.shares"),)),),
    )  # fmt: skip


def _made_otherwise(layer: Layer, given: Signals, theirs: Signals) -> bool:
    """Whether a layer made for one input is another module than the same layer made for the other."""
    return given != theirs and (layer.runs(*given), layer.args(*given)) != (layer.runs(*theirs), layer.args(*theirs))


def _other_module(node: Node, given: Signals, theirs: Signals, block: str | None, prefix: str) -> Problem:
    return Problem(
        code="shares/other-input",
        node=prefix + node.id,
        title=say("{node} cannot share the weights of {other}", node=node.name, other=node.shares),
        because=say(
            "A {kind} is made for what it reads: {given} here, and {theirs} there.",
            kind=node.type, given=" and ".join(map(str, given)), theirs=" and ".join(map(str, theirs)),
        ),
        fixes=(Fix(label=say("Give it weights of its own"), edits=(Unset(path=f"{node_path(node.id, block)}.shares"),)),),
    )  # fmt: skip


def _sides(shape: Shape) -> str:
    return " x ".join(map(str, shape))


def _of_role(shapes: dict[str, Shape], role: str) -> list[Shape]:
    return [shape for name, shape in shapes.items() if ("bias" in name) == (role == "bias")]


def _unrepeatable(
    node: Node, given: Signals, outputs: tuple[Signal | None, ...], scope: str | None, prefix: str
) -> Problem:
    return Problem(
        code="block/not-repeatable",
        node=prefix + node.id,
        title=say("{node} cannot be repeated", node=node.name),
        because=say(
            "A block that is repeated feeds itself, so one signal goes in, and one like it comes out; {given} goes in and {outputs} comes out.",
            given=" and ".join(map(str, given)), outputs=" and ".join(map(str, outputs)),
        ),
        fixes=(Fix(label=say("Use it once"), edits=(Set(path=f"{node_path(node.id, scope)}.repeat", value=1),)),),
    )  # fmt: skip


def _shape_of_the_whole(network: Network) -> Iterator[Problem]:
    """Networks that have no end, and nodes that lead nowhere."""
    if not network.nodes:
        yield Problem(
            code="graph/empty",
            title=say("The network is empty"),
            because=say("It needs an Input and at least one layer."),
        )
        return
    if not network.inputs:
        yield Problem(
            code="graph/no-input", title=say("Nothing comes into the network"), because=say("It has no Input node.")
        )
    if not network.outputs:
        last = network.nodes[-1]
        yield Problem(
            code="graph/no-output",
            title=say("Nothing comes out of the network"),
            because=say("It names no outputs."),
            fixes=(
                Fix(
                    label=say("Let {node} be the output", node=last.name),
                    edits=(Set(path="network.outputs", value=[last.id]),),
                ),
            ),
        )
        return
    read = {split_reference(reference)[0] for node in network.nodes for reference in node.inputs if reference}
    for node in unused(network):
        if node.id in read:
            continue  # the end of its path is named, and tells enough
        yield Problem(
            code="graph/unused",
            severity="warning",
            node=node.id,
            title=say("{node} leads nowhere", node=node.name),
            because=say("No output of the network depends on it."),
            fixes=(Fix(label=say("Remove {node}", node=node.name), edits=(Remove(node=node.id),)),),
        )


def unused(network: Network) -> list[Node]:
    """Nodes that no output depends on."""
    reached = {split_reference(reference)[0] for reference in network.outputs}
    for node in reversed(network.nodes):
        if node.id in reached:
            reached |= {split_reference(reference)[0] for reference in node.inputs if reference}
    return [node for node in network.nodes if node.id not in reached]
