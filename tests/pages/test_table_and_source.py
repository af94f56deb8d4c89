"""What the layer table and the program are given: which node each row is about, and which lines are the selected node's."""

from typing import Any

from streamlit.testing.v1 import AppTest

from tests.pages.conftest import (
    Visit,
    fetched,
    layer_table,
    nodes,
    open_example,
    program,
    see,
    sound,
    table,
    told,
    upload,
)


def rows(tab: AppTest) -> dict[str, dict[str, Any]]:
    _, found = fetched(tab, told(tab, "table")["name"])
    return {row["cells"][0]: row for row in found}


def marked(tab: AppTest) -> list[str]:
    """The marked lines of the program."""
    lines = program(tab).splitlines()
    return [lines[line - 1].strip() for line in told(tab, "source")["selected"]]


def in_view(tab: AppTest, view: str) -> AppTest:
    """Another view of the table: "layers", "drawn" or "classic"."""
    tab.session_state["table-view"] = view
    return sound(tab.run())


# The table -------------------------------------------------------------------------------------------------------


def test_a_row_is_about_a_node_whichever_copy_it_belongs_to(visit: Visit) -> None:
    tab = open_example(visit(), "resnet50")
    found = rows(tab)
    assert (found["stage1.0.conv1"]["path"], found["stage1.1.conv1"]["path"]) == ("stage1.conv1", "stage1.conv1")
    assert (found["stage1_first.conv1"]["path"], found["stem"]["path"]) == ("stage1_first.conv1", "stem")
    assert (found["stem"]["family"], found["norm"]["family"]) == ("convolution", "normalization")
    drawn = rows(in_view(tab, "drawn"))
    assert list(drawn) == nodes(tab)
    assert (drawn["stage1"]["path"], drawn["stage1"]["family"], drawn["stage1"]["cells"][1]) == (
        "stage1",
        "block",
        "Stage1 x 2",
    )


def test_as_in_1998_every_row_but_the_total_is_about_a_node(visit: Visit) -> None:
    tab = in_view(open_example(visit(), "lenet5-1998"), "classic")
    assert told(tab, "table")["name"] == "classic"
    _, found = fetched(tab, "classic")
    assert {row["path"] for row in found[:-1]} <= {*nodes(tab)}
    assert (found[-1]["cells"][0], found[-1]["path"]) == ("Total", None)


def test_columns_tell_what_they_mean_and_how_they_are_read(visit: Visit) -> None:
    columns = {column["name"]: column for column in fetched(open_example(visit(), "lenet5"), "layers")[0]["columns"]}
    assert list(columns) == [
        "Layer",
        "Type",
        "Output",
        "Parameters",
        "MACs",
        "FLOPs",
        "Memory",
        "Sees",
        "Stride",
        "Other",
    ]
    assert [name for name, column in columns.items() if column["isWords"]] == ["Layer", "Type", "Output"]
    assert [name for name, column in columns.items() if column["help"]] == ["Memory", "Sees", "Stride", "Other"]


def test_what_is_unknown_is_no_number(visit: Visit) -> None:
    tab = visit()
    upload(
        tab,
        {
            "format": "layerlab.network",
            "nodes": [{"id": "alone", "type": "Tanh", "inputs": [None]}],
            "outputs": ["alone"],
        },
    )
    _, (row,) = fetched(tab, "layers")
    assert row["cells"][2:] == ["unknown", None, None, None, None, None]


def test_a_network_without_layers_has_an_empty_table_and_no_program(visit: Visit) -> None:
    tab = visit()
    upload(tab, {"format": "layerlab.network", "nodes": [], "outputs": []})
    assert table(tab) == [] and next(iter(layer_table(tab))) == "Layer"
    assert program(tab) == ""


def test_the_selected_nodes_are_told_by_their_paths(visit: Visit) -> None:
    tab = open_example(visit(), "resnet50")
    assert told(tab, "table")["selected"] == []
    assert told(see(tab, "", "stem", "norm"), "table")["selected"] == ["stem", "norm"]
    assert told(see(tab, "stage1", "conv1"), "table")["selected"] == ["stage1.conv1"]


# The program -----------------------------------------------------------------------------------------------------


def test_the_lines_of_the_selected_node_are_marked(visit: Visit) -> None:
    tab = open_example(visit(), "resnet50")
    assert marked(tab) == []
    assert marked(see(tab, "", "stem")) == [
        "self.stem = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)",
        "x = self.stem(image)",
    ]
    assert marked(see(tab, "", "stage1")) == [
        "self.stage1 = nn.Sequential(*[Stage1() for _ in range(2)])",
        "x = self.stage1(x)",
    ]
    assert marked(see(tab, "stage1", "conv1", "norm1")) == [
        "self.conv1 = nn.Conv2d(256, 64, 1, bias=False)",
        "self.norm1 = nn.BatchNorm2d(64)",
        "y = self.conv1(x)",
        "y = self.norm1(y)",
    ]
    assert marked(see(tab, "gone", "conv1")) == []
