"""Pictures of networks: what they show is what the network is, and nothing else gets into them."""

import re
from xml.etree import ElementTree

import pytest

from builder.analysis import analyze
from builder.analysis.preview import HEIGHT, MOST, WIDTH, in_words, picture
from builder.analysis.task import task
from builder.blocks import GALLERY, example
from builder.design import read
from builder.problem import Json

SVG = "{http://www.w3.org/2000/svg}"


def drawn(name: str) -> ElementTree.Element:
    return ElementTree.fromstring(picture(name, analyze(example(name).network)))


def shapes(svg: ElementTree.Element, kind: str, family: str = "") -> list[dict[str, str]]:
    return [each.attrib for each in svg.iter(SVG + kind) if f"--family-{family}" in each.get("fill", "")]


def chain(*nodes: dict[str, Json]) -> Json:
    made = [{"id": "x", "type": "Input", "params": {"shape": [3, 32, 32]}}, *nodes]
    return {"format": "layerlab.network", "version": 1, "nodes": made, "outputs": [made[-1]["id"]]}


@pytest.mark.parametrize("name", GALLERY)
def test_every_example_has_a_picture_that_stays_within_its_frame(name: str):
    svg = drawn(name)
    assert svg.get("role") == "img" and svg.get("aria-label", "").startswith(f"{name}: from ")
    bars = [each.attrib for each in svg.iter(SVG + "rect")]
    for bar in bars:
        x, y, width, height = (float(bar[key]) for key in ("x", "y", "width", "height"))
        assert x >= 0 and y >= 0 and x + width <= WIDTH and y + height <= HEIGHT and height > 0
    for circle in svg.iter(SVG + "circle"):
        assert float(circle.get("r", "0")) <= float(circle.get("cy", "0")) <= HEIGHT - float(circle.get("r", "0"))
    assert len(bars) + len(list(svg.iter(SVG + "circle"))) >= len(analyze(example(name).network).rows)


def test_bars_are_as_high_as_the_image_and_the_wider_the_more_channels():
    first, second = shapes(drawn("lenet5"), "rect", "convolution")
    assert float(first["height"]) > float(second["height"]) and float(first["width"]) < float(second["width"])
    pools = [float(pool["height"]) for pool in shapes(drawn("alexnet"), "rect", "pooling")]
    assert pools == sorted(pools, reverse=True)
    image, *_, last = [float(bar["height"]) for bar in shapes(drawn("mlp-784"), "rect") if float(bar["width"]) > 3]
    assert image > last


def test_few_numbers_are_neurons_and_each_weight_between_them_is_a_line():
    svg = drawn("xor-mlp")
    assert [len(shapes(svg, "circle", family)) for family in ("input", "dense", "activation")] == [2, 8 + 1, 8]
    assert len(list(svg.iter(SVG + "line"))) == 2 * 8 + 8 + 8  # the activation bends each number for itself


def test_arcs_are_the_connections_that_pass_others_by():
    assert len(list(drawn("unet-small").iter(SVG + "path"))) == 2
    assert len(list(drawn("lenet5").iter(SVG + "path"))) == 0
    assert len(list(drawn("gru-sequence").iter(SVG + "path"))) == 1  # back to itself


def test_branches_stand_over_each_other():
    svg = drawn("xor-gate")
    gates = shapes(svg, "circle", "dense")
    assert gates[0]["cx"] == gates[1]["cx"] and gates[0]["cy"] != gates[1]["cy"]


def test_a_block_says_how_often_it_is_repeated_and_what_is_inside():
    svg = drawn("resnet152")
    assert [text.text for text in svg.iter(SVG + "text")] == ["×2", "×7", "×35", "×2"]
    assert len(shapes(svg, "rect", "convolution")) > 10  # one of its own, the others inside blocks
    outlines = [bar for bar in svg.iter(SVG + "rect") if "--family-block" in bar.get("stroke", "")]
    assert len(outlines) == 8


def test_the_words_tell_ends_and_kinds():
    words = in_words("lenet5", analyze(example("lenet5").network))
    assert words == "lenet5: from 1 x 28 x 28 to 10; 4 activation, 3 dense, 2 convolution, 2 pooling, 1 shape"
    assert "155 convolution" in in_words("", analyze(example("resnet152").network))


def test_a_name_gets_no_markup_into_the_picture():
    name = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>&"
    text = picture(name, analyze(example("perceptron").network))
    svg = ElementTree.fromstring(text)
    assert svg.get("aria-label", "").startswith(name)
    assert {each.tag for each in svg.iter()} == {SVG + kind for kind in ("svg", "circle", "line")}
    assert re.findall(r"<(\w+)", text)[0] == "svg" and "<script" not in text and "<img" not in text


def test_what_is_not_known_is_an_outline_and_does_not_hide_the_others():
    conv = {"id": "conv", "type": "Conv2d", "params": {"kernel_size": 99}, "inputs": ["x"]}
    network = read.network(chain(conv, {"id": "act", "type": "ReLU", "inputs": ["conv"]}))
    svg = ElementTree.fromstring(picture("", analyze(network)))
    dashed = [bar for bar in svg.iter(SVG + "rect") if bar.get("stroke-dasharray")]
    assert len(dashed) == 2 and len(shapes(svg, "rect", "input")) == 1
    assert svg.get("aria-label") == ": 3 nodes"


@pytest.mark.parametrize("nodes", [0, 1, 1_500])
def test_a_network_of_any_size_has_a_small_picture(nodes: int):
    read_by = ["x", *(f"n{at}" for at in range(nodes))]
    layers = [{"id": f"n{at}", "type": "ReLU", "inputs": [read_by[at]]} for at in range(nodes)]
    text = picture("many", analyze(read.network(chain(*layers))))
    assert len(list(ElementTree.fromstring(text).iter(SVG + "rect"))) == min(nodes + 1, MOST) and len(text) < 60_000
    assert picture("", analyze(read.network({"format": "layerlab.network", "version": 1}))).endswith("</svg>")


def test_the_task_is_what_is_learned():
    told = {
        name: task(example(name)) for name in ("lenet5", "linear-regression", "unet-small", "autoencoder-conv", "vgg11")
    }
    assert told == {
        "lenet5": "10 classes",
        "linear-regression": "regression",
        "unet-small": "4 classes, pixel by pixel",
        "autoencoder-conv": "gives its input back",
        "vgg11": "1,000 classes",
    }
