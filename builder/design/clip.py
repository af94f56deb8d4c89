"""Nodes on the clipboard: JSON of some nodes of a graph and of the blocks that they use, and the edits that put them into another."""

from collections.abc import Collection
from typing import Any

from builder import limits
from builder.design import names, size
from builder.design.network import split_reference
from builder.design.order import running_order
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
    graph, network = graph_of(document, block), document.get("network", document)
    _check(clip, len(graph["nodes"]))
    there = {node["id"] for node in graph["nodes"]}
    given = set(given_names(graph, block))
    blocks, called = _new_blocks(clip.get("blocks", {}), network.get("blocks", {}))
    ids: dict[str, str] = {}
    taken = there | given
    for node in clip["nodes"]:
        ids[node["id"]] = names.fresh(node["id"], taken)
        taken.add(ids[node["id"]])
    known = there | given if keep_sources else set()
    edits: list[Edit] = [Set(path=f"network.blocks.{name}", value=value) for name, value in blocks.items()]
    after = graph["nodes"][-1]["id"] if graph["nodes"] else None
    for node in clip["nodes"]:
        made = _renamed(node, ids, called, known)
        edits.append(Insert(node=made, after=after, splice=False, block=block))
        after = made["id"]
    return edits


def _check(clip: Json, there: int) -> None:
    """Raises Refused for JSON that is not a clip, and for one that has no room beside so many nodes."""
    nodes = clip.get("nodes") if isinstance(clip, dict) and clip.get("format") == FORMAT else None
    blocks = clip.get("blocks", {}) if nodes else None
    if not _are_nodes(nodes) or not isinstance(blocks, dict) or not all(map(_is_block, blocks.values())):
        because = say("Copy nodes from a canvas first; what was copied is something else.")
        raise Refused(Problem(code="clip/none", title=say("There is nothing to paste"), because=because))
    if len(clip["nodes"]) + there > limits.NODES:
        because = say("A network has {most:,} nodes at most.", most=limits.NODES)
        raise Refused(Problem(code="clip/too-many", title=say("There is no room for what was copied"), because=because))


def _are_nodes(nodes: Json) -> bool:
    return isinstance(nodes, list) and bool(nodes) and all(map(is_node, nodes))


def _is_block(block: Json) -> bool:
    return isinstance(block, dict) and _are_nodes(block.get("nodes"))


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
    """The blocks that have to be made, and what each block of a clip is called: as it was, where that is the same block.

    Inner blocks come first: a block whose inside uses another one than it did is another block.
    """
    called: dict[str, str] = {}
    made: dict[str, Any] = {}
    for name in _inner_first(coming):
        value = _with_blocks(coming[name], called)
        number, free = 1, name
        while there.get(free, value) != value or free in made:
            number += 1
            free = f"{name}{number}"
        called[name] = free
        if free not in there:
            made[free] = value
    return made, called


def _inner_first(blocks: dict[str, Any]) -> list[str]:
    """Names of blocks, each behind those that it uses; what runs in a circle is told where the design is read."""
    uses = {
        name: {node["block"] for node in block["nodes"] if node.get("block")} & blocks.keys()
        for name, block in blocks.items()
    }
    order, _ = running_order(uses)
    return [*order, *(name for name in blocks if name not in order)]


def _with_blocks(block: Any, called: dict[str, str]) -> Any:
    """A block whose inside uses blocks by their new names."""
    nodes = [
        {**node, "block": called.get(node["block"], node["block"])} if node.get("block") else node
        for node in block["nodes"]
    ]
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
