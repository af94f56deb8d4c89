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


@pytest.mark.parametrize(
    ("shape", "node"),
    [([6, 4], layer("LSTM", id="other")), ([6, 4], layer("MultiheadAttention", id="other", inputs=["x", "x"])),
     ([6, 4], layer("TransformerEncoderLayer", id="other")), ([4, 4], layer("MatMul", id="other", inputs=["x", "x"])),
     ([4], layer("Bilinear", id="other", inputs=["x", "x"])), ([2, 6, 6], layer("ConvTranspose2d", id="other"))],
    ids=lambda value: value.get("type") if isinstance(value, dict) else None,
)  # fmt: skip
@pytest.mark.parametrize("in_a_block", [False, True])
def test_what_was_not_counted_in_1998_is_left_out(shape: list[int], node: dict, in_a_block: bool):
    nodes = chain(layer("Input", id="x", shape=shape), node)
    blocks = {}
    if in_a_block:
        inside = [*chain({"inputs": ["x"], **node}), layer("Identity", id="same", inputs=["other"])]
        blocks["Block"] = {"inputs": ["x"], "nodes": inside, "outputs": ["same"]}
        nodes[1] = {"id": "other", "block": "Block", "inputs": ["x"]}
    network = Network.model_validate({"nodes": nodes, "outputs": ["other"], "blocks": blocks})
    assert analyze(network).macs and counted(network) == {}


def test_blocks_count_what_is_inside_as_often_as_they_are_repeated():
    unit = {
        "inputs": ["x"],
        "nodes": chain(layer("Linear", id="linear", inputs=["x"], out_features=4)),
        "outputs": ["linear"],
    }
    nodes = chain(layer("Input", id="row", shape=[4]), {"id": "units", "block": "Unit", "repeat": 3})
    network = Network.model_validate({"nodes": nodes, "outputs": ["units"], "blocks": {"Unit": unit}})
    assert counted(network)["units"].connections == 3 * (4 * 4 + 4)
