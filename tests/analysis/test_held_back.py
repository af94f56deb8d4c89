"""Penalties and clips that cannot be are told about, and the fixes make them fit; others are nobody's problem."""

import pytest
from variants import changed

from builder.analysis import check
from builder.blocks import example
from builder.catalog import Clip, Penalty
from builder.design import edits, read
from builder.design.experiment import Experiment
from builder.design.network import to_json
from builder.problem import Problem, Refused

LBFGS = {"optimizer": {"type": "LBFGS"}, "batch": {"size": None}}


def repaired(experiment: Experiment, problem: Problem, at: int) -> Experiment:
    return read.experiment(edits.apply(to_json(experiment), list(problem.fixes[at].edits)))


@pytest.mark.parametrize("clip", Clip.shelf)
def test_an_optimizer_that_looks_again_and_again_cannot_learn_from_clipped_gradients(clip: str):
    experiment = changed(example("digits-mlp"), clip={"type": clip}, **LBFGS)
    (problem,) = check(experiment)[1]
    assert (problem.code, problem.severity) == ("recipe/clip-closure", "error")
    assert problem.title.startswith("LBFGS")
    assert [fix.label for fix in problem.fixes] == ["Do not clip", "Use Adam"]
    unclipped, adam = (repaired(experiment, problem, at) for at in (0, 1))
    assert unclipped.recipe.clip is None and unclipped.recipe.optimizer.name == "LBFGS"
    assert adam.recipe.clip == experiment.recipe.clip and adam.recipe.optimizer.name == "Adam"
    assert not check(unclipped)[1] and not check(adam)[1]


def test_one_penalty_of_a_kind_is_enough():
    twice = [{"type": "L1", "params": {"strength": 0.1}}, {"type": "L2"}, {"type": "L1", "params": {"strength": 0.2}}]
    experiment = changed(example("digits-mlp"), penalties=twice)
    (problem,) = check(experiment)[1]
    assert (problem.code, problem.severity) == ("recipe/penalty-twice", "error")
    assert len(problem.fixes) == 1
    assert [(each.name, each.strength) for each in repaired(experiment, problem, 0).recipe.penalties] == [("L1", 0.1), ("L2", 1e-4)]  # fmt: skip


def test_everything_at_once_is_fine():
    held = {"penalties": [{"type": name} for name in Penalty.shelf], "max_norm": 3.0}
    assert not check(changed(example("digits-mlp"), clip={"type": "ByNorm"}, **held))[1]
    assert not check(changed(example("digits-mlp"), **LBFGS, **held))[1]


@pytest.mark.parametrize("held", [{"penalties": [{"type": "L2"}]}, {"max_norm": 3.0}], ids=str)
def test_a_network_that_is_held_back_does_not_learn_by_heart(held: dict[str, object]):
    adam = {"type": "Adam"}
    wide = to_json(changed(example("digits-mlp"), optimizer=adam))
    next(node for node in wide["network"]["nodes"] if node["id"] == "hidden")["params"]["out_features"] = 800
    experiment = read.experiment(wide)
    assert [problem.code for problem in check(experiment)[1]] == ["advice/by-heart"]
    assert not check(changed(experiment, **held))[1]


@pytest.mark.parametrize(
    ("recipe", "told"),
    [
        ({"penalties": [{"type": "L3"}]}, "L3"),
        ({"penalties": [{"type": "L1", "params": {"strength": 0}}]}, "strength"),
        ({"clip": {"type": "ByNorm", "params": {"max_norm": -1}}}, "max_norm"),
        ({"clip": {"type": "ByRule"}}, "ByRule"),
        ({"clip": 1.0}, "clip"),
        ({"max_norm": 0}, "max_norm"),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_a_problem_that_names_it(recipe: dict[str, object], told: str):
    document = to_json(example("digits-mlp"))
    document["recipe"] |= recipe
    with pytest.raises(Refused) as refused:
        read.experiment(document)
    (problem,) = refused.value.problems
    assert told in problem.title + problem.because


def test_a_document_that_says_nothing_of_them_asks_for_nothing_and_stays_as_it_was():
    document = to_json(example("digits-mlp"))
    assert not {"penalties", "clip", "max_norm"} & document["recipe"].keys()
    recipe = read.experiment(document).recipe
    assert (recipe.penalties, recipe.clip, recipe.max_norm) == ((), None, None)
    asked = {"penalties": [{"type": "L1", "params": {"strength": 0.5}}], "clip": {"type": "ByValue"}, "max_norm": 2.0}
    document["recipe"] |= asked
    assert {name: to_json(read.experiment(document))["recipe"][name] for name in asked} == asked
