"""The range test on losses of which it is known where they fall, where they are lowest, and where they explode."""

import itertools
import math

import numpy as np
import pytest

from builder.analysis import range_test
from builder.analysis.range_test import Course, reading
from builder.catalog import Optimizer


def course_of(losses: list[float], low: float = 1e-7, high: float = 10.0) -> Course:
    """A course whose rates rise from `low` to `high`, with these losses until it ends."""
    course = Course()
    rates = np.geomspace(low, high, len(losses))
    all(course.add(rate, loss) for rate, loss in zip(rates.tolist(), losses, strict=True))
    return course


def valley(fall: float, bottom: float, steps: int = 100) -> list[float]:
    """Losses near 2 that fall around log10 rate `fall`, are lowest at `bottom`, and then explode."""
    at = np.linspace(-7, 1, steps)
    return (2 - 1.5 / (1 + np.exp(-6 * (at - fall))) + np.exp(6 * (at - bottom - 0.6))).tolist()


@pytest.mark.parametrize("optimizer", Optimizer.shelf.values(), ids=list(Optimizer.shelf))
def test_rates_rise_by_one_factor_from_far_below_what_is_usual_to_far_above(optimizer: type[Optimizer]) -> None:
    rates = range_test.rates(optimizer())
    assert len(rates) == 100
    factors = [after / before for before, after in itertools.pairwise(rates)]
    assert factors == pytest.approx([factors[0]] * 99)
    assert rates[0] <= optimizer.usual[0] / 10
    assert optimizer.usual[1] * 0.999 <= rates[-1] <= 100.001, "no optimizer takes a rate above 100"
    optimizer.model_validate({"lr": range_test.rounded(rates[0])})
    optimizer.model_validate({"lr": range_test.rounded(rates[-1])})


def test_adam_is_tried_from_a_ten_millionth_to_ten() -> None:
    rates = range_test.rates(Optimizer.shelf["Adam"]())
    assert (rates[0], rates[-1]) == (pytest.approx(1e-7), pytest.approx(10))


@pytest.mark.parametrize("name", ["LBFGS", "Rprop"])
def test_an_optimizer_whose_rate_does_not_decide_says_so(name: str) -> None:
    problem = range_test.unfit(Optimizer.shelf[name]())
    assert problem is not None
    assert name in problem.title
    assert problem.fixes
    assert range_test.unfit(Optimizer.shelf["SGD"]()) is None


def test_the_average_is_the_exponential_one_corrected_for_its_beginning() -> None:
    losses = [3.0, 1.0, 2.0, 5.0, 4.0]
    course = course_of(losses, 1e-4, 1.0)
    weights = [0.9**age for age in reversed(range(5))]
    assert course.smooth_losses[0] == pytest.approx(3.0)
    assert course.smooth_losses[-1] == pytest.approx(np.average(losses, weights=weights))
    logs = np.log(np.geomspace(1e-4, 1.0, 5))
    assert course.smooth_rates[-1] == pytest.approx(math.exp(np.average(logs, weights=weights)))


@pytest.mark.parametrize("fall", [-4.0, -3.0, -2.0])
def test_the_steepest_fall_is_found_where_it_is_or_somewhat_before(fall: float) -> None:
    found = reading(course_of(valley(fall, fall + 1.5)))
    assert found.steepest is not None and found.tenth is not None
    assert -0.6 < math.log10(found.steepest) - fall < 0.1, "an average begins to fall with the first loss that does"
    assert abs(math.log10(found.tenth) + 1 - (fall + 1.0)) < 0.7


def test_a_course_that_explodes_ends_there() -> None:
    losses = [1.0] * 20 + [0.5] * 30 + [50.0] * 50
    course = course_of(losses)
    assert len(course.losses) == 51, "one loss of 50 lifts the average above four times its lowest"
    assert course.smooth_losses[-1] > 4 * min(course.smooth_losses) > course.smooth_losses[-2]


def test_a_course_that_rises_less_goes_on() -> None:
    assert len(course_of([1.0] * 50 + [3.5] * 50).losses) == 100


def test_losses_near_zero_or_below_do_not_end_a_course() -> None:
    assert len(course_of([1.0] * 20 + [1e-9] * 60 + [0.01] * 20).losses) == 100
    assert len(course_of([1.0] * 20 + [-1.0] * 40 + [1.5] * 40).losses) == 100


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_ends_a_course_and_is_not_kept(bad: float) -> None:
    course = course_of([1.0] * 30 + [bad] + [1.0] * 30)
    assert course.losses == [1.0] * 30
    assert all(map(math.isfinite, course.smooth_losses))


@pytest.mark.parametrize("seed", range(30))
def test_losses_that_vary_from_batch_to_batch_suggest_nothing_until_they_explode(seed: int) -> None:
    noise = np.random.default_rng(seed).normal(2.3, 0.1, 100)
    assert reading(course_of(noise.tolist())) == (None, None)
    noise[80:] += np.linspace(0, 30, 20)
    assert reading(course_of(noise.tolist())) == (None, None)
    fall = np.concatenate([np.zeros(60), np.linspace(0, -1, 40)])
    assert reading(course_of((noise.clip(max=2.6) + fall).tolist())).steepest is not None


def test_nothing_is_read_from_losses_that_stay_or_rise() -> None:
    assert reading(course_of([2.0] * 100)) == (None, None)
    assert reading(course_of([2.0] * 5)) == (None, None)
    rising = [2 + step / 50 for step in range(100)]
    assert reading(course_of(rising)) == (None, None)


def test_suggestions_have_two_digits() -> None:
    assert range_test.rounded(0.0123456) == 0.012
    assert range_test.rounded(9.99) == 10.0


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ({"steepest": 0.01, "tenth": 0.0045, "ended": "exploded", "reached": 1.3}, "at 0.01. A tenth of the lowest"),
        ({"steepest": None, "tenth": None, "ended": "range", "reached": 10}, "nothing to suggest. It went up to 10."),
        ({"steepest": None, "tenth": None, "ended": "time", "reached": 1e-5}, "Its time was over at 1e-05."),
    ],
)
def test_what_was_found_is_said(seen: dict[str, object], words: str) -> None:
    assert words in range_test.in_words({"losses": [1.0], **seen})


def test_weights_from_which_nothing_can_be_worked_out_are_told_of() -> None:
    seen = {"losses": [], "steepest": None, "tenth": None, "ended": "exploded", "reached": 1e-7}
    assert "first loss is no number" in range_test.in_words(seen)
