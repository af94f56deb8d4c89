"""A page with a live chart of the run that the address names."""

import streamlit as st

from builder.server.identity import COOKIE, owner_of
from builder.store import runs
from pages.parts.live import live_chart

st.set_page_config(layout="wide")
st.session_state["script_runs"] = st.session_state.get("script_runs", 0) + 1
run_id = st.query_params.get("run", "")
run = runs.get(owner_of(st.context.cookies.get(COOKIE)) or "", run_id)
st.text(f"Script run {st.session_state['script_runs']} saw {run.status if run else 'nothing'}.")
st.button("Rerun")
panels = [
    {
        "title": "Loss",
        "unit": "loss (cross-entropy, nats)",
        "series": [{"name": "train/loss", "label": "training"}, {"name": "validation/loss", "label": "validation"}],
    }
]
triggered = live_chart(run_id, panels, boundary=True, key="live", status=run.status if run else None)
st.text(f"Triggered by {triggered}.")
