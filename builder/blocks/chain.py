"""Writing a network down in few lines."""

from builder.design import names
from builder.problem import Json


def chain(*nodes: dict[str, Json]) -> list[dict[str, Json]]:
    """Nodes one behind the other. A node without an id is called after its type; one with `inputs` keeps them."""
    taken: list[str] = []
    chained: list[dict[str, Json]] = []
    for node in nodes:
        name = node.get("id") or names.fresh(node.get("type") or node["block"], taken)
        inputs = node.get("inputs", [taken[-1]] if taken else [])
        taken.append(name)
        chained.append(
            {
                "id": name,
                **{key: value for key, value in node.items() if key != "id"},
                **({"inputs": inputs} if inputs else {}),
            }
        )
    return chained


def layer(type: str, *, id: str | None = None, inputs: list[str] | None = None, **params: Json) -> dict[str, Json]:
    """One node: its type and its parameters."""
    node: dict[str, Json] = {"type": type}
    if id:
        node["id"] = id
    if params:
        node["params"] = params
    if inputs:
        node["inputs"] = inputs
    return node


def block(name: str, *, id: str, repeat: int = 1, inputs: list[str] | None = None) -> dict[str, Json]:
    """One use of a block."""
    node: dict[str, Json] = {"id": id, "block": name}
    if repeat != 1:
        node["repeat"] = repeat
    if inputs:
        node["inputs"] = inputs
    return node
