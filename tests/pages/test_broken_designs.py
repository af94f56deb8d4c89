"""A file, or a design in the store, that cannot be read: Problems instead of what it would show, and ways out of it."""

from collections.abc import Callable
from typing import Any

import pytest

from builder.blocks import example
from builder.design.network import to_json
from builder.store import documents
from tests.pages.conftest import Visit, errors, open_design, open_example, opened, press, upload

Json = dict[str, Any]


def with_an_unknown_layer(document: Json) -> None:
    next(node for node in document["network"]["nodes"] if node["type"] == "Linear")["type"] = "Linar"


def with_a_circle(document: Json) -> None:
    nodes = document["network"]["nodes"]
    nodes[1]["inputs"] = [nodes[2]["id"]]
    nodes[2]["inputs"] = [nodes[1]["id"]]


def with_a_field_of_another_version(document: Json) -> None:
    document["network"]["nodes"][1]["colour"] = "red"


def broken(breaks: Callable[[Json], None]) -> Json:
    document: Json = to_json(example("digits-mlp"))
    breaks(document)
    return document


def test_what_is_wrong_with_a_file_stays_told_whatever_else_is_done(visit: Visit) -> None:
    tab = visit()
    upload(tab, broken(with_an_unknown_layer))
    told = errors(tab)
    assert told == ["There is no layer called Linar"]
    press(opened(tab, "file"), "Make a link")  # another action, with notices of its own
    assert errors(tab) == told
    before = open_design(tab)
    press(tab, "Use Linear")
    assert not errors(tab) and open_design(tab).id != before.id


def test_another_file_takes_the_place_of_one_that_waits(visit: Visit) -> None:
    tab = visit()
    upload(tab, broken(with_an_unknown_layer))
    upload(tab, "no JSON")
    assert errors(tab) == ["The file is not readable JSON"]


@pytest.mark.parametrize("page", ["build.py", "train.py"])
@pytest.mark.parametrize("breaks", [with_an_unknown_layer, with_a_circle, with_a_field_of_another_version])
def test_a_stored_design_that_cannot_be_read_is_shown_as_its_problems(
    visit: Visit, page: str, breaks: Callable[[Json], None]
) -> None:
    stored = documents.create("ada", "broken", broken(breaks))
    tab = visit(page=page, design=stored.id)
    assert any(text.value.startswith("**broken cannot be read.**") for text in tab.markdown)
    assert len(errors(tab)) == 1
    press(tab, next(button.key or "" for button in tab.button if (button.key or "").startswith("fix-stored-0")))
    assert not any("cannot be read" in text.value for text in tab.markdown)
    assert open_design(tab).id != stored.id, "what is repaired is a design of its own"
    assert documents.get("ada", stored.id) == stored


def test_a_stored_design_that_cannot_be_read_can_be_left_for_another_one(visit: Visit) -> None:
    stored = documents.create("ada", "broken", broken(with_a_circle))
    tab = visit(design=stored.id)
    assert errors(tab)
    open_example(tab, "lenet5")
    assert not errors(tab) and open_design(tab).id != stored.id


def test_one_mistake_after_the_other_is_repaired_in_a_stored_design(visit: Visit) -> None:
    document = broken(with_an_unknown_layer)
    next(node for node in document["network"]["nodes"] if node["type"] == "Linear")["colour"] = "red"
    stored = documents.create("ada", "broken", document)
    tab = visit(design=stored.id)
    press(tab, "fix-stored-0-0")
    assert open_design(tab).id == stored.id, "there is more to repair"
    press(tab, "fix-file-0-0")
    assert not errors(tab) and open_design(tab).id != stored.id
