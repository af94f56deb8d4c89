"""Networks made at random: every layer on the shelf, any wiring, blocks in blocks, most of them with mistakes."""

from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from hypothesis import reject
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from builder.catalog.layers import Layer, ShapeProblem
from builder.catalog.layers.input import Input
from builder.catalog.signal import KNOWN_AXES, Signal

Json = dict[str, Any]

SMALL = 6
"""Largest number that is drawn where a field has no smaller limit: the networks are built, too."""

LAYERS = sorted(set(Layer.shelf) - {"Input"})


def value_of(annotation: Any, metadata: list[Any]) -> st.SearchStrategy[Any] | None:
    """Values that a field with this annotation may have; None for kinds that are left at their default."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *constraints = get_args(annotation)
        # The constraints of a pydantic Field stand in its own metadata.
        flat = [one for constraint in constraints for one in getattr(constraint, "metadata", [constraint])]
        return value_of(inner, [*metadata, *flat])
    if origin is Literal:
        return st.sampled_from(get_args(annotation))
    if type(None) in get_args(annotation):
        inner = next(one for one in get_args(annotation) if one is not type(None))
        values = value_of(inner, metadata)
        return None if values is None else st.none() | values
    lowest = max((bound.ge for bound in metadata if isinstance(bound, Ge)), default=0)
    highest = min((bound.le for bound in metadata if isinstance(bound, Le)), default=SMALL)
    if annotation is bool:
        return st.booleans()
    if annotation is int:
        return st.integers(lowest, min(highest, SMALL))
    if annotation is float:
        above = [bound.gt for bound in metadata if isinstance(bound, Gt)]
        below = [bound.lt for bound in metadata if isinstance(bound, Lt)]
        low, high = max([lowest, *above]), min([highest, 1, *below])
        return st.floats(low, high, exclude_min=bool(above), exclude_max=high in below)
    return None


@st.composite
def params_of(draw: st.DrawFn, entry: type[BaseModel]) -> Json:
    """Parameters that the entry accepts; each field is left out half of the time."""
    params = {}
    for name, field in entry.model_fields.items():
        values = value_of(field.annotation, list(field.metadata))
        if values is not None and draw(st.booleans()):
            params[name] = draw(values)
    return params


@st.composite
def input_params(draw: st.DrawFn) -> Json:
    """An Input of any kind of signal."""
    axes = draw(st.sampled_from(["F", "CHW", "CHW", "CHW", "TF", "TF", None, *sorted(KNOWN_AXES)]))
    sides = draw(st.integers(1, 4)) if axes is None else len(axes)
    params: Json = {"shape": [draw(st.sampled_from([1, 2, 4, 6, 8])) for _ in range(sides)]}
    if axes is not None:
        params["axes"] = axes
    kind = draw(st.sampled_from(["float32"] * 14 + ["int64", "bool"]))
    if kind != "float32":
        params["dtype"] = kind
    if kind == "int64":
        params["classes"] = draw(st.integers(2, 9))
    return params


@st.composite
def layer_node(draw: st.DrawFn, given: dict[str, Signal | None]) -> tuple[Json, tuple[Signal | None, ...]]:
    """A layer that reads some of the last of `given`, and what it gives where that is known."""
    near = st.sampled_from(list(given)[-3:])
    name = draw(st.sampled_from(LAYERS))
    layer = Layer.shelf[name]
    ports = draw(st.integers(2, 3)) if layer.inputs == ("x*",) else len(layer.inputs)
    node: Json = {"type": name, "inputs": [draw(near) for _ in range(ports)]}
    if params := draw(params_of(layer)):
        node["params"] = params
    signals = [given[reference] for reference in node["inputs"]]
    unknown: tuple[None, ...] = (None,) * len(layer.outputs)
    try:
        entry = layer.model_validate(params)
    except ValidationError:
        return reject()  # each parameter is right, and together they are not
    try:
        return node, unknown if None in signals else entry.infer(*signals)
    except ShapeProblem:
        return node, unknown


@st.composite
def fitting_node(draw: st.DrawFn, given: dict[str, Signal | None]) -> tuple[Json, tuple[Signal | None, ...]]:
    """A layer that mostly fits what it reads: with nothing but chance, hardly any network would be right."""
    for _ in range(4):
        node, outputs = draw(layer_node(given))
        if None not in outputs or draw(st.integers(0, 19)) == 0:
            break
    return node, outputs


def _can_share(other: Json, node: Json) -> bool:
    """Whether two nodes are the same layer, one with weights of its own."""
    same = (other.get("type"), other.get("params")) == (node["type"], node.get("params"))
    return same and "shares" not in other and Layer.shelf[node["type"]].parameters is not Layer.parameters


@st.composite
def graph_nodes(
    draw: st.DrawFn, given: dict[str, Signal | None], blocks: dict[str, int], open_inputs: bool, prefix: str
) -> tuple[list[Json], list[str]]:
    """Nodes that read `given` and one another, and every reference to what they give."""
    nodes: list[Json] = []
    known = dict(given)
    for at in range(draw(st.integers(1, 6))):
        if blocks and draw(st.integers(0, 3)) == 0:
            name = draw(st.sampled_from(sorted(blocks)))
            node: Json = {
                "block": name,
                "inputs": [draw(st.sampled_from(list(known)[-3:])) for _ in range(blocks[name])],
            }
            if draw(st.booleans()):
                node["repeat"] = draw(st.integers(1, 3))
            outputs: tuple[Signal | None, ...] = (known[node["inputs"][0]],)  # blocks mostly keep the shape
        else:
            node, outputs = draw(fitting_node(known))
            twins = [other["id"] for other in nodes if _can_share(other, node)]
            if twins and draw(st.integers(0, 3)) == 0:
                node["shares"] = draw(st.sampled_from(twins))
        if open_inputs and draw(st.integers(0, 7)) == 0:
            node["inputs"][-1] = None
        if "shares" not in node and draw(st.integers(0, 5)) == 0:
            node["frozen"] = True
        node = {"id": f"{prefix}{at}", **node}
        nodes.append(node)
        known[node["id"]] = outputs[0]
        if "type" in node:
            known |= {
                f"{node['id']}:{name}": signal
                for name, signal in zip(Layer.shelf[node["type"]].outputs, outputs, strict=True)
            }
    return nodes, list(known)


@st.composite
def networks(draw: st.DrawFn, open_inputs: bool = False) -> Json:
    """A network document that can be read. Some have mistakes in their signals; with `open_inputs` most have an input that reads nothing."""
    inputs = [
        {"id": f"in{at}", "type": "Input", "params": draw(input_params())}
        for at in range(draw(st.sampled_from([1, 1, 1, 2])))
    ]
    blocks: Json = {}
    ports: dict[str, int] = {}
    for level in range(draw(st.sampled_from([0, 0, 1, 2]))):
        given = ["x", "z"][: draw(st.sampled_from([1, 1, 2]))]
        image = Signal((2, 6, 6), "CHW")
        inside, references = draw(graph_nodes(dict.fromkeys(given, image), dict(ports), open_inputs, "b"))
        name = f"Block{level}"
        blocks[name] = {"inputs": given, "nodes": inside, "outputs": [draw(st.sampled_from(references))]}
        ports[name] = len(given)
    signals = {node["id"]: Input.model_validate(node["params"]).infer()[0] for node in inputs}
    nodes, references = draw(graph_nodes(signals, ports, open_inputs, "n"))
    ends = st.sampled_from([reference for reference in references if not reference.startswith("in")])
    document: Json = {
        "format": "layerlab.network",
        "version": 1,
        "nodes": [*inputs, *nodes],
        "outputs": [nodes[-1]["id"], *draw(st.lists(ends, max_size=1))],
    }
    return document | ({"blocks": blocks} if blocks else {})
