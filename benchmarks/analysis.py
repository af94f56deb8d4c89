"""How long it takes to see what a network is: `python -m benchmarks.analysis`.

Promised: the layer table within 1 ms for 50 nodes and 5 ms for 500; trying the fixes of a mistake adds 20 ms at most.
"""

import sys
from collections.abc import Callable
from itertools import cycle, islice
from typing import Any

from benchmarks.measure import machine, milliseconds, table
from builder.analysis import analyze, check
from builder.blocks import GALLERY, example
from builder.blocks.chain import block, chain, layer
from builder.design import read
from builder.design.experiment import Experiment
from builder.design.network import to_json

Document = dict[str, Any]

PROMISED = {"table, 50 nodes": 1.0, "table, 500 nodes": 5.0, "fixes": 20.0}
"""Milliseconds."""
CONVOLUTIONAL = (
    lambda: layer("Conv2d", out_channels=32, kernel_size=3, padding=1),
    lambda: layer("BatchNorm2d"),
    lambda: layer("ReLU"),
)
DENSE = (lambda: layer("BatchNorm1d"), lambda: layer("ReLU"), lambda: layer("Dropout"), lambda: layer("Tanh"))


def main() -> None:
    """Print one row for each network."""
    print(machine())
    experiments = {name: example(name) for name in GALLERY}
    experiments |= {
        "chain of 50": on_digits(*convolutions(50 - 4)),
        "chain of 500": on_digits(*convolutions(500 - 4)),
        "500 in blocks": on_digits(*stages(25), blocks=BLOCKS),
    }
    rows = [row(name, experiment) for name, experiment in experiments.items()]
    assert "torch" not in sys.modules, "analysis is to work without torch"
    print(table(["network", "nodes", "opened", "table", "check", "open input", "wrong width", "fixes add"], rows))
    print("Milliseconds, medians. Promised:", ", ".join(f"{what} <= {most:g}" for what, most in PROMISED.items()))


def row(name: str, experiment: Experiment) -> list[str]:
    """Times of the layer table, of a check that finds nothing, and of checks that find a mistake and try its fixes."""
    network = experiment.network
    whole = milliseconds(lambda: check(experiment))
    broken = [broken_check(experiment, breaks) for breaks in (open_input, wrong_width)]
    return [
        name,
        str(len(network.nodes)),
        str(len(list(analyze(network).expanded()))),
        f"{milliseconds(lambda: analyze(network)):.3f}",
        f"{whole:.3f}",
        *(f"{time:.2f}" for time in broken),
        f"{max(broken) - whole:.2f}",
    ]


def broken_check(experiment: Experiment, breaks: Callable[[list[Document]], None]) -> float:
    """Milliseconds to find what is wrong with the experiment once its nodes are broken, and to try fixes."""
    document = to_json(experiment)
    breaks(document["network"]["nodes"])
    broken = read.experiment(document)
    _, problems = check(broken)
    assert any(problem.fixes for problem in problems), f"{experiment.name} was to break in a way that can be mended"
    return milliseconds(lambda: check(broken))


def open_input(nodes: list[Document]) -> None:
    """Cut the wire to the last node."""
    nodes[-1]["inputs"] = [None]


def wrong_width(nodes: list[Document]) -> None:
    """Make the last layer that has a width two wider than its target can bear."""
    last = next(node for node in reversed(nodes) if "out_features" in node.get("params", {}))
    last["params"]["out_features"] += 2


def convolutions(nodes: int) -> list[Document]:
    """So many convolutions, norms and activations by turns, then two nodes that make a row of what they found."""
    return [*made_by_turns(CONVOLUTIONAL, nodes), layer("AdaptiveAvgPool2d"), layer("Flatten")]


def stages(count: int) -> list[Document]:
    """20 nodes a stage, 19 of them in blocks of a block. Each stage has its own width: no block is met twice alike."""
    nodes = [layer("Flatten")]
    for stage in range(count):
        nodes += [layer("Linear", out_features=10 + stage), block("Both", id=f"stage{stage}")]
    return nodes


def made_by_turns(kinds: tuple[Callable[[], Document], ...], nodes: int) -> list[Document]:
    """So many nodes, one kind after the other."""
    return [make() for make in islice(cycle(kinds), nodes)]


def as_block(*nodes: Document) -> Document:
    """Nodes that stand one behind the other as a block: the first reads what the block is given."""
    first, *others = nodes
    chained = chain(first | {"inputs": ["x"]}, *others)
    return {"inputs": ["x"], "nodes": chained, "outputs": [chained[-1]["id"]]}


BLOCKS = {
    "Left": as_block(*made_by_turns(DENSE, 9)),
    "Right": as_block(*made_by_turns(DENSE, 10)),
    "Both": as_block(block("Left", id="left"), block("Right", id="right")),
}


def on_digits(*nodes: Document, blocks: Document | None = None) -> Experiment:
    """An experiment on the digits: `nodes` one behind the other, then one score for each digit."""
    image, scores = layer("Input", id="image", shape=[1, 8, 8]), layer("Linear", id="scores", out_features=10)
    network = {"nodes": chain(image, *nodes, scores), "outputs": ["scores"], "blocks": blocks or {}}
    recipe = {"objectives": [{"loss": {"type": "CrossEntropy"}}], "optimizer": {"type": "Adam"}}
    return Experiment.model_validate({"network": network, "data": {"source": {"type": "Digits"}}, "recipe": recipe})


if __name__ == "__main__":
    main()
