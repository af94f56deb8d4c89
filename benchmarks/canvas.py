"""The canvas with a network of 176 nodes: `python -m benchmarks.canvas`, a minute or two.

ResNet-50 with every block opened into layers, in a headless Chromium (requirements-dev.txt) beside the app on the same
cores. Promised: from an edit to the changed badges 100 ms, 95 times in 100 within 250; view and selection unchanged by
edits from either side, and the canvas mounted once; 50 frames a second while nodes are dragged and the view is panned;
at most 4 kB to the browser for one edit, canvas, table, program and the rest of the page together.
"""

import os
import statistics
from contextlib import closing
from typing import NamedTuple

import click
import numpy as np
from playwright.sync_api import Page

from benchmarks.measure import machine, table
from benchmarks.stage import IDLE, Relay, browser_of, new_visitor, opened, own_home, server
from builder.blocks import example
from builder.design import edits
from builder.design.network import to_json
from builder.problem import Json, Set, Ungroup
from builder.store import documents, editing

LARGEST_MEDIAN, LARGEST_P95, LARGEST_BYTES, LEAST_FRAMES = 100.0, 250.0, 4_000, 50.0
PAUSE = 900
"""Milliseconds between two edits: nobody is faster, and by then the page has drawn what belongs to the one before."""
CHANGED = "stem"
"""The layer whose filters are edited."""

ROOT = (
    "[...document.querySelectorAll('*')].map(each => each.shadowRoot).find(root => root?.querySelector('.react-flow'))"
)

EDIT = f"""
([shift, node, text]) => new Promise((resolve) => {{
  const root = {ROOT};
  const flow = root.querySelector(".react-flow");
  const badge = root.querySelector(`.react-flow__node[data-id="${{node}}"]`);
  const begin = performance.now();
  const look = () => {{
    if (!badge.textContent.includes(text)) return;
    changes.disconnect();
    requestAnimationFrame(() => resolve(performance.now() - begin));
  }};
  const changes = new MutationObserver(look);
  changes.observe(root, {{ childList: true, subtree: true, characterData: true }});
  const key = {{ key: "z", ctrlKey: true, shiftKey: shift, bubbles: true, composed: true, cancelable: true }};
  flow.dispatchEvent(new KeyboardEvent("keydown", key));
}})
"""
"""Milliseconds from Ctrl+Z (or Ctrl+Shift+Z) to the frame in which a node's badge has a text."""

BYTES = "performance.getEntriesByType('resource').filter(one => /\\/(undo|redo)$/.test(one.name)).map(one => one.decodedBodySize)"
"""Of the canvas's own answers, before they are compressed."""
STATE = f"""() => {{
  const root = {ROOT};
  const selected = [...root.querySelectorAll(".react-flow__node.selected")].map(node => node.dataset.id);
  return [root.querySelector(".react-flow__viewport").style.transform, selected];
}}"""
MARK = f"() => {{ {ROOT}.querySelector('.canvas').dataset.mark = 'first'; }}"
MARKED = f"() => {ROOT}.querySelector('.canvas').dataset.mark === 'first'"
FRAMES = """
() => { window.frames_seen = [];
  const count = (now) => { window.frames_seen.push(now); window.frames_going = requestAnimationFrame(count); };
  window.frames_going = requestAnimationFrame(count); }
"""
FRAMES_SEEN = "() => { cancelAnimationFrame(window.frames_going); return window.frames_seen; }"


def resnet50_in_layers() -> dict[str, Json]:
    """ResNet-50 without blocks."""
    document = to_json(example("resnet50"))
    while blocks := [node["id"] for node in document["network"]["nodes"] if node.get("block")]:
        document = edits.apply(document, [Ungroup(node=block) for block in blocks])
    return dict(document)


def nodes_shown(page: Page) -> int:
    return int(page.evaluate(f"() => {ROOT}?.querySelectorAll('.react-flow__node').length ?? 0"))


class Edited(NamedTuple):
    """Milliseconds until the badges show an edit, and bytes to the browser until everything does: canvas, table, program, page."""

    taken: float
    bytes: int


def edited(page: Page, relay: Relay, count: int, node: str, texts: tuple[str, str]) -> list[Edited]:
    """So many edits by the canvas's own undo and redo, which a server makes as it makes any edit."""
    found = []
    for number in range(count):
        shift = number % 2 == 1
        before = relay.bytes
        taken = float(page.evaluate(EDIT, [shift, node, texts[shift]]))
        page.wait_for_timeout(PAUSE)
        page.wait_for_selector(IDLE)
        found.append(Edited(taken, relay.bytes - before))
    return found


def frames_a_second(page: Page, start: tuple[float, float]) -> float:
    """Frames while the pointer drags what is at a point, for about two seconds."""
    page.mouse.move(*start)
    page.mouse.down()
    page.evaluate(FRAMES)
    for step in range(60):
        page.mouse.move(start[0] + 2 * step, start[1] + step)
    seen = page.evaluate(FRAMES_SEEN)
    page.mouse.up()
    return 1e3 / statistics.median(np.diff(seen))


@click.command(help=__doc__)
@click.option("--count", default=40, show_default=True, type=click.IntRange(min=2), help="Of edits.")
def main(count: int) -> None:
    print(machine())
    with own_home(), server() as address, closing(Relay(address)) as relay:
        visitor = new_visitor()
        design = documents.create(visitor.owner, "resnet50", resnet50_in_layers())
        change = Set(path=f"network.nodes.{CHANGED}.params.out_channels", value=32)
        editing.edit(visitor.owner, design.id, 1, [change])
        with browser_of(visitor.cookie, relay.address) as context:
            page = opened(context, f"{relay.address}/?design={design.id}")
            page.wait_for_function(f"() => ({ROOT})?.querySelectorAll('.react-flow__node').length > 100")
            page.wait_for_selector(IDLE)
            page.locator(f".react-flow__node[data-id={CHANGED}]").click()
            page.wait_for_timeout(1_000)
            page.wait_for_selector(IDLE)
            page.evaluate(MARK)
            before, shown = page.evaluate(STATE), nodes_shown(page)
            edited(
                page, relay, 2, CHANGED, ("64 x 112 x 112", "32 x 112 x 112")
            )  # the first ones load what they draw with
            edits_seen = edited(page, relay, count, CHANGED, ("64 x 112 x 112", "32 x 112 x 112"))
            sizes = page.evaluate(BYTES)
            revision = documents.revision(visitor.owner, design.id) or 0
            for number in range(20):  # from the other side: another window, or a form
                other = Set(path="network.nodes.scores.title", value=f"scores {number}")
                revision = editing.edit(visitor.owner, design.id, revision, [other]).revision
                page.wait_for_timeout(120)
            page.wait_for_timeout(1_500)
            unchanged = page.evaluate(STATE) == before and page.evaluate(MARKED)
            box = page.locator(".react-flow__pane").bounding_box()
            node = page.locator(f".react-flow__node[data-id={CHANGED}]").bounding_box()
            assert box and node
            panning = frames_a_second(page, (box["x"] + box["width"] - 60, box["y"] + box["height"] - 60))
            node = page.locator(f".react-flow__node[data-id={CHANGED}]").bounding_box()
            assert node
            dragging = frames_a_second(page, (node["x"] + node["width"] / 2, node["y"] + node["height"] / 2))
    p50, p95 = (float(value) for value in np.percentile([one.taken for one in edits_seen], [50, 95]))
    sent = sorted(one.bytes for one in edits_seen)
    rows = [
        ["nodes on the screen", f"{shown}", ""],
        ["edit to badge, p50", f"{p50:.0f} ms", f"<= {LARGEST_MEDIAN:g} ms"],
        ["edit to badge, p95", f"{p95:.0f} ms", f"<= {LARGEST_P95:g} ms"],
        ["bytes of the canvas's answer to an edit, most", f"{max(sizes):,}", f"<= {LARGEST_BYTES:,}"],
        ["bytes to the browser for an edit, whole page and all connections, median", f"{sent[len(sent) // 2]:,}", f"<= {LARGEST_BYTES:,}"],
        ["bytes to the browser for an edit, whole page and all connections, most", f"{sent[-1]:,}", f"<= {LARGEST_BYTES:,}"],
        ["view, selection and mount after 20 edits from either side", "unchanged" if unchanged else "changed", "unchanged"],
        ["frames a second, panning (median)", f"{panning:.0f}", f">= {LEAST_FRAMES:g}"],
        ["frames a second, dragging a node (median)", f"{dragging:.0f}", f">= {LEAST_FRAMES:g}"],
    ]  # fmt: skip
    print(table(["of the canvas", "measured", "promised"], rows))
    missed = [
        name
        for name, is_missed in {
            "p50": p50 > LARGEST_MEDIAN,
            "p95": p95 > LARGEST_P95,
            "bytes": max(*sizes, sent[-1]) > LARGEST_BYTES,
            "view": not unchanged,
            "frames": min(panning, dragging) < LEAST_FRAMES,
        }.items()
        if is_missed
    ]
    print(f"Load at the end {os.getloadavg()[0]:.1f}. " + (f"Missed: {', '.join(missed)}." if missed else "Everything promised was kept."))  # fmt: skip


if __name__ == "__main__":
    main()
