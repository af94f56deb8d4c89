"""A person's designs as cards: opened, duplicated, thrown away; and the bin they go to."""

import json
import time
from collections.abc import Sequence
from math import ceil

import streamlit as st

from builder import limits
from builder.problem import Problem
from builder.store import documents
from builder.store.documents import Listed
from pages.parts import cards, session
from pages.parts.cards import Looks
from pages.parts.problems import problem_list
from pages.parts.words import DAY, ago, count, plain, several

SHOWN = "designs"
"""Whether the designs are open, in the session."""
PAGE = 12
"""Designs that are drawn at first, and with each press of the button below them."""
MANY = 10
"""From more designs than this one searches."""


def show() -> None:
    session.show("file", False)
    session.show("designs-drawn", PAGE)
    session.show("find-design", "")
    session.show(SHOWN, True)


def hide() -> None:
    session.show(SHOWN, False)


def open_design(design: str) -> None:
    hide()
    session.open_design(design)


def throw_away(design: str, is_open: bool) -> None:
    if is_open:
        session.throw_away_design(design)
        hide()  # the page behind shows another one now
    else:
        session.attempt(documents.throw_away, design)


@st.dialog("Your designs", width="large", icon=":material/grid_view:", on_dismiss=hide)
def dialog(open_now: str) -> None:
    """The person's designs over the page, the one touched last first."""
    if not session.shown(SHOWN):  # something was opened: the page shows it
        st.rerun()
    problem_list(session.notices(), None, "designs")
    mine, thrown = documents.listing(session.owner()), documents.listing(session.owner(), binned=True)
    labels = {"Designs": f"Designs {count(len(mine))}", "Bin": f"Bin {count(len(thrown))}"}
    where = st.segmented_control(
        "Where",
        list(labels),
        default="Designs",
        key="designs-where",
        required=True,
        label_visibility="collapsed",
        format_func=labels.get,
    )
    listed = _found(thrown if where == "Bin" else mine)
    drawn = listed[: session.shown("designs-drawn") or PAGE]
    with cards.grid("designs"):
        for design in drawn:
            if where == "Bin":
                _thrown_card(design)
            else:
                _card(design, is_open=design.id == open_now)
    if len(listed) > len(drawn):
        st.button(
            f"Show more: {several(len(listed) - len(drawn), 'older design')}",
            key="designs-more",
            on_click=session.show,
            args=("designs-drawn", len(drawn) + PAGE),
        )
    if where == "Bin" and not thrown:
        told = f"The bin is empty. What you throw away waits here for {limits.BIN_DAYS} days."
        st.info(told, icon=":material/delete:")


def _found(designs: Sequence[Listed]) -> Sequence[Listed]:
    """Those whose name says what is looked for, where there are many."""
    if len(designs) <= MANY:
        return designs
    words = st.text_input(
        "Find a design", key="find-design", type="search", live=True, icon=":material/search:", placeholder="A name"
    )
    found = [design for design in designs if (words or "").casefold() in _name(design).casefold()]
    if not found:
        st.info("No design is called that.", icon=":material/search_off:")
    return found


def _name(design: Listed) -> str:
    return design.name or "Untitled"


def _card(design: Listed, is_open: bool) -> None:
    with st.container(border=True, gap=None, key=f"own-{design.id}"):
        looks = _picture(design)
        is_whole = not isinstance(looks, Problem)
        if is_whole and not is_open:
            cards.opening(_name(design), f"design-{design.id}", open_design, design.id)
        else:
            st.markdown(f"**{plain(_name(design))}**")
        _costs(looks)
        changed = ago(time.time() - design.touched)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(f"Open now · changed {changed}" if is_open else f"Changed {changed}", width="stretch")
            if is_whole:
                st.button(
                    f"Duplicate {plain(_name(design))}",
                    key=f"copy-own-{design.id}",
                    icon=":material/content_copy:",
                    type="tertiary",
                    help="Duplicate",
                    on_click=session.attempt,
                    args=(documents.duplicate, design.id),
                )
            else:
                _save(design)
            st.button(
                f"Put {plain(_name(design))} into the bin",
                key=f"remove-own-{design.id}",
                icon=":material/delete:",
                type="tertiary",
                help="Into the bin",
                on_click=throw_away,
                args=(design.id, is_open),
            )


def _save(design: Listed) -> None:
    """What cannot be read here may be read elsewhere, or by hand."""
    draft = documents.get(session.owner(), design.id)
    if draft is not None:  # else what is kept of it is not even JSON
        st.download_button(
            f"Save {plain(_name(design))} as JSON",
            data=lambda: json.dumps(draft.document, indent=1),
            key=f"save-own-{design.id}",
            file_name="design.json",
            mime="application/json",
            icon=":material/download:",
            type="tertiary",
            help="Save as JSON",
            on_click="ignore",
        )


def _thrown_card(design: Listed) -> None:
    assert design.binned is not None
    days = max(0, ceil(limits.BIN_DAYS - (time.time() - design.binned) / DAY))
    with st.container(border=True, gap=None, key=f"binned-{design.id}"):
        looks = _picture(design)
        st.markdown(f"**{plain(_name(design))}**")
        _costs(looks)
        st.caption(f"Deleted for good in {several(days, 'day')}" if days else "Deleted for good today")
        with st.container(horizontal=True, gap="small"):
            st.button(
                "Take back",
                key=f"take-{design.id}",
                on_click=session.attempt,
                args=(documents.take_back, design.id),
            )
            with st.popover("Delete for good", icon=":material/delete_forever:", width="content"):
                st.markdown(f"Delete {plain(_name(design))} with its history? Nothing brings it back.")
                st.button(
                    "Yes, delete",
                    key=f"delete-{design.id}",
                    type="primary",
                    on_click=session.attempt,
                    args=(documents.delete_for_good, design.id),
                )


def _picture(design: Listed) -> Looks | Problem:
    """The looks of a design, after its picture is drawn; what is wrong with one that cannot be read."""
    looks = cards.looks_of_design(session.owner(), design.id, _name(design), design.revision)
    if isinstance(looks, Looks):
        cards.drawn(looks)
    else:
        problem_list([looks], None, f"design-{design.id}")
    return looks


def _costs(looks: Looks | Problem) -> None:
    if isinstance(looks, Looks):
        cards.lines(looks.costs, looks.task)
