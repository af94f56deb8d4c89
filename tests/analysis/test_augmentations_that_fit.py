"""Augmentation that cannot be, and such that makes labels wrong, is told of, and the fixes make it fit."""

from typing import Any

import pytest
from variants import changed

from builder.analysis import check
from builder.analysis.augmenting import mislabelling
from builder.blocks import example
from builder.catalog import Augmentation
from builder.design import edits, read
from builder.design.experiment import Experiment
from builder.design.network import to_json
from builder.problem import Problem, Refused


def augmented(name: str, *picks: Any, **recipe: Any) -> Experiment:
    augment = [{"type": pick} if isinstance(pick, str) else {"type": pick[0], "params": pick[1]} for pick in picks]
    return changed(example(name), augment=augment, **recipe)


def only(experiment: Experiment) -> Problem:
    (problem,) = check(experiment)[1]
    return problem


def repaired(experiment: Experiment, fix: Any) -> Experiment:
    return read.experiment(edits.apply(to_json(experiment), list(fix.edits)))


def assert_all_fixes_repair(experiment: Experiment) -> None:
    fixes = only(experiment).fixes
    assert fixes
    for fix in fixes:
        assert not check(repaired(experiment, fix))[1], fix.label


@pytest.mark.parametrize("kind", Augmentation.shelf)
def test_points_are_no_pictures(kind: str):
    experiment = augmented("playground", kind)
    problem = only(experiment)
    assert (problem.code, problem.severity) == ("augment/no-picture", "error")
    assert kind in problem.because and [fix.label for fix in problem.fixes] == ["Do not augment"]
    assert repaired(experiment, problem.fixes[0]).recipe.augment == ()
    assert_all_fixes_repair(experiment)


@pytest.mark.parametrize(("padding", "is_right"), [(7, True), (8, False)])
def test_a_border_as_wide_as_the_picture_could_leave_nothing_of_it(padding: int, is_right: bool):
    experiment = augmented("digits-cnn", "Noise", ("Crop", {"padding": padding}))
    if is_right:
        assert not check(experiment)[1]
        return
    problem = only(experiment)
    assert (problem.code, problem.severity) == ("augment/unfit", "error")
    assert [fix.label for fix in problem.fixes] == ["Set the border to 1", "Leave Crop out"]
    assert [change.name for change in repaired(experiment, problem.fixes[1]).recipe.augment] == ["Noise"]
    assert_all_fixes_repair(experiment)


def test_one_change_of_a_kind_is_enough():
    experiment = augmented("digits-cnn", ("Noise", {"std": 0.1}), "Cutout", ("Noise", {"std": 0.3}))
    problem = only(experiment)
    assert (problem.code, problem.severity) == ("augment/twice", "error")
    assert [change.json_pick() for change in repaired(experiment, problem.fixes[0]).recipe.augment] == [
        {"type": "Noise"}, {"type": "Cutout"},
    ]  # fmt: skip


def test_a_step_of_one_sample_has_nothing_to_mix():
    single = {"size": 1}
    experiment = augmented("digits-mlp", "Mixup", batch=single)
    problem = only(experiment)
    assert (problem.code, problem.severity) == ("augment/alone", "error")
    assert [fix.label for fix in problem.fixes] == ["Set the batch size to 32", "Leave Mixup out"]
    assert_all_fixes_repair(experiment)
    assert not check(augmented("digits-mlp", "Noise", batch=single))[1]
    assert not check(augmented("digits-mlp", "Mixup", batch={"size": 1, "accumulation": 2}))[1]


SPOILING = {
    "HorizontalFlip": ("digits-cnn", {}, "2 looks like a 5"),
    "VerticalFlip": ("digits-cnn", {}, "6 much like a 9"),
    "Rotate": ("digits-cnn", {"degrees": 90}, "6 becomes a 9"),
}


@pytest.mark.parametrize("kind", SPOILING)
def test_digits_are_no_digits_any_more(kind: str):
    name, params, told = SPOILING[kind]
    experiment = augmented(name, "Noise", (kind, params))
    problem = only(experiment)
    assert (problem.code, problem.severity) == ("augment/label", "warning")
    assert told in problem.because and kind in problem.title
    assert problem.fixes[-1].label == f"Leave {kind} out"
    assert_all_fixes_repair(experiment)


@pytest.mark.parametrize(("degrees", "is_right"), [(45, True), (46, False)])
def test_digits_may_be_turned_a_little(degrees: float, is_right: bool):
    experiment = augmented("digits-cnn", ("Rotate", {"degrees": degrees}))
    assert (not check(experiment)[1]) is is_right
    if not is_right:
        assert only(experiment).fixes[0].label == "Turn by 45 degrees at most"


def test_what_learns_no_classes_has_no_labels_to_make_wrong():
    assert not check(augmented("autoencoder-conv", "HorizontalFlip", "VerticalFlip", ("Rotate", {"degrees": 180})))[1]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ({"type": "Shapes", "params": {"classes": 5, "size": 64}}, ()),
        ({"type": "Shapes", "params": {"classes": 7, "size": 64}}, ("a square is a diamond",)),
        ({"type": "Shapes", "params": {"classes": 100, "size": 64}}, ("a square is a diamond", "a plus is a cross")),
        ({"type": "ShapeMasks", "params": {"forms": 5}}, ()),
        ({"type": "ShapeMasks", "params": {"forms": 10}}, ("a square is a diamond", "a plus is a cross")),
    ],
    ids=str,
)
def test_forms_may_be_mirrored_and_not_turned_into_each_other(source: dict[str, Any], told: tuple[str, ...]):
    document = to_json(augmented("unet-small", "HorizontalFlip", "VerticalFlip", ("Rotate", {"degrees": 30})))
    document["data"]["source"] = source
    experiment = read.experiment(document)
    found = list(mislabelling(experiment, list(experiment.data.source.targets().values())))
    assert len(found) == bool(told)
    for words in ("a square is a diamond", "a plus is a cross"):
        assert any(words in problem.because for problem in found) is (words in told)


def test_a_network_that_learns_from_changed_pictures_does_not_learn_by_heart():
    wide = to_json(changed(example("digits-mlp"), optimizer={"type": "Adam"}))
    next(node for node in wide["network"]["nodes"] if node["id"] == "hidden")["params"]["out_features"] = 800
    experiment = read.experiment(wide)
    assert [problem.code for problem in check(experiment)[1]] == ["advice/by-heart"]
    assert not check(changed(experiment, augment=[{"type": "Noise"}]))[1]


@pytest.mark.parametrize(
    ("augment", "told"),
    [
        ([{"type": "Flip"}], "Flip"),
        ([{"type": "Noise", "params": {"std": 0}}], "std"),
        ([{"type": "HorizontalFlip", "params": {"p": 1.5}}], "p"),
        ([{"type": "Scale", "params": {"scale": [1.2, 0.8]}}], "1.2"),
        ([{"type": "Cutout", "params": {"ratio": [2, 1]}}], "2"),
        ([{"type": "Mixup", "params": {"alpha": 0}}], "alpha"),
        ("Noise", "augment"),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_a_problem_that_names_it(augment: Any, told: str):
    document = to_json(example("digits-mlp"))
    document["recipe"]["augment"] = augment
    with pytest.raises(Refused) as refused:
        read.experiment(document)
    (problem,) = refused.value.problems
    assert told in problem.title + problem.because


def test_a_document_that_says_nothing_of_it_asks_for_nothing_and_stays_as_it_was():
    document = to_json(example("digits-mlp"))
    assert "augment" not in document["recipe"] and read.experiment(document).recipe.augment == ()
    asked = [{"type": "Crop", "params": {"padding": 2}}, {"type": "Mixup"}]
    document["recipe"]["augment"] = asked
    assert to_json(read.experiment(document))["recipe"]["augment"] == asked
