"""Receptive fields and strides against autograd, and against published figures."""

import pytest
import torch

from builder.analysis import analyze
from builder.analysis.receptive import Field, receptive_fields
from builder.blocks import example
from builder.blocks.chain import chain, layer
from builder.compile import build
from builder.design.network import Network


def network_of(*nodes: dict, shape: list[int]) -> Network:
    chained = chain(layer("Input", id="image", shape=shape), *nodes)
    return Network.model_validate({"nodes": chained, "outputs": [chained[-1]["id"]]})


def fields(network: Network) -> dict[str, Field]:
    return receptive_fields(analyze(network).expanded())


def seen(network: Network, channels: int, side: int) -> tuple[int, int]:
    """How many rows and columns of the image the number in the middle of the output depends on, says autograd."""
    module = build(network).double().eval()
    for parameter in module.parameters():
        torch.nn.init.ones_(parameter)
    image = torch.ones(1, channels, side, side, dtype=torch.float64, requires_grad=True)
    (output,) = module(image)
    middle = tuple(size // 2 for size in output.shape[2:])
    output[(0, 0, *middle)].backward()
    touched = image.grad[0].abs().sum(0) > 0
    return int(touched.any(1).sum()), int(touched.any(0).sum())


def conv(kernel: int | list[int], **more: object) -> dict:
    return layer("Conv2d", out_channels=2, kernel_size=kernel, **more)


@pytest.mark.parametrize(
    ("nodes", "wanted"),
    [
        ([conv(3)], (3, 3)),
        ([conv(3), conv(3)], (5, 5)),
        ([conv(3), conv(3), conv(3)], (7, 7)),
        ([conv(5)], (5, 5)),
        ([conv(5), layer("AvgPool2d"), conv(5), layer("AvgPool2d")], (16, 16)),
        ([conv([1, 7]), conv([3, 1], stride=[2, 1])], (3, 7)),
        ([conv(3, dilation=2), layer("AvgPool2d"), conv(3, stride=2), conv(3)], (18, 18)),
    ],
    ids=["W38-3", "W38-3+3", "W38-3+3+3", "W38-5", "W38-lenet", "rectangular", "dilated and strided"],
)
def test_receptive_field_is_what_autograd_sees(nodes: list[dict], wanted: tuple[int, int]):
    network = network_of(*nodes, shape=[1, 64, 64])
    field = fields(network)[network.outputs[0]]
    assert field.sides == wanted == seen(network, 1, 64)


def test_strides_multiply():
    network = network_of(conv(3, stride=2), layer("MaxPool2d"), conv(3, stride=[1, 3]), shape=[1, 64, 64])
    assert [field.stride for field in fields(network).values()] == [(1, 1), (2, 2), (4, 4), (4, 12)]


def test_upsampling_brings_neighbours_closer_together():
    network = network_of(
        conv(4, stride=2, padding=1), layer("ConvTranspose2d", kernel_size=2, stride=2), conv(3), shape=[1, 16, 16]
    )
    *_, last = fields(network).values()
    assert last == Field((6, 6), (1.0, 1.0))


def test_two_small_kernels_see_as_much_as_one_large_one_for_less():
    """W38: two 3 x 3 at 64 channels have 73,856 weights and biases, one 5 x 5 has 102,464."""
    small, large = (network_of(*nodes, shape=[64, 16, 16]) for nodes in ([wide(3), wide(3)], [wide(5)]))
    assert fields(small)[small.outputs[0]].sides == fields(large)[large.outputs[0]].sides == (5, 5)
    assert (analyze(small).parameters, analyze(large).parameters) == (73_856, 102_464)


def wide(kernel: int) -> dict:
    return layer("Conv2d", out_channels=64, kernel_size=kernel)


def test_where_paths_meet_the_widest_counts():
    network = Network.model_validate(
        {
            "nodes": [
                layer("Input", id="image", shape=[2, 16, 16]),
                layer("Conv2d", id="wide", inputs=["image"], out_channels=2, kernel_size=5, padding=2),
                layer("Conv2d", id="narrow", inputs=["image"], out_channels=2, kernel_size=1),
                layer("Add", id="add", inputs=["narrow", "wide"]),
            ],
            "outputs": ["add"],
        }
    )
    assert fields(network)["add"].sides == (5, 5)


def test_what_sees_everything_has_no_field_nor_has_what_reads_it():
    network = network_of(conv(3), layer("AdaptiveAvgPool2d"), layer("Flatten"), layer("Linear"), shape=[1, 16, 16])
    assert list(fields(network)) == ["image", network.nodes[1].id]


def test_repeats_of_a_block_see_more_and_more():
    found = fields(example("digits-resnet").network)
    sides = [found[f"stage1.{copy}.conv2"].sides for copy in range(2)]
    assert sides == [(7, 7), (11, 11)]  # the stem sees 3, and each block of two 3 x 3 convolutions adds 4
    assert found["stage2.conv2"].sides == (25, 25)
