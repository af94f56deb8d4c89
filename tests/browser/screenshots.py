"""Screenshots of Build, into assets/screenshots: `python -m tests.browser.screenshots [NAME ...]`.

Each network in two sizes of window, light and dark, from an app with a home of its own.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.stage import IDLE, Visitor, new_visitor, own_home, server
from builder.blocks import example
from builder.design.network import to_json
from builder.server.identity import COOKIE
from builder.store import documents
from tests.browser.conftest import ARGUMENTS, CHROMIUM, ROOT

FOLDER = ROOT / "assets/screenshots"
NETWORKS = ("mlp-784", "lenet5", "googlenet", "resnet50", "unet-small", "transformer-small")
SIZES = ((1440, 900), (1280, 720))
SCHEMES = ("light", "dark")
SETTLED = 1_500
"""Milliseconds until a canvas that has been fitted stands still."""


def taken(browser: Browser, address: str, visitor: Visitor, name: str, folder: Path) -> None:
    """All four pictures of one network, with the node behind its first Input selected."""
    network = example(name)
    design = documents.create(visitor.owner, name, to_json(network))
    chosen = next(node.id for node in network.network.nodes if node.type != "Input")
    for width, height in SIZES:
        for scheme in SCHEMES:
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
            context.add_cookies([{"name": COOKIE, "value": visitor.cookie, "url": address}])
            page = context.new_page()
            page.goto(f"{address}/?design={design.id}")
            select(page, chosen)
            page.screenshot(path=folder / f"build-{name}-{width}-{scheme}.png")
            context.close()


def select(page: Page, node: str) -> None:
    where = page.locator(f".react-flow__node[data-id={node}]")
    where.wait_for()
    page.wait_for_selector(IDLE)
    page.wait_for_timeout(SETTLED)
    where.click()
    page.mouse.move(5, 5)
    page.wait_for_timeout(SETTLED)
    page.wait_for_selector(IDLE)


@click.command(help=__doc__)
@click.argument("names", nargs=-1)
def main(names: tuple[str, ...]) -> None:
    FOLDER.mkdir(exist_ok=True)
    with own_home(), server() as address, tempfile.TemporaryDirectory() as folder:
        visitor = new_visitor()  # before Playwright, whose event loop would be in its way
        take(address, visitor, names or NETWORKS, Path(folder))
        for picture in Path(folder).iterdir():  # all or none
            (FOLDER / picture.name).write_bytes(picture.read_bytes())


def take(address: str, visitor: Visitor, names: Sequence[str], folder: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for name in names:
            click.echo(name)
            taken(browser, address, visitor, name, folder)
        browser.close()


if __name__ == "__main__":
    main()
