"""The gallery and a person's designs in a real browser: by keyboard, by a press anywhere on a card, in light and dark."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ROOT
from tests.browser.gestures import NewPerson, node

PIXELS = """image => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const found = new Set();
  const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
  for (let at = 0; at < data.length; at += 4) if (data[at + 3] === 255) found.add([...data.slice(at, at + 3)].join());
  return [...found];
}"""


def test_an_example_is_found_and_opened_by_keyboard_alone(server: str, person: NewPerson) -> None:
    page = person().open(server)
    expect(node(page, "hidden1")).to_be_visible()
    page.get_by_role("button", name="Examples").focus()
    page.keyboard.press("Enter")
    gallery = page.get_by_role("dialog", name="Examples")
    expect(gallery).to_be_visible()
    find = gallery.get_by_role("searchbox", name="Find an example")
    for _ in range(5):  # past the button that closes it
        if find.evaluate("field => field === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(find).to_be_focused()
    page.keyboard.type("unet")
    card = gallery.get_by_role("button", name="unet-small", exact=True)
    expect(gallery.get_by_role("img", name="unet-small: from")).to_be_visible()
    expect(gallery.get_by_role("button", name="perceptron")).to_have_count(0)
    for _ in range(20):
        if card.evaluate("button => button === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Design")).to_have_value("unet-small")
    expect(gallery).to_have_count(0)


def test_all_of_a_card_opens_it_and_escape_opens_nothing(server: str, person: NewPerson) -> None:
    page = person().open(server)
    expect(node(page, "hidden1")).to_be_visible()
    page.get_by_role("button", name="Examples").click()
    page.get_by_role("img", name="perceptron: from").click(force=True)
    expect(page.get_by_role("textbox", name="Design")).to_have_value("perceptron")
    expect(page.get_by_role("dialog")).to_have_count(0)

    page.get_by_role("button", name="File").click()
    page.get_by_role("button", name="Your designs").click()
    designs = page.get_by_role("dialog", name="Your designs")
    expect(designs.get_by_role("img", name="playground: from")).to_be_visible()
    page.keyboard.press("Escape")
    expect(designs).to_have_count(0)
    expect(page.get_by_role("textbox", name="Design")).to_have_value("perceptron")

    page.get_by_role("button", name="File").click()
    page.get_by_role("button", name="Your designs").click()
    designs.get_by_role("button", name="Put playground into the bin").click()
    expect(designs.get_by_role("img", name="playground: from")).to_have_count(0)
    designs.get_by_role("radio", name="Bin 1").click()
    designs.get_by_role("button", name="Take back").click()
    expect(designs.get_by_text("The bin is empty")).to_be_visible()
    designs.get_by_role("radio", name="Designs 2").click()
    designs.get_by_role("img", name="playground: from").click(force=True)
    expect(page.get_by_role("textbox", name="Design")).to_have_value("playground")


def family_colour(name: str) -> tuple[int, ...]:
    """As the style sheet has it."""
    found = re.search(rf"--family-{name}: #(\w\w)(\w\w)(\w\w)", (ROOT / "assets/style.css").read_text())
    assert found
    return tuple(int(part, 16) for part in found.groups())


@pytest.mark.parametrize(("scheme", "ink"), [("light", "#1f2430"), ("dark", "#e6e8ee")])
def test_pictures_have_the_colours_of_the_families_and_ink_that_is_seen(
    server: str, person: NewPerson, scheme: str, ink: str
) -> None:
    visitor = person()
    page = visitor.context.new_page()
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(server)
    expect(node(page, "hidden1")).to_be_visible()
    page.get_by_role("button", name="Examples").click()
    image = page.get_by_role("img", name="playground: from")
    expect(image).to_be_visible()
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=image.element_handle())
    found = {tuple(map(int, pixel.split(","))) for pixel in image.evaluate(PIXELS)}
    assert {family_colour(name) for name in ("dense", "activation", "input")} <= found
    assert f"svg{{color:{ink}}}" in image.evaluate("image => atob(image.src.split(',')[1])")
