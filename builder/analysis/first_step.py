"""The spread of activations and gradients at the first step: ways to begin that are set side by side, and what is said of them. Torch-free."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from builder.analysis.network import node_path
from builder.catalog.initializers import (
    Default,
    HeNormal,
    Initializer,
    Normal,
    Orthogonal,
    Values,
    XavierUniform,
)
from builder.design import edits as design_edits
from builder.design import read
from builder.design.experiment import Experiment
from builder.design.network import Graph, Node, to_json
from builder.problem import Edit, Json, Set, Unset, say

SAMPLES = 256
"""Of the training part, at most: with more the lines look the same."""
ALIKE = 3
"""A spread that grows or shrinks by less than this many times on its whole way stays about the same."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """One way to begin; without a rule, what the recipe and its nodes say."""

    name: str
    rule: Initializer | None = None


OWN = Scheme("As it is")
SCHEMES = (
    Scheme("PyTorch's own", Default()),
    Scheme("Normal, σ 0.01", Normal(std=0.01)),
    Scheme("Normal, σ 1", Normal(std=1.0)),
    Scheme("Xavier uniform", XavierUniform()),
    Scheme("He normal", HeNormal()),
    Scheme("Orthogonal", Orthogonal()),
)
"""What is usual, and two spreads that take no notice of a layer's size: one too small and one too large for most."""


def variants(experiment: Experiment) -> Iterator[tuple[Scheme, Experiment]]:
    """The experiment as it is, and with each scheme in place of its own; one that changes nothing is left out."""
    yield OWN, experiment
    for scheme in SCHEMES:
        assert scheme.rule is not None
        begun = read.experiment(design_edits.apply(to_json(experiment), adopted(experiment, scheme.rule)))
        if begun != experiment:
            yield scheme, begun


def adopted(experiment: Experiment, rule: Initializer) -> list[Edit]:
    """Edits that let all weights start by a rule: the recipe's, and those of nodes with a rule of their own.

    Nodes whose weights are given by hand keep them, and so do frozen ones, which have to stay what they were made to be.
    Biases are left alone.
    """
    own = [Unset(path=f"{path}.init.weight") for path, node in _own_rules(experiment) if not _is_kept(node)]
    return [Set(path="recipe.init.weight", value=rule.json_pick()), *own]


def kept(experiment: Experiment) -> list[str]:
    """Names of the nodes whose weights no scheme changes."""
    return [node.name for _, node in _own_rules(experiment) if _is_kept(node)]


def _own_rules(experiment: Experiment) -> Iterator[tuple[str, Node]]:
    network = experiment.network
    graphs: list[tuple[str | None, Graph]] = [(None, network), *network.blocks.items()]
    for block, graph in graphs:
        yield from ((node_path(node.id, block), node) for node in graph.nodes if node.init.get("weight"))


def _is_kept(node: Node) -> bool:
    return node.frozen or isinstance(node.init["weight"], Values)


# Words -----------------------------------------------------------------------------------------------------------


def in_words(scheme: Mapping[str, Json]) -> str:
    """What becomes of activations on their way forward, and of gradients on their way back."""
    return say(
        "{name}: activations {forward}; gradients {back}.",
        name=scheme["name"],
        forward=forward(scheme),
        back=back(scheme),
    )


def forward(scheme: Mapping[str, Json]) -> str:
    """What becomes of activations, from the first node to the last."""
    return _course(scheme["activation"], say("on their way"))


def back(scheme: Mapping[str, Json]) -> str:
    """What becomes of gradients, from the last node to the first."""
    return _course(scheme["gradient"][::-1], say("on their way back"))


def _course(spreads: Sequence[float | None], way: str) -> str:
    """From the first spread to the last, in words."""
    numbers = [spread for spread in spreads if spread is not None]
    if not numbers:
        return say("are no numbers")
    first, last = numbers[0], numbers[-1]
    if first == 0 or last == 0:
        return say("do not vary") if first == last else say("vanish {way}", way=way)
    ratio = last / first
    if 1 / ALIKE < ratio < ALIKE:
        return say("keep their size")
    word = say("grow") if ratio > 1 else say("shrink")
    return say("{word} {times} times {way}", word=word, times=_times(max(ratio, 1 / ratio)), way=way)


def _times(ratio: float) -> str:
    """Two digits: 4.2, 38, 1,200; in powers of ten where nobody counts the zeros any more."""
    if ratio < 10:
        return f"{ratio:.1f}"
    size = math.floor(math.log10(ratio)) - 1
    if ratio < 1e9:
        return f"{round(ratio / 10**size) * 10**size:,}"
    return f"10^{round(math.log10(ratio))}"
