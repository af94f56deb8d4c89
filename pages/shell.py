"""Navigation and page frame."""

import streamlit as st

from pages.parts import session, style

st.set_page_config(page_title="Layerlab", page_icon=str(style.ICON), layout="wide")
style.apply()
page = st.navigation(
    [
        st.Page("build.py", title="Build", icon=":material/stacks:", default=True),
        st.Page("train.py", title="Train", icon=":material/play_circle:"),
    ],
    position="top",
)
if session.known_visitor():
    page.run()
