"""Graphs inside a JSON document that may be broken: finding one, its nodes, and who reads what."""

from typing import Any

from builder.design.network import split_reference
from builder.design.order import running_order
from builder.problem import Json, Problem, Refused, say


def copied(value: Json) -> Json:
    """A JSON value with everything in it copied: `copy.deepcopy` takes five times as long, and a fix that is tried copies all."""
    if isinstance(value, dict):
        return {key: copied(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [copied(inner) for inner in value]
    return value


def refuse(title: str, because: str) -> Refused:
    return Refused(Problem(code="edit/impossible", title=title, because=because))


def graph_of(document: Json, block: str | None) -> dict[str, Any]:
    """The graph that an edit is about. A bare network file is its own network."""
    graph = document.get("network", document)
    for step in () if block is None else ("blocks", block):
        graph = graph.get(step) if isinstance(graph, dict) else None
    if graph is None and block is not None:
        raise refuse(say("There is no block called {block}", block=block), say("It may have been removed meanwhile."))
    if not isinstance(graph, dict) or not _is_graph(graph):
        raise refuse(say("The network cannot be read"), say("Its nodes have to be repaired before they are changed."))
    graph.setdefault("nodes", [])
    return graph


def _is_graph(graph: dict[str, Any]) -> bool:
    """Whether it is nodes with ids of their own that read references: what edits stand on."""
    nodes = graph.get("nodes", [])
    return (
        isinstance(nodes, list)
        and all(map(is_node, nodes))
        and len({node["id"] for node in nodes}) == len(nodes)
        and _are_references(graph.get("outputs", []))
    )


def is_node(node: Json) -> bool:
    return (
        isinstance(node, dict)
        and isinstance(node.get("id"), str)
        and _are_references(node.get("inputs", []))
        and isinstance(node.get("shares"), str | None)
        and isinstance(node.get("block"), str | None)
    )


def _are_references(references: Json) -> bool:
    return isinstance(references, list) and all(isinstance(reference, str | None) for reference in references)


def given_names(graph: dict[str, Any], block: str | None) -> list[str]:
    """Names of what a block is given, which no node inside can have."""
    given: list[str] = [] if block is None else graph.get("inputs", ["x"])
    return given


def place_of(graph: dict[str, Any], node: str) -> int:
    for at, other in enumerate(graph["nodes"]):
        if other["id"] == node:
            return at
    raise refuse(say("There is no node called {node}", node=node), say("It may have been removed meanwhile."))


def forget_place(graph: dict[str, Any], node: str) -> None:
    """A node that is gone stands nowhere on the canvas."""
    view = graph.get("view")
    if isinstance(view, dict):
        view.pop(node, None)


def redirect(graph: dict[str, Any], old: str, new: str | None, every_output: bool = False) -> None:
    """Whatever reads the first output of `old` (or any output) reads `new`."""

    def turned(reference: str | None) -> str | None:
        if reference is None:
            return None
        node, output = split_reference(reference)
        return new if node == old and (output is None or every_output) else reference

    for node in graph["nodes"]:
        if "inputs" in node:
            node["inputs"] = [turned(reference) for reference in node["inputs"]]
    graph["outputs"] = [reference for reference in map(turned, graph.get("outputs", [])) if reference is not None]


def sort_nodes(graph: dict[str, Any]) -> None:
    """Keep document order the order in which nodes run, as near to what it was as can be. Raises `Refused` for a circle."""
    nodes = {node["id"]: node for node in graph["nodes"]}
    waits = {
        name: {
            split_reference(reference)[0] for reference in (*node.get("inputs", []), node.get("shares")) if reference
        }
        & nodes.keys()
        for name, node in nodes.items()
    }
    order, circle = running_order(waits)
    if circle:
        raise refuse(
            say("That would run in a circle"),
            say(
                "Signals flow one way, and here they would come back: {circle}.",
                circle=" -> ".join([*circle, circle[0]]),
            ),
        )
    graph["nodes"] = [nodes[name] for name in order]
