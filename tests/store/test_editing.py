"""Edits of a design that others may be editing too: nothing is lost in silence."""

import threading
from pathlib import Path

import pytest

from builder.blocks import example
from builder.design.network import to_json
from builder.problem import Insert, Refused, Remove, Set
from builder.store import documents, editing

UNITS = "network.nodes.hidden1.params.out_features"


@pytest.fixture
def draft(home: Path) -> documents.Draft:
    return documents.create("ada", "playground", to_json(example("playground")))


def units(draft: documents.Draft, node: str = "hidden1") -> int:
    return next(n for n in draft.document["network"]["nodes"] if n["id"] == node)["params"]["out_features"]


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [problem.code for problem in refused.value.problems]


def test_an_edit_is_saved_and_can_be_undone(draft: documents.Draft):
    after = editing.edit("ada", draft.id, 1, [Set(path=UNITS, value=6)])
    assert (after.revision, units(after), after.can_undo) == (2, 6, True)
    assert documents.undo("ada", draft.id).document == draft.document


def test_an_edit_of_an_older_revision_goes_through_if_it_is_about_something_else(draft: documents.Draft):
    editing.edit("ada", draft.id, 1, [Set(path=UNITS, value=6)])
    after = editing.edit("ada", draft.id, 1, [Set(path="network.nodes.hidden2.params.out_features", value=3)])
    assert (units(after), units(after, "hidden2")) == (6, 3)
    after = editing.edit("ada", draft.id, 1, [Set(path="recipe.optimizer.params.lr", value=0.1)])
    assert after.revision == 4


@pytest.mark.parametrize(
    "late",
    [
        Set(path=UNITS, value=7),
        Set(path="network.nodes.hidden1.title", value="x"),
        Remove(node="hidden1"),
        Set(path="network", value={}),
    ],
)
def test_an_edit_of_an_older_revision_about_the_same_thing_is_told_not_lost(draft: documents.Draft, late: Set | Remove):
    editing.edit("ada", draft.id, 1, [Set(path=UNITS, value=6)])
    with pytest.raises(Refused) as refused:
        editing.edit("ada", draft.id, 1, [late])
    assert codes(refused) == ["design/stale"]
    assert units(documents.get("ada", draft.id)) == 6


def test_what_would_be_no_design_is_refused_and_nothing_changes(draft: documents.Draft):
    for wrong in (
        Set(path=UNITS, value=0),
        Set(path="network.nodes.hidden1.type", value="Linaer"),
        Set(path="network.nodes.hidden1.id", value="type"),
    ):
        with pytest.raises(Refused):
            editing.edit("ada", draft.id, 1, [wrong])
    assert documents.get("ada", draft.id) == draft


def test_a_design_that_would_be_too_large_for_a_file_is_not_saved(
    draft: documents.Draft, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("builder.limits.DESIGN_BYTES", 500)
    with pytest.raises(Refused) as refused:
        editing.edit("ada", draft.id, 1, [Set(path=UNITS, value=6)])
    assert codes(refused) == ["file/too-large"]


def test_nobody_edits_another_persons_design(draft: documents.Draft):
    with pytest.raises(Refused) as refused:
        editing.edit("bob", draft.id, 1, [Set(path=UNITS, value=6)])
    assert codes(refused) == ["design/unknown"]


def test_of_two_who_insert_at_once_each_is_saved_or_told(draft: documents.Draft):
    told: list[str] = []

    def add(name: str) -> None:
        try:
            editing.edit("ada", draft.id, 1, [Insert(node={"id": name, "type": "ReLU"}, after="point")])
        except Refused as refused:
            told.append(refused.problems[0].code)

    both = [threading.Thread(target=add, args=(name,)) for name in ("left", "right")]
    for one in both:
        one.start()
    for one in both:
        one.join()
    saved = {"left", "right"} & {node["id"] for node in documents.get("ada", draft.id).document["network"]["nodes"]}
    assert saved and len(saved) + len(told) == 2
    assert set(told) <= {"design/stale"}


def test_the_name_in_the_list_follows_the_document(draft: documents.Draft):
    editing.edit("ada", draft.id, 1, [Set(path="name", value="mine")])
    assert [listed.name for listed in documents.listing("ada")] == ["mine"]
