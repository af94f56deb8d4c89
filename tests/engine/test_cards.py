"""A GPU is lent to one run at a time."""

import threading
from collections.abc import Callable

import pytest

from builder import cards
from builder.control import Control
from builder.store import runs

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def control() -> Control:
    run = runs.submit("ada", "Digits", {})
    runs.claim()
    return Control(run.id, threading.Event())


def test_each_run_gets_a_card_of_its_own_and_the_next_one_waits_until_one_is_given_back(
    control: Control, until: Callable[..., float]
) -> None:
    first, second = cards.borrow(2, control, 0), cards.borrow(2, control, 0)
    assert isinstance(first, cards.Card) and isinstance(second, cards.Card)
    assert {first.index, second.index} == {0, 1}
    got: list[cards.Card | str] = []
    third = threading.Thread(target=lambda: got.append(cards.borrow(2, control, 0)))
    third.start()
    third.join(3 * cards.LOOK_EVERY)
    assert not got
    second.give_back()
    until(lambda: got)
    assert isinstance(got[0], cards.Card) and got[0].index == second.index
    first.give_back()
    got[0].give_back()


def test_a_run_that_waits_for_a_card_can_be_stopped(control: Control) -> None:
    held = cards.borrow(1, control, 0)
    assert isinstance(held, cards.Card)
    (run,) = runs.listing("ada")
    runs.command("ada", run.id, "stop")
    assert cards.borrow(1, control, 0) == "stop"
    held.give_back()


def test_a_run_that_needs_no_card_waits_for_none(control: Control) -> None:
    card = cards.borrow(0, control, 0)
    assert isinstance(card, cards.Card) and card.index is None
    with card:
        card.give_back()
