"""Blocks and the views of the table on the Build page."""

import pytest
from streamlit.testing.v1 import AppTest

from builder.analysis import analyze
from builder.blocks.templates import Template
from builder.design import read
from tests.pages.conftest import (
    Visit,
    add,
    errors,
    fill,
    layer_table,
    nodes,
    open_design,
    open_example,
    press,
    see,
    select,
    sound,
    table,
)


def network(tab: AppTest) -> dict:
    return open_design(tab).document["network"]


# Blocks of the catalog --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(Template.shelf))
def test_every_catalog_block_can_be_added_opened_and_made_anew(visit: Visit, name: str) -> None:
    transformer = "Transformer" in name
    tab = open_example(visit(), "vit-small" if transformer else "digits-resnet")
    select(tab, "encoder" if transformer else "relu")
    before = nodes(tab)
    add(tab, name)
    (added,) = [node for node in network(tab)["nodes"] if node["id"] not in before]
    assert network(tab)["blocks"][added["block"]]["made"]["type"] == name
    assert f"network.nodes.{added['id']}.repeat" in {field.key for field in tab.number_input}  # and its form is shown
    row = next(row for row in analyze(read.experiment(open_design(tab).document).network).rows if row.id == added["id"])
    assert row.outputs, errors(tab)  # it fits what it stands behind


def test_a_field_of_a_catalog_block_makes_it_anew(visit: Visit) -> None:
    tab = open_example(visit(), "digits-resnet")
    select(tab, "relu")
    add(tab, "ConvNormAct")
    name = network(tab)["nodes"][nodes(tab).index("relu") + 1]["block"]
    fill(tab, f"network.blocks.{name}.activation", "SiLU")
    block = network(tab)["blocks"][name]
    assert block["made"] == {"type": "ConvNormAct", "params": {"activation": "SiLU"}}
    assert [node["type"] for node in block["nodes"]] == ["Conv2d", "BatchNorm2d", "SiLU"]


# Inside a block --------------------------------------------------------------------------------------------------


def test_layers_inside_a_block_can_be_edited(visit: Visit) -> None:
    tab = open_example(visit(), "digits-resnet")
    name = next(node["block"] for node in network(tab)["nodes"] if node["id"] == "stage1")
    first = network(tab)["blocks"][name]["nodes"][0]["id"]
    select(tab, f"stage1.{first}")
    fill(tab, f"network.blocks.{name}.nodes.{first}.params.kernel_size", "5, 5")
    block = network(tab)["blocks"][name]
    assert block["nodes"][0]["params"]["kernel_size"] == [5, 5]
    assert "made" not in block  # it is the person's own now


def test_a_block_is_taken_apart_and_layers_become_one(visit: Visit) -> None:
    tab = select(open_example(visit(), "digits-resnet"), "down")
    before = tab.metric[0].value
    press(tab, "Open into layers")
    assert "down" not in nodes(tab) and tab.metric[0].value == before
    start = nodes(tab).index("stage1") + 1
    see(tab, "", *nodes(tab)[start : nodes(tab).index("stage2")])
    press(fill(tab, "group-name", "Down"), "Make one block of them")
    assert network(tab)["nodes"][start]["block"] == "Down" and tab.metric[0].value == before
    assert not errors(tab)


def test_a_name_that_a_block_cannot_have_is_told(visit: Visit) -> None:
    tab = see(open_example(visit(), "digits-cnn"), "", "conv1", "norm1")
    press(fill(tab, "group-name", "my block"), "Make one block of them")
    assert errors(tab) == ["my block cannot be the name of a block"]
    assert "blocks" not in network(tab)


def test_inputs_of_a_merge_can_be_chosen(visit: Visit) -> None:
    tab = select(open_example(visit(), "digits-cnn"), "relu1")
    add(tab, "Add")
    assert errors(tab)  # one input is open
    fill(tab, "reads--add-1", "norm1")
    assert network(tab)["nodes"][nodes(tab).index("add")]["inputs"] == ["relu1", "norm1"]
    assert not errors(tab)
    fill(tab, "reads--add-1", "nothing")
    assert errors(tab)


# The table -------------------------------------------------------------------------------------------------------


def test_the_table_opens_blocks_or_leaves_them_as_they_are_drawn(visit: Visit) -> None:
    tab = open_example(visit(), "digits-resnet")
    assert any(name.startswith("stage1.0.") for name in table(tab))
    tab.session_state["table-view"] = "drawn"
    assert table(sound(tab.run())) == nodes(tab)


def test_lenet_is_counted_as_in_1998(visit: Visit) -> None:
    tab = open_example(visit(), "lenet5-1998")
    tab.session_state["table-view"] = "classic"
    frame = layer_table(sound(tab.run()))
    assert list(frame.iloc[-1]) == ["Total", 8_094, 60_000, 340_908]


def test_receptive_fields_stand_in_the_table_of_an_image_network_alone(visit: Visit) -> None:
    tab = open_example(visit(), "lenet5")
    frame = layer_table(tab)
    assert dict(zip(frame["Layer"], frame["Sees"], strict=True))["s4"] == "16"
    tab = open_example(tab, "playground")
    frame = layer_table(tab)
    assert "Sees" not in frame.columns


def test_what_is_frozen_kept_or_no_multiply_add_has_its_column(visit: Visit) -> None:
    tab = open_example(visit(), "digits-resnet")
    frame = layer_table(tab).set_index("Layer")
    norm = next(layer for layer in frame.index if "norm" in layer)
    channels = int(frame.loc[norm, "Output"].split(" x ")[0])
    assert frame.loc[norm, "Buffers"] == 2 * channels + 1  # mean and variance of each, and how many batches there were
    assert frame.loc[norm, "Other"] > 0 and frame.loc["scores", "Other"] == 0
    assert "Frozen" not in frame
    tab = open_example(tab, "lenet5-1998")
    frame = layer_table(tab).set_index("Layer")
    assert frame["Frozen"].sum() == frame.loc["scores", "Frozen"] == 840
    assert "Buffers" not in frame


def test_the_arithmetic_of_a_layer_has_its_own_numbers(visit: Visit) -> None:
    tab = select(open_example(visit(), "lenet5"), "c3")
    words = [text.value for text in tab.markdown]
    assert "Parameters: `5 x 5 x 6 x 16 + 16 = 2,416`" in words
    assert "Size of the output: `(14 + 2 x 0 - 5) // 1 + 1 = 10`" in words


@pytest.mark.parametrize(
    ("text", "value"), [("3", 3), ("3, 5", [3, 5]), ("3 x 5", [3, 5]), ("[1, 2]", [1, 2]), ("same", "same"), ("1 0 2 0", [1, 0, 2, 0])]
)  # fmt: skip
def test_sides_can_be_written_as_people_write_them(visit: Visit, text: str, value: object) -> None:
    tab = select(open_example(visit(), "digits-cnn"), "conv1")
    fill(tab, "network.nodes.conv1.params.padding", text)
    found = network(tab)["nodes"][1]["params"].get("padding")
    assert found == value and not [title for title in errors(tab) if "padding" in title]


def test_sides_that_cannot_be_read_are_told_and_change_nothing(visit: Visit) -> None:
    tab = select(open_example(visit(), "digits-cnn"), "conv1")
    before = network(tab)
    for text in ("sane", "3, many", "1, 2, 3"):
        fill(tab, "network.nodes.conv1.params.padding", text)
        assert errors(tab) and network(tab) == before
