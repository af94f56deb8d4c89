"""The moments of a run that are kept: a slider goes back to any of them, and another run can go on from there."""

import pandas as pd
import streamlit as st

from builder import limits
from builder.store import branching, checkpoints, history
from builder.store.checkpoints import Kept
from builder.store.runs import Run
from pages.parts import session, typed
from pages.parts.words import count


def moments(run: Run) -> None:
    """What the network was like at a moment that is kept. Nothing, where none is."""
    kept = checkpoints.kept(run.id)
    if not kept:
        return
    with st.expander(f"Moments that are kept ({len(kept)})", icon=":material/history_toggle_off:"):
        moment = _chosen(run, kept)
        values = history.values_at(run.id, moment.step)
        if values:
            table = pd.DataFrame({name: [f"{value:.4g}"] for name, value in values.items()}, index=[_words(moment)])
            st.table(table, width="content")
        _branch(run, moment)


def _chosen(run: Run, kept: list[Kept]) -> Kept:
    """The moment that the slider is at; at first the newest."""
    by_step = {moment.step: moment for moment in kept}
    if len(kept) == 1:
        return kept[0]
    key = f"moment-{run.id}"
    if session.shown(key) not in by_step:
        session.show(key, kept[-1].step)
    step = st.select_slider(
        "Go back to",
        list(by_step),
        key=key,
        format_func=lambda step: _words(by_step[step]),
        help="The best has the smallest validation loss.",
    )
    return by_step[step]


def _words(moment: Kept) -> str:
    return f"step {count(moment.step)}, epoch {count(moment.epoch)}" + (" (best)" if moment.best else "")


def _branch(run: Run, moment: Kept) -> None:
    """Another run that goes on from this moment."""
    epochs, rate = f"moment-epochs-{run.id}", f"moment-rate-{run.id}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input("Up to epoch", 1, limits.EPOCHS, max(run.epochs, 1), key=epochs, width=140)
        st.text_input("Learning rate", key=rate, placeholder="as it was", width=140)
        st.button(
            "Branch from here",
            icon=":material/fork_right:",
            on_click=_go,
            args=(run, moment.step, epochs, rate),
            help="A new run that goes on from this moment; this one stays as it is.",
        )


def _go(run: Run, step: int, epochs_key: str, rate_key: str) -> None:
    changes: dict[str, object] = {}
    if session.shown(epochs_key) != run.epochs:
        changes["recipe.length.epochs"] = session.shown(epochs_key)
    rate = (session.shown(rate_key) or "").strip()
    if rate:
        number = typed.number(rate)
        if number is None:
            return
        changes["recipe.optimizer.params.lr"] = number
    session.begin(branching.branch, run.id, step, changes=changes)
