"""The palette: every layer and catalog block, by family and by typing."""

import streamlit as st

from builder.analysis import Analysis
from builder.blocks import adding
from builder.blocks.palette import BLOCKS, entries, family_of
from builder.catalog import Entry
from builder.design.network import Network
from pages.parts import session
from pages.parts.words import plain


def adder(network: Network, analysis: Analysis, chosen: str | None, revision: int) -> None:
    """A field that finds by typing, and beside it the shelf; what is picked goes behind the selected node, or to the end."""
    after = chosen or adding.end_of(network)

    def add(name: str | None) -> None:
        if name is None:
            return
        edits = adding.behind(network, None, name, after, analysis.signals.get(after or ""))
        session.show("palette", False)
        session.submit(edits, revision)
        session.select(adding.new_node(edits))

    def add_typed() -> None:
        name = session.shown("add-layer")
        session.show("add-layer", None)
        add(name)

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            "Add a layer",
            options=list(entries()),
            format_func=_in_list,
            index=None,
            key="add-layer",
            placeholder=f"Add behind {after}: type to search" if after else "Add a layer: type to search",
            on_change=add_typed,
            label_visibility="collapsed",
        )
        shelf = st.popover("Palette", icon=":material/category:", width="content", key="palette", on_change="rerun")
    if shelf.open:
        with shelf:
            family = st.pills("Family", _families(), default=BLOCKS, key="palette-family", required=True, width=460)
            for entry in (entry for entry in entries().values() if family_of(entry) == family):
                with st.container(gap=None):
                    st.button(f"**{entry.__name__}**", key=f"palette-{entry.__name__}", type="tertiary", on_click=add, args=(entry.__name__,))  # fmt: skip
                    st.caption(plain(entry.about()), width=460)


def _families() -> list[str]:
    return list(dict.fromkeys(map(family_of, entries().values())))


def _in_list(name: str) -> str:
    entry: type[Entry] = entries()[name]
    return " · ".join([name, family_of(entry), *entry.aliases])
