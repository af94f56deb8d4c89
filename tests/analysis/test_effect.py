"""What an edit is said to do is what the two layer tables differ in."""

import pytest

from builder.analysis import Analysis, analyze
from builder.analysis.effect import effect, explosion
from builder.blocks import example
from builder.design import edits, read
from builder.design.network import Network, to_json
from builder.problem import Edit, Problem, Remove, Set


def after(*changes: Edit) -> str:
    document = to_json(example("lenet5"))
    changed = read.experiment(edits.apply(document, list(changes)))
    return effect(analyze(example("lenet5").network), analyze(changed.network))


def test_shapes_parameters_and_macs_are_told_with_what_they_were() -> None:
    told = after(Set(path="network.nodes.c3.params.out_channels", value=32))
    # c3, tanh2, s4 and flatten; f5 reads more and gives as much as before
    c3, f5 = (6 * 25 + 1) * 32, (32 * 25 + 1) * 120
    parameters = 61_706 - (6 * 25 + 1) * 16 - (16 * 25 + 1) * 120 + c3 + f5
    macs = 416_520 + (32 - 16) * (100 * 6 * 25 + 25 * 120)
    assert told == f"4 layers change shape, parameters 61,706 → {parameters:,}, MACs 416,520 → {macs:,}."


def test_what_changes_no_number_has_no_effect_to_tell() -> None:
    assert after(Set(path="network.nodes.c3.title", value="Third")) == ""


def test_layers_whose_output_is_no_more_known_have_changed() -> None:
    told = after(Set(path="network.nodes.c3.params.kernel_size", value=99))
    assert told.startswith("9 layers change shape, parameters 61,706 → 156")


def test_one_layer_is_told_as_one() -> None:
    assert after(Set(path="network.nodes.f6.params.out_features", value=85)).startswith("2 layers change shape")
    assert "change" not in after(Remove(node="tanh1"))


def wide(units: int, features: int = 1000) -> Network:
    """So many parameters for each of so many features, without biases."""
    nodes = [
        {"id": "row", "type": "Input", "params": {"shape": [features]}},
        {"id": "small", "type": "Linear", "params": {"out_features": 1, "bias": False}, "inputs": ["row"]},
        {"id": "large", "type": "Linear", "params": {"out_features": units, "bias": False}, "inputs": ["row"]},
    ]
    return read.network({"nodes": nodes, "outputs": ["small", "large"]})


def grown(before: Network, after: Network) -> Problem | None:
    return explosion(analyze(before), analyze(after), to_json(before))


def test_an_edit_that_makes_a_network_many_times_as_large_is_told_with_the_way_back() -> None:
    before = wide(199)  # 199,000 and 1,000 parameters
    problem = grown(before, wide(1999))
    assert problem is not None and (problem.severity, problem.node) == ("warning", "large")
    assert problem.title == "The last change made the network 10 times as large"
    assert problem.because == "It had 200,000 parameters and has 2,000,000. large has 1,999,000 of them: it reads 1000."
    (fix,) = problem.fixes
    document = to_json(example("lenet5")) | {"network": to_json(wide(1999))}
    assert edits.apply(document, list(fix.edits))["network"] == to_json(before)


@pytest.mark.parametrize(
    ("before", "after", "is_told"),
    [(199, 1000, True), (199, 999, False), (99, 999, True), (99, 998, False), (1999, 99, False)],
    ids=["just more than five times", "five times", "a million", "less than a million", "smaller"],
)
def test_small_networks_may_grow_as_they_like_and_large_ones_five_times(before: int, after: int, is_told: bool) -> None:
    assert (grown(wide(before), wide(after)) is not None) is is_told


def test_a_network_that_was_broken_before_was_not_that_small() -> None:
    broken = to_json(wide(199))
    broken["nodes"][2]["inputs"] = [None]
    was: Analysis = analyze(read.network(broken))
    assert was.parameters == 1000 and explosion(was, analyze(wide(1999)), broken) is None
