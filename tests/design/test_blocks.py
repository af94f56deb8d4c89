"""Blocks: networks in networks, opened as one unit."""

from typing import Any

import pytest

from builder import analysis, limits
from builder.blocks.chain import block, chain, layer
from builder.design import edits, read
from builder.design.network import to_json
from builder.problem import Connect, Insert, Move, Problem, Refused, Remove, Set

Json = Any


def inside(*nodes: Json, outputs: list[str]) -> dict[str, Json]:
    return {"inputs": ["x"], "nodes": list(nodes), "outputs": outputs}


def dense(name: str) -> dict[str, Json]:
    """A block with one dense layer of four units."""
    return inside(layer("Linear", id=name, inputs=["x"], out_features=4), outputs=[name])


def document(blocks: dict[str, Json], use: str, repeat: int = 1) -> dict[str, Json]:
    nodes = chain(layer("Input", id="features", shape=[4]), block(use, id="body", repeat=repeat))
    return {"format": "layerlab.network", "version": 1, "nodes": nodes, "outputs": ["body"], "blocks": blocks}


def tower(levels: int) -> dict[str, Json]:
    """Blocks in blocks: B1 has a dense layer, B2 has B1, and so on."""
    blocks = {"B1": dense("fc")}
    for level in range(2, levels + 1):
        blocks[f"B{level}"] = inside(block(f"B{level - 1}", id="inner", inputs=["x"]), outputs=["inner"])
    return document(blocks, f"B{levels}")


def problems_of(document: Json) -> list[Problem]:
    with pytest.raises(Refused) as refused:
        read.any_design(document)
    return list(refused.value.problems)


def test_blocks_three_deep_and_repeated_are_opened_and_counted():
    blocks = {
        "Inner": dense("fc"),
        "Middle": inside(block("Inner", id="inner", repeat=2, inputs=["x"]), outputs=["inner"]),
        "Outer": inside(block("Middle", id="middle", repeat=3, inputs=["x"]), outputs=["middle"]),
    }
    network = read.network(document(blocks, "Outer", repeat=5))
    checked, problems = analysis.check(network)
    assert problems == []
    assert checked.parameters == 2 * 3 * 5 * (4 * 4 + 4)
    ids = [row.id for row in checked.expanded()]
    assert ids == ["features"] + [
        f"body.{outer}.middle.{middle}.inner.{inner}.fc"
        for outer in range(5)
        for middle in range(3)
        for inner in range(2)
    ]


def test_blocks_may_be_eight_deep_and_not_nine():
    assert analysis.check(read.network(tower(limits.BLOCK_DEPTH)))[1] == []
    problems = problems_of(tower(limits.BLOCK_DEPTH + 1))
    assert [problem.code for problem in problems] == ["block/too-deep"]
    assert f"{limits.BLOCK_DEPTH} deep" in problems[0].because and "9 deep" in problems[0].because


@pytest.mark.parametrize("around", [["A"], ["A", "B"], ["A", "B", "C"]])
def test_a_block_that_contains_itself_is_refused_and_can_be_repaired(around: list[str]):
    blocks = {
        name: inside(
            layer("ReLU", id="relu", inputs=["x"]),
            block(inner, id="again", inputs=["relu"]),
            outputs=["again"],
        )
        for name, inner in zip(around, [*around[1:], around[0]], strict=True)
    }
    hostile = document(blocks, "A")
    (problem,) = problems_of(hostile)
    assert problem.code == "block/recursive"
    assert "contains itself" in problem.title
    (fix,) = problem.fixes
    assert analysis.check(read.network(edits.apply(hostile, fix.edits)))[1] == []


def test_a_block_that_is_not_there_is_suggested():
    wrong = document({"Residual": dense("fc")}, "Residul")
    (problem,) = problems_of(wrong)
    assert (problem.code, problem.node) == ("block/unknown", "body")
    assert "Residual" in problem.because
    read.network(edits.apply(wrong, problem.fixes[0].edits))


def test_the_suggestion_is_not_made_where_it_would_make_a_block_contain_itself():
    blocks = {"Refine": inside(block("Refin", id="again", inputs=["x"]), outputs=["again"])}
    (problem,) = problems_of(document(blocks, "Refine"))
    assert problem.code == "block/unknown" and problem.fixes == ()


def test_blocks_that_open_to_more_layers_than_can_be_listed_are_refused():
    blocks = {"B1": dense("fc")}
    for level in (2, 3):
        blocks[f"B{level}"] = inside(block(f"B{level - 1}", id="inner", repeat=150, inputs=["x"]), outputs=["inner"])
    (problem,) = problems_of(document(blocks, "B3"))
    assert problem.code == "block/too-many-layers"
    assert "22,501" in problem.because  # 150 x 150 and the Input
    assert len(list(analysis.check(read.network(document(blocks, "B2", repeat=100)))[0].expanded())) == 15_001


def test_an_input_inside_a_block_is_refused():
    blocks = {"B": inside(layer("Input", id="data", shape=[4]), outputs=["data"])}
    assert [(problem.code, problem.node) for problem in problems_of(document(blocks, "B"))] == [
        ("block/input-inside", "data")
    ]


def test_a_node_cannot_have_the_name_of_what_its_block_is_given():
    blocks = {"B": inside(layer("ReLU", id="x", inputs=["x"]), outputs=["x"])}
    (problem,) = problems_of(document(blocks, "B"))
    assert (problem.code, problem.node) == ("id/duplicate", "x")
    read.network(edits.apply(document(blocks, "B"), problem.fixes[0].edits))


def test_a_block_whose_shape_changes_can_be_used_once_and_not_twice():
    blocks = {"Half": inside(layer("Linear", id="fc", inputs=["x"], out_features=2), outputs=["fc"])}
    assert analysis.check(read.network(document(blocks, "Half")))[1] == []
    twice = read.network(document(blocks, "Half", repeat=2))
    (problem,) = analysis.check(twice)[1]
    assert (problem.code, problem.node) == ("block/not-repeatable", "body")
    (fix,) = problem.fixes
    assert analysis.check(read.network(edits.apply(to_json(twice), fix.edits)))[1] == []


def test_a_repeat_inside_a_block_is_repaired_inside_the_block():
    blocks = {
        "Half": inside(layer("Linear", id="fc", inputs=["x"], out_features=2), outputs=["fc"]),
        "Outer": inside(block("Half", id="halves", repeat=2, inputs=["x"]), outputs=["halves"]),
    }
    design = read.network(document(blocks, "Outer"))
    (problem,) = analysis.check(design)[1]
    assert (problem.code, problem.node) == ("block/not-repeatable", "body.halves")
    (fix,) = problem.fixes
    assert analysis.check(read.network(edits.apply(to_json(design), fix.edits)))[1] == []


def test_a_mistake_inside_a_block_names_the_node_where_it_is_used_and_is_repaired_in_the_block():
    blocks = {"B": inside(layer("Conv2d", id="conv", inputs=["x"], kernel_size=9), outputs=["conv"])}
    nodes = chain(layer("Input", id="image", shape=[1, 4, 4]), block("B", id="first"), block("B", id="second"))
    broken = {"format": "layerlab.network", "nodes": nodes, "outputs": ["second"], "blocks": blocks}
    problem = analysis.check(read.network(broken))[1][0]
    assert (problem.code, problem.node) == ("shape/window-too-large", "first.conv")
    after = edits.apply(broken, problem.fixes[0].edits)
    assert after["blocks"]["B"]["nodes"][0]["params"] != broken["blocks"]["B"]["nodes"][0]["params"]
    assert "first.conv" not in [found.node for found in analysis.check(read.network(after))[1]]


def test_edits_reach_into_blocks_and_leave_the_network_around_them_alone():
    start = document({"B": dense("fc")}, "B")
    changes = [
        Insert(node={"id": "relu", "type": "ReLU"}, after="fc", block="B"),
        Insert(node={"id": "norm", "type": "BatchNorm1d"}, after="fc", block="B"),
        Move(node="norm", after="relu", block="B"),
        Set(path="network.blocks.B.nodes.fc.params.out_features", value=4),
        Connect(node="relu", port=0, source="fc", block="B"),
    ]
    after = edits.apply(start, changes)
    assert edits.node_ids(after, "B") == ["fc", "relu", "norm"]
    assert after["blocks"]["B"]["outputs"] == ["norm"]
    assert (after["nodes"], after["outputs"]) == (start["nodes"], start["outputs"])
    assert analysis.check(read.network(after))[1] == []
    assert edits.apply(after, [Remove(node=name, block="B") for name in ("relu", "norm")]) == start


def test_a_node_that_is_removed_from_a_block_keeps_the_place_of_its_namesake_outside():
    start = document({"B": dense("body")}, "B") | {"view": {"body": [10, 20]}}
    assert edits.apply(start, [Remove(node="body", block="B")])["view"] == {"body": [10, 20]}
    assert edits.apply(start, [Remove(node="body")])["view"] == {}


def test_a_copy_inside_a_block_takes_no_name_that_the_block_is_given():
    blocks = {"B": {"inputs": ["x", "fc2"], "nodes": [layer("Linear", id="fc", inputs=["x"])], "outputs": ["fc"]}}
    start = document(blocks, "B")
    start["nodes"][1]["inputs"] = ["features", "features"]
    copy = edits.duplicate(start, "fc", "B")
    assert copy.node["id"] == "fc3"
    read.network(edits.apply(start, [copy]))
