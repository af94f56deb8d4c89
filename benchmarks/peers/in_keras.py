"""Training in Keras on torch, with its defaults but for the bar that it shows, and with channels first, as torch has them."""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from benchmarks.by_hand import Exercise, Stopwatch

keras.config.set_image_data_format("channels_first")


def _tiny() -> list[Any]:
    return [layers.Dense(8, "tanh"), layers.Dense(8, "tanh"), layers.Dense(1, "tanh")]


def _playground() -> list[Any]:
    return [layers.Dense(4, "tanh"), layers.Dense(2, "tanh"), layers.Dense(1, "tanh")]


def _digits_mlp() -> list[Any]:
    return [layers.Flatten(), layers.Dense(64, "relu"), layers.Dense(10)]


def _mlp() -> list[Any]:
    return [layers.Flatten(), layers.Dense(256, "relu"), layers.Dense(128, "relu"), layers.Dense(10)]


def _lenet5() -> list[Any]:
    features = [
        layers.Conv2D(6, 5, padding="same", activation="tanh"), layers.AveragePooling2D(2),
        layers.Conv2D(16, 5, activation="tanh"), layers.AveragePooling2D(2), layers.Flatten(),
    ]  # fmt: skip
    return [*features, layers.Dense(120, "tanh"), layers.Dense(84, "tanh"), layers.Dense(10)]


def _convolved(x: Any, channels: int, kernel_size: int = 3, strides: int = 1) -> Any:
    """A convolution and its norm."""
    x = layers.Conv2D(channels, kernel_size, strides, padding="same", use_bias=False)(x)
    return layers.BatchNormalization(axis=1)(x)


def _residual(channels: int, strides: int = 1) -> Callable[[Any], Any]:
    """Two convolutions, and what came in added to what they find; projected where its shape changes."""

    def block(x: Any) -> Any:
        found = layers.ReLU()(_convolved(x, channels, strides=strides))
        found = _convolved(found, channels)
        skip = _convolved(x, channels, 1, strides) if strides > 1 else x
        return layers.ReLU()(layers.Add()([found, skip]))

    return block


def _resnet20() -> list[Any]:
    steps: list[Any] = [lambda x: layers.ReLU()(_convolved(x, 16)), *[_residual(16) for _ in range(3)]]
    for channels in (32, 64):
        steps += [_residual(channels, strides=2), _residual(channels), _residual(channels)]
    return [*steps, layers.GlobalAveragePooling2D(), layers.Dense(10)]


def _lstm() -> list[Any]:
    return [layers.LSTM(64), layers.Dense(1)]


_NETWORKS: dict[str, Callable[[], list[Any]]] = {
    "tiny-adam": _tiny,
    "tiny-sgd": _tiny,
    "mlp": _mlp,
    "lenet5": _lenet5,
    "resnet20": _resnet20,
    "lstm": _lstm,
    "playground": _playground,
    "digits-mlp": _digits_mlp,
}
"""What each network does with its input, step by step."""


def network(exercise: Exercise) -> keras.Model:
    """The exercise's network, ready to learn."""
    y = start = keras.Input(exercise.train[0].shape[1:])
    for step in _NETWORKS[exercise.name]():
        y = step(y)
    return keras.Model(start, y)


def default(exercise: Exercise, epochs: int) -> float:
    """`compile` and `fit`, given numpy arrays; with classes it has their accuracy, too."""
    watch = Stopwatch(exercise.device)
    times = keras.callbacks.LambdaCallback(on_train_begin=watch.start, on_train_end=watch.stop)
    (x, y), validation = (
        [tensor.cpu().numpy() for tensor in part[:2]] for part in (exercise.train, exercise.validation)
    )
    with keras.device("cpu" if exercise.device == "cpu" else "gpu:0"):
        model = network(exercise)
        model.compile(_optimizer(exercise), **_judged_by(exercise))
        model.fit(
            x,
            y,
            batch_size=exercise.batch,
            epochs=epochs,
            validation_data=tuple(validation),
            validation_batch_size=len(validation[0]),
            callbacks=[times],
            verbose=0,
        )
    steps = int(model.optimizer.iterations.numpy())
    assert steps == epochs * exercise.steps_per_epoch
    return steps / watch.seconds


def _judged_by(exercise: Exercise) -> dict[str, Any]:
    """Loss and metrics."""
    if exercise.train[1].is_floating_point():
        return {"loss": "mean_squared_error"}
    return {"loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True), "metrics": ["accuracy"]}


def _optimizer(exercise: Exercise) -> keras.optimizers.Optimizer:
    """Keras' own of that name, with its words for the same settings."""
    settings = exercise.settings
    words = {"learning_rate": settings["lr"], "weight_decay": settings["weight_decay"] or None}
    if "momentum" in settings:
        words["momentum"] = settings["momentum"]
    return getattr(keras.optimizers, exercise.optimizer.__name__)(**words)
