"""The loop: repeatable to the bit, indifferent to who watches, and honest about how it ended."""

import math

import pytest
import torch
from torch import nn

from builder.blocks import example
from builder.data import load
from builder.design.experiment import Execution, Experiment, Wish
from builder.design.streams import STREAMS, seed_of
from builder.problem import Refused
from builder.store import runs
from builder.train.execution import choose
from builder.train.recorder import Silent
from builder.train.run import Outcome, train


def changed(name: str, **recipe: object) -> Experiment:
    document = example(name).model_dump(mode="json")
    document["recipe"] |= recipe
    return Experiment.model_validate(document)


def run(
    experiment: Experiment, recorder: Silent | None = None, execution: Execution | None = None
) -> tuple[Outcome, Silent]:
    recorder = recorder or Silent()
    return train(
        experiment, execution or choose(experiment, "cpu"), load(experiment.data), recorder, recorder
    ), recorder


class Asks(Silent):
    """A person at the controls: says a word at given looks, else `run`. Looks come at every step when the clock is fast."""

    def __init__(self, words: dict[int, str]) -> None:
        super().__init__()
        self.words, self.looks, self.asked_at = words, 0, []

    def poll(self, step: int) -> str:
        self.looks += 1
        word = self.words.get(self.looks, "run")
        if word != "run":
            self.asked_at.append(step)
        return word


@pytest.fixture
def at_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.train.watch.LOOK_EVERY", 0.0)


@pytest.mark.parametrize("name", ["playground", "digits-cnn", "sequence-lstm"])
def test_same_seed_same_history_to_the_last_bit(name: str):
    experiment = changed(name, length={"epochs": 2}, seed=3)
    (first, one), (second, two) = run(experiment), run(experiment)
    assert one.series == two.series
    assert first.metrics == second.metrics
    _, other = run(changed(name, length={"epochs": 2}, seed=4))
    assert other.series["train/loss"] != one.series["train/loss"]


def test_the_loop_is_the_loop_that_one_writes_by_hand():
    experiment = changed("digits-mlp", length={"epochs": 2}, seed=5)
    _, recorder = run(experiment)
    arrays = load(experiment.data)
    x = torch.tensor(arrays.parts["train"]["image"])
    y = torch.tensor(arrays.parts["train"]["digit"])
    torch.manual_seed(seed_of(5, "init"))
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    adam = torch.optim.Adam(network.parameters(), lr=0.003, fused=True)
    order = torch.Generator().manual_seed(seed_of(5, "order"))
    losses = []
    for _ in range(2):
        for batch in torch.randperm(len(x), generator=order).split(32):
            loss = nn.functional.cross_entropy(network(x[batch]), y[batch])
            adam.zero_grad()
            loss.backward()
            adam.step()
            losses.append(loss.item())
    assert [value for _, value in recorder.series["train/loss"]] == losses


def test_looking_at_every_step_and_drawing_the_boundary_changes_nothing(
    at_every_step: None, monkeypatch: pytest.MonkeyPatch
):
    experiment = changed("playground", length={"epochs": 3})
    _, watched = run(experiment)
    monkeypatch.setattr("builder.train.watch.LOOK_EVERY", 1e9)
    monkeypatch.setattr("builder.train.run.Boundary.of", lambda *_: None)
    _, alone = run(experiment)
    assert watched.series == alone.series
    assert "boundary" in watched.views and "boundary" not in alone.views


def test_a_pause_changes_nothing(at_every_step: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("builder.train.watch.PAUSE_LOOK", 0.0)
    experiment = changed("digits-cnn", length={"epochs": 1})
    _, straight = run(experiment)
    outcome, paused = run(experiment, Asks(dict.fromkeys((3, 4, 5, 9, 10), "pause")))
    assert outcome.status == "finished"
    assert paused.series == straight.series
    assert len(set(paused.asked_at)) == 2


def test_stop_keeps_what_was_learned_and_interrupt_reports_it(at_every_step: None):
    outcome, asks = run(changed("digits-mlp", length={"epochs": 50}), Asks({6: "stop"}))
    assert outcome.status == "stopped"
    assert outcome.step == asks.asked_at[0] == len(asks.series["train/loss"])
    assert outcome.metrics["test/accuracy"] > 0
    outcome, asks = run(changed("digits-mlp", length={"epochs": 50}), Asks({6: "interrupt"}))
    assert (outcome.status, outcome.metrics) == ("interrupted", {})


def test_a_loss_that_is_no_number_stops_the_run_and_names_the_step():
    outcome, recorder = run(
        changed("digits-mlp", optimizer={"type": "SGD", "params": {"lr": 100}}, objectives=[{"loss": {"type": "MSE"}}])
    )
    assert outcome.status == "failed"
    assert outcome.problem is not None and outcome.problem.code == runs.DIVERGED
    broken = [step for step, loss in recorder.series["train/loss"] if not math.isfinite(loss)]
    assert broken == [outcome.step]
    assert str(outcome.step) in outcome.problem.title


def test_scores_are_those_of_a_direct_evaluation():
    experiment = changed("digits-mlp", length={"epochs": 2}, batch={"size": 50, "last": "drop"})
    outcome, recorder = run(experiment)
    assert outcome.step == 2 * (1258 // 50)
    assert recorder.series["validation/accuracy"][-1] == (outcome.step, outcome.metrics["validation/accuracy"])
    assert set(outcome.metrics) == {
        f"{part}/{metric}"
        for part in ("train", "validation", "test")
        for metric in ("loss", "accuracy", "precision", "recall", "f1", "auroc", "top-5")
    } | {"weights/norm", "weights/sparsity"}


def test_images_are_laid_out_as_convolutions_like_them_unless_another_wish_is_there():
    experiment = changed("digits-cnn", length={"epochs": 1})
    assert choose(experiment, "cpu").memory_format == "channels_last"
    assert choose(changed("digits-mlp"), "cpu").memory_format == "contiguous"
    contiguous = choose(experiment, Wish(device="cpu", memory_format="contiguous"))
    assert contiguous.memory_format == "contiguous"
    (one, usual), (other, wished) = run(experiment), run(experiment, execution=contiguous)
    assert one.status == other.status == "finished"
    assert usual.series["train/loss"] != wished.series["train/loss"]  # it is another order of sums


def test_two_classes_have_a_boundary_that_says_how_sure_the_network_is():
    _, recorder = run(changed("playground", length={"epochs": 100}))
    _, meta, data = recorder.views["boundary"]
    side = torch.frombuffer(bytearray(data), dtype=torch.float32).view(meta["size"], meta["size"])
    assert side[50, 50] > 0.8 and side[0, 0] < -0.5  # inside and outside of the circle
    _, points_meta, points = recorder.views["points"]
    assert len(points) == 16 * points_meta["count"] == 16 * 500


def test_streams_of_different_seeds_never_meet():
    assert len({seed_of(seed, stream) for seed in range(100) for stream in STREAMS}) == 100 * len(STREAMS)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is there")
def test_asking_for_a_gpu_that_is_not_there_is_a_problem():
    with pytest.raises(Refused) as refused:
        choose(example("playground"), "cuda")
    assert refused.value.problems[0].code == "device/none"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA; there is none here")
@pytest.mark.parametrize("name", ["digits-cnn", "digits-resnet", "sequence-lstm", "playground"])
def test_training_on_a_gpu_learns_as_well(name: str):
    experiment = example(name)
    execution = choose(experiment)
    assert execution.device == "cuda"
    outcome, _ = run(experiment, execution=execution)
    assert outcome.metrics.get("test/accuracy", 1) > 0.95 and outcome.metrics["test/loss"] < 0.2


@pytest.mark.slow
def test_digits_cnn_reaches_97_percent_in_the_median_of_five_seeds():
    scores = sorted(run(changed("digits-cnn", seed=seed))[0].metrics["test/accuracy"] for seed in range(5))
    assert scores[2] >= 0.97


@pytest.mark.slow
def test_the_playground_solves_the_circle_in_nine_of_ten_seeds():
    losses = [run(changed("playground", seed=seed))[0].metrics["test/loss"] for seed in range(10)]
    assert sum(loss < 0.1 for loss in losses) >= 9


def test_a_schedule_sets_the_rate_of_every_step(monkeypatch: pytest.MonkeyPatch):
    experiment = changed("digits-mlp", length={"epochs": 2}, schedule={"type": "Cosine", "params": {"lowest": 0.0001}})
    used: list[float] = []
    step = torch.optim.Adam.step.__wrapped__

    def noted(self: torch.optim.Adam, closure: object = None) -> object:
        used.append(self.param_groups[0]["lr"])
        return step(self)

    monkeypatch.setattr(torch.optim.Adam, "step", noted)
    outcome, _ = run(experiment)
    total = outcome.step
    assert used == [experiment.recipe.schedule.rate(at, total, total // 2, 0.003) for at in range(total)]
    assert used[0] == 0.003 > used[-1] > 0.0001
