"""Ways to begin, as edits of a design, and what is said of their spreads."""

import pytest

from builder.analysis import first_step
from builder.analysis.first_step import OWN, SCHEMES, adopted, in_words, kept, variants
from builder.blocks import example
from builder.catalog.initializers import HeNormal, Values
from builder.design import edits, read
from builder.design.experiment import Experiment
from builder.design.network import to_json


def with_rules(**rules: object) -> Experiment:
    """The deep network of sigmoids, of which some layers have first weights of their own."""
    document = to_json(example("deep-sigmoid"))
    for node in document["network"]["nodes"]:
        if node["id"] in rules:
            node["init"] = {"weight": rules[node["id"]]}
    return read.experiment(document)


def test_every_scheme_is_a_design_of_its_own_and_the_first_is_as_it_is() -> None:
    experiment = example("deep-sigmoid")
    found = list(variants(experiment))
    assert found[0] == (OWN, experiment)
    assert [scheme.name for scheme, _ in found[1:]] == [scheme.name for scheme in SCHEMES[1:]], (
        "PyTorch's own is its own"
    )
    assert [begun.recipe.init.weight for _, begun in found[1:]] == [scheme.rule for scheme in SCHEMES[1:]]
    assert all(begun.recipe.init.bias == experiment.recipe.init.bias for _, begun in found)


def test_adopting_a_scheme_takes_the_place_of_rules_that_nodes_have() -> None:
    experiment = with_rules(hidden2={"type": "Normal"}, hidden3={"type": "Zeros"})
    after = read.experiment(edits.apply(to_json(experiment), adopted(experiment, HeNormal())))
    assert after.recipe.init.weight == HeNormal()
    assert all("weight" not in node.init for node in after.network.nodes)
    assert kept(experiment) == []


def test_weights_by_hand_and_frozen_ones_stay() -> None:
    by_hand = example("xor-gate")
    after = read.experiment(edits.apply(to_json(by_hand), adopted(by_hand, HeNormal())))
    rules = {node.id: node.init.get("weight") for node in by_hand.network.nodes}
    assert {node.id: node.init.get("weight") for node in after.network.nodes} == rules
    assert any(isinstance(rule, Values) for rule in rules.values())
    assert kept(by_hand)


def test_rules_inside_blocks_are_replaced_too() -> None:
    document = to_json(example("digits-resnet"))
    block = next(iter(document["network"]["blocks"].values()))
    node = next(node for node in block["nodes"] if node.get("type") == "Conv2d")
    node["init"] = {"weight": {"type": "Zeros"}}
    experiment = read.experiment(document)
    after = read.experiment(edits.apply(document, adopted(experiment, HeNormal())))
    nodes = [node for block in after.network.blocks.values() for node in block.nodes]
    assert not any("weight" in node.init for node in nodes)


@pytest.mark.parametrize(
    ("spreads", "words"),
    [
        ([1.0, 5.0, 2.9], "keep their size"),
        ([1.0, 0.5, 0.34], "keep their size"),
        ([1.0, 4.2], "grow 4.2 times on their way"),
        ([1.0, 2.0, 0.02], "shrink 50 times on their way"),
        ([1.0, 1 / 1234], "shrink 1,200 times on their way"),
        ([1e-12, 1.0], "grow 10^12 times on their way"),
        ([1.0, 0.0], "vanish on their way"),
        ([0.0, 0.0], "do not vary"),
        ([None, None], "are no numbers"),
        ([None, 2.0, 1.0, None], "keep their size"),
    ],
)
def test_a_course_is_said_in_words(spreads: list[float | None], words: str) -> None:
    assert first_step.forward({"activation": spreads}) == words


def test_gradients_are_read_from_the_last_node_to_the_first() -> None:
    scheme = {"name": "He normal", "activation": [1.0, 1.0], "gradient": [0.001, 1.0]}
    assert in_words(scheme) == "He normal: activations keep their size; gradients shrink 1,000 times on their way back."
