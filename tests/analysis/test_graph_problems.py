"""What is wrong with a graph is said once, where it begins, and the fixes that are offered mend it."""

from typing import Any

import pytest

from builder.analysis import analyze, check
from builder.blocks.chain import block, chain, layer
from builder.design import edits, read
from builder.design.network import Network, to_json
from builder.problem import Fix, Problem

IMAGE = layer("Input", id="image", shape=[1, 8, 8])
FEATURES = layer("Input", id="features", shape=[4])


def network(*nodes: dict[str, Any], outputs: list[str], **rest: Any) -> Network:
    return Network.model_validate({"nodes": chain(*nodes), "outputs": outputs, **rest})


def codes(design: Network) -> list[tuple[str, str | None]]:
    return [(problem.code, problem.node) for problem in check(design)[1]]


def applied(design: Network, fix: Fix) -> Network:
    return read.network(edits.apply(to_json(design), fix.edits))


def only_problem(design: Network) -> Problem:
    """The one problem of the design. Every fix that it offers leaves none."""
    (problem,) = check(design)[1]
    assert problem.title[0].isupper() or problem.title.split()[0] == problem.node
    assert problem.because.endswith(".")
    for fix in problem.fixes:
        assert codes(applied(design, fix)) == [], fix.label
    return problem


def labels(problem: Problem) -> list[str]:
    return [fix.label for fix in problem.fixes]


def test_only_the_first_failure_on_a_path_is_told_and_behind_it_nothing_is_known():
    design = network(
        IMAGE,
        layer("Conv2d", id="conv", kernel_size=9),
        layer("Conv2d", id="behind", kernel_size=99),
        layer("Linear", id="far_behind"),
        outputs=["far_behind"],
    )
    analysis = analyze(design)
    assert [(problem.code, problem.node) for problem in analysis.problems] == [("shape/window-too-large", "conv")]
    assert [row.outputs for row in analysis.rows[1:]] == [(), (), ()] and analysis.outputs == (None,)
    assert analysis.signals.keys() == {"image", "image:y"}
    assert labels(check(design)[1][0]) != []  # a fix may bring to light what was hidden behind the failure


def test_failures_on_two_paths_are_both_told():
    design = network(
        IMAGE,
        layer("Conv2d", id="left", kernel_size=9),
        {**layer("MaxPool2d", id="right", kernel_size=9), "inputs": ["image"]},
        {"id": "join", "type": "Concat", "inputs": ["left", "right"]},
        outputs=["join"],
    )
    assert codes(design) == [("shape/window-too-large", "left"), ("shape/window-too-large", "right")]


def test_a_failure_inside_a_block_is_told_once_with_the_way_to_it():
    stage = {
        "inputs": ["x"],
        "nodes": chain(layer("Conv2d", id="conv", inputs=["x"], kernel_size=9)),
        "outputs": ["conv"],
    }
    design = network(
        IMAGE,
        block("Stage", id="one"),
        block("Stage", id="two", inputs=["image"]),
        layer("Concat", inputs=["one", "two"]),
        outputs=["concat"],
        blocks={"Stage": stage},
    )
    (problem,) = check(design)[1]
    assert (problem.code, problem.node) == ("shape/window-too-large", "one.conv")
    for fix in problem.fixes:
        assert codes(applied(design, fix)) == []


def test_a_layer_that_leads_nowhere_is_a_warning_and_only_at_the_end_of_its_path():
    design = network(
        FEATURES,
        layer("Linear", id="output"),
        {**layer("Linear", id="aside"), "inputs": ["features"]},
        layer("ReLU", id="end"),
        outputs=["output"],
    )
    (problem,) = check(design)[1]
    assert (problem.code, problem.severity, problem.node) == ("graph/unused", "warning", "end")
    assert labels(problem) == ["Remove end"]
    assert codes(applied(design, problem.fixes[0])) == [("graph/unused", "aside")]


def test_an_open_input_can_be_connected_to_what_runs_before_it_nearest_first():
    design = network(
        IMAGE, layer("Conv2d", id="conv"), {"id": "pool", "type": "MaxPool2d", "inputs": [None]}, outputs=["pool"]
    )
    found = {problem.code: problem for problem in check(design)[1]}
    assert found.keys() == {"input/missing", "graph/unused"}
    problem = found["input/missing"]
    assert (problem.node, problem.title) == ("pool", "pool has an open input")
    assert "input 1 (x)" in problem.because
    assert labels(problem)[0] == "Connect it to conv"
    assert codes(applied(design, problem.fixes[0])) == []


def test_a_merge_with_one_input_lacks_the_second():
    design = network(FEATURES, layer("Linear", id="fc", out_features=4), layer("Add", id="add"), outputs=["add"])
    problem = only_problem(design)
    assert (problem.code, problem.node) == ("input/missing", "add") and "input 2 (x)" in problem.because
    assert labels(problem) == ["Connect it to features", "Remove add"]


@pytest.mark.parametrize(
    ("nodes", "code"), [([], "graph/empty"), ([layer("Linear")], "graph/no-input")], ids=["empty", "no input"]
)
def test_a_network_needs_nodes_and_an_input(nodes: list[dict[str, Any]], code: str):
    design = Network.model_validate({"nodes": chain(*nodes), "outputs": [node["id"] for node in chain(*nodes)]})
    assert (code, None) in codes(design)
    assert analyze(design).parameters == 0


def test_a_network_without_outputs_can_give_what_its_last_layer_gives():
    problem = only_problem(network(FEATURES, layer("Linear", id="last"), outputs=[]))
    assert (problem.code, labels(problem)) == ("graph/no-output", ["Let last be the output"])


def test_a_block_without_outputs_gives_nothing():
    idle = {"inputs": ["x"], "nodes": chain(layer("ReLU", id="relu", inputs=["x"])), "outputs": []}
    design = network(FEATURES, block("Idle", id="idle"), outputs=["features"], blocks={"Idle": idle})
    assert ("block/no-output", "idle") in codes(design)
    assert [row.id for row in analyze(design).expanded()] == ["features", "idle.relu"]


def test_a_block_that_changes_its_signal_cannot_be_repeated():
    wide = {"inputs": ["x"], "nodes": chain(layer("Linear", id="fc", inputs=["x"], out_features=8)), "outputs": ["fc"]}
    problem = only_problem(
        network(FEATURES, block("Wide", id="body", repeat=2), outputs=["body"], blocks={"Wide": wide})
    )
    assert (problem.code, problem.node, labels(problem)) == ("block/not-repeatable", "body", ["Use it once"])
    assert "4 goes in and 8 comes out" in problem.because


def shared(*between: dict[str, Any]) -> Network:
    return network(
        FEATURES,
        layer("Linear", id="first", out_features=8),
        *between,
        {"id": "again", "type": "Linear", "params": {"out_features": 8}, "shares": "first"},
        outputs=["again"],
    )


def test_weights_are_not_shared_by_layers_that_read_different_widths():
    problem = only_problem(shared())
    assert (problem.code, problem.node, labels(problem)) == ("shares/shape", "again", ["Give it weights of its own"])
    assert problem.because == "What it receives needs a weight of 8 x 8, and that of first is 8 x 4."
    assert codes(shared(layer("Linear", id="narrow", out_features=4))) == []


def test_running_statistics_without_weights_are_not_shared_by_different_widths_either():
    design = network(
        FEATURES,
        layer("BatchNorm1d", id="norm", affine=False),
        layer("Linear", id="fc", out_features=8),
        {"id": "again", "type": "BatchNorm1d", "params": {"affine": False}, "shares": "norm"},
        outputs=["again"],
    )
    assert only_problem(design).code == "shares/shape"


def test_numbers_given_by_hand_have_the_shape_of_what_they_fill():
    values = {"type": "Values", "params": {"values": [[1, 2]]}}
    design = network(
        FEATURES, {"id": "fc", "type": "Linear", "params": {"out_features": 1}, "init": {"weight": values}}, outputs=["fc"]
    )  # fmt: skip
    problem = only_problem(design)
    assert (problem.code, problem.node) == ("init/shape", "fc")
    assert problem.because == "They are 1 x 2, and the weight is 1 x 4."
    assert labels(problem) == ["Start from the recipe's rule"]


def test_a_network_that_no_machine_could_hold_is_refused_with_its_size():
    design = network(
        FEATURES, layer("Linear", id="wide", out_features=65_536), layer("Linear", id="wider", out_features=65_536), outputs=["wider"]
    )  # fmt: skip
    problem = only_problem(design)
    assert (problem.code, problem.node) == ("size/parameters", "wider")
    assert "4,295,360,512 parameters, 16.0 GiB" in problem.because


def test_a_signal_that_no_machine_could_hold_is_refused_with_its_size():
    design = network(layer("Input", id="image", shape=[1, 4096, 4096]), layer("Conv2d", id="conv"), outputs=["conv"])
    problem = only_problem(design)
    assert (problem.code, problem.node) == ("size/signal", "conv")
    assert f"{32 * 4094 * 4094:,} numbers" in problem.because


def test_several_problems_come_at_once_in_the_order_of_the_layers():
    design = network(
        IMAGE,
        layer("Conv2d", id="conv", kernel_size=9),
        {**layer("Linear", id="fc"), "inputs": ["image"]},
        outputs=["fc"],
    )
    assert codes(design) == [("shape/window-too-large", "conv"), ("shape/wrong-axes", "fc"), ("graph/unused", "conv")]
