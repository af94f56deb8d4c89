"""A run that was interrupted goes on to the last bit as one that was not."""

import random
from functools import partial
from typing import Any

import pytest
import torch
from taught import PICKS, taught
from variants import changed, quick

from builder.catalog import Augmentation, Optimizer
from builder.data import load
from builder.design.experiment import Experiment, Wish
from builder.problem import Refused
from builder.train.execution import choose
from builder.train.moment import pack, unpack
from builder.train.recorder import Silent
from builder.train.run import Outcome, train

ADAM = {"type": "Adam", "params": {"lr": 0.003}}
MOMENTUM = {"type": "SGD", "params": {"lr": 0.05, "momentum": 0.9, "nesterov": True}}


def with_dropout_and_norm() -> Experiment:
    """A convolutional network whose training draws numbers and keeps running means."""
    document = quick("digits-cnn").model_dump(mode="json")
    nodes = [
        {"id": "image", "type": "Input", "params": {"shape": [1, 8, 8]}},
        {"id": "conv", "type": "Conv2d", "params": {"out_channels": 6, "kernel_size": 3}, "inputs": ["image"]},
        {"id": "norm", "type": "BatchNorm2d", "inputs": ["conv"]},
        {"id": "relu", "type": "ReLU", "inputs": ["norm"]},
        # More than one channel comes in: a layout with channels last is another order in memory.
        {"id": "wider", "type": "Conv2d", "params": {"out_channels": 8, "kernel_size": 3}, "inputs": ["relu"]},
        {"id": "flatten", "type": "Flatten", "inputs": ["wider"]},
        {"id": "drop", "type": "Dropout", "inputs": ["flatten"]},
        {"id": "scores", "type": "Linear", "params": {"out_features": 10}, "inputs": ["drop"]},
    ]
    document["network"] = {"nodes": nodes, "outputs": ["scores"]}
    document["data"]["split"] = {"train": 0.2, "validation": 0.1}
    return Experiment.model_validate(document)


EXPERIMENTS = {
    "a dense network with Adam": lambda: changed(quick("digits-mlp"), optimizer=ADAM, length={"epochs": 3}),
    "convolutions with batch norm, dropout and momentum": lambda: changed(
        with_dropout_and_norm(), optimizer=MOMENTUM, batch={"size": 50, "last": "drop"}, length={"epochs": 4}
    ),
    "an LSTM with a cosine": lambda: changed(
        quick("sequence-lstm"), length={"epochs": 2}, schedule={"type": "Cosine", "params": {"lowest": 0.0001}}
    ),
    "LBFGS": lambda: changed(
        quick("playground"),
        optimizer={"type": "LBFGS", "params": {"lr": 0.5, "max_iter": 5}},
        batch={"size": None},
        length={"epochs": 30},
    ),
    "convolutions with Adam": lambda: changed(
        with_dropout_and_norm(), optimizer=ADAM, batch={"size": 50}, length={"epochs": 3}
    ),
    "an average of weights, and early stopping that waits": lambda: changed(
        quick("playground"),
        optimizer=ADAM,
        ema=0.9,
        length={"epochs": 4},
        metrics=[{"type": "F1"}],
        early_stopping={"patience": 3, "monitor": "accuracy"},
    ),
    "bfloat16, three batches added up": lambda: changed(
        quick("digits-mlp"), optimizer=MOMENTUM, length={"epochs": 3}, batch={"size": 20, "accumulation": 3}
    ),
    "float16": lambda: changed(quick("digits-mlp"), optimizer=ADAM, length={"epochs": 2}),
    "a warm-up, and a rate that falls on a plateau": lambda: changed(
        quick("playground"),
        optimizer=MOMENTUM,
        warm_up=0.7,
        schedule={"type": "ReduceOnPlateau", "params": {"patience": 0, "min_delta": 0.05, "factor": 0.5}},
        length={"epochs": 6},
    ),
    "two features, whole set": lambda: changed(quick("playground"), batch={"size": None}, length={"epochs": 12}),
    **{f"the loss {name}": partial(taught, name) for name in PICKS},
}


WISHES = {"bfloat16, three batches added up": {"precision": "bfloat16"}, "float16": {"precision": "float16"}}


class Interrupted(Silent):
    """Interrupts at a step, and keeps what is left there."""

    def __init__(self, at: int, series: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.at, self.series, self.kept = at, {name: list(points) for name, points in (series or {}).items()}, b""

    def poll(self, step: int) -> str:
        return "interrupt" if step == self.at else "run"

    def keep(self, step: int, data: bytes, epoch: int, score: float | None) -> None:
        self.kept = data


def carry_on(
    experiment: Experiment, at: int, before: Interrupted | None = None, wish: dict[str, Any] | None = None
) -> tuple[Outcome, Interrupted]:
    told = Interrupted(at, before.series if before else None)
    start = before.kept if before else None
    execution = choose(experiment, Wish.model_validate({"device": "cpu", **(wish or {})}))
    outcome = train(experiment, execution, load(experiment.data), told, told, told, start or None)
    return outcome, told


def bits(told: Interrupted) -> dict[str, Any]:
    """The last weights, moments of the optimizer and random streams."""
    last = unpack(told.kept)
    names = ("network", "random", "average", "scaler", "patience", "pace")
    return {"optimizer": last["optimizer"]["state"], **{name: last[name] for name in names}}


def assert_equal(one: Any, other: Any) -> None:
    if isinstance(one, torch.Tensor):
        assert one.dtype == other.dtype and torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_equal(one[key], other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for mine, theirs in zip(one, other, strict=True):
            assert_equal(mine, theirs)
    else:
        assert one == other


@pytest.mark.slow
@pytest.mark.parametrize("name", list(EXPERIMENTS)[:5])
def test_interrupted_at_twenty_five_random_steps_it_is_the_same_to_the_last_bit(
    name: str, monkeypatch: pytest.MonkeyPatch
):
    same_after_interruptions(name, 25, monkeypatch)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_interrupted_at_any_step_the_rest_is_the_same_to_the_last_bit(name: str, monkeypatch: pytest.MonkeyPatch):
    same_after_interruptions(name, 4, monkeypatch)


def same_after_interruptions(name: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asserts that runs interrupted at so many random steps, and at the ends of epoch and run, end as an undisturbed one."""
    monkeypatch.setattr("builder.train.watch.LOOK_EVERY", 0.0)
    experiment, wish = EXPERIMENTS[name](), WISHES.get(name)
    whole, undisturbed = carry_on(experiment, at=-1, wish=wish)
    assert whole.status == "finished"
    epoch = whole.step // whole.epoch
    chosen = random.Random(name).sample(range(1, whole.step), min(count, whole.step - 1))
    for at in sorted({0, epoch, whole.step - 1, *chosen}):  # the end of an epoch, whose scores are not told yet, too
        first, before = carry_on(experiment, at, wish=wish)
        assert (first.status, first.step) == ("interrupted", at)
        before.add("train/loss", at + 1, 17.0)  # told after the moment that was kept, and lost
        second, after = carry_on(experiment, -1, before, wish)
        assert (second.status, second.step, second.epoch) == ("finished", whole.step, whole.epoch)
        assert after.series == undisturbed.series
        assert second.metrics == whole.metrics
        assert_equal(bits(after), bits(undisturbed))


REMEMBERING = {
    "SGD": {"lr": 0.1, "momentum": 0.9, "nesterov": True}, "ASGD": {"t0": 2, "lambd": 0.1}, "LBFGS": {"max_iter": 3},
    "RMSprop": {"momentum": 0.9, "centered": True}, "Adam": {"amsgrad": True}, "AdamW": {"decay_biases_and_norms": False},
    "Muon": {"decay_biases_and_norms": False},
}  # fmt: skip
"""Settings with which an optimizer remembers all that it can; the others do by themselves."""


@pytest.mark.parametrize("schedule", ["Constant", "Cosine"])
@pytest.mark.parametrize("kind", Optimizer.shelf)
def test_every_optimizer_goes_on_as_if_nothing_had_been(kind: str, schedule: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("builder.train.watch.LOOK_EVERY", 0.0)
    experiment = changed(
        with_dropout_and_norm(), optimizer={"type": kind, "params": REMEMBERING.get(kind, {})},
        schedule={"type": schedule}, batch={"size": 100}, length={"epochs": 2},
    )  # fmt: skip
    whole, undisturbed = carry_on(experiment, at=-1)
    assert whole.status == "finished"
    _, before = carry_on(experiment, 5)
    _, after = carry_on(experiment, -1, before)
    assert after.series == undisturbed.series
    assert_equal(bits(after), bits(undisturbed))


HELD: dict[str, Any] = {
    "penalties": [{"type": "L1", "params": {"strength": 0.01}}, {"type": "L2", "params": {"strength": 0.01}}],
    "clip": {"type": "ByNorm", "params": {"max_norm": 0.1}},
    "max_norm": 0.5,
}
"""Everything that holds a network back."""


@pytest.mark.parametrize("kind", Optimizer.shelf)
def test_every_optimizer_goes_on_with_penalties_and_limits(kind: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("builder.train.watch.LOOK_EVERY", 0.0)
    held = {**HELD, "clip": None} if Optimizer.shelf[kind].repeats else HELD
    free = taught(
        "CrossEntropy", optimizer={"type": kind, "params": REMEMBERING.get(kind, {})}, length={"epochs": 2}, ema=0.9
    )
    experiment = changed(free, **held)
    whole, undisturbed = carry_on(experiment, at=-1)
    assert whole.status == "finished"
    _, before = carry_on(experiment, 5)
    _, after = carry_on(experiment, -1, before)
    assert after.series == undisturbed.series
    assert_equal(bits(after), bits(undisturbed))
    assert carry_on(free, at=-1)[1].series["train/loss"] != undisturbed.series["train/loss"]


def augmented(*kinds: str, **recipe: Any) -> Experiment:
    """Convolutions with batch norm and dropout, which draw from the same stream as what changes the pictures."""
    params = {"Crop": {"padding": 2}, "Mixup": {"alpha": 1.0}}
    augment = [{"type": kind, "params": params.get(kind, {})} for kind in kinds]
    return changed(with_dropout_and_norm(), batch={"size": 50}, length={"epochs": 2}, augment=augment, **recipe)


@pytest.mark.parametrize("kinds", [*((kind,) for kind in Augmentation.shelf), tuple(Augmentation.shelf)], ids=len)
def test_augmented_runs_go_on_as_if_nothing_had_been(kinds: tuple[str, ...], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("builder.train.watch.LOOK_EVERY", 0.0)
    whole, undisturbed = carry_on(augmented(*kinds), at=-1)
    assert whole.status == "finished"
    for at in (3, 8, 9):
        _, before = carry_on(augmented(*kinds), at)
        _, after = carry_on(augmented(*kinds), -1, before)
        assert after.series == undisturbed.series
        assert_equal(bits(after), bits(undisturbed))
    assert carry_on(augmented(), at=-1)[1].series["train/loss"] != undisturbed.series["train/loss"]


@pytest.mark.parametrize("way", ["augmented from there", "plain from there"])
def test_a_branch_may_be_augmented_otherwise(way: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("builder.train.watch.LOOK_EVERY", 0.0)
    parent, branch = augmented(), augmented("Crop", "Mixup")
    parent, branch = (parent, branch) if way == "augmented from there" else (branch, parent)
    _, undisturbed = carry_on(parent, -1)
    _, before = carry_on(parent, 5)
    outcome, after = carry_on(branch, -1, before)
    losses, others = (told.series["train/loss"] for told in (undisturbed, after))
    assert outcome.status == "finished" and losses[:5] == others[:5] and losses[5:] != others[5:]


@pytest.mark.parametrize("field", HELD)
@pytest.mark.parametrize("way", ["held from there", "free from there"])
def test_a_branch_may_be_held_back_otherwise(field: str, way: str, monkeypatch: pytest.MonkeyPatch):
    """Up to the step of the branch all is the parent's; the loss of the next step is of weights that are the parent's too."""
    monkeypatch.setattr("builder.train.watch.LOOK_EVERY", 0.0)
    free = taught("CrossEntropy", length={"epochs": 2})
    parent, branch = free, changed(free, **{field: HELD[field]})
    parent, branch = (parent, branch) if way == "held from there" else (branch, parent)
    _, undisturbed = carry_on(parent, -1)
    _, before = carry_on(parent, 5)
    outcome, after = carry_on(branch, -1, before)
    losses, others = (told.series["train/loss"] for told in (undisturbed, after))
    assert outcome.status == "finished" and len(losses) == len(others) > 7
    assert losses[:6] == others[:6] and losses[6:] != others[6:]


@pytest.mark.parametrize("kind", ["Adam", "Muon"])
def test_a_branch_may_group_what_learns_otherwise_and_goes_on_with_what_is_remembered(
    kind: str, monkeypatch: pytest.MonkeyPatch
):
    """Nothing is pulled towards zero here, so that the groups make no difference."""
    monkeypatch.setattr("builder.train.watch.LOOK_EVERY", 0.0)
    one, other = (
        changed(
            with_dropout_and_norm(), batch={"size": 100}, length={"epochs": 2},
            optimizer={"type": kind, "params": {"weight_decay": 0, "decay_biases_and_norms": alike}},
        )
        for alike in (True, False)
    )  # fmt: skip
    _, undisturbed = carry_on(one, -1)
    for experiment, branch in ((one, other), (other, one)):
        _, before = carry_on(experiment, 5)
        _, after = carry_on(branch, -1, before)
        assert after.series == undisturbed.series
        assert_equal(bits(after), bits(undisturbed))


@pytest.mark.parametrize(
    ("kind", "asked"),
    [("Adam", {"amsgrad": True}), ("AdamW", {"amsgrad": True}), ("RMSprop", {"momentum": 0.9}),
     ("RMSprop", {"centered": True}), ("SGD", {"momentum": 0.9}), ("NAdam", {"weight_decay": 0.1})],
)  # fmt: skip
def test_a_branch_may_ask_an_optimizer_to_remember_more(
    kind: str, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("builder.train.watch.LOOK_EVERY", 0.0)
    plain = changed(
        with_dropout_and_norm(),
        optimizer={"type": kind, "params": {"lr": 0.002}},
        batch={"size": 100},
        length={"epochs": 2},
    )
    branch = changed(plain, optimizer={"type": kind, "params": {"lr": 0.002, **asked}})
    _, before = carry_on(plain, 5)
    (_, as_before), (outcome, after) = carry_on(plain, -1, before), carry_on(branch, -1, before)
    assert outcome.status == "finished" and after.series["train/loss"] != as_before.series["train/loss"]


def test_muon_learns_in_float16_and_goes_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("builder.train.watch.LOOK_EVERY", 0.0)
    experiment = changed(quick("digits-mlp"), optimizer={"type": "Muon", "params": {"lr": 0.01}}, length={"epochs": 2})
    narrow = {"precision": "float16"}
    _, undisturbed = carry_on(experiment, -1, wish=narrow)
    _, before = carry_on(experiment, 5, wish=narrow)
    _, after = carry_on(experiment, -1, before, narrow)
    losses = [loss for _, loss in after.series["train/loss"]]
    assert after.series == undisturbed.series and min(losses) < 0.9 * losses[0]
    assert_equal(bits(after), bits(undisturbed))


def test_interrupted_again_before_its_first_step_it_has_not_moved(monkeypatch: pytest.MonkeyPatch):
    """As where a run is resumed and its engine ends at once: the same moment is kept a second time."""
    monkeypatch.setattr("builder.train.watch.LOOK_EVERY", 0.0)
    experiment = EXPERIMENTS["a dense network with Adam"]()
    whole, undisturbed = carry_on(experiment, at=-1)
    at = whole.step // 2 + 1
    _, first = carry_on(experiment, at)
    _, second = carry_on(experiment, at, first)
    assert_equal(unpack(second.kept)["order"], unpack(first.kept)["order"])
    outcome, third = carry_on(experiment, -1, second)
    assert outcome.metrics == whole.metrics and third.series == undisturbed.series


def test_interrupted_again_and_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("builder.train.watch.LOOK_EVERY", 0.0)
    experiment = EXPERIMENTS["convolutions with batch norm, dropout and momentum"]()
    whole, undisturbed = carry_on(experiment, at=-1)
    told: Interrupted | None = None
    for at in range(3, whole.step, 5):
        _, told = carry_on(experiment, at, told)
    outcome, told = carry_on(experiment, -1, told)
    assert outcome.metrics == whole.metrics and told.series == undisturbed.series
    assert_equal(bits(told), bits(undisturbed))


def test_any_state_comes_back_from_its_bytes():
    state = {
        "a": torch.randn(2, 3), "view": torch.arange(6).reshape(2, 3).T, "none": None, "bits": torch.tensor([True]),
        "pairs": {0: {"step": torch.tensor(3.0)}, 7: [torch.zeros(0), (1, 0.1, "x")]}, "half": torch.ones(1, dtype=torch.bfloat16),
    }  # fmt: skip
    shared = torch.ones(4)
    state |= {"one": shared, "same": shared, "part": shared[1:]}
    back = unpack(pack(state))
    assert_equal({**state, "pairs": None}, {**back, "pairs": None})
    assert back["pairs"].keys() == {0, 7} and back["pairs"][7][1] == (1, 0.1, "x")
    assert_equal(state["pairs"][0], back["pairs"][0])


@pytest.mark.parametrize("data", [b"", b"{}", b"\x08\0\0\0\0\0\0\0{}      ", b"x" * 100, pack({})[:-3]], ids=range(5))
def test_bytes_that_are_no_moment_are_refused(data: bytes):
    with pytest.raises(ValueError, match="not a moment"):
        unpack(data)


@pytest.mark.parametrize("key", ["network", "optimizer", "order", "random", "pace", "step", "epoch", "seconds"])
def test_a_moment_of_another_run_is_a_problem(key: str):
    experiment = EXPERIMENTS["a dense network with Adam"]()
    _, told = carry_on(experiment, 5)
    for damage in ("nonsense", None, {"a": 1}, torch.zeros(3)):
        foreign = unpack(told.kept) | {key: damage}
        again = Interrupted(-1)
        with pytest.raises(Refused) as refused:
            train(experiment, choose(experiment, "cpu"), load(experiment.data), again, again, again, pack(foreign))
        assert refused.value.problems[0].code == "checkpoint/foreign"


@pytest.mark.parametrize(
    ("kind", "name"),
    [("Adam", "exp_avg"), ("AdamW", "exp_avg_sq"), ("Adam", "step"), ("SGD", "momentum_buffer")],
)
def test_what_an_optimizer_holds_in_another_size_than_its_weight_is_a_problem(kind: str, name: str):
    """A fused step goes through both side by side, and looks at no size."""
    params = {"momentum": 0.9} if kind == "SGD" else {}
    experiment = changed(quick("digits-mlp"), optimizer={"type": kind, "params": params}, length={"epochs": 2})
    _, told = carry_on(experiment, 5)
    for damage in (torch.zeros(3), torch.zeros(0), torch.tensor(0.0), torch.zeros(64, 32), "nonsense"):
        moment = unpack(told.kept)
        held = moment["optimizer"]["state"][0]
        if isinstance(damage, torch.Tensor) and damage.numel() == held[name].numel():
            continue  # as large as it was
        held[name] = damage
        again = Interrupted(-1)
        with pytest.raises(Refused) as refused:
            train(experiment, choose(experiment, "cpu"), load(experiment.data), again, again, again, pack(moment))
        assert refused.value.problems[0].code == "checkpoint/foreign"


def test_a_run_that_was_killed_after_it_lost_its_patience_does_not_go_on_learning():
    rule = {"patience": 2, "monitor": "loss"}
    adam = {"type": "Adam", "params": {"lr": 0.05}}
    experiment = changed(quick("playground"), optimizer=adam, early_stopping=rule, length={"epochs": 60})
    whole, undisturbed = carry_on(experiment, -1)
    assert whole.problem is not None and whole.problem.code == "run/early"
    again, after = carry_on(experiment, -1, undisturbed)  # its last moment: killed while it was judged
    assert (again.step, again.metrics) == (whole.step, whole.metrics)
    assert again.problem == whole.problem and after.series == undisturbed.series
    branch = changed(experiment, optimizer={"type": "Adam", "params": {"lr": 0.001}})  # has a patience of its own
    assert carry_on(branch, -1, undisturbed)[0].step > whole.step


class Undecided(Interrupted):
    """Tries rates while the run is paused at step 7."""

    def __init__(self, at: int, before: Interrupted | None = None) -> None:
        super().__init__(at, before.series if before else None)
        self.asked = 0

    def poll(self, step: int) -> str:
        if step == 7 and self.asked < 3:
            self.asked += 1
            self.rate = (0.05, 0.02, 0.001)[self.asked - 1]
            return "pause"
        return super().poll(step)


def test_of_rates_that_were_tried_in_a_pause_the_last_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("builder.train.watch.LOOK_EVERY", 0.0)
    monkeypatch.setattr("builder.train.watch.PAUSE_LOOK", 0.0)
    experiment = EXPERIMENTS["a dense network with Adam"]()
    told = Undecided(-1)
    train(experiment, choose(experiment, "cpu"), load(experiment.data), told, told, told)
    assert told.series["rate"] == [(7, 0.001)]
