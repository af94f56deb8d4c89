"""The Build page: it opens ready, every press changes the stored design by one step, mistakes come with a way out."""

import contextlib
import random

import pytest
from streamlit.testing.v1 import AppTest
from variants import remarks

from builder import machine
from builder.analysis.memory import estimate
from builder.catalog import Layer
from builder.design import read
from builder.problem import Move, Refused, Set
from pages.parts.words import plain
from tests.pages.conftest import (
    ONE_OF_EACH_FAMILY,
    Visit,
    add,
    button,
    duplicate,
    edit,
    errors,
    fill,
    fixes,
    go_to,
    layer_table,
    nodes,
    open_design,
    open_example,
    press,
    program,
    remove,
    see,
    select,
    sound,
    table,
    upload,
    warnings,
)

UNITS = "network.nodes.hidden1.params.out_features"
PLAYGROUND = ["point", "hidden1", "tanh1", "hidden2", "tanh2", "output", "tanh3"]


# Opening ---------------------------------------------------------------------------------------------------------


def test_the_page_opens_with_a_network_that_can_be_trained_at_once(visit: Visit) -> None:
    tab = sound(visit())
    assert table(tab) == PLAYGROUND
    assert not errors(tab)
    assert not warnings(tab)
    assert not button(tab, "Train").disabled
    assert "nn.Linear(2, 4)" in program(tab)
    assert [metric.value for metric in tab.metric[:2]] == ["25", "18"]  # 2*4+4 + 4*2+2 + 2+1, without the biases


@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_an_example_of_every_family_opens_on_both_pages_without_a_problem(visit: Visit, name: str) -> None:
    tab = open_example(visit(), name)
    assert open_design(tab).document["name"] == name
    for page in ("build.py", "train.py"):
        go_to(tab, page)
        assert not errors(tab), page
        assert len(warnings(tab)) == (len(remarks(name)) if page == "build.py" else 0), page
        assert not button(tab, "Train").disabled


def test_a_reload_shows_the_same_design(visit: Visit) -> None:
    tab = select(visit(), "hidden1")
    fill(tab, UNITS, 7)
    reloaded = visit(design=tab.query_params["design"])
    assert open_design(reloaded) == open_design(tab)
    assert table(reloaded) == table(tab)
    assert "nn.Linear(2, 7)" in program(reloaded)


def test_who_comes_back_without_an_address_finds_the_design_touched_last(visit: Visit) -> None:
    tab = visit()
    first = open_design(tab).id
    second = open_design(open_example(tab, "lenet5")).id
    assert open_design(visit()).id == second
    duplicate(visit(design=first), "hidden1")
    assert open_design(visit()).id == first


def test_every_button_says_in_words_what_it_does_and_to_what(visit: Visit) -> None:
    labels = [pressed.label for pressed in visit().button]
    assert all(labels)
    assert len({*labels}) == len(labels)


# Editing ---------------------------------------------------------------------------------------------------------


def test_a_new_layer_goes_behind_the_selected_one_and_is_one_row_more(visit: Visit) -> None:
    tab = select(visit(), "hidden1")
    add(tab, "Dropout")
    expected = ["point", "hidden1", "dropout", "tanh1", "hidden2", "tanh2", "output", "tanh3"]
    assert nodes(tab) == table(tab) == expected
    assert tab.text_input(key="network.nodes.dropout.params.p").value == "0.5"  # and its form is open
    assert not errors(tab)


def test_a_new_layer_goes_to_the_end_where_none_is_selected(visit: Visit) -> None:
    tab = add(visit(), "Sigmoid")
    assert nodes(tab) == table(tab) == [*PLAYGROUND, "sigmoid"]
    assert open_design(tab).document["network"]["outputs"] == ["sigmoid"]


def test_an_edit_that_makes_a_network_huge_is_told_until_the_next_one_and_can_be_taken_back(visit: Visit) -> None:
    large = "The last change made the network 25 times as large"  # 61,706 parameters, then 1,573,451
    tab = open_example(visit(), "lenet5")
    network = open_design(tab).document["network"]
    edit(tab, Set(path="network.nodes.f5.params.out_features", value=3237))
    assert large in warnings(tab)
    press(edit(tab, Set(path="recipe.seed", value=1)), "Undo")
    assert large not in warnings(tab)
    press(press(tab, "Undo"), "Redo")
    assert large in warnings(tab)
    press(tab, "Take the change back")
    assert large not in warnings(tab) and open_design(tab).document["network"] == network


def test_a_run_too_large_for_memory_is_told_before_it_is_trained(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    tab = edit(open_example(visit(), "resnet20"), Set(path="recipe.batch.size", value=350))
    assert not warnings(tab)
    needed = estimate(read.experiment(open_design(tab).document))
    monkeypatch.setattr(machine, "free_bytes", lambda: needed.of_batch(50))
    assert warnings(sound(tab.run())) == ["The run does not fit into memory"]
    assert not button(tab, "Train").disabled, "by then there may be more, and a GPU has memory of its own"
    fill(go_to(tab, "train.py"), f"wish-device-{open_design(tab).id}", "cuda")
    assert not warnings(go_to(tab, "build.py"))
    fill(go_to(tab, "train.py"), f"wish-device-{open_design(tab).id}", "auto")
    (fix,) = fixes(go_to(tab, "build.py"))
    press(tab, fix.key or "")
    assert not warnings(tab) and open_design(tab).document["recipe"]["batch"]["size"] == 32


def test_a_field_of_the_form_changes_the_design_by_one_revision(visit: Visit) -> None:
    tab = select(visit(), "hidden1")
    before = open_design(tab)
    fill(tab, UNITS, 9)
    after = open_design(tab)
    assert after.revision == before.revision + 1
    assert after.document["network"]["nodes"][1]["params"] == {"out_features": 9}
    assert after.document["network"]["nodes"][2:] == before.document["network"]["nodes"][2:]
    assert "nn.Linear(2, 9)" in program(tab)
    assert tab.metric[0].value == str(2 * 9 + 9 + 9 * 2 + 2 + 2 + 1)


def test_looking_at_forms_changes_nothing(visit: Visit) -> None:
    tab = open_example(visit(), "digits-resnet")
    before = open_design(tab)
    for node in nodes(tab):
        select(tab, node)
    see(tab, "")
    assert open_design(tab) == before


def test_undo_and_redo_bring_documents_back_exactly(visit: Visit) -> None:
    tab = visit()
    assert button(tab, "Undo").disabled
    seen = [open_design(tab).document]
    select(tab, "hidden1")
    fill(tab, UNITS, 3)
    seen.append(open_design(tab).document)
    add(tab, "BatchNorm1d")
    seen.append(open_design(tab).document)
    edit(tab, Move(node="hidden2", after="tanh2"))
    seen.append(open_design(tab).document)
    fill(tab, "design-name", "Bent plane")
    seen.append(open_design(tab).document)
    assert len({str(document) for document in seen}) == len(seen)
    for document in reversed(seen[:-1]):
        assert open_design(press(tab, "Undo")).document == document
    assert button(tab, "Undo").disabled
    for document in seen[1:]:
        assert open_design(press(tab, "Redo")).document == document
    assert button(tab, "Redo").disabled


def test_moving_a_layer_down_and_up_again_changes_places_with_its_neighbour(visit: Visit) -> None:
    tab = visit()
    before = open_design(tab).document
    edit(tab, Move(node="hidden1", after="tanh1"))
    assert nodes(tab) == ["point", "tanh1", "hidden1", "hidden2", "tanh2", "output", "tanh3"]
    edit(tab, Move(node="hidden1", after="point"))
    assert open_design(tab).document["network"]["nodes"] == before["network"]["nodes"]


def test_a_copy_stands_behind_its_original_and_has_its_parameters(visit: Visit) -> None:
    tab = duplicate(visit(), "hidden1")
    stored = open_design(tab).document["network"]["nodes"]
    assert stored[2]["params"] == stored[1]["params"]
    assert stored[2]["inputs"] == ["hidden1"]
    assert stored[3]["inputs"] == [stored[2]["id"]]


def test_a_removed_layer_leaves_its_neighbours_joined(visit: Visit) -> None:
    tab = remove(visit(), "tanh1")
    assert nodes(tab) == table(tab) == [node for node in PLAYGROUND if node != "tanh1"]
    assert open_design(tab).document["network"]["nodes"][2]["inputs"] == ["hidden1"]
    assert not errors(tab)


@pytest.mark.parametrize("start", ["digits-resnet", "sequence-lstm", "digits-cnn"])
def test_whatever_is_moved_copied_or_removed_the_network_can_be_read(visit: Visit, start: str) -> None:
    tab = open_example(visit(), start)
    for _ in range(12):
        node, after = random.choices(nodes(tab), k=2)
        action = random.choice(["move", "copy", "remove"] if len(nodes(tab)) > 3 else ["move", "copy"])
        if action == "copy":
            duplicate(tab, node)
        elif action == "remove":
            remove(tab, node)
        else:
            with contextlib.suppress(Refused):  # what reads nothing is not moved, nor anything into a circle
                edit(tab, Move(node=node, after=after))
        read.experiment(open_design(tab).document)
        assert {row.partition(".")[0] for row in table(tab)} == {*nodes(tab)}


def test_an_empty_network_can_be_filled_again(visit: Visit) -> None:
    tab = visit()
    for node in PLAYGROUND:
        remove(tab, node)
    assert nodes(tab) == []
    assert errors(tab) == ["The network is empty"]
    add(tab, "Input")
    add(tab, "Linear")
    assert nodes(tab) == ["input", "linear"]


@pytest.mark.parametrize("group", sorted({layer.group for layer in Layer.shelf.values()}))
def test_every_layer_can_be_added_and_has_a_form(visit: Visit, group: str) -> None:
    tab = open_example(visit(), "digits-cnn")
    for kind in (name for name, layer in Layer.shelf.items() if layer.group == group):
        add(tab, kind)
        added = open_design(tab).document["network"]["nodes"]
        assert [node["id"] for node in added if node["type"] == kind], kind
        assert tab.latex, kind
        press(tab, "Undo")


# Refused edits ---------------------------------------------------------------------------------------------------


def test_text_that_is_no_number_is_refused_and_leaves_the_design(visit: Visit) -> None:
    tab = open_example(visit(), "digits-cnn")
    select(tab, "dropout")
    before = open_design(tab)
    fill(tab, "network.nodes.dropout.params.p", "a half")
    assert errors(tab) == ["p cannot be read"]
    assert open_design(tab) == before
    fill(tab, "network.nodes.dropout.params.p", "0,5")  # and the comma of half the world is understood
    assert not errors(tab)
    assert open_design(tab).document["network"]["nodes"][9]["params"] == {"p": 0.5}


def test_a_value_that_no_layer_can_have_is_refused_with_a_way_out(visit: Visit) -> None:
    tab = open_example(visit(), "digits-cnn")
    select(tab, "dropout")
    before = open_design(tab)
    fill(tab, "network.nodes.dropout.params.p", "1.5")
    assert len(errors(tab)) == 1
    assert open_design(tab) == before
    sound(fixes(tab)[0].click().run())
    assert not errors(tab)


def test_an_edit_of_what_another_window_has_changed_meanwhile_is_refused(visit: Visit) -> None:
    first, second = visit(), visit()
    select(first, "hidden1")
    select(second, "hidden1")
    fill(first, UNITS, 5)
    fill(second, UNITS, 6)
    assert errors(second) == ["The design has changed meanwhile"]
    assert open_design(first).document["network"]["nodes"][1]["params"] == {"out_features": 5}
    fill(second, UNITS, 6)  # having seen it
    assert not errors(second)
    assert open_design(first).document["network"]["nodes"][1]["params"] == {"out_features": 6}


def test_edits_of_two_windows_about_different_layers_are_both_made(visit: Visit) -> None:
    first, second = visit(), visit()
    remove(first, "tanh1")
    fill(select(second, "hidden2"), "network.nodes.hidden2.params.out_features", 6)
    assert not errors(second)
    stored = open_design(second).document["network"]["nodes"]
    assert [node["id"] for node in stored] == [node for node in PLAYGROUND if node != "tanh1"]
    assert stored[2]["params"] == {"out_features": 6}


# Mistakes and their repairs --------------------------------------------------------------------------------------


def two_branches(left: int, right: int) -> dict[str, object]:
    """A network file in which two dense layers of the given widths are added up."""
    return {
        "format": "layerlab.network",
        "nodes": [
            {"id": "point", "type": "Input", "params": {"shape": [2]}},
            {"id": "left", "type": "Linear", "params": {"out_features": left}, "inputs": ["point"]},
            {"id": "right", "type": "Linear", "params": {"out_features": right}, "inputs": ["point"]},
            {"id": "sum", "type": "Add", "inputs": ["left", "right"]},
            {"id": "output", "type": "Linear", "params": {"out_features": 1}, "inputs": ["sum"]},
        ],
        "outputs": ["output"],
    }


def with_a_window_larger_than_its_image(tab: AppTest) -> AppTest:
    open_example(tab, "digits-cnn")
    select(tab, "conv2")
    return fill(tab, "network.nodes.conv2.params.kernel_size", "15")


def with_an_output_that_does_not_fit_its_target(tab: AppTest) -> AppTest:
    open_example(tab, "digits-mlp")
    select(tab, "scores")
    return fill(tab, "network.nodes.scores.params.out_features", 7)


def with_unequal_branches(tab: AppTest) -> AppTest:
    return upload(tab, two_branches(4, 6))


def with_an_open_input(tab: AppTest) -> AppTest:
    select(tab, "hidden1")
    return add(tab, "Add")


MISTAKES = {
    "conv2": with_a_window_larger_than_its_image,
    "scores": with_an_output_that_does_not_fit_its_target,
    "sum": with_unequal_branches,
    "add": with_an_open_input,
}


@pytest.mark.parametrize("node", MISTAKES)
def test_a_mistake_names_its_node_and_every_fix_repairs_it(visit: Visit, node: str) -> None:
    tab = MISTAKES[node](visit())
    assert len(errors(tab)) == 1
    assert errors(tab)[0].startswith(f"{node} ")
    assert button(tab, "Train").disabled
    assert not program(tab)  # no program of a network that cannot run
    offered = [fix.key or "" for fix in fixes(tab)]
    assert offered
    for fix in offered:
        press(tab, fix)
        assert not errors(tab), fix
        assert not button(tab, "Train").disabled
        assert program(tab)
        press(tab, "Undo")
        assert len(errors(tab)) == 1


def test_what_follows_a_mistake_is_unknown_and_not_wrong(visit: Visit) -> None:
    tab = with_a_window_larger_than_its_image(visit())
    outputs = dict(zip(table(tab), layer_table(tab)["Output"], strict=True))
    assert outputs["conv1"] == "16 x 8 x 8"
    assert {outputs[node] for node in ("conv2", "norm2", "pool", "scores")} == {"unknown"}
    assert len(errors(tab)) == 1


def test_typing_errors_of_a_file_are_repaired_one_press_at_a_time(visit: Visit) -> None:
    tab = visit()
    before = open_design(tab)
    written = two_branches(4, 4)
    written["nodes"][1] = {"id": "left", "type": "Linar", "params": {"out_feature": 4}, "inputs": ["point"]}  # type: ignore[index]
    upload(tab, written)
    assert errors(tab)[0] == "There is no layer called Linar"
    assert open_design(tab) == before
    press(tab, "Use Linear")
    assert errors(tab) == ["There is no field called out\\_feature"]
    assert open_design(tab) == before
    press(tab, "Call it out_features")
    assert not errors(tab)
    assert open_design(tab).id != before.id
    assert nodes(tab) == table(tab) == ["point", "left", "right", "sum", "output"]


def test_a_file_that_cannot_be_read_can_be_left(visit: Visit) -> None:
    tab = visit()
    before = open_design(tab)
    upload(tab, {"format": "layerlab.network", "nodes": [{"id": "a b", "type": "Input"}], "outputs": []})
    assert errors(tab)
    press(tab, "Leave the file")
    assert not errors(tab)
    assert open_design(tab) == before


@pytest.mark.parametrize(
    "content", ["", "{", "[1, 2]", "null", '"text"', '{"format": 3}', "{" * 5_000, '{"nodes": NaN}']
)
def test_a_file_that_is_no_design_is_explained(visit: Visit, content: str) -> None:
    tab = visit()
    before = open_design(tab)
    upload(tab, content)
    assert len(errors(tab)) == 1
    assert open_design(tab) == before


# Other people's words --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "title",
    [
        "<b>bold</b> <script>alert(1)</script>",
        "**strong** _soft_ `code` ~~gone~~",
        ":red[red] :material/delete: $x^2$",
        "[link](https://example.org) ![image](https://example.org/x.png)",
    ],
)
def test_titles_from_people_are_escaped_wherever_they_are_shown(visit: Visit, title: str) -> None:
    tab = select(visit(), "hidden1")
    fill(tab, "network.nodes.hidden1.title", title)
    fill(tab, "design-name", title)
    add(tab, "Add")  # its open input is a Problem, with fixes that name it
    fill(tab, "network.nodes.add.title", title)
    naming = [text for text in shown(tab) if title in text.replace("\\", "")]
    assert len(naming) >= 3  # its form, a problem, its fix
    go_to(tab, "train.py")
    naming += [text for text in shown(tab) if title in text.replace("\\", "")]
    assert [text for text in naming if plain(title) not in text] == []


def shown(tab: AppTest) -> list[str]:
    """Every text that is read as markdown."""
    return [text.value for text in (*tab.markdown, *tab.caption)] + [pressed.label for pressed in tab.button]
