"""Small networks that learn digits badly, each in a way of its own, and what is told of them."""

from typing import Any

from builder.analysis import check
from builder.analysis.fixes import fitting
from builder.blocks import example
from builder.data import load
from builder.design import read
from builder.design.experiment import Experiment
from builder.design.network import to_json
from builder.problem import Json, Problem
from builder.train.execution import choose
from builder.train.recorder import Silent
from builder.train.run import Outcome, train


def dense(depth: int, activation: str, width: int = 32, **recipe: Any) -> Experiment:
    """So many hidden layers on the digits; the recipe is that of `digits-mlp` where nothing else is said."""
    nodes = [
        {"id": "image", "type": "Input", "params": {"shape": [1, 8, 8]}},
        {"id": "flat", "type": "Flatten", "inputs": ["image"]},
    ]
    for at in range(depth):
        hidden = {"id": f"hidden{at}", "type": "Linear", "params": {"out_features": width}, "inputs": [nodes[-1]["id"]]}
        nodes += [hidden, {"id": f"bend{at}", "type": activation, "inputs": [hidden["id"]]}]
    nodes.append({"id": "scores", "type": "Linear", "params": {"out_features": 10}, "inputs": [nodes[-1]["id"]]})
    return on_digits(nodes, **recipe)


def on_digits(nodes: list[Json], **recipe: Any) -> Experiment:
    document = to_json(example("digits-mlp"))
    document["network"] = {"nodes": nodes, "outputs": [nodes[-1]["id"]]}
    document["recipe"] |= recipe
    return read.experiment(document)


def two_clouds(**recipe: Any) -> Experiment:
    """Few points of two clouds that lie in one another, and a network that can learn them by heart."""
    nodes: list[Json] = [{"id": "point", "type": "Input", "params": {"shape": [2]}}]
    for at in range(2):
        hidden = {"id": f"hidden{at}", "type": "Linear", "params": {"out_features": 64}, "inputs": [nodes[-1]["id"]]}
        nodes += [hidden, {"id": f"bend{at}", "type": "ReLU", "inputs": [hidden["id"]]}]
    nodes.append({"id": "score", "type": "Linear", "params": {"out_features": 1}, "inputs": [nodes[-1]["id"]]})
    document = to_json(example("playground"))
    document["network"] = {"nodes": nodes, "outputs": ["score"]}
    source = {"type": "Gauss", "params": {"noise": 0.5, "samples": 200}}
    document["data"] = {"source": source, "split": {"train": 0.3, "validation": 0.4}}
    plain = {"objectives": [{"loss": {"type": "BCEWithLogits"}}], "batch": {"size": 20}, "length": {"epochs": 60}}
    document["recipe"] = plain | {"optimizer": {"type": "Adam", "params": {"lr": 0.01}}} | recipe
    return read.experiment(document)


def sgd(rate: float, momentum: float = 0.0) -> dict[str, Any]:
    return {"type": "SGD", "params": {"lr": rate, "momentum": momentum}}


def adam(rate: float) -> dict[str, Any]:
    return {"type": "Adam", "params": {"lr": rate}}


def normal(spread: float) -> dict[str, Any]:
    return {"weight": {"type": "Normal", "params": {"std": spread}}}


class Noting(Silent):
    """Keeps everything that was ever told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[int, list[str]]] = []
        self.pulses: list[dict[str, Any]] = []

    def view(self, name: str, step: int, meta: dict[str, Json], data: bytes) -> None:
        super().view(name, step, meta, data)
        if name == "advice":
            self.told.append((step, [problem["code"] for problem in meta["problems"]]))
        if name == "pulse":
            self.pulses.append(meta)

    @property
    def advice(self) -> list[Problem]:
        """What is told at the end."""
        return [Problem.model_validate(problem) for problem in self.views["advice"][1]["problems"]]


def trained(experiment: Experiment) -> tuple[Outcome, Noting]:
    noting = Noting()
    return train(experiment, choose(experiment, "cpu"), load(experiment.data), noting, noting), noting


def advised(experiment: Experiment) -> tuple[Outcome, list[Problem]]:
    """How a run ends, and what is told of it, with fixes for its own design."""
    outcome, noting = trained(experiment)
    design = to_json(experiment)
    return outcome, fitting(noting.advice, design, design, lambda document: check(read.any_design(document))[1])
