"""Schedules give the rates that PyTorch's own give, step by step, and those of the formulas."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from random_entries import entries
from torch.optim import lr_scheduler

from builder.catalog import Schedule, rates
from builder.catalog.schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    Exponential,
    InverseTime,
    MultiStep,
    OneCycle,
    Polynomial,
    ReduceOnPlateau,
    Step,
)

Theirs = Callable[[torch.optim.Optimizer], lr_scheduler.LRScheduler]
lengths = {"epoch": st.integers(1, 12), "epochs": st.integers(1, 30), "base": st.floats(1e-5, 10)}
factors = st.floats(0.05, 1)


def optimizer(base: float) -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=base)


def by_pytorch(base: float, make: Theirs, times: int) -> list[float]:
    """The rate before each of so many calls of a scheduler's `step`."""
    adapting = optimizer(base)
    scheduler = make(adapting)
    found = []
    for _ in range(times):
        found.append(float(adapting.param_groups[0]["lr"]))
        adapting.step()
        scheduler.step()
    return found


def ours(schedule: Schedule, epoch: int, epochs: int, base: float) -> list[float]:
    total = epoch * epochs
    return [schedule.rate(step, total, epoch, base) for step in range(total)]


def each(values: list[float], times: int) -> list[float]:
    """An epoch's rate is that of all its steps."""
    return [value for value in values for _ in range(times)]


@given(**lengths, every=st.integers(1, 9), factor=factors)
def test_step_is_pytorchs(epoch: int, epochs: int, base: float, every: int, factor: float):
    theirs = by_pytorch(base, lambda adapting: lr_scheduler.StepLR(adapting, every, factor), epochs)
    assert ours(Step(every=every, factor=factor), epoch, epochs, base) == pytest.approx(each(theirs, epoch))


@given(**lengths, at=st.sets(st.integers(1, 30), min_size=1, max_size=5), factor=factors)
def test_multi_step_is_pytorchs(epoch: int, epochs: int, base: float, at: set[int], factor: float):
    theirs = by_pytorch(base, lambda adapting: lr_scheduler.MultiStepLR(adapting, sorted(at), factor), epochs)
    schedule = MultiStep(milestones=tuple(sorted(at)), factor=factor)
    assert ours(schedule, epoch, epochs, base) == pytest.approx(each(theirs, epoch))


@given(**lengths, factor=factors)
def test_exponential_is_pytorchs(epoch: int, epochs: int, base: float, factor: float):
    theirs = by_pytorch(base, lambda adapting: lr_scheduler.ExponentialLR(adapting, factor), epochs)
    assert ours(Exponential(factor=factor), epoch, epochs, base) == pytest.approx(each(theirs, epoch))


@given(**lengths, decay=st.floats(0, 10))
def test_inverse_time_is_its_formula(epoch: int, epochs: int, base: float, decay: float):
    theirs = by_pytorch(base, lambda adapting: lr_scheduler.LambdaLR(adapting, lambda e: 1 / (1 + decay * e)), epochs)
    assert ours(InverseTime(decay=decay), epoch, epochs, base) == pytest.approx(each(theirs, epoch))


@given(**lengths, power=st.floats(0.2, 4))
def test_polynomial_is_pytorchs(epoch: int, epochs: int, base: float, power: float):
    total = epoch * epochs
    theirs = by_pytorch(base, lambda adapting: lr_scheduler.PolynomialLR(adapting, total, power), total)
    assert ours(Polynomial(power=power), epoch, epochs, base) == pytest.approx(theirs, rel=1e-6, abs=1e-12)
    assert Polynomial(power=1, lowest=0.1).rate(5, 10, 1, 0.5) == pytest.approx(0.3)


@given(**lengths, lowest=st.floats(0, 0.01))
def test_cosine_is_the_closed_form_of_pytorchs_annealing(epoch: int, epochs: int, base: float, lowest: float):
    total = epoch * epochs
    theirs = by_pytorch(base, lambda adapting: lr_scheduler.CosineAnnealingLR(adapting, total, lowest), total)
    assert ours(Cosine(lowest=lowest), epoch, epochs, base) == pytest.approx(theirs, rel=1e-6, abs=1e-9)


@given(**lengths, first=st.integers(1, 5), longer=st.integers(1, 3), lowest=st.floats(0, 0.01))
def test_restarts_are_pytorchs(epoch: int, epochs: int, base: float, first: int, longer: int, lowest: float):
    adapting = optimizer(base)
    theirs = lr_scheduler.CosineAnnealingWarmRestarts(adapting, first * epoch, longer, lowest)  # a step is its epoch
    found = []
    for step in range(epoch * epochs):
        theirs.step(step)
        found.append(float(adapting.param_groups[0]["lr"]))
    schedule = CosineRestarts(first=first, longer=longer, lowest=lowest)
    assert ours(schedule, epoch, epochs, base) == pytest.approx(found, rel=1e-6, abs=1e-9)


@given(**lengths, rising=st.floats(0.05, 0.95), start=st.floats(1, 100), end=st.floats(1, 1e5))
def test_one_cycle_is_pytorchs(epoch: int, epochs: int, base: float, rising: float, start: float, end: float):
    total = epoch * epochs

    def theirs(adapting: torch.optim.Optimizer) -> lr_scheduler.LRScheduler:
        return lr_scheduler.OneCycleLR(
            adapting, base, total, pct_start=rising, div_factor=start, final_div_factor=end, cycle_momentum=False
        )

    schedule = OneCycle(rising=rising, start=start, end=end)
    found = by_pytorch(base, theirs, total - 1)  # it cannot be asked once more than it has steps
    assert ours(schedule, epoch, epochs, base)[: total - 1] == pytest.approx(found, rel=1e-6, abs=1e-12)


def test_first_values():
    """By hand: 4 steps an epoch, 3 epochs, from 0.1."""
    quarter = [0.1 * (1 + math.cos(math.pi * at / 12)) / 2 for at in range(12)]
    wanted = {
        Constant(): [0.1] * 12,
        Step(every=1, factor=0.5): [0.1] * 4 + [0.05] * 4 + [0.025] * 4,
        MultiStep(milestones=(2,)): [0.1] * 8 + [0.01] * 4,
        Exponential(factor=0.9): [0.1] * 4 + [0.09] * 4 + [0.081] * 4,
        InverseTime(decay=1): [0.1] * 4 + [0.05] * 4 + [0.1 / 3] * 4,
        Polynomial(): [0.1 * (12 - at) / 12 for at in range(12)],
        Cosine(): quarter,
        CosineRestarts(first=1, longer=2): [0.1 * (1 + math.cos(math.pi * at / 4)) / 2 for at in range(4)]
        + [0.1 * (1 + math.cos(math.pi * at / 8)) / 2 for at in range(8)],
        ReduceOnPlateau(): [0.1] * 12,
    }
    for schedule, values in wanted.items():
        assert ours(schedule, 4, 3, 0.1) == pytest.approx(values), schedule.name
    cycle = ours(OneCycle(rising=0.5, start=10, end=100), 4, 3, 0.1)
    assert (cycle[0], max(cycle), cycle[5], cycle[-1]) == pytest.approx((0.01, 0.1, 0.1, 0.0001))
    assert set(Schedule.shelf.values()) == {type(schedule) for schedule in wanted} | {OneCycle}


def test_a_very_long_run_with_many_restarts_is_told_at_once():
    assert CosineRestarts(first=1, longer=1).rate(10**9 + 1, 2 * 10**9, 4, 1.0) == pytest.approx(
        (1 + math.cos(math.pi / 4)) / 2
    )


def test_warm_up_is_a_straight_line_to_the_whole_rate():
    assert [rates.warm_up(step, 4, 0.2) for step in range(6)] == pytest.approx([0.05, 0.1, 0.15, 0.2, 0.2, 0.2])


def test_milestones_have_an_order():
    with pytest.raises(ValueError, match="in order, each once"):
        MultiStep(milestones=(5, 5))


def test_a_plateau_never_lifts_the_rate():
    schedule = ReduceOnPlateau(factor=0.1, lowest=0.001)
    assert [schedule.lowered(0.05, falls) for falls in range(3)] == pytest.approx([0.05, 0.005, 0.001])
    assert schedule.lowered(0.0005, 1) == 0.0005, "a rate below the lowest stays"


@given(data=st.data(), total=st.integers(1, 10**6), epoch=st.integers(1, 10**6), base=st.floats(1e-6, 100))
@pytest.mark.parametrize("kind", Schedule.shelf.values())
def test_a_rate_is_never_negative(kind: type[Schedule], data: st.DataObject, total: int, epoch: int, base: float):
    schedule = data.draw(entries(kind))
    assert all(schedule.rate(step, total, epoch, base) >= 0 for step in {0, total // 3, total - 1})
