"""The palette: every layer and catalog block, by family and by typing."""

from collections.abc import Iterable

import streamlit as st

from builder.analysis import Analysis
from builder.blocks.templates import Template
from builder.catalog import Entry, Layer
from builder.design import names
from builder.design.network import Network
from builder.problem import Edit, Insert, Set
from pages.parts import session
from pages.parts.words import plain

BLOCKS = "Blocks"
"""The family of catalog blocks, whatever they are built of."""


def adder(network: Network, analysis: Analysis, chosen: str | None, revision: int) -> None:
    """A field that finds by typing, and beside it the shelf; what is picked goes behind the selected node, or to the end."""
    after = chosen or _end(network)

    def add(name: str | None) -> None:
        if name is None:
            return
        fresh, edits = _edits(network, analysis, name, after)
        session.show("palette", False)
        session.submit(edits, revision)
        session.select(fresh)

    def add_typed() -> None:
        name = session.shown("add-layer")
        session.show("add-layer", None)
        add(name)

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            "Add a layer",
            options=[entry.__name__ for entry in _all()],
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
            for entry in (entry for entry in _all() if _family(entry) == family):
                with st.container(gap=None):
                    st.button(f"**{entry.__name__}**", key=f"palette-{entry.__name__}", type="tertiary", on_click=add, args=(entry.__name__,))  # fmt: skip
                    st.caption(plain(entry.about()), width=460)


def _all() -> list[type[Entry]]:
    """Layers and catalog blocks, by family and name."""
    entries: list[type[Entry]] = [*Layer.shelf.values(), *Template.shelf.values()]
    return sorted(entries, key=lambda entry: (_family(entry) != BLOCKS, _family(entry), entry.__name__))


def _families() -> list[str]:
    return list(dict.fromkeys(map(_family, _all())))


def _family(entry: type[Entry]) -> str:
    return BLOCKS if issubclass(entry, Template) else entry.group


def _in_list(name: str) -> str:
    entry = Template.shelf.get(name) or Layer.shelf[name]
    return " · ".join([name, _family(entry), *getattr(entry, "aliases", ())])


def _end(network: Network) -> str | None:
    """Where a chain is made longer: at the first output, or behind the last node."""
    if network.outputs:
        return network.outputs[0].partition(":")[0]
    return network.nodes[-1].id if network.nodes else None


def _edits(network: Network, analysis: Analysis, name: str, after: str | None) -> tuple[str, list[Edit]]:
    """The id of a new node of that kind, and the edits that put it there."""
    fresh = names.fresh(name, [node.id for node in network.nodes])
    if name == "Input":
        return fresh, [Insert(node={"id": fresh, "type": name, "inputs": []}, after=None)]
    if name in Layer.shelf:
        return fresh, [Insert(node={"id": fresh, "type": name}, after=after)]
    given = analysis.signals.get(after) if after else None
    template = Template.shelf[name]()
    block = (template.fitted(given) if given else template).block()
    called = _free(name, network.blocks)
    made = Set(path=f"network.blocks.{called}", value=block)
    return fresh, [made, Insert(node={"id": fresh, "block": called}, after=after)]


def _free(name: str, taken: Iterable[str]) -> str:
    """The name, or the name and a number, that no block of the design has."""
    known, count = set(taken), 1
    while (free := name if count == 1 else f"{name}{count}") in known:
        count += 1
    return free
