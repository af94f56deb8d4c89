"""Edits carried out: pure functions from one JSON document to the next. The old document is never touched.

They work on JSON, not on models, so that a fix can repair a document which cannot be read yet.
"""

from copy import deepcopy
from typing import Any

from builder import limits
from builder.design import names, size
from builder.design.network import split_reference
from builder.design.order import running_order
from builder.problem import Connect, Edit, Insert, Json, Move, Problem, Refused, Remove, Set, Unset, say


def apply(document: Json, edits: tuple[Edit, ...] | list[Edit]) -> Json:
    """The document after all `edits`, in order. Raises `Refused` where one of them cannot be carried out."""
    size.check_values(document)
    if edits and not isinstance(document, dict):
        raise _refuse(say("There is nothing to change"), say("A design is a JSON object."))
    document = deepcopy(document)
    for edit in edits:
        if isinstance(edit, Set | Insert):
            size.check_values(edit.value if isinstance(edit, Set) else edit.node)
        _CARRY_OUT[type(edit)](document, edit)
    return document


def touched(edits: tuple[Edit, ...] | list[Edit]) -> list[str]:
    """What the edits touch, to tell whether two people's edits are about the same thing: node ids, or parts of the recipe."""
    found: set[str] = set()
    for edit in edits:
        if isinstance(edit, Set | Unset):
            steps = edit.path.split(".")
            found.add(".".join(steps[: 5 if steps[:2] == ["network", "blocks"] else 3]))
        else:
            scope = f"network.blocks.{edit.block}.nodes" if edit.block else "network.nodes"
            ids = [edit.node.get("id") if isinstance(edit, Insert) else edit.node]
            ids += [after for after in (getattr(edit, "after", None),) if after]
            found.update(f"{scope}.{node}" for node in ids if isinstance(node, str))
    return sorted(found)


def node_ids(document: Json, block: str | None = None) -> list[str]:
    """Ids in the network (or in a block), in document order."""
    return [node["id"] for node in _scope(document, block)["nodes"]]


def duplicate(document: Json, node: str, block: str | None = None) -> Insert:
    """The edit that puts a copy of a node behind it. A copy of a node that reads nothing, an Input, stands beside it."""
    scope = _scope(document, block)
    copy = deepcopy(scope["nodes"][_at(scope, node)])
    reads = copy.get("inputs", [])
    copy["id"] = names.fresh(node, [*node_ids(document, block), *_given(scope, block)])
    if "title" in copy:
        copy["title"] = say("{title} copy", title=copy["title"])[: limits.TITLE]
    copy["inputs"] = [node, *reads[1:]] if reads else []
    return Insert(node=copy, after=node, splice=bool(reads), block=block)


def _refuse(title: str, because: str) -> Refused:
    return Refused(Problem(code="edit/impossible", title=title, because=because))


def _set(document: Json, edit: Set) -> None:
    holder, key = _walk(document, edit.path, make=True)
    if isinstance(holder, list) and key == len(holder):
        holder.append(deepcopy(edit.value))
    else:
        holder[key] = deepcopy(edit.value)


def _unset(document: Json, edit: Unset) -> None:
    holder, key = _walk(document, edit.path, make=False)
    if isinstance(holder, dict):
        holder.pop(key, None)
    elif key < len(holder):
        del holder[key]


def _insert(document: Json, edit: Insert) -> None:
    scope, node = _scope(document, edit.block), deepcopy(edit.node)
    if not _is_node(node):
        raise _refuse(say("That is not a node"), say("A node has an id, and a list of inputs."))
    if node["id"] in [*node_ids(document, edit.block), *_given(scope, edit.block)]:
        raise _refuse(say("{node} is there already", node=node["id"]), say("Every id stands for one node."))
    if edit.after is None:
        scope["nodes"].insert(0, node)
    else:
        at = _at(scope, edit.after)
        node.setdefault("inputs", [edit.after])
        if edit.splice:
            _redirect(scope, edit.after, node["id"])
        scope["nodes"].insert(at + 1, node)
    _sort(scope)


def _remove(document: Json, edit: Remove) -> None:
    scope = _scope(document, edit.block)
    _take_out(scope, _at(scope, edit.node))
    for other in scope["nodes"]:
        if other.get("shares") == edit.node:
            del other["shares"]  # it gets weights of its own
    view = document.get("network", document).get("view")
    if edit.block is None and isinstance(view, dict):
        view.pop(edit.node, None)


def _move(document: Json, edit: Move) -> None:
    scope = _scope(document, edit.block)
    if edit.after == edit.node:
        return
    _at(scope, edit.after)
    at = _at(scope, edit.node)
    if not scope["nodes"][at].get("inputs"):
        raise _refuse(
            say("{node} cannot be moved", node=edit.node), say("It reads nothing, so it stands behind nothing.")
        )
    node = _take_out(scope, at)
    node["inputs"] = [edit.after, *node.get("inputs", [])[1:]]
    _redirect(scope, edit.after, edit.node)
    scope["nodes"].insert(_at(scope, edit.after) + 1, node)
    _sort(scope)


def _take_out(scope: dict[str, Any], at: int) -> dict[str, Any]:
    """The node at a place, taken out; whatever read it reads its first input."""
    node: dict[str, Any] = scope["nodes"].pop(at)
    _redirect(scope, node["id"], next(iter(node.get("inputs", [])), None), every_output=True)
    return node


def _connect(document: Json, edit: Connect) -> None:
    scope = _scope(document, edit.block)
    inputs = scope["nodes"][_at(scope, edit.node)].setdefault("inputs", [])
    inputs += [None] * (edit.port + 1 - len(inputs))
    inputs[edit.port] = edit.source
    _sort(scope)


_CARRY_OUT: dict[type, Any] = {
    Set: _set,
    Unset: _unset,
    Insert: _insert,
    Remove: _remove,
    Move: _move,
    Connect: _connect,
}


def _scope(document: Json, block: str | None) -> dict[str, Any]:
    """The graph that an edit is about. A bare network file is its own network."""
    scope = document.get("network", document)
    for step in () if block is None else ("blocks", block):
        scope = scope.get(step) if isinstance(scope, dict) else None
    if scope is None and block is not None:
        raise _refuse(say("There is no block called {block}", block=block), say("It may have been removed meanwhile."))
    if not isinstance(scope, dict) or not _is_graph(scope):
        raise _refuse(say("The network cannot be read"), say("Its nodes have to be repaired before they are changed."))
    scope.setdefault("nodes", [])
    return scope


def _is_graph(scope: dict[str, Any]) -> bool:
    """Whether it is nodes with ids of their own that read references: what edits stand on."""
    nodes = scope.get("nodes", [])
    return (
        isinstance(nodes, list)
        and all(map(_is_node, nodes))
        and len({node["id"] for node in nodes}) == len(nodes)
        and _are_references(scope.get("outputs", []))
    )


def _is_node(node: Json) -> bool:
    return (
        isinstance(node, dict)
        and isinstance(node.get("id"), str)
        and _are_references(node.get("inputs", []))
        and isinstance(node.get("shares"), str | None)
    )


def _are_references(references: Json) -> bool:
    return isinstance(references, list) and all(isinstance(reference, str | None) for reference in references)


def _given(scope: dict[str, Any], block: str | None) -> list[str]:
    """Names of what a block is given, which no node inside can have."""
    given: list[str] = [] if block is None else scope.get("inputs", ["x"])
    return given


def _at(scope: dict[str, Any], node: str) -> int:
    for at, other in enumerate(scope["nodes"]):
        if other["id"] == node:
            return at
    raise _refuse(say("There is no node called {node}", node=node), say("It may have been removed meanwhile."))


def _redirect(scope: dict[str, Any], old: str, new: str | None, every_output: bool = False) -> None:
    """Whatever reads the first output of `old` (or any output) reads `new`."""

    def turned(reference: str | None) -> str | None:
        if reference is None:
            return None
        node, output = split_reference(reference)
        return new if node == old and (output is None or every_output) else reference

    for node in scope["nodes"]:
        if "inputs" in node:
            node["inputs"] = [turned(reference) for reference in node["inputs"]]
    scope["outputs"] = [reference for reference in map(turned, scope.get("outputs", [])) if reference is not None]


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
            raise _refuse(say("There is nothing at {path}", path=path), say("It may have been removed meanwhile."))
        if missing:
            holder[key] = {}
        holder = holder[key]
    raise _refuse(say("There is nothing at {path}", path=path), say("The path is empty."))


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
    raise _refuse(say("There is nothing at {step}", step=step), say("It may have been removed meanwhile."))


def _sort(scope: dict[str, Any]) -> None:
    """Keep document order the order in which nodes run, as near to what it was as can be. Raises `Refused` for a circle."""
    nodes = {node["id"]: node for node in scope["nodes"]}
    waits = {
        name: {
            split_reference(reference)[0] for reference in (*node.get("inputs", []), node.get("shares")) if reference
        }
        & nodes.keys()
        for name, node in nodes.items()
    }
    order, circle = running_order(waits)
    if circle:
        raise _refuse(
            say("That would run in a circle"),
            say(
                "Signals flow one way, and here they would come back: {circle}.",
                circle=" -> ".join([*circle, circle[0]]),
            ),
        )
    scope["nodes"] = [nodes[name] for name in order]
