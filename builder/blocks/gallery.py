"""The gallery: whole experiments that train as they are, each with a reason to look at it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from builder.blocks.chain import block, chain, layer
from builder.blocks.residual import residual
from builder.catalog.entry import suggest
from builder.design.experiment import Experiment
from builder.problem import Fix, Json, Problem, Refused, Set, say


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One experiment of the gallery."""

    name: str
    story: str
    make: Callable[[], dict[str, Json]]


GALLERY: dict[str, Exhibit] = {}


def _exhibit(make: Callable[[], dict[str, Json]]) -> Callable[[], dict[str, Json]]:
    name = make.__name__.replace("_", "-")
    GALLERY[name] = Exhibit(name, " ".join((make.__doc__ or "").split()), make)
    return make


@cache
def example(name: str) -> Experiment:
    """The gallery's experiment of that name. Raises `Refused` for one that is not there, with the nearest name."""
    if name not in GALLERY:
        near = suggest(name, GALLERY)
        raise Refused(
            Problem(
                code="gallery/unknown",
                title=say("There is no example called {name}", name=name[:80]),
                because=say("Did you mean {near}?", near=near)
                if near
                else say("There are {names}.", names=", ".join(GALLERY)),
                fixes=(Fix(label=say("Use {near}", near=near), edits=(Set(path="name", value=near),)),) if near else (),
            )
        )
    return Experiment.model_validate({"name": name, **GALLERY[name].make()})


def _pick(type: str, **params: Json) -> dict[str, Json]:
    return {"type": type, "params": params} if params else {"type": type}


def _network(nodes: list[dict[str, Json]], **rest: Json) -> dict[str, Json]:
    return {"nodes": nodes, "outputs": [nodes[-1]["id"]], **rest}


def _recipe(loss: str, optimizer: dict[str, Json], batch: int | None, epochs: int, **rest: Json) -> dict[str, Any]:
    return {
        "objectives": [{"loss": _pick(loss)}],
        "optimizer": optimizer,
        "batch": {"size": batch},
        "length": {"epochs": epochs},
        **rest,
    }


DIGITS = {"source": _pick("Digits"), "prepare": [_pick("MinMax", column="image", per="column")]}


@_exhibit
def perceptron() -> dict[str, Json]:
    """One neuron learns a NAND gate: a straight line through four points. The oldest network there is (Rosenblatt 1958)."""
    return {
        "network": _network(
            chain(layer("Input", id="inputs", shape=[2]), layer("Linear", id="neuron", out_features=1))
        ),
        "data": {"source": _pick("Gates", gate="nand"), "split": {"train": 0.5, "validation": 0.0}},
        "recipe": _recipe("BCEWithLogits", _pick("SGD", lr=0.5), 10, 50),
    }


@_exhibit
def xor_mlp() -> dict[str, Json]:
    """What one neuron cannot do, two layers can: XOR, which no straight line separates."""
    nodes = chain(
        layer("Input", id="inputs", shape=[2]),
        layer("Linear", id="hidden", out_features=8),
        layer("Tanh"),
        layer("Linear", id="output", out_features=1),
    )
    return {
        "network": _network(nodes),
        "data": {"source": _pick("Gates", gate="xor"), "split": {"train": 0.5, "validation": 0.0}},
        "recipe": _recipe("BCEWithLogits", _pick("Adam", lr=0.05), 10, 50),
    }


@_exhibit
def playground() -> dict[str, Json]:
    """A circle of points inside a ring of others. Four tanh neurons bend the plane until a line can part them."""
    nodes = chain(
        layer("Input", id="point", shape=[2]),
        layer("Linear", id="hidden1", out_features=4),
        layer("Tanh", id="tanh1"),
        layer("Linear", id="hidden2", out_features=2),
        layer("Tanh", id="tanh2"),
        layer("Linear", id="output", out_features=1),
        layer("Tanh", id="tanh3"),
    )
    return {
        "network": _network(nodes),
        "data": {"source": _pick("Circle"), "split": {"train": 0.5, "validation": 0.2}},
        "recipe": _recipe("MSE", _pick("Adam", lr=0.01), 10, 200),
    }


@_exhibit
def digits_mlp() -> dict[str, Json]:
    """Handwritten digits, 8 x 8 pixels, read by two dense layers that know nothing of what is next to what."""
    nodes = chain(
        layer("Input", id="image", shape=[1, 8, 8]),
        layer("Flatten"),
        layer("Linear", id="hidden", out_features=64),
        layer("ReLU"),
        layer("Linear", id="scores", out_features=10),
    )
    return {
        "network": _network(nodes),
        "data": DIGITS,
        "recipe": _recipe("CrossEntropy", _pick("Adam", lr=0.003), 32, 40),
    }


@_exhibit
def digits_cnn() -> dict[str, Json]:
    """The same digits seen through small filters: local patterns first, then what they make together."""
    nodes = chain(
        layer("Input", id="image", shape=[1, 8, 8]),
        layer("Conv2d", id="conv1", out_channels=16, padding=1),
        layer("BatchNorm2d", id="norm1"),
        layer("ReLU", id="relu1"),
        layer("Conv2d", id="conv2", out_channels=32, padding=1),
        layer("BatchNorm2d", id="norm2"),
        layer("ReLU", id="relu2"),
        layer("MaxPool2d", id="pool"),
        layer("Flatten"),
        layer("Dropout", id="dropout", p=0.3),
        layer("Linear", id="scores", out_features=10),
    )
    return {
        "network": _network(nodes),
        "data": DIGITS,
        "recipe": _recipe("CrossEntropy", _pick("Adam", lr=0.003), 64, 30),
    }


@_exhibit
def digits_resnet() -> dict[str, Json]:
    """A small residual network (He et al. 2015): each block adds what it finds to what it was given."""
    nodes = chain(
        layer("Input", id="image", shape=[1, 8, 8]),
        layer("Conv2d", id="stem", out_channels=16, padding=1, bias=False),
        layer("BatchNorm2d", id="norm"),
        layer("ReLU", id="relu"),
        block("Residual", id="stage1", repeat=2),
        block("ResidualDown", id="down"),
        block("ResidualWide", id="stage2"),
        layer("AdaptiveAvgPool2d", id="pool"),
        layer("Flatten"),
        layer("Linear", id="scores", out_features=10),
    )
    blocks = {"Residual": residual(16), "ResidualDown": residual(32, stride=2), "ResidualWide": residual(32)}
    return {
        "network": _network(nodes, blocks=blocks),
        "data": DIGITS,
        "recipe": _recipe("CrossEntropy", _pick("SGD", lr=0.05, momentum=0.9, weight_decay=0.0005), 64, 15),
    }


@_exhibit
def lenet5() -> dict[str, Json]:
    """LeNet-5 (LeCun et al. 1998) as it is taught: two convolutions with average pooling, three dense layers, tanh."""
    nodes = chain(
        layer("Input", id="image", shape=[1, 28, 28]),
        layer("Conv2d", id="c1", out_channels=6, kernel_size=5, padding=2),
        layer("Tanh", id="tanh1"),
        layer("AvgPool2d", id="s2"),
        layer("Conv2d", id="c3", out_channels=16, kernel_size=5),
        layer("Tanh", id="tanh2"),
        layer("AvgPool2d", id="s4"),
        layer("Flatten"),
        layer("Linear", id="f5", out_features=120),
        layer("Tanh", id="tanh3"),
        layer("Linear", id="f6", out_features=84),
        layer("Tanh", id="tanh4"),
        layer("Linear", id="scores", out_features=10),
    )
    data = {"source": _pick("Digits", size=28), "prepare": [_pick("MinMax", column="image", per="column")]}
    return {
        "network": _network(nodes),
        "data": data,
        "recipe": _recipe("CrossEntropy", _pick("Adam", lr=0.002), 64, 15),
    }


@_exhibit
def sequence_lstm() -> dict[str, Json]:
    """The adding problem (Hochreiter and Schmidhuber 1997): remember two marked numbers of a sequence and add them up."""
    nodes = chain(
        layer("Input", id="sequence", shape=[20, 2]),
        layer("LSTM", id="lstm", hidden_size=32),
        layer("Linear", id="sum", inputs=["lstm:last"], out_features=1),
    )
    return {
        "network": _network(nodes),
        "data": {"source": _pick("AddingProblem")},
        "recipe": _recipe("MSE", _pick("Adam", lr=0.01), 50, 40),
    }
