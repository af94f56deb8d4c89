"""Steps, epochs, goals and rates: what the loop is told, and that a resumed run hears again what it has heard."""

import threading
from typing import Any

import pytest

from builder.control import Control, rates_after
from builder.problem import Refused
from builder.store import runs
from builder.store.runs import Command

pytestmark = pytest.mark.usefixtures("home")

PER_EPOCH, TOTAL = 10, 100


class Steered:
    """A running run, and its control as the loop uses it: one poll a step at most."""

    def __init__(self, start: int = 0) -> None:
        run = runs.submit("ada", "Digits", {})
        runs.claim()
        runs.update(run.id, status="running")
        self.run = run.id
        self.step = start
        self.control = self.worker(start)

    def worker(self, start: int) -> Control:
        """A new worker's control, from a step on."""
        control = Control(self.run, threading.Event())
        control.prepare(start, PER_EPOCH, TOTAL)
        return control

    def ask(self, kind: runs.CommandKind, **payload: Any) -> None:
        runs.command("ada", self.run, kind, payload or None)

    def go(self) -> int:
        """Train until the control says pause, or the run ends; the step then."""
        while self.control.poll(self.step) == "run" and self.step < TOTAL:
            at = self.control.ask_at
            self.step = TOTAL if at is None else at
        return self.step

    @property
    def status(self) -> str:
        run = runs.find(self.run)
        assert run is not None
        return run.status


@pytest.fixture
def paused() -> Steered:
    steered = Steered(start=3)
    steered.ask("pause")
    assert (steered.go(), steered.status) == (3, "paused")
    return steered


def test_five_presses_are_five_steps(paused: Steered) -> None:
    for _ in range(5):
        paused.ask("step", steps=1)
    assert (paused.go(), paused.status) == (8, "paused")
    paused.ask("step", steps=1)
    assert paused.go() == 9


def test_a_step_asked_for_while_others_are_being_done_comes_on_top(paused: Steered) -> None:
    paused.ask("step", steps=4)
    assert (paused.control.poll(3), paused.control.ask_at) == ("run", 7)
    assert paused.status == "running"
    paused.ask("step", steps=2)
    assert (paused.control.poll(5), paused.control.ask_at) == ("run", 9)


def test_an_epoch_ends_at_its_end(paused: Steered) -> None:
    paused.ask("step", epochs=1)
    assert paused.go() == 10
    paused.ask("step", epochs=1)
    assert paused.go() == 20
    paused.ask("step", epochs=1)
    paused.ask("step", epochs=2)
    assert paused.go() == 50


def test_a_running_run_that_is_told_to_step_halts_behind_the_step() -> None:
    steered = Steered(start=41)
    steered.ask("step", steps=2)
    assert (steered.go(), steered.status) == (43, "paused")


def test_until_an_epoch(paused: Steered) -> None:
    paused.ask("until", epoch=4)
    assert (paused.go(), paused.status) == (40, "paused")
    paused.ask("until", epoch=2)  # that is over
    assert (paused.go(), paused.status) == (40, "paused")
    paused.ask("until", epoch=10)  # the last one: the run ends, and does not wait there
    assert (paused.go(), paused.control.ask_at) == (TOTAL, None)
    assert paused.status == "running"


@pytest.mark.parametrize(
    ("goal", "scores", "reached"),
    [({"loss": 0.5}, {"validation/loss": 0.5, "train/loss": 9.0}, True), ({"loss": 0.5}, {"validation/loss": 0.51}, False),
     ({"loss": 0.5}, {"train/loss": 0.4}, True), ({"accuracy": 0.9}, {"validation/accuracy": 0.9}, True),
     ({"accuracy": 0.9}, {"train/accuracy": 0.95, "validation/accuracy": 0.89}, False)],
    ids=str,
)  # fmt: skip
def test_until_a_score(paused: Steered, goal: dict[str, float], scores: dict[str, float], reached: bool) -> None:
    paused.control.judged(3, scores)
    assert paused.control.poll(3) == "pause"
    paused.ask("until", **goal)
    assert paused.control.poll(3) == "run"
    paused.control.judged(10, scores)
    assert paused.control.ask_at == (10 if reached else None)
    assert paused.control.poll(10) == ("pause" if reached else "run")


@pytest.mark.parametrize("kind", ["pause", "resume"])
def test_pause_and_resume_forget_what_was_waited_for(paused: Steered, kind: runs.CommandKind) -> None:
    paused.ask("until", loss=0.1)
    paused.ask("step", steps=5)
    paused.ask(kind)
    paused.control.poll(3)
    paused.control.judged(10, {"validation/loss": 0.0})
    assert paused.control.ask_at is None


def test_a_rate_counts_from_the_step_at_which_it_was_heard(paused: Steered) -> None:
    assert paused.control.rate is None
    paused.ask("rate", rate=0.5)
    paused.ask("rate", rate=0.25)
    assert paused.control.poll(3) == "pause"
    assert paused.control.rate == 0.25


def test_a_resumed_run_changes_its_rate_again_at_the_same_steps() -> None:
    steered = Steered()
    for step, rate in ((5, 0.5), (12, 0.25), (30, 0.125)):
        steered.ask("rate", rate=rate)
        steered.control.poll(step)
    again = steered.worker(12)
    assert (again.rate, again.ask_at) == (None, 12)
    assert (again.poll(12), again.rate, again.ask_at) == ("run", 0.25, 30)
    assert (again.poll(30), again.rate, again.ask_at) == ("run", 0.125, None)
    assert [command.step for command in runs.commands_after(steered.run, 0)] == [5, 12, 30]


def rate(seq: int, step: int | None, value: float) -> Command:
    return Command(seq, "rate", {"rate": value}, step)


def test_what_came_after_a_step_that_was_done_another_way_counts_no_more() -> None:
    log = [rate(1, 10, 0.5), rate(2, 40, 0.25), Command(3, "pause", None, 45), rate(4, 20, 0.1), rate(5, None, 7.0)]
    assert rates_after(0, log) == [(10, 0.5), (20, 0.1)]
    assert rates_after(20, log) == [(20, 0.1)]
    assert rates_after(21, log) == []


@pytest.mark.parametrize(
    ("kind", "payload"),
    [("step", {"steps": 0}), ("step", None), ("step", {"steps": 1, "epochs": 1}), ("until", {"accuracy": 1.5}),
     ("until", {"loss": float("nan")}), ("rate", {"rate": -0.1}), ("rate", {"rate": "fast"})],
    ids=str,
)  # fmt: skip
def test_an_order_that_makes_no_sense_is_refused_and_not_in_the_log(kind: runs.CommandKind, payload: Any) -> None:
    steered = Steered()
    with pytest.raises(Refused) as refused:
        runs.command("ada", steered.run, kind, payload)
    assert refused.value.problems[0].code == "run/order"
    assert runs.commands_after(steered.run, 0) == []


def test_a_score_that_the_run_does_not_have_is_never_reached(paused: Steered) -> None:
    paused.ask("until", accuracy=0.1)
    assert paused.control.poll(3) == "run"
    paused.control.judged(10, {"validation/loss": 0.5, "train/loss": 0.4})
    assert (paused.control.ask_at, paused.control.poll(10)) == (None, "run")


def test_a_person_s_new_rate_counts_and_not_what_was_asked_for_later_before_the_run_was_set_back() -> None:
    steered = Steered()
    steered.ask("rate", rate=0.05)
    steered.control.poll(10)
    again = steered.worker(5)
    steered.ask("rate", rate=0.001)
    again.poll(7)
    assert (again.poll(10), again.rate) == ("run", 0.001)
    assert rates_after(5, runs.commands_after(steered.run, 0)) == [(7, 0.001)]


def test_orders_wait_until_a_run_has_begun_but_for_its_stop() -> None:
    steered = Steered()
    steered.ask("step", epochs=1)
    assert steered.control.over(0) is None
    assert [command.step for command in runs.commands_after(steered.run, 0)] == [None]
    assert (steered.control.poll(0), steered.control.ask_at) == ("run", PER_EPOCH)
    fresh = Steered()
    fresh.ask("stop")
    assert fresh.control.over(0) == "stop"


def test_a_worker_that_was_given_up_changes_nothing_of_the_run_that_another_one_has() -> None:
    run = runs.submit("ada", "Digits", {})
    first = runs.claim()
    assert first is not None
    runs.finish(run.id, "interrupted")
    runs.resume("ada", run.id)
    second = runs.claim()
    assert second is not None and second.started != first.started
    runs.finish(run.id, "interrupted", since=first.started)
    old = Control(run.id, threading.Event(), first.started)
    runs.command("ada", run.id, "pause")
    assert old.poll(3) == "pause"
    found = runs.find(run.id)
    assert found is not None and found.status == "starting"


def test_a_run_that_has_ended_takes_no_orders_and_forgets_those_it_never_heard() -> None:
    steered = Steered()
    steered.ask("pause")
    runs.finish(steered.run, "stopped")
    steered.ask("stop")  # it has what was wanted
    with pytest.raises(Refused) as refused:
        steered.ask("step", steps=1)
    assert refused.value.problems[0].code == "run/ended"
    runs.resume("ada", steered.run)
    assert runs.commands_after(steered.run, 0) == []
