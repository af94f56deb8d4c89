"""The gallery: every example as a card, by family and by searching."""

import re
from collections.abc import Mapping
from functools import cache

import streamlit as st

from builder.analysis.task import task
from builder.blocks import example
from builder.blocks.gallery import Exhibit, nearest
from builder.design.network import to_json
from pages.parts import cards, session
from pages.parts.words import plain

ALL = "All"
SHOWN = "examples"
"""Whether the gallery is open, in the session."""


def show() -> None:
    session.show("find-example", "")
    session.show(SHOWN, True)


def hide() -> None:
    session.show(SHOWN, False)


def open_example(name: str) -> None:
    hide()
    session.open_new(to_json(example(name)))


@st.dialog("Examples", width="large", icon=":material/collections_bookmark:", on_dismiss=hide)
def dialog(gallery: Mapping[str, Exhibit]) -> None:
    """The gallery over the page. What is picked opens as a new design."""
    if not session.shown(SHOWN):  # something was picked: the page shows it
        st.rerun()
    words = st.text_input(
        "Find an example",
        key="find-example",
        type="search",
        live=True,
        icon=":material/search:",
        placeholder="A name, a family, a task, a word of its story",
        on_change=lambda: session.show("gallery-family", ALL),  # whatever family was looked at
    )
    hits = _found(gallery, words or "")
    families = list(dict.fromkeys(exhibit.family for exhibit in gallery.values()))
    counts = {name: sum(exhibit.family == name for exhibit in hits) for name in families} | {ALL: len(hits)}
    family = st.pills(
        "Family",
        [ALL, *families],
        default=families[0],
        key="gallery-family",
        required=True,
        label_visibility="collapsed",
        format_func=lambda name: f"{name} {counts[name]}",
    )
    chosen = [exhibit for exhibit in hits if family in (ALL, exhibit.family)]
    if not chosen:
        _nothing(words or "", len(hits))
    with cards.grid("gallery"):
        for exhibit in chosen:
            _card(exhibit)


def _card(exhibit: Exhibit) -> None:
    looks = cards.looks_of_example(exhibit.name)
    with st.container(border=True, gap=None, key=f"exhibit-{exhibit.name}"):
        cards.drawn(looks)
        cards.opening(exhibit.name, f"example-{exhibit.name}", open_example, exhibit.name)
        st.caption(plain(re.split(r"(?<=[.?!]) ", exhibit.story)[0]))
        cards.lines(looks.costs, f"{looks.task} · trains in seconds" if exhibit.light else looks.task)


def _nothing(words: str, elsewhere: int) -> None:
    """What stands where the cards would be."""
    near = nearest(words) if words else None
    if elsewhere:
        st.info("Not in this family. Look at All.", icon=":material/search_off:")
    elif near:
        st.info("No example is like that. Did you mean this one?", icon=":material/search_off:")
        st.button(plain(near), key="nearest-example", on_click=open_example, args=(near,))
    else:
        st.info("No example is like that. Look for something else, or for All.", icon=":material/search_off:")


def _found(gallery: Mapping[str, Exhibit], words: str) -> list[Exhibit]:
    """Examples of which every word is told somewhere, those first whose name begins with them, or has them in it."""
    wanted = words.casefold().split()
    start = _bare("".join(wanted))
    # People write ResNet-50 and mobilenetv2.
    hits = [
        each for each in gallery.values() if all(word in _told(each) or _bare(word) in _told(each) for word in wanted)
    ]
    return sorted(hits, key=lambda each: (not _bare(each.name).startswith(start), start not in _bare(each.name)))


@cache
def _told(exhibit: Exhibit) -> str:
    parts = (
        exhibit.name,
        _bare(exhibit.name),
        exhibit.family,
        exhibit.story,
        exhibit.paper,
        task(example(exhibit.name)),
    )
    return " ".join(parts).casefold()


def _bare(word: str) -> str:
    return word.replace("-", "").replace("_", "")
