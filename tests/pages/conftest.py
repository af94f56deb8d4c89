"""People who open the pages: each has a name instead of a signed cookie, which no browser is there to keep."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from builder import machine
from builder.blocks import GALLERY
from builder.problem import Edit, Remove
from builder.server import beside, designs, identity
from builder.store import documents
from builder.store.documents import Draft

SHELL = Path(__file__).parents[2] / "pages" / "shell.py"
SECONDS = 30
"""For one script run, on a machine that is busy with other tests."""

ONE_OF_EACH_FAMILY = list({exhibit.family: name for name, exhibit in reversed(GALLERY.items())}.values())
"""The first example of each family: every example is looked at without pages elsewhere."""

Visit = Callable[..., AppTest]


@pytest.fixture
def visit(home: Path, monkeypatch: pytest.MonkeyPatch) -> Visit:
    """`visit("ada")` opens the first page in a tab of its own, as that person. Page and address are optional."""
    monkeypatch.setattr(identity, "owner_of", lambda cookie, max_age=0: st.session_state["visitor"])
    monkeypatch.setattr(machine, "free_bytes", lambda: 2**50)  # however little this one has free by now

    def visit(person: str = "ada", page: str = "build.py", **address: str) -> AppTest:
        tab = AppTest.from_file(SHELL, default_timeout=SECONDS)
        tab.session_state["visitor"] = person
        for name, value in address.items():
            tab.query_params[name] = value
        tab.run()
        return tab if page == "build.py" else go_to(tab, page)

    return visit


def go_to(tab: AppTest, page: str) -> AppTest:
    """Turn to another page, which must come up whole."""
    return sound(tab.switch_page(page).run())


def sound(tab: AppTest) -> AppTest:
    """The tab, after making sure that the last script run has raised nothing, and that a browser which only gets the
    next one begins with the same values: what it begins with it tells as if somebody had put it in.
    """
    assert not tab.exception, tab.exception[0].value
    mirrors = getattr(tab.session_state, "mirrors", {})
    for kind in (tab.text_input, tab.text_area, tab.number_input, tab.selectbox, tab.toggle, tab.multiselect):
        for widget in kind:
            if (widget.key or "").partition("~")[0] in mirrors:
                assert _begins_with(widget), widget.key
    return tab


def _begins_with(widget: Any) -> bool:
    """Whether a browser that has not been told what the session holds of a widget begins with that all the same."""
    default = widget.proto.default
    if widget.type == "selectbox":
        return widget.index == (default if widget.proto.HasField("default") else None)
    if widget.type == "multiselect":
        return sorted(widget.indices) == sorted(default)
    if widget.type in ("number_input", "text_input", "text_area"):
        return widget.value == (default if widget.proto.HasField("default") else None)
    return bool(widget.value == default)


def button(tab: AppTest, label: str) -> Button:
    """The one button with that label, as it is read."""
    (found,) = (button for button in tab.button if button.label.replace("\\", "") == label)
    return found


def opened(tab: AppTest, popover: str, **choices: str) -> AppTest:
    """The tab with a menu open, and choices made in it."""
    tab.session_state[popover] = True
    for key, value in choices.items():
        tab.session_state[key.replace("_", "-")] = value
    return sound(tab.run())


def open_example(tab: AppTest, name: str) -> AppTest:
    """Open an example from the menu."""
    return press(opened(tab, "examples", gallery_family=GALLERY[name].family), f"example-{name}")


def press(tab: AppTest, label_or_key: str) -> AppTest:
    """Press the button of that key, or else the one with that label."""
    by_key = [button for button in tab.button if button.key == label_or_key]
    pressed = by_key[0] if by_key else button(tab, label_or_key)
    return sound(pressed.click().run())


def fill(tab: AppTest, key: str, value: Any) -> AppTest:
    """Put a value into the number, text or choice with that key, or of that name in the document; the form of a node
    is shown after `select`.
    """
    kinds = (
        tab.number_input,
        tab.text_input,
        tab.selectbox,
        tab.toggle,
        tab.multiselect,
        tab.button_group,
        tab.select_slider,
    )
    for kind in kinds:
        for widget in kind:
            if widget.key and key in (widget.key, widget.key.partition("~")[0]):
                return sound(widget.set_value(value).run())
    raise AssertionError(f"there is no widget {key}")


def see(tab: AppTest, at: str, *nodes: str) -> AppTest:
    """Nodes of the graph at a path are selected, on the canvas or in the stack, which tells the page so."""
    tab.session_state["at"], tab.session_state["selected"] = at, list(nodes)
    return sound(tab.run())


def select(tab: AppTest, path: str) -> AppTest:
    """One node is selected: `hidden1`, or `stage1.conv1` inside a block."""
    at, _, node = path.rpartition(".")
    return see(tab, at, node)


def add(tab: AppTest, name: str) -> AppTest:
    """Something from the palette is added behind what is selected, or to the end, and then selected itself."""
    asked = _asked(tab)
    sheet = designs.shown(tab.session_state["visitor"], tab.query_params["design"], asked["at"], -1)
    there = {node["id"] for node in sheet["nodes"]} if sheet else {}
    after = next((node for node in reversed(told(tab, "canvas")["selected"]) if node in there), None)
    return _ask(tab, designs.added, designs.Add(**asked, name=name, after=after))


def duplicate(tab: AppTest, *nodes: str) -> AppTest:
    return _ask(tab, designs.duplicated, designs.Nodes(**_asked(tab), nodes=nodes))


def edit(tab: AppTest, *edits: Edit) -> AppTest:
    """Edits that the canvas or the stack asks for; one that is refused is told there, not on the page."""
    return _ask(tab, designs.edited, designs.Edits(**_asked(tab), edits=edits))


def remove(tab: AppTest, node: str) -> AppTest:
    return edit(tab, Remove(node=node))


def _asked(tab: AppTest) -> dict[str, Any]:
    return {"base": open_design(tab, tab.session_state["visitor"]).revision, "at": told(tab, "canvas")["at"]}


def _ask(tab: AppTest, change: Callable[..., dict[str, Any]], wanted: designs.Asked) -> AppTest:
    """What the server does for the canvas and the stack, and the script run that comes of it."""
    sheet = change(tab.session_state["visitor"], tab.query_params["design"], wanted)
    tab.session_state["notices"] = []
    return see(tab, sheet["at"], *sheet["added"]) if "added" in sheet else sound(tab.run())


def upload(tab: AppTest, content: object) -> AppTest:
    """Open a file with that content: text as it is, anything else as JSON."""
    text = content if isinstance(content, str) else json.dumps(content)
    opened(tab, "file")
    return sound(tab.file_uploader(key="upload").upload("design.json", text.encode(), "application/json").run())


def open_design(tab: AppTest, person: str = "ada") -> Draft:
    """What the store holds of the design that the tab shows."""
    found = documents.get(person, tab.query_params["design"])
    assert found is not None
    return found


def nodes(tab: AppTest, person: str = "ada") -> list[str]:
    """Ids of the stored network's nodes, in the order in which they run."""
    return [node["id"] for node in open_design(tab, person).document["network"].get("nodes", [])]


def fetched(tab: AppTest, name: str) -> tuple[dict[str, Any], list[Any]]:
    """What the browser fetches of a list beside the canvas: what is said of it as a whole, and its items."""
    found = json.loads(json.dumps(beside.told(tab.session_state["visitor"], tab.query_params["design"], name, -1)))
    assert found["base"] is None
    ((_, _, items),) = found["splices"] or [(0, 0, [])]
    return found["about"], items


def told(tab: AppTest, component: str) -> Any:
    """What one of our own components is given: "canvas", "table", "source"."""
    (found,) = (one for one in tab.get("bidi_component") if one.proto.component_name.endswith(f"layerlab_{component}"))
    return json.loads(found.proto.json or found.proto.mixed.json)


def layer_table(tab: AppTest) -> pd.DataFrame:
    """The layer table."""
    about, rows = fetched(tab, told(tab, "table")["name"])
    return pd.DataFrame([row["cells"] for row in rows], columns=[column["name"] for column in about["columns"]])


def table(tab: AppTest) -> list[str]:
    """Ids in the layer table."""
    return list(layer_table(tab)["Layer"])


def program(tab: AppTest) -> str:
    """The PyTorch program; empty where none is shown."""
    shown = [one for one in tab.get("bidi_component") if one.proto.component_name.endswith("layerlab_source")]
    return "\n".join(fetched(tab, "program")[1]) if shown else ""


def errors(tab: AppTest) -> list[str]:
    """Titles of the Problems that are shown as errors."""
    return _titles(tab, "error")


def warnings(tab: AppTest) -> list[str]:
    """Titles of the Problems that are shown as warnings."""
    return _titles(tab, "warning")


def captions(tab: AppTest) -> str:
    """Everything that is written in small letters, as it is read."""
    return " ".join(text.value.replace("\\", "") for text in tab.caption)


def _titles(tab: AppTest, severity: str) -> list[str]:
    mark = f":material/{severity}:"
    return [text.value.partition("**")[2].removesuffix("**") for text in tab.markdown if mark in text.value]


def fixes(tab: AppTest) -> list[Button]:
    """The buttons that repair a Problem, in the order in which they stand."""
    return [button for button in tab.button if (button.key or "").startswith("fix-")]
