"""Penalties, clipped gradients and max-norm: one step of each by its closed form, and loops written by hand."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from variants import changed, quick

from builder.blocks import example
from builder.blocks.chain import chain, layer
from builder.catalog import Clip
from builder.data import load
from builder.design import read
from builder.design.experiment import Experiment, Wish
from builder.design.network import to_json
from builder.design.streams import seed_of
from builder.train.execution import choose
from builder.train.judge import weighed
from builder.train.learner import Learner, learning_step
from builder.train.recorder import Silent
from builder.train.run import Outcome, train
from builder.train.task import task_of

RATE = 0.1
ALL: dict[str, Any] = {
    "penalties": [{"type": "L1", "params": {"strength": 0.01}}, {"type": "L2", "params": {"strength": 0.02}}],
    "clip": {"type": "ByNorm", "params": {"max_norm": 0.3}},
    "max_norm": 0.5,
}


def penalties(**strengths: float) -> dict[str, Any]:
    return {"penalties": [{"type": name, "params": {"strength": value}} for name, value in strengths.items()]}


def run(experiment: Experiment, **wish: Any) -> tuple[Outcome, list[float]]:
    recorder = Silent()
    execution = choose(experiment, Wish.model_validate({"device": "cpu", **wish}))
    outcome = train(experiment, execution, load(experiment.data), recorder, recorder)
    return outcome, [loss for _, loss in recorder.series.get("train/loss", [])]


def one_step(experiment: Experiment) -> tuple[Learner, list[np.ndarray], list[np.ndarray], float]:
    """A learner after one step with all of the training part; its parameters before and after, and the loss it told."""
    execution = choose(experiment, "cpu")
    task, learner = task_of(experiment, execution, load(experiment.data)), Learner.of(experiment, execution, 1)
    before = [parameter.detach().numpy().astype(float) for parameter in learner.network.parameters()]
    part = task.parts["train"]
    loss = learning_step(learner, task)(part.inputs, part.targets).item()
    return (
        learner,
        before,
        [parameter.detach().numpy().astype(float) for parameter in learner.network.parameters()],
        loss,
    )


# One neuron under squared errors: its gradient is 2/n X'(Xw + b - y) --------------------------------------------------


def neuron(**recipe: Any) -> Experiment:
    sgd = {"type": "SGD", "params": {"lr": RATE}}
    return changed(example("linear-regression"), optimizer=sgd, batch={"size": None}, **recipe)


def slopes(experiment: Experiment, w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Gradients of weights and bias, and the loss, of the training part."""
    arrays = load(experiment.data)
    (name,) = experiment.data.source.targets()
    (feature, *_) = experiment.data.source.features()
    x = arrays.parts["train"][feature].reshape(-1, 4).astype(float)
    error = x @ w.ravel() + b - arrays.parts["train"][name].ravel()
    return 2 / len(x) * (error @ x)[None], np.array([2 * error.mean()]), float((error**2).mean())


PULLS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"L1": np.sign, "L2": lambda w: 2 * w}


@pytest.mark.parametrize("pieces", [1, 3])
@pytest.mark.parametrize("kinds", [("L1",), ("L2",), ("L1", "L2")], ids="+".join)
def test_a_penalty_pulls_at_weights_and_not_at_the_bias_and_is_not_in_the_loss_that_is_told(
    kinds: tuple[str, ...], pieces: int
):
    experiment = neuron(**penalties(**dict.fromkeys(kinds, 0.3)))
    experiment = changed(experiment, batch={"size": None, "accumulation": pieces})
    _, (w, b), (new_w, new_b), told = one_step(experiment)
    slope, bias_slope, loss = slopes(experiment, w, b)
    pull = sum(0.3 * PULLS[kind](w) for kind in kinds)
    np.testing.assert_allclose(new_w, w - RATE * (slope + pull), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(new_b, b - RATE * bias_slope, rtol=1e-5, atol=1e-6)
    assert told == pytest.approx(loss, rel=1e-5)
    assert np.abs(pull).max() > 0.1


def test_l2_is_under_plain_descent_a_weight_decay_of_twice_its_strength():
    """As its help says; weight decay of weights alone."""
    decay = {"lr": RATE, "weight_decay": 0.5, "decay_biases_and_norms": False}
    _, _, penalized, _ = one_step(neuron(**penalties(L2=0.25)))
    _, _, decayed, _ = one_step(changed(neuron(), optimizer={"type": "SGD", "params": decay}))
    _, _, plain, _ = one_step(neuron())
    for one, other in zip(penalized, decayed, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    assert np.abs(penalized[0] - plain[0]).max() > 1e-3


@pytest.mark.parametrize("bound", [0.2, 50.0], ids=["cut", "not cut"])
@pytest.mark.parametrize("pieces", [1, 3])
def test_a_clip_by_norm_scales_the_whole_steps_gradient_to_the_bound(bound: float, pieces: int):
    """Bias and penalty included."""
    clip = {"type": "ByNorm", "params": {"max_norm": bound}}
    experiment = neuron(clip=clip, **penalties(L2=0.3))
    experiment = changed(experiment, batch={"size": None, "accumulation": pieces})
    _, (w, b), (new_w, new_b), _ = one_step(experiment)
    slope, bias_slope, _ = slopes(experiment, w, b)
    slope = slope + 0.6 * w
    norm = math.sqrt((slope**2).sum() + (bias_slope**2).sum())
    factor = min(1.0, bound / norm)
    assert (factor < 1) is (bound < 1)
    np.testing.assert_allclose(new_w, w - RATE * factor * slope, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(new_b, b - RATE * factor * bias_slope, rtol=1e-4, atol=1e-6)


def test_a_clip_by_value_cuts_every_number():
    experiment = neuron(clip={"type": "ByValue", "params": {"clip_value": 2.5}})
    _, (w, b), (new_w, new_b), _ = one_step(experiment)
    slope, bias_slope, _ = slopes(experiment, w, b)
    everything = np.abs(np.concatenate([slope.ravel(), bias_slope]))
    assert everything.min() < 2.5 < everything.max()
    np.testing.assert_allclose(new_w, w - RATE * slope.clip(-2.5, 2.5), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(new_b, b - RATE * bias_slope.clip(-2.5, 2.5), rtol=1e-4, atol=1e-6)


def test_max_norm_scales_long_units_back_and_leaves_short_ones_and_biases():
    experiment = changed(quick("digits-mlp"), optimizer={"type": "SGD", "params": {"lr": RATE}}, batch={"size": None})
    _, _, free, _ = one_step(experiment)
    for limit in (0.55, 0.6):
        _, _, kept, _ = one_step(changed(experiment, max_norm=limit))
        for one, other in zip(free, kept, strict=True):
            if one.ndim == 1:
                np.testing.assert_array_equal(one, other)
                continue
            norms = np.linalg.norm(one, axis=1, keepdims=True)
            np.testing.assert_allclose(other, one * np.minimum(1, limit / norms), rtol=1e-5)
        norms = np.concatenate([np.linalg.norm(one, axis=1) for one in free if one.ndim == 2])
        assert norms.min() < limit < norms.max()


# Loops written by hand -----------------------------------------------------------------------------------------------


class ByHand:
    """The network `digits-mlp` with everything asked of it, as one writes it by hand. A run before it has set the threads."""

    def __init__(self, experiment: Experiment) -> None:
        columns = load(experiment.data).parts["train"]
        self.x, self.y = torch.tensor(columns["image"]), torch.tensor(columns["digit"])
        torch.manual_seed(seed_of(experiment.recipe.seed, "init"))
        self.network = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
        self.weights = [self.network[1].weight, self.network[3].weight]
        self.order = torch.Generator().manual_seed(seed_of(experiment.recipe.seed, "order"))
        self.limit, self.shortened = experiment.recipe.max_norm, 0

    def price(self) -> Tensor:
        sizes = sum(weight.abs().sum() for weight in self.weights)
        return 0.01 * sizes + 0.02 * sum(weight.square().sum() for weight in self.weights)

    def steps(self, size: int) -> list[tuple[Tensor, Tensor]]:
        return [(self.x[at], self.y[at]) for at in torch.randperm(len(self.x), generator=self.order).split(size)]

    def clip(self) -> None:
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 0.3)

    def shorten(self) -> None:
        with torch.no_grad():
            for weight in self.weights:
                self.shortened += int((weight.norm(dim=1) > self.limit).sum())
                weight.copy_(torch.renorm(weight, 2, 0, self.limit))


def test_all_of_them_are_the_loop_that_one_writes_by_hand():
    experiment = changed(quick("digits-mlp"), batch={"size": 50}, length={"epochs": 2}, **ALL)
    told, by_hand = run(experiment)[1], ByHand(experiment)
    adam = torch.optim.Adam(by_hand.network.parameters(), lr=0.003, fused=True)
    expected = []
    for _ in range(2):
        for x, y in by_hand.steps(50):
            loss = nn.functional.cross_entropy(by_hand.network(x), y)
            adam.zero_grad()
            (loss + by_hand.price()).backward()
            by_hand.clip()
            adam.step()
            by_hand.shorten()
            expected.append(loss.item())
    assert told == expected and by_hand.shortened > 50


def test_in_float16_gradients_are_unscaled_before_they_are_clipped():
    experiment = changed(quick("digits-mlp"), batch={"size": 50}, length={"epochs": 2}, **ALL)
    told, by_hand, scaler = run(experiment, precision="float16")[1], ByHand(experiment), torch.amp.GradScaler("cpu")
    adam = torch.optim.Adam(by_hand.network.parameters(), lr=0.003, fused=True)
    expected = []
    for _ in range(2):
        for x, y in by_hand.steps(50):
            with torch.autocast("cpu", torch.float16):
                loss = nn.functional.cross_entropy(by_hand.network(x), y)
            adam.zero_grad()
            scaler.scale(loss + by_hand.price()).backward()
            scaler.unscale_(adam)
            by_hand.clip()
            scaler.step(adam)
            scaler.update()
            by_hand.shorten()
            expected.append(loss.item())
    assert told == expected and told != run(experiment)[1]


def test_an_optimizer_that_looks_again_makes_the_sum_small_and_tells_the_loss_of_its_first_look():
    """With a line search, which compares what the looks return."""
    lbfgs = {"lr": 0.5, "max_iter": 4, "line_search_fn": "strong_wolfe"}
    held = {**ALL, "clip": None, "max_norm": 0.1}
    experiment = changed(
        quick("digits-mlp"), optimizer={"type": "LBFGS", "params": lbfgs}, batch={"size": None}, length={"epochs": 6}, **held
    )  # fmt: skip
    told, by_hand = run(experiment)[1], ByHand(experiment)
    optimizer = torch.optim.LBFGS(by_hand.network.parameters(), lr=0.5, max_iter=4, line_search_fn="strong_wolfe")
    expected = []
    for _ in range(6):
        ((x, y),) = by_hand.steps(len(by_hand.x))
        losses: list[float] = []

        def look(x: Tensor = x, y: Tensor = y, losses: list[float] = losses) -> float:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(by_hand.network(x), y)
            total = loss + by_hand.price()
            total.backward()
            losses.append(loss.item())
            return total.item()

        optimizer.step(look)
        by_hand.shorten()
        expected.append(losses[0])
    assert told == expected and by_hand.shortened > 10


def test_an_average_of_weights_is_one_of_shortened_weights():
    """Each unit of the average is no longer than the units that it averages, but for the rounding of a sum."""
    experiment = changed(quick("digits-mlp"), ema=0.5, max_norm=0.3, batch={"size": 100}, length={"epochs": 1})
    execution = choose(experiment, "cpu")
    task, learner = task_of(experiment, execution, load(experiment.data)), Learner.of(experiment, execution, 4)
    learn, part = learning_step(learner, task), task.parts["train"]
    for _ in range(4):
        learn(part.inputs, part.targets)
    for network in (learner.network, learner.judged):
        lengths = [weight.norm(dim=1).max().item() for weight in network.parameters() if weight.dim() == 2]
        assert len(lengths) == 2 and max(lengths) <= 0.3 * (1 + 1e-6)


def test_what_is_frozen_is_neither_priced_nor_shortened():
    document = to_json(changed(quick("digits-mlp"), length={"epochs": 1}, **ALL))
    frozen = next(node for node in document["network"]["nodes"] if node["id"] == "hidden")
    frozen["frozen"] = True
    learner, before, after, _ = one_step(read.experiment(document))
    moved = {
        name: not np.array_equal(old, new)
        for (name, _), old, new in zip(learner.network.named_parameters(), before, after, strict=True)
    }
    assert moved == {"hidden.weight": False, "hidden.bias": False, "scores.weight": True, "scores.bias": True}


def test_a_network_without_weights_that_learn_trains_with_everything_asked_for():
    """Its biases learn alone; nothing is priced, and losses are those without penalties."""
    document = to_json(changed(quick("digits-mlp"), length={"epochs": 1}, batch={"size": 40, "accumulation": 2}))
    nodes = [node for node in document["network"]["nodes"] if node["type"] in ("Input", "Flatten")]
    norm = {"id": "norm", "type": "BatchNorm1d", "inputs": [nodes[-1]["id"]]}
    scores = {"id": "scores", "type": "Linear", "params": {"out_features": 10}, "inputs": ["norm"], "frozen": True}
    document["network"] |= {"nodes": [*nodes, norm, scores], "outputs": ["scores"]}
    document["network"].pop("view", None)
    plain = read.experiment(document)
    outcome, losses = run(changed(plain, **{**ALL, "clip": None}))
    assert outcome.status == "finished" and losses == run(plain)[1]
    assert not [name for name in outcome.metrics if name.startswith("weights/")]


# What is told of it --------------------------------------------------------------------------------------------------


def steep(**recipe: Any) -> Experiment:
    """Layers behind one another whose loss is a number, while the slope at the first is beyond a float32: six times 4e6."""

    def dense(id: str, inputs: int, outputs: int, value: float) -> dict[str, Any]:
        numbers = {"type": "Values", "params": {"values": [[value] * inputs] * outputs}}
        return {**layer("Linear", id=id, out_features=outputs), "init": {"weight": numbers, "bias": {"type": "Zeros"}}}

    image, flat = layer("Input", id="image", shape=[1, 8, 8]), layer("Flatten", id="flat")
    steps = [dense(f"step{at}", 4, 4, 1e6) for at in range(5)]
    layers = dense("first", 64, 4, 2e-38), *steps, dense("scores", 4, 10, 1e6)
    document = to_json(changed(quick("digits-mlp"), objectives=[{"loss": {"type": "MSE"}}], **recipe))
    document["network"] = {"nodes": chain(image, flat, *layers), "outputs": ["scores"]}
    return read.experiment(document)


@pytest.mark.parametrize("clip", Clip.shelf)
def test_what_broke_first_is_found_before_gradients_are_clipped(clip: str):
    """Scaled by a norm that is no number, all gradients are none; cut at a bound, an infinite one is finite."""
    problem = run(steep(clip={"type": clip}))[0].problem
    assert problem is not None and (problem.code, problem.node) == ("run/diverged", "first")
    assert "At step 1 the gradient of first.bias became infinite, before anything else did" in problem.because


def test_the_last_scores_weigh_the_weights_that_learn():
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2).requires_grad_(False), nn.BatchNorm1d(2))
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[3.0, 4.0], [0.0009, -0.0011]]))
    told = weighed(network)
    assert told == {"norm": pytest.approx(5, rel=1e-6), "sparsity": 0.25}
    assert weighed(nn.BatchNorm1d(2)) == {}


def weighed_after(**recipe: Any) -> dict[str, float]:
    """The last scores of 60-16-2 units that have learned from tumours and noise."""
    experiment = changed(example("sparse-weights"), **recipe)
    recorder = Silent()
    return train(experiment, choose(experiment, "cpu"), load(experiment.data), recorder, recorder).metrics


def test_l1_makes_weights_sparse_and_l2_makes_them_small():
    """Of half of the columns nothing can be learned: with L1 nine weights of ten go, with L2 all stay and shrink."""
    free, sparse, small = (weighed_after(**held) for held in (penalties(), penalties(L1=0.01), penalties(L2=0.01)))
    assert free["weights/sparsity"] < 0.05 and small["weights/sparsity"] < 0.05
    assert sparse["weights/sparsity"] > 0.8
    assert small["weights/norm"] < sparse["weights/norm"] < free["weights/norm"]
    assert min(sparse["test/accuracy"], small["test/accuracy"]) >= free["test/accuracy"]
