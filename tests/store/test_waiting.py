"""When a waiting run will start: the queue played forward."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.store.waiting import Waiting, remaining, seconds_until


def queue(*runs: tuple[str, str, float]) -> list[Waiting]:
    return [Waiting(*run) for run in runs]


@pytest.mark.parametrize(
    ("going", "slots", "expected"),
    [
        ([], 1, 0.0),
        ([("ada", 30.0)], 1, 30.0),
        ([("ada", 30.0)], 2, 0.0),
        ([("ada", 30.0), ("eve", 12.0)], 2, 12.0),
        ([("ada", 30.0), ("eve", 12.0)], 1, 30.0),  # an engine with fewer slots than before: both have to end
        ([("ada", inf)], 1, None),
        ([("ada", inf), ("eve", 5.0)], 2, 5.0),
    ],
)
def test_the_first_starts_when_a_slot_is_free(
    going: list[tuple[str, float]], slots: int, expected: float | None
) -> None:
    assert seconds_until("first", going, queue(("first", "ada", 10.0)), slots, None) == expected


def test_a_run_waits_for_those_before_it() -> None:
    waiting = queue(("a", "ada", 10.0), ("b", "ada", 20.0), ("c", "ada", 5.0), ("d", "ada", 1.0))
    starts = [seconds_until(run.id, [("ada", 4.0)], waiting, 2, None) for run in waiting]
    assert starts == [0.0, 4.0, 10.0, 15.0]


def test_nobody_can_say_when_a_run_before_it_ends_of_which_nothing_is_known() -> None:
    waiting = queue(("a", "ada", inf), ("b", "ada", 20.0))
    assert seconds_until("a", [], waiting, 1, None) == 0.0
    assert seconds_until("b", [], waiting, 1, None) is None
    assert seconds_until("b", [], waiting, 2, None) == 0.0
    assert seconds_until("gone", [], waiting, 2, None) is None


def test_the_queue_goes_in_its_order_and_nobody_has_more_than_the_limit() -> None:
    waiting = queue(("a1", "ada", 10.0), ("a2", "ada", 10.0), ("e1", "eve", 10.0))
    assert [seconds_until(run.id, [], waiting, 1, None) for run in waiting] == [0.0, 10.0, 20.0]
    going = [("ada", 100.0)]
    assert [seconds_until(run.id, going, waiting, 2, None) for run in waiting] == [0.0, 10.0, 20.0]
    assert [seconds_until(run.id, going, waiting, 2, 1) for run in waiting] == [100.0, 110.0, 0.0]


@given(st.lists(st.floats(0, 100), max_size=5), st.lists(st.floats(0, 100), min_size=1, max_size=8), st.integers(1, 4))
def test_of_one_owner_the_queue_goes_in_its_order(going: list[float], takes: list[float], slots: int) -> None:
    waiting = [Waiting(str(at), "ada", seconds) for at, seconds in enumerate(takes)]
    starts = [seconds_until(run.id, [("ada", left) for left in going], waiting, slots, None) for run in waiting]
    assert all(start is not None for start in starts)
    assert starts == sorted(starts, key=lambda start: start or 0.0)


def test_what_is_left_goes_by_steps_or_by_what_such_runs_take() -> None:
    assert remaining(10.0, 25, 100, inf) == 30.0
    assert remaining(10.0, 100, 100, inf) == 0.0
    assert remaining(10.0, 0, 100, 25.0) == 15.0
    assert remaining(40.0, 0, 0, 25.0) == 0.0
    assert remaining(0.0, 0, 0, inf) == inf
