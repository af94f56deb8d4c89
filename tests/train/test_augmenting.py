"""What a step learns from where pictures are augmented: loops written by hand, with kornia as the judge of each draw."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kornia.augmentation as kornia
import numpy as np
import pytest
import torch
from torch import Tensor, nn
from variants import changed, quick

from builder.blocks.chain import layer
from builder.catalog import Augmentation
from builder.compile import augmenting as compiled
from builder.data import Arrays, load
from builder.design import read
from builder.design.experiment import Experiment, Wish
from builder.design.network import to_json
from builder.design.streams import seed_of
from builder.train.execution import choose
from builder.train.judge import judge
from builder.train.learner import Learner, learning_step
from builder.train.recorder import Silent
from builder.train.run import Outcome, train
from builder.train.task import task_of

CROP = {"type": "Crop", "params": {"padding": 1}}
SEVERAL = [{"type": "HorizontalFlip"}, CROP, {"type": "Noise", "params": {"std": 0.5}}]
MIXUP = {"type": "Mixup", "params": {"alpha": 0.7}}


def run(experiment: Experiment, arrays: Arrays | None = None, **wish: Any) -> tuple[Outcome, list[float]]:
    recorder = Silent()
    execution = choose(experiment, Wish.model_validate({"device": "cpu", **wish}))
    outcome = train(experiment, execution, arrays or load(experiment.data), recorder, recorder)
    assert outcome.status == "finished"
    return outcome, [loss for _, loss in recorder.series.get("train/loss", [])]


def digits(**recipe: Any) -> Experiment:
    return changed(quick("digits-mlp"), **{"length": {"epochs": 2}, "batch": {"size": 50}, **recipe})


# Loops written by hand -----------------------------------------------------------------------------------------------


class ByHand:
    """The network `digits-mlp`, and what one does with its pictures by hand."""

    def __init__(self, experiment: Experiment) -> None:
        torch.set_num_threads(1)
        columns = load(experiment.data).parts["train"]
        self.x, self.y = torch.tensor(columns["image"]), torch.tensor(columns["digit"])
        torch.manual_seed(seed_of(experiment.recipe.seed, "init"))
        self.network = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
        self.order = torch.Generator().manual_seed(seed_of(experiment.recipe.seed, "order"))
        torch.manual_seed(seed_of(experiment.recipe.seed, "training"))
        self.changes = nn.Sequential(
            kornia.RandomHorizontalFlip(p=0.5),
            kornia.RandomCrop((8, 8), padding=1),
            kornia.RandomGaussianNoise(0.0, 0.5, p=1.0),
        )
        self.adam = torch.optim.Adam(self.network.parameters(), lr=0.003, fused=True)

    def steps(self, size: int) -> list[tuple[Tensor, Tensor]]:
        return [(self.x[at], self.y[at]) for at in torch.randperm(len(self.x), generator=self.order).split(size)]

    def mixed(self, x: Tensor, y: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """Mixed pictures, and the loss of their scores."""
        share = torch.distributions.Beta(0.7, 0.7).sample().item()
        others = torch.randperm(len(x))

        def loss(scores: Tensor) -> Tensor:
            first, second = (nn.functional.cross_entropy(scores, classes) for classes in (y, y[others]))
            return share * first + (1 - share) * second

        return share * x + (1 - share) * x[others], loss

    def learn(self, loss: Tensor) -> float:
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
        return loss.item()


def test_pictures_are_changed_as_one_does_it_by_hand():
    experiment = digits(augment=SEVERAL)
    by_hand = ByHand(experiment)
    expected = []
    for _ in range(2):
        for x, y in by_hand.steps(50):
            scores = by_hand.network(by_hand.changes(x))
            expected.append(by_hand.learn(nn.functional.cross_entropy(scores, y)))
    assert run(experiment)[1] == expected != run(digits())[1]


@pytest.mark.parametrize("at", [0, 3])
def test_mixup_is_the_loss_of_both_targets_by_their_shares_and_comes_last(at: int):
    experiment = digits(augment=[*SEVERAL[:at], MIXUP, *SEVERAL[at:]])
    by_hand = ByHand(experiment)
    expected = []
    for _ in range(2):
        for x, y in by_hand.steps(50):
            mixed, loss_of = by_hand.mixed(by_hand.changes(x), y)
            expected.append(by_hand.learn(loss_of(by_hand.network(mixed))))
    assert run(experiment)[1] == expected


def test_pieces_of_a_step_are_those_of_one_augmented_batch():
    experiment = digits(augment=[*SEVERAL, MIXUP], batch={"size": 20, "accumulation": 3})
    by_hand = ByHand(experiment)
    expected = []
    for _ in range(2):
        for x, y in by_hand.steps(60):
            x = by_hand.changes(x)
            share = torch.distributions.Beta(0.7, 0.7).sample().item()
            others = torch.randperm(len(x))
            mixed, other = share * x + (1 - share) * x[others], y[others]
            by_hand.adam.zero_grad()
            total = torch.zeros(())
            for piece, first, second in zip(mixed.split(20), y.split(20), other.split(20), strict=True):
                scores = by_hand.network(piece)
                losses = [nn.functional.cross_entropy(scores, classes) for classes in (first, second)]
                loss = len(piece) / len(x) * (share * losses[0] + (1 - share) * losses[1])
                loss.backward()
                total += loss.detach()
            by_hand.adam.step()
            expected.append(total.item())
    assert run(experiment)[1] == expected


def test_an_optimizer_that_looks_again_sees_the_same_pictures_at_every_look_of_a_step():
    lbfgs = {"lr": 0.5, "max_iter": 4, "line_search_fn": "strong_wolfe"}
    experiment = digits(
        augment=[*SEVERAL, MIXUP], optimizer={"type": "LBFGS", "params": lbfgs}, batch={"size": None}, length={"epochs": 4}
    )  # fmt: skip
    by_hand = ByHand(experiment)
    optimizer = torch.optim.LBFGS(by_hand.network.parameters(), lr=0.5, max_iter=4, line_search_fn="strong_wolfe")
    expected = []
    for _ in range(4):
        ((x, y),) = by_hand.steps(len(by_hand.x))
        mixed, loss_of = by_hand.mixed(by_hand.changes(x), y)

        def look(mixed: Tensor = mixed, loss_of: Callable[[Tensor], Tensor] = loss_of) -> Tensor:
            optimizer.zero_grad()
            loss = loss_of(by_hand.network(mixed))
            loss.backward()
            return loss

        expected.append(optimizer.step(look).item())
    assert run(experiment)[1] == expected


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_in_half_the_bits_pictures_are_changed_before_they_are_narrowed(precision: str):
    experiment = digits(augment=SEVERAL)
    by_hand = ByHand(experiment)
    scaler = torch.amp.GradScaler("cpu", enabled=precision == "float16")
    expected = []
    for _ in range(2):
        for x, y in by_hand.steps(50):
            x = by_hand.changes(x)
            assert x.dtype == torch.float32
            with torch.autocast("cpu", getattr(torch, precision)):
                loss = nn.functional.cross_entropy(by_hand.network(x), y)
            by_hand.adam.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(by_hand.adam)
            scaler.update()
            expected.append(loss.item())
    assert run(experiment, precision=precision)[1] == expected


def test_mixed_losses_of_several_objectives_and_of_pieces_of_a_whole():
    """With class weights the loss of a piece asks for the classes of the whole step: for the first and the others each."""
    weights = [1.0, 2.0, 0.5, 1.0, 3.0, 1.0, 1.0, 0.2, 1.0, 1.0]
    objectives = [
        {"loss": {"type": "CrossEntropy", "params": {"weight": weights}}, "weight": 0.5}, {"loss": {"type": "CrossEntropy"}},
    ]  # fmt: skip
    experiment = digits(augment=[MIXUP], batch={"size": 20, "accumulation": 3}, objectives=objectives)
    by_hand = ByHand(experiment)
    expected = []

    def of_whole(scores: Tensor, classes: Tensor) -> Tensor:
        weighted = nn.functional.cross_entropy(scores, classes, torch.tensor(weights))
        return 0.5 * weighted + nn.functional.cross_entropy(scores, classes)

    for _ in range(2):
        for x, y in by_hand.steps(60):
            share = torch.distributions.Beta(0.7, 0.7).sample().item()
            others = torch.randperm(len(x))
            scores = by_hand.network(share * x + (1 - share) * x[others])
            expected.append(by_hand.learn(share * of_whole(scores, y) + (1 - share) * of_whole(scores, y[others])))
    np.testing.assert_allclose(run(experiment)[1], expected, rtol=1e-4)


# What is changed, and what is not ------------------------------------------------------------------------------------


def test_the_training_part_alone_is_changed_once_a_step(monkeypatch: pytest.MonkeyPatch):
    """Scores of all parts, the pulse and the first look are of pictures as they are."""
    monkeypatch.setattr("builder.train.watch.LOOK_EVERY", 0.0)
    monkeypatch.setattr("builder.train.pulse.SHORTEST_WAIT", 0.0)
    experiment = changed(
        quick("digits-cnn"),
        augment=[{"type": "Cutout", "params": {"scale": [1, 1], "ratio": [1, 1], "p": 1}}],
        length={"epochs": 2},
    )
    given, original = [], compiled.augmented

    def noted(changes: Any, columns: Any, *places: Any) -> Any:
        given.append(columns[0].clone())
        return original(changes, columns, *places)

    monkeypatch.setattr(compiled, "augmented", noted)
    outcome, losses = run(experiment)
    training = {row.tobytes() for row in load(experiment.data).parts["train"]["image"]}
    assert len(given) == outcome.step == len(losses)
    assert sum(map(len, given)) == 2 * len(load(experiment.data).parts["train"]["image"])
    assert all(picture.numpy().tobytes() in training for batch in given for picture in batch)


def test_scores_are_those_of_pictures_as_they_are():
    """A network that has seen blank pictures alone is judged on real ones."""
    blank = [{"type": "Cutout", "params": {"scale": [1, 1], "ratio": [1, 1], "p": 1}}]
    experiment = digits(augment=blank)
    execution = choose(experiment, "cpu")
    arrays = load(experiment.data)
    task, learner = task_of(experiment, execution, arrays), Learner.of(experiment, execution, 6)
    learn, part = learning_step(learner, task), task.parts["train"]
    told = learn(part.inputs, part.targets).item()
    zeros = torch.zeros_like(part.inputs[0])
    fresh = Learner.of(experiment, execution, 6).network
    assert told == nn.functional.cross_entropy(fresh(zeros)[0], part.targets[0]).item()
    scores = judge(learner.network, task, part)
    clean = learner.network(*part.inputs)[0]
    assert scores["loss"] == pytest.approx(nn.functional.cross_entropy(clean, part.truth[0]).item(), rel=1e-6)


def two_readers() -> Experiment:
    """Two Inputs that read the same picture, and the difference of the two learned from: it is always 0."""
    document = to_json(digits(augment=[*SEVERAL, {"type": "Rotate"}, {"type": "Cutout"}, MIXUP]))
    document["network"] = {
        "nodes": [
            layer("Input", id="one", shape=[1, 8, 8]),
            layer("Input", id="other", shape=[1, 8, 8]),
            layer("Subtract", id="difference", inputs=["one", "other"]),
            layer("Flatten", id="flat", inputs=["difference"]),
            layer("Linear", id="scores", out_features=10, inputs=["flat"]),
        ],
        "outputs": ["scores"],
    }
    document["data"]["bind"] = {"inputs": {"one": "image", "other": "image"}}
    return read.experiment(document)


def test_several_inputs_that_read_pictures_see_the_same_changes():
    experiment = two_readers()
    execution = choose(experiment, "cpu")
    task, learner = task_of(experiment, execution, load(experiment.data)), Learner.of(experiment, execution, 6)
    learn, part = learning_step(learner, task), task.parts["train"]
    before = learner.network.get_parameter("scores.weight").clone()
    for _ in range(3):
        learn(part.inputs, part.targets)
    assert task.pictures == (0, 1) and torch.equal(learner.network.get_parameter("scores.weight"), before)


def test_an_autoencoder_learns_clean_pictures_that_lie_where_the_changed_ones_do():
    """Its loss in closed form: the picture that comes in is mirrored and noisy, the one to be learned mirrored alone."""
    augment = [
        {"type": "HorizontalFlip", "params": {"p": 1}}, {"type": "Brightness", "params": {"brightness": 1, "p": 1}},
    ]  # fmt: skip
    experiment = changed(quick("autoencoder-dense"), augment=augment, batch={"size": None}, length={"epochs": 1})
    execution = choose(experiment, "cpu")
    task, learner = task_of(experiment, execution, load(experiment.data)), Learner.of(experiment, execution, 1)
    part = task.parts["train"]
    assert (task.pictures, task.moving) == ((0,), (0,))
    seen: list[Tensor] = []
    fresh = Learner.of(experiment, execution, 1).network
    forward = learner.network.forward

    def noted(x: Tensor) -> Any:
        seen.append(x)
        return forward(x)

    learner.network.forward = noted  # type: ignore[method-assign]
    told = learning_step(learner, task)(part.inputs, part.targets).item()
    mirrored = part.inputs[0].flip(3)
    added = (seen[0] - mirrored).flatten(1)
    assert added.std(1).max() < 1e-4 < added[:, 0].std()
    assert told == pytest.approx(nn.functional.mse_loss(fresh(seen[0])[0], mirrored).item(), rel=1e-6)


def test_masks_move_with_their_pictures():
    mirror = [{"type": name, "params": {"p": 1}} for name in ("HorizontalFlip", "VerticalFlip")]
    experiment = changed(quick("unet-small"), augment=[*mirror, {"type": "Noise"}], batch={"size": None})
    execution = choose(experiment, "cpu")
    task, learner = task_of(experiment, execution, load(experiment.data)), Learner.of(experiment, execution, 1)
    assert (task.pictures, task.moving) == ((0,), (0,))
    part = task.parts["train"]
    seen: list[Tensor] = []
    loss = task.objectives[0].loss
    loss.register_forward_hook(lambda _module, given, _result: seen.append(given[1]))
    learning_step(learner, task)(part.inputs, part.targets)
    assert torch.equal(seen[0], part.targets[0].flip(1, 2)) and not torch.equal(seen[0], part.targets[0])


# Nothing asked -------------------------------------------------------------------------------------------------------


def test_a_run_that_augments_nothing_imports_no_kornia():
    code = """
import sys
from variants import changed, quick
from builder.source import program
from builder.train.execution import choose
from builder.train.recorder import Silent
from builder.train.run import train
from builder.data import load
import builder.worker
def run(**recipe):
    experiment, told = changed(quick("digits-mlp"), length={"epochs": 1}, **recipe), Silent()
    program(experiment)
    assert train(experiment, choose(experiment, "cpu"), load(experiment.data), told, told).status == "finished"
    return any(name.partition(".")[0] == "kornia" for name in sys.modules)
assert not run()
assert run(augment=[{"type": "Noise"}])
"""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True,
        env={"PYTHONPATH": f"{root}:{root / 'tests'}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_step_that_augments_nothing_is_the_step_that_there_was():
    """Not one more call of Python's: what is returned is the very loop of a step, and its loss the task's."""
    experiment = digits()
    execution = choose(experiment, "cpu")
    task, learner = task_of(experiment, execution, load(experiment.data)), Learner.of(experiment, execution, 6)
    plain = learning_step(learner, task)
    assert plain.__qualname__.startswith("_learn.")
    augmented = learning_step(Learner.of(digits(augment=[CROP]), execution, 6), task)
    assert augmented.__qualname__.startswith("learning_step.")


# What it is for ------------------------------------------------------------------------------------------------------


def mislabelled(experiment: Experiment, share: float) -> Arrays:
    """The data with so many of its training labels drawn anew."""
    arrays = load(experiment.data)
    draw = np.random.default_rng(0)
    digit = arrays.parts["train"]["digit"].copy()
    wrong = draw.random(len(digit)) < share
    digit[wrong] = draw.integers(0, 10, wrong.sum())
    parts = {**arrays.parts, "train": {**arrays.parts["train"], "digit": digit}}
    return Arrays(parts, arrays.features, arrays.targets, arrays.labels, arrays.statistics)


def share_right(noise: float, **recipe: Any) -> float:
    """Of the test part, with a fifth of the digits to learn from and so many of their labels drawn anew: the median of three seeds."""
    document = to_json(changed(quick("digits-mlp"), length={"epochs": 60}, **recipe))
    document["data"]["split"] = {"train": 0.2, "validation": 0.0}
    experiment = read.experiment(document)
    shares = [
        run(changed(experiment, seed=seed), mislabelled(experiment, noise))[0].metrics["test/accuracy"]
        for seed in range(3)
    ]
    return sorted(shares)[1]


def test_mirrored_digits_hurt():
    """E22, with true labels."""
    plain, mirrored = share_right(0), share_right(0, augment=[{"type": "HorizontalFlip"}])
    print(plain, mirrored)
    assert mirrored < plain - 0.02


@pytest.mark.slow
def test_shifted_digits_help_where_labels_are_wrong_and_hurt_where_they_are_true():
    """E22: by whole pixels, one at most. Digits stand in the middle: the shifts are none that the test part knows."""
    plain, shifted = ([share_right(noise, augment=augment) for noise in (0.2, 0)] for augment in ([], [CROP]))
    print(plain, shifted)
    assert shifted[0] > plain[0] + 0.005 and shifted[1] < plain[1] - 0.02


@pytest.mark.parametrize("kind", Augmentation.shelf)
def test_a_small_network_learns_with_every_augmentation(kind: str):
    params = {"padding": 1} if kind == "Crop" else {}
    experiment = changed(quick("digits-cnn"), augment=[{"type": kind, "params": params}], length={"epochs": 12})
    _, losses = run(experiment)
    assert sum(losses[-5:]) < 0.6 * sum(losses[:5])
    assert losses[0] != run(changed(experiment, augment=[], length={"epochs": 1}))[1][0]
