"""What is wrong with a Data is said before anything is loaded, with fixes that help."""

import pytest

from builder.analysis.data import problems
from builder.data import load
from builder.design import edits
from builder.design.data import Data
from builder.problem import Refused

GATES = {"source": {"type": "Gates"}}


def data(**more):
    return Data.model_validate({**GATES, **more})


def standardize(column):
    return {"type": "Standardize", "params": {"column": column}}


def few(repeats, **split):
    return {"source": {"type": "Gates", "params": {"repeats": repeats}}, "split": {"stratify": False, **split}}


def repaired(wrong, fix):
    return Data.model_validate(edits.apply({"data": wrong.model_dump(mode="json")}, fix.edits)["data"])


def test_what_is_right_has_no_problem():
    assert problems(data()) == []
    assert (
        problems(data(bind={"inputs": {"x": "inputs"}, "targets": ["output"]}, prepare=[standardize("inputs")])) == []
    )


@pytest.mark.parametrize(
    ("wrong", "code", "title", "first_fix"),
    [
        ({"bind": {"inputs": {"x": "input"}}}, "data/no-column", "x reads input, which is not there", "data.bind.inputs.x"),
        ({"bind": {"targets": ["outputs"]}}, "data/no-target", "There is no target called outputs", "data.bind.targets.0"),
        (
            {"prepare": [standardize("inputs"), standardize("imputs")]},
            "data/no-column", "Standardize reads imputs, which is not there", "data.prepare.1.params.column",
        ),
        (
            {"prepare": [standardize("output")]},
            "data/not-numbers", "Standardize cannot change output", "data.prepare.0.params.column",
        ),
        (few(1), "data/empty-part", "The test part has no samples", "data.split.validation"),
        (few(1, train=0.9, validation=0.05), "data/empty-part", "The validation part has no samples", "data.split.validation"),
        (few(1, train=0.1, validation=0), "data/empty-part", "The train part has no samples", "data.split.train"),
    ],
)  # fmt: skip
def test_a_mistake_is_a_problem_whose_fixes_end_it(wrong, code, title, first_fix):
    wrong = data(**wrong)
    found = problems(wrong)
    problem = found[0] if len(found) == 1 else next(one for one in found if one.title == title)
    assert (problem.code, problem.title) == (code, title)
    assert problem.fixes[0].edits[0].path == first_fix
    assert problem.because.endswith(".")
    for fix in problem.fixes:
        assert problem.title not in [left.title for left in problems(repaired(wrong, fix))]
    with pytest.raises(Refused) as refused:
        load(wrong)
    assert list(refused.value.problems) == found


def test_the_column_that_was_probably_meant_is_offered_first():
    wrong = Data.model_validate({"source": {"type": "AddingProblem"}, "prepare": [standardize("summ")]})
    (problem,) = problems(wrong)
    assert [fix.label for fix in problem.fixes] == ["Use sum", "Use sequence", "Leave Standardize out"]


def test_all_problems_come_at_once_and_each_keeps_its_fixes():
    wrong = data(bind={"targets": ["out"]}, prepare=[standardize("in"), standardize("in"), standardize("output")])
    found = problems(wrong)
    assert [problem.code for problem in found] == [
        "data/no-target",
        "data/no-column",
        "data/no-column",
        "data/not-numbers",
    ]
    assert all(problem.fixes for problem in found)


def test_a_part_without_a_share_may_be_empty():
    assert problems(data(split={"train": 0.5, "validation": 0})) == []
    assert problems(data(split={"train": 0.7, "validation": 0.3})) == []


def test_a_fix_that_cannot_be_carried_out_is_not_offered():
    (problem,) = problems(data(bind={"inputs": {"not.an.id": "nothing"}}))
    assert problem.fixes == ()
