"""What differs between experiments: exactly what was changed, by its path, and nothing that is only written otherwise."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from builder.blocks import GALLERY, example
from builder.design.differences import ABSENT, Difference, differences
from builder.design.network import to_json


def document(name: str = "playground") -> dict[str, Any]:
    return to_json(example(name))


def changed(change: Callable[[dict[str, Any]], object], name: str = "playground") -> dict[str, tuple[Any, ...]]:
    """Path and values of all that differs between an example and the same after a change."""
    other = copy.deepcopy(document(name))
    change(other)
    return {found.path: found.values for found in differences([document(name), other])}


@pytest.mark.parametrize("name", GALLERY)
def test_an_experiment_does_not_differ_from_itself(name: str) -> None:
    one = document(name)
    assert differences([one, copy.deepcopy(one), one]) == []
    assert differences([one]) == []


def test_every_default_that_is_written_down_is_no_difference() -> None:
    full = example("playground").model_dump(mode="json")
    assert differences([document(), full]) == []


def test_names_and_places_on_the_canvas_are_no_difference() -> None:
    def rename(other: dict[str, Any]) -> None:
        other["name"] = other["network"]["name"] = "Another"
        other["network"]["view"] = {"point": [1, 2]}

    assert changed(rename) == {}


def test_a_changed_setting_is_told_by_its_path() -> None:
    found = changed(lambda other: other["recipe"]["optimizer"]["params"].update(lr=0.1))
    assert found == {"recipe.optimizer.params.lr": (0.01, 0.1)}


def test_a_setting_that_was_left_out_has_its_default() -> None:
    assert changed(lambda other: other["recipe"].update(seed=3)) == {"recipe.seed": (0, 3)}
    assert changed(lambda other: other["data"]["split"].update(seed=1)) == {"data.split.seed": (0, 1)}


def test_another_optimizer_has_other_settings() -> None:
    def change(other: dict[str, Any]) -> None:
        other["recipe"]["optimizer"] = {"type": "SGD", "params": {"lr": 0.01, "momentum": 0.9}}

    found = changed(change)
    assert found["recipe.optimizer"] == ("Adam", "SGD")
    assert found["recipe.optimizer.params.momentum"] == (ABSENT, 0.9)
    assert found["recipe.optimizer.params.betas"] == ([0.9, 0.999], ABSENT)
    assert "recipe.optimizer.params.lr" not in found


def test_a_node_of_one_network_alone_is_one_row_and_those_around_it_say_what_they_read() -> None:
    def remove(other: dict[str, Any]) -> None:
        nodes = other["network"]["nodes"]
        nodes[:] = [node for node in nodes if node["id"] != "tanh1"]
        next(node for node in nodes if node["id"] == "hidden2")["inputs"] = ["hidden1"]

    found = changed(remove)
    assert found["network.nodes.tanh1"] == ("Tanh", ABSENT)
    assert found["network.nodes.hidden2.inputs"] == (["tanh1"], ["hidden1"])
    assert [path for path in found if path.startswith("network.nodes.tanh1")] == ["network.nodes.tanh1"]
    assert set(found) == {"network.nodes.tanh1", "network.nodes.hidden2.inputs", "network.order"}


def test_a_changed_layer_is_told_node_by_node() -> None:
    def widen(other: dict[str, Any]) -> None:
        other["network"]["nodes"][1]["params"]["out_features"] = 9
        other["network"]["nodes"][3]["init"] = {"weight": {"type": "Zeros"}}

    assert changed(widen) == {
        "network.nodes.hidden1.params.out_features": (4, 9),
        "network.nodes.hidden2.init.weight": (ABSENT, "Zeros"),
    }


def test_the_order_in_which_nodes_run_is_a_difference() -> None:
    network = {
        "nodes": [
            {"id": "x", "type": "Input", "params": {"shape": [2]}},
            {"id": "left", "type": "Tanh", "inputs": ["x"]},
            {"id": "right", "type": "ReLU", "inputs": ["x"]},
            {"id": "sum", "type": "Add", "inputs": ["left", "right"]},
        ],
        "outputs": ["sum"],
    }
    one = document() | {"network": network}
    other = copy.deepcopy(one)
    other["network"]["nodes"][1:3] = reversed(other["network"]["nodes"][1:3])
    (found,) = differences([one, other])
    assert found == Difference("network.order", (["x", "left", "right", "sum"], ["x", "right", "left", "sum"]))


def test_what_is_inside_a_block_is_told_under_its_name() -> None:
    one = document("digits-resnet")
    block = next(iter(one["network"]["blocks"]))
    other = copy.deepcopy(one)
    inside = other["network"]["blocks"][block]["nodes"][0]
    inside["title"] = "First"
    (found,) = differences([one, other])
    assert found.path == f"network.blocks.{block}.nodes.{inside['id']}.title"
    assert found.section == "network"


def test_network_comes_first_then_data_then_recipe() -> None:
    other = copy.deepcopy(document())
    other["recipe"]["seed"] = 1
    other["data"]["split"]["seed"] = 1
    other["network"]["nodes"][1]["params"]["out_features"] = 9
    assert [found.section for found in differences([document(), other])] == ["network", "data", "recipe"]


def test_three_experiments_have_a_value_each() -> None:
    documents = [copy.deepcopy(document()) for _ in range(3)]
    documents[2]["recipe"]["seed"] = 5
    (found,) = differences(documents)
    assert found.values == (0, 0, 5)


@pytest.mark.parametrize("broken", [{}, {"recipe": {"seed": 3}}, {"network": {"nodes": [{"id": "a"}]}}, None, 5])
def test_an_experiment_that_cannot_be_read_is_taken_as_written(broken: Any) -> None:
    assert differences([broken, broken]) == []
    assert differences([document(), broken])


def test_a_block_of_one_network_alone_is_one_row() -> None:
    one = document("digits-resnet")
    other = copy.deepcopy(one)
    block = next(iter(one["network"]["blocks"]))
    other["network"]["blocks"]["Spare"] = copy.deepcopy(one["network"]["blocks"][block])
    found = {found.path: found.values for found in differences([one, other])}
    assert found == {"network.blocks.Spare": (ABSENT, "block")}
