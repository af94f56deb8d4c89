"""Runs in a real browser: chosen in the list, drawn together while one of them goes on, thrown away and taken back."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.gestures import (
    NewPerson,
    control,
    enter,
    stand_still,
    status,
    to_train_page,
    train_for_long,
    wait_for_points,
)

ROW = 32
"""Height of a row of the list, in pixels."""
LAST_STEP = r"/A playground, training [^,]* at step ([\d,]+)/.exec(document.querySelector('.layerlab-plot').ariaLabel)"


def to_runs_page(page: Page) -> None:
    page.get_by_role("link", name="Runs").click()
    expect(the_list(page)).to_be_visible()


def the_list(page: Page) -> Locator:
    return page.get_by_test_id("stDataFrame").first


def choose(page: Page, row: int) -> None:
    """Tick a row of the list, or take its tick away, once the page stands still: a list that is drawn anew forgets a tick."""
    stand_still(page)
    box = the_list(page).bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 16, box["y"] + ROW * (row + 1) + ROW / 2)


def line(page: Page, name: str) -> Locator:
    """The line that follows a run."""
    return page.locator(".layerlab-run", has_text=name)


def test_runs_are_compared_while_one_goes_on(server: str, person: NewPerson) -> None:
    page = person().open(server)
    to_train_page(page)
    train_for_long(page)
    wait_for_points(page)
    control(page, "Stop").click()
    expect(status(page)).to_have_text("Stopped")
    enter(page.get_by_role("spinbutton", name="Seed", exact=True), "7")
    control(page, "Train").click()
    expect(status(page)).to_have_text("Running")

    to_runs_page(page)
    expect(line(page, "playground")).to_contain_text("Running")
    choose(page, 0)
    expect(page.get_by_role("textbox", name="Notes")).to_be_visible()
    choose(page, 1)
    expect(page.get_by_text("What differs")).to_be_visible()
    expect(line(page, "A playground")).to_contain_text("Running")
    expect(line(page, "B playground")).to_contain_text("Stopped")
    expect(page.get_by_test_id("glide-cell-0-1").last).to_be_attached()
    page.wait_for_function(f"{LAST_STEP} !== null")
    page.evaluate("window.plot = document.querySelector('.layerlab-plot')")
    seen = page.evaluate(f"{LAST_STEP}[1]")
    page.wait_for_function(f"seen => {LAST_STEP}[1] !== seen", arg=seen)  # drawn on, without a script run

    page.get_by_role("button", name="epoch", exact=True).click()
    page.wait_for_function("window.plot.layout.xaxis.title.text === 'epoch'")
    hide = line(page, "B playground").get_by_role("button")
    curves = "window.plot.data.length"
    both = page.evaluate(curves)
    hide.click()
    expect(hide).to_have_attribute("aria-pressed", "false")
    page.wait_for_function(f"before => {curves} < before", arg=both)
    assert page.evaluate("window.plot === document.querySelector('.layerlab-plot')")
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth <= innerWidth")

    address = page.url
    page.reload()  # what is chosen stays
    expect(line(page, "A playground")).to_contain_text("Running")
    expect(line(page, "B playground")).to_contain_text("Stopped")
    assert page.url == address

    control(page, "Choose none").click()
    expect(page.get_by_text("What differs")).to_have_count(0)
    choose(page, 0)
    expect(control(page, "Open").first).to_be_enabled()  # for a moment the page may have the old one beside the new
    control(page, "Open").first.click()
    control(page, "Stop").click()
    expect(status(page)).to_have_text("Stopped")


def test_a_run_is_thrown_away_taken_back_and_branched(server: str, person: NewPerson) -> None:
    page = person().open(server)
    to_train_page(page)
    enter(page.get_by_role("spinbutton", name="Epochs"), "3")
    expect(control(page, "Train")).to_be_enabled()
    control(page, "Train").click()
    expect(status(page)).to_have_text("Finished")

    to_runs_page(page)
    choose(page, 0)
    expect(control(page, "Throw away")).to_be_enabled()
    control(page, "Throw away").click()
    expect(page.get_by_text("No runs yet")).to_be_visible()
    page.get_by_role("radio", name="Bin").click()
    expect(the_list(page)).to_be_visible()
    choose(page, 0)
    expect(control(page, "Take back")).to_be_enabled()
    control(page, "Take back").click()
    expect(page.get_by_text("The bin is empty")).to_be_visible()
    page.get_by_role("radio", name="Runs").click()

    choose(page, 0)
    expect(control(page, "Extend")).to_be_enabled()
    stand_still(page)  # a menu that is opened while the page is drawn anew may close again
    control(page, "Extend").click()
    expect(page.get_by_role("spinbutton", name="Epochs more")).to_be_visible()
    stand_still(page)
    enter(page.get_by_role("spinbutton", name="Epochs more"), "2")
    stand_still(page)
    page.locator(".st-key-extend-go").get_by_role("button").click()
    expect(line(page, re.compile(r"B playground, 2 epochs more"))).to_contain_text("Finished")
    expect(line(page, "B playground")).to_contain_text("epoch 5 of 5")
