"""Reading a file that anybody may have written: what goes in comes out again, and what is wrong becomes a Problem."""

import json
from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from random_networks import networks

from builder import limits
from builder.blocks import GALLERY, example
from builder.blocks.chain import chain, layer
from builder.design import edits, read
from builder.design.experiment import Experiment
from builder.design.network import Network, to_json
from builder.problem import Problem, Refused

Json = Any


def small() -> dict[str, Json]:
    """An image, a convolution, a dense layer."""
    return {
        "format": "layerlab.network",
        "version": 1,
        "nodes": chain(
            layer("Input", id="image", shape=[1, 8, 8]),
            layer("Conv2d", id="conv", out_channels=4, kernel_size=3),
            layer("Flatten", id="flatten"),
            layer("Linear", id="scores", out_features=10),
        ),
        "outputs": ["scores"],
    }


def changed(path: str, value: Json) -> dict[str, Json]:
    """The small network with one place set to a value by hand, as with an editor."""
    document = small()
    holder: Any = document
    *steps, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
    for step in steps:
        holder = holder[step]
    holder[last] = value
    return document


def problems_of(document: Json) -> list[Problem]:
    with pytest.raises(Refused) as refused:
        read.any_design(document)
    return list(refused.value.problems)


def test_the_small_network_itself_can_be_read():
    assert read.any_design(small()) == Network.model_validate(small())


@pytest.mark.parametrize("name", GALLERY)
def test_json_to_model_to_json_is_identical_for_the_gallery(name: str):
    document = to_json(example(name))
    text = json.dumps(document)
    experiment = read.experiment(read.text(text))
    assert experiment == example(name)
    assert json.dumps(to_json(experiment)) == text
    assert read.text(text.encode()) == document


@given(networks())
def test_json_to_model_to_json_is_identical_for_random_networks(document: dict[str, Json]):
    network = read.network(document)
    written = to_json(network)
    assert read.network(written) == network
    assert json.dumps(to_json(read.network(written))) == json.dumps(written)
    for before, after in zip(document["nodes"], written["nodes"], strict=True):
        assert before == after | {key: before[key] for key in before.keys() - after.keys()}
        # Only what has its default is left out.
        assert all(before[key] in (1, False, [], {}) for key in before.keys() - after.keys())


def test_an_experiment_and_a_network_are_told_apart_by_their_format():
    assert isinstance(read.any_design(to_json(example("lenet5"))), Experiment)
    assert isinstance(read.any_design(to_json(example("lenet5").network)), Network)


@pytest.mark.parametrize("named", [None, 7, "keras", ["layerlab.network"]])
def test_a_file_without_its_format_is_offered_to_be_read_as_what_it_looks_like(named: Json):
    for document in (small(), to_json(example("digits-mlp"))):
        kind = document["format"]
        document["format"] = named
        (problem,) = problems_of(document)
        assert problem.code == "file/unknown-format"
        (fix,) = problem.fixes
        assert to_json(read.any_design(edits.apply(document, fix.edits)))["format"] == kind


@pytest.mark.parametrize(
    ("path", "value", "code", "node", "words"),
    [
        ("nodes.1.type", "Conv2D", "type/unknown", "conv", "Conv2d"),
        ("nodes.1.type", "conv_2d", "type/unknown", "conv", "Conv2d"),
        ("nodes.3.type", "Lineer", "type/unknown", "scores", "Linear"),
        ("nodes.1.paddding", 3, "field/unknown", "conv", "paddding"),
        ("nodes.1.tytle", "First", "field/unknown", "conv", "title"),
        ("nodes.1.params.kernel", 3, "field/unknown", "conv", "kernel_size"),
        ("nodes.1.params.a.b", 3, "field/unknown", "conv", "kernel_size"),
        ("outputz", [], "field/unknown", None, "outputs"),
        ("nodes.1.params.kernel_size", 0, "field/value", "conv", "kernel_size cannot be 0"),
        ("nodes.1.params.kernel_size", 999, "field/value", "conv", "kernel_size cannot be 999"),
        ("nodes.1.params.kernel_size", "three", "field/value", "conv", "three"),
        ("nodes.1.params.kernel_size", None, "field/value", "conv", "null"),
        ("nodes.1.title", "T" * 200, "field/value", "conv", "TTT"),
        ("nodes.1.repeat", 0, "field/value", "conv", "repeat cannot be 0"),
        ("nodes.1.inputs", "image", "field/value", "conv", "image"),
        ("nodes.1.id", "Conv 1", "id/illegal", "Conv 1", "Conv 1"),
        ("nodes.1.id", "class", "id/illegal", "class", "class"),
        ("nodes.1.id", "forward", "id/illegal", "forward", "forward"),
        ("nodes.1.id", "c" * 41, "id/illegal", "c" * 41, "40 at most"),
        ("nodes.2.id", "conv", "id/duplicate", "conv", "conv"),
        ("nodes.1.inputs", ["imag"], "reference/unknown", "conv", "imag"),
        ("nodes.1.inputs", ["image:z"], "reference/unknown-output", "conv", "image has no output called z"),
        ("nodes.1.inputs", ["image", "image"], "ports/too-many", "conv", "conv is given 2 inputs"),
        ("outputs", ["score"], "reference/unknown", None, "score"),
        ("nodes.1.inputs", ["flatten"], "graph/cycle", "conv", "circle"),
        ("nodes.1.inputs", ["conv"], "graph/cycle", "conv", "conv -> conv"),
        ("nodes.3.shares", "conv", "shares/impossible", "scores", "conv"),
        ("nodes.3.block", "Deep", "node/form", "scores", "either a type or a block"),
        ("nodes.3.repeat", 2, "node/form", "scores", "Only a block"),
        ("nodes.1", {"block": "Missing", "id": "conv"}, "block/unknown", "conv", "Missing"),
        ("nodes.1", 5, "field/value", None, "nodes.1"),
        ("version", 2, "file/version", None, "2"),
        ("view", {"conv": [0, "left"]}, "field/value", None, "left"),
        ("view", {"Conv!": [0, 0]}, "field/name", None, "Conv!"),
        ("blocks", {"lower case": {}}, "field/name", None, "lower case"),
    ],
)  # fmt: skip
def test_a_mistake_by_hand_is_one_problem_that_says_where_it_is(
    path: str, value: Json, code: str, node: str | None, words: str
):
    document = small()
    holder: Any = document
    steps: list[Any] = [int(step) if step.isdecimal() else step for step in path.split(".")]
    if path.endswith("a.b"):
        steps = [*steps[:-2], "a.b"]
    for step in steps[:-1]:
        holder = holder[step]
    holder[steps[-1]] = value
    (problem,) = [problem for problem in problems_of(document) if problem.code == code]
    assert problem.node == node
    assert words in f"{problem.title} {problem.because}"
    assert "{" not in problem.title + problem.because
    assert problem.because.endswith((".", "?"))


@pytest.mark.parametrize(
    ("path", "value", "repaired"),
    [
        ("nodes.1.type", "Conv2D", {"nodes.1.type": "Conv2d"}),
        ("nodes.1.tytle", "First", {"nodes.1.title": "First"}),
        ("nodes.1.params.paddding", 1, {"nodes.1.params.padding": 1}),
        ("nodes.1.params.kernel_size", 999, {"nodes.1.params.kernel_size": 255}),
        ("nodes.1.title", "T" * 200, {"nodes.1.title": "T" * 80}),
        ("nodes.1.id", "Conv 1", {"nodes.1.id": "conv_1"}),
        ("nodes.2.id", "conv", {"nodes.2.id": "conv2"}),
        ("nodes.1.inputs", ["imag"], {"nodes.1.inputs": ["image"]}),
        ("outputs", ["score"], {"outputs": ["scores"]}),
        ("nodes.1.inputs", ["image", "image"], {"nodes.1.inputs": ["image"]}),
        ("nodes.1.inputs", ["flatten"], {"nodes.1.inputs": [None]}),
    ],
)
def test_the_first_fix_does_what_was_probably_meant(path: str, value: Json, repaired: dict[str, Json]):
    document = changed(path, value)
    problem = next(problem for problem in problems_of(document) if problem.fixes)
    after = edits.apply(document, problem.fixes[0].edits)
    for place, wanted in repaired.items():
        found: Any = after
        for step in place.split("."):
            found = found[int(step) if step.isdecimal() else step]
        assert found == wanted


def test_the_nodes_of_a_file_can_be_put_in_order():
    document = small()
    document["nodes"].reverse()
    (problem,) = problems_of(document)
    assert problem.code == "graph/order"
    (fix,) = problem.fixes
    after = read.network(edits.apply(document, fix.edits))
    assert to_json(after) == to_json(read.network(small()))


def test_every_mistake_of_a_file_is_told_at_once():
    document = small()
    document["nodes"][1]["type"] = "Conv2D"
    document["nodes"][3]["params"] = {"out_features": -1}
    document["nodes"][2]["titel"] = "Row"
    assert {(problem.code, problem.node) for problem in problems_of(document)} == {
        ("type/unknown", "conv"),
        ("field/value", "scores"),
        ("field/unknown", "flatten"),
    }


def test_a_mistake_in_the_recipe_is_found_by_its_path():
    document = to_json(example("digits-mlp"))
    document["recipe"]["optimizer"] = {"type": "Adamm", "params": {"lr": 0.1}}
    document["recipe"]["batch"] = {"size": 0}
    document["data"]["split"] = {"train": 0.9, "validation": 0.5}
    found = {problem.code: problem for problem in problems_of(document) if problem.code == "type/unknown"}
    assert [edit.path for edit in found["type/unknown"].fixes[0].edits] == ["recipe.optimizer.type"]
    titles = [problem.title for problem in problems_of(document)]
    assert "recipe.batch.size cannot be 0" in titles
    assert any(title.startswith("data.split cannot be") for title in titles)


def test_a_rename_is_not_offered_where_it_would_overwrite():
    document = small()
    document["nodes"][1] |= {"title": "Edges", "titel": "Corners"}
    (problem,) = problems_of(document)
    assert [fix.label for fix in problem.fixes] == ["Leave it out"]


def test_a_file_of_a_later_version_is_not_read_as_if_it_were_of_this_one():
    (problem,) = problems_of(changed("version", 2))
    assert problem.fixes == ()


def test_no_fix_throws_a_list_away_because_it_is_too_long():
    document = changed("nodes", [{"id": "again", "type": "ReLU"}] * (limits.NODES + 1))
    (problem,) = problems_of(document)
    assert problem.code == "field/value" and problem.fixes == ()


def test_reading_leaves_the_document_as_it_was():
    for document in (small(), changed("nodes.1.inputs", ["flatten"])):
        before = deepcopy(document)
        with suppress(Refused):
            read.any_design(document)
        assert document == before


def test_what_comes_from_an_edit_has_the_same_limits_as_a_file():
    deep: Json = 1
    for _ in range(limits.DESIGN_DEPTH):
        deep = [deep]
    assert [problem.code for problem in problems_of(changed("view", deep))] == ["file/too-deep"]
    large = changed("name", "n" * limits.DESIGN_BYTES)
    assert [problem.code for problem in problems_of(large)] == ["file/too-large"]
    assert [problem.code for problem in problems_of(changed("name", "\ud800"))] == ["file/not-text"]


@pytest.mark.parametrize(
    ("type", "theirs", "ours"),
    [
        ("Conv2d", "filters", "out_channels"), ("Conv2d", "strides", "stride"), ("Linear", "units", "out_features"), ("LSTM", "units", "hidden_size"),
        ("Dropout", "rate", "p"), ("Softmax", "axis", "dim"), ("LeakyReLU", "alpha", "negative_slope"), ("MaxPool2d", "pool_size", "kernel_size"),
    ],
)  # fmt: skip
def test_a_word_of_another_library_leads_to_ours_with_its_value(type: str, theirs: str, ours: str):
    nodes = [{"id": "x", "type": "Input", "params": {"shape": [3, 8, 8]}}]
    nodes.append(
        {"id": "y", "type": type, "params": {theirs: 0.5 if ours in ("p", "negative_slope") else 1}, "inputs": ["x"]}
    )
    with pytest.raises(Refused) as refused:
        read.network({"format": "layerlab.network", "version": 1, "nodes": nodes, "outputs": ["y"]})
    (problem,) = refused.value.problems
    assert problem.fixes[0].label == f"Call it {ours}"


def test_a_value_that_cannot_be_is_told_with_what_the_field_is():
    nodes = [{"id": "x", "type": "Input", "params": {"shape": [3, 8, 8]}}]
    nodes.append({"id": "y", "type": "Conv2d", "params": {"padding": [1, 2, 3]}, "inputs": ["x"]})
    with pytest.raises(Refused) as refused:
        read.network({"format": "layerlab.network", "version": 1, "nodes": nodes, "outputs": ["y"]})
    (problem,) = refused.value.problems
    assert (
        problem.because.startswith("It has 3 entries; 2 is the most. ")
        and "(left, right, top, bottom)" in problem.because
    )
