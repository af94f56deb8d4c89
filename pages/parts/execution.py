"""How the next run is carried out: device, precision, threads, memory format. No part of the design: the same one runs anywhere."""

from typing import get_args

import streamlit as st

from builder import limits
from builder.design.experiment import Device, MemoryFormat, Precision, Wish
from builder.store.documents import Draft
from pages.parts import session

CHOICES = {
    "device": get_args(Device),
    "precision": get_args(Precision),
    "memory_format": ("auto", *get_args(MemoryFormat)),
}


def settings(draft: Draft) -> None:
    """A widget for each wish."""
    wish = session.wish(draft.id)
    with st.expander("Execution", icon=":material/memory:"):
        for names in (("device", "precision"), ("memory_format", "threads")):
            for column, name in zip(st.columns(2, vertical_alignment="bottom"), names, strict=True):
                with column:
                    _widget(draft.id, wish, name)


def _widget(design: str, wish: Wish, name: str) -> None:
    field = Wish.model_fields[name]
    key = f"wish-{name}-{design}"
    session.show(key, getattr(wish, name))

    def say() -> None:
        session.want(design, name, session.shown(key))

    label = field.title or name
    if name in CHOICES:
        st.selectbox(label, CHOICES[name], key=key, help=field.description, on_change=say)
    else:
        st.number_input(label, 1, limits.THREADS, key=key, help=field.description, on_change=say)
