"""What is told of a run from what was measured in it: doubts with what to try, and how large gradients are by layer."""

import html

import plotly.graph_objects as go
import streamlit as st

from builder.analysis import check
from builder.analysis.diagnosis import Pulse
from builder.analysis.fixes import fitting
from builder.design import read
from builder.problem import Json, Problem
from builder.store import advice as store
from builder.store.runs import Run
from pages.parts import session, style
from pages.parts.problems import problem_list
from pages.parts.words import count

LAYERS = 60
"""Bars that can still be told apart."""


def advice(run: Run) -> None:
    """Doubts about a run, with fixes for the design that is open, where it is the run's and still as the run found it."""
    told = store.told(run.id)
    draft = session.draft()
    mine = run.design == draft.id
    if told and mine:
        told = fitting(told, run.experiment, draft.document, _look)
        problem_list(told, lambda edits: session.submit(edits, draft.revision), "advice")
    else:
        problem_list(told, None, "advice")
    pulse = store.measured(run.id)
    if pulse and pulse.weights:
        _gradients(run, pulse)


def _look(document: Json) -> list[Problem]:
    return check(read.experiment(document))[1]


def _gradients(run: Run, pulse: Pulse) -> None:
    """A bar for each layer: as high as its gradient is large. The scale is logarithmic, since powers of ten tell here."""
    shown = pulse.weights[:LAYERS]
    layers = [html.escape(one.layer) for one in shown]
    sizes = [one.gradient or None for one in shown]
    title = f"Gradient by layer at step {count(pulse.step)}"
    with st.expander(title, icon=":material/bar_chart:"):
        if len(shown) < len(pulse.weights):
            st.caption(f"The first {LAYERS} of {len(pulse.weights)} layers.")
        figure = go.Figure(
            go.Bar(
                x=layers, y=sizes, marker_color=style.series_colours()[0], hovertemplate="%{x}: %{y:.2e}<extra></extra>"
            )
        )
        figure.update_layout(title=title, height=280, margin={"l": 60, "r": 10, "t": 40, "b": 40})
        figure.update_xaxes(title="layer, in the order in which they run", type="category")
        figure.update_yaxes(title="root mean square, loss per weight", type="log", exponentformat="power")
        words = ", ".join(f"{one.layer} {one.gradient:.1e}" for one in shown[:8])
        st.plotly_chart(figure, key=f"pulse-{run.id}", alt=f"{title}, root mean square: {words}.")
