"""Runs: the queue, who goes next, commands, final statuses."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder import limits
from builder.problem import Problem, Refused
from builder.store import database, runs, site

pytestmark = pytest.mark.usefixtures("home")


def submit(owner: str = "ada", number: int = 0, design: str | None = None) -> runs.Run:
    return runs.submit(owner, "Digits", {"number": number}, design)


def claimed() -> runs.Run:
    run = runs.claim()
    assert run is not None
    return run


def mine(run: runs.Run) -> runs.Run:
    found = runs.get(run.owner, run.id)
    assert found is not None
    return found


def test_a_submitted_run_waits_in_the_first_place() -> None:
    before = time.time()
    run = submit(design="abcdefghijkl")
    assert before <= run.created <= time.time()
    assert (run.status, run.place, run.execution, run.step, run.series) == ("queued", 1, {"device": "auto"}, 0, ())
    assert mine(run) == run == runs.find(run.id) == runs.active("ada", "abcdefghijkl")
    assert runs.listing("ada") == [run]


def test_start_pressed_twenty_times_at_once_is_one_run() -> None:
    with ThreadPoolExecutor(20) as pool:
        pressed = list(pool.map(lambda _: submit(design="abcdefghijkl"), range(20)))
    assert len({run.id for run in pressed}) == 1
    assert len(runs.listing("ada")) == 1


def test_what_differs_or_has_ended_is_another_run() -> None:
    first = submit(design="design")
    others = [submit(number=1, design="design"), submit(design="other"), submit("eve", design="design"), submit()]
    others += [submit(), runs.submit("ada", "Digits", {"number": 0}, "design", device="cpu")]
    assert len({run.id for run in [first, *others]}) == 7
    for status in ("starting", "running", "paused"):
        runs.update(first.id, status=status)
        assert submit(design="design").id == first.id
    runs.finish(first.id, "finished")
    assert submit(design="design").id != first.id


def test_one_more_waiting_run_than_the_limit_is_refused() -> None:
    for number in range(limits.RUNS_WAITING_PER_OWNER):
        submit(number=number)
    with pytest.raises(Refused) as caught:
        submit(number=99)
    assert caught.value.problems[0].code == "run/too-many"
    assert str(limits.RUNS_WAITING_PER_OWNER) in caught.value.problems[0].because
    submit("eve")
    claimed()
    submit(number=99)


@given(
    owners=st.lists(st.sampled_from("abc"), max_size=12),
    going=st.lists(st.sampled_from("abc"), max_size=4),
)
def test_places_are_the_order_of_claims_and_that_is_fair(owners: list[str], going: list[str]) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM run")
    for number, owner in enumerate(going):
        submit(owner, number)
        claimed()
    waiting = [submit(owner, 100 + number) for number, owner in enumerate(owners)]
    places = {run.id: mine(run).place for run in waiting}
    active = {owner: going.count(owner) for owner in "abc"}
    for place in range(1, len(owners) + 1):
        # The rule itself, one claim after the other: fewest going first, then the oldest.
        expected = min(waiting, key=lambda run: (active[run.owner], run.created))
        waiting.remove(expected)
        active[expected.owner] += 1
        assert places[expected.id] == place
        assert claimed().id == expected.id
    assert runs.claim() is None


def test_every_run_is_claimed_by_one_claimer_alone() -> None:
    submitted = {submit(owner, number).id for owner in "abc" for number in range(10)}
    with ThreadPoolExecutor(8) as pool:
        got = [run.id for run in pool.map(lambda _: runs.claim(), range(40)) if run is not None]
    assert len(got) == 30
    assert set(got) == submitted


def test_a_claimed_run_that_nobody_took_up_goes_back_to_its_place() -> None:
    first, second = submit(number=1), submit(number=2)
    assert claimed().status == "starting"
    runs.release(first.id)
    assert mine(first) == first
    assert mine(second).place == 2
    runs.update(first.id, status="running")
    runs.release(first.id)
    assert mine(first).status == "running"


def test_a_final_status_stays() -> None:
    run = submit()
    problem = Problem(code="run/crashed", title="It crashed", because="For a test.")
    runs.finish(run.id, "failed", problem, {"test/loss": float("nan")})
    ended = mine(run)
    assert ended.status == "failed"
    assert ended.problem == problem.model_dump(mode="json")
    assert ended.ended is not None
    assert ended.summary["test/loss"] != ended.summary["test/loss"]
    runs.finish(run.id, "finished", summary={"test/loss": 1.0})
    runs.update(run.id, status="running")
    assert mine(run).status == "failed"
    assert mine(run).problem == ended.problem
    runs.update(run.id, name="Renamed")
    assert mine(run).name == "Renamed"


def test_commands_are_numbered_and_say_at_which_step_they_took_effect() -> None:
    run, other = submit(), submit("eve")
    claimed()
    assert [runs.command("ada", run.id, kind) for kind in ("pause", "resume", "pause")] == [1, 2, 3]
    assert runs.command("ada", run.id, "stop", {"why": "enough"}) == 4
    assert runs.commands_after(other.id, 0) == []
    runs.applied(run.id, 3, 70)
    assert runs.commands_after(run.id, 2) == [
        runs.Command(3, "pause", None, 70),
        runs.Command(4, "stop", {"why": "enough"}, None),
    ]
    assert mine(run).status == "starting"


def test_commands_given_at_once_get_numbers_without_gap_or_double() -> None:
    run = submit()
    claimed()
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: runs.command("ada", run.id, "pause"), range(40)))
    assert sorted(numbers) == list(range(1, 41)) == [command.seq for command in runs.commands_after(run.id, 0)]


def test_a_waiting_run_is_stopped_at_once() -> None:
    run = submit()
    runs.command("ada", run.id, "stop")
    assert mine(run).status == "stopped"
    assert mine(run).ended is not None
    assert runs.commands_after(run.id, 0)[0].step == 0
    assert runs.claim() is None


def test_another_owner_sees_nothing_and_commands_nothing() -> None:
    run = submit(design="design")
    assert runs.get("eve", run.id) is None
    assert runs.listing("eve") == []
    assert runs.active("eve", "design") is None
    with pytest.raises(Refused):
        runs.command("eve", run.id, "stop")
    assert mine(run) == run
    assert runs.commands_after(run.id, 0) == []


def test_the_listing_has_the_newest_first_and_not_more_than_asked_for() -> None:
    made = [submit(number=number) for number in range(5)]
    assert [run.id for run in runs.listing("ada", limit=3)] == [run.id for run in reversed(made)][:3]
    assert [run.place for run in runs.listing("ada")] == [5, 4, 3, 2, 1]


def test_a_sign_of_life_is_counted_and_not_dated(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(site.time, "monotonic", lambda: now)
    assert runs.seconds_since_app() == 0
    now += 90
    assert runs.seconds_since_app() == 90
    monkeypatch.setattr(site.time, "time", lambda: 0.0)  # the clock on the wall is set back
    runs.app_alive()
    now += 1
    assert runs.seconds_since_app() == 0
    now += 5
    assert runs.seconds_since_app() == 5


def test_a_run_that_ended_early_is_queued_again_and_a_command_of_before_is_not_obeyed_twice() -> None:
    run = submit()
    for status in ("interrupted", "stopped", "failed"):
        claimed()
        runs.update(run.id, status="running", step=7)
        runs.finish(run.id, status, Problem(code="x", title="X", because="Y."), {"test/loss": 1.0})
        again = runs.resume("ada", run.id)
        assert (again.status, again.place, again.problem, again.summary, again.ended) == ("queued", 1, None, {}, None)
        assert again.step == 7
    with pytest.raises(Refused, match="no such run"):
        runs.resume("eve", run.id)


@pytest.mark.parametrize("status", ["queued", "running", "paused", "finished"])
def test_a_run_that_goes_or_is_finished_cannot_be_resumed(status: runs.Status) -> None:
    run = submit()
    runs.update(run.id, status=status)
    with pytest.raises(Refused, match="cannot go on"):
        runs.resume("ada", run.id)
    assert mine(run).status == status
