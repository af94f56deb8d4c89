"""A block made from a form is told about as a form: where it does not fit, it is made anew, and stays one."""

from typing import Any

import pytest

from builder.analysis import check
from builder.blocks.templates import make
from builder.design import edits, read
from builder.design.network import Network, to_json
from builder.problem import Problem

Json = Any


def network(template: str, params: dict[str, Json], *shape: int, repeat: int = 1) -> Network:
    nodes = [
        {"id": "x", "type": "Input", "params": {"shape": list(shape)}},
        {"id": "block", "block": "Made", "inputs": ["x"], **({"repeat": repeat} if repeat > 1 else {})},
    ]
    document = {"format": "layerlab.network", "version": 1, "nodes": nodes, "outputs": ["block"]}
    return read.network({**document, "blocks": {"Made": make(template, params)}})


def mended(design: Network, problem: Problem) -> Network:
    return read.network(edits.apply(to_json(design), problem.fixes[0].edits))


@pytest.mark.parametrize(
    ("template", "params", "shape", "changed", "parameters"),
    [
        ("Residual", {"stride": 2}, (64, 32, 32), {"projection": True}, 78_208),
        ("Residual", {}, (32, 8, 8), {"projection": True}, 57_728),
        ("Bottleneck", {}, (64, 8, 8), {"projection": True}, 75_008),
        ("DepthwiseSeparable", {}, (32, 8, 8), {"in_channels": 32}, 4_704),
        ("SqueezeExcite", {}, (32, 8, 8), {"channels": 32}, 162),
        ("TransformerEncoderBlock", {}, (5, 32), {"d_model": 32}, 21_024),
    ],
)
def test_a_block_for_other_signals_is_one_problem_whose_fix_makes_it_anew(
    template: str, params: dict[str, Json], shape: tuple[int, ...], changed: dict[str, Json], parameters: int
):
    design = network(template, params, *shape)
    (problem,) = check(design)[1]
    assert (problem.code, problem.node, problem.severity) == ("block/other-signals", "block", "error")
    after = mended(design, problem)
    analysis, problems = check(after)
    assert not problems and analysis.parameters == parameters
    assert after.blocks["Made"].made is not None
    assert after.blocks["Made"].made.params == params | changed


def test_what_runs_but_not_as_its_form_would_have_made_it_is_a_warning():
    design = network("InvertedResidual", {"in_channels": 16, "out_channels": 32}, 32, 8, 8)
    analysis, (problem,) = check(design)
    assert (problem.severity, analysis.parameters) == ("warning", 7_456)
    analysis, problems = check(mended(design, problem))
    assert (problems, analysis.parameters) == ([], 14_848)


@pytest.mark.parametrize("template", ["Residual", "Bottleneck", "DepthwiseSeparable"])
def test_a_block_that_fits_is_no_problem(template: str):
    params = {"DepthwiseSeparable": {"out_channels": 64}, "Bottleneck": {"width": 16}}.get(template, {})
    assert check(network(template, params, 64, 8, 8, repeat=2))[1] == []


def test_a_form_that_nobody_knows_or_that_cannot_be_filled_in_is_no_form():
    for made in ({"type": "Nonsense"}, {"type": "Residual", "params": {"channels": -1}}):
        document = to_json(network("Residual", {}, 32, 8, 8))
        document["blocks"]["Made"]["made"] = made
        (problem,) = check(read.network(document))[1]
        assert problem.node == "block.add"
