"""The stack in a real browser: what can be done to its cards, and what the server has afterwards."""

import json
import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Person
from tests.browser.gestures import NewPerson, expect_reads, middle, node, opened, sheet, stand_still, wait_for

LENET = ["image", "c1", "tanh1", "s2", "c3", "tanh2", "s4", "flatten", "f5", "tanh3", "f6", "tanh4", "scores"]


def card(page: Page, name: str) -> Locator:
    """A card of the stack, by the title of its node."""
    return page.locator(f".stack-row[aria-label^={json.dumps(name + ',')}]")


def stacked(server: str, visitor: Person, name: str) -> Page:
    """A page with that example open as a stack."""
    page = opened(server, visitor, name)
    page.get_by_role("radio", name="Stack").click()
    expect(card(page, sheet(page)["nodes"][0]["title"])).to_be_visible()
    stand_still(page)
    return page


def shown(page: Page) -> list[str]:
    """Ids of the cards, from top to bottom."""
    return list(page.locator(".stack-row").evaluate_all("rows => rows.map(row => row.dataset.id)"))


def stored(page: Page) -> list[str]:
    return [each["id"] for each in sheet(page)["nodes"]]


def expect_order(page: Page, wanted: list[str]) -> None:
    """What is stored, and a moment later what is shown."""
    wait_for(page, lambda: stored(page) == wanted)
    wait_for(page, lambda: shown(page) == wanted)


def moved(order: list[str], name: str, after: str) -> list[str]:
    rest = [each for each in order if each != name]
    return [*rest[: rest.index(after) + 1], name, *rest[rest.index(after) + 1 :]]


def drag(page: Page, start: Locator, end: Locator, share: float) -> None:
    """From one card to a height of another: 0 is its top, 1 its bottom. The button stays down."""
    box = end.bounding_box()
    assert box
    page.mouse.move(*middle(start))
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + box["height"] * share, steps=8)


def test_a_card_is_dragged_to_another_place_or_left_where_it_is(server: str, person: NewPerson) -> None:
    page = stacked(server, person(), "lenet5")
    drag(page, card(page, "tanh1"), card(page, "c3").locator(".card"), 0.9)
    expect(page.locator(".drop-behind")).to_have_attribute("data-id", "c3")
    page.mouse.up()
    expect_order(page, moved(LENET, "tanh1", "c3"))
    expect_reads(page, "tanh1", "c3")
    expect_reads(page, "tanh2", "tanh1")
    expect_reads(page, "s2", "c1")
    expect(card(page, "tanh1")).to_have_attribute("aria-selected", "true")

    drag(page, card(page, "c1"), card(page, "s4"), 0.5)
    expect(page.locator(".stack-ghost")).to_have_text("c1")
    page.keyboard.press("Escape")
    expect(page.locator(".stack-ghost")).to_have_count(0)
    page.mouse.up()
    page.keyboard.press("Control+z")
    expect_order(page, LENET)  # there was no other change to take back


def test_several_cards_move_together(server: str, person: NewPerson) -> None:
    page = stacked(server, person(), "lenet5")
    card(page, "c1").click()
    card(page, "s2").click(modifiers=["Shift"])
    card(page, "tanh1").click(modifiers=["Control"])
    expect(page.get_by_text("2 nodes")).to_be_visible()  # beside it
    drag(page, card(page, "s2"), card(page, "tanh2").locator(".card"), 0.9)
    page.mouse.up()
    expect_order(page, moved(moved(LENET, "c1", "tanh2"), "s2", "c1"))
    expect_reads(page, "tanh1", "image")
    expect_reads(page, "c1", "tanh2")


def test_where_a_card_cannot_stand_the_server_says_why(server: str, person: NewPerson) -> None:
    visitor = person()
    page = stacked(server, visitor, "lenet5")
    drag(page, card(page, "image"), card(page, "c3").locator(".card"), 0.9)
    page.mouse.up()
    expect(page.get_by_role("alert").filter(has_text="image cannot be moved")).to_be_visible()
    assert stored(page) == LENET
    card(page, "c1").click()
    page.keyboard.press("Alt+Shift+ArrowUp")
    expect(page.get_by_role("alert").filter(has_text="c1 cannot stand first")).to_be_visible()
    assert stored(page) == LENET == shown(page)
    assert len(visitor.complaints) == 2 and all("409 (Conflict)" in each for each in visitor.complaints)
    visitor.complaints.clear()  # browsers tell of every request that is refused


def test_what_is_added_goes_where_the_plus_was_or_behind_the_selected_card(server: str, person: NewPerson) -> None:
    page = stacked(server, person(), "lenet5")
    page.get_by_role("button", name="Add behind s2").click()
    search = page.get_by_role("combobox", name="Add a layer or block")
    expect(page.get_by_text("Enter adds behind s2")).to_be_visible()
    search.fill("dropout")
    expect(page.locator(".choice").first).to_be_visible()
    search.press("Enter")
    expect_order(page, moved([*LENET, "dropout"], "dropout", "s2"))
    expect(card(page, "dropout")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("/")
    search.fill("batchnorm2d")
    expect(page.locator(".choice").first).to_be_visible()
    search.press("Enter")
    expect_reads(page, "batchnorm2d", "dropout")
    expect_reads(page, "c3", "batchnorm2d")

    page.keyboard.press("/")
    search.fill("sigmoid")
    page.locator(".choice").first.drag_to(card(page, "scores"), target_position={"x": 60, "y": 40})
    expect_reads(page, "sigmoid", "scores")


def test_the_keys_go_along_the_stack_and_move_copy_and_delete(server: str, person: NewPerson) -> None:
    visitor = person()
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = stacked(server, visitor, "lenet5")
    page.get_by_role("grid", name=re.compile("in the order in which it runs")).focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    expect(card(page, "tanh1")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Alt+Shift+ArrowDown")
    expect_order(page, moved(LENET, "tanh1", "s2"))
    expect(page.get_by_text("tanh1 is number 4 of 13")).to_be_attached()  # heard
    page.keyboard.press("Alt+Shift+ArrowUp")
    expect_order(page, LENET)

    page.keyboard.press("Control+d")
    expect_order(page, moved([*LENET, "tanh5"], "tanh5", "tanh1"))
    expect(card(page, "tanh5")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Delete")
    expect_order(page, LENET)
    page.keyboard.press("ArrowDown")  # from where the deleted one stood
    expect(card(page, "s2")).to_have_attribute("aria-selected", "true")

    page.keyboard.press("Shift+ArrowDown")
    expect(card(page, "c3")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Control+c")
    wait_for(page, lambda: "layerlab.clip" in page.evaluate("() => navigator.clipboard.readText()"))
    page.keyboard.press("End")
    page.keyboard.press("Control+v")
    wait_for(page, lambda: len(stored(page)) == len(LENET) + 2)
    first, second = stored(page)[-2:]
    expect_reads(page, first, "scores")
    expect_reads(page, second, first)

    page.keyboard.press("Control+f")
    page.get_by_role("combobox", name="Find a node").fill("f6")
    page.keyboard.press("Enter")
    expect(card(page, "f6")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard and mouse")).to_contain_text("Alt + Shift")


def test_a_block_opens_as_a_level_and_its_first_place_can_be_taken(server: str, person: NewPerson) -> None:
    page = stacked(server, person(), "resnet50")
    card(page, "stage1_first").click()
    page.keyboard.press("Enter")
    expect(card(page, "conv1")).to_contain_text("64 x 56 x 56")
    expect(card(page, "stem")).to_have_count(0)
    inside = shown(page)
    reading = page.locator(".stack-row").filter(has_text="reads").last
    expect(reading).to_contain_text(re.compile(r"reads \w+, \w+"))

    page.get_by_role("button", name=f"Add in front of {inside[0]}").click()
    page.get_by_role("combobox", name="Add a layer or block").fill("dropout")
    expect(page.locator(".choice").first).to_be_visible()
    page.keyboard.press("Enter")
    wait_for(page, lambda: shown(page)[0] == "dropout")
    card(page, inside[1]).click()
    page.keyboard.press("Alt+Shift+ArrowUp")
    wait_for(page, lambda: shown(page)[:2] == ["dropout", inside[1]])
    page.keyboard.press("Alt+Shift+ArrowUp")
    wait_for(page, lambda: shown(page)[0] == inside[1])
    page.get_by_role("navigation", name="Levels").get_by_role("button", name="resnet50").click()
    expect(card(page, "stem")).to_be_visible()
    card(page, "stage1").dblclick()
    expect(card(page, "conv1")).to_be_visible()
    page.keyboard.press("Alt+ArrowUp")
    expect(card(page, "stem")).to_be_visible()


def test_level_and_selection_stay_when_the_view_is_changed(server: str, person: NewPerson) -> None:
    page = opened(server, person(), "resnet50")
    node(page, "stage1_first").dblclick()
    node(page, "conv2").click()
    expect(page.get_by_role("spinbutton", name="Filters")).to_have_value("64")
    page.get_by_role("radio", name="Stack").click()
    expect(card(page, "conv2")).to_have_attribute("aria-selected", "true")
    expect(card(page, "stem")).to_have_count(0)
    card(page, "conv1").click()
    expect(page.get_by_text("conv1 · Conv2d")).to_be_visible()  # its own form has come
    filters = page.get_by_role("spinbutton", name="Filters")
    filters.fill("48")
    filters.press("Enter")
    expect(card(page, "conv1")).to_contain_text("48 x 56 x 56")
    page.get_by_role("radio", name="Canvas").click()
    expect(node(page, "conv1")).to_have_class(re.compile("selected"))
    expect(node(page, "conv1")).to_contain_text("48 x 56 x 56")


def test_what_is_told_above_does_not_make_the_stack_anew(server: str, person: NewPerson) -> None:
    page = stacked(server, person(), "digits-cnn")
    card(page, "dropout").click()
    page.locator(".stack").evaluate("stack => { stack.dataset.mark = 'the first' }")
    field = page.get_by_role("textbox", name="Share dropped")
    field.fill("a half")
    field.press("Enter")
    expect(page.get_by_text("p cannot be read")).to_be_visible()
    page.wait_for_timeout(500)
    expect(page.locator(".stack")).to_have_attribute("data-mark", "the first")
    expect(card(page, "dropout")).to_have_attribute("aria-selected", "true")
