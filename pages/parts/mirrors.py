"""Widgets that show something which is kept elsewhere, in the document or in the store, and say when a person changes it.

Each is given its value as its default too. Streamlit sends what the session holds of a widget with the first script run
that draws it, and throws that away where the next run begins before it was sent: the browser then begins with the
default, and tells it as if somebody had chosen it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from builder.problem import Set
from pages.parts import session

Change = Callable[[Any], object]
"""What is called with a new value."""


def text(name: str, label: str, value: str, change: Change, **look: Any) -> None:
    key = session.mirror(name, value)
    st.text_input(label, value, key=key, on_change=lambda: change(session.shown(key)), **look)


def long_text(name: str, label: str, value: str, change: Change, **look: Any) -> None:
    key = session.mirror(name, value)
    st.text_area(label, value, key=key, on_change=lambda: change(session.shown(key)), **look)


def number(name: str, label: str, value: int | None, change: Change, **look: Any) -> None:
    """A whole number, or none."""
    key = session.mirror(name, value)
    st.number_input(label, value=value, step=1, key=key, on_change=lambda: change(session.shown(key)), **look)


def toggle(name: str, label: str, value: bool, change: Change, **look: Any) -> None:
    key = session.mirror(name, value)
    st.toggle(label, value, key=key, on_change=lambda: change(session.shown(key)), **look)


def choice(name: str, label: str, options: Sequence[Any], value: Any, change: Change, **look: Any) -> None:
    """One of several. A value that is none of them leaves it open."""
    key = session.mirror(name, value)
    index = list(options).index(value) if value in options else None
    st.selectbox(label, options, index, key=key, on_change=lambda: change(session.shown(key)), **look)


def choices(name: str, label: str, options: Sequence[Any], value: list[Any], change: Change, **look: Any) -> None:
    """Any number of several."""
    key = session.mirror(name, value)
    st.multiselect(label, options, value, key=key, on_change=lambda: change(session.shown(key)), **look)


def column(label: str, current: str | None, path: str, options: Sequence[str], revision: int) -> None:
    """One of the columns or outputs that there are, kept in the document. One that is not there stays in sight: a Problem tells of it."""

    def choose(name: str) -> None:
        session.submit([Set(path=path, value=name)], revision)

    known = [*options, *([current] if current and current not in options else [])]
    choice(f"column.{path}", label, known, current, choose)
