"""Whether network, data and recipe fit together is known before anything is built, and the fixes that are offered mend it."""

from typing import Any

import pytest
from variants import remarks

from builder.analysis import check
from builder.blocks import GALLERY, example
from builder.blocks.chain import chain, layer
from builder.design import edits, read
from builder.design.experiment import Experiment
from builder.design.network import to_json
from builder.problem import Fix, Problem, Set


def problems(design: Experiment) -> list[Problem]:
    return check(design)[1]


def changed(name: str, **values: Any) -> Experiment:
    """An exhibit of the gallery with other values at some paths; `__` stands for a dot."""
    changes = [Set(path=path.replace("__", "."), value=value) for path, value in values.items()]
    return read.experiment(edits.apply(to_json(example(name)), changes))


def applied(design: Experiment, fix: Fix) -> Experiment:
    return read.experiment(edits.apply(to_json(design), fix.edits))


def only_problem(design: Experiment) -> Problem:
    """The one problem of the design. Every fix that it offers leaves none, and there is one."""
    (problem,) = problems(design)
    assert problem.because.endswith(".") and problem.fixes
    for fix in problem.fixes:
        assert problems(applied(design, fix)) == [], fix.label
    return problem


def labels(problem: Problem) -> list[str]:
    return [fix.label for fix in problem.fixes]


@pytest.mark.parametrize("name", GALLERY)
def test_nothing_is_wrong_with_the_gallery(name: str):
    assert [problem.code for problem in problems(example(name))] == remarks(name)


def test_an_output_of_another_width_than_there_are_classes_can_be_widened():
    problem = only_problem(changed("digits-mlp", network__nodes__scores__params__out_features=7))
    assert (problem.code, problem.node) == ("recipe/output-mismatch", "scores")
    assert problem.because == "It gives 7, and CrossEntropy needs 10 to be compared with digit, which has 10 classes."
    assert labels(problem)[0] == "Set scores to 10 units"


def test_an_output_that_is_no_dense_layer_gets_one():
    document = to_json(example("digits-cnn"))
    document["network"]["nodes"].pop()
    document["network"]["outputs"] = ["dropout"]
    problem = only_problem(read.experiment(document))
    assert (problem.code, problem.node) == ("recipe/output-mismatch", "dropout")
    assert labels(problem)[0] == "Add a Linear with 10 units at the end"


@pytest.mark.parametrize(
    ("name", "loss", "offered"),
    [
        ("digits-mlp", "BCEWithLogits", "Use the loss CrossEntropy"),
        ("sequence-lstm", "CrossEntropy", "Use the loss MSE"),
    ],
)
def test_a_loss_that_cannot_use_its_target_can_be_exchanged(name: str, loss: str, offered: str):
    problem = only_problem(changed(name, recipe__objectives__0__loss={"type": loss}))
    assert problem.code == "recipe/output-mismatch" and offered in labels(problem)
    assert problem.because.startswith(f"{loss} cannot use ")


def test_a_loss_for_two_classes_takes_one_output_or_two():
    assert problems(changed("playground", network__nodes__output__params__out_features=2)) == []
    problem = only_problem(changed("playground", network__nodes__output__params__out_features=3))
    assert "MSE needs 1 or 2 to be compared with side" in problem.because
    assert labels(problem)[:1] == ["Set output to 1 units"]


def test_an_output_that_a_loss_names_has_to_be_there():
    problem = only_problem(changed("digits-mlp", recipe__objectives__0__output="logits"))
    assert (problem.code, labels(problem)) == ("recipe/no-output", ["Look at the network's output"])


def test_a_target_that_a_loss_names_has_to_be_there():
    problem = only_problem(changed("digits-mlp", recipe__objectives__0__target="letter"))
    assert (problem.code, labels(problem)) == ("data/no-target", ["Learn digit"])


def test_an_input_has_the_shape_of_the_column_that_it_reads():
    problem = only_problem(changed("digits-mlp", network__nodes__image__params={"shape": [1, 28, 28]}))
    assert (problem.code, problem.node) == ("data/input-mismatch", "image")
    assert problem.because == "It expects 1 x 28 x 28 (float32), and the column image of Digits is 1 x 8 x 8 (float32)."
    assert labels(problem) == ["Set it to 1 x 8 x 8"]


def test_a_second_input_has_nothing_to_read_and_can_read_the_same():
    document = to_json(example("digits-mlp"))
    document["network"]["nodes"][1:1] = chain(layer("Input", id="other", shape=[1, 8, 8]))
    document["network"]["nodes"][2]["inputs"] = ["image"]
    document["network"]["nodes"][4:] = [
        {"id": "side", "type": "Flatten", "inputs": ["other"]},
        {"id": "join", "type": "Concat", "inputs": ["flatten", "side"]},
        {"id": "scores", "type": "Linear", "params": {"out_features": 10}, "inputs": ["join"]},
    ]
    del document["network"]["nodes"][3]
    problem = only_problem(read.experiment(document))
    assert (problem.code, problem.node, labels(problem)) == ("data/no-column", "other", ["Read image"])


def norm_after_flatten(**batch: Any) -> Experiment:
    """Digits read by a batch norm over features: 1,258 training samples of the 1,797."""
    document = to_json(example("digits-mlp"))
    nodes = chain(
        layer("Input", id="image", shape=[1, 8, 8]),
        layer("Flatten"),
        layer("BatchNorm1d", id="norm"),
        layer("Linear", id="scores", out_features=10),
    )
    document["network"]["nodes"] = nodes
    document["recipe"]["batch"] = batch
    return read.experiment(document)


@pytest.mark.parametrize(
    ("batch", "offered"),
    [
        ({"size": 1}, ["Set the batch size to 2"]),
        ({"size": 1257}, ["Drop the last batch", "Set the batch size to 1258", "Set the batch size to 1256"]),
        ({"size": 3}, ["Drop the last batch", "Set the batch size to 4", "Set the batch size to 2"]),
    ],
    ids=["one", "one is left over from 1257", "one is left over from 3"],
)
def test_a_batch_of_one_with_batch_norm_is_found_before_the_start(batch: dict[str, Any], offered: list[str]):
    assert norm_after_flatten(**batch).data.split.sizes(1797)[0] == 1258
    problem = only_problem(norm_after_flatten(**batch))
    assert (problem.code, problem.node) == ("batch/too-small", "norm")
    assert problem.title == "norm cannot be trained with a batch of 1"
    assert [label for label in labels(problem) if label in offered] == offered


@pytest.mark.parametrize("batch", [{"size": 2}, {"size": 3, "last": "drop"}, {"size": None}, {"size": 5000}], ids=str)
def test_batches_that_never_have_one_sample_alone_are_fine(batch: dict[str, Any]):
    assert problems(norm_after_flatten(**batch)) == []


def test_images_can_be_normalized_one_at_a_time():
    assert only_problem(changed("digits-cnn", recipe__batch__size=1)).code == "advice/norm-of-one"


def test_what_is_wrong_with_network_data_and_recipe_comes_at_once():
    design = changed(
        "digits-cnn",
        network__nodes__conv1__params__kernel_size=99,
        data__prepare__0__params__column="picture",
        recipe__objectives__0__target="letter",
    )
    assert [problem.code for problem in problems(design)] == [
        "shape/window-too-large",
        "data/no-column",
        "data/no-target",
    ]
    assert all(problem.fixes for problem in problems(design))


def ends_in(loss: str, *ending: dict[str, Any], **params: Any) -> Experiment:
    """The network of `digits-mlp` under another loss, with more layers at its end."""
    document = to_json(example("digits-mlp"))
    document["recipe"]["objectives"] = [{"loss": {"type": loss, "params": params}}]
    document["network"]["nodes"] += chain(*ending) if ending else []
    if ending:
        added = document["network"]["nodes"][-len(ending) :]
        added[0]["inputs"] = ["scores"]
        document["network"]["outputs"] = [added[-1]["id"]]
    return read.experiment(document)


@pytest.mark.parametrize("loss", ["NLL", "KLDiv"])
def test_a_loss_of_logarithms_wants_a_log_softmax_at_the_end(loss: str):
    problem = only_problem(ends_in(loss))
    assert (problem.code, problem.node) == ("recipe/wrong-ending", "scores")
    assert problem.because.startswith(f"{loss} compares what LogSoftmax gives")
    assert labels(problem)[:2] == ["Add a LogSoftmax at the end", "Use the loss CrossEntropy"]
    assert problems(ends_in(loss, layer("LogSoftmax", id="logs"))) == []
    assert problems(ends_in(loss, layer("LogSoftmax", id="logs"), layer("Flatten", id="row"), layer("Identity"))) == []
    for ending in ("Softmax", "ReLU"):
        assert [problem.code for problem in problems(ends_in(loss, layer(ending, id="end")))] == ["recipe/wrong-ending"]


def test_binary_cross_entropy_wants_probabilities():
    score = changed("logistic-regression", recipe__objectives__0__loss={"type": "BCE"})
    problem = only_problem(score)
    assert problem.code == "recipe/wrong-ending"
    assert labels(problem)[:2] == ["Add a Sigmoid at the end", "Use the loss BCEWithLogits"]
    repaired = applied(score, problem.fixes[0])
    assert repaired.network.nodes[-1].type == "Sigmoid"
    assert repaired.network.outputs == (repaired.network.nodes[-1].id,)


def test_a_mask_wants_its_logarithms_along_the_channels():
    document = to_json(example("unet-small"))
    document["recipe"]["objectives"] = [{"loss": {"type": "NLL"}}]
    problem = only_problem(read.experiment(document))
    assert labels(problem)[0] == "Add a LogSoftmax at the end"
    (output,) = document["network"]["outputs"]
    for dim, codes in ((1, []), (-1, ["recipe/wrong-ending"])):
        along = {"id": "logs", "type": "LogSoftmax", "params": {"dim": dim}, "inputs": [output]}
        nodes = [*document["network"]["nodes"], along]
        network = document["network"] | {"nodes": nodes, "outputs": ["logs"]}
        assert [problem.code for problem in problems(read.experiment(document | {"network": network}))] == codes


def test_the_last_layer_may_stand_in_a_block():
    document = to_json(ends_in("NLL", layer("LogSoftmax", id="logs")))
    inside = {
        "inputs": ["x"],
        "nodes": [
            {"id": "dense", "type": "Linear", "params": {"out_features": 10}, "inputs": ["x"]},
            {"id": "logs", "type": "LogSoftmax", "inputs": ["dense"]},
        ],
        "outputs": ["logs"],
    }
    document["network"]["blocks"] = {"Head": inside}
    document["network"]["nodes"][-2:] = [
        {"id": "head", "block": "Head", "inputs": document["network"]["nodes"][-2]["inputs"]}
    ]
    document["network"]["outputs"] = ["head"]
    assert problems(read.experiment(document)) == []
    del inside["nodes"][1]
    inside["outputs"] = ["dense"]
    assert [problem.code for problem in problems(read.experiment(document))] == ["recipe/wrong-ending"]


@pytest.mark.parametrize(("loss", "field"), [("CrossEntropy", "weight"), ("Focal", "alpha")])
@pytest.mark.parametrize(
    ("count", "offered", "kept"),
    [(3, "Give the other 7 the weight 1", [2.0] * 3 + [1.0] * 7), (12, "Keep the first 10", [2.0] * 10), (0, "Give the other 10 the weight 1", [1.0] * 10)],
)  # fmt: skip
def test_class_weights_are_as_many_as_classes(loss: str, field: str, count: int, offered: str, kept: list[float]):
    design = ends_in(loss, **{field: [2.0] * count})
    problem = only_problem(design)
    assert problem.code == "recipe/class-weights"
    assert problem.because == f"It has {count}, and needs one for each class of digit, which has 10."
    assert labels(problem) == [offered, "Let all classes count alike"]
    weights = [applied(design, fix).recipe.objectives[0].loss.class_numbers for fix in problem.fixes]
    assert weights == [tuple(kept), None]
    assert problems(ends_in(loss, **{field: [2.0] * 10})) == []


def test_variances_need_twice_the_outputs():
    design = changed("linear-regression", recipe__objectives__0__loss={"type": "GaussianNLL"})
    problem = only_problem(design)
    assert problem.code == "recipe/output-mismatch" and "GaussianNLL needs 2" in problem.because
    assert labels(problem)[0].endswith("to 2 units")
