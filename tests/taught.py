"""A small network for every loss, and data that it can learn in a second."""

from typing import Any

from builder.blocks.chain import chain, layer
from builder.catalog import Loss, Signal
from builder.design import read
from builder.design.experiment import Experiment

PICKS: dict[str, dict[str, Any]] = {
    **{name: {"type": name} for name in Loss.shelf},
    "CrossEntropy, weighted": {"type": "CrossEntropy", "params": {"weight": [1, 4], "label_smoothing": 0.1}},
    "Focal, weighted": {"type": "Focal", "params": {"alpha": [0.75, 0.25], "gamma": 1}},
    "Exponential, summed": {"type": "Exponential", "params": {"reduction": "sum"}},
    "KLDiv, smoothed": {"type": "KLDiv", "params": {"label_smoothing": 0.1}},
    "GaussianNLL, full": {"type": "GaussianNLL", "params": {"full": True, "eps": 0.001}},
}
"""Every loss as it comes, and those that can be set to something that is worked out in another way."""


def taught(name: str, **recipe: Any) -> Experiment:
    """Two clouds of points told apart under a loss, or the sum of two of four numbers learned where it takes no classes."""
    pick = PICKS[name]
    loss = Loss.pick(pick["type"], pick.get("params", {}))
    classes = loss.shapes(Signal((), "", "int64", 2))
    (width, *_), *_ = classes or loss.shapes(Signal((1,), "F"))
    ending = [loss.ending] if loss.ending else []
    source = (
        {"type": "Gauss", "params": {"samples": 160}}
        if classes
        else {"type": "AddingProblem", "params": {"samples": 200, "length": 2}}
    )
    nodes = chain(
        layer("Input", id="given", shape=[2] if classes else [2, 2]),
        layer("Flatten"),
        layer("Linear", id="hidden", out_features=12),
        layer("Tanh"),
        layer("Linear", id="answer", out_features=width),
        *(layer(end["type"], id="ending", **end.get("params", {})) for end in ending),
    )
    return read.experiment(
        {
            "format": "layerlab.experiment",
            "network": {"nodes": nodes, "outputs": [nodes[-1]["id"]]},
            "data": {"source": source, "split": {"train": 0.6, "validation": 0.2}},
            "recipe": {
                "objectives": [{"loss": pick}],
                "optimizer": {"type": "Adam", "params": {"lr": 0.02}},
                "batch": {"size": 10, "accumulation": 2},
                "length": {"epochs": 4},
            }
            | recipe,
        }
    )
