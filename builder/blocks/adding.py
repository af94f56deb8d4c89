"""What is picked from the palette comes into a graph: the edits that put a layer or a catalog block there."""

from collections.abc import Iterable

from builder.blocks.templates import Template
from builder.catalog import Layer, Signal
from builder.design import names
from builder.design.network import Block, Graph, Network, Node, split_reference
from builder.problem import Connect, Edit, Insert, Problem, Refused, Set, say


def behind(network: Network, block: str | None, name: str, after: str | None, given: Signal | None) -> list[Edit]:
    """Put a new one behind the node `after`, before whatever read that; `given` is what the node gives, where that is known.

    `after` None is an empty graph, or the beginning of a block. An Input reads nothing, and stands first.
    """
    graph = graph_in(network, block)
    if name == "Input":
        return _made(network, block, name, {"inputs": []}, after=None, splice=False, given=None)
    reads = {} if after else {"inputs": list(graph.inputs[:1]) if isinstance(graph, Block) else []}
    return _made(network, block, name, reads, after, splice=after is not None, given=given)


def beside(network: Network, block: str | None, name: str) -> list[Edit]:
    """Put a new one into the graph that reads nothing yet."""
    last = next((node.id for node in reversed(graph_in(network, block).nodes)), None)
    return _made(network, block, name, {"inputs": []}, after=last, splice=False, given=None)


def between(network: Network, block: str | None, name: str, node: str, port: int, given: Signal | None) -> list[Edit]:
    """Put a new one into the edge that ends at the input `port` of a node. Raises Refused where nothing ends there."""
    reader = node_in(network, block, node)
    source = reader.inputs[port] if port < len(reader.inputs) else None
    if source is None or name == "Input":
        title = say("There is no edge to put {name} into", name=name)
        because = say("Nothing comes in there any more.") if source is None else say("An Input reads nothing.")
        raise Refused(Problem(code="edit/impossible", title=title, because=because))
    origin = split_reference(source)[0]
    after = origin if any(other.id == origin for other in graph_in(network, block).nodes) else None
    made = _made(network, block, name, {"inputs": [source]}, after, splice=False, given=given)
    return [*made, Connect(node=node, port=port, source=new_node(made), block=block)]


def new_node(edits: list[Edit]) -> str:
    """The id of the node that the edits put there."""
    (made,) = (str(edit.node["id"]) for edit in edits if isinstance(edit, Insert))
    return made


def end_of(graph: Graph) -> str | None:
    """Where a chain is made longer: at the first output, or behind the last node."""
    first = split_reference(graph.outputs[0])[0] if graph.outputs else None
    known = [node.id for node in graph.nodes]
    return first if first in known else (known[-1] if known else None)


def graph_in(network: Network, block: str | None) -> Network | Block:
    """The network itself, or one of its blocks. Raises Refused where there is none of that name."""
    if block is None:
        return network
    if block not in network.blocks:
        title = say("There is no block called {block}", block=block[:80])
        raise Refused(Problem(code="edit/impossible", title=title, because=say("It may have been removed meanwhile.")))
    return network.blocks[block]


def node_in(network: Network, block: str | None, node: str) -> Node:
    """A node of the network or of a block. Raises Refused where there is none of that id."""
    found = next((other for other in graph_in(network, block).nodes if other.id == node), None)
    if found is None:
        title = say("There is no node called {node}", node=node[:80])
        raise Refused(Problem(code="edit/impossible", title=title, because=say("It may have been removed meanwhile.")))
    return found


def _made(
    network: Network,
    block: str | None,
    name: str,
    reads: dict[str, list[str]],
    after: str | None,
    splice: bool,
    given: Signal | None,
) -> list[Edit]:
    graph = graph_in(network, block)
    taken = [*(node.id for node in graph.nodes), *(graph.inputs if isinstance(graph, Block) else ())]
    fresh = names.fresh(name, taken)
    if name in Layer.shelf:
        return [Insert(node={"id": fresh, "type": name, **reads}, after=after, splice=splice, block=block)]
    if name not in Template.shelf:
        title = say("There is no layer called {name}", name=name[:80])
        raise Refused(
            Problem(code="edit/impossible", title=title, because=say("The palette lists all that there are."))
        )
    template = Template.shelf[name]()
    called = free_name(name, network.blocks)
    inside = (template.fitted(given) if given else template).block()
    use = {"id": fresh, "block": called, **reads}
    return [
        Set(path=f"network.blocks.{called}", value=inside),
        Insert(node=use, after=after, splice=splice, block=block),
    ]


def free_name(name: str, taken: Iterable[str]) -> str:
    """The name, or the name and a number, that no block of the design has."""
    known, count = set(taken), 1
    while (free := name if count == 1 else f"{name}{count}") in known:
        count += 1
    return free
