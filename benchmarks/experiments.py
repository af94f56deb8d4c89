"""The experiments that the training benchmark measures, as anybody would design them here."""

from collections.abc import Callable

from builder.blocks import example
from builder.blocks.chain import chain, layer
from builder.blocks.gallery.exhibit import network, pick, recipe
from builder.design import read
from builder.design.experiment import Experiment
from builder.problem import Json


def _tiny(optimizer: dict[str, Json]) -> Experiment:
    """The network that TensorFlow Playground is known for: two hidden layers of eight on points of a plane."""
    nodes = chain(
        layer("Input", id="point", shape=[2]),
        layer("Linear", id="hidden1", out_features=8),
        layer("Tanh", id="tanh1"),
        layer("Linear", id="hidden2", out_features=8),
        layer("Tanh", id="tanh2"),
        layer("Linear", id="output", out_features=1),
        layer("Tanh", id="tanh3"),
    )
    return read.experiment(
        {
            "network": network(nodes),
            "data": {"source": pick("Circle", samples=1_000), "split": {"train": 0.5, "validation": 0.2}},
            "recipe": recipe("MSE", optimizer, 10, 200),
        }
    )


def _mlp() -> Experiment:
    """784 - 256 - 128 - 10, on grey pictures of ten forms."""
    nodes = chain(
        layer("Input", id="image", shape=[1, 28, 28]),
        layer("Flatten"),
        layer("Linear", id="hidden1", out_features=256),
        layer("ReLU", id="relu1"),
        layer("Linear", id="hidden2", out_features=128),
        layer("ReLU", id="relu2"),
        layer("Linear", id="scores", out_features=10),
    )
    source = pick("Shapes", samples=5_000, size=28, channels=1)
    return read.experiment(
        {
            "network": network(nodes),
            "data": {"source": source, "split": {"train": 0.8, "validation": 0.1}},
            "recipe": recipe("CrossEntropy", pick("Adam", lr=0.001), 128, 10),
        }
    )


def _lstm() -> Experiment:
    """64 units that read fifty steps, and add up the two numbers that are marked."""
    nodes = chain(
        layer("Input", id="sequence", shape=[50, 2]),
        layer("LSTM", id="lstm", hidden_size=64),
        layer("Linear", id="sum", inputs=["lstm:last"], out_features=1),
    )
    return read.experiment(
        {
            "network": network(nodes),
            "data": {"source": pick("AddingProblem", samples=2_000, length=50)},
            "recipe": recipe("MSE", pick("Adam", lr=0.01), 64, 40),
        }
    )


EXPERIMENTS: dict[str, Callable[[], Experiment]] = {
    "tiny-adam": lambda: _tiny(pick("Adam", lr=0.01)),
    "tiny-sgd": lambda: _tiny(pick("SGD", lr=0.03)),
    "mlp": _mlp,
    "lenet5": lambda: example("lenet5"),
    "resnet20": lambda: example("resnet20"),
    "lstm": _lstm,
    "playground": lambda: example("playground"),
    "digits-mlp": lambda: example("digits-mlp"),
}
"""By name; the last two are smaller than what is promised for, and measured where they are asked for."""
