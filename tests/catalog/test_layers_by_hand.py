"""Layers against calculations written down a second time: padding by rule, shapes, noise, norms, gates."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_layers import operation

from builder.catalog import Layer, Signal


def module(name: str, *given: Signal, **params: Any) -> nn.Module:
    """The layer as it is compiled for these signals."""
    run = operation(Layer.shelf[name](**params), *given)
    assert isinstance(run, nn.Module)
    return run


@pytest.mark.parametrize(
    ("side", "kernel", "stride", "dilation"),
    [
        (32, 3, 1, 1),
        (32, 3, 2, 1),
        (5, 3, 2, 1),
        (28, 5, 1, 1),
        (28, 4, 1, 1),
        (9, 2, 4, 1),
        (11, 3, 2, 3),
        (7, 1, 3, 1),
    ],
)
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("mode", ["zeros", "replicate"])
def test_same_pads_as_tensorflow_does(rank: int, side: int, kernel: int, stride: int, dilation: int, mode: str):
    sides = (side, 6, 7)[:rank]
    signal = Signal((2, *sides), {1: "CL", 2: "CHW", 3: "CDHW"}[rank])
    params = {"out_channels": 3, "kernel_size": kernel, "stride": stride, "dilation": dilation, "padding_mode": mode}
    layer = Layer.shelf[f"Conv{rank}d"](padding="same", **params)
    run = operation(layer, signal)
    x = torch.randn(2, *signal.shape)
    added = []
    for n in reversed(sides):  # the rule, for one side: what ceil(n / stride) windows need, the odd one at the end
        needed = max((math.ceil(n / stride) - 1) * stride + (kernel - 1) * dilation + 1 - n, 0)
        added += [needed // 2, needed - needed // 2]
    padded = functional.pad(x, added, "constant" if mode == "zeros" else mode)
    by_hand = getattr(functional, f"conv{rank}d")(padded, run.weight, run.bias, stride=stride, dilation=dilation)
    assert by_hand.shape[2:] == tuple(math.ceil(n / stride) for n in sides)
    assert layer.infer(signal)[0].shape == (3, *by_hand.shape[2:])
    torch.testing.assert_close(run(x), by_hand)


def test_four_paddings_stand_left_right_above_and_below():
    signal = Signal((1, 3, 3), "CHW")
    run = module("Conv2d", signal, out_channels=1, kernel_size=1, padding=(1, 2, 0, 1), bias=False)
    nn.init.ones_(run.weight)
    image = torch.arange(1.0, 10).reshape(1, 1, 3, 3)
    expected = torch.zeros(1, 1, 4, 6)
    expected[..., 0:3, 1:4] = image
    assert torch.equal(run(image), expected)
    assert torch.equal(module("Pad", signal, padding=(1, 2, 0, 1))(image), expected)


def test_explicit_paddings_that_are_even_need_no_module_of_our_own():
    signal = Signal((2, 8, 8), "CHW")
    conv = Layer.shelf["Conv2d"]
    assert conv(padding=(1, 1, 2, 2)).args(signal)["padding"] == (2, 1)
    assert conv(padding="same").args(signal)["padding"] == "same"
    assert conv(padding="same", stride=2, kernel_size=2).args(signal)["padding"] == 0
    assert {conv(padding=padding).runs(signal) for padding in (1, (1, 1, 2, 2), "same", "valid")} == {"nn.Conv2d"}
    assert conv(padding="same", stride=2).runs(signal) == conv(padding=(0, 1, 0, 1)).runs(signal) == "PaddedConv2d"


@pytest.mark.parametrize(
    ("shape", "result"),
    [
        ((-1,), (24,)),
        ((24,), (24,)),
        ((6, -1), (6, 4)),
        ((1, 4, 6), (1, 4, 6)),
        ((2, -1, 3), (2, 4, 3)),
        ((2, 1, 2, 6), (2, 1, 2, 6)),
    ],
)
def test_reshape_keeps_the_order_of_the_numbers(shape: tuple[int, ...], result: tuple[int, ...]):
    signal = Signal((2, 3, 4), "CHW")
    x = torch.randn(5, 2, 3, 4)
    y = module("Reshape", signal, shape=shape)(x)
    assert y.shape[1:] == result == Layer.shelf["Reshape"](shape=shape).infer(signal)[0].shape
    assert torch.equal(y.flatten(), x.flatten())


@pytest.mark.parametrize(
    ("axes", "dims", "result"),
    [("CL", (2, 1), "TF"), ("TF", (2, 1), "CL"), ("HW", (2, 1), "HW"), ("TT", (2, 1), "TT"), ("F", (1,), "F"), ("CHW", (3, 1, 2), "CHW"),
     ("CHW", (1, 2, 3), "CHW"), ("CDHW", (4, 2, 3, 1), "CDHW")],
)  # fmt: skip
def test_permute_puts_sides_and_their_meaning_in_order(axes: str, dims: tuple[int, ...], result: str):
    signal = Signal((2, 3, 4, 5)[: len(axes)], axes)
    said = Layer.shelf["Permute"](dims=dims).infer(signal)[0]
    x = torch.randn(6, *signal.shape)
    y = module("Permute", signal, dims=dims)(x)
    assert said == Signal(tuple(signal.shape[side - 1] for side in dims), result) and y.shape == (6, *said.shape)
    letters = "ijkl"[: len(axes)]
    assert torch.equal(y, torch.einsum(f"b{letters}->b{''.join(letters[side - 1] for side in dims)}", x))


def test_reading_a_line_as_a_sequence_and_back_changes_nothing():
    line, turn = Signal((3, 7), "CL"), Layer.shelf["Permute"]()
    assert turn.infer(*turn.infer(line)) == (line,)


@pytest.mark.parametrize(
    ("params", "expected"),
    [({"start": 1}, [1, 2, 3, 4]), ({"stop": 2}, [0, 1]), ({"start": -2}, [3, 4]), ({"start": 1, "stop": -1}, [1, 2, 3]), ({"step": 2}, [0, 2, 4]),
     ({"start": -99, "stop": 99}, [0, 1, 2, 3, 4])],
)  # fmt: skip
@pytest.mark.parametrize("dim", [1, 2, -1])
def test_slice_takes_what_python_takes(params: dict[str, int], expected: list[int], dim: int):
    signal = Signal((5, 5), "TF")
    x = torch.randn(3, 5, 5)
    taken = module("Slice", signal, dim=dim, **params)(x)
    assert torch.equal(taken, x[:, expected] if dim == 1 else x[:, :, expected])
    assert taken.shape[1:] == Layer.shelf["Slice"](dim=dim, **params).infer(signal)[0].shape


def test_what_stands_before_a_mean_goes_and_the_rest_keeps_its_meaning():
    mean = Layer.shelf["Mean"]
    image, sequence = Signal((3, 4, 5), "CHW"), Signal((4, 5), "TF")
    assert mean().infer(sequence) == (Signal((5,), "F"),)
    assert mean().infer(image) == (Signal((4, 5), "HW"),)
    assert mean(dim=2).infer(image) == (Signal((3, 5), "CL"),) and mean(dim=3).infer(image) == (Signal((3, 4), "CL"),)
    assert mean(dim=-1, keepdim=True).infer(image) == (Signal((3, 4, 1), "CHW"),)
    assert mean(dim=1).infer(Signal((5,), "F")) == (Signal((), ""),)
    x = torch.randn(2, 4, 5)
    torch.testing.assert_close(module("Mean", sequence)(x), x.sum(1) / 4)


def test_a_matrix_product_names_what_its_rows_and_columns_are():
    product = Layer.shelf["MatMul"]()
    queries, keys = Signal((4, 8), "TF"), Signal((8, 6), "CL")
    (scores,) = product.infer(queries, keys)
    assert scores == Signal((4, 6), "TT")
    assert product.infer(scores, Signal((6, 8), "TF")) == (Signal((4, 8), "TF"),)
    assert product.macs((queries, keys), (scores,)) == 4 * 6 * 8
    assert product.flops((queries, keys), (scores,)) == 4 * 6 * (2 * 8 - 1)


def test_a_factor_for_every_channel_scales_a_whole_image():
    image, factors = Signal((3, 4, 5), "CHW"), Signal((3, 1, 1), "CHW")
    multiply = Layer.shelf["Multiply"]()
    assert multiply.infer(factors, image) == multiply.infer(image, factors) == (image,)
    x, gate = torch.randn(2, 3, 4, 5), torch.randn(2, 3, 1, 1)
    assert torch.equal(operation(multiply)(gate, x), torch.einsum("bchw,bc->bchw", x, gate[..., 0, 0]))


@pytest.mark.parametrize(("p", "finite"), [(1.0, True), (2.0, True), (4.0, True), (3.0, False), (2.5, False)])
def test_an_odd_or_fractional_norm_needs_numbers_that_are_not_negative(p: float, finite: bool):
    pool, x = module("LPPool1d", Signal((1, 2), "CL"), norm_type=p), torch.tensor([[[-3.0, -2.0]]])
    assert pool(x).isfinite().item() is finite and pool(x.abs()).isfinite().all()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("name", "norms", "looks"), [("TransformerEncoderLayer", 2, 1), ("TransformerDecoderLayer", 3, 2)]
)
def test_norms_and_softmax_cost_the_same_inside_a_transformer(name: str, norms: int, looks: int, bias: bool):
    x, width = Signal((5, 8), "TF"), 16
    given = (x,) * looks
    inside = Layer.shelf[name](nhead=2, dim_feedforward=width, bias=bias).operations(given, (x,))
    norm = Layer.shelf["LayerNorm"](bias=bias).operations((x,), (x,))["normalization"]
    scores = Signal((2, 5, 5), "CHW")
    softmax = Layer.shelf["Softmax"]().operations((scores,), (scores,))["activation"]
    assert (inside["normalization"], inside["activation"]) == (norms * norm, looks * softmax + 5 * width)
    alone = Layer.shelf["MultiheadAttention"](num_heads=2).operations((x, x), (x,))
    assert alone == {"activation": softmax}


def test_average_and_maximum_of_several_inputs():
    x = [torch.tensor([[1.0, 5.0]]), torch.tensor([[2.0, -4.0]]), torch.tensor([[6.0, 2.0]])]
    assert operation(Layer.shelf["Average"]())(*x).tolist() == [[3.0, 1.0]]
    assert operation(Layer.shelf["Maximum"]())(*x).tolist() == [[6.0, 5.0]]
    assert operation(Layer.shelf["Subtract"]())(*x[:2]).tolist() == [[-1.0, 9.0]]


def test_noise_has_the_spread_that_was_asked_for_and_ends_with_training():
    noise = module("GaussianNoise", Signal((1000,), "F"), std=0.3)
    x = torch.zeros(50, 1000)
    assert noise(x).std().item() == pytest.approx(0.3, rel=0.02) and abs(noise(x).mean().item()) < 0.01
    assert torch.equal(noise.eval()(x), x)


def test_drop_path_drops_whole_samples_and_keeps_the_mean():
    path = module("DropPath", Signal((4, 5), "TF"), p=0.25)
    y = path(torch.ones(4000, 4, 5))
    assert torch.equal(y.amin((1, 2)), y.amax((1, 2)))  # a sample is dropped whole, or not at all
    assert y.unique().tolist() == pytest.approx([0, 4 / 3])
    assert (y == 0).float().mean().item() == pytest.approx(0.25, abs=0.03)
    x = torch.randn(3, 4, 5)
    assert torch.equal(path.eval()(x), x)


@pytest.mark.parametrize(("low", "expected"), [(0, [0, 0, 1]), (-1, [-1, -1, 1])])
def test_a_step_fires_above_zero(low: int, expected: list[float]):
    x = torch.tensor([[-2.0, 0.0, 0.1]], requires_grad=True)
    y = module("Step", Signal((3,), "F"), low=low)(x)
    assert y[0].tolist() == expected and y.dtype == x.dtype and not y.requires_grad


def centred(x: Tensor, sides: tuple[int, ...], eps: float = 1e-5) -> Tensor:
    mean = x.mean(sides, keepdim=True)
    return (x - mean) / ((x - mean).square().mean(sides, keepdim=True) + eps).sqrt()


@pytest.mark.parametrize(
    ("axes", "shape", "sides", "normalized"),
    [("F", (6,), None, (-1,)), ("TF", (4, 6), None, (-1,)), ("TF", (4, 6), 2, (-2, -1)), ("CL", (4, 6), None, (-2, -1)),
     ("CHW", (4, 6, 5), None, (-3, -2, -1)), ("CHW", (4, 6, 5), 1, (-1,))],
)  # fmt: skip
def test_layer_norm_brings_the_usual_sides_to_one_mean(
    axes: str, shape: tuple[int, ...], sides: int | None, normalized: tuple[int, ...]
):
    signal, x = Signal(shape, axes), torch.randn(3, *shape)
    torch.testing.assert_close(module("LayerNorm", signal, sides=sides)(x), centred(x, normalized))
    rms = module("RMSNorm", signal, sides=sides, eps=1e-5)(x)
    torch.testing.assert_close(rms, x / (x.square().mean(normalized, keepdim=True) + 1e-5).sqrt())


def test_group_norm_between_layer_norm_and_instance_norm():
    signal, x = Signal((4, 5, 6), "CHW"), torch.randn(3, 4, 5, 6)
    grouped = module("GroupNorm", signal, num_groups=2)(x)
    torch.testing.assert_close(grouped, centred(x.reshape(3, 2, 2, 5, 6), (-3, -2, -1)).reshape(x.shape))
    one, each = module("GroupNorm", signal, num_groups=1)(x), module("GroupNorm", signal, num_groups=4)(x)
    torch.testing.assert_close(one, module("LayerNorm", signal)(x))
    torch.testing.assert_close(each, module("InstanceNorm2d", signal)(x))


def test_local_response_norm_divides_by_the_squares_of_the_channels_beside():
    x = torch.randn(2, 6, 3, 3)
    y = module("LocalResponseNorm", Signal((6, 3, 3), "CHW"), size=3, alpha=0.6, beta=0.5, k=2.0)(x)
    for channel in range(6):
        beside = x[:, max(0, channel - 1) : channel + 2].square().sum(1)
        torch.testing.assert_close(y[:, channel], x[:, channel] / (2 + 0.6 / 3 * beside).sqrt())
