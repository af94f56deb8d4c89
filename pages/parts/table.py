"""The layer table and its totals."""

from typing import Any

import pandas as pd
import streamlit as st

from builder.analysis import Analysis, Row
from builder.analysis.classic import classic
from builder.analysis.receptive import in_words, receptive_fields
from pages.parts.words import amount, by_kind, count, memory

ROW = 31
"""Height of a row, pixels."""

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


def layers(analysis: Analysis) -> None:
    """The layer table in one of three views: blocks opened, as they are drawn, or counted in the old way."""
    view = st.segmented_control("Table", VIEWS, default=VIEWS[0], key="table-view", required=True, label_visibility="collapsed")  # fmt: skip
    if view == VIEWS[2]:
        _classic(analysis)
    else:
        _table(analysis, list(analysis.expanded()) if view == VIEWS[0] else list(analysis.rows))


def _table(analysis: Analysis, rows: list[Row]) -> None:
    fields = receptive_fields(analysis.expanded())
    columns: dict[str, list[object]] = {
        "Layer": [row.id for row in rows],
        "Type": [row.type + (f" x {row.repeat}" if row.repeat > 1 else "") for row in rows],
        "Output": [str(row.outputs[0]) if row.outputs else "unknown" for row in rows],
        "Parameters": [row.parameters if row.outputs else None for row in rows],
        "MACs": [row.macs if row.outputs else None for row in rows],
        "FLOPs": [row.flops if row.outputs else None for row in rows],
        "Memory": [memory(row.activation_bytes) if row.outputs else "" for row in rows],
    }
    if any(row.id in fields for row in rows[1:]):
        seen = [fields.get(row.id) for row in rows]
        columns["Sees"] = [in_words(field.sides) if field else "" for field in seen]
        columns["Stride"] = [in_words(field.stride) if field else "" for field in seen]
    columns["Other"] = [sum(row.operations.values()) if row.outputs else None for row in rows]
    if analysis.trainable < analysis.parameters:
        columns["Frozen"] = [row.parameters - row.trainable if row.outputs else None for row in rows]
    if analysis.buffers:
        columns["Buffers"] = [row.buffers if row.outputs else None for row in rows]
    st.dataframe(
        pd.DataFrame(columns),
        hide_index=True,
        key="layer-table",
        row_height=ROW,
        placeholder="–",
        height=min(ROW * (len(rows) + 1) + 2, 460) if rows else "auto",
        column_config={
            "Layer": st.column_config.TextColumn(pinned=True, width=150),
            "Type": st.column_config.TextColumn(width=120),
            "Output": st.column_config.TextColumn(width=95),
            **{name: _numbers(columns[name]) for name in ("Parameters", "MACs", "FLOPs")},
            "Memory": st.column_config.TextColumn(width=72, help="Of the output, float32, one sample."),
            "Sees": st.column_config.TextColumn(
                help="Receptive field: the part of the input, in its positions, that one number of the output depends on. Borders are not looked at."
            ),
            "Stride": st.column_config.TextColumn(help="How far apart in the input two neighbours of the output look."),
            "Other": _numbers(
                columns["Other"],
                "Operations that are no multiply-adds, as activations, pooling and norms. The layer's arithmetic tells the kinds.",
            ),
            "Frozen": _numbers(columns.get("Frozen", []), "Parameters that do not learn."),
            "Buffers": _numbers(
                columns.get("Buffers", []),
                "Numbers that are kept and not learned, as the running mean of a batch norm.",
            ),
        },
        alt=f"Layer table: {len(rows)} layers, {count(analysis.parameters)} parameters, {count(analysis.macs)} multiply-adds.",
    )


def _numbers(numbers: list[object], help: str | None = None) -> dict[str, Any]:
    """A column that is as wide as its largest number: a table cuts off what is wider."""
    digits = max((len(f"{number:,}") for number in numbers if number is not None), default=0)
    return st.column_config.NumberColumn(format="localized", width=max(75, round(6.5 * digits) + 17), help=help)


def _classic(analysis: Analysis) -> None:
    st.caption(CLASSIC)
    counts = classic(analysis)
    if not counts:
        st.info("No layer here has neurons in that sense.", icon=":material/info:")
        return
    parts = {
        "Layer": [layer.title or layer.id for layer in counts],
        "Neurons": [layer.neurons for layer in counts],
        "Parameters": [layer.parameters for layer in counts],
        "Connections": [layer.connections for layer in counts],
    }
    total = {name: [*column, "Total" if name == "Layer" else sum(column)] for name, column in parts.items()}  # type: ignore[arg-type]
    number = st.column_config.NumberColumn(format="localized")
    st.dataframe(
        pd.DataFrame(total),
        hide_index=True,
        key="classic-table",
        row_height=ROW,
        column_config=dict.fromkeys(("Neurons", "Parameters", "Connections"), number),
        alt=f"{len(counts)} layers as LeNet-5 was counted: {count(sum(parts['Connections']))} connections.",
    )
