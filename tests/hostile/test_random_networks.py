"""Random networks: the checker never raises, and PyTorch agrees with it (SAFETY 15)."""

import functools
import operator
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, event, given, settings
from random_networks import networks
from torch import Tensor, nn

from builder import analysis
from builder.analysis import Analysis
from builder.catalog.signal import Signal
from builder.compile import build
from builder.compile.build import resolve
from builder.design import read
from builder.design.network import Network, Node
from builder.source import network_source

BATCH = 3

PYTORCH_RUNS_IT = {
    (
        "shape/wrong-axes",
        "Linear",
    ): "nn.Linear mixes the last side of anything; on an image that is one row of pixels at a time",
    ("shape/wrong-axes", "BatchNorm1d"): "a sequence (time, features) looks to PyTorch like (channels, length)",
    ("shape/wrong-axes", "BatchNorm2d"): "three sides that are no image (channels, depth, height) look like one",
    ("shape/wrong-axes", "Conv2d"): "as above: PyTorch cannot know what a side means",
    ("shape/wrong-axes", "MaxPool2d"): "as above",
    ("shape/wrong-axes", "AvgPool2d"): "as above",
    ("shape/wrong-axes", "AdaptiveAvgPool2d"): "as above",
    ("shape/wrong-axes", "LSTM"): "(channels, length) looks to PyTorch like (time, features)",
    ("shape/no-such-side", "Softmax"): "dim 0 is the batch: PyTorch lets the samples of a batch compete",
    (
        "shape/no-such-side",
        "Concat",
    ): "dim 0 is the batch: PyTorch joins the samples of a batch, and there are more of them",
    ("shape/no-such-side", "Flatten"): "end_dim 0 with start_dim 0 is no side of a sample",
    ("shape/merge-mismatch", "Add"): "PyTorch broadcasts sides of length 1, and adds numbers of different kinds",
    ("shape/merge-mismatch", "Concat"): "PyTorch turns class numbers into real numbers when it joins the two",
    ("dtype/not-float", "ReLU"): "PyTorch takes whole numbers, which have no gradient",
    ("dtype/not-float", "LeakyReLU"): "as above",
    ("dtype/not-float", "Sigmoid"): "as above, and turns them into real numbers",
    ("dtype/not-float", "Tanh"): "as above, and turns them into real numbers",
    ("dtype/not-float", "MaxPool2d"): "as above",
    ("dtype/not-float", "AvgPool2d"): "as above",
    ("dtype/not-float", "AdaptiveAvgPool2d"): "as above",
    ("dtype/not-float", "Dropout"): "as above, with p = 0 and while it is not being trained",
}
"""What PyTorch runs and Layerlab refuses, and why."""


def tensor_of(signal: Signal) -> Tensor:
    """A batch of such samples."""
    shape = (BATCH, *signal.shape)
    if signal.dtype == "int64":
        return torch.randint(signal.classes or 2, shape)
    return torch.rand(shape) < 0.5 if signal.dtype == "bool" else torch.randn(shape)


def signal_of(tensor: Tensor) -> tuple[tuple[int, ...], str]:
    return tuple(tensor.shape[1:]), str(tensor.dtype).removeprefix("torch.")


def classes_of(source: str) -> dict[str, Any]:
    """The classes of an exported program, run as a person's own file would be."""
    scope: dict[str, Any] = {"torch": torch, "nn": nn, "Tensor": Tensor}
    exec(compile(source, "network.py", "exec"), scope)
    return scope


def agrees_with_pytorch(network: Network, checked: Analysis) -> None:
    """The network that is said to be valid is built, compiled and exported, and gives what the table says."""
    module = build(network).eval()
    inputs = [tensor_of(node.layer.infer()[0]) for node in network.inputs]
    outputs = module(*inputs)
    assert [signal_of(output) for output in outputs] == [(s.shape, s.dtype) for s in checked.outputs if s]
    assert len(outputs) == len(checked.outputs)
    assert sum(parameter.numel() for parameter in module.parameters()) == checked.parameters
    assert sum(p.numel() for p in module.parameters() if p.requires_grad) == checked.trainable
    written = classes_of(network_source(network))["Network"]().eval()
    assert list(written.state_dict()) == list(module.state_dict())
    written.load_state_dict(module.state_dict())
    given = written(*inputs)
    for mine, theirs in zip(outputs, given if isinstance(given, tuple) else (given,), strict=True):
        assert torch.equal(mine, theirs)


def operation_of(node: Node, signals: list[Signal]) -> Callable[..., Tensor]:
    """What PyTorch would run for a layer, whether or not it fits."""
    layer = node.layer
    if layer.infix:
        return lambda *x: functools.reduce(operator.add, x)
    target, arguments = resolve(layer.target), layer.args(*signals)
    return (lambda *x: target(x, **arguments)) if layer.function else target(**arguments).train()


def pytorch_refuses(network: Network, checked: Analysis, node: Node) -> bool:
    """Whether PyTorch fails, too, when the layer is run on what it is given."""
    signals = [checked.signals[reference] for reference in node.inputs if reference]
    try:
        operation_of(node, signals)(*map(tensor_of, signals))
    except (RuntimeError, ValueError, TypeError, IndexError):
        return True
    return False


def look(document: dict[str, Any]) -> None:
    network = read.network(document)
    checked, problems = analysis.check(network)
    errors = [problem for problem in problems if problem.severity == "error"]
    if not errors:
        event("valid")
        agrees_with_pytorch(network, checked)
    by_id = {node.id: node for node in network.nodes}
    for problem in errors:
        event(problem.code)
        node = by_id.get(problem.node or "")
        if node and node.type and problem.code.startswith(("shape/", "dtype/")):
            listed = (problem.code, node.type) in PYTORCH_RUNS_IT
            assert listed or pytorch_refuses(network, checked, node), (problem, node)


ANY = networks(open_inputs=False) | networks(open_inputs=False) | networks(open_inputs=True)
SETTINGS = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}


@settings(max_examples=200, **SETTINGS)
@given(ANY)
def test_of_200_random_networks_none_surprises_the_checker_or_pytorch(document: dict[str, Any]):
    look(document)


@pytest.mark.slow
@settings(max_examples=2_000, **SETTINGS)
@given(ANY)
def test_of_2000_random_networks_none_surprises_the_checker_or_pytorch(document: dict[str, Any]):
    look(document)
