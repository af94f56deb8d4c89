"""What a layer says about itself in figures: its arithmetic comes out, and its window is what PyTorch looks at."""

import ast
import operator
from contextlib import suppress
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from random_entries import LAYERS, accepted, name_of, welcome
from torch import nn
from torch_layers import operation

from builder.catalog import Layer, Signal
from builder.catalog.layers.base import numbers_of, positions
from builder.catalog.layers.window import AXES

OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv}


def result_of(expression: str) -> int:
    """What `3 x 3 x 64 + 64` comes to. Knows whole numbers, +, -, x, // and brackets, nothing else."""

    def value(node: ast.AST) -> int:
        if isinstance(node, ast.BinOp):
            return OPERATORS[type(node.op)](value(node.left), value(node.right))
        assert isinstance(node, ast.Constant) and isinstance(node.value, int), expression
        return node.value

    return value(ast.parse(expression.replace(" x ", " * "), mode="eval").body)


@pytest.mark.parametrize("kind", LAYERS, ids=name_of)
@given(data=st.data())
def test_the_arithmetic_that_is_shown_comes_out(kind: type[Layer], data: st.DataObject):
    layer, given_signals, said = data.draw(accepted(kind))
    shown = layer.worked(given_signals, said)
    for worked in shown:
        assert result_of(worked.expression) == worked.result, worked
        assert worked.result >= 0 and str(worked).endswith(f" = {worked.result:,}")
    results = {
        what: [worked.result for worked in shown if worked.what == what] for what in ("size", "parameters", "macs")
    }
    parameters, macs = numbers_of(layer.parameters(*given_signals)), layer.macs(given_signals, said)
    assert results["parameters"] == ([parameters] if parameters else [])
    assert results["macs"] == ([macs] if macs else [])
    assert set(results["size"]) <= {side for signal in said for side in signal.shape}


IMAGE, STEPS = Signal((64, 28, 30), "CHW"), Signal((7, 10), "TF")


@pytest.mark.parametrize(
    ("name", "params", "given_signals", "shown"),
    [
        ("Concat", {}, [Signal((channels, 28, 28), "CHW") for channels in (64, 128, 32, 32)], "64 + 128 + 32 + 32 = 256"),
        ("Concat", {"dim": 2}, [STEPS, STEPS], "10 + 10 = 20"),
        ("Upsample", {}, [IMAGE], "28 x 2 = 56; 30 x 2 = 60"),
        ("Upsample", {"scale_factor": 3.0}, [Signal((1, 5, 5), "CHW")], "5 x 3 = 15"),
        ("Upsample", {"scale_factor": 0.5}, [IMAGE], ""),
        ("Upsample", {"size": 7}, [IMAGE], ""),
        ("LSTM", {"hidden_size": 20}, [STEPS], "4 x (10 x 20 + 20 x 20 + 20 + 20) = 2,560"),
        ("GRU", {"hidden_size": 20, "bias": False}, [STEPS], "3 x (10 x 20 + 20 x 20) = 1,800"),
        ("RNN", {"hidden_size": 20}, [STEPS], "10 x 20 + 20 x 20 + 20 + 20 = 640"),
        ("LSTM", {"hidden_size": 32, "bidirectional": True}, [STEPS], "2 x 32 = 64; 2 x 4 x (10 x 32 + 32 x 32 + 32 + 32) = 11,264"),
        ("RNN", {"hidden_size": 2, "num_layers": 2}, [STEPS], "10 x 2 + 2 x 2 + 2 + 2 + 2 x 2 + 2 x 2 + 2 + 2 = 40"),
        ("Conv2d", {"kernel_size": (3, 5), "out_channels": 8, "padding": (1, 2)}, [IMAGE],
         "(28 + 2 x 1 - 3) // 1 + 1 = 28; (30 + 2 x 2 - 5) // 1 + 1 = 30; 3 x 5 x 64 x 8 + 8 = 7,688; 28 x 30 x 8 x 3 x 5 x 64 = 6,451,200"),
        ("LayerNorm", {}, [Signal((2, 3, 4), "CHW")], "2 x 3 x 4 + 2 x 3 x 4 = 48"),
    ],
)  # fmt: skip
def test_the_arithmetic_of_a_layer(name: str, params: dict[str, Any], given_signals: list[Signal], shown: str):
    layer = Layer.shelf[name](**params)
    found = layer.worked(tuple(given_signals), layer.infer(*given_signals))
    assert "; ".join(str(worked) for worked in found if worked.what != "macs" or name == "Conv2d") == shown


@pytest.mark.parametrize("name", ["Conv2d", "ConvTranspose2d"])
def test_the_sides_of_a_window_stand_in_one_order(name: str):
    layer, given_signal = Layer.shelf[name](kernel_size=(3, 5)), Signal((2, 7, 9), "CHW")
    shown = [worked for worked in layer.worked((given_signal,), layer.infer(given_signal)) if worked.what != "size"]
    assert all("3 x 5" in worked.expression for worked in shown) and len(shown) == 2


@pytest.mark.parametrize(
    "kind", [kind for kind in LAYERS if kind.group in ("Convolution", "Pooling") and "Adaptive" not in kind.__name__],
    ids=name_of,
)  # fmt: skip
@given(data=st.data())
def test_every_side_that_a_window_leaves_is_worked_out(kind: type[Layer], data: st.DataObject):
    layer, given_signals, said = data.draw(accepted(kind))
    assert {worked.result for worked in layer.sizes(given_signals, said)} == set(said[0].shape[1:])


def seen_from(layer: Layer, given_signals: tuple[Signal, ...], shift: int = 0) -> list[tuple[int, int]]:
    """First and last position of the first input, per side, that one position near the middle of the output depends on.

    Asked of many samples at once, so that a maximum is somewhere else in each.
    """
    run = operation(layer, *given_signals)
    if isinstance(run, nn.Module):
        run.eval()
    x = [torch.randn(48, *signal.shape, requires_grad=True) for signal in given_signals]
    y = run(*x)
    middle = tuple(side // 2 + shift for side in y.shape[2:])
    gradient = torch.autograd.grad(y[(slice(None), slice(None), *middle)].sum(), x[0])[0]
    places = (gradient != 0).flatten(0, 1).any(0).nonzero()
    return list(zip(places.min(0).values.tolist(), places.max(0).values.tolist(), strict=True))


SLIDING = [kind for kind in LAYERS if kind.group in ("Convolution", "Pooling") and hasattr(kind, "_sliding")]

WINDOWS: list[dict[str, Any]] = [
    {"kernel_size": 3}, {"kernel_size": 2, "stride": 3}, {"kernel_size": 3, "dilation": 2}, {"kernel_size": 4, "stride": 2, "padding": 2},
    {"kernel_size": 3, "stride": 2, "padding": "same"}, {"kernel_size": 2, "ceil_mode": True}, {"kernel_size": (3, 1), "stride": (1, 2)},
    {"kernel_size": (1, 2, 3), "stride": (3, 2, 1)}, {"kernel_size": 3, "padding": (0, 1)}, {"kernel_size": 3, "padding": (1, 2, 0, 0)},
]  # fmt: skip


def can_be(kind: type[Layer], params: dict[str, Any]) -> bool:
    with suppress(ValidationError):
        return bool(kind(**params))
    return False


@pytest.mark.parametrize(
    ("kind", "params"),
    [(kind, params) for kind in SLIDING for params in WINDOWS if can_be(kind, params)],
    ids=lambda value: name_of(value) if isinstance(value, type) else str(value),
)
def test_a_window_sees_as_many_positions_as_it_says_and_moves_by_its_stride(kind: type[Layer], params: dict[str, Any]):
    layer = kind(**params, **({"out_channels": 2} if "out_channels" in kind.model_fields else {}))
    signal = Signal((2, *[12] * layer.rank), AXES[layer.rank])
    here, next_to_it = seen_from(layer, (signal,)), seen_from(layer, (signal,), 1)
    assert [last - first + 1 for first, last in here] == [extent for extent, _ in layer.window(signal)]
    steps = [later - first for (first, _), (later, _) in zip(here, next_to_it, strict=True)]
    assert steps == [step for _, step in layer.window(signal)]


@pytest.mark.parametrize("kind", [kind for kind in LAYERS if "ConvTranspose" in kind.__name__], ids=name_of)
@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_a_transposed_window_is_seen_whole_from_one_of_the_positions_that_a_stride_makes(
    kind: type[Layer], kernel: int, stride: int
):
    layer = kind(out_channels=2, kernel_size=kernel, stride=stride, padding=kernel - 1)
    signal = Signal((2, *[8] * layer.rank), AXES[layer.rank])
    outputs = layer.infer(signal)[0].shape[1]
    seen = [seen_from(layer, (signal,), shift) for shift in range(min(stride, outputs // 2)) if kernel >= stride]
    for at, (extent, step) in enumerate(layer.window(signal)):
        assert step == 1 / stride
        assert not seen or max(last - first + 1 for first, last in (places[at] for places in seen)) == extent


OF_THE_SAMPLE = ("GroupNorm", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "LayerNorm", "RMSNorm")
"""Norms whose statistics are those of all positions, which windows leave aside."""

WITH_POSITIONS: list[tuple[Layer, tuple[Signal, ...]]] = [
    *(
        (kind(), (Signal((4, *[6] * rank), axes),) * (2 if len(kind.inputs) == 2 or kind.inputs == ("x*",) else 1))
        for kind in LAYERS for rank, axes in AXES.items()
        if kind.pointwise and kind.gradient and kind.__name__ not in OF_THE_SAMPLE and (axes, "float32") in welcome(kind)
    ),
    *(
        (Layer.shelf[name](**params), (Signal(shape, "CHW"),) * (2 if name == "Concat" else 1))
        for name, params in [
            ("Softmax", {"dim": 1}), ("Softmin", {"dim": -3}), ("LogSoftmax", {"dim": 1}), ("GLU", {"dim": 1}), ("Concat", {"dim": 1}),
            ("Mean", {"dim": 1, "keepdim": True}), ("Slice", {"dim": 1, "stop": 2}), ("Slice", {"dim": 2, "start": 1, "step": 2}),
            ("Pad", {}), ("Pad", {"padding": (1, 2, 3, 4), "mode": "reflect"}), ("Upsample", {}), ("Upsample", {"scale_factor": 0.5}),
            ("Upsample", {"size": (9, 30)}), ("Upsample", {"mode": "bilinear"}), ("Upsample", {"mode": "bicubic"}),
            ("Upsample", {"mode": "bilinear", "align_corners": True, "scale_factor": 1.7}),
        ]
        for shape in [(4, 12, 12), (4, 9, 16)]
    ),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "given_signals"), WITH_POSITIONS, ids=str)
def test_no_position_depends_on_more_than_its_window(layer: Layer, given_signals: tuple[Signal, ...]):
    window = layer.window(*given_signals)
    assert len(window) == positions(given_signals[0])
    for (first, last), (extent, _) in zip(seen_from(layer, given_signals), window, strict=True):
        assert last - first + 1 <= extent


@pytest.mark.parametrize(
    ("name", "params"),
    [("Softmax", {}), ("GLU", {}), ("Concat", {"dim": 2}), ("Mean", {"dim": 2, "keepdim": True}), ("AdaptiveAvgPool2d", {}),
     ("Permute", {"dims": (1, 3, 2)}), ("MatMul", {})],
)  # fmt: skip
def test_what_mixes_positions_all_over_has_no_window(name: str, params: dict[str, Any]):
    layer = Layer.shelf[name](**params)
    given_signals = (Signal((4, 6, 6), "CHW"),) * (2 if name in ("Concat", "MatMul") else 1)
    layer.infer(*given_signals)
    assert layer.window(*given_signals) is None


def test_a_slice_and_an_enlarged_image_look_on_by_their_own_stride():
    image = Signal((4, 12, 12), "CHW")
    assert Layer.shelf["Slice"](dim=2, step=3).window(image) == ((1, 3), (1, 1))
    assert Layer.shelf["Upsample"](size=(24, 6)).window(image) == ((1, 0.5), (1, 2))
