"""`python -m builder`: what it prints, how it ends, and that a mistake is never a traceback."""

import ast
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from variants import remarks

from builder.blocks import GALLERY, example
from builder.blocks.templates import Template
from builder.catalog import Layer
from builder.design.network import to_json
from builder.store import runs
from tests.cli.conftest import Say

BROKEN = {
    "format": "layerlab.network",
    "nodes": [
        {"id": "image", "type": "Input", "params": {"shape": [1, 8, 8]}},
        {"id": "conv", "type": "Conv2D", "inputs": ["image"]},
    ],
    "outputs": ["conv"],
}
TOO_LARGE_A_WINDOW = {
    "format": "layerlab.network",
    "nodes": [
        {"id": "image", "type": "Input", "params": {"shape": [1, 8, 8]}},
        {"id": "conv", "type": "Conv2d", "params": {"kernel_size": 15}, "inputs": ["image"]},
    ],
    "outputs": ["conv"],
}
PROBLEM_KEYS = {"code", "severity", "node", "title", "because", "fixes"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "design.json"


# Looking ---------------------------------------------------------------------------------------------------------


def test_examples_lists_the_gallery(layerlab: Say) -> None:
    said = layerlab("examples")
    assert said.code == 0
    assert [line.split()[0] for line in said.out.splitlines()] == list(GALLERY)


def test_describe_gives_the_numbers_of_lenet5_as_json(layerlab: Say) -> None:
    said = layerlab("describe", "lenet5", "--json")
    assert said.code == 0
    described = said.last
    keys = {"name", "parameters", "trainable_parameters", "macs", "flops", "activation_bytes", "layers", "problems"}
    assert described.keys() >= keys
    assert (described["name"], described["parameters"], described["macs"]) == ("lenet5", 61_706, 416_520)
    assert [problem["code"] for problem in described["problems"]] == ["advice/by-heart"]
    for layer in described["layers"]:
        assert layer.keys() >= {"id", "type", "inputs", "output_shape", "parameters", "macs"}
    layers = {layer["id"]: layer for layer in described["layers"]}
    assert (layers["c3"]["output_shape"], layers["c3"]["parameters"]) == ([16, 10, 10], 16 * (6 * 25 + 1))
    assert sum(layer["parameters"] for layer in described["layers"]) == 61_706
    assert sum(layer["macs"] for layer in described["layers"]) == 416_520


@pytest.mark.parametrize("name", GALLERY)
def test_every_example_is_described_with_the_adviser_s_remarks_alone(layerlab: Say, name: str) -> None:
    said = layerlab("describe", name, "--json")
    assert (said.code, said.last["name"]) == (0, name)
    assert [problem["code"] for problem in said.last["problems"]] == remarks(name)
    for of_all in ("parameters", "trainable_parameters", "buffers", "macs", "flops", "activation_bytes"):
        assert sum(layer[of_all] for layer in said.last["layers"]) == said.last[of_all]
    kinds: Counter[str] = Counter()
    for layer in said.last["layers"]:
        kinds.update(layer["operations"])
    assert kinds == said.last["operations"]


def test_describe_says_what_each_layer_sees_and_how_numbers_come_about(layerlab: Say) -> None:
    layers = {layer["id"]: layer for layer in layerlab("describe", "lenet5", "--arithmetic", "--json").last["layers"]}
    assert (layers["s4"]["receptive_field"], layers["s4"]["stride"]) == ([16, 16], [4, 4])
    assert layers["f5"]["receptive_field"] is None
    assert "macs: 10 x 10 x 16 x 5 x 5 x 6 = 240,000" in layers["c3"]["arithmetic"]
    assert "parameters: 5 x 5 x 6 x 16 + 16 = 2,416" in layerlab("describe", "lenet5", "--arithmetic").out


def test_describe_leaves_blocks_closed_where_that_is_wished(layerlab: Say) -> None:
    closed, opened = (layerlab("describe", "resnet152", *more, "--json").last for more in (["--closed"], []))
    assert len(closed["layers"]) < 20 and len(opened["layers"]) == 516
    assert sum(layer["macs"] for layer in closed["layers"]) == closed["macs"] == opened["macs"]


def test_describe_counts_as_in_1998(layerlab: Say) -> None:
    said = layerlab("describe", "lenet5-1998", "--classic")
    assert said.out.splitlines()[-1].split() == ["total", "8,094", "60,000", "340,908"]
    assert (
        sum(
            layer["connections"] for layer in layerlab("describe", "lenet5-1998", "--classic", "--json").last["classic"]
        )
        == 340_908
    )


def test_the_catalog_is_listed_by_family_and_searched(layerlab: Say) -> None:
    names = {line.split()[0] for line in layerlab("catalog").out.splitlines() if line.startswith("  ")}
    assert names == {*Layer.shelf, *Template.shelf}
    found = layerlab("catalog", "pool").out.splitlines()
    assert "Pooling" in found
    assert any(line.split()[0] == "MaxPool2d" for line in found) and not any(
        line.split()[0] == "Linear" for line in found
    )
    assert layerlab("catalog", "no such thing").code == 2


def test_describe_draws_a_table_with_totals(layerlab: Say) -> None:
    said = layerlab("describe", "lenet5")
    assert said.code == 0
    first, *rows, last, words = said.out.splitlines()
    assert first.split() == ["node", "type", "output", "parameters", "MACs", "memory", "sees", "stride"]
    assert next(row for row in rows if row.startswith("s4 ")).split()[-2:] == ["16", "4"]
    assert last.split()[:3] == ["total", "61,706", "416,520"]
    assert words == "833,040 FLOPs and 6,508 activation, 6,304 pooling; 61,706 of the parameters learn; 0 buffers"


def test_the_catalog_tells_all_of_an_entry_that_is_named(layerlab: Say) -> None:
    said = layerlab("catalog", "lstm")
    assert "reads x, lengths?; gives sequence, last, state" in said.out
    assert re.search(r"^  hidden_size +64 .+\.$", said.out, re.MULTILINE)
    assert "in_channels" in layerlab("catalog", "InvertedResidual").out


def test_blocks_are_opened_with_the_ids_of_the_state_dict(layerlab: Say) -> None:
    ids = [layer["id"] for layer in layerlab("describe", "digits-resnet", "--json").last["layers"]]
    assert any(id.startswith("stage1.0.") for id in ids)
    assert any(id.startswith("stage1.1.") for id in ids)
    known = {*ids}
    for layer in layerlab("describe", "digits-resnet", "--json").last["layers"]:
        assert {source.partition(":")[0] for source in layer["inputs"]} <= known


def test_a_file_that_cannot_be_read_exits_2_with_its_problems_as_json(layerlab: Say, file: Path) -> None:
    file.write_text(json.dumps(BROKEN))
    said = layerlab("describe", str(file), "--json")
    assert said.code == 2
    (problem,) = said.last["problems"]
    assert problem.keys() == PROBLEM_KEYS
    assert (problem["code"], problem["node"], problem["fixes"]) == ("type/unknown", "conv", ["Use Conv2d"])


def test_a_network_that_cannot_run_exits_2_and_is_described_as_far_as_it_goes(layerlab: Say, file: Path) -> None:
    file.write_text(json.dumps(TOO_LARGE_A_WINDOW))
    said = layerlab("describe", str(file), "--json")
    assert said.code == 2
    assert [layer["output_shape"] for layer in said.last["layers"]] == [[1, 8, 8], None]
    (problem,) = said.last["problems"]
    assert problem["node"] == "conv"
    assert problem["fixes"]


def test_without_json_a_problem_is_told_in_sentences_on_stderr(layerlab: Say, file: Path) -> None:
    file.write_text(json.dumps(BROKEN))
    said = layerlab("describe", str(file))
    assert (said.code, said.out) == (2, "")
    assert "There is no layer called Conv2D" in said.err
    assert "Use Conv2d" in said.err


@pytest.mark.parametrize("command", ["describe", "source", "train"])
def test_an_unknown_name_suggests_the_nearest(layerlab: Say, command: str) -> None:
    said = layerlab(command, "playgruond")
    assert said.code == 2
    assert "Did you mean playground?" in said.err


@pytest.mark.parametrize(
    "words",
    [
        ("describe", "nowhere.json"),
        ("describe", "."),
        ("describe", "\0.json"),
        ("source", "{network}"),
        ("train", "{network}"),
        ("source", "playground", "--out", "{file}/below"),
        ("train", "playground", "--set", "recipe"),
        ("train", "playground", "--set", "recipe.nothing=1"),
        ("train", "playground", "--set", "recipe.optimizer.params.lr=fast"),
        ("train", "playground", "--set", "network.nodes.output.params.out_features=3"),
        ("train", "playground", "--epochs", "0"),
        ("train", "playground", "--device", "abacus"),
        ("describe",),
        ("nonsense",),
    ],
)
def test_a_mistake_exits_2_and_says_what_it_is(layerlab: Say, file: Path, words: tuple[str, ...]) -> None:
    network = file.with_name("network.json")
    network.write_text(
        json.dumps({**TOO_LARGE_A_WINDOW, "nodes": TOO_LARGE_A_WINDOW["nodes"][:1], "outputs": ["image"]})
    )
    file.write_text("")
    said = layerlab(*(word.format(file=file, network=network) for word in words))
    assert said.code == 2
    assert said.out == ""
    assert len(said.err.split()) >= 5


@pytest.mark.parametrize("words", [("runs",), ("runs", "--json"), ("engine", "status"), ("engine", "stop")])
def test_a_home_that_cannot_be_made_is_told_and_exits_2(
    layerlab: Say, file: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    file.write_text("")
    monkeypatch.setenv("LAYERLAB_HOME", str(file / "home"))
    said = layerlab(*words)
    assert said.code == 2
    assert "Nothing can be saved" in said.out + said.err


# The program -----------------------------------------------------------------------------------------------------


def test_source_prints_a_program(layerlab: Say) -> None:
    said = layerlab("source", "digits-cnn")
    assert (said.code, said.err) == (0, "")
    classes = [part.name for part in ast.parse(said.out).body if isinstance(part, ast.ClassDef)]
    assert "Network" in classes


def test_source_with_a_folder_writes_the_program_and_its_data(layerlab: Say, tmp_path: Path) -> None:
    folder = tmp_path / "a new" / "folder"
    said = layerlab("source", "playground", "--out", str(folder))
    assert said.code == 0
    assert said.out.split("\n")[:2] == [str(folder / "program.py"), str(folder / "data.npz")]
    assert (folder / "program.py").read_text() == layerlab("source", "playground").out
    with np.load(folder / "data.npz", allow_pickle=False) as data:
        sizes = {name: len(data[name]) for name in data.files}
    assert {part: sizes[f"{part}_point"] for part in ("train", "validation", "test")} == {
        "train": 250, "validation": 100, "test": 150,
    }  # fmt: skip


# Training --------------------------------------------------------------------------------------------------------


def test_train_ends_with_its_metrics_as_json_and_the_same_seed_gives_the_same(training: Say) -> None:
    once = training("train", "playground", "--epochs", "5", "--seed", "3", "--json")
    again = training("train", "playground", "--set", "recipe.length.epochs=5", "--set", "recipe.seed=3", "--json")
    assert (once.code, again.code) == (0, 0)
    assert once.last.keys() >= {"run", "status", "steps", "seconds", "metrics"}
    assert (once.last["status"], once.last["steps"]) == ("finished", 5 * 25)
    assert once.last["metrics"].keys() >= {"train/loss", "validation/loss", "test/loss", "test/accuracy"}
    assert once.last["metrics"] == again.last["metrics"]
    assert once.last["run"] != again.last["run"]
    listed = {run["run"]: run for run in training("runs", "--json").last["runs"]}
    assert listed[once.last["run"]]["metrics"] == once.last["metrics"]
    assert listed[again.last["run"]]["status"] == "finished"
    assert training("engine", "status", "--json").last["alive"]


def test_set_changes_the_design_and_progress_goes_to_stderr(training: Say) -> None:
    said = training("train", "playground", "--epochs", "2", "--set", "recipe.batch.size=50")
    assert said.code == 0
    assert "10 steps" in said.out  # 250 samples in batches of 50, twice
    assert {"train/loss", "validation/loss", "test/loss"} <= {line.split()[0] for line in said.out.splitlines()}
    assert "epoch 2/2" in said.err


def test_a_run_that_diverges_exits_1_with_its_problem(training: Say) -> None:
    steepest = 'recipe.optimizer={"type": "SGD", "params": {"lr": 100}}'
    said = training("train", "sequence-lstm", "--epochs", "5", "--set", steepest, "--json")
    assert said.code == 1
    assert said.last["status"] == "failed"
    assert [problem["code"] for problem in said.last["problems"]] == ["run/diverged"]


def test_an_engine_that_is_not_there_can_be_asked_and_stopped(layerlab: Say) -> None:
    assert layerlab("engine", "status", "--json").last["alive"] is False
    assert layerlab("engine", "status").out.split()[:2] == ["alive", "False"]
    assert layerlab("engine", "stop").out.strip() == "No engine is alive."


def test_a_run_that_is_not_there_or_is_finished_cannot_be_resumed(training: Say) -> None:
    assert "no such run" in training("resume", "nonexistent0").err
    finished = training("train", "perceptron", "--epochs", "1", "--json").last["run"]
    said = training("resume", finished)
    assert said.code == 2 and "cannot go on" in said.err


def test_a_run_that_was_interrupted_goes_on_to_its_end(layerlab: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    run = runs.submit("local", "perceptron", to_json(example("perceptron")))
    runs.finish(run.id, "interrupted")

    def ends() -> None:  # an engine takes it from the queue
        assert runs.claim()
        runs.finish(run.id, "finished", summary={"test/loss": 0.5})

    monkeypatch.setattr("builder.engine.ensure", ends)
    said = layerlab("resume", run.id, "--json")
    assert (said.code, said.last["status"], said.last["metrics"]) == (0, "finished", {"test/loss": 0.5})
