"""The form of a node beside the canvas: what belongs to one node alone."""

import torch
from streamlit.testing.v1 import AppTest

from builder.compile import build
from builder.design import read
from builder.design.experiment import Experiment
from builder.source import program
from tests.pages.conftest import Visit, fill, open_design, open_example, see


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
