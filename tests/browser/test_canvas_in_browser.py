"""The canvas in a real browser: every gesture, on a small network and on a large one, and what the server has afterwards."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import CHROMIUM, WAIT, Person
from tests.browser.test_first_light import node

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
]

NewPerson = Callable[[], Person]
Json = dict[str, Any]

SHEET = "async design => (await fetch(`api/designs/${design}`)).json()"
VIEWPORT = ".react-flow__viewport"


def handle(page: Page, name: str, side: str) -> Locator:
    """A handle of a node: `source` or `target`."""
    return node(page, name).locator(f".react-flow__handle.{side}").first


def sheet(page: Page) -> Json:
    """What the server says of the open design."""
    design = re.search(r"design=(\w+)", page.url)
    assert design
    return dict(page.evaluate(SHEET, design[1]))


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


def opened(server: str, visitor: Person, name: str, scheme: Literal["light", "dark"] = "light") -> Page:
    """A page with that example open on the canvas."""
    page = visitor.open(server)
    page.emulate_media(color_scheme=scheme)
    expect(node(page, "hidden1")).to_be_visible()
    page.get_by_role("button", name="Examples").click()
    find = page.get_by_role("combobox", name="Find an example")
    find.fill(name)
    page.get_by_role("option", name=name, exact=True).click()
    expect(page.get_by_role("textbox", name="Design")).to_have_value(name)
    page.wait_for_function("() => location.search.includes('design=')")
    return page


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


def test_adding_connecting_removing_and_taking_back_by_keyboard_and_pointer(server: str, person: NewPerson) -> None:
    page = opened(server, person(), "lenet5")
    node(page, "c3").click()
    expect(page.get_by_role("spinbutton", name="Filters")).to_have_value("16")

    page.keyboard.press("/")
    search = page.get_by_role("combobox", name="Add a layer or block")
    search.fill("dropout")
    expect(page.locator(".choice").first).to_be_visible()  # the list comes when it is first opened
    search.press("Enter")  # behind the selected node
    expect(node(page, "dropout")).to_be_visible()
    expect_reads(page, "dropout", "c3")
    expect_reads(page, "tanh2", "dropout")

    expect(node(page, "dropout")).to_have_class(re.compile("selected"))
    page.keyboard.press("Delete")
    expect(node(page, "dropout")).to_have_count(0)
    expect_reads(page, "tanh2", "c3")
    page.keyboard.press("Control+z")
    expect(node(page, "dropout")).to_be_visible()
    page.keyboard.press("Control+Shift+z")
    expect(node(page, "dropout")).to_have_count(0)

    drag(page, handle(page, "tanh1", "source"), middle(handle(page, "c1", "target")))
    expect(page.get_by_text("would run in a circle")).to_be_visible()  # refused while it is dragged
    page.mouse.up()
    assert reads(page)["c1"] == ["image"]
    drag(page, handle(page, "c1", "source"), middle(handle(page, "s2", "target")))
    page.mouse.up()
    expect(page.get_by_label("c1 to s2")).to_be_attached()
    expect_reads(page, "s2", "c1")


def test_moving_copying_and_tidying_up(server: str, person: NewPerson) -> None:
    page = opened(server, person(), "lenet5")
    x, y = middle(node(page, "c1"))
    drag(page, node(page, "c1"), (x + 90, y + 40))
    page.mouse.up()
    wait_for(page, lambda: sheet(page)["nodes"][1]["place"])
    before = page.locator(VIEWPORT).get_attribute("style")
    page.reload()
    expect(node(page, "c1")).to_be_visible()
    assert sheet(page)["nodes"][1]["place"] is not None and before is not None

    node(page, "tanh1").click()
    page.keyboard.press("Control+d")
    expect(node(page, "tanh5")).to_be_visible()
    expect_reads(page, "tanh5", "tanh1")
    page.get_by_role("button", name="Tidy").click()
    wait_for(page, lambda: not any(each["place"] for each in sheet(page)["nodes"]))


def test_an_edit_on_either_side_keeps_view_and_selection(server: str, person: NewPerson) -> None:
    visitor = person()
    page = opened(server, visitor, "lenet5")
    node(page, "c3").click()
    units = page.get_by_role("spinbutton", name="Filters")
    expect(units).to_have_value("16")
    page.wait_for_timeout(500)
    before = page.locator(VIEWPORT).get_attribute("style")
    for filters in range(17, 22):
        units.fill(str(filters))
        units.press("Enter")
        expect(node(page, "c3")).to_contain_text(f"{filters} x 10 x 10")
    other = visitor.open(page.url)
    expect(node(other, "c3")).to_contain_text("21 x 10 x 10")
    node(other, "f6").click()
    other.keyboard.press("Delete")
    expect(node(page, "f6")).to_have_count(0)
    expect(node(page, "c3")).to_have_class(re.compile("selected"))
    assert page.locator(VIEWPORT).get_attribute("style") == before


def test_a_block_opens_as_a_level_of_its_own(server: str, person: NewPerson) -> None:
    page = opened(server, person(), "resnet50")
    node(page, "stage1_first").dblclick()
    expect(node(page, "conv1")).to_contain_text("64 x 56 x 56")
    expect(node(page, "stem")).to_have_count(0)
    node(page, "conv1").click()
    expect(page.get_by_role("spinbutton", name="Filters")).to_have_value("64")
    page.keyboard.press("Alt+ArrowUp")
    expect(node(page, "stem")).to_be_visible()


def test_a_link_opens_a_copy_in_another_browser(server: str, person: NewPerson) -> None:
    page = opened(server, person(), "lenet5")
    page.get_by_role("button", name="File").click()
    page.get_by_role("button", name="Make a link").click()
    link = page.locator("code", has_text="?share=").inner_text()
    other = person().open(link)
    expect(node(other, "c3")).to_be_visible()
    node(other, "c3").click()
    other.keyboard.press("Delete")
    expect(node(other, "c3")).to_have_count(0)
    expect_reads(other, "tanh2", "s2")
    assert "c3" in reads(page) and "c3" not in reads(other)


@pytest.mark.parametrize("choice", ["SVG, for a paper", "PNG, for a slide"])
def test_the_canvas_is_saved_as_a_picture(server: str, person: NewPerson, choice: str) -> None:
    page = opened(server, person(), "lenet5")
    expect(node(page, "c3")).to_be_visible()
    page.get_by_role("button", name="Save as a picture").click()
    with page.expect_download() as saving:
        page.get_by_role("button", name=choice).click()
    content = Path(saving.value.path()).read_bytes()
    if choice.startswith("SVG"):
        assert saving.value.suggested_filename == "lenet5.svg"
        text = content.decode()
        assert text.count("<path ") == 12 and "61,706" not in text and "48,120" in text and "#d55e00" in text
    else:
        assert saving.value.suggested_filename == "lenet5.png"
        assert content.startswith(b"\x89PNG") and len(content) > 20_000
