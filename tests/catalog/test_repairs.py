"""What a layer suggests where it does not fit repairs it, and the common mistakes have a repair."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_entries import LAYERS, entries, inputs_of, name_of

from builder.analysis import check
from builder.catalog import Layer, Signal
from builder.design import edits, read
from builder.design.network import Network, to_json
from builder.problem import Problem


def network_of(layer: Layer, *given_signals: Signal) -> Network:
    """One Input per port, and the layer."""
    inputs = [
        {
            "id": f"in{at}",
            "type": "Input",
            "params": {"shape": signal.shape, "axes": signal.axes, "dtype": signal.dtype, "classes": signal.classes},
        }
        for at, signal in enumerate(given_signals)
    ]
    node = {"id": "layer", **layer.json_pick(), "inputs": [node["id"] for node in inputs]}
    return Network.model_validate({"nodes": [*inputs, node], "outputs": ["layer"]})


def errors_of(network: Network) -> list[Problem]:
    return [problem for problem in check(network)[1] if problem.severity == "error"]


def assert_fixes_repair(network: Network, problem: Problem) -> None:
    for fix in problem.fixes:
        repaired = read.network(edits.apply(to_json(network), fix.edits))
        assert errors_of(repaired) == [], fix.label


@pytest.mark.parametrize("kind", LAYERS, ids=name_of)
@given(data=st.data())
def test_every_offered_fix_repairs_the_layer(kind: type[Layer], data: st.DataObject):
    network = network_of(data.draw(entries(kind)), *data.draw(inputs_of(kind, data.draw(st.booleans()))))
    for problem in errors_of(network):
        assert problem.node == "layer" and problem.because.endswith(".")
        assert_fixes_repair(network, problem)


IMAGE, ROW, SEQUENCE = Signal((4, 6, 6), "CHW"), Signal((8,), "F"), Signal((5, 3), "TF")

MISTAKES = [
    ("Linear", {}, [IMAGE], "shape/wrong-axes", ["Insert a Flatten in front of it"]),
    ("Linear", {}, [Signal((5,), "T")], "shape/wrong-axes", ["Insert a Flatten in front of it"]),
    ("Linear", {}, [Signal((2, 6), "CL")], "shape/wrong-axes", ["Insert a Flatten in front of it"]),
    ("Conv2d", {"kernel_size": 9}, [IMAGE], "shape/window-too-large", ["Set padding to 2", "Set kernel_size to 6"]),
    ("Conv2d", {"kernel_size": 9, "padding": 1}, [IMAGE], "shape/window-too-large", ["Set padding to 2", "Set kernel_size to 8"]),
    ("Conv2d", {"dilation": 4}, [IMAGE], "shape/window-too-large", ["Set dilation to 1"]),
    ("Conv2d", {"groups": 3}, [IMAGE], "shape/groups", ["Set groups to 1"]),
    ("MaxPool2d", {"kernel_size": 7}, [IMAGE], "shape/window-too-large", ["Set padding to 1", "Set kernel_size to 6"]),
    ("MaxPool2d", {"kernel_size": 3, "padding": 2}, [IMAGE], "shape/padding-too-large", ["Set padding to 1"]),
    ("AvgPool2d", {"kernel_size": 9}, [Signal((1, 2, 20), "CHW")], "shape/window-too-large", ["Set padding to 4", "Set kernel_size to 2"]),
    ("Softmax", {"dim": 2}, [ROW], "shape/no-such-side", ["Use the last side"]),
    ("Flatten", {"start_dim": 2, "end_dim": 1}, [IMAGE], "shape/no-such-side", ["Join all sides"]),
    ("Flatten", {"end_dim": 3}, [SEQUENCE], "shape/no-such-side", ["Join all sides"]),
    ("Concat", {"dim": 2}, [ROW, ROW], "shape/no-such-side", ["Join along side 1"]),
    ("Concat", {"dim": 0}, [ROW, ROW], "shape/no-such-side", ["Join along side 1"]),
    ("Concat", {"dim": 2}, [SEQUENCE, Signal((7, 3), "TF")], "shape/merge-mismatch", ["Join along side 1"]),
    ("Add", {}, [ROW, Signal((4,), "F")], "shape/merge-mismatch", [
        "Insert a Linear on path 1 that makes it 4", "Insert a Linear on path 2 that makes it 8",
    ]),
    ("Add", {}, [IMAGE, Signal((8, 3, 3), "CHW")], "shape/merge-mismatch", ["Insert a 1 x 1 convolution on path 1 that makes it 8 x 3 x 3"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "params", "given_signals", "code", "labels"), MISTAKES, ids=lambda value: str(value)[:40]
)
def test_a_common_mistake_is_explained_and_its_repairs_are_offered(
    name: str, params: dict[str, Any], given_signals: list[Signal], code: str, labels: list[str]
):
    network = network_of(Layer.shelf[name](**params), *given_signals)
    (problem,) = errors_of(network)
    assert (problem.code, problem.node, problem.title.split()[0]) == (code, "layer", "layer")
    for at, signal in enumerate(given_signals):
        assert f"It receives {signal} from in{at}." in problem.because
    assert [fix.label for fix in problem.fixes] == labels
    assert_fixes_repair(network, problem)


def test_a_layer_with_two_mistakes_tells_the_first():
    network = network_of(Layer.shelf["Conv2d"](kernel_size=9, groups=3), IMAGE)
    assert [problem.code for problem in errors_of(network)] == ["shape/groups"]
