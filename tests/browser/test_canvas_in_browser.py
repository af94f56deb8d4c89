"""The canvas in a real browser: every gesture, on a small network and on a large one, and what the server has afterwards."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.gestures import (
    VIEWPORT,
    NewPerson,
    design_of,
    drag,
    drawn,
    drop_from_palette,
    expect_reads,
    expect_selected,
    handle,
    middle,
    node,
    opened,
    places,
    reads,
    save_as_json,
    sheet,
    upload,
    view,
    wait_for,
)

HUNDRED_EDITS = """
async (design) => {
  for (let base = 1; base <= 100; base += 1) {
    const edits = [{ edit: "set", path: "network.nodes.c3.params.out_channels", value: 1 + base }];
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(`api/designs/${design}/edits`, { method: "POST", headers, body: JSON.stringify({ base, edits }) });
    if (!answer.ok) throw new Error(await answer.text());
  }
}
"""
LENET = {"image", "c1", "tanh1", "s2", "c3", "tanh2", "s4", "flatten", "f5", "tanh3", "f6", "tanh4", "scores"}


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


def test_what_is_dragged_from_the_palette_stays_where_it_is_dropped(server: str, person: NewPerson) -> None:
    page = opened(server, person(), "lenet5")
    x, y = middle(node(page, "c1"))
    before = view(page)
    drop_from_palette(page, "dropout", (x + 230, y))
    expect(node(page, "dropout")).to_be_visible()
    wait_for(page, lambda: reads(page).get("dropout") in ([], [None]))
    left, top = middle(node(page, "dropout"))
    assert abs(left - x - 231) < 4 and abs(top - y) < 4
    expect_selected(page, "dropout")

    # Onto the connection between c1 and tanh1, halfway.
    low = middle(node(page, "tanh1"))
    drop_from_palette(page, "batchnorm", ((x + low[0]) / 2, (y + low[1]) / 2))
    wait_for(page, lambda: len(reads(page)) == 15)
    (new,) = set(reads(page)) - LENET - {"dropout"}
    expect_reads(page, new, "c1")
    expect_reads(page, "tanh1", new)
    assert view(page) == before, "nothing but a person moves the view"


def test_selecting_by_click_box_and_key_and_moving_what_is_selected(server: str, person: NewPerson) -> None:
    page = opened(server, person(), "lenet5")
    node(page, "c1").click()
    expect_selected(page, "c1")
    node(page, "c3").click(modifiers=["Control"])
    expect_selected(page, "c1", "c3")
    expect(page.get_by_text("All are Conv2d")).to_be_visible()
    filters = page.get_by_role("spinbutton", name="Filters")
    filters.fill("9")
    filters.press("Enter")  # one field, both layers
    expect(node(page, "c1")).to_contain_text("9 x 28 x 28")
    expect(node(page, "c3")).to_contain_text("9 x 10 x 10")
    expect_selected(page, "c1", "c3")

    top, bottom = node(page, "c3").bounding_box(), node(page, "s4").bounding_box()
    assert top and bottom
    page.keyboard.down("Shift")
    page.mouse.move(top["x"] - 12, top["y"] - 8)
    page.mouse.down()
    page.mouse.move(bottom["x"] + 60, bottom["y"] + 8, steps=8)
    page.mouse.up()
    page.keyboard.up("Shift")
    expect_selected(page, "c3", "tanh2", "s4")

    before = view(page)
    x, y = middle(node(page, "c3"))
    drag(page, node(page, "c3"), (x + 120, y + 10))
    page.mouse.up()
    wait_for(page, lambda: sum(place is not None for place in places(page).values()) == 3)
    expect_selected(page, "c3", "tanh2", "s4")
    assert view(page) == before
    page.keyboard.press("Control+z")  # all of them were one move
    wait_for(page, lambda: not any(places(page).values()))

    page.get_by_role("textbox", name="Name of a block").fill("Middle")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Make one block of them").click()
    wait_for(page, lambda: len(reads(page)) == 11)
    block = next(each["id"] for each in sheet(page)["nodes"] if each["block"])
    node(page, block).click()
    page.get_by_role("button", name="Open into layers").click()
    wait_for(page, lambda: len(reads(page)) == 13)


def test_copies_go_through_the_clipboard_into_another_tab(server: str, person: NewPerson) -> None:
    visitor = person()
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = opened(server, visitor, "lenet5")
    node(page, "c3").click()
    node(page, "tanh2").click(modifiers=["Control"])
    expect_selected(page, "c3", "tanh2")
    page.keyboard.press("Control+c")
    wait_for(page, lambda: "layerlab.clip" in page.evaluate("() => navigator.clipboard.readText()"))
    page.keyboard.press("Control+v")
    wait_for(page, lambda: len(reads(page)) == 15)
    copies = sorted(set(reads(page)) - LENET)
    expect_selected(page, *copies)
    assert [reads(page)[copy] for copy in copies if copy.startswith("tanh")] == [[each] for each in copies if each.startswith("c")]  # fmt: skip

    other = opened(server, visitor, "digits-mlp")
    count = len(reads(other))
    other.locator(".react-flow").focus()
    other.keyboard.press("Control+v")
    wait_for(other, lambda: len(reads(other)) == count + 2)
    assert len(reads(page)) == 15

    node(page, "s2").click()
    page.keyboard.press("Control+x")
    expect(node(page, "s2")).to_have_count(0)
    expect_reads(page, "c3", "tanh1")  # the gap is closed
    page.keyboard.press("Control+v")
    wait_for(page, lambda: len(reads(page)) == 15)
    page.evaluate("() => navigator.clipboard.writeText('nothing of ours')")
    page.keyboard.press("Control+v")
    expect(page.get_by_text("There is nothing to paste.")).to_be_visible()


def test_a_hundred_edits_are_taken_back_and_made_again(server: str, person: NewPerson) -> None:
    page = opened(server, person(), "lenet5")
    first = drawn(page)
    page.evaluate(HUNDRED_EDITS, design_of(page))
    expect(node(page, "c3")).to_contain_text("101 x 10 x 10")
    last = drawn(page)
    assert last != first
    page.locator(".react-flow").focus()
    for _ in range(100):
        page.keyboard.press("Control+z")
    wait_for(page, lambda: sheet(page)["revision"] == 201)
    assert drawn(page) == first
    assert sheet(page)["redo"] and not sheet(page)["undo"]
    page.locator(".react-flow").focus()
    for number in range(100):
        page.keyboard.press(("Control+y", "Control+Shift+z")[number % 2])
    wait_for(page, lambda: sheet(page)["revision"] == 301)
    assert drawn(page) == last


def test_two_tabs_that_change_one_field_at_once_lose_no_edit_silently(server: str, person: NewPerson) -> None:
    visitor = person()
    page = opened(server, visitor, "lenet5")
    other = visitor.open(page.url)
    for each in (page, other):
        node(each, "c3").click()
        expect(each.get_by_role("spinbutton", name="Filters")).to_have_value("16")
    fields = [each.get_by_role("spinbutton", name="Filters") for each in (page, other)]
    fields[0].fill("20")
    fields[1].fill("24")
    fields[0].press("Enter")
    expect(node(page, "c3")).to_contain_text("20 x 10 x 10")
    fields[1].press("Enter")
    expect(other.get_by_text("The design has changed meanwhile")).to_be_visible()
    expect(node(other, "c3")).to_contain_text("20 x 10 x 10")
    expect(node(page, "c3")).to_contain_text("20 x 10 x 10")
    expect(page.get_by_text("The design has changed meanwhile")).to_have_count(0)


def test_a_design_that_is_saved_and_opened_again_is_the_same(server: str, person: NewPerson) -> None:
    page = opened(server, person(), "resnet50")
    x, y = middle(node(page, "stem"))
    drag(page, node(page, "stem"), (x + 90, y + 10))
    page.mouse.up()
    wait_for(page, lambda: places(page)["stem"])
    expect_selected(page, "stem")
    page.get_by_text("Title, freezing and formula").click()
    title = page.get_by_role("textbox", name="Title")
    title.fill("First <b>look</b>")
    title.press("Enter")
    expect(node(page, "First <b>look</b>")).to_be_visible()
    design, before, inside = design_of(page), drawn(page), drawn(page, "stage1_first")
    saved = save_as_json(page)
    upload(page, saved)
    wait_for(page, lambda: design_of(page) != design)
    expect(node(page, "First <b>look</b>")).to_be_visible()
    assert drawn(page) == before and drawn(page, "stage1_first") == inside
    assert save_as_json(page) == saved
