"""The layer table and its totals."""

import pandas as pd
import streamlit as st

from builder.analysis import Analysis
from pages.parts.words import amount, count, memory

ROW = 31
"""Height of a row, pixels."""

CONVENTIONS = (
    "For one sample. A MAC is one multiply and one add of a dense, convolution or recurrent product, bias left out, as "
    "published tables count; FLOPs add the biases. Activations, pooling and normalization are not in them. "
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
            help=CONVENTIONS,
        )
        st.metric("Activations", known + memory(analysis.activation_bytes), help=CONVENTIONS)


def layers(analysis: Analysis) -> None:
    """One row a node, blocks opened."""
    rows = list(analysis.expanded())
    frame = pd.DataFrame(
        {
            "Layer": [row.id for row in rows],
            "Type": [row.type for row in rows],
            "Output": [str(row.outputs[0]) if row.outputs else "unknown" for row in rows],
            "Parameters": [row.parameters if row.outputs else None for row in rows],
            "MACs": [row.macs if row.outputs else None for row in rows],
            "FLOPs": [row.flops if row.outputs else None for row in rows],
            "Memory": [memory(row.activation_bytes) if row.outputs else "" for row in rows],
        }
    )
    number = st.column_config.NumberColumn(format="localized", width="small")
    st.dataframe(
        frame,
        hide_index=True,
        key="layer-table",
        row_height=ROW,
        placeholder="–",
        height=min(ROW * (len(rows) + 1) + 2, 460) if rows else "auto",
        column_config={
            "Layer": st.column_config.TextColumn(pinned=True, width=150),
            "Type": st.column_config.TextColumn(width=125),
            "Output": st.column_config.TextColumn(width=95),
            "Parameters": number,
            "MACs": number,
            "FLOPs": number,
            "Memory": st.column_config.TextColumn(help="Of the output, float32, one sample."),
        },
        alt=f"Layer table: {len(rows)} layers, {count(analysis.parameters)} parameters, {count(analysis.macs)} multiply-adds.",
    )
