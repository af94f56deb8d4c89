"""Looking for runs: what is found, in which order, and how fast among many."""

import time
from dataclasses import replace

import pytest
import sqlalchemy as sa

from builder.blocks import example
from builder.design.network import to_json
from builder.store import found_runs, runs, sparklines
from builder.store.database import writing
from builder.store.found_runs import found
from builder.store.history import Recorder
from builder.store.tables import new_id, run

pytestmark = pytest.mark.usefixtures("home")

ANY: frozenset[runs.Status] = frozenset()


def submit(name: str, tags: tuple[str, ...] = (), notes: str = "", owner: str = "ada") -> runs.Run:
    made = runs.submit(owner, name, {"name": name, "at": time.time()})
    return runs.annotate(owner, made.id, tags=tags, notes=notes)


def names(words: str = "", statuses: frozenset[runs.Status] = ANY, limit: int = 50, binned: bool = False) -> list[str]:
    return [each.name for each in found("ada", words, statuses, limit, binned=binned)]


def test_without_words_the_newest_are_found_first_and_nobody_elses() -> None:
    for name in ("first", "second", "third"):
        submit(name)
    submit("hers", owner="eve")
    assert names() == ["third", "second", "first"]
    assert names(limit=2) == ["third", "second"]


def test_words_are_looked_for_in_names_tags_and_notes_whatever_their_case() -> None:
    submit("Digits, wide", tags=("Baseline",))
    submit("digits", notes="the WIDE one\nwas better")
    submit("spiral")
    assert names("wide") == ["digits", "Digits, wide"]
    assert names("baseline DIGITS") == ["Digits, wide"]
    assert names("nothing of the kind") == []


def test_a_run_can_be_found_by_its_id() -> None:
    made = submit("one")
    submit("other")
    assert names(made.id) == ["one"]


def test_runs_of_some_statuses_alone() -> None:
    made = {name: submit(name) for name in ("waits", "ended", "stopped")}
    runs.finish(made["ended"].id, "finished")
    runs.finish(made["stopped"].id, "stopped")
    assert names(statuses=frozenset({"finished"})) == ["ended"]
    assert names(statuses=frozenset({"finished", "queued"})) == ["ended", "waits"]
    assert names("stop", frozenset({"finished"})) == []


def test_what_is_in_the_bin_is_found_there_alone() -> None:
    made = submit("old")
    runs.finish(made.id, "finished")
    runs.throw_away("ada", made.id)
    assert names() == [] and names(binned=True) == ["old"]


def test_a_match_behind_many_others_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found_runs, "AT_ONCE", 3)
    submit("the one")
    for number in range(10):
        submit(f"other {number}")
    assert names("the one") == ["the one"]
    assert len(names("other")) == 10


def test_a_thousand_runs_are_listed_and_searched_within_two_seconds() -> None:
    first = runs.submit("ada", "run", to_json(example("digits-cnn")))
    runs.update(first.id, status="finished")
    with writing() as connection:
        row = connection.execute(sa.select(run)).one()._asdict()
        many = [row | {"id": new_id(), "created": row["created"] + at, "name": f"run {at}"} for at in range(1_000)]
        connection.execute(sa.insert(run), many)
    start = time.process_time()
    listed = names(limit=51)
    assert listed[0] == "run 999" and time.process_time() - start < 2
    start = time.process_time()
    assert names("run 799") == ["run 799"]
    assert names("run nowhere") == []
    assert time.process_time() - start < 4


# Sparklines ------------------------------------------------------------------------------------------------------


def recorded(values: dict[str, list[float]]) -> runs.Run:
    made = submit("drawn")
    recorder = Recorder(made.id)
    for name, numbers in values.items():
        for step, number in enumerate(numbers, 1):
            recorder.add(name, step, number)
    recorder.flush()
    recorder.close()
    kept = runs.get("ada", made.id)
    assert kept
    return kept


def test_a_course_is_that_of_the_first_series_that_was_recorded() -> None:
    drawn = recorded({"train/loss": [3.0, 2.0, 1.0], "validation/loss": [4.0, 5.0]})
    assert sparklines.course(drawn, ("validation/loss", "train/loss")) == (4.0, 5.0)
    assert sparklines.course(drawn, ("test/loss", "train/loss")) == (3.0, 2.0, 1.0)
    assert sparklines.course(drawn, ("accuracy",)) == ()
    assert sparklines.course(submit("nothing yet"), ("train/loss",)) == ()


def test_a_long_course_is_thinned_to_means_and_numbers_that_are_none_are_left_out() -> None:
    drawn = recorded({"train/loss": [float(at) for at in range(6_000)]})
    course = sparklines.course(drawn, ("train/loss",))
    assert len(course) == sparklines.POINTS
    assert list(course) == sorted(course) and course[0] < 60 and course[-1] > 5_900
    broken = recorded({"train/loss": [1.0, float("nan"), float("inf"), 2.0]})
    assert sparklines.course(broken, ("train/loss",)) == (1.0, 2.0)


def test_the_course_of_a_run_that_goes_on_is_read_anew() -> None:
    drawn = recorded({"train/loss": [1.0]})
    assert sparklines.course(drawn, ("train/loss",)) == (1.0,)
    recorder = Recorder(drawn.id)
    for step in (1, 2):
        recorder.add("train/loss", step, 5.0)
    recorder.flush()
    recorder.close()
    assert 5.0 in sparklines.course(replace(drawn, step=2), ("train/loss",))
