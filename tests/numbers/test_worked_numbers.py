"""Worked numbers of the textbooks, one test a row; the row's id ends the name. `docs/numbers.md` lists them with sources."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from builder.analysis import Analysis, analyze
from builder.analysis.classic import classic
from builder.blocks import example
from builder.blocks.chain import chain, layer
from builder.catalog import Initializer, Layer, Loss, Optimizer, Signal
from builder.compile import build, loss_function, optimizer
from builder.compile.build import fill, resolve
from builder.design.network import Network


def table(shape: list[int], *nodes: dict) -> Analysis:
    """The layer table of layers behind an Input of that shape."""
    return analyze(
        Network.model_validate({"nodes": chain(layer("Input", id="data", shape=shape), *nodes), "outputs": []})
    )


def last(shape: list[int], *nodes: dict):
    return table(shape, *nodes).rows[-1]


def run(name: str, x: torch.Tensor, **params: float) -> torch.Tensor:
    entry = Layer.pick(name, params)
    return resolve(entry.target)(**entry.args())(x)


def activation(name: str, *values: float, **params: float) -> list[float]:
    return run(name, torch.tensor([values], dtype=torch.float32), **params)[0].tolist()


def by_hand(**numbers: list) -> dict:
    """Numbers given by hand for the `weight` or `bias` of a node."""
    return {name: {"type": "Values", "params": {"values": values}} for name, values in numbers.items()}


def receptive_field(side: int, *nodes: dict) -> int:
    """Pixels along one side of the image that the pixel in the middle of the last map depends on."""
    document = {"nodes": chain(layer("Input", id="data", shape=[1, side, side]), *nodes)}
    document["outputs"] = [document["nodes"][-1]["id"]]
    image = torch.zeros(1, 1, side, side, requires_grad=True)
    (maps,) = build(Network.model_validate(document))(image)
    middle = maps.shape[-1] // 2
    (gradient,) = torch.autograd.grad(maps[0, 0, middle, middle], image)
    return int((gradient[0, 0] != 0).any(0).sum())


def loss(name: str, output: torch.Tensor, target: torch.Tensor, **params: object) -> float:
    return loss_function(Loss.pick(name, params))(output, target).item()


GUESSED, TRUE = torch.tensor([1.5, 2, 5]), torch.tensor([1.0, 2, 3])
"""The little vectors."""
SIDES, MARGINS = torch.tensor([[1.0], [-1], [1]]), torch.tensor([[0.5], [-2], [-0.3]])


def slope(name: str, output: float, target: float) -> float:
    """Of a loss, at one output."""
    z = torch.tensor([[float(output)]], requires_grad=True)
    return torch.autograd.grad(loss_function(Loss.pick(name, {}))(z, torch.tensor([[float(target)]])), z)[0].item()


def line_with_outliers(name: str) -> tuple[float, float]:
    """Slope and bias that a loss finds for y = 2 x + 1, where every tenth y is 15 too large."""
    x = torch.linspace(-3, 3, 200)
    y = 2 * x + 1
    y[torch.randperm(200, generator=torch.Generator().manual_seed(0))[:20]] += 15
    line = torch.zeros(2, requires_grad=True)
    compare = loss_function(Loss.pick(name, {}))
    adam = torch.optim.Adam([line], lr=0.05)
    for at in range(1_500):
        adam.param_groups[0]["lr"] = 0.05 * (1 - at / 1_500)
        adam.zero_grad()
        compare(line[0] * x + line[1], y).backward()
        adam.step()
    return line[0].item(), line[1].item()


def steps(name: str, count: int, **params: float) -> list[float]:
    """Where an optimizer takes w from 1 on w squared."""
    weight = nn.Parameter(torch.tensor([1.0], dtype=torch.float64))
    holder = nn.Module()
    holder.weight = weight
    adapt = optimizer(Optimizer.pick(name, params), holder, fused=False)
    places = []
    for _ in range(count):
        adapt.zero_grad()
        weight.square().sum().backward()
        adapt.step()
        places.append(weight.item())
    return places


def filled(name: str, fan_in: int, fan_out: int, **params: float) -> torch.Tensor:
    """A weight filled by a rule, large enough for its statistics: many layers of that size side by side."""
    torch.manual_seed(0)
    weights = []
    for _ in range(math.ceil(1_000_000 / (fan_in * fan_out))):
        linear = nn.Linear(fan_in, fan_out)
        fill(linear.weight, Initializer.pick(name, params))
        weights.append(linear.weight.detach().flatten())
    return torch.cat(weights)


def test_a_perceptron_with_weights_minus_two_and_bias_three_is_a_nand_gate_w1():
    gate = {**layer("Linear", id="gate", out_features=1), "init": by_hand(weight=[[-2, -2]], bias=[3])}
    nodes = chain(layer("Input", id="inputs", shape=[2]), gate)
    module = build(Network.model_validate({"nodes": nodes, "outputs": ["gate"]}))
    (z,) = module(torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]]))
    assert z.flatten().tolist() == [3, 1, 1, -1]
    assert (z > 0).flatten().tolist() == [True, True, True, False]


def test_the_convolution_of_the_worked_patch_gives_one_w2():
    module = build(
        Network.model_validate(
            {
                "nodes": chain(layer("Input", id="patch", shape=[1, 3, 3]), layer("Conv2d", id="conv", out_channels=1)),
                "outputs": ["conv"],
            }
        )
    )
    with torch.no_grad():
        module.conv.weight.copy_(torch.tensor([[[[-1.0, 0, 1]] * 3]]))
        module.conv.bias.fill_(1)
    assert module(torch.tensor([[[[1.0, 0, 2], [5, 4, 2], [3, 4, 5]]]]))[0].item() == 1


def test_one_3x3x3_kernel_has_27_weights_and_a_bias_w3():
    assert last([3, 8, 8], layer("Conv2d", out_channels=1)).parameters == 27 + 1
    assert last([3, 8, 8], layer("Conv2d", out_channels=1, bias=False)).parameters == 27


def test_a_3x3_convolution_of_3_to_64_channels_has_1792_parameters_w4():
    assert last([3, 224, 224], layer("Conv2d", out_channels=64, padding=1)).parameters == 1_792


def test_its_multiply_adds_and_flops_on_224_pixels_w5():
    row = last([3, 224, 224], layer("Conv2d", out_channels=64, padding=1))
    assert (row.macs, row.flops) == (86_704_128, 173_408_256)
    assert last([3, 224, 224], layer("Conv2d", out_channels=64, padding=1, bias=False)).flops == 170_196_992
    assert last([3, 224, 244], layer("Conv2d", out_channels=64, padding=1)).macs == 94_445_568


def test_a_hundred_3x3_filters_on_32x32x3_have_2800_parameters_w6():
    assert last([3, 32, 32], layer("Conv2d", out_channels=100, padding=1)).parameters == 2_800


def test_their_flops_with_and_without_bias_w7():
    row = last([3, 32, 32], layer("Conv2d", out_channels=100, padding=1))
    assert (row.macs, row.flops) == (2_764_800, 5_529_600)
    assert last([3, 32, 32], layer("Conv2d", out_channels=100, padding=1, bias=False)).flops == 5_427_200


def test_a_dense_layer_of_5_to_10_has_60_parameters_w8a():
    assert last([5], layer("Linear", out_features=10)).parameters == 60


def test_a_dense_layer_of_5_to_10_has_50_multiply_adds_w8b():
    row = last([5], layer("Linear", out_features=10))
    assert (row.macs, row.flops) == (50, 100)
    assert last([5], layer("Linear", out_features=10, bias=False)).flops == 90


@pytest.mark.parametrize(("hidden", "parameters"), [(500, 397_510), (512, 407_050), (256, 203_530), (128, 101_770)])
def test_two_dense_layers_on_784_pixels_w9(hidden: int, parameters: int):
    assert (
        table([784], layer("Linear", out_features=hidden), layer("Linear", id="out", out_features=10)).parameters
        == parameters
    )


def test_a_10x10_kernel_on_100x100_pixels_w10():
    row = last([1, 100, 100], layer("Conv2d", out_channels=1, kernel_size=10))
    assert (row.parameters, row.outputs[0].shape) == (101, (1, 91, 91))
    same = last([1, 100, 100], layer("Conv2d", out_channels=1, kernel_size=10, padding="same"))
    assert (same.parameters, same.outputs[0].shape) == (101, (1, 100, 100))
    assert last([1, 100, 100], layer("Conv2d", out_channels=6, kernel_size=10)).parameters == 606
    assert last([10_000], layer("Linear", out_features=1)).parameters == 10_001


def test_the_first_convolution_of_lenet_on_colour_w11():
    row = last([3, 32, 32], layer("Conv2d", out_channels=6, kernel_size=5))
    assert (row.outputs[0].shape, row.parameters, row.macs, row.outputs[0].numbers) == (
        (6, 28, 28),
        456,
        352_800,
        4_704,
    )


def test_its_pooling_halves_the_sides_without_parameters_w12():
    row = last([6, 28, 28], layer("MaxPool2d"))
    assert (row.outputs[0].shape, row.parameters) == ((6, 14, 14), 0)


def test_the_rest_of_lenet_on_colour_w13():
    analysis = table(
        [3, 32, 32],
        layer("Conv2d", id="conv1", out_channels=6, kernel_size=5), layer("MaxPool2d", id="pool1"),
        layer("Conv2d", id="conv2", out_channels=16, kernel_size=5), layer("MaxPool2d", id="pool2"), layer("Flatten"),
        layer("Linear", id="f1", out_features=120), layer("Linear", id="f2", out_features=84), layer("Linear", id="f3", out_features=10),
    )  # fmt: skip
    rows = {row.id: row for row in analysis.rows}
    assert [rows[name].parameters for name in ("conv2", "f1", "f2", "f3")] == [2_416, 48_120, 10_164, 850]
    assert (rows["conv2"].outputs[0].shape, rows["flatten"].outputs[0].shape) == ((16, 10, 10), (400,))
    assert analysis.parameters == 62_006


def test_the_first_convolution_of_lenet_has_122304_connections_w14():
    (count,) = classic(table([1, 32, 32], layer("Conv2d", out_channels=6, kernel_size=5)))
    assert (count.neurons, count.parameters, count.connections) == (4_704, 156, 122_304)


def test_pooling_that_learns_a_factor_and_a_bias_for_each_map_has_12_parameters_w15():
    average = layer("AvgPool2d")
    learned = layer("Conv2d", id="scale", out_channels=6, kernel_size=1, groups=6)
    analysis = table([6, 28, 28], average, learned)
    (count,) = classic(analysis)
    assert (count.neurons, count.parameters, count.connections) == (1_176, analysis.parameters, 5_880)
    assert analysis.parameters == 12
    assert last([6, 28, 28], average).parameters == 0  # as pooling is understood today


def test_a_second_convolution_reads_every_map_of_the_first_w16():
    filters = layer("Conv2d", out_channels=16, kernel_size=5)
    assert last([6, 14, 14], filters).parameters == 2_416
    assert last([1, 14, 14], filters).parameters == 416  # a filter for each map holds for one map alone
    (some,) = (count for count in classic(analyze(example("lenet5-1998").network)) if count.id == "c3")
    assert (some.parameters, some.connections) == (1_516, 151_600)


def test_the_convolution_that_is_a_dense_layer_w17():
    for same in (
        table([16, 5, 5], layer("Conv2d", out_channels=120, kernel_size=5)),
        table([400], layer("Linear", out_features=120)),
    ):
        (count,) = classic(same)
        assert (count.neurons, count.parameters, count.connections) == (120, 48_120, 48_120)


@pytest.mark.parametrize(
    ("side", "kernel", "stride", "positions"), [(32, 3, 1, 32), (32, 3, 2, 16), (5, 3, 2, 3), (28, 5, 1, 28)]
)
@pytest.mark.parametrize("half", [True, False])
def test_same_padding_and_half_the_window_leave_a_position_for_every_stride_w19(
    side: int, kernel: int, stride: int, positions: int, half: bool
):
    padding = kernel // 2 if half else "same"
    conv = layer("Conv2d", out_channels=1, kernel_size=kernel, stride=stride, padding=padding)
    assert last([1, side, side], conv).outputs[0].shape == (1, positions, positions)


@pytest.mark.parametrize(
    ("side", "kernel", "stride", "positions"),
    [(32, 3, 1, 30), (32, 3, 2, 15), (5, 3, 2, 2), (227, 11, 4, 55), (7, 2, 2, 3)],
)
def test_positions_of_a_window_without_padding_w20(side: int, kernel: int, stride: int, positions: int):
    for rule in ({}, {"padding": "valid"}):
        row = last([1, side, side], layer("Conv2d", out_channels=1, kernel_size=kernel, stride=stride, **rule))
        assert row.outputs[0].shape == (1, positions, positions)


def test_one_pixel_of_padding_keeps_the_side_under_a_3x3_window_w21():
    assert last([1, 6, 6], layer("Conv2d", out_channels=1, padding=1)).outputs[0].shape == (1, 6, 6)


@pytest.mark.parametrize(("padding", "positions"), [(0, 54), (2, 55)])
def test_positions_are_rounded_down_w22(padding: int, positions: int):
    row = last([1, 224, 224], layer("Conv2d", out_channels=1, kernel_size=11, stride=4, padding=padding))
    assert row.outputs[0].shape == (1, positions, positions)


def test_leaky_relu_of_minus_two_under_both_slopes_w27():
    assert activation("LeakyReLU", -2, negative_slope=0.1) == pytest.approx([-0.2])
    assert activation("LeakyReLU", -2) == pytest.approx([-0.02])


@pytest.mark.parametrize(
    ("rule", "spread", "bound"),
    [("Default", 0.035714 / 3**0.5, 0.035714), ("XavierNormal", 0.043853, None), ("XavierUniform", 0.075955 / 3**0.5, 0.075955),
     ("HeNormal", 0.050508, None), ("HeUniform", 0.087482 / 3**0.5, 0.087482)],
)  # fmt: skip
def test_first_weights_of_784_to_256_w28(rule: str, spread: float, bound: float | None):
    weights = filled(rule, 784, 256)
    assert weights.std().item() == pytest.approx(spread, rel=0.005)
    assert bound is None or weights.abs().max().item() == pytest.approx(bound, rel=0.001)


def test_losses_of_the_little_vectors_w29():
    for name, value in (("MSE", 1.416667), ("MAE", 0.833333), ("MSLE", 0.0713983), ("MAPE", 38.888889)):
        assert loss(name, GUESSED, TRUE) == pytest.approx(value, rel=1e-6)
    assert loss("Hinge", MARGINS, SIDES) == pytest.approx(0.6)
    assert loss("Exponential", MARGINS, SIDES) == pytest.approx(0.697242, abs=1e-6)
    scores = torch.log(torch.tensor([[0.7, 0.2, 0.1]]))
    assert loss("CrossEntropy", scores, torch.tensor([0])) == pytest.approx(0.356675, abs=1e-6)


def test_smooth_l1_is_that_of_pytorch_with_a_width_of_one_w33():
    off = torch.tensor([0.5, 1, 2, -3, 0.2])
    assert Loss.pick("SmoothL1", {}) == Loss.pick("SmoothL1", {"beta": 1})
    for x in off:
        formula = 0.5 * x**2 if abs(x) < 1 else abs(x) - 0.5
        assert loss("SmoothL1", x, torch.tensor(0.0)) == pytest.approx(formula.item())
        assert loss("SmoothL1", x, torch.tensor(0.0)) == nn.functional.smooth_l1_loss(x, torch.tensor(0.0)).item()


def test_the_first_step_of_adam_is_as_long_as_the_learning_rate_w30():
    assert steps("Adam", 1, lr=0.1)[0] == pytest.approx(0.9, abs=1e-7)


def test_bias_correction_makes_adams_first_moments_the_gradient_and_its_square_w31():
    for gradient_scale in (1e-3, 1.0, 1e3):  # the step is lr * g / sqrt(g^2), whatever the gradient
        weight = nn.Parameter(torch.tensor([1.0], dtype=torch.float64))
        holder = nn.Module()
        holder.weight = weight
        adapt = optimizer(Optimizer.pick("Adam", {"lr": 0.1}), holder, fused=False)
        (gradient_scale * weight).sum().backward()
        adapt.step()
        assert 1 - weight.item() == pytest.approx(0.1, rel=1e-4)


def test_a_plain_recurrent_net_of_10_to_20_to_5_has_725_weights_and_745_with_pytorchs_second_bias_w34():
    nodes = chain(
        layer("Input", id="words", shape=[7, 10]),
        layer("RNN", id="rnn", hidden_size=20),
        layer("Linear", id="scores", inputs=["rnn:last"], out_features=5),
    )
    parameters = analyze(Network.model_validate({"nodes": nodes, "outputs": ["scores"]})).parameters
    (second_bias,) = Layer.pick("RNN", {"hidden_size": 20}).parameters(Signal((7, 10), "TF"))["bias_hh_l0"]
    assert (parameters, parameters - second_bias) == (745, 725)


def test_recurrent_layers_of_10_to_20_keep_two_biases_w35():
    for name, parameters, with_one_bias in (("RNN", 640, 620), ("LSTM", 2_560, 2_480), ("GRU", 1_920, 1_860)):
        assert last([7, 10], layer(name, hidden_size=20)).parameters == parameters
        one_bias = Layer.pick(name, {"hidden_size": 20}).parameters(Signal((7, 10), "TF"))
        del one_bias["bias_hh_l0"]
        assert sum(map(math.prod, one_bias.values())) == with_one_bias


def test_probabilities_of_one_and_four_fifths_lie_ln_four_apart_w36():
    low, high = activation("Softmax", 0.0, math.log(4))
    assert (low, high) == pytest.approx((0.2, 0.8))
    assert math.log(high / low) == pytest.approx(1.386294, abs=1e-5)


def test_five_sigmoids_leave_less_than_a_thousandth_of_a_gradient_w37():
    nodes = [layer("Input", id="data", shape=[1])]
    for at, bias in enumerate([0, -0.5, -0.5, -0.5, -0.5]):  # so that each sigmoid is given 0, where it is steepest
        neuron = layer("Linear", id=f"neuron{at}", out_features=1)
        nodes += [{**neuron, "init": by_hand(weight=[[1]], bias=[bias])}, layer("Sigmoid", id=f"sigmoid{at}")]
    module = build(Network.model_validate({"nodes": chain(*nodes), "outputs": ["sigmoid4"]}))
    x = torch.zeros(1, 1, requires_grad=True)
    assert torch.autograd.grad(module(x)[0].sum(), x)[0].item() == 9.765625e-4


def test_two_3x3_convolutions_cost_less_than_one_5x5_w38():
    two = table([64, 8, 8], layer("Conv2d", id="first", out_channels=64), layer("Conv2d", id="second", out_channels=64))
    one = table([64, 8, 8], layer("Conv2d", out_channels=64, kernel_size=5))
    assert (two.parameters, one.parameters) == (73_856, 102_464)
    assert two.rows[-1].outputs == one.rows[-1].outputs
    conv, wide = layer("Conv2d", out_channels=1), layer("Conv2d", out_channels=1, kernel_size=5)
    assert [receptive_field(15, *[conv] * count) for count in (1, 2, 3)] == [3, 5, 7]
    assert receptive_field(15, wide) == 5
    assert receptive_field(28, wide, layer("AvgPool2d"), wide, layer("AvgPool2d")) == 16


def test_sigmoid_values_and_its_steepest_slope_a1():
    assert activation("Sigmoid", 0, 2) == pytest.approx([0.5, 0.880797], abs=1e-6)
    x = torch.linspace(-5, 5, 1001, dtype=torch.float64, requires_grad=True)
    slopes = torch.autograd.grad(run("Sigmoid", x).sum(), x)[0]
    assert slopes.max().item() == pytest.approx(0.25)


@pytest.mark.parametrize(("depth", "slope"), [(5, 9.765625e-4), (10, 9.536743e-7)])
def test_slopes_of_sigmoids_multiply_and_none_is_above_a_quarter_a3(depth: int, slope: float):
    x = torch.linspace(-9, 9, 1001, dtype=torch.float64, requires_grad=True)
    slopes = torch.autograd.grad(run("Sigmoid", x).sum(), x)[0]
    assert slopes.min() > 0 and slopes.max().item() ** depth == pytest.approx(slope)


def test_tanh_of_two_a4():
    assert activation("Tanh", 2) == pytest.approx([0.964028], abs=1e-6)


def test_relu_is_never_negative_and_zero_on_the_left_a5():
    assert activation("ReLU", -3, 0, 3) == [0, 0, 3]


def test_leaky_relu_of_minus_two_with_a_slope_of_a_tenth_a6():
    assert activation("LeakyReLU", -2, 3, negative_slope=0.1) == pytest.approx([-0.2, 3])


def test_leaky_relu_of_minus_two_with_the_slope_of_pytorch_a7():
    assert activation("LeakyReLU", -2, 3) == pytest.approx([-0.02, 3])


def test_softmax_of_one_two_three_a8():
    assert activation("Softmax", 1, 2, 3) == pytest.approx([0.090031, 0.244728, 0.665241], abs=1e-6)
    assert activation("Softmax", 1.7, 0)[0] == pytest.approx(activation("Sigmoid", 1.7)[0], abs=1e-6)


def test_silu_at_two_and_minus_two_a9():
    assert activation("SiLU", 2, -2) == pytest.approx([1.761594, -0.238406], abs=1e-6)


def test_an_identity_gives_what_it_gets_a10():
    assert activation("Identity", -3, 0, 2.5) == [-3, 0, 2.5]


def test_dense_layers_without_an_activation_are_one_matrix_a11():
    dense = [layer("Linear", id=f"dense{at}", out_features=width) for at, width in enumerate((16, 8, 3))]
    torch.manual_seed(0)
    module = build(
        Network.model_validate({"nodes": chain(layer("Input", id="data", shape=[4]), *dense), "outputs": ["dense2"]})
    )
    weight, bias = torch.eye(4), torch.zeros(4)
    for linear in (module.dense0, module.dense1, module.dense2):
        weight, bias = linear.weight @ weight, linear.weight @ bias + linear.bias
    x = torch.randn(100, 4)
    assert (module(x)[0] - (x @ weight.T + bias)).abs().max().item() < 1e-6


def test_a_step_fires_above_zero_a14():
    assert activation("Step", -1, 0, 0.5) == [0, 0, 1] and activation("Step", -1, 0, 0.5, low=-1) == [-1, -1, 1]


def test_mean_squared_error_of_the_little_vectors_l1():
    assert loss("MSE", torch.tensor([1.5, 2, 5]), torch.tensor([1.0, 2, 3])) == pytest.approx(1.416667, abs=1e-6)


def test_cross_entropy_at_seven_tenths_l8():
    scores = torch.log(torch.tensor([[0.7, 0.2, 0.1]]))
    assert loss("CrossEntropy", scores, torch.tensor([0])) == pytest.approx(0.356675, abs=1e-6)


def test_binary_cross_entropy_at_four_fifths_l6():
    score = torch.tensor([[math.log(4)]])  # sigmoid(ln 4) = 0.8
    assert loss("BCEWithLogits", score, torch.tensor([[1.0]])) == pytest.approx(0.223144, abs=1e-6)
    assert loss("BCEWithLogits", score, torch.tensor([[0.0]])) == pytest.approx(1.609438, abs=1e-6)


def test_mean_absolute_error_of_the_little_vectors_l2():
    assert loss("MAE", GUESSED, TRUE) == pytest.approx(0.833333, abs=1e-6)


def test_mean_squared_logarithmic_error_and_what_its_clip_hides_l3():
    assert loss("MSLE", GUESSED, TRUE) == pytest.approx(0.0713983, abs=1e-7)
    assert loss("MSLE", torch.tensor([-5.0]), torch.tensor([-100.0])) == 0


def test_mean_absolute_percentage_error_and_a_truth_of_zero_l4():
    assert loss("MAPE", GUESSED, TRUE) == pytest.approx(38.888889, abs=1e-5)
    assert loss("MAPE", torch.tensor([1.0]), torch.tensor([0.0])) == pytest.approx(1e7)


def test_smooth_l1_is_squared_up_to_one_and_straight_beyond_l5():
    for off, value in ((0.5, 0.125), (1, 0.5), (2, 1.5), (-3, 2.5)):
        assert loss("SmoothL1", torch.tensor([float(off)]), torch.tensor([0.0])) == value


def test_negative_log_likelihood_is_for_any_number_of_classes_l7():
    logarithms = torch.log(torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]))
    expected = -(math.log(0.7) + math.log(0.8)) / 2
    assert loss("NLL", logarithms, torch.tensor([0, 2])) == pytest.approx(expected)


def test_cross_entropy_is_averaged_over_samples_and_course_code_gets_a_third_of_it_l9():
    p = np.array([[0.8, 0.1, 0.1], [0.2, 0.6, 0.2]])
    course = -np.mean(np.eye(3)[:2] * np.log(p + 10e-6))
    assert loss("CrossEntropy", torch.tensor(p).log(), torch.arange(2)) == pytest.approx(0.366985, abs=1e-6)
    assert course == pytest.approx(0.122323, abs=1e-6)


def test_hinge_and_what_a_target_of_zero_makes_of_it_l10():
    assert loss("Hinge", MARGINS, SIDES) == pytest.approx(0.6)
    assert {loss("Hinge", torch.tensor([[z]]), torch.tensor([[0.0]])) for z in (-9.0, 0.0, 9.0)} == {1.0}
    encode = Loss.pick("Hinge", {}).encode(Signal((1,), "F"), Signal((), "", "int64", 2))
    assert resolve(encode)(torch.tensor([1, 0, 1]), 2).tolist() == SIDES.tolist()


def test_exponential_loss_as_mean_and_as_sum_l11():
    assert loss("Exponential", MARGINS, SIDES) == pytest.approx(0.697242, abs=1e-6)
    assert loss("Exponential", MARGINS, SIDES, reduction="sum") == pytest.approx(2.091725, abs=1e-6)


def test_a_cost_is_the_mean_of_what_samples_lose_and_never_negative_l12():
    for name in ("MSE", "MAE", "SmoothL1", "Huber", "MSLE", "MAPE"):
        each = [loss(name, guess, true) for guess, true in zip(GUESSED, TRUE, strict=True)]
        assert min(each) >= 0 and loss(name, GUESSED, TRUE) == pytest.approx(sum(each) / 3)


def test_what_ends_a_network_and_its_loss_can_be_one_l13():
    scores = torch.tensor([[0.4, -1.3, 2.2], [3.0, 1.0, -2.0]])
    classes, two = torch.tensor([2, 1]), torch.tensor([[1.0], [0.0]])
    apart = loss("NLL", run("LogSoftmax", scores), classes)
    assert loss("CrossEntropy", scores, classes) == pytest.approx(apart)
    assert loss("BCEWithLogits", scores[:, :1], two) == pytest.approx(loss("BCE", run("Sigmoid", scores[:, :1]), two))


def test_outliers_bend_the_line_of_squares_and_hardly_that_of_distances_l15():
    squares, distances, smooth = map(line_with_outliers, ("MSE", "MAE", "SmoothL1"))
    assert squares[1] > 2  # the mean outlier: a tenth of 15
    assert distances == pytest.approx((2, 1), abs=0.03)
    assert smooth == pytest.approx((2, 1), abs=0.2)
    assert abs(distances[1] - 1) < abs(smooth[1] - 1) < abs(squares[1] - 1)


def test_logarithms_and_shares_do_not_see_all_numbers_l16():
    negative = torch.tensor([[-5.0]], requires_grad=True)
    msle = loss_function(Loss.pick("MSLE", {}))(negative, torch.tensor([[3.0]]))
    assert torch.autograd.grad(msle, negative)[0].item() == 0  # nothing is learned there
    scaled = [loss("MAPE", factor * GUESSED, factor * TRUE) for factor in (1, 1e-3, 1e5)]
    assert scaled == pytest.approx([38.888889] * 3)


def test_squares_behind_a_sigmoid_learn_slowest_where_they_are_most_wrong_l17():
    score = torch.tensor([[-6.0]], requires_grad=True)  # the truth is 1
    sigmoid = 1 / (1 + math.exp(6))
    squares = loss_function(Loss.pick("MSE", {}))(score.sigmoid(), torch.tensor([[1.0]]))
    assert torch.autograd.grad(squares, score)[0].item() == pytest.approx(2 * (sigmoid - 1) * sigmoid * (1 - sigmoid))
    assert slope("BCEWithLogits", -6, 1) == pytest.approx(sigmoid - 1)


def test_slopes_of_losses_for_numbers_l18():
    for name, slopes in (
        ("MSE", (0.02, 2, 200)),
        ("MAE", (1, 1, 1)),
        ("SmoothL1", (0.01, 1, 1)),
        ("Huber", (0.01, 1, 1)),
    ):
        assert [slope(name, off, 0) for off in (0.01, 1, 100)] == pytest.approx(slopes)


def test_momentum_on_a_parabola_g6():
    assert steps("SGD", 3, lr=0.1, momentum=0.9) == pytest.approx([0.8, 0.46, 0.062])


def test_nesterov_looks_ahead_on_a_parabola_g7():
    assert steps("SGD", 3, lr=0.1, momentum=0.9, nesterov=True) == pytest.approx([0.62, 0.2224, -0.108352])


def test_adagrad_on_a_parabola_g8():
    assert steps("Adagrad", 3, lr=0.1) == pytest.approx([0.9, 0.833104, 0.780456], abs=1e-6)


def test_adadelta_on_a_parabola_g9():
    assert steps("Adadelta", 3, lr=1.0, rho=0.9) == pytest.approx([0.996838, 0.993598, 0.990309], abs=1e-6)


def test_rmsprop_on_a_parabola_g10():
    assert steps("RMSprop", 3, lr=0.1, alpha=0.9) == pytest.approx([0.683772, 0.498871, 0.369181], abs=1e-6)


def test_adams_first_step_on_a_parabola_with_its_defaults_g11():
    adam = Optimizer.pick("Adam", {"lr": 0.1})
    assert (adam.betas, adam.eps) == ((0.9, 0.999), 1e-8)
    assert steps("Adam", 1, lr=0.1) == pytest.approx([0.9], abs=1e-7)


def test_adamax_and_nadam_on_a_parabola_g12():
    assert steps("Adamax", 3, lr=0.1) == pytest.approx([0.9, 0.805168, 0.715499], abs=1e-6)
    assert steps("NAdam", 3, lr=0.1) == pytest.approx([0.894355, 0.819973, 0.752729], abs=1e-6)


def test_rmsprop_is_adam_without_a_mean_and_without_its_correction_w32():
    """The correction divides the mean square by 1 - β2^t: rate and epsilon take it back at every step."""
    torch.manual_seed(0)
    gradients = torch.randn(20, 5, dtype=torch.float64)
    moved = []
    for entry in (Optimizer.pick("RMSprop", {"alpha": 0.9}), Optimizer.pick("Adam", {"lr": 0.01, "betas": (0, 0.9)})):
        holder = nn.Linear(1, 5, bias=False).double()
        nn.init.ones_(holder.weight)
        adapt = optimizer(entry, holder, fused=False)
        for step, gradient in enumerate(gradients, start=1):
            if entry.name == "Adam":
                correction = math.sqrt(1 - 0.9**step)
                adapt.param_groups[0].update(lr=0.01 / correction, eps=1e-8 / correction)
            holder.weight.grad = gradient.unsqueeze(1)
            adapt.step()
        moved.append(holder.weight.detach())
    assert torch.allclose(*moved, rtol=0, atol=1e-14)


def test_gradient_descent_on_a_parabola_n14():
    assert steps("SGD", 3, lr=0.1) == pytest.approx([0.8, 0.64, 0.512])


@pytest.mark.parametrize("rule", ["Default", "Standard"])
def test_the_bound_of_the_default_and_of_the_standard_rule_is_one_over_the_root_of_the_fan_in_i3(rule: str):
    weights = filled(rule, 100, 50)
    assert weights.abs().max().item() == pytest.approx(0.1, rel=0.001)
    assert weights.std().item() == pytest.approx(0.057735, rel=0.005)


@pytest.mark.parametrize(("fans", "spread"), [((100, 50), 0.115470), ((784, 256), 0.043853)])
def test_the_spread_of_xavier_normal_i4(fans: tuple[int, int], spread: float):
    assert filled("XavierNormal", *fans).std().item() == pytest.approx(spread, rel=0.005)


@pytest.mark.parametrize(("fans", "bound"), [((100, 50), 0.2), ((784, 256), 0.075955)])
def test_the_bound_of_xavier_uniform_i5(fans: tuple[int, int], bound: float):
    assert filled("XavierUniform", *fans).abs().max().item() == pytest.approx(bound, rel=0.001)


def test_the_spread_of_he_normal_truncated_or_not_i6():
    drawn, truncated = filled("HeNormal", 100, 50), filled("HeTruncated", 100, 50)
    assert drawn.std().item() == pytest.approx(0.141421, rel=0.005)
    assert truncated.std().item() == pytest.approx(0.141421, rel=0.005)
    assert truncated.abs().max().item() == pytest.approx(0.321549, rel=0.001)
    assert drawn.abs().max().item() > 0.5


def test_the_bound_of_he_uniform_i7():
    assert filled("HeUniform", 100, 50).abs().max().item() == pytest.approx(0.244949, rel=0.001)


def test_the_fan_in_of_a_convolution_counts_its_window_i11():
    torch.manual_seed(0)
    weights = []
    for groups in (1, 4):
        convolution = nn.Conv2d(64, 512, 3, groups=groups)
        fill(convolution.weight, Initializer.pick("HeUniform", {}))
        weights.append(convolution.weight.abs().max().item())
    assert weights == pytest.approx([math.sqrt(6 / 576), math.sqrt(6 / 144)], rel=0.001)
