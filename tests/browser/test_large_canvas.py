"""The canvas with ResNet-50 in layers, 176 nodes: the gestures, and what the server has afterwards."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from benchmarks.canvas import resnet50_in_layers
from tests.browser.conftest import CHROMIUM, Person
from tests.browser.test_canvas_in_browser import (
    design_of,
    drag,
    drawn,
    expect_reads,
    expect_selected,
    handle,
    middle,
    opened,
    places,
    reads,
    save_as_json,
    sheet,
    upload,
    view,
    wait_for,
)
from tests.browser.test_first_light import node

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
]

NewPerson = Callable[[], Person]


def test_the_gestures_on_a_large_network(server: str, person: NewPerson) -> None:
    visitor = person()
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = opened(server, visitor, "lenet5")
    design = design_of(page)
    upload(page, json.dumps(resnet50_in_layers()).encode())
    wait_for(page, lambda: design_of(page) != design)
    page.keyboard.press("Escape")
    wait_for(page, lambda: page.locator(".react-flow__node").count() > 100)
    before = drawn(page)
    layers = reads(page)
    assert len(layers) > 170
    middle_one = list(layers)[100]
    ((source,), reader) = layers[middle_one], next(name for name, inputs in layers.items() if middle_one in inputs)

    # Found by its name, which brings it into view; then there is a map, which moves the view.
    page.get_by_role("button", name="Find", exact=True).click()
    page.get_by_role("combobox", name="Find a node").fill(middle_one)
    page.keyboard.press("Enter")
    expect_selected(page, middle_one)
    expect(node(page, middle_one)).to_be_in_viewport()
    page.wait_for_timeout(500)  # the view comes to rest
    at = view(page)
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

    page.wait_for_timeout(500)  # what was pasted was brought into view
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
    page.get_by_role("button", name="Find", exact=True).click()
    page.get_by_role("combobox", name="Find a node").fill(middle_one)
    page.keyboard.press("Enter")
    page.wait_for_timeout(500)
    if node(page, source).count() and node(page, reader).count():
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
    page.wait_for_timeout(500)
    page.get_by_role("button", name="Draw from left to right").click()
    expect(page.get_by_role("button", name="Draw from top to bottom")).to_be_visible()
    page.wait_for_timeout(500)
    assert view(page) != at
    page.get_by_role("button", name="Draw from top to bottom").click()
    assert drawn(page) == before

    saved = save_as_json(page)
    design = design_of(page)
    upload(page, saved)
    wait_for(page, lambda: design_of(page) != design)
    assert drawn(page) == before
    assert sheet(page)["revision"] == 1
