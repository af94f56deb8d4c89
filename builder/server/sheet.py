"""What the canvas draws: one graph of a design, its nodes with what they give, cost and what is wrong with them, as JSON.

A sheet is the network itself, or the inside of the block that the node at a path uses: `stage1`, `stage1.left`. After
an edit only what has changed travels.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from builder.analysis import Row, check
from builder.analysis.inside import Inside, inside
from builder.design import read
from builder.design.network import Block, Graph, Network, Node
from builder.design.structure import ports_in, ports_out
from builder.problem import Json, Problem, Value
from builder.store.documents import Draft

Sheet = dict[str, Json]


def sheet_of(draft: Draft, at: str = "") -> Sheet:
    """All of the graph at a path. Raises Refused where there is no block, as after it was taken apart."""
    experiment = read.experiment(draft.document)
    analysis, problems = check(experiment)
    here = inside(experiment.network, analysis.rows, at)
    graph = here.graph
    steps = [node.id for node in here.way]
    rows = {row.id: row for row in here.rows}
    told = _told(problems, analysis.rows, here)
    return {
        "revision": draft.revision,
        "base": None,
        "at": at,
        "name": draft.name,
        "undo": draft.can_undo,
        "redo": draft.can_redo,
        "block": here.block,
        "path": [{"at": ".".join(steps[: depth + 1]), "title": node.name} for depth, node in enumerate(here.way)],
        "given": list(graph.inputs) if isinstance(graph, Block) else [],
        "outputs": list(graph.outputs),
        "nodes": [_node(experiment.network, graph, node, rows.get(node.id), told.get(node.id)) for node in graph.nodes],
        "gone": [],
        "order": [node.id for node in graph.nodes],
    }


def changes(sheet: Sheet, before: Sheet) -> Sheet:
    """The sheet with nothing in it that the one `before` has already: both of one graph."""
    had = {node["id"]: node for node in before["nodes"]}
    ids = {node["id"] for node in sheet["nodes"]}
    return sheet | {
        "base": before["revision"],
        "nodes": [node for node in sheet["nodes"] if had.get(node["id"]) != node],
        "gone": [name for name in had if name not in ids],
        "order": None if sheet["order"] == before["order"] else sheet["order"],
    }


def _told(problems: Sequence[Problem], rows: Sequence[Row], here: Inside) -> dict[str, Problem]:
    """The worst Problem of each node of the graph, or of what is inside it, by the node's id.

    What all copies and all uses of a block have in common is told of the first alone; here each of them shows it.
    """
    firsts = _first_uses(rows, "", {})
    own = "".join(_step(node) for node in here.way)
    ways = {own, firsts.get(id(here.rows), own)}
    insides = [(row.id, firsts[id(row.inside)]) for row in here.rows if row.inside]
    found: dict[str, Problem] = {}
    for problem in sorted(problems, key=lambda problem: problem.severity):  # errors first
        at = problem.node or ""
        names = [at.removeprefix(way).partition(".")[0] for way in ways if at.startswith(way)]
        for name in [*names, *(name for name, way in insides if at.startswith(way))]:
            found.setdefault(name, problem)
    return found


def _first_uses(rows: Sequence[Row], way: str, found: dict[int, str]) -> dict[int, str]:
    """The way to the first use of each inside: further uses that are given the same share its rows."""
    for row in rows:
        if row.inside and id(row.inside) not in found:
            found[id(row.inside)] = way + _step(row)
            _first_uses(row.inside, way + _step(row), found)
    return found


def _step(use: Node | Row) -> str:
    """How the ids of what is inside a use begin, in its first copy."""
    return f"{use.id}.0." if use.repeat > 1 else f"{use.id}."


def _node(network: Network, graph: Graph, node: Node, row: Row | None, problem: Problem | None) -> dict[str, Json]:
    place = graph.view.get(node.id)
    return {
        "id": node.id,
        "title": node.name,
        "type": node.type or node.block,
        "block": node.block is not None,
        "repeat": node.repeat,
        "family": "block" if node.block else node.layer.group.lower(),
        "about": "" if node.block else in_short(node.layer),
        "inputs": list(node.inputs),
        "ports": list(ports_in(network, node)),
        "outputs": list(ports_out(network, node)),
        "shapes": [str(signal) for signal in row.outputs] if row else [],
        "parameters": f"{row.parameters:,}" if row and row.outputs and row.parameters else "",
        "frozen": node.frozen,
        "place": list(place) if place else None,
        "problem": problem
        and {"severity": problem.severity, "title": problem.title, "because": problem.because},
    }  # fmt: skip


WORDS = {
    "out_channels": "", "out_features": "", "hidden_size": "", "embedding_dim": "", "num_features": "", "bias": "bias",
    "kernel_size": "kernel", "num_layers": "layers", "num_heads": "heads", "output_size": "to", "negative_slope": "slope",
}  # fmt: skip
"""Fields that a node's little room has other words for; none where the number says enough."""
UNTOLD = {"shape", "axes"}
"""What an Input's output says anyway."""


def in_short(value: Value) -> str:
    """What makes this one what it is, as far as it is not as by default: `6, kernel 5, padding 2`."""
    return ", ".join(_parts(value))


def _parts(value: Value) -> Iterator[str]:
    for name, field in type(value).model_fields.items():
        given = getattr(value, name)
        if given == field.get_default(call_default_factory=True) or name in UNTOLD:
            continue
        word = WORDS.get(name, name.replace("_", " "))
        if isinstance(given, bool):
            yield word if given else f"no {word}"
        else:
            yield f"{word} {_short(given)}".strip()


def _short(value: Any) -> str:
    if isinstance(value, tuple | list):
        return " × ".join(map(_short, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
