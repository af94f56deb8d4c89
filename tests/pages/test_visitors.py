"""Many people at once: each sees what is theirs and nothing else; and the pages never load what trains."""

import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from builder.server import identity
from builder.store import documents, engine, runs
from tests.pages.conftest import (
    SHELL,
    Visit,
    errors,
    fill,
    go_to,
    nodes,
    open_design,
    press,
    program,
    remove,
    select,
    table,
    upload,
)

ROOT = SHELL.parents[1]


def test_another_person_sees_neither_design_nor_run(visit: Visit) -> None:
    ada = remove(visit("ada"), "tanh1")
    press(ada, "Train")
    address = {"design": ada.query_params["design"], "run": ada.query_params["run"]}
    bob = visit("bob", **address)
    assert "tanh1" in table(bob)
    assert bob.query_params["design"] != address["design"]
    go_to(bob, "train.py")
    assert not bob.get("bidi_component")
    assert not runs.listing("bob")
    assert [listed.id for listed in documents.listing("bob")] == [bob.query_params["design"]]


def test_an_edit_of_another_persons_design_changes_nothing(visit: Visit) -> None:
    ada = visit("ada")
    before = open_design(ada)
    bob = visit("bob")
    bob.session_state["design"] = before.id  # as if he had found a way to name it
    fill(bob, "design-name", "Of bob")
    assert open_design(ada) == before


def test_a_visitor_without_our_cookie_is_told_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "owner_of", lambda cookie, max_age=0: None)
    tab = AppTest.from_file(SHELL, default_timeout=30).run()
    assert not tab.exception
    assert "cookie" in tab.error[0].value
    assert not tab.button


def test_five_people_at_once_keep_their_drafts_apart(visit: Visit) -> None:
    people = ["ada", "bob", "cleo", "dan", "eve"]
    tabs = {person: visit(person) for person in people}
    for person, tab in tabs.items():
        fill(tab, "design-name", f"Of {person}")
    for units, tab in enumerate(tabs.values(), start=5):
        fill(select(tab, "hidden1"), "network.nodes.hidden1.params.out_features", units)
    upload(
        tabs["eve"],
        {"format": "layerlab.network", "nodes": [{"id": "only", "type": "Input", "params": {"shape": [2]}}]},
    )
    press(tabs["dan"], "Undo")
    press(tabs["cleo"], "Train")
    tabs["cleo"] = go_to(tabs["cleo"], "build.py")
    for units, person in enumerate(people[:3], start=5):
        tab = tabs[person].run()
        assert open_design(tab, person).document["name"] == f"Of {person}"
        assert f"nn.Linear(2, {units})" in program(tab)
        assert not errors(tab)
    assert "nn.Linear(2, 4)" in program(tabs["dan"].run())
    assert nodes(tabs["eve"], "eve") == ["only"]
    assert {person: len(runs.listing(person)) for person in people} == {**dict.fromkeys(people, 0), "cleo": 1}


PAGES_WITHOUT_TORCH = """
import sys
from streamlit.testing.v1 import AppTest
from builder.blocks import GALLERY
from builder.server import identity

identity.owner_of = lambda cookie, max_age=0: "ada"
tab = AppTest.from_file(sys.argv[1], default_timeout=30).run()
for name in ("lenet5", "digits-resnet", "sequence-lstm"):
    tab.session_state["examples"] = True
    tab.session_state["gallery-family"] = GALLERY[name].family
    tab = tab.run().button(key=f"example-{name}").click().run()
    for page in ("train.py", "build.py"):
        tab.switch_page(page).run()
        assert not tab.exception, tab.exception[0].value
next(button for button in tab.button if button.label == "Train").click().run()
assert not tab.exception and tab.get("bidi_component")
print(sorted({"torch", "builder.train", "builder.compile", "builder.worker"} & sys.modules.keys()))
"""


def test_torch_is_not_loaded_by_any_page(home: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-c", PAGES_WITHOUT_TORCH, str(SHELL)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.strip() == "[]"


def test_what_is_only_sometimes_needed_is_not_imported_with_the_pages(home: Path) -> None:
    engine()  # else it would be brought up to date, which needs Alembic
    parts = [f"pages.parts.{file.stem}" for file in (SHELL.parent / "parts").glob("[a-z]*.py")]
    program = f"import sys, app, {', '.join(parts)}\n"
    program += "print(sorted({'sklearn', 'scipy', 'alembic', 'torch'} & sys.modules.keys()))"
    finished = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.strip() == "[]"
