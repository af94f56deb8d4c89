"""How long it takes to see what a network is: `python -m benchmarks.analysis`.

Promised: the layer table within 1 ms for 50 nodes and 5 ms for 500; trying the fixes of a mistake adds 20 ms at most.
With `--peers` also beside torchinfo and fvcore (`pip install -r benchmarks/requirements.txt`), in the same run.
"""

import random
import sys
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from typing import Any

import click
import numpy as np

from benchmarks.measure import machine, milliseconds, table
from builder.analysis import analyze, check
from builder.analysis.cost import cost_of
from builder.blocks import example
from builder.blocks.chain import block, chain, layer
from builder.design import edits, read
from builder.design.experiment import Experiment
from builder.design.network import Network, to_json
from builder.problem import Ungroup

Document = dict[str, Any]

PROMISED = {"table, 50 nodes": 1.0, "table, 500 nodes": 5.0, "fixes": 20.0}
"""Milliseconds."""
CONVOLUTIONAL = (
    lambda: layer("Conv2d", out_channels=32, kernel_size=3, padding=1),
    lambda: layer("BatchNorm2d"),
    lambda: layer("ReLU"),
)
DENSE = (lambda: layer("BatchNorm1d"), lambda: layer("ReLU"), lambda: layer("Dropout"), lambda: layer("Tanh"))


SHOWN = (
    "playground",
    "lenet5",
    "digits-resnet",
    "sequence-lstm",
    "googlenet",
    "resnet50",
    "resnet152",
    "densenet121",
    "vit-small",
)
"""Of the gallery; the others are like one of these."""

COMPARED = {"lenet5": (1, 28, 28), "resnet50": (3, 224, 224), "resnet152": (3, 224, 224)}
ROUNDS = 5


@click.command(help=__doc__)
@click.option("--peers", is_flag=True, help="Also beside torchinfo and fvcore.")
def main(peers: bool) -> None:
    print(machine())
    experiments = {name: example(name) for name in SHOWN}
    experiments |= {
        "resnet152 opened": opened("resnet152"),
        "chain of 50": on_digits(*convolutions(50 - 4)),
        "chain of 500": on_digits(*convolutions(500 - 4)),
        "500 in blocks": on_digits(*stages(25), blocks=BLOCKS),
    }
    rows = [row(name, experiment) for name, experiment in experiments.items()]
    assert "torch" not in sys.modules, "analysis is to work without torch"
    head = ["network", "nodes", "opened", "first table", "table", "check", "open input", "wrong width", "fixes add"]
    print(table(head, rows))
    print("Milliseconds, medians. Promised:", ", ".join(f"{what} <= {most:g}" for what, most in PROMISED.items()))
    if peers:
        print(
            table(["network", "ours", "torchinfo", "fvcore", "torchinfo / ours", "fvcore / ours"], list(beside_peers()))
        )
        print(
            f"Milliseconds, medians of {ROUNDS} interleaved rounds. The peers are given the built module: torchinfo on the meta device, fvcore on the CPU."
        )


def opened(name: str) -> Experiment:
    """An example with every block taken apart: each layer is a node of the network itself."""
    document = to_json(example(name))
    while blocks := [node["id"] for node in document["network"]["nodes"] if "block" in node]:
        document = edits.apply(document, [Ungroup(node=node) for node in blocks])
    return read.experiment(document)


def first_table(network: Network) -> float:
    """Milliseconds for a table of which nothing has been worked out before."""

    def work() -> None:
        cost_of.cache_clear()
        analyze(network)

    return milliseconds(work)


def beside_peers() -> Iterator[list[str]]:
    """One row for each network: the layer table from the design, and from the module by two well-known libraries."""
    import fvcore.nn
    import torch
    import torchinfo

    from builder.compile import build

    shuffle = random.Random(0)
    for name, shape in COMPARED.items():
        network = example(name).network
        with torch.device("meta"):
            module, x = build(network).eval(), torch.empty(1, *shape)
        on_cpu, image = build(network).eval(), torch.zeros(1, *shape)  # fvcore traces no module on the meta device
        work: dict[str, Callable[[], object]] = {
            "ours": lambda network=network: list(analyze(network).expanded()),
            "torchinfo": lambda module=module, x=x: torchinfo.summary(module, input_data=x, depth=9, verbose=0, device="meta"),
            "fvcore": lambda module=on_cpu, x=image: quiet(fvcore.nn.FlopCountAnalysis(module, x)).by_module(),
        }  # fmt: skip
        times: dict[str, list[float]] = {side: [] for side in work}
        for _ in range(ROUNDS):
            for side in shuffle.sample(sorted(work), len(work)):
                times[side].append(milliseconds(work[side], seconds=0.05, least=2))
        medians = {side: float(np.median(values)) for side, values in times.items()}
        ratios = [np.median(np.array(times[side]) / np.array(times["ours"])) for side in ("torchinfo", "fvcore")]
        yield [name, *(f"{value:.2f}" for value in medians.values()), *(f"{ratio:,.0f}" for ratio in ratios)]


def quiet(analysis: Any) -> Any:
    """Without warnings of operators that are not counted."""
    return analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)


def row(name: str, experiment: Experiment) -> list[str]:
    """Times of the layer table, of a check that finds nothing, and of checks that find a mistake and try its fixes."""
    network = experiment.network
    whole = milliseconds(lambda: check(experiment))
    broken = [broken_check(experiment, breaks) for breaks in (open_input, wrong_width)]
    return [
        name,
        str(len(network.nodes)),
        str(len(list(analyze(network).expanded()))),
        f"{first_table(network):.3f}",
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
    last = next(node for node in reversed(nodes) if node.get("type") == "Linear")
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
