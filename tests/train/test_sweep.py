"""The range test against a loop written by hand, and against what is known of gradient descent."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from variants import changed

from builder.analysis import range_test
from builder.blocks import example
from builder.data import load
from builder.design import read
from builder.design.experiment import Experiment, Wish
from builder.design.network import to_json
from builder.design.streams import seed_of
from builder.problem import Refused
from builder.train.execution import choose
from builder.train.recorder import Silent
from builder.train.run import train
from builder.train.sweep import sweep


def swept(experiment: Experiment, stop_after: int | None = None, **wish: Any) -> tuple[dict[str, Any], list[float]]:
    """What a test sees, and how far it told that it was."""
    told: list[float] = []
    execution = choose(experiment, Wish.model_validate({"device": "cpu", **wish}))
    seen = sweep(
        experiment, execution, load(experiment.data), told.append,
        lambda: stop_after is not None and len(told) >= stop_after,
    )  # fmt: skip
    return seen, told


def digits(**recipe: Any) -> Experiment:
    document = to_json(example("digits-mlp"))
    document["recipe"] |= recipe
    return read.experiment(document)


def test_it_is_the_recipes_own_loop_at_rising_rates() -> None:
    experiment = digits(
        optimizer={"type": "SGD", "params": {"momentum": 0.9, "lr": 0.5}},
        schedule={"type": "Cosine"},
        warm_up=2,
        penalties=[{"type": "L2", "params": {"strength": 0.01}}],
        clip={"type": "ByNorm", "params": {"max_norm": 1.0}},
        batch={"size": 256},
    )
    seen, told = swept(experiment)
    x, y = (torch.tensor(load(experiment.data).parts["train"][name]) for name in ("image", "digit"))
    torch.manual_seed(seed_of(experiment.recipe.seed, "init"))
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    sgd = torch.optim.SGD(network.parameters(), lr=1.0, momentum=0.9)
    order = torch.Generator().manual_seed(seed_of(experiment.recipe.seed, "order"))
    weights = [weight for weight in network.parameters() if weight.dim() > 1]
    losses: list[float] = []
    rates = np.geomspace(1e-6, 100, 100).tolist()
    while len(losses) < len(seen["losses"]):
        for batch in torch.randperm(len(x), generator=order).split(256):
            if len(losses) == len(seen["losses"]):
                break
            loss = nn.functional.cross_entropy(network(x[batch]), y[batch])
            sgd.zero_grad()
            (loss + 0.01 * sum(weight.square().sum() for weight in weights)).backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            sgd.param_groups[0]["lr"] = rates[len(losses)]
            sgd.step()
            losses.append(loss.item())
    assert len(losses) > 5 * -(-len(x) // 256), "several epochs of small data are gone through"
    assert seen["losses"] == pytest.approx(losses, rel=1e-3)
    assert seen["rates"] == pytest.approx(rates[: len(losses)])
    assert told == pytest.approx([(step + 1) / 100 for step in range(len(told))])


def test_gradient_descent_explodes_where_its_rate_passes_two_over_the_curvature() -> None:
    """A sum of two numbers is learned by least squares; the Hessian's largest eigenvalue says which rate is too much."""
    experiment = changed(example("linear-regression"), batch={"size": None})
    seen, _ = swept(experiment)
    x = load(experiment.data).parts["train"]
    (inputs,) = (torch.tensor(x[name]) for name in load(experiment.data).features)
    with_ones = torch.cat([inputs.flatten(1), torch.ones(len(inputs), 1)], dim=1)
    curvature = torch.linalg.eigvalsh(2 * with_ones.T @ with_ones / len(inputs))[-1].item()
    rates, losses = np.array(seen["rates"]), np.array(seen["losses"])
    rising = rates[:-1][np.diff(losses) > 0]
    assert seen["ended"] == "exploded"
    assert len(rising)
    factor = rates[1] / rates[0]
    assert rising.min() > 2 / curvature / factor
    assert rising.min() < 2 / curvature * factor**20, "what grows has to grow from what little is left of it"
    assert seen["tenth"] < 2 / curvature / 5


@pytest.mark.parametrize("name", ["digits-mlp", "digits-cnn", "rnn-sequence"])
def test_the_careful_rate_trains_and_a_thousandth_of_it_hardly_does(name: str) -> None:
    experiment = example(name)
    seen, _ = swept(experiment)

    def loss_after(rate: float) -> float:
        picked = experiment.recipe.optimizer.json_pick()
        adapting = {**picked, "params": {**picked.get("params", {}), "lr": rate}}
        trained = changed(experiment, length={"epochs": 1}, optimizer=adapting)
        recorder = Silent()
        outcome = train(trained, choose(trained, "cpu"), load(trained.data), recorder, recorder)
        return outcome.metrics["train/loss"]

    assert loss_after(seen["tenth"]) < 0.9 * loss_after(seen["tenth"] / 1000)


def test_a_run_has_the_same_bits_after_a_test_and_a_test_after_a_run() -> None:
    experiment = changed(example("digits-cnn"), length={"epochs": 1})

    def losses() -> list[Any]:
        recorder = Silent()
        train(experiment, choose(experiment, "cpu"), load(experiment.data), recorder, recorder)
        return recorder.series["train/loss"]

    before, first = losses(), swept(experiment)[0]
    assert losses() == before
    assert swept(experiment)[0] == first


def test_the_schedule_and_the_average_of_weights_change_nothing() -> None:
    plain = swept(digits())[0]
    assert swept(digits(schedule={"type": "OneCycle"}, warm_up=3, ema=0.99))[0] == plain
    assert swept(digits(optimizer={"type": "Adam", "params": {"lr": 0.5}}))[0] == plain
    assert swept(digits(optimizer={"type": "AdamW"}))[0] != plain


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_other_precisions_find_about_the_same_rate(precision: str) -> None:
    found = swept(digits(), precision=precision)[0]["steepest"]
    assert found == pytest.approx(swept(digits())[0]["steepest"], rel=0.5)


@pytest.mark.parametrize("name", ["LBFGS", "Rprop"])
def test_optimizers_whose_rate_does_not_decide_are_refused(name: str) -> None:
    with pytest.raises(Refused) as caught:
        swept(digits(optimizer={"type": name}))
    assert caught.value.problems[0].code == "range-test/optimizer"


@pytest.mark.parametrize("name", ["Adadelta", "Adafactor", "Adagrad", "ASGD", "Muon", "RMSprop", "NAdam"])
def test_every_other_optimizer_gets_a_suggestion_in_its_range(name: str) -> None:
    experiment = digits(optimizer={"type": name})
    seen, _ = swept(experiment)
    lowest, highest = experiment.recipe.optimizer.usual
    assert lowest / 2 < seen["tenth"] < seen["steepest"] * 10 < 100 * highest


def test_a_test_that_is_stopped_shows_what_it_has() -> None:
    seen, _ = swept(digits(), stop_after=20)
    assert (seen["ended"], len(seen["losses"])) == ("time", 20)
    seen, _ = swept(digits(), stop_after=0)
    assert (seen["ended"], seen["losses"], seen["steepest"]) == ("time", [], None)
    assert "over at 1e-07" in range_test.in_words(seen)
