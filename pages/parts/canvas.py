"""Canvas and stack: the network as a graph or in a row, drawn and edited in the browser, which asks the server itself."""

import streamlit as st

from builder.store.documents import Draft
from pages.parts import session
from pages.parts.bundle import component

_component = component("canvas")

KEY = "canvas"


VIEWS = {"canvas": "Canvas", "stack": "Stack"}
"""The ways in which a design is shown, and what they are called. Both are one component: level and selection stay."""


def canvas(draft: Draft, view: str) -> None:
    """Draw the design. The script runs again when it was changed there, or something else is selected."""
    at, nodes = session.seen()
    data = {"design": draft.id, "api": "api", "view": view, "revision": draft.revision, "at": at, "selected": nodes}
    _component(key=KEY, data=data, height="content", on_told_change=_told)


def _told() -> None:
    """What is selected, and which revision the canvas has made: after a change everything else on the page shows that one."""
    told = st.session_state[KEY].told
    if not isinstance(told, dict):
        return
    if "nodes" in told:
        session.see(str(told.get("at", "")), [str(node) for node in told["nodes"]])
    session.changed(told.get("revision"))
