"""What a recipe can ask of the loop besides a loss and an optimizer, each against a loop written by hand or another library."""

import copy
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import sklearn.metrics
import torch
from torch import Tensor, nn
from variants import changed, quick

from builder.blocks import example
from builder.catalog import Metric
from builder.data import load
from builder.design import read
from builder.design.experiment import Experiment, Wish
from builder.design.network import to_json
from builder.design.recipe import EarlyStopping
from builder.design.streams import seed_of
from builder.problem import Refused
from builder.train.execution import choose
from builder.train.judge import every_metric, judge
from builder.train.learner import Learner
from builder.train.patience import Patience
from builder.train.recorder import Silent
from builder.train.run import Outcome, train
from builder.train.task import Part, task_of


def run(experiment: Experiment, recorder: Silent | None = None, **wish: Any) -> tuple[Outcome, Silent]:
    recorder = recorder or Silent()
    execution = choose(experiment, Wish.model_validate({"device": "cpu", **wish}))
    return train(experiment, execution, load(experiment.data), recorder, recorder), recorder


class ByHand:
    """The network `digits-mlp` as one writes it by hand."""

    def __init__(self, experiment: Experiment, **adam: Any) -> None:
        arrays = load(experiment.data)
        self.parts = {
            part: (torch.tensor(columns["image"]), torch.tensor(columns["digit"]))
            for part, columns in arrays.parts.items()
        }
        torch.manual_seed(seed_of(experiment.recipe.seed, "init"))
        self.network = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
        self.adam = torch.optim.Adam(self.network.parameters(), lr=0.003, fused=True, **adam)
        self.order = torch.Generator().manual_seed(seed_of(experiment.recipe.seed, "order"))

    def steps(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of one epoch."""
        x, y = self.parts["train"]
        for batch in torch.randperm(len(x), generator=self.order).split(size):
            yield x[batch], y[batch]

    def learn(self, x: Tensor, y: Tensor) -> float:
        loss = nn.functional.cross_entropy(self.network(x), y)
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
        return loss.item()


def losses(recorder: Silent) -> list[float]:
    return [value for _, value in recorder.series["train/loss"]]


def test_batches_that_are_added_up_learn_as_one_batch_of_all_of_them():
    """Up to the last bits, in which sums differ by their order; the last step of an epoch has a share of the samples too."""
    whole = changed(example("digits-mlp"), batch={"size": 60}, length={"epochs": 2})
    pieces = changed(example("digits-mlp"), batch={"size": 20, "accumulation": 3}, length={"epochs": 2})
    (one, straight), (other, added) = run(whole), run(pieces)
    assert one.step == other.step == 2 * math.ceil(1258 / 60)
    assert losses(added) == pytest.approx(losses(straight), rel=2e-4)
    assert losses(added) != losses(straight)
    everything = changed(example("digits-mlp"), batch={"size": None}, length={"epochs": 3})
    in_seven = changed(example("digits-mlp"), batch={"size": None, "accumulation": 7}, length={"epochs": 3})
    assert losses(run(in_seven)[1]) == pytest.approx(losses(run(everything)[1]), rel=1e-5)


def test_the_network_never_sees_more_samples_than_a_batch_has(monkeypatch: pytest.MonkeyPatch):
    seen = []

    experiment = changed(example("digits-mlp"), batch={"size": 20, "accumulation": 3}, length={"epochs": 1})
    forward = nn.Flatten.forward

    def counted(self: nn.Flatten, x: Tensor) -> Tensor:
        if self.training:
            seen.append(len(x))
        return forward(self, x)

    monkeypatch.setattr(nn.Flatten, "forward", counted)
    run(experiment)
    assert max(seen) == 20 and sum(seen) == 1258


def test_averaged_weights_are_what_the_formula_says_and_are_the_ones_that_are_judged():
    decay = 0.9
    experiment = changed(example("digits-mlp"), ema=decay, batch={"size": 100}, length={"epochs": 3})
    outcome, recorder = run(experiment)
    average, by_hand = {}, ByHand(experiment)
    for _ in range(3):
        for x, y in by_hand.steps(100):
            by_hand.learn(x, y)
            new = {name: value.detach().clone() for name, value in by_hand.network.named_parameters()}
            average = {name: decay * average[name] + (1 - decay) * new[name] for name in new} if average else new
    judged = copy.deepcopy(by_hand.network)
    judged.load_state_dict(average)
    for network, expected in ((judged, True), (by_hand.network, False)):
        x, y = by_hand.parts["validation"]
        with torch.no_grad():
            loss = nn.functional.cross_entropy(network(x), y).item()
        assert (loss == pytest.approx(outcome.metrics["validation/loss"], rel=1e-5)) is expected
    assert recorder.series["validation/loss"][-1][1] == outcome.metrics["validation/loss"]


def test_an_average_uses_the_newest_running_statistics():
    experiment = changed(quick("digits-resnet"), ema=0.99, length={"epochs": 1})
    learner = Learner.of(experiment, choose(experiment, "cpu"), 10)
    learner.network.train()
    assert learner.average is not None
    learner.network(torch.randn(8, 1, 8, 8))
    learner.average.update_parameters(learner.network)
    ours = dict(learner.network.named_buffers())
    assert ours
    for name, value in learner.average.module.named_buffers():
        assert torch.equal(value, ours[name])


@pytest.mark.parametrize("monitor", ["loss", "accuracy"])
def test_early_stopping_ends_where_a_loop_by_hand_ends_with_the_best_weights(monitor: str):
    rule = {"monitor": monitor, "patience": 3, "min_delta": 0.002}
    experiment = changed(example("digits-mlp"), early_stopping=rule, batch={"size": 100}, length={"epochs": 100})
    outcome, _ = run(experiment)
    by_hand = ByHand(experiment)
    x, y = by_hand.parts["validation"]
    best, epochs, waited, weights = None, 0, 0, {}
    while waited < 3:
        epochs += 1
        for batch in by_hand.steps(100):
            by_hand.learn(*batch)
        with torch.no_grad():
            output = by_hand.network(x)
        score = (
            -nn.functional.cross_entropy(output, y).item()
            if monitor == "loss"
            else (output.argmax(1) == y).float().mean().item()
        )
        if best is None or score > best + 0.002:
            best, waited, weights, at = score, 0, copy.deepcopy(by_hand.network.state_dict()), epochs
        else:
            waited += 1
    assert (outcome.status, outcome.epoch) == ("finished", epochs) and epochs < 100
    assert outcome.problem is not None and outcome.problem.code == "run/early"
    assert f"epoch {at}" in outcome.problem.because
    by_hand.network.load_state_dict(weights)
    x, y = by_hand.parts["test"]
    with torch.no_grad():
        assert outcome.metrics["test/loss"] == pytest.approx(
            nn.functional.cross_entropy(by_hand.network(x), y).item(), rel=1e-5
        )
    kept = changed(experiment, early_stopping=rule | {"restore": False})
    assert run(kept)[0].metrics["test/loss"] != outcome.metrics["test/loss"]


@pytest.mark.parametrize(("monitor", "good", "bad"), [("loss", 0.5, 0.9), ("accuracy", 0.9, 0.5)])
def test_a_score_that_is_no_number_is_never_better_and_soon_beaten(monitor: str, good: float, bad: float):
    patience = Patience(EarlyStopping.model_validate({"monitor": monitor, "patience": 2}))
    network = nn.Linear(1, 1)
    told = [
        patience.is_over(epoch, {f"validation/{monitor}": score}, network)
        for epoch, score in enumerate((math.nan, bad, math.nan, good, math.nan, math.nan), start=1)
    ]
    assert told == [False] * 5 + [True]
    assert (patience.best, patience.epoch) == (good, 4) and "at epoch 4" in patience.why().because
    never = Patience(patience.rule)
    assert [never.is_over(epoch, {f"validation/{monitor}": math.nan}, network) for epoch in (1, 2)] == [False, True]
    assert "never was a finite number" in never.why().because
    never.restore(network)


def test_bfloat16_is_pytorchs_autocast():
    experiment = changed(example("digits-mlp"), batch={"size": 100}, length={"epochs": 1})
    _, recorder = run(experiment, precision="bfloat16")
    by_hand = ByHand(experiment)
    expected = []
    for x, y in by_hand.steps(100):
        with torch.autocast("cpu", torch.bfloat16):
            loss = nn.functional.cross_entropy(by_hand.network(x), y)
        by_hand.adam.zero_grad()
        loss.backward()
        by_hand.adam.step()
        expected.append(loss.item())
    assert losses(recorder) == expected


def test_float16_is_pytorchs_autocast_with_a_scaler_that_finds_its_scale():
    experiment = changed(example("digits-mlp"), batch={"size": 100}, length={"epochs": 1})
    _, recorder = run(experiment, precision="float16")
    by_hand, scaler = ByHand(experiment), torch.amp.GradScaler("cpu")
    expected = []
    for x, y in by_hand.steps(100):
        with torch.autocast("cpu", torch.float16):
            loss = nn.functional.cross_entropy(by_hand.network(x), y)
        by_hand.adam.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(by_hand.adam)
        scaler.update()
        expected.append(loss.item())
    assert losses(recorder) == expected


@pytest.mark.parametrize(
    ("wish", "optimizer", "code"),
    [({"precision": "tf32"}, "Adam", "precision/tf32"), ({"precision": "float16"}, "LBFGS", "precision/closure"),
     ({"memory_format": "channels_last"}, "LBFGS", "layout/closure")],
)  # fmt: skip
def test_a_wish_that_cannot_be_is_a_problem(wish: dict[str, Any], optimizer: str, code: str):
    experiment = changed(example("digits-mlp"), optimizer={"type": optimizer})
    with pytest.raises(Refused) as refused:
        choose(experiment, Wish.model_validate({"device": "cpu", **wish}))
    assert [problem.code for problem in refused.value.problems] == [code]


# Metrics against scikit-learn ------------------------------------------------------------------------------------


def answers(experiment: Experiment) -> tuple[dict[str, float], np.ndarray, np.ndarray]:
    """Every metric of the test part before any training, the network's outputs, and the truth."""
    execution, arrays = choose(experiment, "cpu"), load(experiment.data)
    task, learner = task_of(experiment, execution, arrays), Learner.of(experiment, execution, 1)
    network = learner.network.eval()
    part = task.parts["test"]
    with torch.no_grad():
        output = network(*part.inputs)[0]
    picked: list[Metric] = [*every_metric(task), *experiment.recipe.metrics]
    return judge(network, task, part, metrics=picked), output.numpy(), part.truth[0].numpy()


def test_metrics_of_many_classes_are_scikit_learns():
    scores, output, truth = answers(example("digits-mlp"))
    decided, chances = output.argmax(1), np.exp(output) / np.exp(output).sum(1, keepdims=True)
    assert scores["accuracy"] == pytest.approx(sklearn.metrics.accuracy_score(truth, decided))
    assert scores["precision"] == pytest.approx(
        sklearn.metrics.precision_score(truth, decided, average="macro", zero_division=0)
    )
    assert scores["recall"] == pytest.approx(sklearn.metrics.recall_score(truth, decided, average="macro"))
    assert scores["f1"] == pytest.approx(sklearn.metrics.f1_score(truth, decided, average="macro"))
    assert scores["auroc"] == pytest.approx(sklearn.metrics.roc_auc_score(truth, chances, multi_class="ovr"), rel=1e-5)
    assert scores["top-5"] == pytest.approx(sklearn.metrics.top_k_accuracy_score(truth, output, k=5, labels=range(10)))


@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
def test_averages_over_classes_are_scikit_learns(average: str):
    picked = [{"type": name, "params": {"average": average}} for name in ("Precision", "Recall", "F1")]
    scores, output, truth = answers(changed(quick("digits-cnn"), metrics=picked))
    for name in ("precision", "recall", "f1"):
        score = getattr(sklearn.metrics, f"{name}_score")
        assert scores[name] == pytest.approx(score(truth, output.argmax(1), average=average, zero_division=0))


def test_metrics_of_two_classes_and_one_output_are_scikit_learns():
    scores, output, truth = answers(example("playground"))
    decided = (output[:, 0] > 0).astype(int)
    assert scores["f1"] == pytest.approx(sklearn.metrics.f1_score(truth, decided, average="macro"))
    assert scores["auroc"] == pytest.approx(sklearn.metrics.roc_auc_score(truth, output[:, 0]), abs=1e-3)
    assert "top-5" not in scores


def test_metrics_of_numbers_are_scikit_learns():
    scores, output, truth = answers(example("linear-regression"))
    assert scores["mae"] == pytest.approx(sklearn.metrics.mean_absolute_error(truth, output), rel=1e-5)
    assert scores["rmse"] == pytest.approx(sklearn.metrics.root_mean_squared_error(truth, output), rel=1e-5)
    assert scores["r2"] == pytest.approx(sklearn.metrics.r2_score(truth, output), rel=1e-5)


def test_metrics_of_masks_count_pixels():
    scores, output, truth = answers(quick("unet-small"))
    decided = output.argmax(1)
    assert scores["f1"] == pytest.approx(
        sklearn.metrics.f1_score(truth.ravel(), decided.ravel(), average="macro"), rel=1e-5
    )
    assert scores["accuracy"] == pytest.approx((truth == decided).mean())


def test_metrics_that_are_picked_are_told_at_every_epoch_and_change_nothing_else():
    plain = changed(example("digits-mlp"), length={"epochs": 2})
    (_, without), (outcome, told) = run(plain), run(changed(plain, metrics=[{"type": "F1"}]))
    assert {"train/f1", "validation/f1"} == told.series.keys() - without.series.keys()
    assert all(told.series[name] == points for name, points in without.series.items())
    assert told.series["validation/f1"][-1] == (outcome.step, outcome.metrics["validation/f1"])


def with_few(name: str, samples: int, train: float, validation: float, **recipe: Any) -> Experiment:
    """An exhibit of so many samples, split like that whatever is in the parts."""
    document = to_json(changed(quick(name), length={"epochs": 1}, **recipe))
    document["data"]["source"].setdefault("params", {})["samples"] = samples
    document["data"]["split"] = {"train": train, "validation": validation, "stratify": False}
    return read.experiment(document)


def test_a_part_of_one_sample_has_every_metric_that_one_sample_can_have():
    outcome, _ = run(with_few("linear-regression", 100, 0.98, 0.01, metrics=[{"type": "R2"}]))
    assert outcome.status == "finished"
    assert {"test/mae", "test/rmse", "test/loss", "train/r2"} <= outcome.metrics.keys()
    assert not {"test/r2", "validation/r2"} & outcome.metrics.keys()
    assert all(math.isfinite(value) for value in outcome.metrics.values())


def test_a_part_without_all_classes_has_no_area_under_the_curve():
    outcome, _ = run(with_few("playground", 200, 0.99, 0.005, metrics=[{"type": "AUROC"}]))
    assert outcome.status == "finished"
    assert {"test/f1", "train/auroc"} <= outcome.metrics.keys()
    assert not {"test/auroc", "validation/auroc"} & outcome.metrics.keys()


def test_truths_that_are_all_alike_have_no_variance_to_explain():
    experiment = changed(quick("linear-regression"), length={"epochs": 1})
    execution, arrays = choose(experiment, "cpu"), load(experiment.data)
    task, network = task_of(experiment, execution, arrays), Learner.of(experiment, execution, 1).network
    part = task.parts["train"].first(5)
    alike = Part(part.inputs, part.targets, tuple(torch.ones_like(truth) for truth in part.truth))
    assert judge(network, task, alike, metrics=every_metric(task)).keys() == {"loss", "mae", "rmse"}


def test_the_last_numbers_are_those_of_the_curves_with_their_options_and_more():
    picked = [
        {"type": "Recall", "params": {"average": "weighted"}},
        {"type": "TopK", "params": {"k": 2}},
    ]
    outcome, recorder = run(changed(example("digits-mlp"), length={"epochs": 1}, metrics=picked))
    for name in ("recall", "top-2"):
        assert recorder.series[f"validation/{name}"][-1][1] == outcome.metrics[f"validation/{name}"]
    names = {key.partition("/")[2] for key in outcome.metrics if not key.startswith("weights/")}
    assert names == {"loss", "accuracy", "recall", "top-2", "precision", "f1", "auroc"}


# What broke first ------------------------------------------------------------------------------------------------


def broken(document: dict[str, Any], **wish: Any) -> Outcome:
    return run(read.experiment(document), **wish)[0]


def test_weights_that_grow_without_bound_are_named_with_their_step_and_layer():
    document = to_json(example("digits-mlp"))
    document["recipe"] |= {
        "optimizer": {"type": "SGD", "params": {"lr": 100}},
        "objectives": [{"loss": {"type": "MSE"}}],
    }
    outcome = broken(document)
    assert outcome.status == "failed" and outcome.problem is not None
    layer = outcome.problem.node
    assert layer in ("hidden", "scores")
    assert f"the loss of outputs of {layer} as large as" in outcome.problem.because  # they are squared
    assert (
        f"At step {outcome.step - 1} " in outcome.problem.because
        or f"At step {outcome.step} " in outcome.problem.because
    )


class TooHigh(Silent):
    """Asks for a rate that no network bears, at step 40."""

    def poll(self, step: int) -> str:
        if step >= 40:
            self.rate = 1e20
        return "run"


def test_a_rate_that_a_person_chose_is_part_of_what_is_done_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("builder.train.watch.LOOK_EVERY", 0.0)
    experiment = changed(example("digits-mlp"), optimizer={"type": "SGD", "params": {"lr": 0.1}})
    outcome, _ = run(experiment, TooHigh())
    assert outcome.problem is not None and outcome.problem.code == "run/diverged"
    assert 41 <= outcome.step <= 44 and outcome.problem.node is not None
    assert "before anything else did" in outcome.problem.because


def test_the_layer_whose_value_breaks_is_told_from_those_around_it():
    """One layer starts with weights so large that its output does not fit into a float16."""
    document = to_json(example("digits-mlp"))
    nodes = document["network"]["nodes"]
    at = next(at for at, node in enumerate(nodes) if node["id"] == "scores")
    nodes[at]["init"] = {"weight": {"type": "Values", "params": {"values": [[1e5] * 64] * 10}}}
    outcome = broken(document, precision="float16")
    assert outcome.problem is not None
    assert outcome.problem.node == "scores" and "At step 1 the output of scores" in outcome.problem.because
