"""Our few lines of CSS."""

from pathlib import Path

import streamlit as st

ASSETS = Path(__file__).parents[2] / "assets"
CSS = ASSETS / "style.css"
ICON = ASSETS / "icon.png"


def apply() -> None:
    """Put the style sheet into the page."""
    st.html(CSS)
