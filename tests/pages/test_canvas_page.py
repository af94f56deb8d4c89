"""Build with the canvas: what it is told, and what stands beside it for what is selected there."""

from builder.problem import Set
from builder.store import documents, editing
from tests.pages.conftest import Visit, button, fill, open_design, open_example, opened, press, see, sound, told


def test_build_opens_with_the_canvas_of_the_open_design(visit: Visit) -> None:
    tab = visit()
    draft = open_design(tab)
    given = told(tab, "canvas")
    assert (given["design"], given["revision"], given["at"], given["selected"]) == (draft.id, 1, "", [])
    editing.edit("ada", draft.id, 1, [Set(path="name", value="Renamed")])
    assert told(sound(tab.run()), "canvas")["revision"] == 2


def test_the_stack_is_another_view_of_the_same_design_level_and_selection(visit: Visit) -> None:
    tab = see(open_example(visit(), "resnet50"), "stage1_first", "conv1")
    before = told(tab, "canvas")
    assert before["view"] == "canvas"
    fill(tab, "build-view", "stack")
    assert told(tab, "canvas") == before | {"view": "stack"}
    assert any("out_channels" in (field.key or "") for field in tab.number_input)


def test_the_form_of_the_selected_node_stands_beside_it(visit: Visit) -> None:
    tab = open_example(visit(), "lenet5")
    tab = see(tab, "", "c1")
    assert told(tab, "canvas")["selected"] == ["c1"]
    key = next(widget.key for widget in tab.number_input if "out_channels" in widget.key)
    fill(tab, key, 8)
    assert open_design(tab).document["network"]["nodes"][1]["params"]["out_channels"] == 8
    assert told(tab, "canvas")["revision"] == 2 and told(tab, "canvas")["selected"] == ["c1"]
    assert any("3 layers change shape, parameters 61,706" in text.value.replace("\\", "") for text in tab.caption)
    editing.edit("ada", open_design(tab).id, 2, [Set(path="name", value="Renamed")])
    assert not any("change shape" in text.value for text in sound(tab.run()).caption)


def test_several_of_one_type_are_changed_at_once(visit: Visit) -> None:
    tab = see(open_example(visit(), "lenet5"), "", "c1", "c3")
    filters = next(widget for widget in tab.number_input if "out_channels" in widget.key)
    assert filters.value is None and filters.placeholder == "several: 6, 16"
    assert filters.help.replace("\\", "").endswith("Now: c1 6, c3 16.")
    kernel = next(widget for widget in tab.text_input if "kernel_size" in (widget.key or ""))
    assert (kernel.value, kernel.placeholder) == ("5", ""), "that is the same in both"
    padding = next(widget for widget in tab.text_input if ".padding" in (widget.key or ""))
    assert (padding.value, padding.placeholder) == ("", "several: 2, 0")
    key = filters.key
    fill(tab, key, 9)
    assert next(widget for widget in tab.number_input if widget.key == key).value == 9
    nodes = {node["id"]: node for node in open_design(tab).document["network"]["nodes"]}
    assert [nodes[name]["params"]["out_channels"] for name in ("c1", "c3")] == [9, 9]
    assert open_design(tab).revision == 2, "one step of undo"
    tab = see(tab, "", "c1", "tanh1")
    assert not [widget for widget in tab.number_input if "out_channels" in (widget.key or "")]


def test_a_switch_that_several_layers_have_otherwise_is_on_in_none(visit: Visit) -> None:
    tab = open_example(visit(), "lenet5")
    editing.edit("ada", open_design(tab).id, 1, [Set(path="network.nodes.c1.params.bias", value=False)])
    tab = see(tab, "", "c1", "c3")
    bias = next(widget for widget in tab.selectbox if (widget.key or "").endswith(".bias"))
    assert (bias.value, bias.placeholder, bias.options) == (None, "several: no, yes", ["yes", "no"])
    fill(tab, bias.key, False)
    nodes = {node["id"]: node for node in open_design(tab).document["network"]["nodes"]}
    assert [nodes[name]["params"]["bias"] for name in ("c1", "c3")] == [False, False]
    assert [widget.value for widget in tab.toggle if (widget.key or "").endswith(".bias")] == [False]


def test_a_selection_becomes_a_block_and_a_block_layers(visit: Visit) -> None:
    tab = see(open_example(visit(), "lenet5"), "", "c1", "tanh1")
    assert button(tab, "Make one block of them").disabled
    press(fill(tab, "group-name", "Stem"), "Make one block of them")
    nodes = open_design(tab).document["network"]["nodes"]
    assert nodes[1] == {"id": "stem", "block": "Stem", "inputs": ["image"]}
    press(see(tab, "", "stem"), "Open into layers")
    assert [node["id"] for node in open_design(tab).document["network"]["nodes"]][:3] == ["image", "c1", "tanh1"]


def test_inside_a_block_the_node_s_own_form_is_shown(visit: Visit) -> None:
    tab = see(open_example(visit(), "resnet50"), "stage1_first", "conv1")
    assert (told(tab, "canvas")["at"], told(tab, "canvas")["selected"]) == ("stage1_first", ["conv1"])
    key = next(widget.key for widget in tab.number_input if "out_channels" in widget.key)
    fill(tab, key, 32)
    block = open_design(tab).document["network"]["blocks"]["Stage1First"]
    assert next(node for node in block["nodes"] if node["id"] == "conv1")["params"]["out_channels"] == 32


def test_what_is_gone_is_no_longer_shown(visit: Visit) -> None:
    tab = see(open_example(visit(), "lenet5"), "no_such_block", "c1")
    assert not tab.exception and not [widget for widget in tab.number_input if "out_channels" in (widget.key or "")]


# The file menu ---------------------------------------------------------------------------------------------------


def test_a_link_opens_a_copy_for_somebody_else_and_once(visit: Visit) -> None:
    tab = press(opened(visit(), "file"), "Make a link")
    mine = open_design(tab)
    token = documents.linked("ada", mine.id)
    assert token and any(f"?share={token}" in code.value for code in tab.code)
    other = visit("eve", share=token)
    copy = open_design(other, "eve")
    assert copy.id != mine.id and copy.document == mine.document and "share" not in other.query_params
    sound(other.run())
    assert len(documents.listing("eve")) == 1
    press(opened(tab, "file"), "Take the link back")
    late = visit("bob", share=token)
    assert "The link leads nowhere" in " ".join(text.value for text in late.markdown)


def test_a_design_goes_to_the_bin_and_comes_back(visit: Visit) -> None:
    tab = visit()
    first = open_design(tab)
    press(opened(tab, "file"), "Duplicate")
    second = open_design(tab)
    assert second.name == "playground copy" and second.document["network"] == first.document["network"]
    press(opened(tab, "file"), "To the bin")
    assert open_design(tab).id == first.id
    press(opened(tab, "designs", designs_where="Bin"), f"take-{second.id}")
    assert {listed.id for listed in documents.listing("ada")} == {first.id, second.id}
    documents.throw_away("ada", second.id)
    press(opened(tab, "designs", designs_where="Bin"), f"delete-{second.id}")
    assert documents.get("ada", second.id) is None and open_design(tab).id == first.id


def test_who_throws_the_only_design_away_gets_a_first_one_again(visit: Visit) -> None:
    tab = visit()
    first = open_design(tab)
    press(opened(tab, "file"), "To the bin")
    assert open_design(tab).id != first.id and open_design(tab).name == "playground"
