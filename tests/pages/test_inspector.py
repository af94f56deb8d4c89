"""The form of a node beside the canvas: what belongs to one node alone."""

import torch
from streamlit.testing.v1 import AppTest

from builder.compile import build
from builder.design import read
from builder.design.experiment import Experiment
from builder.problem import Set
from builder.source import program
from builder.store import editing
from tests.pages.conftest import (
    Visit,
    captions,
    edit,
    errors,
    fill,
    open_design,
    open_example,
    press,
    see,
    select,
    sound,
)

FILTERS = "network.nodes.c3.params.out_channels"


def read_filters(tab: AppTest) -> int:
    (node,) = (node for node in open_design(tab).document["network"]["nodes"] if node["id"] == "c3")
    return int(node["params"]["out_channels"])


def experiment(tab: AppTest) -> Experiment:
    return read.experiment(open_design(tab).document)


def test_a_node_has_first_weights_of_its_own_and_gives_them_up(visit: Visit) -> None:
    tab = see(open_example(visit(), "lenet5"), "", "c1")
    own = "pick.network.nodes.c1.init.weight"
    assert tab.selectbox(key=own).value == "as the whole network"
    fill(tab, own, "Normal")
    fill(tab, "network.nodes.c1.init.weight.params.mean", "7")
    fill(tab, "pick.network.nodes.c1.init.bias", "Zeros")
    made = experiment(tab)
    state = build(made.network, made.recipe.init).state_dict()
    assert 6 < state["c1.weight"].mean() < 8 and torch.all(state["c1.bias"] == 0)
    assert -1 < state["c3.weight"].mean() < 1, "the others keep the network's"
    assert 'layer == "c1" and "weight" in role' in program(made)
    fill(tab, own, "as the whole network")
    assert open_design(tab).document["network"]["nodes"][1]["init"] == {"bias": {"type": "Zeros"}}


def test_what_has_no_weights_of_its_own_has_no_such_choice(visit: Visit) -> None:
    tab = see(open_example(visit(), "lenet5"), "", "tanh1")
    assert not [choice for choice in tab.selectbox if "init" in (choice.key or "")]


def test_what_the_browser_tells_of_a_field_before_it_has_heard_of_a_change_changes_nothing(visit: Visit) -> None:
    """A press elsewhere sends all fields along, as the browser holds them: it may not know the newest yet."""
    tab = select(open_example(visit(), "lenet5"), "c3")
    late = tab._tree.get_widget_states()
    editing.edit("ada", open_design(tab).id, 1, [Set(path=FILTERS, value=77)])
    sound(tab.run())
    sound(tab._run(late))
    assert open_design(tab).revision == 2 and read_filters(tab) == 77
    sound(tab.run())
    fill(tab, FILTERS, 16)  # and a person may well want the old value back
    assert open_design(tab).revision == 3 and read_filters(tab) == 16


def test_a_value_that_is_refused_is_put_back_into_the_same_field(visit: Visit) -> None:
    tab = select(open_example(visit(), "lenet5"), "c3")
    kernel = FILTERS.replace("out_channels", "kernel_size")
    fill(tab, kernel, "many")
    assert open_design(tab).revision == 1
    (field,) = (field for field in tab.text_input if (field.key or "").startswith(kernel))
    assert (field.key, field.value) == (kernel, "5"), "the focus stays in it"


# By a rule of thumb ----------------------------------------------------------------------------------------------

SUGGEST = "suggest-activations"


def test_activations_are_suggested_where_one_is_selected_and_the_rule_is_told(visit: Visit) -> None:
    tab = select(open_example(visit(), "lenet5"), "c1")
    assert not [button for button in tab.button if button.key == SUGGEST]
    press(select(tab, "tanh1"), SUGGEST)
    kinds = [node.type for node in experiment(tab).network.nodes]
    assert open_design(tab).revision == 2 and kinds.count("ReLU") == 4 and "Tanh" not in kinds
    assert "Deep networks bend with ReLU or its kin" in captions(tab) and "Glorot et al. 2011" in captions(tab)
    press(tab, SUGGEST)
    assert open_design(tab).revision == 2 and "Already so: ReLU in hidden layers" in captions(tab)
    fill(select(tab, "c3"), FILTERS, 8)
    assert "Glorot" not in captions(select(tab, "tanh1")), "what was said of the design before"
    press(tab, "Undo")
    press(tab, "Undo")
    assert [node.type for node in experiment(tab).network.nodes].count("Tanh") == 4


def test_nothing_is_suggested_for_a_network_that_stays_broken(visit: Visit) -> None:
    tab = edit(open_example(visit(), "lenet5"), Set(path="network.nodes.scores.params.out_features", value=7))
    assert errors(tab)
    press(select(tab, "tanh1"), SUGGEST)
    assert open_design(tab).revision == 2 and "What is wrong with it comes first." in captions(tab)


def test_a_suggestion_for_what_has_changed_meanwhile_is_refused_and_no_rule_is_told(visit: Visit) -> None:
    tab = select(open_example(visit(), "lenet5"), "tanh1")
    editing.edit("ada", open_design(tab).id, 1, [Set(path="network.nodes.tanh2.type", value="GELU")])
    press(tab, SUGGEST)
    assert errors(tab) == ["The design has changed meanwhile"] and "Glorot" not in captions(tab)
    assert open_design(tab).revision == 2
