"""Doubts about designs that run: what raises one, what does not, and that its fix settles it."""

from typing import Any

import pytest
from variants import changed

from builder.analysis import check
from builder.blocks import example
from builder.catalog.sources import Iris, Scale
from builder.design import edits, read
from builder.design.experiment import Experiment
from builder.design.network import to_json
from builder.problem import Json, Problem

DIGITS = {"source": {"type": "Digits"}, "prepare": [{"type": "Standardize", "params": {"column": "image"}}]}
IMAGE = {"id": "image", "type": "Input", "params": {"shape": [1, 8, 8]}}


def chain(*layers: tuple[str, dict[str, Any]], before: Json = IMAGE) -> list[Json]:
    """Nodes one behind the other, called by their type in small letters and their place."""
    nodes, last = [before], before["id"]
    for at, (kind, params) in enumerate(layers):
        nodes.append({"id": f"{kind.lower()}{at}", "type": kind, "params": params, "inputs": [last]})
        last = nodes[-1]["id"]
    return nodes


def learning(nodes: list[Json], loss: str = "CrossEntropy", **recipe: Any) -> Experiment:
    """An experiment on the digits, with weight decay, so that nobody doubts how many parameters there are."""
    document = to_json(example("digits-mlp"))
    document["network"] = {"nodes": nodes, "outputs": [nodes[-1]["id"]]}
    document["recipe"] |= {"objectives": [{"loss": {"type": loss}}], "optimizer": {"type": "AdamW"}} | recipe
    return read.experiment(document)


def dense(*middle: tuple[str, dict[str, Any]], units: int = 32) -> list[Json]:
    """A hidden dense layer, what is put behind it, and scores."""
    hidden = ("Linear", {"out_features": units})
    return chain(("Flatten", {}), hidden, *middle, ("Linear", {"out_features": 10}))


def told(experiment: Experiment, code: str) -> list[Problem]:
    return [problem for problem in check(experiment)[1] if problem.code == f"advice/{code}"]


def the_only(experiment: Experiment, code: str) -> Problem:
    """The one doubt that there is, which no fix may leave."""
    (problem,) = check(experiment)[1]
    assert (problem.code, problem.severity) == (f"advice/{code}", "warning")
    assert problem.fixes
    for fix in problem.fixes:
        mended = read.experiment(edits.apply(to_json(experiment), list(fix.edits)))
        assert check(mended)[1] == [], fix.label
    return problem


def test_nothing_is_doubted_of_a_plain_network():
    assert check(learning(dense(("ReLU", {}))))[1] == []


@pytest.mark.parametrize(
    "between", [[], [("Dropout", {})], [("BatchNorm1d", {})], [("Dropout", {}), ("BatchNorm1d", {})]]
)
def test_layers_without_a_bend_between_them_are_one(between: list[tuple[str, dict[str, Any]]]):
    nodes = dense(*between)
    if between and between[0][0] == "BatchNorm1d":
        nodes[2]["params"]["bias"] = False
    problem = the_only(learning(nodes), "linear")
    assert problem.node == "linear1" and "linear1 and linear" in problem.title


def test_convolutions_too_and_inside_of_blocks():
    convolutions = [("Conv2d", {"out_channels": 8, "kernel_size": 3})] * 2
    ends = [("ReLU", {}), ("Flatten", {}), ("Linear", {"out_features": 10})]
    assert the_only(learning(chain(*convolutions, *ends)), "linear").node == "conv2d0"
    inside = [
        {"id": "one", "type": "Linear", "params": {"out_features": 64}, "inputs": ["x"]},
        {"id": "two", "type": "Linear", "params": {"out_features": 64}, "inputs": ["one"]},
        {"id": "relu", "type": "ReLU", "inputs": ["two"]},
    ]
    nodes = chain(("Flatten", {}))
    nodes += [
        {"id": "pair", "block": "Pair", "repeat": 3, "inputs": ["flatten0"]},
        {"id": "scores", "type": "Linear", "params": {"out_features": 10}, "inputs": ["pair"]},
    ]
    document = to_json(learning(dense(("ReLU", {}))))
    blocks = {"Pair": {"inputs": ["x"], "nodes": inside, "outputs": ["relu"]}}
    document["network"] = {"nodes": nodes, "outputs": ["scores"], "blocks": blocks}
    assert the_only(read.experiment(document), "linear").node == "pair.0.one", "of the copies the first"


@pytest.mark.parametrize("units", [4, 9])
def test_a_narrow_layer_between_two_wide_ones_is_meant(units: int):
    """The product of both is a matrix of low rank, which one layer of that many parameters could not be."""
    assert not told(learning(dense(units=units)), "linear")
    assert told(learning(dense(units=10)), "linear")


def test_a_depthwise_convolution_in_front_of_one_by_one_is_meant():
    grouped = [("Conv2d", {"out_channels": 8, "kernel_size": 3}), ("ReLU", {}),
               ("Conv2d", {"out_channels": 8, "kernel_size": 3, "groups": 8}), ("Conv2d", {"out_channels": 8, "kernel_size": 1})]  # fmt: skip
    ends = [("ReLU", {}), ("Flatten", {}), ("Linear", {"out_features": 10})]
    assert not told(learning(chain(*grouped, *ends)), "linear")


def sigmoids(count: int) -> list[Json]:
    hidden = [("Linear", {"out_features": 32}), ("Sigmoid", {})] * count
    return chain(("Flatten", {}), *hidden, ("Linear", {"out_features": 10}))


def test_many_sigmoids_let_little_of_a_gradient_through():
    problem = the_only(learning(sigmoids(3)), "sigmoids")
    assert "3 sigmoids" in problem.title and "0.016" in problem.because  # 0.25 cubed
    assert not told(learning(sigmoids(2)), "sigmoids")


def test_sigmoids_in_front_of_pooling_count_too():
    stage = [("Conv2d", {"out_channels": 4, "kernel_size": 3, "padding": 1}), ("Sigmoid", {}),
             ("AvgPool2d", {"kernel_size": 2})]  # fmt: skip
    ends = [("Flatten", {}), ("Linear", {"out_features": 10})]
    assert the_only(learning(chain(*stage[:2], *stage, *stage, *ends)), "sigmoids").node == "sigmoid1"
    assert check(learning(chain(*stage, *stage, *ends)))[1] == []


def test_a_sigmoid_that_opens_a_gate_is_meant():
    gates = chain(("Flatten", {}))
    last = "flatten0"
    for at in range(4):
        gates += [
            {"id": f"open{at}", "type": "Linear", "params": {"out_features": 64}, "inputs": [last]},
            {"id": f"gate{at}", "type": "Sigmoid", "inputs": [f"open{at}"]},
            {"id": f"product{at}", "type": "Multiply", "inputs": [last, f"gate{at}"]},
        ]
        last = f"product{at}"
    gates.append({"id": "scores", "type": "Linear", "params": {"out_features": 10}, "inputs": [last]})
    assert not told(learning(gates), "sigmoids")


@pytest.mark.parametrize(
    ("rule", "activation", "better"),
    [("HeNormal", "Tanh", "XavierNormal"), ("HeUniform", "Sigmoid", "XavierUniform"), ("HeTruncated", "Tanh", "XavierNormal"),
     ("XavierNormal", "ReLU", "HeNormal"), ("XavierUniform", "LeakyReLU", "HeUniform")],
)  # fmt: skip
def test_first_weights_suit_the_activations(rule: str, activation: str, better: str):
    def with_init(name: str) -> Experiment:
        return learning(dense((activation, {})), init={"weight": {"type": name}})

    assert the_only(with_init(rule), "initializer").fixes[0].label == f"Use {better}"
    assert check(with_init(better))[1] == []
    assert not told(learning(dense((activation, {}))), "initializer"), "the default is nobody's choice"


@pytest.mark.parametrize("rule", ["HeNormal", "XavierNormal"])
def test_what_is_nearly_a_relu_may_start_either_way(rule: str):
    smooth = dense(("GELU", {}), ("Linear", {"out_features": 32}), ("GELU", {}), ("Linear", {"out_features": 32}), ("Tanh", {}))  # fmt: skip
    assert check(learning(smooth, init={"weight": {"type": rule}}))[1] == []


def test_a_bias_in_front_of_a_batch_norm_does_nothing():
    nodes = dense(("BatchNorm1d", {}), ("ReLU", {}))
    assert the_only(learning(nodes), "bias-before-norm").node == "linear1"
    nodes[2]["params"]["bias"] = False
    assert check(learning(nodes))[1] == []
    branches = dense(("BatchNorm1d", {}), ("ReLU", {}))
    branches.insert(-1, {"id": "sum", "type": "Add", "inputs": ["relu3", "linear1"]})
    branches[-1]["inputs"] = ["sum"]
    assert not told(learning(branches), "bias-before-norm"), "somebody else reads it with its bias"


def test_a_norm_of_one_sample_says_little():
    nodes = chain(("Conv2d", {"out_channels": 4, "kernel_size": 3, "bias": False}), ("BatchNorm2d", {}), ("ReLU", {}),
                  ("Flatten", {}), ("Linear", {"out_features": 10}))  # fmt: skip
    assert the_only(learning(nodes, batch={"size": 1}), "norm-of-one").node == "batchnorm2d1"
    assert check(learning(nodes, batch={"size": 2}))[1] == []
    assert not told(learning(dense(("ReLU", {})), batch={"size": 1}), "norm-of-one")


def test_a_window_over_a_single_point():
    def with_kernel(kernel: int) -> Experiment:
        layers = [("Conv2d", {"out_channels": 4, "kernel_size": 3}), ("ReLU", {}), ("MaxPool2d", {"kernel_size": 6}),
                  ("Conv2d", {"out_channels": 4, "kernel_size": kernel, "padding": kernel // 2}), ("ReLU", {}),
                  ("Flatten", {}), ("Linear", {"out_features": 10})]  # fmt: skip
        return learning(chain(*layers))

    problem = the_only(with_kernel(3), "single-point")
    assert (problem.node, problem.fixes[0].label) == ("conv2d3", "Leave maxpool2d2 out")
    assert check(with_kernel(1))[1] == []


def stem(stride: int, pool: int, kernel: int = 3, size: int = 28) -> Experiment:
    """Two convolutions with a stride and a pooling between them, on pictures of `size` x `size`."""
    around = {"kernel_size": kernel, "padding": kernel // 2}
    layers = [("Conv2d", {"out_channels": 4, "kernel_size": 5, "padding": 2, "stride": stride}), ("ReLU", {}),
              ("MaxPool2d", {"kernel_size": pool}), ("Conv2d", {"out_channels": 4, **around}), ("ReLU", {}),
              ("AdaptiveAvgPool2d", {}), ("Flatten", {}), ("Linear", {"out_features": 10})]  # fmt: skip
    before = {"id": "image", "type": "Input", "params": {"shape": [3, size, size]}}
    document = to_json(learning(chain(*layers, before=before)))
    document["data"] = {"source": {"type": "Shapes", "params": {"size": size}}}
    return read.experiment(document)


def test_a_small_picture_is_not_made_tiny_before_it_is_looked_at_twice():
    problem = the_only(stem(stride=4, pool=2), "shrunk-early")  # 28, 7, 3
    assert problem.node == "conv2d3" and "4 x 3 x 3 comes in, of pictures that are 3 x 28 x 28" in problem.because
    assert [fix.label for fix in problem.fixes] == ["Leave maxpool2d2 out", "Set the stride of conv2d0 to 1"]
    assert check(stem(stride=2, pool=2))[1] == []  # 28, 14, 7
    assert told(stem(stride=2, pool=4), "shrunk-early")  # 28, 14, 3
    assert check(stem(stride=4, pool=2, size=30))[1] == []  # 30, 8, 4: not quite 8 times
    assert the_only(stem(stride=4, pool=4, size=16), "single-point"), "16, 4, 1, and told of once"


@pytest.mark.parametrize(
    ("quiet", "loud"), [({"size": 65}, {"size": 64}), ({"kernel": 1}, {"kernel": 3})], ids=["large", "one pixel"]
)
def test_what_is_left_is_enough_for_large_pictures_and_for_single_pixels(quiet: Json, loud: Json):
    assert check(stem(**{"stride": 4, "pool": 2} | quiet))[1] == []
    assert told(stem(**{"stride": 4, "pool": 2} | loud), "shrunk-early")


def measured(source: str, *prepare: Json, norm: bool = False) -> Experiment:
    """A small network on a table of measurements."""
    features = {"Wine": 13, "Iris": 4}[source]
    row = {"id": "row", "type": "Input", "params": {"shape": [features]}}
    front = [("BatchNorm1d", {})] if norm else []
    layers = [*front, ("Linear", {"out_features": 8}), ("ReLU", {}), ("Linear", {"out_features": 3})]
    document = to_json(learning(chain(*layers, before=row)))
    column = {"column": "measurements"}
    prepared = [{**one, "params": {**one.get("params", {}), **column}} for one in prepare]
    document["data"] = {"source": {"type": source}, "prepare": prepared}
    return read.experiment(document)


WHOLE = {"type": "Standardize", "params": {"per": "column"}}


def test_measurements_on_scales_of_their_own_are_to_be_prepared():
    problem = the_only(measured("Wine"), "unscaled")
    assert problem.node == "row" and "from 0.124 to 314" in problem.because
    assert [fix.label for fix in problem.fixes] == ["Standardize measurements", "Scale measurements to 0 to 1"]
    as_one = the_only(measured("Wine", WHOLE), "unscaled")  # one scale for all leaves them as unlike as they were
    mended = read.experiment(edits.apply(to_json(measured("Wine", WHOLE)), list(as_one.fixes[0].edits)))
    assert [prepared.per for prepared in mended.data.prepare] == ["column", "feature"], "behind what was there"
    for quiet in (measured("Wine", {"type": "Standardize"}), measured("Wine", {"type": "MinMax"}), measured("Iris"),
                  measured("Wine", norm=True)):  # fmt: skip
        assert check(quiet)[1] == []


@pytest.mark.parametrize(
    ("scales", "is_told", "told_if_as_one"),
    [
        ([(0, 1), (0, 1)], False, False),
        ([(10, 10), (-10, 10)], False, False),
        ([(0, 1), (0, 11)], True, False),
        ([(0, 1), (11, 1)], True, False),
        ([(-11, 1), (0, 1)], True, False),
        ([(0, 0.05), (0, 5.5)], True, True),  # 110 times
        ([(0, 0.06), (0, 5.5)], False, False),  # 92 times
        ([(3, 0), (0, 5.5)], False, False),  # a constant has no scale
    ],
)
def test_which_scales_are_far_off(
    scales: list[tuple[float, float]], is_told: bool, told_if_as_one: bool, monkeypatch: pytest.MonkeyPatch
):
    stated = {"measurements": tuple(Scale(*scale) for scale in scales)}
    monkeypatch.setattr(Iris, "scales", lambda self: stated)
    assert bool(told(measured("Iris"), "unscaled")) is is_told
    assert bool(told(measured("Iris", WHOLE), "unscaled")) is told_if_as_one


@pytest.mark.parametrize(("loss", "last"), [("CrossEntropy", "Softmax"), ("Focal", "Softmax")])
def test_a_softmax_is_not_worked_out_twice(loss: str, last: str):
    nodes = [*dense(("ReLU", {})), {"id": "end", "type": last, "inputs": ["linear3"]}]
    assert the_only(learning(nodes, loss), "twice").node == "end"
    assert check(learning(nodes[:-1], loss))[1] == []


def test_nor_is_a_sigmoid_of_one_score():
    document = to_json(example("logistic-regression"))
    assert document["recipe"]["objectives"][0]["loss"]["type"] == "BCEWithLogits"
    (output,) = document["network"]["outputs"]
    document["network"]["nodes"].append({"id": "end", "type": "Sigmoid", "inputs": [output]})
    document["network"]["outputs"] = ["end"]
    assert the_only(read.experiment(document), "twice").node == "end"
    document["recipe"]["objectives"][0]["loss"] = {"type": "BCE"}
    assert check(read.experiment(document))[1] == []


def test_dropout_at_the_end_disturbs_the_answer():
    nodes = [*dense(("ReLU", {})), {"id": "end", "type": "Dropout", "inputs": ["linear3"]}]
    assert the_only(learning(nodes), "noisy-answer").node == "end"


@pytest.mark.parametrize(("kind", "bounds"), [("Sigmoid", "0 and 1"), ("Tanh", "-1 and 1"), ("ReLU6", "0 and 6")])
def test_an_answer_with_bounds_cannot_be_any_number(kind: str, bounds: str):
    document = to_json(example("linear-regression"))
    assert check(read.experiment(document))[1] == []
    (output,) = document["network"]["outputs"]
    document["network"]["nodes"].append({"id": "end", "type": kind, "inputs": [output]})
    document["network"]["outputs"] = ["end"]
    problem = the_only(read.experiment(document), "bounded")
    assert problem.node == "end" and bounds in problem.title


def test_a_picture_that_is_given_back_may_have_bounds():
    document = to_json(example("autoencoder-dense"))
    (output,) = document["network"]["outputs"]
    document["network"]["nodes"].append({"id": "end", "type": "Sigmoid", "inputs": [output]})
    document["network"]["outputs"] = ["end"]
    assert not told(read.experiment(document), "bounded")


@pytest.mark.parametrize(
    ("optimizer", "rate", "wanted"),
    [("SGD", 3.0, "Set it to 1"), ("AdamW", 0.5, "Set it to 0.1"), ("AdamW", 1e-7, "Set it to 1e-05"), ("LBFGS", 1e-4, "Set it to 0.01")],
)  # fmt: skip
def test_a_rate_far_from_the_usual(optimizer: str, rate: float, wanted: str):
    nodes = dense(("ReLU", {}), units=8)
    whole = {"batch": {"size": None}} if optimizer == "LBFGS" else {}
    problem = the_only(learning(nodes, optimizer={"type": optimizer, "params": {"lr": rate}}, **whole), "rate")
    assert problem.fixes[0].label == wanted
    near = float(wanted.rpartition(" ")[2])
    assert check(learning(nodes, optimizer={"type": optimizer, "params": {"lr": near}}, **whole))[1] == []


RPROP = {"optimizer": {"type": "Rprop"}, "batch": {"size": None}}


@pytest.mark.parametrize(
    "falling",
    [{"schedule": {"type": "Cosine"}}, {"warm_up": 1}, {"schedule": {"type": "ReduceOnPlateau"}, "warm_up": 0.5}],
    ids=str,
)
def test_a_rate_that_changes_for_an_optimizer_that_does_not_follow_it(falling: dict[str, Any]):
    nodes = dense(("ReLU", {}), units=8)
    problem = the_only(learning(nodes, **RPROP, **falling), "rate-not-followed")
    assert problem.title.startswith("Rprop ") and problem.fixes[0].label == "Keep the rate constant"
    document = to_json(learning(nodes, **RPROP, **falling))
    mended = read.experiment(edits.apply(document, list(problem.fixes[0].edits)))
    assert mended.recipe.schedule.name == "Constant" and mended.recipe.warm_up == 0
    assert not told(learning(nodes, **RPROP), "rate-not-followed")
    assert not told(learning(nodes, optimizer={"type": "RMSprop"}, **falling), "rate-not-followed")


def test_what_can_be_learned_by_heart():
    nodes = dense(("ReLU", {}), units=400)
    adam = {"type": "Adam"}
    problem = the_only(learning(nodes, optimizer=adam), "by-heart")
    assert "30,010 parameters" in problem.because  # 65 * 400 + 401 * 10
    for held in (
        {"optimizer": {"type": "AdamW"}},
        {"optimizer": adam, "early_stopping": {}},
        {"optimizer": adam, "ema": 0.9},
    ):
        assert not told(learning(nodes, **held), "by-heart"), held
    dropping = dense(("ReLU", {}), ("Dropout", {}), units=400)
    assert not told(learning(dropping, optimizer=adam), "by-heart")
    assert not told(learning(dense(("ReLU", {}), units=100), optimizer=adam), "by-heart")


def test_errors_come_before_advice():
    nodes = sigmoids(4)
    nodes[-1]["params"]["out_features"] = 7
    assert [problem.code for problem in check(learning(nodes))[1]] == ["recipe/output-mismatch"]


def test_advice_hinders_nobody():
    """What is doubted is trained all the same."""
    assert all(problem.severity == "warning" for problem in check(changed(example("lenet5"), batch={"size": 1}))[1])
