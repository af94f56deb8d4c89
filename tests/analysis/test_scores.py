"""Metrics and early stopping that cannot be are told about, and the fixes make them fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from variants import changed

from builder.analysis import check
from builder.blocks import example
from builder.design import edits, read
from builder.design.experiment import Experiment
from builder.design.network import to_json
from builder.design.recipe import Batch


def codes(experiment: Experiment) -> list[str]:
    return [problem.code for problem in check(experiment)[1]]


@pytest.mark.parametrize(
    ("name", "metric", "fits"),
    [("digits-mlp", {"type": "F1"}, True), ("digits-mlp", {"type": "R2"}, False),
     ("linear-regression", {"type": "R2"}, True), ("linear-regression", {"type": "AUROC"}, False),
     ("digits-mlp", {"type": "TopK", "params": {"k": 5}}, True), ("playground", {"type": "TopK", "params": {"k": 2}}, False)],
    ids=str,
)  # fmt: skip
def test_a_metric_has_to_suit_what_is_learned(name: str, metric: dict[str, object], fits: bool):
    experiment = changed(example(name), metrics=[{"type": "MAE" if name == "linear-regression" else "Recall"}, metric])
    assert codes(experiment) == ([] if fits else ["recipe/metric"])


def test_two_metrics_of_one_name_would_be_one_curve():
    recalls = [{"type": "Recall"}, {"type": "F1"}, {"type": "Recall", "params": {"average": "weighted"}}]
    experiment = changed(example("digits-mlp"), metrics=recalls)
    (problem,) = check(experiment)[1]
    assert problem.code == "recipe/metric-twice" and problem.severity == "error"
    (fix,) = problem.fixes
    repaired = read.experiment(edits.apply(to_json(experiment), list(fix.edits)))
    assert codes(repaired) == [] and [metric.name for metric in repaired.recipe.metrics] == ["Recall", "F1"]
    guesses = [{"type": "TopK", "params": {"k": k}} for k in (2, 3)]
    assert codes(changed(example("digits-mlp"), metrics=guesses)) == []


def test_early_stopping_needs_something_to_watch():
    document = to_json(example("digits-mlp"))
    document["recipe"]["early_stopping"] = {"monitor": "accuracy"}
    assert codes(read.experiment(document)) == []
    document["data"]["split"] = {"train": 0.8, "validation": 0}
    assert codes(read.experiment(document)) == ["recipe/no-validation"]
    numbers = changed(example("linear-regression"), early_stopping={"monitor": "accuracy"})
    assert "recipe/no-accuracy" in codes(numbers)


def test_a_rate_that_falls_on_a_plateau_needs_something_to_watch():
    document = to_json(example("digits-mlp"))
    document["recipe"]["schedule"] = {"type": "ReduceOnPlateau", "params": {"monitor": "accuracy"}}
    assert codes(read.experiment(document)) == []
    document["data"]["split"] = {"train": 0.8, "validation": 0}
    assert codes(read.experiment(document)) == ["recipe/no-validation"]
    document["recipe"]["schedule"] = {"type": "Cosine"}
    assert codes(read.experiment(document)) == []
    plateau = {"type": "ReduceOnPlateau", "params": {"monitor": "accuracy"}}
    assert "recipe/no-accuracy" in codes(changed(example("linear-regression"), schedule=plateau))


@pytest.mark.parametrize(
    "watching",
    [
        {"early_stopping": {"monitor": "accuracy"}},
        {"schedule": {"type": "ReduceOnPlateau", "params": {"monitor": "accuracy"}}},
    ],
)
def test_every_fix_of_theirs_helps(watching: dict[str, object]):
    document = to_json(example("linear-regression"))
    document["recipe"] |= watching | {"metrics": [{"type": "F1"}, {"type": "MAE"}]}
    document["data"]["split"] = {"train": 0.8, "validation": 0}
    problems = check(read.experiment(document))[1]
    assert len(problems) == 3
    for problem in problems:
        assert problem.fixes
        for fix in problem.fixes:
            repaired = read.experiment(edits.apply(document, list(fix.edits)))
            assert problem.code not in codes(repaired)


@given(
    size=st.none() | st.integers(1, 40), accumulation=st.integers(1, 9), samples=st.integers(1, 100),
    last=st.sampled_from(["keep", "drop"]),
)  # fmt: skip
def test_the_smallest_batch_is_the_smallest_of_those_that_the_loop_makes(
    size: int | None, accumulation: int, samples: int, last: str
):
    batch = Batch.model_validate({"size": size, "accumulation": accumulation, "last": last})
    steps = [min(batch.per_step(samples), samples - at) for at in range(0, samples, batch.per_step(samples))]
    steps = steps[: batch.count(samples)]
    pieces = [min(batch.at_once(samples), step - at) for step in steps for at in range(0, step, batch.at_once(samples))]
    assert batch.smallest(samples) == min(pieces)
    assert len(pieces) <= len(steps) * accumulation
