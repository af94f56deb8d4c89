"""Designs that once hung the reader, crashed a page, or ran as something else than what was drawn."""

import ast
import time
from typing import Any

import pytest
import torch

from builder.analysis import check
from builder.blocks import example
from builder.compile import build
from builder.design import edits, read
from builder.design.network import Network, to_json
from builder.problem import Group, Problem, Refused
from builder.source import network_source, program

Json = Any


def document(nodes: list[Json], outputs: list[str], blocks: Json = None) -> Json:
    return {"format": "layerlab.network", "version": 1, "nodes": nodes, "outputs": outputs, "blocks": blocks or {}}


def layer(id: str, type: str, *inputs: str | None, **params: Json) -> Json:
    return {"id": id, "type": type, "params": params, **({"inputs": list(inputs)} if type != "Input" else {})}


def use(id: str, block: str, *inputs: str, repeat: int = 1) -> Json:
    return {"id": id, "block": block, "inputs": list(inputs), "repeat": repeat}


def problems(design: Json) -> list[Problem]:
    try:
        return check(read.any_design(design))[1]
    except Refused as refused:
        return list(refused.problems)


INPUT = layer("inp", "Input", shape=[4, 3])
PAIR = {"inputs": ["a", "b"], "nodes": [layer("c", "ReLU", "a"), layer("d", "Tanh", "b")], "outputs": ["c", "d"]}
NOTHING = {"inputs": ["x"], "nodes": [], "outputs": []}


def test_empty_blocks_in_blocks_are_counted_as_they_are_opened():
    blocks = {"A0": {"inputs": ["x"], "nodes": [], "outputs": ["x"]}}
    for level in range(1, 5):
        inside = [use("again", f"A{level - 1}", "x", repeat=200)]
        blocks[f"A{level}"] = {"inputs": ["x"], "nodes": inside, "outputs": ["again"]}
    before = time.monotonic()
    (problem,) = problems(document([INPUT, use("all", "A4", "inp")], ["all"], blocks))
    assert problem.code == "block/too-many-layers" and time.monotonic() - before < 5


@pytest.mark.parametrize(
    ("nodes", "outputs", "blocks", "code"),
    [
        ([INPUT, use("b", "B", "inp"), layer("r", "ReLU", "b:y")], ["r"], {"B": NOTHING}, "reference/unknown-output"),
        ([INPUT, layer("r", "ReLU", "inp:")], ["r"], {}, "reference/unknown-output"),
        ([INPUT, layer("r", "ReLU", "inp")], ["r:"], {}, "reference/unknown-output"),
        (
            [INPUT, use("b", "B", "inp")],
            ["b"],
            {"B": {"inputs": ["x"], "nodes": [layer("r", "ReLU", "x:foo")], "outputs": ["r"]}},
            "reference/unknown-output",
        ),
        (
            [INPUT, use("b", "B", "inp")],
            ["b"],
            {"B": {"inputs": ["x"], "nodes": [], "outputs": ["x:foo"]}},
            "reference/unknown-output",
        ),
        (
            [INPUT, use("b", "B", "inp", "inp")],
            ["b"],
            {"B": {"inputs": ["x", "x"], "nodes": [layer("r", "ReLU", "x")], "outputs": ["r"]}},
            "block/name-twice",
        ),
        (
            [INPUT, use("b", "B", "inp")],
            ["b"],
            {
                "B": {
                    "inputs": ["x"],
                    "nodes": [layer("l", "LSTM", "x"), layer("l_last", "Tanh", "l:last")],
                    "outputs": ["l:last", "l_last"],
                }
            },
            "block/name-twice",
        ),
        ([INPUT, use("b", "Pair", "inp", "inp", repeat=2)], ["b:c"], {"Pair": PAIR}, "block/not-repeatable"),
        (
            [
                layer("inp", "Input", shape=[8]),
                layer("other", "Input", shape=[11]),
                layer("n", "LayerNorm", "inp", elementwise_affine=False),
                {**layer("m", "LayerNorm", "other", elementwise_affine=False), "shares": "n"},
            ],
            ["n", "m"],
            {},
            "shares/other-input",
        ),
        (
            [
                layer("inp", "Input", shape=[1, 8, 8]),
                layer("other", "Input", shape=[1, 11, 11]),
                layer("n", "Conv2d", "inp", kernel_size=4, stride=4, padding="same"),
                {**layer("m", "Conv2d", "other", kernel_size=4, stride=4, padding="same"), "shares": "n"},
            ],
            ["n", "m"],
            {},
            "shares/other-input",
        ),
        (
            [layer("inp", "Input", shape=[3, 1000, 1000]), use("b", "B", "inp")],
            ["b"],
            {
                "B": {
                    "inputs": ["x"],
                    "nodes": [layer("u", "Upsample", "x", scale_factor=16), layer("p", "AdaptiveAvgPool2d", "u")],
                    "outputs": ["p"],
                }
            },
            "size/signal",
        ),
        (
            [layer("inp", "Input", shape=[1000, 200000]), use("b", "B", "inp", repeat=200)],
            ["b"],
            {"B": {"inputs": ["x"], "nodes": [layer("e", "PositionalEncoding", "x")], "outputs": ["e"]}},
            "size/buffers",
        ),
    ],
    ids=range(12),
)
def test_what_cannot_be_run_is_a_problem(nodes: list[Json], outputs: list[str], blocks: Json, code: str):
    assert code in [problem.code for problem in problems(document(nodes, outputs, blocks))]


def test_an_input_can_be_read_by_the_name_of_its_output():
    nodes = [layer("inp", "Input", shape=[3]), layer("r", "ReLU", "inp:y")]
    design = read.network(document(nodes, ["r", "inp:y"]))
    assert check(design)[1] == []
    x = torch.randn(2, 3)
    scope: Json = {"torch": torch, "nn": torch.nn}
    exec(network_source(design), scope)
    for module in (build(design), scope["Network"]()):
        relu, same = module(x)
        assert torch.equal(relu, x.relu()) and torch.equal(same, x)


def test_a_group_whose_outputs_would_bear_one_name_is_refused():
    nodes = [
        INPUT,
        layer("lstm", "LSTM", "inp"),
        layer("lstm_last", "Tanh", "lstm:last"),
        layer("c", "Subtract", "lstm:last", "lstm_last"),
    ]
    with pytest.raises(Refused, match="cannot become a block"):
        edits.apply(document(nodes, ["c"]), (Group(nodes=("lstm", "lstm_last"), name="Reader"),))


def changed(path: str, value: Json) -> Json:
    design = to_json(example("digits-cnn"))
    *steps, last = path.split(".")
    inner = design
    for step in steps:
        inner = inner.setdefault(step, {})
    inner[last] = value
    return design


def test_rules_for_matrices_are_refused_for_biases_and_repaired():
    design = changed("recipe.init.bias", {"type": "XavierUniform"})
    (problem,) = problems(design)
    assert problem.code == "init/no-matrix" and problem.fixes
    assert problems(edits.apply(design, problem.fixes[0].edits)) == []
    design = to_json(example("digits-cnn"))
    node = next(node for node in design["network"]["nodes"] if node.get("type") == "Linear")
    node["init"] = {"bias": {"type": "HeNormal"}}
    assert [problem.code for problem in problems(design)] == ["init/no-matrix"]


def test_a_network_in_which_nothing_learns_is_a_problem():
    design = to_json(example("digits-cnn"))
    for node in design["network"]["nodes"]:
        if node["type"] != "Input":
            node["frozen"] = True
    (problem,) = problems(design)
    assert problem.code == "recipe/nothing-learns"
    assert problems(edits.apply(design, problem.fixes[0].edits)) == []


@pytest.mark.parametrize("name", ["x" * 80, "数" * 80, "é " * 40])
def test_long_names_stay_on_lines_that_are_not_too_long(name: str):
    design = changed("name", name)
    design["network"]["name"] = name
    for node in design["network"]["nodes"]:
        node["title"] = name
    source = program(read.experiment(design))
    ast.parse(source)
    wide = [line for line in source.splitlines() if sum(2 if letter >= "\u2e80" else 1 for letter in line) > 120]
    assert not wide


def test_a_node_that_nobody_reads_inside_a_block_leaves_no_variable():
    block = {
        "inputs": ["x"],
        "nodes": [layer("used", "ReLU", "x"), layer("idle", "Tanh", "used"), layer("last", "Tanh", "used")],
        "outputs": ["last"],
    }
    design: Network = read.network(document([INPUT, use("b", "B", "inp")], ["b"], {"B": block}))
    source = network_source(design)
    assert "_ = self.idle(" in source
