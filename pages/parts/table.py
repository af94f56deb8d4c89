"""The layer table in one of three views, and its totals."""

import streamlit as st

from builder.analysis import Analysis
from builder.store.documents import Draft
from builder.words import memory
from pages.parts import session
from pages.parts.bundle import component
from pages.parts.words import amount, by_kind, count

_component = component("canvas", "table")

KEY = "layer-table"

CONVENTIONS = (
    "For one sample. A MAC is one multiply and one add of a dense, convolution or recurrent product, bias left out, as "
    "published tables count; FLOPs add the biases. Activations, pooling and normalization are not in them, but stand beside them. "
    "Memory is that of the outputs in float32."
)


def totals(analysis: Analysis) -> None:
    """What the whole network costs."""
    frozen = analysis.parameters - analysis.trainable
    known = "" if all(row.outputs for row in analysis.rows) else "≥ "
    with st.container(horizontal=True, key="totals"):
        st.metric(
            "Parameters",
            known + count(analysis.parameters),
            help=f"{count(frozen)} of them are frozen." if frozen else "All of them learn.",
        )
        st.metric("MACs", known + amount(analysis.macs), help=CONVENTIONS)
        st.metric(
            "FLOPs",
            known + amount(analysis.flops),
            help=CONVENTIONS + (f" Here: {by_kind(analysis.operations)}." if analysis.operations else ""),
        )
        st.metric("Activations", known + memory(analysis.activation_bytes), help=CONVENTIONS)


VIEWS = {"layers": "Every layer", "drawn": "As drawn", "classic": "As in 1998"}
"""The lists of `builder.server.beside`, and what they are called."""
CLASSIC = (
    "Neurons, parameters and connections as LeCun et al. counted them for LeNet-5: every use of a weight is a connection, "
    "and every bias one more. Pooling is counted as their subsampling, with a coefficient and a bias for each map. "
    "Layers of other kinds are not counted."
)


def layers(draft: Draft) -> None:
    """The table, which the browser fetches itself. The script runs where a row is chosen that no canvas is there to select."""
    view = st.segmented_control(
        "Table",
        list(VIEWS),
        format_func=VIEWS.__getitem__,
        default=next(iter(VIEWS)),
        key="table-view",
        required=True,
        label_visibility="collapsed",
    )
    if view == "classic":
        st.caption(CLASSIC)

    def choose() -> None:
        above, _, node = str(session.shown(KEY).chosen).rpartition(".")
        session.see(above, [node])

    at, nodes = session.seen()
    data = {
        "api": "api",
        "design": draft.id,
        "revision": draft.revision,
        "name": view,
        "selected": [f"{at}.{node}" if at else node for node in nodes],
    }
    _component(key=KEY, data=data, height="content", on_chosen_change=choose)
