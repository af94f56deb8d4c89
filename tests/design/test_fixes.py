"""Every button that is offered repairs what it stands beside: the tests press it."""

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import networks
from variants import remarks

from builder import analysis
from builder.blocks import GALLERY, example
from builder.blocks.chain import chain, layer
from builder.catalog.layers import Layer
from builder.design import edits, read
from builder.design.network import to_json
from builder.problem import Fix, Problem, Refused

Json = Any


def look(document: Json) -> list[Problem]:
    """What a person is told of a document, whether or not it can be read."""
    try:
        return analysis.check(read.any_design(document))[1]
    except Refused as refused:
        return list(refused.problems)


def told(problems: list[Problem]) -> Counter[tuple[str, ...]]:
    return Counter((problem.code, str(problem.node), problem.title, problem.because) for problem in problems)


def press(document: Json, fix: Fix) -> Json:
    """The document after a press, which must leave the old one as it was."""
    before = deepcopy(document)
    after = edits.apply(document, fix.edits)
    assert document == before
    assert after != before
    return after


def press_every_button(document: Json) -> int:
    """Press each button once; how many there were."""
    problems = look(document)
    buttons = [(problem, fix) for problem in problems for fix in problem.fixes]
    for problem, fix in buttons:
        (key,) = told([problem])
        after = told(look(press(document, fix)))
        assert after[key] < told(problems)[key], (problem, fix)
    return len(buttons)


def image_network(*nodes: dict[str, Json], outputs: list[str] | None = None) -> dict[str, Json]:
    made = chain(layer("Input", id="image", shape=[1, 8, 8]), *nodes)
    return {"format": "layerlab.network", "version": 1, "nodes": made, "outputs": outputs or [made[-1]["id"]]}


def mistyped(document: dict[str, Json], change: Callable[[dict[str, Json]], None]) -> dict[str, Json]:
    document = deepcopy(document)
    change(document)
    return document


def narrow_output(document: dict[str, Json]) -> None:
    document["network"]["nodes"][-1]["params"]["out_features"] = 9


def no_dense_end(document: dict[str, Json]) -> None:
    document["network"]["nodes"] = document["network"]["nodes"][:4]
    document["network"]["outputs"] = [document["network"]["nodes"][-1]["id"]]


def other_loss(document: dict[str, Json]) -> None:
    document["recipe"]["objectives"][0]["loss"] = {"type": "BCEWithLogits"}


def other_image(document: dict[str, Json]) -> None:
    document["network"]["nodes"][0]["params"]["shape"] = [3, 9, 9]


def one_in_a_batch(document: dict[str, Json]) -> None:
    document["recipe"]["batch"] = {"size": 1}
    document["network"]["nodes"].insert(-1, {"id": "norm", "type": "BatchNorm1d", "inputs": ["relu"]})
    document["network"]["nodes"][-1]["inputs"] = ["norm"]


def unknown_column(document: dict[str, Json]) -> None:
    document["data"]["bind"] = {"inputs": {"image": "picture"}, "targets": ["digits"]}


DIGITS = to_json(example("digits-mlp"))

BROKEN = {
    "a window larger than its image": (
        image_network(layer("Conv2d", id="conv", kernel_size=9)), "shape/window-too-large"),
    "a pooling window larger than its image": (
        image_network(layer("MaxPool2d", id="pool", kernel_size=20)), "shape/window-too-large"),
    "a dilated window larger than its image": (
        image_network(layer("Conv2d", id="conv", kernel_size=5, dilation=4)), "shape/window-too-large"),
    "more padding than PyTorch takes": (
        image_network(layer("AvgPool2d", id="pool", kernel_size=3, padding=2)), "shape/padding-too-large"),
    "a dense layer on an image": (
        image_network(layer("Linear", id="dense", out_features=3)), "shape/wrong-axes"),
    "groups that do not divide the channels": (
        image_network(layer("Conv2d", id="conv", out_channels=4, groups=3)), "shape/groups"),
    "a side that is not there": (image_network(layer("Softmax", id="softmax", dim=4)), "shape/no-such-side"),
    "Add with other channels": (
        image_network(
            layer("Conv2d", id="wide", out_channels=4, padding=1),
            {"id": "add", "type": "Add", "inputs": ["wide", "image"]},
        ), "shape/merge-mismatch"),
    "Add with another size": (
        image_network(
            layer("Conv2d", id="small", out_channels=1, stride=2, padding=1),
            {"id": "add", "type": "Add", "inputs": ["small", "image"]},
        ), "shape/merge-mismatch"),
    "Concat along the wrong side": (
        image_network(
            layer("Conv2d", id="wide", out_channels=4, padding=1),
            {"id": "join", "type": "Concat", "inputs": ["wide", "image"], "params": {"dim": 2}},
        ), "shape/merge-mismatch"),
    "a missing input": (image_network({"id": "conv", "type": "Conv2d", "inputs": [None]}), "input/missing"),
    "both inputs of an Add missing": (image_network({"id": "add", "type": "Add", "inputs": []}), "input/missing"),
    "one input of an Add missing": (
        image_network(layer("ReLU", id="relu"), {"id": "add", "type": "Add", "inputs": ["relu"]}), "input/missing"),
    "a node that leads nowhere": (
        image_network(layer("ReLU", id="used"), layer("Tanh", id="unused"), outputs=["used"]), "graph/unused"),
    "no output": (image_network(layer("ReLU", id="relu")) | {"outputs": []}, "graph/no-output"),
    "numbers by hand of the wrong shape": (
        image_network(
            layer("Flatten", id="flat"),
            {"id": "gate", "type": "Linear", "params": {"out_features": 1}, "inputs": ["flat"],
             "init": {"weight": {"type": "Values", "params": {"values": [[1, 2]]}}}},
        ), "init/shape"),
    "an output that does not fit its target": (mistyped(DIGITS, narrow_output), "recipe/output-mismatch"),
    "an output that is no score": (mistyped(DIGITS, no_dense_end), "recipe/output-mismatch"),
    "a loss that does not fit its target": (mistyped(DIGITS, other_loss), "recipe/output-mismatch"),
    "an Input that does not fit the data": (mistyped(DIGITS, other_image), "data/input-mismatch"),
    "a batch of one with batch norm": (mistyped(DIGITS, one_in_a_batch), "batch/too-small"),
    "a column that is not there": (mistyped(DIGITS, unknown_column), "data/no-column"),
    "a type with a typing error": (image_network({"id": "conv", "type": "Conv2D"}), "type/unknown"),
    "a parameter with a typing error": (
        image_network(layer("Conv2d", id="conv", kernel_sise=3)), "field/unknown"),
    "a reference with a typing error": (
        image_network(layer("ReLU", id="relu"), layer("Tanh", id="tanh", inputs=["rleu"])), "reference/unknown"),
    "an output port with a typing error": (
        {"format": "layerlab.network", "outputs": ["dense"], "nodes": chain(
            layer("Input", id="words", shape=[5, 2]), layer("LSTM", id="lstm"),
            layer("Linear", id="dense", inputs=["lstm:lst"]))}, "reference/unknown-output"),
    "three nodes of one id": (
        image_network(*(layer("ReLU", id="relu", inputs=["image"]) for _ in range(3))), "id/duplicate"),
    "two circles": (
        image_network(
            layer("Tanh", id="a", inputs=["b"]), layer("Tanh", id="b", inputs=["a"]),
            layer("Tanh", id="c", inputs=["d"]), layer("Tanh", id="d", inputs=["c"]), outputs=["b", "d"],
        ), "graph/cycle"),
    "two circles through one node": (
        image_network(
            {"id": "hub", "type": "Add", "inputs": ["left", "right"]},
            layer("Tanh", id="left", inputs=["hub"]), layer("Tanh", id="right", inputs=["hub"]), outputs=["hub"],
        ), "graph/cycle"),
    "a circle of nodes in the wrong order": (
        image_network(
            layer("Tanh", id="late", inputs=["early"]), layer("Tanh", id="early", inputs=["image"]),
            layer("Tanh", id="a", inputs=["b"]), layer("Tanh", id="b", inputs=["a"]), outputs=["late"],
        ), "graph/cycle"),
    "a typing error in front of a circle": (
        image_network(layer("Relu", id="a", inputs=["b"]), layer("Tanh", id="b", inputs=["a"])), "type/unknown"),
    "a frozen layer with another's weights": (
        image_network(
            layer("Conv2d", id="first", out_channels=1, padding=1),
            {"id": "second", "type": "Conv2d", "params": {"out_channels": 1, "padding": 1}, "shares": "first", "frozen": True},
        ), "shares/frozen"),
    "weights shared with a layer that reads more": (
        image_network(
            layer("Conv2d", id="first", out_channels=4), {"id": "second", "type": "Conv2d", "params": {"out_channels": 4}, "shares": "first"},
        ), "shares/shape"),
    "weights shared in a circle": (
        image_network(
            {"id": "a", "type": "Conv2d", "shares": "b"}, {"id": "b", "type": "Conv2d", "shares": "a"}
        ), "shares/impossible"),
    "weights shared with what has none": (
        image_network(layer("ReLU", id="a"), {"id": "b", "type": "ReLU", "shares": "a"}), "shares/impossible"),
    "a layer and a block at once": (
        image_network({"id": "a", "type": "ReLU", "block": "B"}), "node/form"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_every_button_repairs(name: str):
    document, code = BROKEN[name]
    problems = [problem for problem in look(document) if problem.code == code]
    assert problems, [problem.code for problem in look(document)]
    assert all(problem.fixes for problem in problems)
    assert press_every_button(document) >= len(problems)


@pytest.mark.parametrize("name", BROKEN)
def test_pressing_the_first_button_again_and_again_ends_with_nothing_to_repair(name: str):
    document, _ = BROKEN[name]
    for _ in range(12):
        fix = next((problem.fixes[0] for problem in look(document) if problem.fixes), None)
        if fix is None:
            break
        document = press(document, fix)
    assert look(document) == []


@pytest.mark.parametrize("name", GALLERY)
def test_the_gallery_has_nothing_to_repair(name: str):
    assert [problem.code for problem in look(to_json(example(name)))] == remarks(name)


@settings(max_examples=60)
@given(networks() | networks(open_inputs=True))
def test_every_button_of_random_networks_repairs(document: dict[str, Json]):
    press_every_button(document)


def slip(word: str) -> str:
    """A typing error: the second and third letter are swapped."""
    return word[0] + word[1:3][::-1] + word[3:]


@st.composite
def broken_by_hand(draw: st.DrawFn) -> dict[str, Json]:
    """A gallery experiment or a random network after one to three mistakes that people make in an editor."""
    chosen: Json = draw(st.sampled_from(sorted(GALLERY)) | networks())
    document = to_json(example(chosen)) if isinstance(chosen, str) else deepcopy(chosen)
    network = document.get("network", document)
    for _ in range(draw(st.integers(1, 3))):
        if "nodes" not in network:
            break  # that very word was misspelt
        mistake = draw(st.sampled_from(MISTAKES))
        mistake(draw, network, network["nodes"], draw(st.sampled_from(network["nodes"])))
    return document


def misspell_type(draw: st.DrawFn, network: Json, nodes: list[Json], node: Json) -> None:
    if "type" in node:
        node["type"] = draw(st.sampled_from([slip(node["type"]), node["type"].lower(), "Gizmo"]))


def misspell_field(draw: st.DrawFn, network: Json, nodes: list[Json], node: Json) -> None:
    holder = draw(st.sampled_from([node, node.get("params") or node, network]))
    field = draw(st.sampled_from(sorted(holder)))
    holder[slip(field) if slip(field) != field else field + "s"] = holder.pop(field)


def misspell_reference(draw: st.DrawFn, network: Json, nodes: list[Json], node: Json) -> None:
    if node.get("inputs"):
        node["inputs"] = [slip(str(node["inputs"][0])), *node["inputs"][1:]]


def wrong_number(draw: st.DrawFn, network: Json, nodes: list[Json], node: Json) -> None:
    fields = sorted(Layer.shelf[node["type"]].model_fields) if node.get("type") in Layer.shelf else []
    if fields:
        field = draw(st.sampled_from(fields))
        node["params"] = dict(node.get("params", {})) | {field: draw(st.sampled_from([-1, 10**6, "3", None, 0.5]))}


def same_id(draw: st.DrawFn, network: Json, nodes: list[Json], node: Json) -> None:
    node["id"] = draw(st.sampled_from(nodes)).get("id")


def bad_id(draw: st.DrawFn, network: Json, nodes: list[Json], node: Json) -> None:
    node["id"] = draw(st.sampled_from(["Layer 1", "class", "forward", "", "ü" * 50]))


def any_wire(draw: st.DrawFn, network: Json, nodes: list[Json], node: Json) -> None:
    if node.get("type") != "Input":
        node["inputs"] = [draw(st.sampled_from([other.get("id") for other in nodes]))]


def one_too_many(draw: st.DrawFn, network: Json, nodes: list[Json], node: Json) -> None:
    node["inputs"] = [*node.get("inputs", []), draw(st.sampled_from(nodes)).get("id")]


def other_order(draw: st.DrawFn, network: Json, nodes: list[Json], node: Json) -> None:
    network["nodes"] = draw(st.permutations(nodes))


def lost_wire(draw: st.DrawFn, network: Json, nodes: list[Json], node: Json) -> None:
    node.pop("inputs", None)


def repeated_layer(draw: st.DrawFn, network: Json, nodes: list[Json], node: Json) -> None:
    node["repeat"] = draw(st.sampled_from([0, 2, 1_000]))


MISTAKES = [
    misspell_type, misspell_field, misspell_reference, wrong_number, same_id, bad_id, any_wire, one_too_many, other_order,
    lost_wire, repeated_layer,
]  # fmt: skip


@settings(max_examples=150)
@given(broken_by_hand())
def test_every_button_of_designs_broken_by_hand_repairs(document: dict[str, Json]):
    press_every_button(document)


def test_a_design_with_very_many_mistakes_is_told_of_in_a_moment_and_repaired_step_by_step():
    document = image_network(*({"id": f"n{at}", "type": "Relu"} for at in range(300)))
    problems = look(document)
    assert problems[-1].code == "file/more" and "300" in problems[-1].because
    assert problems[0].fixes
    assert any(not problem.fixes for problem in problems[:-1])  # these wait for their turn
    repaired = press(document, problems[0].fixes[0])
    assert next(problem for problem in look(repaired) if problem.fixes).node == "n1"


def test_where_there_are_thousands_of_mistakes_no_time_is_spent_on_trying():
    document = image_network(layer("ReLU", id="relu")) | {f"field{at}": at for at in range(6_000)}
    problems = look(document)
    assert len(problems) == 101
    assert not any(problem.fixes for problem in problems)
