"""In a real browser, with a real engine: a test is pressed, its plot comes, and what it suggests is used."""

import re

from playwright.sync_api import expect

from tests.browser.gestures import NewPerson, to_train_page


def test_a_range_test_finds_a_rate_and_the_first_step_a_way_to_begin(server: str, person: NewPerson) -> None:
    page = person().open(server)
    to_train_page(page)
    page.get_by_role("button", name="Range test").click()
    test = page.get_by_role("region", name="Test", exact=True)
    plot = test.locator(".layerlab-plot")
    expect(plot).to_have_attribute(
        "aria-label", re.compile(r"^Loss over the learning rate\. The smoothed loss goes from ")
    )
    expect(plot.locator(".scatterlayer .trace")).to_have_count(5)
    use = page.get_by_role("button", name=re.compile(r"^(check )?Use 0")).first
    suggested = re.search(r"Use ([\d.e-]+)", use.inner_text())
    assert suggested is not None
    use.click()
    expect(page.get_by_role("textbox", name="Learning rate η")).to_have_value(suggested[1])
    expect(plot).to_have_attribute("aria-label", re.compile(rf"in use {re.escape(suggested[1])}\.$"))

    page.get_by_text("First weights", exact=True).click()
    page.get_by_role("button", name="Spread at the first step").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".layerlab-plot")).to_have_count(2)
    expect(dialog.locator(".layerlab-plot").last).to_have_attribute(
        "aria-label", re.compile("^Spread of gradients by depth, ")
    )
    expect(dialog.locator(".layerlab-legend li")).to_have_count(6)
    dialog.get_by_role("button", name="Use", exact=True).first.click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("combobox", name="Weights")).not_to_have_value(re.compile("Default"))
