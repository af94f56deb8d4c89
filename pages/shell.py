"""Navigation and page frame."""

import streamlit as st

from builder.problem import Refused
from pages.parts import session, style
from pages.parts.problems import problem_list

st.set_page_config(page_title="Layerlab", page_icon=str(style.ICON), layout="wide")
style.apply()
page = st.navigation(
    [
        st.Page("build.py", title="Build", icon=":material/stacks:", default=True),
        st.Page("train.py", title="Train", icon=":material/play_circle:"),
        st.Page("runs.py", title="Runs", icon=":material/leaderboard:"),
    ],
    position="top",
)
try:
    if session.known_visitor():
        page.run()
except Refused as refused:  # the store does not answer: nothing on the page can be drawn without it
    problem_list(refused.problems, None, "page")
