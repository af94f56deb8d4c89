"""Build for those who use no mouse, see less, or want less motion: axe finds nothing grave, and the keyboard does everything."""

import re
from importlib.resources import files
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.gestures import VIEWPORT, NewPerson, control, expect_reads, node, opened, reads, sheet, wait_for

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
NOT_OURS = [
    ".stCode pre",  # Streamlit's: it scrolls, and has no tabindex. Browsers let the Tab key into what scrolls by now.
]
DIALOGS = {
    "Add": "Add a layer or block",
    "Find": "Find a node",
    "Keyboard and mouse": "Keyboard and mouse",
    "Save as a picture": "Save as a picture",
}
"""By the tool that opens them."""
INSIDE = "attention"
"""A node of the block of transformer-small."""

GRAVE = """
async ([left_out, rules]) => {
  const what = { resultTypes: ["violations"], ...(rules ? { runOnly: rules } : {}) };
  const { violations } = await axe.run({ exclude: left_out.map(one => [one]) }, what);
  return violations.filter(({ impact }) => ["serious", "critical"].includes(impact))
    .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target}: ${failureSummary}`));
}
"""
FOCUSED = """
() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(at);
  return {
    name: at.getAttribute("aria-label") ?? at.textContent.trim(), isOurs: at.closest(".canvas") !== null,
    isSeen: (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none",
  };
}
"""
VIEWS = """
(button) => new Promise((resolve) => {
  const view = button.getRootNode().querySelector(".react-flow__viewport");
  const seen = new Set();
  const changes = new MutationObserver(() => seen.add(view.style.transform));
  changes.observe(view, { attributes: true, attributeFilter: ["style"] });
  button.click();
  setTimeout(() => { changes.disconnect(); resolve(seen.size); }, 600);
})
"""
"""How many places the view is at on its way, after a press of a button."""


def grave(page: Page, rules: list[str] | None = None) -> list[str]:
    """What axe finds on the page as it is that is serious or critical."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE)
    return list(page.evaluate(GRAVE, [NOT_OURS, rules]))


def place(page: Page, name: str) -> object:
    """Where a person has put a node; None where the layout does."""
    return next(each["place"] for each in sheet(page)["nodes"] if each["id"] == name)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_grave(server: str, person: NewPerson, scheme: Literal["light", "dark"]) -> None:
    rules = ["color-contrast"] if scheme == "dark" else None  # all else is the same in both
    page = opened(server, person(), "transformer-small", scheme)
    node(page, "embedding").click()
    expect(page.get_by_role("spinbutton", name="Features")).to_be_visible()
    assert grave(page, rules) == []
    for tool, dialog in DIALOGS.items():
        page.get_by_role("button", name=tool, exact=True).click()
        shown = page.get_by_role("dialog", name=dialog)
        expect(shown).to_be_visible()
        expect(shown.get_by_text("Loading")).to_have_count(0)
        assert grave(page, rules) == [], dialog
        page.keyboard.press("Escape")
        expect(shown).to_have_count(0)
    page.get_by_role("button", name="Shapes on connections").click()
    node(page, "encoder").dblclick()
    expect(node(page, INSIDE)).to_be_visible()
    page.keyboard.press("Control+a")
    expect(page.get_by_role("textbox", name="Name of a block")).to_be_visible()
    assert grave(page, rules) == []
    page.get_by_role("radio", name="Stack").click()
    expect(page.locator(f".stack-row[data-id={INSIDE}]")).to_be_visible()
    assert grave(page, rules) == []
    menus = {
        "File": page.get_by_role("button", name="Make a link"),
        "Examples": page.get_by_role("searchbox", name="Find an example"),
    }
    for menu, content in menus.items():
        page.get_by_role("button", name=menu, exact=True).click()
        expect(content).to_be_visible()
        page.wait_for_timeout(500)  # it fades in
        assert grave(page, rules) == [], menu
        page.keyboard.press("Escape")
        expect(content).not_to_be_visible()


def test_the_keyboard_alone_builds_a_network(server: str, person: NewPerson) -> None:
    page = opened(server, person(), "lenet5")
    control(page, "Train").focus()
    for _ in range(20):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused["name"].startswith("Network"):
            break
    assert focused["name"].startswith("Network") and focused["isSeen"]

    page.keyboard.press("ArrowDown")
    expect(node(page, "image")).to_have_class(re.compile("selected"))
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    expect(node(page, "s2")).to_have_class(re.compile("selected"))
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.locator(".react-flow__node.selected")).to_have_count(3)
    page.keyboard.press("Shift+ArrowUp")  # back among those that are selected
    expect(page.locator(".react-flow__node.selected")).to_have_count(3)
    page.keyboard.press("Escape")
    expect(page.locator(".react-flow__node.selected")).to_have_count(0)

    for _ in range(2):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("/")
    page.keyboard.type("dropout")
    expect(page.locator(".choice").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(node(page, "dropout")).to_have_class(re.compile("selected"))
    expect_reads(page, "dropout", "c1")
    assert place(page, "dropout") is None
    page.keyboard.press("Control+ArrowRight")
    wait_for(page, lambda: place(page, "dropout"))

    tools = []
    for _ in range(40):  # the tools, each with a name and a ring, then out of the canvas to the form beside it
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        assert focused["name"] and (focused["isSeen"] or not focused["isOurs"]), focused
        if focused["name"].startswith("Reads") or "Reads" in focused["name"]:
            break
        tools.append(focused["name"])
    assert {"Add", "Undo", "Find", "Keyboard and mouse"} <= set(tools)
    assert "Reads" in focused["name"], tools
    page.keyboard.type("image")
    page.keyboard.press("Enter")
    expect_reads(page, "dropout", "image")
    assert reads(page)["tanh1"] == ["dropout"]


def test_a_dialog_keeps_the_focus_and_gives_it_back(server: str, person: NewPerson) -> None:
    page = opened(server, person(), "lenet5")
    page.get_by_role("button", name="Save as a picture").click()
    names = []
    for _ in range(4):
        names.append(page.evaluate(FOCUSED)["name"])
        page.keyboard.press("Tab")
    assert names == ["SVG, for a paper", "PNG, for a slide", "Cancel", "SVG, for a paper"]
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(FOCUSED)["name"] == "SVG, for a paper"
    page.keyboard.press("Escape")
    assert page.evaluate(FOCUSED)["name"].startswith("Network")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard and mouse")).to_contain_text("Shift + arrow keys")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED)["name"] == "Close"


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_the_view_moves_at_once_for_those_who_want_less_motion(server: str, person: NewPerson, motion: str) -> None:
    page = opened(server, person(), "lenet5")
    page.emulate_media(reduced_motion=motion)  # type: ignore[arg-type]
    page.get_by_role("button", name="Zoom in").click()
    page.wait_for_timeout(500)
    before = page.locator(VIEWPORT).get_attribute("style")
    places = page.get_by_role("button", name="Show everything").evaluate(VIEWS)
    assert page.locator(VIEWPORT).get_attribute("style") != before
    assert places == 1 if motion == "reduce" else places > 2
