"""What differs between experiments: every setting by its path, and the networks node by node.

Settings that are left out have their defaults here, so that a default written down is no difference.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pydantic import BaseModel

from builder.catalog.entry import Entry
from builder.design import read
from builder.design.experiment import Experiment
from builder.design.network import Block, Graph, Node
from builder.problem import Json, Refused

Section: TypeAlias = Literal["network", "data", "recipe", "other"]

SECTIONS: tuple[Section, ...] = ("network", "data", "recipe", "other")
"""In the order in which differences are told."""

UNTOLD = ("format", "version", "name", "network.format", "network.version", "network.name", "network.view")
"""What no result depends on."""


class _Absent:
    """What an experiment does not have at all, such as the momentum of an optimizer that knows none."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = _Absent()


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting that is not the same everywhere: a value for each experiment, in their order.

    `path` says where: `recipe.optimizer.params.lr`, `network.nodes.conv1.params.padding`. A pick and a node have the
    name of their kind as a value, at the path of the whole.
    """

    path: str
    values: tuple[Json | _Absent, ...]

    @property
    def section(self) -> Section:
        """The part of the experiment that it belongs to."""
        first = self.path.partition(".")[0]
        return next((section for section in SECTIONS if section == first), "other")


def differences(documents: Sequence[Json]) -> list[Difference]:
    """What differs between experiments, in the order of network, data and recipe. One that cannot be read is taken as written."""
    flat = [dict(_settings(document)) for document in documents]
    paths = dict.fromkeys(path for settings in flat for path in settings)
    found = []
    for path in paths:
        values = tuple(settings.get(path, ABSENT) for settings in flat)
        if any(value != values[0] for value in values) and not _is_inside_a_lack(path, flat):
            found.append(Difference(path, values))
    return sorted(found, key=lambda difference: SECTIONS.index(difference.section))


def _is_inside_a_lack(path: str, flat: Sequence[Mapping[str, Json]]) -> bool:
    """Whether it belongs to a block or a node that not every network has: the row of the whole says all."""
    parts = path.split(".")
    wholes = (".".join(parts[: at + 2]) for at, part in enumerate(parts[:-2]) if part in ("blocks", "nodes"))
    return any(whole not in settings for whole in wholes for settings in flat)


def _settings(document: Json) -> Iterator[tuple[str, Json]]:
    """Every setting of an experiment by its path, with its default where it is left out."""
    try:
        experiment = read.experiment(document)
    except Refused:
        found = _of_json(document, "")
    else:
        found = _of_experiment(experiment)
    for path, value in found:
        if not any(path == untold or path.startswith(f"{untold}.") for untold in UNTOLD):
            yield path, value


def _of_experiment(experiment: Experiment) -> Iterator[tuple[str, Json]]:
    yield from _of_graph(experiment.network, "network")
    for name, block in experiment.network.blocks.items():
        yield f"network.blocks.{name}", "block"
        yield from _of_graph(block, f"network.blocks.{name}")
    yield from _of_value(experiment.data, "data")
    yield from _of_value(experiment.recipe, "recipe")


def _of_graph(graph: Graph, path: str) -> Iterator[tuple[str, Json]]:
    """Its nodes by their ids, and the order in which they run: sums and random numbers go by it."""
    for node in graph.nodes:
        yield from _of_node(node, f"{path}.nodes.{node.id}")
    yield f"{path}.order", [node.id for node in graph.nodes]
    yield f"{path}.outputs", list(graph.outputs)
    if isinstance(graph, Block):
        yield f"{path}.inputs", list(graph.inputs)


def _of_node(node: Node, path: str) -> Iterator[tuple[str, Json]]:
    yield path, node.type or node.block
    for name in ("repeat", "title", "frozen", "shares"):
        yield f"{path}.{name}", getattr(node, name)
    yield f"{path}.inputs", list(node.inputs)
    if node.type is not None:
        yield from _of_fields(node.layer, f"{path}.params")
    for role, initializer in node.init.items():
        yield from _of_value(initializer, f"{path}.init.{role}")


def _of_value(value: object, path: str) -> Iterator[tuple[str, Json]]:
    if isinstance(value, Entry):
        yield path, value.name
        yield from _of_fields(value, f"{path}.params")
    elif isinstance(value, BaseModel):
        yield from _of_fields(value, path)
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _of_value(part, f"{path}.{name}")
    elif isinstance(value, tuple | list) and any(isinstance(part, BaseModel) for part in value):
        for at, part in enumerate(value):
            yield from _of_value(part, f"{path}.{at}")
    else:
        yield path, list(value) if isinstance(value, tuple) else value


def _of_fields(value: BaseModel, path: str) -> Iterator[tuple[str, Json]]:
    for name in type(value).model_fields:
        yield from _of_value(getattr(value, name), f"{path}.{name}")


def _of_json(document: Json, path: str) -> Iterator[tuple[str, Json]]:
    if isinstance(document, dict):
        for name, part in document.items():
            yield from _of_json(part, f"{path}.{name}" if path else str(name))
    elif isinstance(document, list) and any(isinstance(part, dict | list) for part in document):
        for at, part in enumerate(document):
            yield from _of_json(part, f"{path}.{part.get('id', at) if isinstance(part, dict) else at}")
    else:
        yield path, document
