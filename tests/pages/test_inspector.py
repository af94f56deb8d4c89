"""The form of a node beside the canvas: what belongs to one node alone."""

import torch
from streamlit.testing.v1 import AppTest

from builder.compile import build
from builder.design import read
from builder.design.experiment import Experiment
from builder.problem import Set
from builder.source import program
from builder.store import editing
from tests.pages.conftest import Visit, fill, open_design, open_example, see, select, sound

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
