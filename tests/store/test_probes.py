"""Probes: asked for once, taken in turns, tried again once, and gone by themselves."""

import math
import time

import pytest
import sqlalchemy as sa

from builder import limits
from builder.design.experiment import Wish
from builder.problem import Problem, Refused
from builder.store import probes
from builder.store.database import writing
from builder.store.tables import probe as table

pytestmark = pytest.mark.usefixtures("home")
BROKEN = Problem(code="x/y", title="It broke", because="For a test.")


def submit(owner: str = "ada", **experiment: object) -> str:
    return probes.submit(owner, "rates", dict(experiment)).id


def found(id: str) -> probes.Probe:
    probe = probes.given(id)
    assert probe is not None
    return probe


def test_the_same_look_at_the_same_experiment_is_taken_once() -> None:
    first = probes.submit("ada", "rates", {"a": 1, "b": 2})
    assert first.status == "queued"
    assert probes.submit("ada", "rates", {"b": 2, "a": 1}).id == first.id
    others = [
        probes.submit("eve", "rates", {"a": 1, "b": 2}),
        probes.submit("ada", "spread", {"a": 1, "b": 2}),
        probes.submit("ada", "rates", {"a": 1, "b": 3}),
        probes.submit("ada", "rates", {"a": 1, "b": 2}, Wish(precision="bfloat16")),
    ]
    assert len({first.id, *(other.id for other in others)}) == 5


def test_what_was_seen_stays_and_what_failed_may_be_asked_for_again() -> None:
    seen, failed = submit(a=1), submit(a=2)
    probes.claim(), probes.claim()
    probes.finish(seen, {"best": 0.1})
    probes.fail(failed, BROKEN)
    again = probes.submit("ada", "rates", {"a": 1})
    assert (again.id, again.status, again.result, again.progress) == (seen, "done", {"best": 0.1}, 1.0)
    anew = probes.submit("ada", "rates", {"a": 2})
    assert (anew.status, anew.problem, anew.ended) == ("queued", None, None)


def test_a_probe_is_seen_by_its_owner_alone() -> None:
    mine = submit()
    assert probes.find("ada", mine) is not None
    assert probes.find("eve", mine) is None
    assert probes.find("ada", "0" * 12) is None


def test_whoever_has_none_going_comes_first_and_else_who_waits_longest() -> None:
    first, second, eves = submit(a=1), submit(a=2), submit("eve")
    assert [probe and probe.id for probe in (probes.claim(), probes.claim(), probes.claim())] == [first, eves, second]
    assert probes.claim() is None
    assert sorted(probes.going()) == sorted([first, second, eves])
    assert not probes.somebody_waits()


def test_nobody_fills_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PROBES_WAITING_PER_OWNER", 2)
    first, _ = submit(a=1), submit(a=2)
    assert submit(a=1) == first, "the same is no further one"
    with pytest.raises(Refused) as caught:
        submit(a=3)
    assert caught.value.problems[0].code == "probe/too-many"
    submit("eve", a=3)
    probes.claim()
    with pytest.raises(Refused):
        submit(a=3)
    probes.finish(first, {})
    submit(a=3)


def test_another_worker_looks_once_more_and_then_no_other() -> None:
    id = submit()
    probes.claim()
    probes.tell(id, 0.5)
    assert found(id).progress == 0.5
    probes.lost(id, BROKEN)
    assert (found(id).status, found(id).progress, found(id).problem) == ("queued", 0.0, None)
    probes.claim()
    probes.lost(id, BROKEN)
    assert found(id).status == "failed"
    assert (found(id).problem or {})["title"] == "It broke"


def test_nothing_changes_what_has_ended() -> None:
    id = submit()
    probes.claim()
    probes.finish(id, {"a": 1})
    probes.lost(id, BROKEN)
    probes.fail(id, BROKEN)
    probes.tell(id, 0.25)
    assert (found(id).status, found(id).result, found(id).progress) == ("done", {"a": 1}, 1.0)


def test_a_result_that_no_browser_could_read_is_a_mistake_of_the_program() -> None:
    id = submit()
    probes.claim()
    with pytest.raises(ValueError, match="JSON"):
        probes.finish(id, {"loss": math.nan})


def test_old_ones_go_and_the_newest_of_an_owner_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PROBES_PER_OWNER", 3)
    kept = submit()
    ids = []
    for number in range(5):
        ids.append(submit(number=number))
        probes.claim(), probes.claim()
        probes.finish(ids[-1], {})
    assert [probes.given(id) is not None for id in ids] == [False, False, True, True, True]
    assert found(kept).status == "running", "the oldest of all, but it has not ended"
    with writing() as connection:
        old = time.time() - 3600 * limits.PROBE_HOURS
        connection.execute(sa.update(table).where(table.c.id == ids[2]).values(ended=old - 1))
        connection.execute(sa.update(table).where(table.c.id == ids[3]).values(ended=old + 60))
    assert probes.clear_out() == 1
    assert [probes.given(id) is not None for id in (*ids[2:], kept)] == [False, True, True, True]


def test_a_damaged_one_has_failed_and_is_asked_for_anew() -> None:
    id = submit(a=1)
    with writing() as connection:
        connection.execute(sa.text("UPDATE probe SET experiment = '{' WHERE id = :id"), {"id": id})
    assert (found(id).status, (found(id).problem or {})["code"]) == ("failed", "probe/damaged")
    assert found(submit(a=1)).status == "queued"
