"""Rules of thumb: what each suggests, that it leaves a design without errors, and that a design which follows it hears nothing new."""

from typing import Any

import pytest
from variants import remarks

from builder.analysis import check
from builder.analysis.suggest import Suggestion, activations, first_weights, loss, sound
from builder.blocks import GALLERY, example
from builder.design import edits, read
from builder.design.experiment import Experiment
from builder.design.network import to_json

Json = dict[str, Any]


def network(*layers: str, source: str = "Digits", outputs: int = 10, loss: str = "CrossEntropy") -> Experiment:
    """A chain of layers, the dense ones of 8 units but for the last, called by their type in small letters and their place."""
    shape = {"Digits": [1, 8, 8], "Circle": [2], "AddingProblem": [20, 2]}[source]
    nodes: list[Json] = [{"id": "data", "type": "Input", "params": {"shape": shape}}]
    last_dense = max(at for at, kind in enumerate(layers) if kind == "Linear")
    for at, kind in enumerate(layers):
        params: Json = {"out_features": outputs if at == last_dense else 8} if kind == "Linear" else {}
        params |= {"hidden_size": 8} if kind == "LSTM" else {}
        reads = f"{nodes[-1]['id']}:last" if nodes[-1]["type"] == "LSTM" else nodes[-1]["id"]
        nodes.append({"id": f"{kind.lower()}{at}", "type": kind, "params": params, "inputs": [reads]})
    document = to_json(example("digits-mlp"))
    document["data"] = {"source": {"type": source}}
    document["network"] = {"nodes": nodes, "outputs": [nodes[-1]["id"]]}
    document["recipe"] |= {"objectives": [{"loss": {"type": loss}}], "optimizer": {"type": "AdamW"}}
    return read.experiment(document)


def followed(experiment: Experiment, suggestion: Suggestion | None) -> Experiment:
    """The design after a suggestion that changes it, and leaves no error."""
    assert suggestion is not None and suggestion.edits and sound(experiment, suggestion)
    after = read.experiment(edits.apply(to_json(experiment), list(suggestion.edits)))
    assert not [problem for problem in check(after)[1] if problem.severity == "error"]
    return after


def kinds(experiment: Experiment) -> list[str | None]:
    return [node.type for node in experiment.network.nodes[1:]]


DEEP = ("Flatten", "Linear", "Tanh", "Linear", "Sigmoid", "Linear")


# Activations -----------------------------------------------------------------------------------------------------


def test_deep_networks_bend_with_relu():
    deep = network(*DEEP)
    suggestion = activations(deep)
    after = followed(deep, suggestion)
    assert kinds(after) == ["Flatten", "Linear", "ReLU", "Linear", "ReLU", "Linear"]
    assert "slopes do not vanish" in suggestion.rule and "Glorot et al. 2011" in str(suggestion)
    again = activations(after)
    assert again.edits == () and str(again).startswith("Already so: ")


@pytest.mark.parametrize("kind", ["ReLU", "LeakyReLU", "GELU", "SELU", "ELU"])
def test_what_is_kin_to_relu_stays_in_deep_networks_and_gives_way_to_tanh_in_shallow_ones(kind: str):
    assert activations(network("Flatten", "Linear", kind, "Linear", kind, "Linear")).edits == ()
    shallow = network("Flatten", "Linear", kind, "Linear")
    after = followed(shallow, activations(shallow))
    assert kinds(after) == ["Flatten", "Linear", "Tanh", "Linear"]
    assert activations(after).edits == ()


@pytest.mark.parametrize(
    ("ends", "loss", "stays"),
    [("Softmax", "CrossEntropy", False), ("ReLU", "CrossEntropy", False), ("LogSoftmax", "NLL", True)],
)
def test_nothing_stands_in_front_of_a_loss_that_takes_scores(ends: str, loss: str, stays: bool):
    design = network("Flatten", "Linear", "Tanh", "Linear", ends, loss=loss)
    suggestion = activations(design)
    if stays:
        assert suggestion.edits == ()
    else:
        assert kinds(followed(design, suggestion)) == ["Flatten", "Linear", "Tanh", "Linear"]


def test_numbers_are_not_held_between_bounds():
    design = network("LSTM", "Linear", "Sigmoid", source="AddingProblem", outputs=1, loss="MSE")
    assert kinds(followed(design, activations(design))) == ["LSTM", "Linear"]
    assert activations(network("LSTM", "Linear", "ReLU", source="AddingProblem", outputs=1, loss="MSE")).edits == ()


def test_a_picture_that_is_given_back_may_be_held_between_bounds():
    document = to_json(example("autoencoder-dense"))
    (output,) = document["network"]["outputs"]
    document["network"]["nodes"].append({"id": "end", "type": "Sigmoid", "inputs": [output]})
    document["network"]["outputs"] = ["end"]
    assert activations(read.experiment(document)).edits == ()


def test_gates_are_left_alone_and_recurrent_layers_count_as_layers():
    document = to_json(network("Flatten", "Linear", "ReLU", "Linear", "ReLU", "Linear"))
    nodes = document["network"]["nodes"]
    nodes[-1:-1] = [
        {"id": "opens", "type": "Linear", "params": {"out_features": 8}, "inputs": ["relu2"]},
        {"id": "gate", "type": "Sigmoid", "inputs": ["opens"]},
        {"id": "product", "type": "Multiply", "inputs": ["relu4", "gate"]},
    ]
    nodes[-1]["inputs"] = ["product"]
    assert activations(read.experiment(document)).edits == ()
    sequence = network("LSTM", "Linear", "Tanh", "Linear", source="AddingProblem", outputs=1, loss="MSE")
    assert kinds(followed(sequence, activations(sequence))) == ["LSTM", "Linear", "ReLU", "Linear"]


# First weights ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("activation", "rule", "as_good", "source"),
    [
        ("ReLU", "HeNormal", "HeUniform", "He et al. 2015"),
        ("LeakyReLU", "HeNormal", "HeTruncated", "He et al. 2015"),
        ("GELU", "HeNormal", "HeNormal", "He et al. 2015"),
        ("Tanh", "XavierUniform", "XavierNormal", "Glorot and Bengio 2010"),
        ("Sigmoid", "XavierUniform", "XavierUniform", "Glorot and Bengio 2010"),
        ("SELU", "LeCunNormal", "LeCunUniform", "Klambauer et al. 2017"),
    ],
)
def test_first_weights_go_by_the_activations(activation: str, rule: str, as_good: str, source: str):
    design = network("Flatten", "Linear", activation, "Linear")
    suggestion = first_weights(design)
    after = followed(design, suggestion)
    assert (after.recipe.init.weight.name, suggestion.source) == (rule, source)
    assert check(after)[1] == [], "the adviser agrees"
    other = edits.apply(to_json(design), list(suggestion.edits))
    other["recipe"]["init"]["weight"] = {"type": as_good}
    told = first_weights(read.experiment(other))
    assert told.edits == () and str(told).startswith(f"Already so: {as_good}. ")


@pytest.mark.parametrize(
    ("layers", "rule"),
    [
        (("Tanh", "Linear", "ReLU", "Linear", "ReLU"), "HeNormal"),
        (("Tanh", "Linear", "Sigmoid", "Linear", "ReLU"), "XavierUniform"),
        (("Tanh", "Linear", "GELU"), "HeNormal"),
        (("SELU", "Linear", "SELU", "Linear", "Tanh"), "LeCunNormal"),
    ],
)
def test_most_of_them_decide(layers: tuple[str, ...], rule: str):
    design = network("Flatten", "Linear", *layers, "Linear")
    assert followed(design, first_weights(design)).recipe.init.weight.name == rule


def test_recurrent_layers_alone_bend_with_tanh_and_sigmoid_and_a_line_with_nothing():
    sequence = network("LSTM", "Linear", source="AddingProblem", outputs=1, loss="MSE")
    assert followed(sequence, first_weights(sequence)).recipe.init.weight.name == "XavierUniform"
    assert first_weights(example("logistic-regression")).edits == ()


# Losses ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("design", "usual", "ending"),
    [
        (network("Flatten", "Linear", "Tanh", "Linear", loss="MSE"), "CrossEntropy", "Linear"),
        (network("Flatten", "Linear", "Tanh", "Linear", "LogSoftmax", loss="NLL"), "CrossEntropy", "Linear"),
        (network("Linear", "Tanh", "Linear", source="Circle", outputs=2, loss="Focal"), "CrossEntropy", "Linear"),
        (network("Linear", "Tanh", "Linear", source="Circle", outputs=1, loss="Hinge"), "BCEWithLogits", "Linear"),
        (network("Linear", "Tanh", "Linear", "Sigmoid", source="Circle", outputs=1, loss="BCE"), "BCEWithLogits", "Linear"),
        (network("LSTM", "Linear", source="AddingProblem", outputs=1, loss="MAE"), "MSE", "Linear"),
    ],
    ids=["classes", "logarithms", "two classes, two outputs", "two classes", "probabilities", "numbers"],
)  # fmt: skip
def test_a_loss_goes_by_what_is_learned(design: Experiment, usual: str, ending: str):
    suggestion = loss(design, 0)
    after = followed(design, suggestion)
    assert after.recipe.objectives[0].loss.name == usual and kinds(after)[-1] == ending
    assert check(after)[1] == []
    again = loss(after, 0)
    assert again is not None and again.edits == () and str(again).startswith(f"Already so: {usual}. ")


def test_of_several_objectives_the_one_that_is_meant_changes():
    document = to_json(network("Flatten", "Linear", "Tanh", "Linear", loss="MSE"))
    document["recipe"]["objectives"] *= 2
    design = read.experiment(document)
    after = followed(design, loss(design, 1))
    assert [objective.loss.name for objective in after.recipe.objectives] == ["MSE", "CrossEntropy"]


def test_no_loss_is_guessed_for_what_is_neither_classes_nor_numbers():
    document = to_json(example("lstm-sequence"))
    for target in ("length", "padding", "nowhere"):  # how many steps count, whether one does, and nothing
        document["recipe"]["objectives"][0]["target"] = target
        design = read.experiment(document)
        assert (target in design.data.source.columns()) is (target != "nowhere") and loss(design, 0) is None


# Of all designs --------------------------------------------------------------------------------------------------


def test_a_suggestion_that_leaves_an_error_is_not_sound():
    broken = network("Flatten", "Linear", "Tanh", "Linear", outputs=7, loss="MSE")
    suggestion = loss(broken, 0)
    assert suggestion is not None and not sound(broken, suggestion)


@pytest.mark.parametrize("name", GALLERY)
def test_suggestions_for_examples_leave_them_whole_and_are_made_once(name: str):
    def the_loss(experiment: Experiment) -> Suggestion:
        found = loss(experiment, 0)
        assert found is not None
        return found

    design = example(name)
    for suggest in (activations, first_weights, the_loss):
        suggestion = suggest(design)
        after = read.experiment(edits.apply(to_json(design), list(suggestion.edits)))
        doubts = [problem.code for problem in check(after)[1]]
        assert doubts == [code for code in remarks(name) if code in doubts], "nothing new to doubt"
        assert sound(design, suggestion) and suggest(after).edits == ()
