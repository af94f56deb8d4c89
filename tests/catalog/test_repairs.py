"""What a layer suggests where it does not fit repairs it, and the common mistakes have a repair."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_entries import LAYERS, entries, inputs_of, name_of

from builder.analysis import check
from builder.catalog import Layer, Signal
from builder.catalog.layers import ShapeProblem
from builder.catalog.signal import KNOWN_AXES
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


IMAGE, ROW, SEQUENCE, LINE = Signal((4, 6, 6), "CHW"), Signal((8,), "F"), Signal((5, 3), "TF"), Signal((3, 7), "CL")
TOKENS, PLANE = Signal((5,), "T", "int64", 9), Signal((6, 6), "HW", "int64", 9)

MISTAKES = [
    ("Linear", {}, [IMAGE], "shape/wrong-axes", ["Insert a Flatten in front of it"]),
    ("Linear", {}, [Signal((5,), "T")], "shape/wrong-axes", ["Insert a Flatten in front of it", "Insert a Reshape to 5 x 1 in front of it"]),
    ("Linear", {}, [LINE], "shape/wrong-axes", ["Insert a Flatten in front of it", "Insert a Permute in front of it"]),
    ("Linear", {}, [Signal((), "")], "shape/wrong-axes", ["Insert a Reshape to 1 in front of it"]),
    ("LSTM", {}, [LINE], "shape/wrong-axes", ["Insert a Permute in front of it"]),
    ("LSTM", {}, [ROW], "shape/wrong-axes", ["Insert a Reshape to 8 x 1 in front of it"]),
    ("LSTM", {}, [Signal((1, 6, 4), "CHW")], "shape/wrong-axes", ["Insert a Reshape to 6 x 4 in front of it"]),
    ("Conv1d", {}, [IMAGE], "shape/wrong-axes", ["Use Conv2d", "Insert a Flatten that lays its positions out in a line"]),
    ("BatchNorm2d", {}, [ROW], "shape/wrong-axes", ["Use BatchNorm1d"]),
    ("GroupNorm", {"num_groups": 8}, [ROW], "shape/one-value", ["Set num_groups to 4"]),
    ("Conv1d", {}, [SEQUENCE], "shape/wrong-axes", ["Insert a Permute in front of it"]),
    ("Conv1d", {}, [ROW], "shape/wrong-axes", ["Insert a Reshape to 1 x 8 in front of it"]),
    ("Conv2d", {}, [Signal((28, 28), "TF")], "shape/wrong-axes", ["Insert a Reshape to 1 x 28 x 28 in front of it"]),
    ("MaxPool2d", {}, [Signal((6, 4), "HW")], "shape/wrong-axes", ["Insert a Reshape to 1 x 6 x 4 in front of it"]),
    ("Conv2d", {}, [Signal((784,), "F")], "shape/wrong-axes", ["Insert a Reshape to 1 x 28 x 28 in front of it"]),
    ("Conv2d", {}, [Signal((3072,), "F")], "shape/wrong-axes", ["Insert a Reshape to 3 x 32 x 32 in front of it"]),
    ("Conv2d", {}, [Signal((785,), "F")], "shape/wrong-axes", []),
    ("BatchNorm1d", {}, [SEQUENCE], "shape/wrong-axes", ["Insert a Flatten in front of it", "Insert a Permute in front of it"]),
    ("MultiheadAttention", {"num_heads": 3}, [SEQUENCE, LINE], "shape/wrong-axes", ["Insert a Permute in front of it"]),
    ("Bilinear", {}, [ROW, IMAGE], "shape/wrong-axes", ["Insert a Flatten in front of it"]),
    ("LSTM", {}, [TOKENS], "dtype/not-float", ["Insert an Embedding in front of it", "Insert a OneHot in front of it"]),
    ("Linear", {}, [Signal((), "", "int64", 9)], "dtype/not-float", ["Insert an Embedding in front of it", "Insert a OneHot in front of it"]),
    ("Conv2d", {}, [PLANE], "dtype/not-float", ["Insert a OneHot in front of it"]),
    ("LSTM", {}, [Signal((5,), "T", "int64")], "dtype/not-float", []),
    ("Multiply", {}, [Signal((5, 32), "TF"), TOKENS], "dtype/not-float", ["Insert an Embedding in front of it"]),
    ("Conv2d", {"kernel_size": 9}, [IMAGE], "shape/window-too-large", ["Set padding to 2", "Set kernel_size to 6"]),
    ("Conv2d", {"kernel_size": 9, "padding": 1}, [IMAGE], "shape/window-too-large", ["Set padding to 2", "Set kernel_size to 8"]),
    ("Conv2d", {"dilation": 4}, [IMAGE], "shape/window-too-large", ["Set padding to 2", "Set dilation to 1"]),
    ("Conv2d", {"groups": 3}, [IMAGE], "shape/groups", ["Set groups to 1"]),
    ("Conv2d", {"groups": 3}, [Signal((3, 6, 6), "CHW")], "shape/groups", ["Set groups to 1", "Set out_channels to 30", "Set out_channels to 33"]),
    ("Conv1d", {"groups": 3, "out_channels": 2}, [LINE], "shape/groups", ["Set groups to 1", "Set out_channels to 3"]),
    ("MaxPool2d", {"kernel_size": 7}, [IMAGE], "shape/window-too-large", ["Set padding to 1", "Set kernel_size to 6"]),
    ("MaxPool2d", {"kernel_size": 3, "padding": 2}, [IMAGE], "shape/padding-too-large", ["Set padding to 1"]),
    ("AvgPool2d", {"kernel_size": 9}, [Signal((1, 2, 20), "CHW")], "shape/window-too-large", ["Set padding to 4", "Set kernel_size to 2 x 9"]),
    ("Conv2d", {"padding": 7, "padding_mode": "reflect"}, [IMAGE], "shape/padding-too-large", ["Pad with zeros"]),
    ("ConvTranspose2d", {"output_padding": 1}, [IMAGE], "shape/output-padding", ["Set output_padding to 0"]),
    ("ConvTranspose2d", {"padding": 9}, [IMAGE], "shape/nothing-left", ["Set padding to 0"]),
    ("MaxPool2d", {"padding": 1, "dilation": 2, "stride": 1}, [Signal((1, 1, 1), "CHW")], "shape/only-padding", ["Set dilation to 1"]),
    ("AvgPool3d", {"kernel_size": 3, "padding": 1}, [Signal((1, 2, 4, 4), "CDHW")], "shape/window-too-large", ["Set kernel_size to 2"]),
    ("GroupNorm", {"num_groups": 6}, [IMAGE], "shape/groups", ["Set num_groups to 2"]),
    ("LayerNorm", {"sides": 2}, [ROW], "shape/no-such-side", ["Use the usual sides"]),
    ("InstanceNorm2d", {}, [Signal((4, 1, 1), "CHW")], "shape/one-position", []),
    ("PReLU", {"per_channel": True}, [SEQUENCE], "shape/wrong-axes", [
        "Learn one slope for all", "Insert a Flatten in front of it", "Insert a Permute in front of it",
    ]),
    ("GLU", {}, [SEQUENCE], "shape/odd-side", []),
    ("GLU", {}, [Signal((4, 5), "TF")], "shape/odd-side", ["Split side 1"]),
    ("Softmax", {"dim": 2}, [ROW], "shape/no-such-side", ["Use the last side"]),
    ("Mean", {"dim": 2}, [ROW], "shape/no-such-side", ["Use the last side"]),
    ("Reshape", {"shape": [3, 3]}, [ROW], "shape/reshape", ["Lay them out in one row"]),
    ("Reshape", {"shape": [3, 2]}, [ROW], "shape/reshape", ["Let side 1 be what is left", "Lay them out in one row"]),
    ("Permute", {}, [IMAGE], "shape/no-such-side", ["Turn the order round"]),
    ("Pad", {"padding": [1, 2, 3]}, [IMAGE], "shape/padding-count", ["Pad every side by 3"]),
    ("Pad", {"padding": 6, "mode": "reflect"}, [IMAGE], "shape/padding-too-large", ["Pad with zeros"]),
    ("Slice", {"start": 9}, [ROW], "shape/nothing-left", ["Take all of it"]),
    ("Upsample", {"mode": "linear"}, [IMAGE], "shape/wrong-mode", ["Use bilinear", "Use nearest"]),
    ("Upsample", {"size": [1, 2, 3]}, [IMAGE], "shape/size-count", ["Make every side 3"]),
    ("Upsample", {"scale_factor": 0.1}, [IMAGE], "shape/nothing-left", ["Set scale_factor to 1"]),
    ("Multiply", {}, [IMAGE, Signal((5, 1, 1), "CHW")], "shape/merge-mismatch", ["Make path 2 as wide as the largest, 4"]),
    ("MatMul", {}, [SEQUENCE, SEQUENCE], "shape/matrix-mismatch", ["Insert a Permute in front of the second"]),
    ("Flatten", {"start_dim": 2, "end_dim": 1}, [IMAGE], "shape/no-such-side", ["Join all sides"]),
    ("Flatten", {"end_dim": 3}, [SEQUENCE], "shape/no-such-side", ["Join all sides"]),
    ("Concat", {"dim": 2}, [ROW, ROW], "shape/no-such-side", ["Join along side 1"]),
    ("Concat", {"dim": 0}, [ROW, ROW], "shape/no-such-side", ["Join along side 1"]),
    ("Concat", {"dim": 2}, [SEQUENCE, Signal((7, 3), "TF")], "shape/merge-mismatch", ["Join along side 1"]),
    ("LSTM", {}, [SEQUENCE, ROW], "shape/not-lengths", []),
    ("RNN", {}, [IMAGE], "shape/wrong-axes", []),
    ("MultiheadAttention", {}, [Signal((5, 6), "TF")] * 2, "shape/heads", ["Set num_heads to 3", "Set num_heads to 6"]),
    ("TransformerEncoderLayer", {"nhead": 7}, [Signal((5, 6), "TF")], "shape/heads", ["Set nhead to 6"]),
    ("TransformerEncoderLayer", {"nhead": 3}, [SEQUENCE, Signal((4,), "T", "bool")], "shape/mask", []),
    ("TransformerDecoderLayer", {"nhead": 3}, [SEQUENCE, Signal((7, 4), "TF")], "shape/memory-width", ["Insert a Linear that makes the memory 3 wide"]),
    ("Embedding", {}, [Signal((5,), "T", "int64")], "shape/no-classes", []),
    ("Embedding", {}, [ROW], "dtype/not-classes", []),
    ("Embedding", {"padding_idx": 9}, [Signal((5,), "T", "int64", 5)], "shape/no-such-class", ["Set padding_idx to 4", "Use no padding"]),
    ("OneHot", {}, [Signal((5,), "T", "int64")], "shape/no-classes", []),
    ("Bilinear", {}, [ROW, SEQUENCE], "shape/merge-mismatch", []),
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


@pytest.mark.parametrize(
    ("name", "params", "given_signal", "relative", "kept"),
    [
        ("Conv1d", {}, IMAGE, "Conv2d", {}),
        ("Conv2d", {"kernel_size": (5, 5), "stride": (1, 2)}, LINE, "Conv1d", {"kernel_size": 5, "stride": [1, 2]}),
        ("MaxPool1d", {"kernel_size": 3}, IMAGE, "MaxPool2d", {"kernel_size": 3}),
        ("AdaptiveAvgPool2d", {}, Signal((2, 3, 4, 5), "CDHW"), "AdaptiveAvgPool3d", {}),
        ("BatchNorm1d", {}, IMAGE, "BatchNorm2d", {}),
        ("BatchNorm2d", {"eps": 0.1}, ROW, "BatchNorm1d", {"eps": 0.1}),
        ("InstanceNorm1d", {}, IMAGE, "InstanceNorm2d", {}),
        ("Dropout1d", {"p": 0.1}, IMAGE, "Dropout2d", {"p": 0.1}),
        ("Dropout2d", {"p": 0.1}, ROW, "Dropout", {"p": 0.1}),
    ],
)  # fmt: skip
def test_the_same_layer_for_as_many_dimensions_as_come_in_is_suggested(
    name: str, params: dict[str, Any], given_signal: Signal, relative: str, kept: dict[str, Any]
):
    with pytest.raises(ShapeProblem) as refused:
        Layer.shelf[name](**params).infer(given_signal)
    found = [suggestion for suggestion in refused.value.suggestions if suggestion.type]
    assert (relative, kept) in [(suggestion.type, suggestion.params) for suggestion in found]
    assert f"Use {relative}" in [suggestion.label for suggestion in found]


@pytest.mark.parametrize("name", [name for name in Layer.shelf if name[-2:] in ("1d", "2d", "3d")])
@pytest.mark.parametrize("axes", sorted(KNOWN_AXES))
def test_few_repairs_are_suggested_for_input_of_the_wrong_kind(name: str, axes: str):
    try:
        Layer.shelf[name]().infer(Signal((4,) * len(axes), axes))
    except ShapeProblem as problem:
        assert len(problem.suggestions) <= 3
        assert all(suggestion.type in (None, *Layer.shelf) for suggestion in problem.suggestions)


def test_a_layer_with_two_mistakes_tells_the_first():
    network = network_of(Layer.shelf["Conv2d"](kernel_size=9, groups=3), IMAGE)
    assert [problem.code for problem in errors_of(network)] == ["shape/groups"]
