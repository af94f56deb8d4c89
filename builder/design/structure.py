"""What must hold of every graph before anything can be said about its signals."""

from collections import Counter
from collections.abc import Iterator

from builder import limits
from builder.catalog.entry import suggest
from builder.catalog.layers import Layer
from builder.design import names
from builder.design.network import Block, Graph, Network, Node, split_reference
from builder.design.order import running_order
from builder.problem import Fix, Problem, Remove, Set, Unset, say


def problems(network: Network) -> list[Problem]:
    """Everything that keeps the network from being read as a graph."""
    found = [*_blocks(network)]
    if found:  # ports of nodes that use such blocks are unknown
        return found
    found += _graph(network, network, (), "network")
    for name, block in network.blocks.items():
        found += _one_name_each(name, say("inputs"), block.inputs)
        found += _one_name_each(name, say("outputs"), tuple(map(port_of, dict.fromkeys(block.outputs))))
        found += _graph(network, block, block.inputs, f"network.blocks.{name}")
    return found


def ports_in(network: Network, node: Node) -> tuple[str, ...]:
    """Names of a node's input ports; `x*` is any number, `mask?` may stay open."""
    return network.blocks[node.block].inputs if node.block else node.layer.inputs


def ports_out(network: Network, node: Node) -> tuple[str, ...]:
    """Names of a node's outputs."""
    if not node.block:
        return node.layer.outputs
    return tuple(map(port_of, network.blocks[node.block].outputs))


def port_of(reference: str) -> str:
    """What an output of a block is called outside: `lstm_last` for `lstm:last`."""
    return reference.replace(":", "_")


def _blocks(network: Network) -> Iterator[Problem]:
    """Blocks that are used exist, and none contains itself."""
    graphs: dict[str, Graph] = {"": network, **network.blocks}
    for name, graph in graphs.items():
        path = f"network.blocks.{name}.nodes" if name else "network.nodes"
        for at, node in enumerate(graph.nodes):
            if node.block and node.block not in network.blocks:
                near = suggest(node.block, network.blocks)
                yield Problem(
                    code="block/unknown",
                    node=node.id,
                    title=say("There is no block called {block}", block=node.block),
                    because=say("The file defines {blocks}.", blocks=", ".join(network.blocks) or "no blocks"),
                    fixes=(
                        Fix(label=say("Use {block}", block=near), edits=(Set(path=f"{path}.{at}.block", value=near),)),
                    )
                    if near
                    else (),
                )
    yield from _nesting(network)


def _nesting(network: Network) -> Iterator[Problem]:
    """Blocks lie in blocks, but not in themselves, not too deep, and not so often that nobody could list the layers."""
    graphs: dict[str, Graph] = {**network.blocks, "": network}
    inside = {name: {node.block for node in graph.nodes if node.block in graphs} for name, graph in graphs.items()}
    order, circle = running_order({name: {inner for inner in inners if inner} for name, inners in inside.items()})
    if circle:
        yield _recursive(network, circle[::-1])
        return
    depth: dict[str, int] = {}
    layers: dict[str, int] = {}
    for name in order:  # what lies inside comes first
        nodes = graphs[name].nodes
        depth[name] = 1 + max((depth[node.block] for node in nodes if node.block in depth), default=0)
        count = sum(node.repeat * layers[node.block] if node.block in layers else 1 for node in nodes)
        layers[name] = max(1, count)  # an empty block is opened and repeated as well
        if name and depth[name] > limits.BLOCK_DEPTH:
            yield Problem(
                code="block/too-deep",
                title=say("Block {block} cannot be opened", block=name),
                because=say(
                    "Blocks may lie {limit} deep in one another, and these lie {levels} deep.",
                    limit=limits.BLOCK_DEPTH, levels=depth[name],
                ),
            )  # fmt: skip
    if layers[""] > limits.EXPANDED_NODES:
        yield Problem(
            code="block/too-many-layers",
            title=say("The network has too many layers"),
            because=say(
                "With every block opened and repeated there are {count:,}; the limit is {limit:,}.",
                count=layers[""], limit=limits.EXPANDED_NODES,
            ),
        )  # fmt: skip


def _recursive(network: Network, circle: list[str]) -> Problem:
    """A block that contains itself, by way of the others in `circle`."""
    outer, inner = circle[0], circle[1 % len(circle)]
    nodes = [node for node in network.blocks[outer].nodes if node.block == inner]
    return Problem(
        code="block/recursive",
        title=say("Block {block} contains itself", block=outer),
        because=say("Opening it would never end: {circle}.", circle=_round(circle)),
        fixes=(
            Fix(
                label=say("Remove {node} from block {block}", node=nodes[0].name, block=outer),
                edits=tuple(Remove(node=node.id, block=outer) for node in nodes),
            ),
        ),
    )


def _round(circle: list[str]) -> str:
    """A circle in words; a long one is cut in the middle."""
    shown = [*circle[:5], "...", circle[-1]] if len(circle) > 8 else circle
    return " -> ".join([*shown, circle[0]])


def _one_name_each(block: str, kind: str, given: tuple[str, ...]) -> Iterator[Problem]:
    """Inputs of a block, or outputs as nodes outside call them, that would bear one name."""
    if len(set(given)) == len(given):
        return
    for name, count in Counter(given).items():
        if count > 1:
            yield Problem(
                code="block/name-twice",
                title=say(
                    "Block {block} has {count} {kind} called {name}", block=block, count=count, kind=kind, name=name
                ),
                because=say("What reads one of them could not be told from what reads another."),
            )


def _graph(network: Network, graph: Graph, given: tuple[str, ...], path: str) -> Iterator[Problem]:
    twice = list(_ids(graph, given, path))
    yield from twice
    known = {node.id: node for node in graph.nodes}
    for at, node in enumerate(graph.nodes):
        yield from _references(network, known, given, node, f"{path}.nodes.{at}.inputs")
        yield from _ports(network, node, f"{path}.nodes.{at}")
        yield from _sharing(known, node, f"{path}.nodes.{at}")
    for at, reference in enumerate(graph.outputs):
        yield from _reference(network, known, given, reference, None, f"{path}.outputs.{at}")
    if not twice:  # with two nodes of one id nobody can say which of them is read
        yield from _order(graph, path)


def _ids(graph: Graph, given: tuple[str, ...], path: str) -> Iterator[Problem]:
    counts = Counter([*given, *(node.id for node in graph.nodes)])
    taken = set(counts)
    seen = set(given)
    offered = 0
    for at, node in enumerate(graph.nodes):
        if node.id in seen:
            offered += 1
            yield Problem(
                code="id/duplicate",
                node=node.id,
                title=say("{node} is there {count} times", node=node.id, count=counts[node.id]),
                because=say("Every id stands for one node, because references and saved weights go by it."),
                fixes=(_other_name(node, f"{path}.nodes.{at}", taken),) if offered <= _FIXES else (),
            )
        seen.add(node.id)
    for node in graph.nodes:
        if isinstance(graph, Block) and node.type == "Input":
            yield Problem(
                code="block/input-inside",
                node=node.id,
                title=say("{node} is an Input inside a block", node=node.name),
                because=say("A block is given its signals by its `inputs`; data enters the network outside."),
            )


_FIXES = 100
"""Ids that are repaired at once; looking for more free names takes long where very many are the same."""


def _other_name(node: Node, path: str, taken: set[str]) -> Fix:
    name = names.fresh(node.id, taken)
    taken.add(name)
    return Fix(label=say("Call the later one {name}", name=name), edits=(Set(path=f"{path}.id", value=name),))


def _references(
    network: Network, known: dict[str, Node], given: tuple[str, ...], node: Node, path: str
) -> Iterator[Problem]:
    for port, reference in enumerate(node.inputs):
        if reference is not None:
            yield from _reference(network, known, given, reference, node, f"{path}.{port}")


def _reference(
    network: Network, known: dict[str, Node], given: tuple[str, ...], reference: str, reader: Node | None, path: str
) -> Iterator[Problem]:
    source, output = split_reference(reference)
    if source not in known and source not in given:
        near = suggest(source, [*known, *given])
        value = None if near is None else near + (f":{output}" if output else "")
        cut = (Fix(label=say("Leave the input open"), edits=(Set(path=path, value=None),)),) if reader else ()
        yield Problem(
            code="reference/unknown",
            node=reader.id if reader else None,
            title=say(
                "{reader} reads {source}, which is not there",
                reader=reader.name if reader else say("The output"),
                source=source,
            ),
            because=say("No node of this network has the id {source}.", source=source),
            fixes=(
                (Fix(label=say("Read {source}", source=value), edits=(Set(path=path, value=value),)),) if near else cut
            ),
        )
        return
    outputs = ports_out(network, known[source]) if source in known else ()
    if output not in outputs and ":" in reference:
        near = suggest(output or "", outputs) or next(iter(outputs), None)
        value = f"{source}:{near}" if near else source
        yield Problem(
            code="reference/unknown-output",
            node=reader.id if reader else source,
            title=say("{source} has no output called {output}", source=source, output=output or say("nothing")),
            because=say("It gives {outputs}.", outputs=", ".join(outputs) or say("one signal, without a name")),
            fixes=(Fix(label=say("Read {source}", source=value), edits=(Set(path=path, value=value),)),),
        )


def _ports(network: Network, node: Node, path: str) -> Iterator[Problem]:
    ports = ports_in(network, node)
    if any(port.endswith("*") for port in ports) or len(node.inputs) <= len(ports):
        return
    kept = list(node.inputs[: len(ports)])
    yield Problem(
        code="ports/too-many",
        node=node.id,
        title=say("{node} is given {count} inputs", node=node.name, count=len(node.inputs)),
        because=say("{kind} takes {ports}.", kind=node.type or node.block, ports=len(ports)),
        fixes=(
            Fix(label=say("Keep the first {ports}", ports=len(ports)), edits=(Set(path=f"{path}.inputs", value=kept),)),
        ),
    )


def _sharing(known: dict[str, Node], node: Node, path: str) -> Iterator[Problem]:
    if node.shares is None:
        return
    other = known.get(node.shares)
    if other is None or other is node or other.shares or not _has_weights(other) or other.layer != node.layer:
        yield Problem(
            code="shares/impossible",
            node=node.id,
            title=say("{node} cannot share the weights of {other}", node=node.name, other=node.shares),
            because=say("Weights are shared with another layer that has weights of its own and the same parameters."),
            fixes=(Fix(label=say("Give it weights of its own"), edits=(Unset(path=f"{path}.shares"),)),),
        )
    elif node.frozen:
        yield Problem(
            code="shares/frozen",
            node=node.id,
            title=say("{node} cannot be frozen by itself", node=node.name),
            because=say("Its weights are those of {other}; they learn or stay together.", other=other.name),
            fixes=(
                Fix(
                    label=say("Let {other} alone say it", other=other.name),
                    edits=(Unset(path=f"{path}.frozen"),),
                ),
                Fix(label=say("Give it weights of its own"), edits=(Unset(path=f"{path}.shares"),)),
            ),
        )


def _has_weights(node: Node) -> bool:
    return node.type is not None and type(node.layer).parameters is not Layer.parameters


def _order(graph: Graph, path: str) -> Iterator[Problem]:
    order, cycle = running_order(_waits(graph))
    if cycle:
        yield _circle(graph, path, cycle)
    elif order != list(dict.fromkeys(node.id for node in graph.nodes)):
        by_id = {node.id: node for node in graph.nodes}
        value = [by_id[name].model_dump(mode="json", exclude_defaults=True) for name in order]
        yield Problem(
            code="graph/order",
            title=say("The nodes are not in the order in which they run"),
            because=say("A node stands behind everything that it reads."),
            fixes=(Fix(label=say("Put them in order"), edits=(Set(path=f"{path}.nodes", value=value),)),),
        )


def _circle(graph: Graph, path: str, circle: list[str]) -> Problem:
    """Nodes that read one another in a circle, and the inputs that can be cut to open it."""
    place = {node.id: at for at, node in enumerate(graph.nodes)}
    edges = set(zip(circle, [*circle[1:], circle[0]], strict=True))
    cuts = [
        (place[source] < at, at, port)
        for at, node in enumerate(graph.nodes)
        for port, reference in enumerate(node.inputs)
        if reference and (source := split_reference(reference)[0], node.id) in edges
    ]
    cuts.sort()  # first what runs back to a node further up: that is what was drawn by mistake
    return Problem(
        code="graph/cycle",
        node=graph.nodes[cuts[0][1]].id if cuts else circle[0],
        title=say("The network runs in a circle"),
        because=say("Signals flow one way, and here they come back: {cycle}.", cycle=_round(circle)),
        fixes=tuple(
            Fix(
                label=say("Cut the input of {node}", node=graph.nodes[at].name),
                edits=(Set(path=f"{path}.nodes.{at}.inputs.{port}", value=None),),
            )
            for _, at, port in cuts[:1]
        ),
    )


def _waits(graph: Graph) -> dict[str, set[str]]:
    """What must run before each node: whatever it reads, and the node whose weights it shares."""
    ids = {node.id for node in graph.nodes}
    return {
        node.id: {split_reference(reference)[0] for reference in (*node.inputs, node.shares) if reference} & ids
        for node in graph.nodes
    }
