"""Spreads at the first step against closed forms, against networks with hooks written by hand, and the lesson of the curriculum."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from variants import changed

from builder.blocks import example
from builder.data import Arrays, load
from builder.design import read
from builder.design.experiment import Experiment
from builder.design.network import to_json
from builder.design.streams import seed_of
from builder.train.execution import choose
from builder.train.recorder import Silent
from builder.train.run import train
from builder.train.spread import spread

Json = dict[str, Any]


def look(experiment: Experiment, arrays: Arrays | None = None, stop_after: int | None = None) -> Json:
    told: list[float] = []
    return spread(
        experiment, choose(experiment, "cpu"), arrays or load(experiment.data), told.append,
        lambda: stop_after is not None and len(told) >= stop_after,
    )  # fmt: skip


def of(seen: Json, name: str) -> Json:
    (found,) = (scheme for scheme in seen["schemes"] if scheme["name"] == name)
    return dict(found)


def at(seen: Json, scheme: str, measure: str) -> dict[str, float]:
    return {node["id"]: value for node, value in zip(seen["nodes"], of(seen, scheme)[measure], strict=True)}


def stack(depth: int, activation: str | None, rule: Json) -> tuple[Experiment, Arrays]:
    """So many dense layers of 256 units, an activation behind each, and data that are normally distributed."""
    nodes: list[Json] = [{"id": "data", "type": "Input", "params": {"shape": [128, 2]}}]
    nodes.append({"id": "flat", "type": "Flatten", "inputs": ["data"]})
    for layer in range(1, depth + 1):
        nodes.append(
            {"id": f"dense{layer}", "type": "Linear", "params": {"out_features": 256}, "inputs": [nodes[-1]["id"]]}
        )
        if activation:
            nodes.append({"id": f"bent{layer}", "type": activation, "inputs": [nodes[-1]["id"]]})
    nodes.append({"id": "sum", "type": "Linear", "params": {"out_features": 1}, "inputs": [nodes[-1]["id"]]})
    document = to_json(example("sequence-lstm"))
    document["data"] = {"source": {"type": "AddingProblem", "params": {"length": 128, "samples": 400}}}
    document["network"] = {"nodes": nodes, "outputs": ["sum"]}
    document["recipe"]["init"] = {"weight": rule, "bias": {"type": "Zeros"}}
    experiment = read.experiment(document)
    arrays = load(experiment.data)
    (column,) = arrays.features
    noise = np.random.default_rng(1)
    parts = {
        name: {**part, column: noise.normal(size=part[column].shape).astype(np.float32)}
        for name, part in arrays.parts.items()
    }
    return experiment, dataclasses.replace(arrays, parts=parts)


# Closed forms ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.02, 0.1])
def test_in_a_linear_stack_each_layer_multiplies_the_spread_by_sigma_times_the_root_of_its_width(sigma: float) -> None:
    seen = look(*stack(6, None, {"type": "Normal", "params": {"std": sigma}}))
    factor = sigma * math.sqrt(256)
    forward = at(seen, "As it is", "activation")
    back = at(seen, "As it is", "gradient")
    for layer in range(1, 7):
        assert forward[f"dense{layer}"] == pytest.approx(factor**layer, rel=0.2)
    for layer in range(1, 6):
        assert back[f"dense{layer}"] == pytest.approx(back["dense6"] * factor ** (6 - layer), rel=0.2)


def test_orthogonal_weights_keep_the_length_of_every_signal() -> None:
    seen = look(*stack(6, None, {"type": "Orthogonal"}))
    forward, back = at(seen, "As it is", "activation"), at(seen, "As it is", "gradient")
    assert [forward[f"dense{layer}"] for layer in range(1, 7)] == pytest.approx([1.0] * 6, rel=0.02)
    assert [back[f"dense{layer}"] for layer in range(1, 6)] == pytest.approx([back["dense6"]] * 5, rel=0.05)


def test_behind_a_relu_half_of_all_is_zero_and_the_mean_is_what_a_normal_distribution_says() -> None:
    seen = look(*stack(1, "ReLU", {"type": "HeNormal"}))
    assert at(seen, "As it is", "zeros")["bent1"] == pytest.approx(0.5, abs=0.02)
    assert at(seen, "As it is", "mean")["bent1"] == pytest.approx(math.sqrt(2 / (2 * math.pi)), rel=0.05)
    spread = math.sqrt(2 * (0.5 - 1 / (2 * math.pi)))  # of max(0, z) for z of variance 2
    assert at(seen, "As it is", "activation")["bent1"] == pytest.approx(spread, rel=0.05)
    assert at(seen, "As it is", "zeros")["dense1"] is None


# The curriculum's figures (E07): 10 layers of 256, the spread behind the last ------------------------------------


@pytest.mark.parametrize(
    ("activation", "scheme", "measured", "within"),
    [
        ("Tanh", "Normal, σ 1", 0.97, 1.05),
        ("Tanh", "Normal, σ 0.01", 1e-8, 2.0),
        ("Tanh", "Xavier uniform", 0.22, 1.3),
        ("ReLU", "Normal, σ 1", 1.8e10, 2.5),
        ("ReLU", "Normal, σ 0.01", 1.8e-10, 2.5),
        ("ReLU", "PyTorch's own", 7.7e-5, 2.5),
        ("ReLU", "Xavier uniform", 0.016, 2.0),
        ("ReLU", "He normal", 0.55, 2.0),
    ],
)
def test_a_bad_beginning_saturates_or_vanishes_and_xavier_and_he_keep_the_spread(
    activation: str, scheme: str, measured: float, within: float
) -> None:
    seen = look(*stack(10, activation, {"type": "Sparse"}))
    found = at(seen, scheme, "activation")["bent10"]
    assert measured / within < found < measured * within


# By hand ---------------------------------------------------------------------------------------------------------


class Watched:
    """Outputs that a network written by hand has kept, and the slopes that came back to them."""

    def __init__(self) -> None:
        self.kept: dict[str, Tensor] = {}

    def keep(self, name: str, value: Tensor) -> Tensor:
        value.retain_grad()
        self.kept[name] = value
        return value

    def hook(self, name: str, module: nn.Module) -> nn.Module:
        module.register_forward_hook(lambda _module, _given, result: self.keep(name, result))
        return module

    def compare(self, seen: Json, *names: str) -> None:
        activation, gradient = at(seen, "As it is", "activation"), at(seen, "As it is", "gradient")
        mean = at(seen, "As it is", "mean")
        for name in names:
            value = self.kept[name]
            assert value.grad is not None
            assert activation[name] == pytest.approx(value.std(correction=0).item(), rel=1e-4), name
            assert mean[name] == pytest.approx(value.mean().item(), rel=1e-3, abs=1e-6), name
            assert gradient[name] == pytest.approx(value.grad.std(correction=0).item(), rel=1e-4), name


def first_samples(experiment: Experiment, *columns: str) -> list[Tensor]:
    part = load(experiment.data).parts["train"]
    return [torch.tensor(part[name][:256]) for name in columns]


def test_a_dense_network_against_hooks() -> None:
    experiment = example("digits-mlp")
    seen = look(experiment)
    x, y = first_samples(experiment, "image", "digit")
    torch.manual_seed(seed_of(experiment.recipe.seed, "init"))
    watched = Watched()
    hidden, scores = nn.Linear(64, 64), nn.Linear(64, 10)
    network = nn.Sequential(
        nn.Flatten(), watched.hook("hidden", hidden), watched.hook("relu", nn.ReLU()), watched.hook("scores", scores)
    )
    nn.functional.cross_entropy(network(x), y).backward()
    watched.compare(seen, "hidden", "relu", "scores")
    assert seen["samples"] == 256
    assert hidden.weight.grad is not None
    assert at(seen, "As it is", "weights")["hidden"] == pytest.approx(
        hidden.weight.grad.std(correction=0).item(), rel=1e-4
    )
    assert at(seen, "As it is", "weights")["relu"] is None


def residual() -> Experiment:
    """Two blocks of convolution, batch norm, ReLU and a skip path around them, and a dense end."""
    document = to_json(example("digits-mlp"))
    inside = [
        {
            "id": "conv",
            "type": "Conv2d",
            "params": {"out_channels": 4, "kernel_size": 3, "padding": 1},
            "inputs": ["x"],
        },
        {"id": "norm", "type": "BatchNorm2d", "inputs": ["conv"]},
        {"id": "relu", "type": "ReLU", "inputs": ["norm"]},
        {"id": "add", "type": "Add", "inputs": ["relu", "x"]},
    ]
    document["network"] = {
        "nodes": [
            {"id": "data", "type": "Input", "params": {"shape": [1, 8, 8]}},
            {"id": "stem", "type": "Conv2d", "params": {"out_channels": 4, "kernel_size": 3}, "inputs": ["data"]},
            {"id": "stage", "block": "Skip", "repeat": 2, "inputs": ["stem"]},
            {"id": "flat", "type": "Flatten", "inputs": ["stage"]},
            {"id": "scores", "type": "Linear", "params": {"out_features": 10}, "inputs": ["flat"]},
        ],
        "outputs": ["scores"],
        "blocks": {"Skip": {"inputs": ["x"], "nodes": inside, "outputs": ["add"]}},
    }
    return read.experiment(document)


def test_a_residual_network_against_one_by_hand_where_sums_are_no_modules() -> None:
    experiment = residual()
    seen = look(experiment)
    x, y = first_samples(experiment, "image", "digit")
    torch.manual_seed(seed_of(experiment.recipe.seed, "init"))
    watched = Watched()
    stem = nn.Conv2d(1, 4, 3)
    blocks = [(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)) for _ in range(2)]
    scores = nn.Linear(4 * 6 * 6, 10)
    h = watched.keep("stem", stem(x))
    for number, (conv, norm) in enumerate(blocks):
        name = f"stage.{number}"
        mapped = watched.keep(f"{name}.norm", norm(watched.keep(f"{name}.conv", conv(h))))
        h = watched.keep(f"{name}.add", watched.keep(f"{name}.relu", torch.relu(mapped)) + h)
    nn.functional.cross_entropy(watched.keep("scores", scores(h.flatten(1))), y).backward()
    watched.compare(seen, *watched.kept)
    assert set(watched.kept) == {node["id"] for node in seen["nodes"]}, "views have the numbers of what they read"


def test_a_recurrent_network_against_one_by_hand_at_the_output_that_is_read() -> None:
    experiment = example("rnn-sequence")
    seen = look(experiment)
    types = {node["id"]: node["type"] for node in seen["nodes"]}
    (reader,) = (id for id, kind in types.items() if kind in ("RNN", "LSTM", "GRU"))
    assert at(seen, "As it is", "gradient")[reader] is not None


def test_an_lstm_against_one_by_hand() -> None:
    document = to_json(example("digits-mlp"))
    document["network"] = {
        "nodes": [
            {"id": "data", "type": "Input", "params": {"shape": [1, 8, 8]}},
            {"id": "rows", "type": "Reshape", "params": {"shape": [8, 8]}, "inputs": ["data"]},
            {"id": "reader", "type": "LSTM", "params": {"hidden_size": 16}, "inputs": ["rows"]},
            {"id": "scores", "type": "Linear", "params": {"out_features": 10}, "inputs": ["reader:last"]},
        ],
        "outputs": ["scores"],
    }
    experiment = read.experiment(document)
    seen = look(experiment)
    x, y = first_samples(experiment, "image", "digit")
    torch.manual_seed(seed_of(experiment.recipe.seed, "init"))
    watched = Watched()
    lstm, scores = nn.LSTM(8, 16, batch_first=True), nn.Linear(16, 10)
    _, (state, _) = lstm(x.reshape(-1, 8, 8))
    nn.functional.cross_entropy(watched.keep("scores", scores(watched.keep("reader", state[-1]))), y).backward()
    watched.compare(seen, "reader", "scores")
    slopes = torch.cat([one.grad.flatten() for one in lstm.parameters() if one.dim() > 1 and one.grad is not None])
    assert at(seen, "As it is", "weights")["reader"] == pytest.approx(slopes.std(correction=0).item(), rel=1e-4)


# The rest --------------------------------------------------------------------------------------------------------


def test_a_run_has_the_same_bits_after_a_look() -> None:
    experiment = changed(example("digits-resnet"), length={"epochs": 1})

    def losses() -> list[tuple[int, float]]:
        recorder = Silent()
        train(experiment, choose(experiment, "cpu"), load(experiment.data), recorder, recorder)
        return recorder.series["train/loss"]

    before, first = losses(), look(experiment)
    assert losses() == before
    assert look(experiment) == first


def test_what_overflows_is_no_number_and_the_rest_is_told() -> None:
    seen = look(*stack(40, "ReLU", {"type": "Normal", "params": {"std": 1.0}}))
    found = of(seen, "As it is")["activation"]
    assert found[0] is not None and found[-1] is None
    assert of(seen, "He normal")["activation"][-1] is not None


def test_a_look_that_has_to_stop_shows_the_ways_to_begin_that_it_has() -> None:
    seen = look(example("digits-mlp"), stop_after=2)
    assert len(seen["schemes"]) == 2
    assert len(look(example("digits-mlp"), stop_after=0)["schemes"]) == 1, "the design's own at least"


def test_a_large_network_is_looked_at_with_fewer_samples() -> None:
    assert look(example("unet-small"), stop_after=1)["samples"] < 256
