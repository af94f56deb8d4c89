"""Training in Lightning: with everything off that costs time, and with its defaults."""

import contextlib
import logging
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import LambdaCallback
from torch import Tensor, optim

from benchmarks.by_hand import Exercise, Stopwatch

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)  # it tells what hardware there is at every start


class _Module(LightningModule):
    """The network by hand, which logs what a person would watch."""

    def __init__(self, exercise: Exercise) -> None:
        super().__init__()
        self.exercise, self.network = exercise, exercise.network()

    def configure_optimizers(self) -> optim.Optimizer:
        return self.exercise.optimizer(self.parameters(), **self.exercise.settings)

    def training_step(self, batch: list[Tensor], index: int) -> Tensor:
        x, y = batch
        loss = self.exercise.by_hand.loss(self.network(x), y)
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: list[Tensor], index: int) -> None:
        x, y = batch
        output = self.network(x)
        self.log("validation/loss", self.exercise.by_hand.loss(output, y), prog_bar=True)
        if self.exercise.by_hand.decide:
            self.log("validation/accuracy", self.exercise.hits(output, y).float().mean(), prog_bar=True)


def bare(exercise: Exercise, epochs: int) -> float:
    """With what Lightning itself turns off to measure raw speed: no log, bar, checkpoint, summary or trial validation."""
    return _train(exercise, epochs, barebones=True)


def default(exercise: Exercise, epochs: int) -> float:
    """As it comes: it logs into a file every 50 steps, shows a bar, and keeps a checkpoint of every epoch."""
    return _train(exercise, epochs)


def _train(exercise: Exercise, epochs: int, **options: Any) -> float:
    watch = Stopwatch(exercise.device)
    times = LambdaCallback(on_train_start=watch.start, on_train_end=watch.stop)
    with _quiet(), tempfile.TemporaryDirectory() as home:
        trainer = Trainer(
            max_epochs=epochs,
            accelerator="cpu" if exercise.device == "cpu" else "gpu",
            devices=1,
            callbacks=[times],
            default_root_dir=home,
            **options,
        )
        trainer.fit(_Module(exercise), *exercise.loaders())
    assert trainer.global_step == epochs * exercise.steps_per_epoch
    return trainer.global_step / watch.seconds


@contextlib.contextmanager
def _quiet() -> Any:
    """Bars and advice go nowhere: drawing a bar is work all the same, a terminal is not needed for it."""
    with (
        warnings.catch_warnings(),
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        warnings.simplefilter("ignore")
        yield
