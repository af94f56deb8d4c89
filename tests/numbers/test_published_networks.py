"""Networks of the gallery have the sizes that are published. `docs/numbers.md` lists the sources."""

from collections import Counter

import pytest

from builder.analysis import Analysis, analyze
from builder.blocks import GALLERY, example

TORCHVISION = {
    "alexnet": (61_100_840, 0.714),
    "vgg11": (132_863_336, 7.609),
    "vgg13": (133_047_848, 11.308),
    "vgg16": (138_357_544, 15.470),
    "vgg19": (143_667_240, 19.632),
    "vgg11-bn": (132_868_840, 7.609),
    "vgg13-bn": (133_053_736, 11.308),
    "vgg16-bn": (138_365_992, 15.470),
    "vgg19-bn": (143_678_248, 19.632),
    "googlenet": (6_624_904, 1.498),
    "resnet18": (11_689_512, 1.814),
    "resnet34": (21_797_672, 3.664),
    "resnet50": (25_557_032, 4.089),
    "resnet101": (44_549_160, 7.801),
    "resnet152": (60_192_808, 11.514),
    "densenet121": (7_978_856, 2.834),
    "mobilenet-v2": (3_504_872, 0.301),
    "squeezenet": (1_248_424, 0.819),
}
"""Parameters and billions of MACs for one image, rounded: `num_params` and `_ops` of torchvision's weights."""

OTHERS = {
    "mlp-784": (397_510, "0.000397"),
    "lenet5": (61_706, "0.00042"),
    "lenet5-1998": (60_000, ""),
    "alexnet-2012": (60_965_224, ""),
    "googlenet-2014": (6_998_552, "1.58"),
    "resnet20": (None, ""),
    "plain20": (None, ""),
}
"""Parameters that learn and billions of MACs, from the papers' sizes; empty where only a rounded figure is published."""


def analyzed(name: str) -> Analysis:
    return analyze(example(name).network)


def layers(analysis: Analysis) -> Counter[str]:
    """How many layers of each type there are, blocks opened; projections of skip paths are not counted as layers."""
    return Counter(row.type for row in analysis.expanded() if not row.id.endswith("project"))


def test_the_figures_of_the_gallery_are_those_that_are_published():
    rounded = {name: (parameters, f"{gmacs:.2f}") for name, (parameters, gmacs) in TORCHVISION.items()}
    told = {name: exhibit.published for name, exhibit in GALLERY.items() if exhibit.published}
    assert {name: (figures.parameters, figures.gmacs) for name, figures in told.items()} == rounded | OTHERS


@pytest.mark.parametrize("name", TORCHVISION)
def test_a_network_that_torchvision_has_has_torchvisions_size(name: str):
    analysis = analyzed(name)
    assert (analysis.parameters, round(analysis.macs / 1e9, 3)) == TORCHVISION[name]
    assert [signal.shape for signal in analysis.outputs if signal] == [(1_000,)]


@pytest.mark.parametrize("name", [name for name, (parameters, _) in OTHERS.items() if parameters])
def test_another_network_has_the_size_of_its_paper(name: str):
    analysis, (parameters, gmacs) = analyzed(name), OTHERS[name]
    assert analysis.trainable == parameters
    digits = len(gmacs.partition(".")[2])
    assert not gmacs or f"{analysis.macs / 1e9:.{digits}f}" == gmacs


@pytest.mark.parametrize("name", ["resnet20", "plain20"])
def test_twenty_layers_for_small_pictures_have_270000_parameters(name: str):
    analysis = analyzed(name)
    assert f"{analysis.parameters / 1e6:.2f}" == "0.27"  # He et al. 2015, table 6
    assert layers(analysis)["Conv2d"] + layers(analysis)["Linear"] == 20


def test_alexnet_has_60965224_parameters_in_two_groups_and_61100840_in_one_w23():
    two_halves, one = analyzed("alexnet-2012"), analyzed("alexnet")
    assert two_halves.parameters == 60_965_224
    assert (one.parameters, one.macs) == (61_100_840, 714_188_480)
    for analysis in (two_halves, one):
        assert (layers(analysis)["Conv2d"], layers(analysis)["Linear"]) == (5, 3)


@pytest.mark.parametrize(
    ("depth", "parameters", "macs"), [(16, 138_357_544, 15_470_264_320), (19, 143_667_240, 19_632_062_464)]
)
def test_vgg_16_has_138357544_parameters_and_vgg_19_143667240_w24(depth: int, parameters: int, macs: int):
    analysis = analyzed(f"vgg{depth}")
    assert (analysis.parameters, analysis.macs) == (parameters, macs)
    assert (layers(analysis)["Conv2d"], layers(analysis)["Linear"]) == (depth - 3, 3)


def test_googlenet_has_6998552_parameters_without_its_side_outputs_w25():
    analysis = analyzed("googlenet-2014")
    assert analysis.parameters == 6_998_552
    assert f"{analysis.macs / 1e9:.2f}" == "1.58"
    assert layers(analysis)["Linear"] == 1
    assert analysis.signals["inception5b"].shape == (1_024, 7, 7)


@pytest.mark.parametrize(
    ("depth", "parameters", "macs"),
    [(18, 11_689_512, 1_814_073_344), (50, 25_557_032, 4_089_184_256), (152, 60_192_808, 11_513_626_624)],
)
def test_resnet_152_has_60192808_parameters_and_resnet_50_25557032_w26(depth: int, parameters: int, macs: int):
    analysis = analyzed(f"resnet{depth}")
    assert (analysis.parameters, analysis.macs) == (parameters, macs)
    assert (layers(analysis)["Conv2d"], layers(analysis)["Linear"]) == (depth - 1, 1)
