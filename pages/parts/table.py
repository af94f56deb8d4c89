"""The layer table and its totals."""

from collections.abc import Mapping, Sequence

import streamlit as st

from builder.analysis import Analysis, Row
from builder.analysis.classic import classic
from builder.analysis.inside import path_of
from builder.analysis.receptive import in_words, receptive_fields
from pages.parts import session
from pages.parts.bundle import component
from pages.parts.words import amount, by_kind, count, memory

_component = component("canvas", "table")

KEY = "layer-table"

Column = Sequence[str | int | None]
"""One thing about each row; None where it is not known, or there is none."""

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


VIEWS = ("Every layer", "As drawn", "As in 1998")
CLASSIC = (
    "Neurons, parameters and connections as LeCun et al. counted them for LeNet-5: every use of a weight is a connection, "
    "and every bias one more. Pooling is counted as their subsampling, with a coefficient and a bias for each map. "
    "Layers of other kinds are not counted."
)


WORDS = {"Layer", "Type", "Output"}
"""Columns that are read as words. The others are compared as numbers."""

HELP = {
    "Memory": "Of the output, float32, one sample.",
    "Sees": "Receptive field: the part of the input, in its positions, that one number of the output depends on. Borders are not looked at.",
    "Stride": "How far apart in the input two neighbours of the output look.",
    "Other": "Operations that are no multiply-adds, as activations, pooling and norms. The layer's arithmetic tells the kinds.",
    "Frozen": "Parameters that do not learn.",
    "Buffers": "Numbers that are kept and not learned, as the running mean of a batch norm.",
}


def layers(analysis: Analysis) -> None:
    """The layer table in one of three views: blocks opened, as they are drawn, or counted in the old way."""
    view = st.segmented_control("Table", VIEWS, default=VIEWS[0], key="table-view", required=True, label_visibility="collapsed")  # fmt: skip
    if view == VIEWS[2]:
        _classic(analysis)
    else:
        _table(analysis, list(analysis.expanded()) if view == VIEWS[0] else list(analysis.rows))


def _table(analysis: Analysis, rows: list[Row]) -> None:
    fields = receptive_fields(analysis.expanded())
    columns: dict[str, Column] = {
        "Layer": [row.id for row in rows],
        "Type": [row.type + (f" x {row.repeat}" if row.repeat > 1 else "") for row in rows],
        "Output": [str(row.outputs[0]) if row.outputs else "unknown" for row in rows],
        "Parameters": [row.parameters if row.outputs else None for row in rows],
        "MACs": [row.macs if row.outputs else None for row in rows],
        "FLOPs": [row.flops if row.outputs else None for row in rows],
        "Memory": [memory(row.activation_bytes) if row.outputs else None for row in rows],
    }
    if any(row.id in fields for row in rows[1:]):
        seen = [fields.get(row.id) for row in rows]
        columns["Sees"] = [in_words(field.sides) if field else None for field in seen]
        columns["Stride"] = [in_words(field.stride) if field else None for field in seen]
    columns["Other"] = [sum(row.operations.values()) if row.outputs else None for row in rows]
    if analysis.trainable < analysis.parameters:
        columns["Frozen"] = [row.parameters - row.trainable if row.outputs else None for row in rows]
    if analysis.buffers:
        columns["Buffers"] = [row.buffers if row.outputs else None for row in rows]
    _draw(
        "layers",
        f"Layer table: {len(rows)} layers, {count(analysis.parameters)} parameters, {count(analysis.macs)} multiply-adds.",
        columns,
        [path_of(row.id) for row in rows],
        [row.family for row in rows],
    )


def _classic(analysis: Analysis) -> None:
    st.caption(CLASSIC)
    counts = classic(analysis)
    if not counts:
        st.info("No layer here has neurons in that sense.", icon=":material/info:")
        return
    numbers = {
        "Neurons": [layer.neurons for layer in counts],
        "Parameters": [layer.parameters for layer in counts],
        "Connections": [layer.connections for layer in counts],
    }
    families = {row.id: row.family for row in analysis.rows}
    _draw(
        "layers-1998",
        f"{len(counts)} layers as LeNet-5 was counted: {count(sum(numbers['Connections']))} connections.",
        {
            "Layer": [*(layer.title or layer.id for layer in counts), "Total"],
            **{name: [*column, sum(column)] for name, column in numbers.items()},
        },
        [*(layer.id for layer in counts), None],
        [*(families[layer.id] for layer in counts), None],
    )


def _draw(
    name: str, label: str, columns: Mapping[str, Column], paths: Sequence[str | None], families: Sequence[str | None]
) -> None:
    """A table of layers. `paths` say which nodes of the canvas the rows are about."""
    at, nodes = session.seen()
    data = {
        "name": name,
        "label": label,
        "columns": [{"name": column, "help": HELP.get(column, ""), "isWords": column in WORDS} for column in columns],
        "rows": [
            {"cells": cells, "path": path, "family": family}
            for path, family, *cells in zip(paths, families, *columns.values(), strict=True)
        ],
        "selected": [f"{at}.{node}" if at else node for node in nodes],
    }

    def choose() -> None:
        """Where no canvas is there to select it."""
        above, _, node = str(session.shown(KEY).chosen).rpartition(".")
        session.see(above, [node])

    _component(key=KEY, data=data, height="content", on_chosen_change=choose)
