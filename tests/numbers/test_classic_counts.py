"""LeNet-5 as its authors counted it: neurons, parameters and connections of every layer."""

import pytest

from builder.analysis import analyze
from builder.analysis.classic import Count, classic
from builder.blocks import example
from builder.blocks.chain import chain, layer
from builder.design.network import Network

PAPER = {
    "c1": (4_704, 156, 122_304),
    "s2": (1_176, 12, 5_880),
    "c3": (1_600, 1_516, 151_600),
    "s4": (400, 32, 2_000),
    "c5": (120, 48_120, 48_120),
    "f6": (84, 10_164, 10_164),
    "scores": (10, 0, 840),
}
"""LeCun et al. 1998, section II.B; the codes of the last layer are fixed."""


def counted(network: Network) -> dict[str, Count]:
    return {count.id: count for count in classic(analyze(network))}


def test_the_whole_of_lenet5_w18():
    counts = counted(example("lenet5-1998").network)
    assert {name: tuple(count)[2:] for name, count in counts.items()} == PAPER
    assert (
        sum(count.parameters for count in counts.values())
        == 60_000
        == analyze(example("lenet5-1998").network).trainable
    )
    assert sum(count.connections for count in counts.values()) == 340_908


def test_pooling_of_today_is_counted_with_a_factor_and_a_bias_for_each_map():
    counts = counted(example("lenet5").network)
    assert tuple(counts["s2"])[2:] == PAPER["s2"] and tuple(counts["s4"])[2:] == PAPER["s4"]
    assert counts["c3"].parameters == 2_416  # every filter reads every map today
    assert "flatten" not in counts and "tanh1" not in counts


@pytest.mark.parametrize(("bias", "connections"), [(True, 21 * 5), (False, 20 * 5)])
def test_a_bias_is_one_connection_more_for_each_neuron(bias: bool, connections: int):
    nodes = chain(layer("Input", id="x", shape=[20]), layer("Linear", id="dense", out_features=5, bias=bias))
    (count,) = classic(analyze(Network.model_validate({"nodes": nodes, "outputs": ["dense"]})))
    assert (count.neurons, count.parameters, count.connections) == (5, connections, connections)


def test_blocks_count_what_is_inside_as_often_as_they_are_repeated():
    unit = {
        "inputs": ["x"],
        "nodes": chain(layer("Linear", id="linear", inputs=["x"], out_features=4)),
        "outputs": ["linear"],
    }
    nodes = chain(layer("Input", id="row", shape=[4]), {"id": "units", "block": "Unit", "repeat": 3})
    network = Network.model_validate({"nodes": nodes, "outputs": ["units"], "blocks": {"Unit": unit}})
    assert counted(network)["units"].connections == 3 * (4 * 4 + 4)
