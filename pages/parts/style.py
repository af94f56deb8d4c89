"""Our few lines of CSS."""

import re
from functools import cache
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
    colours: list[str] = st.get_option(f"theme.{_mode()}.chartCategoricalColors")
    return colours


TWO_CLASSES = ["#3f7fdc", "#e8871e"]
"""As the live boundary has them."""


def class_colours(classes: int) -> list[str]:
    """A colour for each class, the same wherever points of the classes are drawn; with very many they begin again."""
    colours = TWO_CLASSES if classes == 2 else series_colours()
    return [colours[at % len(colours)] for at in range(classes)]


def coloured(svg: str) -> str:
    """A picture that is shown as an image, which the style sheet of the page does not reach: it takes along what it needs."""
    ink = st.get_option(f"theme.{_mode()}.textColor")
    return svg.replace(">", f"><style>{_palette()}svg{{color:{ink}}}</style>", 1)


def _mode() -> str:
    return "dark" if st.context.theme.type == "dark" else "light"


@cache
def _palette() -> str:
    """The colours of the families, as the style sheet says them."""
    found = re.search(r":root \{[^}]*\}", CSS.read_text())
    assert found is not None
    return re.sub(r"\s+", "", found[0])
