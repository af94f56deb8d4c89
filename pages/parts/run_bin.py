"""The bin: runs that were thrown away are taken back, or deleted for good after one question."""

from collections.abc import Sequence

import streamlit as st

from builder.store import runs as store
from builder.store.runs import Run
from pages.parts import session


def actions(chosen: Sequence[Run]) -> None:
    """Buttons for what is chosen in the bin, and for all of it."""
    st.button(
        "Take back",
        icon=":material/restore_from_trash:",
        disabled=not chosen,
        on_click=_take_back,
        args=([run.id for run in chosen],),
    )
    with st.popover("Delete for good", icon=":material/delete_forever:", disabled=not chosen, width="content"):
        st.markdown(f"Delete {_so_many(len(chosen))} with curves and checkpoints? Nothing brings them back.")
        st.button("Yes, delete", key="delete-yes", type="primary", on_click=_delete, args=([run.id for run in chosen],))
    with st.popover("Empty the bin", icon=":material/delete_sweep:", width="content"):
        st.markdown("Delete every run in the bin with curves and checkpoints? Nothing brings them back.")
        st.button("Yes, empty it", key="empty-yes", type="primary", on_click=session.attempt, args=(store.empty_bin,))


def throw_away(runs: Sequence[str]) -> None:
    """Put runs into the bin, up to the first that is refused."""
    for run in runs:
        if session.attempt(store.throw_away, run) is None:
            return
    session.choose_runs([])


def _take_back(runs: Sequence[str]) -> None:
    for run in runs:
        session.attempt(store.take_back, run)
    session.choose_runs([])


def _delete(runs: Sequence[str]) -> None:
    for run in runs:
        session.attempt(store.delete, run)
    session.choose_runs([])


def _so_many(runs: int) -> str:
    return "this run" if runs == 1 else f"these {runs} runs"
