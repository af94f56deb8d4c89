"""A selection becomes a block, and a block becomes nodes again."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.analysis import analyze
from builder.blocks import example
from builder.design import read
from builder.design.edits import apply, touched
from builder.design.network import to_json
from builder.problem import Group, Insert, Refused, Remove, Set, Ungroup

Document = dict[str, Any]


def node(id: str, type: str, inputs: list[str | None], **params: Any) -> Document:
    return {"id": id, "type": type, "inputs": inputs, **({"params": params} if params else {})}


def diamond() -> Document:
    """A stem, two branches, their sum, and scores."""
    return {
        "format": "layerlab.network",
        "version": 1,
        "nodes": [
            {"id": "image", "type": "Input", "params": {"shape": [4, 8, 8]}},
            node("stem", "Conv2d", ["image"], out_channels=4, padding=1),
            node("left", "Conv2d", ["stem"], out_channels=4, padding=1),
            node("right", "Conv2d", ["stem"], out_channels=4, kernel_size=1),
            node("add", "Add", ["left", "right"]),
            node("flatten", "Flatten", ["add"]),
            node("scores", "Linear", ["flatten"], out_features=10),
        ],
        "outputs": ["scores"],
    }


def grouped(document: Document, *nodes: str, name: str = "Unit") -> Document:
    return apply(document, [Group(nodes=nodes, name=name)])


def cost(document: Document) -> tuple[int, int, int]:
    analysis = analyze(read.network(document))
    assert not analysis.problems
    return analysis.parameters, analysis.macs, analysis.activation_bytes


def test_a_selection_becomes_a_block_that_costs_what_it_cost():
    document = diamond()
    after = grouped(document, "left", "right", "add")
    assert [each["id"] for each in after["nodes"]] == ["image", "stem", "unit", "flatten", "scores"]
    assert after["nodes"][2] == {"id": "unit", "block": "Unit", "inputs": ["stem"]}
    assert after["blocks"]["Unit"]["inputs"] == ["x"] and after["blocks"]["Unit"]["outputs"] == ["add"]
    assert cost(after) == cost(document)


def test_a_block_becomes_the_nodes_that_it_was_made_of():
    document = diamond()
    assert apply(grouped(document, "left", "right", "add"), [Ungroup(node="unit")]) == document


def test_several_inputs_and_outputs_keep_their_wires():
    document = diamond()
    document["outputs"] = ["scores", "left"]
    after = grouped(document, "left", "right")
    assert after["nodes"][3]["inputs"] == ["unit", "unit:right"]
    assert after["outputs"] == ["scores", "unit"]
    assert cost(after) == cost(document)
    assert apply(after, [Ungroup(node="unit")]) == document
    two = grouped(document, "right", "add")
    assert two["nodes"][3]["inputs"] == ["stem", "left"] and two["blocks"]["Unit"]["inputs"] == ["x", "x2"]
    assert cost(two) == cost(document)


def test_outputs_of_a_recurrent_layer_keep_their_names():
    document = to_json(example("sequence-lstm"))
    after = apply(document, [Group(nodes=("lstm",), name="Reader")])
    assert after["network"]["blocks"]["Reader"]["outputs"] == ["lstm:last"]
    assert after["network"]["nodes"][-1]["inputs"] == ["reader"]
    read.experiment(after)
    assert apply(after, [Ungroup(node="reader")]) == document


def test_a_repeated_block_becomes_one_copy_behind_the_other():
    document = to_json(example("digits-resnet"))
    after = apply(document, [Ungroup(node="stage1")])
    ids = [each["id"] for each in after["network"]["nodes"]]
    assert "stage1_0_conv1" in ids and "stage1_1_out" in ids and "stage1" not in ids
    assert "Residual" not in after["network"]["blocks"]
    before, now = (analyze(read.experiment(each).network) for each in (document, after))
    assert (now.parameters, now.macs) == (before.parameters, before.macs) and not now.problems
    down = next(each for each in after["network"]["nodes"] if each["id"] == "down")
    assert down["inputs"] == ["stage1_1_out"]


def test_a_block_that_others_use_stays():
    document = grouped(diamond(), "left", name="Branch")
    document["nodes"].append({"id": "again", "block": "Branch", "inputs": ["stem"]})
    assert "Branch" in apply(document, [Ungroup(node="branch")])["blocks"]


def test_freezing_a_block_freezes_its_nodes_when_it_is_taken_apart():
    document = grouped(diamond(), "left", "right", "add")
    document["nodes"][2]["frozen"] = True
    after = apply(document, [Ungroup(node="unit")])
    assert [each["id"] for each in after["nodes"] if each.get("frozen")] == ["left", "right", "add"]
    assert analyze(read.network(after)).trainable == analyze(read.network(document)).trainable


@pytest.mark.parametrize(
    ("nodes", "name", "words"),
    [
        (("image", "stem"), "Unit", "image"),
        (("stem", "add"), "Unit", "left"),
        (("stem", "ghost"), "Unit", "ghost"),
        (("stem",), "lower case", "lower case"),
        (("stem",), "True", "True"),
    ],
)
def test_what_cannot_be_one_unit_is_refused_in_a_sentence(nodes: tuple[str, ...], name: str, words: str):
    document = diamond()
    with pytest.raises(Refused) as refused:
        grouped(document, *nodes, name=name)
    (problem,) = refused.value.problems
    assert words in problem.title + problem.because and problem.because.endswith(".")
    assert document == diamond()


def test_names_of_blocks_are_not_taken_twice():
    with pytest.raises(Refused):
        grouped(grouped(diamond(), "left"), "right")


def test_weights_are_not_shared_across_the_border():
    document = diamond()
    document["nodes"][2]["params"] = document["nodes"][1]["params"]
    document["nodes"][2]["shares"] = "stem"
    with pytest.raises(Refused) as refused:
        grouped(document, "left")
    assert "stem" in refused.value.problems[0].because
    assert cost(grouped(document, "stem", "left")) == cost(document)


def test_only_a_block_can_be_taken_apart():
    with pytest.raises(Refused):
        apply(diamond(), [Ungroup(node="stem")])


def test_grouping_inside_a_block():
    document = grouped(diamond(), "left", "right", "add")
    after = apply(document, [Group(nodes=("left", "right"), name="Inner", block="Unit")])
    assert [each["id"] for each in after["blocks"]["Unit"]["nodes"]] == ["inner", "add"]
    assert cost(after) == cost(document)
    assert apply(after, [Ungroup(node="inner", block="Unit")]) == document


def test_editing_the_inside_of_a_block_takes_its_maker_away():
    document = grouped(diamond(), "left", "right", "add")
    document["blocks"]["Unit"]["made"] = {"type": "Residual"}
    path = "network.blocks.Unit.nodes.left.params.out_channels"
    for edit in (Set(path=path, value=4), Remove(node="right", block="Unit")):
        assert "made" not in apply(document, [edit])["blocks"]["Unit"]
    whole = Set(path="network.blocks.Unit", value=document["blocks"]["Unit"])
    for edit in (whole, Set(path="network.nodes.stem.params.bias", value=False)):
        assert apply(document, [edit])["blocks"]["Unit"]["made"] == {"type": "Residual"}


def test_edits_say_which_nodes_they_touch():
    edits = [Group(nodes=("left", "right"), name="Unit"), Ungroup(node="stem")]
    assert touched(edits) == [f"network.nodes.{name}" for name in ("left", "right", "stem")]


@given(data=st.data())
@settings(max_examples=60)
def test_any_selection_is_refused_or_comes_back_as_it_was(data: st.DataObject):
    """Edges, parameters and cost come back; the order may differ where several are right."""
    document = to_json(example(data.draw(st.sampled_from(["digits-resnet", "digits-cnn", "sequence-lstm"]))))["network"]
    names = [each["id"] for each in document["nodes"]]
    chosen = tuple(data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True)))
    try:
        after = grouped(document, *chosen)
    except Refused:
        assert "image" in chosen or "sequence" in chosen or not contiguous(chosen, names)
        return
    assert cost(after) == cost(document)
    back = apply(after, [Ungroup(node="unit")])
    assert {each["id"]: each for each in back["nodes"]} == {each["id"]: each for each in document["nodes"]}
    assert back["outputs"] == document["outputs"]


def contiguous(chosen: tuple[str, ...], names: list[str]) -> bool:
    places = sorted(map(names.index, chosen))
    return places == list(range(places[0], places[-1] + 1))


def test_insert_into_a_block_forgets_its_maker():
    document = grouped(diamond(), "left", "right", "add")
    document["blocks"]["Unit"]["made"] = {"type": "Residual"}
    insert = Insert(node={"id": "relu", "type": "ReLU"}, after="add", block="Unit")
    assert "made" not in apply(document, [insert])["blocks"]["Unit"]
