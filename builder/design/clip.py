"""Nodes on the clipboard: JSON of some nodes of a graph and of the blocks that they use, and the edits that put them into another."""

from collections.abc import Collection
from typing import Any

from builder.design import names, size
from builder.design.network import split_reference
from builder.design.scope import copied, given_names, graph_of, is_node
from builder.problem import Edit, Insert, Json, Problem, Refused, Set, say

FORMAT = "layerlab.clip"


def copied_nodes(document: Json, nodes: Collection[str], block: str | None = None) -> dict[str, Json]:
    """The nodes of those ids, in document order, as a clip. Ids that are not there are left out."""
    graph = graph_of(document, block)
    chosen = [copied(node) for node in graph["nodes"] if node["id"] in nodes]
    network = document.get("network", document)
    used = _blocks_of(chosen, network.get("blocks", {}))
    return {"format": FORMAT, "version": 1, "nodes": chosen, "blocks": used}


def pasted(document: Json, clip: Json, block: str | None = None, keep_sources: bool = False) -> list[Edit]:
    """The edits that put what is in a clip into a graph, with new ids.

    What a node read inside the clip it reads again; what it read outside is left open, unless `keep_sources` and the
    graph has it. Blocks come along, under a new name where another block has theirs. Raises Refused for what is no clip.
    """
    size.check_values(clip)
    _check(clip)
    graph, network = graph_of(document, block), document.get("network", document)
    there = {node["id"] for node in graph["nodes"]}
    given = set(given_names(graph, block))
    blocks, called = _new_blocks(clip.get("blocks", {}), network.get("blocks", {}))
    ids: dict[str, str] = {}
    for node in clip["nodes"]:
        ids[node["id"]] = names.fresh(node["id"], {*there, *given, *ids.values()})
    known = there | given if keep_sources else set()
    edits: list[Edit] = [Set(path=f"network.blocks.{name}", value=value) for name, value in blocks.items()]
    after = graph["nodes"][-1]["id"] if graph["nodes"] else None
    for node in clip["nodes"]:
        made = _renamed(node, ids, called, known)
        edits.append(Insert(node=made, after=after, splice=False, block=block))
        after = made["id"]
    return edits


def _check(clip: Json) -> None:
    """Raises Refused for JSON that is not a clip."""
    nodes = clip.get("nodes") if isinstance(clip, dict) and clip.get("format") == FORMAT else None
    blocks = clip.get("blocks", {}) if nodes else None
    if not nodes or not isinstance(nodes, list) or not all(map(is_node, nodes)) or not isinstance(blocks, dict):
        because = say("Copy nodes from a canvas first; what was copied is something else.")
        raise Refused(Problem(code="clip/none", title=say("There is nothing to paste"), because=because))


def _blocks_of(nodes: list[Any], blocks: dict[str, Any]) -> dict[str, Any]:
    """The blocks that nodes use, and those that these use."""
    found: dict[str, Any] = {}
    waiting = [node["block"] for node in nodes if node.get("block")]
    while waiting:
        name = waiting.pop()
        if name in blocks and name not in found:
            found[name] = copied(blocks[name])
            waiting += [node["block"] for node in found[name].get("nodes", []) if node.get("block")]
    return found


def _new_blocks(coming: dict[str, Any], there: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The blocks that have to be made, and what each block of a clip is called: as it was, where that is the same block."""
    called: dict[str, str] = {}
    for name, value in coming.items():
        number, free = 1, name
        while (free in there and there[free] != value) or free in called.values():
            number += 1
            free = f"{name}{number}"
        called[name] = free
    made = {called[name]: _with_blocks(value, called) for name, value in coming.items() if called[name] not in there}
    return made, called


def _with_blocks(block: Any, called: dict[str, str]) -> Any:
    """A block whose inside uses blocks by their new names."""
    if not isinstance(block, dict):
        return block  # reading the design says what is wrong with it
    nodes = [
        {**node, "block": called.get(node["block"], node["block"])} if isinstance(node, dict) and node.get("block") else node
        for node in block.get("nodes", [])
    ]  # fmt: skip
    return {**copied(block), "nodes": copied(nodes)}


def _renamed(node: Any, ids: dict[str, str], called: dict[str, str], known: set[str]) -> Any:
    made = copied(node) | {
        "id": ids[node["id"]],
        "inputs": [_turned(one, ids, known) for one in node.get("inputs", [])],
    }
    if node.get("block"):
        made["block"] = called.get(node["block"], node["block"])
    shared = made.pop("shares", None)
    if shared in ids:
        made["shares"] = ids[shared]
    return made


def _turned(reference: str | None, ids: dict[str, str], known: set[str]) -> str | None:
    if reference is None:
        return None
    name, output = split_reference(reference)
    if name in ids:
        return ids[name] + (f":{output}" if output else "")
    return reference if name in known else None
