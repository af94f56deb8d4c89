"""The canvas with ResNet-50 in layers, 176 nodes: the gestures, and what the server has afterwards."""

import re
from collections import Counter

import pytest
from playwright.sync_api import Page, WebSocket, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.canvas import resnet50_in_layers
from builder.blocks import example
from builder.design.network import to_json
from tests.browser.gestures import (
    NewPerson,
    design_of,
    drag,
    drawn,
    drop_from_palette,
    enter,
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
    stand_still,
    upload,
    view,
    wait_for,
)

CONV, NORM, ACT, NEXT = "stage3_1_conv1", "stage3_1_norm1", "stage3_1_act1", "stage3_1_conv2"
"""In the middle of it, one behind the other."""


@pytest.fixture
def page(server: str, person: NewPerson) -> Page:
    """Somebody with the large network open, which stands still."""
    visitor = person()
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = opened(server, visitor, resnet50_in_layers())
    wait_for(page, lambda: page.locator(".react-flow__node").count() > 100)
    return page


def find(page: Page, name: str) -> None:
    """Find a node by its name, which selects it and brings it into view."""
    page.get_by_role("button", name="Find", exact=True).click()
    page.get_by_role("combobox", name="Find a node").fill(name)
    page.keyboard.press("Enter")
    expect_selected(page, name)
    expect(node(page, name)).to_be_in_viewport()
    rest(page)


def rest(page: Page) -> None:
    """Wait until the view has come to rest."""
    before = None
    while before != (before := view(page)):
        page.wait_for_timeout(250)


def between(page: Page, source: str, target: str) -> tuple[float, float]:
    """A place on the connection between neighbours."""
    (x1, y1), (x2, y2) = middle(handle(page, source, "source")), middle(handle(page, target, "target"))
    return (x1 + x2) / 2, (y1 + y2) / 2


def test_the_gestures_on_a_large_network(page: Page) -> None:
    before = drawn(page)
    layers = reads(page)
    assert len(layers) > 170
    middle_one, reader = NORM, ACT

    # Found by its name, which brings it into view; then there is a map, which moves the view.
    find(page, middle_one)
    chart = page.locator(".react-flow__minimap")
    expect(chart).to_be_visible()

    # Edits leave the view and what is selected as they are, but for what is new.
    page.keyboard.press("/")
    page.get_by_role("combobox", name="Add a layer or block").fill("dropout")
    expect(page.locator(".choice").first).to_be_visible()
    page.keyboard.press("Enter")
    expect_reads(page, "dropout", middle_one)
    expect_selected(page, "dropout")
    page.keyboard.press("Delete")
    wait_for(page, lambda: reads(page) == layers)
    page.keyboard.press("Control+z")
    expect_reads(page, "dropout", middle_one)
    page.keyboard.press("Control+z")
    wait_for(page, lambda: drawn(page) == before)

    node(page, middle_one).click()
    expect_selected(page, middle_one)
    page.keyboard.press("Control+c")
    wait_for(page, lambda: "layerlab.clip" in page.evaluate("() => navigator.clipboard.readText()"))
    page.keyboard.press("Control+v")
    wait_for(page, lambda: len(reads(page)) == len(layers) + 1)
    page.keyboard.press("Control+z")
    wait_for(page, lambda: drawn(page) == before)

    rest(page)  # what was pasted was brought into view
    node(page, middle_one).click()
    expect_selected(page, middle_one)
    x, y = middle(node(page, middle_one))
    drag(page, node(page, middle_one), (x + 60, y + 20))
    page.mouse.up()
    wait_for(page, lambda: places(page)[middle_one])
    page.get_by_role("button", name="Tidy up").click()
    wait_for(page, lambda: not any(places(page).values()))
    wait_for(page, lambda: drawn(page) == before)

    # Refused while it is dragged, against the flow.
    find(page, middle_one)
    drag(page, handle(page, reader, "source"), middle(handle(page, middle_one, "target")))
    expect(page.get_by_text("would run in a circle")).to_be_visible()
    page.mouse.up()
    assert reads(page) == layers

    x, y = middle(chart)
    at = view(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 20, y + 10, steps=5)
    page.mouse.up()
    assert view(page) != at

    page.get_by_role("button", name="Show everything").click()
    rest(page)
    page.get_by_role("button", name="Draw from left to right").click()
    expect(page.get_by_role("button", name="Draw from top to bottom")).to_be_visible()
    rest(page)
    assert view(page) != at
    page.get_by_role("button", name="Draw from top to bottom").click()
    assert drawn(page) == before

    saved = save_as_json(page)
    design = design_of(page)
    upload(page, saved)
    wait_for(page, lambda: design_of(page) != design)
    assert drawn(page) == before
    assert sheet(page)["revision"] == 1


def test_several_nodes_of_a_large_network_at_once(page: Page) -> None:
    before, layers = drawn(page), reads(page)
    find(page, NORM)

    # By Ctrl and by a box; a form of those that are alike; copies of several.
    node(page, CONV).click(modifiers=["Control"])
    expect_selected(page, CONV, NORM)
    top, bottom = node(page, CONV).bounding_box(), node(page, ACT).bounding_box()
    assert top and bottom
    page.keyboard.down("Shift")
    page.mouse.move(top["x"] - 6, top["y"] - 6)
    page.mouse.down()
    page.mouse.move(bottom["x"] + bottom["width"] - 4, bottom["y"] + bottom["height"] - 2, steps=8)
    page.mouse.up()
    page.keyboard.up("Shift")
    expect_selected(page, CONV, NORM, ACT)
    page.keyboard.press("Control+d")
    wait_for(page, lambda: len(reads(page)) == len(layers) + 3)
    page.keyboard.press("Control+z")
    wait_for(page, lambda: drawn(page) == before)

    find(page, CONV)
    node(page, NEXT).click(modifiers=["Control"])
    expect(page.get_by_text("All are Conv2d")).to_be_visible()
    enter(page.get_by_role("spinbutton", name="Filters"), "96")
    for name in (CONV, NEXT):
        expect(node(page, name)).to_contain_text("96 x 14 x 14")
    page.keyboard.press("Control+z")
    wait_for(page, lambda: drawn(page) == before)

    # Several become a block, which is opened as a level, and nodes again.
    find(page, CONV)
    node(page, NORM).click(modifiers=["Control"])
    node(page, ACT).click(modifiers=["Control"])
    expect_selected(page, CONV, NORM, ACT)
    expect(page.get_by_text("3 nodes", exact=True)).to_be_visible()  # the page, too, knows of all of them
    enter(page.get_by_role("textbox", name="Name of a block"), "Piece")
    page.get_by_role("button", name="Make one block of them").click()
    wait_for(page, lambda: len(reads(page)) == len(layers) - 2)
    (block,) = set(reads(page)) - set(layers)
    rest(page)
    node(page, block).dblclick()
    expect(node(page, NEXT)).to_have_count(0)
    expect(node(page, ACT)).to_contain_text("256 x 14 x 14")
    page.keyboard.press("Alt+ArrowUp")
    expect(node(page, block)).to_be_visible()
    find(page, block)
    page.get_by_role("button", name="Open into layers").click()
    wait_for(page, lambda: len(reads(page)) == len(layers))
    assert sorted(map(len, reads(page).values())) == sorted(map(len, layers.values()))


def test_what_is_dragged_into_a_large_network(page: Page) -> None:
    before, layers = drawn(page), reads(page)
    find(page, NORM)
    at = view(page)
    drop_from_palette(page, "dropout", between(page, NORM, ACT))  # onto a connection
    wait_for(page, lambda: len(reads(page)) == len(layers) + 1)
    (new,) = set(reads(page)) - set(layers)
    expect_reads(page, new, NORM)
    expect_reads(page, ACT, new)
    assert view(page) == at, "nothing but a person moves the view"
    page.keyboard.press("Control+z")
    wait_for(page, lambda: drawn(page) == before)

    # Onto a free place, and connected there: what it reads, and then the other end.
    x, y = middle(node(page, NORM))
    drop_from_palette(page, "dropout", (x + 170, y))
    expect_reads(page, "dropout", *[None] * len(reads(page).get("dropout", [])))
    left, top = middle(node(page, "dropout"))
    assert abs(left - x - 171) < 4 and abs(top - y) < 4
    drag(page, handle(page, CONV, "source"), middle(handle(page, "dropout", "target")))
    page.mouse.up()
    expect_reads(page, "dropout", CONV)
    drag(page, handle(page, "dropout", "source"), middle(handle(page, NORM, "target")))
    page.mouse.up()
    expect_reads(page, NORM, "dropout")


LARGE = 10_000
"""Bytes from which on Streamlit's browser keeps a message, where nothing else is configured."""


def test_what_the_browser_had_before_is_sent_again(server: str, person: NewPerson) -> None:
    """Streamlit would send "what you had" instead, and be wrong where the browser forgot it in between: the page is dead then.

    It forgets what two runs of the script did not show; a run begun before it said so does not know (Streamlit 1.67).
    """
    visitor, told = person(), list[ForwardMsg]()

    def hear(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: told.append(ForwardMsg.FromString(bytes(frame))))  # type: ignore[arg-type]

    visitor.context.on("page", lambda page: page.on("websocket", hear))
    page = opened(server, visitor, to_json(example("resnet50")))
    page.get_by_role("link", name="Train").click()
    expect(page.get_by_text("Nothing has been trained yet")).to_be_visible()  # and pictures of the data
    for seed in ("1", "2", "3"):
        enter(page.get_by_role("spinbutton", name=re.compile("^Seed")), seed)
        stand_still(page)
    large = Counter(each.hash for each in told if each.ByteSize() >= LARGE)
    assert max(large.values()) > 1
    assert not [each for each in told if each.HasField("ref_hash")]
