"""Our few lines of CSS."""

from pathlib import Path

import streamlit as st

ASSETS = Path(__file__).parents[2] / "assets"
CSS = ASSETS / "style.css"
ICON = ASSETS / "icon.png"


def apply() -> None:
    """Put the style sheet into the page."""
    st.html(CSS)


def series_colours() -> list[str]:
    """The colours of the theme that the visitor sees, one a series, as the charts have them."""
    mode = "dark" if st.context.theme.type == "dark" else "light"
    colours: list[str] = st.get_option(f"theme.{mode}.chartCategoricalColors")
    return colours
