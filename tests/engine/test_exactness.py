"""Rates changed while a run goes on, and branches, are repeated to the last bit: with the store, the control and the loop as they are."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch

from builder.blocks import example
from builder.control import Control
from builder.data import load
from builder.design import read
from builder.design.network import to_json
from builder.store import branching, checkpoints, history, runs
from builder.store.history import Recorder
from builder.train.execution import choose
from builder.train.moment import unpack
from builder.train.run import Outcome, train

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture(autouse=True)
def at_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.train.watch.LOOK_EVERY", 0.0)


def submitted(**recipe: Any) -> runs.Run:
    document = to_json(example("digits-mlp"))
    document["recipe"] |= {"length": {"epochs": 4}, "batch": {"size": 100}, **recipe}
    return runs.submit("ada", "Digits", document)


class Hand(Control):
    """A person who does something at given steps, and may pull the plug."""

    def __init__(self, run_id: str, does: dict[int, Callable[[], object]], unplugged_at: int | None = None) -> None:
        self.gone = threading.Event()
        super().__init__(run_id, self.gone)
        self.does, self.unplugged_at = dict(does), unplugged_at

    def poll(self, step: int) -> str:
        if step == self.unplugged_at:
            self.gone.set()
        self.does.pop(step, lambda: None)()
        return super().poll(step)


def carry_out(
    run: runs.Run, does: dict[int, Callable[[], object]] | None = None, unplugged_at: int | None = None
) -> tuple[Outcome, dict[str, Any]]:
    """What a worker does with a run; how it ended, and its last moment."""
    found = runs.find(run.id)
    assert found is not None
    experiment = read.experiment(found.experiment)
    execution, arrays = choose(experiment, "cpu"), load(experiment.data)
    per_epoch = experiment.recipe.batch.count(len(arrays.parts["train"]["image"]))
    keeper, recorder, control = checkpoints.Keeper(run.id), Recorder(run.id), Hand(run.id, does or {}, unplugged_at)
    step, start = checkpoints.newest(run.id) or (0, None)
    keeper.cut(step)
    control.prepare(step, per_epoch, per_epoch * experiment.recipe.length.epochs)
    runs.update(run.id, total_steps=per_epoch * experiment.recipe.length.epochs, epochs=experiment.recipe.length.epochs)
    outcome = train(experiment, execution, arrays, recorder, control, keeper, start)
    recorder.close()
    runs.finish(run.id, outcome.status, outcome.problem, dict(outcome.metrics))
    newest = checkpoints.newest(run.id)
    assert newest is not None
    return outcome, unpack(newest[1])


def rate(run: runs.Run, value: float) -> Callable[[], object]:
    return lambda: runs.command("ada", run.id, "rate", {"rate": value})


def weights_equal(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(torch.equal(value, other["network"][name]) for name, value in one["network"].items())


def told(run: runs.Run) -> dict[str, Any]:
    found = runs.find(run.id)
    assert found is not None
    return {name: history.series_values(run.id, name) for name in found.series}


@pytest.mark.parametrize("schedule", ["Constant", "Cosine"])
def test_a_rate_that_was_changed_is_changed_again_at_the_same_step(
    schedule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = submitted(schedule={"type": schedule})
    outcome, last = carry_out(whole, {7: rate(whole, 0.05), 12: rate(whole, 0.001)})
    assert outcome.status == "finished"
    cut = submitted(schedule={"type": schedule}, seed=0)
    with monkeypatch.context() as often:
        often.setattr(checkpoints.Keeper, "due", lambda _: True)
        carry_out(cut, {7: rate(cut, 0.05), 12: rate(cut, 0.001)}, unplugged_at=20)
    checkpoints.Keeper(cut.id).cut(5)  # as after a crash: everything later than a moment is lost
    assert checkpoints.newest(cut.id)[0] <= 5  # type: ignore[index]
    runs.resume("ada", cut.id)
    monkeypatch.setattr("builder.train.watch.LOOK_EVERY", 3600.0)  # what is done again does not wait for a look
    outcome_again, last_again = carry_out(cut)
    assert outcome_again.status == "finished"
    assert weights_equal(last, last_again)
    assert told(cut) == told(whole)
    plain, _ = carry_out(submitted(schedule={"type": schedule}, length={"epochs": 4}))
    assert plain.metrics != outcome.metrics


def test_branches_from_every_moment_end_as_the_run_did(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = submitted(ema=0.9)
    monkeypatch.setattr(checkpoints.Keeper, "due", lambda _: True)
    outcome, last = carry_out(whole, {9: rate(whole, 0.01)})
    steps = [step for step in checkpoints.steps(whole.id) if 9 < step < outcome.step]
    assert len(steps) > 5
    for step in steps[::4]:
        branch = branching.branch("ada", whole.id, step)
        assert (branch.parent, branch.parent_step, branch.status) == (whole.id, step, "queued")
        ended, moment = carry_out(branch)
        assert (ended.status, ended.step, ended.metrics) == ("finished", outcome.step, outcome.metrics)
        assert weights_equal(last, moment)
        assert told(branch) == told(whole)


def test_a_branch_may_learn_at_another_rate_with_another_optimizer_and_for_longer() -> None:
    whole = submitted()
    outcome, _ = carry_out(whole)
    step = outcome.step
    longer = branching.extend("ada", whole.id, 2)
    ended, moment = carry_out(longer)
    assert (ended.status, ended.epoch, ended.step) == ("finished", 6, step // 4 * 6)
    assert moment["pace"]["base"] == 0.003
    other = branching.branch(
        "ada", whole.id, changes={"recipe.optimizer": {"type": "SGD", "params": {"lr": 0.5}}, "recipe.length.epochs": 5}
    )
    ended, moment = carry_out(other)
    assert ended.status == "finished" and moment["pace"]["base"] == 0.5 and moment["optimizer_type"] == "SGD"
    straight = submitted(length={"epochs": 6})
    _, expected = carry_out(straight)
    assert weights_equal(expected, carry_out(branching.extend("ada", whole.id, 2))[1])


def test_what_a_finished_cosine_is_extended_by_holds_its_last_rate() -> None:
    whole = submitted(schedule={"type": "Cosine", "params": {"lowest": 0.0005}})
    carry_out(whole)
    found = runs.find(whole.id)
    assert found is not None and found.rate is not None and 0.0005 < found.rate < 0.0006
    _, moment = carry_out(branching.extend("ada", whole.id, 1))
    assert moment["pace"]["base"] == found.rate


def test_a_branch_may_go_back_to_the_recipe_s_own_rate() -> None:
    """It was changed by hand meanwhile, and asking for the old one must not look like asking for nothing."""
    whole = submitted()
    carry_out(whole, {9: rate(whole, 0.0001)})
    _, kept = carry_out(branching.branch("ada", whole.id, changes={"recipe.length.epochs": 5}))
    _, asked = carry_out(branching.extend("ada", whole.id, 1, rate=0.003))
    assert (kept["pace"]["base"], asked["pace"]["base"]) == (0.0001, 0.003)
