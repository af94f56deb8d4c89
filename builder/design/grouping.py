"""A selection becomes a block, and a block becomes nodes again: edits on JSON, carried out in place."""

from collections.abc import Mapping
from typing import Any

from builder import limits
from builder.design import names
from builder.design.network import split_reference
from builder.design.scope import copied, forget_place, given_names, graph_of, place_of, refuse, sort_nodes
from builder.design.structure import port_of
from builder.problem import Group, Json, Ungroup, say

Node = dict[str, Any]


def group(document: Json, edit: Group) -> None:
    """Carry out a `Group`. Raises `Refused` where the nodes cannot be one unit."""
    graph = graph_of(document, edit.block)
    network = document.get("network", document)
    blocks = network.setdefault("blocks", {})
    if reason := names.why_not_block(edit.name):
        raise refuse(say("{name} cannot be the name of a block", name=edit.name[:80]), reason)
    if edit.name in blocks:
        raise refuse(say("There is a block called {name} already", name=edit.name), say("Choose another name."))
    for name in edit.nodes:
        place_of(graph, name)  # every one is there
    chosen = set(edit.nodes)
    inside = [node for node in graph["nodes"] if node["id"] in chosen]
    _one_unit(graph, inside, chosen)

    given: dict[str, str] = {}  # what the block reads from outside, and what it calls it
    for node in inside:
        for reference in node.get("inputs", []):
            if reference and split_reference(reference)[0] not in chosen and reference not in given:
                given[reference] = names.fresh("x", [*chosen, *given.values()])
    outputs = _read_from_outside(graph, chosen) or [inside[-1]["id"]]
    if len(set(map(port_of, outputs))) < len(outputs):
        raise refuse(
            say("These nodes cannot become a block"),
            say("Two of its outputs would be called the same: {names}.", names=", ".join(map(port_of, outputs))),
        )
    use_id = names.fresh(edit.name, {*_ids(graph), *given_names(graph, edit.block)} - chosen)
    called = {reference: _port(use_id, reference) for reference in outputs} | {outputs[0]: use_id}

    at = place_of(graph, inside[-1]["id"]) - len(inside) + 1
    graph["nodes"] = [node for node in graph["nodes"] if node["id"] not in chosen]
    _rename(graph, called)
    graph["nodes"].insert(at, {"id": use_id, "block": edit.name, **({"inputs": list(given)} if given else {})})
    blocks[edit.name] = {
        "inputs": list(given.values()),
        "nodes": [_with_inputs(node, given) for node in inside],
        "outputs": outputs,
    }
    _move_view(graph, blocks[edit.name], chosen, use_id)
    sort_nodes(graph)


def ungroup(document: Json, edit: Ungroup) -> None:
    """Carry out an `Ungroup`. Ids inside stay as they are where they are free and the block is used once."""
    graph = graph_of(document, edit.block)
    network = document.get("network", document)
    at = place_of(graph, edit.node)
    use = graph["nodes"][at]
    if not use.get("block"):
        raise refuse(say("{node} is not a block", node=edit.node), say("Only a block can be taken apart."))
    inside = graph_of(document, use["block"])
    given = given_names(inside, use["block"])
    comes_in: list[str | None] = [*use.get("inputs", []), *[None] * len(given)][: len(given)]
    del graph["nodes"][at]
    taken = {*_ids(graph), *given_names(graph, edit.block)}
    made: list[Node] = []
    repeat = use.get("repeat", 1)
    if not isinstance(repeat, int) or not 1 <= repeat * len(inside["nodes"]) + len(graph["nodes"]) <= limits.NODES:
        raise refuse(
            say("{node} cannot be taken apart", node=edit.node),
            say("There would be more than {most:,} nodes beside each other.", most=limits.NODES),
        )
    for copy in range(repeat):
        called = _fresh_ids(inside, taken, f"{edit.node}_{copy}_" if repeat > 1 else "")
        outside = dict(zip(given, comes_in, strict=True))
        made += [_opened(node, called, outside, frozen=use.get("frozen", False)) for node in inside["nodes"]]
        comes_in = [_translated(reference, called, outside) for reference in inside.get("outputs", [])]
        taken |= set(called.values())
    graph["nodes"][at:at] = made
    ends = dict(zip(inside.get("outputs", []), comes_in, strict=True))
    first = {edit.node: next(iter(comes_in), None)}
    _rename(graph, first | {_port(edit.node, reference): to for reference, to in ends.items()})
    _drop_unused(network, use["block"])
    forget_place(graph, edit.node)
    sort_nodes(graph)


def _one_unit(graph: Node, inside: list[Node], chosen: set[str]) -> None:
    """Refuse Inputs, weights shared across the border, and a selection that something outside runs in the middle of."""
    for node in inside:
        if node.get("type") == "Input":
            raise refuse(
                say("{node} cannot be in a block", node=node["id"]),
                say("It is where data enters the network; a block is given its signals."),
            )
    for node in graph["nodes"]:
        other = node.get("shares")
        if other and (other in chosen) != (node["id"] in chosen):
            raise refuse(
                say("These nodes cannot become a block"),
                say("{node} shares the weights of {other}; take both, or neither.", node=node["id"], other=other),
            )
    behind: set[str] = set()  # outside, and reads the selection
    for node in graph["nodes"]:  # in running order
        reads = {split_reference(reference)[0] for reference in node.get("inputs", []) if reference}
        if node["id"] in chosen and reads & behind:
            between = sorted(reads & behind)[0]
            raise refuse(
                say("These nodes cannot become a block"),
                say(
                    "{between} runs between them: it reads some of them, and {node} reads it. Take it too, or take less.",
                    between=between, node=node["id"],
                ),
            )  # fmt: skip
        if node["id"] not in chosen and reads & (chosen | behind):
            behind.add(node["id"])


def _read_from_outside(graph: Node, chosen: set[str]) -> list[str]:
    """Outputs of the selection that other nodes read, or that come out of the graph; each once."""
    readers = [node.get("inputs", []) for node in graph["nodes"] if node["id"] not in chosen]
    references = [reference for reads in [*readers, graph.get("outputs", [])] for reference in reads if reference]
    return list(dict.fromkeys(reference for reference in references if split_reference(reference)[0] in chosen))


def _ids(graph: Node) -> list[str]:
    return [node["id"] for node in graph["nodes"]]


def _port(node: str, reference: str) -> str:
    """A block's output, as it is read outside."""
    return f"{node}:{port_of(reference)}"


def _rename(graph: Node, called: Mapping[str, str | None]) -> None:
    for node in graph["nodes"]:
        if "inputs" in node:
            node["inputs"] = [called.get(reference, reference) for reference in node["inputs"]]
    outputs = [called.get(reference, reference) for reference in graph.get("outputs", [])]
    graph["outputs"] = [reference for reference in outputs if reference is not None]


def _with_inputs(node: Node, given: dict[str, str]) -> Node:
    inputs = [given.get(reference, reference) for reference in node.get("inputs", [])]
    return {**node, "inputs": inputs} if "inputs" in node else node


def _fresh_ids(inside: Node, taken: set[str], prefix: str) -> dict[str, str]:
    """What each node of a block is called once it stands outside; without a prefix its own name, where that is free."""
    called: dict[str, str] = {}
    used = set(taken)
    for name in _ids(inside):
        called[name] = names.fresh(f"{prefix}{name}"[:36], used)
        used.add(called[name])
    return called


def _translated(reference: str | None, called: dict[str, str], outside: dict[str, str | None]) -> str | None:
    if reference is None:
        return None
    if reference in outside:
        return outside[reference]
    name, output = split_reference(reference)
    return called[name] + (f":{output}" if output else "")


def _opened(node: Node, called: dict[str, str], outside: dict[str, str | None], frozen: bool) -> Node:
    opened: Node = copied(node) | {"id": called[node["id"]]}
    if "inputs" in node:
        opened["inputs"] = [_translated(reference, called, outside) for reference in node["inputs"]]
    if "shares" in node:
        opened["shares"] = called[node["shares"]]
    elif frozen:
        opened["frozen"] = True
    return opened


def _drop_unused(network: Node, name: str) -> None:
    """Take a block away that no node uses any more."""
    graphs = [network, *network.get("blocks", {}).values()]
    if not any(node.get("block") == name for graph in graphs for node in graph.get("nodes", [])):
        network["blocks"].pop(name, None)
        if not network["blocks"]:
            del network["blocks"]


def _move_view(graph: Node, block: Node, chosen: set[str], use_id: str) -> None:
    """Nodes keep their places inside, and the block stands in the middle of where they stood."""
    view = graph.get("view")
    if not isinstance(view, dict):
        return
    places = {name: view.pop(name) for name in sorted(chosen) if name in view}
    if places:
        block["view"] = places
        view[use_id] = [sum(place[axis] for place in places.values()) / len(places) for axis in (0, 1)]
