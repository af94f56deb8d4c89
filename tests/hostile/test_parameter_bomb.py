"""A network that no machine could hold is refused before anything of it is built (SAFETY 16)."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from builder import analysis, limits
from builder.blocks import example
from builder.blocks.chain import chain, layer
from builder.design import read
from builder.design.network import to_json

Json = Any


def rows(*widths: int) -> Json:
    """Dense layers from width to width, without biases."""
    nodes = chain(
        layer("Input", id="row", shape=[widths[0]]),
        *(layer("Linear", id=f"dense{at}", out_features=width, bias=False) for at, width in enumerate(widths[1:])),
    )
    return {"format": "layerlab.network", "nodes": nodes, "outputs": [nodes[-1]["id"]]}


def test_4_3_billion_parameters_are_refused_with_count_and_memory():
    checked, problems = analysis.check(read.network(rows(65_536, 65_536)))
    assert checked.parameters == 65_536**2
    (problem,) = problems
    assert (problem.code, problem.severity, problem.node) == ("size/parameters", "error", "dense0")
    assert "4,294,967,296" in problem.because and "16.0 GiB" in problem.because and "200,000,000" in problem.because


@pytest.mark.parametrize(("widths", "refused"), [((10_000, 20_000), False), ((10_000, 20_000, 1), True)])
def test_the_limit_is_200_million_parameters_to_the_last(widths: tuple[int, ...], refused: bool):
    assert limits.PARAMETERS == 200_000_000
    problems = analysis.check(read.network(rows(*widths)))[1]
    assert [problem.code for problem in problems] == ["size/parameters"] * refused


def test_a_bomb_of_small_layers_in_blocks_is_counted_too():
    inside = {"nodes": [layer("Linear", id="fc", inputs=["x"], out_features=1_500)], "outputs": ["fc"]}
    nodes = chain(layer("Input", id="row", shape=[1_500]), {"id": "many", "block": "B", "repeat": 200})
    design = {"format": "layerlab.network", "nodes": nodes, "outputs": ["many"], "blocks": {"B": inside}}
    (problem,) = analysis.check(read.network(design))[1]
    assert (problem.code, problem.node) == ("size/parameters", "many")
    assert f"{200 * (1_500 * 1_500 + 1_500):,}" in problem.because


def test_a_signal_that_fills_the_memory_is_refused():
    nodes = chain(layer("Input", id="image", shape=[1, 60_000, 60_000]), layer("ReLU", id="relu"))
    problems = analysis.check(read.network({"nodes": nodes, "outputs": ["relu"]}))[1]
    assert {(problem.code, problem.node) for problem in problems} == {("size/signal", "image"), ("size/signal", "relu")}
    assert "3,600,000,000" in problems[0].because


def test_the_command_line_refuses_it_before_torch_is_there(tmp_path: Path):
    document = to_json(example("digits-mlp"))
    document["network"]["nodes"][2:3] = [
        {"id": "wide", "type": "Linear", "params": {"out_features": 65_536}, "inputs": ["flatten"]},
        {"id": "hidden", "type": "Linear", "params": {"out_features": 65_536}, "inputs": ["wide"]},
    ]
    (tmp_path / "bomb.json").write_text(json.dumps(document))
    watch = (
        "import atexit, runpy, sys\n"
        "atexit.register(lambda: print('TORCH', 'torch' in sys.modules, file=sys.stderr))\n"
        "runpy.run_module('builder', run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", watch, "train", str(tmp_path / "bomb.json"), "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"LAYERLAB_HOME": str(tmp_path / "home")},
    )
    assert done.returncode == 2, done.stderr
    assert "TORCH False" in done.stderr
    (problem,) = json.loads(done.stdout.splitlines()[-1])["problems"]
    assert problem["code"] == "size/parameters" and "GiB" in problem["because"]
