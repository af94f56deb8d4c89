"""Every loss teaches a small network, and is the same whether its samples are looked at together or in pieces."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
import torch
from taught import PICKS, taught
from torch import Tensor, nn

from builder.analysis import check
from builder.catalog.metrics import MAE, RMSE
from builder.data import load
from builder.design.experiment import Experiment, Wish
from builder.train.execution import choose
from builder.train.judge import judge
from builder.train.learner import Learner, learning_step
from builder.train.recorder import Silent
from builder.train.run import Outcome, train
from builder.train.task import Task, task_of


def run(experiment: Experiment, **wish: Any) -> tuple[Outcome, Silent]:
    recorder = Silent()
    execution = choose(experiment, Wish.model_validate({"device": "cpu", **wish}))
    return train(experiment, execution, load(experiment.data), recorder, recorder), recorder


@pytest.mark.parametrize("name", PICKS)
def test_a_small_network_learns_what_it_is_taught(name: str):
    experiment = taught(name, length={"epochs": 60})
    assert check(experiment)[1] == []
    outcome, recorder = run(experiment)
    assert outcome.status == "finished"
    losses = [value for _, value in recorder.series["validation/loss"]]
    assert losses[-1] < losses[0]
    if "test/accuracy" in outcome.metrics:
        assert outcome.metrics["test/accuracy"] > 0.96
        assert outcome.metrics["test/auroc"] > 0.99
    else:
        assert outcome.metrics["test/r2"] > 0.85


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@pytest.mark.parametrize("name", PICKS)
def test_narrow_products_are_compared_in_full(name: str, precision: str):
    outcome, recorder = run(taught(name, length={"epochs": 2}), precision=precision)
    assert outcome.status == "finished"
    _, full = run(taught(name, length={"epochs": 2}))
    narrow, wide = (np.array([value for _, value in told.series["train/loss"]]) for told in (recorder, full))
    assert not np.array_equal(narrow, wide)
    assert narrow[0] == pytest.approx(wide[0], rel=0.02)


def test_probabilities_are_compared_where_nothing_is_narrow(monkeypatch: pytest.MonkeyPatch):
    """On a GPU, PyTorch ends with an error where autocast is on; on the CPU it says nothing."""
    seen = []
    forward = nn.BCELoss.forward

    def noted(self: nn.BCELoss, probabilities: Tensor, target: Tensor) -> Tensor:
        seen.append((probabilities.dtype, torch.is_autocast_enabled("cpu")))
        return forward(self, probabilities, target)

    monkeypatch.setattr(nn.BCELoss, "forward", noted)
    run(taught("BCE", length={"epochs": 1}), precision="bfloat16")
    assert set(seen) == {(torch.float32, False)}


def learner_and_task(name: str, **recipe: Any) -> tuple[Learner, Task]:
    experiment = taught(name, **recipe)
    execution = choose(experiment, "cpu")
    return Learner.of(experiment, execution, 100), task_of(experiment, execution, load(experiment.data))


def slopes(learner: Learner) -> Tensor:
    return torch.cat(
        [parameter.grad.flatten() for parameter in learner.network.parameters() if parameter.grad is not None]
    )


@pytest.mark.parametrize("name", PICKS)
def test_batches_that_are_added_up_have_loss_and_slope_of_one_batch(name: str):
    """Of 21 samples, in pieces of 5 and a last one of 1."""
    results = []
    for batch in ({"size": 21}, {"size": 5, "accumulation": 5}):
        learner, task = learner_and_task(name, batch=batch)
        part = task.parts["train"].first(21)
        loss = learning_step(learner, task)(part.inputs, part.targets)
        results.append((loss.item(), slopes(learner)))
    (whole, slope), (pieces, added) = results
    assert pieces == pytest.approx(whole, rel=1e-5)
    assert torch.allclose(added, slope, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", PICKS)
def test_a_part_that_is_judged_in_pieces_has_the_loss_of_the_whole(name: str):
    learner, task = learner_and_task(name)
    part = task.parts["train"]
    learner.network.eval()
    whole = judge(learner.network, task, part)["loss"]
    with torch.no_grad():
        (output,) = learner.network(*part.inputs)
        assert whole == pytest.approx(task.objectives[0].loss(output, part.targets[0]).item(), rel=1e-6)
    in_pieces = judge(learner.network, dataclasses.replace(task, judged_at_once=7), part)["loss"]
    assert in_pieces == pytest.approx(whole, rel=1e-5)


def test_class_weights_make_the_weighted_mean_of_pytorch_of_a_part_in_pieces():
    learner, task = learner_and_task("CrossEntropy, weighted")
    part = task.parts["train"]
    order = part.truth[0].argsort()  # all of class 0, then all of class 1: no piece weighs as much as the whole
    part = type(part)(
        *(tuple(column[order] for column in columns) for columns in (part.inputs, part.targets, part.truth))
    )
    learner.network.eval()
    with torch.no_grad():
        (scores,) = learner.network(*part.inputs)
    expected = nn.functional.cross_entropy(scores, part.truth[0], torch.tensor([1.0, 4.0]), label_smoothing=0.1).item()
    told = judge(learner.network, dataclasses.replace(task, judged_at_once=16), part)["loss"]
    assert told == pytest.approx(expected, rel=1e-6)
    pieces = [scores[at : at + 16] for at in range(0, len(scores), 16)]
    truths = part.truth[0].split(16)
    plain = np.average(
        [task.objectives[0].loss(*piece).item() for piece in zip(pieces, truths, strict=True)],
        weights=[len(piece) for piece in pieces],
    )
    assert abs(plain - expected) > 1e-3  # what it would be, were the pieces not told of the whole


def test_metrics_of_numbers_are_those_of_what_an_output_predicts():
    for name, predict in (
        ("GaussianNLL", lambda output: output[:, :1]),
        ("Poisson", torch.exp),
        ("MAE", lambda output: output),
    ):
        learner, task = learner_and_task(name)
        part = task.parts["test"]
        scores = judge(learner.network, task, part, metrics=[MAE(), RMSE()])
        with torch.no_grad():
            off = predict(learner.network(*part.inputs)[0]) - part.truth[0]
        assert scores["mae"] == pytest.approx(off.abs().mean().item(), rel=1e-5)
        assert scores["rmse"] == pytest.approx(math.sqrt(off.square().mean().item()), rel=1e-5)
