"""Two workers and two pages on one database at once: every point is there, and nobody is locked out."""

import time
from collections.abc import Callable
from typing import Any

from builder.blocks import example
from builder.design.network import to_json
from builder.store import documents, history, runs
from tests.hostile.kills import Child, Say, new_home


def beside_each_other(seconds: int) -> None:
    """Workers that write as fast as they can; pages that read, edit a design and command, all for so long."""
    with new_home():
        document = to_json(example("playground"))
        going = [runs.submit(owner, "Digits", document).id for owner in ("ada", "eve")]
        design = documents.create("ada", "Design", document).id
        end = time.monotonic() + seconds
        works: list[Callable[[Say], None]] = [
            *(lambda say, run=run: _write(run, end, say) for run in going),
            *(lambda say, run=run: _look(run, design, end, say) for run in going),
        ]
        children = [Child(work) for work in works]
        ended = [child.end() for child in children]
        assert all(clean for clean, _ in ended)
        counts = [int(said[-1]) for _, said in ended]
        for run, written in zip(going, counts, strict=False):
            found: Any = runs.find(run)
            assert found.step == written > 0
            for series in ("train/loss", "validation/loss"):
                assert sum(row[2] for row in history.series_values(run, series)) == written
        edited = documents.get("ada", design)
        assert edited is not None and edited.revision == 1 + counts[2] + counts[3] > 1
        assert sum(len(runs.commands_after(run, 0)) for run in going) == counts[2] + counts[3]


def _write(run: str, end: float, say: Say) -> None:
    recorder = history.Recorder(run)
    step = 0
    while time.monotonic() < end:
        step += 1
        for series in ("train/loss", "validation/loss"):
            recorder.add(series, step, 1 / step)
        if step % 50 == 0:
            recorder._progress["step"] = step
            recorder.flush()
            runs.commands_after(run, 0)
    recorder._progress["step"] = step
    recorder.close()
    say(str(step))


def _look(run: str, design: str, end: float, say: Say) -> None:
    edits = cursor = 0
    while time.monotonic() < end:
        assert len(runs.listing("ada")) == 1
        cursor, _, _ = history.read(run, cursor)
        draft = documents.get("ada", design)
        assert draft is not None
        if documents.save("ada", design, draft.revision, draft.document | {"name": f"{edits}"}, ["name"]):
            runs.command("ada" if _owner(run) == "ada" else "eve", run, "pause")
            edits += 1
    say(str(edits))


def _owner(run: str) -> str:
    found = runs.find(run)
    assert found is not None
    return found.owner
