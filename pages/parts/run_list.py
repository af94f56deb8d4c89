"""The list of runs: what to look for, those that go on right now, and a table in which runs are chosen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

import pandas as pd
import streamlit as st

from builder.store import archive, documents, found_runs, sparklines
from builder.store import runs as store
from builder.store.runs import Run, Status
from pages.parts import session, style
from pages.parts.live import several_live
from pages.parts.words import duration

AT_FIRST = 50
"""Runs in the list, and as many more with each press of Show more."""
WATCHED = 8
"""Runs that are followed line by line, and of those that only wait:"""
NEXT = 2
COMPARED = 8
"""Runs on one chart: as many as there are colours."""
ROW = 32
"""Height of a row in pixels."""
TALLEST = 12
"""Rows before the list scrolls in itself."""

WORDS: dict[Status, str] = {
    "queued": "◷ Queued",
    "starting": "◔ Starting",
    "running": "▶ Running",
    "paused": "‖ Paused",
    "finished": "✓ Finished",
    "stopped": "■ Stopped",
    "failed": "✕ Failed",
    "interrupted": "⚠ Interrupted",
}
"""A sign of its own for each status, so that none is told by colour alone."""

KINDS: dict[str, frozenset[Status]] = {
    "Going": frozenset(store.ALIVE),
    "Finished": frozenset({"finished"}),
    "Ended early": frozenset(store.RESUMABLE),
}
SPARKLINES = ("validation/loss", "train/loss")
"""What is drawn small in the list: the first of them that was recorded."""


@dataclass(frozen=True)
class Asked:
    """What the list is to show."""

    words: str
    kind: str | None
    binned: bool
    limit: int


# What to look for ------------------------------------------------------------------------------------------------


def toolbar() -> Asked:
    """Search, filter, the bin, and a way in for runs from elsewhere."""
    with st.container(horizontal=True, vertical_alignment="center", key="runs-toolbar"):
        words = st.text_input(
            "Find runs",
            key="find-runs",
            label_visibility="collapsed",
            placeholder="Find by name, tag or note",
            icon=":material/search:",
            width=260,
            persist_state="session",
        )
        kind = st.pills("Status", list(KINDS), key="runs-kind", persist_state="session", label_visibility="collapsed")
        st.space("stretch")
        _import()
        where = st.segmented_control(
            "Where", ("Runs", "Bin"), default="Runs", key="runs-where", required=True, label_visibility="collapsed"
        )
    return Asked(words or "", kind, where == "Bin", session.shown("runs-limit") or AT_FIRST)


def _import() -> None:
    def read_upload() -> None:
        uploaded = session.shown("run-upload")
        if uploaded is not None:
            run = session.attempt(archive.unpack, uploaded.getvalue())
            if run is not None:
                session.choose_runs([run.id])
                session.show("runs-where", "Runs")

    with st.popover("Import", icon=":material/upload:", width="content"):
        st.file_uploader("A run that was exported, as one zip", type="zip", key="run-upload", on_change=read_upload)


def look(asked: Asked) -> list[Run]:
    """The runs that are asked for, the newest first, and one more than the limit where there are more."""
    statuses: frozenset[Status] = KINDS[asked.kind] if asked.kind else frozenset()
    return found_runs.found(session.owner(), asked.words, statuses, asked.limit + 1, binned=asked.binned)


def nothing(asked: Asked) -> None:
    """What stands where the list would be."""
    if asked.words or asked.kind:
        st.info("No run is like that. Look for something else, or for everything.", icon=":material/search_off:")
    elif asked.binned:
        st.info("The bin is empty. What you throw away waits here until you empty it.", icon=":material/delete:")
    else:
        st.info("No runs yet. A run is a network that learns: press Train, and it is listed here.", icon=":material/leaderboard:")  # fmt: skip
        st.page_link("train.py", label="Go to Train", icon=":material/play_circle:")


# Those that go on ------------------------------------------------------------------------------------------------


def going(runs: Sequence[Run]) -> None:
    """A line for each run that goes on, which follows it by itself; the table below stays as it is meanwhile."""
    busy = [run for run in runs if run.status in store.GOING]
    waiting = sorted((run for run in runs if run.status == "queued"), key=lambda run: run.place or 0)
    first = [*busy[:WATCHED], *waiting[:NEXT]]
    if not first:
        return
    lines = [{"id": run.id, "label": run.name, "color": None, "status": run.status} for run in first]
    several_live(lines, [], key="going")
    more = len(busy) + len(waiting) - len(first)
    if more:
        st.caption(f"{more} more {'goes on or waits' if more == 1 else 'go on or wait'}.")


# The table -------------------------------------------------------------------------------------------------------


def table(found: Sequence[Run], asked: Asked) -> list[Run]:
    """Draw the list; the runs that are chosen in it, in the order in which they were."""
    listed = list(found[: asked.limit])
    ids = [run.id for run in listed]
    chosen = [run for run in session.chosen_runs() if run in ids]
    # With other rows, or other runs chosen elsewhere, it is another table, which begins with them ticked. A value given to
    # the one that is there would be lost where the next script run comes before the browser has heard of it.
    key = f"run-table-{crc32(' '.join(ids).encode())}-{session.choice()}"
    rows = sorted(ids.index(run) for run in chosen)

    def choose() -> None:
        session.tick_runs([ids[row] for row in _rows(session.shown(key)) if row < len(ids)])

    frame = frame_of(listed, chosen)
    st.dataframe(
        _coloured(frame) if "Mark" in frame else frame,
        key=key,
        hide_index=True,
        on_select=choose,
        selection_default={"selection": {"rows": rows, "columns": [], "cells": []}},
        selection_mode="multi-row",
        row_height=ROW,
        height=ROW * (min(len(listed), TALLEST) + 1) + 2,
        placeholder="–",
        column_config=_columns(frame),
        alt=f"{len(listed)} runs, the newest first: {', '.join(f'{run.name} {run.status}' for run in listed[:5])}.",
    )
    with st.container(horizontal=True, vertical_alignment="center", key="below-runs"):
        st.caption(_hint(len(listed), len(chosen)))
        if len(found) > len(listed):
            more = asked.limit + AT_FIRST
            st.button("Show more", icon=":material/expand_more:", on_click=session.show, args=("runs-limit", more))
    session.show_chosen(chosen)
    return [listed[ids.index(run)] for run in chosen]


def _rows(state: Any) -> list[int]:
    """The rows that the table of this state has selected."""
    return sorted((state or {}).get("selection", {}).get("rows", []))


def _hint(listed: int, chosen: int) -> str:
    many = f"{listed} run{'s' if listed != 1 else ''}"
    return many + (f" · {chosen} chosen" if chosen else " · choose one for its details, several to compare them")


def frame_of(runs: Sequence[Run], chosen: Sequence[str]) -> pd.DataFrame:
    """What the list says of each run. A column that would be empty is left out."""
    marks = letters(chosen)
    designs = {design.id: design.name for design in documents.listing(session.owner())}
    columns: dict[str, list[Any]] = {
        "Mark": [marks.get(run.id, "") for run in runs],
        "Name": [run.name for run in runs],
        "Status": [WORDS[run.status] for run in runs],
        "Tags": [list(run.tags) for run in runs],
        "Begun": [datetime.fromtimestamp(run.started or run.created, tz=UTC) for run in runs],
        "Design": _unlike([designs.get(run.design or "") for run in runs], [run.name for run in runs]),
        "Epochs": [_epochs(run) for run in runs],
        "Time": ["" if run.status in store.ALIVE else duration(run.seconds) for run in runs],
        "Accuracy": [run.summary.get("test/accuracy") for run in runs],
        "Loss": [run.summary.get("test/loss") for run in runs],
        "Course": [list(sparklines.course(run, SPARKLINES)) for run in runs],
        "Notes": [run.notes.partition("\n")[0] for run in runs],
    }
    optional = ("Mark", "Tags", "Design", "Accuracy", "Loss", "Notes")
    shown = (name for name, column in columns.items() if name not in optional or any(_is_said(cell) for cell in column))
    return pd.DataFrame({name: columns[name] for name in shown})


def _is_said(cell: object) -> bool:
    return cell not in (None, "", [])


def _coloured(frame: pd.DataFrame) -> Any:
    """The list with the letters of compared runs in the colours that their curves have."""
    colours = style.series_colours()
    order = sorted(letter for letter in frame["Mark"] if letter)
    css = {letter: f"color: {colours[at % len(colours)]}; font-weight: bold" for at, letter in enumerate(order)}
    return frame.style.map(lambda letter: css.get(letter, ""), subset=["Mark"])


def _unlike(designs: list[str | None], names: list[str]) -> list[str | None]:
    """The designs' names, where any differs from its run's."""
    return designs if any(design not in (None, name) for design, name in zip(designs, names, strict=True)) else []


def letters(chosen: Sequence[str]) -> dict[str, str]:
    """A, B, C ... for the runs that are compared."""
    return {run: chr(ord("A") + at) for at, run in enumerate(chosen[:COMPARED])} if len(chosen) > 1 else {}


def _epochs(run: Run) -> str:
    """How far it came; of one that goes on the lines above tell."""
    if not run.epochs:
        return ""
    return f"{run.epochs:,}" if run.status in store.ALIVE else f"{run.epoch:,} of {run.epochs:,}"


def _columns(frame: pd.DataFrame) -> dict[str, Any]:
    config = st.column_config
    last = "Of the last weights, on the test part."
    course = "Validation loss over the run; training loss where there is no validation part."
    settings = {
        "Mark": config.TextColumn("", width=30),
        "Name": config.TextColumn(width=190),
        "Status": config.TextColumn(width=105),
        "Tags": config.ListColumn(width=115),
        "Begun": config.DatetimeColumn(format="D MMM, HH:mm", width=105),
        "Design": config.TextColumn(width=110),
        "Epochs": config.TextColumn(width=85),
        "Time": config.TextColumn(width=75),
        "Accuracy": config.NumberColumn("Test accuracy", format="percent", width=100, help=last),
        "Loss": config.NumberColumn("Test loss", format="%.4g", width=80, help=last),
        "Course": config.LineChartColumn("Loss", width=120, help=course),
        "Notes": config.TextColumn(width=120),
    }
    return {name: setting for name, setting in settings.items() if name in frame}
