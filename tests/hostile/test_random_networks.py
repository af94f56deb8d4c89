"""Random networks: the checker never raises, and PyTorch agrees with it (SAFETY 15)."""

from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, event, given, settings
from random_networks import networks
from refused import listed
from torch import Tensor, nn
from torch_layers import REFUSALS, operation

from builder import analysis
from builder.analysis import Analysis
from builder.catalog.signal import Signal
from builder.compile import build
from builder.design import read
from builder.design.network import Network, Node
from builder.source import network_source

BATCH = 3


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


def pytorch_refuses(node: Node, signals: list[Signal]) -> bool:
    """Whether PyTorch fails, too, when the layer is run on what it is given."""
    try:
        operation(node.layer, *signals)(*map(tensor_of, signals))
    except REFUSALS:
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
            signals = [checked.signals[reference] for reference in node.inputs if reference]
            assert listed(node.layer, problem, *signals) or pytorch_refuses(node, signals), (problem, node)


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
