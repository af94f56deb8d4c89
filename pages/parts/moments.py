"""The moments of a run that are kept: a slider goes back to any of them, and another run can go on from there."""

import html

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from builder import limits
from builder.store import branching, checkpoints, history, views
from builder.store.checkpoints import Kept
from builder.store.runs import Run
from pages.parts import session, style, typed
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
        _picture(run, moment)
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


def _picture(run: Run, moment: Kept) -> None:
    """The decision boundary as it was then, where one was drawn."""
    boundary = views.read(run.id, f"{checkpoints.PICTURE}{moment.step}", -1)
    points = views.read(run.id, "points", -1)
    if boundary is None or points is None:
        return
    meta = boundary.meta
    cells = np.frombuffer(boundary.data, "<f4").reshape(meta["size"], meta["size"])
    colours = style.class_colours(meta["classes"])
    scale = [[at / (len(colours) - 1), colour] for at, colour in enumerate(colours)]
    low, high = (-1, 1) if meta["classes"] == 2 else (0, meta["classes"] - 1)
    x, y = (np.linspace(*meta[side], 2 * meta["size"] + 1)[1::2] for side in ("x", "y"))
    field = go.Heatmap(
        x=x, y=y, z=cells, zmin=low, zmax=high, colorscale=scale, opacity=0.45, showscale=False, hoverinfo="skip"
    )
    samples = np.frombuffer(points.data, "<f4").reshape(-1, 4)
    figure = go.Figure(field)
    for number, label in enumerate(meta["labels"]):
        mine = samples[samples[:, 2] == number]
        marker = {"color": colours[number % len(colours)], "size": 6}
        figure.add_scatter(x=mine[:, 0], y=mine[:, 1], mode="markers", name=html.escape(label), marker=marker)
    figure.update_layout(
        title=f"Decision boundary at {_words(moment)}", height=380, margin={"l": 40, "r": 10, "t": 40, "b": 40}
    )
    figure.update_xaxes(title="x", constrain="domain", range=list(meta["x"])).update_yaxes(
        title="y", scaleanchor="x", range=list(meta["y"])
    )
    st.plotly_chart(figure, key=f"moment-picture-{run.id}", alt=f"The decision boundary at {_words(moment)}.")


def _words(moment: Kept) -> str:
    return f"step {count(moment.step)}, epoch {count(moment.epoch)}" + (" (best)" if moment.best else "")


def _branch(run: Run, moment: Kept) -> None:
    """Another run that goes on from this moment."""
    epochs, rate = f"moment-epochs-{run.id}", f"moment-rate-{run.id}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input("Up to epoch", 1, limits.EPOCHS, min(max(run.epochs, 1), limits.EPOCHS), key=epochs, width=140)
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
