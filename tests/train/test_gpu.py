"""On a GPU: every family of the gallery, in every precision; skipped, saying so, where there is none."""

import math
from typing import get_args

import pytest
import torch
from taught import PICKS, taught
from variants import changed, quick

from builder.blocks import GALLERY
from builder.catalog import Augmentation
from builder.data import load
from builder.design.experiment import Precision, Wish
from builder.train.execution import choose
from builder.train.recorder import Silent
from builder.train.run import train

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA; there is none here"),
]

ONE_OF_EACH_FAMILY = list({exhibit.family: name for name, exhibit in reversed(GALLERY.items())}.values())
DEVICE = "cuda"


class Keeping(Silent):
    """Keeps the last moment."""

    moment: bytes | None = None

    def keep(self, step: int, data: bytes, epoch: int, score: float | None) -> None:
        self.moment = data


@pytest.mark.parametrize("precision", get_args(Precision))
@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_every_family_trains_in_every_precision(name: str, precision: str) -> None:
    experiment = changed(quick(name), length={"epochs": 2})
    execution = choose(experiment, Wish.model_validate({"device": DEVICE, "precision": precision}))
    assert (execution.device, execution.precision) == (DEVICE, precision)
    told = Keeping()
    outcome = train(experiment, execution, load(experiment.data), told, told, told)
    assert outcome.status == "finished", outcome.problem
    assert all(math.isfinite(value) for _, value in told.series["train/loss"])


@pytest.mark.parametrize("precision", get_args(Precision))
@pytest.mark.parametrize("name", PICKS)
def test_every_loss_trains_in_every_precision(name: str, precision: str) -> None:
    experiment = taught(name, length={"epochs": 2})
    execution = choose(experiment, Wish.model_validate({"device": DEVICE, "precision": precision}))
    told = Keeping()
    outcome = train(experiment, execution, load(experiment.data), told, told, told)
    assert outcome.status == "finished", outcome.problem
    assert all(math.isfinite(value) for _, value in told.series["train/loss"])


@pytest.mark.parametrize("precision", get_args(Precision))
@pytest.mark.parametrize("name", ["digits-cnn", "unet-small", "autoencoder-conv"])
def test_every_augmentation_trains_in_every_precision(name: str, precision: str) -> None:
    """What is drawn is drawn on the CPU, and changes pictures, masks and targets where they are."""
    augment = [{"type": kind, "params": {"padding": 1} if kind == "Crop" else {}} for kind in Augmentation.shelf]
    experiment = changed(quick(name), augment=augment, length={"epochs": 2})
    execution = choose(experiment, Wish.model_validate({"device": DEVICE, "precision": precision}))
    told = Keeping()
    outcome = train(experiment, execution, load(experiment.data), told, told, told)
    assert outcome.status == "finished", outcome.problem
    assert all(math.isfinite(value) for _, value in told.series["train/loss"])


@pytest.mark.parametrize("name", ["digits-cnn", "sequence-lstm"])
def test_a_run_goes_on_from_a_moment_nearly_as_if_it_had_never_stopped(name: str) -> None:
    """Not to the bit: a GPU adds in another order each time."""
    experiment = changed(quick(name), length={"epochs": 2})
    execution, arrays = choose(experiment, DEVICE), load(experiment.data)
    whole, half = Keeping(), Keeping()
    train(experiment, execution, arrays, whole, whole, whole)
    train(changed(experiment, length={"epochs": 1}), execution, arrays, half, half, half)
    train(experiment, execution, arrays, half, half, half, half.moment)
    assert len(half.series["train/loss"]) == len(whole.series["train/loss"])
    for (_, one), (_, other) in zip(half.series["train/loss"], whole.series["train/loss"], strict=True):
        assert one == pytest.approx(other, rel=0.05, abs=1e-3)
