"""Every family of layers for sequences learns a small task, and its exported program repeats the run to the last bit."""

import subprocess
import sys
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from builder.analysis import check
from builder.blocks.chain import chain, layer
from builder.data import load
from builder.design.experiment import Experiment
from builder.source import program
from builder.train.execution import choose
from builder.train.recorder import Silent
from builder.train.run import Outcome, train
from tests.source.alone import run_alone

STEPS, SYMBOLS = 8, 3

TOKENS = layer("Input", id="tokens", shape=[STEPS], axes="T", dtype="int64", classes=SYMBOLS + 1)
LENGTHS = layer("Input", id="lengths", shape=[], dtype="int64")
PADDING = layer("Input", id="padding", shape=[STEPS], axes="T", dtype="bool")
EMBED = layer("Embedding", id="embed", embedding_dim=16, padding_idx=0, inputs=["tokens"])

FAMILIES: dict[str, list[dict[str, Any]]] = {
    **{
        name: [layer(name, id="reader", hidden_size=32, inputs=["embed", "lengths"]), {"inputs": ["reader:last"]}]
        for name in ("RNN", "GRU", "LSTM")
    },
    "LSTM in both directions": [
        layer("LSTM", id="reader", hidden_size=16, num_layers=2, bidirectional=True, forget_bias=1, inputs=["embed", "lengths"]),
        {"inputs": ["reader:last"]},
    ],
    "TransformerEncoderLayer": [
        layer("PositionalEncoding", id="where", inputs=["embed"]),
        layer("TransformerEncoderLayer", id="look", nhead=2, dim_feedforward=32, dropout=0.0, inputs=["where", "padding"]),
        layer("Flatten", id="all"),
        {},
    ],
    "TransformerDecoderLayer": [
        layer("PositionalEncoding", id="where", learned=True, inputs=["embed"]),
        layer("TransformerDecoderLayer", id="look", nhead=2, dim_feedforward=32, dropout=0.0, inputs=["where", "embed", "padding"]),
        layer("Flatten", id="all"),
        {},
    ],
    "MultiheadAttention": [
        layer("PositionalEncoding", id="where", inputs=["embed"]),
        layer("MultiheadAttention", id="look", num_heads=2, inputs=["where", "where", "padding"]),
        layer("Flatten", id="all"),
        {},
    ],
    "Bilinear": [
        layer("OneHot", id="row", inputs=["tokens"]),
        layer("Flatten", id="all"),
        layer("Flatten", id="features", inputs=["embed"]),
        layer("Bilinear", id="pairs", out_features=8, inputs=["all", "features"]),
        layer("Tanh", id="bend"),
        {},
    ],
}  # fmt: skip


def experiment(family: str, epochs: int = 12, **recipe: Any) -> Experiment:
    """Which symbol came first, read from sequences of different lengths."""
    *nodes, scores = FAMILIES[family]
    return Experiment.model_validate(
        {
            "network": {
                "nodes": chain(TOKENS, {**LENGTHS, "inputs": []}, {**PADDING, "inputs": []}, EMBED, *nodes,
                               {**layer("Linear", id="scores", out_features=SYMBOLS), **scores}),
                "outputs": ["scores"],
            },
            "data": {"source": {"type": "FirstSymbol", "params": {"samples": 400, "length": STEPS, "symbols": SYMBOLS}}},
            "recipe": {
                "objectives": [{"loss": {"type": "CrossEntropy"}}],
                "optimizer": {"type": "Adam", "params": {"lr": 0.01}},
                "batch": {"size": 50},
                "length": {"epochs": epochs},
                **recipe,
            },
        }
    )  # fmt: skip


def run(design: Experiment) -> tuple[Outcome, list[float]]:
    recorder = Silent()
    outcome = train(design, choose(design, "cpu"), load(design.data), recorder, recorder)
    return outcome, [loss for _, loss in recorder.series["train/loss"]]


@pytest.mark.parametrize("family", FAMILIES)
def test_it_learns_which_symbol_came_first(family: str):
    design = experiment(family)
    assert not [problem for problem in check(design)[1] if problem.severity == "error"]
    outcome, losses = run(design)
    assert outcome.status == "finished"
    assert mean(losses[-7:]) < 0.3 * mean(losses[:7])
    assert outcome.metrics["test/accuracy"] > 0.8


INIT = {"weight": {"type": "XavierUniform"}, "bias": {"type": "Normal", "params": {"std": 0.1}}}


@pytest.mark.parametrize("family", ["LSTM in both directions", "TransformerDecoderLayer"])
@pytest.mark.parametrize("recipe", [{}, {"init": INIT}], ids=["as PyTorch starts", "with initializers"])
def test_the_exported_program_repeats_the_run_bit_for_bit(family: str, recipe: dict[str, Any], tmp_path: Path):
    design = experiment(family, epochs=2, **recipe)
    _, losses = run(design)
    assert run_alone(tmp_path, design) == losses
    assert program(design) == (tmp_path / "program.py").read_text(), "where nothing else is said, it is the CPU's"
    for command in (
        ["check", "--select", "E,F,W", "--line-length", "120"],
        ["format", "--check", "--line-length", "120"],
    ):
        found = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", "program.py"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert found.returncode == 0, found.stdout
