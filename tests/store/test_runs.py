"""Runs: the queue, who goes next, commands, final statuses."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder import limits
from builder.blocks import example
from builder.design.experiment import Wish
from builder.design.network import to_json
from builder.problem import Problem, Refused
from builder.store import checkpoints, database, history, runs, site

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
    assert runs.command("ada", run.id, "stop") == 4
    assert runs.commands_after(other.id, 0) == []
    runs.applied(run.id, 3, 70)
    assert runs.commands_after(run.id, 2) == [
        runs.Command(3, "pause", None, 70),
        runs.Command(4, "stop", None, None),
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


# What people say about runs, and what they throw away -------------------------------------------------------------


def ended(owner: str = "ada", number: int = 0, status: runs.EndStatus = "finished", seconds: float = 1.0) -> runs.Run:
    run = submit(owner, number)
    runs.command(owner, run.id, "pause")
    runs.update(run.id, seconds=seconds)
    runs.finish(run.id, status)
    return mine(run)


def code_of(refused: pytest.ExceptionInfo[Refused]) -> str:
    return refused.value.problems[0].code


def test_a_run_gets_a_name_tags_and_notes() -> None:
    run = submit()
    assert runs.rename("ada", run.id, "  Two\n words ").name == "Two words"
    said = runs.annotate("ada", run.id, [" second ", "first", "second", "", "with\0nul \ud800"], "Line\nLine")
    assert (said.tags, said.notes) == (("second", "first", "withnul"), "Line\nLine")
    assert mine(run) == said
    assert runs.annotate("ada", run.id, notes="Other").tags == ("second", "first", "withnul")
    assert runs.annotate("ada", run.id, tags=[]).notes == "Other"
    assert runs.annotate("ada", run.id) == mine(run)
    assert runs.rename("ada", run.id, "x" * limits.TITLE).place == 1
    for name in ("", " \n ", "x" * (limits.TITLE + 1)):
        with pytest.raises(Refused) as refused:
            runs.rename("ada", run.id, name)
        assert code_of(refused) == "run/words"
    runs.annotate("ada", run.id, [str(number) for number in range(limits.TAGS)], "x" * limits.NOTES)
    for tags, notes in (
        (["x" * (limits.TAG + 1)], None),
        ([str(number) for number in range(limits.TAGS + 1)], None),
        (None, "x" * (limits.NOTES + 1)),
    ):
        with pytest.raises(Refused) as refused:
            runs.annotate("ada", run.id, tags, notes)
        assert code_of(refused) == "run/words"
    assert len(mine(run).tags) == limits.TAGS


def test_nobody_else_renames_annotates_throws_away_or_deletes() -> None:
    run = ended()
    for change in (
        lambda: runs.rename("eve", run.id, "Mine"),
        lambda: runs.annotate("eve", run.id, ["mine"]),
        lambda: runs.throw_away("eve", run.id),
        lambda: runs.take_back("eve", run.id),
        lambda: runs.delete("eve", run.id),
    ):
        with pytest.raises(Refused) as refused:
            change()
        assert code_of(refused) == "run/unknown"
    assert mine(run) == run
    runs.throw_away("ada", run.id)
    with pytest.raises(Refused):
        runs.delete("eve", run.id)
    assert runs.empty_bin("eve") == 0
    assert mine(run).binned is not None


def test_what_is_thrown_away_is_in_the_bin_and_can_be_taken_back() -> None:
    kept, gone = ended(), ended(number=1)
    before = time.time()
    thrown = runs.throw_away("ada", gone.id)
    assert thrown.binned is not None and before <= thrown.binned <= time.time()
    assert runs.throw_away("ada", gone.id) == thrown == mine(gone)
    assert runs.listing("ada") == [kept]
    assert runs.listing("ada", binned=True) == [thrown]
    assert runs.take_back("ada", gone.id) == gone
    assert runs.listing("ada") == [gone, kept]


@pytest.mark.parametrize("status", runs.ALIVE)
def test_a_run_that_has_not_ended_is_not_thrown_away(status: runs.Status) -> None:
    run = submit()
    runs.update(run.id, status=status)
    with pytest.raises(Refused, match="not ended") as refused:
        runs.throw_away("ada", run.id)
    assert "Stop it first" in refused.value.problems[0].because
    assert mine(run).binned is None


def test_a_run_that_goes_on_comes_out_of_the_bin() -> None:
    run = ended(status="interrupted")
    runs.throw_away("ada", run.id)
    assert runs.resume("ada", run.id).binned is None
    assert [run.id for run in runs.listing("ada")] == [run.id]


def with_things(run: runs.Run) -> runs.Run:
    """The run with something of everything that belongs to one."""
    recorder = history.Recorder(run.id)
    recorder.add("train/loss", 1, 0.5)
    recorder.view("boundary", 1, {}, b"picture")
    recorder.close()
    checkpoints.Keeper(run.id).keep(1, b"moment")
    return run


def things(id: str) -> int:
    """Rows of the run in all tables."""
    tables = ("run_command", "history_chunk", "history_tail", "run_view", "checkpoint")
    with database.reading() as connection:
        counts = [
            connection.exec_driver_sql(f"SELECT COUNT(*) FROM {table} WHERE run = '{id}'").scalar() for table in tables
        ]
    assert 0 not in counts or not any(counts)
    return sum(counts)


def test_deleting_takes_all_of_a_run_and_nothing_of_another(home: Path) -> None:
    run, other = with_things(ended()), with_things(ended(number=1))
    with pytest.raises(Refused) as refused:
        runs.delete("ada", run.id)
    assert code_of(refused) == "run/not-in-bin"
    assert things(run.id) == things(other.id) == 5
    runs.throw_away("ada", run.id)
    runs.delete("ada", run.id)
    assert runs.find(run.id) is None
    assert (things(run.id), things(other.id)) == (0, 5)
    assert [folder.name for folder in (home / "runs").iterdir()] == [other.id]
    with pytest.raises(Refused, match="no such run"):
        runs.delete("ada", run.id)


def test_emptying_the_bin_leaves_what_is_not_in_it() -> None:
    kept, gone, theirs = ended(), [ended(number=1), ended(number=2)], ended("eve")
    for run in (*gone, theirs):
        runs.throw_away(run.owner, run.id)
    assert runs.empty_bin("ada") == 2
    assert runs.empty_bin("ada") == 0
    assert runs.listing("ada", binned=True) == []
    assert (mine(kept).id, len(runs.listing("eve", binned=True))) == (kept.id, 1)


def test_what_was_long_in_the_bin_is_cleared_out_with_the_leftovers_of_a_crash(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, young, kept = (with_things(ended(number=number)) for number in range(3))
    crashed = with_things(ended(number=3))
    for run in (old, young, crashed):
        runs.throw_away("ada", run.id)
    long_ago = time.time() - limits.BIN_DAYS * 86_400
    runs.update(old.id, binned=long_ago - 1)
    runs.update(young.id, binned=long_ago + 60)
    with monkeypatch.context() as patched:  # killed between the rows and the files
        patched.setattr(checkpoints, "forget", lambda id: None)
        runs.delete("ada", crashed.id)
    assert [run.id for run in runs.listing("ada")] == [kept.id]
    assert runs.clear_out() == 1
    folders = {folder.name for folder in (home / "runs").iterdir()}
    assert folders == {young.id, kept.id, crashed.id}  # the last might be of a run that is just being made
    os.utime(home / "runs" / crashed.id, (0, 0))
    os.utime(home / "runs" / kept.id, (0, 0))
    assert runs.clear_out() == 0
    assert {folder.name for folder in (home / "runs").iterdir()} == {young.id, kept.id}
    assert checkpoints.newest(kept.id) == (1, b"moment")


def test_the_listing_goes_on_behind_a_run_and_keeps_to_a_design() -> None:
    made = [submit(number=number, design="other" if number % 2 else "design") for number in range(6)]
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE run SET created = 1000")  # all at once: then by id
    in_order = [run.id for run in runs.listing("ada")]
    assert in_order == sorted(run.id for run in made)
    pages, last = [], None
    while page := runs.listing("ada", 4, before=last):
        pages += [run.id for run in page]
        last = page[-1].id
    assert pages == in_order
    assert {run.id for run in runs.listing("ada", design="other")} == {run.id for run in made[1::2]}
    assert runs.listing("ada", before="nonexistent0") == []
    runs.rename("ada", made[0].id, "Any")
    assert runs.listing("eve", before=in_order[0]) == []


def test_a_wish_is_kept_as_far_as_it_says_something() -> None:
    wished = runs.submit("ada", "Digits", {}, wish=Wish(device="cpu", threads=2))
    assert wished.execution == {"device": "cpu", "threads": 2}
    assert runs.submit("ada", "Digits", {}).execution == {"device": "auto"}


# Limits of an owner and of a run ----------------------------------------------------------------------------------


def test_nobody_has_more_runs_going_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RUNS_GOING_PER_OWNER", 2)
    ada = [submit(number=number) for number in range(4)]
    eve = submit("eve")
    assert {claimed().id for _ in range(3)} == {ada[0].id, ada[1].id, eve.id}
    assert runs.claim() is None
    assert [mine(run).place for run in ada[2:]] == [1, 2]
    other = submit("bob")
    assert mine(other).place == 1
    assert claimed().id == other.id
    assert runs.claim() is None
    runs.finish(ada[0].id, "finished")
    assert claimed().id == ada[2].id
    assert runs.claim() is None


def test_a_network_that_is_too_large_here_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = to_json(example("lenet5"))  # 61,706 parameters
    monkeypatch.setattr(limits, "RUN_PARAMETERS", 61_706)
    runs.submit("ada", "LeNet", experiment)
    monkeypatch.setattr(limits, "RUN_PARAMETERS", 61_705)
    with pytest.raises(Refused) as refused:
        runs.submit("ada", "LeNet", experiment)
    assert code_of(refused) == "run/parameters"
    assert "61,706" in refused.value.problems[0].because and "61,705" in refused.value.problems[0].because
    assert len(runs.listing("ada")) == 1


@pytest.mark.parametrize("text", ["many", "0", "-3", "1.5", "٣", "9" * 30])
def test_a_limit_that_is_no_number_ends_the_start_with_a_sentence(text: str) -> None:
    said = subprocess.run(
        [sys.executable, "-c", "import builder.limits"],
        env=os.environ | {"LAYERLAB_RUNS_WAITING_PER_OWNER": text}, capture_output=True, text=True,
    )  # fmt: skip
    assert said.returncode == 1
    assert said.stderr.startswith("LAYERLAB_RUNS_WAITING_PER_OWNER is") and "whole number" in said.stderr
    assert "Traceback" not in said.stderr


def test_limits_are_those_of_the_site(monkeypatch: pytest.MonkeyPatch) -> None:
    assert limits.given("LAYERLAB_NOT_SET", None) is None
    assert limits.given("LAYERLAB_NOT_SET", 20) == 20
    monkeypatch.setenv("LAYERLAB_RUN_SECONDS", " 60 ")
    assert limits.given("LAYERLAB_RUN_SECONDS", None) == 60
    monkeypatch.setenv("LAYERLAB_RUN_SECONDS", "")
    assert limits.given("LAYERLAB_RUN_SECONDS", None) is None


# When a waiting run will start ------------------------------------------------------------------------------------


def test_the_start_of_a_run_is_expected_by_what_runs_took(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = submit(number=1)
    assert runs.expected_start(waiting.id) is None  # no engine was ever there
    site.start_engine(1, "version", slots=1)
    assert runs.expected_start(waiting.id) == 0.0
    assert claimed().id == waiting.id
    assert runs.expected_start(waiting.id) is None  # it does not wait
    behind, last = submit("eve", number=2), submit("eve", number=3)
    assert runs.expected_start(behind.id) is None  # nothing has finished, and nothing is known of the first
    runs.update(waiting.id, step=25, total_steps=100, seconds=10.0)
    assert runs.expected_start(behind.id) == 30.0
    assert runs.expected_start(last.id) is None
    for seconds in (5.0, 7.0, 100.0):
        ended("bob", number=9, seconds=seconds)
    assert runs.expected_start(last.id) == 30.0 + 7.0  # the median of all
    ended("bob", number=2, seconds=3.0)
    ended("bob", number=2, seconds=4.0)
    ended("bob", number=2, status="failed", seconds=400.0)
    assert runs.expected_start(last.id) == 30.0 + 4.0  # the last of its kind that finished
    monkeypatch.setattr(limits, "RUNS_GOING_PER_OWNER", 1)
    site.start_engine(1, "version", slots=3)
    assert (runs.expected_start(behind.id), runs.expected_start(last.id)) == (0.0, 4.0)
    assert runs.expected_start("nonexistent0") is None


def test_a_run_that_wants_more_threads_than_are_free_is_passed_by_until_there_are_enough() -> None:
    wide = runs.submit("ada", "Wide", {"number": 1}, wish=Wish(threads=4))
    small, other = runs.submit("eve", "Small", {"number": 2}), runs.submit("eve", "Small", {"number": 3})
    assert claimed_with(3) == small.id
    assert claimed_with(4) == wide.id
    assert claimed_with(1) == other.id
    assert claimed_with(1) is None


def claimed_with(threads: int) -> str | None:
    run = runs.claim(threads)
    return run.id if run else None


def test_more_threads_than_there_are_cores_are_refused() -> None:
    site.start_engine(1, "version", 2)
    runs.submit("ada", "Two", {"number": 1}, wish=Wish(threads=2))
    with pytest.raises(Refused) as refused:
        runs.submit("ada", "Three", {"number": 2}, wish=Wish(threads=3))
    assert refused.value.problems[0].code == "run/threads"


def test_turns_go_round_however_soon_a_run_ends() -> None:
    """Three runs of each of four people, two at a time: nobody has a second one before everybody has had a first."""
    for owner in "abcd":
        for number in range(3):
            submit(owner, number)
    order, going = [], []
    while (run := runs.claim()) is not None:
        order.append(run.owner)
        going.append(run)
        if len(going) == 2:
            runs.finish(going.pop(0).id, "finished")
    assert order == list("abcd" * 3)


def test_somebody_who_comes_later_waits_for_no_more_than_the_turns_of_the_others() -> None:
    for number in range(6):
        submit("ada", number)
    claimed(), claimed()
    late = submit("eve", 100)
    assert mine(late).place == 1
    assert claimed().id == late.id


def test_who_has_as_many_going_as_are_allowed_is_passed_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RUNS_GOING_PER_OWNER", 1)
    first, second = submit("ada", 1), submit("ada", 2)
    other = submit("eve", 3)
    assert [claimed().id, claimed().id] == [first.id, other.id]
    assert runs.claim() is None
    runs.finish(first.id, "finished")
    assert claimed().id == second.id
