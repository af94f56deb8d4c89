"""What cannot learn is told of before training: no gradient comes through a step."""

from typing import Any

import pytest
import torch

from builder.analysis import check
from builder.blocks import example
from builder.compile import build
from builder.design import edits, read
from builder.design.experiment import Experiment
from builder.design.network import to_json
from builder.problem import Problem

GATE = {"weight": {"type": "Values", "params": {"values": [[1, 1], [1, -1]]}}}


def perceptron(*nodes: dict[str, Any], blocks: dict[str, Any] | None = None) -> Experiment:
    """The perceptron of the gallery with other layers, each reading the one before it, the last of two units."""
    document = to_json(example("perceptron"))
    (data,) = [node for node in document["network"]["nodes"] if node["type"] == "Input"]
    chained, last = [data], data["id"]
    for node in nodes:
        chained.append({"inputs": [last], **node})
        last = node["id"]
    document["network"] |= {"nodes": chained, "outputs": [last], "blocks": blocks or {}, "view": {}}
    document["recipe"]["objectives"] = [{"loss": {"type": "MSE"}}]
    return read.experiment(document)


def dense(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "type": "Linear", "params": {"out_features": 2}, **more}


STEP = {"id": "fires", "type": "Step"}


def no_gradient(design: Experiment) -> list[Problem]:
    return [problem for problem in check(design)[1] if problem.code == "recipe/no-gradient"]


def test_a_step_before_the_output_is_refused_and_can_be_replaced():
    design = perceptron(dense("hidden"), STEP, dense("scores"))
    (problem,) = no_gradient(design)
    assert (problem.node, problem.title) == ("fires", "fires cannot be trained")
    assert problem.because.endswith("nothing before it can learn: hidden.")
    assert [fix.label for fix in problem.fixes] == ["Replace it by Sigmoid", "Replace it by ReLU"]
    for fix, kind in zip(problem.fixes, ("Sigmoid", "ReLU"), strict=True):
        repaired = read.experiment(edits.apply(to_json(design), fix.edits))
        assert check(repaired)[1] == [] and repaired.network.nodes[2].type == kind


def test_what_is_said_to_stay_as_it_is_gets_no_gradient_in_pytorch():
    module = build(perceptron(dense("hidden"), STEP, dense("scores")).network)
    module(torch.randn(3, 2))[0].sum().backward()
    assert module.hidden.weight.grad is None and module.scores.weight.grad is not None


@pytest.mark.parametrize(
    "nodes",
    [
        [STEP, dense("scores")],
        [dense("gates", frozen=True), STEP, dense("scores")],
        [dense("gates", init=GATE), STEP, dense("scores")],
        [dense("hidden"), STEP, {"id": "sum", "type": "Add", "inputs": ["fires", "hidden"]}, dense("scores")],
        [dense("hidden"), STEP, dense("scores", inputs=["hidden"])],
    ],
    ids=["nothing before it", "frozen", "by hand", "another path", "leads nowhere"],
)
def test_a_step_behind_which_nothing_has_to_learn_is_fine(nodes: list[dict[str, Any]]):
    assert no_gradient(perceptron(*nodes)) == []


def test_the_last_of_several_steps_is_told_of_and_repaired_first():
    design = perceptron(dense("first"), {**STEP, "id": "one"}, dense("second"), {**STEP, "id": "two"}, dense("scores"))
    (problem,) = no_gradient(design)
    assert problem.node == "two" and problem.because.endswith(": first, second.")
    (next_problem,) = no_gradient(read.experiment(edits.apply(to_json(design), problem.fixes[0].edits)))
    assert next_problem.node == "one"


def test_a_step_inside_a_repeated_block_is_replaced_there():
    block = {"inputs": ["x"], "nodes": [dense("mix", inputs=["x"]), {**STEP, "inputs": ["mix"]}], "outputs": ["fires"]}
    design = perceptron({"id": "deep", "block": "Deep", "repeat": 2}, dense("scores"), blocks={"Deep": block})
    (problem,) = no_gradient(design)
    assert problem.node == "deep.1.fires" and problem.because.endswith(": deep.0.mix, deep.1.mix.")
    assert no_gradient(read.experiment(edits.apply(to_json(design), problem.fixes[0].edits))) == []


def test_a_network_alone_may_have_steps():
    assert check(perceptron(dense("hidden"), STEP).network)[1] == []


@pytest.mark.parametrize("rule", [{"type": "Zeros"}, {"type": "Ones"}, {"type": "Constant"}], ids=str)
def test_hidden_weights_that_all_start_alike_are_warned_of_and_the_units_do_stay_copies(rule: dict[str, Any]):
    document = to_json(perceptron(dense("hidden"), {"id": "bends", "type": "Sigmoid"}, dense("scores")))
    document["recipe"]["init"] = {"weight": rule, "bias": {"type": "Zeros"}}
    design = read.experiment(document)
    (problem,) = check(design)[1]
    assert (problem.code, problem.severity) == ("init/copies", "warning")
    assert problem.because.endswith(": hidden, scores.")
    (fix,) = problem.fixes
    repaired = read.experiment(edits.apply(to_json(design), fix.edits))
    assert check(repaired)[1] == []
    module = build(design.network, design.recipe.init)
    module(torch.randn(5, 2))[0].pow(2).sum().backward()
    assert torch.equal(module.hidden.weight.grad[0], module.hidden.weight.grad[1])


ALIKE = {"weight": {"type": "Constant"}}
BENDS = {"id": "bends", "type": "Sigmoid"}


def unlike_units(design: Experiment) -> bool:
    """Whether the units of the hidden layer are asked for different things, so that they do not stay copies."""
    torch.manual_seed(0)
    module = build(design.network, design.recipe.init)
    module(torch.randn(5, 2))[0].pow(2).sum().backward()
    return not torch.equal(module.hidden.weight.grad[0], module.hidden.weight.grad[1])


def starting(rule: dict[str, Any], *nodes: dict[str, Any]) -> Experiment:
    document = to_json(perceptron(*nodes))
    document["recipe"]["init"] = {"weight": rule, "bias": {"type": "Zeros"}}
    return read.experiment(document)


@pytest.mark.parametrize("own", ["Zeros", "Ones", "Constant"])
@pytest.mark.parametrize("recipe", ["Default", "Constant"])
def test_weights_of_nodes_that_start_alike_are_warned_of_as_the_recipe_s_are(own: str, recipe: str):
    start = {"weight": {"type": own}}
    scores = dense("scores", **({"init": start} if recipe == "Default" else {}))
    design = starting({"type": recipe}, dense("hidden", init=start), BENDS, scores)
    assert not unlike_units(design)
    (problem,) = check(design)[1]
    assert (problem.code, problem.node) == ("init/copies", "hidden") and problem.because.endswith(": hidden, scores.")
    (fix,) = problem.fixes
    repaired = read.experiment(edits.apply(to_json(design), fix.edits))
    assert check(repaired)[1] == [] and unlike_units(repaired)


@pytest.mark.parametrize(
    ("recipe", "hidden", "scores"),
    [("Default", ALIKE, {}), ("Constant", {}, {"weight": {"type": "Normal"}})],
    ids=["by its own rule", "by the recipe's"],
)
def test_a_hidden_layer_may_start_alike_where_what_reads_it_does_not(
    recipe: str, hidden: dict[str, Any], scores: dict[str, Any]
):
    design = starting({"type": recipe}, dense("hidden", init=hidden), BENDS, dense("scores", init=scores))
    assert check(design)[1] == [] and unlike_units(design)


def test_an_output_may_start_from_zeros():
    zeros = {"weight": {"type": "Zeros"}}
    assert check(starting({"type": "Default"}, dense("hidden"), BENDS, dense("scores", init=zeros)))[1] == []


def test_layers_inside_a_repeated_block_that_start_alike_are_repaired_there():
    inside = [dense("mix", inputs=["x"], init=ALIKE), {**BENDS, "inputs": ["mix"]}]
    block = {"inputs": ["x"], "nodes": inside, "outputs": ["bends"]}
    design = perceptron({"id": "deep", "block": "Deep", "repeat": 2}, dense("scores"), blocks={"Deep": block})
    (problem,) = check(design)[1]
    assert (problem.code, problem.node) == ("init/copies", "deep.0.mix")
    assert problem.because.endswith(": deep.0.mix, deep.1.mix.")
    assert check(read.experiment(edits.apply(to_json(design), problem.fixes[0].edits)))[1] == []


@pytest.mark.parametrize(
    ("rule", "nodes"),
    [
        ({"type": "Zeros"}, [dense("scores")]),
        ({"type": "Zeros"}, [dense("hidden", frozen=True), dense("scores")]),
        ({"type": "Zeros"}, [dense("hidden", init=GATE), dense("scores")]),
        ({"type": "Normal"}, [dense("hidden"), dense("scores")]),
    ],
    ids=["one layer", "frozen", "by hand", "drawn"],
)
def test_weights_that_may_start_as_they_do_are_fine(rule: dict[str, Any], nodes: list[dict[str, Any]]):
    document = to_json(perceptron(*nodes))
    document["recipe"]["init"] = {"weight": rule}
    assert not [problem for problem in check(read.experiment(document))[1] if problem.code.startswith("init/")]
