"""Edits carried out: pure functions from one JSON document to the next. The old document is never touched.

They work on JSON, not on models, so that a fix can repair a document which cannot be read yet.
"""

from typing import Any

from builder import limits
from builder.design import grouping, names, size
from builder.design.scope import (
    copied,
    forget_place,
    given_names,
    graph_of,
    is_node,
    place_of,
    redirect,
    refuse,
    sort_nodes,
)
from builder.problem import Connect, Edit, Group, Insert, Json, Move, Refused, Remove, Set, Ungroup, Unset, say


def apply(document: Json, edits: tuple[Edit, ...] | list[Edit]) -> Json:
    """The document after all `edits`, in order. Raises `Refused` where one of them cannot be carried out."""
    size.check_values(document)
    if edits and not isinstance(document, dict):
        raise refuse(say("There is nothing to change"), say("A design is a JSON object."))
    document = copied(document)
    for edit in edits:
        if isinstance(edit, Set | Insert):
            size.check_values(edit.value if isinstance(edit, Set) else edit.node)
        _CARRY_OUT[type(edit)](document, edit)
        _forget_maker(document, edit)
    return document


def _forget_maker(document: Json, edit: Edit) -> None:
    """A block whose inside was edited is no longer what a catalog block made."""
    if isinstance(edit, Set | Unset):
        steps = edit.path.removeprefix("network.").split(".")
        inside = steps[0] == "blocks" and len(steps) > 2  # all of a block may be set, maker and all
        name = steps[1] if inside and steps[2] != "view" else None
    else:
        name = edit.block
    if name is not None:
        graph_of(document, name).pop("made", None)


def touched(edits: tuple[Edit, ...] | list[Edit]) -> list[str]:
    """What the edits touch, to tell whether two people's edits are about the same thing: node ids, or parts of the recipe."""
    found: set[str] = set()
    for edit in edits:
        if isinstance(edit, Set | Unset):
            steps = edit.path.split(".")
            found.add(".".join(steps[: 5 if steps[:2] == ["network", "blocks"] else 3]))
        else:
            nodes = f"network.blocks.{edit.block}.nodes" if edit.block else "network.nodes"
            ids = _ids(edit) + [after for after in (getattr(edit, "after", None),) if after]
            found.update(f"{nodes}.{node}" for node in ids if isinstance(node, str))
    return sorted(found)


def _ids(edit: Edit) -> list[Json]:
    """Ids of the nodes that an edit is about."""
    match edit:
        case Insert():
            return [edit.node.get("id")]
        case Group():
            return list(edit.nodes)
        case _:
            return [edit.node]  # type: ignore[union-attr]  # every other edit but Set and Unset has one


def node_ids(document: Json, block: str | None = None) -> list[str]:
    """Ids in the network (or in a block), in document order."""
    return [node["id"] for node in graph_of(document, block)["nodes"]]


def duplicate(document: Json, node: str, block: str | None = None) -> Insert:
    """The edit that puts a copy of a node behind it. A copy of a node that reads nothing, an Input, stands beside it."""
    graph = graph_of(document, block)
    copy = copied(graph["nodes"][place_of(graph, node)])
    reads = copy.get("inputs", [])
    copy["id"] = names.fresh(node, [*node_ids(document, block), *given_names(graph, block)])
    if "title" in copy:
        copy["title"] = say("{title} copy", title=copy["title"])[: limits.TITLE]
    copy["inputs"] = [node, *reads[1:]] if reads else []
    return Insert(node=copy, after=node, splice=bool(reads), block=block)


def _set(document: Json, edit: Set) -> None:
    holder, key = _walk(document, edit.path, make=True)
    if isinstance(holder, list) and key == len(holder):
        holder.append(copied(edit.value))
    else:
        holder[key] = copied(edit.value)


def _unset(document: Json, edit: Unset) -> None:
    holder, key = _walk(document, edit.path, make=False)
    if isinstance(holder, dict):
        holder.pop(key, None)
    elif key < len(holder):
        del holder[key]


def _insert(document: Json, edit: Insert) -> None:
    graph, node = graph_of(document, edit.block), copied(edit.node)
    if len(graph["nodes"]) >= limits.NODES:
        because = say("A network has {most:,} nodes at most.", most=limits.NODES)
        raise refuse(say("There is no room for another node"), because)
    if not is_node(node):
        raise refuse(say("That is not a node"), say("A node has an id, and a list of inputs."))
    if node["id"] in [*node_ids(document, edit.block), *given_names(graph, edit.block)]:
        raise refuse(say("{node} is there already", node=node["id"]), say("Every id stands for one node."))
    if edit.after is None:
        graph["nodes"].insert(0, node)
    else:
        at = place_of(graph, edit.after)
        node.setdefault("inputs", [edit.after])
        if edit.splice:
            redirect(graph, edit.after, node["id"])
        graph["nodes"].insert(at + 1, node)
    sort_nodes(graph)


def _remove(document: Json, edit: Remove) -> None:
    graph = graph_of(document, edit.block)
    _take_out(graph, place_of(graph, edit.node))
    for other in graph["nodes"]:
        if other.get("shares") == edit.node:
            del other["shares"]  # it gets weights of its own
    forget_place(graph, edit.node)


def _move(document: Json, edit: Move) -> None:
    graph = graph_of(document, edit.block)
    if edit.after == edit.node:
        return
    at = place_of(graph, edit.node)
    if not graph["nodes"][at].get("inputs"):
        raise refuse(
            say("{node} cannot be moved", node=edit.node), say("It reads nothing, so it stands behind nothing.")
        )
    if edit.after is None:
        source = next(iter(given_names(graph, edit.block)), None)
        if source is None:
            raise refuse(
                say("{node} cannot stand first", node=edit.node), say("It reads something, and nothing is given there.")
            )
    else:
        place_of(graph, edit.after)
        source = edit.after
    node = _take_out(graph, at)
    node["inputs"] = [source, *node.get("inputs", [])[1:]]
    redirect(graph, source, edit.node)
    graph["nodes"].insert(0 if edit.after is None else place_of(graph, edit.after) + 1, node)
    sort_nodes(graph)


def _take_out(graph: dict[str, Any], at: int) -> dict[str, Any]:
    """The node at a place, taken out; whatever read it reads its first input."""
    node: dict[str, Any] = graph["nodes"].pop(at)
    redirect(graph, node["id"], next(iter(node.get("inputs", [])), None), every_output=True)
    return node


def _connect(document: Json, edit: Connect) -> None:
    graph = graph_of(document, edit.block)
    inputs = graph["nodes"][place_of(graph, edit.node)].setdefault("inputs", [])
    inputs += [None] * (edit.port + 1 - len(inputs))
    inputs[edit.port] = edit.source
    sort_nodes(graph)


_CARRY_OUT: dict[type, Any] = {
    Set: _set,
    Unset: _unset,
    Insert: _insert,
    Remove: _remove,
    Move: _move,
    Connect: _connect,
    Group: grouping.group,
    Ungroup: grouping.ungroup,
}


def _walk(document: Json, path: str, make: bool) -> tuple[Any, Any]:
    """What holds the last step of `path`, and its key there. In a list a step is an index or the id of a node."""
    steps = path.split(".")
    if len(steps) > limits.DESIGN_DEPTH:
        raise Refused(size.too_deep())
    if "network" not in document and steps[0] == "network":
        steps = steps[1:]
    holder = document
    for depth, step in enumerate(steps):
        key = _key(holder, step)
        if depth == len(steps) - 1:
            return holder, key
        missing = key not in holder if isinstance(holder, dict) else key == len(holder)
        if missing and not (make and isinstance(holder, dict)):
            raise refuse(say("There is nothing at {path}", path=path), say("It may have been removed meanwhile."))
        if missing:
            holder[key] = {}
        holder = holder[key]
    raise refuse(say("There is nothing at {path}", path=path), say("The path is empty."))


_DIGITS = 10
"""More than any place in a list has."""


def _key(holder: Any, step: str) -> Any:
    if isinstance(holder, dict):
        return step
    if isinstance(holder, list):
        if step.isdecimal() and len(step) < _DIGITS and int(step) <= len(holder):
            return int(step)
        for at, item in enumerate(holder):
            if isinstance(item, dict) and item.get("id") == step:
                return at
    raise refuse(say("There is nothing at {step}", step=step), say("It may have been removed meanwhile."))
