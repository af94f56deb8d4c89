"""Training in skorch, with its defaults but for the table that it prints."""

from typing import Any

from skorch import NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import Callback
from skorch.helper import predefined_split
from torch import int64, nn

from benchmarks.by_hand import Exercise, Stopwatch


class _Times(Callback):
    """Tells a stopwatch when training begins and when it ends."""

    def __init__(self, watch: Stopwatch) -> None:
        self.watch = watch

    def on_train_begin(self, net: Any, **_: Any) -> None:
        self.watch.start()

    def on_train_end(self, net: Any, **_: Any) -> None:
        self.watch.stop()


def default(exercise: Exercise, epochs: int) -> float:
    """A classifier where there are classes for it, which also has its accuracy; else what learns numbers."""
    x, y = exercise.dataset(exercise.train).tensors
    classes = y.dtype == int64
    watch = Stopwatch(exercise.device)
    net = (NeuralNetClassifier if classes else NeuralNetRegressor)(
        exercise.by_hand.network,
        criterion=nn.CrossEntropyLoss if classes else nn.MSELoss,
        optimizer=exercise.optimizer,
        **{f"optimizer__{name}": value for name, value in exercise.settings.items()},
        max_epochs=epochs,
        batch_size=exercise.batch,
        iterator_train__shuffle=True,
        iterator_valid__batch_size=len(exercise.validation[0]),
        train_split=predefined_split(exercise.dataset(exercise.validation)),
        callbacks=[_Times(watch)],
        device=exercise.device,
        verbose=0,
    )
    net.fit(x, y)
    steps = sum(len(epoch["batches"]) for epoch in net.history) - epochs  # one of each epoch is for validation
    assert steps == epochs * exercise.steps_per_epoch
    return steps / watch.seconds
