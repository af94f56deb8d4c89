"""The table and the program beside the canvas: what is pointed at lights up there, what is chosen is selected there."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.gestures import NewPerson, node, opened, program, wait_for

LIT = re.compile("is-lit")
SELECTED = re.compile("selected")
COPIED = "() => navigator.clipboard.readText()"


def table(page: Page) -> Locator:
    return page.get_by_role("grid", name="Layer table")


def row(page: Page, name: str) -> Locator:
    return table(page).locator("tbody tr").filter(has=page.get_by_role("rowheader", name=name, exact=True))


def card(page: Page, name: str) -> Locator:
    """What is seen of a node."""
    return node(page, name).locator(".card")


def lit_nodes(page: Page) -> Locator:
    return page.locator(".react-flow__node:has(.is-lit)")


def lit_rows(page: Page) -> Locator:
    return table(page).locator("tr.is-lit")


def selected_rows(page: Page) -> Locator:
    return table(page).locator("tr[aria-selected=true]")


def expect_marked(page: Page, *lines: str) -> None:
    expect(program(page).locator("[aria-current=true]")).to_have_text(list(lines))


def scrolled(where: Locator) -> float:
    return float(where.evaluate("element => element.scrollTop"))


def test_what_is_pointed_at_lights_up_on_the_other_side_without_a_request(server: str, person: NewPerson) -> None:
    page = opened(server, person(), "lenet5")
    page.set_viewport_size({"width": 1280, "height": 1900})  # both are seen at once
    sent: list[str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda _: sent.append("a script run")))
    page.reload()
    expect(row(page, "c3")).to_be_visible()
    expect(node(page, "c3")).to_be_visible()
    assert sent, "script runs are heard of"
    page.wait_for_timeout(1_000)  # the view has come to rest
    sent.clear()
    page.on(
        "request", lambda request: sent.append(request.url) if "since=" not in request.url else None
    )  # it looks now and then
    box = node(page, "c3").bounding_box()

    row(page, "c3").hover()
    expect(lit_nodes(page)).to_have_count(1)
    expect(card(page, "c3")).to_have_class(LIT)
    assert node(page, "c3").bounding_box() == box, "nothing moves"
    row(page, "f6").hover()
    expect(card(page, "f6")).to_have_class(LIT)
    expect(lit_nodes(page)).to_have_count(1)
    page.mouse.move(2, 2)
    expect(lit_nodes(page)).to_have_count(0)

    node(page, "s2").hover()
    expect(lit_rows(page)).to_have_count(1)
    expect(row(page, "s2")).to_have_class(LIT)
    expect(lit_nodes(page)).to_have_count(0)  # the pointer is there anyway
    page.mouse.move(2, 2)
    expect(lit_rows(page)).to_have_count(0)
    assert sent == []


def test_rows_of_every_copy_light_up_and_a_chosen_row_opens_its_level(server: str, person: NewPerson) -> None:
    page = opened(server, person(), "resnet50")
    expect(row(page, "stage1.0.conv1")).to_be_attached()
    node(page, "stage1").hover()
    expect(lit_rows(page)).to_have_count(20)  # two copies of ten layers
    row(page, "stage1.1.conv1").hover()
    expect(lit_nodes(page)).to_have_count(1)
    expect(card(page, "stage1")).to_have_class(LIT)

    row(page, "stage1.1.conv1").click()
    expect(node(page, "conv1")).to_have_class(SELECTED)
    expect(page.get_by_role("navigation", name="Levels")).to_contain_text("stage1")
    expect(selected_rows(page)).to_have_count(2)
    expect_marked(page, "self.conv1 = nn.Conv2d(256, 64, 1, bias=False)", "y = self.conv1(x)")
    expect(card(page, "conv1")).to_have_class(LIT)  # the pointer is on its row still
    node(page, "norm2").hover()
    expect(lit_rows(page).locator("th")).to_have_text(["stage1.0.norm2", "stage1.1.norm2"])

    row(page, "stage4.0.conv1").click()  # a node of the same name, in another level
    expect(page.get_by_role("navigation", name="Levels")).to_contain_text("stage4")
    expect(node(page, "conv1")).to_have_class(SELECTED)
    expect_marked(page, "self.conv1 = nn.Conv2d(2048, 512, 1, bias=False)", "y = self.conv1(x)")


def test_the_rows_are_reached_and_chosen_by_keyboard(server: str, person: NewPerson) -> None:
    page = opened(server, person(), "resnet50")
    box = table(page).locator("..")
    row(page, "image").focus()
    page.keyboard.press("ArrowDown")
    expect(row(page, "stem")).to_be_focused()
    expect(card(page, "stem")).to_have_class(LIT)
    page.keyboard.press("End")
    expect(row(page, "scores")).to_be_focused()
    assert scrolled(box) > 0
    page.keyboard.press("Home")
    expect(row(page, "image")).to_be_focused()
    assert scrolled(box) == 0
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(node(page, "stem")).to_have_class(SELECTED)
    expect(row(page, "stem")).to_be_focused()  # one stays in the table
    expect(selected_rows(page)).to_have_count(1)
    assert table(page).locator("tr[tabindex='0']").count() == 1, "the Tab key comes to one row"
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(node(page, "conv1")).to_have_class(SELECTED)
    expect_marked(page, "self.conv1 = nn.Conv2d(64, 64, 1, bias=False)", "y = self.conv1(x)")
    expect(row(page, "stage1_first.conv1")).to_be_focused()  # in another level too

    table(page).get_by_role("columnheader", name="Sees").focus()
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_text("Of the output, float32, one sample.")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_text("Receptive field:")).to_be_visible()


def test_a_selection_on_the_canvas_brings_row_and_lines_into_sight_and_the_page_stays(
    server: str, person: NewPerson
) -> None:
    page = opened(server, person(), "resnet50")
    expect(row(page, "scores")).to_be_attached()
    main = page.locator("[data-testid=stMain]")
    where = scrolled(main)
    node(page, "stage1").hover()
    expect(lit_rows(page)).to_have_count(20)
    assert scrolled(table(page).locator("..")) == 0, "pointing does not scroll"
    node(page, "scores").click()
    expect(selected_rows(page)).to_have_count(1)
    expect_marked(page, "self.scores = nn.Linear(2048, 1000)", "x = self.scores(x)")
    page.wait_for_function("box => box.scrollTop > 0", arg=table(page).locator("..").element_handle())
    page.wait_for_function("box => box.scrollTop > 0", arg=program(page).element_handle())
    assert scrolled(main) == where


def test_table_and_program_are_copied_and_the_table_saved(server: str, person: NewPerson) -> None:
    visitor = person()
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = opened(server, visitor, "lenet5")
    page.get_by_role("button", name="Copy table").click()
    expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    head, first, second, *_ = page.evaluate(COPIED).split("\n")
    assert head.split("\t")[:4] == ["Layer", "Type", "Output", "Parameters"]
    assert second.split("\t")[:5] == ["c1", "Conv2d", "6 x 28 x 28", "156", "117600"]
    assert first.startswith("image\tInput\t")

    page.get_by_role("button", name="Copy program").click()
    wait_for(page, lambda: "class Network(nn.Module):" in page.evaluate(COPIED))
    assert page.evaluate(COPIED).endswith('if __name__ == "__main__":\n    train()\n')

    with page.expect_download() as saving:
        page.get_by_role("button", name="Download CSV").click()
    assert saving.value.suggested_filename == "layers.csv"
    assert "c1,Conv2d,6 x 28 x 28,156,117600," in saving.value.path().read_text()


def test_the_stack_and_the_table_light_each_other_up_too(server: str, person: NewPerson) -> None:
    page = opened(server, person(), "lenet5")
    page.get_by_role("radio", name="Stack").click()
    expect(page.locator(".react-flow")).to_have_count(0)
    stacked = page.locator(".stack-row[data-id=c3]")
    stacked.hover()
    expect(row(page, "c3")).to_have_class(LIT)
    row(page, "c3").hover()
    expect(stacked.locator(".card")).to_have_class(LIT)
    row(page, "c3").click()
    expect(stacked).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("spinbutton", name="Filters")).to_have_value("16")
    expect(selected_rows(page)).to_have_count(1)
    expect_marked(page, "self.c3 = nn.Conv2d(6, 16, 5)", "x = self.c3(x)")
