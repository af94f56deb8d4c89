"""What the tests in a browser do with the pages, as a person would: where things are, what is told, drags and files."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import FilePayload, Locator, Page, expect

from benchmarks.stage import IDLE
from builder.blocks import example
from builder.design.network import to_json
from tests.browser.conftest import WAIT, Json, Person

NewPerson = Callable[[], Person]

LONG = 20_000
"""Epochs: half a million steps, more than any test waits for."""

STEP = r"Number(/step ([\d,]+)/.exec(document.querySelector('.layerlab-facts').innerText)[1].replaceAll(',', ''))"
POINTS = """(
  document.querySelector(".js-plotly-plot")?.data?.find((trace) => trace.name === "validation")?.x.length ?? 0
)"""
SHEET = "async design => (await fetch(`api/designs/${design}`)).json()"
LEVEL = "async ([design, at]) => (await fetch(`api/designs/${design}?at=${at}`)).json()"
VIEWPORT = ".react-flow__viewport"


# Where things are, and what is told --------------------------------------------------------------------------------


def node(page: Page, name: str) -> Locator:
    """A node on the canvas: its form is shown where it is selected."""
    return page.locator(f".react-flow__node[aria-label^={json.dumps(name + ',')}]")


def control(page: Page, label: str) -> Locator:
    """A button of the page's toolbar; those with a shortcut tell it in their name."""
    named = page.get_by_role("button", name=re.compile(rf"^{label}( Shortcut.*)?$"))
    return named.and_(page.locator("button[data-testid]"))  # Streamlit's: the canvas has some of the same name


def program(page: Page) -> Locator:
    return page.get_by_role("region", name="PyTorch program")


def enter(field: Locator, value: str) -> None:
    field.fill(value)
    field.press("Enter")


def status(page: Page) -> Locator:
    return page.locator(".layerlab-word")


def step(page: Page) -> int:
    """The step that the live header tells."""
    return int(page.evaluate(STEP))


def wait_for_step(page: Page, least: int) -> None:
    page.wait_for_function(f"least => {STEP} >= least", arg=least)


def points(page: Page) -> int:
    """How many points of the validation loss the first plot draws."""
    return int(page.evaluate(POINTS))


def wait_for_points(page: Page, more_than: int = 0) -> None:
    page.wait_for_function(f"least => {POINTS} > least", arg=more_than)


def shown_steps(page: Page) -> list[float]:
    """First and last step that the first plot shows."""
    shown = page.locator(".js-plotly-plot").first.evaluate("(plot) => plot.layout.xaxis.range")
    return [float(end) for end in shown]


def train_for_long(page: Page) -> None:
    """From the Train page: a run that does not end by itself."""
    enter(page.get_by_role("spinbutton", name="Epochs"), str(LONG))
    expect(control(page, "Train")).to_be_enabled()
    control(page, "Train").click()
    expect(status(page)).to_have_text("Running")


def to_train_page(page: Page) -> None:
    page.get_by_role("link", name="Train").click()
    expect(page.get_by_role("spinbutton", name="Epochs")).to_be_visible()


def handle(page: Page, name: str, side: str) -> Locator:
    """A handle of a node: `source` or `target`."""
    return node(page, name).locator(f".react-flow__handle.{side}").first


def design_of(page: Page) -> str:
    """The id of the open design."""
    design = re.search(r"design=(\w+)", page.url)
    assert design
    return design[1]


def sheet(page: Page) -> Json:
    """What the server says of the open design."""
    return dict(page.evaluate(SHEET, design_of(page)))


def drawn(page: Page, at: str = "") -> Json:
    """All that the server says of a level, less what goes by its history."""
    told = dict(page.evaluate(LEVEL, [design_of(page), at]))
    return {name: value for name, value in told.items() if name not in ("revision", "undo", "redo")}


def reads(page: Page) -> dict[str, list[str | None]]:
    return {each["id"]: each["inputs"] for each in sheet(page)["nodes"]}


def expect_reads(page: Page, name: str, *inputs: str | None) -> None:
    wait_for(page, lambda: reads(page).get(name) == list(inputs))


def wait_for(page: Page, is_so: Callable[[], object]) -> None:
    """The server gets to know of a change a moment after it is seen."""
    deadline = time.monotonic() + WAIT / 1e3
    while not is_so():
        assert time.monotonic() < deadline, sheet(page)
        page.wait_for_timeout(50)


def opened(server: str, visitor: Person, design: str | Json, scheme: Literal["light", "dark"] = "light") -> Page:
    """A page on which a new design of somebody stands still: an example by its name, or any."""
    document = to_json(example(design)) if isinstance(design, str) else design
    page = visitor.context.new_page()
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{server}/?design={visitor.has(server, document)}")
    expect(page.get_by_role("textbox", name="Design")).to_have_value(document["name"])
    expect(page.locator(".react-flow__node").first).to_be_visible()
    stand_still(page)
    return page


def stand_still(page: Page) -> None:
    """Wait until the page is drawn: what is pressed while it is drawn anew may have moved away, or close again."""
    page.wait_for_selector(IDLE)


def drag(page: Page, start: Locator, end: tuple[float, float]) -> None:
    box = start.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 20, box["y"] + 20, steps=3)
    page.mouse.move(*end, steps=8)


def middle(where: Locator) -> tuple[float, float]:
    box = where.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def places(page: Page) -> dict[str, Any]:
    return {each["id"]: each["place"] for each in sheet(page)["nodes"]}


def selected(page: Page) -> list[str]:
    return sorted(
        page.locator(".react-flow__node.selected").evaluate_all("nodes => nodes.map(node => node.dataset.id)")
    )


def expect_selected(page: Page, *names: str) -> None:
    wait_for(page, lambda: selected(page) == sorted(names))


def view(page: Page) -> str | None:
    """Where the view is: what is dragged and zoomed."""
    return page.locator(VIEWPORT).get_attribute("style")


def drop_from_palette(page: Page, text: str, where: tuple[float, float]) -> None:
    """Drag the first entry that is found to a point."""
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("combobox", name="Add a layer or block").fill(text)
    choice = page.locator(".choice").first
    expect(choice).to_contain_text(re.compile(text, re.IGNORECASE))
    page.mouse.move(*middle(choice))
    page.mouse.down()
    x, y = middle(choice)
    page.mouse.move(x + 15, y + 5, steps=3)
    page.mouse.move(*where, steps=8)
    page.mouse.move(where[0] + 1, where[1])
    page.mouse.up()
    expect(page.get_by_role("dialog")).to_have_count(0)


def open_file_menu(page: Page) -> None:
    stand_still(page)
    if not page.get_by_role("button", name="Duplicate").is_visible():
        page.get_by_test_id("stPopoverButton").filter(has_text="File").click()
    expect(page.get_by_role("button", name="Duplicate")).to_be_visible()
    stand_still(page)


def close_menu(page: Page) -> None:
    """What is chosen in a menu while it goes away is chosen in vain."""
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Duplicate")).to_have_count(0)
    stand_still(page)


def save_as_json(page: Page) -> bytes:
    """The open design, as a person saves it."""
    open_file_menu(page)
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save as JSON").click()
    close_menu(page)
    return Path(saving.value.path()).read_bytes()


def upload(page: Page, content: bytes) -> None:
    """Open a file with that content."""
    open_file_menu(page)
    file = FilePayload(name="design.json", mimeType="application/json", buffer=content)
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(file)
