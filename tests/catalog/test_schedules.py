"""Schedules give the rates that PyTorch's own give."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from random_entries import entries

from builder.catalog import Schedule
from builder.catalog.schedules import Constant, Cosine


@given(total=st.integers(1, 300), base=st.floats(1e-5, 10), lowest=st.floats(0, 0.01))
def test_cosine_is_the_closed_form_of_pytorchs_annealing(total: int, base: float, lowest: float):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=base)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=total, eta_min=lowest)
    for step in range(total):
        assert Cosine(lowest=lowest).rate(step, total, base) == pytest.approx(
            theirs.get_last_lr()[0], rel=1e-6, abs=1e-9
        )
        optimizer.step()
        theirs.step()


def test_cosine_goes_from_the_rate_to_the_lowest():
    schedule = Cosine(lowest=0.1)
    assert (schedule.rate(0, 100, 0.5), schedule.rate(50, 100, 0.5)) == (0.5, pytest.approx(0.3))
    assert schedule.rate(100, 100, 0.5) == pytest.approx(0.1)
    assert Constant().rate(70, 100, 0.5) == 0.5


@given(data=st.data(), total=st.integers(1, 10**6), base=st.floats(1e-6, 100))
@pytest.mark.parametrize("kind", Schedule.shelf.values())
def test_a_rate_is_never_negative(kind: type[Schedule], data: st.DataObject, total: int, base: float):
    schedule = data.draw(entries(kind))
    assert all(schedule.rate(step, total, base) >= 0 for step in {0, total // 3, total - 1})
