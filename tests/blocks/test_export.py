"""Every exhibit as source: formatted, alone in the world, and the same network to the last bit."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from variants import classes_of, inputs_of, smallest, with_narrow_dense_layers

from builder.blocks import GALLERY, example
from builder.compile import build
from builder.design.network import Network
from builder.source import network_source, program
from builder.source.call import WIDTH

every_exhibit = pytest.mark.parametrize("name", GALLERY)


def results(module: nn.Module, x: list[Tensor]) -> tuple[list[Tensor], list[Tensor | None]]:
    """Outputs, and the gradients of everything that learns."""
    module.zero_grad()
    torch.manual_seed(1)  # dropout draws
    outputs = module(*x)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    sum(output.square().mean() for output in outputs).backward()
    return list(outputs), [parameter.grad for parameter in module.parameters()]


def bits(tensors: list[Tensor | None]) -> list[bytes | None]:
    """The numbers to the last bit; a very deep network trained on two images of one pixel has slopes that overflow."""
    return [None if tensor is None else tensor.detach().numpy().tobytes() for tensor in tensors]


def assert_same(network: Network) -> None:
    """The written class has the keys, outputs and gradients of the compiled module, evaluating and training."""
    compiled, written = build(network), classes_of(network_source(network))["Network"]()
    assert list(written.state_dict()) == list(compiled.state_dict())
    written.load_state_dict(compiled.state_dict())
    x = inputs_of(network)
    for training in (False, True):
        (mine, my_slopes), (theirs, their_slopes) = (results(m.train(training), x) for m in (compiled, written))
        assert bits(mine) == bits(theirs) and bits(my_slopes) == bits(their_slopes)
        assert any(slope is not None and slope.any() for slope in my_slopes)
        assert all(output.isfinite().all() for output in mine)


@every_exhibit
def test_the_written_network_is_the_compiled_one_at_the_smallest_input(name: str):
    network = smallest(example(name).network)
    assert_same(network if GALLERY[name].light else with_narrow_dense_layers(network))


@pytest.mark.slow
@every_exhibit
def test_the_written_network_is_the_compiled_one_in_full_size(name: str):
    assert_same(example(name).network)


@every_exhibit
def test_the_written_network_in_full_size_has_the_keys_and_shapes_of_the_compiled_one(name: str):
    network = example(name).network
    with torch.device("meta"):
        compiled, written = build(network).state_dict(), classes_of(network_source(network))["Network"]().state_dict()
    assert [(key, value.shape) for key, value in compiled.items()] == [(key, value.shape) for key, value in written.items()]  # fmt: skip


def test_every_program_is_formatted_and_needs_torch_and_numpy_alone(tmp_path: Path):
    for name in GALLERY:
        text = program(example(name))
        (tmp_path / f"{name}.py").write_text(text)
        imported = {
            (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).split(".")[0]
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
        assert imported == {"csv", "pathlib", "numpy", "torch"}
    for command in (
        ["check", "--select", "E,F,W", "--line-length", str(WIDTH)],
        ["format", "--check", "--line-length", str(WIDTH)],
    ):
        found = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", tmp_path], capture_output=True, text=True
        )
        assert found.returncode == 0, found.stdout


def test_a_stage_is_written_once_however_often_it_is_repeated():
    text = network_source(example("resnet152").network)
    assert text.count("class ") == 9  # four stages, the first block of each, the network
    assert "nn.Sequential(*[Stage3() for _ in range(35)])" in text
