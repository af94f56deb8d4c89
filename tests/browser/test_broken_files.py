"""Files that arrive broken, in a real browser: Problems as text, nothing in them runs, and the open design is untouched."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from builder.blocks import example
from builder.design.network import to_json
from tests.browser.conftest import Json
from tests.browser.gestures import NewPerson, close_menu, design_of, drawn, node, opened, upload, wait_for

MARKUP = "<img src=x onerror=window.ran=1><script>window.ran=1</script>"


def broken(change: Callable[[Json], None]) -> bytes:
    document: Json = to_json(example("lenet5"))
    change(document)
    return json.dumps(document).encode()


def node_of(document: Json, name: str) -> Json:
    return next(each for each in document["network"]["nodes"] if each["id"] == name)


def misspelt(document: Json) -> None:
    node_of(document, "f6")["type"] = "Linar"


def circular(document: Json) -> None:
    node_of(document, "c1")["inputs"] = ["c3"]


def with_markup_in_names(document: Json) -> None:
    node_of(document, "c1")["id"] = MARKUP
    node_of(document, "c3")["type"] = MARKUP
    document["network"]["nodes"][2][MARKUP] = MARKUP


def huge(document: Json) -> None:
    nodes = [{"id": f"n{at}", "type": "ReLU", "inputs": [f"n{at - 1}" if at else "image"]} for at in range(10_000)]
    document["network"]["nodes"] = [document["network"]["nodes"][0], *nodes]
    document["network"]["outputs"] = ["n9999"]


def expect_alive(page: Page) -> None:
    """The page answers, and nothing of a file has run."""
    assert page.evaluate("() => window.ran") is None
    node(page, "f5").click()
    expect(node(page, "f5")).to_contain_class("selected")


def test_a_broken_file_shows_problems_and_touches_nothing(server: str, person: NewPerson) -> None:
    page = opened(server, person(), "lenet5")
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
    design, before = design_of(page), drawn(page)
    repair = page.locator(".st-key-repair")
    told = {
        misspelt: "There is no layer called Linar",
        circular: "The network runs in a circle",
        with_markup_in_names: f"There is no layer called {MARKUP}",
        huge: "The file holds too much",
    }
    for breaks, text in told.items():
        upload(page, broken(breaks))
        problem = page.locator("[class*=st-key-problem-error]", has_text=text)
        expect(problem).to_be_visible()
        expect(problem.locator("img, script")).to_have_count(0)
        close_menu(page)
        expect_alive(page)
        assert design_of(page) == design and drawn(page) == before
    expect(repair).to_have_count(0)  # nothing of the last one is worth repairing
    upload(page, broken(circular))
    expect(repair).to_contain_text("The network runs in a circle")
    close_menu(page)
    repair.get_by_role("button", name="Leave the file").click()
    expect(repair).to_have_count(0)


def test_a_broken_file_is_repaired_by_its_button(server: str, person: NewPerson) -> None:
    page = opened(server, person(), "lenet5")
    design, before = design_of(page), drawn(page)
    upload(page, broken(misspelt))
    repair = page.locator(".st-key-repair")
    expect(repair).to_contain_text("There is no layer called Linar")
    close_menu(page)
    node(page, "c3").click()
    page.keyboard.press("Control+d")  # an edit, which clears what was told before
    expect(node(page, "c2")).to_be_visible()
    expect(repair).to_contain_text("There is no layer called Linar")
    repair.get_by_role("button", name="Use Linear").click()
    wait_for(page, lambda: design_of(page) != design)
    expect(repair).to_have_count(0)
    assert drawn(page) == before


def test_markup_in_what_can_be_read_is_text_wherever_it_is_shown(server: str, person: NewPerson) -> None:
    def titled(document: Json) -> None:
        document["name"] = MARKUP
        for each in document["network"]["nodes"]:
            each["title"] = MARKUP

    page = opened(server, person(), "lenet5")
    design = design_of(page)
    upload(page, broken(titled))
    wait_for(page, lambda: design_of(page) != design)
    close_menu(page)
    expect(page.locator(".card-title", has_text="<img src=").first).to_be_visible()
    page.locator(".react-flow__node").nth(4).click()
    page.keyboard.press("Control+f")
    expect(page.locator(".choice", has_text="<img src=").first).to_be_visible()
    assert page.locator(".canvas img").count() == 0
    assert page.evaluate("() => window.ran") is None
