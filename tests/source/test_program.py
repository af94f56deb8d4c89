"""The exported program is the network, and repeats the run to the last bit."""

import ast
import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from builder.blocks import GALLERY, example
from builder.compile import build
from builder.data import load
from builder.design.experiment import Execution, Experiment
from builder.source import network_source, program
from builder.train.execution import choose
from builder.train.recorder import Silent
from builder.train.run import train


def classes_of(source: str) -> dict[str, object]:
    """The names that a source defines; run as a person's own file would be."""
    scope: dict[str, object] = {"torch": torch, "nn": torch.nn, "Tensor": torch.Tensor}
    exec(compile(source, "network.py", "exec"), scope)
    return scope


@pytest.mark.parametrize("name", GALLERY)
def test_the_written_class_has_the_same_keys_outputs_and_gradients(name: str):
    design = example(name).network
    compiled = build(design)
    written = classes_of(network_source(design))["Network"]()
    written.load_state_dict(compiled.state_dict())
    assert list(written.state_dict()) == list(compiled.state_dict())
    x = [torch.randn(2, *node.layer.infer()[0].shape) for node in design.inputs]
    for training in (False, True):
        results = []
        for module in (compiled, written):
            module.train(training)
            module.zero_grad()
            torch.manual_seed(1)
            output = module(*x)
            output = output[0] if isinstance(output, tuple) else output
            output.square().sum().backward()
            results.append((output, [parameter.grad for parameter in module.parameters()]))
        (mine, my_gradients), (theirs, their_gradients) = results
        assert torch.equal(mine, theirs)
        assert all(torch.equal(a, b) for a, b in zip(my_gradients, their_gradients, strict=True))


def run_alone(folder: Path, experiment: Experiment, execution: Execution | None = None) -> list[float]:
    """Loss of every step of the exported program, run in a folder of its own by an isolated interpreter."""
    folder.mkdir()
    (folder / "program.py").write_text(program(experiment, execution or choose(experiment, "cpu")))
    (folder / "data.npz").write_bytes(load(experiment.data).save_npz())
    done = subprocess.run([sys.executable, "-I", "program.py"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with (folder / "history.csv").open(newline="") as file:
        return [float(loss) for _, loss in list(csv.reader(file))[1:]]


def with_changes(name: str, **recipe: object) -> Experiment:
    document = example(name).model_dump(mode="json")
    document["recipe"] |= recipe
    return Experiment.model_validate(document)


@pytest.mark.parametrize("name", GALLERY)
def test_the_program_alone_repeats_the_runs_loss_curve_bit_for_bit(name: str, tmp_path: Path):
    experiment = with_changes(name, length={"epochs": 3}, seed=7)
    recorder = Silent()
    assert train(experiment, choose(experiment, "cpu"), load(experiment.data), recorder, recorder).status == "finished"
    curve = [loss for _, loss in recorder.series["train/loss"]]
    assert run_alone(tmp_path / "alone", experiment) == curve
    assert len(set(curve)) > 1


def test_initializers_whole_set_batches_dropped_batches_and_weights_of_losses_repeat_too(tmp_path: Path):
    init = {"weight": {"type": "XavierNormal"}, "bias": {"type": "Normal", "params": {"std": 0.1}}}
    whole = with_changes("digits-cnn", init=init, batch={"size": None}, length={"epochs": 3})
    dropped = with_changes(
        "digits-mlp",
        batch={"size": 100, "last": "drop"},
        length={"epochs": 2},
        objectives=[{"loss": {"type": "MSE"}, "weight": 0.5}],
        optimizer={"type": "SGD", "params": {"lr": 0.1, "momentum": 0.9, "nesterov": True}},
    )
    for at, experiment in enumerate((whole, dropped)):
        recorder = Silent()
        train(experiment, choose(experiment, "cpu"), load(experiment.data), recorder, recorder)
        assert run_alone(tmp_path / str(at), experiment) == [loss for _, loss in recorder.series["train/loss"]]


def test_channels_last_repeats_too(tmp_path: Path):
    experiment = with_changes("digits-cnn", length={"epochs": 2})
    execution = choose(experiment, "cpu").model_copy(update={"memory_format": "channels_last"})
    recorder = Silent()
    train(experiment, execution, load(experiment.data), recorder, recorder)
    assert run_alone(tmp_path / "channels", experiment, execution) == [
        loss for _, loss in recorder.series["train/loss"]
    ]


def test_a_node_with_its_own_numbers_is_written_with_them(tmp_path: Path):
    document = example("perceptron").model_dump(mode="json")
    document["network"]["nodes"][1]["init"] = {
        "weight": {"type": "Values", "params": {"values": [[-2, -2]]}},
        "bias": {"type": "Zeros"},
    }
    document["recipe"]["length"] = {"epochs": 2}
    experiment = Experiment.model_validate(document)
    recorder = Silent()
    train(experiment, choose(experiment, "cpu"), load(experiment.data), recorder, recorder)
    assert run_alone(tmp_path / "gate", experiment) == [loss for _, loss in recorder.series["train/loss"]]


@pytest.mark.parametrize("name", GALLERY)
def test_the_program_is_clean_python_that_needs_torch_and_numpy_alone(name: str, tmp_path: Path):
    text = program(example(name))
    imported = {
        alias.name.split(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    imported |= {node.module.split(".")[0] for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)}
    assert imported <= {"torch", "numpy", "csv", "pathlib"}
    (tmp_path / "program.py").write_text(text)
    for command in (
        ["check", "--select", "E,F,W", "--line-length", "120"],
        ["format", "--check", "--line-length", "120"],
    ):
        found = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", tmp_path], capture_output=True, text=True
        )
        assert found.returncode == 0, found.stdout


def test_data_npz_is_what_the_run_was_trained_on():
    arrays = load(example("digits-cnn").data)
    import io

    with np.load(io.BytesIO(arrays.save_npz()), allow_pickle=False) as file:
        for part, columns in arrays.parts.items():
            for column, values in columns.items():
                assert np.array_equal(file[f"{part}_{column}"], values)
