"""The canvas: the network as a graph, drawn and edited in the browser. It asks the server itself, without a script run."""

import streamlit as st

from builder.store.documents import Draft
from pages.parts import session
from pages.parts.bundle import component

_component = component("canvas")

KEY = "canvas"


def canvas(draft: Draft) -> None:
    """Draw the design. The script runs again when the canvas has changed it, or something else is selected there."""
    at, nodes = session.seen()
    data = {"design": draft.id, "api": "api", "revision": draft.revision, "at": at, "selected": nodes}
    _component(key=KEY, data=data, height="content", on_selection_change=_selected, on_revision_change=_changed)


def _selected() -> None:
    told = st.session_state[KEY].selection
    if isinstance(told, dict):
        session.see(str(told.get("at", "")), [str(node) for node in told.get("nodes", [])])


def _changed() -> None:
    """The rerun itself is wanted: everything else on the page shows the new revision. What was wrong before is over."""
    session.notify()
