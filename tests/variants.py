"""Variants of the gallery's networks that are quick to run, and what runs them."""

from typing import Any

import torch
from torch import Tensor, nn

from builder.analysis import analyze
from builder.blocks import GALLERY, example
from builder.catalog import Signal
from builder.design import read
from builder.design.experiment import Experiment
from builder.design.network import Network, to_json

Json = dict[str, Any]

LONGEST = 12
"""Steps of the longest sequences whose lengths a network of the gallery is told."""

SIDES = {"alexnet": 64, "alexnet-2012": 67}
"""Images that leave something to the last layers, where 32 pixels would not."""

FEW = {
    "Shapes": {"samples": 80, "noise": 0.0},
    "ShapeMasks": {"samples": 40, "noise": 0.0},
    "FirstSymbol": {"samples": 400},
    "AddingProblem": {"samples": 1_000},
}
"""By the source of the data."""

HEAVY = [name for name, exhibit in GALLERY.items() if not exhibit.light]
LIGHT = [name for name, exhibit in GALLERY.items() if exhibit.light]


def example_of(signal: Signal, batch: int = 2) -> Tensor:
    """Numbers of the kind that an Input gives."""
    if signal.dtype == "int64" and signal.classes is None:
        return torch.full((batch, *signal.shape), LONGEST)
    if signal.dtype == "int64":
        return torch.randint(0, signal.classes, (batch, *signal.shape))
    return torch.randn(batch, *signal.shape)


def inputs_of(network: Network, batch: int = 2) -> list[Tensor]:
    return [example_of(node.layer.infer()[0], batch) for node in network.inputs]


def without_lengths(network: Network) -> Network:
    """The network whose sequences are all of full length: lengths are looked at, and cannot be on the meta device."""
    document = to_json(network)
    lengths = {node["id"] for node in document["nodes"] if node.get("params", {}).get("axes") == ""}
    for node in document["nodes"]:
        if "inputs" in node:
            node["inputs"] = [reference for reference in node["inputs"] if reference not in lengths]
    return read.network(document)


def classes_of(source: str) -> Json:
    """The names that a source defines; run as a person's own file would be."""
    scope: Json = {"torch": torch, "nn": nn, "Tensor": Tensor}
    exec(compile(source, "network.py", "exec"), scope)
    return scope


def with_sides(document: Json, side: int) -> Json:
    """The network whose images are `side` x `side`."""
    nodes = [
        {**node, "params": {**node["params"], "shape": [node["params"]["shape"][0], side, side]}}
        if node.get("type") == "Input"
        else node
        for node in document["nodes"]
    ]
    return {**document, "nodes": nodes}


def smallest(network: Network) -> Network:
    """The network with the smallest images that it can take; one that reads no images stays as it is."""
    (gives,) = network.inputs[0].layer.infer()
    if gives.axes != "CHW":
        return network
    document = to_json(network)
    for side in range(1, gives.shape[1] + 1):
        smaller = read.network(with_sides(document, side))
        if not analyze(smaller).problems:
            return smaller
    raise AssertionError("not even its own size")


def graphs_of(document: Json) -> list[Json]:
    return [document, *document.get("blocks", {}).values()]


def with_narrow_dense_layers(network: Network, units: int = 32) -> Network:
    """The network with at most so many units in dense layers, but for the last."""
    document = to_json(network)
    for graph in graphs_of(document):
        for node in graph["nodes"]:
            if node.get("type") == "Linear" and node["id"] not in document["outputs"]:
                node["params"]["out_features"] = min(units, node["params"]["out_features"])
    return read.network(document)


def narrow(name: str, side: int, divisor: int = 8, classes: int = 10) -> Experiment:
    """One of the large networks for a thousand classes, with fewer channels, for a few small pictures of ten."""
    document = to_json(example(name))
    network = with_sides(document["network"], side)
    for graph in graphs_of(network):
        graph.pop("made", None)
        for node in graph["nodes"]:
            params = node.get("params", {})
            if node.get("type") == "Dropout":
                params["p"] = 0.0  # few units are left to drop
            for field in ("out_channels", "out_features", "groups"):
                if params.get(field) == 1_000:
                    params[field] = classes
                elif params.get(field, 0) > 2:
                    params[field] = max(1, params[field] // divisor)
    source = {"type": "Shapes", "params": {"samples": 80, "size": side, "classes": classes, "noise": 0.0}}
    document["network"], document["data"] = network, {"source": source, "split": {"train": 0.5, "validation": 0.0}}
    return read.experiment(document)


def quick(name: str, side: int | None = None) -> Experiment:
    """An exhibit with so few samples, and so narrow, that it trains in seconds; of one with pictures, their `side` may be another."""
    if not GALLERY[name].light:
        return narrow(name, SIDES.get(name, 32))
    document = to_json(example(name))
    source = document["data"]["source"]
    if side:
        document["network"] = with_sides(document["network"], side)
        source["params"] = {**source["params"], "size": side}
    if source["type"] in FEW:
        source["params"] = {**source.get("params", {}), **FEW[source["type"]]}
    if source["type"] == "Digits":
        document["data"]["split"] = {**document["data"].get("split", {}), "train": 0.2, "validation": 0.0}
    return read.experiment(document)


def changed(experiment: Experiment, **recipe: Any) -> Experiment:
    document = experiment.model_dump(mode="json")
    document["recipe"] |= recipe
    return Experiment.model_validate(document)


REMARKS = {
    **dict.fromkeys(("vgg11-bn", "vgg13-bn", "vgg16-bn", "vgg19-bn"), "advice/bias-before-norm"),  # torchvision's
    "mlp-784": "advice/by-heart",  # that it has so many parameters is its story
    **dict.fromkeys(
        ("lenet5", "lenet5-1998"), "advice/by-heart"
    ),  # as it was published, for 60,000 digits: here are few
    "deep-sigmoid": "advice/sigmoids advice/by-heart",  # what is told of it is what it is there to show
    "inception": "advice/by-heart",  # one block, to be looked at
    **dict.fromkeys(
        ("deep-sequence", "transformer-small"), "advice/by-heart"
    ),  # few sequences, so that seconds are enough
}
"""What the adviser says of exhibits, and why it stays."""


def remarks(name: str) -> list[str]:
    """Codes of what `check` says of an exhibit."""
    return REMARKS.get(name, "").split()
